/*
 * A tunnel through an HTTP proxy: CONNECT host:port, and its answer (RFC 9110 section 9.3.6).
 * Thread: its loop's.
 */
#ifndef HTTP_CONNECT_TUNNEL_H
#define HTTP_CONNECT_TUNNEL_H

#include "http/call.h"

struct tunnel;

/* err NONE: s is paused, nothing was read beyond the proxy's answer, and it is the callee's.  Else s
 * is NULL, the stream was closed, and `why` says why in words, valid during the callback. */
typedef void tunnel_fn(void *arg, struct stream *s, enum err err, const char *why);

/* Takes over s, a stream to the proxy.  e must outlive it.  NULL: out of memory, s closed. */
struct tunnel *tunnel_start(struct stream *s, const struct endpoint *e, tunnel_fn *on_done,
                            void *arg);

/* Before on_done: it will not come, the stream is closed. */
void tunnel_cancel(struct tunnel *t);

#endif
