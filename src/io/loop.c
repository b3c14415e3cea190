#include "io/loop_impl.h"

#include "base/check.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* Deferred work may defer more; so many rounds are run before the sockets get their turn. */
enum { DEFER_ROUNDS = 8 };

static struct loop *loop_of(uv_handle_t *handle)
{
    return handle->loop->data;
}

/* --- Time */

uint64_t loop_clock_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t loop_wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* libuv has no hook between waking up and the first event, so the time is taken when it is first
 * asked for, and forgotten when the turn ends. */
uint64_t loop_now_us(const struct loop *l)
{
    if (l->now_us == 0)
        ((struct loop *)l)->now_us = loop_clock_us();
    return l->now_us;
}

/* --- The end of a turn */

/* Moves all nodes of `from` to the empty list `to`. */
static void list_take_all(struct list *to, struct list *from)
{
    list_init(to);
    if (list_is_empty(from))
        return;
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    list_init(from);
}

static void run_deferred(struct loop *l)
{
    for (int round = 0; round < DEFER_ROUNDS && !list_is_empty(&l->deferred); round++) {
        struct list now, *node;
        list_take_all(&now, &l->deferred);
        while ((node = list_pop(&now))) {
            struct deferred *d = LIST_ENTRY(node, struct deferred, node);
            d->run(d->arg);
        }
    }
}

static void release_closing(struct loop *l)
{
    struct list now, *node;
    list_take_all(&now, &l->closing);
    while ((node = list_pop(&now))) {
        struct closing *c = LIST_ENTRY(node, struct closing, node);
        c->release(c->object);
    }
}

static void stay_awake(uv_idle_t *idle)
{
    (void)idle; /* that it is active is all its work */
}

static bool work_is_left(const struct loop *l)
{
    return !list_is_empty(&l->deferred) || !list_is_empty(&l->closing);
}

static void end_turn(struct loop *l)
{
    run_deferred(l);
    release_closing(l);
    if (work_is_left(l))
        uv_idle_start(&l->awake, stay_awake);
    else if (uv_is_active((uv_handle_t *)&l->awake))
        uv_idle_stop(&l->awake);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *l = loop_of((uv_handle_t *)prepare);
    end_turn(l);
    wheel_set_wake(l);
    l->now_us = 0;
}

static void on_check(uv_check_t *check)
{
    struct loop *l = loop_of((uv_handle_t *)check);
    end_turn(l);
    l->now_us = 0;
}

/* --- Life */

struct loop *loop_new(void)
{
    struct loop *l = calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    if (uv_loop_init(&l->uv)) {
        free(l);
        return NULL;
    }
    l->uv.data = l;
    signal(SIGPIPE, SIG_IGN); /* a failed write is an error to return, not a signal */
    list_init(&l->deferred);
    list_init(&l->closing);
    uv_prepare_init(&l->uv, &l->prepare);
    uv_prepare_start(&l->prepare, on_prepare);
    uv_check_init(&l->uv, &l->check);
    uv_check_start(&l->check, on_check);
    uv_idle_init(&l->uv, &l->awake);
    wheel_init(l);
    if (inbox_open(l)) {
        l->async.loop = NULL;
        loop_free(l);
        return NULL;
    }
    return l;
}

static void check_closing(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        BUG("loop_free: a %s is still open", uv_handle_type_name(handle->type));
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    inbox_drop(l);
    loop_turn(l, false); /* what is closing may still have its callbacks to come */
    if (l->tls)
        l->tls_free(l->tls);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->check, NULL);
    uv_close((uv_handle_t *)&l->awake, NULL);
    uv_close((uv_handle_t *)&l->timer, NULL);
    if (l->async.loop)
        uv_close((uv_handle_t *)&l->async, NULL);
    uv_walk(&l->uv, check_closing, NULL);
    while (uv_loop_alive(&l->uv) || work_is_left(l)) {
        uv_run(&l->uv, UV_RUN_ONCE);
        run_deferred(l);
        release_closing(l);
    }
    inbox_drop(l);
    CHECK(uv_loop_close(&l->uv) == 0);
    chunk_unref(l->read_chunk);
    chunk_unref(l->write_chunk);
    free(l);
}

void loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_turn(struct loop *l, bool wait)
{
    uv_run(&l->uv, wait && !work_is_left(l) ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    end_turn(l); /* in this mode libuv may run timers last, after its check */
    l->now_us = 0;
}

void loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

struct uv_loop_s *loop_uv(struct loop *l)
{
    return &l->uv;
}

/* --- Deferred work and closing */

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

/* --- The read chunk: reads of different streams share it, one behind the other, and once nobody
 * keeps a slice of it, it is filled from its start again. */

char *loop_read_room(struct loop *l, size_t *room)
{
    struct chunk *c = l->read_chunk;
    if (c && c->refs == 1)
        c->used = 0;
    if (!c || CHUNK_ROOM - c->used < LOOP_READ_MIN) {
        struct chunk *fresh = chunk_new();
        if (!fresh)
            return NULL;
        chunk_unref(c);
        c = l->read_chunk = fresh;
    }
    *room = CHUNK_ROOM - c->used;
    return c->data + c->used;
}

struct slice loop_read_take(struct loop *l, size_t n)
{
    struct chunk *c = l->read_chunk;
    struct slice s = {.chunk = c, .ptr = c->data + c->used, .len = n};
    CHECK(n <= CHUNK_ROOM - c->used);
    c->used += (unsigned)n;
    return s;
}
