/*
 * Cohere's answers.  Whole: {id, finish_reason, message: {tool_plan?, content: [{type, text|thinking}],
 * tool_calls?}, usage}.  As a stream: events that name themselves by `type`, each with a `delta`, the last
 * "message-end"; one call after the other.  Plans are told as reasoning.  Citations name the documents of
 * the request, or results of tools, which no client's format can: they are left out.
 */
#include "llm/dialect/cohere_impl.h"

/* --- Small things. */

static str decoded(struct answer_reader *r, const struct json_doc *doc, uint32_t node)
{
    str text;
    if (!json_is(doc, node, JSON_STRING) || json_string_decode(doc, node, r->scratch, &text))
        return STR_NULL;
    return text;
}

static void say(struct answer_reader *r, enum chat_event_kind kind, const struct json_doc *doc,
                uint32_t object, str name)
{
    struct raw text = raw_of_node(doc, json_member(doc, object, name));
    if (text.s.len)
        chat_emit(&r->to, &(struct chat_event){.kind = kind, .text = text});
}

static void start(struct answer_reader *r, str id)
{
    struct cohere_reader *c = r->state;
    if (c->started)
        return;
    c->started = true;
    chat_emit(&r->to, &(struct chat_event){.kind = CHAT_START, .id = id});
}

/* {thinking} or {text} */
static void emit_content(struct answer_reader *r, const struct json_doc *doc, uint32_t content)
{
    say(r, CHAT_REASONING, doc, content, STR("thinking"));
    say(r, CHAT_TEXT, doc, content, STR("text"));
}

/* --- Calls. */

static void emit_arguments(struct answer_reader *r, struct raw text)
{
    struct cohere_reader *c = r->state;
    if (text.s.len == 0 || c->calls == 0)
        return;
    c->unanswered = false;
    chat_emit(&r->to, &(struct chat_event){
                          .kind = CHAT_CALL_ARGUMENTS, .call = c->calls - 1, .text = text});
}

/* A call of a tool without parameters may have none. */
static void end_call(struct answer_reader *r)
{
    struct cohere_reader *c = r->state;
    if (c->unanswered)
        emit_arguments(r, RAW("{}"));
}

static struct raw arguments_of(const struct json_doc *doc, uint32_t call)
{
    uint32_t function = json_member(doc, call, STR("function"));
    return raw_of_node(doc, json_member(doc, function, STR("arguments")));
}

static void emit_call(struct answer_reader *r, const struct json_doc *doc, uint32_t call)
{
    struct cohere_reader *c = r->state;
    str name =
        decoded(r, doc, json_member(doc, json_member(doc, call, STR("function")), STR("name")));
    str id = decoded(r, doc, json_member(doc, call, STR("id")));
    end_call(r);
    if (name.len == 0 || id.len == 0) {
        answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, NULL);
        return;
    }
    chat_emit(&r->to,
              &(struct chat_event){.kind = CHAT_CALL, .call = c->calls++, .id = id, .name = name});
    c->unanswered = true;
    emit_arguments(r, arguments_of(doc, call));
}

/* --- The end. */

static int64_t tokens(const struct json_doc *doc, uint32_t object, str name, bool *clamped)
{
    int64_t value;
    uint32_t node = json_member(doc, object, name);
    if (!json_is(doc, node, JSON_NUMBER))
        return -1;
    if (json_to_i64(json_raw(doc, node), &value) && value >= 0 && value <= USAGE_MAX)
        return value;
    *clamped = true;
    return json_raw(doc, node).ptr[0] == '-' ? 0 : USAGE_MAX;
}

/* {tokens: {input_tokens, output_tokens}, billed_units: {the same, as billed}, cached_tokens} */
static void emit_usage(struct answer_reader *r, const struct json_doc *doc, uint32_t usage)
{
    struct usage u = {.known = true, .cache_write = -1, .reasoning = -1};
    uint32_t counts = json_member(doc, usage, STR("tokens"));
    if (!json_is(doc, counts, JSON_OBJECT))
        counts = json_member(doc, usage, STR("billed_units"));
    u.input = tokens(doc, counts, STR("input_tokens"), &u.clamped);
    u.output = tokens(doc, counts, STR("output_tokens"), &u.clamped);
    u.cached = tokens(doc, usage, STR("cached_tokens"), &u.clamped);
    if (u.input < 0 && u.output < 0)
        return;
    if (u.cached > 0 && u.input >= 0) { /* which are counted among the input's */
        u.clamped = u.clamped || u.cached > u.input;
        u.input = u.cached > u.input ? 0 : u.input - u.cached;
    }
    chat_emit(&r->to, &(struct chat_event){.kind = CHAT_USAGE, .usage = u});
}

static const struct {
    const char *reason;
    enum finish finish;
} reasons[] = {
    {"COMPLETE", FINISH_STOP},       {"STOP_SEQUENCE", FINISH_STOP_SEQUENCE},
    {"MAX_TOKENS", FINISH_LENGTH},   {"TOOL_CALL", FINISH_CALLS},
    {"ERROR_LIMIT", FINISH_CONTEXT}, {"ERROR_TOXIC", FINISH_FILTERED},
};

static enum finish finish_of(str reason)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (str_eq(reason, str_from_c(reasons[i].reason)))
            return reasons[i].finish;
    return FINISH_OTHER;
}

/* Of "message-end", the object is its delta; of a whole answer the answer. */
static void emit_end(struct answer_reader *r, const struct json_doc *doc, uint32_t object)
{
    struct provider_fault fault = {.message =
                                       decoded(r, doc, json_member(doc, object, STR("error")))};
    str reason = decoded(r, doc, json_member(doc, object, STR("finish_reason")));
    if (fault.message.len || str_eq(reason, STR("ERROR")) || str_eq(reason, STR("TIMEOUT"))) {
        fault.type = reason;
        answer_reader_fail(r, ERR_UPSTREAM_STREAM_ERROR, &fault);
        return;
    }
    if (reason.len == 0) {
        answer_reader_fail(r, ERR_UPSTREAM_TRUNCATED, NULL);
        return;
    }
    end_call(r);
    emit_usage(r, doc, json_member(doc, object, STR("usage")));
    chat_emit(&r->to, &(struct chat_event){
                          .kind = CHAT_FINISH, .finish = finish_of(reason), .reason = reason});
    chat_emit(&r->to, &(struct chat_event){.kind = CHAT_END});
    r->ended = true;
}

/* --- A stream. */

static void on_content(struct answer_reader *r, const struct json_doc *doc, uint32_t message)
{
    emit_content(r, doc, json_member(doc, message, STR("content")));
}

static void on_plan(struct answer_reader *r, const struct json_doc *doc, uint32_t message)
{
    say(r, CHAT_REASONING, doc, message, STR("tool_plan"));
}

static void on_call(struct answer_reader *r, const struct json_doc *doc, uint32_t message)
{
    emit_call(r, doc, json_member(doc, message, STR("tool_calls")));
}

static void on_arguments(struct answer_reader *r, const struct json_doc *doc, uint32_t message)
{
    emit_arguments(r, arguments_of(doc, json_member(doc, message, STR("tool_calls"))));
}

static void on_call_end(struct answer_reader *r, const struct json_doc *doc, uint32_t message)
{
    (void)doc, (void)message;
    end_call(r);
}

static const struct {
    const char *type;
    void (*on)(struct answer_reader *r, const struct json_doc *doc, uint32_t message);
} events[] = {
    {"content-start", on_content},     {"content-delta", on_content},
    {"tool-plan-delta", on_plan},      {"tool-call-start", on_call},
    {"tool-call-delta", on_arguments}, {"tool-call-end", on_call_end},
};

static void read_event(struct answer_reader *r, const struct json_doc *doc, str name)
{
    uint32_t delta = json_member(doc, JSON_ROOT, STR("delta"));
    str type = decoded(r, doc, json_member(doc, JSON_ROOT, STR("type")));
    if (type.len == 0)
        type = name;
    if (type.len == 0) { /* an error's body in place of an event */
        struct provider_fault fault;
        cohere_read_error(doc->source, r->scratch, &fault);
        answer_reader_fail(
            r, fault.message.len ? ERR_UPSTREAM_STREAM_ERROR : ERR_UPSTREAM_MALFORMED, &fault);
        return;
    }
    start(r, decoded(r, doc, json_member(doc, JSON_ROOT, STR("id"))));
    if (str_eq(type, STR("message-end"))) {
        emit_end(r, doc, delta);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        if (str_eq(type, str_from_c(events[i].type)))
            events[i].on(r, doc, json_member(doc, delta, STR("message")));
}

void cohere_read_unit(struct answer_reader *r, str name, str data)
{
    struct json_doc doc;
    if (r->ended || data.len == 0)
        return;
    enum err err = json_parse(&doc, r->scratch, data, NULL);
    if (err == ERR_NO_MEMORY)
        answer_reader_fail(r, err, NULL);
    else if (err || !json_is(&doc, JSON_ROOT, JSON_OBJECT))
        answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, NULL);
    else
        read_event(r, &doc, name);
}

/* "message-end" is the end; a stream without it was cut. */
void cohere_read_end(struct answer_reader *r)
{
    (void)r;
}

/* --- All of it. */

static void emit_message(struct answer_reader *r, const struct json_doc *doc, uint32_t message)
{
    uint32_t content = json_member(doc, message, STR("content"));
    uint32_t calls = json_member(doc, message, STR("tool_calls"));
    say(r, CHAT_REASONING, doc, message, STR("tool_plan"));
    if (json_is(doc, content, JSON_ARRAY))
        JSON_EACH (part, doc, content)
            emit_content(r, doc, part);
    if (json_is(doc, calls, JSON_ARRAY))
        JSON_EACH (call, doc, calls)
            if (!r->ended)
                emit_call(r, doc, call);
}

void cohere_read_answer(struct answer_reader *r, str body)
{
    struct json_doc doc;
    enum err err = json_parse(&doc, r->scratch, body, NULL);
    if (err || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        answer_reader_fail(r, err == ERR_NO_MEMORY ? err : ERR_UPSTREAM_MALFORMED, NULL);
        return;
    }
    start(r, decoded(r, &doc, json_member(&doc, JSON_ROOT, STR("id"))));
    emit_message(r, &doc, json_member(&doc, JSON_ROOT, STR("message")));
    if (!r->ended)
        emit_end(r, &doc, JSON_ROOT);
}

/* --- Errors: {"message": "text", "id"}. */

void cohere_read_error(str body, struct arena *a, struct provider_fault *out)
{
    struct json_doc doc;
    *out = (struct provider_fault){0};
    if (json_parse(&doc, a, body, NULL) || !json_is(&doc, JSON_ROOT, JSON_OBJECT))
        return;
    uint32_t message = json_member(&doc, JSON_ROOT, STR("message"));
    if (!json_is(&doc, message, JSON_STRING))
        message = json_member(&doc, JSON_ROOT, STR("error"));
    if (json_is(&doc, message, JSON_STRING) && json_string_decode(&doc, message, a, &out->message))
        out->message = STR_NULL;
}
