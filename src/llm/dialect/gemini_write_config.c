/* generationConfig: sampling, limits, structured output, thinking; and what stands beside it. */
#include "llm/dialect/gemini_impl.h"
#include "llm/provider_conf.h"

enum { STOPS_MAX = 5, LABEL_MAX = 63, LABELS_MAX = 64 };

static void hint(struct gemini_writer *g, const char *field, const char *why)
{
    unsupported_field(g->report, FIELD_HINT, str_from_c(field), why);
}

static str number_text(struct gemini_writer *g, int64_t value)
{
    str text = arena_printf(g->arena, "%lld", (long long)value);
    g->no_memory = g->no_memory || str_is_null(text);
    return text;
}

/* --- Sampling -------------------------------------------------------------------------------- */

static void write_sampling_member(struct gemini_writer *g, str key, const char *field, str value)
{
    if (!value.len)
        return;
    if (model_can(g->target->facts, MODEL_SAMPLING))
        json_write_member_raw(&g->w, key, value);
    else
        hint(g, field, "the model ignores how tokens are sampled");
}

static void write_temperature(struct gemini_writer *g)
{
    str value = g->chat->temperature;
    if (value.len && model_can(g->target->facts, MODEL_SAMPLING) && json_to_double(value) > 2) {
        unsupported_changed(g->report, STR("temperature"), STR("2"), value);
        value = STR("2");
    }
    write_sampling_member(g, STR("temperature"), "temperature", value);
}

/* From -2 up to, but not including, 2. */
static void write_penalty(struct gemini_writer *g, str key, const char *field, str value)
{
    if (!value.len)
        return;
    double number = json_to_double(value);
    if (!model_can(g->target->facts, MODEL_PENALTIES)) {
        if (number != 0)
            hint(g, field, "the model has no penalties");
        return;
    }
    str sent = number >= 2 ? STR("1.99") : number < -2 ? STR("-2") : value;
    if (sent.ptr != value.ptr)
        unsupported_changed(g->report, str_from_c(field), sent, value);
    json_write_member_raw(&g->w, key, sent);
}

/* 32 bits with a sign: another number is folded, so that the same one stays the same. */
static void write_seed(struct gemini_writer *g)
{
    str value = g->chat->seed;
    int64_t number;
    if (!value.len)
        return;
    if (!json_to_i64(value, &number)) {
        hint(g, "seed", "seeds have 32 bits");
        return;
    }
    if (number < INT32_MIN || number > INT32_MAX) {
        uint64_t bits = (uint64_t)number;
        str folded = number_text(g, (int64_t)((bits ^ (bits >> 32)) & INT32_MAX));
        unsupported_changed(g->report, STR("seed"), folded, value);
        value = folded;
    }
    json_write_member_raw(&g->w, STR("seed"), value);
}

static void write_stops(struct gemini_writer *g)
{
    unsigned count = 0;
    if (!g->chat->stop)
        return;
    if (!model_can(g->target->facts, MODEL_STOP)) {
        hint(g, "stop", "the model takes no stop sequences");
        return;
    }
    for (const struct stop_list *s = g->chat->stop; s; s = s->next) {
        if (s->text.s.len == 0)
            continue;
        if (count == STOPS_MAX) {
            unsupported_note(g->report, STR("stop (the first 5)"));
            break;
        }
        if (count++ == 0) {
            json_write_key(&g->w, STR("stopSequences"));
            json_write_array(&g->w);
        }
        json_write_raw_string(&g->w, s->text.s);
    }
    if (count)
        json_write_array_end(&g->w);
}

static void write_max_tokens(struct gemini_writer *g)
{
    str value = g->chat->max_tokens;
    uint32_t most = g->target->facts->output_max;
    int64_t number;
    if (!value.len)
        return;
    if (most && json_to_i64(value, &number) && number > most) {
        str now = number_text(g, most);
        unsupported_changed(g->report, STR("max_tokens"), now, value);
        value = now;
    }
    json_write_member_raw(&g->w, STR("maxOutputTokens"), value);
}

static void write_logprobs(struct gemini_writer *g)
{
    if (g->chat->logprobs != YES)
        return;
    json_write_key(&g->w, STR("responseLogprobs"));
    json_write_bool(&g->w, true);
    json_write_member_given(&g->w, STR("logprobs"), g->chat->top_logprobs);
}

/* --- Structured output ----------------------------------------------------------------------- */

static bool calls_functions(const struct gemini_writer *g)
{
    if (g->chat->choice == CHOICE_NONE)
        return false;
    for (const struct tool *t = g->chat->tools; t; t = t->next)
        if (t->format == NATIVE_NONE || t->custom)
            return true;
    return false;
}

enum gemini_json_way gemini_json_way(const struct gemini_writer *g)
{
    const struct chat *c = g->chat;
    if (c->format != FORMAT_JSON && c->format != FORMAT_SCHEMA)
        return GEMINI_JSON_NONE;
    if (!calls_functions(g))
        return GEMINI_JSON_NATIVE;
    if (c->choice == CHOICE_REQUIRED || c->choice == CHOICE_NAMED)
        return GEMINI_JSON_NONE; /* the answer will be a call */
    if (model_can(g->target->facts, MODEL_SCHEMA_WITH_TOOLS))
        return GEMINI_JSON_NATIVE;
    return c->format == FORMAT_SCHEMA ? GEMINI_JSON_TOOL : GEMINI_JSON_WORDS;
}

static void write_format(struct gemini_writer *g)
{
    const struct chat *c = g->chat;
    enum gemini_json_way way = gemini_json_way(g);
    if (c->format_description.s.len && way != GEMINI_JSON_NONE)
        hint(g, "response_format.description", "structured output has no description there");
    if (way == GEMINI_JSON_TOOL && !model_can(g->target->facts, MODEL_FORCED_TOOL))
        unsupported_field(g->report, FIELD_MEANING, STR("response_format"),
                          "the model has no structured output beside tools");
    if (way != GEMINI_JSON_NATIVE)
        return;
    json_write_member(&g->w, STR("responseMimeType"), STR("application/json"));
    if (c->format == FORMAT_SCHEMA && c->format_schema.len)
        gemini_write_schema(g, STR("responseJsonSchema"), STR("responseSchema"), c->format_schema,
                            STR("response_format.schema"));
}

/* --- Thinking (mapping.md sections 10 and 24) ------------------------------------------------ */

/* Tokens for efforts, where the model counts in tokens. */
static int64_t budget_of(enum effort e)
{
    switch (e) {
    case EFFORT_NONE:
        return 0;
    case EFFORT_MINIMAL:
        return 1024;
    case EFFORT_LOW:
        return 2048;
    case EFFORT_MEDIUM:
        return 8192;
    case EFFORT_HIGH:
        return 16384;
    case EFFORT_XHIGH:
        return 32000;
    case EFFORT_MAX:
        return INT32_MAX;
    case EFFORT_UNSET:
        break;
    }
    return -1;
}

static enum effort effort_of_budget(int64_t tokens)
{
    if (tokens < 0)
        return EFFORT_UNSET; /* as the model likes */
    return tokens == 0     ? EFFORT_NONE
           : tokens < 2048 ? EFFORT_LOW
           : tokens < 8192 ? EFFORT_MEDIUM
                           : EFFORT_HIGH;
}

/* What the 2.5 models take: Pro 128 to 32768, Flash 0 to 24576, Flash-Lite 0 or 512 to 24576. */
static int64_t budget_in_range(const struct gemini_writer *g, int64_t tokens)
{
    bool always = model_can(g->target->facts, MODEL_ALWAYS_REASONS);
    bool lite = str_find(g->target->model, STR("lite")) >= 0;
    int64_t most = always ? 32768 : 24576, least = always ? 128 : lite ? 512 : 0;
    if (tokens < 0)
        return -1;
    if (tokens == 0 && !always)
        return 0;
    return tokens < least ? least : tokens > most ? most : tokens;
}

struct thinking {
    enum effort effort; /* UNSET: not asked for */
    int64_t budget;     /* tokens; -1: as the model likes */
    bool has_budget;
    bool visible;
};

static struct thinking thinking_of(const struct gemini_writer *g)
{
    const struct chat *c = g->chat;
    struct thinking t = {.effort = c->effort, .budget = -1};
    t.has_budget = c->thinking_budget.len && json_to_i64(c->thinking_budget, &t.budget);
    if (c->thinking == NO && t.effort == EFFORT_UNSET && !t.has_budget)
        t.effort = EFFORT_NONE;
    bool off = t.effort == EFFORT_NONE || (t.has_budget && t.budget == 0);
    bool on = c->thinking == YES || t.effort != EFFORT_UNSET || t.has_budget;
    t.visible = !off && c->reasoning_visible != NO && (c->reasoning_visible == YES || on);
    return t;
}

static int64_t budget_below_limit(const struct gemini_writer *g, int64_t tokens)
{
    int64_t limit;
    bool limited = g->chat->max_tokens.len && json_to_i64(g->chat->max_tokens, &limit);
    return limited && limit > 1 && tokens >= limit ? limit - 1 : tokens;
}

/* What the client said of tokens is kept, if the model has it; efforts are made into tokens. */
static void write_budget(struct gemini_writer *g, const struct thinking *t)
{
    bool by_effort = !t->has_budget;
    int64_t wanted = by_effort ? budget_of(t->effort) : t->budget;
    if (by_effort && t->effort == EFFORT_UNSET && g->chat->thinking != YES)
        return;
    if (by_effort && wanted > 0)
        wanted = budget_below_limit(g, budget_in_range(g, wanted));
    int64_t sent = budget_in_range(g, wanted);
    if (!by_effort && sent != wanted)
        unsupported_changed(g->report, STR("thinking_budget"), number_text(g, sent),
                            g->chat->thinking_budget);
    if (by_effort && t->effort == EFFORT_NONE && sent != 0)
        unsupported_note(g->report, STR("reasoning_effort (thinking cannot be switched off)"));
    json_write_key(&g->w, STR("thinkingBudget"));
    json_write_i64(&g->w, sent);
}

static const char *level_name(enum effort e)
{
    switch (e) {
    case EFFORT_MINIMAL:
        return "MINIMAL";
    case EFFORT_LOW:
        return "LOW";
    case EFFORT_MEDIUM:
        return "MEDIUM";
    case EFFORT_HIGH:
        return "HIGH";
    case EFFORT_XHIGH:
        return "XHIGH";
    case EFFORT_UNSET:
    case EFFORT_NONE:
    case EFFORT_MAX:
        break;
    }
    return NULL;
}

static bool takes(const struct model_facts *f, enum effort e)
{
    return (f->efforts & (1u << e)) != 0;
}

/* A model that nobody knows is taken for one of the newest. */
static enum effort level_of(const struct model_facts *f, enum effort wanted)
{
    struct model_facts newest = *f;
    if (newest.efforts == 0)
        newest.efforts = 1u << EFFORT_LOW | 1u << EFFORT_MEDIUM | 1u << EFFORT_HIGH;
    if (wanted == EFFORT_MEDIUM && !takes(&newest, EFFORT_MEDIUM) && takes(&newest, EFFORT_HIGH))
        return EFFORT_HIGH; /* Gemini 3 Pro has two levels; its own default is the upper one */
    return model_effort(&newest, wanted);
}

static void write_level(struct gemini_writer *g, const struct thinking *t)
{
    enum effort wanted = t->has_budget ? effort_of_budget(t->budget) : t->effort;
    if (wanted == EFFORT_UNSET)
        return;
    enum effort sent = level_of(g->target->facts, wanted);
    if (!level_name(sent))
        return;
    if (!t->has_budget && sent != wanted)
        unsupported_changed(g->report, STR("reasoning_effort"), str_from_c(effort_name(sent)),
                            str_from_c(effort_name(wanted)));
    if (t->has_budget)
        unsupported_changed(g->report, STR("thinking_budget"), str_from_c(effort_name(sent)),
                            g->chat->thinking_budget);
    json_write_member(&g->w, STR("thinkingLevel"), str_from_c(level_name(sent)));
}

static void write_thinking(struct gemini_writer *g)
{
    const struct model_facts *f = g->target->facts;
    struct thinking t = thinking_of(g);
    bool asked = t.effort != EFFORT_UNSET || t.has_budget || g->chat->thinking == YES;
    if (!model_can(f, MODEL_REASONING)) {
        if (asked && t.effort != EFFORT_NONE && !(t.has_budget && t.budget == 0))
            hint(g, "reasoning_effort", "the model does not think");
        return;
    }
    if (!asked && !t.visible)
        return;
    json_write_key(&g->w, STR("thinkingConfig"));
    json_write_object(&g->w);
    if (model_can(f, MODEL_LEVEL) || !model_can(f, MODEL_BUDGET))
        write_level(g, &t);
    else
        write_budget(g, &t);
    if (t.visible) {
        json_write_key(&g->w, STR("includeThoughts"));
        json_write_bool(&g->w, true);
    }
    json_write_object_end(&g->w);
}

/* --- generationConfig ------------------------------------------------------------------------ */

void gemini_write_config(struct gemini_writer *g)
{
    const struct chat *c = g->chat;
    json_write_key(&g->w, STR("generationConfig"));
    json_write_object(&g->w);
    write_temperature(g);
    write_sampling_member(g, STR("topP"), "top_p", c->top_p);
    write_sampling_member(g, STR("topK"), "top_k", c->top_k);
    write_max_tokens(g);
    write_stops(g);
    write_seed(g);
    write_penalty(g, STR("presencePenalty"), "presence_penalty", c->presence_penalty);
    write_penalty(g, STR("frequencyPenalty"), "frequency_penalty", c->frequency_penalty);
    write_logprobs(g);
    write_format(g);
    write_thinking(g);
    json_write_object_end(&g->w);
    if (c->logit_bias.len)
        hint(g, "logit_bias", "Gemini has nothing like it");
    if (c->previous_response_id.len)
        unsupported_field(g->report, FIELD_MEANING, STR("previous_response_id"),
                          "Gemini keeps no conversations");
}

/* --- Labels, tier, storage: bookkeeping, sent where it fits ---------------------------------- */

/* Lower-case letters, digits, '_' and '-'; a key begins with a letter. */
static str label(struct gemini_writer *g, str text, bool is_key)
{
    char *copy = text.len && text.len <= LABEL_MAX ? arena_alloc(g->arena, text.len) : NULL;
    if (!copy)
        return STR_NULL;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        bool letter = c >= 'a' && c <= 'z';
        if (is_key && i == 0 && !letter)
            return STR_NULL;
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return STR_NULL;
        copy[i] = c;
    }
    return str_make(copy, text.len);
}

struct labels {
    unsigned count;
};

static void write_label(struct gemini_writer *g, struct labels *l, str key, str value)
{
    str k = label(g, key, true), v = label(g, value, false);
    if (str_is_null(k) || str_is_null(v) || l->count == LABELS_MAX)
        return;
    if (l->count++ == 0) {
        json_write_key(&g->w, STR("labels"));
        json_write_object(&g->w);
    }
    json_write_member(&g->w, k, v);
}

static void write_labels(struct gemini_writer *g)
{
    struct json_doc doc;
    struct labels l = {0};
    write_label(g, &l, STR("user"), g->chat->user);
    if (g->chat->metadata.len && !json_parse(&doc, g->arena, g->chat->metadata, NULL) &&
        json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        JSON_EACH (name, &doc, JSON_ROOT) {
            uint32_t value = json_value(name);
            str key = json_string_raw(&doc, name);
            bool twice = l.count && str_eq(key, STR("user")) && g->chat->user.len;
            if (json_is(&doc, value, JSON_STRING) && !twice)
                write_label(g, &l, key, json_string_raw(&doc, value));
        }
    }
    if (l.count)
        json_write_object_end(&g->w);
}

/* On Vertex the tier is a header, which the provider's authorize() takes from `beta`. */
static void write_tier(struct gemini_writer *g)
{
    str tier = g->chat->service_tier;
    if (!str_eq(tier, STR("flex")) && !str_eq(tier, STR("priority")))
        return;
    if (g->vertex)
        g->target->beta = tier;
    else
        json_write_member(&g->w, STR("serviceTier"), tier);
}

static void write_store(struct gemini_writer *g)
{
    if (g->vertex || g->chat->store == UNSET)
        return;
    json_write_key(&g->w, STR("store"));
    json_write_bool(&g->w, g->chat->store == YES);
}

void gemini_write_rest(struct gemini_writer *g)
{
    static const str taken[] = {STR_INIT("web_search_options")};
    write_tier(g);
    write_labels(g);
    write_store(g);
    unsupported_extras(g->report, g->chat, NATIVE_OPENAI, taken, ARRAY_LEN(taken));
}
