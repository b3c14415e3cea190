/*
 * Turns as Converse's messages.  Roles must alternate and begin with the user, no content may be
 * empty and no text blank: what cannot be sent is found first (objection), so that turns which
 * would be empty are left out and their neighbours become one message.
 */
#include "llm/dialect/bedrock_impl.h"

#include "base/digest.h"

/* What is put where Converse wants a text and nobody said one; white space is refused. */
#define FILLER "."

struct objection {
    enum field_class class; /* of a field that has a name: why is set */
    const char *suffix, *why;
};

/* --- What cannot be sent ---------------------------------------------------------------------- */

static bool is_media(const struct block *b)
{
    return b->kind == BLOCK_IMAGE || b->kind == BLOCK_AUDIO || b->kind == BLOCK_VIDEO ||
           b->kind == BLOCK_DOCUMENT;
}

/* Signatures of Claude are the same on all platforms; what is encrypted is not. */
static bool signature_fits(const struct bedrock_writing *w, const struct reasoning *r)
{
    if (!r->signature.len)
        return false;
    if (r->format == NATIVE_ANTHROPIC)
        return w->family->maker == BEDROCK_CLAUDE || w->family->maker == BEDROCK_UNKNOWN;
    return r->format == NATIVE_BEDROCK;
}

static bool reasoning_fits(const struct bedrock_writing *w, const struct reasoning *r)
{
    return signature_fits(w, r) || (r->encrypted.len && r->format == NATIVE_BEDROCK);
}

static bool object(struct objection *o, enum field_class class, const char *suffix, const char *why)
{
    *o = (struct objection){class, suffix, why};
    return true;
}

static bool object_to_media(const struct bedrock_writing *w, enum role role, const struct block *b,
                            struct objection *o)
{
    if (role == ROLE_ASSISTANT)
        return object(o, FIELD_HINT, ".content", "models are not shown what they drew or said");
    const char *why = bedrock_media_objection(w, b);
    return why && object(o, FIELD_MEANING, ".content", why);
}

/* Whether the block is left out; o->why NULL: without a word. */
static bool object_to(const struct bedrock_writing *w, enum role role, const struct block *b,
                      struct objection *o)
{
    *o = (struct objection){0};
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        return raw_is_blank(b->text);
    case BLOCK_IMAGE:
    case BLOCK_AUDIO:
    case BLOCK_VIDEO:
    case BLOCK_DOCUMENT:
        return object_to_media(w, role, b, o);
    case BLOCK_CALL:
    case BLOCK_RESULT:
        return false;
    case BLOCK_REASONING:
        return !reasoning_fits(w, &b->reasoning) &&
               object(o, FIELD_BOOKKEEPING, ".reasoning",
                      "reasoning goes back to the model that signed it only");
    case BLOCK_NATIVE:
        return b->native.format != NATIVE_BEDROCK &&
               object(o, FIELD_HINT, ".content", "a block of another vendor's own");
    }
    BUG("block kind %d", (int)b->kind);
}

static bool is_left_out(const struct bedrock_writing *w, const struct turn *t,
                        const struct block *b)
{
    struct objection o;
    return object_to(w, t->role, b, &o);
}

static void report(struct bedrock_writing *w, const struct turn *t, const struct objection *o)
{
    str path = t->path.len ? t->path : STR("messages");
    str field = arena_printf(w->arena, "%.*s%s", STR_ARG(path), o->suffix);
    if (str_is_null(field))
        w->json.out->failed = true;
    else
        unsupported_field(w->unsupported, o->class, field, o->why);
}

static void report_block(struct bedrock_writing *w, const struct turn *t, const struct block *b)
{
    struct objection o;
    if (object_to(w, t->role, b, &o) && o.why)
        report(w, t, &o);
    if (b->kind == BLOCK_IMAGE && b->media.detail > DETAIL_UNSET && b->media.detail != DETAIL_AUTO)
        report(w, t,
               &(struct objection){FIELD_HINT, ".image.detail", "Bedrock has no such setting"});
    if (b->kind == BLOCK_CALL && b->call.is_raw)
        report(
            w, t,
            &(struct objection){FIELD_HINT, ".arguments", "they are no JSON object: sent as _raw"});
    if (b->kind != BLOCK_RESULT)
        return;
    if (b->result.is_error && !w->family->status)
        report(w, t,
               &(struct objection){FIELD_HINT, ".is_error", "this model's results have no status"});
    for (const struct block *in = b->result.content; in; in = in->next) {
        struct objection audio = {FIELD_MEANING, ".content", "results have no audio"};
        if (in->kind == BLOCK_AUDIO)
            report(w, t, &audio);
        else
            report_block(w, t, in);
    }
}

/* Models that take system text in mid-conversation take it after a user's turn, with nothing or the
 * assistant's turn behind it. */
static bool keeps_place(const struct bedrock_writing *w, const struct turn *t)
{
    if (t->role != ROLE_SYSTEM || w->family->maker != BEDROCK_CLAUDE ||
        w->target->facts == &model_facts_unknown || !model_can(w->target->facts, MODEL_MID_SYSTEM))
        return false;
    const struct turn *before = NULL;
    for (const struct turn *p = w->chat->turns; p != t; p = p->next)
        before = p;
    return before && before->role == ROLE_USER && (!t->next || t->next->role == ROLE_ASSISTANT);
}

static bool is_message(const struct bedrock_writing *w, const struct turn *t)
{
    if (t->role == ROLE_SYSTEM && !keeps_place(w, t))
        return false;
    for (const struct block *b = t->blocks; b; b = b->next)
        if (!is_left_out(w, t, b))
            return true;
    return false;
}

/* This turn or the next one that becomes (part of) a message. */
static const struct turn *message_from(const struct bedrock_writing *w, const struct turn *t)
{
    while (t && !is_message(w, t))
        t = t->next;
    return t;
}

/* Finds the last turn that is written and the first of those that become one message with it. */
static const struct turn *last_message(const struct bedrock_writing *w, const struct turn **begin)
{
    const struct turn *last = NULL;
    for (const struct turn *t = w->chat->turns; (t = message_from(w, t)); t = t->next) {
        if (!last || last->role != t->role)
            *begin = t;
        last = t;
    }
    return last;
}

static bool has_call(const struct turn *t)
{
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_CALL)
            return true;
    return false;
}

static void judge_end(struct bedrock_writing *w)
{
    const struct turn *begin = NULL, *last = last_message(w, &begin);
    if (last && last->role == ROLE_ASSISTANT && has_call(last)) {
        unsupported_refuse(w->unsupported, last->path,
                           "calls tools that nobody has answered: the last message must be the "
                           "user's");
        return;
    }
    if (last && last->role == ROLE_ASSISTANT && !model_can(w->target->facts, MODEL_PREFILL)) {
        unsupported_field(w->unsupported, FIELD_MEANING, last->path,
                          "the model does not go on with an assistant's turn");
        w->end = begin;
        last = begin == message_from(w, w->chat->turns) ? NULL : begin;
    } else if (last && last->role == ROLE_ASSISTANT) {
        w->prefill = last;
    }
    if (!last)
        unsupported_refuse(w->unsupported, STR("messages"),
                           "there is nothing for the model to read");
}

void bedrock_judge_turns(struct bedrock_writing *w)
{
    for (const struct turn *t = w->chat->system; t; t = t->next)
        for (const struct block *b = t->blocks; b; b = b->next)
            report_block(w, t, b);
    for (const struct turn *t = w->chat->turns; t; t = t->next)
        for (const struct block *b = t->blocks; b; b = b->next)
            report_block(w, t, b);
    judge_end(w);
}

/* --- Ids -------------------------------------------------------------------------------------- */

enum { SHORT_ID = 9 };

static bool is_short_id(str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return false;
    }
    return id.len == SHORT_ID;
}

/* Nine characters, the same for the same id. */
static str short_id(struct arena *a, str id)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint8_t digest[SHA256_BYTES];
    char *out = arena_alloc(a, SHORT_ID);
    if (!out)
        return STR_NULL;
    digest_sha256(id, digest);
    for (unsigned i = 0; i < SHORT_ID; i++)
        out[i] = letters[digest[i] % (sizeof(letters) - 1)];
    return str_make(out, SHORT_ID);
}

str bedrock_call_id(struct bedrock_writing *w, str id)
{
    if (!w->family->short_ids)
        return name_legal(w->arena, &id_rule_bedrock, id);
    return is_short_id(id) ? id : short_id(w->arena, id);
}

/* A member with what may have been impossible to allocate. */
static void write_or_fail(struct bedrock_writing *w, str key, str text)
{
    if (str_is_null(text))
        w->json.out->failed = true;
    else
        json_write_member(&w->json, key, text);
}

/* --- Blocks ----------------------------------------------------------------------------------- */

void bedrock_write_mark(struct bedrock_writing *w, bool cached, unsigned ttl_s)
{
    struct json_write *j = &w->json;
    if (!cached || !model_can(w->target->facts, MODEL_CACHE_MARKS))
        return;
    if (w->marks_to_skip) {
        w->marks_to_skip--;
        return;
    }
    json_write_object(j);
    json_write_key(j, STR("cachePoint"));
    json_write_object(j);
    json_write_member(j, STR("type"), STR("default"));
    if (ttl_s && ttl_s != 1800 && w->family->maker != BEDROCK_NOVA)
        json_write_member(j, STR("ttl"), ttl_s > 300 ? STR("1h") : STR("5m"));
    json_write_object_end(j);
    json_write_object_end(j);
}

static void write_text_block(struct bedrock_writing *w, str inside)
{
    json_write_object(&w->json);
    json_write_key(&w->json, STR("text"));
    json_write_raw_string(&w->json, inside);
    json_write_object_end(&w->json);
}

void bedrock_write_text(struct bedrock_writing *w, struct raw text)
{
    if (!raw_is_blank(text))
        write_text_block(w, text.s);
}

/* Without the white space at its end, escaped or not: Claude refuses it in what it is to go on
 * with. */
static str without_blank_end(str raw)
{
    size_t end = 0;
    for (size_t i = 0; i < raw.len;) {
        size_t len = 1;
        bool blank = raw.ptr[i] == ' ';
        if (raw.ptr[i] == '\\') {
            len = i + 1 < raw.len && raw.ptr[i + 1] == 'u' ? 6 : 2;
            blank = raw_is_blank((struct raw){str_make(raw.ptr + i, len)});
        }
        i += len;
        if (!blank)
            end = i;
    }
    return str_first(raw, end);
}

static void write_call(struct bedrock_writing *w, const struct tool_call *call)
{
    struct json_write *j = &w->json;
    str input = chat_call_object(w->arena, call);
    json_write_object(j);
    json_write_key(j, STR("toolUse"));
    json_write_object(j);
    write_or_fail(w, STR("toolUseId"), bedrock_call_id(w, call->id));
    write_or_fail(w, STR("name"), name_legal(w->arena, &name_rule_openai, call->name));
    if (str_is_null(input))
        j->out->failed = true;
    else
        json_write_member_raw(j, STR("input"), input);
    json_write_object_end(j);
    json_write_object_end(j);
}

static void write_json_block(struct bedrock_writing *w, struct raw text)
{
    str json = raw_decode(w->arena, text);
    if (str_is_null(json)) {
        w->json.out->failed = true;
        return;
    }
    json_write_object(&w->json);
    json_write_member_raw(&w->json, STR("json"), json);
    json_write_object_end(&w->json);
}

static void write_result_content(struct bedrock_writing *w, const struct tool_result *r)
{
    struct objection o;
    for (const struct block *b = r->content; b; b = b->next) {
        if (b->kind == BLOCK_AUDIO || object_to(w, ROLE_USER, b, &o))
            continue;
        if (is_media(b))
            bedrock_write_media(w, b);
        else if (b->kind == BLOCK_TEXT && r->json)
            write_json_block(w, b->text);
        else if (b->kind == BLOCK_TEXT)
            write_text_block(w, b->text.s);
        else if (b->kind == BLOCK_NATIVE)
            json_write_raw(&w->json, b->native.json);
    }
}

static void write_result(struct bedrock_writing *w, const struct tool_result *r)
{
    struct json_write *j = &w->json;
    json_write_object(j);
    json_write_key(j, STR("toolResult"));
    json_write_object(j);
    write_or_fail(w, STR("toolUseId"), bedrock_call_id(w, r->call_id));
    json_write_key(j, STR("content"));
    json_write_array(j);
    write_result_content(w, r);
    json_write_array_end(j);
    if (r->is_error && w->family->status)
        json_write_member(j, STR("status"), STR("error"));
    json_write_object_end(j);
    json_write_object_end(j);
}

static void write_reasoning(struct bedrock_writing *w, const struct reasoning *r)
{
    struct json_write *j = &w->json;
    json_write_object(j);
    json_write_key(j, STR("reasoningContent"));
    json_write_object(j);
    if (signature_fits(w, r)) {
        json_write_key(j, STR("reasoningText"));
        json_write_object(j);
        json_write_key(j, STR("text"));
        json_write_raw_string(j, r->text.s);
        json_write_member(j, STR("signature"), r->signature);
        json_write_object_end(j);
    } else {
        json_write_member(j, STR("redactedContent"), r->encrypted);
    }
    json_write_object_end(j);
    json_write_object_end(j);
}

static void write_block(struct bedrock_writing *w, const struct turn *t, const struct block *b)
{
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        write_text_block(w, t == w->prefill && b == t->last ? without_blank_end(b->text.s)
                                                            : b->text.s);
        break;
    case BLOCK_IMAGE:
    case BLOCK_AUDIO:
    case BLOCK_VIDEO:
    case BLOCK_DOCUMENT:
        bedrock_write_media(w, b);
        break;
    case BLOCK_CALL:
        write_call(w, &b->call);
        break;
    case BLOCK_RESULT:
        write_result(w, &b->result);
        break;
    case BLOCK_REASONING:
        write_reasoning(w, &b->reasoning);
        break;
    case BLOCK_NATIVE:
        json_write_raw(&w->json, b->native.json);
        break;
    }
}

/* --- Messages --------------------------------------------------------------------------------- */

struct content_facts { /* of the message that is written */
    bool text, document;
};

static void write_turn(struct bedrock_writing *w, const struct turn *t, struct content_facts *facts)
{
    for (const struct block *b = t->blocks; b && !w->json.out->failed; b = b->next) {
        if (is_left_out(w, t, b))
            continue;
        facts->text |= b->kind == BLOCK_TEXT;
        facts->document |= b->kind == BLOCK_DOCUMENT;
        write_block(w, t, b);
        bedrock_write_mark(w, b->cached, b->cache_ttl_s);
    }
}

static void begin_message(struct bedrock_writing *w, enum role role)
{
    static const char *const names[] = {
        [ROLE_SYSTEM] = "system", [ROLE_USER] = "user", [ROLE_ASSISTANT] = "assistant"};
    json_write_object(&w->json);
    json_write_member(&w->json, STR("role"), str_from_c(names[role]));
    json_write_key(&w->json, STR("content"));
    json_write_array(&w->json);
}

static void end_message(struct bedrock_writing *w)
{
    json_write_array_end(&w->json);
    json_write_object_end(&w->json);
}

static void write_system_blocks(struct bedrock_writing *w);

static void write_filler(struct bedrock_writing *w, const char *note)
{
    write_text_block(w, STR(FILLER));
    unsupported_note(w->unsupported, str_from_c(note));
}

/* One message of the turns of one role; returns the turn that the next one begins with. */
static const struct turn *write_message(struct bedrock_writing *w, const struct turn *t, bool first)
{
    enum role role = t->role;
    struct content_facts facts = {0};
    begin_message(w, role);
    if (first && w->family->no_system) {
        write_system_blocks(w);
        facts.text = w->chat->system != NULL;
    }
    do {
        write_turn(w, t, &facts);
        t = message_from(w, t->next);
    } while (t && t->role == role);
    if (facts.document && !facts.text)
        write_filler(w, "messages (a text was put beside a document)");
    end_message(w);
    return t;
}

void bedrock_write_messages(struct bedrock_writing *w)
{
    const struct turn *t = message_from(w, w->chat->turns);
    bool first = true;
    json_write_key(&w->json, STR("messages"));
    json_write_array(&w->json);
    if (t && t->role != ROLE_USER) {
        begin_message(w, ROLE_USER);
        if (w->family->no_system)
            write_system_blocks(w);
        write_filler(w, "messages (a user turn was put before the first)");
        end_message(w);
        first = false;
    }
    while (t && t != w->end && !w->json.out->failed) {
        t = write_message(w, t, first);
        first = false;
    }
    json_write_array_end(&w->json);
}

/* --- System text ------------------------------------------------------------------------------ */

static void write_system_turn(struct bedrock_writing *w, const struct turn *t)
{
    for (const struct block *b = t->blocks; b; b = b->next) {
        if (b->kind != BLOCK_TEXT || raw_is_blank(b->text))
            continue;
        write_text_block(w, b->text.s);
        bedrock_write_mark(w, b->cached, b->cache_ttl_s);
    }
}

static bool has_text(const struct turn *t)
{
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_TEXT && !raw_is_blank(b->text))
            return true;
    return false;
}

static bool has_system(const struct bedrock_writing *w)
{
    if (w->plan.hint_count)
        return true;
    for (const struct turn *t = w->chat->system; t; t = t->next)
        if (has_text(t))
            return true;
    for (const struct turn *t = w->chat->turns; t; t = t->next)
        if (t->role == ROLE_SYSTEM && !keeps_place(w, t) && has_text(t))
            return true;
    return false;
}

static void write_system_blocks(struct bedrock_writing *w)
{
    for (const struct turn *t = w->chat->system; t; t = t->next)
        write_system_turn(w, t);
    for (const struct turn *t = w->chat->turns; t; t = t->next)
        if (t->role == ROLE_SYSTEM && !keeps_place(w, t))
            write_system_turn(w, t);
    for (unsigned i = 0; i < w->plan.hint_count; i++) {
        json_write_object(&w->json);
        json_write_member(&w->json, STR("text"), w->plan.hints[i]);
        json_write_object_end(&w->json);
    }
}

void bedrock_write_system(struct bedrock_writing *w)
{
    if (!has_system(w))
        return;
    if (w->family->no_system) {
        unsupported_note(w->unsupported, STR("system (as the user's text)"));
        return;
    }
    json_write_key(&w->json, STR("system"));
    json_write_array(&w->json);
    write_system_blocks(w);
    json_write_array_end(&w->json);
}
