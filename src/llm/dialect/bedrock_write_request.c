/*
 * A chat as the body of Converse and ConverseStream (the same; the path says which).  What
 * Converse has a field for goes there; what only the model's maker knows goes into
 * additionalModelRequestFields.
 */
#include "llm/dialect/bedrock_impl.h"

#include "llm/dialect/anthropic_impl.h"

enum { METADATA_MAX = 16, METADATA_LENGTH = 256 };

bool bedrock_wrong(const struct bedrock_writing *w)
{
    return w->json.out->failed || w->unsupported->fault.err;
}

static void begin_member(struct bedrock_writing *w, str key)
{
    json_write_key(&w->json, key);
    json_write_object(&w->json);
}

static void end_member(struct bedrock_writing *w)
{
    json_write_object_end(&w->json);
}

/* --- Tools ------------------------------------------------------------------------------------ */

static const char open_schema[] = "{\"type\":\"object\",\"properties\":{}}";
static const char text_schema[] =
    "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"
    "\"required\":[\"input\"]}";

/* Converse wants "type": "object" to be said. */
static str object_schema(struct arena *a, str schema)
{
    static const struct json_options shallow = {.index_depth = 1};
    struct json_doc doc;
    if (str_is_null(schema))
        return str_from_c(open_schema);
    if (json_parse(&doc, a, schema, &shallow) || !json_is(&doc, JSON_ROOT, JSON_OBJECT))
        return str_from_c(open_schema);
    if (json_member(&doc, JSON_ROOT, STR("type")) != JSON_NONE)
        return schema;
    if (json_count(&doc, JSON_ROOT) == 0)
        return str_from_c(open_schema);
    return arena_printf(a, "{\"type\":\"object\",%.*s", STR_ARG(str_from(schema, 1)));
}

static void write_spec(struct bedrock_writing *w, str name, struct raw description, str schema,
                       bool strict)
{
    struct json_write *j = &w->json;
    if (str_is_null(name) || str_is_null(schema)) {
        j->out->failed = true;
        return;
    }
    json_write_object(j);
    begin_member(w, STR("toolSpec"));
    json_write_member(j, STR("name"), name);
    if (!raw_is_blank(description))
        json_write_member_raw_string(j, STR("description"), description);
    begin_member(w, STR("inputSchema"));
    json_write_member_raw(j, STR("json"), schema);
    end_member(w);
    if (strict) {
        json_write_key(j, STR("strict"));
        json_write_bool(j, true);
    }
    end_member(w);
    json_write_object_end(j);
}

/* Models that take structured output take strict tools. */
static bool can_be_strict(struct bedrock_writing *w, const struct tool *t)
{
    if (t->strict != YES)
        return false;
    if (w->target->facts != &model_facts_unknown && model_can(w->target->facts, MODEL_JSON_SCHEMA))
        return true;
    unsupported_field(w->unsupported, FIELD_HINT, STR("tools.strict"),
                      "Bedrock refuses it for this model");
    return false;
}

static void write_tool(struct bedrock_writing *w, const struct tool *t)
{
    bool strict = can_be_strict(w, t);
    str schema = object_schema(w->arena, t->schema), changed;
    if (t->custom) {
        schema = str_from_c(text_schema);
        if (t->native.len)
            unsupported_field(w->unsupported, FIELD_HINT, STR("tools.custom.format"),
                              "Bedrock has no grammars");
    } else if (strict) {
        schema = anthropic_strict_schema(w->arena, schema, &changed);
        if (changed.len)
            unsupported_note(w->unsupported, changed);
    }
    write_spec(w, name_legal(w->arena, &name_rule_openai, t->name), t->description, schema, strict);
    if (w->family->maker != BEDROCK_NOVA) /* takes no marks among its tools */
        bedrock_write_mark(w, t->cached, t->cache_ttl_s);
}

static void write_choice(struct bedrock_writing *w)
{
    struct json_write *j = &w->json;
    const struct bedrock_plan *p = &w->plan;
    if (p->choice == CHOICE_UNSET || p->one_call)
        return;
    begin_member(w, STR("toolChoice"));
    begin_member(w, p->choice == CHOICE_NAMED ? STR("tool") : STR("any"));
    if (p->choice == CHOICE_NAMED)
        json_write_member(j, STR("name"), p->choice_name);
    end_member(w);
    end_member(w);
}

void bedrock_write_tools(struct bedrock_writing *w)
{
    if (!w->plan.tools)
        return;
    begin_member(w, STR("toolConfig"));
    json_write_key(&w->json, STR("tools"));
    json_write_array(&w->json);
    for (const struct tool *t = w->chat->tools; t && !w->json.out->failed; t = t->next)
        if (bedrock_offers(w, t))
            write_tool(w, t);
    if (w->plan.format == BEDROCK_FORMAT_TOOL)
        write_spec(w, STR(JSON_TOOL_NAME), RAW("Takes the answer to the user's request."),
                   object_schema(w->arena, w->chat->format_schema), false);
    json_write_array_end(&w->json);
    write_choice(w);
    end_member(w);
}

/* --- Sampling and limits ---------------------------------------------------------------------- */

static void leave_out(struct bedrock_writing *w, str value, const char *field, const char *why)
{
    if (value.len)
        unsupported_field(w->unsupported, FIELD_HINT, str_from_c(field), why);
}

static void write_temperature(struct bedrock_writing *w)
{
    str value = w->chat->temperature;
    if (!value.len)
        return;
    if (json_to_double(value) > 1) {
        unsupported_changed(w->unsupported, STR("temperature"), STR("1"), value);
        value = STR("1");
    }
    json_write_member_raw(&w->json, STR("temperature"), value);
}

/* Both at once are refused by some models: temperature stays. */
static void write_sampling(struct bedrock_writing *w)
{
    const struct chat *c = w->chat;
    if (!w->plan.sampling) {
        static const char why[] = "this model takes no sampling parameters now";
        leave_out(w, c->temperature, "temperature", why);
        leave_out(w, c->top_p, "top_p", why);
        return;
    }
    write_temperature(w);
    if (c->temperature.len && !model_can(w->target->facts, MODEL_TEMPERATURE_WITH_TOP_P))
        leave_out(w, c->top_p, "top_p", "this model takes it or temperature, not both");
    else
        json_write_member_given(&w->json, STR("topP"), c->top_p);
}

static bool takes_stop(const struct bedrock_writing *w, const struct stop_list *s)
{
    if (w->family->no_stop || !model_can(w->target->facts, MODEL_STOP) || s->text.s.len == 0)
        return false;
    return w->family->maker != BEDROCK_CLAUDE || !raw_is_blank(s->text);
}

static bool takes_any_stop(const struct bedrock_writing *w)
{
    for (const struct stop_list *s = w->chat->stop; s; s = s->next)
        if (takes_stop(w, s))
            return true;
    return false;
}

static void write_stop(struct bedrock_writing *w)
{
    for (const struct stop_list *s = w->chat->stop; s; s = s->next)
        if (!takes_stop(w, s))
            unsupported_field(w->unsupported, FIELD_HINT, STR("stop"),
                              "this model takes no such stop sequence");
    if (!takes_any_stop(w))
        return;
    json_write_key(&w->json, STR("stopSequences"));
    json_write_array(&w->json);
    for (const struct stop_list *s = w->chat->stop; s; s = s->next)
        if (takes_stop(w, s))
            json_write_raw_string(&w->json, s->text.s);
    json_write_array_end(&w->json);
}

static void write_inference(struct bedrock_writing *w)
{
    begin_member(w, STR("inferenceConfig"));
    if (w->plan.max_tokens)
        json_write_member_u64(&w->json, STR("maxTokens"), w->plan.max_tokens);
    write_sampling(w);
    write_stop(w);
    end_member(w);
}

/* --- Structured output ------------------------------------------------------------------------ */

static void write_output(struct bedrock_writing *w)
{
    const struct chat *c = w->chat;
    str changed = STR_NULL;
    if (w->plan.format != BEDROCK_FORMAT_NATIVE)
        return;
    str schema = anthropic_strict_schema(w->arena, c->format_schema, &changed);
    if (str_is_null(schema)) {
        w->json.out->failed = true;
        return;
    }
    if (changed.len)
        unsupported_note(w->unsupported, changed);
    begin_member(w, STR("outputConfig"));
    begin_member(w, STR("textFormat"));
    json_write_member(&w->json, STR("type"), STR("json_schema"));
    begin_member(w, STR("structure"));
    begin_member(w, STR("jsonSchema"));
    json_write_member(&w->json, STR("schema"), schema); /* a string that holds it */
    if (c->format_name.len)
        json_write_member(&w->json, STR("name"), c->format_name);
    if (!raw_is_blank(c->format_description))
        json_write_member_raw_string(&w->json, STR("description"), c->format_description);
    end_member(w);
    end_member(w);
    end_member(w);
    end_member(w);
}

/* --- Bookkeeping and extras ------------------------------------------------------------------- */

static void write_tier(struct bedrock_writing *w)
{
    static const struct {
        str client, ours;
    } tiers[] = {{STR_INIT("default"), STR_INIT("default")},
                 {STR_INIT("standard_only"), STR_INIT("default")},
                 {STR_INIT("flex"), STR_INIT("flex")},
                 {STR_INIT("priority"), STR_INIT("priority")},
                 {STR_INIT("reserved"), STR_INIT("reserved")}};
    str tier = w->chat->service_tier;
    for (size_t i = 0; i < ARRAY_LEN(tiers); i++)
        if (str_eq(tier, tiers[i].client)) {
            begin_member(w, STR("serviceTier"));
            json_write_member(&w->json, STR("type"), tiers[i].ours);
            end_member(w);
        }
}

/* The characters that requestMetadata may have. */
static bool is_metadata(str text, size_t least)
{
    if (text.len < least || text.len > METADATA_LENGTH)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == 0 || !strchr(" :_@$#=/+,-.", c)))
            return false;
    }
    return true;
}

static void write_pair(struct bedrock_writing *w, str name, str value, unsigned *count)
{
    if (*count == METADATA_MAX || !is_metadata(name, 1) || !is_metadata(value, 0))
        return;
    if ((*count)++ == 0)
        begin_member(w, STR("requestMetadata"));
    json_write_member(&w->json, name, value);
}

static void write_metadata(struct bedrock_writing *w)
{
    const struct chat *c = w->chat;
    struct json_doc doc;
    unsigned count = 0;
    str name, value;
    if (c->metadata.len && json_parse(&doc, w->arena, c->metadata, NULL) == ERR_NONE) {
        JSON_EACH (m, &doc, JSON_ROOT) {
            if (!json_is(&doc, json_value(m), JSON_STRING))
                continue;
            if (json_string_decode(&doc, m, w->arena, &name) ||
                json_string_decode(&doc, json_value(m), w->arena, &value)) {
                w->json.out->failed = true;
                return;
            }
            write_pair(w, name, value, &count);
        }
    }
    if (c->user.len)
        write_pair(w, STR("user"), c->user, &count);
    if (count)
        end_member(w);
}

/* Converse's own fields, which a client may send beside its format's. */
static const str own_fields[] = {
    STR_INIT("guardrailConfig"),
    STR_INIT("performanceConfig"),
    STR_INIT("promptVariables"),
};
static const str more_fields[] = {
    STR_INIT("guardrailConfig"),
    STR_INIT("performanceConfig"),
    STR_INIT("promptVariables"),
    STR_INIT("additionalModelRequestFields"),
    STR_INIT("additionalModelResponseFieldPaths"),
};

static const struct extra *own_field(const struct bedrock_writing *w, str name)
{
    return chat_extra(w->chat, w->chat->dialect, name);
}

static void write_own_fields(struct bedrock_writing *w)
{
    for (size_t i = 0; i < ARRAY_LEN(own_fields); i++) {
        const struct extra *e = own_field(w, own_fields[i]);
        if (e)
            json_write_member_raw(&w->json, own_fields[i], e->json);
    }
}

/* Which stop sequence it was, Claude says only when asked: in its body, and in its stream. */
static void write_paths(struct bedrock_writing *w)
{
    const struct extra *e = own_field(w, STR("additionalModelResponseFieldPaths"));
    str key = STR("additionalModelResponseFieldPaths");
    if (e)
        json_write_member_raw(&w->json, key, e->json);
    else if (w->family->maker == BEDROCK_CLAUDE && takes_any_stop(w))
        json_write_member_raw(&w->json, key, STR("[\"/stop_sequence\",\"/delta/stop_sequence\"]"));
}

static void report_rest(struct bedrock_writing *w)
{
    const struct chat *c = w->chat;
    static const char none[] = "Converse has no such field";
    leave_out(w, c->logit_bias, "logit_bias", none);
    if (c->logprobs == YES || c->top_logprobs.len)
        unsupported_field(w->unsupported, FIELD_MEANING, STR("logprobs"), none);
    if (c->store != UNSET)
        unsupported_field(w->unsupported, FIELD_BOOKKEEPING, STR("store"), none);
    if (c->cache_key.len)
        unsupported_field(w->unsupported, FIELD_BOOKKEEPING, STR("prompt_cache_key"), none);
    unsupported_extras(w->unsupported, c, c->dialect, more_fields, ARRAY_LEN(more_fields));
}

/* --- All of it -------------------------------------------------------------------------------- */

static unsigned count_marks(const struct turn *t)
{
    unsigned count = 0;
    for (; t; t = t->next)
        for (const struct block *b = t->blocks; b; b = b->next)
            count += b->cached;
    return count;
}

/* Four are allowed: the last ones of each section stay, tools' longest. */
static void plan_marks(struct bedrock_writing *w)
{
    const struct chat *c = w->chat;
    unsigned count = count_marks(c->system) + count_marks(c->turns);
    for (const struct tool *t = c->tools; t; t = t->next)
        count += t->cached;
    if (!count)
        return;
    if (!model_can(w->target->facts, MODEL_CACHE_MARKS))
        unsupported_field(w->unsupported, FIELD_HINT, STR("cache_control"),
                          "this model takes no cache points");
    else if (count > BEDROCK_MARKS_MAX) {
        w->marks_to_skip = count - BEDROCK_MARKS_MAX;
        unsupported_note(w->unsupported, STR("cache_control (the last four)"));
    }
}

static void write_body(struct bedrock_writing *w)
{
    json_write_object(&w->json);
    bedrock_write_tools(w);
    bedrock_write_system(w);
    bedrock_write_messages(w);
    write_inference(w);
    bedrock_write_additional(w);
    write_paths(w);
    write_output(w);
    write_own_fields(w);
    write_tier(w);
    write_metadata(w);
    json_write_object_end(&w->json);
}

bool bedrock_write_request(const struct chat *c, struct chat_target *t, struct buf *out)
{
    struct bedrock_writing w = {
        .chat = c,
        .target = t,
        .unsupported = t->unsupported,
        .arena = t->arena,
        .family = bedrock_family_of(t->model, t->facts),
    };
    json_write_init(&w.json, out);
    t->json_tool = false;
    bedrock_judge_turns(&w);
    if (bedrock_wrong(&w))
        return false;
    bedrock_make_plan(&w);
    plan_marks(&w);
    report_rest(&w);
    if (bedrock_wrong(&w))
        return false;
    write_body(&w);
    return !bedrock_wrong(&w);
}
