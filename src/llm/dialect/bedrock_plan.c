#include "llm/dialect/bedrock_impl.h"

enum { OUTPUT_DEFAULT = 4096, OUTPUT_MOST = 32000 };

static bool is_claude(const struct bedrock_writing *w)
{
    return w->family->maker == BEDROCK_CLAUDE;
}

static bool can(const struct bedrock_writing *w, enum model_ability ability)
{
    return model_can(w->target->facts, ability);
}

static void hint(struct bedrock_writing *w, str sentence)
{
    struct bedrock_plan *p = &w->plan;
    if (str_is_null(sentence))
        w->json.out->failed = true;
    else if (p->hint_count < BEDROCK_HINTS_MAX)
        p->hints[p->hint_count++] = sentence;
}

/* --- Tools ------------------------------------------------------------------------------------ */

static bool is_allowed(const struct chat *c, str name)
{
    if (!c->allowed)
        return true;
    for (const struct name_list *n = c->allowed; n; n = n->next)
        if (str_eq(n->name, name))
            return true;
    return false;
}

bool bedrock_offers(const struct bedrock_writing *w, const struct tool *tool)
{
    if (tool->format != NATIVE_NONE && !tool->custom)
        return false;
    if (!str_is_null(w->plan.only_tool))
        return str_eq(tool->name, w->plan.only_tool);
    return is_allowed(w->chat, tool->name);
}

static bool offers_any(const struct bedrock_writing *w)
{
    for (const struct tool *t = w->chat->tools; t; t = t->next)
        if (bedrock_offers(w, t))
            return true;
    return false;
}

static bool has_tool_blocks(const struct chat *c)
{
    for (const struct turn *t = c->turns; t; t = t->next)
        for (const struct block *b = t->blocks; b; b = b->next)
            if (b->kind == BLOCK_CALL || b->kind == BLOCK_RESULT)
                return true;
    return false;
}

/* Whether the model can be forced to call a tool. */
static bool can_force(const struct bedrock_writing *w)
{
    return w->family->choice && can(w, MODEL_FORCED_TOOL);
}

/* A choice of none: the tools go, unless the history has some, which Converse refuses without
 * them. */
static void choose_none(struct bedrock_writing *w)
{
    if (!has_tool_blocks(w->chat)) {
        w->plan.tools = false;
        return;
    }
    hint(w, STR("Do not call any tool in your next answer; answer in text."));
    unsupported_changed(w->unsupported, STR("tool_choice"), STR("an instruction"), STR("none"));
}

static void choose_required(struct bedrock_writing *w)
{
    if (can_force(w)) {
        w->plan.choice = CHOICE_REQUIRED;
        return;
    }
    hint(w, STR("Your next answer must call at least one of the tools."));
    unsupported_changed(w->unsupported, STR("tool_choice"), STR("auto"), STR("required"));
}

/* Where a model refuses to be forced it is offered nothing else. */
static void choose_named(struct bedrock_writing *w)
{
    str name = w->chat->choice_name;
    if (can_force(w)) {
        w->plan.choice = CHOICE_NAMED;
        w->plan.choice_name = name_legal(w->arena, &name_rule_openai, name);
        if (str_is_null(w->plan.choice_name))
            w->json.out->failed = true;
        return;
    }
    w->plan.only_tool = name;
    if (!offers_any(w)) {
        unsupported_refuse(w->unsupported, STR("tool_choice"), "there is no tool of this name");
        return;
    }
    hint(w, STR("Your next answer must call the tool."));
    unsupported_changed(w->unsupported, STR("tool_choice"), STR("auto, with this tool only"), name);
}

/* How neither several calls nor a form of free text is said. */
static void plan_parallel(struct bedrock_writing *w)
{
    if (w->chat->parallel_calls != NO || !w->plan.tools)
        return;
    if (is_claude(w))
        w->plan.one_call = true;
    else
        unsupported_field(w->unsupported, FIELD_HINT, STR("parallel_tool_calls"),
                          "Converse has no switch for it");
}

static void report_native_tools(struct bedrock_writing *w)
{
    for (const struct tool *t = w->chat->tools; t; t = t->next) {
        if (t->format == NATIVE_NONE || t->custom)
            continue;
        str field = arena_printf(w->arena, "tools (%.*s)", STR_ARG(t->type));
        unsupported_field(w->unsupported, FIELD_HINT, field, "Converse has no tool of this kind");
    }
}

static void plan_tools(struct bedrock_writing *w)
{
    report_native_tools(w);
    w->plan.tools = offers_any(w);
    if (!w->plan.tools)
        return;
    switch (w->chat->choice) {
    case CHOICE_UNSET:
    case CHOICE_AUTO:
        break;
    case CHOICE_NONE:
        choose_none(w);
        break;
    case CHOICE_REQUIRED:
        choose_required(w);
        break;
    case CHOICE_NAMED:
        choose_named(w);
        break;
    }
    plan_parallel(w);
}

/* --- Structured output ------------------------------------------------------------------------ */

/* What the model will be asked to force, before reasoning is decided on. */
static bool forces(const struct bedrock_writing *w)
{
    return w->plan.choice != CHOICE_UNSET;
}

static bool has_native_schema(const struct bedrock_writing *w)
{
    return w->target->facts != &model_facts_unknown && can(w, MODEL_JSON_SCHEMA) &&
           (!w->plan.tools || can(w, MODEL_SCHEMA_WITH_TOOLS));
}

static bool thinking_is_asked(const struct chat *c)
{
    return c->thinking == YES || c->thinking_budget.len || c->effort > EFFORT_NONE;
}

/* Claude with a budget of thinking refuses forced tools. */
static bool thinking_forbids_force(const struct bedrock_writing *w)
{
    return is_claude(w) && thinking_is_asked(w->chat) &&
           (!can(w, MODEL_ADAPTIVE) || (w->chat->thinking_budget.len && can(w, MODEL_BUDGET)));
}

static void say_schema(struct bedrock_writing *w)
{
    w->plan.format = BEDROCK_FORMAT_WORDS;
    if (w->chat->format == FORMAT_JSON) {
        hint(w, STR("Answer with one JSON object and nothing else: no other text, no code fence."));
        return;
    }
    hint(w,
         arena_printf(w->arena,
                      "Answer with one JSON value that conforms to the following JSON Schema and "
                      "nothing else: no other text, no code fence.\n%.*s",
                      STR_ARG(w->chat->format_schema)));
    unsupported_note(w->unsupported, STR("response_format (as an instruction)"));
}

/* With tools of the client's the model chooses between them and the answer. */
static void force_schema(struct bedrock_writing *w)
{
    w->plan.format = BEDROCK_FORMAT_TOOL;
    w->target->json_tool = true;
    w->plan.choice = w->plan.tools ? CHOICE_REQUIRED : CHOICE_NAMED;
    w->plan.choice_name = STR(JSON_TOOL_NAME);
    w->plan.tools = true;
}

static void plan_format(struct bedrock_writing *w)
{
    const struct chat *c = w->chat;
    if (c->format != FORMAT_JSON && c->format != FORMAT_SCHEMA)
        return;
    if (c->format == FORMAT_SCHEMA && has_native_schema(w))
        w->plan.format = BEDROCK_FORMAT_NATIVE;
    else if (c->format == FORMAT_SCHEMA && can_force(w) && !forces(w) && !thinking_forbids_force(w))
        force_schema(w);
    else
        say_schema(w);
}

/* --- Reasoning -------------------------------------------------------------------------------- */

static void report_effort(struct bedrock_writing *w, const char *why)
{
    const struct chat *c = w->chat;
    if (c->effort != EFFORT_UNSET)
        unsupported_field(w->unsupported, FIELD_HINT, STR("reasoning_effort"), why);
    else if (c->thinking == YES || c->thinking_budget.len)
        unsupported_field(w->unsupported, FIELD_HINT, STR("thinking"), why);
}

/* An effort for what the client said in other words. */
static enum effort wanted_effort(const struct chat *c)
{
    int64_t budget;
    if (c->effort != EFFORT_UNSET)
        return c->effort;
    if (c->thinking == NO)
        return EFFORT_NONE;
    if (c->thinking_budget.len && json_to_i64(c->thinking_budget, &budget) && budget >= 0)
        return budget == 0     ? EFFORT_NONE
               : budget < 2048 ? EFFORT_LOW
               : budget < 8192 ? EFFORT_MEDIUM
                               : EFFORT_HIGH;
    return c->thinking == YES ? EFFORT_MEDIUM : EFFORT_UNSET;
}

/* The nearest of low, medium and high. */
static enum effort three_levels(enum effort e)
{
    return e > EFFORT_HIGH ? EFFORT_HIGH : e < EFFORT_LOW ? EFFORT_LOW : e;
}

static void send_effort(struct bedrock_writing *w, enum effort wanted, enum effort sent)
{
    w->plan.effort = effort_name(sent);
    if (wanted != sent && w->chat->effort != EFFORT_UNSET)
        unsupported_changed(w->unsupported, STR("reasoning_effort"), str_from_c(w->plan.effort),
                            str_from_c(effort_name(wanted)));
}

static void plan_nova(struct bedrock_writing *w, enum effort wanted)
{
    if (!bedrock_is_nova2(w->target->model)) {
        if (wanted != EFFORT_NONE)
            report_effort(w, "this model does not reason");
        return;
    }
    if (wanted == EFFORT_NONE)
        w->plan.reasoning_off = true;
    else
        send_effort(w, wanted, three_levels(wanted));
}

static void plan_gpt(struct bedrock_writing *w, enum effort wanted)
{
    enum effort sent = wanted;
    if (w->target->facts != &model_facts_unknown)
        sent = model_effort(w->target->facts, wanted);
    if (sent == EFFORT_UNSET)
        report_effort(w, "this model takes no effort");
    else
        send_effort(w, wanted, sent);
}

static void plan_open(struct bedrock_writing *w, enum effort wanted)
{
    if (wanted == EFFORT_NONE) /* the models' own default is not to think, or cannot be changed */
        return;
    send_effort(w, wanted, three_levels(wanted));
}

static void plan_reasoning(struct bedrock_writing *w)
{
    const struct chat *c = w->chat;
    enum effort wanted = wanted_effort(c);
    if (is_claude(w)) {
        anthropic_thinking_decide(&w->plan.thinking, c, w->target->model, w->target->facts,
                                  forces(w), w->prefill != NULL, w->unsupported);
        return;
    }
    if (wanted == EFFORT_UNSET)
        return;
    switch (w->family->reasoning) {
    case BEDROCK_REASONING_CLAUDE:
        break;
    case BEDROCK_REASONING_NOVA:
        plan_nova(w, wanted);
        break;
    case BEDROCK_REASONING_GPT:
        plan_gpt(w, wanted);
        break;
    case BEDROCK_REASONING_EFFORT:
        plan_open(w, wanted);
        break;
    case BEDROCK_REASONING_NONE:
        if (wanted != EFFORT_NONE)
            report_effort(w, "Bedrock has no setting of it for this model");
        break;
    }
}

/* --- Limits ----------------------------------------------------------------------------------- */

static bool is_nova_at_full_effort(const struct bedrock_writing *w)
{
    return w->family->maker == BEDROCK_NOVA && w->plan.effort &&
           strcmp(w->plan.effort, "high") == 0;
}

static void plan_max_tokens(struct bedrock_writing *w)
{
    uint64_t most = w->target->facts->output_max;
    int64_t asked;
    if (is_claude(w)) {
        w->plan.max_tokens = w->plan.thinking.max_tokens;
        return;
    }
    if (!w->chat->max_tokens.len || !json_to_i64(w->chat->max_tokens, &asked) || asked < 1) {
        w->plan.max_tokens = !most ? OUTPUT_DEFAULT : most < OUTPUT_MOST ? most : OUTPUT_MOST;
    } else if (most && (uint64_t)asked > most) {
        w->plan.max_tokens = most;
        unsupported_changed(w->unsupported, STR("max_tokens"),
                            arena_printf(w->arena, "%llu", (unsigned long long)most),
                            w->chat->max_tokens);
    } else {
        w->plan.max_tokens = (uint64_t)asked;
    }
    if (!is_nova_at_full_effort(w))
        return;
    w->plan.max_tokens = 0;
    if (w->chat->max_tokens.len)
        unsupported_field(w->unsupported, FIELD_HINT, STR("max_tokens"),
                          "Nova takes no limit with high effort");
}

static void plan_sampling(struct bedrock_writing *w)
{
    w->plan.sampling = !w->family->no_sampling && can(w, MODEL_SAMPLING) &&
                       !anthropic_thinks(&w->plan.thinking) && !is_nova_at_full_effort(w);
}

void bedrock_make_plan(struct bedrock_writing *w)
{
    plan_tools(w);
    plan_format(w);
    plan_reasoning(w);
    plan_max_tokens(w);
    plan_sampling(w);
}
