/* What the files of the mock's OpenAI share. */
#ifndef APP_MOCK_OPENAI_H
#define APP_MOCK_OPENAI_H

#include "app/mock_api.h"

/* The endpoint of a path of OpenAI's or Azure's, with its prefix. */
bool mock_openai_find(const struct request_head *head, struct mock_question *q, struct arena *a);

void mock_openai_error(const struct mock_question *q, const struct mock_error *e, struct buf *out);
bool mock_openai_fields(const struct mock_question *q, int status, struct headers *h,
                        struct arena *a);

/* Holds the question against the vendor's rules, and fills its script. */
bool mock_openai_judge(struct mock_question *q, struct mock_error *e);

#endif
