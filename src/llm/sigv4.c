#include "llm/sigv4.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "wire/date.h"
#include "wire/url.h"

enum {
    HEX_BYTES = 2 * SHA256_BYTES,
    DATE_LEN = 8,  /* 20261123 */
    TIME_LEN = 16, /* 20261123T120000Z */
    QUERY_MAX = 256,
    FIELDS_MAX = 256,
};

/* Fields that somebody on the way, or our own HTTP client, may add, change or drop. */
static const str unsigned_names[] = {
    STR_INIT("accept-encoding"),
    STR_INIT("authorization"),
    STR_INIT("baggage"),
    STR_INIT("cache-control"),
    STR_INIT("connection"),
    STR_INIT("content-length"),
    STR_INIT("expect"),
    STR_INIT("from"),
    STR_INIT("keep-alive"),
    STR_INIT("max-forwards"),
    STR_INIT("pragma"),
    STR_INIT("referer"),
    STR_INIT("te"),
    STR_INIT("traceparent"),
    STR_INIT("tracestate"),
    STR_INIT("trailer"),
    STR_INIT("transfer-encoding"),
    STR_INIT("upgrade"),
    STR_INIT("user-agent"),
    STR_INIT("via"),
    STR_INIT("x-amzn-trace-id"),
    STR_INIT("x-request-id"),
};

static bool is_signed(str name)
{
    for (size_t i = 0; i < sizeof(unsigned_names) / sizeof(unsigned_names[0]); i++)
        if (str_ieq(name, unsigned_names[i]))
            return false;
    return !str_istarts(name, STR("proxy-")) && !str_istarts(name, STR("sec-")) &&
           !str_istarts(name, STR("x-forwarded-"));
}

/* --- Path: dot segments and doubled slashes go, the rest is encoded once more --------------- */

static void drop_last_segment(struct buf *path, size_t start)
{
    while (path->len > start && path->ptr[--path->len] != '/')
        ;
}

static void add_path(struct buf *out, str path)
{
    size_t start = out->len;
    bool slash_at_end = str_ends(path, STR("/"));
    while (path.len) {
        str segment = str_split(&path, '/');
        if (str_eq(segment, STR(".."))) {
            drop_last_segment(out, start);
        } else if (segment.len && !str_eq(segment, STR("."))) {
            buf_add_byte(out, '/');
            url_encode(out, segment, URL_KEEP_NONE);
        }
    }
    if (slash_at_end || out->len == start)
        buf_add_byte(out, '/');
}

/* --- Query: decoded and encoded in the one way, sorted -------------------------------------- */

struct pair {
    str name, value;
};

static int by_name_then_value(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = str_cmp(x->name, y->name);
    return order ? order : str_cmp(x->value, y->value);
}

static str encoded_again(str text, struct arena *a)
{
    struct buf buf;
    str decoded;
    if (str_is_null(text))
        return STR("");
    if (!url_decode(text, false, a, &decoded))
        decoded = text;
    buf_init(&buf, 0);
    url_encode(&buf, decoded, URL_KEEP_NONE);
    str all = buf.failed ? STR_NULL : arena_str(a, buf_str(&buf));
    buf_release(&buf);
    return all;
}

static bool add_query(struct buf *out, str query, struct arena *a)
{
    struct pair pairs[QUERY_MAX];
    size_t count = 0;
    str name, value;
    while (url_query_next(&query, &name, &value)) {
        if (count == QUERY_MAX)
            return false;
        struct pair *p = &pairs[count++];
        *p = (struct pair){encoded_again(name, a), encoded_again(value, a)};
        if (str_is_null(p->name) || str_is_null(p->value))
            return false;
    }
    qsort(pairs, count, sizeof(pairs[0]), by_name_then_value);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_byte(out, '&');
        buf_add_str(out, pairs[i].name);
        buf_add_byte(out, '=');
        buf_add_str(out, pairs[i].value);
    }
    return true;
}

/* --- Fields ------------------------------------------------------------------------------- */

static void add_lower(struct buf *out, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        buf_add_byte(out, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Without blanks at its ends; a run of them within is one space. */
static void add_value(struct buf *out, str value)
{
    value = str_trim(value);
    for (size_t i = 0; i < value.len; i++)
        if (!is_blank(value.ptr[i]))
            buf_add_byte(out, value.ptr[i]);
        else if (!is_blank(value.ptr[i - 1]))
            buf_add_byte(out, ' ');
}

struct field {
    str name, value;
    unsigned place; /* fields of one name stay in their order */
};

struct fields {
    struct field list[FIELDS_MAX];
    unsigned count;
};

static int by_name_then_place(const void *a, const void *b)
{
    const struct field *x = a, *y = b;
    size_t shorter = x->name.len < y->name.len ? x->name.len : y->name.len;
    int order = strncasecmp(x->name.ptr, y->name.ptr, shorter);
    if (!order)
        order = (x->name.len > y->name.len) - (x->name.len < y->name.len);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

static bool collect(struct fields *f, const struct request_head *head)
{
    f->count = 0;
    f->list[f->count++] = (struct field){STR("host"), head->authority, 0};
    for (unsigned i = 0; i < head->headers.count; i++) {
        const struct header *h = &head->headers.list[i];
        if (!is_signed(h->name) || h->id == HEADER_HOST)
            continue;
        if (f->count == FIELDS_MAX)
            return false;
        f->list[f->count++] = (struct field){h->name, h->value, i + 1};
    }
    qsort(f->list, f->count, sizeof(f->list[0]), by_name_then_place);
    return true;
}

static bool same_name(const struct fields *f, unsigned i)
{
    return i && i < f->count && str_ieq(f->list[i].name, f->list[i - 1].name);
}

static void add_fields(struct buf *out, const struct fields *f)
{
    for (unsigned i = 0; i < f->count; i++) {
        if (same_name(f, i)) {
            buf_add_byte(out, ',');
        } else {
            add_lower(out, f->list[i].name);
            buf_add_byte(out, ':');
        }
        add_value(out, f->list[i].value);
        if (!same_name(f, i + 1))
            buf_add_byte(out, '\n');
    }
}

static void add_names(struct buf *out, const struct fields *f)
{
    for (unsigned i = 0; i < f->count; i++) {
        if (same_name(f, i))
            continue;
        if (i)
            buf_add_byte(out, ';');
        add_lower(out, f->list[i].name);
    }
}

/* --- The canonical request ------------------------------------------------------------------ */

static void add_hash_hex(struct buf *out, const uint8_t digest[SHA256_BYTES])
{
    char hex[HEX_BYTES];
    digest_hex(digest, hex);
    buf_add(out, hex, sizeof(hex));
}

static bool canonical_request(struct buf *out, const struct request_head *head,
                              const struct fields *f, const struct slice *body, unsigned n,
                              struct arena *a)
{
    uint8_t digest[SHA256_BYTES];
    str query = head->target, path = str_split(&query, '?');
    buf_add_str(out, head->method_text);
    buf_add_byte(out, '\n');
    add_path(out, path);
    buf_add_byte(out, '\n');
    if (!add_query(out, query, a))
        return false;
    buf_add_byte(out, '\n');
    add_fields(out, f);
    buf_add_byte(out, '\n');
    add_names(out, f);
    buf_add_byte(out, '\n');
    digest_sha256_slices(body, n, digest);
    add_hash_hex(out, digest);
    return !out->failed;
}

str sigv4_canonical_request(const struct request_head *head, const struct slice *body, unsigned n,
                            struct arena *a)
{
    struct fields f;
    struct buf text;
    buf_init(&text, 0);
    bool ok = collect(&f, head) && canonical_request(&text, head, &f, body, n, a);
    str kept = ok ? arena_str(a, buf_str(&text)) : STR_NULL;
    buf_release(&text);
    return kept;
}

/* --- Signing ------------------------------------------------------------------------------ */

/* 2026-11-23T12:00:00.000Z without what separates. */
static void compact_time(int64_t now_s, char out[static TIME_LEN])
{
    char text[DATE_RFC3339_LEN];
    date_rfc3339(text, now_s * 1000);
    static const unsigned char places[TIME_LEN] = {0,  1,  2,  3,  5,  6,  8,  9,
                                                   10, 11, 12, 14, 15, 17, 18, 23};
    for (unsigned i = 0; i < TIME_LEN; i++)
        out[i] = text[places[i]];
}

/* A key for one day, region and service, made from the secret step by step. */
static bool signing_key(str secret, str date, str region, str service, uint8_t key[SHA256_BYTES])
{
    const str steps[] = {date, region, service, STR("aws4_request")};
    struct buf first;
    buf_init(&first, 0);
    buf_add_lit(&first, "AWS4");
    buf_add_str(&first, secret);
    bool ok = !first.failed;
    str with = buf_str(&first);
    for (unsigned i = 0; ok && i < 4; i++) {
        uint8_t next[SHA256_BYTES];
        digest_hmac_sha256(with, steps[i], next);
        memcpy(key, next, sizeof(next));
        explicit_bzero(next, sizeof(next));
        with = str_make((const char *)key, SHA256_BYTES);
    }
    buf_wipe(&first);
    return ok;
}

/* date '/' region '/' service "/aws4_request" */
static void add_scope(struct buf *out, str date, str region, str service)
{
    buf_printf(out, "%.*s/%.*s/%.*s/aws4_request", STR_ARG(date), STR_ARG(region),
               STR_ARG(service));
}

static bool string_to_sign(struct buf *out, const struct request_head *head, const struct fields *f,
                           const struct slice *body, unsigned n, str time, str region, str service,
                           struct arena *a)
{
    uint8_t digest[SHA256_BYTES];
    if (!canonical_request(out, head, f, body, n, a))
        return false;
    digest_sha256(buf_str(out), digest);
    buf_clear(out);
    buf_printf(out, "AWS4-HMAC-SHA256\n%.*s\n", STR_ARG(time));
    add_scope(out, str_first(time, DATE_LEN), region, service);
    buf_add_byte(out, '\n');
    add_hash_hex(out, digest);
    return !out->failed;
}

static bool add_time_and_token(struct request_head *head, const struct aws_credentials *c, str time,
                               struct arena *a)
{
    if (!head_add(&head->headers, a, STR("x-amz-date"), time))
        return false;
    if (!c->session_token.len)
        return true;
    str token = arena_str(a, c->session_token); /* credentials change while requests run */
    return !str_is_null(token) && head_add(&head->headers, a, STR("x-amz-security-token"), token);
}

bool sigv4_sign(struct request_head *head, const struct slice *body, unsigned n,
                const struct aws_credentials *c, str region, str service, int64_t now_s,
                struct arena *a)
{
    char time_text[TIME_LEN];
    struct fields f;
    struct buf text;
    uint8_t key[SHA256_BYTES], signature[SHA256_BYTES];
    compact_time(now_s, time_text);
    str time = arena_str(a, str_make(time_text, sizeof(time_text)));
    str date = str_first(time, DATE_LEN);
    if (!c->access_key_id.len || !c->secret_access_key.len || str_is_null(time) ||
        !add_time_and_token(head, c, time, a) || !collect(&f, head))
        return false;
    buf_init(&text, 0);
    bool ok = string_to_sign(&text, head, &f, body, n, time, region, service, a) &&
              signing_key(c->secret_access_key, date, region, service, key);
    if (ok) {
        digest_hmac_sha256(str_make((const char *)key, sizeof(key)), buf_str(&text), signature);
        explicit_bzero(key, sizeof(key));
        buf_clear(&text);
        buf_printf(&text, "AWS4-HMAC-SHA256 Credential=%.*s/", STR_ARG(c->access_key_id));
        add_scope(&text, date, region, service);
        buf_add_lit(&text, ", SignedHeaders=");
        add_names(&text, &f);
        buf_add_lit(&text, ", Signature=");
        add_hash_hex(&text, signature);
    }
    str value = ok && !text.failed ? arena_str(a, buf_str(&text)) : STR_NULL;
    buf_release(&text);
    return !str_is_null(value) && head_add_known(&head->headers, a, HEADER_AUTHORIZATION, value);
}
