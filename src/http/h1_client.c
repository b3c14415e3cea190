/*
 *                    send                    head                     END of the answer
 *     ┌──> IDLE ───────────> WAITING ───────────────> ANSWERING ──────────────┐
 *     │      │                  │                         │                   │
 *     │      └──────────────────┴────── close ────────────┴──> CLOSED         │
 *     └───────────────────────────────────────────────────────────────────────┘
 *
 * IDLE       slot.call is NULL; a byte or the end of the stream means that the connection is lost
 * WAITING    the request is on its way, and maybe interim answers came
 * ANSWERING  the final head was handed over
 * CLOSED     silent until the turn ends
 *
 * An answer may be complete before the request is: it counts, but the connection is not used again.
 * Whatever ends an exchange otherwise closes the connection, so that no byte of it can ever be taken
 * for the answer to the next one.
 */
#include "http/h1_client.h"

#include <stdlib.h>

#include "wire/http1.h"

enum h1_state { H1_IDLE, H1_WAITING, H1_ANSWERING, H1_CLOSED };

enum { WRITE_BATCH = 16 }; /* slices written at once, from the stack */

struct h1_client {
    struct slot slot;
    struct stream *stream;
    struct http1_parser parser;
    struct closing closing;
    enum h1_state state;

    /* Of the exchange: */
    struct arena *arena; /* the call's; the head goes there */
    int64_t left;        /* bytes of the body still to be written, when not chunked */
    bool chunked;
    bool request_done; /* the last byte of the request was given to the stream */
    bool drain_owed;   /* the user was told that bytes are queued */
    bool touched;      /* a byte of an answer came */
    bool keep_alive;   /* as the answer's head says */
};

static struct h1_client *h1_of(struct slot *s)
{
    return CONTAINER_OF(s, struct h1_client, slot);
}

static uint64_t h1_now(const struct h1_client *h)
{
    return loop_now_us(h->stream->loop);
}

/* --- The end of an exchange. */

static void h1_done(struct h1_client *h, bool reusable, enum err err, const char *why)
{
    struct call *call = h->slot.call;
    struct slot_result r = {.err = err, .why = why, .untouched = !h->touched};
    h->slot.call = NULL;
    h->state = H1_IDLE;
    pool_put(&h->slot, reusable);
    h->slot.user->on_done(call, &r); /* may borrow the slot again already */
}

static void h1_complete(struct h1_client *h, bool reusable)
{
    bool sent = h->request_done && h->stream->queued == 0;
    if (sent && reusable && h->keep_alive) {
        stream_read_start(h->stream); /* its user may have paused it */
        h1_done(h, true, ERR_NONE, NULL);
    } else {
        h1_done(h, false, ERR_NONE, NULL);
    }
}

/* --- Reading. */

static void h1_on_head(struct h1_client *h, const struct response_head *head)
{
    struct call *call = h->slot.call;
    h->state = H1_ANSWERING;
    h->keep_alive = head->keep_alive;
    call->timing.head_us = h1_now(h);
    h->slot.user->on_head(call, head);
}

static void h1_on_body(struct h1_client *h, const struct slice *read, str body)
{
    struct call *call = h->slot.call;
    call->handler->on_body(call->arg, (struct slice){read->chunk, body.ptr, body.len});
}

/* One step of the parser; false: there is nothing more to do with these bytes, and after the end of
 * the exchange the connection may be anybody's. */
static bool h1_step(struct h1_client *h, const struct slice *read, str *rest)
{
    struct http1_out out;
    struct call *call = h->slot.call;
    switch (http1_step(&h->parser, rest, h->arena, &out)) {
    case HTTP1_NEED_MORE:
        return false;
    case HTTP1_HEAD:
        h1_on_head(h, out.response);
        return h->slot.call == call;
    case HTTP1_BODY:
        h1_on_body(h, read, out.body);
        return h->slot.call == call;
    case HTTP1_END: /* bytes behind it are an answer to nobody */
        h1_complete(h, rest->len == 0);
        return false;
    case HTTP1_ERROR:
        h1_done(h, false, h->parser.err, h->parser.reason);
        return false;
    case HTTP1_PREFACE:
        break;
    }
    BUG("a parser of answers met a preface");
}

static void h1_on_read(void *arg, struct slice bytes)
{
    struct h1_client *h = arg;
    if (h->state == H1_IDLE) {
        pool_lost(&h->slot);
        return;
    }
    str rest = str_make(bytes.ptr, bytes.len);
    h->touched = true;
    h->slot.call->bytes_in += bytes.len;
    while (h1_step(h, &bytes, &rest))
        ;
}

/* How a call ends when its connection does.  A broken stream never completes an answer, not even one
 * that ends with the connection. */
static enum err h1_error_of_end(const struct h1_client *h, enum err why)
{
    if (why == ERR_NO_MEMORY)
        return why;
    if (h->state == H1_WAITING)
        return ERR_UPSTREAM_RESET;
    return why == ERR_EOF ? http1_eof(&h->parser) : ERR_UPSTREAM_TRUNCATED;
}

static const char *h1_why_of_end(const struct h1_client *h, enum err why)
{
    if (!h->touched)
        return why == ERR_EOF ? "closed before an answer" : "broken before an answer";
    return why == ERR_EOF ? "closed inside the answer" : "broken inside the answer";
}

static void h1_on_end(void *arg, enum err why)
{
    struct h1_client *h = arg;
    if (h->state == H1_IDLE) {
        pool_lost(&h->slot);
        return;
    }
    enum err err = h1_error_of_end(h, why);
    if (err == ERR_NONE)
        h1_complete(h, false);
    else
        h1_done(h, false, err, h1_why_of_end(h, why));
}

/* --- Writing. */

static void h1_note_sent(struct h1_client *h)
{
    struct call *call = h->slot.call;
    if (h->request_done && h->stream->queued == 0 && !call->timing.sent_us)
        call->timing.sent_us = h1_now(h);
}

static void h1_on_drain(void *arg)
{
    struct h1_client *h = arg;
    struct call *call = h->slot.call;
    if (!call)
        return;
    h1_note_sent(h);
    if (h->drain_owed) {
        h->drain_owed = false;
        call->handler->on_drain(call->arg);
    }
}

static void h1_put(struct h1_client *h, const struct slice *v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        h->slot.call->bytes_out += v[i].len;
    if (n)
        stream_write(h->stream, v, n);
}

/* Body bytes between a prefix and a suffix of framing (either may be empty), in one write unless
 * there are many slices. */
static void h1_put_framed(struct h1_client *h, str prefix, const struct slice *v, unsigned n,
                          str suffix)
{
    struct slice batch[WRITE_BATCH];
    unsigned used = 0;
    if (prefix.len)
        batch[used++] = SLICE_BORROWED(prefix);
    for (unsigned i = 0; i < n; i++) {
        if (used == WRITE_BATCH) {
            h1_put(h, batch, used);
            used = 0;
        }
        batch[used++] = v[i];
    }
    if (suffix.len && used == WRITE_BATCH) {
        h1_put(h, batch, used);
        used = 0;
    }
    if (suffix.len)
        batch[used++] = SLICE_BORROWED(suffix);
    h1_put(h, batch, used);
}

static void h1_write_chunk(struct h1_client *h, const struct slice *v, unsigned n, size_t len,
                           bool end)
{
    char prefix[HTTP1_CHUNK_PREFIX_MAX];
    size_t prefix_len = len ? http1_chunk_prefix(prefix, len) : 0;
    str suffix = !end ? HTTP1_CHUNK_END : len ? STR("\r\n0\r\n\r\n") : HTTP1_CHUNK_LAST;
    if (len || end)
        h1_put_framed(h, str_make(prefix, prefix_len), v, len ? n : 0, suffix);
}

static void h1_write_plain(struct h1_client *h, const struct slice *v, unsigned n, size_t len,
                           bool end)
{
    /* Who promises a length keeps it: one byte more or less would shift every later message. */
    CHECK((int64_t)len <= h->left);
    h->left -= (int64_t)len;
    CHECK(!end || h->left == 0);
    h1_put_framed(h, STR_NULL, v, n, STR_NULL);
}

static size_t h1_write(struct slot *s, const struct slice *v, unsigned n, bool end)
{
    struct h1_client *h = h1_of(s);
    CHECK(!h->request_done);
    size_t len = 0;
    for (unsigned i = 0; i < n; i++)
        len += v[i].len;
    h->request_done = end;
    if (h->chunked)
        h1_write_chunk(h, v, n, len, end);
    else
        h1_write_plain(h, v, n, len, end);
    h1_note_sent(h);
    h->drain_owed = h->stream->queued > 0;
    return h->stream->queued;
}

static void h1_send(struct slot *s, const struct outgoing *o)
{
    struct h1_client *h = h1_of(s);
    CHECK(h->state == H1_IDLE);
    CHECK(h->stream->queued == 0);
    h->state = H1_WAITING;
    h->arena = o->arena;
    h->left = o->left;
    h->chunked = o->chunked;
    h->request_done = !o->more;
    h->drain_owed = h->touched = h->keep_alive = false;
    http1_expect(&h->parser, o->method);
    h1_put(h, o->slices, o->count);
    h1_note_sent(h);
}

static void h1_flow(struct slot *s, bool flow)
{
    struct h1_client *h = h1_of(s);
    if (flow)
        stream_read_start(h->stream);
    else
        stream_read_stop(h->stream);
}

/* --- The connection. */

static void h1_release(void *object)
{
    free(object);
}

static void h1_close(struct slot *s)
{
    struct h1_client *h = h1_of(s);
    struct loop *l = h->stream->loop;
    CHECK(h->state != H1_CLOSED);
    h->state = H1_CLOSED;
    stream_close(h->stream);
    http1_parser_release(&h->parser);
    loop_close_later(l, &h->closing, h1_release, h);
}

static const struct slot_ops h1_ops = {
    .send = h1_send,
    .write = h1_write,
    .flow = h1_flow,
    .close = h1_close,
};

static const struct stream_handler h1_handler = {
    .on_read = h1_on_read,
    .on_end = h1_on_end,
    .on_drain = h1_on_drain,
};

struct slot *h1_client_new(struct stream *s)
{
    struct h1_client *h = calloc(1, sizeof(*h));
    if (!h) {
        stream_close(s);
        return NULL;
    }
    h->slot.ops = &h1_ops;
    list_init(&h->slot.node);
    h->stream = s;
    http1_parser_init(&h->parser, HTTP1_RESPONSES, NULL);
    stream_handle(s, &h1_handler, h);
    stream_read_start(s);
    return &h->slot;
}
