/*
 * One request's way through the mock:
 *
 *   READING ──body whole──▶ WAITING ──latency, ttft──▶ SAYING ──▶ released
 *      └────────────── client gone: released, in any state ─────────┘
 */
#include "app/mock.h"

#include <stdlib.h>

#include "app/mock_api.h"
#include "base/random.h"

enum { BODY_MAX = 64 << 20, FLOOD_FIELDS = 20000, CUT_UNIT = 100 };

struct mock {
    struct loop *loop;
    struct mock_options options;
    struct server *server;
    uint64_t ids;
};

extern const struct mock_api mock_api_openai; /* whose errors an unknown path gets */

struct mock_request {
    struct mock *mock;
    struct exchange *ex;
    struct mock_plan plan;
    struct mock_question question;
    struct buf body; /* JSON bodies only; others are counted */
    struct timer timer;
    unsigned event; /* the next one */
    bool head_sent;
    double due_us; /* of the next token, when they have a rate */
};

/* --- Sending -------------------------------------------------------------------------------- */

static void finish(struct mock_request *m)
{
    timer_stop(&m->timer);
    buf_release(&m->body);
    exchange_release(m->ex);
}

static void send_head(struct mock_request *m, int status, str content_type, int64_t length,
                      str body, bool end)
{
    struct response_head head = {.status = status, .content_length = length, .keep_alive = true};
    struct slice all = SLICE_BORROWED(body);
    struct arena *a = m->ex->arena;
    const struct mock_api *api = m->question.api;
    bool ok = head_add(&head.headers, a, STR("content-type"), content_type) &&
              (!api->fields || api->fields(&m->question, status, &head.headers, a));
    for (unsigned i = 0; ok && m->plan.o.header_flood && i < FLOOD_FIELDS; i++)
        ok = head_add(&head.headers, a, STR("x-mock-flood"), STR("more and more and more"));
    if (!ok) {
        exchange_abort(m->ex);
        return;
    }
    m->head_sent = true;
    exchange_send(m->ex, &head, &all, 1, end);
}

static void send_error(struct mock_request *m, const struct mock_error *e)
{
    struct buf body;
    buf_init(&body, 0);
    m->question.api->error(&m->question, e, &body);
    send_head(m, e->status, STR("application/json"), (int64_t)body.len, buf_str(&body), true);
    buf_release(&body);
    finish(m);
}

/* The connection breaks in the middle of what was promised. */
static void cut(struct mock_request *m)
{
    exchange_abort(m->ex);
    finish(m);
}

static void say_whole(struct mock_request *m)
{
    struct buf body;
    str type;
    size_t shown = SIZE_MAX;
    buf_init(&body, 0);
    m->question.api->answer(&m->question, &body, &type);
    if (m->plan.o.garbage) {
        buf_clear(&body);
        buf_add_lit(&body, "<html>not what you asked for");
    }
    if (m->plan.o.cut_after)
        shown = (size_t)m->plan.o.cut_after * CUT_UNIT;
    if (m->plan.o.stall_after)
        shown = (size_t)m->plan.o.stall_after * CUT_UNIT;
    str text = str_first(buf_str(&body), shown);
    bool whole = text.len == body.len;
    send_head(m, 200, type, (int64_t)body.len, text, whole);
    buf_release(&body);
    if (whole)
        finish(m);
    else if (m->plan.o.cut_after)
        cut(m);
}

/* When the next token is due; the clock of a stream does not drift. */
static uint64_t wait_for_token_ms(struct mock_request *m)
{
    uint64_t now = loop_now_us(m->mock->loop);
    if (m->due_us == 0)
        m->due_us = (double)now;
    m->due_us += 1e6 / m->plan.o.token_rate;
    return m->due_us > (double)now ? (uint64_t)((m->due_us - (double)now) / 1000) : 0;
}

static void add_event(struct mock_request *m, struct buf *out, bool *more, bool *is_token)
{
    if (m->plan.o.garbage && m->event > 0)
        buf_add_lit(out, "data: {\"choices\":[{\"delta\n\n");
    *more = m->question.api->event(&m->question, m->event++, out, is_token);
}

/* The vendor says that it failed, in its stream. */
static void add_failure(struct mock_request *m, struct buf *out)
{
    struct mock_error e = {
        .status = 500, .message = "The mock was told to fail here.", .param = STR_NULL};
    m->question.api->stream_error(&m->question, &e, out);
}

static str stream_type(const struct mock_request *m)
{
    const char *type = m->question.api->stream_type;
    return type ? str_from_c(type) : STR("text/event-stream");
}

/* Events from here until one has to wait for its time. */
static void say_events(struct mock_request *m)
{
    const struct mock_options *o = &m->plan.o;
    struct buf out;
    bool more = true, paced = false;
    buf_init(&out, 0);
    while (more && !paced) {
        bool is_token = false;
        if (o->error_after && m->event >= o->error_after) {
            add_failure(m, &out);
            more = false;
            break;
        }
        if ((o->cut_after && m->event >= o->cut_after) ||
            (o->stall_after && m->event >= o->stall_after))
            break;
        add_event(m, &out, &more, &is_token);
        paced = is_token && o->token_rate > 0;
    }
    if (!m->head_sent)
        send_head(m, 200, stream_type(m), -1, STR_NULL, false);
    struct slice all = SLICE_BORROWED(buf_str(&out));
    exchange_send(m->ex, NULL, &all, 1, !more);
    buf_release(&out);
    if (!more)
        finish(m);
    else if (paced)
        timer_start(m->mock->loop, &m->timer, wait_for_token_ms(m));
    else if (o->cut_after)
        cut(m);
}

static void say(void *arg)
{
    struct mock_request *m = arg;
    const struct mock_question *q = &m->question;
    if (q->api->streams ? q->api->streams(q) : q->stream)
        say_events(m);
    else
        say_whole(m);
}

/* --- Reading -------------------------------------------------------------------------------- */

/* Wishes after the model's name, whether it is in the body or was in the path. */
static bool read_model(struct mock_request *m)
{
    struct mock_question *q = &m->question;
    uint32_t model = json_member(&q->doc, JSON_ROOT, STR("model"));
    str name = q->model.len ? q->model : STR("mock-gpt");
    if (!q->model.len && json_is(&q->doc, model, JSON_STRING) &&
        json_string_decode(&q->doc, model, m->ex->arena, &name))
        return false;
    q->model = mock_plan_model(&m->plan, name);
    return true;
}

static bool read_json(struct mock_request *m)
{
    struct mock_question *q = &m->question;
    struct json_options options = {.root_object = true};
    q->body = buf_str(&m->body);
    if (json_parse(&q->doc, m->ex->arena, q->body, &options)) {
        send_error(m, &(struct mock_error){400, "We could not parse the JSON body of your request.",
                                           STR_NULL});
        return false;
    }
    if (!read_model(m)) {
        send_error(m, &(struct mock_error){500, "out of memory", STR_NULL});
        return false;
    }
    uint32_t options_node = json_member(&q->doc, JSON_ROOT, STR("stream_options"));
    q->stream =
        q->stream || json_is(&q->doc, json_member(&q->doc, JSON_ROOT, STR("stream")), JSON_TRUE);
    q->usage =
        json_is(&q->doc, json_member(&q->doc, options_node, STR("include_usage")), JSON_TRUE);
    if (q->api->read)
        q->api->read(q);
    return true;
}

static void on_body(void *arg, struct slice bytes)
{
    struct mock_request *m = arg;
    m->question.bytes += bytes.len;
    if (endpoint_facts(m->question.kind)->body == ENDPOINT_BODY_JSON)
        buf_add(&m->body, bytes.ptr, bytes.len);
}

static void on_body_end(void *arg)
{
    struct mock_request *m = arg;
    struct mock_error wrong = {.status = 400, .param = STR_NULL};
    if (endpoint_facts(m->question.kind)->body == ENDPOINT_BODY_JSON && !read_json(m))
        return;
    if (m->plan.fail) {
        send_error(m, &(struct mock_error){(int)m->plan.o.fail_status, "The mock was told to fail.",
                                           STR_NULL});
        return;
    }
    if (m->question.api->judge && !m->question.api->judge(&m->question, &wrong)) {
        send_error(m, &wrong);
        return;
    }
    uint64_t wait = m->plan.o.latency_ms + (m->question.stream ? m->plan.o.ttft_ms : 0);
    if (wait)
        timer_start(m->mock->loop, &m->timer, wait);
    else
        say(m);
}

static void on_gone(void *arg, enum err why)
{
    (void)why;
    finish(arg);
}

static void on_drain(void *arg)
{
    (void)arg;
}

static const struct exchange_handler from_client = {
    .on_body = on_body, .on_body_end = on_body_end, .on_gone = on_gone, .on_drain = on_drain};

static void on_exchange(void *arg, struct exchange *ex)
{
    struct mock *mock = arg;
    struct mock_request *m = arena_zalloc(ex->arena, sizeof(*m));
    if (!m) {
        exchange_abort(ex);
        exchange_release(ex);
        return;
    }
    m->mock = mock;
    m->ex = ex;
    m->question.plan = &m->plan;
    m->question.id = ++mock->ids;
    buf_init(&m->body, BODY_MAX);
    timer_init(&m->timer, say, m);
    exchange_handle(ex, &from_client, m);
    mock_plan_init(&m->plan, &mock->options, &ex->head->headers,
                   (double)(random_u64() >> 11) * 0x1p-53);
    m->question.head = ex->head;
    m->question.arena = ex->arena;
    for (unsigned i = 0; mock_api_at(i) && !m->question.api; i++)
        if (mock_api_at(i)->owns(ex->head, &m->question, ex->arena))
            m->question.api = mock_api_at(i);
    if (!m->question.api) {
        m->question.api = &mock_api_openai;
        send_error(m, &(struct mock_error){404, "Unknown path.", STR_NULL});
        return;
    }
    exchange_body(ex, true);
}

static str on_refused(void *arg, struct arena *a, enum err why, const char *reason, str target,
                      const struct address *peer)
{
    (void)arg, (void)a, (void)why, (void)reason, (void)target, (void)peer;
    return STR("{\"error\":{\"message\":\"Bad request.\",\"type\":\"invalid_request_error\","
               "\"param\":null,\"code\":null}}");
}

/* --- Life ----------------------------------------------------------------------------------- */

struct mock *mock_new(struct loop *l, const struct mock_options *o)
{
    struct mock *mock = calloc(1, sizeof(*mock));
    if (!mock)
        return NULL;
    mock->loop = l;
    mock->options = *o;
    mock->server = server_new(l, &(struct server_options){.conf = {.max_connections = 100000,
                                                                   .max_body = BODY_MAX,
                                                                   .max_header = 65536,
                                                                   .max_headers = 200,
                                                                   .header_timeout_ms = 60000,
                                                                   .body_timeout_ms = 3600000,
                                                                   .idle_timeout_ms = 3600000,
                                                                   .client_stall_ms = 3600000,
                                                                   .stream_buffer = 1 << 20},
                                                          .connections_max = 100000,
                                                          .on_exchange = on_exchange,
                                                          .on_refused = on_refused,
                                                          .arg = mock});
    if (mock->server)
        return mock;
    free(mock);
    return NULL;
}

bool mock_listen(struct mock *mock, int fd)
{
    return server_listen(mock->server, fd, NULL) != 0;
}

void mock_free(struct mock *mock)
{
    if (!mock)
        return;
    server_close_all(mock->server);
    server_free(mock->server);
    free(mock);
}
