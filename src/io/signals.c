#include "io/signals.h"

#include <signal.h>
#include <stdlib.h>
#include <uv.h>

static const int watched[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

struct signals {
    uv_signal_t handles[ARRAY_LEN(watched)];
    unsigned open;
    void (*on_signal)(void *arg, int signo);
    void *arg;
};

static void on_uv_signal(uv_signal_t *handle, int signo)
{
    struct signals *s = handle->data;
    s->on_signal(s->arg, signo);
}

struct signals *signals_watch(struct loop *l, void (*on_signal)(void *arg, int signo), void *arg)
{
    struct signals *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->on_signal = on_signal;
    s->arg = arg;
    signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 0; i < ARRAY_LEN(watched); i++) {
        uv_signal_init(loop_uv(l), &s->handles[i]);
        s->handles[i].data = s;
        s->open++;
        uv_signal_start(&s->handles[i], on_uv_signal, watched[i]);
    }
    return s;
}

static void on_closed(uv_handle_t *handle)
{
    struct signals *s = handle->data;
    if (--s->open == 0)
        free(s);
}

void signals_close(struct signals *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < ARRAY_LEN(watched); i++)
        uv_close((uv_handle_t *)&s->handles[i], on_closed);
}
