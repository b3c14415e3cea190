/*
 * JSON Schema as clients have it, made into what Gemini takes (gemini sheet section 8):
 *
 *   SCHEMA_OPENAPI  `parameters`, `responseSchema`: a strict message with types in capitals.  $ref is
 *                   written out (a reference into itself at most twice, then any object), allOf merged,
 *                   oneOf becomes anyOf, const an enum, null among types `nullable`
 *   SCHEMA_JSON     `parametersJsonSchema`, `responseJsonSchema`: a part of JSON Schema.  $ref to $defs
 *                   stays, what the part lacks is rewritten where that is possible
 *
 * What neither has is left out and named.  Annotations ($schema, $comment, examples) go without a word.
 */
#ifndef LLM_SCHEMA_GEMINI_H
#define LLM_SCHEMA_GEMINI_H

#include "base/buf.h"
#include "llm/chat.h"

enum schema_form { SCHEMA_OPENAPI, SCHEMA_JSON };

/* Appends the schema to `out`.  *lost: keywords that were left out, each once, in the arena.
 * FIELD_INVALID: not a JSON object; BODY_TOO_LARGE: too large once its references are written out;
 * NO_MEMORY.  After an error `out` is as it was. */
enum err schema_gemini_write(str schema, enum schema_form form, struct arena *a, struct buf *out,
                             struct name_list **lost) must_check;

/* The other way: a `Schema` message (any case of types, `nullable`, both spellings of names) as JSON
 * Schema, in the arena.  `node` is an object.  ERR_NO_MEMORY only. */
enum err schema_gemini_read(const struct json_doc *doc, uint32_t node, struct arena *a,
                            str *out) must_check;

#endif
