/* Counting tokens for targets whose providers do not count them: an estimate of the gateway's. */
#ifndef PROXY_COUNT_TOKENS_H
#define PROXY_COUNT_TOKENS_H

#include "proxy/stage.h"

/* Whether the endpoint is one that counts, in a format whose conversations are read. */
bool count_tokens_is(const struct request *r);

/* Answers in the client's format; x-gateway-unsupported says that it is an estimate. */
enum stage_verdict count_tokens_answer(struct request *r);

#endif
