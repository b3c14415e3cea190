/*
 * Ollama's answers.  A line of a stream and a whole answer are the same object: {message: {thinking?,
 * content, tool_calls?}, done, done_reason?, prompt_eval_count?, eval_count?}, or {error: "…"}.  Calls come
 * whole.  A last line without a reason means that the runner was lost; counts that are zero are left out.
 */
#include "llm/dialect/ollama_impl.h"

#include "base/random.h"

/* --- Small things. */

static str decoded(struct answer_reader *r, const struct json_doc *doc, uint32_t node)
{
    str text;
    if (!json_is(doc, node, JSON_STRING) || json_string_decode(doc, node, r->scratch, &text))
        return STR_NULL;
    return text;
}

static struct raw said(const struct json_doc *doc, uint32_t object, str name)
{
    struct raw text = raw_of_node(doc, json_member(doc, object, name));
    return text.s.len ? text : RAW_NULL;
}

static void emit_text(struct answer_reader *r, enum chat_event_kind kind, struct raw text)
{
    if (!str_is_null(text.s))
        chat_emit(&r->to, &(struct chat_event){.kind = kind, .text = text});
}

/* --- Parts of a line. */

static void start(struct answer_reader *r, const struct json_doc *doc)
{
    struct ollama_reader *o = r->state;
    if (o->started)
        return;
    o->started = true;
    chat_emit(&r->to, &(struct chat_event){
                          .kind = CHAT_START,
                          .model = decoded(r, doc, json_member(doc, JSON_ROOT, STR("model")))});
}

/* Older servers give calls no ids. */
static str call_id(struct answer_reader *r, const struct json_doc *doc, uint32_t call)
{
    str id = decoded(r, doc, json_member(doc, call, STR("id")));
    return id.len ? id : arena_printf(r->scratch, "call_%016llx", (unsigned long long)random_u64());
}

/* An object in Ollama's own answers, its text in those of servers that imitate it. */
static void emit_arguments(struct answer_reader *r, const struct json_doc *doc, uint32_t function,
                           unsigned call)
{
    uint32_t node = json_member(doc, function, STR("arguments"));
    struct chat_event ev = {.kind = CHAT_CALL_ARGUMENTS, .call = call};
    struct buf text;
    buf_init(&text, 0);
    if (json_is(doc, node, JSON_STRING))
        ev.text = raw_of_node(doc, node);
    else if (json_is(doc, node, JSON_OBJECT)) {
        json_escape(&text, json_raw(doc, node));
        ev.text = (struct raw){buf_str(&text)};
    }
    if (ev.text.s.len == 0)
        ev.text = RAW("{}");
    if (text.failed)
        answer_reader_fail(r, ERR_NO_MEMORY, NULL);
    else
        chat_emit(&r->to, &ev);
    buf_release(&text);
}

static void emit_call(struct answer_reader *r, const struct json_doc *doc, uint32_t call)
{
    struct ollama_reader *o = r->state;
    uint32_t function = json_member(doc, call, STR("function"));
    str name = decoded(r, doc, json_member(doc, function, STR("name")));
    if (name.len == 0)
        return;                   /* a call of nothing */
    unsigned number = o->calls++; /* the field `index` counts within one message only */
    chat_emit(&r->to,
              &(struct chat_event){
                  .kind = CHAT_CALL, .call = number, .id = call_id(r, doc, call), .name = name});
    emit_arguments(r, doc, function, number);
}

static void emit_message(struct answer_reader *r, const struct json_doc *doc, uint32_t message)
{
    emit_text(r, CHAT_REASONING, said(doc, message, STR("thinking")));
    emit_text(r, CHAT_TEXT, said(doc, message, STR("content")));
    uint32_t calls = json_member(doc, message, STR("tool_calls"));
    if (json_is(doc, calls, JSON_ARRAY))
        JSON_EACH (call, doc, calls)
            if (!r->ended)
                emit_call(r, doc, call);
}

/* Elements have the same members as OpenAI's. */
static void emit_logprobs(struct answer_reader *r, const struct json_doc *doc)
{
    uint32_t list = json_member(doc, JSON_ROOT, STR("logprobs"));
    if (!json_is(doc, list, JSON_ARRAY) || json_count(doc, list) == 0)
        return;
    str json = json_raw(doc, list);
    chat_emit(&r->to, &(struct chat_event){.kind = CHAT_LOGPROBS,
                                           .json = str_make(json.ptr + 1, json.len - 2)});
}

/* --- The end. */

static int64_t count(const struct json_doc *doc, str name, bool *clamped)
{
    int64_t value;
    uint32_t node = json_member(doc, JSON_ROOT, name);
    if (!json_is(doc, node, JSON_NUMBER))
        return -1;
    if (json_to_i64(json_raw(doc, node), &value) && value >= 0 && value <= USAGE_MAX)
        return value;
    *clamped = true;
    return json_raw(doc, node).ptr[0] == '-' ? 0 : USAGE_MAX;
}

static void emit_usage(struct answer_reader *r, const struct json_doc *doc)
{
    struct usage u = {.known = true, .cached = -1, .cache_write = -1, .reasoning = -1};
    u.input = count(doc, STR("prompt_eval_count"), &u.clamped);
    u.output = count(doc, STR("eval_count"), &u.clamped);
    if (u.input < 0 && u.output < 0)
        return;
    u.input = u.input < 0 ? 0 : u.input;
    u.output = u.output < 0 ? 0 : u.output;
    chat_emit(&r->to, &(struct chat_event){.kind = CHAT_USAGE, .usage = u});
}

static enum finish finish_of(const struct ollama_reader *o, str reason)
{
    if (str_eq(reason, STR("length")))
        return FINISH_LENGTH;
    if (o->calls)
        return FINISH_CALLS;
    bool is_usual =
        str_eq(reason, STR("stop")) || str_eq(reason, STR("load")) || str_eq(reason, STR("unload"));
    return is_usual ? FINISH_STOP : FINISH_OTHER;
}

static void emit_end(struct answer_reader *r, const struct json_doc *doc)
{
    str reason = decoded(r, doc, json_member(doc, JSON_ROOT, STR("done_reason")));
    if (reason.len == 0) {
        answer_reader_fail(
            r, ERR_UPSTREAM_TRUNCATED,
            &(struct provider_fault){.message = STR("the model's runner was lost in the middle of "
                                                    "the answer")});
        return;
    }
    emit_usage(r, doc);
    chat_emit(&r->to, &(struct chat_event){.kind = CHAT_FINISH,
                                           .finish = finish_of(r->state, reason),
                                           .reason = reason});
    chat_emit(&r->to, &(struct chat_event){.kind = CHAT_END});
    r->ended = true;
}

/* --- A line, or all of it. */

static void read_object(struct answer_reader *r, const struct json_doc *doc)
{
    struct provider_fault fault = {0};
    uint32_t error = json_member(doc, JSON_ROOT, STR("error"));
    if (json_is(doc, error, JSON_STRING) || json_is(doc, error, JSON_OBJECT)) {
        ollama_read_error(doc->source, r->scratch, &fault);
        answer_reader_fail(r, ERR_UPSTREAM_STREAM_ERROR, &fault);
        return;
    }
    start(r, doc);
    emit_message(r, doc, json_member(doc, JSON_ROOT, STR("message")));
    if (r->ended)
        return;
    emit_logprobs(r, doc);
    if (json_is(doc, json_member(doc, JSON_ROOT, STR("done")), JSON_TRUE))
        emit_end(r, doc);
}

void ollama_read_unit(struct answer_reader *r, str name, str line)
{
    (void)name; /* lines have none */
    struct json_doc doc;
    if (r->ended)
        return;
    enum err err = json_parse(&doc, r->scratch, line, NULL);
    if (err == ERR_NO_MEMORY)
        answer_reader_fail(r, err, NULL);
    else if (err || !json_is(&doc, JSON_ROOT, JSON_OBJECT))
        answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, NULL);
    else
        read_object(r, &doc);
}

/* The line with `done` is the end; a stream without it was cut. */
void ollama_read_end(struct answer_reader *r)
{
    (void)r;
}

void ollama_read_answer(struct answer_reader *r, str body)
{
    ollama_read_unit(r, STR_NULL, body);
    if (!r->ended)
        answer_reader_fail(r, ERR_UPSTREAM_TRUNCATED, NULL);
}

/* --- Errors. */

/* {"error": "text"}; {"error": {"message", "type", "code"}} of its /v1 and of what stands behind it. */
void ollama_read_error(str body, struct arena *a, struct provider_fault *out)
{
    struct json_doc doc;
    *out = (struct provider_fault){0};
    if (json_parse(&doc, a, body, NULL) || !json_is(&doc, JSON_ROOT, JSON_OBJECT))
        return;
    uint32_t error = json_member(&doc, JSON_ROOT, STR("error"));
    const struct {
        uint32_t node;
        str *to;
    } members[] = {
        {error, &out->message},
        {json_member(&doc, error, STR("message")), &out->message},
        {json_member(&doc, error, STR("type")), &out->type},
        {json_member(&doc, error, STR("code")), &out->code},
        {json_member(&doc, error, STR("param")), &out->param},
    };
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (json_is(&doc, members[i].node, JSON_STRING) &&
            json_string_decode(&doc, members[i].node, a, members[i].to))
            *members[i].to = STR_NULL;
}
