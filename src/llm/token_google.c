/*
 * Google's application default credentials for Vertex AI: a service account's key signs a token that
 * is exchanged for an access token; a user's refresh token is exchanged; the metadata server of the
 * machine gives one.  One request each.
 */
#include "llm/token_source.h"

#include "base/base64.h"
#include "base/rsa.h"
#include "wire/json.h"
#include "wire/json_write.h"

#define TOKEN_URI "https://oauth2.googleapis.com/token"
#define SCOPE "https://www.googleapis.com/auth/cloud-platform"
#define METADATA_PATH "/computeMetadata/v1/instance/service-accounts/default/token"

enum { ASSERTION_LIFE_S = 3600 };

struct key_file {
    struct json_doc doc;
    str type, token_uri, name; /* name: of the file, or what stands for it in messages */
};

static str member(struct token_run *r, const struct key_file *f, const char *name)
{
    str text = STR_NULL;
    uint32_t node = json_member(&f->doc, JSON_ROOT, str_from_c(name));
    if (!json_is(&f->doc, node, JSON_STRING) || json_string_decode(&f->doc, node, r->arena, &text))
        return STR_NULL;
    return text;
}

/* --- A signed token (RFC 7515, RFC 7523) ---------------------------------------------------- */

static void add_base64url(struct buf *out, str bytes)
{
    size_t start = out->len;
    base64_encode(out, bytes.ptr, bytes.len);
    if (out->failed)
        return;
    while (out->len > start && out->ptr[out->len - 1] == '=')
        out->len--;
    for (size_t i = start; i < out->len; i++) {
        char *c = &out->ptr[i];
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    }
}

static void add_header(struct buf *jwt, str key_id)
{
    struct buf text;
    struct json_write w;
    buf_init(&text, 0);
    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_member(&w, STR("alg"), STR("RS256"));
    json_write_member(&w, STR("typ"), STR("JWT"));
    if (key_id.len)
        json_write_member(&w, STR("kid"), key_id);
    json_write_object_end(&w);
    add_base64url(jwt, buf_str(&text));
    jwt->failed = jwt->failed || text.failed;
    buf_release(&text);
}

static void add_claims(struct buf *jwt, str email, str audience, int64_t now_s)
{
    struct buf text;
    struct json_write w;
    buf_init(&text, 0);
    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_member(&w, STR("iss"), email);
    json_write_member(&w, STR("sub"), email);
    json_write_member(&w, STR("scope"), STR(SCOPE));
    json_write_member(&w, STR("aud"), audience);
    json_write_key(&w, STR("iat"));
    json_write_i64(&w, now_s);
    json_write_key(&w, STR("exp"));
    json_write_i64(&w, now_s + ASSERTION_LIFE_S);
    json_write_object_end(&w);
    add_base64url(jwt, buf_str(&text));
    jwt->failed = jwt->failed || text.failed;
    buf_release(&text);
}

static bool add_signature(struct buf *jwt, str private_key)
{
    struct buf signature;
    buf_init(&signature, 0);
    bool ok = !jwt->failed && rsa_sha256_sign(private_key, buf_str(jwt), &signature);
    if (ok) {
        buf_add_byte(jwt, '.');
        add_base64url(jwt, buf_str(&signature));
    }
    buf_release(&signature);
    return ok && !jwt->failed;
}

static enum token_step ask_service_account(struct token_run *r, const struct key_file *f)
{
    struct buf jwt, form;
    str email = member(r, f, "client_email"), key = member(r, f, "private_key");
    if (!email.len || !key.len)
        return token_fail(r, "%.*s: client_email or private_key is missing", STR_ARG(f->name));
    buf_init(&jwt, 0);
    add_header(&jwt, member(r, f, "private_key_id"));
    buf_add_byte(&jwt, '.');
    add_claims(&jwt, email, f->token_uri, r->now_s);
    if (!add_signature(&jwt, key)) {
        buf_release(&jwt);
        return token_fail(r, "%.*s: private_key is not an RSA key in PEM", STR_ARG(f->name));
    }
    token_form_init(&form);
    token_form_add(&form, "grant_type", STR("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    token_form_add(&form, "assertion", buf_str(&jwt));
    buf_wipe(&jwt);
    return token_ask_form(r, f->token_uri, &form);
}

/* --- A user, the machine -------------------------------------------------------------------- */

static enum token_step ask_user(struct token_run *r, const struct key_file *f)
{
    static const char *const names[] = {"client_id", "client_secret", "refresh_token"};
    struct buf form;
    token_form_init(&form);
    token_form_add(&form, "grant_type", STR("refresh_token"));
    for (unsigned i = 0; i < 3; i++) {
        str value = member(r, f, names[i]);
        if (!value.len) {
            buf_wipe(&form);
            return token_fail(r, "%.*s: %s is missing", STR_ARG(f->name), names[i]);
        }
        token_form_add(&form, names[i], value);
    }
    return token_ask_form(r, f->token_uri, &form);
}

static enum token_step ask_machine(struct token_run *r)
{
    str host = token_variable(r, "GCE_METADATA_HOST");
    str url = arena_printf(r->arena, "http://%.*s" METADATA_PATH,
                           STR_ARG(host.len ? host : STR("metadata.google.internal")));
    if (str_is_null(url))
        return token_fail(r, "out of memory");
    token_ask(r, "GET", url);
    token_ask_header(r, STR("metadata-flavor"), STR("Google"));
    r->request.local = true;
    return TOKEN_ASK;
}

/* --- Which of them -------------------------------------------------------------------------- */

static enum token_step ask_by_file(struct token_run *r, str name, str text)
{
    struct key_file f = {.name = name};
    if (json_parse(&f.doc, r->arena, text, NULL))
        return token_fail(r, "%.*s: %.*s", STR_ARG(name),
                          STR_ARG(json_fault_text(&f.doc, r->arena)));
    f.type = member(r, &f, "type");
    f.token_uri = member(r, &f, "token_uri");
    if (!f.token_uri.len)
        f.token_uri = STR(TOKEN_URI);
    if (str_eq(f.type, STR("service_account")))
        return ask_service_account(r, &f);
    if (str_eq(f.type, STR("authorized_user")))
        return ask_user(r, &f);
    return token_fail(r,
                      "%.*s: type '%.*s' is not supported, only service_account and "
                      "authorized_user",
                      STR_ARG(name), STR_ARG(token_printable(r, f.type)));
}

static enum token_step ask_by_path(struct token_run *r, str path)
{
    str text = token_file(r, path);
    if (str_is_null(text))
        return token_fail(r, "cannot read %.*s", STR_ARG(path));
    return ask_by_file(r, path, text);
}

/* What gcloud leaves for applications; null: nothing. */
static str well_known_path(struct token_run *r)
{
    str folder = token_variable(r, "CLOUDSDK_CONFIG"), home = token_variable(r, "HOME");
    if (folder.len)
        return arena_printf(r->arena, "%.*s/application_default_credentials.json", STR_ARG(folder));
    if (home.len)
        return arena_printf(r->arena, "%.*s/.config/gcloud/application_default_credentials.json",
                            STR_ARG(home));
    return STR_NULL;
}

static enum token_step begin(struct token_run *r)
{
    str own = str_trim(r->conf->vertex.credentials);
    if (str_starts(own, STR("{")))
        return ask_by_file(r, STR("vertex.credentials"), own);
    if (!own.len)
        own = token_variable(r, "GOOGLE_APPLICATION_CREDENTIALS");
    if (own.len)
        return ask_by_path(r, own);
    str path = well_known_path(r), text = path.len ? token_file(r, path) : STR_NULL;
    return str_is_null(text) ? ask_machine(r) : ask_by_file(r, path, text);
}

static enum token_step answer(struct token_run *r, int status, str body)
{
    return token_read_oauth(r, r->request.local ? "Google's metadata server" : "Google", status,
                            body);
}

const struct token_kind token_google = {.name = "google", .begin = begin, .answer = answer};
