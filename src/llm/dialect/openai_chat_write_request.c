/*
 * Chats as requests of chat completions (mapping.md §2–11, §18), for OpenAI, Azure and the many servers of
 * its format.  What OpenAI's own models refuse is known by their facts.
 */
#include "llm/dialect/openai_chat_impl.h"
#include "llm/provider.h"
#include "llm/signature.h"

enum { STOP_MAX = 4 };

struct writing {
    const struct chat *chat;
    struct chat_target *target;
    struct unsupported *unsupported;
    struct arena *arena;
    struct json_write j;
    bool openai;  /* OpenAI's own models (also at Azure): strict about fields */
    bool reasons; /* and this one will think */
};

static bool can(const struct writing *w, enum model_ability a)
{
    return model_can(w->target->facts, a);
}

/* --- Content ---------------------------------------------------------------------------------------------- */

static void write_mark(struct writing *w, const struct block *b)
{
    if (!b->cached || !w->openai || !can(w, MODEL_CACHE_MARKS))
        return;
    json_write_key(&w->j, STR("prompt_cache_breakpoint"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("mode"), STR("explicit"));
    if (b->cache_ttl_s >= 3600)
        json_write_member(&w->j, STR("ttl"), STR("12h"));
    json_write_object_end(&w->j);
}

static void write_text_part(struct writing *w, const struct block *b)
{
    json_write_object(&w->j);
    json_write_member(&w->j, STR("type"), STR("text"));
    json_write_member_raw_string(&w->j, STR("text"), b->text);
    write_mark(w, b);
    json_write_object_end(&w->j);
}

static str media_url(struct writing *w, const struct media *m)
{
    if (m->source == MEDIA_URL)
        return m->data;
    str mime = m->mime.len ? m->mime : media_sniff(m->data);
    return arena_printf(w->arena, "data:%.*s;base64,%.*s",
                        STR_ARG(mime.len ? mime : STR("application/octet-stream")),
                        STR_ARG(m->data));
}

static void write_image_part(struct writing *w, const struct block *b)
{
    static const char *const details[] = {[DETAIL_LOW] = "low",
                                          [DETAIL_HIGH] = "high",
                                          [DETAIL_AUTO] = "auto",
                                          [DETAIL_ORIGINAL] = "high"};
    json_write_object(&w->j);
    json_write_member(&w->j, STR("type"), STR("image_url"));
    json_write_key(&w->j, STR("image_url"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("url"), media_url(w, &b->media));
    if (b->media.detail)
        json_write_member(&w->j, STR("detail"), str_from_c(details[b->media.detail]));
    json_write_object_end(&w->j);
    json_write_object_end(&w->j);
}

static void write_audio_part(struct writing *w, const struct block *b)
{
    bool wav = str_find(b->media.mime, STR("wav")) >= 0;
    json_write_object(&w->j);
    json_write_member(&w->j, STR("type"), STR("input_audio"));
    json_write_key(&w->j, STR("input_audio"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("data"), b->media.data);
    json_write_member(&w->j, STR("format"), wav ? STR("wav") : STR("mp3"));
    json_write_object_end(&w->j);
    json_write_object_end(&w->j);
}

static void write_file_part(struct writing *w, const struct block *b)
{
    const struct media *m = &b->media;
    json_write_object(&w->j);
    if (m->source == MEDIA_TEXT) { /* what is text needs no file */
        json_write_member(&w->j, STR("type"), STR("text"));
        json_write_member_raw_string(&w->j, STR("text"), m->text);
        json_write_object_end(&w->j);
        return;
    }
    json_write_member(&w->j, STR("type"), STR("file"));
    json_write_key(&w->j, STR("file"));
    json_write_object(&w->j);
    if (m->source == MEDIA_FILE_ID) {
        json_write_member(&w->j, STR("file_id"), m->data);
    } else {
        json_write_member(&w->j, STR("filename"), m->name.len ? m->name : STR("document.pdf"));
        json_write_member(&w->j, STR("file_data"), media_url(w, m));
    }
    json_write_object_end(&w->j);
    json_write_object_end(&w->j);
}

/* Media that a chat completion cannot carry. */
static bool refuses(struct writing *w, const struct block *b, str path)
{
    const struct media *m = &b->media;
    const char *why = NULL;
    if (b->kind == BLOCK_VIDEO)
        why = "chat completions take no video";
    else if (m->source == MEDIA_FILE_ID && m->format != NATIVE_OPENAI)
        why = "the file is in another provider's account";
    else if (m->source == MEDIA_URL && b->kind != BLOCK_IMAGE)
        why = "chat completions take documents and audio as bytes only";
    else if (m->source == MEDIA_URL && !str_istarts(m->data, STR("http")))
        why = "the address cannot be read by this target";
    if (why)
        unsupported_refuse(w->unsupported, path, why);
    return why != NULL;
}

static void write_part(struct writing *w, const struct block *b, str path)
{
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        write_text_part(w, b);
        break;
    case BLOCK_IMAGE:
        if (!refuses(w, b, path))
            write_image_part(w, b);
        break;
    case BLOCK_AUDIO:
        if (!refuses(w, b, path))
            write_audio_part(w, b);
        break;
    case BLOCK_VIDEO:
    case BLOCK_DOCUMENT:
        if (!refuses(w, b, path))
            write_file_part(w, b);
        break;
    case BLOCK_CALL:
    case BLOCK_RESULT:
    case BLOCK_REASONING:
        break;
    case BLOCK_NATIVE:
        if (b->native.format != NATIVE_OPENAI)
            unsupported_field(w->unsupported, FIELD_HINT, b->native.type,
                              "a block of another provider's own");
        else
            json_write_raw(&w->j, b->native.json);
        break;
    }
}

static bool is_part(const struct block *b)
{
    return b->kind != BLOCK_CALL && b->kind != BLOCK_RESULT && b->kind != BLOCK_REASONING &&
           (b->kind != BLOCK_NATIVE || b->native.format == NATIVE_OPENAI);
}

/* One text and nothing else is said as a string, which every server takes. */
static const struct block *only_text(const struct writing *w, const struct block *blocks)
{
    const struct block *text = NULL;
    for (const struct block *b = blocks; b; b = b->next) {
        if (!is_part(b))
            continue;
        if (text || (b->kind != BLOCK_TEXT && b->kind != BLOCK_REFUSAL))
            return NULL;
        text = b;
    }
    bool marked = text && text->cached && w->openai && can(w, MODEL_CACHE_MARKS);
    return marked ? NULL : text;
}

static void write_content(struct writing *w, const struct block *blocks, str path)
{
    const struct block *text = only_text(w, blocks);
    json_write_key(&w->j, STR("content"));
    if (text) {
        json_write_raw_string(&w->j, text->text.s);
        return;
    }
    json_write_array(&w->j);
    for (const struct block *b = blocks; b; b = b->next)
        if (is_part(b))
            write_part(w, b, path);
        else if (b->kind == BLOCK_NATIVE)
            write_part(w, b, path); /* only to be reported */
    json_write_array_end(&w->j);
}

/* --- Turns --------------------------------------------------------------------------------------------------- */

static void begin_message(struct writing *w, const char *role)
{
    json_write_object(&w->j);
    json_write_member(&w->j, STR("role"), str_from_c(role));
}

static void write_system(struct writing *w, const struct turn *t)
{
    bool developer = w->openai && can(w, MODEL_DEVELOPER_ROLE);
    begin_message(w, developer ? "developer" : "system");
    write_content(w, t->blocks, t->path);
    if (t->name.len)
        json_write_member(&w->j, STR("name"), t->name);
    json_write_object_end(&w->j);
}

static bool has_media(const struct block *blocks)
{
    for (const struct block *b = blocks; b; b = b->next)
        if (b->kind == BLOCK_IMAGE || b->kind == BLOCK_DOCUMENT || b->kind == BLOCK_AUDIO)
            return true;
    return false;
}

/* A tool's words are text here: media follow in the user's turn (mapping.md §18). */
static void write_result(struct writing *w, const struct block *b)
{
    const struct tool_result *r = &b->result;
    begin_message(w, "tool");
    json_write_member(&w->j, STR("tool_call_id"), r->call_id);
    struct buf text;
    buf_init(&text, 0);
    if (r->is_error)
        buf_add_lit(&text, "Error: ");
    for (const struct block *c = r->content; c; c = c->next)
        if (c->kind == BLOCK_TEXT)
            buf_add_str(&text, c->text.s);
        else if (c->kind == BLOCK_DOCUMENT && c->media.source == MEDIA_TEXT)
            buf_add_str(&text, c->media.text.s);
    if (has_media(r->content))
        buf_add_lit(&text, "(The tool's image or document is in the next message.)");
    json_write_key(&w->j, STR("content"));
    json_write_raw_string(&w->j, buf_str(&text));
    w->unsupported->fault.err = text.failed ? ERR_NO_MEMORY : w->unsupported->fault.err;
    buf_release(&text);
    json_write_object_end(&w->j);
}

static void write_media_of_results(struct writing *w, const struct turn *t)
{
    for (const struct block *b = t->blocks; b; b = b->next) {
        if (b->kind != BLOCK_RESULT || !has_media(b->result.content))
            continue;
        begin_message(w, "user");
        json_write_key(&w->j, STR("content"));
        json_write_array(&w->j);
        for (const struct block *c = b->result.content; c; c = c->next)
            if (c->kind != BLOCK_TEXT)
                write_part(w, c, t->path);
        json_write_array_end(&w->j);
        json_write_object_end(&w->j);
    }
}

static bool says_anything(const struct block *blocks)
{
    for (const struct block *b = blocks; b; b = b->next)
        if (is_part(b))
            return true;
    return false;
}

static void write_user(struct writing *w, const struct turn *t)
{
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_RESULT)
            write_result(w, b);
    write_media_of_results(w, t);
    if (!says_anything(t->blocks))
        return;
    begin_message(w, "user");
    write_content(w, t->blocks, t->path);
    if (t->name.len)
        json_write_member(&w->j, STR("name"), t->name);
    json_write_object_end(&w->j);
}

static void write_call(struct writing *w, const struct tool_call *call)
{
    str object = call->custom ? call->arguments : chat_call_object(w->arena, call);
    if (call->is_raw)
        unsupported_note(w->unsupported, STR("tool arguments (not a JSON object)"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("id"), call->id);
    json_write_member(&w->j, STR("type"), STR("function"));
    json_write_key(&w->j, STR("function"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("name"), name_legal(w->arena, &name_rule_openai, call->name));
    json_write_member(&w->j, STR("arguments"), object);
    json_write_object_end(&w->j);
    if (call->signature.len && !w->openai) {
        json_write_key(&w->j, STR("extra_content"));
        json_write_object(&w->j);
        json_write_key(&w->j, STR("google"));
        json_write_object(&w->j);
        json_write_member(&w->j, STR("thought_signature"), call->signature);
        json_write_object_end(&w->j);
        json_write_object_end(&w->j);
    }
    json_write_object_end(&w->j);
}

/* Reasoning goes back only to servers whose models read it; OpenAI refuses the field. */
static void write_reasoning(struct writing *w, const struct turn *t)
{
    bool any = false;
    if (w->openai)
        return;
    for (const struct block *b = t->blocks; b; b = b->next)
        any = any || (b->kind == BLOCK_REASONING && b->reasoning.text.s.len);
    if (!any)
        return;
    struct buf text;
    buf_init(&text, 0);
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_REASONING)
            buf_add_str(&text, b->reasoning.text.s);
    json_write_key(&w->j, STR("reasoning_content"));
    json_write_raw_string(&w->j, buf_str(&text));
    buf_release(&text);
}

static void write_assistant(struct writing *w, const struct turn *t)
{
    bool calls = false;
    for (const struct block *b = t->blocks; b; b = b->next)
        calls = calls || b->kind == BLOCK_CALL;
    if (!calls && !says_anything(t->blocks))
        return; /* reasoning alone */
    begin_message(w, "assistant");
    if (says_anything(t->blocks)) {
        write_content(w, t->blocks, t->path);
    } else {
        json_write_key(&w->j, STR("content"));
        json_write_null(&w->j);
    }
    write_reasoning(w, t);
    if (calls) {
        json_write_key(&w->j, STR("tool_calls"));
        json_write_array(&w->j);
        for (const struct block *b = t->blocks; b; b = b->next)
            if (b->kind == BLOCK_CALL)
                write_call(w, &b->call);
        json_write_array_end(&w->j);
    }
    json_write_object_end(&w->j);
}

static void write_messages(struct writing *w)
{
    json_write_key(&w->j, STR("messages"));
    json_write_array(&w->j);
    for (const struct turn *t = w->chat->system; t; t = t->next)
        write_system(w, t);
    for (const struct turn *t = w->chat->turns; t; t = t->next) {
        switch (t->role) {
        case ROLE_SYSTEM:
            write_system(w, t);
            break;
        case ROLE_USER:
            write_user(w, t);
            break;
        case ROLE_ASSISTANT:
            write_assistant(w, t);
            break;
        }
    }
    json_write_array_end(&w->j);
}

/* --- Tools ---------------------------------------------------------------------------------------------------- */

static bool is_allowed(const struct chat *c, str name)
{
    for (const struct name_list *n = c->allowed; n; n = n->next)
        if (str_eq(n->name, name))
            return true;
    return !c->allowed;
}

static bool is_written(struct writing *w, const struct tool *t)
{
    if (!is_allowed(w->chat, t->name))
        return false;
    return t->format == NATIVE_NONE || t->custom;
}

static void write_tool(struct writing *w, const struct tool *t)
{
    json_write_object(&w->j);
    json_write_member(&w->j, STR("type"), STR("function"));
    json_write_key(&w->j, STR("function"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("name"), name_legal(w->arena, &name_rule_openai, t->name));
    json_write_member_raw_string(&w->j, STR("description"), t->description);
    if (t->custom)
        json_write_member_raw(&w->j, STR("parameters"),
                              STR("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":"
                                  "\"string\"}},\"required\":[\"input\"]}"));
    else
        json_write_member_raw(&w->j, STR("parameters"),
                              t->schema.len ? t->schema
                                            : STR("{\"type\":\"object\",\"properties\":{}}"));
    if (t->strict == YES)
        json_write_member_raw(&w->j, STR("strict"), STR("true"));
    json_write_object_end(&w->j);
    json_write_object_end(&w->j);
}

static void write_choice(struct writing *w)
{
    static const char *const names[] = {
        [CHOICE_AUTO] = "auto", [CHOICE_NONE] = "none", [CHOICE_REQUIRED] = "required"};
    const struct chat *c = w->chat;
    if (c->choice == CHOICE_UNSET)
        return;
    json_write_key(&w->j, STR("tool_choice"));
    if (c->choice != CHOICE_NAMED) {
        json_write_string(&w->j, str_from_c(names[c->choice]));
        return;
    }
    json_write_object(&w->j);
    json_write_member(&w->j, STR("type"), STR("function"));
    json_write_key(&w->j, STR("function"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("name"), name_legal(w->arena, &name_rule_openai, c->choice_name));
    json_write_object_end(&w->j);
    json_write_object_end(&w->j);
}

static void write_tools(struct writing *w)
{
    const struct chat *c = w->chat;
    bool any = false;
    for (const struct tool *t = c->tools; t; t = t->next) {
        if (!is_written(w, t)) {
            if (t->format != NATIVE_NONE)
                unsupported_field(w->unsupported, FIELD_MEANING, t->type,
                                  "a tool that another provider runs");
            continue;
        }
        if (!any) {
            json_write_key(&w->j, STR("tools"));
            json_write_array(&w->j);
        }
        any = true;
        write_tool(w, t);
    }
    if (!any)
        return;
    json_write_array_end(&w->j);
    write_choice(w);
    if (c->parallel_calls != UNSET)
        json_write_member_raw(&w->j, STR("parallel_tool_calls"),
                              c->parallel_calls == YES ? STR("true") : STR("false"));
}

/* --- Parameters ----------------------------------------------------------------------------------------------- */

static void write_sampling(struct writing *w, const char *name, str value)
{
    if (str_is_null(value))
        return;
    if (w->openai && w->reasons && !can(w, MODEL_SAMPLING))
        unsupported_field(w->unsupported, FIELD_HINT, str_from_c(name),
                          "a model that thinks has its own");
    else
        json_write_member_raw(&w->j, str_from_c(name), value);
}

static void write_limits(struct writing *w)
{
    const struct chat *c = w->chat;
    bool newer = w->openai && can(w, MODEL_COMPLETION_TOKENS);
    json_write_member_given(&w->j, newer ? STR("max_completion_tokens") : STR("max_tokens"),
                            c->max_tokens);
    write_sampling(w, "temperature", c->temperature);
    write_sampling(w, "top_p", c->top_p);
    if (!str_is_null(c->top_k)) {
        if (w->openai)
            unsupported_field(w->unsupported, FIELD_HINT, STR("top_k"), "OpenAI has no top_k");
        else
            json_write_member_raw(&w->j, STR("top_k"), c->top_k);
    }
    write_sampling(w, "presence_penalty", c->presence_penalty);
    write_sampling(w, "frequency_penalty", c->frequency_penalty);
    json_write_member_given(&w->j, STR("seed"), c->seed);
    json_write_member_given(&w->j, STR("n"), c->n);
    json_write_member_given(&w->j, STR("logit_bias"), c->logit_bias);
    if (c->logprobs == YES)
        json_write_member_raw(&w->j, STR("logprobs"), STR("true"));
    json_write_member_given(&w->j, STR("top_logprobs"), c->top_logprobs);
}

static void write_stop(struct writing *w)
{
    unsigned n = 0;
    if (!w->chat->stop)
        return;
    if (w->openai && w->reasons && !can(w, MODEL_STOP)) {
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
        unsupported_changed(w->unsupported, STR("stop"), STR("4 sequences"),
                            arena_printf(w->arena, "%u", n));
}

static void write_format(struct writing *w)
{
    const struct chat *c = w->chat;
    if (c->format == FORMAT_UNSET || c->format == FORMAT_TEXT)
        return;
    json_write_key(&w->j, STR("response_format"));
    json_write_object(&w->j);
    if (c->format == FORMAT_JSON) {
        json_write_member(&w->j, STR("type"), STR("json_object"));
        json_write_object_end(&w->j);
        return;
    }
    json_write_member(&w->j, STR("type"), STR("json_schema"));
    json_write_key(&w->j, STR("json_schema"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("name"),
                      c->format_name.len ? name_legal(w->arena, &name_rule_openai, c->format_name)
                                         : STR("structured_output"));
    json_write_member_raw_string(&w->j, STR("description"), c->format_description);
    json_write_member_raw(&w->j, STR("schema"),
                          c->format_schema.len ? c->format_schema : STR("{}"));
    if (c->format_strict != UNSET)
        json_write_member_raw(&w->j, STR("strict"),
                              c->format_strict == YES ? STR("true") : STR("false"));
    json_write_object_end(&w->j);
    json_write_object_end(&w->j);
}

/* A budget in tokens as a level (mapping.md §18). */
static enum effort effort_of_budget(str budget)
{
    int64_t n;
    if (!json_to_i64(budget, &n) || n < 0)
        return EFFORT_MEDIUM;
    return n == 0 ? EFFORT_NONE : n < 2048 ? EFFORT_LOW : n < 8192 ? EFFORT_MEDIUM : EFFORT_HIGH;
}

static enum effort asked_effort(const struct chat *c)
{
    if (c->effort != EFFORT_UNSET)
        return c->effort;
    if (c->thinking == NO)
        return EFFORT_NONE;
    return c->thinking_budget.len ? effort_of_budget(c->thinking_budget) : EFFORT_UNSET;
}

static void write_effort(struct writing *w)
{
    enum effort asked = asked_effort(w->chat);
    const struct model_facts *f = w->target->facts;
    enum effort sent = model_effort(f, asked);
    if (asked == EFFORT_UNSET)
        return;
    if (sent == EFFORT_UNSET) {
        if (asked != EFFORT_NONE)
            unsupported_field(w->unsupported, FIELD_HINT, STR("reasoning_effort"),
                              "the model does not think");
        return;
    }
    if (w->openai && sent == EFFORT_MAX && model_can(f, MODEL_TOOLS_RESPONSES))
        sent = EFFORT_XHIGH; /* the highest of chat completions */
    if (sent != asked && w->chat->effort != EFFORT_UNSET)
        unsupported_changed(w->unsupported, STR("reasoning_effort"), str_from_c(effort_name(sent)),
                            str_from_c(effort_name(asked)));
    json_write_member(&w->j, STR("reasoning_effort"), str_from_c(effort_name(sent)));
}

static void write_tier(struct writing *w)
{
    const struct chat *c = w->chat;
    if (!c->service_tier.len || !w->openai)
        return;
    if (c->dialect == NATIVE_OPENAI)
        json_write_member(&w->j, STR("service_tier"), c->service_tier);
    else if (str_eq(c->service_tier, STR("standard_only")))
        json_write_member(&w->j, STR("service_tier"), STR("default"));
}

static void write_bookkeeping(struct writing *w)
{
    const struct chat *c = w->chat;
    if (c->user.len)
        json_write_member(&w->j, w->openai ? STR("safety_identifier") : STR("user"),
                          str_first(c->user, 64));
    if (w->openai) {
        if (c->store != UNSET)
            json_write_member_raw(&w->j, STR("store"),
                                  c->store == YES ? STR("true") : STR("false"));
        if (c->store == YES)
            json_write_member_given(&w->j, STR("metadata"), c->metadata);
        if (c->cache_key.len)
            json_write_member(&w->j, STR("prompt_cache_key"), c->cache_key);
    }
    write_tier(w);
}

/* Fields of the same format that only pass through here: to servers of the format they go as they came. */
static void write_extras(struct writing *w)
{
    static const str taken[] = {STR_INIT("prediction"),
                                STR_INIT("verbosity"),
                                STR_INIT("web_search_options"),
                                STR_INIT("modalities"),
                                STR_INIT("audio"),
                                STR_INIT("moderation"),
                                STR_INIT("text.verbosity"),
                                STR_INIT("prompt_cache_retention"),
                                STR_INIT("prompt_cache_options")};
    for (unsigned i = 0; i < ARRAY_LEN(taken); i++) {
        const struct extra *e = chat_extra(w->chat, NATIVE_OPENAI, taken[i]);
        str name = str_eq(taken[i], STR("text.verbosity")) ? STR("verbosity") : taken[i];
        if (e)
            json_write_member_raw(&w->j, name, e->json);
    }
    unsupported_extras(w->unsupported, w->chat, NATIVE_OPENAI, taken, ARRAY_LEN(taken));
}

static void write_stream(struct writing *w)
{
    const struct chat_target *t = w->target;
    if (!t->stream)
        return;
    json_write_member_raw(&w->j, STR("stream"), STR("true"));
    if (t->conf->stream_usage)
        json_write_member_raw(&w->j, STR("stream_options"), STR("{\"include_usage\":true}"));
}

static bool is_openai(const struct chat_target *t)
{
    const char *name = t->conf->provider->name;
    return strcmp(name, "openai") == 0 || strcmp(name, "azure") == 0;
}

static bool will_reason(const struct writing *w)
{
    enum effort asked = asked_effort(w->chat);
    const struct model_facts *f = w->target->facts;
    if (!model_can(f, MODEL_REASONING))
        return false;
    if (asked == EFFORT_UNSET)
        return f->effort_default != EFFORT_NONE;
    return model_effort(f, asked) != EFFORT_NONE;
}

bool openai_chat_write_request(const struct chat *c, struct chat_target *t, struct buf *out)
{
    struct writing w = {.chat = c,
                        .target = t,
                        .unsupported = t->unsupported,
                        .arena = t->arena,
                        .openai = is_openai(t)};
    w.reasons = will_reason(&w);
    json_write_init(&w.j, out);
    json_write_object(&w.j);
    json_write_member(&w.j, STR("model"), t->model);
    write_messages(&w);
    write_tools(&w);
    write_limits(&w);
    write_stop(&w);
    write_format(&w);
    write_effort(&w);
    write_bookkeeping(&w);
    write_extras(&w);
    write_stream(&w);
    json_write_object_end(&w.j);
    return !out->failed && !t->unsupported->fault.err;
}
