/*
 * A chat as the body of POST /v2/chat.  What only Cohere has comes from the client's own object
 * "cohere": {documents, citation_options, safety_mode, strict_tools, priority}.
 */
#include "llm/dialect/cohere_impl.h"

/* --- What only Cohere has. */

static const char *const own_members[] = {"documents", "citation_options", "safety_mode",
                                          "strict_tools", "priority"};

static bool is_own_member(const struct json_doc *doc, uint32_t name)
{
    for (size_t i = 0; i < ARRAY_LEN(own_members); i++)
        if (json_string_eq(doc, name, str_from_c(own_members[i])))
            return true;
    return false;
}

static bool own_read(struct cohere_writer *w, struct json_doc *own)
{
    static const str taken[] = {STR_INIT("cohere")};
    const struct chat *c = w->chat;
    const struct extra *extra = chat_extra(c, c->dialect, taken[0]);
    unsupported_extras(w->u, c, c->dialect, taken, ARRAY_LEN(taken));
    enum err err = json_parse(own, w->t->arena, extra ? extra->json : STR("{}"), NULL);
    if (err == ERR_NO_MEMORY)
        return false;
    if (err || !json_is(own, JSON_ROOT, JSON_OBJECT)) {
        unsupported_refuse(w->u, taken[0], "must be an object");
        return false;
    }
    JSON_EACH (name, own, JSON_ROOT)
        if (!is_own_member(own, name))
            unsupported_field(
                w->u, FIELD_UNKNOWN,
                arena_printf(w->t->arena, "cohere.%.*s", STR_ARG(json_string_raw(own, name))),
                "is no field of Cohere's");
    return true;
}

static str own_json(const struct json_doc *own, str name)
{
    return json_raw(own, json_member(own, JSON_ROOT, name));
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

static void write_tool(struct cohere_writer *w, const struct tool *tool)
{
    str name = name_legal(w->t->arena, &name_rule_openai, tool->name);
    if (str_is_null(name))
        w->w.out->failed = true;
    json_write_object(&w->w);
    json_write_member(&w->w, STR("type"), STR("function"));
    json_write_key(&w->w, STR("function"));
    json_write_object(&w->w);
    json_write_member(&w->w, STR("name"), name);
    json_write_member_raw_string(&w->w, STR("description"), tool->description);
    json_write_member_raw(&w->w, STR("parameters"),
                          tool->schema.len ? tool->schema
                                           : STR("{\"type\":\"object\",\"properties\":{}}"));
    json_write_object_end(&w->w);
    json_write_object_end(&w->w);
}

/* Cohere has one switch for all tools: it is set when all of them want it. */
static void write_strict(struct cohere_writer *w, const struct json_doc *own, unsigned sent,
                         unsigned strict)
{
    str given = own_json(own, STR("strict_tools"));
    if (!str_is_null(given))
        json_write_member_raw(&w->w, STR("strict_tools"), given);
    else if (strict == sent)
        json_write_member_raw(&w->w, STR("strict_tools"), STR("true"));
    else if (strict)
        unsupported_field(w->u, FIELD_HINT, STR("tools.strict"),
                          "Cohere enforces the schemas of all tools or of none");
}

/* A named tool is the only one that is sent, so that to require any is to require it. */
static void write_choice(struct cohere_writer *w)
{
    const struct chat *c = w->chat;
    bool forced = c->choice == CHOICE_REQUIRED || c->choice == CHOICE_NAMED;
    if (forced && !model_can(w->t->facts, MODEL_FORCED_TOOL))
        unsupported_field(w->u, FIELD_MEANING, STR("tool_choice"),
                          "the model cannot be made to call a tool");
    else if (forced)
        json_write_member(&w->w, STR("tool_choice"), STR("REQUIRED"));
    if (c->parallel_calls == NO)
        unsupported_field(w->u, FIELD_HINT, STR("parallel_tool_calls"),
                          "Cohere has no such switch");
}

static void write_tools(struct cohere_writer *w, const struct json_doc *own)
{
    const struct chat *c = w->chat;
    unsigned i = 0, sent = 0, strict = 0;
    if (!c->tools || c->choice == CHOICE_NONE)
        return;
    if (!model_can(w->t->facts, MODEL_TOOLS)) {
        unsupported_field(w->u, FIELD_MEANING, STR("tools"), "the model calls no tools");
        return;
    }
    for (const struct tool *tool = c->tools; tool; tool = tool->next, i++) {
        if (tool->custom || tool->format != NATIVE_NONE) {
            unsupported_field(w->u, FIELD_MEANING, arena_printf(w->t->arena, "tools[%u]", i),
                              "Cohere has function tools only");
            continue;
        }
        /* It asks for no declaration of what was called before. */
        if (tool->from_history || !is_chosen(c, tool))
            continue;
        if (sent++ == 0) {
            json_write_key(&w->w, STR("tools"));
            json_write_array(&w->w);
        }
        strict += tool->strict == YES;
        write_tool(w, tool);
    }
    if (!sent)
        return;
    json_write_array_end(&w->w);
    write_strict(w, own, sent, strict);
    write_choice(w);
}

/* --- Thinking: on, off, and a budget; models that reason do so by themselves. */

static void write_thinking(struct cohere_writer *w)
{
    const struct chat *c = w->chat;
    bool off = c->thinking == NO || c->effort == EFFORT_NONE;
    bool has_level = c->effort != EFFORT_UNSET && c->effort != EFFORT_NONE;
    if (c->thinking == UNSET && c->effort == EFFORT_UNSET)
        return;
    if (!model_can(w->t->facts, MODEL_REASONING)) {
        if (!off)
            unsupported_field(w->u, FIELD_HINT, STR("reasoning_effort"),
                              "the model does not think");
        return;
    }
    if (has_level && !off)
        unsupported_field(w->u, FIELD_HINT, STR("reasoning_effort"),
                          "Cohere has no levels of thinking, it is on");
    if (w->t->facts == &model_facts_unknown && !off)
        return; /* nobody knows that it can, and those that can do */
    json_write_key(&w->w, STR("thinking"));
    json_write_object(&w->w);
    json_write_member(&w->w, STR("type"), off ? STR("disabled") : STR("enabled"));
    if (!off && c->thinking_budget.len && !str_starts(c->thinking_budget, STR("-")))
        json_write_member_raw(&w->w, STR("token_budget"), c->thinking_budget);
    json_write_object_end(&w->w);
}

/* --- The rest. */

/* The number, kept within what Cohere takes. */
static void write_number(struct cohere_writer *w, const char *name, const char *field, str given,
                         const char *least, const char *most)
{
    str now = given;
    if (str_is_null(given))
        return;
    if (json_to_double(given) < json_to_double(str_from_c(least)))
        now = str_from_c(least);
    else if (json_to_double(given) > json_to_double(str_from_c(most)))
        now = str_from_c(most);
    if (now.ptr != given.ptr)
        unsupported_changed(w->u, str_from_c(field), now, given);
    json_write_member_raw(&w->w, str_from_c(name), now);
}

static void write_sampling(struct cohere_writer *w)
{
    const struct chat *c = w->chat;
    json_write_member_given(&w->w, STR("max_tokens"), c->max_tokens);
    json_write_member_given(&w->w, STR("temperature"), c->temperature);
    write_number(w, "p", "top_p", c->top_p, "0.01", "0.99");
    write_number(w, "k", "top_k", c->top_k, "0", "500");
    json_write_member_given(&w->w, STR("seed"), c->seed);
    write_number(w, "presence_penalty", "presence_penalty", c->presence_penalty, "0", "1");
    write_number(w, "frequency_penalty", "frequency_penalty", c->frequency_penalty, "0", "1");
    if (c->logit_bias.len && !str_eq(c->logit_bias, STR("{}")))
        unsupported_field(w->u, FIELD_HINT, STR("logit_bias"), "Cohere has no such field");
    if (c->logprobs == YES || c->top_logprobs.len)
        unsupported_field(w->u, FIELD_MEANING, STR("logprobs"),
                          "Cohere's probabilities have no texts of tokens beside them");
}

static void write_stop(struct cohere_writer *w)
{
    enum { MOST = 5 };
    const struct stop_list *s = w->chat->stop;
    if (!s)
        return;
    json_write_key(&w->w, STR("stop_sequences"));
    json_write_array(&w->w);
    for (unsigned n = 0; s && n < MOST; s = s->next, n++)
        json_write_raw_string(&w->w, s->text.s);
    json_write_array_end(&w->w);
    if (s)
        unsupported_field(w->u, FIELD_MEANING, STR("stop"), "Cohere takes five at most");
}

static void write_format(struct cohere_writer *w)
{
    const struct chat *c = w->chat;
    if (c->format != FORMAT_JSON && c->format != FORMAT_SCHEMA)
        return;
    if (c->tools && c->choice != CHOICE_NONE && !model_can(w->t->facts, MODEL_SCHEMA_WITH_TOOLS)) {
        unsupported_field(w->u, FIELD_MEANING, STR("response_format"),
                          "Cohere does not take it together with tools");
        return;
    }
    json_write_key(&w->w, STR("response_format"));
    json_write_object(&w->w);
    json_write_member(&w->w, STR("type"), STR("json_object"));
    if (c->format == FORMAT_SCHEMA && c->format_schema.len)
        json_write_member_raw(&w->w, STR("json_schema"), c->format_schema);
    json_write_object_end(&w->w);
    if (c->format == FORMAT_SCHEMA && !str_is_null(c->format_description.s))
        unsupported_field(w->u, FIELD_HINT, STR("response_format.json_schema.description"),
                          "Cohere takes the schema only");
}

/* `n` is no member: several answers are several calls, which the caller makes.  Ids of users, metadata,
 * tiers and marks of caches have no place here and change nothing. */
static void write_body(struct cohere_writer *w, const struct json_doc *own)
{
    static const str others[] = {STR_INIT("documents"), STR_INIT("citation_options"),
                                 STR_INIT("safety_mode"), STR_INIT("priority")};
    json_write_object(&w->w);
    json_write_member(&w->w, STR("model"), w->t->model);
    json_write_key(&w->w, STR("stream"));
    json_write_bool(&w->w, w->t->stream);
    cohere_write_messages(w);
    write_tools(w, own);
    write_format(w);
    write_thinking(w);
    write_sampling(w);
    write_stop(w);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        json_write_member_given(&w->w, others[i], own_json(own, others[i]));
    json_write_object_end(&w->w);
    if (w->chat->previous_response_id.len)
        unsupported_field(w->u, FIELD_MEANING, STR("previous_response_id"),
                          "Cohere keeps no conversations");
}

bool cohere_write_request(const struct chat *c, struct chat_target *t, struct buf *out)
{
    struct cohere_writer w = {.chat = c, .t = t, .u = t->unsupported};
    struct json_doc own;
    json_write_init(&w.w, out);
    if (!own_read(&w, &own))
        return false;
    write_body(&w, &own);
    return !out->failed && !w.u->fault.err;
}
