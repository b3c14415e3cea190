#include "http/pool.h"

#include <stdlib.h>

#include "http/connect.h"
#include "http/h1_client.h"
#include "http/pool_endpoint.h"

/* How long an empty pool stays when connections may idle for ever. */
enum { POOL_UNUSED_MS = 60000 };

struct pool {
    struct list node; /* its owner's */
    const struct pool_env *env;
    struct endpoint endpoint;
    bool retired;

    struct list idle; /* slots, the last used first */
    struct list openings;
    struct list connecting, queue; /* waiters, oldest first; `connecting` are the older ones */
    struct pool_count count;

    uint64_t unused_us; /* since when nothing is here */
    struct timer sweep; /* runs while something idles, and while the pool is unused */
    struct deferred serve;
};

/* One attempt to connect, for whoever is the oldest waiter when it succeeds. */
struct opening {
    struct list node;
    struct pool *pool;
    uint64_t started_us;
    struct connector connector;
};

static void pool_serve(void *arg);
static void pool_sweep(void *arg);
static bool pool_open(struct pool *p);

/* --- Small things. */

/* Single writer: a plain load and store is enough, readers only want a recent value. */
static void stat_add(_Atomic unsigned *counter, int n)
{
    unsigned now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + (unsigned)n, memory_order_relaxed);
}

static void stat_count(_Atomic uint64_t *counter)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + 1, memory_order_relaxed);
}

/* This worker's part of a limit. */
static unsigned pool_share(const struct pool *p, unsigned limit)
{
    unsigned share = limit / p->env->workers;
    return limit && !share ? 1 : share;
}

static uint64_t pool_now(const struct pool *p)
{
    return loop_now_us(p->env->loop);
}

static bool pool_has_room(const struct pool *p)
{
    unsigned max = pool_share(p, p->endpoint.pool.max_connections);
    return !max || p->count.idle + p->count.lent + p->count.opening < max;
}

static bool pool_is_unused(const struct pool *p)
{
    return !(p->count.idle + p->count.lent + p->count.opening + p->count.queued +
             p->count.connecting);
}

static bool pool_has_waiters(const struct pool *p)
{
    return p->count.connecting || p->count.queued;
}

static bool slot_is_old(const struct pool *p, const struct slot *s)
{
    uint64_t max_us = p->endpoint.pool.max_age_ms * 1000;
    return max_us && pool_now(p) - s->born_us >= max_us;
}

static void pool_sweep_in(struct pool *p, uint64_t delay_us)
{
    timer_start(p->env->loop, &p->sweep, delay_us / 1000 + 1);
}

static uint64_t pool_patience_us(const struct pool *p)
{
    uint64_t ms = p->endpoint.pool.idle_timeout_ms;
    return (ms ? ms : POOL_UNUSED_MS) * 1000;
}

/* After something left: is there work for those who wait, or nothing at all to do? */
static void pool_changed(struct pool *p)
{
    CHECK(p->count.connecting <= p->count.opening);
    if (p->count.queued || (p->count.connecting && p->count.idle))
        loop_defer(p->env->loop, &p->serve);
    if (pool_is_unused(p)) {
        p->unused_us = pool_now(p);
        if (!timer_is_running(&p->sweep))
            pool_sweep_in(p, pool_patience_us(p));
    }
}

/* --- Slots. */

static void slot_idle(struct pool *p, struct slot *s)
{
    s->idle_us = pool_now(p);
    list_push_front(&p->idle, &s->node);
    p->count.idle++;
    stat_add(&p->env->stats->idle, 1);
    if (!timer_is_running(&p->sweep))
        pool_sweep_in(p, pool_patience_us(p));
}

static void slot_leave_idle(struct pool *p, struct slot *s)
{
    list_remove(&s->node);
    p->count.idle--;
    stat_add(&p->env->stats->idle, -1);
}

static void slot_drop_idle(struct pool *p, struct slot *s)
{
    slot_leave_idle(p, s);
    s->ops->close(s);
}

static void slot_lend(struct pool *p, struct slot *s)
{
    p->count.lent++;
    stat_add(&p->env->stats->busy, 1);
    if (s->used)
        stat_count(&p->env->stats->reused);
}

/* The youngest idle slot that may still be used, now lent; or NULL. */
static struct slot *pool_lend_idle(struct pool *p)
{
    while (!list_is_empty(&p->idle)) {
        struct slot *s = LIST_ENTRY(p->idle.next, struct slot, node);
        if (slot_is_old(p, s)) {
            slot_drop_idle(p, s);
            continue;
        }
        slot_leave_idle(p, s);
        slot_lend(p, s);
        return s;
    }
    return NULL;
}

static bool pool_keeps(const struct pool *p, const struct slot *s)
{
    if (slot_is_old(p, s))
        return false;
    if (pool_has_waiters(p))
        return true;
    return !p->retired && p->count.idle < pool_share(p, p->endpoint.pool.max_idle);
}

void pool_put(struct slot *s, bool reusable)
{
    struct pool *p = s->pool;
    CHECK(p->count.lent > 0);
    CHECK(s->call == NULL);
    p->count.lent--;
    stat_add(&p->env->stats->busy, -1);
    s->used = true;
    if (reusable && pool_keeps(p, s))
        slot_idle(p, s);
    else
        s->ops->close(s);
    pool_changed(p);
}

void pool_lost(struct slot *s)
{
    struct pool *p = s->pool;
    slot_drop_idle(p, s);
    pool_changed(p);
}

/* --- Waiters. */

static void wait_count_queued(struct pool *p, int n)
{
    p->count.queued += (unsigned)n;
    stat_add(&p->env->stats->waiting, n);
}

static void wait_leave(struct pool_wait *w)
{
    struct pool *p = w->pool;
    switch (w->state) {
    case POOL_WAIT_NONE:
        return;
    case POOL_WAIT_QUEUED:
        wait_count_queued(p, -1);
        break;
    case POOL_WAIT_CONNECTING:
        p->count.connecting--;
        break;
    }
    w->state = POOL_WAIT_NONE;
    list_remove(&w->node);
    timer_stop(&w->timeout);
}

static void wait_fail(struct pool_wait *w, enum err err, const char *why)
{
    wait_leave(w);
    w->on_failed(w->arg, err, why);
}

static void wait_on_timeout(void *arg)
{
    wait_fail(arg, ERR_QUEUE_TIMEOUT, "no connection became free in time");
}

/* Somebody waits. */
static struct pool_wait *pool_oldest(struct pool *p)
{
    struct list *head = list_is_empty(&p->connecting) ? &p->queue : &p->connecting;
    CHECK(!list_is_empty(head));
    return LIST_ENTRY(head->next, struct pool_wait, node);
}

static void wait_begin(struct pool *p, struct pool_wait *w)
{
    w->pool = p;
    w->since_us = pool_now(p);
    w->slot_us = 0;
    list_init(&w->node);
    timer_init(&w->timeout, wait_on_timeout, w);
}

static void wait_connecting(struct pool *p, struct pool_wait *w)
{
    w->state = POOL_WAIT_CONNECTING;
    w->slot_us = pool_now(p);
    list_push(&p->connecting, &w->node);
    p->count.connecting++;
}

static void wait_queue(struct pool *p, struct pool_wait *w)
{
    w->state = POOL_WAIT_QUEUED;
    if (w->fresh) /* it was served before, with a connection that was dead */
        list_push_front(&p->queue, &w->node);
    else
        list_push(&p->queue, &w->node);
    wait_count_queued(p, 1);
    if (p->endpoint.pool.queue_timeout_ms)
        timer_start(p->env->loop, &w->timeout, p->endpoint.pool.queue_timeout_ms);
}

static void opening_cancel(struct opening *o)
{
    list_remove(&o->node);
    o->pool->count.opening--;
    connector_cancel(&o->connector);
    free(o);
}

/* An attempt that nobody waits for any more goes; the youngest has the least to lose. */
static void pool_drop_spare_opening(struct pool *p)
{
    if (p->count.opening > p->count.connecting)
        opening_cancel(LIST_ENTRY(p->openings.prev, struct opening, node));
}

static struct pool_wait *pool_first_queued(struct pool *p)
{
    return LIST_ENTRY(p->queue.next, struct pool_wait, node);
}

/* Attempts that nobody waits for any more go to those in the queue. */
static void pool_hand_on(struct pool *p)
{
    while (p->count.queued && p->count.opening > p->count.connecting) {
        struct pool_wait *w = pool_first_queued(p);
        wait_leave(w);
        wait_connecting(p, w);
    }
}

/* And so does the room that there is. */
static void pool_fill(struct pool *p)
{
    pool_hand_on(p);
    while (p->count.queued && pool_has_room(p)) {
        if (pool_open(p))
            pool_hand_on(p);
        else
            wait_fail(pool_first_queued(p), ERR_NO_MEMORY, "no memory for a connection");
    }
}

void pool_forget(struct pool_wait *w)
{
    if (w->state == POOL_WAIT_NONE)
        return;
    struct pool *p = w->pool;
    bool connecting = w->state == POOL_WAIT_CONNECTING;
    wait_leave(w);
    if (connecting) {
        pool_hand_on(p);
        pool_drop_spare_opening(p);
    }
    pool_changed(p);
}

/* --- Attempts to connect. */

static void opening_failed(struct pool *p, uint64_t started_us, enum err err, const char *why)
{
    if (p->count.connecting <= p->count.opening)
        return; /* the attempts that go on are enough */
    struct pool_wait *w = pool_oldest(p);
    if (w->since_us <= started_us)
        wait_fail(w, err, why);
    else if (!pool_open(p)) /* it had begun before those who wait now came */
        wait_fail(w, ERR_NO_MEMORY, "no memory for a connection");
}

static void opening_on_done(void *arg, struct stream *s, enum err err, const char *why)
{
    struct opening *o = arg;
    struct pool *p = o->pool;
    uint64_t started_us = o->started_us;
    list_remove(&o->node);
    p->count.opening--;
    free(o);
    struct slot *slot = s ? h1_client_new(s) : NULL;
    if (!slot) {
        opening_failed(p, started_us, s ? ERR_NO_MEMORY : err,
                       s ? "no memory for a connection" : why);
        pool_changed(p);
        return;
    }
    stat_count(&p->env->stats->opened);
    slot->pool = p;
    slot->born_us = pool_now(p);
    if (pool_keeps(p, slot))
        slot_idle(p, slot);
    else
        slot->ops->close(slot);
    pool_serve(p);
    pool_changed(p);
}

static bool pool_open(struct pool *p)
{
    struct opening *o = malloc(sizeof(*o));
    if (!o)
        return false;
    o->pool = p;
    o->started_us = pool_now(p);
    list_push(&p->openings, &o->node);
    p->count.opening++;
    connector_start(&o->connector, p->env->loop, p->env->resolver, &p->endpoint, opening_on_done,
                    o);
    return true;
}

/* --- Lending. */

/* Gives what is idle to those who wait, and begins what there is room for.  Callbacks may take and
 * put meanwhile: everything is looked at anew. */
static void pool_serve(void *arg)
{
    struct pool *p = arg;
    while (pool_has_waiters(p)) {
        struct slot *s = pool_lend_idle(p);
        if (!s)
            break;
        struct pool_wait *w = pool_oldest(p);
        wait_leave(w);
        if (!w->slot_us)
            w->slot_us = pool_now(p);
        w->on_slot(w->arg, s);
    }
    pool_fill(p);
}

/* A connection for who cannot use an idle one: in the place of the oldest of those, if need be. */
static bool pool_make_room(struct pool *p)
{
    if (!pool_has_room(p) && !list_is_empty(&p->idle))
        slot_drop_idle(p, LIST_ENTRY(p->idle.prev, struct slot, node));
    return pool_has_room(p);
}

enum err pool_take(struct pool *p, struct pool_wait *w, struct slot **out)
{
    w->state = POOL_WAIT_NONE;
    w->slot_us = 0;
    *out = !w->fresh && !pool_has_waiters(p) ? pool_lend_idle(p) : NULL;
    if (*out) {
        w->slot_us = pool_now(p);
        return ERR_NONE;
    }
    bool turn = w->fresh || !p->count.queued;
    bool room = turn && (p->count.opening > p->count.connecting ||
                         (w->fresh ? pool_make_room(p) : pool_has_room(p)));
    if (!room && !w->fresh && p->count.queued >= pool_share(p, p->endpoint.pool.queue))
        return ERR_QUEUE_FULL;
    if (room && p->count.opening <= p->count.connecting && !pool_open(p))
        return ERR_NO_MEMORY;
    wait_begin(p, w);
    if (room)
        wait_connecting(p, w);
    else
        wait_queue(p, w);
    return ERR_NONE;
}

/* --- The pool. */

static void pool_sweep(void *arg)
{
    struct pool *p = arg;
    uint64_t now = pool_now(p), patience = pool_patience_us(p);
    uint64_t idle_max = p->endpoint.pool.idle_timeout_ms * 1000, next = patience;
    LIST_EACH (node, &p->idle) {
        struct slot *s = LIST_ENTRY(node, struct slot, node);
        uint64_t idle = now - s->idle_us;
        if (slot_is_old(p, s) || (idle_max && idle >= idle_max)) {
            slot_drop_idle(p, s);
            continue;
        }
        if (idle_max && idle_max - idle < next)
            next = idle_max - idle;
        uint64_t max_age = p->endpoint.pool.max_age_ms * 1000;
        if (max_age && s->born_us + max_age - now < next)
            next = s->born_us + max_age - now;
    }
    if (pool_is_unused(p)) {
        if (p->unused_us && now - p->unused_us >= patience) {
            pool_free(p);
            return;
        }
        if (!p->unused_us)
            p->unused_us = now;
        pool_sweep_in(p, p->unused_us + patience - now);
    } else if (p->count.idle) {
        pool_sweep_in(p, next);
    }
}

struct pool *pool_new(const struct pool_env *env, const struct endpoint *e)
{
    struct pool *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    if (!endpoint_copy(&p->endpoint, e)) {
        free(p);
        return NULL;
    }
    CHECK(env->workers > 0);
    p->env = env;
    list_init(&p->node);
    list_init(&p->idle);
    list_init(&p->openings);
    list_init(&p->connecting);
    list_init(&p->queue);
    timer_init(&p->sweep, pool_sweep, p);
    deferred_init(&p->serve, pool_serve, p);
    pool_changed(p);
    return p;
}

static void pool_drop_all_idle(struct pool *p)
{
    LIST_EACH (node, &p->idle) {
        slot_drop_idle(p, LIST_ENTRY(node, struct slot, node));
    }
}

void pool_free(struct pool *p)
{
    CHECK(p->count.lent == 0);
    CHECK(!pool_has_waiters(p));
    pool_drop_all_idle(p);
    LIST_EACH (node, &p->openings) {
        opening_cancel(LIST_ENTRY(node, struct opening, node));
    }
    timer_stop(&p->sweep);
    deferred_cancel(&p->serve);
    list_remove(&p->node);
    endpoint_release(&p->endpoint);
    free(p);
}

void pool_configure(struct pool *p, const struct endpoint *e)
{
    endpoint_update(&p->endpoint, e);
}

void pool_retire(struct pool *p, bool retired)
{
    p->retired = retired;
    if (!retired)
        return;
    pool_drop_all_idle(p);
    pool_changed(p);
}

struct list *pool_node(struct pool *p)
{
    return &p->node;
}

struct pool *pool_from_node(struct list *node)
{
    return LIST_ENTRY(node, struct pool, node);
}

str pool_key(const struct pool *p)
{
    return p->endpoint.key;
}

const struct endpoint *pool_endpoint(const struct pool *p)
{
    return &p->endpoint;
}

struct pool_count pool_counts(const struct pool *p)
{
    return p->count;
}
