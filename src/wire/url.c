#include "wire/url.h"

#include <arpa/inet.h>

/* What a byte of a path, as it stands in a request, is (RFC 3986 section 3.3). */
enum path_byte {
    PATH_BAD = 0,
    PATH_PLAIN,
    PATH_DOT,
    PATH_ESCAPE,
};

static const uint8_t path_bytes[256] =
    {
        ['!'] = PATH_PLAIN,         ['$'] = PATH_PLAIN,         ['%'] = PATH_ESCAPE,
        ['&' ... '-'] = PATH_PLAIN, ['.'] = PATH_DOT,           ['/' ... ';'] = PATH_PLAIN,
        ['='] = PATH_PLAIN,         ['@' ... 'Z'] = PATH_PLAIN, ['_'] = PATH_PLAIN,
        ['a' ... 'z'] = PATH_PLAIN, ['~'] = PATH_PLAIN,
};

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte of the escape at s[at] ("%2f"), or -1. */
static int escape_value(str s, size_t at)
{
    if (s.len - at < 3)
        return -1;
    int high = hex_value(s.ptr[at + 1]), low = hex_value(s.ptr[at + 2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* ---- Base URLs ---- */

static bool port_parse(str text, uint16_t *port)
{
    uint64_t n;
    if (text.len > 5 || !str_to_u64(text, &n) || n > UINT16_MAX)
        return false;
    *port = (uint16_t)n;
    return true;
}

static bool ipv6_valid(str text)
{
    char zero_ended[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (text.len >= sizeof(zero_ended) || memchr(text.ptr, '\0', text.len))
        return false;
    memcpy(zero_ended, text.ptr, text.len);
    zero_ended[text.len] = '\0';
    return inet_pton(AF_INET6, zero_ended, &address) == 1;
}

struct authority {
    str host; /* without brackets */
    str port; /* null when not given */
    bool is_ipv6;
};

/* Splits and checks. */
static bool authority_parse(str text, struct authority *out)
{
    *out = (struct authority){0};
    str after;
    if (text.len && text.ptr[0] == '[') {
        ptrdiff_t close = str_find_byte(text, ']');
        if (close < 0)
            return false;
        out->host = str_make(text.ptr + 1, (size_t)close - 1);
        out->is_ipv6 = true;
        if (!ipv6_valid(out->host))
            return false;
        after = str_from(text, (size_t)close + 1);
    } else {
        size_t len = 0;
        while (len < text.len && is_unreserved((unsigned char)text.ptr[len]))
            len++;
        out->host = str_first(text, len);
        if (len == 0)
            return false;
        after = str_from(text, len);
    }
    if (after.len == 0)
        return true;
    uint16_t port;
    out->port = str_from(after, 1);
    return after.ptr[0] == ':' && port_parse(out->port, &port);
}

bool url_authority_check(str authority)
{
    struct authority parts;
    return authority_parse(authority, &parts);
}

static uint16_t port_or(const struct authority *a, uint16_t otherwise)
{
    uint16_t port = otherwise;
    return !str_is_null(a->port) && port_parse(a->port, &port) ? port : otherwise;
}

bool url_authority_same(str a, str b, uint16_t default_port)
{
    struct authority first, second;
    return authority_parse(a, &first) && authority_parse(b, &second) &&
           str_ieq(first.host, second.host) &&
           port_or(&first, default_port) == port_or(&second, default_port);
}

static const char *parse_unix(str rest, struct url *out)
{
    out->scheme = URL_UNIX;
    out->authority = STR("localhost");
    ptrdiff_t colon = str_find_byte(rest, ':');
    out->host = colon < 0 ? rest : str_first(rest, (size_t)colon);
    out->path = colon < 0 ? STR("") : str_from(rest, (size_t)colon + 1);
    if (!str_starts(out->host, STR("/")))
        return "the socket's file must be an absolute path: unix:/run/example.sock";
    if (colon >= 0 && !str_starts(out->path, STR("/")))
        return "after the socket's file comes a path: unix:/run/example.sock:/v1";
    return NULL;
}

static const char *parse_authority(str text, struct url *out)
{
    if (text.len == 0)
        return "the host is missing";
    if (str_find_byte(text, '@') >= 0)
        return "user names and passwords do not belong into a URL";
    struct authority parts;
    if (!authority_parse(text, &parts))
        return "the host or port is not valid";
    out->authority = text;
    out->host = parts.host;
    out->is_ipv6 = parts.is_ipv6;
    out->port = port_or(&parts, out->scheme == URL_HTTPS ? 443 : 80);
    return out->port ? NULL : "the port must not be 0";
}

static const char *parse_network(str rest, struct url *out)
{
    size_t len = 0;
    while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?')
        len++;
    out->path = str_from(rest, len);
    return parse_authority(str_first(rest, len), out);
}

const char *url_parse(str text, struct url *out)
{
    *out = (struct url){0};
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f || text.ptr[i] == '\\')
            return "a URL holds visible ASCII characters only";
    if (str_find_byte(text, '#') >= 0)
        return "a base URL has no fragment (#)";

    const char *why;
    if (str_istarts(text, STR("http://"))) {
        out->scheme = URL_HTTP;
        why = parse_network(str_from(text, 7), out);
    } else if (str_istarts(text, STR("https://"))) {
        out->scheme = URL_HTTPS;
        why = parse_network(str_from(text, 8), out);
    } else if (str_istarts(text, STR("unix:"))) {
        why = parse_unix(str_from(text, 5), out);
    } else {
        why = "a URL begins with http://, https:// or unix:";
    }
    if (why)
        return why;

    ptrdiff_t mark = str_find_byte(out->path, '?');
    if (mark >= 0) {
        out->query = str_from(out->path, (size_t)mark + 1);
        out->path = str_first(out->path, (size_t)mark);
    }
    while (str_ends(out->path, STR("/")))
        out->path.len--;
    return NULL;
}

str url_join(struct arena *arena, const struct url *base, str path, str query)
{
    str first = base->query, second = query;
    bool both = first.len && second.len;
    bool any = first.len || second.len;
    const char *root = base->path.len == 0 && path.len == 0 ? "/" : "";
    return arena_printf(arena, "%s%.*s%.*s%s%.*s%s%.*s", root, STR_ARG(base->path), STR_ARG(path),
                        any ? "?" : "", STR_ARG(first), both ? "&" : "", STR_ARG(second));
}

/* ---- Paths of requests ---- */

/* RFC 3629, without overlong forms and surrogates. */
static bool utf8_valid(str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    for (size_t i = 0; i < s.len;) {
        unsigned char c = p[i];
        size_t more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || s.len - i <= more)
            return false;
        for (size_t k = 1; k <= more; k++)
            if ((p[i + k] & 0xc0) != 0x80)
                return false;
        if ((c == 0xe0 && p[i + 1] < 0xa0) || (c == 0xed && p[i + 1] > 0x9f) ||
            (c == 0xf0 && p[i + 1] < 0x90) || (c == 0xf4 && p[i + 1] > 0x8f))
            return false;
        i += more + 1;
    }
    return true;
}

/* "." and "..", also with a parameter behind (";x"), which some servers cut off. */
static bool is_dot_segment(str segment)
{
    str name = str_split(&segment, ';');
    return str_eq(name, STR(".")) || str_eq(name, STR(".."));
}

static bool has_dot_segment(str path)
{
    while (!str_is_null(path)) {
        str segment = str_split(&path, '/');
        for (;;) { /* an encoded slash separates too: whoever decodes it must not climb */
            ptrdiff_t slash = str_find(segment, STR("%2F"));
            if (slash < 0)
                break;
            if (is_dot_segment(str_first(segment, (size_t)slash)))
                return true;
            segment = str_from(segment, (size_t)slash + 3);
        }
        if (is_dot_segment(segment))
            return true;
    }
    return false;
}

/* Decodes the escape at raw[at] into to[]; returns the bytes written, 0: it may not stand there. */
static size_t decode_escape(str raw, size_t at, char *to)
{
    int byte = escape_value(raw, at);
    if (byte < ' ' || byte == 0x7f || byte == '%' || byte == '\\')
        return 0;
    if (byte == '/' || byte == '?' || byte == '#') {
        memcpy(to, byte == '/' ? "%2F" : byte == '?' ? "%3F" : "%23", 3);
        return 3;
    }
    *to = (char)byte;
    return 1;
}

static enum url_path_result decode_path(str raw, struct arena *arena, str *out)
{
    char *decoded = arena_alloc(arena, raw.len);
    if (!decoded)
        return URL_PATH_NO_MEMORY;
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.ptr[i] != '%') {
            decoded[len++] = raw.ptr[i];
            continue;
        }
        size_t written = decode_escape(raw, i, decoded + len);
        if (!written)
            return URL_PATH_BAD;
        len += written;
        i += 2;
    }
    *out = str_make(decoded, len);
    return utf8_valid(*out) ? URL_PATH_OK : URL_PATH_BAD;
}

enum url_path_result url_path_normalise(str raw, struct arena *arena, str *out)
{
    if (!str_starts(raw, STR("/")))
        return URL_PATH_BAD;
    bool seen[PATH_ESCAPE + 1] = {false};
    for (size_t i = 0; i < raw.len; i++)
        seen[path_bytes[(unsigned char)raw.ptr[i]]] = true;
    if (seen[PATH_BAD])
        return URL_PATH_BAD;
    *out = raw;
    if (seen[PATH_ESCAPE]) {
        enum url_path_result result = decode_path(raw, arena, out);
        if (result != URL_PATH_OK)
            return result;
    } else if (!seen[PATH_DOT]) {
        return URL_PATH_OK;
    }
    return has_dot_segment(*out) ? URL_PATH_BAD : URL_PATH_OK;
}

str url_path_id(str piece, struct arena *arena)
{
    str id;
    return url_decode(piece, false, arena, &id) ? id : STR_NULL;
}

/* ---- Percent-encoding and queries ---- */

static bool is_kept(unsigned char c, enum url_keep keep)
{
    if (is_unreserved(c))
        return true;
    if (keep == URL_KEEP_NONE || c == '\0')
        return false;
    return c == '/' || (keep == URL_KEEP_PATH && strchr(":@!$&'()*+,;=", c));
}

void url_encode(struct buf *out, str text, enum url_keep keep)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (is_kept(c, keep)) {
            buf_add_byte(out, (char)c);
        } else {
            char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
            buf_add(out, escape, sizeof(escape));
        }
    }
}

bool url_decode(str text, bool plus, struct arena *arena, str *out)
{
    if (str_find_byte(text, '%') < 0 && (!plus || str_find_byte(text, '+') < 0)) {
        *out = text;
        return true;
    }
    char *decoded = arena_alloc(arena, text.len);
    size_t len = 0;
    for (size_t i = 0; decoded && i < text.len; i++) {
        int byte = (unsigned char)text.ptr[i];
        if (byte == '%') {
            byte = escape_value(text, i);
            if (byte < 0)
                return false;
            i += 2;
        } else if (byte == '+' && plus) {
            byte = ' ';
        }
        decoded[len++] = (char)byte;
    }
    *out = str_make(decoded, len);
    return true;
}

bool url_query_next(str *query, str *name, str *value)
{
    while (!str_is_null(*query)) {
        str piece = str_split(query, '&');
        if (piece.len == 0)
            continue;
        *name = str_split(&piece, '=');
        *value = piece;
        return true;
    }
    return false;
}

str url_query_get(str query, str name, struct arena *arena)
{
    str raw_name, raw_value, decoded;
    while (url_query_next(&query, &raw_name, &raw_value)) {
        if (!url_decode(raw_name, true, arena, &decoded) || !str_eq(decoded, name))
            continue;
        return url_decode(raw_value, true, arena, &decoded) ? decoded : STR_NULL;
    }
    return STR_NULL;
}
