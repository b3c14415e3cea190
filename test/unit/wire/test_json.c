#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "support/test.h"

static struct arena arena;
static struct json_doc doc;

static void parse_with(str source, struct json_options options)
{
    arena_init(&arena, 0);
    EXPECT_EQ(json_parse(&doc, &arena, source, &options), ERR_NONE);
}

static void parse(str source)
{
    parse_with(source, (struct json_options){0});
}

static str raw(uint32_t node)
{
    return json_raw(&doc, node);
}

TEST(every_value_has_its_kind_and_its_bytes)
{
    parse(STR(
        " {\"n\": null,\"t\":true ,\"f\":false,\"i\":-1.50e+3,\"s\":\"a\\n\",\"a\":[ 1 ],\"o\":{} }\n"));
    EXPECT_EQ(json_kind(&doc, JSON_ROOT), JSON_OBJECT);
    EXPECT_EQ(json_count(&doc, JSON_ROOT), 7);
    static const struct {
        const char *name;
        enum json_kind kind;
        const char *raw;
    } members[] = {
        {"n", JSON_NULL, "null"},       {"t", JSON_TRUE, "true"},       {"f", JSON_FALSE, "false"},
        {"i", JSON_NUMBER, "-1.50e+3"}, {"s", JSON_STRING, "\"a\\n\""}, {"a", JSON_ARRAY, "[ 1 ]"},
        {"o", JSON_OBJECT, "{}"},
    };
    unsigned i = 0;
    JSON_EACH (m, &doc, JSON_ROOT) {
        EXPECT_STR(json_string_raw(&doc, m), members[i].name);
        EXPECT_EQ(json_kind(&doc, json_value(m)), members[i].kind);
        EXPECT_STR(raw(json_value(m)), members[i].raw);
        EXPECT_EQ(json_member(&doc, JSON_ROOT, str_from_c(members[i].name)), json_value(m));
        i++;
    }
    EXPECT_EQ(i, ARRAY_LEN(members));
    arena_release(&arena);
}

TEST(absent_is_not_null_and_lookups_chain)
{
    parse(STR("{\"a\":{\"b\":null},\"c\":[{\"b\":1}]}"));
    uint32_t a = json_member(&doc, JSON_ROOT, STR("a"));
    EXPECT(json_is(&doc, json_member(&doc, a, STR("b")), JSON_NULL));
    EXPECT_EQ(json_member(&doc, a, STR("x")), JSON_NONE);
    EXPECT_EQ(json_member(&doc, json_member(&doc, a, STR("x")), STR("b")), JSON_NONE);
    EXPECT_EQ(json_member(&doc, json_member(&doc, JSON_ROOT, STR("c")), STR("b")), JSON_NONE);
    EXPECT_EQ(json_kind(&doc, JSON_NONE), JSON_ABSENT);
    EXPECT(str_is_null(raw(JSON_NONE)));
    EXPECT_EQ(json_count(&doc, JSON_NONE), 0);
    EXPECT_EQ(json_first(&doc, JSON_NONE), JSON_NONE);
    arena_release(&arena);
}

TEST(elements_are_walked_in_order_whatever_they_hold)
{
    parse(STR("[1,[2,[3],{\"x\":4}],{},[],\"\",{\"a\":[5]},6]"));
    static const char *const elements[] = {"1",    "[2,[3],{\"x\":4}]", "{}", "[]",
                                           "\"\"", "{\"a\":[5]}",       "6"};
    unsigned i = 0;
    JSON_EACH (e, &doc, JSON_ROOT)
        EXPECT_STR(raw(e), elements[i++]);
    EXPECT_EQ(i, 7);
    EXPECT_EQ(json_count(&doc, JSON_ROOT), 7);
    arena_release(&arena);
    parse(STR("3"));
    JSON_EACH (e, &doc, JSON_ROOT)
        EXPECT_FAIL("a number has no elements");
    arena_release(&arena);
}

TEST(a_shallow_index_stops_at_its_depth_but_validates_all)
{
    str source =
        STR("{\"model\":\"m\",\"messages\":[{\"role\":\"user\"}],\"e\":[],\"o\":{ },\"n\":1}");
    parse_with(source, (struct json_options){.index_depth = 1});
    EXPECT_EQ(doc.count, 1 + 1 + 5 * 2);
    uint32_t messages = json_member(&doc, JSON_ROOT, STR("messages"));
    EXPECT_STR(raw(messages), "[{\"role\":\"user\"}]");
    EXPECT(json_node(&doc, messages)->opaque);
    EXPECT_ABORT(json_first(&doc, messages));
    /* Nothing is hidden in what is empty. */
    EXPECT(!json_node(&doc, json_member(&doc, JSON_ROOT, STR("e")))->opaque);
    EXPECT(!json_node(&doc, json_member(&doc, JSON_ROOT, STR("o")))->opaque);
    EXPECT_STR(raw(json_member(&doc, JSON_ROOT, STR("n"))), "1");
    arena_release(&arena);

    parse_with(source, (struct json_options){.index_depth = 2});
    messages = json_member(&doc, JSON_ROOT, STR("messages"));
    EXPECT_EQ(json_count(&doc, messages), 1);
    EXPECT(json_node(&doc, json_first(&doc, messages))->opaque);
    arena_release(&arena);

    EXPECT_EQ(json_parse(&doc, &arena, STR("{\"a\":[{\"b\":01}]}"),
                         &(struct json_options){.index_depth = 1}),
              ERR_JSON_INVALID);
    EXPECT_EQ(doc.fault_at, 12);
}

TEST(many_nodes_outgrow_the_stack_and_come_out_whole)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_byte(&b, '[');
    for (unsigned i = 0; i < 5000; i++)
        buf_printf(&b, "%s{\"k%u\":[%u]}", i ? "," : "", i, i);
    buf_add_byte(&b, ']');
    parse(buf_str(&b));
    EXPECT_EQ(json_count(&doc, JSON_ROOT), 5000);
    unsigned i = 0;
    JSON_EACH (e, &doc, JSON_ROOT) {
        char expected[32];
        snprintf(expected, sizeof(expected), "{\"k%u\":[%u]}", i, i);
        EXPECT_STR(raw(e), expected);
        i++;
    }
    arena_release(&arena);
    buf_release(&b);
}

TEST(an_arena_without_room_is_an_ordinary_error)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_byte(&b, '[');
    for (unsigned i = 0; i < 10000; i++)
        buf_add_lit(&b, "0,");
    buf_add_lit(&b, "0]");
    arena_init(&arena, 65536);
    EXPECT_EQ(json_parse(&doc, &arena, buf_str(&b), NULL), ERR_NO_MEMORY);
    EXPECT_EQ(json_kind(&doc, JSON_ROOT), JSON_ABSENT);
    EXPECT_EQ(doc.fault, JSON_FAULT_NONE);
    EXPECT_LE(arena.used, 65536);
    EXPECT_EQ(json_parse(&doc, &arena, buf_str(&b), &(struct json_options){.index_depth = 1}),
              ERR_NO_MEMORY);
    /* Opaque, it needs two nodes. */
    str wrapped = STR("{\"a\":[0,0,0,0]}");
    EXPECT_EQ(json_parse(&doc, &arena, wrapped, &(struct json_options){.index_depth = 1}),
              ERR_NONE);
    arena_release(&arena);
    buf_release(&b);
}

TEST(a_root_that_is_no_object_is_refused_on_demand)
{
    struct json_options object = {.root_object = true};
    arena_init(&arena, 0);
    EXPECT_EQ(json_parse(&doc, &arena, STR(" []"), &object), ERR_JSON_INVALID);
    EXPECT_EQ(doc.fault, JSON_FAULT_NOT_OBJECT);
    EXPECT_EQ(doc.fault_at, 1);
    EXPECT_EQ(json_parse(&doc, &arena, STR(" {}"), &object), ERR_NONE);
    arena_release(&arena);
}

TEST(depth_is_limited_as_asked)
{
    struct json_options two = {.depth_max = 2};
    arena_init(&arena, 0);
    EXPECT_EQ(json_parse(&doc, &arena, STR("[[1]]"), &two), ERR_NONE);
    EXPECT_EQ(json_parse(&doc, &arena, STR("[[1,[]]]"), &two), ERR_JSON_INVALID);
    EXPECT_EQ(doc.fault, JSON_FAULT_DEPTH);
    EXPECT_EQ(doc.fault_at, 4);
    two.index_depth = 1;
    EXPECT_EQ(json_parse(&doc, &arena, STR("[[1,[]]]"), &two), ERR_JSON_INVALID);
    EXPECT_EQ(doc.fault_at, 4);
    arena_release(&arena);
}

TEST(every_fault_is_named_and_placed)
{
    static const struct {
        str source;
        enum json_fault fault;
        uint32_t at;
    } rows[] = {
        {STR_INIT(""), JSON_FAULT_EMPTY, 0},
        {STR_INIT(" \n"), JSON_FAULT_EMPTY, 2},
        {STR_INIT("{\"a\":"), JSON_FAULT_TRUNCATED, 5},
        {STR_INIT("[1,2"), JSON_FAULT_TRUNCATED, 4},
        {STR_INIT("\"abc"), JSON_FAULT_TRUNCATED, 4},
        {STR_INIT("\"abc\\"), JSON_FAULT_TRUNCATED, 5},
        {STR_INIT("\"\\u00"), JSON_FAULT_TRUNCATED, 5},
        {STR_INIT("tru"), JSON_FAULT_TRUNCATED, 3},
        {STR_INIT("-"), JSON_FAULT_TRUNCATED, 1},
        {STR_INIT("[1,]"), JSON_FAULT_VALUE, 3},
        {STR_INIT("{\"a\":}"), JSON_FAULT_VALUE, 5},
        {STR_INIT("{a:1}"), JSON_FAULT_NAME, 1},
        {STR_INIT("{\"a\":1,}"), JSON_FAULT_NAME, 7},
        {STR_INIT("{\"a\" 1}"), JSON_FAULT_COLON, 5},
        {STR_INIT("{\"a\":1 \"b\":2}"), JSON_FAULT_COMMA_OBJECT, 7},
        {STR_INIT("[1 2]"), JSON_FAULT_COMMA_ARRAY, 3},
        {STR_INIT("[1}"), JSON_FAULT_COMMA_ARRAY, 2},
        {STR_INIT("[trux]"), JSON_FAULT_LITERAL, 4},
        {STR_INIT("[True]"), JSON_FAULT_LITERAL, 1},
        {STR_INIT("[NaN]"), JSON_FAULT_LITERAL, 1},
        {STR_INIT("[01]"), JSON_FAULT_NUMBER, 2},
        {STR_INIT("[1.]"), JSON_FAULT_NUMBER, 3},
        {STR_INIT("[-x]"), JSON_FAULT_NUMBER, 2},
        {STR_INIT("[1e+]"), JSON_FAULT_NUMBER, 4},
        {STR_INIT("\"a\\q\""), JSON_FAULT_ESCAPE, 3},
        {STR_INIT("\"\\u12x4\""), JSON_FAULT_ESCAPE, 5},
        {STR_INIT("\"a\nb\""), JSON_FAULT_CONTROL, 2},
        {STR_INIT("\"a\0b\""), JSON_FAULT_CONTROL, 2},
        {STR_INIT("\"\xc3\xa9\xed\xa0\x80\""), JSON_FAULT_UTF8, 3},
        {STR_INIT("\"ab\xe2\x82\""), JSON_FAULT_UTF8, 3},
        {STR_INIT("{} {}"), JSON_FAULT_TRAILING, 3},
        {STR_INIT("1\0"), JSON_FAULT_TRAILING, 1},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        arena_init(&arena, 0);
        EXPECT_EQ(json_parse(&doc, &arena, rows[i].source, NULL), ERR_JSON_INVALID);
        if (doc.fault != rows[i].fault || doc.fault_at != rows[i].at)
            EXPECT_FAIL("row %u: %.*s", i, STR_ARG(json_fault_text(&doc, &arena)));
        EXPECT_EQ(json_kind(&doc, JSON_ROOT), JSON_ABSENT);
        arena_release(&arena);
    }
}

TEST(a_fault_is_told_with_line_and_column_in_characters)
{
    arena_init(&arena, 0);
    EXPECT_EQ(json_parse(&doc, &arena,
                         STR("{\n  \"\xc3\xa9\": 1,\n  \"\xe2\x82\xac\xf0\x9f\x98\x80\" 2\n}"),
                         NULL),
              ERR_JSON_INVALID);
    EXPECT_STR(json_fault_text(&doc, &arena), "line 3, column 8: a colon is expected here");
    arena_release(&arena);
    arena_init(&arena, 16); /* no room for the text */
    EXPECT_STR(json_fault_text(&doc, &arena), "a colon is expected here");
}

TEST(a_source_above_the_limit_is_refused_unread)
{
    arena_init(&arena, 0);
    EXPECT_EQ(json_parse(&doc, &arena, str_make("x", (size_t)JSON_SOURCE_MAX + 1), NULL),
              ERR_BODY_TOO_LARGE);
    EXPECT_EQ(json_kind(&doc, JSON_ROOT), JSON_ABSENT);
}

TEST(a_null_source_is_an_empty_one)
{
    arena_init(&arena, 0);
    EXPECT_EQ(json_parse(&doc, &arena, STR_NULL, NULL), ERR_JSON_INVALID);
    EXPECT_EQ(doc.fault, JSON_FAULT_EMPTY);
}
