/*
 * What is known of a model: window, limits, abilities, prices.  The built-in table comes from
 * src/llm/catalogue.csv (tools/gen-catalogue); a provider's own model list and the configuration override.
 * A model that nobody knows has model_facts_unknown: generous abilities, no prices.
 */
#ifndef LLM_MODEL_FACTS_H
#define LLM_MODEL_FACTS_H

#include "base/str.h"
#include "llm/chat.h"

#define MODEL_ABILITIES(X)                                                                         \
    X(VISION, "vision", "takes images")                                                            \
    X(IMAGE_URL, "image_url", "fetches images by https itself")                                    \
    X(AUDIO, "audio", "takes audio")                                                               \
    X(VIDEO, "video", "takes video")                                                               \
    X(PDF, "pdf", "takes PDF documents")                                                           \
    X(TOOLS, "tools", "calls tools")                                                               \
    X(FORCED_TOOL, "forced_tool", "can be forced to call a (named) tool")                          \
    X(PARALLEL_TOOLS, "parallel_tools", "several calls in one answer")                             \
    X(JSON_SCHEMA, "json_schema", "native structured output")                                      \
    X(SCHEMA_WITH_TOOLS, "schema_with_tools", "structured output and tools in one request")        \
    X(REASONING, "reasoning", "can think")                                                         \
    X(ALWAYS_REASONS, "always_reasons", "thinking cannot be switched off")                         \
    X(ADAPTIVE, "adaptive", "Anthropic: thinking adaptive, with output_config.effort")             \
    X(BUDGET, "budget", "takes a thinking budget in tokens")                                       \
    X(LEVEL, "level", "Gemini: thinkingLevel")                                                     \
    X(SAMPLING, "sampling", "takes temperature, top_p, top_k")                                     \
    X(TEMPERATURE_WITH_TOP_P, "temperature_with_top_p", "both at once")                            \
    X(PREFILL, "prefill", "continues a last assistant turn")                                       \
    X(MID_SYSTEM, "mid_system", "takes system turns within the conversation")                      \
    X(DEVELOPER_ROLE, "developer_role", "OpenAI: system text as role developer")                   \
    X(COMPLETION_TOKENS, "completion_tokens", "OpenAI: max_completion_tokens, not max_tokens")     \
    X(RESPONSES_ONLY, "responses_only", "OpenAI: only on /responses")                              \
    X(TOOLS_RESPONSES, "tools_responses",                                                          \
      "OpenAI: function tools with reasoning only on /responses")                                  \
    X(CACHE_MARKS, "cache_marks", "takes marks for prompt caching")                                \
    X(STOP, "stop", "takes stop sequences")                                                        \
    X(PENALTIES, "penalties", "takes presence and frequency penalties")                            \
    X(EMBEDDING, "embedding", "makes embeddings, does not chat")                                   \
    X(CALL_IDS, "call_ids", "Gemini: ids on function calls")

enum model_ability {
#define MODEL_ABILITY(id, name, help) MODEL_##id,
    MODEL_ABILITIES(MODEL_ABILITY)
#undef MODEL_ABILITY
        MODEL_ABILITY_COUNT
};

struct model_facts {
    str vendor, name;            /* "anthropic", "claude-opus-5*": a glob */
    uint64_t abilities;          /* bits of enum model_ability */
    uint16_t efforts;            /* bits of enum effort that it takes; 0: takes none */
    uint8_t effort_default;      /* enum effort */
    uint32_t window, output_max; /* tokens; 0: unknown */
    double price_input, price_cached, price_cache_write,
        price_output; /* dollars per million; < 0: unknown */
};

extern const struct model_facts model_facts_unknown;

/* vendor: a provider type ("anthropic", "bedrock", "gemini", "openai", "azure", "ollama", …); the
 * longest glob that fits; ids as vendors write them ("eu.anthropic.claude-…-v1:0", ARNs, "models/…",
 * "claude-…@20250929").  Never NULL. */
const struct model_facts *model_facts_find(str vendor, str model);

static inline bool model_can(const struct model_facts *f, enum model_ability a)
{
    return f->abilities & (UINT64_C(1) << a);
}

/* The nearest effort that the model takes: the same, else the next below, else the next above;
 * EFFORT_UNSET: it takes none. */
enum effort model_effort(const struct model_facts *f, enum effort wanted);

/* "low"; NULL for UNSET.  And back: UNSET for what is no effort. */
const char *effort_name(enum effort e);
enum effort effort_of(str name);

#endif
