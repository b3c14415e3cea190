#include "io/file_watch.h"

#include "io/loop_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct file_watch {
    struct loop *loop;
    struct timer timer;
    uv_fs_t req;
    bool looking; /* libuv has req */
    bool closed;
    struct file_mark known, last; /* what the user knows; what was there when we last looked */
    uint64_t changed_us;          /* when `last` was first seen */
    unsigned settle_ms;
    void (*on_change)(void *arg);
    void *arg;
    char path[];
};

static bool is_same(const struct file_mark *a, const struct file_mark *b)
{
    return memcmp(a, b, sizeof(*a)) == 0; /* no padding */
}

struct file_mark file_mark_take(const char *path)
{
    struct stat s;
    if (stat(path, &s))
        return (struct file_mark){0};
    return (struct file_mark){s.st_dev, s.st_ino, (uint64_t)s.st_size, (uint64_t)s.st_mtim.tv_sec,
                              (uint64_t)s.st_mtim.tv_nsec};
}

static struct file_mark look_of(const uv_fs_t *req)
{
    const uv_stat_t *s = &req->statbuf;
    if (req->result < 0)
        return (struct file_mark){0};
    return (struct file_mark){s->st_dev, s->st_ino, s->st_size, (uint64_t)s->st_mtim.tv_sec,
                              (uint64_t)s->st_mtim.tv_nsec};
}

/* True: the user is to be told. */
static bool compare(struct file_watch *w, struct file_mark now)
{
    static const struct file_mark missing;
    uint64_t now_us = loop_now_us(w->loop);
    if (!is_same(&now, &w->last)) {
        w->last = now;
        w->changed_us = now_us;
    }
    if (is_same(&now, &w->known) || is_same(&now, &missing) ||
        now_us - w->changed_us < w->settle_ms * 1000ull)
        return false;
    w->known = now;
    return true;
}

static void on_looked(uv_fs_t *req)
{
    struct file_watch *w = CONTAINER_OF(req, struct file_watch, req);
    struct file_mark now = look_of(req);
    uv_fs_req_cleanup(req);
    w->looking = false;
    if (w->closed) {
        free(w);
        return;
    }
    timer_start(w->loop, &w->timer, w->settle_ms / 2);
    if (compare(w, now))
        w->on_change(w->arg);
}

static void look(void *arg)
{
    struct file_watch *w = arg;
    w->looking = uv_fs_stat(&w->loop->uv, &w->req, w->path, on_looked) == 0;
    if (!w->looking) /* out of memory now */
        timer_start(w->loop, &w->timer, w->settle_ms / 2);
}

struct file_watch *file_watch_new(struct loop *l, const char *path, const struct file_mark *known,
                                  unsigned settle_ms, void (*on_change)(void *arg), void *arg)
{
    size_t len = strlen(path);
    struct file_watch *w = calloc(1, sizeof(*w) + len + 1);
    if (!w)
        return NULL;
    w->loop = l;
    w->known = w->last = *known;
    w->settle_ms = settle_ms;
    w->on_change = on_change;
    w->arg = arg;
    memcpy(w->path, path, len);
    timer_init(&w->timer, look, w);
    look(w);
    return w;
}

void file_watch_close(struct file_watch *w)
{
    if (!w)
        return;
    timer_stop(&w->timer);
    w->closed = true;
    if (!w->looking)
        free(w);
}
