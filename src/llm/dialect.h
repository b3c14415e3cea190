/*
 * A dialect is one wire format of an API: its table in llm/dialect/<name>.c, its readers and writers in
 * files beside it, one line in dialect.def.
 *
 * Same format on both sides: bytes go through, and the dialect only looks at what passes (event, answer).
 * Different formats: the client's dialect reads the request into a chat and writes the answer from
 * neutral events; the provider's writes the request from the chat and reads the answer into events.
 * A dialect that no client speaks to us leaves the client's half NULL, and the other way round.
 *
 * All functions are pure but for their arenas.  A false or an error from one that has an arena and no
 * fault to fill means out of memory.
 */
#ifndef LLM_DIALECT_H
#define LLM_DIALECT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "llm/chat.h"
#include "llm/chat_answer.h"
#include "llm/chat_event.h"
#include "llm/endpoint_kind.h"
#include "llm/model_facts.h"
#include "llm/tool_names.h"
#include "llm/unsupported.h"
#include "llm/usage.h"
#include "wire/head.h"
#include "wire/json_write.h"

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
    bool complete; /* formats without a terminal event (Gemini): the stream may end from here on,
                           though more may follow */
};

struct stream_failure { /* what a writer of an in-stream error has to say */
    enum err err;
    str message;
    str request_id;
    str answer_id, model; /* null: unknown */
    uint64_t events;      /* events relayed so far: a sequence number where the format has one */
};

/* --- The client's half ---------------------------------------------------------------------------- */

/* A request to be read.  The body is an object, the model and `stream` are known already (from the body,
 * or from the path where the format has them there). */
struct chat_source {
    const struct json_doc *doc; /* indexed in full */
    const struct headers *headers;
    str model;
    bool stream;
    struct chat_fault fault; /* filled on errors */
};

/* An answer being written to a client. */
struct answer_writer {
    const struct dialect *dialect;
    struct arena *arena,
        *scratch;            /* of the request; of the event: the caller releases it after each */
    struct buf *out;         /* bytes for the client are appended */
    const struct chat *chat; /* what was asked */
    enum endpoint_kind kind; /* the client's: COMPLETIONS is chat's older form */
    bool array;              /* Gemini without alt=sse: the stream is one JSON array */
    str id;         /* the provider's id of the answer when it may be used as it is, else one made
                         by the gateway: 24 letters and digits, without prefix */
    bool id_is_own; /* the latter: a prefix of the format's goes before it */
    str model;      /* that the answer names */
    str request_id;
    int64_t created_s;
    uint64_t events; /* written so far; the writer counts (Responses: the next sequence_number) */
    void *state;     /* dialect->writer_size bytes, zeroed */
};

struct client_error { /* an error answer, or one in a stream */
    enum err err;
    int status;
    str message;
    str type, code; /* the provider's, for errors that it worded; null: those of `err` */
    str param;      /* null: none */
    str request_id;
};

/* --- The provider's half --------------------------------------------------------------------------- */

struct provider_conf;

/* Where a chat is to go, and what the writer tells about how it went there. */
struct chat_target {
    str model; /* its name there */
    const struct model_facts *facts;
    const struct provider_conf *conf;
    enum endpoint_kind kind; /* which of the provider's endpoints is asked */
    bool stream;
    struct arena *arena;
    struct unsupported *unsupported; /* writers report here, and stop when its fault is set */
    /* Filled by the writer: */
    str beta; /* value of the format's beta field (anthropic-beta); null: none */
    bool
        json_tool; /* structured output was asked for by the forced tool JSON_TOOL_NAME: its arguments
                       are the answer's text */
};

#define JSON_TOOL_NAME "json_tool_call"

/* A provider's answer being read.  A unit is what the framing cuts: an SSE event, a line, a frame. */
struct answer_reader {
    const struct dialect *dialect;
    struct arena *arena,
        *scratch; /* of the request, for little; of the unit: the caller releases it */
    struct chat_sink to;
    const struct chat *chat;
    const struct chat_target *target;
    bool ended;  /* END or FAILED was emitted: nothing may follow */
    void *state; /* dialect->reader_size bytes, zeroed */
};

enum framing { FRAMING_SSE, FRAMING_LINES /* NDJSON */, FRAMING_AWS /* event stream, binary */ };

struct dialect {
    const char *name;
    enum native_format native; /* whose signatures, native blocks and extras are its own */
    /* One event of a stream: name (null or empty: none) and data. */
    void (*event)(str name, str data, struct arena *scratch, struct event_facts *out);
    /* Usage and finish reason of a whole answer (body is JSON); unknown ones are left alone. */
    void (*answer)(str body, struct arena *scratch, struct event_facts *out);
    /* Appends the event(s) that tell the client of a failure after content (spec of each API). */
    void (*write_failure)(struct buf *out, const struct stream_failure *f);
    bool
        has_end; /* streams end by EVENT_END, or after a `complete` event; one that ends without either
                     is truncated */
    /* Errors come between events too, as bare JSON without a field's name (Gemini): a block that is no
     * event and has more than comments and blank lines is given to event() and read_unit() as data. */
    bool bare_json;

    /* The client's half. */
    enum err (*read_request)(struct chat_source *in, struct chat *out);
    size_t writer_size;
    /* Streams: the bytes for one event.  END writes the format's own end; FAILED is never given
     * (write_failure is used). */
    void (*write_event)(struct answer_writer *w, const struct chat_event *ev);
    void (*write_answer)(struct answer_writer *w, const struct chat_answer *a);
    /* An error answer's body.  The same for all endpoints of the format. */
    void (*write_error)(struct buf *out, const struct client_error *e);
    /* Status that the format's clients understand for it (Anthropic: 529); NULL: as it is. */
    int (*client_status)(enum err err, int status);
    str keepalive;   /* what fills a silence in a stream; null: a comment */
    str stream_type; /* content-type of a streamed answer; null: text/event-stream */

    /* The provider's half. */
    enum framing framing;
    const struct name_rule *tool_names; /* tools' names are made legal by it; NULL: any name is */
    /* The body; false: no memory, or t->unsupported->fault is set. */
    bool (*write_request)(const struct chat *c, struct chat_target *t, struct buf *out);
    size_t reader_size;
    /* One unit of a stream (name: SSE's event field, a frame's :event-type or :exception-type; null). */
    void (*read_unit)(struct answer_reader *r, str name, str data);
    /* The framing has ended well.  Emits END if the answer is complete by now; when it does not, the
     * answer was cut. */
    void (*read_end)(struct answer_reader *r);
    /* A whole answer (2xx, JSON): all events, END or FAILED the last. */
    void (*read_answer)(struct answer_reader *r, str body);
    /* An error answer's body, however odd; texts in the arena or the body. */
    void (*read_error)(str body, struct arena *a, struct provider_fault *out);
};

/* Fills what is common, allocates the state.  False: no memory. */
bool answer_reader_init(struct answer_reader *r, const struct dialect *d, struct arena *a,
                        struct arena *scratch, const struct chat_sink *to);
bool answer_writer_init(struct answer_writer *w, const struct dialect *d, struct arena *a,
                        struct arena *scratch, struct buf *out);
/* Emits FAILED of kind `err` (UPSTREAM_MALFORMED: not readable) with what the provider said; once. */
void answer_reader_fail(struct answer_reader *r, enum err err, const struct provider_fault *fault);

/* Helpers of writers of JSON: a member when it is given, and nothing otherwise. */
void json_write_member_given(struct json_write *w, str key,
                             str json); /* JSON text, as numbers are */
void json_write_member_raw_string(struct json_write *w, str key, struct raw text);

/* The dialect of an endpoint; never NULL. */
const struct dialect *dialect_of(enum endpoint_kind kind);

const struct dialect *dialect_at(unsigned i); /* walks all; NULL past the end */

#endif
