#include "app/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "io/activation.h"

enum { WORKERS_MAX = 256 };

static int find(const struct listeners *l, str text)
{
    for (unsigned i = 0; i < LISTENERS_ADDRESSES_MAX; i++)
        if (l->at[i].id && str_eq(str_from_c(l->at[i].text), text))
            return (int)i;
    return -1;
}

static int find_free(const struct listeners *l)
{
    for (unsigned i = 0; i < LISTENERS_ADDRESSES_MAX; i++)
        if (!l->at[i].id)
            return (int)i;
    return -1;
}

static void close_all(const int *fds, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        close(fds[i]);
}

static void explain(char *why, size_t size, str text, int error)
{
    const char *hint = error == EADDRINUSE ? "; another program listens there: choose another "
                                             "address with --listen or `listen:`"
                       : error == EACCES   ? "; ports below 1024 need CAP_NET_BIND_SERVICE"
                                           : "";
    snprintf(why, size, "cannot listen on %.*s: %s%s", STR_ARG(text), strerror(error), hint);
}

/* One socket per worker; port 0 is chosen by the first and used by all.  A socket that the service
 * manager holds for us, or a Unix one, is one that all workers share. */
static bool open_sockets(struct address *address, unsigned n, int *fds)
{
    bool is_unix = address->any.sa_family == AF_UNIX;
    int given = activation_take(address);
    for (unsigned i = 0; i < n; i++) {
        if (i == 0 && given >= 0)
            fds[i] = given;
        else if (i && (is_unix || given >= 0))
            fds[i] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
        else
            fds[i] = listen_socket(address, !is_unix && n > 1, 0);
        if (fds[i] < 0) {
            int error = errno;
            close_all(fds, i);
            errno = error;
            return false;
        }
        if (i == 0 && !is_unix) {
            address->len = sizeof(address->storage);
            getsockname(fds[0], &address->any, &address->len);
        }
    }
    return true;
}

static bool open_new(struct listeners *l, const struct listen_conf *conf,
                     struct worker_thread *const *workers, unsigned n, char *why, size_t size)
{
    int fds[WORKERS_MAX];
    struct address address = conf->address;
    int place = find_free(l);
    CHECK(n <= WORKERS_MAX);
    if (place < 0 || conf->text.len >= sizeof(l->at[0].text)) {
        snprintf(why, size, "too many or too long addresses under listen");
        return false;
    }
    if (!open_sockets(&address, n, fds)) {
        explain(why, size, conf->text, errno);
        return false;
    }
    memcpy(l->at[place].text, conf->text.ptr, conf->text.len);
    l->at[place].text[conf->text.len] = '\0';
    l->at[place].bound = address;
    l->at[place].id = ++l->next_id;
    for (unsigned i = 0; i < n; i++)
        worker_thread_listen(workers[i], l->next_id, fds[i]);
    return true;
}

static void close_one(struct listeners *l, unsigned place, struct worker_thread *const *workers,
                      unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        worker_thread_unlisten(workers[i], l->at[place].id);
    l->at[place].id = 0;
}

static bool is_configured(const struct gateway_conf *conf, str text)
{
    for (unsigned i = 0; i < conf->listen_count; i++)
        if (str_eq(conf->listen[i].text, text))
            return true;
    return false;
}

bool listeners_apply(struct listeners *l, const struct gateway_conf *conf,
                     struct worker_thread *const *workers, unsigned worker_count, char *why,
                     size_t size)
{
    unsigned first_new = l->next_id + 1;
    for (unsigned i = 0; i < conf->listen_count; i++) {
        if (find(l, conf->listen[i].text) >= 0 ||
            open_new(l, &conf->listen[i], workers, worker_count, why, size))
            continue;
        for (unsigned k = 0; k < LISTENERS_ADDRESSES_MAX; k++)
            if (l->at[k].id >= first_new)
                close_one(l, k, workers, worker_count);
        return false;
    }
    for (unsigned i = 0; i < LISTENERS_ADDRESSES_MAX; i++)
        if (l->at[i].id && !is_configured(conf, str_from_c(l->at[i].text)))
            close_one(l, i, workers, worker_count);
    return true;
}
