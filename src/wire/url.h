/*
 * URLs: base URLs of the configuration, targets of requests, percent-encoding, queries.
 *
 * Request paths are made unambiguous rather than repaired: url_path_normalise() refuses every
 * spelling that a second reader could take for another path, so permissions and dispatch, which
 * both use its result, cannot be told apart.
 */
#ifndef WIRE_URL_H
#define WIRE_URL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum url_scheme { URL_HTTP, URL_HTTPS, URL_UNIX };

struct url {
    enum url_scheme scheme;
    str host;      /* without brackets; the socket's file for URL_UNIX */
    uint16_t port; /* the scheme's own when not given; 0 for URL_UNIX */
    bool is_ipv6;  /* host was written in brackets */
    str authority; /* as it goes into Host: port only when given; "localhost" for URL_UNIX */
    str path;      /* starts with '/' or is empty; without slashes at its end */
    str query;     /* without '?', null if there is none: Azure users paste ?api-version= */
};

/*
 * A base URL of the configuration: http://host[:port][/path][?query], https://…, or
 * unix:/path/of.sock[:/path].  No user info, no fragment.  NULL: well, *out has slices of `text`.
 * Otherwise a static text that says what is wrong, for the configuration's message.
 */
const char *url_parse(str text, struct url *out) must_check;

/* base.path + path (which starts with '/', or is empty), + '?' + queries, both optional (null);
 * already encoded, nothing is changed.  Null str: out of memory. */
str url_join(struct arena *arena, const struct url *base, str path, str query);

/* host[:port] of a request: a DNS-like name (letters, digits, '-', '.', '_', '~'), IPv4 or [IPv6],
 * a port of 0..65535.  Anything else, also empty and user info, is false. */
bool url_authority_check(str authority) must_check;

/* Whether both name the same host and port, given the scheme's default port. */
bool url_authority_same(str a, str b, uint16_t default_port);

/*
 * A request's raw path (no query) -> *out, which the whole gateway uses.  Escapes are decoded once,
 * except those of '/', '?' and '#': they are data, not structure (model ids hold slashes), and stay
 * "%2F", "%3F", "%23"; see url_path_id().  *out is `raw` itself when nothing changes, else in the
 * arena.
 *   URL_PATH_BAD: not starting with '/'; bytes that a URI may not hold; bad escapes; escaped
 *     controls, '%' and '\'; what is not UTF-8 once decoded; dot segments in any spelling, also
 *     between encoded slashes and before ';'.
 * Doubled slashes, case, and a slash at the end are kept: those are other paths, unknown to routes.
 */
enum url_path_result { URL_PATH_OK, URL_PATH_BAD, URL_PATH_NO_MEMORY };
enum url_path_result url_path_normalise(str raw, struct arena *arena, str *out) must_check;

/* A piece of a normalised path as an id: "%2F" becomes '/', and so on.  Null str: out of memory. */
str url_path_id(str piece, struct arena *arena);

/* What stays as it is when encoding, beside letters, digits and "-._~". */
enum url_keep {
    URL_KEEP_NONE,  /* one segment, one query value */
    URL_KEEP_SLASH, /* a path: '/' too */
    URL_KEEP_PATH,  /* a path as RFC 3986 allows: also ':', '@' and sub-delims */
};

void url_encode(struct buf *out, str text, enum url_keep keep);

/* Percent-decodes; with `plus` also '+' → ' ' (queries).  False: a bad escape; *out untouched.
 * Without anything to decode *out is `text` itself, else in the arena (null str: out of memory). */
bool url_decode(str text, bool plus, struct arena *arena, str *out) must_check;

/* Walks a raw query: takes the next name=value (raw; value null without '=') off *query.  False: no
 * more.  Empty pieces are skipped. */
bool url_query_next(str *query, str *name, str *value);

/* The decoded value of the first parameter with that name (compared decoded, case-sensitive).  Null
 * str: none, or not decodable. */
str url_query_get(str query, str name, struct arena *arena);

#endif
