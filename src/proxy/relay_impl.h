/*
 * The relay's inside, for relay*.c: relay.c sends and dispatches, relay_fields.c chooses fields,
 * relay_events.c watches streams, relay_buffered.c answers that are not streams, and errors.
 */
#ifndef PROXY_RELAY_IMPL_H
#define PROXY_RELAY_IMPL_H

#include "llm/dialect.h"
#include "proxy/attempt.h"
#include "proxy/relay.h"
#include "proxy/relay_translated.h"
#include "wire/json_scan.h"

enum relay_mode { RELAY_ERROR, RELAY_HOLD, RELAY_PASS, RELAY_EVENTS, RELAY_TRANSLATE };

struct relay {
    enum relay_mode mode;
    const struct dialect *dialect;
    int status;
    int64_t content_length; /* the provider's */
    bool no_body, encoded;
    str content_type, retry_after;
    str error_name;        /* of an error answer, from the provider's own field; null: none */
    struct header *fields; /* what goes to the client, copied */
    unsigned field_count;
    struct chain out;         /* held back, or not yet sent */
    struct sse_reader reader; /* EVENTS */
    bool reading_events;
    struct json_scan *scan;                /* PASS of JSON */
    bool content;                          /* EVENTS: the first was seen; HOLD, PASS: bytes came */
    bool complete;                         /* EVENTS: the terminal event was seen */
    bool may_end;                          /* EVENTS: complete, but more may follow */
    bool paused;                           /* the provider is not read, for the client is slow */
    struct relay_translation *translation; /* TRANSLATE */
    struct deferred last; /* EVENTS: sends the terminal event, if the framing's end does not come
                               in the same turn */
};

/* --- relay.c */

/* Gives the client all that waits in `out`, before it the head if that was not sent. */
void relay_flush(struct request *r, struct response_head *head, bool end);

/* The first content: the point of no return.  content_length: of the answer, -1: unknown.  False: the
 * request has ended for want of memory. */
bool relay_begin_answer(struct request *r, int64_t content_length, bool end);

/* The answer was sent to its end: the connection goes back, the request is over. */
void relay_finish_well(struct request *r);

/* Usage, finish reason and id, into the record. */
void relay_note_facts(struct request *r, const struct event_facts *facts);

/* --- relay_fields.c */

/* Keeps what the client gets of the provider's head.  False: out of memory. */
bool relay_copy_fields(struct request *r, struct relay *y, const struct response_head *head);
bool relay_type_is(str content_type, str type);

/* --- relay_events.c */

/* A block between events that is JSON by itself, where the format has that (an error of Gemini's). */
bool relay_bare_json(const struct dialect *d, const struct sse_event *ev, str *json);
void relay_events_body(struct request *r, struct slice run);
void relay_events_end(struct request *r);
void relay_send_last(void *request); /* the deferred of `last` */

/* An error object inside a 200: what would it have been as a status?  And keeping it as the answer. */
enum err relay_event_err(str error);
void relay_keep_error(struct request *r, enum err err, str error);

/* --- relay_translated.c */

bool relay_translated_begin(struct request *r, struct relay *y);
void relay_translated_release(struct relay_translation *t);
/* The head of one of the attempt's calls. */
bool relay_translated_part(struct request *r, unsigned part, const struct response_head *head);
void relay_translated_body(struct request *r, unsigned part, struct slice run);
void relay_translated_end(struct request *r, unsigned part);
bool relay_translated_end_complete(struct request *r);
/* Keeps a provider's error that was read already as the answer for when nothing does better. */
void relay_keep_fault(struct request *r, int status, const struct provider_fault *fault);

/* --- relay_buffered.c */

void relay_hold_body(struct request *r, struct slice run);
void relay_hold_end(struct request *r);
void relay_pass_body(struct request *r, struct slice run);
void relay_pass_end(struct request *r);
void relay_error_body(struct request *r, struct slice run);
void relay_error_end(struct request *r);

#endif
