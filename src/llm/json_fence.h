/*
 * Takes the code fence away that models like to put around JSON that they were asked for in words:
 *
 *   ```json\n{"a": 1}\n```   becomes   {"a": 1}
 *
 * A filter over raw text in pieces cut anywhere.  What does not begin with a fence comes through as it is;
 * what may still be one, in front or behind, is held until that is certain.
 */
#ifndef LLM_JSON_FENCE_H
#define LLM_JSON_FENCE_H

#include "llm/chat.h"

enum json_fence_phase { FENCE_BEGINNING, FENCE_NONE, FENCE_INSIDE };

struct json_fence { /* all zero: at the beginning of a text */
    enum json_fence_phase phase;
    unsigned cap;
    str held; /* in the arena */
};

/* What goes on of it: in `scratch` or the piece.  False: no memory. */
bool json_fence_take(struct json_fence *f, struct arena *a, struct arena *scratch, struct raw piece,
                     struct raw *out);

/* The text has ended: what was held and is no fence.  Begins anew. */
struct raw json_fence_end(struct json_fence *f);

#endif
