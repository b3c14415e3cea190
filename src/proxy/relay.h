/*
 * The provider's answer on its way to the client: held back until it is known to be good, then passed
 * on as it comes.
 *
 *   ERROR   not a 2xx: the body is read (bounded) and the attempt fails
 *   HOLD    a buffered answer: kept until complete, or RELAY_HOLD_MAX, so that a truncated one is
 *           still a proper error
 *   PASS    bytes through, the end as framed
 *   EVENTS  whole events through; held until the first content; the dialect knows the end
 *
 * After content nothing is retried: relay_fail() makes the failure visible.
 */
#ifndef PROXY_RELAY_H
#define PROXY_RELAY_H

#include "proxy/request.h"

enum { RELAY_HOLD_MAX = 64 * 1024, RELAY_ERROR_MAX = 64 * 1024 };

/* early_headers: 200 and event-stream at once. */
void relay_early_head(struct request *r);

/* From the call of the current attempt. */
void relay_on_head(struct request *r, const struct response_head *head);
void relay_on_body(struct request *r, struct slice bytes);
void relay_on_end(struct request *r);

/* From the further calls of an attempt that has several (proxy/fan.h), part 1 and up.  An error's head
 * fails the attempt at once; its body is not waited for. */
void relay_on_part_head(struct request *r, unsigned part, const struct response_head *head);
void relay_on_part_body(struct request *r, unsigned part, struct slice bytes);
void relay_on_part_end(struct request *r, unsigned part);

/* The head is out: tell the client by the means that are left, and finish. */
void relay_fail(struct request *r, enum err err, str message);

void relay_on_client_drain(struct request *r);

/* The client has left, but the answer is to be taken to its end. */
void relay_without_client(struct request *r);

/* When the client should hear or be given up next (loop time; UINT64_MAX: never), and doing it. */
uint64_t relay_due_us(const struct request *r);
void relay_on_due(struct request *r);

/* Whether reading is paused because the client is slow. */
bool relay_is_paused(const struct request *r);

/* Whether the first byte (of events: content) has come. */
bool relay_has_begun(const struct request *r);

/* The terminal event has come; only the end of the framing is missing. */
bool relay_is_complete(const struct request *r);

/* Then: the answer ends well whatever has happened to the provider or the clock, and true; the request
 * is over.  False: it has not come. */
bool relay_end_complete(struct request *r);
/* The same when the provider fails: then an answer that was complete, though more might have followed,
 * is enough. */
bool relay_end_enough(struct request *r);

/* Forgets the current attempt's answer. */
void relay_release(struct request *r);

#endif
