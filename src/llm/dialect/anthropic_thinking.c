#include "llm/dialect/anthropic_thinking.h"

enum { BUDGET_MIN = 1024, ANSWER_ROOM = 4096, OUTPUT_DEFAULT = 32000, OUTPUT_UNKNOWN = 4096 };

static const str effort_field = STR_INIT("reasoning_effort");
static const str budget_field = STR_INIT("thinking_budget");

/* What the client asked for, whatever its words were. */
struct wish {
    bool off, on;
    bool explicit_budget;
    int64_t budget; /* -1: as the model likes */
};

static struct wish wish_of(const struct chat *c)
{
    struct wish w = {0};
    w.explicit_budget = c->thinking_budget.len && json_to_i64(c->thinking_budget, &w.budget);
    w.off = c->thinking == NO || c->effort == EFFORT_NONE ||
            (w.explicit_budget && w.budget == 0 && c->thinking != YES);
    w.on = !w.off && (c->thinking == YES || c->effort >= EFFORT_MINIMAL || w.explicit_budget);
    if (w.explicit_budget && w.budget < 0)
        w.budget = -1;
    return w;
}

uint64_t anthropic_effort_budget(enum effort e, uint64_t max_tokens)
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
    case EFFORT_UNSET: /* thinking without a word on how much: the vendor's own default */
    case EFFORT_HIGH:
        return 16384;
    case EFFORT_XHIGH:
        return 32000;
    case EFFORT_MAX:
        break;
    }
    return max_tokens;
}

static str count_text(struct unsupported *u, uint64_t n)
{
    return arena_printf(u->arena, "%llu", (unsigned long long)n);
}

/* --- max_tokens ---------------------------------------------------------------------------------------------- */

static uint64_t max_tokens_of(const struct chat *c, const struct model_facts *f,
                              struct unsupported *u)
{
    int64_t asked;
    if (c->max_tokens.len) {
        if (!json_to_i64(c->max_tokens, &asked) || asked < 1)
            asked = 1; /* readers have refused it */
        if (!f->output_max || asked <= (int64_t)f->output_max)
            return (uint64_t)asked;
        unsupported_changed(u, STR("max_tokens"), count_text(u, f->output_max), c->max_tokens);
        return f->output_max;
    }
    if (!f->output_max)
        return OUTPUT_UNKNOWN;
    return f->output_max < OUTPUT_DEFAULT ? f->output_max : OUTPUT_DEFAULT;
}

/* --- Effort ---------------------------------------------------------------------------------------------------- */

/* The nearest that the model takes, told when it is another; at most `most`. */
static void choose_effort(struct anthropic_thinking *out, enum effort wanted, enum effort most,
                          const struct model_facts *f, struct unsupported *u)
{
    enum effort near = wanted > most ? most : wanted;
    if (wanted < EFFORT_MINIMAL)
        return;
    if (f->efforts)
        near = model_effort(f, near);
    if (near < EFFORT_LOW)
        near = EFFORT_LOW;
    out->effort = effort_name(near);
    if (near != wanted)
        unsupported_changed(u, effort_field, str_from_c(out->effort),
                            str_from_c(effort_name(wanted)));
}

static enum effort effort_of_budget(int64_t budget)
{
    return budget < 0      ? EFFORT_UNSET
           : budget < 2048 ? EFFORT_LOW
           : budget < 8192 ? EFFORT_MEDIUM
                           : EFFORT_HIGH;
}

/* Of a model that nobody knows the current ways are expected. */
static bool is_adaptive(const struct model_facts *f)
{
    return model_can(f, MODEL_ADAPTIVE) || !model_can(f, MODEL_BUDGET);
}

/* --- Off -------------------------------------------------------------------------------------------------------- */

static void switch_off(struct anthropic_thinking *out, const struct chat *c, str model,
                       const struct model_facts *f, struct unsupported *u)
{
    if (str_find(model, STR("sonnet-5-5")) >= 0) { /* its substitute for off, and only its */
        out->type = ANTHROPIC_THINKING_BETWEEN_TOOLS;
        choose_effort(out, c->effort, EFFORT_HIGH, f, u);
    } else if (model_can(f, MODEL_ALWAYS_REASONS)) {
        out->effort = "low";
        unsupported_changed(u, effort_field, STR("low"), STR("none"));
    } else if (is_adaptive(f)) {
        out->type = ANTHROPIC_THINKING_DISABLED;
        choose_effort(out, c->effort, EFFORT_HIGH, f, u);
    }
}

/* --- On --------------------------------------------------------------------------------------------------------- */

static void think_adaptively(struct anthropic_thinking *out, const struct chat *c,
                             const struct wish *w, const struct model_facts *f,
                             struct unsupported *u)
{
    out->type = ANTHROPIC_THINKING_ADAPTIVE;
    out->display = c->reasoning_visible == NO ? "omitted" : "summarized";
    enum effort e = c->effort;
    if (e == EFFORT_UNSET && w->explicit_budget)
        e = effort_of_budget(w->budget);
    choose_effort(out, e, EFFORT_MAX, f, u);
    if (w->explicit_budget && w->budget >= 0)
        unsupported_changed(u, budget_field, STR("adaptive"), c->thinking_budget);
}

/* In a tool loop with a budget the assistant's turn must begin with its thoughts. */
static bool lost_its_thoughts(const struct chat *c)
{
    const struct turn *calls = NULL, *last = c->turns_last;
    for (const struct turn *t = c->turns; t; t = t->next)
        if (t->role == ROLE_ASSISTANT)
            calls = t;
    if (!calls || !last || last->role != ROLE_USER || !last->blocks ||
        last->blocks->kind != BLOCK_RESULT)
        return false;
    const struct block *first = calls->blocks;
    return !first || first->kind != BLOCK_REASONING || first->reasoning.format != NATIVE_ANTHROPIC;
}

/* A budget below max_tokens; one that is ours to choose leaves room for an answer.  0: there is none. */
static uint64_t fit_budget(struct anthropic_thinking *out, uint64_t budget, bool as_said,
                           bool given_max, const struct model_facts *f)
{
    uint64_t most = f->output_max ? f->output_max : UINT32_MAX;
    if (!given_max && budget + ANSWER_ROOM > out->max_tokens)
        out->max_tokens = budget + ANSWER_ROOM < most ? budget + ANSWER_ROOM : most;
    uint64_t room = as_said ? 1 : out->max_tokens / 8;
    if (room > ANSWER_ROOM)
        room = ANSWER_ROOM;
    if (budget > out->max_tokens - room)
        budget = out->max_tokens - room;
    if (budget < BUDGET_MIN)
        budget = BUDGET_MIN;
    return budget < out->max_tokens ? budget : 0;
}

static void think_by_budget(struct anthropic_thinking *out, const struct chat *c,
                            const struct wish *w, const struct model_facts *f, bool excluded,
                            struct unsupported *u)
{
    bool as_said = w->explicit_budget && w->budget >= 0;
    uint64_t limit = f->output_max ? f->output_max : out->max_tokens;
    uint64_t budget = as_said ? (uint64_t)w->budget : anthropic_effort_budget(c->effort, limit);
    str field = as_said ? budget_field : effort_field;
    if (f->efforts)
        choose_effort(out, c->effort, EFFORT_MAX, f, u);
    uint64_t before = out->max_tokens;
    uint64_t fits = 0;
    if (!excluded && !lost_its_thoughts(c))
        fits = fit_budget(out, budget, as_said, c->max_tokens.len > 0, f);
    if (!fits) {
        out->max_tokens = before;
        unsupported_field(u, FIELD_HINT, field, "thinking is not possible in this request");
        return;
    }
    if (as_said && fits != budget)
        unsupported_changed(u, field, count_text(u, fits), c->thinking_budget);
    out->type = ANTHROPIC_THINKING_BUDGET;
    out->budget = fits;
    out->display = c->reasoning_visible == NO ? "omitted" : NULL;
}

static void switch_on(struct anthropic_thinking *out, const struct chat *c, const struct wish *w,
                      const struct model_facts *f, bool excluded, struct unsupported *u)
{
    bool budget =
        w->explicit_budget && w->budget >= 0 && !c->thinking_adaptive && model_can(f, MODEL_BUDGET);
    if (is_adaptive(f) && !(budget && !excluded))
        think_adaptively(out, c, w, f, u);
    else
        think_by_budget(out, c, w, f, excluded, u);
}

void anthropic_thinking_decide(struct anthropic_thinking *out, const struct chat *c, str model,
                               const struct model_facts *facts, bool forced, bool prefilled,
                               struct unsupported *u)
{
    struct wish w = wish_of(c);
    *out = (struct anthropic_thinking){.max_tokens = max_tokens_of(c, facts, u)};
    if (!model_can(facts, MODEL_REASONING)) {
        if (w.on)
            unsupported_field(u, FIELD_HINT, w.explicit_budget ? budget_field : effort_field,
                              "the model does not think");
        return;
    }
    if (w.off)
        switch_off(out, c, model, facts, u);
    else if (w.on)
        switch_on(out, c, &w, facts, forced || prefilled, u);
    else if (c->reasoning_visible == YES && model_can(facts, MODEL_ADAPTIVE))
        think_adaptively(out, c, &w, facts, u); /* to be seen it must be asked for */
}
