/* Clients: who leaves, who is slow, who stalls; and what that does to the provider's side. */
#include "proxy_helper.h"

static bool is_cancelled(struct fake_gateway *g, const struct fake_exchange *x)
{
    return x->released && fake_caller_live(&g->caller) == 0;
}

TEST(a_client_that_leaves_ends_the_call_at_once_in_every_phase)
{
    for (unsigned phase = 0; phase < 6; phase++) {
        struct fake_gateway g;
        fake_gateway_open(&g, CONFIGURATION);
        struct fake_exchange *x = phase == 5 ? ask(&g, "two") : ask_stream(&g, "two");
        if (phase == 1)
            fake_call_connect(fake_gateway_call(&g, 0));
        if (phase >= 2)
            say_head(&g, phase == 5 ? JSON_HEAD : EVENTS_HEAD);
        if (phase == 3)
            say(&g, ROLE);
        if (phase == 4)
            say(&g, WORD("Hi"));
        fake_exchange_gone(x, ERR_CLIENT_GONE);
        EXPECT(is_cancelled(&g, x)); /* not even a turn later */
        const struct request_record *r = fake_gateway_record(&g);
        EXPECT_EQ(r->err, ERR_CLIENT_GONE);
        EXPECT(r->client_gone);
        EXPECT_EQ(r->status, phase == 4 ? 200 : 499);
        EXPECT_EQ(r->attempt_count, 1);
        EXPECT_EQ(g.caller.count, 1);
        fake_gateway_close(&g);
    }
}

TEST(a_client_that_leaves_between_attempts_gets_no_further_one)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "one");
    say_answer(&g, 500, "{}");
    EXPECT_EQ(g.caller.count, 1); /* it waits before it tries again */
    fake_exchange_gone(x, ERR_CLIENT_GONE);
    advance_ms(&g, 60000);
    EXPECT_EQ(g.caller.count, 1);
    fake_gateway_close(&g);
}

TEST(a_client_that_leaves_while_its_body_arrives_is_noted)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x =
        fake_gateway_begin(&g, "POST /v1/chat/completions HTTP/1.1\ncontent-length: 100\n");
    fake_exchange_feed(x, STR("{\"model\":"));
    fake_gateway_settle(&g);
    fake_exchange_gone(x, ERR_CLIENT_GONE);
    EXPECT(x->released);
    EXPECT_EQ(fake_gateway_record(&g)->status, 499);
    EXPECT_EQ(fake_gateway_record(&g)->attempt_count, 0);
    fake_gateway_close(&g);
}

TEST(a_body_that_turns_out_bad_gets_its_answer)
{
    static const struct {
        enum err err;
        int status;
    } rows[] = {{ERR_HTTP_MALFORMED, 400}, {ERR_REQUEST_TIMEOUT, 408}, {ERR_HEAD_TOO_LARGE, 431}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake_gateway g;
        fake_gateway_open(&g, CONFIGURATION);
        struct fake_exchange *x =
            fake_gateway_begin(&g, "POST /v1/chat/completions HTTP/1.1\ncontent-length: 100\n");
        fake_exchange_gone(x, rows[i].err);
        EXPECT_EQ(x->head.status, rows[i].status);
        EXPECT(x->ended);
        EXPECT(!fake_gateway_record(&g)->client_gone);
        fake_gateway_close(&g);
    }
}

/* --- Draining: the answer is taken to its end without the client -------------------------------- */

TEST(a_model_that_drains_lets_the_provider_finish_for_its_usage)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "drain");
    say_head(&g, EVENTS_HEAD);
    say(&g, WORD("Hi"));
    fake_exchange_gone(x, ERR_CLIENT_GONE);
    EXPECT(!x->released);
    say(&g, WORD("there") FINISH USAGE DONE);
    say_end(&g);
    EXPECT(x->released);
    const struct request_record *r = fake_gateway_record(&g);
    EXPECT_EQ(r->status, 200);
    EXPECT_EQ(r->usage.output, 5);
    EXPECT(r->client_gone);
    EXPECT_EQ(r->attempts[0].err, ERR_NONE);
    fake_gateway_close(&g);
}

TEST(an_answer_that_nobody_saw_is_not_recorded_as_sent)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "drain");
    fake_exchange_gone(x, ERR_CLIENT_GONE);
    say_answer(&g, 200, "{\"usage\":{\"completion_tokens\":9}}");
    EXPECT_EQ(fake_gateway_record(&g)->status, 499);
    EXPECT_EQ(fake_gateway_record(&g)->usage.output, 9);
    fake_gateway_close(&g);
}

TEST(nobody_is_asked_again_for_a_client_that_left)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "drain");
    fake_exchange_gone(x, ERR_CLIENT_GONE);
    EXPECT(!x->released);
    say_error(&g, ERR_UPSTREAM_CONNECT);
    EXPECT(x->released);
    EXPECT_EQ(g.caller.count, 1);
    EXPECT_EQ(fake_gateway_record(&g)->err, ERR_CLIENT_GONE);
    EXPECT_EQ(fake_gateway_record(&g)->status, 499); /* nobody saw another */
    fake_gateway_close(&g);
}

TEST(a_paused_answer_flows_again_when_its_client_has_left)
{
    struct fake_gateway g;
    fake_gateway_open(&g, "server: {stream_buffer: 16KiB}\n" CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "drain");
    x->slow = true;
    say_head(&g, EVENTS_HEAD);
    for (unsigned i = 0; i < 600; i++)
        say(&g, WORD("more and more"));
    EXPECT(!fake_gateway_call(&g, 0)->flow);
    fake_exchange_gone(x, ERR_CLIENT_GONE);
    EXPECT(fake_gateway_call(&g, 0)->flow);
    say(&g, DONE);
    say_end(&g);
    EXPECT(x->released);
    fake_gateway_close(&g);
}

TEST(a_drained_answer_still_has_its_limits_of_time)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask_stream(&g, "drain");
    say_head(&g, EVENTS_HEAD);
    say(&g, WORD("Hi"));
    fake_exchange_gone(x, ERR_CLIENT_GONE);
    advance_ms(&g, 10100);
    EXPECT(x->released); /* the provider fell silent */
    fake_gateway_close(&g);
}

TEST(during_preparation_there_is_nothing_to_drain)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x =
        fake_gateway_begin(&g, "POST /v1/chat/completions HTTP/1.1\ncontent-length: 100\n");
    fake_exchange_gone(x, ERR_CLIENT_GONE);
    EXPECT(x->released);
    fake_gateway_close(&g);
}

/* --- Slow clients --------------------------------------------------------------------------------- */

static struct fake_exchange *slow_stream(struct fake_gateway *g)
{
    fake_gateway_open(g, "server: {stream_buffer: 16KiB, client_stall: 30s}\n" CONFIGURATION);
    struct fake_exchange *x = ask_stream(g, "one");
    x->slow = true;
    say_head(g, EVENTS_HEAD);
    for (unsigned i = 0; fake_gateway_call(g, 0)->flow; i++) {
        CHECK(i < 1000);
        say(g, WORD("more and more"));
    }
    return x;
}

TEST(a_slow_client_pauses_the_provider_and_resumes_it)
{
    struct fake_gateway g;
    struct fake_exchange *x = slow_stream(&g);
    EXPECT(x->queued > 16 * 1024);
    EXPECT(x->queued < 17 * 1024);
    fake_exchange_take(x, 1000);
    EXPECT(!fake_gateway_call(&g, 0)->flow);
    fake_exchange_take(x, 1 << 20);
    EXPECT(fake_gateway_call(&g, 0)->flow);
    say(&g, DONE);
    say_end(&g);
    EXPECT(x->ended);
    fake_gateway_close(&g);
}

TEST(while_the_client_is_slow_the_providers_silence_is_not_its_fault)
{
    struct fake_gateway g;
    struct fake_exchange *x = slow_stream(&g);
    for (unsigned i = 0; i < 4; i++) { /* idle is 10 s, the client takes a bit each 9 s */
        advance_ms(&g, 9000);
        fake_exchange_take(x, 100);
    }
    EXPECT(!x->ended && !x->aborted);
    fake_exchange_take(x, 1 << 20);
    advance_ms(&g, 9900); /* the provider's time starts anew */
    EXPECT(!x->ended);
    advance_ms(&g, 200);
    EXPECT_CONTAINS(buf_str(&x->body), "idle_timeout");
    fake_gateway_close(&g);
}

TEST(a_client_that_takes_nothing_is_cut)
{
    struct fake_gateway g;
    struct fake_exchange *x = slow_stream(&g);
    advance_ms(&g, 29000);
    fake_exchange_take(x, 1); /* alive */
    advance_ms(&g, 29000);
    EXPECT(!x->released);
    advance_ms(&g, 1500);
    EXPECT(x->released);
    EXPECT(x->aborted);
    EXPECT_EQ(fake_gateway_record(&g)->err, ERR_CLIENT_STALL);
    EXPECT(str_find(buf_str(&x->body), STR("error")) < 0); /* it would not read that either */
    fake_gateway_close(&g);
}

TEST(no_comment_is_sent_to_a_client_that_is_behind)
{
    struct fake_gateway g;
    struct fake_exchange *x = slow_stream(&g);
    size_t queued = x->queued;
    advance_ms(&g, 29000);
    EXPECT_EQ(x->queued, queued);
    fake_exchange_gone(x, ERR_CLIENT_GONE);
    fake_gateway_close(&g);
}

TEST(the_end_of_the_gateway_ends_each_request_in_its_own_way)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *streaming = ask_stream(&g, "one");
    say_head(&g, EVENTS_HEAD);
    say(&g, WORD("Hi"));
    struct fake_exchange *asking = ask(&g, "one");
    struct fake_exchange *sending =
        fake_gateway_begin(&g, "POST /v1/chat/completions HTTP/1.1\ncontent-length: 100\n");
    worker_end_all(g.worker, ERR_DRAINING);
    EXPECT_CONTAINS(buf_str(&streaming->body), "\"code\":\"draining\"");
    EXPECT(streaming->ended);
    EXPECT_EQ(asking->head.status, 503);
    EXPECT_STR(fake_exchange_field(asking, STR("retry-after")), "1");
    EXPECT_EQ(sending->head.status, 503);
    fake_gateway_close(&g);
}
