/*
 * Tools of requests to Anthropic, the choice among them, and structured output where it is asked for by a
 * tool (mapping.md §8, §9, §23).
 */
#include "llm/dialect/anthropic_impl.h"
#include "wire/json_edit.h"

enum { STRICT_TOOLS_MAX = 20 };

#define OPEN_SCHEMA "{\"type\":\"object\",\"properties\":{}}"
#define CUSTOM_SCHEMA                                                                              \
    "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"                       \
    "\"required\":[\"input\"]}"

static bool is_allowed(const struct chat *c, str name)
{
    for (const struct name_list *n = c->allowed; n; n = n->next)
        if (str_eq(n->name, name))
            return true;
    return !c->allowed;
}

bool anthropic_offers(const struct anthropic_writing *w, const struct tool *t)
{
    if (t->format != NATIVE_NONE && t->format != NATIVE_ANTHROPIC && !t->custom)
        return false;
    if (w->only_tool.len)
        return str_eq(w->only_tool, t->name);
    return is_allowed(w->chat, t->name);
}

static bool offers_any(const struct anthropic_writing *w)
{
    for (const struct tool *t = w->chat->tools; t; t = t->next)
        if (anthropic_offers(w, t))
            return true;
    return false;
}

/* --- Planning ---------------------------------------------------------------------------------------------------- */

static bool is_forced(const struct chat *c)
{
    return c->choice == CHOICE_REQUIRED || c->choice == CHOICE_NAMED;
}

/* Some models cannot be forced: the only tool, and a sentence, are what there is. */
static void plan_unforced(struct anthropic_writing *w)
{
    const struct chat *c = w->chat;
    bool named = c->choice == CHOICE_NAMED;
    unsupported_changed(w->unsupported, STR("tool_choice"), STR("auto"),
                        named ? c->choice_name : STR("required"));
    if (named) {
        w->only_tool = c->choice_name;
        anthropic_instruct(w, STR("Answer by calling the tool."));
    } else {
        anthropic_instruct(w, STR("Answer by calling one of the tools."));
    }
}

static void instruct_json(struct anthropic_writing *w)
{
    anthropic_instruct(w, STR("Answer with one JSON object and nothing else: no words before or "
                              "after it, no code fence."));
    if (w->chat->format != FORMAT_SCHEMA)
        return;
    str pieces[] = {STR("It must match this JSON Schema: "), w->chat->format_schema};
    anthropic_instruct(w, arena_concat(w->arena, pieces, ARRAY_LEN(pieces)));
    unsupported_note(w->unsupported, STR("response_format (asked for by instruction)"));
}

static void plan_format(struct anthropic_writing *w, bool forced)
{
    const struct chat *c = w->chat;
    if (c->format == FORMAT_SCHEMA && anthropic_can(w, MODEL_JSON_SCHEMA) && !w->prefill &&
        (anthropic_can(w, MODEL_SCHEMA_WITH_TOOLS) || !offers_any(w)))
        w->schema_native = true;
    else if (c->format == FORMAT_SCHEMA && anthropic_can(w, MODEL_FORCED_TOOL) && !w->prefill &&
             !forced)
        w->target->json_tool = true;
    else if (c->format == FORMAT_SCHEMA || c->format == FORMAT_JSON)
        instruct_json(w);
}

bool anthropic_plan_tools(struct anthropic_writing *w)
{
    bool forced = is_forced(w->chat) && offers_any(w);
    plan_format(w, forced);
    if (forced && !anthropic_can(w, MODEL_FORCED_TOOL)) {
        plan_unforced(w);
        forced = false;
    }
    return forced || w->target->json_tool;
}

/* --- tools ----------------------------------------------------------------------------------------------------------- */

/* With the "type":"object" that Anthropic insists on. */
static str object_schema(struct anthropic_writing *w, str schema)
{
    struct json_doc doc;
    struct json_edit edit;
    struct json_parts parts;
    const struct json_options shallow = {.index_depth = 1};
    if (!schema.len)
        return STR(OPEN_SCHEMA);
    if (json_parse(&doc, w->arena, schema, &shallow) || !json_is(&doc, JSON_ROOT, JSON_OBJECT))
        return STR_NULL;
    uint32_t type = json_member(&doc, JSON_ROOT, STR("type"));
    if (json_is(&doc, type, JSON_STRING) && json_string_eq(&doc, type, STR("object")))
        return schema;
    json_edit_init(&edit, &doc, w->arena);
    if (type == JSON_NONE)
        json_edit_insert_first(&edit, JSON_ROOT, STR("type"), STR("\"object\""));
    else
        json_edit_replace(&edit, type, STR("\"object\""));
    return json_edit_finish(&edit, &parts)
               ? STR_NULL
               : arena_concat(w->arena, parts.parts, (unsigned)parts.count);
}

static void report_moved(struct anthropic_writing *w, const char *field, str moved)
{
    if (moved.len)
        unsupported_note(w->unsupported,
                         arena_printf(w->arena, "%s (%.*s)", field, STR_ARG(moved)));
}

static bool write_strict(struct anthropic_writing *w, const struct tool *t)
{
    if (t->strict != YES)
        return false;
    if (anthropic_can(w, MODEL_JSON_SCHEMA) && ++w->strict_tools <= STRICT_TOOLS_MAX)
        return true;
    unsupported_field(w->unsupported, FIELD_HINT, STR("tools.strict"), "");
    return false;
}

static void write_schema(struct anthropic_writing *w, const struct tool *t, bool strict)
{
    str moved = STR_NULL;
    str schema = object_schema(w, t->custom ? STR(CUSTOM_SCHEMA) : t->schema);
    if (strict && !str_is_null(schema)) {
        schema = anthropic_strict_schema(w->arena, schema, &moved);
        report_moved(w, "tools.parameters", moved);
    }
    if (str_is_null(schema))
        w->json.out->failed = true;
    else
        json_write_member_raw(&w->json, STR("input_schema"), schema);
}

static void write_function(struct anthropic_writing *w, const struct tool *t)
{
    str name = name_legal(w->arena, &name_rule_openai, t->name);
    bool strict = write_strict(w, t);
    if (str_is_null(name)) {
        w->json.out->failed = true;
        return;
    }
    if (t->custom && t->native.len)
        unsupported_field(w->unsupported, FIELD_HINT, STR("tools.custom.format"), "");
    json_write_object(&w->json);
    json_write_member(&w->json, STR("name"), name);
    if (t->description.s.len)
        json_write_member_raw_string(&w->json, STR("description"), t->description);
    write_schema(w, t, strict);
    if (strict) {
        json_write_key(&w->json, STR("strict"));
        json_write_bool(&w->json, true);
    }
    anthropic_write_mark(w, t->cached, t->cache_ttl_s);
    json_write_object_end(&w->json);
}

static void write_json_tool(struct anthropic_writing *w)
{
    const struct chat *c = w->chat;
    str schema = object_schema(w, c->format_schema);
    json_write_object(&w->json);
    json_write_member(&w->json, STR("name"), STR(JSON_TOOL_NAME));
    if (c->format_description.s.len)
        json_write_member_raw_string(&w->json, STR("description"), c->format_description);
    else
        json_write_member(&w->json, STR("description"), STR("Gives the final answer."));
    json_write_member_raw(&w->json, STR("input_schema"), schema.len ? schema : STR(OPEN_SCHEMA));
    json_write_object_end(&w->json);
}

/* --- tool_choice ------------------------------------------------------------------------------------------------------ */

static str choice_type(const struct anthropic_writing *w, bool offers)
{
    const struct chat *c = w->chat;
    if (w->target->json_tool)
        return offers && c->choice != CHOICE_NONE ? STR("any") : STR("tool");
    if (is_forced(c) && !anthropic_can(w, MODEL_FORCED_TOOL))
        return STR("auto");
    switch (c->choice) {
    case CHOICE_UNSET:
        return c->parallel_calls == NO ? STR("auto") : STR_NULL;
    case CHOICE_AUTO:
        return STR("auto");
    case CHOICE_NONE:
        return STR("none");
    case CHOICE_REQUIRED:
        return STR("any");
    case CHOICE_NAMED:
        break;
    }
    return STR("tool");
}

static void write_choice(struct anthropic_writing *w, bool offers)
{
    const struct chat *c = w->chat;
    str type = choice_type(w, offers);
    if (!type.len)
        return;
    json_write_key(&w->json, STR("tool_choice"));
    json_write_object(&w->json);
    json_write_member(&w->json, STR("type"), type);
    if (str_eq(type, STR("tool")))
        json_write_member(&w->json, STR("name"),
                          w->target->json_tool
                              ? STR(JSON_TOOL_NAME)
                              : name_legal(w->arena, &name_rule_openai, c->choice_name));
    if (c->parallel_calls == NO && !str_eq(type, STR("none"))) {
        json_write_key(&w->json, STR("disable_parallel_tool_use"));
        json_write_bool(&w->json, true);
    }
    json_write_object_end(&w->json);
}

static void report_left_out(struct anthropic_writing *w)
{
    for (const struct tool *t = w->chat->tools; t; t = t->next) {
        if (t->format == NATIVE_NONE || t->format == NATIVE_ANTHROPIC || t->custom)
            continue;
        str name = arena_printf(w->arena, "tools.%.*s", STR_ARG(t->type));
        unsupported_field(w->unsupported, FIELD_HINT, name, "is another provider's own tool");
    }
}

void anthropic_write_tools(struct anthropic_writing *w)
{
    bool offers = offers_any(w);
    report_left_out(w);
    if (!offers && !w->target->json_tool)
        return;
    json_write_key(&w->json, STR("tools"));
    json_write_array(&w->json);
    for (const struct tool *t = w->chat->tools; t; t = t->next) {
        if (!anthropic_offers(w, t))
            continue;
        if (t->format == NATIVE_ANTHROPIC)
            json_write_raw(&w->json, t->native);
        else
            write_function(w, t);
    }
    if (w->target->json_tool)
        write_json_tool(w);
    json_write_array_end(&w->json);
    write_choice(w, offers);
}
