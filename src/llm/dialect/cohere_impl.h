/* What the files of Cohere's dialect share. */
#ifndef LLM_DIALECT_COHERE_IMPL_H
#define LLM_DIALECT_COHERE_IMPL_H

#include "llm/dialect.h"

struct cohere_writer {
    struct json_write w;
    const struct chat *chat;
    const struct chat_target *t;
    struct unsupported *u;
    unsigned written; /* messages */
};

/* The member `messages`. */
void cohere_write_messages(struct cohere_writer *w);

bool cohere_write_request(const struct chat *c, struct chat_target *t, struct buf *out);

struct cohere_reader {
    bool started;
    unsigned calls;  /* seen so far */
    bool unanswered; /* the last call has no arguments yet */
};

void cohere_read_unit(struct answer_reader *r, str name, str data);
void cohere_read_end(struct answer_reader *r);
void cohere_read_answer(struct answer_reader *r, str body);
void cohere_read_error(str body, struct arena *a, struct provider_fault *out);

#endif
