#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "support/test.h"
#include "wire/json.h"

static struct arena arena;
static struct json_doc doc;

static void parse(str source)
{
    arena_init(&arena, 0);
    EXPECT_EQ(json_parse(&doc, &arena, source, NULL), ERR_NONE);
}

/* -- strings ------------------------------------------------------------------------------------ */

TEST(strings_decode_to_what_they_say)
{
    static const struct {
        str json, text;
    } rows[] = {
        {STR_INIT("\"\""), STR_INIT("")},
        {STR_INIT("\"plain \xc3\xa9\""), STR_INIT("plain \xc3\xa9")},
        {STR_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), STR_INIT("\"\\/\b\f\n\r\t")},
        {STR_INIT("\"a\\u0000b\""), STR_INIT("a\0b")},
        {STR_INIT("\"\\u007F\\u0080\\u07fF\""), STR_INIT("\x7f\xc2\x80\xdf\xbf")},
        {STR_INIT("\"\\u0800\\uFFFF\""), STR_INIT("\xe0\xa0\x80\xef\xbf\xbf")},
        {STR_INIT("\"\\ud83d\\uDE00!\""), STR_INIT("\xf0\x9f\x98\x80!")},
        {STR_INIT("\"\\ud800\""), STR_INIT("\xef\xbf\xbd")},
        {STR_INIT("\"\\udc00x\""), STR_INIT("\xef\xbf\xbdx")},
        {STR_INIT("\"\\ud800\\ud83d\\ude00\""), STR_INIT("\xef\xbf\xbd\xf0\x9f\x98\x80")},
        {STR_INIT("\"\\ud800\\u0041\""), STR_INIT("\xef\xbf\xbd"
                                                  "A")},
        {STR_INIT("\"\\ud800\\n\""), STR_INIT("\xef\xbf\xbd\n")},
        {STR_INIT("\"\\\\u0041\""), STR_INIT("\\u0041")},
        {STR_INIT("\"x\\ny\\nz\""), STR_INIT("x\ny\nz")},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        str text;
        parse(rows[i].json);
        EXPECT_EQ(json_string_decode(&doc, JSON_ROOT, &arena, &text), ERR_NONE);
        EXPECT_STR(text, rows[i].text);
        EXPECT(json_string_eq(&doc, JSON_ROOT, rows[i].text));
        EXPECT(!json_string_eq(&doc, JSON_ROOT, STR("something else")));
        if (text.len) {
            EXPECT(!json_string_eq(&doc, JSON_ROOT, str_first(text, text.len - 1)));
            EXPECT(!json_string_eq(&doc, JSON_ROOT, STR("")));
        }
        arena_release(&arena);
    }
}

TEST(a_string_without_escapes_is_borrowed_from_the_source)
{
    str text;
    parse(STR("[\"abc\"]"));
    EXPECT_EQ(json_string_decode(&doc, JSON_ROOT + 1, &arena, &text), ERR_NONE);
    EXPECT_EQ(text.ptr, doc.source.ptr + 2);
    EXPECT_ABORT(json_string_raw(&doc, JSON_ROOT));
    arena_release(&arena);
}

TEST(decoding_into_a_full_arena_is_an_ordinary_error)
{
    str text;
    struct arena full;
    parse(STR("\"a\\n\""));
    arena_init(&full, 8);
    EXPECT_EQ(json_string_decode(&doc, JSON_ROOT, &full, &text), ERR_NO_MEMORY);
    arena_release(&arena);
}

TEST(members_are_found_by_what_their_name_says)
{
    parse(STR("{\"Model\":1,\"mod\\u0065l\":2,\"model\":3,\"a\\u0000\":4,\"a\":5}"));
    EXPECT_STR(json_raw(&doc, json_member(&doc, JSON_ROOT, STR("model"))), "2");
    EXPECT_STR(json_raw(&doc, json_member(&doc, JSON_ROOT, STR("Model"))), "1");
    EXPECT_STR(json_raw(&doc, json_member(&doc, JSON_ROOT, STR("a\0"))), "4");
    EXPECT_STR(json_raw(&doc, json_member(&doc, JSON_ROOT, STR("a"))), "5");
    EXPECT_EQ(json_member(&doc, JSON_ROOT, STR("mod\\u0065l")), JSON_NONE);
    EXPECT_STR(json_raw(&doc, json_member_name(&doc, JSON_ROOT, STR("model"))), "\"mod\\u0065l\"");
    arena_release(&arena);
}

/* -- numbers ------------------------------------------------------------------------------------ */

TEST(whole_numbers_are_read_however_they_are_written)
{
    static const struct {
        const char *text;
        int64_t value;
    } rows[] = {
        {"0", 0},
        {"-0", 0},
        {"0.0", 0},
        {"0e5", 0},
        {"0.000e-99", 0},
        {"1", 1},
        {"-17", -17},
        {"1.0", 1},
        {"1.50e1", 15},
        {"10e2", 1000},
        {"1500e-2", 15},
        {"100", 100},
        {"1e18", 1000000000000000000},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"922337203685477580700e-2", INT64_MAX},
        {"0.00000000000000000001e20", 1},
        {"12000000000000000000000000000000000000000000000000000000e-54", 12},
        {"0e999999999", 0},
        {"-0e-99999999999999999999", 0},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t value = 77;
        if (!json_to_i64(str_from_c(rows[i].text), &value))
            EXPECT_FAIL("%s is whole", rows[i].text);
        EXPECT_EQ(value, rows[i].value);
    }
    static const char *const not_whole[] = {
        "0.5",
        "1.5",
        "-1e-1",
        "9223372036854775808",
        "-9223372036854775809",
        "1e19",
        "1e999999999",
        "1e-999999999",
        "1e99999999999999999999999",
        "123456789012345678901234567890",
        "1.0000000000000000000000000000000000000000000000000001",
    };
    for (unsigned i = 0; i < ARRAY_LEN(not_whole); i++) {
        int64_t value = 77;
        if (json_to_i64(str_from_c(not_whole[i]), &value))
            EXPECT_FAIL("%s is not whole", not_whole[i]);
        EXPECT_EQ(value, 77);
    }
}

static void expect_double(const char *text)
{
    double ours = json_to_double(str_from_c(text)), theirs = strtod(text, NULL);
    if (memcmp(&ours, &theirs, sizeof(ours)) != 0)
        EXPECT_FAIL("%s: %.17g, expected %.17g", text, ours, theirs);
}

TEST(doubles_are_the_nearest)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "1",
        "-1.5",
        "0.1",
        "0.7",
        "1e22",
        "1e23",
        "1e-22",
        "1e-23",
        "123456789012345",
        "1234567890123456",
        "9007199254740993",
        "9007199254740992.5",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "2.2250738585072014e-308",
        "4.9e-324",
        "2.4e-324",
        "5e-324",
        "1e999999999",
        "-1e999999999",
        "1e-999999999",
        "0e999999999",
        "0.1e-99999999999999999999",
        "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899",
        "1000000000000000000000000000000000000000000000000000000000000000000000000000000001",
        "0.000000000000000000000000000000000000000000000000000000000000000000000000000000001234",
        "100000000000000000000000000000000000000000000000000000000e-56",
    };
    for (unsigned i = 0; i < ARRAY_LEN(texts); i++)
        expect_double(texts[i]);
    uint64_t bits = 88172645463325252u;
    for (unsigned i = 0; i < 20000; i++) {
        char text[64];
        double value;
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        snprintf(text, sizeof(text), "%.*g", 1 + (int)(bits % 20), value);
        expect_double(text);
    }
}

TEST(a_long_number_costs_its_length)
{
    size_t len = 1 << 20;
    char *text = malloc(len + 16);
    EXPECT(text != NULL);
    memset(text, '7', len);
    memcpy(text + len, "e-1048575", 10);
    EXPECT_NEAR(json_to_double(str_from_c(text)), 7.7777777777777777, 1e-14);
    int64_t value;
    EXPECT(!json_to_i64(str_from_c(text), &value));
    memset(text + 1, '0', len - 1);
    EXPECT(json_to_i64(str_from_c(text), &value));
    EXPECT_EQ(value, 7);
    free(text);
}

/* -- members ------------------------------------------------------------------------------------ */

static const str exact[] = {STR_INIT("model"), STR_INIT("stream"), STR_INIT("tools"),
                            STR_INIT("max_tokens")};

/* The name that is to blame, as written; "" for none. */
static str blamed(str source, enum err expected)
{
    uint32_t culprit;
    parse(source);
    EXPECT_EQ(json_check_members(&doc, JSON_ROOT, exact, ARRAY_LEN(exact), &arena, &culprit),
              expected);
    str raw = json_raw(&doc, culprit);
    arena_release(&arena);
    return str_is_null(raw) ? STR("") : raw;
}

TEST(duplicate_members_are_found_by_what_they_say)
{
    EXPECT_STR(blamed(STR("{\"model\":1,\"models\":2,\"a\":{\"a\":1,\"a\":2}}"), ERR_NONE), "");
    EXPECT_STR(blamed(STR("{\"model\":1,\"x\":2,\"model\":3}"), ERR_FIELD_DUPLICATE), "\"model\"");
    EXPECT_STR(blamed(STR("{\"model\":1,\"mod\\u0065l\":3}"), ERR_FIELD_DUPLICATE),
               "\"mod\\u0065l\"");
    EXPECT_STR(blamed(STR("{\"a\":1,\"\":2,\"\":3}"), ERR_FIELD_DUPLICATE), "\"\"");
    EXPECT_STR(blamed(STR("{\"a\\n\":1,\"a\\u000a\":3}"), ERR_FIELD_DUPLICATE), "\"a\\u000a\"");
    EXPECT_STR(blamed(STR("[1]"), ERR_NONE), "");
    EXPECT_STR(blamed(STR("{}"), ERR_NONE), "");
}

TEST(variants_of_important_names_are_found)
{
    EXPECT_STR(blamed(STR("{\"Model\":1}"), ERR_FIELD_DUPLICATE), "\"Model\"");
    EXPECT_STR(blamed(STR("{\"model\":0,\"x\":1,\"MODEL\":1}"), ERR_FIELD_DUPLICATE), "\"MODEL\"");
    EXPECT_STR(blamed(STR("{\"Max_Tokens\":1}"), ERR_FIELD_DUPLICATE), "\"Max_Tokens\"");
    EXPECT_STR(blamed(STR("{\"\\u0053tream\":1}"), ERR_FIELD_DUPLICATE), "\"\\u0053tream\"");
    /* Unicode folds the long s and the Kelvin sign to s and k. */
    EXPECT_STR(blamed(STR("{\"\xc5\xbftream\":1}"), ERR_FIELD_DUPLICATE), "\"\xc5\xbftream\"");
    EXPECT_STR(blamed(STR("{\"tool\\u017f\":1}"), ERR_FIELD_DUPLICATE), "\"tool\\u017f\"");
    EXPECT_STR(blamed(STR("{\"max_to\xe2\x84\xaa"
                          "ens\":1}"),
                      ERR_FIELD_DUPLICATE),
               "\"max_to\xe2\x84\xaa"
               "ens\"");
    /* Others may come in any case, once each. */
    EXPECT_STR(blamed(STR("{\"User\":1,\"user\":2,\"max_token\":3,\"streams\":4,\"\xc3\x85\":1}"),
                      ERR_NONE),
               "");
}

TEST(duplicates_among_many_members_are_found)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_byte(&b, '{');
    for (unsigned i = 0; i < 4000; i++)
        buf_printf(&b, "\"member_%u\":0,", i);
    size_t len = b.len;
    buf_add_lit(&b, "\"x\":0}");
    EXPECT_STR(blamed(buf_str(&b), ERR_NONE), "");
    b.len = len;
    buf_add_lit(&b, "\"m\\u0065mber_1234\":0}");
    EXPECT_STR(blamed(buf_str(&b), ERR_FIELD_DUPLICATE), "\"m\\u0065mber_1234\"");
    b.len = len;
    for (unsigned i = 0; i < 97; i++)
        buf_printf(&b, "\"n%u\":0%s", i, i < 96 ? "," : "}");
    EXPECT_STR(blamed(buf_str(&b), ERR_FIELD_INVALID), "\"n96\"");
    buf_release(&b);
}
