/*
 * additionalModelRequestFields: what the model's maker takes in its own words, and the client's
 * object of this name, whose members give way to ours.
 */
#include "llm/dialect/bedrock_impl.h"

enum { OURS_MAX = 8 };

struct additional {
    struct bedrock_writing *w;
    str ours[OURS_MAX]; /* names written */
    unsigned count;
};

/* The key of a member; the object begins with the first. */
static void key(struct additional *a, str name)
{
    struct json_write *j = &a->w->json;
    if (a->count == 0) {
        json_write_key(j, STR("additionalModelRequestFields"));
        json_write_object(j);
    }
    CHECK(a->count < OURS_MAX);
    a->ours[a->count++] = name;
    json_write_key(j, name);
}

static void key_with_one(struct additional *a, str name, str inner, const char *value)
{
    struct json_write *j = &a->w->json;
    key(a, name);
    json_write_object(j);
    json_write_member(j, inner, str_from_c(value));
    json_write_object_end(j);
}

/* --- Claude ----------------------------------------------------------------------------------- */

static void write_thinking(struct additional *a)
{
    static const char *const types[] = {
        [ANTHROPIC_THINKING_DISABLED] = "disabled",
        [ANTHROPIC_THINKING_BETWEEN_TOOLS] = "between_tools",
        [ANTHROPIC_THINKING_ADAPTIVE] = "adaptive",
        [ANTHROPIC_THINKING_BUDGET] = "enabled",
    };
    struct json_write *j = &a->w->json;
    const struct anthropic_thinking *t = &a->w->plan.thinking;
    if (t->type != ANTHROPIC_THINKING_NONE) {
        key(a, STR("thinking"));
        json_write_object(j);
        json_write_member(j, STR("type"), str_from_c(types[t->type]));
        if (t->type == ANTHROPIC_THINKING_BUDGET)
            json_write_member_u64(j, STR("budget_tokens"), t->budget);
        if (t->display)
            json_write_member(j, STR("display"), str_from_c(t->display));
        json_write_object_end(j);
    }
    if (t->effort)
        key_with_one(a, STR("output_config"), STR("effort"), t->effort);
}

/* With one call at a time the choice of tools goes here as a whole, for Converse has no place
 * for it. */
static void write_one_call(struct additional *a)
{
    struct json_write *j = &a->w->json;
    const struct bedrock_plan *p = &a->w->plan;
    if (!p->one_call)
        return;
    key(a, STR("tool_choice"));
    json_write_object(j);
    json_write_member(j, STR("type"),
                      p->choice == CHOICE_NAMED      ? STR("tool")
                      : p->choice == CHOICE_REQUIRED ? STR("any")
                                                     : STR("auto"));
    if (p->choice == CHOICE_NAMED)
        json_write_member(j, STR("name"), p->choice_name);
    json_write_key(j, STR("disable_parallel_tool_use"));
    json_write_bool(j, true);
    json_write_object_end(j);
}

/* --- The others ------------------------------------------------------------------------------- */

static void write_effort(struct additional *a)
{
    const struct bedrock_plan *p = &a->w->plan;
    struct json_write *j = &a->w->json;
    if (p->reasoning_off) {
        key_with_one(a, STR("reasoningConfig"), STR("type"), "disabled");
        return;
    }
    if (!p->effort)
        return;
    switch (a->w->family->reasoning) {
    case BEDROCK_REASONING_NOVA:
        key(a, STR("reasoningConfig"));
        json_write_object(j);
        json_write_member(j, STR("type"), STR("enabled"));
        json_write_member(j, STR("maxReasoningEffort"), str_from_c(p->effort));
        json_write_object_end(j);
        break;
    case BEDROCK_REASONING_GPT:
        key_with_one(a, STR("reasoning"), STR("effort"), p->effort);
        break;
    case BEDROCK_REASONING_EFFORT:
        key(a, STR("reasoning_effort"));
        json_write_string(j, str_from_c(p->effort));
        break;
    case BEDROCK_REASONING_CLAUDE:
    case BEDROCK_REASONING_NONE:
        break;
    }
}

static void write_top_k(struct additional *a)
{
    struct bedrock_writing *w = a->w;
    str value = w->chat->top_k;
    if (!value.len)
        return;
    if (!w->plan.sampling || w->family->top_k == TOP_K_NONE) {
        unsupported_field(w->unsupported, FIELD_HINT, STR("top_k"), "this model does not take it");
        return;
    }
    if (w->family->top_k == TOP_K_NOVA) {
        key(a, STR("inferenceConfig"));
        json_write_object(&w->json);
        json_write_member_raw(&w->json, STR("topK"), value);
        json_write_object_end(&w->json);
        return;
    }
    key(a, w->family->top_k == TOP_K_COHERE ? STR("k") : STR("top_k"));
    json_write_raw(&w->json, value);
}

static void write_number(struct additional *a, bool takes, str name, str value)
{
    if (!value.len)
        return;
    if (!takes) {
        unsupported_field(a->w->unsupported, FIELD_HINT, name, "this model does not take it");
        return;
    }
    key(a, name);
    json_write_raw(&a->w->json, value);
}

static void write_penalties(struct additional *a)
{
    const struct chat *c = a->w->chat;
    bool takes = a->w->family->penalties;
    write_number(a, takes, STR("presence_penalty"), c->presence_penalty);
    write_number(a, takes, STR("frequency_penalty"), c->frequency_penalty);
    write_number(a, a->w->family->top_k == TOP_K_COHERE, STR("seed"), c->seed);
}

/* --- The client's ----------------------------------------------------------------------------- */

static bool is_ours(const struct additional *a, const struct json_doc *doc, uint32_t name)
{
    for (unsigned i = 0; i < a->count && i < OURS_MAX; i++)
        if (json_string_eq(doc, name, a->ours[i]))
            return true;
    return false;
}

static void write_clients(struct additional *a, bool *begun)
{
    static const struct json_options shallow = {.index_depth = 1};
    struct bedrock_writing *w = a->w;
    struct json_write *j = &w->json;
    struct json_doc doc;
    const struct extra *e =
        chat_extra(w->chat, w->chat->dialect, STR("additionalModelRequestFields"));
    if (!e || json_parse(&doc, w->arena, e->json, &shallow))
        return;
    JSON_EACH (name, &doc, JSON_ROOT) {
        str decoded;
        if (!json_is(&doc, JSON_ROOT, JSON_OBJECT) || is_ours(a, &doc, name))
            continue;
        if (json_string_decode(&doc, name, w->arena, &decoded)) {
            j->out->failed = true;
            return;
        }
        if (!*begun) {
            json_write_key(j, STR("additionalModelRequestFields"));
            json_write_object(j);
            *begun = true;
        }
        json_write_member_raw(j, decoded, json_raw(&doc, json_value(name)));
    }
}

void bedrock_write_additional(struct bedrock_writing *w)
{
    struct additional a = {.w = w};
    if (w->family->maker == BEDROCK_CLAUDE)
        write_thinking(&a);
    write_effort(&a);
    write_one_call(&a);
    write_top_k(&a);
    write_penalties(&a);
    bool begun = a.count > 0;
    write_clients(&a, &begun);
    if (begun)
        json_write_object_end(&w->json);
}
