/*
 * Answers for clients of the Responses API, from neutral events.
 *
 *   (nothing) ──START──▶ created, in_progress ──▶ one item open, or none ──END──▶ completed | incomplete
 *                                                   │
 *   message: text and refusal parts │ reasoning: parts of its summary │ a call: its arguments
 *
 * One item is open at a time; what closes it is an event of another kind (…_write_parts.c has what is told
 * of it).  A whole answer is the same machine, whose events nobody sees.
 */
#include "llm/dialect/openai_responses.h"
#include "llm/dialect/openai_responses_writer.h"
#include "llm/signature.h"

_Static_assert(sizeof(struct responses_writer) <= RESPONSES_WRITER_SIZE, "the state of a writer");

/* --- The response ------------------------------------------------------------------------------------------- */

static void write_response_event(struct answer_writer *w, struct responses_writer *s, str type,
                                 str status)
{
    struct json_write j;
    responses_begin(w, &j, type);
    json_write_key(&j, STR("response"));
    size_t at = w->out->len;
    responses_write_object(w, s, &j, status);
    if (s->ended && w->chat->store != NO && !w->out->failed)
        s->response = responses_kept(w, str_make(w->out->ptr + at, w->out->len - at));
    responses_end(w, &j);
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

/* --- Content ------------------------------------------------------------------------------------------------ */

/* Opens what the text belongs to, unless it is open. */
static void reach(struct answer_writer *w, struct responses_writer *s, enum responses_open open,
                  enum responses_part part)
{
    start(w, s);
    if (s->open != open) {
        responses_close_item(w, s, false);
        responses_open_item(w, s, open, open == RESPONSES_OPEN_MESSAGE ? "msg" : "rs");
    }
    if (s->part != part) {
        responses_close_part(w, s);
        responses_open_part(w, s, part);
    }
}

static void say(struct answer_writer *w, struct responses_writer *s, str type, str raw)
{
    responses_write_piece(w, s, type, STR("delta"), raw);
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
        responses_close_item(w, s, false);
        responses_open_item(w, s, RESPONSES_OPEN_REASONING, "rs");
    }
    responses_close_part(w, s);
    s->encrypted = wrapped;
    responses_close_item(w, s, false);
}

static void signature(struct answer_writer *w, struct responses_writer *s,
                      const struct chat_event *ev)
{
    opaque(w, s, ev->format, "", ev->opaque);
}

static void redacted(struct answer_writer *w, struct responses_writer *s,
                     const struct chat_event *ev)
{
    responses_close_item(w, s, false);
    opaque(w, s, ev->format, RESPONSES_REDACTED, ev->opaque);
}

/* By its flat name, as the client declared it. */
static void name_call(struct answer_writer *w, struct responses_writer *s,
                      const struct chat_event *ev)
{
    s->custom = ev->custom;
    s->call_name = responses_kept(w, ev->name);
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
    responses_close_item(w, s, false);
    name_call(w, s, ev);
    s->call_id = ev->id.len ? responses_kept(w, ev->id)
                            : arena_printf(w->arena, "call_%.*s_%u", STR_ARG(str_first(w->id, 40)),
                                           s->index);
    s->call = ev->call;
    responses_open_item(w, s, RESPONSES_OPEN_CALL, s->custom ? "ctc" : "fc");
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
                          known ? (uint64_t)c->end
                                : count_characters(responses_gathered(&s->text)));
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
    responses_gather_element(w, &s->notes, buf_str(&json));
    responses_begin_at(w, s, &j, STR("response.output_text.annotation.added"));
    json_write_member_u64(&j, STR("annotation_index"), s->note_count++);
    json_write_member_raw(&j, STR("annotation"), buf_str(&json));
    responses_end(w, &j);
    w->out->failed = w->out->failed || json.failed;
    buf_release(&json);
}

static void logprobs(struct answer_writer *w, struct responses_writer *s,
                     const struct chat_event *ev)
{
    if (w->chat->logprobs == YES && s->part == RESPONSES_PART_TEXT && ev->json.len)
        responses_gather_element(w, &s->logprobs, ev->json);
}

/* An item that is told at once. */
static void whole_item(struct answer_writer *w, struct responses_writer *s, str item)
{
    start(w, s);
    responses_close_item(w, s, false);
    responses_write_item_event(w, s, STR("response.output_item.added"), item);
    responses_write_item_event(w, s, STR("response.output_item.done"), item);
    responses_gather_element(w, &s->output, item);
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
    responses_close_item(w, s, false);
    buf_init(&json, 0);
    json_write_init(&j, &json);
    json_write_object(&j);
    json_write_member(&j, STR("id"), responses_item_id(w, s, "ig"));
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
    responses_close_item(w, s, responses_incomplete_reason(s->finish) != NULL);
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
            responses_close_part(w, s);
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
            responses_close_item(w, s, false);
        else
            responses_close_part(w, s);
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

struct unseen {
    struct answer_writer *w;
    str logprobs; /* of the whole answer: told with its first text */
};

static void take_unseen(void *arg, const struct chat_event *ev)
{
    struct unseen *u = arg;
    struct answer_writer *w = u->w;
    if (ev->kind != CHAT_END && ev->kind != CHAT_FAILED && ev->kind != CHAT_LOGPROBS)
        responses_write_event(w, ev);
    if (ev->kind == CHAT_TEXT && ev->choice == 0 && u->logprobs.len) {
        logprobs(w, w->state, &(struct chat_event){.kind = CHAT_LOGPROBS, .json = u->logprobs});
        u->logprobs = STR_NULL;
    }
    w->out->len = 0;
}

void responses_write_answer(struct answer_writer *w, const struct chat_answer *a)
{
    struct responses_writer *s = w->state;
    struct buf *out = w->out, unseen;
    struct json_write j;
    buf_init(&unseen, 0);
    w->out = &unseen;
    struct unseen u = {w, a->choices ? a->choices->logprobs.s : STR_NULL};
    chat_answer_replay(a, &(struct chat_sink){take_unseen, &u});
    seal(w, s);
    w->out = out;
    out->failed = out->failed || unseen.failed;
    buf_release(&unseen);
    size_t at = out->len;
    json_write_init(&j, out);
    responses_write_object(
        w, s, &j, responses_incomplete_reason(s->finish) ? STR("incomplete") : STR("completed"));
    if (w->chat->store != NO && !out->failed)
        s->response = responses_kept(w, str_make(out->ptr + at, out->len - at));
}

str responses_written(const struct answer_writer *w, str *id)
{
    const struct responses_writer *s = w->state;
    *id = s->response_id;
    return s->response;
}
