#include "base/option.h"
#include "support/test.h"

static struct arena a;

static const char *const colours[] = {"red", "green", "blue", NULL};

static struct option row(enum option_type type)
{
    return (struct option){.name = "x", .type = type, .width = sizeof(uint64_t), .names = colours};
}

static uint64_t parsed(enum option_type type, const char *text)
{
    struct option o = row(type);
    uint64_t value = 0;
    const char *wrong = option_number_parse(&o, str_from_c(text), &value, &a);
    if (wrong)
        EXPECT_FAIL("'%s': %s", text, wrong);
    return value;
}

static void refused(enum option_type type, const char *text)
{
    struct option o = row(type);
    uint64_t value = 77;
    EXPECT(option_number_parse(&o, str_from_c(text), &value, &a) != NULL);
    EXPECT_EQ(value, 77);
}

static void formats(enum option_type type, uint64_t value, const char *text)
{
    struct option o = row(type);
    struct buf b;
    buf_init(&b, 0);
    option_number_format(&o, value, &b);
    EXPECT_STR(buf_str(&b), text);
    buf_release(&b);
}

TEST(durations_have_units)
{
    EXPECT_EQ(parsed(OPTION_DURATION, "250ms"), 250);
    EXPECT_EQ(parsed(OPTION_DURATION, "2s"), 2000);
    EXPECT_EQ(parsed(OPTION_DURATION, "1.5s"), 1500);
    EXPECT_EQ(parsed(OPTION_DURATION, "5m"), 300000);
    EXPECT_EQ(parsed(OPTION_DURATION, "1 h"), 3600000);
    EXPECT_EQ(parsed(OPTION_DURATION, "0"), 0);
    static const char *const bad[] = {"",
                                      "5",
                                      "s",
                                      "5x",
                                      "-1s",
                                      "1.s",
                                      "1.5ms",
                                      "1s2",
                                      ".5s",
                                      "99999999999999999999s",
                                      "18446744073709551615h",
                                      "1.2345s"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        refused(OPTION_DURATION, bad[i]);
    arena_release(&a);
}

TEST(sizes_have_binary_units_or_none)
{
    EXPECT_EQ(parsed(OPTION_SIZE, "64KiB"), 65536);
    EXPECT_EQ(parsed(OPTION_SIZE, "10mib"), 10485760);
    EXPECT_EQ(parsed(OPTION_SIZE, "1GiB"), 1073741824);
    EXPECT_EQ(parsed(OPTION_SIZE, "512"), 512);
    EXPECT_EQ(parsed(OPTION_SIZE, "512B"), 512);
    EXPECT_EQ(parsed(OPTION_SIZE, "1.5KiB"), 1536);
    refused(OPTION_SIZE, "10MB");
    refused(OPTION_SIZE, "10M");
    refused(OPTION_SIZE, "0x10");
    arena_release(&a);
}

TEST(other_numbers)
{
    EXPECT_EQ(parsed(OPTION_BOOL, "true"), 1);
    EXPECT_EQ(parsed(OPTION_BOOL, "False"), 0);
    EXPECT_EQ(parsed(OPTION_UINT, "42"), 42);
    EXPECT_EQ(parsed(OPTION_PERCENT, "25%"), 25);
    EXPECT_EQ(parsed(OPTION_PERCENT, "25"), 25);
    EXPECT_EQ(parsed(OPTION_ENUM, "green"), 1);
    refused(OPTION_BOOL, "yes"); /* YAML 1.2: a text */
    refused(OPTION_BOOL, "1");
    refused(OPTION_UINT, "-1");
    refused(OPTION_UINT, "1e3");
    refused(OPTION_ENUM, "Green");
    refused(OPTION_ENUM, "");
    arena_release(&a);
}

TEST(what_is_formatted_reads_as_the_same)
{
    formats(OPTION_DURATION, 1500, "1500ms");
    formats(OPTION_DURATION, 90000, "90s");
    formats(OPTION_DURATION, 3600000, "1h");
    formats(OPTION_DURATION, 0, "0");
    formats(OPTION_SIZE, 32 << 20, "32MiB");
    formats(OPTION_SIZE, 1000, "1000B");
    formats(OPTION_PERCENT, 25, "25%");
    formats(OPTION_UINT, 7, "7");
    formats(OPTION_BOOL, 1, "true");
    formats(OPTION_ENUM, 2, "blue");
}

TEST(a_range_names_the_bound_that_was_passed)
{
    struct option o = row(OPTION_DURATION);
    uint64_t value;
    o.min = 1000;
    o.max = 3600000;
    EXPECT_STR(option_number_parse(&o, STR("1ms"), &value, &a), "must be at least 1s");
    EXPECT_STR(option_number_parse(&o, STR("2h"), &value, &a), "must be at most 1h");
    EXPECT(option_number_parse(&o, STR("1s"), &value, &a) == NULL);
    EXPECT(option_number_parse(&o, STR("1h"), &value, &a) == NULL);
    arena_release(&a);
}

TEST(a_number_that_its_field_cannot_hold_is_refused)
{
    struct option o = row(OPTION_SIZE);
    uint64_t value;
    o.width = sizeof(unsigned);
    EXPECT_STR(option_number_parse(&o, STR("4GiB"), &value, &a), "is too large");
    EXPECT(option_number_parse(&o, STR("4294967295"), &value, &a) == NULL);
    arena_release(&a);
}

TEST(fields_of_every_width_are_set_and_read)
{
    struct {
        bool flag;
        unsigned narrow;
        uint64_t wide;
    } s = {false, 1, 2};
    struct option flag = {.name = "flag", OPTION_FIELD(__typeof__(s), flag)};
    struct option narrow = {.name = "narrow", OPTION_FIELD(__typeof__(s), narrow)};
    struct option wide = {.name = "wide", OPTION_FIELD(__typeof__(s), wide)};
    option_number_set(&flag, &s, 1);
    option_number_set(&narrow, &s, UINT32_MAX);
    option_number_set(&wide, &s, UINT64_MAX);
    EXPECT(s.flag);
    EXPECT_EQ(option_number_get(&flag, &s), 1);
    EXPECT_EQ(option_number_get(&narrow, &s), UINT32_MAX);
    EXPECT(option_number_get(&wide, &s) == UINT64_MAX);
}

TEST(distance_counts_typing_mistakes)
{
    EXPECT_EQ(option_distance(STR("listen"), STR("listen"), 3), 0);
    EXPECT_EQ(option_distance(STR("lisen"), STR("listen"), 3), 1);
    EXPECT_EQ(option_distance(STR("listten"), STR("listen"), 3), 1);
    EXPECT_EQ(option_distance(STR("lsiten"), STR("listen"), 3), 1);
    EXPECT_EQ(option_distance(STR("Max-Body"), STR("max_body"), 3), 0);
    EXPECT_EQ(option_distance(STR("kitten"), STR("sitting"), 3), 3);
    EXPECT_EQ(option_distance(STR("abc"), STR("xyzabc"), 2), 3);
}

static str suggestion(const char *written)
{
    str best = STR_NULL;
    unsigned distance = 0;
    option_suggest(str_from_c(written), STR("models"), &best, &distance);
    option_suggest(str_from_c(written), STR("model"), &best, &distance);
    option_suggest(str_from_c(written), STR("providers"), &best, &distance);
    return best;
}

TEST(the_nearest_name_is_suggested_and_none_when_none_is_near)
{
    EXPECT_STR(suggestion("modle"), "model");
    EXPECT_STR(suggestion("modelss"), "models");
    EXPECT_STR(suggestion("provider"), "providers");
    EXPECT(str_is_null(suggestion("timeout")));
    EXPECT(str_is_null(suggestion("")));
}

TEST(names_are_alike_whatever_their_marks)
{
    EXPECT(option_name_alike(STR("azure-eu"), STR("AZURE_EU")));
    EXPECT(option_name_alike(STR("gpt-4.1"), STR("gpt_4_1")));
    EXPECT(!option_name_alike(STR("azure-eu"), STR("azure-us")));
    EXPECT(!option_name_alike(STR("a"), STR("ab")));
}
