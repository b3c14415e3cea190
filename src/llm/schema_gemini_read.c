/* Gemini's Schema message as JSON Schema. */
#include "llm/schema_gemini.h"

#include "wire/json_write.h"

enum { DEPTH_MAX = 28 };

struct reading {
    const struct json_doc *doc;
    struct json_write w;
};

/* Names as the message has them in its other spelling, and as JSON Schema has them. */
static const struct {
    str snake, name;
} names[] = {
    {STR_INIT("any_of"), STR_INIT("anyOf")},
    {STR_INIT("min_items"), STR_INIT("minItems")},
    {STR_INIT("max_items"), STR_INIT("maxItems")},
    {STR_INIT("min_properties"), STR_INIT("minProperties")},
    {STR_INIT("max_properties"), STR_INIT("maxProperties")},
    {STR_INIT("min_length"), STR_INIT("minLength")},
    {STR_INIT("max_length"), STR_INIT("maxLength")},
    {STR_INIT("property_ordering"), STR_INIT("propertyOrdering")},
    {STR_INIT("additional_properties"), STR_INIT("additionalProperties")},
};

static str name_of(const struct json_doc *doc, uint32_t name)
{
    str raw = json_string_raw(doc, name);
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(raw, names[i].snake))
            return names[i].name;
    return raw;
}

static void write_schema(struct reading *r, uint32_t node, unsigned depth);

static bool is_nullable(const struct reading *r, uint32_t node)
{
    return json_is(r->doc, json_member(r->doc, node, STR("nullable")), JSON_TRUE);
}

/* "STRING" → "string"; with null: ["string","null"]. */
static void write_type(struct reading *r, uint32_t value, bool nullable)
{
    char lower[24];
    str type = json_string_raw(r->doc, value);
    if (type.len > sizeof(lower) || str_ieq(type, STR("TYPE_UNSPECIFIED")))
        return;
    for (size_t i = 0; i < type.len; i++) {
        char c = type.ptr[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    json_write_key(&r->w, STR("type"));
    if (nullable) {
        json_write_array(&r->w);
        json_write_raw_string(&r->w, str_make(lower, type.len));
        json_write_string(&r->w, STR("null"));
        json_write_array_end(&r->w);
    } else {
        json_write_raw_string(&r->w, str_make(lower, type.len));
    }
}

static void write_members(struct reading *r, uint32_t object, unsigned depth)
{
    json_write_object(&r->w);
    JSON_EACH (name, r->doc, object) {
        json_write_raw_key(&r->w, json_string_raw(r->doc, name));
        write_schema(r, json_value(name), depth + 1);
    }
    json_write_object_end(&r->w);
}

static void write_each(struct reading *r, uint32_t list, unsigned depth)
{
    json_write_array(&r->w);
    JSON_EACH (one, r->doc, list)
        write_schema(r, one, depth + 1);
    json_write_array_end(&r->w);
}

/* A number that proto JSON has as a string. */
static bool is_count(str key)
{
    static const str counts[] = {STR_INIT("minItems"),      STR_INIT("maxItems"),
                                 STR_INIT("minProperties"), STR_INIT("maxProperties"),
                                 STR_INIT("minLength"),     STR_INIT("maxLength")};
    for (unsigned i = 0; i < ARRAY_LEN(counts); i++)
        if (str_eq(key, counts[i]))
            return true;
    return false;
}

static void write_value(struct reading *r, str key, uint32_t value)
{
    uint64_t number;
    json_write_raw_key(&r->w, key);
    if (is_count(key) && json_is(r->doc, value, JSON_STRING) &&
        str_to_u64(json_string_raw(r->doc, value), &number))
        json_write_u64(&r->w, number);
    else
        json_write_raw(&r->w, json_raw(r->doc, value));
}

static void write_enum(struct reading *r, uint32_t list, bool nullable)
{
    json_write_array(&r->w);
    JSON_EACH (one, r->doc, list)
        json_write_raw(&r->w, json_raw(r->doc, one));
    if (nullable)
        json_write_null(&r->w);
    json_write_array_end(&r->w);
}

static void write_keyword(struct reading *r, uint32_t node, uint32_t name, unsigned depth)
{
    str key = name_of(r->doc, name);
    uint32_t value = json_value(name);
    enum json_kind kind = json_kind(r->doc, value);
    if (kind == JSON_NULL || str_eq(key, STR("nullable")) || str_eq(key, STR("propertyOrdering")))
        return;
    if (str_eq(key, STR("type")) && kind == JSON_STRING) {
        write_type(r, value, is_nullable(r, node));
    } else if (str_eq(key, STR("format")) && kind == JSON_STRING &&
               json_string_eq(r->doc, value, STR("enum"))) {
        return;
    } else if (str_eq(key, STR("properties")) && kind == JSON_OBJECT) {
        json_write_key(&r->w, key);
        write_members(r, value, depth);
    } else if ((str_eq(key, STR("items")) || str_eq(key, STR("additionalProperties"))) &&
               kind == JSON_OBJECT) {
        json_write_key(&r->w, key);
        write_schema(r, value, depth + 1);
    } else if (str_eq(key, STR("anyOf")) && kind == JSON_ARRAY) {
        json_write_key(&r->w, key);
        write_each(r, value, depth);
    } else if (str_eq(key, STR("enum")) && kind == JSON_ARRAY) {
        json_write_key(&r->w, key);
        write_enum(r, value, is_nullable(r, node));
    } else if (str_eq(key, STR("example"))) {
        json_write_key(&r->w, STR("examples"));
        json_write_array(&r->w);
        json_write_raw(&r->w, json_raw(r->doc, value));
        json_write_array_end(&r->w);
    } else {
        write_value(r, key, value);
    }
}

/* What is too deep, or no schema, goes as it is: the target will say. */
static void write_schema(struct reading *r, uint32_t node, unsigned depth)
{
    if (!json_is(r->doc, node, JSON_OBJECT) || depth > DEPTH_MAX) {
        json_write_raw(&r->w, json_raw(r->doc, node));
        return;
    }
    json_write_object(&r->w);
    JSON_EACH (name, r->doc, node)
        write_keyword(r, node, name, depth);
    json_write_object_end(&r->w);
}

enum err schema_gemini_read(const struct json_doc *doc, uint32_t node, struct arena *a, str *out)
{
    struct reading r = {.doc = doc};
    struct buf text;
    buf_init(&text, 0);
    json_write_init(&r.w, &text);
    write_schema(&r, node, 0);
    *out = text.failed ? STR_NULL : arena_str(a, buf_str(&text));
    buf_release(&text);
    return str_is_null(*out) ? ERR_NO_MEMORY : ERR_NONE;
}
