/*
 * What an exchange's user does to its HTTP/1 connection: lets the body flow, answers, aborts,
 * releases.  Nothing here calls back or moves the machine on; it sets fields, writes, and kicks.
 */
#include "http/h1_conn.h"

static struct h1_exchange *exchange_of(struct exchange *ex)
{
    return CONTAINER_OF(ex, struct h1_exchange, ex);
}

/* --- The request's body */

static void send_continue(struct h1_exchange *x)
{
    struct h1_conn *c = x->conn;
    x->want_continue = false;
    if (x->pace.bytes || c->pending.bytes || x->head_sent)
        return; /* it is sending already, or has its answer */
    struct slice v = SLICE_BORROWED(HTTP1_CONTINUE);
    x->queued_before = stream_write(c->stream, &v, 1);
    x->ex.bytes_out += v.len;
}

static void exchange_set_flow(struct exchange *ex, bool flow)
{
    struct h1_exchange *x = exchange_of(ex);
    struct h1_conn *c = x->conn;
    if (!c || x->ended || x->broken || x->flow == flow)
        return;
    x->flow = flow;
    if (flow)
        h1_kick(c);
    if (c->state != H1_BODY)
        return;
    if (flow && x->want_continue)
        send_continue(x);
    h1_body_timer(c);
}

/* --- Writing: slices are gathered and written by as few calls as the array allows */

struct gather {
    struct stream *stream;
    size_t bytes;
    unsigned count;
    struct slice slices[32];
};

static void gather_init(struct gather *g, struct stream *s)
{
    g->stream = s; /* the slices are not zeroed: this runs for each event of a stream */
    g->bytes = 0;
    g->count = 0;
}

static void gather_flush(struct gather *g)
{
    if (g->count)
        stream_write(g->stream, g->slices, g->count);
    g->count = 0;
}

static void gather_add(struct gather *g, struct slice s)
{
    if (s.len == 0)
        return;
    if (g->count == ARRAY_LEN(g->slices))
        gather_flush(g);
    g->slices[g->count++] = s;
    g->bytes += s.len;
}

static void gather_str(struct gather *g, str s)
{
    gather_add(g, SLICE_BORROWED(s));
}

void h1_note_progress(struct h1_exchange *x, size_t written)
{
    size_t queued = x->conn->stream->queued;
    if (queued < x->queued_before + written)
        x->ex.last_progress_us = loop_now_us(x->conn->loop);
    x->queued_before = queued;
}

/* The kernel may hold a megabyte for a slow client: while that shrinks, the client is alive although
 * nothing of our queue moves. */
static void look_at_the_kernel(struct h1_exchange *x)
{
    size_t now = stream_outstanding(x->conn->stream);
    if (now < x->outstanding)
        x->ex.last_progress_us = loop_now_us(x->conn->loop);
    x->outstanding = now;
}

/* --- The answer's head */

static bool has_no_body(const struct h1_exchange *x, int status)
{
    return x->ex.head->method == METHOD_HEAD || status == 204 || status == 304;
}

/* Whether the rest of the request's body can be read away, so that the connection lives on. */
static bool rest_is_small(const struct h1_exchange *x)
{
    const struct request_head *r = x->ex.head;
    if (x->body_complete)
        return true;
    if (x->broken || x->want_continue) /* a client that was not told to go on may send it or not */
        return false;
    return r->chunked || (uint64_t)r->content_length - x->pace.bytes <= H1_REST_MAX;
}

/* Fills what belongs to this connection.  content_length: of the body, or -1. */
static void frame(struct h1_exchange *x, struct response_head *h, int64_t content_length)
{
    struct h1_conn *c = x->conn;
    h->version = x->ex.head->version;
    h->content_length = content_length;
    h->no_body = has_no_body(x, h->status);
    h->chunked = false;
    if (h->no_body) {
        x->framing = H1_FRAMING_NONE;
    } else if (content_length >= 0) {
        x->framing = H1_FRAMING_LENGTH;
        x->left = (uint64_t)content_length;
    } else if (h->version == HTTP_VERSION_1_1) {
        x->framing = H1_FRAMING_CHUNKED;
        h->chunked = true;
    } else {
        x->framing = H1_FRAMING_UNTIL_CLOSE;
    }
    bool client_keeps = x->ex.head->keep_alive && !(c->eof && c->pending.bytes == 0);
    h->keep_alive = client_keeps && x->framing != H1_FRAMING_UNTIL_CLOSE &&
                    !c->base.server->draining && c->ending == H1_END_KEEP && rest_is_small(x);
    if (!h->keep_alive) {
        c->ending = H1_END_CLOSE;
        c->dirty |= client_keeps; /* it may be sending the next request already */
    }
}

/* Writes the head into the server's scratch buffer. */
static enum err write_head(struct h1_conn *c, const struct response_head *h, str *out)
{
    struct server *s = c->base.server;
    buf_clear(&s->head);
    enum err err = http1_write_response_head(&s->head, h, server_date(s));
    *out = buf_str(&s->head);
    return err;
}

void h1_send_own(struct h1_conn *c, struct arena *a, enum err why, str text)
{
    struct response_head h = {
        .status = err_facts(why)->status,
        .version = HTTP_VERSION_1_1,
        .content_length = (int64_t)text.len,
    };
    str head;
    if (!head_add_known(&h.headers, a, HEADER_CONTENT_TYPE, STR("application/json")) ||
        (h.status == 503 && !head_add_known(&h.headers, a, HEADER_RETRY_AFTER, STR("1"))) ||
        write_head(c, &h, &head) != ERR_NONE)
        return; /* no memory: the client sees the close alone */
    struct slice v[] = {SLICE_BORROWED(head), SLICE_BORROWED(text)};
    stream_write(c->stream, v, 2);
}

/* --- The answer */

/* No more is sent; `ending` says how the client gets to see that it is not complete. */
static void cut(struct h1_exchange *x, enum h1_ending ending)
{
    x->ended = x->aborted = true;
    x->conn->ending = ending;
    x->conn->dirty = true;
    h1_answered(x->conn);
}

/* The user's head cannot be written: a bug upstream of us, which the client hears as a 500. */
static void cut_with_500(struct h1_exchange *x, enum err why)
{
    struct server_options *o = &x->conn->base.server->options;
    const char *reason = "the answer's head could not be written";
    enum err told = why == ERR_NO_MEMORY ? why : ERR_INTERNAL;
    str text = o->on_refused(o->arg, &x->arena, told, reason, x->ex.head->target, &x->peer);
    h1_send_own(x->conn, &x->arena, told, text);
    cut(x, H1_END_CLOSE);
}

static void gather_body(struct h1_exchange *x, struct gather *g, const struct slice *v, unsigned n,
                        size_t total, char prefix[HTTP1_CHUNK_PREFIX_MAX], bool end)
{
    bool chunked = x->framing == H1_FRAMING_CHUNKED;
    if (x->framing == H1_FRAMING_NONE)
        return;
    if (x->framing == H1_FRAMING_LENGTH) {
        if (total > x->left)
            BUG("an answer is longer than its content-length");
        x->left -= total;
    }
    if (chunked && total)
        gather_str(g, str_make(prefix, http1_chunk_prefix(prefix, total)));
    for (unsigned i = 0; i < n; i++)
        gather_add(g, v[i]);
    if (chunked && total && end)
        gather_str(g, STR("\r\n0\r\n\r\n"));
    else if (chunked && total)
        gather_str(g, HTTP1_CHUNK_END);
    else if (chunked && end)
        gather_str(g, HTTP1_CHUNK_LAST);
}

static size_t exchange_do_send(struct exchange *ex, const struct response_head *head,
                               const struct slice *v, unsigned n, bool end)
{
    struct h1_exchange *x = exchange_of(ex);
    struct h1_conn *c = x->conn;
    if (!c)
        return 0;
    h1_note_progress(x, 0);
    if (!head && !n && !end)
        look_at_the_kernel(x);
    if (x->aborted || (!head && !n && !end))
        return c->stream->queued;
    CHECK(!x->ended);
    CHECK((head == NULL) == x->head_sent);

    struct gather g;
    gather_init(&g, c->stream);
    char prefix[HTTP1_CHUNK_PREFIX_MAX];
    size_t total = 0;
    for (unsigned i = 0; i < n; i++)
        total += v[i].len;
    if (head) {
        struct response_head h = *head;
        int64_t length = end && head->content_length < 0 ? (int64_t)total : head->content_length;
        str text;
        frame(x, &h, has_no_body(x, h.status) ? head->content_length : length);
        enum err err = write_head(c, &h, &text);
        if (err != ERR_NONE) {
            cut_with_500(x, err);
            return c->stream->queued;
        }
        x->head_sent = true;
        gather_str(&g, text);
    }
    gather_body(x, &g, v, n, total, prefix, end);
    gather_flush(&g);
    ex->bytes_out += g.bytes;
    h1_note_progress(x, g.bytes);
    if (end && x->framing == H1_FRAMING_LENGTH && x->left) {
        cut(x, H1_END_CLOSE); /* shorter than promised: the close shows it */
    } else if (end) {
        x->ended = true;
        h1_answered(c);
    }
    return c->stream->queued;
}

/* A client that has taken nothing for long will not take the rest of the queue either. */
static bool is_stalled(const struct h1_exchange *x)
{
    const struct h1_conn *c = x->conn;
    uint64_t idle_us = loop_now_us(c->loop) - x->ex.last_progress_us;
    return c->stream->queued && idle_us >= h1_conf(c)->client_stall_ms * 1000;
}

static void exchange_do_abort(struct exchange *ex)
{
    struct h1_exchange *x = exchange_of(ex);
    if (!x->conn || x->ended)
        return;
    h1_note_progress(x, 0);
    if (is_stalled(x))
        cut(x, H1_END_RESET_NOW);
    else
        cut(x, x->framing == H1_FRAMING_UNTIL_CLOSE && x->head_sent ? H1_END_RESET : H1_END_CLOSE);
}

/* --- Release */

static void release_arena(void *object)
{
    struct arena a = ((struct h1_exchange *)object)->arena; /* it lives inside */
    arena_release(&a);
}

static void close_arena(void *arg)
{
    struct h1_exchange *x = arg;
    loop_close_later(x->ex.loop, &x->closing, release_arena, x);
}

static void exchange_do_release(struct exchange *ex)
{
    struct h1_exchange *x = exchange_of(ex);
    exchange_do_abort(ex); /* unless it ended */
    struct h1_conn *c = x->conn;
    if (c) {
        c->x = NULL;
        x->conn = NULL;
        h1_kick(c);
    }
    deferred_init(&x->released, close_arena, x);
    loop_defer(ex->loop, &x->released);
}

const struct exchange_ops h1_exchange_ops = {
    .body = exchange_set_flow,
    .send = exchange_do_send,
    .abort = exchange_do_abort,
    .release = exchange_do_release,
};
