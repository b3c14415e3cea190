/*
 * Azure OpenAI.  Two URL styles: by deployment, `{base}/openai/deployments/{d}/{path}?api-version=`,
 * where the path names the model, and `{base}/openai/v1/{path}`, where the body does.  Some kinds live
 * outside the deployments in the first style too.  Key in `api-key`, or a token of Entra ID as Bearer.
 */
#include "llm/provider.h"

#include "llm/openai_api.h"
#include "llm/token_source.h"
#include "wire/url.h"

#define DEFAULT_API_VERSION "2024-10-21"

/* Kinds that have a place under /deployments/{d}/ (the list of the official SDKs). */
static const uint64_t by_deployment = ENDPOINT_BIT(CHAT) | ENDPOINT_BIT(COMPLETIONS) |
                                      ENDPOINT_BIT(EMBEDDINGS) | ENDPOINT_BIT(IMAGES_GENERATE) |
                                      ENDPOINT_BIT(IMAGES_EDIT) | ENDPOINT_BIT(SPEECH) |
                                      ENDPOINT_BIT(TRANSCRIPTION) | ENDPOINT_BIT(TRANSLATION);

static bool is_v1(const struct provider_conf *c)
{
    if (c->style != AZURE_AUTO)
        return c->style == AZURE_V1;
    return str_ends(c->base_path, STR("/openai/v1"));
}

/* base_url with or without a trailing "/openai" or "/openai/v1". */
static str base_without(str base, str suffix)
{
    if (str_ends(base, suffix))
        base.len -= suffix.len;
    return base;
}

/* The deployment as one segment of a path; null: out of memory. */
static str encode_segment(str text, struct arena *a)
{
    struct buf encoded;
    buf_init(&encoded, 0);
    url_encode(&encoded, text, URL_KEEP_NONE);
    str copy = encoded.failed ? STR_NULL : arena_str(a, buf_str(&encoded));
    buf_release(&encoded);
    return copy;
}

/* The client's query without an api-version of its own. */
static str query_with_version(const struct provider_request *r, str version, struct arena *a)
{
    str left = r->query, kept = STR("");
    while (!str_is_null(left) && left.len) {
        str one = str_split(&left, '&');
        if (one.len == 0 || str_starts(one, STR("api-version=")) || str_starts(one, STR("key=")))
            continue;
        kept = arena_printf(a, "%.*s%.*s&", STR_ARG(kept), STR_ARG(one));
        if (str_is_null(kept))
            return STR_NULL;
    }
    if (version.len == 0)
        return str_first(kept, kept.len ? kept.len - 1 : 0);
    return arena_printf(a, "%.*sapi-version=%.*s", STR_ARG(kept), STR_ARG(version));
}

static str target(const struct provider_request *r, struct arena *a)
{
    const struct provider_conf *c = r->conf;
    str path = endpoint_facts(r->kind)->path;
    str base = base_without(base_without(c->base_path, STR("/v1")), STR("/openai"));
    if (is_v1(c)) {
        str query = query_with_version(r, c->api_version, a);
        base = arena_printf(a, "%.*s/openai/v1", STR_ARG(base));
        return provider_join_target(base, path, r->rest, query, a);
    }
    str version = c->api_version.len ? c->api_version : STR(DEFAULT_API_VERSION);
    str query = query_with_version(r, version, a);
    if (str_is_null(query))
        return STR_NULL;
    if (r->model.len && (by_deployment & (UINT64_C(1) << r->kind))) {
        str deployment = encode_segment(r->model, a);
        base = arena_printf(a, "%.*s/openai/deployments/%.*s", STR_ARG(base), STR_ARG(deployment));
        if (str_is_null(deployment))
            return STR_NULL;
    } else {
        base = arena_printf(a, "%.*s/openai", STR_ARG(base));
    }
    return str_is_null(base) ? STR_NULL : provider_join_target(base, path, r->rest, query, a);
}

static const struct token_kind *tokens(const struct provider_conf *p)
{
    bool entra = p->entra.tenant.len || p->entra.client_id.len || p->entra.managed_identity;
    return entra ? &token_entra : NULL;
}

static bool authorize(const struct provider_request *r, struct headers *headers, struct arena *a)
{
    if (r->token.len)
        return provider_add_token(r, headers, a);
    return provider_add_key(r, STR("api-key"), STR(""), headers, a);
}

const struct provider provider_azure = {
    .name = "azure",
    .key_env = "AZURE_OPENAI_API_KEY",
    .key_required = true,
    .endpoints = ENDPOINT_BIT(CHAT) | ENDPOINT_BIT(COMPLETIONS) | ENDPOINT_BIT(EMBEDDINGS) |
                 ENDPOINT_BIT(RESPONSES) | ENDPOINT_BIT(RESPONSES_TOKENS) |
                 ENDPOINT_BIT(RESPONSES_COMPACT) | ENDPOINT_BIT(RESPONSES_STORED) |
                 ENDPOINT_BIT(IMAGES_GENERATE) | ENDPOINT_BIT(IMAGES_EDIT) | ENDPOINT_BIT(SPEECH) |
                 ENDPOINT_BIT(TRANSCRIPTION) | ENDPOINT_BIT(TRANSLATION) | ENDPOINT_BIT(FILES) |
                 ENDPOINT_BIT(BATCHES) | ENDPOINT_BIT(MODELS),
    .target = target,
    .authorize = authorize,
    .endpoints_of = openai_endpoints,
    .translate = openai_translate,
    .refuses = openai_refuses,
    .tokens = tokens,
};
