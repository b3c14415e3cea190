/* Sources of tokens under any answers: the first byte chooses the source, then come parts that end with
 * 0xff: a file's text (profiles, a key file), then answers, whose first byte chooses the status. */
#include <stddef.h>
#include <stdint.h>

#include "llm/token_source.h"

enum { STEPS_MAX = 12 };

struct machine {
    str file;
    unsigned variables; /* bits: which are set */
};

static str next_part(str *rest)
{
    return str_split(rest, (char)0xff);
}

static str variable(void *arg, const char *name)
{
    static const struct {
        const char *name;
        str text;
    } set[] = {
        {"HOME", STR_INIT("/h")},
        {"AWS_PROFILE", STR_INIT("p")},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI", STR_INIT("http://127.0.0.1/c")},
        {"AWS_WEB_IDENTITY_TOKEN_FILE", STR_INIT("/t")},
        {"AWS_ROLE_ARN", STR_INIT("arn")},
        {"AZURE_FEDERATED_TOKEN_FILE", STR_INIT("/t")},
    };
    struct machine *m = arg;
    for (unsigned i = 0; i < sizeof(set) / sizeof(set[0]); i++)
        if ((m->variables >> i & 1) && strcmp(set[i].name, name) == 0)
            return set[i].text;
    return STR_NULL;
}

static str file(void *arg, str path, struct arena *a)
{
    struct machine *m = arg;
    (void)path;
    return arena_str(a, m->file);
}

static void check(const struct token_run *r, enum token_step step)
{
    if (step == TOKEN_ASK)
        CHECK(r->request.method && r->request.url.len &&
              r->request.header_count <= TOKEN_HEADERS_MAX);
    if (step == TOKEN_FAILED)
        CHECK(r->why.len);
    if (step == TOKEN_DONE)
        CHECK(r->credential.token.len || r->credential.aws.secret_access_key.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct token_kind *const kinds[] = {&token_entra, &token_google, &token_aws};
    if (size < 2)
        return 0;
    struct arena a;
    struct provider_conf conf = {.region = STR("us-east-1")};
    str rest = str_make((const char *)data + 2, size - 2);
    struct machine machine = {.variables = data[1]};
    struct token_environment environment = {.variable = variable, .file = file, .arg = &machine};
    conf.entra = (struct entra_conf){.tenant = STR("t"), .client_id = STR("c")};
    conf.entra.managed_identity = data[0] & 0x40;
    if (data[0] & 0x20)
        conf.aws.profile = STR("p");
    if (data[0] & 0x10)
        conf.aws.role = STR("r");
    arena_init(&a, 4 << 20);
    machine.file = next_part(&rest);
    struct token_run run = {.kind = kinds[data[0] % 3],
                            .conf = &conf,
                            .environment = &environment,
                            .arena = &a,
                            .now_s = 1795435200};
    enum token_step step = token_begin(&run);
    check(&run, step);
    for (unsigned i = 0; step == TOKEN_ASK && i < STEPS_MAX; i++) {
        static const int statuses[] = {200, 0, 400, 404, 500};
        str part = next_part(&rest);
        int status = part.len ? statuses[(unsigned char)part.ptr[0] % 5] : 0;
        step = token_answer(&run, status, str_from(part, 1));
        check(&run, step);
    }
    arena_wipe(&a);
    return 0;
}
