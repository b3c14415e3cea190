/*
 * Answers of Anthropic's Messages API into neutral events.  Blocks come one after the other, each with its
 * start, its deltas and its stop; what a block is, its start says.  The stop reason waits for message_stop,
 * since message_delta may come more than once.
 */
#include "llm/dialect/anthropic_impl.h"
#include "llm/dialect/anthropic_usage.h"
#include "llm/json_fence.h"
#include "wire/json_edit.h"

enum open_block { OPEN_NONE, OPEN_TEXT, OPEN_THINKING, OPEN_CALL, OPEN_NATIVE, OPEN_OTHER };

struct gathered { /* bytes in the request's arena */
    char *ptr;
    size_t len, cap;
};

struct state {
    enum open_block open, before; /* before: the block in front of it */
    unsigned calls;
    bool said;                    /* arguments of the open call */
    struct gathered input;        /* of a native block, whose start is… */
    str native_type, native_json; /* …this */
    str signature;
    str reason, stop_sequence, explanation; /* the last two raw */
    struct json_fence fence;                /* of JSON that was asked for in words */
};

_Static_assert(sizeof(struct state) <= ANTHROPIC_READER_SIZE, "the state of a reader");

/* One answer, one document of it. */
struct reading {
    struct answer_reader *r;
    struct state *s;
    const struct json_doc *doc;
};

static void no_memory(struct answer_reader *r)
{
    answer_reader_fail(r, ERR_NO_MEMORY, NULL);
}

static void gather(struct answer_reader *r, struct gathered *g, str more)
{
    if (more.len > g->cap - g->len) {
        size_t cap = (g->len + more.len) * 2 + 64;
        char *ptr = arena_alloc(r->arena, cap);
        if (!ptr) {
            no_memory(r);
            return;
        }
        if (g->len)
            memcpy(ptr, g->ptr, g->len);
        g->ptr = ptr;
        g->cap = cap;
    }
    if (more.len)
        memcpy(g->ptr + g->len, more.ptr, more.len);
    g->len += more.len;
}

static str keep(struct answer_reader *r, str text)
{
    str kept = arena_str(r->arena, text);
    if (str_is_null(kept) && !str_is_null(text))
        no_memory(r);
    return kept;
}

/* --- Members ----------------------------------------------------------------------------------------- */

static bool is(const struct reading *g, uint32_t node, const char *text)
{
    return json_is(g->doc, node, JSON_STRING) && json_string_eq(g->doc, node, str_from_c(text));
}

static struct raw raw_member(const struct reading *g, uint32_t object, str name)
{
    return raw_of_node(g->doc, json_member(g->doc, object, name));
}

/* Decoded, in the scratch arena or the source. */
static str text_member(const struct reading *g, uint32_t object, str name)
{
    uint32_t node = json_member(g->doc, object, name);
    str text = STR_NULL;
    if (json_is(g->doc, node, JSON_STRING) &&
        json_string_decode(g->doc, node, g->r->scratch, &text))
        no_memory(g->r);
    return text;
}

struct citation *anthropic_read_citation(struct arena *a, const struct json_doc *doc, uint32_t node)
{
    struct citation *c = arena_zalloc(a, sizeof(*c));
    if (!c)
        return NULL;
    c->start = c->end = -1;
    c->format = NATIVE_ANTHROPIC;
    c->json = json_raw(doc, node);
    c->url = raw_of_node(doc, json_member(doc, node, STR("url")));
    c->title = raw_of_node(doc, json_member(doc, node, STR("title")));
    if (!c->title.s.ptr)
        c->title = raw_of_node(doc, json_member(doc, node, STR("document_title")));
    c->cited = raw_of_node(doc, json_member(doc, node, STR("cited_text")));
    return c;
}

/* --- Events of content --------------------------------------------------------------------------------- */

static void emit(struct answer_reader *r, const struct chat_event *ev)
{
    if (!r->ended)
        chat_emit(&r->to, ev);
}

static void emit_text(struct reading *g, enum chat_event_kind kind, struct raw text)
{
    if (text.s.len)
        emit(g->r, &(struct chat_event){.kind = kind, .text = text});
}

/* JSON that neither a format nor a tool asked for; where a format did, there is no fence to find. */
static bool has_fence(const struct answer_reader *r)
{
    enum response_format format = r->chat->format;
    return (format == FORMAT_JSON || format == FORMAT_SCHEMA) && !r->target->json_tool;
}

static void emit_said(struct reading *g, struct raw text)
{
    struct answer_reader *r = g->r;
    if (has_fence(r) && !json_fence_take(&g->s->fence, r->arena, r->scratch, text, &text))
        no_memory(r);
    else
        emit_text(g, CHAT_TEXT, text);
}

static void emit_citation(struct reading *g, uint32_t node)
{
    if (!json_is(g->doc, node, JSON_OBJECT))
        return;
    struct citation *c = anthropic_read_citation(g->r->scratch, g->doc, node);
    if (c)
        emit(g->r, &(struct chat_event){.kind = CHAT_CITATION, .citation = c});
    else
        no_memory(g->r);
}

static void emit_arguments(struct reading *g, struct raw text)
{
    if (!text.s.len)
        return;
    g->s->said = true;
    emit(g->r,
         &(struct chat_event){.kind = CHAT_CALL_ARGUMENTS, .call = g->s->calls - 1, .text = text});
}

/* A JSON value as a piece of arguments: the inside of a string. */
static void emit_arguments_json(struct reading *g, uint32_t input)
{
    struct raw text = raw_of_text(g->r->scratch, json_raw(g->doc, input));
    if (text.s.ptr)
        emit_arguments(g, text);
    else
        no_memory(g->r);
}

static void emit_native(struct answer_reader *r, str type, str json)
{
    struct native_block native = {.format = NATIVE_ANTHROPIC, .type = type, .json = json};
    emit(r, &(struct chat_event){.kind = CHAT_NATIVE, .native = &native});
}

static bool is_custom(struct answer_reader *r, str name)
{
    for (const struct tool *t = r->chat->tools; t; t = t->next)
        if (t->custom && str_eq(name_legal(r->scratch, &name_rule_openai, t->name), name))
            return true;
    return false;
}

static void start_call(struct reading *g, uint32_t block)
{
    uint32_t input = json_member(g->doc, block, STR("input"));
    struct chat_event ev = {.kind = CHAT_CALL, .call = g->s->calls++};
    ev.id = text_member(g, block, STR("id"));
    ev.name = text_member(g, block, STR("name"));
    ev.custom = is_custom(g->r, ev.name);
    g->s->said = false;
    emit(g->r, &ev);
    if (json_is(g->doc, input, JSON_OBJECT) && json_count(g->doc, input) > 0)
        emit_arguments_json(g, input);
}

/* --- Blocks: start, delta, stop ------------------------------------------------------------------------ */

static void start_text(struct reading *g, uint32_t block)
{
    emit_said(g, raw_member(g, block, STR("text")));
    uint32_t citations = json_member(g->doc, block, STR("citations"));
    if (json_is(g->doc, citations, JSON_ARRAY))
        JSON_EACH (one, g->doc, citations)
            emit_citation(g, one);
}

static void start_thinking(struct reading *g, uint32_t block)
{
    emit_text(g, CHAT_REASONING, raw_member(g, block, STR("thinking")));
    g->s->signature = keep(g->r, text_member(g, block, STR("signature")));
}

static void start_redacted(struct reading *g, uint32_t block)
{
    emit(g->r, &(struct chat_event){.kind = CHAT_REDACTED,
                                    .format = NATIVE_ANTHROPIC,
                                    .opaque = text_member(g, block, STR("data"))});
}

/* Server tools, their results, and what comes to be after this was written.  One whose input is still to
 * come is told when it has. */
static void start_native(struct reading *g, uint32_t block)
{
    struct state *s = g->s;
    uint32_t input = json_member(g->doc, block, STR("input"));
    str type = text_member(g, block, STR("type")), json = json_raw(g->doc, block);
    s->open = OPEN_OTHER;
    if (!json_is(g->doc, block, JSON_OBJECT))
        return; /* no block at all */
    if (!json_is(g->doc, input, JSON_OBJECT) || json_count(g->doc, input) > 0) {
        emit_native(g->r, type, json);
        return;
    }
    s->open = OPEN_NATIVE;
    s->input.len = 0;
    s->native_type = keep(g->r, type);
    s->native_json = keep(g->r, json);
}

static void start_block(struct reading *g, uint32_t block)
{
    static const struct {
        const char *type;
        enum open_block open;
        void (*start)(struct reading *g, uint32_t block);
    } kinds[] = {
        {"text", OPEN_TEXT, start_text},
        {"thinking", OPEN_THINKING, start_thinking},
        {"redacted_thinking", OPEN_OTHER, start_redacted},
        {"tool_use", OPEN_CALL, start_call},
    };
    uint32_t type = json_member(g->doc, block, STR("type"));
    struct state *s = g->s;
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!is(g, type, kinds[i].type))
            continue;
        s->open = kinds[i].open;
        if (s->open == s->before && (s->open == OPEN_TEXT || s->open == OPEN_THINKING))
            emit(g->r, &(struct chat_event){.kind = CHAT_BREAK});
        kinds[i].start(g, block);
        return;
    }
    start_native(g, block);
}

static void take_delta(struct reading *g, uint32_t delta)
{
    uint32_t type = json_member(g->doc, delta, STR("type"));
    struct state *s = g->s;
    if (is(g, type, "text_delta"))
        emit_said(g, raw_member(g, delta, STR("text")));
    else if (is(g, type, "thinking_delta"))
        emit_text(g, CHAT_REASONING, raw_member(g, delta, STR("thinking")));
    else if (is(g, type, "signature_delta"))
        s->signature = keep(g->r, text_member(g, delta, STR("signature")));
    else if (is(g, type, "citations_delta"))
        emit_citation(g, json_member(g->doc, delta, STR("citation")));
    else if (is(g, type, "input_json_delta") && s->open == OPEN_CALL)
        emit_arguments(g, raw_member(g, delta, STR("partial_json")));
    else if (is(g, type, "input_json_delta") && s->open == OPEN_NATIVE)
        gather(g->r, &s->input, text_member(g, delta, STR("partial_json")));
}

/* The block's start with the input that came after it. */
static void stop_native(struct answer_reader *r, struct state *s)
{
    struct json_doc doc, input;
    struct json_edit edit;
    struct json_parts parts;
    str json = s->native_json, said = str_make(s->input.ptr, s->input.len);
    const struct json_options object = {.root_object = true, .index_depth = 1};
    if (said.len && !json_parse(&input, r->scratch, said, &object) &&
        !json_parse(&doc, r->scratch, s->native_json, &object)) {
        json_edit_init(&edit, &doc, r->scratch);
        json_edit_set(&edit, JSON_ROOT, STR("input"), said);
        if (!json_edit_finish(&edit, &parts))
            json = arena_concat(r->scratch, parts.parts, (unsigned)parts.count);
    }
    emit_native(r, s->native_type, json);
}

static void stop_block(struct answer_reader *r, struct state *s)
{
    switch (s->open) {
    case OPEN_THINKING:
        if (s->signature.len)
            emit(r, &(struct chat_event){.kind = CHAT_SIGNATURE,
                                         .opaque = s->signature,
                                         .format = NATIVE_ANTHROPIC});
        break;
    case OPEN_CALL:
        if (!s->said)
            emit(r, &(struct chat_event){
                        .kind = CHAT_CALL_ARGUMENTS, .call = s->calls - 1, .text = RAW("{}")});
        break;
    case OPEN_NATIVE:
        stop_native(r, s);
        break;
    case OPEN_TEXT: {
        struct raw left = json_fence_end(&s->fence);
        if (left.s.len)
            emit(r, &(struct chat_event){.kind = CHAT_TEXT, .text = left});
        break;
    }
    case OPEN_NONE:
    case OPEN_OTHER:
        break;
    }
    if (s->open != OPEN_NONE)
        s->before = s->open == OPEN_THINKING && s->signature.len ? OPEN_OTHER : s->open;
    s->open = OPEN_NONE;
    s->signature = STR_NULL;
}

/* --- Beginning and end ----------------------------------------------------------------------------------- */

static void emit_start(struct reading *g, uint32_t message)
{
    emit(g->r, &(struct chat_event){.kind = CHAT_START,
                                    .id = text_member(g, message, STR("id")),
                                    .model = text_member(g, message, STR("model"))});
}

static void emit_usage(struct reading *g, uint32_t usage)
{
    struct chat_event ev = {.kind = CHAT_USAGE};
    anthropic_usage_read(g->doc, usage, &ev.usage);
    if (ev.usage.known)
        emit(g->r, &ev);
}

/* stop_reason and what belongs to it, of a message or of message_delta's delta. */
static void note_stop(struct reading *g, uint32_t object)
{
    uint32_t details = json_member(g->doc, object, STR("stop_details"));
    str reason = text_member(g, object, STR("stop_reason"));
    struct raw sequence = raw_member(g, object, STR("stop_sequence"));
    struct raw words = raw_member(g, details, STR("explanation"));
    if (reason.len)
        g->s->reason = keep(g->r, reason);
    if (sequence.s.ptr)
        g->s->stop_sequence = keep(g->r, sequence.s);
    if (words.s.ptr)
        g->s->explanation = keep(g->r, words.s);
}

static enum finish finish_of(const struct state *s)
{
    static const struct {
        str reason;
        enum finish finish;
    } known[] = {
        {STR_INIT("end_turn"), FINISH_STOP},
        {STR_INIT("stop_sequence"), FINISH_STOP_SEQUENCE},
        {STR_INIT("max_tokens"), FINISH_LENGTH},
        {STR_INIT("tool_use"), FINISH_CALLS},
        {STR_INIT("pause_turn"), FINISH_PAUSE},
        {STR_INIT("refusal"), FINISH_REFUSAL},
        {STR_INIT("model_context_window_exceeded"), FINISH_CONTEXT},
        {STR_INIT("compaction"), FINISH_LENGTH},
    };
    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(s->reason, known[i].reason))
            return known[i].finish;
    if (s->calls)
        return FINISH_CALLS;
    return s->reason.len ? FINISH_OTHER : FINISH_STOP; /* servers in between forget to say */
}

static void emit_end(struct answer_reader *r, struct state *s)
{
    struct chat_event ev = {.kind = CHAT_FINISH, .finish = finish_of(s), .reason = s->reason};
    if (ev.finish == FINISH_STOP_SEQUENCE)
        ev.text.s = s->stop_sequence;
    else if (ev.finish == FINISH_REFUSAL)
        ev.text.s = s->explanation;
    emit(r, &ev);
    emit(r, &(struct chat_event){.kind = CHAT_END});
    r->ended = true;
}

static void fail(struct reading *g, uint32_t error)
{
    struct provider_fault fault = {0};
    anthropic_read_fault(g->doc, error, g->r->scratch, &fault);
    answer_reader_fail(g->r, anthropic_error_meaning(fault.type), &fault);
}

/* --- A stream -------------------------------------------------------------------------------------------- */

static void take_event(struct reading *g, uint32_t type)
{
    struct state *s = g->s;
    if (is(g, type, "content_block_delta")) {
        take_delta(g, json_member(g->doc, JSON_ROOT, STR("delta")));
    } else if (is(g, type, "content_block_start")) {
        stop_block(g->r, s); /* of one that was left open */
        start_block(g, json_member(g->doc, JSON_ROOT, STR("content_block")));
    } else if (is(g, type, "content_block_stop")) {
        stop_block(g->r, s);
    } else if (is(g, type, "message_start")) {
        uint32_t message = json_member(g->doc, JSON_ROOT, STR("message"));
        emit_start(g, message);
        emit_usage(g, json_member(g->doc, message, STR("usage")));
    } else if (is(g, type, "message_delta")) {
        note_stop(g, json_member(g->doc, JSON_ROOT, STR("delta")));
        emit_usage(g, json_member(g->doc, JSON_ROOT, STR("usage")));
    } else if (is(g, type, "message_stop")) {
        if (s->open == OPEN_CALL && str_eq(s->reason, STR("max_tokens")))
            s->said = true; /* cut off before it said anything: {} would be an invention */
        stop_block(g->r, s);
        emit_end(g->r, s);
    }
}

void anthropic_read_unit(struct answer_reader *r, str name, str data)
{
    struct json_doc doc;
    struct reading g = {r, r->state, &doc};
    if (r->ended || str_eq(name, STR("ping")) || str_eq(data, STR("[DONE]")))
        return;
    if (json_parse(&doc, r->scratch, data, NULL) || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, NULL);
        return;
    }
    uint32_t type = json_member(&doc, JSON_ROOT, STR("type"));
    uint32_t error = json_member(&doc, JSON_ROOT, STR("error"));
    if (is(&g, type, "error") || str_eq(name, STR("error")) ||
        (type == JSON_NONE && error != JSON_NONE))
        fail(&g, error);
    else
        take_event(&g, type);
}

/* Only message_stop completes an answer. */
void anthropic_read_end(struct answer_reader *r)
{
    (void)r;
}

/* --- A whole answer -------------------------------------------------------------------------------------- */

void anthropic_read_whole(struct answer_reader *r, str body)
{
    struct json_doc doc;
    struct reading g = {r, r->state, &doc};
    if (json_parse(&doc, r->scratch, body, NULL) || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, NULL);
        return;
    }
    uint32_t content = json_member(&doc, JSON_ROOT, STR("content"));
    uint32_t error = json_member(&doc, JSON_ROOT, STR("error"));
    if (is(&g, json_member(&doc, JSON_ROOT, STR("type")), "error") ||
        (content == JSON_NONE && error != JSON_NONE)) {
        fail(&g, error);
        return;
    }
    if (content == JSON_NONE) { /* JSON, but nobody's answer */
        answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, NULL);
        return;
    }
    emit_start(&g, JSON_ROOT);
    JSON_EACH (block, &doc, content) {
        start_block(&g, block);
        stop_block(r, g.s);
    }
    emit_usage(&g, json_member(&doc, JSON_ROOT, STR("usage")));
    note_stop(&g, JSON_ROOT);
    emit_end(r, g.s);
}
