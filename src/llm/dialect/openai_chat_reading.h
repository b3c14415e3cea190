/* What the files that read requests of chat completions share. */
#ifndef LLM_DIALECT_OPENAI_CHAT_READING_H
#define LLM_DIALECT_OPENAI_CHAT_READING_H

#include "llm/dialect/openai_chat_impl.h"

struct openai_reading {
    struct chat_source *in;
    const struct json_doc *doc;
    struct arena *arena;
    struct chat *chat;
    enum err err; /* the first; in->fault has its words */
};

/* Faults: all return false, for `return`. */
bool openai_fault(struct openai_reading *r, enum err err, str field, const char *text);
bool openai_invalid(struct openai_reading *r, str field, const char *text);
bool openai_no_memory(struct openai_reading *r);

/* "messages[2]" and "role": "messages[2].role". */
str openai_path(struct openai_reading *r, str path, const char *member);

/* A member; JSON_NONE also for null. */
uint32_t openai_given(const struct openai_reading *r, uint32_t object, const char *name);
/* What a string says; null: no string, or no memory. */
str openai_decode(struct openai_reading *r, uint32_t node);
bool openai_text_is(const struct openai_reading *r, uint32_t node, const char *text);
enum tri openai_tri(const struct openai_reading *r, uint32_t node);
bool openai_extra(struct openai_reading *r, str name, uint32_t value, enum field_class class);

/* A mark for caching on a part, message or tool: OpenAI's, or cache_control of other gateways. */
bool openai_mark(const struct openai_reading *r, uint32_t object, unsigned *ttl_s);

/* --- openai_chat_read_tools.c: members of the body */
bool openai_take_tools(struct openai_reading *r, uint32_t value);
bool openai_take_functions(struct openai_reading *r, uint32_t value);
bool openai_take_tool_choice(struct openai_reading *r, uint32_t value);
bool openai_take_function_call(struct openai_reading *r, uint32_t value);

/* --- openai_chat_read_turns.c */
bool openai_take_messages(struct openai_reading *r, uint32_t value);
bool openai_take_prompt(struct openai_reading *r, uint32_t value);

/* --- openai_chat_read_parts.c */
/* A message's content, string or parts, to the end of the turn.  path: of the message. */
bool openai_read_content(struct openai_reading *r, struct turn *t, uint32_t content, str path);

#endif
