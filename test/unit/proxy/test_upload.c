/* Bodies that stream through: forms whose model is in them, files as they are. */
#include "proxy_helper.h"

#include <stdio.h>

#define FORM_HEAD                                                                                  \
    "POST /v1/audio/transcriptions HTTP/1.1\ncontent-type: multipart/form-data; boundary=edge\n"
#define PART(name, value)                                                                          \
    "--edge\r\ncontent-disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_PART                                                                                  \
    "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"              \
    "content-type: audio/wav\r\n\r\nRIFFdata\r\n"
#define FORM_END "--edge--\r\n"

TEST(a_forms_model_is_replaced_and_nothing_else)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_send(
        &g, FORM_HEAD, PART("language", "en") PART("model", "one") FILE_PART FORM_END);
    struct fake_call *c = fake_gateway_call(&g, 0);
    EXPECT_STR(c->target, "/v1/audio/transcriptions");
    fake_call_connect(c);
    fake_gateway_settle(&g);
    EXPECT_STR(buf_str(&c->body),
               PART("language", "en") PART("model", "up-one") FILE_PART FORM_END);
    EXPECT_EQ(c->content_length, (int64_t)c->body.len);
    EXPECT_STR(fake_call_field(c, STR("content-type")), "multipart/form-data; boundary=edge");
    say_answer(&g, 200, "{\"text\":\"hi\"}");
    EXPECT_STR(buf_str(&x->body), "{\"text\":\"hi\"}");
    EXPECT_STR(fake_gateway_record(&g)->model, "one");
    fake_gateway_close(&g);
}

/* The same, cut at every byte: what the provider gets does not depend on how it came. */
TEST(a_form_may_arrive_in_any_pieces)
{
    static const char form[] = PART("model", "one") FILE_PART FORM_END;
    for (size_t at = 1; at < sizeof(form) - 1; at++) {
        struct fake_gateway g;
        fake_gateway_open(&g, CONFIGURATION);
        struct fake_exchange *x = fake_gateway_begin(&g, FORM_HEAD "transfer-encoding: chunked\n");
        fake_exchange_feed(x, str_make(form, at));
        fake_gateway_settle(&g);
        if (g.caller.count)
            fake_call_connect(fake_gateway_call(&g, 0));
        fake_exchange_feed(x, str_make(form + at, sizeof(form) - 1 - at));
        fake_exchange_feed_end(x);
        fake_gateway_settle(&g);
        struct fake_call *c = fake_gateway_call(&g, 0);
        if (c->state == FAKE_CALL_WAITING)
            fake_call_connect(c);
        fake_gateway_settle(&g);
        EXPECT_STR(buf_str(&c->body), PART("model", "up-one") FILE_PART FORM_END);
        EXPECT(c->body_ended);
        say_answer(&g, 200, "{}");
        EXPECT_EQ(x->head.status, 200);
        fake_gateway_close(&g);
    }
}

TEST(a_long_upload_waits_for_its_provider)
{
    struct fake_gateway g;
    static char piece[16001];
    memset(piece, 'a', sizeof(piece) - 1);
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_begin(&g, FORM_HEAD "transfer-encoding: chunked\n");
    fake_exchange_feed(
        x,
        STR(PART(
            "model",
            "one") "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"));
    fake_gateway_settle(&g);
    struct fake_call *c = fake_gateway_call(&g, 0);
    EXPECT(!x->flow); /* until somebody takes it */
    c->upload_slow = true;
    fake_call_connect(c);
    EXPECT(x->flow);
    unsigned fed = 0;
    for (; x->flow && fed < 100; fed++) {
        fake_exchange_feed(x, str_from_c(piece));
        fake_gateway_settle(&g);
    }
    EXPECT(fed < 30); /* the mark is 256 KiB */
    fake_call_drain(c);
    EXPECT(x->flow);
    fake_exchange_feed(x, STR("\r\n" FORM_END));
    fake_exchange_feed_end(x);
    fake_gateway_settle(&g);
    EXPECT(c->body_ended);
    say_answer(&g, 200, "{}");
    fake_gateway_close(&g);
}

TEST(an_upload_that_was_begun_is_not_tried_again)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_begin(&g, FORM_HEAD "transfer-encoding: chunked\n");
    fake_exchange_feed(
        x,
        STR(PART(
            "model",
            "two") "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"));
    fake_gateway_settle(&g);
    fake_call_connect(fake_gateway_call(&g, 0));
    fake_exchange_feed(x, STR("some of it"));
    fake_gateway_settle(&g);
    say_error(&g, ERR_UPSTREAM_RESET);
    EXPECT_EQ(g.caller.count, 1);
    EXPECT_EQ(x->head.status, 502);
    fake_gateway_close(&g);
}

TEST(a_form_that_is_whole_is_tried_again)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_send(&g, FORM_HEAD, PART("model", "two") FORM_END);
    EXPECT_EQ(g.caller.count, 1);
    say_error(&g, ERR_UPSTREAM_RESET);
    if (g.caller.count == 2)
        say_answer(&g, 200, "{}");
    EXPECT(x->released);
    fake_gateway_close(&g);
}

TEST(a_provider_may_answer_before_the_upload_ends)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_begin(&g, FORM_HEAD "content-length: 100000\n");
    fake_exchange_feed(
        x,
        STR(PART(
            "model",
            "one") "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"));
    fake_gateway_settle(&g);
    say_answer(&g, 413, "{\"error\":{\"message\":\"too big\"}}");
    EXPECT_EQ(x->head.status, 413);
    EXPECT(x->released);
    fake_gateway_close(&g);
}

TEST(forms_that_cannot_be_decided_by_are_refused)
{
    static const struct {
        const char *head, *body, *code;
        int status;
    } rows[] = {
        {FORM_HEAD, PART("language", "en") FORM_END, "model_not_readable", 400},
        {FORM_HEAD, PART("model", "") FORM_END, "invalid_value", 400},
        {FORM_HEAD, PART("model", "one") PART("model", "two") FORM_END, NULL, 400},
        {FORM_HEAD, PART("model", "a\r\nb") FORM_END, "invalid_value", 400},
        {FORM_HEAD, PART("model", "one") "--edge\r\ncontent-dis", NULL, 400},
        {FORM_HEAD, "no form at all", "form_invalid", 400},
        {"POST /v1/audio/transcriptions HTTP/1.1\ncontent-type: application/json\n", "{}",
         "unsupported_media_type", 415},
        {"POST /v1/audio/transcriptions HTTP/1.1\ncontent-type: multipart/form-data\n", "x",
         "unsupported_media_type", 415},
        {FORM_HEAD "content-encoding: gzip\n", "x", "unsupported_media_type", 415},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake_gateway g;
        fake_gateway_open(&g, CONFIGURATION);
        struct fake_exchange *x = fake_gateway_send(&g, rows[i].head, rows[i].body);
        if (g.caller.count) /* what is wrong may come after the model */
            fake_call_connect(fake_gateway_call(&g, 0));
        fake_gateway_settle(&g);
        if (x->head.status != rows[i].status)
            EXPECT_FAIL("%s: %d %.*s", rows[i].body, x->head.status, STR_ARG(buf_str(&x->body)));
        if (rows[i].code)
            EXPECT_STR(error_code(x), rows[i].code);
        fake_gateway_close(&g);
    }
}

/* What we decided by must be what the provider reads. */
TEST(a_field_that_comes_again_behind_the_file_ends_the_upload)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_begin(&g, FORM_HEAD "transfer-encoding: chunked\n");
    fake_exchange_feed(x, STR(PART("model", "one") FILE_PART));
    fake_gateway_settle(&g);
    fake_call_connect(fake_gateway_call(&g, 0));
    fake_exchange_feed(x, STR(PART("model", "two") FORM_END));
    fake_gateway_settle(&g);
    EXPECT_EQ(x->head.status, 400);
    EXPECT_STR(error_code(x), "duplicate_parameter");
    EXPECT(fake_gateway_call(&g, 0)->released);
    EXPECT(!fake_gateway_call(&g, 0)->body_ended);
    fake_gateway_close(&g);
}

TEST(a_form_that_ends_without_its_last_boundary_is_not_sent_as_whole)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_begin(&g, FORM_HEAD "transfer-encoding: chunked\n");
    fake_exchange_feed(x, STR(PART("model", "one") FILE_PART));
    fake_gateway_settle(&g);
    fake_call_connect(fake_gateway_call(&g, 0));
    fake_exchange_feed_end(x);
    fake_gateway_settle(&g);
    EXPECT_EQ(x->head.status, 400);
    EXPECT_STR(error_code(x), "form_invalid");
    EXPECT(!fake_gateway_call(&g, 0)->body_ended);
    fake_gateway_close(&g);
}

TEST(an_upload_over_its_limit_is_refused_wherever_it_is_noticed)
{
    struct fake_gateway g;
    fake_gateway_open(&g, "server: {max_upload: 1KiB}\n" CONFIGURATION);
    struct fake_exchange *x = fake_gateway_begin(&g, FORM_HEAD "transfer-encoding: chunked\n");
    fake_exchange_feed(
        x,
        STR(PART(
            "model",
            "one") "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"));
    fake_gateway_settle(&g);
    fake_call_connect(fake_gateway_call(&g, 0));
    static char piece[2000];
    memset(piece, 'a', sizeof(piece) - 1);
    fake_exchange_feed(x, str_from_c(piece));
    fake_gateway_settle(&g);
    EXPECT_EQ(x->head.status, 413);
    EXPECT(x->released);
    fake_gateway_close(&g);
}

TEST(a_raw_body_goes_through_as_it_comes)
{
    struct fake_gateway g;
    fake_gateway_open(&g, "providers: {o: {type: openai, base_url: 'http://o.test/v1', api_key: "
                          "sk-openai-1}}\n");
    struct fake_exchange *x = fake_gateway_begin(
        &g, "POST /v1/files?purpose=batch&key=mine&api-version=1 HTTP/1.1\ncontent-length: 10\n"
            "content-type: application/octet-stream\ncontent-encoding: gzip\n");
    struct fake_call *c = fake_gateway_call(&g, 0);
    EXPECT_STR(c->target, "/v1/files?purpose=batch"); /* what was meant for us stays here */
    EXPECT_STR(fake_call_field(c, STR("content-encoding")), "gzip");
    EXPECT_EQ(c->content_length, 10);
    EXPECT(!x->flow);
    fake_call_connect(c);
    fake_exchange_feed(x, STR("01234"));
    fake_exchange_feed(x, STR("56789"));
    fake_exchange_feed_end(x);
    fake_gateway_settle(&g);
    EXPECT_STR(buf_str(&c->body), "0123456789");
    EXPECT(c->body_ended);
    say_answer(&g, 200, "{\"id\":\"file-1\"}");
    EXPECT_STR(buf_str(&x->body), "{\"id\":\"file-1\"}");
    fake_gateway_close(&g);
}

TEST(families_of_paths_go_to_the_same_place_upstream)
{
    static const char *const paths[] = {"/files", "/files/file-abc", "/files/file-abc/content",
                                        "/batches/b_1/cancel", "/responses/r_1/input_items"};
    struct fake_gateway g;
    fake_gateway_open(&g, "providers: {o: {type: openai, base_url: 'http://o.test/v1', api_key: "
                          "sk-openai-1}}\n");
    for (unsigned i = 0; i < ARRAY_LEN(paths); i++) {
        char path[100];
        snprintf(path, sizeof(path), "/v1%s", paths[i]);
        fake_gateway_get(&g, path);
        EXPECT_STR(fake_gateway_last_call(&g)->target, path);
        say_answer(&g, 200, "{}");
    }
    fake_gateway_close(&g);
}

/* --- JSON bodies on their way -------------------------------------------------------------------- */

TEST(a_json_body_may_arrive_in_any_pieces_and_is_sent_as_it_was)
{
    static const char body[] = "{ \"model\" : \"one\",\"messages\":[{\"role\":\"user\",\"content\":"
                               "\"a\\u0000\\ud83d\\ude00 b\"}], \"x\" : [1.50, 1e3 ] }";
    static const char sent[] = "{ \"model\" : \"up-one\",\"messages\":[{\"role\":\"user\","
                               "\"content\":\"a\\u0000\\ud83d\\ude00 b\"}], \"x\" : [1.50, 1e3 ] }";
    for (size_t at = 0; at < sizeof(body) - 1; at++) {
        for (unsigned chunked = 0; chunked < 2; chunked++) {
            struct fake_gateway g;
            char head[200];
            fake_gateway_open(&g, CONFIGURATION);
            if (chunked)
                snprintf(head, sizeof(head),
                         "POST /v1/chat/completions HTTP/1.1\ntransfer-encoding: chunked\n");
            else
                snprintf(head, sizeof(head),
                         "POST /v1/chat/completions HTTP/1.1\ncontent-length: %zu\n",
                         sizeof(body) - 1);
            struct fake_exchange *x = fake_gateway_begin(&g, head);
            fake_exchange_feed(x, str_make(body, at));
            fake_exchange_feed(x, str_make(body + at, sizeof(body) - 1 - at));
            fake_exchange_feed_end(x);
            fake_gateway_settle(&g);
            fake_call_connect(fake_gateway_call(&g, 0));
            EXPECT_STR(buf_str(&fake_gateway_call(&g, 0)->body), sent);
            say_answer(&g, 200, "{}");
            EXPECT_EQ(x->head.status, 200);
            fake_gateway_close(&g);
        }
    }
}

TEST(a_json_body_over_its_limit_is_refused_before_or_while_it_comes)
{
    static char piece[1500];
    memset(piece, ' ', sizeof(piece) - 1);
    for (unsigned chunked = 0; chunked < 2; chunked++) {
        struct fake_gateway g;
        fake_gateway_open(&g, "server: {max_body: 1KiB}\n" CONFIGURATION);
        struct fake_exchange *x = fake_gateway_begin(
            &g, chunked ? "POST /v1/chat/completions HTTP/1.1\ntransfer-encoding: chunked\n"
                        : "POST /v1/chat/completions HTTP/1.1\ncontent-length: 1499\n");
        if (chunked) {
            fake_exchange_feed(x, str_make(piece, 700));
            fake_exchange_feed(x, str_make(piece, 700));
        }
        fake_gateway_settle(&g);
        EXPECT_EQ(x->head.status, 413);
        EXPECT_STR(error_code(x), "request_too_large");
        fake_gateway_close(&g);
    }
}
