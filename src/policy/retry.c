#include "policy/retry.h"

/* base x 2^(n-1), at most max, then +- jitter. */
static uint64_t backoff_ms(const struct attempt_budget *b, const struct retry_conf *conf)
{
    uint64_t wait = conf->base_ms;
    for (unsigned i = 1; i < b->made_here && wait < conf->max_ms; i++)
        wait *= 2;
    if (wait > conf->max_ms)
        wait = conf->max_ms;
    double spread = (double)wait * conf->jitter_percent / 100.0;
    return (uint64_t)((double)wait - spread + 2 * spread * b->random);
}

/* Errors that the same target will give again, whatever we wait. */
static bool is_final_here(enum err err)
{
    switch (err) {
    case ERR_UNSUPPORTED:
    case ERR_UPSTREAM_NOT_FOUND:
    case ERR_UPSTREAM_AUTH:
    case ERR_UPSTREAM_QUOTA:
    case ERR_UPSTREAM_TLS:
    case ERR_UPSTREAM_DNS:
    case ERR_QUEUE_FULL:
    case ERR_QUEUE_TIMEOUT:
    case ERR_CONNECT_TIMEOUT:
    case ERR_FIRST_BYTE_TIMEOUT:
    case ERR_IDLE_TIMEOUT:
        return true;
    default:
        return false;
    }
}

struct attempt_verdict attempt_decide(const struct attempt_outcome *o,
                                      const struct attempt_budget *b, const struct retry_conf *conf)
{
    struct attempt_verdict give_up = {.decision = ATTEMPT_GIVE_UP};
    if (o->content_relayed || !o->request_replayable || !err_facts(o->err)->retry)
        return give_up;
    if (b->made >= conf->total || b->left_ms == 0)
        return give_up;
    if (err_facts(o->err)->fault == ERR_FAULT_CREDENTIAL && b->keys_left)
        return (struct attempt_verdict){.decision = ATTEMPT_RETRY_SAME};
    if (b->targets_left)
        return (struct attempt_verdict){.decision = ATTEMPT_RETRY_ELSEWHERE};
    if (b->made_here > conf->attempts || is_final_here(o->err))
        return give_up;
    uint64_t wait = backoff_ms(b, conf);
    if (o->retry_after_ms >= 0) {
        if ((uint64_t)o->retry_after_ms > conf->retry_after_max_ms)
            return give_up;
        wait = (uint64_t)o->retry_after_ms;
    }
    if (wait >= b->left_ms)
        return give_up;
    return (struct attempt_verdict){.decision = ATTEMPT_RETRY_SAME, .wait_ms = wait};
}
