/* Errors of Gemini's API: what they mean, and how ours look to its clients. */
#include "llm/dialect/gemini_impl.h"
#include "llm/provider.h"

/* Status names (google.rpc.Code) and HTTP; the first name of a status is the one that is written. */
static const struct {
    str name;
    int status;
} statuses[] = {
    {STR_INIT("INVALID_ARGUMENT"), 400},
    {STR_INIT("FAILED_PRECONDITION"), 400},
    {STR_INIT("OUT_OF_RANGE"), 400},
    {STR_INIT("UNAUTHENTICATED"), 401},
    {STR_INIT("PERMISSION_DENIED"), 403},
    {STR_INIT("NOT_FOUND"), 404},
    {STR_INIT("ABORTED"), 409},
    {STR_INIT("ALREADY_EXISTS"), 409},
    {STR_INIT("RESOURCE_EXHAUSTED"), 429},
    {STR_INIT("CANCELLED"), 499},
    {STR_INIT("INTERNAL"), 500},
    {STR_INIT("UNKNOWN"), 500},
    {STR_INIT("DATA_LOSS"), 500},
    {STR_INIT("UNIMPLEMENTED"), 501},
    {STR_INIT("UNAVAILABLE"), 502},
    {STR_INIT("UNAVAILABLE"), 503},
    {STR_INIT("DEADLINE_EXCEEDED"), 504},
    {STR_INIT("DEADLINE_EXCEEDED"), 408},
};

const char *gemini_status_name(int status)
{
    for (unsigned i = 0; i < ARRAY_LEN(statuses); i++)
        if (statuses[i].status == status)
            return statuses[i].name.ptr;
    return status >= 500 ? "INTERNAL" : "INVALID_ARGUMENT";
}

static int status_of_name(const struct json_doc *doc, uint32_t name)
{
    for (unsigned i = ARRAY_LEN(statuses); i-- > 0 && json_is(doc, name, JSON_STRING);)
        if (json_string_eq(doc, name, statuses[i].name))
            return statuses[i].status;
    return 0;
}

/* --- Reading --------------------------------------------------------------------------------- */

uint32_t gemini_error_node(const struct json_doc *doc)
{
    uint32_t root = JSON_ROOT;
    if (json_is(doc, root, JSON_ARRAY) && !json_node(doc, root)->opaque)
        root = json_first(doc, root);
    uint32_t error = json_member(doc, root, STR("error"));
    return json_is(doc, error, JSON_OBJECT) || json_is(doc, error, JSON_STRING) ? error : JSON_NONE;
}

/* A bad key is a 400 that says so; a day's quota does not come back in a minute. */
enum err gemini_meaning(int status, str body)
{
    if (status == 400 && str_find(body, STR("API_KEY_INVALID")) >= 0)
        return ERR_UPSTREAM_AUTH;
    if (status == 429 && str_find(body, STR("PerDay")) >= 0)
        return ERR_UPSTREAM_QUOTA;
    return provider_classify_default(status, body);
}

enum err gemini_error_err(const struct json_doc *doc, uint32_t error)
{
    int64_t status = 0;
    uint32_t code = json_member(doc, error, STR("code"));
    if (json_is(doc, code, JSON_NUMBER) && !json_to_i64(json_raw(doc, code), &status))
        status = 0;
    if (status < 400 || status > 599)
        status = status_of_name(doc, json_member(doc, error, STR("status")));
    if (status == 0)
        return ERR_UPSTREAM_STREAM_ERROR;
    enum err err = gemini_meaning((int)status, json_raw(doc, error));
    return err == ERR_UPSTREAM_STATUS ? ERR_UPSTREAM_STREAM_ERROR : err;
}

static str text_of(const struct json_doc *doc, uint32_t object, str name, struct arena *a)
{
    uint32_t node = json_member(doc, object, name);
    str text = STR_NULL;
    if (json_is(doc, node, JSON_STRING) && json_string_decode(doc, node, a, &text))
        return STR_NULL; /* no memory for words: the status says enough */
    return text;
}

/* "38s", "0.5s" */
static uint64_t delay_ms(str text)
{
    if (!str_ends(text, STR("s")))
        return 0;
    text.len--;
    str whole = str_split(&text, '.'), part = str_first(text, 3);
    uint64_t seconds, thousandths = 0;
    if (!str_to_u64(whole, &seconds) || seconds > 1000000)
        return 0;
    if (part.len && !str_to_u64(part, &thousandths))
        return 0;
    for (size_t i = part.len; i < 3; i++)
        thousandths *= 10;
    return seconds * 1000 + thousandths;
}

static void read_detail(const struct json_doc *doc, uint32_t detail, struct arena *a,
                        struct provider_fault *out)
{
    str type = text_of(doc, detail, STR("@type"), a);
    if (str_ends(type, STR("google.rpc.RetryInfo"))) {
        out->retry_after_ms = delay_ms(text_of(doc, detail, STR("retryDelay"), a));
    } else if (str_ends(type, STR("google.rpc.ErrorInfo"))) {
        out->code = text_of(doc, detail, STR("reason"), a);
    } else if (str_ends(type, STR("google.rpc.BadRequest"))) {
        uint32_t list = json_member(doc, detail, STR("fieldViolations"));
        if (json_is(doc, list, JSON_ARRAY) && json_count(doc, list))
            out->param = text_of(doc, json_first(doc, list), STR("field"), a);
    }
}

/* "The input token count (N) exceeds the maximum number of tokens allowed (M)." */
static bool is_too_long(str message)
{
    return str_find(message, STR("input token count")) >= 0 &&
           str_find(message, STR("exceeds the maximum")) >= 0;
}

void gemini_fault_of(const struct json_doc *doc, uint32_t error, struct arena *a,
                     struct provider_fault *out)
{
    if (json_is(doc, error, JSON_STRING)) { /* {"error": "words"} of servers in between */
        if (json_string_decode(doc, error, a, &out->message))
            out->message = STR_NULL;
        return;
    }
    out->message = text_of(doc, error, STR("message"), a);
    out->type = text_of(doc, error, STR("status"), a);
    if (is_too_long(out->message))
        out->code = STR("context_length_exceeded");
    uint32_t details = json_member(doc, error, STR("details"));
    if (json_is(doc, details, JSON_ARRAY) && !json_node(doc, details)->opaque)
        JSON_EACH (detail, doc, details)
            read_detail(doc, detail, a, out);
}

void gemini_read_error(str body, struct arena *a, struct provider_fault *out)
{
    struct json_doc doc;
    *out = (struct provider_fault){.message = STR_NULL};
    if (json_parse(&doc, a, body, NULL)) {
        out->message = str_trim(body);
        return;
    }
    uint32_t error = gemini_error_node(&doc);
    if (error != JSON_NONE)
        gemini_fault_of(&doc, error, a, out);
    if (str_is_null(
            out->message)) /* OAuth's {"error": …, "error_description": …}, or another shape */
        out->message = text_of(&doc, JSON_ROOT, STR("message"), a);
}

/* --- Writing --------------------------------------------------------------------------------- */

static void write_info(struct json_write *w, str reason, str request_id)
{
    json_write_object(w);
    json_write_member(w, STR("@type"), STR("type.googleapis.com/google.rpc.ErrorInfo"));
    json_write_member(w, STR("reason"), reason);
    json_write_member(w, STR("domain"), STR("llm-gateway"));
    json_write_key(w, STR("metadata"));
    json_write_object(w);
    json_write_member(w, STR("request_id"), request_id);
    json_write_object_end(w);
    json_write_object_end(w);
}

static void write_violation(struct json_write *w, str field, str message)
{
    json_write_object(w);
    json_write_member(w, STR("@type"), STR("type.googleapis.com/google.rpc.BadRequest"));
    json_write_key(w, STR("fieldViolations"));
    json_write_array(w);
    json_write_object(w);
    json_write_member(w, STR("field"), field);
    json_write_member(w, STR("description"), message);
    json_write_object_end(w);
    json_write_array_end(w);
    json_write_object_end(w);
}

static void write_body(struct buf *out, const struct client_error *e)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("error"));
    json_write_object(&w);
    json_write_member_u64(&w, STR("code"), (uint64_t)e->status);
    json_write_member(&w, STR("message"), e->message);
    json_write_member(&w, STR("status"), str_from_c(gemini_status_name(e->status)));
    json_write_key(&w, STR("details"));
    json_write_array(&w);
    write_info(&w, e->code.len ? e->code : str_from_c(err_code(e->err)), e->request_id);
    if (e->param.len)
        write_violation(&w, e->param, e->message);
    json_write_array_end(&w);
    json_write_object_end(&w);
    json_write_object_end(&w);
}

void gemini_write_error(struct buf *out, const struct client_error *e)
{
    write_body(out, e);
}

/* Clients look for an error in each event, and take it for one when its code is a number. */
void gemini_write_failure(struct buf *out, const struct stream_failure *f)
{
    struct client_error e = {
        .err = f->err,
        .status = gemini_client_status(f->err, err_facts(f->err)->status),
        .message = f->message,
        .request_id = f->request_id,
    };
    buf_add_lit(out, "data: ");
    write_body(out, &e);
    buf_add_lit(out, "\n\n");
}

/* Overload is 503 to these clients. */
int gemini_client_status(enum err err, int status)
{
    return err == ERR_UPSTREAM_OVERLOADED ? 503 : status;
}
