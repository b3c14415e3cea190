#include "proxy/upstream.h"

#include "llm/provider.h"
#include "proxy/body.h"
#include "proxy/prepare.h"
#include "proxy/translate.h"
#include "wire/json_edit.h"
#include "wire/url.h"

static bool streams_usage(enum endpoint_kind kind)
{
    return kind == ENDPOINT_CHAT || kind == ENDPOINT_COMPLETIONS;
}

/* --- Fields ------------------------------------------------------------------------------- */

static bool is_named(const str *names, unsigned count, str name)
{
    for (unsigned i = 0; i < count; i++)
        if (str_ieq(names[i], name))
            return true;
    return false;
}

/* The client's fields that go on. */
static bool goes_on(const struct provider_conf *p, const struct header *h, bool raw_body,
                    bool translated, enum native_format native)
{
    switch (h->id) {
    case HEADER_CONTENT_TYPE:
    case HEADER_ACCEPT:
        return !translated;
    case HEADER_OPENAI_BETA: /* they speak of a format */
        return !translated && native == NATIVE_OPENAI;
    case HEADER_ANTHROPIC_BETA:
    case HEADER_ANTHROPIC_VERSION:
        return !translated && native == NATIVE_ANTHROPIC;
    case HEADER_IDEMPOTENCY_KEY:
    case HEADER_TRACEPARENT:
    case HEADER_TRACESTATE:
        return true;
    case HEADER_CONTENT_ENCODING:
        return raw_body; /* JSON bodies were decoded */
    case HEADER_OPENAI_ORGANIZATION:
    case HEADER_OPENAI_PROJECT:
        return p->forward_organization;
    case HEADER_AUTHORIZATION:
    case HEADER_X_API_KEY:
    case HEADER_API_KEY:
        return p->credentials == CREDENTIALS_PASSTHROUGH;
    default:
        break;
    }
    return p->forward_header_count && !header_is_hop_by_hop(h->id) &&
           !str_starts(h->name, STR("x-gateway-")) &&
           is_named(p->forward_headers, p->forward_header_count, h->name);
}

static bool add_client_fields(const struct request *r, const struct attempt *a, struct headers *out)
{
    const struct provider_conf *p = a->target->provider;
    const struct headers *in = &r->ex->head->headers;
    bool raw = endpoint_facts(r->kind)->body == ENDPOINT_BODY_RAW;
    for (unsigned i = 0; i < in->count; i++) {
        const struct header *h = &in->list[i];
        if (goes_on(p, h, raw, a->translated != NULL, r->dialect->native) &&
            !head_add_same(out, r->arena, h))
            return false;
    }
    return true;
}

static bool add_own_fields(const struct request *r, const struct provider_conf *p,
                           struct headers *out)
{
    bool json = endpoint_facts(r->kind)->body == ENDPOINT_BODY_JSON;
    if (json && !out->first[HEADER_CONTENT_TYPE] &&
        !head_add_known(out, r->arena, HEADER_CONTENT_TYPE, STR("application/json")))
        return false;
    if (!head_add_known(out, r->arena, HEADER_X_REQUEST_ID, r->rec.id) ||
        !head_add_known(out, r->arena, HEADER_USER_AGENT, r->worker->user_agent))
        return false;
    for (unsigned i = 0; i < p->header_count; i++)
        if (!head_add(out, r->arena, p->headers[i].name, p->headers[i].value))
            return false;
    return true;
}

/* --- Body --------------------------------------------------------------------------------- */

/* Usage is always known: streams are asked for it, and the extra event hidden again. */
static void ask_for_usage(struct request *r, const struct provider_conf *p, struct json_edit *e)
{
    if (!r->stream || r->usage_wanted || !p->stream_usage || !streams_usage(r->kind))
        return;
    uint32_t options = json_member(&r->doc, JSON_ROOT, STR("stream_options"));
    if (json_is(&r->doc, options, JSON_OBJECT))
        json_edit_set(e, options, STR("include_usage"), STR("true"));
    else
        json_edit_set(e, JSON_ROOT, STR("stream_options"), STR("{\"include_usage\":true}"));
}

static bool edited_body(struct request *r, struct json_edit *edit, struct call_request *out)
{
    struct json_parts parts;
    if (json_edit_finish(edit, &parts))
        return false;
    struct slice *slices = arena_alloc(r->arena, (parts.count + 1) * sizeof(*slices));
    if (!slices)
        return false;
    struct chunk *chunk = r->body_whole.chunk; /* its bytes need no copy, wherever they wait */
    for (size_t i = 0; i < parts.count; i++) {
        str part = parts.parts[i];
        bool inside = chunk && part.ptr >= chunk->data && part.ptr < chunk->data + CHUNK_ROOM;
        slices[i] = (struct slice){inside ? chunk : NULL, part.ptr, part.len};
    }
    out->body = slices;
    out->body_count = (unsigned)parts.count;
    out->content_length = (int64_t)parts.bytes;
    return true;
}

static bool json_body(struct request *r, const struct attempt *a,
                      const struct provider_request *asked, struct call_request *out)
{
    const struct target *t = a->target;
    const struct provider *p = t->provider->provider;
    struct json_edit edit;
    json_edit_init(&edit, &r->doc, r->arena);
    bool named = p->edit_body && p->edit_body(asked, &edit);
    if (!named && t->model.len && r->model_node &&
        !json_string_eq(&r->doc, r->model_node, t->model))
        json_edit_replace_string(&edit, r->model_node, t->model);
    ask_for_usage(r, t->provider, &edit);
    return edited_body(r, &edit, out);
}

/* The beginning that was gathered, with the model's value replaced; the rest follows as it comes. */
static bool form_body(struct request *r, const struct attempt *a, struct call_request *out)
{
    str prefix = body_gathered(r);
    const struct multipart_field *model = multipart_field(r->form, STR("model"));
    struct slice *slices = arena_alloc(r->arena, 3 * sizeof(*slices));
    int64_t length = r->ex->head->content_length;
    if (!slices)
        return false;
    slices[0] = SLICE_BORROWED(prefix);
    out->body = slices;
    out->body_count = 1;
    if (model && a->target->model.len) {
        slices[0].len = model->start;
        slices[1] = SLICE_BORROWED(a->target->model);
        slices[2] = SLICE_BORROWED(str_from(prefix, model->start + model->len));
        out->body_count = 3;
        if (length >= 0)
            length += (int64_t)a->target->model.len - (int64_t)model->len;
    }
    out->content_length = length;
    out->body_more = !r->body_complete || r->body_streamed; /* the attempt holds what came since */
    return true;
}

static bool translated_body(struct request *r, const struct attempt *a,
                            const struct provider_request *asked, unsigned part,
                            struct call_request *out)
{
    const struct translated *t = a->translated;
    const struct buf *body = &t->bodies[part < t->body_count ? part : 0];
    if (a->target->provider->provider->edit_body) {
        struct json_doc *doc = arena_alloc(r->arena, sizeof(*doc));
        struct json_edit edit;
        if (!doc ||
            json_parse(doc, r->arena, buf_str(body), &(struct json_options){.index_depth = 1}))
            return false;
        json_edit_init(&edit, doc, r->arena);
        a->target->provider->provider->edit_body(asked, &edit);
        return edited_body(r, &edit, out);
    }
    struct slice *all = arena_alloc(r->arena, sizeof(*all));
    if (!all)
        return false;
    *all = SLICE_BORROWED(buf_str(body));
    out->body = all;
    out->body_count = 1;
    out->content_length = (int64_t)body->len;
    return true;
}

static bool fill_body(struct request *r, const struct attempt *a,
                      const struct provider_request *asked, unsigned part, struct call_request *out)
{
    if (a->translated)
        return translated_body(r, a, asked, part, out);
    switch (endpoint_facts(r->kind)->body) {
    case ENDPOINT_BODY_JSON:
        return json_body(r, a, asked, out);
    case ENDPOINT_BODY_FORM:
        return form_body(r, a, out);
    case ENDPOINT_BODY_RAW:
        out->body_more = request_has_body(r->ex->head);
        out->content_length = out->body_more ? r->ex->head->content_length : 0;
        return true;
    case ENDPOINT_BODY_NONE:
        break;
    }
    out->content_length = 0;
    return true;
}

/* The client's query, for endpoints whose providers take one, without what was meant for us. */
static str client_query(struct request *r)
{
    str left = r->ex->head->query, kept = STR_NULL, name, value;
    if (endpoint_facts(r->kind)->body != ENDPOINT_BODY_RAW)
        return STR_NULL;
    while (url_query_next(&left, &name, &value)) {
        str said;
        if (!url_decode(name, true, r->arena, &said) || str_eq(said, STR("key")) ||
            str_eq(said, STR("api-version")))
            continue;
        kept = arena_printf(r->arena, "%.*s%s%.*s%s%.*s", STR_ARG(kept), kept.len ? "&" : "",
                            STR_ARG(name), str_is_null(value) ? "" : "=", STR_ARG(value));
    }
    return kept;
}

static bool add_credential(const struct attempt *a, struct provider_request *asked)
{
    const struct credential *c = prepare_credential(a);
    if (!c)
        return false;
    asked->token = c->token;
    asked->aws = c->aws.access_key_id.len ? &c->aws : NULL;
    return true;
}

/* --- All of it ---------------------------------------------------------------------------- */

bool upstream_request(struct request *r, const struct attempt *a, unsigned part,
                      struct call_request *out)
{
    const struct provider_conf *p = a->target->provider;
    struct request_head *head = arena_zalloc(r->arena, sizeof(*head));
    if (!head || !head_reserve(&head->headers, r->arena, 16))
        return false;
    struct provider_request asked = {
        .conf = p,
        .kind = a->kind,
        .method = r->ex->head->method_text,
        .rest = r->rest,
        .query = client_query(r),
        .model = a->target->model,
        .api_key = p->api_key_count ? p->api_keys[a->credential] : STR_NULL,
        .stream = r->stream,
        .array = r->path_array,
        .beta = a->translated ? a->translated->target.beta : STR_NULL,
    };
    if (p->credentials == CREDENTIALS_PASSTHROUGH)
        asked.api_key = STR_NULL;
    if (tokens_needed(p) && !add_credential(a, &asked))
        return false;
    head->method = r->ex->head->method;
    head->method_text = r->ex->head->method_text;
    head->version = HTTP_VERSION_1_1;
    head->authority = p->endpoint.authority;
    head->target = provider_target(&asked, r->arena);
    head->keep_alive = true;
    if (str_is_null(head->target) || !add_client_fields(r, a, &head->headers) ||
        !provider_authorize(&asked, &head->headers, r->arena) ||
        !add_own_fields(r, p, &head->headers))
        return false;
    *out = (struct call_request){.head = head, .content_length = -1};
    int64_t now_s = (int64_t)(loop_wall_us() / 1000000);
    return fill_body(r, a, &asked, part, out) &&
           provider_sign(&asked, head, out->body, out->body_count, now_s, r->arena);
}

bool upstream_is_replayable(const struct request *r)
{
    switch (endpoint_facts(r->kind)->body) {
    case ENDPOINT_BODY_JSON:
    case ENDPOINT_BODY_NONE:
        return true;
    case ENDPOINT_BODY_FORM:
        return r->body_complete && !r->body_streamed;
    case ENDPOINT_BODY_RAW:
        return !request_has_body(r->ex->head);
    }
    BUG("body kind of endpoint %d", (int)r->kind);
}
