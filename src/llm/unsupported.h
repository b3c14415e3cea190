/*
 * What a target cannot express of a request, field by field (spec section 5, mapping.md §1): by its class
 * and the policy it is an error, or is left out and named in x-gateway-unsupported.  Nothing is silent
 * but bookkeeping.
 */
#ifndef LLM_UNSUPPORTED_H
#define LLM_UNSUPPORTED_H

#include "llm/chat.h"

enum unsupported_policy { UNSUPPORTED_BY_CLASS, UNSUPPORTED_STRICT, UNSUPPORTED_REPORT };

struct unsupported {
    struct arena *arena;
    enum unsupported_policy policy;
    struct name_list *notes, *last; /* what the header lists, in order, each once */
    unsigned count;                 /* of notes, at most UNSUPPORTED_NOTES */
    bool more;                      /* there was more to tell */
    struct chat_fault fault;        /* the first refusal; err ERR_NONE: none */
};

/* As much as fits into a header that all clients take; "…, and more" for the rest. */
enum { UNSUPPORTED_NOTES = 40, UNSUPPORTED_TEXT = 2000 };

void unsupported_init(struct unsupported *u, struct arena *a, enum unsupported_policy policy);

/* The target cannot have the field.  why: for the refusal ("Anthropic gives one answer per request"). */
void unsupported_field(struct unsupported *u, enum field_class class, str field, const char *why);

/* It was sent as something else: "temperature=1 (was 1.6)"; strict: a refusal. */
void unsupported_changed(struct unsupported *u, str field, str now, str was);

/* Something else that the client should know of: "tools (declared from history)"; strict: a refusal. */
void unsupported_note(struct unsupported *u, str note);

/* Whatever the policy: it cannot be done. */
void unsupported_refuse(struct unsupported *u, str field, const char *why);

/* All extras of the chat, but those of `taken` (names, n of them) in their own format. */
void unsupported_extras(struct unsupported *u, const struct chat *c, enum native_format format,
                        const str *taken, unsigned n);

/* "logit_bias, seed, temperature=1 (was 1.6)"; null: nothing to tell (or no memory).  Names are the
 * client's, so what is no printable ASCII is '?' here. */
str unsupported_text(const struct unsupported *u);

#endif
