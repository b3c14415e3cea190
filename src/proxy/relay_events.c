#include "proxy/relay_impl.h"

#include "llm/error_kind.h"

/* An error inside the stream before content: what would it have been as a status? */
enum err relay_event_err(str error)
{
    static const struct {
        str sign;
        enum err err;
    } signs[] = {
        {STR_INIT("insufficient_quota"), ERR_UPSTREAM_QUOTA},
        {STR_INIT("rate_limit"), ERR_UPSTREAM_RATE_LIMIT},
        {STR_INIT("\"code\":429"), ERR_UPSTREAM_RATE_LIMIT},
        {STR_INIT("invalid_request_error"), ERR_UPSTREAM_REFUSED_REQUEST},
        {STR_INIT("context_length_exceeded"), ERR_UPSTREAM_REFUSED_REQUEST},
        {STR_INIT("overloaded"), ERR_UPSTREAM_OVERLOADED},
        {STR_INIT("RESOURCE_EXHAUSTED"), ERR_UPSTREAM_RATE_LIMIT},
        {STR_INIT("UNAVAILABLE"), ERR_UPSTREAM_OVERLOADED},
        {STR_INIT("INVALID_ARGUMENT"), ERR_UPSTREAM_REFUSED_REQUEST},
    };
    for (unsigned i = 0; i < ARRAY_LEN(signs); i++)
        if (str_find(error, signs[i].sign) >= 0)
            return signs[i].err;
    return ERR_UPSTREAM_STREAM_ERROR;
}

void relay_keep_error(struct request *r, enum err err, str error)
{
    if (r->provider_error)
        return;
    struct provider_error *e = arena_zalloc(r->arena, sizeof(*e));
    if (!e)
        return;
    e->status = err_facts(err)->status;
    e->content_type = STR("application/json");
    e->body = arena_printf(r->arena, "{\"error\":%.*s}", STR_ARG(error));
    e->whole = error.len && error.ptr[0] == '{' && !str_is_null(e->body);
    r->provider_error = e;
}

bool relay_bare_json(const struct dialect *d, const struct sse_event *ev, str *json)
{
    *json = ev->raw;
    while (json->len && strchr(" \t\r\n", json->ptr[0]))
        *json = str_from(*json, 1);
    return d->bare_json && !ev->is_event && json->len &&
           (json->ptr[0] == '{' || json->ptr[0] == '[');
}

/* The error as an event of one line: what stands between events is not seen by all clients.  before: of
 * the block, blank; it may be the rest of the last event's line end. */
static struct slice framed_error(struct request *r, str before, str error)
{
    str text =
        arena_printf(r->arena, "%.*sdata: {\"error\":%.*s}\n\n", STR_ARG(before), STR_ARG(error));
    for (size_t i = before.len; i + 2 < text.len; i++)
        if (text.ptr[i] == '\n' || text.ptr[i] == '\r')
            ((char *)(uintptr_t)text.ptr)[i] = ' ';
    return SLICE_BORROWED(text);
}

/* The provider said in its stream that it failed. */
static void event_failed(struct request *r, const struct event_facts *facts, struct slice raw)
{
    struct relay *y = r->relay;
    if (r->state != REQUEST_ANSWERING) {
        enum err err = relay_event_err(facts->error);
        relay_keep_error(r, err, facts->error);
        attempt_failed(r, err, error_kind(facts->error, r->arena));
        return;
    }
    r->rec.truncated = true;
    request_note(r, ERR_UPSTREAM_STREAM_ERROR, error_kind(facts->error, r->arena));
    if (!chain_add(&y->out, raw)) {
        relay_fail(r, ERR_NO_MEMORY, STR("Out of memory."));
        return;
    }
    relay_flush(r, NULL, true); /* its own words, then the end; no terminal event */
    attempt_abandon(r, ERR_UPSTREAM_STREAM_ERROR);
    request_finish(r);
}

static bool is_hidden(const struct request *r, enum event_kind kind)
{
    return kind == EVENT_USAGE && !r->usage_wanted;
}

/* False: the request is over. */
static bool take_event(struct request *r, const struct sse_event *ev, struct slice raw)
{
    struct relay *y = r->relay;
    struct event_facts facts = {.kind = EVENT_OTHER};
    str bare;
    bool is_bare = relay_bare_json(y->dialect, ev, &bare);
    if (ev->is_event || is_bare) {
        y->dialect->event(is_bare ? STR_NULL : ev->event, is_bare ? bare : ev->data,
                          &r->worker->scratch, &facts);
        arena_release(&r->worker->scratch);
        r->rec.events++;
        relay_note_facts(r, &facts);
    }
    if (facts.kind == EVENT_FAILED) {
        str before = is_bare ? str_first(ev->raw, ev->raw.len - bare.len) : STR_NULL;
        event_failed(r, &facts, is_bare ? framed_error(r, before, facts.error) : raw);
        return false;
    }
    if (!is_hidden(r, facts.kind) && !chain_add(&y->out, raw)) {
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
        return false;
    }
    /* More than an event's worth of announcements and comments is not held back either. */
    bool too_much = !y->content && y->out.bytes > r->conf->max_event;
    y->content = y->content || too_much || facts.kind == EVENT_CONTENT || facts.kind == EVENT_END;
    y->complete = facts.kind == EVENT_END;
    y->may_end = y->may_end || facts.complete;
    if (y->content && ev->is_event) /* until there is content, first_byte goes on */
        attempt_progress(r->attempt, loop_now_us(r->worker->loop));
    return true;
}

/* Bytes of the run that is being read keep its chunk; those the reader gathered are its own. */
static struct slice slice_of(str raw, struct slice run)
{
    bool inside = run.chunk && raw.ptr >= run.ptr && raw.ptr < run.ptr + run.len;
    return (struct slice){inside ? run.chunk : NULL, raw.ptr, raw.len};
}

void relay_events_body(struct request *r, struct slice run)
{
    struct relay *y = r->relay;
    str bytes = str_make(run.ptr, run.len);
    struct sse_event ev;
    enum sse_step step;
    while ((step = sse_next(&y->reader, &bytes, &ev)) != SSE_NEED_MORE) {
        if (y->complete)
            return; /* the terminal event was the last word */
        if (step == SSE_ERROR) {
            attempt_failed(r, y->reader.err, STR("an event exceeds max_event"));
            return;
        }
        if (!take_event(r, &ev, slice_of(ev.raw, run)))
            return;
    }
    if (!y->content || !y->out.count)
        return;
    if (y->complete) {
        loop_defer(r->worker->loop, &y->last);
        return;
    }
    if (r->state == REQUEST_ANSWERING)
        relay_flush(r, NULL, false);
    else if (relay_begin_answer(r, -1, false))
        attempt_arm(r);
}

/* The terminal event has come, and now the framing's end, or what stands for it. */
static void finish_events(struct request *r)
{
    struct relay *y = r->relay;
    struct sse_event ev;
    bool inside = sse_end(&y->reader, &ev);
    if (!inside && ev.raw.len && !chain_add(&y->out, SLICE_BORROWED(ev.raw))) {
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
        return;
    }
    if (r->state == REQUEST_ANSWERING)
        relay_flush(r, NULL, true);
    else if (!relay_begin_answer(r, -1, true))
        return;
    relay_finish_well(r);
}

bool relay_end_complete(struct request *r)
{
    if (!relay_is_complete(r))
        return false;
    if (r->relay->translation)
        return relay_translated_end_complete(r);
    r->relay->complete = false; /* should memory fail now, that is not the way out */
    finish_events(r);
    return true;
}

bool relay_end_enough(struct request *r)
{
    if (r->relay && r->relay->mode == RELAY_EVENTS && r->relay->may_end && r->relay->content)
        r->relay->complete = true;
    return relay_end_complete(r);
}

void relay_send_last(void *arg)
{
    struct request *r = arg;
    if (r->state == REQUEST_ANSWERING)
        relay_flush(r, NULL, false);
    else if (!relay_begin_answer(r, -1, false))
        return;
    attempt_arm(r);
}

void relay_events_end(struct request *r)
{
    struct relay *y = r->relay;
    struct sse_event ev;
    if (relay_end_complete(r))
        return;
    bool inside = sse_end(&y->reader, &ev);
    str bare;
    if (inside && relay_bare_json(y->dialect, &ev, &bare) &&
        !take_event(r, &ev, SLICE_BORROWED(ev.raw)))
        return;
    bool cut = y->dialect->has_end ? !y->may_end : inside;
    /* The rest of the last event's line end: without it some clients take what follows for its part. */
    if (cut && r->state == REQUEST_ANSWERING && !inside && ev.raw.len) {
        struct slice rest = SLICE_BORROWED(ev.raw);
        exchange_send(r->ex, NULL, &rest, 1, false);
    }
    if (cut)
        attempt_failed(r, ERR_UPSTREAM_TRUNCATED, STR("the stream ended without its last event"));
    else
        finish_events(r);
}
