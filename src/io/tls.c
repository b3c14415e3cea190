#include "io/tls_impl.h"

#include "base/check.h"

#include <openssl/err.h>
#include <stdlib.h>

/* --- Ends */

void tls_end(struct tls *t, enum err why)
{
    if (t->ended || t->closed || (t->eof && why == ERR_EOF))
        return;
    t->eof = true;
    t->ended = why != ERR_EOF;
    t->broken = t->broken || t->ended;
    t->wanted = false;
    stream_read_stop(t->transport);
    if (t->stream.handler)
        t->stream.handler->on_end(t->stream.arg, why);
}

/* OpenSSL gave n <= 0. */
static void on_nothing_read(struct tls *t, int n)
{
    int e = SSL_get_error(t->ssl, n);
    ERR_clear_error();
    if (e == SSL_ERROR_ZERO_RETURN)
        tls_end(t, ERR_EOF);
    else if (e != SSL_ERROR_WANT_READ) /* nonsense, or an end without close_notify */
        tls_end(t, ERR_IO);
}

/* One SSL_read into the read chunk and on to the user.  False: there is no more. */
static bool read_some(struct tls *t)
{
    size_t room;
    char *to = loop_read_room(t->stream.loop, &room);
    if (!to) {
        tls_end(t, ERR_NO_MEMORY);
        return false;
    }
    int n = SSL_read(t->ssl, to, (int)room);
    tls_flush(t); /* an alert, or the answer to a key update */
    if (n <= 0) {
        on_nothing_read(t, n);
        return false;
    }
    t->stream.handler->on_read(t->stream.arg, loop_read_take(t->stream.loop, (size_t)n));
    return true;
}

void tls_pump(struct tls *t)
{
    if (t->pumping)
        return;
    t->pumping = true;
    ERR_clear_error();
    while (t->wanted && (tls_has_input(t) || SSL_has_pending(t->ssl) || t->transport_end))
        if (!read_some(t))
            break;
    t->pumping = false;
    /* A ticket that arrives costs a write buffer, which SSL_MODE_RELEASE_BUFFERS forgets. */
    SSL_free_buffers(t->ssl);
}

/* --- The transport's side */

/* What OpenSSL did not take now waits until the user reads on. */
static void keep_rest(struct tls *t)
{
    struct slice rest = t->input;
    t->input = (struct slice){0};
    if (rest.len && !t->closed && !chain_add(&t->pending, rest)) {
        t->broken = true;
        loop_defer(t->stream.loop, &t->later);
    }
}

static void on_transport_read(void *arg, struct slice bytes)
{
    struct tls *t = arg;
    struct chunk *hold =
        chunk_ref(bytes.chunk); /* decrypted bytes go behind these, not over them */
    if (t->pending.bytes && chain_add(&t->pending, bytes))
        bytes.len = 0;
    t->input = bytes;
    if (t->handshake && !t->handshake->finished) {
        tls_handshake_step(t);
        if (t->handshake->finished)
            tls_handshake_finish(t);
    }
    if (!t->handshake && !t->closed)
        tls_pump(t);
    keep_rest(t);
    chunk_unref(hold);
}

static void on_transport_end(void *arg, enum err why)
{
    struct tls *t = arg;
    t->transport_end = why;
    if (t->handshake) {
        tls_handshake_ended(t);
        return;
    }
    if (t->wanted)
        tls_pump(t);
    if (why != ERR_EOF && !t->closed)
        tls_end(t, why);
}

static void on_transport_drain(void *arg)
{
    struct tls *t = arg;
    bool wrote = t->wrote;
    t->wrote = false;
    if (wrote && t->stream.handler && t->stream.handler->on_drain)
        t->stream.handler->on_drain(t->stream.arg);
}

void tls_do_later(void *arg)
{
    struct tls *t = arg;
    if (t->handshake)
        tls_handshake_finish(t);
    else if (t->broken)
        tls_end(t, ERR_IO);
    else
        tls_pump(t);
}

const struct stream_handler tls_transport_handler = {
    .on_read = on_transport_read,
    .on_end = on_transport_end,
    .on_drain = on_transport_drain,
};

/* --- The user's side */

static void tls_read_start(struct stream *s)
{
    struct tls *t = tls_of(s);
    if (t->eof || t->closed)
        return;
    CHECK(s->handler);
    t->wanted = true;
    stream_read_start(t->transport);
    if (!t->pumping && (tls_has_input(t) || SSL_has_pending(t->ssl) || t->transport_end))
        loop_defer(s->loop, &t->later);
}

static void tls_read_stop(struct stream *s)
{
    struct tls *t = tls_of(s);
    t->wanted = false;
    if (!t->closed)
        stream_read_stop(t->transport);
}

static void encrypt(struct tls *t, const char *bytes, size_t len)
{
    while (len && !t->broken) {
        size_t part = len < TLS_RECORD_MAX ? len : TLS_RECORD_MAX;
        if (SSL_write(t->ssl, bytes, (int)part) != (int)part) {
            ERR_clear_error();
            t->broken = true;
            loop_defer(t->stream.loop, &t->later);
        }
        bytes += part;
        len -= part;
    }
}

/* Small slices share a record; a large one is encrypted from where it lies. */
static size_t tls_write(struct stream *s, const struct slice *v, unsigned n)
{
    struct tls *t = tls_of(s);
    char *gather = tls_shared(t)->gather;
    size_t gathered = 0;
    CHECK(!t->shut);
    if (t->closed || t->broken)
        return 0;
    ERR_clear_error();
    for (unsigned i = 0; i < n; i++) {
        if (gathered + v[i].len > TLS_RECORD_MAX) {
            encrypt(t, gather, gathered);
            gathered = 0;
        }
        if (v[i].len > TLS_RECORD_MAX) {
            encrypt(t, v[i].ptr, v[i].len);
        } else if (v[i].len) {
            memcpy(gather + gathered, v[i].ptr, v[i].len);
            gathered += v[i].len;
        }
    }
    encrypt(t, gather, gathered);
    tls_flush(t);
    t->wrote = s->queued > 0; /* it is the transport's */
    return s->queued;
}

static void send_close_notify(struct tls *t)
{
    if (t->broken || t->shut)
        return;
    SSL_shutdown(t->ssl);
    ERR_clear_error();
    tls_flush(t);
}

static void tls_shut(struct stream *s)
{
    struct tls *t = tls_of(s);
    if (t->shut || t->closed)
        return;
    send_close_notify(t);
    t->shut = true;
    stream_shut(t->transport);
}

static void tls_release(void *object)
{
    struct tls *t = object;
    if (t->ssl) {
        /* Else OpenSSL takes the session for spoilt, though nothing was wrong with it. */
        SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(t->ssl);
    }
    tls_context_unref(t->context);
    chain_release(&t->pending);
    free(t->handshake);
    free(t->subject);
    free(t);
}

void tls_drop(struct tls *t, bool reset)
{
    CHECK(!t->closed);
    t->closed = true;
    t->wanted = false;
    t->stream.handler = NULL;
    deferred_cancel(&t->later);
    t->transport->above = NULL;
    t->transport->ops->close(t->transport, reset);
    loop_close_later(t->stream.loop, &t->closing, tls_release, t);
}

static void tls_close(struct stream *s, bool reset)
{
    struct tls *t = tls_of(s);
    CHECK(!t->closed);
    if (!reset)
        send_close_notify(t);
    tls_drop(t, reset);
}

static size_t tls_unacknowledged(struct stream *s)
{
    struct tls *t = tls_of(s);
    return t->transport->ops->unacknowledged ? t->transport->ops->unacknowledged(t->transport) : 0;
}

const struct stream_ops tls_ops = {
    .read_start = tls_read_start,
    .read_stop = tls_read_stop,
    .write = tls_write,
    .shut = tls_shut,
    .close = tls_close,
    .unacknowledged = tls_unacknowledged,
};

/* --- Looking */

str tls_alpn(const struct stream *s)
{
    const unsigned char *name;
    unsigned len;
    SSL_get0_alpn_selected(tls_of(s)->ssl, &name, &len);
    return len ? str_make((const char *)name, len) : STR("");
}

bool tls_was_resumed(const struct stream *s)
{
    return SSL_session_reused(tls_of(s)->ssl) == 1;
}

str tls_version(const struct stream *s)
{
    return str_from_c(SSL_get_version(tls_of(s)->ssl));
}

static char *name_text(X509_NAME *name)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *bytes, *text = NULL;
    if (out && X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253) >= 0) {
        long len = BIO_get_mem_data(out, &bytes);
        text = len > 0 ? malloc((size_t)len + 1) : NULL;
        if (text) { /* the bytes of a memory BIO end without a NUL */
            memcpy(text, bytes, (size_t)len);
            text[len] = '\0';
        }
    }
    BIO_free(out);
    return text;
}

str tls_peer_subject(const struct stream *s)
{
    struct tls *t = tls_of(s);
    X509 *x = SSL_get0_peer_certificate(t->ssl);
    bool verified =
        SSL_get_verify_mode(t->ssl) & SSL_VERIFY_PEER && SSL_get_verify_result(t->ssl) == X509_V_OK;
    if (!x || !verified)
        return STR_NULL;
    if (!t->subject)
        t->subject = name_text(X509_get_subject_name(x));
    return str_from_c(t->subject);
}
