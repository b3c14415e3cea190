/*
 * Messages between loops: one of the five places where threads meet.  Any thread posts; the message
 * runs once on the loop's thread, in the order posted by each sender.  A posted message is never
 * lost while the loop runs; loop_free() drops the rest after calling their `drop` (may be NULL).
 */
#ifndef IO_INBOX_H
#define IO_INBOX_H

#include "io/loop.h"

struct message {
    struct message *next; /* inbox's own */
    void (*run)(struct message *m);
    void (*drop)(struct message *m);
};

/* The message belongs to the inbox until run() is called, then to run(). */
void inbox_post(struct loop *l, struct message *m);

/* Blocking work on a helper thread: work() there, then done() back on the loop. */
struct work {
    void (*work)(void *arg); /* helper thread; must not touch the loop */
    void (*done)(void *arg); /* loop's thread, always called exactly once */
    void *arg;
};

/* False: out of memory, neither is called. */
bool loop_work(struct loop *l, const struct work *w);

#endif
