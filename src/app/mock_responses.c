/* OpenAI's Responses API, as the mock speaks it. */
#include "app/mock_openai.h"

#include <stdio.h>

#include "base/check.h"
#include "wire/json_write.h"

enum { CREATED = 1700000000 };

static uint64_t prompt_tokens(const struct mock_question *q)
{
    return q->bytes / 4 + 1;
}

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

/* --- Whole answers -------------------------------------------------------------------------- */

/* The response object of the Responses API; `full`: with its output. */
static void response_object(const struct mock_question *q, struct json_write *w, const char *status,
                            bool full)
{
    char id[48];
    int len = snprintf(id, sizeof(id), "resp_mock%llu", (unsigned long long)q->id);
    json_write_object(w);
    json_write_member(w, STR("id"), str_make(id, (size_t)len));
    json_write_member(w, STR("object"), STR("response"));
    json_write_member_u64(w, STR("created_at"), CREATED);
    json_write_member(w, STR("status"), str_from_c(status));
    json_write_member(w, STR("model"), q->model);
    json_write_member_raw(w, STR("error"), STR("null"));
    json_write_member_raw(w, STR("incomplete_details"), STR("null"));
    json_write_member_raw(w, STR("instructions"), STR("null"));
    json_write_member_raw(w, STR("metadata"), STR("{}"));
    json_write_member_raw(w, STR("parallel_tool_calls"), STR("true"));
    json_write_member_raw(w, STR("tool_choice"), STR("\"auto\""));
    json_write_member_raw(w, STR("tools"), STR("[]"));
    json_write_member_raw(w, STR("temperature"), STR("1"));
    json_write_member_raw(w, STR("top_p"), STR("1"));
    json_write_key(w, STR("output"));
    json_write_array(w);
    if (full) {
        json_write_raw(w, STR("{\"id\":\"msg_mock1\",\"type\":\"message\",\"status\":\"completed\","
                              "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\","
                              "\"annotations\":[],\"text\":\"The gateway relays.\"}]}"));
    }
    json_write_array_end(w);
    json_write_key(w, STR("usage"));
    if (full) {
        json_write_object(w);
        json_write_member_u64(w, STR("input_tokens"), prompt_tokens(q));
        json_write_member_raw(w, STR("input_tokens_details"), STR("{\"cached_tokens\":0}"));
        json_write_member_u64(w, STR("output_tokens"), q->plan->o.tokens);
        json_write_member_raw(w, STR("output_tokens_details"), STR("{\"reasoning_tokens\":0}"));
        json_write_member_u64(w, STR("total_tokens"), prompt_tokens(q) + q->plan->o.tokens);
        json_write_object_end(w);
    } else {
        json_write_null(w);
    }
    json_write_object_end(w);
}

static void response(const struct mock_question *q, struct buf *out)
{
    struct json_write w;
    json_write_init(&w, out);
    response_object(q, &w, "completed", true);
}

static void answer(const struct mock_question *q, struct buf *out, str *content_type)
{
    *content_type = STR("application/json");
    if (q->kind == ENDPOINT_RESPONSES_TOKENS)
        buf_printf(out, "{\"object\":\"response.input_tokens\",\"input_tokens\":%llu}",
                   (unsigned long long)prompt_tokens(q));
    else
        response(q, out);
}

/* --- Events --------------------------------------------------------------------------------- */

static void response_event(const struct mock_question *q, struct buf *out, const char *type,
                           unsigned sequence, const char *status, bool full)
{
    struct json_write w;
    buf_printf(out, "event: %s\ndata: ", type);
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member(&w, STR("type"), str_from_c(type));
    json_write_member_u64(&w, STR("sequence_number"), sequence);
    json_write_key(&w, STR("response"));
    response_object(q, &w, status, full);
    json_write_object_end(&w);
    buf_add_lit(out, "\n\n");
}

static void plain_response_event(struct buf *out, const char *type, unsigned sequence,
                                 const char *members)
{
    buf_printf(out, "event: %s\ndata: {\"type\":\"%s\",\"sequence_number\":%u,%s}\n\n", type, type,
               sequence, members);
}

static bool event(const struct mock_question *q, unsigned i, struct buf *out, bool *is_token)
{
    static const struct {
        const char *type, *members;
    } before[] =
        {
            {"response.output_item.added",
             "\"output_index\":0,\"item\":{\"id\":\"msg_mock1\",\"type\":\"message\",\"status\":"
             "\"in_progress\",\"role\":\"assistant\",\"content\":[]}"},
            {"response.content_part.added",
             "\"item_id\":\"msg_mock1\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":"
             "\"output_text\",\"text\":\"\",\"annotations\":[]}"},
        },
      after[] = {
          {"response.output_text.done",
           "\"item_id\":\"msg_mock1\",\"output_index\":0,\"content_index\":0,\"logprobs\":[],"
           "\"text\":\"The gateway relays.\""},
          {"response.content_part.done",
           "\"item_id\":\"msg_mock1\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":"
           "\"output_text\",\"text\":\"The gateway relays.\",\"annotations\":[]}"},
          {"response.output_item.done",
           "\"output_index\":0,\"item\":{\"id\":\"msg_mock1\",\"type\":\"message\",\"status\":"
           "\"completed\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":"
           "\"The gateway relays.\",\"annotations\":[]}]}"},
      };
    unsigned tokens = q->plan->o.tokens, at = i;
    *is_token = false;
    if (at < 2) {
        response_event(q, out, at ? "response.in_progress" : "response.created", i, "in_progress",
                       false);
        return true;
    }
    at -= 2;
    if (at < ARRAY_LEN(before)) {
        plain_response_event(out, before[at].type, i, before[at].members);
        return true;
    }
    at -= ARRAY_LEN(before);
    if (at < tokens) {
        *is_token = true;
        buf_printf(out,
                   "event: response.output_text.delta\ndata: {\"type\":\"response.output_text."
                   "delta\",\"sequence_number\":%u,\"item_id\":\"msg_mock1\",\"output_index\":0,"
                   "\"content_index\":0,\"logprobs\":[],\"delta\":\"%s\"}\n\n",
                   i, "token ");
        return true;
    }
    at -= tokens;
    if (at < ARRAY_LEN(after)) {
        plain_response_event(out, after[at].type, i, after[at].members);
        return true;
    }
    if (at > ARRAY_LEN(after))
        return false;
    response_event(q, out, "response.completed", i, "completed", true);
    return true;
}

/* --- The API ----------------------------------------------------------------------------------- */

static bool streams(const struct mock_question *q)
{
    return q->stream && q->kind == ENDPOINT_RESPONSES;
}

static void stream_error(const struct mock_question *q, const struct mock_error *e, struct buf *out)
{
    buf_add_lit(out, "event: error\ndata: ");
    mock_openai_error(q, e, out);
    buf_add_lit(out, "\n\n");
}

const struct mock_api mock_api_responses = {
    .name = "responses",
    .owns = owns,
    .judge = mock_openai_judge,
    .answer = answer,
    .event = event,
    .error = mock_openai_error,
    .stream_error = stream_error,
    .streams = streams,
    .fields = mock_openai_fields,
};
