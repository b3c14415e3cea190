/*
 * HTTP/1.1 (and 1.0) on one accepted connection: requests in, exchanges out, one after another.
 * The machine is in h1_server.c, with its picture; answers are written by h1_exchange.c.
 */
#ifndef HTTP_H1_SERVER_H
#define HTTP_H1_SERVER_H

#include "http/server_conn.h"

/* Serves the stream (taken over; paused, nothing read yet).  False: out of memory, stream closed. */
bool h1_server_start(struct server *s, struct stream *stream, const struct address *peer, bool tls);

/* One connection too many: says 503 to whatever it asks and closes.  No callback is involved. */
bool h1_server_refuse(struct server *s, struct stream *stream, const struct address *peer);

#endif
