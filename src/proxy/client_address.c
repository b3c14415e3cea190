#include "proxy/client_address.h"

#include <arpa/inet.h>

/* IPv4 becomes v4-mapped, as in network_conf.  False: not an IP. */
static bool ip_bytes(str text, uint8_t out[16])
{
    char c[INET6_ADDRSTRLEN];
    struct in_addr v4;
    if (text.len == 0 || text.len >= sizeof(c))
        return false;
    memcpy(c, text.ptr, text.len);
    c[text.len] = '\0';
    if (inet_pton(AF_INET, c, &v4) == 1) {
        memset(out, 0, 10);
        memset(out + 10, 0xff, 2);
        memcpy(out + 12, &v4, 4);
        return true;
    }
    return inet_pton(AF_INET6, c, out) == 1;
}

static bool matches(const struct network_conf *n, const uint8_t ip[16])
{
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    if (memcmp(n->address, ip, whole) != 0)
        return false;
    unsigned mask = rest ? (0xffu << (8 - rest)) & 0xffu : 0;
    return !rest || ((n->address[whole] ^ ip[whole]) & mask) == 0;
}

bool network_contains(const struct network_conf *networks, unsigned count, str ip)
{
    uint8_t bytes[16];
    if (!ip_bytes(ip, bytes))
        return false;
    for (unsigned i = 0; i < count; i++)
        if (matches(&networks[i], bytes))
            return true;
    return false;
}

/* The last entry of a comma list, taken off. */
static str last_entry(str *list)
{
    size_t at = list->len;
    while (at && list->ptr[at - 1] != ',')
        at--;
    str entry = str_trim(str_from(*list, at));
    list->len = at ? at - 1 : 0;
    return entry;
}

bool client_address_take(struct request *r)
{
    const struct gateway_conf *conf = r->conf;
    char text[64];
    str ip = address_ip_text(r->ex->peer, text);
    if (conf->trusted_proxy_count) {
        str list = head_known(&r->ex->head->headers, HEADER_X_FORWARDED_FOR);
        while (list.len &&
               network_contains(conf->trusted_proxies, conf->trusted_proxy_count, ip)) {
            uint8_t bytes[16];
            str before = last_entry(&list);
            if (!ip_bytes(before, bytes))
                break; /* what an honest proxy would not write ends the chain */
            ip = before;
        }
    }
    r->rec.client_ip = arena_str(r->arena, ip);
    return !str_is_null(r->rec.client_ip);
}
