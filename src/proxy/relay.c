#include "proxy/relay_impl.h"

#include "base/recorder.h"
#include "llm/provider.h"
#include "proxy/answer.h"
#include "proxy/body.h"

enum { FLUSH_SLICES = 64 };

/* --- Sending ---------------------------------------------------------------------------------- */

static str translated_type(const struct request *r)
{
    if (!r->stream || r->path_array)
        return STR("application/json");
    return r->dialect->stream_type.len ? r->dialect->stream_type : STR("text/event-stream");
}

static struct response_head *client_head(struct request *r, const struct relay *y)
{
    struct response_head *head = answer_head(r, y->status);
    bool ok = head != NULL;
    if (ok && y->translation)
        ok = answer_add_known(r, head, HEADER_CONTENT_TYPE, translated_type(r));
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
    attempt_flow(r->attempt, false);
    attempt_arm(r); /* the client's stall is watched now, not the provider's silence */
}

/* Gives the client all that waits in `out`, before it the head if that was not sent. */
void relay_flush(struct request *r, struct response_head *head, bool end)
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
bool relay_begin_answer(struct request *r, int64_t content_length, bool end)
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
    if (r->body_complete &&
        !r->translation) /* nothing is tried again; of a form that still streams, its reader stays */
        body_release(r);
    if (!r->client_gone)
        r->rec.status = y->status;
    r->rec.first_token_us = now - r->ex->started_us;
    trace(TRACE_CONTENT, r->number, r->rec.first_token_us / 1000, 0);
    if (r->events_mode && !end)
        count_stream(r);
    relay_flush(r, head, end);
    return true;
}

void relay_finish_well(struct request *r)
{
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

void relay_note_facts(struct request *r, const struct event_facts *facts)
{
    if (facts->usage.known)
        usage_merge(&r->rec.usage, &facts->usage);
    if (facts->answer_id.len && !r->answer_id.len)
        r->answer_id = arena_str(r->arena, str_first(facts->answer_id, 200));
    if (facts->finish_reason.len && !r->rec.finish_reason.len)
        r->rec.finish_reason = arena_str(r->arena, str_first(facts->finish_reason, 64));
}

/* --- Beginning -------------------------------------------------------------------------------- */

static enum relay_mode mode_of(const struct relay *y, bool translated)
{
    if (y->status < 200 || y->status > 299)
        return RELAY_ERROR;
    if (translated)
        return RELAY_TRANSLATE;
    if (y->encoded) /* nobody asked for it, and we cannot look inside */
        return RELAY_PASS;
    if (relay_type_is(y->content_type, STR("text/event-stream")))
        return RELAY_EVENTS;
    bool is_json = relay_type_is(y->content_type, STR("application/json"));
    return is_json || y->no_body ? RELAY_HOLD : RELAY_PASS;
}

static bool is_encoded(const struct response_head *head)
{
    str coding = head_known(&head->headers, HEADER_CONTENT_ENCODING);
    return coding.len && !str_ieq(coding, STR("identity"));
}

static void begin_relay(struct request *r, unsigned part, const struct response_head *head)
{
    struct relay *y = arena_zalloc(r->arena, sizeof(*y));
    if (!y || !relay_copy_fields(r, y, head)) {
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
        return;
    }
    chain_init(&y->out);
    y->status = head->status;
    y->content_length = head->content_length;
    y->no_body = head->no_body;
    y->encoded = is_encoded(head);
    y->dialect = dialect_of(r->kind);
    y->mode = mode_of(y, r->attempt->translated != NULL);
    if (y->mode == RELAY_TRANSLATE && y->encoded) {
        attempt_failed(r, ERR_UPSTREAM_MALFORMED, STR("the answer is encoded, unasked"));
        return;
    }
    if (r->head_sent && (y->mode == RELAY_HOLD || y->mode == RELAY_PASS)) {
        attempt_failed(r, ERR_UPSTREAM_MALFORMED, STR("the answer is no event stream"));
        return;
    }
    if (y->mode == RELAY_EVENTS) {
        sse_reader_init(&y->reader, r->conf->max_event);
        y->reading_events = true;
    } else {
        attempt_progress(r->attempt, loop_now_us(r->worker->loop));
    }
    r->events_mode =
        y->mode == RELAY_EVENTS || (y->mode == RELAY_TRANSLATE && r->stream) || r->head_sent;
    deferred_init(&y->last, relay_send_last, r);
    r->relay = y;
    if (y->mode == RELAY_TRANSLATE &&
        (!relay_translated_begin(r, y) || !relay_translated_part(r, part, head))) {
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
        return;
    }
    attempt_arm(r);
}

void relay_on_head(struct request *r, const struct response_head *head)
{
    if (r->relay) /* another part was first */
        relay_on_part_head(r, 0, head);
    else
        begin_relay(r, 0, head);
}

void relay_on_part_head(struct request *r, unsigned part, const struct response_head *head)
{
    if (head->status < 200 || head->status > 299)
        attempt_failed(
            r, provider_classify(r->attempt->target->provider->provider, head->status, STR("")),
            STR("one of several calls was refused"));
    else if (!r->relay)
        begin_relay(r, part, head);
    else if (r->relay->mode == RELAY_TRANSLATE && !relay_translated_part(r, part, head))
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
}

/* While the error of another part is read, what this one says is of no use. */
static bool part_is_read(const struct request *r)
{
    return r->relay && r->relay->mode == RELAY_TRANSLATE;
}

void relay_on_part_body(struct request *r, unsigned part, struct slice bytes)
{
    if (part_is_read(r))
        relay_translated_body(r, part, bytes);
}

void relay_on_part_end(struct request *r, unsigned part)
{
    if (part_is_read(r))
        relay_translated_end(r, part);
}

/* --- Dispatch ------------------------------------------------------------------------------------- */

void relay_on_body(struct request *r, struct slice run)
{
    if (r->relay->mode != RELAY_EVENTS &&
        r->relay->mode != RELAY_TRANSLATE) /* there, events count, not bytes */
        attempt_progress(r->attempt, loop_now_us(r->worker->loop));
    switch (r->relay->mode) {
    case RELAY_ERROR:
        relay_error_body(r, run);
        break;
    case RELAY_HOLD:
        relay_hold_body(r, run);
        break;
    case RELAY_PASS:
        relay_pass_body(r, run);
        break;
    case RELAY_EVENTS:
        relay_events_body(r, run);
        break;
    case RELAY_TRANSLATE:
        relay_translated_body(r, 0, run);
        break;
    }
}

void relay_on_end(struct request *r)
{
    switch (r->relay->mode) {
    case RELAY_ERROR:
        relay_error_end(r);
        break;
    case RELAY_HOLD:
        relay_hold_end(r);
        break;
    case RELAY_PASS:
        relay_pass_end(r);
        break;
    case RELAY_EVENTS:
        relay_events_end(r);
        break;
    case RELAY_TRANSLATE:
        relay_translated_end(r, 0);
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
    r->dialect->write_failure(&text, &f);
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
    if (r->events_mode && !r->path_array && err != ERR_CLIENT_STALL)
        write_failure(r, err, message);
    else
        exchange_abort(r->ex);
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
    attempt_flow(r->attempt, true);
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
    const struct relay *y = r->relay;
    bool in_units = y && (y->mode == RELAY_EVENTS || y->mode == RELAY_TRANSLATE);
    return y && (!in_units || y->content);
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
    bool begun =
        r->state == REQUEST_ANSWERING; /* before that not even an event of the format's own */
    str filler = r->path_array ? STR("\n") : STR(": keepalive\n\n"); /* JSON has no comments */
    if (begun && r->dialect->keepalive.len)
        filler = r->dialect->keepalive;
    struct slice comment = SLICE_BORROWED(filler);
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
    relay_translated_release(y->translation);
    if (y->reading_events)
        sse_reader_release(&y->reader);
    if (y->scan)
        json_scan_release(y->scan);
}
