#include "io/tcp.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* The same bytes as the IPv4 view that sockaddr_storage holds. */
static struct sockaddr_in *in4(const struct address *a)
{
    return (struct sockaddr_in *)&a->storage;
}

static bool is_mapped(const struct address *a)
{
    return a->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->storage_in6.sin6_addr);
}

static enum err parse_unix(struct address *a, str path)
{
    size_t room = sizeof(a->un.sun_path);
    if (path.len == 0 || path.len >= room || memchr(path.ptr, 0, path.len))
        return ERR_CONFIG;
    a->un.sun_family = AF_UNIX;
    memcpy(a->un.sun_path, path.ptr, path.len);
    a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
    if (path.ptr[0] == '@') { /* abstract: a leading NUL, and the length ends it */
        a->un.sun_path[0] = 0;
        a->len--;
    }
    return ERR_NONE;
}

bool address_from_ip(struct address *a, str ip, uint16_t port)
{
    char text[INET6_ADDRSTRLEN];
    *a = (struct address){0};
    if (ip.len == 0 || ip.len >= sizeof(text))
        return false;
    memcpy(text, ip.ptr, ip.len);
    text[ip.len] = 0;
    if (inet_pton(AF_INET, text, &in4(a)->sin_addr) == 1) {
        in4(a)->sin_family = AF_INET;
        in4(a)->sin_port = htons(port);
        a->len = sizeof(struct sockaddr_in);
        return true;
    }
    if (inet_pton(AF_INET6, text, &a->storage_in6.sin6_addr) == 1) {
        a->storage_in6.sin6_family = AF_INET6;
        a->storage_in6.sin6_port = htons(port);
        a->len = sizeof(struct sockaddr_in6);
        return true;
    }
    return false;
}

enum err address_parse(struct address *a, str text)
{
    *a = (struct address){0};
    if (str_starts(text, STR("unix:")))
        return parse_unix(a, str_from(text, 5));

    size_t colon = text.len;
    while (colon && text.ptr[colon - 1] != ':')
        colon--;
    uint64_t port;
    if (colon == 0 || !str_to_u64(str_from(text, colon), &port) || port > UINT16_MAX)
        return ERR_CONFIG;
    str host = str_first(text, colon - 1);
    bool bracketed = host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (bracketed)
        host = str_make(host.ptr + 1, host.len - 2);
    else if (host.len == 0)
        host = STR("::");
    else if (str_find_byte(host, ':') >= 0) /* "::1:80" could mean two things */
        return ERR_CONFIG;
    if (!address_from_ip(a, host, (uint16_t)port))
        return ERR_CONFIG;
    return bracketed && a->any.sa_family != AF_INET6 ? ERR_CONFIG : ERR_NONE;
}

str address_ip_text(const struct address *a, char out[64])
{
    const char *text = NULL;
    if (a->any.sa_family == AF_UNIX)
        return str_from_c(strcpy(out, "unix"));
    if (is_mapped(a))
        text = inet_ntop(AF_INET, &a->storage_in6.sin6_addr.s6_addr[12], out, 64);
    else if (a->any.sa_family == AF_INET6)
        text = inet_ntop(AF_INET6, &a->storage_in6.sin6_addr, out, 64);
    else if (a->any.sa_family == AF_INET)
        text = inet_ntop(AF_INET, &in4(a)->sin_addr, out, 64);
    return str_from_c(text ? text : strcpy(out, "unknown"));
}

uint16_t address_port(const struct address *a)
{
    if (a->any.sa_family == AF_INET)
        return ntohs(in4(a)->sin_port);
    return a->any.sa_family == AF_INET6 ? ntohs(a->storage_in6.sin6_port) : 0;
}

void address_set_port(struct address *a, uint16_t port)
{
    if (a->any.sa_family == AF_INET)
        in4(a)->sin_port = htons(port);
    else if (a->any.sa_family == AF_INET6)
        a->storage_in6.sin6_port = htons(port);
}

bool address_is_loopback(const struct address *a)
{
    if (a->any.sa_family == AF_UNIX)
        return true;
    if (a->any.sa_family == AF_INET)
        return ntohl(in4(a)->sin_addr.s_addr) >> 24 == 127;
    if (is_mapped(a))
        return a->storage_in6.sin6_addr.s6_addr[12] == 127;
    return a->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->storage_in6.sin6_addr);
}
