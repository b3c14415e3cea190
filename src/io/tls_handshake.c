#include "io/tls_impl.h"

#include "base/check.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

enum { HOST_MAX = 255 };

/* --- Its steps and its end */

static void failed(struct tls_handshake *h, enum err err, const char *text)
{
    h->finished = true;
    h->err = err;
    snprintf(h->why, sizeof(h->why), "%s", text);
}

static void failed_by_openssl(struct tls *t, int n)
{
    struct tls_handshake *h = t->handshake;
    long verify = SSL_get_verify_result(t->ssl);
    int e = SSL_get_error(t->ssl, n);
    bool verifies = SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE;
    if (t->transport_end && !tls_has_input(t)) {
        failed(h, ERR_UPSTREAM_TLS, "the peer closed the connection during the handshake");
    } else if (verifies && verify != X509_V_OK) {
        failed(h, ERR_UPSTREAM_TLS, "");
        snprintf(h->why, sizeof(h->why), "the certificate is not trusted: %s",
                 X509_verify_cert_error_string(verify));
    } else {
        failed(h, ERR_UPSTREAM_TLS, e == SSL_ERROR_SSL ? tls_error_text() : "handshake failed");
    }
    ERR_clear_error();
}

void tls_handshake_step(struct tls *t)
{
    ERR_clear_error();
    int n = SSL_do_handshake(t->ssl);
    bool waits = n <= 0 && SSL_get_error(t->ssl, n) == SSL_ERROR_WANT_READ;
    if (n == 1)
        t->handshake->finished = true;
    else if (!waits)
        failed_by_openssl(t, n);
    tls_flush(t);
}

/* Tells the user, who has the stream from then on. */
void tls_handshake_finish(struct tls *t)
{
    struct tls_handshake h = *t->handshake;
    free(t->handshake);
    t->handshake = NULL;
    deferred_cancel(&t->later);
    stream_read_stop(t->transport);
    if (h.err) {
        tls_drop(t, false);
        h.on_done(h.arg, NULL, h.err, h.why);
    } else {
        h.on_done(h.arg, &t->stream, ERR_NONE, NULL);
    }
}

void tls_handshake_ended(struct tls *t)
{
    if (!t->handshake->finished && t->transport_end == ERR_EOF)
        tls_handshake_step(t);
    if (!t->handshake->finished)
        failed(t->handshake, ERR_UPSTREAM_TLS, "the connection broke during the handshake");
    tls_handshake_finish(t);
}

/* --- Starting */

/* Names go into SNI and are matched with the certificate's; addresses are only matched. */
static bool expect_host(struct tls *t, str host, uint16_t port)
{
    char name[HOST_MAX + 1];
    if (host.len &&
        host.ptr[host.len - 1] == '.') /* fully qualified: the dot is not in certificates */
        host.len--;
    if (host.len == 0 || host.len > HOST_MAX || memchr(host.ptr, 0, host.len))
        return false;
    memcpy(name, host.ptr, host.len);
    name[host.len] = 0;
    tls_context_resume(t->context, t->ssl, host, port);
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), name) == 1)
        return true;
    SSL_set_hostflags(t->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(t->ssl, name) == 1 && SSL_set_tlsext_host_name(t->ssl, name) == 1;
}

static void free_shared(void *sh)
{
    free(sh);
}

static bool share(struct loop *l)
{
    if (!l->tls) {
        l->tls = calloc(1, sizeof(struct tls_shared));
        l->tls_free = free_shared;
    }
    return l->tls != NULL;
}

static void begin_handshake(struct tls *t, str host, uint16_t port)
{
    bool server = tls_context_is_server(t->context);
    if (server)
        SSL_set_accept_state(t->ssl);
    else
        SSL_set_connect_state(t->ssl);
    if (!server && !expect_host(t, host, port))
        failed(t->handshake, ERR_UPSTREAM_TLS, "the host is no name and no address");
    else
        tls_handshake_step(t);
    ERR_clear_error();
    if (t->handshake->finished)
        loop_defer(t->stream.loop, &t->later);
    else
        stream_read_start(t->transport);
}

struct tls_handshake *tls_start(struct tls_context *c, struct stream *transport, str host,
                                uint16_t port, tls_fn *on_done, void *arg)
{
    struct loop *l = transport->loop;
    struct tls *t = calloc(1, sizeof(*t));
    struct tls_handshake *h = calloc(1, sizeof(*h));
    if (!t || !h || !share(l) || !(t->ssl = tls_context_connection(c)) || !tls_bio_set(t)) {
        if (t)
            SSL_free(t->ssl);
        free(t);
        free(h);
        stream_close(transport);
        return NULL;
    }
    *h = (struct tls_handshake){.tls = t, .on_done = on_done, .arg = arg};
    t->stream = (struct stream){.ops = &tls_ops, .loop = l};
    t->transport = transport;
    t->context = tls_context_ref(c);
    t->handshake = h;
    chain_init(&t->pending);
    deferred_init(&t->later, tls_do_later, t);
    transport->above = &t->stream;
    stream_handle(transport, &tls_transport_handler, t);
    begin_handshake(t, host, port);
    return h;
}

void tls_cancel(struct tls_handshake *h)
{
    tls_drop(h->tls, false);
}
