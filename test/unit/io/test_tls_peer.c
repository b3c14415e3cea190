#include "io/tls.h"

#include "certificates.h"
#include "io/memory_stream.h"
#include "recorder.h"
#include "support/test.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>

/* A peer that is OpenSSL by itself, so that it can do what ours never would. */
struct peer {
    SSL_CTX *ctx;
    SSL *ssl;
    SSL_SESSION *session;
    struct stream *stream;
    BIO *in, *out;
    char got[64];
    int got_len;
    bool done, ended;
};

static struct loop *loop;
static struct certificates certs;
static struct tls_context *server_ctx, *client_ctx;
static struct recorder ours;
static unsigned calls;
static enum err result;
static char why[256];

static void on_done(void *arg, struct stream *s, enum err err, const char *text)
{
    (void)arg;
    calls++;
    result = err;
    snprintf(why, sizeof(why), "%s", text ? text : "");
    if (s)
        recorder_attach(&ours, s);
}

/* --- The peer */

static void peer_send(struct peer *p)
{
    char *bytes;
    long n = BIO_get_mem_data(p->out, &bytes);
    if (n > 0 && p->stream)
        stream_write(p->stream, &SLICE_BORROWED(str_make(bytes, (size_t)n)), 1);
    (void)BIO_reset(p->out);
}

static void peer_step(struct peer *p)
{
    if (!p->done && SSL_do_handshake(p->ssl) == 1)
        p->done = true;
    if (p->done) {
        int n = SSL_read(p->ssl, p->got + p->got_len, (int)sizeof(p->got) - p->got_len);
        p->got_len += n > 0 ? n : 0;
    }
    ERR_clear_error();
    peer_send(p);
}

static void on_peer_read(void *arg, struct slice bytes)
{
    struct peer *p = arg;
    BIO_write(p->in, bytes.ptr, (int)bytes.len);
    peer_step(p);
}

static void on_peer_end(void *arg, enum err err)
{
    struct peer *p = arg;
    (void)err;
    p->ended = true;
}

static int keep_session(SSL *ssl, SSL_SESSION *s)
{
    struct peer *p = SSL_get_app_data(ssl);
    SSL_SESSION_free(p->session);
    p->session = s;
    return 1;
}

static void peer_init(struct peer *p, bool server, int version)
{
    *p = (struct peer){0};
    p->ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    SSL_CTX_set_min_proto_version(p->ctx, version);
    SSL_CTX_set_max_proto_version(p->ctx, version);
    SSL_CTX_set_session_cache_mode(p->ctx, server ? SSL_SESS_CACHE_OFF : SSL_SESS_CACHE_CLIENT);
    if (server)
        return;
    SSL_CTX_sess_set_new_cb(p->ctx, keep_session);
}

static void peer_connect(struct peer *p, struct stream *s, bool server)
{
    static const struct stream_handler handler = {on_peer_read, on_peer_end, NULL};
    p->ssl = SSL_new(p->ctx);
    SSL_set_app_data(p->ssl, p);
    p->in = BIO_new(BIO_s_mem());
    p->out = BIO_new(BIO_s_mem());
    SSL_set_bio(p->ssl, p->in, p->out);
    p->stream = s;
    p->done = p->ended = false;
    p->got_len = 0;
    if (server)
        SSL_set_accept_state(p->ssl);
    else
        SSL_set_connect_state(p->ssl);
    if (p->session)
        SSL_set_session(p->ssl, p->session);
    stream_handle(s, &handler, p);
    stream_read_start(s);
    if (!server)
        peer_step(p);
}

static void peer_disconnect(struct peer *p)
{
    stream_close(p->stream);
    SSL_set_shutdown(p->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(p->ssl);
    p->stream = NULL;
    p->ssl = NULL;
}

static void peer_release(struct peer *p)
{
    SSL_SESSION_free(p->session);
    SSL_CTX_free(p->ctx);
}

/* --- Set-up */

static void begin(void)
{
    certificates_begin(&certs, "Test CA");
    loop = loop_new();
    struct certificate_paths p = certificates_issue(&certs, "good.test", "DNS:good.test", 10);
    struct tls_certificate c = {p.certificate, p.key};
    server_ctx = tls_server_context(&(struct tls_server_options){.certificates = &c, .count = 1},
                                    why, sizeof(why));
    client_ctx = tls_client_context(&(struct tls_client_options){.ca = certs.ca, .verify = true},
                                    why, sizeof(why));
    EXPECT(server_ctx && client_ctx);
    calls = 0;
}

static void end(void)
{
    tls_context_unref(server_ctx);
    tls_context_unref(client_ctx);
    certificates_end(&certs);
    loop_end(loop);
}

/* Our server, their client. */
static void connect_client(struct peer *p)
{
    struct stream *s[2];
    EXPECT(memory_stream_pair(loop, 0, s));
    calls = 0;
    EXPECT(tls_start(server_ctx, s[0], STR_NULL, 0, on_done, NULL));
    peer_connect(p, s[1], false);
    TURN_UNTIL(loop, calls && (p->done || p->ended));
}

/* Our client, their server. */
static void connect_server(struct peer *p)
{
    struct stream *s[2];
    EXPECT(memory_stream_pair(loop, 0, s));
    calls = 0;
    peer_connect(p, s[1], true);
    EXPECT(tls_start(client_ctx, s[0], STR("good.test"), 443, on_done, NULL));
    TURN_UNTIL(loop, calls && (p->done || p->ended));
}

static void settle(void)
{
    for (int i = 0; i < 5; i++)
        loop_turn(loop, false);
}

/* --- Old versions */

TEST(tls_1_1_is_refused)
{
    struct peer p;
    begin();
    peer_init(&p, false, TLS1_1_VERSION);
    SSL_CTX_set_security_level(p.ctx, 0);
    connect_client(&p);
    EXPECT_EQ(result, ERR_UPSTREAM_TLS);
    EXPECT_CONTAINS(why, "unsupported protocol");
    peer_disconnect(&p);
    peer_release(&p);
    end();
}

TEST(old_ciphers_are_refused)
{
    struct peer p;
    begin();
    peer_init(&p, false, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(p.ctx, "ECDHE-ECDSA-AES128-SHA:AES128-GCM-SHA256");
    connect_client(&p);
    EXPECT_EQ(result, ERR_UPSTREAM_TLS);
    EXPECT_CONTAINS(why, "no shared cipher");
    peer_disconnect(&p);
    peer_release(&p);
    end();
}

static void resume_1_2(bool tickets)
{
    struct peer p;
    begin();
    peer_init(&p, false, TLS1_2_VERSION);
    if (!tickets)
        SSL_CTX_set_options(p.ctx, SSL_OP_NO_TICKET);
    for (int i = 0; i < 3; i++) {
        connect_client(&p);
        EXPECT_EQ(result, ERR_NONE);
        EXPECT_STR(tls_version(ours.stream), "TLSv1.2");
        EXPECT_EQ(tls_was_resumed(ours.stream), i > 0);
        settle();
        peer_disconnect(&p);
        recorder_release(&ours);
    }
    peer_release(&p);
    end();
}

TEST(server_resumes_tls_1_2_by_ticket)
{
    resume_1_2(true);
}

TEST(server_resumes_tls_1_2_by_session_id)
{
    resume_1_2(false);
}

/* Our client resumes with the same session more than once, as TLS 1.2 allows. */
TEST(client_resumes_tls_1_2)
{
    struct peer p;
    begin();
    struct certificate_paths c = certificates_issue(&certs, "good.test", "DNS:good.test", 10);
    peer_init(&p, true, TLS1_2_VERSION);
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(p.ctx, c.certificate), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(p.ctx, c.key, SSL_FILETYPE_PEM), 1);
    for (int i = 0; i < 4; i++) {
        connect_server(&p);
        if (result)
            EXPECT_FAIL("%s", why);
        EXPECT_STR(tls_version(ours.stream), "TLSv1.2");
        EXPECT_EQ(tls_was_resumed(ours.stream), i > 0);
        settle();
        recorder_release(&ours); /* without a close_notify from the other side */
        settle();
        peer_disconnect(&p);
    }
    peer_release(&p);
    end();
}

/* --- Peers that misbehave */

TEST(renegotiation_is_not_done)
{
    struct peer p;
    begin();
    peer_init(&p, false, TLS1_2_VERSION);
    connect_client(&p);
    EXPECT_EQ(result, ERR_NONE);
    SSL_renegotiate(p.ssl);
    SSL_do_handshake(p.ssl);
    peer_send(&p);
    settle();
    EXPECT(!SSL_is_init_finished(p.ssl)); /* a new handshake was begun, and never answered */
    peer_disconnect(&p);
    recorder_release(&ours);
    peer_release(&p);
    end();
}

TEST(key_update_is_answered_and_after_our_end_it_is_not)
{
    struct peer p;
    begin();
    peer_init(&p, false, TLS1_3_VERSION);
    connect_client(&p);
    EXPECT_EQ(result, ERR_NONE);
    for (int shut = 0; shut < 2; shut++) {
        if (shut)
            stream_shut(ours.stream);
        EXPECT_EQ(SSL_key_update(p.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        EXPECT_EQ(SSL_write(p.ssl, "x", 1), 1);
        peer_send(&p);
        TURN_UNTIL(loop, ours.got.len == (unsigned)shut + 1 || ours.ends);
        if (!shut) {
            recorder_write(&ours, STR("new keys"));
            TURN_UNTIL(loop, p.got_len == 8);
        }
    }
    settle();
    peer_disconnect(&p);
    recorder_release(&ours);
    peer_release(&p);
    end();
}

TEST(peer_that_never_finishes_its_handshake_is_cancelled)
{
    struct stream *s[2];
    begin();
    EXPECT(memory_stream_pair(loop, 0, s));
    struct tls_handshake *h = tls_start(server_ctx, s[0], STR_NULL, 0, on_done, NULL);
    stream_write(s[1], &SLICE_BORROWED(STR("\x16\x03\x01\x02\x00\x01\x00")), 1);
    settle();
    EXPECT_EQ(calls, 0);
    tls_cancel(h);
    settle();
    EXPECT_EQ(calls, 0);
    stream_close(s[1]);
    end();
}

/* A megabyte of hello is not gathered. */
TEST(hello_without_end_is_refused_early)
{
    static char record[5 + 16384];
    struct stream *s[2];
    begin();
    EXPECT(memory_stream_pair(loop, 0, s));
    EXPECT(tls_start(server_ctx, s[0], STR_NULL, 0, on_done, NULL));
    memcpy(record, "\x16\x03\x01\x40\x00\x01\x10\x00\x00\x03\x03", 11);
    unsigned sent = 0;
    for (; !calls && sent < 64; sent++) {
        stream_write(s[1], &SLICE_BORROWED(str_make(record, sizeof(record))), 1);
        settle();
        memset(record + 5, 0, 11);
    }
    EXPECT_EQ(result, ERR_UPSTREAM_TLS);
    EXPECT_LE(sent, 10);
    stream_close(s[1]);
    end();
}

/* --- Contexts shared by loops */

static unsigned resumed_on[2];

struct pinger {
    struct recorder r;
    unsigned calls;
};

static void on_pinger(void *arg, struct stream *s, enum err err, const char *text)
{
    struct pinger *p = arg;
    (void)text;
    EXPECT_EQ(err, ERR_NONE);
    recorder_attach(&p->r, s);
    p->calls++;
}

static void *run_loop(void *arg)
{
    unsigned *resumed = arg;
    struct loop *l = loop_new();
    for (int i = 0; i < 20; i++) {
        struct pinger c = {0}, v = {0};
        struct stream *s[2];
        EXPECT(memory_stream_pair(l, 0, s));
        EXPECT(tls_start(client_ctx, s[0], STR("good.test"), 443, on_pinger, &c));
        EXPECT(tls_start(server_ctx, s[1], STR_NULL, 0, on_pinger, &v));
        TURN_UNTIL(l, c.calls && v.calls);
        recorder_write(&v.r, STR("hello"));
        TURN_UNTIL(l, c.r.got.len == 5);
        *resumed += tls_was_resumed(c.r.stream);
        recorder_release(&c.r);
        recorder_release(&v.r);
    }
    loop_end(l);
    return NULL;
}

TEST(loops_on_two_threads_share_contexts_and_their_sessions)
{
    pthread_t threads[2];
    begin();
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, run_loop, &resumed_on[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    EXPECT_GE(resumed_on[0] + resumed_on[1], 30);
    end();
}
