#include "llm/aws_sts.h"

#include <stdio.h>

#include "wire/date.h"
#include "wire/url.h"

#define VERSION "2011-06-15"

str aws_dns_suffix(str region)
{
    static const struct {
        str prefix, suffix;
    } partitions[] = {
        {STR_INIT("cn-"), STR_INIT("amazonaws.com.cn")},
        {STR_INIT("us-iso-"), STR_INIT("c2s.ic.gov")},
        {STR_INIT("us-isob-"), STR_INIT("sc2s.sgov.gov")},
        {STR_INIT("eu-isoe-"), STR_INIT("cloud.adc-e.uk")},
        {STR_INIT("us-isof-"), STR_INIT("csp.hci.ic.gov")},
        {STR_INIT("eusc-"), STR_INIT("amazonaws.eu")},
    };
    for (size_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++)
        if (str_starts(region, partitions[i].prefix))
            return partitions[i].suffix;
    return STR("amazonaws.com");
}

/* --- Requests ------------------------------------------------------------------------------- */

static str endpoint_of(struct token_run *r, str region)
{
    str own = token_variable(r, "AWS_ENDPOINT_URL_STS");
    if (!own.len)
        own = token_variable(r, "AWS_ENDPOINT_URL");
    if (own.len)
        return own;
    if (!region.len)
        return STR("https://sts.amazonaws.com");
    return arena_printf(r->arena, "https://sts.%.*s.%.*s", STR_ARG(region),
                        STR_ARG(aws_dns_suffix(region)));
}

static void form_begin(struct buf *form, const char *action, const struct aws_role *role)
{
    token_form_init(form);
    token_form_add(form, "Action", str_from_c(action));
    token_form_add(form, "Version", STR(VERSION));
    token_form_add(form, "RoleArn", role->arn);
    token_form_add(form, "RoleSessionName", role->session_name);
    if (role->duration_s.len)
        token_form_add(form, "DurationSeconds", role->duration_s);
}

/* POST of the form, whose answer is XML: this service speaks JSON only to those that ask for it. */
static enum token_step ask(struct token_run *r, str region, struct buf *form)
{
    enum token_step step = token_ask_form(r, endpoint_of(r, region), form);
    if (step == TOKEN_ASK)
        r->request.header_count = 1; /* content-type alone */
    return step;
}

static enum token_step sign(struct token_run *r, str region, const struct aws_credentials *by)
{
    struct url url;
    struct request_head head = {.method_text = STR("POST")};
    if (url_parse(r->request.url, &url))
        return token_fail(r, "%.*s is not an address", STR_ARG(r->request.url));
    head.authority = url.authority;
    head.target = token_target(r->request.url, r->arena);
    for (unsigned i = 0; i < r->request.header_count; i++)
        if (!head_add(&head.headers, r->arena, r->request.headers[i].name,
                      r->request.headers[i].value))
            return token_fail(r, "out of memory");
    struct slice body = SLICE_BORROWED(r->request.body);
    if (!sigv4_sign(&head, &body, 1, by, region.len ? region : STR("us-east-1"), STR("sts"),
                    r->now_s, r->arena))
        return token_fail(r, "out of memory");
    for (unsigned i = r->request.header_count; i < head.headers.count; i++)
        token_ask_header(r, head.headers.list[i].name, head.headers.list[i].value);
    return TOKEN_ASK;
}

enum token_step aws_sts_assume(struct token_run *r, const struct aws_role *role, str region,
                               const struct aws_credentials *by)
{
    struct buf form;
    form_begin(&form, "AssumeRole", role);
    if (role->external_id.len)
        token_form_add(&form, "ExternalId", role->external_id);
    enum token_step step = ask(r, region, &form);
    return step == TOKEN_ASK ? sign(r, region, by) : step;
}

enum token_step aws_sts_web_identity(struct token_run *r, const struct aws_role *role, str region,
                                     str identity_token)
{
    struct buf form;
    form_begin(&form, "AssumeRoleWithWebIdentity", role);
    token_form_add(&form, "WebIdentityToken", identity_token);
    return ask(r, region, &form);
}

/* --- Answers -------------------------------------------------------------------------------- */

/* The text between <name> and </name>; these elements have no attributes, and what we read has no
 * character that XML would escape. */
static str element(str xml, const char *name)
{
    char open[40], close[40];
    int len = snprintf(open, sizeof(open), "<%s>", name);
    int close_len = snprintf(close, sizeof(close), "</%s>", name);
    ptrdiff_t at = str_find(xml, str_make(open, (size_t)len));
    if (at < 0)
        return STR_NULL;
    str rest = str_from(xml, (size_t)(at + len));
    ptrdiff_t end = str_find(rest, str_make(close, (size_t)close_len));
    return end < 0 ? STR_NULL : str_trim(str_first(rest, (size_t)end));
}

enum token_step aws_sts_read(struct token_run *r, const char *what, int status, str body)
{
    int64_t expires_ms;
    if (status == 0)
        return token_fail(r, "%s: %.*s", what, STR_ARG(body));
    if (status != 200) {
        str error = element(body, "Error");
        return token_fail(r, "%s answered %d: %.*s %.*s", what, status,
                          STR_ARG(token_printable(r, element(error, "Code"))),
                          STR_ARG(token_printable(r, element(error, "Message"))));
    }
    str credentials = element(body, "Credentials");
    struct aws_credentials *aws = &r->credential.aws;
    r->credential = (struct credential){0};
    aws->access_key_id = arena_str(r->arena, element(credentials, "AccessKeyId"));
    aws->secret_access_key = arena_str(r->arena, element(credentials, "SecretAccessKey"));
    aws->session_token = arena_str(r->arena, element(credentials, "SessionToken"));
    if (!aws->access_key_id.len || !aws->secret_access_key.len ||
        !date_rfc3339_parse(element(credentials, "Expiration"), &expires_ms))
        return token_fail(r, "%s answered without credentials", what);
    r->credential.expires_s = expires_ms / 1000;
    return TOKEN_DONE;
}
