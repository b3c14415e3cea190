#include "io/tcp_impl.h"

#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* RFC 8305 §5: the pause before the next address is tried beside the last. */
enum { ATTEMPT_DELAY_MS = 250 };

/*
 * A race of attempts.  Each attempt is a stream whose `arg` is the race until one is handed out:
 *
 *   running --(one connects)--> done        --(all failed)--> done        --(cancel)--> done
 *
 * While running, on_connected has not been called and `streams` holds the attempts under way.
 */
struct connecting {
    struct loop *loop;
    struct timer next_timer;
    struct deferred report; /* of what was known inside tcp_connect() */
    struct closing closing;
    connect_fn *on_connected;
    void *arg;
    struct tcp *won; /* waits for `report` */
    enum err err;    /* of the attempt that failed last */
    unsigned keepalive_s;
    bool done;
    unsigned n, next; /* addresses; the first not yet tried */
    unsigned running;
    struct tcp **streams; /* [n], NULL where none is under way */
    struct address addresses[];
};

/* Our own lack of something must not count against the other side. */
static enum err connect_err(int e)
{
    bool ours = e == EMFILE || e == ENFILE || e == ENOMEM || e == ENOBUFS || e == EADDRNOTAVAIL;
    return ours ? ERR_OVERLOADED : ERR_UPSTREAM_CONNECT;
}

static void drop_attempts(struct connecting *c)
{
    for (unsigned i = 0; i < c->next; i++)
        if (c->streams[i])
            stream_close(&c->streams[i]->stream);
    c->running = 0;
    c->next = 0;
}

static void finish(struct connecting *c)
{
    CHECK(!c->done);
    c->done = true;
    timer_stop(&c->next_timer);
    deferred_cancel(&c->report);
    drop_attempts(c);
    loop_close_later(c->loop, &c->closing, free, c);
}

static void succeed(struct connecting *c, struct tcp *t)
{
    finish(c);
    t->stream.arg = NULL;
    c->on_connected(c->arg, &t->stream, ERR_NONE);
}

static void report(void *arg)
{
    struct connecting *c = arg;
    if (c->won) {
        succeed(c, c->won);
        return;
    }
    finish(c);
    c->on_connected(c->arg, NULL, c->err);
}

static bool is_lost(const struct connecting *c)
{
    return !c->won && c->running == 0 && c->next == c->n;
}

static void try_next(struct connecting *c);

static void on_connect(uv_connect_t *req, int status)
{
    struct tcp *t = CONTAINER_OF(req, struct tcp, req.connect);
    if (t->closed)
        return; /* it lost the race */
    struct connecting *c = t->stream.arg;
    unsigned i = 0;
    while (c->streams[i] != t)
        i++;
    c->streams[i] = NULL;
    c->running--;
    if (status == 0) {
        succeed(c, t);
        return;
    }
    c->err = connect_err(-status);
    stream_close(&t->stream);
    try_next(c);
    if (is_lost(c))
        report(c);
}

static int begin_tcp(struct connecting *c, struct tcp *t, const struct address *a)
{
    uv_tcp_nodelay(&t->tcp, 1); /* remembered until there is a socket */
    int rc = uv_tcp_connect(&t->req.connect, &t->tcp, &a->any, on_connect);
    if (rc == 0 && c->keepalive_s)
        rc = uv_tcp_keepalive(&t->tcp, 1, c->keepalive_s);
    return -rc;
}

/* A Unix socket connects at once or not at all.  (libuv 1.44 knows no abstract names.) */
static int begin_unix(struct connecting *c, struct tcp *t, const struct address *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    int why = connect(fd, &a->any, a->len) ? errno : tcp_adopt(t, fd);
    if (why)
        close(fd);
    else
        c->won = t;
    return why;
}

static bool try_one(struct connecting *c, unsigned i)
{
    const struct address *a = &c->addresses[i];
    struct tcp *t = tcp_new(c->loop, a->any.sa_family);
    if (!t) {
        c->err = ERR_NO_MEMORY;
        return false;
    }
    t->stream.arg = c;
    bool is_unix = a->any.sa_family == AF_UNIX;
    int why = is_unix ? begin_unix(c, t, a) : begin_tcp(c, t, a);
    if (why) {
        c->err = connect_err(why);
        stream_close(&t->stream);
        return false;
    }
    if (!c->won) {
        c->streams[i] = t;
        c->running++;
    }
    return true;
}

/* Starts the next attempt, and the clock for the one after it. */
static void try_next(struct connecting *c)
{
    timer_stop(&c->next_timer);
    while (c->next < c->n && !try_one(c, c->next++))
        continue;
    if (c->won || is_lost(c))
        loop_defer(c->loop, &c->report);
    else if (c->next < c->n)
        timer_start(c->loop, &c->next_timer, ATTEMPT_DELAY_MS);
}

static void on_next_timer(void *arg)
{
    try_next(arg);
}

struct connecting *tcp_connect(struct loop *l, const struct address *addresses, unsigned n,
                               unsigned keepalive_s, connect_fn *on_connected, void *arg)
{
    CHECK(n >= 1);
    size_t addresses_size = n * sizeof(addresses[0]);
    struct connecting *c = calloc(1, sizeof(*c) + addresses_size + n * sizeof(c->streams[0]));
    if (!c)
        return NULL;
    c->loop = l;
    c->on_connected = on_connected;
    c->arg = arg;
    c->keepalive_s = keepalive_s;
    c->n = n;
    c->streams = (struct tcp **)((char *)c->addresses + addresses_size);
    memcpy(c->addresses, addresses, addresses_size);
    timer_init(&c->next_timer, on_next_timer, c);
    deferred_init(&c->report, report, c);
    try_next(c);
    return c;
}

void connecting_cancel(struct connecting *c)
{
    if (c->won)
        stream_close(&c->won->stream);
    c->won = NULL;
    finish(c);
}
