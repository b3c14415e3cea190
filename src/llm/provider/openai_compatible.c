/* Anything that speaks OpenAI's format at a base URL; every endpoint is tried. */
#include "llm/provider.h"

const struct provider provider_openai_compatible = {
    .name = "openai-compatible",
    .endpoints = UINT64_MAX,
};
