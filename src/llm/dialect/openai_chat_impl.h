/* What the files of the chat completions dialect share. */
#ifndef LLM_DIALECT_OPENAI_CHAT_IMPL_H
#define LLM_DIALECT_OPENAI_CHAT_IMPL_H

#include "llm/dialect.h"

enum { OPENAI_CHAT_WRITER_SIZE = 192, OPENAI_CHAT_READER_SIZE = 96 }; /* checked there */

/* The client's half. */
enum err openai_chat_read_request(struct chat_source *in, struct chat *out) must_check;
void openai_chat_write_event(struct answer_writer *w, const struct chat_event *ev);
void openai_chat_write_answer(struct answer_writer *w, const struct chat_answer *a);
void openai_chat_write_error(struct buf *out, const struct client_error *e);

/* The provider's half. */
bool openai_chat_write_request(const struct chat *c, struct chat_target *t, struct buf *out);
void openai_chat_read_unit(struct answer_reader *r, str name, str data);
void openai_chat_read_end(struct answer_reader *r);
void openai_chat_read_answer(struct answer_reader *r, str body);
void openai_chat_read_error(str body, struct arena *a, struct provider_fault *out);

/* {"message","type","param","code"} (of an object, a bare string, or FastAPI's list), and what it
 * means. */
void openai_read_fault(const struct json_doc *doc, uint32_t error, struct arena *a,
                       struct provider_fault *out);
enum err openai_fault_meaning(const struct provider_fault *f);

/* Whose reasoning an item of OpenRouter's reasoning_details is, by its `format`. */
enum native_format openai_chat_detail_format(str format);

/* The usage object, in OpenAI's sums: cached and written tokens are in the prompt, reasoning is in the
 * completion. */
void openai_usage_write(struct json_write *w, const struct usage *u);

#endif
