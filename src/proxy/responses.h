/*
 * State of the Responses API for providers that keep none (policy/response_store.h): conversations that go on
 * by `previous_response_id` and item references, answers that are kept, and GET, DELETE of kept ones.
 *
 * A conversation is expanded in the request's JSON, before anybody reads it: `input` begins with what was
 * said before.  So it does not matter which format the target speaks.
 */
#ifndef PROXY_RESPONSES_H
#define PROXY_RESPONSES_H

#include "proxy/stage.h"

struct responses_request { /* of a request whose answer may be kept */
    str input;             /* its own: JSON, a string or an array */
    str previous;          /* kept response that it goes on from; null: none */
};

/* For the answer to repeat what the request went on from, whose items are in the input by now.  False: no
 * memory. */
bool responses_note_previous(const struct request *r, struct chat *c);

/* The answer of the current attempt is complete: keeps it if it was asked to be.  Only of translated ones;
 * others are kept where they come from. */
void responses_keep(struct request *r);

/* GET, DELETE /v1/responses/{id} and what is below, when it is kept here. */
enum stage_verdict responses_answer_kept(struct request *r);
/* POST /v1/responses: expands what refers to kept responses. */
enum stage_verdict responses_continue(struct request *r);

#endif
