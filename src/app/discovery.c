#include "app/discovery.h"

#include <stdlib.h>

#include "app/machine.h"
#include "base/buf.h"
#include "base/log.h"
#include "llm/provider.h"
#include "proxy/tokens.h"

enum {
    INTERVAL_MS = 5 * 60 * 1000,
    RETRY_MS = 15 * 1000, /* while a provider has not answered yet */
    ANSWER_MAX = 8 << 20,
    ANSWER_TIMEOUT_MS = 10 * 1000,
    MODELS_MAX = 20000,
    PAGES_MAX = 50,
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
    str *ids; /* so far */
    unsigned count, pages;
    str page; /* that is asked; null: the first */
    struct token_wait token_wait;
    uint64_t token_serial;
};

struct discovery {
    struct loop *loop;
    struct caller *caller;
    struct tokens *tokens;
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
    tokens_forget(&q->token_wait);
    buf_release(&q->body);
    arena_release(&q->arena);
    q->ids = NULL;
    q->count = q->pages = 0;
    q->answered = q->answered || ok;
    timer_start(q->d->loop, &q->timer, q->answered ? INTERVAL_MS : RETRY_MS);
}

static void failed(struct question *q, const char *why)
{
    if (!q->answered)
        log_info("provider %.*s does not list its models yet: %s", STR_ARG(conf_of(q)->name), why);
    settle(q, false);
}

/* Adds a page to what has come; its texts point into the answer. */
static bool add_page(struct question *q, const struct model_page *page)
{
    unsigned all = q->count + page->count;
    all = all < MODELS_MAX ? all : MODELS_MAX;
    str *ids = arena_alloc(&q->arena, (all + 1) * sizeof(*ids));
    if (!ids)
        return false;
    if (q->count)
        memcpy(ids, q->ids, q->count * sizeof(*ids));
    for (unsigned i = q->count; i < all; i++) {
        ids[i] = arena_str(&q->arena, page->models[i - q->count].id);
        if (str_is_null(ids[i]))
            return false;
    }
    q->ids = ids;
    q->count = all;
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

static void ask_or_fail(struct question *q, str page);

static void on_end(void *arg)
{
    struct question *q = arg;
    struct model_page page;
    if (q->status != 200) {
        if (q->status == 401 || q->status == 403)
            tokens_refused(q->d->tokens, conf_of(q), q->token_serial);
        failed(q, "it answered with an error");
        return;
    }
    if (!provider_read_models(conf_of(q), buf_str(&q->body), &q->arena, &page) ||
        !add_page(q, &page)) {
        failed(q, "its list is not readable");
        return;
    }
    if (page.next.len && ++q->pages < PAGES_MAX) {
        str next = arena_str(&q->arena, page.next);
        call_release(q->call);
        q->call = NULL;
        buf_clear(&q->body);
        ask_or_fail(q, next);
        return;
    }
    q->d->on_models(q->d->arg, snapshot_conf(q->d->snapshot), q->index, q->ids, q->count);
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

static bool fill_head(struct question *q, str page, const struct credential *credential,
                      struct request_head *head)
{
    const struct provider_conf *p = conf_of(q);
    struct provider_request r = {.conf = p, .kind = ENDPOINT_MODELS, .method = STR("GET")};
    *head = (struct request_head){
        .method = METHOD_GET,
        .method_text = r.method,
        .version = HTTP_VERSION_1_1,
        .authority = p->endpoint.authority,
        .target = provider_models_target(p, page, &q->arena),
        .keep_alive = true,
        .content_length = -1,
    };
    if (p->api_key_count)
        r.api_key = p->api_keys[0];
    if (credential) {
        r.token = credential->token;
        r.aws = credential->aws.access_key_id.len ? &credential->aws : NULL;
    }
    bool ok = !str_is_null(head->target) && provider_authorize(&r, &head->headers, &q->arena);
    for (unsigned i = 0; ok && i < p->header_count; i++)
        ok = head_add(&head->headers, &q->arena, p->headers[i].name, p->headers[i].value);
    return ok && provider_sign(&r, head, NULL, 0, (int64_t)(loop_wall_us() / 1000000), &q->arena);
}

static bool ask(struct question *q, str page, const struct credential *credential)
{
    const struct provider_conf *p = conf_of(q);
    struct request_head head;
    struct call_request request = {.head = &head, .content_length = 0};
    if (fill_head(q, page, credential, &head))
        q->call = call_start(q->d->caller, &p->endpoint, &request, &q->arena, &from_provider, q);
    return q->call != NULL;
}

static void ask_or_fail(struct question *q, str page)
{
    const struct provider_conf *p = conf_of(q);
    struct token token = {0};
    timer_start(q->d->loop, &q->timer, ANSWER_TIMEOUT_MS);
    q->page = page;
    if (tokens_needed(p)) {
        switch (tokens_take(q->d->tokens, p, q->d->snapshot, &q->token_wait, &token)) {
        case TOKEN_READY:
            q->token_serial = token.serial;
            break;
        case TOKEN_WAIT:
            return;
        case TOKEN_REFUSED:
            failed(q, "there is no access token");
            return;
        }
    }
    if (!ask(q, page, token.credential))
        failed(q, "out of memory");
}

static void on_token(void *arg)
{
    struct question *q = arg;
    ask_or_fail(q, q->page);
}

static bool is_waiting(const struct question *q)
{
    return q->call || !list_is_empty(&q->token_wait.node);
}

static void on_timer(void *arg)
{
    struct question *q = arg;
    if (is_waiting(q))
        failed(q, "it did not answer in time");
    else
        ask_or_fail(q, STR_NULL);
}

struct discovery *discovery_new(struct loop *l, struct caller *caller, discovery_fn *on_models,
                                void *arg)
{
    struct discovery *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    *d = (struct discovery){.loop = l, .caller = caller, .on_models = on_models, .arg = arg};
    d->tokens = tokens_new(l, caller, &machine_environment);
    if (d->tokens)
        return d;
    free(d);
    return NULL;
}

static bool is_asked(const struct provider_conf *p)
{
    bool lists = p->provider->models_target || provider_endpoints(p) & ENDPOINT_BIT(MODELS);
    return p->discover && !p->model_count && lists;
}

void discovery_start(struct discovery *d, struct snapshot *s)
{
    discovery_stop(d);
    const struct gateway_conf *conf = snapshot_conf(s);
    d->questions = calloc(conf->provider_count + 1, sizeof(*d->questions));
    if (!d->questions)
        return;
    tokens_retain(d->tokens, conf);
    d->snapshot = snapshot_ref(s);
    d->count = conf->provider_count;
    for (unsigned i = 0; i < d->count; i++) {
        struct question *q = &d->questions[i];
        q->d = d;
        q->index = i;
        arena_init(&q->arena, ANSWER_MAX * 4);
        buf_init(&q->body, ANSWER_MAX);
        timer_init(&q->timer, on_timer, q);
        token_wait_init(&q->token_wait, on_token, q);
        if (is_asked(&conf->providers[i]))
            on_timer(q);
    }
}

void discovery_stop(struct discovery *d)
{
    for (unsigned i = 0; i < d->count; i++) {
        struct question *q = &d->questions[i];
        timer_stop(&q->timer);
        tokens_forget(&q->token_wait);
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
    tokens_free(d->tokens);
    free(d);
}
