/* Messages of chat completions, and the prompt of legacy completions, into turns (mapping.md §2–5, §10). */
#include "llm/dialect/openai_chat_reading.h"
#include "llm/signature.h"

static struct block *add(struct openai_reading *r, struct turn *t, enum block_kind kind)
{
    struct block *b = t ? turn_add(r->chat, t, kind) : NULL;
    if (!b)
        openai_no_memory(r);
    return b;
}

/* A mark on a whole message is one behind its last block. */
static void mark_last(struct openai_reading *r, uint32_t message, struct turn *t)
{
    unsigned ttl_s;
    if (!t->last || !openai_mark(r, message, &ttl_s))
        return;
    t->last->cached = true;
    t->last->cache_ttl_s = ttl_s;
}

/* --- Reasoning -------------------------------------------------------------------------------------------- */

enum native_format openai_chat_detail_format(str format)
{
    return str_find(format, STR("openai")) >= 0   ? NATIVE_OPENAI
           : str_find(format, STR("google")) >= 0 ? NATIVE_GEMINI
                                                  : NATIVE_ANTHROPIC;
}

/* What we wrapped for the way through an OpenAI client tells its maker; the rest is Anthropic's. */
static void unwrap(struct openai_reading *r, struct reasoning *to, str text, str *out)
{
    if (!text.len)
        return;
    enum native_format maker = signature_unwrap(r->arena, NATIVE_NONE, text, out);
    to->format = maker == NATIVE_NONE ? NATIVE_ANTHROPIC : maker;
}

static bool read_thinking_block(struct openai_reading *r, struct turn *t, uint32_t item)
{
    struct block *b = add(r, t, BLOCK_REASONING);
    if (!b)
        return false;
    b->reasoning.text = raw_of_node(r->doc, openai_given(r, item, "thinking"));
    unwrap(r, &b->reasoning, openai_decode(r, openai_given(r, item, "signature")),
           &b->reasoning.signature);
    unwrap(r, &b->reasoning, openai_decode(r, openai_given(r, item, "data")),
           &b->reasoning.encrypted);
    return !r->err;
}

/* OpenRouter's. */
static bool read_detail(struct openai_reading *r, struct turn *t, uint32_t item)
{
    struct block *b = add(r, t, BLOCK_REASONING);
    if (!b)
        return false;
    uint32_t text = openai_given(r, item, "text");
    b->reasoning.text =
        raw_of_node(r->doc, text == JSON_NONE ? openai_given(r, item, "summary") : text);
    b->reasoning.signature = openai_decode(r, openai_given(r, item, "signature"));
    b->reasoning.encrypted = openai_decode(r, openai_given(r, item, "data"));
    if (b->reasoning.signature.len || b->reasoning.encrypted.len)
        b->reasoning.format =
            openai_chat_detail_format(openai_decode(r, openai_given(r, item, "format")));
    return !r->err;
}

static bool each(struct openai_reading *r, struct turn *t, uint32_t list,
                 bool (*read)(struct openai_reading *r, struct turn *t, uint32_t item))
{
    JSON_EACH (item, r->doc, list)
        if (!read(r, t, item))
            return false;
    return true;
}

static bool is_list(const struct openai_reading *r, uint32_t node)
{
    return json_is(r->doc, node, JSON_ARRAY) && json_count(r->doc, node);
}

/* Of the ways to say it only the richest is taken: they repeat each other. */
static bool read_reasoning(struct openai_reading *r, struct turn *t, uint32_t message)
{
    uint32_t blocks = openai_given(r, message, "thinking_blocks");
    uint32_t details = openai_given(r, message, "reasoning_details");
    uint32_t text = openai_given(r, message, "reasoning_content");
    if (is_list(r, blocks))
        return each(r, t, blocks, read_thinking_block);
    if (is_list(r, details))
        return each(r, t, details, read_detail);
    if (!json_is(r->doc, text, JSON_STRING))
        text = openai_given(r, message, "reasoning");
    if (!json_is(r->doc, text, JSON_STRING) || !json_string_raw(r->doc, text).len)
        return true;
    struct block *b = add(r, t, BLOCK_REASONING);
    if (b)
        b->reasoning.text = raw_of_node(r->doc, text);
    return b != NULL;
}

/* --- Calls ------------------------------------------------------------------------------------------------ */

/* Some gateways put a call's signature behind its id. */
static str bare_id(str id, str *signature)
{
    static const str mark = STR_INIT("__thought__");
    ptrdiff_t at = str_find(id, mark);
    if (at <= 0)
        return id;
    if (signature && !signature->len)
        *signature = str_from(id, (size_t)at + mark.len);
    return str_first(id, (size_t)at);
}

static bool read_arguments(struct openai_reading *r, struct tool_call *call, uint32_t function)
{
    uint32_t arguments = openai_given(r, function, "arguments");
    bool object = json_is(r->doc, arguments, JSON_OBJECT);
    str text = object ? json_raw(r->doc, arguments) : openai_decode(r, arguments);
    return !r->err && (chat_set_arguments(r->chat, call, text) || openai_no_memory(r));
}

static bool read_input(struct openai_reading *r, struct tool_call *call, uint32_t custom)
{
    uint32_t input = openai_given(r, custom, "input");
    str text = json_is(r->doc, input, JSON_STRING) ? json_raw(r->doc, input) : STR("\"\"");
    str pieces[] = {STR("{\"input\":"), text, STR("}")};
    call->custom = true;
    call->arguments = arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
    return !str_is_null(call->arguments) || openai_no_memory(r);
}

static bool read_call(struct openai_reading *r, struct turn *t, uint32_t item, str path)
{
    struct block *b = add(r, t, BLOCK_CALL);
    if (!b)
        return false;
    uint32_t custom = openai_given(r, item, "custom");
    bool is_custom = json_is(r->doc, custom, JSON_OBJECT);
    uint32_t function = is_custom ? custom : openai_given(r, item, "function");
    uint32_t google = openai_given(r, openai_given(r, item, "extra_content"), "google");
    b->call.signature = openai_decode(r, openai_given(r, google, "thought_signature"));
    b->call.id = bare_id(openai_decode(r, openai_given(r, item, "id")), &b->call.signature);
    b->call.name = openai_decode(r, openai_given(r, function, "name"));
    if (!r->err && !b->call.name.len)
        return openai_invalid(r, openai_path(r, path, is_custom ? "custom.name" : "function.name"),
                              "must be a name");
    return is_custom ? read_input(r, &b->call, custom) : read_arguments(r, &b->call, function);
}

static bool read_calls(struct openai_reading *r, struct turn *t, uint32_t message, str path)
{
    uint32_t calls = openai_given(r, message, "tool_calls");
    uint32_t old = openai_given(r, message, "function_call");
    unsigned i = 0;
    if (json_is(r->doc, calls, JSON_ARRAY))
        JSON_EACH (item, r->doc, calls)
            if (!read_call(r, t, item,
                           arena_printf(r->arena, "%.*s.tool_calls[%u]", STR_ARG(path), i++)))
                return false;
    if (!json_is(r->doc, old, JSON_OBJECT))
        return true;
    struct block *b = add(r, t, BLOCK_CALL);
    if (!b)
        return false;
    b->call.name = openai_decode(r, openai_given(r, old, "name"));
    if (!r->err && !b->call.name.len)
        return openai_invalid(r, openai_path(r, path, "function_call.name"), "must be a name");
    return read_arguments(r, &b->call, old);
}

/* --- Messages --------------------------------------------------------------------------------------------- */

static bool read_assistant(struct openai_reading *r, uint32_t message, str path)
{
    struct turn *t = chat_add_turn(r->chat, ROLE_ASSISTANT, path);
    uint32_t refusal = openai_given(r, message, "refusal");
    if (!t)
        return openai_no_memory(r);
    t->name = openai_decode(r, openai_given(r, message, "name"));
    if (!read_reasoning(r, t, message) ||
        !openai_read_content(r, t, openai_given(r, message, "content"), path))
        return false;
    if (json_is(r->doc, refusal, JSON_STRING)) {
        struct block *b = add(r, t, BLOCK_REFUSAL);
        if (!b)
            return false;
        b->text = raw_of_node(r->doc, refusal);
    }
    if (!read_calls(r, t, message, path))
        return false;
    mark_last(r, message, t);
    uint32_t audio = openai_given(r, message, "audio"); /* an answer that only OpenAI remembers */
    return !json_is(r->doc, audio, JSON_OBJECT) ||
           openai_extra(r, openai_path(r, path, "audio"), audio, FIELD_HINT);
}

/* What the tool said: blocks beside the turn, hung into the result. */
static bool read_tool(struct openai_reading *r, uint32_t message, str path)
{
    struct turn *t = chat_add_turn(r->chat, ROLE_USER, path);
    struct block *b = add(r, t, BLOCK_RESULT);
    struct turn content = {.role = ROLE_USER, .path = path};
    if (!b || !openai_read_content(r, &content, openai_given(r, message, "content"), path))
        return false;
    b->result.call_id = bare_id(openai_decode(r, openai_given(r, message, "tool_call_id")), NULL);
    b->result.name = openai_decode(r, openai_given(r, message, "name"));
    b->result.is_error = json_is(r->doc, openai_given(r, message, "is_error"), JSON_TRUE);
    b->result.content = content.blocks;
    mark_last(r, message, t);
    return !r->err;
}

static bool read_spoken(struct openai_reading *r, uint32_t message, enum role role, str path)
{
    bool leading = role == ROLE_SYSTEM && !r->chat->turns;
    struct turn *t = leading ? chat_add_system(r->chat, path) : chat_add_turn(r->chat, role, path);
    if (!t)
        return openai_no_memory(r);
    t->developer = openai_text_is(r, openai_given(r, message, "role"), "developer");
    t->name = openai_decode(r, openai_given(r, message, "name"));
    if (!openai_read_content(r, t, openai_given(r, message, "content"), path))
        return false;
    mark_last(r, message, t);
    return !r->err;
}

static bool read_user(struct openai_reading *r, uint32_t message, str path)
{
    return read_spoken(r, message, ROLE_USER, path);
}

static bool read_system(struct openai_reading *r, uint32_t message, str path)
{
    return read_spoken(r, message, ROLE_SYSTEM, path);
}

static bool read_message(struct openai_reading *r, uint32_t message, str path)
{
    static const struct {
        const char *role;
        bool (*read)(struct openai_reading *r, uint32_t message, str path);
    } roles[] = {{"user", read_user},     {"assistant", read_assistant}, {"tool", read_tool},
                 {"system", read_system}, {"developer", read_system},    {"function", read_tool}};
    uint32_t role = openai_given(r, message, "role");
    if (str_is_null(path))
        return openai_no_memory(r);
    for (unsigned i = 0; i < ARRAY_LEN(roles); i++)
        if (openai_text_is(r, role, roles[i].role))
            return roles[i].read(r, message, path);
    return openai_invalid(r, openai_path(r, path, "role"),
                          "must be one of system, developer, user, assistant, tool and function");
}

bool openai_take_messages(struct openai_reading *r, uint32_t value)
{
    unsigned i = 0;
    if (!json_is(r->doc, value, JSON_ARRAY))
        return openai_invalid(r, STR("messages"), "must be a list of messages");
    JSON_EACH (message, r->doc, value)
        if (!read_message(r, message, arena_printf(r->arena, "messages[%u]", i++)))
            return false;
    return true;
}

/* The legacy API: one text that is to be continued. */
bool openai_take_prompt(struct openai_reading *r, uint32_t value)
{
    if (json_is(r->doc, value, JSON_ARRAY) && json_count(r->doc, value) == 1)
        value = json_first(r->doc, value);
    if (!json_is(r->doc, value, JSON_STRING))
        return openai_fault(r, ERR_UNSUPPORTED, STR("prompt"),
                            "must be one text for a target of another format");
    struct turn *t = chat_add_turn(r->chat, ROLE_USER, STR("prompt"));
    struct block *b = add(r, t, BLOCK_TEXT);
    if (!b)
        return false;
    b->text = raw_of_node(r->doc, value);
    return true;
}
