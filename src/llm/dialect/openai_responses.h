/* What proxy/ asks of the Responses dialect beside its table. */
#ifndef LLM_DIALECT_OPENAI_RESPONSES_H
#define LLM_DIALECT_OPENAI_RESPONSES_H

#include "llm/dialect.h"

/* The response object that a writer of this dialect has told as the last (completed or incomplete), and its
 * id; both in the request's arena.  Null: it has not ended yet, or the client said store: false. */
str responses_written(const struct answer_writer *w, str *id);

#endif
