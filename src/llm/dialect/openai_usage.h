/* Reading OpenAI's usage objects, of both its APIs, into disjoint buckets. */
#ifndef LLM_DIALECT_OPENAI_USAGE_H
#define LLM_DIALECT_OPENAI_USAGE_H

#include "llm/usage.h"
#include "wire/json.h"

/* usage: node of the usage object; anything else leaves *out alone. */
void openai_usage_read(const struct json_doc *doc, uint32_t usage, struct usage *out);

#endif
