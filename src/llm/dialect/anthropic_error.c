/* Errors of the Messages API: read, written, in answers and in streams. */
#include "llm/dialect/anthropic_impl.h"
#include "wire/sse.h"

/* Every error type of the API with the status that it stands for. */
static const struct {
    str type;
    int status;
} types[] = {
    {STR_INIT("invalid_request_error"), 400}, {STR_INIT("authentication_error"), 401},
    {STR_INIT("billing_error"), 402},         {STR_INIT("permission_error"), 403},
    {STR_INIT("not_found_error"), 404},       {STR_INIT("timeout_error"), 408},
    {STR_INIT("conflict_error"), 409},        {STR_INIT("request_too_large"), 413},
    {STR_INIT("rate_limit_error"), 429},      {STR_INIT("api_error"), 500},
    {STR_INIT("not_supported"), 501},         {STR_INIT("overloaded_error"), 503},
    {STR_INIT("timeout_error"), 504},         {STR_INIT("overloaded_error"), 529},
};

static str type_of_status(int status)
{
    for (unsigned i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].status == status)
            return types[i].type;
    return status >= 500 ? STR("api_error") : STR("invalid_request_error");
}

static bool is_type(str type)
{
    for (unsigned i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq(types[i].type, type))
            return true;
    return false;
}

static str type_of(enum err err, int status)
{
    switch (err) {
    case ERR_UPSTREAM_QUOTA:
        return STR("billing_error");
    case ERR_UPSTREAM_OVERLOADED:
        return STR("overloaded_error");
    case ERR_UPSTREAM_RATE_LIMIT:
        return STR("rate_limit_error");
    default:
        return type_of_status(status);
    }
}

/* 529 is "overloaded" to these clients, and 502 an error that says nothing. */
int anthropic_client_status(enum err err, int status)
{
    return err == ERR_UPSTREAM_OVERLOADED ? 529 : status;
}

static void write_body(struct json_write *w, str type, str message, str code, str request_id)
{
    json_write_object(w);
    json_write_member(w, STR("type"), STR("error"));
    json_write_key(w, STR("error"));
    json_write_object(w);
    json_write_member(w, STR("type"), type);
    json_write_member(w, STR("message"), message);
    if (code.len) {
        json_write_key(w, STR("details"));
        json_write_object(w);
        json_write_member(w, STR("error_code"), code);
        json_write_object_end(w);
    }
    json_write_object_end(w);
    json_write_member(w, STR("request_id"), request_id);
    json_write_object_end(w);
}

void anthropic_write_error(struct buf *out, const struct client_error *e)
{
    struct json_write w;
    str type = is_type(e->type) ? e->type : type_of(e->err, e->status);
    str code = e->code.len ? e->code : str_from_c(err_facts(e->err)->code);
    json_write_init(&w, out);
    write_body(&w, type, e->message, code, e->request_id);
}

/* Whatever happened, a client that agents are written for tries again. */
void anthropic_write_failure(struct buf *out, const struct stream_failure *f)
{
    struct json_write w;
    int status = err_facts(f->err)->status;
    str type = status == 504 ? STR("timeout_error") : type_of(f->err, 500);
    buf_add_lit(out, "event: error\ndata: ");
    json_write_init(&w, out);
    write_body(&w, type, f->message, str_from_c(err_facts(f->err)->code), f->request_id);
    buf_add_lit(out, "\n\n");
}

/* --- What providers say ------------------------------------------------------------------------------ */

enum err anthropic_error_meaning(str type)
{
    if (str_eq(type, STR("overloaded_error")))
        return ERR_UPSTREAM_OVERLOADED;
    if (str_eq(type, STR("rate_limit_error")))
        return ERR_UPSTREAM_RATE_LIMIT;
    if (str_eq(type, STR("billing_error")))
        return ERR_UPSTREAM_QUOTA;
    return ERR_UPSTREAM_STREAM_ERROR;
}

static str text_of(const struct json_doc *doc, uint32_t object, str name, struct arena *a)
{
    uint32_t node = json_member(doc, object, name);
    str text = STR_NULL;
    if (json_is(doc, node, JSON_STRING) && json_string_decode(doc, node, a, &text))
        return STR_NULL; /* no memory for words: the status says enough */
    return text;
}

void anthropic_read_fault(const struct json_doc *doc, uint32_t error, struct arena *a,
                          struct provider_fault *out)
{
    if (json_is(doc, error, JSON_STRING)) { /* {"error": "words"} of servers in between */
        if (json_string_decode(doc, error, a, &out->message))
            out->message = STR_NULL;
        return;
    }
    out->message = text_of(doc, error, STR("message"), a);
    out->type = text_of(doc, error, STR("type"), a);
    out->code = text_of(doc, json_member(doc, error, STR("details")), STR("error_code"), a);
    if (!out->code.len)
        out->code = text_of(doc, error, STR("code"), a);
    out->param = text_of(doc, error, STR("param"), a);
}

/* Its code in the words of other vendors, where this one has only a sentence. */
static str code_of_words(str message)
{
    bool too_long = str_starts(message, STR("prompt is too long")) ||
                    str_find(message, STR("exceed context limit")) >= 0;
    return too_long ? STR("context_length_exceeded") : STR_NULL;
}

void anthropic_read_error(str body, struct arena *a, struct provider_fault *out)
{
    static const str others[] = {STR_INIT("message"), STR_INIT("detail"), STR_INIT("Message")};
    struct json_doc doc;
    *out = (struct provider_fault){0};
    if (json_parse(&doc, a, body, NULL) || !json_is(&doc, JSON_ROOT, JSON_OBJECT))
        return; /* a page of the edge's */
    uint32_t error = json_member(&doc, JSON_ROOT, STR("error"));
    if (error != JSON_NONE)
        anthropic_read_fault(&doc, error, a, out);
    for (unsigned i = 0; i < ARRAY_LEN(others) && !out->message.len; i++)
        out->message = text_of(&doc, JSON_ROOT, others[i], a);
    if (!out->code.len)
        out->code = code_of_words(out->message);
}
