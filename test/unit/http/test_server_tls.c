/* The server over TLS. */
#include <openssl/ssl.h>
#include <stdlib.h>

#include "host.h"
#include "identity.h"

static const char GET[] = "GET /a HTTP/1.1\r\nhost: x\r\n\r\n";

struct secured {
    struct host *host;
    struct identity id;
    struct tls_context *server, *client;
};

static struct tls_context *server_context(const struct identity *id)
{
    char why[256] = "";
    struct tls_context *c = tls_server_context(
        &(struct tls_server_options){.certificates =
                                         &(struct tls_certificate){id->certificate, id->key},
                                     .count = 1,
                                     .client_ca = id->certificate,
                                     .client_auth = TLS_AUTH_OPTIONAL,
                                     .min_version = TLS1_2_VERSION,
                                     .alpn = "http/1.1"},
        why, sizeof(why));
    EXPECT_STR(why, "");
    return c;
}

static struct tls_context *client_context(const struct identity *id, bool own_certificate)
{
    char why[256] = "";
    struct tls_context *c = tls_client_context(
        &(struct tls_client_options){.ca = id->certificate,
                                     .certificate = own_certificate ? id->certificate : NULL,
                                     .key = own_certificate ? id->key : NULL,
                                     .verify = true,
                                     .min_version = TLS1_2_VERSION,
                                     .alpn = "http/1.1"},
        why, sizeof(why));
    EXPECT_STR(why, "");
    return c;
}

static void secured_open(struct secured *s, struct host *h, bool own_certificate)
{
    s->host = h;
    identity_make(&s->id, "somebody");
    s->server = server_context(&s->id);
    s->client = client_context(&s->id, own_certificate);
    host_open(h);
    host_listen(h, s->server);
}

static void secured_close(struct secured *s)
{
    host_close(s->host);
    tls_context_unref(s->server);
    tls_context_unref(s->client);
    identity_remove(&s->id);
}

struct arriving {
    struct stream *stream;
    bool done;
};

static void on_secured(void *arg, struct stream *stream, enum err err, const char *why)
{
    struct arriving *a = arg;
    (void)err, (void)why;
    a->stream = stream;
    a->done = true;
}

/* False: the handshake failed. */
static bool guest_come_tls(struct guest *g, struct host *h, struct tls_context *client)
{
    struct guest plain;
    struct arriving a = {0};
    guest_come_tcp(&plain, h);
    stream_read_stop(plain.stream);
    EXPECT(tls_start(client, plain.stream, STR("localhost"), h->port, on_secured, &a) != NULL);
    HOST_UNTIL(h, a.done);
    *g = (struct guest){0};
    if (a.stream)
        guest_come_as(g, a.stream);
    return a.stream != NULL;
}

TEST(requests_over_tls_are_answered)
{
    struct secured s;
    struct guest g;
    struct host *h = host_new();
    secured_open(&s, h, false);
    EXPECT(guest_come_tls(&g, h, s.client));
    for (unsigned i = 0; i < 3; i++) {
        guest_send(&g, GET);
        HOST_UNTIL(h, h->count == i + 1);
        EXPECT(h->visits[i].ex->tls);
        EXPECT(str_is_null(h->visits[i].ex->client_subject));
        visit_hello(&h->visits[i]);
        HOST_UNTIL(h, guest_count(&g, "\r\n\r\nhello") == i + 1);
    }
    EXPECT_EQ(host_connections(h), 1);
    guest_leave(&g);
    HOST_UNTIL(h, host_connections(h) == 0);
    secured_close(&s);
}

TEST(a_client_certificate_is_known_by_its_subject)
{
    struct secured s;
    struct guest g;
    struct host *h = host_new();
    secured_open(&s, h, true);
    EXPECT(guest_come_tls(&g, h, s.client));
    guest_send(&g, GET);
    HOST_UNTIL(h, h->count == 1);
    EXPECT_STR(h->visits[0].ex->client_subject, "CN=somebody");
    guest_leave(&g);
    secured_close(&s);
}

TEST(a_close_notify_while_an_answer_is_awaited_is_noticed)
{
    struct secured s;
    struct guest g;
    struct host *h = host_new();
    secured_open(&s, h, false);
    EXPECT(guest_come_tls(&g, h, s.client));
    guest_send(&g, GET);
    HOST_UNTIL(h, h->count == 1);
    guest_shut(&g);
    HOST_UNTIL(h, h->visits[0].gone == ERR_CLIENT_GONE);
    EXPECT_EQ(host_connections(h), 0);
    guest_leave(&g);
    secured_close(&s);
}

TEST(a_reset_under_tls_while_an_answer_streams_is_noticed)
{
    struct secured s;
    struct guest g;
    struct host *h = host_new();
    secured_open(&s, h, false);
    EXPECT(guest_come_tls(&g, h, s.client));
    guest_send(&g, GET);
    HOST_UNTIL(h, h->count == 1);
    visit_begin(&h->visits[0]);
    visit_say(&h->visits[0], STR("some"));
    HOST_UNTIL(h, guest_count(&g, "some"));
    guest_reset(&g);
    HOST_UNTIL(h, h->visits[0].gone == ERR_CLIENT_GONE);
    guest_leave(&g);
    secured_close(&s);
}

TEST(the_end_of_an_answer_to_1_0_over_tls_is_a_close_notify)
{
    struct secured s;
    struct guest g;
    struct host *h = host_new();
    secured_open(&s, h, false);
    EXPECT(guest_come_tls(&g, h, s.client));
    guest_send(&g, "GET /a HTTP/1.0\r\n\r\n");
    HOST_UNTIL(h, h->count == 1);
    visit_begin(&h->visits[0]);
    visit_say(&h->visits[0], STR("whole"));
    visit_end(&h->visits[0]);
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(g.end, ERR_EOF);
    EXPECT_EQ(guest_count(&g, "whole"), 1);
    guest_leave(&g);
    secured_close(&s);
}

TEST(an_aborted_answer_to_1_0_over_tls_is_no_close_notify)
{
    struct secured s;
    struct guest g;
    struct host *h = host_new();
    secured_open(&s, h, false);
    EXPECT(guest_come_tls(&g, h, s.client));
    guest_send(&g, "GET /a HTTP/1.0\r\n\r\n");
    HOST_UNTIL(h, h->count == 1);
    visit_begin(&h->visits[0]);
    visit_say(&h->visits[0], STR("half"));
    HOST_UNTIL(h, guest_count(&g, "half"));
    visit_abort(&h->visits[0]);
    HOST_UNTIL(h, g.ended);
    EXPECT_NE(g.end, ERR_EOF);
    guest_leave(&g);
    secured_close(&s);
}

TEST(what_is_no_handshake_is_counted_and_closed)
{
    struct secured s;
    struct guest g;
    struct host *h = host_new();
    secured_open(&s, h, false);
    guest_come_tcp(&g, h);
    guest_send(&g, GET);
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(atomic_load(&server_stats(h->server)->handshakes_failed), 1);
    EXPECT_EQ(host_connections(h), 0);
    EXPECT_EQ(h->count + h->refusals, 0);
    guest_leave(&g);
    secured_close(&s);
}

TEST(a_handshake_that_stalls_is_cut)
{
    struct secured s;
    struct guest g;
    struct host *h = host_new();
    h->options.conf.header_timeout_ms = 40;
    secured_open(&s, h, false);
    guest_come_tcp(&g, h);
    guest_send(&g, "\x16\x03\x01\x02"); /* a record begins */
    HOST_UNTIL(h, host_connections(h) == 1);
    HOST_UNTIL(h, g.ended);
    EXPECT_EQ(atomic_load(&server_stats(h->server)->handshakes_failed), 1);
    EXPECT_EQ(host_connections(h), 0);
    guest_leave(&g);
    secured_close(&s);
}

TEST(a_drain_does_not_wait_for_handshakes)
{
    struct secured s;
    struct guest g;
    struct host *h = host_new();
    secured_open(&s, h, false);
    guest_come_tcp(&g, h);
    HOST_UNTIL(h, host_connections(h) == 1);
    server_drain(h->server, NULL, NULL);
    EXPECT_EQ(host_connections(h), 0);
    HOST_UNTIL(h, g.ended);
    guest_leave(&g);
    secured_close(&s);
}

TEST(new_certificates_serve_the_next_connection)
{
    struct secured s;
    struct guest before, after;
    struct identity other;
    struct host *h = host_new();
    h->on_visit = visit_hello;
    secured_open(&s, h, false);
    EXPECT(guest_come_tls(&before, h, s.client));
    identity_make(&other, "other");
    struct tls_context *fresh = server_context(&other), *client = client_context(&other, false);
    server_set_tls(h->server, h->listener, fresh);
    tls_context_unref(fresh);
    EXPECT(guest_come_tls(&after, h, client));
    guest_send(&before, GET);
    guest_send(&after, GET);
    HOST_UNTIL(h, guest_count(&before, "hello") && guest_count(&after, "hello"));
    guest_leave(&before);
    guest_leave(&after);
    tls_context_unref(client);
    identity_remove(&other);
    secured_close(&s);
}

TEST(one_connection_too_many_over_tls_is_closed)
{
    struct secured s;
    struct guest a, b;
    struct host *h = host_new();
    h->options.connections_max = 1;
    secured_open(&s, h, false);
    EXPECT(guest_come_tls(&a, h, s.client));
    EXPECT(!guest_come_tls(&b, h, s.client));
    EXPECT_EQ(atomic_load(&server_stats(h->server)->refused), 1);
    guest_leave(&a);
    secured_close(&s);
}

TEST(a_large_body_and_a_large_answer_pass_tls_in_pieces)
{
    enum { N = 3000000 };
    struct secured s;
    struct guest g;
    char *body = malloc(N);
    for (size_t i = 0; i < N; i++)
        body[i] = (char)('a' + i % 23);
    struct host *h = host_new();
    h->on_visit = visit_take_body;
    h->on_body_end = visit_echo;
    secured_open(&s, h, false);
    EXPECT(guest_come_tls(&g, h, s.client));
    guest_send(&g, "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3000000\r\n\r\n");
    guest_send_bytes(&g, str_make(body, N));
    HOST_UNTIL(h, g.got.len > N);
    EXPECT_MEM(g.got.ptr + g.got.len - N, N, body, N);
    free(body);
    guest_leave(&g);
    secured_close(&s);
}
