/*
 * A chat as the body of POST /responses: settings, one by one, and what the API has no place for.  Nothing
 * is stored at the provider: reasoning goes round through the client, encrypted.
 */
#include "llm/dialect/openai_responses_impl.h"
#include "llm/provider_conf.h"

enum { OUTPUT_MIN = 16, USER_MAX = 128 };

#define ENCRYPTED_REASONING STR("reasoning.encrypted_content")
#define OUTPUT_LOGPROBS STR("message.output_text.logprobs")

bool responses_wrong(const struct responses_writing *w)
{
    return w->unsupported->fault.err || w->json.out->failed;
}

static const struct extra *own_extra(const struct responses_writing *w, str name)
{
    return chat_extra(w->chat, NATIVE_OPENAI, name);
}

/* The extra as a member of its name's last part. */
static void write_extra(struct responses_writing *w, str name, str key)
{
    const struct extra *e = own_extra(w, name);
    if (e)
        json_write_member_raw(&w->json, key, e->json);
}

/* --- Limits and sampling -------------------------------------------------------------------------------- */

static void write_max_tokens(struct responses_writing *w)
{
    str asked = w->chat->max_tokens;
    int64_t n;
    if (!asked.len)
        return;
    if (json_to_i64(asked, &n) && n < OUTPUT_MIN) {
        unsupported_changed(w->unsupported, STR("max_tokens"), STR("16"), asked);
        asked = STR("16");
    }
    json_write_member_raw(&w->json, STR("max_output_tokens"), asked);
}

/* The effort that the client's words come to, before the model has its say. */
static enum effort wanted_effort(const struct chat *c)
{
    int64_t budget;
    if (c->thinking == NO)
        return EFFORT_NONE;
    if (c->effort != EFFORT_UNSET || !c->thinking_budget.len ||
        !json_to_i64(c->thinking_budget, &budget) || budget < 0)
        return c->effort;
    return budget == 0     ? EFFORT_NONE
           : budget < 2048 ? EFFORT_LOW
           : budget < 8192 ? EFFORT_MEDIUM
                           : EFFORT_HIGH;
}

/* The effort that is sent; UNSET: none. */
static enum effort decide_effort(struct responses_writing *w)
{
    const struct chat *c = w->chat;
    enum effort wanted = wanted_effort(c), taken = model_effort(w->target->facts, wanted);
    if (wanted == EFFORT_UNSET || wanted == taken)
        return wanted;
    if (taken == EFFORT_UNSET && wanted == EFFORT_NONE) /* it does not think anyway */
        return EFFORT_UNSET;
    if (taken == EFFORT_UNSET)
        unsupported_field(w->unsupported, FIELD_HINT, STR("reasoning_effort"),
                          "the model does not reason");
    else
        unsupported_changed(w->unsupported, STR("reasoning_effort"), str_from_c(effort_name(taken)),
                            str_from_c(effort_name(wanted)));
    return taken;
}

static void write_reasoning_settings(struct responses_writing *w, enum effort effort)
{
    bool visible = w->chat->reasoning_visible == YES && w->reasons && effort != EFFORT_NONE;
    const struct extra *summary = own_extra(w, STR("reasoning.summary"));
    const struct extra *mode = own_extra(w, STR("reasoning.mode"));
    const struct extra *context = own_extra(w, STR("reasoning.context"));
    if (effort == EFFORT_UNSET && !visible && !mode && !context)
        return;
    json_write_key(&w->json, STR("reasoning"));
    json_write_object(&w->json);
    if (effort != EFFORT_UNSET)
        json_write_member(&w->json, STR("effort"), str_from_c(effort_name(effort)));
    if (visible)
        json_write_member_raw(&w->json, STR("summary"), summary ? summary->json : STR("\"auto\""));
    write_extra(w, STR("reasoning.mode"), STR("mode"));
    write_extra(w, STR("reasoning.context"), STR("context"));
    json_write_object_end(&w->json);
}

/* Models that reason take no sampling parameters while they do. */
static bool samples(const struct responses_writing *w, enum effort effort)
{
    const struct model_facts *f = w->target->facts;
    return model_can(f, MODEL_SAMPLING) ||
           (effort == EFFORT_NONE && !model_can(f, MODEL_ALWAYS_REASONS));
}

static void write_sampling(struct responses_writing *w, enum effort effort)
{
    const struct chat *c = w->chat;
    const struct {
        str key, value;
    } rows[] = {
        {STR("temperature"), c->temperature},
        {STR("top_p"), c->top_p},
        {STR("top_logprobs"), c->logprobs == YES ? c->top_logprobs : STR_NULL},
    };
    bool taken = samples(w, effort);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (taken)
            json_write_member_given(&w->json, rows[i].key, rows[i].value);
        else if (rows[i].value.len)
            unsupported_field(w->unsupported, FIELD_HINT, rows[i].key,
                              "the model takes it only without reasoning");
    }
    if (!taken && c->logprobs == YES)
        unsupported_field(w->unsupported, FIELD_MEANING, STR("logprobs"),
                          "the model has them only without reasoning");
}

/* --- text ------------------------------------------------------------------------------------------------ */

static void write_schema(struct responses_writing *w)
{
    const struct chat *c = w->chat;
    json_write_member(&w->json, STR("type"), STR("json_schema"));
    json_write_member(&w->json, STR("name"), c->format_name.len ? c->format_name : STR("answer"));
    json_write_member_raw_string(&w->json, STR("description"), c->format_description);
    json_write_member_raw(&w->json, STR("schema"), c->format_schema);
    json_write_key(&w->json, STR("strict"));
    json_write_bool(&w->json, c->format_strict == YES);
}

static void write_text_settings(struct responses_writing *w)
{
    const struct chat *c = w->chat;
    const struct extra *verbosity = own_extra(w, STR("text.verbosity"));
    if (!verbosity)
        verbosity = own_extra(w, STR("verbosity"));
    if (c->format == FORMAT_UNSET && !verbosity)
        return;
    json_write_key(&w->json, STR("text"));
    json_write_object(&w->json);
    if (c->format != FORMAT_UNSET) {
        json_write_key(&w->json, STR("format"));
        json_write_object(&w->json);
        if (c->format == FORMAT_SCHEMA)
            write_schema(w);
        else
            json_write_member(&w->json, STR("type"),
                              c->format == FORMAT_JSON ? STR("json_object") : STR("text"));
        json_write_object_end(&w->json);
    }
    if (verbosity)
        json_write_member_raw(&w->json, STR("verbosity"), verbosity->json);
    json_write_object_end(&w->json);
}

/* --- What comes back, and bookkeeping ----------------------------------------------------------------------- */

static void write_include(struct responses_writing *w)
{
    const struct extra *asked = own_extra(w, STR("include"));
    bool logprobs = w->chat->logprobs == YES && !responses_wrong(w);
    struct json_doc doc;
    if (!asked && !w->reasons && !logprobs)
        return;
    json_write_key(&w->json, STR("include"));
    json_write_array(&w->json);
    if (w->reasons)
        json_write_string(&w->json, ENCRYPTED_REASONING);
    if (logprobs)
        json_write_string(&w->json, OUTPUT_LOGPROBS);
    if (asked && !json_parse(&doc, w->arena, asked->json, NULL)) {
        JSON_EACH (one, &doc, JSON_ROOT) {
            if (json_is(&doc, one, JSON_STRING) &&
                !json_string_eq(&doc, one, ENCRYPTED_REASONING) &&
                !json_string_eq(&doc, one, OUTPUT_LOGPROBS))
                json_write_raw(&w->json, json_raw(&doc, one));
        }
    }
    json_write_array_end(&w->json);
}

/* Other vendors' words for it; null: there is none. */
static str service_tier(const struct chat *c)
{
    if (c->dialect == NATIVE_OPENAI)
        return c->service_tier;
    if (str_eq(c->service_tier, STR("standard_only")) || str_eq(c->service_tier, STR("standard")))
        return STR("default");
    static const str same[] = {STR_INIT("auto"), STR_INIT("default"), STR_INIT("flex"),
                               STR_INIT("priority")};
    for (unsigned i = 0; i < ARRAY_LEN(same); i++)
        if (str_eq(c->service_tier, same[i]))
            return same[i];
    return STR_NULL;
}

static void write_bookkeeping(struct responses_writing *w)
{
    const struct chat *c = w->chat;
    str tier = service_tier(c), user = c->user;
    if (user.len > USER_MAX)
        user = name_legal(w->arena, &name_rule_openai, user);
    if (tier.len)
        json_write_member(&w->json, STR("service_tier"), tier);
    if (user.len)
        json_write_member(&w->json, STR("safety_identifier"), user);
    if (c->cache_key.len)
        json_write_member(&w->json, STR("prompt_cache_key"), c->cache_key);
    json_write_member_given(&w->json, STR("metadata"), c->metadata);
    json_write_key(&w->json, STR("store"));
    json_write_bool(&w->json, false);
}

/* --- What there is no place for ---------------------------------------------------------------------------------- */

static void report_rest(struct responses_writing *w)
{
    const struct chat *c = w->chat;
    const struct {
        str field;
        bool given;
        enum field_class class;
    } rows[] = {
        {STR("n"), c->n.len && !str_eq(c->n, STR("1")), FIELD_MEANING},
        {STR("stop"), c->stop != NULL, FIELD_MEANING},
        {STR("top_k"), c->top_k.len > 0, FIELD_HINT},
        {STR("seed"), c->seed.len > 0, FIELD_HINT},
        {STR("presence_penalty"), c->presence_penalty.len > 0, FIELD_HINT},
        {STR("frequency_penalty"), c->frequency_penalty.len > 0, FIELD_HINT},
        {STR("logit_bias"), c->logit_bias.len > 0, FIELD_HINT},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].given)
            unsupported_field(w->unsupported, rows[i].class, rows[i].field,
                              "the Responses API has no such field");
}

/* Extras that were written above, or go on as they are. */
static const str passed_on[] = {
    STR_INIT("truncation"),           STR_INIT("max_tool_calls"),
    STR_INIT("prompt_cache_options"), STR_INIT("prompt_cache_retention"),
    STR_INIT("context_management"),   STR_INIT("moderation"),
    STR_INIT("access_programs"),      STR_INIT("image"),
    STR_INIT("client_metadata"),
};
static const str written[] = {
    STR_INIT("include"),        STR_INIT("verbosity"),          STR_INIT("text.verbosity"),
    STR_INIT("reasoning.mode"), STR_INIT("reasoning.context"),  STR_INIT("reasoning.summary"),
    STR_INIT("tool_choice"),    STR_INIT("web_search_options"),
};

/* Items that the reader could only carry as they are are written in their places. */
static bool is_item_extra(const struct extra *e)
{
    return e->format == NATIVE_OPENAI && str_starts(e->name, STR("input["));
}

static void report_extras(struct responses_writing *w)
{
    unsigned count = 0;
    for (const struct extra *e = w->chat->extras; e; e = e->next)
        count += is_item_extra(e);
    str *taken =
        arena_alloc(w->arena, (ARRAY_LEN(passed_on) + ARRAY_LEN(written) + count) * sizeof(*taken));
    if (!taken) {
        w->json.out->failed = true;
        return;
    }
    unsigned n = 0;
    for (unsigned i = 0; i < ARRAY_LEN(passed_on); i++)
        taken[n++] = passed_on[i];
    for (unsigned i = 0; i < ARRAY_LEN(written); i++)
        taken[n++] = written[i];
    for (const struct extra *e = w->chat->extras; e; e = e->next)
        if (is_item_extra(e))
            taken[n++] = e->name;
    unsupported_extras(w->unsupported, w->chat, NATIVE_OPENAI, taken, n);
}

bool responses_write_request(const struct chat *c, struct chat_target *t, struct buf *out)
{
    struct responses_writing w = {.chat = c,
                                  .target = t,
                                  .unsupported = t->unsupported,
                                  .arena = t->arena,
                                  .reasons = model_can(t->facts, MODEL_REASONING)};
    json_write_init(&w.json, out);
    json_write_object(&w.json);
    json_write_member(&w.json, STR("model"), t->model);
    if (t->stream) {
        json_write_key(&w.json, STR("stream"));
        json_write_bool(&w.json, true);
    }
    enum effort effort = decide_effort(&w);
    write_max_tokens(&w);
    write_reasoning_settings(&w, effort);
    write_sampling(&w, effort);
    write_text_settings(&w);
    responses_write_tools(&w);
    responses_write_tool_choice(&w);
    responses_write_input(&w);
    write_include(&w);
    write_bookkeeping(&w);
    for (unsigned i = 0; i < ARRAY_LEN(passed_on); i++)
        write_extra(&w, passed_on[i], passed_on[i]);
    json_write_object_end(&w.json);
    report_rest(&w);
    report_extras(&w);
    return !responses_wrong(&w);
}
