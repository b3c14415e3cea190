/* POST /api/embed: all texts of a request at once, {model, input: [text, …]} → {embeddings: [[…], …]}. */
#include "llm/embedding.h"

#include "llm/dialect/ollama_impl.h"

/* root and the list; vectors stay text */
static const struct json_options down_to_vectors = {.index_depth = 2};

static unsigned call_max(const struct chat_target *t)
{
    (void)t;
    return EMBEDDING_INPUTS_MAX;
}

/* The client's "ollama": {keep_alive, truncate, options}. */
static bool write_own(struct json_write *w, const struct embedding_request *r,
                      struct chat_target *t)
{
    static const str members[] = {STR_INIT("keep_alive"), STR_INIT("truncate"),
                                  STR_INIT("options")};
    const struct extra *extra = embedding_extra(r, STR("ollama"));
    struct json_doc doc;
    enum err err = json_parse(&doc, t->arena, extra ? extra->json : STR("{}"), NULL);
    if (err == ERR_NO_MEMORY)
        return false;
    if (err || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        unsupported_refuse(t->unsupported, STR("ollama"), "must be an object");
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        json_write_member_given(w, members[i],
                                json_raw(&doc, json_member(&doc, JSON_ROOT, members[i])));
    if (json_member(&doc, JSON_ROOT, STR("keep_alive")) == JSON_NONE)
        json_write_member_given(w, STR("keep_alive"), ollama_keep_alive(t));
    return true;
}

static bool write_request(const struct embedding_request *r, const struct embedding_call *call,
                          struct chat_target *t, struct buf *out)
{
    static const str taken[] = {STR_INIT("ollama")};
    struct json_write w;
    embedding_report(r, call, t->unsupported, PLACE_DIMENSIONS, taken, ARRAY_LEN(taken));
    if (!embedding_texts_only(r, call, t->unsupported, "Ollama"))
        return false;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member(&w, STR("model"), t->model);
    json_write_key(&w, STR("input"));
    json_write_array(&w);
    for (unsigned i = 0; i < call->count; i++)
        json_write_raw_string(&w, r->inputs[call->first + i].text.s);
    json_write_array_end(&w);
    json_write_member_given(&w, STR("dimensions"), r->inputs[call->first].dimensions);
    if (!write_own(&w, r, t))
        return false;
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
    if (!json_is(&doc, list, JSON_ARRAY))
        return ERR_UPSTREAM_MALFORMED;
    JSON_EACH (vector, &doc, list)
        if (!embedding_put_json(out, call, i++, json_raw(&doc, vector)))
            return ERR_UPSTREAM_MALFORMED;
    uint32_t model = json_member(&doc, JSON_ROOT, STR("model"));
    if (json_is(&doc, model, JSON_STRING) &&
        json_string_decode(&doc, model, out->arena, &out->model))
        return ERR_NO_MEMORY;
    /* A count of zero is left out, but texts are never of no tokens. */
    int64_t tokens = embedding_tokens(&doc, JSON_ROOT, STR("prompt_eval_count"));
    return embedding_call_done(out, call, tokens) ? ERR_NONE : ERR_UPSTREAM_MALFORMED;
}

const struct embedding_format embedding_ollama = {
    .name = "ollama",
    .call_max = call_max,
    .write_request = write_request,
    .read_answer = read_answer,
};
