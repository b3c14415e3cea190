/* Tests of the chat completions dialect: bodies in, chats and bodies out, events in words. */
#ifndef TEST_OPENAI_HELPERS_H
#define TEST_OPENAI_HELPERS_H

#include "llm/dialect.h"

struct openai_asked { /* a request, and the chat that it was read into */
    struct arena arena;
    struct json_doc doc;
    struct chat_source source;
    struct chat chat;
    struct name_list *notes;
    enum err err;
};

/* A body of chat completions, read and normalised. */
void openai_ask(struct openai_asked *q, const char *body);
/* The same of another dialect. */
void openai_ask_as(struct openai_asked *q, enum endpoint_kind kind, const char *body);
void openai_asked_release(struct openai_asked *q);

/* All below: in static memory. */

/* The chat in words, "system dev: text Be brief|user: text Hi|assistant: call c1 f {}|…", or
 * "fault FIELD: WHY". */
const char *openai_read(const char *body);

/* Where a chat is sent. */
struct openai_to {
    const char *type, *preset, *model, *version; /* NULL: "openai", none, "gpt-4.1", none */
    enum unsupported_policy policy;
    const char *reported; /* out: or "" */
};

/* What the target gets for a client's request: the body, or "refused FIELD: WHY". */
const char *openai_resend(struct openai_to *to, enum endpoint_kind from, const char *body);

/* Events in words: "start c1 m|text Hi|call 0 call_1 f|arguments 0 {}|finish stop stop|end". */
const char *openai_words_of_stream(const char *stream);
const char *openai_words_of_answer(const char *body);

/* What a client who sent `body` gets for events in such words.  kind: CHAT or COMPLETIONS. */
const char *openai_stream(enum endpoint_kind kind, const char *body, const char *words);
const char *openai_answer(enum endpoint_kind kind, const char *body, const char *words);

#endif
