/* mapping: §8 function.parameters ; mapping: §9 json_schema */
#include "llm/schema_gemini.h"
#include "support/test.h"

static struct arena arena;
static struct buf out;
static struct name_list *lost;

static str convert(enum schema_form form, const char *schema)
{
    arena_release(&arena);
    buf_clear(&out);
    EXPECT_EQ(schema_gemini_write(str_from_c(schema), form, &arena, &out, &lost), ERR_NONE);
    return buf_str(&out);
}

static void expect(enum schema_form form, const char *schema, const char *wanted)
{
    str got = convert(form, schema);
    if (!str_eq(got, str_from_c(wanted)))
        EXPECT_FAIL("%s\nbecame   %.*s\nexpected %s", schema, STR_ARG(got), wanted);
}

static bool is_lost(const char *keyword)
{
    for (const struct name_list *l = lost; l; l = l->next)
        if (str_eq(l->name, str_from_c(keyword)))
            return true;
    return false;
}

struct row {
    const char *schema, *wanted, *lost;
};

static void expect_rows(enum schema_form form, const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        expect(form, rows[i].schema, rows[i].wanted);
        if (rows[i].lost ? !is_lost(rows[i].lost) : lost != NULL)
            EXPECT_FAIL("%s: lost '%.*s', expected %s", rows[i].schema,
                        lost ? (int)lost->name.len : 0, lost ? lost->name.ptr : "",
                        rows[i].lost ? rows[i].lost : "nothing");
    }
}

TEST(the_openapi_form_has_types_in_capitals_and_no_other_words)
{
    static const struct row rows[] = {
        {"{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},"
         "\"required\":[\"city\",\"gone\"],\"additionalProperties\":false,\"$schema\":\"x\"}",
         "{\"type\":\"OBJECT\",\"properties\":{\"city\":{\"type\":\"STRING\"}},"
         "\"required\":[\"city\"]}",
         NULL},
        {"{\"type\":\"object\",\"properties\":{}}", "{\"type\":\"OBJECT\"}", NULL},
        {"{\"properties\":{\"a\":{\"items\":{\"type\":\"number\"}}}}",
         "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"ARRAY\",\"items\":"
         "{\"type\":\"NUMBER\"}}}}",
         NULL},
        {"{\"type\":\"array\"}", "{\"type\":\"ARRAY\",\"items\":{\"type\":\"STRING\"}}", NULL},
        {"{\"type\":[\"string\",\"null\"]}", "{\"type\":\"STRING\",\"nullable\":true}", NULL},
        {"{\"type\":[\"string\",\"integer\"]}",
         "{\"anyOf\":[{\"type\":\"STRING\"},{\"type\":\"INTEGER\"}]}", NULL},
        {"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}],\"description\":\"d\"}",
         "{\"type\":\"INTEGER\",\"nullable\":true,\"description\":\"d\"}", NULL},
        {"{\"oneOf\":[{\"type\":\"integer\"},{\"const\":\"all\"}],\"description\":\"d\"}",
         "{\"anyOf\":[{\"type\":\"INTEGER\",\"description\":\"d\"},{\"type\":\"STRING\","
         "\"enum\":[\"all\"],\"description\":\"d\"}]}",
         NULL},
        {"{\"allOf\":[{\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]},"
         "{\"properties\":{\"b\":{\"type\":\"boolean\"}},\"required\":[\"b\"]}]}",
         "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"},\"b\":"
         "{\"type\":\"BOOLEAN\"}},\"required\":[\"a\",\"b\"]}",
         NULL},
        {"{\"type\":\"integer\",\"exclusiveMinimum\":0,\"exclusiveMaximum\":10}",
         "{\"type\":\"INTEGER\",\"minimum\":1,\"maximum\":9}", NULL},
        {"{\"type\":\"number\",\"exclusiveMinimum\":0}", "{\"type\":\"NUMBER\",\"minimum\":0}",
         "exclusiveMinimum"},
        {"{\"type\":\"integer\",\"enum\":[1,2],\"description\":\"Size.\"}",
         "{\"type\":\"INTEGER\",\"description\":\"Size. One of: [1,2]\"}", "enum (not strings)"},
        {"{\"type\":\"string\",\"enum\":[\"a\",null]}",
         "{\"type\":\"STRING\",\"nullable\":true,\"enum\":[\"a\"]}", NULL},
        {"{\"type\":\"string\",\"format\":\"date-time\"}",
         "{\"type\":\"STRING\",\"format\":\"date-time\"}", NULL},
        {"{\"type\":\"string\",\"format\":\"uri\"}", "{\"type\":\"STRING\"}", "format"},
        {"{\"type\":\"string\",\"pattern\":\"^a$\",\"minLength\":1}",
         "{\"pattern\":\"^a$\",\"minLength\":1,\"type\":\"STRING\"}", NULL},
        {"{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"uniqueItems\":true}",
         "{\"type\":\"ARRAY\",\"items\":{\"type\":\"STRING\"}}", "uniqueItems"},
        {"{}", "{\"type\":\"STRING\"}", "type (any)"},
    };
    expect_rows(SCHEMA_OPENAPI, rows, sizeof(rows) / sizeof(rows[0]));
}

TEST(references_are_written_out_with_what_stands_beside_them)
{
    expect(SCHEMA_OPENAPI,
           "{\"type\":\"object\",\"properties\":{\"p\":{\"$ref\":\"#/$defs/P\",\"description\":"
           "\"where\"}},\"$defs\":{\"P\":{\"type\":\"object\",\"properties\":{\"x\":{\"$ref\":"
           "\"#/$defs/N\"}}},\"N\":{\"type\":\"number\"}}}",
           "{\"type\":\"OBJECT\",\"properties\":{\"p\":{\"type\":\"OBJECT\",\"description\":"
           "\"where\",\"properties\":{\"x\":{\"type\":\"NUMBER\"}}}}}");
    EXPECT(lost == NULL);
    convert(SCHEMA_OPENAPI, "{\"$ref\":\"other.json#/x\"}");
    EXPECT(is_lost("$ref"));
}

TEST(a_reference_into_itself_ends_after_two_rounds)
{
    expect(SCHEMA_OPENAPI,
           "{\"$ref\":\"#/$defs/T\",\"$defs\":{\"T\":{\"type\":\"object\",\"properties\":{"
           "\"t\":{\"$ref\":\"#/$defs/T\"}}}}}",
           "{\"type\":\"OBJECT\",\"properties\":{\"t\":{\"type\":\"OBJECT\",\"properties\":{\"t\":"
           "{\"type\":\"OBJECT\"}}}}}");
    EXPECT(is_lost("$ref (recursive)"));
    convert(SCHEMA_OPENAPI, "{\"$ref\":\"#\"}");
    convert(SCHEMA_JSON, "{\"$ref\":\"#\"}");
    convert(SCHEMA_OPENAPI, "{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#/allOf/0\"}]}");
    convert(SCHEMA_JSON, "{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#/allOf/0\"}]}");
}

TEST(references_that_multiply_are_refused)
{
    struct buf text;
    buf_init(&text, 0);
    buf_add_lit(&text, "{\"$ref\":\"#/$defs/d0\",\"$defs\":{");
    for (unsigned i = 0; i < 20; i++)
        buf_printf(&text,
                   "\"d%u\":{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/d%u\"},"
                   "\"b\":{\"$ref\":\"#/$defs/d%u\"}}},",
                   i, i + 1, i + 1);
    buf_add_lit(&text, "\"d20\":{\"type\":\"string\"}}}");
    arena_release(&arena);
    buf_clear(&out);
    buf_add_lit(&out, "before");
    EXPECT_EQ(schema_gemini_write(buf_str(&text), SCHEMA_OPENAPI, &arena, &out, &lost),
              ERR_BODY_TOO_LARGE);
    EXPECT(str_eq(buf_str(&out), STR("before")));
    EXPECT_EQ(schema_gemini_write(buf_str(&text), SCHEMA_JSON, &arena, &out, &lost), ERR_NONE);
    buf_release(&text);
}

TEST(the_json_form_keeps_references_and_rewrites_what_it_lacks)
{
    static const struct row rows[] = {
        {"{\"type\":\"object\",\"$schema\":\"x\",\"properties\":{\"a\":{\"$ref\":"
         "\"#/definitions/A\"}},\"definitions\":{\"A\":{\"type\":\"string\"}},"
         "\"additionalProperties\":false}",
         "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/A\"}},"
         "\"additionalProperties\":false,\"$defs\":{\"A\":{\"type\":\"string\"}}}",
         NULL},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/A\",\"description\":\"d\"}}"
         ",\"$defs\":{\"A\":{\"type\":\"string\"}}}",
         "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"description\":\"d\"}},"
         "\"$defs\":{\"A\":{\"type\":\"string\"}}}",
         NULL},
        {"{\"const\":5}", "{\"enum\":[5]}", NULL},
        {"{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",null]}",
         "{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",null]}", NULL},
        {"{\"type\":\"string\",\"nullable\":true}", "{\"type\":[\"string\",\"null\"]}", NULL},
        {"{\"type\":\"integer\",\"exclusiveMinimum\":0}", "{\"type\":\"integer\",\"minimum\":1}",
         NULL},
        {"{\"type\":\"string\",\"pattern\":\"a\"}", "{\"type\":\"string\"}", "pattern"},
        {"{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}",
         "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", NULL},
        {"{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
         "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
         NULL},
    };
    expect_rows(SCHEMA_JSON, rows, sizeof(rows) / sizeof(rows[0]));
}

TEST(recursion_in_the_json_form_stays_a_reference)
{
    static const char tree[] =
        "{\"$ref\":\"#/$defs/T\",\"$defs\":{\"T\":{\"type\":\"object\",\"properties\":{"
        "\"t\":{\"$ref\":\"#/$defs/T\"}}}}}";
    str got = convert(SCHEMA_JSON, tree);
    EXPECT_CONTAINS(got, "\"t\":{\"$ref\":\"#/$defs/T\"}");
    EXPECT(lost == NULL);
}

TEST(what_is_no_object_is_refused)
{
    arena_release(&arena);
    EXPECT_EQ(schema_gemini_write(STR("[]"), SCHEMA_JSON, &arena, &out, &lost), ERR_FIELD_INVALID);
    EXPECT_EQ(schema_gemini_write(STR("true"), SCHEMA_OPENAPI, &arena, &out, &lost),
              ERR_FIELD_INVALID);
}

TEST(deep_schemas_are_cut)
{
    struct buf text;
    buf_init(&text, 0);
    for (unsigned i = 0; i < 45; i++)
        buf_add_lit(&text, "{\"type\":\"array\",\"items\":");
    buf_add_lit(&text, "{}");
    for (unsigned i = 0; i < 45; i++)
        buf_add_lit(&text, "}");
    for (unsigned form = 0; form < 2; form++) {
        arena_release(&arena);
        buf_clear(&out);
        EXPECT_EQ(schema_gemini_write(buf_str(&text), (enum schema_form)form, &arena, &out, &lost),
                  ERR_NONE);
        EXPECT(is_lost("nesting"));
    }
    buf_release(&text);
}
