/* Starting without a file. */
#include "app/config_discover.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "app/config.h"
#include "config_helper.h"
#include "support/test.h"

/* Loads what an environment makes, as `serve` without a file does. */
static struct loaded load_found(const char *const *environment, bool with_comments)
{
    struct config_found found;
    struct buf text;
    buf_init(&text, 0);
    config_discover(&found, environment, false);
    if (with_comments)
        config_found_starter(&found, &text);
    else
        config_found_yaml(&found, &text);
    buf_add_byte(&text, '\0');
    struct loaded l = load(text.ptr, environment, NULL, 0);
    buf_release(&text);
    if (l.err != ERR_NONE)
        EXPECT_FAIL("%.*s", STR_ARG(buf_str(&l.problems)));
    return l;
}

static const char *const nothing[] = {"HOME=/", "OPENAI_API_KEY=", NULL};
static const char *const much[] = {"OPENAI_API_KEY=k-1",
                                   "TOGETHER_API_KEY=k-2",
                                   "GROQ_API_KEY=k-3",
                                   "AZURE_OPENAI_API_KEY=k-4",
                                   "AZURE_OPENAI_ENDPOINT=https://r.openai.azure.com/",
                                   "ANTHROPIC_API_KEY=k-5",
                                   "GOOGLE_API_KEY=k-6",
                                   NULL};
static const char *const azure_without_address[] = {"AZURE_OPENAI_API_KEY=k-4", NULL};

TEST(without_anything_the_demo_answers)
{
    struct loaded l = load_found(nothing, false);
    EXPECT_EQ(l.conf->provider_count, 1);
    EXPECT_STR(l.conf->providers[0].type, "demo");
    unload(&l);
    l = load_found(azure_without_address, false);
    EXPECT_STR(l.conf->providers[0].type, "demo");
    unload(&l);
}

TEST(awss_variables_become_bedrock_when_they_have_a_region)
{
    static const char *const keys[] = {"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=s",
                                       "AWS_DEFAULT_REGION=eu-west-1", NULL};
    static const char *const bearer[] = {"AWS_BEARER_TOKEN_BEDROCK=k", "AWS_REGION=cn-north-1",
                                         NULL};
    static const char *const no_region[] = {"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=s", NULL};
    struct loaded l = load_found(keys, true);
    EXPECT_EQ(l.conf->provider_count, 1);
    EXPECT_STR(l.conf->providers[0].type, "bedrock");
    EXPECT_STR(l.conf->providers[0].base_url, "https://bedrock-runtime.eu-west-1.amazonaws.com");
    EXPECT_EQ(l.conf->providers[0].api_key_count, 0);
    unload(&l);
    l = load_found(bearer, false);
    EXPECT_STR(l.conf->providers[0].endpoint.host, "bedrock-runtime.cn-north-1.amazonaws.com.cn");
    EXPECT_STR(l.conf->providers[0].api_keys[0], "k");
    unload(&l);
    l = load_found(no_region, false);
    EXPECT_STR(l.conf->providers[0].type, "demo");
    unload(&l);
}

TEST(keys_of_the_environment_become_providers)
{
    static const char *const names[] = {"openai", "anthropic", "gemini",
                                        "azure",  "together",  "groq"};
    struct loaded l = load_found(much, false);
    EXPECT_EQ(l.conf->provider_count, ARRAY_LEN(names));
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        EXPECT_STR(l.conf->providers[i].name, names[i]);
    EXPECT_STR(l.conf->providers[2].endpoint.host, "generativelanguage.googleapis.com");
    EXPECT_STR(l.conf->providers[2].api_keys[0], "k-6");
    EXPECT_STR(l.conf->providers[3].endpoint.host, "r.openai.azure.com");
    EXPECT_STR(l.conf->providers[5].api_keys[0], "k-3");
    unload(&l);
}

TEST(the_beginning_that_init_writes_loads_and_is_the_same)
{
    struct loaded plain = load_found(much, false), starter = load_found(much, true);
    EXPECT_EQ(plain.conf->provider_count, starter.conf->provider_count);
    EXPECT_EQ(starter.conf->key_count, 0);
    unload(&plain);
    unload(&starter);
    starter = load_found(nothing, true);
    unload(&starter);
}

static void start_text(struct gateway_conf *conf, struct buf *out)
{
    buf_clear(out);
    config_start_text(conf, out);
}

TEST(the_start_text_says_what_was_found_where_and_what_to_try)
{
    struct buf out;
    buf_init(&out, 0);
    struct loaded l = load_found(nothing, false);
    start_text(l.conf, &out);
    EXPECT_CONTAINS(buf_str(&out), "without a configuration file");
    EXPECT_CONTAINS(buf_str(&out), "address    http://127.0.0.1:8080/v1\n");
    EXPECT_CONTAINS(buf_str(&out), "curl http://127.0.0.1:8080/v1/chat/completions");
    EXPECT_CONTAINS(buf_str(&out), "\"model\": \"demo\"");
    unload(&l);

    l = load_found(much, false);
    start_text(l.conf, &out);
    EXPECT_CONTAINS(buf_str(&out),
                    "openai (OPENAI_API_KEY), anthropic (ANTHROPIC_API_KEY), gemini");
    EXPECT(str_find(buf_str(&out), STR("k-")) < 0);
    unload(&l);

    l = load("listen: \"[::]:8443\"\ntls: {certificate: /dev/null, key: /dev/null}\n"
             "keys: {a: {key: sk-gw-0123456789}}\nproviders: {a: {type: vllm, models: [m]}}\n",
             NULL, NULL, 0);
    start_text(l.conf, &out);
    EXPECT_CONTAINS(buf_str(&out), "https://127.0.0.1:8443/v1/chat/completions");
    EXPECT_CONTAINS(buf_str(&out), "Bearer $LLM_GATEWAY_KEY");
    EXPECT_CONTAINS(buf_str(&out), "\"model\": \"m\"");
    unload(&l);

    l = load("listen: \"unix:/run/g.sock\"\nproviders: {a: {type: vllm}}\n", NULL, NULL, 0);
    start_text(l.conf, &out);
    EXPECT_CONTAINS(buf_str(&out), "curl --unix-socket /run/g.sock http://localhost/v1/models\n");
    unload(&l);
    buf_release(&out);
}
