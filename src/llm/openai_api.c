#include "llm/openai_api.h"

#include "llm/provider.h"

#include <string.h>

/* A budget in tokens as a level (mapping.md §18). */
static enum effort effort_of_budget(str budget)
{
    int64_t n;
    if (!json_to_i64(budget, &n) || n < 0)
        return EFFORT_MEDIUM; /* dynamic */
    return n == 0 ? EFFORT_NONE : n < 2048 ? EFFORT_LOW : n < 8192 ? EFFORT_MEDIUM : EFFORT_HIGH;
}

enum effort openai_asked_effort(const struct chat *c)
{
    if (c->effort != EFFORT_UNSET)
        return c->effort;
    if (c->thinking == NO)
        return EFFORT_NONE;
    return c->thinking_budget.len ? effort_of_budget(c->thinking_budget) : EFFORT_UNSET;
}

bool openai_will_reason(const struct model_facts *f, const struct chat *c)
{
    enum effort asked = openai_asked_effort(c);
    if (!model_can(f, MODEL_REASONING))
        return false;
    if (model_can(f, MODEL_ALWAYS_REASONS))
        return true;
    if (asked == EFFORT_UNSET)
        return f->effort_default != EFFORT_NONE;
    return model_effort(f, asked) != EFFORT_NONE;
}

static bool has_tools(const struct chat *c)
{
    for (const struct tool *t = c->tools; t; t = t->next)
        if (!t->from_history && (t->format == NATIVE_NONE || t->custom))
            return true;
    return false;
}

bool openai_wants_responses(const struct model_facts *f, const struct chat *c)
{
    if (model_can(f, MODEL_RESPONSES_ONLY))
        return true;
    if (!model_can(f, MODEL_TOOLS_RESPONSES))
        return false;
    return !c || (has_tools(c) && openai_will_reason(f, c));
}

/* --- Providers -------------------------------------------------------------------------------------------- */

const uint64_t openai_responses_endpoints =
    ENDPOINT_BIT(RESPONSES) | ENDPOINT_BIT(RESPONSES_TOKENS) | ENDPOINT_BIT(RESPONSES_COMPACT) |
    ENDPOINT_BIT(RESPONSES_STORED);

const uint64_t openai_foreign_endpoints =
    ENDPOINT_BIT(MESSAGES) | ENDPOINT_BIT(MESSAGES_COUNT) | ENDPOINT_BIT(GENERATE) |
    ENDPOINT_BIT(GENERATE_COUNT) | ENDPOINT_BIT(EMBED) | ENDPOINT_BIT(EMBED_BATCH) |
    ENDPOINT_BIT(PREDICT) | ENDPOINT_BIT(CONVERSE) | ENDPOINT_BIT(INVOKE) |
    ENDPOINT_BIT(OLLAMA_CHAT) | ENDPOINT_BIT(OLLAMA_EMBED) | ENDPOINT_BIT(COHERE_CHAT) |
    ENDPOINT_BIT(COHERE_EMBED);

uint64_t openai_endpoints(const struct provider_conf *p)
{
    uint64_t all = p->provider->endpoints;
    return p->api == API_CHAT ? all & ~openai_responses_endpoints : all;
}

/* Others who serve such models have rules of their own. */
static bool is_openai(const struct provider_conf *p)
{
    return strcmp(p->provider->name, "openai") == 0 || strcmp(p->provider->name, "azure") == 0;
}

static bool wants_responses(const struct provider_conf *p, str model, const struct chat *c)
{
    if (!(provider_endpoints(p) & ENDPOINT_BIT(RESPONSES)))
        return false;
    if (p->api == API_RESPONSES)
        return true;
    return is_openai(p) && openai_wants_responses(provider_model_facts(p, model), c);
}

enum endpoint_kind openai_translate(const struct provider_conf *p, enum endpoint_kind asked,
                                    str model, const struct chat *c)
{
    enum endpoint_kind usual = provider_translate_default(p, asked, model, c);
    return usual == ENDPOINT_CHAT && wants_responses(p, model, c) ? ENDPOINT_RESPONSES : usual;
}

bool openai_refuses(const struct provider_conf *p, enum endpoint_kind asked, str model,
                    const struct chat *c)
{
    return asked == ENDPOINT_CHAT && wants_responses(p, model, c);
}
