/* Answers that are no event streams: held while they are short, then passed on as they come. */
#include "proxy_helper.h"

#include <stdlib.h>

TEST(a_short_answer_is_held_until_it_is_whole)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "two");
    say_head(&g, JSON_HEAD);
    say(&g, "{\"choices\":[{\"finish_reason\":\"stop\"}],");
    EXPECT_EQ(x->head.status, 0);
    say(&g, "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}");
    EXPECT_EQ(x->head.status, 0);
    say_end(&g);
    EXPECT_EQ(x->head.status, 200);
    EXPECT_EQ(x->head.content_length, (int64_t)x->body.len);
    EXPECT_STR(buf_str(&x->body), "{\"choices\":[{\"finish_reason\":\"stop\"}],"
                                  "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}");
    EXPECT_STR(fake_gateway_record(&g)->finish_reason, "stop");
    EXPECT_EQ(fake_gateway_record(&g)->usage.output, 4);
    fake_gateway_close(&g);
}

TEST(a_truncated_short_answer_is_tried_elsewhere_and_else_a_proper_error)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "two");
    say_head(&g, JSON_HEAD);
    say(&g, "{\"a\":");
    say_error(&g, ERR_UPSTREAM_TRUNCATED);
    EXPECT_EQ(g.caller.count, 2);
    say_head(&g, JSON_HEAD);
    say(&g, "{\"b\":");
    say_end(&g); /* the framing is fine, the JSON is not */
    advance_ms(&g, 150);
    EXPECT_EQ(g.caller.count, 3);
    say_head(&g, JSON_HEAD);
    say_error(&g, ERR_UPSTREAM_TRUNCATED);
    EXPECT_EQ(x->head.status, 502);
    EXPECT_STR(error_code(x), "upstream_truncated");
    EXPECT_CONTAINS(buf_str(&x->body), "a: upstream_truncated in 0.0 s; b: upstream_malformed in");
    fake_gateway_close(&g);
}

/* A chat answer of at least `size` bytes, whole. */
static char *long_answer(size_t size)
{
    struct buf text;
    buf_init(&text, 0);
    buf_add_lit(&text, "{\"choices\":[{\"message\":{\"content\":\"");
    for (size_t i = 0; i < size; i++)
        buf_add_byte(&text, 'x');
    buf_add_lit(&text, "\"}}],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":40}}");
    buf_add_byte(&text, '\0');
    return text.ptr;
}

TEST(a_long_answer_goes_on_as_it_comes_and_its_usage_is_read_all_the_same)
{
    struct fake_gateway g;
    char *text = long_answer(200000);
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "one");
    say_head(&g, JSON_HEAD);
    fake_call_body(fake_gateway_call(&g, 0), str_make(text, 80000));
    EXPECT_EQ(x->head.status, 200);
    EXPECT(x->body.len > 64000);
    say(&g, text + 80000);
    say_end(&g);
    EXPECT(x->ended);
    EXPECT_STR(buf_str(&x->body), text);
    EXPECT_EQ(fake_gateway_record(&g)->usage.input, 30);
    EXPECT_EQ(fake_gateway_record(&g)->usage.output, 40);
    fake_gateway_close(&g);
    free(text);
}

TEST(a_long_answer_that_is_cut_is_cut_for_the_client_too)
{
    struct fake_gateway g;
    char *text = long_answer(200000);
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "two");
    say_head(&g, JSON_HEAD);
    fake_call_body(fake_gateway_call(&g, 0), str_make(text, 150000));
    say_error(&g, ERR_UPSTREAM_TRUNCATED);
    EXPECT(x->aborted);
    EXPECT(!x->ended);
    EXPECT_EQ(g.caller.count, 1);
    EXPECT(fake_gateway_record(&g)->truncated);
    fake_gateway_close(&g);
    free(text);
}

/* Without a length and chunks the framing cannot tell, but the JSON can. */
TEST(a_long_answer_whose_json_is_cut_does_not_look_complete)
{
    struct fake_gateway g;
    char *text = long_answer(200000);
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "two");
    say_head(&g, JSON_HEAD);
    fake_call_body(fake_gateway_call(&g, 0), str_make(text, 150000));
    say_end(&g);
    EXPECT(x->aborted);
    EXPECT(!x->ended);
    EXPECT_EQ(fake_gateway_record(&g)->err, ERR_UPSTREAM_TRUNCATED);
    fake_gateway_close(&g);
    free(text);
}

TEST(binary_answers_pass_as_they_come)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_send(
        &g, "GET /v1/responses/resp_1/content HTTP/1.1\nx-gateway-provider: a\n", NULL);
    say_head(&g, "HTTP/1.1 200 OK\ncontent-type: audio/mpeg\ncontent-length: 6\n"
                 "content-disposition: attachment\nset-cookie: a=b\nalt-svc: h3\n");
    EXPECT_EQ(x->head.status, 0);
    say(&g, "abc");
    EXPECT_EQ(x->head.status, 200);
    EXPECT_EQ(x->head.content_length, 6);
    say(&g, "def");
    say_end(&g);
    EXPECT(x->ended);
    EXPECT_STR(buf_str(&x->body), "abcdef");
    EXPECT_STR(fake_exchange_field(x, STR("content-type")), "audio/mpeg");
    EXPECT_STR(fake_exchange_field(x, STR("content-disposition")), "attachment");
    EXPECT(str_is_null(fake_exchange_field(x, STR("set-cookie"))));
    EXPECT(str_is_null(fake_exchange_field(x, STR("alt-svc"))));
    fake_gateway_close(&g);
}

TEST(an_encoded_answer_passes_untouched)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "one");
    say_head(&g, JSON_HEAD "content-encoding: gzip\n");
    say(&g, "\x1f\x8b not really");
    say_end(&g);
    EXPECT_EQ(x->head.status, 200);
    EXPECT_STR(fake_exchange_field(x, STR("content-encoding")), "gzip");
    EXPECT_STR(buf_str(&x->body), "\x1f\x8b not really");
    fake_gateway_close(&g);
}

TEST(an_answer_without_a_body_passes)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_send(
        &g, "DELETE /v1/responses/resp_1 HTTP/1.1\nx-gateway-provider: a\n", NULL);
    EXPECT_STR(fake_gateway_call(&g, 0)->method, "DELETE");
    EXPECT_STR(fake_gateway_call(&g, 0)->target, "/v1/responses/resp_1");
    say_head(&g, "HTTP/1.1 204 No Content\n");
    say_end(&g);
    EXPECT_EQ(x->head.status, 204);
    EXPECT(x->ended);
    fake_gateway_close(&g);
}

TEST(a_failed_stream_leaves_nothing_behind_in_the_json_answer_after_it)
{
    struct fake_gateway g;
    char *text = long_answer(100000);
    fake_gateway_open(&g, "server: {keepalive_comment: 2s}\n" CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "two");
    say_head(&g, EVENTS_HEAD);
    say(&g, ROLE);
    say_error(&g, ERR_UPSTREAM_TRUNCATED); /* the second provider does not stream */
    say_head(&g, JSON_HEAD);
    fake_call_body(fake_gateway_call(&g, 1), str_make(text, 90000));
    EXPECT(str_is_null(fake_exchange_field(x, STR("x-accel-buffering"))));
    advance_ms(&g, 5000); /* no comments inside JSON */
    say(&g, text + 90000);
    say_end(&g);
    EXPECT(x->ended);
    EXPECT_STR(buf_str(&x->body), text);
    fake_gateway_close(&g);
    free(text);
}

/* --- Errors of providers ------------------------------------------------------------------------ */

TEST(a_refusal_is_the_providers_own_byte_for_byte)
{
    static const int statuses[] = {400, 404, 413, 422, 409, 415};
    for (unsigned i = 0; i < ARRAY_LEN(statuses); i++) {
        struct fake_gateway g;
        fake_gateway_open(&g, CONFIGURATION);
        struct fake_exchange *x = ask(&g, "one");
        say_answer(&g, statuses[i], "{\"error\" : {\"message\":\"no\",\"odd\":1}}");
        EXPECT_EQ(x->head.status, statuses[i]);
        EXPECT_STR(buf_str(&x->body), "{\"error\" : {\"message\":\"no\",\"odd\":1}}");
        EXPECT_STR(fake_exchange_field(x, STR("x-should-retry")), "false");
        EXPECT_EQ(g.caller.count, 1);
        fake_gateway_close(&g);
    }
}

TEST(a_refusal_without_words_keeps_its_status)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "one");
    say_answer(&g, 422, "");
    EXPECT_EQ(x->head.status, 422);
    EXPECT_STR(error_code(x), "provider_refused");
    fake_gateway_close(&g);
}

TEST(refused_credentials_are_the_gateways_fault_not_the_clients)
{
    static const int statuses[] = {401, 403};
    for (unsigned i = 0; i < ARRAY_LEN(statuses); i++) {
        struct fake_gateway g;
        fake_gateway_open(&g, CONFIGURATION);
        struct fake_exchange *x = ask(&g, "one");
        say_answer(&g, statuses[i], "{\"error\":{\"message\":\"bad key sk-a-sec***\"}}");
        EXPECT_EQ(x->head.status, 502);
        EXPECT_STR(error_code(x), "upstream_authentication");
        EXPECT(str_find(buf_str(&x->body), STR("sk-a")) < 0);
        EXPECT(str_find(fake_gateway_record(&g)->err_detail, STR("sk-a")) < 0);
        fake_gateway_close(&g);
    }
}

TEST(a_rate_limit_that_stays_is_passed_on_with_its_retry_after)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "one");
    say_head(&g, "HTTP/1.1 429 Too Many\ncontent-type: application/json\nretry-after: 30\n"
                 "x-ratelimit-remaining-requests: 0\n");
    say(&g, "{\"error\":{\"message\":\"slow down\"}}");
    say_end(&g);
    EXPECT_EQ(x->head.status, 429); /* 30 s is longer than anybody waits */
    EXPECT_STR(fake_exchange_field(x, STR("retry-after")), "30");
    EXPECT_STR(buf_str(&x->body), "{\"error\":{\"message\":\"slow down\"}}");
    EXPECT_STR(fake_exchange_field(x, STR("x-should-retry")), "true");
    fake_gateway_close(&g);
}

TEST(an_endless_error_is_read_only_so_far)
{
    struct fake_gateway g;
    static char kilobytes[16001];
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_send(
        &g, "POST /v1/chat/completions HTTP/1.1\nx-gateway-retries: 0\n", CHAT("one"));
    memset(kilobytes, 'e', sizeof(kilobytes) - 1);
    say_head(&g, "HTTP/1.1 400 Bad\ncontent-type: text/html\n");
    for (unsigned i = 0; i < 10 && !x->ended; i++)
        say(&g, kilobytes);
    EXPECT(x->ended);
    EXPECT_EQ(x->head.status, 400);
    EXPECT_STR(error_code(x), "provider_refused");
    EXPECT(fake_gateway_record(&g)->err_detail.len <= 500);
    fake_gateway_close(&g);
}

TEST(a_redirect_is_not_followed)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_send(
        &g, "POST /v1/chat/completions HTTP/1.1\nx-gateway-retries: 0\n", CHAT("one"));
    say_head(&g, "HTTP/1.1 302 Found\nlocation: http://elsewhere/\n");
    say_end(&g);
    EXPECT_EQ(x->head.status, 502);
    EXPECT_EQ(g.caller.count, 1);
    EXPECT(str_is_null(fake_exchange_field(x, STR("location"))));
    fake_gateway_close(&g);
}

/* --- The head sent early ------------------------------------------------------------------------ */

TEST(early_headers_come_at_once_and_failures_as_events)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "early");
    EXPECT_EQ(x->head.status, 200);
    EXPECT_STR(fake_exchange_field(x, STR("content-type")), "text/event-stream");
    EXPECT_EQ(x->body.len, 0);
    advance_ms(&g, 16000);
    EXPECT_STR(buf_str(&x->body), ": keepalive\n\n");
    say_error(&g, ERR_UPSTREAM_CONNECT); /* still tried elsewhere: nothing was said */
    EXPECT_EQ(g.caller.count, 2);
    say_head(&g, EVENTS_HEAD);
    say(&g, WORD("b"));
    say_error(&g, ERR_UPSTREAM_TRUNCATED);
    EXPECT(x->ended);
    EXPECT_CONTAINS(buf_str(&x->body), WORD("b") "data: {\"error\":");
    fake_gateway_close(&g);
}

TEST(early_headers_are_for_streams_only)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "early");
    EXPECT_EQ(x->head.status, 0);
    say_answer(&g, 200, "{}");
    EXPECT_EQ(x->head.status, 200);
    fake_gateway_close(&g);
}

TEST(an_answer_that_is_no_stream_behind_early_headers_fails_without_being_gathered)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "early");
    say_head(&g, JSON_HEAD);
    EXPECT_EQ(g.caller.count, 2); /* nothing of it can be used */
    say_answer(&g, 429, "{\"error\":{\"message\":\"later\"}}");
    advance_ms(&g, 60000);
    EXPECT(g.caller.count >= 2);
    fake_exchange_gone(x, ERR_CLIENT_GONE);
    fake_gateway_close(&g);
}
