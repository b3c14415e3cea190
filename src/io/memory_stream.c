#include "io/memory_stream.h"

#include "base/check.h"
#include "io/loop_impl.h"

#include <stdlib.h>

struct pair;

/* One end.  What it wrote waits in `out` until the other end reads it. */
struct memory {
    struct stream stream;
    struct memory *other;
    struct pair *pair;
    struct chain out;
    struct deferred pump;
    bool wanted;  /* the user wants to read */
    bool eof;     /* on_end(ERR_EOF) was called */
    bool ended;   /* on_end was called with an error */
    bool broken;  /* a write failed: the other end is closed */
    bool drained; /* on_drain is to be called */
    bool fin;     /* nothing follows what is in `out` */
    bool reset;   /* closed so */
    bool closed;
};

/* Both ends live until both are closed. */
struct pair {
    struct memory ends[2];
    size_t chunk;
    struct closing closing;
};

static struct memory *memory_of(struct stream *s)
{
    return CONTAINER_OF(s, struct memory, stream);
}

static void wake(struct memory *m)
{
    if (!m->closed)
        loop_defer(m->stream.loop, &m->pump);
}

static void memory_end(struct memory *m, enum err why)
{
    if (m->closed || m->ended || (m->eof && why == ERR_EOF))
        return;
    m->eof = true;
    m->ended = why != ERR_EOF;
    m->wanted = false;
    m->stream.handler->on_end(m->stream.arg, why);
}

/* Moves one piece of what the other end wrote into the loop's read chunk, and gives it to the user. */
static void deliver(struct memory *m)
{
    struct memory *from = m->other;
    struct slice front = chain_front(&from->out);
    size_t room;
    char *to = loop_read_room(m->stream.loop, &room);
    if (!to) {
        memory_end(m, ERR_NO_MEMORY);
        return;
    }
    size_t n = front.len < room ? front.len : room;
    if (m->pair->chunk && n > m->pair->chunk)
        n = m->pair->chunk;
    memcpy(to, front.ptr, n);
    chain_drop(&from->out, n);
    stream_set_queued(&from->stream, from->out.bytes);
    from->drained = from->out.bytes == 0;
    if (from->drained)
        wake(from);
    m->stream.handler->on_read(m->stream.arg, loop_read_take(m->stream.loop, n));
}

static void memory_read(struct memory *m)
{
    struct memory *from = m->other;
    if (from->out.bytes)
        deliver(m);
    else if (from->fin)
        memory_end(m, ERR_EOF);
    if (m->wanted && (from->out.bytes || from->fin))
        wake(m);
}

static void on_pump(void *arg)
{
    struct memory *m = arg;
    const struct stream_handler *h = m->stream.handler;
    bool drained = m->drained;
    m->drained = false;
    if (m->broken || m->other->reset) {
        memory_end(m, ERR_IO);
        return;
    }
    if (m->wanted)
        memory_read(m);
    if (drained && !m->closed && h && h->on_drain)
        h->on_drain(m->stream.arg);
}

static void memory_read_start(struct stream *s)
{
    struct memory *m = memory_of(s);
    if (m->eof || m->closed)
        return;
    CHECK(s->handler);
    m->wanted = true;
    wake(m);
}

static void memory_read_stop(struct stream *s)
{
    memory_of(s)->wanted = false;
}

static size_t memory_write(struct stream *s, const struct slice *v, unsigned n)
{
    struct memory *m = memory_of(s);
    CHECK(!m->fin);
    if (m->other->closed)
        m->broken = true;
    for (unsigned i = 0; i < n && !m->broken; i++)
        m->broken = !chain_add(&m->out, v[i]);
    stream_set_queued(s, m->broken ? 0 : m->out.bytes);
    wake(m->broken ? m : m->other);
    return s->queued;
}

static void memory_shut(struct stream *s)
{
    struct memory *m = memory_of(s);
    m->fin = true;
    wake(m->other);
}

static void release(void *object)
{
    struct pair *p = object;
    for (int i = 0; i < 2; i++)
        chain_release(&p->ends[i].out);
    free(p);
}

/* As with a socket, what was written before a close still arrives; before a reset it does not. */
static void memory_close(struct stream *s, bool reset)
{
    struct memory *m = memory_of(s);
    CHECK(!m->closed);
    m->closed = m->fin = true;
    m->reset = reset;
    m->wanted = false;
    s->handler = NULL;
    deferred_cancel(&m->pump);
    if (reset)
        chain_release(&m->out);
    if (m->other->closed)
        loop_close_later(s->loop, &m->pair->closing, release, m->pair);
    else
        wake(m->other);
}

static const struct stream_ops memory_ops = {
    .read_start = memory_read_start,
    .read_stop = memory_read_stop,
    .write = memory_write,
    .shut = memory_shut,
    .close = memory_close,
};

bool memory_stream_pair(struct loop *l, size_t chunk, struct stream *out[2])
{
    struct pair *p = calloc(1, sizeof(*p));
    if (!p)
        return false;
    p->chunk = chunk;
    for (int i = 0; i < 2; i++) {
        struct memory *m = &p->ends[i];
        m->stream = (struct stream){.ops = &memory_ops, .loop = l};
        m->other = &p->ends[!i];
        m->pair = p;
        chain_init(&m->out);
        deferred_init(&m->pump, on_pump, m);
        out[i] = &m->stream;
    }
    return true;
}
