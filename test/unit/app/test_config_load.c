/* From texts, environment and command line to what the gateway uses. */
#include "app/config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/sha.h>
#include <openssl/tls1.h>

#include "config_helper.h"
#include "llm/provider.h"
#include "support/test.h"

#define DEMO "providers: {demo: {type: demo}}\n"
#define KEY "sk-gw-0123456789"

static const struct gateway_conf *loaded(struct loaded *l)
{
    if (l->err != ERR_NONE)
        EXPECT_FAIL("%.*s", STR_ARG(buf_str(&l->problems)));
    return l->conf;
}

TEST(an_empty_environment_and_one_provider_are_enough)
{
    struct loaded l = load(DEMO, NULL, NULL, 0);
    const struct gateway_conf *g = loaded(&l);
    EXPECT_EQ(g->listen_count, 1);
    EXPECT_STR(g->listen[0].text, "127.0.0.1:8080");
    EXPECT_EQ(address_port(&g->listen[0].address), 8080);
    EXPECT_EQ(address_port(&g->admin_listen.address), 9090);
    EXPECT(g->admin_enabled && g->admin_is_default);
    EXPECT_GE(g->workers, 1);
    EXPECT_EQ(g->server.max_body, 32 << 20);
    EXPECT_EQ(g->server.max_headers, 100);
    EXPECT_EQ(g->server.keepalive_comment_ms, 15000);
    EXPECT_EQ(g->max_event, 8 << 20);
    EXPECT_EQ(g->providers[0].timeouts.connect_ms, 2000);
    EXPECT_EQ(g->providers[0].timeouts.first_byte_ms, 60000);
    EXPECT_EQ(g->providers[0].timeouts.total_ms, 600000);
    EXPECT_EQ(g->providers[0].pool.queue_timeout_ms, 5000);
    EXPECT(g->providers[0].stream_usage && g->providers[0].discover);
    EXPECT_STR(g->file, (const char *)NULL);
    unload(&l);
}

TEST(json_is_yaml)
{
    struct loaded l = load("{\"listen\": [\"127.0.0.1:1\", \"unix:/tmp/x\"],\n"
                           "\"providers\": {\"a\": {\"type\": \"vllm\", \"stream_usage\": false}}}",
                           NULL, NULL, 0);
    const struct gateway_conf *g = loaded(&l);
    EXPECT_EQ(g->listen_count, 2);
    EXPECT_EQ(g->listen[1].address.any.sa_family, AF_UNIX);
    EXPECT(!g->providers[0].stream_usage);
    unload(&l);
}

TEST(a_provider_is_an_endpoint)
{
    struct loaded l =
        load("providers:\n"
             "  a: {type: vllm, base_url: \"http://10.0.0.5:8000/v1//\", api_keys: [x1, x2]}\n"
             "  b: {type: openai, api_key: x3}\n"
             "  c: {type: openai-compatible, preset: groq, api_key: x4}\n"
             "  d: {type: vllm, base_url: \"unix:/run/vllm.sock:/v1\"}\n"
             "  e: {type: azure, api_key: x5, base_url: "
             "\"https://r.openai.azure.com/?api-version=2024-06-01\", deployments: {m: d}}\n"
             "  f: {type: vllm, base_url: \"https://[fd00::1]/v1\",\n"
             "      proxy: \"http://us%40er:p@proxy:3128\", tls: {min_version: 1.3}}\n",
             NULL, NULL, 0);
    const struct gateway_conf *g = loaded(&l);
    const struct provider_conf *p = g->providers;
    EXPECT_EQ(g->provider_count, 6);
    EXPECT_STR(p[0].base_url, "http://10.0.0.5:8000/v1");
    EXPECT_STR(p[0].base_path, "/v1");
    EXPECT_STR(p[0].endpoint.host, "10.0.0.5");
    EXPECT_EQ(p[0].endpoint.port, 8000);
    EXPECT_STR(p[0].endpoint.authority, "10.0.0.5:8000");
    EXPECT(!p[0].endpoint.tls);
    EXPECT_EQ(p[0].api_key_count, 2);
    EXPECT_STR(p[0].api_keys[1], "x2");
    EXPECT_EQ(p[1].endpoint.port, 443);
    EXPECT(p[1].endpoint.tls && p[1].tls.verify);
    EXPECT_STR(p[1].endpoint.host, "api.openai.com");
    EXPECT_STR(p[1].endpoint.authority, "api.openai.com");
    EXPECT_STR(p[2].endpoint.host, "api.groq.com");
    EXPECT_STR(p[2].base_path, "/openai/v1");
    EXPECT_STR(p[3].endpoint.unix_path, "/run/vllm.sock");
    EXPECT_STR(p[3].base_path, "/v1");
    EXPECT_STR(p[4].api_version, "2024-06-01");
    EXPECT_STR(p[4].base_path, "");
    EXPECT_STR(p[4].deployments[0].name, "m");
    EXPECT_STR(p[4].deployments[0].value, "d");
    EXPECT_STR(p[5].endpoint.host, "fd00::1");
    EXPECT_STR(p[5].endpoint.proxy_host, "proxy");
    EXPECT_EQ(p[5].endpoint.proxy_port, 3128);
    EXPECT_STR(p[5].endpoint.proxy_authorization, "Basic dXNAZXI6cA==");
    EXPECT_EQ(p[5].tls.min_version, TLS1_3_VERSION);
    for (unsigned i = 0; i < g->provider_count; i++) {
        EXPECT_EQ(p[i].index, i);
        EXPECT(p[i].provider == provider_find(p[i].type));
        EXPECT_EQ(p[i].endpoint.connect_timeout_ms, 2000);
        EXPECT_EQ(p[i].endpoint.pool.max_idle, 256);
        for (unsigned k = 0; k < i; k++)
            EXPECT(!str_eq(p[i].endpoint.key, p[k].endpoint.key));
    }
    unload(&l);
}

TEST(the_key_of_an_endpoint_says_what_makes_connections_differ)
{
    static const char *const same[] = {
        "providers: {a: {type: vllm, base_url: \"https://h/v1\", api_key: x1}}",
        "providers: {a: {type: vllm, base_url: \"https://h/v1\", api_key: x2, headers: {a: b}}}"};
    static const char *const other[] = {
        "providers: {a: {type: vllm, base_url: \"https://h:444/v1\"}}",
        "providers: {a: {type: vllm, base_url: \"http://h/v1\"}}",
        "providers: {b: {type: vllm, base_url: \"https://h/v1\"}}",
        "providers: {a: {type: vllm, base_url: \"https://h/v1\", proxy: \"http://secret:x@p:1\"}}",
        "providers: {a: {type: vllm, base_url: \"https://h/v1\", tls: {verify: false}}}"};
    struct loaded first = load(same[0], NULL, NULL, 0), l;
    str key = loaded(&first)->providers[0].endpoint.key;
    l = load(same[1], NULL, NULL, 0);
    EXPECT_STR(loaded(&l)->providers[0].endpoint.key, key);
    unload(&l);
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        l = load(other[i], NULL, NULL, 0);
        EXPECT(!str_eq(loaded(&l)->providers[0].endpoint.key, key));
        EXPECT(str_find(l.conf->providers[0].endpoint.key, STR("secret")) < 0);
        unload(&l);
    }
    unload(&first);
}

TEST(providers_and_models_inherit_defaults)
{
    struct loaded l = load("models: {m: {retry: {total: 5}, targets: [a/x]}, n: a/y}\n"
                           "providers:\n"
                           "  a: {type: vllm, timeouts: {idle: 9s}}\n"
                           "defaults: {timeouts: {connect: 3s, idle: 4s}, pool: {max_idle: 7},\n"
                           "  retry: {attempts: 0}, strategy: priority}\n",
                           NULL, NULL, 0);
    const struct gateway_conf *g = loaded(&l);
    EXPECT_EQ(g->providers[0].timeouts.connect_ms, 3000);
    EXPECT_EQ(g->providers[0].timeouts.idle_ms, 9000);
    EXPECT_EQ(g->providers[0].pool.max_idle, 7);
    EXPECT_EQ(g->providers[0].endpoint.pool.max_idle, 7);
    EXPECT_EQ(g->providers[0].endpoint.connect_timeout_ms, 3000);
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_EQ(g->models[i].retry.attempts, 0);
        EXPECT_EQ(g->models[i].retry.total, i ? 3 : 5);
        EXPECT_EQ(g->models[i].strategy, STRATEGY_PRIORITY);
    }
    unload(&l);
}

TEST(models_are_in_the_order_in_which_names_are_tried)
{
    struct loaded l = load("providers: {a: {type: vllm}}\n"
                           "models:\n"
                           "  \"*\": a/*\n"
                           "  \"gpt-*\": a/*\n"
                           "  gpt-4o: {strategy: weighted, targets: [{provider: a, model: x/y, "
                           "weight: 3}, a/z/z]}\n"
                           "  \"gpt-4*\": a/b\n"
                           "  b: a/c\n",
                           NULL, NULL, 0);
    const struct gateway_conf *g = loaded(&l);
    static const char *const order[] = {"gpt-4o", "b", "gpt-4*", "gpt-*", "*"};
    EXPECT_EQ(g->model_count, ARRAY_LEN(order));
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        EXPECT_STR(g->models[i].name, order[i]);
        EXPECT_EQ(g->models[i].index, i);
        EXPECT_EQ(g->models[i].is_glob, i >= 2);
        EXPECT(g->models[i].targets[0].provider == &g->providers[0]);
    }
    EXPECT_EQ(g->models[0].target_count, 2);
    EXPECT_EQ(g->models[0].targets[0].weight, 3);
    EXPECT_STR(g->models[0].targets[0].model, "x/y");
    EXPECT_EQ(g->models[0].targets[1].weight, 1);
    EXPECT_STR(g->models[0].targets[1].model, "z/z");
    EXPECT_STR(g->models[4].targets[0].model, "*");
    unload(&l);
}

TEST(of_a_key_only_its_hash_is_kept)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)KEY, strlen(KEY), hash);
    struct loaded l = load(DEMO "keys:\n"
                                "  a: {key: " KEY ", networks: [10.0.0.0/8, \"::/0\"], expires: "
                                "2999-01-02T03:04:05+01:00, metadata: {team: x}}\n"
                                "  b: {enabled: false, sha256: "
                                "ABCDEFabcdef0123456789000000000000000000000000000000000000000000"
                                "}\n",
                           NULL, NULL, 0);
    const struct gateway_conf *g = loaded(&l);
    EXPECT_MEM(g->keys[0].sha256, 32, hash, 32);
    EXPECT_EQ(g->keys[0].networks[0].bits, 104);
    EXPECT_EQ(g->keys[0].networks[0].address[12], 10);
    EXPECT_EQ(g->keys[0].networks[1].bits, 0);
    EXPECT(g->keys[0].enabled && !g->keys[1].enabled);
    EXPECT_EQ(g->keys[1].sha256[0], 0xab);
    EXPECT_EQ(g->keys[1].sha256[3], 0xab);
    EXPECT_STR(g->keys[0].metadata[0].value, "x");
    struct tm t = {.tm_year = 2999 - 1900, .tm_mday = 2, .tm_hour = 2, .tm_min = 4, .tm_sec = 5};
    EXPECT_EQ(g->keys[0].expires_s, timegm(&t));
    struct buf shown;
    buf_init(&shown, 0);
    config_print(g, &shown);
    EXPECT(str_find(buf_str(&shown), STR(KEY)) < 0);
    EXPECT(str_find(buf_str(&shown), STR("abcdef")) < 0);
    buf_release(&shown);
    unload(&l);
}

TEST(secrets_are_masked_when_printed)
{
    struct loaded l = load("providers:\n"
                           "  a: {type: vllm, api_keys: [s3cr3t-1, s3cr3t-2], headers: {x: "
                           "s3cr3t-3}, proxy: \"http://u:s3cr3t-4@h:1\"}\n"
                           "admin: {token: s3cr3t-5-0123456789}\n",
                           NULL, NULL, 0);
    struct buf shown;
    buf_init(&shown, 0);
    config_print(loaded(&l), &shown);
    EXPECT(str_find(buf_str(&shown), STR("s3cr3t")) < 0);
    EXPECT_CONTAINS(buf_str(&shown), "api_keys: [\"********\", \"********\"]");
    EXPECT_CONTAINS(buf_str(&shown), "x: \"********\"");
    buf_release(&shown);
    unload(&l);
}

TEST(certificates_are_one_list)
{
    struct loaded l = load(DEMO "tls:\n"
                                "  {certificate: /dev/null, key: /dev/zero, certificates: "
                                "[{certificate: /dev/zero, key: /dev/null}]}\n",
                           NULL, NULL, 0);
    const struct gateway_conf *g = loaded(&l);
    EXPECT_EQ(g->tls.pair_count, 2);
    EXPECT_STR(g->tls.pairs[0].key, "/dev/zero");
    EXPECT_STR(g->tls.pairs[1].certificate, "/dev/zero");
    EXPECT_EQ(g->tls.min_version, TLS1_2_VERSION);
    unload(&l);
}

TEST(command_line_over_environment_over_file)
{
    static const char *const environment[] = {"LLM_GATEWAY__SERVER__MAX_BODY=2MiB",
                                              "LLM_GATEWAY__LOG__LEVEL=warn",
                                              "LLM_GATEWAY__PROVIDERS__AZURE_EU__API_KEY=k-2",
                                              "LLM_GATEWAY__MODELS__M__TARGETS__0__MODEL=e",
                                              "LLM_GATEWAY__LISTEN=[127.0.0.1:1, \"unix:/x\"]",
                                              "LLM_GATEWAY_CONFIG=/ignored",
                                              NULL};
    static const struct config_override overrides[] = {
        {STR_INIT("--log-level"), STR_INIT("log.level"), STR_INIT("debug")},
        {STR_INIT("--set"), STR_INIT("models.\"gpt-4.1\".targets"), STR_INIT("[azure-eu/x]")},
        {STR_INIT("--set"), STR_INIT("models.\"gpt-4.1\".strategy"), STR_INIT("random")}};
    struct loaded l =
        load("server: {max_body: 1MiB}\n"
             "log: {level: error}\n"
             "providers:\n"
             "  azure-eu: {type: azure, base_url: \"https://h\", api_keys: [k-0, k-1]}\n"
             "models: {m: {targets: [{provider: azure-eu, model: f}]}}\n",
             environment, overrides, ARRAY_LEN(overrides));
    const struct gateway_conf *g = loaded(&l);
    EXPECT_EQ(g->server.max_body, 2 << 20);
    EXPECT_EQ(g->log.level, 3);
    EXPECT_EQ(g->providers[0].api_key_count, 1);
    EXPECT_STR(g->providers[0].api_keys[0], "k-2");
    EXPECT_STR(g->models[0].targets[0].model, "e");
    EXPECT_STR(g->models[1].name, "gpt-4.1");
    EXPECT_EQ(g->models[1].strategy, STRATEGY_RANDOM);
    EXPECT_EQ(g->listen_count, 2);
    unload(&l);
}

static void override_says(const char *path, const char *value, const char *problem)
{
    struct config_override o = {STR("--set"), str_from_c(path), str_from_c(value)};
    struct loaded l = load(DEMO "models: {m: demo/x}\n", NULL, &o, 1);
    EXPECT_EQ(l.err, ERR_CONFIG);
    EXPECT_CONTAINS(buf_str(&l.problems), problem);
    unload(&l);
}

TEST(wrong_overrides_name_themselves)
{
    override_says("sever.max_body", "1", "--set: sever: unknown option (did you mean server?)");
    override_says("server.max_body", "x", "--set: server.max_body: 'x' is not a size");
    override_says("server..max_body", "1", "--set: server..max_body: is not a path");
    override_says("", "1", "--set: is not a path");
    override_says("server.max_body[", "1", "is not a path");
    override_says("server.", "1", "is not a path");
    override_says("\"server", "1", "is not a path");
    override_says("models.m.strategy", "random", "--set: models.m: is a text: nothing in it can");
    override_says("listen", "[1, {]", "--set: not YAML: ");
    override_says("listen", "[::]:x", "--set: listen: '[::]:x' is not an address");
    override_says("listen", "${NONE}", "--set: listen: environment variable NONE is not set");

    static const char *const environment[] = {"LLM_GATEWAY__SEVER__MAX_BODY=1",
                                              "LLM_GATEWAY__LOG__LEVEL__=x", NULL};
    struct loaded l = load(DEMO, environment, NULL, 0);
    EXPECT_STR(buf_str(&l.problems),
               "LLM_GATEWAY__LOG__LEVEL__: is not LLM_GATEWAY__SECTION__FIELD\n"
               "LLM_GATEWAY__SEVER__MAX_BODY: sever: unknown option (did you mean server?)\n");
    unload(&l);
}

TEST(an_option_without_a_value_counts_as_not_written)
{
    static const char *const environment[] = {"EMPTY=", NULL};
    struct loaded l = load("listen: ~\n"
                           "log: {level: null, file: }\n"
                           "server:\n"
                           "admin: {token: ${EMPTY}}\n"
                           "keys: {}\n"
                           "models: ${EMPTY:-}\n" DEMO,
                           environment, NULL, 0);
    const struct gateway_conf *g = loaded(&l);
    EXPECT_STR(g->listen[0].text, "127.0.0.1:8080");
    EXPECT_EQ(g->log.level, 2);
    EXPECT(str_is_null(g->log.file));
    EXPECT_EQ(g->admin_token.len, 0);
    unload(&l);
}

TEST(aliases_are_copies)
{
    struct loaded l =
        load("providers:\n"
             "  a: {type: vllm, timeouts: &slow {first_byte: 5m}, models: &m [x, y]}\n"
             "  b: {type: vllm, timeouts: *slow, models: *m}\n",
             NULL, NULL, 0);
    const struct gateway_conf *g = loaded(&l);
    EXPECT_EQ(g->providers[1].timeouts.first_byte_ms, 300000);
    EXPECT_EQ(g->providers[1].model_count, 2);
    EXPECT_STR(g->providers[1].models[1], "y");
    unload(&l);
}

TEST(what_needs_a_restart_is_named)
{
    struct loaded a = load(DEMO "workers: 1\n", NULL, NULL, 0);
    struct loaded b =
        load(DEMO "workers: 2\nadmin: {listen: 127.0.0.1:1}\nlog: {level: warn}\n", NULL, NULL, 0);
    struct buf out;
    buf_init(&out, 0);
    EXPECT_EQ(config_restart_needed(loaded(&a), loaded(&b), &out), 2);
    EXPECT_STR(buf_str(&out), "workers, admin.listen");
    buf_clear(&out);
    EXPECT_EQ(config_restart_needed(loaded(&a), loaded(&a), &out), 0);
    buf_release(&out);
    unload(&a);
    unload(&b);
}

/* --- Files. */

static char folder[] = "/tmp/config_load_XXXXXX";

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    EXPECT(fd >= 0);
    EXPECT_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void finds(const struct config_sources *src, const char *expected)
{
    struct arena a;
    arena_init(&a, 0);
    EXPECT_STR(config_find_file(src, &a), expected);
    arena_release(&a);
}

TEST(the_file_is_looked_for_in_its_places)
{
    char home[64], xdg[64], xdg_file[128], named[64];
    EXPECT(mkdtemp(folder) != NULL);
    EXPECT_EQ(chdir(folder), 0);
    EXPECT_EQ(mkdir("xdg", 0700), 0);
    EXPECT_EQ(mkdir("xdg/llm-gateway", 0700), 0);
    snprintf(home, sizeof(home), "HOME=%s", folder);
    snprintf(xdg, sizeof(xdg), "XDG_CONFIG_HOME=%s/xdg", folder);
    snprintf(xdg_file, sizeof(xdg_file), "%s/xdg/llm-gateway/config.yaml", folder);
    snprintf(named, sizeof(named), "LLM_GATEWAY_CONFIG=/named.yaml");
    const char *environment[] = {home, xdg, NULL, NULL};
    struct config_sources src = {.environment = environment};
    if (access("/etc/llm-gateway/config.yaml", F_OK) != 0)
        finds(&src, NULL);
    write_file("xdg/llm-gateway/config.yaml", DEMO);
    finds(&src, xdg_file);
    write_file("llm-gateway.yaml", DEMO "workers: 7\n");
    finds(&src, "llm-gateway.yaml");

    struct config_report report;
    struct gateway_conf *conf;
    config_report_init(&report);
    EXPECT_EQ(config_load(&src, &conf, &report), ERR_NONE);
    EXPECT_STR(conf->file, "llm-gateway.yaml");
    EXPECT_EQ(conf->workers, 7);
    config_free(conf);

    environment[2] = named;
    finds(&src, "/named.yaml");
    src.file = "given.yaml";
    finds(&src, "given.yaml");
    EXPECT_EQ(config_load(&src, &conf, &report), ERR_CONFIG);
    EXPECT(conf == NULL);
    EXPECT_STR(report.problems[0].place.source, "given.yaml");
    EXPECT_CONTAINS(report.problems[0].what, "cannot be read: No such file");
    config_report_release(&report);
    unlink("xdg/llm-gateway/config.yaml");
    unlink("llm-gateway.yaml");
    rmdir("xdg/llm-gateway");
    rmdir("xdg");
    EXPECT_EQ(chdir("/"), 0);
    rmdir(folder);
}
