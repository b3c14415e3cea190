/* Providers: types, presets, addresses, and options that only some types have. */
#include "app/config_check.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/tls1.h>

#include "app/option_tables/kinds.h"
#include "base/option.h"
#include "llm/provider.h"
#include "wire/url.h"

/* Types that later versions have, and what helps until then. */
static const struct {
    const char *type, *hint;
} types_later[] = {
    {"anthropic", ""},
    {"gemini", ""},
    {"vertex", ""},
    {"bedrock", ""},
    {"ollama", ": use type openai-compatible with preset ollama"},
};

/* Options that only one type reads. */
static const struct {
    const char *option, *type;
} options_of_types[] = {
    {"api_version", "azure"},   {"style", "azure"},    {"deployments", "azure"},
    {"organization", "openai"}, {"project", "openai"}, {"preset", "openai-compatible"},
};

static void check_type(struct config_checker *c, struct provider_conf *p,
                       const struct config_node *n)
{
    if (p->type.len == 0)
        return; /* the table said that it is needed */
    p->provider = provider_find(p->type);
    if (p->provider)
        return;
    for (size_t i = 0; i < ARRAY_LEN(types_later); i++)
        if (str_eq(p->type, str_from_c(types_later[i].type))) {
            config_complain(c, n, "type", STR_NULL, "%.*s is not available in this version%s",
                            STR_ARG(p->type), types_later[i].hint);
            return;
        }
    str best = STR_NULL;
    unsigned distance = 0;
    const struct provider *known;
    for (unsigned i = 0; (known = provider_at(i)) != NULL; i++)
        option_suggest(p->type, str_from_c(known->name), &best, &distance);
    const struct preset *preset = preset_find(p->type);
    if (preset)
        config_complain(c, n, "type", STR_NULL,
                        "unknown type: write `type: openai-compatible` and `preset: %s`",
                        preset->name);
    else
        config_complain(c, n, "type", best, "unknown type '%.*s'", STR_ARG(p->type));
}

static const struct preset *check_preset(struct config_checker *c, struct provider_conf *p,
                                         const struct config_node *n)
{
    if (p->preset.len == 0)
        return NULL;
    const struct preset *found = preset_find(p->preset), *known;
    if (found)
        return found;
    str best = STR_NULL;
    unsigned distance = 0;
    for (unsigned i = 0; (known = preset_at(i)) != NULL; i++)
        option_suggest(p->preset, str_from_c(known->name), &best, &distance);
    config_complain(c, n, "preset", best, "unknown preset '%.*s'", STR_ARG(p->preset));
    return NULL;
}

/* Written, and with more than the default, as `check --print` writes it. */
static bool is_set(const struct config_node *n)
{
    if (!n || n->kind == CONFIG_NOTHING)
        return false;
    return n->kind == CONFIG_TEXT ? !str_eq(n->text, STR("auto")) : n->count > 0;
}

static void check_options_of_types(struct config_checker *c, const struct provider_conf *p,
                                   const struct config_node *n)
{
    for (size_t i = 0; p->provider && i < ARRAY_LEN(options_of_types); i++)
        if (is_set(config_node_get(n, str_from_c(options_of_types[i].option))) &&
            !str_eq(p->type, str_from_c(options_of_types[i].type)))
            config_complain(c, n, options_of_types[i].option, STR_NULL,
                            "has no effect: only type %s has it", options_of_types[i].type);
}

static void check_keys(struct config_checker *c, const struct provider_conf *p,
                       const struct config_node *n)
{
    bool one = config_is_written(n, "api_key"), several = config_is_written(n, "api_keys");
    if (one && several)
        config_complain(c, n, "api_key", STR_NULL, "is not needed beside `api_keys`: write one");
    if (p->credentials == CREDENTIALS_PASSTHROUGH && (one || several))
        config_complain(c, n, one ? "api_key" : "api_keys", STR_NULL,
                        "has no effect with `credentials: passthrough`");
    if (!p->provider || !p->provider->key_required || p->credentials != CREDENTIALS_OWN)
        return;
    if (!one && !several)
        config_complain(c, n, NULL, STR_NULL, "needs `api_key`, for example ${%s}",
                        p->provider->key_env ? p->provider->key_env : "API_KEY");
    for (unsigned i = 0; i < p->api_key_count; i++) {
        const char *wrong = check_no_placeholder(p->api_keys[i]);
        if (wrong)
            config_complain(c, n, one ? "api_key" : "api_keys", STR_NULL, "the value %s", wrong);
    }
}

/* Azure's portal shows addresses with ?api-version=: taken from there when the option is not set. */
static void take_query(struct config_checker *c, struct provider_conf *p,
                       const struct config_node *n, str query)
{
    if (query.len == 0)
        return;
    if (!str_eq(p->type, STR("azure")) || !str_starts(query, STR("api-version=")))
        config_complain(c, n, "base_url", STR_NULL, "must not have a query");
    else if (p->api_version.len == 0)
        p->api_version = str_from(query, strlen("api-version="));
}

static bool is_loopback_host(str host)
{
    return str_eq(host, STR("localhost")) || str_starts(host, STR("127.")) ||
           str_eq(host, STR("::1"));
}

/* Everything that makes connections differ, hashed: it may hold a proxy's password. */
static str endpoint_key(struct config_checker *c, const struct provider_conf *p,
                        const struct url *url)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    str all = arena_printf(c->arena, "%.*s\n%.*s\n%.*s\n%d\n%u\n%.*s", STR_ARG(p->tls.ca),
                           STR_ARG(p->tls.certificate), STR_ARG(p->tls.key), p->tls.verify,
                           p->tls.min_version, STR_ARG(p->proxy));
    if (str_is_null(all))
        return STR_NULL;
    SHA256((const unsigned char *)all.ptr, all.len, hash);
    return arena_printf(c->arena, "%.*s %s://%.*s:%u %02x%02x%02x%02x%02x%02x%02x%02x",
                        STR_ARG(p->name),
                        url->scheme == URL_HTTPS  ? "https"
                        : url->scheme == URL_UNIX ? "unix"
                                                  : "http",
                        STR_ARG(url->host), url->port, hash[0], hash[1], hash[2], hash[3], hash[4],
                        hash[5], hash[6], hash[7]);
}

static void check_url(struct config_checker *c, struct provider_conf *p,
                      const struct config_node *n)
{
    struct url url;
    if (p->base_url.len == 0) {
        if (p->provider && !config_is_written(n, "base_url") && !config_is_written(n, "preset"))
            config_complain(c, n, NULL, STR_NULL, "needs `base_url`%s",
                            str_eq(p->type, STR("openai-compatible")) ? " or `preset`" : "");
        return;
    }
    const char *wrong = url_parse(p->base_url, &url);
    if (wrong) {
        config_complain(c, n, "base_url", STR_NULL, "%s", wrong);
        return;
    }
    take_query(c, p, n, url.query);
    p->base_path = url.path;
    if (str_is_null(p->base_path))
        p->base_path = STR("");
    struct endpoint *e = &p->endpoint;
    e->tls = url.scheme == URL_HTTPS;
    e->authority = url.authority;
    e->host = arena_str(c->arena, url.host); /* terminated: resolvers want C strings */
    e->port = url.port;
    if (url.scheme == URL_UNIX)
        e->unix_path = e->host;
    e->key = endpoint_key(c, p, &url);
    if (str_is_null(e->host) || str_is_null(e->key))
        c->no_memory = true;
    if (!e->tls && url.scheme == URL_HTTP && p->provider && p->provider->key_required &&
        !is_loopback_host(url.host))
        config_warn(c, n, "base_url", "sends the key unencrypted: use https");
}

/* What an azure provider serves are its deployments, by the names that clients use. */
static void list_deployments(struct config_checker *c, struct provider_conf *p)
{
    if (p->model_count || !p->deployment_count)
        return;
    p->models = arena_alloc(c->arena, p->deployment_count * sizeof(*p->models));
    if (!p->models) {
        c->no_memory = true;
        return;
    }
    for (unsigned i = 0; i < p->deployment_count; i++)
        p->models[i] = p->deployments[i].name;
    p->model_count = p->deployment_count;
}

static void check_tls(struct config_checker *c, const struct provider_conf *p,
                      const struct config_node *n)
{
    const struct config_node *tls = config_node_get(n, STR("tls"));
    if (!tls || tls->kind != CONFIG_MAP)
        return;
    bool is_used = p->tls.ca.len || p->tls.certificate.len || p->tls.key.len || !p->tls.verify ||
                   p->tls.min_version != TLS1_2_VERSION;
    if (p->endpoint.key.len && !p->endpoint.tls && is_used)
        config_complain(c, n, "tls", STR_NULL, "has no effect: base_url is not https");
    if (p->tls.certificate.len && !config_is_written(tls, "key"))
        config_complain(c, tls, "key", STR_NULL, "is missing beside `certificate`");
    if (p->tls.key.len && !config_is_written(tls, "certificate"))
        config_complain(c, tls, "certificate", STR_NULL, "is missing beside `key`");
    if (!p->tls.verify)
        config_warn(c, tls, "verify", "anybody in between can read and change what is sent");
    if (!p->tls.verify && p->tls.ca.len)
        config_complain(c, tls, "ca", STR_NULL, "has no effect with `verify: false`");
    config_check_file(c, tls, "ca", p->tls.ca);
    config_check_file(c, tls, "certificate", p->tls.certificate);
    config_check_file(c, tls, "key", p->tls.key);
}

/* Basic credentials (RFC 7617) of user:password. */
static str basic(struct config_checker *c, str user)
{
    str decoded;
    if (!url_decode(user, false, c->arena, &decoded) || str_is_null(decoded))
        return STR_NULL;
    char *text = arena_alloc(c->arena, 4 * ((decoded.len + 2) / 3) + 1);
    if (!text)
        return STR_NULL;
    int len = EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)decoded.ptr,
                              (int)decoded.len);
    return arena_printf(c->arena, "Basic %.*s", len, text);
}

static void check_proxy(struct config_checker *c, struct provider_conf *p,
                        const struct config_node *n)
{
    static const char *const shape = "must be http://[user:password@]host:port";
    str rest = p->proxy, user = STR_NULL;
    if (rest.len == 0)
        return;
    if (p->endpoint.unix_path.len)
        config_complain(c, n, "proxy", STR_NULL, "has no effect: base_url is a Unix socket");
    if (!str_starts(rest, STR("http://"))) {
        config_complain(c, n, "proxy", STR_NULL, "%s", shape);
        return;
    }
    rest = str_from(rest, strlen("http://"));
    for (ptrdiff_t at; (at = str_find_byte(rest, '@')) >= 0; rest = str_from(rest, (size_t)at + 1))
        user = str_make(p->proxy.ptr + strlen("http://"),
                        (size_t)(rest.ptr + at - p->proxy.ptr) - strlen("http://"));
    struct url url;
    str plain = arena_printf(c->arena, "http://%.*s", STR_ARG(rest));
    if (url_parse(plain, &url) || url.path.len || url.query.len) {
        config_complain(c, n, "proxy", STR_NULL, "%s", shape);
        return;
    }
    p->endpoint.proxy_host = arena_str(c->arena, url.host);
    p->endpoint.proxy_port = url.port;
    if (user.len)
        p->endpoint.proxy_authorization = basic(c, user);
    if (user.len && str_is_null(p->endpoint.proxy_authorization))
        config_complain(c, n, "proxy", STR_NULL, "%s", shape);
}

static void check_provider(struct config_checker *c, struct provider_conf *p,
                           const struct config_node *n)
{
    check_type(c, p, n);
    const struct preset *preset = check_preset(c, p, n);
    if (p->base_url.len == 0 && p->provider && p->provider->base_url)
        p->base_url = str_from_c(p->provider->base_url);
    if (p->base_url.len == 0 && preset)
        p->base_url = str_from_c(preset->base_url);
    while (p->base_url.len && p->base_url.ptr[p->base_url.len - 1] == '/')
        p->base_url.len--;
    check_options_of_types(c, p, n);
    check_keys(c, p, n);
    check_url(c, p, n);
    check_tls(c, p, n);
    list_deployments(c, p);
    check_proxy(c, p, n);
    p->endpoint.pool = p->pool;
    p->endpoint.connect_timeout_ms = p->timeouts.connect_ms;
}

void config_check_providers(struct config_checker *c)
{
    struct gateway_conf *g = &c->root->conf;
    const struct config_node *section = config_node_get(c->tree, STR("providers"));
    if (!section || section->kind == CONFIG_NOTHING ||
        (section->kind == CONFIG_MAP && section->count == 0)) {
        config_complain(c, c->tree, "providers", STR_NULL,
                        "at least one is needed (`llm-gateway init` writes a beginning)");
        return;
    }
    const struct config_node *n = section->first;
    for (unsigned i = 0; i < g->provider_count && n; i++, n = n->next) {
        g->providers[i].index = i;
        if (n->kind == CONFIG_MAP || n->kind == CONFIG_NOTHING)
            check_provider(c, &g->providers[i], n);
    }
}
