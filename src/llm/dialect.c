#include "llm/dialect.h"

#define DIALECT(symbol) extern const struct dialect dialect_##symbol;
#include "llm/dialect.def"
#undef DIALECT

static const struct dialect *const dialects[] = {
#define DIALECT(symbol) &dialect_##symbol,
#include "llm/dialect.def"
#undef DIALECT
};

const struct dialect *dialect_at(unsigned i)
{
    return i < ARRAY_LEN(dialects) ? dialects[i] : NULL;
}

const struct dialect *dialect_of(enum endpoint_kind kind)
{
    switch (kind) {
    case ENDPOINT_CHAT:
    case ENDPOINT_COMPLETIONS:
        return &dialect_openai_chat;
    case ENDPOINT_RESPONSES:
    case ENDPOINT_RESPONSES_STORED:
        return &dialect_openai_responses;
    default:
        return &dialect_relay;
    }
}
