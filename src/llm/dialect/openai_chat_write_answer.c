/*
 * Whole answers for clients of chat completions, and of legacy completions (mapping.md §12): one object.
 */
#include "llm/dialect/openai_chat_writer.h"

/* The texts of all blocks of a kind, one after the other, as the inside of a string; null: there is none. */
static str all_text(struct answer_writer *w, const struct block *blocks, enum block_kind kind)
{
    struct buf all;
    bool any = false;
    buf_init(&all, 0);
    for (const struct block *b = blocks; b; b = b->next) {
        if (b->kind != kind)
            continue;
        str more = kind == BLOCK_REASONING ? b->reasoning.text.s : b->text.s;
        any = any || !str_is_null(more);
        buf_add_str(&all, more);
    }
    str text = any && !all.failed ? arena_str(w->scratch, buf_str(&all)) : STR_NULL;
    if (any && str_is_null(text))
        w->out->failed = true;
    buf_release(&all);
    return text;
}

static bool has(const struct block *blocks, enum block_kind kind)
{
    for (const struct block *b = blocks; b; b = b->next)
        if (b->kind == kind)
            return true;
    return false;
}

static void write_text_or_null(struct json_write *j, str key, str text)
{
    json_write_key(j, key);
    if (str_is_null(text))
        json_write_null(j);
    else
        json_write_raw_string(j, text);
}

/* --- Calls ------------------------------------------------------------------------------------------------ */

static void write_call(struct answer_writer *w, struct json_write *j, const struct tool_call *call,
                       unsigned choice, unsigned number)
{
    bool custom = call->custom || openai_chat_is_custom(w, call->name);
    json_write_object(j);
    json_write_member(j, STR("id"), openai_chat_call_id(w, call->id, choice, number));
    json_write_member(j, STR("type"), custom ? STR("custom") : STR("function"));
    json_write_key(j, custom ? STR("custom") : STR("function"));
    json_write_object(j);
    json_write_member(j, STR("name"), call->name);
    if (custom) {
        json_write_key(j, STR("input"));
        json_write_raw_string(j, openai_chat_custom_input(w, call->arguments).s);
    } else {
        json_write_member(j, STR("arguments"), call->arguments);
    }
    json_write_object_end(j);
    openai_chat_write_call_signature(j, call->signature);
    json_write_object_end(j);
}

static void write_calls(struct answer_writer *w, struct json_write *j,
                        const struct answer_choice *c)
{
    unsigned n = 0;
    json_write_key(j, STR("tool_calls"));
    json_write_array(j);
    for (const struct block *b = c->blocks; b; b = b->next)
        if (b->kind == BLOCK_CALL)
            write_call(w, j, &b->call, c->index, n++);
    json_write_array_end(j);
}

/* --- Reasoning -------------------------------------------------------------------------------------------- */

static bool is_proven(const struct block *b)
{
    return b->kind == BLOCK_REASONING &&
           (!str_is_null(b->reasoning.signature) || !str_is_null(b->reasoning.encrypted));
}

static void write_proofs(struct answer_writer *w, struct json_write *j, const struct block *blocks)
{
    bool any = false;
    for (const struct block *b = blocks; b; b = b->next)
        any = any || is_proven(b);
    if (!any)
        return;
    json_write_key(j, STR("thinking_blocks"));
    json_write_array(j);
    for (const struct block *b = blocks; b; b = b->next) {
        if (b->kind != BLOCK_REASONING)
            continue;
        const struct reasoning *r = &b->reasoning;
        if (!str_is_null(r->signature))
            openai_chat_write_thinking(w, j, r->text, r->format, r->signature);
        if (!str_is_null(r->encrypted))
            openai_chat_write_redacted(w, j, r->format, r->encrypted);
    }
    json_write_array_end(j);
}

/* --- Beside the text ---------------------------------------------------------------------------------------- */

/* Their places are in all of the content, which the blocks of text make together. */
static void write_annotations(struct json_write *j, const struct block *blocks)
{
    bool any = false;
    uint64_t from = 0;
    for (const struct block *b = blocks; b; b = b->next) {
        if (b->kind != BLOCK_TEXT)
            continue;
        uint64_t to = from + openai_chat_characters(b->text);
        for (const struct citation *c = b->citations; c; c = c->next) {
            if (!c->url.s.len)
                continue;
            if (!any) {
                json_write_key(j, STR("annotations"));
                json_write_array(j);
            }
            any = true;
            openai_chat_write_annotation(j, c, from, to);
        }
        from = to;
    }
    if (any)
        json_write_array_end(j);
}

static void write_pictures(struct answer_writer *w, struct json_write *j,
                           const struct block *blocks)
{
    bool any = false;
    for (const struct block *b = blocks; b; b = b->next) {
        if (b->kind != BLOCK_IMAGE || !openai_chat_is_picture(&b->media))
            continue;
        if (!any) {
            json_write_key(j, STR("images"));
            json_write_array(j);
        }
        any = true;
        openai_chat_write_picture(w, j, &b->media);
    }
    if (any)
        json_write_array_end(j);
}

/* --- Choices -------------------------------------------------------------------------------------------------- */

static void write_message(struct answer_writer *w, struct json_write *j,
                          const struct answer_choice *c, str refusal)
{
    str reasoning = all_text(w, c->blocks, BLOCK_REASONING);
    json_write_object(j);
    json_write_member(j, STR("role"), STR("assistant"));
    write_text_or_null(j, STR("content"), all_text(w, c->blocks, BLOCK_TEXT));
    write_text_or_null(j, STR("refusal"), refusal);
    if (reasoning.len) {
        json_write_key(j, STR("reasoning_content"));
        json_write_raw_string(j, reasoning);
    }
    write_proofs(w, j, c->blocks);
    if (has(c->blocks, BLOCK_CALL))
        write_calls(w, j, c);
    write_annotations(j, c->blocks);
    write_pictures(w, j, c->blocks);
    json_write_object_end(j);
}

static str refusal_of(struct answer_writer *w, const struct answer_choice *c)
{
    str words = all_text(w, c->blocks, BLOCK_REFUSAL);
    return str_is_null(words) && c->finish == FINISH_REFUSAL
               ? openai_chat_refusal(c->refusal_words).s
               : words;
}

static void write_choice(struct answer_writer *w, struct json_write *j,
                         const struct answer_choice *c)
{
    bool calls = has(c->blocks, BLOCK_CALL) && !openai_chat_is_legacy(w);
    str refusal = refusal_of(w, c);
    json_write_object(j);
    json_write_member_u64(j, STR("index"), c->index);
    if (openai_chat_is_legacy(w)) {
        str text = all_text(w, c->blocks, BLOCK_TEXT);
        json_write_key(j, STR("text"));
        json_write_raw_string(j, text.len ? text : STR(""));
    } else {
        json_write_key(j, STR("message"));
        write_message(w, j, c, refusal);
    }
    openai_chat_write_logprobs(w, j, c->logprobs.s);
    str name = openai_chat_finish_name(c->finish, calls, !str_is_null(refusal));
    openai_chat_write_finish(j, name, c->finish, c->reason);
    json_write_object_end(j);
}

void openai_chat_write_answer(struct answer_writer *w, const struct chat_answer *a)
{
    struct json_write j;
    json_write_init(&j, w->out);
    openai_chat_write_head(
        w, &j, openai_chat_is_legacy(w) ? STR("text_completion") : STR("chat.completion"));
    for (const struct answer_choice *c = a->choices; c; c = c->next)
        write_choice(w, &j, c);
    json_write_array_end(&j);
    if (a->usage.known) {
        json_write_key(&j, STR("usage"));
        openai_usage_write(&j, &a->usage);
    }
    json_write_object_end(&j);
}
