/* Attempts of several calls: n answers of a provider that gives one. */
#include "support/fake_gateway.h"
#include "support/test.h"

#define GATEWAY                                                                                    \
    "providers: {c: {type: anthropic, base_url: 'https://c', api_key: sk-1, discover: false}}\n"   \
    "defaults: {retry: {attempts: 0, total: 1}}"
#define ASKED                                                                                      \
    "{\"model\":\"c/claude-sonnet-4-5\",\"n\":2,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}"
#define MESSAGE(text)                                                                              \
    "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":"   \
    "[{\"type\":\"text\",\"text\":\"" text "\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":"  \
    "null,\"usage\":{\"input_tokens\":3,\"output_tokens\":5}}"
#define REFUSED                                                                                    \
    "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"Slow down.\"}}"

static struct fake_gateway g;

static struct fake_exchange *ask(void)
{
    fake_gateway_open(&g, GATEWAY);
    return fake_gateway_post(&g, "/v1/chat/completions", ASKED);
}

static void answer(unsigned i, int status, const char *body)
{
    fake_call_answer(fake_gateway_call(&g, i), status, "application/json", str_from_c(body));
    fake_gateway_settle(&g);
}

static bool says(const struct fake_exchange *x, const char *text)
{
    return str_find(buf_str(&x->body), str_from_c(text)) >= 0;
}

TEST(two_answers_are_asked_for_one_by_one_and_joined)
{
    struct fake_exchange *x = ask();
    EXPECT(str_find(buf_str(&fake_gateway_call(&g, 0)->body), STR("\"n\"")) < 0);
    answer(1, 200, MESSAGE("second"));
    EXPECT(!x->ended);
    answer(0, 200, MESSAGE("first"));
    EXPECT_EQ(x->head.status, 200);
    EXPECT(says(x, "\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"first\""));
    EXPECT(says(x, "\"index\":1,\"message\":{\"role\":\"assistant\",\"content\":\"second\""));
    EXPECT(says(x, "\"completion_tokens\":10")); /* of both */
    fake_gateway_close(&g);
}

TEST(a_refused_second_call_fails_the_answer)
{
    struct fake_exchange *x = ask();
    answer(0, 200, MESSAGE("first"));
    answer(1, 429, REFUSED);
    EXPECT_EQ(x->head.status, 429);
    EXPECT(!says(x, "first"));
    fake_gateway_close(&g);
}

TEST(a_refused_first_call_fails_it_although_the_second_began)
{
    struct fake_exchange *x = ask();
    answer(1, 200, MESSAGE("second"));
    answer(0, 429, "busy"); /* an error is no answer to be read */
    EXPECT_EQ(x->head.status, 429);
    EXPECT(!says(x, "second"));
    fake_gateway_close(&g);
}
