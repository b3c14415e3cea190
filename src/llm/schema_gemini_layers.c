/* Keywords, references and what a schema is made of. */
#include "llm/schema_gemini_impl.h"

void schema_lose(struct schema_converter *c, str keyword)
{
    for (const struct name_list *l = c->lost; l; l = l->next)
        if (str_eq(l->name, keyword))
            return;
    struct name_list *one = arena_zalloc(c->arena, sizeof(*one));
    str name = arena_str(c->arena, keyword);
    if (!one || str_is_null(name)) {
        c->no_memory = true;
        return;
    }
    one->name = name;
    *(c->lost_last ? &c->lost_last->next : &c->lost) = one;
    c->lost_last = one;
}

/* --- Keywords -------------------------------------------------------------------------------- */

struct keyword {
    str name;
    enum use openapi, json;
};

static const struct keyword keywords[] = {
    {STR_INIT("type"), USE_MADE, USE_MADE},
    {STR_INIT("title"), USE_KEPT, USE_KEPT},
    {STR_INIT("description"), USE_MADE, USE_KEPT},
    {STR_INIT("nullable"), USE_MADE, USE_MADE},
    {STR_INIT("enum"), USE_MADE, USE_KEPT},
    {STR_INIT("const"), USE_MADE, USE_MADE},
    {STR_INIT("format"), USE_MADE, USE_KEPT},
    {STR_INIT("properties"), USE_MADE, USE_MADE},
    {STR_INIT("required"), USE_MADE, USE_MADE},
    {STR_INIT("propertyOrdering"), USE_KEPT, USE_KEPT},
    {STR_INIT("items"), USE_MADE, USE_MADE},
    {STR_INIT("prefixItems"), USE_LOST, USE_MADE},
    {STR_INIT("minItems"), USE_KEPT, USE_KEPT},
    {STR_INIT("maxItems"), USE_KEPT, USE_KEPT},
    {STR_INIT("minProperties"), USE_KEPT, USE_LOST},
    {STR_INIT("maxProperties"), USE_KEPT, USE_LOST},
    {STR_INIT("minLength"), USE_KEPT, USE_LOST},
    {STR_INIT("maxLength"), USE_KEPT, USE_LOST},
    {STR_INIT("pattern"), USE_KEPT, USE_LOST},
    {STR_INIT("default"), USE_KEPT, USE_LOST},
    {STR_INIT("example"), USE_KEPT, USE_SILENT},
    {STR_INIT("minimum"), USE_MADE, USE_MADE},
    {STR_INIT("maximum"), USE_MADE, USE_MADE},
    {STR_INIT("exclusiveMinimum"), USE_MADE, USE_MADE},
    {STR_INIT("exclusiveMaximum"), USE_MADE, USE_MADE},
    {STR_INIT("anyOf"), USE_MADE, USE_MADE},
    {STR_INIT("oneOf"), USE_MADE, USE_MADE},
    {STR_INIT("allOf"), USE_MADE, USE_MADE},
    {STR_INIT("$ref"), USE_MADE, USE_MADE},
    {STR_INIT("$defs"), USE_SILENT, USE_MADE},
    {STR_INIT("definitions"), USE_SILENT, USE_MADE},
    {STR_INIT("additionalProperties"), USE_MADE, USE_MADE},
    {STR_INIT("$schema"), USE_SILENT, USE_SILENT},
    {STR_INIT("$id"), USE_SILENT, USE_SILENT},
    {STR_INIT("$anchor"), USE_SILENT, USE_SILENT},
    {STR_INIT("$comment"), USE_SILENT, USE_SILENT},
    {STR_INIT("examples"), USE_SILENT, USE_SILENT},
    {STR_INIT("readOnly"), USE_SILENT, USE_SILENT},
    {STR_INIT("writeOnly"), USE_SILENT, USE_SILENT},
    {STR_INIT("deprecated"), USE_SILENT, USE_SILENT},
};

enum use schema_use(const struct schema_converter *c, uint32_t name)
{
    for (unsigned i = 0; i < ARRAY_LEN(keywords); i++)
        if (json_string_eq(c->doc, name, keywords[i].name))
            return c->form == SCHEMA_JSON ? keywords[i].json : keywords[i].openapi;
    return USE_LOST;
}

/* The keyword in the first layer that has it. */
uint32_t schema_find(const struct schema_converter *c, const struct schema_layers *l, str name)
{
    for (unsigned i = 0; i < l->count; i++) {
        uint32_t node = json_member(c->doc, l->nodes[i], name);
        if (node != JSON_NONE)
            return node;
    }
    return JSON_NONE;
}

bool schema_has(const struct schema_converter *c, const struct schema_layers *l, str name)
{
    return schema_find(c, l, name) != JSON_NONE;
}

/* --- References ------------------------------------------------------------------------------ */

/* One step of a JSON pointer (RFC 6901). */
static uint32_t pointer_step(struct schema_converter *c, uint32_t node, str step)
{
    char *text = arena_alloc(c->arena, step.len + 1);
    size_t len = 0;
    if (!text) {
        c->no_memory = true;
        return JSON_NONE;
    }
    for (size_t i = 0; i < step.len; i++) {
        bool escaped = step.ptr[i] == '~' && i + 1 < step.len;
        if (escaped)
            i++;
        text[len++] = !escaped ? step.ptr[i] : step.ptr[i] == '1' ? '/' : '~';
    }
    str name = str_make(text, len);
    uint64_t index;
    if (json_kind(c->doc, node) != JSON_ARRAY)
        return json_member(c->doc, node, name);
    if (!str_to_u64(name, &index))
        return JSON_NONE;
    JSON_EACH (item, c->doc, node)
        if (index-- == 0)
            return item;
    return JSON_NONE;
}

static str ref_text(struct schema_converter *c, uint32_t ref)
{
    str text = STR_NULL;
    if (json_is(c->doc, ref, JSON_STRING) && json_string_decode(c->doc, ref, c->arena, &text))
        c->no_memory = true;
    return text;
}

/* JSON_NONE: not in this document. */
static uint32_t resolve(struct schema_converter *c, uint32_t ref)
{
    str left = ref_text(c, ref);
    if (left.len == 0 || left.ptr[0] != '#')
        return JSON_NONE;
    left = str_from(left, 1);
    uint32_t node = JSON_ROOT;
    if (left.len && left.ptr[0] != '/')
        return JSON_NONE;
    left = left.len ? str_from(left, 1) : STR_NULL;
    while (!str_is_null(left) && node != JSON_NONE)
        node = pointer_step(c, node, str_split(&left, '/'));
    return node;
}

/* "#/$defs/Name" or "#/definitions/Name" → "Name"; null: another. */
str schema_name_in_defs(struct schema_converter *c, uint32_t ref)
{
    static const str places[] = {STR_INIT("#/$defs/"), STR_INIT("#/definitions/")};
    str text = ref_text(c, ref);
    for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
        if (!str_starts(text, places[i]))
            continue;
        str name = str_from(text, places[i].len);
        return name.len && str_find_byte(name, '/') < 0 ? name : STR_NULL;
    }
    return STR_NULL;
}

static unsigned times_active(const struct schema_converter *c, uint32_t target)
{
    unsigned times = 0;
    for (unsigned i = 0; i < c->active_count; i++)
        times += c->active[i] == target;
    return times;
}

/* Whether a schema says anything beside its $ref. */
static bool stands_alone(const struct schema_converter *c, uint32_t node)
{
    JSON_EACH (name, c->doc, node)
        if (!json_string_eq(c->doc, name, STR("$ref")) && schema_use(c, name) != USE_SILENT)
            return false;
    return true;
}

static void follow(struct schema_converter *c, struct schema_layers *l, uint32_t node, uint32_t ref)
{
    uint32_t target = resolve(c, ref);
    bool defined = target != JSON_NONE && !str_is_null(schema_name_in_defs(c, ref));
    bool circles =
        times_active(c, target) >= SCHEMA_REPEATS_MAX || c->active_count == SCHEMA_ACTIVE_MAX;
    if (c->form == SCHEMA_JSON && defined && (stands_alone(c, node) || times_active(c, target))) {
        if (l->ref_kept == JSON_NONE)
            l->ref_kept = ref;
        return;
    }
    if (!json_is(c->doc, target, JSON_OBJECT) || circles) {
        l->cut = true;
        schema_lose(c, circles ? STR("$ref (recursive)") : STR("$ref"));
        return;
    }
    c->active[c->active_count++] = target;
    schema_add_layers(c, l, target);
}

void schema_add_layers(struct schema_converter *c, struct schema_layers *l, uint32_t node)
{
    if (!json_is(c->doc, node, JSON_OBJECT))
        return;
    if (l->count == SCHEMA_LAYERS_MAX) {
        schema_lose(c, STR("allOf"));
        return;
    }
    l->nodes[l->count++] = node;
    uint32_t ref = json_member(c->doc, node, STR("$ref"));
    if (ref != JSON_NONE)
        follow(c, l, node, ref);
    uint32_t all = json_member(c->doc, node, STR("allOf"));
    if (json_is(c->doc, all, JSON_ARRAY))
        JSON_EACH (part, c->doc, all)
            schema_add_layers(c, l, part);
}
