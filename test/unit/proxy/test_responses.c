/* State of the Responses API for providers that keep none: conversations, kept answers. */
#include <stdio.h>
#include <stdlib.h>

#include "policy/response_store.h"
#include "support/fake_gateway.h"
#include "support/test.h"

static const char conf[] =
    "allow_anonymous: true\n"
    "providers: {c: {type: together, base_url: 'https://c/v1', api_key: sk-c-secret, "
    "models: [m]}}\n";

static const char keyed[] =
    "providers: {c: {type: together, base_url: 'https://c/v1', api_key: sk-c-secret, "
    "models: [m]}}\n"
    "keys: {one: {key: sk-gw-one-000000000000000000}, "
    "two: {key: sk-gw-two-000000000000000000}}\n";

/* The provider's answer, whose id and text these are. */
static void answer(struct fake_gateway *g, const char *id, const char *text)
{
    char body[500];
    snprintf(
        body, sizeof(body),
        "{\"id\":\"%s\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":"
        "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"finish_reason\":"
        "\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}",
        id, text);
    fake_call_answer(fake_gateway_last_call(g), 200, "application/json", str_from_c(body));
    fake_gateway_settle(g);
}

/* Asks, and the provider says `text`. */
static struct fake_exchange *say(struct fake_gateway *g, const char *request, const char *id,
                                 const char *text)
{
    struct fake_exchange *x = fake_gateway_post(g, "/v1/responses", request);
    answer(g, id, text);
    EXPECT_EQ(x->head.status, 200);
    return x;
}

static str sent(struct fake_gateway *g)
{
    return buf_str(&fake_gateway_last_call(g)->body);
}

static str got(const struct fake_exchange *x)
{
    return buf_str(&x->body);
}

TEST(a_conversation_goes_on_from_a_kept_response)
{
    struct fake_gateway g;
    fake_gateway_open(&g, conf);
    struct fake_exchange *x = say(&g, "{\"model\":\"m\",\"input\":\"Hi\"}", "chatcmpl-1", "Hello");
    EXPECT_CONTAINS(got(x), "\"id\":\"resp_chatcmpl-1\"");
    x = say(&g,
            "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"More\"}],"
            "\"previous_response_id\":\"resp_chatcmpl-1\",\"instructions\":\"Be brief.\"}",
            "chatcmpl-2", "Sure");
    EXPECT_CONTAINS(got(x), "\"previous_response_id\":\"resp_chatcmpl-1\"");
    str body = sent(&g);
    ptrdiff_t hi = str_find(body, STR("Hi")), hello = str_find(body, STR("Hello")),
              more = str_find(body, STR("More")), brief = str_find(body, STR("Be brief."));
    EXPECT(brief > 0 && brief < hi && hi < hello && hello < more);
    say(&g, "{\"model\":\"m\",\"input\":\"End\",\"previous_response_id\":\"resp_chatcmpl-2\"}",
        "chatcmpl-3", "Bye");
    body = sent(&g);
    EXPECT(str_find(body, STR("Hello")) < str_find(body, STR("More")));
    EXPECT(str_find(body, STR("Sure")) < str_find(body, STR("End")));
    EXPECT(str_find(body, STR("brief")) < 0); /* instructions are of one turn */
    fake_gateway_close(&g);
}

TEST(a_stream_is_kept_too_and_its_items_can_be_referred_to)
{
    struct fake_gateway g;
    fake_gateway_open(&g, conf);
    struct fake_exchange *x = fake_gateway_post(
        &g, "/v1/responses", "{\"model\":\"m\",\"input\":\"Hi\",\"stream\":true}");
    fake_call_answer(
        fake_gateway_last_call(&g), 200, "text/event-stream",
        STR("data: {\"id\":\"s1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":"
            "\"assistant\",\"content\":\"Hello\"}}]}\n\ndata: {\"id\":\"s1\",\"choices\":[{\"index\":"
            "0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"));
    fake_gateway_settle(&g);
    EXPECT_CONTAINS(got(x), "event: response.completed");
    say(&g,
        "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"type\":\"item_"
        "reference\",\"id\":\"msg_s1_0\"},{\"role\":\"user\",\"content\":\"More\"}]}",
        "c2", "Sure");
    EXPECT_CONTAINS(sent(&g), "Hello");
    x = fake_gateway_post(&g, "/v1/responses",
                          "{\"model\":\"m\",\"input\":[{\"type\":\"item_reference\",\"id\":\"msg_"
                          "zz_0\"}]}");
    EXPECT_EQ(x->head.status, 400);
    EXPECT_CONTAINS(got(x), "input[0].id");
    fake_gateway_close(&g);
}

TEST(what_is_not_kept_cannot_be_gone_on_from)
{
    struct fake_gateway g;
    fake_gateway_open(&g, conf);
    say(&g, "{\"model\":\"m\",\"input\":\"Hi\",\"store\":false}", "c1", "Hello");
    struct fake_exchange *x = fake_gateway_post(
        &g, "/v1/responses",
        "{\"model\":\"m\",\"input\":\"More\",\"previous_response_id\":\"resp_c1\"}");
    EXPECT_EQ(x->head.status, 400);
    EXPECT_CONTAINS(got(x), "\"code\":\"previous_response_not_found\"");
    EXPECT_CONTAINS(got(x), "\"param\":\"previous_response_id\"");
    fake_gateway_close(&g);
}

TEST(kept_responses_are_shown_listed_and_deleted)
{
    struct fake_gateway g;
    fake_gateway_open(&g, conf);
    struct fake_exchange *first = say(&g, "{\"model\":\"m\",\"input\":\"Hi\"}", "c1", "Hello");
    say(&g, "{\"model\":\"m\",\"input\":\"More\",\"previous_response_id\":\"resp_c1\"}", "c2",
        "Yes");
    struct fake_exchange *x = fake_gateway_get(&g, "/v1/responses/resp_c1");
    EXPECT_EQ(x->head.status, 200);
    EXPECT_STR(got(x), got(first));
    x = fake_gateway_get(&g, "/v1/responses/resp_c2/input_items?order=asc");
    EXPECT_STR(
        got(x),
        "{\"object\":\"list\",\"data\":[{\"id\":\"msg_c1_i0\",\"type\":\"message\",\"role\":"
        "\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"Hi\"}]},{\"id\":\"msg_c1_0\","
        "\"type\":\"message\",\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{"
        "\"type\":\"output_text\",\"text\":\"Hello\",\"annotations\":[],\"logprobs\":[]}]},{"
        "\"id\":\"msg_c2_i0\",\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":"
        "\"input_text\",\"text\":\"More\"}]}],\"first_id\":\"msg_c1_i0\",\"last_id\":\"msg_c2_"
        "i0\",\"has_more\":false}");
    x = fake_gateway_get(&g, "/v1/responses/resp_c2/input_items?limit=1&after=msg_c2_i0");
    EXPECT_CONTAINS(got(x), "\"first_id\":\"msg_c1_0\",\"last_id\":\"msg_c1_0\",\"has_more\":true");
    x = fake_gateway_get(&g, "/v1/responses/resp_c2/input_items?limit=0");
    EXPECT_EQ(x->head.status, 400);
    x = fake_gateway_get(&g, "/v1/responses/resp_c2?stream=true");
    EXPECT_EQ(x->head.status, 400);
    x = fake_gateway_send(&g, "POST /v1/responses/resp_c2/cancel HTTP/1.1", NULL);
    EXPECT_EQ(x->head.status, 400);
    x = fake_gateway_send(&g, "DELETE /v1/responses/resp_c1 HTTP/1.1", NULL);
    EXPECT_STR(got(x), "{\"id\":\"resp_c1\",\"object\":\"response\",\"deleted\":true}");
    x = fake_gateway_get(&g, "/v1/responses/resp_c1");
    EXPECT_EQ(x->head.status, 404);
    say(&g, "{\"model\":\"m\",\"input\":\"On\",\"previous_response_id\":\"resp_c2\"}", "c3", "!");
    EXPECT_CONTAINS(sent(&g), "Hello"); /* what stands on it keeps it */
    fake_gateway_close(&g);
}

TEST(a_key_sees_only_its_own_responses)
{
    struct fake_gateway g;
    fake_gateway_open(&g, keyed);
    fake_gateway_send(&g,
                      "POST /v1/responses HTTP/1.1\ncontent-type: application/json\n"
                      "authorization: Bearer sk-gw-one-000000000000000000",
                      "{\"model\":\"m\",\"input\":\"Hi\"}");
    answer(&g, "c1", "Hello");
    static const struct {
        const char *key;
        int status;
    } rows[] = {{"one", 200}, {"two", 404}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        char head[200];
        snprintf(head, sizeof(head),
                 "GET /v1/responses/resp_c1 HTTP/1.1\nauthorization: Bearer "
                 "sk-gw-%s-000000000000000000",
                 rows[i].key);
        EXPECT_EQ(fake_gateway_send(&g, head, NULL)->head.status, rows[i].status);
    }
    fake_gateway_close(&g);
}

TEST(a_target_that_keeps_responses_itself_is_left_to_it)
{
    struct fake_gateway g;
    fake_gateway_open(
        &g, "allow_anonymous: true\n"
            "providers: {o: {type: openai, base_url: 'https://o/v1', api_key: sk-c-secret, "
            "models: [m]}}\n");
    fake_gateway_post(&g, "/v1/responses",
                      "{\"model\":\"m\",\"input\":\"More\",\"previous_response_id\":\"resp_x\"}");
    fake_call_answer(fake_gateway_last_call(&g), 200, "application/json", STR("{}"));
    fake_gateway_settle(&g);
    EXPECT_STR(sent(&g),
               "{\"model\":\"m\",\"input\":\"More\",\"previous_response_id\":\"resp_x\"}");
    EXPECT_EQ(response_store_bytes(g.responses), 0);
    fake_gateway_close(&g);
}
