#include "io/tcp_impl.h"

#include "base/check.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Slices of one system call. */
enum { WRITE_SLICES = 64 };

/* Of the queue, libuv gets so much at once: only when all of that has gone does `queued` shrink, and
 * users tell from it whether a slow peer takes anything at all. */
enum { WRITE_BYTES = 65536 };

/* After a failed write, what the peer sent before it left is still read: so many times. */
enum { LAST_READS = 64 };

static struct tcp *tcp_of_handle(uv_handle_t *handle)
{
    return CONTAINER_OF(handle, struct tcp, handle);
}

/* --- Ends */

static void tcp_end(struct tcp *t, enum err why)
{
    if (t->ended || t->closed || (t->eof && why == ERR_EOF))
        return;
    t->eof = true;
    t->ended = why != ERR_EOF;
    if (t->reading)
        uv_read_stop(&t->uv);
    t->wanted = t->reading = false;
    if (t->stream.handler)
        t->stream.handler->on_end(t->stream.arg, why);
}

static void drop_queue(struct tcp *t)
{
    chain_release(&t->queue);
    stream_set_queued(&t->stream, 0);
}

/* Writing is over.  The user hears of it later, and of nothing twice. */
static void tcp_break(struct tcp *t, enum err why)
{
    if (t->broken)
        return;
    t->broken = why;
    if (!t->in_flight)
        drop_queue(t);
    loop_defer(t->stream.loop, &t->failed);
}

static bool give_to_user(struct tcp *t, size_t n)
{
    struct slice s = loop_read_take(t->stream.loop, n);
    t->stream.handler->on_read(t->stream.arg, s);
    return t->wanted && !t->closed;
}

/* A peer that answers early and leaves breaks our write; its answer may lie in the socket's buffer. */
static void read_what_is_left(struct tcp *t)
{
    uv_os_fd_t fd;
    if (uv_fileno(&t->handle, &fd))
        return;
    for (int i = 0; i < LAST_READS; i++) {
        size_t room;
        char *to = loop_read_room(t->stream.loop, &room);
        ssize_t n = to ? read(fd, to, room) : -1;
        if (n <= 0 || !give_to_user(t, (size_t)n))
            return;
    }
}

static void on_failed(void *arg)
{
    struct tcp *t = arg;
    if (t->wanted)
        read_what_is_left(t);
    tcp_end(t, t->broken);
}

/* --- Reading */

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    struct tcp *t = tcp_of_handle(handle);
    size_t room = 0;
    char *to = t->wanted ? loop_read_room(t->stream.loop, &room) : NULL;
    (void)hint;
    *buf = uv_buf_init(to, (unsigned)room);
}

/* libuv makes an EOF of a hang-up that it sees together with the last bytes, also when it was an RST;
 * the socket knows better, and a cut answer must not pass for a whole one. */
static enum err why_over(struct tcp *t)
{
    uv_os_fd_t fd;
    int failed = 0;
    socklen_t len = sizeof(failed);
    if (t->broken)
        return t->broken;
    if (uv_fileno(&t->handle, &fd) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len))
        return ERR_IO;
    return failed ? ERR_IO : ERR_EOF;
}

static void on_read(uv_stream_t *uv, ssize_t n, const uv_buf_t *buf)
{
    struct tcp *t = tcp_of_handle((uv_handle_t *)uv);
    (void)buf;
    if (n > 0) {
        give_to_user(t, (size_t)n);
    } else if (n == UV_EOF) {
        tcp_end(t, why_over(t));
    } else if (n == UV_ENOBUFS && !t->wanted) { /* on_alloc declined: now the pause is worth it */
        uv_read_stop(uv);
        t->reading = false;
    } else if (n < 0) {
        enum err why = n == UV_ENOBUFS || n == UV_ENOMEM ? ERR_NO_MEMORY : ERR_IO;
        t->broken = t->broken ? t->broken : why;
        if (!t->in_flight)
            drop_queue(t);
        tcp_end(t, why);
    }
}

static void tcp_read_start(struct stream *s)
{
    struct tcp *t = tcp_of(s);
    if (t->eof || t->closed)
        return;
    CHECK(s->handler);
    t->wanted = true;
    if (t->reading)
        return;
    t->reading = true;
    int rc = uv_read_start(&t->uv, on_alloc, on_read);
    CHECK(rc == 0); /* it is connected, and not closing */
}

/* Pausing and resuming cost a system call each, and most pauses end before a byte arrives: libuv goes
 * on watching, and is stopped when it comes with something to read. */
static void tcp_read_stop(struct stream *s)
{
    tcp_of(s)->wanted = false;
}

/* --- Writing */

static void send_fin(struct tcp *t)
{
    uv_os_fd_t fd;
    if (uv_fileno(&t->handle, &fd) == 0 && shutdown(fd, SHUT_WR) && errno != ENOTCONN)
        tcp_break(t, ERR_IO);
}

static void on_written(uv_write_t *req, int status);

/* Hands the front of the queue to libuv, which waits for room in the socket. */
static void write_queue(struct tcp *t)
{
    uv_buf_t bufs[WRITE_SLICES];
    unsigned n = 0;
    t->in_flight = 0;
    while (n < t->queue.count && n < WRITE_SLICES && t->in_flight < WRITE_BYTES) {
        struct slice s = chain_at(&t->queue, n);
        bufs[n++] = uv_buf_init((char *)s.ptr, (unsigned)s.len);
        t->in_flight += s.len;
    }
    if (uv_write(&t->req.write, &t->uv, bufs, n, on_written)) {
        t->in_flight = 0;
        tcp_break(t, ERR_NO_MEMORY);
    }
}

static void on_written(uv_write_t *req, int status)
{
    struct tcp *t = CONTAINER_OF(req, struct tcp, req.write);
    if (t->closed)
        return;
    size_t written = t->in_flight;
    t->in_flight = 0;
    if (t->broken || status) {
        drop_queue(t);
        tcp_break(t, ERR_IO);
        return;
    }
    chain_drop(&t->queue, written);
    stream_set_queued(&t->stream, t->queue.bytes);
    if (t->queue.bytes) {
        write_queue(t);
        return;
    }
    if (t->shut)
        send_fin(t);
    if (t->stream.handler && t->stream.handler->on_drain)
        t->stream.handler->on_drain(t->stream.arg);
}

/* What the socket takes at once, of slices 0..n-1; broken is set on failure. */
static size_t try_write(struct tcp *t, const struct slice *v, unsigned n)
{
    uv_buf_t bufs[WRITE_SLICES];
    size_t total = 0;
    for (unsigned i = 0; i < n; i++) {
        bufs[i] = uv_buf_init((char *)v[i].ptr, (unsigned)v[i].len);
        total += v[i].len;
    }
    if (total == 0)
        return 0;
    int written = uv_try_write(&t->uv, bufs, n);
    if (written >= 0)
        return (size_t)written;
    if (written != UV_EAGAIN)
        tcp_break(t, ERR_IO);
    return 0;
}

/* Queues slices from byte `skip` on. */
static void queue_rest(struct tcp *t, const struct slice *v, unsigned n, size_t skip)
{
    for (unsigned i = 0; i < n; i++) {
        struct slice s = v[i];
        size_t part = skip < s.len ? skip : s.len;
        s.ptr += part;
        s.len -= part;
        skip -= part;
        if (!chain_add(&t->queue, s)) {
            tcp_break(t, ERR_NO_MEMORY);
            return;
        }
    }
    stream_set_queued(&t->stream, t->queue.bytes);
}

static size_t tcp_write(struct stream *s, const struct slice *v, unsigned n)
{
    struct tcp *t = tcp_of(s);
    CHECK(!t->shut);
    if (t->closed || t->broken)
        return 0;
    while (n && !t->queue.bytes && !t->broken) {
        unsigned part = n < WRITE_SLICES ? n : WRITE_SLICES;
        size_t asked = 0;
        for (unsigned i = 0; i < part; i++)
            asked += v[i].len;
        size_t written = try_write(t, v, part);
        if (written < asked && !t->broken)
            queue_rest(t, v, part, written);
        v += part;
        n -= part;
    }
    if (n && !t->broken)
        queue_rest(t, v, n, 0);
    if (t->queue.bytes && !t->in_flight && !t->broken)
        write_queue(t);
    return s->queued;
}

static void tcp_shut(struct stream *s)
{
    struct tcp *t = tcp_of(s);
    if (t->shut || t->closed)
        return;
    t->shut = true;
    if (!t->queue.bytes && !t->broken)
        send_fin(t);
}

/* --- Closing */

static void on_closed(uv_handle_t *handle)
{
    struct tcp *t = tcp_of_handle(handle);
    chain_release(&t->queue);
    free(t);
}

static void tcp_close(struct stream *s, bool reset)
{
    struct tcp *t = tcp_of(s);
    CHECK(!t->closed);
    t->closed = true;
    t->wanted = t->reading = false;
    deferred_cancel(&t->failed);
    s->handler = NULL;
    /* libuv closes the socket now, and calls back when this turn's events are over. */
    if (!reset || t->handle.type != UV_TCP || uv_tcp_close_reset(&t->tcp, on_closed))
        uv_close(&t->handle, on_closed);
}

static size_t tcp_unacknowledged(struct stream *s)
{
    struct tcp *t = tcp_of(s);
    uv_os_fd_t fd;
    int bytes = 0;
    if (t->ended || uv_fileno(&t->handle, &fd) || ioctl(fd, SIOCOUTQ, &bytes) || bytes < 0)
        return 0;
    return (size_t)bytes;
}

static const struct stream_ops tcp_ops = {
    .read_start = tcp_read_start,
    .read_stop = tcp_read_stop,
    .write = tcp_write,
    .shut = tcp_shut,
    .close = tcp_close,
    .unacknowledged = tcp_unacknowledged,
};

/* --- Making one */

struct tcp *tcp_new(struct loop *l, int family)
{
    struct tcp *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->stream = (struct stream){.ops = &tcp_ops, .loop = l};
    deferred_init(&t->failed, on_failed, t);
    chain_init(&t->queue);
    if (family == AF_UNIX)
        uv_pipe_init(&l->uv, &t->pipe, 0);
    else
        uv_tcp_init(&l->uv, &t->tcp);
    return t;
}

int tcp_adopt(struct tcp *t, int fd)
{
    int rc = t->handle.type == UV_TCP ? uv_tcp_open(&t->tcp, fd) : uv_pipe_open(&t->pipe, fd);
    return rc ? -rc : 0;
}

struct stream *tcp_open(struct loop *l, int fd)
{
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof(a);
    if (getsockname(fd, (struct sockaddr *)&a, &len)) {
        close(fd);
        return NULL;
    }
    struct tcp *t = tcp_new(l, a.ss_family);
    if (t && tcp_adopt(t, fd) == 0)
        return &t->stream;
    close(fd);
    if (t)
        stream_close(&t->stream);
    return NULL;
}
