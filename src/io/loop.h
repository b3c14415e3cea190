/*
 * A loop is one thread's event loop (libuv underneath, which shows nowhere above io/).  It keeps the
 * turn's time, coarse timers, work deferred to the end of the turn, and the closing list.
 *
 * Threads: everything on a loop happens on its own thread; from other threads only io/inbox.h.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

struct loop;

/* NULL: out of memory or descriptors.  SIGPIPE is ignored from here on, for the process. */
struct loop *loop_new(void);

/* All handles must have been closed; runs the remaining close callbacks itself. */
void loop_free(struct loop *l);

/* Runs until loop_stop(); may be called again after. */
void loop_run(struct loop *l);

/* One turn: waits at most until the next event when wait is true.  For tests and shutdown. */
void loop_turn(struct loop *l, bool wait);

/* From the loop's own thread; other threads post a message that calls it. */
void loop_stop(struct loop *l);

/* Monotonic microseconds, taken once a turn (cheap). */
uint64_t loop_now_us(const struct loop *l);

/* Monotonic microseconds, read anew: for measuring our own work. */
uint64_t loop_clock_us(void);

/* Wall clock, microseconds since 1970. */
uint64_t loop_wall_us(void);

/* The libuv loop, for files of io/ only. */
struct uv_loop_s *loop_uv(struct loop *l);

/* --- Timers: a wheel with a tick of 4 ms; starting and stopping is O(1) and makes no system call.
 * A timer fires no earlier than asked and at most two ticks later.  The owner embeds the struct. */
struct timer {
    struct list node;
    uint64_t due_ms;
    void (*on_fire)(void *arg);
    void *arg;
};

void timer_init(struct timer *t, void (*on_fire)(void *arg), void *arg);
void timer_start(struct loop *l, struct timer *t, uint64_t delay_ms); /* restarts if running */
void timer_stop(struct timer *t);                                     /* no-op if not running */

static inline bool timer_is_running(const struct timer *t)
{
    return !list_is_empty(&t->node);
}

/* --- Deferred work: runs once at the end of the current turn (before the loop sleeps), on the same
 * thread; the way to call back "not inside the call that asked". */
struct deferred {
    struct list node;
    void (*run)(void *arg);
    void *arg;
};

void deferred_init(struct deferred *d, void (*run)(void *arg), void *arg);
void loop_defer(struct loop *l, struct deferred *d); /* no-op if already waiting */
void deferred_cancel(struct deferred *d);

/* --- The closing list: an object that closes leaves its lists, stops its timers and waits here;
 * it is valid and silent until the turn ends, then `release(object)` is called. */
struct closing {
    struct list node;
    void (*release)(void *object);
    void *object;
};

void loop_close_later(struct loop *l, struct closing *c, void (*release)(void *object),
                      void *object);

#endif
