/*
 * Requests of Anthropic's Messages API into chats: the members of the body, each by its row below.  Turns
 * and their blocks, and tools, have files of their own.
 */
#include "llm/dialect/anthropic.h"
#include "llm/dialect/anthropic_impl.h"

/* --- Faults and members, for all files of this reader ------------------------------------------------------ */

bool anthropic_fault(struct anthropic_reading *r, enum err err, str field, const char *text)
{
    if (!r->err) {
        r->err = err;
        r->in->fault = (struct chat_fault){err, field, str_from_c(text)};
    }
    return false;
}

bool anthropic_no_memory(struct anthropic_reading *r)
{
    return anthropic_fault(r, ERR_NO_MEMORY, STR_NULL, "no memory for the request");
}

/* "messages[2].content[0].content[1].type" */
static str place_path(struct anthropic_reading *r, const struct anthropic_place *at,
                      const char *member)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_str(&b, str_from_c(at->list));
    if (at->item >= 0)
        buf_printf(&b, "[%d]", at->item);
    if (at->block >= 0)
        buf_printf(&b, "%s[%d]", at->item >= 0 ? ".content" : "", at->block);
    if (at->inner >= 0)
        buf_printf(&b, ".content[%d]", at->inner);
    if (*member)
        buf_printf(&b, ".%s", member);
    str path = b.failed ? STR_NULL : arena_str(r->arena, buf_str(&b));
    buf_release(&b);
    return path;
}

bool anthropic_fault_at(struct anthropic_reading *r, const struct anthropic_place *at,
                        const char *member, const char *text)
{
    return anthropic_fault(r, ERR_FIELD_INVALID, place_path(r, at, member), text);
}

str anthropic_decode(struct anthropic_reading *r, uint32_t node)
{
    str text = STR_NULL;
    if (json_is(r->doc, node, JSON_STRING) && json_string_decode(r->doc, node, r->arena, &text)) {
        anthropic_no_memory(r);
        return STR_NULL;
    }
    return text;
}

uint32_t anthropic_given(const struct anthropic_reading *r, uint32_t object, str name)
{
    uint32_t node = json_member(r->doc, object, name);
    return json_is(r->doc, node, JSON_NULL) ? JSON_NONE : node;
}

bool anthropic_extra(struct anthropic_reading *r, str name, uint32_t value, enum field_class class)
{
    return chat_add_extra(r->chat, NATIVE_ANTHROPIC, name, json_raw(r->doc, value), class) ||
           anthropic_no_memory(r);
}

bool anthropic_extra_at(struct anthropic_reading *r, const struct anthropic_place *at,
                        const char *member, uint32_t value, enum field_class class)
{
    str path = place_path(r, at, member);
    return !str_is_null(path) ? anthropic_extra(r, path, value, class) : anthropic_no_memory(r);
}

void anthropic_read_mark(const struct anthropic_reading *r, uint32_t node, bool *cached,
                         unsigned *ttl_s)
{
    uint32_t ttl = json_member(r->doc, node, STR("ttl"));
    if (!json_is(r->doc, node, JSON_OBJECT))
        return;
    *cached = true;
    if (json_is(r->doc, ttl, JSON_STRING))
        *ttl_s = json_string_eq(r->doc, ttl, STR("1h"))   ? 3600
                 : json_string_eq(r->doc, ttl, STR("5m")) ? 300
                                                          : 0;
}

/* --- Members of the body ------------------------------------------------------------------------------------ */

static bool invalid(struct anthropic_reading *r, const char *field, const char *text)
{
    return anthropic_fault(r, ERR_FIELD_INVALID, str_from_c(field), text);
}

static bool number(struct anthropic_reading *r, uint32_t value, const char *field, str *out)
{
    if (!json_is(r->doc, value, JSON_NUMBER))
        return invalid(r, field, "must be a number");
    *out = json_raw(r->doc, value);
    return true;
}

static bool max_tokens(struct anthropic_reading *r, uint32_t value)
{
    int64_t n;
    if (!number(r, value, "max_tokens", &r->chat->max_tokens))
        return false;
    if (!json_to_i64(r->chat->max_tokens, &n) || n < 1) /* 0 warms a cache that others have not */
        return invalid(r, "max_tokens", "must be a whole number of at least 1");
    return true;
}

static bool temperature(struct anthropic_reading *r, uint32_t value)
{
    return number(r, value, "temperature", &r->chat->temperature);
}

static bool top_p(struct anthropic_reading *r, uint32_t value)
{
    return number(r, value, "top_p", &r->chat->top_p);
}

static bool top_k(struct anthropic_reading *r, uint32_t value)
{
    return number(r, value, "top_k", &r->chat->top_k);
}

static bool stop_sequences(struct anthropic_reading *r, uint32_t value)
{
    if (!json_is(r->doc, value, JSON_ARRAY))
        return invalid(r, "stop_sequences", "must be an array of strings");
    JSON_EACH (one, r->doc, value) {
        struct raw text = raw_of_node(r->doc, one);
        if (!text.s.ptr)
            return invalid(r, "stop_sequences", "must be an array of strings");
        if (!chat_add_stop(r->chat, text))
            return anthropic_no_memory(r);
    }
    return true;
}

static bool is(struct anthropic_reading *r, uint32_t node, const char *text)
{
    return json_is(r->doc, node, JSON_STRING) && json_string_eq(r->doc, node, str_from_c(text));
}

static bool thinking_type(struct anthropic_reading *r, uint32_t value)
{
    uint32_t type = json_member(r->doc, value, STR("type"));
    struct chat *c = r->chat;
    if (is(r, type, "enabled")) {
        c->thinking = YES;
        uint32_t budget = json_member(r->doc, value, STR("budget_tokens"));
        return number(r, budget, "thinking.budget_tokens", &c->thinking_budget);
    }
    if (is(r, type, "adaptive")) {
        c->thinking = YES;
        c->thinking_adaptive = true;
    } else if (is(r, type, "disabled")) {
        c->thinking = NO;
    } else if (is(r, type, "between_tools")) { /* "no reasoning", but not off: the least there is */
        c->effort = EFFORT_MINIMAL;
    } else {
        return invalid(r, "thinking.type", "must be enabled, adaptive, disabled or between_tools");
    }
    return true;
}

static bool thinking(struct anthropic_reading *r, uint32_t value)
{
    uint32_t display = anthropic_given(r, value, STR("display"));
    uint32_t binding = anthropic_given(r, value, STR("block_binding"));
    if (!json_is(r->doc, value, JSON_OBJECT))
        return invalid(r, "thinking", "must be an object");
    if (display)
        r->chat->reasoning_visible = is(r, display, "omitted") ? NO : YES;
    else if (is(r, anthropic_given(r, value, STR("type")), "enabled"))
        r->chat->reasoning_visible = YES; /* who gives a budget is shown what it was spent on */
    if (binding && !anthropic_extra(r, STR("thinking.block_binding"), binding, FIELD_BOOKKEEPING))
        return false;
    return thinking_type(r, value);
}

enum effort anthropic_read_effort(struct anthropic_reading *r, uint32_t node, str field)
{
    enum effort e = effort_of(anthropic_decode(r, node));
    if (e == EFFORT_UNSET)
        anthropic_fault(r, ERR_FIELD_INVALID, field, "must be low, medium, high, xhigh or max");
    return e;
}

static bool effort(struct anthropic_reading *r, uint32_t value)
{
    enum effort e = anthropic_read_effort(r, value, STR("output_config.effort"));
    if (r->chat->effort != EFFORT_MINIMAL) /* between_tools says more */
        r->chat->effort = e;
    return !r->err;
}

static bool output_format(struct anthropic_reading *r, uint32_t value)
{
    uint32_t schema = json_member(r->doc, value, STR("schema"));
    struct chat *c = r->chat;
    if (!is(r, json_member(r->doc, value, STR("type")), "json_schema"))
        return invalid(r, "output_config.format.type", "must be json_schema");
    if (!json_is(r->doc, schema, JSON_OBJECT))
        return invalid(r, "output_config.format.schema", "must be an object");
    c->format = FORMAT_SCHEMA;
    c->format_name = STR("structured_output");
    c->format_schema = json_raw(r->doc, schema);
    c->format_strict = YES;
    return true;
}

static bool other_config(struct anthropic_reading *r, uint32_t name)
{
    str pieces[] = {STR("output_config."), anthropic_decode(r, name)};
    str path = arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
    bool known = json_string_eq(r->doc, name, STR("task_budget"));
    if (str_is_null(path))
        return anthropic_no_memory(r);
    return anthropic_extra(r, path, json_value(name), known ? FIELD_HINT : FIELD_UNKNOWN);
}

static bool output_config(struct anthropic_reading *r, uint32_t value)
{
    if (!json_is(r->doc, value, JSON_OBJECT))
        return invalid(r, "output_config", "must be an object");
    JSON_EACH (name, r->doc, value) {
        uint32_t v = json_value(name);
        bool ok = true;
        if (json_is(r->doc, v, JSON_NULL))
            continue;
        if (json_string_eq(r->doc, name, STR("effort")))
            ok = effort(r, v);
        else if (json_string_eq(r->doc, name, STR("format")))
            ok = output_format(r, v);
        else
            ok = other_config(r, name);
        if (!ok)
            return false;
    }
    return true;
}

static bool metadata(struct anthropic_reading *r, uint32_t value)
{
    r->chat->user = anthropic_decode(r, json_member(r->doc, value, STR("user_id")));
    return !r->err;
}

static bool service_tier(struct anthropic_reading *r, uint32_t value)
{
    r->chat->service_tier = anthropic_decode(r, value);
    return !r->err;
}

/* The server's conversation of before is nowhere but there; clients send all of it again upon this. */
static bool thread(struct anthropic_reading *r, uint32_t value)
{
    if (is(r, json_member(r->doc, value, STR("type")), "continue"))
        return anthropic_fault(r, ERR_THREAD_UNKNOWN, STR("thread"),
                               "continues a conversation that is not kept here");
    return anthropic_extra(r, STR("thread"), value, FIELD_BOOKKEEPING);
}

static bool known_already(struct anthropic_reading *r, uint32_t value)
{
    (void)r;
    (void)value;
    return true;
}

/* The last block of the last turn; what the provider would have found. */
static bool cache_control(struct anthropic_reading *r, uint32_t value)
{
    struct turn *t = r->chat->turns_last;
    if (t && t->last)
        anthropic_read_mark(r, value, &t->last->cached, &t->last->cache_ttl_s);
    return true;
}

static const struct row {
    str name;
    bool (*read)(struct anthropic_reading *r, uint32_t value); /* NULL: an extra of `class` */
    enum field_class class;
} rows[] = {
    {STR_INIT("model"), known_already, 0},
    {STR_INIT("stream"), known_already, 0},
    {STR_INIT("system"), anthropic_read_system, 0},
    {STR_INIT("messages"), anthropic_read_messages, 0},
    {STR_INIT("max_tokens"), max_tokens, 0},
    {STR_INIT("tools"), anthropic_read_tools, 0},
    {STR_INIT("tool_choice"), anthropic_read_tool_choice, 0},
    {STR_INIT("temperature"), temperature, 0},
    {STR_INIT("top_p"), top_p, 0},
    {STR_INIT("top_k"), top_k, 0},
    {STR_INIT("stop_sequences"), stop_sequences, 0},
    {STR_INIT("thinking"), thinking, 0},
    {STR_INIT("output_config"), output_config, 0},
    {STR_INIT("output_format"), output_format, 0},
    {STR_INIT("metadata"), metadata, 0},
    {STR_INIT("service_tier"), service_tier, 0},
    {STR_INIT("thread"), thread, 0},
    {STR_INIT("cache_control"), known_already, 0}, /* read when the turns are */
    {STR_INIT("container"), NULL, FIELD_HINT},
    {STR_INIT("context_management"), NULL, FIELD_HINT},
    {STR_INIT("mcp_servers"), NULL, FIELD_HINT},
    {STR_INIT("fallbacks"), NULL, FIELD_HINT},
    {STR_INIT("speed"), NULL, FIELD_HINT},
    {STR_INIT("inference_geo"), NULL, FIELD_MEANING},
    {STR_INIT("compaction"), NULL, FIELD_MEANING},
    {STR_INIT("safeguards"), NULL, FIELD_MEANING},
    {STR_INIT("diagnostics"), NULL, FIELD_BOOKKEEPING},
    {STR_INIT("tags"), NULL, FIELD_BOOKKEEPING},
    {STR_INIT("billing_policy"), NULL, FIELD_BOOKKEEPING},
    {STR_INIT("fallback_credit_token"), NULL, FIELD_BOOKKEEPING},
    {STR_INIT("user_profile_id"), NULL, FIELD_BOOKKEEPING},
};

static bool read_member(struct anthropic_reading *r, uint32_t name)
{
    uint32_t value = json_value(name);
    if (json_is(r->doc, value, JSON_NULL))
        return true;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (!json_string_eq(r->doc, name, rows[i].name))
            continue;
        return rows[i].read ? rows[i].read(r, value)
                            : anthropic_extra(r, rows[i].name, value, rows[i].class);
    }
    str unknown = anthropic_decode(r, name);
    return !r->err && anthropic_extra(r, unknown, value, FIELD_UNKNOWN);
}

/* --- All of it ------------------------------------------------------------------------------------------------ */

/* The betas that the client asked for: of no use elsewhere but on Claude models behind other doors. */
static bool read_betas(struct anthropic_reading *r)
{
    const struct headers *h = r->in->headers;
    str all = STR_NULL;
    for (unsigned i = 0; h && i < h->count; i++) {
        if (h->list[i].id != HEADER_ANTHROPIC_BETA)
            continue;
        str pieces[] = {all, all.len ? STR(",") : STR(""), h->list[i].value};
        all = arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
        if (str_is_null(all))
            return anthropic_no_memory(r);
    }
    if (!all.len)
        return true;
    str json = json_quote(r->arena, all);
    return (!str_is_null(json) && chat_add_extra(r->chat, NATIVE_ANTHROPIC, STR("anthropic-beta"),
                                                 json, FIELD_BOOKKEEPING)) ||
           anthropic_no_memory(r);
}

static bool read_all(struct anthropic_reading *r)
{
    JSON_EACH (name, r->doc, JSON_ROOT) {
        if (!read_member(r, name))
            return false;
    }
    if (r->turn_effort != EFFORT_UNSET && r->chat->effort != EFFORT_MINIMAL)
        r->chat->effort = r->turn_effort;
    uint32_t mark = anthropic_given(r, JSON_ROOT, STR("cache_control"));
    if (mark)
        cache_control(r, mark);
    if (!r->chat->turns && !r->chat->system)
        return anthropic_fault(r, ERR_FIELD_MISSING, STR("messages"), "is required");
    return read_betas(r);
}

static enum err read_request(struct chat_source *in, struct chat *out, bool counted)
{
    struct anthropic_reading r = {
        .in = in, .doc = in->doc, .arena = out->arena, .chat = out, .err = ERR_NONE};
    out->model = in->model;
    out->stream = in->stream;
    out->dialect = NATIVE_ANTHROPIC;
    if (read_all(&r) && !counted && str_is_null(out->max_tokens))
        anthropic_fault(&r, ERR_FIELD_MISSING, STR("max_tokens"), "is required");
    return r.err;
}

enum err anthropic_read_request(struct chat_source *in, struct chat *out)
{
    return read_request(in, out, false);
}

enum err anthropic_read_count_request(struct chat_source *in, struct chat *out)
{
    return read_request(in, out, true);
}
