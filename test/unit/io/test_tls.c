#include "io/tls.h"

#include "certificates.h"
#include "io/memory_stream.h"
#include "recorder.h"
#include "support/test.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Both sides of a TLS connection over two streams joined in memory, or TCP. */
struct side {
    struct recorder r;
    struct tls_handshake *handshake;
    unsigned calls;
    enum err err;
    char why[200];
};

static struct loop *loop;
static struct certificates certs;
static struct side client, server;
static struct tls_context *client_ctx, *server_ctx;
static char why[256];

static void on_done(void *arg, struct stream *s, enum err err, const char *text)
{
    struct side *side = arg;
    side->calls++;
    side->err = err;
    side->handshake = NULL;
    EXPECT_EQ(s != NULL, err == ERR_NONE);
    snprintf(side->why, sizeof(side->why), "%s", text ? text : "");
    if (s)
        recorder_attach(&side->r, s);
}

static struct tls_context *make_server(const struct certificate_paths *p, unsigned n,
                                       const char *alpn)
{
    struct tls_certificate c[4];
    for (unsigned i = 0; i < n; i++)
        c[i] = (struct tls_certificate){p[i].certificate, p[i].key};
    struct tls_context *ctx = tls_server_context(
        &(struct tls_server_options){.certificates = c, .count = n, .alpn = alpn}, why,
        sizeof(why));
    if (!ctx)
        EXPECT_FAIL("%s", why);
    return ctx;
}

static struct tls_context *make_client(const char *ca, const char *alpn)
{
    struct tls_context *ctx = tls_client_context(
        &(struct tls_client_options){.ca = ca, .verify = true, .alpn = alpn}, why, sizeof(why));
    if (!ctx)
        EXPECT_FAIL("%s", why);
    return ctx;
}

static void begin(void)
{
    loop = loop_new();
    certificates_begin(&certs, "Test CA");
    client = server = (struct side){0};
}

/* A server for good.test and 127.0.0.1, and a client that trusts its CA. */
static void begin_usual(void)
{
    begin();
    struct certificate_paths p =
        certificates_issue(&certs, "good.test", "DNS:good.test,IP:127.0.0.1", 10);
    server_ctx = make_server(&p, 1, "http/1.1");
    client_ctx = make_client(certs.ca, "http/1.1");
}

static void start_over(struct stream *s[2], const char *host)
{
    client = server = (struct side){0};
    client.handshake = tls_start(client_ctx, s[0], str_from_c(host), 443, on_done, &client);
    server.handshake = tls_start(server_ctx, s[1], STR_NULL, 0, on_done, &server);
    EXPECT(client.handshake && server.handshake);
    EXPECT_EQ(client.calls, 0);
}

static void start(const char *host, size_t chunk)
{
    struct stream *s[2];
    EXPECT(memory_stream_pair(loop, chunk, s));
    start_over(s, host);
}

static void connect_to(const char *host, size_t chunk)
{
    start(host, chunk);
    TURN_UNTIL(loop, client.calls && server.calls);
    if (client.err || server.err)
        EXPECT_FAIL("client: %s, server: %s", client.why, server.why);
}

static void disconnect(void)
{
    recorder_release(&client.r);
    recorder_release(&server.r);
    loop_turn(loop, false);
}

static void end(void)
{
    disconnect();
    tls_context_unref(client_ctx);
    tls_context_unref(server_ctx);
    client_ctx = server_ctx = NULL;
    certificates_end(&certs);
    loop_end(loop);
}

static void ping_pong(void)
{
    recorder_write(&client.r, STR("ping"));
    TURN_UNTIL(loop, server.r.got.len == 4);
    EXPECT_STR(recorder_text(&server.r), "ping");
    recorder_write(&server.r, STR("pong"));
    TURN_UNTIL(loop, client.r.got.len == 4);
    EXPECT_STR(recorder_text(&client.r), "pong");
}

/* --- Handshakes that succeed */

TEST(handshake_over_memory_agrees_on_version_and_protocol)
{
    begin_usual();
    connect_to("good.test", 0);
    EXPECT_STR(tls_version(client.r.stream), "TLSv1.3");
    EXPECT_STR(tls_alpn(client.r.stream), "http/1.1");
    EXPECT_STR(tls_alpn(server.r.stream), "http/1.1");
    EXPECT(str_is_null(tls_peer_subject(server.r.stream)));
    ping_pong();
    end();
}

TEST(every_byte_may_come_alone)
{
    begin_usual();
    connect_to("good.test", 1);
    ping_pong();
    stream_shut(client.r.stream);
    TURN_UNTIL(loop, server.r.ends);
    EXPECT_EQ(server.r.end, ERR_EOF);
    end();
}

TEST(handshake_works_over_sockets)
{
    struct stream *s[2];
    begin_usual();
    tcp_pair(loop, s);
    start_over(s, "good.test");
    TURN_UNTIL(loop, client.calls && server.calls);
    EXPECT_STR(client.why, "");
    ping_pong();
    end();
}

TEST(addresses_and_names_with_a_final_dot_are_verified_too)
{
    begin_usual();
    connect_to("127.0.0.1", 0);
    disconnect();
    connect_to("good.test.", 0);
    disconnect();
    connect_to("GOOD.test", 0);
    end();
}

TEST(session_is_resumed_on_the_next_connection_to_the_same_host_and_port)
{
    begin_usual();
    connect_to("good.test", 0);
    EXPECT(!tls_was_resumed(client.r.stream));
    ping_pong(); /* the tickets come with it */
    disconnect();
    for (int i = 0; i < 4; i++) {
        connect_to("good.test", 0);
        EXPECT(tls_was_resumed(client.r.stream));
        EXPECT(tls_was_resumed(server.r.stream));
        EXPECT_STR(tls_alpn(client.r.stream), "http/1.1");
        ping_pong();
        disconnect();
    }
    connect_to("127.0.0.1", 0);
    EXPECT(!tls_was_resumed(client.r.stream));
    end();
}

TEST(session_of_tls_1_2_is_resumed_also_after_a_reset)
{
    begin_usual();
    tls_context_unref(server_ctx);
    struct certificate_paths p = certificates_issue(&certs, "good.test", "DNS:good.test", 10);
    server_ctx = make_server(&p, 1, NULL);
    struct tls_context *any = client_ctx;
    client_ctx = make_client(certs.ca, NULL);
    tls_context_unref(any);
    for (int i = 0; i < 3; i++) {
        struct stream *s[2];
        EXPECT(memory_stream_pair(loop, 0, s));
        start_over(s, "good.test");
        TURN_UNTIL(loop, client.calls && server.calls);
        ping_pong();
        EXPECT_EQ(tls_was_resumed(client.r.stream), i > 0);
        stream_reset(client.r.stream);
        client.r.stream = NULL;
        disconnect();
    }
    end();
}

TEST(certificate_is_chosen_by_the_name_asked_for)
{
    begin();
    struct certificate_paths p[3] = {
        certificates_issue(&certs, "first.test", "DNS:first.test", 10),
        certificates_issue(&certs, "wild.test", "DNS:*.wild.test", 9),
        certificates_issue(&certs, "third.test", "DNS:third.test,DNS:also.test", 8),
    };
    server_ctx = make_server(p, 3, "h2, http/1.1");
    client_ctx = make_client(certs.ca, "http/1.1");
    const char *const names[] = {"first.test", "a.wild.test", "third.test", "also.test"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        connect_to(names[i], 0);
        EXPECT_STR(tls_alpn(client.r.stream), "http/1.1");
        disconnect();
    }
    start("unknown.test", 0); /* gets the first, which is not for it */
    TURN_UNTIL(loop, client.calls && server.calls);
    EXPECT_EQ(client.err, ERR_UPSTREAM_TLS);
    int64_t expiry = tls_context_expiry(server_ctx), now = (int64_t)time(NULL);
    EXPECT_GT(expiry, now + 7 * 86400);
    EXPECT_LE(expiry, now + 8 * 86400 + 60);
    end();
}

/* --- Client certificates */

static void require_client_certificate(enum tls_client_auth auth)
{
    begin();
    struct certificate_paths p = certificates_issue(&certs, "good.test", "DNS:good.test", 10);
    struct tls_certificate c = {p.certificate, p.key};
    server_ctx = tls_server_context(
        &(struct tls_server_options){
            .certificates = &c, .count = 1, .client_ca = certs.ca, .client_auth = auth},
        why, sizeof(why));
    EXPECT(server_ctx);
}

TEST(client_certificate_is_verified_and_named)
{
    require_client_certificate(TLS_AUTH_REQUIRED);
    struct certificate_paths mine = certificates_issue(&certs, "team search", NULL, 10);
    client_ctx = tls_client_context(
        &(struct tls_client_options){
            .ca = certs.ca, .certificate = mine.certificate, .key = mine.key, .verify = true},
        why, sizeof(why));
    EXPECT(client_ctx);
    for (int i = 0; i < 2; i++) { /* also when resumed */
        connect_to("good.test", 0);
        EXPECT_STR(tls_peer_subject(server.r.stream), "CN=team search");
        ping_pong();
        disconnect();
    }
    end();
}

TEST(client_without_the_required_certificate_is_turned_away)
{
    require_client_certificate(TLS_AUTH_REQUIRED);
    client_ctx = make_client(certs.ca, NULL);
    start("good.test", 0);
    TURN_UNTIL(loop, server.calls && (client.err || client.r.ends));
    EXPECT_EQ(server.err, ERR_UPSTREAM_TLS);
    EXPECT_CONTAINS(server.why, "did not return a certificate");
    if (!client.err) /* TLS 1.3: the client is done before the server has looked */
        EXPECT_EQ(client.r.end, ERR_IO);
    end();
}

TEST(client_certificate_may_be_optional)
{
    require_client_certificate(TLS_AUTH_OPTIONAL);
    client_ctx = make_client(certs.ca, NULL);
    connect_to("good.test", 0);
    EXPECT(str_is_null(tls_peer_subject(server.r.stream)));
    ping_pong();
    end();
}

/* --- Handshakes that fail */

static void expect_failure(const char *host, const char *text)
{
    start(host, 0);
    TURN_UNTIL(loop, client.calls && server.calls);
    EXPECT_EQ(client.err, ERR_UPSTREAM_TLS);
    EXPECT_CONTAINS(client.why, text);
    EXPECT_EQ(server.err, ERR_UPSTREAM_TLS);
    EXPECT_EQ(client.calls, 1);
    EXPECT_EQ(server.calls, 1);
}

TEST(name_that_is_not_in_the_certificate_fails)
{
    begin_usual();
    expect_failure("bad.test", "ostname mismatch");
    expect_failure("127.0.0.2", "IP address mismatch");
    end();
}

TEST(unknown_ca_fails)
{
    begin_usual();
    struct certificates own = certs, other;
    certificates_end(&certs); /* the server has read its files */
    certificates_begin(&other, "Another CA");
    tls_context_unref(client_ctx);
    client_ctx = make_client(other.ca, "http/1.1");
    certs = other;
    (void)own;
    expect_failure("good.test", "unable to get local issuer certificate");
    end();
}

TEST(expired_certificate_fails)
{
    begin();
    struct certificate_paths p = certificates_issue(&certs, "good.test", "DNS:good.test", -1);
    server_ctx = make_server(&p, 1, NULL);
    client_ctx = make_client(certs.ca, NULL);
    expect_failure("good.test", "expired");
    end();
}

TEST(no_protocol_in_common_fails)
{
    begin_usual();
    tls_context_unref(client_ctx);
    client_ctx = make_client(certs.ca, "h2");
    start("good.test", 0);
    TURN_UNTIL(loop, client.calls && server.calls);
    EXPECT_EQ(client.err, ERR_UPSTREAM_TLS);
    EXPECT_CONTAINS(client.why, "no application protocol");
    end();
}

TEST(without_verification_anything_goes)
{
    begin_usual();
    tls_context_unref(client_ctx);
    client_ctx = tls_client_context(&(struct tls_client_options){0}, why, sizeof(why));
    EXPECT(client_ctx);
    connect_to("other.test", 0);
    ping_pong();
    end();
}

TEST(host_that_is_no_host_fails)
{
    static const char *const bad[] = {"", "."};
    char longest[400];
    struct stream *s[2];
    begin_usual();
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    for (size_t i = 0; i <= ARRAY_LEN(bad); i++) {
        EXPECT(memory_stream_pair(loop, 0, s));
        client = (struct side){0};
        const char *host = i < ARRAY_LEN(bad) ? bad[i] : longest;
        EXPECT(tls_start(client_ctx, s[0], str_from_c(host), 1, on_done, &client));
        EXPECT_EQ(client.calls, 0);
        TURN_UNTIL(loop, client.calls);
        EXPECT_EQ(client.err, ERR_UPSTREAM_TLS);
        stream_close(s[1]);
    }
    end();
}

/* What is not TLS, before the handshake, is never taken for an answer. */
static void expect_plain_fails(bool at_server, str bytes, const char *text)
{
    struct stream *s[2];
    struct recorder plain = {0};
    struct side *side = at_server ? &server : &client;
    EXPECT(memory_stream_pair(loop, 0, s));
    client = server = (struct side){0};
    recorder_attach(&plain, s[1]);
    recorder_write(&plain, bytes);
    EXPECT(
        tls_start(at_server ? server_ctx : client_ctx, s[0], STR("good.test"), 443, on_done, side));
    TURN_UNTIL(loop, side->calls);
    EXPECT_EQ(side->err, ERR_UPSTREAM_TLS);
    EXPECT_CONTAINS(side->why, text);
    EXPECT_EQ(side->r.got.len, 0);
    TURN_UNTIL(loop, plain.ends);
    recorder_release(&plain);
}

TEST(plaintext_before_the_handshake_is_refused_by_both_sides)
{
    begin_usual();
    expect_plain_fails(false, STR("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), "");
    expect_plain_fails(true, STR("GET / HTTP/1.1\r\nhost: x\r\n\r\n"), "http request");
    expect_plain_fails(true, STR("\0\0\0\0\0\0\0\0\0\0\0\0"), "");
    expect_plain_fails(false, STR("\x16\x03\x03\xff\xff garbage"), "");
    end();
}

TEST(peer_that_leaves_during_the_handshake_fails_it)
{
    struct stream *s[2];
    begin_usual();
    for (int reset = 0; reset < 2; reset++) {
        EXPECT(memory_stream_pair(loop, 0, s));
        client = (struct side){0};
        EXPECT(tls_start(client_ctx, s[0], STR("good.test"), 443, on_done, &client));
        if (reset)
            stream_reset(s[1]);
        else
            stream_close(s[1]);
        TURN_UNTIL(loop, client.calls);
        EXPECT_EQ(client.err, ERR_UPSTREAM_TLS);
        EXPECT_CONTAINS(client.why, reset ? "broke" : "closed the connection");
    }
    end();
}

TEST(handshake_can_be_cancelled_in_every_phase)
{
    begin_usual();
    for (int turns = 0; turns < 40; turns++) {
        start("good.test", 64);
        for (int i = 0; i < turns && client.handshake && server.handshake; i++)
            loop_turn(loop, false);
        bool done = !client.handshake || !server.handshake;
        unsigned calls = client.calls;
        if (client.handshake)
            tls_cancel(client.handshake);
        loop_turn(loop, false);
        EXPECT_EQ(client.calls, calls);
        if (server.handshake)
            tls_cancel(server.handshake);
        disconnect();
        if (done)
            break;
    }
    end();
}

/* --- Streams */

TEST(much_data_survives_pauses_and_backpressure_in_both_directions)
{
    enum { SIZE = 3000000 };
    char *bytes = malloc(SIZE);
    struct stream *s[2];
    for (unsigned i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 7 + i / 1000);
    begin_usual();
    tcp_pair(loop, s);
    start_over(s, "good.test");
    TURN_UNTIL(loop, client.calls && server.calls);
    client.r.pause_after = 5000;
    stream_write(client.r.stream, &SLICE_BORROWED(str_make(bytes, SIZE)), 1);
    size_t at = 0;
    for (unsigned n = 1; at < SIZE; at += n, n = n * 3 % 30011)
        stream_write(server.r.stream,
                     &SLICE_BORROWED(str_make(bytes + at, n < SIZE - at ? n : SIZE - at)), 1);
    for (int i = 0; i < 10; i++)
        turn_at_most(loop, 4);
    EXPECT_LT(client.r.got.len, 40000);
    client.r.pause_after = 0;
    stream_read_start(client.r.stream);
    TURN_UNTIL(loop, client.r.got.len >= SIZE && server.r.got.len >= SIZE);
    EXPECT(memcmp(client.r.got.ptr, bytes, SIZE) == 0);
    EXPECT(memcmp(server.r.got.ptr, bytes, SIZE) == 0);
    EXPECT_EQ(client.r.stream->queued, 0);
    free(bytes);
    end();
}

TEST(small_slices_share_a_record)
{
    enum { SLICES = 100 };
    struct slice v[SLICES];
    begin_usual();
    connect_to("good.test", 0);
    for (unsigned i = 0; i < SLICES; i++)
        v[i] = SLICE_BORROWED(STR("0123456789"));
    stream_write(client.r.stream, v, SLICES);
    EXPECT_LT(client.r.stream->queued, SLICES * 10 + 100);
    TURN_UNTIL(loop, server.r.got.len == SLICES * 10);
    EXPECT_EQ(server.r.reads, 1);
    EXPECT_EQ(client.r.drains, 1);
    EXPECT_EQ(client.r.stream->queued, 0);
    end();
}

TEST(paused_tls_stream_keeps_what_came_and_goes_on_later)
{
    begin_usual();
    connect_to("good.test", 0);
    server.r.pause_after = 1;
    recorder_write(&client.r, STR("one"));
    recorder_write(&client.r, STR("two"));
    recorder_write(&client.r, STR("three"));
    TURN_UNTIL(loop, server.r.got.len);
    for (int i = 0; i < 5; i++)
        loop_turn(loop, false);
    EXPECT_EQ(server.r.got.len, 3);
    server.r.pause_after = 0;
    stream_read_start(server.r.stream);
    EXPECT_EQ(server.r.got.len, 3); /* not inside the call */
    TURN_UNTIL(loop, server.r.got.len == 11);
    EXPECT_STR(recorder_text(&server.r), "onetwothree");
    end();
}

TEST(close_notify_is_an_end_and_its_absence_is_an_error)
{
    begin_usual();
    connect_to("good.test", 0);
    recorder_write(&client.r, STR("bye"));
    stream_close(client.r.stream);
    client.r.stream = NULL;
    TURN_UNTIL(loop, server.r.ends);
    EXPECT_STR(recorder_text(&server.r), "bye");
    EXPECT_EQ(server.r.end, ERR_EOF);
    disconnect();

    connect_to("good.test", 0);
    stream_reset(client.r.stream);
    client.r.stream = NULL;
    TURN_UNTIL(loop, server.r.ends);
    EXPECT_EQ(server.r.end, ERR_IO);
    end();
}

TEST(half_closed_tls_stream_still_answers)
{
    begin_usual();
    connect_to("good.test", 0);
    recorder_write(&client.r, STR("question"));
    stream_shut(client.r.stream);
    TURN_UNTIL(loop, server.r.ends);
    recorder_write(&server.r, STR("answer"));
    TURN_UNTIL(loop, client.r.got.len == 6);
    EXPECT_EQ(client.r.ends, 0);
    stream_shut(server.r.stream);
    TURN_UNTIL(loop, client.r.ends);
    EXPECT_EQ(client.r.end, ERR_EOF);
    end();
}

TEST(tls_stream_may_close_inside_its_callbacks)
{
    begin_usual();
    connect_to("good.test", 0);
    server.r.close_in_read = true;
    client.r.close_in_end = true;
    recorder_write(&client.r, STR("one"));
    recorder_write(&client.r, STR("two"));
    TURN_UNTIL(loop, !server.r.stream && !client.r.stream);
    EXPECT_EQ(server.r.reads, 1);
    end();
}

/* A transport that a third party writes to: garbage inside the connection breaks it. */
TEST(garbage_after_the_handshake_breaks_the_stream)
{
    struct stream *s[2], *raw;
    begin_usual();
    EXPECT(memory_stream_pair(loop, 0, s));
    raw = s[1];
    start_over(s, "good.test");
    TURN_UNTIL(loop, client.calls && server.calls);
    stream_write(raw, &SLICE_BORROWED(STR("\x17\x03\x03\x00\x18 this was never encrypted, no")), 1);
    TURN_UNTIL(loop, client.r.ends);
    EXPECT_EQ(client.r.end, ERR_IO);
    TURN_UNTIL(loop, server.r.ends);
    EXPECT_EQ(server.r.end, ERR_IO);
    end();
}

/* --- Contexts */

static void expect_no_server(const char *certificate, const char *key, const char *text)
{
    struct tls_certificate c = {certificate, key};
    EXPECT(!tls_server_context(&(struct tls_server_options){.certificates = &c, .count = 1}, why,
                               sizeof(why)));
    EXPECT_CONTAINS(why, text);
}

TEST(bad_files_are_refused_in_words)
{
    begin();
    struct certificate_paths a = certificates_issue(&certs, "a", "DNS:a", 1);
    struct certificate_paths b = certificates_issue(&certs, "b", "DNS:b", 1);
    expect_no_server("/nonexistent/x.pem", a.key, "/nonexistent/x.pem: No such file");
    expect_no_server(a.certificate, "/nonexistent/x.key", "/nonexistent/x.key: No such file");
    expect_no_server(a.certificate, b.key, "key");
    expect_no_server(a.key, a.key, "no start line");
    expect_no_server(NULL, a.key, "needs");
    EXPECT(!tls_server_context(&(struct tls_server_options){0}, why, sizeof(why)));
    EXPECT(!tls_client_context(&(struct tls_client_options){.ca = a.key, .verify = true}, why,
                               sizeof(why)));
    EXPECT_CONTAINS(why, a.key);
    EXPECT(!tls_client_context(&(struct tls_client_options){.certificate = a.certificate}, why,
                               sizeof(why)));
    EXPECT(!tls_client_context(&(struct tls_client_options){.alpn = "h2,,x"}, why, sizeof(why)));
    EXPECT_CONTAINS(why, "h2,,x");
    end();
}

TEST(contexts_are_counted)
{
    begin_usual();
    EXPECT_EQ(tls_context_ref(client_ctx), client_ctx);
    tls_context_unref(client_ctx);
    tls_context_unref(NULL);
    connect_to("good.test", 0);
    tls_context_unref(client_ctx); /* the connection has its own reference */
    client_ctx = NULL;
    ping_pong();
    end();
}
