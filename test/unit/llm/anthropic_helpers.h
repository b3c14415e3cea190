/* Tests of the Messages dialect: bodies in, chats and bodies out, events in words. */
#ifndef TEST_ANTHROPIC_HELPERS_H
#define TEST_ANTHROPIC_HELPERS_H

#include "llm/dialect.h"

extern const struct dialect dialect_anthropic;

/* --- Requests */

struct asked { /* a request and the chat it was read into */
    struct arena arena;
    struct json_doc doc;
    struct chat_source source;
    struct chat chat;
    struct name_list *notes;
    enum err err;
};

/* Reads, and normalises what could be read. */
void asked_read(struct asked *q, const char *body);
void asked_release(struct asked *q);

struct sent { /* what a target gets */
    struct unsupported unsupported;
    struct chat_target target;
    struct buf body;
    bool written;
    str reported; /* null: nothing */
};

/* facts NULL: of a model that nobody knows.  Release with sent_release. */
void sent_write(struct sent *s, struct asked *q, const struct model_facts *facts,
                enum unsupported_policy policy);
void sent_release(struct sent *s);

/* Both in one, for a body in Anthropic's words: what is sent, or "refused FIELD: WHY".  In static memory;
 * *reported (may be NULL) is what was reported, or "". */
const char *resent(const char *body, const struct model_facts *facts, const char **reported);

/* Abilities by bits; the rest of the facts is given. */
#define ABLE(id) (UINT64_C(1) << MODEL_##id)
extern const struct model_facts claude_new; /* adaptive, no sampling, all efforts, mid system */
extern const struct model_facts claude_old; /* budget, sampling, prefill, forced tool, no schema */

/* --- Answers */

/* Events as words, "text Hi|call 0 toolu_1 get_weather|…", of the units of a stream (an event stream as
 * text), or of a whole body.  Static memory. */
const char *words_of_stream(const char *stream);
const char *words_of_answer(const char *body);

/* What a client gets for events in the same words.  Static memory. */
const char *stream_of_words(const char *words);
const char *answer_of_words(const char *words);

#endif
