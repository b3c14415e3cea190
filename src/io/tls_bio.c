#include "io/tls_impl.h"

#include "base/check.h"

#include <pthread.h>

/* --- OpenSSL's output */

void tls_flush(struct tls *t)
{
    struct tls_shared *sh = tls_shared(t);
    if (sh->out_count == 0)
        return;
    if (!t->shut) /* what OpenSSL answers after our end, nobody is to hear */
        stream_write(t->transport, sh->out, sh->out_count);
    while (sh->out_count)
        chunk_unref(sh->out[--sh->out_count].chunk);
}

/* The loop's write chunk with at least one free byte, or NULL. */
static struct chunk *write_chunk(struct loop *l)
{
    struct chunk *c = l->write_chunk;
    if (c && c->refs == 1)
        c->used = 0;
    if (c && c->used < CHUNK_ROOM)
        return c;
    struct chunk *fresh = chunk_new();
    if (!fresh)
        return NULL;
    chunk_unref(c);
    return l->write_chunk = fresh;
}

static void out_add(struct tls *t, struct chunk *c, unsigned n)
{
    struct tls_shared *sh = tls_shared(t);
    struct slice *last = sh->out_count ? &sh->out[sh->out_count - 1] : NULL;
    if (last && last->chunk == c) { /* always the bytes before these */
        last->len += n;
    } else {
        if (sh->out_count == TLS_OUT_SLICES)
            tls_flush(t);
        sh->out[sh->out_count++] = (struct slice){chunk_ref(c), c->data + c->used, n};
    }
    c->used += n;
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
    struct tls *t = BIO_get_data(bio);
    size_t left = len > 0 ? (size_t)len : 0;
    while (left) {
        struct chunk *c = write_chunk(t->stream.loop);
        if (!c)
            return -1;
        size_t room = CHUNK_ROOM - c->used, part = left < room ? left : room;
        memcpy(c->data + c->used, bytes, part);
        out_add(t, c, (unsigned)part);
        bytes += part;
        left -= part;
    }
    return len;
}

/* --- OpenSSL's input */

static int bio_read(BIO *bio, char *to, int room)
{
    struct tls *t = BIO_get_data(bio);
    bool waited = t->pending.bytes > 0;
    struct slice s = waited ? chain_front(&t->pending) : t->input;
    size_t n = s.len < (size_t)room ? s.len : (size_t)room;
    BIO_clear_retry_flags(bio);
    if (n == 0) {
        if (t->transport_end)
            return 0;
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(to, s.ptr, n);
    if (waited) {
        chain_drop(&t->pending, n);
    } else {
        t->input.ptr += n;
        t->input.len -= n;
    }
    return (int)n;
}

static long bio_ctrl(BIO *bio, int what, long number, void *pointer)
{
    struct tls *t = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    if (what == BIO_CTRL_EOF)
        return t->transport_end && !tls_has_input(t);
    return what == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

/* Made once for the process, and left to its end. */
static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    CHECK(bio_method);
    BIO_meth_set_write(bio_method, bio_write);
    BIO_meth_set_read(bio_method, bio_read);
    BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

bool tls_bio_set(struct tls *t)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_bio_method);
    BIO *bio = BIO_new(bio_method);
    if (!bio)
        return false;
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    return true;
}
