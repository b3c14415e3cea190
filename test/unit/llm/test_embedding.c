/*
 * Embeddings: requests and answers of every format, in and out, and how they are cut into calls.
 *
 * mapping: §19 input string, input array, token-id arrays, dimensions, encoding_format, user, usage
 * mapping: §24 embeddings
 */
#include "llm/embedding.h"

#include "llm/provider_conf.h"
#include "support/test.h"

static struct arena arena; /* of the test that runs */
static struct chat_source source;
static struct json_doc doc;

static enum err read_as(enum endpoint_kind kind, const char *body, struct embedding_request *out)
{
    str copy = arena_str(&arena, str_from_c(body));
    EXPECT_EQ(json_parse(&doc, &arena, copy, NULL), ERR_NONE);
    source = (struct chat_source){.doc = &doc, .model = STR("text-embed")};
    *out = (struct embedding_request){.arena = &arena};
    return embedding_format_of(kind)->read_request(&source, out);
}

static struct embedding_request request_of(enum endpoint_kind kind, const char *body)
{
    struct embedding_request r;
    enum err err = read_as(kind, body, &r);
    if (err)
        EXPECT_FAIL("%s: %.*s %.*s", body, STR_ARG(source.fault.field), STR_ARG(source.fault.text));
    return r;
}

static struct unsupported unsupported;
static struct provider_conf conf;

static struct chat_target target_of(const char *model)
{
    unsupported_init(&unsupported, &arena, UNSUPPORTED_BY_CLASS);
    conf = (struct provider_conf){0};
    return (struct chat_target){.model = str_from_c(model),
                                .facts = &model_facts_unknown,
                                .conf = &conf,
                                .arena = &arena,
                                .unsupported = &unsupported};
}

/* What is sent for the call, or the field that is refused after "refused: ". */
static str written(enum endpoint_kind kind, const struct embedding_request *r,
                   struct chat_target *t, unsigned number)
{
    struct embedding_call *calls;
    unsigned count;
    struct buf out;
    EXPECT(embedding_calls(embedding_format_of(kind), r, t, &calls, &count));
    EXPECT(number < count);
    buf_init(&out, 0);
    t->kind = kind;
    bool ok = embedding_format_of(kind)->write_request(r, &calls[number], t, &out);
    str text = ok ? arena_str(&arena, buf_str(&out))
                  : arena_printf(&arena, "refused: %.*s", STR_ARG(unsupported.fault.field));
    EXPECT_EQ(ok, !unsupported.fault.err);
    buf_release(&out);
    return text;
}

static unsigned calls_of(enum endpoint_kind kind, const struct embedding_request *r,
                         struct chat_target *t)
{
    struct embedding_call *calls;
    unsigned count, next = 0;
    EXPECT(embedding_calls(embedding_format_of(kind), r, t, &calls, &count));
    for (unsigned i = 0; i < count; i++) {
        EXPECT_EQ(calls[i].first, next);
        EXPECT(calls[i].count > 0);
        next += calls[i].count;
    }
    EXPECT_EQ(next, r->count);
    return count;
}

/* --- Requests of clients. */

TEST(openai_inputs_are_read_in_all_their_shapes)
{
    struct embedding_request r =
        request_of(ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":\"a \\\"b\\\" \\u00e9\"}");
    EXPECT_EQ(r.count, 1);
    EXPECT(r.one && !r.base64);
    EXPECT_STR(r.inputs[0].text.s, "a \\\"b\\\" \\u00e9");
    r = request_of(ENDPOINT_EMBEDDINGS,
                   "{\"input\":[\"a\",\"b\"],\"encoding_format\":\"base64\",\"dimensions\":256,"
                   "\"user\":\"u\",\"input_type\":\"search_query\",\"vendor\":{\"x\":1}}");
    EXPECT_EQ(r.count, 2);
    EXPECT(!r.one && r.base64);
    EXPECT_STR(r.inputs[1].text.s, "b");
    EXPECT_STR(r.inputs[1].field, "input[1]");
    EXPECT_STR(r.inputs[1].dimensions, "256");
    EXPECT_EQ(r.inputs[1].task, TASK_QUERY);
    EXPECT_STR(r.user, "u");
    EXPECT_STR(embedding_extra(&r, STR("vendor"))->json, "{\"x\":1}");
    r = request_of(ENDPOINT_EMBEDDINGS, "{\"input\":[1,2,3],\"user\":null,\"dimensions\":null}");
    EXPECT_EQ(r.count, 1);
    EXPECT_STR(r.inputs[0].tokens, "[1,2,3]");
    r = request_of(ENDPOINT_EMBEDDINGS, "{\"input\":[[1,2],[3]]}");
    EXPECT_EQ(r.count, 2);
    EXPECT_STR(r.inputs[1].tokens, "[3]");
    arena_release(&arena);
}

TEST(what_is_wrong_with_a_request_is_named)
{
    static const struct {
        enum endpoint_kind kind;
        const char *body, *field;
        enum err err;
    } rows[] = {
        {ENDPOINT_EMBEDDINGS, "{}", "input", ERR_FIELD_MISSING},
        {ENDPOINT_EMBEDDINGS, "{\"input\":null}", "input", ERR_FIELD_MISSING},
        {ENDPOINT_EMBEDDINGS, "{\"input\":\"\"}", "input", ERR_FIELD_INVALID},
        {ENDPOINT_EMBEDDINGS, "{\"input\":[]}", "input", ERR_FIELD_INVALID},
        {ENDPOINT_EMBEDDINGS, "{\"input\":{}}", "input", ERR_FIELD_INVALID},
        {ENDPOINT_EMBEDDINGS, "{\"input\":[\"a\",\"\"]}", "input[1]", ERR_FIELD_INVALID},
        {ENDPOINT_EMBEDDINGS, "{\"input\":[\"a\",7]}", "input[1]", ERR_FIELD_INVALID},
        {ENDPOINT_EMBEDDINGS, "{\"input\":[1,\"a\"]}", "input", ERR_FIELD_INVALID},
        {ENDPOINT_EMBEDDINGS, "{\"input\":[-1]}", "input", ERR_FIELD_INVALID},
        {ENDPOINT_EMBEDDINGS, "{\"input\":[[]]}", "input[0]", ERR_FIELD_INVALID},
        {ENDPOINT_EMBEDDINGS, "{\"input\":\"a\",\"dimensions\":0}", "dimensions",
         ERR_FIELD_INVALID},
        {ENDPOINT_EMBEDDINGS, "{\"input\":\"a\",\"dimensions\":\"8\"}", "dimensions",
         ERR_FIELD_INVALID},
        {ENDPOINT_EMBEDDINGS, "{\"input\":\"a\",\"encoding_format\":\"hex\"}", "encoding_format",
         ERR_FIELD_INVALID},
        {ENDPOINT_EMBEDDINGS, "{\"input\":\"a\",\"user\":7}", "user", ERR_FIELD_INVALID},
        {ENDPOINT_EMBED, "{}", "content", ERR_FIELD_MISSING},
        {ENDPOINT_EMBED, "{\"content\":{\"parts\":[]}}", "content.parts", ERR_FIELD_INVALID},
        {ENDPOINT_EMBED, "{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"taskType\":\"NONE\"}",
         "taskType", ERR_FIELD_INVALID},
        {ENDPOINT_EMBED, "{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"title\":7}", "title",
         ERR_FIELD_INVALID},
        {ENDPOINT_EMBED_BATCH, "{}", "requests", ERR_FIELD_MISSING},
        {ENDPOINT_EMBED_BATCH, "{\"requests\":[7]}", "requests[0]", ERR_FIELD_INVALID},
        {ENDPOINT_EMBED_BATCH, "{\"requests\":[{}]}", "requests[0].content", ERR_FIELD_MISSING},
        {ENDPOINT_EMBED_BATCH,
         "{\"requests\":[{\"model\":\"models/other\",\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}",
         "requests[0].model", ERR_FIELD_INVALID},
        {ENDPOINT_EMBED_BATCH,
         "{\"requests\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},"
         "\"outputDimensionality\":-1}]}",
         "requests[0].outputDimensionality", ERR_FIELD_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct embedding_request r;
        EXPECT_EQ(read_as(rows[i].kind, rows[i].body, &r), rows[i].err);
        EXPECT_STR(source.fault.field, rows[i].field);
        EXPECT(source.fault.text.len > 0);
    }
    arena_release(&arena);
}

TEST(gemini_contents_are_read_with_their_settings)
{
    struct embedding_request r = request_of(
        ENDPOINT_EMBED,
        "{\"model\":\"models/text-embed\",\"content\":{\"role\":\"user\",\"parts\":[{\"text\":\"a\"},"
        "{\"text\":\"b\"}]},\"taskType\":\"RETRIEVAL_DOCUMENT\",\"title\":\"T\","
        "\"outputDimensionality\":768,\"autoTruncate\":true,\"other\":1}");
    EXPECT_EQ(r.count, 1);
    EXPECT_STR(r.inputs[0].text.s, "a\\nb");
    EXPECT_EQ(r.inputs[0].task, TASK_DOCUMENT);
    EXPECT_STR(r.inputs[0].title.s, "T");
    EXPECT_STR(r.inputs[0].dimensions, "768");
    EXPECT_EQ(embedding_extra(&r, STR("autoTruncate"))->class, FIELD_HINT);
    EXPECT_EQ(embedding_extra(&r, STR("other"))->class, FIELD_UNKNOWN);
    /* As Vertex AI has it, and in the other spelling. */
    r = request_of(ENDPOINT_EMBED,
                   "{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"embedContentConfig\":{"
                   "\"task_type\":\"CLUSTERING\",\"output_dimensionality\":8}}");
    EXPECT_EQ(r.inputs[0].task, TASK_CLUSTERING);
    EXPECT_STR(r.inputs[0].dimensions, "8");
    /* More than text. */
    r = request_of(ENDPOINT_EMBED, "{\"content\":{\"parts\":[{\"text\":\"a\"},{\"inlineData\":{"
                                   "\"mimeType\":\"image/png\",\"data\":\"AA==\"}}]}}");
    EXPECT(str_is_null(r.inputs[0].text.s));
    EXPECT(r.inputs[0].content.len > 0);
    r = request_of(ENDPOINT_EMBED_BATCH,
                   "{\"requests\":[{\"model\":\"models/text-embed\",\"content\":{\"parts\":[{"
                   "\"text\":\"a\"}]}},{\"content\":{\"parts\":[{\"text\":\"b\"}]},"
                   "\"taskType\":\"RETRIEVAL_QUERY\"}]}");
    EXPECT_EQ(r.count, 2);
    EXPECT_EQ(r.inputs[0].task, TASK_UNSET);
    EXPECT_EQ(r.inputs[1].task, TASK_QUERY);
    EXPECT_STR(r.inputs[1].field, "requests[1].content");
    arena_release(&arena);
}

/* --- Requests to providers. */

TEST(ollama_gets_all_texts_at_once)
{
    struct embedding_request r = request_of(
        ENDPOINT_EMBEDDINGS, "{\"input\":[\"a\",\"b\\n\"],\"dimensions\":64,\"user\":\"u\"}");
    struct chat_target t = target_of("nomic-embed-text");
    EXPECT_EQ(calls_of(ENDPOINT_OLLAMA_EMBED, &r, &t), 1);
    EXPECT_STR(written(ENDPOINT_OLLAMA_EMBED, &r, &t, 0),
               "{\"model\":\"nomic-embed-text\",\"input\":[\"a\",\"b\\n\"],\"dimensions\":64}");
    EXPECT(str_is_null(unsupported_text(&unsupported)));
    /* With what is Ollama's own. */
    conf.keep_alive = STR("10m");
    EXPECT_CONTAINS(written(ENDPOINT_OLLAMA_EMBED, &r, &t, 0), "\"keep_alive\":\"10m\"");
    r = request_of(ENDPOINT_EMBEDDINGS,
                   "{\"input\":\"a\",\"ollama\":{\"truncate\":false,\"keep_alive\":0,"
                   "\"options\":{\"num_ctx\":512}},\"input_type\":\"search_query\",\"z\":1}");
    EXPECT_STR(written(ENDPOINT_OLLAMA_EMBED, &r, &t, 0),
               "{\"model\":\"nomic-embed-text\",\"input\":[\"a\"],\"keep_alive\":0,"
               "\"truncate\":false,\"options\":{\"num_ctx\":512}}");
    EXPECT_CONTAINS(unsupported_text(&unsupported), "input_type");
    EXPECT_CONTAINS(unsupported_text(&unsupported), "z");
    arena_release(&arena);
}

TEST(token_ids_go_to_nobody_but_openai)
{
    static const enum endpoint_kind kinds[] = {ENDPOINT_OLLAMA_EMBED, ENDPOINT_EMBED,
                                               ENDPOINT_EMBED_BATCH, ENDPOINT_PREDICT};
    struct embedding_request r = request_of(ENDPOINT_EMBEDDINGS, "{\"input\":[[1,2],[3]]}");
    struct chat_target t;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        t = target_of("m");
        EXPECT_STR(written(kinds[i], &r, &t, 0), "refused: input[0]");
    }
    t = target_of("m");
    EXPECT_STR(written(ENDPOINT_EMBEDDINGS, &r, &t, 0),
               "{\"model\":\"m\",\"input\":[[1,2],[3]],\"encoding_format\":\"float\"}");
    arena_release(&arena);
}

TEST(gemini_gets_batches_of_a_hundred)
{
    struct buf body;
    struct chat_target t = target_of("gemini-embedding-001");
    buf_init(&body, 0);
    buf_add_lit(&body, "{\"dimensions\":768,\"input\":[\"0\"");
    for (unsigned i = 1; i < 250; i++)
        buf_printf(&body, ",\"%u\"", i);
    buf_add_lit(&body, "]}");
    buf_add_byte(&body, '\0');
    struct embedding_request r = request_of(ENDPOINT_EMBEDDINGS, body.ptr);
    EXPECT_EQ(calls_of(ENDPOINT_EMBED_BATCH, &r, &t), 3);
    EXPECT_EQ(calls_of(ENDPOINT_EMBED, &r, &t), 250);
    EXPECT_EQ(calls_of(ENDPOINT_PREDICT, &r, &t), 250); /* this model takes one */
    t.model = STR("text-multilingual-embedding-002");
    EXPECT_EQ(calls_of(ENDPOINT_PREDICT, &r, &t), 1);
    EXPECT_EQ(calls_of(ENDPOINT_EMBEDDINGS, &r, &t), 1);
    EXPECT_CONTAINS(written(ENDPOINT_EMBED_BATCH, &r, &t, 2), "{\"text\":\"200\"}");
    buf_release(&body);
    arena_release(&arena);
}

TEST(gemini_gets_every_setting)
{
    struct embedding_request r =
        request_of(ENDPOINT_EMBEDDINGS,
                   "{\"input\":[\"a\"],\"dimensions\":768,\"input_type\":\"RETRIEVAL_DOCUMENT\"}");
    struct chat_target t = target_of("gemini-embedding-001");
    EXPECT_STR(written(ENDPOINT_EMBED_BATCH, &r, &t, 0),
               "{\"requests\":[{\"model\":\"models/gemini-embedding-001\",\"content\":{\"parts\":"
               "[{\"text\":\"a\"}]},\"taskType\":\"RETRIEVAL_DOCUMENT\","
               "\"outputDimensionality\":768}]}");
    EXPECT_STR(written(ENDPOINT_EMBED, &r, &t, 0),
               "{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"taskType\":\"RETRIEVAL_DOCUMENT\","
               "\"outputDimensionality\":768}");
    EXPECT_STR(written(ENDPOINT_PREDICT, &r, &t, 0),
               "{\"instances\":[{\"content\":\"a\",\"task_type\":\"RETRIEVAL_DOCUMENT\"}],"
               "\"parameters\":{\"outputDimensionality\":768}}");
    conf.vertex.project = STR("p");
    EXPECT_STR(written(ENDPOINT_EMBED, &r, &t, 0),
               "{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"embedContentConfig\":{\"taskType\":"
               "\"RETRIEVAL_DOCUMENT\",\"outputDimensionality\":768}}");
    EXPECT(str_is_null(unsupported_text(&unsupported)));
    arena_release(&arena);
}

TEST(a_gemini_content_goes_on_as_it_is_to_gemini_and_as_text_to_others)
{
    const char *body =
        "{\"requests\":[{\"content\":{\"parts\":[{\"text\":\"a\"}],\"role\":\"user\"},"
        "\"taskType\":\"CLUSTERING\"},{\"content\":{\"parts\":[{\"text\":\"b\"}]},"
        "\"outputDimensionality\":8,\"title\":\"T\"}]}";
    struct embedding_request r = request_of(ENDPOINT_EMBED_BATCH, body);
    struct chat_target t = target_of("m");
    EXPECT_CONTAINS(written(ENDPOINT_EMBED_BATCH, &r, &t, 0),
                    "\"content\":{\"parts\":[{\"text\":\"a\"}],\"role\":\"user\"}");
    /* Settings differ: not in one call of formats that have them once. */
    EXPECT_EQ(calls_of(ENDPOINT_EMBED_BATCH, &r, &t), 1);
    EXPECT_EQ(calls_of(ENDPOINT_EMBEDDINGS, &r, &t), 2);
    t = target_of("m");
    EXPECT_STR(written(ENDPOINT_EMBEDDINGS, &r, &t, 0),
               "{\"model\":\"m\",\"input\":[\"a\"],\"encoding_format\":\"float\"}");
    EXPECT_STR(unsupported_text(&unsupported), "taskType");
    t = target_of("m");
    EXPECT_STR(
        written(ENDPOINT_EMBEDDINGS, &r, &t, 1),
        "{\"model\":\"m\",\"input\":[\"b\"],\"dimensions\":8,\"encoding_format\":\"float\"}");
    EXPECT_STR(unsupported_text(&unsupported), "title");
    /* Pictures can be embedded by Gemini alone. */
    r = request_of(ENDPOINT_EMBED, "{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":"
                                   "\"image/png\",\"data\":\"AA==\"}}]}}");
    t = target_of("m");
    EXPECT_STR(written(ENDPOINT_OLLAMA_EMBED, &r, &t, 0), "refused: content");
    t = target_of("m");
    EXPECT_CONTAINS(written(ENDPOINT_EMBED_BATCH, &r, &t, 0), "inlineData");
    arena_release(&arena);
}

/* --- Answers. */

static struct embedding_answer answer;

static enum err take(enum endpoint_kind kind, unsigned first, unsigned count, const char *body)
{
    struct chat_target t = target_of("m");
    struct embedding_call call = {.first = first, .count = count};
    return embedding_format_of(kind)->read_answer(str_from_c(body), NULL, &call, &t, &answer);
}

static void begin(unsigned count)
{
    struct embedding_request r = {.count = count};
    arena_release(&arena);
    EXPECT(embedding_answer_init(&answer, &r, &arena));
}

TEST(answers_of_all_formats_are_read)
{
    begin(2);
    EXPECT_EQ(
        take(ENDPOINT_OLLAMA_EMBED, 0, 2,
             "{\"model\":\"n\",\"embeddings\":[[0.1,-2e-3],[1,2]],\"total_duration\":14143917,"
             "\"load_duration\":1019500,\"prompt_eval_count\":8}"),
        ERR_NONE);
    EXPECT(embedding_answer_complete(&answer));
    EXPECT_STR(answer.vectors[0].json, "[0.1,-2e-3]");
    EXPECT_STR(answer.model, "n");
    EXPECT_EQ(answer.usage.input, 8);
    begin(2);
    EXPECT_EQ(take(ENDPOINT_EMBEDDINGS, 0, 2,
                   "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":1,"
                   "\"embedding\":[2]},{\"index\":0,\"embedding\":\"AACAPwAAAMA=\"}],"
                   "\"model\":\"e\",\"usage\":{\"prompt_tokens\":5,\"total_tokens\":5}}"),
              ERR_NONE);
    EXPECT_STR(answer.vectors[0].base64, "AACAPwAAAMA=");
    EXPECT_STR(answer.vectors[1].json, "[2]");
    EXPECT_EQ(answer.usage.input, 5);
    begin(1);
    EXPECT_EQ(take(ENDPOINT_EMBED, 0, 1, "{\"embedding\":{\"values\":[ 1 , 2 ]}}"), ERR_NONE);
    EXPECT(!answer.usage.known);
    begin(3);
    EXPECT_EQ(take(ENDPOINT_EMBED_BATCH, 1, 2,
                   "{\"embeddings\":[{\"values\":[3]},{\"values\":[4]}],\"usageMetadata\":{"
                   "\"promptTokenCount\":7}}"),
              ERR_NONE);
    EXPECT(!embedding_answer_complete(&answer));
    EXPECT_EQ(take(ENDPOINT_EMBED_BATCH, 0, 1,
                   "{\"embeddings\":[{\"values\":[9]}],"
                   "\"usageMetadata\":{\"promptTokenCount\":2}}"),
              ERR_NONE);
    EXPECT(embedding_answer_complete(&answer));
    EXPECT_STR(answer.vectors[2].json, "[4]");
    EXPECT_EQ(answer.usage.input, 9);
    begin(2);
    EXPECT_EQ(take(ENDPOINT_PREDICT, 0, 2,
                   "{\"predictions\":[{\"embeddings\":{\"statistics\":{\"truncated\":false,"
                   "\"token_count\":6},\"values\":[1]}},{\"embeddings\":{\"values\":[2],"
                   "\"statistics\":{\"token_count\":3}}}],\"metadata\":{}}"),
              ERR_NONE);
    EXPECT_EQ(answer.usage.input, 9);
    arena_release(&arena);
}

TEST(usage_is_not_known_when_one_call_did_not_say)
{
    begin(2);
    EXPECT_EQ(take(ENDPOINT_EMBED, 0, 1,
                   "{\"embedding\":{\"values\":[1]},\"usageMetadata\":{\"promptTokenCount\":2}}"),
              ERR_NONE);
    EXPECT_EQ(take(ENDPOINT_EMBED, 1, 1, "{\"embedding\":{\"values\":[1]}}"), ERR_NONE);
    EXPECT(!answer.usage.known);
    arena_release(&arena);
}

TEST(answers_that_make_no_sense_are_malformed)
{
    static const struct {
        enum endpoint_kind kind;
        const char *body;
    } rows[] = {
        {ENDPOINT_OLLAMA_EMBED, "<html>"},
        {ENDPOINT_OLLAMA_EMBED, "[]"},
        {ENDPOINT_OLLAMA_EMBED, "{\"embeddings\":null}"},
        {ENDPOINT_OLLAMA_EMBED, "{\"embeddings\":[[1]]}"},
        {ENDPOINT_OLLAMA_EMBED, "{\"embeddings\":[[1],[2],[3]]}"},
        {ENDPOINT_OLLAMA_EMBED, "{\"embeddings\":[[1],[]]}"},
        {ENDPOINT_OLLAMA_EMBED, "{\"embeddings\":[[1],[[2]]]}"},
        {ENDPOINT_OLLAMA_EMBED, "{\"embeddings\":[[1],[null]]}"},
        {ENDPOINT_OLLAMA_EMBED, "{\"embeddings\":[[1],[\"2\"]]}"},
        {ENDPOINT_OLLAMA_EMBED, "{\"embeddings\":[[1],7]}"},
        {ENDPOINT_EMBEDDINGS, "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":0,"
                              "\"embedding\":[1]}]}"},
        {ENDPOINT_EMBEDDINGS, "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":2,"
                              "\"embedding\":[1]}]}"},
        {ENDPOINT_EMBEDDINGS, "{\"data\":[{\"embedding\":[1]},{\"embedding\":\"AAAA\"}]}"},
        {ENDPOINT_EMBEDDINGS, "{\"data\":[{\"embedding\":[1]},{\"embedding\":\"?\"}]}"},
        {ENDPOINT_EMBEDDINGS, "{\"data\":[{\"embedding\":[1]},{}]}"},
        {ENDPOINT_EMBEDDINGS, "{\"data\":{}}"},
        {ENDPOINT_EMBED_BATCH, "{\"embeddings\":[{\"values\":[1]},{\"values\":7}]}"},
        {ENDPOINT_EMBED_BATCH, "{\"embedding\":{\"values\":[1]}}"},
        {ENDPOINT_PREDICT, "{\"predictions\":[{\"embeddings\":{\"values\":[1]}},{}]}"},
        {ENDPOINT_PREDICT, "{\"predictions\":[7,7]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin(2);
        enum err err = take(rows[i].kind, 0, 2, rows[i].body);
        if (err != ERR_UPSTREAM_MALFORMED)
            EXPECT_FAIL("%s gives %d", rows[i].body, (int)err);
    }
    arena_release(&arena);
}

static str said(enum endpoint_kind kind, bool base64)
{
    struct embedding_request r = {.count = answer.count, .base64 = base64};
    struct buf out;
    buf_init(&out, 0);
    embedding_format_of(kind)->write_answer(&r, &answer, STR("mine"), &out);
    str text = arena_str(&arena, buf_str(&out));
    buf_release(&out);
    return text;
}

TEST(answers_are_written_in_the_clients_format)
{
    begin(2);
    EXPECT_EQ(take(ENDPOINT_OLLAMA_EMBED, 0, 2,
                   "{\"embeddings\":[[1.0,-2],[0.5]],\"prompt_eval_count\":8}"),
              ERR_NONE);
    EXPECT_STR(said(ENDPOINT_EMBEDDINGS, false),
               "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":"
               "[1.0,-2]},{\"object\":\"embedding\",\"index\":1,\"embedding\":[0.5]}],\"model\":"
               "\"mine\",\"usage\":{\"prompt_tokens\":8,\"total_tokens\":8}}");
    EXPECT_STR(
        said(ENDPOINT_EMBEDDINGS, true),
        "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":"
        "\"AACAPwAAAMA=\"},{\"object\":\"embedding\",\"index\":1,\"embedding\":\"AAAAPw==\"}],"
        "\"model\":\"mine\",\"usage\":{\"prompt_tokens\":8,\"total_tokens\":8}}");
    EXPECT_STR(said(ENDPOINT_EMBED_BATCH, false),
               "{\"embeddings\":[{\"values\":[1.0,-2]},{\"values\":[0.5]}],\"usageMetadata\":{"
               "\"promptTokenCount\":8,\"totalTokenCount\":8}}");
    begin(1);
    EXPECT_EQ(take(ENDPOINT_EMBEDDINGS, 0, 1, "{\"data\":[{\"embedding\":\"AACAPwAAAMA=\"}]}"),
              ERR_NONE);
    EXPECT_STR(said(ENDPOINT_EMBED, false), "{\"embedding\":{\"values\":[1,-2]}}");
    EXPECT_CONTAINS(said(ENDPOINT_EMBEDDINGS, true), "\"AACAPwAAAMA=\"");
    EXPECT_CONTAINS(said(ENDPOINT_EMBEDDINGS, true), "\"prompt_tokens\":0");
    arena_release(&arena);
}

/* Every float that numbers can say comes back the same after base64 and numbers again. */
TEST(floats_survive_both_ways)
{
    static const float values[] = {0.0F,        1.0F,           -1.0F,        0.1F,
                                   1e-45F,      1.17549e-38F,   3.402823e38F, 0.333333343F,
                                   16777217.0F, -0.0123456789F, 6.0e-8F};
    struct buf json, out;
    struct json_write w;
    buf_init(&json, 0);
    buf_init(&out, 0);
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        buf_printf(&json, "%s%.9g", i ? "," : "[", (double)values[i]);
    buf_add_byte(&json, ']');
    struct embedding_vector v = {.json = buf_str(&json)};
    json_write_init(&w, &out);
    embedding_write_base64(&w, &v);
    v = (struct embedding_vector){.base64 = str_first(str_from(buf_str(&out), 1), out.len - 2)};
    struct buf numbers;
    buf_init(&numbers, 0);
    json_write_init(&w, &numbers);
    embedding_write_numbers(&w, &v);
    EXPECT_EQ(json_parse(&doc, &arena, buf_str(&numbers), NULL), ERR_NONE);
    EXPECT_EQ(json_count(&doc, JSON_ROOT), ARRAY_LEN(values));
    size_t i = 0;
    JSON_EACH (item, &doc, JSON_ROOT)
        EXPECT((float)json_to_double(json_raw(&doc, item)) == values[i++]);
    buf_release(&numbers);
    buf_release(&json);
    buf_release(&out);
    arena_release(&arena);
}

TEST(numbers_that_are_not_finite_are_no_numbers)
{
    struct embedding_vector v = {.base64 = STR("AADAfwAAgH8AAIA/")}; /* NaN, infinity, 1 */
    struct buf out;
    struct json_write w;
    buf_init(&out, 0);
    json_write_init(&w, &out);
    embedding_write_numbers(&w, &v);
    EXPECT_STR(buf_str(&out), "[null,null,1]");
    buf_release(&out);
}
