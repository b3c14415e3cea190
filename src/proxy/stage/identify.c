/*
 * Who asks for what: the request id, the client's address, the endpoint that the path names, the
 * x-gateway-* wishes.  Local pages are answered here.
 */
#include "base/uuid.h"
#include "llm/gemini_path.h"
#include "proxy/client_address.h"
#include "proxy/cors.h"
#include "proxy/gateway_headers.h"
#include "proxy/stage.h"
#include "wire/url.h"

enum { REQUEST_ID_MAX = 128 };

static bool id_is_fine(str id)
{
    if (id.len == 0 || id.len > REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (id.ptr[i] <= ' ' || id.ptr[i] > '~')
            return false;
    return true;
}

static bool take_id(struct request *r)
{
    str given = head_known(&r->ex->head->headers, HEADER_X_REQUEST_ID);
    if (id_is_fine(given)) {
        r->rec.id = given;
        return true;
    }
    char *text = arena_alloc(r->arena, UUID_TEXT_LEN);
    if (!text)
        return false;
    uuid_v7(text, loop_wall_us() / 1000);
    r->rec.id = str_make(text, UUID_TEXT_LEN);
    return true;
}

/* "version-traceid-parentid-flags" (W3C Trace Context section 3.2). */
static str trace_id_of(str traceparent)
{
    return traceparent.len >= 55 && traceparent.ptr[2] == '-' && traceparent.ptr[35] == '-'
               ? str_make(traceparent.ptr + 3, 32)
               : STR_NULL;
}

static bool answer_local_page(struct request *r)
{
    const struct worker_options *o = &r->worker->options;
    const struct request_head *head = r->ex->head;
    for (const struct local_page *p = o->pages; p && p->path; p++) {
        if (!str_eq(head->path, str_from_c(p->path)))
            continue;
        struct local_answer a = {.status = 200, .content_type = STR("application/json")};
        r->rec.is_local = true;
        if (head->method != METHOD_GET && head->method != METHOD_HEAD) {
            r->allow = STR("GET, HEAD");
            request_fail(r, ERR_METHOD_WRONG, STR("This page is for GET."), STR_NULL);
            return true;
        }
        p->page(o->pages_arg, r->conf, head, r->arena, &a);
        struct header no_store = {.name = STR_INIT("cache-control"), .value = STR_INIT("no-store")};
        request_answer(r, a.status, a.content_type, a.body, &no_store, 1);
        return true;
    }
    return false;
}

/* "/openai/deployments/{name}/chat/completions" -> "/chat/completions" and the name; also
 * "/openai/v1/..." and "/openai/...".  Null: not of that kind. */
static str azure_path(struct request *r, str path)
{
    if (!str_starts(path, STR("/openai/")))
        return STR_NULL;
    path = str_from(path, sizeof("/openai") - 1);
    if (str_starts(path, STR("/v1/")))
        return str_from(path, sizeof("/v1") - 1);
    if (!str_starts(path, STR("/deployments/")))
        return path;
    str name = str_from(path, sizeof("/deployments/") - 1);
    ptrdiff_t slash = str_find_byte(name, '/');
    if (slash <= 0)
        return STR_NULL;
    r->path_model = url_path_id(str_first(name, (size_t)slash), r->arena);
    return str_from(name, (size_t)slash);
}

static enum stage_verdict refuse_path(struct request *r, str path)
{
    if (str_starts(path, STR("/v1/v1/")))
        return stage_refuse(r, ERR_PATH_UNKNOWN, STR_NULL,
                            "Unknown path %.*s: /v1 is doubled. The client adds it itself; set its "
                            "base URL with one /v1 only.",
                            STR_ARG(path));
    return stage_refuse(r, ERR_PATH_UNKNOWN, STR_NULL,
                        "Unknown path %.*s. Chat is POST /v1/chat/completions, the models are "
                        "listed at GET /v1/models.",
                        STR_ARG(str_first(path, 200)));
}

static enum stage_verdict refuse_method(struct request *r, const char *allow)
{
    r->allow = str_from_c(allow);
    return stage_refuse(r, ERR_METHOD_WRONG, STR_NULL, "%.*s is not for %.*s; use %s.",
                        STR_ARG(r->ex->head->method_text), STR_ARG(r->ex->head->path), allow);
}

/* A path of Google's form: model and method are one segment of it. */
static enum stage_verdict gemini_endpoint(struct request *r, enum gemini_path_result result,
                                          const struct gemini_path *found)
{
    r->dialect = dialect_of(ENDPOINT_GENERATE);
    if (result == GEMINI_PATH_METHOD_WRONG)
        return refuse_method(r, found->kind == ENDPOINT_MODELS ? "GET, HEAD" : "POST");
    if (result == GEMINI_PATH_UNKNOWN)
        return stage_refuse(r, ERR_PATH_UNKNOWN, STR_NULL,
                            "Unknown path %.*s. The methods of models here are generateContent, "
                            "streamGenerateContent, countTokens, embedContent and "
                            "batchEmbedContents.",
                            STR_ARG(str_first(r->ex->head->path, 200)));
    str model = found->model.len ? url_path_id(found->model, r->arena) : STR_NULL;
    if (found->model.len && str_is_null(model))
        return stage_refuse(r, ERR_PATH_UNKNOWN, STR_NULL,
                            "The model in the path is not readable.");
    r->kind = found->kind;
    r->path_model = model;
    r->path_stream = found->stream;
    r->path_array = found->array;
    r->rest = STR("");
    if (r->kind == ENDPOINT_MODELS && model.len)
        r->rest = arena_printf(r->arena, "/%.*s", STR_ARG(found->model));
    r->rec.endpoint = endpoint_facts(r->kind)->name;
    return STAGE_NEXT;
}

/* The path behind the version; null: it has none.  Says whose errors it gets, too. */
static str api_path(struct request *r, str path)
{
    if (str_starts(path, STR("/anthropic/v1/")))
        path = str_from(path, sizeof("/anthropic") - 1);
    if (str_starts(path, STR("/v1/messages")))
        r->dialect = dialect_of(ENDPOINT_MESSAGES);
    return str_starts(path, STR("/v1/")) ? str_from(path, sizeof("/v1") - 1) : azure_path(r, path);
}

static enum stage_verdict find_endpoint(struct request *r)
{
    const struct request_head *head = r->ex->head;
    struct gemini_path gemini;
    enum gemini_path_result result =
        gemini_path_read(head->path, head->query, head->method_text, &gemini);
    if (result != GEMINI_PATH_FOREIGN)
        return gemini_endpoint(r, result, &gemini);
    str path = api_path(r, head->path);
    if (str_is_null(path))
        return refuse_path(r, head->path);
    switch (endpoint_find(path, head->method_text, &r->kind, &r->rest)) {
    case ENDPOINT_FOUND:
        r->rec.endpoint = endpoint_facts(r->kind)->name;
        if (r->kind != ENDPOINT_MODELS)
            r->dialect = dialect_of(r->kind);
        return STAGE_NEXT;
    case ENDPOINT_METHOD_WRONG:
        return refuse_method(r, endpoint_allow(path).ptr);
    case ENDPOINT_PATH_UNKNOWN:
        break;
    }
    return refuse_path(r, head->path);
}

enum stage_verdict stage_identify(struct request *r)
{
    const struct headers *h = &r->ex->head->headers;
    if (!take_id(r) || !client_address_take(r))
        return stage_refuse(r, ERR_NO_MEMORY, STR_NULL, "No memory for the request.");
    r->rec.trace_id = trace_id_of(head_known(h, HEADER_TRACEPARENT));
    if (answer_local_page(r) || cors_answer_preflight(r))
        return STAGE_DONE;
    enum stage_verdict found = find_endpoint(r);
    return found == STAGE_NEXT ? gateway_headers_take(r) : found;
}
