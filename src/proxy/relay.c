#include "proxy/relay.h"

#include "base/recorder.h"
#include "llm/dialect.h"
#include "llm/provider.h"
#include "proxy/answer.h"
#include "proxy/attempt.h"
#include "proxy/body.h"
#include "wire/json_scan.h"

enum relay_mode { RELAY_ERROR, RELAY_HOLD, RELAY_PASS, RELAY_EVENTS };

enum { FLUSH_SLICES = 64 };

struct relay {
    enum relay_mode mode;
    const struct dialect *dialect;
    int status;
    int64_t content_length; /* the provider's */
    bool no_body, encoded;
    str content_type, retry_after;
    struct header *fields; /* what goes to the client, copied */
    unsigned field_count;
    struct chain out;       /* held back, or not yet sent */
    struct sse_reader reader; /* EVENTS */
    bool reading_events;
    struct json_scan *scan; /* PASS of JSON */
    bool content;           /* EVENTS: the first was seen; HOLD, PASS: bytes came */
    bool complete;          /* EVENTS: the terminal event was seen */
    bool paused;            /* the provider is not read, for the client is slow */
    struct deferred last;   /* EVENTS: sends the terminal event, if the framing's end does not come
                               in the same turn */
};

/* --- The provider's fields -------------------------------------------------------------------- */

static bool is_rate_limit_field(str name)
{
    return str_starts(name, STR("x-ratelimit-")) || str_starts(name, STR("anthropic-ratelimit-"));
}

/* Fields that go to the client as they are. */
static bool is_kept(const struct header *h)
{
    static const str kept[] = {
        STR_INIT("content-language"),     STR_INIT("last-modified"),
        STR_INIT("openai-version"),       STR_INIT("openai-processing-ms"),
        STR_INIT("openai-model"),         STR_INIT("apim-request-id"),
        STR_INIT("x-ms-region"),          STR_INIT("x-ms-deployment-name"),
        STR_INIT("x-ms-client-request-id"),
    };
    switch (h->id) {
    case HEADER_CONTENT_TYPE:
    case HEADER_CONTENT_ENCODING:
    case HEADER_CONTENT_DISPOSITION:
    case HEADER_ETAG:
        return true;
    case HEADER_OTHER:
        break;
    default:
        return false;
    }
    for (unsigned i = 0; i < ARRAY_LEN(kept); i++)
        if (str_eq(h->name, kept[i]))
            return true;
    return false;
}

/* What the client gets of one field, in the arena.  False: nothing. */
static bool client_field(struct request *r, const struct header *h, struct header *out)
{
    str prefixed[] = {STR("x-upstream-"), h->name};
    if (is_kept(h))
        *out = (struct header){.name = arena_str(r->arena, h->name), .id = h->id};
    else if (h->id == HEADER_X_REQUEST_ID)
        *out = (struct header){.name = STR("x-upstream-request-id")};
    else if (is_rate_limit_field(h->name))
        *out = (struct header){.name = arena_concat(r->arena, prefixed, ARRAY_LEN(prefixed))};
    else
        return false;
    out->value = arena_str(r->arena, h->value);
    return !str_is_null(out->name) && !str_is_null(out->value);
}

static bool copy_fields(struct request *r, struct relay *y, const struct response_head *head)
{
    const struct headers *in = &head->headers;
    y->fields = arena_alloc(r->arena, (in->count + 1) * sizeof(*y->fields));
    for (unsigned i = 0; y->fields && i < in->count; i++)
        if (client_field(r, &in->list[i], &y->fields[y->field_count]))
            y->field_count++;
    y->content_type = arena_str(r->arena, head_known(in, HEADER_CONTENT_TYPE));
    y->retry_after = arena_str(r->arena, head_known(in, HEADER_RETRY_AFTER));
    return y->fields != NULL;
}

/* --- Sending ---------------------------------------------------------------------------------- */

static struct response_head *client_head(struct request *r, const struct relay *y)
{
    struct response_head *head = answer_head(r, y->status);
    bool ok = head != NULL;
    for (unsigned i = 0; ok && i < y->field_count; i++)
        ok = head_add_same(&head->headers, r->arena, &y->fields[i]);
    if (ok && r->events_mode)
        ok = answer_add_known(r, head, HEADER_CACHE_CONTROL, STR("no-cache")) &&
             answer_add_known(r, head, HEADER_X_ACCEL_BUFFERING, STR("no"));
    return ok ? head : NULL;
}

/* What queues at the client decides whether the provider is read. */
static void apply_backpressure(struct request *r, size_t queued)
{
    struct relay *y = r->relay;
    if (y->paused || queued <= r->conf->server.stream_buffer || !r->attempt || !r->attempt->call)
        return;
    y->paused = true;
    exchange_queued(r->ex); /* where the client is now, to see later whether it moves */
    trace(TRACE_PAUSE, r->number, queued, 0);
    call_flow(r->attempt->call, false);
    attempt_arm(r); /* the client's stall is watched now, not the provider's silence */
}

/* Gives the client all that waits in `out`, before it the head if that was not sent. */
static void flush(struct request *r, struct response_head *head, bool end)
{
    struct relay *y = r->relay;
    struct slice v[FLUSH_SLICES];
    size_t queued = 0;
    do {
        unsigned n = 0;
        size_t bytes = 0;
        for (; n < FLUSH_SLICES && n < y->out.count; n++) {
            v[n] = chain_at(&y->out, n);
            bytes += v[n].len;
        }
        bool last = n == y->out.count;
        queued = exchange_send(r->ex, head, v, n, end && last);
        head = NULL;
        chain_drop(&y->out, bytes);
    } while (y->out.count);
    r->last_sent_us = loop_now_us(r->worker->loop);
    if (!end)
        apply_backpressure(r, queued);
}

static void count_stream(struct request *r)
{
    r->stream_counted = true;
    atomic_fetch_add_explicit(&r->worker->stats.active_streams, 1, memory_order_relaxed);
}

/* The first content: the point of no return.  False: the request has ended for want of memory. */
static bool begin_answer(struct request *r, int64_t content_length, bool end)
{
    struct relay *y = r->relay;
    struct response_head *head = NULL;
    uint64_t now = loop_now_us(r->worker->loop), upstream_before = r->rec.upstream_us;
    r->rec.upstream_us += now - r->attempt->started_us; /* for the answer's server-timing */
    if (!r->head_sent) {
        head = client_head(r, y);
        if (!head) {
            attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
            return false;
        }
        head->content_length = content_length;
        head->no_body = y->no_body;
    }
    r->rec.upstream_us = upstream_before; /* counted when the attempt closes */
    request_enter(r, REQUEST_ANSWERING);
    r->head_sent = true;
    if (!r->client_gone)
        r->rec.status = y->status;
    r->rec.first_token_us = now - r->ex->started_us;
    trace(TRACE_CONTENT, r->number, r->rec.first_token_us / 1000, 0);
    if (r->events_mode && !end)
        count_stream(r);
    flush(r, head, end);
    return true;
}

static void finish_well(struct request *r)
{
    r->answer_ended = true;
    attempt_done(r);
    request_finish(r);
}

void relay_early_head(struct request *r)
{
    if (r->head_sent)
        return;
    struct response_head *head = answer_head(r, 200);
    if (!head || !answer_add_known(r, head, HEADER_CONTENT_TYPE, STR("text/event-stream")) ||
        !answer_add_known(r, head, HEADER_CACHE_CONTROL, STR("no-cache")) ||
        !answer_add_known(r, head, HEADER_X_ACCEL_BUFFERING, STR("no")))
        return; /* then it comes with the first content, as usual */
    r->head_sent = true;
    r->events_mode = true;
    r->rec.status = 200;
    r->last_sent_us = loop_now_us(r->worker->loop);
    exchange_send(r->ex, head, NULL, 0, false);
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
        flush(r, NULL, true);
    else if (!begin_answer(r, -1, true))
        return;
    finish_well(r);
}

bool relay_end_complete(struct request *r)
{
    if (!relay_is_complete(r))
        return false;
    r->relay->complete = false; /* should memory fail now, that is not the way out */
    finish_events(r);
    return true;
}

static void send_last(void *arg)
{
    struct request *r = arg;
    if (r->state == REQUEST_ANSWERING)
        flush(r, NULL, false);
    else if (!begin_answer(r, -1, false))
        return;
    attempt_arm(r);
}

/* --- Beginning -------------------------------------------------------------------------------- */

static bool type_is(str content_type, str type)
{
    return str_istarts(content_type, type) &&
           (content_type.len == type.len || content_type.ptr[type.len] == ';' ||
            content_type.ptr[type.len] == ' ');
}

static enum relay_mode mode_of(const struct relay *y)
{
    if (y->status < 200 || y->status > 299)
        return RELAY_ERROR;
    if (y->encoded) /* nobody asked for it, and we cannot look inside */
        return RELAY_PASS;
    if (type_is(y->content_type, STR("text/event-stream")))
        return RELAY_EVENTS;
    bool is_json = type_is(y->content_type, STR("application/json"));
    return is_json || y->no_body ? RELAY_HOLD : RELAY_PASS;
}

static bool is_encoded(const struct response_head *head)
{
    str coding = head_known(&head->headers, HEADER_CONTENT_ENCODING);
    return coding.len && !str_ieq(coding, STR("identity"));
}

void relay_on_head(struct request *r, const struct response_head *head)
{
    struct relay *y = arena_zalloc(r->arena, sizeof(*y));
    if (!y || !copy_fields(r, y, head)) {
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
        return;
    }
    chain_init(&y->out);
    y->status = head->status;
    y->content_length = head->content_length;
    y->no_body = head->no_body;
    y->encoded = is_encoded(head);
    y->dialect = dialect_of(r->kind);
    y->mode = mode_of(y);
    if (r->head_sent && y->mode != RELAY_EVENTS && y->mode != RELAY_ERROR) {
        attempt_failed(r, ERR_UPSTREAM_MALFORMED, STR("the answer is no event stream"));
        return;
    }
    if (y->mode == RELAY_EVENTS) {
        sse_reader_init(&y->reader, r->conf->max_event);
        y->reading_events = true;
    } else {
        attempt_progress(r->attempt, loop_now_us(r->worker->loop));
    }
    r->events_mode = y->mode == RELAY_EVENTS || r->head_sent;
    deferred_init(&y->last, send_last, r);
    r->relay = y;
    attempt_arm(r);
}

/* --- Events ----------------------------------------------------------------------------------- */

/* An error inside the stream before content: what would it have been as a status? */
static enum err err_of_event(str error)
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
    };
    for (unsigned i = 0; i < ARRAY_LEN(signs); i++)
        if (str_find(error, signs[i].sign) >= 0)
            return signs[i].err;
    return ERR_UPSTREAM_STREAM_ERROR;
}

static void keep_event_error(struct request *r, enum err err, str error)
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

/* The provider said in its stream that it failed. */
static void event_failed(struct request *r, const struct event_facts *facts, struct slice raw)
{
    struct relay *y = r->relay;
    if (r->state != REQUEST_ANSWERING) {
        enum err err = err_of_event(facts->error);
        keep_event_error(r, err, facts->error);
        attempt_failed(r, err, facts->error);
        return;
    }
    r->rec.truncated = true;
    request_note(r, ERR_UPSTREAM_STREAM_ERROR, facts->error);
    if (!chain_add(&y->out, raw)) {
        relay_fail(r, ERR_NO_MEMORY, STR("Out of memory."));
        return;
    }
    flush(r, NULL, true); /* its own words, then the end; no terminal event */
    attempt_abandon(r, ERR_UPSTREAM_STREAM_ERROR);
    r->answer_ended = true;
    request_finish(r);
}

static bool is_hidden(const struct request *r, enum event_kind kind)
{
    return kind == EVENT_USAGE && !r->usage_wanted;
}

static void note_facts(struct request *r, const struct event_facts *facts)
{
    if (facts->usage.known)
        r->rec.usage = facts->usage;
    if (facts->answer_id.len && !r->answer_id.len)
        r->answer_id = arena_str(r->arena, str_first(facts->answer_id, 200));
    if (facts->finish_reason.len && !r->rec.finish_reason.len)
        r->rec.finish_reason = arena_str(r->arena, str_first(facts->finish_reason, 64));
}

/* False: the request is over. */
static bool take_event(struct request *r, const struct sse_event *ev, struct slice raw)
{
    struct relay *y = r->relay;
    struct event_facts facts = {.kind = EVENT_OTHER};
    if (ev->is_event) {
        y->dialect->event(ev->event, ev->data, &r->worker->scratch, &facts);
        arena_release(&r->worker->scratch);
        r->rec.events++;
        note_facts(r, &facts);
    }
    if (facts.kind == EVENT_FAILED) {
        event_failed(r, &facts, raw);
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

static void events_body(struct request *r, struct slice run)
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
        flush(r, NULL, false);
    else if (begin_answer(r, -1, false))
        attempt_arm(r);
}

static void events_end(struct request *r)
{
    struct relay *y = r->relay;
    struct sse_event ev;
    if (relay_end_complete(r))
        return;
    if (y->dialect->has_end || sse_end(&y->reader, &ev))
        attempt_failed(r, ERR_UPSTREAM_TRUNCATED, STR("the stream ended without its last event"));
    else
        finish_events(r);
}

/* --- Buffered answers --------------------------------------------------------------------------- */

static const struct json_paths *answer_paths(void)
{
    static struct json_paths paths;
    static const char *const texts[] = {"usage"};
    if (!paths.count)
        json_paths_init(&paths, texts, ARRAY_LEN(texts));
    return &paths;
}

static void scan_start(struct request *r)
{
    struct relay *y = r->relay;
    if (!type_is(y->content_type, STR("application/json")))
        return;
    y->scan = arena_alloc(r->arena, sizeof(*y->scan));
    if (y->scan)
        json_scan_init(y->scan, answer_paths(), 4096);
}

static void scan_feed(struct relay *y, str bytes)
{
    if (y->scan)
        json_scan_feed(y->scan, bytes);
}

/* The usage of an answer too long to hold, put into an object so that the dialect reads it. */
static void scan_finish(struct request *r)
{
    struct relay *y = r->relay;
    str usage = y->scan ? json_scan_found(y->scan, 0) : STR_NULL;
    if (str_is_null(usage))
        return;
    struct event_facts facts = {0};
    str body = arena_printf(r->arena, "{\"usage\":%.*s}", STR_ARG(usage));
    y->dialect->answer(body, &r->worker->scratch, &facts);
    note_facts(r, &facts);
    arena_release(&r->worker->scratch);
}

static void pass_body(struct request *r, struct slice run)
{
    struct relay *y = r->relay;
    scan_feed(y, str_make(run.ptr, run.len));
    if (!chain_add(&y->out, run)) {
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
        return;
    }
    if (r->state == REQUEST_ANSWERING)
        flush(r, NULL, false);
    else if (begin_answer(r, y->content_length, false))
        attempt_arm(r);
}

static void hold_body(struct request *r, struct slice run)
{
    struct relay *y = r->relay;
    if (!chain_add(&y->out, run)) {
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
        return;
    }
    if (y->out.bytes <= RELAY_HOLD_MAX)
        return;
    y->mode = RELAY_PASS; /* too long to be held: what comes now goes on */
    scan_start(r);
    for (unsigned i = 0; i < y->out.count; i++)
        scan_feed(y, str_make(chain_at(&y->out, i).ptr, chain_at(&y->out, i).len));
    if (begin_answer(r, y->content_length, false))
        attempt_arm(r);
}

/* The chain as one run; copied only when it is in several. */
static str held_text(struct request *r)
{
    struct relay *y = r->relay;
    struct slice front = chain_front(&y->out);
    if (front.len == y->out.bytes)
        return str_make(front.ptr ? front.ptr : "", front.len);
    char *copy = arena_alloc(r->arena, y->out.bytes + 1);
    if (!copy)
        return STR_NULL;
    chain_copy(&y->out, copy, y->out.bytes);
    return str_make(copy, y->out.bytes);
}

/* 204 and the like, where the API has an answer to give. */
static bool lacks_body(const struct request *r)
{
    return r->relay->no_body && endpoint_facts(r->kind)->body == ENDPOINT_BODY_JSON;
}

static void hold_end(struct request *r)
{
    struct relay *y = r->relay;
    uint64_t begun = loop_clock_us();
    str body = held_text(r);
    struct event_facts facts = {0};
    if (str_is_null(body)) {
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
        return;
    }
    if (!y->no_body) {
        y->dialect->answer(body, &r->worker->scratch, &facts);
        note_facts(r, &facts);
        arena_release(&r->worker->scratch);
    }
    if (facts.error.len) { /* an error that calls itself a success */
        enum err err = err_of_event(facts.error);
        keep_event_error(r, err, facts.error);
        attempt_failed(r, err, facts.error);
        return;
    }
    if (facts.unreadable || lacks_body(r)) {
        attempt_failed(r, ERR_UPSTREAM_MALFORMED, STR("the answer is not JSON"));
        return;
    }
    int64_t length = y->no_body ? y->content_length : (int64_t)y->out.bytes;
    r->own_us += loop_clock_us() - begun;
    if (begin_answer(r, length, true))
        finish_well(r);
}

/* Framing by the end of the connection cannot tell a cut from an end; JSON can. */
static bool is_cut(const struct relay *y)
{
    return y->scan && json_scan_end(y->scan) == JSON_SCAN_INCOMPLETE;
}

static void pass_end(struct request *r)
{
    if (is_cut(r->relay)) {
        attempt_failed(r, ERR_UPSTREAM_TRUNCATED, STR("the answer's JSON is not complete"));
        return;
    }
    scan_finish(r);
    if (r->state == REQUEST_ANSWERING)
        flush(r, NULL, true);
    else if (!begin_answer(r, 0, true))
        return;
    finish_well(r);
}

/* --- Errors of the provider ----------------------------------------------------------------------- */

static void error_body(struct request *r, struct slice run)
{
    struct relay *y = r->relay;
    size_t room = RELAY_ERROR_MAX - y->out.bytes;
    run.len = run.len < room ? run.len : room;
    if (!chain_add(&y->out, run))
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
    else if (y->out.bytes == RELAY_ERROR_MAX)
        relay_on_end(r); /* long enough to know what it says */
}

static void error_end(struct request *r)
{
    struct relay *y = r->relay;
    str body = held_text(r);
    const struct provider *p = r->attempt->target->provider->provider;
    enum err err = provider_classify(p, y->status, body);
    struct provider_error *e = arena_zalloc(r->arena, sizeof(*e));
    if (e && !r->provider_error) {
        e->status = y->status;
        e->content_type = y->content_type;
        e->body = arena_str(r->arena, body);
        e->whole = y->out.bytes < RELAY_ERROR_MAX;
        r->provider_error = e;
    }
    r->attempt->retry_after = y->retry_after;
    if (!r->rec.retry_after.len)
        r->rec.retry_after = y->retry_after;
    attempt_failed(r, err, err == ERR_UPSTREAM_AUTH ? STR_NULL : body); /* may echo the key */
}

/* --- Dispatch ------------------------------------------------------------------------------------- */

void relay_on_body(struct request *r, struct slice run)
{
    if (r->relay->mode != RELAY_EVENTS) /* there, events count, not bytes */
        attempt_progress(r->attempt, loop_now_us(r->worker->loop));
    switch (r->relay->mode) {
    case RELAY_ERROR:
        error_body(r, run);
        break;
    case RELAY_HOLD:
        hold_body(r, run);
        break;
    case RELAY_PASS:
        pass_body(r, run);
        break;
    case RELAY_EVENTS:
        events_body(r, run);
        break;
    }
}

void relay_on_end(struct request *r)
{
    switch (r->relay->mode) {
    case RELAY_ERROR:
        error_end(r);
        break;
    case RELAY_HOLD:
        hold_end(r);
        break;
    case RELAY_PASS:
        pass_end(r);
        break;
    case RELAY_EVENTS:
        events_end(r);
        break;
    }
}

/* --- Failing after the head ------------------------------------------------------------------------ */

static void write_failure(struct request *r, enum err err, str message)
{
    struct buf text;
    struct stream_failure f = {
        .err = err,
        .message = message,
        .request_id = r->rec.id,
        .answer_id = r->answer_id,
        .model = r->model,
        .events = r->rec.events,
    };
    buf_init(&text, 0);
    dialect_of(r->kind)->write_failure(&text, &f);
    struct slice s = SLICE_BORROWED(buf_str(&text));
    if (text.failed)
        exchange_abort(r->ex);
    else
        exchange_send(r->ex, NULL, &s, 1, true);
    buf_release(&text);
}

void relay_fail(struct request *r, enum err err, str message)
{
    if (r->attempt)
        attempt_abandon(r, err);
    r->rec.truncated = true;
    request_note(r, err, message);
    if (r->events_mode && err != ERR_CLIENT_STALL)
        write_failure(r, err, message);
    else
        exchange_abort(r->ex);
    r->answer_ended = true;
    request_finish(r);
}

/* --- The client's side ------------------------------------------------------------------------------ */

void relay_on_client_drain(struct request *r)
{
    struct relay *y = r->relay;
    if (!y || !y->paused || !r->attempt)
        return;
    y->paused = false;
    trace(TRACE_RESUME, r->number, 0, 0);
    attempt_progress(r->attempt, loop_now_us(r->worker->loop));
    attempt_arm(r);
    call_flow(r->attempt->call, true);
}

void relay_without_client(struct request *r)
{
    if (r->relay && r->relay->paused)
        relay_on_client_drain(r);
    attempt_arm(r);
}

bool relay_is_paused(const struct request *r)
{
    return r->relay && r->relay->paused;
}

bool relay_has_begun(const struct request *r)
{
    return r->relay && (r->relay->mode != RELAY_EVENTS || r->relay->content);
}

bool relay_is_complete(const struct request *r)
{
    return r->relay && r->relay->complete;
}

uint64_t relay_due_us(const struct request *r)
{
    const struct server_conf *s = &r->conf->server;
    if (!r->head_sent || r->client_gone)
        return UINT64_MAX;
    if (relay_is_paused(r))
        return s->client_stall_ms ? r->ex->last_progress_us + s->client_stall_ms * 1000
                                  : UINT64_MAX;
    return r->events_mode && s->keepalive_comment_ms
               ? r->last_sent_us + s->keepalive_comment_ms * 1000
               : UINT64_MAX;
}

void relay_on_due(struct request *r)
{
    if (relay_end_complete(r))
        return;
    if (relay_is_paused(r)) {
        exchange_queued(r->ex); /* looks how far the client has come */
        if (relay_due_us(r) <= loop_now_us(r->worker->loop))
            relay_fail(r, ERR_CLIENT_STALL, STR("The client took nothing for too long."));
        else
            attempt_arm(r);
        return;
    }
    struct slice comment = SLICE_BORROWED(STR(": keepalive\n\n"));
    exchange_send(r->ex, NULL, &comment, 1, false);
    r->last_sent_us = loop_now_us(r->worker->loop);
    attempt_arm(r);
}

void relay_release(struct request *r)
{
    struct relay *y = r->relay;
    if (!y)
        return;
    r->relay = NULL;
    deferred_cancel(&y->last);
    chain_release(&y->out);
    if (y->reading_events)
        sse_reader_release(&y->reader);
    if (y->scan)
        json_scan_release(y->scan);
}
