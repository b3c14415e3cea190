/*
 * Requests of chat completions, and of legacy completions, into chats: the members of the body each by its
 * row below; messages, parts and tools after them.
 */
#include "llm/dialect/openai_chat_impl.h"
#include "llm/signature.h"

struct reading {
    struct chat_source *in;
    const struct json_doc *doc;
    struct arena *arena;
    struct chat *chat;
    enum err err; /* the first; in->fault has its words */
};

/* --- Faults and members --------------------------------------------------------------------------------------- */

static bool fault(struct reading *r, enum err err, str field, const char *text)
{
    if (!r->err) {
        r->err = err;
        r->in->fault = (struct chat_fault){err, field, str_from_c(text)};
    }
    return false;
}

static bool invalid(struct reading *r, str field, const char *text)
{
    return fault(r, ERR_FIELD_INVALID, field, text);
}

static bool no_memory(struct reading *r)
{
    return fault(r, ERR_NO_MEMORY, STR_NULL, "no memory for the request");
}

static uint32_t given(const struct reading *r, uint32_t object, const char *name)
{
    uint32_t node = json_member(r->doc, object, str_from_c(name));
    return json_is(r->doc, node, JSON_NULL) ? JSON_NONE : node;
}

static str decode(struct reading *r, uint32_t node)
{
    str text = STR_NULL;
    if (json_is(r->doc, node, JSON_STRING) && json_string_decode(r->doc, node, r->arena, &text)) {
        no_memory(r);
        return STR_NULL;
    }
    return text;
}

static bool text_is(const struct reading *r, uint32_t node, const char *text)
{
    return json_is(r->doc, node, JSON_STRING) && json_string_eq(r->doc, node, str_from_c(text));
}

static enum tri tri_of(const struct reading *r, uint32_t node)
{
    return json_is(r->doc, node, JSON_TRUE) ? YES : json_is(r->doc, node, JSON_FALSE) ? NO : UNSET;
}

static bool extra(struct reading *r, str name, uint32_t value, enum field_class class)
{
    return chat_add_extra(r->chat, NATIVE_OPENAI, name, json_raw(r->doc, value), class) ||
           no_memory(r);
}

/* --- Members of the body -------------------------------------------------------------------------------------- */

static bool number(struct reading *r, uint32_t value, str *out, const char *field)
{
    if (!json_is(r->doc, value, JSON_NUMBER))
        return invalid(r, str_from_c(field), "must be a number");
    *out = json_raw(r->doc, value);
    return true;
}

#define NUMBER(member)                                                                             \
    static bool take_##member(struct reading *r, uint32_t value)                                   \
    {                                                                                              \
        return number(r, value, &r->chat->member, #member);                                        \
    }
NUMBER(temperature)
NUMBER(top_p)
NUMBER(top_k)
NUMBER(n)
NUMBER(seed)
NUMBER(presence_penalty)
NUMBER(frequency_penalty)
NUMBER(top_logprobs)
#undef NUMBER

/* The newer name wins, wherever it stands. */
static bool take_max_tokens(struct reading *r, uint32_t value)
{
    if (given(r, JSON_ROOT, "max_completion_tokens") != JSON_NONE)
        return true;
    return number(r, value, &r->chat->max_tokens, "max_tokens");
}

static bool take_max_completion_tokens(struct reading *r, uint32_t value)
{
    return number(r, value, &r->chat->max_tokens, "max_completion_tokens");
}

static bool take_stop(struct reading *r, uint32_t value)
{
    if (json_is(r->doc, value, JSON_STRING))
        return chat_add_stop(r->chat, raw_of_node(r->doc, value)) || no_memory(r);
    JSON_EACH (item, r->doc, value) {
        if (!json_is(r->doc, item, JSON_STRING))
            return invalid(r, STR("stop"), "must be a string or a list of strings");
        if (!chat_add_stop(r->chat, raw_of_node(r->doc, item)))
            return no_memory(r);
    }
    return true;
}

static bool take_logit_bias(struct reading *r, uint32_t value)
{
    if (!json_is(r->doc, value, JSON_OBJECT))
        return invalid(r, STR("logit_bias"), "must be an object");
    if (json_count(r->doc, value))
        r->chat->logit_bias = json_raw(r->doc, value);
    return true;
}

static bool take_logprobs(struct reading *r, uint32_t value)
{
    if (json_is(r->doc, value, JSON_NUMBER)) { /* the legacy API's count */
        r->chat->logprobs = YES;
        r->chat->top_logprobs = json_raw(r->doc, value);
        return true;
    }
    r->chat->logprobs = tri_of(r, value);
    return true;
}

static bool take_user(struct reading *r, uint32_t value)
{
    if (!r->chat->user.len)
        r->chat->user = decode(r, value);
    return !r->err;
}

static bool take_safety_identifier(struct reading *r, uint32_t value)
{
    r->chat->user = decode(r, value);
    return !r->err;
}

static bool take_metadata(struct reading *r, uint32_t value)
{
    if (json_is(r->doc, value, JSON_OBJECT) && json_count(r->doc, value))
        r->chat->metadata = json_raw(r->doc, value);
    return true;
}

static bool take_store(struct reading *r, uint32_t value)
{
    r->chat->store = tri_of(r, value);
    return true;
}

static bool take_service_tier(struct reading *r, uint32_t value)
{
    r->chat->service_tier = decode(r, value);
    return !r->err;
}

static bool take_cache_key(struct reading *r, uint32_t value)
{
    r->chat->cache_key = decode(r, value);
    return !r->err;
}

static bool take_parallel(struct reading *r, uint32_t value)
{
    r->chat->parallel_calls = tri_of(r, value);
    return true;
}

static bool take_effort(struct reading *r, uint32_t value)
{
    r->chat->effort = effort_of(decode(r, value));
    if (!r->err && r->chat->effort == EFFORT_UNSET)
        return invalid(r, STR("reasoning_effort"),
                       "must be one of none, minimal, low, medium, high, xhigh and max");
    return !r->err;
}

/* Extensions of other gateways: Anthropic's and vLLM's switches. */
static bool take_thinking(struct reading *r, uint32_t value)
{
    uint32_t type = given(r, value, "type"), budget = given(r, value, "budget_tokens");
    r->chat->thinking = text_is(r, type, "disabled") ? NO : YES;
    r->chat->thinking_adaptive = text_is(r, type, "adaptive");
    if (json_is(r->doc, budget, JSON_NUMBER))
        r->chat->thinking_budget = json_raw(r->doc, budget);
    return true;
}

static bool take_format(struct reading *r, uint32_t value)
{
    struct chat *c = r->chat;
    uint32_t type = given(r, value, "type"), schema = given(r, value, "json_schema");
    if (text_is(r, type, "text")) {
        c->format = FORMAT_TEXT;
    } else if (text_is(r, type, "json_object")) {
        c->format = FORMAT_JSON;
    } else if (text_is(r, type, "json_schema")) {
        if (!json_is(r->doc, schema, JSON_OBJECT))
            return invalid(r, STR("response_format.json_schema"), "must be an object");
        c->format = FORMAT_SCHEMA;
        c->format_name = decode(r, given(r, schema, "name"));
        c->format_description = raw_of_node(r->doc, given(r, schema, "description"));
        c->format_schema = json_raw(r->doc, given(r, schema, "schema"));
        c->format_strict = tri_of(r, given(r, schema, "strict"));
    } else {
        return invalid(r, STR("response_format.type"), "must be text, json_object or json_schema");
    }
    return !r->err;
}

/* --- Tools ---------------------------------------------------------------------------------------------------- */

static bool read_function(struct reading *r, uint32_t function, str path)
{
    struct tool *t = chat_add_tool(r->chat);
    if (!t)
        return no_memory(r);
    t->name = decode(r, given(r, function, "name"));
    t->description = raw_of_node(r->doc, given(r, function, "description"));
    t->strict = tri_of(r, given(r, function, "strict"));
    uint32_t parameters = given(r, function, "parameters");
    if (json_is(r->doc, parameters, JSON_OBJECT))
        t->schema = json_raw(r->doc, parameters);
    if (!t->name.len)
        return invalid(r, arena_printf(r->arena, "%.*s.name", STR_ARG(path)), "must be a name");
    for (const struct tool *o = r->chat->tools; o != t; o = o->next)
        if (str_eq(o->name, t->name))
            return invalid(r, arena_printf(r->arena, "%.*s.name", STR_ARG(path)),
                           "is the name of another tool, too");
    return !r->err;
}

static bool read_custom(struct reading *r, uint32_t item, uint32_t custom, str path)
{
    struct tool *t = chat_add_tool(r->chat);
    if (!t)
        return no_memory(r);
    t->custom = true;
    t->format = NATIVE_OPENAI;
    t->type = STR("custom");
    t->native = json_raw(r->doc, item);
    t->name = decode(r, given(r, custom, "name"));
    t->description = raw_of_node(r->doc, given(r, custom, "description"));
    return t->name.len ||
           invalid(r, arena_printf(r->arena, "%.*s.custom.name", STR_ARG(path)), "must be a name");
}

static bool take_tools(struct reading *r, uint32_t value)
{
    unsigned i = 0;
    if (!json_is(r->doc, value, JSON_ARRAY))
        return invalid(r, STR("tools"), "must be a list");
    JSON_EACH (item, r->doc, value) {
        str path = arena_printf(r->arena, "tools[%u]", i++);
        uint32_t function = given(r, item, "function"), custom = given(r, item, "custom");
        bool ok;
        if (json_is(r->doc, function, JSON_OBJECT)) {
            ok = read_function(r, function, arena_printf(r->arena, "%.*s.function", STR_ARG(path)));
            uint32_t mark = given(r, item, "cache_control"); /* other gateways' extension */
            if (ok && json_is(r->doc, mark, JSON_OBJECT))
                r->chat->tools_last->cached = true;
        } else if (json_is(r->doc, custom, JSON_OBJECT)) {
            ok = read_custom(r, item, custom, path);
        } else {
            return invalid(r, arena_printf(r->arena, "%.*s.type", STR_ARG(path)),
                           "must be function or custom");
        }
        if (!ok)
            return false;
    }
    return true;
}

static bool take_functions(struct reading *r, uint32_t value)
{
    unsigned i = 0;
    JSON_EACH (item, r->doc, value)
        if (!read_function(r, item, arena_printf(r->arena, "functions[%u]", i++)))
            return false;
    return true;
}

static bool choose(struct reading *r, uint32_t function, const char *field)
{
    r->chat->choice = CHOICE_NAMED;
    r->chat->choice_name = decode(r, given(r, function, "name"));
    return r->chat->choice_name.len || invalid(r, str_from_c(field), "must name a tool");
}

static bool read_allowed(struct reading *r, uint32_t allowed)
{
    r->chat->choice =
        text_is(r, given(r, allowed, "mode"), "required") ? CHOICE_REQUIRED : CHOICE_AUTO;
    uint32_t tools = given(r, allowed, "tools");
    JSON_EACH (item, r->doc, tools) {
        uint32_t function = given(r, item, "function");
        str name = decode(r, given(r, function == JSON_NONE ? item : function, "name"));
        if (name.len && !chat_add_allowed(r->chat, name))
            return no_memory(r);
    }
    return !r->err;
}

static bool take_tool_choice(struct reading *r, uint32_t value)
{
    struct chat *c = r->chat;
    if (text_is(r, value, "auto"))
        c->choice = CHOICE_AUTO;
    else if (text_is(r, value, "none"))
        c->choice = CHOICE_NONE;
    else if (text_is(r, value, "required") || text_is(r, value, "any"))
        c->choice = CHOICE_REQUIRED;
    else if (text_is(r, given(r, value, "type"), "allowed_tools"))
        return read_allowed(r, given(r, value, "allowed_tools"));
    else if (text_is(r, given(r, value, "type"), "custom"))
        return choose(r, given(r, value, "custom"), "tool_choice.custom.name");
    else if (json_is(r->doc, value, JSON_OBJECT))
        return choose(r, given(r, value, "function"), "tool_choice.function.name");
    else
        return invalid(r, STR("tool_choice"), "must be auto, none, required or name a tool");
    return true;
}

static bool take_function_call(struct reading *r, uint32_t value)
{
    if (json_is(r->doc, value, JSON_OBJECT))
        return choose(r, value, "function_call.name");
    return take_tool_choice(r, value);
}

/* --- Content -------------------------------------------------------------------------------------------------- */

struct place {
    str message; /* "messages[2]" */
    int part;    /* -1: the content itself */
};

static str path_of(struct reading *r, const struct place *at, const char *member)
{
    return at->part < 0 ? arena_printf(r->arena, "%.*s.%s", STR_ARG(at->message), member)
                        : arena_printf(r->arena, "%.*s.content[%d].%s", STR_ARG(at->message),
                                       at->part, member);
}

static void read_mark(const struct reading *r, uint32_t part, struct block *b)
{
    uint32_t mark = given(r, part, "prompt_cache_breakpoint");
    if (!json_is(r->doc, mark, JSON_OBJECT))
        mark = given(r, part, "cache_control");
    if (!json_is(r->doc, mark, JSON_OBJECT))
        return;
    uint32_t ttl = given(r, mark, "ttl");
    b->cached = true;
    b->cache_ttl_s = text_is(r, ttl, "1h") || text_is(r, ttl, "12h") || text_is(r, ttl, "24h")
                         ? 3600
                     : text_is(r, ttl, "5m") ? 300
                                             : 0;
}

static bool read_image(struct reading *r, uint32_t part, struct block *b, const struct place *at)
{
    static const struct {
        const char *name;
        enum media_detail detail;
    } details[] = {{"low", DETAIL_LOW},
                   {"high", DETAIL_HIGH},
                   {"auto", DETAIL_AUTO},
                   {"original", DETAIL_ORIGINAL}};
    uint32_t image = given(r, part, "image_url");
    uint32_t url = json_is(r->doc, image, JSON_STRING) ? image : given(r, image, "url");
    uint32_t detail = given(r, image, "detail");
    str text = decode(r, url);
    if (!text.len || !media_from_url(r->arena, text, &b->media))
        return invalid(r, path_of(r, at, "image_url.url"),
                       "must be an address or a data URL with base64");
    if (str_eq(b->media.mime, STR("application/pdf"))) /* some clients send documents so */
        b->kind = BLOCK_DOCUMENT;
    for (unsigned i = 0; i < ARRAY_LEN(details); i++)
        if (text_is(r, detail, details[i].name))
            b->media.detail = details[i].detail;
    return !r->err;
}

static bool read_audio(struct reading *r, uint32_t part, struct block *b, const struct place *at)
{
    uint32_t audio = given(r, part, "input_audio"), format = given(r, audio, "format");
    str data = decode(r, given(r, audio, "data"));
    if (!data.len || !media_from_url(r->arena, data, &b->media))
        return invalid(r, path_of(r, at, "input_audio.data"), "must be base64");
    b->media.mime = text_is(r, format, "wav") ? STR("audio/wav") : STR("audio/mp3");
    return !r->err;
}

static str mime_of_name(str name)
{
    static const struct {
        str end, mime;
    } known[] = {{STR_INIT(".pdf"), STR_INIT("application/pdf")},
                 {STR_INIT(".txt"), STR_INIT("text/plain")},
                 {STR_INIT(".md"), STR_INIT("text/markdown")},
                 {STR_INIT(".csv"), STR_INIT("text/csv")},
                 {STR_INIT(".html"), STR_INIT("text/html")}};
    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (name.len >= known[i].end.len &&
            str_ieq(str_from(name, name.len - known[i].end.len), known[i].end))
            return known[i].mime;
    return STR("application/pdf");
}

static bool read_file(struct reading *r, uint32_t part, struct block *b, const struct place *at)
{
    uint32_t file = given(r, part, "file");
    str id = decode(r, given(r, file, "file_id")), data = decode(r, given(r, file, "file_data"));
    b->media.name = decode(r, given(r, file, "filename"));
    if (id.len) {
        b->media.source = MEDIA_FILE_ID;
        b->media.format = NATIVE_OPENAI;
        b->media.data = id;
        return !r->err;
    }
    if (!data.len || !media_from_url(r->arena, data, &b->media))
        return invalid(r, path_of(r, at, "file.file_data"), "must be base64 or a data URL");
    if (!b->media.mime.len)
        b->media.mime = mime_of_name(b->media.name);
    return !r->err;
}

static bool read_part(struct reading *r, struct turn *t, uint32_t part, const struct place *at)
{
    static const struct {
        const char *type;
        enum block_kind kind;
        bool (*read)(struct reading *r, uint32_t part, struct block *b, const struct place *at);
    } kinds[] = {{"text", BLOCK_TEXT, NULL},
                 {"input_text", BLOCK_TEXT, NULL},
                 {"refusal", BLOCK_REFUSAL, NULL},
                 {"image_url", BLOCK_IMAGE, read_image},
                 {"input_audio", BLOCK_AUDIO, read_audio},
                 {"file", BLOCK_DOCUMENT, read_file}};
    uint32_t type = given(r, part, "type");
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!text_is(r, type, kinds[i].type))
            continue;
        struct block *b = turn_add(r->chat, t, kinds[i].kind);
        if (!b)
            return no_memory(r);
        read_mark(r, part, b);
        if (kinds[i].read)
            return kinds[i].read(r, part, b, at);
        b->text =
            raw_of_node(r->doc, given(r, part, b->kind == BLOCK_REFUSAL ? "refusal" : "text"));
        return !str_is_null(b->text.s) ||
               invalid(r, path_of(r, at, kinds[i].type), "must be a string");
    }
    return invalid(r, path_of(r, at, "type"),
                   "must be one of text, image_url, input_audio, file and refusal");
}

static bool read_content(struct reading *r, struct turn *t, uint32_t content, str message)
{
    struct place at = {message, -1};
    if (content == JSON_NONE)
        return true;
    if (json_is(r->doc, content, JSON_STRING)) {
        struct block *b = turn_add(r->chat, t, BLOCK_TEXT);
        if (!b)
            return no_memory(r);
        b->text = raw_of_node(r->doc, content);
        return true;
    }
    if (!json_is(r->doc, content, JSON_ARRAY))
        return invalid(r, path_of(r, &at, "content"), "must be a string or a list of parts");
    JSON_EACH (part, r->doc, content) {
        at.part++;
        if (!read_part(r, t, part, &at))
            return false;
    }
    return true;
}

/* --- Messages ------------------------------------------------------------------------------------------------- */

static struct block *add_reasoning(struct reading *r, struct turn *t)
{
    struct block *b = turn_add(r->chat, t, BLOCK_REASONING);
    if (!b)
        no_memory(r);
    return b;
}

/* A signature that we wrapped for the way through an OpenAI client tells its maker; others are Anthropic's. */
static enum native_format unwrap(struct reading *r, str text, str *out)
{
    enum native_format maker = signature_unwrap(r->arena, NATIVE_NONE, text, out);
    return maker == NATIVE_NONE ? NATIVE_ANTHROPIC : maker;
}

static bool read_thinking_block(struct reading *r, struct turn *t, uint32_t item)
{
    struct block *b = add_reasoning(r, t);
    if (!b)
        return false;
    str signature = decode(r, given(r, item, "signature")),
        data = decode(r, given(r, item, "data"));
    b->reasoning.text = raw_of_node(r->doc, given(r, item, "thinking"));
    if (signature.len)
        b->reasoning.format = unwrap(r, signature, &b->reasoning.signature);
    if (data.len)
        b->reasoning.format = unwrap(r, data, &b->reasoning.encrypted);
    return !r->err;
}

/* OpenRouter's list. */
static bool read_detail(struct reading *r, struct turn *t, uint32_t item)
{
    struct block *b = add_reasoning(r, t);
    if (!b)
        return false;
    str format = decode(r, given(r, item, "format"));
    enum native_format maker = str_find(format, STR("openai")) >= 0   ? NATIVE_OPENAI
                               : str_find(format, STR("google")) >= 0 ? NATIVE_GEMINI
                                                                      : NATIVE_ANTHROPIC;
    uint32_t text = given(r, item, "text");
    b->reasoning.text = raw_of_node(r->doc, text == JSON_NONE ? given(r, item, "summary") : text);
    b->reasoning.signature = decode(r, given(r, item, "signature"));
    b->reasoning.encrypted = decode(r, given(r, item, "data"));
    if (b->reasoning.signature.len || b->reasoning.encrypted.len)
        b->reasoning.format = maker;
    return !r->err;
}

/* Of the ways to say it only the richest is taken: they repeat each other. */
static bool read_reasoning(struct reading *r, struct turn *t, uint32_t message)
{
    uint32_t blocks = given(r, message, "thinking_blocks");
    uint32_t details = given(r, message, "reasoning_details");
    uint32_t text = given(r, message, "reasoning_content");
    if (json_count(r->doc, blocks)) {
        JSON_EACH (item, r->doc, blocks)
            if (!read_thinking_block(r, t, item))
                return false;
        return true;
    }
    if (json_count(r->doc, details)) {
        JSON_EACH (item, r->doc, details)
            if (!read_detail(r, t, item))
                return false;
        return true;
    }
    if (!json_is(r->doc, text, JSON_STRING))
        text = given(r, message, "reasoning");
    if (!json_is(r->doc, text, JSON_STRING) || !json_string_raw(r->doc, text).len)
        return true;
    struct block *b = add_reasoning(r, t);
    if (b)
        b->reasoning.text = raw_of_node(r->doc, text);
    return b != NULL;
}

static bool read_call(struct reading *r, struct turn *t, uint32_t item, str path)
{
    struct block *b = turn_add(r->chat, t, BLOCK_CALL);
    if (!b)
        return no_memory(r);
    uint32_t custom = given(r, item, "custom");
    uint32_t function = custom == JSON_NONE ? given(r, item, "function") : custom;
    uint32_t google = given(r, given(r, item, "extra_content"), "google");
    b->call.id = decode(r, given(r, item, "id"));
    b->call.name = decode(r, given(r, function, "name"));
    b->call.signature = decode(r, given(r, google, "thought_signature"));
    if (!b->call.name.len)
        return invalid(r, arena_printf(r->arena, "%.*s.function.name", STR_ARG(path)),
                       "must be a name");
    if (custom != JSON_NONE) {
        b->call.custom = true;
        b->call.arguments = arena_printf(r->arena, "{\"input\":%.*s}",
                                         STR_ARG(json_raw(r->doc, given(r, custom, "input"))));
        return !str_is_null(b->call.arguments) || no_memory(r);
    }
    uint32_t arguments = given(r, function, "arguments");
    str text = json_is(r->doc, arguments, JSON_OBJECT) ? json_raw(r->doc, arguments)
                                                       : decode(r, arguments);
    return chat_set_arguments(r->chat, &b->call, text) || no_memory(r);
}

static bool read_assistant(struct reading *r, uint32_t message, str path)
{
    struct turn *t = chat_add_turn(r->chat, ROLE_ASSISTANT, path);
    unsigned i = 0;
    if (!t)
        return no_memory(r);
    if (!read_reasoning(r, t, message) || !read_content(r, t, given(r, message, "content"), path))
        return false;
    uint32_t refusal = given(r, message, "refusal");
    if (json_is(r->doc, refusal, JSON_STRING)) {
        struct block *b = turn_add(r->chat, t, BLOCK_REFUSAL);
        if (!b)
            return no_memory(r);
        b->text = raw_of_node(r->doc, refusal);
    }
    uint32_t calls = given(r, message, "tool_calls"), old = given(r, message, "function_call");
    JSON_EACH (item, r->doc, calls)
        if (!read_call(r, t, item,
                       arena_printf(r->arena, "%.*s.tool_calls[%u]", STR_ARG(path), i++)))
            return false;
    if (!json_is(r->doc, old, JSON_OBJECT))
        return true;
    struct block *b = turn_add(r->chat, t, BLOCK_CALL);
    if (!b)
        return no_memory(r);
    b->call.name = decode(r, given(r, old, "name"));
    return chat_set_arguments(r->chat, &b->call, decode(r, given(r, old, "arguments"))) ||
           no_memory(r);
}

/* What the tool said: blocks beside the turn, hung into the result. */
static bool read_tool(struct reading *r, uint32_t message, str path)
{
    struct turn *t = chat_add_turn(r->chat, ROLE_USER, path);
    struct block *b = t ? turn_add(r->chat, t, BLOCK_RESULT) : NULL;
    struct turn content = {.role = ROLE_USER, .path = path};
    if (!b)
        return no_memory(r);
    b->result.call_id = decode(r, given(r, message, "tool_call_id"));
    b->result.is_error = json_is(r->doc, given(r, message, "is_error"), JSON_TRUE);
    if (!read_content(r, &content, given(r, message, "content"), path))
        return false;
    b->result.content = content.blocks;
    uint32_t mark = given(r, message, "cache_control");
    b->cached = json_is(r->doc, mark, JSON_OBJECT);
    return !r->err;
}

static bool read_spoken(struct reading *r, uint32_t message, enum role role, str path)
{
    bool leading = role == ROLE_SYSTEM && !r->chat->turns;
    struct turn *t = leading ? chat_add_system(r->chat, path) : chat_add_turn(r->chat, role, path);
    if (!t)
        return no_memory(r);
    t->developer = text_is(r, given(r, message, "role"), "developer");
    t->name = decode(r, given(r, message, "name"));
    if (!read_content(r, t, given(r, message, "content"), path))
        return false;
    uint32_t mark = given(r, message, "cache_control"); /* on a whole message: other gateways' */
    if (json_is(r->doc, mark, JSON_OBJECT) && t->last)
        t->last->cached = true;
    return !r->err;
}

static bool read_message(struct reading *r, uint32_t message, str path)
{
    uint32_t role = given(r, message, "role");
    if (text_is(r, role, "user"))
        return read_spoken(r, message, ROLE_USER, path);
    if (text_is(r, role, "assistant"))
        return read_assistant(r, message, path);
    if (text_is(r, role, "tool") || text_is(r, role, "function"))
        return read_tool(r, message, path);
    if (text_is(r, role, "system") || text_is(r, role, "developer"))
        return read_spoken(r, message, ROLE_SYSTEM, path);
    return invalid(r, arena_printf(r->arena, "%.*s.role", STR_ARG(path)),
                   "must be one of system, developer, user, assistant, tool and function");
}

static bool take_messages(struct reading *r, uint32_t value)
{
    unsigned i = 0;
    if (!json_is(r->doc, value, JSON_ARRAY))
        return invalid(r, STR("messages"), "must be a list of messages");
    JSON_EACH (message, r->doc, value)
        if (!read_message(r, message, arena_printf(r->arena, "messages[%u]", i++)))
            return false;
    return true;
}

/* The legacy API: one text that is to be continued. */
static bool take_prompt(struct reading *r, uint32_t value)
{
    if (json_is(r->doc, value, JSON_ARRAY) && json_count(r->doc, value) == 1)
        value = json_first(r->doc, value);
    if (!json_is(r->doc, value, JSON_STRING))
        return fault(r, ERR_UNSUPPORTED, STR("prompt"),
                     "must be one text for a target of another format");
    struct turn *t = chat_add_turn(r->chat, ROLE_USER, STR("prompt"));
    struct block *b = t ? turn_add(r->chat, t, BLOCK_TEXT) : NULL;
    if (!b)
        return no_memory(r);
    b->text = raw_of_node(r->doc, value);
    return true;
}

/* --- The rows -------------------------------------------------------------------------------------------------- */

static bool take_known(struct reading *r, uint32_t value)
{
    (void)r, (void)value; /* the gateway's own: read before */
    return true;
}

static const struct row {
    str name;
    bool (*take)(struct reading *r, uint32_t value); /* NULL: an extra of this class */
    enum field_class class;
} rows[] = {
    {STR_INIT("model"), take_known, 0},
    {STR_INIT("stream"), take_known, 0},
    {STR_INIT("stream_options"), take_known, 0},
    {STR_INIT("messages"), take_messages, 0},
    {STR_INIT("prompt"), take_prompt, 0},
    {STR_INIT("tools"), take_tools, 0},
    {STR_INIT("functions"), take_functions, 0},
    {STR_INIT("tool_choice"), take_tool_choice, 0},
    {STR_INIT("function_call"), take_function_call, 0},
    {STR_INIT("parallel_tool_calls"), take_parallel, 0},
    {STR_INIT("max_tokens"), take_max_tokens, 0},
    {STR_INIT("max_completion_tokens"), take_max_completion_tokens, 0},
    {STR_INIT("temperature"), take_temperature, 0},
    {STR_INIT("top_p"), take_top_p, 0},
    {STR_INIT("top_k"), take_top_k, 0},
    {STR_INIT("n"), take_n, 0},
    {STR_INIT("seed"), take_seed, 0},
    {STR_INIT("stop"), take_stop, 0},
    {STR_INIT("presence_penalty"), take_presence_penalty, 0},
    {STR_INIT("frequency_penalty"), take_frequency_penalty, 0},
    {STR_INIT("logit_bias"), take_logit_bias, 0},
    {STR_INIT("logprobs"), take_logprobs, 0},
    {STR_INIT("top_logprobs"), take_top_logprobs, 0},
    {STR_INIT("response_format"), take_format, 0},
    {STR_INIT("reasoning_effort"), take_effort, 0},
    {STR_INIT("thinking"), take_thinking, 0},
    {STR_INIT("user"), take_user, 0},
    {STR_INIT("safety_identifier"), take_safety_identifier, 0},
    {STR_INIT("metadata"), take_metadata, 0},
    {STR_INIT("store"), take_store, 0},
    {STR_INIT("service_tier"), take_service_tier, 0},
    {STR_INIT("prompt_cache_key"), take_cache_key, 0},
    {STR_INIT("prompt_cache_retention"), NULL, FIELD_BOOKKEEPING},
    {STR_INIT("prompt_cache_options"), NULL, FIELD_BOOKKEEPING},
    {STR_INIT("moderation"), NULL, FIELD_BOOKKEEPING},
    {STR_INIT("modalities"), NULL, FIELD_MEANING},
    {STR_INIT("audio"), NULL, FIELD_MEANING},
    {STR_INIT("web_search_options"), NULL, FIELD_MEANING},
    {STR_INIT("prediction"), NULL, FIELD_HINT},
    {STR_INIT("verbosity"), NULL, FIELD_HINT},
    {STR_INIT("suffix"), NULL, FIELD_MEANING},
    {STR_INIT("echo"), NULL, FIELD_MEANING},
    {STR_INIT("best_of"), NULL, FIELD_MEANING},
};

/* The value that a field has when nobody gives it changes nothing. */
static bool is_default(const struct reading *r, const struct row *row, uint32_t value)
{
    if (str_eq(row->name, STR("echo")))
        return json_is(r->doc, value, JSON_FALSE);
    if (str_eq(row->name, STR("best_of")))
        return str_eq(json_raw(r->doc, value), STR("1"));
    if (str_eq(row->name, STR("modalities")))
        return json_count(r->doc, value) == 1 && text_is(r, json_first(r->doc, value), "text");
    return false;
}

static bool take_member(struct reading *r, uint32_t name)
{
    uint32_t value = json_value(name);
    if (json_is(r->doc, value, JSON_NULL))
        return true;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (!json_string_eq(r->doc, name, rows[i].name))
            continue;
        if (rows[i].take)
            return rows[i].take(r, value);
        return is_default(r, &rows[i], value) || extra(r, rows[i].name, value, rows[i].class);
    }
    str said = decode(r, name);
    return !str_is_null(said) && extra(r, said, value, FIELD_UNKNOWN);
}

enum err openai_chat_read_request(struct chat_source *in, struct chat *out)
{
    struct reading r = {.in = in, .doc = in->doc, .arena = out->arena, .chat = out};
    JSON_EACH (name, in->doc, JSON_ROOT)
        if (!take_member(&r, name))
            break;
    return r.err;
}
