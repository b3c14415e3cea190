/* What the files that write answers of chat completions share. */
#ifndef LLM_DIALECT_OPENAI_CHAT_WRITER_H
#define LLM_DIALECT_OPENAI_CHAT_WRITER_H

#include "llm/dialect/openai_chat_impl.h"

/* --- openai_chat_write_pieces.c: what streams and whole answers have alike */

static inline bool openai_chat_is_legacy(const struct answer_writer *w)
{
    return w->kind == ENDPOINT_COMPLETIONS;
}

/* One of OpenAI's words.  calls: a tool was called; refused: a refusal was written. */
str openai_chat_finish_name(enum finish finish, bool calls, bool refused);

/* The words of FINISH_REFUSAL, or some when it has none. */
struct raw openai_chat_refusal(struct raw words);

/* {"id","object","created","model","choices":[ */
void openai_chat_write_head(struct answer_writer *w, struct json_write *j, str object);

/* An element of thinking_blocks: the reasoning again, and what proves it; or what nobody can read. */
void openai_chat_write_thinking(struct answer_writer *w, struct json_write *j, struct raw text,
                                enum native_format format, str signature);
void openai_chat_write_redacted(struct answer_writer *w, struct json_write *j,
                                enum native_format format, str data);

/* "extra_content": Google's own place for the signature of a call; nothing for none. */
void openai_chat_write_call_signature(struct json_write *j, str signature);

/* An element of annotations.  from, to: where its block stands in the content, in characters. */
void openai_chat_write_annotation(struct json_write *j, const struct citation *c, uint64_t from,
                                  uint64_t to);

/* Whether it is a picture, the only media that messages have; and one, in the form of a part. */
bool openai_chat_is_picture(const struct media *m);
void openai_chat_write_picture(struct answer_writer *w, struct json_write *j,
                               const struct media *m);

/* The call's id, or one that is made. */
str openai_chat_call_id(struct answer_writer *w, str id, unsigned choice, unsigned number);

/* The client's tool of this name is one with free text. */
bool openai_chat_is_custom(const struct answer_writer *w, str name);
/* What a custom tool is told: the string in {"input": "…"}, or all of the arguments (JSON) when they are
 * not of that shape. */
struct raw openai_chat_custom_input(struct answer_writer *w, str arguments);

/* Characters of a text, escaped as in a JSON string. */
uint64_t openai_chat_characters(struct raw text);

/* "logprobs": null, or those of the content. */
void openai_chat_write_logprobs(struct answer_writer *w, struct json_write *j, str elements);

/* "finish_reason", and what the provider said where OpenAI has no word for it. */
void openai_chat_write_finish(struct json_write *j, str name, enum finish finish, str reason);

#endif
