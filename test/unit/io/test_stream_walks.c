/* Random walks over every kind of stream: whatever is written, paused and ended in whatever order, what
 * arrives is what was sent, once and in order. */
#include "io/stream.h"

#include "certificates.h"
#include "io/memory_stream.h"
#include "io/tls.h"
#include "recorder.h"
#include "support/test.h"

#include <stdlib.h>

enum kind { MEMORY, TCP, TLS_OVER_MEMORY, TLS_OVER_TCP };
enum { WALKS = 60, STEPS = 50, WRITE_MAX = 60000 };

struct walker {
    struct recorder r;
    size_t sent;
    bool shut;
    unsigned calls;
};

static struct loop *loop;
static struct tls_context *server_ctx, *client_ctx;
static unsigned seed;

static unsigned below(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

/* Byte i of what each side sends. */
static char byte_at(size_t i)
{
    return (char)(i * 31 + i / 251);
}

static void on_tls(void *arg, struct stream *s, enum err err, const char *why)
{
    struct walker *w = arg;
    (void)why;
    EXPECT_EQ(err, ERR_NONE);
    recorder_attach(&w->r, s);
    w->calls++;
}

static void begin_walk(enum kind kind, struct walker w[2])
{
    struct stream *s[2];
    loop = loop_new();
    memset(w, 0, 2 * sizeof(*w));
    if (kind == TCP || kind == TLS_OVER_TCP)
        tcp_pair(loop, s);
    else
        EXPECT(memory_stream_pair(loop, below(3) ? 0 : 1 + below(3000), s));
    if (kind == MEMORY || kind == TCP) {
        recorder_attach(&w[0].r, s[0]);
        recorder_attach(&w[1].r, s[1]);
        return;
    }
    EXPECT(tls_start(client_ctx, s[0], STR("good.test"), 1, on_tls, &w[0]));
    EXPECT(tls_start(server_ctx, s[1], STR_NULL, 0, on_tls, &w[1]));
    TURN_UNTIL(loop, w[0].calls && w[1].calls);
}

/* One write of up to five slices, some owned, some borrowed. */
static void write_some(struct walker *w)
{
    static char borrowed[WRITE_MAX];
    struct chunk *c = chunk_new();
    struct slice v[5];
    unsigned n = 1 + below(5);
    if (w->shut)
        n = 0;
    for (unsigned i = 0; i < n; i++) {
        bool owned = below(2);
        size_t len = below(4) ? below(300) : below(owned ? CHUNK_ROOM - c->used : WRITE_MAX / 5);
        len = owned && len > CHUNK_ROOM - c->used ? 0 : len;
        char *to = owned ? c->data + c->used : borrowed + i * (WRITE_MAX / 5);
        for (size_t k = 0; k < len; k++)
            to[k] = byte_at(w->sent++);
        c->used += owned ? (unsigned)len : 0;
        v[i] = (struct slice){owned ? c : NULL, to, len};
    }
    if (n)
        stream_write(w->r.stream, v, n);
    chunk_unref(c);
    memset(borrowed, '!', sizeof(borrowed));
}

static void step(struct walker *w)
{
    unsigned what = below(20);
    if (what < 7) {
        write_some(w);
    } else if (what < 10) {
        stream_read_stop(w->r.stream);
    } else if (what < 14) {
        stream_read_start(w->r.stream);
    } else if (what == 14 && below(4) == 0) {
        stream_shut(w->r.stream);
        w->shut = true;
    } else {
        loop_turn(loop, false);
    }
}

static void expect_all(const struct walker *from, const struct walker *to)
{
    EXPECT_EQ(to->r.got.len, from->sent);
    for (size_t i = 0; i < from->sent; i++)
        if (to->r.got.ptr[i] != byte_at(i))
            EXPECT_FAIL("wrong byte at %zu of %zu", i, from->sent);
    EXPECT_EQ(to->r.ends, 1);
    EXPECT_EQ(to->r.end, ERR_EOF);
    EXPECT_EQ(from->r.stream->queued, 0);
}

static void walk(enum kind kind)
{
    struct walker w[2];
    begin_walk(kind, w);
    for (int i = 0; i < STEPS; i++)
        step(&w[below(2)]);
    for (int i = 0; i < 2; i++) {
        stream_read_start(w[i].r.stream);
        stream_shut(w[i].r.stream);
    }
    TURN_UNTIL(loop, w[0].r.ends && w[1].r.ends);
    expect_all(&w[0], &w[1]);
    expect_all(&w[1], &w[0]);
    recorder_release(&w[0].r);
    recorder_release(&w[1].r);
    loop_end(loop);
}

/* The same, cut off in the middle by a close, a reset, or both sides. */
static void walk_and_fall(enum kind kind)
{
    struct walker w[2];
    begin_walk(kind, w);
    for (unsigned i = below(STEPS); i; i--)
        step(&w[below(2)]);
    for (unsigned i = 0; i < 1 + below(2); i++) {
        if (below(2))
            stream_reset(w[i].r.stream);
        else
            stream_close(w[i].r.stream);
        w[i].r.stream = NULL;
        for (unsigned turns = below(3); turns; turns--)
            loop_turn(loop, false);
    }
    for (int i = 0; i < 2; i++) {
        struct walker *other = &w[!i];
        EXPECT_LE(w[i].r.got.len, other->sent);
        for (size_t k = 0; k < w[i].r.got.len; k++)
            if (w[i].r.got.ptr[k] != byte_at(k))
                EXPECT_FAIL("wrong byte at %zu", k);
        recorder_release(&w[i].r);
    }
    loop_end(loop);
}

static void walk_all(enum kind kind)
{
    struct certificates certs;
    char why[200];
    if (kind >= TLS_OVER_MEMORY) {
        certificates_begin(&certs, "Test CA");
        struct certificate_paths p = certificates_issue(&certs, "good.test", "DNS:good.test", 10);
        struct tls_certificate c = {p.certificate, p.key};
        server_ctx = tls_server_context(
            &(struct tls_server_options){.certificates = &c, .count = 1}, why, sizeof(why));
        client_ctx = tls_client_context(
            &(struct tls_client_options){.ca = certs.ca, .verify = true}, why, sizeof(why));
        certificates_end(&certs);
        EXPECT(server_ctx && client_ctx);
    }
    for (unsigned i = 1; i <= WALKS; i++) {
        seed = i;
        walk(kind);
        seed = i;
        walk_and_fall(kind);
    }
    tls_context_unref(server_ctx);
    tls_context_unref(client_ctx);
    server_ctx = client_ctx = NULL;
}

TEST(memory_streams_survive_random_walks)
{
    walk_all(MEMORY);
}

TEST(sockets_survive_random_walks)
{
    walk_all(TCP);
}

TEST(tls_over_memory_survives_random_walks)
{
    walk_all(TLS_OVER_MEMORY);
}

TEST(tls_over_sockets_survives_random_walks)
{
    walk_all(TLS_OVER_TCP);
}
