/* Gemini's provider: paths and credentials on the Developer API and on Vertex AI, its list of models. */
#include "llm/provider.h"
#include "llm/token_source.h"
#include "support/test.h"
#include "wire/json_edit.h"

extern const struct provider provider_gemini;

static struct arena arena;

static struct provider_conf studio(const char *base_path)
{
    return (struct provider_conf){.provider = &provider_gemini, .base_path = str_from_c(base_path)};
}

static struct provider_conf vertex(const char *location)
{
    return (struct provider_conf){
        .provider = &provider_gemini,
        .base_path = STR(""),
        .vertex = {.project = STR("my-project"), .location = str_from_c(location)}};
}

static struct provider_request request(const struct provider_conf *c, enum endpoint_kind kind,
                                       const char *model, bool stream)
{
    return (struct provider_request){.conf = c,
                                     .kind = kind,
                                     .method = STR("POST"),
                                     .rest = STR(""),
                                     .model = str_from_c(model),
                                     .stream = stream};
}

static const char *target(const struct provider_conf *c, enum endpoint_kind kind, const char *model,
                          bool stream)
{
    struct provider_request r = request(c, kind, model, stream);
    return provider_target(&r, &arena).ptr;
}

TEST(models_and_methods_are_in_the_path)
{
    struct provider_conf c = studio("");
    EXPECT_STR(target(&c, ENDPOINT_GENERATE, "gemini-3.6-flash", false),
               "/v1beta/models/gemini-3.6-flash:generateContent");
    EXPECT_STR(target(&c, ENDPOINT_GENERATE, "gemini-3.6-flash", true),
               "/v1beta/models/gemini-3.6-flash:streamGenerateContent?alt=sse");
    EXPECT_STR(target(&c, ENDPOINT_GENERATE_COUNT, "models/gemini-3.6-flash", false),
               "/v1beta/models/gemini-3.6-flash:countTokens");
    EXPECT_STR(target(&c, ENDPOINT_EMBED, "tunedModels/x", false),
               "/v1beta/tunedModels/x:embedContent");
    EXPECT_STR(target(&c, ENDPOINT_EMBED_BATCH, "a/b:c", false),
               "/v1beta/models/a%2Fb%3Ac:batchEmbedContents");
    c = studio("/proxy/v1");
    EXPECT_STR(target(&c, ENDPOINT_GENERATE, "m", false), "/proxy/v1/models/m:generateContent");
    c = studio("/google");
    EXPECT_STR(target(&c, ENDPOINT_GENERATE, "m", false),
               "/google/v1beta/models/m:generateContent");
}

TEST(vertex_has_project_location_and_publisher)
{
    struct provider_conf c = vertex("europe-west4");
#define PLACE "/v1beta1/projects/my-project/locations/europe-west4/"
    EXPECT_STR(target(&c, ENDPOINT_GENERATE, "gemini-2.5-pro", true),
               PLACE "publishers/google/models/gemini-2.5-pro:streamGenerateContent?alt=sse");
    EXPECT_STR(target(&c, ENDPOINT_PREDICT, "text-embedding-005", false),
               PLACE "publishers/google/models/text-embedding-005:predict");
    EXPECT_STR(target(&c, ENDPOINT_MESSAGES, "claude-opus-5@20260501", false),
               PLACE "publishers/anthropic/models/claude-opus-5%4020260501:rawPredict");
    EXPECT_STR(target(&c, ENDPOINT_MESSAGES, "claude-opus-5", true),
               PLACE "publishers/anthropic/models/claude-opus-5:streamRawPredict");
    EXPECT_STR(target(&c, ENDPOINT_GENERATE, "endpoints/123", false),
               PLACE "endpoints/123:generateContent");
}

TEST(addresses_follow_the_location)
{
    static const struct {
        const char *location, *url;
    } rows[] = {
        {"", "https://aiplatform.googleapis.com"},
        {"global", "https://aiplatform.googleapis.com"},
        {"eu", "https://aiplatform.eu.rep.googleapis.com"},
        {"europe-west4", "https://europe-west4-aiplatform.googleapis.com"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct provider_conf c = vertex(rows[i].location);
        EXPECT_STR(provider_gemini.default_url(&c, &arena).ptr, rows[i].url);
    }
    struct provider_conf c = studio("");
    EXPECT_STR(provider_gemini.default_url(&c, &arena).ptr,
               "https://generativelanguage.googleapis.com");
}

static str field(const struct provider_request *r, str name)
{
    struct headers headers = {0};
    EXPECT(provider_authorize(r, &headers, &arena));
    for (unsigned i = 0; i < headers.count; i++)
        if (str_ieq(headers.list[i].name, name))
            return headers.list[i].value;
    return STR_NULL;
}

TEST(keys_are_a_field_and_tokens_are_bearers)
{
    struct provider_conf c = studio("");
    struct provider_request r = request(&c, ENDPOINT_GENERATE, "m", false);
    r.api_key = STR("AIza");
    EXPECT_STR(field(&r, STR("x-goog-api-key")).ptr, "AIza");
    EXPECT(provider_gemini.tokens(&c) == NULL);
    c = vertex("global");
    EXPECT(provider_gemini.tokens(&c) == &token_google);
    r.api_key = STR_NULL;
    r.token = STR("ya29");
    EXPECT_STR(field(&r, STR("authorization")).ptr, "Bearer ya29");
    r.beta = STR("flex");
    EXPECT(str_eq(field(&r, STR("x-vertex-ai-llm-shared-request-type")), STR("flex")));
    r.kind = ENDPOINT_MESSAGES;
    EXPECT(str_eq(field(&r, STR("anthropic-beta")), STR("flex")));
}

TEST(where_requests_of_other_formats_go)
{
    struct provider_conf s = studio(""), v = vertex("us");
    EXPECT_EQ(provider_translate(&s, ENDPOINT_CHAT, STR("gemini-4-argon"), NULL),
              ENDPOINT_GENERATE);
    EXPECT_EQ(provider_translate(&s, ENDPOINT_EMBEDDINGS, STR("m"), NULL), ENDPOINT_EMBED_BATCH);
    EXPECT_EQ(provider_translate(&v, ENDPOINT_CHAT, STR("claude-opus-5"), NULL), ENDPOINT_MESSAGES);
    EXPECT_EQ(provider_translate(&v, ENDPOINT_MESSAGES, STR("claude-opus-5"), NULL),
              ENDPOINT_MESSAGES);
    EXPECT_EQ(provider_translate(&v, ENDPOINT_MESSAGES, STR("gemini-4-argon"), NULL),
              ENDPOINT_GENERATE);
    EXPECT_EQ(provider_translate(&v, ENDPOINT_EMBEDDINGS, STR("text-embedding-005"), NULL),
              ENDPOINT_PREDICT);
    EXPECT_EQ(provider_translate(&v, ENDPOINT_EMBEDDINGS, STR("gemini-embedding-2"), NULL),
              ENDPOINT_EMBED);
    EXPECT_EQ(provider_translate(&s, ENDPOINT_FILES, STR("m"), NULL), ENDPOINT_KIND_COUNT);
    EXPECT(!(provider_endpoints(&v) & ENDPOINT_BIT(EMBED_BATCH)));
}

/* mapping: §17 GEM bad upstream credential, quota */
TEST(statuses_have_their_meaning)
{
    EXPECT_EQ(provider_classify(&provider_gemini, 400, STR("{\"reason\":\"API_KEY_INVALID\"}")),
              ERR_UPSTREAM_AUTH);
    EXPECT_EQ(provider_classify(&provider_gemini, 400, STR("{}")), ERR_UPSTREAM_REFUSED_REQUEST);
    EXPECT_EQ(provider_classify(&provider_gemini, 429, STR("GenerateRequestsPerDayPerProject")),
              ERR_UPSTREAM_QUOTA);
    EXPECT_EQ(provider_classify(&provider_gemini, 429, STR("PerMinute")), ERR_UPSTREAM_RATE_LIMIT);
    EXPECT_EQ(provider_classify(&provider_gemini, 503, STR("")), ERR_UPSTREAM_OVERLOADED);
}

static const char *edited(enum endpoint_kind kind, const char *body)
{
    struct provider_conf c = vertex("us");
    struct provider_request r = request(&c, kind, "claude-opus-5", false);
    struct json_doc doc;
    struct json_edit e;
    struct json_parts parts;
    EXPECT_EQ(json_parse(&doc, &arena, str_from_c(body), NULL), ERR_NONE);
    json_edit_init(&e, &doc, &arena);
    EXPECT_EQ(provider_gemini.edit_body(&r, &e), kind == ENDPOINT_MESSAGES);
    EXPECT_EQ(json_edit_finish(&e, &parts), ERR_NONE);
    return arena_concat(&arena, parts.parts, (unsigned)parts.count).ptr;
}

TEST(claude_on_vertex_has_its_version_in_the_body)
{
    EXPECT_STR(edited(ENDPOINT_MESSAGES, "{\"model\":\"x\",\"max_tokens\":5}"),
               "{\"max_tokens\":5,\"anthropic_version\":\"vertex-2023-10-16\"}");
    EXPECT_STR(edited(ENDPOINT_MESSAGES, "{\"anthropic_version\":\"y\",\"max_tokens\":5}"),
               "{\"anthropic_version\":\"vertex-2023-10-16\",\"max_tokens\":5}");
    EXPECT_STR(edited(ENDPOINT_GENERATE, "{\"contents\":[]}"), "{\"contents\":[]}");
}

TEST(the_list_of_models_has_pages)
{
    struct provider_conf s = studio(""), v = vertex("us");
    struct model_page page;
    EXPECT_STR(provider_models_target(&s, STR_NULL, &arena).ptr, "/v1beta/models?pageSize=1000");
    EXPECT_STR(provider_models_target(&s, STR("a b"), &arena).ptr,
               "/v1beta/models?pageSize=1000&pageToken=a%20b");
    EXPECT_STR(provider_models_target(&v, STR_NULL, &arena).ptr,
               "/v1beta1/publishers/google/models?pageSize=1000");
    EXPECT(provider_read_models(
        &s,
        STR("{\"models\":[{\"name\":\"models/gemini-2.5-pro\",\"inputTokenLimit\":1048576,"
            "\"outputTokenLimit\":65536,\"supportedGenerationMethods\":[\"generateContent\"]},"
            "{\"name\":\"models/veo\",\"supportedGenerationMethods\":[\"predictLongRunning\"]},"
            "{\"name\":\"models/gemini-embedding-001\",\"supportedGenerationMethods\":"
            "[\"embedContent\"]}],\"nextPageToken\":\"t\"}"),
        &arena, &page));
    EXPECT_EQ(page.count, 2);
    EXPECT_STR(page.models[0].id.ptr ? arena_str(&arena, page.models[0].id).ptr : "",
               "gemini-2.5-pro");
    EXPECT_EQ(page.models[0].window, 1048576);
    EXPECT_EQ(page.models[0].output_max, 65536);
    EXPECT(str_eq(page.next, STR("t")));
    EXPECT(provider_read_models(&v,
                                STR("{\"publisherModels\":[{\"name\":\"publishers/google/models/"
                                    "gemini-4-argon\"},{\"name\":\"publishers/google/models/"
                                    "imagen-4\"}]}"),
                                &arena, &page));
    EXPECT_EQ(page.count, 1);
    EXPECT(str_eq(page.models[0].id, STR("gemini-4-argon")));
    EXPECT(str_is_null(page.next));
    EXPECT(provider_read_models(&s, STR("{}"), &arena, &page) && page.count == 0);
    EXPECT(!provider_read_models(&s, STR("{\"error\":{\"code\":500}}"), &arena, &page));
    EXPECT(!provider_read_models(&s, STR("nonsense"), &arena, &page));
}
