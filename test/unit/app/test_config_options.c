/* Walks the tables: every option that there is is read, kept in its range, overridden and printed. */
#include "app/config.h"

#include <stdio.h>

#include "app/option_tables/tables.h"
#include "config_helper.h"
#include "support/test.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TLS_AND "{certificate: /dev/null, key: /dev/null, "
#define OPENAI "{type: openai, api_key: k-123}"
#define BEDROCK "{type: bedrock, region: us-east-1}"
#define AWS                                                                                        \
    "{type: bedrock, region: us-east-1, aws: {access_key_id: B, secret_access_key: s-1, role: q}}"
#define ENTRA "{type: azure, base_url: 'https://a.test', entra: {tenant: u}}"
#define VERTEX "{type: gemini, vertex: {project: q}}"
#define AZURE "{type: azure, api_key: k-123, base_url: \"https://a.test\"}"
#define TLS_PROVIDER "{type: vllm, base_url: \"https://a.test/v1\", tls: {"

/* A configuration in which every option can stand: <name> in paths is `x`, [] the first. */
static const char base[] = "providers:\n"
                           "  x: {type: vllm}\n"
                           "models:\n"
                           "  x: {strategy: weighted, targets: [x/a]}\n"
                           "keys:\n"
                           "  x: {sha256: " ZEROS "}\n";

/* What to write for options whose values are no numbers, and how they are printed where that
 * differs.  A new option of such a type needs a line here. */
static const struct sample {
    const char *path, *value, *shown;
    const char *with_path, *with_value; /* set beside it, or NULL */
} samples[] = {
    {"listen", "127.0.0.1:1234", NULL, NULL, NULL},
    {"workers", "3", NULL, NULL, NULL},
    {"tls.certificate", "/dev/null", "", "tls.key", "/dev/null"},
    {"tls.key", "/dev/null", "", "tls.certificate", "/dev/null"},
    {"tls.client_ca", "/dev/null", NULL, "tls", TLS_AND "client_auth: required}"},
    {"tls.client_auth", "required", NULL, "tls", TLS_AND "client_ca: /dev/null}"},
    {"tls.min_version", "1.3", NULL, "tls", TLS_AND "client_auth: none}"},
    {"admin.listen", "127.0.0.1:1234", NULL, NULL, NULL},
    {"admin.token", "0123456789abcdef!", "********", NULL, NULL},
    {"server.trusted_proxies", "10.0.0.0/8", NULL, NULL, NULL},
    {"server.cors.origins", "https://a.test", NULL, NULL, NULL},
    {"log.file", "/tmp/log", NULL, NULL, NULL},
    {"log.access_file", "/tmp/log", NULL, NULL, NULL},
    {"providers.x.type", "together", NULL, "providers.x.api_key", "k-123"},
    {"providers.x.preset", "groq", NULL, "providers.x.type", "openai-compatible"},
    {"providers.x.base_url", "http://10.0.0.1:80/v1", NULL, NULL, NULL},
    {"providers.x.api_key", "k-123", "", NULL, NULL},
    {"providers.x.api_keys", "k-123", "********", NULL, NULL},
    {"providers.x.auth.header", "x-key", NULL, NULL, NULL},
    {"providers.x.auth.prefix", "Key", NULL, NULL, NULL},
    {"providers.x.organization", "o", NULL, "providers.x", OPENAI},
    {"providers.x.project", "p", NULL, "providers.x", OPENAI},
    {"providers.x.api_version", "2024-06-01", NULL, "providers.x", AZURE},
    {"providers.x.style", "v1", NULL, "providers.x", AZURE},
    {"providers.x.deployments", "{a: b}", "", "providers.x", AZURE},
    {"providers.x.api", "openai", NULL, "providers.x.type", "ollama"},
    {"providers.x.num_ctx", "8192", NULL, "providers.x.type", "ollama"},
    {"providers.x.keep_alive", "10m", NULL, "providers.x.type", "ollama"},
    {"providers.x.region", "eu-west-1", NULL, "providers.x", BEDROCK},
    {"providers.x.entra.tenant", "t", NULL, "providers.x", ENTRA},
    {"providers.x.entra.client_id", "c", NULL, "providers.x", ENTRA},
    {"providers.x.entra.client_secret", "s-123", "********", "providers.x", ENTRA},
    {"providers.x.entra.managed_identity", "true", NULL, "providers.x", ENTRA},
    {"providers.x.entra.authority", "https://a.test", NULL, "providers.x", ENTRA},
    {"providers.x.entra.scope", "s/.default", NULL, "providers.x", ENTRA},
    {"providers.x.vertex.project", "p", NULL, "providers.x", VERTEX},
    {"providers.x.vertex.location", "us-central1", NULL, "providers.x", VERTEX},
    {"providers.x.vertex.credentials", "/k.json", "********", "providers.x", VERTEX},
    {"providers.x.aws.profile", "p", NULL, "providers.x", BEDROCK},
    {"providers.x.aws.access_key_id", "A", NULL, "providers.x", AWS},
    {"providers.x.aws.secret_access_key", "s-123", "********", "providers.x", AWS},
    {"providers.x.aws.session_token", "t-123", "********", "providers.x", AWS},
    {"providers.x.aws.role", "r", NULL, "providers.x", BEDROCK},
    {"providers.x.aws.external_id", "e", NULL, "providers.x", AWS},
    {"providers.x.aws.session_name", "n", NULL, "providers.x", AWS},
    {"fetch.networks", "10.0.0.0/8", NULL, NULL, NULL},
    {"fetch.ca", "/dev/null", NULL, NULL, NULL},
    {"providers.x.models", "a/b", NULL, NULL, NULL},
    {"providers.x.headers", "{x-a: b}", "", NULL, NULL},
    {"providers.x.forward_headers", "x-a", NULL, NULL, NULL},
    {"providers.x.tls.ca", "/dev/null", NULL, "providers.x.base_url", "https://a.test/v1"},
    {"providers.x.tls.certificate", "/dev/null", NULL, "providers.x",
     TLS_PROVIDER "key: /dev/null}}"},
    {"providers.x.tls.key", "/dev/null", NULL, "providers.x",
     TLS_PROVIDER "certificate: /dev/null}}"},
    {"providers.x.tls.verify", "false", NULL, "providers.x.base_url", "https://a.test/v1"},
    {"providers.x.tls.min_version", "1.3", NULL, "providers.x.base_url", "https://a.test/v1"},
    {"providers.x.proxy", "http://u:p@h:3128", "********", NULL, NULL},
    {"models.x.targets[0].provider", "x", NULL, "models.x.targets", "[{model: a}]"},
    {"models.x.targets[0].model", "m", NULL, "models.x.targets", "[{provider: x}]"},
    {"models.x.targets[0].weight", "5", NULL, "models.x.targets", "[{provider: x}]"},
    {"keys.x.key", "sk-gw-0123456789", "", "keys.x", "{tenant: t}"},
    {"keys.x.sha256", HASH, "********", NULL, NULL},
    {"keys.x.tenant", "t", NULL, NULL, NULL},
    {"keys.x.user", "u", NULL, NULL, NULL},
    {"keys.x.tags", "t", NULL, NULL, NULL},
    {"keys.x.models", "gpt-*", NULL, NULL, NULL},
    {"keys.x.models_denied", "gpt-*", NULL, NULL, NULL},
    {"keys.x.endpoints", "audio_*", NULL, NULL, NULL},
    {"keys.x.networks", "::1", "::1/128", NULL, NULL},
    {"keys.x.expires", "2999-01-31", "2999-01-31T00:00:00Z", NULL, NULL},
    {"keys.x.metadata", "{a: b}", "", NULL, NULL},
    /* Ranges of these depend on others. */
    {"defaults.retry.base", "200ms", NULL, NULL, NULL},
    {"defaults.retry.max", "20s", NULL, NULL, NULL},
    {"models.x.retry.base", "200ms", NULL, NULL, NULL},
    {"models.x.retry.max", "20s", NULL, NULL, NULL},
};

static const struct sample *sample_of(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(samples); i++)
        if (strcmp(samples[i].path, path) == 0)
            return &samples[i];
    return NULL;
}

/* A path as config_helper's printed() takes it. */
static void dotted(const char *path, char out[256])
{
    size_t n = 0;
    for (; *path; path++)
        if (*path == '[')
            out[n++] = '.';
        else if (*path != ']')
            out[n++] = *path;
    out[n] = '\0';
}

static void shows(struct loaded *l, const char *path, const char *value)
{
    struct arena a;
    char place[256];
    arena_init(&a, 0);
    if (l->err != ERR_NONE)
        EXPECT_FAIL("%s: %.*s", path, STR_ARG(buf_str(&l->problems)));
    dotted(path, place);
    str shown = printed(l, &a, place);
    if (!str_eq(shown, str_from_c(value)))
        EXPECT_FAIL("%s is printed as '%.*s', expected '%s'", path, STR_ARG(shown), value);
    arena_release(&a);
}

/* The name of an option's variable in the environment, with its value. */
static const char *variable(const char *path, const char *value, char out[512])
{
    char place[256];
    size_t n = (size_t)snprintf(out, 512, "LLM_GATEWAY__");
    dotted(path, place);
    for (const char *p = place; *p; p++) {
        if (*p == '.')
            out[n++] = '_';
        out[n++] = *p == '.' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
    }
    snprintf(out + n, 512 - n, "=%s", value);
    return out;
}

static struct loaded load_set(const char *path, const char *value, const struct sample *s)
{
    struct config_override o[2];
    unsigned n = 0;
    if (s && s->with_path)
        o[n++] = (struct config_override){STR("--with"), str_from_c(s->with_path),
                                          str_from_c(s->with_value)};
    o[n++] = (struct config_override){STR("--set"), str_from_c(path), str_from_c(value)};
    return load(base, NULL, o, n);
}

static void sets(const char *path, const char *value, const char *shown, const struct sample *s)
{
    struct loaded l = load_set(path, value, s);
    shows(&l, path, shown);
    unload(&l);
}

static void refuses(const char *path, const char *value)
{
    struct loaded l = load_set(path, value, sample_of(path));
    char start[300];
    snprintf(start, sizeof(start), "--set: %s: ", path);
    EXPECT_EQ(l.err, ERR_CONFIG);
    EXPECT_CONTAINS(buf_str(&l.problems), start);
    unload(&l);
}

static const char *number_text(const struct option *o, uint64_t value, char out[64])
{
    struct buf b;
    buf_init(&b, 0);
    option_number_format(o, value, &b);
    snprintf(out, 64, "%.*s", STR_ARG(buf_str(&b)));
    buf_release(&b);
    return out;
}

/* Bounds are taken, what is beyond is refused. */
static void test_range(const struct option *o, const char *path)
{
    char low[64], high[64];
    if (o->max == 0 || sample_of(path))
        return;
    sets(path, number_text(o, o->min, low), low, NULL);
    sets(path, number_text(o, o->max, high), high, NULL);
    refuses(path, number_text(o, o->max + 1, high));
    if (o->min)
        refuses(path, number_text(o, o->min - 1, low));
}

/* Environment over file, command line over environment. */
static void test_precedence(const char *path, const char *value, const char *shown,
                            const struct sample *s, const char *weaker)
{
    char entry[512], with[512];
    const char *environment[3] = {variable(path, value, entry), NULL, NULL};
    if (s && s->with_path) { /* first what the value stands in */
        environment[0] = variable(s->with_path, s->with_value, with);
        environment[1] = entry;
    }
    struct loaded l = load(base, environment, NULL, 0);
    shows(&l, path, shown);
    unload(&l);
    if (!weaker)
        return;
    struct config_override o = {STR("--set"), str_from_c(path), str_from_c(value)};
    environment[0] = variable(path, weaker, entry);
    l = load(base, environment, &o, 1);
    shows(&l, path, shown);
    unload(&l);
}

static void test_number(const struct option *o, const char *path)
{
    char text[64], other[64];
    const struct sample *s = sample_of(path);
    if (s) {
        sets(path, s->value, s->shown ? s->shown : s->value, s);
        test_precedence(path, s->value, s->shown ? s->shown : s->value, s, NULL);
        return;
    }
    uint64_t value = o->type == OPTION_BOOL || o->type == OPTION_ENUM ? 1
                     : o->max                                         ? o->min + 1
                                                                      : 4096;
    uint64_t weaker = o->max ? o->min + 2 : 0;
    number_text(o, value, text);
    sets(path, text, text, NULL);
    test_precedence(path, text, text, NULL, number_text(o, weaker, other));
    refuses(path, "nonsense");
    refuses(path, "[1, 2]");
    refuses(path, "{a: b}");
    test_range(o, path);
}

static void test_text(const char *path)
{
    const struct sample *s = sample_of(path);
    if (!s)
        EXPECT_FAIL("%s has no line in `samples`", path);
    const char *shown = s->shown ? s->shown : s->value;
    sets(path, s->value, shown, s);
    test_precedence(path, s->value, shown, s, NULL);
}

static unsigned tested;

static void test_row(const struct option *o, const char *path)
{
    tested++;
    switch (o->type) {
    case OPTION_BOOL:
    case OPTION_UINT:
    case OPTION_PERCENT:
    case OPTION_SIZE:
    case OPTION_DURATION:
    case OPTION_ENUM:
        test_number(o, path);
        break;
    case OPTION_STRING:
    case OPTION_STRINGS:
    case OPTION_PAIRS:
    case OPTION_KIND:
    case OPTION_KINDS:
        test_text(path);
        break;
    case OPTION_SECTION:
    case OPTION_LIST:
    case OPTION_MAP:
        refuses(path, "text");
        break;
    }
}

/* Calls `each` for every row that is of this version, with its path. */
static void walk(const struct option_table *t, const char *above,
                 void (*each)(const struct option *o, const char *path))
{
    for (const struct option *o = t->rows; o->name; o++) {
        char path[256];
        snprintf(path, sizeof(path), "%s%s%s", above, *above ? "." : "", o->name);
        if (o->flags & OPTION_LATER)
            continue;
        each(o, path);
        size_t n = strlen(path);
        snprintf(path + n, sizeof(path) - n, "%s",
                 o->type == OPTION_MAP    ? ".x"
                 : o->type == OPTION_LIST ? "[0]"
                                          : "");
        /* `tls.certificates` is tested with files of its own (test_config_sections). */
        if (o->table && strcmp(path, "tls.certificates[0]") != 0)
            walk(o->table, path, each);
    }
}

TEST(every_option_is_read_kept_in_range_overridden_and_printed)
{
    walk(&table_gateway, "", test_row);
    EXPECT_GT(tested, 100);
}

static void test_default(const struct option *o, const char *path)
{
    struct loaded l = load(base, NULL, NULL, 0);
    bool is_number = o->type <= OPTION_ENUM;
    if (is_number && o->initial && strcmp(path, "models.x.strategy") != 0) {
        struct arena a;
        char text[64];
        uint64_t value = 0;
        arena_init(&a, 0);
        EXPECT(option_number_parse(o, str_from_c(o->initial), &value, &a) == NULL);
        arena_release(&a);
        shows(&l, path, number_text(o, value, text));
    }
    EXPECT_EQ(l.err, ERR_NONE);
    unload(&l);
}

TEST(every_number_has_a_default_within_its_range_that_is_in_effect)
{
    walk(&table_gateway, "", test_default);
}

static struct buf docs;

static void test_documented(const struct option *o, const char *path)
{
    char line[256];
    snprintf(line, sizeof(line), "\n| `%s` | ", o->name);
    EXPECT_CONTAINS(buf_str(&docs), line);
    if (!o->help || !*o->help || o->help[strlen(o->help) - 1] != '.')
        EXPECT_FAIL("%s has no help that is a sentence", path);
    EXPECT_CONTAINS(buf_str(&docs), o->help);
    EXPECT(strchr(o->help, '|') == NULL);
}

TEST(every_option_is_documented)
{
    buf_init(&docs, 0);
    config_docs(&docs);
    walk(&table_gateway, "", test_documented);
    buf_release(&docs);
}

static void test_later(const struct option_table *t, const char *above)
{
    for (const struct option *o = t->rows; o->name; o++) {
        char path[256], problem[300];
        snprintf(path, sizeof(path), "%s%s%s", above, *above ? "." : "", o->name);
        if (o->flags & OPTION_LATER) {
            struct loaded l = load_set(path, "x", NULL);
            snprintf(problem, sizeof(problem), "--set: %s: not available in this version", path);
            EXPECT_CONTAINS(buf_str(&l.problems), problem);
            unload(&l);
            continue;
        }
        size_t n = strlen(path);
        snprintf(path + n, sizeof(path) - n, "%s", o->type == OPTION_MAP ? ".x" : "");
        if (o->table && o->type != OPTION_LIST)
            test_later(o->table, path);
    }
}

TEST(options_of_a_later_version_are_refused_by_name)
{
    test_later(&table_gateway, "");
}

TEST(what_is_printed_loads_again_and_prints_the_same)
{
    struct loaded l = load(base, NULL, NULL, 0);
    struct buf first, second;
    buf_init(&first, 0);
    buf_init(&second, 0);
    config_print(l.conf, &first);
    unload(&l);
    /* But for secrets, which are masked. */
    char *mask = memmem(first.ptr, first.len, "********", 8);
    EXPECT(mask != NULL);
    size_t at = (size_t)(mask - first.ptr);
    struct buf text;
    buf_init(&text, 0);
    buf_printf(&text, "%.*s" HASH "%.*s", (int)at, first.ptr, (int)(first.len - at - 8),
               first.ptr + at + 8);
    buf_add_byte(&text, '\0');
    l = load(text.ptr, NULL, NULL, 0);
    EXPECT_STR(buf_str(&l.problems), "");
    config_print(l.conf, &second);
    EXPECT_STR(buf_str(&second), buf_str(&first));
    unload(&l);
    buf_release(&first);
    buf_release(&second);
    buf_release(&text);
}
