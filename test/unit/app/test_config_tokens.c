/* Settings of access tokens and of fetching: what belongs together, and to which type. */
#include "app/config.h"

#include "config_helper.h"
#include "llm/provider.h"
#include "llm/token_source.h"
#include "support/test.h"

#define AZURE                                                                                      \
    "allow_anonymous: true\nproviders:\n  a: {type: azure, base_url: 'https://a.example', "
#define BEDROCK "allow_anonymous: true\nproviders:\n  b: {type: bedrock, region: us-east-1, "

static const struct provider_conf *first(const struct loaded *l)
{
    EXPECT_EQ(l->err, ERR_NONE);
    return &l->conf->providers[0];
}

TEST(entra_stands_in_place_of_a_key)
{
    struct loaded l = load(AZURE "entra: {tenant: t, client_id: c, client_secret: s-1, authority: "
                                 "'https://login.example', scope: 'https://x/.default'}}\n",
                           NULL, NULL, 0);
    const struct provider_conf *p = first(&l);
    EXPECT_STR(p->entra.tenant, "t");
    EXPECT_STR(p->entra.authority, "https://login.example");
    EXPECT_STR(p->entra.scope, "https://x/.default");
    EXPECT_EQ(p->provider->tokens(p), &token_entra);
    unload(&l);
    expect_problems(AZURE "entra: {}}\n",
                    "3:3: providers.a: needs `api_key`, for example ${AZURE_OPENAI_API_KEY}\n");
    expect_problems(AZURE "api_key: sk-1, entra: {tenant: t}}\n",
                    "3:66: providers.a.entra: has no effect beside `api_key`: write one\n");
    expect_problems(AZURE "entra: {managed_identity: true, client_secret: s-1}}\n",
                    "3:98: providers.a.entra.client_secret: has no effect with "
                    "`managed_identity`\n");
    expect_problems(
        AZURE "entra: {tenant: t, authority: 'http://login.example'}}\n",
        "3:81: providers.a.entra.authority: 'http://login.example' must be https: a secret is sent there\n");
}

TEST(aws_settings_belong_together)
{
    struct loaded l = load(BEDROCK "aws: {access_key_id: A, secret_access_key: s-1, session_token: "
                                   "t-1, role: r, external_id: e, session_name: n}}\n",
                           NULL, NULL, 0);
    const struct provider_conf *p = first(&l);
    EXPECT_STR(p->aws.session_token, "t-1");
    EXPECT_STR(p->aws.external_id, "e");
    EXPECT_STR(p->aws.session_name, "n");
    EXPECT_EQ(p->provider->tokens(p), &token_aws);
    unload(&l);
    expect_problems(BEDROCK "aws: {access_key_id: A}}\n",
                    "3:62: providers.b.aws.access_key_id: needs `secret_access_key` beside it\n");
    expect_problems(BEDROCK "aws: {session_token: t}}\n",
                    "3:62: providers.b.aws.session_token: needs `access_key_id` beside it\n");
    expect_problems(BEDROCK "aws: {external_id: e}}\n",
                    "3:60: providers.b.aws.external_id: has no effect without `role`\n");
    expect_problems(BEDROCK "aws: {profile: p, access_key_id: A, secret_access_key: s-1}}\n",
                    "3:56: providers.b.aws.profile: has no effect beside `access_key_id`\n");
}

TEST(a_section_of_another_type_is_a_mistake)
{
    expect_problems(AZURE "api_key: sk-1, vertex: {project: p}}\n",
                    "3:66: providers.a.vertex: has no effect: only type gemini has it\n");
    expect_problems("allow_anonymous: true\nproviders:\n  g: {type: gemini, vertex: {credentials: "
                    "/k.json}, api_key: k-1}\n",
                    "3:43: providers.g.vertex.credentials: has no effect without `project`\n");
}

TEST(vertex_is_global_unless_told)
{
    struct loaded l =
        load("allow_anonymous: true\nproviders:\n  g: {type: gemini, vertex: {project: "
             "p-1}}\n",
             NULL, NULL, 0);
    EXPECT_STR(first(&l)->vertex.location, "global");
    unload(&l);
    expect_problems(
        "allow_anonymous: true\nproviders:\n  g: {type: gemini, vertex: {project: 'a/b', "
        "location: 'x.y'}}\n",
        "3:39: providers.g.vertex.project: 'a/b' must be a plain name: it becomes a part of a "
        "path\n"
        "3:56: providers.g.vertex.location: 'x.y' must be a region such as us-east-1\n");
}

TEST(what_tokens_are_made_from_tells_settings_apart)
{
    struct loaded a =
        load(AZURE "entra: {tenant: t, client_id: c, client_secret: s-1}}\n", NULL, NULL, 0);
    struct loaded b =
        load(AZURE "entra: {tenant: t, client_id: c, client_secret: s-2}}\n", NULL, NULL, 0);
    struct loaded c = load(AZURE "timeouts: {idle: 5s}, entra: {tenant: t, client_id: c, "
                                 "client_secret: s-1}}\n",
                           NULL, NULL, 0);
    EXPECT_NE(first(&a)->credentials_hash, first(&b)->credentials_hash);
    EXPECT_EQ(first(&a)->credentials_hash, first(&c)->credentials_hash);
    unload(&a);
    unload(&b);
    unload(&c);
}

TEST(what_is_printed_can_be_read_again)
{
    struct loaded a = load(AZURE "entra: {tenant: t, client_id: c, client_secret: s-1}}\n"
                                 "fetch: {networks: [10.0.0.0/8], max_size: 1MiB}\n",
                           NULL, NULL, 0);
    struct buf text;
    buf_init(&text, 0);
    first(&a);
    config_print(a.conf, &text);
    EXPECT(str_find(buf_str(&text), STR("s-1")) < 0);
    buf_add_byte(&text, '\0');
    struct loaded b = load(text.ptr, NULL, NULL, 0);
    EXPECT_STR(buf_str(&b.problems), "");
    EXPECT_EQ(b.conf->fetch.max_size, 1 << 20);
    EXPECT_EQ(b.conf->fetch.network_count, 1);
    EXPECT_EQ(b.conf->fetch.max_count, 20);
    unload(&a);
    unload(&b);
    buf_release(&text);
}

TEST(an_authority_for_fetching_must_be_readable)
{
    expect_problems("providers: {demo: {type: demo}}\nfetch: {ca: /nonexistent/ca.pem}\n",
                    "2:13: fetch.ca: /nonexistent/ca.pem cannot be read: No such file or "
                    "directory\n");
}

TEST(bedrock_needs_a_region_that_can_be_part_of_a_hosts_name)
{
    expect_problems("allow_anonymous: true\nproviders: {b: {type: bedrock, api_key: k-1}}\n",
                    "2:13: providers.b: needs `region`, or AWS_REGION in the environment\n");
    expect_problems("allow_anonymous: true\n"
                    "providers: {b: {type: bedrock, api_key: k-1, region: evil.example/x}}\n",
                    "2:54: providers.b.region: 'evil.example/x' must be a region such as "
                    "us-east-1\n");
}
