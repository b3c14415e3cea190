/* A chat as the body of generateContent: system text, tools, and the order of it all. */
#include "llm/dialect/gemini_impl.h"
#include "llm/provider_conf.h"
#include "llm/schema_gemini.h"

static const char free_text_schema[] = "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":"
                                       "\"string\"}},\"required\":[\"input\"]}";

/* --- System text: every system turn, in order, a part for each block ------------------------- */

static void write_system_turns(struct gemini_writer *g, const struct turn *t, bool *open)
{
    for (; t; t = t->next) {
        if (t->role != ROLE_SYSTEM)
            continue;
        for (const struct block *b = t->blocks; b; b = b->next) {
            if (b->kind != BLOCK_TEXT) {
                unsupported_field(g->report, FIELD_MEANING, t->path, "system turns are text only");
                continue;
            }
            if (!*open) {
                json_write_key(&g->w, STR("systemInstruction"));
                json_write_object(&g->w);
                json_write_key(&g->w, STR("parts"));
                json_write_array(&g->w);
                *open = true;
            }
            json_write_object(&g->w);
            json_write_member_raw_string(&g->w, STR("text"), b->text);
            json_write_object_end(&g->w);
        }
    }
}

static void write_json_words(struct gemini_writer *g, bool *open)
{
    if (gemini_json_way(g) != GEMINI_JSON_WORDS)
        return;
    if (!*open) {
        json_write_key(&g->w, STR("systemInstruction"));
        json_write_object(&g->w);
        json_write_key(&g->w, STR("parts"));
        json_write_array(&g->w);
        *open = true;
    }
    json_write_object(&g->w);
    json_write_member(&g->w, STR("text"),
                      STR("When you answer without calling a function, answer with one JSON object "
                          "and nothing else."));
    json_write_object_end(&g->w);
    unsupported_note(g->report, STR("response_format (as an instruction)"));
}

static void write_system(struct gemini_writer *g)
{
    bool open = false;
    write_system_turns(g, g->chat->system, &open);
    write_system_turns(g, g->chat->turns, &open);
    write_json_words(g, &open);
    if (open) {
        json_write_array_end(&g->w);
        json_write_object_end(&g->w);
    }
}

/* --- Schemas --------------------------------------------------------------------------------- */

static void report_lost(struct gemini_writer *g, const struct name_list *lost, str field)
{
    for (; lost; lost = lost->next) {
        str text = arena_printf(g->arena, "%.*s: %.*s", STR_ARG(field), STR_ARG(lost->name));
        if (str_is_null(text))
            g->no_memory = true;
        else
            unsupported_field(g->report, FIELD_HINT, text, "Gemini's schemas have no such word");
    }
}

void gemini_write_schema(struct gemini_writer *g, str json_key, str openapi_key, str schema,
                         str field)
{
    /* Models that think were the first to take JSON Schema as it is. */
    bool json = model_can(g->target->facts, MODEL_JSON_SCHEMA) &&
                model_can(g->target->facts, MODEL_REASONING);
    struct name_list *lost = NULL;
    struct buf text;
    buf_init(&text, 0);
    enum err err =
        schema_gemini_write(schema, json ? SCHEMA_JSON : SCHEMA_OPENAPI, g->arena, &text, &lost);
    if (err == ERR_NO_MEMORY)
        g->no_memory = true;
    else if (err == ERR_BODY_TOO_LARGE)
        unsupported_refuse(g->report, field, "the schema is too large with its references");
    else if (err)
        unsupported_refuse(g->report, field, "must be a JSON Schema of an object");
    else
        json_write_member_raw(&g->w, json ? json_key : openapi_key, buf_str(&text));
    buf_release(&text);
    report_lost(g, lost, field);
}

/* --- Tools ----------------------------------------------------------------------------------- */

static bool has_functions(const struct gemini_writer *g)
{
    for (const struct tool *t = g->chat->tools; t; t = t->next)
        if (t->format == NATIVE_NONE || t->custom)
            return true;
    return false;
}

/* "web_search", "web_search_preview", "web_search_20250305": Google has one of its own. */
static bool is_web_search(const struct tool *t)
{
    return (t->format == NATIVE_OPENAI || t->format == NATIVE_ANTHROPIC) && !t->custom &&
           str_starts(t->type, STR("web_search"));
}

static str tool_field(struct gemini_writer *g, const struct tool *t, const char *member)
{
    str field =
        arena_printf(g->arena, "tools[%.*s]%s", STR_ARG(t->name.len ? t->name : t->type), member);
    g->no_memory = g->no_memory || str_is_null(field);
    return field;
}

static void write_function(struct gemini_writer *g, const struct tool *t)
{
    str name = name_legal(g->arena, &name_rule_gemini, t->name);
    g->no_memory = g->no_memory || str_is_null(name);
    json_write_object(&g->w);
    json_write_member(&g->w, STR("name"), name);
    json_write_member_raw_string(&g->w, STR("description"), t->description);
    str schema = t->custom ? str_from_c(free_text_schema) : t->schema;
    if (t->custom && t->native.len)
        unsupported_field(g->report, FIELD_HINT, tool_field(g, t, ".format"),
                          "the text of a tool has no grammar there");
    if (schema.len)
        gemini_write_schema(g, STR("parametersJsonSchema"), STR("parameters"), schema,
                            tool_field(g, t, ".parameters"));
    json_write_object_end(&g->w);
}

static void write_json_tool(struct gemini_writer *g)
{
    json_write_object(&g->w);
    json_write_member(&g->w, STR("name"), STR(JSON_TOOL_NAME));
    json_write_member(&g->w, STR("description"),
                      STR("Call this with your final answer, when no other function is needed."));
    gemini_write_schema(g, STR("parametersJsonSchema"), STR("parameters"), g->chat->format_schema,
                        STR("response_format.schema"));
    json_write_object_end(&g->w);
    g->target->json_tool = true;
}

static bool is_allowed(const struct gemini_writer *g, const struct tool *t)
{
    for (const struct name_list *n = g->chat->allowed; n; n = n->next)
        if (str_eq(n->name, t->name))
            return true;
    return false;
}

/* Structured output goes with no mode that has a list of allowed names: then the others are not sent. */
static void write_functions(struct gemini_writer *g, bool json_tool)
{
    bool filter = g->chat->allowed && gemini_json_way(g) == GEMINI_JSON_NATIVE;
    json_write_object(&g->w);
    json_write_key(&g->w, STR("functionDeclarations"));
    json_write_array(&g->w);
    for (const struct tool *t = g->chat->tools; t; t = t->next)
        if ((t->format == NATIVE_NONE || t->custom) && (!filter || is_allowed(g, t)))
            write_function(g, t);
    if (json_tool)
        write_json_tool(g);
    json_write_array_end(&g->w);
    json_write_object_end(&g->w);
}

/* What is sent of a tool that a provider runs; null: nothing.  Google's own stand beside functions only
 * with parts in the answer that a client of another format could not return. */
static str built_in(struct gemini_writer *g, const struct tool *t, bool functions)
{
    bool search = is_web_search(t);
    if (t->format == NATIVE_NONE || t->custom || g->chat->choice == CHOICE_NONE)
        return STR_NULL;
    if (t->format != NATIVE_GEMINI && !search) {
        unsupported_field(g->report, FIELD_HINT, tool_field(g, t, ""),
                          "it is another provider's own tool");
        return STR_NULL;
    }
    if (functions) {
        unsupported_field(g->report, FIELD_HINT, tool_field(g, t, ""),
                          "Google's own tools do not go with functions");
        return STR_NULL;
    }
    if (search)
        unsupported_note(g->report, tool_field(g, t, " (as googleSearch)"));
    return search ? STR("{\"googleSearch\":{}}") : t->native;
}

/* OpenAI's chat format has its search beside the tools. */
static bool wants_search(const struct gemini_writer *g)
{
    return g->chat->dialect == NATIVE_OPENAI && g->chat->choice != CHOICE_NONE &&
           chat_extra(g->chat, NATIVE_OPENAI, STR("web_search_options")) != NULL;
}

struct tool_plan {
    bool functions, json_tool;
    bool open; /* the list was begun */
};

static void open_tools(struct gemini_writer *g, struct tool_plan *plan)
{
    if (plan->open)
        return;
    plan->open = true;
    json_write_key(&g->w, STR("tools"));
    json_write_array(&g->w);
}

static void write_tool_list(struct gemini_writer *g, struct tool_plan *plan)
{
    if (plan->functions) {
        open_tools(g, plan);
        write_functions(g, plan->json_tool);
    }
    for (const struct tool *t = g->chat->tools; t; t = t->next) {
        str json = built_in(g, t, plan->functions);
        if (json.len == 0)
            continue;
        open_tools(g, plan);
        json_write_raw(&g->w, json);
    }
    if (wants_search(g) && plan->functions) {
        unsupported_field(g->report, FIELD_HINT, STR("web_search_options"),
                          "Google's own tools do not go with functions");
    } else if (wants_search(g)) {
        open_tools(g, plan);
        json_write_raw(&g->w, STR("{\"googleSearch\":{}}"));
    }
    if (plan->open)
        json_write_array_end(&g->w);
}

/* --- Which tools may or must be called ------------------------------------------------------- */

static bool any_strict(const struct gemini_writer *g)
{
    for (const struct tool *t = g->chat->tools; t; t = t->next)
        if (t->strict == YES && t->format == NATIVE_NONE)
            return true;
    return false;
}

/* Null: the default, which is AUTO. */
static const char *mode_of(struct gemini_writer *g, const struct tool_plan *plan)
{
    switch (g->chat->choice) {
    case CHOICE_NONE:
        return "NONE";
    case CHOICE_REQUIRED:
    case CHOICE_NAMED:
        if (model_can(g->target->facts, MODEL_FORCED_TOOL))
            return "ANY";
        unsupported_field(g->report, FIELD_MEANING, STR("tool_choice"),
                          "the model cannot be forced to call a tool");
        break;
    case CHOICE_UNSET:
    case CHOICE_AUTO:
        break;
    }
    if (plan->json_tool)
        return "ANY";
    if (gemini_json_way(g) == GEMINI_JSON_NATIVE)
        return NULL; /* structured output goes with AUTO alone */
    if (g->chat->allowed || any_strict(g))
        return "VALIDATED";
    return g->chat->choice == CHOICE_AUTO ? "AUTO" : NULL;
}

static void write_allowed_name(struct gemini_writer *g, str name)
{
    str legal = name_legal(g->arena, &name_rule_gemini, name);
    g->no_memory = g->no_memory || str_is_null(legal);
    json_write_string(&g->w, legal);
}

static void write_allowed(struct gemini_writer *g, const struct tool_plan *plan)
{
    const struct chat *c = g->chat;
    bool named = c->choice == CHOICE_NAMED && c->choice_name.len;
    if (c->choice == CHOICE_NONE || (!named && !c->allowed))
        return;
    json_write_key(&g->w, STR("allowedFunctionNames"));
    json_write_array(&g->w);
    if (named)
        write_allowed_name(g, c->choice_name);
    for (const struct name_list *n = named ? NULL : c->allowed; n; n = n->next)
        write_allowed_name(g, n->name);
    if (plan->json_tool)
        json_write_string(&g->w, STR(JSON_TOOL_NAME));
    json_write_array_end(&g->w);
}

static void write_choice(struct gemini_writer *g, const struct tool_plan *plan)
{
    const char *mode = mode_of(g, plan);
    if (!mode)
        return;
    json_write_key(&g->w, STR("toolConfig"));
    json_write_object(&g->w);
    json_write_key(&g->w, STR("functionCallingConfig"));
    json_write_object(&g->w);
    json_write_member(&g->w, STR("mode"), str_from_c(mode));
    write_allowed(g, plan);
    json_write_object_end(&g->w);
    json_write_object_end(&g->w);
}

void gemini_write_tools(struct gemini_writer *g)
{
    enum gemini_json_way way = gemini_json_way(g);
    struct tool_plan plan = {.functions = has_functions(g), .json_tool = way == GEMINI_JSON_TOOL};
    if (g->chat->parallel_calls == NO && plan.functions)
        unsupported_field(g->report, FIELD_HINT, STR("parallel_tool_calls"),
                          "Gemini has no switch for it");
    if (way == GEMINI_JSON_NATIVE && g->chat->choice == CHOICE_NONE)
        plan.functions = false; /* the mode would have to be AUTO */
    write_tool_list(g, &plan);
    if (plan.functions)
        write_choice(g, &plan);
}

/* --- All of it ------------------------------------------------------------------------------- */

bool gemini_write_request(const struct chat *c, struct chat_target *t, struct buf *out)
{
    struct gemini_writer g = {
        .chat = c,
        .target = t,
        .report = t->unsupported,
        .arena = t->arena,
        .vertex = t->conf && t->conf->vertex.project.len,
        .third = model_can(t->facts, MODEL_CALL_IDS),
    };
    json_write_init(&g.w, out);
    json_write_object(&g.w);
    write_system(&g);
    gemini_write_contents(&g);
    gemini_write_tools(&g);
    gemini_write_config(&g);
    gemini_write_rest(&g);
    json_write_object_end(&g.w);
    return !g.no_memory && !out->failed && g.report->fault.err == ERR_NONE;
}
