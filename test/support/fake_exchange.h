/*
 * A client for tests: one request and everything that was answered.  The test plays the client: it
 * sends the body in pieces, takes the answer fast or slowly, leaves.  What the gateway does against
 * the rules of http/exchange.h aborts the test at once.
 */
#ifndef SUPPORT_FAKE_EXCHANGE_H
#define SUPPORT_FAKE_EXCHANGE_H

#include "base/buf.h"
#include "http/exchange.h"

struct fake_exchange {
    struct exchange ex;
    struct list node;   /* its owner's */
    struct arena arena; /* the request's; released with the exchange */
    struct arena kept;  /* what the test looks at afterwards */
    struct address peer;

    /* What the client sees. */
    struct response_head head; /* status 0: nothing was answered */
    struct buf body;
    bool ended;   /* the answer is complete */
    bool aborted; /* it can see that the answer is not */
    bool gone;    /* it has left, in whichever way */
    bool told;    /* on_gone was called, for whatever reason */
    bool released;

    /* How it takes the answer: at once, or (slow) only what fake_exchange_take() takes. */
    bool slow;
    size_t queued;
    uint64_t taken_us;
    uint64_t left; /* of the length that was promised */

    /* The request's body on its way: pieces that wait, each at most a chunk. */
    bool flow, fed_end, body_done;
    struct buf waiting;
    size_t *cuts; /* lengths of the pieces */
    unsigned cut_count, cut_at;
    struct deferred deliver, gone_later;
    struct closing closing;
};

/* `head`: a request's head as text, lines ended by LF or CRLF, the empty line at its end optional.
 * Host is added when it is missing.  arena_budget: what the gateway may take of the request's arena,
 * 0: no limit. */
struct fake_exchange *fake_exchange_new(struct loop *l, str head, size_t arena_budget);

/* It must have been released by the gateway. */
void fake_exchange_free(struct fake_exchange *x);

/* One piece of the body, delivered in a turn of its own once the flow is on.  A request without a body
 * needs neither. */
void fake_exchange_feed(struct fake_exchange *x, str bytes);
void fake_exchange_feed_end(struct fake_exchange *x);

/* The client leaves (ERR_CLIENT_GONE), or its body turns out to be bad.  Nothing happens when the
 * gateway has released it. */
void fake_exchange_gone(struct fake_exchange *x, enum err why);

/* A slow client takes up to n bytes. */
void fake_exchange_take(struct fake_exchange *x, size_t n);

/* A field of the answer; null: there is none. */
str fake_exchange_field(const struct fake_exchange *x, str name);

#endif
