#include "http/client.h"

#include <stdlib.h>
#include <xxhash.h>

#include "http/client_request.h"
#include "http/pool.h"

/*
 *     call_start ──> WAITING ──────────────> RUNNING ──────────> DONE     (on_end, on_error)
 *                      │  ^   on_slot           │    on_done       ^
 *                      │  └───── one replay ────┘                  │
 *                      └─────────> FAILING ────────────────────────┘
 *
 * WAITING  the pool's queue, or a connection that is being made
 * RUNNING  a slot is ours
 * FAILING  over, and to be told at the end of the turn
 * DONE     over and told; only call_release() remains
 */
enum call_state { CALL_WAITING, CALL_RUNNING, CALL_FAILING, CALL_DONE };

enum {
    POOL_BUCKETS = 64,
    FLUSH_BATCH = 16, /* slices handed to the slot at once */
};

struct client {
    struct caller caller;
    struct pool_env env;
    struct client_stats stats;
    struct buf scratch; /* for heads being written */
    struct list pools[POOL_BUCKETS];
};

/* In the arena of the call's user. */
struct client_call {
    struct call call;
    enum call_state state;
    bool connected_told, flow_paused, body_ended, drain_owed, replayed;
    struct client *client;
    struct pool *pool;
    struct slot *slot; /* RUNNING */
    struct pool_wait wait;
    struct outgoing out;
    struct chain early; /* what call_write() got before there was a connection */
    struct deferred tell;
    enum err err; /* FAILING */
    const char *why;
};

static const struct slot_user call_slot_user;

static struct client_call *call_of(struct call *c)
{
    return CONTAINER_OF(c, struct client_call, call);
}

static uint64_t call_now(const struct client_call *c)
{
    return loop_now_us(c->client->env.loop);
}

/* --- The end. */

static void call_fail(struct client_call *c, enum err err, const char *why)
{
    c->state = CALL_DONE;
    chain_release(&c->early);
    c->call.handler->on_error(c->call.arg, err, why);
}

/* Inside a call of our user's, who is called back at the end of the turn. */
static void call_fail_later(struct client_call *c, enum err err, const char *why)
{
    c->state = CALL_FAILING;
    c->err = err;
    c->why = why;
    chain_release(&c->early);
    loop_defer(c->client->env.loop, &c->tell);
}

static void call_leave_slot(struct client_call *c)
{
    struct slot *s = c->slot;
    c->slot = NULL;
    s->call = NULL;
    pool_put(s, false);
}

static void call_release_now(struct call *call)
{
    struct client_call *c = call_of(call);
    deferred_cancel(&c->tell);
    switch (c->state) {
    case CALL_WAITING:
        pool_forget(&c->wait);
        break;
    case CALL_RUNNING:
        call_leave_slot(c);
        break;
    case CALL_FAILING:
    case CALL_DONE:
        break;
    }
    c->state = CALL_DONE;
    chain_release(&c->early);
}

/* --- Sending. */

/* Returns the bytes queued. */
static size_t call_flush_early(struct client_call *c)
{
    const struct slot_ops *ops = c->slot->ops;
    size_t queued = 0;
    for (unsigned at = 0; at < c->early.count || c->body_ended;) {
        struct slice batch[FLUSH_BATCH];
        unsigned n = 0;
        while (n < FLUSH_BATCH && at < c->early.count)
            batch[n++] = chain_at(&c->early, at++);
        bool end = c->body_ended && at == c->early.count;
        queued = ops->write(c->slot, batch, n, end);
        if (end)
            break;
    }
    chain_release(&c->early);
    return queued;
}

static void call_send(struct client_call *c, struct slot *s)
{
    struct call_timing *t = &c->call.timing;
    c->state = CALL_RUNNING;
    c->slot = s;
    s->call = &c->call;
    s->user = &call_slot_user;
    t->slot_us = c->wait.slot_us;
    t->connected_us = call_now(c);
    t->reused = s->used;
    t->sent_us = 0;
    s->ops->send(s, &c->out);
    if (c->flow_paused)
        s->ops->flow(s, false);
}

static void call_tell_connected(struct client_call *c)
{
    if (c->connected_told)
        return;
    c->connected_told = true;
    c->call.handler->on_connected(c->call.arg);
}

/* Later than call_start(): out of the pool's callback. */
static void call_on_slot(void *arg, struct slot *s)
{
    struct client_call *c = arg;
    call_send(c, s);
    size_t queued = call_flush_early(c);
    bool drained = c->drain_owed && queued == 0;
    call_tell_connected(c);
    if (drained && c->state == CALL_RUNNING) {
        c->drain_owed = false;
        c->call.handler->on_drain(c->call.arg);
    }
}

static void call_on_wait_failed(void *arg, enum err err, const char *why)
{
    struct client_call *c = arg;
    c->call.timing.slot_us = c->wait.slot_us;
    call_fail(c, err, why);
}

static void call_on_tell(void *arg)
{
    struct client_call *c = arg;
    if (c->state == CALL_FAILING)
        call_fail(c, c->err, c->why);
    else if (c->state == CALL_RUNNING)
        call_tell_connected(c);
}

static size_t call_write_body(struct call *call, const struct slice *v, unsigned n, bool end)
{
    struct client_call *c = call_of(call);
    switch (c->state) {
    case CALL_RUNNING:
        return c->slot->ops->write(c->slot, v, n, end);
    case CALL_FAILING:
    case CALL_DONE:
        return 0;
    case CALL_WAITING:
        break;
    }
    CHECK(c->out.more && !c->body_ended);
    c->body_ended = end;
    for (unsigned i = 0; i < n; i++) {
        if (chain_add(&c->early, v[i]))
            continue;
        pool_forget(&c->wait);
        call_fail_later(c, ERR_NO_MEMORY, "no memory to keep the body");
        return 0;
    }
    c->drain_owed = c->early.bytes > 0;
    return c->early.bytes;
}

static void call_set_flow(struct call *call, bool flow)
{
    struct client_call *c = call_of(call);
    c->flow_paused = !flow;
    if (c->state == CALL_RUNNING)
        c->slot->ops->flow(c->slot, flow);
}

static const struct call_ops client_call_ops = {
    .write = call_write_body,
    .flow = call_set_flow,
    .release = call_release_now,
};

/* --- The answer's end, and the replay. */

/*
 * An idle connection that the provider closed while our request was on its way: nobody read it, so
 * it may go out once more, over a new connection.
 */
static bool call_may_replay(const struct client_call *c, const struct slot_result *r)
{
    return r->err == ERR_UPSTREAM_RESET && r->untouched && c->call.timing.reused && !c->replayed &&
           !c->out.more;
}

static void call_replay(struct client_call *c)
{
    struct slot *s;
    _Atomic uint64_t *count = &c->client->stats.replayed;
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
                          memory_order_relaxed); /* one writer */
    c->replayed = true;
    c->wait.fresh = true;
    c->state = CALL_WAITING;
    enum err err = pool_take(c->pool, &c->wait, &s);
    if (err)
        call_fail(c, err, "no connection to send the request again");
    else
        CHECK(s == NULL); /* a fresh one takes its time */
}

/* It may come before the end of the turn in which an idle connection was lent: something lay in its
 * socket already. */
static void call_on_head(struct call *call, const struct response_head *head)
{
    struct client_call *c = call_of(call);
    call_tell_connected(c);
    if (c->state == CALL_RUNNING)
        call->handler->on_head(call->arg, head);
}

static void call_on_done(struct call *call, const struct slot_result *r)
{
    struct client_call *c = call_of(call);
    c->slot = NULL;
    if (r->err == ERR_NONE) {
        c->state = CALL_DONE;
        call->handler->on_end(call->arg);
    } else if (call_may_replay(c, r)) {
        call_replay(c);
    } else {
        call_fail(c, r->err, r->why);
    }
}

static const struct slot_user call_slot_user = {
    .on_head = call_on_head,
    .on_done = call_on_done,
};

/* --- Pools. */

/* The pool of that key, made when there is none; NULL: out of memory. */
static struct pool *client_pool(struct client *client, const struct endpoint *e)
{
    struct list *bucket = &client->pools[XXH3_64bits(e->key.ptr, e->key.len) % POOL_BUCKETS];
    LIST_EACH (node, bucket) {
        struct pool *p = pool_from_node(node);
        if (str_eq(pool_key(p), e->key)) {
            pool_configure(p, e);
            return p;
        }
    }
    struct pool *p = pool_new(&client->env, e);
    if (p)
        list_push_front(bucket, pool_node(p));
    return p;
}

/* --- The caller. */

static void call_begin(struct client_call *c)
{
    struct slot *s;
    enum err err = pool_take(c->pool, &c->wait, &s);
    if (err) {
        call_fail_later(c, err, "no connection is free");
    } else if (s) {
        call_send(c, s);
        loop_defer(c->client->env.loop, &c->tell);
    }
}

static struct call *client_start(struct caller *caller, const struct endpoint *e,
                                 const struct call_request *request, struct arena *a,
                                 const struct call_handler *handler, void *arg)
{
    struct client *client = CONTAINER_OF(caller, struct client, caller);
    struct client_call *c = arena_zalloc(a, sizeof(*c));
    if (!c)
        return NULL;
    enum err err = outgoing_prepare(&c->out, e, request, a, &client->scratch);
    c->pool = err == ERR_NO_MEMORY ? NULL : client_pool(client, e);
    if (!c->pool)
        return NULL;
    c->call.ops = &client_call_ops;
    c->call.handler = handler;
    c->call.arg = arg;
    c->call.timing.asked_us = loop_now_us(client->env.loop);
    c->client = client;
    c->wait.on_slot = call_on_slot;
    c->wait.on_failed = call_on_wait_failed;
    c->wait.arg = c;
    deferred_init(&c->tell, call_on_tell, c);
    if (err)
        call_fail_later(c, err, "the request's head holds bytes that could end a line");
    else
        call_begin(c);
    return &c->call;
}

static const struct caller_ops client_ops = {.start = client_start};

struct client *client_new(struct loop *l, struct resolver *r, unsigned workers)
{
    struct client *client = calloc(1, sizeof(*client));
    if (!client)
        return NULL;
    client->caller.ops = &client_ops;
    client->env = (struct pool_env){
        .loop = l, .resolver = r, .workers = workers ? workers : 1, .stats = &client->stats};
    buf_init(&client->scratch, 0);
    for (unsigned i = 0; i < POOL_BUCKETS; i++)
        list_init(&client->pools[i]);
    return client;
}

void client_free(struct client *client)
{
    for (unsigned i = 0; i < POOL_BUCKETS; i++) {
        LIST_EACH (node, &client->pools[i]) {
            pool_free(pool_from_node(node));
        }
    }
    buf_release(&client->scratch);
    free(client);
}

struct caller *client_caller(struct client *client)
{
    return &client->caller;
}

struct client_stats *client_stats(struct client *client)
{
    return &client->stats;
}

void client_retain(struct client *client, bool (*keep)(void *arg, str key), void *arg)
{
    for (unsigned i = 0; i < POOL_BUCKETS; i++) {
        LIST_EACH (node, &client->pools[i]) {
            struct pool *p = pool_from_node(node);
            pool_retire(p, !keep(arg, pool_key(p)));
        }
    }
}
