/*
 * Which addresses the gateway may ask for a client: a client names images by address, and must not reach
 * with our hands what it cannot reach itself.  The decision is made on the address that is connected to,
 * after names were resolved, never on names.
 *
 * Allowed are addresses that are routed in public and mean themselves.  Not: loopback, private, shared
 * and link-local ones, multicast, reserved and documentation, this network, broadcast; the metadata
 * services of clouds; and IPv6 forms that carry an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo),
 * whatever they carry.
 */
#ifndef POLICY_ADDRESS_CHECK_H
#define POLICY_ADDRESS_CHECK_H

#include <stdint.h>

/* NULL: it may be asked; else what it is, in words ("private"). */
const char *address_refused_v4(const uint8_t ip[4]);
const char *address_refused_v6(const uint8_t ip[16]);

#endif
