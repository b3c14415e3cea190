/* Cross-origin requests from browsers (Fetch standard, "CORS protocol"), when server.cors allows them. */
#ifndef PROXY_CORS_H
#define PROXY_CORS_H

#include "proxy/request.h"

/* Adds the fields for the request's Origin, if it is allowed.  False: out of memory. */
bool cors_add_fields(struct request *r, struct response_head *head);

/* True: the request is a preflight that is allowed, and was answered. */
bool cors_answer_preflight(struct request *r);

#endif
