#include "io/dns.h"

#include "base/check.h"
#include "io/dns_impl.h"

#include <stdlib.h>

enum {
    NAME_MAX_LEN = 253,
    ENTRIES_MAX = 1024,
    BUCKETS = 256,
    TTL_MIN_S = 5,
    TTL_MAX_S = 60,
    LAST_GOOD_S = 600,
    FAILED_MS = 1000, /* a name that failed is not asked for again so soon */
    ANSWER_MS = 900,  /* who waits hears by then; the lookup may go on behind */
};

/*
 * One name.  With addresses: fresh until `fresh_until`, then good for want of better until
 * `good_until`.  Without: known to fail until `failed_until`.  Lives while somebody waits or it is
 * being looked up, and else until it is the one unused for longest.
 */
struct entry {
    struct list bucket;
    struct list recent; /* of the resolver: least recently used first */
    struct resolver *resolver;
    struct list waiting; /* dns_query.node */
    struct deferred deliver;
    struct timer patience;
    uint64_t refresh_at, fresh_until, good_until, failed_until;
    bool looking;
    struct address *addresses; /* with port 0 */
    unsigned n;
    char name[];
};

struct resolver {
    struct loop *loop;
    struct dns_ares *ares;
    unsigned count;
    struct list recent;
    struct list immediate; /* queries whose answer was here already */
    struct list buckets[BUCKETS];
};

struct dns_query {
    struct list node; /* of entry.waiting or resolver.immediate */
    struct deferred now;
    dns_fn *on_answer;
    void *arg;
    uint16_t port;
    unsigned n;
    struct address addresses[]; /* of an immediate query */
};

/* --- Names */

static unsigned hash(str name)
{
    unsigned h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < name.len; i++)
        h = (h ^ ((unsigned char)name.ptr[i] | 0x20u)) * 16777619u;
    return h % BUCKETS;
}

static bool is_name(str host)
{
    return host.len && host.len <= NAME_MAX_LEN && !memchr(host.ptr, 0, host.len);
}

/* --- Entries */

static struct entry *entry_find(struct resolver *r, str name)
{
    struct list *bucket = &r->buckets[hash(name)];
    LIST_EACH (node, bucket) {
        struct entry *e = LIST_ENTRY(node, struct entry, bucket);
        if (str_ieq(str_from_c(e->name), name))
            return e;
    }
    return NULL;
}

static void entry_used(struct entry *e)
{
    list_remove(&e->recent);
    list_push(&e->resolver->recent, &e->recent);
}

static void entry_free(struct entry *e)
{
    list_remove(&e->bucket);
    list_remove(&e->recent);
    deferred_cancel(&e->deliver);
    timer_stop(&e->patience);
    e->resolver->count--;
    free(e->addresses);
    free(e);
}

static bool is_busy(const struct entry *e)
{
    return e->looking || !list_is_empty(&e->waiting) || !list_is_empty(&e->deliver.node);
}

static void make_room(struct resolver *r)
{
    LIST_EACH (node, &r->recent) {
        struct entry *e = LIST_ENTRY(node, struct entry, recent);
        if (r->count < ENTRIES_MAX)
            return;
        if (!is_busy(e))
            entry_free(e);
    }
}

static void on_deliver(void *arg);
static void on_patience(void *arg);

static struct entry *entry_new(struct resolver *r, str name)
{
    make_room(r);
    struct entry *e = calloc(1, sizeof(*e) + name.len + 1);
    if (!e)
        return NULL;
    e->resolver = r;
    memcpy(e->name, name.ptr, name.len);
    list_init(&e->waiting);
    list_init(&e->recent);
    list_push(&r->buckets[hash(name)], &e->bucket);
    list_push(&r->recent, &e->recent);
    deferred_init(&e->deliver, on_deliver, e);
    timer_init(&e->patience, on_patience, e);
    r->count++;
    return e;
}

static uint64_t now_us(const struct entry *e)
{
    return loop_now_us(e->resolver->loop);
}

static void live_for(struct entry *e, uint64_t seconds)
{
    uint64_t life = seconds * 1000000;
    e->refresh_at = now_us(e) + life / 2;
    e->fresh_until = now_us(e) + life;
}

static bool is_fresh(const struct entry *e)
{
    return e->n && now_us(e) < e->fresh_until;
}

static void look_up(struct entry *e)
{
    if (e->looking)
        return;
    e->looking = true;
    dns_ares_lookup(e->resolver->ares, e->name, e);
}

static void refresh_behind(struct entry *e)
{
    if (now_us(e) >= e->refresh_at)
        look_up(e);
}

/* --- What came of a lookup */

static bool store(struct entry *e, const struct address *addresses, unsigned n)
{
    struct address *copy = malloc(n * sizeof(*copy));
    if (!copy)
        return false;
    memcpy(copy, addresses, n * sizeof(*copy));
    free(e->addresses);
    e->addresses = copy;
    e->n = n;
    return true;
}

static void on_failure(struct entry *e)
{
    if (e->n && now_us(e) < e->good_until) {
        live_for(e, TTL_MIN_S);
        return;
    }
    e->n = 0;
    e->failed_until = now_us(e) + FAILED_MS * 1000;
}

static void on_found(void *arg, const struct address *addresses, unsigned n, unsigned ttl_s)
{
    struct entry *e = arg;
    e->looking = false;
    if (n && store(e, addresses, n)) {
        live_for(e, ttl_s < TTL_MIN_S ? TTL_MIN_S : ttl_s > TTL_MAX_S ? TTL_MAX_S : ttl_s);
        e->good_until = now_us(e) + (uint64_t)LAST_GOOD_S * 1000000;
    } else {
        on_failure(e);
    }
    if (!list_is_empty(&e->waiting))
        loop_defer(e->resolver->loop, &e->deliver);
}

/* The lookup takes too long for those who wait. */
static void on_patience(void *arg)
{
    struct entry *e = arg;
    on_failure(e);
    loop_defer(e->resolver->loop, &e->deliver);
}

static unsigned copy_with_port(struct address *to, const struct address *from, unsigned n,
                               uint16_t port)
{
    for (unsigned i = 0; i < n; i++) {
        to[i] = from[i];
        address_set_port(&to[i], port);
    }
    return n;
}

static void answer(struct dns_query *q, const struct address *addresses, unsigned n)
{
    list_remove(&q->node);
    q->on_answer(q->arg, addresses, n, n ? ERR_NONE : ERR_UPSTREAM_DNS);
    free(q);
}

/* Callbacks may ask again (they are answered from here or wait anew) and cancel others. */
static void on_deliver(void *arg)
{
    struct entry *e = arg;
    struct address addresses[DNS_ADDRESSES_MAX], from[DNS_ADDRESSES_MAX];
    struct list answered = LIST_INIT(answered), *node;
    unsigned n = copy_with_port(from, e->addresses, e->n, 0);
    timer_stop(&e->patience);
    while ((node = list_pop(&e->waiting)))
        list_push(&answered, node);
    while (!list_is_empty(&answered)) {
        struct dns_query *q = LIST_ENTRY(answered.next, struct dns_query, node);
        copy_with_port(addresses, from, n, q->port);
        answer(q, addresses, n);
    }
}

/* --- Queries */

static void on_now(void *arg)
{
    struct dns_query *q = arg;
    answer(q, q->addresses, q->n);
}

static struct dns_query *query_new(uint16_t port, dns_fn *on_answer, void *arg, unsigned room)
{
    struct dns_query *q = calloc(1, sizeof(*q) + room * sizeof(q->addresses[0]));
    if (!q)
        return NULL;
    list_init(&q->node);
    deferred_init(&q->now, on_now, q);
    q->on_answer = on_answer;
    q->arg = arg;
    q->port = port;
    return q;
}

/* The answer is known: n addresses, or none. */
static struct dns_query *answer_soon(struct resolver *r, uint16_t port, dns_fn *on_answer,
                                     void *arg, const struct address *addresses, unsigned n)
{
    struct dns_query *q = query_new(port, on_answer, arg, n);
    if (!q)
        return NULL;
    q->n = copy_with_port(q->addresses, addresses, n, port);
    list_push(&r->immediate, &q->node);
    loop_defer(r->loop, &q->now);
    return q;
}

static struct dns_query *wait_for(struct entry *e, uint16_t port, dns_fn *on_answer, void *arg)
{
    struct dns_query *q = query_new(port, on_answer, arg, 0);
    if (!q)
        return NULL;
    list_push(&e->waiting, &q->node);
    if (!timer_is_running(&e->patience))
        timer_start(e->resolver->loop, &e->patience, ANSWER_MS);
    look_up(e);
    return q;
}

unsigned dns_cached(struct resolver *r, str host, uint16_t port,
                    struct address out[DNS_ADDRESSES_MAX])
{
    if (address_from_ip(&out[0], host, port))
        return 1;
    struct entry *e = entry_find(r, host);
    if (!e || !is_fresh(e))
        return 0;
    entry_used(e);
    refresh_behind(e);
    return copy_with_port(out, e->addresses, e->n, port);
}

struct dns_query *dns_resolve(struct resolver *r, str host, uint16_t port, dns_fn *on_answer,
                              void *arg)
{
    struct address known[DNS_ADDRESSES_MAX];
    unsigned n = dns_cached(r, host, port, known);
    if (n || !is_name(host))
        return answer_soon(r, port, on_answer, arg, known, n);
    struct entry *e = entry_find(r, host);
    if (!e && !(e = entry_new(r, host)))
        return NULL;
    entry_used(e);
    if (now_us(e) < e->failed_until)
        return answer_soon(r, port, on_answer, arg, NULL, 0);
    return wait_for(e, port, on_answer, arg);
}

void dns_cancel(struct dns_query *q)
{
    deferred_cancel(&q->now);
    list_remove(&q->node);
    free(q);
}

/* --- Life */

struct resolver *resolver_new(struct loop *l)
{
    struct resolver *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->loop = l;
    list_init(&r->recent);
    list_init(&r->immediate);
    for (unsigned i = 0; i < BUCKETS; i++)
        list_init(&r->buckets[i]);
    r->ares = dns_ares_new(l, on_found);
    if (!r->ares) {
        free(r);
        return NULL;
    }
    return r;
}

static void cancel_all(struct list *queries)
{
    while (!list_is_empty(queries))
        dns_cancel(LIST_ENTRY(queries->next, struct dns_query, node));
}

void resolver_free(struct resolver *r)
{
    if (!r)
        return;
    dns_ares_free(r->ares);
    cancel_all(&r->immediate);
    while (!list_is_empty(&r->recent)) {
        struct entry *e = LIST_ENTRY(r->recent.next, struct entry, recent);
        cancel_all(&e->waiting);
        entry_free(e);
    }
    free(r);
}

enum err resolver_set_servers(struct resolver *r, const char *servers)
{
    return dns_ares_set_servers(r->ares, servers) ? ERR_NONE : ERR_CONFIG;
}
