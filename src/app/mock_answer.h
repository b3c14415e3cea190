/*
 * What the mock says: bodies and events of OpenAI's API, made up.  Pure: the request goes in, text
 * comes out.
 */
#ifndef APP_MOCK_ANSWER_H
#define APP_MOCK_ANSWER_H

#include "app/mock_plan.h"
#include "base/buf.h"
#include "llm/endpoint_kind.h"
#include "wire/json.h"

struct mock_question {
    enum endpoint_kind kind;
    str rest;
    struct json_doc doc; /* of JSON bodies; count 0: none */
    str model;           /* as asked, without wishes */
    bool stream, usage;  /* usage: stream_options.include_usage */
    uint64_t bytes;      /* of the body */
    uint64_t id;         /* makes ids unique */
    const struct mock_plan *plan;
};

/* NULL: fine; else what is wrong, *param the field. */
const char *mock_judge(const struct mock_question *q, str *param);

/* A whole answer; *content_type is set. */
void mock_answer(const struct mock_question *q, struct buf *out, str *content_type);

/* Event i of a streamed answer (0 first).  False: there is no such event, the stream has ended.
 * *is_token: it carries a token, and takes its time. */
bool mock_event(const struct mock_question *q, unsigned i, struct buf *out, bool *is_token);

#endif
