/*
 * One value per line (NDJSON, application/x-ndjson): reading, bytes cut anywhere.
 *
 *     str bytes = run;
 *     while ((step = lines_next(&r, &bytes, &line)) == LINES_LINE)
 *         ...line...
 *     // LINES_NEED_MORE: all of `bytes` was taken; LINES_ERROR: r.err
 *
 * A line ends by LF or CRLF, which do not belong to it; empty ones are left out.  A CR elsewhere is a
 * byte like others.  The last line may lack its end: lines_end() gives it.
 *
 * No memory is taken while lines arrive whole; an unfinished one waits in the reader's own buffer.  One
 * thread, one stream.
 */
#ifndef WIRE_LINES_H
#define WIRE_LINES_H

#include "base/buf.h"
#include "base/err.h"

enum { LINES_MAX_DEFAULT = 8 << 20 };

enum lines_step { LINES_NEED_MORE, LINES_LINE, LINES_ERROR };

struct lines_reader {
    enum err err;       /* after LINES_ERROR: UPSTREAM_TOO_LARGE or NO_MEMORY */
    size_t max;         /* bytes of one line, its end included */
    struct buf tail;    /* begin of a line whose end has not come */
    bool tail_is_stale; /* the last line came from the tail: drop it at the next call */
};

/* max 0: the default. */
void lines_reader_init(struct lines_reader *r, size_t max);
void lines_reader_release(struct lines_reader *r);

/* The line is valid until the next call with the reader, or until the bytes given go. */
enum lines_step lines_next(struct lines_reader *r, str *bytes, str *line) must_check;

/* The stream has ended.  True: it ended inside a line, which is *line. */
bool lines_end(struct lines_reader *r, str *line);

#endif
