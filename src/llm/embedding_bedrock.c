/*
 * Embeddings by Bedrock's InvokeModel: the body and the answer are the model's maker's own.
 * Amazon's models take one text a call, Cohere's up to 96.  How many tokens it were, Cohere says
 * in a field only.
 */
#include "llm/embedding.h"

enum { COHERE_MOST = 96 };

/* root and the vectors' lists (or, by type, one level more); vectors stay text */
static const struct json_options down_to_vectors = {.index_depth = 3};

struct maker {
    const char *id; /* what its models' ids have within them */
    unsigned call_max;
    unsigned places; /* enum embedding_place */
    void (*write)(struct json_write *w, const struct embedding_request *r,
                  const struct embedding_call *call);
};

static const struct embedding_input *first(const struct embedding_request *r,
                                           const struct embedding_call *call)
{
    return &r->inputs[call->first];
}

static void write_extra(struct json_write *w, const struct embedding_request *r, str name)
{
    const struct extra *e = embedding_extra(r, name);
    if (e)
        json_write_member_raw(w, name, e->json);
}

/* --- Amazon ----------------------------------------------------------------------------------- */

static void write_titan1(struct json_write *w, const struct embedding_request *r,
                         const struct embedding_call *call)
{
    json_write_member_raw_string(w, STR("inputText"), first(r, call)->text);
}

static void write_titan2(struct json_write *w, const struct embedding_request *r,
                         const struct embedding_call *call)
{
    write_titan1(w, r, call);
    json_write_member_given(w, STR("dimensions"), first(r, call)->dimensions);
    write_extra(w, r, STR("normalize"));
}

static void write_titan_image(struct json_write *w, const struct embedding_request *r,
                              const struct embedding_call *call)
{
    write_titan1(w, r, call);
    if (!first(r, call)->dimensions.len)
        return;
    json_write_key(w, STR("embeddingConfig"));
    json_write_object(w);
    json_write_member_raw(w, STR("outputEmbeddingLength"), first(r, call)->dimensions);
    json_write_object_end(w);
}

static str nova_purpose(enum embedding_task task)
{
    switch (task) {
    case TASK_QUERY:
    case TASK_QUESTION:
    case TASK_FACT:
    case TASK_CODE_QUERY:
        return STR("GENERIC_RETRIEVAL");
    case TASK_CLASSIFICATION:
        return STR("CLASSIFICATION");
    case TASK_CLUSTERING:
        return STR("CLUSTERING");
    case TASK_UNSET:
    case TASK_DOCUMENT:
    case TASK_SIMILARITY:
        break;
    }
    return STR("GENERIC_INDEX");
}

static void write_nova(struct json_write *w, const struct embedding_request *r,
                       const struct embedding_call *call)
{
    const struct embedding_input *in = first(r, call);
    json_write_member(w, STR("taskType"), STR("SINGLE_EMBEDDING"));
    json_write_key(w, STR("singleEmbeddingParams"));
    json_write_object(w);
    json_write_member(w, STR("embeddingPurpose"), nova_purpose(in->task));
    json_write_member_given(w, STR("embeddingDimension"), in->dimensions);
    json_write_key(w, STR("text"));
    json_write_object(w);
    json_write_member(w, STR("truncationMode"), STR("END"));
    json_write_member_raw_string(w, STR("value"), in->text);
    json_write_object_end(w);
    json_write_object_end(w);
}

/* --- Cohere ----------------------------------------------------------------------------------- */

static str cohere_type(enum embedding_task task)
{
    switch (task) {
    case TASK_QUERY:
    case TASK_QUESTION:
    case TASK_FACT:
    case TASK_CODE_QUERY:
        return STR("search_query");
    case TASK_CLASSIFICATION:
        return STR("classification");
    case TASK_CLUSTERING:
    case TASK_SIMILARITY:
        return STR("clustering");
    case TASK_UNSET:
    case TASK_DOCUMENT:
        break;
    }
    return STR("search_document");
}

static void write_cohere3(struct json_write *w, const struct embedding_request *r,
                          const struct embedding_call *call)
{
    json_write_key(w, STR("texts"));
    json_write_array(w);
    for (unsigned i = 0; i < call->count; i++)
        json_write_raw_string(w, r->inputs[call->first + i].text.s);
    json_write_array_end(w);
    json_write_member(w, STR("input_type"), cohere_type(first(r, call)->task));
    write_extra(w, r, STR("truncate"));
    json_write_member_raw(w, STR("embedding_types"), STR("[\"float\"]"));
}

static void write_cohere4(struct json_write *w, const struct embedding_request *r,
                          const struct embedding_call *call)
{
    write_cohere3(w, r, call);
    json_write_member_given(w, STR("output_dimension"), first(r, call)->dimensions);
}

/* Gemini's finer tasks become the nearest of Cohere's. */
static void report_task(const struct embedding_request *r, const struct embedding_call *call,
                        struct unsupported *u)
{
    enum embedding_task task = first(r, call)->task;
    const char *was = embedding_task_gemini(task);
    if (was && task != TASK_QUERY && task != TASK_DOCUMENT && task != TASK_CLASSIFICATION &&
        task != TASK_CLUSTERING)
        unsupported_changed(u, STR("taskType"), cohere_type(task), str_from_c(was));
}

/* --- All of them ------------------------------------------------------------------------------ */

/* The first that fits. */
static const struct maker makers[] = {
    {"amazon.titan-embed-text-v1", 1, 0, write_titan1},
    {"amazon.titan-embed-g1", 1, 0, write_titan1},
    {"amazon.titan-embed-image", 1, PLACE_DIMENSIONS, write_titan_image},
    {"amazon.titan-embed", 1, PLACE_DIMENSIONS, write_titan2},
    {"amazon.nova", 1, PLACE_DIMENSIONS | PLACE_TASK, write_nova},
    {"cohere.embed-english-v3", COHERE_MOST, PLACE_TASK, write_cohere3},
    {"cohere.embed-multilingual-v3", COHERE_MOST, PLACE_TASK, write_cohere3},
    {"cohere.embed", COHERE_MOST, PLACE_TASK | PLACE_DIMENSIONS, write_cohere4},
};

/* NULL: nobody's that is known. */
static const struct maker *maker_of(const struct chat_target *t)
{
    for (size_t i = 0; i < ARRAY_LEN(makers); i++)
        if (str_find(t->model, str_from_c(makers[i].id)) >= 0)
            return &makers[i];
    return NULL;
}

static unsigned call_max(const struct chat_target *t)
{
    const struct maker *m = maker_of(t);
    return m ? m->call_max : 1;
}

static bool write_request(const struct embedding_request *r, const struct embedding_call *call,
                          struct chat_target *t, struct buf *out)
{
    static const str taken[] = {STR_INIT("normalize"), STR_INIT("truncate")};
    const struct maker *m = maker_of(t);
    struct json_write w;
    if (!m) {
        unsupported_refuse(t->unsupported, STR("model"),
                           "is none of Bedrock's models for embeddings that the gateway knows");
        return false;
    }
    embedding_report(r, call, t->unsupported, m->places, taken, ARRAY_LEN(taken));
    if (!embedding_texts_only(r, call, t->unsupported, "Bedrock"))
        return false;
    if (m->call_max == COHERE_MOST)
        report_task(r, call, t->unsupported);
    json_write_init(&w, out);
    json_write_object(&w);
    m->write(&w, r, call);
    json_write_object_end(&w);
    return !out->failed && !t->unsupported->fault.err;
}

/* --- Answers ---------------------------------------------------------------------------------- */

/* The list of vectors, or the one vector, in all of their places. */
static bool put_vectors(const struct json_doc *doc, const struct embedding_call *call,
                        struct embedding_answer *out)
{
    uint64_t i = 0;
    uint32_t one = json_member(doc, JSON_ROOT, STR("embedding"));
    if (json_is(doc, one, JSON_ARRAY)) /* Titan */
        return embedding_put_json(out, call, 0, json_raw(doc, one));
    uint32_t list = json_member(doc, JSON_ROOT, STR("embeddings"));
    if (json_is(doc, list, JSON_OBJECT)) /* Cohere, by type */
        list = json_member(doc, list, STR("float"));
    if (!json_is(doc, list, JSON_ARRAY))
        return false;
    JSON_EACH (item, doc, list) {
        uint32_t vector = item;
        if (json_is(doc, item, JSON_OBJECT)) /* Nova */
            vector = json_member(doc, item, STR("embedding"));
        if (!json_is(doc, vector, JSON_ARRAY) ||
            !embedding_put_json(out, call, i++, json_raw(doc, vector)))
            return false;
    }
    return true;
}

static int64_t tokens_of(const struct json_doc *doc, const struct headers *headers)
{
    uint64_t n;
    int64_t said = embedding_tokens(doc, JSON_ROOT, STR("inputTextTokenCount"));
    if (said >= 0 || !headers)
        return said;
    str field = head_get(headers, STR("x-amzn-bedrock-input-token-count"));
    return field.len && str_to_u64(field, &n) && n <= USAGE_MAX ? (int64_t)n : -1;
}

static enum err read_answer(str body, const struct headers *headers,
                            const struct embedding_call *call, const struct chat_target *t,
                            struct embedding_answer *out)
{
    (void)t;
    struct json_doc doc;
    enum err err = json_parse(&doc, out->arena, body, &down_to_vectors);
    if (err)
        return err == ERR_NO_MEMORY ? err : ERR_UPSTREAM_MALFORMED;
    if (!put_vectors(&doc, call, out) || !embedding_call_done(out, call, tokens_of(&doc, headers)))
        return ERR_UPSTREAM_MALFORMED;
    return ERR_NONE;
}

const struct embedding_format embedding_bedrock = {
    .name = "bedrock",
    .call_max = call_max,
    .write_request = write_request,
    .read_answer = read_answer,
};
