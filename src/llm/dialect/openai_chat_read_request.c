/*
 * Requests of chat completions, and of legacy completions, into chats: the members of the body, each by its
 * row below.
 */
#include "llm/dialect/openai_chat_reading.h"

/* --- Faults and members ----------------------------------------------------------------------------------- */

bool openai_fault(struct openai_reading *r, enum err err, str field, const char *text)
{
    if (!r->err) {
        r->err = err;
        r->in->fault = (struct chat_fault){err, field, str_from_c(text)};
    }
    return false;
}

bool openai_invalid(struct openai_reading *r, str field, const char *text)
{
    return openai_fault(r, ERR_FIELD_INVALID, field, text);
}

bool openai_no_memory(struct openai_reading *r)
{
    return openai_fault(r, ERR_NO_MEMORY, STR_NULL, "no memory for the request");
}

str openai_path(struct openai_reading *r, str path, const char *member)
{
    return arena_printf(r->arena, "%.*s.%s", STR_ARG(path), member);
}

uint32_t openai_given(const struct openai_reading *r, uint32_t object, const char *name)
{
    uint32_t node = json_member(r->doc, object, str_from_c(name));
    return json_is(r->doc, node, JSON_NULL) ? JSON_NONE : node;
}

str openai_decode(struct openai_reading *r, uint32_t node)
{
    str text = STR_NULL;
    if (json_is(r->doc, node, JSON_STRING) && json_string_decode(r->doc, node, r->arena, &text)) {
        openai_no_memory(r);
        return STR_NULL;
    }
    return text;
}

bool openai_text_is(const struct openai_reading *r, uint32_t node, const char *text)
{
    return json_is(r->doc, node, JSON_STRING) && json_string_eq(r->doc, node, str_from_c(text));
}

enum tri openai_tri(const struct openai_reading *r, uint32_t node)
{
    return json_is(r->doc, node, JSON_TRUE) ? YES : json_is(r->doc, node, JSON_FALSE) ? NO : UNSET;
}

bool openai_extra(struct openai_reading *r, str name, uint32_t value, enum field_class class)
{
    return chat_add_extra(r->chat, NATIVE_OPENAI, name, json_raw(r->doc, value), class) ||
           openai_no_memory(r);
}

bool openai_mark(const struct openai_reading *r, uint32_t object, unsigned *ttl_s)
{
    static const struct {
        const char *name;
        unsigned seconds;
    } ttls[] = {{"5m", 300}, {"1h", 3600}, {"12h", 3600}, {"24h", 3600}};
    uint32_t mark = openai_given(r, object, "prompt_cache_breakpoint");
    if (!json_is(r->doc, mark, JSON_OBJECT))
        mark = openai_given(r, object, "cache_control");
    if (!json_is(r->doc, mark, JSON_OBJECT))
        return false;
    uint32_t ttl = openai_given(r, mark, "ttl");
    *ttl_s = 0;
    for (unsigned i = 0; i < ARRAY_LEN(ttls); i++)
        if (openai_text_is(r, ttl, ttls[i].name))
            *ttl_s = ttls[i].seconds;
    return true;
}

/* --- Sampling and limits ---------------------------------------------------------------------------------- */

static bool number(struct openai_reading *r, uint32_t value, str *out, const char *field)
{
    if (!json_is(r->doc, value, JSON_NUMBER))
        return openai_invalid(r, str_from_c(field), "must be a number");
    *out = json_raw(r->doc, value);
    return true;
}

#define NUMBER(member)                                                                             \
    static bool take_##member(struct openai_reading *r, uint32_t value)                            \
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
static bool take_max_tokens(struct openai_reading *r, uint32_t value)
{
    if (openai_given(r, JSON_ROOT, "max_completion_tokens") != JSON_NONE)
        return true;
    return number(r, value, &r->chat->max_tokens, "max_tokens");
}

static bool take_max_completion_tokens(struct openai_reading *r, uint32_t value)
{
    return number(r, value, &r->chat->max_tokens, "max_completion_tokens");
}

static bool add_stop(struct openai_reading *r, uint32_t item)
{
    if (!json_is(r->doc, item, JSON_STRING))
        return openai_invalid(r, STR("stop"), "must be a string or a list of strings");
    return chat_add_stop(r->chat, raw_of_node(r->doc, item)) || openai_no_memory(r);
}

static bool take_stop(struct openai_reading *r, uint32_t value)
{
    if (!json_is(r->doc, value, JSON_ARRAY))
        return add_stop(r, value);
    JSON_EACH (item, r->doc, value)
        if (!add_stop(r, item))
            return false;
    return true;
}

static bool take_logit_bias(struct openai_reading *r, uint32_t value)
{
    if (!json_is(r->doc, value, JSON_OBJECT))
        return openai_invalid(r, STR("logit_bias"), "must be an object");
    if (json_count(r->doc, value))
        r->chat->logit_bias = json_raw(r->doc, value);
    return true;
}

/* A count is the legacy API's: its answers have a shape of their own for them. */
static bool take_logprobs(struct openai_reading *r, uint32_t value)
{
    if (json_is(r->doc, value, JSON_NUMBER))
        return openai_extra(r, STR("logprobs"), value, FIELD_MEANING);
    r->chat->logprobs = openai_tri(r, value);
    return true;
}

/* --- Bookkeeping ------------------------------------------------------------------------------------------ */

static bool take_user(struct openai_reading *r, uint32_t value)
{
    if (!r->chat->user.len)
        r->chat->user = openai_decode(r, value);
    return !r->err;
}

static bool take_safety_identifier(struct openai_reading *r, uint32_t value)
{
    r->chat->user = openai_decode(r, value);
    return !r->err;
}

static bool take_metadata(struct openai_reading *r, uint32_t value)
{
    if (json_is(r->doc, value, JSON_OBJECT) && json_count(r->doc, value))
        r->chat->metadata = json_raw(r->doc, value);
    return true;
}

static bool take_store(struct openai_reading *r, uint32_t value)
{
    r->chat->store = openai_tri(r, value);
    return true;
}

static bool take_service_tier(struct openai_reading *r, uint32_t value)
{
    r->chat->service_tier = openai_decode(r, value);
    return !r->err;
}

static bool take_cache_key(struct openai_reading *r, uint32_t value)
{
    r->chat->cache_key = openai_decode(r, value);
    return !r->err;
}

static bool take_parallel(struct openai_reading *r, uint32_t value)
{
    r->chat->parallel_calls = openai_tri(r, value);
    return true;
}

/* --- Reasoning -------------------------------------------------------------------------------------------- */

static bool read_effort(struct openai_reading *r, uint32_t value, const char *field)
{
    r->chat->effort = effort_of(openai_decode(r, value));
    if (!r->err && r->chat->effort == EFFORT_UNSET)
        return openai_invalid(r, str_from_c(field),
                              "must be one of none, minimal, low, medium, high, xhigh and max");
    return !r->err;
}

static bool take_effort(struct openai_reading *r, uint32_t value)
{
    return read_effort(r, value, "reasoning_effort");
}

/* Anthropic's switch, as other gateways take it. */
static bool take_thinking(struct openai_reading *r, uint32_t value)
{
    uint32_t type = openai_given(r, value, "type"),
             budget = openai_given(r, value, "budget_tokens");
    r->chat->thinking = openai_text_is(r, type, "disabled") ? NO : YES;
    r->chat->thinking_adaptive = openai_text_is(r, type, "adaptive");
    if (json_is(r->doc, budget, JSON_NUMBER))
        r->chat->thinking_budget = json_raw(r->doc, budget);
    return true;
}

/* OpenRouter's and Together's: {"effort", "max_tokens", "enabled", "exclude"}. */
static bool take_reasoning(struct openai_reading *r, uint32_t value)
{
    uint32_t effort = openai_given(r, value, "effort"), max = openai_given(r, value, "max_tokens");
    enum tri enabled = openai_tri(r, openai_given(r, value, "enabled"));
    if (enabled != UNSET)
        r->chat->thinking = enabled;
    if (json_is(r->doc, max, JSON_NUMBER))
        r->chat->thinking_budget = json_raw(r->doc, max);
    if (json_is(r->doc, openai_given(r, value, "exclude"), JSON_TRUE))
        r->chat->reasoning_visible = NO;
    return effort == JSON_NONE || read_effort(r, effort, "reasoning.effort");
}

/* --- Structured output ------------------------------------------------------------------------------------ */

static bool read_schema(struct openai_reading *r, uint32_t format)
{
    struct chat *c = r->chat;
    uint32_t given = openai_given(r, format, "json_schema");
    uint32_t schema = openai_given(r, given, "schema");
    if (!json_is(r->doc, given, JSON_OBJECT))
        return openai_invalid(r, STR("response_format.json_schema"), "must be an object");
    if (!json_is(r->doc, schema, JSON_OBJECT))
        return openai_invalid(r, STR("response_format.json_schema.schema"), "must be an object");
    c->format = FORMAT_SCHEMA;
    c->format_name = openai_decode(r, openai_given(r, given, "name"));
    c->format_description = raw_of_node(r->doc, openai_given(r, given, "description"));
    c->format_schema = json_raw(r->doc, schema);
    c->format_strict = openai_tri(r, openai_given(r, given, "strict"));
    return !r->err;
}

static bool take_format(struct openai_reading *r, uint32_t value)
{
    uint32_t type = openai_given(r, value, "type"), schema = openai_given(r, value, "schema");
    if (openai_text_is(r, type, "json_schema"))
        return read_schema(r, value);
    if (openai_text_is(r, type, "text")) {
        r->chat->format = FORMAT_TEXT;
    } else if (openai_text_is(r, type, "json_object")) {
        bool shaped = json_is(r->doc, schema, JSON_OBJECT); /* llama.cpp's, Together's older form */
        r->chat->format = shaped ? FORMAT_SCHEMA : FORMAT_JSON;
        r->chat->format_schema = shaped ? json_raw(r->doc, schema) : STR_NULL;
    } else {
        return openai_invalid(r, STR("response_format.type"),
                              "must be text, json_object or json_schema");
    }
    return true;
}

/* --- The rows --------------------------------------------------------------------------------------------- */

static bool take_known(struct openai_reading *r, uint32_t value)
{
    (void)r, (void)value; /* the gateway's own: read before */
    return true;
}

static const struct row {
    str name;
    bool (*take)(struct openai_reading *r, uint32_t value); /* NULL: an extra of this class */
    enum field_class class;
} rows[] = {
    {STR_INIT("model"), take_known, 0},
    {STR_INIT("stream"), take_known, 0},
    {STR_INIT("stream_options"), take_known, 0},
    {STR_INIT("messages"), openai_take_messages, 0},
    {STR_INIT("prompt"), openai_take_prompt, 0},
    {STR_INIT("tools"), openai_take_tools, 0},
    {STR_INIT("functions"), openai_take_functions, 0},
    {STR_INIT("tool_choice"), openai_take_tool_choice, 0},
    {STR_INIT("function_call"), openai_take_function_call, 0},
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
    {STR_INIT("reasoning"), take_reasoning, 0},
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
    {STR_INIT("web_search_options"), NULL, FIELD_HINT},
    {STR_INIT("prediction"), NULL, FIELD_HINT},
    {STR_INIT("verbosity"), NULL, FIELD_HINT},
    {STR_INIT("suffix"), NULL, FIELD_MEANING},
    {STR_INIT("echo"), NULL, FIELD_MEANING},
    {STR_INIT("best_of"), NULL, FIELD_MEANING},
};

/* The value that a field has when nobody gives it changes nothing. */
static bool is_default(const struct openai_reading *r, const struct row *row, uint32_t value)
{
    if (str_eq(row->name, STR("echo")))
        return json_is(r->doc, value, JSON_FALSE);
    if (str_eq(row->name, STR("best_of")))
        return str_eq(json_raw(r->doc, value), STR("1"));
    if (str_eq(row->name, STR("suffix")))
        return openai_text_is(r, value, "");
    if (str_eq(row->name, STR("modalities")))
        return json_is(r->doc, value, JSON_ARRAY) && json_count(r->doc, value) == 1 &&
               openai_text_is(r, json_first(r->doc, value), "text");
    return false;
}

static bool take_member(struct openai_reading *r, uint32_t name)
{
    uint32_t value = json_value(name);
    if (json_is(r->doc, value, JSON_NULL))
        return true;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (!json_string_eq(r->doc, name, rows[i].name))
            continue;
        if (rows[i].take)
            return rows[i].take(r, value);
        return is_default(r, &rows[i], value) ||
               openai_extra(r, rows[i].name, value, rows[i].class);
    }
    str said = openai_decode(r, name);
    return !str_is_null(said) && openai_extra(r, said, value, FIELD_UNKNOWN);
}

enum err openai_chat_read_request(struct chat_source *in, struct chat *out)
{
    struct openai_reading r = {.in = in, .doc = in->doc, .arena = out->arena, .chat = out};
    JSON_EACH (name, in->doc, JSON_ROOT)
        if (!take_member(&r, name))
            break;
    return r.err;
}
