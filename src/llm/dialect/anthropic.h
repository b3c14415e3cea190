/*
 * What of Anthropic's API is neither a conversation nor a provider's: counting tokens and listing models,
 * as the gateway answers them itself.
 */
#ifndef LLM_DIALECT_ANTHROPIC_H
#define LLM_DIALECT_ANTHROPIC_H

#include "llm/dialect.h"

/* A body of /v1/messages/count_tokens: as a conversation, but max_tokens may be absent. */
enum err anthropic_read_count_request(struct chat_source *in, struct chat *out) must_check;

/* Its answer: {"input_tokens":N}. */
void anthropic_write_count(struct buf *out, uint64_t input_tokens);

/* The list of models: begin, each, end.  first and last: ids for the client's next question; null when the
 * list is empty. */
void anthropic_models_begin(struct json_write *w);
/* window, output_max: tokens, 0: unknown.  Leaves the object open for members of the gateway's own;
 * json_write_object_end() closes it. */
void anthropic_models_begin_one(struct json_write *w, str id, uint32_t window, uint32_t output_max);
void anthropic_models_end(struct json_write *w, str first, str last);

#endif
