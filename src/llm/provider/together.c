/* Together AI: OpenAI's format. */
#include "llm/provider.h"

/* 403 says that prompt and max_tokens exceed the context; a refused key is 401. */
static enum err classify(int status, str body)
{
    return status == 403 ? ERR_UPSTREAM_REFUSED_REQUEST : provider_classify_default(status, body);
}

const struct provider provider_together = {
    .name = "together",
    .base_url = "https://api.together.xyz/v1",
    .key_env = "TOGETHER_API_KEY",
    .key_required = true,
    .endpoints = ENDPOINT_BIT(CHAT) | ENDPOINT_BIT(COMPLETIONS) | ENDPOINT_BIT(EMBEDDINGS) |
                 ENDPOINT_BIT(IMAGES_GENERATE) | ENDPOINT_BIT(SPEECH) |
                 ENDPOINT_BIT(TRANSCRIPTION) | ENDPOINT_BIT(TRANSLATION) | ENDPOINT_BIT(RERANK) |
                 ENDPOINT_BIT(FILES) | ENDPOINT_BIT(BATCHES) | ENDPOINT_BIT(MODELS),
    .classify = classify,
};
