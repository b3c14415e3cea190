/*
 * JSON Schemas as Anthropic's structured output takes them (docs: "Structured outputs", JSON Schema
 * limitations): every object closed, `oneOf` as `anyOf`, and keywords that it refuses moved into the
 * description, where the model still reads them, as the official clients do.
 */
#include "llm/dialect/anthropic_impl.h"

struct rewriting {
    const struct json_doc *doc;
    struct arena *arena;
    struct buf *out;
    struct buf moved; /* names, each once */
};

/* Refused whatever their value. */
static const str refused[] = {
    STR_INIT("minimum"),
    STR_INIT("maximum"),
    STR_INIT("exclusiveMinimum"),
    STR_INIT("exclusiveMaximum"),
    STR_INIT("multipleOf"),
    STR_INIT("minLength"),
    STR_INIT("maxLength"),
    STR_INIT("maxItems"),
    STR_INIT("uniqueItems"),
    STR_INIT("contains"),
    STR_INIT("minProperties"),
    STR_INIT("maxProperties"),
    STR_INIT("if"),
    STR_INIT("then"),
    STR_INIT("else"),
    STR_INIT("not"),
    STR_INIT("patternProperties"),
    STR_INIT("propertyNames"),
    STR_INIT("dependentRequired"),
    STR_INIT("dependentSchemas"),
    STR_INIT("unevaluatedProperties"),
};

static const str formats[] = {
    STR_INIT("date-time"), STR_INIT("time"),     STR_INIT("date"), STR_INIT("duration"),
    STR_INIT("email"),     STR_INIT("hostname"), STR_INIT("uri"),  STR_INIT("ipv4"),
    STR_INIT("ipv6"),      STR_INIT("uuid"),
};

static bool is_one_of(const struct rewriting *r, uint32_t node, const str *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (json_string_eq(r->doc, node, list[i]))
            return true;
    return false;
}

static bool named(const struct rewriting *r, uint32_t name, const char *text)
{
    return json_string_eq(r->doc, name, str_from_c(text));
}

/* A pattern with what regular expressions of grammars lack: look-around, back references, borders. */
static bool is_complex(str pattern)
{
    return str_find(pattern, STR("(?")) >= 0 || str_find(pattern, STR("\\\\b")) >= 0 ||
           str_find(pattern, STR("\\\\1")) >= 0;
}

static bool is_refused(const struct rewriting *r, uint32_t name)
{
    uint32_t value = json_value(name);
    int64_t n;
    if (is_one_of(r, name, refused, ARRAY_LEN(refused)))
        return true;
    if (named(r, name, "minItems"))
        return !json_is(r->doc, value, JSON_NUMBER) || !json_to_i64(json_raw(r->doc, value), &n) ||
               n > 1;
    if (named(r, name, "format"))
        return !json_is(r->doc, value, JSON_STRING) ||
               !is_one_of(r, value, formats, ARRAY_LEN(formats));
    return named(r, name, "pattern") && json_is(r->doc, value, JSON_STRING) &&
           is_complex(json_string_raw(r->doc, value));
}

static void note_moved(struct rewriting *r, str name)
{
    if (str_find(buf_str(&r->moved), name) >= 0)
        return;
    if (r->moved.len)
        buf_add_lit(&r->moved, " ");
    buf_add_str(&r->moved, name);
}

static void write_schema(struct rewriting *r, uint32_t node);

/* An object whose values are schemas (properties, $defs). */
static void write_schemas(struct rewriting *r, uint32_t node)
{
    const char *before = "";
    buf_add_byte(r->out, '{');
    JSON_EACH (name, r->doc, node) {
        buf_add_str(r->out, str_from_c(before));
        buf_add_str(r->out, json_raw(r->doc, name));
        buf_add_byte(r->out, ':');
        write_schema(r, json_value(name));
        before = ",";
    }
    buf_add_byte(r->out, '}');
}

static void write_list(struct rewriting *r, uint32_t node)
{
    const char *before = "";
    buf_add_byte(r->out, '[');
    JSON_EACH (one, r->doc, node) {
        buf_add_str(r->out, str_from_c(before));
        write_schema(r, one);
        before = ",";
    }
    buf_add_byte(r->out, ']');
}

static void write_value(struct rewriting *r, uint32_t name)
{
    uint32_t value = json_value(name);
    bool schemas =
        named(r, name, "properties") || named(r, name, "$defs") || named(r, name, "definitions");
    bool list = named(r, name, "anyOf") || named(r, name, "oneOf") || named(r, name, "allOf") ||
                named(r, name, "prefixItems");
    if (schemas && json_is(r->doc, value, JSON_OBJECT))
        write_schemas(r, value);
    else if (list && json_is(r->doc, value, JSON_ARRAY))
        write_list(r, value);
    else if (named(r, name, "items") && json_is(r->doc, value, JSON_OBJECT))
        write_schema(r, value);
    else
        buf_add_str(r->out, json_raw(r->doc, value));
}

/* The description with {keyword: value} of all that was refused behind it. */
static void write_description(struct rewriting *r, uint32_t node, const char *before)
{
    uint32_t said = json_member(r->doc, node, STR("description"));
    bool words = json_is(r->doc, said, JSON_STRING) && json_string_raw(r->doc, said).len > 0;
    const char *between = words ? " {" : "{";
    buf_printf(r->out, "%s\"description\":\"", before);
    if (words)
        buf_add_str(r->out, json_string_raw(r->doc, said));
    JSON_EACH (name, r->doc, node) {
        if (!is_refused(r, name))
            continue;
        buf_add_str(r->out, str_from_c(between));
        buf_add_str(r->out, json_string_raw(r->doc, name));
        buf_add_lit(r->out, ": ");
        json_escape(r->out, json_raw(r->doc, json_value(name)));
        note_moved(r, json_string_raw(r->doc, name));
        between = ", ";
    }
    buf_add_lit(r->out, "}\"");
}

static bool has_refused(const struct rewriting *r, uint32_t node)
{
    JSON_EACH (name, r->doc, node) {
        if (is_refused(r, name))
            return true;
    }
    return false;
}

static bool is_object_schema(const struct rewriting *r, uint32_t node)
{
    uint32_t type = json_member(r->doc, node, STR("type"));
    if (json_is(r->doc, type, JSON_STRING))
        return named(r, type, "object");
    JSON_EACH (one, r->doc, type) {
        if (json_is(r->doc, one, JSON_STRING) && named(r, one, "object"))
            return true;
    }
    return type == JSON_NONE &&
           json_is(r->doc, json_member(r->doc, node, STR("properties")), JSON_OBJECT);
}

static void note_closed(struct rewriting *r, uint32_t node)
{
    uint32_t more = json_member(r->doc, node, STR("additionalProperties"));
    if (more != JSON_NONE && !json_is(r->doc, more, JSON_FALSE))
        note_moved(r, STR("additionalProperties"));
}

static void write_schema(struct rewriting *r, uint32_t node)
{
    const char *before = "";
    bool moves = has_refused(r, node), closes = is_object_schema(r, node);
    if (!json_is(r->doc, node, JSON_OBJECT)) { /* true, false, or nonsense */
        buf_add_str(r->out, json_raw(r->doc, node));
        return;
    }
    buf_add_byte(r->out, '{');
    JSON_EACH (name, r->doc, node) {
        if (is_refused(r, name) || (moves && named(r, name, "description")) ||
            (closes && named(r, name, "additionalProperties")))
            continue;
        buf_add_str(r->out, str_from_c(before));
        if (named(r, name, "oneOf"))
            buf_add_lit(r->out, "\"anyOf\"");
        else
            buf_add_str(r->out, json_raw(r->doc, name));
        buf_add_byte(r->out, ':');
        write_value(r, name);
        before = ",";
    }
    if (moves) {
        write_description(r, node, before);
        before = ",";
    }
    if (closes) {
        note_closed(r, node);
        buf_printf(r->out, "%s\"additionalProperties\":false", before);
    }
    buf_add_byte(r->out, '}');
}

str anthropic_strict_schema(struct arena *a, str schema, str *changed)
{
    struct json_doc doc;
    struct buf out;
    *changed = STR_NULL;
    enum err err = json_parse(&doc, a, schema, NULL);
    if (err)
        return err == ERR_NO_MEMORY ? STR_NULL : schema;
    struct rewriting r = {.doc = &doc, .arena = a, .out = &out};
    buf_init(&out, 0);
    buf_init(&r.moved, 0);
    write_schema(&r, JSON_ROOT);
    str text = out.failed ? STR_NULL : arena_str(a, buf_str(&out));
    if (r.moved.len)
        *changed = arena_str(a, buf_str(&r.moved));
    buf_release(&out);
    buf_release(&r.moved);
    return text;
}
