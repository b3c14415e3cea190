/* The x-gateway-* request fields: wishes for one call.  None of them goes upstream. */
#ifndef PROXY_GATEWAY_HEADERS_H
#define PROXY_GATEWAY_HEADERS_H

#include "proxy/request.h"

/* Reads them into the request; a bad or unknown one refuses it. */
enum stage_verdict gateway_headers_take(struct request *r);

#endif
