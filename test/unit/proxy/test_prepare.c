/* Attempts that wait for an access token. */
#include <stdio.h>

#include "support/fake_gateway.h"
#include "support/test.h"

#define YAML(more)                                                                                 \
    "allow_anonymous: true\n"                                                                      \
    "providers:\n"                                                                                 \
    "  az: {type: azure, base_url: 'https://az.example', models: [m], entra: "                     \
    "{tenant: t, client_id: c, client_secret: s-1}}\n"                                             \
    "  plain: {type: openai, api_key: sk-1, models: [m]}\n" more

#define CHAT "{\"model\":\"az/m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
#define BOTH "{\"model\":\"both\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
#define ANSWER STR("{\"id\":\"1\",\"object\":\"chat.completion\",\"choices\":[]}")

static void give_token(struct fake_gateway *g, const char *token)
{
    char text[128];
    int len = snprintf(text, sizeof(text), "{\"access_token\":\"%s\",\"expires_in\":3600}", token);
    struct fake_call *c = fake_gateway_last_call(g);
    EXPECT_STR(c->authority, "login.microsoftonline.com");
    fake_call_answer(c, 200, "application/json", str_make(text, (size_t)len));
    fake_gateway_settle(g);
}

static struct fake_call *asked_with(struct fake_gateway *g, const char *authorization)
{
    struct fake_call *c = fake_gateway_last_call(g);
    EXPECT_STR(c->authority, "az.example");
    EXPECT_STR(fake_call_field(c, STR("authorization")), authorization);
    return c;
}

static void answer(struct fake_gateway *g, int status)
{
    fake_call_answer(fake_gateway_last_call(g), status, "application/json", ANSWER);
    fake_gateway_settle(g);
}

TEST(an_attempt_waits_for_its_token)
{
    struct fake_gateway g;
    fake_gateway_open(&g, YAML(""));
    struct fake_exchange *x = fake_gateway_post(&g, "/v1/chat/completions", CHAT);
    struct fake_exchange *y = fake_gateway_post(&g, "/v1/chat/completions", CHAT);
    EXPECT_EQ(g.caller.count, 1);
    give_token(&g, "A");
    EXPECT_EQ(g.caller.count, 3);
    asked_with(&g, "Bearer A");
    answer(&g, 200);
    fake_call_answer(fake_gateway_call(&g, 1), 200, "application/json", ANSWER);
    fake_gateway_settle(&g);
    EXPECT_EQ(x->head.status, 200);
    EXPECT_EQ(y->head.status, 200);
    x = fake_gateway_post(&g, "/v1/chat/completions", CHAT);
    EXPECT_EQ(g.caller.count, 4); /* no other fetch */
    answer(&g, 200);
    EXPECT_EQ(x->head.status, 200);
    fake_gateway_close(&g);
}

TEST(who_leaves_while_waiting_is_forgotten)
{
    struct fake_gateway g;
    fake_gateway_open(&g, YAML(""));
    struct fake_exchange *x = fake_gateway_post(&g, "/v1/chat/completions", CHAT);
    fake_exchange_gone(x, ERR_CLIENT_GONE);
    fake_gateway_settle(&g);
    give_token(&g, "A");
    EXPECT_EQ(g.caller.count, 1);
    fake_gateway_close(&g);
}

TEST(no_token_in_time_is_a_connect_timeout)
{
    struct fake_gateway g;
    fake_gateway_open(&g, YAML("defaults: {timeouts: {connect: 500ms}}\n"));
    struct fake_exchange *x = fake_gateway_post(&g, "/v1/chat/completions", CHAT);
    fake_loop_advance_ms(g.loop, 480);
    EXPECT_EQ(g.record_count, 0);
    fake_loop_advance_ms(g.loop, 40);
    fake_gateway_settle(&g);
    EXPECT_EQ(x->head.status, 504);
    EXPECT_EQ(fake_gateway_record(&g)->err, ERR_CONNECT_TIMEOUT);
    give_token(&g, "A"); /* late, and kept */
    x = fake_gateway_post(&g, "/v1/chat/completions", CHAT);
    asked_with(&g, "Bearer A");
    answer(&g, 200);
    EXPECT_EQ(x->head.status, 200);
    fake_gateway_close(&g);
}

TEST(without_a_token_another_target_is_asked)
{
    struct fake_gateway g;
    fake_gateway_open(&g, YAML("models: {both: {strategy: priority, targets: [az/m, plain/m]}}\n"));
    struct fake_exchange *x = fake_gateway_post(&g, "/v1/chat/completions", BOTH);
    answer(&g, 500); /* the token service's */
    EXPECT_STR(fake_gateway_last_call(&g)->authority, "api.openai.com");
    answer(&g, 200);
    EXPECT_EQ(x->head.status, 200);
    EXPECT_EQ(fake_gateway_record(&g)->attempt_count, 2);
    EXPECT_EQ(fake_gateway_record(&g)->attempts[0].err, ERR_UPSTREAM_AUTH);
    /* In the pause that follows nothing is waited for. */
    x = fake_gateway_post(&g, "/v1/chat/completions", BOTH);
    EXPECT_EQ(g.caller.count, 3);
    answer(&g, 200);
    EXPECT_EQ(x->head.status, 200);
    fake_gateway_close(&g);
}

TEST(a_refused_token_is_replaced_once_and_the_request_tried_again)
{
    struct fake_gateway g;
    fake_gateway_open(&g, YAML(""));
    struct fake_exchange *x = fake_gateway_post(&g, "/v1/chat/completions", CHAT);
    give_token(&g, "A");
    answer(&g, 200);
    fake_loop_advance_ms(g.loop, 31000);
    x = fake_gateway_post(&g, "/v1/chat/completions", CHAT);
    asked_with(&g, "Bearer A");
    answer(&g, 401);
    give_token(&g, "B");
    asked_with(&g, "Bearer B");
    answer(&g, 401); /* a new one is not replaced */
    EXPECT_EQ(x->head.status, 502);
    EXPECT_EQ(fake_gateway_record(&g)->attempt_count, 2);
    EXPECT_EQ(g.caller.count, 5);
    fake_gateway_close(&g);
}

#define FORM_HEAD                                                                                  \
    "POST /v1/audio/transcriptions HTTP/1.1\ncontent-type: multipart/form-data; boundary=edge\n"
#define MODEL "--edge\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\naz/m\r\n"
#define REST                                                                                       \
    "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n"          \
    "RIFF data of some length\r\n--edge--\r\n"

/* A form that streams: cut at every byte, before or after the token comes; with or without a length. */
static void upload(size_t at, bool early_rest, bool chunked)
{
    static const char form[] = MODEL REST;
    char head[256];
    struct fake_gateway g;
    fake_gateway_open(&g, YAML(""));
    if (chunked)
        snprintf(head, sizeof(head), FORM_HEAD "transfer-encoding: chunked\n");
    else
        snprintf(head, sizeof(head), FORM_HEAD "content-length: %zu\n", sizeof(form) - 1);
    struct fake_exchange *x = fake_gateway_begin(&g, head);
    fake_exchange_feed(x, str_make(form, at));
    fake_gateway_settle(&g);
    if (early_rest || !g.caller.count) {
        fake_exchange_feed(x, str_make(form + at, sizeof(form) - 1 - at));
        fake_exchange_feed_end(x);
        fake_gateway_settle(&g);
        early_rest = true;
    }
    give_token(&g, "A");
    struct fake_call *c = asked_with(&g, "Bearer A");
    fake_call_connect(c);
    fake_gateway_settle(&g);
    if (!early_rest) {
        fake_exchange_feed(x, str_make(form + at, sizeof(form) - 1 - at));
        fake_exchange_feed_end(x);
        fake_gateway_settle(&g);
    }
    str sent = buf_str(&c->body);
    EXPECT(c->body_ended);
    EXPECT(str_ends(sent, STR(REST)));
    if (c->content_length >= 0)
        EXPECT_EQ(c->content_length, (int64_t)sent.len);
    EXPECT_CONTAINS(sent, "name=\"model\"\r\n\r\nm\r\n");
    answer(&g, 200);
    EXPECT_EQ(x->head.status, 200);
    fake_gateway_close(&g);
}

TEST(an_upload_that_goes_on_while_the_token_is_fetched_arrives_whole)
{
    for (size_t at = 1; at < sizeof(MODEL REST) - 1; at += 3)
        for (unsigned how = 0; how < 4; how++)
            upload(at, how & 1, how & 2);
}

TEST(the_end_of_the_worker_ends_who_waits)
{
    struct fake_gateway g;
    fake_gateway_open(&g, YAML(""));
    struct fake_exchange *x = fake_gateway_post(&g, "/v1/chat/completions", CHAT);
    worker_end_all(g.worker, ERR_DRAINING);
    fake_gateway_settle(&g);
    EXPECT_EQ(x->head.status, 503);
    give_token(&g, "A");
    fake_gateway_close(&g);
}
