/*
 * AWS's chain of credentials, as its SDKs walk it: keys in our own settings, environment, profile
 * (keys, roles, web identity), web identity of the environment, container, instance.
 *
 *   begin ─▶ keys at hand ───────────────────────────────────────────┐
 *        ├─▶ WEB_IDENTITY ──────────────────────────────────────────┤
 *        ├─▶ CONTAINER ─────────────────────────────────────────────┼─▶ ROLE, for each role ─▶ DONE
 *        └─▶ MACHINE_SESSION ─▶ MACHINE_ROLE ─▶ MACHINE_KEYS ───────┘
 *
 * Roles are kept in a stack: the one on top is assumed first, with what was found; then the next with
 * what that gave.  Not supported: SSO and credential_process, which would need a browser or another
 * program.
 */
#include "llm/token_source.h"

#include "llm/aws_profile.h"
#include "llm/aws_sts.h"
#include "wire/date.h"
#include "wire/json.h"
#include "wire/url.h"

#define MACHINE_ADDRESS "http://169.254.169.254"
#define MACHINE_ADDRESS_V6 "http://[fd00:ec2::254]"
#define MACHINE_KEYS_PATH "/latest/meta-data/iam/security-credentials/"
#define CONTAINER_ADDRESS "http://169.254.170.2"

enum { ROLES_MAX = 6 };

enum aws_phase {
    AWS_WEB_IDENTITY,
    AWS_CONTAINER,
    AWS_MACHINE_SESSION,
    AWS_MACHINE_ROLE,
    AWS_MACHINE_KEYS,
    AWS_ROLE,
};

struct aws_chain {
    enum aws_phase phase;
    struct aws_role roles[ROLES_MAX];
    unsigned role_count;
    str config, credentials; /* the shared files' texts, or null */
    str region;
    str session; /* of the metadata service */
};

static enum token_step ask_container(struct token_run *r, str relative, str full);
static enum token_step ask_machine(struct token_run *r);

/* --- Roles ---------------------------------------------------------------------------------- */

/* Credentials were found: assumes what is to be assumed with them. */
static enum token_step found(struct token_run *r)
{
    struct aws_chain *c = r->state;
    if (!c->role_count)
        return TOKEN_DONE;
    struct aws_credentials by = r->credential.aws;
    c->phase = AWS_ROLE;
    return aws_sts_assume(r, &c->roles[--c->role_count], c->region, &by);
}

static bool push_role(struct aws_chain *c, struct aws_role role)
{
    if (c->role_count == ROLES_MAX)
        return false;
    if (!role.session_name.len)
        role.session_name = STR("llm-gateway");
    c->roles[c->role_count++] = role;
    return true;
}

static enum token_step found_keys(struct token_run *r, str id, str secret, str token)
{
    r->credential = (struct credential){
        .aws = {.access_key_id = id, .secret_access_key = secret, .session_token = token},
        .expires_s = TOKEN_NEVER_EXPIRES,
    };
    return found(r);
}

static enum token_step ask_web_identity(struct token_run *r, const struct aws_role *role, str path)
{
    struct aws_chain *c = r->state;
    str token = token_file_word(r, path);
    if (!token.len)
        return token_fail(r, "cannot read the web identity's token in %.*s", STR_ARG(path));
    c->phase = AWS_WEB_IDENTITY;
    return aws_sts_web_identity(r, role, c->region, token);
}

/* --- Profiles ------------------------------------------------------------------------------- */

static str profile_get(const struct aws_chain *c, str profile, const char *name)
{
    str key = str_from_c(name);
    str value = aws_profile_get(c->credentials, AWS_FILE_CREDENTIALS, profile, key);
    return value.len ? value : aws_profile_get(c->config, AWS_FILE_CONFIG, profile, key);
}

static bool profile_exists(const struct aws_chain *c, str profile)
{
    return aws_profile_exists(c->credentials, AWS_FILE_CREDENTIALS, profile) ||
           aws_profile_exists(c->config, AWS_FILE_CONFIG, profile);
}

/* Its keys, all three out of one file: those of two files do not belong together. */
static bool profile_keys(const struct aws_chain *c, str profile, struct aws_credentials *keys)
{
    const struct {
        str text;
        enum aws_file file;
    } places[] = {{c->credentials, AWS_FILE_CREDENTIALS}, {c->config, AWS_FILE_CONFIG}};
    for (unsigned i = 0; i < 2; i++) {
        str text = places[i].text;
        enum aws_file file = places[i].file;
        keys->access_key_id = aws_profile_get(text, file, profile, STR("aws_access_key_id"));
        keys->secret_access_key =
            aws_profile_get(text, file, profile, STR("aws_secret_access_key"));
        keys->session_token = aws_profile_get(text, file, profile, STR("aws_session_token"));
        if (keys->access_key_id.len && keys->secret_access_key.len)
            return true;
    }
    return false;
}

static bool environment_keys(const struct token_run *r, struct aws_credentials *keys)
{
    keys->access_key_id = token_variable(r, "AWS_ACCESS_KEY_ID");
    keys->secret_access_key = token_variable(r, "AWS_SECRET_ACCESS_KEY");
    keys->session_token = token_variable(r, "AWS_SESSION_TOKEN");
    return keys->access_key_id.len && keys->secret_access_key.len;
}

static enum token_step found_all(struct token_run *r, const struct aws_credentials *k)
{
    return found_keys(r, k->access_key_id, k->secret_access_key, k->session_token);
}

static enum token_step by_credential_source(struct token_run *r, str profile, str source)
{
    struct aws_credentials keys;
    if (str_eq(source, STR("Environment")))
        return environment_keys(r, &keys)
                   ? found_all(r, &keys)
                   : token_fail(r, "profile %.*s: the environment has no keys", STR_ARG(profile));
    if (str_eq(source, STR("Ec2InstanceMetadata")))
        return ask_machine(r);
    if (str_eq(source, STR("EcsContainer")))
        return ask_container(r, token_variable(r, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
                             token_variable(r, "AWS_CONTAINER_CREDENTIALS_FULL_URI"));
    return token_fail(r,
                      "profile %.*s: credential_source is none of Environment, "
                      "Ec2InstanceMetadata and EcsContainer",
                      STR_ARG(profile));
}

static const char *unsupported_source(const struct aws_chain *c, str profile)
{
    static const char *const names[] = {"credential_process", "sso_session", "sso_start_url",
                                        "login_session"};
    for (unsigned i = 0; i < 4; i++)
        if (profile_get(c, profile, names[i]).len)
            return names[i];
    return NULL;
}

/* A profile that another one, or a role of its own, stands on: it must have something. */
static enum token_step source_profile(struct token_run *r, str profile)
{
    struct aws_credentials keys;
    struct aws_chain *c = r->state;
    if (profile_keys(c, profile, &keys))
        return found_all(r, &keys);
    const char *other = unsupported_source(c, profile);
    return token_fail(r, "profile %.*s has no keys%s%s%s", STR_ARG(profile), other ? ": " : "",
                      other ? other : "", other ? " is not supported" : "");
}

/* Follows role_arn and source_profile; `profile` has a role_arn. */
static enum token_step by_role(struct token_run *r, str profile)
{
    struct aws_chain *c = r->state;
    for (;;) {
        struct aws_role role = {
            .arn = profile_get(c, profile, "role_arn"),
            .session_name = profile_get(c, profile, "role_session_name"),
            .external_id = profile_get(c, profile, "external_id"),
            .duration_s = profile_get(c, profile, "duration_seconds"),
        };
        str identity = profile_get(c, profile, "web_identity_token_file");
        str from = profile_get(c, profile, "source_profile");
        str source = profile_get(c, profile, "credential_source");
        if (!push_role(c, role))
            return token_fail(r, "profile %.*s: too many roles in a row, or in a circle",
                              STR_ARG(profile));
        if (identity.len)
            return ask_web_identity(r, &c->roles[--c->role_count], identity);
        if (source.len && !from.len)
            return by_credential_source(r, profile, source);
        if (!from.len)
            return token_fail(r,
                              "profile %.*s: role_arn needs source_profile, credential_source "
                              "or web_identity_token_file",
                              STR_ARG(profile));
        if (!profile_exists(c, from))
            return token_fail(r, "profile %.*s: there is no profile %.*s", STR_ARG(profile),
                              STR_ARG(from));
        if (str_eq(from, profile) || !profile_get(c, from, "role_arn").len)
            return source_profile(r, from);
        profile = from;
    }
}

/* --- Container and instance ----------------------------------------------------------------- */

/* Where the container's token may go without TLS: to this host, or its link-local helpers. */
static bool is_near(const struct url *url)
{
    static const str hosts[] = {STR_INIT("localhost"), STR_INIT("::1"), STR_INIT("169.254.170.2"),
                                STR_INIT("169.254.170.23"), STR_INIT("fd00:ec2::23")};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        if (str_ieq(url->host, hosts[i]))
            return true;
    return str_starts(url->host, STR("127."));
}

static enum token_step ask_container(struct token_run *r, str relative, str full)
{
    struct aws_chain *c = r->state;
    struct url url;
    str address = full;
    if (relative.len)
        address = arena_printf(r->arena, CONTAINER_ADDRESS "%s%.*s",
                               str_starts(relative, STR("/")) ? "" : "/", STR_ARG(relative));
    if (!address.len)
        return token_fail(r, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set");
    if (url_parse(address, &url) || url.scheme == URL_UNIX ||
        (url.scheme == URL_HTTP && !is_near(&url)))
        return token_fail(r, "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or an address of "
                             "this host");
    str path = token_variable(r, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    str token = path.len ? token_file_word(r, path)
                         : token_variable(r, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (path.len && str_is_null(token))
        return token_fail(r, "cannot read %.*s", STR_ARG(path));
    if (!header_value_valid(token))
        return token_fail(r, "the container's authorization token has control characters");
    c->phase = AWS_CONTAINER;
    token_ask(r, "GET", address);
    r->request.local = url.scheme == URL_HTTP;
    if (token.len)
        token_ask_header(r, STR("authorization"), token);
    return TOKEN_ASK;
}

static str machine_url(struct token_run *r, const char *path, str rest)
{
    str base = token_variable(r, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    str mode = token_variable(r, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    if (!base.len)
        base = str_ieq(mode, STR("ipv6")) ? STR(MACHINE_ADDRESS_V6) : STR(MACHINE_ADDRESS);
    while (str_ends(base, STR("/")))
        base.len--;
    return arena_printf(r->arena, "%.*s%s%.*s", STR_ARG(base), path, STR_ARG(rest));
}

static enum token_step ask_machine_url(struct token_run *r, enum aws_phase phase,
                                       const char *method, str url)
{
    struct aws_chain *c = r->state;
    if (str_is_null(url))
        return token_fail(r, "out of memory");
    c->phase = phase;
    token_ask(r, method, url);
    r->request.local = true;
    if (phase == AWS_MACHINE_SESSION)
        token_ask_header(r, STR("x-aws-ec2-metadata-token-ttl-seconds"), STR("21600"));
    else
        token_ask_header(r, STR("x-aws-ec2-metadata-token"), c->session);
    return TOKEN_ASK;
}

static enum token_step ask_machine(struct token_run *r)
{
    str off = token_variable(r, "AWS_EC2_METADATA_DISABLED");
    if (str_ieq(off, STR("true")))
        return token_fail(r, "no credentials in settings, environment, profile, web identity or "
                             "container, and the instance's are switched off");
    return ask_machine_url(r, AWS_MACHINE_SESSION, "PUT",
                           machine_url(r, "/latest/api/token", STR_NULL));
}

/* The first line of an answer that is a name or token; null: it is not. */
static str answered_line(struct token_run *r, int status, str body)
{
    str line = str_trim(str_split(&body, '\n'));
    if (str_ends(line, STR("\r")))
        line.len--;
    if (status != 200 || !line.len || !header_value_valid(line))
        return STR_NULL;
    return arena_str(r->arena, line);
}

static enum token_step machine_failed(struct token_run *r, const char *what, int status, str body)
{
    if (status)
        return token_fail(r, "the instance's metadata service answered %d to %s", status, what);
    return token_fail(r,
                      "no credentials in settings, environment, profile, web identity or "
                      "container, and no metadata service of an instance: %.*s",
                      STR_ARG(body));
}

static enum token_step on_machine_session(struct token_run *r, int status, str body)
{
    struct aws_chain *c = r->state;
    c->session = answered_line(r, status, body);
    if (!c->session.len)
        return machine_failed(r, "a session", status, body);
    return ask_machine_url(r, AWS_MACHINE_ROLE, "GET", machine_url(r, MACHINE_KEYS_PATH, STR_NULL));
}

static enum token_step on_machine_role(struct token_run *r, int status, str body)
{
    str role = answered_line(r, status, body);
    if (status == 404)
        return token_fail(r, "the instance has no role");
    if (!role.len)
        return machine_failed(r, "the role's name", status, body);
    struct buf encoded;
    buf_init(&encoded, 0);
    url_encode(&encoded, role, URL_KEEP_PATH);
    str url = encoded.failed ? STR_NULL : machine_url(r, MACHINE_KEYS_PATH, buf_str(&encoded));
    buf_release(&encoded);
    return ask_machine_url(r, AWS_MACHINE_KEYS, "GET", url);
}

static str json_text(struct token_run *r, const struct json_doc *d, const char *name)
{
    str text = STR_NULL;
    uint32_t node = json_member(d, JSON_ROOT, str_from_c(name));
    if (!json_is(d, node, JSON_STRING) || json_string_decode(d, node, r->arena, &text))
        return STR_NULL;
    return arena_str(r->arena, text);
}

/* {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"[, "Code"]} of container and instance. */
static enum token_step on_keys(struct token_run *r, const char *who, int status, str body)
{
    struct json_doc d;
    int64_t expires_ms;
    if (status == 0)
        return token_fail(r, "%s: %.*s", who, STR_ARG(body));
    bool is_json = json_parse(&d, r->arena, body, NULL) == ERR_NONE;
    str code = json_text(r, &d, "Code"), message = json_text(r, &d, "Message");
    if (status != 200 || !is_json || (code.len && !str_eq(code, STR("Success"))))
        return token_fail(r, "%s answered %d %.*s %.*s", who, status,
                          STR_ARG(token_printable(r, code)), STR_ARG(token_printable(r, message)));
    struct credential *made = &r->credential;
    *made = (struct credential){
        .aws = {.access_key_id = json_text(r, &d, "AccessKeyId"),
                .secret_access_key = json_text(r, &d, "SecretAccessKey"),
                .session_token = json_text(r, &d, "Token")},
    };
    if (!made->aws.access_key_id.len || !made->aws.secret_access_key.len ||
        !date_rfc3339_parse(json_text(r, &d, "Expiration"), &expires_ms))
        return token_fail(r, "%s answered without credentials", who);
    made->expires_s = expires_ms / 1000;
    return found(r);
}

/* --- The chain ------------------------------------------------------------------------------ */

static str first_of(str a, str b)
{
    return a.len ? a : b;
}

static str shared_file(struct token_run *r, const char *variable, const char *in_home)
{
    str path = token_variable(r, variable), home = token_variable(r, "HOME");
    if (!path.len && home.len)
        path = arena_printf(r->arena, "%.*s/.aws/%s", STR_ARG(home), in_home);
    return path.len ? token_file_word(r, path) : STR_NULL;
}

static enum token_step by_environment_identity(struct token_run *r, str path, str arn)
{
    struct aws_role role = {
        .arn = arn,
        .session_name = first_of(token_variable(r, "AWS_ROLE_SESSION_NAME"), STR("llm-gateway"))};
    return ask_web_identity(r, &role, path);
}

/* After environment and own settings: what the profile has, then what the host has. */
static enum token_step by_profile_or_host(struct token_run *r, str profile, bool explicitly)
{
    struct aws_chain *c = r->state;
    struct aws_credentials keys;
    str identity = token_variable(r, "AWS_WEB_IDENTITY_TOKEN_FILE");
    str arn = token_variable(r, "AWS_ROLE_ARN");
    str relative = token_variable(r, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    str full = token_variable(r, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (profile_get(c, profile, "role_arn").len)
        return by_role(r, profile);
    if (identity.len && arn.len && !explicitly)
        return by_environment_identity(r, identity, arn);
    if (profile_keys(c, profile, &keys))
        return found_all(r, &keys);
    if (explicitly || unsupported_source(c, profile))
        return source_profile(r, profile);
    return relative.len || full.len ? ask_container(r, relative, full) : ask_machine(r);
}

static enum token_step begin(struct token_run *r)
{
    const struct aws_conf *own = &r->conf->aws;
    struct aws_credentials keys;
    struct aws_chain *c = arena_zalloc(r->arena, sizeof(*c));
    r->state = c;
    if (!c)
        return token_fail(r, "out of memory");
    str named =
        first_of(token_variable(r, "AWS_PROFILE"), token_variable(r, "AWS_DEFAULT_PROFILE"));
    str profile = first_of(own->profile, first_of(named, STR("default")));
    c->config = shared_file(r, "AWS_CONFIG_FILE", "config");
    c->credentials = shared_file(r, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
    c->region = first_of(r->conf->region, first_of(token_variable(r, "AWS_REGION"),
                                                   token_variable(r, "AWS_DEFAULT_REGION")));
    c->region = first_of(c->region, profile_get(c, profile, "region"));
    if (own->role.len && !push_role(c, (struct aws_role){.arn = own->role,
                                                         .session_name = own->session_name,
                                                         .external_id = own->external_id}))
        return token_fail(r, "too many roles");
    if (own->access_key_id.len)
        return found_keys(r, own->access_key_id, own->secret_access_key, own->session_token);
    if (!own->profile.len && environment_keys(r, &keys))
        return found_all(r, &keys);
    if ((own->profile.len || named.len) && !profile_exists(c, profile))
        return token_fail(r, "there is no profile %.*s in AWS's config and credentials files",
                          STR_ARG(profile));
    return by_profile_or_host(r, profile, own->profile.len > 0);
}

static enum token_step answer(struct token_run *r, int status, str body)
{
    struct aws_chain *c = r->state;
    switch (c->phase) {
    case AWS_WEB_IDENTITY:
    case AWS_ROLE: {
        const char *what = c->phase == AWS_ROLE ? "AssumeRole" : "AssumeRoleWithWebIdentity";
        enum token_step step = aws_sts_read(r, what, status, body);
        return step == TOKEN_DONE ? found(r) : step;
    }
    case AWS_CONTAINER:
        return on_keys(r, "the container's credentials service", status, body);
    case AWS_MACHINE_SESSION:
        return on_machine_session(r, status, body);
    case AWS_MACHINE_ROLE:
        return on_machine_role(r, status, body);
    case AWS_MACHINE_KEYS:
        return on_keys(r, "the instance's metadata service", status, body);
    }
    BUG("phase %d", (int)c->phase);
}

const struct token_kind token_aws = {.name = "aws", .begin = begin, .answer = answer};
