#include "wire/json_simd.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define WIDE __attribute__((target("avx2,bmi,bmi2,lzcnt")))
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

const uint8_t json_simple_escape[256] = {
    ['"'] = 1, ['\\'] = 1, ['/'] = 1, ['b'] = 1, ['f'] = 1, ['n'] = 1, ['r'] = 1, ['t'] = 1,
};

/* -- plain C, and the ends of the wide forms ---------------------------------------------------- */

enum { STOP = 1, STRUCTURE = 2, SPACE = 4 };

static const uint8_t class_of[256] = {
    [0x00 ... 0x08] = STOP, ['\t'] = STOP | SPACE,  ['\n'] = STOP | SPACE, [0x0b ... 0x0c] = STOP,
    ['\r'] = STOP | SPACE,  [0x0e ... 0x1f] = STOP, [' '] = SPACE,         ['"'] = STOP | STRUCTURE,
    ['\\'] = STOP,          ['['] = STRUCTURE,      [']'] = STRUCTURE,     ['{'] = STRUCTURE,
    ['}'] = STRUCTURE,
};

static inline uint64_t load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

#define EIGHT(byte) (0x0101010101010101u * (uint64_t)(byte))

/* The top bit of each byte of v that equals `byte`, and perhaps of others after such a one. */
static inline uint64_t eight_equal(uint64_t v, unsigned char byte)
{
    uint64_t x = v ^ EIGHT(byte);
    return (x - EIGHT(1)) & ~x & EIGHT(0x80);
}

/* Steps over an escape of two characters at p. */
static inline bool step_over_escape(const char **p, const char *end, unsigned *seen)
{
    const char *at = *p;
    if (end - at < 2 || *at != '\\' || !json_simple_escape[(unsigned char)at[1]])
        return false;
    *seen |= JSON_TEXT_ESCAPED;
    *p = at + 2;
    return true;
}

static const char *plain_c(const char *p, const char *end, unsigned *seen)
{
    for (; end - p >= 8; p += 8) {
        uint64_t v = load8(p);
        uint64_t control = (v - EIGHT(0x20)) & ~v & EIGHT(0x80);
        if (control | eight_equal(v, '"') | eight_equal(v, '\\'))
            break;
        *seen |= (v & EIGHT(0x80)) != 0;
    }
    for (; p < end && !(class_of[(unsigned char)*p] & STOP); p++)
        *seen |= (unsigned char)*p >> 7;
    return p;
}

static const char *text_c(const char *p, const char *end, unsigned *seen)
{
    do
        p = plain_c(p, end, seen);
    while (step_over_escape(&p, end, seen));
    return p;
}

static const char *structure_c(const char *p, const char *end)
{
    while (p < end && !(class_of[(unsigned char)*p] & STRUCTURE))
        p++;
    return p;
}

static const char *space_c(const char *p, const char *end)
{
    while (p < end && (class_of[(unsigned char)*p] & SPACE))
        p++;
    return p;
}

/* Length of the valid sequence at p (its first byte is above 0x7f), 0: none.  RFC 3629 §4. */
static size_t utf8_sequence(const unsigned char *p, size_t len)
{
    unsigned char first = p[0], low = 0x80, high = 0xbf;
    size_t need = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || len < need)
        return 0;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return need;
}

static size_t utf8_c(const char *p, size_t len)
{
    size_t at = 0;
    while (at < len) {
        if (len - at >= 8 && !(load8(p + at) & EIGHT(0x80))) {
            at += 8;
        } else if (!((unsigned char)p[at] & 0x80)) {
            at++;
        } else {
            size_t n = utf8_sequence((const unsigned char *)p + at, len - at);
            if (!n)
                break;
            at += n;
        }
    }
    return at;
}

static const struct json_simd c = {
    .name = "c",
    .text = text_c,
    .plain = plain_c,
    .structure = structure_c,
    .space = space_c,
    .utf8 = utf8_c,
};

#if defined(__x86_64__)
/* -- SSE2: every x86-64 has it ------------------------------------------------------------------ */

static inline __m128i load16(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static const char *plain_sse2(const char *p, const char *end, unsigned *seen)
{
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1f);
    for (; end - p >= 16; p += 16) {
        __m128i v = load16(p);
        __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash));
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
        unsigned stops = (unsigned)_mm_movemask_epi8(stop);
        *seen |= _mm_movemask_epi8(v) != 0;
        if (stops)
            return p + __builtin_ctz(stops);
    }
    return plain_c(p, end, seen);
}

static const char *text_sse2(const char *p, const char *end, unsigned *seen)
{
    do
        p = plain_sse2(p, end, seen);
    while (step_over_escape(&p, end, seen));
    return p;
}

static const char *structure_sse2(const char *p, const char *end)
{
    /* '[' and '{', ']' and '}' differ in one bit. */
    const __m128i quote = _mm_set1_epi8('"'), bit = _mm_set1_epi8(0x20);
    const __m128i open = _mm_set1_epi8('{'), shut = _mm_set1_epi8('}');
    for (; end - p >= 16; p += 16) {
        __m128i v = load16(p), folded = _mm_or_si128(v, bit);
        __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(folded, open), _mm_cmpeq_epi8(folded, shut));
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(v, quote));
        unsigned stops = (unsigned)_mm_movemask_epi8(stop);
        if (stops)
            return p + __builtin_ctz(stops);
    }
    return structure_c(p, end);
}

static const char *space_sse2(const char *p, const char *end)
{
    for (; end - p >= 16; p += 16) {
        __m128i v = load16(p);
        __m128i space = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')),
                                     _mm_cmpeq_epi8(v, _mm_set1_epi8('\n')));
        space = _mm_or_si128(space, _mm_cmpeq_epi8(v, _mm_set1_epi8('\r')));
        space = _mm_or_si128(space, _mm_cmpeq_epi8(v, _mm_set1_epi8('\t')));
        unsigned other = (unsigned)_mm_movemask_epi8(space) ^ 0xffffu;
        if (other)
            return p + __builtin_ctz(other);
    }
    return space_c(p, end);
}

static size_t utf8_sse2(const char *p, size_t len)
{
    size_t at = 0;
    for (;;) {
        while (len - at >= 16 && !_mm_movemask_epi8(load16(p + at)))
            at += 16;
        /* A stretch with other characters; its end need not be whole. */
        size_t stretch = len - at < 64 ? len - at : 64;
        size_t valid = utf8_c(p + at, stretch);
        at += valid;
        if (at == len || valid == 0)
            return at;
        if (valid < stretch && utf8_c(p + at, len - at < 4 ? len - at : 4) == 0)
            return at;
    }
}

static const struct json_simd sse2 = {
    .name = "sse2",
    .text = text_sse2,
    .plain = plain_sse2,
    .structure = structure_sse2,
    .space = space_sse2,
    .utf8 = utf8_sse2,
};

/* -- AVX2 --------------------------------------------------------------------------------------- */

WIDE static inline __m256i load32(const char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* The bytes of v where a run of string bytes may end. */
WIDE static inline unsigned text_stops(__m256i v)
{
    __m256i stop = _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')),
                                   _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')));
    stop = _mm256_or_si256(stop, _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v));
    return (unsigned)_mm256_movemask_epi8(stop);
}

WIDE static const char *text_avx2(const char *p, const char *end, unsigned *seen)
{
    unsigned saw = 0;
    while (end - p >= 32) {
        __m256i v = load32(p);
        unsigned stops = text_stops(v);
        saw |= _mm256_movemask_epi8(v) != 0;
        const char *next = p + 32;
        while (stops) {
            unsigned i = (unsigned)__builtin_ctz(stops);
            if (p[i] != '\\' || end - p < i + 2 || !json_simple_escape[(unsigned char)p[i + 1]]) {
                *seen |= saw;
                return p + i;
            }
            saw |= JSON_TEXT_ESCAPED;
            next += i == 31; /* the escaped character is in the next block */
            stops &= ~(3u << i);
        }
        p = next;
    }
    *seen |= saw;
    return text_sse2(p, end, seen);
}

WIDE static const char *plain_avx2(const char *p, const char *end, unsigned *seen)
{
    for (; end - p >= 32; p += 32) {
        __m256i v = load32(p);
        unsigned stops = text_stops(v);
        *seen |= _mm256_movemask_epi8(v) != 0;
        if (stops)
            return p + __builtin_ctz(stops);
    }
    return plain_sse2(p, end, seen);
}

WIDE static const char *structure_avx2(const char *p, const char *end)
{
    const __m256i quote = _mm256_set1_epi8('"'), bit = _mm256_set1_epi8(0x20);
    const __m256i open = _mm256_set1_epi8('{'), shut = _mm256_set1_epi8('}');
    for (; end - p >= 32; p += 32) {
        __m256i v = load32(p), folded = _mm256_or_si256(v, bit);
        __m256i stop =
            _mm256_or_si256(_mm256_cmpeq_epi8(folded, open), _mm256_cmpeq_epi8(folded, shut));
        stop = _mm256_or_si256(stop, _mm256_cmpeq_epi8(v, quote));
        unsigned stops = (unsigned)_mm256_movemask_epi8(stop);
        if (stops)
            return p + __builtin_ctz(stops);
    }
    return structure_sse2(p, end);
}

/*
 * UTF-8 by three table look-ups (J. Keiser, D. Lemire, "Validating UTF-8 in less than one
 * instruction per byte", 2021): the two halves of the byte before and the upper half of this byte
 * each name the errors they could be part of; an error is what all three name.
 */
enum {
    TOO_SHORT = 1 << 0,  /* a lead byte, or ASCII, where a continuation is due */
    TOO_LONG = 1 << 1,   /* ASCII, then a continuation */
    OVERLONG_3 = 1 << 2, /* e0 80..9f */
    TOO_LARGE = 1 << 3,  /* f4 90..bf, f5.. */
    SURROGATE = 1 << 4,  /* ed a0..bf */
    OVERLONG_2 = 1 << 5, /* c0, c1 */
    TOO_LARGE_1000 = 1 << 6,
    OVERLONG_4 = 1 << 6, /* f0 80..8f */
    TWO_CONTS = 1 << 7,  /* a continuation after one: right only as third or fourth byte */
    CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS,
};

#define TABLE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)
#define B(x) ((char)(x))

/* The bytes n before those of v; `before` is the block in front of it. */
#define SHIFTED(v, before, n)                                                                      \
    _mm256_alignr_epi8((v), _mm256_permute2x128_si256((before), (v), 0x21), 16 - (n))

WIDE static inline __m256i upper_half(__m256i v)
{
    return _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(0x0f));
}

WIDE static __m256i utf8_errors(__m256i v, __m256i before)
{
    const __m256i first_upper =
        TABLE(B(TOO_LONG), B(TOO_LONG), B(TOO_LONG), B(TOO_LONG), B(TOO_LONG), B(TOO_LONG),
              B(TOO_LONG), B(TOO_LONG), B(TWO_CONTS), B(TWO_CONTS), B(TWO_CONTS), B(TWO_CONTS),
              B(TOO_SHORT | OVERLONG_2), B(TOO_SHORT), B(TOO_SHORT | OVERLONG_3 | SURROGATE),
              B(TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4));
    const __m256i first_lower = TABLE(
        B(CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4), B(CARRY | OVERLONG_2), B(CARRY), B(CARRY),
        B(CARRY | TOO_LARGE), B(CARRY | TOO_LARGE | TOO_LARGE_1000),
        B(CARRY | TOO_LARGE | TOO_LARGE_1000), B(CARRY | TOO_LARGE | TOO_LARGE_1000),
        B(CARRY | TOO_LARGE | TOO_LARGE_1000), B(CARRY | TOO_LARGE | TOO_LARGE_1000),
        B(CARRY | TOO_LARGE | TOO_LARGE_1000), B(CARRY | TOO_LARGE | TOO_LARGE_1000),
        B(CARRY | TOO_LARGE | TOO_LARGE_1000), B(CARRY | TOO_LARGE | TOO_LARGE_1000 | SURROGATE),
        B(CARRY | TOO_LARGE | TOO_LARGE_1000), B(CARRY | TOO_LARGE | TOO_LARGE_1000));
    const __m256i second_upper =
        TABLE(B(TOO_SHORT), B(TOO_SHORT), B(TOO_SHORT), B(TOO_SHORT), B(TOO_SHORT), B(TOO_SHORT),
              B(TOO_SHORT), B(TOO_SHORT),
              B(TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4),
              B(TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE),
              B(TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE),
              B(TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE), B(TOO_SHORT),
              B(TOO_SHORT), B(TOO_SHORT), B(TOO_SHORT));
    __m256i one = SHIFTED(v, before, 1);
    __m256i errors = _mm256_and_si256(
        _mm256_and_si256(
            _mm256_shuffle_epi8(first_upper, upper_half(one)),
            _mm256_shuffle_epi8(first_lower, _mm256_and_si256(one, _mm256_set1_epi8(0x0f)))),
        _mm256_shuffle_epi8(second_upper, upper_half(v)));
    /* Third and fourth bytes must be the second continuation in a row: there TWO_CONTS is due. */
    __m256i third = _mm256_subs_epu8(SHIFTED(v, before, 2), _mm256_set1_epi8(B(0xe0 - 0x80)));
    __m256i fourth = _mm256_subs_epu8(SHIFTED(v, before, 3), _mm256_set1_epi8(B(0xf0 - 0x80)));
    __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(B(0x80)));
    return _mm256_xor_si256(errors, due);
}

WIDE static size_t utf8_avx2(const char *p, size_t len)
{
    size_t at = 0;
    __m256i before = _mm256_setzero_si256();
    for (; len - at >= 32; at += 32) {
        __m256i v = load32(p + at);
        if (!_mm256_movemask_epi8(_mm256_or_si256(v, before))) {
            before = v;
            continue;
        }
        if (!_mm256_testz_si256(utf8_errors(v, before), _mm256_set1_epi8(B(0xff))))
            break;
        before = v;
    }
    /* Up to here all is valid but for a sequence that began in the last bytes: the plain form
     * begins with it again, and finds where exactly an error is. */
    size_t back = at < 3 ? at : 3;
    while (back && ((unsigned char)p[at - back] & 0xc0) != 0xc0)
        back--;
    at -= back;
    return at + utf8_c(p + at, len - at);
}

static const struct json_simd avx2 = {
    .name = "avx2",
    .text = text_avx2,
    .plain = plain_avx2,
    .structure = structure_avx2,
    .space = space_sse2,
    .utf8 = utf8_avx2,
};
#endif /* __x86_64__ */

#if defined(__aarch64__)
/* -- NEON: every AArch64 has it ----------------------------------------------------------------- */

/* Four bits for each byte of a comparison's result, the first byte in the lowest. */
static inline uint64_t nibbles(uint8x16_t matches)
{
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(matches), 4)), 0);
}

static inline uint8x16_t load16(const char *p)
{
    return vld1q_u8((const uint8_t *)p);
}

static const char *plain_neon(const char *p, const char *end, unsigned *seen)
{
    for (; end - p >= 16; p += 16) {
        uint8x16_t v = load16(p);
        uint8x16_t stop = vorrq_u8(vceqq_u8(v, vdupq_n_u8('"')), vceqq_u8(v, vdupq_n_u8('\\')));
        uint64_t stops = nibbles(vorrq_u8(stop, vcltq_u8(v, vdupq_n_u8(0x20))));
        *seen |= vmaxvq_u8(v) >> 7;
        if (stops)
            return p + __builtin_ctzll(stops) / 4;
    }
    return plain_c(p, end, seen);
}

static const char *text_neon(const char *p, const char *end, unsigned *seen)
{
    do
        p = plain_neon(p, end, seen);
    while (step_over_escape(&p, end, seen));
    return p;
}

static const char *structure_neon(const char *p, const char *end)
{
    for (; end - p >= 16; p += 16) {
        uint8x16_t v = load16(p), folded = vorrq_u8(v, vdupq_n_u8(0x20));
        uint8x16_t stop =
            vorrq_u8(vceqq_u8(folded, vdupq_n_u8('{')), vceqq_u8(folded, vdupq_n_u8('}')));
        uint64_t stops = nibbles(vorrq_u8(stop, vceqq_u8(v, vdupq_n_u8('"'))));
        if (stops)
            return p + __builtin_ctzll(stops) / 4;
    }
    return structure_c(p, end);
}

static const char *space_neon(const char *p, const char *end)
{
    for (; end - p >= 16; p += 16) {
        uint8x16_t v = load16(p);
        uint8x16_t space = vorrq_u8(vceqq_u8(v, vdupq_n_u8(' ')), vceqq_u8(v, vdupq_n_u8('\n')));
        space = vorrq_u8(space, vceqq_u8(v, vdupq_n_u8('\r')));
        space = vorrq_u8(space, vceqq_u8(v, vdupq_n_u8('\t')));
        uint64_t other = ~nibbles(space);
        if (other)
            return p + __builtin_ctzll(other) / 4;
    }
    return space_c(p, end);
}

static const struct json_simd neon = {
    .name = "neon",
    .text = text_neon,
    .plain = plain_neon,
    .structure = structure_neon,
    .space = space_neon,
    .utf8 = utf8_c,
};
#endif /* __aarch64__ */

/* -- choice ------------------------------------------------------------------------------------- */

struct json_simd json_simd = {
    .name = "c",
    .text = text_c,
    .plain = plain_c,
    .structure = structure_c,
    .space = space_c,
    .utf8 = utf8_c,
};

static const struct json_simd *form(unsigned i)
{
    switch (i) {
    case 0:
        return &c;
#if defined(__x86_64__)
    case 1:
        return &sse2;
    case 2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") ? &avx2 : NULL;
#elif defined(__aarch64__)
    case 1:
        return &neon;
#endif
    default:
        return NULL;
    }
}

const char *json_simd_use(unsigned i)
{
    const struct json_simd *f = form(i);
    if (!f)
        return NULL;
    json_simd = *f;
    return f->name;
}

/* Before main, so that no thread sees it change. */
__attribute__((constructor)) static void choose(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
    for (unsigned i = 0; json_simd_use(i); i++)
        ;
}
