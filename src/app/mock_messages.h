/* Anthropic's Messages API in the mock: what it refuses. */
#ifndef APP_MOCK_MESSAGES_H
#define APP_MOCK_MESSAGES_H

#include "app/mock_api.h"

/* Holds the request (head and body of messages or count_tokens) against the vendor's rules for the model. */
bool mock_messages_judge(const struct mock_question *q, struct mock_error *e);

/* What of the request the answer depends on. */
struct mock_messages_wish {
    bool thinks;
    bool forced;   /* a tool must be called: */
    str only;      /* this one; null: any */
    bool json;     /* output_config.format */
    bool answered; /* the last message has a tool's result */
    bool cached;   /* a cache mark is somewhere */
    uint64_t max_tokens;
};

void mock_messages_wish(const struct mock_question *q, struct mock_messages_wish *w);

/* Of thoughts only the signatures are shown. */
bool mock_messages_hides(const struct mock_question *q);

/* The error type that goes with a status. */
const char *mock_messages_error_type(int status);

#endif
