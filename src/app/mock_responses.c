/* OpenAI's Responses API, as the mock speaks it: answers, streams, stored responses, counts. */
#include "app/mock_responses.h"

#include "base/check.h"
#include "wire/json_write.h"

enum { CREATED = 1700000000, HALVES = 2 };

static bool owns(const struct request_head *head, struct mock_question *q, struct arena *a)
{
    const uint64_t kinds = ENDPOINT_BIT(RESPONSES) | ENDPOINT_BIT(RESPONSES_TOKENS) |
                           ENDPOINT_BIT(RESPONSES_COMPACT) | ENDPOINT_BIT(RESPONSES_STORED);
    struct mock_question found = *q;
    if (!mock_openai_find(head, &found, a) || !(kinds & (UINT64_C(1) << found.kind)))
        return false;
    *q = found;
    return true;
}

static bool judge(struct mock_question *q, struct mock_error *e)
{
    struct mock_responses_wish w;
    struct mock_plan plan = *q->plan;
    if (!mock_responses_judge(q, e))
        return false;
    mock_responses_wish(q, &w);
    str *names = arena_alloc(q->arena, (w.tool_count + 1) * sizeof(*names));
    for (unsigned i = 0; names && i < w.tool_count; i++)
        names[i] = w.tools[i].name;
    struct mock_facts facts = {.tools = names,
                               .tool_count = names ? w.tool_count : 0,
                               .answered = w.answered,
                               .json = w.json,
                               .thinking = w.thinks,
                               .max_tokens = w.max_tokens,
                               .bytes = q->bytes,
                               .cached = w.cached};
    if (w.forced && !plan.tool)
        plan.tool = 1;
    mock_script_make(&q->script, &plan, &facts, q->arena);
    return true;
}

/* The offered tool of this name. */
static struct mock_responses_tool tool_of(const struct mock_question *q, str name)
{
    struct mock_responses_wish w;
    mock_responses_wish(q, &w);
    for (unsigned i = 0; i < w.tool_count; i++)
        if (str_eq(w.tools[i].name, name))
            return w.tools[i];
    return (struct mock_responses_tool){.name = name};
}

static bool has_summary(const struct mock_question *q)
{
    struct mock_responses_wish w;
    mock_responses_wish(q, &w);
    return w.summary;
}

/* --- Items ---------------------------------------------------------------------------------------------- */

static const char *prefix_of(const struct mock_question *q, const struct mock_piece *p)
{
    if (p->kind == MOCK_CALL)
        return tool_of(q, p->name).custom ? "ctc" : "fc";
    return p->kind == MOCK_TEXT ? "msg" : "rs";
}

static void write_item_id(struct json_write *w, const struct mock_question *q, str key,
                          unsigned piece)
{
    json_write_member(w, key,
                      arena_printf(q->arena, "%s_mock%llu_%u",
                                   prefix_of(q, &q->script.pieces[piece]),
                                   (unsigned long long)q->id, piece));
}

static void begin_list(struct json_write *w, const char *key)
{
    json_write_key(w, str_from_c(key));
    json_write_array(w);
}

static void write_part(struct json_write *w, const struct mock_piece *p, bool empty)
{
    json_write_object(w);
    json_write_member(w, STR("type"),
                      p->kind == MOCK_TEXT ? STR("output_text") : STR("summary_text"));
    json_write_member(w, STR("text"), empty ? STR("") : p->text);
    if (p->kind == MOCK_TEXT) {
        json_write_member_raw(w, STR("annotations"), STR("[]"));
        json_write_member_raw(w, STR("logprobs"), STR("[]"));
    }
    json_write_object_end(w);
}

static void write_call(struct json_write *w, const struct mock_question *q,
                       const struct mock_piece *p, bool done)
{
    struct mock_responses_tool tool = tool_of(q, p->name);
    json_write_member(w, STR("type"), tool.custom ? STR("custom_tool_call") : STR("function_call"));
    json_write_member(w, STR("status"), done ? STR("completed") : STR("in_progress"));
    json_write_member(w, STR("call_id"), p->id);
    json_write_member(w, STR("name"), p->name);
    if (tool.space.len)
        json_write_member(w, STR("namespace"), tool.space);
    json_write_member(w, tool.custom ? STR("input") : STR("arguments"),
                      done ? p->arguments : STR(""));
}

static void write_said(struct json_write *w, const struct mock_question *q,
                       const struct mock_piece *p, bool done)
{
    bool text = p->kind == MOCK_TEXT;
    json_write_member(w, STR("type"), text ? STR("message") : STR("reasoning"));
    if (text) {
        str whole = q->script.length ? STR("incomplete") : STR("completed");
        json_write_member(w, STR("status"), done ? whole : STR("in_progress"));
        json_write_member(w, STR("role"), STR("assistant"));
    }
    begin_list(w, text ? "content" : "summary");
    if (done && (text || has_summary(q)))
        write_part(w, p, false);
    json_write_array_end(w);
    if (!text)
        json_write_member(w, STR("encrypted_content"), done ? p->signature : STR("Z0FB"));
}

static void write_item(struct json_write *w, const struct mock_question *q, unsigned piece,
                       bool done)
{
    const struct mock_piece *p = &q->script.pieces[piece];
    json_write_object(w);
    write_item_id(w, q, STR("id"), piece);
    if (p->kind == MOCK_CALL)
        write_call(w, q, p, done);
    else
        write_said(w, q, p, done);
    json_write_object_end(w);
}

/* --- The response --------------------------------------------------------------------------------------- */

static void write_usage(struct json_write *w, const struct mock_script *s)
{
    json_write_key(w, STR("usage"));
    json_write_object(w);
    uint64_t input = s->input_tokens + s->cached_tokens + s->cache_write_tokens;
    json_write_member_u64(w, STR("input_tokens"), input);
    json_write_key(w, STR("input_tokens_details"));
    json_write_object(w);
    json_write_member_u64(w, STR("cached_tokens"), s->cached_tokens);
    json_write_member_u64(w, STR("cache_write_tokens"), s->cache_write_tokens);
    json_write_object_end(w);
    json_write_member_u64(w, STR("output_tokens"), s->tokens);
    json_write_key(w, STR("output_tokens_details"));
    json_write_object(w);
    json_write_member_u64(w, STR("reasoning_tokens"), s->reasoning_tokens);
    json_write_object_end(w);
    json_write_member_u64(w, STR("total_tokens"), input + s->tokens);
    json_write_object_end(w);
}

/* What was asked, or what the vendor takes for it. */
static void write_echoes(struct json_write *w, const struct mock_question *q)
{
    static const struct {
        const char *name, *otherwise;
    } rows[] = {
        {"instructions", "null"},
        {"max_output_tokens", "null"},
        {"metadata", "{}"},
        {"parallel_tool_calls", "true"},
        {"previous_response_id", "null"},
        {"reasoning", "{\"effort\":null,\"summary\":null}"},
        {"store", "true"},
        {"temperature", "1.0"},
        {"text", "{\"format\":{\"type\":\"text\"},\"verbosity\":\"medium\"}"},
        {"tool_choice", "\"auto\""},
        {"tools", "[]"},
        {"top_p", "1.0"},
        {"truncation", "\"disabled\""},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        str name = str_from_c(rows[i].name);
        uint32_t node = q->doc.count ? json_member(&q->doc, JSON_ROOT, name) : JSON_NONE;
        json_write_member_raw(w, name,
                              node ? json_raw(&q->doc, node) : str_from_c(rows[i].otherwise));
    }
}

static str response_id(const struct mock_question *q)
{
    if (q->kind == ENDPOINT_RESPONSES_STORED && q->rest.len > 1) {
        str below = str_from(q->rest, 1);
        return str_split(&below, '/');
    }
    return arena_printf(q->arena, "resp_mock_%llu", (unsigned long long)q->id);
}

static void write_response(struct json_write *w, const struct mock_question *q, bool done)
{
    const struct mock_script *s = &q->script;
    bool cut = done && s->length;
    json_write_object(w);
    json_write_member(w, STR("id"), response_id(q));
    json_write_member(w, STR("object"), STR("response"));
    json_write_member_u64(w, STR("created_at"), CREATED);
    json_write_member(w, STR("status"),
                      !done ? STR("in_progress")
                      : cut ? STR("incomplete")
                            : STR("completed"));
    json_write_member_raw(w, STR("background"), STR("false"));
    json_write_member_raw(w, STR("error"), STR("null"));
    json_write_member_raw(w, STR("incomplete_details"),
                          cut ? STR("{\"reason\":\"max_output_tokens\"}") : STR("null"));
    json_write_member(w, STR("model"), q->model);
    json_write_member_raw(w, STR("access_programs"), STR("null"));
    json_write_member(w, STR("service_tier"), STR("default"));
    write_echoes(w, q);
    begin_list(w, "output");
    for (unsigned i = 0; done && i < s->count; i++)
        write_item(w, q, i, true);
    json_write_array_end(w);
    if (done)
        write_usage(w, s);
    else
        json_write_member_raw(w, STR("usage"), STR("null"));
    json_write_object_end(w);
}

static void answer(const struct mock_question *q, struct buf *out, str *content_type)
{
    struct json_write w;
    *content_type = STR("application/json");
    json_write_init(&w, out);
    if (q->kind == ENDPOINT_RESPONSES_TOKENS)
        buf_printf(out, "{\"object\":\"response.input_tokens\",\"input_tokens\":%llu}",
                   (unsigned long long)(q->bytes / 4 + 1));
    else if (q->kind == ENDPOINT_RESPONSES_STORED && q->head->method == METHOD_DELETE)
        buf_printf(out, "{\"id\":\"%.*s\",\"object\":\"response\",\"deleted\":true}",
                   STR_ARG(response_id(q)));
    else
        write_response(&w, q, true);
}

/* --- Events ----------------------------------------------------------------------------------------------- */

static void begin_event(struct json_write *w, struct buf *out, const char *type, unsigned sequence)
{
    buf_printf(out, "event: %s\ndata: ", type);
    json_write_init(w, out);
    json_write_object(w);
    json_write_member(w, STR("type"), str_from_c(type));
    json_write_member_u64(w, STR("sequence_number"), sequence);
}

static void end_event(struct json_write *w)
{
    json_write_object_end(w);
    buf_add_lit(w->out, "\n\n");
}

static void response_event(const struct mock_question *q, struct buf *out, const char *type,
                           unsigned sequence, bool done)
{
    struct json_write w;
    begin_event(&w, out, type, sequence);
    json_write_key(&w, STR("response"));
    write_response(&w, q, done);
    end_event(&w);
}

static void item_event(const struct mock_question *q, struct buf *out, unsigned piece,
                       unsigned sequence, bool done)
{
    struct json_write w;
    begin_event(&w, out, done ? "response.output_item.done" : "response.output_item.added",
                sequence);
    json_write_member_u64(&w, STR("output_index"), piece);
    json_write_key(&w, STR("item"));
    write_item(&w, q, piece, done);
    end_event(&w);
}

/* What the events of a piece's inside are called. */
struct names {
    const char *added, *delta, *done, *over; /* added, over: of the part; NULL: there is none */
    str index, whole;                        /* member names; index null: none */
};

static const struct names names_of_text = {
    "response.content_part.added", "response.output_text.delta", "response.output_text.done",
    "response.content_part.done",  STR_INIT("content_index"),    STR_INIT("text")};
static const struct names names_of_summary = {"response.reasoning_summary_part.added",
                                              "response.reasoning_summary_text.delta",
                                              "response.reasoning_summary_text.done",
                                              "response.reasoning_summary_part.done",
                                              STR_INIT("summary_index"),
                                              STR_INIT("text")};
static const struct names names_of_call = {NULL,
                                           "response.function_call_arguments.delta",
                                           "response.function_call_arguments.done",
                                           NULL,
                                           {NULL, 0},
                                           STR_INIT("arguments")};
static const struct names names_of_custom = {NULL,
                                             "response.custom_tool_call_input.delta",
                                             "response.custom_tool_call_input.done",
                                             NULL,
                                             {NULL, 0},
                                             STR_INIT("input")};

/* NULL: nothing is told of it between its announcement and its end. */
static const struct names *names_of(const struct mock_question *q, const struct mock_piece *p)
{
    if (p->kind == MOCK_TEXT)
        return &names_of_text;
    if (p->kind == MOCK_REASONING)
        return has_summary(q) ? &names_of_summary : NULL;
    return tool_of(q, p->name).custom ? &names_of_custom : &names_of_call;
}

static unsigned deltas_of(const struct mock_piece *p)
{
    return p->kind == MOCK_CALL ? HALVES : p->tokens;
}

/* Events of a piece, its announcement and its end included. */
static unsigned events_of(const struct mock_question *q, const struct mock_piece *p)
{
    const struct names *n = names_of(q, p);
    return n ? 2 + (n->added ? 2 : 0) + deltas_of(p) + 1 : 2;
}

static str delta_of(const struct mock_piece *p, unsigned i)
{
    if (p->kind != MOCK_CALL)
        return mock_piece_token(p, i);
    size_t half = p->arguments.len / 2;
    return i ? str_from(p->arguments, half) : str_first(p->arguments, half);
}

/* One event at the piece's inside; key null: with its part. */
static void inner_event(const struct mock_question *q, struct buf *out, unsigned piece,
                        unsigned sequence, const char *type, str key, str value, bool empty)
{
    const struct mock_piece *p = &q->script.pieces[piece];
    const struct names *n = names_of(q, p);
    struct json_write w;
    begin_event(&w, out, type, sequence);
    write_item_id(&w, q, STR("item_id"), piece);
    json_write_member_u64(&w, STR("output_index"), piece);
    if (n->index.len)
        json_write_member_u64(&w, n->index, 0);
    if (key.len) {
        json_write_member(&w, key, value);
        if (p->kind == MOCK_TEXT)
            json_write_member_raw(&w, STR("logprobs"), STR("[]"));
    } else {
        json_write_key(&w, STR("part"));
        write_part(&w, p, empty);
    }
    end_event(&w);
}

/* Event i of the piece. */
static void piece_event(const struct mock_question *q, struct buf *out, unsigned piece, unsigned i,
                        unsigned sequence, bool *is_token)
{
    const struct mock_piece *p = &q->script.pieces[piece];
    const struct names *n = names_of(q, p);
    unsigned last = events_of(q, p) - 1;
    if (i == 0 || i == last) {
        item_event(q, out, piece, sequence, i == last);
        return;
    }
    CHECK(n);
    unsigned at = i - 1;
    if (n->added && at == 0) {
        inner_event(q, out, piece, sequence, n->added, STR_NULL, STR_NULL, true);
        return;
    }
    at -= n->added ? 1 : 0;
    if (at < deltas_of(p)) {
        *is_token = true;
        inner_event(q, out, piece, sequence, n->delta, STR("delta"), delta_of(p, at), false);
    } else if (at == deltas_of(p)) {
        inner_event(q, out, piece, sequence, n->done, n->whole,
                    p->kind == MOCK_CALL ? p->arguments : p->text, false);
    } else {
        inner_event(q, out, piece, sequence, n->over, STR_NULL, STR_NULL, false);
    }
}

static bool event(const struct mock_question *q, unsigned i, struct buf *out, bool *is_token)
{
    unsigned at = i;
    *is_token = false;
    if (at < 2) {
        response_event(q, out, at ? "response.in_progress" : "response.created", i, false);
        return true;
    }
    at -= 2;
    for (unsigned p = 0; p < q->script.count; p++) {
        unsigned count = events_of(q, &q->script.pieces[p]);
        if (at < count) {
            piece_event(q, out, p, at, i, is_token);
            return true;
        }
        at -= count;
    }
    if (at > 0)
        return false;
    response_event(q, out, q->script.length ? "response.incomplete" : "response.completed", i,
                   true);
    return true;
}

/* --- The API ----------------------------------------------------------------------------------------------- */

static bool streams(const struct mock_question *q)
{
    return q->stream && q->kind == ENDPOINT_RESPONSES;
}

/* The nested form, as it is seen. */
static void stream_error(const struct mock_question *q, const struct mock_error *e, struct buf *out)
{
    struct buf error;
    buf_init(&error, 0);
    mock_openai_error(q, e, &error);
    buf_add_lit(out, "event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,");
    buf_add_str(out, str_from(str_trim(buf_str(&error)), 1));
    buf_add_lit(out, "\n\n");
    out->failed = out->failed || error.failed;
    buf_release(&error);
}

const struct mock_api mock_api_responses = {
    .name = "responses",
    .owns = owns,
    .judge = judge,
    .answer = answer,
    .event = event,
    .error = mock_openai_error,
    .stream_error = stream_error,
    .streams = streams,
    .fields = mock_openai_fields,
};
