/*
 * Requests of the Responses API into chats: the members of the body, each by its row below.  The input's
 * items and the tools have files of their own.  What the answer has to repeat of the request is kept too.
 */
#include "llm/dialect/openai_responses_impl.h"

/* --- Faults and members, for all files of this reader --------------------------------------------------- */

static bool fault(struct responses_reading *r, enum err err, str field, const char *text)
{
    if (!r->err) {
        r->err = err;
        r->in->fault = (struct chat_fault){err, field, str_from_c(text)};
    }
    return false;
}

bool responses_fault(struct responses_reading *r, str field, const char *text)
{
    return fault(r, ERR_FIELD_INVALID, field, text);
}

bool responses_no_memory(struct responses_reading *r)
{
    return fault(r, ERR_NO_MEMORY, STR_NULL, "no memory for the request");
}

str responses_path(struct responses_reading *r, int part, const char *member)
{
    str path;
    const char *point = *member ? "." : "";
    if (part >= 0)
        path = arena_printf(r->arena, "input[%u].%s[%d]%s%s", r->item,
                            r->in_output ? "output" : "content", part, point, member);
    else
        path = arena_printf(r->arena, "input[%u]%s%s", r->item, point, member);
    if (str_is_null(path))
        responses_no_memory(r);
    return path;
}

str responses_decode(struct responses_reading *r, uint32_t node)
{
    str text = STR_NULL;
    if (json_is(r->doc, node, JSON_STRING) && json_string_decode(r->doc, node, r->arena, &text)) {
        responses_no_memory(r);
        return STR_NULL;
    }
    return text;
}

uint32_t responses_given(const struct responses_reading *r, uint32_t object, str name)
{
    uint32_t node = json_member(r->doc, object, name);
    return json_is(r->doc, node, JSON_NULL) ? JSON_NONE : node;
}

bool responses_is(const struct responses_reading *r, uint32_t node, const char *text)
{
    return json_is(r->doc, node, JSON_STRING) && json_string_eq(r->doc, node, str_from_c(text));
}

bool responses_extra(struct responses_reading *r, str name, uint32_t value, enum field_class class)
{
    return chat_add_extra(r->chat, NATIVE_OPENAI, name, json_raw(r->doc, value), class) ||
           responses_no_memory(r);
}

/* --- Kinds of members -------------------------------------------------------------------------------------- */

static bool number(struct responses_reading *r, uint32_t value, const char *field, str *out)
{
    if (!json_is(r->doc, value, JSON_NUMBER))
        return responses_fault(r, str_from_c(field), "must be a number");
    *out = json_raw(r->doc, value);
    return true;
}

static bool text(struct responses_reading *r, uint32_t value, const char *field, str *out)
{
    if (!json_is(r->doc, value, JSON_STRING))
        return responses_fault(r, str_from_c(field), "must be a string");
    *out = responses_decode(r, value);
    return !r->err;
}

static bool tri(struct responses_reading *r, uint32_t value, const char *field, enum tri *out)
{
    if (!json_is(r->doc, value, JSON_TRUE) && !json_is(r->doc, value, JSON_FALSE))
        return responses_fault(r, str_from_c(field), "must be true or false");
    *out = json_is(r->doc, value, JSON_TRUE) ? YES : NO;
    return true;
}

/* "reasoning.mode" and the like, of members that have no row. */
static bool rest_of(struct responses_reading *r, const char *object, uint32_t name,
                    enum field_class class)
{
    str path = arena_printf(r->arena, "%s.%.*s", object, STR_ARG(json_string_raw(r->doc, name)));
    if (str_is_null(path))
        return responses_no_memory(r);
    return responses_extra(r, path, json_value(name), class);
}

/* --- Members of the body ------------------------------------------------------------------------------------- */

static bool known_already(struct responses_reading *r, uint32_t value)
{
    (void)r;
    (void)value;
    return true;
}

static bool max_output_tokens(struct responses_reading *r, uint32_t value)
{
    int64_t n;
    if (!number(r, value, "max_output_tokens", &r->chat->max_tokens))
        return false;
    if (!json_to_i64(r->chat->max_tokens, &n) || n < 1)
        return responses_fault(r, STR("max_output_tokens"), "must be a whole number of at least 1");
    return true;
}

static bool temperature(struct responses_reading *r, uint32_t value)
{
    return number(r, value, "temperature", &r->chat->temperature);
}

static bool top_p(struct responses_reading *r, uint32_t value)
{
    return number(r, value, "top_p", &r->chat->top_p);
}

/* Says nothing unless the logprobs are asked for by `include`. */
static bool top_logprobs(struct responses_reading *r, uint32_t value)
{
    return number(r, value, "top_logprobs", &r->chat->top_logprobs);
}

static bool parallel_tool_calls(struct responses_reading *r, uint32_t value)
{
    return tri(r, value, "parallel_tool_calls", &r->chat->parallel_calls);
}

static bool store(struct responses_reading *r, uint32_t value)
{
    return tri(r, value, "store", &r->chat->store);
}

static bool tools(struct responses_reading *r, uint32_t value)
{
    return responses_read_tools(r, value, STR("tools"));
}

static bool previous_response_id(struct responses_reading *r, uint32_t value)
{
    return text(r, value, "previous_response_id", &r->chat->previous_response_id);
}

static bool prompt_cache_key(struct responses_reading *r, uint32_t value)
{
    return text(r, value, "prompt_cache_key", &r->chat->cache_key);
}

static bool service_tier(struct responses_reading *r, uint32_t value)
{
    return text(r, value, "service_tier", &r->chat->service_tier);
}

static bool safety_identifier(struct responses_reading *r, uint32_t value)
{
    return text(r, value, "safety_identifier", &r->chat->user);
}

static bool user(struct responses_reading *r, uint32_t value)
{
    bool newer = responses_given(r, JSON_ROOT, STR("safety_identifier")) != JSON_NONE;
    return newer || text(r, value, "user", &r->chat->user);
}

static bool metadata(struct responses_reading *r, uint32_t value)
{
    if (!json_is(r->doc, value, JSON_OBJECT))
        return responses_fault(r, STR("metadata"), "must be an object");
    r->chat->metadata = json_raw(r->doc, value);
    return true;
}

static bool include(struct responses_reading *r, uint32_t value)
{
    if (!json_is(r->doc, value, JSON_ARRAY))
        return responses_fault(r, STR("include"), "must be an array of strings");
    JSON_EACH (one, r->doc, value)
        if (responses_is(r, one, "message.output_text.logprobs"))
            r->chat->logprobs = YES;
    return responses_extra(r, STR("include"), value, FIELD_BOOKKEEPING);
}

static bool truncation(struct responses_reading *r, uint32_t value)
{
    return responses_is(r, value, "disabled") ||
           responses_extra(r, STR("truncation"), value, FIELD_HINT);
}

/* Members that are nothing but their default may be forgotten. */
static bool background(struct responses_reading *r, uint32_t value)
{
    return json_is(r->doc, value, JSON_FALSE) ||
           responses_extra(r, STR("background"), value, FIELD_MEANING);
}

static bool access_programs(struct responses_reading *r, uint32_t value)
{
    bool standard = responses_is(r, json_member(r->doc, value, STR("cyber")), "standard");
    return responses_extra(r, STR("access_programs"), value,
                           standard ? FIELD_BOOKKEEPING : FIELD_MEANING);
}

static bool image(struct responses_reading *r, uint32_t value)
{
    uint32_t compression = json_member(r->doc, value, STR("context_compression"));
    return responses_extra(r, STR("image"), value,
                           responses_is(r, compression, "auto") ? FIELD_BOOKKEEPING : FIELD_HINT);
}

/* --- reasoning ------------------------------------------------------------------------------------------------ */

bool responses_read_effort(struct responses_reading *r, uint32_t value)
{
    enum effort effort = effort_of(responses_decode(r, value));
    if (r->err)
        return false;
    if (effort == EFFORT_UNSET)
        return responses_fault(r, STR("reasoning.effort"),
                               "must be one of none, minimal, low, medium, high, xhigh, max");
    r->chat->effort = effort;
    return true;
}

/* auto, concise or detailed: seen is what matters, how long only OpenAI knows. */
static bool summary(struct responses_reading *r, uint32_t value)
{
    r->chat->reasoning_visible = YES;
    return responses_is(r, value, "auto") ||
           responses_extra(r, STR("reasoning.summary"), value, FIELD_BOOKKEEPING);
}

static bool reasoning(struct responses_reading *r, uint32_t value)
{
    if (!json_is(r->doc, value, JSON_OBJECT))
        return responses_fault(r, STR("reasoning"), "must be an object");
    JSON_EACH (name, r->doc, value) {
        uint32_t v = json_value(name);
        bool ok = true;
        if (json_is(r->doc, v, JSON_NULL))
            continue;
        if (json_string_eq(r->doc, name, STR("effort")))
            ok = responses_read_effort(r, v);
        else if (json_string_eq(r->doc, name, STR("summary")) ||
                 json_string_eq(r->doc, name, STR("generate_summary")))
            ok = summary(r, v);
        else if (json_string_eq(r->doc, name, STR("mode")))
            ok = rest_of(r, "reasoning", name,
                         responses_is(r, v, "standard") ? FIELD_BOOKKEEPING : FIELD_HINT);
        else if (json_string_eq(r->doc, name, STR("context")))
            ok = rest_of(r, "reasoning", name, FIELD_BOOKKEEPING);
        else
            ok = rest_of(r, "reasoning", name, FIELD_UNKNOWN);
        if (!ok)
            return false;
    }
    return true;
}

/* --- text --------------------------------------------------------------------------------------------------------- */

static bool schema_format(struct responses_reading *r, uint32_t value)
{
    struct chat *c = r->chat;
    uint32_t schema = json_member(r->doc, value, STR("schema"));
    uint32_t strict = responses_given(r, value, STR("strict"));
    c->format_name = responses_decode(r, json_member(r->doc, value, STR("name")));
    if (!r->err && !c->format_name.len)
        return responses_fault(r, STR("text.format.name"), "must be a string that is not empty");
    if (!json_is(r->doc, schema, JSON_OBJECT))
        return responses_fault(r, STR("text.format.schema"), "must be an object");
    c->format = FORMAT_SCHEMA;
    c->format_schema = json_raw(r->doc, schema);
    c->format_description = raw_of_node(r->doc, json_member(r->doc, value, STR("description")));
    c->format_strict = strict == JSON_NONE ? UNSET : json_is(r->doc, strict, JSON_TRUE) ? YES : NO;
    return !r->err;
}

static bool format(struct responses_reading *r, uint32_t value)
{
    uint32_t type = json_member(r->doc, value, STR("type"));
    if (responses_is(r, type, "json_schema"))
        return schema_format(r, value);
    if (responses_is(r, type, "json_object"))
        r->chat->format = FORMAT_JSON;
    else if (responses_is(r, type, "text"))
        r->chat->format = FORMAT_TEXT;
    else
        return responses_fault(r, STR("text.format.type"),
                               "must be one of text, json_object, json_schema");
    return true;
}

bool responses_read_text(struct responses_reading *r, uint32_t value)
{
    if (!json_is(r->doc, value, JSON_OBJECT))
        return responses_fault(r, STR("text"), "must be an object");
    JSON_EACH (name, r->doc, value) {
        uint32_t v = json_value(name);
        bool ok = true;
        if (json_is(r->doc, v, JSON_NULL))
            continue;
        if (json_string_eq(r->doc, name, STR("format")))
            ok = format(r, v);
        else if (json_string_eq(r->doc, name, STR("verbosity")))
            ok = rest_of(r, "text", name, FIELD_HINT);
        else
            ok = rest_of(r, "text", name, FIELD_UNKNOWN);
        if (!ok)
            return false;
    }
    return true;
}

/* --- All of it ---------------------------------------------------------------------------------------------------- */

static const struct row {
    str name;
    bool (*read)(struct responses_reading *r, uint32_t value); /* NULL: an extra of `class` */
    enum field_class class;
} rows[] = {
    {STR_INIT("model"), known_already, 0},
    {STR_INIT("stream"), known_already, 0},
    {STR_INIT("instructions"), responses_read_instructions, 0},
    {STR_INIT("input"), responses_read_input, 0},
    {STR_INIT("previous_response_id"), previous_response_id, 0},
    {STR_INIT("tools"), tools, 0},
    {STR_INIT("tool_choice"), responses_read_tool_choice, 0},
    {STR_INIT("parallel_tool_calls"), parallel_tool_calls, 0},
    {STR_INIT("max_output_tokens"), max_output_tokens, 0},
    {STR_INIT("temperature"), temperature, 0},
    {STR_INIT("top_p"), top_p, 0},
    {STR_INIT("top_logprobs"), top_logprobs, 0},
    {STR_INIT("reasoning"), reasoning, 0},
    {STR_INIT("text"), responses_read_text, 0},
    {STR_INIT("store"), store, 0},
    {STR_INIT("include"), include, 0},
    {STR_INIT("metadata"), metadata, 0},
    {STR_INIT("service_tier"), service_tier, 0},
    {STR_INIT("safety_identifier"), safety_identifier, 0},
    {STR_INIT("user"), user, 0},
    {STR_INIT("prompt_cache_key"), prompt_cache_key, 0},
    {STR_INIT("truncation"), truncation, 0},
    {STR_INIT("background"), background, 0},
    {STR_INIT("access_programs"), access_programs, 0},
    {STR_INIT("image"), image, 0},
    {STR_INIT("conversation"), NULL, FIELD_MEANING},
    {STR_INIT("prompt"), NULL, FIELD_MEANING},
    {STR_INIT("multi_agent"), NULL, FIELD_MEANING},
    {STR_INIT("background_options"), NULL, FIELD_HINT},
    {STR_INIT("max_tool_calls"), NULL, FIELD_HINT},
    {STR_INIT("context_management"), NULL, FIELD_HINT},
    {STR_INIT("moderation"), NULL, FIELD_HINT},
    {STR_INIT("prompt_cache_options"), NULL, FIELD_BOOKKEEPING},
    {STR_INIT("prompt_cache_retention"), NULL, FIELD_BOOKKEEPING},
    {STR_INIT("stream_options"), NULL, FIELD_BOOKKEEPING},
    {STR_INIT("client_metadata"), NULL, FIELD_BOOKKEEPING},
};

static bool read_member(struct responses_reading *r, uint32_t name)
{
    uint32_t value = json_value(name);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (!json_string_eq(r->doc, name, rows[i].name))
            continue;
        return rows[i].read ? rows[i].read(r, value)
                            : responses_extra(r, rows[i].name, value, rows[i].class);
    }
    str unknown = responses_decode(r, name);
    return !r->err && responses_extra(r, unknown, value, FIELD_UNKNOWN);
}

/* What the answer repeats. */
static bool keep_echoes(struct responses_reading *r)
{
    static const struct {
        str member, echo;
    } kept[] = {
#define KEPT(name) {STR_INIT(name), STR_INIT(RESPONSES_ECHO name)}
        KEPT("instructions"),
        KEPT("max_output_tokens"),
        KEPT("max_tool_calls"),
        KEPT("metadata"),
        KEPT("parallel_tool_calls"),
        KEPT("reasoning"),
        KEPT("safety_identifier"),
        KEPT("prompt_cache_key"),
        KEPT("prompt_cache_retention"),
        KEPT("store"),
        KEPT("temperature"),
        KEPT("text"),
        KEPT("tool_choice"),
        KEPT("tools"),
        KEPT("top_logprobs"),
        KEPT("top_p"),
        KEPT("truncation"),
        KEPT("user"),
#undef KEPT
    };
    for (unsigned i = 0; i < ARRAY_LEN(kept); i++) {
        uint32_t value = responses_given(r, JSON_ROOT, kept[i].member);
        if (value != JSON_NONE && !responses_extra(r, kept[i].echo, value, FIELD_BOOKKEEPING))
            return false;
    }
    return true;
}

static bool is_first(const struct responses_reading *r, uint32_t name, const str *first, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (json_string_eq(r->doc, name, first[i]))
            return true;
    return false;
}

/* The instructions come before all input, the tools before those that the input adds. */
static bool read_body(struct responses_reading *r)
{
    static const str first[] = {STR_INIT("instructions"), STR_INIT("tools"), STR_INIT("input")};
    for (unsigned i = 0; i < ARRAY_LEN(first); i++) {
        uint32_t name = json_member_name(r->doc, JSON_ROOT, first[i]);
        if (name != JSON_NONE && !json_is(r->doc, json_value(name), JSON_NULL) &&
            !read_member(r, name))
            return false;
    }
    JSON_EACH (name, r->doc, JSON_ROOT) {
        bool read = is_first(r, name, first, ARRAY_LEN(first));
        if (!read && !json_is(r->doc, json_value(name), JSON_NULL) && !read_member(r, name))
            return false;
    }
    return true;
}

/* The last one in the conversation is what holds now. */
static bool apply_update(struct responses_reading *r)
{
    uint32_t changed = responses_given(r, r->update, STR("reasoning"));
    uint32_t effort = responses_given(r, changed, STR("effort"));
    uint32_t changed_text = responses_given(r, r->update, STR("text"));
    if (effort != JSON_NONE && !responses_read_effort(r, effort))
        return false;
    return changed_text == JSON_NONE || responses_read_text(r, changed_text);
}

enum err responses_read_request(struct chat_source *in, struct chat *out)
{
    struct responses_reading r = {
        .in = in, .doc = in->doc, .arena = out->arena, .chat = out, .leading = true};
    if (!read_body(&r) || !apply_update(&r) || !keep_echoes(&r))
        return r.err;
    if (responses_given(&r, JSON_ROOT, STR("input")) == JSON_NONE)
        fault(&r, ERR_FIELD_MISSING, STR("input"), "is missing");
    else if (out->logprobs != YES)
        out->top_logprobs = STR_NULL;
    return r.err;
}
