/*
 * OpenAI's POST /embeddings: {model, input: text | [text…] | [id…] | [[id…]…], dimensions?,
 * encoding_format?, user?} → {data: [{index, embedding}…], model, usage}.  Beside OpenAI's own fields
 * `input_type` is read (Cohere's name of the task, also NVIDIA's and LiteLLM's).
 */
#include "llm/embedding_impl.h"

/* root, data, its elements; vectors stay text */
static const struct json_options down_to_vectors = {.index_depth = 3};

static enum err invalid(struct chat_source *in, str field, str text)
{
    return embedding_fault(in, ERR_FIELD_INVALID, field, text);
}

/* --- input */

static bool is_tokens(const struct json_doc *doc, uint32_t node)
{
    int64_t id;
    if (!json_is(doc, node, JSON_ARRAY) || json_count(doc, node) == 0)
        return false;
    JSON_EACH (item, doc, node)
        if (!json_is(doc, item, JSON_NUMBER) || !json_to_i64(json_raw(doc, item), &id) || id < 0)
            return false;
    return true;
}

static enum err read_one(struct chat_source *in, uint32_t node, struct embedding_input *out)
{
    if (json_is(in->doc, node, JSON_STRING)) {
        out->text = raw_of_node(in->doc, node);
        return out->text.s.len ? ERR_NONE : invalid(in, out->field, STR("must not be empty"));
    }
    if (!is_tokens(in->doc, node))
        return invalid(in, out->field, STR("must be a text or an array of token ids"));
    out->tokens = json_raw(in->doc, node);
    return ERR_NONE;
}

static enum err read_list(struct chat_source *in, uint32_t list, struct embedding_request *out)
{
    unsigned i = 0;
    JSON_EACH (item, in->doc, list) {
        out->inputs[i].field = arena_printf(out->arena, "input[%u]", i);
        if (str_is_null(out->inputs[i].field))
            return ERR_NO_MEMORY;
        enum err err = read_one(in, item, &out->inputs[i++]);
        if (err)
            return err;
    }
    return ERR_NONE;
}

static enum err read_input(struct chat_source *in, struct embedding_request *out)
{
    uint32_t input = json_member(in->doc, JSON_ROOT, STR("input"));
    uint32_t n = json_count(in->doc, input);
    if (input == JSON_NONE || json_is(in->doc, input, JSON_NULL))
        return embedding_fault(in, ERR_FIELD_MISSING, STR("input"), STR("is required"));
    bool is_list = json_is(in->doc, input, JSON_ARRAY);
    if (is_list && n == 0)
        return invalid(in, STR("input"), STR("must not be empty"));
    bool one = !is_list || json_is(in->doc, json_first(in->doc, input), JSON_NUMBER);
    if (!one && n > EMBEDDING_INPUTS_MAX)
        return invalid(in, STR("input"), STR("must not have more than 2048 elements"));
    if (!embedding_request_init(out, in, out->arena, one ? 1 : n))
        return ERR_NO_MEMORY;
    if (!one)
        return read_list(in, input, out);
    out->one = json_is(in->doc, input, JSON_STRING);
    out->inputs[0].field = STR("input");
    return read_one(in, input, &out->inputs[0]);
}

/* --- The other fields. */

static enum err read_encoding(struct chat_source *in, uint32_t node, struct embedding_request *out)
{
    bool is_text = json_is(in->doc, node, JSON_STRING);
    out->base64 = is_text && json_string_eq(in->doc, node, STR("base64"));
    if (out->base64 || (is_text && json_string_eq(in->doc, node, STR("float"))))
        return ERR_NONE;
    return invalid(in, STR("encoding_format"), STR("must be float or base64"));
}

static enum err read_task(struct chat_source *in, uint32_t node, struct embedding_request *out)
{
    str name = STR_NULL;
    if (json_is(in->doc, node, JSON_STRING) && json_string_decode(in->doc, node, out->arena, &name))
        return ERR_NO_MEMORY;
    enum embedding_task task = embedding_task_of(name);
    if (task == TASK_UNSET)
        return embedding_add_extra(out, NATIVE_OPENAI, STR("input_type"), json_raw(in->doc, node),
                                   FIELD_HINT)
                   ? ERR_NONE
                   : ERR_NO_MEMORY;
    for (unsigned i = 0; i < out->count; i++)
        out->inputs[i].task = task;
    return ERR_NONE;
}

static enum err read_dimensions(struct chat_source *in, uint32_t node,
                                struct embedding_request *out)
{
    str number;
    enum err err = embedding_read_dimensions(in, node, STR("dimensions"), &number);
    for (unsigned i = 0; i < out->count; i++)
        out->inputs[i].dimensions = number;
    return err;
}

static enum err read_user(struct chat_source *in, uint32_t node, struct embedding_request *out)
{
    if (!json_is(in->doc, node, JSON_STRING))
        return invalid(in, STR("user"), STR("must be a string"));
    return json_string_decode(in->doc, node, out->arena, &out->user);
}

static enum err skip(struct chat_source *in, uint32_t node, struct embedding_request *out)
{
    (void)in, (void)node, (void)out;
    return ERR_NONE;
}

static const struct {
    str name;
    enum err (*read)(struct chat_source *in, uint32_t node, struct embedding_request *out);
} fields[] = {
    {STR_INIT("model"), skip}, /* known to the caller */
    {STR_INIT("input"), skip}, /* read before all others */
    {STR_INIT("encoding_format"), read_encoding},
    {STR_INIT("dimensions"), read_dimensions},
    {STR_INIT("user"), read_user},
    {STR_INIT("input_type"), read_task},
};

static enum err read_member(struct chat_source *in, uint32_t name, struct embedding_request *out)
{
    uint32_t value = json_value(name);
    str text;
    if (json_is(in->doc, value, JSON_NULL))
        return ERR_NONE;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (json_string_eq(in->doc, name, fields[i].name))
            return fields[i].read(in, value, out);
    if (json_string_decode(in->doc, name, out->arena, &text))
        return ERR_NO_MEMORY;
    return embedding_add_extra(out, NATIVE_OPENAI, text, json_raw(in->doc, value), FIELD_UNKNOWN)
               ? ERR_NONE
               : ERR_NO_MEMORY;
}

static enum err read_request(struct chat_source *in, struct embedding_request *out)
{
    enum err err = read_input(in, out);
    out->dialect = NATIVE_OPENAI;
    JSON_EACH (name, in->doc, JSON_ROOT) {
        if (err)
            return err;
        err = read_member(in, name, out);
    }
    return err;
}

/* --- Answer to the client. */

static void write_vector(struct json_write *w, const struct embedding_request *r,
                         const struct embedding_vector *v, unsigned i)
{
    json_write_object(w);
    json_write_member(w, STR("object"), STR("embedding"));
    json_write_member_u64(w, STR("index"), i);
    json_write_key(w, STR("embedding"));
    if (r->base64)
        embedding_write_base64(w, v);
    else
        embedding_write_numbers(w, v);
    json_write_object_end(w);
}

/* `usage` must be there; a provider that counted nothing leaves it at zero. */
static void write_answer(const struct embedding_request *r, const struct embedding_answer *a,
                         str model, struct buf *out)
{
    struct json_write w;
    uint64_t tokens = a->usage.known ? (uint64_t)a->usage.input : 0;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member(&w, STR("object"), STR("list"));
    json_write_key(&w, STR("data"));
    json_write_array(&w);
    for (unsigned i = 0; i < a->count; i++)
        write_vector(&w, r, &a->vectors[i], i);
    json_write_array_end(&w);
    json_write_member(&w, STR("model"), model);
    json_write_key(&w, STR("usage"));
    json_write_object(&w);
    json_write_member_u64(&w, STR("prompt_tokens"), tokens);
    json_write_member_u64(&w, STR("total_tokens"), tokens);
    json_write_object_end(&w);
    json_write_object_end(&w);
}

/* --- The provider's half. */

static unsigned call_max(const struct chat_target *t)
{
    (void)t;
    return EMBEDDING_INPUTS_MAX;
}

static bool write_request(const struct embedding_request *r, const struct embedding_call *call,
                          struct chat_target *t, struct buf *out)
{
    struct json_write w;
    embedding_report(r, call, t->unsupported, PLACE_DIMENSIONS, NULL, 0);
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member(&w, STR("model"), t->model);
    json_write_key(&w, STR("input"));
    json_write_array(&w);
    for (unsigned i = call->first; i < call->first + call->count; i++) {
        const struct embedding_input *in = &r->inputs[i];
        if (!str_is_null(in->text.s))
            json_write_raw_string(&w, in->text.s);
        else if (in->tokens.len)
            json_write_raw(&w, in->tokens);
        else
            unsupported_refuse(t->unsupported, in->field, "the model takes texts only");
    }
    json_write_array_end(&w);
    json_write_member_given(&w, STR("dimensions"), r->inputs[call->first].dimensions);
    json_write_member(&w, STR("encoding_format"), STR("float"));
    if (r->user.len)
        json_write_member(&w, STR("user"), r->user);
    json_write_object_end(&w);
    return !out->failed && !t->unsupported->fault.err;
}

static bool take_element(const struct json_doc *doc, uint32_t element, uint64_t position,
                         const struct embedding_call *call, struct embedding_answer *out)
{
    int64_t index = embedding_tokens(doc, element, STR("index"));
    uint64_t i = index >= 0 ? (uint64_t)index : position;
    uint32_t vector = json_member(doc, element, STR("embedding"));
    if (json_is(doc, vector, JSON_STRING))
        return embedding_put_base64(out, call, i, json_string_raw(doc, vector));
    return json_is(doc, vector, JSON_ARRAY) &&
           embedding_put_json(out, call, i, json_raw(doc, vector));
}

static enum err read_answer(str body, const struct headers *headers,
                            const struct embedding_call *call, const struct chat_target *t,
                            struct embedding_answer *out)
{
    (void)headers, (void)t;
    struct json_doc doc;
    uint64_t position = 0;
    enum err err = json_parse(&doc, out->arena, body, &down_to_vectors);
    if (err)
        return err == ERR_NO_MEMORY ? err : ERR_UPSTREAM_MALFORMED;
    uint32_t data = json_member(&doc, JSON_ROOT, STR("data"));
    if (!json_is(&doc, data, JSON_ARRAY))
        return ERR_UPSTREAM_MALFORMED;
    JSON_EACH (element, &doc, data)
        if (!take_element(&doc, element, position++, call, out))
            return ERR_UPSTREAM_MALFORMED;
    uint32_t model = json_member(&doc, JSON_ROOT, STR("model"));
    if (json_is(&doc, model, JSON_STRING) &&
        json_string_decode(&doc, model, out->arena, &out->model))
        return ERR_NO_MEMORY;
    uint32_t usage = json_member(&doc, JSON_ROOT, STR("usage"));
    int64_t tokens = embedding_tokens(&doc, usage, STR("prompt_tokens"));
    return embedding_call_done(out, call, tokens) ? ERR_NONE : ERR_UPSTREAM_MALFORMED;
}

const struct embedding_format embedding_openai = {
    .name = "openai",
    .read_request = read_request,
    .write_answer = write_answer,
    .call_max = call_max,
    .write_request = write_request,
    .read_answer = read_answer,
};
