/*
 * Answers for clients of the Responses API, from neutral events.
 *
 *   (nothing) ──START──▶ created, in_progress ──▶ one item open, or none ──END──▶ completed | incomplete
 *                                                   │
 *   message: text and refusal parts │ reasoning: parts of its summary │ a call: its arguments
 *
 * One item is open at a time; what closes it is an event of another kind.  Each `done` says the whole value,
 * and the last event all items: so the texts are gathered, in the request's arena.  A whole answer is
 * the same machine, whose events nobody sees.
 */
#include "llm/dialect/openai_responses.h"
#include "llm/dialect/openai_responses_writer.h"
#include "llm/signature.h"

_Static_assert(sizeof(struct responses_writer) <= RESPONSES_WRITER_SIZE, "the state of a writer");

/* --- Gathering ---------------------------------------------------------------------------------------- */

void responses_gather(struct answer_writer *w, struct responses_text *t, str more)
{
    if (more.len > t->cap - t->len) {
        size_t cap = (t->len + more.len) * 2 + 64;
        char *ptr = arena_alloc(w->arena, cap);
        if (!ptr) {
            w->out->failed = true;
            return;
        }
        if (t->len)
            memcpy(ptr, t->ptr, t->len);
        t->ptr = ptr;
        t->cap = cap;
    }
    if (more.len)
        memcpy(t->ptr + t->len, more.ptr, more.len);
    t->len += more.len;
}

/* An element of a list without its brackets. */
static void gather_element(struct answer_writer *w, struct responses_text *list, str json)
{
    if (list->len)
        responses_gather(w, list, STR(","));
    responses_gather(w, list, json);
}

static str gathered(const struct responses_text *t)
{
    return str_make(t->len ? t->ptr : "", t->len);
}

static str kept(struct answer_writer *w, str text)
{
    str copy = arena_str(w->arena, text.ptr ? text : STR(""));
    if (str_is_null(copy))
        w->out->failed = true;
    return copy;
}

/* --- Events --------------------------------------------------------------------------------------------- */

static void begin(struct answer_writer *w, struct json_write *j, str type)
{
    buf_add_lit(w->out, "event: ");
    buf_add_str(w->out, type);
    buf_add_lit(w->out, "\ndata: ");
    json_write_init(j, w->out);
    json_write_object(j);
    json_write_member(j, STR("type"), type);
    json_write_member_u64(j, STR("sequence_number"), w->events++);
}

static void end(struct answer_writer *w, struct json_write *j)
{
    json_write_object_end(j);
    buf_add_lit(w->out, "\n\n");
}

/* With the coordinates of the open item and, where there is one, its part. */
static void begin_at(struct answer_writer *w, const struct responses_writer *s,
                     struct json_write *j, str type)
{
    begin(w, j, type);
    json_write_member(j, STR("item_id"), s->id);
    json_write_member_u64(j, STR("output_index"), s->index);
    if (s->open == RESPONSES_OPEN_MESSAGE)
        json_write_member_u64(j, STR("content_index"), s->part_index);
    else if (s->open == RESPONSES_OPEN_REASONING)
        json_write_member_u64(j, STR("summary_index"), s->part_index);
}

static void write_piece(struct answer_writer *w, const struct responses_writer *s, str type,
                        str key, str raw)
{
    struct json_write j;
    begin_at(w, s, &j, type);
    json_write_key(&j, key);
    json_write_raw_string(&j, raw);
    if (s->part == RESPONSES_PART_TEXT)
        json_write_member_raw(&j, STR("logprobs"), STR("[]"));
    end(w, &j);
}

static void write_response_event(struct answer_writer *w, struct responses_writer *s, str type,
                                 str status)
{
    struct json_write j;
    begin(w, &j, type);
    json_write_key(&j, STR("response"));
    size_t at = w->out->len;
    responses_write_object(w, s, &j, status);
    if (s->ended && w->chat->store != NO && !w->out->failed)
        s->response = kept(w, str_make(w->out->ptr + at, w->out->len - at));
    end(w, &j);
}

static void start(struct answer_writer *w, struct responses_writer *s)
{
    if (s->started)
        return;
    s->started = true;
    s->response_id = responses_id(w, w->arena);
    write_response_event(w, s, STR("response.created"), STR("in_progress"));
    write_response_event(w, s, STR("response.in_progress"), STR("in_progress"));
}

/* --- Parts ------------------------------------------------------------------------------------------------ */

static void write_part(struct json_write *j, const struct responses_writer *s, bool empty)
{
    str text = empty ? STR("") : gathered(&s->text);
    json_write_object(j);
    if (s->part == RESPONSES_PART_REFUSAL) {
        json_write_member(j, STR("type"), STR("refusal"));
        json_write_member_raw_string(j, STR("refusal"), (struct raw){text});
    } else if (s->part == RESPONSES_PART_SUMMARY) {
        json_write_member(j, STR("type"), STR("summary_text"));
        json_write_member_raw_string(j, STR("text"), (struct raw){text});
    } else {
        json_write_member(j, STR("type"), STR("output_text"));
        json_write_member_raw_string(j, STR("text"), (struct raw){text});
        json_write_key(j, STR("annotations"));
        json_write_array(j);
        if (s->notes.len && !empty)
            json_write_raw(j, gathered(&s->notes));
        json_write_array_end(j);
        json_write_key(j, STR("logprobs"));
        json_write_array(j);
        if (s->logprobs.len && !empty)
            json_write_raw(j, gathered(&s->logprobs));
        json_write_array_end(j);
    }
    json_write_object_end(j);
}

static void write_part_event(struct answer_writer *w, const struct responses_writer *s, str type,
                             bool empty)
{
    struct json_write j;
    begin_at(w, s, &j, type);
    json_write_key(&j, STR("part"));
    write_part(&j, s, empty);
    end(w, &j);
}

static void open_part(struct answer_writer *w, struct responses_writer *s, enum responses_part part)
{
    s->part = part;
    s->text.len = s->notes.len = s->logprobs.len = 0;
    s->note_count = 0;
    write_part_event(w, s,
                     part == RESPONSES_PART_SUMMARY ? STR("response.reasoning_summary_part.added")
                                                    : STR("response.content_part.added"),
                     true);
}

/* The whole text once more. */
static void write_text_done(struct answer_writer *w, const struct responses_writer *s)
{
    static const struct {
        str type, key;
    } names[] = {
        [RESPONSES_PART_TEXT] = {STR_INIT("response.output_text.done"), STR_INIT("text")},
        [RESPONSES_PART_REFUSAL] = {STR_INIT("response.refusal.done"), STR_INIT("refusal")},
        [RESPONSES_PART_SUMMARY] = {STR_INIT("response.reasoning_summary_text.done"),
                                    STR_INIT("text")},
    };
    struct json_write j;
    begin_at(w, s, &j, names[s->part].type);
    json_write_member_raw_string(&j, names[s->part].key, (struct raw){gathered(&s->text)});
    if (s->part == RESPONSES_PART_TEXT) {
        json_write_key(&j, STR("logprobs"));
        json_write_array(&j);
        if (s->logprobs.len)
            json_write_raw(&j, gathered(&s->logprobs));
        json_write_array_end(&j);
    }
    end(w, &j);
}

static void keep_part(struct answer_writer *w, struct responses_writer *s)
{
    struct buf json;
    struct json_write j;
    buf_init(&json, 0);
    json_write_init(&j, &json);
    write_part(&j, s, false);
    gather_element(w, &s->parts, buf_str(&json));
    w->out->failed = w->out->failed || json.failed;
    buf_release(&json);
}

static void close_part(struct answer_writer *w, struct responses_writer *s)
{
    if (s->part == RESPONSES_PART_NONE)
        return;
    write_text_done(w, s);
    write_part_event(w, s,
                     s->part == RESPONSES_PART_SUMMARY ? STR("response.reasoning_summary_part.done")
                                                       : STR("response.content_part.done"),
                     false);
    keep_part(w, s);
    s->part = RESPONSES_PART_NONE;
    s->part_index++;
}

/* --- Items ------------------------------------------------------------------------------------------------- */

static void write_call(struct json_write *j, const struct responses_writer *s, str status)
{
    json_write_member(j, STR("type"), s->custom ? STR("custom_tool_call") : STR("function_call"));
    if (!s->custom)
        json_write_member(j, STR("status"), status);
    json_write_member(j, STR("call_id"), s->call_id);
    json_write_member(j, STR("name"), s->call_name);
    if (s->call_space.len)
        json_write_member(j, STR("namespace"), s->call_space);
    json_write_member_raw_string(j, s->custom ? STR("input") : STR("arguments"),
                                 (struct raw){gathered(&s->text)});
}

static void write_item(struct json_write *j, const struct responses_writer *s, str status)
{
    json_write_object(j);
    json_write_member(j, STR("id"), s->id);
    if (s->open == RESPONSES_OPEN_CALL) {
        write_call(j, s, status);
        json_write_object_end(j);
        return;
    }
    bool message = s->open == RESPONSES_OPEN_MESSAGE;
    json_write_member(j, STR("type"), message ? STR("message") : STR("reasoning"));
    if (message) {
        json_write_member(j, STR("status"), status);
        json_write_member(j, STR("role"), STR("assistant"));
    }
    json_write_key(j, message ? STR("content") : STR("summary"));
    json_write_array(j);
    if (s->parts.len)
        json_write_raw(j, gathered(&s->parts));
    json_write_array_end(j);
    if (s->encrypted.len)
        json_write_member(j, STR("encrypted_content"), s->encrypted);
    json_write_object_end(j);
}

/* item: its JSON. */
static void write_item_event(struct answer_writer *w, const struct responses_writer *s, str type,
                             str item)
{
    struct json_write j;
    begin(w, &j, type);
    json_write_member_u64(&j, STR("output_index"), s->index);
    json_write_member_raw(&j, STR("item"), item);
    end(w, &j);
}

/* Announces or ends the item as it is now. */
static void tell_item(struct answer_writer *w, struct responses_writer *s, bool done, str status)
{
    struct buf json;
    struct json_write j;
    buf_init(&json, 0);
    json_write_init(&j, &json);
    write_item(&j, s, status);
    write_item_event(w, s,
                     done ? STR("response.output_item.done") : STR("response.output_item.added"),
                     buf_str(&json));
    if (done)
        gather_element(w, &s->output, buf_str(&json));
    w->out->failed = w->out->failed || json.failed;
    buf_release(&json);
}

/* "msg_<the response's>_3": by an item's id its response is found again. */
static str item_id(struct answer_writer *w, const struct responses_writer *s, const char *prefix)
{
    str base = s->response_id;
    if (str_starts(base, STR("resp_")))
        base = str_from(base, 5);
    str id = arena_printf(w->arena, "%s_%.*s_%u", prefix, STR_ARG(base), s->index);
    if (str_is_null(id))
        w->out->failed = true;
    return id;
}

static void open_item(struct answer_writer *w, struct responses_writer *s, enum responses_open open,
                      const char *prefix)
{
    s->open = open;
    s->id = item_id(w, s, prefix);
    s->parts.len = s->text.len = 0;
    s->part_index = 0;
    s->encrypted = STR_NULL;
    tell_item(w, s, false, STR("in_progress"));
}

/* What a custom tool was told: the string in its arguments, or all of them when they are no such object. */
static void unwrap_input(struct answer_writer *w, struct responses_writer *s)
{
    struct json_doc doc;
    str arguments = raw_decode(w->scratch, (struct raw){gathered(&s->text)});
    if (!arguments.len || json_parse(&doc, w->scratch, arguments, NULL))
        return;
    struct raw input = raw_of_node(&doc, json_member(&doc, JSON_ROOT, STR("input")));
    if (str_is_null(input.s))
        return;
    s->text.len = 0;
    responses_gather(w, &s->text, input.s);
}

static void end_call(struct answer_writer *w, struct responses_writer *s, bool cut)
{
    static const str empty = STR_INIT("{}");
    str custom = STR("response.custom_tool_call_input.done");
    str function = STR("response.function_call_arguments.done");
    if (s->custom) {
        unwrap_input(w, s);
        write_piece(w, s, STR("response.custom_tool_call_input.delta"), STR("delta"),
                    gathered(&s->text));
    } else if (!s->text.len && !cut) { /* clients parse it */
        responses_gather(w, &s->text, empty);
        write_piece(w, s, STR("response.function_call_arguments.delta"), STR("delta"), empty);
    }
    write_piece(w, s, s->custom ? custom : function, s->custom ? STR("input") : STR("arguments"),
                gathered(&s->text));
}

/* cut: a limit of length ended it. */
static void close_item(struct answer_writer *w, struct responses_writer *s, bool cut)
{
    if (s->open == RESPONSES_OPEN_NONE)
        return;
    close_part(w, s);
    if (s->open == RESPONSES_OPEN_CALL)
        end_call(w, s, cut);
    tell_item(w, s, true, cut ? STR("incomplete") : STR("completed"));
    s->open = RESPONSES_OPEN_NONE;
    s->index++;
}

/* --- Content ------------------------------------------------------------------------------------------------ */

/* Opens what the text belongs to, unless it is open. */
static void reach(struct answer_writer *w, struct responses_writer *s, enum responses_open open,
                  enum responses_part part)
{
    start(w, s);
    if (s->open != open) {
        close_item(w, s, false);
        open_item(w, s, open, open == RESPONSES_OPEN_MESSAGE ? "msg" : "rs");
    }
    if (s->part != part) {
        close_part(w, s);
        open_part(w, s, part);
    }
}

static void say(struct answer_writer *w, struct responses_writer *s, str type, str raw)
{
    write_piece(w, s, type, STR("delta"), raw);
    responses_gather(w, &s->text, raw);
}

static void text(struct answer_writer *w, struct responses_writer *s, const struct chat_event *ev)
{
    if (!ev->text.s.len)
        return;
    reach(w, s, RESPONSES_OPEN_MESSAGE, RESPONSES_PART_TEXT);
    say(w, s, STR("response.output_text.delta"), ev->text.s);
}

static void refuse(struct answer_writer *w, struct responses_writer *s, str raw)
{
    if (!raw.len)
        return;
    s->refused = true;
    reach(w, s, RESPONSES_OPEN_MESSAGE, RESPONSES_PART_REFUSAL);
    say(w, s, STR("response.refusal.delta"), raw);
}

static void reasoning(struct answer_writer *w, struct responses_writer *s,
                      const struct chat_event *ev)
{
    if (!ev->text.s.len)
        return;
    reach(w, s, RESPONSES_OPEN_REASONING, RESPONSES_PART_SUMMARY);
    say(w, s, STR("response.reasoning_summary_text.delta"), ev->text.s);
}

/* Opaque text as encrypted_content of the open reasoning, or of an item of its own; ends it.  kind: which
 * of a foreign maker's texts it is. */
static void opaque(struct answer_writer *w, struct responses_writer *s, enum native_format maker,
                   const char *kind, str text_in)
{
    str pieces[] = {str_from_c(maker == NATIVE_OPENAI ? "" : kind), text_in};
    str marked = arena_concat(w->arena, pieces, ARRAY_LEN(pieces));
    str wrapped =
        str_is_null(marked) ? marked : signature_wrap(w->arena, NATIVE_OPENAI, maker, marked);
    if (str_is_null(wrapped)) {
        w->out->failed = true;
        return;
    }
    start(w, s);
    if (s->open != RESPONSES_OPEN_REASONING) {
        close_item(w, s, false);
        open_item(w, s, RESPONSES_OPEN_REASONING, "rs");
    }
    close_part(w, s);
    s->encrypted = wrapped;
    close_item(w, s, false);
}

static void signature(struct answer_writer *w, struct responses_writer *s,
                      const struct chat_event *ev)
{
    opaque(w, s, ev->format, "", ev->opaque);
}

static void redacted(struct answer_writer *w, struct responses_writer *s,
                     const struct chat_event *ev)
{
    close_item(w, s, false);
    opaque(w, s, ev->format, RESPONSES_REDACTED, ev->opaque);
}

/* By its flat name, as the client declared it. */
static void name_call(struct answer_writer *w, struct responses_writer *s,
                      const struct chat_event *ev)
{
    s->custom = ev->custom;
    s->call_name = kept(w, ev->name);
    s->call_space = STR_NULL;
    for (const struct tool *t = w->chat->tools; t; t = t->next) {
        if ((t->format != NATIVE_NONE && !t->custom) || !str_eq(t->name, ev->name))
            continue;
        s->custom = t->custom;
        size_t prefix = t->space.len + sizeof(RESPONSES_NAMESPACE_MARK) - 1;
        if (t->space.len && str_starts(t->name, t->space) && t->name.len > prefix &&
            !str_eq(t->space, STR(RESPONSES_DEFAULT_NAMESPACE))) {
            s->call_space = t->space;
            s->call_name = str_from(t->name, prefix);
        }
        return;
    }
}

static void call(struct answer_writer *w, struct responses_writer *s, const struct chat_event *ev)
{
    start(w, s);
    if (ev->opaque.len) /* Gemini's signature on the call */
        opaque(w, s, ev->format == NATIVE_NONE ? NATIVE_GEMINI : ev->format, RESPONSES_ON_CALL,
               ev->opaque);
    close_item(w, s, false);
    name_call(w, s, ev);
    s->call_id = ev->id.len ? kept(w, ev->id)
                            : arena_printf(w->arena, "call_%.*s_%u", STR_ARG(str_first(w->id, 40)),
                                           s->index);
    s->call = ev->call;
    open_item(w, s, RESPONSES_OPEN_CALL, s->custom ? "ctc" : "fc");
}

static void arguments(struct answer_writer *w, struct responses_writer *s,
                      const struct chat_event *ev)
{
    if (s->open != RESPONSES_OPEN_CALL || s->call != ev->call || !ev->text.s.len)
        return;
    if (s->custom) /* unwrapped when it is whole */
        responses_gather(w, &s->text, ev->text.s);
    else
        say(w, s, STR("response.function_call_arguments.delta"), ev->text.s);
}

/* --- What stands beside text ----------------------------------------------------------------------------------- */

/* Characters of a raw string. */
static uint64_t count_characters(str raw)
{
    uint64_t count = 0;
    for (size_t i = 0; i < raw.len;) {
        const char *at = raw.ptr + i;
        if (*at != '\\') {
            count += ((unsigned char)*at & 0xc0) != 0x80;
            i++;
        } else if (i + 3 < raw.len &&
                   at[1] == 'u') { /* low surrogates are the second half of one */
            bool low = (at[2] == 'd' || at[2] == 'D') && strchr("cdefCDEF", at[3]);
            count += !low;
            i += 6;
        } else {
            count++;
            i += 2;
        }
    }
    return count;
}

static void write_citation(struct json_write *j, const struct responses_writer *s,
                           const struct citation *c)
{
    bool known = c->start >= 0 && c->end >= c->start;
    json_write_object(j);
    json_write_member(j, STR("type"), STR("url_citation"));
    json_write_member_raw_string(j, STR("url"), c->url);
    json_write_member_raw_string(j, STR("title"), c->title.s.ptr ? c->title : RAW(""));
    json_write_member_u64(j, STR("start_index"), known ? (uint64_t)c->start : 0);
    json_write_member_u64(j, STR("end_index"),
                          known ? (uint64_t)c->end : count_characters(gathered(&s->text)));
    json_write_object_end(j);
}

/* Places in documents have no shape here. */
static void citation(struct answer_writer *w, struct responses_writer *s,
                     const struct chat_event *ev)
{
    struct buf json;
    struct json_write j;
    if (s->part != RESPONSES_PART_TEXT || !ev->citation->url.s.len)
        return;
    buf_init(&json, 0);
    json_write_init(&j, &json);
    write_citation(&j, s, ev->citation);
    gather_element(w, &s->notes, buf_str(&json));
    begin_at(w, s, &j, STR("response.output_text.annotation.added"));
    json_write_member_u64(&j, STR("annotation_index"), s->note_count++);
    json_write_member_raw(&j, STR("annotation"), buf_str(&json));
    end(w, &j);
    w->out->failed = w->out->failed || json.failed;
    buf_release(&json);
}

static void logprobs(struct answer_writer *w, struct responses_writer *s,
                     const struct chat_event *ev)
{
    if (w->chat->logprobs == YES && s->part == RESPONSES_PART_TEXT && ev->json.len)
        gather_element(w, &s->logprobs, ev->json);
}

/* An item that is told at once. */
static void whole_item(struct answer_writer *w, struct responses_writer *s, str item)
{
    start(w, s);
    close_item(w, s, false);
    write_item_event(w, s, STR("response.output_item.added"), item);
    write_item_event(w, s, STR("response.output_item.done"), item);
    gather_element(w, &s->output, item);
    s->index++;
}

static void native(struct answer_writer *w, struct responses_writer *s, const struct chat_event *ev)
{
    if (ev->native->format == NATIVE_OPENAI)
        whole_item(w, s, ev->native->json);
}

static void media(struct answer_writer *w, struct responses_writer *s, const struct chat_event *ev)
{
    const struct media *m = ev->media;
    struct buf json;
    struct json_write j;
    if (m->source != MEDIA_BASE64 || !str_starts(m->mime, STR("image/")))
        return;
    start(w, s);
    close_item(w, s, false);
    buf_init(&json, 0);
    json_write_init(&j, &json);
    json_write_object(&j);
    json_write_member(&j, STR("id"), item_id(w, s, "ig"));
    json_write_member(&j, STR("type"), STR("image_generation_call"));
    json_write_member(&j, STR("status"), STR("completed"));
    json_write_member(&j, STR("output_format"), str_from(m->mime, 6));
    json_write_member(&j, STR("result"), m->data);
    json_write_object_end(&j);
    whole_item(w, s, buf_str(&json));
    w->out->failed = w->out->failed || json.failed;
    buf_release(&json);
}

/* --- Beginning and end --------------------------------------------------------------------------------------------- */

static void finish(struct answer_writer *w, struct responses_writer *s, const struct chat_event *ev)
{
    s->finish = ev->finish;
    if (ev->finish == FINISH_REFUSAL && !s->refused)
        refuse(w, s, ev->text.s);
}

/* Items are closed, the answer is known. */
static void seal(struct answer_writer *w, struct responses_writer *s)
{
    start(w, s);
    close_item(w, s, responses_incomplete_reason(s->finish) != NULL);
    s->ended = true;
}

static void finish_stream(struct answer_writer *w, struct responses_writer *s)
{
    seal(w, s);
    bool incomplete = responses_incomplete_reason(s->finish) != NULL;
    write_response_event(w, s, incomplete ? STR("response.incomplete") : STR("response.completed"),
                         incomplete ? STR("incomplete") : STR("completed"));
}

void responses_write_event(struct answer_writer *w, const struct chat_event *ev)
{
    struct responses_writer *s = w->state;
    if (ev->choice > 0) /* there is one answer only */
        return;
    switch (ev->kind) {
    case CHAT_START:
        start(w, s);
        break;
    case CHAT_TEXT:
        text(w, s, ev);
        break;
    case CHAT_REFUSAL:
        refuse(w, s, ev->text.s);
        break;
    case CHAT_REASONING:
        reasoning(w, s, ev);
        break;
    case CHAT_REASONING_BREAK:
        if (s->open == RESPONSES_OPEN_REASONING)
            close_part(w, s);
        break;
    case CHAT_SIGNATURE:
        signature(w, s, ev);
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
    case CHAT_BREAK: /* texts are parts of one message, reasoning is not */
        if (s->open == RESPONSES_OPEN_REASONING)
            close_item(w, s, false);
        else
            close_part(w, s);
        break;
    case CHAT_CITATION:
        citation(w, s, ev);
        break;
    case CHAT_MEDIA:
        media(w, s, ev);
        break;
    case CHAT_LOGPROBS:
        logprobs(w, s, ev);
        break;
    case CHAT_NATIVE:
        native(w, s, ev);
        break;
    case CHAT_USAGE:
        usage_merge(&s->usage, &ev->usage);
        break;
    case CHAT_FINISH:
        finish(w, s, ev);
        break;
    case CHAT_END:
        finish_stream(w, s);
        break;
    case CHAT_FAILED:
        BUG("a failure is no event of an answer's");
    }
}

/* --- A whole answer ------------------------------------------------------------------------------------------------- */

static void take_unseen(void *arg, const struct chat_event *ev)
{
    struct answer_writer *w = arg;
    if (ev->kind != CHAT_END && ev->kind != CHAT_FAILED)
        responses_write_event(w, ev);
    w->out->len = 0;
}

void responses_write_answer(struct answer_writer *w, const struct chat_answer *a)
{
    struct responses_writer *s = w->state;
    struct buf *out = w->out, unseen;
    struct json_write j;
    buf_init(&unseen, 0);
    w->out = &unseen;
    chat_answer_replay(a, &(struct chat_sink){take_unseen, w});
    seal(w, s);
    w->out = out;
    out->failed = out->failed || unseen.failed;
    buf_release(&unseen);
    size_t at = out->len;
    json_write_init(&j, out);
    responses_write_object(
        w, s, &j, responses_incomplete_reason(s->finish) ? STR("incomplete") : STR("completed"));
    if (w->chat->store != NO && !out->failed)
        s->response = kept(w, str_make(out->ptr + at, out->len - at));
}

str responses_written(const struct answer_writer *w, str *id)
{
    const struct responses_writer *s = w->state;
    *id = s->response_id;
    return s->response;
}
