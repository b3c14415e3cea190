#include "app/config_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/test.h"

static const char *const environment[] = {"HOME=/root",   "EMPTY=",     "KEY=sk-123",
                                          "BRACE={a: b}", "HOMELESS=x", NULL};

/* The whole text as one value. */
static str expanded(const char *text, struct arena *a, const char **wrong)
{
    struct config_text t;
    size_t at;
    bool is_expanded;
    *wrong = config_text_init(&t, str_from_c(text), a, environment, &at);
    str result = STR_NULL;
    if (!*wrong)
        result = config_text_expand(&t, str_make(t.bytes, t.len), &is_expanded, wrong);
    config_text_release(&t);
    return result;
}

static void expands(const char *text, const char *expected)
{
    struct arena a;
    const char *wrong;
    arena_init(&a, 0);
    str result = expanded(text, &a, &wrong);
    if (wrong)
        EXPECT_FAIL("%s: %s", text, wrong);
    EXPECT_STR(result, expected);
    arena_release(&a);
}

static void is_wrong(const char *text, const char *part)
{
    struct arena a;
    const char *wrong;
    arena_init(&a, 0);
    expanded(text, &a, &wrong);
    EXPECT(wrong != NULL);
    EXPECT_CONTAINS(wrong, part);
    arena_release(&a);
}

TEST(variables_are_replaced_wherever_they_stand)
{
    expands("${KEY}", "sk-123");
    expands("Bearer ${KEY}!", "Bearer sk-123!");
    expands("${HOME}${KEY}", "/rootsk-123");
    expands("a $HOME $ { } $$", "a $HOME $ { } $$");
    expands("${EMPTY}", "");
    expands("é${KEY}é", "ésk-123é");
}

TEST(defaults_stand_in_for_what_is_unset_or_empty)
{
    expands("${NONE:-x y}", "x y");
    expands("${EMPTY:-x}", "x");
    expands("${KEY:-x}", "sk-123");
    expands("${NONE:-}", "");
    expands("${NONE:-a:-b}", "a:-b");
}

TEST(a_double_dollar_makes_it_literal)
{
    expands("$${KEY}", "${KEY}");
    expands("a$${KEY}${KEY}", "a${KEY}sk-123");
}

TEST(values_are_not_expanded_twice)
{
    expands("${BRACE}", "{a: b}");
    expands("${NONE:-$KEY}", "$KEY");
}

TEST(what_cannot_be_expanded_says_why)
{
    is_wrong("${NONE}", "environment variable NONE is not set");
    is_wrong("${HOMELES}", "environment variable HOMELES is not set");
    is_wrong("a ${", "without its }");
    is_wrong("${KEY", "without its }");
    is_wrong("${9}", "is neither");
    is_wrong("${KEY:default}", "is neither");
    is_wrong("${file:/no/such/file}", "/no/such/file cannot be read: No such file");
    is_wrong("${file:/}", "it is a directory");
}

TEST(a_file_is_a_value_without_its_last_line_end)
{
    char path[] = "/tmp/config_text_XXXXXX", text[64];
    int fd = mkstemp(path);
    EXPECT(fd >= 0);
    EXPECT_EQ(write(fd, "secret\nof two lines\r\n", 21), 21);
    close(fd);
    snprintf(text, sizeof(text), "<${file:%s}>", path);
    expands(text, "<secret\nof two lines>");
    unlink(path);
}

TEST(private_use_characters_of_the_text_stay)
{
    expands("\xee\x80\x80${KEY}\xee\x80\x81xx", "\xee\x80\x80sk-123\xee\x80\x81xx");
    expands("\xef\xa3\xbf", "\xef\xa3\xbf");
}

TEST(texts_that_are_no_text_are_refused)
{
    is_wrong("a\xff", "not UTF-8");
    is_wrong("\xc0\x80", "not UTF-8");
    is_wrong("\xed\xa0\x80", "not UTF-8"); /* a surrogate */
    is_wrong("\xe2\x82", "not UTF-8");
    is_wrong("\xf5\x80\x80\x80", "not UTF-8");

    struct arena a;
    struct config_text t;
    size_t at;
    arena_init(&a, 0);
    EXPECT_CONTAINS(config_text_init(&t, STR("a\0b"), &a, NULL, &at), "NUL");
    EXPECT_EQ(at, 1);
    config_text_release(&t);
    arena_release(&a);
}

TEST(places_are_those_of_the_file_whatever_was_replaced)
{
    static const char text[] = "a: ${KEY} é b\nc: ${NONE:-é} d\n";
    struct arena a;
    struct config_text t;
    size_t at;
    unsigned line, column;
    arena_init(&a, 0);
    EXPECT(config_text_init(&t, str_from_c(text), &a, NULL, &at) == NULL);
    config_text_place(&t, (size_t)(strchr(text, 'b') - text), &line, &column);
    EXPECT_EQ(line, 1);
    EXPECT_EQ(column, 13);
    size_t d = (size_t)(strrchr(text, 'd') - text);
    config_text_place(&t, d, &line, &column);
    EXPECT_EQ(line, 2);
    EXPECT_EQ(column, 15);
    config_text_place(&t, 0, &line, &column);
    EXPECT_EQ(line, 1);
    EXPECT_EQ(column, 1);
    /* The parser counts the marked text: one mark character and filling for ${…}. */
    EXPECT_EQ(config_text_offset(&t, 1, 1), 0);
    EXPECT_EQ(config_text_offset(&t, 2, 1), (size_t)(strchr(text, 'c') - text));
    config_text_release(&t);
    arena_release(&a);
}

TEST(files_have_a_limit)
{
    struct arena a;
    char *bytes;
    size_t len;
    arena_init(&a, 0);
    EXPECT_CONTAINS(config_file_read("/dev/zero", 1000, &bytes, &len, &a),
                    "it is larger than 1000 bytes");
    EXPECT_CONTAINS(config_file_read("/no/such", 1000, &bytes, &len, &a), "No such file");
    EXPECT(config_file_read("/dev/null", 1000, &bytes, &len, &a) == NULL);
    EXPECT_EQ(len, 0);
    free(bytes);
    arena_release(&a);
}
