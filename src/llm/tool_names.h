/*
 * Names and ids of tools, made legal for a target and restored in its answers (mapping.md §8).
 * A name in the target's alphabet goes as it is; another has its illegal bytes replaced by '_', is cut,
 * and gets '_' and ten hex digits of its SHA-256, so that it is the same in every request.
 */
#ifndef LLM_TOOL_NAMES_H
#define LLM_TOOL_NAMES_H

#include "llm/chat.h"

struct name_rule {
    const char *alphabet; /* legal bytes beside letters and digits */
    size_t max;
    bool letter_first; /* the first is a letter or '_' */
};

extern const struct name_rule name_rule_openai;  /* [a-zA-Z0-9_-]{1,64}; also Anthropic, Bedrock */
extern const struct name_rule name_rule_gemini;  /* letter or _ first, [a-zA-Z0-9_.:-]{1,64} */
extern const struct name_rule id_rule_anthropic; /* [a-zA-Z0-9_-]{1,64} */
extern const struct name_rule id_rule_bedrock;   /* [a-zA-Z0-9_.:-]{1,64} */

/* Null str: no memory.  Points to `name` when it is legal. */
str name_legal(struct arena *a, const struct name_rule *rule, str name);

/* The client's own name of a tool that the target calls so; `name` itself when none was changed. */
str name_restore(struct arena *a, const struct name_rule *rule, const struct chat *c, str name);

#endif
