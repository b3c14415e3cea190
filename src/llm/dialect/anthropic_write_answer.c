/*
 * Answers for clients of Anthropic's Messages API, from neutral events (mapping.md §15, §16.5).
 *
 *   (nothing) ──first content──▶ message_start ──▶ one block open, or none ──END──▶ message_delta, message_stop
 *
 * Exactly one block is open at a time, and their indexes have no gaps: official clients append.  Calls
 * come in order already (call_order).  message_start waits for what comes after START, since some
 * providers tell the input tokens right behind it.
 */
#include "llm/dialect/anthropic_impl.h"
#include "llm/dialect/anthropic_usage.h"
#include "llm/signature.h"

enum open_block { OPEN_NONE, OPEN_TEXT, OPEN_THINKING, OPEN_CALL };

struct state {
    bool started, refused;
    enum open_block open;
    unsigned index; /* of the open block, or of the next */
    unsigned calls, call;
    enum finish finish;
    struct usage usage;
    str stop_sequence, refusal; /* raw; in the request's arena */
};

_Static_assert(sizeof(struct state) <= ANTHROPIC_WRITER_SIZE, "the state of a writer");

/* --- Pieces that both kinds of answer have ----------------------------------------------------------------- */

static str answer_id(const struct answer_writer *w, struct arena *a)
{
    str pieces[] = {w->id_is_own ? STR("msg_") : STR(""), w->id};
    return arena_concat(a, pieces, ARRAY_LEN(pieces));
}

static void write_null(struct json_write *j, str key)
{
    json_write_key(j, key);
    json_write_null(j);
}

static void write_type(struct json_write *j, str type)
{
    json_write_object(j);
    json_write_member(j, STR("type"), type);
}

/* Ids that this API could not take back are made legal, the same way each time. */
static str call_id(struct arena *a, str id, str answer, unsigned number)
{
    if (id.len)
        return name_legal(a, &id_rule_anthropic, id);
    return arena_printf(a, "toolu_%.*s_%u", STR_ARG(str_first(answer, 40)), number);
}

static str stop_reason_of(enum finish finish, bool refused, bool calls, bool sequence_known)
{
    if (refused && (finish == FINISH_STOP || finish == FINISH_OTHER))
        return STR("refusal");
    switch (finish) {
    case FINISH_LENGTH:
        return STR("max_tokens");
    case FINISH_CONTEXT:
        return STR("model_context_window_exceeded");
    case FINISH_REFUSAL:
    case FINISH_FILTERED:
        return STR("refusal");
    case FINISH_PAUSE:
        return STR("pause_turn");
    case FINISH_STOP_SEQUENCE:
        if (sequence_known)
            return STR("stop_sequence");
        break;
    case FINISH_STOP:
    case FINISH_CALLS:
    case FINISH_MALFORMED:
    case FINISH_OTHER:
        break;
    }
    return calls ? STR("tool_use") : STR("end_turn");
}

/* stop_reason, stop_sequence, stop_details. */
static void write_stop(struct json_write *j, str reason, struct raw sequence, struct raw words)
{
    json_write_member(j, STR("stop_reason"), reason);
    json_write_key(j, STR("stop_sequence"));
    if (str_eq(reason, STR("stop_sequence")))
        json_write_raw_string(j, sequence.s);
    else
        json_write_null(j);
    json_write_key(j, STR("stop_details"));
    if (!str_eq(reason, STR("refusal"))) {
        json_write_null(j);
        return;
    }
    write_type(j, STR("refusal"));
    write_null(j, STR("category"));
    json_write_key(j, STR("explanation"));
    if (words.s.len)
        json_write_raw_string(j, words.s);
    else
        json_write_null(j);
    json_write_object_end(j);
}

static void write_citation(struct json_write *j, const struct citation *c)
{
    if (c->format == NATIVE_ANTHROPIC && c->json.len) {
        json_write_raw(j, c->json);
        return;
    }
    write_type(j, STR("web_search_result_location"));
    json_write_key(j, STR("url"));
    json_write_raw_string(j, c->url.s);
    json_write_key(j, STR("title"));
    if (c->title.s.ptr)
        json_write_raw_string(j, c->title.s);
    else
        json_write_null(j);
    json_write_key(j, STR("cited_text"));
    json_write_raw_string(j, c->cited.s);
    json_write_member(j, STR("encrypted_index"), STR(""));
    json_write_object_end(j);
}

/* What goes before stop_reason in a message. */
static void write_message_head(struct json_write *j, str id, str model)
{
    json_write_object(j);
    json_write_member(j, STR("id"), id);
    json_write_member(j, STR("type"), STR("message"));
    json_write_member(j, STR("role"), STR("assistant"));
    json_write_member(j, STR("model"), model);
    json_write_key(j, STR("content"));
}

/* --- A stream: framing ------------------------------------------------------------------------------------- */

static void begin_event(struct answer_writer *w, struct json_write *j, str type)
{
    buf_add_lit(w->out, "event: ");
    buf_add_str(w->out, type);
    buf_add_lit(w->out, "\ndata: ");
    json_write_init(j, w->out);
    write_type(j, type);
    w->events++;
}

static void end_event(struct answer_writer *w, struct json_write *j)
{
    json_write_object_end(j);
    buf_add_lit(w->out, "\n\n");
}

static void start_message(struct answer_writer *w, struct state *s)
{
    struct json_write j;
    if (s->started)
        return;
    s->started = true;
    begin_event(w, &j, STR("message_start"));
    json_write_key(&j, STR("message"));
    write_message_head(&j, answer_id(w, w->scratch), w->model);
    json_write_array(&j);
    json_write_array_end(&j);
    write_null(&j, STR("stop_reason"));
    write_null(&j, STR("stop_sequence"));
    write_null(&j, STR("stop_details"));
    write_null(&j, STR("container"));
    json_write_key(&j, STR("usage"));
    anthropic_usage_write(&j, &s->usage);
    json_write_object_end(&j);
    end_event(w, &j);
}

static void begin_block_event(struct answer_writer *w, struct json_write *j, const struct state *s,
                              str type)
{
    begin_event(w, j, type);
    json_write_member_u64(j, STR("index"), s->index);
}

static void stop_block(struct answer_writer *w, struct state *s)
{
    struct json_write j;
    if (s->open == OPEN_NONE)
        return;
    begin_block_event(w, &j, s, STR("content_block_stop"));
    end_event(w, &j);
    s->open = OPEN_NONE;
    s->index++;
}

/* Begins content_block_start up to the block's own members. */
static void begin_block(struct answer_writer *w, struct json_write *j, struct state *s, str type)
{
    start_message(w, s);
    stop_block(w, s);
    begin_block_event(w, j, s, STR("content_block_start"));
    json_write_key(j, STR("content_block"));
    write_type(j, type);
}

static void begun_block(struct answer_writer *w, struct json_write *j, struct state *s,
                        enum open_block open)
{
    json_write_object_end(j);
    end_event(w, j);
    s->open = open;
}

static void open_text(struct answer_writer *w, struct state *s)
{
    struct json_write j;
    if (s->open == OPEN_TEXT)
        return;
    begin_block(w, &j, s, STR("text"));
    json_write_member(&j, STR("text"), STR(""));
    write_null(&j, STR("citations"));
    begun_block(w, &j, s, OPEN_TEXT);
}

static void open_thinking(struct answer_writer *w, struct state *s)
{
    struct json_write j;
    if (s->open == OPEN_THINKING)
        return;
    begin_block(w, &j, s, STR("thinking"));
    json_write_member(&j, STR("thinking"), STR(""));
    json_write_member(&j, STR("signature"), STR(""));
    begun_block(w, &j, s, OPEN_THINKING);
}

/* One delta of one member with raw text. */
static void write_delta(struct answer_writer *w, const struct state *s, str type, str key, str raw)
{
    struct json_write j;
    begin_block_event(w, &j, s, STR("content_block_delta"));
    json_write_key(&j, STR("delta"));
    write_type(&j, type);
    json_write_key(&j, key);
    json_write_raw_string(&j, raw);
    json_write_object_end(&j);
    end_event(w, &j);
}

/* --- A stream: events --------------------------------------------------------------------------------------- */

static void text(struct answer_writer *w, struct state *s, const struct chat_event *ev)
{
    if (!ev->text.s.len)
        return;
    open_text(w, s);
    write_delta(w, s, STR("text_delta"), STR("text"), ev->text.s);
}

static void reasoning(struct answer_writer *w, struct state *s, str raw)
{
    if (!raw.len)
        return;
    open_thinking(w, s);
    write_delta(w, s, STR("thinking_delta"), STR("thinking"), raw);
}

static str wrapped(struct answer_writer *w, enum native_format maker, str opaque)
{
    str text_out = opaque;
    if (maker != NATIVE_ANTHROPIC)
        text_out = signature_wrap(w->scratch, NATIVE_ANTHROPIC, maker, opaque);
    if (str_is_null(text_out))
        w->out->failed = true;
    return text_out;
}

/* A signature ends its block, which may have had no text. */
static void signature(struct answer_writer *w, struct state *s, enum native_format maker,
                      str opaque)
{
    struct raw raw = raw_of_text(w->scratch, wrapped(w, maker, opaque));
    if (!raw.s.ptr) {
        w->out->failed = true;
        return;
    }
    open_thinking(w, s);
    write_delta(w, s, STR("signature_delta"), STR("signature"), raw.s);
    stop_block(w, s);
}

static void redacted(struct answer_writer *w, struct state *s, const struct chat_event *ev)
{
    struct json_write j;
    str data = wrapped(w, ev->format, ev->opaque);
    begin_block(w, &j, s, STR("redacted_thinking"));
    json_write_member(&j, STR("data"), data);
    begun_block(w, &j, s, OPEN_CALL);
    stop_block(w, s);
}

static void call(struct answer_writer *w, struct state *s, const struct chat_event *ev)
{
    struct json_write j;
    if (ev->opaque.len) { /* Gemini's signature stands on the call: here it goes before it */
        stop_block(w, s);
        signature(w, s, NATIVE_GEMINI, ev->opaque);
    }
    str id = call_id(w->scratch, ev->id, answer_id(w, w->scratch), s->calls);
    if (str_is_null(id))
        w->out->failed = true;
    begin_block(w, &j, s, STR("tool_use"));
    json_write_member(&j, STR("id"), id);
    json_write_member(&j, STR("name"), ev->name);
    json_write_key(&j, STR("input"));
    json_write_object(&j);
    json_write_object_end(&j);
    begun_block(w, &j, s, OPEN_CALL);
    s->call = ev->call;
    s->calls++;
}

static void arguments(struct answer_writer *w, struct state *s, const struct chat_event *ev)
{
    if (s->open == OPEN_CALL && s->call == ev->call && ev->text.s.len)
        write_delta(w, s, STR("input_json_delta"), STR("partial_json"), ev->text.s);
}

static void citation(struct answer_writer *w, struct state *s, const struct chat_event *ev)
{
    struct json_write j;
    open_text(w, s);
    begin_block_event(w, &j, s, STR("content_block_delta"));
    json_write_key(&j, STR("delta"));
    write_type(&j, STR("citations_delta"));
    json_write_key(&j, STR("citation"));
    write_citation(&j, ev->citation);
    json_write_object_end(&j);
    end_event(w, &j);
}

/* A block of this very format, complete in its start. */
static void native(struct answer_writer *w, struct state *s, const struct native_block *n)
{
    struct json_write j;
    if (n->format != NATIVE_ANTHROPIC)
        return;
    start_message(w, s);
    stop_block(w, s);
    begin_block_event(w, &j, s, STR("content_block_start"));
    json_write_member_raw(&j, STR("content_block"), n->json);
    end_event(w, &j);
    s->open = OPEN_CALL;
    stop_block(w, s);
}

static void finish(struct answer_writer *w, struct state *s, const struct chat_event *ev)
{
    s->finish = ev->finish;
    if (ev->finish == FINISH_STOP_SEQUENCE)
        s->stop_sequence = arena_str(w->arena, ev->text.s);
    else if (ev->finish == FINISH_REFUSAL)
        s->refusal = arena_str(w->arena, ev->text.s);
}

static void end(struct answer_writer *w, struct state *s)
{
    struct json_write j;
    start_message(w, s);
    stop_block(w, s);
    str reason =
        stop_reason_of(s->finish, s->refused, s->calls > 0, !str_is_null(s->stop_sequence));
    begin_event(w, &j, STR("message_delta"));
    json_write_key(&j, STR("delta"));
    json_write_object(&j);
    write_stop(&j, reason, (struct raw){s->stop_sequence}, (struct raw){s->refusal});
    json_write_object_end(&j);
    json_write_key(&j, STR("usage"));
    anthropic_usage_write_delta(&j, &s->usage);
    end_event(w, &j);
    begin_event(w, &j, STR("message_stop"));
    end_event(w, &j);
}

void anthropic_write_event(struct answer_writer *w, const struct chat_event *ev)
{
    struct state *s = w->state;
    if (ev->choice != 0)
        return; /* one answer is all that the format has */
    switch (ev->kind) {
    case CHAT_REFUSAL:
        s->refused = true;
        text(w, s, ev);
        break;
    case CHAT_TEXT:
        text(w, s, ev);
        break;
    case CHAT_REASONING:
        reasoning(w, s, ev->text.s);
        break;
    case CHAT_REASONING_BREAK:
        reasoning(w, s, STR("\\n\\n"));
        break;
    case CHAT_SIGNATURE:
        signature(w, s, ev->format, ev->opaque);
        break;
    case CHAT_REDACTED:
        redacted(w, s, ev);
        break;
    case CHAT_CALL:
        call(w, s, ev);
        break;
    case CHAT_CALL_ARGUMENTS:
        arguments(w, s, ev);
        break;
    case CHAT_BREAK:
        stop_block(w, s);
        break;
    case CHAT_CITATION:
        citation(w, s, ev);
        break;
    case CHAT_NATIVE:
        native(w, s, ev->native);
        break;
    case CHAT_USAGE:
        usage_merge(&s->usage, &ev->usage);
        break;
    case CHAT_FINISH:
        finish(w, s, ev);
        break;
    case CHAT_END:
        end(w, s);
        break;
    case CHAT_START:
    case CHAT_MEDIA: /* no place for what models draw or say aloud */
    case CHAT_LOGPROBS:
    case CHAT_FAILED:
        break;
    }
}

/* --- A whole answer ------------------------------------------------------------------------------------------ */

static void whole_text(struct json_write *j, const struct block *b)
{
    if (!b->text.s.len)
        return;
    write_type(j, STR("text"));
    json_write_member_raw_string(j, STR("text"), b->text);
    json_write_key(j, STR("citations"));
    if (b->citations) {
        json_write_array(j);
        for (const struct citation *c = b->citations; c; c = c->next)
            write_citation(j, c);
        json_write_array_end(j);
    } else {
        json_write_null(j);
    }
    json_write_object_end(j);
}

static void whole_thinking(struct answer_writer *w, struct json_write *j, struct raw thought,
                           enum native_format maker, str opaque)
{
    write_type(j, STR("thinking"));
    json_write_key(j, STR("thinking"));
    json_write_raw_string(j, thought.s);
    json_write_member(j, STR("signature"), opaque.len ? wrapped(w, maker, opaque) : STR(""));
    json_write_object_end(j);
}

static void whole_reasoning(struct answer_writer *w, struct json_write *j,
                            const struct reasoning *r)
{
    struct raw thought = r->text;
    for (const struct block *b = r->summary; b; b = b->next) {
        str pieces[] = {thought.s, thought.s.len ? STR("\\n\\n") : STR(""), b->text.s};
        thought.s = arena_concat(w->arena, pieces, ARRAY_LEN(pieces));
    }
    if (thought.s.len || r->signature.len)
        whole_thinking(w, j, thought, r->format, r->signature);
    if (!r->encrypted.len)
        return;
    write_type(j, STR("redacted_thinking"));
    json_write_member(j, STR("data"), wrapped(w, r->format, r->encrypted));
    json_write_object_end(j);
}

static void whole_call(struct answer_writer *w, struct json_write *j, const struct tool_call *c,
                       unsigned number)
{
    str id = call_id(w->arena, c->id, answer_id(w, w->arena), number);
    str input = chat_call_object(w->arena, c);
    if (c->signature.len)
        whole_thinking(w, j, RAW_NULL, NATIVE_GEMINI, c->signature);
    if (str_is_null(id) || str_is_null(input))
        w->out->failed = true;
    write_type(j, STR("tool_use"));
    json_write_member(j, STR("id"), id);
    json_write_member(j, STR("name"), c->name);
    json_write_member_raw(j, STR("input"), input.len ? input : STR("{}"));
    json_write_object_end(j);
}

static void whole_content(struct answer_writer *w, struct json_write *j,
                          const struct answer_choice *choice, struct state *s)
{
    json_write_array(j);
    for (const struct block *b = choice->blocks; b; b = b->next) {
        switch (b->kind) {
        case BLOCK_REFUSAL:
            s->refused = true;
            whole_text(j, b);
            break;
        case BLOCK_TEXT:
            whole_text(j, b);
            break;
        case BLOCK_REASONING:
            whole_reasoning(w, j, &b->reasoning);
            break;
        case BLOCK_CALL:
            whole_call(w, j, &b->call, s->calls++);
            break;
        case BLOCK_NATIVE:
            if (b->native.format == NATIVE_ANTHROPIC)
                json_write_raw(j, b->native.json);
            break;
        case BLOCK_IMAGE:
        case BLOCK_AUDIO:
        case BLOCK_VIDEO:
        case BLOCK_DOCUMENT:
        case BLOCK_RESULT:
            break;
        }
    }
    json_write_array_end(j);
}

void anthropic_write_answer(struct answer_writer *w, const struct chat_answer *a)
{
    const struct answer_choice *choice = a->choices;
    struct state *s = w->state;
    struct json_write j;
    json_write_init(&j, w->out);
    write_message_head(&j, answer_id(w, w->arena), w->model);
    whole_content(w, &j, choice, s);
    str reason = stop_reason_of(choice->finish, s->refused, s->calls > 0,
                                !str_is_null(choice->stop_sequence.s));
    write_stop(&j, reason, choice->stop_sequence, choice->refusal_words);
    write_null(&j, STR("container"));
    json_write_key(&j, STR("usage"));
    anthropic_usage_write(&j, &a->usage);
    json_write_object_end(&j);
}
