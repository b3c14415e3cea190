#include "policy/address_check.h"

#include <arpa/inet.h>

#include "support/test.h"

static const char *refused(const char *text)
{
    uint8_t ip[16];
    if (inet_pton(AF_INET, text, ip) == 1)
        return address_refused_v4(ip);
    if (inet_pton(AF_INET6, text, ip) != 1)
        EXPECT_FAIL("%s is no address", text);
    return address_refused_v6(ip);
}

static const struct {
    const char *ip, *what;
} rows[] = {
    {"0.0.0.0", "unspecified"},
    {"0.1.2.3", "unspecified"},
    {"10.0.0.1", "private"},
    {"10.255.255.255", "private"},
    {"100.64.0.1", "shared by a carrier"},
    {"100.100.100.200", "shared by a carrier"}, /* a cloud's metadata service */
    {"100.127.255.255", "shared by a carrier"},
    {"127.0.0.1", "loopback"},
    {"127.1.2.3", "loopback"},
    {"127.255.255.255", "loopback"},
    {"168.63.129.16", "a cloud's own service"},
    {"169.254.0.1", "link-local"},
    {"169.254.169.254", "link-local"},
    {"169.254.170.2", "link-local"},
    {"172.16.0.1", "private"},
    {"172.31.255.255", "private"},
    {"192.0.0.1", "reserved"},
    {"192.0.0.192", "reserved"}, /* another cloud's */
    {"192.0.2.1", "for documentation"},
    {"192.88.99.1", "a relay of 6to4"},
    {"192.168.0.1", "private"},
    {"192.168.255.255", "private"},
    {"198.18.0.1", "for measurements"},
    {"198.19.255.255", "for measurements"},
    {"198.51.100.7", "for documentation"},
    {"203.0.113.9", "for documentation"},
    {"224.0.0.1", "multicast"},
    {"239.255.255.255", "multicast"},
    {"240.0.0.1", "reserved"},
    {"255.255.255.255", "reserved"},
    {"::", "unspecified"},
    {"::1", "loopback"},
    {"::ffff:127.0.0.1", "an IPv4 address in disguise"},
    {"::ffff:8.8.8.8", "an IPv4 address in disguise"},
    {"::127.0.0.1", "an IPv4 address in disguise"},
    {"::8.8.8.8", "an IPv4 address in disguise"},
    {"::ffff:0:127.0.0.1", "reserved"},
    {"64:ff9b::7f00:1", "NAT64"},
    {"64:ff9b::a9fe:a9fe", "NAT64"},
    {"64:ff9b:1::7f00:1", "NAT64"},
    {"100::1", "reserved"},
    {"2001::1", "Teredo"},
    {"2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"},
    {"2001:2::1", "reserved"},
    {"2001:10::1", "reserved"},
    {"2001:20::1", "reserved"},
    {"2001:1ff::1", "reserved"},
    {"2001:db8::1", "for documentation"},
    {"2002:7f00:1::", "6to4"},
    {"2002:a9fe:a9fe::1", "6to4"},
    {"2620:4f:8000::1", "reserved"},
    {"3fff::1", "for documentation"},
    {"3fff:fff::1", "for documentation"},
    {"4000::1", "reserved"},
    {"5f00::1", "reserved"},
    {"fc00::1", "private"},
    {"fd00:ec2::254", "private"},
    {"fdff::1", "private"},
    {"fe80::1", "link-local"},
    {"febf::1", "link-local"},
    {"fec0::1", "site-local"},
    {"feff::1", "site-local"},
    {"ff02::1", "multicast"},
    {"1.1.1.1", NULL},
    {"8.8.8.8", NULL},
    {"9.255.255.255", NULL},
    {"11.0.0.0", NULL},
    {"100.63.255.255", NULL},
    {"100.128.0.0", NULL},
    {"126.255.255.255", NULL},
    {"128.0.0.0", NULL},
    {"169.253.255.255", NULL},
    {"169.255.0.0", NULL},
    {"172.15.255.255", NULL},
    {"172.32.0.0", NULL},
    {"192.0.1.1", NULL},
    {"192.167.255.255", NULL},
    {"192.169.0.0", NULL},
    {"198.17.255.255", NULL},
    {"198.20.0.0", NULL},
    {"223.255.255.255", NULL},
    {"2001:200::1", NULL},
    {"2001:4860:4860::8888", NULL},
    {"2001:db9::1", NULL},
    {"2003::1", NULL},
    {"2606:4700:4700::1111", NULL},
    {"2a00:1450:4001::1", NULL},
    {"3ffe::1", NULL},
};

TEST(only_public_addresses_may_be_asked)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *what = refused(rows[i].ip);
        if ((what == NULL) != (rows[i].what == NULL))
            EXPECT_FAIL("%s is %s", rows[i].ip, what ? what : "allowed");
        EXPECT_STR(what, rows[i].what);
    }
}
