#include "policy/address_check.h"

#include <stddef.h>

struct range {
    uint8_t prefix[16];
    uint8_t bits;
    const char *what;
};

/* IANA's special-purpose registry (RFC 6890), and addresses in public ranges that are not public. */
static const struct range ranges_v4[] = {
    {{0}, 8, "unspecified"},
    {{10}, 8, "private"},
    {{100, 64}, 10, "shared by a carrier"},
    {{127}, 8, "loopback"},
    {{168, 63, 129, 16}, 32, "a cloud's own service"}, /* Azure's, from every machine in it */
    {{169, 254}, 16, "link-local"},                    /* and most clouds' metadata services */
    {{172, 16}, 12, "private"},
    {{192, 0, 0}, 24, "reserved"},
    {{192, 0, 2}, 24, "for documentation"},
    {{192, 31, 196}, 24, "reserved"},
    {{192, 52, 193}, 24, "reserved"},
    {{192, 88, 99}, 24, "a relay of 6to4"},
    {{192, 168}, 16, "private"},
    {{192, 175, 48}, 24, "reserved"},
    {{198, 18}, 15, "for measurements"},
    {{198, 51, 100}, 24, "for documentation"},
    {{203, 0, 113}, 24, "for documentation"},
    {{224}, 4, "multicast"},
    {{240}, 4, "reserved"},
};

/* Within 2000::/3, all that is routed in public. */
static const struct range ranges_v6[] = {
    {{0x20, 0x01, 0x00, 0x00}, 32, "Teredo"},
    {{0x20, 0x01}, 23, "reserved"},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "for documentation"},
    {{0x20, 0x02}, 16, "6to4"},
    {{0x26, 0x20, 0x00, 0x4f, 0x80}, 48, "reserved"},
    {{0x3f, 0xff}, 20, "for documentation"},
};

/* Outside of it: what they are called. */
static const struct range names_v6[] = {
    {{0}, 128, "unspecified"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, "loopback"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, "an IPv4 address in disguise"},
    {{0}, 96, "an IPv4 address in disguise"},
    {{0x00, 0x64, 0xff, 0x9b}, 32, "NAT64"},
    {{0xfe, 0x80}, 10, "link-local"},
    {{0xfe, 0xc0}, 10, "site-local"},
    {{0xfc}, 7, "private"},
    {{0xff}, 8, "multicast"},
};

static int is_in(const struct range *r, const uint8_t *ip)
{
    unsigned whole = r->bits / 8, rest = r->bits % 8;
    for (unsigned i = 0; i < whole; i++)
        if (ip[i] != r->prefix[i])
            return 0;
    return !rest || !((ip[whole] ^ r->prefix[whole]) >> (8 - rest));
}

static const char *find(const struct range *ranges, size_t count, const uint8_t *ip)
{
    for (size_t i = 0; i < count; i++)
        if (is_in(&ranges[i], ip))
            return ranges[i].what;
    return NULL;
}

const char *address_refused_v4(const uint8_t ip[4])
{
    return find(ranges_v4, sizeof(ranges_v4) / sizeof(ranges_v4[0]), ip);
}

const char *address_refused_v6(const uint8_t ip[16])
{
    if (ip[0] >> 5 == 1) /* 2000::/3 */
        return find(ranges_v6, sizeof(ranges_v6) / sizeof(ranges_v6[0]), ip);
    const char *what = find(names_v6, sizeof(names_v6) / sizeof(names_v6[0]), ip);
    return what ? what : "reserved";
}
