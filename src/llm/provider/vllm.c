/* vLLM's server: OpenAI's format and extras, optional key. */
#include "llm/openai_api.h"
#include "llm/provider.h"

const struct provider provider_vllm = {
    .name = "vllm",
    .base_url = "http://127.0.0.1:8000/v1",
    .key_env = "VLLM_API_KEY",
    .endpoints = ENDPOINT_BIT(CHAT) | ENDPOINT_BIT(COMPLETIONS) | ENDPOINT_BIT(EMBEDDINGS) |
                 ENDPOINT_BIT(RESPONSES) | ENDPOINT_BIT(RESPONSES_TOKENS) |
                 ENDPOINT_BIT(RESPONSES_COMPACT) | ENDPOINT_BIT(RESPONSES_STORED) |
                 ENDPOINT_BIT(TRANSCRIPTION) | ENDPOINT_BIT(TRANSLATION) | ENDPOINT_BIT(RERANK) |
                 ENDPOINT_BIT(MODELS),
    .endpoints_of = openai_endpoints,
    .translate = openai_translate,
    .refuses = openai_refuses,
};
