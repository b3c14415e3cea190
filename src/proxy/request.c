#include "proxy/request.h"

#include "base/recorder.h"
#include "proxy/answer.h"
#include "proxy/attempt.h"
#include "proxy/body.h"
#include "proxy/relay.h"
#include "proxy/stage.h"

static const struct {
    const char *name;
    unsigned entered_from; /* bits of states */
} states[] = {
    [REQUEST_PREPARING] = {"PREPARING", 0},
    [REQUEST_ASKING] = {"ASKING", BIT(REQUEST_PREPARING)},
    [REQUEST_ANSWERING] = {"ANSWERING", BIT(REQUEST_PREPARING) | BIT(REQUEST_ASKING)},
    [REQUEST_DONE] = {"DONE",
                      BIT(REQUEST_PREPARING) | BIT(REQUEST_ASKING) | BIT(REQUEST_ANSWERING)},
};

static stage_fn *const stages[] = {
#define STAGE(name) stage_##name,
#include "proxy/stage.def"
#undef STAGE
};

const char *request_state_name(enum request_state s)
{
    CHECK((unsigned)s < ARRAY_LEN(states));
    return states[s].name;
}

void request_enter(struct request *r, enum request_state next)
{
    if (!(states[next].entered_from & BIT(r->state)))
        BUG("request %s -> %s", request_state_name(r->state), request_state_name(next));
    trace(TRACE_REQUEST_STATE, r->number, r->state, next);
    r->state = next;
}

/* --- From the exchange -------------------------------------------------------------------- */

static void on_gone(void *arg, enum err why)
{
    request_cancel(arg, why);
}

static void on_drain(void *arg)
{
    relay_on_client_drain(arg);
}

static const struct exchange_handler from_client = {
    .on_body = body_on_data,
    .on_body_end = body_on_end,
    .on_gone = on_gone,
    .on_drain = on_drain,
};

static void fill_record(struct request *r)
{
    struct request_record *rec = &r->rec;
    const struct exchange *ex = r->ex;
    rec->protocol = ex->protocol;
    rec->tls = ex->tls;
    rec->method = ex->head->method_text;
    rec->path = ex->head->path;
    rec->user_agent = head_known(&ex->head->headers, HEADER_USER_AGENT);
}

void request_begin(struct worker *w, struct exchange *ex)
{
    struct request *r = arena_zalloc(ex->arena, sizeof(*r));
    if (!r) {
        exchange_abort(ex);
        exchange_release(ex);
        return;
    }
    r->ex = ex;
    r->worker = w;
    r->number = ++w->requests_begun;
    trace(TRACE_REQUEST_BEGIN, r->number, 0, 0);
    r->arena = ex->arena;
    r->pinned = w->current;
    r->pinned->pins++;
    r->conf = snapshot_conf(r->pinned->snapshot);
    r->retries_asked = -1;
    r->dialect = dialect_of(ENDPOINT_CHAT);
    buf_init(&r->body, 0);
    timer_init(&r->timer, attempt_on_timer, r);
    list_init(&r->node);
    list_push(&w->requests, &r->node);
    atomic_fetch_add_explicit(&w->stats.active_requests, 1, memory_order_relaxed);
    fill_record(r);
    exchange_handle(ex, &from_client, r);
    request_run(r);
}

void request_run(struct request *r)
{
    while (r->stage < ARRAY_LEN(stages)) {
        switch (stages[r->stage](r)) {
        case STAGE_NEXT:
            r->stage++;
            break;
        case STAGE_WAIT:
        case STAGE_DONE:
            return;
        }
    }
    request_enter(r, REQUEST_ASKING);
    attempt_begin(r);
}

/* --- Answers of our own ------------------------------------------------------------------- */

void request_note(struct request *r, enum err err, str detail)
{
    if (r->rec.err == ERR_NONE)
        r->rec.err = err;
    if (!r->rec.err_detail.len && detail.len)
        r->rec.err_detail = arena_str(r->arena, str_first(detail, 500));
}

void request_answer(struct request *r, int status, str content_type, str body,
                    const struct header *more, unsigned more_count)
{
    struct response_head *head = answer_head(r, status);
    bool ok = head && (!content_type.len || answer_add(r, head, STR("content-type"), content_type));
    for (unsigned i = 0; ok && i < more_count; i++)
        ok = answer_add(r, head, more[i].name, more[i].value);
    if (!r->client_gone) /* the record says what the client saw */
        r->rec.status = status;
    if (r->state != REQUEST_ANSWERING)
        request_enter(r, REQUEST_ANSWERING);
    if (!ok) {
        request_note(r, ERR_NO_MEMORY, STR_NULL);
        exchange_abort(r->ex);
        request_finish(r);
        return;
    }
    head->content_length = (int64_t)body.len;
    head->no_body = status == 204;
    struct slice all = SLICE_BORROWED(body);
    exchange_send(r->ex, head, &all, 1, true);
    r->head_sent = true;
    request_finish(r);
}

static const char *retry_after(enum err err)
{
    switch (err) {
    case ERR_DRAINING:
    case ERR_OVERLOADED:
    case ERR_NO_MEMORY:
    case ERR_QUEUE_FULL:
    case ERR_QUEUE_TIMEOUT:
    case ERR_CONCURRENCY:
    case ERR_NO_TARGET:
        return "1";
    default:
        return NULL;
    }
}

void request_fail(struct request *r, enum err err, str message, str param)
{
    request_note(r, err, message);
    if (r->head_sent) {
        relay_fail(r, err, message);
        return;
    }
    struct header more[4];
    unsigned n = 0;
    const char *after = retry_after(err);
    more[n++] = (struct header){.name = STR("x-should-retry"),
                                .value = answer_worth_retrying(err) ? STR("true") : STR("false")};
    if (r->rec.retry_after.len)
        more[n++] = (struct header){.name = STR("retry-after"), .value = r->rec.retry_after};
    else if (after)
        more[n++] = (struct header){.name = STR("retry-after"), .value = str_from_c(after)};
    if (err == ERR_METHOD_WRONG)
        more[n++] = (struct header){.name = STR("allow"), .value = r->allow};
    if (err == ERR_KEY_MISSING || err == ERR_KEY_INVALID)
        more[n++] = (struct header){.name = STR("www-authenticate"), .value = STR("Bearer")};
    struct buf body;
    buf_init(&body, 0);
    int status = answer_status(r, err, err_facts(err)->status);
    answer_write_error(r, &body,
                       &(struct client_error){.err = err,
                                              .status = status,
                                              .message = message,
                                              .param = param,
                                              .request_id = r->rec.id});
    if (body.failed)
        buf_clear(&body);
    request_answer(r, status, STR("application/json"), buf_str(&body), more, n);
    buf_release(&body);
}

enum stage_verdict stage_refuse(struct request *r, enum err err, str param, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str message = arena_vprintf(r->arena, format, args);
    va_end(args);
    request_fail(r, err, message, param);
    return STAGE_DONE;
}

/* --- The end ------------------------------------------------------------------------------ */

uint64_t request_left_ms(const struct request *r)
{
    if (!r->deadline_us)
        return UINT64_MAX;
    uint64_t now = loop_now_us(r->worker->loop);
    return r->deadline_us > now ? (r->deadline_us - now) / 1000 : 0;
}

/* The client left while its model says that answers are to be finished all the same. */
static bool drains(const struct request *r)
{
    return r->route && r->route->on_disconnect == DISCONNECT_DRAIN && r->attempt &&
           r->state != REQUEST_PREPARING;
}

static void client_gone(struct request *r)
{
    r->client_gone = true;
    r->rec.client_gone = true;
    request_note(r, ERR_CLIENT_GONE, STR_NULL);
    if (!r->rec.status)
        r->rec.status = err_facts(ERR_CLIENT_GONE)->status;
    if (drains(r))
        relay_without_client(r);
    else
        request_finish(r);
}

void request_cancel(struct request *r, enum err why)
{
    if (why == ERR_CLIENT_GONE) {
        client_gone(r);
        return;
    }
    if (relay_end_complete(r))
        return;
    if (r->attempt)
        attempt_abandon(r, why);
    request_fail(r, why, str_from_c(err_facts(why)->help), STR_NULL);
}

static void finish_record(struct request *r)
{
    struct request_record *rec = &r->rec;
    uint64_t now = loop_clock_us();
    rec->wall_us = loop_wall_us();
    rec->total_us = now > r->ex->started_us ? now - r->ex->started_us : 0;
    rec->overhead_us = r->own_us;
    rec->bytes_in = r->ex->bytes_in;
    rec->bytes_out = r->ex->bytes_out;
    rec->stream = r->stream;
    rec->model = r->model;
    rec->route = r->route ? r->route->name : STR("");
}

void request_finish(struct request *r)
{
    struct worker *w = r->worker;
    request_enter(r, REQUEST_DONE);
    timer_stop(&r->timer);
    if (r->attempt)
        attempt_abandon(r, ERR_CANCELLED);
    relay_release(r);
    finish_record(r);
    trace(TRACE_REQUEST_END, r->number, (uint64_t)r->rec.status, r->rec.err);
    if (w->options.on_finish)
        w->options.on_finish(w->options.arg, &r->rec);
    body_release(r);
    list_remove(&r->node);
    atomic_fetch_sub_explicit(&w->stats.active_requests, 1, memory_order_relaxed);
    if (r->stream_counted)
        atomic_fetch_sub_explicit(&w->stats.active_streams, 1, memory_order_relaxed);
    worker_unpin(w, r->pinned);
    exchange_release(r->ex); /* the arena, and r in it, live until the turn ends */
}
