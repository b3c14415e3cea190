/* What the files of the mock's Responses API share. */
#ifndef APP_MOCK_RESPONSES_H
#define APP_MOCK_RESPONSES_H

#include "app/mock_openai.h"

struct mock_responses_tool { /* that may be called */
    str name, space;         /* space: its namespace, or null */
    bool custom;
};

struct mock_responses_wish { /* what the question asks for */
    const struct mock_responses_tool *tools;
    unsigned tool_count;
    bool forced;   /* to call a tool */
    bool answered; /* the last item is a tool's result */
    bool json, thinks, summary, cached;
    uint64_t max_tokens;
};

/* Holds the question against the vendor's rules. */
bool mock_responses_judge(const struct mock_question *q, struct mock_error *e);
void mock_responses_wish(const struct mock_question *q, struct mock_responses_wish *out);

#endif
