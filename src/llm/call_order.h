/*
 * Puts interleaved tool calls in order, for formats that have one open block at a time (mapping.md §16.5):
 * the call that opened first streams live, what comes meanwhile waits.  A call is over when its arguments
 * are a whole JSON object, or at the answer's end; then what waited follows in the order of its arrival,
 * and the next call streams live.
 * A filter between a reader's sink and a writer.  Such formats have one choice; others' events pass.
 */
#ifndef LLM_CALL_ORDER_H
#define LLM_CALL_ORDER_H

#include "base/buf.h"
#include "llm/chat_event.h"

/* How far the arguments of a call have come, read as they arrive. */
struct call_progress {
    unsigned depth;       /* of braces and brackets */
    bool begun;           /* something but white space has come */
    bool object;          /* the first of it is a brace */
    bool quoted, escaped; /* within a string, behind its backslash */
};

struct held_event;

struct call_order {
    struct chat_sink to;
    struct held_event *held, *last; /* what waits */
    struct arena arena;             /* its texts */
    size_t waiting;                 /* bytes of arguments that wait */
    bool open;
    unsigned call; /* the one that streams */
    struct call_progress progress;
    bool failed; /* memory, or more waits than may: what has come since is lost */
};

void call_order_init(struct call_order *o, const struct chat_sink *to);
void call_order_release(struct call_order *o);
void call_order_take(void *order, const struct chat_event *ev);

#endif
