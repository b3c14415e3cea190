/* Providers: where each kind of request goes, with which credentials, what their statuses mean. */
#include "llm/provider.h"

#include "support/test.h"

static struct provider_conf conf_of(const char *type, const char *base_path)
{
    const struct provider *p = provider_find(str_from_c(type));
    EXPECT(p != NULL);
    return (struct provider_conf){
        .name = STR_INIT("p"), .provider = p, .base_path = str_from_c(base_path)};
}

static struct arena arena; /* of the test that runs */

static const char *target_of(const struct provider_conf *c, enum endpoint_kind kind,
                             const char *rest, const char *query, const char *model)
{
    struct provider_request r = {.conf = c,
                                 .kind = kind,
                                 .method = STR("POST"),
                                 .rest = str_from_c(rest),
                                 .query = str_from_c(query),
                                 .model = str_from_c(model)};
    str target = provider_target(&r, &arena);
    return target.ptr;
}

TEST(every_provider_is_found_and_offers_chat)
{
    uint64_t chats = ENDPOINT_BIT(CHAT) | ENDPOINT_BIT(MESSAGES) | ENDPOINT_BIT(GENERATE) |
                     ENDPOINT_BIT(CONVERSE) | ENDPOINT_BIT(OLLAMA_CHAT) | ENDPOINT_BIT(COHERE_CHAT);
    unsigned count = 0;
    for (const struct provider *p; (p = provider_at(count)); count++) {
        EXPECT(provider_find(str_from_c(p->name)) == p);
        EXPECT(p->endpoints & chats);
        EXPECT(!p->key_required || p->key_env);
    }
    EXPECT(count >= 6);
    EXPECT(provider_find(STR("nobody")) == NULL);
    EXPECT(provider_find(STR("")) == NULL);
    for (unsigned i = 0; preset_at(i); i++) {
        EXPECT(preset_find(str_from_c(preset_at(i)->name)) == preset_at(i));
        EXPECT(strncmp(preset_at(i)->base_url, "http", 4) == 0);
        EXPECT(preset_at(i)->base_url[strlen(preset_at(i)->base_url) - 1] != '/');
    }
    EXPECT(preset_find(STR("openai")) == NULL);
}

TEST(openai_formats_append_their_path_to_the_base)
{
    static const char *const types[] = {"openai", "vllm", "together", "openai-compatible"};
    for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
        struct provider_conf c = conf_of(types[i], "/x/v1");
        for (unsigned k = 0; k < ENDPOINT_KIND_COUNT; k++) {
            const struct endpoint_facts *f = endpoint_facts((enum endpoint_kind)k);
            str expected = arena_printf(&arena, "/x/v1%.*s", STR_ARG(f->path));
            EXPECT_STR(target_of(&c, (enum endpoint_kind)k, "", NULL, "m"), expected);
        }
        EXPECT_STR(target_of(&c, ENDPOINT_FILES, "/file-1/content", "limit=2", NULL),
                   "/x/v1/files/file-1/content?limit=2");
        c.base_path = STR("");
        EXPECT_STR(target_of(&c, ENDPOINT_CHAT, "", NULL, "m"), "/chat/completions");
    }
    arena_release(&arena);
}

TEST(azure_puts_the_deployment_into_the_path)
{
    struct provider_conf c = conf_of("azure", "");
    EXPECT_STR(target_of(&c, ENDPOINT_CHAT, "", NULL, "my gpt/4"),
               "/openai/deployments/my%20gpt%2F4/chat/completions?api-version=2024-10-21");
    c.api_version = STR("2025-01-01-preview");
    EXPECT_STR(target_of(&c, ENDPOINT_EMBEDDINGS, "", NULL, "e"),
               "/openai/deployments/e/embeddings?api-version=2025-01-01-preview");
    /* Kinds without a place there. */
    EXPECT_STR(target_of(&c, ENDPOINT_RESPONSES, "", NULL, "m"),
               "/openai/responses?api-version=2025-01-01-preview");
    EXPECT_STR(target_of(&c, ENDPOINT_FILES, "/f/content", "a=1&api-version=old&key=k&b=2", NULL),
               "/openai/files/f/content?a=1&b=2&api-version=2025-01-01-preview");
    static const char *const bases[] = {"/openai", "/some/openai", "/some"};
    static const char *const targets[] = {
        "/openai/deployments/m/chat/completions?api-version=2025-01-01-preview",
        "/some/openai/deployments/m/chat/completions?api-version=2025-01-01-preview",
        "/some/openai/deployments/m/chat/completions?api-version=2025-01-01-preview"};
    for (unsigned i = 0; i < ARRAY_LEN(bases); i++) {
        c.base_path = str_from_c(bases[i]);
        EXPECT_STR(target_of(&c, ENDPOINT_CHAT, "", NULL, "m"), targets[i]);
    }
    arena_release(&arena);
}

TEST(azure_in_its_new_style_is_like_openai)
{
    struct provider_conf c = conf_of("azure", "/openai/v1");
    EXPECT_STR(target_of(&c, ENDPOINT_CHAT, "", NULL, "m"), "/openai/v1/chat/completions");
    c.api_version = STR("preview");
    EXPECT_STR(target_of(&c, ENDPOINT_CHAT, "", NULL, "m"),
               "/openai/v1/chat/completions?api-version=preview");
    c = conf_of("azure", "");
    c.style = AZURE_V1;
    EXPECT_STR(target_of(&c, ENDPOINT_RESPONSES_STORED, "/r_1", "include=x", NULL),
               "/openai/v1/responses/r_1?include=x");
    c = conf_of("azure", "/openai/v1");
    c.style = AZURE_DEPLOYMENT;
    EXPECT_STR(target_of(&c, ENDPOINT_CHAT, "", NULL, "m"),
               "/openai/deployments/m/chat/completions?api-version=2024-10-21");
    arena_release(&arena);
}

static const struct headers *fields_of(const struct provider_conf *c, const char *key)
{
    static struct headers headers;
    struct provider_request r = {.conf = c, .kind = ENDPOINT_CHAT, .api_key = str_from_c(key)};
    headers = (struct headers){0};
    EXPECT(provider_authorize(&r, &headers, &arena));
    return &headers;
}

TEST(credentials_are_put_where_the_provider_wants_them)
{
    struct provider_conf c = conf_of("openai", "/v1");
    c.organization = STR("org");
    c.project = STR("proj");
    const struct headers *h = fields_of(&c, "sk-1");
    EXPECT_STR(head_get(h, STR("authorization")), "Bearer sk-1");
    EXPECT_STR(head_get(h, STR("openai-organization")), "org");
    EXPECT_STR(head_get(h, STR("openai-project")), "proj");
    c = conf_of("azure", "");
    h = fields_of(&c, "az-1");
    EXPECT_STR(head_get(h, STR("api-key")), "az-1");
    EXPECT_EQ(h->count, 1);
    static const char *const bearers[] = {"vllm", "together", "openai-compatible"};
    for (unsigned i = 0; i < ARRAY_LEN(bearers); i++) {
        c = conf_of(bearers[i], "/v1");
        EXPECT_STR(head_get(fields_of(&c, "k"), STR("authorization")), "Bearer k");
        EXPECT_EQ(fields_of(&c, NULL)->count, 0);
    }
    arena_release(&arena);
}

TEST(the_field_and_its_prefix_can_be_configured)
{
    static const struct {
        const char *header, *prefix, *value;
    } rows[] = {{"x-key", NULL, "Bearer k"},
                {"x-key", "", "k"},
                {"x-key", "Token", "Token k"},
                {"x-key", "Token ", "Token k"}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct provider_conf c = conf_of("openai-compatible", "/v1");
        c.auth_header = str_from_c(rows[i].header);
        c.auth_prefix = str_from_c(rows[i].prefix);
        EXPECT_STR(head_get(fields_of(&c, "k"), STR("x-key")), rows[i].value);
    }
    arena_release(&arena);
}

TEST(an_exhausted_arena_is_told_not_ignored)
{
    for (unsigned i = 0; provider_at(i); i++) {
        struct provider_conf c = conf_of(provider_at(i)->name, "/v1");
        struct arena none;
        arena_init(&none, 1);
        struct provider_request r = {.conf = &c,
                                     .kind = ENDPOINT_CHAT,
                                     .model = STR("m"),
                                     .query = STR("a=1"),
                                     .api_key = STR("key")};
        struct headers headers = {0};
        EXPECT(str_is_null(provider_target(&r, &none)));
        EXPECT(!provider_authorize(&r, &headers, &none));
    }
}

TEST(statuses_mean_the_same_for_all_unless_a_provider_says_otherwise)
{
    static const struct {
        int status;
        const char *body;
        enum err err;
    } rows[] = {
        {400, "", ERR_UPSTREAM_REFUSED_REQUEST},
        {401, "", ERR_UPSTREAM_AUTH},
        {402, "", ERR_UPSTREAM_QUOTA},
        {403, "", ERR_UPSTREAM_AUTH},
        {404, "", ERR_UPSTREAM_NOT_FOUND},
        {408, "", ERR_UPSTREAM_STATUS},
        {409, "", ERR_UPSTREAM_REFUSED_REQUEST},
        {413, "", ERR_UPSTREAM_REFUSED_REQUEST},
        {422, "", ERR_UPSTREAM_REFUSED_REQUEST},
        {429, "", ERR_UPSTREAM_RATE_LIMIT},
        {429, "{\"error\":{\"code\":\"insufficient_quota\"}}", ERR_UPSTREAM_QUOTA},
        {500, "", ERR_UPSTREAM_STATUS},
        {502, "", ERR_UPSTREAM_STATUS},
        {503, "", ERR_UPSTREAM_OVERLOADED},
        {529, "", ERR_UPSTREAM_OVERLOADED},
        {301, "", ERR_UPSTREAM_STATUS},
        {599, "", ERR_UPSTREAM_STATUS},
    };
    for (unsigned p = 0; provider_at(p); p++) {
        bool own_403 = strcmp(provider_at(p)->name, "together") == 0;
        for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
            if (own_403 && rows[i].status == 403)
                continue;
            EXPECT_EQ(provider_classify(provider_at(p), rows[i].status, str_from_c(rows[i].body)),
                      rows[i].err);
        }
    }
    EXPECT_EQ(provider_classify(provider_find(STR("together")), 403, STR_NULL),
              ERR_UPSTREAM_REFUSED_REQUEST); /* the context, not the key */
    EXPECT_EQ(provider_classify(provider_at(0), 429, STR_NULL), ERR_UPSTREAM_RATE_LIMIT);
}

/* Where a request is asked: as it is, or translated. */
static enum endpoint_kind kind_asked(const struct provider_conf *c, enum endpoint_kind asked)
{
    if (provider_endpoints(c) & (UINT64_C(1) << asked))
        return asked;
    return provider_translate(c, asked, STR("m"), NULL);
}

static const char *ollama_target(const char *base_path, enum provider_api api,
                                 enum endpoint_kind kind)
{
    struct provider_conf c = conf_of("ollama", base_path);
    c.api = api;
    return target_of(&c, kind, "", NULL, "m");
}

TEST(ollama_has_its_own_paths_and_openais_under_v1)
{
    EXPECT_STR(ollama_target("", API_AUTO, ENDPOINT_OLLAMA_CHAT), "/api/chat");
    EXPECT_STR(ollama_target("/v1", API_AUTO, ENDPOINT_OLLAMA_EMBED), "/api/embed");
    EXPECT_STR(ollama_target("/box/api", API_NATIVE, ENDPOINT_OLLAMA_CHAT), "/box/api/chat");
    EXPECT_STR(ollama_target("", API_AUTO, ENDPOINT_COMPLETIONS), "/v1/completions");
    EXPECT_STR(ollama_target("/v1", API_OPENAI, ENDPOINT_CHAT), "/v1/chat/completions");
    EXPECT_STR(ollama_target("/box", API_OPENAI, ENDPOINT_EMBEDDINGS), "/box/v1/embeddings");
    arena_release(&arena);
}

TEST(ollama_is_asked_at_its_own_api_unless_told_otherwise)
{
    static const struct {
        enum endpoint_kind asked, native, openai;
    } rows[] = {
        {ENDPOINT_CHAT, ENDPOINT_OLLAMA_CHAT, ENDPOINT_CHAT},
        {ENDPOINT_MESSAGES, ENDPOINT_OLLAMA_CHAT, ENDPOINT_CHAT},
        {ENDPOINT_RESPONSES, ENDPOINT_OLLAMA_CHAT, ENDPOINT_CHAT},
        {ENDPOINT_GENERATE, ENDPOINT_OLLAMA_CHAT, ENDPOINT_CHAT},
        {ENDPOINT_COMPLETIONS, ENDPOINT_COMPLETIONS, ENDPOINT_COMPLETIONS},
        {ENDPOINT_EMBEDDINGS, ENDPOINT_OLLAMA_EMBED, ENDPOINT_EMBEDDINGS},
        {ENDPOINT_EMBED_BATCH, ENDPOINT_OLLAMA_EMBED, ENDPOINT_EMBEDDINGS},
        {ENDPOINT_MODERATIONS, ENDPOINT_KIND_COUNT, ENDPOINT_KIND_COUNT},
        {ENDPOINT_MESSAGES_COUNT, ENDPOINT_KIND_COUNT, ENDPOINT_KIND_COUNT},
    };
    struct provider_conf c = conf_of("ollama", "");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        c.api = API_AUTO;
        EXPECT_EQ(kind_asked(&c, rows[i].asked), rows[i].native);
        c.api = API_OPENAI;
        EXPECT_EQ(kind_asked(&c, rows[i].asked), rows[i].openai);
    }
    EXPECT(c.provider->needs_bytes(&c, STR("m")));
    EXPECT_EQ(provider_classify(c.provider, 404, STR("")), ERR_UPSTREAM_NOT_FOUND);
    EXPECT_EQ(provider_classify(c.provider, 503, STR("")), ERR_UPSTREAM_OVERLOADED);
    EXPECT_EQ(provider_classify(c.provider, 499, STR("")), ERR_UPSTREAM_STATUS);
    EXPECT_EQ(fields_of(&c, NULL)->count, 0);
    EXPECT_STR(head_get(fields_of(&c, "k"), STR("authorization")), "Bearer k");
    arena_release(&arena);
}

TEST(ollama_lists_its_models_by_tags)
{
    struct provider_conf c = conf_of("ollama", "/v1");
    struct model_page page;
    EXPECT_STR(c.provider->models_target(&c, STR_NULL, &arena), "/api/tags");
    EXPECT(c.provider->read_models(
        STR("{\"models\":[{\"name\":\"llama3.2:latest\",\"model\":\"llama3.2:latest\",\"size\":1,"
            "\"details\":{\"format\":\"gguf\",\"context_length\":131072}},{\"name\":\"old\"},"
            "{\"size\":3}]}"),
        &arena, &page));
    EXPECT_EQ(page.count, 2);
    EXPECT_STR(page.models[0].id, "llama3.2:latest");
    EXPECT_EQ(page.models[0].window, 131072);
    EXPECT_STR(page.models[1].id, "old");
    EXPECT_EQ(page.models[1].window, 0);
    EXPECT(str_is_null(page.next));
    EXPECT(c.provider->read_models(STR("{\"models\":null}"), &arena, &page));
    EXPECT_EQ(page.count, 0);
    EXPECT(!c.provider->read_models(STR("{\"data\":[]}"), &arena, &page));
    EXPECT(!c.provider->read_models(STR("<html>"), &arena, &page));
    arena_release(&arena);
}

static struct model_page listed(const struct provider_conf *c, const char *body)
{
    struct model_page page;
    EXPECT(provider_read_models(c, str_from_c(body), &arena, &page));
    return page;
}

TEST(lists_of_models_are_openais_unless_a_provider_has_its_own)
{
    struct provider_conf c = conf_of("openai-compatible", "/v1");
    struct model_page page;
    EXPECT_STR(provider_models_target(&c, STR_NULL, &arena), "/v1/models");
    page = listed(&c, "{\"object\":\"list\",\"data\":[{\"id\":\"a\",\"max_model_len\":4096},"
                      "{\"id\":7},{\"id\":\"\"},{\"id\":\"b\\u0021\",\"context_window\":9,"
                      "\"max_completion_tokens\":5},{\"id\":\"c\",\"context_length\":-1},null]}");
    EXPECT_EQ(page.count, 3);
    EXPECT_STR(page.models[0].id, "a");
    EXPECT_EQ(page.models[0].window, 4096);
    EXPECT_STR(page.models[1].id, "b!");
    EXPECT_EQ(page.models[1].window, 9);
    EXPECT_EQ(page.models[1].output_max, 5);
    EXPECT_EQ(page.models[2].window, 0);
    EXPECT(str_is_null(page.next));
    EXPECT_EQ(listed(&c, "[{\"id\":\"a\"}]").count, 1);
    EXPECT_EQ(listed(&c, "{\"models\":[{\"id\":\"a\"}]}").count, 1);
    EXPECT_EQ(listed(&c, "{\"data\":[]}").count, 0);
    static const char *const bad[] = {"", "<html>", "{}", "{\"data\":{}}", "{\"data\":null}", "7"};
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        EXPECT(!provider_read_models(&c, str_from_c(bad[i]), &arena, &page));
    arena_release(&arena);
}

TEST(chats_in_other_formats_go_to_chat_and_embeddings_to_embeddings)
{
    static const enum endpoint_kind chats[] = {ENDPOINT_COMPLETIONS, ENDPOINT_RESPONSES,
                                               ENDPOINT_MESSAGES, ENDPOINT_GENERATE};
    struct provider_conf c = conf_of("openai-compatible", "/v1");
    for (unsigned i = 0; i < ARRAY_LEN(chats); i++)
        EXPECT_EQ(provider_translate_default(&c, chats[i], STR("m"), NULL), ENDPOINT_CHAT);
    EXPECT_EQ(provider_translate_default(&c, ENDPOINT_EMBED, STR("m"), NULL), ENDPOINT_EMBEDDINGS);
    EXPECT_EQ(provider_translate_default(&c, ENDPOINT_EMBED_BATCH, STR("m"), NULL),
              ENDPOINT_EMBEDDINGS);
    EXPECT_EQ(provider_translate_default(&c, ENDPOINT_FILES, STR("m"), NULL), ENDPOINT_KIND_COUNT);
    EXPECT_EQ(provider_translate_default(&c, ENDPOINT_SPEECH, STR("m"), NULL), ENDPOINT_KIND_COUNT);
    c = conf_of("anthropic", ""); /* offers none of both */
    EXPECT_EQ(provider_translate_default(&c, ENDPOINT_GENERATE, STR("m"), NULL),
              ENDPOINT_KIND_COUNT);
    EXPECT_EQ(provider_translate_default(&c, ENDPOINT_EMBED, STR("m"), NULL), ENDPOINT_KIND_COUNT);
}

TEST(images_by_address_stay_addresses_where_the_model_fetches_them)
{
    struct provider_conf c = conf_of("openai", "/v1");
    EXPECT(!provider_needs_bytes(&c, STR("gpt-4o")));
    EXPECT(!provider_needs_bytes(&c, STR("nobody-knows")));
    c = conf_of("anthropic", "");
    EXPECT(!provider_needs_bytes(&c, STR("claude-opus-5")));
    c = conf_of("bedrock", "");
    EXPECT(provider_needs_bytes(&c, STR("anthropic.claude-opus-5")));
    c = conf_of("ollama", "");
    EXPECT(provider_needs_bytes(&c, STR("llava")));
}

TEST(what_is_not_to_be_signed_stays_as_it_is)
{
    struct provider_conf c = conf_of("openai", "/v1");
    struct provider_request r = {.conf = &c, .kind = ENDPOINT_CHAT, .method = STR("POST")};
    struct request_head head = {0};
    EXPECT(provider_sign(&r, &head, NULL, 0, 0, &arena));
    EXPECT_EQ(head.headers.count, 0);
}
