/*
 * Chats as requests of chat completions (mapping.md §7, §9–11, §18), for OpenAI, Azure and the many servers
 * of its format.  What OpenAI's own models refuse is known by their facts, what others do by the rows below.
 */
#include "llm/dialect/openai_chat_writing.h"

#include <string.h>

#include "base/digest.h"
#include "llm/openai_api.h"
#include "llm/provider.h"

enum { STOP_MAX = 4, MARKS_MAX = 4, USER_MAX = 128 };

/* --- Servers ---------------------------------------------------------------------------------------------- */

#define LOCAL (OPENAI_REASONING | OPENAI_TOP_K | OPENAI_EFFORTS)

/* The first that fits; a server that nobody knows is taken for one of the local kind. */
static const struct {
    const char *provider, *preset; /* preset NULL: any */
    unsigned traits;
} servers[] = {
    {"openai", NULL, OPENAI_OWN | OPENAI_FILES},
    {"azure", NULL, OPENAI_OWN | OPENAI_FILES | OPENAI_SYSTEM_ONLY},
    {"vllm", NULL, LOCAL | OPENAI_MEDIA_URLS},
    {"together", NULL, OPENAI_REASONING | OPENAI_TOP_K | OPENAI_MEDIA_URLS | OPENAI_PLAIN},
    {"gemini", NULL, OPENAI_SIGNATURES},
    {"openai-compatible", "openrouter", LOCAL | OPENAI_FILES},
    {"openai-compatible", "deepseek", LOCAL},
    {"openai-compatible", "fireworks", LOCAL},
    {"openai-compatible", "huggingface", LOCAL},
    {"openai-compatible", "lmstudio", LOCAL},
    {"openai-compatible", "llamacpp", LOCAL},
    {"openai-compatible", "sglang", LOCAL | OPENAI_MEDIA_URLS},
    {"openai-compatible", "tgi", LOCAL},
    {"openai-compatible", "", LOCAL | OPENAI_FILES},
    {"openai-compatible", NULL, 0}, /* vendors that refuse what they do not know */
};

static unsigned traits_of(const struct provider_conf *p)
{
    for (unsigned i = 0; i < ARRAY_LEN(servers); i++)
        if (strcmp(servers[i].provider, p->provider->name) == 0 &&
            (!servers[i].preset || str_eq(p->preset, str_from_c(servers[i].preset))))
            return servers[i].traits;
    return LOCAL;
}

/* --- Sampling and limits ---------------------------------------------------------------------------------- */

/* Azure's older versions know only the older name (azure-openai.md §1.2). */
static bool is_older_version(const struct provider_conf *p)
{
    return p->api_version.len >= 10 &&
           str_cmp(str_first(p->api_version, 10), STR("2024-09-01")) < 0;
}

/* The older models have the older name, too; a model that nobody knows is a newer one. */
static void write_max_tokens(struct openai_writing *w)
{
    bool known = !str_eq(w->target->facts->name, model_facts_unknown.name);
    bool newer = openai_has(w, OPENAI_OWN) && (!known || openai_can(w, MODEL_COMPLETION_TOKENS)) &&
                 !is_older_version(w->target->conf);
    json_write_member_given(&w->j, newer ? STR("max_completion_tokens") : STR("max_tokens"),
                            w->chat->max_tokens);
}

/* What a model of OpenAI's has its own of, or refuses, while it reasons. */
static bool is_fixed(const struct openai_writing *w)
{
    return openai_has(w, OPENAI_OWN) && w->reasons && !openai_can(w, MODEL_SAMPLING);
}

static void write_number(struct openai_writing *w, const char *name, str value)
{
    if (str_is_null(value))
        return;
    if (is_fixed(w))
        unsupported_field(w->unsupported, FIELD_HINT, str_from_c(name),
                          "a model that reasons has its own");
    else
        json_write_member_raw(&w->j, str_from_c(name), value);
}

static void write_top_k(struct openai_writing *w)
{
    if (str_is_null(w->chat->top_k))
        return;
    if (openai_has(w, OPENAI_TOP_K))
        json_write_member_raw(&w->j, STR("top_k"), w->chat->top_k);
    else
        unsupported_field(w->unsupported, FIELD_HINT, STR("top_k"), "this server has no top_k");
}

/* Together's logprobs are the number of alternatives. */
static void write_logprobs(struct openai_writing *w)
{
    const struct chat *c = w->chat;
    if (c->logprobs != YES)
        return;
    if (is_fixed(w)) {
        unsupported_field(w->unsupported, FIELD_HINT, STR("logprobs"),
                          "a model that reasons does not tell them");
    } else if (openai_has(w, OPENAI_PLAIN)) {
        json_write_member_raw(&w->j, STR("logprobs"),
                              c->top_logprobs.len ? c->top_logprobs : STR("1"));
    } else {
        json_write_member_raw(&w->j, STR("logprobs"), STR("true"));
        json_write_member_given(&w->j, STR("top_logprobs"), c->top_logprobs);
    }
}

static void write_sampling(struct openai_writing *w)
{
    const struct chat *c = w->chat;
    write_max_tokens(w);
    write_number(w, "temperature", c->temperature);
    write_number(w, "top_p", c->top_p);
    write_top_k(w);
    write_number(w, "presence_penalty", c->presence_penalty);
    write_number(w, "frequency_penalty", c->frequency_penalty);
    json_write_member_given(&w->j, STR("seed"), c->seed);
    json_write_member_given(&w->j, STR("n"), c->n);
    write_number(w, "logit_bias", c->logit_bias);
    write_logprobs(w);
}

static void write_stop(struct openai_writing *w)
{
    unsigned n = 0;
    if (!w->chat->stop)
        return;
    if (openai_has(w, OPENAI_OWN) && !openai_can(w, MODEL_STOP)) {
        unsupported_field(w->unsupported, FIELD_HINT, STR("stop"), "this model takes none");
        return;
    }
    json_write_key(&w->j, STR("stop"));
    json_write_array(&w->j);
    for (const struct stop_list *s = w->chat->stop; s; s = s->next, n++)
        if (n < STOP_MAX)
            json_write_raw_string(&w->j, s->text.s);
    json_write_array_end(&w->j);
    if (n > STOP_MAX)
        unsupported_changed(w->unsupported, STR("stop"), STR("the first 4"),
                            openai_made(w, arena_printf(w->arena, "%u", n)));
}

/* --- Structured output ------------------------------------------------------------------------------------ */

static void write_schema(struct openai_writing *w)
{
    const struct chat *c = w->chat;
    str name = c->format_name.len ? c->format_name : STR("structured_output");
    json_write_member(&w->j, STR("type"), STR("json_schema"));
    json_write_key(&w->j, STR("json_schema"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("name"),
                      openai_made(w, name_legal(w->arena, &name_rule_openai, name)));
    json_write_member_raw_string(&w->j, STR("description"), c->format_description);
    json_write_member_raw(&w->j, STR("schema"),
                          c->format_schema.len ? c->format_schema : STR("{}"));
    if (c->format_strict != UNSET)
        json_write_member_raw(&w->j, STR("strict"),
                              c->format_strict == YES ? STR("true") : STR("false"));
    json_write_object_end(&w->j);
}

static void write_format(struct openai_writing *w)
{
    if (w->chat->format == FORMAT_UNSET || w->chat->format == FORMAT_TEXT)
        return;
    json_write_key(&w->j, STR("response_format"));
    json_write_object(&w->j);
    if (w->chat->format == FORMAT_JSON)
        json_write_member(&w->j, STR("type"), STR("json_object"));
    else
        write_schema(w);
    json_write_object_end(&w->j);
}

/* --- Reasoning -------------------------------------------------------------------------------------------- */

/* Together's hybrid models have a switch in place of levels. */
static bool write_switch(struct openai_writing *w, enum effort asked)
{
    const struct model_facts *f = w->target->facts;
    bool levels = f->efforts && asked != EFFORT_NONE;
    if (!openai_has(w, OPENAI_PLAIN) || levels || !model_can(f, MODEL_REASONING) ||
        model_can(f, MODEL_ALWAYS_REASONS))
        return false;
    json_write_member_raw(&w->j, STR("reasoning"),
                          asked == EFFORT_NONE ? STR("{\"enabled\":false}")
                                               : STR("{\"enabled\":true}"));
    return true;
}

static void write_effort(struct openai_writing *w)
{
    const struct model_facts *f = w->target->facts;
    enum effort asked = openai_asked_effort(w->chat), sent = model_effort(f, asked);
    if (asked == EFFORT_UNSET || write_switch(w, asked))
        return;
    if (!f->efforts && model_can(f, MODEL_REASONING) && openai_has(w, OPENAI_EFFORTS))
        sent = asked; /* the server makes of it what the model has */
    if (sent == EFFORT_UNSET) {
        if (asked != EFFORT_NONE)
            unsupported_field(w->unsupported, FIELD_HINT, STR("reasoning_effort"),
                              "the model has no levels of reasoning");
        return;
    }
    if (openai_has(w, OPENAI_OWN) && sent == EFFORT_MAX)
        sent = EFFORT_XHIGH; /* the highest of chat completions */
    if (sent != asked)
        unsupported_changed(w->unsupported, STR("reasoning_effort"), str_from_c(effort_name(sent)),
                            str_from_c(effort_name(asked)));
    json_write_member(&w->j, STR("reasoning_effort"), str_from_c(effort_name(sent)));
}

/* --- Bookkeeping ------------------------------------------------------------------------------------------ */

/* A longer id is replaced by its hash, so that it is the same in each request. */
static str user_id(struct openai_writing *w)
{
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    if (w->chat->user.len <= USER_MAX)
        return w->chat->user;
    digest_sha256(w->chat->user, digest);
    digest_hex(digest, hex);
    return openai_made(w, arena_str(w->arena, str_make(hex, sizeof(hex))));
}

static void write_tier(struct openai_writing *w)
{
    static const struct {
        enum native_format dialect;
        str theirs, ours;
    } tiers[] = {{NATIVE_ANTHROPIC, STR_INIT("auto"), STR_INIT("auto")},
                 {NATIVE_ANTHROPIC, STR_INIT("standard_only"), STR_INIT("default")},
                 {NATIVE_GEMINI, STR_INIT("flex"), STR_INIT("flex")},
                 {NATIVE_GEMINI, STR_INIT("priority"), STR_INIT("priority")}};
    const struct chat *c = w->chat;
    if (c->service_tier.len && c->dialect == NATIVE_OPENAI)
        json_write_member(&w->j, STR("service_tier"), c->service_tier);
    for (unsigned i = 0; c->service_tier.len && i < ARRAY_LEN(tiers); i++)
        if (c->dialect == tiers[i].dialect && str_ieq(c->service_tier, tiers[i].theirs))
            json_write_member(&w->j, STR("service_tier"), tiers[i].ours);
}

static void write_bookkeeping(struct openai_writing *w)
{
    const struct chat *c = w->chat;
    bool own = openai_has(w, OPENAI_OWN);
    if (c->user.len)
        json_write_member(&w->j, own ? STR("safety_identifier") : STR("user"), user_id(w));
    if (!own)
        return;
    if (c->store != UNSET)
        json_write_member_raw(&w->j, STR("store"), c->store == YES ? STR("true") : STR("false"));
    if (c->store == YES)
        json_write_member_given(&w->j, STR("metadata"), c->metadata);
    if (c->cache_key.len)
        json_write_member(&w->j, STR("prompt_cache_key"), c->cache_key);
    write_tier(w);
}

/* Of the options of the cache chat completions have the mode, and one time to live. */
static void write_cache_options(struct openai_writing *w)
{
    const struct extra *e = chat_extra(w->chat, NATIVE_OPENAI, STR("prompt_cache_options"));
    const struct extra *old = chat_extra(w->chat, NATIVE_OPENAI, STR("prompt_cache_retention"));
    struct json_doc doc;
    if (old && !openai_can(w, MODEL_CACHE_MARKS)) /* newer models refuse it */
        json_write_member_raw(&w->j, STR("prompt_cache_retention"), old->json);
    if (!e || !openai_can(w, MODEL_CACHE_MARKS) || json_parse(&doc, w->arena, e->json, NULL))
        return;
    uint32_t mode = json_member(&doc, JSON_ROOT, STR("mode"));
    uint32_t ttl = json_member(&doc, JSON_ROOT, STR("ttl"));
    json_write_key(&w->j, STR("prompt_cache_options"));
    json_write_object(&w->j);
    if (json_is(&doc, mode, JSON_STRING))
        json_write_member_raw(&w->j, STR("mode"), json_raw(&doc, mode));
    if (json_is(&doc, ttl, JSON_STRING) && json_string_eq(&doc, ttl, STR("30m")))
        json_write_member_raw(&w->j, STR("ttl"), json_raw(&doc, ttl));
    json_write_object_end(&w->j);
}

/* Fields of OpenAI's that have no place in a chat. */
static void write_extras(struct openai_writing *w)
{
    static const struct {
        str name, field; /* as the client's API calls it; here */
    } taken[] = {{STR_INIT("prediction"), STR_INIT("prediction")},
                 {STR_INIT("verbosity"), STR_INIT("verbosity")},
                 {STR_INIT("text.verbosity"), STR_INIT("verbosity")},
                 {STR_INIT("web_search_options"), STR_INIT("web_search_options")},
                 {STR_INIT("modalities"), STR_INIT("modalities")},
                 {STR_INIT("audio"), STR_INIT("audio")},
                 {STR_INIT("moderation"), STR_INIT("moderation")}};
    str names[ARRAY_LEN(taken)];
    bool own = openai_has(w, OPENAI_OWN);
    for (unsigned i = 0; i < ARRAY_LEN(taken); i++) {
        const struct extra *e = chat_extra(w->chat, NATIVE_OPENAI, taken[i].name);
        names[i] = taken[i].name;
        if (own && e)
            json_write_member_raw(&w->j, taken[i].field, e->json);
    }
    if (own)
        write_cache_options(w);
    unsupported_extras(w->unsupported, w->chat, NATIVE_OPENAI, names, own ? ARRAY_LEN(names) : 0);
}

static void write_stream(struct openai_writing *w)
{
    const struct chat_target *t = w->target;
    if (!t->stream)
        return;
    json_write_member_raw(&w->j, STR("stream"), STR("true"));
    if (t->conf->stream_usage)
        json_write_member_raw(&w->j, STR("stream_options"), STR("{\"include_usage\":true}"));
}

/* One whose conversation was kept here is in the turns already. */
static void refuse_previous(struct openai_writing *w)
{
    if (w->chat->previous_response_id.len)
        unsupported_field(w->unsupported, FIELD_MEANING, STR("previous_response_id"),
                          "chat completions remember no answers");
}

bool openai_chat_write_request(const struct chat *c, struct chat_target *t, struct buf *out)
{
    struct openai_writing w = {.chat = c,
                               .target = t,
                               .unsupported = t->unsupported,
                               .arena = t->arena,
                               .traits = traits_of(t->conf),
                               .reasons = openai_will_reason(t->facts, c)};
    unsigned marks = openai_count_marks(&w);
    w.marks_left = marks > MARKS_MAX ? marks - MARKS_MAX : 0;
    json_write_init(&w.j, out);
    json_write_object(&w.j);
    json_write_member(&w.j, STR("model"), t->model);
    openai_write_messages(&w);
    openai_write_tools(&w);
    write_sampling(&w);
    write_stop(&w);
    write_format(&w);
    write_effort(&w);
    write_bookkeeping(&w);
    write_extras(&w);
    refuse_previous(&w);
    write_stream(&w);
    json_write_object_end(&w.j);
    return !out->failed && !t->unsupported->fault.err;
}
