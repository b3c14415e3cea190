/*
 * The running process: workers, listeners, the operator's listener, discovery, and what signals do.
 *
 *   STARTING ──▶ SERVING ──SIGTERM, SIGINT──▶ DRAINING ──all gone, or drain_timeout──▶ STOPPED
 *                 │   ▲                          │
 *                 └───┘ SIGHUP: reload           └── second SIGTERM: at once ──▶ STOPPED
 *
 * Control thread only.  SIGUSR1 opens log files anew in any state.
 */
#ifndef APP_CONTROL_H
#define APP_CONTROL_H

#include "app/config.h"

struct control;

struct control_options {
    struct gateway_conf *conf;            /* taken over */
    const struct config_sources *sources; /* for reloads; must live as long */
    const char *version;
};

/* Starts everything.  On failure NULL, and `why` says what to do about it; conf is freed. */
struct control *control_start(const struct control_options *o, char *why, size_t size);

/* Serves until it is told to stop; then the exit status. */
int control_run(struct control *c);

void control_free(struct control *c);

#endif
