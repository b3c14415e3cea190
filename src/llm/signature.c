#include "llm/signature.h"

#include "base/base64.h"

#define MARK "gw1."

enum { MARK_LEN = sizeof(MARK) - 1, PREFIX_LEN = MARK_LEN + 2 /* letter and point */ };

static const struct {
    enum native_format format;
    char letter;
} letters[] = {
    {NATIVE_OPENAI, 'o'}, {NATIVE_ANTHROPIC, 'a'}, {NATIVE_GEMINI, 'g'}, {NATIVE_BEDROCK, 'b'}};

static bool needs_base64(enum native_format client)
{
    return client == NATIVE_GEMINI;
}

static char letter_of(enum native_format format)
{
    for (unsigned i = 0; i < ARRAY_LEN(letters); i++)
        if (letters[i].format == format)
            return letters[i].letter;
    return 'x';
}

str signature_wrap(struct arena *a, enum native_format client, enum native_format maker, str opaque)
{
    if (client == maker || maker == NATIVE_NONE)
        return opaque;
    const char letter = letter_of(maker);
    str pieces[] = {STR(MARK), str_make(&letter, 1), STR("."), opaque};
    str plain = arena_concat(a, pieces, ARRAY_LEN(pieces));
    if (str_is_null(plain) || !needs_base64(client))
        return plain;
    struct buf text;
    buf_init(&text, 0);
    base64_encode(&text, plain.ptr, plain.len);
    str out = text.failed ? STR_NULL : arena_str(a, buf_str(&text));
    buf_release(&text);
    return out;
}

/* The text without base64, when there is the mark under it. */
static str uncover(struct arena *a, enum native_format client, str text)
{
    if (!needs_base64(client))
        return text;
    char *plain = arena_alloc(a, base64_decoded_max(text));
    size_t len;
    if (!plain || !base64_decode(text, plain, &len))
        return text;
    str decoded = str_make(plain, len);
    return str_starts(decoded, STR(MARK)) ? decoded : text;
}

enum native_format signature_unwrap(struct arena *a, enum native_format client, str text, str *out)
{
    str plain = uncover(a, client, text);
    *out = text;
    if (plain.len < PREFIX_LEN || !str_starts(plain, STR(MARK)) || plain.ptr[PREFIX_LEN - 1] != '.')
        return client;
    for (unsigned i = 0; i < ARRAY_LEN(letters); i++) {
        if (letters[i].letter == plain.ptr[MARK_LEN]) {
            *out = str_from(plain, PREFIX_LEN);
            return letters[i].format;
        }
    }
    return client;
}
