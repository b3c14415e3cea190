/*
 * System text and messages of requests to Anthropic (mapping.md §2, §4 to §6).  Turns of one role that end
 * up beside each other become one message; a system turn in mid-conversation keeps its place where the
 * model takes it, and goes up into `system` otherwise.
 */
#include "llm/dialect/anthropic_impl.h"

static bool is_empty(const struct turn *t)
{
    for (const struct block *b = t->blocks; b; b = b->next)
        if (anthropic_block_is_written(b))
            return false;
    return true;
}

/* It must follow a user's turn and have nothing or the assistant's behind it. */
static bool keeps_place(const struct anthropic_writing *w, const struct turn *before,
                        const struct turn *t)
{
    return anthropic_can(w, MODEL_MID_SYSTEM) && before && before->role == ROLE_USER &&
           !is_empty(before) && (!t->next || t->next->role == ROLE_ASSISTANT);
}

static bool is_message(const struct anthropic_writing *w, const struct turn *before,
                       const struct turn *t)
{
    if (t == w->left_out || is_empty(t))
        return false;
    return t->role != ROLE_SYSTEM || keeps_place(w, before, t);
}

/* --- Planning --------------------------------------------------------------------------------------------------- */

static bool has_call(const struct turn *t)
{
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_CALL)
            return true;
    return false;
}

static void plan_last(struct anthropic_writing *w, const struct turn *last)
{
    if (!last || last->role != ROLE_ASSISTANT)
        return;
    if (has_call(last)) {
        unsupported_refuse(w->unsupported, last->path,
                           "calls tools that nobody has answered: the last message must be the "
                           "user's");
    } else if (anthropic_can(w, MODEL_PREFILL)) {
        w->prefill = last;
    } else {
        unsupported_field(w->unsupported, FIELD_MEANING, last->path,
                          "the model does not continue an assistant's message");
        w->left_out = last;
    }
}

void anthropic_plan_turns(struct anthropic_writing *w)
{
    const struct turn *before = NULL, *last = NULL;
    for (const struct turn *t = w->chat->turns; t; before = t, t = t->next)
        if (is_message(w, before, t) && t->role != ROLE_SYSTEM)
            last = t;
    if (last)
        plan_last(w, last);
    else
        unsupported_refuse(w->unsupported, STR("messages"), "needs a message of the user's");
}

/* --- System text ------------------------------------------------------------------------------------------------- */

static void open_system(struct anthropic_writing *w, bool *opened)
{
    if (*opened)
        return;
    *opened = true;
    json_write_key(&w->json, STR("system"));
    json_write_array(&w->json);
}

static void write_system_turn(struct anthropic_writing *w, const struct turn *t, bool *opened)
{
    for (const struct block *b = t->blocks; b; b = b->next) {
        if (b->kind != BLOCK_TEXT) {
            unsupported_field(w->unsupported, FIELD_MEANING, t->path,
                              "system messages are text only");
        } else if (!raw_is_blank(b->text)) {
            open_system(w, opened);
            anthropic_write_text_block(w, b->text, b->cached, b->cache_ttl_s);
        }
    }
}

void anthropic_write_system(struct anthropic_writing *w)
{
    const struct turn *before = NULL;
    bool opened = false;
    for (const struct turn *t = w->chat->system; t; t = t->next)
        write_system_turn(w, t, &opened);
    for (const struct turn *t = w->chat->turns; t; before = t, t = t->next)
        if (t->role == ROLE_SYSTEM && !keeps_place(w, before, t))
            write_system_turn(w, t, &opened);
    if (w->instruction.len) {
        open_system(w, &opened);
        anthropic_write_text_block(w, raw_of_text(w->arena, w->instruction), false, 0);
    }
    if (opened)
        json_write_array_end(&w->json);
}

/* --- Messages ---------------------------------------------------------------------------------------------------- */

static str role_name(enum role r)
{
    return r == ROLE_USER ? STR("user") : r == ROLE_ASSISTANT ? STR("assistant") : STR("system");
}

static void begin_message(struct anthropic_writing *w, enum role role)
{
    json_write_object(&w->json);
    json_write_member(&w->json, STR("role"), role_name(role));
    json_write_key(&w->json, STR("content"));
    json_write_array(&w->json);
}

static void end_message(struct anthropic_writing *w)
{
    json_write_array_end(&w->json);
    json_write_object_end(&w->json);
}

static void write_turn(struct anthropic_writing *w, const struct turn *t)
{
    const struct block *last = NULL;
    for (const struct block *b = t->blocks; b; b = b->next)
        if (anthropic_block_is_written(b))
            last = b;
        else if (b->kind == BLOCK_NATIVE)
            unsupported_field(w->unsupported, FIELD_HINT, b->native.type,
                              "is another provider's own");
    for (const struct block *b = t->blocks; b && !anthropic_wrong(w); b = b->next)
        if (anthropic_block_is_written(b))
            anthropic_write_block(w, b, b == last && t == w->prefill);
}

static void begin_first(struct anthropic_writing *w, enum role role)
{
    if (role == ROLE_USER)
        return;
    unsupported_note(w->unsupported, STR("messages (a user's message put first)"));
    begin_message(w, ROLE_USER);
    anthropic_write_text_block(w, RAW("."), false, 0);
    end_message(w);
}

void anthropic_write_messages(struct anthropic_writing *w)
{
    const struct turn *before = NULL;
    enum role open = ROLE_SYSTEM;
    bool any = false;
    json_write_key(&w->json, STR("messages"));
    json_write_array(&w->json);
    for (const struct turn *t = w->chat->turns; t; before = t, t = t->next) {
        if (!is_message(w, before, t))
            continue;
        if (!any)
            begin_first(w, t->role);
        else if (t->role != open)
            end_message(w);
        if (!any || t->role != open)
            begin_message(w, t->role);
        open = t->role;
        any = true;
        write_turn(w, t);
    }
    if (any)
        end_message(w);
    json_write_array_end(&w->json);
}
