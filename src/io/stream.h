/*
 * A stream is a two-way flow of bytes on one loop: TCP, Unix socket, TLS over either, or memory (in
 * tests).  Users see only this face; constructors are in io/tcp.h, io/tls.h, io/memory_stream.h.
 *
 * Reading: starts paused.  While reading, on_read gets slices of the loop's read chunk; keep bytes
 * by referencing the chunk (chunk_ref / chain_add), else they are gone after the callback.
 * on_end(ERR_EOF) is the peer's orderly end of its side (FIN, TLS close_notify): no more on_read, but
 * writing still works.  on_end with any other error is the last callback: the stream is broken, and
 * writing over too.  Each comes at most once; an error may follow an EOF (a write failed after it).
 * The end is noticed only while reading, except that a failed write is noticed always; what had
 * arrived before it is still read first, unless reading is paused.
 *
 * Writing: stream_write() tries the socket at once, and queues what does not fit (borrowed slices
 * are copied then).  It returns the bytes queued; past `high_water` the user should stop, on_drain
 * says when the queue has emptied.  A failed write is reported by on_end at the end of the turn,
 * never inside the call.  Writing to a broken stream does nothing; writing after stream_shut() is a
 * bug.
 *
 * Closing: stream_close() silences all callbacks at once, drops what is queued, closes the socket
 * and frees the stream at the end of the turn.  stream_shut() ends our side after all that is queued
 * (FIN, close_notify first), reading goes on.  stream_reset() closes with RST where there is one.
 */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include "base/chain.h"
#include "io/loop.h"

struct stream;

struct stream_handler {
    void (*on_read)(void *arg, struct slice bytes);
    void (*on_end)(void *arg, enum err why);
    void (*on_drain)(void *arg); /* may be NULL */
};

struct stream_ops {
    void (*read_start)(struct stream *s);
    void (*read_stop)(struct stream *s);
    size_t (*write)(struct stream *s, const struct slice *v, unsigned n);
    void (*shut)(struct stream *s);
    void (*close)(struct stream *s, bool reset);
    /* Bytes that the kernel holds for the peer and the peer has not acknowledged.  NULL: unknown. */
    size_t (*unacknowledged)(struct stream *s);
};

/* The common head of each implementation. */
struct stream {
    const struct stream_ops *ops;
    const struct stream_handler *handler;
    void *arg;
    struct loop *loop;
    size_t queued; /* bytes accepted and not yet with the kernel; shrinks as the peer takes them */
    struct stream *above; /* what this one carries (TLS), or NULL: its `queued` follows ours */
};

/* For implementations. */
static inline void stream_set_queued(struct stream *s, size_t queued)
{
    s->queued = queued;
    if (s->above)
        s->above->queued = queued;
}

static inline void stream_handle(struct stream *s, const struct stream_handler *h, void *arg)
{
    s->handler = h;
    s->arg = arg;
}

static inline void stream_read_start(struct stream *s) /* no-op while reading */
{
    s->ops->read_start(s);
}

/* No-op while paused.  Cheap: the socket is unwatched only once something arrives during the pause. */
static inline void stream_read_stop(struct stream *s)
{
    s->ops->read_stop(s);
}

/* All n slices in one system call where the socket takes them.  Returns bytes still queued. */
static inline size_t stream_write(struct stream *s, const struct slice *v, unsigned n)
{
    return s->ops->write(s, v, n);
}

/* All that was written and the peer has not taken yet, our queue and the kernel's; a system call. */
static inline size_t stream_outstanding(struct stream *s)
{
    return s->queued + (s->ops->unacknowledged ? s->ops->unacknowledged(s) : 0);
}

static inline void stream_shut(struct stream *s)
{
    s->ops->shut(s);
}

static inline void stream_close(struct stream *s)
{
    s->ops->close(s, false);
}

static inline void stream_reset(struct stream *s)
{
    s->ops->close(s, true);
}

#endif
