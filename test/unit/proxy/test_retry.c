/* Attempts: what is tried again, where, when, and with which key. */
#include "proxy_helper.h"

TEST(failures_move_on_to_the_next_target_at_once)
{
    static const struct {
        enum err err; /* NONE: the status */
        int status;
    } rows[] = {
        {ERR_UPSTREAM_CONNECT, 0}, {ERR_UPSTREAM_DNS, 0},
        {ERR_UPSTREAM_TLS, 0},     {ERR_CONNECT_TIMEOUT, 0},
        {ERR_QUEUE_FULL, 0},       {ERR_QUEUE_TIMEOUT, 0},
        {ERR_UPSTREAM_RESET, 0},   {ERR_UPSTREAM_MALFORMED, 0},
        {ERR_NONE, 401},           {ERR_NONE, 403},
        {ERR_NONE, 404},           {ERR_NONE, 408},
        {ERR_NONE, 429},           {ERR_NONE, 500},
        {ERR_NONE, 502},           {ERR_NONE, 503},
        {ERR_NONE, 504},           {ERR_NONE, 529},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake_gateway g;
        fake_gateway_open(&g, CONFIGURATION);
        struct fake_exchange *x = ask(&g, "two");
        if (rows[i].err)
            say_error(&g, rows[i].err);
        else
            say_answer(&g, rows[i].status, "{}");
        EXPECT_EQ(g.caller.count, 2);
        EXPECT_STR(fake_gateway_last_call(&g)->authority, "b.test");
        EXPECT_EQ(x->head.status, 0);
        say_answer(&g, 200, "{\"ok\":true}");
        EXPECT_EQ(x->head.status, 200);
        EXPECT_STR(fake_exchange_field(x, STR("x-gateway-provider")), "b");
        EXPECT_STR(fake_exchange_field(x, STR("x-gateway-model")), "up-b");
        EXPECT_STR(fake_exchange_field(x, STR("x-gateway-attempts")), "2");
        EXPECT_CONTAINS(buf_str(&fake_gateway_call(&g, 1)->body), "\"model\":\"up-b\"");
        EXPECT_EQ(fake_gateway_record(&g)->retries, 1);
        fake_gateway_close(&g);
    }
}

TEST(the_last_target_is_tried_again_after_a_growing_pause)
{
    struct fake_gateway g;
    fake_gateway_open(
        &g, "defaults: {retry: {attempts: 2, total: 3, base: 200ms, jitter: 0%}}\n" PROVIDERS
            "models: {one: a/up-one}\n");
    struct fake_exchange *x = ask(&g, "one");
    say_answer(&g, 500, "{}");
    advance_ms(&g, 190);
    EXPECT_EQ(g.caller.count, 1);
    advance_ms(&g, 20);
    EXPECT_EQ(g.caller.count, 2);
    say_answer(&g, 500, "{}");
    advance_ms(&g, 390);
    EXPECT_EQ(g.caller.count, 2);
    advance_ms(&g, 20);
    EXPECT_EQ(g.caller.count, 3);
    say_answer(&g, 500, "{}");
    EXPECT_EQ(x->head.status, 502);
    EXPECT_STR(error_code(x), "upstream_status");
    EXPECT_CONTAINS(buf_str(&x->body), "(a: 500 in 0.0 s; a: 500 in 0.0 s; a: 500 in 0.0 s)");
    fake_gateway_close(&g);
}

TEST(a_short_retry_after_is_waited_for_a_long_one_is_not)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    ask(&g, "one");
    say_head(&g, "HTTP/1.1 429 Slow\ncontent-type: application/json\nretry-after: 3\n");
    say_end(&g);
    advance_ms(&g, 2900);
    EXPECT_EQ(g.caller.count, 1);
    advance_ms(&g, 200);
    EXPECT_EQ(g.caller.count, 2);
    say_head(&g, "HTTP/1.1 503 Full\nretry-after: Tue, 01 Dec 2026 00:00:05 GMT\n");
    say_end(&g);
    advance_ms(&g, 1800);
    EXPECT_EQ(g.caller.count, 2); /* as a date: two seconds from now */
    advance_ms(&g, 300);
    EXPECT_EQ(g.caller.count, 3);
    say_answer(&g, 200, "{}");
    fake_gateway_close(&g);
}

TEST(the_first_failure_is_the_one_that_is_told)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "two");
    say_answer(&g, 429, "{\"error\":{\"message\":\"a is full\"}}");
    say_answer(&g, 500, "{\"error\":{\"message\":\"b is broken\"}}");
    advance_ms(&g, 1000);
    say_error(&g, ERR_UPSTREAM_CONNECT);
    EXPECT_EQ(x->head.status, 429);
    EXPECT_STR(buf_str(&x->body), "{\"error\":{\"message\":\"a is full\"}}");
    fake_gateway_close(&g);
}

TEST(a_deadline_ends_waiting_and_running_attempts)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_send(
        &g, "POST /v1/chat/completions HTTP/1.1\nx-gateway-timeout: 300ms\n", CHAT("one"));
    advance_ms(&g, 310);
    EXPECT_EQ(x->head.status, 504);
    EXPECT_STR(error_code(x), "deadline_exceeded");
    x = fake_gateway_send(&g, "POST /v1/chat/completions HTTP/1.1\nx-gateway-timeout: 50ms\n",
                          CHAT("one"));
    say_answer(&g, 500, "{}"); /* the pause before another try would be longer than what is left */
    EXPECT_EQ(x->head.status, 502);
    fake_gateway_close(&g);
}

TEST(retries_can_be_wished_for_and_away)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_send(
        &g, "POST /v1/chat/completions HTTP/1.1\nx-gateway-retries: 0\n", CHAT("two"));
    say_error(&g, ERR_UPSTREAM_CONNECT);
    EXPECT_EQ(x->head.status, 502);
    EXPECT_EQ(g.caller.count, 1);
    x = fake_gateway_send(&g, "POST /v1/chat/completions HTTP/1.1\nx-gateway-retries: 5\n",
                          CHAT("one"));
    for (unsigned i = 0; i < 6; i++) {
        EXPECT_EQ(x->head.status, 0);
        say_answer(&g, 500, "{}");
        advance_ms(&g, 10000);
    }
    EXPECT_EQ(x->head.status, 502);
    EXPECT_EQ(g.caller.count, 7);
    fake_gateway_close(&g);
}

TEST(more_attempts_than_the_record_holds_are_no_harm)
{
    struct fake_gateway g;
    fake_gateway_open(&g, "defaults: {retry: {attempts: 10, total: 20, jitter: 0%}}\n" PROVIDERS
                          "models: {one: a/up-one}\n");
    struct fake_exchange *x = ask(&g, "one");
    while (!x->head.status) {
        say_answer(&g, 500, "{}");
        advance_ms(&g, 20000);
    }
    EXPECT_EQ(g.caller.count, 11);
    EXPECT_EQ(fake_gateway_record(&g)->attempt_count, RECORD_ATTEMPTS_MAX);
    fake_gateway_close(&g);
}

/* --- Several keys ------------------------------------------------------------------------------- */

static str key_of_last_call(struct fake_gateway *g)
{
    return fake_call_field(fake_gateway_last_call(g), STR("authorization"));
}

TEST(keys_take_turns)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    for (unsigned i = 0; i < 4; i++) {
        ask(&g, "keys");
        EXPECT_STR(key_of_last_call(&g), i % 2 ? "Bearer sk-k-second" : "Bearer sk-k-first");
        say_answer(&g, 200, "{}");
    }
    fake_gateway_close(&g);
}

TEST(a_refused_key_rests_and_the_other_serves)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "keys");
    say_answer(&g, 401, "{}");
    EXPECT_STR(key_of_last_call(&g), "Bearer sk-k-second"); /* at once, the same target */
    say_answer(&g, 200, "{}");
    EXPECT_EQ(x->head.status, 200);
    for (unsigned i = 0; i < 3; i++) {
        ask(&g, "keys");
        EXPECT_STR(key_of_last_call(&g), "Bearer sk-k-second");
        say_answer(&g, 200, "{}");
    }
    advance_ms(&g, 61000); /* it has rested */
    unsigned first = 0;
    for (unsigned i = 0; i < 2; i++) {
        ask(&g, "keys");
        first += str_eq(key_of_last_call(&g), STR("Bearer sk-k-first"));
        say_answer(&g, 200, "{}");
    }
    EXPECT_EQ(first, 1);
    fake_gateway_close(&g);
}

TEST(a_key_without_quota_rests_longer)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    ask(&g, "keys");
    say_answer(&g, 429, "{\"error\":{\"code\":\"insufficient_quota\"}}");
    EXPECT_EQ(g.caller.count, 2);
    say_answer(&g, 200, "{}");
    advance_ms(&g, 500000);
    for (unsigned i = 0; i < 2; i++) {
        ask(&g, "keys");
        EXPECT_STR(key_of_last_call(&g), "Bearer sk-k-second");
        say_answer(&g, 200, "{}");
    }
    fake_gateway_close(&g);
}

TEST(when_every_key_is_refused_the_request_fails_and_the_next_tries_again)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "keys");
    say_answer(&g, 401, "{}");
    say_answer(&g, 401, "{}");
    EXPECT_EQ(x->head.status, 502);
    EXPECT_EQ(g.caller.count, 2);
    advance_ms(&g, 1000);
    x = ask(&g, "keys"); /* there is no better one: the first that may be tried */
    EXPECT_STR(key_of_last_call(&g), "Bearer sk-k-first");
    say_answer(&g, 200, "{}");
    EXPECT_EQ(x->head.status, 200);
    fake_gateway_close(&g);
}

TEST(rests_of_keys_survive_a_reload)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    ask(&g, "keys");
    say_answer(&g, 401, "{}");
    say_answer(&g, 200, "{}");
    fake_gateway_reload(&g, CONFIGURATION);
    for (unsigned i = 0; i < 2; i++) {
        ask(&g, "keys");
        EXPECT_STR(key_of_last_call(&g), "Bearer sk-k-second");
        say_answer(&g, 200, "{}");
    }
    fake_gateway_close(&g);
}

/* --- Order -------------------------------------------------------------------------------------- */

TEST(round_robin_takes_turns_and_starts_anew_with_a_configuration)
{
    struct fake_gateway g;
    static const char yaml[] = PROVIDERS "models: {m: {targets: [a/x, b/x, k/x]}}\n";
    static const char *const order[] = {"a.test", "b.test", "k.test", "a.test"};
    fake_gateway_open(&g, yaml);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
            ask(&g, "m");
            EXPECT_STR(fake_gateway_last_call(&g)->authority, order[i]);
            say_answer(&g, 200, "{}");
        }
        fake_gateway_reload(&g, yaml);
    }
    fake_gateway_close(&g);
}

TEST(a_wished_strategy_and_provider_count)
{
    struct fake_gateway g;
    fake_gateway_open(&g, PROVIDERS "models: {m: {targets: [a/x, b/x, k/x]}}\n");
    for (unsigned i = 0; i < 3; i++) {
        fake_gateway_send(&g, "POST /v1/chat/completions HTTP/1.1\nx-gateway-strategy: priority\n",
                          CHAT("m"));
        EXPECT_STR(fake_gateway_last_call(&g)->authority, "a.test");
        say_answer(&g, 200, "{}");
        fake_gateway_send(&g, "POST /v1/chat/completions HTTP/1.1\nx-gateway-provider: b\n",
                          CHAT("m"));
        EXPECT_STR(fake_gateway_last_call(&g)->authority, "b.test");
        say_answer(&g, 200, "{}");
    }
    fake_gateway_close(&g);
}

TEST(memory_that_runs_out_when_a_call_starts_is_an_ordinary_error)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    g.caller.refuse = true;
    struct fake_exchange *x = ask(&g, "one");
    EXPECT_EQ(x->head.status, 503);
    EXPECT_STR(error_code(x), "out_of_memory");
    fake_gateway_close(&g);
}

TEST(every_budget_of_memory_ends_in_an_answer_or_a_visible_cut)
{
    for (unsigned streams = 0; streams < 2; streams++) {
        for (size_t budget = 1; budget < 100000; budget += 4096) {
            struct fake_gateway g;
            fake_gateway_open(&g, CONFIGURATION);
            g.arena_budget = budget;
            struct fake_exchange *x = streams ? ask_stream(&g, "two") : ask(&g, "two");
            for (unsigned i = 0; i < 4 && g.caller.count && !x->released; i++) {
                say_head(&g, streams ? EVENTS_HEAD : JSON_HEAD);
                say(&g, streams ? WORD("x") DONE : "{\"choices\":[]}");
                say_end(&g);
                advance_ms(&g, 5000);
            }
            EXPECT(x->released);
            EXPECT(x->ended || x->aborted);
            if (x->ended)
                EXPECT(x->head.status == 200 || x->head.status == 503);
            if (!g.record_count)
                g.exchange_count--; /* too little even to begin */
            fake_gateway_close(&g);
        }
    }
}
