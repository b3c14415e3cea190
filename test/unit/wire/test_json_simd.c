#include "wire/json_simd.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/str.h"
#include "support/test.h"

static uint32_t seed = 1;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(seed >> 3) * below >> 29);
}

/* Mostly plain text, so that all lengths of runs are met. */
static void fill(char *text, size_t len)
{
    static const char spice[] =
        "\"\\\"\\{}[] \n\t\r\x01\x1f nu/b\x7f\x80\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\xa0\xf4\x90";
    uint32_t often = 1 + draw(60);
    for (size_t i = 0; i < len; i++)
        text[i] = draw(often) ? (char)('a' + draw(26)) : spice[draw(sizeof(spice) - 1)];
}

/* Every form against plain C, in blocks that end where the run ends. */
static void expect_like_c(const char *p, const char *end, const struct json_simd *c)
{
    unsigned seen = 0, c_seen = 0;
    EXPECT_EQ(json_simd.text(p, end, &seen) - p, c->text(p, end, &c_seen) - p);
    /* HIGH may be set without need, never the other way. */
    EXPECT_EQ(seen | JSON_TEXT_HIGH, c_seen | JSON_TEXT_HIGH);
    EXPECT((seen & c_seen) == c_seen);
    seen = c_seen = 0;
    EXPECT_EQ(json_text(p, end, &seen) - p, c->text(p, end, &c_seen) - p);
    EXPECT((seen & c_seen) == c_seen);
    seen = c_seen = 0;
    EXPECT_EQ(json_simd.plain(p, end, &seen) - p, c->plain(p, end, &c_seen) - p);
    EXPECT((seen & c_seen) == c_seen);
    EXPECT_EQ(json_simd.structure(p, end) - p, c->structure(p, end) - p);
    EXPECT_EQ(json_simd.space(p, end) - p, c->space(p, end) - p);
    EXPECT_EQ(json_simd.utf8(p, (size_t)(end - p)), c->utf8(p, (size_t)(end - p)));
}

TEST(all_forms_answer_as_plain_c_does)
{
    json_simd_use(0);
    const struct json_simd c = json_simd;
    EXPECT_STR(c.name, "c");
    for (unsigned i = 1; json_simd_use(i); i++) {
        for (unsigned round = 0; round < 20000; round++) {
            size_t len = draw(160);
            char *text = malloc(len ? len : 1);
            EXPECT(text != NULL);
            fill(text, len);
            size_t from = len ? draw((uint32_t)len) : 0;
            expect_like_c(text + from, text + len, &c);
            if (round % 4 == 0 && len) {
                memset(text, round % 8 ? ' ' : '\n', len - 1);
                expect_like_c(text + from, text + len, &c);
            }
            free(text);
        }
    }
}

/* Straight from RFC 3629 §4: is this one sequence? */
static bool is_utf8(const unsigned char *b, size_t len)
{
    uint32_t c = b[0];
    if (len == 1)
        return c < 0x80;
    for (size_t i = 1; i < len; i++)
        if ((b[i] & 0xc0) != 0x80)
            return false;
    switch (len) {
    case 2:
        return c >= 0xc2 && c <= 0xdf;
    case 3:
        c = (c & 0xf) << 12 | (b[1] & 0x3fu) << 6 | (b[2] & 0x3fu);
        return b[0] >> 4 == 0xe && c >= 0x800 && !(c >= 0xd800 && c < 0xe000);
    default:
        c = (c & 7) << 18 | (b[1] & 0x3fu) << 12 | (b[2] & 0x3fu) << 6 | (b[3] & 0x3fu);
        return b[0] >> 3 == 0x1e && c >= 0x10000 && c < 0x110000;
    }
}

TEST(utf8_is_judged_by_the_letter_in_every_place_of_a_block)
{
    static const unsigned char bytes[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                          0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                          0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff};
    enum { N = ARRAY_LEN(bytes) };
    const char *form;
    for (unsigned f = 0; (form = json_simd_use(f)); f++) {
        for (unsigned i = 0; i < N * N * N * N; i++) {
            unsigned char b[4] = {bytes[i % N], bytes[i / N % N], bytes[i / N / N % N],
                                  bytes[i / N / N / N]};
            char text[72];
            size_t at = 20 + i % 27, valid = 0;
            memset(text, 'x', sizeof(text));
            memcpy(text + at, b, 4);
            while (valid < 4) {
                size_t len = 1;
                while (len <= 4 - valid && !is_utf8(b + valid, len))
                    len++;
                if (len > 4 - valid)
                    break;
                valid += len;
            }
            size_t expected = valid == 4 ? sizeof(text) : at + valid;
            size_t got = json_simd.utf8(text, sizeof(text));
            if (got != expected)
                EXPECT_FAIL("%s: %02x %02x %02x %02x: %zu, expected %zu", form, b[0], b[1], b[2],
                            b[3], got, expected);
        }
    }
}
