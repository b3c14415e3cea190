/* What the files of the mock's Bedrock share. */
#ifndef APP_MOCK_BEDROCK_H
#define APP_MOCK_BEDROCK_H

#include "app/mock_api.h"

/* By AWS's rules; false: *e says what is wrong. */
bool mock_bedrock_judge_converse(const struct mock_question *q, struct mock_error *e);
bool mock_bedrock_judge_invoke(const struct mock_question *q, struct mock_error *e);

/* The body of InvokeModel for models that make embeddings. */
void mock_bedrock_answer_invoke(const struct mock_question *q, struct buf *out);

#endif
