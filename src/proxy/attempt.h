/*
 * An attempt asks one target once.  It owns the call and the clock of one try; whether another follows
 * is attempt_decide()'s (policy/retry.h), what becomes of the answer is relay's.
 *
 *   start ─▶ PREPARING ─▶ WAITING ──connected──▶ SENT ──head──▶ ANSWERED ──▶ over
 *                │            │                      │               │
 *                └────────────┴────────────── attempt_failed() ◀─────┘   (error, timeout, bad answer)
 *
 * PREPARING for an access token, for images (proxy/prepare.h); most attempts need neither
 * WAITING   for a connection: queue and connect timeouts are the call's
 * SENT      first_byte runs
 * ANSWERED  the head is there: for events first_byte goes on until content, then idle
 */
#ifndef PROXY_ATTEMPT_H
#define PROXY_ATTEMPT_H

#include "llm/chat.h"
#include "proxy/request.h"
#include "proxy/tokens.h"

enum attempt_state { ATTEMPT_PREPARING, ATTEMPT_WAITING, ATTEMPT_SENT, ATTEMPT_ANSWERED };

struct attempt {
    struct request *request;
    const struct target *target;
    enum attempt_state state;
    enum endpoint_kind kind;       /* asked of the provider */
    struct translated *translated; /* NULL: the client's bytes go through */
    struct call *call;
    struct fan *fan;                  /* further calls, or NULL */
    uint64_t started_us, progress_us; /* progress: connected, uploaded; an event after content,
                                         or bytes of what is no stream, came */
    unsigned credential;              /* index of the api key */
    struct chain held;                /* PREPARING: of the client's body, which goes on by then */
    bool held_end;
    struct fetch *fetch;           /* PREPARING: images */
    struct chat_fault fetch_fault; /* what became of them: err NONE */
    struct token_wait token_wait;
    uint64_t token_due_us, token_serial; /* 0: without a token */
    int status;                          /* the provider's */
    str retry_after;                     /* its wish, as it came */
    bool upload_open;                    /* the client's body streams into the call */
};

/* An error answer of a provider, kept for when no attempt does better. */
struct provider_error {
    int status;
    str content_type, body; /* in the arena */
    bool whole;             /* the body is complete and may be relayed as it is */
    bool foreign;           /* another format than the client's: `fault` has what it says */
    struct provider_fault fault;
};

/* The next attempt, on targets[target_at]. */
void attempt_begin(struct request *r);

/* What prepare_attempt() waited for has come, or has failed (attempt: the request's current one). */
void attempt_prepared(void *attempt);

/* The current attempt has failed before the client saw content (or, with the head sent early, at
 * any time): tries again or ends the request.  Once content is out it ends the request visibly. */
void attempt_failed(struct request *r, enum err err, str detail);

/* Ends it without a verdict: the connection goes, the record stays. */
void attempt_abandon(struct request *r, enum err why);

/* The answer is complete: the connection goes back to its pool. */
void attempt_done(struct request *r);

/* Pauses or resumes what its calls read. */
void attempt_flow(struct attempt *a, bool flow);

/* The request's timer. */
void attempt_on_timer(void *request);

/* Sets the timer to what is due next. */
void attempt_arm(struct request *r);

/* More of the client's body, for a streamed upload. */
void attempt_upload(struct request *r, const struct slice *v, unsigned n, bool end);

/* An event or bytes came: idle starts anew. */
static inline void attempt_progress(struct attempt *a, uint64_t now_us)
{
    a->progress_us = now_us;
}

#endif
