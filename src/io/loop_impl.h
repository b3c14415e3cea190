/*
 * The inside of a loop, for the files of io/ alone: what libuv's callbacks and the streams share.
 *
 * A turn is: timers, end of turn (libuv's "prepare"), sleep, events, end of turn ("check"), libuv's
 * own closing callbacks.  The end of a turn runs what was deferred and then releases what is closing,
 * so nothing sleeps undone, and an object that closed in an event outlives what the event deferred.
 */
#ifndef IO_LOOP_IMPL_H
#define IO_LOOP_IMPL_H

#include <stdatomic.h>
#include <uv.h>

#include "base/chain.h"
#include "base/list.h"
#include "io/inbox.h"
#include "io/loop.h"

/* Ticks of 4 ms: the first level of 256 slots reaches one second, three more of 64 slots reach a
 * minute, an hour and three days.  Later timers wait in the last slot and are placed again. */
enum {
    WHEEL_TICK_MS = 4,
    WHEEL_TICK_US = 1000 * WHEEL_TICK_MS,
    WHEEL_BITS0 = 8,
    WHEEL_SLOTS0 = 1 << WHEEL_BITS0,
    WHEEL_BITS = 6,
    WHEEL_SLOTS = 1 << WHEEL_BITS,
    WHEEL_LEVELS = 3, /* above the first */
};

/* A set bit may be stale (timers leave without telling the wheel), a clear one never is. */
struct wheel {
    uint64_t tick; /* done up to and including this one */
    uint64_t wake; /* the tick that libuv's timer is set for, UINT64_MAX: none */
    bool wake_changed;
    uint64_t used0[WHEEL_SLOTS0 / 64];
    uint64_t used[WHEEL_LEVELS];
    struct list slots0[WHEEL_SLOTS0];
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t awake; /* runs while deferred work is left: keeps the loop from sleeping */
    uv_async_t async;
    uv_timer_t timer;
    uint64_t now_us; /* 0: not asked yet in this turn */
    struct list deferred;
    struct list closing;
    struct wheel wheel;
    struct chunk *read_chunk;  /* where the next read of any stream goes */
    struct chunk *write_chunk; /* where TLS puts its next record */
    void *tls;                 /* io/tls.c: what its streams share on this loop */
    void (*tls_free)(void *tls);
    _Atomic(struct message *) inbox; /* newest first */
};

/* Room for one read: at least LOOP_READ_MIN bytes in the loop's read chunk.  NULL: out of memory.
 * What was handed out before may be overwritten unless its chunk is referenced. */
enum { LOOP_READ_MIN = 4096 };
char *loop_read_room(struct loop *l, size_t *room);

/* The first n bytes of that room, as a slice borrowed from the loop. */
struct slice loop_read_take(struct loop *l, size_t n);

/* --- timers.c */
void wheel_init(struct loop *l);
void wheel_set_wake(struct loop *l); /* sets libuv's timer if it must ring at another time */

/* --- inbox.c */
int inbox_open(struct loop *l);
void inbox_drop(struct loop *l);

#endif
