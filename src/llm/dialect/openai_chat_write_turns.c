/* Turns as messages of chat completions (mapping.md §2, §4, §5, §10, §18). */
#include "llm/dialect/openai_chat_writing.h"

static void begin_message(struct openai_writing *w, const char *role)
{
    json_write_object(&w->j);
    json_write_member(&w->j, STR("role"), str_from_c(role));
}

static void end_message(struct openai_writing *w, const struct turn *t)
{
    if (t->name.len)
        json_write_member(&w->j, STR("name"), t->name);
    json_write_object_end(&w->j);
}

static bool says_anything(struct openai_writing *w, const struct turn *t)
{
    bool any = false;
    for (const struct block *b = t->blocks; b; b = b->next)
        any = openai_is_part(w, b, t->path) || any;
    return any;
}

/* --- System ----------------------------------------------------------------------------------------------- */

/* All have one role, as the models want it.  later: within the conversation. */
static void write_system(struct openai_writing *w, const struct turn *t, bool later)
{
    bool developer = openai_can(w, MODEL_DEVELOPER_ROLE) && openai_has(w, OPENAI_OWN) &&
                     !openai_has(w, OPENAI_SYSTEM_ONLY);
    bool misplaced = later && !openai_can(w, MODEL_MID_SYSTEM);
    if (!says_anything(w, t))
        return;
    if (misplaced)
        unsupported_note(w->unsupported, STR("system (later ones as the user's text)"));
    begin_message(w, misplaced ? "user" : developer ? "developer" : "system");
    openai_write_words(w, t->blocks, t->path);
    end_message(w, t);
}

/* OpenAI refuses JSON output when nobody has said the word. */
static bool says_json(const struct turn *turns)
{
    static const str spellings[] = {STR_INIT("JSON"), STR_INIT("json"), STR_INIT("Json")};
    for (const struct turn *t = turns; t; t = t->next)
        for (const struct block *b = t->blocks; b; b = b->next)
            for (unsigned i = 0; b->kind == BLOCK_TEXT && i < ARRAY_LEN(spellings); i++)
                if (str_find(b->text.s, spellings[i]) >= 0)
                    return true;
    return false;
}

static void write_json_word(struct openai_writing *w)
{
    const struct chat *c = w->chat;
    if (c->format != FORMAT_JSON || !openai_has(w, OPENAI_OWN) || says_json(c->system) ||
        says_json(c->turns))
        return;
    struct block words = {.kind = BLOCK_TEXT, .text = RAW("Answer with one JSON object.")};
    struct turn said = {.role = ROLE_SYSTEM, .blocks = &words, .path = STR("response_format")};
    unsupported_note(w->unsupported, STR("response_format (with an instruction)"));
    write_system(w, &said, false);
}

/* --- Tools' results --------------------------------------------------------------------------------------- */

/* A tool's words are text here: media follow in the user's turn. */
static bool has_media(struct openai_writing *w, const struct block *content, str path)
{
    for (const struct block *b = content; b; b = b->next)
        if (b->kind != BLOCK_TEXT && openai_is_part(w, b, path) &&
            (b->kind != BLOCK_DOCUMENT || str_is_null(openai_document_text(w, &b->media).s)))
            return true;
    return false;
}

static void add_line(struct buf *text, str line)
{
    if (text->len && line.len)
        buf_add_lit(text, "\\n");
    buf_add_str(text, line);
}

static void write_result(struct openai_writing *w, const struct block *b, str path)
{
    const struct tool_result *r = &b->result;
    struct buf text;
    buf_init(&text, 0);
    for (const struct block *c = r->content; c; c = c->next)
        if (c->kind == BLOCK_TEXT || c->kind == BLOCK_REFUSAL)
            add_line(&text, c->text.s);
        else if (c->kind == BLOCK_DOCUMENT)
            add_line(&text, openai_document_text(w, &c->media).s);
    if (has_media(w, r->content, path))
        add_line(&text, STR("(The tool's image or document is in the next message.)"));
    str pieces[] = {r->is_error ? STR("Error: ") : STR(""), buf_str(&text)};
    begin_message(w, "tool");
    json_write_member(&w->j, STR("tool_call_id"), r->call_id);
    json_write_key(&w->j, STR("content"));
    json_write_raw_string(&w->j, openai_made(w, arena_concat(w->arena, pieces, ARRAY_LEN(pieces))));
    w->j.out->failed = w->j.out->failed || text.failed;
    buf_release(&text);
    json_write_object_end(&w->j);
}

static void write_media_of_result(struct openai_writing *w, const struct block *result, str path)
{
    begin_message(w, "user");
    json_write_key(&w->j, STR("content"));
    json_write_array(&w->j);
    for (const struct block *c = result->result.content; c; c = c->next)
        if (c->kind != BLOCK_TEXT && c->kind != BLOCK_REFUSAL && openai_is_part(w, c, path) &&
            (c->kind != BLOCK_DOCUMENT || str_is_null(openai_document_text(w, &c->media).s)))
            openai_write_part(w, c, path);
    json_write_array_end(&w->j);
    json_write_object_end(&w->j);
}

/* --- Users ------------------------------------------------------------------------------------------------ */

static void write_user(struct openai_writing *w, const struct turn *t)
{
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_RESULT)
            write_result(w, b, t->path);
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_RESULT && has_media(w, b->result.content, t->path))
            write_media_of_result(w, b, t->path);
    if (!says_anything(w, t))
        return;
    begin_message(w, "user");
    openai_write_content(w, t->blocks, t->path);
    end_message(w, t);
}

/* --- The assistant ---------------------------------------------------------------------------------------- */

static void write_signature(struct openai_writing *w, const struct tool_call *call)
{
    if (!call->signature.len || !openai_has(w, OPENAI_SIGNATURES))
        return;
    json_write_key(&w->j, STR("extra_content"));
    json_write_object(&w->j);
    json_write_key(&w->j, STR("google"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("thought_signature"), call->signature);
    json_write_object_end(&w->j);
    json_write_object_end(&w->j);
}

/* The string in {"input": "…"}; null: it is not of that shape. */
static struct raw custom_input(struct openai_writing *w, const struct tool_call *call)
{
    struct json_doc doc;
    if (call->is_raw || json_parse(&doc, w->arena, call->arguments, NULL))
        return RAW_NULL;
    return raw_of_node(&doc, json_member(&doc, JSON_ROOT, STR("input")));
}

static void write_call(struct openai_writing *w, const struct tool_call *call)
{
    struct raw input = RAW_NULL;
    if (openai_is_custom_tool(w, call->name))
        input = custom_input(w, call);
    bool custom = !str_is_null(input.s);
    if (call->is_raw)
        unsupported_note(w->unsupported, STR("tool arguments (not a JSON object)"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("id"), call->id);
    json_write_member(&w->j, STR("type"), custom ? STR("custom") : STR("function"));
    json_write_key(&w->j, custom ? STR("custom") : STR("function"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("name"),
                      openai_made(w, name_legal(w->arena, &name_rule_openai, call->name)));
    if (custom)
        json_write_member_raw_string(&w->j, STR("input"), input);
    else
        json_write_member(&w->j, STR("arguments"),
                          openai_made(w, chat_call_object(w->arena, call)));
    json_write_object_end(&w->j);
    write_signature(w, call);
    json_write_object_end(&w->j);
}

/* Reasoning goes back only to servers whose models read it; OpenAI refuses the field. */
static void write_reasoning(struct openai_writing *w, const struct turn *t)
{
    struct buf text;
    if (!openai_has(w, OPENAI_REASONING))
        return;
    buf_init(&text, 0);
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_REASONING)
            buf_add_str(&text, b->reasoning.text.s);
    if (text.len) {
        json_write_key(&w->j, STR("reasoning_content"));
        json_write_raw_string(&w->j, buf_str(&text));
    }
    w->j.out->failed = w->j.out->failed || text.failed;
    buf_release(&text);
}

static bool has_calls(const struct turn *t)
{
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_CALL)
            return true;
    return false;
}

static void write_calls(struct openai_writing *w, const struct turn *t)
{
    json_write_key(&w->j, STR("tool_calls"));
    json_write_array(&w->j);
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_CALL)
            write_call(w, &b->call);
    json_write_array_end(&w->j);
}

static void write_assistant(struct openai_writing *w, const struct turn *t)
{
    bool calls = has_calls(t), says = says_anything(w, t);
    if (!calls && !says)
        return; /* reasoning alone */
    begin_message(w, "assistant");
    if (says) {
        openai_write_words(w, t->blocks, t->path);
    } else {
        json_write_key(&w->j, STR("content"));
        json_write_null(&w->j);
    }
    write_reasoning(w, t);
    if (calls)
        write_calls(w, t);
    end_message(w, t);
}

void openai_write_messages(struct openai_writing *w)
{
    json_write_key(&w->j, STR("messages"));
    json_write_array(&w->j);
    for (const struct turn *t = w->chat->system; t; t = t->next)
        write_system(w, t, false);
    write_json_word(w);
    for (const struct turn *t = w->chat->turns; t; t = t->next) {
        switch (t->role) {
        case ROLE_SYSTEM:
            write_system(w, t, true);
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
