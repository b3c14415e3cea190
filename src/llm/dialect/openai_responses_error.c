/* Errors of the Responses API: inside streams and answers, read and written. */
#include "llm/dialect/openai_responses_impl.h"

/* --- Reading -------------------------------------------------------------------------------------------- */

static str text_of(const struct json_doc *doc, uint32_t object, str name, struct arena *a)
{
    uint32_t node = json_member(doc, object, name);
    str text = STR_NULL;
    if (json_is(doc, node, JSON_NUMBER)) /* servers that are not OpenAI's have numbers as codes */
        return json_raw(doc, node);
    if (!json_is(doc, node, JSON_STRING) || json_string_decode(doc, node, a, &text))
        return STR_NULL;
    return text;
}

static str either(const struct json_doc *doc, uint32_t error, uint32_t flat, str name,
                  struct arena *a)
{
    str text = text_of(doc, error, name, a);
    return str_is_null(text) ? text_of(doc, flat, name, a) : text;
}

/* "Please try again in 1.2s", "… in 350ms"; 0: it does not say. */
static uint64_t retry_after_ms(str message)
{
    static const str mark = STR_INIT("try again in ");
    ptrdiff_t at = str_find(message, mark);
    if (at < 0)
        return 0;
    str rest = str_from(message, (size_t)at + mark.len);
    size_t len = 0, points = 0;
    while (len < rest.len && len < 12 &&
           ((rest.ptr[len] >= '0' && rest.ptr[len] <= '9') || (rest.ptr[len] == '.' && !points)))
        points += rest.ptr[len++] == '.';
    if (!len || rest.ptr[0] == '.' || rest.ptr[len - 1] == '.')
        return 0;
    double n = json_to_double(str_first(rest, len));
    str unit = str_from(rest, len);
    n *= str_starts(unit, STR("ms")) ? 1 : str_starts(unit, STR("s")) ? 1000 : 0;
    return n > 0 && n < 1e9 ? (uint64_t)(n + 0.5) : 0;
}

void responses_read_fault(const struct json_doc *doc, uint32_t error, uint32_t flat,
                          struct arena *a, struct provider_fault *out)
{
    if (json_is(doc, error, JSON_STRING)) { /* {"error":"text"} */
        str text = STR_NULL;
        if (!json_string_decode(doc, error, a, &text))
            out->message = text;
        return;
    }
    out->message = either(doc, error, flat, STR("message"), a);
    out->type = text_of(doc, error, STR("type"), a); /* flat, it is the event's */
    out->code = either(doc, error, flat, STR("code"), a);
    out->param = either(doc, error, flat, STR("param"), a);
    out->retry_after_ms = retry_after_ms(out->message);
}

void responses_read_error(str body, struct arena *a, struct provider_fault *out)
{
    static const str others[] = {STR_INIT("message"), STR_INIT("detail")};
    struct json_doc doc;
    *out = (struct provider_fault){0};
    if (json_parse(&doc, a, body, NULL) || !json_is(&doc, JSON_ROOT, JSON_OBJECT))
        return; /* a page of the edge's */
    uint32_t error = json_member(&doc, JSON_ROOT, STR("error"));
    responses_read_fault(&doc, error != JSON_NONE ? error : JSON_ROOT, JSON_NONE, a, out);
    for (unsigned i = 0; i < ARRAY_LEN(others) && !out->message.len; i++)
        out->message = text_of(&doc, JSON_ROOT, others[i], a);
}

enum err responses_error_meaning(str code, str type)
{
    static const struct {
        const char *glob;
        enum err err;
    } rows[] = {
        {"rate_limit_exceeded", ERR_UPSTREAM_RATE_LIMIT},
        {"slow_down", ERR_UPSTREAM_RATE_LIMIT},
        {"server_is_overloaded", ERR_UPSTREAM_OVERLOADED},
        {"insufficient_quota", ERR_UPSTREAM_QUOTA},
        {"credit_balance_exhausted", ERR_UPSTREAM_QUOTA},
        {"*_spend_limit_exceeded", ERR_UPSTREAM_QUOTA},
        {"organization_usage_limit_exceeded", ERR_UPSTREAM_QUOTA},
        {"usage_not_included", ERR_UPSTREAM_QUOTA},
        {"vector_store_timeout", ERR_UPSTREAM_STREAM_ERROR},
        {"failed_to_download_image", ERR_UPSTREAM_STREAM_ERROR},
        {"context_length_exceeded", ERR_UPSTREAM_REFUSED_REQUEST},
        {"content_filter", ERR_UPSTREAM_REFUSED_REQUEST},
        {"data_residency_mismatch", ERR_UPSTREAM_REFUSED_REQUEST},
        {"*_policy", ERR_UPSTREAM_REFUSED_REQUEST},
        {"*_policy_violation", ERR_UPSTREAM_REFUSED_REQUEST},
        {"invalid_*", ERR_UPSTREAM_REFUSED_REQUEST},
        {"image_*", ERR_UPSTREAM_REFUSED_REQUEST},
        {"unsupported_*", ERR_UPSTREAM_REFUSED_REQUEST},
        {"empty_image_file", ERR_UPSTREAM_REFUSED_REQUEST},
        {"model_not_found", ERR_UPSTREAM_NOT_FOUND},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        if (code.len && str_glob(str_from_c(rows[i].glob), code))
            return rows[i].err;
    if (str_eq(type, STR("invalid_request_error")))
        return ERR_UPSTREAM_REFUSED_REQUEST;
    return ERR_UPSTREAM_STREAM_ERROR;
}

/* --- Writing --------------------------------------------------------------------------------------------- */

static void write_or_null(struct json_write *w, str key, str text)
{
    json_write_key(w, key);
    if (text.len)
        json_write_string(w, text);
    else
        json_write_null(w);
}

/* The provider's own words where it worded the error. */
void responses_write_error(struct buf *out, const struct client_error *e)
{
    const struct err_facts *facts = err_facts(e->err);
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("error"));
    json_write_object(&w);
    json_write_member(&w, STR("message"), e->message);
    json_write_member(&w, STR("type"), e->type.len ? e->type : str_from_c(facts->type));
    write_or_null(&w, STR("param"), e->param);
    write_or_null(&w, STR("code"), e->type.len || e->code.len ? e->code : str_from_c(facts->code));
    json_write_object_end(&w);
    json_write_object_end(&w);
    buf_add_byte(out, '\n');
}

static void begin(struct json_write *w, struct buf *out, str type, uint64_t sequence)
{
    buf_add_lit(out, "event: ");
    buf_add_str(out, type);
    buf_add_lit(out, "\ndata: ");
    json_write_init(w, out);
    json_write_object(w);
    json_write_member(w, STR("type"), type);
    json_write_member_u64(w, STR("sequence_number"), sequence);
}

static void end(struct json_write *w)
{
    json_write_object_end(w);
    buf_add_lit(w->out, "\n\n");
}

static void write_words(struct json_write *w, const struct stream_failure *f)
{
    json_write_member(w, STR("code"), str_from_c(err_code(f->err)));
    json_write_member(w, STR("message"), f->message);
    json_write_member_raw(w, STR("param"), STR("null"));
}

/* Nested is what SDKs raise on, flat what the API documents. */
static void write_error_event(struct buf *out, const struct stream_failure *f)
{
    struct json_write w;
    begin(&w, out, STR("error"), f->events);
    write_words(&w, f);
    json_write_key(&w, STR("error"));
    json_write_object(&w);
    json_write_member(&w, STR("type"), STR("server_error"));
    write_words(&w, f);
    json_write_member(&w, STR("request_id"), f->request_id);
    json_write_object_end(&w);
    end(&w);
}

/* What agents retry on: any code does but those of the request's own faults. */
static void write_failed_event(struct buf *out, const struct stream_failure *f)
{
    struct json_write w;
    begin(&w, out, STR("response.failed"), f->events + 1);
    json_write_key(&w, STR("response"));
    json_write_object(&w);
    json_write_member(&w, STR("id"), f->answer_id.len ? f->answer_id : f->request_id);
    json_write_member(&w, STR("object"), STR("response"));
    json_write_member_u64(&w, STR("created_at"), 0);
    json_write_member(&w, STR("model"), f->model);
    json_write_member(&w, STR("status"), STR("failed"));
    json_write_key(&w, STR("error"));
    json_write_object(&w);
    json_write_member(&w, STR("code"), STR("server_error"));
    json_write_member(&w, STR("message"), f->message);
    json_write_object_end(&w);
    json_write_member_raw(&w, STR("incomplete_details"), STR("null"));
    json_write_member_raw(&w, STR("instructions"), STR("null"));
    json_write_member_raw(&w, STR("output"), STR("[]"));
    json_write_member_raw(&w, STR("parallel_tool_calls"), STR("true"));
    json_write_member_raw(&w, STR("metadata"), STR("{}"));
    json_write_member(&w, STR("tool_choice"), STR("auto"));
    json_write_member_raw(&w, STR("tools"), STR("[]"));
    json_write_member_raw(&w, STR("temperature"), STR("1.0"));
    json_write_member_raw(&w, STR("top_p"), STR("1.0"));
    json_write_member_raw(&w, STR("access_programs"), STR("null"));
    json_write_member_raw(&w, STR("usage"), STR("null"));
    json_write_object_end(&w);
    end(&w);
}

/* The sequence goes on from a number that no relayed event can have had. */
void responses_write_failure(struct buf *out, const struct stream_failure *f)
{
    write_error_event(out, f);
    write_failed_event(out, f);
}
