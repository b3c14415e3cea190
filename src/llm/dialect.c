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
    case ENDPOINT_MESSAGES:
    case ENDPOINT_MESSAGES_COUNT:
        return &dialect_anthropic;
    case ENDPOINT_GENERATE:
    case ENDPOINT_GENERATE_COUNT:
    case ENDPOINT_EMBED:
    case ENDPOINT_EMBED_BATCH:
    case ENDPOINT_PREDICT:
        return &dialect_gemini;
    case ENDPOINT_CONVERSE:
    case ENDPOINT_INVOKE:
        return &dialect_bedrock;
    case ENDPOINT_OLLAMA_CHAT:
    case ENDPOINT_OLLAMA_EMBED:
        return &dialect_ollama;
    case ENDPOINT_COHERE_CHAT:
    case ENDPOINT_COHERE_EMBED:
        return &dialect_cohere;
    default:
        return &dialect_relay;
    }
}

/* --- Readers and writers ------------------------------------------------------------------------- */

bool answer_reader_init(struct answer_reader *r, const struct dialect *d, struct arena *a,
                        struct arena *scratch, const struct chat_sink *to)
{
    *r = (struct answer_reader){.dialect = d, .arena = a, .scratch = scratch, .to = *to};
    if (d->reader_size)
        r->state = arena_zalloc(a, d->reader_size);
    return !d->reader_size || r->state;
}

bool answer_writer_init(struct answer_writer *w, const struct dialect *d, struct arena *a,
                        struct arena *scratch, struct buf *out)
{
    *w = (struct answer_writer){.dialect = d, .arena = a, .scratch = scratch, .out = out};
    if (d->writer_size)
        w->state = arena_zalloc(a, d->writer_size);
    return !d->writer_size || w->state;
}

void answer_reader_fail(struct answer_reader *r, enum err err, const struct provider_fault *fault)
{
    struct chat_event ev = {.kind = CHAT_FAILED, .err = err};
    if (r->ended)
        return;
    if (fault)
        ev.fault = *fault;
    r->ended = true;
    chat_emit(&r->to, &ev);
}

void json_write_member_given(struct json_write *w, str key, str json)
{
    if (!str_is_null(json))
        json_write_member_raw(w, key, json);
}

void json_write_member_raw_string(struct json_write *w, str key, struct raw text)
{
    if (str_is_null(text.s))
        return;
    json_write_key(w, key);
    json_write_raw_string(w, text.s);
}
