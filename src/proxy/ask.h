/*
 * One HTTP request beside the attempts, whose answer is wanted whole: an access token, an image.  Small,
 * bounded in size and time, never tried again.
 */
#ifndef PROXY_ASK_H
#define PROXY_ASK_H

#include "base/buf.h"
#include "http/call.h"

struct ask;

struct ask_answer {
    enum err err;    /* NONE: an answer came, of whatever status */
    const char *why; /* with an err: in words */
    int status;
    str content_type, location; /* of its head, or null */
    str body;
};

struct ask_options {
    struct loop *loop;
    struct caller *caller;
    const struct endpoint *endpoint;
    const struct request_head *head; /* all but framing */
    str body;                        /* must live until the end */
    size_t body_max;                 /* of the answer; more is ERR_UPSTREAM_TOO_LARGE */
    uint64_t timeout_ms;             /* from now to the answer's end */
    /* Once, never inside ask_start(); the answer's texts live until ask_release(). */
    void (*on_done)(void *arg, const struct ask_answer *answer);
    void *arg;
};

/* Memory from the arena, which must outlive it.  NULL: out of memory. */
struct ask *ask_start(const struct ask_options *o, struct arena *a);

/* Ends it in any state, also inside on_done; what was read is wiped, for it may be a secret.  NULL is
 * fine. */
void ask_release(struct ask *k);

#endif
