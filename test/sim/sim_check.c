/* What must hold: after each event, when a call begins, and at the end of the world. */
#include <stdio.h>

#include "proxy/relay.h"
#include "sim_world.h"
#include "wire/json.h"

#define KEEPALIVE ": keepalive\n\n"

/* --- What a client has seen ------------------------------------------------------------------- */

/* The answer without the gateway's own comments. */
static void without_comments(const struct fake_exchange *x, struct buf *out)
{
    str left = buf_str(&x->body);
    buf_init(out, 0);
    while (left.len) {
        ptrdiff_t at = str_find(left, STR(KEEPALIVE));
        str before = at < 0 ? left : str_first(left, (size_t)at);
        buf_add_str(out, before);
        left = at < 0 ? STR_NULL : str_from(left, before.len + sizeof(KEEPALIVE) - 1);
    }
}

static bool has_content(const struct fake_exchange *x)
{
    struct buf seen;
    without_comments(x, &seen);
    bool some = seen.len > 0;
    buf_release(&seen);
    return some;
}

/* The script whose answer the client got; NULL: it came from ourselves, or nothing came. */
static struct sim_script *source_of(const struct sim_client *c)
{
    return c->calls && has_content(c->x) ? c->scripts[c->calls - 1] : NULL;
}

/* --- Always ------------------------------------------------------------------------------------- */

static unsigned live_calls(const struct sim_client *c)
{
    unsigned live = 0;
    for (unsigned i = 0; i < c->calls; i++)
        live += !c->scripts[i]->call->released;
    return live;
}

static void check_client(struct sim_world *w, const struct sim_client *c)
{
    unsigned live = live_calls(c);
    CHECK(live <= 1);
    if (!c->x)
        return;
    if (c->x->released)
        CHECK(live == 0);
    if (c->left && !c->drains) /* whoever left costs nothing from then on */
        CHECK(c->x->released);
    CHECK(c->x->queued <= w->stream_buffer + RELAY_HOLD_MAX + CHUNK_SIZE + 4096);
}

void sim_check_always(struct sim_world *w)
{
    struct worker_stats *stats = worker_stats(w->g.worker);
    unsigned running = 0, finished = 0, seen = 0;
    for (unsigned i = 0; i < w->client_count; i++) {
        check_client(w, &w->clients[i]);
        if (!w->clients[i].x)
            continue;
        seen++;
        finished += w->clients[i].x->released;
    }
    running = seen - finished;
    /* A request for which there was not even memory to begin has no record. */
    CHECK(w->g.record_count <= finished);
    CHECK(w->tight || w->g.record_count == finished);
    CHECK(atomic_load(&stats->active_requests) == running);
    CHECK(atomic_load(&stats->active_streams) <= running);
}

/* Rule zero: nothing is tried again once the client has seen content. */
void sim_check_start(struct sim_client *c)
{
    CHECK(!c->x || !has_content(c->x)); /* NULL: the very first, still inside its arrival */
    CHECK(!c->left);
    CHECK(live_calls(c) == 0);
}

/* --- The request as the provider got it ----------------------------------------------------------- */

static void check_credentials(const struct fake_call *call)
{
    char expected[32];
    str key = fake_call_field(call, STR("authorization"));
    snprintf(expected, sizeof(expected), "Bearer sk-%c-secret", call->authority.ptr[0]);
    CHECK(str_starts(key, str_from_c(expected)));
    CHECK(str_is_null(fake_call_field(call, STR("x-gateway-timeout"))));
}

static void check_json_sent(const struct sim_client *c, const struct fake_call *call)
{
    struct arena a;
    struct json_doc doc;
    arena_init(&a, 0);
    CHECK(json_parse(&doc, &a, buf_str(&call->body), NULL) == ERR_NONE);
    uint32_t model = json_member(&doc, JSON_ROOT, STR("model"));
    CHECK(json_is(&doc, model, JSON_STRING));
    CHECK(str_starts(json_string_raw(&doc, model), STR("up-")));
    CHECK(str_find(buf_str(&call->body), str_from_c(c->id)) >= 0);
    if (c->shape == SIM_CHAT_STREAM) {
        uint32_t options = json_member(&doc, JSON_ROOT, STR("stream_options"));
        CHECK(json_is(&doc, json_member(&doc, options, STR("include_usage")), JSON_TRUE));
    }
    arena_release(&a);
}

/* What was sent of a form: the client's bytes but for the model. */
static void check_form_sent(const struct sim_client *c, const struct fake_call *call)
{
    str got = buf_str(&call->body), mine = buf_str(&c->body);
    str before = str_first(mine, c->model_at);
    CHECK(str_starts(got, before));
    ptrdiff_t end = str_find(str_from(got, c->model_at), STR("\r\n"));
    CHECK(end > 0);
    str after = str_from(mine, c->model_at + c->model_len);
    str rest = str_from(got, c->model_at + (size_t)end);
    CHECK(str_starts(str_from(got, c->model_at), STR("up-")));
    CHECK(str_starts(after, rest));
    CHECK(!call->body_ended || rest.len == after.len);
}

static void check_sent(const struct sim_script *s)
{
    const struct sim_client *c = s->client;
    const struct fake_call *call = s->call;
    check_credentials(call);
    if (call->body.len == 0)
        return;
    switch (c->shape) {
    case SIM_FORM:
        check_form_sent(c, call);
        break;
    case SIM_UPLOAD:
        CHECK(str_starts(buf_str(&c->expected), buf_str(&call->body)));
        CHECK(!call->body_ended || call->body.len == c->expected.len);
        break;
    case SIM_DOWNLOAD:
        break;
    default:
        check_json_sent(c, call);
        break;
    }
}

/* --- The answer as the client got it -------------------------------------------------------------- */

static bool is_terminal(const struct sim_client *c, str seen)
{
    return c->shape == SIM_RESPONSES_STREAM ? str_find(seen, STR("response.completed\"")) >= 0
                                            : str_ends(seen, STR("data: [DONE]\n\n"));
}

/* The gateway's failure at the end of a stream: taken off.  False: there is none. */
static bool strip_failure(const struct sim_client *c, str *seen)
{
    str sign = c->shape == SIM_RESPONSES_STREAM ? STR("event: error\ndata: {\"type\":\"error\"")
                                                : STR("data: {\"error\":{\"message\":");
    ptrdiff_t at = str_find(*seen, sign);
    if (at < 0)
        return false;
    seen->len = (size_t)at;
    return true;
}

/* An honest prefix of what was sent. */
static void check_stream(const struct sim_client *c, const struct sim_script *s)
{
    struct buf all;
    without_comments(c->x, &all);
    str seen = buf_str(&all);
    bool failed = strip_failure(c, &seen);
    CHECK(str_starts(buf_str(&s->right), seen));
    if (c->x->ended && !c->x->gone) {
        bool complete = is_terminal(c, seen);
        CHECK(complete != failed);    /* one of both, and not both */
        CHECK(!complete || s->whole); /* nothing looks complete that was not */
        CHECK(!complete || seen.len == s->right.len);
    }
    buf_release(&all);
}

static bool end_shows(const struct sim_script *s)
{
    return s->length_given || s->stop == SIM_CUT || s->json || s->whole;
}

static void check_plain(const struct sim_client *c, const struct sim_script *s)
{
    str seen = buf_str(&c->x->body);
    CHECK(str_starts(buf_str(&s->right), seen));
    if (!c->x->ended || c->x->gone || !end_shows(s))
        return;
    CHECK(s->whole && seen.len == s->right.len);
}

/* A provider's error is passed on as it came, also when it came to half: nobody can tell. */
static bool is_relayed(const struct sim_client *c)
{
    for (unsigned i = 0; i < c->calls; i++) {
        const struct sim_script *s = c->scripts[i];
        if (s->head_sent && s->status == c->x->head.status &&
            str_starts(buf_str(&s->body), buf_str(&c->x->body)))
            return true;
    }
    return false;
}

/* An answer of our own, or a provider's error as it is. */
static void check_error_answer(const struct sim_world *w, const struct sim_client *c)
{
    const struct fake_exchange *x = c->x;
    struct arena a;
    struct json_doc doc;
    arena_init(&a, 0);
    CHECK(x->head.status >= 400);
    CHECK(x->ended || x->aborted);
    if (x->ended && x->body.len && !is_relayed(c)) {
        CHECK(json_parse(&doc, &a, buf_str(&x->body), NULL) == ERR_NONE);
        CHECK(json_is(&doc, json_member(&doc, JSON_ROOT, STR("error")), JSON_OBJECT));
    }
    if (!w->tight)
        CHECK(!str_is_null(fake_exchange_field(x, STR("x-should-retry"))));
    CHECK(x->head.status != 401 && x->head.status != 403 && x->head.status != 500);
    CHECK(x->head.status == 503 || !c->is_bad || x->head.status == 400 || x->told);
    arena_release(&a);
}

static void check_answer(const struct sim_world *w, const struct sim_client *c)
{
    const struct fake_exchange *x = c->x;
    const struct sim_script *s = source_of(c);
    if (x->gone)
        CHECK(!x->ended || x->head.status);
    else
        CHECK(x->ended || x->aborted);
    if (x->head.status == 0)
        CHECK(x->gone || x->aborted);
    else if (x->head.status != 200)
        check_error_answer(w, c);
    else if (!s || !has_content(x))
        CHECK(x->gone || x->aborted || x->ended);
    else if (s->status == 200 && s->events)
        check_stream(c, s);
    else if (s->status == 200 && !c->early)
        check_plain(c, s);
    /* A success that nobody gave. */
    if (x->head.status == 200 && !c->early)
        CHECK(s == NULL || (s->head_sent && s->status == 200));
}

/* --- The record -------------------------------------------------------------------------------------- */

static void check_record(const struct sim_world *w, const struct sim_client *c)
{
    const struct request_record *r = NULL;
    for (unsigned i = 0; i < w->g.record_count; i++) {
        if (!str_eq(w->g.records[i].id, str_from_c(c->id)))
            continue;
        CHECK(!r); /* each request ends once */
        r = &w->g.records[i];
    }
    if (!r) {
        CHECK(w->tight);
        return;
    }
    CHECK(r->attempt_count >= c->calls || r->attempt_count == RECORD_ATTEMPTS_MAX);
    CHECK(!c->x->head.status || r->status == c->x->head.status || c->x->gone);
    CHECK(r->client_gone == c->x->gone);
    CHECK(r->err || !r->truncated);
    CHECK(r->status);
    if (!c->x->gone && c->x->ended && !r->err)
        CHECK(r->status == 200);
}

void sim_check_end(struct sim_world *w)
{
    for (unsigned i = 0; i < w->client_count; i++) {
        const struct sim_client *c = &w->clients[i];
        CHECK(c->x && c->x->released);
        for (unsigned k = 0; k < c->calls; k++)
            check_sent(c->scripts[k]);
        check_answer(w, c);
        check_record(w, c);
    }
}
