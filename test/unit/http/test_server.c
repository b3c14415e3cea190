/* Requests and answers: what a well-behaved client sees. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>

#include "http/h1_conn.h"

static const char GET[] = "GET /a HTTP/1.1\r\nhost: x\r\n\r\n";

TEST(a_request_is_answered_and_the_connection_lives_on)
{
    struct host *h = host_new();
    struct guest g;
    h->on_visit = visit_hello;
    host_open(h);
    guest_come(&g, h, 0);
    for (unsigned i = 1; i <= 3; i++) {
        guest_send(&g, GET);
        HOST_UNTIL(h, guest_count(&g, "\r\n\r\nhello") == i);
    }
    EXPECT_EQ(guest_count(&g, "HTTP/1.1 200 OK\r\n"), 3);
    EXPECT_EQ(guest_count(&g, "content-length: 5\r\n"), 3);
    EXPECT_EQ(guest_count(&g, "x-test: yes\r\n"), 3);
    EXPECT_EQ(guest_count(&g, "date: "), 3);
    EXPECT_EQ(guest_count(&g, " GMT\r\n"), 3);
    EXPECT_EQ(guest_count(&g, "connection"), 0);
    EXPECT_EQ(guest_count(&g, "transfer-encoding"), 0);
    EXPECT_EQ(host_connections(h), 1);
    EXPECT(!g.ended);
    guest_leave(&g);
    host_turns(h);
    EXPECT_EQ(host_connections(h), 0);
    host_close(h);
}

TEST(the_exchange_tells_what_was_asked)
{
    struct host *h = host_new();
    struct guest g;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, "POST /v1/x?y=1 HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc");
    HOST_UNTIL(h, h->count == 1);
    struct exchange *ex = h->visits[0].ex;
    EXPECT_EQ(ex->head->method, METHOD_POST);
    EXPECT_STR(ex->head->path, "/v1/x");
    EXPECT_STR(ex->head->query, "y=1");
    EXPECT_EQ(ex->head->content_length, 3);
    EXPECT_STR(ex->protocol, "http/1.1");
    EXPECT(!ex->tls);
    EXPECT(str_is_null(ex->client_subject));
    EXPECT(ex->started_us > 0 && ex->started_us <= loop_now_us(h->loop));
    EXPECT_EQ(address_port(ex->peer), 1234);
    visit_take_body(&h->visits[0]);
    HOST_UNTIL(h, h->visits[0].body_ended);
    EXPECT_EQ(ex->bytes_in,
              strlen("POST /v1/x?y=1 HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"));
    EXPECT_EQ(ex->bytes_out, 0);
    struct response_head head = {.status = 200, .content_length = -1};
    exchange_send(ex, &head, &SLICE_BORROWED(STR("hello")), 1, true);
    size_t sent = ex->bytes_out;
    HOST_UNTIL(h, guest_count(&g, "hello"));
    EXPECT_EQ(sent, g.got.len);
    EXPECT_EQ(guest_count(&g, "content-length: 5\r\n"), 1); /* counted, as the end came with it */
    visit_release(&h->visits[0]);
    guest_leave(&g);
    host_close(h);
}

static const char *const bodies[] = {
    "POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\nhello world",
    "POST /b HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nt: v\r\n\r\n",
};

TEST(bodies_arrive_whole_however_they_are_cut)
{
    static const size_t chunks[] = {0, 1, 2, 3, 7, 16};
    for (unsigned b = 0; b < ARRAY_LEN(bodies); b++)
        for (unsigned i = 0; i < ARRAY_LEN(chunks); i++) {
            struct host *h = host_new();
            struct guest g;
            h->on_visit = visit_take_body;
            h->on_body_end = visit_echo;
            host_open(h);
            guest_come(&g, h, chunks[i]);
            guest_send(&g, bodies[b]);
            HOST_UNTIL(h, guest_count(&g, "hello world"));
            EXPECT_EQ(h->count, 1);
            guest_leave(&g);
            host_close(h);
        }
}

TEST(a_pipelined_pair_may_be_cut_anywhere)
{
    for (unsigned first = 0; first < 2; first++) {
        char both[512];
        snprintf(both, sizeof(both), "%s%s%s", bodies[first], bodies[!first],
                 "GET /last HTTP/1.1\r\nhost: x\r\n\r\n");
        for (size_t cut = 0; cut <= strlen(both); cut++) {
            struct host *h = host_new();
            struct guest g;
            h->on_visit = visit_take_body;
            h->on_body_end = visit_echo;
            host_open(h);
            guest_come(&g, h, 0);
            guest_send_bytes(&g, str_make(both, cut));
            loop_turn(h->loop, false);
            loop_turn(h->loop, false);
            guest_send(&g, both + cut);
            HOST_UNTIL(h, guest_count(&g, "\r\n\r\n") == 3);
            EXPECT_EQ(guest_count(&g, "\r\n\r\nhello worldHTTP/1.1 200 OK\r\n"), 2);
            EXPECT_EQ(h->count, 3);
            EXPECT_EQ(h->refusals, 0);
            EXPECT_STR(h->visits[2].target, "/last");
            guest_leave(&g);
            host_close(h);
        }
    }
}

TEST(the_next_request_waits_for_the_one_before)
{
    struct host *h = host_new();
    struct guest g;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, GET);
    guest_send(&g, "GET /b HTTP/1.1\r\nhost: x\r\n\r\n");
    host_turns(h);
    EXPECT_EQ(h->count, 1);
    struct response_head head = {.status = 200, .content_length = 1};
    exchange_send(h->visits[0].ex, &head, &SLICE_BORROWED(STR("1")), 1, true);
    host_turns(h);
    EXPECT_EQ(h->count, 1); /* answered, but not released */
    visit_release(&h->visits[0]);
    EXPECT_EQ(h->count, 1); /* not inside the call */
    HOST_UNTIL(h, h->count == 2);
    visit_answer(&h->visits[1], 200, STR("2"));
    HOST_UNTIL(h, guest_count(&g, "\r\n\r\n2"));
    EXPECT(strstr(g.got.ptr, "\r\n\r\n1H") < strstr(g.got.ptr, "\r\n\r\n2"));
    guest_leave(&g);
    host_close(h);
}

TEST(many_pipelined_requests_are_held_within_a_bound_and_all_answered)
{
    enum { N = 2000 };
    struct host *h = host_new();
    struct guest g;
    struct buf many;
    buf_init(&many, 0);
    for (unsigned i = 0; i < N; i++)
        buf_printf(&many, "GET /%u HTTP/1.1\r\nhost: x\r\nx-pad: %064u\r\n\r\n", i, i);
    host_open(h);
    host_listen(h, NULL);
    guest_come_tcp(&g, h);
    guest_send_bytes(&g, buf_str(&many));
    HOST_UNTIL(h, h->count == 1);
    host_turns(h);
    EXPECT_LE(g.stream->queued + 4 * H1_PENDING_MAX, many.len + 8 * H1_PENDING_MAX);
    EXPECT_LE((chunk_alive() - h->chunks) * CHUNK_SIZE, g.stream->queued + 3 * H1_PENDING_MAX);
    h->on_visit = visit_hello;
    visit_hello(&h->visits[0]);
    HOST_UNTIL(h, guest_count(&g, "\r\n\r\nhello") == N);
    for (unsigned i = 0; i < N; i++)
        EXPECT_EQ(atoi(h->visits[i].target + 1), i);
    buf_release(&many);
    guest_leave(&g);
    host_close(h);
}

TEST(an_answer_of_unknown_length_is_chunked)
{
    struct host *h = host_new();
    struct guest g;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, GET);
    HOST_UNTIL(h, h->count == 1);
    struct visit *v = &h->visits[0];
    visit_begin(v);
    visit_say(v, STR("one"));
    visit_say(v, STR("")); /* no bytes, no chunk: it would end the body */
    struct slice pieces[40];
    for (unsigned i = 0; i < 40; i++)
        pieces[i] = SLICE_BORROWED(STR("ab"));
    exchange_send(v->ex, NULL, pieces, 40, false);
    visit_end(v);
    HOST_UNTIL(h, guest_count(&g, "\r\n0\r\n\r\n"));
    EXPECT_EQ(guest_count(&g, "transfer-encoding: chunked\r\n"), 1);
    EXPECT_EQ(guest_count(&g, "content-length"), 0);
    EXPECT_EQ(guest_count(&g, "\r\n\r\n3\r\none\r\n50\r\nababab"), 1);
    guest_send(&g, GET);
    HOST_UNTIL(h, h->count == 2);
    v = &h->visits[1];
    visit_begin(v);
    exchange_send(v->ex, NULL, &SLICE_BORROWED(STR("last")), 1, true);
    visit_release(v);
    HOST_UNTIL(h, guest_count(&g, "\r\n\r\n4\r\nlast\r\n0\r\n\r\n"));
    guest_leave(&g);
    host_close(h);
}

TEST(head_and_204_have_no_body)
{
    struct host *h = host_new();
    struct guest g;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, "HEAD /a HTTP/1.1\r\nhost: x\r\n\r\n");
    HOST_UNTIL(h, h->count == 1);
    visit_hello(&h->visits[0]);
    HOST_UNTIL(h, guest_count(&g, "\r\n\r\n"));
    EXPECT_EQ(guest_count(&g, "content-length: 5\r\n"), 1);
    guest_send(&g, "HEAD /b HTTP/1.1\r\nhost: x\r\n\r\n");
    HOST_UNTIL(h, h->count == 2);
    visit_begin(&h->visits[1]);
    visit_say(&h->visits[1], STR("hello"));
    visit_end(&h->visits[1]);
    guest_send(&g, GET);
    HOST_UNTIL(h, h->count == 3);
    struct response_head head = {.status = 204, .content_length = -1};
    exchange_send(h->visits[2].ex, &head, NULL, 0, true);
    visit_release(&h->visits[2]);
    HOST_UNTIL(h, guest_count(&g, "\r\n\r\n") == 3);
    EXPECT_EQ(guest_count(&g, "hello"), 0);
    EXPECT_EQ(guest_count(&g, "content-length"), 1);
    EXPECT_EQ(guest_count(&g, "0\r\n\r\n"), 0);
    EXPECT(!g.ended);
    guest_leave(&g);
    host_close(h);
}

TEST(a_client_of_1_0_gets_the_end_of_the_connection_as_the_end_of_the_body)
{
    struct host *h = host_new();
    struct guest g;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, "GET /a HTTP/1.0\r\n\r\n");
    HOST_UNTIL(h, h->count == 1);
    EXPECT_STR(h->visits[0].ex->protocol, "http/1.0");
    visit_begin(&h->visits[0]);
    visit_say(&h->visits[0], STR("one "));
    visit_say(&h->visits[0], STR("two"));
    visit_end(&h->visits[0]);
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(g.end, ERR_EOF);
    EXPECT_EQ(guest_count(&g, "\r\n\r\none two"), 1);
    EXPECT_EQ(guest_count(&g, "connection: close\r\n"), 1);
    EXPECT_EQ(guest_count(&g, "chunked"), 0);
    guest_leave(&g);
    host_close(h);
}

TEST(a_client_of_1_0_that_asks_may_keep_its_connection)
{
    struct host *h = host_new();
    struct guest g;
    h->on_visit = visit_hello;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, "GET /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    HOST_UNTIL(h, guest_count(&g, "hello"));
    EXPECT_EQ(guest_count(&g, "connection: keep-alive\r\n"), 1);
    guest_send(&g, "GET /a HTTP/1.0\r\n\r\n");
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(guest_count(&g, "connection: close\r\n"), 1);
    EXPECT_EQ(guest_count(&g, "hello"), 2);
    guest_leave(&g);
    host_close(h);
}

TEST(connection_close_is_honoured)
{
    struct host *h = host_new();
    struct guest g;
    h->on_visit = visit_hello;
    host_open(h);
    host_listen(h, NULL);
    guest_come_tcp(&g, h);
    guest_send(&g, "GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(g.end, ERR_EOF);
    EXPECT_EQ(guest_count(&g, "connection: close\r\n"), 1);
    EXPECT_EQ(guest_count(&g, "hello"), 1);
    EXPECT_EQ(host_connections(h), 0);
    guest_leave(&g);
    host_close(h);
}

static const char EXPECT_POST[] =
    "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n";

TEST(continue_is_said_when_the_body_is_wanted)
{
    struct host *h = host_new();
    struct guest g;
    h->on_body_end = visit_echo;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, EXPECT_POST);
    HOST_UNTIL(h, h->count == 1);
    host_turns(h);
    EXPECT_EQ(g.got.len, 0);
    visit_take_body(&h->visits[0]);
    HOST_UNTIL(h, g.got.len);
    EXPECT_STR(buf_str(&g.got), "HTTP/1.1 100 Continue\r\n\r\n");
    guest_send(&g, "body");
    HOST_UNTIL(h, guest_count(&g, "\r\n\r\nbody"));
    EXPECT_EQ(guest_count(&g, "100 Continue"), 1);
    EXPECT_EQ(guest_count(&g, "connection: close"), 0);
    guest_leave(&g);
    host_close(h);
}

TEST(continue_is_not_said_when_the_body_came_already)
{
    struct host *h = host_new();
    struct guest g;
    h->on_body_end = visit_echo;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, EXPECT_POST);
    guest_send(&g, "body");
    HOST_UNTIL(h, h->count == 1);
    host_turns(h);
    visit_take_body(&h->visits[0]);
    HOST_UNTIL(h, guest_count(&g, "\r\n\r\nbody"));
    EXPECT_EQ(guest_count(&g, "100 Continue"), 0);
    guest_leave(&g);
    host_close(h);
}

TEST(a_refusal_instead_of_continue_closes)
{
    struct host *h = host_new();
    struct guest g;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, EXPECT_POST);
    HOST_UNTIL(h, h->count == 1);
    visit_answer(&h->visits[0], 401, STR("no"));
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(guest_count(&g, "100 Continue"), 0);
    EXPECT_EQ(guest_count(&g, "HTTP/1.1 401 Unauthorized\r\n"), 1);
    EXPECT_EQ(guest_count(&g, "connection: close\r\n"), 1);
    guest_leave(&g);
    host_close(h);
}

TEST(after_an_early_answer_a_small_rest_of_the_body_is_read_away)
{
    static const char *const rests[] = {"content-length: 10\r\n\r\n01234",
                                        "transfer-encoding: chunked\r\n\r\na\r\n01234"};
    static const char *const ends[] = {"56789", "56789\r\n0\r\n\r\n"};
    for (unsigned i = 0; i < 2; i++) {
        struct host *h = host_new();
        struct guest g;
        h->on_visit = visit_hello;
        host_open(h);
        guest_come(&g, h, 0);
        guest_send(&g, "POST /a HTTP/1.1\r\nhost: x\r\n");
        guest_send(&g, rests[i]);
        HOST_UNTIL(h, guest_count(&g, "hello") == 1);
        guest_send(&g, ends[i]);
        guest_send(&g, GET);
        HOST_UNTIL(h, guest_count(&g, "hello") == 2);
        EXPECT_EQ(h->count, 2);
        EXPECT_EQ(h->visits[0].body_bytes, 0);
        EXPECT_EQ(guest_count(&g, "connection: close"), 0);
        guest_leave(&g);
        host_close(h);
    }
}

/* Over a real socket: an RST would destroy the answer before the client reads it. */
TEST(an_early_answer_reaches_a_client_that_still_sends)
{
    static const char *const heads[] = {
        "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000\r\n\r\n",
        "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3d0900\r\n",
    };
    for (unsigned i = 0; i < 2; i++) {
        struct host *h = host_new();
        struct guest g;
        char *body = calloc(1, 4000000);
        h->on_visit = visit_hello;
        host_open(h);
        host_listen(h, NULL);
        guest_come_tcp(&g, h);
        guest_send(&g, heads[i]);
        guest_send_bytes(&g, str_make(body, 4000000));
        HOST_UNTIL(h, g.ended && g.stream->queued == 0);
        EXPECT_EQ(g.end, ERR_EOF);
        EXPECT_EQ(guest_count(&g, "hello"), 1);
        EXPECT_EQ(guest_count(&g, "connection: close\r\n"), i == 0);
        EXPECT_LE(chunk_alive() - h->chunks, 4);
        guest_leave(&g);
        HOST_UNTIL(h, host_connections(h) == 0);
        free(body);
        host_close(h);
    }
}

TEST(a_paused_body_waits_within_a_bound)
{
    enum { N = 1000000 };
    struct host *h = host_new();
    struct guest g;
    char *body = calloc(1, N);
    h->drop_bodies = true;
    h->on_body_end = visit_echo;
    host_open(h);
    host_listen(h, NULL);
    guest_come_tcp(&g, h);
    guest_send(&g, "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n");
    guest_send_bytes(&g, str_make(body, N));
    free(body);
    HOST_UNTIL(h, h->count == 1);
    host_turns(h);
    struct visit *v = &h->visits[0];
    EXPECT_EQ(v->body_bytes, 0);
    EXPECT_LE((chunk_alive() - h->chunks) * CHUNK_SIZE, g.stream->queued + 3 * H1_PENDING_MAX);
    exchange_body(v->ex, true);
    EXPECT_EQ(v->body_bytes, 0); /* never inside the call */
    loop_turn(h->loop, false);
    EXPECT(v->body_bytes > 0);
    exchange_body(v->ex, false);
    size_t so_far = v->body_bytes;
    host_turns(h);
    EXPECT_EQ(v->body_bytes, so_far);
    exchange_body(v->ex, true);
    HOST_UNTIL(h, v->body_ended);
    EXPECT_EQ(v->body_bytes, N);
    guest_leave(&g);
    host_close(h);
}

TEST(the_end_of_no_body_is_told_when_the_flow_is_on)
{
    struct host *h = host_new();
    struct guest g;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, GET);
    HOST_UNTIL(h, h->count == 1);
    host_turns(h);
    EXPECT(!h->visits[0].body_ended);
    exchange_body(h->visits[0].ex, true);
    EXPECT(!h->visits[0].body_ended);
    HOST_UNTIL(h, h->visits[0].body_ended);
    guest_leave(&g);
    host_close(h);
}

TEST(a_slow_client_stops_the_answer_until_it_has_drained)
{
    struct host *h = host_new();
    struct guest g;
    char *block = calloc(1, 65536);
    host_open(h);
    host_listen(h, NULL);
    guest_come_tcp(&g, h);
    guest_send(&g, GET);
    HOST_UNTIL(h, h->count == 1);
    struct visit *v = &h->visits[0];
    stream_read_stop(g.stream);
    visit_begin(v);
    size_t queued = 0, said = 0;
    while (queued < 300000) {
        struct slice s = SLICE_BORROWED(str_make(block, 65536));
        queued = exchange_send(v->ex, NULL, &s, 1, false);
        said += s.len;
        EXPECT_LE(said, 100u << 20);
    }
    uint64_t stuck_us = v->ex->last_progress_us;
    host_tick(h);
    host_tick(h);
    EXPECT_EQ(v->drains, 0);
    exchange_queued(v->ex);
    EXPECT_EQ(v->ex->last_progress_us, stuck_us);
    stream_read_start(g.stream);
    HOST_UNTIL(h, v->drains > 0);
    EXPECT(v->ex->last_progress_us > stuck_us);
    EXPECT_EQ(exchange_queued(v->ex), 0);
    visit_end(v);
    HOST_UNTIL(h, g.got.len > said && memcmp(g.got.ptr + g.got.len - 5, "0\r\n\r\n", 5) == 0);
    free(block);
    guest_leave(&g);
    host_close(h);
}

TEST(a_client_that_takes_a_little_at_a_time_makes_progress)
{
    struct host *h = host_new();
    struct guest g;
    enum { N = 16 << 20 };
    char *block = calloc(1, N);
    host_open(h);
    host_listen(h, NULL);
    guest_come_tcp(&g, h);
    guest_send(&g, GET);
    HOST_UNTIL(h, h->count == 1);
    struct visit *v = &h->visits[0];
    stream_read_stop(g.stream);
    visit_begin(v);
    exchange_send(v->ex, NULL, &SLICE_BORROWED(str_make(block, N)), 1, false);
    free(block);
    uint64_t before_us = v->ex->last_progress_us;
    size_t before = exchange_queued(v->ex), got = g.got.len;
    while (exchange_queued(v->ex) == before) {
        EXPECT_LE(g.got.len, got + (12 << 20)); /* what the kernel holds comes first */
        stream_read_start(g.stream);
        host_tick(h);
        stream_read_stop(g.stream);
    }
    EXPECT(exchange_queued(v->ex) > 0);
    EXPECT(v->ex->last_progress_us > before_us);
    EXPECT_EQ(v->drains, 0);
    guest_leave(&g);
    host_close(h);
}

TEST(an_aborted_answer_is_seen_to_be_cut)
{
    struct host *h = host_new();
    struct guest g;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, GET);
    HOST_UNTIL(h, h->count == 1);
    visit_begin(&h->visits[0]);
    visit_say(&h->visits[0], STR("some"));
    visit_abort(&h->visits[0]);
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(guest_count(&g, "4\r\nsome\r\n"), 1);
    EXPECT_EQ(guest_count(&g, "\r\n0\r\n"), 0);
    guest_leave(&g);
    host_close(h);
}

TEST(an_answer_shorter_than_promised_is_cut)
{
    struct host *h = host_new();
    struct guest g;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, GET);
    HOST_UNTIL(h, h->count == 1);
    struct response_head head = {.status = 200, .content_length = 10};
    exchange_send(h->visits[0].ex, &head, &SLICE_BORROWED(STR("short")), 1, true);
    visit_release(&h->visits[0]);
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(guest_count(&g, "content-length: 10\r\n"), 1);
    EXPECT_EQ(guest_count(&g, "\r\n\r\nshort"), 1);
    guest_leave(&g);
    host_close(h);
}

TEST(an_answer_longer_than_promised_is_a_bug)
{
    struct host *h = host_new();
    struct guest g;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, GET);
    HOST_UNTIL(h, h->count == 1);
    struct response_head head = {.status = 200, .content_length = 2};
    EXPECT_ABORT(exchange_send(h->visits[0].ex, &head, &SLICE_BORROWED(STR("longer")), 1, true));
    guest_leave(&g);
    host_close(h);
}

TEST(an_aborted_answer_to_1_0_ends_in_a_reset)
{
    struct host *h = host_new();
    struct guest g;
    host_open(h);
    host_listen(h, NULL);
    guest_come_tcp(&g, h);
    guest_send(&g, "GET /a HTTP/1.0\r\n\r\n");
    HOST_UNTIL(h, h->count == 1);
    visit_begin(&h->visits[0]);
    visit_say(&h->visits[0], STR("some"));
    HOST_UNTIL(h, guest_count(&g, "some"));
    visit_abort(&h->visits[0]);
    HOST_UNTIL(h, g.ended);
    EXPECT_NE(g.end, ERR_EOF);
    guest_leave(&g);
    host_close(h);
}

TEST(an_exchange_released_without_an_answer_closes)
{
    struct host *h = host_new();
    struct guest g;
    h->on_visit = visit_release;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, GET);
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(g.got.len, 0);
    guest_leave(&g);
    host_close(h);
}

TEST(a_head_that_cannot_be_written_becomes_a_500)
{
    struct host *h = host_new();
    struct guest g;
    host_open(h);
    guest_come(&g, h, 0);
    guest_send(&g, GET);
    HOST_UNTIL(h, h->count == 1);
    struct response_head head = {.status = 200, .content_length = -1};
    EXPECT(head_add(&head.headers, h->visits[0].ex->arena, STR("x"), STR("a\r\nb: c")));
    exchange_send(h->visits[0].ex, &head, NULL, 0, false);
    visit_say(&h->visits[0], STR("goes nowhere"));
    visit_end(&h->visits[0]);
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(guest_count(&g, "HTTP/1.1 500 "), 1);
    EXPECT_EQ(guest_count(&g, "b: c"), 0);
    EXPECT_EQ(guest_count(&g, "nowhere"), 0);
    EXPECT_EQ(h->refused, ERR_INTERNAL);
    guest_leave(&g);
    host_close(h);
}

TEST(an_idle_connection_costs_little)
{
    /* The stream comes on top, some 700 bytes. */
    EXPECT_LE(sizeof(struct h1_conn), 1024);
    struct host *h = host_new();
    struct guest g;
    h->on_visit = visit_hello;
    host_open(h);
    host_listen(h, NULL);
    guest_come_tcp(&g, h);
    guest_send(&g, GET);
    HOST_UNTIL(h, guest_count(&g, "hello"));
    host_turns(h);
    struct h1_conn *c = LIST_ENTRY(h->server->conns.next, struct h1_conn, base.node);
    EXPECT_EQ(c->state, H1_IDLE);
    EXPECT(c->arena.blocks == NULL);
    EXPECT(c->pending.slices == NULL);
    EXPECT(c->parser.head.ptr == NULL);
    guest_leave(&g);
    host_close(h);
}

TEST(a_unix_socket_serves_too)
{
    char path[64];
    struct host *h = host_new();
    struct guest g;
    snprintf(path, sizeof(path), "unix:/tmp/test-server-%d.sock", (int)loop_clock_us());
    h->on_visit = visit_hello;
    host_open(h);
    host_listen_unix(h, path);
    guest_come_unix(&g, h, path);
    guest_send(&g, GET);
    HOST_UNTIL(h, guest_count(&g, "hello"));
    guest_leave(&g);
    remove(path + strlen("unix:"));
    host_close(h);
}
