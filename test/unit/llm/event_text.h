/* Events and answers in words, to be compared. */
#ifndef UNIT_LLM_EVENT_TEXT_H
#define UNIT_LLM_EVENT_TEXT_H

#include "llm/chat_answer.h"

/* One line of the event: "call 0 c1 f", "arguments 0 {\"a", "text hello". */
void event_text(struct buf *out, const struct chat_event *ev);

/* A sink's on_event; arg is a struct buf. */
void event_text_take(void *buf, const struct chat_event *ev);

/* One line of each block, and of the rest. */
void answer_text(struct buf *out, const struct chat_answer *a);

#endif
