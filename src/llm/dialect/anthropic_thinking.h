/*
 * How much a Claude model is to think, from what the client asked and what the model takes (mapping.md
 * §10, §23; spec section 5).  Of the Messages API and, in other words, of Bedrock.
 */
#ifndef LLM_DIALECT_ANTHROPIC_THINKING_H
#define LLM_DIALECT_ANTHROPIC_THINKING_H

#include "llm/chat.h"
#include "llm/model_facts.h"
#include "llm/unsupported.h"

enum anthropic_thinking_type {
    ANTHROPIC_THINKING_NONE, /* no `thinking` member */
    ANTHROPIC_THINKING_DISABLED,
    ANTHROPIC_THINKING_BETWEEN_TOOLS,
    ANTHROPIC_THINKING_ADAPTIVE,
    ANTHROPIC_THINKING_BUDGET, /* "enabled" */
};

struct anthropic_thinking {
    enum anthropic_thinking_type type;
    uint64_t budget;     /* BUDGET */
    const char *effort;  /* output_config.effort; NULL: none */
    const char *display; /* NULL: the model's default */
    uint64_t max_tokens; /* what is left for the answer, thinking included; never 0 */
};

/* Decides, and reports to `u` what had to change.  model: the target's name for it.  forced: a tool must
 * be called; prefilled: the last turn is the assistant's.  Both exclude a budget. */
void anthropic_thinking_decide(struct anthropic_thinking *out, const struct chat *c, str model,
                               const struct model_facts *facts, bool forced, bool prefilled,
                               struct unsupported *u);

/* Budget of an effort: spec section 5. */
uint64_t anthropic_effort_budget(enum effort e, uint64_t max_tokens);

/* Thoughts are being made: no sampling parameters, no forced tool with a budget. */
static inline bool anthropic_thinks(const struct anthropic_thinking *t)
{
    return t->type == ANTHROPIC_THINKING_ADAPTIVE || t->type == ANTHROPIC_THINKING_BUDGET;
}

#endif
