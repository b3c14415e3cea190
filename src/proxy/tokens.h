/*
 * Access tokens and temporary keys of providers, kept by name while they last.  One per loop: a worker
 * has one for its attempts, the control loop one for discovery.
 *
 * A credential is fetched when it is first wanted (one fetch at a time; who comes meanwhile waits for
 * it), and anew in the background once its last minutes have begun and somebody wants it, while the old
 * one still serves.  After a failure nobody is asked for a while, longer each time.
 *
 *     NONE ──take──▶ FETCHING ──DONE──▶ GOOD ──take, late in its life──▶ GOOD + FETCHING
 *      ▲                │                 │
 *      └──── FAILED ────┘                 └── expired, or refused ──▶ NONE
 */
#ifndef PROXY_TOKENS_H
#define PROXY_TOKENS_H

#include "base/list.h"
#include "http/call.h"
#include "llm/token_source.h"
#include "proxy/snapshot.h"

struct tokens;

/* environment must outlive it; NULL, for tests: nothing is set and no file there.  NULL: out of
 * memory. */
struct tokens *tokens_new(struct loop *l, struct caller *caller,
                          const struct token_environment *environment);

/* Nobody may be waiting.  Ends fetches; wipes what is kept.  NULL is fine. */
void tokens_free(struct tokens *t);

/* After a reload: drops what no provider of this configuration has. */
void tokens_retain(struct tokens *t, const struct gateway_conf *conf);

/* Whether the provider's requests need tokens_take() first. */
bool tokens_needed(const struct provider_conf *p);

struct token_wait { /* the caller's storage */
    struct list node;
    /* Something is decided: ask tokens_take() again, which is READY or FAILED now.  Never inside
     * tokens_take(). */
    void (*on_ready)(void *arg);
    void *arg;
};

void token_wait_init(struct token_wait *wait, void (*on_ready)(void *arg), void *arg);

enum token_state { TOKEN_READY, TOKEN_WAIT, TOKEN_REFUSED };

struct token {
    const struct credential *credential; /* valid until the loop turns */
    uint64_t serial;                     /* for tokens_refused() */
    const char *why; /* REFUSED: in words, for the log, valid until the loop turns */
};

/* p is of snapshot s, which is held while a fetch runs.  READY: *out is filled.  WAIT: on_ready will be
 * called, once, unless tokens_forget() comes first.  REFUSED: there is none, and it is too early to ask
 * again; the reason has been logged. */
enum token_state tokens_take(struct tokens *t, const struct provider_conf *p, struct snapshot *s,
                             struct token_wait *wait, struct token *out);

/* What tokens_take() gave last, to be used once more for the same request; NULL: it was dropped. */
const struct credential *tokens_current(const struct tokens *t, const struct provider_conf *p);

/* No on_ready will come; no-op for who does not wait.  The fetch goes on for others. */
void tokens_forget(struct token_wait *wait);

/* The provider answered that this credential is not good (401, 403).  True: it is dropped, or another
 * one is here already: the same request may do better with the next.  False: it is so new that another
 * would fare no better. */
bool tokens_refused(struct tokens *t, const struct provider_conf *p, uint64_t serial);

#endif
