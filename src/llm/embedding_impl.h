/* What the readers of requests for embeddings share. */
#ifndef LLM_EMBEDDING_IMPL_H
#define LLM_EMBEDDING_IMPL_H

#include "llm/embedding.h"

/* Fills the fault, and returns err. */
enum err embedding_fault(struct chat_source *in, enum err err, str field, str text);

/* A whole number, at least 1, or null.  Text of the number (null str when absent) into *out. */
enum err embedding_read_dimensions(struct chat_source *in, uint32_t node, str field, str *out);

#endif
