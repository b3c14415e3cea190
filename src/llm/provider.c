#include "llm/provider.h"

#include "base/check.h"
#include "llm/model_facts.h"
#include "wire/json.h"

#define PROVIDER(symbol) extern const struct provider provider_##symbol;
#include "llm/provider.def"
#undef PROVIDER

static const struct provider *const providers[] = {
#define PROVIDER(symbol) &provider_##symbol,
#include "llm/provider.def"
#undef PROVIDER
};

static const struct preset presets[] = {
#define PRESET(name_, url_, env_) {.name = name_, .base_url = url_, .key_env = env_},
#include "llm/preset.def"
#undef PRESET
};

const struct provider *provider_at(unsigned i)
{
    return i < ARRAY_LEN(providers) ? providers[i] : NULL;
}

const struct provider *provider_find(str type)
{
    for (unsigned i = 0; i < ARRAY_LEN(providers); i++)
        if (str_eq(type, str_from_c(providers[i]->name)))
            return providers[i];
    return NULL;
}

const struct preset *preset_at(unsigned i)
{
    return i < ARRAY_LEN(presets) ? &presets[i] : NULL;
}

const struct preset *preset_find(str name)
{
    for (unsigned i = 0; i < ARRAY_LEN(presets); i++)
        if (str_eq(name, str_from_c(presets[i].name)))
            return &presets[i];
    return NULL;
}

str provider_join_target(str base_path, str path, str rest, str query, struct arena *a)
{
    str pieces[] = {base_path, path, rest, query.len ? STR("?") : STR(""), query};
    return arena_concat(a, pieces, ARRAY_LEN(pieces));
}

str provider_target(const struct provider_request *r, struct arena *a)
{
    const struct provider *p = r->conf->provider;
    if (p->target)
        return p->target(r, a);
    return provider_join_target(r->conf->base_path, endpoint_facts(r->kind)->path, r->rest,
                                r->query, a);
}

bool provider_add_key(const struct provider_request *r, str header, str prefix,
                      struct headers *headers, struct arena *a)
{
    if (r->api_key.len == 0)
        return true;
    str name = r->conf->auth_header.len ? r->conf->auth_header : header;
    str before = str_is_null(r->conf->auth_prefix) ? prefix : r->conf->auth_prefix;
    if (before.len == 0)
        return head_add(headers, a, name, r->api_key);
    bool spaced = before.ptr[before.len - 1] == ' ';
    str pieces[] = {before, spaced ? STR("") : STR(" "), r->api_key};
    str value = arena_concat(a, pieces, ARRAY_LEN(pieces));
    return !str_is_null(value) && head_add(headers, a, name, value);
}

bool provider_add_token(const struct provider_request *r, struct headers *headers, struct arena *a)
{
    str pieces[] = {STR("Bearer "), r->token};
    str value = arena_concat(a, pieces, ARRAY_LEN(pieces));
    return !str_is_null(value) && head_add_known(headers, a, HEADER_AUTHORIZATION, value);
}

uint64_t provider_endpoints(const struct provider_conf *p)
{
    return p->provider->endpoints_of ? p->provider->endpoints_of(p) : p->provider->endpoints;
}

bool provider_authorize(const struct provider_request *r, struct headers *headers, struct arena *a)
{
    const struct provider *p = r->conf->provider;
    if (p->authorize)
        return p->authorize(r, headers, a);
    return provider_add_key(r, STR("authorization"), STR("Bearer"), headers, a);
}

enum err provider_classify_default(int status, str body)
{
    switch (status) {
    case 401:
    case 403:
        return ERR_UPSTREAM_AUTH;
    case 402:
        return ERR_UPSTREAM_QUOTA;
    case 404:
        return ERR_UPSTREAM_NOT_FOUND;
    case 429:
        return str_find(body, STR("insufficient_quota")) >= 0 ? ERR_UPSTREAM_QUOTA
                                                              : ERR_UPSTREAM_RATE_LIMIT;
    case 503:
    case 529:
        return ERR_UPSTREAM_OVERLOADED;
    case 408:
        return ERR_UPSTREAM_STATUS;
    default:
        break;
    }
    return status >= 400 && status < 500 ? ERR_UPSTREAM_REFUSED_REQUEST : ERR_UPSTREAM_STATUS;
}

enum err provider_classify(const struct provider *p, int status, str body)
{
    return p->classify ? p->classify(status, body) : provider_classify_default(status, body);
}

enum endpoint_kind provider_translate_default(const struct provider_conf *p,
                                              enum endpoint_kind asked, str model,
                                              const struct chat *c)
{
    uint64_t offered = provider_endpoints(p);
    (void)model, (void)c;
    switch (asked) {
    case ENDPOINT_CHAT:
    case ENDPOINT_COMPLETIONS:
    case ENDPOINT_RESPONSES:
    case ENDPOINT_MESSAGES:
    case ENDPOINT_GENERATE:
        return offered & ENDPOINT_BIT(CHAT) ? ENDPOINT_CHAT : ENDPOINT_KIND_COUNT;
    case ENDPOINT_EMBEDDINGS:
    case ENDPOINT_EMBED:
    case ENDPOINT_EMBED_BATCH:
        return offered & ENDPOINT_BIT(EMBEDDINGS) ? ENDPOINT_EMBEDDINGS : ENDPOINT_KIND_COUNT;
    default:
        return ENDPOINT_KIND_COUNT;
    }
}

enum endpoint_kind provider_translate(const struct provider_conf *p, enum endpoint_kind asked,
                                      str model, const struct chat *c)
{
    return p->provider->translate ? p->provider->translate(p, asked, model, c)
                                  : provider_translate_default(p, asked, model, c);
}

bool provider_sign(const struct provider_request *r, struct request_head *head,
                   const struct slice *body, unsigned body_count, int64_t now_s, struct arena *a)
{
    const struct provider *p = r->conf->provider;
    return !p->sign || p->sign(r, head, body, body_count, now_s, a);
}

/* --- The list of models ----------------------------------------------------------------------- */

str provider_models_target(const struct provider_conf *p, str page, struct arena *a)
{
    if (p->provider->models_target)
        return p->provider->models_target(p, page, a);
    struct provider_request r = {
        .conf = p, .kind = ENDPOINT_MODELS, .method = STR("GET"), .rest = STR("")};
    return provider_target(&r, a);
}

/* The first of the members that is a number of tokens; 0: none is. */
static uint32_t tokens_of(const struct json_doc *doc, uint32_t item, const str *names, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        int64_t tokens;
        uint32_t value = json_member(doc, item, names[i]);
        if (json_is(doc, value, JSON_NUMBER) && json_to_i64(json_raw(doc, value), &tokens) &&
            tokens > 0 && tokens <= INT32_MAX)
            return (uint32_t)tokens;
    }
    return 0;
}

/* What has no id is left out.  The limits are named as vLLM, Together, OpenRouter and Groq do. */
static bool read_openai_model(const struct json_doc *doc, uint32_t item, struct arena *a,
                              struct model_page *out)
{
    static const str windows[] = {STR_INIT("max_model_len"), STR_INIT("context_length"),
                                  STR_INIT("context_window")};
    static const str outputs[] = {STR_INIT("max_completion_tokens")};
    struct listed_model *m = &out->models[out->count];
    uint32_t id = json_member(doc, item, STR("id"));
    if (!json_is(doc, id, JSON_STRING))
        return true;
    if (json_string_decode(doc, id, a, &m->id))
        return false;
    m->window = tokens_of(doc, item, windows, ARRAY_LEN(windows));
    m->output_max = tokens_of(doc, item, outputs, ARRAY_LEN(outputs));
    out->count += m->id.len > 0;
    return true;
}

/* {"data": [{"id": …}, …]}, or the list alone (Together), or as `models`; one page. */
static uint32_t openai_list(const struct json_doc *doc)
{
    if (json_is(doc, JSON_ROOT, JSON_ARRAY))
        return JSON_ROOT;
    uint32_t data = json_member(doc, JSON_ROOT, STR("data"));
    return json_is(doc, data, JSON_ARRAY) ? data : json_member(doc, JSON_ROOT, STR("models"));
}

static bool read_openai_models(str body, struct arena *a, struct model_page *out)
{
    struct json_doc doc;
    *out = (struct model_page){0};
    if (json_parse(&doc, a, body, &(struct json_options){.index_depth = 3}))
        return false;
    uint32_t list = openai_list(&doc);
    if (!json_is(&doc, list, JSON_ARRAY))
        return false;
    out->models = arena_zalloc(a, (json_count(&doc, list) + 1) * sizeof(*out->models));
    if (!out->models)
        return false;
    JSON_EACH (item, &doc, list)
        if (!read_openai_model(&doc, item, a, out))
            return false;
    return true;
}

bool provider_read_models(const struct provider_conf *p, str body, struct arena *a,
                          struct model_page *out)
{
    return p->provider->read_models ? p->provider->read_models(body, a, out)
                                    : read_openai_models(body, a, out);
}

bool provider_needs_bytes(const struct provider_conf *p, str model)
{
    if (p->provider->needs_bytes)
        return p->provider->needs_bytes(p, model);
    return !model_can(provider_model_facts(p, model), MODEL_IMAGE_URL);
}

const struct model_facts *provider_model_facts(const struct provider_conf *p, str model)
{
    return model_facts_find(p->preset.len ? p->preset : str_from_c(p->provider->name), model);
}
