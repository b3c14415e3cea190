/* The `usage` object of Anthropic's Messages API (docs: "usage"), both ways. */
#ifndef LLM_DIALECT_ANTHROPIC_USAGE_H
#define LLM_DIALECT_ANTHROPIC_USAGE_H

#include "llm/usage.h"
#include "wire/json.h"
#include "wire/json_write.h"

/* Leaves *out alone when the node is no object.  What is null or not there is unknown. */
void anthropic_usage_read(const struct json_doc *doc, uint32_t usage, struct usage *out);

/* The object of a whole message; numbers that nobody told are 0, as the format demands. */
void anthropic_usage_write(struct json_write *w, const struct usage *u);

/* The object of message_delta: what is unknown is left out, but for output_tokens. */
void anthropic_usage_write_delta(struct json_write *w, const struct usage *u);

#endif
