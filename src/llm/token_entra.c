/*
 * Microsoft Entra ID for Azure: client credentials with a secret, or with the token file that workload
 * identity mounts, or the managed identity of the machine.  One request each.
 */
#include "llm/token_source.h"

#include "wire/url.h"

#define DEFAULT_AUTHORITY "https://login.microsoftonline.com"
#define DEFAULT_SCOPE "https://ai.azure.com/.default"
#define DEFAULT_METADATA "http://169.254.169.254"

static str first_of(str a, str b, str c)
{
    return a.len ? a : b.len ? b : c;
}

static str without_slash(str url)
{
    while (str_ends(url, STR("/")))
        url.len--;
    return url;
}

static str scope_of(const struct token_run *r)
{
    return r->conf->entra.scope.len ? r->conf->entra.scope : STR(DEFAULT_SCOPE);
}

/* --- Managed identity ----------------------------------------------------------------------- */

static void add_parameter(struct buf *url, const char *name, str value)
{
    buf_printf(url, "&%s=", name);
    url_encode(url, value, URL_KEEP_NONE);
}

static str resource_of(const struct token_run *r)
{
    str scope = scope_of(r), suffix = STR("/.default");
    return str_ends(scope, suffix) ? str_first(scope, scope.len - suffix.len) : scope;
}

/* App Service and Container Apps name an endpoint of their own; machines have the metadata service. */
static enum token_step ask_machine(struct token_run *r)
{
    struct buf url;
    str endpoint = token_variable(r, "IDENTITY_ENDPOINT");
    str secret = token_variable(r, "IDENTITY_HEADER");
    bool is_app = endpoint.len && secret.len;
    str host = first_of(token_variable(r, "AZURE_POD_IDENTITY_AUTHORITY_HOST"),
                        STR(DEFAULT_METADATA), STR_NULL);
    buf_init(&url, 0);
    if (is_app)
        buf_printf(&url, "%.*s?api-version=2019-08-01", STR_ARG(endpoint));
    else
        buf_printf(&url, "%.*s/metadata/identity/oauth2/token?api-version=2018-02-01",
                   STR_ARG(without_slash(host)));
    add_parameter(&url, "resource", resource_of(r));
    if (r->conf->entra.client_id.len)
        add_parameter(&url, "client_id", r->conf->entra.client_id);
    str text = url.failed ? STR_NULL : arena_str(r->arena, buf_str(&url));
    buf_release(&url);
    if (str_is_null(text))
        return token_fail(r, "out of memory");
    token_ask(r, "GET", text);
    r->request.local = true;
    if (is_app)
        token_ask_header(r, STR("x-identity-header"), secret);
    else
        token_ask_header(r, STR("metadata"), STR("true"));
    return TOKEN_ASK;
}

/* --- Client credentials --------------------------------------------------------------------- */

static bool add_proof(struct token_run *r, struct buf *form)
{
    const struct entra_conf *e = &r->conf->entra;
    if (e->client_secret.len) {
        token_form_add(form, "client_secret", e->client_secret);
        return true;
    }
    str path = token_variable(r, "AZURE_FEDERATED_TOKEN_FILE");
    str assertion = path.len ? token_file_word(r, path) : STR_NULL;
    if (!assertion.len)
        return false;
    token_form_add(form, "client_assertion_type",
                   STR("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
    token_form_add(form, "client_assertion", assertion);
    return true;
}

static enum token_step ask_entra(struct token_run *r)
{
    const struct entra_conf *e = &r->conf->entra;
    struct buf form;
    str authority =
        first_of(e->authority, token_variable(r, "AZURE_AUTHORITY_HOST"), STR(DEFAULT_AUTHORITY));
    str tenant = first_of(e->tenant, token_variable(r, "AZURE_TENANT_ID"), STR_NULL);
    str client = first_of(e->client_id, token_variable(r, "AZURE_CLIENT_ID"), STR_NULL);
    if (!tenant.len || !client.len)
        return token_fail(r, "entra needs tenant and client_id");
    token_form_init(&form);
    token_form_add(&form, "grant_type", STR("client_credentials"));
    token_form_add(&form, "client_id", client);
    token_form_add(&form, "scope", scope_of(r));
    if (!add_proof(r, &form)) {
        buf_wipe(&form);
        return token_fail(r, "entra needs client_secret, or AZURE_FEDERATED_TOKEN_FILE with a file "
                             "that is readable");
    }
    str url = arena_printf(r->arena, "%.*s/%.*s/oauth2/v2.0/token",
                           STR_ARG(without_slash(authority)), STR_ARG(tenant));
    return token_ask_form(r, url, &form);
}

static enum token_step begin(struct token_run *r)
{
    return r->conf->entra.managed_identity ? ask_machine(r) : ask_entra(r);
}

static enum token_step answer(struct token_run *r, int status, str body)
{
    return token_read_oauth(
        r, r->conf->entra.managed_identity ? "the managed identity" : "Entra ID", status, body);
}

const struct token_kind token_entra = {.name = "entra", .begin = begin, .answer = answer};
