/* What proxy/ asks of the Responses dialect beside its table. */
#ifndef LLM_DIALECT_OPENAI_RESPONSES_H
#define LLM_DIALECT_OPENAI_RESPONSES_H

#include "llm/dialect.h"

/*
 * What the answer repeats of the request ("tools", "text", …) is kept by the reader as extras of this
 * prefix and class BOOKKEEPING, which every writer leaves out without a word.
 */
#define RESPONSES_ECHO "echo:"

/* The response object that a writer of this dialect has told as the last (completed or incomplete), and its
 * id; both in the request's arena.  Null: it has not ended yet, or the client said store: false. */
str responses_written(const struct answer_writer *w, str *id);

/* The answer of POST /responses/input_tokens, whose body is read by the dialect's read_request. */
void responses_write_count(struct buf *out, uint64_t input_tokens);

/* Items of an input (a string, or an array) as they are listed and stored: elements of an array without
 * brackets, each with `type` and `id`, messages with parts.  base: what ids are made of, the response's
 * without prefix.  Null str: out of memory. */
str responses_listed_items(const struct json_doc *doc, uint32_t input, str base, struct arena *a);

#endif
