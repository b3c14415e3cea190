#include "http/client_request.h"

#include "wire/http1.h"

static size_t slices_bytes(const struct slice *v, unsigned n)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < n; i++)
        bytes += v[i].len;
    return bytes;
}

/* GET and its like say nothing of a body that they do not have (RFC 9110 section 8.6). */
static bool method_has_body(enum method m)
{
    return m == METHOD_POST || m == METHOD_PUT || m == METHOD_PATCH;
}

static enum err write_head(struct buf *to, const struct endpoint *e, const struct call_request *r)
{
    struct request_head head = *r->head;
    head.version = HTTP_VERSION_1_1;
    head.authority = e->authority;
    head.keep_alive = true;
    head.expect_continue = false;
    head.chunked = r->content_length < 0;
    head.content_length = r->content_length;
    if (head.content_length == 0 && !method_has_body(head.method))
        head.content_length = -1;
    buf_clear(to);
    return http1_write_request_head(to, &head);
}

/* The first chunk's prefix goes right behind the head. */
static void write_chunk_prefix(struct buf *to, size_t len)
{
    char prefix[HTTP1_CHUNK_PREFIX_MAX];
    size_t prefix_len = http1_chunk_prefix(prefix, len);
    buf_add(to, prefix, prefix_len);
}

static str chunked_suffix(size_t len, bool more)
{
    if (len == 0)
        return more ? STR_NULL : HTTP1_CHUNK_LAST;
    return more ? HTTP1_CHUNK_END : STR("\r\n0\r\n\r\n");
}

static bool gather(struct outgoing *o, str head, const struct call_request *r, str suffix)
{
    struct slice *v = arena_alloc(o->arena, (r->body_count + 2) * sizeof(*v));
    if (!v)
        return false;
    o->slices = v;
    v[o->count++] = SLICE_BORROWED(head);
    for (unsigned i = 0; i < r->body_count; i++)
        if (r->body[i].len)
            v[o->count++] = r->body[i];
    if (suffix.len)
        v[o->count++] = SLICE_BORROWED(suffix);
    return true;
}

enum err outgoing_prepare(struct outgoing *o, const struct endpoint *e,
                          const struct call_request *r, struct arena *a, struct buf *scratch)
{
    size_t len = slices_bytes(r->body, r->body_count);
    *o = (struct outgoing){
        .method = r->head->method,
        .more = r->body_more,
        .chunked = r->content_length < 0,
        .left = r->content_length < 0 ? 0 : r->content_length - (int64_t)len,
        .arena = a,
    };
    /* Who promises a length keeps it: one byte more or less would shift every later message. */
    CHECK(o->chunked || (o->more ? o->left >= 0 : o->left == 0));
    enum err err = write_head(scratch, e, r);
    if (err)
        return err;
    if (o->chunked && len)
        write_chunk_prefix(scratch, len);
    str suffix = o->chunked ? chunked_suffix(len, o->more) : STR_NULL;
    str head = scratch->failed ? STR_NULL : arena_str(a, buf_str(scratch));
    if (str_is_null(head) || !gather(o, head, r, suffix))
        return ERR_NO_MEMORY;
    return ERR_NONE;
}
