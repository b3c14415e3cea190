/*
 * Listening sockets that were open before us: from the service manager (socket activation, the
 * protocol of sd_listen_fds(3)), or from the process that we replace.
 */
#ifndef IO_ACTIVATION_H
#define IO_ACTIVATION_H

#include "io/tcp.h"

/* How many were handed over to this process.  The first call reads $LISTEN_PID, $LISTEN_FDS and
 * removes them from the environment, before there are threads; the sockets are close-on-exec then. */
unsigned activation_count(void);

/* The one that listens on this address, given away once; -1: there is none. */
int activation_take(const struct address *a);

/* Closes what nobody took; how many that were. */
unsigned activation_close_rest(void);

#endif
