/*
 * TLS over a stream, both sides (OpenSSL 3, memory BIOs), as a stream itself.
 *
 * A tls_context is immutable, refcounted (atomically: snapshots are shared by threads) and holds
 * certificates, trust and the session cache.  Certificates change by making a new context.
 */
#ifndef IO_TLS_H
#define IO_TLS_H

#include "base/str.h"
#include "io/stream.h"

struct tls_context;

enum tls_client_auth { TLS_AUTH_NONE, TLS_AUTH_OPTIONAL, TLS_AUTH_REQUIRED };

struct tls_certificate {
    const char *certificate, *key; /* PEM files: chain, private key */
};

struct tls_server_options {
    const struct tls_certificate *certificates; /* the first is the default, others by SNI */
    unsigned count;
    const char *client_ca; /* PEM file, or NULL */
    enum tls_client_auth client_auth;
    int min_version;  /* TLS1_2_VERSION or TLS1_3_VERSION */
    const char *alpn; /* protocols to accept, best first, comma separated: "http/1.1"; NULL none */
};

struct tls_client_options {
    const char *ca;                /* PEM file of trusted roots; NULL: the system's */
    const char *certificate, *key; /* client certificate, or NULL */
    bool verify;                   /* chain and host name */
    int min_version;
    const char *alpn;
};

/* On failure NULL, and what is wrong in words in `why` (file, reason); no secrets in it. */
struct tls_context *tls_server_context(const struct tls_server_options *o, char *why, size_t size);
struct tls_context *tls_client_context(const struct tls_client_options *o, char *why, size_t size);
struct tls_context *tls_context_ref(struct tls_context *c);
void tls_context_unref(struct tls_context *c); /* NULL is fine */

/* Seconds since 1970 at which the first of its certificates expires; 0: none. */
int64_t tls_context_expiry(const struct tls_context *c);

/* err NONE: the handshake is done, `s` (the TLS stream, paused) is the callee's; else s is NULL and
 * the transport was closed.  ERR_UPSTREAM_TLS for handshake failures, with `why` in words. */
typedef void tls_fn(void *arg, struct stream *s, enum err err, const char *why);

struct tls_handshake;

/* Takes over `transport` (paused, no bytes read).  host: for SNI and verification on the client's
 * side (IP addresses: verification only); ignored on the server's.  Session resumption is automatic:
 * on the client's side per context, host and port.  The caller times out with cancel.  NULL: out of
 * memory, transport closed. */
struct tls_handshake *tls_start(struct tls_context *c, struct stream *transport, str host,
                                uint16_t port, tls_fn *on_done, void *arg);
void tls_cancel(struct tls_handshake *h); /* before on_done: none will come, transport closed */

/* Of a TLS stream after its handshake. */
str tls_alpn(const struct stream *s); /* "" if none was agreed */
bool tls_was_resumed(const struct stream *s);
str tls_peer_subject(const struct stream *s); /* verified client certificate's subject, or null */
str tls_version(const struct stream *s);      /* "TLSv1.3" */

#endif
