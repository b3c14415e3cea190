/* Providers: types, presets, addresses, and options that only some types have. */
#include "app/config_check.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/tls1.h>

#include "app/option_tables/kinds.h"
#include "base/digest.h"
#include "base/option.h"
#include "llm/provider.h"
#include "wire/url.h"

/* Options that only one type reads. */
static const struct {
    const char *option, *type;
} options_of_types[] = {
    {"api_version", "azure"},   {"style", "azure"},       {"deployments", "azure"},
    {"organization", "openai"}, {"project", "openai"},    {"preset", "openai-compatible"},
    {"num_ctx", "ollama"},      {"keep_alive", "ollama"}, {"region", "bedrock"},
};

/* Types that have the choice of an API, by the words of `api`. */
static const struct {
    enum provider_api api;
    const char *type;
} apis_of_types[] = {
    {API_NATIVE, "ollama"},
    {API_OPENAI, "ollama"},
    {API_CHAT, "openai"},
    {API_RESPONSES, "openai"},
    {API_CHAT, "azure"},
    {API_RESPONSES, "azure"},
    {API_CHAT, "vllm"},
    {API_RESPONSES, "vllm"},
    {API_CHAT, "openai-compatible"},
    {API_RESPONSES, "openai-compatible"},
};

static void check_type(struct config_checker *c, struct provider_conf *p,
                       const struct config_node *n)
{
    if (p->type.len == 0)
        return; /* the table said that it is needed */
    p->provider = provider_find(p->type);
    if (p->provider)
        return;
    if (str_eq(p->type, STR("vertex"))) {
        config_complain(c, n, "type", STR_NULL,
                        "unknown type: write `type: gemini` and `vertex: {project: …}`");
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
    return n->kind == CONFIG_TEXT ? !str_eq(n->text, STR("auto")) && !str_eq(n->text, STR("0"))
                                  : n->count > 0;
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

static void check_api(struct config_checker *c, const struct provider_conf *p,
                      const struct config_node *n)
{
    bool has = p->api == API_AUTO;
    for (size_t i = 0; i < ARRAY_LEN(apis_of_types); i++)
        has = has || (apis_of_types[i].api == p->api &&
                      str_eq(p->type, str_from_c(apis_of_types[i].type)));
    if (has || !p->provider)
        return;
    bool ollama = p->api == API_NATIVE || p->api == API_OPENAI;
    config_complain(c, n, "api", STR_NULL, "has no effect: only %s",
                    ollama ? "type ollama has it"
                           : "types openai, azure, vllm and openai-compatible have it");
}

static bool makes_tokens(const struct provider_conf *p)
{
    return p->provider && p->provider->tokens && p->provider->tokens(p);
}

static const struct {
    const char *section, *type;
} sections_of_types[] = {{"entra", "azure"}, {"vertex", "gemini"}, {"aws", "bedrock"}};

/* Where something is written that tokens are made of; NULL: nowhere. */
static const char *tokens_section(const struct provider_conf *p)
{
    const struct entra_conf *e = &p->entra;
    const struct aws_conf *a = &p->aws;
    if (e->tenant.len || e->client_id.len || e->client_secret.len || e->managed_identity ||
        e->authority.len || e->scope.len)
        return "entra";
    if (p->vertex.project.len || p->vertex.location.len || p->vertex.credentials.len)
        return "vertex";
    if (a->profile.len || a->access_key_id.len || a->secret_access_key.len ||
        a->session_token.len || a->role.len || a->external_id.len || a->session_name.len)
        return "aws";
    return NULL;
}

/* Halves of credentials, and those that would not be used. */
static void check_tokens(struct config_checker *c, struct provider_conf *p,
                         const struct config_node *n)
{
    const struct config_node *entra = config_node_get(n, STR("entra"));
    const struct config_node *aws = config_node_get(n, STR("aws"));
    const char *section = tokens_section(p);
    for (size_t i = 0; p->provider && section && i < ARRAY_LEN(sections_of_types); i++)
        if (!strcmp(section, sections_of_types[i].section) &&
            !str_eq(p->type, str_from_c(sections_of_types[i].type)))
            config_complain(c, n, section, STR_NULL, "has no effect: only type %s has it",
                            sections_of_types[i].type);
    if (p->api_key_count && section && strcmp(section, "vertex") != 0)
        config_complain(c, n, section, STR_NULL, "has no effect beside `api_key`: write one");
    if (p->entra.client_secret.len && p->entra.managed_identity)
        config_complain(c, entra, "client_secret", STR_NULL,
                        "has no effect with `managed_identity`");
    if (p->aws.access_key_id.len && !p->aws.secret_access_key.len)
        config_complain(c, aws, "access_key_id", STR_NULL, "needs `secret_access_key` beside it");
    if (p->aws.secret_access_key.len && !p->aws.access_key_id.len)
        config_complain(c, aws, "secret_access_key", STR_NULL, "needs `access_key_id` beside it");
    if (p->aws.session_token.len && !p->aws.access_key_id.len)
        config_complain(c, aws, "session_token", STR_NULL, "needs `access_key_id` beside it");
    if (p->aws.access_key_id.len && p->aws.profile.len)
        config_complain(c, aws, "profile", STR_NULL, "has no effect beside `access_key_id`");
    if (!p->aws.role.len && (p->aws.external_id.len || p->aws.session_name.len))
        config_complain(c, aws, p->aws.external_id.len ? "external_id" : "session_name", STR_NULL,
                        "has no effect without `role`");
    if (!p->vertex.project.len && p->vertex.credentials.len)
        config_complain(c, config_node_get(n, STR("vertex")), "credentials", STR_NULL,
                        "has no effect without `project`");
    if (p->vertex.project.len && !p->vertex.location.len)
        p->vertex.location = STR("global");
}

/* Tokens that were made from these settings serve as long as they stay the same. */
static void hash_credentials(struct config_checker *c, struct provider_conf *p)
{
    const str parts[] = {
        p->type,
        p->region,
        p->entra.tenant,
        p->entra.client_id,
        p->entra.client_secret,
        p->entra.authority,
        p->entra.scope,
        p->vertex.credentials,
        p->aws.profile,
        p->aws.access_key_id,
        p->aws.secret_access_key,
        p->aws.session_token,
        p->aws.role,
        p->aws.external_id,
        p->aws.session_name,
        p->endpoint.key,
    };
    uint8_t digest[SHA256_BYTES];
    struct buf all;
    buf_init(&all, 0);
    buf_printf(&all, "%d", p->entra.managed_identity);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        buf_printf(&all, "/%zu:", parts[i].len);
        buf_add_str(&all, parts[i]);
    }
    if (all.failed)
        c->no_memory = true;
    digest_sha256(buf_str(&all), digest);
    memcpy(&p->credentials_hash, digest, sizeof(p->credentials_hash));
    buf_wipe(&all);
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
    if (!p->provider || !p->provider->key_required || p->credentials != CREDENTIALS_OWN ||
        makes_tokens(p) || config_is_written(config_node_get(n, STR("vertex")), "project"))
        return; /* a project that is not right has its own message */
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
        if (p->provider && !p->provider->default_url && !config_is_written(n, "base_url") &&
            !config_is_written(n, "preset"))
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

/* AWS's SDKs take the region from these, so that what works there works here. */
static void take_region(struct config_checker *c, struct provider_conf *p,
                        const struct config_node *n)
{
    static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    if (!str_eq(p->type, STR("bedrock")))
        return;
    for (size_t i = 0; i < ARRAY_LEN(variables) && !p->region.len; i++) {
        const char *value = config_environment_get(c->environment, str_from_c(variables[i]));
        if (value && *value && !check_region(str_from_c(value)))
            p->region = arena_str(c->arena, str_from_c(value));
    }
    if (!p->region.len && !config_is_written(n, "region"))
        config_complain(c, n, NULL, STR_NULL, "needs `region`, or AWS_REGION in the environment");
}

static void take_default_url(struct config_checker *c, struct provider_conf *p)
{
    bool needs_region = str_eq(p->type, STR("bedrock"));
    if (p->base_url.len || !p->provider || !p->provider->default_url ||
        (needs_region && !p->region.len))
        return;
    p->base_url = p->provider->default_url(p, c->arena);
    if (str_is_null(p->base_url))
        c->no_memory = true;
}

static void check_provider(struct config_checker *c, struct provider_conf *p,
                           const struct config_node *n)
{
    check_type(c, p, n);
    const struct preset *preset = check_preset(c, p, n);
    take_region(c, p, n);
    take_default_url(c, p);
    if (p->base_url.len == 0 && p->provider && p->provider->base_url)
        p->base_url = str_from_c(p->provider->base_url);
    if (p->base_url.len == 0 && preset)
        p->base_url = str_from_c(preset->base_url);
    while (p->base_url.len && p->base_url.ptr[p->base_url.len - 1] == '/')
        p->base_url.len--;
    check_options_of_types(c, p, n);
    check_api(c, p, n);
    check_keys(c, p, n);
    check_tokens(c, p, n);
    check_url(c, p, n);
    check_tls(c, p, n);
    list_deployments(c, p);
    check_proxy(c, p, n);
    hash_credentials(c, p);
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
