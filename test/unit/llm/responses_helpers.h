/* Tests of the Responses dialect: bodies in, chats and bodies out, events in words. */
#ifndef TEST_RESPONSES_HELPERS_H
#define TEST_RESPONSES_HELPERS_H

#include "llm/dialect.h"

#define RESPONSES_ABLE(id) (UINT64_C(1) << MODEL_##id)
extern const struct model_facts responses_gpt_new;   /* always reasons, no sampling, marks */
extern const struct model_facts responses_gpt_plain; /* does not reason, samples */

struct responses_asked { /* a request and the chat it was read into */
    struct arena arena;
    struct json_doc doc;
    struct chat_source source;
    struct chat chat;
    struct name_list *notes;
    enum err err;
};

/* Reads, and normalises what could be read. */
void responses_ask(struct responses_asked *q, const char *body);
void responses_asked_release(struct responses_asked *q);

/* All below: in static memory. */

/* The chat in words, "system dev: text Be brief|user: text Hi|assistant: call c1 f {}|…", or
 * "fault FIELD: WHY". */
const char *responses_read(const char *body);

/* Writes the chat for a target: the body, or "refused FIELD: WHY".  *reported (may be NULL): or "". */
const char *responses_send(struct responses_asked *q, const struct model_facts *facts,
                           enum unsupported_policy policy, const char **reported);
/* Both in one. */
const char *responses_resend(const char *body, const struct model_facts *facts,
                             const char **reported);

/* Events as words, "text Hi|call 0 call_1 get_weather|…". */
const char *responses_words_of_stream(const char *stream);
const char *responses_words_of_answer(const char *body);

/* What a client who sent `body` gets for events in such words. */
const char *responses_stream(const char *body, const char *words);
const char *responses_answer(const char *body, const char *words);

#endif
