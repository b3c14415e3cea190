#include "io/loop_impl.h"

#include "base/check.h"

/* Slots hold absolute time: tick t is slot t mod 256 of the first level while less than 256 ticks
 * away, else a slot of a level above, whose timers move down when the time of that slot begins. */

static unsigned level_shift(unsigned level)
{
    return WHEEL_BITS0 + WHEEL_BITS * level;
}

static void wheel_place(struct wheel *w, struct timer *t)
{
    uint64_t due = t->due_ms / WHEEL_TICK_MS;
    uint64_t delta = due - w->tick;
    if (delta < WHEEL_SLOTS0) {
        unsigned slot = due % WHEEL_SLOTS0;
        list_push(&w->slots0[slot], &t->node);
        w->used0[slot / 64] |= 1ull << (slot % 64);
        return;
    }
    unsigned level = 0;
    while (level < WHEEL_LEVELS - 1 && delta >> level_shift(level + 1))
        level++;
    uint64_t reach = (uint64_t)WHEEL_SLOTS << level_shift(level);
    if (delta >= reach) /* beyond the wheel */
        due = w->tick + reach - 1;
    unsigned slot = (due >> level_shift(level)) % WHEEL_SLOTS;
    list_push(&w->slots[level][slot], &t->node);
    w->used[level] |= 1ull << slot;
}

/* Distance from `from` (exclusive, cyclic) to the next used slot of 64, 1..64; 0: none. */
static unsigned next_of_64(uint64_t used, unsigned from)
{
    if (used == 0)
        return 0;
    unsigned shift = (from + 1) % 64;
    uint64_t turned = shift ? used >> shift | used << (64 - shift) : used;
    return 1 + (unsigned)__builtin_ctzll(turned);
}

static uint64_t next_of_first(struct wheel *w)
{
    for (unsigned ahead = 1; ahead <= WHEEL_SLOTS0;) {
        unsigned slot = (w->tick + ahead) % WHEEL_SLOTS0;
        uint64_t word = w->used0[slot / 64] >> (slot % 64);
        if (word == 0) {
            ahead += 64 - slot % 64;
            continue;
        }
        ahead += (unsigned)__builtin_ctzll(word);
        if (ahead > WHEEL_SLOTS0)
            break;
        slot = (w->tick + ahead) % WHEEL_SLOTS0;
        if (!list_is_empty(&w->slots0[slot]))
            return w->tick + ahead;
        w->used0[slot / 64] &= ~(1ull << (slot % 64));
    }
    return UINT64_MAX;
}

static uint64_t next_of_level(struct wheel *w, unsigned level)
{
    uint64_t at = w->tick >> level_shift(level);
    unsigned ahead;
    while ((ahead = next_of_64(w->used[level], at % WHEEL_SLOTS))) {
        unsigned slot = (at + ahead) % WHEEL_SLOTS;
        if (!list_is_empty(&w->slots[level][slot]))
            return (at + ahead) << level_shift(level);
        w->used[level] &= ~(1ull << slot);
    }
    return UINT64_MAX;
}

/* The next tick at which a timer fires or moves down. */
static uint64_t wheel_next(struct wheel *w)
{
    uint64_t next = next_of_first(w);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t t = next_of_level(w, level);
        next = t < next ? t : next;
    }
    return next;
}

static void move_down(struct wheel *w, unsigned level)
{
    unsigned slot = (w->tick >> level_shift(level)) % WHEEL_SLOTS;
    struct list *head = &w->slots[level][slot];
    struct list waiting = LIST_INIT(waiting), *node;
    while ((node = list_pop(head)))
        list_push(&waiting, node);
    w->used[level] &= ~(1ull << slot);
    while ((node = list_pop(&waiting)))
        wheel_place(w, LIST_ENTRY(node, struct timer, node));
}

static void wheel_enter(struct wheel *w, uint64_t tick)
{
    w->tick = tick;
    for (unsigned level = WHEEL_LEVELS; level-- > 0;)
        if (tick % (1ull << level_shift(level)) == 0)
            move_down(w, level);
}

static void fire(struct wheel *w)
{
    struct list *head = &w->slots0[w->tick % WHEEL_SLOTS0];
    struct list *node;
    /* What a callback starts is due later, so never in this slot. */
    while ((node = list_pop(head))) {
        struct timer *t = LIST_ENTRY(node, struct timer, node);
        t->on_fire(t->arg);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct loop *l = timer->loop->data;
    struct wheel *w = &l->wheel;
    l->now_us = 0; /* libuv runs timers at the start of a turn */
    uint64_t now = loop_now_us(l) / WHEEL_TICK_US;
    for (uint64_t next; (next = wheel_next(w)) <= now;) {
        wheel_enter(w, next);
        fire(w);
    }
    if (now > w->tick)
        w->tick = now;
    w->wake = wheel_next(w);
    w->wake_changed = w->wake != UINT64_MAX;
}

void wheel_set_wake(struct loop *l)
{
    struct wheel *w = &l->wheel;
    if (!w->wake_changed)
        return;
    w->wake_changed = false;
    uint64_t due = w->wake * WHEEL_TICK_MS, now = uv_now(&l->uv);
    uv_timer_start(&l->timer, on_timer, due > now ? due - now : 0, 0);
}

void wheel_init(struct loop *l)
{
    struct wheel *w = &l->wheel;
    w->tick = loop_clock_us() / WHEEL_TICK_US;
    w->wake = UINT64_MAX;
    for (unsigned i = 0; i < WHEEL_SLOTS0; i++)
        list_init(&w->slots0[i]);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++)
        for (unsigned i = 0; i < WHEEL_SLOTS; i++)
            list_init(&w->slots[level][i]);
    uv_timer_init(&l->uv, &l->timer);
}

void timer_init(struct timer *t, void (*on_fire)(void *arg), void *arg)
{
    *t = (struct timer){.on_fire = on_fire, .arg = arg};
    list_init(&t->node);
}

/* The wheel's tick stands still while no timer is set; nothing else depends on it being now. */
static void wheel_catch_up(struct wheel *w, uint64_t now)
{
    if (w->wake == UINT64_MAX && now > w->tick)
        w->tick = now;
}

/* A year is as good as never, and keeps the sum below from overflowing. */
static const uint64_t DELAY_MAX_MS = 365ull * 24 * 3600 * 1000;

void timer_start(struct loop *l, struct timer *t, uint64_t delay_ms)
{
    struct wheel *w = &l->wheel;
    uint64_t now = loop_now_us(l);
    uint64_t delay_us = (delay_ms < DELAY_MAX_MS ? delay_ms : DELAY_MAX_MS) * 1000;
    uint64_t due = (now + delay_us + WHEEL_TICK_US - 1) / WHEEL_TICK_US;
    list_remove(&t->node);
    wheel_catch_up(w, now / WHEEL_TICK_US);
    if (due <= w->tick)
        due = w->tick + 1;
    t->due_ms = due * WHEEL_TICK_MS;
    wheel_place(w, t);
    if (due < w->wake) {
        w->wake = due;
        w->wake_changed = true;
    }
}

void timer_stop(struct timer *t)
{
    list_remove(&t->node);
}
