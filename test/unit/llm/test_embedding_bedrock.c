/*
 * Embeddings by InvokeModel: bodies of Titan, Nova and Cohere, and their answers.
 *
 * mapping: §19 input, dimensions, usage (Titan, Cohere)
 */
#include "llm/embedding.h"

#include "llm/provider_conf.h"
#include "support/test.h"

static struct arena arena;
static struct unsupported unsupported;
static struct json_doc doc;
static struct provider_conf conf;

static struct embedding_request request_of(enum endpoint_kind kind, const char *body)
{
    struct embedding_request r = {.arena = &arena};
    str copy = arena_str(&arena, str_from_c(body));
    EXPECT_EQ(json_parse(&doc, &arena, copy, NULL), ERR_NONE);
    struct chat_source in = {.doc = &doc, .model = STR("m")};
    EXPECT_EQ(embedding_format_of(kind)->read_request(&in, &r), ERR_NONE);
    return r;
}

static struct chat_target target_of(const char *model)
{
    unsupported_init(&unsupported, &arena, UNSUPPORTED_BY_CLASS);
    return (struct chat_target){.model = str_from_c(model),
                                .facts = &model_facts_unknown,
                                .conf = &conf,
                                .kind = ENDPOINT_INVOKE,
                                .arena = &arena,
                                .unsupported = &unsupported};
}

/* The body of call `number`, or the field that is refused after "refused: ". */
static str written(const char *model, const struct embedding_request *r, unsigned number,
                   unsigned calls)
{
    const struct embedding_format *f = embedding_format_of(ENDPOINT_INVOKE);
    struct chat_target t = target_of(model);
    struct embedding_call *list;
    unsigned count;
    struct buf out;
    EXPECT(embedding_calls(f, r, &t, &list, &count));
    EXPECT_EQ(count, calls);
    buf_init(&out, 0);
    bool ok = f->write_request(r, &list[number], &t, &out);
    str text = ok ? arena_str(&arena, buf_str(&out))
                  : arena_printf(&arena, "refused: %.*s", STR_ARG(unsupported.fault.field));
    buf_release(&out);
    return text;
}

TEST(titan_takes_one_text_a_call)
{
    struct embedding_request r =
        request_of(ENDPOINT_EMBEDDINGS,
                   "{\"input\":[\"a \\u00e9\",\"b\"],\"dimensions\":256,\"normalize\":false}");
    EXPECT_STR(written("amazon.titan-embed-text-v2:0", &r, 0, 2),
               "{\"inputText\":\"a \\u00e9\",\"dimensions\":256,\"normalize\":false}");
    EXPECT_STR(written("us.amazon.titan-embed-text-v2:0", &r, 1, 2),
               "{\"inputText\":\"b\",\"dimensions\":256,\"normalize\":false}");
    EXPECT_STR(written("amazon.titan-embed-image-v1", &r, 1, 2),
               "{\"inputText\":\"b\",\"embeddingConfig\":{\"outputEmbeddingLength\":256}}");
    EXPECT_STR(written("amazon.titan-embed-text-v1", &r, 1, 2), "refused: dimensions");
    EXPECT_STR(written("amazon.nova-2-multimodal-embeddings-v1:0", &r, 1, 2),
               "{\"taskType\":\"SINGLE_EMBEDDING\",\"singleEmbeddingParams\":{"
               "\"embeddingPurpose\":\"GENERIC_INDEX\",\"embeddingDimension\":256,"
               "\"text\":{\"truncationMode\":\"END\",\"value\":\"b\"}}}");
    arena_release(&arena);
}

TEST(cohere_takes_many_texts_a_call_and_wants_to_know_what_for)
{
    struct buf body;
    buf_init(&body, 0);
    buf_add_lit(&body, "{\"input\":[\"t\"");
    for (unsigned i = 1; i < 97; i++)
        buf_add_lit(&body, ",\"t\"");
    buf_add_lit(&body, "],\"input_type\":\"search_query\"}");
    buf_add_byte(&body, '\0');
    struct embedding_request r = request_of(ENDPOINT_EMBEDDINGS, body.ptr);
    EXPECT_STR(
        written("cohere.embed-english-v3", &r, 1, 2),
        "{\"texts\":[\"t\"],\"input_type\":\"search_query\",\"embedding_types\":[\"float\"]}");
    buf_release(&body);
    r = request_of(ENDPOINT_EMBEDDINGS, "{\"input\":\"x\",\"dimensions\":512}");
    EXPECT_STR(written("cohere.embed-v4:0", &r, 0, 1),
               "{\"texts\":[\"x\"],\"input_type\":\"search_document\",\"embedding_types\":["
               "\"float\"],\"output_dimension\":512}");
    EXPECT_STR(written("cohere.embed-english-v3", &r, 0, 1), "refused: dimensions");
    arena_release(&arena);
}

TEST(tasks_of_other_formats_become_the_nearest_and_are_reported)
{
    struct embedding_request r =
        request_of(ENDPOINT_EMBED, "{\"content\":{\"parts\":[{\"text\":\"x\"}]},"
                                   "\"taskType\":\"QUESTION_ANSWERING\"}");
    EXPECT_CONTAINS(written("cohere.embed-v4:0", &r, 0, 1), "\"input_type\":\"search_query\"");
    EXPECT_STR(unsupported_text(&unsupported), "taskType=search_query (was QUESTION_ANSWERING)");
    EXPECT_CONTAINS(written("amazon.nova-2-multimodal-embeddings-v1:0", &r, 0, 1),
                    "\"embeddingPurpose\":\"GENERIC_RETRIEVAL\"");
    EXPECT(str_is_null(unsupported_text(&unsupported)));
    arena_release(&arena);
}

TEST(tokens_and_unknown_models_are_refused)
{
    struct embedding_request r = request_of(ENDPOINT_EMBEDDINGS, "{\"input\":[1,2]}");
    EXPECT_STR(written("amazon.titan-embed-text-v2:0", &r, 0, 1), "refused: input");
    r = request_of(ENDPOINT_EMBEDDINGS, "{\"input\":\"x\"}");
    EXPECT_STR(written("meta.llama4-x", &r, 0, 1), "refused: model");
    arena_release(&arena);
}

static enum err read_body(const char *body, unsigned inputs, const char *tokens,
                          struct embedding_answer *out)
{
    struct embedding_request r = {.arena = &arena, .count = inputs};
    struct embedding_call call = {.count = inputs};
    struct headers h = {0};
    struct chat_target t = target_of("x");
    EXPECT(embedding_answer_init(out, &r, &arena));
    if (tokens)
        EXPECT(head_add(&h, &arena, STR("x-amzn-bedrock-input-token-count"), str_from_c(tokens)));
    return embedding_format_of(ENDPOINT_INVOKE)->read_answer(str_from_c(body), &h, &call, &t, out);
}

TEST(answers_of_all_makers_are_read)
{
    static const struct {
        const char *body, *tokens, *last;
        unsigned inputs;
        int64_t count; /* -1: unknown */
    } all[] = {
        {"{\"embedding\":[1,-0.5],\"embeddingsByType\":{\"float\":[1,-0.5]},\"inputTextTokenCount\":3}",
         NULL, "[1,-0.5]", 1, 3},
        {"{\"id\":\"x\",\"texts\":[\"a\",\"b\"],\"embeddings\":[[1,2],[3,4]],\"response_type\":"
         "\"embeddings_floats\"}",
         "7", "[3,4]", 2, 7},
        {"{\"embeddings\":{\"float\":[[1],[2.50]]},\"response_type\":\"embeddings_by_type\"}", "x",
         "[2.50]", 2, -1},
        {"{\"embeddings\":[{\"embeddingType\":\"TEXT\",\"embedding\":[9]}]}", NULL, "[9]", 1, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct embedding_answer out;
        EXPECT_EQ(read_body(all[i].body, all[i].inputs, all[i].tokens, &out), ERR_NONE);
        EXPECT_STR(out.vectors[all[i].inputs - 1].json, all[i].last);
        EXPECT_EQ(out.usage.known, all[i].count >= 0);
        if (all[i].count >= 0)
            EXPECT_EQ(out.usage.input, all[i].count);
    }
    arena_release(&arena);
}

TEST(answers_that_are_not_what_was_asked_are_malformed)
{
    static const char *const all[] = {
        "{}",
        "[]",
        "{\"embedding\":1}",
        "{\"embeddings\":[[1]]}",
        "{\"embeddings\":[[1],[2],[3]]}",
        "{\"embeddings\":[[1],2]}",
        "{\"embeddings\":{\"int8\":[[1],[2]]}}",
        "{\"embedding\":[1]}",
        "{\"embedding",
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct embedding_answer out;
        EXPECT_EQ(read_body(all[i], 2, NULL, &out), ERR_UPSTREAM_MALFORMED);
    }
    arena_release(&arena);
}
