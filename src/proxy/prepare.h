/*
 * What an attempt waits for before it can be sent: images that its target wants as bytes (proxy/fetch.h),
 * an access token (proxy/tokens.h), in this order.
 */
#ifndef PROXY_PREPARE_H
#define PROXY_PREPARE_H

#include "proxy/attempt.h"

enum prepare_state { PREPARE_READY, PREPARE_WAIT, PREPARE_FAILED };

/* Why it failed: FIELD_INVALID with the client's field, UPSTREAM_AUTH, NO_MEMORY. */
struct prepare_fault {
    enum err err;
    str field, text;
};

/* WAIT: attempt_prepared() will be called, and then this again; never inside. */
enum prepare_state prepare_attempt(struct attempt *a, struct prepare_fault *fault);

/* Ends what it waits for, in any state. */
void prepare_release(struct attempt *a);

/* When it must be over, on the loop's clock: UINT64_MAX while it waits for nothing that takes a timeout
 * of ours (what is fetched has its own). */
uint64_t prepare_due_us(const struct attempt *a);

/* The credential to send, where the target's provider wants one; NULL: none any more. */
const struct credential *prepare_credential(const struct attempt *a);

/* The provider refused it.  True: another one may serve. */
bool prepare_refused(const struct attempt *a);

#endif
