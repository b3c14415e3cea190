/* Compressed request bodies, refused requests, answers that are errors in the guise of success. */
#include "proxy_helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "wire/json.h"

/* gzip (window 31) or zlib (15). */
static str compressed(str text, int window)
{
    static unsigned char out[200000];
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)text.ptr,
                  .avail_in = (unsigned)text.len,
                  .next_out = out,
                  .avail_out = sizeof(out)};
    EXPECT_EQ(deflateInit2(&z, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY), Z_OK);
    EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t len = sizeof(out) - z.avail_out;
    deflateEnd(&z);
    return str_make((char *)out, len);
}

static struct fake_exchange *post_encoded(struct fake_gateway *g, const char *coding, str body)
{
    char head[200];
    snprintf(head, sizeof(head),
             "POST /v1/chat/completions HTTP/1.1\ncontent-type: application/json\n"
             "content-encoding: %s\ncontent-length: %zu\n",
             coding, body.len);
    struct fake_exchange *x = fake_gateway_begin(g, head);
    for (size_t at = 0; at < body.len; at += 10) /* in small pieces */
        fake_exchange_feed(x, str_first(str_from(body, at), 10));
    fake_exchange_feed_end(x);
    fake_gateway_settle(g);
    return x;
}

TEST(compressed_bodies_are_decoded_and_go_on_plain)
{
    static const struct {
        const char *coding;
        int window;
    } rows[] = {{"gzip", 31}, {"deflate", 15}, {"GZIP", 31}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake_gateway g;
        fake_gateway_open(&g, CONFIGURATION);
        struct fake_exchange *x =
            post_encoded(&g, rows[i].coding, compressed(STR(CHAT("one")), rows[i].window));
        struct fake_call *c = fake_gateway_call(&g, 0);
        fake_call_connect(c);
        EXPECT_STR(buf_str(&c->body), CHAT("up-one"));
        EXPECT(str_is_null(fake_call_field(c, STR("content-encoding"))));
        say_answer(&g, 200, "{}");
        EXPECT_EQ(x->head.status, 200);
        fake_gateway_close(&g);
    }
}

TEST(a_bomb_is_stopped_at_the_limit)
{
    struct fake_gateway g;
    char *zeros = calloc(1, 10 << 20);
    memset(zeros, ' ', 10 << 20);
    fake_gateway_open(&g, "server: {max_body: 64KiB}\n" CONFIGURATION);
    struct fake_exchange *x = post_encoded(&g, "gzip", compressed(str_make(zeros, 10 << 20), 31));
    EXPECT_EQ(x->head.status, 413);
    EXPECT_EQ(g.caller.count, 0);
    fake_gateway_close(&g);
    free(zeros);
}

TEST(a_cut_compressed_body_is_refused)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    str whole = compressed(STR(CHAT("one")), 31);
    struct fake_exchange *x = post_encoded(&g, "gzip", str_first(whole, whole.len - 5));
    EXPECT_EQ(x->head.status, 400);
    EXPECT_STR(error_code(x), "invalid_content_encoding");
    fake_gateway_close(&g);
}

/* --- Requests that never became one ------------------------------------------------------------- */

TEST(what_the_server_refuses_gets_our_shape_and_a_record)
{
    struct fake_gateway g;
    struct arena a;
    struct address peer;
    struct json_doc doc;
    fake_gateway_open(&g, CONFIGURATION);
    arena_init(&a, 0);
    EXPECT(address_from_ip(&peer, STR("198.51.100.9"), 1));
    str text = worker_on_refused(g.worker, &a, ERR_HTTP_MALFORMED, "a bare LF",
                                 STR("/v1/x?key=sk-client-secret"), &peer);
    EXPECT_EQ(json_parse(&doc, &a, text, NULL), ERR_NONE);
    EXPECT_CONTAINS(text, "\"code\":\"malformed_request\"");
    EXPECT_CONTAINS(text, "a bare LF");
    EXPECT_EQ(g.record_count, 1);
    EXPECT_EQ(fake_gateway_record(&g)->status, 400);
    EXPECT_STR(fake_gateway_record(&g)->client_ip, "198.51.100.9");
    EXPECT_STR(fake_gateway_record(&g)->path, "/v1/x"); /* keys may be in the query */
    g.exchange_count++;                                 /* the one that never was */
    arena_release(&a);
    fake_gateway_close(&g);
}

/* --- Errors in the guise of success ---------------------------------------------------------------- */

TEST(an_error_with_status_200_is_a_failure)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "two");
    say_answer(&g, 200, "{\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}");
    EXPECT_EQ(g.caller.count, 2);
    say_answer(&g, 200, "{\"choices\":[]}");
    EXPECT_EQ(x->head.status, 200);
    EXPECT_STR(fake_exchange_field(x, STR("x-gateway-provider")), "b");
    fake_gateway_close(&g);
}

TEST(an_empty_answer_where_there_must_be_one_is_a_failure)
{
    static const char *const heads[] = {"HTTP/1.1 204 No Content\n",
                                        JSON_HEAD "content-length: 0\n"};
    for (unsigned i = 0; i < ARRAY_LEN(heads); i++) {
        struct fake_gateway g;
        fake_gateway_open(&g, CONFIGURATION);
        struct fake_exchange *x = ask(&g, "two");
        say_head(&g, heads[i]);
        say_end(&g);
        EXPECT_EQ(g.caller.count, 2);
        say_answer(&g, 200, "{}");
        EXPECT_EQ(x->head.status, 200);
        fake_gateway_close(&g);
    }
}
