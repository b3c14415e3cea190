/*
 * An arena serves one request: small allocations from blocks, released all at once.  Blocks come
 * from, and go back to, a recycler of the thread's own (arena_recycle_*), so that a request in the
 * steady state calls malloc never.  A byte budget makes "too much memory" an ordinary NULL.
 * One thread.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/check.h"
#include "base/str.h"

enum { ARENA_BLOCK = 4096 };

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    char *at, *end;             /* free part of the newest ordinary block */
    size_t used, budget;        /* bytes taken from the system's point of view */
};

/* No memory is taken before the first allocation.  budget: bytes, 0 = no limit. */
void arena_init(struct arena *a, size_t budget);

/* Gives everything back; the arena is as after arena_init with the same budget. */
void arena_release(struct arena *a);

/* The same, for secrets: nothing of what it held stays in memory. */
void arena_wipe(struct arena *a);

/* 16-byte aligned, not zeroed.  NULL: budget or memory is exhausted. */
void *arena_alloc(struct arena *a, size_t size) must_check;
void *arena_zalloc(struct arena *a, size_t size) must_check;

/* A copy, NUL-terminated beyond its length; null str on exhaustion (and for a null str). */
str arena_str(struct arena *a, str s);
/* The n pieces one after the other, NUL-terminated; null str on exhaustion. */
str arena_concat(struct arena *a, const str *pieces, unsigned n);
str arena_printf(struct arena *a, const char *format, ...) printf_like(2, 3);
str arena_vprintf(struct arena *a, const char *format, va_list args);

/* Returns this thread's recycled blocks to the system (thread end). */
void arena_recycler_release(void);

#endif
