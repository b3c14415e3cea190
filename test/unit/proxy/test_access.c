/* Who may: keys, networks, the client's address behind proxies, browsers of other origins. */
#include "proxy_helper.h"

#include <stdio.h>

#define POST_CHAT "POST /v1/chat/completions HTTP/1.1\n"

/* --- Keys ----------------------------------------------------------------------------------------- */

#define KEYS                                                                                       \
    "keys:\n"                                                                                      \
    "  all: {key: sk-all-0123456789, tenant: acme, user: ann}\n"                                   \
    "  some: {key: sk-some-0123456789, models: ['one', 't*'], models_denied: ['two']}\n"           \
    "  chats: {key: sk-chats-0123456789, endpoints: [chat, 'audio_*', models]}\n"                  \
    "  here: {key: sk-here-0123456789, networks: ['192.0.2.0/29', '2001:db8::/32']}\n"             \
    "  there: {key: sk-there-0123456789, networks: ['10.0.0.0/8']}\n"                              \
    "  off: {key: sk-off-0123456789, enabled: false}\n"                                            \
    "  old: {key: sk-old-0123456789, expires: '2026-11-30'}\n"                                     \
    "  new: {key: sk-new-0123456789, expires: '2026-12-31'}\n"

static struct fake_exchange *ask_with(struct fake_gateway *g, const char *field, const char *model)
{
    char head[300], body[200];
    snprintf(head, sizeof(head), POST_CHAT "%s\n", field);
    snprintf(body, sizeof(body),
             "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}", model);
    return fake_gateway_send(g, head, body);
}

TEST(a_key_may_come_through_any_of_the_usual_fields)
{
    static const char *const fields[] = {
        "authorization: Bearer sk-all-0123456789", "authorization: bearer   sk-all-0123456789",
        "x-api-key: sk-all-0123456789", "api-key: sk-all-0123456789",
        "x-goog-api-key: sk-all-0123456789"};
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION KEYS);
    for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
        struct fake_exchange *x = ask_with(&g, fields[i], "one");
        EXPECT_EQ(x->head.status, 0);
        EXPECT_STR(fake_call_field(fake_gateway_last_call(&g), STR("authorization")),
                   "Bearer sk-a-secret");
        say_answer(&g, 200, "{}");
        EXPECT_STR(fake_gateway_record(&g)->key_name, "all");
        EXPECT_STR(fake_gateway_record(&g)->tenant, "acme");
        EXPECT_STR(fake_gateway_record(&g)->user, "ann");
    }
    struct fake_exchange *x =
        fake_gateway_post(&g, "/v1/chat/completions?beta=true&key=sk-all-0123456789", CHAT("one"));
    EXPECT_EQ(x->head.status, 0);
    EXPECT(str_find(fake_gateway_last_call(&g)->target, STR("sk-all")) < 0);
    say_answer(&g, 200, "{}");
    EXPECT(str_find(fake_gateway_record(&g)->path, STR("sk-all")) < 0);
    fake_gateway_close(&g);
}

TEST(no_key_and_wrong_keys_are_refused_before_anything_is_read)
{
    static const struct {
        const char *field, *code;
        int status;
    } rows[] = {
        {"x-nothing: 1", "missing_api_key", 401},
        {"authorization: Bearer ", "missing_api_key", 401},
        {"authorization: Basic c2stYWxsOg==", "missing_api_key", 401},
        {"authorization: Bearer sk-all-012345678", "invalid_api_key", 401},
        {"authorization: Bearer sk-all-01234567890", "invalid_api_key", 401},
        {"authorization: Bearer SK-ALL-0123456789", "invalid_api_key", 401},
        {"authorization: Bearer sk-off-0123456789", "invalid_api_key", 401},
        {"authorization: Bearer sk-old-0123456789", "invalid_api_key", 401},
        {"authorization: Bearer sk-there-0123456789", "permission_denied", 403},
    };
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION KEYS);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        char head[200];
        snprintf(head, sizeof(head), POST_CHAT "content-length: 1000\n%s\n", rows[i].field);
        struct fake_exchange *x = fake_gateway_begin(&g, head);
        if (x->head.status != rows[i].status)
            EXPECT_FAIL("%s: %d", rows[i].field, x->head.status);
        EXPECT_STR(error_code(x), rows[i].code);
        if (rows[i].status == 401)
            EXPECT_STR(fake_exchange_field(x, STR("www-authenticate")), "Bearer");
        EXPECT(str_find(buf_str(&x->body), STR("sk-")) < 0);
    }
    EXPECT_EQ(g.caller.count, 0);
    fake_gateway_close(&g);
}

TEST(a_digest_of_a_key_is_no_key)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION
                      "keys: {k: {sha256: "
                      "'2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b'}}\n");
    struct fake_exchange *x = ask_with(
        &g, "x-api-key: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b", "one");
    EXPECT_EQ(x->head.status, 401);
    x = ask_with(&g, "x-api-key: secret", "one"); /* its SHA-256 it is */
    EXPECT_EQ(x->head.status, 0);
    say_answer(&g, 200, "{}");
    fake_gateway_close(&g);
}

TEST(keys_have_models_endpoints_and_networks)
{
    static const struct {
        const char *key, *model;
        int status;
    } rows[] = {
        {"some", "one", 0},     {"some", "two", 403}, {"some", "three/x", 404},
        {"some", "early", 403}, {"some", "a/x", 403}, {"chats", "one", 0},
        {"here", "one", 0},     {"new", "one", 0},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake_gateway g;
        char field[100];
        fake_gateway_open(&g, CONFIGURATION KEYS);
        snprintf(field, sizeof(field), "x-api-key: sk-%s-0123456789", rows[i].key);
        struct fake_exchange *x = ask_with(&g, field, rows[i].model);
        if (x->head.status != rows[i].status)
            EXPECT_FAIL("%s, %s: %d", rows[i].key, rows[i].model, x->head.status);
        if (!rows[i].status)
            say_answer(&g, 200, "{}");
        fake_gateway_close(&g);
    }
}

TEST(an_endpoint_that_a_key_may_not_use_is_refused)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION KEYS);
    struct fake_exchange *x =
        fake_gateway_send(&g, "POST /v1/embeddings HTTP/1.1\nx-api-key: sk-chats-0123456789\n",
                          "{\"model\":\"one\",\"input\":\"x\"}");
    EXPECT_EQ(x->head.status, 403);
    x = fake_gateway_send(&g, "GET /v1/models HTTP/1.1\nx-api-key: sk-chats-0123456789\n", NULL);
    EXPECT_EQ(x->head.status, 200);
    fake_gateway_close(&g);
}

/* What is denied by its configured name must not be had by the provider's. */
TEST(a_denied_model_is_not_had_by_another_name)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION KEYS);
    struct fake_exchange *x = fake_gateway_send(
        &g,
        "POST /openai/deployments/two/chat/completions HTTP/1.1\nx-api-key: sk-some-0123456789\n",
        CHAT("one"));
    EXPECT_EQ(x->head.status, 403);
    EXPECT_EQ(g.caller.count, 0);
    fake_gateway_close(&g);
}

/* --- The client's address -------------------------------------------------------------------------- */

static const char *ip_behind(const char *trusted, const char *fields)
{
    static char ip[64];
    struct fake_gateway g;
    char yaml[2000], head[400];
    snprintf(yaml, sizeof(yaml), "server: {trusted_proxies: [%s]}\n%s", trusted, CONFIGURATION);
    fake_gateway_open(&g, yaml);
    snprintf(head, sizeof(head), "GET /v1/models HTTP/1.1\n%s", fields);
    fake_gateway_send(&g, head, NULL);
    snprintf(ip, sizeof(ip), "%.*s", STR_ARG(fake_gateway_record(&g)->client_ip));
    fake_gateway_close(&g);
    return ip;
}

/* The peer is 192.0.2.7. */
TEST(forwarded_addresses_are_believed_from_trusted_hops_only)
{
    static const struct {
        const char *trusted, *fields, *ip;
    } rows[] = {
        {"", "x-forwarded-for: 1.2.3.4\n", "192.0.2.7"},
        {"10.0.0.0/8", "x-forwarded-for: 1.2.3.4\n", "192.0.2.7"},
        {"192.0.2.0/24", "", "192.0.2.7"},
        {"192.0.2.0/24", "x-forwarded-for: 1.2.3.4\n", "1.2.3.4"},
        {"192.0.2.7", "x-forwarded-for: 1.2.3.4\n", "1.2.3.4"},
        {"192.0.2.0/24", "x-forwarded-for: 6.6.6.6, 1.2.3.4\n", "1.2.3.4"},
        {"'192.0.2.0/24', '10.0.0.0/8'", "x-forwarded-for: 6.6.6.6, 1.2.3.4, 10.1.1.1\n",
         "1.2.3.4"},
        {"192.0.2.0/24", "x-forwarded-for: 2001:db8::1\n", "2001:db8::1"},
        {"192.0.2.0/24", "x-forwarded-for: nonsense\n", "192.0.2.7"},
        {"192.0.2.0/24", "x-forwarded-for: 1.2.3.4, \n", "192.0.2.7"},
        {"'192.0.2.0/24', '1.2.3.4'", "x-forwarded-for: bad, 1.2.3.4\n", "1.2.3.4"},
        {"'192.0.2.0/24', '1.2.3.4'", "x-forwarded-for: 1.2.3.4\n", "1.2.3.4"},
        /* Proxies such as HAProxy add a field of their own; what the client forged stands before. */
        {"192.0.2.0/24", "x-forwarded-for: 6.6.6.6\nx-forwarded-for: 1.2.3.4\n", "1.2.3.4"},
        {"'192.0.2.0/24', '10.0.0.0/8'",
         "x-forwarded-for: 6.6.6.6\nx-forwarded-for: 1.2.3.4\nx-forwarded-for: 10.1.1.1\n",
         "1.2.3.4"},
        {"'192.0.2.0/24', '10.0.0.0/8'",
         "x-forwarded-for: 1.2.3.4, 10.2.2.2\nx-forwarded-for: 10.1.1.1\n", "1.2.3.4"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        const char *ip = ip_behind(rows[i].trusted, rows[i].fields);
        if (strcmp(ip, rows[i].ip) != 0)
            EXPECT_FAIL("trusting [%s], %s: %s, expected %s", rows[i].trusted, rows[i].fields, ip,
                        rows[i].ip);
    }
}

/* --- Browsers --------------------------------------------------------------------------------------- */

TEST(other_origins_are_let_in_when_they_are_listed)
{
    struct fake_gateway g;
    fake_gateway_open(
        &g, "server: {cors: {origins: ['https://app.example'], max_age: 10m}}\n" CONFIGURATION
            "keys: {k: {key: sk-all-0123456789}}\n");
    struct fake_exchange *x =
        fake_gateway_send(&g,
                          "OPTIONS /v1/chat/completions HTTP/1.1\norigin: https://app.example\n"
                          "access-control-request-method: POST\n"
                          "access-control-request-headers: authorization, x-stainless-lang\n",
                          NULL);
    EXPECT_EQ(x->head.status, 204); /* no key is asked of a preflight */
    EXPECT_STR(fake_exchange_field(x, STR("access-control-allow-origin")), "https://app.example");
    EXPECT_STR(fake_exchange_field(x, STR("access-control-allow-headers")),
               "authorization, x-stainless-lang");
    EXPECT_STR(fake_exchange_field(x, STR("access-control-max-age")), "600");
    EXPECT_STR(fake_exchange_field(x, STR("vary")), "origin");
    x = fake_gateway_send(&g, POST_CHAT "origin: https://app.example\n", CHAT("one"));
    EXPECT_EQ(x->head.status, 401); /* errors too must be readable */
    EXPECT_STR(fake_exchange_field(x, STR("access-control-allow-origin")), "https://app.example");
    x = fake_gateway_send(&g, POST_CHAT "origin: https://evil.example\n", CHAT("one"));
    EXPECT(str_is_null(fake_exchange_field(x, STR("access-control-allow-origin"))));
    x = fake_gateway_send(&g,
                          "OPTIONS /v1/chat/completions HTTP/1.1\norigin: https://evil.example\n"
                          "access-control-request-method: POST\n",
                          NULL);
    EXPECT_EQ(x->head.status, 405);
    fake_gateway_close(&g);
}

TEST(without_a_list_there_is_no_cors)
{
    struct fake_gateway g;
    fake_gateway_open(&g, CONFIGURATION);
    struct fake_exchange *x = fake_gateway_send(
        &g, "OPTIONS /v1/models HTTP/1.1\norigin: https://x\naccess-control-request-method: GET\n",
        NULL);
    EXPECT_EQ(x->head.status, 405);
    EXPECT(str_is_null(fake_exchange_field(x, STR("access-control-allow-origin"))));
    fake_gateway_close(&g);
}
