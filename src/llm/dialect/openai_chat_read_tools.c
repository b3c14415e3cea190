/* Tools of chat completions, and the choice among them. */
#include "llm/dialect/openai_chat_reading.h"

#include <stdlib.h>

static bool read_function(struct openai_reading *r, uint32_t function, str path)
{
    struct tool *t = chat_add_tool(r->chat);
    uint32_t parameters = openai_given(r, function, "parameters");
    if (!t)
        return openai_no_memory(r);
    t->name = openai_decode(r, openai_given(r, function, "name"));
    t->description = raw_of_node(r->doc, openai_given(r, function, "description"));
    t->strict = openai_tri(r, openai_given(r, function, "strict"));
    if (!r->err && !t->name.len)
        return openai_invalid(r, openai_path(r, path, "name"), "must be a name");
    if (parameters != JSON_NONE && !json_is(r->doc, parameters, JSON_OBJECT))
        return openai_invalid(r, openai_path(r, path, "parameters"), "must be an object");
    t->schema = json_raw(r->doc, parameters);
    return !r->err;
}

static bool read_custom(struct openai_reading *r, uint32_t item, uint32_t custom, str path)
{
    struct tool *t = chat_add_tool(r->chat);
    if (!t)
        return openai_no_memory(r);
    t->custom = true;
    t->format = NATIVE_OPENAI;
    t->type = STR("custom");
    t->native = json_raw(r->doc, item);
    t->name = openai_decode(r, openai_given(r, custom, "name"));
    t->description = raw_of_node(r->doc, openai_given(r, custom, "description"));
    return !r->err && (t->name.len ||
                       openai_invalid(r, openai_path(r, path, "custom.name"), "must be a name"));
}

static bool read_tool(struct openai_reading *r, uint32_t item, str path)
{
    uint32_t function = openai_given(r, item, "function"), custom = openai_given(r, item, "custom");
    bool ok;
    if (json_is(r->doc, function, JSON_OBJECT))
        ok = read_function(r, function, openai_path(r, path, "function"));
    else if (json_is(r->doc, custom, JSON_OBJECT))
        ok = read_custom(r, item, custom, path);
    else
        return openai_invalid(r, openai_path(r, path, "type"),
                              "must be function or custom, with a member of that name");
    struct tool *t = r->chat->tools_last;
    if (ok)
        t->cached = openai_mark(r, item, &t->cache_ttl_s);
    return ok;
}

/* --- No name twice ---------------------------------------------------------------------------------------- */

struct named { /* a tool and its place */
    str name;
    unsigned at;
};

static int by_name(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    int order = str_cmp(a->name, b->name);
    return order ? order : (a->at > b->at) - (a->at < b->at);
}

/* Clients decide how many there are: they are sorted, not compared each with all. */
static bool check_names(struct openai_reading *r, const char *field, const char *member)
{
    unsigned n = 0;
    for (const struct tool *t = r->chat->tools; t; t = t->next)
        n++;
    struct named *all = arena_alloc(r->arena, (n + 1) * sizeof(*all));
    if (!all)
        return openai_no_memory(r);
    n = 0;
    for (const struct tool *t = r->chat->tools; t; t = t->next, n++)
        all[n] = (struct named){t->name, n};
    qsort(all, n, sizeof(*all), by_name);
    for (unsigned i = 1; i < n; i++)
        if (str_eq(all[i].name, all[i - 1].name))
            return openai_invalid(r, arena_printf(r->arena, "%s[%u]%s", field, all[i].at, member),
                                  "is the name of another tool, too");
    return true;
}

bool openai_take_tools(struct openai_reading *r, uint32_t value)
{
    unsigned i = 0;
    if (!json_is(r->doc, value, JSON_ARRAY))
        return openai_invalid(r, STR("tools"), "must be a list");
    JSON_EACH (item, r->doc, value)
        if (!read_tool(r, item, arena_printf(r->arena, "tools[%u]", i++)))
            return false;
    return check_names(r, "tools", ".function.name");
}

bool openai_take_functions(struct openai_reading *r, uint32_t value)
{
    unsigned i = 0;
    if (!json_is(r->doc, value, JSON_ARRAY))
        return openai_invalid(r, STR("functions"), "must be a list");
    JSON_EACH (item, r->doc, value)
        if (!read_function(r, item, arena_printf(r->arena, "functions[%u]", i++)))
            return false;
    return check_names(r, "functions", ".name");
}

/* --- The choice ------------------------------------------------------------------------------------------- */

static bool choose(struct openai_reading *r, uint32_t function, const char *field)
{
    r->chat->choice = CHOICE_NAMED;
    r->chat->choice_name = openai_decode(r, openai_given(r, function, "name"));
    return !r->err &&
           (r->chat->choice_name.len || openai_invalid(r, str_from_c(field), "must name a tool"));
}

static bool read_allowed(struct openai_reading *r, uint32_t allowed)
{
    uint32_t tools = openai_given(r, allowed, "tools");
    bool required = openai_text_is(r, openai_given(r, allowed, "mode"), "required");
    r->chat->choice = required ? CHOICE_REQUIRED : CHOICE_AUTO;
    if (!json_is(r->doc, tools, JSON_ARRAY))
        return openai_invalid(r, STR("tool_choice.allowed_tools.tools"), "must be a list");
    JSON_EACH (item, r->doc, tools) {
        uint32_t inner = openai_given(r, item, "function");
        if (inner == JSON_NONE)
            inner = openai_given(r, item, "custom");
        str name = openai_decode(r, openai_given(r, inner == JSON_NONE ? item : inner, "name"));
        if (name.len && !chat_add_allowed(r->chat, name))
            return openai_no_memory(r);
    }
    return !r->err;
}

bool openai_take_tool_choice(struct openai_reading *r, uint32_t value)
{
    static const struct {
        const char *word;
        enum tool_choice choice;
    } words[] = {{"auto", CHOICE_AUTO},
                 {"none", CHOICE_NONE},
                 {"required", CHOICE_REQUIRED},
                 {"any", CHOICE_REQUIRED}}; /* Mistral's */
    uint32_t type = openai_given(r, value, "type");
    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        if (openai_text_is(r, value, words[i].word)) {
            r->chat->choice = words[i].choice;
            return true;
        }
    }
    if (openai_text_is(r, type, "allowed_tools"))
        return read_allowed(r, openai_given(r, value, "allowed_tools"));
    if (openai_text_is(r, type, "custom"))
        return choose(r, openai_given(r, value, "custom"), "tool_choice.custom.name");
    if (json_is(r->doc, value, JSON_OBJECT))
        return choose(r, openai_given(r, value, "function"), "tool_choice.function.name");
    return openai_invalid(r, STR("tool_choice"), "must be auto, none, required or name a tool");
}

bool openai_take_function_call(struct openai_reading *r, uint32_t value)
{
    if (json_is(r->doc, value, JSON_OBJECT))
        return choose(r, value, "function_call.name");
    return openai_take_tool_choice(r, value);
}
