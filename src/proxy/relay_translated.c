#include "proxy/relay_translated.h"

#include "base/random.h"
#include "llm/error_kind.h"
#include "llm/provider.h"
#include "proxy/relay_impl.h"
#include "proxy/responses.h"

enum { WHOLE_MAX = 64 << 20, ID_LEN = 24 };

/* --- From the reader ---------------------------------------------------------------------------- */

static bool is_content(const struct chat_event *ev)
{
    switch (ev->kind) {
    case CHAT_TEXT:
    case CHAT_REFUSAL:
    case CHAT_REASONING:
        return ev->text.s.len > 0;
    case CHAT_SIGNATURE:
    case CHAT_REDACTED:
    case CHAT_CALL:
    case CHAT_CALL_ARGUMENTS:
    case CHAT_MEDIA:
    case CHAT_FINISH:
    case CHAT_END:
        return true;
    default:
        return false;
    }
}

/* Tokens of several answers to one request. */
static void add_bucket(int64_t *sum, int64_t more)
{
    if (more >= 0)
        *sum = (*sum > 0 ? *sum : 0) + more;
}

static struct usage usage_sum(const struct relay_translation *t)
{
    if (t->count == 1)
        return t->parts[0].usage;
    struct usage sum = USAGE_UNKNOWN;
    for (unsigned i = 0; i < t->count; i++) {
        const struct usage *u = &t->parts[i].usage;
        if (!u->known)
            continue;
        sum.known = true;
        sum.clamped = sum.clamped || u->clamped;
        add_bucket(&sum.input, u->input);
        add_bucket(&sum.cached, u->cached);
        add_bucket(&sum.cache_write, u->cache_write);
        add_bucket(&sum.output, u->output);
        add_bucket(&sum.reasoning, u->reasoning);
    }
    return sum;
}

static void note_facts(struct relay_part *p, struct chat_event *ev)
{
    struct request *r = p->request;
    struct event_facts facts = {.kind = EVENT_OTHER};
    if (ev->kind == CHAT_USAGE) {
        usage_merge(&p->usage, &ev->usage);
        ev->usage = r->rec.usage = usage_sum(r->relay->translation);
    } else if (ev->kind == CHAT_START && ev->id.len) {
        facts.answer_id = ev->id;
        relay_note_facts(r, &facts);
    } else if (ev->kind == CHAT_FINISH && ev->reason.len) {
        facts.finish_reason = ev->reason;
        relay_note_facts(r, &facts);
    }
}

/* The tool that stood for structured output: its arguments are the answer's text. */
static bool unwrap_json_tool(struct relay_part *t, struct chat_event *ev)
{
    if (ev->kind == CHAT_CALL && str_eq(ev->name, STR(JSON_TOOL_NAME))) {
        t->json_call = true;
        t->json_call_number = ev->call;
        return false;
    }
    if (!t->json_call)
        return true;
    if (ev->kind == CHAT_CALL_ARGUMENTS && ev->call == t->json_call_number)
        ev->kind = CHAT_TEXT;
    else if (ev->kind == CHAT_FINISH && ev->finish == FINISH_CALLS)
        ev->finish = FINISH_STOP;
    return true;
}

static bool id_is_usable(str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '-' || c == '_'))
            return false;
    }
    return id.len > 0 && id.len <= 64;
}

/* Both are set once, before the writer writes anything. */
static void name_answer(struct request *r, struct relay_translation *t, const struct chat_event *ev)
{
    struct answer_writer *w = &t->writer;
    if (t->named)
        return;
    t->named = true;
    if (id_is_usable(ev->id)) {
        w->id = arena_str(r->arena, ev->id);
        w->id_is_own = false;
    }
    if (ev->model.len && t->writer.dialect->native != NATIVE_ANTHROPIC)
        w->model = arena_str(r->arena, ev->model);
}

static void keep_fault(struct arena *a, const struct provider_fault *from,
                       struct provider_fault *to)
{
    *to = (struct provider_fault){
        .message = arena_str(a, str_first(from->message, 4000)),
        .type = arena_str(a, str_first(from->type, 100)),
        .code = arena_str(a, str_first(from->code, 100)),
        .param = arena_str(a, str_first(from->param, 200)),
        .retry_after_ms = from->retry_after_ms,
    };
}

static bool all_over(const struct relay_translation *t)
{
    for (unsigned i = 0; i < t->count; i++)
        if (!t->parts[i].reader.ended)
            return false;
    return true;
}

/* Of several answers: one beginning, one end, and each a choice of its own. */
static bool merge_parts(struct relay_translation *t, const struct relay_part *p,
                        struct chat_event *ev)
{
    if (ev->kind == CHAT_START) {
        bool first = !t->started;
        t->started = true;
        return first;
    }
    if (ev->kind == CHAT_END)
        return all_over(t);
    if (t->count > 1)
        ev->choice = p->index;
    return true;
}

static void take_event(void *arg, const struct chat_event *given)
{
    struct relay_part *p = arg;
    struct request *r = p->request;
    struct relay *y = r->relay;
    struct relay_translation *t = y->translation;
    const struct translated *a = r->attempt->translated;
    struct chat_event ev = *given;
    if (ev.kind == CHAT_FAILED) {
        t->failed = ev.err ? ev.err : ERR_UPSTREAM_STREAM_ERROR;
        keep_fault(r->arena, &ev.fault, &t->fault);
        return;
    }
    if (ev.kind == CHAT_END)
        p->reader.ended = true;
    note_facts(p, &ev);
    if ((a->target.json_tool && !unwrap_json_tool(p, &ev)) || !merge_parts(t, p, &ev))
        return;
    if (ev.kind == CHAT_START)
        name_answer(r, t, &ev);
    if (ev.kind == CHAT_CALL && a->dialect->tool_names)
        ev.name =
            name_restore(t->writer.scratch, a->dialect->tool_names, &r->translation->chat, ev.name);
    y->content = y->content || is_content(&ev);
    y->complete = y->complete || ev.kind == CHAT_END;
    chat_emit(&t->to, &ev);
}

static void write_event(void *arg, const struct chat_event *ev)
{
    struct answer_writer *w = arg;
    w->dialect->write_event(w, ev);
}

/* --- Beginning ---------------------------------------------------------------------------------- */

static void framing_init(struct relay_part *p, size_t max)
{
    switch (p->reader.dialect->framing) {
    case FRAMING_SSE:
        sse_reader_init(&p->sse, max);
        break;
    case FRAMING_LINES:
        lines_reader_init(&p->lines, max);
        break;
    case FRAMING_AWS:
        aws_events_init(&p->frames, max);
        break;
    }
}

static void framing_release(struct relay_part *p)
{
    switch (p->reader.dialect->framing) {
    case FRAMING_SSE:
        sse_reader_release(&p->sse);
        break;
    case FRAMING_LINES:
        lines_reader_release(&p->lines);
        break;
    case FRAMING_AWS:
        aws_events_release(&p->frames);
        break;
    }
}

static str own_id(struct arena *a)
{
    static const char letters[] = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    char *text = arena_alloc(a, ID_LEN);
    if (!text)
        return STR_NULL;
    for (unsigned i = 0; i < ID_LEN; i++)
        text[i] = letters[random_u64() % (sizeof(letters) - 1)];
    return str_make(text, ID_LEN);
}

static bool begin_writer(struct request *r, struct relay_translation *t)
{
    struct chat_sink to_writer = {write_event, &t->writer};
    buf_init(&t->text, 0);
    if (!answer_writer_init(&t->writer, r->dialect, r->arena, &r->worker->scratch, &t->text))
        return false;
    chat_answer_init(&t->answer, WHOLE_MAX);
    call_order_init(&t->order, &to_writer);
    t->ready = true;
    if (t->whole)
        t->to = (struct chat_sink){chat_answer_take, &t->answer};
    else if (r->kind == ENDPOINT_CHAT) /* calls may interleave there */
        t->to = to_writer;
    else
        t->to = (struct chat_sink){call_order_take, &t->order};
    t->writer.chat = &r->translation->chat;
    t->writer.kind = r->kind;
    t->writer.array = r->path_array;
    t->writer.id = own_id(r->arena);
    t->writer.id_is_own = true;
    t->writer.model = r->model;
    t->writer.request_id = r->rec.id;
    t->writer.created_s = (int64_t)(loop_wall_us() / 1000000);
    return !str_is_null(t->writer.id);
}

bool relay_translated_begin(struct request *r, struct relay *y)
{
    struct relay_translation *t = arena_zalloc(r->arena, sizeof(*t));
    const struct translated *a = r->attempt->translated;
    if (!t)
        return false;
    t->parts = arena_zalloc(r->arena, a->calls * sizeof(*t->parts));
    if (!t->parts)
        return false;
    t->count = a->calls;
    t->whole = !r->stream;
    y->translation = t;
    return begin_writer(r, t) && (!r->translation->embedding || relay_embeddings_begin(r, t));
}

bool relay_translated_part(struct request *r, unsigned part, const struct response_head *head)
{
    const struct translated *a = r->attempt->translated;
    struct relay_part *p = &r->relay->translation->parts[part];
    struct chat_sink to_us = {take_event, p};
    CHECK(!p->begun);
    p->request = r;
    p->index = part;
    p->usage = USAGE_UNKNOWN;
    if (!answer_reader_init(&p->reader, a->dialect, r->arena, &r->worker->scratch, &to_us))
        return false;
    p->begun = true;
    p->reader.chat = &r->translation->chat;
    p->reader.target = &a->target;
    p->units =
        !relay_type_is(head_known(&head->headers, HEADER_CONTENT_TYPE), STR("application/json"));
    buf_init(&p->body, WHOLE_MAX);
    if (r->translation->embedding) {
        p->units = false;
        return relay_embeddings_head(r, p, &head->headers);
    }
    if (p->units)
        framing_init(p, r->conf->max_event);
    return true;
}

void relay_translated_release(struct relay_translation *t)
{
    for (unsigned i = 0; t && i < t->count; i++) {
        struct relay_part *p = &t->parts[i];
        if (!p->begun)
            continue;
        buf_release(&p->body);
        if (p->units)
            framing_release(p);
    }
    if (!t || !t->ready)
        return;
    chat_answer_release(&t->answer);
    call_order_release(&t->order);
    buf_release(&t->text);
}

/* --- Going out ----------------------------------------------------------------------------------- */

/* The provider said that it failed.  Before content its words are kept for the last answer. */
static void failed(struct request *r)
{
    struct relay_translation *t = r->relay->translation;
    enum err err = t->failed;
    str kind = error_kind_words(t->fault.type, t->fault.code, r->arena);
    if (r->state != REQUEST_ANSWERING) {
        relay_keep_fault(r, err_facts(err)->status, &t->fault);
        attempt_failed(r, err, kind);
        return;
    }
    /* Its words go to the client, not to the log. */
    request_note(r, err, kind.len ? kind : STR("the provider said so in its stream"));
    relay_fail(r, err, t->fault.message.len ? t->fault.message : str_from_c(err_facts(err)->help));
}

void relay_keep_fault(struct request *r, int status, const struct provider_fault *fault)
{
    if (r->provider_error)
        return;
    struct provider_error *e = arena_zalloc(r->arena, sizeof(*e));
    if (!e)
        return;
    e->status = status;
    e->foreign = true;
    e->fault = *fault;
    r->provider_error = e;
}

/* What the writer wrote, into the chain.  False: the request is over. */
static bool take_text(struct request *r)
{
    struct relay *y = r->relay;
    struct relay_translation *t = y->translation;
    bool ok = !t->text.failed && !t->order.failed && !t->answer.no_memory;
    if (ok && t->text.len)
        ok = chain_add(&y->out, SLICE_BORROWED(buf_str(&t->text)));
    buf_clear(&t->text);
    arena_release(&r->worker->scratch);
    if (!t->whole)
        r->rec.events = t->writer.events; /* what a writer of failures counts from */
    if (!ok) {
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
        return false;
    }
    if (t->failed) {
        failed(r);
        return false;
    }
    return true;
}

/* A model's output that the provider itself could not read, and nothing else: worth another try. */
static bool is_malformed(const struct chat_answer *a)
{
    return a->choices && !a->choices->next && !a->choices->blocks &&
           a->choices->finish == FINISH_MALFORMED;
}

static void finish_whole(struct request *r)
{
    struct relay *y = r->relay;
    struct relay_translation *t = y->translation;
    chat_answer_seal(&t->answer);
    if (!t->vectors && is_malformed(&t->answer)) {
        attempt_failed(r, ERR_UPSTREAM_MALFORMED, STR("the model's output was malformed"));
        return;
    }
    if (t->vectors)
        relay_embeddings_write(r, t);
    else
        t->writer.dialect->write_answer(&t->writer, &t->answer);
    if (!take_text(r))
        return;
    responses_keep(r);
    if (relay_begin_answer(r, (int64_t)y->out.bytes, true))
        relay_finish_well(r);
}

/* The end is known: the last of the stream, or the whole answer. */
static void finish(struct request *r)
{
    if (r->relay->translation->whole) {
        finish_whole(r);
        return;
    }
    responses_keep(r);
    if (r->state == REQUEST_ANSWERING)
        relay_flush(r, NULL, true);
    else if (!relay_begin_answer(r, -1, true))
        return;
    relay_finish_well(r);
}

bool relay_translated_end_complete(struct request *r)
{
    if (!r->relay->complete)
        return false;
    r->relay->complete = false;
    finish(r);
    return true;
}

/* --- The provider's bytes ------------------------------------------------------------------------ */

enum unit { UNIT_NONE, UNIT_ONE, UNIT_SKIP, UNIT_ERROR };

static enum unit next_event(struct relay_part *p, str *bytes, str *name, str *data, enum err *err)
{
    struct sse_event ev;
    enum sse_step step = sse_next(&p->sse, bytes, &ev);
    *err = p->sse.err;
    if (step != SSE_EVENT)
        return step == SSE_ERROR ? UNIT_ERROR : UNIT_NONE;
    *name = ev.event;
    *data = ev.data;
    return ev.is_event || relay_bare_json(p->reader.dialect, &ev, data) ? UNIT_ONE : UNIT_SKIP;
}

static enum unit next_line(struct relay_part *p, str *bytes, str *name, str *data, enum err *err)
{
    enum lines_step step = lines_next(&p->lines, bytes, data);
    *name = STR_NULL;
    *err = p->lines.err;
    return step == LINES_ERROR ? UNIT_ERROR : step == LINES_LINE ? UNIT_ONE : UNIT_NONE;
}

static enum unit next_frame(struct relay_part *p, str *bytes, str *name, str *data, enum err *err)
{
    struct aws_frame frame;
    enum aws_events_step step = aws_events_next(&p->frames, bytes, &frame);
    *err = p->frames.err;
    if (step != AWS_EVENTS_FRAME)
        return step == AWS_EVENTS_ERROR ? UNIT_ERROR : UNIT_NONE;
    if (aws_frame_unit(&frame, p->reader.scratch, name, data))
        return UNIT_ONE;
    *err = ERR_NO_MEMORY;
    return UNIT_ERROR;
}

static enum unit next_unit(struct relay_part *p, str *bytes, str *name, str *data, enum err *err)
{
    switch (p->reader.dialect->framing) {
    case FRAMING_SSE:
        return next_event(p, bytes, name, data, err);
    case FRAMING_LINES:
        return next_line(p, bytes, name, data, err);
    case FRAMING_AWS:
        return next_frame(p, bytes, name, data, err);
    }
    BUG("framing %d", (int)p->reader.dialect->framing);
}

/* What there is to send goes out, if it may. */
static void send_ready(struct request *r)
{
    struct relay *y = r->relay;
    if (y->translation->whole || !y->content || !y->out.count)
        return;
    if (y->complete)
        loop_defer(r->worker->loop, &y->last);
    else if (r->state == REQUEST_ANSWERING)
        relay_flush(r, NULL, false);
    else if (relay_begin_answer(r, -1, false))
        attempt_arm(r);
}

static void units_body(struct request *r, struct relay_part *p, str bytes)
{
    str name = STR_NULL, data = STR_NULL;
    enum err err = ERR_NONE;
    enum unit unit;
    while ((unit = next_unit(p, &bytes, &name, &data, &err)) != UNIT_NONE) {
        if (unit == UNIT_ERROR) {
            attempt_failed(r, err, STR("a unit of the stream is too large or broken"));
            return;
        }
        if (unit == UNIT_SKIP || p->reader.ended)
            continue;
        p->reader.dialect->read_unit(&p->reader, name, data);
        if (!take_text(r))
            return;
        if (r->relay->content)
            attempt_progress(r->attempt, loop_now_us(r->worker->loop));
    }
    send_ready(r);
}

void relay_translated_body(struct request *r, unsigned part, struct slice run)
{
    struct relay_part *p = &r->relay->translation->parts[part];
    if (p->units) {
        units_body(r, p, str_make(run.ptr, run.len));
        return;
    }
    attempt_progress(r->attempt, loop_now_us(r->worker->loop));
    buf_add(&p->body, run.ptr, run.len);
    if (p->body.failed)
        attempt_failed(r, ERR_UPSTREAM_TOO_LARGE, STR("the answer is too long to be translated"));
}

/* What the framing held back for want of a line end: some providers spare the last one.  Whether it is
 * whole is told by its JSON. */
static bool last_unit(struct relay_part *p, str *name, str *data)
{
    struct sse_event ev = {0};
    switch (p->reader.dialect->framing) {
    case FRAMING_SSE:
        sse_end(&p->sse, &ev);
        *name = ev.event;
        *data = ev.data;
        return ev.is_event || relay_bare_json(p->reader.dialect, &ev, data);
    case FRAMING_LINES:
        *name = STR_NULL;
        return lines_end(&p->lines, data);
    case FRAMING_AWS:
        return false;
    }
    BUG("framing %d", (int)p->reader.dialect->framing);
}

static bool is_cut(const struct relay_part *p)
{
    return p->reader.dialect->framing == FRAMING_AWS && aws_events_cut(&p->frames);
}

/* False: the request is over. */
static bool read_rest(struct request *r, struct relay_part *p)
{
    const struct dialect *d = p->reader.dialect;
    str name, data;
    if (r->translation->embedding)
        return relay_embeddings_read(r, p);
    if (!p->units) {
        d->read_answer(&p->reader, buf_str(&p->body));
        return take_text(r);
    }
    if (!p->reader.ended && last_unit(p, &name, &data))
        d->read_unit(&p->reader, name, data);
    if (!p->reader.ended && !is_cut(p))
        d->read_end(&p->reader);
    return take_text(r);
}

void relay_translated_end(struct request *r, unsigned part)
{
    struct relay_part *p = &r->relay->translation->parts[part];
    if (relay_translated_end_complete(r) || !read_rest(r, p))
        return;
    if (!p->reader.ended)
        attempt_failed(r, ERR_UPSTREAM_TRUNCATED, STR("the answer ended without its format's end"));
    else if (!relay_translated_end_complete(r))
        send_ready(r); /* other parts go on */
}
