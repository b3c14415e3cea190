#include "base/str.h"

#include "base/check.h"
#include "base/random.h"
#include "support/test.h"

static str s(const char *text)
{
    return str_from_c(text);
}

TEST(absent_and_empty_are_two_things)
{
    EXPECT(str_is_null(STR_NULL));
    EXPECT(!str_is_null(STR("")));
    EXPECT(str_eq(STR_NULL, STR(""))); /* but no bytes are no bytes */
    EXPECT(str_is_null(str_from_c(NULL)));
    EXPECT_EQ(STR("a\0b").len, 3);
}

TEST(comparing)
{
    EXPECT(str_eq(s("abc"), s("abc")));
    EXPECT(!str_eq(s("abc"), s("abd")));
    EXPECT(!str_eq(s("abc"), s("ab")));
    EXPECT(str_ieq(s("AbC-1"), s("aBc-1")));
    EXPECT(!str_ieq(s("abc"), s("abd")));
    EXPECT(str_starts(s("abc"), s("")));
    EXPECT(str_starts(s("abc"), s("ab")));
    EXPECT(!str_starts(s("ab"), s("abc")));
    EXPECT(str_istarts(s("Bearer x"), s("bearer ")));
    EXPECT(!str_istarts(s("Bear"), s("bearer ")));
    EXPECT(str_ends(s("abc"), s("bc")));
    EXPECT(str_ends(s("abc"), s("")));
    EXPECT(!str_ends(s("c"), s("bc")));
    EXPECT_EQ(str_cmp(s("a"), s("b")), -1);
    EXPECT_EQ(str_cmp(s("b"), s("a")), 1);
    EXPECT_EQ(str_cmp(s("a"), s("ab")), -1);
    EXPECT_EQ(str_cmp(s("ab"), s("a")), 1);
    EXPECT_EQ(str_cmp(s(""), STR_NULL), 0);
    EXPECT_EQ(str_cmp(s("\xff"), s("a")), 1); /* as bytes, not as chars */
}

TEST(parts_clamp_to_what_is_there)
{
    EXPECT_STR(str_from(s("abc"), 1), "bc");
    EXPECT_STR(str_from(s("abc"), 9), "");
    EXPECT_STR(str_first(s("abc"), 2), "ab");
    EXPECT_STR(str_first(s("abc"), 9), "abc");
    EXPECT(str_is_null(str_from(STR_NULL, 3)));
    EXPECT(str_is_null(str_first(STR_NULL, 3)));
}

TEST(finding)
{
    EXPECT_EQ(str_find_byte(s("abca"), 'a'), 0);
    EXPECT_EQ(str_find_byte(s("abca"), 'c'), 2);
    EXPECT_EQ(str_find_byte(s("abca"), 'x'), -1);
    EXPECT_EQ(str_find_byte(STR_NULL, 'x'), -1);
    EXPECT_EQ(str_find(s("abcabd"), s("abd")), 3);
    EXPECT_EQ(str_find(s("abc"), s("abcd")), -1);
    EXPECT_EQ(str_find(s("abc"), s("")), 0);
    EXPECT_EQ(str_find(STR_NULL, s("")), 0);
    EXPECT_EQ(str_find(STR_NULL, s("a")), -1);
}

TEST(trimming_takes_blanks_at_both_ends_only)
{
    EXPECT_STR(str_trim(s(" \t a b\t ")), "a b");
    EXPECT_STR(str_trim(s("   ")), "");
    EXPECT_STR(str_trim(s("\ra\n")), "\ra\n");
    EXPECT(str_is_null(str_trim(STR_NULL)));
}

TEST(splitting_leaves_the_rest_or_null)
{
    str rest = s("a,,b");
    EXPECT_STR(str_split(&rest, ','), "a");
    EXPECT_STR(str_split(&rest, ','), "");
    EXPECT_STR(str_split(&rest, ','), "b");
    EXPECT(str_is_null(rest));
    rest = s("a,");
    str_split(&rest, ',');
    EXPECT(!str_is_null(rest)); /* an empty part is still to come */
    EXPECT_EQ(rest.len, 0);
}

TEST(numbers_are_digits_and_fit)
{
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"0", true, 0},
        {"007", true, 7},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x1", false, 0},
        {"1e3", false, 0},
        {"\xb2", false, 0},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t value = 42;
        EXPECT_EQ(str_to_u64(s(rows[i].text), &value), rows[i].ok);
        EXPECT_EQ(value, rows[i].ok ? rows[i].value : 42);
    }
    EXPECT(!str_to_u64(STR_NULL, &(uint64_t){0}));
}

TEST(globs)
{
    static const struct {
        const char *glob, *text;
        bool match;
    } rows[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "anything/at:all", true},
        {"a", "a", true},
        {"a", "A", false},
        {"a*", "a", true},
        {"a*", "abc", true},
        {"*c", "abc", true},
        {"*c", "abcd", false},
        {"a*c", "ac", true},
        {"a*c", "abbc", true},
        {"a*b*c", "aXbYc", true},
        {"a*b*c", "aXcYb", false},
        {"?", "a", true},
        {"?", "", false},
        {"??", "a", false},
        {"a?c", "abc", true},
        {"**", "x", true},
        {"*?", "", false},
        {"*ab", "aab", true},
        {"*aab", "aaab", true},
        {"a*?", "a", false},
        {"[a]", "a", false},
        {"[a]", "[a]", true},
        {"\\*", "\\x", true},
        {"gpt-*", "gpt-4o", true},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        if (str_glob(s(rows[i].glob), s(rows[i].text)) != rows[i].match)
            EXPECT_FAIL("%s on %s", rows[i].glob, rows[i].text);
}

/* The plain definition, exponential and surely right. */
static bool slow_glob(str g, str t)
{
    if (!g.len)
        return !t.len;
    if (g.ptr[0] == '*')
        return slow_glob(str_from(g, 1), t) || (t.len && slow_glob(g, str_from(t, 1)));
    return t.len && (g.ptr[0] == '?' || g.ptr[0] == t.ptr[0]) &&
           slow_glob(str_from(g, 1), str_from(t, 1));
}

TEST(globs_agree_with_their_definition)
{
    uint64_t random = 1;
    for (unsigned i = 0; i < 20000; i++) {
        char glob[8], text[10];
        size_t g = random_next(&random) % 8, t = random_next(&random) % 10;
        for (size_t k = 0; k < g; k++)
            glob[k] = "ab*?"[random_next(&random) % 4];
        for (size_t k = 0; k < t; k++)
            text[k] = "ab"[random_next(&random) % 2];
        str gs = str_make(glob, g), ts = str_make(text, t);
        if (str_glob(gs, ts) != slow_glob(gs, ts))
            EXPECT_FAIL("%.*s on %.*s", STR_ARG(gs), STR_ARG(ts));
    }
}

TEST(a_hostile_glob_takes_no_time)
{
    char text[20001];
    memset(text, 'a', 20000);
    EXPECT(!str_glob(s("*a*a*a*a*a*a*a*a*b"), str_make(text, 20000)));
}
