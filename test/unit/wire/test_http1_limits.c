/* Limits of heads: exact at the limit, for any cut. */
#include <stdlib.h>

#include "http1_helper.h"

/* A request with that many bytes of target, that many headers beside Host, and a last header that
 * pads the head to `total` bytes (0: no padding). */
static str make_request(struct buf *out, size_t target, unsigned headers, size_t total)
{
    buf_clear(out);
    buf_add_lit(out, "GET /");
    for (size_t i = 1; i < target; i++)
        buf_add_byte(out, 'a');
    buf_add_lit(out, " HTTP/1.1\r\nHost: a\r\n");
    for (unsigned i = 0; i < headers; i++)
        buf_add_lit(out, "x: y\r\n");
    if (total) {
        buf_add_lit(out, "pad: ");
        while (out->len < total - 4)
            buf_add_byte(out, 'p');
        buf_add_lit(out, "\r\n");
    }
    buf_add_lit(out, "\r\n");
    return buf_str(out);
}

static enum err run(enum http1_kind kind, str all, size_t piece)
{
    static const enum method asked[] = {METHOD_GET};
    struct http1_transcript t;
    http1_transcript_init(&t, kind, NULL, asked, kind == HTTP1_RESPONSES);
    http1_transcript_run(&t, all, piece, piece);
    enum err err = t.parser.err;
    http1_transcript_release(&t);
    return err;
}

static void expect_err(enum http1_kind kind, str all, enum err expected)
{
    static const size_t pieces[] = {1 << 20, 1, 7, 1000, 16384};
    for (unsigned i = 0; i < ARRAY_LEN(pieces); i++)
        EXPECT_EQ(run(kind, all, pieces[i]), expected);
}

TEST(target_of_8192_bytes_passes_and_8193_does_not)
{
    struct buf b;
    buf_init(&b, 0);
    expect_err(HTTP1_REQUESTS, make_request(&b, 8192, 0, 0), ERR_NONE);
    expect_err(HTTP1_REQUESTS, make_request(&b, 8193, 0, 0), ERR_URL_TOO_LONG);
    expect_err(HTTP1_REQUESTS, make_request(&b, 100000, 0, 0), ERR_URL_TOO_LONG);
    buf_release(&b);
}

TEST(hundred_headers_pass_and_101_do_not)
{
    struct buf b;
    buf_init(&b, 0);
    expect_err(HTTP1_REQUESTS, make_request(&b, 1, 99, 0), ERR_NONE);
    expect_err(HTTP1_REQUESTS, make_request(&b, 1, 100, 0), ERR_HEAD_TOO_LARGE);
    buf_release(&b);
}

TEST(head_of_65536_bytes_passes_and_65537_does_not)
{
    struct buf b;
    buf_init(&b, 0);
    str all = make_request(&b, 1, 0, 65536);
    EXPECT_EQ(all.len, 65536);
    expect_err(HTTP1_REQUESTS, all, ERR_NONE);
    expect_err(HTTP1_REQUESTS, make_request(&b, 1, 0, 65537), ERR_HEAD_TOO_LARGE);
    expect_err(HTTP1_REQUESTS, make_request(&b, 1, 0, 200000), ERR_HEAD_TOO_LARGE);
    buf_release(&b);
}

TEST(endless_head_is_refused_before_it_ends)
{
    struct buf b;
    buf_init(&b, 0);
    str all = make_request(&b, 1, 0, 65600);
    expect_err(HTTP1_REQUESTS, str_first(all, 65536), ERR_HEAD_TOO_LARGE);
    expect_err(HTTP1_REQUESTS, str_first(all, 65535), ERR_NONE);
    all = make_request(&b, 9000, 0, 0);
    expect_err(HTTP1_REQUESTS, str_first(all, 4 + 8193), ERR_URL_TOO_LONG);
    expect_err(HTTP1_REQUESTS, str_first(all, 4 + 8192), ERR_NONE);
    buf_release(&b);
}

TEST(limits_are_the_callers_to_choose)
{
    struct http1_limits limits = {.head_bytes = 64, .header_count = 2, .target_bytes = 4};
    const struct {
        const char *text;
        enum err err;
    } cases[] = {
        {"GET /abc HTTP/1.1\r\nHost: a\r\nx: y\r\n\r\n", ERR_NONE},
        {"GET /abcd HTTP/1.1\r\nHost: a\r\nx: y\r\n\r\n", ERR_URL_TOO_LONG},
        {"GET /abc HTTP/1.1\r\nHost: a\r\nx: y\r\nx: y\r\n\r\n", ERR_HEAD_TOO_LARGE},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct http1_transcript t;
        http1_transcript_init(&t, HTTP1_REQUESTS, &limits, NULL, 0);
        http1_transcript_run(&t, str_from_c(cases[i].text), 1000, 0);
        EXPECT_EQ(t.parser.err, cases[i].err);
        http1_transcript_release(&t);
    }
}

TEST(heads_of_answers_have_the_same_limits)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_lit(&b, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n");
    for (unsigned i = 0; i < 99; i++)
        buf_add_lit(&b, "x: y\r\n");
    size_t ninety_nine = b.len;
    buf_add_lit(&b, "\r\n");
    expect_err(HTTP1_RESPONSES, buf_str(&b), ERR_NONE);
    b.len = ninety_nine;
    buf_add_lit(&b, "x: y\r\n\r\n");
    expect_err(HTTP1_RESPONSES, buf_str(&b), ERR_UPSTREAM_TOO_LARGE);

    buf_clear(&b);
    buf_add_lit(&b, "HTTP/1.1 200 OK\r\nx: ");
    while (b.len < 70000)
        buf_add_byte(&b, 'x');
    expect_err(HTTP1_RESPONSES, buf_str(&b), ERR_UPSTREAM_TOO_LARGE);
    buf_release(&b);
}

/* Chunked bodies. */

static str chunked_request(struct buf *out, const char *filler, size_t times, const char *end)
{
    buf_clear(out);
    buf_add_lit(out, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t i = 0; i < times; i++)
        buf_add_str(out, str_from_c(filler));
    buf_add_str(out, str_from_c(end));
    return buf_str(out);
}

TEST(chunk_extension_of_256_bytes_passes_and_257_does_not)
{
    struct buf b;
    char extension[258 + 1];
    buf_init(&b, 0);
    memset(extension, 'e', sizeof(extension) - 1);
    extension[0] = '1';
    extension[1] = ';';
    extension[258] = '\0';
    expect_err(HTTP1_REQUESTS, chunked_request(&b, extension, 1, "\r\na\r\n0\r\n\r\n"), ERR_NONE);
    expect_err(HTTP1_REQUESTS, chunked_request(&b, extension, 1, "e\r\na\r\n0\r\n\r\n"),
               ERR_HTTP_MALFORMED);
    buf_release(&b);
}

TEST(extensions_of_all_chunks_together_are_bounded)
{
    struct buf b;
    buf_init(&b, 0);
    expect_err(HTTP1_REQUESTS, chunked_request(&b, "1;e\r\na\r\n", 8192, "0\r\n\r\n"), ERR_NONE);
    expect_err(HTTP1_REQUESTS, chunked_request(&b, "1;e\r\na\r\n", 8193, "0\r\n\r\n"),
               ERR_HTTP_MALFORMED);
    buf_release(&b);
}

TEST(hundred_trailers_pass_and_101_do_not)
{
    struct buf b;
    buf_init(&b, 0);
    str all = chunked_request(&b, "", 0, "0\r\n");
    for (unsigned i = 0; i < 100; i++)
        buf_add_lit(&b, "x: y\r\n");
    size_t hundred = b.len;
    buf_add_lit(&b, "\r\n");
    all = buf_str(&b);
    expect_err(HTTP1_REQUESTS, all, ERR_NONE);
    b.len = hundred;
    buf_add_lit(&b, "x: y\r\n\r\n");
    expect_err(HTTP1_REQUESTS, buf_str(&b), ERR_HEAD_TOO_LARGE);
    buf_release(&b);
}

TEST(endless_trailer_is_refused)
{
    struct buf b;
    buf_init(&b, 0);
    chunked_request(&b, "", 0, "0\r\nx: ");
    while (b.len < 70000)
        buf_add_byte(&b, 'x');
    expect_err(HTTP1_REQUESTS, buf_str(&b), ERR_HEAD_TOO_LARGE);
    buf_release(&b);
}

TEST(buffer_of_a_head_in_pieces_is_given_back)
{
    struct http1_parser p;
    struct http1_out out;
    struct arena arena;
    arena_init(&arena, 0);
    http1_parser_init(&p, HTTP1_REQUESTS, NULL);
    str bytes = STR("GET / HTTP/1.1\r\nHos");
    EXPECT_EQ(http1_step(&p, &bytes, &arena, &out), HTTP1_NEED_MORE);
    EXPECT(p.head.cap > 0);
    bytes = STR("t: a\r\n\r\n");
    EXPECT_EQ(http1_step(&p, &bytes, &arena, &out), HTTP1_HEAD);
    EXPECT_EQ(p.head.cap, 0);
    http1_parser_release(&p);
    arena_release(&arena);
}
