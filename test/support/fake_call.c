#include "support/fake_call.h"

#include <stdlib.h>

#include "wire/http1.h"

static struct fake_call *fake_of(struct call *call)
{
    return CONTAINER_OF(call, struct fake_call, call);
}

/* --- What the gateway asks for */

static size_t do_write(struct call *call, const struct slice *v, unsigned n, bool end)
{
    struct fake_call *c = fake_of(call);
    CHECK(!c->released);
    if (c->state == FAKE_CALL_OVER)
        return 0;
    CHECK(!c->body_ended);
    for (unsigned i = 0; i < n; i++) {
        buf_add(&c->body, v[i].ptr, v[i].len);
        if (c->upload_slow)
            c->upload_queued += v[i].len;
    }
    c->body_ended = end;
    if (end && c->content_length >= 0 && c->body.len != (size_t)c->content_length)
        BUG("an upload of %zu bytes was announced as %lld", c->body.len,
            (long long)c->content_length);
    return c->upload_queued;
}

static void do_flow(struct call *call, bool flow)
{
    struct fake_call *c = fake_of(call);
    CHECK(!c->released);
    c->flow = flow;
}

static void do_release(struct call *call)
{
    struct fake_call *c = fake_of(call);
    CHECK(!c->released);
    c->released = true;
    c->given_count = 0; /* the bytes may go now */
    call->handler = NULL;
    call->arg = NULL;
}

static const struct call_ops ops = {.write = do_write, .flow = do_flow, .release = do_release};

static bool copy_fields(struct fake_call *c, const struct headers *from)
{
    for (unsigned i = 0; i < from->count; i++)
        if (!head_add(&c->headers, &c->kept, arena_str(&c->kept, from->list[i].name),
                      arena_str(&c->kept, from->list[i].value)))
            return false;
    return true;
}

/* Whether the head could be written to a connection at all. */
static enum err try_head(const struct request_head *head)
{
    struct buf text;
    buf_init(&text, 0);
    enum err err = http1_write_request_head(&text, head);
    buf_release(&text);
    return err;
}

static struct call *do_start(struct caller *caller, const struct endpoint *e,
                             const struct call_request *request, struct arena *a,
                             const struct call_handler *handler, void *arg)
{
    struct fake_caller *f = CONTAINER_OF(caller, struct fake_caller, caller);
    const struct request_head *head = request->head;
    if (f->refuse) {
        f->refuse = false;
        return NULL;
    }
    struct fake_call *c = calloc(1, sizeof(*c));
    CHECK(c);
    c->call = (struct call){.ops = &ops, .handler = handler, .arg = arg};
    c->call.timing.asked_us = loop_now_us(f->loop);
    c->caller = f;
    c->flow = true;
    arena_init(&c->kept, 0);
    buf_init(&c->body, 0);
    c->key = arena_str(&c->kept, e->key);
    c->authority = arena_str(&c->kept, head->authority);
    c->target = arena_str(&c->kept, head->target);
    c->method = arena_str(&c->kept, head->method_text);
    c->content_length = request->content_length;
    c->body_ended = !request->body_more;
    c->head_err = try_head(head);
    c->given = arena_alloc(&c->kept, (request->body_count + 1) * sizeof(*c->given));
    CHECK(copy_fields(c, &head->headers) && c->given);
    c->given_count = request->body_count;
    for (unsigned i = 0; i < request->body_count; i++)
        c->given[i] = request->body[i];
    list_push(&f->calls, &c->node);
    f->count++;
    (void)a;
    if (f->on_start)
        f->on_start(f->arg, c);
    return &c->call;
}

static const struct caller_ops caller_ops = {.start = do_start};

void fake_caller_init(struct fake_caller *c, struct loop *l)
{
    *c = (struct fake_caller){.caller = {.ops = &caller_ops}, .loop = l};
    list_init(&c->calls);
}

void fake_caller_release(struct fake_caller *f)
{
    for (struct list *node; (node = list_pop(&f->calls));) {
        struct fake_call *c = LIST_ENTRY(node, struct fake_call, node);
        CHECK(c->released);
        arena_release(&c->kept);
        buf_release(&c->body);
        free(c);
    }
    f->count = 0;
}

struct fake_call *fake_caller_call(const struct fake_caller *f, unsigned i)
{
    LIST_EACH (node, &f->calls) {
        if (i-- == 0)
            return LIST_ENTRY(node, struct fake_call, node);
    }
    return NULL;
}

unsigned fake_caller_live(const struct fake_caller *f)
{
    unsigned n = 0;
    LIST_EACH (node, &f->calls)
        n += !LIST_ENTRY(node, struct fake_call, node)->released;
    return n;
}

/* --- What the test answers */

static bool is_alive(const struct fake_call *c)
{
    return !c->released && c->state != FAKE_CALL_OVER;
}

static bool take_given(struct fake_call *c)
{
    for (unsigned i = 0; i < c->given_count; i++)
        buf_add(&c->body, c->given[i].ptr, c->given[i].len);
    if (c->body_ended && c->content_length >= 0 && c->body.len != (size_t)c->content_length)
        BUG("a body of %zu bytes was announced as %lld", c->body.len, (long long)c->content_length);
    return true;
}

bool fake_call_connect(struct fake_call *c)
{
    if (!is_alive(c))
        return false;
    CHECK(c->state == FAKE_CALL_WAITING);
    if (c->head_err)
        return fake_call_error(c, c->head_err), false;
    take_given(c);
    c->state = FAKE_CALL_SENT;
    c->call.timing.slot_us = c->call.timing.connected_us = loop_now_us(c->caller->loop);
    c->call.handler->on_connected(c->call.arg);
    return !c->released;
}

bool fake_call_head(struct fake_call *c, str text)
{
    struct http1_parser p;
    struct http1_out out;
    struct arena a;
    struct buf wire;
    if (c->state == FAKE_CALL_WAITING && !fake_call_connect(c))
        return false;
    if (!is_alive(c))
        return false;
    CHECK(c->state == FAKE_CALL_SENT);
    buf_init(&wire, 0);
    arena_init(&a, 0);
    while (text.len) {
        str line = str_split(&text, '\n');
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (line.len)
            buf_printf(&wire, "%.*s\r\n", STR_ARG(line));
    }
    buf_add_lit(&wire, "\r\n");
    http1_parser_init(&p, HTTP1_RESPONSES, NULL);
    http1_expect(&p, method_from(c->method));
    str bytes = buf_str(&wire);
    if (http1_step(&p, &bytes, &a, &out) != HTTP1_HEAD)
        BUG("the test's answer: %s", p.reason ? p.reason : "not a whole head");
    c->state = FAKE_CALL_ANSWERING;
    c->given_count = 0;
    c->call.timing.head_us = loop_now_us(c->caller->loop);
    c->call.handler->on_head(c->call.arg, out.response);
    http1_parser_release(&p);
    buf_release(&wire);
    arena_release(&a); /* and with it all that on_head was given */
    return is_alive(c);
}

bool fake_call_body(struct fake_call *c, str bytes)
{
    while (bytes.len && is_alive(c)) {
        CHECK(c->state == FAKE_CALL_ANSWERING);
        str piece = str_first(bytes, CHUNK_ROOM);
        bytes = str_from(bytes, piece.len);
        struct chunk *chunk = chunk_new();
        CHECK(chunk);
        memcpy(chunk->data, piece.ptr, piece.len);
        chunk->used = (unsigned)piece.len;
        c->body_sent += piece.len;
        c->call.bytes_in += piece.len;
        c->call.handler->on_body(c->call.arg, (struct slice){chunk, chunk->data, piece.len});
        if (chunk->refs == 1) /* the next read would be there */
            memset(chunk->data, '!', piece.len);
        chunk_unref(chunk);
    }
    return is_alive(c);
}

bool fake_call_end(struct fake_call *c)
{
    if (!is_alive(c))
        return false;
    CHECK(c->state == FAKE_CALL_ANSWERING);
    c->state = FAKE_CALL_OVER;
    c->call.handler->on_end(c->call.arg);
    return true;
}

bool fake_call_error(struct fake_call *c, enum err err)
{
    if (!is_alive(c))
        return false;
    c->state = FAKE_CALL_OVER;
    c->given_count = 0;
    c->call.handler->on_error(c->call.arg, err, "as the test wants it");
    return true;
}

void fake_call_drain(struct fake_call *c)
{
    bool queued = c->upload_queued > 0;
    c->upload_queued = 0;
    if (queued && is_alive(c))
        c->call.handler->on_drain(c->call.arg);
}

void fake_call_answer(struct fake_call *c, int status, const char *content_type, str body)
{
    struct buf head;
    buf_init(&head, 0);
    buf_printf(&head, "HTTP/1.1 %d OK\ncontent-type: %s\ncontent-length: %zu\n", status,
               content_type, body.len);
    if (fake_call_head(c, buf_str(&head)) && fake_call_body(c, body))
        fake_call_end(c);
    buf_release(&head);
}

str fake_call_field(const struct fake_call *c, str name)
{
    return head_get(&c->headers, name);
}
