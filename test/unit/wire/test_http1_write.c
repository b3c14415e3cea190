/* What the writers emit, and what they refuse to. */
#include "http1_helper.h"

static struct arena arena;
static struct buf out;

static void begin(void)
{
    arena_init(&arena, 0);
    buf_init(&out, 0);
}

static void end(void)
{
    arena_release(&arena);
    buf_release(&out);
}

TEST(request_head_is_written_with_generated_framing)
{
    begin();
    struct request_head r = {.method = METHOD_POST,
                             .target = STR_INIT("/v1/chat/completions?x=1"),
                             .authority = STR_INIT("api.example.com:8443"),
                             .content_length = 17,
                             .keep_alive = true};
    EXPECT(head_add(&r.headers, &arena, STR("Content-Type"), STR("application/json")));
    EXPECT(head_add_known(&r.headers, &arena, HEADER_AUTHORIZATION, STR("Bearer k")));
    EXPECT(head_add(&r.headers, &arena, STR("X-Empty"), STR("")));
    EXPECT_EQ(http1_write_request_head(&out, &r), ERR_NONE);
    EXPECT_STR(buf_str(&out), "POST /v1/chat/completions?x=1 HTTP/1.1\r\n"
                              "host: api.example.com:8443\r\n"
                              "Content-Type: application/json\r\n"
                              "authorization: Bearer k\r\n"
                              "X-Empty: \r\n"
                              "content-length: 17\r\n\r\n");
    end();
}

TEST(request_without_a_body_has_no_framing)
{
    begin();
    struct request_head r = {.method = METHOD_GET,
                             .target = STR_INIT("/"),
                             .authority = STR_INIT("a"),
                             .content_length = -1};
    EXPECT_EQ(http1_write_request_head(&out, &r), ERR_NONE);
    EXPECT_STR(buf_str(&out), "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    end();
}

TEST(chunked_request_that_waits_for_continue_is_written)
{
    begin();
    struct request_head r = {.method = METHOD_OTHER,
                             .method_text = STR_INIT("PROPFIND"),
                             .target = STR_INIT("/"),
                             .authority = STR_INIT("a"),
                             .content_length = -1,
                             .chunked = true,
                             .expect_continue = true,
                             .keep_alive = true};
    EXPECT_EQ(http1_write_request_head(&out, &r), ERR_NONE);
    EXPECT_STR(buf_str(&out), "PROPFIND / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n"
                              "expect: 100-continue\r\n\r\n");
    end();
}

TEST(framing_and_connection_headers_of_the_list_are_never_copied)
{
    begin();
    struct request_head r = {.method = METHOD_POST,
                             .target = STR_INIT("/"),
                             .authority = STR_INIT("a"),
                             .content_length = 1,
                             .keep_alive = true};
    static const char *const names[] = {"Content-Length",
                                        "transfer-encoding",
                                        "CONNECTION",
                                        "keep-alive",
                                        "proxy-connection",
                                        "te",
                                        "trailer",
                                        "upgrade",
                                        "host",
                                        "expect",
                                        "proxy-authorization"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        EXPECT(head_add(&r.headers, &arena, str_from_c(names[i]), STR("7")));
    EXPECT_EQ(http1_write_request_head(&out, &r), ERR_NONE);
    EXPECT_STR(buf_str(&out), "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n");
    end();
}

TEST(response_head_is_written)
{
    begin();
    struct response_head r = {
        .status = 200, .version = HTTP_VERSION_1_1, .content_length = 0, .keep_alive = true};
    EXPECT(head_add(&r.headers, &arena, STR("x"), STR("y")));
    EXPECT(head_add(&r.headers, &arena, STR("Date"), STR("another one")));
    EXPECT_EQ(http1_write_response_head(&out, &r, STR("Sun, 06 Nov 1994 08:49:37 GMT")), ERR_NONE);
    EXPECT_STR(buf_str(&out), "HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                              "x: y\r\ncontent-length: 0\r\n\r\n");
    end();
}

static str written(int status, enum http_version version, int64_t length, bool chunked,
                   bool keep_alive, bool no_body)
{
    struct response_head r = {.status = status,
                              .version = version,
                              .content_length = length,
                              .chunked = chunked,
                              .keep_alive = keep_alive,
                              .no_body = no_body};
    buf_clear(&out);
    EXPECT_EQ(http1_write_response_head(&out, &r, STR_NULL), ERR_NONE);
    return buf_str(&out);
}

TEST(each_framing_of_an_answer_is_written)
{
    begin();
    EXPECT_STR(written(200, HTTP_VERSION_1_1, -1, true, true, false),
               "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    EXPECT_STR(written(200, HTTP_VERSION_1_1, 7, false, false, false),
               "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\n");
    EXPECT_STR(written(200, HTTP_VERSION_1_1, -1, false, true, false),
               "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    EXPECT_STR(written(200, HTTP_VERSION_1_0, 7, false, true, false),
               "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: keep-alive\r\n\r\n");
    EXPECT_STR(written(204, HTTP_VERSION_1_1, 0, false, true, true),
               "HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_STR(written(200, HTTP_VERSION_1_1, 9, false, true, true),
               "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n");
    EXPECT_STR(written(799, HTTP_VERSION_1_1, 9, false, true, true),
               "HTTP/1.1 799 \r\ncontent-length: 9\r\n\r\n");
    end();
}

TEST(reason_of_the_provider_is_kept)
{
    begin();
    struct response_head r = {
        .status = 200, .version = HTTP_VERSION_1_1, .reason = STR_INIT("Fine"), .keep_alive = true};
    EXPECT_EQ(http1_write_response_head(&out, &r, STR_NULL), ERR_NONE);
    EXPECT_STR(buf_str(&out), "HTTP/1.1 200 Fine\r\ncontent-length: 0\r\n\r\n");
    end();
}

/* Every byte in every place: either it is refused, or it cannot end a line. */
TEST(no_byte_anywhere_can_add_a_line)
{
    begin();
    buf_add_lit(&out, "before");
    for (int place = 0; place < 8; place++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[] = {'a', (char)byte, 'b'};
            str bad = str_make(text, 3);
            struct request_head q = {.method = METHOD_OTHER,
                                     .method_text = place == 0 ? bad : STR("GET"),
                                     .target = place == 1 ? bad : STR("/"),
                                     .authority = place == 2 ? bad : STR("a"),
                                     .content_length = -1,
                                     .keep_alive = true};
            EXPECT(head_add(&q.headers, &arena, place == 3 ? bad : STR("x"),
                            place == 4 ? bad : STR("y")));
            struct response_head r = {.status = 200,
                                      .version = HTTP_VERSION_1_1,
                                      .reason = place == 5 ? bad : STR("ok"),
                                      .content_length = 0,
                                      .keep_alive = true,
                                      .headers = q.headers};
            enum err err = place < 5
                               ? http1_write_request_head(&out, &q)
                               : http1_write_response_head(&out, &r, place == 6 ? bad : STR("d"));
            bool control = (byte < ' ' && byte != '\t') || byte == 0x7f;
            if (control && place < 7)
                EXPECT_EQ(err, ERR_HEADER_INVALID);
            if (err) {
                EXPECT_STR(buf_str(&out), "before");
                continue;
            }
            unsigned lines = 0;
            for (size_t i = 0; i < out.len; i++)
                lines += out.ptr[i] == '\n' || out.ptr[i] == '\r' || out.ptr[i] == '\0';
            EXPECT_EQ(lines, 2 * (place < 5 ? 4 : 5));
            out.len = 6;
        }
    }
    end();
}

TEST(full_buffer_keeps_what_it_had)
{
    begin();
    out.limit = 100;
    buf_add_lit(&out, "before");
    struct request_head r = {.method = METHOD_GET,
                             .target = STR_INIT("/"),
                             .authority = STR_INIT("a"),
                             .content_length = -1};
    EXPECT_EQ(http1_write_request_head(&out, &r), ERR_NO_MEMORY);
    EXPECT_STR(buf_str(&out), "before");
    end();
}

TEST(written_request_is_read_back_the_same)
{
    begin();
    struct request_head r = {.method = METHOD_POST,
                             .target = STR_INIT("/v1?q"),
                             .authority = STR_INIT("[::1]:80"),
                             .content_length = 3,
                             .keep_alive = true};
    EXPECT(head_add(&r.headers, &arena, STR("x"), STR("y")));
    EXPECT_EQ(http1_write_request_head(&out, &r), ERR_NONE);
    buf_add_lit(&out, "abc");
    EXPECT_STR(http1_requests(buf_str(&out)),
               "HEAD POST /v1 http/1.1 host=[::1]:80 query=q length=3\nBODY abc\nEND\nEOF EOF\n");
    end();
}

TEST(chunk_prefixes_are_hexadecimal)
{
    char prefix[HTTP1_CHUNK_PREFIX_MAX];
    static const struct {
        size_t len;
        const char *text;
    } cases[] = {
        {1, "1\r\n"},       {15, "f\r\n"},
        {16, "10\r\n"},     {255, "ff\r\n"},
        {256, "100\r\n"},   {0xabcdef, "abcdef\r\n"},
        {4096, "1000\r\n"}, {SIZE_MAX, "ffffffffffffffff\r\n"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
        EXPECT_STR(str_make(prefix, http1_chunk_prefix(prefix, cases[i].len)), cases[i].text);
}
