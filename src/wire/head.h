/*
 * The head of an HTTP message, whatever version carried it: what a client asked, what a server
 * answered.  Parsers (http1, later http2) fill it, everything above reads it, writers send it.
 *
 * Invariants of a parsed head: names are lower case tokens; values hold no CR, LF, NUL or other
 * control but HTAB, and no blanks at their ends; framing (content_length, chunked, keep_alive) was
 * checked and is told by the fields, the headers it came from are still in the list but must not be
 * copied into another message.  All text and the list live in the arena given to the parser, so a
 * head is valid as long as its request and pins no read buffer.
 */
#ifndef WIRE_HEAD_H
#define WIRE_HEAD_H

#include "base/arena.h"
#include "base/str.h"

enum header_name {
    HEADER_OTHER = 0,
#define HEADER(symbol, text) HEADER_##symbol,
#include "wire/head.def"
#undef HEADER
    HEADER_NAME_COUNT
};

struct header {
    str name, value;
    enum header_name id;
};

struct headers {
    struct header *list; /* in order of appearance */
    unsigned count, cap;
    uint16_t first[HEADER_NAME_COUNT]; /* place of the first one of that name, plus one; 0: none */
};

enum method {
    METHOD_OTHER = 0, /* a method we do not know by number; request_head.method_text has it */
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_TRACE,
    METHOD_CONNECT, /* parsers refuse it */
};

enum http_version { HTTP_VERSION_1_0, HTTP_VERSION_1_1, HTTP_VERSION_2 };

struct request_head {
    enum method method;
    enum http_version version;
    str method_text; /* as received, case-sensitive */
    str scheme;      /* "http", "https"; null in HTTP/1 origin-form, where the listener knows it */
    str authority; /* host[:port], checked (url_authority_check), no user info; null only in 1.0 */
    str target;    /* path and query as received; "*" for OPTIONS * */
    str path;      /* url_path_normalise(target): the one that routes and permissions use */
    str query;     /* raw, without '?'; null when there is none */
    struct headers headers;
    int64_t content_length; /* -1: not given. A request with neither this nor chunked has no body */
    bool chunked;
    bool keep_alive;      /* the client lets the connection live on */
    bool expect_continue; /* wants "100 Continue" before it sends the body */
};

struct response_head {
    int status; /* 200..599 when parsed: interim answers are skipped */
    enum http_version version;
    str reason; /* may be empty */
    struct headers headers;
    int64_t content_length; /* -1: not given; with !chunked the body then ends with the stream */
    bool chunked;
    bool keep_alive; /* the connection may carry another exchange after this one */
    bool no_body;    /* 204, 304, or the answer to HEAD: no body follows, whatever the fields say */
};

/* True when a body of at least one byte may follow. */
static inline bool request_has_body(const struct request_head *r)
{
    return r->chunked || r->content_length > 0;
}

/* The value of the first header of that name; null str when there is none. */
static inline str head_known(const struct headers *h, enum header_name id)
{
    return h->first[id] ? h->list[h->first[id] - 1].value : STR_NULL;
}

/* The same by text, in any case. */
str head_get(const struct headers *h, str name);

/* How many headers have that name, in any case. */
unsigned head_count(const struct headers *h, str name);

/* Next header after *at (start with 0) of that known name; NULL: no more.  *at moves behind it. */
const struct header *head_next(const struct headers *h, enum header_name id, unsigned *at);

/* Whether the comma lists in all headers of that name hold the token, in any case. */
bool head_has_token(const struct headers *h, enum header_name id, str token);

/* The number of a name in any case, HEADER_OTHER when it has none; and back (OTHER: ""). */
enum header_name header_name_from(str name);
str header_name_text(enum header_name id);

/*
 * Building a head.  `h` starts as {0}.  Name and value are borrowed as they are, not copied, and
 * must live as long as the head; the writer refuses bad bytes.  False: the arena is exhausted and
 * nothing was added.
 */
bool head_add(struct headers *h, struct arena *arena, str name, str value) must_check;
bool head_add_known(struct headers *h, struct arena *arena, enum header_name id,
                    str value) must_check;

/* The same as a header that stands in a head already, whose number is known. */
bool head_add_same(struct headers *h, struct arena *arena, const struct header *from) must_check;

/* Room for `count` headers at once (a parser knows the number). */
bool head_reserve(struct headers *h, struct arena *arena, unsigned count) must_check;

/* Headers that belong to one connection or to the framing of one message (RFC 9110 section 7.6.1):
 * never copied from one side to the other.  Does not know those that `connection` itself names. */
bool header_is_hop_by_hop(enum header_name id);

/* Case-sensitive, as methods are. */
enum method method_from(str text);
str method_name(enum method method);

/* The usual phrase of a status ("OK"), "" for an unknown one. */
str status_reason(int status);

/* Bytes allowed in a name (token, not empty), in a value (no controls but HTAB). */
bool header_name_valid(str name);
bool header_value_valid(str value);

/*
 * For parsers: a name that is known to be a token, in memory of which HEADER_NAME_PADDING bytes from
 * the name's begin may be read and written, whatever its length: so it goes by words, not by bytes.
 */
enum { HEADER_NAME_PADDING = 24 };
enum header_name header_name_from_padded(const char *name, size_t len);
void header_name_lower_padded(char *name, size_t len);

#endif
