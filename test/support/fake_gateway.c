#include "support/fake_gateway.h"

#include <stdlib.h>

#include "app/config.h"
#include "policy/response_store.h"

static void keep_record(struct fake_gateway *g, struct request_record *r)
{
    str *const texts[] = {
        &r->id,         &r->trace_id,      &r->client_ip,    &r->method,     &r->path,
        &r->endpoint,   &r->key_name,      &r->tenant,       &r->user,       &r->model,
        &r->route,      &r->provider,      &r->target_model, &r->user_agent, &r->metadata,
        &r->err_detail, &r->finish_reason, &r->retry_after};
    for (unsigned i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = arena_str(&g->kept, *texts[i]);
    for (unsigned i = 0; i < r->attempt_count; i++) {
        r->attempts[i].provider = arena_str(&g->kept, r->attempts[i].provider);
        r->attempts[i].model = arena_str(&g->kept, r->attempts[i].model);
    }
}

static void on_finish(void *arg, const struct request_record *record)
{
    struct fake_gateway *g = arg;
    size_t size = (g->record_count + 1) * sizeof(*g->records);
    g->records = realloc(g->records, size);
    CHECK(g->records);
    g->records[g->record_count] = *record;
    keep_record(g, &g->records[g->record_count++]);
}

static struct snapshot *make_snapshot(const char *yaml)
{
    struct config_report report;
    struct config_sources sources = {0};
    struct gateway_conf *conf;
    char why[256];
    config_report_init(&report);
    if (config_load_text(&sources, STR("test.yaml"), str_from_c(yaml), &conf, &report)) {
        struct buf text;
        buf_init(&text, 0);
        config_report_write(&report, &text);
        BUG("the test's configuration: %.*s", STR_ARG(buf_str(&text)));
    }
    config_report_release(&report);
    struct snapshot *s = snapshot_new(conf, config_free, why, sizeof(why));
    if (!s)
        BUG("the test's snapshot: %s", why);
    return s;
}

static void set_snapshot(struct fake_gateway *g, struct snapshot *s)
{
    g->snapshot = s;
    worker_set_snapshot(g->worker, s);
}

void fake_gateway_open_with(struct fake_gateway *g, const char *yaml,
                            const struct local_page *pages)
{
    *g = (struct fake_gateway){.loop = loop_new(), .chunks = chunk_alive(), .pages = pages};
    list_init(&g->exchanges);
    arena_init(&g->kept, 0);
    fake_caller_init(&g->caller, g->loop);
    g->responses = response_store_new(1 << 20, 3600 * 1000);
    CHECK(g->responses);
    g->worker = worker_new(&(struct worker_options){.loop = g->loop,
                                                    .caller = &g->caller.caller,
                                                    .version = "0-test",
                                                    .responses = g->responses,
                                                    .on_finish = on_finish,
                                                    .arg = g,
                                                    .pages = pages});
    CHECK(g->worker);
    set_snapshot(g, make_snapshot(yaml));
}

void fake_gateway_open(struct fake_gateway *g, const char *yaml)
{
    fake_gateway_open_with(g, yaml, NULL);
}

void fake_gateway_reload(struct fake_gateway *g, const char *yaml)
{
    set_snapshot(g, make_snapshot(yaml));
}

void fake_gateway_list_models(struct fake_gateway *g, unsigned provider, const char *const *ids,
                              unsigned count)
{
    str list[64];
    CHECK(count <= ARRAY_LEN(list));
    for (unsigned i = 0; i < count; i++)
        list[i] = str_from_c(ids[i]);
    struct snapshot *s = snapshot_with_models(g->snapshot, provider, list, count);
    CHECK(s);
    set_snapshot(g, s);
}

void fake_gateway_close(struct fake_gateway *g)
{
    struct worker_stats *stats = worker_stats(g->worker);
    fake_loop_settle(g->loop);
    CHECK(g->record_count == g->exchange_count);
    CHECK(atomic_load(&stats->active_requests) == 0);
    CHECK(atomic_load(&stats->active_streams) == 0);
    CHECK(fake_loop_timers(g->loop) == 0);
    CHECK(fake_caller_live(&g->caller) == 0);
    for (struct list *node; (node = list_pop(&g->exchanges));)
        fake_exchange_free(LIST_ENTRY(node, struct fake_exchange, node));
    fake_caller_release(&g->caller);
    worker_free(g->worker);
    response_store_free(g->responses);
    loop_free(g->loop);
    CHECK(chunk_alive() == g->chunks);
    arena_release(&g->kept);
    free(g->records);
    arena_recycler_release();
    chunk_recycler_release();
}

/* --- Clients */

static struct fake_exchange *begin(struct fake_gateway *g, str head)
{
    struct fake_exchange *x = fake_exchange_new(g->loop, head, g->arena_budget);
    list_push(&g->exchanges, &x->node);
    g->exchange_count++;
    worker_on_exchange(g->worker, &x->ex);
    return x;
}

struct fake_exchange *fake_gateway_begin(struct fake_gateway *g, const char *head)
{
    return begin(g, str_from_c(head));
}

struct fake_exchange *fake_gateway_send(struct fake_gateway *g, const char *head, const char *body)
{
    struct buf text;
    str rest = str_from_c(head);
    buf_init(&text, 0);
    while (rest.len) {
        str line = str_split(&rest, '\n');
        if (line.len)
            buf_printf(&text, "%.*s\n", STR_ARG(line));
    }
    if (body)
        buf_printf(&text, "content-length: %zu\n", strlen(body));
    struct fake_exchange *x = begin(g, buf_str(&text));
    buf_release(&text);
    if (body && *body) {
        fake_exchange_feed(x, str_from_c(body));
        fake_exchange_feed_end(x);
    }
    fake_loop_settle(g->loop);
    return x;
}

struct fake_exchange *fake_gateway_post(struct fake_gateway *g, const char *path, const char *json)
{
    struct buf head;
    buf_init(&head, 0);
    buf_printf(&head, "POST %s HTTP/1.1\ncontent-type: application/json\n", path);
    buf_add_byte(&head, '\0');
    struct fake_exchange *x = fake_gateway_send(g, head.ptr, json);
    buf_release(&head);
    return x;
}

struct fake_exchange *fake_gateway_get(struct fake_gateway *g, const char *path)
{
    struct buf head;
    buf_init(&head, 0);
    buf_printf(&head, "GET %s HTTP/1.1\n", path);
    buf_add_byte(&head, '\0');
    struct fake_exchange *x = fake_gateway_send(g, head.ptr, NULL);
    buf_release(&head);
    return x;
}

/* --- Looking */

struct fake_call *fake_gateway_call(struct fake_gateway *g, unsigned i)
{
    struct fake_call *c = fake_caller_call(&g->caller, i);
    if (!c)
        BUG("the gateway made only %u calls", g->caller.count);
    return c;
}

struct fake_call *fake_gateway_last_call(struct fake_gateway *g)
{
    CHECK(g->caller.count);
    return fake_gateway_call(g, g->caller.count - 1);
}

const struct request_record *fake_gateway_record(const struct fake_gateway *g)
{
    CHECK(g->record_count);
    return &g->records[g->record_count - 1];
}
