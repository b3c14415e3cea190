#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blocks of exactly ARENA_BLOCK bytes are recycled; larger ones belong to one big allocation. */
struct arena_block {
    struct arena_block *next;
    size_t size; /* whole block, header included */
    _Alignas(16) char data[];
};

enum { RECYCLED_MAX = 1024 };

static _Thread_local struct arena_block *recycled;
static _Thread_local unsigned recycled_count;

void arena_init(struct arena *a, size_t budget)
{
    *a = (struct arena){.budget = budget};
}

static struct arena_block *block_take(size_t size)
{
    if (size == ARENA_BLOCK && recycled) {
        struct arena_block *b = recycled;
        recycled = b->next;
        recycled_count--;
        return b;
    }
    struct arena_block *b = malloc(size);
    if (b)
        b->size = size;
    return b;
}

static void block_put(struct arena_block *b)
{
    if (b->size != ARENA_BLOCK || recycled_count >= RECYCLED_MAX) {
        free(b);
        return;
    }
    b->next = recycled;
    recycled = b;
    recycled_count++;
}

static struct arena_block *block_add(struct arena *a, size_t size)
{
    if (a->budget && (size > a->budget || a->used > a->budget - size))
        return NULL;
    struct arena_block *b = block_take(size);
    if (!b)
        return NULL;
    a->used += size;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + 15) & ~(size_t)15;
    if ((size_t)(a->end - a->at) >= size && a->at) {
        char *p = a->at;
        a->at += size;
        return p;
    }
    if (size > (ARENA_BLOCK - sizeof(struct arena_block)) / 2) {
        struct arena_block *big = block_add(a, sizeof(struct arena_block) + size);
        return big ? big->data : NULL;
    }
    struct arena_block *b = block_add(a, ARENA_BLOCK);
    if (!b)
        return NULL;
    a->at = b->data + size;
    a->end = (char *)b + ARENA_BLOCK;
    return b->data;
}

void *arena_zalloc(struct arena *a, size_t size)
{
    void *p = arena_alloc(a, size);
    return p ? memset(p, 0, size) : NULL;
}

void arena_release(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *b = a->blocks;
        a->blocks = b->next;
        block_put(b);
    }
    arena_init(a, a->budget);
}

void arena_wipe(struct arena *a)
{
    for (struct arena_block *b = a->blocks; b; b = b->next)
        explicit_bzero(b->data, b->size - sizeof(*b));
    arena_release(a);
}

str arena_str(struct arena *a, str s)
{
    if (!s.ptr)
        return STR_NULL;
    char *copy = arena_alloc(a, s.len + 1);
    if (!copy)
        return STR_NULL;
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return str_make(copy, s.len);
}

str arena_concat(struct arena *a, const str *pieces, unsigned n)
{
    size_t len = 0;
    for (unsigned i = 0; i < n; i++)
        len += pieces[i].len;
    char *text = arena_alloc(a, len + 1), *at = text;
    if (!text)
        return STR_NULL;
    for (unsigned i = 0; i < n; i++) {
        if (pieces[i].len)
            memcpy(at, pieces[i].ptr, pieces[i].len);
        at += pieces[i].len;
    }
    *at = '\0';
    return str_make(text, len);
}

str arena_vprintf(struct arena *a, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = len < 0 ? NULL : arena_alloc(a, (size_t)len + 1);
    if (!text)
        return STR_NULL;
    vsnprintf(text, (size_t)len + 1, format, args);
    return str_make(text, (size_t)len);
}

str arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str s = arena_vprintf(a, format, args);
    va_end(args);
    return s;
}

void arena_recycler_release(void)
{
    while (recycled) {
        struct arena_block *b = recycled;
        recycled = b->next;
        free(b);
    }
    recycled_count = 0;
}
