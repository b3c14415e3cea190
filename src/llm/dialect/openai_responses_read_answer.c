/*
 * Answers of the Responses API into neutral events.  Items come one after the other, each announced,
 * told in deltas and told again as a whole; some servers leave the announcements or the deltas out, so
 * what was not said by deltas is taken from the whole.  Unknown events say nothing.
 */
#include "llm/dialect/openai_responses_impl.h"
#include "llm/dialect/openai_usage.h"

/* An item that events refer to. */
struct item {
    struct item *next;
    str id;        /* may be empty */
    int64_t index; /* output_index; -1: not said */
    unsigned call; /* of calls: their number */
    bool is_call, custom;
    bool said;   /* some of its text or arguments */
    bool summed; /* its reasoning came as a summary */
    bool over;
};

enum last { LAST_NONE, LAST_TEXT, LAST_REASONING, LAST_OTHER };

struct state {
    struct item *items; /* the newest first */
    unsigned calls;
    bool started;
    enum last last; /* what was told last: two of a kind need a break */
};

_Static_assert(sizeof(struct state) <= RESPONSES_READER_SIZE, "the state of a reader");

/* One answer, one document of it. */
struct reading {
    struct answer_reader *r;
    struct state *s;
    const struct json_doc *doc;
};

static void no_memory(struct answer_reader *r)
{
    answer_reader_fail(r, ERR_NO_MEMORY, NULL);
}

/* Servers may leave the beginning out. */
static void emit(struct reading *g, const struct chat_event *ev)
{
    if (g->r->ended)
        return;
    if (!g->s->started && ev->kind != CHAT_START)
        chat_emit(&g->r->to, &(struct chat_event){.kind = CHAT_START});
    g->s->started = true;
    chat_emit(&g->r->to, ev);
}

/* --- Members ------------------------------------------------------------------------------------------- */

static uint32_t member(const struct reading *g, uint32_t object, const char *name)
{
    return json_member(g->doc, object, str_from_c(name));
}

static bool is(const struct reading *g, uint32_t node, const char *text)
{
    return json_is(g->doc, node, JSON_STRING) && json_string_eq(g->doc, node, str_from_c(text));
}

static struct raw raw_member(const struct reading *g, uint32_t object, const char *name)
{
    return raw_of_node(g->doc, member(g, object, name));
}

/* Decoded, in the scratch arena or the source; null: it is no string. */
static str text_member(const struct reading *g, uint32_t object, const char *name)
{
    uint32_t node = member(g, object, name);
    str text = STR_NULL;
    if (json_is(g->doc, node, JSON_STRING) &&
        json_string_decode(g->doc, node, g->r->scratch, &text))
        no_memory(g->r);
    return text;
}

static int64_t number_member(const struct reading *g, uint32_t object, const char *name)
{
    uint32_t node = member(g, object, name);
    int64_t n;
    return json_is(g->doc, node, JSON_NUMBER) && json_to_i64(json_raw(g->doc, node), &n) ? n : -1;
}

/* --- Items ------------------------------------------------------------------------------------------------ */

static struct item *find(const struct state *s, str id, int64_t index)
{
    for (struct item *i = s->items; i; i = i->next)
        if (id.len ? str_eq(i->id, id) : index >= 0 && i->index == index)
            return i;
    for (struct item *i = s->items; i; i = i->next) /* ids that change on the way */
        if (id.len && index >= 0 && i->index == index && !i->over)
            return i;
    return NULL;
}

static struct item *add(struct reading *g, str id, int64_t index)
{
    struct item *i = arena_zalloc(g->r->arena, sizeof(*i));
    if (!i) {
        no_memory(g->r);
        return NULL;
    }
    i->id = id.len ? arena_str(g->r->arena, id) : STR("");
    i->index = index;
    i->next = g->s->items;
    g->s->items = i;
    return i;
}

/* Of an event that names it; made when it was never announced.  NULL: no memory. */
static struct item *item_of(struct reading *g)
{
    str id = text_member(g, JSON_ROOT, "item_id");
    int64_t index = number_member(g, JSON_ROOT, "output_index");
    struct item *i = find(g->s, id, index);
    if (!i && !id.len && index < 0 && g->s->items && !g->s->items->over)
        i = g->s->items; /* neither is said: the one that is open */
    return i ? i : add(g, id, index);
}

/* --- Texts ------------------------------------------------------------------------------------------------- */

static void emit_piece(struct reading *g, enum chat_event_kind kind, enum last last,
                       struct raw text)
{
    if (!text.s.len)
        return;
    g->s->last = last;
    emit(g, &(struct chat_event){.kind = kind, .text = text});
}

/* Before the first piece of a block. */
static void break_after(struct reading *g, enum last kind)
{
    if (g->s->last == kind)
        emit(g, &(struct chat_event){.kind = CHAT_BREAK});
    g->s->last = LAST_OTHER;
}

static void emit_logprobs(struct reading *g, uint32_t list)
{
    if (!json_is(g->doc, list, JSON_ARRAY) || json_count(g->doc, list) == 0)
        return;
    str raw = json_raw(g->doc, list);
    emit(g, &(struct chat_event){.kind = CHAT_LOGPROBS,
                                 .json = str_trim(str_make(raw.ptr + 1, raw.len - 2))});
}

static void emit_citation(struct reading *g, uint32_t node)
{
    if (!is(g, member(g, node, "type"), "url_citation"))
        return;
    struct citation c = {.url = raw_member(g, node, "url"),
                         .title = raw_member(g, node, "title"),
                         .start = number_member(g, node, "start_index"),
                         .end = number_member(g, node, "end_index"),
                         .format = NATIVE_OPENAI,
                         .json = json_raw(g->doc, node)};
    emit(g, &(struct chat_event){.kind = CHAT_CITATION, .citation = &c});
}

static void part_added(struct reading *g)
{
    uint32_t part = member(g, JSON_ROOT, "part"), type = member(g, part, "type");
    if (is(g, type, "output_text"))
        break_after(g, LAST_TEXT);
}

static void text_delta(struct reading *g)
{
    struct item *i = item_of(g);
    if (!i)
        return;
    i->said = true;
    emit_piece(g, CHAT_TEXT, LAST_TEXT, raw_member(g, JSON_ROOT, "delta"));
    emit_logprobs(g, member(g, JSON_ROOT, "logprobs"));
}

static void refusal_delta(struct reading *g)
{
    struct item *i = item_of(g);
    if (!i)
        return;
    i->said = true;
    emit_piece(g, CHAT_REFUSAL, LAST_OTHER, raw_member(g, JSON_ROOT, "delta"));
}

static void annotation_added(struct reading *g)
{
    emit_citation(g, member(g, JSON_ROOT, "annotation"));
}

/* --- Reasoning ------------------------------------------------------------------------------------------------ */

static void summary_part_added(struct reading *g)
{
    struct item *i = item_of(g);
    if (!i)
        return;
    if (i->said && i->summed)
        emit(g, &(struct chat_event){.kind = CHAT_REASONING_BREAK});
    else if (!i->said)
        break_after(g, LAST_REASONING);
}

/* An item's own text and its summary say the same: whichever comes first is told. */
static void reasoning_piece(struct reading *g, bool summary)
{
    struct item *i = item_of(g);
    if (!i || (i->said && i->summed != summary))
        return;
    if (!i->said && g->s->last == LAST_REASONING)
        break_after(g, LAST_REASONING);
    i->said = true;
    i->summed = summary;
    emit_piece(g, CHAT_REASONING, LAST_REASONING, raw_member(g, JSON_ROOT, "delta"));
}

static void summary_delta(struct reading *g)
{
    reasoning_piece(g, true);
}

static void reasoning_delta(struct reading *g)
{
    reasoning_piece(g, false);
}

static void whole_reasoning(struct reading *g, struct item *i, uint32_t item)
{
    uint32_t list = member(g, item, "summary");
    if (!json_is(g->doc, list, JSON_ARRAY) || json_count(g->doc, list) == 0)
        list = member(g, item, "content");
    if (i->said || !json_is(g->doc, list, JSON_ARRAY))
        return;
    JSON_EACH (part, g->doc, list) {
        struct raw text = raw_member(g, part, "text");
        if (!text.s.len)
            continue;
        if (i->said)
            emit(g, &(struct chat_event){.kind = CHAT_REASONING_BREAK});
        else
            break_after(g, LAST_REASONING);
        i->said = true;
        emit_piece(g, CHAT_REASONING, LAST_REASONING, text);
    }
}

static void reasoning_done(struct reading *g, struct item *i, uint32_t item)
{
    whole_reasoning(g, i, item);
    str opaque = text_member(g, item, "encrypted_content");
    if (!opaque.len)
        return;
    if (!i->said)
        break_after(g, LAST_REASONING);
    emit(g, &(struct chat_event){.kind = CHAT_SIGNATURE,
                                 .format = NATIVE_OPENAI,
                                 .opaque = opaque,
                                 .item_id = text_member(g, item, "id")});
    g->s->last = LAST_OTHER;
}

/* --- Calls ----------------------------------------------------------------------------------------------------- */

static void emit_arguments(struct reading *g, const struct item *i, struct raw text)
{
    if (text.s.len)
        emit(g, &(struct chat_event){.kind = CHAT_CALL_ARGUMENTS, .call = i->call, .text = text});
}

/* A custom tool's input is the string in {"input": "…"}. */
static void emit_input(struct reading *g, struct item *i, struct raw text)
{
    struct raw inside = raw_of_text(g->r->scratch, text.s);
    if (str_is_null(inside.s)) {
        if (!str_is_null(text.s))
            no_memory(g->r);
        return;
    }
    if (!i->said)
        emit_arguments(g, i, RAW("{\\\"input\\\":\\\""));
    i->said = true;
    emit_arguments(g, i, inside);
}

static void open_call(struct reading *g, struct item *i, uint32_t item, bool custom)
{
    if (i->is_call)
        return;
    i->is_call = true;
    i->custom = custom;
    i->call = g->s->calls++;
    g->s->last = LAST_OTHER;
    str id = text_member(g, item, "call_id");
    emit(g, &(struct chat_event){.kind = CHAT_CALL,
                                 .call = i->call,
                                 .id = id.len ? id : text_member(g, item, "id"),
                                 .name = text_member(g, item, "name"),
                                 .custom = custom});
}

static void arguments_delta(struct reading *g)
{
    struct item *i = item_of(g);
    struct raw text = raw_member(g, JSON_ROOT, "delta");
    if (!i || !i->is_call || !text.s.len)
        return;
    if (i->custom) {
        emit_input(g, i, text);
        return;
    }
    i->said = true;
    emit_arguments(g, i, text);
}

static void call_done(struct reading *g, struct item *i, uint32_t item)
{
    open_call(g, i, item, false);
    struct raw whole = raw_member(g, item, "arguments");
    if (!i->said)
        emit_arguments(g, i, whole.s.len ? whole : RAW("{}"));
    i->said = true;
}

static void custom_done(struct reading *g, struct item *i, uint32_t item)
{
    open_call(g, i, item, true);
    if (!i->said)
        emit_input(g, i, raw_member(g, item, "input"));
    if (i->said)
        emit_arguments(g, i, RAW("\\\"}"));
}

/* --- Whole items -------------------------------------------------------------------------------------------------- */

static void message_done(struct reading *g, struct item *i, uint32_t item)
{
    uint32_t content = member(g, item, "content");
    if (i->said || !json_is(g->doc, content, JSON_ARRAY))
        return;
    JSON_EACH (part, g->doc, content) {
        uint32_t type = member(g, part, "type"), notes = member(g, part, "annotations");
        if (is(g, type, "refusal")) {
            emit_piece(g, CHAT_REFUSAL, LAST_OTHER, raw_member(g, part, "refusal"));
            continue;
        }
        break_after(g, LAST_TEXT);
        emit_piece(g, CHAT_TEXT, LAST_TEXT, raw_member(g, part, "text"));
        emit_logprobs(g, member(g, part, "logprobs"));
        if (json_is(g->doc, notes, JSON_ARRAY))
            JSON_EACH (note, g->doc, notes)
                emit_citation(g, note);
    }
    i->said = true;
}

static void native_done(struct reading *g, struct item *i, uint32_t item)
{
    struct native_block native = {.format = NATIVE_OPENAI,
                                  .type = text_member(g, item, "type"),
                                  .json = json_raw(g->doc, item)};
    i->said = true;
    g->s->last = LAST_OTHER;
    emit(g, &(struct chat_event){.kind = CHAT_NATIVE, .native = &native});
}

static void image_done(struct reading *g, struct item *i, uint32_t item)
{
    str data = text_member(g, item, "result"), format = text_member(g, item, "output_format");
    str pieces[] = {STR("image/"), format.len ? format : STR("png")};
    if (!data.len) {
        native_done(g, i, item);
        return;
    }
    struct media image = {.source = MEDIA_BASE64,
                          .mime = arena_concat(g->r->scratch, pieces, ARRAY_LEN(pieces)),
                          .data = data};
    i->said = true;
    g->s->last = LAST_OTHER;
    emit(g, &(struct chat_event){.kind = CHAT_MEDIA, .media = &image});
}

static void item_done_at(struct reading *g, struct item *i, uint32_t item)
{
    static const struct {
        const char *type;
        void (*done)(struct reading *g, struct item *i, uint32_t item);
    } kinds[] = {
        {"message", message_done},
        {"function_call", call_done},
        {"custom_tool_call", custom_done},
        {"reasoning", reasoning_done},
        {"image_generation_call", image_done},
    };
    uint32_t type = member(g, item, "type");
    if (i->over)
        return;
    i->over = true;
    for (unsigned k = 0; k < ARRAY_LEN(kinds); k++) {
        if (is(g, type, kinds[k].type)) {
            kinds[k].done(g, i, item);
            return;
        }
    }
    native_done(g, i, item);
}

static void item_added(struct reading *g)
{
    uint32_t item = member(g, JSON_ROOT, "item"), type = member(g, item, "type");
    bool custom = is(g, type, "custom_tool_call");
    struct item *i =
        add(g, text_member(g, item, "id"), number_member(g, JSON_ROOT, "output_index"));
    if (i && (custom || is(g, type, "function_call")))
        open_call(g, i, item, custom);
}

static void item_done(struct reading *g)
{
    uint32_t item = member(g, JSON_ROOT, "item");
    if (!json_is(g->doc, item, JSON_OBJECT))
        return;
    str id = text_member(g, item, "id");
    int64_t index = number_member(g, JSON_ROOT, "output_index");
    struct item *i = find(g->s, id, index);
    i = i ? i : add(g, id, index);
    if (i)
        item_done_at(g, i, item);
}

/* Whole answers, and streams of servers that send no events for their items.  What was announced is told
 * to its end; what was not is left alone once anything was, for ids and places may be missing. */
static void read_output(struct reading *g, uint32_t response)
{
    uint32_t output = member(g, response, "output");
    bool all = !g->s->items;
    int64_t index = 0;
    if (!json_is(g->doc, output, JSON_ARRAY))
        return;
    JSON_EACH (one, g->doc, output) {
        struct item *i = find(g->s, text_member(g, one, "id"), index);
        if (all && json_is(g->doc, one, JSON_OBJECT))
            i = add(g, STR(""), -1);
        if (i)
            item_done_at(g, i, one);
        index++;
    }
}

/* --- Beginning and end ---------------------------------------------------------------------------------------------- */

static void start(struct reading *g, uint32_t response)
{
    if (g->s->started)
        return;
    emit(g, &(struct chat_event){.kind = CHAT_START,
                                 .id = text_member(g, response, "id"),
                                 .model = text_member(g, response, "model")});
}

static enum finish finish_of(struct reading *g, uint32_t response, str *reason)
{
    uint32_t details = member(g, response, "incomplete_details");
    *reason = text_member(g, response, "status");
    if (!is(g, member(g, response, "status"), "incomplete"))
        return g->s->calls ? FINISH_CALLS : FINISH_STOP;
    str why = text_member(g, details, "reason");
    if (why.len)
        *reason = why;
    if (str_eq(why, STR("content_filter")))
        return FINISH_FILTERED;
    return str_eq(why, STR("steered")) ? FINISH_STOP : FINISH_LENGTH;
}

static void finish(struct reading *g, uint32_t response)
{
    struct chat_event usage = {.kind = CHAT_USAGE};
    struct chat_event last = {.kind = CHAT_FINISH};
    start(g, response);
    read_output(g, response);
    openai_usage_read(g->doc, member(g, response, "usage"), &usage.usage);
    if (usage.usage.known)
        emit(g, &usage);
    last.finish = finish_of(g, response, &last.reason);
    emit(g, &last);
    emit(g, &(struct chat_event){.kind = CHAT_END});
    g->r->ended = true;
}

static void fail(struct reading *g, uint32_t error, uint32_t flat)
{
    struct provider_fault fault = {0};
    responses_read_fault(g->doc, error, flat, g->r->scratch, &fault);
    answer_reader_fail(g->r, responses_error_meaning(fault.code, fault.type), &fault);
}

static void created(struct reading *g)
{
    start(g, member(g, JSON_ROOT, "response"));
}

static void completed(struct reading *g)
{
    finish(g, member(g, JSON_ROOT, "response"));
}

static void failed(struct reading *g)
{
    fail(g, member(g, member(g, JSON_ROOT, "response"), "error"), JSON_NONE);
}

static void error_event(struct reading *g)
{
    fail(g, member(g, JSON_ROOT, "error"), JSON_ROOT);
}

/* --- Units ------------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *type;
    void (*read)(struct reading *g);
} events[] = {
    {"response.output_text.delta", text_delta},
    {"response.function_call_arguments.delta", arguments_delta},
    {"response.custom_tool_call_input.delta", arguments_delta},
    {"response.reasoning_summary_text.delta", summary_delta},
    {"response.reasoning_text.delta", reasoning_delta},
    {"response.refusal.delta", refusal_delta},
    {"response.output_item.added", item_added},
    {"response.output_item.done", item_done},
    {"response.content_part.added", part_added},
    {"response.reasoning_summary_part.added", summary_part_added},
    {"response.output_text.annotation.added", annotation_added},
    {"response.created", created},
    {"response.queued", created},
    {"response.in_progress", created},
    {"response.completed", completed},
    {"response.incomplete", completed},
    {"response.failed", failed},
    {"error", error_event},
};

void responses_read_unit(struct answer_reader *r, str name, str data)
{
    struct json_doc doc;
    struct reading g = {.r = r, .s = r->state, .doc = &doc};
    (void)name; /* `type` inside says the same, and also where the name is missing */
    if (r->ended || str_eq(data, STR("[DONE]")))
        return;
    enum err err = json_parse(&doc, r->scratch, data, NULL);
    if (err || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        answer_reader_fail(r, err == ERR_NO_MEMORY ? err : ERR_UPSTREAM_MALFORMED, NULL);
        return;
    }
    uint32_t type = member(&g, JSON_ROOT, "type");
    if (!json_is(&doc, type, JSON_STRING)) {
        if (json_is(&doc, member(&g, JSON_ROOT, "error"), JSON_OBJECT))
            error_event(&g);
        return;
    }
    for (unsigned i = 0; i < ARRAY_LEN(events); i++) {
        if (is(&g, type, events[i].type)) {
            events[i].read(&g);
            return;
        }
    }
}

/* Only its terminal event makes an answer complete. */
void responses_read_end(struct answer_reader *r)
{
    (void)r;
}

void responses_read_answer(struct answer_reader *r, str body)
{
    struct json_doc doc;
    struct reading g = {.r = r, .s = r->state, .doc = &doc};
    enum err err = json_parse(&doc, r->scratch, body, NULL);
    if (err || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        answer_reader_fail(r, err == ERR_NO_MEMORY ? err : ERR_UPSTREAM_MALFORMED, NULL);
        return;
    }
    uint32_t status = member(&g, JSON_ROOT, "status");
    uint32_t error = member(&g, JSON_ROOT, "error");
    if (json_is(&doc, error, JSON_OBJECT))
        fail(&g, error, JSON_NONE);
    else if (is(&g, status, "failed") || is(&g, status, "cancelled") ||
             !json_is(&doc, member(&g, JSON_ROOT, "output"), JSON_ARRAY))
        answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, NULL);
    else
        finish(&g, JSON_ROOT);
}
