/*
 * Runs an HTTP/1 parser over text, cut as asked, and writes down what it said as one line per step,
 * so that whole conversations are compared as text:
 *
 *     HEAD POST /v1/models http/1.1 host=example query=x=1 length=5
 *     BODY hello
 *     END
 *     EOF EOF
 *
 * How bodies are cut is not part of what was said: runs are joined.  Each piece is given in a block
 * of its own that is gone before the next one, so a sanitizer sees what still points there.
 */
#ifndef UNIT_WIRE_HTTP1_HELPER_H
#define UNIT_WIRE_HTTP1_HELPER_H

#include "support/test.h"
#include "wire/http1.h"

struct http1_transcript {
    struct http1_parser parser;
    struct buf text, body;
    const enum method *asked; /* answers: to which requests, in order */
    unsigned asked_left;
    bool stopped; /* by an error or the preface */
};

void http1_transcript_init(struct http1_transcript *t, enum http1_kind kind,
                           const struct http1_limits *limits, const enum method *asked,
                           unsigned asked_count);
void http1_transcript_release(struct http1_transcript *t);

/* Feeds all of it: first `first` bytes, then pieces of `rest` bytes (0: what is left), then EOF. */
void http1_transcript_run(struct http1_transcript *t, str all, size_t first, size_t rest);

/* The transcript of `all` by a new parser with default limits.  Every cut into two, and byte by
 * byte, must say the same.  A static buffer, NUL-terminated. */
const char *http1_requests(str all);
const char *http1_response(str all, enum method asked);
const char *http1_responses(str all, const enum method *asked, unsigned count);

#endif
