/*
 * Anthropic.  Key in `x-api-key`, or as Bearer when it is a token of OAuth (or `auth` says so); a version
 * field, which stays the client's own on what is only relayed.
 */
#include "llm/provider.h"

#include "wire/json.h"
#include "wire/url.h"

#define VERSION "2023-06-01" /* the one that may carry sampling parameters */
#define OAUTH_BETA "oauth-2025-04-20"

/* The address as people write it, with /v1 behind it or not. */
static str server_path(const struct provider_conf *p)
{
    str base = p->base_path;
    return str_ends(base, STR("/v1")) ? str_first(base, base.len - 3) : base;
}

static str target(const struct provider_request *r, struct arena *a)
{
    str base = arena_printf(a, "%.*s/v1", STR_ARG(server_path(r->conf)));
    if (str_is_null(base))
        return STR_NULL;
    return provider_join_target(base, endpoint_facts(r->kind)->path, r->rest, r->query, a);
}

static bool add_key(const struct provider_request *r, struct headers *headers, struct arena *a)
{
    if (!str_starts(r->api_key, STR("sk-ant-oat")) || r->conf->auth_header.len)
        return provider_add_key(r, STR("x-api-key"), STR(""), headers, a);
    return provider_add_key(r, STR("authorization"), STR("Bearer"), headers, a) &&
           (head_has_token(headers, HEADER_ANTHROPIC_BETA, STR(OAUTH_BETA)) ||
            head_add_known(headers, a, HEADER_ANTHROPIC_BETA, STR(OAUTH_BETA)));
}

static bool authorize(const struct provider_request *r, struct headers *headers, struct arena *a)
{
    bool versioned = headers->first[HEADER_ANTHROPIC_VERSION];
    if (!versioned && !head_add_known(headers, a, HEADER_ANTHROPIC_VERSION, STR(VERSION)))
        return false;
    if (r->beta.len && !head_add_known(headers, a, HEADER_ANTHROPIC_BETA, r->beta))
        return false;
    return add_key(r, headers, a);
}

static bool says(str body, const char *text)
{
    return str_find(body, str_from_c(text)) >= 0;
}

/* Limits of spending: asking again does not help, another key may. */
static bool is_spent(str body)
{
    return says(body, "enforced_spend_limit_reached") ||
           says(body, "contract_spend_limit_reached") || says(body, "linked_organization_") ||
           says(body, "specified API usage limits") || says(body, "credit balance is too low");
}

static enum err classify(int status, str body)
{
    if ((status == 400 || status == 429) && is_spent(body))
        return ERR_UPSTREAM_QUOTA;
    if (status == 404 && says(body, "thread_not_found"))
        return ERR_UPSTREAM_REFUSED_REQUEST; /* the client sends all of it again upon this */
    return provider_classify_default(status, body);
}

static enum endpoint_kind translate(const struct provider_conf *p, enum endpoint_kind asked,
                                    str model, const struct chat *c)
{
    const uint64_t chats = ENDPOINT_BIT(CHAT) | ENDPOINT_BIT(COMPLETIONS) |
                           ENDPOINT_BIT(RESPONSES) | ENDPOINT_BIT(GENERATE);
    (void)p, (void)model, (void)c;
    return chats & (UINT64_C(1) << asked) ? ENDPOINT_MESSAGES : ENDPOINT_KIND_COUNT;
}

/* --- The list of models ----------------------------------------------------------------------------- */

static str models_target(const struct provider_conf *p, str page, struct arena *a)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_str(&b, server_path(p));
    buf_add_lit(&b, "/v1/models?limit=1000");
    if (page.len) {
        buf_add_lit(&b, "&after_id=");
        url_encode(&b, page, URL_KEEP_NONE);
    }
    str path = b.failed ? STR_NULL : arena_str(a, buf_str(&b));
    buf_release(&b);
    return path;
}

static uint32_t tokens(const struct json_doc *doc, uint32_t model, str name)
{
    int64_t n;
    uint32_t node = json_member(doc, model, name);
    if (!json_is(doc, node, JSON_NUMBER) || !json_to_i64(json_raw(doc, node), &n))
        return 0;
    return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static bool text(const struct json_doc *doc, uint32_t node, struct arena *a, str *out)
{
    *out = STR_NULL;
    return !json_is(doc, node, JSON_STRING) || !json_string_decode(doc, node, a, out);
}

/* {"data":[{"id":…,"max_input_tokens":…,"max_tokens":…}],"has_more":…,"last_id":…} */
static bool read_models(str body, struct arena *a, struct model_page *out)
{
    struct json_doc doc;
    *out = (struct model_page){0};
    if (json_parse(&doc, a, body, NULL))
        return false;
    uint32_t list = json_member(&doc, JSON_ROOT, STR("data"));
    if (!json_is(&doc, list, JSON_ARRAY))
        return false;
    out->models = arena_zalloc(a, (json_count(&doc, list) + 1) * sizeof(*out->models));
    if (!out->models)
        return false;
    JSON_EACH (model, &doc, list) {
        struct listed_model *m = &out->models[out->count];
        if (!text(&doc, json_member(&doc, model, STR("id")), a, &m->id))
            return false;
        m->window = tokens(&doc, model, STR("max_input_tokens"));
        m->output_max = tokens(&doc, model, STR("max_tokens"));
        out->count += m->id.len > 0;
    }
    if (!json_is(&doc, json_member(&doc, JSON_ROOT, STR("has_more")), JSON_TRUE))
        return true;
    return text(&doc, json_member(&doc, JSON_ROOT, STR("last_id")), a, &out->next);
}

const struct provider provider_anthropic = {
    .name = "anthropic",
    .base_url = "https://api.anthropic.com",
    .key_env = "ANTHROPIC_API_KEY",
    .key_required = true,
    .endpoints = ENDPOINT_BIT(MESSAGES) | ENDPOINT_BIT(MESSAGES_COUNT) | ENDPOINT_BIT(MODELS),
    .target = target,
    .authorize = authorize,
    .classify = classify,
    .translate = translate,
    .models_target = models_target,
    .read_models = read_models,
};
