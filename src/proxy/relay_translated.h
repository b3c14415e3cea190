/*
 * The inside of relay mode TRANSLATE: the answer of a provider that speaks another format
 * (relay_translated.c), or makes embeddings in another shape (relay_embeddings.c).
 *
 *   provider's bytes ─▶ framing ─▶ reader ─▶ take_event ─┬─▶ call_order ─▶ writer ─▶ relay.out   (stream)
 *        (a part for each call)                           └─▶ chat_answer ─▶ writer ─▶ relay.out  (whole)
 *
 * As with events that pass through: nothing goes out before the first content, nothing is tried again
 * after it, and only the provider's own end makes an answer complete.
 */
#ifndef PROXY_RELAY_TRANSLATED_H
#define PROXY_RELAY_TRANSLATED_H

#include "llm/call_order.h"
#include "llm/dialect.h"
#include "proxy/translate.h"
#include "wire/aws_events.h"
#include "wire/lines.h"
#include "wire/sse.h"

/* The answer to one of the attempt's calls. */
struct relay_part {
    struct request *request;
    unsigned index;
    bool begun; /* its head has come */
    bool units; /* it is a stream */
    union {     /* by the dialect's framing, when it is one */
        struct sse_reader sse;
        struct lines_reader lines;
        struct aws_events_reader frames;
    };
    struct buf body; /* when it is none */
    struct headers headers;
    struct answer_reader reader;
    struct usage usage;
    bool json_call; /* the tool that stands for structured output was called, by this number */
    unsigned json_call_number;
};

struct relay_translation {
    bool whole;          /* the client gets one answer, not a stream */
    bool ready;          /* writer and gatherer are set up */
    bool started, named; /* START was passed on; id and model are chosen */
    struct relay_part *parts;
    unsigned count;
    struct answer_writer writer;
    struct buf text;           /* of the writer, not yet in relay.out */
    struct chat_answer answer; /* whole: gathered here */
    struct call_order order;
    struct chat_sink to;
    struct embedding_answer *vectors; /* instead of all that, of embeddings */
    enum err failed;                  /* the provider said so, and this; NONE: it did not */
    struct provider_fault fault;
};

/* --- relay_embeddings.c */

bool relay_embeddings_begin(struct request *r, struct relay_translation *t);
bool relay_embeddings_head(struct request *r, struct relay_part *p, const struct headers *in);
bool relay_embeddings_read(struct request *r, struct relay_part *p);
void relay_embeddings_write(struct request *r, struct relay_translation *t);

#endif
