/*
 * Cohere's own API, POST /v2/chat.  Only providers speak it to us, clients come by other formats.
 */
#include "llm/dialect/cohere_impl.h"

const struct dialect dialect_cohere = {
    .name = "cohere",
    .has_end = true,
    .framing = FRAMING_SSE,
    .tool_names = &name_rule_openai,
    .write_request = cohere_write_request,
    .reader_size = sizeof(struct cohere_reader),
    .read_unit = cohere_read_unit,
    .read_end = cohere_read_end,
    .read_answer = cohere_read_answer,
    .read_error = cohere_read_error,
};
