/*
 * What looks in from outside, joined to what runs: log files, the access log, metrics.  Control thread
 * only, but for the hooks, which run on the workers.
 */
#ifndef APP_TELEMETRY_H
#define APP_TELEMETRY_H

#include "app/worker_thread.h"
#include "proxy/gateway_conf.h"

struct telemetry;

/* Opens the logs that the configuration names.  NULL: `why` says which cannot be opened. */
struct telemetry *telemetry_new(const struct gateway_conf *conf, char *why, size_t size);

/* Fills in on_finish (and its arg) for one worker, before it is made.  False: out of memory. */
bool telemetry_hook(struct telemetry *t, struct worker_options *o);

/* Its counters are asked at each scrape. */
void telemetry_add_worker(struct telemetry *t, struct worker_thread *w);

/* A new configuration was accepted: level and formats; files only change with a restart. */
void telemetry_configure(struct telemetry *t, const struct gateway_conf *conf);

void telemetry_reloaded(struct telemetry *t, bool ok, uint64_t version);

/* Log files are opened anew (after a rotation). */
void telemetry_reopen(struct telemetry *t);

/* The body of /metrics, in the form that `accept` asks for. */
void telemetry_metrics_page(struct telemetry *t, const struct request_head *head, struct arena *a,
                            struct local_answer *out);

/* Writes what waits.  Workers must have ended.  NULL is fine. */
void telemetry_free(struct telemetry *t);

#endif
