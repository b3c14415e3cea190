/*
 * The further calls of an attempt that has more than one: the same request again for n answers of a target
 * that gives one, or the parts of a list of embeddings.  Call 0 is the attempt's own; FAN_AT_ONCE run
 * beside it, the others as these end.  One that fails fails the attempt.
 */
#ifndef PROXY_FAN_H
#define PROXY_FAN_H

#include "proxy/attempt.h"

struct fan_call {
    struct attempt *attempt;
    struct call *call;
    unsigned part; /* 1, 2, … */
    bool over;     /* its end has come */
};

enum { FAN_AT_ONCE = 7 };

struct fan {
    unsigned parts; /* all, with part 0 */
    unsigned count; /* calls begun */
    struct fan_call calls[];
};

/* Starts the first of parts 1 … count - 1; false: out of memory (attempt_close releases what was
 * started). */
bool fan_start(struct request *r, struct attempt *a, unsigned count);

void fan_flow(struct attempt *a, bool flow);
void fan_release(struct attempt *a);

#endif
