/*
 * Google's Gemini, as the mock speaks it: generateContent whole, as events and as an array, countTokens,
 * embeddings and the list of models; the Developer API's paths and those of Vertex AI.
 */
#include "app/mock_gemini.h"

#include "wire/json_write.h"
#include "wire/url.h"

#define MEMBER mock_gemini_member

/* --- Paths ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum endpoint_kind kind;
    bool stream;
} verbs[] = {
    {"generateContent", ENDPOINT_GENERATE, false},
    {"streamGenerateContent", ENDPOINT_GENERATE, true},
    {"countTokens", ENDPOINT_GENERATE_COUNT, false},
    {"embedContent", ENDPOINT_EMBED, false},
    {"batchEmbedContents", ENDPOINT_EMBED_BATCH, false},
    {"predict", ENDPOINT_PREDICT, false},
};

/* "/v1beta/" off; false: it is not one of Google's versions. */
static bool take_version(str *path)
{
    static const char *const versions[] = {"/v1/", "/v1beta/", "/v1alpha/", "/v1beta1/"};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++)
        if (str_starts(*path, str_from_c(versions[i]))) {
            *path = str_from(*path, strlen(versions[i]));
            return true;
        }
    return false;
}

/* "projects/p/locations/l/publishers/google/" off. */
static void take_place(str *path)
{
    if (str_starts(*path, STR("projects/")))
        for (int i = 0; i < 4; i++)
            str_split(path, '/');
    if (str_starts(*path, STR("publishers/google/")))
        *path = str_from(*path, strlen("publishers/google/"));
}

static bool is_list(const struct request_head *head, str path)
{
    bool google = !str_is_null(head_get(&head->headers, STR("x-goog-api-key")));
    return str_eq(path, STR("models")) && head->method == METHOD_GET &&
           (google || !str_starts(head->path, STR("/v1/")));
}

static bool owns(const struct request_head *head, struct mock_question *q, struct arena *a)
{
    str path = head->path;
    if (!take_version(&path))
        return false;
    take_place(&path);
    if (is_list(head, path)) {
        q->kind = ENDPOINT_MODELS;
        return true;
    }
    if (!str_starts(path, STR("models/")))
        return false;
    str model = str_from(path, strlen("models/"));
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        str verb = arena_printf(a, ":%s", verbs[i].name);
        if (!str_ends(model, verb))
            continue;
        q->kind = verbs[i].kind;
        q->stream = verbs[i].stream;
        q->model = url_path_id(str_first(model, model.len - verb.len), a);
        q->rest = path;
        return true;
    }
    return false;
}

/* Everything was in the path. */
static void read(struct mock_question *q)
{
    if (str_starts(q->model, STR("models/")))
        q->model = str_from(q->model, strlen("models/"));
}

static bool is_array(const struct mock_question *q)
{
    return q->stream && str_find(q->head->query, STR("alt=sse")) < 0;
}

/* --- Judging --------------------------------------------------------------------------------------- */

static bool has_key(const struct mock_question *q, struct mock_error *e)
{
    const struct headers *h = &q->head->headers;
    str key = head_get(h, STR("x-goog-api-key")), bearer = head_known(h, HEADER_AUTHORIZATION);
    if (str_find(q->head->query, STR("key=")) >= 0) {
        *e = (struct mock_error){.status = 400, .message = "A key does not belong in an address."};
        return false;
    }
    if (str_eq(key, STR("invalid"))) {
        *e = (struct mock_error){.status = 400,
                                 .message = "API key not valid. Please pass a valid API key."};
        return false;
    }
    if (key.len || bearer.len)
        return true;
    *e =
        (struct mock_error){.status = 403,
                            .message = "Method doesn't allow unregistered callers (callers without "
                                       "established identity)."};
    return false;
}

static str text_of(const struct mock_question *q, uint32_t node)
{
    str text = STR_NULL;
    if (!json_is(&q->doc, node, JSON_STRING) || json_string_decode(&q->doc, node, q->arena, &text))
        return STR_NULL;
    return text;
}

/* Names of functions, or of those that may be called. */
static str *names_of(const struct mock_question *q, uint32_t calling, unsigned *count)
{
    uint32_t allowed = MEMBER(q, calling, "allowedFunctionNames");
    unsigned max = json_count(&q->doc, allowed);
    JSON_EACH (tool, &q->doc, MEMBER(q, JSON_ROOT, "tools"))
        max += json_count(&q->doc, MEMBER(q, tool, "functionDeclarations"));
    str *names = max ? arena_alloc(q->arena, max * sizeof(*names)) : NULL;
    *count = 0;
    if (!names)
        return NULL;
    JSON_EACH (name, &q->doc, allowed)
        names[(*count)++] = text_of(q, name);
    JSON_EACH (tool, &q->doc, MEMBER(q, JSON_ROOT, "tools"))
        JSON_EACH (f, &q->doc, MEMBER(q, tool, "functionDeclarations"))
            if (!json_count(&q->doc, allowed))
                names[(*count)++] = text_of(q, MEMBER(q, f, "name"));
    return names;
}

static bool is_answered(const struct mock_question *q)
{
    uint32_t last = JSON_NONE;
    JSON_EACH (content, &q->doc, MEMBER(q, JSON_ROOT, "contents"))
        last = content;
    JSON_EACH (part, &q->doc, MEMBER(q, last, "parts"))
        if (MEMBER(q, part, "functionResponse"))
            return true;
    return false;
}

static bool thinks(const struct mock_question *q, uint32_t thinking)
{
    uint32_t budget = MEMBER(q, thinking, "thinkingBudget");
    int64_t n = -1;
    if (json_is(&q->doc, budget, JSON_NUMBER) && !json_to_i64(json_raw(&q->doc, budget), &n))
        n = -1;
    return mock_gemini_model(q->model)->third || (thinking && n != 0);
}

static bool shows(const struct mock_question *q)
{
    uint32_t config = MEMBER(q, JSON_ROOT, "generationConfig");
    return json_is(&q->doc, MEMBER(q, MEMBER(q, config, "thinkingConfig"), "includeThoughts"),
                   JSON_TRUE);
}

static void make_script(struct mock_question *q)
{
    uint32_t config = MEMBER(q, JSON_ROOT, "generationConfig");
    uint32_t calling = MEMBER(q, MEMBER(q, JSON_ROOT, "toolConfig"), "functionCallingConfig");
    uint32_t mode = MEMBER(q, calling, "mode"), most = MEMBER(q, config, "maxOutputTokens");
    struct mock_facts facts = {.answered = is_answered(q),
                               .json = MEMBER(q, config, "responseMimeType") != JSON_NONE,
                               .thinking = thinks(q, MEMBER(q, config, "thinkingConfig")),
                               .bytes = q->bytes};
    struct mock_plan plan = *q->plan;
    int64_t limit;
    bool none = json_is(&q->doc, mode, JSON_STRING) && json_string_eq(&q->doc, mode, STR("NONE"));
    bool any = json_is(&q->doc, mode, JSON_STRING) && json_string_eq(&q->doc, mode, STR("ANY"));
    facts.tools = none ? NULL : names_of(q, calling, &facts.tool_count);
    if (any && !plan.tool)
        plan.tool = 1;
    if (json_is(&q->doc, most, JSON_NUMBER) && json_to_i64(json_raw(&q->doc, most), &limit))
        facts.max_tokens = (uint64_t)limit;
    mock_script_make(&q->script, &plan, &facts, q->arena);
}

static bool judge_embed(struct mock_question *q, struct mock_error *e)
{
    uint32_t requests = MEMBER(q, JSON_ROOT, "requests");
    JSON_EACH (one, &q->doc, requests)
        if (!MEMBER(q, one, "model") || !MEMBER(q, one, "content")) {
            *e = (struct mock_error){.status = 400,
                                     .message = "requests[0].model: model is not specified"};
            return false;
        }
    bool fine = q->kind == ENDPOINT_EMBED_BATCH
                    ? json_count(&q->doc, requests) >= 1 && json_count(&q->doc, requests) <= 100
                : q->kind == ENDPOINT_EMBED
                    ? MEMBER(q, JSON_ROOT, "content") != JSON_NONE
                    : json_count(&q->doc, MEMBER(q, JSON_ROOT, "instances")) > 0;
    if (!fine)
        *e = (struct mock_error){.status = 400, .message = "content is not specified"};
    return fine;
}

/* What is counted may stand in a request within the request. */
static bool judge_count(const struct mock_question *q, struct mock_error *e)
{
    if (MEMBER(q, JSON_ROOT, "contents") || MEMBER(q, JSON_ROOT, "generateContentRequest"))
        return true;
    *e = (struct mock_error){.status = 400, .message = "contents is not specified"};
    return false;
}

static bool judge(struct mock_question *q, struct mock_error *e)
{
    if (!has_key(q, e))
        return false;
    switch (q->kind) {
    case ENDPOINT_MODELS:
        return true;
    case ENDPOINT_GENERATE_COUNT:
        return judge_count(q, e);
    case ENDPOINT_EMBED:
    case ENDPOINT_EMBED_BATCH:
    case ENDPOINT_PREDICT:
        return judge_embed(q, e);
    default:
        break;
    }
    if (!mock_gemini_judge(q, e))
        return false;
    make_script(q);
    return true;
}

/* --- Saying ----------------------------------------------------------------------------------------- */

static void write_text(struct json_write *w, str text, bool thought, str signature)
{
    json_write_object(w);
    json_write_member(w, STR("text"), text);
    if (thought) {
        json_write_key(w, STR("thought"));
        json_write_bool(w, true);
    }
    if (signature.len)
        json_write_member(w, STR("thoughtSignature"), signature);
    json_write_object_end(w);
}

static void write_call(struct json_write *w, const struct mock_question *q,
                       const struct mock_piece *p, str signature)
{
    json_write_object(w);
    json_write_key(w, STR("functionCall"));
    json_write_object(w);
    if (mock_gemini_model(q->model)->third)
        json_write_member(w, STR("id"), p->id);
    json_write_member(w, STR("name"), p->name);
    json_write_member_raw(w, STR("args"), p->arguments);
    json_write_object_end(w);
    if (signature.len)
        json_write_member(w, STR("thoughtSignature"), signature);
    json_write_object_end(w);
}

static str signature_of(const struct mock_question *q)
{
    const struct mock_piece *first = &q->script.pieces[0];
    return q->script.count && first->kind == MOCK_REASONING ? first->signature : STR_NULL;
}

static void write_usage(struct json_write *w, const struct mock_question *q)
{
    const struct mock_script *s = &q->script;
    unsigned answer = s->tokens - s->reasoning_tokens;
    json_write_key(w, STR("usageMetadata"));
    json_write_object(w);
    json_write_member_u64(w, STR("promptTokenCount"), s->input_tokens);
    if (answer)
        json_write_member_u64(w, STR("candidatesTokenCount"), answer);
    if (s->reasoning_tokens)
        json_write_member_u64(w, STR("thoughtsTokenCount"), s->reasoning_tokens);
    json_write_member_u64(w, STR("totalTokenCount"), s->input_tokens + s->tokens);
    json_write_object_end(w);
}

static void begin(struct json_write *w, struct buf *out)
{
    json_write_init(w, out);
    json_write_object(w);
    json_write_key(w, STR("candidates"));
    json_write_array(w);
    json_write_object(w);
    json_write_key(w, STR("content"));
    json_write_object(w);
    json_write_key(w, STR("parts"));
    json_write_array(w);
}

/* finished: with the reason. */
static void end(struct json_write *w, const struct mock_question *q, bool finished)
{
    json_write_array_end(w);
    json_write_member(w, STR("role"), STR("model"));
    json_write_object_end(w);
    if (finished)
        json_write_member(w, STR("finishReason"),
                          q->script.length ? STR("MAX_TOKENS") : STR("STOP"));
    json_write_object_end(w); /* index 0 is left out */
    json_write_array_end(w);
    write_usage(w, q);
    json_write_member(w, STR("modelVersion"), q->model);
    str id = arena_printf(q->arena, "mock-%llu", (unsigned long long)q->id);
    json_write_member(w, STR("responseId"), id);
    json_write_object_end(w);
}

static void answer_chat(const struct mock_question *q, struct buf *out)
{
    struct json_write w;
    const struct mock_script *s = &q->script;
    str signature = signature_of(q);
    begin(&w, out);
    for (unsigned i = 0; i < s->count; i++) {
        const struct mock_piece *p = &s->pieces[i];
        if (p->kind == MOCK_REASONING && shows(q))
            write_text(&w, p->text, true, STR_NULL);
        if (p->kind == MOCK_TEXT)
            write_text(&w, p->text, false, signature);
        if (p->kind == MOCK_CALL)
            write_call(&w, q, p, signature);
        if (p->kind != MOCK_REASONING)
            signature = STR_NULL;
    }
    end(&w, q, true);
}

/* --- Whole answers ------------------------------------------------------------------------------- */

static void answer(const struct mock_question *q, struct buf *out, str *content_type)
{
    *content_type = STR("application/json; charset=UTF-8");
    if (mock_gemini_other(q, out))
        return;
    if (is_array(q))
        buf_add_byte(out, '[');
    answer_chat(q, out);
    if (is_array(q))
        buf_add_byte(out, ']');
}

/* --- As events ----------------------------------------------------------------------------------------- */

/* Without alt=sse the answer is an array, which the mock says at once. */
static bool streams(const struct mock_question *q)
{
    return q->stream && !is_array(q);
}

static bool is_hidden(const struct mock_question *q, const struct mock_piece *p)
{
    return p->kind == MOCK_REASONING && !shows(q);
}

/* Event i: a token of a text, a whole call, or the end. */
static bool event(const struct mock_question *q, unsigned i, struct buf *out, bool *is_token)
{
    const struct mock_script *s = &q->script;
    struct json_write w;
    str signature = signature_of(q);
    bool called = false;
    buf_add_lit(out, "data: ");
    begin(&w, out);
    for (unsigned n = 0; n < s->count; n++) {
        const struct mock_piece *p = &s->pieces[n];
        unsigned events = is_hidden(q, p) ? 0 : p->kind == MOCK_CALL ? 1 : p->tokens;
        if (i >= events) {
            i -= events;
            called = called || p->kind == MOCK_CALL;
            continue;
        }
        *is_token = true;
        if (p->kind == MOCK_CALL)
            write_call(&w, q, p, called ? STR_NULL : signature);
        else
            write_text(&w, mock_piece_token(p, i), p->kind == MOCK_REASONING, STR_NULL);
        end(&w, q, false);
        buf_add_lit(out, "\r\n\r\n");
        return true;
    }
    write_text(&w, STR(""), false, called ? STR_NULL : signature);
    end(&w, q, true);
    buf_add_lit(out, "\r\n\r\n");
    return false;
}

/* --- Errors ---------------------------------------------------------------------------------------------- */

static const char *status_of(int status)
{
    static const struct {
        int status;
        const char *name;
    } names[] = {{400, "INVALID_ARGUMENT"}, {401, "UNAUTHENTICATED"},    {403, "PERMISSION_DENIED"},
                 {404, "NOT_FOUND"},        {429, "RESOURCE_EXHAUSTED"}, {500, "INTERNAL"},
                 {503, "UNAVAILABLE"},      {504, "DEADLINE_EXCEEDED"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].status == status)
            return names[i].name;
    return "UNKNOWN";
}

static void write_details(struct json_write *w, const struct mock_error *e)
{
    bool key = strncmp(e->message, "API key", 7) == 0;
    if (e->status != 429 && !key)
        return;
    json_write_key(w, STR("details"));
    json_write_array(w);
    json_write_object(w);
    json_write_member(w, STR("@type"),
                      key ? STR("type.googleapis.com/google.rpc.ErrorInfo")
                          : STR("type.googleapis.com/google.rpc.RetryInfo"));
    json_write_member(w, key ? STR("reason") : STR("retryDelay"),
                      key ? STR("API_KEY_INVALID") : STR("1s"));
    json_write_object_end(w);
    json_write_array_end(w);
}

static void error(const struct mock_question *q, const struct mock_error *e, struct buf *out)
{
    struct json_write w;
    (void)q;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("error"));
    json_write_object(&w);
    json_write_member_u64(&w, STR("code"), (uint64_t)e->status);
    json_write_member(&w, STR("message"), str_from_c(e->message));
    json_write_member(&w, STR("status"), str_from_c(status_of(e->status)));
    write_details(&w, e);
    json_write_object_end(&w);
    json_write_object_end(&w);
}

/* Not as an event: printed between them. */
static void stream_error(const struct mock_question *q, const struct mock_error *e, struct buf *out)
{
    (void)q;
    buf_printf(out,
               "{\n  \"error\": {\n    \"code\": %d,\n    \"message\": \"%s\",\n    \"status\": "
               "\"%s\"\n  }\n}\n",
               e->status, e->message, status_of(e->status));
}

static bool fields(const struct mock_question *q, int status, struct headers *h, struct arena *a)
{
    (void)q, (void)status;
    return head_add(h, a, STR("server-timing"), STR("gfet4t7; dur=1")) &&
           head_add(h, a, STR("x-gemini-service-tier"), STR("standard"));
}

const struct mock_api mock_api_gemini = {
    .name = "gemini",
    .owns = owns,
    .read = read,
    .judge = judge,
    .answer = answer,
    .event = event,
    .error = error,
    .stream_error = stream_error,
    .streams = streams,
    .fields = fields,
};
