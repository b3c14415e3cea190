/*
 * One worker's thread: a loop with its resolver, caller, server and proxy/worker, and the messages by
 * which the control thread steers it.  All functions are the control thread's.
 */
#ifndef APP_WORKER_THREAD_H
#define APP_WORKER_THREAD_H

#include "http/client.h"
#include "http/server.h"
#include "proxy/worker.h"

struct worker_thread;

struct worker_thread_options {
    unsigned index, count;        /* of all workers */
    struct snapshot *snapshot;    /* one reference is taken over */
    struct worker_options worker; /* loop and caller are filled in */
    struct loop *control;         /* where answers go */
};

/* Makes everything but does not run yet.  NULL: out of memory or descriptors. */
struct worker_thread *worker_thread_new(const struct worker_thread_options *o);

/* False: no thread could be started. */
bool worker_thread_start(struct worker_thread *t);

/* Accepts on fd (taken over) until worker_thread_unlisten with the same id. */
void worker_thread_listen(struct worker_thread *t, unsigned id, int fd);
void worker_thread_unlisten(struct worker_thread *t, unsigned id);

/* Takes over one reference. */
void worker_thread_set_snapshot(struct worker_thread *t, struct snapshot *s);

/* Stops accepting; on_drained runs on the control loop when no connection is left. */
void worker_thread_drain(struct worker_thread *t, void (*on_drained)(void *arg), void *arg);

/* Ends running requests in their proper way, then stops the loop; joins and frees. */
void worker_thread_stop(struct worker_thread *t);

struct server_stats *worker_thread_server_stats(struct worker_thread *t);
struct client_stats *worker_thread_client_stats(struct worker_thread *t);
struct worker_stats *worker_thread_worker_stats(struct worker_thread *t);

#endif
