/*
 * Requests to Anthropic's Messages API from chats (mapping.md §7, §9 to §11, §23).  Members are in the order
 * of the prompt that caches see: tools, system, messages.
 */
#include "llm/dialect/anthropic_impl.h"

#include "base/digest.h"

enum { MARKS_MAX = 4, HOUR_S = 3600 };

bool anthropic_can(const struct anthropic_writing *w, enum model_ability ability)
{
    return model_can(w->target->facts, ability);
}

bool anthropic_wrong(const struct anthropic_writing *w)
{
    return w->unsupported->fault.err || w->json.out->failed;
}

void anthropic_instruct(struct anthropic_writing *w, str sentence)
{
    str pieces[] = {w->instruction, w->instruction.len ? STR(" ") : STR(""), sentence};
    w->instruction = arena_concat(w->arena, pieces, ARRAY_LEN(pieces));
    if (str_is_null(w->instruction) || str_is_null(sentence))
        w->json.out->failed = true;
}

static void hint(struct anthropic_writing *w, const char *field)
{
    unsupported_field(w->unsupported, FIELD_HINT, str_from_c(field), "");
}

/* --- Cache marks --------------------------------------------------------------------------------------------------------- */

/* Those of an hour must stand before those of five minutes. */
static bool lasts_an_hour(struct anthropic_writing *w, unsigned ttl_s)
{
    if (ttl_s < HOUR_S) {
        w->short_mark = true;
        return false;
    }
    if (w->short_mark)
        unsupported_changed(w->unsupported, STR("cache_control.ttl"), STR("5m"), STR("1h"));
    return !w->short_mark;
}

void anthropic_write_mark(struct anthropic_writing *w, bool cached, unsigned ttl_s)
{
    if (!cached)
        return;
    if (!anthropic_can(w, MODEL_CACHE_MARKS) && w->target->facts != &model_facts_unknown) {
        if (!w->marks_reported)
            hint(w, "cache_control");
        w->marks_reported = true;
        return;
    }
    if (w->marks_to_skip) {
        w->marks_to_skip--;
        return;
    }
    bool hour = lasts_an_hour(w, ttl_s);
    json_write_key(&w->json, STR("cache_control"));
    json_write_object(&w->json);
    json_write_member(&w->json, STR("type"), STR("ephemeral"));
    if (hour)
        json_write_member(&w->json, STR("ttl"), STR("1h"));
    json_write_object_end(&w->json);
}

static unsigned marks_of_turns(const struct turn *t)
{
    unsigned n = 0;
    for (; t; t = t->next)
        for (const struct block *b = t->blocks; b; b = b->next)
            n += anthropic_block_is_written(b) && anthropic_block_is_marked(b);
    return n;
}

static void plan_marks(struct anthropic_writing *w)
{
    unsigned n = marks_of_turns(w->chat->system) + marks_of_turns(w->chat->turns);
    for (const struct tool *t = w->chat->tools; t; t = t->next)
        n += t->cached && t->format == NATIVE_NONE && anthropic_offers(w, t);
    if (n <= MARKS_MAX)
        return;
    w->marks_to_skip = n - MARKS_MAX;
    unsupported_note(w->unsupported, STR("cache_control (the last 4)"));
}

/* --- Sampling ------------------------------------------------------------------------------------------------------------ */

static bool equals(str number, double value)
{
    return number.len && json_to_double(number) == value;
}

/* Left out; told, unless it says what is so anyway. */
static void drop(struct anthropic_writing *w, const char *field, str number, double usual)
{
    if (number.len && !equals(number, usual))
        hint(w, field);
}

static void write_temperature(struct anthropic_writing *w)
{
    str t = w->chat->temperature;
    if (!t.len)
        return;
    if (json_to_double(t) > 1) {
        unsupported_changed(w->unsupported, STR("temperature"), STR("1"), t);
        t = STR("1");
    }
    json_write_member_given(&w->json, STR("temperature"), t);
}

static void write_sampling(struct anthropic_writing *w)
{
    const struct chat *c = w->chat;
    if (!anthropic_can(w, MODEL_SAMPLING) || anthropic_thinks(&w->thinking)) {
        drop(w, "temperature", c->temperature, 1);
        drop(w, "top_p", c->top_p, 1);
        drop(w, "top_k", c->top_k, -1);
        return;
    }
    write_temperature(w);
    if (c->temperature.len && !anthropic_can(w, MODEL_TEMPERATURE_WITH_TOP_P))
        drop(w, "top_p", c->top_p, 1);
    else
        json_write_member_given(&w->json, STR("top_p"), c->top_p);
    json_write_member_given(&w->json, STR("top_k"), c->top_k);
}

/* What this API has nothing for. */
static void report_absent(struct anthropic_writing *w)
{
    const struct chat *c = w->chat;
    if (c->logprobs == YES || c->top_logprobs.len)
        unsupported_field(w->unsupported, FIELD_MEANING, STR("logprobs"),
                          "Anthropic gives no probabilities");
    if (c->previous_response_id.len)
        unsupported_field(w->unsupported, FIELD_MEANING, STR("previous_response_id"),
                          "Anthropic keeps no conversations");
    if (c->seed.len)
        hint(w, "seed");
    drop(w, "presence_penalty", c->presence_penalty, 0);
    drop(w, "frequency_penalty", c->frequency_penalty, 0);
    if (c->logit_bias.len && !str_eq(c->logit_bias, STR("{}")))
        hint(w, "logit_bias");
}

static void write_stop(struct anthropic_writing *w)
{
    bool opened = false;
    for (const struct stop_list *s = w->chat->stop; s; s = s->next) {
        if (raw_is_blank(s->text)) {
            hint(w, "stop");
            continue;
        }
        if (!opened) {
            json_write_key(&w->json, STR("stop_sequences"));
            json_write_array(&w->json);
        }
        opened = true;
        json_write_raw_string(&w->json, s->text.s);
    }
    if (opened)
        json_write_array_end(&w->json);
}

/* --- Thinking and output ---------------------------------------------------------------------------------------------------- */

static void write_thinking(struct anthropic_writing *w)
{
    static const char *const names[] = {
        [ANTHROPIC_THINKING_DISABLED] = "disabled",
        [ANTHROPIC_THINKING_BETWEEN_TOOLS] = "between_tools",
        [ANTHROPIC_THINKING_ADAPTIVE] = "adaptive",
        [ANTHROPIC_THINKING_BUDGET] = "enabled",
    };
    const struct anthropic_thinking *t = &w->thinking;
    if (t->type == ANTHROPIC_THINKING_NONE)
        return;
    json_write_key(&w->json, STR("thinking"));
    json_write_object(&w->json);
    json_write_member(&w->json, STR("type"), str_from_c(names[t->type]));
    if (t->type == ANTHROPIC_THINKING_BUDGET)
        json_write_member_u64(&w->json, STR("budget_tokens"), t->budget);
    if (t->display)
        json_write_member(&w->json, STR("display"), str_from_c(t->display));
    json_write_object_end(&w->json);
}

static void write_format(struct anthropic_writing *w)
{
    str moved, schema = anthropic_strict_schema(w->arena, w->chat->format_schema, &moved);
    if (str_is_null(schema)) {
        w->json.out->failed = true;
        return;
    }
    if (moved.len)
        unsupported_note(w->unsupported,
                         arena_printf(w->arena, "response_format (%.*s)", STR_ARG(moved)));
    json_write_key(&w->json, STR("format"));
    json_write_object(&w->json);
    json_write_member(&w->json, STR("type"), STR("json_schema"));
    json_write_member_raw(&w->json, STR("schema"), schema);
    json_write_object_end(&w->json);
}

static void write_output_config(struct anthropic_writing *w)
{
    const char *effort = w->thinking.effort;
    if (!effort && !w->schema_native)
        return;
    json_write_key(&w->json, STR("output_config"));
    json_write_object(&w->json);
    if (effort)
        json_write_member(&w->json, STR("effort"), str_from_c(effort));
    if (w->schema_native)
        write_format(w);
    json_write_object_end(&w->json);
}

/* --- Bookkeeping ----------------------------------------------------------------------------------------------------------- */

/* What looks like an address or a number to reach a person by is refused there. */
static bool looks_personal(str user)
{
    size_t digits = 0, others = 0;
    for (size_t i = 0; i < user.len; i++) {
        if (user.ptr[i] >= '0' && user.ptr[i] <= '9')
            digits++;
        else if (!memchr("+-() .", user.ptr[i], 6))
            others++;
    }
    return str_find_byte(user, '@') >= 0 || (digits >= 7 && others == 0);
}

static void write_user(struct anthropic_writing *w)
{
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    str user = w->chat->user;
    if (!user.len)
        return;
    if (looks_personal(user)) {
        digest_sha256(user, digest);
        digest_hex(digest, hex);
        user = str_make(hex, sizeof(hex));
    }
    json_write_key(&w->json, STR("metadata"));
    json_write_object(&w->json);
    json_write_member(&w->json, STR("user_id"), user);
    json_write_object_end(&w->json);
}

static void write_service_tier(struct anthropic_writing *w)
{
    str tier = w->chat->service_tier;
    if (str_eq(tier, STR("auto")))
        json_write_member(&w->json, STR("service_tier"), STR("auto"));
    else if (str_eq(tier, STR("default")) || str_eq(tier, STR("standard_only")))
        json_write_member(&w->json, STR("service_tier"), STR("standard_only"));
}

/* Members of this API's own that a client of another asked for by name. */
static const str own_members[] = {
    STR_INIT("container"),      STR_INIT("context_management"),
    STR_INIT("mcp_servers"),    STR_INIT("fallbacks"),
    STR_INIT("speed"),          STR_INIT("inference_geo"),
    STR_INIT("diagnostics"),    STR_INIT("fallback_credit_token"),
    STR_INIT("billing_policy"), STR_INIT("user_profile_id"),
    STR_INIT("anthropic-beta"), /* the last is no member */
};

static void write_extras(struct anthropic_writing *w)
{
    const unsigned members = ARRAY_LEN(own_members) - 1;
    for (unsigned i = 0; i < members; i++) {
        const struct extra *e = chat_extra(w->chat, NATIVE_ANTHROPIC, own_members[i]);
        if (e)
            json_write_member_raw(&w->json, e->name, e->json);
    }
    unsupported_extras(w->unsupported, w->chat, NATIVE_ANTHROPIC, own_members,
                       ARRAY_LEN(own_members));
    const struct extra *betas = chat_extra(w->chat, NATIVE_ANTHROPIC, STR("anthropic-beta"));
    if (betas && betas->json.len > 2)
        w->target->beta =
            raw_decode(w->arena, (struct raw){str_make(betas->json.ptr + 1, betas->json.len - 2)});
}

/* --- All of it ---------------------------------------------------------------------------------------------------------------- */

static void write_members(struct anthropic_writing *w)
{
    json_write_member(&w->json, STR("model"), w->target->model);
    json_write_member_u64(&w->json, STR("max_tokens"), w->thinking.max_tokens);
    anthropic_write_tools(w);
    anthropic_write_system(w);
    anthropic_write_messages(w);
    write_thinking(w);
    write_output_config(w);
    write_sampling(w);
    write_stop(w);
    write_user(w);
    write_service_tier(w);
    write_extras(w);
    if (w->target->stream) {
        json_write_key(&w->json, STR("stream"));
        json_write_bool(&w->json, true);
    }
}

bool anthropic_write_request(const struct chat *c, struct chat_target *t, struct buf *out)
{
    struct anthropic_writing w = {
        .chat = c, .target = t, .unsupported = t->unsupported, .arena = t->arena};
    json_write_init(&w.json, out);
    t->beta = STR_NULL;
    t->json_tool = false;
    report_absent(&w);
    anthropic_plan_turns(&w);
    bool forced = anthropic_plan_tools(&w);
    anthropic_thinking_decide(&w.thinking, c, t->model, t->facts, forced, w.prefill != NULL,
                              t->unsupported);
    plan_marks(&w);
    if (anthropic_wrong(&w))
        return false;
    json_write_object(&w.json);
    write_members(&w);
    if (anthropic_wrong(&w))
        return false;
    json_write_object_end(&w.json);
    return !out->failed;
}
