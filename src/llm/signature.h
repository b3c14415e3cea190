/*
 * Signatures and encrypted reasoning travel through clients of other formats in that format's own place
 * for opaque text, wrapped so that we know our own when it comes back:
 *
 *   "gw1.<a|b|g|o>.<text>"         for clients whose place takes any string (Anthropic, OpenAI)
 *   base64("gw1.<a|b|g|o>.<text>") for clients whose place must be base64 (Gemini's thoughtSignature)
 *
 * A signature of the client's own format is never wrapped.
 */
#ifndef LLM_SIGNATURE_H
#define LLM_SIGNATURE_H

#include "llm/chat.h"

/* What a client of format `client` gets; null str: no memory. */
str signature_wrap(struct arena *a, enum native_format client, enum native_format maker,
                   str opaque);

/* Whose it is, and in *out the maker's own text (in the arena or within `text`). */
enum native_format signature_unwrap(struct arena *a, enum native_format client, str text, str *out);

#endif
