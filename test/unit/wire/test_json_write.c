#include "wire/json_write.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "support/test.h"
#include "wire/json.h"

static struct buf out;
static struct json_write w;

static void begin(void)
{
    buf_clear(&out);
    json_write_init(&w, &out);
}

static str written(void)
{
    EXPECT(json_write_done(&w));
    EXPECT(!out.failed);
    struct arena arena;
    struct json_doc doc;
    arena_init(&arena, 0);
    EXPECT_EQ(json_parse(&doc, &arena, buf_str(&out), NULL), ERR_NONE);
    arena_release(&arena);
    return buf_str(&out);
}

TEST(commas_and_colons_come_by_themselves)
{
    begin();
    json_write_object(&w);
    json_write_member(&w, STR("a"), STR("b"));
    json_write_key(&w, STR("list"));
    json_write_array(&w);
    json_write_null(&w);
    json_write_bool(&w, true);
    json_write_array(&w);
    json_write_array_end(&w);
    json_write_object(&w);
    json_write_object_end(&w);
    json_write_i64(&w, -5);
    json_write_array_end(&w);
    json_write_key(&w, STR("o"));
    json_write_object(&w);
    json_write_member_u64(&w, STR("n"), UINT64_MAX);
    json_write_member_raw(&w, STR("r"), STR("[1, 2]"));
    json_write_key(&w, STR("s"));
    json_write_raw_string(&w, STR("x\\ny"));
    json_write_object_end(&w);
    EXPECT(!json_write_done(&w));
    json_write_object_end(&w);
    EXPECT_STR(written(),
               "{\"a\":\"b\",\"list\":[null,true,[],{},-5],\"o\":{\"n\":18446744073709551615,"
               "\"r\":[1, 2],\"s\":\"x\\ny\"}}");
    buf_release(&out);
}

TEST(strings_are_escaped_where_json_wants_it)
{
    begin();
    json_write_string(&w,
                      STR("\"\\/\b\f\n\r\t\0\x1f\x7f \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \\n"));
    EXPECT_STR(
        written(),
        "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \\\\n\"");
    begin();
    json_write_string(&w, STR_NULL);
    EXPECT_STR(written(), "\"\"");
    buf_release(&out);
}

TEST(bytes_that_are_not_utf8_become_the_replacement_character)
{
    begin();
    json_write_string(&w, STR("a\xff"
                              "b\xed\xa0\x80"
                              "c\xe2\x82"));
    EXPECT_STR(written(), "\"a\xef\xbf\xbd"
                          "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                          "c\xef\xbf\xbd\xef\xbf\xbd\"");
    buf_release(&out);
}

TEST(long_strings_come_back_as_they_went)
{
    struct buf text;
    struct arena arena;
    buf_init(&text, 0);
    arena_init(&arena, 0);
    for (unsigned i = 0; i < 500; i++) {
        buf_add_byte(&text, (char)(i % 128));
        if (i % 7 == 0)
            buf_add_lit(&text, "\xe2\x82\xac");
        if (i % 50 == 0)
            buf_add_lit(&text, "a run of plain text that is longer than a block of any form is");
        struct json_doc doc;
        str quoted = json_quote(&arena, buf_str(&text));
        EXPECT_EQ(json_parse(&doc, &arena, quoted, NULL), ERR_NONE);
        EXPECT(json_string_eq(&doc, JSON_ROOT, buf_str(&text)));
    }
    EXPECT_STR(json_quote(&arena, STR_NULL), "\"\"");
    arena_release(&arena);
    arena_init(&arena, 1);
    EXPECT(str_is_null(json_quote(&arena, STR("a"))));
    EXPECT(str_is_null(json_quote(&arena, STR("\n"))));
    buf_release(&text);
}

static void expect_double(double value, const char *text)
{
    begin();
    json_write_double(&w, value);
    EXPECT_STR(written(), text);
}

TEST(doubles_are_short_and_read_back_the_same)
{
    expect_double(0, "0");
    expect_double(-0.0, "-0");
    expect_double(0.1, "0.1");
    expect_double(-1.5, "-1.5");
    expect_double(1e21, "1e+21");
    expect_double(1.0 / 3, "0.3333333333333333");
    expect_double(DBL_MAX, "1.7976931348623157e+308");
    expect_double(NAN, "null");
    expect_double(INFINITY, "null");
    uint64_t bits = 88172645463325252u;
    for (unsigned i = 0; i < 10000; i++) {
        double value;
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        begin();
        json_write_double(&w, value);
        if (json_to_double(written()) != value)
            EXPECT_FAIL("%a was written as %.*s", value, STR_ARG(buf_str(&out)));
    }
    buf_release(&out);
}

TEST(whole_numbers_are_written_to_their_limits)
{
    begin();
    json_write_array(&w);
    json_write_i64(&w, INT64_MIN);
    json_write_i64(&w, INT64_MAX);
    json_write_u64(&w, 0);
    json_write_array_end(&w);
    EXPECT_STR(written(), "[-9223372036854775808,9223372036854775807,0]");
    buf_release(&out);
}

TEST(a_full_buffer_is_noticed_once_at_the_end)
{
    buf_release(&out);
    buf_init(&out, 16);
    begin();
    json_write_array(&w);
    for (unsigned i = 0; i < 100; i++)
        json_write_string(&w, STR("text"));
    json_write_array_end(&w);
    EXPECT(out.failed);
    buf_release(&out);
    buf_init(&out, 0);
}

static void value_without_key(void)
{
    begin();
    json_write_object(&w);
    json_write_null(&w);
}

static void key_without_value(void)
{
    begin();
    json_write_object(&w);
    json_write_key(&w, STR("a"));
    json_write_object_end(&w);
}

static void key_in_array(void)
{
    begin();
    json_write_array(&w);
    json_write_key(&w, STR("a"));
}

static void wrong_end(void)
{
    begin();
    json_write_array(&w);
    json_write_object_end(&w);
}

static void two_values(void)
{
    begin();
    json_write_null(&w);
    json_write_null(&w);
}

static void too_deep(void)
{
    begin();
    for (unsigned i = 0; i <= JSON_WRITE_DEPTH; i++)
        json_write_array(&w);
}

TEST(what_would_not_be_json_is_a_bug)
{
    EXPECT_ABORT(value_without_key());
    EXPECT_ABORT(key_without_value());
    EXPECT_ABORT(key_in_array());
    EXPECT_ABORT(wrong_end());
    EXPECT_ABORT(two_values());
    EXPECT_ABORT(too_deep());
    begin();
    for (unsigned i = 0; i < JSON_WRITE_DEPTH; i++)
        json_write_array(&w);
    for (unsigned i = 0; i < JSON_WRITE_DEPTH; i++)
        json_write_array_end(&w);
    EXPECT(json_write_done(&w));
    buf_release(&out);
}
