/*
 * The few loops over bytes that JSON spends its time in, in the widest form that the processor has
 * (chosen before main: AVX2, SSE2, NEON, or plain C).  For the json_*.c files only.  No function
 * reads outside [p, end).
 */
#ifndef WIRE_JSON_SIMD_H
#define WIRE_JSON_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What a run of string bytes held. */
enum {
    JSON_TEXT_HIGH = 1,    /* bytes above 0x7f: UTF-8 to be checked (may be set without need) */
    JSON_TEXT_ESCAPED = 2, /* escapes */
};

struct json_simd {
    const char *name;
    /* Goes over the inside of a string, escapes of two characters included.  Stops at a quote, a
     * control character, a backslash that begins anything else (\u, an unknown escape, or the last
     * byte), or the end.  Adds what it saw to *seen. */
    const char *(*text)(const char *p, const char *end, unsigned *seen);
    /* The same, but stops at every backslash. */
    const char *(*plain)(const char *p, const char *end, unsigned *seen);
    /* The first quote, bracket or brace, or the end. */
    const char *(*structure)(const char *p, const char *end);
    /* The first byte that is not white space, or the end. */
    const char *(*space)(const char *p, const char *end);
    /* Length of the longest prefix that is whole, valid UTF-8. */
    size_t (*utf8)(const char *p, size_t len);
};

extern struct json_simd json_simd;

/* Tests go through all that this machine has: returns the name of form i and uses it from now on,
 * or NULL when there are no more.  Form 0 is plain C; the last is the one chosen at start. */
const char *json_simd_use(unsigned i);

/* 1 for the characters that follow a backslash in escapes of two characters. */
extern const uint8_t json_simple_escape[256];

/* json_simd.text, but names and other short strings need no call. */
static inline const char *json_text(const char *p, const char *end, unsigned *seen)
{
#ifdef __SSE2__
    if (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                    _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v));
        unsigned stops = (unsigned)_mm_movemask_epi8(stop), high = (unsigned)_mm_movemask_epi8(v);
        unsigned i = stops ? (unsigned)__builtin_ctz(stops) : 16;
        *seen |= (high & ((1u << i) - 1)) != 0;
        p += i;
        if (stops && *p == '"')
            return p;
    }
#endif
    return json_simd.text(p, end, seen);
}

static inline const char *json_space(const char *p, const char *end)
{
    if (p < end && *p == ' ')
        p++;
    if (p < end && (unsigned char)*p > ' ')
        return p;
    return json_simd.space(p, end);
}

#endif
