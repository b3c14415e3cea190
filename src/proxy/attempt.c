#include "proxy/attempt.h"

#include "base/random.h"
#include "base/recorder.h"
#include "proxy/answer.h"
#include "proxy/body.h"
#include "proxy/credentials.h"
#include "proxy/fan.h"
#include "proxy/prepare.h"
#include "proxy/relay.h"
#include "proxy/translate.h"
#include "proxy/upstream.h"
#include "wire/date.h"

enum {
    UPLOAD_HIGH = 256 * 1024,
    COMPLETE_GRACE_US = 1000000, /* from the terminal event to the end of the framing */
};

/* --- The record --------------------------------------------------------------------------- */

static struct attempt_record *record_of(struct request *r)
{
    unsigned i = r->rec.attempt_count;
    return &r->rec.attempts[i < RECORD_ATTEMPTS_MAX ? i : RECORD_ATTEMPTS_MAX - 1];
}

static uint64_t since(uint64_t then_us, uint64_t now_us)
{
    return then_us && now_us > then_us ? now_us - then_us : 0;
}

/* Closes the current attempt's line of the record and gives the call back. */
static void attempt_close(struct request *r, enum err err)
{
    struct attempt *a = r->attempt;
    uint64_t now = loop_now_us(r->worker->loop);
    struct attempt_record *rec = record_of(r);
    *rec = (struct attempt_record){.provider = a->target->provider->name,
                                   .model = a->target->model,
                                   .err = err,
                                   .status = a->status,
                                   .duration_us = since(a->started_us, now)};
    if (r->rec.attempt_count < RECORD_ATTEMPTS_MAX)
        r->rec.attempt_count++;
    r->rec.upstream_us += rec->duration_us;
    trace(TRACE_ATTEMPT_END, r->number, err, (uint64_t)a->status);
    if (a->call) {
        const struct call_timing *t = &a->call->timing;
        rec->reused = t->reused;
        r->rec.queue_us += since(t->asked_us, t->slot_us);
        r->rec.connect_us += since(t->slot_us, t->connected_us);
        call_release(a->call);
    }
    fan_release(a);
    prepare_release(a);
    chain_release(&a->held);
    translate_release(a->translated);
    r->attempt = NULL;
}

void attempt_abandon(struct request *r, enum err why)
{
    attempt_close(r, why);
}

void attempt_flow(struct attempt *a, bool flow)
{
    if (a->call)
        call_flow(a->call, flow);
    fan_flow(a, flow);
}

void attempt_done(struct request *r)
{
    attempt_close(r, ERR_NONE);
}

/* --- From the call ------------------------------------------------------------------------ */

static void on_connected(void *arg)
{
    struct attempt *a = arg;
    struct request *r = a->request;
    a->state = ATTEMPT_SENT;
    attempt_progress(a, loop_now_us(r->worker->loop));
    if (a->upload_open)
        body_flow(r, true);
    attempt_arm(r);
}

static void on_head(void *arg, const struct response_head *head)
{
    struct attempt *a = arg;
    a->state = ATTEMPT_ANSWERED;
    a->status = head->status;
    trace(TRACE_ATTEMPT_HEAD, a->request->number, (uint64_t)head->status, 0);
    relay_on_head(a->request, head);
}

static void on_body(void *arg, struct slice bytes)
{
    struct attempt *a = arg;
    relay_on_body(a->request, bytes);
}

static void on_end(void *arg)
{
    struct attempt *a = arg;
    relay_on_end(a->request);
}

static void on_error(void *arg, enum err err, const char *why)
{
    struct attempt *a = arg;
    attempt_failed(a->request, err, str_from_c(why));
}

static void on_drain(void *arg)
{
    struct attempt *a = arg;
    attempt_progress(a, loop_now_us(a->request->worker->loop));
    if (a->upload_open)
        body_flow(a->request, true);
}

static const struct call_handler from_provider = {
    .on_connected = on_connected,
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_error = on_error,
    .on_drain = on_drain,
};

/* What came while nobody could take it: no more than one read, for the flow is off. */
static void hold(struct request *r, const struct slice *v, unsigned n, bool end)
{
    struct attempt *a = r->attempt;
    a->held_end = a->held_end || end;
    for (unsigned i = 0; i < n; i++)
        if (!chain_add(&a->held, v[i])) {
            request_cancel(r, ERR_NO_MEMORY);
            return;
        }
}

static void send_held(struct attempt *a)
{
    if (!a->upload_open)
        return;
    for (unsigned i = 0; i < a->held.count; i++) {
        struct slice s = chain_at(&a->held, i);
        call_write(a->call, &s, 1, false);
    }
    if (a->held_end) {
        call_write(a->call, NULL, 0, true);
        a->upload_open = false;
    }
    chain_release(&a->held);
}

void attempt_upload(struct request *r, const struct slice *v, unsigned n, bool end)
{
    struct attempt *a = r->attempt;
    if (a->state == ATTEMPT_PREPARING) {
        hold(r, v, n, end);
        return;
    }
    if (!a->upload_open)
        return;
    attempt_progress(a, loop_now_us(r->worker->loop));
    size_t queued = call_write(a->call, v, n, end);
    if (end)
        a->upload_open = false;
    else if (queued > UPLOAD_HIGH)
        body_flow(r, false);
}

/* --- Starting ----------------------------------------------------------------------------- */

/* The target has nothing for a field of the request: another may have. */
static void cannot_have(struct request *r, str field, str why)
{
    struct provider_error *e = arena_zalloc(r->arena, sizeof(*e));
    if (e && !r->provider_error) {
        e->status = err_facts(ERR_UNSUPPORTED)->status;
        e->foreign = true;
        e->fault.param = field;
        e->fault.message = arena_printf(r->arena, "%.*s: %.*s", STR_ARG(field), STR_ARG(why));
        r->provider_error = e;
    }
    attempt_failed(r, ERR_UNSUPPORTED, field);
}

static void start_call(struct request *r)
{
    struct worker *w = r->worker;
    struct attempt *a = r->attempt;
    struct call_request out;
    const struct provider_conf *p = a->target->provider;
    str field = STR_NULL, why = STR_NULL;
    enum err err = translate_attempt(r, a, &field, &why);
    if (err == ERR_UNSUPPORTED) {
        cannot_have(r, field, why);
        return;
    }
    r->reported = a->translated ? a->translated->reported : STR_NULL;
    if (!err && upstream_request(r, a, 0, &out)) {
        a->upload_open = out.body_more;
        a->call = call_start(w->options.caller, &p->endpoint, &out, r->arena, &from_provider, a);
    }
    if (r->body_ready_us) { /* what we did with the request so far */
        r->own_us += loop_clock_us() - r->body_ready_us;
        r->body_ready_us = 0;
    }
    unsigned calls = a->translated ? a->translated->calls : 1;
    if (!a->call || (calls > 1 && !fan_start(r, a, calls))) {
        attempt_close(r, ERR_NO_MEMORY);
        request_fail(r, ERR_NO_MEMORY, STR("No memory for the request."), STR_NULL);
        return;
    }
    send_held(a);
    attempt_arm(r);
}

/* A field of the client's that no target will take. */
static void refuse_field(struct request *r, const struct prepare_fault *fault)
{
    struct prepare_fault f = *fault;
    str message = arena_printf(r->arena, "%.*s: %.*s", STR_ARG(f.field), STR_ARG(f.text));
    request_note(r, f.err, f.text);
    attempt_close(r, f.err);
    relay_release(r);
    request_fail(r, f.err, message, f.field);
}

static void prepare(struct request *r)
{
    struct prepare_fault fault;
    switch (prepare_attempt(r->attempt, &fault)) {
    case PREPARE_READY:
        r->attempt->state = ATTEMPT_WAITING;
        start_call(r);
        return;
    case PREPARE_WAIT:
        if (!r->body_complete)
            body_flow(r, false);
        attempt_arm(r);
        return;
    case PREPARE_FAILED:
        if (fault.err == ERR_UPSTREAM_AUTH)
            attempt_failed(r, fault.err, fault.text);
        else
            refuse_field(r, &fault);
        return;
    }
}

void attempt_prepared(void *attempt)
{
    struct attempt *a = attempt;
    CHECK(a->request->attempt == a && a->state == ATTEMPT_PREPARING);
    prepare(a->request);
}

void attempt_begin(struct request *r)
{
    struct attempt *a = arena_zalloc(r->arena, sizeof(*a));
    if (!a) {
        request_fail(r, ERR_NO_MEMORY, STR("No memory for the request."), STR_NULL);
        return;
    }
    CHECK(!r->attempt && r->target_at < r->target_count);
    r->retry_at_us = 0;
    r->reported = STR_NULL; /* what the attempt before told of itself */
    r->made++;
    r->made_here++;
    chain_init(&a->held);
    a->request = r;
    a->target = &r->targets[r->target_at];
    a->started_us = loop_now_us(r->worker->loop);
    a->credential = credential_take(r->worker, a->target->provider);
    r->attempt = a;
    trace(TRACE_ATTEMPT_BEGIN, r->number, r->made, r->target_at);
    r->rec.provider = a->target->provider->name;
    r->rec.target_model = a->target->model;
    if (r->stream && r->route && r->route->early_headers)
        relay_early_head(r);
    prepare(r);
}

/* --- Failing ------------------------------------------------------------------------------ */

/* -1: no wish.  Dates are relative to our own clock. */
static int64_t retry_after_ms(str wish)
{
    uint64_t seconds;
    int64_t date, now = (int64_t)(loop_wall_us() / 1000000);
    if (str_to_u64(wish, &seconds))
        return seconds < 1000000 ? (int64_t)seconds * 1000 : INT64_MAX;
    if (!date_http_parse(wish, now, &date))
        return -1;
    return date > now ? (date - now) * 1000 : 0;
}

static struct retry_conf retry_of(const struct request *r)
{
    struct retry_conf conf = r->route ? r->route->retry : r->conf->retry;
    if (r->retries_asked >= 0) {
        conf.attempts = (unsigned)r->retries_asked;
        conf.total = conf.attempts + 1;
    }
    return conf;
}

static struct attempt_verdict decide(struct request *r, enum err err)
{
    struct attempt *a = r->attempt;
    const struct provider_conf *p = a->target->provider;
    struct retry_conf conf = retry_of(r);
    if (err_facts(err)->fault == ERR_FAULT_CREDENTIAL)
        credential_refused(r->worker, p, a->credential, err);
    unsigned credentials_left = credential_ready(r->worker, p);
    if (err == ERR_UPSTREAM_AUTH && a->state != ATTEMPT_PREPARING && prepare_refused(a))
        credentials_left++;
    struct attempt_outcome outcome = {
        .err = err,
        .content_relayed = r->state == REQUEST_ANSWERING,
        .request_replayable = upstream_is_replayable(r),
        .retry_after_ms = retry_after_ms(a->retry_after),
    };
    struct attempt_budget budget = {
        .made = r->made,
        .made_here = r->made_here,
        .keys_left = credentials_left,
        .targets_left = r->target_count - r->target_at - 1,
        .left_ms = request_left_ms(r),
        .random = (double)(random_u64() >> 11) * 0x1p-53,
    };
    return attempt_decide(&outcome, &budget, &conf);
}

/* The message of the answer when nothing is left to try. */
static str final_message(struct request *r, enum err err)
{
    const char *help = err_facts(err)->help;
    str attempts = answer_attempts_text(r);
    return arena_printf(r->arena, "%s (%.*s)", help, STR_ARG(attempts));
}

/* Errors for which the provider's own words, if it had any, are the answer, byte for byte. */
static bool relays_provider_error(const struct request *r, enum err err)
{
    const struct provider_error *e = r->provider_error;
    return e && !r->head_sent &&
           (err == ERR_UPSTREAM_REFUSED_REQUEST || err == ERR_UPSTREAM_NOT_FOUND ||
            err == ERR_UPSTREAM_RATE_LIMIT || err == ERR_UNSUPPORTED);
}

static void answer_provider_error(struct request *r, enum err err)
{
    const struct provider_error *e = r->provider_error;
    struct header more[2];
    unsigned n = 0;
    more[n++] = (struct header){.name = STR("x-should-retry"),
                                .value = answer_worth_retrying(err) ? STR("true") : STR("false")};
    if (r->rec.retry_after.len)
        more[n++] = (struct header){.name = STR("retry-after"), .value = r->rec.retry_after};
    if (e->whole && e->body.len && !e->foreign) {
        request_answer(r, e->status, e->content_type, e->body, more, n);
        return;
    }
    struct buf body;
    buf_init(&body, 0);
    int status = answer_status(r, err, e->status);
    answer_write_error(r, &body,
                       &(struct client_error){.err = err,
                                              .status = status,
                                              .message = e->fault.message.len
                                                             ? e->fault.message
                                                             : final_message(r, err),
                                              .code = e->foreign ? e->fault.code : STR_NULL,
                                              .param = e->fault.param,
                                              .request_id = r->rec.id});
    if (body.failed)
        buf_clear(&body);
    request_answer(r, status, STR("application/json"), buf_str(&body), more, n);
    buf_release(&body);
}

static void give_up(struct request *r, enum err err, str detail)
{
    if (r->first_err)
        err = r->first_err; /* what was wrong first is what to mend */
    request_note(r, err, detail);
    if (relays_provider_error(r, err))
        answer_provider_error(r, err);
    else
        request_fail(r, err, final_message(r, err), STR_NULL);
}

void attempt_failed(struct request *r, enum err err, str detail)
{
    if (relay_end_enough(r))
        return;
    struct attempt_verdict v = decide(r, err);
    str kept = detail.len ? arena_str(r->arena, str_first(detail, 300)) : STR_NULL;
    relay_release(r);
    attempt_close(r, err);
    if (v.decision == ATTEMPT_GIVE_UP || r->client_gone) {
        give_up(r, err, kept);
        return;
    }
    if (!r->first_err)
        r->first_err = err;
    r->rec.retries++;
    if (v.decision == ATTEMPT_RETRY_ELSEWHERE) {
        r->target_at++;
        r->made_here = 0;
    }
    r->retry_at_us = loop_now_us(r->worker->loop) + v.wait_ms * 1000 + 1;
    if (v.wait_ms)
        attempt_arm(r);
    else
        attempt_begin(r);
}

/* --- The clock ---------------------------------------------------------------------------- */

struct due {
    uint64_t at_us;
    enum err err;
};

static void sooner(struct due *due, uint64_t at_us, enum err err)
{
    if (at_us < due->at_us)
        *due = (struct due){at_us, err};
}

/* ERR_NONE: not an error, somebody is to be asked what to do. */
static struct due next_due(const struct request *r)
{
    struct due due = {UINT64_MAX, ERR_NONE};
    const struct provider_conf *p = r->targets[r->target_at].provider;
    const struct timeouts_conf *t = &p->timeouts;
    const struct attempt *a = r->attempt;
    if (r->deadline_us)
        sooner(&due, r->deadline_us, ERR_DEADLINE);
    if (t->total_ms)
        sooner(&due, r->ex->started_us + t->total_ms * 1000, ERR_TOTAL_TIMEOUT);
    if (r->retry_at_us)
        sooner(&due, r->retry_at_us, ERR_NONE);
    if (a && relay_is_complete(r))
        sooner(&due, a->progress_us + COMPLETE_GRACE_US, ERR_NONE);
    if (a)
        sooner(&due, prepare_due_us(a), ERR_CONNECT_TIMEOUT);
    if (a && a->state >= ATTEMPT_SENT && !relay_has_begun(r) && t->first_byte_ms)
        sooner(&due, a->progress_us + t->first_byte_ms * 1000, ERR_FIRST_BYTE_TIMEOUT);
    if (a && relay_has_begun(r) && !relay_is_paused(r) && t->idle_ms)
        sooner(&due, a->progress_us + t->idle_ms * 1000, ERR_IDLE_TIMEOUT);
    sooner(&due, relay_due_us(r), ERR_NONE);
    return due;
}

void attempt_arm(struct request *r)
{
    uint64_t now = loop_now_us(r->worker->loop);
    struct due due = next_due(r);
    if (due.at_us == UINT64_MAX)
        timer_stop(&r->timer);
    else
        timer_start(r->worker->loop, &r->timer,
                    due.at_us > now ? (due.at_us - now + 999) / 1000 : 0);
}

static void timed_out(struct request *r, enum err err)
{
    if (relay_end_complete(r))
        return;
    bool waits_for_token = err == ERR_CONNECT_TIMEOUT;
    if (r->attempt &&
        (err == ERR_FIRST_BYTE_TIMEOUT || err == ERR_IDLE_TIMEOUT || waits_for_token)) {
        attempt_failed(r, err, waits_for_token ? STR("no access token in time") : STR_NULL);
        return;
    }
    if (r->attempt)
        attempt_abandon(r, err);
    relay_release(r);
    request_fail(r, err, final_message(r, err), STR_NULL);
}

void attempt_on_timer(void *request)
{
    struct request *r = request;
    uint64_t now = loop_now_us(r->worker->loop);
    struct due due = next_due(r);
    if (due.at_us > now)
        attempt_arm(r);
    else if (due.err)
        timed_out(r, due.err);
    else if (r->retry_at_us && r->retry_at_us <= now)
        attempt_begin(r);
    else
        relay_on_due(r);
}
