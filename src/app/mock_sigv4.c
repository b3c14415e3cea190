#include "app/mock_sigv4.h"

#include "base/buf.h"
#include "base/digest.h"
#include "wire/url.h"

static const char mismatch[] =
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details.";

struct authorization { /* its parts */
    str key_id, date, region, service, names, signature;
};

static bool take_part(str *list, const char *name, str *value)
{
    str part = str_trim(str_split(list, ','));
    str prefix = str_from_c(name);
    if (!str_starts(part, prefix))
        return false;
    *value = str_from(part, prefix.len);
    return true;
}

/* AWS4-HMAC-SHA256 Credential=id/date/region/service/aws4_request, SignedHeaders=a;b,
 * Signature=hex */
static bool read_authorization(str value, struct authorization *out)
{
    str scope;
    str algorithm = STR("AWS4-HMAC-SHA256 ");
    if (!str_starts(value, algorithm))
        return false;
    value = str_from(value, algorithm.len);
    if (!take_part(&value, "Credential=", &scope) ||
        !take_part(&value, "SignedHeaders=", &out->names) ||
        !take_part(&value, "Signature=", &out->signature))
        return false;
    out->key_id = str_split(&scope, '/');
    out->date = str_split(&scope, '/');
    out->region = str_split(&scope, '/');
    out->service = str_split(&scope, '/');
    return str_eq(scope, STR("aws4_request"));
}

static bool is_signed(str names, str name)
{
    while (!str_is_null(names))
        if (str_eq(str_split(&names, ';'), name))
            return true;
    return false;
}

/* "name:value" of all fields of that name. */
static void add_field(struct buf *out, const struct request_head *head, str name)
{
    bool first = true;
    buf_add_str(out, name);
    buf_add_byte(out, ':');
    if (str_eq(name, STR("host")) && head_count(&head->headers, name) == 0)
        buf_add_str(out, head->authority);
    for (unsigned i = 0; i < head->headers.count; i++) {
        const struct header *h = &head->headers.list[i];
        if (!str_ieq(h->name, name))
            continue;
        if (!first)
            buf_add_byte(out, ',');
        first = false;
        for (size_t k = 0; k < h->value.len; k++)
            if (h->value.ptr[k] != ' ' || (k && h->value.ptr[k - 1] != ' '))
                buf_add_byte(out, h->value.ptr[k]);
    }
    buf_add_byte(out, '\n');
}

static void add_hash(struct buf *out, str text)
{
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    digest_sha256(text, digest);
    digest_hex(digest, hex);
    buf_add(out, hex, sizeof(hex));
}

/* The path as it came over the wire, encoded once more. */
static void add_canonical(struct buf *out, const struct request_head *head, str body,
                          const struct authorization *a)
{
    str query = head->target, names = a->names;
    str path = str_split(&query, '?');
    buf_add_str(out, head->method_text);
    buf_add_byte(out, '\n');
    url_encode(out, path, URL_KEEP_SLASH);
    buf_add_byte(out, '\n');
    buf_add_str(out, query);
    buf_add_byte(out, '\n');
    while (!str_is_null(names))
        add_field(out, head, str_split(&names, ';'));
    buf_add_byte(out, '\n');
    buf_add_str(out, a->names);
    buf_add_byte(out, '\n');
    add_hash(out, body);
}

static str mac(str key, str text, uint8_t out[SHA256_BYTES])
{
    digest_hmac_sha256(key, text, out);
    return str_make((const char *)out, SHA256_BYTES);
}

static bool matches(const struct request_head *head, str body, const struct authorization *a)
{
    struct buf canonical, text;
    uint8_t k[2][SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    buf_init(&canonical, 0);
    buf_init(&text, 0);
    add_canonical(&canonical, head, body, a);
    buf_printf(&text, "AWS4-HMAC-SHA256\n%.*s\n%.*s/%.*s/%.*s/aws4_request\n",
               STR_ARG(head_get(&head->headers, STR("x-amz-date"))), STR_ARG(a->date),
               STR_ARG(a->region), STR_ARG(a->service));
    add_hash(&text, buf_str(&canonical));
    str key = mac(STR("AWS4" MOCK_AWS_SECRET_ACCESS_KEY), a->date, k[0]);
    key = mac(key, a->region, k[1]);
    key = mac(key, a->service, k[0]);
    key = mac(key, STR("aws4_request"), k[1]);
    mac(key, buf_str(&text), k[0]);
    digest_hex(k[0], hex);
    bool ok = !canonical.failed && !text.failed && str_eq(a->signature, str_make(hex, sizeof(hex)));
    buf_release(&canonical);
    buf_release(&text);
    return ok;
}

const char *mock_sigv4_judge(const struct request_head *head, str body, str service)
{
    struct authorization a = {0};
    str value = head_get(&head->headers, STR("authorization"));
    if (str_is_null(value))
        return "Missing Authentication Token";
    if (!read_authorization(value, &a) || !is_signed(a.names, STR("host")) ||
        !is_signed(a.names, STR("x-amz-date")))
        return "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' "
               "header, of Credential, Signature and SignedHeaders.";
    if (!str_eq(a.key_id, STR(MOCK_AWS_ACCESS_KEY_ID)))
        return "The security token included in the request is invalid.";
    if (!str_eq(a.service, service))
        return "Credential should be scoped to correct service.";
    return matches(head, body, &a) ? NULL : mismatch;
}
