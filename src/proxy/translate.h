/*
 * A request whose target speaks another format than its client: read once into a chat, written for each
 * attempt in the target's words (design.md section 3, "other format").  What comes back is
 * relay_translated.c's.
 */
#ifndef PROXY_TRANSLATE_H
#define PROXY_TRANSLATE_H

#include "llm/dialect.h"
#include "llm/embedding.h"
#include "proxy/attempt.h"

struct translation { /* of a request */
    struct chat chat;
    struct embedding_request *embedding; /* instead of the chat; NULL: a chat */
    struct name_list *notes; /* what normalising changed: reported with each attempt's */
};

enum { TRANSLATE_CHOICES_MAX = 8 }; /* answers that are asked for one by one */

struct translated {                /* of an attempt */
    const struct dialect *dialect; /* the provider's */
    struct chat_target target;
    struct unsupported unsupported;
    struct buf *bodies; /* of its calls: one for each, or the same for all */
    unsigned body_count, calls;
    const struct embedding_format *format; /* of embeddings: how each call is written and read */
    struct embedding_call *parts;
    str reported; /* for x-gateway-unsupported; null: nothing */
};

/* The endpoint that the target is asked at: the client's own, or one to translate to, or
 * ENDPOINT_KIND_COUNT: none.  chat NULL: not known yet. */
enum endpoint_kind translate_kind(enum endpoint_kind asked, const struct target *t,
                                  const struct chat *chat);

/* Whether a kind is one of those that translate into each other (a conversation with a model). */
bool translate_is_chat(enum endpoint_kind kind);

/* Makes the attempt's request.  ERR_NONE: a->kind and, when translated, a->translated are set.
 * UNSUPPORTED: the target cannot have it, *field and *why say what. */
enum err translate_attempt(struct request *r, struct attempt *a, str *field, str *why);

/* Gives the memory of an attempt's back; NULL is fine. */
void translate_release(struct translated *t);

#endif
