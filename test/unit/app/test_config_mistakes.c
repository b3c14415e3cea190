/* What `check` says: one run names every mistake, with its place and what was meant. */
#include "app/config.h"

#include "config_helper.h"
#include "support/test.h"

#define DEMO "providers: {demo: {type: demo}}\n"
#define KEY "sk-gw-0123456789"

TEST(ten_mistakes_are_ten_problems_in_their_places)
{
    expect_problems("listen: 127.0.0.1:99999\n"
                    "worker: 4\n"
                    "server:\n"
                    "  max_body: 32MB\n"
                    "  header_timeout: 0s\n"
                    "providers:\n"
                    "  openai: {type: opnai, api_key: ${NO_SUCH_VARIABLE}}\n"
                    "models:\n"
                    "  gpt-4o:\n"
                    "    strategy: wieghted\n"
                    "    targets: [opeani/gpt-4o]\n"
                    "keys:\n"
                    "  ci: {key: changeme-changeme}\n"
                    "rules: []\n",
                    "1:9: listen: '127.0.0.1:99999' is not an address such as 127.0.0.1:8080, "
                    "[::]:8443, :8080 or unix:/run/llm-gateway.sock\n"
                    "2:1: worker: unknown option (did you mean workers?)\n"
                    "4:13: server.max_body: '32MB' is not a size such as 64KiB, 10MiB\n"
                    "5:19: server.header_timeout: '0s' must be at least 100ms\n"
                    "7:18: providers.openai.type: unknown type 'opnai' (did you mean openai?)\n"
                    "7:34: providers.openai.api_key: environment variable NO_SUCH_VARIABLE is not "
                    "set\n"
                    "10:15: models.gpt-4o.strategy: 'wieghted' is not one of round_robin, "
                    "weighted, random or priority (did you mean weighted?)\n"
                    "11:15: models.gpt-4o.targets[0]: there is no provider 'opeani' (did you mean "
                    "openai?)\n"
                    "13:13: keys.ci.key: the value is a placeholder, not a secret\n"
                    "14:1: rules: not available in this version\n");
}

TEST(an_option_in_the_wrong_section_is_told_its_place)
{
    expect_problems(DEMO "max_body: 1MiB\n",
                    "2:1: max_body: unknown option (did you mean server.max_body?)\n");
    expect_problems("providers: {demo: {type: demo, connect: 2s}}\n",
                    "1:32: providers.demo.connect: unknown option (did you mean "
                    "defaults.timeouts.connect?)\n");
    expect_problems(DEMO "xyzzy: 1\n", "2:1: xyzzy: unknown option\n");
}

TEST(kinds_of_values_are_named)
{
    expect_problems(DEMO "server: []\n",
                    "2:9: server: expected a section (name: value), found a list\n");
    expect_problems(DEMO "log: {level: [info]}\n",
                    "2:14: log.level: expected one of error, warn, info or debug, found a list\n");
    expect_problems(DEMO "models: {a: [demo/x]}\n",
                    "2:13: models.a: expected a model: provider/model, or {targets: "
                    "[provider/model, …]}, found a list\n");
    expect_problems(DEMO "models: {a: {targets: demo/x}}\n",
                    "2:23: models.a.targets: expected a list, each a target: provider/model, or "
                    "{provider, model, weight}, found a text\n");
    expect_problems("providers: {demo: {type: demo, headers: [a]}}\n",
                    "1:41: providers.demo.headers: expected a map of texts, found a list\n");
    expect_problems("providers: {demo: {type: demo, headers: {a: {b: c}, host: x, x-y: }}}\n",
                    "1:45: providers.demo.headers.a: expected a text, found a map\n"
                    "1:59: providers.demo.headers.host: is a header that the gateway sets itself\n"
                    "1:62: providers.demo.headers.x-y: must not be empty\n");
}

TEST(yaml_that_is_none_is_one_problem_in_its_place)
{
    expect_problems("a: [1\nb: }\n", "2:4: not YAML: mismatched flow mapping end\n");
    expect_problems("a: [${HOME}, \"${HOME}\n",
                    "1:5: a[0]: environment variable HOME is not set\n"
                    "1:15: not YAML: double-quoted scalar without closing quote\n");
    expect_problems("providers:\n\tdemo: {type: demo}\n",
                    "2:1: not YAML: tab character may not be used as indentation\n");
    expect_problems("- a\n- b\n", "1:1: a configuration is a map (name: value), this is a list\n");
    expect_problems("a: !include b\n", "1:13: tags have no meaning here\n");
    expect_problems("a: \xff\n", "1:4: the text is not UTF-8\n");
    expect_problems("a: 1\n---\nb: 2\n", "2:1: a second document: one file is one configuration\n");
    expect_problems("{a: b}: c\n", "1:1: a name must be a text\n");
    expect_problems("a: *b\n", "1:4: an alias that names no anchor before it\n");
    expect_problems("a: &b [*b]\n", "1:8: an alias that names no anchor before it\n");
}

TEST(a_name_that_is_there_twice_is_a_mistake)
{
    expect_problems(DEMO "log: {level: info}\nlisten: 127.0.0.1:1\nlog: {level: warn}\n",
                    "4:1: log: is here a second time, first in line 2\n");
    expect_problems("providers:\n  a: {type: demo}\n  b: {type: demo}\n  a: {type: demo}\n",
                    "4:3: providers.a: is here a second time, first in line 2\n");
}

TEST(a_bomb_of_aliases_is_refused)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_lit(&b, "a0: &a0 [x]\n");
    for (int i = 1; i < 20; i++)
        buf_printf(&b, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1);
    buf_add_byte(&b, '\0');
    struct loaded l = load(b.ptr, NULL, NULL, 0);
    EXPECT_EQ(l.err, ERR_CONFIG);
    EXPECT_CONTAINS(buf_str(&l.problems), "holds more than 500000 values");
    unload(&l);
    buf_clear(&b);
    for (int i = 0; i < 10000; i++)
        buf_add_byte(&b, '[');
    buf_add_byte(&b, '\0');
    expect_problems(b.ptr, "1:65: nested too deeply\n");
    buf_release(&b);
}

TEST(many_problems_are_counted)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_lit(&b, DEMO);
    for (int i = 0; i < 300; i++)
        buf_printf(&b, "x%d: 1\n", i);
    buf_add_byte(&b, '\0');
    struct loaded l = load(b.ptr, NULL, NULL, 0);
    EXPECT_EQ(l.report.count, CONFIG_PROBLEMS_MAX);
    EXPECT_EQ(l.report.errors, 300);
    EXPECT_CONTAINS(buf_str(&l.problems), "and 100 more");
    unload(&l);
    buf_release(&b);
}

TEST(providers_need_what_their_type_needs)
{
    expect_problems("listen: 127.0.0.1:1\n", "1:1: providers: at least one is needed "
                                             "(`llm-gateway init` writes a beginning)\n");
    expect_problems("providers:\n  a: {}\n", "2:3: providers.a: needs `type`\n");
    expect_problems("providers:\n  a:\n", "2:3: providers.a: needs `type`\n");
    expect_problems("providers:\n  a: {type: openai}\n",
                    "2:3: providers.a: needs `api_key`, for example ${OPENAI_API_KEY}\n");
    expect_problems("providers:\n  a: {type: azure, api_key: k-1}\n",
                    "2:3: providers.a: needs `base_url`\n");
    expect_problems("providers:\n  a: {type: openai-compatible}\n",
                    "2:3: providers.a: needs `base_url` or `preset`\n");
    expect_problems("providers:\n  a: {type: openai-compatible, preset: grok}\n",
                    "2:40: providers.a.preset: unknown preset 'grok' (did you mean groq?)\n");
    expect_problems("providers:\n  a: {type: groq, api_key: k-1}\n",
                    "2:13: providers.a.type: unknown type: write `type: openai-compatible` and "
                    "`preset: groq`\n");
    expect_problems("providers:\n  a/b: {type: demo}\n",
                    "2:3: providers.a/b: the name may hold letters, digits and - _ . + ~ only\n");
}

TEST(settings_of_providers_without_effect_are_refused)
{
    expect_problems("providers:\n  a: {type: vllm, style: v1, organization: x}\n",
                    "2:26: providers.a.style: has no effect: only type azure has it\n"
                    "2:44: providers.a.organization: has no effect: only type openai has it\n");
    expect_problems("providers:\n  a: {type: vllm, api: native, num_ctx: 8192, keep_alive: 10m}\n",
                    "2:24: providers.a.api: has no effect: only type ollama has it\n"
                    "2:41: providers.a.num_ctx: has no effect: only type ollama has it\n"
                    "2:59: providers.a.keep_alive: has no effect: only type ollama has it\n");
    expect_problems("providers:\n  a: {type: ollama, api: responses}\n",
                    "2:26: providers.a.api: has no effect: only types openai, azure, vllm and "
                    "openai-compatible have it\n");
    expect_problems("providers:\n  a: {type: vllm, api_key: k-1, api_keys: [k-2]}\n",
                    "2:28: providers.a.api_key: is not needed beside `api_keys`: write one\n");
    expect_problems("providers:\n  a: {type: openai, api_key: k-1, credentials: passthrough}\n",
                    "2:30: providers.a.api_key: has no effect with `credentials: passthrough`\n");
    expect_problems("providers:\n  a: {type: vllm, tls: {ca: /dev/null}}\n",
                    "2:19: providers.a.tls: has no effect: base_url is not https\n");
    expect_problems("providers:\n"
                    "  a: {type: vllm, base_url: \"https://h/v1\", tls: {ca: /no/such, key: "
                    "/dev/null}}\n",
                    "2:45: providers.a.tls.certificate: is missing beside `key`\n"
                    "2:55: providers.a.tls.ca: /no/such cannot be read: No such file or "
                    "directory\n");
    expect_problems("providers:\n  a: {type: vllm, base_url: \"unix:/s:/v1\", proxy: "
                    "\"http://h:1\"}\n",
                    "2:51: providers.a.proxy: has no effect: base_url is a Unix socket\n");
}

TEST(addresses_of_providers_are_checked)
{
    expect_problems("providers:\n  a: {type: vllm, base_url: \"htp://h/v1\"}\n",
                    "2:29: providers.a.base_url: a URL begins with http://, https:// or unix:\n");
    expect_problems("providers:\n  a: {type: vllm, base_url: \"http://u:p@h/v1\"}\n",
                    "2:29: providers.a.base_url: user names and passwords do not belong into a "
                    "URL\n");
    expect_problems("providers:\n  a: {type: vllm, base_url: \"http://h/v1?x=y\"}\n",
                    "2:29: providers.a.base_url: must not have a query\n");
    expect_problems("providers:\n  a: {type: vllm, proxy: \"https://h:1\"}\n",
                    "2:26: providers.a.proxy: must be http://[user:password@]host:port\n");
    expect_problems("providers:\n  a: {type: vllm, proxy: \"http://u:p@h:1/path\"}\n",
                    "2:26: providers.a.proxy: must be http://[user:password@]host:port\n");
    expect_problems("providers:\n  a: {type: openai, api_key: \"your-key-here\"}\n",
                    "2:30: providers.a.api_key: the value is a placeholder, not a secret\n");
    expect_problems("providers:\n  a: {type: vllm, api_key: \"a b\"}\n",
                    "2:28: providers.a.api_key: the value must be visible ASCII characters "
                    "without blanks\n");
}

TEST(models_point_to_what_there_is)
{
    expect_problems(DEMO "models: {a: {}}\n", "2:10: models.a: needs `targets`\n");
    expect_problems(DEMO "models: {a: {targets: []}}\n",
                    "2:14: models.a.targets: must not be empty\n");
    expect_problems(DEMO "models: {a: demo}\n", "2:13: models.a: 'demo' is not provider/model\n");
    expect_problems(DEMO "models: {a: dmo/x}\n",
                    "2:13: models.a: there is no provider 'dmo' (did you mean demo?)\n");
    expect_problems(DEMO "models: {a: {targets: [{provider: dmo, model: x}]}}\n",
                    "2:35: models.a.targets[0].provider: there is no provider 'dmo' (did you mean "
                    "demo?)\n");
    expect_problems(DEMO "models: {a: {targets: [{model: x}]}}\n",
                    "2:24: models.a.targets[0]: needs `provider`\n");
    expect_problems(DEMO "models: {a: {targets: [{provider: demo, weight: 3}]}}\n",
                    "2:49: models.a.targets[0].weight: has no effect: only strategies weighted and "
                    "random read it\n");
    expect_problems(DEMO "models: {a: {strategy: latency, targets: [demo/x]}}\n",
                    "2:24: models.a.strategy: latency is not available in this version, only one "
                    "of round_robin, weighted, random or priority\n");
    expect_problems(DEMO "models: {a: {retry: {base: 5s, max: 1s}, targets: [demo/x]}}\n",
                    "2:28: models.a.retry.base: is larger than `max`\n");
    expect_problems(DEMO "models: {\"a b\": demo/x}\n",
                    "2:10: models.\"a b\": the name must not hold blanks or control characters\n");
}

TEST(keys_are_secrets_each_of_its_own)
{
    expect_problems(DEMO "keys: {a: {}}\n", "2:8: keys.a: needs `key` or `sha256`\n");
    expect_problems(DEMO "keys: {a: {key: short}}\n",
                    "2:17: keys.a.key: the value must be at least 16 characters long\n");
    expect_problems(DEMO "keys: {a: {key: sk-gw-example-0123456789}}\n",
                    "2:17: keys.a.key: the value is a placeholder, not a secret\n");
    expect_problems(DEMO "keys: {a: {key: aaaaaaaaaaaaaaaaaaaa}}\n",
                    "2:17: keys.a.key: the value is a placeholder, not a secret\n");
    expect_problems(DEMO "keys: {a: {sha256: abc}}\n",
                    "2:20: keys.a.sha256: the value is not a SHA-256 of 64 hexadecimal digits\n");
    expect_problems(DEMO "keys: {a: {key: " KEY "}, b: {key: " KEY "}}\n",
                    "2:36: keys.b: has the same secret as keys.a\n");
    expect_problems(DEMO "keys: {a: {key: " KEY ", networks: [10.0.0.1/8, 1.2.3.4/33]}}\n",
                    "2:46: keys.a.networks[0]: '10.0.0.1/8' has bits set behind its prefix\n"
                    "2:58: keys.a.networks[1]: '1.2.3.4/33' is not a network such as 10.0.0.0/8, "
                    "192.0.2.7 or fd00::/8\n");
    expect_problems(DEMO "keys: {a: {key: " KEY ", expires: tomorrow, endpoints: [caht]}}\n",
                    "2:44: keys.a.expires: 'tomorrow' is not a date such as 2027-01-31 or "
                    "2027-01-31T12:00:00Z\n"
                    "2:66: keys.a.endpoints[0]: 'caht' is no endpoint: they are called chat, "
                    "embeddings, responses, audio_speech, …\n");
}

TEST(nothing_is_exposed_by_accident)
{
    expect_problems(DEMO "listen: 0.0.0.0:8080\n",
                    "2:9: listen: 0.0.0.0:8080 is reachable from other machines: add `keys`, or "
                    "say `allow_anonymous: true`\n");
    expect_problems(DEMO "listen: [127.0.0.1:1, \":8080\"]\n",
                    "2:1: listen: :8080 is reachable from other machines: add `keys`, or say "
                    "`allow_anonymous: true`\n");
    expect_problems(DEMO "admin: {listen: \":9090\"}\n",
                    "2:17: admin.listen: :9090 is reachable from other machines and needs "
                    "`admin.token`\n");
    expect_problems(DEMO "admin: {token: secret}\n",
                    "2:16: admin.token: the value must be at least 16 characters long\n");
    expect_problems(DEMO "listen: [127.0.0.1:1, 127.0.0.1:1]\n",
                    "2:23: listen[1]: 127.0.0.1:1 is listed twice\n");
    expect_problems(DEMO "listen: 127.0.0.1:9090\n",
                    "2:9: listen: 127.0.0.1:9090 is the address of `admin` too\n");
    expect_problems(DEMO "listen: []\n", "2:1: listen: needs at least one address\n");
}

TEST(tls_is_whole_or_not_there)
{
    expect_problems(DEMO "tls: {certificate: /dev/null}\n",
                    "2:1: tls.key: is missing beside `certificate`\n");
    expect_problems(DEMO "tls: {key: /dev/null}\n",
                    "2:1: tls.certificate: is missing beside `key`\n");
    expect_problems(DEMO "tls: {client_auth: required}\n",
                    "2:1: tls: has no effect without `certificate` and `key`\n"
                    "2:20: tls.client_auth: needs `tls.client_ca`\n");
    expect_problems(DEMO "tls: {certificate: /dev/null, key: /no/such, client_ca: /dev/null}\n",
                    "2:36: tls.key: /no/such cannot be read: No such file or directory\n"
                    "2:57: tls.client_ca: has no effect without `client_auth: optional` or "
                    "`required`\n");
    expect_problems(DEMO "tls: {certificates: [{certificate: /no/such}]}\n",
                    "2:22: tls.certificates[0]: needs `key`\n"
                    "2:36: tls.certificates[0].certificate: /no/such cannot be read: No such file "
                    "or directory\n");
}

TEST(secrets_are_not_in_messages)
{
    static const char *const environment[] = {"SECRET=s3cr3t value", NULL};
    struct loaded l = load("providers: {a: {type: openai, api_key: \"s3cr3t value\"},\n"
                           "  b: {type: openai, api_key: \"${SECRET}\"}}\n"
                           "admin: {token: s3cr3t}\n"
                           "listen: ${SECRET}\n"
                           "keys: {a: {key: s3cr3t}, b: {sha256: s3cr3t}}\n",
                           environment, NULL, 0);
    EXPECT_EQ(l.err, ERR_CONFIG);
    EXPECT_EQ(l.report.errors, 6);
    EXPECT(str_find(buf_str(&l.problems), STR("s3cr3t")) < 0);
    unload(&l);
}

TEST(warnings_do_not_stop_anything)
{
    struct loaded l = load("providers:\n"
                           "  a: {type: openai, api_key: k-1, base_url: \"http://h/v1\"}\n"
                           "  b: {type: vllm, base_url: \"https://h/v1\", tls: {verify: false}}\n"
                           "keys: {a: {key: " KEY ", expires: 2001-01-01}}\n",
                           NULL, NULL, 0);
    EXPECT_EQ(l.err, ERR_NONE);
    EXPECT_STR(buf_str(&l.problems),
               "2:45: warning: providers.a.base_url: sends the key unencrypted: use https\n"
               "3:59: warning: providers.b.tls.verify: anybody in between can read and change what "
               "is sent\n"
               "4:44: warning: keys.a.expires: has passed: the key is refused\n");
    unload(&l);
}
