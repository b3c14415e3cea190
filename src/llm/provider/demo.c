/* The mock inside the program: what answers when no provider was configured or found.  Its endpoint
 * is a socket of our own, set when the snapshot is made.  It is asked in OpenAI's format alone, so that the
 * first request of any client shows the translation, too. */
#include "llm/openai_api.h"
#include "llm/provider.h"

static uint64_t endpoints_of(const struct provider_conf *p)
{
    return p->provider->endpoints & ~openai_foreign_endpoints;
}

const struct provider provider_demo = {
    .name = "demo",
    .base_url = "http://demo.invalid/v1",
    .endpoints = UINT64_MAX,
    .endpoints_of = endpoints_of,
};
