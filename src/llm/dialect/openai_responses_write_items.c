/*
 * The conversation as items of a Responses request.  System text leads as developer messages, never as
 * `instructions`, which newer models read after the input and do not cache.  A turn becomes one message
 * item for each run of text and media, and an item for each call, result and reasoning between them.
 */
#include "llm/dialect/openai_responses_impl.h"
#include "llm/signature.h"

enum { CALL_ID_MAX = 64 };

/* --- Small things ----------------------------------------------------------------------------------- */

static void begin_item(struct responses_writing *w, str type)
{
    json_write_object(&w->json);
    json_write_member(&w->json, STR("type"), type);
}

/* Ids are any text of that length; others are made so, the same way each time. */
static void write_call_id(struct responses_writing *w, str id)
{
    if (id.len > CALL_ID_MAX)
        id = name_legal(w->arena, &id_rule_anthropic, id);
    if (str_is_null(id))
        w->json.out->failed = true;
    else
        json_write_member(&w->json, STR("call_id"), id);
}

/* A mark for prompt caching; the first ones go when there are more than the API takes. */
static void write_mark(struct responses_writing *w, const struct block *b)
{
    if (!b->cached)
        return;
    if (w->marks_to_skip > 0) {
        w->marks_to_skip--;
        return;
    }
    json_write_key(&w->json, STR("prompt_cache_breakpoint"));
    json_write_object(&w->json);
    json_write_member(&w->json, STR("mode"), STR("explicit"));
    if (b->cache_ttl_s >= 3600)
        json_write_member(&w->json, STR("ttl"), STR("12h"));
    else if (b->cache_ttl_s >= 1800)
        json_write_member(&w->json, STR("ttl"), STR("30m"));
    json_write_object_end(&w->json);
}

/* --- Parts ------------------------------------------------------------------------------------------- */

static void cannot(struct responses_writing *w, const struct turn *t, const char *why)
{
    unsupported_field(w->unsupported, FIELD_MEANING, t->path, why);
}

static void write_text_part(struct responses_writing *w, const char *type, struct raw text)
{
    begin_item(w, str_from_c(type));
    json_write_key(&w->json, STR("text"));
    json_write_raw_string(&w->json, text.s);
}

static void write_data_url(struct responses_writing *w, str key, const struct media *m,
                           str mime_default)
{
    str mime = m->mime.len ? m->mime : mime_default;
    str pieces[] = {STR("data:"), mime, STR(";base64,"), m->data};
    str url = arena_concat(w->arena, pieces, ARRAY_LEN(pieces));
    if (str_is_null(url))
        w->json.out->failed = true;
    else
        json_write_member(&w->json, key, url);
}

static bool is_ours(const struct media *m)
{
    return m->source != MEDIA_FILE_ID || m->format == NATIVE_OPENAI;
}

static void write_detail(struct responses_writing *w, enum media_detail detail)
{
    static const char *const names[] = {NULL, "low", "high", "auto", "original"};
    if (detail != DETAIL_UNSET)
        json_write_member(&w->json, STR("detail"), str_from_c(names[detail]));
}

static void write_image(struct responses_writing *w, const struct turn *t, const struct block *b)
{
    const struct media *m = &b->media;
    if (!is_ours(m) || m->source == MEDIA_TEXT) {
        cannot(w, t, "holds an image that is kept elsewhere");
        return;
    }
    begin_item(w, STR("input_image"));
    if (m->source == MEDIA_FILE_ID)
        json_write_member(&w->json, STR("file_id"), m->data);
    else if (m->source == MEDIA_URL)
        json_write_member(&w->json, STR("image_url"), m->data);
    else
        write_data_url(w, STR("image_url"), m, STR("image/png"));
    write_detail(w, m->detail);
    write_mark(w, b);
    json_write_object_end(&w->json);
}

static void write_document(struct responses_writing *w, const struct turn *t, const struct block *b)
{
    const struct media *m = &b->media;
    if (!is_ours(m)) {
        cannot(w, t, "holds a file that is kept elsewhere");
        return;
    }
    if (m->source == MEDIA_TEXT) {
        write_text_part(w, "input_text", m->text);
        write_mark(w, b);
        json_write_object_end(&w->json);
        return;
    }
    begin_item(w, STR("input_file"));
    if (m->source == MEDIA_FILE_ID) {
        json_write_member(&w->json, STR("file_id"), m->data);
    } else if (m->source == MEDIA_URL) {
        json_write_member(&w->json, STR("file_url"), m->data);
    } else {
        json_write_member(&w->json, STR("filename"), m->name.len ? m->name : STR("document.pdf"));
        write_data_url(w, STR("file_data"), m, STR("application/pdf"));
    }
    write_mark(w, b);
    json_write_object_end(&w->json);
}

/* A part of what a user said, or a tool. */
static void write_input_part(struct responses_writing *w, const struct turn *t,
                             const struct block *b)
{
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        write_text_part(w, "input_text", b->text);
        write_mark(w, b);
        json_write_object_end(&w->json);
        break;
    case BLOCK_IMAGE:
        write_image(w, t, b);
        break;
    case BLOCK_DOCUMENT:
        write_document(w, t, b);
        break;
    case BLOCK_AUDIO:
        cannot(w, t, "holds audio, which the Responses API does not take");
        break;
    case BLOCK_VIDEO:
        cannot(w, t, "holds video, which the Responses API does not take");
        break;
    case BLOCK_CALL:
    case BLOCK_RESULT:
    case BLOCK_REASONING:
    case BLOCK_NATIVE:
        BUG("block %d as a part", (int)b->kind);
    }
}

static void write_output_part(struct responses_writing *w, const struct block *b)
{
    if (b->kind == BLOCK_REFUSAL) {
        begin_item(w, STR("refusal"));
        json_write_key(&w->json, STR("refusal"));
        json_write_raw_string(&w->json, b->text.s);
    } else {
        write_text_part(w, "output_text", b->text);
        json_write_key(&w->json, STR("annotations"));
        json_write_array(&w->json);
        json_write_array_end(&w->json);
    }
    json_write_object_end(&w->json);
}

/* --- Calls and results --------------------------------------------------------------------------------- */

/* What a custom tool was told; null: its arguments are not of that shape. */
static struct raw custom_input(struct responses_writing *w, str arguments)
{
    struct json_doc doc;
    if (json_parse(&doc, w->arena, arguments, NULL))
        return RAW_NULL;
    return raw_of_node(&doc, json_member(&doc, JSON_ROOT, STR("input")));
}

static void write_name(struct responses_writing *w, str name)
{
    json_write_member(&w->json, STR("name"), responses_tool_name(w, name));
}

static void write_custom_call(struct responses_writing *w, const struct tool_call *call)
{
    struct raw input = custom_input(w, call->arguments);
    begin_item(w, STR("custom_tool_call"));
    write_call_id(w, call->id);
    write_name(w, call->name);
    json_write_key(&w->json, STR("input"));
    if (str_is_null(input.s))
        json_write_string(&w->json, call->arguments);
    else
        json_write_raw_string(&w->json, input.s);
    json_write_object_end(&w->json);
}

static void write_call(struct responses_writing *w, const struct tool_call *call)
{
    if (call->custom) {
        write_custom_call(w, call);
        return;
    }
    begin_item(w, STR("function_call"));
    write_call_id(w, call->id);
    write_name(w, call->name);
    json_write_member(&w->json, STR("arguments"),
                      call->arguments.len ? call->arguments : STR("{}"));
    json_write_object_end(&w->json);
}

static bool is_custom_call(const struct chat *c, str id)
{
    for (const struct turn *t = c->turns; t; t = t->next)
        for (const struct block *b = t->blocks; b; b = b->next)
            if (b->kind == BLOCK_CALL && b->call.custom && str_eq(b->call.id, id))
                return true;
    return false;
}

/* One text is a string, anything else a list of parts.  The API has no mark for a failure. */
static void write_output(struct responses_writing *w, const struct turn *t,
                         const struct tool_result *result)
{
    const struct block *first = result->content;
    str error = result->is_error ? STR("Error: ") : STR("");
    if (!first || (first->kind == BLOCK_TEXT && !first->next)) {
        str pieces[] = {error, first ? first->text.s : STR("")};
        json_write_raw_string(&w->json, arena_concat(w->arena, pieces, ARRAY_LEN(pieces)));
        return;
    }
    json_write_array(&w->json);
    if (error.len) {
        write_text_part(w, "input_text", RAW("Error:"));
        json_write_object_end(&w->json);
    }
    for (const struct block *b = first; b; b = b->next)
        if (b->kind != BLOCK_NATIVE)
            write_input_part(w, t, b);
    json_write_array_end(&w->json);
}

static void write_result(struct responses_writing *w, const struct turn *t,
                         const struct tool_result *result)
{
    bool custom = is_custom_call(w->chat, result->call_id);
    begin_item(w, custom ? STR("custom_tool_call_output") : STR("function_call_output"));
    write_call_id(w, result->call_id);
    json_write_key(&w->json, STR("output"));
    write_output(w, t, result);
    json_write_object_end(&w->json);
}

/* --- Reasoning ------------------------------------------------------------------------------------------- */

/* An item of reasoning must be followed by what it led to. */
static bool leads_to_something(const struct block *reasoning)
{
    const struct block *b = reasoning->next;
    while (b && b->kind == BLOCK_REASONING)
        b = b->next;
    return b && (b->kind != BLOCK_NATIVE || b->native.format == NATIVE_OPENAI);
}

static void write_summary(struct responses_writing *w, const struct reasoning *r)
{
    json_write_key(&w->json, STR("summary"));
    json_write_array(&w->json);
    if (r->text.s.len) {
        write_text_part(w, "summary_text", r->text);
        json_write_object_end(&w->json);
    }
    for (const struct block *b = r->summary; b; b = b->next) {
        write_text_part(w, "summary_text", b->text);
        json_write_object_end(&w->json);
    }
    json_write_array_end(&w->json);
}

/* Made by OpenAI's own models: back as it came.  What other makers signed, or nobody, means nothing here
 * and goes, as reasoning of earlier turns may (mapping.md §10). */
static void write_reasoning(struct responses_writing *w, const struct block *b)
{
    const struct reasoning *r = &b->reasoning;
    str opaque = r->encrypted.len ? r->encrypted : r->signature;
    if (r->format != NATIVE_OPENAI || !opaque.len || !w->reasons || !leads_to_something(b))
        return;
    str id = r->item_id;
    if (!id.len)
        id = arena_printf(w->arena, "rs_%u", w->reasoning++);
    begin_item(w, STR("reasoning"));
    json_write_member(&w->json, STR("id"), id);
    write_summary(w, r);
    json_write_member(&w->json, STR("encrypted_content"), opaque);
    json_write_object_end(&w->json);
}

/* --- Turns -------------------------------------------------------------------------------------------------- */

static void begin_message(struct responses_writing *w, str role)
{
    begin_item(w, STR("message"));
    json_write_member(&w->json, STR("role"), role);
    json_write_key(&w->json, STR("content"));
    json_write_array(&w->json);
}

static void end_message(struct responses_writing *w, bool *open)
{
    if (!*open)
        return;
    *open = false;
    json_write_array_end(&w->json);
    json_write_object_end(&w->json);
}

static void write_native(struct responses_writing *w, const struct turn *t, const struct block *b)
{
    if (b->native.format == NATIVE_OPENAI)
        json_write_raw(&w->json, b->native.json);
    else
        unsupported_field(w->unsupported, FIELD_HINT, t->path,
                          "holds a block of another vendor's own tool");
}

static bool is_item(const struct block *b)
{
    return b->kind == BLOCK_CALL || b->kind == BLOCK_RESULT || b->kind == BLOCK_REASONING ||
           b->kind == BLOCK_NATIVE;
}

static void write_item(struct responses_writing *w, const struct turn *t, const struct block *b)
{
    if (b->kind == BLOCK_CALL)
        write_call(w, &b->call);
    else if (b->kind == BLOCK_RESULT)
        write_result(w, t, &b->result);
    else if (b->kind == BLOCK_REASONING)
        write_reasoning(w, b);
    else
        write_native(w, t, b);
}

static bool is_said(const struct block *b)
{
    return b->kind == BLOCK_TEXT || b->kind == BLOCK_REFUSAL;
}

/* A model that nobody knows and that is asked by this API is OpenAI's. */
static bool has_developers(const struct model_facts *f)
{
    return f == &model_facts_unknown || model_can(f, MODEL_DEVELOPER_ROLE);
}

static str role_name(const struct responses_writing *w, const struct turn *t, bool leading)
{
    if (t->role == ROLE_USER)
        return STR("user");
    if (t->role == ROLE_ASSISTANT)
        return STR("assistant");
    bool developer = leading || t->developer;
    return developer && has_developers(w->target->facts) ? STR("developer") : STR("system");
}

static void write_turn(struct responses_writing *w, const struct turn *t, bool leading)
{
    bool open = false, assistant = t->role == ROLE_ASSISTANT;
    for (const struct block *b = t->blocks; b && !responses_wrong(w); b = b->next) {
        if (is_item(b)) {
            end_message(w, &open);
            write_item(w, t, b);
            continue;
        }
        if (assistant && !is_said(b)) {
            unsupported_field(w->unsupported, FIELD_HINT, t->path,
                              "holds media of the assistant's, which cannot be sent back");
            continue;
        }
        if (!open)
            begin_message(w, role_name(w, t, leading));
        open = true;
        if (assistant)
            write_output_part(w, b);
        else
            write_input_part(w, t, b);
    }
    end_message(w, &open);
    if (t->name.len)
        unsupported_field(w->unsupported, FIELD_HINT,
                          arena_printf(w->arena, "%.*s.name", STR_ARG(t->path)),
                          "messages have no names in the Responses API");
}

static unsigned count_marks(const struct turn *turns)
{
    unsigned count = 0;
    for (const struct turn *t = turns; t; t = t->next)
        for (const struct block *b = t->blocks; b; b = b->next)
            if (b->cached && t->role != ROLE_ASSISTANT && !is_item(b))
                count++;
    return count;
}

void responses_write_input(struct responses_writing *w)
{
    enum { MARKS_MAX = 4 };
    const struct chat *c = w->chat;
    unsigned marks = count_marks(c->system) + count_marks(c->turns);
    bool taken = model_can(w->target->facts, MODEL_CACHE_MARKS);
    w->marks_to_skip = !taken ? marks : marks > MARKS_MAX ? marks - MARKS_MAX : 0;
    json_write_key(&w->json, STR("input"));
    json_write_array(&w->json);
    for (const struct turn *t = c->system; t; t = t->next)
        write_turn(w, t, true);
    for (const struct turn *t = c->turns; t; t = t->next)
        write_turn(w, t, false);
    json_write_array_end(&w->json);
}
