/*
 * What may be logged of a provider's error: its type and code.  Its message may not, and nothing else:
 * providers repeat in it what they were sent (prompts, keys).
 */
#ifndef LLM_ERROR_KIND_H
#define LLM_ERROR_KIND_H

#include "base/arena.h"

/* json: an answer's body ({"error": {...}}) or the error object alone; anything else has no kind.
 * "type invalid_request_error, code context_length_exceeded", in the arena; null: nothing is known.
 * Only short identifiers and numbers are taken. */
str error_kind(str json, struct arena *a);

/* The same of a type and a code that were read already; either may be null. */
str error_kind_words(str type, str code, struct arena *a);

#endif
