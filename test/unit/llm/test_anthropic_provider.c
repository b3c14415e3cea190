/* Anthropic as a provider: paths, fields, what its statuses mean, its list of models. */
#include "llm/provider.h"

#include "support/test.h"

extern const struct provider provider_anthropic;

static struct arena arena;

static struct provider_conf conf_of(const char *base_path)
{
    return (struct provider_conf){.name = STR("claude"),
                                  .type = STR("anthropic"),
                                  .provider = &provider_anthropic,
                                  .base_path = str_from_c(base_path)};
}

static const char *target_of(const char *base_path, enum endpoint_kind kind)
{
    struct provider_conf c = conf_of(base_path);
    struct provider_request r = {.conf = &c, .kind = kind, .rest = STR("")};
    return provider_target(&r, &arena).ptr;
}

TEST(paths_are_under_v1_however_the_address_is_written)
{
    EXPECT_STR(target_of("", ENDPOINT_MESSAGES), "/v1/messages");
    EXPECT_STR(target_of("/v1", ENDPOINT_MESSAGES), "/v1/messages");
    EXPECT_STR(target_of("/anthropic", ENDPOINT_MESSAGES_COUNT),
               "/anthropic/v1/messages/count_tokens");
    arena_release(&arena);
}

static struct headers fields_of(const char *key, const char *beta, const char *version,
                                const char *client_beta)
{
    struct provider_conf c = conf_of("");
    struct provider_request r = {.conf = &c,
                                 .kind = ENDPOINT_MESSAGES,
                                 .api_key = str_from_c(key),
                                 .beta = str_from_c(beta)};
    struct headers h = {0};
    if (version)
        EXPECT(head_add_known(&h, &arena, HEADER_ANTHROPIC_VERSION, str_from_c(version)));
    if (client_beta)
        EXPECT(head_add_known(&h, &arena, HEADER_ANTHROPIC_BETA, str_from_c(client_beta)));
    EXPECT(provider_authorize(&r, &h, &arena));
    return h;
}

/* mapping: §23 anthropic-version, client's key */
TEST(the_key_and_the_version_are_fields_of_its_own)
{
    struct headers h = fields_of("sk-ant-api03-x", NULL, NULL, NULL);
    EXPECT_STR(head_known(&h, HEADER_X_API_KEY), "sk-ant-api03-x");
    EXPECT_STR(head_known(&h, HEADER_ANTHROPIC_VERSION), "2023-06-01");
    EXPECT(str_is_null(head_known(&h, HEADER_AUTHORIZATION)));
    h = fields_of("sk-ant-api03-x", "a,b", "2026-10-21", NULL);
    EXPECT_STR(head_known(&h, HEADER_ANTHROPIC_VERSION), "2026-10-21");
    EXPECT_EQ(head_count(&h, STR("anthropic-version")), 1);
    EXPECT_STR(head_known(&h, HEADER_ANTHROPIC_BETA), "a,b");
    arena_release(&arena);
}

TEST(tokens_of_oauth_are_bearers_with_their_beta)
{
    struct headers h = fields_of("sk-ant-oat01-x", NULL, NULL, NULL);
    EXPECT_STR(head_known(&h, HEADER_AUTHORIZATION), "Bearer sk-ant-oat01-x");
    EXPECT_STR(head_known(&h, HEADER_ANTHROPIC_BETA), "oauth-2025-04-20");
    EXPECT(str_is_null(head_known(&h, HEADER_X_API_KEY)));
    h = fields_of("sk-ant-oat01-x", NULL, NULL, "a, oauth-2025-04-20");
    EXPECT_EQ(head_count(&h, STR("anthropic-beta")), 1);
    arena_release(&arena);
}

/* mapping: §17 quota/spend; §23 never retried */
TEST(statuses_have_this_vendors_meaning)
{
    static const struct {
        int status;
        const char *body;
        enum err err;
    } rows[] = {
        {529, "", ERR_UPSTREAM_OVERLOADED},
        {401, "", ERR_UPSTREAM_AUTH},
        {402, "", ERR_UPSTREAM_QUOTA},
        {429, "", ERR_UPSTREAM_RATE_LIMIT},
        {429, "{\"error\":{\"details\":{\"error_code\":\"ramp_limit_exceeded\"}}}",
         ERR_UPSTREAM_RATE_LIMIT},
        {429, "{\"error\":{\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}",
         ERR_UPSTREAM_QUOTA},
        {429, "{\"error\":{\"details\":{\"error_code\":\"contract_spend_limit_reached\"}}}",
         ERR_UPSTREAM_QUOTA},
        {400, "You have reached your specified API usage limits.", ERR_UPSTREAM_QUOTA},
        {400, "prompt is too long", ERR_UPSTREAM_REFUSED_REQUEST},
        {404, "{\"error\":{\"details\":{\"error_code\":\"thread_not_found\"}}}",
         ERR_UPSTREAM_REFUSED_REQUEST},
        {404, "model: claude-x", ERR_UPSTREAM_NOT_FOUND},
        {500, "", ERR_UPSTREAM_STATUS},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_EQ(provider_classify(&provider_anthropic, rows[i].status, str_from_c(rows[i].body)),
                  rows[i].err);
}

TEST(conversations_of_other_formats_are_asked_as_messages)
{
    struct provider_conf c = conf_of("");
    static const enum endpoint_kind chats[] = {ENDPOINT_CHAT, ENDPOINT_COMPLETIONS,
                                               ENDPOINT_RESPONSES, ENDPOINT_GENERATE};
    for (unsigned i = 0; i < ARRAY_LEN(chats); i++)
        EXPECT_EQ(provider_translate(&c, chats[i], STR("m"), NULL), ENDPOINT_MESSAGES);
    EXPECT_EQ(provider_translate(&c, ENDPOINT_EMBEDDINGS, STR("m"), NULL), ENDPOINT_KIND_COUNT);
    EXPECT_EQ(provider_translate(&c, ENDPOINT_SPEECH, STR("m"), NULL), ENDPOINT_KIND_COUNT);
}

TEST(models_come_in_pages)
{
    struct provider_conf c = conf_of("/v1");
    struct model_page page;
    EXPECT_STR(provider_anthropic.models_target(&c, STR_NULL, &arena), "/v1/models?limit=1000");
    EXPECT_STR(provider_anthropic.models_target(&c, STR("a b"), &arena),
               "/v1/models?limit=1000&after_id=a%20b");
    EXPECT(provider_anthropic.read_models(
        STR("{\"data\":[{\"type\":\"model\",\"id\":\"claude-a\",\"max_input_tokens\":200000,"
            "\"max_tokens\":64000},{\"id\":\"claude-b\",\"max_tokens\":null},{\"id\":7}],"
            "\"has_more\":true,\"last_id\":\"claude-b\"}"),
        &arena, &page));
    EXPECT_EQ(page.count, 2);
    EXPECT_STR(page.models[0].id, "claude-a");
    EXPECT_EQ(page.models[0].window, 200000);
    EXPECT_EQ(page.models[0].output_max, 64000);
    EXPECT_EQ(page.models[1].output_max, 0);
    EXPECT_STR(page.next, "claude-b");
    EXPECT(provider_anthropic.read_models(STR("{\"data\":[],\"has_more\":false,\"last_id\":null}"),
                                          &arena, &page));
    EXPECT(str_is_null(page.next));
    EXPECT(!provider_anthropic.read_models(STR("[]"), &arena, &page));
    arena_release(&arena);
}
