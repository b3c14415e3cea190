#include "support/fake_loop.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/chain.h"

/* More turns without rest than any sane sequence of callbacks makes. */
enum { TURNS_MAX = 100000 };

struct loop {
    uint64_t now_us;
    struct list timers, deferred, closing;
};

/* The one loop of this thread: loop_clock_us() knows no loop. */
static _Thread_local struct loop *current;

struct loop *loop_new(void)
{
    struct loop *l = calloc(1, sizeof(*l));
    CHECK(l); /* a test that failed has left its own behind: so be it */
    l->now_us = FAKE_LOOP_START_US;
    list_init(&l->timers);
    list_init(&l->deferred);
    list_init(&l->closing);
    current = l;
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    fake_loop_settle(l);
    CHECK(list_is_empty(&l->timers));
    current = NULL;
    free(l);
}

/* --- Time */

uint64_t loop_now_us(const struct loop *l)
{
    return l->now_us;
}

uint64_t loop_clock_us(void)
{
    return current ? current->now_us : FAKE_LOOP_START_US;
}

uint64_t loop_wall_us(void)
{
    return FAKE_LOOP_WALL_US + loop_clock_us() - FAKE_LOOP_START_US;
}

void timer_init(struct timer *t, void (*on_fire)(void *arg), void *arg)
{
    *t = (struct timer){.on_fire = on_fire, .arg = arg};
    list_init(&t->node);
}

void timer_start(struct loop *l, struct timer *t, uint64_t delay_ms)
{
    list_remove(&t->node);
    t->due_ms = (l->now_us + 999) / 1000 + delay_ms;
    list_push(&l->timers, &t->node);
}

void timer_stop(struct timer *t)
{
    list_remove(&t->node);
}

static struct timer *next_timer(const struct loop *l)
{
    struct timer *first = NULL;
    LIST_EACH (node, &l->timers) {
        struct timer *t = LIST_ENTRY(node, struct timer, node);
        if (!first || t->due_ms < first->due_ms)
            first = t;
    }
    return first;
}

uint64_t fake_loop_due_us(const struct loop *l)
{
    const struct timer *t = next_timer(l);
    return t ? t->due_ms * 1000 : UINT64_MAX;
}

unsigned fake_loop_timers(const struct loop *l)
{
    unsigned n = 0;
    LIST_EACH (node, &l->timers)
        n++;
    return n;
}

void fake_loop_advance(struct loop *l, uint64_t us)
{
    uint64_t until = l->now_us + us;
    fake_loop_settle(l);
    for (uint64_t due; (due = fake_loop_due_us(l)) <= until;) {
        struct timer *t = next_timer(l);
        l->now_us = due > l->now_us ? due : l->now_us;
        list_remove(&t->node);
        t->on_fire(t->arg);
        fake_loop_settle(l);
    }
    l->now_us = until;
}

/* --- The end of a turn */

void deferred_init(struct deferred *d, void (*run)(void *arg), void *arg)
{
    *d = (struct deferred){.run = run, .arg = arg};
    list_init(&d->node);
}

void loop_defer(struct loop *l, struct deferred *d)
{
    if (list_is_empty(&d->node))
        list_push(&l->deferred, &d->node);
}

void deferred_cancel(struct deferred *d)
{
    list_remove(&d->node);
}

void loop_close_later(struct loop *l, struct closing *c, void (*release)(void *object),
                      void *object)
{
    c->release = release;
    c->object = object;
    list_push(&l->closing, &c->node);
}

static void end_turn(struct loop *l)
{
    struct list *node;
    unsigned left = 0;
    LIST_EACH (waiting, &l->deferred)
        left++; /* what these defer is for the next turn */
    while (left-- && (node = list_pop(&l->deferred))) {
        struct deferred *d = LIST_ENTRY(node, struct deferred, node);
        d->run(d->arg);
    }
    while ((node = list_pop(&l->closing))) {
        struct closing *c = LIST_ENTRY(node, struct closing, node);
        c->release(c->object);
    }
#ifdef __SANITIZE_ADDRESS__
    arena_recycler_release();
    chunk_recycler_release();
#endif
}

void fake_loop_settle(struct loop *l)
{
    unsigned turns = 0;
    do {
        end_turn(l);
        if (++turns > TURNS_MAX)
            BUG("the loop does not come to rest");
    } while (!list_is_empty(&l->deferred) || !list_is_empty(&l->closing));
}
