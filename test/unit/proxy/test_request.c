/* The stages before anything is sent: paths, ids, wishes, keys, fields, names. */
#include "proxy_helper.h"

#include <stdio.h>

#define POST_CHAT "POST /v1/chat/completions HTTP/1.1\n"

static void expect_refusal(const char *head, const char *body, int status, const char *code)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_send(&g, head, body);
    if (x->head.status != status)
        EXPECT_FAIL("%s %s: %d, expected %d", head, body ? body : "", x->head.status, status);
    EXPECT_STR(error_code(x), code);
    EXPECT_STR(fake_exchange_field(x, STR("x-should-retry")), status == 408 ? "true" : "false");
    EXPECT(fake_exchange_field(x, STR("x-request-id")).len > 0);
    EXPECT_EQ(g.caller.count, 0);
    fake_gateway_close(&g);
}

/* --- Paths and methods ----------------------------------------------------------------------------- */

TEST(unknown_paths_and_wrong_methods_are_refused)
{
    static const char *const unknown[] = {
        "/",
        "/v1",
        "/v1/",
        "/v1/chat",
        "/v1/chat/completions/",
        "/v1/nothing",
        "/v2/chat/completions",
        "/chat/completions",
        "/v1//chat/completions",
        "/V1/chat/completions",
        "/v1/chat/Completions",
        "/openai",
        "/openai/deployments/x",
        "/openai/deployments//chat/completions",
        "/v1/filesystem",
        "/v1/modelsx",
        "/v1/interactions", /* mapping: §24 interactions */
        "/v1/decisions",
        "/v1/systemone",
    };
    for (unsigned i = 0; i < ARRAY_LEN(unknown); i++) {
        char head[200];
        snprintf(head, sizeof(head), "POST %s HTTP/1.1\n", unknown[i]);
        expect_refusal(head, "{}", 404, "unknown_path");
    }
    expect_refusal("GET /v1/chat/completions HTTP/1.1\n", NULL, 405, "method_not_allowed");
    expect_refusal("PUT /v1/files HTTP/1.1\n", NULL, 405, "method_not_allowed");
    expect_refusal("POST /v1/models HTTP/1.1\n", "{}", 405, "method_not_allowed");
}

TEST(a_doubled_prefix_is_explained)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_post(&g, "/v1/v1/chat/completions", "{}");
    EXPECT_EQ(x->head.status, 404);
    EXPECT_CONTAINS(buf_str(&x->body), "/v1 is doubled");
    fake_gateway_close(&g);
}

TEST(a_wrong_method_says_which_are_right)
{
    static const struct {
        const char *request, *allow;
    } rows[] = {{"GET /v1/chat/completions", "POST"},
                {"PATCH /v1/files/f", "GET, POST, DELETE"},
                {"DELETE /v1/models", "GET, HEAD"}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake_gateway g;
        char head[100];
        fake_gateway_open(&g, CONFIGURATION);
        snprintf(head, sizeof(head), "%s HTTP/1.1\n", rows[i].request);
        struct fake_exchange *x = fake_gateway_send(&g, head, NULL);
        EXPECT_EQ(x->head.status, 405);
        EXPECT_STR(fake_exchange_field(x, STR("allow")), rows[i].allow);
        fake_gateway_close(&g);
    }
}

TEST(azure_style_paths_name_the_model)
{
    static const struct {
        const char *path, *body, *model;
    } rows[] = {
        {"/openai/deployments/one/chat/completions?api-version=2024-10-21", "", "up-one"},
        {"/openai/deployments/a%2Fraw/chat/completions", "", "raw"},
        {"/openai/deployments/one/chat/completions", "\"model\":\"b/other\",", "up-one"},
        {"/openai/v1/chat/completions?api-version=preview", "\"model\":\"one\",", "up-one"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake_gateway g;
        char body[200];
        fake_gateway_open(&g, CONFIGURATION);
        snprintf(body, sizeof(body), "{%s\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}",
                 rows[i].body);
        struct fake_exchange *x = fake_gateway_post(&g, rows[i].path, body);
        fake_call_connect(fake_gateway_call(&g, 0));
        EXPECT_STR(fake_gateway_call(&g, 0)->target, "/v1/chat/completions");
        if (*rows[i].body)
            EXPECT_CONTAINS(buf_str(&fake_gateway_call(&g, 0)->body), rows[i].model);
        EXPECT_STR(fake_exchange_field(x, STR("nothing")), str_from_c(NULL));
        say_answer(&g, 200, "{}");
        EXPECT_STR(fake_exchange_field(x, STR("x-gateway-model")), rows[i].model);
        fake_gateway_close(&g);
    }
}

/* --- Ids -------------------------------------------------------------------------------------------- */

TEST(a_fine_request_id_is_kept_and_any_other_replaced)
{
    static char longest[129], too_long[130];
    memset(longest, 'x', 128);
    memset(too_long, 'x', 129);
    const struct {
        const char *given;
        bool kept;
    } rows[] = {{"abc-123", true},    {longest, true},     {too_long, false},
                {"two words", false}, {"\xc3\xa4", false}, {"", false}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake_gateway g;
        char head[300];
        fake_gateway_open(&g, CONFIGURATION);
        snprintf(head, sizeof(head), POST_CHAT "x-request-id: %s\n", rows[i].given);
        struct fake_exchange *x = fake_gateway_send(&g, head, CHAT("one"));
        str sent = fake_call_field(fake_gateway_call(&g, 0), STR("x-request-id"));
        say_head(&g, JSON_HEAD "x-request-id: req_theirs\n");
        say(&g, "{}");
        say_end(&g);
        EXPECT_STR(fake_exchange_field(x, STR("x-request-id")), sent);
        EXPECT_STR(fake_exchange_field(x, STR("x-upstream-request-id")), "req_theirs");
        EXPECT_EQ(str_eq(sent, str_from_c(rows[i].given)), rows[i].kept);
        if (!rows[i].kept)
            EXPECT_EQ(sent.len, 36);
        EXPECT_STR(fake_gateway_record(&g)->id, sent);
        fake_gateway_close(&g);
    }
}

TEST(the_trace_id_is_taken_from_traceparent)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    fake_gateway_send(&g,
                      POST_CHAT "traceparent: 00-0af7651916cd43dd8448eb211c80319c-"
                                "b7ad6b7169203331-01\n",
                      CHAT("one"));
    EXPECT_CONTAINS(fake_call_field(fake_gateway_call(&g, 0), STR("traceparent")), "0af7651916cd");
    say_answer(&g, 200, "{}");
    EXPECT_STR(fake_gateway_record(&g)->trace_id, "0af7651916cd43dd8448eb211c80319c");
    fake_gateway_close(&g);
}

/* --- What goes upstream ------------------------------------------------------------------------------ */

TEST(only_fields_on_the_list_go_upstream)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    fake_gateway_send(&g,
                      POST_CHAT "authorization: Bearer client-secret\nx-api-key: client-secret\n"
                                "api-key: client-secret\nx-goog-api-key: client-secret\n"
                                "cookie: a=b\naccept-encoding: gzip\nuser-agent: sdk/1\n"
                                "accept: application/json\nopenai-beta: assistants=v2\n"
                                "openai-organization: org-1\nidempotency-key: once\n"
                                "x-stainless-lang: js\nx-forwarded-for: 10.0.0.1\n"
                                "connection: keep-alive, x-hop\nx-hop: 1\nx-gateway-retries: 1\n"
                                "content-type: application/json\n",
                      CHAT("one"));
    const struct fake_call *c = fake_gateway_call(&g, 0);
    static const char *const gone[] = {"x-api-key",         "api-key",
                                       "x-goog-api-key",    "cookie",
                                       "accept-encoding",   "openai-organization",
                                       "x-stainless-lang",  "x-forwarded-for",
                                       "connection",        "x-hop",
                                       "x-gateway-retries", "host",
                                       "content-length"};
    for (unsigned i = 0; i < ARRAY_LEN(gone); i++)
        if (!str_is_null(fake_call_field(c, str_from_c(gone[i]))))
            EXPECT_FAIL("%s went upstream", gone[i]);
    EXPECT_STR(fake_call_field(c, STR("authorization")), "Bearer sk-a-secret");
    EXPECT_STR(fake_call_field(c, STR("accept")), "application/json");
    EXPECT_STR(fake_call_field(c, STR("openai-beta")), "assistants=v2");
    EXPECT_STR(fake_call_field(c, STR("idempotency-key")), "once");
    EXPECT_STR(fake_call_field(c, STR("user-agent")), "llm-gateway/0-test");
    EXPECT_EQ(head_count(&c->headers, STR("authorization")), 1);
    EXPECT_EQ(head_count(&c->headers, STR("content-type")), 1);
    say_answer(&g, 200, "{}");
    fake_gateway_close(&g);
}

TEST(a_provider_may_ask_for_more_fields_and_add_its_own)
{
    struct fake_gateway g;
    fake_gateway_open(&g, "providers: {o: {type: openai, base_url: 'http://o.test/v1', api_key: "
                          "sk-openai-1, organization: org-ours, forward_organization: false, "
                          "forward_headers: [X-Team, x-other], headers: {x-fixed: 'yes'}}}\n");
    fake_gateway_send(
        &g, POST_CHAT "x-team: search\nx-others: 1\nopenai-organization: org-theirs\n", CHAT("m"));
    const struct fake_call *c = fake_gateway_call(&g, 0);
    EXPECT_STR(fake_call_field(c, STR("x-team")), "search");
    EXPECT_STR(fake_call_field(c, STR("x-fixed")), "yes");
    EXPECT(str_is_null(fake_call_field(c, STR("x-others"))));
    EXPECT_STR(fake_call_field(c, STR("openai-organization")), "org-ours");
    EXPECT_EQ(head_count(&c->headers, STR("openai-organization")), 1);
    say_answer(&g, 200, "{}");
    fake_gateway_close(&g);
}

TEST(with_passthrough_the_clients_own_key_goes_on)
{
    struct fake_gateway g;
    fake_gateway_open(&g, "providers: {o: {type: openai, base_url: 'http://o.test/v1', "
                          "credentials: passthrough}}\n");
    fake_gateway_send(&g, POST_CHAT "authorization: Bearer client-secret\n", CHAT("m"));
    EXPECT_STR(fake_call_field(fake_gateway_call(&g, 0), STR("authorization")),
               "Bearer client-secret");
    say_answer(&g, 200, "{}");
    fake_gateway_close(&g);
}

/* --- What comes back ---------------------------------------------------------------------------------- */

TEST(the_providers_fields_come_back_by_a_list)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = ask(&g, "one");
    say_head(&g, JSON_HEAD "openai-organization: org\nopenai-processing-ms: 12\nset-cookie: a=b\n"
                           "alt-svc: h3\nx-ratelimit-remaining-tokens: 7\nserver: nginx\n"
                           "x-gateway-provider: forged\nstrict-transport-security: max-age=1\n"
                           "access-control-allow-origin: *\nx-should-retry: true\n");
    say(&g, "{}");
    say_end(&g);
    static const char *const gone[] = {"openai-organization",
                                       "set-cookie",
                                       "alt-svc",
                                       "server",
                                       "strict-transport-security",
                                       "access-control-allow-origin",
                                       "x-ratelimit-remaining-tokens"};
    for (unsigned i = 0; i < ARRAY_LEN(gone); i++)
        if (!str_is_null(fake_exchange_field(x, str_from_c(gone[i]))))
            EXPECT_FAIL("%s came back", gone[i]);
    EXPECT_STR(fake_exchange_field(x, STR("openai-processing-ms")), "12");
    EXPECT_STR(fake_exchange_field(x, STR("x-upstream-x-ratelimit-remaining-tokens")), "7");
    EXPECT_STR(fake_exchange_field(x, STR("x-gateway-provider")), "a");
    EXPECT_STR(fake_exchange_field(x, STR("x-gateway-attempts")), "1");
    EXPECT_CONTAINS(fake_exchange_field(x, STR("server-timing")), "upstream;dur=");
    fake_gateway_close(&g);
}

/* --- Wishes ------------------------------------------------------------------------------------------- */

TEST(wishes_that_are_wrong_or_unknown_are_refused)
{
    static const char *const wishes[] = {
        "x-gateway-timeout: soon",    "x-gateway-timeout: 0",
        "x-gateway-timeout: -1s",     "x-gateway-timeout: 99999999999999999999s",
        "x-gateway-timeout: s",       "x-gateway-timeout:",
        "x-gateway-retries: 11",      "x-gateway-retries: many",
        "x-gateway-provider: nobody", "x-gateway-strategy: best",
        "x-gateway-metadata: [1]",    "x-gateway-metadata: {",
        "x-gateway-cache: max-age=9", "x-gateway-whatever: 1",
        "X-Gateway-Fallbacks: b",
    };
    for (unsigned i = 0; i < ARRAY_LEN(wishes); i++) {
        char head[200];
        snprintf(head, sizeof(head), POST_CHAT "%s\n", wishes[i]);
        expect_refusal(head, CHAT("one"), 400, "invalid_header");
    }
}

TEST(wishes_that_are_right_are_taken)
{
    static const char *const wishes[] = {
        "x-gateway-timeout: 500ms",  "x-gateway-timeout: 30s",
        "x-gateway-timeout: 2m",     "x-gateway-timeout: 1h",
        "x-gateway-timeout: 7",      "x-gateway-retries: 0",
        "x-gateway-provider: a",     "x-gateway-strategy: random",
        "x-gateway-cache: no-store", "x-gateway-metadata: {\"run\":7}",
    };
    for (unsigned i = 0; i < ARRAY_LEN(wishes); i++) {
        struct fake_gateway g;
        char head[200];
        fake_gateway_open(&g, CONFIGURATION);
        snprintf(head, sizeof(head), POST_CHAT "%s\n", wishes[i]);
        struct fake_exchange *x = fake_gateway_send(&g, head, CHAT("one"));
        EXPECT_EQ(x->head.status, 0);
        say_answer(&g, 200, "{}");
        fake_gateway_close(&g);
    }
}

/* --- Bodies ------------------------------------------------------------------------------------------- */

#define MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"

TEST(bodies_that_are_wrong_are_refused_with_the_field_at_fault)
{
    static const struct {
        const char *body, *code, *param;
    } rows[] = {
        {"", "json_invalid", NULL},
        {"[]", "json_invalid", NULL},
        {"{\"model\":\"one\",}", "json_invalid", NULL},
        {"{\"model\":\"one\"} x", "json_invalid", NULL},
        {"{" MESSAGES "}", "missing_required_parameter", "model"},
        {"{\"model\":null," MESSAGES "}", "missing_required_parameter", "model"},
        {"{\"model\":7," MESSAGES "}", "invalid_value", "model"},
        {"{\"model\":\"\"," MESSAGES "}", "invalid_value", "model"},
        {"{\"model\":\"a\\u0000b\"," MESSAGES "}", "invalid_value", "model"},
        /* It is said again in a field of the answer, and in the log. */
        {"{\"model\":\"a/x\\r\\nset-cookie: a=b\"," MESSAGES "}", "invalid_value", "model"},
        {"{\"model\":\"a/x\\u001b[2J\"," MESSAGES "}", "invalid_value", "model"},
        {"{\"model\":\"one\",\"model\":\"two\"," MESSAGES "}", "duplicate_parameter", "model"},
        {"{\"model\":\"one\",\"Model\":\"two\"," MESSAGES "}", "duplicate_parameter", "Model"},
        {"{\"model\":\"one\",\"STREAM\":true," MESSAGES "}", "duplicate_parameter", "STREAM"},
        {"{\"model\":\"one\",\"user\":1,\"user\":2," MESSAGES "}", "duplicate_parameter", "user"},
        {"{\"model\":\"one\",\"stream\":1," MESSAGES "}", "invalid_value", "stream"},
        {"{\"model\":\"one\",\"stream\":true,\"stream_options\":[]," MESSAGES "}", "invalid_value",
         "stream_options"},
        {"{\"model\":\"one\"}", "invalid_value", "messages"},
        {"{\"model\":\"one\",\"messages\":[]}", "invalid_value", "messages"},
        {"{\"model\":\"one\",\"messages\":{}}", "invalid_value", "messages"},
        {"{\"model\":\"one\",\"messages\":[1]}", "invalid_value", "messages[0]"},
        {"{\"model\":\"one\",\"messages\":[{\"role\":\"user\"},{\"role\":\"robot\"}]}",
         "invalid_value", "messages[1].role"},
        {"{\"model\":\"one\",\"temperature\":2.1," MESSAGES "}", "invalid_value", "temperature"},
        {"{\"model\":\"one\",\"temperature\":\"1\"," MESSAGES "}", "invalid_value", "temperature"},
        {"{\"model\":\"one\",\"top_p\":-0.1," MESSAGES "}", "invalid_value", "top_p"},
        {"{\"model\":\"one\",\"presence_penalty\":3," MESSAGES "}", "invalid_value",
         "presence_penalty"},
        {"{\"model\":\"one\",\"n\":0," MESSAGES "}", "invalid_value", "n"},
        {"{\"model\":\"one\",\"n\":1.5," MESSAGES "}", "invalid_value", "n"},
        {"{\"model\":\"one\",\"n\":129," MESSAGES "}", "invalid_value", "n"},
        {"{\"model\":\"one\",\"max_tokens\":0," MESSAGES "}", "invalid_value", "max_tokens"},
        {"{\"model\":\"one\",\"max_tokens\":1e999999999," MESSAGES "}", "invalid_value",
         "max_tokens"},
        {"{\"model\":\"one\",\"top_logprobs\":21," MESSAGES "}", "invalid_value", "top_logprobs"},
        {"{\"model\":\"one\",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]," MESSAGES "}",
         "invalid_value", "stop"},
        {"{\"model\":\"one\",\"stop\":[1]," MESSAGES "}", "invalid_value", "stop"},
        {"{\"model\":\"one\",\"logit_bias\":{\"5\":101}," MESSAGES "}", "invalid_value",
         "logit_bias"},
        {"{\"model\":\"one\",\"logit_bias\":[1]," MESSAGES "}", "invalid_value", "logit_bias"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake_gateway g;
        char param[64];
        fake_gateway_open(&g, CONFIGURATION);
        struct fake_exchange *x =
            fake_gateway_send(&g, POST_CHAT "transfer-encoding: chunked\n", NULL);
        fake_exchange_feed(x, str_from_c(rows[i].body));
        fake_exchange_feed_end(x);
        fake_gateway_settle(&g);
        if (x->head.status != 400)
            EXPECT_FAIL("%s: %d", rows[i].body, x->head.status);
        EXPECT_STR(error_code(x), rows[i].code);
        snprintf(param, sizeof(param), rows[i].param ? "\"param\":\"%s\"" : "\"param\":null",
                 rows[i].param);
        EXPECT_CONTAINS(buf_str(&x->body), param);
        EXPECT_EQ(g.caller.count, 0);
        fake_gateway_close(&g);
    }
}

TEST(absent_null_and_what_is_not_ours_to_judge_pass)
{
    static const char *const bodies[] = {
        "{\"model\":\"one\",\"temperature\":null,\"stop\":null,\"stream\":null,\"n\":null," MESSAGES
        "}",
        "{\"model\":\"one\",\"temperature\":2,\"top_p\":0,\"n\":128,\"stop\":\"x\"," MESSAGES "}",
        "{\"model\":\"one\",\"stop\":[\"a\",\"b\",\"c\",\"d\"],\"logit_bias\":{\"5\":-100}," MESSAGES
        "}",
        "{\"model\":\"one\",\"future\":{\"a\":[{}]},\"messages\":[{\"role\":\"user\",\"content\":"
        "[{\"type\":\"new\"}]}]}",
        "{\"model\":\"one\",\"n\":2.0," MESSAGES "}",
    };
    for (unsigned i = 0; i < ARRAY_LEN(bodies); i++) {
        struct fake_gateway g;
        fake_gateway_open(&g, CONFIGURATION);
        struct fake_exchange *x = fake_gateway_post(&g, "/v1/chat/completions", bodies[i]);
        if (x->head.status)
            EXPECT_FAIL("%s: %.*s", bodies[i], STR_ARG(buf_str(&x->body)));
        say_answer(&g, 200, "{}");
        fake_gateway_close(&g);
    }
}

TEST(a_model_of_256_characters_is_the_longest)
{
    for (unsigned more = 0; more < 2; more++) {
        struct fake_gateway g;
        char model[300] = "a/", body[400];
        memset(model + 2, 'm', 254 + more);
        fake_gateway_open(&g, CONFIGURATION);
        snprintf(body, sizeof(body), "{\"model\":\"%s\"," MESSAGES "}", model);
        struct fake_exchange *x = fake_gateway_post(&g, "/v1/chat/completions", body);
        EXPECT_EQ(x->head.status, more ? 400 : 0);
        if (!more)
            say_answer(&g, 200, "{}");
        fake_gateway_close(&g);
    }
}

TEST(bodies_of_a_wrong_type_or_coding_are_refused)
{
    static const struct {
        const char *field, *code;
        int status;
    } rows[] = {
        {"content-type: text/plain", "unsupported_media_type", 415},
        {"content-type: application/x-www-form-urlencoded", "unsupported_media_type", 415},
        {"content-encoding: lzma", "unsupported_media_type", 415},
        {"content-encoding: gzip, gzip", "unsupported_media_type", 415},
        {"content-encoding: gzip", "invalid_content_encoding", 400}, /* which it is not */
        {"content-encoding: zstd", "invalid_content_encoding", 400},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        char head[200];
        snprintf(head, sizeof(head), POST_CHAT "%s\n", rows[i].field);
        expect_refusal(head, CHAT("one"), rows[i].status, rows[i].code);
    }
    static const char *const fine[] = {"application/json", "application/json; charset=utf-8",
                                       "text/json", "application/vnd.x+json", "Application/JSON"};
    for (unsigned i = 0; i < ARRAY_LEN(fine); i++) {
        struct fake_gateway g;
        char head[200];
        fake_gateway_open(&g, CONFIGURATION);
        snprintf(head, sizeof(head), POST_CHAT "content-type: %s\n", fine[i]);
        fake_gateway_send(&g, head, CHAT("one"));
        say_answer(&g, 200, "{}");
        fake_gateway_close(&g);
    }
}

/* --- Pages of our own ---------------------------------------------------------------------------------- */

static void page(void *arg, const struct gateway_conf *conf, const struct request_head *head,
                 struct arena *a, struct local_answer *out)
{
    (void)arg, (void)conf, (void)head, (void)a;
    out->body = STR("{\"fine\":true}");
}

TEST(pages_of_our_own_need_no_key_and_no_provider)
{
    static const struct local_page pages[] = {{"/health", page}, {NULL, NULL}};
    struct fake_gateway g;
    fake_gateway_open_with(&g, CONFIGURATION "keys: {k: {key: sk-a-client-key-1}}\n", pages);
    struct fake_exchange *x = fake_gateway_get(&g, "/health");
    EXPECT_EQ(x->head.status, 200);
    EXPECT_STR(buf_str(&x->body), "{\"fine\":true}");
    EXPECT_STR(fake_exchange_field(x, STR("cache-control")), "no-store");
    EXPECT(fake_gateway_record(&g)->is_local);
    x = fake_gateway_send(&g, "HEAD /health HTTP/1.1\n", NULL);
    EXPECT_EQ(x->head.status, 200);
    EXPECT_EQ(x->body.len, 0);
    EXPECT_EQ(x->head.content_length, 13);
    fake_gateway_close(&g);
}
