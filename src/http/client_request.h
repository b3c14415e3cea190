/* From a call's request to the bytes of an HTTP/1.1 request. */
#ifndef HTTP_CLIENT_REQUEST_H
#define HTTP_CLIENT_REQUEST_H

#include "base/buf.h"
#include "http/pool.h"

/*
 * Fills *o out of r: Host, framing and head are made here, never copied.  All of it is in `a`, but
 * for the body's bytes.  scratch: any buffer, its content is lost.
 * HEADER_INVALID (a field that could end a line), NO_MEMORY.
 */
enum err outgoing_prepare(struct outgoing *o, const struct endpoint *e,
                          const struct call_request *r, struct arena *a,
                          struct buf *scratch) must_check;

#endif
