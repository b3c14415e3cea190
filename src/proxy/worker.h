/*
 * A worker is the gateway on one loop: its server, its caller, the current snapshot, the requests
 * that run.  Nothing here is shared with another worker.
 */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include "http/call.h"
#include "http/exchange.h"
#include "proxy/record.h"
#include "proxy/snapshot.h"

struct fetch_names;
struct request;
struct response_store;
struct token_environment;
struct worker;

/* A page that the gateway answers itself (health, metrics): pure, body in the arena. */
struct local_answer {
    int status;
    str content_type;
    str body;
};
typedef void local_page_fn(void *arg, const struct gateway_conf *conf,
                           const struct request_head *head, struct arena *a,
                           struct local_answer *out);
struct local_page {
    const char *path; /* exact, normalised */
    local_page_fn *page;
};

struct worker_options {
    struct loop *loop;
    struct caller *caller;
    const char *version; /* for user-agent */
    /* What sources of access tokens may see of the machine; outlives the worker.  NULL: nothing. */
    const struct token_environment *environment;
    const struct fetch_names *names; /* of hosts that clients name; outlives the worker */
    struct response_store
        *responses; /* shared by all workers, outlives them; NULL: none are kept */
    /* Called once for each request, at its end. */
    void (*on_finish)(void *arg, const struct request_record *record);
    void *arg;
    const struct local_page *pages; /* need no key; end with path NULL */
    void *pages_arg;
};

struct worker_stats { /* written by the worker's thread, read by any */
    _Atomic unsigned active_requests, active_streams;
};

/* NULL: out of memory. */
struct worker *worker_new(const struct worker_options *o);

/* No request may be running. */
void worker_free(struct worker *w);

/* Takes over one reference; requests from now on use it.  The old one is given back when its last
 * request has ended. */
void worker_set_snapshot(struct worker *w, struct snapshot *s);

/* For struct server_options: on_exchange and on_refused (arg: the worker). */
void worker_on_exchange(void *worker, struct exchange *ex);
str worker_on_refused(void *worker, struct arena *a, enum err why, const char *reason, str target,
                      const struct address *peer);

/* Ends what still runs, each request in its own proper way (end of the drain period). */
void worker_end_all(struct worker *w, enum err why);

struct worker_stats *worker_stats(struct worker *w);

#endif
