/*
 * Cohere's own API: chat and embeddings under /v2, the list of models under /v1.  Its rerank is what
 * /v1/rerank relays.
 */
#include "llm/provider.h"

#include "wire/json.h"
#include "wire/url.h"

/* The address as people write it, with a version behind it or not. */
static str server_path(const struct provider_conf *p)
{
    static const str ends[] = {STR_INIT("/v1"), STR_INIT("/v2")};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (str_ends(p->base_path, ends[i]))
            return str_first(p->base_path, p->base_path.len - ends[i].len);
    return p->base_path;
}

static str target(const struct provider_request *r, struct arena *a)
{
    str base = server_path(r->conf);
    switch (r->kind) {
    case ENDPOINT_COHERE_CHAT:
        return provider_join_target(base, STR("/v2/chat"), STR(""), STR_NULL, a);
    case ENDPOINT_COHERE_EMBED:
        return provider_join_target(base, STR("/v2/embed"), STR(""), STR_NULL, a);
    case ENDPOINT_RERANK:
        return provider_join_target(base, STR("/v2/rerank"), STR(""), r->query, a);
    default:
        return provider_join_target(base, STR("/v1/models"), r->rest, r->query, a);
    }
}

static enum err classify(int status, str body)
{
    switch (status) {
    case 498: /* invalid token */
        return ERR_UPSTREAM_AUTH;
    case 499: /* cancelled, by somebody else than our client */
        return ERR_UPSTREAM_STATUS;
    default:
        return provider_classify_default(status, body);
    }
}

static enum endpoint_kind translate(const struct provider_conf *p, enum endpoint_kind asked,
                                    str model, const struct chat *c)
{
    (void)p, (void)model, (void)c;
    switch (asked) {
    case ENDPOINT_CHAT:
    case ENDPOINT_COMPLETIONS:
    case ENDPOINT_RESPONSES:
    case ENDPOINT_MESSAGES:
    case ENDPOINT_GENERATE:
        return ENDPOINT_COHERE_CHAT;
    case ENDPOINT_EMBEDDINGS:
    case ENDPOINT_EMBED:
    case ENDPOINT_EMBED_BATCH:
        return ENDPOINT_COHERE_EMBED;
    default:
        return ENDPOINT_KIND_COUNT;
    }
}

/* --- The list of models ----------------------------------------------------------------------------- */

static str models_target(const struct provider_conf *p, str page, struct arena *a)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_str(&b, server_path(p));
    buf_add_lit(&b, "/v1/models?page_size=1000");
    if (page.len) {
        buf_add_lit(&b, "&page_token=");
        url_encode(&b, page, URL_KEEP_NONE);
    }
    str path = b.failed ? STR_NULL : arena_str(a, buf_str(&b));
    buf_release(&b);
    return path;
}

static bool text(const struct json_doc *doc, uint32_t node, struct arena *a, str *out)
{
    *out = STR_NULL;
    return !json_is(doc, node, JSON_STRING) || !json_string_decode(doc, node, a, out);
}

static uint32_t window_of(const struct json_doc *doc, uint32_t model)
{
    int64_t n;
    uint32_t node = json_member(doc, model, STR("context_length"));
    if (!json_is(doc, node, JSON_NUMBER) || !json_to_i64(json_raw(doc, node), &n))
        return 0;
    return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

/* {"models": [{"name": …, "context_length": 256000.0}], "next_page_token": …} */
static bool read_models(str body, struct arena *a, struct model_page *out)
{
    struct json_doc doc;
    *out = (struct model_page){0};
    if (json_parse(&doc, a, body, NULL))
        return false;
    uint32_t list = json_member(&doc, JSON_ROOT, STR("models"));
    if (!json_is(&doc, list, JSON_ARRAY))
        return false;
    out->models = arena_zalloc(a, (json_count(&doc, list) + 1) * sizeof(*out->models));
    if (!out->models)
        return false;
    JSON_EACH (model, &doc, list) {
        struct listed_model *m = &out->models[out->count];
        if (!text(&doc, json_member(&doc, model, STR("name")), a, &m->id))
            return false;
        m->window = window_of(&doc, model);
        out->count += m->id.len > 0;
    }
    return text(&doc, json_member(&doc, JSON_ROOT, STR("next_page_token")), a, &out->next);
}

const struct provider provider_cohere = {
    .name = "cohere",
    .base_url = "https://api.cohere.com",
    .key_env = "COHERE_API_KEY",
    .key_required = true,
    .endpoints = ENDPOINT_BIT(COHERE_CHAT) | ENDPOINT_BIT(COHERE_EMBED) | ENDPOINT_BIT(RERANK) |
                 ENDPOINT_BIT(MODELS),
    .target = target,
    .classify = classify,
    .translate = translate,
    .models_target = models_target,
    .read_models = read_models,
};
