/*
 * Tool calls in answers of chat completions (mapping.md §16.5).  OpenAI names a call once and continues it
 * by its index.  Of others: no index; the same index for all calls; id and name again in each fragment, or
 * empty; a whole call in one fragment; arguments as an object; a name that comes late.
 */
#include "llm/dialect/openai_chat_reader.h"

/* A fragment of a call. */
struct fragment {
    int64_t index; /* -1: none */
    str id, name;
    bool custom;
    uint32_t function; /* the object with name and arguments */
};

static void emit_piece(struct answer_reader *r, unsigned choice, const struct seen_call *call,
                       struct raw text)
{
    if (text.s.len)
        openai_chat_emit(r, &(struct chat_event){.kind = CHAT_CALL_ARGUMENTS,
                                                 .choice = choice,
                                                 .call = call->number,
                                                 .text = text});
}

/* The input of a custom tool is the string in {"input": "…"}. */
static void emit_input(struct answer_reader *r, unsigned choice, struct seen_call *call,
                       struct raw text)
{
    struct raw inside = raw_of_text(r->scratch, text.s);
    if (str_is_null(inside.s)) {
        if (!str_is_null(text.s))
            answer_reader_fail(r, ERR_NO_MEMORY, NULL);
        return;
    }
    if (!call->input)
        emit_piece(r, choice, call, RAW("{\\\"input\\\":\\\""));
    call->input = true;
    emit_piece(r, choice, call, inside);
}

static void wait_for_name(struct answer_reader *r, struct seen_call *call, str text)
{
    str pieces[] = {call->waiting, text};
    call->waiting = arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
    if (str_is_null(call->waiting))
        answer_reader_fail(r, ERR_NO_MEMORY, NULL);
}

static void emit_arguments(struct answer_reader *r, unsigned choice, struct seen_call *call,
                           struct raw text)
{
    if (!text.s.len)
        return;
    if (!call->name.len)
        wait_for_name(r, call, text.s);
    else if (call->custom)
        emit_input(r, choice, call, text);
    else
        emit_piece(r, choice, call, text);
}

static struct raw arguments_of(struct answer_reader *r, const struct json_doc *doc, uint32_t node)
{
    return json_is(doc, node, JSON_OBJECT) ? raw_of_text(r->scratch, json_raw(doc, node))
                                           : raw_of_node(doc, node);
}

/* Google's signature on a call, in its own extension. */
static str signature_of(struct answer_reader *r, const struct json_doc *doc, uint32_t item)
{
    uint32_t extra = json_member(doc, item, STR("extra_content"));
    uint32_t google = json_member(doc, extra, STR("google"));
    return openai_chat_decoded(r, doc, json_member(doc, google, STR("thought_signature")));
}

/* --- Which call ------------------------------------------------------------------------------------------ */

static struct seen_call *by_index(const struct seen_choice *c, const struct fragment *f)
{
    struct seen_call *call = c->calls;
    while (call && call->index != f->index)
        call = call->next;
    if (!call)
        return NULL;
    if (f->id.len && call->id.len)
        return str_eq(f->id, call->id) ? call : NULL;
    return !f->name.len || !call->name.len || str_eq(f->name, call->name) ? call : NULL;
}

static struct seen_call *by_id(const struct seen_choice *c, const struct fragment *f)
{
    struct seen_call *call = c->calls;
    while (call && f->id.len && !str_eq(call->id, f->id))
        call = call->next;
    if (!f->id.len && f->name.len && call && call->name.len)
        return NULL; /* neither number nor id: a name begins one */
    return call;
}

static struct seen_call *begin_call(struct answer_reader *r, struct seen_choice *c,
                                    const struct fragment *f)
{
    struct seen_call *call =
        c->begun < OPENAI_CALLS_MAX ? arena_zalloc(r->arena, sizeof(*call)) : NULL;
    if (!call) {
        answer_reader_fail(r, c->begun < OPENAI_CALLS_MAX ? ERR_NO_MEMORY : ERR_UPSTREAM_MALFORMED,
                           NULL);
        return NULL;
    }
    c->begun++;
    call->index = f->index;
    call->next = c->calls;
    c->calls = call;
    return call;
}

static str kept(struct answer_reader *r, str text)
{
    str copy = text.len ? arena_str(r->arena, text) : STR_NULL;
    if (text.len && str_is_null(copy))
        answer_reader_fail(r, ERR_NO_MEMORY, NULL);
    return copy;
}

/* Its name is known: the call is told. */
static void open_call(struct answer_reader *r, struct seen_choice *c, unsigned choice,
                      struct seen_call *call, const struct fragment *f, str signature)
{
    call->name = kept(r, f->name);
    call->custom = f->custom;
    if (!call->name.len)
        return;
    call->number = c->opened++;
    openai_chat_emit(r, &(struct chat_event){.kind = CHAT_CALL,
                                             .choice = choice,
                                             .call = call->number,
                                             .id = call->id,
                                             .name = call->name,
                                             .custom = call->custom,
                                             .opaque = signature});
    struct raw waited = {call->waiting};
    call->waiting = STR_NULL;
    emit_arguments(r, choice, call, waited);
}

/* --- Messages -------------------------------------------------------------------------------------------- */

static void read_call(struct answer_reader *r, struct seen_choice *c, unsigned choice,
                      const struct json_doc *doc, uint32_t item, bool whole)
{
    struct fragment f = {.index = -1};
    uint32_t at = json_member(doc, item, STR("index"));
    uint32_t custom = json_member(doc, item, STR("custom"));
    if (json_is(doc, at, JSON_NUMBER) && (!json_to_i64(json_raw(doc, at), &f.index) || f.index < 0))
        f.index = -1;
    f.custom = json_is(doc, custom, JSON_OBJECT);
    f.function = f.custom ? custom : json_member(doc, item, STR("function"));
    f.id = openai_chat_decoded(r, doc, json_member(doc, item, STR("id")));
    f.name = openai_chat_decoded(r, doc, json_member(doc, f.function, STR("name")));
    struct seen_call *call = whole ? NULL : f.index >= 0 ? by_index(c, &f) : by_id(c, &f);
    if (!call)
        call = begin_call(r, c, &f);
    if (!call)
        return;
    if (!call->id.len)
        call->id = kept(r, f.id);
    if (!call->name.len && f.name.len)
        open_call(r, c, choice, call, &f, signature_of(r, doc, item));
    str member = call->custom ? STR("input") : STR("arguments");
    emit_arguments(r, choice, call, arguments_of(r, doc, json_member(doc, f.function, member)));
}

/* The older form: one call, without an id. */
static void read_function_call(struct answer_reader *r, struct seen_choice *c, unsigned choice,
                               const struct json_doc *doc, uint32_t old)
{
    struct fragment f = {.index = -1, .function = old};
    f.name = openai_chat_decoded(r, doc, json_member(doc, old, STR("name")));
    struct seen_call *call = c->calls ? c->calls : begin_call(r, c, &f);
    if (!call)
        return;
    if (!call->name.len && f.name.len)
        open_call(r, c, choice, call, &f, STR_NULL);
    emit_arguments(r, choice, call, arguments_of(r, doc, json_member(doc, old, STR("arguments"))));
}

void openai_chat_read_calls(struct answer_reader *r, struct seen_choice *c, unsigned choice,
                            const struct json_doc *doc, uint32_t message, bool whole)
{
    uint32_t calls = json_member(doc, message, STR("tool_calls"));
    uint32_t old = json_member(doc, message, STR("function_call"));
    if (json_is(doc, calls, JSON_ARRAY))
        JSON_EACH (item, doc, calls)
            if (!r->ended)
                read_call(r, c, choice, doc, item, whole);
    if (json_is(doc, old, JSON_OBJECT) && !r->ended)
        read_function_call(r, c, choice, doc, old);
}

/* The newest stand first in the list: what is said of custom ones at the end has no order. */
void openai_chat_end_calls(struct answer_reader *r, struct seen_choice *c, unsigned choice)
{
    for (struct seen_call *call = c->calls; call; call = call->next) {
        if (!call->custom || !call->name.len)
            continue;
        if (!call->input)
            emit_piece(r, choice, call, RAW("{\\\"input\\\":\\\""));
        emit_piece(r, choice, call, RAW("\\\"}"));
        call->custom = false; /* once */
    }
}
