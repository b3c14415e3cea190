/*
 * Who is called for Bedrock, and how.
 *
 * mapping: §17 BED classes, §19 models; §20, §21 ids
 */
#include "llm/provider.h"
#include "llm/sigv4.h"

#include "base/chain.h"
#include "support/test.h"

static struct arena arena;
static struct provider_conf conf;

static const struct provider *bedrock(void)
{
    const struct provider *p = provider_find(STR("bedrock"));
    EXPECT(p != NULL);
    conf = (struct provider_conf){.provider = p, .region = STR("us-east-1"), .base_path = STR("")};
    return p;
}

static str target_of(enum endpoint_kind kind, const char *model, bool stream)
{
    struct provider_request r = {.conf = &conf,
                                 .kind = kind,
                                 .method = STR("POST"),
                                 .rest = STR(""),
                                 .model = str_from_c(model),
                                 .stream = stream};
    return bedrock()->target(&r, &arena);
}

TEST(the_id_is_one_segment_of_the_path)
{
    EXPECT_STR(target_of(ENDPOINT_CONVERSE, "anthropic.claude-sonnet-4-5-20250929-v1:0", false),
               "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse");
    EXPECT_STR(target_of(ENDPOINT_CONVERSE, "us.anthropic.claude-opus-5", true),
               "/model/us.anthropic.claude-opus-5/converse-stream");
    EXPECT_STR(
        target_of(ENDPOINT_CONVERSE,
                  "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.c-v1:0",
                  false),
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2F"
        "us.anthropic.c-v1%3A0/converse");
    EXPECT_STR(target_of(ENDPOINT_INVOKE, "amazon.titan-embed-text-v2:0", false),
               "/model/amazon.titan-embed-text-v2%3A0/invoke");
    arena_release(&arena);
}

TEST(regions_have_their_partitions_domain)
{
    static const struct {
        const char *region, *url;
    } all[] = {
        {"us-east-1", "https://bedrock-runtime.us-east-1.amazonaws.com"},
        {"us-gov-west-1", "https://bedrock-runtime.us-gov-west-1.amazonaws.com"},
        {"cn-north-1", "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"},
        {"us-iso-east-1", "https://bedrock-runtime.us-iso-east-1.c2s.ic.gov"},
        {"us-isob-east-1", "https://bedrock-runtime.us-isob-east-1.sc2s.sgov.gov"},
        {"eusc-de-east-1", "https://bedrock-runtime.eusc-de-east-1.amazonaws.eu"},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        bedrock();
        conf.region = str_from_c(all[i].region);
        EXPECT_STR(conf.provider->default_url(&conf, &arena), all[i].url);
    }
    arena_release(&arena);
}

TEST(errors_mean_what_they_say)
{
    static const struct {
        int status;
        const char *body;
        enum err err;
    } all[] = {
        {400, "{\"message\":\"bad\"}", ERR_UPSTREAM_REFUSED_REQUEST},
        {400, "{\"message\":\"The provided model identifier is invalid.\"}",
         ERR_UPSTREAM_NOT_FOUND},
        {400,
         "{\"message\":\"Invocation of model ID x with on-demand throughput isn\\u2019t supported. "
         "Retry your request with the ID or ARN of an inference profile\"}",
         ERR_UPSTREAM_NOT_FOUND},
        {400, "{\"__type\":\"ServiceQuotaExceededException\",\"message\":\"m\"}",
         ERR_UPSTREAM_QUOTA},
        {403, "{\"Message\":\"User is not authorized\"}", ERR_UPSTREAM_AUTH},
        {404, "{\"message\":\"end of its life\"}", ERR_UPSTREAM_NOT_FOUND},
        {408, "{\"message\":\"Model has timed out\"}", ERR_UPSTREAM_STATUS},
        {424, "{\"message\":\"m\",\"originalStatusCode\":500}", ERR_UPSTREAM_STATUS},
        {429, "{\"message\":\"Too many tokens\"}", ERR_UPSTREAM_RATE_LIMIT},
        {429, "{\"__type\":\"ModelNotReadyException\"}", ERR_UPSTREAM_OVERLOADED},
        {500, "", ERR_UPSTREAM_STATUS},
        {503, "<html>", ERR_UPSTREAM_OVERLOADED},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        EXPECT_EQ(bedrock()->classify(all[i].status, str_from_c(all[i].body)), all[i].err);
}

TEST(errors_are_known_by_their_name)
{
    str name = STR("ServiceQuotaExceededException:http://internal.amazon.com/coral/");
    EXPECT_EQ(bedrock()->classify_name(&name), ERR_UPSTREAM_QUOTA);
    EXPECT_STR(name, "ServiceQuotaExceededException");
    name = STR("ValidationException"); /* may be a model that is not there: the words tell */
    EXPECT_EQ(bedrock()->classify_name(&name), ERR_NONE);
}

TEST(every_conversation_becomes_converse_and_embeddings_invoke_model)
{
    const struct provider *p = bedrock();
    static const enum endpoint_kind chats[] = {ENDPOINT_CHAT, ENDPOINT_COMPLETIONS,
                                               ENDPOINT_RESPONSES, ENDPOINT_MESSAGES,
                                               ENDPOINT_GENERATE};
    for (size_t i = 0; i < ARRAY_LEN(chats); i++)
        EXPECT_EQ(p->translate(&conf, chats[i], STR("m"), NULL), ENDPOINT_CONVERSE);
    EXPECT_EQ(p->translate(&conf, ENDPOINT_EMBEDDINGS, STR("m"), NULL), ENDPOINT_INVOKE);
    EXPECT_EQ(p->translate(&conf, ENDPOINT_EMBED_BATCH, STR("m"), NULL), ENDPOINT_INVOKE);
    EXPECT_EQ(p->translate(&conf, ENDPOINT_SPEECH, STR("m"), NULL), ENDPOINT_KIND_COUNT);
    EXPECT(p->needs_bytes(&conf, STR("m")));
    EXPECT(!(p->endpoints & ENDPOINT_BIT(MODELS)));
}

/* The sheet's first vector: made by AWS's own signer. */
TEST(requests_without_a_key_are_signed)
{
    static const char body[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}]}";
    const struct aws_credentials credentials = {
        .access_key_id = STR("AKIDEXAMPLE"),
        .secret_access_key = STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    };
    const struct provider *p = bedrock();
    struct slice all = SLICE_BORROWED(str_from_c(body));
    struct request_head head = {
        .method = METHOD_POST,
        .method_text = STR("POST"),
        .authority = STR("bedrock-runtime.us-east-1.amazonaws.com"),
        .target = target_of(ENDPOINT_CONVERSE, "anthropic.claude-sonnet-4-5-20250929-v1:0", false),
    };
    struct provider_request r = {.conf = &conf, .kind = ENDPOINT_CONVERSE, .aws = &credentials};
    EXPECT(head_add(&head.headers, &arena, STR("content-type"), STR("application/json")));
    EXPECT(p->sign(&r, &head, &all, 1, 1795435200, &arena)); /* 2026-11-23 12:00 */
    EXPECT_CONTAINS(head_get(&head.headers, STR("authorization")),
                    "Signature=af2ba43aebf9fea901c65a57128b1b4d8cc647dc6c74db883fe60408e99cfdff");
    arena_release(&arena);
}

TEST(a_key_goes_as_it_is_and_nothing_is_signed)
{
    const struct provider *p = bedrock();
    struct request_head head = {0};
    str key = STR("ABSKkey");
    struct provider_request r = {.conf = &conf, .kind = ENDPOINT_CONVERSE, .api_key = key};
    EXPECT(p->tokens(&conf) != NULL);
    conf.api_keys = &key;
    conf.api_key_count = 1;
    EXPECT(p->tokens(&conf) == NULL);
    EXPECT(provider_authorize(&r, &head.headers, &arena));
    EXPECT(p->sign(&r, &head, NULL, 0, 0, &arena));
    EXPECT_STR(head_get(&head.headers, STR("authorization")), "Bearer ABSKkey");
    EXPECT_EQ(head.headers.count, 1);
    r.api_key = STR_NULL; /* and without either there is nothing to sign with */
    EXPECT(!p->sign(&r, &head, NULL, 0, 0, &arena));
    arena_release(&arena);
}
