#include "host.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/memory_stream.h"

/* --- The application */

static void on_body(void *arg, struct slice bytes)
{
    struct visit *v = arg;
    EXPECT(!v->body_ended);
    EXPECT(bytes.len > 0);
    v->body_bytes += bytes.len;
    if (!v->host->drop_bodies)
        buf_add(&v->body, bytes.ptr, bytes.len);
}

static void on_body_end(void *arg)
{
    struct visit *v = arg;
    EXPECT(!v->body_ended);
    v->body_ended = true;
    if (v->host->on_body_end)
        v->host->on_body_end(v);
}

static void on_gone(void *arg, enum err why)
{
    struct visit *v = arg;
    v->gone = why;
    v->gone_count++;
    if (why == ERR_CLIENT_GONE && !v->host->hold_gone)
        visit_release(v);
}

static void on_drain(void *arg)
{
    struct visit *v = arg;
    v->drains++;
}

static const struct exchange_handler handler = {on_body, on_body_end, on_gone, on_drain};

static void on_exchange(void *arg, struct exchange *ex)
{
    struct host *h = arg;
    EXPECT(h->count < VISITS_MAX);
    struct visit *v = &h->visits[h->count++];
    v->host = h;
    v->ex = ex;
    snprintf(v->target, sizeof(v->target), "%.*s", STR_ARG(ex->head->target));
    buf_init(&v->body, 0);
    exchange_handle(ex, &handler, v);
    if (h->on_visit)
        h->on_visit(v);
}

static str on_refused(void *arg, struct arena *a, enum err why, const char *reason, str target,
                      const struct address *peer)
{
    struct host *h = arg;
    EXPECT(peer != NULL);
    h->refusals++;
    h->refused = why;
    snprintf(h->refused_reason, sizeof(h->refused_reason), "%s", reason);
    snprintf(h->refused_target, sizeof(h->refused_target), "%.*s", STR_ARG(target));
    return arena_printf(a, "{\"error\":\"%s\"}", err_code(why));
}

void visit_release(struct visit *v)
{
    exchange_release(v->ex);
    v->ex = NULL;
}

void visit_answer(struct visit *v, int status, str text)
{
    struct response_head head = {.status = status, .content_length = (int64_t)text.len};
    EXPECT(head_add(&head.headers, v->ex->arena, STR("x-test"), STR("yes")));
    exchange_send(v->ex, &head, &SLICE_BORROWED(text), 1, true);
    visit_release(v);
}

void visit_hello(struct visit *v)
{
    visit_answer(v, 200, STR("hello"));
}

void visit_take_body(struct visit *v)
{
    exchange_body(v->ex, true);
}

void visit_echo(struct visit *v)
{
    visit_answer(v, 200, buf_str(&v->body));
}

void visit_begin(struct visit *v)
{
    struct response_head head = {.status = 200, .content_length = -1};
    exchange_send(v->ex, &head, NULL, 0, false);
}

void visit_say(struct visit *v, str text)
{
    exchange_send(v->ex, NULL, &SLICE_BORROWED(text), 1, false);
}

void visit_end(struct visit *v)
{
    exchange_send(v->ex, NULL, NULL, 0, true);
    visit_release(v);
}

void visit_abort(struct visit *v)
{
    exchange_abort(v->ex);
    visit_release(v);
}

/* --- The host */

struct host *host_new(void)
{
    struct host *h = calloc(1, sizeof(*h));
    EXPECT(h != NULL);
    h->options = (struct server_options){
        .conf =
            {
                .max_connections = 64,
                .max_body = 1 << 20,
                .max_header = 16384,
                .max_headers = 50,
                .header_timeout_ms = 60000,
                .body_timeout_ms = 60000,
                .idle_timeout_ms = 60000,
                .client_stall_ms = 60000,
            },
        .connections_max = 64,
        .on_exchange = on_exchange,
        .on_refused = on_refused,
        .arg = h,
    };
    return h;
}

void host_open(struct host *h)
{
    h->chunks = chunk_alive();
    h->loop = loop_new();
    EXPECT(h->loop != NULL);
    h->server = server_new(h->loop, &h->options);
    EXPECT(h->server != NULL);
}

void host_close(struct host *h)
{
    host_turns(h);
    server_close_all(h->server);
    host_turns(h);
    for (unsigned i = 0; i < h->count; i++) {
        if (h->visits[i].ex)
            visit_release(&h->visits[i]);
        buf_release(&h->visits[i].body);
    }
    EXPECT_EQ(host_connections(h), 0);
    host_turns(h);
    server_free(h->server);
    loop_free(h->loop);
    EXPECT_EQ(chunk_alive(), h->chunks);
    chunk_recycler_release();
    arena_recycler_release();
    free(h);
}

static int listen_at(const char *text, struct address *a)
{
    EXPECT_EQ(address_parse(a, str_from_c(text)), ERR_NONE);
    int fd = listen_socket(a, false, 0600);
    EXPECT(fd >= 0);
    return fd;
}

void host_listen(struct host *h, struct tls_context *tls)
{
    struct address a;
    int fd = listen_at("127.0.0.1:0", &a);
    a.len = sizeof(a.storage);
    EXPECT_EQ(getsockname(fd, &a.any, &a.len), 0);
    h->port = address_port(&a);
    h->listener = server_listen(h->server, fd, tls);
    EXPECT(h->listener != 0);
}

void host_listen_unix(struct host *h, const char *path)
{
    struct address a;
    h->listener = server_listen(h->server, listen_at(path, &a), NULL);
    EXPECT(h->listener != 0);
}

unsigned host_connections(struct host *h)
{
    return atomic_load(&server_stats(h->server)->connections);
}

void host_turns(struct host *h)
{
    for (int i = 0; i < 40; i++)
        loop_turn(h->loop, false);
}

static void nothing(void *arg)
{
    (void)arg;
}

void host_tick(struct host *h)
{
    struct timer t;
    timer_init(&t, nothing, NULL);
    timer_start(h->loop, &t, 4);
    loop_turn(h->loop, true);
    timer_stop(&t);
}

/* --- Guests */

static void guest_on_read(void *arg, struct slice bytes)
{
    struct guest *g = arg;
    buf_add(&g->got, bytes.ptr, bytes.len);
    buf_add_byte(&g->got, '\0'); /* for strstr */
    g->got.len--;
}

static void guest_on_end(void *arg, enum err why)
{
    struct guest *g = arg;
    g->ended = true;
    g->end = why;
}

static const struct stream_handler guest_handler = {guest_on_read, guest_on_end, NULL};

void guest_come_as(struct guest *g, struct stream *s)
{
    *g = (struct guest){.stream = s};
    buf_init(&g->got, 0);
    stream_handle(s, &guest_handler, g);
    stream_read_start(s);
}

void guest_come(struct guest *g, struct host *h, size_t chunk)
{
    struct stream *ends[2];
    struct address nobody;
    EXPECT_EQ(address_parse(&nobody, STR("192.0.2.1:1234")), ERR_NONE);
    EXPECT(memory_stream_pair(h->loop, chunk, ends));
    guest_come_as(g, ends[0]);
    server_accept(h->server, ends[1], &nobody, NULL);
}

static void guest_connect(struct guest *g, struct host *h, const struct address *a)
{
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(fd >= 0);
    EXPECT_EQ(connect(fd, &a->any, a->len), 0);
    struct stream *s = tcp_open(h->loop, fd);
    EXPECT(s != NULL);
    guest_come_as(g, s);
}

void guest_come_tcp(struct guest *g, struct host *h)
{
    char text[32];
    struct address a;
    snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)h->port);
    EXPECT_EQ(address_parse(&a, str_from_c(text)), ERR_NONE);
    guest_connect(g, h, &a);
}

void guest_come_unix(struct guest *g, struct host *h, const char *path)
{
    struct address a;
    EXPECT_EQ(address_parse(&a, str_from_c(path)), ERR_NONE);
    guest_connect(g, h, &a);
}

void guest_send_bytes(struct guest *g, str bytes)
{
    stream_write(g->stream, &SLICE_BORROWED(bytes), 1);
}

void guest_send(struct guest *g, const char *text)
{
    guest_send_bytes(g, str_from_c(text));
}

void guest_shut(struct guest *g)
{
    stream_shut(g->stream);
}

void guest_reset(struct guest *g)
{
    stream_reset(g->stream);
    g->stream = NULL;
}

void guest_leave(struct guest *g)
{
    if (g->stream)
        stream_close(g->stream);
    g->stream = NULL;
    buf_release(&g->got);
}

unsigned guest_count(const struct guest *g, const char *text)
{
    unsigned n = 0;
    const char *at = g->got.ptr;
    while (at && (at = strstr(at, text))) {
        n++;
        at += strlen(text);
    }
    return n;
}
