#include "wire/http1.h"

/*
 * A writer reserves the whole head once and then only copies.  What is copied from outside was
 * checked before, so nothing can end a line but the writer itself.
 */
struct cursor {
    char *at;
};

static inline void put(struct cursor *c, str s)
{
    if (s.len)
        memcpy(c->at, s.ptr, s.len);
    c->at += s.len;
}

static void put_u64(struct cursor *c, uint64_t value)
{
    char digits[20];
    size_t first = sizeof(digits);
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    put(c, str_make(digits + first, sizeof(digits) - first));
}

static void put_line(struct cursor *c, str name, str value)
{
    put(c, name);
    memcpy(c->at, ": ", 2);
    c->at += 2;
    put(c, value);
    memcpy(c->at, "\r\n", 2);
    c->at += 2;
}

/* Generated from the fields, or belonging to one connection: never taken from the list. */
static bool is_skipped(const struct header *h)
{
    return h->id != HEADER_OTHER &&
           (header_is_hop_by_hop(h->id) || h->id == HEADER_CONTENT_LENGTH || h->id == HEADER_HOST ||
            h->id == HEADER_DATE || h->id == HEADER_EXPECT);
}

/* Checks what will be written, and adds up its length. */
static bool headers_measure(const struct headers *headers, size_t *len)
{
    for (unsigned i = 0; i < headers->count; i++) {
        const struct header *h = &headers->list[i];
        if (is_skipped(h))
            continue;
        bool name_valid = h->id != HEADER_OTHER || header_name_valid(h->name);
        if (!name_valid || !header_value_valid(h->value))
            return false;
        *len += h->name.len + h->value.len + 4;
    }
    return true;
}

static void put_headers(struct cursor *c, const struct headers *headers)
{
    for (unsigned i = 0; i < headers->count; i++)
        if (!is_skipped(&headers->list[i]))
            put_line(c, headers->list[i].name, headers->list[i].value);
}

static bool is_visible(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7f)
            return false;
    return s.len > 0;
}

/* Everything a writer adds by itself, rounded up. */
enum { FIXED_MAX = 256 };

static void put_framing(struct cursor *c, int64_t content_length, bool chunked)
{
    if (content_length >= 0) {
        put(c, STR("content-length: "));
        put_u64(c, (uint64_t)content_length);
        put(c, STR("\r\n"));
    } else if (chunked) {
        put(c, STR("transfer-encoding: chunked\r\n"));
    }
}

static void finish(struct buf *out, struct cursor *c)
{
    put(c, STR("\r\n"));
    out->len = (size_t)(c->at - out->ptr);
    CHECK(out->len <= out->cap);
}

enum err http1_write_request_head(struct buf *out, const struct request_head *r)
{
    str method = r->method == METHOD_OTHER ? r->method_text : method_name(r->method);
    size_t len = method.len + r->target.len + r->authority.len + FIXED_MAX;
    if (!header_name_valid(method) || !is_visible(r->target) || !is_visible(r->authority) ||
        !headers_measure(&r->headers, &len))
        return ERR_HEADER_INVALID;
    struct cursor c = {.at = buf_reserve(out, len)};
    if (!c.at)
        return ERR_NO_MEMORY;

    put(&c, method);
    put(&c, STR(" "));
    put(&c, r->target);
    put(&c, STR(" HTTP/1.1\r\n"));
    put_line(&c, STR("host"), r->authority);
    put_headers(&c, &r->headers);
    put_framing(&c, r->content_length, r->chunked);
    if (r->expect_continue)
        put(&c, STR("expect: 100-continue\r\n"));
    if (!r->keep_alive)
        put(&c, STR("connection: close\r\n"));
    finish(out, &c);
    return ERR_NONE;
}

/* Whether the body, or its absence, is told without closing the connection. */
static bool is_self_framed(const struct response_head *r)
{
    return r->content_length >= 0 || r->chunked || r->no_body;
}

static void put_connection(struct cursor *c, const struct response_head *r)
{
    if (!r->keep_alive || !is_self_framed(r))
        put(c, STR("connection: close\r\n"));
    else if (r->version == HTTP_VERSION_1_0)
        put(c, STR("connection: keep-alive\r\n"));
}

enum err http1_write_response_head(struct buf *out, const struct response_head *r, str date)
{
    CHECK(r->status >= 100 && r->status <= 999);
    CHECK(!(r->chunked && r->version == HTTP_VERSION_1_0)); /* that client cannot read it */
    str reason = r->reason.len ? r->reason : status_reason(r->status);
    size_t len = reason.len + date.len + FIXED_MAX;
    if (!header_value_valid(reason) || !header_value_valid(date) ||
        !headers_measure(&r->headers, &len))
        return ERR_HEADER_INVALID;
    struct cursor c = {.at = buf_reserve(out, len)};
    if (!c.at)
        return ERR_NO_MEMORY;

    put(&c, STR("HTTP/1.1 "));
    put_u64(&c, (uint64_t)r->status);
    put(&c, STR(" "));
    put(&c, reason);
    put(&c, STR("\r\n"));
    if (date.len)
        put_line(&c, STR("date"), date);
    put_headers(&c, &r->headers);
    if (r->status >= 200 && r->status != 204)
        put_framing(&c, r->content_length, r->chunked);
    put_connection(&c, r);
    finish(out, &c);
    return ERR_NONE;
}

size_t http1_chunk_prefix(char out[static HTTP1_CHUNK_PREFIX_MAX], size_t len)
{
    static const char digits[] = "0123456789abcdef";
    CHECK(len > 0); /* an empty chunk would end the body */
    unsigned count = (unsigned)(67 - __builtin_clzll((unsigned long long)len)) / 4;
    for (unsigned i = count; i-- > 0; len >>= 4)
        out[i] = digits[len & 15];
    out[count] = '\r';
    out[count + 1] = '\n';
    return count + 2;
}
