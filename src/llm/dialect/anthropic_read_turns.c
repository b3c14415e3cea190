/* System text, messages and tools of requests (mapping.md §2, §8, §18). */
#include "llm/dialect/anthropic_impl.h"

static bool is(const struct anthropic_reading *r, uint32_t node, const char *text)
{
    return json_is(r->doc, node, JSON_STRING) && json_string_eq(r->doc, node, str_from_c(text));
}

static uint32_t member(const struct anthropic_reading *r, uint32_t object, const char *name)
{
    return json_member(r->doc, object, str_from_c(name));
}

/* --- System text ------------------------------------------------------------------------------------------ */

bool anthropic_read_system(struct anthropic_reading *r, uint32_t system)
{
    struct turn *t = chat_add_system(r->chat, STR("system"));
    struct anthropic_place at = {"system", -1, -1, -1};
    return t ? anthropic_read_content(r, t, system, at) : anthropic_no_memory(r);
}

/* --- Messages ----------------------------------------------------------------------------------------------- */

static bool read_role(struct anthropic_reading *r, uint32_t message,
                      const struct anthropic_place *at, enum role *out)
{
    uint32_t role = member(r, message, "role");
    if (is(r, role, "user"))
        *out = ROLE_USER;
    else if (is(r, role, "assistant"))
        *out = ROLE_ASSISTANT;
    else if (is(r, role, "system"))
        *out = ROLE_SYSTEM;
    else
        return anthropic_fault_at(r, at, "role", "must be user, assistant or system");
    return true;
}

/* A system message may say how much is to be thought from there on. */
static bool read_turn_config(struct anthropic_reading *r, uint32_t message,
                             const struct anthropic_place *at)
{
    uint32_t config = anthropic_given(r, message, STR("output_config"));
    uint32_t effort = anthropic_given(r, config, STR("effort"));
    uint32_t clear_at = anthropic_given(r, message, STR("clear_at"));
    if (effort) {
        str field = arena_printf(r->arena, "messages[%d].output_config.effort", at->item);
        r->turn_effort = anthropic_read_effort(r, effort, field);
    }
    return !r->err && (!clear_at || anthropic_extra_at(r, at, "clear_at", clear_at, FIELD_HINT));
}

static bool read_message(struct anthropic_reading *r, uint32_t message,
                         const struct anthropic_place *at)
{
    enum role role = ROLE_USER;
    if (!json_is(r->doc, message, JSON_OBJECT))
        return anthropic_fault_at(r, at, "", "must be an object");
    if (!read_role(r, message, at, &role))
        return false;
    str path = arena_printf(r->arena, "messages[%d]", at->item);
    struct turn *t = str_is_null(path) ? NULL : chat_add_turn(r->chat, role, path);
    if (!t)
        return anthropic_no_memory(r);
    if (role == ROLE_SYSTEM && !read_turn_config(r, message, at))
        return false;
    return anthropic_read_content(r, t, member(r, message, "content"), *at);
}

bool anthropic_read_messages(struct anthropic_reading *r, uint32_t messages)
{
    struct anthropic_place at = {"messages", -1, -1, -1};
    if (!json_is(r->doc, messages, JSON_ARRAY) || !json_count(r->doc, messages))
        return anthropic_fault_at(r, &at, "", "must be an array of messages");
    JSON_EACH (one, r->doc, messages) {
        at.item++;
        if (!read_message(r, one, &at))
            return false;
    }
    return true;
}

/* --- Tools ---------------------------------------------------------------------------------------------------- */

/* Members of client tools that have no place in a chat. */
static bool read_tool_extras(struct anthropic_reading *r, uint32_t tool,
                             const struct anthropic_place *at)
{
    static const struct {
        const char *name;
        enum field_class class;
    } extras[] = {
        {"eager_input_streaming", FIELD_BOOKKEEPING},
        {"defer_loading", FIELD_BOOKKEEPING}, /* they are declared at once */
        {"input_examples", FIELD_HINT},
        {"allowed_callers", FIELD_HINT},
    };
    for (unsigned i = 0; i < ARRAY_LEN(extras); i++) {
        uint32_t value = anthropic_given(r, tool, str_from_c(extras[i].name));
        if (value && !anthropic_extra_at(r, at, extras[i].name, value, extras[i].class))
            return false;
    }
    return true;
}

static bool read_client_tool(struct anthropic_reading *r, struct tool *t, uint32_t tool,
                             const struct anthropic_place *at)
{
    uint32_t schema = anthropic_given(r, tool, STR("input_schema"));
    uint32_t strict = member(r, tool, "strict");
    if (!t->name.len)
        return anthropic_fault_at(r, at, "name", "must be a string");
    if (schema && !json_is(r->doc, schema, JSON_OBJECT))
        return anthropic_fault_at(r, at, "input_schema", "must be an object");
    t->description = raw_of_node(r->doc, member(r, tool, "description"));
    t->schema = json_raw(r->doc, schema);
    t->strict = json_is(r->doc, strict, JSON_TRUE)    ? YES
                : json_is(r->doc, strict, JSON_FALSE) ? NO
                                                      : UNSET;
    return read_tool_extras(r, tool, at);
}

static bool read_tool(struct anthropic_reading *r, uint32_t tool, const struct anthropic_place *at)
{
    uint32_t type = anthropic_given(r, tool, STR("type"));
    if (!json_is(r->doc, tool, JSON_OBJECT))
        return anthropic_fault_at(r, at, "", "must be an object");
    struct tool *t = chat_add_tool(r->chat);
    if (!t)
        return anthropic_no_memory(r);
    t->name = anthropic_decode(r, member(r, tool, "name"));
    anthropic_read_mark(r, member(r, tool, "cache_control"), &t->cached, &t->cache_ttl_s);
    if (r->err)
        return false;
    if (!type || is(r, type, "custom"))
        return read_client_tool(r, t, tool, at);
    t->format = NATIVE_ANTHROPIC;
    t->type = anthropic_decode(r, type);
    t->native = json_raw(r->doc, tool);
    return !r->err;
}

bool anthropic_read_tools(struct anthropic_reading *r, uint32_t tools)
{
    struct anthropic_place at = {"tools", -1, -1, -1};
    if (!json_is(r->doc, tools, JSON_ARRAY))
        return anthropic_fault_at(r, &at, "", "must be an array");
    JSON_EACH (one, r->doc, tools) {
        at.item++;
        if (!read_tool(r, one, &at))
            return false;
    }
    return true;
}

bool anthropic_read_tool_choice(struct anthropic_reading *r, uint32_t choice)
{
    static const struct {
        const char *type;
        enum tool_choice choice;
    } kinds[] = {{"auto", CHOICE_AUTO},
                 {"none", CHOICE_NONE},
                 {"any", CHOICE_REQUIRED},
                 {"tool", CHOICE_NAMED}};
    uint32_t type = member(r, choice, "type");
    struct chat *c = r->chat;
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
        if (is(r, type, kinds[i].type))
            c->choice = kinds[i].choice;
    if (c->choice == CHOICE_UNSET)
        return anthropic_fault(r, ERR_FIELD_INVALID, STR("tool_choice.type"),
                               "must be auto, any, tool or none");
    if (json_is(r->doc, member(r, choice, "disable_parallel_tool_use"), JSON_TRUE))
        c->parallel_calls = NO;
    if (c->choice != CHOICE_NAMED)
        return true;
    c->choice_name = anthropic_decode(r, member(r, choice, "name"));
    if (!r->err && !c->choice_name.len)
        return anthropic_fault(r, ERR_FIELD_INVALID, STR("tool_choice.name"),
                               "must be the name of a tool");
    return !r->err;
}
