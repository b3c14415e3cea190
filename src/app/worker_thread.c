#include "app/worker_thread.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/machine.h"
#include "base/arena.h"
#include "base/digest.h"
#include "io/inbox.h"
#include "proxy/fetch.h"

enum { LISTENERS_MAX = 64 };

struct worker_thread {
    struct worker_thread_options options;
    pthread_t thread;
    bool running;
    struct loop *loop;
    struct resolver *resolver;
    struct client *client;
    struct fetch_names names;
    struct server *server;
    struct worker *worker;
    struct snapshot *snapshot; /* borrowed: the worker's current one */
    struct {
        unsigned id, server_id; /* server_id 0: free */
    } listeners[LISTENERS_MAX];
    void (*on_drained)(void *arg);
    void *drained_arg;
};

static unsigned share_of(unsigned total, unsigned workers)
{
    unsigned share = (total + workers - 1) / workers;
    return share ? share : 1;
}

static void release(struct worker_thread *t)
{
    if (t->server)
        server_free(t->server);
    if (t->worker)
        worker_free(t->worker);
    if (t->client)
        client_free(t->client);
    if (t->resolver)
        resolver_free(t->resolver);
    if (t->loop)
        loop_free(t->loop);
    free(t);
}

static bool make_parts(struct worker_thread *t)
{
    const struct worker_thread_options *o = &t->options;
    const struct gateway_conf *conf = snapshot_conf(o->snapshot);
    t->loop = loop_new();
    t->resolver = t->loop ? resolver_new(t->loop) : NULL;
    t->client = t->resolver ? client_new(t->loop, t->resolver, o->count) : NULL;
    if (!t->client)
        return false;
    t->options.worker.loop = t->loop;
    t->options.worker.caller = client_caller(t->client);
    t->options.worker.environment = &machine_environment;
    t->names = fetch_names_of(t->resolver);
    t->options.worker.names = &t->names;
    t->worker = worker_new(&t->options.worker);
    if (!t->worker)
        return false;
    t->server =
        server_new(t->loop, &(struct server_options){
                                .conf = conf->server,
                                .connections_max = share_of(conf->server.max_connections, o->count),
                                .on_exchange = worker_on_exchange,
                                .on_refused = worker_on_refused,
                                .arg = t->worker});
    return t->server != NULL;
}

struct worker_thread *worker_thread_new(const struct worker_thread_options *o)
{
    struct worker_thread *t = calloc(1, sizeof(*t));
    if (!t) {
        snapshot_unref(o->snapshot);
        return NULL;
    }
    t->options = *o;
    if (!make_parts(t)) {
        snapshot_unref(o->snapshot);
        release(t);
        return NULL;
    }
    t->snapshot = o->snapshot;
    worker_set_snapshot(t->worker, o->snapshot);
    return t;
}

static void *thread_main(void *arg)
{
    struct worker_thread *t = arg;
    loop_run(t->loop);
    arena_recycler_release();
    chunk_recycler_release();
    digest_release();
    return NULL;
}

bool worker_thread_start(struct worker_thread *t)
{
    t->running = pthread_create(&t->thread, NULL, thread_main, t) == 0;
    return t->running;
}

/* --- Messages ------------------------------------------------------------------------------- */

struct order {
    struct message message;
    struct worker_thread *t;
    void (*run)(struct worker_thread *t, struct order *o);
    unsigned id;
    int fd;
    struct snapshot *snapshot;
    void (*on_drained)(void *arg);
    void *arg;
};

static void order_run(struct message *m)
{
    struct order *o = CONTAINER_OF(m, struct order, message);
    o->run(o->t, o);
    free(o);
}

static void order_drop(struct message *m)
{
    struct order *o = CONTAINER_OF(m, struct order, message);
    snapshot_unref(o->snapshot);
    if (o->fd >= 0)
        close(o->fd);
    free(o);
}

static void post(struct worker_thread *t, struct order order)
{
    struct order *o = malloc(sizeof(*o));
    CHECK(o); /* a few dozen bytes, a few times in a process's life */
    *o = order;
    o->t = t;
    o->message.run = order_run;
    o->message.drop = order_drop;
    inbox_post(t->loop, &o->message);
}

static void do_listen(struct worker_thread *t, struct order *o)
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        if (t->listeners[i].server_id)
            continue;
        t->listeners[i].id = o->id;
        t->listeners[i].server_id = server_listen(t->server, o->fd, snapshot_tls(t->snapshot));
        return;
    }
    close(o->fd);
}

static void do_unlisten(struct worker_thread *t, struct order *o)
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        if (!t->listeners[i].server_id || t->listeners[i].id != o->id)
            continue;
        server_unlisten(t->server, t->listeners[i].server_id);
        t->listeners[i].server_id = 0;
    }
}

static bool endpoint_is_kept(void *arg, str key)
{
    const struct gateway_conf *conf = arg;
    for (unsigned i = 0; i < conf->provider_count; i++)
        if (str_eq(conf->providers[i].endpoint.key, key))
            return true;
    return false;
}

static void do_set_snapshot(struct worker_thread *t, struct order *o)
{
    const struct gateway_conf *conf = snapshot_conf(o->snapshot);
    bool same = conf == snapshot_conf(t->snapshot);
    t->snapshot = o->snapshot;
    worker_set_snapshot(t->worker, o->snapshot);
    if (same) /* only what providers list has changed */
        return;
    server_configure(t->server, &conf->server,
                     share_of(conf->server.max_connections, t->options.count));
    for (unsigned i = 0; i < LISTENERS_MAX; i++)
        if (t->listeners[i].server_id)
            server_set_tls(t->server, t->listeners[i].server_id, snapshot_tls(t->snapshot));
    client_retain(t->client, endpoint_is_kept, (void *)conf);
}

static void tell_drained(struct message *m)
{
    struct order *o = CONTAINER_OF(m, struct order, message);
    o->on_drained(o->arg);
    free(o);
}

static void drained(void *arg)
{
    struct worker_thread *t = arg;
    struct order *o = calloc(1, sizeof(*o));
    CHECK(o);
    o->fd = -1;
    o->on_drained = t->on_drained;
    o->arg = t->drained_arg;
    o->message.run = tell_drained;
    o->message.drop = order_drop;
    inbox_post(t->options.control, &o->message);
}

static void do_drain(struct worker_thread *t, struct order *o)
{
    t->on_drained = o->on_drained;
    t->drained_arg = o->arg;
    server_drain(t->server, drained, t);
}

static void do_stop(struct worker_thread *t, struct order *o)
{
    (void)o;
    worker_end_all(t->worker, ERR_DRAINING);
    loop_stop(t->loop);
}

void worker_thread_listen(struct worker_thread *t, unsigned id, int fd)
{
    post(t, (struct order){.run = do_listen, .id = id, .fd = fd});
}

void worker_thread_unlisten(struct worker_thread *t, unsigned id)
{
    post(t, (struct order){.run = do_unlisten, .id = id, .fd = -1});
}

void worker_thread_set_snapshot(struct worker_thread *t, struct snapshot *s)
{
    post(t, (struct order){.run = do_set_snapshot, .snapshot = s, .fd = -1});
}

void worker_thread_drain(struct worker_thread *t, void (*on_drained)(void *arg), void *arg)
{
    post(t, (struct order){.run = do_drain, .on_drained = on_drained, .arg = arg, .fd = -1});
}

/* --- The end -------------------------------------------------------------------------------- */

enum { LAST_TURNS = 8 }; /* answers flushed, closing lists run */

void worker_thread_stop(struct worker_thread *t)
{
    if (t->running) {
        post(t, (struct order){.run = do_stop, .fd = -1});
        pthread_join(t->thread, NULL);
    }
    for (unsigned i = 0; i < LAST_TURNS; i++)
        loop_turn(t->loop, false);
    worker_end_all(t->worker, ERR_DRAINING);
    server_close_all(t->server);
    for (unsigned i = 0; i < LAST_TURNS; i++)
        loop_turn(t->loop, false);
    release(t);
}

struct server_stats *worker_thread_server_stats(struct worker_thread *t)
{
    return server_stats(t->server);
}

struct client_stats *worker_thread_client_stats(struct worker_thread *t)
{
    return client_stats(t->client);
}

struct worker_stats *worker_thread_worker_stats(struct worker_thread *t)
{
    return worker_stats(t->worker);
}
