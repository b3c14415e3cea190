/* The kinds of endpoint, from endpoint.def. */
#ifndef LLM_ENDPOINT_KIND_H
#define LLM_ENDPOINT_KIND_H

#include "base/str.h"

enum endpoint_kind {
#define ENDPOINT(id, name, path, methods, body) ENDPOINT_##id,
#include "llm/endpoint.def"
#undef ENDPOINT
    ENDPOINT_KIND_COUNT
};

enum endpoint_methods {
    ENDPOINT_METHODS_POST,
    ENDPOINT_METHODS_GET,
    ENDPOINT_METHODS_FAMILY,
    ENDPOINT_METHODS_NEVER
};
enum endpoint_body {
    ENDPOINT_BODY_JSON,
    ENDPOINT_BODY_FORM,
    ENDPOINT_BODY_RAW,
    ENDPOINT_BODY_NONE
};

struct endpoint_facts {
    str name, path;
    enum endpoint_methods methods;
    enum endpoint_body body;
};

const struct endpoint_facts *endpoint_facts(enum endpoint_kind kind);

/*
 * Which endpoint a request is for.  `path` is without the version prefix ("/chat/completions").
 * Found: *kind, and *rest is what follows the kind's own path ("/file-abc/content", or "").
 */
enum endpoint_lookup { ENDPOINT_FOUND, ENDPOINT_METHOD_WRONG, ENDPOINT_PATH_UNKNOWN };
enum endpoint_lookup endpoint_find(str path, str method, enum endpoint_kind *kind, str *rest);

/* The `allow` field for a known path. */
str endpoint_allow(str path);

#define ENDPOINT_BIT(id) (UINT64_C(1) << ENDPOINT_##id)

#endif
