#include "llm/schema_gemini_impl.h"

/* What branches of an anyOf get from the schema they stand in. */
struct inherited {
    bool nullable;
    uint32_t description;
};

static void write_schema(struct schema_converter *c, uint32_t node, const struct inherited *from,
                         unsigned depth);

/* --- Types ----------------------------------------------------------------------------------- */

struct types {
    str names[8];
    unsigned count;
    bool null;
};

static void add_type(struct schema_converter *c, struct types *t, uint32_t node)
{
    static const str known[] = {STR_INIT("string"),  STR_INIT("number"), STR_INIT("integer"),
                                STR_INIT("boolean"), STR_INIT("array"),  STR_INIT("object"),
                                STR_INIT("null")};
    str text;
    if (!json_is(c->doc, node, JSON_STRING))
        return;
    if (json_string_decode(c->doc, node, c->arena, &text)) {
        c->no_memory = true;
        return;
    }
    for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
        if (!str_ieq(text, known[i]))
            continue;
        if (str_eq(known[i], STR("null")))
            t->null = true;
        else if (t->count < ARRAY_LEN(t->names))
            t->names[t->count++] = known[i];
    }
}

static struct types types_of(struct schema_converter *c, const struct schema_layers *l)
{
    struct types t = {.count = 0};
    uint32_t type = schema_find(c, l, STR("type"));
    if (json_is(c->doc, type, JSON_ARRAY))
        JSON_EACH (one, c->doc, type)
            add_type(c, &t, one);
    else
        add_type(c, &t, type);
    if (json_is(c->doc, schema_find(c, l, STR("nullable")), JSON_TRUE))
        t.null = true;
    uint32_t list = schema_find(c, l, STR("enum"));
    JSON_EACH (one, c->doc, list)
        t.null = t.null || json_is(c->doc, one, JSON_NULL);
    return t;
}

/* For a schema that does not say. */
static str type_by_keywords(struct schema_converter *c, const struct schema_layers *l)
{
    if (schema_has(c, l, STR("properties")) || schema_has(c, l, STR("required")) ||
        schema_has(c, l, STR("additionalProperties")) || l->cut)
        return STR("object");
    if (schema_has(c, l, STR("items")) || schema_has(c, l, STR("prefixItems")))
        return STR("array");
    if (schema_has(c, l, STR("minimum")) || schema_has(c, l, STR("maximum")))
        return STR("number");
    if (!schema_has(c, l, STR("enum")) && !schema_has(c, l, STR("const")) &&
        !schema_has(c, l, STR("pattern")))
        schema_lose(c, STR("type (any)"));
    return STR("string");
}

static void write_type(struct schema_converter *c, str type)
{
    char capitals[16];
    CHECK(type.len < sizeof(capitals));
    for (size_t i = 0; i < type.len; i++) {
        bool up = c->form == SCHEMA_OPENAPI && type.ptr[i] >= 'a' && type.ptr[i] <= 'z';
        capitals[i] = up ? (char)(type.ptr[i] - 'a' + 'A') : type.ptr[i];
    }
    json_write_member(&c->w, STR("type"), str_make(capitals, type.len));
}

/* --- Parts of a schema ----------------------------------------------------------------------- */

static void write_kept(struct schema_converter *c, const struct schema_layers *l)
{
    for (unsigned i = 0; i < l->count; i++)
        JSON_EACH (name, c->doc, l->nodes[i]) {
            enum use use = schema_use(c, name);
            str key = json_string_raw(c->doc, name);
            if (use == USE_LOST)
                schema_lose(c, key);
            if (use == USE_KEPT && schema_find(c, l, key) == json_value(name))
                json_write_member_raw(&c->w, key, json_raw(c->doc, json_value(name)));
        }
}

/* Bounds that exclude their value; draft 4 has a boolean beside the bound. */
static void write_bound(struct schema_converter *c, const struct schema_layers *l, str name,
                        str exclusive, bool integer, int step)
{
    uint32_t bound = schema_find(c, l, name), sharp = schema_find(c, l, exclusive);
    bool is_sharp = json_is(c->doc, sharp, JSON_TRUE);
    if (json_is(c->doc, sharp, JSON_NUMBER)) {
        bound = sharp;
        is_sharp = true;
    }
    if (!json_is(c->doc, bound, JSON_NUMBER))
        return;
    str text = json_raw(c->doc, bound);
    int64_t whole;
    bool moved =
        is_sharp && integer && json_to_i64(text, &whole) && whole > INT64_MIN && whole < INT64_MAX;
    json_write_key(&c->w, name);
    if (moved)
        json_write_i64(&c->w, whole + step);
    else
        json_write_raw(&c->w, text);
    if (is_sharp && !moved)
        schema_lose(c, exclusive);
}

static void write_bounds(struct schema_converter *c, const struct schema_layers *l, str type)
{
    bool integer = str_eq(type, STR("integer"));
    write_bound(c, l, STR("minimum"), STR("exclusiveMinimum"), integer, 1);
    write_bound(c, l, STR("maximum"), STR("exclusiveMaximum"), integer, -1);
}

/* Whether a property of this name is in a layer, and it is the first one so named. */
static bool is_first_property(const struct schema_converter *c, const struct schema_layers *l,
                              unsigned layer, uint32_t name)
{
    str key = json_string_raw(c->doc, name);
    for (unsigned i = 0; i < layer; i++) {
        uint32_t properties = json_member(c->doc, l->nodes[i], STR("properties"));
        JSON_EACH (other, c->doc, properties)
            if (str_eq(json_string_raw(c->doc, other), key))
                return false;
    }
    return true;
}

static bool is_property(const struct schema_converter *c, const struct schema_layers *l,
                        uint32_t string)
{
    return json_is(c->doc, string, JSON_STRING) && !is_first_property(c, l, l->count, string);
}

static bool any_properties(const struct schema_converter *c, const struct schema_layers *l)
{
    for (unsigned i = 0; i < l->count; i++)
        if (json_count(c->doc, json_member(c->doc, l->nodes[i], STR("properties"))))
            return true;
    return false;
}

static void write_properties(struct schema_converter *c, const struct schema_layers *l,
                             unsigned depth)
{
    if (!any_properties(c, l))
        return;
    json_write_key(&c->w, STR("properties"));
    json_write_object(&c->w);
    for (unsigned i = 0; i < l->count; i++)
        JSON_EACH (name, c->doc, json_member(c->doc, l->nodes[i], STR("properties"))) {
            if (!is_first_property(c, l, i, name))
                continue;
            str key;
            if (json_string_decode(c->doc, name, c->arena, &key)) {
                c->no_memory = true;
                continue;
            }
            json_write_key(&c->w, key);
            write_schema(c, json_value(name), NULL, depth + 1);
        }
    json_write_object_end(&c->w);
}

static void write_required(struct schema_converter *c, const struct schema_layers *l)
{
    bool open = false;
    for (unsigned i = 0; i < l->count; i++) {
        uint32_t required = json_member(c->doc, l->nodes[i], STR("required"));
        if (!json_is(c->doc, required, JSON_ARRAY))
            continue;
        JSON_EACH (name, c->doc, required) {
            if (!is_property(c, l, name))
                continue;
            if (!open) {
                json_write_key(&c->w, STR("required"));
                json_write_array(&c->w);
                open = true;
            }
            json_write_raw(&c->w, json_raw(c->doc, name));
        }
    }
    if (open)
        json_write_array_end(&c->w);
}

static void write_any_string(struct schema_converter *c)
{
    json_write_object(&c->w);
    write_type(c, STR("string"));
    json_write_object_end(&c->w);
}

static void write_items(struct schema_converter *c, const struct schema_layers *l, bool is_array,
                        unsigned depth)
{
    uint32_t items = schema_find(c, l, STR("items"));
    if (json_is(c->doc, items, JSON_ARRAY)) { /* before 2020-12: one schema for each place */
        schema_lose(c, STR("items (one by one)"));
        items = json_first(c->doc, items);
    }
    uint32_t prefix = schema_find(c, l, STR("prefixItems"));
    if (c->form == SCHEMA_JSON && json_is(c->doc, prefix, JSON_ARRAY)) {
        json_write_key(&c->w, STR("prefixItems"));
        json_write_array(&c->w);
        JSON_EACH (one, c->doc, prefix)
            write_schema(c, one, NULL, depth + 1);
        json_write_array_end(&c->w);
    } else if (items == JSON_NONE && json_is(c->doc, prefix, JSON_ARRAY)) {
        items = json_first(c->doc, prefix);
    }
    if (json_is(c->doc, items, JSON_OBJECT)) {
        json_write_key(&c->w, STR("items"));
        write_schema(c, items, NULL, depth + 1);
    } else if (is_array && c->form == SCHEMA_OPENAPI) {
        json_write_key(&c->w, STR("items"));
        write_any_string(c);
    }
}

static void write_additional(struct schema_converter *c, const struct schema_layers *l,
                             unsigned depth)
{
    uint32_t more = schema_find(c, l, STR("additionalProperties"));
    if (more == JSON_NONE)
        return;
    if (c->form == SCHEMA_OPENAPI) {
        if (!json_is(c->doc, more, JSON_FALSE))
            schema_lose(c, STR("additionalProperties"));
        return;
    }
    json_write_key(&c->w, STR("additionalProperties"));
    if (json_is(c->doc, more, JSON_OBJECT))
        write_schema(c, more, NULL, depth + 1);
    else
        json_write_bool(&c->w, !json_is(c->doc, more, JSON_FALSE));
}

/* --- Enums, formats, descriptions of the OpenAPI form ---------------------------------------- */

static bool is_null_only(struct schema_converter *c, uint32_t branch)
{
    uint32_t type = json_member(c->doc, branch, STR("type"));
    return json_is(c->doc, type, JSON_STRING) && json_string_eq(c->doc, type, STR("null"));
}

/* Only strings can be listed; numbers are told in the description, so that arguments stay numbers. */
static bool enum_is_strings(const struct schema_converter *c, uint32_t list)
{
    JSON_EACH (one, c->doc, list)
        if (!json_is(c->doc, one, JSON_STRING) && !json_is(c->doc, one, JSON_NULL))
            return false;
    return true;
}

static void write_enum(struct schema_converter *c, uint32_t list, uint32_t constant)
{
    if (constant != JSON_NONE) {
        json_write_key(&c->w, STR("enum"));
        json_write_array(&c->w);
        json_write_raw(&c->w, json_raw(c->doc, constant));
        json_write_array_end(&c->w);
        return;
    }
    json_write_key(&c->w, STR("enum"));
    json_write_array(&c->w);
    JSON_EACH (one, c->doc, list)
        if (json_is(c->doc, one, JSON_STRING))
            json_write_raw(&c->w, json_raw(c->doc, one));
    json_write_array_end(&c->w);
}

static void write_enum_or_description(struct schema_converter *c, const struct schema_layers *l,
                                      uint32_t inherited)
{
    uint32_t list = schema_find(c, l, STR("enum")), constant = schema_find(c, l, STR("const"));
    uint32_t description = schema_find(c, l, STR("description"));
    if (!json_is(c->doc, description, JSON_STRING))
        description = inherited;
    if (!json_is(c->doc, list, JSON_ARRAY))
        list = JSON_NONE;
    str said =
        json_is(c->doc, description, JSON_STRING) ? json_string_raw(c->doc, description) : STR_NULL;
    bool strings =
        constant != JSON_NONE ? json_is(c->doc, constant, JSON_STRING) : enum_is_strings(c, list);
    bool limited = constant != JSON_NONE || list != JSON_NONE;
    if (limited && strings)
        write_enum(c, list, constant);
    if (limited && !strings) {
        struct buf text;
        buf_init(&text, 0);
        buf_add_str(&text, said);
        buf_add_str(&text, said.len ? STR(" One of: ") : STR("One of: "));
        json_escape(&text, json_raw(c->doc, constant != JSON_NONE ? constant : list));
        json_write_key(&c->w, STR("description"));
        json_write_raw_string(&c->w, buf_str(&text));
        c->no_memory = c->no_memory || text.failed;
        buf_release(&text);
        schema_lose(c, STR("enum (not strings)"));
    } else if (!str_is_null(said)) {
        json_write_key(&c->w, STR("description"));
        json_write_raw_string(&c->w, said);
    }
}

static void write_format(struct schema_converter *c, const struct schema_layers *l, str type)
{
    static const struct {
        str type, format;
    } known[] = {
        {STR_INIT("number"), STR_INIT("float")},  {STR_INIT("number"), STR_INIT("double")},
        {STR_INIT("integer"), STR_INIT("int32")}, {STR_INIT("integer"), STR_INIT("int64")},
        {STR_INIT("string"), STR_INIT("enum")},   {STR_INIT("string"), STR_INIT("date-time")},
    };
    uint32_t format = schema_find(c, l, STR("format"));
    if (!json_is(c->doc, format, JSON_STRING))
        return;
    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(type, known[i].type) && json_string_eq(c->doc, format, known[i].format)) {
            json_write_member(&c->w, STR("format"), known[i].format);
            return;
        }
    schema_lose(c, STR("format"));
}

/* --- Alternatives ---------------------------------------------------------------------------- */

static uint32_t branches_of(const struct schema_converter *c, const struct schema_layers *l)
{
    uint32_t any = schema_find(c, l, STR("anyOf"));
    if (!json_is(c->doc, any, JSON_ARRAY))
        any = schema_find(c, l, STR("oneOf"));
    return json_is(c->doc, any, JSON_ARRAY) && json_count(c->doc, any) ? any : JSON_NONE;
}

/* Branches that are not null; the only one is added to the layers, and JSON_NONE returned. */
static uint32_t alternatives(struct schema_converter *c, struct schema_layers *l, bool *null)
{
    uint32_t any = branches_of(c, l), only = JSON_NONE;
    unsigned count = 0;
    if (schema_has(c, l, STR("anyOf")) && schema_has(c, l, STR("oneOf")))
        schema_lose(c, STR("oneOf"));
    JSON_EACH (branch, c->doc, any) {
        if (is_null_only(c, branch)) {
            *null = true;
        } else {
            only = branch;
            count++;
        }
    }
    if (count != 1)
        return count ? any : JSON_NONE;
    if (json_member(c->doc, only, STR("anyOf")) || json_member(c->doc, only, STR("oneOf")))
        schema_lose(c, STR("anyOf"));
    schema_add_layers(c, l, only);
    return JSON_NONE;
}

static void write_branches(struct schema_converter *c, uint32_t any, const struct inherited *from,
                           unsigned depth)
{
    json_write_key(&c->w, STR("anyOf"));
    json_write_array(&c->w);
    JSON_EACH (branch, c->doc, any)
        if (c->form == SCHEMA_JSON || !is_null_only(c, branch))
            write_schema(c, branch, from, depth + 1);
    json_write_array_end(&c->w);
}

/* --- A schema -------------------------------------------------------------------------------- */

static void write_one_type(struct schema_converter *c, const struct schema_layers *l, str type,
                           bool nullable, uint32_t description, unsigned depth)
{
    write_type(c, type);
    if (nullable) {
        json_write_key(&c->w, STR("nullable"));
        json_write_bool(&c->w, true);
    }
    write_enum_or_description(c, l, description);
    write_format(c, l, type);
    if (str_eq(type, STR("integer")) || str_eq(type, STR("number")))
        write_bounds(c, l, type);
    if (str_eq(type, STR("array")))
        write_items(c, l, true, depth);
    if (str_eq(type, STR("object"))) {
        write_properties(c, l, depth);
        write_required(c, l);
        write_additional(c, l, depth);
    }
}

static void write_types(struct schema_converter *c, const struct schema_layers *l,
                        const struct types *t, bool nullable, uint32_t description, unsigned depth)
{
    json_write_key(&c->w, STR("anyOf"));
    json_write_array(&c->w);
    for (unsigned i = 0; i < t->count; i++) {
        json_write_object(&c->w);
        write_one_type(c, l, t->names[i], nullable, description, depth + 1);
        json_write_object_end(&c->w);
    }
    json_write_array_end(&c->w);
}

static void write_openapi(struct schema_converter *c, struct schema_layers *l,
                          const struct inherited *from, unsigned depth)
{
    bool null = from && from->nullable;
    uint32_t any = alternatives(c, l, &null);
    struct types t = types_of(c, l);
    struct inherited down = {null || t.null, schema_find(c, l, STR("description"))};
    if (down.description == JSON_NONE && from)
        down.description = from->description;
    if (any != JSON_NONE && (t.count || any_properties(c, l))) {
        schema_lose(c, STR("anyOf")); /* it may have nothing beside it */
        any = JSON_NONE;
    }
    if (any != JSON_NONE) {
        write_branches(c, any, &down, depth);
        return;
    }
    if (t.count > 1) {
        write_types(c, l, &t, down.nullable, down.description, depth);
        return;
    }
    write_kept(c, l);
    write_one_type(c, l, t.count ? t.names[0] : type_by_keywords(c, l), down.nullable,
                   down.description, depth);
}

static void write_json_type(struct schema_converter *c, const struct schema_layers *l)
{
    uint32_t type = schema_find(c, l, STR("type"));
    bool null = json_is(c->doc, schema_find(c, l, STR("nullable")), JSON_TRUE);
    if (type == JSON_NONE)
        return;
    json_write_key(&c->w, STR("type"));
    if (null && json_is(c->doc, type, JSON_STRING)) {
        json_write_array(&c->w);
        json_write_raw(&c->w, json_raw(c->doc, type));
        json_write_string(&c->w, STR("null"));
        json_write_array_end(&c->w);
        return;
    }
    json_write_raw(&c->w, json_raw(c->doc, type));
}

static void write_defs(struct schema_converter *c, unsigned depth)
{
    static const str places[] = {STR_INIT("$defs"), STR_INIT("definitions")};
    bool open = false;
    for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
        uint32_t defs = json_member(c->doc, JSON_ROOT, places[i]);
        if (!json_is(c->doc, defs, JSON_OBJECT))
            continue;
        JSON_EACH (name, c->doc, defs) {
            if (!open) {
                json_write_key(&c->w, STR("$defs"));
                json_write_object(&c->w);
                open = true;
            }
            str key;
            if (json_string_decode(c->doc, name, c->arena, &key)) {
                c->no_memory = true;
                continue;
            }
            json_write_key(&c->w, key);
            write_schema(c, json_value(name), NULL, depth + 1);
        }
    }
    if (open)
        json_write_object_end(&c->w);
}

static void write_kept_ref(struct schema_converter *c, uint32_t ref)
{
    str name = schema_name_in_defs(c, ref);
    str text = arena_printf(c->arena, "#/$defs/%.*s", STR_ARG(name));
    c->no_memory = c->no_memory || str_is_null(text);
    json_write_member(&c->w, STR("$ref"), text);
}

static void write_json(struct schema_converter *c, struct schema_layers *l, unsigned depth)
{
    if (l->ref_kept != JSON_NONE) {
        write_kept_ref(c, l->ref_kept); /* nothing may stand beside it */
        return;
    }
    uint32_t constant = schema_find(c, l, STR("const")), any = branches_of(c, l);
    uint32_t type = schema_find(c, l, STR("type"));
    bool integer =
        json_is(c->doc, type, JSON_STRING) && json_string_eq(c->doc, type, STR("integer"));
    write_json_type(c, l);
    write_kept(c, l);
    if (constant != JSON_NONE && !schema_has(c, l, STR("enum")))
        write_enum(c, JSON_NONE, constant);
    write_bounds(c, l, integer ? STR("integer") : STR("number"));
    write_items(c, l, false, depth);
    write_properties(c, l, depth);
    write_required(c, l);
    write_additional(c, l, depth);
    if (any != JSON_NONE)
        write_branches(c, any, NULL, depth);
    if (depth == 0)
        write_defs(c, depth);
}

static void write_schema(struct schema_converter *c, uint32_t node, const struct inherited *from,
                         unsigned depth)
{
    json_write_object(&c->w);
    if (depth > SCHEMA_DEPTH_MAX || c->schemas > SCHEMA_COUNT_MAX) {
        schema_lose(c, STR("nesting"));
        write_type(c, STR("object"));
        json_write_object_end(&c->w);
        return;
    }
    c->schemas++;
    struct schema_layers l = {.active_before = c->active_count};
    if (node == JSON_ROOT && c->active_count < SCHEMA_ACTIVE_MAX)
        c->active[c->active_count++] = JSON_ROOT;
    schema_add_layers(c, &l, node);
    if (c->form == SCHEMA_OPENAPI)
        write_openapi(c, &l, from, depth);
    else
        write_json(c, &l, depth);
    c->active_count = l.active_before;
    json_write_object_end(&c->w);
}

enum err schema_gemini_write(str schema, enum schema_form form, struct arena *a, struct buf *out,
                             struct name_list **lost)
{
    static const struct json_options options = {.root_object = true};
    struct json_doc doc;
    enum err err = json_parse(&doc, a, schema, &options);
    *lost = NULL;
    if (err)
        return err == ERR_NO_MEMORY ? err : ERR_FIELD_INVALID;
    size_t before = out->len;
    struct schema_converter c = {.doc = &doc, .arena = a, .form = form};
    json_write_init(&c.w, out);
    write_schema(&c, JSON_ROOT, NULL, 0);
    *lost = c.lost;
    if (c.schemas > SCHEMA_COUNT_MAX)
        err = ERR_BODY_TOO_LARGE;
    if (c.no_memory || out->failed)
        err = ERR_NO_MEMORY;
    if (err && !out->failed)
        out->len = before;
    return err;
}
