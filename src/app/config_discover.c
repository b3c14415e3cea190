#include "app/config_discover.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "app/config_text.h"
#include "llm/provider.h"

enum { PROBE_MS = 300, OLLAMA_PORT = 11434, VLLM_PORT = 8000 };

static bool is_set(const char *const *environment, const char *variable)
{
    const char *value = config_environment_get(environment, str_from_c(variable));
    return value && *value;
}

static void add(struct config_found *found, struct config_found_provider p)
{
    if (found->count < CONFIG_FOUND_MAX)
        found->providers[found->count++] = p;
}

/* --- Local servers. */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool wait_for(int fd, short events, int64_t until)
{
    struct pollfd p = {.fd = fd, .events = events};
    int64_t left = until - now_ms();
    return left > 0 && poll(&p, 1, (int)left) == 1;
}

static bool connect_local(int fd, uint16_t port, int64_t until)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int problem = 0;
    socklen_t size = sizeof(problem);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
        return true;
    return errno == EINPROGRESS && wait_for(fd, POLLOUT, until) &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 && problem == 0;
}

/* Whether something that lists models answers there: port 8000 is many a web server's. */
static bool probe_models(uint16_t port)
{
    static const char ask[] = "GET /v1/models HTTP/1.0\r\nHost: localhost\r\n\r\n";
    char answer[4096];
    size_t len = 0;
    int64_t until = now_ms() + PROBE_MS;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (connect_local(fd, port, until) &&
        send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(ask) - 1)
        while (len < sizeof(answer) && wait_for(fd, POLLIN, until)) {
            ssize_t n = read(fd, answer + len, sizeof(answer) - len);
            if (n <= 0)
                break;
            len += (size_t)n;
        }
    close(fd);
    str got = str_make(answer, len);
    return str_starts(got, STR("HTTP/1.")) && str_starts(str_from(got, 8), STR(" 200")) &&
           str_find(got, STR("\"data\"")) >= 0;
}

/* --- All of it. */

/* AWS's own variables: a key for Bedrock, or credentials to sign with; both belong to a region. */
static void find_bedrock(struct config_found *found, const char *const *environment)
{
    bool region = is_set(environment, "AWS_REGION") || is_set(environment, "AWS_DEFAULT_REGION");
    bool key = is_set(environment, "AWS_BEARER_TOKEN_BEDROCK");
    bool credentials =
        is_set(environment, "AWS_ACCESS_KEY_ID") && is_set(environment, "AWS_SECRET_ACCESS_KEY");
    if (region && (key || credentials))
        add(found,
            (struct config_found_provider){.name = "bedrock",
                                           .type = "bedrock",
                                           .key_env = key ? "AWS_BEARER_TOKEN_BEDROCK" : NULL});
}

/* Google's SDKs take its key from either variable. */
static const char *key_variable(const struct provider *p, const char *const *environment)
{
    bool is_gemini = strcmp(p->name, "gemini") == 0;
    if (is_gemini && !is_set(environment, p->key_env) && is_set(environment, "GOOGLE_API_KEY"))
        return "GOOGLE_API_KEY";
    return p->key_env;
}

static void find_keys(struct config_found *found, const char *const *environment)
{
    const struct provider *p;
    const struct preset *preset;
    for (unsigned i = 0; (p = provider_at(i)) != NULL; i++) {
        const char *variable = p->key_required ? key_variable(p, environment) : NULL;
        if (!variable || !is_set(environment, variable))
            continue;
        bool is_azure = strcmp(p->name, "azure") == 0;
        if (is_azure && !is_set(environment, "AZURE_OPENAI_ENDPOINT"))
            continue;
        add(found,
            (struct config_found_provider){.name = p->name,
                                           .type = p->name,
                                           .base_url = is_azure ? "${AZURE_OPENAI_ENDPOINT}" : NULL,
                                           .key_env = variable});
    }
    for (unsigned i = 0; (preset = preset_at(i)) != NULL; i++)
        if (preset->key_env && is_set(environment, preset->key_env))
            add(found, (struct config_found_provider){.name = preset->name,
                                                      .type = "openai-compatible",
                                                      .preset = preset->name,
                                                      .key_env = preset->key_env});
}

void config_discover(struct config_found *found, const char *const *environment, bool probe)
{
    *found = (struct config_found){0};
    find_keys(found, environment);
    find_bedrock(found, environment);
    if (probe && probe_models(OLLAMA_PORT))
        add(found, (struct config_found_provider){
                       .name = "ollama", .type = "ollama", .base_url = "http://127.0.0.1:11434"});
    if (probe && probe_models(VLLM_PORT))
        add(found, (struct config_found_provider){
                       .name = "vllm", .type = "vllm", .base_url = "http://127.0.0.1:8000/v1"});
    if (found->count == 0)
        add(found, (struct config_found_provider){.name = "demo", .type = "demo"});
}

/* --- As text. */

static void provider_yaml(const struct config_found_provider *p, struct buf *out)
{
    buf_printf(out, "  %s:\n    type: %s\n", p->name, p->type);
    if (p->preset)
        buf_printf(out, "    preset: %s\n", p->preset);
    if (p->base_url)
        buf_printf(out, "    base_url: %s\n", p->base_url);
    if (p->key_env)
        buf_printf(out, "    api_key: ${%s}\n", p->key_env);
}

void config_found_yaml(const struct config_found *found, struct buf *out)
{
    buf_add_lit(out, "providers:\n");
    for (unsigned i = 0; i < found->count; i++)
        provider_yaml(&found->providers[i], out);
}

void config_found_starter(const struct config_found *found, struct buf *out)
{
    buf_add_lit(out,
                "# Configuration of llm-gateway.  All options: docs/options.md.  After a change:\n"
                "#     llm-gateway check && kill -HUP <pid>\n"
                "# Values may hold ${VARIABLE}, ${VARIABLE:-default} and ${file:/path}.\n"
                "\n"
                "# Where clients connect.  Beyond this machine, set `keys` below.\n"
                "listen: 127.0.0.1:8080\n"
                "\n"
                "# Who answers.  Clients say provider/model, or a model that a provider lists.\n");
    config_found_yaml(found, out);
    const char *first = found->providers[0].name;
    buf_printf(out,
               "\n"
               "# Names of your own, with several targets if you like.\n"
               "# models:\n"
               "#   assistant:\n"
               "#     strategy: priority          # the first that works\n"
               "#     targets:\n"
               "#       - %s/some-model\n"
               "#       - %s/another-model\n"
               "#   \"gpt-*\": %s/*               # everything of that name\n",
               first, first, first);
    buf_add_lit(out, "\n"
                     "# Keys of clients.  Make one:  echo \"sk-gw-$(openssl rand -hex 32)\"\n"
                     "# keys:\n"
                     "#   alice: {key: \"${ALICE_KEY}\", tenant: research, models: [\"gpt-*\"]}\n"
                     "\n"
                     "# tls: {certificate: /etc/ssl/gateway.pem, key: /etc/ssl/gateway.key}\n"
                     "\n"
                     "# Health and metrics for operators.\n"
                     "# admin: {listen: 127.0.0.1:9090}\n"
                     "\n"
                     "# log: {level: info, access_file: /var/log/llm-gateway/access.log}\n");
}

/* --- After start. */

static str url_of(const struct gateway_conf *conf, struct buf *out)
{
    const struct listen_conf *l = &conf->listen[0];
    const char *scheme = conf->tls.pair_count ? "https" : "http";
    str text = l->text;
    bool all = str_starts(text, STR(":")) || str_starts(text, STR("0.0.0.0:")) ||
               str_starts(text, STR("[::]:"));
    if (l->address.any.sa_family == AF_UNIX)
        buf_printf(out, "%s://localhost", scheme);
    else if (all)
        buf_printf(out, "%s://127.0.0.1:%u", scheme, address_port(&l->address));
    else
        buf_printf(out, "%s://%.*s", scheme, STR_ARG(text));
    return buf_str(out);
}

static void providers_line(const struct gateway_conf *conf, struct buf *out)
{
    buf_add_lit(out, "  providers  ");
    for (unsigned i = 0; i < conf->provider_count; i++) {
        const struct provider_conf *p = &conf->providers[i];
        buf_printf(out, "%s%.*s", i ? ", " : "", STR_ARG(p->name));
        if (str_is_null(conf->file) && p->api_key_count && p->provider->key_env &&
            p->preset.len == 0)
            buf_printf(out, " (%s)", p->provider->key_env);
        else if (!str_eq(p->type, STR("demo")))
            buf_printf(out, " (%.*s)", STR_ARG(p->base_url));
    }
    buf_add_byte(out, '\n');
}

/* A model that the reader can try at once, or null. */
static str model_to_try(const struct gateway_conf *conf)
{
    for (unsigned i = 0; i < conf->model_count; i++)
        if (!conf->models[i].is_glob)
            return conf->models[i].name;
    for (unsigned i = 0; i < conf->provider_count; i++) {
        const struct provider_conf *p = &conf->providers[i];
        if (p->model_count)
            return p->models[0];
        if (str_eq(p->type, STR("demo")))
            return STR("demo");
        if (str_eq(p->type, STR("openai")) && conf->provider_count == 1)
            return STR("gpt-4o-mini");
    }
    return STR_NULL;
}

static void try_lines(const struct gateway_conf *conf, str url, struct buf *out)
{
    const struct listen_conf *l = &conf->listen[0];
    str model = model_to_try(conf);
    buf_add_lit(out, "  try        curl ");
    if (l->address.any.sa_family == AF_UNIX && str_starts(l->text, STR("unix:@")))
        buf_printf(out, "--abstract-unix-socket %.*s ", STR_ARG(str_from(l->text, 6)));
    else if (l->address.any.sa_family == AF_UNIX)
        buf_printf(out, "--unix-socket %.*s ", STR_ARG(str_from(l->text, 5)));
    buf_printf(out, "%.*s/v1/%s", STR_ARG(url), model.len ? "chat/completions" : "models");
    if (conf->key_count)
        buf_add_lit(out, " -H \"authorization: Bearer $LLM_GATEWAY_KEY\"");
    if (model.len)
        buf_printf(out,
                   " \\\n               -H 'content-type: application/json' \\\n"
                   "               -d '{\"model\": \"%.*s\", \"messages\": [{\"role\": "
                   "\"user\", \"content\": \"Hello\"}]}'",
                   STR_ARG(model));
    buf_add_byte(out, '\n');
}

void config_start_text(const struct gateway_conf *conf, struct buf *out)
{
    struct buf url_text;
    buf_init(&url_text, 0);
    buf_printf(out, "llm-gateway %s, ", LLM_GATEWAY_VERSION);
    if (str_is_null(conf->file))
        buf_add_lit(out, "without a configuration file (llm-gateway init writes one)\n");
    else
        buf_printf(out, "configured by %.*s\n", STR_ARG(conf->file));
    providers_line(conf, out);
    if (conf->listen_count) {
        str url = url_of(conf, &url_text);
        buf_printf(out, "  address    %.*s/v1\n", STR_ARG(url));
        try_lines(conf, url, out);
    }
    buf_release(&url_text);
}
