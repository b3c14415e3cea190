/*
 * The client's side of an HTTP/1.1 connection: a slot (http/pool.h) that serves one request after
 * another.  Who lends it is the pool; whose request it carries is slot->call.
 * Thread: its loop's.
 */
#ifndef HTTP_H1_CLIENT_H
#define HTTP_H1_CLIENT_H

#include "http/pool.h"

/* Takes over s (connected, nothing read), and reads it from now on: an idle connection that ends, or
 * says something unasked, tells pool_lost().  NULL: out of memory, s closed. */
struct slot *h1_client_new(struct stream *s);

#endif
