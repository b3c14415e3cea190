/*
 * Ollama's server.  Its own API under /api (the usual one: options, errors in the middle of a stream and a
 * lost runner are told there only), or with `api: openai` its OpenAI form under /v1.  What has no form of
 * its own (completions, transcriptions) is asked under /v1 in both cases.  /v1/responses and /v1/messages
 * are left alone: they lose text, limits and failures that the gateway's own translation keeps.
 */
#include "llm/provider.h"

#include "wire/json.h"

static const uint64_t always =
    ENDPOINT_BIT(COMPLETIONS) | ENDPOINT_BIT(TRANSCRIPTION) | ENDPOINT_BIT(MODELS);

static uint64_t endpoints_of(const struct provider_conf *p)
{
    if (p->api == API_OPENAI)
        return always | ENDPOINT_BIT(CHAT) | ENDPOINT_BIT(EMBEDDINGS);
    return always | ENDPOINT_BIT(OLLAMA_CHAT) | ENDPOINT_BIT(OLLAMA_EMBED);
}

/* The address as people write it, with /v1 or /api behind it or not. */
static str server_path(const struct provider_conf *p)
{
    static const str ends[] = {STR_INIT("/v1"), STR_INIT("/api")};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (str_ends(p->base_path, ends[i]))
            return str_first(p->base_path, p->base_path.len - ends[i].len);
    return p->base_path;
}

static str target(const struct provider_request *r, struct arena *a)
{
    str base = server_path(r->conf);
    if (r->kind == ENDPOINT_OLLAMA_CHAT)
        return provider_join_target(base, STR("/api/chat"), STR(""), STR_NULL, a);
    if (r->kind == ENDPOINT_OLLAMA_EMBED)
        return provider_join_target(base, STR("/api/embed"), STR(""), STR_NULL, a);
    base = arena_printf(a, "%.*s/v1", STR_ARG(base));
    if (str_is_null(base))
        return STR_NULL;
    return provider_join_target(base, endpoint_facts(r->kind)->path, r->rest, r->query, a);
}

static enum err classify(int status, str body)
{
    if (status == 499) /* "request canceled", by somebody else than our client */
        return ERR_UPSTREAM_STATUS;
    return provider_classify_default(status, body);
}

static enum endpoint_kind translate(const struct provider_conf *p, enum endpoint_kind asked,
                                    str model, const struct chat *c)
{
    if (p->api == API_OPENAI)
        return provider_translate_default(p, asked, model, c);
    switch (asked) {
    case ENDPOINT_CHAT:
    case ENDPOINT_RESPONSES:
    case ENDPOINT_MESSAGES:
    case ENDPOINT_GENERATE:
        return ENDPOINT_OLLAMA_CHAT;
    case ENDPOINT_EMBEDDINGS:
    case ENDPOINT_EMBED:
    case ENDPOINT_EMBED_BATCH:
        return ENDPOINT_OLLAMA_EMBED;
    default:
        return ENDPOINT_KIND_COUNT;
    }
}

static str models_target(const struct provider_conf *p, str page, struct arena *a)
{
    (void)page; /* there is one only */
    return provider_join_target(server_path(p), STR("/api/tags"), STR(""), STR_NULL, a);
}

/* The window that the model has been trained for; loaded ones may be smaller. */
static uint32_t window_of(const struct json_doc *doc, uint32_t model)
{
    int64_t window;
    uint32_t details = json_member(doc, model, STR("details"));
    uint32_t node = json_member(doc, details, STR("context_length"));
    if (!json_is(doc, node, JSON_NUMBER) || !json_to_i64(json_raw(doc, node), &window))
        return 0;
    return window > 0 && window <= UINT32_MAX ? (uint32_t)window : 0;
}

/* {"models": [{"name": "llama3.2:latest", "model": "llama3.2:latest", "details": {…}}, …]} */
static bool read_models(str body, struct arena *a, struct model_page *out)
{
    struct json_doc doc;
    *out = (struct model_page){0};
    if (json_parse(&doc, a, body, NULL))
        return false;
    uint32_t list = json_member(&doc, JSON_ROOT, STR("models"));
    if (!json_is(&doc, list, JSON_ARRAY))
        return json_is(&doc, list, JSON_NULL); /* none is installed */
    out->models = arena_zalloc(a, (json_count(&doc, list) + 1) * sizeof(*out->models));
    if (!out->models)
        return false;
    JSON_EACH (model, &doc, list) {
        struct listed_model *m = &out->models[out->count];
        uint32_t name = json_member(&doc, model, STR("model"));
        if (!json_is(&doc, name, JSON_STRING))
            name = json_member(&doc, model, STR("name"));
        if (!json_is(&doc, name, JSON_STRING))
            continue;
        if (json_string_decode(&doc, name, a, &m->id))
            return false;
        m->window = window_of(&doc, model);
        out->count++;
    }
    return true;
}

/* It fetches no images, in neither of its APIs. */
static bool needs_bytes(const struct provider_conf *p, str model)
{
    (void)p, (void)model;
    return true;
}

const struct provider provider_ollama = {
    .name = "ollama",
    .base_url = "http://127.0.0.1:11434",
    .key_env = "OLLAMA_API_KEY",
    .endpoints = ENDPOINT_BIT(COMPLETIONS) | ENDPOINT_BIT(TRANSCRIPTION) | ENDPOINT_BIT(CHAT) |
                 ENDPOINT_BIT(EMBEDDINGS) | ENDPOINT_BIT(OLLAMA_CHAT) | ENDPOINT_BIT(OLLAMA_EMBED) |
                 ENDPOINT_BIT(MODELS),
    .endpoints_of = endpoints_of,
    .target = target,
    .classify = classify,
    .translate = translate,
    .models_target = models_target,
    .read_models = read_models,
    .needs_bytes = needs_bytes,
};
