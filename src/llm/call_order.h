/*
 * Puts interleaved tool calls in order, for formats that have one open block at a time (mapping.md §16.5):
 * the call that opened first streams live, pieces of the others wait, and come whole when their turn is.
 * A filter between a reader's sink and a writer; text and reasoning that come between are passed on
 * after the calls that are open have ended.
 */
#ifndef LLM_CALL_ORDER_H
#define LLM_CALL_ORDER_H

#include "base/buf.h"
#include "llm/chat_event.h"

struct waiting_call;

struct call_order {
    struct chat_sink to;
    struct waiting_call *waiting; /* choice 0's, in the order of their opening */
    bool open;
    unsigned call; /* the one that streams */
    bool failed;   /* memory */
};

void call_order_init(struct call_order *o, const struct chat_sink *to);
void call_order_release(struct call_order *o);
void call_order_take(void *order, const struct chat_event *ev);

#endif
