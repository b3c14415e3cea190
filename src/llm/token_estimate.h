/*
 * How many tokens a conversation is, roughly, for targets that do not count them: four bytes of text
 * each, images and documents by rule, and a little for what stands around messages and tools.  Never an
 * exact number, and never 0.  Pure.
 */
#ifndef LLM_TOKEN_ESTIMATE_H
#define LLM_TOKEN_ESTIMATE_H

#include "llm/chat.h"

uint64_t token_estimate(const struct chat *c);

/* Of a text with `bytes` bytes. */
static inline uint64_t token_estimate_text(uint64_t bytes)
{
    return (bytes + 3) / 4;
}

#endif
