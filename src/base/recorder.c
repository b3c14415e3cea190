#include "base/recorder.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

static const struct {
    const char *name, *a, *b;
} facts[TRACE_EVENT_COUNT] = {
#define TRACE(id, name_, a_, b_) [TRACE_##id] = {.name = name_, .a = a_, .b = b_},
#include "base/trace.def"
#undef TRACE
};

/* Relaxed throughout: an entry is read by others only in a dump, where a torn one is acceptable. */
struct entry {
    _Atomic uint64_t time_us, subject, a, b;
    _Atomic uint32_t event;
};

struct ring {
    struct ring *next; /* rings are never freed: a dump may read them at any time */
    unsigned thread;
    _Atomic uint64_t count;
    struct entry entries[RECORDER_EVENTS];
};

static struct ring *_Atomic rings;
static _Atomic unsigned threads;
static _Thread_local struct ring *own;

static struct ring *ring_make(void)
{
    struct ring *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->thread = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed);
    r->next = atomic_load_explicit(&rings, memory_order_relaxed);
    /* Release: whoever walks the list sees the ring's thread and next. */
    while (!atomic_compare_exchange_weak_explicit(&rings, &r->next, r, memory_order_release,
                                                  memory_order_relaxed))
        continue;
    return r;
}

static uint64_t clock_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

#define SET(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)
#define GET(field) atomic_load_explicit(&(field), memory_order_relaxed)

void trace(enum trace_event event, uint64_t subject, uint64_t a, uint64_t b)
{
    if (!own && !(own = ring_make()))
        return;
    uint64_t n = GET(own->count);
    struct entry *e = &own->entries[n % RECORDER_EVENTS];
    SET(e->time_us, clock_us());
    SET(e->subject, subject);
    SET(e->a, a);
    SET(e->b, b);
    SET(e->event, (uint32_t)event);
    SET(own->count, n + 1);
}

static void dump_entry(const struct ring *r, struct entry *e, struct buf *out)
{
    uint32_t event = GET(e->event);
    if (event >= TRACE_EVENT_COUNT)
        return;
    uint64_t us = GET(e->time_us);
    buf_printf(out, "%llu.%06llu thread %u #%llx %s", (unsigned long long)(us / 1000000),
               (unsigned long long)(us % 1000000), r->thread, (unsigned long long)GET(e->subject),
               facts[event].name);
    if (*facts[event].a)
        buf_printf(out, ", %s %llu", facts[event].a, (unsigned long long)GET(e->a));
    if (*facts[event].b)
        buf_printf(out, ", %s %llu", facts[event].b, (unsigned long long)GET(e->b));
    buf_add_byte(out, '\n');
}

void recorder_dump(struct buf *out)
{
    for (struct ring *r = atomic_load_explicit(&rings, memory_order_acquire); r; r = r->next) {
        uint64_t count = GET(r->count);
        uint64_t first = count > RECORDER_EVENTS ? count - RECORDER_EVENTS : 0;
        for (uint64_t i = first; i < count; i++)
            dump_entry(r, &r->entries[i % RECORDER_EVENTS], out);
    }
}

static void on_failure(void)
{
    struct buf text;
    buf_init(&text, 0);
    recorder_dump(&text);
    for (size_t at = 0; at < text.len;) {
        ssize_t n = write(STDERR_FILENO, text.ptr + at, text.len - at);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    buf_release(&text);
}

void recorder_install(void)
{
    check_on_failure(on_failure);
}
