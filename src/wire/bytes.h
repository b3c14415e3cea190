/*
 * Finding the few bytes that matter in a run of text, sixteen at a time where the processor can
 * (SSE2 is part of x86-64), else eight at a time in a register.  Both give the same answers.
 */
#ifndef WIRE_BYTES_H
#define WIRE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A control byte that no line of a head may hold: 0x00-0x1f but HTAB, and DEL. */
static inline bool byte_is_control(unsigned char c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

static inline bool byte_is_line_end(unsigned char c)
{
    return c == '\n' || c == '\r';
}

#ifdef __SSE2__
#include <emmintrin.h>

static inline unsigned bytes_control_mask(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
    __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, low), del));
}

static inline unsigned bytes_line_end_mask(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i lf = _mm_cmpeq_epi8(v, _mm_set1_epi8('\n'));
    __m128i cr = _mm_cmpeq_epi8(v, _mm_set1_epi8('\r'));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(lf, cr));
}

enum { BYTES_STEP = 16 };

#define BYTES_FIRST(mask) ((size_t)__builtin_ctz(mask))

#else

/* One bit (the top one) per byte that is below 0x20 or equal to 0x7f; may be set for bytes above a
 * real hit, never for ones below it, and for HTAB, so each hit is looked at again. */
static inline uint64_t bytes_word(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof(w));
    return w;
}

#define BYTES_ONES UINT64_C(0x0101010101010101)
#define BYTES_TOPS UINT64_C(0x8080808080808080)

static inline uint64_t bytes_below(uint64_t w, unsigned char n)
{
    return (w - BYTES_ONES * n) & ~w & BYTES_TOPS;
}

static inline uint64_t bytes_control_mask(const char *p)
{
    uint64_t w = bytes_word(p);
    return bytes_below(w, 0x20) | bytes_below(w ^ (BYTES_ONES * 0x7f), 1);
}

static inline uint64_t bytes_line_end_mask(const char *p)
{
    uint64_t w = bytes_word(p);
    return bytes_below(w ^ (BYTES_ONES * '\n'), 1) | bytes_below(w ^ (BYTES_ONES * '\r'), 1);
}

enum { BYTES_STEP = 8 };

/* The word is looked at byte by byte: which end comes first depends on the processor. */
#define BYTES_FIRST(mask) ((size_t)((mask)*0))

#endif

/* Place of the first control byte in p[at..len), or len. */
static inline size_t bytes_find_control(const char *p, size_t at, size_t len)
{
    while (len - at >= BYTES_STEP) {
        __auto_type mask = bytes_control_mask(p + at);
        if (!mask) {
            at += BYTES_STEP;
            continue;
        }
        size_t end = at + BYTES_STEP;
        for (at += BYTES_FIRST(mask); at < end; at++)
            if (byte_is_control((unsigned char)p[at]))
                return at;
    }
    while (at < len && !byte_is_control((unsigned char)p[at]))
        at++;
    return at;
}

/* Place of the first CR or LF in p[at..len), or len. */
static inline size_t bytes_find_line_end(const char *p, size_t at, size_t len)
{
    while (len - at >= BYTES_STEP) {
        __auto_type mask = bytes_line_end_mask(p + at);
        if (!mask) {
            at += BYTES_STEP;
            continue;
        }
        size_t end = at + BYTES_STEP;
        for (at += BYTES_FIRST(mask); at < end; at++)
            if (byte_is_line_end((unsigned char)p[at]))
                return at;
    }
    while (at < len && !byte_is_line_end((unsigned char)p[at]))
        at++;
    return at;
}

#endif
