/*
 * What to do when an attempt has failed: a pure decision.
 *
 * Rule zero: once the client has seen content nothing is tried again.  Before that, at most
 * `total` attempts in all and `attempts` more on one target, only for errors that err.def calls
 * worth another try, inside the request's deadline.  Moving to another target never waits.
 */
#ifndef POLICY_RETRY_H
#define POLICY_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* A model's `retry:` (defaults: 2, 3, 100 ms, 10 s, 5 s, 25 %). */
struct retry_conf {
    unsigned attempts; /* more attempts on the same target */
    unsigned total;    /* attempts in all, the first included */
    uint64_t base_ms, max_ms;
    uint64_t retry_after_max_ms; /* a provider's retry-after up to this is waited for */
    unsigned jitter_percent;
};

struct attempt_outcome {
    enum err err;
    bool content_relayed;    /* the client has seen some of the answer */
    bool request_replayable; /* the request is still whole in our hands */
    int64_t retry_after_ms;  /* the provider's wish; -1: none */
};

struct attempt_budget {
    unsigned made;         /* attempts so far, the failed one included */
    unsigned made_here;    /* of these on the current target */
    unsigned keys_left;    /* other credentials of this target's provider, not yet refused */
    unsigned targets_left; /* other targets, not yet tried */
    uint64_t left_ms;      /* until the request's deadline */
    double random;         /* 0 <= random < 1, for the jitter */
};

enum attempt_decision { ATTEMPT_GIVE_UP, ATTEMPT_RETRY_SAME, ATTEMPT_RETRY_ELSEWHERE };

struct attempt_verdict {
    enum attempt_decision decision;
    uint64_t wait_ms; /* RETRY_SAME only */
};

struct attempt_verdict attempt_decide(const struct attempt_outcome *o,
                                      const struct attempt_budget *b,
                                      const struct retry_conf *conf);

#endif
