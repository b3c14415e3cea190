/*
 * A growable byte buffer with one owner.  Appending never fails half-way: on exhaustion (memory or
 * the limit) the buffer keeps what it had, `failed` is set, and later appends are ignored, so a
 * writer checks once at its end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/check.h"
#include "base/str.h"

struct buf {
    char *ptr;
    size_t len, cap;
    size_t limit; /* 0 = none */
    bool failed;
};

void buf_init(struct buf *b, size_t limit);
void buf_release(struct buf *b);
/* The same, for secrets; what growing left behind is not reached, so such a buffer starts with room. */
void buf_wipe(struct buf *b);

/* Keeps the memory for reuse. */
static inline void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
}

/* Room for `extra` more bytes at ptr + len, or NULL (failed is set). */
char *buf_reserve(struct buf *b, size_t extra);

void buf_add_slow(struct buf *b, const void *bytes, size_t len);

static inline void buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (__builtin_expect(len <= b->cap - b->len && len > 0 && !b->failed, 1)) {
        memcpy(b->ptr + b->len, bytes, len);
        b->len += len;
    } else {
        buf_add_slow(b, bytes, len);
    }
}

void buf_printf(struct buf *b, const char *format, ...) printf_like(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list args);
void buf_add_u64(struct buf *b, uint64_t value);

static inline void buf_add_str(struct buf *b, str s)
{
    buf_add(b, s.ptr, s.len);
}

static inline void buf_add_byte(struct buf *b, char c)
{
    if (b->len < b->cap && !b->failed)
        b->ptr[b->len++] = c;
    else
        buf_add(b, &c, 1);
}

#define buf_add_lit(b, literal) buf_add((b), "" literal, sizeof(literal) - 1)

static inline str buf_str(const struct buf *b)
{
    return str_make(b->ptr ? b->ptr : "", b->len);
}

/* Drops the first n bytes. */
void buf_drop(struct buf *b, size_t n);

#endif
