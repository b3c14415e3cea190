/* What the files that read answers of chat completions share. */
#ifndef LLM_DIALECT_OPENAI_CHAT_READER_H
#define LLM_DIALECT_OPENAI_CHAT_READER_H

#include "llm/dialect/openai_chat_impl.h"

struct seen_call {
    struct seen_call *next; /* the one that began before it */
    unsigned number;        /* its own, in the order of their opening */
    int64_t index;          /* the provider's; -1: it says none */
    str id;
    str name;    /* null: not said yet, its arguments wait */
    str waiting; /* raw: arguments of one without a name */
    bool custom;
    bool input; /* custom: {"input":" was said */
};

struct seen_choice {
    struct seen_call *calls; /* the newest first */
    unsigned begun, opened;  /* how many; opened: have a name */
    bool seen, finished;
};

enum { OPENAI_CHOICES_MAX = 8, OPENAI_CALLS_MAX = 1024 };

struct openai_chat_reading {
    bool started;
    struct seen_choice *choices; /* OPENAI_CHOICES_MAX; NULL: nothing was said yet */
};

/* Nothing follows a failure. */
static inline void openai_chat_emit(struct answer_reader *r, const struct chat_event *ev)
{
    if (!r->ended)
        chat_emit(&r->to, ev);
}

/* A text; null: none, or no memory. */
str openai_chat_decoded(struct answer_reader *r, const struct json_doc *doc, uint32_t node);

/* The calls of a message or delta.  whole: each is complete, and one of its own. */
void openai_chat_read_calls(struct answer_reader *r, struct seen_choice *c, unsigned choice,
                            const struct json_doc *doc, uint32_t message, bool whole);
/* Nothing more will come of them. */
void openai_chat_end_calls(struct answer_reader *r, struct seen_choice *c, unsigned choice);

#endif
