/*
 * Addresses of images as clients write them, and as servers redirect them.  Stricter than url_parse(),
 * which reads the operator's: https only; one spelling of a host (a name of DNS, IPv4 as four plain
 * decimal numbers, IPv6 in brackets), for what one reader takes for a name another takes for
 * 127.0.0.1; no user.
 */
#ifndef POLICY_FETCH_URL_H
#define POLICY_FETCH_URL_H

#include "base/arena.h"
#include "base/str.h"

struct fetch_url {
    str host; /* without brackets, lower case */
    uint16_t port;
    bool is_ipv4, is_ipv6; /* the host is an IP */
    str authority;         /* for the Host field: port only when it is not 443 */
    str target;            /* path and query; bytes that a URI may not hold are encoded */
};

/* NULL: well, *out lives in the arena; else what is wrong, static. */
const char *fetch_url_parse(str text, struct arena *a, struct fetch_url *out) must_check;

/* What `location` means at `base` (RFC 3986 section 5.2; dot segments stay), parsed.  The same result. */
const char *fetch_url_redirect(const struct fetch_url *base, str location, struct arena *a,
                               struct fetch_url *out) must_check;

#endif
