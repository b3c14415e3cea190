/* Limits, timeouts, refusals, draining. */
#include "host.h"

#include "http/h1_conn.h"

static const char GET[] = "GET /a HTTP/1.1\r\nhost: x\r\n\r\n";

/* --- Refusals */

static void expect_refused(const char *request, size_t chunk, enum err why, const char *status)
{
    struct host *h = host_new();
    struct guest g;
    h->on_visit = visit_hello;
    host_open(h);
    guest_come(&g, h, chunk);
    guest_send(&g, request);
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(h->refusals, 1);
    EXPECT_EQ(h->refused, why);
    EXPECT_EQ(h->count, 0);
    EXPECT_EQ(guest_count(&g, status), 1);
    EXPECT_EQ(guest_count(&g, "connection: close\r\n"), 1);
    EXPECT_EQ(guest_count(&g, "content-type: application/json\r\n"), 1);
    EXPECT_EQ(guest_count(&g, err_code(why)), 1);
    guest_leave(&g);
    host_close(h);
}

TEST(bad_heads_are_refused_with_their_status)
{
    static const struct {
        const char *request;
        enum err why;
        const char *status;
    } rows[] = {
        {"\1\2\3\r\n\r\n", ERR_HTTP_MALFORMED, "HTTP/1.1 400 "},
        {"GET /a HTTP/1.1\r\n\r\n", ERR_HTTP_MALFORMED, "HTTP/1.1 400 "},
        {"GET /a HTTP/1.1\r\nhost : x\r\n\r\n", ERR_HTTP_MALFORMED, "HTTP/1.1 400 "},
        {"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
         ERR_HTTP_MALFORMED, "HTTP/1.1 400 "},
        {"GET /a HTTP/1.1\r\nhost: x\r\nexpect: wonders\r\n\r\n", ERR_EXPECTATION_FAILED,
         "HTTP/1.1 417 "},
        {"GET /a HTTP/3.0\r\nhost: x\r\n\r\n", ERR_HTTP_VERSION, "HTTP/1.1 505 "},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ERR_HTTP_VERSION, "HTTP/1.1 505 "},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t chunk = 0; chunk <= 1; chunk++)
            expect_refused(rows[i].request, chunk, rows[i].why, rows[i].status);
}

TEST(limits_of_the_head_are_exact)
{
    struct buf head;
    buf_init(&head, 0);
    buf_add_lit(&head, "GET /a HTTP/1.1\r\nhost: x\r\n");
    for (unsigned i = 0; i < 50; i++) /* one too many, with host */
        buf_printf(&head, "x-%u: y\r\n", i);
    buf_add(&head, "\r\n", sizeof("\r\n"));
    expect_refused(head.ptr, 0, ERR_HEAD_TOO_LARGE, "HTTP/1.1 431 ");

    buf_clear(&head);
    buf_add_lit(&head, "GET /a HTTP/1.1\r\nhost: x\r\nx: ");
    while (head.len < 16384)
        buf_add_byte(&head, 'y');
    buf_add(&head, "\r\n\r\n", sizeof("\r\n\r\n"));
    expect_refused(head.ptr, 0, ERR_HEAD_TOO_LARGE, "HTTP/1.1 431 ");

    buf_clear(&head);
    buf_add_lit(&head, "GET /");
    while (head.len < 4 + 8193)
        buf_add_byte(&head, 'y');
    buf_add(&head, " HTTP/1.1\r\nhost: x\r\n\r\n", sizeof(" HTTP/1.1\r\nhost: x\r\n\r\n"));
    expect_refused(head.ptr, 0, ERR_URL_TOO_LONG, "HTTP/1.1 414 ");
    buf_release(&head);
}

TEST(a_refusal_is_told_what_was_read_of_the_target)
{
    for (size_t chunk = 0; chunk <= 1; chunk++) {
        struct host *h = host_new();
        struct guest g;
        host_open(h);
        guest_come(&g, h, chunk);
        guest_send(&g, "GET /v1/models?x=1 HTTP/1.1\r\nhost : x\r\n\r\n");
        HOST_UNTIL(h, g.ended);
        EXPECT_STR(h->refused_target, "/v1/models?x=1");
        EXPECT(h->refused_reason[0] != '\0');
        guest_leave(&g);
        host_close(h);
    }
}

TEST(a_bad_request_behind_a_good_one_is_refused_in_its_turn)
{
    struct host *h = host_new();
    struct guest g;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, "GET /a HTTP/1.1\r\nhost: x\r\n\r\nGARBAGE\r\n\r\n");
    HOST_UNTIL(h, h->count == 1);
    host_turns(h);
    EXPECT_EQ(h->refusals, 0);
    visit_hello(&h->visits[0]);
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(guest_count(&g, "hello"), 1);
    EXPECT_EQ(guest_count(&g, "HTTP/1.1 400 "), 1);
    guest_leave(&g);
    host_close(h);
}

TEST(a_bad_body_is_told_to_the_exchange_which_may_answer)
{
    struct host *h = host_new();
    struct guest g;
    h->on_visit = visit_take_body;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
                   "3\r\nabc\r\nzz\r\nGET /b HTTP/1.1\r\nhost: x\r\n\r\n");
    HOST_UNTIL(h, h->count == 1 && h->visits[0].gone_count == 1);
    EXPECT_EQ(h->visits[0].gone, ERR_HTTP_MALFORMED);
    EXPECT_STR(buf_str(&h->visits[0].body), "abc");
    visit_answer(&h->visits[0], 400, STR("bad"));
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(guest_count(&g, "HTTP/1.1 400 "), 1);
    EXPECT_EQ(guest_count(&g, "connection: close\r\n"), 1);
    EXPECT_EQ(h->count, 1);
    guest_leave(&g);
    host_close(h);
}

TEST(a_bad_rest_of_a_body_ends_the_connection)
{
    struct host *h = host_new();
    struct guest g;
    h->on_visit = visit_hello;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
                   "zz\r\nGET /b HTTP/1.1\r\nhost: x\r\n\r\n");
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(guest_count(&g, "hello"), 1);
    EXPECT_EQ(h->count, 1);
    guest_leave(&g);
    host_close(h);
}

/* --- Time */

TEST(a_head_that_does_not_come_in_time_is_408)
{
    struct host *h = host_new();
    struct guest g;
    h->options.conf.header_timeout_ms = 40;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, "GET /slow HTTP/1.1\r\n");
    uint64_t begun = loop_clock_us();
    unsigned drops = 0;
    while (!h->refusals && loop_clock_us() < begun + 5000000) {
        if (loop_clock_us() > begun + drops * 10000) { /* it drips, and that does not help */
            guest_send(&g, "a");
            drops++;
        }
        host_tick(h);
    }
    HOST_UNTIL(h, g.ended);
    EXPECT(drops > 1);
    EXPECT_EQ(h->refused, ERR_REQUEST_TIMEOUT);
    EXPECT_STR(h->refused_target, "/slow");
    EXPECT_EQ(guest_count(&g, "HTTP/1.1 408 "), 1);
    guest_leave(&g);
    host_close(h);
}

TEST(idle_connections_are_closed_without_a_word)
{
    struct host *h = host_new();
    struct guest fresh, used;
    h->options.conf.idle_timeout_ms = 40;
    h->on_visit = visit_hello;
    host_open(h);
    guest_come(&fresh, h, 0);
    guest_come(&used, h, 0);
    guest_send(&used, GET);
    HOST_UNTIL(h, fresh.ended && used.ended);
    EXPECT_EQ(fresh.got.len, 0);
    EXPECT_EQ(guest_count(&used, "HTTP/1.1"), 1);
    EXPECT_EQ(h->refusals, 0);
    guest_leave(&fresh);
    guest_leave(&used);
    host_close(h);
}

TEST(a_waiting_exchange_is_not_idle)
{
    struct host *h = host_new();
    struct guest g;
    h->options.conf.idle_timeout_ms = 20;
    h->options.conf.header_timeout_ms = 20;
    h->options.conf.body_timeout_ms = 20;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc");
    HOST_UNTIL(h, h->count == 1);
    for (int i = 0; i < 15; i++) /* its body is not asked for: not the client's fault */
        host_tick(h);
    EXPECT_EQ(h->visits[0].gone_count, 0);
    visit_take_body(&h->visits[0]);
    for (int i = 0; i < 15; i++)
        host_tick(h);
    EXPECT(h->visits[0].body_ended);
    EXPECT_EQ(h->visits[0].gone_count, 0);
    visit_hello(&h->visits[0]);
    HOST_UNTIL(h, guest_count(&g, "hello"));
    guest_leave(&g);
    host_close(h);
}

TEST(a_body_that_does_not_come_in_time_is_told)
{
    struct host *h = host_new();
    struct guest g;
    h->options.conf.body_timeout_ms = 40;
    h->on_visit = visit_take_body;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n");
    guest_send(&g, "it trickles");
    HOST_UNTIL(h, h->count && h->visits[0].gone);
    EXPECT_STR(buf_str(&h->visits[0].body), "it trickles");
    EXPECT_EQ(h->visits[0].gone, ERR_REQUEST_TIMEOUT);
    visit_answer(&h->visits[0], 408, STR("slow"));
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(guest_count(&g, "HTTP/1.1 408 "), 1);
    EXPECT_EQ(guest_count(&g, "connection: close\r\n"), 1);
    EXPECT_EQ(h->visits[0].gone_count, 1);
    guest_leave(&g);
    host_close(h);
}

/* --- Numbers */

TEST(one_connection_too_many_is_told_503)
{
    struct host *h = host_new();
    struct guest a, b, c;
    h->options.connections_max = 1;
    h->on_visit = visit_hello;
    host_open(h);
    host_listen(h, NULL);
    guest_come_tcp(&a, h);
    HOST_UNTIL(h, host_connections(h) == 1);
    guest_come_tcp(&b, h);
    guest_send(&b, GET);
    HOST_UNTIL(h, b.ended);
    EXPECT_EQ(b.end, ERR_EOF);
    EXPECT_EQ(guest_count(&b, "HTTP/1.1 503 "), 1);
    EXPECT_EQ(guest_count(&b, "retry-after: 1\r\n"), 1);
    EXPECT_EQ(guest_count(&b, "\"overloaded\""), 1);
    EXPECT_EQ(h->count, 0);
    EXPECT_EQ(atomic_load(&server_stats(h->server)->refused), 1);
    EXPECT_EQ(host_connections(h), 1);
    guest_leave(&b);
    guest_send(&a, GET);
    HOST_UNTIL(h, guest_count(&a, "hello"));
    guest_leave(&a);
    HOST_UNTIL(h, host_connections(h) == 0);
    guest_come_tcp(&c, h);
    guest_send(&c, GET);
    HOST_UNTIL(h, guest_count(&c, "hello"));
    EXPECT_EQ(atomic_load(&server_stats(h->server)->accepted), 2);
    guest_leave(&c);
    host_close(h);
}

TEST(a_storm_of_surplus_connections_is_bounded)
{
    enum { N = 200 };
    static struct guest g[N];
    struct host *h = host_new();
    h->options.connections_max = 0;
    host_open(h);
    for (unsigned i = 0; i < N; i++)
        guest_come(&g[i], h, 0);
    host_turns(h);
    EXPECT_LE(h->server->surplus, 64);
    unsigned told = 0;
    for (unsigned i = 0; i < N; i++) {
        EXPECT(g[i].ended);
        told += guest_count(&g[i], "HTTP/1.1 503 ");
        guest_leave(&g[i]);
    }
    EXPECT_EQ(told, 64);
    host_turns(h);
    EXPECT_EQ(h->server->surplus, 0);
    host_close(h);
}

/* --- Draining */

static void on_drained(void *arg)
{
    struct host *h = arg;
    h->drained++;
}

TEST(a_drain_closes_idle_connections_and_waits_for_the_others)
{
    struct host *h = host_new();
    struct guest idle, half, waiting, streaming;
    host_open(h);
    host_listen(h, NULL);
    guest_come_tcp(&idle, h);
    guest_come_tcp(&half, h);
    guest_come_tcp(&waiting, h);
    guest_come_tcp(&streaming, h);
    guest_send(&half, "GET /half HTTP/1.1\r\n");
    guest_send(&waiting, GET);
    HOST_UNTIL(h, h->count == 1);
    guest_send(&streaming, GET);
    HOST_UNTIL(h, h->count == 2 && host_connections(h) == 4);
    visit_begin(&h->visits[1]);
    server_drain(h->server, on_drained, h);
    HOST_UNTIL(h, idle.ended);
    EXPECT_EQ(host_connections(h), 3);
    EXPECT_EQ(h->drained, 0);
    h->on_visit = visit_hello;
    guest_send(&half, "host: x\r\n\r\n");
    visit_hello(&h->visits[0]);
    visit_end(&h->visits[1]);
    HOST_UNTIL(h, half.ended && waiting.ended && streaming.ended);
    EXPECT_EQ(guest_count(&half, "connection: close\r\n"), 1);
    EXPECT_EQ(guest_count(&half, "hello"), 1);
    EXPECT_EQ(guest_count(&waiting, "connection: close\r\n"), 1);
    EXPECT_EQ(guest_count(&streaming, "0\r\n\r\n"), 1);
    HOST_UNTIL(h, h->drained ==
                      1); /* their answers are out: that they keep the socket delays nobody */
    guest_leave(&idle);
    guest_leave(&half);
    guest_leave(&waiting);
    guest_leave(&streaming);
    HOST_UNTIL(h, host_connections(h) == 0);
    EXPECT_EQ(h->drained, 1);
    EXPECT_EQ(host_connections(h), 0);
    host_close(h);
}

TEST(a_drain_of_nothing_is_over_at_once_but_not_inside)
{
    struct host *h = host_new();
    host_open(h);
    server_drain(h->server, on_drained, h);
    EXPECT_EQ(h->drained, 0);
    loop_turn(h->loop, false);
    EXPECT_EQ(h->drained, 1);
    host_close(h);
}

TEST(closing_all_tells_the_exchanges)
{
    struct host *h = host_new();
    struct guest a, b;
    host_open(h);
    guest_come(&a, h, 0);
    guest_come(&b, h, 0);
    guest_send(&a, GET);
    HOST_UNTIL(h, h->count == 1);
    server_close_all(h->server);
    EXPECT_EQ(h->visits[0].gone, ERR_CLIENT_GONE);
    EXPECT_EQ(host_connections(h), 0);
    HOST_UNTIL(h, a.ended && b.ended);
    guest_leave(&a);
    guest_leave(&b);
    host_close(h);
}

TEST(an_exchange_may_outlive_its_connection_and_server)
{
    struct host *h = host_new();
    struct guest g;
    h->hold_gone = true;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, GET);
    HOST_UNTIL(h, h->count == 1);
    struct visit *v = &h->visits[0];
    struct exchange *ex = v->ex;
    server_close_all(h->server);
    host_turns(h);
    EXPECT_STR(ex->head->target, "/a");
    EXPECT_EQ(address_port(ex->peer), 1234);
    EXPECT_EQ(exchange_send(ex, &(struct response_head){.status = 200}, NULL, 0, true), 0);
    exchange_abort(ex);
    visit_release(v);
    guest_leave(&g);
    host_close(h);
}

TEST(new_settings_reach_open_connections)
{
    struct host *h = host_new();
    struct guest g;
    h->on_visit = visit_hello;
    host_open(h);
    guest_come(&g, h, 0);
    host_turns(h);
    struct server_conf conf = h->options.conf;
    conf.idle_timeout_ms = 20;
    server_configure(h->server, &conf, 1);
    guest_send(&g, GET);
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(guest_count(&g, "hello"), 1);
    guest_leave(&g);
    host_close(h);
}

TEST(a_listener_can_be_taken_away)
{
    struct host *h = host_new();
    struct guest g;
    h->on_visit = visit_hello;
    host_open(h);
    host_listen(h, NULL);
    guest_come_tcp(&g, h);
    guest_send(&g, GET);
    HOST_UNTIL(h, guest_count(&g, "hello") == 1);
    server_unlisten(h->server, h->listener);
    guest_send(&g, GET);
    HOST_UNTIL(h, guest_count(&g, "hello") == 2);
    guest_leave(&g);
    host_close(h);
}
