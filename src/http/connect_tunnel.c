#include "http/connect_tunnel.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/http1.h"

enum { TUNNEL_HEAD_MAX = 16384 };

struct tunnel {
    struct stream *stream; /* NULL once handed over or closed */
    struct arena arena;    /* the answer's head */
    struct http1_parser parser;
    struct closing closing;
    tunnel_fn *on_done;
    void *arg;
};

static void tunnel_release(void *object)
{
    struct tunnel *t = object;
    http1_parser_release(&t->parser);
    arena_release(&t->arena);
    free(t);
}

static void tunnel_end(struct tunnel *t, bool keep_stream)
{
    struct stream *s = t->stream;
    t->stream = NULL;
    if (!keep_stream)
        stream_close(s);
    loop_close_later(s->loop, &t->closing, tunnel_release, t);
}

static void tunnel_fail(struct tunnel *t, enum err err, const char *why)
{
    tunnel_end(t, false);
    t->on_done(t->arg, NULL, err, why);
}

static void tunnel_answered(struct tunnel *t, const struct response_head *head, str rest)
{
    if (head->status >= 300 || head->status < 200) {
        char why[64];
        snprintf(why, sizeof(why), "the proxy answered CONNECT with status %d", head->status);
        tunnel_fail(t, ERR_UPSTREAM_CONNECT, why);
        return;
    }
    /* What came before our side said anything is nobody's answer, and must not be taken for the
     * beginning of a handshake or of one. */
    if (rest.len) {
        tunnel_fail(t, ERR_UPSTREAM_CONNECT, "the proxy sent bytes before the tunnel was used");
        return;
    }
    struct stream *s = t->stream;
    stream_read_stop(s);
    tunnel_end(t, true);
    t->on_done(t->arg, s, ERR_NONE, NULL);
}

static void tunnel_on_read(void *arg, struct slice bytes)
{
    struct tunnel *t = arg;
    str rest = str_make(bytes.ptr, bytes.len);
    struct http1_out out;
    switch (http1_step(&t->parser, &rest, &t->arena, &out)) {
    case HTTP1_NEED_MORE:
        return;
    case HTTP1_HEAD:
        tunnel_answered(t, out.response, rest);
        return;
    case HTTP1_BODY:
    case HTTP1_END:
    case HTTP1_PREFACE:
    case HTTP1_ERROR:
        tunnel_fail(t, ERR_UPSTREAM_CONNECT, "the proxy's answer to CONNECT is not HTTP");
        return;
    }
}

static void tunnel_on_end(void *arg, enum err why)
{
    (void)why;
    tunnel_fail(arg, ERR_UPSTREAM_CONNECT, "the proxy closed the connection");
}

static const struct stream_handler tunnel_handler = {
    .on_read = tunnel_on_read,
    .on_end = tunnel_on_end,
};

static str tunnel_authority(struct tunnel *t, const struct endpoint *e)
{
    bool v6 = str_find_byte(e->host, ':') >= 0;
    return arena_printf(&t->arena, v6 ? "[%.*s]:%u" : "%.*s:%u", STR_ARG(e->host), e->port);
}

static str tunnel_authorization(struct tunnel *t, const struct endpoint *e)
{
    if (str_is_null(e->proxy_authorization))
        return STR("");
    return arena_printf(&t->arena, "Proxy-Authorization: %.*s\r\n",
                        STR_ARG(e->proxy_authorization));
}

/* Written here and not by wire/http1, whose requests never are in authority form. */
static bool tunnel_ask(struct tunnel *t, const struct endpoint *e)
{
    str to = tunnel_authority(t, e), authorization = tunnel_authorization(t, e);
    if (str_is_null(to) || str_is_null(authorization))
        return false;
    str text = arena_printf(&t->arena, "CONNECT %.*s HTTP/1.1\r\nHost: %.*s\r\n%.*s\r\n",
                            STR_ARG(to), STR_ARG(to), STR_ARG(authorization));
    if (str_is_null(text))
        return false;
    http1_expect(&t->parser, METHOD_CONNECT);
    stream_write(t->stream, &SLICE_BORROWED(text), 1);
    stream_read_start(t->stream);
    return true;
}

struct tunnel *tunnel_start(struct stream *s, const struct endpoint *e, tunnel_fn *on_done,
                            void *arg)
{
    struct tunnel *t = calloc(1, sizeof(*t));
    if (!t) {
        stream_close(s);
        return NULL;
    }
    t->stream = s;
    t->on_done = on_done;
    t->arg = arg;
    arena_init(&t->arena, 0);
    http1_parser_init(&t->parser, HTTP1_RESPONSES,
                      &(struct http1_limits){.head_bytes = TUNNEL_HEAD_MAX, .header_count = 100});
    stream_handle(s, &tunnel_handler, t);
    if (tunnel_ask(t, e))
        return t;
    tunnel_end(t, false);
    return NULL;
}

void tunnel_cancel(struct tunnel *t)
{
    tunnel_end(t, false);
}
