/*
 * AWS Bedrock's runtime, as the mock speaks it: Converse, ConverseStream with binary frames and
 * exceptions, InvokeModel of models for embeddings.  A request needs any Bearer key, or a
 * signature with the mock's own credentials (mock_sigv4.h).  Each frame is padded by "p", as
 * AWS's are.
 */
#include "app/mock_bedrock.h"

#include <string.h>

#include "app/mock_sigv4.h"
#include "wire/aws_events.h"
#include "wire/json_write.h"
#include "wire/url.h"

static uint32_t member(const struct mock_question *q, uint32_t object, const char *name)
{
    return json_member(&q->doc, object, str_from_c(name));
}

static bool says(const struct mock_question *q, uint32_t node, const char *text)
{
    return json_is(&q->doc, node, JSON_STRING) && json_string_eq(&q->doc, node, str_from_c(text));
}

/* --- What is asked ---------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum endpoint_kind kind;
    bool stream;
} operations[] = {
    {"/converse", ENDPOINT_CONVERSE, false},
    {"/converse-stream", ENDPOINT_CONVERSE, true},
    {"/invoke", ENDPOINT_INVOKE, false},
};

/* /model/{id}/{operation}; rest: what stands for the id when it is not one segment. */
static bool owns(const struct request_head *head, struct mock_question *q, struct arena *a)
{
    str prefix = STR("/model/"), path = head->path;
    if (!str_starts(path, prefix))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        str end = str_from_c(operations[i].name);
        if (!str_ends(path, end) || path.len <= prefix.len + end.len)
            continue;
        str id = str_make(path.ptr + prefix.len, path.len - prefix.len - end.len);
        q->kind = operations[i].kind;
        q->stream = operations[i].stream;
        q->rest = str_find_byte(id, '/') >= 0 ? id : STR("");
        q->model = url_path_id(id, a);
        return !str_is_null(q->model);
    }
    return false;
}

static void read(struct mock_question *q)
{
    (void)q; /* all of it is in the path */
}

/* --- Judging ---------------------------------------------------------------------------------- */

static bool judge_credentials(struct mock_question *q, struct mock_error *e)
{
    str bearer = head_get(&q->head->headers, STR("authorization"));
    if (str_starts(bearer, STR("Bearer ")) && bearer.len > strlen("Bearer "))
        return true;
    const char *wrong = mock_sigv4_judge(q->head, q->body, STR("bedrock"));
    if (wrong)
        *e = (struct mock_error){.status = 403, .message = wrong};
    return !wrong;
}

static bool is_forced(const struct mock_question *q, str *name)
{
    uint32_t choice = member(q, member(q, JSON_ROOT, "toolConfig"), "toolChoice");
    uint32_t node = member(q, member(q, choice, "tool"), "name");
    *name = STR_NULL;
    if (json_is(&q->doc, node, JSON_STRING))
        *name = json_string_raw(&q->doc, node);
    return !str_is_null(*name);
}

/* The names of the tools; they have no escapes, or were refused.  NULL: none, or no memory. */
static str *tool_names(const struct mock_question *q, unsigned *count)
{
    uint32_t tools = member(q, member(q, JSON_ROOT, "toolConfig"), "tools");
    *count = 0;
    if (!json_count(&q->doc, tools))
        return NULL;
    str *names = arena_alloc(q->arena, json_count(&q->doc, tools) * sizeof(*names));
    if (!names)
        return NULL;
    JSON_EACH (tool, &q->doc, tools) {
        uint32_t name = member(q, member(q, tool, "toolSpec"), "name");
        if (name != JSON_NONE)
            names[(*count)++] = json_string_raw(&q->doc, name);
    }
    return names;
}

static bool wants_thinking(const struct mock_question *q)
{
    uint32_t more = member(q, JSON_ROOT, "additionalModelRequestFields");
    uint32_t type = member(q, member(q, more, "thinking"), "type");
    return says(q, type, "enabled") || says(q, type, "adaptive") ||
           says(q, member(q, member(q, more, "reasoningConfig"), "type"), "enabled") ||
           member(q, more, "reasoning_effort") != JSON_NONE ||
           member(q, more, "reasoning") != JSON_NONE;
}

static bool last_has_result(const struct mock_question *q)
{
    bool has = false;
    JSON_EACH (message, &q->doc, member(q, JSON_ROOT, "messages")) {
        has = false;
        JSON_EACH (block, &q->doc, member(q, message, "content"))
            has |= member(q, block, "toolResult") != JSON_NONE;
    }
    return has;
}

/* The member's name may stand in a text, but hardly does. */
static bool is_cached(const struct mock_question *q)
{
    return str_find(q->body, STR("\"cachePoint\"")) >= 0;
}

static void make_script(struct mock_question *q)
{
    str forced;
    uint32_t most = member(q, member(q, JSON_ROOT, "inferenceConfig"), "maxTokens");
    int64_t limit;
    struct mock_facts facts = {
        .answered = last_has_result(q),
        .json = is_forced(q, &forced) ||
                member(q, member(q, JSON_ROOT, "outputConfig"), "textFormat") != JSON_NONE,
        .thinking = wants_thinking(q),
        .bytes = q->bytes,
        .cached = is_cached(q),
    };
    facts.tools = tool_names(q, &facts.tool_count);
    if (json_is(&q->doc, most, JSON_NUMBER) && json_to_i64(json_raw(&q->doc, most), &limit) &&
        limit > 0)
        facts.max_tokens = (uint64_t)limit;
    mock_script_make(&q->script, q->plan, &facts, q->arena);
}

static bool judge(struct mock_question *q, struct mock_error *e)
{
    if (!judge_credentials(q, e))
        return false;
    if (q->rest.len) {
        *e = (struct mock_error){.status = 400,
                                 .message = "The provided model identifier is invalid."};
        return false;
    }
    if (q->kind == ENDPOINT_INVOKE)
        return mock_bedrock_judge_invoke(q, e);
    if (!mock_bedrock_judge_converse(q, e))
        return false;
    make_script(q);
    return true;
}

/* --- Saying ----------------------------------------------------------------------------------- */

/* A text said because a tool was forced is the tool's input. */
static bool is_call(const struct mock_question *q, const struct mock_piece *piece, str *name)
{
    *name = piece->name;
    return piece->kind == MOCK_CALL || (piece->kind == MOCK_TEXT && is_forced(q, name));
}

static str call_id(const struct mock_piece *piece)
{
    return piece->id.len ? piece->id : STR("tooluse_mock1");
}

static str arguments(const struct mock_piece *piece)
{
    return piece->kind == MOCK_CALL ? piece->arguments : piece->text;
}

static bool calls_any(const struct mock_question *q)
{
    str name;
    for (unsigned i = 0; i < q->script.count; i++)
        if (is_call(q, &q->script.pieces[i], &name))
            return true;
    return false;
}

static str stop_reason(const struct mock_question *q)
{
    return q->script.length ? STR("max_tokens") : calls_any(q) ? STR("tool_use") : STR("end_turn");
}

static void begin_object(struct json_write *w, const char *name)
{
    json_write_key(w, str_from_c(name));
    json_write_object(w);
}

static void say_usage(struct json_write *w, const struct mock_script *s)
{
    begin_object(w, "usage");
    json_write_member_u64(w, STR("inputTokens"), s->input_tokens);
    json_write_member_u64(w, STR("outputTokens"), s->tokens);
    json_write_member_u64(w, STR("totalTokens"),
                          s->input_tokens + s->tokens + s->cached_tokens + s->cache_write_tokens);
    json_write_member_u64(w, STR("cacheReadInputTokens"), s->cached_tokens);
    json_write_member_u64(w, STR("cacheWriteInputTokens"), s->cache_write_tokens);
    json_write_object_end(w);
    begin_object(w, "metrics");
    json_write_member_u64(w, STR("latencyMs"), 812);
    json_write_object_end(w);
}

static void whole_piece(struct json_write *w, const struct mock_question *q,
                        const struct mock_piece *piece)
{
    str name;
    json_write_object(w);
    if (is_call(q, piece, &name)) {
        begin_object(w, "toolUse");
        json_write_member(w, STR("toolUseId"), call_id(piece));
        json_write_member(w, STR("name"), name);
        json_write_member_raw(w, STR("input"), arguments(piece));
        json_write_object_end(w);
    } else if (piece->kind == MOCK_REASONING) {
        begin_object(w, "reasoningContent");
        begin_object(w, "reasoningText");
        json_write_member(w, STR("text"), piece->text);
        json_write_member(w, STR("signature"), piece->signature);
        json_write_object_end(w);
        json_write_object_end(w);
    } else {
        json_write_member(w, STR("text"), piece->text);
    }
    json_write_object_end(w);
}

static void answer(const struct mock_question *q, struct buf *out, str *content_type)
{
    struct json_write w;
    *content_type = STR("application/json");
    if (q->kind == ENDPOINT_INVOKE) {
        mock_bedrock_answer_invoke(q, out);
        return;
    }
    json_write_init(&w, out);
    json_write_object(&w);
    begin_object(&w, "output");
    begin_object(&w, "message");
    json_write_member(&w, STR("role"), STR("assistant"));
    json_write_key(&w, STR("content"));
    json_write_array(&w);
    for (unsigned i = 0; i < q->script.count; i++)
        whole_piece(&w, q, &q->script.pieces[i]);
    json_write_array_end(&w);
    json_write_object_end(&w);
    json_write_object_end(&w);
    json_write_member(&w, STR("stopReason"), stop_reason(q));
    say_usage(&w, &q->script);
    json_write_object_end(&w);
}

/* --- Frames ----------------------------------------------------------------------------------- */

enum step { STEP_START, STEP_TOKEN, STEP_SIGNATURE, STEP_STOP };

/* What frame i of a block's is: calls open with a start and come in two halves, the others begin
 * with their first delta, reasoning has a signature at its end. */
static bool find_step(const struct mock_question *q, const struct mock_piece *piece, unsigned *i,
                      enum step *step)
{
    str name;
    bool call = is_call(q, piece, &name);
    unsigned tokens = call ? 2 : piece->tokens, all = tokens + 1;
    all += call || piece->kind == MOCK_REASONING;
    if (*i >= all) {
        *i -= all;
        return false;
    }
    *step = *i + 1 == all           ? STEP_STOP
            : call && *i == 0       ? STEP_START
            : !call && *i == tokens ? STEP_SIGNATURE
                                    : STEP_TOKEN;
    if (call && *step == STEP_TOKEN)
        --*i;
    return true;
}

/* Half `i` of the arguments; characters stay whole. */
static str half(str text, unsigned i)
{
    size_t cut = text.len / 2;
    while (cut < text.len && ((unsigned char)text.ptr[cut] & 0xc0) == 0x80)
        cut++;
    return i ? str_from(text, cut) : str_first(text, cut);
}

static void say_delta(struct json_write *w, const struct mock_question *q,
                      const struct mock_piece *piece, enum step step, unsigned i)
{
    str name;
    begin_object(w, "delta");
    if (is_call(q, piece, &name)) {
        begin_object(w, "toolUse");
        json_write_member(w, STR("input"), half(arguments(piece), i));
        json_write_object_end(w);
    } else if (piece->kind == MOCK_TEXT) {
        json_write_member(w, STR("text"), mock_piece_token(piece, i));
    } else {
        begin_object(w, "reasoningContent");
        if (step == STEP_SIGNATURE)
            json_write_member(w, STR("signature"), piece->signature);
        else
            json_write_member(w, STR("text"), mock_piece_token(piece, i));
        json_write_object_end(w);
    }
    json_write_object_end(w);
}

static void say_start(struct json_write *w, const struct mock_question *q,
                      const struct mock_piece *piece)
{
    str name;
    is_call(q, piece, &name);
    begin_object(w, "start");
    begin_object(w, "toolUse");
    json_write_member(w, STR("toolUseId"), call_id(piece));
    json_write_member(w, STR("name"), name);
    json_write_object_end(w);
    json_write_object_end(w);
}

/* Ends the payload with the padding, and makes the frame. */
static void add_frame(struct buf *out, const char *type, struct json_write *w, struct buf *payload)
{
    json_write_member(w, STR("p"),
                      str_first(STR("abcdefghijklmnopqrstuvwxyz"), payload->len % 26 + 1));
    json_write_object_end(w);
    aws_events_write_json(out, STR("event"), str_from_c(type), buf_str(payload));
    if (payload->failed)
        out->failed = true;
    buf_release(payload);
}

static void block_frame(const struct mock_question *q, unsigned index, unsigned i, enum step step,
                        struct buf *out)
{
    static const char *const types[] = {[STEP_START] = "contentBlockStart",
                                        [STEP_TOKEN] = "contentBlockDelta",
                                        [STEP_SIGNATURE] = "contentBlockDelta",
                                        [STEP_STOP] = "contentBlockStop"};
    const struct mock_piece *piece = &q->script.pieces[index];
    struct json_write w;
    struct buf payload;
    buf_init(&payload, 0);
    json_write_init(&w, &payload);
    json_write_object(&w);
    json_write_member_u64(&w, STR("contentBlockIndex"), index);
    if (step == STEP_START)
        say_start(&w, q, piece);
    else if (step != STEP_STOP)
        say_delta(&w, q, piece, step, i);
    add_frame(out, types[step], &w, &payload);
}

/* The first frame, and the two behind all blocks. */
static void other_frame(const struct mock_question *q, const char *type, struct buf *out)
{
    struct json_write w;
    struct buf payload;
    buf_init(&payload, 0);
    json_write_init(&w, &payload);
    json_write_object(&w);
    if (strcmp(type, "messageStart") == 0)
        json_write_member(&w, STR("role"), STR("assistant"));
    else if (strcmp(type, "messageStop") == 0)
        json_write_member(&w, STR("stopReason"), stop_reason(q));
    else
        say_usage(&w, &q->script);
    add_frame(out, type, &w, &payload);
}

static bool event(const struct mock_question *q, unsigned i, struct buf *out, bool *is_token)
{
    static const char *const last[] = {"messageStop", "metadata"};
    enum step step;
    *is_token = false;
    if (i-- == 0) {
        other_frame(q, "messageStart", out);
        return true;
    }
    for (unsigned p = 0; p < q->script.count; p++) {
        if (!find_step(q, &q->script.pieces[p], &i, &step))
            continue;
        *is_token = step == STEP_TOKEN;
        block_frame(q, p, i, step, out);
        return true;
    }
    if (i >= ARRAY_LEN(last))
        return false;
    other_frame(q, last[i], out);
    return true;
}

/* --- Errors ----------------------------------------------------------------------------------- */

static str error_type(int status)
{
    static const struct {
        int status;
        str type;
    } types[] = {
        {400, STR_INIT("ValidationException")},
        {403, STR_INIT("InvalidSignatureException")},
        {404, STR_INIT("ResourceNotFoundException")},
        {408, STR_INIT("ModelTimeoutException")},
        {424, STR_INIT("ModelErrorException")},
        {429, STR_INIT("ThrottlingException")},
        {503, STR_INIT("ServiceUnavailableException")},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].status == status)
            return types[i].type;
    return STR("InternalServerException");
}

static void error(const struct mock_question *q, const struct mock_error *e, struct buf *out)
{
    (void)q;
    buf_add_lit(out, "{\"message\":\"");
    json_escape(out, str_from_c(e->message));
    buf_add_lit(out, "\"}");
}

static void stream_error(const struct mock_question *q, const struct mock_error *e, struct buf *out)
{
    static const struct {
        int status;
        const char *name;
    } names[] = {{400, "validationException"},
                 {424, "modelStreamErrorException"},
                 {429, "throttlingException"},
                 {503, "serviceUnavailableException"}};
    const char *name = "internalServerException";
    struct buf payload;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].status == e->status)
            name = names[i].name;
    buf_init(&payload, 0);
    error(q, e, &payload);
    aws_events_write_json(out, STR("exception"), str_from_c(name), buf_str(&payload));
    buf_release(&payload);
}

static bool fields(const struct mock_question *q, int status, struct headers *h, struct arena *a)
{
    str id = arena_printf(a, "00000000-0000-4000-8000-%012llx", (unsigned long long)q->id);
    if (str_is_null(id) || !head_add(h, a, STR("x-amzn-requestid"), id))
        return false;
    if (status == 200 && q->kind == ENDPOINT_INVOKE) {
        str tokens = arena_printf(a, "%llu", (unsigned long long)q->bytes / 4);
        return !str_is_null(tokens) &&
               head_add(h, a, STR("x-amzn-bedrock-input-token-count"), tokens);
    }
    if (status == 200)
        return true;
    str pieces[] = {error_type(status),
                    STR(":http://internal.amazon.com/coral/com.amazon.bedrock/")};
    str type = arena_concat(a, pieces, ARRAY_LEN(pieces));
    return !str_is_null(type) && head_add(h, a, STR("x-amzn-errortype"), type);
}

const struct mock_api mock_api_bedrock = {
    .name = "bedrock",
    .owns = owns,
    .read = read,
    .judge = judge,
    .answer = answer,
    .event = event,
    .error = error,
    .stream_error = stream_error,
    .stream_type = "application/vnd.amazon.eventstream",
    .fields = fields,
};
