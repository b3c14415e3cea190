/* Errors of chat completions, as OpenAI and the servers of its format word them, read and written. */
#include "llm/dialect/openai_chat_impl.h"

/* --- Reading ---------------------------------------------------------------------------------------------- */

static str text_member(const struct json_doc *doc, uint32_t object, str name, struct arena *a)
{
    uint32_t node = json_member(doc, object, name);
    str text = STR_NULL;
    if (json_is(doc, node, JSON_STRING) && json_string_decode(doc, node, a, &text))
        return STR_NULL;
    return json_is(doc, node, JSON_NUMBER) ? json_raw(doc, node) : text;
}

/* FastAPI's list of what is wrong: [{"loc": […], "msg": "field required"}]. */
static void read_details(const struct json_doc *doc, uint32_t list, struct arena *a,
                         struct provider_fault *out)
{
    uint32_t first = json_node(doc, list)->opaque ? JSON_NONE : json_first(doc, list);
    out->message = text_member(doc, first, STR("msg"), a);
    out->type = text_member(doc, first, STR("type"), a);
}

void openai_read_fault(const struct json_doc *doc, uint32_t error, struct arena *a,
                       struct provider_fault *out)
{
    if (json_is(doc, error, JSON_STRING)) {
        if (json_string_decode(doc, error, a, &out->message))
            out->message = STR_NULL;
        return;
    }
    if (json_is(doc, error, JSON_ARRAY)) {
        read_details(doc, error, a, out);
        return;
    }
    out->message = text_member(doc, error, STR("message"), a);
    out->type = text_member(doc, error, STR("type"), a);
    out->code = text_member(doc, error, STR("code"), a);
    out->param = text_member(doc, error, STR("param"), a);
    if (str_eq(out->type, STR("exceed_context_size_error"))) { /* llama.cpp */
        out->type = STR("invalid_request_error");
        out->code = STR("context_length_exceeded");
    }
}

enum err openai_fault_meaning(const struct provider_fault *f)
{
    static const struct {
        str word; /* a code or a type */
        enum err err;
    } rows[] = {
        {STR_INIT("insufficient_quota"), ERR_UPSTREAM_QUOTA},
        {STR_INIT("credit_balance_exhausted"), ERR_UPSTREAM_QUOTA},
        {STR_INIT("organization_spend_limit_exceeded"), ERR_UPSTREAM_QUOTA},
        {STR_INIT("project_spend_limit_exceeded"), ERR_UPSTREAM_QUOTA},
        {STR_INIT("organization_usage_limit_exceeded"), ERR_UPSTREAM_QUOTA},
        {STR_INIT("billing_hard_limit_reached"), ERR_UPSTREAM_QUOTA},
        {STR_INIT("credit_limit"), ERR_UPSTREAM_QUOTA},
        {STR_INIT("rate_limit_exceeded"), ERR_UPSTREAM_RATE_LIMIT},
        {STR_INIT("rate_limit_error"), ERR_UPSTREAM_RATE_LIMIT},
        {STR_INIT("rate_limit"), ERR_UPSTREAM_RATE_LIMIT},
        {STR_INIT("RateLimitReached"), ERR_UPSTREAM_RATE_LIMIT},
        {STR_INIT("slow_down"), ERR_UPSTREAM_RATE_LIMIT},
        {STR_INIT("429"), ERR_UPSTREAM_RATE_LIMIT},
        {STR_INIT("overloaded"), ERR_UPSTREAM_OVERLOADED},
        {STR_INIT("overloaded_error"), ERR_UPSTREAM_OVERLOADED},
        {STR_INIT("server_is_overloaded"), ERR_UPSTREAM_OVERLOADED},
        {STR_INIT("service_unavailable_error"), ERR_UPSTREAM_OVERLOADED},
        {STR_INIT("unavailable_error"), ERR_UPSTREAM_OVERLOADED},
        {STR_INIT("NoCapacity"), ERR_UPSTREAM_OVERLOADED},
        {STR_INIT("503"), ERR_UPSTREAM_OVERLOADED},
        {STR_INIT("529"), ERR_UPSTREAM_OVERLOADED},
        {STR_INIT("context_length_exceeded"), ERR_UPSTREAM_REFUSED_REQUEST},
        {STR_INIT("content_filter"), ERR_UPSTREAM_REFUSED_REQUEST},
        {STR_INIT("invalid_request_error"), ERR_UPSTREAM_REFUSED_REQUEST},
        {STR_INIT("BadRequestError"), ERR_UPSTREAM_REFUSED_REQUEST},
        {STR_INIT("400"), ERR_UPSTREAM_REFUSED_REQUEST},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(f->code, rows[i].word) || str_eq(f->type, rows[i].word))
            return rows[i].err;
    return ERR_UPSTREAM_STREAM_ERROR;
}

void openai_chat_read_error(str body, struct arena *a, struct provider_fault *out)
{
    static const str others[] = {STR_INIT("message"), STR_INIT("detail")};
    struct json_doc doc;
    *out = (struct provider_fault){0};
    if (json_parse(&doc, a, body, &(struct json_options){.index_depth = 4}))
        return; /* a page of the edge's */
    uint32_t root = JSON_ROOT;
    if (json_is(&doc, root, JSON_ARRAY)) /* Google's compatible layer */
        root = json_first(&doc, root);
    uint32_t error = json_member(&doc, root, STR("error"));
    if (!json_is(&doc, error, JSON_OBJECT) && !json_is(&doc, error, JSON_STRING))
        error = root; /* vLLM's older form, API Management's */
    openai_read_fault(&doc, error, a, out);
    for (unsigned i = 0; i < ARRAY_LEN(others) && !out->message.len; i++) {
        uint32_t other = json_member(&doc, root, others[i]);
        if (json_is(&doc, other, JSON_STRING) || json_is(&doc, other, JSON_ARRAY))
            openai_read_fault(&doc, other, a, out);
    }
}

/* --- Writing ---------------------------------------------------------------------------------------------- */

void openai_chat_write_error(struct buf *out, const struct client_error *e)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("error"));
    json_write_object(&w);
    json_write_member(&w, STR("message"), e->message);
    json_write_member(&w, STR("type"), e->type.len ? e->type : str_from_c(err_facts(e->err)->type));
    json_write_key(&w, STR("param"));
    if (str_is_null(e->param))
        json_write_null(&w);
    else
        json_write_string(&w, e->param);
    json_write_member(&w, STR("code"), e->code.len ? e->code : str_from_c(err_code(e->err)));
    json_write_object_end(&w);
    json_write_object_end(&w);
    buf_add_byte(out, '\n');
}
