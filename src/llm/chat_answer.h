/*
 * A whole answer, gathered from its events, for clients that did not ask for a stream.  Its texts are in
 * memory of its own.  chat_answer_take() is a sink's on_event.
 */
#ifndef LLM_CHAT_ANSWER_H
#define LLM_CHAT_ANSWER_H

#include "base/buf.h"
#include "llm/chat_event.h"

/* Blocks are struct block of chat.h: TEXT, REFUSAL, REASONING, CALL (arguments are the decoded JSON text
 * as said, is_raw when it is no object), NATIVE, IMAGE, AUDIO.  Their texts are whole. */
struct answer_choice {
    struct answer_choice *next;
    unsigned index;
    struct block *blocks;
    enum finish finish;
    str reason;               /* the provider's word, null: none */
    struct raw stop_sequence; /* STOP_SEQUENCE, if known */
    struct raw refusal_words; /* REFUSAL without a refusal block: the provider's explanation */
    struct raw logprobs;      /* s: elements of logprobs.content; null: none */
    bool finished;
    /* Its own, while it grows: */
    struct block *last, *last_text;
    struct citation **citations_end; /* of last_text */
    struct gathering *open, *calls, *probs;
};

struct chat_answer {
    struct arena arena;
    str id, model;                 /* the provider's; null: none */
    struct answer_choice *choices; /* by index; at least one after chat_answer_seal */
    struct usage usage;
    bool complete; /* END has come */
    bool failed;   /* FAILED has come */
    enum err err;
    struct provider_fault fault;
    bool no_memory;  /* the budget is used up, or memory is: the answer is not whole */
    size_t gathered; /* bytes of what still grows */
};

/* budget: bytes of all texts, 0: no limit. */
void chat_answer_init(struct chat_answer *a, size_t budget);
void chat_answer_release(struct chat_answer *a);
void chat_answer_take(void *answer, const struct chat_event *ev);
/* After the last event: closes blocks, orders choices. */
void chat_answer_seal(struct chat_answer *a);
/* The events that make this answer, in order, START to END (or FAILED, as it did, or for want of memory). */
void chat_answer_replay(const struct chat_answer *a, const struct chat_sink *to);

#endif
