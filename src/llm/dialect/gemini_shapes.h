/* The pieces of an answer in Gemini's shape, for gemini_write_answer.c. */
#ifndef LLM_DIALECT_GEMINI_SHAPES_H
#define LLM_DIALECT_GEMINI_SHAPES_H

#include "llm/dialect/gemini_impl.h"

struct gemini_source {
    struct gemini_source *next;
    str url, title; /* raw */
    int64_t start, end;
};

/* Whether raw text has no characters of several bytes. */
bool gemini_is_ascii(str raw);

/* Parts. */
void gemini_put_text(struct json_write *j, str raw, bool thought, str signature);
void gemini_put_call(struct json_write *j, str id, str name, str arguments, str signature);
void gemini_put_media(struct json_write *j, const struct media *m);

/* Members of a candidate; sources NULL: nothing.  Their places are in bytes there, and known only where
 * a byte is a character (not wide).  elements: OpenAI's, comma-separated. */
void gemini_put_reason(struct json_write *j, enum finish finish, str words);
void gemini_put_sources(struct json_write *j, const struct gemini_source *sources, bool wide);
void gemini_put_logprobs(struct json_write *j, str elements, struct arena *scratch);

/* usageMetadata, when anything is known. */
void gemini_put_usage(struct json_write *j, const struct usage *u);

#endif
