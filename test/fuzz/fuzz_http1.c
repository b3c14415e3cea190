/*
 * HTTP/1 in both directions.  The first byte chooses requests or answers and how the rest is cut;
 * what a parser says must not depend on the cut, and what a request's head says can be written and
 * read again.
 */
#include "base/buf.h"
#include "wire/http1.h"

struct tally {
    unsigned heads, ends;
    uint64_t body_bytes, body_sum;
    enum err err;
    bool preface;
};

static void check_head(const struct headers *h)
{
    for (unsigned i = 0; i < h->count; i++) {
        CHECK(header_name_valid(h->list[i].name));
        CHECK(header_value_valid(h->list[i].value));
        CHECK(header_name_from(h->list[i].name) == h->list[i].id);
    }
}

/* What we accepted, written by us, is accepted again and says the same. */
static void check_written(const struct request_head *r, struct arena *arena)
{
    if (str_is_null(r->authority))
        return;
    struct buf out;
    buf_init(&out, 0);
    CHECK(http1_write_request_head(&out, r) == ERR_NONE);
    struct http1_parser p;
    struct http1_out again;
    str bytes = buf_str(&out);
    http1_parser_init(&p, HTTP1_REQUESTS, &(struct http1_limits){1 << 20, 1000, 1 << 16});
    CHECK(http1_step(&p, &bytes, arena, &again) == HTTP1_HEAD);
    CHECK(str_eq(again.request->method_text, r->method_text));
    CHECK(str_eq(again.request->target, r->target));
    CHECK(str_eq(again.request->path, r->path));
    CHECK(str_eq(again.request->authority, r->authority));
    CHECK(again.request->content_length == r->content_length);
    CHECK(again.request->chunked == r->chunked && again.request->keep_alive == r->keep_alive);
    http1_parser_release(&p);
    buf_release(&out);
}

static bool take(struct http1_parser *p, struct tally *t, str piece)
{
    struct arena arena;
    arena_init(&arena, 4 << 20);
    bool going = true;
    for (bool more = true; more;) {
        struct http1_out out;
        switch (http1_step(p, &piece, &arena, &out)) {
        case HTTP1_NEED_MORE:
            CHECK(piece.len == 0);
            more = false;
            break;
        case HTTP1_HEAD:
            t->heads++;
            check_head(out.request ? &out.request->headers : &out.response->headers);
            if (out.request)
                check_written(out.request, &arena);
            break;
        case HTTP1_BODY:
            CHECK(out.body.len > 0);
            t->body_bytes += out.body.len;
            for (size_t i = 0; i < out.body.len; i++)
                t->body_sum = t->body_sum * 31 + (unsigned char)out.body.ptr[i];
            break;
        case HTTP1_END:
            t->ends++;
            if (p->kind == HTTP1_RESPONSES && t->ends < 3)
                http1_expect(p, t->ends == 1 ? METHOD_HEAD : METHOD_GET);
            break;
        case HTTP1_PREFACE:
            t->preface = true;
            more = going = false;
            break;
        case HTTP1_ERROR:
            CHECK(p->err != ERR_NONE && p->reason);
            more = going = false;
            break;
        }
    }
    arena_release(&arena);
    return going;
}

static struct tally run(enum http1_kind kind, str all, size_t step)
{
    struct http1_parser p;
    struct tally t = {0};
    http1_parser_init(&p, kind, NULL);
    if (kind == HTTP1_RESPONSES)
        http1_expect(&p, METHOD_POST);
    while (all.len) {
        str piece = str_first(all, step);
        all = str_from(all, piece.len);
        if (!take(&p, &t, piece))
            break;
    }
    t.err = t.preface ? ERR_NONE : http1_eof(&p);
    http1_parser_release(&p);
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum http1_kind kind = data[0] & 1 ? HTTP1_RESPONSES : HTTP1_REQUESTS;
    size_t step = (size_t)(data[0] >> 1) + 1;
    str all = str_make((const char *)data + 1, size - 1);
    struct tally whole = run(kind, all, all.len), cut = run(kind, all, step);
    CHECK(whole.heads == cut.heads && whole.ends == cut.ends && whole.err == cut.err);
    CHECK(whole.body_bytes == cut.body_bytes && whole.body_sum == cut.body_sum);
    CHECK(whole.preface == cut.preface);
    return 0;
}
