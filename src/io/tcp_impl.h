/* The inside of a socket stream, for the files of io/ that make one: tcp.c, listener.c, connect.c. */
#ifndef IO_TCP_IMPL_H
#define IO_TCP_IMPL_H

#include "io/loop_impl.h"
#include "io/tcp.h"

struct tcp {
    struct stream stream;
    union {
        uv_handle_t handle;
        uv_stream_t uv;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    union { /* connecting is over before writing begins */
        uv_connect_t connect;
        uv_write_t write;
    } req;
    struct chain queue;     /* accepted, not yet with the kernel */
    size_t in_flight;       /* bytes of the queue's front that libuv is writing */
    struct deferred failed; /* reports a failed write */
    enum err broken;        /* why writing is over */
    bool wanted;            /* the user wants to read */
    bool reading;           /* libuv reads: may be true though not wanted, see tcp_read_stop */
    bool eof;               /* on_end(ERR_EOF) was called: the peer has nothing more to say */
    bool ended;             /* on_end was called with an error: all is over */
    bool shut;              /* our side ends, or has ended, after the queue */
    bool closed;            /* silent; waits for libuv to let go of it */
};

/* A stream without a socket yet, of the address's family.  NULL: out of memory. */
struct tcp *tcp_new(struct loop *l, int family);

/* Gives it a connected socket; on failure an errno, and fd stays the caller's. */
int tcp_adopt(struct tcp *t, int fd);

static inline struct tcp *tcp_of(struct stream *s)
{
    return CONTAINER_OF(s, struct tcp, stream);
}

#endif
