#include "io/dns_impl.h"

#include "base/check.h"
#include "io/loop_impl.h"

#include <ares.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/time.h>

/* A lost packet is asked again after half a second, then after one more. */
enum { TRY_MS = 500, TRIES = 3 };

struct dns_ares {
    struct loop *loop;
    ares_channel channel;
    struct timer timer; /* when c-ares wants to look at the clock */
    struct list sockets;
    dns_found_fn *on_found;
    bool freeing;
};

/* A socket of c-ares, watched by libuv. */
struct watched {
    uv_poll_t poll;
    struct list node;
    struct dns_ares *ares;
    ares_socket_t fd;
};

struct lookup {
    struct dns_ares *ares;
    void *arg;
};

/* --- Sockets and the clock */

static void set_timer(struct dns_ares *a)
{
    struct timeval tv;
    if (!ares_timeout(a->channel, NULL, &tv))
        timer_stop(&a->timer);
    else
        timer_start(a->loop, &a->timer,
                    (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000 + 1);
}

static void on_timer(void *arg)
{
    struct dns_ares *a = arg;
    ares_process_fd(a->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(a);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watched *w = CONTAINER_OF(poll, struct watched, poll);
    struct dns_ares *a = w->ares;
    bool readable = status < 0 || events & UV_READABLE; /* an error is read */
    bool writable = status < 0 || events & UV_WRITABLE;
    ares_process_fd(a->channel, readable ? w->fd : ARES_SOCKET_BAD,
                    writable ? w->fd : ARES_SOCKET_BAD);
    set_timer(a);
}

static void on_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF((uv_poll_t *)handle, struct watched, poll));
}

static struct watched *find(struct dns_ares *a, ares_socket_t fd)
{
    LIST_EACH (node, &a->sockets) {
        struct watched *w = LIST_ENTRY(node, struct watched, node);
        if (w->fd == fd)
            return w;
    }
    return NULL;
}

static struct watched *watch(struct dns_ares *a, ares_socket_t fd)
{
    struct watched *w = calloc(1, sizeof(*w));
    if (!w || uv_poll_init(&a->loop->uv, &w->poll, fd)) {
        free(w); /* unwatched, the question times out */
        return NULL;
    }
    w->ares = a;
    w->fd = fd;
    list_push(&a->sockets, &w->node);
    return w;
}

/* c-ares says what to wait for; neither: it closes the socket next. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct dns_ares *a = arg;
    struct watched *w = find(a, fd);
    if (!readable && !writable) {
        if (w) {
            list_remove(&w->node);
            uv_close((uv_handle_t *)&w->poll, on_closed);
        }
        return;
    }
    if (w || (w = watch(a, fd)))
        uv_poll_start(&w->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
                      on_poll);
}

/* --- Lookups */

static const struct ares_addrinfo_node *next_of_family(const struct ares_addrinfo_node *n,
                                                       int family)
{
    while (n && n->ai_family != family)
        n = n->ai_next;
    return n;
}

static void copy_address(struct address *to, const struct ares_addrinfo_node *from)
{
    *to = (struct address){.len = (socklen_t)from->ai_addrlen};
    memcpy(&to->storage, from->ai_addr, from->ai_addrlen);
    address_set_port(to, 0);
}

/* RFC 8305 §4: the families take turns, IPv6 first. */
static unsigned interleave(const struct ares_addrinfo_node *nodes,
                           struct address out[DNS_ADDRESSES_MAX], unsigned *ttl_s)
{
    static const int families[2] = {AF_INET6, AF_INET};
    const struct ares_addrinfo_node *next[2];
    unsigned n = 0;
    *ttl_s = UINT32_MAX;
    for (int f = 0; f < 2; f++)
        next[f] = next_of_family(nodes, families[f]);
    for (int f = 0; (next[0] || next[1]) && n < DNS_ADDRESSES_MAX; f = !f) {
        if (!next[f])
            continue;
        unsigned ttl = next[f]->ai_ttl > 0 ? (unsigned)next[f]->ai_ttl : 0;
        *ttl_s = ttl < *ttl_s ? ttl : *ttl_s;
        copy_address(&out[n++], next[f]);
        next[f] = next_of_family(next[f]->ai_next, families[f]);
    }
    return n;
}

static void on_addrinfo(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    struct lookup l = *(struct lookup *)arg;
    struct address addresses[DNS_ADDRESSES_MAX];
    unsigned n = 0, ttl_s = 0;
    (void)timeouts;
    free(arg);
    if (status == ARES_SUCCESS && result)
        n = interleave(result->nodes, addresses, &ttl_s);
    if (result)
        ares_freeaddrinfo(result);
    if (!l.ares->freeing)
        l.ares->on_found(l.arg, addresses, n, ttl_s);
}

void dns_ares_lookup(struct dns_ares *a, const char *name, void *arg)
{
    static const struct ares_addrinfo_hints hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM, /* else each address comes once for each kind */
        .ai_flags = ARES_AI_NOSORT, /* sorting asks the kernel for routes, a socket for each */
    };
    struct lookup *l = malloc(sizeof(*l));
    if (!l) {
        a->on_found(arg, NULL, 0, 0);
        return;
    }
    *l = (struct lookup){.ares = a, .arg = arg};
    ares_getaddrinfo(a->channel, name, NULL, &hints, on_addrinfo, l);
    set_timer(a);
}

/* --- Life */

static int library_status;

static void init_library(void)
{
    library_status = ares_library_init(ARES_LIB_INIT_ALL);
}

static bool open_channel(struct dns_ares *a)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct ares_options options = {
        .timeout = TRY_MS,
        .tries = TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = a,
    };
    int which = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
    which |= ARES_OPT_QUERY_CACHE; /* with qcache_max_ttl 0: none; the cache is ours */
#endif
    pthread_once(&once, init_library);
    return library_status == ARES_SUCCESS &&
           ares_init_options(&a->channel, &options, which) == ARES_SUCCESS;
}

struct dns_ares *dns_ares_new(struct loop *l, dns_found_fn *on_found)
{
    struct dns_ares *a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    a->loop = l;
    a->on_found = on_found;
    list_init(&a->sockets);
    timer_init(&a->timer, on_timer, a);
    if (!open_channel(a)) {
        free(a);
        return NULL;
    }
    return a;
}

void dns_ares_free(struct dns_ares *a)
{
    if (!a)
        return;
    a->freeing = true;
    timer_stop(&a->timer);
    ares_destroy(a->channel); /* ends every lookup, closes every socket */
    CHECK(list_is_empty(&a->sockets));
    free(a);
}

bool dns_ares_set_servers(struct dns_ares *a, const char *servers)
{
    return ares_set_servers_ports_csv(a->channel, servers) == ARES_SUCCESS;
}
