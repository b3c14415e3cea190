/* Tools and the choice among them, in a Responses request: flat, where chat's are wrapped. */
#include "llm/dialect/openai_responses_impl.h"

str responses_tool_name(struct responses_writing *w, str name)
{
    str legal = name_legal(w->arena, &name_rule_openai, name);
    if (str_is_null(legal))
        w->json.out->failed = true;
    return legal;
}

/* Chat omits it for false, Responses takes an omission for "if the schema allows": always said. */
static void write_function(struct responses_writing *w, const struct tool *tool)
{
    json_write_object(&w->json);
    json_write_member(&w->json, STR("type"), STR("function"));
    json_write_member(&w->json, STR("name"), responses_tool_name(w, tool->name));
    json_write_member_raw_string(&w->json, STR("description"), tool->description);
    json_write_member_raw(&w->json, STR("parameters"),
                          tool->schema.len ? tool->schema
                                           : STR("{\"type\":\"object\",\"properties\":{}}"));
    json_write_key(&w->json, STR("strict"));
    json_write_bool(&w->json, tool->strict == YES);
    json_write_object_end(&w->json);
}

/* Chat's {"type":"grammar","grammar":{"syntax","definition"}} is one level deeper. */
static void write_format(struct responses_writing *w, const struct json_doc *doc, uint32_t format)
{
    uint32_t grammar = json_member(doc, format, STR("grammar"));
    if (format == JSON_NONE)
        return;
    json_write_key(&w->json, STR("format"));
    if (!json_is(doc, grammar, JSON_OBJECT)) {
        json_write_raw(&w->json, json_raw(doc, format));
        return;
    }
    json_write_object(&w->json);
    json_write_member(&w->json, STR("type"), STR("grammar"));
    json_write_member_given(&w->json, STR("syntax"),
                            json_raw(doc, json_member(doc, grammar, STR("syntax"))));
    json_write_member_given(&w->json, STR("definition"),
                            json_raw(doc, json_member(doc, grammar, STR("definition"))));
    json_write_object_end(&w->json);
}

static void write_custom(struct responses_writing *w, const struct tool *tool)
{
    struct json_doc doc;
    json_write_object(&w->json);
    json_write_member(&w->json, STR("type"), STR("custom"));
    json_write_member(&w->json, STR("name"), responses_tool_name(w, tool->name));
    json_write_member_raw_string(&w->json, STR("description"), tool->description);
    if (tool->native.len && !json_parse(&doc, w->arena, tool->native, NULL)) {
        uint32_t wrapped = json_member(&doc, JSON_ROOT, STR("custom"));
        write_format(w, &doc, json_member(&doc, wrapped ? wrapped : JSON_ROOT, STR("format")));
    }
    json_write_object_end(&w->json);
}

static void write_tool(struct responses_writing *w, const struct tool *tool, unsigned i)
{
    if (tool->custom)
        write_custom(w, tool);
    else if (tool->format == NATIVE_NONE)
        write_function(w, tool);
    else if (tool->format == NATIVE_OPENAI)
        json_write_raw(&w->json, tool->native);
    else
        unsupported_field(w->unsupported, FIELD_MEANING,
                          arena_printf(w->arena, "tools[%u].type", i),
                          "is a tool that another vendor runs");
}

/* Chat's web_search_options, whose place is nested once more there. */
static void write_web_search(struct responses_writing *w, const struct extra *options)
{
    struct json_doc doc;
    if (json_parse(&doc, w->arena, options->json, NULL))
        return;
    uint32_t location = json_member(&doc, JSON_ROOT, STR("user_location"));
    uint32_t place = json_member(&doc, location, STR("approximate"));
    json_write_object(&w->json);
    json_write_member(&w->json, STR("type"), STR("web_search"));
    json_write_member_given(
        &w->json, STR("search_context_size"),
        json_raw(&doc, json_member(&doc, JSON_ROOT, STR("search_context_size"))));
    if (json_is(&doc, place, JSON_OBJECT)) {
        json_write_key(&w->json, STR("user_location"));
        json_write_object(&w->json);
        json_write_member(&w->json, STR("type"), STR("approximate"));
        JSON_EACH (name, &doc, place)
            json_write_member_raw(&w->json, json_string_raw(&doc, name),
                                  json_raw(&doc, json_value(name)));
        json_write_object_end(&w->json);
    }
    json_write_object_end(&w->json);
}

void responses_write_tools(struct responses_writing *w)
{
    const struct extra *search = chat_extra(w->chat, NATIVE_OPENAI, STR("web_search_options"));
    unsigned i = 0;
    if (!w->chat->tools && !search)
        return;
    json_write_key(&w->json, STR("tools"));
    json_write_array(&w->json);
    for (const struct tool *t = w->chat->tools; t && !responses_wrong(w); t = t->next)
        write_tool(w, t, i++);
    if (search)
        write_web_search(w, search);
    json_write_array_end(&w->json);
}

/* --- tool_choice ------------------------------------------------------------------------------------------ */

static bool is_custom(const struct chat *c, str name)
{
    for (const struct tool *t = c->tools; t; t = t->next)
        if (t->custom && str_eq(t->name, name))
            return true;
    return false;
}

static void write_reference(struct responses_writing *w, str name)
{
    json_write_object(&w->json);
    json_write_member(&w->json, STR("type"),
                      is_custom(w->chat, name) ? STR("custom") : STR("function"));
    json_write_member(&w->json, STR("name"), responses_tool_name(w, name));
    json_write_object_end(&w->json);
}

static void write_allowed(struct responses_writing *w)
{
    json_write_object(&w->json);
    json_write_member(&w->json, STR("type"), STR("allowed_tools"));
    json_write_member(&w->json, STR("mode"),
                      w->chat->choice == CHOICE_REQUIRED ? STR("required") : STR("auto"));
    json_write_key(&w->json, STR("tools"));
    json_write_array(&w->json);
    for (const struct name_list *n = w->chat->allowed; n; n = n->next)
        write_reference(w, n->name);
    json_write_array_end(&w->json);
    json_write_object_end(&w->json);
}

static bool narrows(const struct chat *c)
{
    return c->allowed && c->choice != CHOICE_NONE && c->choice != CHOICE_NAMED;
}

static void write_choice(struct responses_writing *w)
{
    static const char *const words[] = {NULL, "auto", "none", "required", NULL};
    const struct chat *c = w->chat;
    const struct extra *hosted = chat_extra(c, NATIVE_OPENAI, STR("tool_choice"));
    if (!hosted && !narrows(c) && c->choice == CHOICE_UNSET)
        return;
    json_write_key(&w->json, STR("tool_choice"));
    if (hosted)
        json_write_raw(&w->json, hosted->json);
    else if (narrows(c))
        write_allowed(w);
    else if (c->choice == CHOICE_NAMED)
        write_reference(w, c->choice_name);
    else
        json_write_string(&w->json, str_from_c(words[c->choice]));
}

/* Neither is taken without tools. */
void responses_write_tool_choice(struct responses_writing *w)
{
    if (!w->chat->tools)
        return;
    write_choice(w);
    if (w->chat->parallel_calls == UNSET)
        return;
    json_write_key(&w->json, STR("parallel_tool_calls"));
    json_write_bool(&w->json, w->chat->parallel_calls == YES);
}
