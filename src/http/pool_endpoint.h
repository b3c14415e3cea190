/* An endpoint of one's own: pools outlive the configuration that they were made from. */
#ifndef HTTP_POOL_ENDPOINT_H
#define HTTP_POOL_ENDPOINT_H

#include "http/call.h"

/* Copies the text and takes a reference on the TLS context.  False: out of memory, *to is zeroed. */
bool endpoint_copy(struct endpoint *to, const struct endpoint *from) must_check;

/* What may differ under the same key: limits, timeouts, the TLS context object. */
void endpoint_update(struct endpoint *to, const struct endpoint *from);

void endpoint_release(struct endpoint *e);

#endif
