/* OpenAI's error inside a stream: `data: {"error": {...}}`. */
#ifndef LLM_DIALECT_OPENAI_ERROR_H
#define LLM_DIALECT_OPENAI_ERROR_H

#include "llm/dialect.h"

void openai_error_event(struct buf *out, const struct stream_failure *f);

#endif
