/*
 * Paths of Google's APIs, which name the model and what to do with it, as clients of the gateway ask
 * them:
 *
 *   /v1 | /v1beta | /v1alpha  /models/{model}:{method}, GET /models (not under /v1), GET /models/{model}
 *   /v1 | /v1beta1            [/projects/{p}/locations/{l}] /publishers/{who}/models/{model}:{method}
 *
 * A model's name may hold slashes and colons: the method is what follows the last colon.
 */
#ifndef LLM_GEMINI_PATH_H
#define LLM_GEMINI_PATH_H

#include "llm/endpoint_kind.h"

struct gemini_path {
    enum endpoint_kind kind; /* GENERATE, GENERATE_COUNT, EMBED, EMBED_BATCH, MODELS */
    str model;   /* a piece of the path (url_path_id decodes it); null: the list of models */
    bool stream; /* :streamGenerateContent */
    bool
        array; /* the same without alt=sse: its answer would be one JSON array, element by element */
    bool vertex; /* Vertex AI's form */
};

enum gemini_path_result {
    GEMINI_PATH_FOUND,
    GEMINI_PATH_FOREIGN, /* not of this kind (also GET /v1/models: OpenAI's, unless fields differ) */
    GEMINI_PATH_UNKNOWN,      /* of this kind, but there is no such method */
    GEMINI_PATH_METHOD_WRONG, /* POST for what is to be got, or the other way round */
};

/* path: normalised, without query; query: raw, may be null; method: "POST".  METHOD_WRONG: out->kind says
 * what for (MODELS: GET and HEAD; else POST). */
enum gemini_path_result gemini_path_read(str path, str query, str method, struct gemini_path *out);

#endif
