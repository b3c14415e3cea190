/*
 * The addresses that the gateway listens on, each with one socket per worker (SO_REUSEPORT; Unix
 * sockets: one socket, duplicated).  Control thread only.
 */
#ifndef APP_LISTENERS_H
#define APP_LISTENERS_H

#include "app/worker_thread.h"
#include "proxy/gateway_conf.h"

enum { LISTENERS_ADDRESSES_MAX = 64 };

struct listeners {
    struct {
        char text[160]; /* as configured */
        struct address bound;
        unsigned id; /* 0: free */
    } at[LISTENERS_ADDRESSES_MAX];
    unsigned next_id;
};

/*
 * Makes what is open equal to what is configured: opens what is new on every worker, closes what is
 * gone.  False: an address could not be bound (`why` says which and what to do); then nothing new is
 * open and nothing old was closed.
 */
bool listeners_apply(struct listeners *l, const struct gateway_conf *conf,
                     struct worker_thread *const *workers, unsigned worker_count, char *why,
                     size_t size);

#endif
