/*
 * One vendor's API, as the mock speaks it: a file mock_<api>.c and a line in mock_api.def.  Written from
 * the vendor's documents, not with the gateway's own readers and writers: what they get wrong must not
 * be right here.  Pure: the request goes in, bytes come out.
 */
#ifndef APP_MOCK_API_H
#define APP_MOCK_API_H

#include "app/mock_script.h"
#include "base/buf.h"
#include "llm/endpoint_kind.h"
#include "wire/head.h"
#include "wire/json.h"

struct mock_api;

struct mock_question {
    const struct mock_api *api;
    const struct request_head *head;
    enum endpoint_kind kind;
    str rest;
    str body;            /* of JSON bodies */
    struct json_doc doc; /* of `body`, indexed in full; count 0: none */
    str model;           /* as asked, without wishes */
    bool stream, usage;  /* usage: stream_options.include_usage */
    uint64_t bytes;      /* of the body */
    uint64_t id;         /* makes ids unique */
    struct arena *arena;
    const struct mock_plan *plan;
    struct mock_script script; /* what is to be said: made by the api's `judge` */
};

struct mock_error { /* what an error answer says */
    int status;
    const char *message;
    str param; /* null: none */
};

struct mock_api {
    const char *name;
    /* Whether the path is this API's; then kind, rest, and model and stream if they are in the path. */
    bool (*owns)(const struct request_head *head, struct mock_question *q, struct arena *a);
    /* Model and stream, where they are in the body; wishes after the model's name are taken by the
     * caller.  NULL: members `model` and `stream`. */
    void (*read)(struct mock_question *q);
    /* Judges by the vendor's rules (roles in order, ids answered, fields known, signature of the request)
     * and fills q->script with mock_script_make.  False: *e says what is wrong. */
    bool (*judge)(struct mock_question *q, struct mock_error *e);
    /* A whole answer; *content_type is set. */
    void (*answer)(const struct mock_question *q, struct buf *out, str *content_type);
    /* Event i of a streamed answer, 0 first.  False: the stream has ended.  *is_token: it takes its time. */
    bool (*event)(const struct mock_question *q, unsigned i, struct buf *out, bool *is_token);
    /* The vendor's error: a whole body, and the bytes of one in a stream. */
    void (*error)(const struct mock_question *q, const struct mock_error *e, struct buf *out);
    void (*stream_error)(const struct mock_question *q, const struct mock_error *e,
                         struct buf *out);
    bool (*streams)(const struct mock_question *q); /* NULL: q->stream */
    const char *stream_type;                        /* NULL: text/event-stream */
    /* Fields that the vendor's answers carry (request id, rate limits); NULL: none. */
    bool (*fields)(const struct mock_question *q, int status, struct headers *h, struct arena *a);
};

const struct mock_api *mock_api_at(unsigned i); /* walks all; NULL past the end */

#endif
