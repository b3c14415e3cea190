/*
 * OpenAI's API, as the mock speaks it, and the servers of its format: chat, completions, embeddings,
 * models and the relayed endpoints.
 */
#include "app/mock_openai.h"

#include <stdio.h>

#include "wire/json_write.h"
#include "wire/url.h"

enum { EMBEDDING_DEFAULT = 8, EMBEDDING_MAX = 4096, CREATED = 1700000000 };

static uint32_t field(const struct mock_question *q, const char *name)
{
    return q->doc.count ? json_member(&q->doc, JSON_ROOT, str_from_c(name)) : JSON_NONE;
}

static uint64_t prompt_tokens(const struct mock_question *q)
{
    return q->bytes / 4 + 1;
}

/* --- Pieces --------------------------------------------------------------------------------- */

static void begin(struct json_write *w, struct buf *out, const struct mock_question *q,
                  const char *object, const char *id_prefix)
{
    char id[48];
    int len = snprintf(id, sizeof(id), "%s-mock%llu", id_prefix, (unsigned long long)q->id);
    json_write_init(w, out);
    json_write_object(w);
    json_write_member(w, STR("id"), str_make(id, (size_t)len));
    json_write_member(w, STR("object"), str_from_c(object));
    json_write_member_u64(w, STR("created"), CREATED);
    json_write_member(w, STR("model"), q->model);
}

/* Cached tokens are of the prompt here, and thoughts of the completion; details are told when there are
 * any. */
static void usage(struct json_write *w, const struct mock_script *s)
{
    unsigned in = s->input_tokens + s->cached_tokens + s->cache_write_tokens;
    json_write_key(w, STR("usage"));
    json_write_object(w);
    json_write_member_u64(w, STR("prompt_tokens"), in);
    json_write_member_u64(w, STR("completion_tokens"), s->tokens);
    json_write_member_u64(w, STR("total_tokens"), in + s->tokens);
    if (s->cached_tokens || s->cache_write_tokens) {
        json_write_key(w, STR("prompt_tokens_details"));
        json_write_object(w);
        json_write_member_u64(w, STR("cached_tokens"), s->cached_tokens);
        json_write_member_u64(w, STR("cache_write_tokens"), s->cache_write_tokens);
        json_write_object_end(w);
    }
    if (s->reasoning_tokens) {
        json_write_key(w, STR("completion_tokens_details"));
        json_write_object(w);
        json_write_member_u64(w, STR("reasoning_tokens"), s->reasoning_tokens);
        json_write_object_end(w);
    }
    json_write_object_end(w);
}

static const struct mock_piece *piece(const struct mock_question *q, enum mock_piece_kind kind)
{
    for (unsigned i = 0; i < q->script.count; i++)
        if (q->script.pieces[i].kind == kind)
            return &q->script.pieces[i];
    return NULL;
}

static str whole_text(const struct mock_question *q)
{
    const struct mock_piece *p = piece(q, MOCK_TEXT);
    return p ? p->text : STR("");
}

static str finish_reason(const struct mock_question *q)
{
    return q->script.calls ? STR("tool_calls") : q->script.length ? STR("length") : STR("stop");
}

static void call_object(struct json_write *w, const struct mock_piece *p, bool streamed,
                        unsigned index)
{
    json_write_object(w);
    if (streamed)
        json_write_member_u64(w, STR("index"), index);
    json_write_member(w, STR("id"), p->id);
    json_write_member(w, STR("type"), STR("function"));
    json_write_key(w, STR("function"));
    json_write_object(w);
    json_write_member(w, STR("name"), p->name);
    json_write_member(w, STR("arguments"), streamed ? STR("") : p->arguments);
    json_write_object_end(w);
    json_write_object_end(w);
}

static void all_calls(struct json_write *w, const struct mock_question *q)
{
    json_write_key(w, STR("tool_calls"));
    json_write_array(w);
    for (unsigned i = 0; i < q->script.count; i++)
        if (q->script.pieces[i].kind == MOCK_CALL)
            call_object(w, &q->script.pieces[i], false, 0);
    json_write_array_end(w);
}

/* --- Whole answers -------------------------------------------------------------------------- */

static void chat(const struct mock_question *q, struct buf *out)
{
    struct json_write w;
    const struct mock_piece *reasoning = piece(q, MOCK_REASONING);
    begin(&w, out, q, "chat.completion", "chatcmpl");
    json_write_key(&w, STR("choices"));
    json_write_array(&w);
    json_write_object(&w);
    json_write_member_u64(&w, STR("index"), 0);
    json_write_key(&w, STR("message"));
    json_write_object(&w);
    json_write_member(&w, STR("role"), STR("assistant"));
    json_write_key(&w, STR("content"));
    if (q->script.calls)
        json_write_null(&w);
    else
        json_write_string(&w, whole_text(q));
    if (reasoning)
        json_write_member(&w, STR("reasoning_content"), reasoning->text);
    if (q->script.calls)
        all_calls(&w, q);
    json_write_key(&w, STR("refusal"));
    json_write_null(&w);
    json_write_object_end(&w);
    json_write_key(&w, STR("logprobs"));
    json_write_null(&w);
    json_write_member(&w, STR("finish_reason"), finish_reason(q));
    json_write_object_end(&w);
    json_write_array_end(&w);
    usage(&w, &q->script);
    json_write_object_end(&w);
}

static void completion(const struct mock_question *q, struct buf *out)
{
    struct json_write w;
    begin(&w, out, q, "text_completion", "cmpl");
    json_write_key(&w, STR("choices"));
    json_write_array(&w);
    json_write_object(&w);
    json_write_member(&w, STR("text"), whole_text(q));
    json_write_member_u64(&w, STR("index"), 0);
    json_write_key(&w, STR("logprobs"));
    json_write_null(&w);
    json_write_member(&w, STR("finish_reason"), finish_reason(q));
    json_write_object_end(&w);
    json_write_array_end(&w);
    usage(&w, &q->script);
    json_write_object_end(&w);
}

static void base64_floats(struct json_write *w, unsigned n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct buf raw, coded;
    buf_init(&raw, 0);
    buf_init(&coded, 0);
    for (unsigned i = 0; i < n; i++) {
        float value = (float)(i + 1) / (float)n;
        buf_add(&raw, &value, sizeof(value)); /* little-endian, as the API says and x86 is */
    }
    for (size_t i = 0; i < raw.len; i += 3) {
        uint32_t group = 0;
        size_t left = raw.len - i < 3 ? raw.len - i : 3;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < left ? (uint8_t)raw.ptr[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_add_byte(&coded, k <= left ? digits[group >> (18 - 6 * k) & 63] : '=');
    }
    json_write_string(w, buf_str(&coded));
    buf_release(&raw);
    buf_release(&coded);
}

static void embedding(const struct mock_question *q, struct json_write *w, unsigned index)
{
    int64_t dimensions = EMBEDDING_DEFAULT;
    uint32_t asked = field(q, "dimensions"), format = field(q, "encoding_format");
    if (json_is(&q->doc, asked, JSON_NUMBER) &&
        (!json_to_i64(json_raw(&q->doc, asked), &dimensions) || dimensions < 1 ||
         dimensions > EMBEDDING_MAX))
        dimensions = EMBEDDING_DEFAULT;
    json_write_object(w);
    json_write_member(w, STR("object"), STR("embedding"));
    json_write_member_u64(w, STR("index"), index);
    json_write_key(w, STR("embedding"));
    if (json_is(&q->doc, format, JSON_STRING) && json_string_eq(&q->doc, format, STR("base64"))) {
        base64_floats(w, (unsigned)dimensions);
    } else {
        json_write_array(w);
        for (int64_t i = 0; i < dimensions; i++)
            json_write_double(w, (double)(i + 1) / (double)dimensions);
        json_write_array_end(w);
    }
    json_write_object_end(w);
}

static void embeddings(const struct mock_question *q, struct buf *out)
{
    struct json_write w;
    uint32_t input = field(q, "input");
    unsigned n = json_is(&q->doc, input, JSON_ARRAY) ? json_count(&q->doc, input) : 1;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member(&w, STR("object"), STR("list"));
    json_write_key(&w, STR("data"));
    json_write_array(&w);
    for (unsigned i = 0; i < n; i++)
        embedding(q, &w, i);
    json_write_array_end(&w);
    json_write_member(&w, STR("model"), q->model);
    json_write_key(&w, STR("usage"));
    json_write_object(&w);
    json_write_member_u64(&w, STR("prompt_tokens"), prompt_tokens(q));
    json_write_member_u64(&w, STR("total_tokens"), prompt_tokens(q));
    json_write_object_end(&w);
    json_write_object_end(&w);
}

static void models(const struct mock_question *q, struct buf *out)
{
    static const char *const ids[] = {"mock-gpt", "mock-embedding", "mock/with/slashes"};
    struct json_write w;
    (void)q;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member(&w, STR("object"), STR("list"));
    json_write_key(&w, STR("data"));
    json_write_array(&w);
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
        json_write_object(&w);
        json_write_member(&w, STR("id"), str_from_c(ids[i]));
        json_write_member(&w, STR("object"), STR("model"));
        json_write_member_u64(&w, STR("created"), CREATED);
        json_write_member(&w, STR("owned_by"), STR("mock"));
        json_write_object_end(&w);
    }
    json_write_array_end(&w);
    json_write_object_end(&w);
}

static void moderation(const struct mock_question *q, struct buf *out)
{
    buf_printf(
        out,
        "{\"id\":\"modr-mock%llu\",\"model\":\"mock-moderation\",\"results\":[{\"flagged\":"
        "false,\"categories\":{},\"category_scores\":{},\"category_applied_input_types\":{}}]}",
        (unsigned long long)q->id);
}

static void file_object(const struct mock_question *q, struct buf *out)
{
    buf_printf(out,
               "{\"id\":\"file-mock%llu\",\"object\":\"file\",\"bytes\":%llu,\"created_at\":%d,"
               "\"filename\":\"mock.bin\",\"purpose\":\"assistants\",\"status\":\"processed\"}",
               (unsigned long long)q->id, (unsigned long long)q->bytes, CREATED);
}

static void answer(const struct mock_question *q, struct buf *out, str *content_type)
{
    *content_type = STR("application/json");
    switch (q->kind) {
    case ENDPOINT_CHAT:
        chat(q, out);
        break;
    case ENDPOINT_COMPLETIONS:
        completion(q, out);
        break;
    case ENDPOINT_EMBEDDINGS:
        embeddings(q, out);
        break;
    case ENDPOINT_MODERATIONS:
        moderation(q, out);
        break;
    case ENDPOINT_IMAGES_GENERATE:
    case ENDPOINT_IMAGES_EDIT:
    case ENDPOINT_IMAGES_VARIATION:
        buf_printf(out, "{\"created\":%d,\"data\":[{\"b64_json\":\"iVBORw0KGgo=\"}]}", CREATED);
        break;
    case ENDPOINT_SPEECH:
        *content_type = STR("audio/mpeg");
        for (unsigned i = 0; i < 64 * q->plan->o.tokens; i++)
            buf_add_byte(out, (char)(i * 37));
        break;
    case ENDPOINT_TRANSCRIPTION:
    case ENDPOINT_TRANSLATION:
        buf_printf(out, "{\"text\":\"%llu bytes of sound\"}", (unsigned long long)q->bytes);
        break;
    case ENDPOINT_RERANK:
        buf_add_lit(out,
                    "{\"id\":\"rerank-mock\",\"results\":[{\"index\":0,\"relevance_score\":0.9}]}");
        break;
    case ENDPOINT_FILES:
        file_object(q, out);
        break;
    case ENDPOINT_BATCHES:
        buf_printf(out,
                   "{\"id\":\"batch_mock%llu\",\"object\":\"batch\",\"status\":\"validating\"}",
                   (unsigned long long)q->id);
        break;
    case ENDPOINT_MODELS:
        models(q, out);
        break;
    default: /* found by no path of this API */
        BUG("no answer for endpoint %d", (int)q->kind);
    }
}

/* --- Events --------------------------------------------------------------------------------- */

static void chunk_begin(const struct mock_question *q, struct buf *out, struct json_write *w)
{
    buf_add_lit(out, "data: ");
    if (q->kind == ENDPOINT_CHAT)
        begin(w, out, q, "chat.completion.chunk", "chatcmpl");
    else
        begin(w, out, q, "text_completion", "cmpl");
    json_write_key(w, STR("choices"));
    json_write_array(w);
}

static void chunk_end(struct buf *out, struct json_write *w)
{
    json_write_object_end(w);
    buf_add_lit(out, "\n\n");
}

static void choice_end(struct json_write *w, str finish)
{
    json_write_key(w, STR("finish_reason"));
    if (finish.len)
        json_write_string(w, finish);
    else
        json_write_null(w);
    json_write_object_end(w);
    json_write_array_end(w);
}

/* One chunk with a delta (chat) or a text (completions). */
static void delta_chunk(const struct mock_question *q, struct buf *out, str role, str content,
                        str finish)
{
    struct json_write w;
    chunk_begin(q, out, &w);
    json_write_object(&w);
    json_write_member_u64(&w, STR("index"), 0);
    if (q->kind == ENDPOINT_COMPLETIONS) {
        json_write_member(&w, STR("text"), content.len ? content : STR(""));
    } else {
        json_write_key(&w, STR("delta"));
        json_write_object(&w);
        if (role.len)
            json_write_member(&w, STR("role"), role);
        if (!finish.len)
            json_write_member(&w, STR("content"), content);
        json_write_object_end(&w);
    }
    choice_end(&w, finish);
    chunk_end(out, &w);
}

static void reasoning_chunk(const struct mock_question *q, struct buf *out, str token)
{
    struct json_write w;
    chunk_begin(q, out, &w);
    json_write_object(&w);
    json_write_member_u64(&w, STR("index"), 0);
    json_write_key(&w, STR("delta"));
    json_write_object(&w);
    json_write_member(&w, STR("reasoning_content"), token);
    json_write_object_end(&w);
    choice_end(&w, STR_NULL);
    chunk_end(out, &w);
}

/* Part 0 names the tool; the next ones are its arguments, cut in two. */
static void tool_chunk(const struct mock_question *q, struct buf *out, const struct mock_piece *p,
                       unsigned call, unsigned part)
{
    struct json_write w;
    size_t half = p->arguments.len / 2;
    chunk_begin(q, out, &w);
    json_write_object(&w);
    json_write_member_u64(&w, STR("index"), 0);
    json_write_key(&w, STR("delta"));
    json_write_object(&w);
    json_write_key(&w, STR("tool_calls"));
    json_write_array(&w);
    if (part == 0) {
        call_object(&w, p, true, call);
    } else {
        json_write_object(&w);
        json_write_member_u64(&w, STR("index"), call);
        json_write_key(&w, STR("function"));
        json_write_object(&w);
        json_write_member(&w, STR("arguments"),
                          part == 1 ? str_first(p->arguments, half) : str_from(p->arguments, half));
        json_write_object_end(&w);
        json_write_object_end(&w);
    }
    json_write_array_end(&w);
    json_write_object_end(&w);
    choice_end(&w, STR_NULL);
    chunk_end(out, &w);
}

static void usage_chunk(const struct mock_question *q, struct buf *out)
{
    struct json_write w;
    chunk_begin(q, out, &w);
    json_write_array_end(&w);
    usage(&w, &q->script);
    chunk_end(out, &w);
}

enum { CALL_PARTS = 3 };

static unsigned events_of(const struct mock_piece *p)
{
    return p->kind == MOCK_CALL ? CALL_PARTS : p->tokens;
}

static void piece_event(const struct mock_question *q, struct buf *out, const struct mock_piece *p,
                        unsigned call, unsigned i)
{
    switch (p->kind) {
    case MOCK_REASONING:
        reasoning_chunk(q, out, mock_piece_token(p, i));
        break;
    case MOCK_TEXT:
        delta_chunk(q, out, STR_NULL, mock_piece_token(p, i), STR_NULL);
        break;
    case MOCK_CALL:
        tool_chunk(q, out, p, call, i);
        break;
    }
}

/* The i-th event of what is said; false: less is said, *i is how much is left. */
static bool said_event(const struct mock_question *q, unsigned *i, struct buf *out)
{
    unsigned call = 0;
    for (unsigned k = 0; k < q->script.count; k++) {
        const struct mock_piece *p = &q->script.pieces[k];
        if (*i < events_of(p)) {
            piece_event(q, out, p, call, *i);
            return true;
        }
        *i -= events_of(p);
        call += p->kind == MOCK_CALL;
    }
    return false;
}

static bool chat_event(const struct mock_question *q, unsigned i, struct buf *out, bool *is_token)
{
    if (i == 0) {
        delta_chunk(q, out, STR("assistant"), STR(""), STR_NULL);
        return true;
    }
    i--;
    if (said_event(q, &i, out)) {
        *is_token = true;
        return true;
    }
    if (i == 0)
        delta_chunk(q, out, STR_NULL, STR(""), finish_reason(q));
    else if (i == 1 && q->usage)
        usage_chunk(q, out);
    else if (i == (q->usage ? 2u : 1u))
        buf_add_lit(out, "data: [DONE]\n\n");
    else
        return false;
    return true;
}

static bool event(const struct mock_question *q, unsigned i, struct buf *out, bool *is_token)
{
    *is_token = false;
    return chat_event(q, i, out, is_token);
}

/* --- The API ----------------------------------------------------------------------------------- */

bool mock_openai_find(const struct request_head *head, struct mock_question *q, struct arena *a)
{
    str path = head->path;
    if (str_starts(path, STR("/openai/deployments/"))) { /* Azure's: the deployment is the model */
        str name = str_from(path, sizeof("/openai/deployments/") - 1);
        ptrdiff_t slash = str_find_byte(name, '/');
        if (slash <= 0)
            return false;
        q->model = url_path_id(str_first(name, (size_t)slash), a);
        path = str_from(name, (size_t)slash);
    } else if (str_starts(path, STR("/openai/v1/"))) {
        path = str_from(path, sizeof("/openai/v1") - 1);
    } else if (str_starts(path, STR("/openai/"))) { /* Azure's paths without a deployment */
        path = str_from(path, sizeof("/openai") - 1);
    } else if (str_starts(path, STR("/v1/"))) {
        path = str_from(path, sizeof("/v1") - 1);
    }
    return endpoint_find(path, head->method_text, &q->kind, &q->rest) == ENDPOINT_FOUND;
}

static bool streams(const struct mock_question *q)
{
    return q->stream && (q->kind == ENDPOINT_CHAT || q->kind == ENDPOINT_COMPLETIONS);
}

static void error_object(struct buf *out, const struct mock_error *e)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("error"));
    json_write_object(&w);
    json_write_member(&w, STR("message"), str_from_c(e->message));
    json_write_member(&w, STR("type"),
                      e->status == 429  ? STR("rate_limit_exceeded")
                      : e->status < 500 ? STR("invalid_request_error")
                                        : STR("server_error"));
    json_write_key(&w, STR("param"));
    if (e->param.len)
        json_write_string(&w, e->param);
    else
        json_write_null(&w);
    json_write_key(&w, STR("code"));
    if (e->status == 429)
        json_write_string(&w, STR("rate_limit_exceeded"));
    else
        json_write_null(&w);
    json_write_object_end(&w);
    json_write_object_end(&w);
}

void mock_openai_error(const struct mock_question *q, const struct mock_error *e, struct buf *out)
{
    (void)q;
    error_object(out, e);
}

static void stream_error(const struct mock_question *q, const struct mock_error *e, struct buf *out)
{
    (void)q;
    buf_add_lit(out, "data: ");
    error_object(out, e);
    buf_add_lit(out, "\n\n");
}

bool mock_openai_fields(const struct mock_question *q, int status, struct headers *h,
                        struct arena *a)
{
    (void)q;
    return head_add(h, a, STR("x-request-id"), STR("req_mock")) &&
           head_add(h, a, STR("x-ratelimit-remaining-requests"), STR("9999")) &&
           head_add(h, a, STR("openai-organization"), STR("mock-org")) &&
           head_add(h, a, STR("openai-processing-ms"), STR("1")) &&
           (status != 429 || head_add(h, a, STR("retry-after"), STR("1")));
}

const struct mock_api mock_api_openai = {
    .name = "openai",
    .owns = mock_openai_find,
    .judge = mock_openai_judge,
    .answer = answer,
    .event = event,
    .error = mock_openai_error,
    .stream_error = stream_error,
    .streams = streams,
    .fields = mock_openai_fields,
};
