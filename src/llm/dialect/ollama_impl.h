/* What the files of Ollama's dialect share. */
#ifndef LLM_DIALECT_OLLAMA_IMPL_H
#define LLM_DIALECT_OLLAMA_IMPL_H

#include "llm/dialect.h"

struct ollama_writer {
    struct json_write w;
    const struct chat *chat;
    const struct chat_target *t;
    struct unsupported *u;
    struct buf text;  /* of the message that is written, when it has several pieces */
    unsigned written; /* messages */
};

/* Reports what a turn (or block of one) has that cannot be sent; suffix: ".name", "" for all of it. */
void ollama_report(struct ollama_writer *w, const struct turn *t, const char *suffix,
                   enum field_class class, const char *why);

/* The provider's keep_alive as JSON: a number of seconds, or a duration as Go writes it; null: none. */
str ollama_keep_alive(const struct chat_target *t);

/* The member `messages`. */
void ollama_write_messages(struct ollama_writer *w);

bool ollama_write_request(const struct chat *c, struct chat_target *t, struct buf *out);

struct ollama_reader {
    bool started;
    unsigned calls; /* seen so far */
};

void ollama_read_unit(struct answer_reader *r, str name, str line);
void ollama_read_end(struct answer_reader *r);
void ollama_read_answer(struct answer_reader *r, str body);
void ollama_read_error(str body, struct arena *a, struct provider_fault *out);

#endif
