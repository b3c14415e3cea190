#include "client_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/dns.h"

/* --- The provider. */

static void line_end(struct line *l)
{
    if (l->handshake)
        tls_cancel(l->handshake);
    if (l->stream)
        stream_close(l->stream);
    l->handshake = NULL;
    l->stream = NULL;
}

/* The length of the first whole request in the buffer, or 0. */
static size_t request_whole(const struct line *l, str *head, str *body)
{
    str got = buf_str(&l->got);
    ptrdiff_t at = str_find(got, STR("\r\n\r\n"));
    if (at < 0)
        return 0;
    *head = str_first(got, (size_t)at + 4);
    str rest = str_from(got, head->len);
    ptrdiff_t length_at = str_find(*head, STR("content-length: "));
    uint64_t length = 0;
    if (length_at >= 0) {
        str line = str_from(*head, (size_t)length_at + 16);
        EXPECT(str_to_u64(str_trim(str_first(line, (size_t)str_find_byte(line, '\r'))), &length));
    } else if (str_find(*head, STR("transfer-encoding: chunked")) >= 0) {
        ptrdiff_t end = str_find(rest, STR("0\r\n\r\n"));
        if (end < 0)
            return 0;
        length = (uint64_t)end + 5;
    }
    if (rest.len < length)
        return 0;
    *body = str_first(rest, length);
    return head->len + length;
}

static void line_answer(struct line *l)
{
    struct provider *p = l->provider;
    str head, body;
    size_t len;
    while (l->stream && (len = request_whole(l, &head, &body)) > 0) {
        l->requests++;
        if (p->on_request)
            p->on_request(l, head, body);
        else
            line_say(l, p->answer);
        buf_drop(&l->got, len);
    }
}

static void line_on_read(void *arg, struct slice bytes)
{
    struct line *l = arg;
    buf_add(&l->got, bytes.ptr, bytes.len);
    if (l->provider->on_request || !str_is_null(l->provider->answer))
        line_answer(l);
}

static void line_on_end(void *arg, enum err why)
{
    struct line *l = arg;
    l->ended = true;
    l->why = why;
    line_end(l);
}

static const struct stream_handler line_handler = {
    .on_read = line_on_read,
    .on_end = line_on_end,
};

static void line_use(struct line *l, struct stream *s)
{
    l->stream = s;
    stream_handle(s, &line_handler, l);
    stream_read_start(s);
}

static void line_on_secured(void *arg, struct stream *s, enum err err, const char *why)
{
    struct line *l = arg;
    (void)why;
    l->handshake = NULL;
    if (err)
        l->ended = true;
    else
        line_use(l, s);
}

void line_secure(struct line *l)
{
    struct stream *s = l->stream;
    stream_read_stop(s);
    l->stream = NULL;
    l->handshake = tls_start(l->provider->tls, s, STR_NULL, 0, line_on_secured, l);
    CHECK(l->handshake != NULL);
}

/* A line not used before, while there is one; then those that ended. */
static struct line *provider_line(struct provider *p)
{
    if (p->count < PROVIDER_CONNECTIONS)
        return &p->lines[p->count++];
    for (unsigned i = 0; i < PROVIDER_CONNECTIONS; i++)
        if (p->lines[i].ended && !p->lines[i].stream)
            return &p->lines[i];
    BUG("more than %d connections at once", PROVIDER_CONNECTIONS);
}

static void provider_on_accept(void *arg, struct stream *s, const struct address *peer)
{
    struct provider *p = arg;
    (void)peer;
    struct line *l = provider_line(p);
    buf_release(&l->got);
    *l = (struct line){.provider = p};
    buf_init(&l->got, 0);
    l->stream = s;
    if (p->tls && !p->plain_first)
        line_secure(l);
    else
        line_use(l, s);
}

static void provider_listen(struct provider *p, struct loop *l, const char *at)
{
    struct address a;
    struct sockaddr_in bound = {0};
    socklen_t len = sizeof(bound);
    *p = (struct provider){.loop = l};
    EXPECT_EQ(address_parse(&a, str_from_c(at)), ERR_NONE);
    int fd = listen_socket(&a, false, 0);
    EXPECT(fd >= 0);
    if (a.any.sa_family != AF_UNIX) {
        EXPECT_EQ(getsockname(fd, (struct sockaddr *)&bound, &len), 0);
        p->port = ntohs(bound.sin_port);
    }
    p->listener = listener_new(l, fd, provider_on_accept, p);
    EXPECT(p->listener != NULL);
}

void provider_open(struct provider *p, struct loop *l)
{
    provider_listen(p, l, "127.0.0.1:0");
}

void provider_open_unix(struct provider *p, struct loop *l, const char *path)
{
    char at[160];
    snprintf(at, sizeof(at), "unix:%s", path);
    provider_listen(p, l, at);
}

void provider_close(struct provider *p)
{
    listener_close(p->listener);
    for (unsigned i = 0; i < p->count; i++) {
        line_end(&p->lines[i]);
        buf_release(&p->lines[i].got);
    }
}

void line_say(struct line *l, str bytes)
{
    EXPECT(l->stream != NULL);
    stream_write(l->stream, &SLICE_BORROWED(bytes), 1);
}

void line_close(struct line *l)
{
    line_end(l);
}

void line_reset(struct line *l)
{
    stream_reset(l->stream);
    l->stream = NULL;
}

/* --- The rig. */

void rig_open_with(struct rig *r, unsigned workers)
{
    *r = (struct rig){.chunks = chunk_alive()};
    r->loop = loop_new();
    EXPECT(r->loop != NULL);
    r->resolver = resolver_new(r->loop);
    EXPECT(r->resolver != NULL);
    r->client = client_new(r->loop, r->resolver, workers);
    EXPECT(r->client != NULL);
    provider_open(&r->provider, r->loop);
    snprintf(r->authority, sizeof(r->authority), "127.0.0.1:%u", r->provider.port);
    r->endpoint = (struct endpoint){
        .key = str_from_c(r->authority),
        .host = STR("127.0.0.1"),
        .port = r->provider.port,
        .authority = str_from_c(r->authority),
        .pool = {.max_idle = 32, .queue = 100, .queue_timeout_ms = 5000, .idle_timeout_ms = 90000},
        .connect_timeout_ms = 2000,
    };
}

void rig_open(struct rig *r)
{
    rig_open_with(r, 1);
}

bool call_has_failed(const void *heard)
{
    return ((const struct heard *)heard)->errors > 0;
}

static void bound_look(void *arg)
{
    struct bound *b = arg;
    b->missed = !b->happened(b->arg);
}

static void bound_due(void *arg)
{
    struct bound *b = arg;
    loop_defer(b->loop, &b->look);
}

void bound_start(struct bound *b, struct rig *r, unsigned ms, bool (*happened)(const void *arg),
                 const void *arg)
{
    *b = (struct bound){.loop = r->loop, .happened = happened, .arg = arg};
    timer_init(&b->timer, bound_due, b);
    deferred_init(&b->look, bound_look, b);
    timer_start(r->loop, &b->timer, ms);
}

bool bound_kept(struct bound *b)
{
    timer_stop(&b->timer);
    deferred_cancel(&b->look);
    return !b->missed;
}

void rig_turn(struct rig *r)
{
    loop_turn(r->loop, false);
}

void rig_turn_ms(struct rig *r, unsigned ms)
{
    uint64_t until = loop_clock_us() + ms * 1000;
    while (loop_clock_us() < until) {
        rig_turn(r);
        usleep(200);
    }
}

void rig_close(struct rig *r)
{
    struct client_stats *stats = client_stats(r->client);
    EXPECT_EQ(atomic_load(&stats->busy), 0);
    EXPECT_EQ(atomic_load(&stats->waiting), 0);
    client_free(r->client);
    provider_close(&r->provider);
    rig_turn(r);
    resolver_free(r->resolver);
    rig_turn(r);
    loop_free(r->loop);
    EXPECT_EQ(chunk_alive(), r->chunks);
    chunk_recycler_release();
    arena_recycler_release();
}

/* --- Calls. */

static unsigned calls_ended;

static void heard_release(struct heard *h)
{
    h->timing = h->call->timing;
    call_release(h->call);
    h->call = NULL;
}

static void heard_connected(void *arg)
{
    struct heard *h = arg;
    EXPECT(h->call != NULL);
    h->connected++;
    EXPECT_EQ(h->heads, 0);
    if (h->release_on_connected)
        heard_release(h);
}

static void heard_head(void *arg, const struct response_head *head)
{
    struct heard *h = arg;
    str field = head_get(&head->headers, STR("x-test"));
    EXPECT(h->call != NULL);
    EXPECT_EQ(h->connected, 1);
    EXPECT_EQ(h->heads, 0);
    h->heads++;
    h->status = head->status;
    snprintf(h->field, sizeof(h->field), "%.*s", STR_ARG(field));
    if (h->pause_on_head)
        call_flow(h->call, false);
    if (h->release_on_head)
        heard_release(h);
}

static void heard_body(void *arg, struct slice bytes)
{
    struct heard *h = arg;
    EXPECT(h->call != NULL);
    EXPECT_EQ(h->heads, 1);
    EXPECT(bytes.len > 0);
    h->bodies++;
    buf_add(&h->body, bytes.ptr, bytes.len);
    if (h->release_on_body)
        heard_release(h);
}

static void heard_end(void *arg)
{
    struct heard *h = arg;
    EXPECT(h->call != NULL);
    EXPECT_EQ(h->heads, 1);
    EXPECT_EQ(h->ends + h->errors, 0);
    h->ends++;
    h->order = ++calls_ended;
    h->timing = h->call->timing;
    if (h->on_end)
        h->on_end(h);
    if (h->release_on_end)
        heard_release(h);
}

static void heard_error(void *arg, enum err err, const char *why)
{
    struct heard *h = arg;
    EXPECT(h->call != NULL);
    EXPECT(why != NULL);
    EXPECT_EQ(h->ends + h->errors, 0);
    h->errors++;
    h->order = ++calls_ended;
    h->err = err;
    h->timing = h->call->timing;
    snprintf(h->why, sizeof(h->why), "%s", why);
}

static void heard_drain(void *arg)
{
    struct heard *h = arg;
    EXPECT(h->call != NULL);
    h->drains++;
}

static const struct call_handler heard_handler = {
    .on_connected = heard_connected,
    .on_head = heard_head,
    .on_body = heard_body,
    .on_end = heard_end,
    .on_error = heard_error,
    .on_drain = heard_drain,
};

static void heard_start(struct rig *r, struct heard *h, enum method method,
                        const struct call_request *request)
{
    struct call_request q = *request;
    h->rig = r;
    arena_init(&h->arena, h->budget);
    buf_init(&h->body, 0);
    h->head = (struct request_head){.method = method,
                                    .method_text = method_name(method),
                                    .target = STR("/v1/chat/completions")};
    EXPECT(head_add(&h->head.headers, &h->arena, STR("authorization"), STR("Bearer secret")));
    q.head = &h->head;
    h->call = call_start(client_caller(r->client), &r->endpoint, &q, &h->arena, &heard_handler, h);
    EXPECT_EQ(h->connected + h->heads + h->errors + h->ends, 0); /* nothing inside the call */
}

struct call *call_try(struct rig *r, struct heard *h, const struct slice *v, unsigned n)
{
    int64_t len = 0;
    for (unsigned i = 0; i < n; i++)
        len += (int64_t)v[i].len;
    heard_start(r, h, METHOD_POST,
                &(struct call_request){.content_length = len, .body = v, .body_count = n});
    return h->call;
}

void call_post_slices(struct rig *r, struct heard *h, const struct slice *v, unsigned n)
{
    EXPECT(call_try(r, h, v, n) != NULL);
}

void call_post(struct rig *r, struct heard *h, str body)
{
    call_post_slices(r, h, &SLICE_BORROWED(body), 1);
}

void call_upload(struct rig *r, struct heard *h, int64_t length, str first)
{
    heard_start(r, h, METHOD_POST,
                &(struct call_request){.content_length = length,
                                       .body = &SLICE_BORROWED(first),
                                       .body_count = first.len ? 1 : 0,
                                       .body_more = true});
    EXPECT(h->call != NULL);
}

void call_get(struct rig *r, struct heard *h)
{
    heard_start(r, h, METHOD_GET, &(struct call_request){0});
}

void call_done(struct heard *h)
{
    if (h->call)
        heard_release(h);
    arena_release(&h->arena);
    buf_release(&h->body);
}

bool call_over(const struct heard *h)
{
    return h->ends || h->errors;
}
