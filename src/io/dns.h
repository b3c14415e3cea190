/*
 * Names to addresses, asynchronously (c-ares), one resolver per loop.  Answers are kept for their
 * TTL (at least 5 s, at most 60 s) and refreshed behind when used past half of it; when refreshing
 * fails, the last good answer serves up to 10 minutes.  Numeric names answer without a query.
 */
#ifndef IO_DNS_H
#define IO_DNS_H

#include "base/str.h"
#include "io/tcp.h"

struct resolver;
struct dns_query;

enum { DNS_ADDRESSES_MAX = 16 };

struct resolver *resolver_new(struct loop *l); /* NULL: out of memory or c-ares failed */
void resolver_free(struct resolver *r);        /* pending queries end without callback */

/* Asks these instead of resolv.conf's: "127.0.0.1:5353,[::1]:53". */
enum err resolver_set_servers(struct resolver *r, const char *servers) must_check;

/* v6 and v4 interleaved (RFC 8305 §4), at most DNS_ADDRESSES_MAX; valid during the callback.
 * err ERR_UPSTREAM_DNS: n == 0. */
typedef void dns_fn(void *arg, const struct address *addresses, unsigned n, enum err err);

/* The fast way: a fresh answer out of the cache (or a numeric name), copied; number of addresses, or
 * 0: ask dns_resolve(). */
unsigned dns_cached(struct resolver *r, str host, uint16_t port,
                    struct address out[DNS_ADDRESSES_MAX]);

/* Answers within a second (a lookup that takes longer goes on for the cache), from the cache too, but
 * never inside the call.  NULL: out of memory. */
struct dns_query *dns_resolve(struct resolver *r, str host, uint16_t port, dns_fn *on_answer,
                              void *arg);
void dns_cancel(struct dns_query *q); /* before the callback: none will come */

#endif
