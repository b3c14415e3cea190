/* The question itself: c-ares on a loop (dns_ares.c), for the cache of answers (dns.c). */
#ifndef IO_DNS_IMPL_H
#define IO_DNS_IMPL_H

#include "io/dns.h"

struct dns_ares;

/* n == 0: the name does not resolve, or nobody answered.  The addresses have port 0; ttl_s is the
 * smallest of their lives.  May be called inside dns_ares_lookup() (hosts file). */
typedef void dns_found_fn(void *arg, const struct address *addresses, unsigned n, unsigned ttl_s);

/* NULL: out of memory or c-ares failed.  on_found is for all lookups. */
struct dns_ares *dns_ares_new(struct loop *l, dns_found_fn *on_found);
void dns_ares_free(struct dns_ares *a); /* lookups under way end without a call */

/* servers: "127.0.0.1:5353,[::1]:53".  False: it is no such list. */
bool dns_ares_set_servers(struct dns_ares *a, const char *servers) must_check;

/* on_found(arg, …) will be called once. */
void dns_ares_lookup(struct dns_ares *a, const char *name, void *arg);

#endif
