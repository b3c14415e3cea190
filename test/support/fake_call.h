/*
 * A provider for tests: a caller (http/call.h) whose calls go to the test.  It sees each request as it
 * would have been sent, and answers, or fails, step by step.
 */
#ifndef SUPPORT_FAKE_CALL_H
#define SUPPORT_FAKE_CALL_H

#include "base/buf.h"
#include "http/call.h"

enum fake_call_state { FAKE_CALL_WAITING, FAKE_CALL_SENT, FAKE_CALL_ANSWERING, FAKE_CALL_OVER };

struct fake_call;

struct fake_caller {
    struct caller caller;
    struct loop *loop;
    struct list calls; /* all that were started, oldest first */
    unsigned count;
    bool refuse; /* the next start fails for want of memory */
    /* Called inside call_start(), when the request's head is known; may be NULL. */
    void (*on_start)(void *arg, struct fake_call *c);
    void *arg;
};

struct fake_call {
    struct call call;
    struct list node;
    struct fake_caller *caller;
    enum fake_call_state state;
    bool flow, released;

    /* The request.  The body is complete as far as it was given; empty until the call is connected. */
    struct arena kept;
    str key, authority, target, method; /* of the endpoint, of the head */
    struct headers headers;
    int64_t content_length;
    struct buf body;
    bool body_ended;
    struct slice *given; /* what call_start() got, read when the connection stands */
    unsigned given_count;
    enum err head_err; /* the head cannot be written: such a call fails */

    bool upload_slow; /* what is written queues until fake_call_drain() */
    size_t upload_queued;
    uint64_t body_sent; /* bytes given to on_body */
    void *user;         /* the test's own */
};

void fake_caller_init(struct fake_caller *c, struct loop *l);
void fake_caller_release(struct fake_caller *c); /* all calls must have been released */

/* Call i, oldest first; NULL: there is none. */
struct fake_call *fake_caller_call(const struct fake_caller *c, unsigned i);
unsigned fake_caller_live(const struct fake_caller *c); /* calls not yet released */

/* The steps of a call; each calls back at once.  False: the call was released before, or is over.
 * A step that the rules forbid in the call's state is a bug of the test's. */
bool fake_call_connect(struct fake_call *c);
/* `head`: status line and fields as text, LF or CRLF.  Connects first if that was not done. */
bool fake_call_head(struct fake_call *c, str head);
/* One run of the body, in pieces of at most a chunk.  May come although the flow is off, as http/call.h
 * says: whoever cares looks at c->flow. */
bool fake_call_body(struct fake_call *c, str bytes);
bool fake_call_end(struct fake_call *c);
bool fake_call_error(struct fake_call *c, enum err err);
/* The upload's queue has been sent. */
void fake_call_drain(struct fake_call *c);

/* Head, body in one run (content-length is added) and end. */
void fake_call_answer(struct fake_call *c, int status, const char *content_type, str body);

/* A field of the request; null: there is none. */
str fake_call_field(const struct fake_call *c, str name);

#endif
