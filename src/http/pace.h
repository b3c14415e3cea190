/*
 * Whether a request's body arrives fast enough.  Only the time counts in which we take it: while the
 * flow is paused by us, the client cannot help being slow.
 *
 *   - after PACE_GRACE_MS the average must be PACE_FLOOR bytes a second (a trickle holds a
 *     connection, and whatever waits behind it, for next to nothing);
 *   - body_timeout is the time that a body has, except that one which comes at PACE_GOOD bytes a
 *     second goes on: a long upload over an honest line is not slow.
 *
 * Pure: time is an argument.
 */
#ifndef HTTP_PACE_H
#define HTTP_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum { PACE_GRACE_MS = 10000, PACE_FLOOR = 1024, PACE_GOOD = 65536 };

struct pace {
    uint64_t since_us;  /* running since; meaningless while paused */
    uint64_t active_us; /* of the runs before */
    uint64_t bytes;     /* of the body, counted by the owner */
    bool running;
};

void pace_run(struct pace *p, uint64_t now_us);   /* no-op while running */
void pace_pause(struct pace *p, uint64_t now_us); /* no-op while paused */

/* Milliseconds until it is worth asking again, at least 1; 0: the body is too slow. */
uint64_t pace_check(const struct pace *p, uint64_t now_us, uint64_t timeout_ms);

#endif
