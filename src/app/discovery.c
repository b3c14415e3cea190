#include "app/discovery.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "llm/provider.h"
#include "wire/json.h"

enum {
    INTERVAL_MS = 5 * 60 * 1000,
    RETRY_MS = 15 * 1000, /* while a provider has not answered yet */
    ANSWER_MAX = 8 << 20,
    ANSWER_TIMEOUT_MS = 10 * 1000,
    MODELS_MAX = 20000,
};

/* One provider's question. */
struct question {
    struct discovery *d;
    unsigned index;
    bool answered; /* at least once */
    struct timer timer;
    struct arena arena;
    struct call *call;
    struct buf body;
    int status;
};

struct discovery {
    struct loop *loop;
    struct caller *caller;
    discovery_fn *on_models;
    void *arg;
    struct snapshot *snapshot;
    struct question *questions;
    unsigned count;
};

static const struct provider_conf *conf_of(const struct question *q)
{
    return &snapshot_conf(q->d->snapshot)->providers[q->index];
}

/* Gives back what the question took, and asks again later. */
static void settle(struct question *q, bool ok)
{
    if (q->call)
        call_release(q->call);
    q->call = NULL;
    buf_release(&q->body);
    arena_release(&q->arena);
    q->answered = q->answered || ok;
    timer_start(q->d->loop, &q->timer, q->answered ? INTERVAL_MS : RETRY_MS);
}

static void failed(struct question *q, const char *why)
{
    if (!q->answered)
        log_info("provider %.*s does not list its models yet: %s", STR_ARG(conf_of(q)->name), why);
    settle(q, false);
}

/* {"data":[{"id":...}]}, {"models":[...]} or a bare array: as vendors do. */
static uint32_t find_models(const struct json_doc *doc)
{
    if (json_is(doc, JSON_ROOT, JSON_ARRAY))
        return JSON_ROOT;
    uint32_t data = json_member(doc, JSON_ROOT, STR("data"));
    return json_is(doc, data, JSON_ARRAY) ? data : json_member(doc, JSON_ROOT, STR("models"));
}

static bool read_models(struct question *q, str **ids, unsigned *count)
{
    struct json_doc doc;
    struct json_options options = {.index_depth = 3};
    if (json_parse(&doc, &q->arena, buf_str(&q->body), &options))
        return false;
    uint32_t list = find_models(&doc);
    *ids = arena_alloc(&q->arena, (json_count(&doc, list) + 1) * sizeof(**ids));
    if (!*ids || !json_is(&doc, list, JSON_ARRAY))
        return false;
    *count = 0;
    JSON_EACH (item, &doc, list) {
        uint32_t id = json_member(&doc, item, STR("id"));
        if (!json_is(&doc, id, JSON_STRING) || *count == MODELS_MAX)
            continue;
        if (json_string_decode(&doc, id, &q->arena, &(*ids)[*count]))
            return false;
        *count += 1;
    }
    return true;
}

static void on_connected(void *arg)
{
    (void)arg;
}

static void on_head(void *arg, const struct response_head *head)
{
    struct question *q = arg;
    q->status = head->status;
}

static void on_body(void *arg, struct slice bytes)
{
    struct question *q = arg;
    buf_add(&q->body, bytes.ptr, bytes.len);
    if (q->body.failed)
        failed(q, "its list is too long");
}

static void on_end(void *arg)
{
    struct question *q = arg;
    str *ids;
    unsigned count;
    if (q->status != 200) {
        failed(q, "it answered with an error");
        return;
    }
    if (!read_models(q, &ids, &count)) {
        failed(q, "its list is not readable");
        return;
    }
    q->d->on_models(q->d->arg, snapshot_conf(q->d->snapshot), q->index, ids, count);
    settle(q, true);
}

static void on_error(void *arg, enum err err, const char *why)
{
    (void)why;
    failed(arg, err_code(err));
}

static const struct call_handler from_provider = {
    .on_connected = on_connected,
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_error = on_error,
};

static bool ask(struct question *q)
{
    const struct provider_conf *p = conf_of(q);
    struct request_head head = {
        .method = METHOD_GET,
        .method_text = STR("GET"),
        .version = HTTP_VERSION_1_1,
        .authority = p->endpoint.authority,
        .keep_alive = true,
        .content_length = -1,
    };
    struct provider_request r = {.conf = p, .kind = ENDPOINT_MODELS, .method = head.method_text};
    if (p->api_key_count)
        r.api_key = p->api_keys[0];
    head.target = provider_target(&r, &q->arena);
    bool ok = !str_is_null(head.target) && provider_authorize(&r, &head.headers, &q->arena);
    for (unsigned i = 0; ok && i < p->header_count; i++)
        ok = head_add(&head.headers, &q->arena, p->headers[i].name, p->headers[i].value);
    struct call_request request = {.head = &head, .content_length = 0};
    if (ok)
        q->call = call_start(q->d->caller, &p->endpoint, &request, &q->arena, &from_provider, q);
    return q->call != NULL;
}

static void on_timer(void *arg)
{
    struct question *q = arg;
    if (q->call) {
        failed(q, "it did not answer in time");
        return;
    }
    if (ask(q))
        timer_start(q->d->loop, &q->timer, ANSWER_TIMEOUT_MS);
    else
        failed(q, "out of memory");
}

struct discovery *discovery_new(struct loop *l, struct caller *caller, discovery_fn *on_models,
                                void *arg)
{
    struct discovery *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    *d = (struct discovery){.loop = l, .caller = caller, .on_models = on_models, .arg = arg};
    return d;
}

static bool is_asked(const struct provider_conf *p)
{
    return p->discover && !p->model_count && p->provider->endpoints & ENDPOINT_BIT(MODELS);
}

void discovery_start(struct discovery *d, struct snapshot *s)
{
    discovery_stop(d);
    const struct gateway_conf *conf = snapshot_conf(s);
    d->questions = calloc(conf->provider_count + 1, sizeof(*d->questions));
    if (!d->questions)
        return;
    d->snapshot = snapshot_ref(s);
    d->count = conf->provider_count;
    for (unsigned i = 0; i < d->count; i++) {
        struct question *q = &d->questions[i];
        q->d = d;
        q->index = i;
        arena_init(&q->arena, ANSWER_MAX * 4);
        buf_init(&q->body, ANSWER_MAX);
        timer_init(&q->timer, on_timer, q);
        if (is_asked(&conf->providers[i]))
            on_timer(q);
    }
}

void discovery_stop(struct discovery *d)
{
    for (unsigned i = 0; i < d->count; i++) {
        struct question *q = &d->questions[i];
        timer_stop(&q->timer);
        if (q->call)
            call_release(q->call);
        buf_release(&q->body);
        arena_release(&q->arena);
    }
    free(d->questions);
    d->questions = NULL;
    d->count = 0;
    snapshot_unref(d->snapshot);
    d->snapshot = NULL;
}

void discovery_free(struct discovery *d)
{
    discovery_stop(d);
    free(d);
}
