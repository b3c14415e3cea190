/* tools[] and toolConfig: functions, what Google runs itself, and which of them may be called. */
#include "llm/dialect/gemini_reading.h"
#include "llm/schema_gemini.h"

static struct tool *tool_of(struct gemini_reading *g)
{
    struct tool *last = g->chat->tools_last;
    CHECK(last);
    return last;
}

static bool read_name(struct gemini_reading *g, uint32_t value, str path)
{
    if (!json_is(g->doc, value, JSON_STRING) || json_string_raw(g->doc, value).len == 0)
        return gemini_fault(g, path, "must be a string that is not empty");
    if (json_string_decode(g->doc, value, g->arena, &tool_of(g)->name))
        return gemini_no_memory(g);
    return true;
}

static bool read_description(struct gemini_reading *g, uint32_t value, str path)
{
    if (!json_is(g->doc, value, JSON_STRING))
        return gemini_fault(g, path, "must be a string");
    tool_of(g)->description = raw_of_node(g->doc, value);
    return true;
}

static bool read_parameters(struct gemini_reading *g, uint32_t value, str path)
{
    if (!json_is(g->doc, value, JSON_OBJECT))
        return gemini_fault(g, path, "must be an object");
    if (schema_gemini_read(g->doc, value, g->arena, &tool_of(g)->schema))
        return gemini_no_memory(g);
    return true;
}

static bool read_json_parameters(struct gemini_reading *g, uint32_t value, str path)
{
    if (!json_is(g->doc, value, JSON_OBJECT))
        return gemini_fault(g, path, "must be an object");
    tool_of(g)->schema = json_raw(g->doc, value);
    return true;
}

static bool read_function(struct gemini_reading *g, uint32_t value, str path)
{
    static const struct gemini_row rows[] = {
        {STR_INIT("name"), read_name, FIELD_MEANING},
        {STR_INIT("description"), read_description, FIELD_MEANING},
        {STR_INIT("parameters"), read_parameters, FIELD_MEANING},
        {STR_INIT("parametersJsonSchema"), read_json_parameters, FIELD_MEANING},
        {STR_INIT("response"), NULL, FIELD_BOOKKEEPING},
        {STR_INIT("responseJsonSchema"), NULL, FIELD_BOOKKEEPING},
        {STR_INIT("behavior"), NULL, FIELD_HINT},
    };
    if (!chat_add_tool(g->chat))
        return gemini_no_memory(g);
    if (!gemini_read_rows(g, value, path, rows, ARRAY_LEN(rows)))
        return false;
    if (!tool_of(g)->name.len)
        return gemini_fault(g, gemini_path(g, path, "name"), "is needed");
    return true;
}

static bool read_functions(struct gemini_reading *g, uint32_t value, str path)
{
    unsigned i = 0;
    if (!json_is(g->doc, value, JSON_ARRAY))
        return gemini_fault(g, path, "must be an array");
    JSON_EACH (one, g->doc, value)
        if (!read_function(g, one, gemini_path_item(g, path, "", i++)))
            return false;
    return true;
}

/* A tool of Google's own, whatever it is called. */
static bool read_native_tool(struct gemini_reading *g, uint32_t name)
{
    char to[GEMINI_NAME_MAX];
    struct tool *t = chat_add_tool(g->chat);
    if (!t)
        return gemini_no_memory(g);
    t->format = NATIVE_GEMINI;
    t->type = arena_str(g->arena, gemini_name(g->doc, name, to));
    t->native = arena_printf(g->arena, "{%.*s:%.*s}", STR_ARG(json_raw(g->doc, name)),
                             STR_ARG(json_raw(g->doc, json_value(name))));
    return (!str_is_null(t->type) && !str_is_null(t->native)) || gemini_no_memory(g);
}

static bool read_entry(struct gemini_reading *g, uint32_t entry, str path)
{
    char to[GEMINI_NAME_MAX];
    if (!json_is(g->doc, entry, JSON_OBJECT))
        return gemini_fault(g, path, "must be an object");
    JSON_EACH (name, g->doc, entry) {
        uint32_t value = json_value(name);
        if (json_is(g->doc, value, JSON_NULL))
            continue;
        bool functions = str_eq(gemini_name(g->doc, name, to), STR("functionDeclarations"));
        if (functions ? !read_functions(g, value, gemini_path(g, path, "functionDeclarations"))
                      : !read_native_tool(g, name))
            return false;
    }
    return true;
}

bool gemini_read_tools(struct gemini_reading *g, uint32_t value, str path)
{
    unsigned i = 0;
    if (!json_is(g->doc, value, JSON_ARRAY))
        return gemini_fault(g, path, "must be an array");
    JSON_EACH (entry, g->doc, value)
        if (!read_entry(g, entry, gemini_path_item(g, path, "", i++)))
            return false;
    return g->err == ERR_NONE;
}

/* --- toolConfig ------------------------------------------------------------------------------ */

static bool read_mode(struct gemini_reading *g, uint32_t value, str path)
{
    static const struct {
        str name;
        enum tool_choice choice;
    } modes[] = {
        {STR_INIT("AUTO"), CHOICE_AUTO},      {STR_INIT("ANY"), CHOICE_REQUIRED},
        {STR_INIT("NONE"), CHOICE_NONE},      {STR_INIT("MODE_UNSPECIFIED"), CHOICE_UNSET},
        {STR_INIT("VALIDATED"), CHOICE_AUTO},
    };
    if (!json_is(g->doc, value, JSON_STRING))
        return gemini_fault(g, path, "must be a string");
    for (unsigned i = 0; i < ARRAY_LEN(modes); i++) {
        if (!str_ieq(json_string_raw(g->doc, value), modes[i].name))
            continue;
        g->chat->choice = modes[i].choice;
        bool validated = str_eq(modes[i].name, STR("VALIDATED"));
        return !validated || gemini_extra(g, path, value, FIELD_HINT);
    }
    return gemini_fault(g, path, "must be AUTO, ANY, NONE or VALIDATED");
}

static bool read_allowed(struct gemini_reading *g, uint32_t value, str path)
{
    if (!json_is(g->doc, value, JSON_ARRAY))
        return gemini_fault(g, path, "must be an array of strings");
    JSON_EACH (one, g->doc, value) {
        str name;
        if (!json_is(g->doc, one, JSON_STRING))
            return gemini_fault(g, path, "must be an array of strings");
        if (json_string_decode(g->doc, one, g->arena, &name) || !chat_add_allowed(g->chat, name))
            return gemini_no_memory(g);
    }
    return true;
}

static bool read_calling(struct gemini_reading *g, uint32_t value, str path)
{
    static const struct gemini_row rows[] = {
        {STR_INIT("mode"), read_mode, FIELD_MEANING},
        {STR_INIT("allowedFunctionNames"), read_allowed, FIELD_MEANING},
        {STR_INIT("streamFunctionCallArguments"), NULL, FIELD_BOOKKEEPING},
    };
    struct chat *c = g->chat;
    if (!gemini_read_rows(g, value, path, rows, ARRAY_LEN(rows)))
        return false;
    if (c->choice == CHOICE_REQUIRED && c->allowed && !c->allowed->next) {
        c->choice = CHOICE_NAMED;
        c->choice_name = c->allowed->name;
        c->allowed = NULL;
    }
    return true;
}

bool gemini_read_tool_config(struct gemini_reading *g, uint32_t value, str path)
{
    static const struct gemini_row rows[] = {
        {STR_INIT("functionCallingConfig"), read_calling, FIELD_MEANING},
        {STR_INIT("retrievalConfig"), NULL, FIELD_HINT},
        {STR_INIT("includeServerSideToolInvocations"), NULL, FIELD_BOOKKEEPING},
    };
    return gemini_read_rows(g, value, path, rows, ARRAY_LEN(rows));
}
