/* Pools: limits, queue, reuse, age, and the connection that was closed behind our back. */
#include "client_rig.h"

#include "http/pool.h"

static unsigned idle(struct rig *r)
{
    return atomic_load(&client_stats(r->client)->idle);
}

static unsigned busy(struct rig *r)
{
    return atomic_load(&client_stats(r->client)->busy);
}

static unsigned waiting(struct rig *r)
{
    return atomic_load(&client_stats(r->client)->waiting);
}

static bool asked(struct rig *r, unsigned line)
{
    return r->provider.count > line && r->provider.lines[line].got.len > 60;
}

/* One call from beginning to end. */
static void call_once(struct rig *r)
{
    struct heard h = {0};
    call_post(r, &h, STR("{}"));
    TURN_UNTIL(r, call_over(&h));
    EXPECT_EQ(h.err, ERR_NONE);
    call_done(&h);
}

/* --- Limits and queue. */

TEST(no_more_connections_than_allowed_and_callers_are_served_in_order)
{
    struct rig r;
    struct heard h[6] = {{0}};
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    r.endpoint.pool.max_connections = 2;
    for (unsigned i = 0; i < 6; i++)
        call_post(&r, &h[i], STR("{}"));
    EXPECT_EQ(waiting(&r), 4);
    TURN_UNTIL(&r, h[5].ends);
    EXPECT_EQ(r.provider.count, 2);
    for (unsigned i = 0; i < 6; i++) {
        EXPECT_EQ(h[i].ends, 1);
        if (i >= 2) /* those two lines that answer side by side may swap */
            EXPECT_LT(h[i - 2].order, h[i].order);
        call_done(&h[i]);
    }
    EXPECT_EQ(waiting(&r), 0);
    rig_close(&r);
}

TEST(a_full_queue_refuses_and_the_rest_goes_on)
{
    struct rig r;
    struct heard h[4] = {{0}};
    rig_open(&r);
    r.endpoint.pool.max_connections = 1;
    r.endpoint.pool.queue = 2;
    for (unsigned i = 0; i < 4; i++)
        call_post(&r, &h[i], STR("{}"));
    TURN_UNTIL(&r, h[3].errors);
    EXPECT_STR(err_facts(h[3].err)->name, "QUEUE_FULL");
    EXPECT_EQ(waiting(&r), 2);
    call_done(&h[2]); /* leaves from the middle of the queue */
    TURN_UNTIL(&r, asked(&r, 0));
    line_say(&r.provider.lines[0], STR(OK_HEAD(0)));
    TURN_UNTIL(&r, h[0].ends && h[1].connected);
    EXPECT_EQ(h[1].call->timing.reused, true);
    line_say(&r.provider.lines[0], STR(OK_HEAD(0)));
    TURN_UNTIL(&r, h[1].ends);
    for (unsigned i = 0; i < 4; i++)
        call_done(&h[i]);
    rig_close(&r);
}

TEST(without_a_queue_a_caller_without_room_is_refused)
{
    struct rig r;
    struct heard h[2] = {{0}};
    rig_open(&r);
    r.endpoint.pool.max_connections = 1;
    r.endpoint.pool.queue = 0;
    call_post(&r, &h[0], STR("{}"));
    call_post(&r, &h[1], STR("{}"));
    TURN_UNTIL(&r, h[1].errors);
    EXPECT_STR(err_facts(h[1].err)->name, "QUEUE_FULL");
    EXPECT_EQ(h[0].errors, 0);
    call_done(&h[0]);
    call_done(&h[1]);
    rig_close(&r);
}

TEST(who_waits_too_long_in_the_queue_is_told)
{
    struct bound bound;
    struct rig r;
    struct heard h[2] = {{0}};
    rig_open(&r);
    r.endpoint.pool.max_connections = 1;
    r.endpoint.pool.queue_timeout_ms = 60;
    uint64_t began = loop_clock_us();
    call_post(&r, &h[0], STR("{}"));
    bound_start(&bound, &r, 110, call_has_failed, &h[1]);
    call_post(&r, &h[1], STR("{}"));
    TURN_UNTIL(&r, h[1].errors);
    EXPECT(bound_kept(&bound));
    EXPECT_STR(err_facts(h[1].err)->name, "QUEUE_TIMEOUT");
    EXPECT_GE(loop_clock_us() - began, 60000);
    EXPECT_EQ(h[1].timing.slot_us, 0);
    EXPECT_EQ(waiting(&r), 0);
    rig_turn_ms(&r, 80);
    EXPECT_EQ(h[0].errors, 0); /* it does not wait in the queue */
    call_done(&h[0]);
    call_done(&h[1]);
    rig_close(&r);
}

TEST(a_caller_that_leaves_makes_room_for_the_queue)
{
    struct rig r;
    struct heard h[2] = {{0}};
    rig_open(&r);
    r.endpoint.pool.max_connections = 1;
    call_post(&r, &h[0], STR("{}"));
    call_post(&r, &h[1], STR("{}"));
    TURN_UNTIL(&r, asked(&r, 0));
    call_done(&h[0]);
    TURN_UNTIL(&r, h[1].connected);
    EXPECT_EQ(h[1].call->timing.reused, false); /* its connection was closed, not lent on */
    TURN_UNTIL(&r, r.provider.lines[0].ended);
    call_done(&h[1]);
    rig_close(&r);
}

TEST(limits_are_shared_by_the_workers_and_never_nothing)
{
    static const struct {
        unsigned workers, limit, share;
    } rows[] = {{1, 3, 3}, {2, 5, 2}, {4, 3, 1}, {4, 8, 2}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct rig r;
        struct heard h[6] = {{0}};
        rig_open_with(&r, rows[i].workers);
        r.endpoint.pool.max_connections = rows[i].limit;
        r.endpoint.pool.queue = 100;
        for (unsigned j = 0; j < 6; j++)
            call_post(&r, &h[j], STR("{}"));
        EXPECT_EQ(6 - waiting(&r), rows[i].share);
        for (unsigned j = 0; j < 6; j++)
            call_done(&h[j]);
        rig_close(&r);
    }
}

TEST(without_a_limit_nobody_queues)
{
    struct rig r;
    static struct heard h[100];
    rig_open(&r);
    memset(h, 0, sizeof(h));
    r.provider.answer = STR(OK_HEAD(2) "ok");
    r.endpoint.pool.queue = 1;
    for (unsigned i = 0; i < 100; i++)
        call_post(&r, &h[i], STR("{}"));
    EXPECT_EQ(waiting(&r), 0);
    for (unsigned i = 0; i < 100; i++) {
        TURN_UNTIL(&r, h[i].ends);
        call_done(&h[i]);
    }
    EXPECT_LE(idle(&r), 32); /* max_idle */
    EXPECT_GT(idle(&r), 0);
    rig_close(&r);
}

/* --- Idle connections. */

static void open_idle(struct rig *r, unsigned n)
{
    struct heard h[8] = {{0}};
    CHECK(n <= 8);
    for (unsigned i = 0; i < n; i++)
        call_post(r, &h[i], STR("{}"));
    for (unsigned i = 0; i < n; i++) {
        TURN_UNTIL(r, h[i].ends);
        call_done(&h[i]);
    }
}

TEST(no_more_idle_connections_than_allowed_are_kept)
{
    struct rig r;
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    r.endpoint.pool.max_idle = 3;
    open_idle(&r, 8);
    EXPECT_EQ(idle(&r), 3);
    rig_close(&r);
}

TEST(the_youngest_idle_connection_is_used_first)
{
    struct rig r;
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    open_idle(&r, 4);
    EXPECT_EQ(idle(&r), 4);
    call_once(&r);
    unsigned used = 4;
    for (unsigned i = 0; i < 4; i++)
        if (r.provider.lines[i].requests == 2)
            used = i;
    EXPECT_LT(used, 4);
    for (unsigned i = 0; i < 5; i++)
        call_once(&r);
    EXPECT_EQ(r.provider.lines[used].requests, 7);
    rig_close(&r);
}

static bool none_is_idle(const void *rig)
{
    return idle((struct rig *)(uintptr_t)rig) == 0;
}

TEST(idle_connections_are_closed_after_their_timeout)
{
    struct bound bound;
    struct rig r;
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    r.endpoint.pool.idle_timeout_ms = 60;
    open_idle(&r, 3);
    uint64_t began = loop_clock_us();
    bound_start(&bound, &r, 150, none_is_idle, &r);
    TURN_UNTIL(&r, idle(&r) == 0);
    EXPECT(bound_kept(&bound));
    EXPECT_GE(loop_clock_us() - began, 50000);
    rig_turn_ms(&r, 80); /* and the pool with them */
    call_once(&r);
    rig_close(&r);
}

TEST(a_connection_in_use_now_and_then_does_not_time_out_but_grows_old)
{
    struct rig r;
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    r.endpoint.pool.idle_timeout_ms = 60;
    r.endpoint.pool.max_age_ms = 150;
    uint64_t began = loop_clock_us();
    while (loop_clock_us() - began < 120000) {
        call_once(&r);
        rig_turn_ms(&r, 20);
    }
    EXPECT_EQ(r.provider.count, 1);
    rig_turn_ms(&r, 40);
    call_once(&r);
    EXPECT_EQ(r.provider.count, 2);
    rig_close(&r);
}

TEST(an_idle_connection_that_ends_or_says_something_is_closed_at_once)
{
    for (unsigned i = 0; i < 3; i++) {
        struct rig r;
        rig_open(&r);
        r.provider.answer = STR(OK_HEAD(2) "ok");
        call_once(&r);
        EXPECT_EQ(idle(&r), 1);
        if (i == 0)
            line_close(&r.provider.lines[0]);
        else if (i == 1)
            line_reset(&r.provider.lines[0]);
        else
            line_say(&r.provider.lines[0], STR("HTTP/1.1 408 Request Timeout\r\n\r\n"));
        TURN_UNTIL(&r, idle(&r) == 0);
        if (i == 2)
            TURN_UNTIL(&r, r.provider.lines[0].ended);
        call_once(&r);
        EXPECT_EQ(r.provider.count, 2);
        EXPECT_EQ(atomic_load(&client_stats(r.client)->replayed), 0);
        rig_close(&r);
    }
}

/* --- The stale connection: closed while the request is on its way. */

TEST(a_request_on_a_stale_connection_is_sent_once_more_on_a_new_one)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    open_idle(&r, 3);
    for (unsigned i = 0; i < 3; i++)
        line_close(&r.provider.lines[i]);
    call_post(&r, &h, STR("{\"again\":true}"));
    EXPECT_EQ(h.call->timing.reused, true);
    TURN_UNTIL(&r, call_over(&h));
    EXPECT_EQ(h.err, ERR_NONE);
    EXPECT_EQ(h.connected, 1);
    EXPECT_EQ(h.timing.reused, false);
    EXPECT_EQ(r.provider.count, 4);
    EXPECT_EQ(r.provider.lines[3].requests, 1);
    EXPECT_EQ(atomic_load(&client_stats(r.client)->replayed), 1);
    call_done(&h);
    rig_close(&r);
}

static void hang_up(struct line *l, str head, str body)
{
    (void)head;
    (void)body;
    line_close(l);
}

TEST(a_request_is_sent_again_only_once)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    open_idle(&r, 3);
    r.provider.on_request = hang_up;
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, call_over(&h));
    EXPECT_STR(err_facts(h.err)->name, "UPSTREAM_RESET");
    EXPECT_EQ(r.provider.count, 4); /* not one idle connection after the other */
    EXPECT_EQ(atomic_load(&client_stats(r.client)->replayed), 1);
    call_done(&h);
    rig_close(&r);
}

TEST(a_request_on_a_new_connection_is_never_sent_again)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    r.provider.on_request = hang_up;
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, call_over(&h));
    EXPECT_STR(err_facts(h.err)->name, "UPSTREAM_RESET");
    EXPECT_EQ(r.provider.count, 1);
    call_done(&h);
    rig_close(&r);
}

TEST(a_body_that_was_not_given_whole_is_never_sent_again)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    call_once(&r);
    line_close(&r.provider.lines[0]);
    call_upload(&r, &h, -1, STR("one"));
    call_write(h.call, NULL, 0, true);
    TURN_UNTIL(&r, call_over(&h));
    EXPECT_STR(err_facts(h.err)->name, "UPSTREAM_RESET");
    EXPECT_EQ(r.provider.count, 1);
    call_done(&h);
    rig_close(&r);
}

static void begin_and_hang_up(struct line *l, str head, str body)
{
    line_say(l, STR("H"));
    hang_up(l, head, body);
}

TEST(nothing_is_sent_again_once_a_byte_was_answered)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    call_once(&r);
    r.provider.on_request = begin_and_hang_up;
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, call_over(&h));
    EXPECT_NE(h.err, ERR_NONE);
    EXPECT_EQ(h.heads, 0);
    EXPECT_EQ(r.provider.count, 1);
    call_done(&h);
    rig_close(&r);
}

TEST(nothing_is_sent_again_after_a_release)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    call_once(&r);
    line_close(&r.provider.lines[0]);
    call_post(&r, &h, STR("{}"));
    call_done(&h);
    rig_turn_ms(&r, 20);
    EXPECT_EQ(r.provider.count, 1);
    EXPECT_EQ(busy(&r), 0);
    rig_close(&r);
}

TEST(a_request_that_is_sent_again_makes_room_for_itself_and_waits_no_second_time)
{
    struct rig r;
    struct heard h = {0}, queued = {0};
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    r.endpoint.pool.max_connections = 1;
    call_once(&r);
    line_close(&r.provider.lines[0]);
    call_post(&r, &h, STR("{}"));
    call_post(&r, &queued, STR("{}"));
    TURN_UNTIL(&r, queued.ends);
    EXPECT_EQ(h.ends, 1);
    EXPECT_LT(h.order, queued.order);
    EXPECT_EQ(r.provider.count, 2);
    call_done(&h);
    call_done(&queued);
    rig_close(&r);
}

/* --- Reload. */

static bool keep_key(void *arg, str key)
{
    return str_eq(key, *(str *)arg);
}

TEST(a_reload_keeps_the_connections_of_endpoints_that_stay)
{
    struct rig r;
    str key;
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    call_once(&r);
    /* The same key, another object, other limits. */
    char copy[32];
    memcpy(copy, r.endpoint.key.ptr, r.endpoint.key.len);
    r.endpoint.key = key = str_make(copy, r.endpoint.key.len);
    r.endpoint.pool.max_idle = 1;
    client_retain(r.client, keep_key, &key);
    EXPECT_EQ(idle(&r), 1);
    call_once(&r);
    EXPECT_EQ(r.provider.count, 1);
    open_idle(&r, 4);
    EXPECT_EQ(idle(&r), 1); /* the new limit */
    rig_close(&r);
}

TEST(a_reload_closes_the_connections_of_endpoints_that_go)
{
    struct rig r;
    struct heard running = {0};
    str other = STR("other");
    rig_open(&r);
    call_post(&r, &running, STR("{}"));
    TURN_UNTIL(&r, asked(&r, 0));
    r.provider.answer = STR(OK_HEAD(2) "ok");
    call_once(&r);
    EXPECT_EQ(idle(&r), 1);
    client_retain(r.client, keep_key, &other);
    EXPECT_EQ(idle(&r), 0);
    TURN_UNTIL(&r, r.provider.lines[1].ended);
    line_say(&r.provider.lines[0], r.provider.answer); /* what runs, ends well */
    TURN_UNTIL(&r, running.ends);
    EXPECT_EQ(idle(&r), 0);
    call_done(&running);
    call_once(&r); /* a request of the older configuration is still served */
    EXPECT_EQ(idle(&r), 0);
    client_retain(r.client, keep_key, &r.endpoint.key); /* and it may come back */
    call_once(&r);
    EXPECT_EQ(idle(&r), 1);
    rig_close(&r);
}

TEST(endpoints_with_other_keys_share_nothing)
{
    struct rig r;
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    call_once(&r);
    r.endpoint.key = STR("the same address with other TLS settings");
    call_once(&r);
    EXPECT_EQ(r.provider.count, 2);
    EXPECT_EQ(idle(&r), 2);
    rig_close(&r);
}
