#include "llm/dialect/bedrock_family.h"

#include "base/check.h"

/* The first that fits: longer ids before those that they begin with. */
static const struct bedrock_family families[] = {
    {.id = "anthropic.claude",
     .name = "claude",
     .maker = BEDROCK_CLAUDE,
     .top_k = TOP_K_PLAIN,
     .reasoning = BEDROCK_REASONING_CLAUDE,
     .choice = true,
     .status = true},
    {.id = "amazon.nova",
     .name = "nova",
     .maker = BEDROCK_NOVA,
     .top_k = TOP_K_NOVA,
     .reasoning = BEDROCK_REASONING_NOVA,
     .choice = true,
     .status = true},
    {.id = "openai.gpt-oss",
     .name = "gpt-oss",
     .maker = BEDROCK_OPEN,
     .reasoning = BEDROCK_REASONING_EFFORT,
     .no_stop = true},
    {.id = "openai.",
     .name = "gpt-",
     .maker = BEDROCK_GPT,
     .reasoning = BEDROCK_REASONING_GPT,
     .no_stop = true,
     .no_sampling = true},
    {.id = "mistral.mistral-7b",
     .name = "mistral-7b",
     .maker = BEDROCK_OPEN,
     .top_k = TOP_K_PLAIN,
     .no_system = true,
     .short_ids = true},
    {.id = "mistral.mixtral",
     .name = "mixtral",
     .maker = BEDROCK_OPEN,
     .top_k = TOP_K_PLAIN,
     .no_system = true,
     .short_ids = true},
    {.id = "mistral.",
     .name = "mistral",
     .maker = BEDROCK_OPEN,
     .top_k = TOP_K_PLAIN,
     .choice = true,
     .short_ids = true},
    {.id = "amazon.titan", .name = "titan", .maker = BEDROCK_OPEN, .no_system = true},
    {.id = "cohere.command",
     .name = "command",
     .maker = BEDROCK_OPEN,
     .top_k = TOP_K_COHERE,
     .penalties = true},
    {.id = "ai21.jamba", .name = "jamba", .maker = BEDROCK_OPEN, .penalties = true},
    {.id = "deepseek.",
     .name = "deepseek",
     .maker = BEDROCK_OPEN,
     .reasoning = BEDROCK_REASONING_EFFORT},
    {.id = "qwen.", .name = "qwen", .maker = BEDROCK_OPEN, .reasoning = BEDROCK_REASONING_EFFORT},
    {.id = "zai.", .name = "glm", .maker = BEDROCK_OPEN, .reasoning = BEDROCK_REASONING_EFFORT},
    {.id = "meta.llama", .name = "llama", .maker = BEDROCK_OPEN},
    {.id = "moonshot", .name = "kimi", .maker = BEDROCK_OPEN},
    {.id = "minimax.", .name = "minimax", .maker = BEDROCK_OPEN},
    {.id = "google.", .name = "gemma", .maker = BEDROCK_OPEN},
    {.id = "writer.", .name = "palmyra", .maker = BEDROCK_OPEN},
};

/* Nothing is known: what the common fields offer is sent, nothing beside them. */
static const struct bedrock_family unknown = {.choice = true, .status = true};

const struct bedrock_family *bedrock_family_of(str model, const struct model_facts *facts)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        if (str_find(model, str_from_c(families[i].id)) >= 0)
            return &families[i];
    if (facts == &model_facts_unknown)
        return &unknown;
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        if (str_starts(facts->name, str_from_c(families[i].name)))
            return &families[i];
    return &unknown;
}

bool bedrock_is_nova2(str model)
{
    return str_find(model, STR("nova-2")) >= 0;
}
