/*
 * Anthropic's Messages API, as the mock speaks it: messages, count_tokens, models.  Under /v1 and
 * /anthropic/v1; the list of models is this API's when the question has its version field.
 */
#include "app/mock_messages.h"

#include "wire/json_write.h"

enum { HALVES = 2 };

/* --- What is asked --------------------------------------------------------------------------------------- */

static bool owns(const struct request_head *head, struct mock_question *q, struct arena *a)
{
    static const struct {
        const char *path;
        enum endpoint_kind kind;
    } paths[] = {{"/v1/messages", ENDPOINT_MESSAGES},
                 {"/v1/messages/count_tokens", ENDPOINT_MESSAGES_COUNT}};
    str path = head->path;
    (void)a;
    if (str_starts(path, STR("/anthropic/")))
        path = str_from(path, strlen("/anthropic"));
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (str_eq(path, str_from_c(paths[i].path))) {
            q->kind = paths[i].kind;
            return true;
        }
    if (!str_starts(path, STR("/v1/models")) ||
        !head_known(&head->headers, HEADER_ANTHROPIC_VERSION).len)
        return false;
    q->kind = ENDPOINT_MODELS;
    q->rest = str_from(path, strlen("/v1/models"));
    return true;
}

/* The names of the tools that may be called. */
static const str *offered(struct mock_question *q, const struct mock_messages_wish *w,
                          unsigned *count)
{
    uint32_t tools = json_member(&q->doc, JSON_ROOT, STR("tools"));
    str *names = NULL;
    *count = 0;
    if (json_is(&q->doc, tools, JSON_ARRAY) && json_count(&q->doc, tools))
        names = arena_alloc(q->arena, json_count(&q->doc, tools) * sizeof(*names));
    if (!names)
        return NULL;
    JSON_EACH (tool, &q->doc, tools) {
        uint32_t name = json_member(&q->doc, tool, STR("name"));
        if (json_string_decode(&q->doc, name, q->arena, &names[*count]))
            return NULL;
        *count += str_is_null(w->only) || str_eq(w->only, names[*count]);
    }
    return names;
}

static bool judge(struct mock_question *q, struct mock_error *e)
{
    struct mock_messages_wish w;
    struct mock_plan plan = *q->plan;
    if (q->kind == ENDPOINT_MODELS)
        return true;
    if (!mock_messages_judge(q, e))
        return false;
    mock_messages_wish(q, &w);
    struct mock_facts facts = {.answered = w.answered && !w.forced,
                               .json = w.json,
                               .thinking = w.thinks,
                               .max_tokens = w.max_tokens,
                               .bytes = q->bytes,
                               .cached = w.cached};
    facts.tools = offered(q, &w, &facts.tool_count);
    if (w.forced && !plan.tool)
        plan.tool = 1;
    mock_script_make(&q->script, &plan, &facts, q->arena);
    return true;
}

/* --- What is said ---------------------------------------------------------------------------------------- */

static void say_null(struct json_write *w, str key)
{
    json_write_key(w, key);
    json_write_null(w);
}

static void say_usage(struct json_write *w, const struct mock_script *s, bool done)
{
    json_write_key(w, STR("usage"));
    json_write_object(w);
    json_write_member_u64(w, STR("input_tokens"), s->input_tokens);
    json_write_member_u64(w, STR("cache_creation_input_tokens"), s->cache_write_tokens);
    json_write_member_u64(w, STR("cache_read_input_tokens"), s->cached_tokens);
    if (!done) {
        json_write_member_u64(w, STR("output_tokens"), 1);
    } else {
        json_write_member_u64(w, STR("output_tokens"), s->tokens);
        json_write_key(w, STR("output_tokens_details"));
        json_write_object(w);
        json_write_member_u64(w, STR("thinking_tokens"), s->reasoning_tokens);
        json_write_object_end(w);
    }
    json_write_object_end(w);
}

static str stop_reason(const struct mock_script *s)
{
    return s->length ? STR("max_tokens") : s->calls ? STR("tool_use") : STR("end_turn");
}

static void say_message(struct json_write *w, const struct mock_question *q)
{
    json_write_object(w);
    str id = arena_printf(q->arena, "msg_mock%llu", (unsigned long long)q->id);
    json_write_member(w, STR("id"), id);
    json_write_member(w, STR("type"), STR("message"));
    json_write_member(w, STR("role"), STR("assistant"));
    json_write_member(w, STR("model"), q->model);
}

static void begin_block(struct json_write *w, const char *type)
{
    json_write_object(w);
    json_write_member(w, STR("type"), str_from_c(type));
}

static void say_piece(struct json_write *w, const struct mock_piece *p, bool hides)
{
    switch (p->kind) {
    case MOCK_REASONING:
        begin_block(w, "thinking");
        json_write_member(w, STR("thinking"), hides ? STR("") : p->text);
        json_write_member(w, STR("signature"), p->signature);
        break;
    case MOCK_TEXT:
        begin_block(w, "text");
        json_write_member(w, STR("text"), p->text);
        say_null(w, STR("citations"));
        break;
    case MOCK_CALL:
        begin_block(w, "tool_use");
        json_write_member(w, STR("id"), p->id);
        json_write_member(w, STR("name"), p->name);
        json_write_member_raw(w, STR("input"), p->arguments);
        break;
    }
    json_write_object_end(w);
}

static void answer_message(const struct mock_question *q, struct buf *out)
{
    struct json_write w;
    const struct mock_script *s = &q->script;
    bool hides = mock_messages_hides(q);
    json_write_init(&w, out);
    say_message(&w, q);
    json_write_key(&w, STR("content"));
    json_write_array(&w);
    for (unsigned i = 0; i < s->count; i++)
        say_piece(&w, &s->pieces[i], hides);
    json_write_array_end(&w);
    json_write_member(&w, STR("stop_reason"), stop_reason(s));
    say_null(&w, STR("stop_sequence"));
    say_null(&w, STR("stop_details"));
    say_null(&w, STR("container"));
    say_usage(&w, s, true);
    json_write_object_end(&w);
}

static const char *const names[] = {"claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5"};

static void say_model(struct buf *out, str id)
{
    buf_add_lit(out, "{\"type\":\"model\",\"id\":\"");
    json_escape(out, id);
    buf_add_lit(out, "\",\"display_name\":\"Mock\",\"created_at\":\"2026-01-01T00:00:00Z\","
                     "\"max_input_tokens\":200000,\"max_tokens\":64000,\"lifecycle\":\"active\"}");
}

static void answer_models(const struct mock_question *q, struct buf *out)
{
    if (q->rest.len > 1) {
        say_model(out, str_from(q->rest, 1));
        return;
    }
    buf_add_lit(out, "{\"data\":[");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (i)
            buf_add_byte(out, ',');
        say_model(out, str_from_c(names[i]));
    }
    buf_printf(out, "],\"has_more\":false,\"first_id\":\"%s\",\"last_id\":\"%s\"}", names[0],
               names[ARRAY_LEN(names) - 1]);
}

static void answer(const struct mock_question *q, struct buf *out, str *content_type)
{
    *content_type = STR("application/json");
    if (q->kind == ENDPOINT_MODELS)
        answer_models(q, out);
    else if (q->kind == ENDPOINT_MESSAGES_COUNT)
        buf_printf(out, "{\"input_tokens\":%llu}", (unsigned long long)(q->bytes / 4 + 1));
    else
        answer_message(q, out);
}

/* --- What is streamed ------------------------------------------------------------------------------------ */

/* An event of a piece: its start, its deltas, its stop. */
enum { MESSAGE_START = 1, BLOCK_START = 1, BLOCK_STOP = 1, SIGNATURE = 1, EMPTY_PIECE = 1 };

static unsigned deltas(const struct mock_piece *p, bool hides)
{
    switch (p->kind) {
    case MOCK_REASONING:
        return (hides ? 0 : p->tokens) + SIGNATURE;
    case MOCK_TEXT:
        return p->tokens;
    case MOCK_CALL:
        break;
    }
    return EMPTY_PIECE + HALVES;
}

static void begin_event(struct json_write *w, struct buf *out, const char *type)
{
    buf_printf(out, "event: %s\ndata: ", type);
    json_write_init(w, out);
    begin_block(w, type);
}

static void end_event(struct json_write *w, struct buf *out)
{
    json_write_object_end(w);
    buf_add_lit(out, "\n\n");
}

static void say_start(const struct mock_question *q, struct buf *out)
{
    struct json_write w;
    begin_event(&w, out, "message_start");
    json_write_key(&w, STR("message"));
    say_message(&w, q);
    json_write_key(&w, STR("content"));
    json_write_array(&w);
    json_write_array_end(&w);
    say_null(&w, STR("stop_reason"));
    say_null(&w, STR("stop_sequence"));
    say_usage(&w, &q->script, false);
    json_write_object_end(&w);
    end_event(&w, out);
}

static void say_block_start(const struct mock_piece *p, unsigned index, struct buf *out)
{
    struct json_write w;
    struct mock_piece blank = *p;
    blank.text = blank.signature = STR("");
    blank.arguments = STR("{}");
    begin_event(&w, out, "content_block_start");
    json_write_member_u64(&w, STR("index"), index);
    json_write_key(&w, STR("content_block"));
    say_piece(&w, &blank, false);
    end_event(&w, out);
    if (index == 0)
        buf_add_lit(out, "event: ping\ndata: {\"type\": \"ping\"}\n\n");
}

static str half(str s, unsigned i)
{
    return i == 0 ? STR("") : i == 1 ? str_first(s, s.len / 2) : str_from(s, s.len / 2);
}

static void say_delta(const struct mock_piece *p, unsigned index, unsigned i, bool last,
                      struct buf *out)
{
    struct json_write w;
    begin_event(&w, out, "content_block_delta");
    json_write_member_u64(&w, STR("index"), index);
    json_write_key(&w, STR("delta"));
    if (p->kind == MOCK_CALL) {
        begin_block(&w, "input_json_delta");
        json_write_member(&w, STR("partial_json"), half(p->arguments, i));
    } else if (p->kind == MOCK_TEXT) {
        begin_block(&w, "text_delta");
        json_write_member(&w, STR("text"), mock_piece_token(p, i));
    } else if (last) {
        begin_block(&w, "signature_delta");
        json_write_member(&w, STR("signature"), p->signature);
    } else {
        begin_block(&w, "thinking_delta");
        json_write_member(&w, STR("thinking"), mock_piece_token(p, i));
    }
    json_write_object_end(&w);
    end_event(&w, out);
}

static void say_block_stop(unsigned index, struct buf *out)
{
    struct json_write w;
    begin_event(&w, out, "content_block_stop");
    json_write_member_u64(&w, STR("index"), index);
    end_event(&w, out);
}

/* The last two: 0 and 1 behind all pieces. */
static bool say_end(const struct mock_question *q, unsigned i, struct buf *out)
{
    struct json_write w;
    if (i > 1)
        return false;
    begin_event(&w, out, i == 0 ? "message_delta" : "message_stop");
    if (i == 0) {
        json_write_key(&w, STR("delta"));
        json_write_object(&w);
        json_write_member(&w, STR("stop_reason"), stop_reason(&q->script));
        say_null(&w, STR("stop_sequence"));
        json_write_object_end(&w);
        say_usage(&w, &q->script, true);
    }
    end_event(&w, out);
    return true;
}

static bool event(const struct mock_question *q, unsigned i, struct buf *out, bool *is_token)
{
    bool hides = mock_messages_hides(q);
    *is_token = false;
    if (i == 0) {
        say_start(q, out);
        return true;
    }
    i -= MESSAGE_START;
    for (unsigned p = 0; p < q->script.count; p++) {
        const struct mock_piece *piece = &q->script.pieces[p];
        unsigned n = deltas(piece, hides);
        if (i == 0) {
            say_block_start(piece, p, out);
        } else if (i <= n) {
            *is_token = true;
            say_delta(piece, p, i - BLOCK_START, i == n, out);
        } else if (i == n + BLOCK_START) {
            say_block_stop(p, out);
        } else {
            i -= n + BLOCK_START + BLOCK_STOP;
            continue;
        }
        return true;
    }
    return say_end(q, i, out);
}

/* --- Errors and fields ------------------------------------------------------------------------------------ */

static void error(const struct mock_question *q, const struct mock_error *e, struct buf *out)
{
    (void)q;
    buf_printf(out, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"",
               mock_messages_error_type(e->status));
    json_escape(out, str_from_c(e->message));
    buf_add_lit(out, "\"},\"request_id\":\"req_mock\"}");
}

static void stream_error(const struct mock_question *q, const struct mock_error *e, struct buf *out)
{
    buf_add_lit(out, "event: error\ndata: ");
    error(q, e, out);
    buf_add_lit(out, "\n\n");
}

static bool fields(const struct mock_question *q, int status, struct headers *h, struct arena *a)
{
    (void)q;
    bool ok =
        head_add(h, a, STR("request-id"), STR("req_mock")) &&
        head_add(h, a, STR("anthropic-organization-id"), STR("mock-org")) &&
        head_add(h, a, STR("anthropic-ratelimit-requests-remaining"), STR("9999")) &&
        head_add(h, a, STR("anthropic-ratelimit-requests-reset"), STR("2026-11-25T12:00:00Z"));
    return ok && (status != 429 || head_add(h, a, STR("retry-after"), STR("1")));
}

const struct mock_api mock_api_messages = {
    .name = "messages",
    .owns = owns,
    .judge = judge,
    .answer = answer,
    .event = event,
    .error = error,
    .stream_error = stream_error,
    .fields = fields,
};
