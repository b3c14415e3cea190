/*
 * Who asks for what: the request id, the client's address, the endpoint that the path names, the
 * x-gateway-* wishes.  Local pages are answered here.
 */
#include "base/uuid.h"
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

static enum stage_verdict find_endpoint(struct request *r)
{
    const struct request_head *head = r->ex->head;
    str path = str_starts(head->path, STR("/v1/")) ? str_from(head->path, sizeof("/v1") - 1)
                                                   : azure_path(r, head->path);
    if (str_is_null(path))
        return refuse_path(r, head->path);
    switch (endpoint_find(path, head->method_text, &r->kind, &r->rest)) {
    case ENDPOINT_FOUND:
        r->rec.endpoint = endpoint_facts(r->kind)->name;
        return STAGE_NEXT;
    case ENDPOINT_METHOD_WRONG:
        r->allow = endpoint_allow(path);
        return stage_refuse(r, ERR_METHOD_WRONG, STR_NULL, "%.*s is not for %.*s; use %.*s.",
                            STR_ARG(head->method_text), STR_ARG(head->path), STR_ARG(r->allow));
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
