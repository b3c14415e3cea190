/*
 * What goes to the provider: its path, the fields on the allow-list, our credentials, and the body,
 * which is the client's own bytes but for the model's name and what the gateway must add.
 */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include "http/call.h"
#include "proxy/attempt.h"

/* Fills *out for the attempt's target, part 0 unless it has several (proxy/fan.h); everything in the arena or borrowed from the request's body.
 * False: out of memory. */
bool upstream_request(struct request *r, const struct attempt *a, unsigned part,
                      struct call_request *out);

/* Whether the request can be sent a second time: its body is whole in our hands. */
bool upstream_is_replayable(const struct request *r);

#endif
