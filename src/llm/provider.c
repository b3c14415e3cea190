#include "llm/provider.h"

#include "base/check.h"

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
