#include "wire/http1_head.h"

#include <llhttp.h>

#include "wire/bytes.h"
#include "wire/url.h"

#define MALFORMED(text) ((struct http1_fault){ERR_HTTP_MALFORMED, text})
#define NO_MEMORY ((struct http1_fault){ERR_NO_MEMORY, "out of memory for a head"})

enum { METHOD_LEN_MAX = 32 };

/* ---- The scanner ---- */

/* An answer is known for none by its first bytes: who speaks another protocol may never end a line. */
static struct http1_fault check_status_line(str line)
{
    str version = STR("HTTP/1.");
    return str_starts(version, str_first(line, version.len)) ? HTTP1_FINE
                                                             : MALFORMED("not an HTTP/1 answer");
}

/* The first line, complete or not: its kind, and the length of a request's target. */
static struct http1_fault check_first_line(const struct http1_parser *p, str line)
{
    if (p->kind == HTTP1_RESPONSES)
        return check_status_line(line);
    ptrdiff_t space = str_find_byte(str_first(line, METHOD_LEN_MAX + 1), ' ');
    if (space < 0)
        return line.len > METHOD_LEN_MAX ? MALFORMED("method is too long") : HTTP1_FINE;
    str target = str_from(line, (size_t)space + 1);
    str searched = str_first(target, (size_t)p->limits.target_bytes + 1);
    if (str_find_byte(searched, ' ') < 0 && target.len > p->limits.target_bytes)
        return (struct http1_fault){ERR_URL_TOO_LONG, "request target is too long"};
    return HTTP1_FINE;
}

static struct http1_fault check_line(struct http1_parser *p, str line)
{
    if (p->lines == 0)
        return line.len ? check_first_line(p, line) : MALFORMED("empty line before a head");
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return MALFORMED("folded header line");
    if (p->lines > p->limits.header_count)
        return (struct http1_fault){ERR_HEAD_TOO_LARGE, "too many header fields"};
    return HTTP1_FINE;
}

/* The control byte at window[at] does not belong to a CRLF. */
static struct http1_fault control_fault(const struct http1_parser *p, str window, size_t at)
{
    str line = str_make(window.ptr + p->line_start, at - p->line_start);
    struct http1_fault fault = p->lines == 0 ? check_first_line(p, line) : HTTP1_FINE;
    if (fault.err) /* says more: the same whether the line was seen whole or in pieces */
        return fault;
    switch (window.ptr[at]) {
    case '\n':
        return MALFORMED("LF without CR");
    case '\r':
        return MALFORMED("CR without LF");
    case '\0':
        return MALFORMED("NUL byte in a head");
    default:
        return MALFORMED("control byte in a head");
    }
}

/* The window ends inside the head. */
static struct http1_fault check_unfinished(const struct http1_parser *p, str window)
{
    struct http1_fault fault = HTTP1_FINE;
    if (p->lines == 0)
        fault = check_first_line(p, str_from(window, p->line_start));
    if (!fault.err && window.len >= p->limits.head_bytes)
        fault = (struct http1_fault){ERR_HEAD_TOO_LARGE, "head is too long"};
    return fault;
}

struct http1_fault http1_head_scan(struct http1_parser *p, str window, size_t *end)
{
    *end = 0;
    size_t at = p->scanned;
    for (;;) {
        at = bytes_find_control(window.ptr, at, window.len);
        p->scanned = at; /* a CR at the end of the window is looked at again */
        if (at == window.len)
            return check_unfinished(p, window);
        if (window.ptr[at] != '\r')
            return control_fault(p, window, at);
        if (at + 1 == window.len)
            return check_unfinished(p, str_first(window, at));
        if (window.ptr[at + 1] != '\n')
            return control_fault(p, window, at);

        str line = str_make(window.ptr + p->line_start, at - p->line_start);
        at += 2;
        if (line.len == 0 && p->lines > 0) {
            if (at > p->limits.head_bytes)
                return (struct http1_fault){ERR_HEAD_TOO_LARGE, "head is too long"};
            *end = at;
            return HTTP1_FINE;
        }
        struct http1_fault fault = check_line(p, line);
        if (fault.err)
            return fault;
        p->lines++;
        p->line_start = at;
    }
}

bool http1_head_is_preface(str head)
{
    return str_eq(head, STR(HTTP1_PREFACE_TEXT));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int http1_head_status(str head)
{
    if (head.len < sizeof("HTTP/1.1 200\r\n") - 1 || !str_starts(head, STR("HTTP/1.")))
        return 0;
    const char *p = head.ptr + 8;
    if (p[0] != ' ' || !is_digit(p[1]) || !is_digit(p[2]) || !is_digit(p[3]))
        return 0;
    if (p[4] != ' ' && p[4] != '\r')
        return 0;
    return (p[1] - '0') * 100 + (p[2] - '0') * 10 + (p[3] - '0');
}

/* ---- llhttp: splits the lines into names and values, and has its own opinion of all of it ---- */

/* The text is in our own copy of the head, so it can be made lower case where it stands; a known name
 * need not even that, and is a token by being known.  llhttp lets empty names pass. */
static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    struct headers *h = parser->data;
    CHECK(h->count < h->cap); /* as many as the scanner has counted lines */
    struct header *header = &h->list[h->count++];
    header->value = STR("");
    header->id = header_name_from_padded(at, len);
    if (header->id == HEADER_OTHER) {
        header->name = str_make(at, len);
        if (!header_name_valid(header->name)) {
            llhttp_set_error_reason(parser, "header name is not valid");
            return HPE_USER;
        }
        header_name_lower_padded((char *)at, len);
        return 0;
    }
    header->name = header_name_text(header->id);
    if (!h->first[header->id])
        h->first[header->id] = (uint16_t)h->count;
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    struct headers *h = parser->data;
    CHECK(h->count > 0);
    h->list[h->count - 1].value = str_trim(str_make(at, len));
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED; /* the body is ours to read */
}

static const llhttp_settings_t settings = {
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
};

static struct http1_fault collect(struct http1_parser *p, str head, struct arena *arena,
                                  struct headers *headers)
{
    uint32_t count = p->lines - 1;
    if (!head_reserve(headers, arena, count))
        return NO_MEMORY;
    llhttp_t parser;
    llhttp_init(&parser, p->kind == HTTP1_REQUESTS ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    parser.data = headers;
    llhttp_errno_t verdict = llhttp_execute(&parser, head.ptr, head.len);
    if (verdict != HPE_PAUSED) {
        const char *reason = llhttp_get_error_reason(&parser);
        return MALFORMED(reason && *reason ? reason : "head is not valid");
    }
    /* Both readers must have seen the same lines. */
    if (llhttp_get_error_pos(&parser) != head.ptr + head.len || headers->count != count)
        return MALFORMED("head is not valid");
    return HTTP1_FINE;
}

/* With room behind it for names to be read by words.  Null str: out of memory. */
static str copy_padded(struct arena *arena, str head)
{
    char *copy = arena_alloc(arena, head.len + HEADER_NAME_PADDING);
    if (!copy)
        return STR_NULL;
    memcpy(copy, head.ptr, head.len);
    memset(copy + head.len, 0, HEADER_NAME_PADDING);
    return str_make(copy, head.len);
}

/* ---- What both kinds have: framing ---- */

struct framing {
    int64_t content_length;
    bool chunked, keep_alive;
};

static struct http1_fault read_content_length(str value, int64_t *length)
{
    uint64_t n;
    if (value.len > 19 || !str_to_u64(value, &n) || n > INT64_MAX)
        return MALFORMED("content-length is not one decimal number");
    *length = (int64_t)n;
    return HTTP1_FINE;
}

/* The header, when it is there exactly once; *fault when it is there more often. */
static const struct header *only(const struct headers *h, enum header_name id,
                                 struct http1_fault *fault, const char *several)
{
    unsigned at = 0;
    const struct header *found = head_next(h, id, &at);
    if (found && head_next(h, id, &at))
        *fault = MALFORMED(several);
    return found;
}

static struct http1_fault read_framing(const struct headers *h, enum http_version version,
                                       struct framing *f)
{
    struct http1_fault fault = HTTP1_FINE;
    const struct header *length =
        only(h, HEADER_CONTENT_LENGTH, &fault, "several content-length headers");
    const struct header *coding =
        only(h, HEADER_TRANSFER_ENCODING, &fault, "several transfer-encoding headers");
    if (fault.err)
        return fault;
    if (length && coding)
        return MALFORMED("content-length together with transfer-encoding");
    if (coding && version == HTTP_VERSION_1_0)
        return MALFORMED("transfer-encoding in HTTP/1.0");
    if (coding && !str_ieq(coding->value, STR("chunked")))
        return MALFORMED("transfer-encoding is not exactly \"chunked\"");

    bool close = head_has_token(h, HEADER_CONNECTION, STR("close"));
    *f = (struct framing){
        .content_length = -1,
        .chunked = coding != NULL,
        .keep_alive = !close && (version == HTTP_VERSION_1_1 ||
                                 head_has_token(h, HEADER_CONNECTION, STR("keep-alive"))),
    };
    return length ? read_content_length(length->value, &f->content_length) : HTTP1_FINE;
}

static struct http1_fault read_version(str text, enum http_version *version)
{
    if (text.len != 8 || !str_starts(text, STR("HTTP/")) || !is_digit(text.ptr[5]) ||
        text.ptr[6] != '.' || !is_digit(text.ptr[7]))
        return MALFORMED("first line does not name an HTTP version");
    if (text.ptr[5] != '1' || text.ptr[7] > '1')
        return (struct http1_fault){ERR_HTTP_VERSION, "HTTP version is not 1.0 or 1.1"};
    *version = text.ptr[7] == '1' ? HTTP_VERSION_1_1 : HTTP_VERSION_1_0;
    return HTTP1_FINE;
}

static str first_line(str head)
{
    return str_first(head, (size_t)str_find_byte(head, '\r'));
}

/* ---- Requests ---- */

static struct http1_fault read_request_line(str line, struct request_head *r)
{
    ptrdiff_t first = str_find_byte(line, ' ');
    const char *last_space = first < 0 ? NULL : memrchr(line.ptr, ' ', line.len);
    if (!last_space || last_space == line.ptr + first)
        return MALFORMED("request line is not METHOD target HTTP/1.1");
    size_t last = (size_t)(last_space - line.ptr);
    struct http1_fault fault = read_version(str_from(line, last + 1), &r->version);
    if (fault.err)
        return fault;

    r->method_text = str_first(line, (size_t)first);
    r->target = str_make(line.ptr + first + 1, last - (size_t)first - 1);
    if (!header_name_valid(r->method_text))
        return MALFORMED("method is not a token");
    r->method = method_from(r->method_text);
    if (r->method == METHOD_CONNECT)
        return (struct http1_fault){ERR_METHOD_WRONG, "CONNECT is not served"};
    for (size_t i = 0; i < r->target.len; i++)
        if (r->target.ptr[i] <= ' ' || r->target.ptr[i] == 0x7f || r->target.ptr[i] == '#')
            return MALFORMED("byte in the request target that must be encoded");
    return HTTP1_FINE;
}

/* http://authority/path?query: takes scheme and authority off the target (RFC 9112 section 3.2.2). */
static struct http1_fault read_absolute_form(struct request_head *r)
{
    if (str_istarts(r->target, STR("http://")))
        r->scheme = STR("http");
    else if (str_istarts(r->target, STR("https://")))
        r->scheme = STR("https");
    else
        return HTTP1_FINE;
    str rest = str_from(r->target, r->scheme.len + 3);
    size_t len = 0;
    while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?')
        len++;
    r->authority = str_first(rest, len);
    r->target = len < rest.len ? str_from(rest, len) : STR("/");
    return url_authority_check(r->authority) ? HTTP1_FINE
                                             : MALFORMED("authority of the target is not valid");
}

static struct http1_fault read_host(struct request_head *r)
{
    struct http1_fault fault = HTTP1_FINE;
    const struct header *host = only(&r->headers, HEADER_HOST, &fault, "several Host headers");
    if (fault.err)
        return fault;
    if (!host)
        return r->version == HTTP_VERSION_1_0 ? HTTP1_FINE : MALFORMED("Host header is missing");
    if (!url_authority_check(host->value))
        return MALFORMED("Host header is not a host");
    uint16_t port = str_eq(r->scheme, STR("https")) ? 443 : 80;
    if (!str_is_null(r->authority) && !url_authority_same(r->authority, host->value, port))
        return MALFORMED("Host header differs from the target's authority");
    if (str_is_null(r->authority))
        r->authority = host->value;
    return HTTP1_FINE;
}

static struct http1_fault read_path(struct request_head *r, struct arena *arena)
{
    if (str_eq(r->target, STR("*"))) {
        r->path = r->target;
        return r->method == METHOD_OPTIONS ? HTTP1_FINE : MALFORMED("target * is for OPTIONS only");
    }
    str raw = r->target;
    ptrdiff_t mark = str_find_byte(raw, '?');
    if (mark >= 0) {
        r->query = str_from(raw, (size_t)mark + 1);
        raw = str_first(raw, (size_t)mark);
    }
    switch (url_path_normalise(raw, arena, &r->path)) {
    case URL_PATH_OK:
        return HTTP1_FINE;
    case URL_PATH_NO_MEMORY:
        return NO_MEMORY;
    case URL_PATH_BAD:
        break;
    }
    return MALFORMED("path is ambiguous or not valid");
}

static struct http1_fault read_expect(struct request_head *r)
{
    if (r->version == HTTP_VERSION_1_0 || !r->headers.first[HEADER_EXPECT])
        return HTTP1_FINE;
    struct http1_fault fault = HTTP1_FINE;
    const struct header *expect =
        only(&r->headers, HEADER_EXPECT, &fault, "several Expect headers");
    if (!fault.err && !str_ieq(expect->value, STR("100-continue")))
        fault = (struct http1_fault){ERR_EXPECTATION_FAILED, "unknown expectation"};
    r->expect_continue = !fault.err && request_has_body(r);
    return fault;
}

static struct http1_fault read_request(struct http1_parser *p, str head, struct arena *arena,
                                       struct request_head *r)
{
    struct http1_fault fault = read_request_line(first_line(head), r);
    if (fault.err)
        return fault;
    fault = collect(p, head, arena, &r->headers);
    if (fault.err)
        return fault;
    struct framing framing;
    fault = read_framing(&r->headers, r->version, &framing);
    if (fault.err)
        return fault;
    r->content_length = framing.content_length;
    r->chunked = framing.chunked;
    r->keep_alive = framing.keep_alive;

    fault = read_absolute_form(r);
    if (!fault.err)
        fault = read_host(r);
    if (!fault.err)
        fault = read_path(r, arena);
    if (!fault.err)
        fault = read_expect(r);
    return fault;
}

struct http1_fault http1_head_request(struct http1_parser *p, str head, struct arena *arena,
                                      struct request_head **out)
{
    struct request_head *r = arena_zalloc(arena, sizeof(*r));
    str copy = copy_padded(arena, head);
    if (!r || str_is_null(copy))
        return NO_MEMORY;
    *out = r;
    return read_request(p, copy, arena, r);
}

/* ---- Answers ---- */

static struct http1_fault read_status_line(str head, struct response_head *r)
{
    str line = first_line(head);
    struct http1_fault fault = read_version(str_first(line, 8), &r->version);
    if (fault.err)
        return fault;
    r->status = http1_head_status(head);
    if (r->status < 100 || r->status > 599)
        return MALFORMED("status line is not HTTP/1.1 and three digits");
    r->reason = str_from(line, sizeof("HTTP/1.1 200 ") - 1);
    return HTTP1_FINE;
}

static struct http1_fault read_response(struct http1_parser *p, str head, struct arena *arena,
                                        struct response_head *r)
{
    struct http1_fault fault = read_status_line(head, r);
    if (fault.err)
        return fault;
    fault = collect(p, head, arena, &r->headers);
    if (fault.err)
        return fault;
    struct framing framing;
    fault = read_framing(&r->headers, r->version, &framing);
    if (fault.err)
        return fault;
    r->content_length = framing.content_length;
    r->chunked = framing.chunked;
    r->no_body = p->asked == METHOD_HEAD || r->status == 204 || r->status == 304;
    bool until_eof = !r->no_body && !r->chunked && r->content_length < 0;
    r->keep_alive = framing.keep_alive && !until_eof;
    return HTTP1_FINE;
}

struct http1_fault http1_head_response(struct http1_parser *p, str head, struct arena *arena,
                                       struct response_head **out)
{
    struct response_head *r = arena_zalloc(arena, sizeof(*r));
    str copy = copy_padded(arena, head);
    if (!r || str_is_null(copy))
        return NO_MEMORY;
    *out = r;
    return read_response(p, copy, arena, r);
}
