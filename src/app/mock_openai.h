/* What the files of the mock's OpenAI share. */
#ifndef APP_MOCK_OPENAI_H
#define APP_MOCK_OPENAI_H

#include "app/mock_api.h"

/* Holds the question against the vendor's rules, and fills its script. */
bool mock_openai_judge(struct mock_question *q, struct mock_error *e);

#endif
