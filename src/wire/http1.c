#include "wire/http1.h"

#include "wire/http1_head.h"

/*
 *   START --byte--> HEAD --empty line--> LENGTH | CHUNKED | UNTIL_EOF | DONE
 *   LENGTH, CHUNKED --last byte--> DONE --END told--> START
 *   any --error--> FAILED
 *
 * Only enter() writes p->state.
 */

/* How much of a head in pieces is gathered at once: what follows the head is copied in vain. */
enum { GATHER_BYTES = 2048 };

static void enter(struct http1_parser *p, enum http1_state next)
{
    CHECK(p->state != HTTP1_STATE_FAILED);
    p->state = next;
}

static enum http1_step fail(struct http1_parser *p, enum err err, const char *reason)
{
    if (p->kind == HTTP1_RESPONSES && err != ERR_NO_MEMORY)
        err = err == ERR_HEAD_TOO_LARGE ? ERR_UPSTREAM_TOO_LARGE : ERR_UPSTREAM_MALFORMED;
    p->err = err;
    p->reason = reason;
    buf_release(&p->head);
    enter(p, HTTP1_STATE_FAILED);
    return HTTP1_ERROR;
}

void http1_parser_init(struct http1_parser *p, enum http1_kind kind,
                       const struct http1_limits *limits)
{
    *p = (struct http1_parser){
        .kind = kind,
        .limits = limits ? *limits : HTTP1_LIMITS_DEFAULT,
    };
    CHECK(p->limits.header_count < UINT16_MAX);
    buf_init(&p->head, 0);
}

void http1_parser_release(struct http1_parser *p)
{
    buf_release(&p->head);
}

void http1_expect(struct http1_parser *p, enum method method)
{
    CHECK(p->kind == HTTP1_RESPONSES);
    CHECK(!p->expected);
    p->expected = true;
    p->asked = method;
    p->interim = 0;
}

static void scanner_reset(struct http1_parser *p)
{
    p->line_start = p->scanned = 0;
    p->lines = 0;
}

static void enter_body(struct http1_parser *p, int64_t content_length, bool chunked, bool until_eof)
{
    if (chunked) {
        chunked_init(&p->chunked, p->limits.head_bytes, p->limits.header_count);
        enter(p, HTTP1_STATE_CHUNKED);
    } else if (content_length > 0) {
        p->body_left = (uint64_t)content_length;
        enter(p, HTTP1_STATE_LENGTH);
    } else {
        enter(p, until_eof ? HTTP1_STATE_UNTIL_EOF : HTTP1_STATE_DONE);
    }
}

static enum http1_step request_complete(struct http1_parser *p, str head, struct arena *arena,
                                        struct http1_out *out)
{
    if (http1_head_is_preface(head)) {
        if (p->any_message)
            return fail(p, ERR_HTTP_MALFORMED, "HTTP/2 preface after an HTTP/1 request");
        enter(p, HTTP1_STATE_PREFACE);
        return HTTP1_PREFACE;
    }
    struct http1_fault fault = http1_head_request(p, head, arena, &out->request);
    if (fault.err)
        return fail(p, fault.err, fault.reason);
    enter_body(p, out->request->content_length, out->request->chunked, false);
    return HTTP1_HEAD;
}

/* HTTP1_NEED_MORE: it was an interim answer, and the next head may follow at once. */
static enum http1_step response_complete(struct http1_parser *p, str head, struct arena *arena,
                                         struct http1_out *out)
{
    int status = http1_head_status(head);
    if (status == 101)
        return fail(p, ERR_UPSTREAM_MALFORMED, "protocol switch that nobody asked for");
    if (status >= 100 && status < 200) {
        if (++p->interim > HTTP1_INTERIM_MAX)
            return fail(p, ERR_UPSTREAM_MALFORMED, "too many interim answers");
        enter(p, HTTP1_STATE_START);
        return HTTP1_NEED_MORE;
    }
    struct http1_fault fault = http1_head_response(p, head, arena, &out->response);
    if (fault.err)
        return fail(p, fault.err, fault.reason);
    const struct response_head *r = out->response;
    if (r->no_body)
        enter(p, HTTP1_STATE_DONE);
    else
        enter_body(p, r->content_length, r->chunked, r->content_length < 0);
    return HTTP1_HEAD;
}

static enum http1_step head_complete(struct http1_parser *p, str head, struct arena *arena,
                                     struct http1_out *out)
{
    enum http1_step step = p->kind == HTTP1_REQUESTS ? request_complete(p, head, arena, out)
                                                     : response_complete(p, head, arena, out);
    scanner_reset(p);
    buf_release(&p->head);
    return step;
}

/* A robust server skips an empty line before a request (RFC 9112 section 2.2): one, not many. */
static bool skip_empty_line(struct http1_parser *p, str *bytes)
{
    if (p->kind != HTTP1_REQUESTS || p->skipped_empty || !str_starts(*bytes, STR("\r\n")))
        return false;
    p->skipped_empty = true;
    *bytes = str_from(*bytes, 2);
    return true;
}

/* Takes one piece into p->head; false: out of memory. */
static bool gather(struct http1_parser *p, str *bytes)
{
    str piece = str_first(*bytes, GATHER_BYTES);
    buf_add_str(&p->head, piece);
    *bytes = str_from(*bytes, piece.len);
    if (p->head.failed)
        return false;
    str all = buf_str(&p->head);
    if (p->lines == 0 && skip_empty_line(p, &all)) {
        buf_drop(&p->head, 2);
        scanner_reset(p);
    }
    return true;
}

/* The head goes on in p->head, since its beginning is not in *bytes. */
static enum http1_step step_gathered(struct http1_parser *p, str *bytes, struct arena *arena,
                                     struct http1_out *out)
{
    while (bytes->len) {
        const char *piece = bytes->ptr;
        size_t room = bytes->len;
        if (!gather(p, bytes))
            return fail(p, ERR_NO_MEMORY, "out of memory for a head");
        if (p->head.len == 0) { /* it was the empty line before a request, cut in two */
            enter(p, HTTP1_STATE_START);
            return HTTP1_NEED_MORE;
        }
        size_t end;
        struct http1_fault fault = http1_head_scan(p, buf_str(&p->head), &end);
        if (fault.err)
            return fail(p, fault.err, fault.reason);
        if (end == 0)
            continue;
        /* What came behind the head in this piece stays the caller's. */
        size_t behind = p->head.len - end;
        size_t taken = (size_t)(bytes->ptr - piece) - behind;
        *bytes = str_make(piece + taken, room - taken);
        return head_complete(p, str_make(p->head.ptr, end), arena, out);
    }
    return HTTP1_NEED_MORE;
}

static enum http1_step step_head(struct http1_parser *p, str *bytes, struct arena *arena,
                                 struct http1_out *out)
{
    if (p->head.len)
        return step_gathered(p, bytes, arena, out);
    size_t end;
    struct http1_fault fault = http1_head_scan(p, *bytes, &end);
    if (fault.err)
        return fail(p, fault.err, fault.reason);
    if (end) {
        str head = str_first(*bytes, end);
        *bytes = str_from(*bytes, end);
        return head_complete(p, head, arena, out);
    }
    buf_add_str(&p->head, *bytes);
    *bytes = str_from(*bytes, bytes->len);
    return p->head.failed ? fail(p, ERR_NO_MEMORY, "out of memory for a head") : HTTP1_NEED_MORE;
}

static enum http1_step step_start(struct http1_parser *p, str *bytes, struct arena *arena,
                                  struct http1_out *out)
{
    skip_empty_line(p, bytes);
    if (bytes->len == 0)
        return HTTP1_NEED_MORE;
    if (p->kind == HTTP1_RESPONSES && !p->expected)
        return fail(p, ERR_UPSTREAM_MALFORMED, "bytes that answer no request");
    scanner_reset(p);
    enter(p, HTTP1_STATE_HEAD);
    return step_head(p, bytes, arena, out);
}

static enum http1_step take_body(str *bytes, size_t len, struct http1_out *out)
{
    out->body = str_first(*bytes, len);
    *bytes = str_from(*bytes, len);
    return HTTP1_BODY;
}

static enum http1_step step_length(struct http1_parser *p, str *bytes, struct http1_out *out)
{
    if (bytes->len == 0)
        return HTTP1_NEED_MORE;
    size_t len = p->body_left < bytes->len ? (size_t)p->body_left : bytes->len;
    p->body_left -= len;
    if (p->body_left == 0)
        enter(p, HTTP1_STATE_DONE);
    return take_body(bytes, len, out);
}

static enum http1_step step_end(struct http1_parser *p)
{
    p->any_message = true;
    p->expected = false;
    p->skipped_empty = false;
    enter(p, HTTP1_STATE_START);
    return HTTP1_END;
}

static enum http1_step step_chunked(struct http1_parser *p, str *bytes, struct http1_out *out)
{
    switch (chunked_step(&p->chunked, bytes, &out->body)) {
    case CHUNKED_NEED_MORE:
        return HTTP1_NEED_MORE;
    case CHUNKED_DATA:
        return HTTP1_BODY;
    case CHUNKED_END:
        enter(p, HTTP1_STATE_DONE);
        return step_end(p);
    case CHUNKED_ERROR:
        break;
    }
    enum err err = p->chunked.too_large ? ERR_HEAD_TOO_LARGE : ERR_HTTP_MALFORMED;
    return fail(p, err, p->chunked.reason);
}

/* One step; HTTP1_NEED_MORE with bytes left: an interim answer was skipped, go on. */
static enum http1_step step_once(struct http1_parser *p, str *bytes, struct arena *arena,
                                 struct http1_out *out)
{
    switch (p->state) {
    case HTTP1_STATE_START:
        return step_start(p, bytes, arena, out);
    case HTTP1_STATE_HEAD:
        return step_head(p, bytes, arena, out);
    case HTTP1_STATE_LENGTH:
        return step_length(p, bytes, out);
    case HTTP1_STATE_CHUNKED:
        return step_chunked(p, bytes, out);
    case HTTP1_STATE_UNTIL_EOF:
        return bytes->len ? take_body(bytes, bytes->len, out) : HTTP1_NEED_MORE;
    case HTTP1_STATE_DONE:
        return step_end(p);
    case HTTP1_STATE_PREFACE:
        return HTTP1_PREFACE;
    case HTTP1_STATE_FAILED:
        return HTTP1_ERROR;
    }
    BUG("http1: state %d", (int)p->state);
}

enum http1_step http1_step(struct http1_parser *p, str *bytes, struct arena *arena,
                           struct http1_out *out)
{
    for (;;) {
        *out = (struct http1_out){0};
        enum http1_step step = step_once(p, bytes, arena, out);
        if (step != HTTP1_NEED_MORE || bytes->len == 0)
            return step;
    }
}

enum err http1_eof(const struct http1_parser *p)
{
    switch (p->state) {
    case HTTP1_STATE_FAILED:
        return p->err;
    case HTTP1_STATE_UNTIL_EOF:
    case HTTP1_STATE_DONE:
        return ERR_NONE;
    case HTTP1_STATE_PREFACE:
        return ERR_EOF;
    case HTTP1_STATE_START:
        if (p->kind == HTTP1_RESPONSES && p->expected)
            return p->interim ? ERR_UPSTREAM_TRUNCATED : ERR_UPSTREAM_RESET;
        return ERR_EOF;
    case HTTP1_STATE_HEAD:
    case HTTP1_STATE_LENGTH:
    case HTTP1_STATE_CHUNKED:
        return p->kind == HTTP1_RESPONSES ? ERR_UPSTREAM_TRUNCATED : ERR_CLIENT_GONE;
    }
    BUG("http1: state %d", (int)p->state);
}
