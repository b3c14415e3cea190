#include "llm/token_source.h"

#include <stdlib.h>

#include "wire/json.h"
#include "wire/url.h"

enum { WHY_MAX = 300, FORM_USUAL = 8192 };

enum token_step token_begin(struct token_run *r)
{
    return r->kind->begin(r);
}

enum token_step token_answer(struct token_run *r, int status, str body)
{
    return r->kind->answer(r, status, body);
}

enum token_step token_fail(struct token_run *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    r->why = arena_vprintf(r->arena, format, args);
    va_end(args);
    if (str_is_null(r->why))
        r->why = STR("out of memory");
    return TOKEN_FAILED;
}

str token_variable(const struct token_run *r, const char *name)
{
    return r->environment->variable(r->environment->arg, name);
}

str token_file(const struct token_run *r, str path)
{
    return r->environment->file(r->environment->arg, path, r->arena);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

str token_file_word(const struct token_run *r, str path)
{
    str text = token_file(r, path);
    while (text.len && is_space(text.ptr[0]))
        text = str_from(text, 1);
    while (text.len && is_space(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

str token_printable(struct token_run *r, str text)
{
    char *out = arena_alloc(r->arena, WHY_MAX);
    size_t len = 0;
    text = str_trim(text);
    if (!out)
        return STR("");
    for (size_t i = 0; i < text.len && len < WHY_MAX; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= ' ' && c < 0x7f)
            out[len++] = (char)c;
        else if (len && out[len - 1] != ' ')
            out[len++] = ' ';
    }
    return str_make(out, len);
}

/* --- Requests ------------------------------------------------------------------------------- */

void token_ask(struct token_run *r, const char *method, str url)
{
    r->request = (struct token_request){.method = method, .url = url};
}

void token_ask_header(struct token_run *r, str name, str value)
{
    CHECK(r->request.header_count < TOKEN_HEADERS_MAX);
    r->request.headers[r->request.header_count].name = name;
    r->request.headers[r->request.header_count++].value = value;
}

void token_form_init(struct buf *form)
{
    buf_init(form, 0);
    buf_reserve(form, FORM_USUAL);
}

void token_form_add(struct buf *form, const char *name, str value)
{
    if (form->len)
        buf_add_byte(form, '&');
    buf_add_str(form, str_from_c(name));
    buf_add_byte(form, '=');
    url_encode(form, value, URL_KEEP_NONE);
}

enum token_step token_ask_form(struct token_run *r, str url, struct buf *form)
{
    str body = form->failed ? STR_NULL : arena_str(r->arena, buf_str(form));
    buf_wipe(form);
    if (str_is_null(body) || str_is_null(url))
        return token_fail(r, "out of memory");
    token_ask(r, "POST", url);
    token_ask_header(r, STR("content-type"), STR("application/x-www-form-urlencoded"));
    token_ask_header(r, STR("accept"), STR("application/json"));
    r->request.body = body;
    return TOKEN_ASK;
}

str token_target(str url, struct arena *a)
{
    ptrdiff_t scheme = str_find(url, STR("://"));
    str rest = scheme < 0 ? url : str_from(url, (size_t)scheme + 3);
    size_t at = 0;
    while (at < rest.len && rest.ptr[at] != '/' && rest.ptr[at] != '?')
        at++;
    rest = str_from(rest, at);
    return arena_printf(a, "%s%.*s", str_starts(rest, STR("/")) ? "" : "/", STR_ARG(rest));
}

/* --- Answers -------------------------------------------------------------------------------- */

static str text_of(struct token_run *r, const struct json_doc *d, const char *name)
{
    str text = STR_NULL;
    uint32_t node = json_member(d, JSON_ROOT, str_from_c(name));
    if (!json_is(d, node, JSON_STRING) || json_string_decode(d, node, r->arena, &text))
        return STR_NULL;
    return text;
}

/* Entra's managed identities answer numbers as text. */
static bool seconds_of(struct token_run *r, const struct json_doc *d, int64_t *out)
{
    uint64_t seconds;
    uint32_t node = json_member(d, JSON_ROOT, STR("expires_in"));
    if (json_is(d, node, JSON_NUMBER)) {
        double number = json_to_double(json_raw(d, node));
        *out = number < INT32_MAX ? (int64_t)number : INT32_MAX;
        return number >= 1;
    }
    if (!str_to_u64(text_of(r, d, "expires_in"), &seconds) || seconds == 0)
        return false;
    *out = seconds < INT32_MAX ? (int64_t)seconds : INT32_MAX;
    return true;
}

static enum token_step oauth_failed(struct token_run *r, const struct json_doc *d, const char *who,
                                    int status)
{
    str error = text_of(r, d, "error"), more = text_of(r, d, "error_description");
    return token_fail(r, "%s answered %d%s%.*s%s%.*s", who, status, error.len ? ": " : "",
                      STR_ARG(token_printable(r, error)), more.len ? ": " : "",
                      STR_ARG(token_printable(r, more)));
}

/* Where it goes, it is a field's value. */
static bool is_token(str token)
{
    for (size_t i = 0; i < token.len; i++)
        if (token.ptr[i] <= ' ' || token.ptr[i] > '~')
            return false;
    return token.len > 0;
}

enum token_step token_read_oauth(struct token_run *r, const char *who, int status, str body)
{
    struct json_doc d;
    int64_t seconds;
    if (status == 0)
        return token_fail(r, "%s: %.*s", who, STR_ARG(body));
    bool is_json = json_parse(&d, r->arena, body, NULL) == ERR_NONE;
    if (status != 200)
        return oauth_failed(r, &d, who, status);
    str token = is_json ? text_of(r, &d, "access_token") : STR_NULL;
    if (!is_token(token) || !seconds_of(r, &d, &seconds))
        return token_fail(r, "%s answered without a token", who);
    r->credential =
        (struct credential){.token = arena_str(r->arena, token), .expires_s = r->now_s + seconds};
    if (str_is_null(r->credential.token))
        return token_fail(r, "out of memory");
    return TOKEN_DONE;
}
