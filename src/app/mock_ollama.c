/*
 * Ollama's own API, as the mock speaks it: /api/chat in lines of JSON, /api/embed, /api/tags, /api/version.
 * Stricter than the server, which ignores fields that it does not know.  A model with "think" in its name
 * thinks unless it is told not to; one with "plain" cannot, and refuses to be told to.
 */
#include "app/mock_api.h"

#include <math.h>

#include "wire/json_write.h"

enum { DIMENSIONS = 8, DIMENSIONS_MAX = 4096 };

#define CREATED_AT "2026-11-01T10:00:00.123456789Z"

static uint32_t member(const struct mock_question *q, uint32_t object, const char *name)
{
    return json_member(&q->doc, object, str_from_c(name));
}

static uint32_t field(const struct mock_question *q, const char *name)
{
    return member(q, JSON_ROOT, name);
}

static bool is_given(const struct mock_question *q, uint32_t node)
{
    return node != JSON_NONE && !json_is(&q->doc, node, JSON_NULL);
}

static bool says(const struct mock_question *q, uint32_t node, const char *text)
{
    return json_is(&q->doc, node, JSON_STRING) && json_string_eq(&q->doc, node, str_from_c(text));
}

static bool wrong(struct mock_error *e, const char *message, const char *param)
{
    *e = (struct mock_error){.status = 400, .message = message, .param = str_from_c(param)};
    return false;
}

/* --- What is asked -------------------------------------------------------------------------------- */

static const struct {
    const char *path;
    enum endpoint_kind kind;
} paths[] = {
    {"/api/chat", ENDPOINT_OLLAMA_CHAT},
    {"/api/embed", ENDPOINT_OLLAMA_EMBED},
    {"/api/tags", ENDPOINT_MODELS},
    {"/api/version", ENDPOINT_MODELS},
};

static bool owns(const struct request_head *head, struct mock_question *q, struct arena *a)
{
    (void)a;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (str_eq(head->path, str_from_c(paths[i].path))) {
            q->kind = paths[i].kind;
            q->rest = head->path;
            return true;
        }
    return false;
}

/* A stream unless it is told otherwise. */
static void read(struct mock_question *q)
{
    uint32_t model = field(q, "model");
    q->model = STR("");
    if (json_is(&q->doc, model, JSON_STRING) &&
        json_string_decode(&q->doc, model, q->arena, &q->model))
        q->model = STR("");
    q->stream =
        q->kind == ENDPOINT_OLLAMA_CHAT && !json_is(&q->doc, field(q, "stream"), JSON_FALSE);
}

/* --- Judging -------------------------------------------------------------------------------------- */

static bool known(const struct mock_question *q, uint32_t object, const char *const *names,
                  unsigned n)
{
    JSON_EACH (name, &q->doc, object) {
        bool found = false;
        for (unsigned i = 0; i < n && !found; i++)
            found = json_string_eq(&q->doc, name, str_from_c(names[i]));
        if (!found)
            return false;
    }
    return true;
}

#define KNOWN(q, object, ...)                                                                      \
    known((q), (object), (const char *const[]){__VA_ARGS__},                                       \
          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static bool judge_images(const struct mock_question *q, uint32_t message, struct mock_error *e)
{
    uint32_t images = member(q, message, "images");
    if (!is_given(q, images))
        return true;
    if (!json_is(&q->doc, images, JSON_ARRAY))
        return wrong(e, "json: cannot unmarshal into images", "messages.images");
    JSON_EACH (image, &q->doc, images) {
        if (!json_is(&q->doc, image, JSON_STRING) ||
            str_find_byte(json_string_raw(&q->doc, image), ':') >= 0)
            return wrong(e, "illegal base64 data at input byte 4", "messages.images");
    }
    return true;
}

static bool judge_calls(const struct mock_question *q, uint32_t message, struct mock_error *e)
{
    uint32_t calls = member(q, message, "tool_calls");
    if (!is_given(q, calls))
        return true;
    if (!says(q, member(q, message, "role"), "assistant"))
        return wrong(e, "tool calls are the assistant's", "messages.tool_calls");
    JSON_EACH (call, &q->doc, calls) {
        uint32_t function = member(q, call, "function");
        if (!json_is(&q->doc, member(q, function, "name"), JSON_STRING) ||
            !json_is(&q->doc, member(q, function, "arguments"), JSON_OBJECT))
            return wrong(e,
                         "json: cannot unmarshal string into Go struct field "
                         "ToolCallFunction.arguments of type api.ToolCallFunctionArguments",
                         "messages.tool_calls");
    }
    return true;
}

static bool was_called(const struct mock_question *q, uint32_t before, uint32_t id)
{
    JSON_EACH (message, &q->doc, field(q, "messages")) {
        if (message == before)
            return false;
        JSON_EACH (call, &q->doc, member(q, message, "tool_calls")) {
            uint32_t own = member(q, call, "id");
            if (json_is(&q->doc, own, JSON_STRING) &&
                str_eq(json_string_raw(&q->doc, own), json_string_raw(&q->doc, id)))
                return true;
        }
    }
    return false;
}

/* The server would take a result of no call; whoever sends one has lost something. */
static bool judge_result(const struct mock_question *q, uint32_t message, struct mock_error *e)
{
    uint32_t id = member(q, message, "tool_call_id");
    if (!says(q, member(q, message, "role"), "tool"))
        return !is_given(q, id) || wrong(e, "tool_call_id is of tools", "messages.tool_call_id");
    if (!json_is(&q->doc, member(q, message, "tool_name"), JSON_STRING))
        return wrong(e, "tool_name is missing", "messages.tool_name");
    if (is_given(q, id) && (!json_is(&q->doc, id, JSON_STRING) || !was_called(q, message, id)))
        return wrong(e, "tool_call_id answers no call", "messages.tool_call_id");
    return true;
}

static bool judge_message(const struct mock_question *q, uint32_t message, struct mock_error *e)
{
    static const char *const roles[] = {"system", "user", "assistant", "tool"};
    bool role_known = false;
    if (!KNOWN(q, message, "role", "content", "thinking", "images", "tool_calls", "tool_name",
               "tool_call_id"))
        return wrong(e, "unknown field of a message", "messages");
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        role_known = role_known || says(q, member(q, message, "role"), roles[i]);
    if (!role_known)
        return wrong(e, "unknown role", "messages.role");
    if (!json_is(&q->doc, member(q, message, "content"), JSON_STRING))
        return wrong(e,
                     "json: cannot unmarshal array into Go struct field "
                     "ChatRequest.messages.content of type string",
                     "messages.content");
    return judge_images(q, message, e) && judge_calls(q, message, e) && judge_result(q, message, e);
}

static bool judge_options(const struct mock_question *q, struct mock_error *e)
{
    static const char *const numbers[] = {"temperature",
                                          "top_p",
                                          "top_k",
                                          "min_p",
                                          "typical_p",
                                          "repeat_penalty",
                                          "seed",
                                          "repeat_last_n",
                                          "presence_penalty",
                                          "frequency_penalty",
                                          "num_predict",
                                          "num_keep",
                                          "num_ctx",
                                          "num_batch",
                                          "num_gpu"};
    uint32_t options = field(q, "options");
    if (!is_given(q, options))
        return true;
    if (!json_is(&q->doc, options, JSON_OBJECT))
        return wrong(e, "options must be an object", "options");
    JSON_EACH (name, &q->doc, options) {
        uint32_t value = json_value(name);
        bool is_stop = json_string_eq(&q->doc, name, STR("stop"));
        if (is_stop && !json_is(&q->doc, value, JSON_ARRAY))
            return wrong(e, "option \"stop\" must be of type array", "options.stop");
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
            if (json_string_eq(&q->doc, name, str_from_c(numbers[i])) &&
                !json_is(&q->doc, value, JSON_NUMBER))
                return wrong(e, "option must be of type float32", numbers[i]);
    }
    return true;
}

static bool judge_think(const struct mock_question *q, struct mock_error *e)
{
    uint32_t think = field(q, "think");
    bool off = !is_given(q, think) || json_is(&q->doc, think, JSON_FALSE);
    bool is_level = says(q, think, "low") || says(q, think, "medium") || says(q, think, "high") ||
                    says(q, think, "max");
    if (!off && !is_level && !json_is(&q->doc, think, JSON_TRUE))
        return wrong(e, "invalid think value", "think");
    if (!off && str_find(q->model, STR("plain")) >= 0)
        return wrong(e, "the model does not support thinking", "think");
    return true;
}

static bool judge_format(const struct mock_question *q, struct mock_error *e)
{
    uint32_t format = field(q, "format");
    if (!is_given(q, format) || json_is(&q->doc, format, JSON_OBJECT) || says(q, format, "json"))
        return true;
    return wrong(e, "invalid format; expected \"json\" or a valid JSON Schema object", "format");
}

static bool judge_tools(const struct mock_question *q, struct mock_error *e)
{
    JSON_EACH (tool, &q->doc, field(q, "tools")) {
        uint32_t function = member(q, tool, "function");
        if (!says(q, member(q, tool, "type"), "function") ||
            !json_is(&q->doc, member(q, function, "name"), JSON_STRING) ||
            !json_is(&q->doc, member(q, function, "parameters"), JSON_OBJECT))
            return wrong(e, "a tool needs type, name and parameters", "tools");
    }
    return true;
}

/* The names of the tools, decoded; NULL: none, or no memory. */
static str *tool_names(const struct mock_question *q, unsigned *count)
{
    uint32_t tools = field(q, "tools");
    str *names = NULL;
    *count = 0;
    if (json_is(&q->doc, tools, JSON_ARRAY) && json_count(&q->doc, tools))
        names = arena_alloc(q->arena, json_count(&q->doc, tools) * sizeof(*names));
    if (!names)
        return NULL;
    JSON_EACH (tool, &q->doc, tools)
        if (!json_string_decode(&q->doc, member(q, member(q, tool, "function"), "name"), q->arena,
                                &names[*count]))
            ++*count;
    return names;
}

static bool wants_thinking(const struct mock_question *q)
{
    uint32_t think = field(q, "think");
    if (!is_given(q, think))
        return str_find(q->model, STR("think")) >= 0;
    return !json_is(&q->doc, think, JSON_FALSE);
}

static bool last_is_result(const struct mock_question *q)
{
    bool is_result = false;
    JSON_EACH (message, &q->doc, field(q, "messages"))
        is_result = says(q, member(q, message, "role"), "tool");
    return is_result;
}

static void make_script(struct mock_question *q)
{
    struct mock_facts facts = {.answered = last_is_result(q),
                               .json = is_given(q, field(q, "format")),
                               .thinking = wants_thinking(q),
                               .bytes = q->bytes};
    int64_t limit;
    uint32_t most = member(q, field(q, "options"), "num_predict");
    facts.tools = tool_names(q, &facts.tool_count);
    if (json_is(&q->doc, most, JSON_NUMBER) && json_to_i64(json_raw(&q->doc, most), &limit) &&
        limit > 0)
        facts.max_tokens = (uint64_t)limit;
    mock_script_make(&q->script, q->plan, &facts, q->arena);
}

static bool judge_chat(struct mock_question *q, struct mock_error *e)
{
    uint32_t messages = field(q, "messages");
    if (!KNOWN(q, JSON_ROOT, "model", "messages", "stream", "format", "tools", "think", "options",
               "keep_alive", "truncate", "shift", "logprobs", "top_logprobs"))
        return wrong(e, "unknown field", "");
    if (!json_is(&q->doc, messages, JSON_ARRAY) || json_count(&q->doc, messages) == 0)
        return wrong(e, "a request without messages only loads the model", "messages");
    JSON_EACH (message, &q->doc, messages)
        if (!judge_message(q, message, e))
            return false;
    if (!judge_options(q, e) || !judge_think(q, e) || !judge_format(q, e) || !judge_tools(q, e))
        return false;
    make_script(q);
    return true;
}

static bool judge_embed(struct mock_question *q, struct mock_error *e)
{
    uint32_t input = field(q, "input");
    if (!KNOWN(q, JSON_ROOT, "model", "input", "truncate", "dimensions", "keep_alive", "options"))
        return wrong(e, "unknown field", "");
    if (json_is(&q->doc, input, JSON_STRING))
        return true;
    if (!json_is(&q->doc, input, JSON_ARRAY))
        return wrong(e, "invalid input type", "input");
    JSON_EACH (text, &q->doc, input)
        if (!json_is(&q->doc, text, JSON_STRING))
            return wrong(e, "invalid input type", "input");
    return true;
}

static bool judge(struct mock_question *q, struct mock_error *e)
{
    if (q->kind == ENDPOINT_MODELS)
        return true;
    if (q->model.len == 0)
        return wrong(e, "model is required", "model");
    return q->kind == ENDPOINT_OLLAMA_EMBED ? judge_embed(q, e) : judge_chat(q, e);
}

/* --- Saying --------------------------------------------------------------------------------------- */

static void begin(struct json_write *w, struct buf *out, const struct mock_question *q)
{
    json_write_init(w, out);
    json_write_object(w);
    json_write_member(w, STR("model"), q->model);
    json_write_member(w, STR("created_at"), STR(CREATED_AT));
}

static void begin_message(struct json_write *w, str content)
{
    json_write_key(w, STR("message"));
    json_write_object(w);
    json_write_member(w, STR("role"), STR("assistant"));
    json_write_member(w, STR("content"), content);
}

static void say_done(struct json_write *w, const struct mock_question *q)
{
    const struct mock_script *s = &q->script;
    json_write_key(w, STR("done"));
    json_write_bool(w, true);
    json_write_member(w, STR("done_reason"), s->length ? STR("length") : STR("stop"));
    json_write_member_u64(w, STR("total_duration"), 812345678);
    json_write_member_u64(w, STR("load_duration"), 40123456);
    if (s->input_tokens)
        json_write_member_u64(w, STR("prompt_eval_count"), s->input_tokens);
    json_write_member_u64(w, STR("prompt_eval_duration"), 90123456);
    if (s->tokens)
        json_write_member_u64(w, STR("eval_count"), s->tokens);
    json_write_member_u64(w, STR("eval_duration"), 310123456);
}

static void say_call(struct json_write *w, const struct mock_piece *piece, unsigned index)
{
    json_write_object(w);
    json_write_member(w, STR("id"), piece->id);
    json_write_key(w, STR("function"));
    json_write_object(w);
    json_write_member_u64(w, STR("index"), index);
    json_write_member(w, STR("name"), piece->name);
    json_write_member_raw(w, STR("arguments"), piece->arguments);
    json_write_object_end(w);
    json_write_object_end(w);
}

static str whole_text(const struct mock_script *s, enum mock_piece_kind kind)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->pieces[i].kind == kind)
            return s->pieces[i].text;
    return STR_NULL;
}

static void whole_message(struct json_write *w, const struct mock_script *s)
{
    str thinking = whole_text(s, MOCK_REASONING), text = whole_text(s, MOCK_TEXT);
    unsigned index = 0;
    begin_message(w, text);
    if (thinking.len)
        json_write_member(w, STR("thinking"), thinking);
    if (s->calls) {
        json_write_key(w, STR("tool_calls"));
        json_write_array(w);
        for (unsigned i = 0; i < s->count; i++)
            if (s->pieces[i].kind == MOCK_CALL)
                say_call(w, &s->pieces[i], index++);
        json_write_array_end(w);
    }
    json_write_object_end(w);
}

static void answer_chat(const struct mock_question *q, struct buf *out)
{
    struct json_write w;
    begin(&w, out, q);
    whole_message(&w, &q->script);
    say_done(&w, q);
    json_write_object_end(&w);
}

/* Of length one, and different for texts of different length. */
static void say_vector(struct json_write *w, size_t length, unsigned dimensions)
{
    double sum = 0;
    for (unsigned i = 0; i < dimensions; i++)
        sum += (double)((length + i) % 7 + 1) * (double)((length + i) % 7 + 1);
    json_write_array(w);
    for (unsigned i = 0; i < dimensions; i++)
        json_write_double(w, (double)((length + i) % 7 + 1) / sqrt(sum));
    json_write_array_end(w);
}

static void answer_embed(const struct mock_question *q, struct buf *out)
{
    struct json_write w;
    int64_t dimensions = DIMENSIONS;
    uint32_t asked = field(q, "dimensions"), input = field(q, "input");
    if (json_is(&q->doc, asked, JSON_NUMBER) &&
        (!json_to_i64(json_raw(&q->doc, asked), &dimensions) || dimensions < 1 ||
         dimensions > DIMENSIONS_MAX))
        dimensions = DIMENSIONS;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member(&w, STR("model"), q->model);
    json_write_key(&w, STR("embeddings"));
    json_write_array(&w);
    if (json_is(&q->doc, input, JSON_STRING))
        say_vector(&w, json_string_raw(&q->doc, input).len, (unsigned)dimensions);
    else
        JSON_EACH (text, &q->doc, input)
            say_vector(&w, json_string_raw(&q->doc, text).len, (unsigned)dimensions);
    json_write_array_end(&w);
    json_write_member_u64(&w, STR("total_duration"), 14143917);
    json_write_member_u64(&w, STR("load_duration"), 1019500);
    json_write_member_u64(&w, STR("prompt_eval_count"), q->bytes / 4);
    json_write_object_end(&w);
}

static void answer_tags(struct buf *out)
{
    static const char *const names[] = {"mock-llama:latest", "mock-think:latest",
                                        "mock-embed:latest"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        buf_printf(out,
                   "%s{\"name\":\"%s\",\"model\":\"%s\",\"modified_at\":\"" CREATED_AT "\","
                   "\"size\":98363022,\"digest\":\"%064zu\",\"details\":{\"parent_model\":\"\","
                   "\"format\":\"gguf\",\"family\":\"llama\",\"families\":[\"llama\"],"
                   "\"parameter_size\":\"134.52M\",\"quantization_level\":\"Q4_1\","
                   "\"context_length\":8192}}",
                   i ? "," : "{\"models\":[", names[i], names[i], i);
    buf_add_lit(out, "]}");
}

static void answer(const struct mock_question *q, struct buf *out, str *content_type)
{
    *content_type = STR("application/json; charset=utf-8");
    if (q->kind == ENDPOINT_OLLAMA_CHAT)
        answer_chat(q, out);
    else if (q->kind == ENDPOINT_OLLAMA_EMBED)
        answer_embed(q, out);
    else if (str_eq(q->rest, STR("/api/tags")))
        answer_tags(out);
    else
        buf_add_lit(out, "{\"version\":\"0.33.0\"}");
}

/* Where line i of the stream is: a piece and its token; false: behind the last. */
static bool find_line(const struct mock_script *s, unsigned i, const struct mock_piece **piece,
                      unsigned *token)
{
    for (unsigned p = 0; p < s->count; p++) {
        unsigned lines = s->pieces[p].kind == MOCK_CALL ? 1 : s->pieces[p].tokens;
        *piece = &s->pieces[p];
        *token = i;
        if (i < lines)
            return true;
        i -= lines;
    }
    *token = i;
    return false;
}

static void say_piece(struct json_write *w, const struct mock_piece *piece, unsigned token)
{
    begin_message(w, piece->kind == MOCK_TEXT ? mock_piece_token(piece, token) : STR(""));
    if (piece->kind == MOCK_REASONING)
        json_write_member(w, STR("thinking"), mock_piece_token(piece, token));
    if (piece->kind == MOCK_CALL) { /* never in halves */
        json_write_key(w, STR("tool_calls"));
        json_write_array(w);
        say_call(w, piece, 0);
        json_write_array_end(w);
    }
    json_write_object_end(w);
    json_write_key(w, STR("done"));
    json_write_bool(w, false);
}

static bool event(const struct mock_question *q, unsigned i, struct buf *out, bool *is_token)
{
    struct json_write w;
    const struct mock_piece *piece;
    unsigned token;
    bool more = find_line(&q->script, i, &piece, &token);
    *is_token = more;
    if (!more && token > 0)
        return false;
    begin(&w, out, q);
    if (more) {
        say_piece(&w, piece, token);
    } else {
        begin_message(&w, STR(""));
        json_write_object_end(&w);
        say_done(&w, q);
    }
    json_write_object_end(&w);
    buf_add_byte(out, '\n');
    return true;
}

static void error(const struct mock_question *q, const struct mock_error *e, struct buf *out)
{
    (void)q;
    buf_add_lit(out, "{\"error\":\"");
    json_escape(out, str_from_c(e->message));
    buf_add_lit(out, "\"}");
}

static void stream_error(const struct mock_question *q, const struct mock_error *e, struct buf *out)
{
    error(q, e, out);
    buf_add_byte(out, '\n');
}

const struct mock_api mock_api_ollama = {
    .name = "ollama",
    .owns = owns,
    .read = read,
    .judge = judge,
    .answer = answer,
    .event = event,
    .error = error,
    .stream_error = stream_error,
    .stream_type = "application/x-ndjson",
};
