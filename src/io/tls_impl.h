/* The inside of a TLS stream: tls.c (the stream), tls_handshake.c (its start), tls_bio.c (between
 * OpenSSL and the transport), and what tls_context.c has for them. */
#ifndef IO_TLS_IMPL_H
#define IO_TLS_IMPL_H

#include <openssl/ssl.h>

#include "io/loop_impl.h"
#include "io/tls.h"

enum {
    TLS_RECORD_MAX =
        16320, /* plain bytes; with what TLS adds to them, a record fits into a chunk */
    TLS_OUT_SLICES = 32,
    TLS_WHY_MAX = 200,
};

/*
 * Bytes on their way in: transport → `input` (a slice of the read chunk, for the length of one call)
 * → OpenSSL, which decrypts → the read chunk again → the user.  What is left while the user pauses
 * waits in `pending`.  Bytes on their way out: the user's slices → gathered to a record → OpenSSL,
 * which encrypts → the loop's write chunk → transport.
 *
 *   handshaking --(done)--> open --(user closes)--> closed
 *        |--(failed, cancelled)-------------------------^
 *
 * While handshaking `handshake` is set and nobody else has the stream.
 */
struct tls {
    struct stream stream;
    struct stream *transport;
    struct tls_context *context;
    struct tls_handshake *handshake;
    SSL *ssl;
    struct slice input;
    struct chain pending;
    struct deferred later; /* what a call left to do */
    struct closing closing;
    char *subject;
    enum err transport_end; /* NONE: not ended */
    bool wanted;            /* the user wants to read */
    bool pumping;           /* tls_pump is at work further up the stack */
    bool eof;               /* on_end(ERR_EOF) was called */
    bool ended;             /* on_end was called with an error */
    bool broken;            /* writing is over */
    bool wrote;             /* the user waits for on_drain: not all that drains is the user's */
    bool shut;
    bool closed;
};

struct tls_handshake {
    struct tls *tls;
    tls_fn *on_done;
    void *arg;
    bool finished; /* `err` and `why` are known */
    enum err err;
    char why[TLS_WHY_MAX];
};

/* What the TLS streams of a loop share. */
struct tls_shared {
    struct slice out[TLS_OUT_SLICES]; /* encrypted, each with a reference of its own */
    unsigned out_count;
    char gather[TLS_RECORD_MAX];
};

static inline struct tls *tls_of(const struct stream *s)
{
    return CONTAINER_OF((struct stream *)s, struct tls, stream);
}

static inline struct tls_shared *tls_shared(struct tls *t)
{
    return t->stream.loop->tls;
}

static inline bool tls_has_input(const struct tls *t)
{
    return t->pending.bytes || t->input.len;
}

/* --- tls.c */
extern const struct stream_ops tls_ops;
extern const struct stream_handler tls_transport_handler;
void tls_pump(struct tls *t);              /* decrypts what is here, to the user */
void tls_do_later(void *arg);              /* run of `later` */
void tls_end(struct tls *t, enum err why); /* tells the user */
void tls_drop(struct tls *t, bool reset);  /* closes without close_notify */

/* --- tls_handshake.c */
void tls_handshake_step(struct tls *t);   /* goes on as far as the bytes that are here allow */
void tls_handshake_finish(struct tls *t); /* tells the user how it ended; t may be closed then */
void tls_handshake_ended(struct tls *t);  /* the transport did */

/* --- tls_bio.c */
bool tls_bio_set(struct tls *t); /* false: out of memory */
void tls_flush(struct tls *t);   /* hands to the transport what OpenSSL wrote */

/* --- tls_context.c */
/* Where the client's sessions with one host and port wait; lives as long as its context. */
struct tls_host;

/* A connection of this context; NULL: out of memory. */
SSL *tls_context_connection(struct tls_context *c);
bool tls_context_is_server(const struct tls_context *c);

/* Client: has the connection resume a session with this host if there is one, and keep new ones. */
void tls_context_resume(struct tls_context *c, SSL *ssl, str host, uint16_t port);

/* In words: what the oldest error of this thread's OpenSSL queue says.  The queue is cleared. */
const char *tls_error_text(void);

#endif
