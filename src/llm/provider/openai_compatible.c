/*
 * Anything that speaks OpenAI's format at a base URL.  Every endpoint of that format is tried, but /responses
 * of those who are known to have none, or one that loses what strict clients need (llama.cpp's).
 */
#include "llm/openai_api.h"
#include "llm/provider.h"

static bool has_responses(const struct provider_conf *p)
{
    static const str without[] = {
        STR_INIT("mistral"),  STR_INIT("deepseek"), STR_INIT("cerebras"),   STR_INIT("nvidia"),
        STR_INIT("llamacpp"), STR_INIT("sglang"),   STR_INIT("perplexity"), STR_INIT("tgi")};
    for (unsigned i = 0; i < ARRAY_LEN(without); i++)
        if (str_eq(p->preset, without[i]))
            return false;
    return true;
}

static uint64_t endpoints_of(const struct provider_conf *p)
{
    uint64_t all = openai_endpoints(p) & ~openai_foreign_endpoints;
    bool has = p->api == API_RESPONSES || has_responses(p);
    return has ? all : all & ~openai_responses_endpoints;
}

const struct provider provider_openai_compatible = {
    .name = "openai-compatible",
    .endpoints = UINT64_MAX,
    .endpoints_of = endpoints_of,
    .translate = openai_translate,
    .refuses = openai_refuses,
};
