#include "llm/dialect/openai_usage.h"

/* The number of the first of two names that is there; -1: neither. */
static int64_t number(const struct json_doc *doc, uint32_t object, str name, str other,
                      bool *clamped)
{
    uint32_t node = json_member(doc, object, name);
    if (!json_is(doc, node, JSON_NUMBER))
        node = json_member(doc, object, other);
    if (!json_is(doc, node, JSON_NUMBER))
        return -1;
    int64_t value;
    bool whole = json_to_i64(json_raw(doc, node), &value);
    if (whole && value >= 0 && value <= USAGE_MAX)
        return value;
    *clamped = true;
    return whole && value < 0 ? 0 : USAGE_MAX;
}

/* Takes `part` out of `whole`, which the format counts it in. */
static int64_t without(int64_t whole, int64_t part, bool *clamped)
{
    if (part <= 0)
        return whole;
    if (part <= whole)
        return whole - part;
    *clamped = true;
    return 0;
}

void openai_usage_read(const struct json_doc *doc, uint32_t usage, struct usage *out)
{
    if (!json_is(doc, usage, JSON_OBJECT) || json_node(doc, usage)->opaque)
        return;
    struct usage u = {.known = true};
    uint32_t in = json_member(doc, usage, STR("prompt_tokens_details"));
    uint32_t of = json_member(doc, usage, STR("completion_tokens_details"));
    if (in == JSON_NONE)
        in = json_member(doc, usage, STR("input_tokens_details"));
    if (of == JSON_NONE)
        of = json_member(doc, usage, STR("output_tokens_details"));
    str none = STR("");
    u.input = number(doc, usage, STR("prompt_tokens"), STR("input_tokens"), &u.clamped);
    u.output = number(doc, usage, STR("completion_tokens"), STR("output_tokens"), &u.clamped);
    u.cached = number(doc, in, STR("cached_tokens"), none, &u.clamped);
    if (u.cached < 0) /* Together, for some models */
        u.cached = number(doc, usage, STR("cached_tokens"), none, &u.clamped);
    u.cache_write = number(doc, in, STR("cache_write_tokens"), none, &u.clamped);
    u.reasoning = number(doc, of, STR("reasoning_tokens"), none, &u.clamped);
    if (u.input >= 0)
        u.input = without(without(u.input, u.cached, &u.clamped), u.cache_write, &u.clamped);
    if (u.output >= 0)
        u.output = without(u.output, u.reasoning, &u.clamped);
    *out = u;
}
