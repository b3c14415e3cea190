/* generationConfig: numbers within Gemini's own ranges, structured output, thinking. */
#include "llm/dialect/gemini_reading.h"
#include "llm/schema_gemini.h"

/* --- Numbers --------------------------------------------------------------------------------- */

struct range {
    double from, to;
    bool whole;
    const char *text;
};

/* Whole numbers may be strings (proto JSON's int64). */
static str number_of(struct gemini_reading *g, uint32_t value, str path, const struct range *range)
{
    str text = json_raw(g->doc, value);
    uint64_t digits;
    int64_t whole;
    if (range->whole && json_is(g->doc, value, JSON_STRING) &&
        str_to_u64(json_string_raw(g->doc, value), &digits))
        text = json_string_raw(g->doc, value);
    else if (!json_is(g->doc, value, JSON_NUMBER))
        text = STR_NULL;
    bool fine = text.len && (!range->whole || json_to_i64(text, &whole));
    double number = fine ? json_to_double(text) : 0;
    if (fine && number >= range->from && number <= range->to)
        return text;
    gemini_fault(g, path, range->text);
    return STR_NULL;
}

#define NUMBER(member, from_, to_, whole_, text_)                                                  \
    static bool read_##member(struct gemini_reading *g, uint32_t value, str path)                  \
    {                                                                                              \
        static const struct range range = {from_, to_, whole_, text_};                             \
        g->chat->member = number_of(g, value, path, &range);                                       \
        return g->err == ERR_NONE;                                                                 \
    }

NUMBER(temperature, 0, 2, false, "must be a number from 0 to 2")
NUMBER(top_p, 0, 1, false, "must be a number from 0 to 1")
NUMBER(top_k, 0, 1e9, false, "must be a positive number")
NUMBER(n, 1, 8, true, "must be a whole number from 1 to 8")
NUMBER(max_tokens, 1, 1e12, true, "must be a whole number of at least 1")
NUMBER(seed, -2147483648.0, 2147483647.0, true, "must be a whole number of 32 bits")
NUMBER(presence_penalty, -2, 2, false, "must be a number from -2 to 2")
NUMBER(frequency_penalty, -2, 2, false, "must be a number from -2 to 2")
NUMBER(top_logprobs, 0, 20, true, "must be a whole number from 0 to 20")

static bool read_logprobs(struct gemini_reading *g, uint32_t value, str path)
{
    g->chat->logprobs = gemini_tri(g, value, path);
    return g->err == ERR_NONE;
}

static bool read_stop(struct gemini_reading *g, uint32_t value, str path)
{
    if (!json_is(g->doc, value, JSON_ARRAY))
        return gemini_fault(g, path, "must be an array of strings");
    JSON_EACH (one, g->doc, value) {
        if (!json_is(g->doc, one, JSON_STRING))
            return gemini_fault(g, path, "must be an array of strings");
        if (!chat_add_stop(g->chat, raw_of_node(g->doc, one)))
            return gemini_no_memory(g);
    }
    return true;
}

/* --- Structured output ----------------------------------------------------------------------- */

static bool read_mime(struct gemini_reading *g, uint32_t value, str path)
{
    struct chat *c = g->chat;
    if (!json_is(g->doc, value, JSON_STRING))
        return gemini_fault(g, path, "must be a string");
    if (json_string_eq(g->doc, value, STR("application/json")))
        c->format = c->format == FORMAT_SCHEMA ? FORMAT_SCHEMA : FORMAT_JSON;
    else if (json_string_eq(g->doc, value, STR("text/plain")))
        c->format = c->format ? c->format : FORMAT_TEXT;
    else
        return gemini_extra(g, path, value, FIELD_MEANING); /* text/x.enum */
    return true;
}

static bool read_json_schema(struct gemini_reading *g, uint32_t value, str path)
{
    if (!json_is(g->doc, value, JSON_OBJECT))
        return gemini_fault(g, path, "must be an object");
    g->chat->format = FORMAT_SCHEMA;
    g->chat->format_schema = json_raw(g->doc, value);
    return true;
}

static bool read_openapi_schema(struct gemini_reading *g, uint32_t value, str path)
{
    if (!json_is(g->doc, value, JSON_OBJECT))
        return gemini_fault(g, path, "must be an object");
    g->chat->format = FORMAT_SCHEMA;
    if (schema_gemini_read(g->doc, value, g->arena, &g->chat->format_schema))
        return gemini_no_memory(g);
    return true;
}

/* ["TEXT"] is what all models do. */
static bool read_modalities(struct gemini_reading *g, uint32_t value, str path)
{
    if (!json_is(g->doc, value, JSON_ARRAY))
        return gemini_fault(g, path, "must be an array");
    JSON_EACH (one, g->doc, value)
        if (!json_is(g->doc, one, JSON_STRING) || !json_string_eq(g->doc, one, STR("TEXT")))
            return gemini_extra(g, path, value, FIELD_MEANING);
    return true;
}

/* --- Thinking -------------------------------------------------------------------------------- */

static bool read_visible(struct gemini_reading *g, uint32_t value, str path)
{
    g->chat->reasoning_visible = gemini_tri(g, value, path);
    return g->err == ERR_NONE;
}

/* 0: off, -1: as the model likes. */
static bool read_budget(struct gemini_reading *g, uint32_t value, str path)
{
    static const struct range range = {-1, 1e9, true, "must be -1, or a number of tokens"};
    str text = number_of(g, value, path, &range);
    if (g->err)
        return false;
    g->chat->thinking_budget = text;
    g->chat->thinking = json_to_double(text) == 0 ? NO : YES;
    return true;
}

static bool read_level(struct gemini_reading *g, uint32_t value, str path)
{
    static const struct {
        str name;
        enum effort effort;
    } levels[] = {
        {STR_INIT("MINIMAL"), EFFORT_MINIMAL},
        {STR_INIT("LOW"), EFFORT_LOW},
        {STR_INIT("MEDIUM"), EFFORT_MEDIUM},
        {STR_INIT("HIGH"), EFFORT_HIGH},
        {STR_INIT("XHIGH"), EFFORT_XHIGH},
        {STR_INIT("THINKING_LEVEL_UNSPECIFIED"), EFFORT_UNSET},
    };
    if (json_is(g->doc, value, JSON_STRING))
        for (unsigned i = 0; i < ARRAY_LEN(levels); i++)
            if (str_ieq(json_string_raw(g->doc, value), levels[i].name)) {
                g->chat->effort = levels[i].effort;
                return true;
            }
    return gemini_fault(g, path, "must be MINIMAL, LOW, MEDIUM, HIGH or XHIGH");
}

static bool read_thinking(struct gemini_reading *g, uint32_t value, str path)
{
    static const struct gemini_row rows[] = {
        {STR_INIT("includeThoughts"), read_visible, FIELD_HINT},
        {STR_INIT("thinkingBudget"), read_budget, FIELD_HINT},
        {STR_INIT("thinkingLevel"), read_level, FIELD_HINT},
    };
    if (!gemini_read_rows(g, value, path, rows, ARRAY_LEN(rows)))
        return false;
    if (g->chat->effort && g->chat->thinking_budget.len)
        return gemini_fault(g, path, "must have thinkingLevel or thinkingBudget, not both");
    return true;
}

bool gemini_read_config(struct gemini_reading *g, uint32_t value, str path)
{
    static const struct gemini_row rows[] = {
        {STR_INIT("temperature"), read_temperature, FIELD_HINT},
        {STR_INIT("topP"), read_top_p, FIELD_HINT},
        {STR_INIT("topK"), read_top_k, FIELD_HINT},
        {STR_INIT("candidateCount"), read_n, FIELD_MEANING},
        {STR_INIT("maxOutputTokens"), read_max_tokens, FIELD_MEANING},
        {STR_INIT("stopSequences"), read_stop, FIELD_MEANING},
        {STR_INIT("seed"), read_seed, FIELD_HINT},
        {STR_INIT("presencePenalty"), read_presence_penalty, FIELD_HINT},
        {STR_INIT("frequencyPenalty"), read_frequency_penalty, FIELD_HINT},
        {STR_INIT("responseLogprobs"), read_logprobs, FIELD_MEANING},
        {STR_INIT("logprobs"), read_top_logprobs, FIELD_MEANING},
        {STR_INIT("responseMimeType"), read_mime, FIELD_MEANING},
        {STR_INIT("responseSchema"), read_openapi_schema, FIELD_MEANING},
        {STR_INIT("responseJsonSchema"), read_json_schema, FIELD_MEANING},
        {STR_INIT("_responseJsonSchema"), read_json_schema, FIELD_MEANING},
        {STR_INIT("responseModalities"), read_modalities, FIELD_MEANING},
        {STR_INIT("thinkingConfig"), read_thinking, FIELD_HINT},
        {STR_INIT("responseFormat"), NULL, FIELD_MEANING},
        {STR_INIT("speechConfig"), NULL, FIELD_MEANING},
        {STR_INIT("imageConfig"), NULL, FIELD_MEANING},
        {STR_INIT("translationConfig"), NULL, FIELD_MEANING},
        {STR_INIT("audioTranscriptionConfig"), NULL, FIELD_MEANING},
        {STR_INIT("mediaResolution"), NULL, FIELD_HINT},
        {STR_INIT("audioTimestamp"), NULL, FIELD_HINT},
        {STR_INIT("routingConfig"), NULL, FIELD_HINT},
        {STR_INIT("modelSelectionConfig"), NULL, FIELD_HINT},
        {STR_INIT("enableAffectiveDialog"), NULL, FIELD_HINT},
        {STR_INIT("enableEnhancedCivicAnswers"), NULL, FIELD_HINT},
    };
    return gemini_read_rows(g, value, path, rows, ARRAY_LEN(rows));
}
