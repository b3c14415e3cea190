#include "io/tcp_impl.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,        /* the kernel cuts it to net.core.somaxconn */
    ACCEPTS_A_TURN = 64,   /* then the connections that are here get their turn */
    REFUSALS_A_PAUSE = 16, /* turned away before each pause, when descriptors run out */
    EXHAUSTED_PAUSE_MS = 100,
    KEPT_BACK_MAX = 64, /* descriptors left for upstream connections and logs */
};

struct listener {
    struct loop *loop;
    uv_poll_t poll;
    int fd;
    int family;
    int fd_limit; /* descriptors from this number on are kept back */
    int spare;    /* given up for a moment to accept, and refuse, when there are none left; or -1 */
    bool paused;  /* by the user */
    bool closed;
    struct timer pause; /* after exhaustion */
    uint64_t refused;
    str refusal;
    listener_accept_fn *on_accept;
    void *arg;
};

/* --- Binding */

static int fail(int fd)
{
    int keep = errno;
    close(fd);
    errno = keep;
    return -1;
}

static bool set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* Somebody answers at this socket file: 1; nobody: 0; -1 with errno: it is no socket, or not ours. */
static int is_live(const struct address *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int rc = connect(fd, &a->any, a->len);
    int why = errno;
    close(fd);
    if (rc == 0 || why == EAGAIN) /* EAGAIN: its backlog is full */
        return 1;
    errno = why;
    return why == ECONNREFUSED ? 0 : -1;
}

static bool remove_dead_socket(const struct address *a)
{
    struct stat st;
    if (a->un.sun_path[0] == 0 || lstat(a->un.sun_path, &st))
        return true;
    if (!S_ISSOCK(st.st_mode)) {
        errno = EEXIST;
        return false;
    }
    int live = is_live(a);
    if (live)
        errno = live > 0 ? EADDRINUSE : errno;
    return live == 0 && unlink(a->un.sun_path) == 0;
}

static int listen_unix(const struct address *a, unsigned mode)
{
    if (!remove_dead_socket(a))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    bool named = a->un.sun_path[0] != 0;
    /* Before the bind, so that the file is never more open than asked; after it, as umask took away
     * from that. */
    if (mode && named && fchmod(fd, mode))
        return fail(fd);
    if (bind(fd, &a->any, a->len))
        return fail(fd);
    if (mode && named && chmod(a->un.sun_path, mode))
        return fail(fd);
    return listen(fd, BACKLOG) ? fail(fd) : fd;
}

/* ":8080" on a host without IPv6. */
static bool any4_instead(const struct address *a, struct address *any4)
{
    return errno == EAFNOSUPPORT && a->any.sa_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&a->storage_in6.sin6_addr) &&
           address_from_ip(any4, STR("0.0.0.0"), address_port(a));
}

static int listen_tcp(const struct address *a, bool reuse_port)
{
    struct address any4;
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return any4_instead(a, &any4) ? listen_tcp(&any4, reuse_port) : -1;
    /* Accepted sockets inherit TCP_NODELAY: one system call less for each. */
    if (!set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) || !set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1) ||
        (reuse_port && !set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1)) ||
        (a->any.sa_family == AF_INET6 && !set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)))
        return fail(fd);
    if (bind(fd, &a->any, a->len) || listen(fd, BACKLOG))
        return fail(fd);
    return fd;
}

int listen_socket(const struct address *a, bool reuse_port, unsigned mode)
{
    return a->any.sa_family == AF_UNIX ? listen_unix(a, mode) : listen_tcp(a, reuse_port);
}

/* --- Accepting */

static bool is_exhaustion(int e)
{
    return e == EMFILE || e == ENFILE || e == ENOBUFS || e == ENOMEM;
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch(struct listener *s)
{
    if (s->paused || s->closed || timer_is_running(&s->pause))
        uv_poll_stop(&s->poll);
    else
        uv_poll_start(&s->poll, UV_READABLE, on_ready);
}

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Says why, as far as one packet goes, and hangs up. */
static void refuse(struct listener *s, int fd)
{
    char unread[1024];
    s->refused++;
    if (s->refusal.len) {
        ssize_t sent = send(fd, s->refusal.ptr, s->refusal.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)sent; /* a courtesy: the client sees the connection close anyway */
        /* What lies unread would turn our close into a reset, which destroys the answer. */
        shutdown(fd, SHUT_WR);
        while (recv(fd, unread, sizeof(unread), MSG_DONTWAIT) == sizeof(unread))
            continue;
    }
    close(fd);
}

/* No descriptors: with the spare one, some are accepted and turned away, then there is a pause. */
static void on_exhausted(struct listener *s)
{
    if (s->spare >= 0)
        close(s->spare);
    s->spare = -1;
    for (int i = 0; i < REFUSALS_A_PAUSE; i++) {
        int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            break;
        refuse(s, fd);
    }
    s->spare = open_spare();
    timer_start(s->loop, &s->pause, EXHAUSTED_PAUSE_MS);
    watch(s);
}

static void on_pause_over(void *arg)
{
    watch(arg);
}

static void give_to_user(struct listener *s, int fd, const struct address *peer)
{
    struct tcp *t = tcp_new(s->loop, s->family);
    if (t && tcp_adopt(t, fd) == 0) {
        s->on_accept(s->arg, &t->stream, peer);
        return;
    }
    refuse(s, fd);
    if (t)
        stream_close(&t->stream);
}

/* False: stop for this turn. */
static bool accept_one(struct listener *s)
{
    struct address peer = {.len = sizeof(peer.storage)};
    int fd = accept4(s->fd, &peer.any, &peer.len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 ? is_exhaustion(errno) : fd >= s->fd_limit) {
        if (fd >= 0)
            refuse(s, fd);
        on_exhausted(s);
        return false;
    }
    if (fd < 0)
        /* One that left before it was accepted is no reason to stop. */
        return errno == ECONNABORTED || errno == EINTR || errno == EPROTO;
    if (s->family == AF_UNIX)
        peer.any.sa_family = AF_UNIX; /* an unbound client may have no address at all */
    give_to_user(s, fd, &peer);
    return !s->closed && !s->paused;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct listener *s = CONTAINER_OF(poll, struct listener, poll);
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN && accept_one(s); i++)
        continue;
}

/* --- Life */

static int descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > INT32_MAX)
        return INT32_MAX;
    rlim_t kept = limit.rlim_cur / 8 < KEPT_BACK_MAX ? limit.rlim_cur / 8 : KEPT_BACK_MAX;
    return (int)(limit.rlim_cur - kept);
}

static void on_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF((uv_poll_t *)handle, struct listener, poll));
}

struct listener *listener_new(struct loop *l, int fd, listener_accept_fn *on_accept, void *arg)
{
    struct sockaddr_storage a = {.ss_family = AF_INET};
    socklen_t len = sizeof(a);
    struct listener *s = calloc(1, sizeof(*s));
    if (!s || getsockname(fd, (struct sockaddr *)&a, &len) || uv_poll_init(&l->uv, &s->poll, fd)) {
        free(s);
        close(fd);
        return NULL;
    }
    s->loop = l;
    s->fd = fd;
    s->family = a.ss_family;
    s->fd_limit = descriptor_limit();
    s->spare = open_spare();
    s->on_accept = on_accept;
    s->arg = arg;
    timer_init(&s->pause, on_pause_over, s);
    watch(s);
    return s;
}

void listener_pause(struct listener *s)
{
    s->paused = true;
    watch(s);
}

void listener_resume(struct listener *s)
{
    s->paused = false;
    watch(s);
}

void listener_refuse_with(struct listener *s, str bytes)
{
    s->refusal = bytes;
}

uint64_t listener_refused(const struct listener *s)
{
    return s->refused;
}

void listener_close(struct listener *s)
{
    CHECK(!s->closed);
    s->closed = true;
    timer_stop(&s->pause);
    uv_close((uv_handle_t *)&s->poll, on_closed);
    close(s->fd);
    if (s->spare >= 0)
        close(s->spare);
}
