/*
 * An HTTP/1 connection of the server under arbitrary bytes, cut in pieces, before applications of
 * every kind.  First byte: the size of the pieces; second: what the application does; the rest is
 * what the client sends before its FIN.
 */
#include <stdlib.h>

#include "base/check.h"
#include "http/server.h"
#include "io/memory_stream.h"

enum {
    ANSWER_AT_ONCE = 1,   /* else when the body has ended */
    ANSWER_IN_PIECES = 2, /* chunked, else with a length */
    ABORT = 4,
    NO_FLOW = 8,
    HALF_CLOSE = 16,
    RESET = 32,   /* the client's end */
    STUTTER = 64, /* the flow goes off after each piece of the body, and on again later */
};

struct app {
    struct server *server;
    struct loop *loop;
    unsigned mode;
    unsigned begun, ended, gone;
    struct exchange *ex; /* the one that runs */
    struct deferred again;
};

static void answer(struct app *a)
{
    struct response_head head = {.status = 200, .content_length = -1};
    struct slice v = SLICE_BORROWED(STR("hello"));
    struct exchange *ex = a->ex;
    a->ex = NULL;
    if (a->mode & ANSWER_IN_PIECES) {
        exchange_send(ex, &head, &v, 1, false);
        exchange_send(ex, NULL, &v, 1, false);
    }
    if (a->mode & ABORT)
        exchange_abort(ex);
    else if (a->mode & ANSWER_IN_PIECES)
        exchange_send(ex, NULL, NULL, 0, true);
    else
        exchange_send(ex, &head, &v, 1, true);
    exchange_release(ex);
    a->ended++;
}

static void on_body(void *arg, struct slice bytes)
{
    struct app *a = arg;
    CHECK(a->ex != NULL && bytes.len > 0);
    if (a->mode & STUTTER) {
        exchange_body(a->ex, false);
        loop_defer(a->loop, &a->again);
    }
}

static void again(void *arg)
{
    struct app *a = arg;
    if (a->ex)
        exchange_body(a->ex, true);
}

static void on_body_end(void *arg)
{
    answer(arg);
}

static void on_gone(void *arg, enum err why)
{
    struct app *a = arg;
    CHECK(a->ex != NULL);
    a->gone++;
    if (why != ERR_CLIENT_GONE) {
        answer(a);
        return;
    }
    exchange_release(a->ex);
    a->ex = NULL;
    a->ended++;
}

static void on_nothing(void *arg)
{
    (void)arg;
}

static const struct exchange_handler handler = {on_body, on_body_end, on_gone, on_nothing};

static void on_exchange(void *arg, struct exchange *ex)
{
    struct app *a = arg;
    CHECK(a->ex == NULL); /* one at a time */
    a->ex = ex;
    a->begun++;
    exchange_handle(ex, &handler, a);
    if (a->mode & ANSWER_AT_ONCE)
        answer(a);
    else if (!(a->mode & NO_FLOW))
        exchange_body(ex, true);
}

static str on_refused(void *arg, struct arena *arena, enum err why, const char *reason, str target,
                      const struct address *peer)
{
    (void)arg, (void)peer;
    return arena_printf(arena, "%s %s %.*s", err_code(why), reason, STR_ARG(target));
}

static void on_read(void *arg, struct slice bytes)
{
    *(size_t *)arg += bytes.len;
}

static void on_end(void *arg, enum err why)
{
    (void)arg, (void)why;
}

static const struct stream_handler client_handler = {on_read, on_end, NULL};

static void serve(struct app *a, size_t piece, str bytes)
{
    struct stream *ends[2];
    struct address peer = {.len = sizeof(struct sockaddr_in)};
    size_t got = 0;
    CHECK(memory_stream_pair(a->loop, piece, ends));
    stream_handle(ends[0], &client_handler, &got);
    stream_read_start(ends[0]);
    server_accept(a->server, ends[1], &peer, NULL);
    if (bytes.len)
        stream_write(ends[0], &SLICE_BORROWED(bytes), 1);
    stream_shut(ends[0]);
    for (size_t turns = 0; turns < 2 * bytes.len + 20; turns++)
        loop_turn(a->loop, false);
    if (a->mode & RESET)
        stream_reset(ends[0]);
    else
        stream_close(ends[0]);
    for (int turns = 0; turns < 20; turns++)
        loop_turn(a->loop, false);
    server_close_all(a->server); /* what lingers, and exchanges that nobody answers */
    CHECK(a->ex == NULL);
    CHECK(a->begun == a->ended);
    if (a->begun && !(a->mode & ABORT) && !a->gone)
        CHECK(got > 0);
    for (int turns = 0; turns < 4; turns++)
        loop_turn(a->loop, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 65536)
        return 0;
    static struct loop *loop;
    if (!loop)
        loop = loop_new();
    CHECK(loop != NULL);
    size_t chunks = chunk_alive();
    struct app a = {.loop = loop, .mode = data[1]};
    deferred_init(&a.again, again, &a);
    struct server_options o = {
        .conf = {.max_body = 1 << 20,
                 .max_header = 4096,
                 .max_headers = 20,
                 .header_timeout_ms = 60000,
                 .body_timeout_ms = 60000,
                 .idle_timeout_ms = 60000,
                 .client_stall_ms = 60000,
                 .half_close = data[1] & HALF_CLOSE},
        .connections_max = 1,
        .on_exchange = on_exchange,
        .on_refused = on_refused,
        .arg = &a,
    };
    a.server = server_new(loop, &o);
    CHECK(a.server != NULL);
    serve(&a, data[0], str_make((const char *)data + 2, size - 2));
    server_free(a.server);
    deferred_cancel(&a.again);
    CHECK(chunk_alive() <= chunks + 2); /* the loop keeps its own */
    return 0;
}
