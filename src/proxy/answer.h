/*
 * Heads and bodies of what the gateway itself says: the fields that every answer carries, and errors
 * in the shape of the API that was asked.
 */
#ifndef PROXY_ANSWER_H
#define PROXY_ANSWER_H

#include "proxy/request.h"

/* A head with the gateway's own fields (x-request-id, x-gateway-*, server-timing, CORS), in the
 * arena.  NULL: out of memory. */
struct response_head *answer_head(struct request *r, int status);

/* False: out of memory. */
bool answer_add(struct request *r, struct response_head *head, str name, str value);

bool answer_add_known(struct request *r, struct response_head *head, enum header_name id,
                      str value);

/* {"error":{"message","type","param","code"}}; param may be null.  Appended to out. */
void answer_error_body(struct buf *out, enum err err, str message, str param);

/* The same in the shape of the API that the request asked. */
void answer_write_error(const struct request *r, struct buf *out, const struct client_error *e);

/* The status that goes with it there. */
int answer_status(const struct request *r, enum err err, int status);

/* Whether trying again later can help the client (x-should-retry). */
bool answer_worth_retrying(enum err err);

/* "openai: 503 in 0.2 s; azure-eu: connect timeout in 2.0 s": all attempts of the request. */
str answer_attempts_text(struct request *r);

#endif
