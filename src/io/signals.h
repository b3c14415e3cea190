/*
 * Signals as events of one loop: on_signal runs on its thread, in an ordinary turn.  One watcher a
 * process.
 */
#ifndef IO_SIGNALS_H
#define IO_SIGNALS_H

#include "io/loop.h"

struct signals;

/* Watches SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2, and has SIGPIPE ignored.  NULL: out of
 * memory. */
struct signals *signals_watch(struct loop *l, void (*on_signal)(void *arg, int signo), void *arg);

void signals_close(struct signals *s); /* freed when the loop turns */

#endif
