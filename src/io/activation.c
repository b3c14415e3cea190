#include "io/activation.h"

#include "base/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIRST_FD = 3, FDS_MAX = 64 };

/* Read once, at start. */
static bool read_already;
static unsigned count;
static bool given[FDS_MAX];

static bool number_of(const char *name, uint64_t *out)
{
    const char *text = getenv(name);
    return text && str_to_u64(str_from_c(text), out);
}

static void read_environment(void)
{
    uint64_t pid, n;
    bool ours = number_of("LISTEN_PID", &pid) && pid == (uint64_t)getpid();
    if (ours && number_of("LISTEN_FDS", &n))
        count = n < FDS_MAX ? (unsigned)n : FDS_MAX;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    for (unsigned i = 0; i < count; i++) {
        int fd = FIRST_FD + (int)i;
        int flags = fcntl(fd, F_GETFD);
        given[i] = flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) ||
                   fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); /* no descriptor at all */
    }
}

unsigned activation_count(void)
{
    if (!read_already)
        read_environment();
    read_already = true;
    return count;
}

static bool is_same(const struct address *a, const struct address *b)
{
    char ip_a[64], ip_b[64];
    if (a->any.sa_family == AF_UNIX)
        return b->any.sa_family == AF_UNIX && a->len == b->len &&
               memcmp(&a->un, &b->un, a->len) == 0;
    return a->any.sa_family == b->any.sa_family && address_port(a) == address_port(b) &&
           str_eq(address_ip_text(a, ip_a), address_ip_text(b, ip_b));
}

int activation_take(const struct address *a)
{
    for (unsigned i = 0; i < activation_count(); i++) {
        int fd = FIRST_FD + (int)i, listening = 0;
        struct address own = {.len = sizeof(own.storage)};
        socklen_t len = sizeof(listening);
        if (given[i] || getsockname(fd, &own.any, &own.len) || !is_same(a, &own) ||
            getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) || !listening)
            continue;
        given[i] = true;
        return fd;
    }
    return -1;
}

unsigned activation_close_rest(void)
{
    unsigned closed = 0;
    for (unsigned i = 0; i < activation_count(); i++)
        if (!given[i]) {
            close(FIRST_FD + (int)i);
            given[i] = true;
            closed++;
        }
    return closed;
}
