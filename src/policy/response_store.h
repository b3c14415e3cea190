/*
 * Responses that were answered with `store`, for providers that keep none: what GET /v1/responses/{id} shows,
 * and what `previous_response_id` goes on from.  Items are JSON that nobody looks into here.
 *
 * A response belongs to a scope (the client's key) and is found in it only.  It holds its own input and
 * names the response it went on from; a conversation is that chain.  The store is bounded by bytes: what was
 * not used for the longest time goes first, and using a response uses all that it stands on, so that an end
 * of a chain always goes before its beginning.  Deleting one that others stand on hides it.
 *
 * Threads: workers are several, and the next request of a conversation may come to any of them.  One lock,
 * held for look-ups and copies; nothing is pointed into from outside.  Time is an argument.
 */
#ifndef POLICY_RESPONSE_STORE_H
#define POLICY_RESPONSE_STORE_H

#include "base/arena.h"
#include "base/str.h"

struct response_store;

struct stored_response {
    str id;
    str previous; /* the id it went on from; null: none */
    str input;    /* its own items: elements of an array, without brackets */
    str response; /* the response object */
    str output;   /* its items likewise; within `response` */
};

enum response_found { RESPONSE_FOUND, RESPONSE_NOT_FOUND, RESPONSE_NO_MEMORY };

/* ttl_ms: since the last use.  NULL: out of memory. */
struct response_store *response_store_new(size_t bytes_max, uint64_t ttl_ms);
void response_store_free(struct response_store *s);

/* Takes copies; one of the same id is replaced.  False: it is not kept (larger than a quarter of the store,
 * or no memory, or what it went on from is no longer there). */
bool response_store_save(struct response_store *s, uint64_t now_ms, str scope,
                         const struct stored_response *r);

/* Copies, in the arena. */
enum response_found response_store_get(struct response_store *s, uint64_t now_ms, str scope, str id,
                                       struct arena *a, struct stored_response *out);

/* All items of its conversation, from the first response's input to its own output: elements of an array.
 * with_output: its own output too. */
enum response_found response_store_items(struct response_store *s, uint64_t now_ms, str scope,
                                         str id, bool with_output, struct arena *a, str *items);

/* False: it was not there. */
bool response_store_delete(struct response_store *s, uint64_t now_ms, str scope, str id);

/* What it takes of memory now. */
size_t response_store_bytes(struct response_store *s);

#endif
