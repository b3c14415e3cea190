/*
 * text/event-stream: reading (WHATWG HTML section 9.2), bytes cut anywhere, and writing.
 *
 *     str bytes = run;
 *     while ((step = sse_next(&r, &bytes, &ev)) == SSE_EVENT)
 *         ...ev.raw to relay as it is, ev.data to look into...
 *     // SSE_NEED_MORE: all of `bytes` was taken; SSE_ERROR: r.err
 *
 * A block is everything up to and including its empty line: an event, or only comments or fields
 * without data (is_event false, which browsers ignore, but a relay wants to pass on).  The raw runs
 * of all blocks, and of sse_end(), together are exactly the bytes of the stream.  Empty lines
 * between blocks, a BOM, and the LF of a CRLF that was cut in two belong to the block after them,
 * since a block comes out as soon as its empty line is certain.
 *
 * No memory is taken while blocks arrive whole; an unfinished block waits in the reader's own
 * buffer.  One thread, one stream.
 */
#ifndef WIRE_SSE_H
#define WIRE_SSE_H

#include "base/buf.h"
#include "base/err.h"

enum { SSE_EVENT_MAX_DEFAULT = 8 << 20 };

enum sse_step { SSE_NEED_MORE, SSE_EVENT, SSE_ERROR };

/* Slices are valid until the next call with the reader, or until the bytes given go. */
struct sse_event {
    str raw;       /* exactly the received bytes */
    str data;      /* lines joined by LF; null when there was no data field */
    str event;     /* last event field, empty or null: "message" */
    str id;        /* last id field without NUL; null when there was none */
    int64_t retry; /* ms; -1: none */
    bool is_event; /* there was a data field: the block would be dispatched */
};

struct sse_reader {
    enum err err;       /* after SSE_ERROR: UPSTREAM_TOO_LARGE or NO_MEMORY */
    size_t max;         /* bytes of one block */
    struct buf tail;    /* begin of a block whose end has not come */
    struct buf joined;  /* data of several lines */
    bool tail_is_stale; /* the last event came from the tail: drop it at the next call */
    bool started;       /* the first block is behind us (BOM) */
    bool line_empty;    /* scanner: nothing of the current line was seen */
    bool after_cr;      /* scanner: the last byte was a CR, an LF would belong to it */
    bool content;       /* scanner: the block has a line that is not empty */
};

/* max 0: the default. */
void sse_reader_init(struct sse_reader *r, size_t max);
void sse_reader_release(struct sse_reader *r);

enum sse_step sse_next(struct sse_reader *r, str *bytes, struct sse_event *ev) must_check;

/* The stream has ended.  True: it ended inside a block, *ev is what there is of it (by WHATWG it is
 * not dispatched; raw is what a relay has not passed on).  False: *ev->raw has at most line ends. */
bool sse_end(struct sse_reader *r, struct sse_event *ev);

/* Appends one event; the name may be null.  Line ends in data begin another data line. Line ends in
 * the name are dropped. */
void sse_write(struct buf *out, str event, str data);

/* ": text\n\n"; line ends in the text become spaces. */
void sse_write_comment(struct buf *out, str text);

#endif
