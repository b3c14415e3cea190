/* OpenAI itself: Bearer key, organization and project fields. */
#include "llm/openai_api.h"
#include "llm/provider.h"

static bool authorize(const struct provider_request *r, struct headers *headers, struct arena *a)
{
    if (!provider_add_key(r, STR("authorization"), STR("Bearer"), headers, a))
        return false;
    if (r->conf->organization.len &&
        !head_add(headers, a, STR("openai-organization"), r->conf->organization))
        return false;
    return !r->conf->project.len || head_add(headers, a, STR("openai-project"), r->conf->project);
}

const struct provider provider_openai = {
    .name = "openai",
    .base_url = "https://api.openai.com/v1",
    .key_env = "OPENAI_API_KEY",
    .key_required = true,
    .endpoints = ENDPOINT_BIT(CHAT) | ENDPOINT_BIT(COMPLETIONS) | ENDPOINT_BIT(EMBEDDINGS) |
                 ENDPOINT_BIT(RESPONSES) | ENDPOINT_BIT(RESPONSES_TOKENS) |
                 ENDPOINT_BIT(RESPONSES_COMPACT) | ENDPOINT_BIT(RESPONSES_STORED) |
                 ENDPOINT_BIT(MODERATIONS) | ENDPOINT_BIT(IMAGES_GENERATE) |
                 ENDPOINT_BIT(IMAGES_EDIT) | ENDPOINT_BIT(IMAGES_VARIATION) | ENDPOINT_BIT(SPEECH) |
                 ENDPOINT_BIT(TRANSCRIPTION) | ENDPOINT_BIT(TRANSLATION) | ENDPOINT_BIT(FILES) |
                 ENDPOINT_BIT(BATCHES) | ENDPOINT_BIT(MODELS),
    .authorize = authorize,
    .endpoints_of = openai_endpoints,
    .translate = openai_translate,
    .refuses = openai_refuses,
};
