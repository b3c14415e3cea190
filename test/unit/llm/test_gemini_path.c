#include "llm/gemini_path.h"
#include "support/test.h"

static struct gemini_path p;

static enum gemini_path_result post(str path)
{
    return gemini_path_read(path, STR("alt=sse"), STR("POST"), &p);
}

static enum gemini_path_result get(str path)
{
    return gemini_path_read(path, STR_NULL, STR("GET"), &p);
}

/* mapping: §24 Gemini inbound paths */
TEST(one_handler_under_three_versions)
{
    EXPECT_EQ(post(STR("/v1/models/gemini-3.6-flash:generateContent")), GEMINI_PATH_FOUND);
    EXPECT_EQ(post(STR("/v1beta/models/gemini-3.6-flash:generateContent")), GEMINI_PATH_FOUND);
    EXPECT_EQ(post(STR("/v1alpha/models/gemini-3.6-flash:generateContent")), GEMINI_PATH_FOUND);
    EXPECT_EQ(p.kind, ENDPOINT_GENERATE);
    EXPECT(str_eq(p.model, STR("gemini-3.6-flash")));
    EXPECT(!p.stream && !p.vertex && !p.array);
    EXPECT_EQ(post(STR("/v2/models/gemini-3.6-flash:generateContent")), GEMINI_PATH_FOREIGN);
}

TEST(the_method_says_what_and_whether_as_a_stream)
{
    EXPECT_EQ(post(STR("/v1beta/models/m:streamGenerateContent")), GEMINI_PATH_FOUND);
    EXPECT(p.kind == ENDPOINT_GENERATE && p.stream && !p.array);
    EXPECT_EQ(post(STR("/v1beta/models/m:countTokens")), GEMINI_PATH_FOUND);
    EXPECT_EQ(p.kind, ENDPOINT_GENERATE_COUNT);
    EXPECT_EQ(post(STR("/v1beta/models/m:embedContent")), GEMINI_PATH_FOUND);
    EXPECT_EQ(p.kind, ENDPOINT_EMBED);
    EXPECT_EQ(post(STR("/v1beta/models/m:batchEmbedContents")), GEMINI_PATH_FOUND);
    EXPECT_EQ(p.kind, ENDPOINT_EMBED_BATCH);
    EXPECT_EQ(post(STR("/v1beta/models/m:dance")), GEMINI_PATH_UNKNOWN);
    EXPECT_EQ(post(STR("/v1beta/models/m")), GEMINI_PATH_UNKNOWN);
    EXPECT_EQ(post(STR("/v1beta/models/:generateContent")), GEMINI_PATH_UNKNOWN);
}

TEST(without_alt_sse_a_stream_would_be_an_array)
{
    EXPECT_EQ(gemini_path_read(STR("/v1/models/m:streamGenerateContent"), STR("key=x&alt=json"),
                               STR("POST"), &p),
              GEMINI_PATH_FOUND);
    EXPECT(p.stream && p.array);
}

TEST(a_model_may_hold_slashes_and_colons)
{
    EXPECT_EQ(post(STR("/v1beta/models/ollama/llama3.2:3b:generateContent")), GEMINI_PATH_FOUND);
    EXPECT(str_eq(p.model, STR("ollama/llama3.2:3b")));
}

TEST(vertex_has_its_project_before_or_not)
{
    EXPECT_EQ(post(STR("/v1beta1/projects/p/locations/global/publishers/google/models/"
                       "gemini-4-argon:streamGenerateContent")),
              GEMINI_PATH_FOUND);
    EXPECT(p.vertex && p.stream);
    EXPECT(str_eq(p.model, STR("gemini-4-argon")));
    EXPECT_EQ(post(STR("/v1/publishers/google/models/m:generateContent")), GEMINI_PATH_FOUND);
    EXPECT(p.vertex);
    EXPECT_EQ(post(STR("/v1/projects/p/publishers/google/models/m:generateContent")),
              GEMINI_PATH_FOREIGN);
    EXPECT_EQ(post(STR("/v1beta1/models/m:generateContent")), GEMINI_PATH_FOREIGN);
}

TEST(models_are_listed_where_openai_has_no_list)
{
    EXPECT_EQ(get(STR("/v1beta/models")), GEMINI_PATH_FOUND);
    EXPECT_EQ(p.kind, ENDPOINT_MODELS);
    EXPECT(str_is_null(p.model));
    EXPECT_EQ(get(STR("/v1beta/models/gemini-2.5-pro")), GEMINI_PATH_FOUND);
    EXPECT_EQ(p.kind, ENDPOINT_MODELS);
    EXPECT(str_eq(p.model, STR("gemini-2.5-pro")));
    EXPECT_EQ(get(STR("/v1/models")), GEMINI_PATH_FOREIGN);
    EXPECT_EQ(get(STR("/v1/models/gemini-2.5-pro")), GEMINI_PATH_FOREIGN);
    EXPECT_EQ(post(STR("/v1/models")), GEMINI_PATH_FOREIGN);
}

TEST(a_wrong_method_is_told_apart)
{
    EXPECT_EQ(post(STR("/v1beta/models")), GEMINI_PATH_METHOD_WRONG);
    EXPECT_EQ(p.kind, ENDPOINT_MODELS);
    EXPECT_EQ(get(STR("/v1beta/models/m:generateContent")), GEMINI_PATH_METHOD_WRONG);
    EXPECT_EQ(p.kind, ENDPOINT_GENERATE);
}
