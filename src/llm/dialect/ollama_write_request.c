/*
 * A chat as the body of POST /api/chat.  Sampling lives in `options`; `stream` is always said, for the
 * server streams unless told otherwise; what only Ollama has comes from the client's own object
 * "ollama": {keep_alive, think, num_ctx, truncate, shift, options{}} or from the provider's options.
 */
#include "llm/dialect/ollama_impl.h"
#include "llm/provider_conf.h"

/* The client's "ollama": {...}, empty when there is none. */
struct own {
    struct json_doc doc;
    uint32_t object, options;
};

str ollama_keep_alive(const struct chat_target *t)
{
    str text = t->conf ? t->conf->keep_alive : STR_NULL;
    uint64_t seconds;
    if (text.len == 0)
        return STR_NULL;
    bool is_number = str_to_u64(str_starts(text, STR("-")) ? str_from(text, 1) : text, &seconds);
    return is_number ? text : json_quote(t->arena, text);
}

/* --- What only Ollama has. */

static const char *const own_members[] = {"keep_alive", "think",    "num_ctx",
                                          "options",    "truncate", "shift"};

static bool is_own_member(const struct json_doc *doc, uint32_t name)
{
    for (size_t i = 0; i < ARRAY_LEN(own_members); i++)
        if (json_string_eq(doc, name, str_from_c(own_members[i])))
            return true;
    return false;
}

static bool own_read(struct ollama_writer *w, struct own *own)
{
    static const str taken[] = {STR_INIT("ollama")};
    const struct chat *c = w->chat;
    const struct extra *extra = chat_extra(c, c->dialect, taken[0]);
    unsupported_extras(w->u, c, c->dialect, taken, ARRAY_LEN(taken));
    str json = extra ? extra->json : STR("{}");
    enum err err = json_parse(&own->doc, w->t->arena, json, NULL);
    if (err == ERR_NO_MEMORY)
        return false;
    if (err || !json_is(&own->doc, JSON_ROOT, JSON_OBJECT)) {
        unsupported_refuse(w->u, taken[0], "must be an object");
        return false;
    }
    own->object = JSON_ROOT;
    own->options = json_member(&own->doc, JSON_ROOT, STR("options"));
    if (own->options != JSON_NONE && !json_is(&own->doc, own->options, JSON_OBJECT)) {
        unsupported_refuse(w->u, STR("ollama.options"), "must be an object");
        return false;
    }
    JSON_EACH (name, &own->doc, JSON_ROOT) {
        if (!is_own_member(&own->doc, name))
            unsupported_field(
                w->u, FIELD_UNKNOWN,
                arena_printf(w->t->arena, "ollama.%.*s", STR_ARG(json_string_raw(&own->doc, name))),
                "is no field of Ollama's");
    }
    return true;
}

/* The member of the client's own object, else `otherwise` (JSON; null: leave it out). */
static void write_own(struct ollama_writer *w, const struct own *own, str name, str otherwise)
{
    str json = json_raw(&own->doc, json_member(&own->doc, own->object, name));
    json_write_member_given(&w->w, name, str_is_null(json) ? otherwise : json);
}

/* --- Options. */

static void option(struct ollama_writer *w, const struct own *own, str name, str json)
{
    if (json_member(&own->doc, own->options, name) == JSON_NONE)
        json_write_member_given(&w->w, name, json);
}

static void write_stop(struct ollama_writer *w, const struct own *own)
{
    if (!w->chat->stop || json_member(&own->doc, own->options, STR("stop")) != JSON_NONE)
        return;
    json_write_key(&w->w, STR("stop"));
    json_write_array(&w->w);
    for (const struct stop_list *s = w->chat->stop; s; s = s->next)
        json_write_raw_string(&w->w, s->text.s);
    json_write_array_end(&w->w);
}

static str window(struct ollama_writer *w, const struct own *own)
{
    str json = json_raw(&own->doc, json_member(&own->doc, own->object, STR("num_ctx")));
    if (!str_is_null(json) || !w->t->conf || !w->t->conf->num_ctx)
        return json;
    return arena_printf(w->t->arena, "%u", w->t->conf->num_ctx);
}

static void write_options(struct ollama_writer *w, const struct own *own)
{
    const struct chat *c = w->chat;
    json_write_key(&w->w, STR("options"));
    json_write_object(&w->w);
    option(w, own, STR("num_ctx"), window(w, own));
    option(w, own, STR("num_predict"), c->max_tokens);
    option(w, own, STR("temperature"), c->temperature);
    option(w, own, STR("top_p"), c->top_p);
    option(w, own, STR("top_k"), c->top_k);
    option(w, own, STR("seed"), c->seed);
    option(w, own, STR("presence_penalty"), c->presence_penalty);
    option(w, own, STR("frequency_penalty"), c->frequency_penalty);
    write_stop(w, own);
    JSON_EACH (name, &own->doc, own->options) {
        str key;
        if (json_string_decode(&own->doc, name, w->t->arena, &key))
            w->w.out->failed = true;
        else
            json_write_member_raw(&w->w, key, json_raw(&own->doc, json_value(name)));
    }
    json_write_object_end(&w->w);
    if (c->logit_bias.len)
        unsupported_field(w->u, FIELD_HINT, STR("logit_bias"), "Ollama has no such option");
}

/* --- Tools. */

static bool is_chosen(const struct chat *c, const struct tool *tool)
{
    if (c->choice == CHOICE_NAMED && !str_eq(tool->name, c->choice_name))
        return false;
    if (!c->allowed)
        return true;
    for (const struct name_list *n = c->allowed; n; n = n->next)
        if (str_eq(n->name, tool->name))
            return true;
    return false;
}

static void report_tool(struct ollama_writer *w, unsigned i, const char *suffix,
                        enum field_class class, const char *why)
{
    unsupported_field(w->u, class, arena_printf(w->t->arena, "tools[%u]%s", i, suffix), why);
}

static void write_tool(struct ollama_writer *w, const struct tool *tool, unsigned i)
{
    json_write_object(&w->w);
    json_write_member(&w->w, STR("type"), STR("function"));
    json_write_key(&w->w, STR("function"));
    json_write_object(&w->w);
    json_write_member(&w->w, STR("name"), tool->name);
    json_write_member_raw_string(&w->w, STR("description"), tool->description);
    json_write_member_raw(&w->w, STR("parameters"),
                          tool->schema.len ? tool->schema
                                           : STR("{\"type\":\"object\",\"properties\":{}}"));
    json_write_object_end(&w->w);
    json_write_object_end(&w->w);
    if (tool->strict == YES)
        report_tool(w, i, ".strict", FIELD_HINT, "Ollama does not enforce schemas of arguments");
}

/* Ollama has no tool_choice: leaving tools out is all that can be done. */
static void report_choice(struct ollama_writer *w)
{
    const struct chat *c = w->chat;
    if (c->choice == CHOICE_REQUIRED)
        unsupported_field(w->u, FIELD_MEANING, STR("tool_choice"),
                          "Ollama cannot be made to call a tool");
    if (c->choice == CHOICE_NAMED)
        unsupported_note(w->u, STR("tool_choice (only that tool was sent, it may not be called)"));
    if (c->parallel_calls == NO)
        unsupported_field(w->u, FIELD_HINT, STR("parallel_tool_calls"),
                          "Ollama has no such switch");
}

static void write_tools(struct ollama_writer *w)
{
    const struct chat *c = w->chat;
    unsigned i = 0;
    bool begun = false;
    if (!c->tools || c->choice == CHOICE_NONE)
        return;
    if (!model_can(w->t->facts, MODEL_TOOLS)) {
        unsupported_field(w->u, FIELD_MEANING, STR("tools"), "the model calls no tools");
        return;
    }
    for (const struct tool *tool = c->tools; tool; tool = tool->next, i++) {
        if (tool->custom || tool->format != NATIVE_NONE) {
            report_tool(w, i, "", FIELD_MEANING, "Ollama has function tools only");
            continue;
        }
        /* It asks for no declaration of what was called before. */
        if (tool->from_history || !is_chosen(c, tool))
            continue;
        if (!begun) {
            json_write_key(&w->w, STR("tools"));
            json_write_array(&w->w);
            begun = true;
        }
        write_tool(w, tool, i);
    }
    if (begun)
        json_write_array_end(&w->w);
    report_choice(w);
}

/* --- Thinking. */

static const char *const levels[] = {
    [EFFORT_MINIMAL] = "low", [EFFORT_LOW] = "low",   [EFFORT_MEDIUM] = "medium",
    [EFFORT_HIGH] = "high",   [EFFORT_XHIGH] = "max", [EFFORT_MAX] = "max",
};

static const char *effort_field(const struct chat *c)
{
    switch (c->dialect) {
    case NATIVE_ANTHROPIC:
        return c->effort != EFFORT_UNSET ? "output_config.effort" : "thinking";
    case NATIVE_GEMINI:
        return "generationConfig.thinkingConfig";
    default:
        return "reasoning_effort";
    }
}

static void report_effort(struct ollama_writer *w, const char *now, const char *was)
{
    if (strcmp(now, was) != 0)
        unsupported_changed(w->u, str_from_c(effort_field(w->chat)), str_from_c(now),
                            str_from_c(was));
}

/* The value of `think`; null: nothing is to be said, the server thinks by default if the model can. */
static str thinking_off(struct ollama_writer *w)
{
    if (!model_can(w->t->facts, MODEL_ALWAYS_REASONS))
        return STR("false");
    report_effort(w, "low", "none");
    return STR("\"low\"");
}

static str thinking_level(struct ollama_writer *w)
{
    const struct model_facts *facts = w->t->facts;
    enum effort wanted = w->chat->effort, given = wanted;
    if (facts->efforts)
        given = model_effort(facts, wanted);
    if (given == EFFORT_UNSET || given == EFFORT_NONE)
        given = EFFORT_LOW;
    report_effort(w, levels[given], effort_name(wanted));
    return arena_printf(w->t->arena, "\"%s\"", levels[given]);
}

/* Not every model thinks, and one that does not refuses to be told to.  OpenAI's clients name an effort
 * on purpose; those of other formats ask for thinking whatever the model, as long as nobody knows that it
 * can the server's default (on) serves them. */
static bool is_default_enough(const struct ollama_writer *w)
{
    return w->t->facts == &model_facts_unknown &&
           (w->chat->effort == EFFORT_UNSET || w->chat->dialect != NATIVE_OPENAI);
}

static str thinking_value(struct ollama_writer *w)
{
    const struct chat *c = w->chat;
    if (c->effort == EFFORT_UNSET && c->thinking == UNSET)
        return STR_NULL;
    if (!model_can(w->t->facts, MODEL_REASONING)) {
        if (c->thinking != NO && c->effort != EFFORT_NONE)
            unsupported_field(w->u, FIELD_HINT, str_from_c(effort_field(c)),
                              "the model does not think");
        return STR_NULL;
    }
    if (c->thinking == NO || c->effort == EFFORT_NONE)
        return thinking_off(w);
    if (c->thinking_budget.len && !str_eq(c->thinking_budget, STR("-1")))
        unsupported_field(w->u, FIELD_HINT,
                          c->dialect == NATIVE_GEMINI
                              ? STR("generationConfig.thinkingConfig.thinkingBudget")
                              : STR("thinking.budget_tokens"),
                          "Ollama has no budget of thinking");
    if (is_default_enough(w)) {
        if (c->effort != EFFORT_UNSET)
            unsupported_field(w->u, FIELD_HINT, str_from_c(effort_field(c)),
                              "it is not known that the model thinks");
        return STR_NULL;
    }
    return c->effort == EFFORT_UNSET ? STR("true") : thinking_level(w);
}

/* --- The rest. */

static void write_format(struct ollama_writer *w)
{
    const struct chat *c = w->chat;
    if (c->format == FORMAT_JSON || (c->format == FORMAT_SCHEMA && c->format_schema.len == 0))
        json_write_member(&w->w, STR("format"), STR("json"));
    else if (c->format == FORMAT_SCHEMA)
        json_write_member_raw(&w->w, STR("format"), c->format_schema);
    if (c->format == FORMAT_SCHEMA && !str_is_null(c->format_description.s))
        unsupported_field(w->u, FIELD_HINT, STR("response_format.json_schema.description"),
                          "Ollama takes the schema only");
}

static void write_logprobs(struct ollama_writer *w)
{
    if (w->chat->logprobs != YES)
        return;
    json_write_key(&w->w, STR("logprobs"));
    json_write_bool(&w->w, true);
    json_write_member_given(&w->w, STR("top_logprobs"), w->chat->top_logprobs);
}

/* `n` is no member: several answers are several calls, which the caller makes.  Ids of users, metadata,
 * tiers and marks of caches have no place here and change nothing. */
static void write_body(struct ollama_writer *w, const struct own *own)
{
    json_write_object(&w->w);
    json_write_member(&w->w, STR("model"), w->t->model);
    json_write_key(&w->w, STR("stream"));
    json_write_bool(&w->w, w->t->stream);
    ollama_write_messages(w);
    write_tools(w);
    write_format(w);
    write_own(w, own, STR("think"), thinking_value(w));
    write_own(w, own, STR("keep_alive"), ollama_keep_alive(w->t));
    write_own(w, own, STR("truncate"), STR_NULL);
    write_own(w, own, STR("shift"), STR_NULL);
    write_logprobs(w);
    write_options(w, own);
    json_write_object_end(&w->w);
}

bool ollama_write_request(const struct chat *c, struct chat_target *t, struct buf *out)
{
    struct ollama_writer w = {.chat = c, .t = t, .u = t->unsupported};
    struct own own;
    json_write_init(&w.w, out);
    buf_init(&w.text, 0);
    if (!own_read(&w, &own))
        return false;
    write_body(&w, &own);
    buf_release(&w.text);
    return !out->failed && !w.u->fault.err;
}
