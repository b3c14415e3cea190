/* Tools of chat completions, and the choice among them (mapping.md §8). */
#include "llm/dialect/openai_chat_writing.h"

#define FREE_TEXT                                                                                  \
    "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"                       \
    "\"required\":[\"input\"]}"
#define NO_ARGUMENTS "{\"type\":\"object\",\"properties\":{}}"

static bool is_allowed(const struct chat *c, str name)
{
    for (const struct name_list *n = c->allowed; n; n = n->next)
        if (str_eq(n->name, name))
            return true;
    return !c->allowed;
}

/* Declared by the client: calls of others in the history need no declaration here. */
static bool is_written(const struct openai_writing *w, const struct tool *t)
{
    return !t->from_history && (t->format == NATIVE_NONE || t->custom) &&
           is_allowed(w->chat, t->name);
}

static bool goes_as_custom(const struct openai_writing *w, const struct tool *t)
{
    return t->custom && openai_has(w, OPENAI_OWN);
}

bool openai_is_custom_tool(const struct openai_writing *w, str name)
{
    for (const struct tool *t = w->chat->tools; t; t = t->next)
        if (goes_as_custom(w, t) && is_written(w, t) && str_eq(t->name, name))
            return true;
    return false;
}

static str legal(struct openai_writing *w, str name)
{
    return openai_made(w, name_legal(w->arena, &name_rule_openai, name));
}

/* --- Custom tools ----------------------------------------------------------------------------------------- */

/* A grammar is within a member of its own here, and beside `type` in the Responses API. */
static void write_grammar(struct openai_writing *w, const struct json_doc *doc, uint32_t format)
{
    uint32_t grammar = json_member(doc, format, STR("grammar"));
    uint32_t from = json_is(doc, grammar, JSON_OBJECT) ? grammar : format;
    struct raw definition = raw_of_node(doc, json_member(doc, from, STR("definition")));
    if (str_is_null(definition.s))
        return;
    json_write_key(&w->j, STR("format"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("type"), STR("grammar"));
    json_write_key(&w->j, STR("grammar"));
    json_write_object(&w->j);
    json_write_member_raw_string(&w->j, STR("definition"), definition);
    json_write_member_raw_string(&w->j, STR("syntax"),
                                 raw_of_node(doc, json_member(doc, from, STR("syntax"))));
    json_write_object_end(&w->j);
    json_write_object_end(&w->j);
}

/* Its format, wherever the client's API has it; JSON_NONE: none. */
static uint32_t format_of(struct openai_writing *w, const struct tool *t, struct json_doc *doc)
{
    if (!t->native.len || json_parse(doc, w->arena, t->native, NULL))
        return JSON_NONE;
    uint32_t custom = json_member(doc, JSON_ROOT, STR("custom"));
    return json_member(doc, custom == JSON_NONE ? JSON_ROOT : custom, STR("format"));
}

static void write_custom(struct openai_writing *w, const struct tool *t)
{
    struct json_doc doc;
    json_write_object(&w->j);
    json_write_member(&w->j, STR("type"), STR("custom"));
    json_write_key(&w->j, STR("custom"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("name"), legal(w, t->name));
    json_write_member_raw_string(&w->j, STR("description"), t->description);
    uint32_t format = format_of(w, t, &doc);
    if (format != JSON_NONE)
        write_grammar(w, &doc, format);
    json_write_object_end(&w->j);
    json_write_object_end(&w->j);
}

/* --- Functions -------------------------------------------------------------------------------------------- */

static void report_custom(struct openai_writing *w, const struct tool *t)
{
    struct json_doc doc;
    uint32_t format = format_of(w, t, &doc);
    if (format != JSON_NONE && !str_is_null(json_raw(&doc, json_member(&doc, format, STR("type")))))
        unsupported_field(w->unsupported, FIELD_HINT, STR("tools.custom.format"),
                          "this server has no tools with a format of their own");
}

static void write_function(struct openai_writing *w, const struct tool *t)
{
    str schema = t->custom ? STR(FREE_TEXT) : t->schema;
    if (t->custom)
        report_custom(w, t);
    json_write_object(&w->j);
    json_write_member(&w->j, STR("type"), STR("function"));
    json_write_key(&w->j, STR("function"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("name"), legal(w, t->name));
    json_write_member_raw_string(&w->j, STR("description"), t->description);
    json_write_member_raw(&w->j, STR("parameters"), schema.len ? schema : STR(NO_ARGUMENTS));
    if (t->strict == YES && openai_has(w, OPENAI_PLAIN))
        unsupported_field(w->unsupported, FIELD_HINT, STR("tools.strict"),
                          "this server has no strict tools");
    else if (t->strict == YES)
        json_write_member_raw(&w->j, STR("strict"), STR("true"));
    json_write_object_end(&w->j);
    json_write_object_end(&w->j);
}

/* --- The choice ------------------------------------------------------------------------------------------- */

static void write_named(struct openai_writing *w)
{
    bool custom = openai_is_custom_tool(w, w->chat->choice_name);
    str type = custom ? STR("custom") : STR("function");
    json_write_object(&w->j);
    json_write_member(&w->j, STR("type"), type);
    json_write_key(&w->j, type);
    json_write_object(&w->j);
    json_write_member(&w->j, STR("name"), legal(w, w->chat->choice_name));
    json_write_object_end(&w->j);
    json_write_object_end(&w->j);
}

static void write_choice(struct openai_writing *w)
{
    static const char *const words[] = {
        [CHOICE_AUTO] = "auto", [CHOICE_NONE] = "none", [CHOICE_REQUIRED] = "required"};
    enum tool_choice choice = w->chat->choice;
    if (choice == CHOICE_UNSET)
        return;
    json_write_key(&w->j, STR("tool_choice"));
    if (choice == CHOICE_NAMED)
        write_named(w);
    else
        json_write_string(&w->j, str_from_c(words[choice]));
}

static void write_parallel(struct openai_writing *w)
{
    enum tri parallel = w->chat->parallel_calls;
    if (parallel == UNSET)
        return;
    if (!openai_has(w, OPENAI_PLAIN))
        json_write_member_raw(&w->j, STR("parallel_tool_calls"),
                              parallel == YES ? STR("true") : STR("false"));
    else if (parallel == NO)
        unsupported_field(w->unsupported, FIELD_HINT, STR("parallel_tool_calls"),
                          "this server has no such switch");
}

void openai_write_tools(struct openai_writing *w)
{
    bool any = false;
    for (const struct tool *t = w->chat->tools; t; t = t->next) {
        if (t->format != NATIVE_NONE && !t->custom)
            unsupported_field(
                w->unsupported, FIELD_MEANING,
                openai_made(w, arena_printf(w->arena, "tools (%.*s)", STR_ARG(t->type))),
                "a tool that another provider runs");
        if (!is_written(w, t))
            continue;
        if (!any) {
            json_write_key(&w->j, STR("tools"));
            json_write_array(&w->j);
        }
        any = true;
        if (goes_as_custom(w, t))
            write_custom(w, t);
        else
            write_function(w, t);
    }
    if (!any)
        return; /* the rest is refused without tools */
    json_write_array_end(&w->j);
    write_choice(w);
    write_parallel(w);
}
