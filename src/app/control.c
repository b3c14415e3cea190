#include "app/control.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/admin.h"
#include "app/demo.h"
#include "app/discovery.h"
#include "app/listeners.h"
#include "app/telemetry.h"
#include "app/worker_thread.h"
#include "base/log.h"
#include "base/recorder.h"
#include "io/activation.h"
#include "io/file_watch.h"
#include "io/notify.h"
#include "io/signals.h"
#include "ops/health.h"
#include "policy/response_store.h"

enum { WORKERS_MAX = 256, WATCH_SETTLE_MS = 500, RESPONSES_MAX = 64 << 20 };

#define RESPONSES_TTL_MS (UINT64_C(30) * 24 * 3600 * 1000) /* as long as OpenAI keeps them */

enum control_state { CONTROL_STARTING, CONTROL_SERVING, CONTROL_DRAINING, CONTROL_STOPPED };

struct control {
    struct control_options options;
    enum control_state state;
    _Atomic bool draining; /* read by health pages on the workers; nothing else hangs on it */
    uint64_t started_us;
    uint64_t versions; /* configurations accepted so far */
    struct loop *loop;
    struct signals *signals;
    struct snapshot *snapshot; /* the current one */
    struct resolver *resolver;
    struct client *client; /* for discovery */
    struct discovery *discovery;
    struct admin *admin;
    struct demo *demo;
    struct telemetry *telemetry;
    struct response_store *responses; /* that clients may go on from; the workers share it */
    struct worker_thread *workers[WORKERS_MAX];
    unsigned worker_count;
    unsigned draining_workers;
    struct listeners listeners;
    struct timer drain_timer, watchdog;
    struct file_watch *watch; /* of the configuration's file; NULL: not wanted */
};

/* --- Pages ---------------------------------------------------------------------------------- */

static struct health_input health_of(struct control *c, const struct gateway_conf *conf)
{
    return (struct health_input){
        .conf = conf,
        .draining = atomic_load_explicit(&c->draining, memory_order_relaxed),
        .version = c->options.version,
        .uptime_s = (loop_clock_us() - c->started_us) / 1000000,
    };
}

#define HEALTH_PAGE(name)                                                                          \
    static void page_##name(void *arg, const struct gateway_conf *conf,                            \
                            const struct request_head *head, struct arena *a,                      \
                            struct local_answer *out)                                              \
    {                                                                                              \
        struct health_input in = health_of(arg, conf);                                             \
        (void)head;                                                                                \
        health_##name(&in, a, out);                                                                \
    }
HEALTH_PAGE(overview)
HEALTH_PAGE(live)
HEALTH_PAGE(ready)
HEALTH_PAGE(providers)

static void page_metrics(void *arg, const struct gateway_conf *conf,
                         const struct request_head *head, struct arena *a, struct local_answer *out)
{
    struct control *c = arg;
    (void)conf;
    telemetry_metrics_page(c->telemetry, head, a, out);
}

static const struct local_page health_pages[] = {
    {"/health", page_overview},
    {"/health/live", page_live},
    {"/health/ready", page_ready},
    {"/health/providers", page_providers},
    {NULL, NULL},
};

static void page_recorder(void *arg, const struct gateway_conf *conf,
                          const struct request_head *head, struct arena *a,
                          struct local_answer *out)
{
    struct buf text;
    (void)arg, (void)head;
    if (!conf->admin_token.len) { /* more than health and metrics needs a token to exist */
        out->status = 403;
        out->body = STR("{\"error\":{\"message\":\"set admin.token to use this page\"}}\n");
        return;
    }
    buf_init(&text, 0);
    recorder_dump(&text);
    out->content_type = STR("text/plain; charset=utf-8");
    out->body = arena_str(a, buf_str(&text));
    buf_release(&text);
}

static const struct local_page token_pages[] = {
    {"/metrics", page_metrics}, {"/admin/recorder", page_recorder}, {NULL, NULL}};

/* --- Publishing ----------------------------------------------------------------------------- */

/* Takes over the reference. */
static void publish(struct control *c, struct snapshot *s)
{
    struct snapshot *before = c->snapshot;
    c->snapshot = s;
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_thread_set_snapshot(c->workers[i], snapshot_ref(s));
    if (c->admin)
        admin_set_snapshot(c->admin, s);
    snapshot_unref(before);
}

static void on_models(void *arg, const struct gateway_conf *conf, unsigned index, const str *ids,
                      unsigned count)
{
    struct control *c = arg;
    if (snapshot_conf(c->snapshot) != conf)
        return; /* an answer to a question of the past */
    struct model_list known = snapshot_models(c->snapshot, index);
    bool same = known.count == count;
    for (unsigned i = 0; same && i < count; i++)
        same = str_eq(known.ids[i], ids[i]);
    if (same)
        return;
    log_info("provider %.*s lists %u models", STR_ARG(conf->providers[index].name), count);
    struct snapshot *s = snapshot_with_models(c->snapshot, index, ids, count);
    if (s)
        publish(c, s);
}

/* Makes the snapshot of an accepted configuration.  NULL: `why`; conf was freed. */
static struct snapshot *make_snapshot(struct control *c, struct gateway_conf *conf, char *why,
                                      size_t size)
{
    conf->version = c->versions + 1;
    if (!demo_prepare(&c->demo, c->loop, conf, why, size)) {
        config_free(conf);
        return NULL;
    }
    struct snapshot *s = snapshot_new(conf, config_free, why, size);
    if (!s) {
        config_free(conf);
        return NULL;
    }
    c->versions++;
    return s;
}

/* --- Reload --------------------------------------------------------------------------------- */

static void log_report(const struct config_report *report, enum log_level level)
{
    struct buf text;
    buf_init(&text, 0);
    config_report_write(report, &text);
    str left = buf_str(&text);
    while (left.len) {
        str line = str_split(&left, '\n');
        if (line.len)
            log_message(level, "%.*s", STR_ARG(line));
    }
    buf_release(&text);
}

/* The whole way from the file to a snapshot; NULL: said in the log why. */
static struct snapshot *load_again(struct control *c)
{
    struct config_report report;
    struct gateway_conf *conf = NULL;
    struct snapshot *s = NULL;
    char why[512];
    config_report_init(&report);
    if (config_load(c->options.sources, &conf, &report)) {
        log_report(&report, LOG_ERROR);
    } else {
        log_report(&report, LOG_WARN);
        s = make_snapshot(c, conf, why, sizeof(why));
        if (!s)
            log_error("%s", why);
    }
    config_report_release(&report);
    return s;
}

static void name_restart_needs(struct control *c, const struct gateway_conf *after)
{
    struct buf names;
    buf_init(&names, 0);
    if (config_restart_needed(snapshot_conf(c->snapshot), after, &names))
        log_warn("these settings changed and count only after a restart: %.*s",
                 STR_ARG(buf_str(&names)));
    buf_release(&names);
}

static void on_file_change(void *arg);

/* After `watch` was set or taken away. */
static void watch_file(struct control *c)
{
    const struct gateway_conf *conf = snapshot_conf(c->snapshot);
    bool wanted = conf->watch && conf->file.len;
    if (wanted && !c->watch) {
        c->watch = file_watch_new(c->loop, conf->file.ptr, &conf->file_mark, WATCH_SETTLE_MS,
                                  on_file_change, c);
    } else if (!wanted) {
        file_watch_close(c->watch);
        c->watch = NULL;
    }
}

static void reload(struct control *c)
{
    char why[512];
    notify_reloading();
    struct snapshot *s = load_again(c);
    bool ok = s && listeners_apply(&c->listeners, snapshot_conf(s), c->workers, c->worker_count,
                                   why, sizeof(why));
    telemetry_reloaded(c->telemetry, ok, c->versions);
    if (!ok) {
        if (s)
            log_error("%s", why);
        log_error("reload failed: the configuration before it goes on serving");
        snapshot_unref(s);
        notify_ready();
        return;
    }
    name_restart_needs(c, snapshot_conf(s));
    snapshot_inherit_models(s, c->snapshot);
    publish(c, s);
    watch_file(c);
    telemetry_configure(c->telemetry, snapshot_conf(s));
    discovery_start(c->discovery, s);
    log_info("reloaded: configuration %llu serves new requests", (unsigned long long)c->versions);
    notify_ready();
}

static void on_file_change(void *arg)
{
    struct control *c = arg;
    if (c->state != CONTROL_SERVING)
        return;
    log_info("the configuration file has changed");
    reload(c);
}

/* --- Stopping ------------------------------------------------------------------------------- */

static void stop(struct control *c)
{
    c->state = CONTROL_STOPPED;
    timer_stop(&c->drain_timer);
    loop_stop(c->loop);
}

static void on_drain_timeout(void *arg)
{
    struct control *c = arg;
    log_warn("drain_timeout is over: what still runs is ended");
    stop(c);
}

static void on_worker_drained(void *arg)
{
    struct control *c = arg;
    if (c->state == CONTROL_DRAINING && --c->draining_workers == 0)
        stop(c);
}

static void drain(struct control *c)
{
    uint64_t timeout_ms = snapshot_conf(c->snapshot)->server.drain_timeout_ms;
    c->state = CONTROL_DRAINING;
    atomic_store_explicit(&c->draining, true, memory_order_relaxed);
    notify_stopping();
    log_info("stopping: no new connections, running requests have %llu s",
             (unsigned long long)(timeout_ms / 1000));
    c->draining_workers = c->worker_count;
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_thread_drain(c->workers[i], on_worker_drained, c);
    timer_start(c->loop, &c->drain_timer, timeout_ms);
}

static void on_signal(void *arg, int signo)
{
    struct control *c = arg;
    switch (signo) {
    case SIGTERM:
    case SIGINT:
        if (c->state == CONTROL_SERVING)
            drain(c);
        else
            stop(c);
        break;
    case SIGHUP:
        if (c->state == CONTROL_SERVING)
            reload(c);
        break;
    case SIGUSR1:
        telemetry_reopen(c->telemetry);
        break;
    default:
        break;
    }
}

/* --- The service manager's watchdog: it hears from the loop that steers, at half its patience. */

static void on_watchdog(void *arg)
{
    struct control *c = arg;
    notify_alive();
    timer_start(c->loop, &c->watchdog, notify_watchdog_ms() / 2);
}

/* --- Starting ------------------------------------------------------------------------------- */

/* Every connection is two descriptors; ask for what we may have. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool start_workers(struct control *c, char *why, size_t size)
{
    unsigned n = snapshot_conf(c->snapshot)->workers;
    n = n < WORKERS_MAX ? n : WORKERS_MAX;
    for (unsigned i = 0; i < n; i++) {
        struct worker_options options = {.version = c->options.version,
                                         .responses = c->responses,
                                         .pages = health_pages,
                                         .pages_arg = c};
        bool hooked = telemetry_hook(c->telemetry, &options);
        c->workers[i] = worker_thread_new(&(struct worker_thread_options){
            .index = i,
            .count = n,
            .snapshot = snapshot_ref(c->snapshot),
            .worker = options,
            .control = c->loop,
        });
        if (!hooked || !c->workers[i] || !worker_thread_start(c->workers[i])) {
            snprintf(why, size, "cannot start worker %u: out of memory, threads or descriptors", i);
            return false;
        }
        c->worker_count++;
        telemetry_add_worker(c->telemetry, c->workers[i]);
    }
    return true;
}

static bool start_admin(struct control *c, char *why, size_t size)
{
    const struct gateway_conf *conf = snapshot_conf(c->snapshot);
    if (!conf->admin_enabled)
        return true;
    int fd = listen_socket(&conf->admin_listen.address, false, 0);
    if (fd < 0 && conf->admin_is_default) {
        log_warn("no operator's listener: %.*s is taken by another program; set admin.listen",
                 STR_ARG(conf->admin_listen.text));
        return true;
    }
    if (fd < 0) {
        snprintf(why, size, "admin.listen: cannot listen on %.*s: %s",
                 STR_ARG(conf->admin_listen.text), strerror(errno));
        return false;
    }
    c->admin = admin_new(&(struct admin_options){.loop = c->loop,
                                                 .open_pages = health_pages,
                                                 .token_pages = token_pages,
                                                 .pages_arg = c},
                         c->snapshot);
    if (c->admin && admin_listen(c->admin, fd))
        return true;
    snprintf(why, size, "out of memory");
    return false;
}

static bool start_parts(struct control *c, char *why, size_t size)
{
    snprintf(why, size, "out of memory or descriptors");
    timer_init(&c->drain_timer, on_drain_timeout, c);
    timer_init(&c->watchdog, on_watchdog, c);
    c->telemetry = telemetry_new(c->options.conf, why, size);
    if (!c->telemetry) {
        config_free(c->options.conf);
        return false;
    }
    c->snapshot = make_snapshot(c, c->options.conf, why, size);
    if (!c->snapshot)
        return false;
    c->responses = response_store_new(RESPONSES_MAX, RESPONSES_TTL_MS);
    if (!c->responses)
        return false;
    c->signals = signals_watch(c->loop, on_signal, c);
    c->resolver = resolver_new(c->loop);
    c->client = c->resolver ? client_new(c->loop, c->resolver, 1) : NULL;
    c->discovery =
        c->client ? discovery_new(c->loop, client_caller(c->client), on_models, c) : NULL;
    if (!c->signals || !c->discovery)
        return false;
    return start_workers(c, why, size) && start_admin(c, why, size) &&
           listeners_apply(&c->listeners, snapshot_conf(c->snapshot), c->workers, c->worker_count,
                           why, size);
}

struct control *control_start(const struct control_options *o, char *why, size_t size)
{
    struct control *c = calloc(1, sizeof(*c));
    if (c)
        c->loop = loop_new();
    if (!c || !c->loop) {
        snprintf(why, size, "out of memory or descriptors");
        config_free(o->conf);
        free(c);
        return NULL;
    }
    c->options = *o;
    c->started_us = loop_clock_us();
    raise_descriptor_limit();
    activation_count(); /* before there are threads: it changes the environment */
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    recorder_install();
    if (!start_parts(c, why, size)) {
        control_free(c);
        return NULL;
    }
    unsigned unclaimed = activation_close_rest();
    if (unclaimed)
        log_warn("%u sockets of the service manager match no address under listen", unclaimed);
    c->state = CONTROL_SERVING;
    watch_file(c);
    if (notify_watchdog_ms())
        on_watchdog(c);
    discovery_start(c->discovery, c->snapshot);
    return c;
}

int control_run(struct control *c)
{
    notify_ready();
    loop_run(c->loop);
    return 0;
}

void control_free(struct control *c)
{
    enum { LAST_TURNS = 8 };
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_thread_stop(c->workers[i]);
    if (c->discovery)
        discovery_free(c->discovery);
    admin_free(c->admin);
    demo_free(c->demo);
    signals_close(c->signals);
    file_watch_close(c->watch);
    timer_stop(&c->watchdog);
    for (unsigned i = 0; i < LAST_TURNS; i++)
        loop_turn(c->loop, false);
    if (c->client)
        client_free(c->client);
    if (c->resolver)
        resolver_free(c->resolver);
    snapshot_unref(c->snapshot);
    for (unsigned i = 0; i < LAST_TURNS; i++)
        loop_turn(c->loop, false);
    loop_free(c->loop);
    telemetry_free(c->telemetry);
    response_store_free(c->responses);
    free(c);
}
