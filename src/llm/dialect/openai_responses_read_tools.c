/*
 * Tools of a Responses request and the choice among them.  Functions and custom tools are everybody's;
 * tools that OpenAI runs are kept as they are.  Namespaces are flattened: no other format has them.
 */
#include "llm/dialect/openai_responses_impl.h"

/* Where a tool stands, for faults: "tools[2].tools[0]". */
struct place {
    str path;
    bool again; /* tools added in mid-conversation may be there already */
};

static bool tool_fault(struct responses_reading *r, const struct place *at, const char *member,
                       const char *text)
{
    str field = arena_printf(r->arena, "%.*s.%s", STR_ARG(at->path), member);
    return str_is_null(field) ? responses_no_memory(r) : responses_fault(r, field, text);
}

str responses_flat_name(struct responses_reading *r, uint32_t space, str name)
{
    str prefix = responses_decode(r, space);
    if (!prefix.len || str_eq(prefix, STR(RESPONSES_DEFAULT_NAMESPACE)))
        return name;
    str pieces[] = {prefix, STR(RESPONSES_NAMESPACE_MARK), name};
    str flat = arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
    if (str_is_null(flat))
        responses_no_memory(r);
    return flat;
}

static bool is_declared(const struct chat *c, str name)
{
    for (const struct tool *t = c->tools; t; t = t->next)
        if (t->format == NATIVE_NONE || t->custom)
            if (str_eq(t->name, name))
                return true;
    return false;
}

/* Members that others have nothing for. */
static bool other_members(struct responses_reading *r, uint32_t tool, const struct place *at)
{
    static const struct {
        const char *name;
        bool known, hint;
    } members[] = {
        {"type", true, false},           {"name", true, false},
        {"description", true, false},    {"parameters", true, false},
        {"strict", true, false},         {"format", true, false},
        {"async", true, true},           {"output_schema", true, true},
        {"allowed_callers", true, true}, {"defer_loading", true, true},
    };
    JSON_EACH (name, r->doc, tool) {
        uint32_t value = json_value(name);
        enum field_class class = FIELD_UNKNOWN;
        bool skip = json_is(r->doc, value, JSON_NULL) || json_is(r->doc, value, JSON_FALSE);
        for (unsigned i = 0; i < ARRAY_LEN(members) && !skip; i++) {
            if (!json_string_eq(r->doc, name, str_from_c(members[i].name)))
                continue;
            skip = !members[i].hint;
            class = FIELD_HINT;
        }
        if (skip)
            continue;
        str path = arena_printf(r->arena, "%.*s.%.*s", STR_ARG(at->path),
                                STR_ARG(json_string_raw(r->doc, name)));
        if (str_is_null(path))
            return responses_no_memory(r);
        if (!responses_extra(r, path, value, class))
            return false;
    }
    return true;
}

static struct tool *add_named(struct responses_reading *r, uint32_t tool, uint32_t space,
                              const struct place *at)
{
    str name = responses_decode(r, json_member(r->doc, tool, STR("name")));
    if (!r->err && !name.len)
        tool_fault(r, at, "name", "must be a string that is not empty");
    if (r->err)
        return NULL;
    name = responses_flat_name(r, space, name);
    if (is_declared(r->chat, name)) {
        if (!at->again)
            tool_fault(r, at, "name", "is the name of another tool already");
        return NULL;
    }
    struct tool *t = r->err ? NULL : chat_add_tool(r->chat);
    if (!t) {
        responses_no_memory(r);
        return NULL;
    }
    t->name = name;
    t->space = responses_decode(r, space);
    t->description = raw_of_node(r->doc, json_member(r->doc, tool, STR("description")));
    return t;
}

static bool read_function(struct responses_reading *r, uint32_t tool, uint32_t space,
                          const struct place *at)
{
    uint32_t schema = responses_given(r, tool, STR("parameters"));
    uint32_t strict = responses_given(r, tool, STR("strict"));
    struct tool *t = add_named(r, tool, space, at);
    if (!t)
        return !r->err;
    if (schema != JSON_NONE && !json_is(r->doc, schema, JSON_OBJECT))
        return tool_fault(r, at, "parameters", "must be an object");
    t->schema = json_raw(r->doc, schema);
    t->strict = strict == JSON_NONE ? UNSET : json_is(r->doc, strict, JSON_TRUE) ? YES : NO;
    return other_members(r, tool, at);
}

static bool read_custom(struct responses_reading *r, uint32_t tool, uint32_t space,
                        const struct place *at)
{
    struct tool *t = add_named(r, tool, space, at);
    if (!t)
        return !r->err;
    t->custom = true;
    t->format = NATIVE_OPENAI;
    t->type = STR("custom");
    t->native = json_raw(r->doc, tool);
    return other_members(r, tool, at);
}

static bool read_hosted(struct responses_reading *r, uint32_t tool, str type)
{
    struct tool *t = chat_add_tool(r->chat);
    if (!t)
        return responses_no_memory(r);
    t->format = NATIVE_OPENAI;
    t->name = t->type = type;
    t->native = json_raw(r->doc, tool);
    return true;
}

static bool read_list(struct responses_reading *r, uint32_t tools, uint32_t space, str path,
                      bool again);

static bool read_namespace(struct responses_reading *r, uint32_t tool, const struct place *at)
{
    uint32_t name = json_member(r->doc, tool, STR("name"));
    str path = arena_printf(r->arena, "%.*s.tools", STR_ARG(at->path));
    if (!json_is(r->doc, name, JSON_STRING))
        return tool_fault(r, at, "name", "must be a string");
    if (str_is_null(path))
        return responses_no_memory(r);
    return read_list(r, json_member(r->doc, tool, STR("tools")), name, path, at->again);
}

static bool read_tool(struct responses_reading *r, uint32_t tool, uint32_t space,
                      const struct place *at)
{
    uint32_t type = json_member(r->doc, tool, STR("type"));
    if (!json_is(r->doc, tool, JSON_OBJECT))
        return responses_fault(r, at->path, "must be an object");
    if (!json_is(r->doc, type, JSON_STRING))
        return tool_fault(r, at, "type", "must be a string");
    if (responses_is(r, type, "function"))
        return read_function(r, tool, space, at);
    if (responses_is(r, type, "custom"))
        return read_custom(r, tool, space, at);
    if (responses_is(r, type, "namespace") && space == JSON_NONE)
        return read_namespace(r, tool, at);
    str text = responses_decode(r, type);
    return !r->err && read_hosted(r, tool, text);
}

static bool read_list(struct responses_reading *r, uint32_t tools, uint32_t space, str path,
                      bool again)
{
    unsigned i = 0;
    if (!json_is(r->doc, tools, JSON_ARRAY))
        return responses_fault(r, path, "must be an array");
    JSON_EACH (tool, r->doc, tools) {
        struct place at = {arena_printf(r->arena, "%.*s[%u]", STR_ARG(path), i++), again};
        if (str_is_null(at.path))
            return responses_no_memory(r);
        if (!read_tool(r, tool, space, &at))
            return false;
    }
    return true;
}

bool responses_read_tools(struct responses_reading *r, uint32_t tools, str path)
{
    return read_list(r, tools, JSON_NONE, path, !str_eq(path, STR("tools")));
}

/* --- tool_choice --------------------------------------------------------------------------------------------- */

/* Of functions and custom tools; null: it names something else. */
static str reference(struct responses_reading *r, uint32_t node)
{
    uint32_t type = json_member(r->doc, node, STR("type"));
    if (!responses_is(r, type, "function") && !responses_is(r, type, "custom"))
        return STR_NULL;
    str name = responses_decode(r, json_member(r->doc, node, STR("name")));
    return name.len ? responses_flat_name(r, json_member(r->doc, node, STR("namespace")), name)
                    : STR_NULL;
}

/* A choice of tools that OpenAI runs. */
static bool hosted_choice(struct responses_reading *r, uint32_t value)
{
    return !r->err && responses_extra(r, STR("tool_choice"), value, FIELD_MEANING);
}

static bool allowed(struct responses_reading *r, uint32_t value)
{
    uint32_t tools = json_member(r->doc, value, STR("tools"));
    uint32_t mode = json_member(r->doc, value, STR("mode"));
    if (!json_is(r->doc, tools, JSON_ARRAY))
        return responses_fault(r, STR("tool_choice.tools"), "must be an array");
    JSON_EACH (one, r->doc, tools) {
        str name = reference(r, one);
        if (!name.len)
            return hosted_choice(r, value);
        if (!chat_add_allowed(r->chat, name))
            return responses_no_memory(r);
    }
    r->chat->choice = responses_is(r, mode, "required") ? CHOICE_REQUIRED : CHOICE_AUTO;
    return true;
}

static bool choice_word(struct responses_reading *r, uint32_t value)
{
    static const struct {
        const char *word;
        enum tool_choice choice;
    } words[] = {{"auto", CHOICE_AUTO}, {"none", CHOICE_NONE}, {"required", CHOICE_REQUIRED}};
    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        if (responses_is(r, value, words[i].word)) {
            r->chat->choice = words[i].choice;
            return true;
        }
    }
    return responses_fault(r, STR("tool_choice"),
                           "must be one of none, auto, required, or an object");
}

bool responses_read_tool_choice(struct responses_reading *r, uint32_t value)
{
    if (!json_is(r->doc, value, JSON_OBJECT))
        return choice_word(r, value);
    if (responses_is(r, json_member(r->doc, value, STR("type")), "allowed_tools"))
        return allowed(r, value);
    str name = reference(r, value);
    if (!name.len)
        return hosted_choice(r, value);
    r->chat->choice = CHOICE_NAMED;
    r->chat->choice_name = name;
    return true;
}
