#include "base/chain.h"

#include <stdlib.h>

#include "base/check.h"

enum { RECYCLED_MAX = 256 };

static _Thread_local struct chunk *recycled[RECYCLED_MAX];
static _Thread_local unsigned recycled_count;
static _Thread_local size_t alive;

struct chunk *chunk_new(void)
{
    struct chunk *c = recycled_count ? recycled[--recycled_count] : malloc(sizeof(*c));
    if (!c)
        return NULL;
    c->refs = 1;
    c->used = 0;
    alive++;
    return c;
}

void chunk_unref(struct chunk *c)
{
    if (!c)
        return;
    CHECK(c->refs > 0);
    if (--c->refs)
        return;
    alive--;
    if (recycled_count < RECYCLED_MAX)
        recycled[recycled_count++] = c;
    else
        free(c);
}

void chunk_recycler_release(void)
{
    while (recycled_count)
        free(recycled[--recycled_count]);
}

size_t chunk_alive(void)
{
    return alive;
}

void chain_init(struct chain *c)
{
    *c = (struct chain){0};
}

static struct slice *slot(const struct chain *c, unsigned i)
{
    return &c->slices[(c->first + i) & (c->cap - 1)];
}

void chain_release(struct chain *c)
{
    for (unsigned i = 0; i < c->count; i++)
        chunk_unref(slot(c, i)->chunk);
    free(c->slices);
    chain_init(c);
}

static bool chain_grow(struct chain *c)
{
    unsigned cap = c->cap ? c->cap * 2 : 4;
    struct slice *grown = malloc(cap * sizeof(*grown));
    if (!grown)
        return false;
    for (unsigned i = 0; i < c->count; i++)
        grown[i] = *slot(c, i);
    free(c->slices);
    c->slices = grown;
    c->cap = cap;
    c->first = 0;
    return true;
}

static bool chain_push(struct chain *c, struct slice s)
{
    if (c->count) {
        struct slice *last = slot(c, c->count - 1);
        if (last->chunk == s.chunk && last->ptr + last->len == s.ptr) {
            last->len += s.len;
            c->bytes += s.len;
            return true;
        }
    }
    if (c->count == c->cap && !chain_grow(c))
        return false;
    chunk_ref(s.chunk);
    *slot(c, c->count++) = s;
    c->bytes += s.len;
    return true;
}

/* Takes back the newest n bytes, after a copy that could not be finished. */
static void chain_unpush(struct chain *c, size_t n)
{
    c->bytes -= n;
    while (n) {
        struct slice *last = slot(c, c->count - 1);
        size_t part = n < last->len ? n : last->len;
        last->len -= part;
        n -= part;
        if (last->len == 0) {
            chunk_unref(last->chunk);
            c->count--;
        }
    }
}

static bool chain_copy_in(struct chain *c, str bytes)
{
    size_t added = 0;
    while (added < bytes.len) {
        struct chunk *tail = c->count ? slot(c, c->count - 1)->chunk : NULL;
        bool own = tail && tail->refs == 1 && tail->used < CHUNK_ROOM;
        struct chunk *to = own ? tail : chunk_new();
        if (!to) {
            chain_unpush(c, added);
            return false;
        }
        size_t room = CHUNK_ROOM - to->used, left = bytes.len - added;
        size_t part = left < room ? left : room;
        memcpy(to->data + to->used, bytes.ptr + added, part);
        bool pushed = chain_push(c, (struct slice){to, to->data + to->used, part});
        to->used += (unsigned)part;
        if (!own)
            chunk_unref(to); /* the chain holds it now, or it goes */
        if (!pushed) {
            chain_unpush(c, added);
            return false;
        }
        added += part;
    }
    return true;
}

bool chain_add(struct chain *c, struct slice s)
{
    if (s.len == 0)
        return true;
    return s.chunk ? chain_push(c, s) : chain_copy_in(c, str_make(s.ptr, s.len));
}

void chain_drop(struct chain *c, size_t n)
{
    CHECK(n <= c->bytes);
    c->bytes -= n;
    while (n) {
        struct slice *front = slot(c, 0);
        size_t part = n < front->len ? n : front->len;
        front->ptr += part;
        front->len -= part;
        n -= part;
        if (front->len == 0) {
            chunk_unref(front->chunk);
            c->first = (c->first + 1) & (c->cap - 1);
            c->count--;
        }
    }
    if (c->count == 0 && c->slices) { /* an idle chain holds nothing */
        free(c->slices);
        chain_init(c);
    }
}

struct slice chain_front(const struct chain *c)
{
    return c->count ? *slot(c, 0) : (struct slice){0};
}

struct slice chain_at(const struct chain *c, unsigned i)
{
    CHECK(i < c->count);
    return *slot(c, i);
}

void chain_copy(const struct chain *c, void *to, size_t n)
{
    char *at = to;
    CHECK(n <= c->bytes);
    for (unsigned i = 0; n; i++) {
        const struct slice *s = slot(c, i);
        size_t part = n < s->len ? n : s->len;
        memcpy(at, s->ptr, part);
        at += part;
        n -= part;
    }
}
