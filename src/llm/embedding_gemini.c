/*
 * Gemini's embedContent and batchEmbedContents, both ways, and what Vertex AI has in their place: predict
 * with instances, or embedContent with an embedContentConfig.  Members may be in camelCase or snake_case,
 * as Google's JSON of protocol buffers has it.
 */
#include "llm/embedding_impl.h"

#include "llm/provider_conf.h"

enum { BATCH_MAX = 100, PREDICT_MAX = 250 };

/* root, the list, its elements; vectors stay text */
static const struct json_options down_to_vectors = {.index_depth = 3};
/* root, predictions, their elements, `embeddings` */
static const struct json_options down_to_predicted = {.index_depth = 4};

/* --- Request of a client. */

static enum err invalid(struct chat_source *in, str field, str text)
{
    return embedding_fault(in, ERR_FIELD_INVALID, field, text);
}

/* "requests[3]." before the names of fields, or "". */
struct place {
    struct chat_source *in;
    struct embedding_request *out;
    struct embedding_input *input;
    str before;
};

static str field(const struct place *p, const char *name)
{
    return arena_printf(p->out->arena, "%.*s%s", STR_ARG(p->before), name);
}

/* All the parts' texts, a line each; RAW_NULL when one of them is something else. */
static enum err read_texts(struct place *p, uint32_t parts)
{
    const struct json_doc *doc = p->in->doc;
    struct raw text = RAW_NULL;
    JSON_EACH (part, doc, parts) {
        struct raw one = raw_of_node(doc, json_member(doc, part, STR("text")));
        if (str_is_null(one.s)) {
            p->input->text = RAW_NULL;
            return ERR_NONE;
        }
        str both[] = {text.s, STR("\\n"), one.s};
        text.s = str_is_null(text.s) ? one.s : arena_concat(p->out->arena, both, ARRAY_LEN(both));
        if (str_is_null(text.s))
            return ERR_NO_MEMORY;
    }
    p->input->text = text;
    return ERR_NONE;
}

static enum err read_content(struct place *p, uint32_t node)
{
    const struct json_doc *doc = p->in->doc;
    uint32_t parts = json_member(doc, node, STR("parts"));
    p->input->field = field(p, "content");
    if (!json_is(doc, parts, JSON_ARRAY) || json_count(doc, parts) == 0)
        return invalid(p->in, field(p, "content.parts"), STR("must be a list of parts"));
    p->input->content = json_raw(doc, node);
    return read_texts(p, parts);
}

static enum err read_task(struct place *p, uint32_t node)
{
    str name = STR_NULL;
    if (json_is(p->in->doc, node, JSON_STRING) &&
        json_string_decode(p->in->doc, node, p->out->arena, &name))
        return ERR_NO_MEMORY;
    p->input->task = embedding_task_of(name);
    if (p->input->task != TASK_UNSET || str_eq(name, STR("TASK_TYPE_UNSPECIFIED")))
        return ERR_NONE;
    return invalid(p->in, field(p, "taskType"), STR("must be one of Gemini's types of tasks"));
}

static enum err read_title(struct place *p, uint32_t node)
{
    p->input->title = raw_of_node(p->in->doc, node);
    return str_is_null(p->input->title.s)
               ? invalid(p->in, field(p, "title"), STR("must be a string"))
               : ERR_NONE;
}

static enum err read_dimensions(struct place *p, uint32_t node)
{
    return embedding_read_dimensions(p->in, node, field(p, "outputDimensionality"),
                                     &p->input->dimensions);
}

/* Entries of a batch repeat the model, which must be that of the path. */
static enum err read_model(struct place *p, uint32_t node)
{
    str name = STR_NULL;
    if (json_is(p->in->doc, node, JSON_STRING) &&
        json_string_decode(p->in->doc, node, p->out->arena, &name))
        return ERR_NO_MEMORY;
    if (str_ends(name, p->in->model))
        return ERR_NONE;
    return invalid(p->in, field(p, "model"), STR("must be the model that the path names"));
}

static enum err read_members(struct place *p, uint32_t object);

static enum err read_config(struct place *p, uint32_t node)
{
    if (!json_is(p->in->doc, node, JSON_OBJECT))
        return invalid(p->in, field(p, "embedContentConfig"), STR("must be an object"));
    return read_members(p, node);
}

static const struct {
    str name, snake;
    enum err (*read)(struct place *p, uint32_t node);
} fields[] = {
    {STR_INIT("content"), STR_INIT("content"), read_content},
    {STR_INIT("model"), STR_INIT("model"), read_model},
    {STR_INIT("taskType"), STR_INIT("task_type"), read_task},
    {STR_INIT("title"), STR_INIT("title"), read_title},
    {STR_INIT("outputDimensionality"), STR_INIT("output_dimensionality"), read_dimensions},
    {STR_INIT("embedContentConfig"), STR_INIT("embed_content_config"), read_config},
};

static enum err read_member(struct place *p, uint32_t name)
{
    const struct json_doc *doc = p->in->doc;
    uint32_t value = json_value(name);
    str text;
    if (json_is(doc, value, JSON_NULL))
        return ERR_NONE;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (json_string_eq(doc, name, fields[i].name) || json_string_eq(doc, name, fields[i].snake))
            return fields[i].read(p, value);
    if (json_string_decode(doc, name, p->out->arena, &text))
        return ERR_NO_MEMORY;
    bool is_hint = str_eq(text, STR("autoTruncate")) || str_eq(text, STR("auto_truncate"));
    text = arena_printf(p->out->arena, "%.*s%.*s", STR_ARG(p->before), STR_ARG(text));
    return !str_is_null(text) &&
                   embedding_add_extra(p->out, NATIVE_GEMINI, text, json_raw(doc, value),
                                       is_hint ? FIELD_HINT : FIELD_UNKNOWN)
               ? ERR_NONE
               : ERR_NO_MEMORY;
}

static enum err read_members(struct place *p, uint32_t object)
{
    JSON_EACH (name, p->in->doc, object) {
        enum err err = read_member(p, name);
        if (err)
            return err;
    }
    return ERR_NONE;
}

static enum err read_entry(struct place *p, uint32_t object)
{
    if (!json_is(p->in->doc, object, JSON_OBJECT))
        return invalid(p->in, str_first(p->before, p->before.len ? p->before.len - 1 : 0),
                       STR("must be an object"));
    enum err err = read_members(p, object);
    if (!err && p->input->content.len == 0)
        return embedding_fault(p->in, ERR_FIELD_MISSING, field(p, "content"), STR("is required"));
    return err;
}

static enum err read_request(struct chat_source *in, struct embedding_request *out)
{
    if (!embedding_request_init(out, in, out->arena, 1))
        return ERR_NO_MEMORY;
    out->dialect = NATIVE_GEMINI;
    out->one = true;
    return read_entry(
        &(struct place){.in = in, .out = out, .input = &out->inputs[0], .before = STR("")},
        JSON_ROOT);
}

static enum err read_batch_request(struct chat_source *in, struct embedding_request *out)
{
    uint32_t list = json_member(in->doc, JSON_ROOT, STR("requests"));
    uint32_t n = json_count(in->doc, list);
    unsigned i = 0;
    if (!json_is(in->doc, list, JSON_ARRAY) || n == 0)
        return embedding_fault(in, ERR_FIELD_MISSING, STR("requests"),
                               STR("must be a list of requests"));
    if (n > EMBEDDING_INPUTS_MAX)
        return invalid(in, STR("requests"), STR("must not have more than 2048 elements"));
    if (!embedding_request_init(out, in, out->arena, n))
        return ERR_NO_MEMORY;
    out->dialect = NATIVE_GEMINI;
    JSON_EACH (entry, in->doc, list) {
        str before = arena_printf(out->arena, "requests[%u].", i);
        if (str_is_null(before))
            return ERR_NO_MEMORY;
        enum err err = read_entry(
            &(struct place){.in = in, .out = out, .input = &out->inputs[i++], .before = before},
            entry);
        if (err)
            return err;
    }
    return ERR_NONE;
}

/* --- Answer to the client. */

static void write_values(struct json_write *w, const struct embedding_vector *v)
{
    json_write_object(w);
    json_write_key(w, STR("values"));
    embedding_write_numbers(w, v);
    json_write_object_end(w);
}

static void write_usage(struct json_write *w, const struct embedding_answer *a)
{
    if (!a->usage.known)
        return;
    json_write_key(w, STR("usageMetadata"));
    json_write_object(w);
    json_write_member_u64(w, STR("promptTokenCount"), (uint64_t)a->usage.input);
    json_write_member_u64(w, STR("totalTokenCount"), (uint64_t)a->usage.input);
    json_write_object_end(w);
}

static void write_answer(const struct embedding_request *r, const struct embedding_answer *a,
                         str model, struct buf *out)
{
    (void)r, (void)model;
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("embedding"));
    write_values(&w, &a->vectors[0]);
    write_usage(&w, a);
    json_write_object_end(&w);
}

static void write_batch_answer(const struct embedding_request *r, const struct embedding_answer *a,
                               str model, struct buf *out)
{
    (void)r, (void)model;
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("embeddings"));
    json_write_array(&w);
    for (unsigned i = 0; i < a->count; i++)
        write_values(&w, &a->vectors[i]);
    json_write_array_end(&w);
    write_usage(&w, a);
    json_write_object_end(&w);
}

/* --- Request to the provider. */

static unsigned one_at_a_time(const struct chat_target *t)
{
    (void)t;
    return 1;
}

static unsigned batch_max(const struct chat_target *t)
{
    (void)t;
    return BATCH_MAX;
}

static unsigned predict_max(const struct chat_target *t)
{
    return str_find(t->model, STR("gemini-embedding")) >= 0 ? 1 : PREDICT_MAX;
}

static bool is_vertex(const struct chat_target *t)
{
    return t->conf && t->conf->vertex.project.len > 0;
}

static void report(const struct embedding_request *r, const struct embedding_call *call,
                   struct chat_target *t)
{
    embedding_report(r, call, t->unsupported, PLACE_TASK | PLACE_TITLE | PLACE_DIMENSIONS, NULL, 0);
}

static void write_content(struct json_write *w, const struct embedding_input *in)
{
    json_write_key(w, STR("content"));
    if (in->content.len) {
        json_write_raw(w, in->content);
        return;
    }
    json_write_object(w);
    json_write_key(w, STR("parts"));
    json_write_array(w);
    json_write_object(w);
    json_write_member_raw_string(w, STR("text"), in->text);
    json_write_object_end(w);
    json_write_array_end(w);
    json_write_object_end(w);
}

static void write_settings(struct json_write *w, const struct embedding_input *in)
{
    const char *task = embedding_task_gemini(in->task);
    if (task)
        json_write_member(w, STR("taskType"), str_from_c(task));
    json_write_member_raw_string(w, STR("title"), in->title);
    json_write_member_given(w, STR("outputDimensionality"), in->dimensions);
}

/* No token ids, whatever else it is. */
static bool has_content(const struct embedding_request *r, const struct embedding_call *call,
                        struct unsupported *u)
{
    for (unsigned i = call->first; i < call->first + call->count; i++)
        if (r->inputs[i].tokens.len) {
            unsupported_refuse(u, r->inputs[i].field, "Gemini takes texts, and no token ids");
            return false;
        }
    return true;
}

static bool write_request(const struct embedding_request *r, const struct embedding_call *call,
                          struct chat_target *t, struct buf *out)
{
    const struct embedding_input *in = &r->inputs[call->first];
    struct json_write w;
    report(r, call, t);
    if (!has_content(r, call, t->unsupported))
        return false;
    json_write_init(&w, out);
    json_write_object(&w);
    write_content(&w, in);
    if (is_vertex(t)) {
        json_write_key(&w, STR("embedContentConfig"));
        json_write_object(&w);
    }
    write_settings(&w, in);
    if (is_vertex(t))
        json_write_object_end(&w);
    json_write_object_end(&w);
    return !out->failed && !t->unsupported->fault.err;
}

static bool write_batch_request(const struct embedding_request *r,
                                const struct embedding_call *call, struct chat_target *t,
                                struct buf *out)
{
    struct json_write w;
    str model = str_starts(t->model, STR("models/"))
                    ? t->model
                    : arena_printf(t->arena, "models/%.*s", STR_ARG(t->model));
    report(r, call, t);
    if (str_is_null(model) || !has_content(r, call, t->unsupported))
        return false;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("requests"));
    json_write_array(&w);
    for (unsigned i = call->first; i < call->first + call->count; i++) {
        json_write_object(&w);
        json_write_member(&w, STR("model"), model);
        write_content(&w, &r->inputs[i]);
        write_settings(&w, &r->inputs[i]);
        json_write_object_end(&w);
    }
    json_write_array_end(&w);
    json_write_object_end(&w);
    return !out->failed && !t->unsupported->fault.err;
}

static void write_instance(struct json_write *w, const struct embedding_input *in)
{
    const char *task = embedding_task_gemini(in->task);
    json_write_object(w);
    json_write_member_raw_string(w, STR("content"), in->text);
    if (task)
        json_write_member(w, STR("task_type"), str_from_c(task));
    json_write_member_raw_string(w, STR("title"), in->title);
    json_write_object_end(w);
}

static bool write_predict(const struct embedding_request *r, const struct embedding_call *call,
                          struct chat_target *t, struct buf *out)
{
    struct json_write w;
    report(r, call, t);
    if (!embedding_texts_only(r, call, t->unsupported, "The model"))
        return false;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("instances"));
    json_write_array(&w);
    for (unsigned i = call->first; i < call->first + call->count; i++)
        write_instance(&w, &r->inputs[i]);
    json_write_array_end(&w);
    if (r->inputs[call->first].dimensions.len) {
        json_write_key(&w, STR("parameters"));
        json_write_object(&w);
        json_write_member_given(&w, STR("outputDimensionality"), r->inputs[call->first].dimensions);
        json_write_object_end(&w);
    }
    json_write_object_end(&w);
    return !out->failed && !t->unsupported->fault.err;
}

/* --- Answer of the provider. */

static bool take_values(const struct json_doc *doc, uint32_t object,
                        const struct embedding_call *call, uint64_t i, struct embedding_answer *out)
{
    uint32_t values = json_member(doc, object, STR("values"));
    return json_is(doc, values, JSON_ARRAY) &&
           embedding_put_json(out, call, i, json_raw(doc, values));
}

/* {"embedding": {…}} or {"embeddings": [{…}, …]}, with usageMetadata since late 2026. */
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
    uint32_t one = json_member(&doc, JSON_ROOT, STR("embedding"));
    if (json_is(&doc, one, JSON_OBJECT) && !take_values(&doc, one, call, 0, out))
        return ERR_UPSTREAM_MALFORMED;
    uint32_t list = json_member(&doc, JSON_ROOT, STR("embeddings"));
    if (json_is(&doc, list, JSON_ARRAY))
        JSON_EACH (element, &doc, list)
            if (!take_values(&doc, element, call, i++, out))
                return ERR_UPSTREAM_MALFORMED;
    uint32_t usage = json_member(&doc, JSON_ROOT, STR("usageMetadata"));
    int64_t tokens = embedding_tokens(&doc, usage, STR("promptTokenCount"));
    return embedding_call_done(out, call, tokens) ? ERR_NONE : ERR_UPSTREAM_MALFORMED;
}

/* -1: not said. */
static int64_t predicted_tokens(const struct json_doc *doc, uint32_t embeddings,
                                struct embedding_answer *out)
{
    struct json_doc statistics;
    uint32_t node = json_member(doc, embeddings, STR("statistics"));
    if (!json_is(doc, node, JSON_OBJECT) ||
        json_parse(&statistics, out->arena, json_raw(doc, node), NULL))
        return -1;
    return embedding_tokens(&statistics, JSON_ROOT, STR("token_count"));
}

static enum err read_predictions(str body, const struct headers *headers,
                                 const struct embedding_call *call, const struct chat_target *t,
                                 struct embedding_answer *out)
{
    (void)headers, (void)t;
    struct json_doc doc;
    uint64_t i = 0;
    int64_t tokens = 0;
    enum err err = json_parse(&doc, out->arena, body, &down_to_predicted);
    if (err)
        return err == ERR_NO_MEMORY ? err : ERR_UPSTREAM_MALFORMED;
    uint32_t list = json_member(&doc, JSON_ROOT, STR("predictions"));
    if (!json_is(&doc, list, JSON_ARRAY))
        return ERR_UPSTREAM_MALFORMED;
    JSON_EACH (prediction, &doc, list) {
        uint32_t embeddings = json_member(&doc, prediction, STR("embeddings"));
        if (!take_values(&doc, embeddings, call, i++, out))
            return ERR_UPSTREAM_MALFORMED;
        int64_t these = predicted_tokens(&doc, embeddings, out);
        tokens = these < 0 || tokens < 0 ? -1 : tokens + these;
    }
    return embedding_call_done(out, call, tokens) ? ERR_NONE : ERR_UPSTREAM_MALFORMED;
}

const struct embedding_format embedding_gemini = {
    .name = "gemini",
    .read_request = read_request,
    .write_answer = write_answer,
    .call_max = one_at_a_time,
    .write_request = write_request,
    .read_answer = read_answer,
};

const struct embedding_format embedding_gemini_batch = {
    .name = "gemini_batch",
    .read_request = read_batch_request,
    .write_answer = write_batch_answer,
    .call_max = batch_max,
    .mixed = true,
    .write_request = write_batch_request,
    .read_answer = read_answer,
};

const struct embedding_format embedding_vertex = {
    .name = "vertex",
    .call_max = predict_max,
    .write_request = write_predict,
    .read_answer = read_predictions,
};
