/*
 * The inside of http1: where a head ends, and what a complete one says.  Not for other modules.
 */
#ifndef WIRE_HTTP1_HEAD_H
#define WIRE_HTTP1_HEAD_H

#include "wire/http1.h"

/* What is wrong, and in words. err ERR_NONE: nothing. */
struct http1_fault {
    enum err err;
    const char *reason;
};

#define HTTP1_FINE ((struct http1_fault){ERR_NONE, NULL})

/*
 * Looks for the end of a head in window (from the first byte of the message, grown since the last
 * call), continuing where it stopped.  *end: the bytes of the head, 0 when it is not complete.
 * Refuses what must not be in any head: control bytes, bare CR and LF, folded lines; and the limits.
 */
struct http1_fault http1_head_scan(struct http1_parser *p, str window, size_t *end) must_check;

/* Whether a scanned head begins an HTTP/2 connection. */
bool http1_head_is_preface(str head);

/* The status of a scanned answer's head, 0 when its first line is not a status line. */
int http1_head_status(str head);

/* A scanned, complete head with p->lines lines → structures in the arena. */
struct http1_fault http1_head_request(struct http1_parser *p, str head, struct arena *arena,
                                      struct request_head **out) must_check;
struct http1_fault http1_head_response(struct http1_parser *p, str head, struct arena *arena,
                                       struct response_head **out) must_check;

#endif
