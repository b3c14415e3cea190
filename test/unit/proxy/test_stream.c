/* Answers that are event streams: held back until there is content, whole events, the end. */
#include "proxy_helper.h"
#include <stdio.h>

TEST(events_pass_one_by_one_and_as_they_are)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "one");
    say_head(&g, EVENTS_HEAD);
    EXPECT_EQ(x->head.status, 0);
    say(&g, ROLE);
    EXPECT_EQ(x->head.status, 0); /* nothing was said yet */
    say(&g, WORD("Hel"));
    EXPECT_EQ(x->head.status, 200);
    EXPECT_STR(fake_exchange_field(x, STR("content-type")), "text/event-stream");
    EXPECT_STR(fake_exchange_field(x, STR("cache-control")), "no-cache");
    EXPECT_STR(fake_exchange_field(x, STR("x-accel-buffering")), "no");
    EXPECT_STR(buf_str(&x->body), ROLE WORD("Hel"));
    EXPECT_EQ(atomic_load(&worker_stats(g.worker)->active_streams), 1);
    say(&g, "data: {\"choices\":[{\"del");
    EXPECT_STR(buf_str(&x->body), ROLE WORD("Hel")); /* only whole events */
    say(&g, "ta\":{\"content\":\"lo\"}}]}\n\n");
    EXPECT_STR(buf_str(&x->body), ROLE WORD("Hel") WORD("lo"));
    say(&g, FINISH DONE);
    EXPECT_STR(buf_str(&x->body), ROLE WORD("Hel") WORD("lo") FINISH DONE);
    EXPECT(!x->ended);
    say_end(&g);
    EXPECT(x->ended);
    EXPECT_STR(fake_gateway_record(&g)->finish_reason, "stop");
    EXPECT_EQ(fake_gateway_record(&g)->events, 5);
    EXPECT_EQ(fake_gateway_record(&g)->err, ERR_NONE);
    fake_gateway_close(&g);
}

TEST(usage_is_asked_for_and_hidden_from_who_did_not_ask)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "one");
    say_head(&g, EVENTS_HEAD);
    EXPECT_CONTAINS(buf_str(&fake_gateway_call(&g, 0)->body),
                    "\"stream_options\":{\"include_usage\":true}");
    say(&g, WORD("Hi") FINISH USAGE DONE);
    say_end(&g);
    EXPECT_STR(buf_str(&x->body), WORD("Hi") FINISH DONE);
    EXPECT(fake_gateway_record(&g)->usage.known);
    EXPECT_EQ(fake_gateway_record(&g)->usage.input, 3);
    EXPECT_EQ(fake_gateway_record(&g)->usage.output, 5);
    x = fake_gateway_post(
        &g, "/v1/chat/completions",
        "{\"model\":\"one\",\"stream\":true,\"stream_options\":{\"include_usage\":"
        "true},\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
    say_head(&g, EVENTS_HEAD);
    say(&g, WORD("Hi") FINISH USAGE DONE);
    say_end(&g);
    EXPECT_STR(buf_str(&x->body), WORD("Hi") FINISH USAGE DONE);
    fake_gateway_close(&g);
}

TEST(usage_options_of_the_client_are_kept_beside_ours)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    fake_gateway_post(
        &g, "/v1/chat/completions",
        "{\"model\":\"one\",\"stream\":true,\"stream_options\":{\"include_obfuscation\":"
        "false},\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
    say_head(&g, EVENTS_HEAD);
    str sent = buf_str(&fake_gateway_call(&g, 0)->body);
    EXPECT_CONTAINS(sent, "\"include_obfuscation\":false");
    EXPECT_CONTAINS(sent, "\"include_usage\":true");
    say(&g, WORD("Hi") DONE);
    say_end(&g);
    fake_gateway_close(&g);
}

TEST(an_error_before_content_is_an_ordinary_failure_and_tried_elsewhere)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "two");
    say_head(&g, EVENTS_HEAD);
    say(&g, ROLE EVENT("{\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}"));
    EXPECT_EQ(g.caller.count, 2);
    EXPECT_EQ(x->head.status, 0);
    say_head(&g, EVENTS_HEAD);
    say(&g, ROLE WORD("b") FINISH DONE);
    say_end(&g);
    EXPECT_STR(buf_str(&x->body), ROLE WORD("b") FINISH DONE);
    EXPECT_STR(fake_exchange_field(x, STR("x-gateway-provider")), "b");
    EXPECT_STR(fake_exchange_field(x, STR("x-gateway-attempts")), "2");
    fake_gateway_close(&g);
}

TEST(an_error_event_before_content_comes_out_as_the_status_it_means)
{
    static const struct {
        const char *error, *code;
        int status;
    } rows[] = {
        {"{\"message\":\"x\",\"type\":\"rate_limit_error\"}", "", 429},
        {"{\"message\":\"x\",\"code\":\"insufficient_quota\"}", "insufficient_quota", 429},
        {"{\"message\":\"x\",\"type\":\"invalid_request_error\"}", "", 400},
        {"{\"message\":\"x\",\"code\":\"context_length_exceeded\"}", "", 400},
        {"{\"message\":\"x\",\"type\":\"server_error\"}", "upstream_stream_error", 502},
        {"\"words\"", "upstream_stream_error", 502},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake_gateway g;
        char event[200];
        fake_gateway_open(&g, CONFIGURATION);
        struct fake_exchange *x = fake_gateway_send(
            &g, "POST /v1/chat/completions HTTP/1.1\nx-gateway-retries: 0\n",
            "{\"model\":\"one\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}");
        say_head(&g, EVENTS_HEAD);
        snprintf(event, sizeof(event), "data: {\"error\":%s}\n\n", rows[i].error);
        say(&g, event);
        EXPECT_EQ(x->head.status, rows[i].status);
        if (*rows[i].code)
            EXPECT_STR(error_code(x), rows[i].code);
        else
            EXPECT_CONTAINS(buf_str(&x->body), rows[i].error); /* the provider's own words */
        fake_gateway_close(&g);
    }
}

TEST(an_error_after_content_is_relayed_and_nothing_follows)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "two");
    say_head(&g, EVENTS_HEAD);
    say(&g, WORD("Hi"));
    say(&g, EVENT("{\"error\":{\"message\":\"boom\"}}") DONE);
    EXPECT_STR(buf_str(&x->body), WORD("Hi") EVENT("{\"error\":{\"message\":\"boom\"}}"));
    EXPECT(x->ended);
    EXPECT_EQ(g.caller.count, 1);
    EXPECT(fake_gateway_record(&g)->truncated);
    EXPECT_EQ(fake_gateway_record(&g)->err, ERR_UPSTREAM_STREAM_ERROR);
    fake_gateway_close(&g);
}

/* Whatever ends a stream after content, the client is told so and sees no [DONE]. */
TEST(a_stream_that_fails_after_content_ends_in_an_error_event)
{
    static const struct {
        enum err err; /* NONE: a clean end too early */
        const char *code;
    } rows[] = {{ERR_UPSTREAM_TRUNCATED, "upstream_truncated"},
                {ERR_NONE, "upstream_truncated"},
                {ERR_UPSTREAM_MALFORMED, "upstream_malformed"}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake_gateway g;
        fake_gateway_open(&g, CONFIGURATION);
        struct fake_exchange *x = ask_stream(&g, "two");
        say_head(&g, EVENTS_HEAD);
        say(&g, WORD("Hi") "data: {\"cho");
        if (rows[i].err)
            say_error(&g, rows[i].err);
        else
            say_end(&g);
        EXPECT_EQ(x->head.status, 200);
        EXPECT(x->ended);
        static const char beginning[] = WORD("Hi") "data: {\"error\":{\"message\":";
        EXPECT_STR(str_first(buf_str(&x->body), sizeof(beginning) - 1), beginning);
        EXPECT_CONTAINS(buf_str(&x->body), "\"type\":\"server_error\"");
        EXPECT_CONTAINS(buf_str(&x->body), rows[i].code);
        EXPECT(str_find(buf_str(&x->body), STR("[DONE]")) < 0);
        EXPECT_EQ(g.caller.count, 1);
        EXPECT(fake_gateway_record(&g)->truncated);
        fake_gateway_close(&g);
    }
}

TEST(a_responses_stream_fails_in_its_own_words)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_post(
        &g, "/v1/responses", "{\"model\":\"one\",\"stream\":true,\"input\":\"hi\"}");
    say_head(&g, EVENTS_HEAD);
    say(&g, "event: response.created\ndata: {\"type\":\"response.created\"}\n\n");
    EXPECT_EQ(x->head.status, 0);
    say(&g, "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\","
            "\"delta\":\"H\"}\n\n");
    EXPECT_EQ(x->head.status, 200);
    say_end(&g);
    EXPECT_CONTAINS(buf_str(&x->body), "event: error\ndata: {\"type\":\"error\"");
    EXPECT_CONTAINS(buf_str(&x->body), "event: response.failed\n");
    EXPECT_CONTAINS(buf_str(&x->body), "\"sequence_number\":2");
    EXPECT(str_find(buf_str(&x->body), STR("invalid_request_error")) < 0);
    fake_gateway_close(&g);
}

/* --- After the terminal event ------------------------------------------------------------------- */

static struct fake_exchange *complete_stream(struct fake_gateway *g, const char *head)
{
    fake_gateway_open(g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_send(
        g, head,
        "{\"model\":\"one\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}");
    say_head(g, EVENTS_HEAD);
    say(g, WORD("Hi") FINISH DONE);
    EXPECT(!x->ended);
    return x;
}

static void expect_complete(struct fake_gateway *g, const struct fake_exchange *x)
{
    EXPECT_STR(buf_str(&x->body), WORD("Hi") FINISH DONE);
    EXPECT(x->ended);
    EXPECT_EQ(fake_gateway_record(g)->err, ERR_NONE);
    EXPECT(!fake_gateway_record(g)->truncated);
    fake_gateway_close(g);
}

#define POST_CHAT "POST /v1/chat/completions HTTP/1.1\n"

TEST(what_fails_after_the_terminal_event_is_no_failure)
{
    struct fake_gateway g;
    struct fake_exchange *x = complete_stream(&g, POST_CHAT);
    say_error(&g, ERR_UPSTREAM_TRUNCATED);
    expect_complete(&g, x);
}

TEST(a_deadline_after_the_terminal_event_is_no_failure)
{
    struct fake_gateway g;
    struct fake_exchange *x = complete_stream(&g, POST_CHAT "x-gateway-timeout: 500ms\n");
    advance_ms(&g, 600);
    expect_complete(&g, x);
}

TEST(a_shutdown_after_the_terminal_event_is_no_failure)
{
    struct fake_gateway g;
    struct fake_exchange *x = complete_stream(&g, POST_CHAT);
    worker_end_all(g.worker, ERR_DRAINING);
    expect_complete(&g, x);
}

TEST(an_error_in_the_turn_of_the_terminal_event_is_no_failure)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "one");
    say_head(&g, EVENTS_HEAD);
    fake_call_body(fake_gateway_call(&g, 0), STR(WORD("Hi") FINISH DONE));
    say_error(&g, ERR_UPSTREAM_TRUNCATED);
    expect_complete(&g, x);
}

TEST(a_provider_that_does_not_close_holds_nobody_up)
{
    struct fake_gateway g;
    struct fake_exchange *x = complete_stream(&g, POST_CHAT);
    advance_ms(&g, 1100);
    expect_complete(&g, x);
}

TEST(a_provider_that_goes_on_after_the_terminal_event_holds_nobody_up)
{
    struct fake_gateway g;
    struct fake_exchange *x = complete_stream(&g, POST_CHAT);
    for (unsigned i = 0; i < 4; i++) {
        advance_ms(&g, 400);
        fake_call_body(fake_gateway_call(&g, 0), STR(": still here\n\n"));
    }
    expect_complete(&g, x);
}

TEST(a_stream_that_only_ends_is_complete)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "one");
    say_head(&g, EVENTS_HEAD);
    say(&g, DONE);
    EXPECT_STR(buf_str(&x->body), DONE);
    say_end(&g);
    EXPECT(x->ended);
    fake_gateway_close(&g);
}

/* --- Time ------------------------------------------------------------------------------------------ */

TEST(content_must_come_in_first_byte_whatever_else_comes)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "two");
    say_head(&g, EVENTS_HEAD);
    for (unsigned i = 0; i < 3; i++) { /* every 6 s something that says nothing */
        advance_ms(&g, 6000);
        say(&g, i % 2 ? ": waiting\n\n" : ROLE);
    }
    EXPECT_EQ(g.caller.count, 1);
    advance_ms(&g, 2100);
    EXPECT_EQ(g.caller.count, 2); /* 20 s after the connection stood */
    EXPECT_EQ(x->head.status, 0);
    say_answer(&g, 200, "{}");
    EXPECT_EQ(g.records[0].attempts[0].err, ERR_FIRST_BYTE_TIMEOUT);
    fake_gateway_close(&g);
}

TEST(silence_counts_from_the_last_event_not_from_comments)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "one");
    say_head(&g, EVENTS_HEAD);
    say(&g, WORD("Hi"));
    advance_ms(&g, 9000);
    say(&g, WORD("you"));
    advance_ms(&g, 9000);
    EXPECT(!x->ended);
    say(&g, ": ping\n\n");
    advance_ms(&g, 1100);
    EXPECT(x->ended);
    EXPECT_CONTAINS(buf_str(&x->body), "idle_timeout");
    fake_gateway_close(&g);
}

TEST(the_total_counts_from_the_request_and_ends_a_stream_visibly)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "one");
    say_head(&g, EVENTS_HEAD);
    for (unsigned i = 0; i < 12; i++) {
        say(&g, WORD("more"));
        advance_ms(&g, 8500);
    }
    EXPECT(x->ended);
    EXPECT_CONTAINS(buf_str(&x->body), "total_timeout");
    EXPECT_EQ(fake_gateway_record(&g)->err, ERR_TOTAL_TIMEOUT);
    fake_gateway_close(&g);
}

TEST(a_silent_stream_is_kept_alive_by_comments)
{
    struct fake_gateway g;
    fake_gateway_open(&g, "server: {keepalive_comment: 3s}\n" CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "one");
    say_head(&g, EVENTS_HEAD);
    advance_ms(&g, 7000);
    EXPECT_EQ(x->head.status, 0); /* nothing before the head */
    say(&g, WORD("Hi"));
    advance_ms(&g, 6500);
    EXPECT_STR(buf_str(&x->body), WORD("Hi") ": keepalive\n\n: keepalive\n\n");
    say(&g, WORD("you") "data: {\"cho"); /* never inside an event */
    advance_ms(&g, 3500);
    EXPECT_STR(buf_str(&x->body),
               WORD("Hi") ": keepalive\n\n: keepalive\n\n" WORD("you") ": keepalive\n\n");
    fake_exchange_gone(x, ERR_CLIENT_GONE);
    fake_gateway_close(&g);
}

/* --- Bounds ------------------------------------------------------------------------------------------ */

TEST(what_is_held_back_before_content_is_bounded)
{
    struct fake_gateway g;
    fake_gateway_open(&g, "server: {max_event: 64KiB}\n" CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "one");
    say_head(&g, EVENTS_HEAD);
    for (unsigned i = 0; i < 8000; i++)
        say(&g, ": padding\n\n");
    EXPECT_EQ(x->head.status, 200); /* it goes out rather than pile up */
    EXPECT(x->body.len >= 8000 * 11 - 100);
    fake_exchange_gone(x, ERR_CLIENT_GONE);
    fake_gateway_close(&g);
}

TEST(an_event_longer_than_max_event_is_an_error)
{
    struct fake_gateway g;
    fake_gateway_open(&g, "server: {max_event: 64KiB}\n" CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "one");
    say_head(&g, EVENTS_HEAD);
    say(&g, WORD("Hi") "data: ");
    for (unsigned i = 0; i < 70 && !x->ended; i++) {
        static char kilobyte[1025];
        memset(kilobyte, 'x', 1024);
        say(&g, kilobyte);
    }
    EXPECT(x->ended);
    EXPECT_CONTAINS(buf_str(&x->body), "upstream_too_large");
    fake_gateway_close(&g);
}
