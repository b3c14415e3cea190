#include "support/fake_exchange.h"

#include <stdlib.h>

#include "wire/http1.h"

static struct fake_exchange *fake_of(struct exchange *ex)
{
    return CONTAINER_OF(ex, struct fake_exchange, ex);
}

/* --- The request's body */

/* The slice's chunk is spoiled afterwards unless somebody keeps it, as the next read would do. */
static void deliver_piece(struct fake_exchange *x)
{
    size_t len = x->cuts[x->cut_at++];
    struct chunk *c = chunk_new();
    CHECK(c && len <= CHUNK_ROOM && len <= x->waiting.len);
    memcpy(c->data, x->waiting.ptr, len);
    buf_drop(&x->waiting, len);
    c->used = (unsigned)len;
    x->ex.bytes_in += len;
    x->ex.handler->on_body(x->ex.arg, (struct slice){c, c->data, len});
    if (c->refs == 1)
        memset(c->data, '!', len);
    chunk_unref(c);
}

static void deliver(void *arg)
{
    struct fake_exchange *x = arg;
    if (!x->flow || x->released || x->ended || x->aborted || x->told || x->body_done)
        return;
    if (x->cut_at < x->cut_count) {
        deliver_piece(x);
    } else if (x->fed_end) {
        x->body_done = true;
        x->ex.handler->on_body_end(x->ex.arg);
        return;
    }
    if (!x->released && (x->cut_at < x->cut_count || x->fed_end))
        loop_defer(x->ex.loop, &x->deliver);
}

static void set_flow(struct exchange *ex, bool flow)
{
    struct fake_exchange *x = fake_of(ex);
    CHECK(!x->released);
    x->flow = flow;
    if (flow)
        loop_defer(ex->loop, &x->deliver);
}

void fake_exchange_feed(struct fake_exchange *x, str bytes)
{
    CHECK(!x->fed_end);
    while (bytes.len) {
        str piece = str_first(bytes, CHUNK_ROOM);
        bytes = str_from(bytes, piece.len);
        x->cuts = realloc(x->cuts, (x->cut_count + 1) * sizeof(*x->cuts));
        CHECK(x->cuts);
        x->cuts[x->cut_count++] = piece.len;
        buf_add_str(&x->waiting, piece);
    }
    if (!x->released)
        loop_defer(x->ex.loop, &x->deliver);
}

void fake_exchange_feed_end(struct fake_exchange *x)
{
    x->fed_end = true;
    if (!x->released)
        loop_defer(x->ex.loop, &x->deliver);
}

/* --- The answer */

static void keep_head(struct fake_exchange *x, const struct response_head *head, int64_t length)
{
    x->head = (struct response_head){.status = head->status, .content_length = length};
    for (unsigned i = 0; i < head->headers.count; i++) {
        const struct header *h = &head->headers.list[i];
        if (!header_name_valid(h->name) || !header_value_valid(h->value))
            BUG("the answer's field %.*s cannot be written", STR_ARG(h->name));
        CHECK(head_add(&x->head.headers, &x->kept, arena_str(&x->kept, h->name),
                       arena_str(&x->kept, h->value)));
    }
}

static bool has_no_body(const struct fake_exchange *x)
{
    return x->ex.head->method == METHOD_HEAD || x->head.status == 204 || x->head.status == 304;
}

static void count_promised(struct fake_exchange *x, size_t total, bool end)
{
    if (x->head.content_length < 0 || has_no_body(x))
        return;
    if (total > x->left)
        BUG("an answer is longer than its content-length");
    x->left -= total;
    if (end && x->left)
        x->aborted = true;
}

static size_t do_send(struct exchange *ex, const struct response_head *head, const struct slice *v,
                      unsigned n, bool end)
{
    struct fake_exchange *x = fake_of(ex);
    size_t total = 0;
    CHECK(!x->released);
    if (x->gone)
        return 0;
    ex->last_progress_us = x->taken_us;
    if (x->aborted || (!head && !n && !end))
        return x->queued;
    CHECK(!x->ended);
    CHECK((head == NULL) == (x->head.status != 0));
    for (unsigned i = 0; i < n; i++)
        total += v[i].len;
    if (head) {
        keep_head(x, head, end && head->content_length < 0 ? (int64_t)total : head->content_length);
        x->left = x->head.content_length >= 0 ? (uint64_t)x->head.content_length : 0;
    }
    count_promised(x, total, end);
    for (unsigned i = 0; i < n && !has_no_body(x); i++)
        buf_add(&x->body, v[i].ptr, v[i].len);
    ex->bytes_out += total;
    if (x->slow)
        x->queued += total;
    else
        ex->last_progress_us = x->taken_us = loop_now_us(ex->loop);
    x->ended = end && !x->aborted;
    return x->queued;
}

static void do_abort(struct exchange *ex)
{
    struct fake_exchange *x = fake_of(ex);
    CHECK(!x->released);
    if (!x->gone && !x->ended)
        x->aborted = true;
}

void fake_exchange_take(struct fake_exchange *x, size_t n)
{
    size_t taken = n < x->queued ? n : x->queued;
    if (!taken)
        return;
    x->queued -= taken;
    x->taken_us = loop_now_us(x->ex.loop);
    if (x->queued || x->released || x->gone || x->ended || x->aborted)
        return;
    x->ex.last_progress_us = x->taken_us;
    x->ex.handler->on_drain(x->ex.arg);
}

void fake_exchange_gone(struct fake_exchange *x, enum err why)
{
    if (x->released || x->told)
        return;
    x->told = true;
    x->gone = why == ERR_CLIENT_GONE;
    x->ex.handler->on_gone(x->ex.arg, why);
}

str fake_exchange_field(const struct fake_exchange *x, str name)
{
    return head_get(&x->head.headers, name);
}

/* --- Life */

static void release_arena(void *object)
{
    struct fake_exchange *x = object;
    arena_release(&x->arena);
}

static void close_arena(void *arg)
{
    struct fake_exchange *x = arg;
    loop_close_later(x->ex.loop, &x->closing, release_arena, x);
}

static void do_release(struct exchange *ex)
{
    struct fake_exchange *x = fake_of(ex);
    do_abort(ex);
    x->released = true;
    deferred_cancel(&x->deliver);
    deferred_init(&x->gone_later, close_arena, x);
    loop_defer(ex->loop, &x->gone_later);
}

static const struct exchange_ops ops = {
    .body = set_flow,
    .send = do_send,
    .abort = do_abort,
    .release = do_release,
};

static void add_line(struct buf *out, str line)
{
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    buf_add_str(out, line);
    buf_add_lit(out, "\r\n");
}

static void parse_head(struct fake_exchange *x, str text)
{
    struct http1_parser p;
    struct http1_out out;
    struct buf wire;
    bool has_host = false;
    buf_init(&wire, 0);
    while (text.len) {
        str line = str_split(&text, '\n');
        has_host = has_host || str_istarts(line, STR("host:"));
        if (line.len && !str_eq(line, STR("\r")))
            add_line(&wire, line);
    }
    if (!has_host)
        add_line(&wire, STR("host: gateway"));
    add_line(&wire, STR(""));
    http1_parser_init(&p, HTTP1_REQUESTS, NULL);
    str bytes = buf_str(&wire);
    if (http1_step(&p, &bytes, &x->arena, &out) != HTTP1_HEAD)
        BUG("the test's request: %s", p.reason ? p.reason : "not a whole head");
    x->ex.head = out.request;
    http1_parser_release(&p);
    buf_release(&wire);
}

struct fake_exchange *fake_exchange_new(struct loop *l, str head, size_t arena_budget)
{
    struct fake_exchange *x = calloc(1, sizeof(*x));
    CHECK(x && address_from_ip(&x->peer, STR("192.0.2.7"), 50000));
    arena_init(&x->arena, 0);
    arena_init(&x->kept, 0);
    list_init(&x->node);
    buf_init(&x->body, 0);
    buf_init(&x->waiting, 0);
    deferred_init(&x->deliver, deliver, x);
    x->ex = (struct exchange){
        .ops = &ops,
        .loop = l,
        .arena = &x->arena,
        .peer = &x->peer,
        .protocol = "http/1.1",
        .started_us = loop_now_us(l),
        .last_progress_us = loop_now_us(l),
    };
    x->taken_us = loop_now_us(l);
    parse_head(x, head);
    x->arena.budget = arena_budget ? x->arena.used + arena_budget : 0;
    x->fed_end = !request_has_body(x->ex.head);
    return x;
}

void fake_exchange_free(struct fake_exchange *x)
{
    CHECK(x->released && x->arena.used == 0);
    list_remove(&x->node);
    arena_release(&x->kept);
    buf_release(&x->body);
    buf_release(&x->waiting);
    free(x->cuts);
    free(x);
}
