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

/* What proxies wrote, from the newest entry to the oldest: each appends to the field, or adds a field of
 * its own behind those that are there. */
struct hops {
    const struct headers *headers;
    unsigned at; /* fields before this one are still to come */
    str left;    /* of the current field */
};

static bool previous_field(struct hops *h)
{
    while (h->at) {
        const struct header *field = &h->headers->list[--h->at];
        if (field->id != HEADER_X_FORWARDED_FOR)
            continue;
        h->left = field->value;
        return true;
    }
    return false;
}

/* False: there is none before. */
static bool previous_hop(struct hops *h, str *entry)
{
    if (!h->left.len && !previous_field(h))
        return false;
    size_t at = h->left.len;
    while (at && h->left.ptr[at - 1] != ',')
        at--;
    *entry = str_trim(str_from(h->left, at));
    h->left.len = at ? at - 1 : 0;
    return true;
}

bool client_address_take(struct request *r)
{
    const struct gateway_conf *conf = r->conf;
    const struct headers *headers = &r->ex->head->headers;
    struct hops hops = {.headers = headers, .at = headers->count};
    char text[64];
    str before, ip = address_ip_text(r->ex->peer, text);
    while (network_contains(conf->trusted_proxies, conf->trusted_proxy_count, ip) &&
           previous_hop(&hops, &before)) {
        uint8_t bytes[16];
        if (!ip_bytes(before, bytes))
            break; /* what an honest proxy would not write ends the chain */
        ip = before;
    }
    r->rec.client_ip = arena_str(r->arena, ip);
    return !str_is_null(r->rec.client_ip);
}
