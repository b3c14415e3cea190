/*
 * A dialect is one wire format of an API: one file in llm/dialect/, one line in dialect.def.
 *
 * What is here serves the same-format path: bytes go through, and the dialect only looks at what
 * passes.  Readers into and writers from the neutral chat model (for the other path) will stand
 * beside these.  All functions are pure but for the arena, which is a scratch one.
 */
#ifndef LLM_DIALECT_H
#define LLM_DIALECT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "llm/endpoint_kind.h"
#include "llm/usage.h"

enum event_kind {
    EVENT_OTHER,   /* says nothing: comments, pings, role headers, announcements */
    EVENT_CONTENT, /* the answer has begun: from here on nothing can be retried */
    EVENT_USAGE,   /* only the usage that we asked for: hidden from clients that did not */
    EVENT_END,     /* the format's own terminal event: the answer is complete */
    EVENT_FAILED,  /* the provider reports an error: nothing good follows */
};

struct event_facts {
    enum event_kind kind;
    struct usage usage; /* known when the event carries one */
    str answer_id;      /* null: none; in the event's bytes */
    str finish_reason;  /* null: none; in the event's bytes */
    str error;          /* FAILED: raw JSON of the error object, or null */
    bool unreadable;    /* data that are not JSON: passed on, usage stays unknown */
};

struct stream_failure { /* what a writer of an in-stream error has to say */
    enum err err;
    str message;
    str request_id;
    str answer_id, model; /* null: unknown */
    uint64_t events;      /* events relayed so far: a sequence number where the format has one */
};

struct dialect {
    const char *name;
    /* One event of a stream: name (null or empty: none) and data. */
    void (*event)(str name, str data, struct arena *scratch, struct event_facts *out);
    /* Usage and finish reason of a whole answer (body is JSON); unknown ones are left alone. */
    void (*answer)(str body, struct arena *scratch, struct event_facts *out);
    /* Appends the event(s) that tell the client of a failure after content (spec of each API). */
    void (*write_failure)(struct buf *out, const struct stream_failure *f);
    bool has_end; /* streams end by EVENT_END; one that ends without is truncated */
};

/* The dialect of an endpoint of OpenAI's API; never NULL. */
const struct dialect *dialect_of(enum endpoint_kind kind);

const struct dialect *dialect_at(unsigned i); /* walks all; NULL past the end */

#endif
