/* Who the client is: the peer's address, or what trusted proxies in front say it is. */
#ifndef PROXY_CLIENT_ADDRESS_H
#define PROXY_CLIENT_ADDRESS_H

#include "proxy/request.h"

/* Sets rec.client_ip.  X-Forwarded-For is believed from its right end on, as long as the hop that
 * wrote an entry is in server.trusted_proxies.  False: out of memory. */
bool client_address_take(struct request *r);

/* Whether the IP in text lies in one of the networks; unreadable text does not. */
bool network_contains(const struct network_conf *networks, unsigned count, str ip);

#endif
