/*
 * AWS Bedrock's Converse and ConverseStream.  Only providers speak it to us; clients come by
 * other formats, so nothing of it passes by unread.
 */
#include "llm/dialect/bedrock_impl.h"

const struct dialect dialect_bedrock = {
    .name = "bedrock",
    .native = NATIVE_BEDROCK,
    .has_end = true,
    .framing = FRAMING_AWS,
    .tool_names = &name_rule_openai,
    .write_request = bedrock_write_request,
    .reader_size = sizeof(struct bedrock_reader),
    .read_unit = bedrock_read_unit,
    .read_end = bedrock_read_end,
    .read_answer = bedrock_read_answer,
    .read_error = bedrock_read_error,
};
