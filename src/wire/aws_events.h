/*
 * application/vnd.amazon.eventstream: AWS's binary frames, as ConverseStream answers.  Reading,
 * bytes cut anywhere, and writing.
 *
 *     u32 length of all | u32 length of headers | u32 CRC of these 8 bytes
 *     headers | payload | u32 CRC of all before it            (big-endian; CRC-32 of IEEE 802.3)
 *
 *     str bytes = run;
 *     while ((step = aws_events_next(&r, &bytes, &frame)) == AWS_EVENTS_FRAME)
 *         ...frame.payload, frame.event_type...
 *     // AWS_EVENTS_NEED_MORE: all of `bytes` was taken; AWS_EVENTS_ERROR: r.err
 *
 * Both CRCs are checked, the first as soon as its twelve bytes are there, so that no length that is
 * not meant is waited for or allocated.  The raw runs of all frames together are exactly the bytes
 * of the stream.  The end of the bytes between two frames says nothing of whether the stream is
 * complete.
 *
 * No memory is taken while frames arrive whole; an unfinished one waits in the reader's own buffer.
 * One thread, one stream.
 */
#ifndef WIRE_AWS_EVENTS_H
#define WIRE_AWS_EVENTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum {
    AWS_EVENTS_MAX_DEFAULT = 8 << 20, /* bytes of one frame */
    AWS_EVENTS_HEADERS_MAX = 128 << 10,
    AWS_EVENTS_HEADER_COUNT_MAX = 64, /* a limit of ours; real frames have three or four */
    AWS_EVENTS_VALUE_MAX = 32767,
};

enum aws_header_type {
    AWS_TRUE,
    AWS_FALSE,
    AWS_INT8,
    AWS_INT16,
    AWS_INT32,
    AWS_INT64,
    AWS_BYTES,
    AWS_STRING,
    AWS_TIMESTAMP, /* milliseconds since 1970 */
    AWS_UUID,      /* 16 bytes */
    AWS_HEADER_TYPE_COUNT
};

struct aws_header {
    str name;
    enum aws_header_type type;
    int64_t number; /* INT…, TIMESTAMP */
    str bytes;      /* BYTES, STRING, UUID */
};

/* Slices are valid until the next call with the reader, or until the bytes given go. */
struct aws_frame {
    str raw;     /* exactly the received bytes */
    str headers; /* all of them, for aws_header_next */
    str payload;
    /* Well-known headers, if they are strings; null: not there. */
    str message_type;              /* "event", "exception", "error" */
    str event_type;                /* of events: "contentBlockDelta" */
    str exception_type;            /* of exceptions that the service's model knows */
    str error_code, error_message; /* of errors that it does not */
    str content_type;
};

struct aws_events_reader {
    enum err err; /* after AWS_EVENTS_ERROR: UPSTREAM_MALFORMED, UPSTREAM_TOO_LARGE, NO_MEMORY */
    const char *fault; /* in words, for the log; NULL: none */
    size_t max;
    struct buf tail; /* begin of a frame whose end has not come */
    size_t want;     /* length of the frame in the tail; 0: its prelude is not there yet */
    bool tail_is_stale;
};

enum aws_events_step { AWS_EVENTS_NEED_MORE, AWS_EVENTS_FRAME, AWS_EVENTS_ERROR };

/* max 0: the default. */
void aws_events_init(struct aws_events_reader *r, size_t max);
void aws_events_release(struct aws_events_reader *r);

enum aws_events_step aws_events_next(struct aws_events_reader *r, str *bytes,
                                     struct aws_frame *frame) must_check;

/* The stream has ended.  True: it ended inside a frame. */
bool aws_events_cut(const struct aws_events_reader *r);

/* Takes the next header off *headers.  False: no more, or it is not well-formed (then *headers
 * is not empty; never so for a frame that aws_events_next gave). */
bool aws_header_next(str *headers, struct aws_header *out);

/*
 * A frame as readers of dialects take it, a name and data:
 *   event      its type, and the payload
 *   exception  its type ("throttlingException"), and the payload ({"message": …})
 *   error      ":error", and {"code": …, "message": …} made of its headers, in the arena
 * False: no memory.
 */
bool aws_frame_unit(const struct aws_frame *frame, struct arena *a, str *name,
                    str *data) must_check;

/* Appends a frame.  Names are of 1 to 255 bytes, values of at most AWS_EVENTS_VALUE_MAX. */
void aws_events_write(struct buf *out, const struct aws_header *headers, unsigned count,
                      str payload);
/* The usual ones: message_type "event" with `type` as :event-type, or "exception" with it as
 * :exception-type; JSON. */
void aws_events_write_json(struct buf *out, str message_type, str type, str payload);

#endif
