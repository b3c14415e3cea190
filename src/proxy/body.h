/*
 * The client's body on its way: gathered whole (JSON), as a beginning (forms), or streamed to the
 * attempt as it comes (the rest of forms, everything raw).  One file, one owner of r->body*.
 */
#ifndef PROXY_BODY_H
#define PROXY_BODY_H

#include "proxy/request.h"

/* From the exchange; arg is the request. */
void body_on_data(void *arg, struct slice bytes);
void body_on_end(void *arg);

/* Lets the body come in and remembers that a stage waits for it. */
void body_gather(struct request *r);

/* What was gathered, contiguous. */
str body_gathered(const struct request *r);

/* Lets the rest flow to the attempt (more is false: pauses). */
void body_flow(struct request *r, bool more);

/* Nothing can be tried again: the memory may go. */
void body_release(struct request *r);

#endif
