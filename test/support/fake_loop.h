/*
 * A loop whose time stands still until the test moves it: io/loop.h without libuv, sockets and waiting.
 * It is linked in place of io/loop.c and io/timers.c, so that everything above runs under this clock.
 *
 * A turn is: what the test does (or a timer that fires), what was deferred, what is closing.  Under
 * AddressSanitizer recycled memory goes back to the system after each turn, so that the use of what
 * was released is seen.
 */
#ifndef SUPPORT_FAKE_LOOP_H
#define SUPPORT_FAKE_LOOP_H

#include "io/loop.h"

/* Where the clock begins, and the wall clock at that moment (2026-12-01T00:00:00Z). */
#define FAKE_LOOP_START_US UINT64_C(1000000000)
#define FAKE_LOOP_WALL_US UINT64_C(1796083200000000)

/* Ends turns until nothing is deferred or closing any more. */
void fake_loop_settle(struct loop *l);

/* Moves the clock on; timers fire in their order, each at its time and in a turn of its own. */
void fake_loop_advance(struct loop *l, uint64_t us);
static inline void fake_loop_advance_ms(struct loop *l, uint64_t ms)
{
    fake_loop_advance(l, ms * 1000);
}

/* When the next timer fires; UINT64_MAX: none runs. */
uint64_t fake_loop_due_us(const struct loop *l);
unsigned fake_loop_timers(const struct loop *l);

#endif
