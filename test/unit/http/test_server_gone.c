/* Clients that leave, in each phase, by FIN and by RST, over memory and over TCP. */
#include "host.h"

#include "http/h1_conn.h"

enum phase {
    PHASE_FRESH,
    PHASE_HEAD,
    PHASE_BODY,
    PHASE_BODY_PAUSED,
    PHASE_WAITING,
    PHASE_STREAMING,
    PHASE_PIPELINED,
    PHASES
};

static const char *const sent[PHASES] = {
    [PHASE_FRESH] = "",
    [PHASE_HEAD] = "GET /a HTTP/1.1\r\nho",
    [PHASE_BODY] = "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc",
    [PHASE_BODY_PAUSED] = "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc",
    [PHASE_WAITING] = "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc",
    [PHASE_STREAMING] = "GET /a HTTP/1.1\r\nhost: x\r\n\r\n",
    [PHASE_PIPELINED] = "GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\n\r\n",
};

static void reach(struct host *h, struct guest *g, enum phase phase, bool tcp)
{
    host_open(h);
    if (tcp) {
        host_listen(h, NULL);
        guest_come_tcp(g, h);
    } else {
        guest_come(g, h, 0);
    }
    guest_send(g, sent[phase]);
    HOST_UNTIL(h, host_connections(h) == 1 && h->count == (phase >= PHASE_BODY));
    struct visit *v = &h->visits[0];
    if (phase == PHASE_BODY || phase == PHASE_WAITING) {
        visit_take_body(v);
        HOST_UNTIL(h, v->body_bytes == 3 && v->body_ended == (phase == PHASE_WAITING));
    }
    if (phase == PHASE_STREAMING) {
        visit_begin(v);
        visit_say(v, STR("some"));
        HOST_UNTIL(h, guest_count(g, "some"));
    }
    host_turns(h);
}

static void leave_in(enum phase phase, bool tcp, bool reset)
{
    struct host *h = host_new();
    struct guest g;
    reach(h, &g, phase, tcp);
    if (reset)
        guest_reset(&g);
    else
        guest_shut(&g);
    HOST_UNTIL(h, host_connections(h) == 0);
    if (phase >= PHASE_BODY) {
        EXPECT_EQ(h->visits[0].gone, ERR_CLIENT_GONE);
        EXPECT_EQ(h->visits[0].gone_count, 1);
    }
    EXPECT_EQ(h->refusals, 0);
    guest_leave(&g);
    host_turns(h);
    EXPECT_EQ(h->count, phase >= PHASE_BODY);
    host_close(h);
}

TEST(a_fin_is_noticed_in_each_phase)
{
    for (int phase = 0; phase < PHASES; phase++)
        leave_in(phase, false, false);
}

TEST(a_fin_over_tcp_is_noticed_in_each_phase)
{
    for (int phase = 0; phase < PHASES; phase++)
        leave_in(phase, true, false);
}

TEST(a_reset_is_noticed_in_each_phase)
{
    for (int phase = 0; phase < PHASES; phase++)
        leave_in(phase, false, true);
}

TEST(a_reset_over_tcp_is_noticed_in_each_phase)
{
    for (int phase = 0; phase < PHASES; phase++)
        leave_in(phase, true, true);
}

TEST(sending_to_a_client_that_left_does_nothing)
{
    struct host *h = host_new();
    struct guest g;
    h->hold_gone = true;
    reach(h, &g, PHASE_STREAMING, true);
    struct visit *v = &h->visits[0];
    guest_reset(&g);
    visit_say(v, STR("more"));
    HOST_UNTIL(h, v->gone == ERR_CLIENT_GONE);
    uint64_t out = v->ex->bytes_out;
    EXPECT_EQ(exchange_send(v->ex, NULL, &SLICE_BORROWED(STR("more")), 1, false), 0);
    EXPECT_EQ(exchange_queued(v->ex), 0);
    exchange_body(v->ex, true);
    exchange_abort(v->ex);
    host_turns(h);
    EXPECT_EQ(v->ex->bytes_out, out);
    EXPECT_EQ(v->gone_count, 1);
    visit_release(v);
    guest_leave(&g);
    host_close(h);
}

TEST(with_half_close_a_fin_after_the_request_is_no_end)
{
    struct host *h = host_new();
    struct guest g;
    h->options.conf.half_close = true;
    host_open(h);
    host_listen(h, NULL);
    guest_come_tcp(&g, h);
    guest_send(&g, "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
                   "GET /b HTTP/1.1\r\nhost: x\r\n\r\n");
    guest_shut(&g);
    HOST_UNTIL(h, h->count == 1);
    host_turns(h);
    struct visit *v = &h->visits[0];
    EXPECT_EQ(v->gone_count, 0);
    visit_take_body(v); /* it waited in our memory */
    HOST_UNTIL(h, v->body_ended);
    h->on_visit = visit_hello;
    visit_answer(v, 200, STR("first"));
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(g.end, ERR_EOF);
    EXPECT_EQ(guest_count(&g, "first"), 1);
    EXPECT_EQ(guest_count(&g, "hello"), 1);
    EXPECT_EQ(host_connections(h), 0);
    guest_leave(&g);
    host_close(h);
}

TEST(with_half_close_a_fin_inside_the_body_is_the_end)
{
    static const enum phase phases[] = {PHASE_BODY, PHASE_BODY_PAUSED};
    for (unsigned i = 0; i < 2; i++) {
        struct host *h = host_new();
        struct guest g;
        h->options.conf.half_close = true;
        reach(h, &g, phases[i], true);
        guest_shut(&g);
        host_turns(h);
        if (h->visits[0].ex)
            visit_take_body(&h->visits[0]);
        HOST_UNTIL(h, h->visits[0].gone == ERR_CLIENT_GONE);
        guest_leave(&g);
        host_close(h);
    }
}

TEST(with_half_close_a_reset_is_the_end)
{
    struct host *h = host_new();
    struct guest g;
    h->options.conf.half_close = true;
    reach(h, &g, PHASE_WAITING, true);
    guest_reset(&g);
    HOST_UNTIL(h, h->visits[0].gone == ERR_CLIENT_GONE);
    guest_leave(&g);
    host_close(h);
}

TEST(a_client_that_leaves_before_the_end_has_gone_out_is_gone)
{
    struct host *h = host_new();
    struct guest g;
    reach(h, &g, PHASE_STREAMING, true);
    struct visit *v = &h->visits[0];
    static char block[1 << 20];
    stream_read_stop(g.stream);
    while (exchange_send(v->ex, NULL, &SLICE_BORROWED(str_make(block, sizeof(block))), 1, false) <
           sizeof(block))
        ;
    exchange_send(v->ex, NULL, NULL, 0, true);
    host_turns(h);
    EXPECT_EQ(v->gone_count, 0);
    guest_reset(&g);
    HOST_UNTIL(h, v->gone == ERR_CLIENT_GONE);
    guest_leave(&g);
    host_close(h);
}

TEST(a_client_that_leaves_after_the_answer_is_not_gone)
{
    struct host *h = host_new();
    struct guest g;
    reach(h, &g, PHASE_STREAMING, true);
    struct visit *v = &h->visits[0];
    exchange_send(v->ex, NULL, NULL, 0, true);
    HOST_UNTIL(h, guest_count(&g, "0\r\n\r\n"));
    guest_reset(&g);
    HOST_UNTIL(h, host_connections(h) == 0);
    host_turns(h);
    EXPECT_EQ(v->gone_count, 0);
    visit_release(v);
    guest_leave(&g);
    host_close(h);
}

TEST(a_stalled_client_loses_its_queue_when_aborted)
{
    struct host *h = host_new();
    struct guest g;
    h->options.conf.client_stall_ms = 30;
    reach(h, &g, PHASE_STREAMING, true);
    struct visit *v = &h->visits[0];
    static char block[1 << 20];
    stream_read_stop(g.stream);
    while (exchange_send(v->ex, NULL, &SLICE_BORROWED(str_make(block, sizeof(block))), 1, false) <
           sizeof(block))
        ;
    uint64_t since = v->ex->last_progress_us;
    HOST_UNTIL(h, loop_clock_us() > since + 60000);
    exchange_queued(v->ex);
    EXPECT_EQ(v->ex->last_progress_us, since);
    visit_abort(v);
    host_turns(h);
    EXPECT_EQ(host_connections(h), 0);
    stream_read_start(g.stream);
    HOST_UNTIL(h, g.ended);
    EXPECT_NE(g.end, ERR_EOF);
    guest_leave(&g);
    host_close(h);
}

TEST(a_client_that_does_not_take_the_end_of_its_answer_is_cut)
{
    struct host *h = host_new();
    struct guest g;
    h->options.conf.client_stall_ms = 30;
    reach(h, &g, PHASE_STREAMING, true);
    struct visit *v = &h->visits[0];
    static char block[1 << 20];
    stream_read_stop(g.stream);
    while (exchange_send(v->ex, NULL, &SLICE_BORROWED(str_make(block, sizeof(block))), 1, false) <
           sizeof(block))
        ;
    visit_end(v); /* and released: nobody but the server watches */
    HOST_UNTIL(h, host_connections(h) == 0);
    guest_leave(&g);
    host_close(h);
}

TEST(a_client_that_leaves_while_the_rest_is_read_away_goes_quietly)
{
    struct host *h = host_new();
    struct guest g;
    reach(h, &g, PHASE_BODY, true);
    visit_hello(&h->visits[0]);
    HOST_UNTIL(h, guest_count(&g, "hello"));
    guest_shut(&g);
    HOST_UNTIL(h, host_connections(h) == 0);
    EXPECT_EQ(h->visits[0].gone_count, 0);
    guest_leave(&g);
    host_close(h);
}
