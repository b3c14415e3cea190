#include "http1_helper.h"

#include <stdio.h>
#include <stdlib.h>

void http1_transcript_init(struct http1_transcript *t, enum http1_kind kind,
                           const struct http1_limits *limits, const enum method *asked,
                           unsigned asked_count)
{
    *t = (struct http1_transcript){.asked = asked, .asked_left = asked_count};
    http1_parser_init(&t->parser, kind, limits);
    buf_init(&t->text, 0);
    buf_init(&t->body, 0);
}

void http1_transcript_release(struct http1_transcript *t)
{
    http1_parser_release(&t->parser);
    buf_release(&t->text);
    buf_release(&t->body);
}

static void body_ends(struct http1_transcript *t)
{
    if (t->body.len)
        buf_printf(&t->text, "BODY %.*s\n", STR_ARG(buf_str(&t->body)));
    buf_clear(&t->body);
}

static void note_request(struct buf *out, const struct request_head *r)
{
    buf_printf(out, "HEAD %.*s %.*s http/1.%d host=%.*s", STR_ARG(r->method_text), STR_ARG(r->path),
               r->version == HTTP_VERSION_1_1, STR_ARG(r->authority));
    if (!str_is_null(r->query))
        buf_printf(out, " query=%.*s", STR_ARG(r->query));
    if (r->content_length >= 0)
        buf_printf(out, " length=%lld", (long long)r->content_length);
    buf_printf(out, "%s%s%s\n", r->chunked ? " chunked" : "", r->keep_alive ? "" : " close",
               r->expect_continue ? " expect" : "");
}

static void note_response(struct buf *out, const struct response_head *r)
{
    buf_printf(out, "HEAD %d '%.*s'", r->status, STR_ARG(r->reason));
    if (r->content_length >= 0)
        buf_printf(out, " length=%lld", (long long)r->content_length);
    buf_printf(out, "%s%s%s\n", r->chunked ? " chunked" : "", r->keep_alive ? "" : " close",
               r->no_body ? " no-body" : "");
}

static void note(struct http1_transcript *t, enum http1_step step, const struct http1_out *out)
{
    if (step == HTTP1_NEED_MORE)
        return;
    if (step == HTTP1_BODY) {
        EXPECT(out->body.len > 0);
        buf_add_str(&t->body, out->body);
        return;
    }
    body_ends(t);
    if (step == HTTP1_HEAD && out->request)
        note_request(&t->text, out->request);
    else if (step == HTTP1_HEAD)
        note_response(&t->text, out->response);
    else if (step == HTTP1_END)
        buf_add_lit(&t->text, "END\n");
    else if (step == HTTP1_PREFACE)
        buf_add_lit(&t->text, "PREFACE\n");
    else
        buf_printf(&t->text, "ERROR %s: %s\n", err_facts(t->parser.err)->name, t->parser.reason);
}

static void expect_next(struct http1_transcript *t)
{
    if (!t->asked_left)
        return;
    http1_expect(&t->parser, *t->asked++);
    t->asked_left--;
}

static void run_piece(struct http1_transcript *t, str piece)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct http1_out out;
    enum http1_step step;
    do {
        step = http1_step(&t->parser, &piece, &arena, &out);
        note(t, step, &out);
        if (step == HTTP1_END)
            expect_next(t);
    } while (step == HTTP1_HEAD || step == HTTP1_BODY || step == HTTP1_END);
    if (step == HTTP1_NEED_MORE)
        EXPECT_EQ(piece.len, 0);
    else
        t->stopped = true;
    arena_release(&arena);
}

void http1_transcript_run(struct http1_transcript *t, str all, size_t first, size_t rest)
{
    expect_next(t);
    for (size_t len = first; all.len && !t->stopped; len = rest ? rest : all.len) {
        str piece = str_first(all, len);
        char *copy = malloc(piece.len ? piece.len : 1);
        EXPECT(copy != NULL);
        memcpy(copy, piece.ptr, piece.len);
        run_piece(t, str_make(copy, piece.len));
        free(copy);
        all = str_from(all, piece.len);
    }
    if (t->stopped)
        return;
    body_ends(t);
    enum err err = http1_eof(&t->parser);
    buf_printf(&t->text, "EOF %s\n", err ? err_facts(err)->name : "complete");
}

static char *transcript(enum http1_kind kind, str all, const enum method *asked, unsigned count,
                        size_t first, size_t rest)
{
    struct http1_transcript t;
    http1_transcript_init(&t, kind, NULL, asked, count);
    http1_transcript_run(&t, all, first, rest);
    char *text = strndup(t.text.ptr ? t.text.ptr : "", t.text.len);
    EXPECT(text != NULL);
    http1_transcript_release(&t);
    return text;
}

static const char *transcript_however_cut(enum http1_kind kind, str all, const enum method *asked,
                                          unsigned count)
{
    static char whole[1 << 16];
    char *text = transcript(kind, all, asked, count, all.len, 0);
    snprintf(whole, sizeof(whole), "%s", text);
    free(text);
    for (size_t cut = 0; cut < all.len; cut++) {
        /* cut 0: byte by byte */
        text = transcript(kind, all, asked, count, cut ? cut : 1, cut ? 0 : 1);
        if (strcmp(text, whole) != 0)
            EXPECT_FAIL("cut at %zu: %s\nwhole: %s", cut, text, whole);
        free(text);
    }
    return whole;
}

const char *http1_requests(str all)
{
    return transcript_however_cut(HTTP1_REQUESTS, all, NULL, 0);
}

const char *http1_responses(str all, const enum method *asked, unsigned count)
{
    return transcript_however_cut(HTTP1_RESPONSES, all, asked, count);
}

const char *http1_response(str all, enum method asked)
{
    return http1_responses(all, &asked, 1);
}
