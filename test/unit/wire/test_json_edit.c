#include "wire/json_edit.h"

#include "base/buf.h"
#include "support/test.h"

static struct arena arena;
static struct json_doc doc;
static struct json_edit edit;
static struct buf out;

static void begin(str source)
{
    arena_release(&arena);
    EXPECT_EQ(json_parse(&doc, &arena, source, NULL), ERR_NONE);
    json_edit_init(&edit, &doc, &arena);
}

/* The edited source; what is not edited is borrowed from it. */
static str edited(void)
{
    struct json_parts parts;
    EXPECT_EQ(json_edit_finish(&edit, &parts), ERR_NONE);
    buf_clear(&out);
    for (size_t i = 0; i < parts.count; i++) {
        EXPECT(parts.parts[i].len > 0);
        buf_add_str(&out, parts.parts[i]);
    }
    EXPECT_EQ(out.len, parts.bytes);
    struct json_doc again;
    EXPECT_EQ(json_parse(&again, &arena, buf_str(&out), NULL), ERR_NONE);
    return buf_str(&out);
}

static uint32_t name(const char *text)
{
    return json_member_name(&doc, JSON_ROOT, str_from_c(text));
}

static void end(void)
{
    arena_release(&arena);
    buf_release(&out);
}

TEST(without_edits_the_source_is_the_one_part)
{
    struct json_parts parts;
    begin(STR(" {\"a\" : 1}\n"));
    EXPECT_EQ(json_edit_finish(&edit, &parts), ERR_NONE);
    EXPECT_EQ(parts.count, 1);
    EXPECT_EQ(parts.parts[0].ptr, doc.source.ptr);
    EXPECT_EQ(parts.bytes, doc.source.len);
    end();
}

TEST(a_value_is_replaced_and_all_else_stays_where_it_was_received)
{
    struct json_parts parts;
    begin(STR("{ \"model\" : \"a\", \"x\":[1, 2]}"));
    json_edit_replace_string(&edit, json_value(name("model")), STR("say \"b\"\n"));
    EXPECT_EQ(json_edit_finish(&edit, &parts), ERR_NONE);
    EXPECT_EQ(parts.count, 3);
    EXPECT_EQ(parts.parts[0].ptr, doc.source.ptr);
    EXPECT_EQ(parts.parts[2].ptr, doc.source.ptr + 15);
    EXPECT_STR(edited(), "{ \"model\" : \"say \\\"b\\\"\\n\", \"x\":[1, 2]}");
    end();
}

TEST(replacements_come_out_in_the_order_of_the_source)
{
    begin(STR("{\"a\":1,\"b\":{\"c\":2},\"d\":3}"));
    json_edit_replace(&edit, json_value(name("d")), STR("33"));
    json_edit_replace(&edit, json_member(&doc, json_value(name("b")), STR("c")), STR("22"));
    json_edit_replace(&edit, json_value(name("a")), STR("11"));
    EXPECT_STR(edited(), "{\"a\":11,\"b\":{\"c\":22},\"d\":33}");
    begin(STR("[1]"));
    json_edit_replace(&edit, JSON_ROOT, STR("{}"));
    EXPECT_STR(edited(), "{}");
    end();
}

TEST(members_are_added_at_both_ends)
{
    begin(STR("{ \"a\":1 }"));
    json_edit_insert_last(&edit, JSON_ROOT, STR("y"), STR("8"));
    json_edit_insert_first(&edit, JSON_ROOT, STR("b"), STR("2"));
    json_edit_insert_last(&edit, JSON_ROOT, STR("z"), STR("9"));
    json_edit_insert_first(&edit, JSON_ROOT, STR("c"), STR("3"));
    EXPECT_STR(edited(), "{\"b\":2,\"c\":3, \"a\":1,\"y\":8,\"z\":9 }");
    end();
}

TEST(an_empty_object_takes_members_without_a_comma_too_many)
{
    begin(STR("{ }"));
    json_edit_insert_last(&edit, JSON_ROOT, STR("a"), STR("1"));
    EXPECT_STR(edited(), "{\"a\":1 }");
    begin(STR("{}"));
    json_edit_insert_first(&edit, JSON_ROOT, STR("a"), STR("1"));
    EXPECT_STR(edited(), "{\"a\":1}");
    begin(STR("{}"));
    json_edit_insert_last(&edit, JSON_ROOT, STR("c"), STR("3"));
    json_edit_insert_first(&edit, JSON_ROOT, STR("a"), STR("1"));
    json_edit_insert_first(&edit, JSON_ROOT, STR("b"), STR("2"));
    EXPECT_STR(edited(), "{\"a\":1,\"b\":2,\"c\":3}");
    end();
}

/* The members whose names are in `names` removed, with an added member at either end or not. */
static str removed(const char *names, bool first, bool last)
{
    begin(STR("{ \"a\": 1 , \"b\":[2,{}], \"c\" :3 ,\"d\":4 }"));
    for (; *names; names++)
        json_edit_remove(&edit, JSON_ROOT, name((char[]){*names, '\0'}));
    if (last)
        json_edit_insert_last(&edit, JSON_ROOT, STR("z"), STR("9"));
    if (first)
        json_edit_insert_first(&edit, JSON_ROOT, STR("y"), STR("8"));
    return edited();
}

TEST(members_are_removed_with_one_comma)
{
    EXPECT_STR(removed("a", false, false), "{ \"b\":[2,{}], \"c\" :3 ,\"d\":4 }");
    EXPECT_STR(removed("b", false, false), "{ \"a\": 1, \"c\" :3 ,\"d\":4 }");
    EXPECT_STR(removed("d", false, false), "{ \"a\": 1 , \"b\":[2,{}], \"c\" :3 }");
    EXPECT_STR(removed("dcba", false, false), "{  }");
    EXPECT_STR(removed("ad", true, true), "{\"y\":8, \"b\":[2,{}], \"c\" :3,\"z\":9 }");
}

TEST(every_set_of_members_can_go_and_others_come)
{
    for (unsigned set = 0; set < 16; set++) {
        for (unsigned added = 0; added < 4; added++) {
            char names[5];
            unsigned count = 0;
            for (unsigned i = 0; i < 4; i++)
                if (set >> i & 1)
                    names[count++] = (char)('a' + i);
            names[count] = '\0';
            str text = removed(names, added & 1, added & 2);
            struct json_doc after;
            EXPECT_EQ(json_parse(&after, &arena, text, NULL), ERR_NONE);
            EXPECT_EQ(json_count(&after, JSON_ROOT), 4 - count + (added & 1) + (added >> 1));
            for (unsigned i = 0; i < 4; i++)
                EXPECT_EQ(json_member(&after, JSON_ROOT, str_make(&"abcd"[i], 1)) == JSON_NONE,
                          set >> i & 1);
            EXPECT_EQ(json_member(&after, JSON_ROOT, STR("y")) != JSON_NONE, added & 1);
            EXPECT_EQ(json_member(&after, JSON_ROOT, STR("z")) != JSON_NONE, added >> 1);
        }
    }
    end();
}

TEST(objects_within_objects_are_edited_apart)
{
    begin(STR("{\"o\":{\"a\":1},\"p\":{},\"q\":2}"));
    uint32_t o = json_value(name("o")), p = json_value(name("p"));
    json_edit_insert_last(&edit, p, STR("x"), STR("1"));
    json_edit_remove(&edit, o, json_first(&doc, o));
    json_edit_insert_last(&edit, JSON_ROOT, STR("r"), STR("3"));
    json_edit_insert_last(&edit, o, STR("b"), STR("2"));
    EXPECT_STR(edited(), "{\"o\":{\"b\":2},\"p\":{\"x\":1},\"q\":2,\"r\":3}");
    end();
}

TEST(set_replaces_what_is_there_and_adds_what_is_not)
{
    begin(STR("{\"stream_options\":{\"include_usage\":false},\"n\":null}"));
    json_edit_set(&edit, json_value(name("stream_options")), STR("include_usage"), STR("true"));
    json_edit_set(&edit, JSON_ROOT, STR("n"), STR("1"));
    json_edit_set(&edit, JSON_ROOT, STR("stream"), STR("true"));
    EXPECT_STR(edited(), "{\"stream_options\":{\"include_usage\":true},\"n\":1,\"stream\":true}");
    end();
}

TEST(a_name_can_be_replaced_too)
{
    begin(STR("{\"max_tokens\":1}"));
    json_edit_replace(&edit, name("max_tokens"), STR("\"max_completion_tokens\""));
    json_edit_insert_first(&edit, JSON_ROOT, STR("a"), STR("0"));
    EXPECT_STR(edited(), "{\"a\":0,\"max_completion_tokens\":1}");
    end();
}

TEST(many_edits_need_no_reservation)
{
    begin(STR("{}"));
    for (unsigned i = 0; i < 100; i++)
        json_edit_insert_last(&edit, JSON_ROOT, arena_printf(&arena, "k%u", i), STR("0"));
    struct json_doc after;
    EXPECT_EQ(json_parse(&after, &arena, edited(), NULL), ERR_NONE);
    EXPECT_EQ(json_count(&after, JSON_ROOT), 100);
    end();
}

TEST(want_of_memory_is_told_at_the_end)
{
    struct arena small;
    struct json_parts parts;
    begin(STR("{}"));
    arena_init(&small, 64);
    json_edit_init(&edit, &doc, &small);
    json_edit_set(&edit, JSON_ROOT, STR("a"), STR("1"));
    EXPECT_EQ(json_edit_finish(&edit, &parts), ERR_NO_MEMORY);
    end();
}

TEST(an_edit_within_what_is_removed_is_a_bug)
{
    struct json_parts parts;
    begin(STR("{\"a\":{\"b\":1}}"));
    json_edit_remove(&edit, JSON_ROOT, name("a"));
    json_edit_replace(&edit, json_member(&doc, json_value(name("a")), STR("b")), STR("2"));
    EXPECT_ABORT((void)!json_edit_finish(&edit, &parts));
    end();
}
