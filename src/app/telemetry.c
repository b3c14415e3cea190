#include "app/telemetry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metric.h"
#include "ops/access_log.h"
#include "ops/process_stats.h"
#include "ops/request_metrics.h"

enum { WORKERS_MAX = 256 };

/* What one worker writes to: only on its thread once it runs. */
struct worker_telemetry {
    struct telemetry *t;
    struct access_log *access; /* NULL: off */
    struct request_metrics *metrics;
    struct worker_thread *thread;
};

struct telemetry {
    struct log_file *messages;
    struct log_file *access; /* may be the same file; NULL: off */
    bool access_is_json;
    struct worker_telemetry workers[WORKERS_MAX];
    unsigned count;
};

static bool is_json(const struct gateway_conf *conf, const struct log_file *f)
{
    return conf->log.format == LOG_FORMAT_JSON ||
           (conf->log.format == LOG_FORMAT_AUTO && !log_file_is_terminal(f));
}

static struct log_file *open_log(str path, const char *option, char *why, size_t size)
{
    struct log_file *f = log_file_open(path.ptr);
    if (!f)
        snprintf(why, size, "%s: cannot open %.*s: %s", option, STR_ARG(path), strerror(errno));
    return f;
}

struct telemetry *telemetry_new(const struct gateway_conf *conf, char *why, size_t size)
{
    struct telemetry *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->messages = open_log(conf->log.file, "log.file", why, size);
    if (t->messages && conf->log.access)
        t->access = conf->log.access_file.len
                        ? open_log(conf->log.access_file, "log.access_file", why, size)
                        : t->messages;
    if (!t->messages || (conf->log.access && !t->access)) {
        telemetry_free(t);
        return NULL;
    }
    t->access_is_json = t->access && is_json(conf, t->access);
    telemetry_configure(t, conf);
    str version = STR(LLM_GATEWAY_VERSION);
    metric_set(metric_find(METRIC_BUILD_INFO, &version), 1);
    telemetry_reloaded(t, true, 1);
    return t;
}

static void on_finish(void *arg, const struct request_record *r)
{
    struct worker_telemetry *w = arg;
    request_metrics_count(w->metrics, r);
    if (w->access && !r->is_local)
        access_log_write(w->access, r);
}

bool telemetry_hook(struct telemetry *t, struct worker_options *o)
{
    struct worker_telemetry *w = &t->workers[t->count];
    CHECK(t->count < WORKERS_MAX);
    w->t = t;
    w->metrics = request_metrics_new();
    w->access = t->access ? access_log_new(t->access, t->access_is_json) : NULL;
    o->on_finish = on_finish;
    o->arg = w;
    t->count++;
    return w->metrics && (w->access || !t->access);
}

void telemetry_add_worker(struct telemetry *t, struct worker_thread *thread)
{
    t->workers[t->count - 1].thread = thread;
}

void telemetry_configure(struct telemetry *t, const struct gateway_conf *conf)
{
    log_set_level((enum log_level)conf->log.level);
    log_start(t->messages, is_json(conf, t->messages));
}

void telemetry_reloaded(struct telemetry *t, bool ok, uint64_t version)
{
    str result = ok ? STR("ok") : STR("failed");
    (void)t;
    if (version > 1 || !ok)
        metric_add(metric_find(METRIC_RELOADS, &result), 1);
    metric_set(metric_plain(METRIC_CONFIG_VERSION), version);
}

void telemetry_reopen(struct telemetry *t)
{
    log_file_reopen(t->messages);
    if (t->access && t->access != t->messages)
        log_file_reopen(t->access);
}

/* --- The page ------------------------------------------------------------------------------- */

#define READ(counter) atomic_load_explicit(&(counter), memory_order_relaxed)

static void set_connections(const char *side, const char *state, uint64_t value)
{
    str values[] = {str_from_c(side), STR("http/1.1"), str_from_c(state)};
    metric_set(metric_find(METRIC_CONNECTIONS, values), value);
}

/* What the workers count for themselves; a scrape may see one number a moment before another. */
static void update_from_workers(struct telemetry *t)
{
    uint64_t requests = 0, streams = 0, clients = 0, accepted = 0, refused = 0;
    uint64_t idle = 0, busy = 0, waiting = 0, opened = 0, reused = 0;
    for (unsigned i = 0; i < t->count && t->workers[i].thread; i++) {
        struct worker_stats *w = worker_thread_worker_stats(t->workers[i].thread);
        struct server_stats *s = worker_thread_server_stats(t->workers[i].thread);
        struct client_stats *c = worker_thread_client_stats(t->workers[i].thread);
        requests += READ(w->active_requests);
        streams += READ(w->active_streams);
        clients += READ(s->connections);
        accepted += READ(s->accepted);
        refused += READ(s->refused);
        idle += READ(c->idle);
        busy += READ(c->busy);
        waiting += READ(c->waiting);
        opened += READ(c->opened);
        reused += READ(c->reused);
    }
    metric_set(metric_plain(METRIC_ACTIVE_REQUESTS), requests);
    metric_set(metric_plain(METRIC_ACTIVE_STREAMS), streams);
    set_connections("client", "open", clients);
    set_connections("upstream", "idle", idle);
    set_connections("upstream", "busy", busy);
    metric_set(metric_plain(METRIC_CONNECTIONS_ACCEPTED), accepted);
    metric_set(metric_plain(METRIC_CONNECTIONS_REFUSED), refused);
    metric_set(metric_plain(METRIC_UPSTREAM_OPENED), opened);
    metric_set(metric_plain(METRIC_UPSTREAM_REUSED), reused);
    metric_set(metric_plain(METRIC_QUEUE_DEPTH), waiting);
    metric_set(metric_plain(METRIC_LOG_DROPPED), log_dropped());
}

void telemetry_metrics_page(struct telemetry *t, const struct request_head *head, struct arena *a,
                            struct local_answer *out)
{
    str accept = head_known(&head->headers, HEADER_ACCEPT);
    bool open_metrics = str_find(accept, STR("application/openmetrics-text")) >= 0;
    struct buf text;
    update_from_workers(t);
    process_stats_update();
    buf_init(&text, 0);
    metric_write(open_metrics ? METRIC_OPENMETRICS : METRIC_PROMETHEUS, &text);
    out->content_type = open_metrics
                            ? STR("application/openmetrics-text; version=1.0.0; charset=utf-8")
                            : STR("text/plain; version=0.0.4; charset=utf-8");
    out->body = text.failed ? STR_NULL : arena_str(a, buf_str(&text));
    buf_release(&text);
    if (str_is_null(out->body))
        out->status = 503;
}

void telemetry_free(struct telemetry *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i < t->count; i++) {
        access_log_free(t->workers[i].access);
        request_metrics_free(t->workers[i].metrics);
    }
    log_stop();
    if (t->access != t->messages)
        log_file_close(t->access);
    log_file_close(t->messages);
    free(t);
}
