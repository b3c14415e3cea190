/* POST /v2/embed: {model, input_type, texts, embedding_types} → {embeddings: {float: [[…], …]}, meta}. */
#include "llm/embedding.h"

/* root, its members, and the list; vectors stay text */
static const struct json_options down_to_vectors = {.index_depth = 3};

enum { TEXTS_MAX = 96 };

static unsigned call_max(const struct chat_target *t)
{
    (void)t;
    return TEXTS_MAX;
}

/* Cohere must be told; documents are what most texts are. */
static const char *const input_types[] = {
    [TASK_UNSET] = "search_document",         [TASK_QUERY] = "search_query",
    [TASK_DOCUMENT] = "search_document",      [TASK_SIMILARITY] = "clustering",
    [TASK_CLASSIFICATION] = "classification", [TASK_CLUSTERING] = "clustering",
    [TASK_QUESTION] = "search_query",         [TASK_FACT] = "search_query",
    [TASK_CODE_QUERY] = "search_query",
};

static bool write_request(const struct embedding_request *r, const struct embedding_call *call,
                          struct chat_target *t, struct buf *out)
{
    struct json_write w;
    const struct embedding_input *first = &r->inputs[call->first];
    embedding_report(r, call, t->unsupported, PLACE_TASK | PLACE_DIMENSIONS, NULL, 0);
    if (!embedding_texts_only(r, call, t->unsupported, "Cohere"))
        return false;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member(&w, STR("model"), t->model);
    json_write_member(&w, STR("input_type"), str_from_c(input_types[first->task]));
    json_write_key(&w, STR("texts"));
    json_write_array(&w);
    for (unsigned i = 0; i < call->count; i++)
        json_write_raw_string(&w, r->inputs[call->first + i].text.s);
    json_write_array_end(&w);
    json_write_member_raw(&w, STR("embedding_types"), STR("[\"float\"]"));
    json_write_member_given(&w, STR("output_dimension"), first->dimensions);
    json_write_object_end(&w);
    return !out->failed && !t->unsupported->fault.err;
}

static enum err read_answer(str body, const struct headers *headers,
                            const struct embedding_call *call, const struct chat_target *t,
                            struct embedding_answer *out)
{
    (void)headers, (void)t;
    struct json_doc doc;
    uint64_t i = 0;
    enum err err = json_parse(&doc, out->arena, body, &down_to_vectors);
    if (err)
        return err == ERR_NO_MEMORY ? err : ERR_UPSTREAM_MALFORMED;
    uint32_t list = json_member(&doc, JSON_ROOT, STR("embeddings"));
    if (json_is(&doc, list, JSON_OBJECT))
        list = json_member(&doc, list, STR("float"));
    if (!json_is(&doc, list, JSON_ARRAY))
        return ERR_UPSTREAM_MALFORMED;
    JSON_EACH (vector, &doc, list)
        if (!embedding_put_json(out, call, i++, json_raw(&doc, vector)))
            return ERR_UPSTREAM_MALFORMED;
    uint32_t meta = json_member(&doc, JSON_ROOT, STR("meta"));
    uint32_t units = json_member(&doc, meta, STR("billed_units"));
    int64_t tokens = embedding_tokens(&doc, units, STR("input_tokens"));
    return embedding_call_done(out, call, tokens) ? ERR_NONE : ERR_UPSTREAM_MALFORMED;
}

const struct embedding_format embedding_cohere = {
    .name = "cohere",
    .call_max = call_max,
    .write_request = write_request,
    .read_answer = read_answer,
};
