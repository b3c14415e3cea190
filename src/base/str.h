/*
 * A str is a borrowed run of bytes: pointer and length, not terminated, never owned.  NULL with
 * length 0 is "absent" (str_is_null), a pointer with length 0 is "empty"; both have len == 0.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

typedef struct str {
    const char *ptr;
    size_t len;
} str;

/* A str of a string literal; STR_NULL is "absent".  For printf: "%.*s" with STR_ARG(s). */
#define STR(literal) ((str){.ptr = "" literal, .len = sizeof(literal) - 1})
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        .ptr = "" literal, .len = sizeof(literal) - 1                                              \
    }
#define STR_NULL ((str){.ptr = NULL, .len = 0})
#define STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline str str_make(const char *ptr, size_t len)
{
    return (str){.ptr = ptr, .len = len};
}

static inline str str_from_c(const char *c)
{
    return (str){.ptr = c, .len = c ? strlen(c) : 0};
}

static inline bool str_is_null(str s)
{
    return s.ptr == NULL;
}

static inline bool str_eq(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ASCII case-insensitive. */
static inline bool str_ieq(str a, str b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_starts(str s, str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool str_istarts(str s, str prefix)
{
    return s.len >= prefix.len && strncasecmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

static inline bool str_ends(str s, str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

/* Everything from `at` on / the first `len` bytes; both clamp. */
static inline str str_from(str s, size_t at)
{
    at = at < s.len ? at : s.len;
    return (str){.ptr = at ? s.ptr + at : s.ptr, .len = s.len - at};
}

static inline str str_first(str s, size_t len)
{
    return (str){.ptr = s.ptr, .len = len < s.len ? len : s.len};
}

/* Index of the byte, or -1. */
static inline ptrdiff_t str_find_byte(str s, char c)
{
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return at ? at - s.ptr : -1;
}

/* Index of the needle, or -1; an empty needle is found at 0. */
ptrdiff_t str_find(str s, str needle);

/* Without SP and HTAB at both ends. */
str str_trim(str s);

/* Splits at the first `sep`: returns the part before it and leaves the rest in *s; when there is no
 * `sep`, returns all and leaves *s null. */
str str_split(str *s, char sep);

/* Decimal digits only, no sign, no overflow; false otherwise (and *out untouched). */
bool str_to_u64(str s, uint64_t *out);

/* -1, 0, 1 like memcmp, shorter first. */
int str_cmp(str a, str b);

/* Shell-like glob over the whole of s: '*' any run (also empty), '?' one byte; nothing else is
 * special.  O(len(s) * len(glob)) at worst, no recursion. */
bool str_glob(str glob, str s);

#endif
