/*
 * Items and parts of a Responses answer as they are told in a stream: announced, in pieces, and whole.  Each
 * `done` says the whole value, so the texts are gathered, in the request's arena.
 */
#include "llm/dialect/openai_responses_writer.h"

/* --- Gathering ---------------------------------------------------------------------------------------- */

void responses_gather(struct answer_writer *w, struct responses_text *t, str more)
{
    if (more.len > t->cap - t->len) {
        size_t cap = (t->len + more.len) * 2 + 64;
        char *ptr = arena_alloc(w->arena, cap);
        if (!ptr) {
            w->out->failed = true;
            return;
        }
        if (t->len)
            memcpy(ptr, t->ptr, t->len);
        t->ptr = ptr;
        t->cap = cap;
    }
    if (more.len)
        memcpy(t->ptr + t->len, more.ptr, more.len);
    t->len += more.len;
}

/* An element of a list without its brackets. */
void responses_gather_element(struct answer_writer *w, struct responses_text *list, str json)
{
    if (list->len)
        responses_gather(w, list, STR(","));
    responses_gather(w, list, json);
}

str responses_gathered(const struct responses_text *t)
{
    return str_make(t->len ? t->ptr : "", t->len);
}

str responses_kept(struct answer_writer *w, str text)
{
    str copy = arena_str(w->arena, text.ptr ? text : STR(""));
    if (str_is_null(copy))
        w->out->failed = true;
    return copy;
}

/* --- Events --------------------------------------------------------------------------------------------- */

void responses_begin(struct answer_writer *w, struct json_write *j, str type)
{
    buf_add_lit(w->out, "event: ");
    buf_add_str(w->out, type);
    buf_add_lit(w->out, "\ndata: ");
    json_write_init(j, w->out);
    json_write_object(j);
    json_write_member(j, STR("type"), type);
    json_write_member_u64(j, STR("sequence_number"), w->events++);
}

void responses_end(struct answer_writer *w, struct json_write *j)
{
    json_write_object_end(j);
    buf_add_lit(w->out, "\n\n");
}

/* With the coordinates of the open item and, where there is one, its part. */
void responses_begin_at(struct answer_writer *w, const struct responses_writer *s,
                        struct json_write *j, str type)
{
    responses_begin(w, j, type);
    json_write_member(j, STR("item_id"), s->id);
    json_write_member_u64(j, STR("output_index"), s->index);
    if (s->open == RESPONSES_OPEN_MESSAGE)
        json_write_member_u64(j, STR("content_index"), s->part_index);
    else if (s->open == RESPONSES_OPEN_REASONING)
        json_write_member_u64(j, STR("summary_index"), s->part_index);
}

void responses_write_piece(struct answer_writer *w, const struct responses_writer *s, str type,
                           str key, str raw)
{
    struct json_write j;
    responses_begin_at(w, s, &j, type);
    json_write_key(&j, key);
    json_write_raw_string(&j, raw);
    if (s->part == RESPONSES_PART_TEXT)
        json_write_member_raw(&j, STR("logprobs"), STR("[]"));
    responses_end(w, &j);
}

/* --- Parts ------------------------------------------------------------------------------------------------ */

static void write_part(struct json_write *j, const struct responses_writer *s, bool empty)
{
    str text = empty ? STR("") : responses_gathered(&s->text);
    json_write_object(j);
    if (s->part == RESPONSES_PART_REFUSAL) {
        json_write_member(j, STR("type"), STR("refusal"));
        json_write_member_raw_string(j, STR("refusal"), (struct raw){text});
    } else if (s->part == RESPONSES_PART_SUMMARY) {
        json_write_member(j, STR("type"), STR("summary_text"));
        json_write_member_raw_string(j, STR("text"), (struct raw){text});
    } else {
        json_write_member(j, STR("type"), STR("output_text"));
        json_write_member_raw_string(j, STR("text"), (struct raw){text});
        json_write_key(j, STR("annotations"));
        json_write_array(j);
        if (s->notes.len && !empty)
            json_write_raw(j, responses_gathered(&s->notes));
        json_write_array_end(j);
        json_write_key(j, STR("logprobs"));
        json_write_array(j);
        if (s->logprobs.len && !empty)
            json_write_raw(j, responses_gathered(&s->logprobs));
        json_write_array_end(j);
    }
    json_write_object_end(j);
}

static void write_part_event(struct answer_writer *w, const struct responses_writer *s, str type,
                             bool empty)
{
    struct json_write j;
    responses_begin_at(w, s, &j, type);
    json_write_key(&j, STR("part"));
    write_part(&j, s, empty);
    responses_end(w, &j);
}

void responses_open_part(struct answer_writer *w, struct responses_writer *s,
                         enum responses_part part)
{
    s->part = part;
    s->text.len = s->notes.len = s->logprobs.len = 0;
    s->note_count = 0;
    write_part_event(w, s,
                     part == RESPONSES_PART_SUMMARY ? STR("response.reasoning_summary_part.added")
                                                    : STR("response.content_part.added"),
                     true);
}

/* The whole text once more. */
static void write_text_done(struct answer_writer *w, const struct responses_writer *s)
{
    static const struct {
        str type, key;
    } names[] = {
        [RESPONSES_PART_TEXT] = {STR_INIT("response.output_text.done"), STR_INIT("text")},
        [RESPONSES_PART_REFUSAL] = {STR_INIT("response.refusal.done"), STR_INIT("refusal")},
        [RESPONSES_PART_SUMMARY] = {STR_INIT("response.reasoning_summary_text.done"),
                                    STR_INIT("text")},
    };
    struct json_write j;
    responses_begin_at(w, s, &j, names[s->part].type);
    json_write_member_raw_string(&j, names[s->part].key,
                                 (struct raw){responses_gathered(&s->text)});
    if (s->part == RESPONSES_PART_TEXT) {
        json_write_key(&j, STR("logprobs"));
        json_write_array(&j);
        if (s->logprobs.len)
            json_write_raw(&j, responses_gathered(&s->logprobs));
        json_write_array_end(&j);
    }
    responses_end(w, &j);
}

static void keep_part(struct answer_writer *w, struct responses_writer *s)
{
    struct buf json;
    struct json_write j;
    buf_init(&json, 0);
    json_write_init(&j, &json);
    write_part(&j, s, false);
    responses_gather_element(w, &s->parts, buf_str(&json));
    w->out->failed = w->out->failed || json.failed;
    buf_release(&json);
}

void responses_close_part(struct answer_writer *w, struct responses_writer *s)
{
    if (s->part == RESPONSES_PART_NONE)
        return;
    write_text_done(w, s);
    write_part_event(w, s,
                     s->part == RESPONSES_PART_SUMMARY ? STR("response.reasoning_summary_part.done")
                                                       : STR("response.content_part.done"),
                     false);
    keep_part(w, s);
    s->part = RESPONSES_PART_NONE;
    s->part_index++;
}

/* --- Items ------------------------------------------------------------------------------------------------- */

static void write_call(struct json_write *j, const struct responses_writer *s, str status)
{
    json_write_member(j, STR("type"), s->custom ? STR("custom_tool_call") : STR("function_call"));
    if (!s->custom)
        json_write_member(j, STR("status"), status);
    json_write_member(j, STR("call_id"), s->call_id);
    json_write_member(j, STR("name"), s->call_name);
    if (s->call_space.len)
        json_write_member(j, STR("namespace"), s->call_space);
    json_write_member_raw_string(j, s->custom ? STR("input") : STR("arguments"),
                                 (struct raw){responses_gathered(&s->text)});
}

static void write_item(struct json_write *j, const struct responses_writer *s, str status)
{
    json_write_object(j);
    json_write_member(j, STR("id"), s->id);
    if (s->open == RESPONSES_OPEN_CALL) {
        write_call(j, s, status);
        json_write_object_end(j);
        return;
    }
    bool message = s->open == RESPONSES_OPEN_MESSAGE;
    json_write_member(j, STR("type"), message ? STR("message") : STR("reasoning"));
    if (message) {
        json_write_member(j, STR("status"), status);
        json_write_member(j, STR("role"), STR("assistant"));
    }
    json_write_key(j, message ? STR("content") : STR("summary"));
    json_write_array(j);
    if (s->parts.len)
        json_write_raw(j, responses_gathered(&s->parts));
    json_write_array_end(j);
    if (s->encrypted.len)
        json_write_member(j, STR("encrypted_content"), s->encrypted);
    json_write_object_end(j);
}

/* item: its JSON. */
void responses_write_item_event(struct answer_writer *w, const struct responses_writer *s, str type,
                                str item)
{
    struct json_write j;
    responses_begin(w, &j, type);
    json_write_member_u64(&j, STR("output_index"), s->index);
    json_write_member_raw(&j, STR("item"), item);
    responses_end(w, &j);
}

/* Announces or ends the item as it is now. */
static void tell_item(struct answer_writer *w, struct responses_writer *s, bool done, str status)
{
    struct buf json;
    struct json_write j;
    buf_init(&json, 0);
    json_write_init(&j, &json);
    write_item(&j, s, status);
    responses_write_item_event(
        w, s, done ? STR("response.output_item.done") : STR("response.output_item.added"),
        buf_str(&json));
    if (done)
        responses_gather_element(w, &s->output, buf_str(&json));
    w->out->failed = w->out->failed || json.failed;
    buf_release(&json);
}

/* "msg_<the response's>_3": by an item's id its response is found again. */
str responses_item_id(struct answer_writer *w, const struct responses_writer *s, const char *prefix)
{
    str base = s->response_id;
    if (str_starts(base, STR("resp_")))
        base = str_from(base, 5);
    str id = arena_printf(w->arena, "%s_%.*s_%u", prefix, STR_ARG(base), s->index);
    if (str_is_null(id))
        w->out->failed = true;
    return id;
}

void responses_open_item(struct answer_writer *w, struct responses_writer *s,
                         enum responses_open open, const char *prefix)
{
    s->open = open;
    s->id = responses_item_id(w, s, prefix);
    s->parts.len = s->text.len = 0;
    s->part_index = 0;
    s->encrypted = STR_NULL;
    tell_item(w, s, false, STR("in_progress"));
}

/* What a custom tool was told: the string in its arguments, or all of them when they are no such object. */
static void unwrap_input(struct answer_writer *w, struct responses_writer *s)
{
    struct json_doc doc;
    str arguments = raw_decode(w->scratch, (struct raw){responses_gathered(&s->text)});
    if (!arguments.len || json_parse(&doc, w->scratch, arguments, NULL))
        return;
    struct raw input = raw_of_node(&doc, json_member(&doc, JSON_ROOT, STR("input")));
    if (str_is_null(input.s))
        return;
    s->text.len = 0;
    responses_gather(w, &s->text, input.s);
}

static void end_call(struct answer_writer *w, struct responses_writer *s, bool cut)
{
    static const str empty = STR_INIT("{}");
    str custom = STR("response.custom_tool_call_input.done");
    str function = STR("response.function_call_arguments.done");
    if (s->custom) {
        unwrap_input(w, s);
        responses_write_piece(w, s, STR("response.custom_tool_call_input.delta"), STR("delta"),
                              responses_gathered(&s->text));
    } else if (!s->text.len && !cut) { /* clients parse it */
        responses_gather(w, &s->text, empty);
        responses_write_piece(w, s, STR("response.function_call_arguments.delta"), STR("delta"),
                              empty);
    }
    responses_write_piece(w, s, s->custom ? custom : function,
                          s->custom ? STR("input") : STR("arguments"),
                          responses_gathered(&s->text));
}

/* cut: a limit of length ended it. */
void responses_close_item(struct answer_writer *w, struct responses_writer *s, bool cut)
{
    if (s->open == RESPONSES_OPEN_NONE)
        return;
    responses_close_part(w, s);
    if (s->open == RESPONSES_OPEN_CALL)
        end_call(w, s, cut);
    tell_item(w, s, true, cut ? STR("incomplete") : STR("completed"));
    s->open = RESPONSES_OPEN_NONE;
    s->index++;
}
