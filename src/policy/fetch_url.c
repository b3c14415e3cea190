#include "policy/fetch_url.h"

#include "base/buf.h"
#include "wire/url.h"

enum { URL_MAX = 8192, HOST_MAX = 253, LABEL_MAX = 63 };

static const char no_memory[] = "out of memory";
static const char bad_host[] = "has no plain host";

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* --- Hosts ---------------------------------------------------------------------------------- */

/* "0" … "255", as one would write it. */
static bool is_octet(str s)
{
    uint64_t n;
    return s.len >= 1 && s.len <= 3 && (s.len == 1 || s.ptr[0] != '0') && str_to_u64(s, &n) &&
           n <= 255;
}

static bool is_plain_ipv4(str host)
{
    for (unsigned i = 0; i < 4; i++)
        if (!is_octet(str_split(&host, '.')) || (i < 3) == str_is_null(host))
            return false;
    return true;
}

static bool is_label(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_letter(s.ptr[i]) && !is_digit(s.ptr[i]) && s.ptr[i] != '-' && s.ptr[i] != '_')
            return false;
    return s.len >= 1 && s.len <= LABEL_MAX && s.ptr[0] != '-' && s.ptr[s.len - 1] != '-';
}

/* What resolvers take for a number: 127, 0x7f, 0177. */
static bool is_number(str s)
{
    if (s.len >= 2 && s.ptr[0] == '0' && (s.ptr[1] | 0x20) == 'x')
        return true;
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit(s.ptr[i]))
            return false;
    return true;
}

/* A name of DNS whose last label is no number, so that nobody reads an IPv4 address. */
static bool is_name(str host)
{
    str last = STR_NULL;
    if (host.len > HOST_MAX)
        return false;
    if (str_ends(host, STR(".")))
        host.len--;
    do {
        last = str_split(&host, '.');
        if (!is_label(last))
            return false;
    } while (!str_is_null(host));
    return !is_number(last);
}

/* Hexadecimal digits and colons; url_authority_check() sees whether they are well-formed.  No zones, no
 * dots. */
static bool is_plain_ipv6(str host)
{
    for (size_t i = 0; i < host.len; i++)
        if (!is_digit(host.ptr[i]) && host.ptr[i] != ':' &&
            !((host.ptr[i] | 0x20) >= 'a' && (host.ptr[i] | 0x20) <= 'f'))
            return false;
    return host.len >= 2 && host.len <= 39 && str_find_byte(host, ':') >= 0;
}

/* --- Parts ---------------------------------------------------------------------------------- */

static bool read_port(str text, uint16_t *port)
{
    uint64_t n;
    if (str_is_null(text))
        return true;
    if (!str_to_u64(text, &n) || text.len > 5 || n == 0 || n > 65535)
        return false;
    *port = (uint16_t)n;
    return true;
}

static bool read_authority(str text, struct fetch_url *out)
{
    str host = text, port = STR_NULL;
    out->port = 443;
    if (str_starts(text, STR("["))) {
        ptrdiff_t end = str_find_byte(text, ']');
        if (end < 0)
            return false;
        host = str_make(text.ptr + 1, (size_t)end - 1);
        str rest = str_from(text, (size_t)end + 1);
        if (rest.len && rest.ptr[0] != ':')
            return false;
        port = rest.len ? str_from(rest, 1) : STR_NULL;
        out->is_ipv6 = is_plain_ipv6(host);
    } else {
        port = host;
        host = str_split(&port, ':');
        out->is_ipv4 = is_plain_ipv4(host);
    }
    out->host = host;
    bool plain = out->is_ipv4 || out->is_ipv6 || (!str_starts(text, STR("[")) && is_name(host));
    return plain && read_port(port, &out->port);
}

/* Path and query, from the first '/' or '?' on, without a fragment. */
static str encoded_target(str text, struct arena *a)
{
    static const char hex[] = "0123456789ABCDEF";
    struct buf out;
    ptrdiff_t fragment = str_find_byte(text, '#');
    if (fragment >= 0)
        text = str_first(text, (size_t)fragment);
    buf_init(&out, 4 * URL_MAX);
    if (!str_starts(text, STR("/")))
        buf_add_byte(&out, '/');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c > ' ' && c < 0x7f && !strchr("\"<>\\^`{|}", c)) {
            buf_add_byte(&out, (char)c);
        } else {
            char escape[3] = {'%', hex[c >> 4], hex[c & 15]};
            buf_add(&out, escape, sizeof(escape));
        }
    }
    str target = out.failed ? STR_NULL : arena_str(a, buf_str(&out));
    buf_release(&out);
    return target;
}

static bool lower_host(struct fetch_url *u, struct arena *a)
{
    char *text = arena_alloc(a, u->host.len + 1);
    if (!text)
        return false;
    for (size_t i = 0; i < u->host.len; i++)
        text[i] = is_letter(u->host.ptr[i]) ? (char)(u->host.ptr[i] | 0x20) : u->host.ptr[i];
    text[u->host.len] = '\0';
    u->host = str_make(text, u->host.len);
    const char *open = u->is_ipv6 ? "[" : "", *close = u->is_ipv6 ? "]" : "";
    u->authority = u->port == 443
                       ? arena_printf(a, "%s%s%s", open, text, close)
                       : arena_printf(a, "%s%s%s:%u", open, text, close, (unsigned)u->port);
    return !str_is_null(u->authority);
}

const char *fetch_url_parse(str text, struct arena *a, struct fetch_url *out)
{
    size_t end = 0;
    *out = (struct fetch_url){0};
    if (text.len > URL_MAX)
        return "is too long";
    if (!str_istarts(text, STR("https://")))
        return "must begin with https://";
    str rest = str_from(text, strlen("https://"));
    while (end < rest.len && !strchr("/?#\\", rest.ptr[end]))
        end++;
    /* Browsers take a '\\' for '/', others for a part of the host; for some a NUL ends all. */
    if (end < rest.len && (rest.ptr[end] == '\\' || rest.ptr[end] == '\0'))
        return bad_host;
    if (!read_authority(str_first(rest, end), out))
        return bad_host;
    out->target = encoded_target(str_from(rest, end), a);
    if (str_is_null(out->target) || !lower_host(out, a))
        return no_memory;
    return url_authority_check(out->authority) ? NULL : bad_host;
}

/* --- Redirects ------------------------------------------------------------------------------ */

/* "scheme:…" */
static bool is_absolute(str location)
{
    size_t i = 0;
    while (i < location.len && (is_letter(location.ptr[i]) || is_digit(location.ptr[i]) ||
                                strchr("+-.", location.ptr[i])))
        i++;
    return i > 0 && i < location.len && location.ptr[i] == ':' && is_letter(location.ptr[0]);
}

/* The path up to its last '/', or the path, without its query. */
static str base_path(str target, bool folder)
{
    str path = str_split(&target, '?');
    while (folder && path.len && path.ptr[path.len - 1] != '/')
        path.len--;
    return path;
}

const char *fetch_url_redirect(const struct fetch_url *base, str location, struct arena *a,
                               struct fetch_url *out)
{
    str whole;
    location = str_trim(location);
    if (location.len == 0)
        return "leads nowhere";
    if (is_absolute(location))
        whole = location;
    else if (str_starts(location, STR("//")))
        whole = arena_printf(a, "https:%.*s", STR_ARG(location));
    else if (location.ptr[0] == '/')
        whole = arena_printf(a, "https://%.*s%.*s", STR_ARG(base->authority), STR_ARG(location));
    else
        whole = arena_printf(a, "https://%.*s%.*s%.*s", STR_ARG(base->authority),
                             STR_ARG(base_path(base->target, !strchr("?#", location.ptr[0]))),
                             STR_ARG(location));
    return str_is_null(whole) ? no_memory : fetch_url_parse(whole, a, out);
}
