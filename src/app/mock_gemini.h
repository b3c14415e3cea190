/* Google's Gemini in the mock, Developer API and Vertex AI: what it refuses, and what its models are. */
#ifndef APP_MOCK_GEMINI_H
#define APP_MOCK_GEMINI_H

#include "app/mock_api.h"

struct mock_gemini_model {
    const char *name;            /* a glob */
    bool third;                  /* ids and signatures on calls; always thinks */
    bool level;                  /* thinkingLevel; else a budget */
    bool minimal, medium, xhigh; /* levels beside LOW and HIGH */
    bool prefill;                /* takes a model's turn at the end */
    bool json_schema;            /* parametersJsonSchema, responseJsonSchema */
};

/* Never NULL: a name that is not known is one of the newest. */
const struct mock_gemini_model *mock_gemini_model(str name);
const struct mock_gemini_model *mock_gemini_model_at(unsigned i); /* NULL past the end */

/* The member in either spelling of proto JSON, or JSON_NONE; name in lowerCamelCase. */
uint32_t mock_gemini_member(const struct mock_question *q, uint32_t object, const char *name);

/* Holds a generateContent request against the vendor's rules. */
bool mock_gemini_judge(struct mock_question *q, struct mock_error *e);

/* The answer to what is no chat; false: it is one. */
bool mock_gemini_other(const struct mock_question *q, struct buf *out);

/* As Google words an unknown member; false always. */
bool mock_gemini_unknown(const struct mock_question *q, str name, const char *at,
                         struct mock_error *e);

#endif
