/* The mock inside the program: what answers when no provider was configured or found.  Its endpoint
 * is a socket of our own, set when the snapshot is made. */
#include "llm/provider.h"

const struct provider provider_demo = {
    .name = "demo",
    .base_url = "http://demo.invalid/v1",
    .endpoints = UINT64_MAX,
};
