/* The response object: what the answer is, what it says, and what the request asked, all members given. */
#include "llm/dialect/openai_responses_writer.h"

enum { ID_MAX = 48 };

str responses_id(struct answer_writer *w, struct arena *a)
{
    str id = str_first(w->id, ID_MAX);
    str pieces[] = {str_starts(id, STR("resp_")) ? STR("") : STR("resp_"), id};
    str text = arena_concat(a, pieces, ARRAY_LEN(pieces));
    if (str_is_null(text))
        w->out->failed = true;
    return text;
}

const char *responses_incomplete_reason(enum finish finish)
{
    switch (finish) {
    case FINISH_LENGTH:
    case FINISH_CONTEXT:
        return "max_output_tokens";
    case FINISH_REFUSAL:
    case FINISH_FILTERED:
        return "content_filter";
    case FINISH_STOP:
    case FINISH_STOP_SEQUENCE:
    case FINISH_CALLS:
    case FINISH_PAUSE:
    case FINISH_MALFORMED:
    case FINISH_OTHER:
        return NULL;
    }
    BUG("finish %d", (int)finish);
}

/* As the client said it, or the API's default (JSON; null: no member then). */
static void echo(struct json_write *j, const struct chat *c, const char *name, str otherwise)
{
    char full[64] = RESPONSES_ECHO;
    size_t prefix = sizeof(RESPONSES_ECHO) - 1, len = strlen(name);
    CHECK(prefix + len < sizeof(full));
    memcpy(full + prefix, name, len);
    const struct extra *e = chat_extra(c, NATIVE_OPENAI, str_make(full, prefix + len));
    json_write_member_given(j, str_from_c(name), e ? e->json : otherwise);
}

static int64_t known(int64_t tokens)
{
    return tokens > 0 ? tokens : 0;
}

static void write_usage(struct json_write *j, const struct usage *u)
{
    int64_t input = known(u->input) + known(u->cached) + known(u->cache_write);
    int64_t output = known(u->output) + known(u->reasoning);
    json_write_key(j, STR("usage"));
    if (!u->known) {
        json_write_null(j);
        return;
    }
    json_write_object(j);
    json_write_member_u64(j, STR("input_tokens"), (uint64_t)input);
    json_write_key(j, STR("input_tokens_details"));
    json_write_object(j);
    json_write_member_u64(j, STR("cached_tokens"), (uint64_t)known(u->cached));
    json_write_member_u64(j, STR("cache_write_tokens"), (uint64_t)known(u->cache_write));
    json_write_object_end(j);
    json_write_member_u64(j, STR("output_tokens"), (uint64_t)output);
    json_write_key(j, STR("output_tokens_details"));
    json_write_object(j);
    json_write_member_u64(j, STR("reasoning_tokens"), (uint64_t)known(u->reasoning));
    json_write_object_end(j);
    json_write_member_u64(j, STR("total_tokens"), (uint64_t)(input + output));
    json_write_object_end(j);
}

static void write_state(const struct responses_writer *s, struct json_write *j, str status)
{
    const char *reason = s->ended ? responses_incomplete_reason(s->finish) : NULL;
    json_write_member(j, STR("status"), status);
    json_write_member_raw(j, STR("background"), STR("false"));
    json_write_member_raw(j, STR("error"), STR("null"));
    json_write_key(j, STR("incomplete_details"));
    if (reason) {
        json_write_object(j);
        json_write_member(j, STR("reason"), str_from_c(reason));
        json_write_object_end(j);
    } else {
        json_write_null(j);
    }
}

static void write_output(const struct responses_writer *s, struct json_write *j)
{
    json_write_key(j, STR("output"));
    json_write_array(j);
    if (s->ended && s->output.len)
        json_write_raw(j, str_make(s->output.ptr, s->output.len));
    json_write_array_end(j);
}

/* Names in the order of the vendor's own objects. */
static void write_echoes(const struct chat *c, struct json_write *j)
{
    static const struct {
        const char *name;
        str otherwise;
    } rows[] = {
        {"max_output_tokens", STR_INIT("null")},
        {"max_tool_calls", STR_INIT("null")},
        {"metadata", STR_INIT("{}")},
        {"parallel_tool_calls", STR_INIT("true")},
        {"prompt_cache_key", {NULL, 0}},
        {"prompt_cache_retention", {NULL, 0}},
        {"reasoning", STR_INIT("{\"effort\":null,\"summary\":null}")},
        {"safety_identifier", {NULL, 0}},
        {"store", STR_INIT("true")},
        {"temperature", STR_INIT("1.0")},
        {"text", STR_INIT("{\"format\":{\"type\":\"text\"}}")},
        {"tool_choice", STR_INIT("\"auto\"")},
        {"tools", STR_INIT("[]")},
        {"top_logprobs", STR_INIT("0")},
        {"top_p", STR_INIT("1.0")},
        {"truncation", STR_INIT("\"disabled\"")},
        {"user", STR_INIT("null")},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        echo(j, c, rows[i].name, rows[i].otherwise);
}

void responses_write_object(struct answer_writer *w, const struct responses_writer *s,
                            struct json_write *j, str status)
{
    const struct chat *c = w->chat;
    json_write_object(j);
    json_write_member(j, STR("id"), s->response_id);
    json_write_member(j, STR("object"), STR("response"));
    json_write_key(j, STR("created_at"));
    json_write_i64(j, w->created_s);
    write_state(s, j, status);
    echo(j, c, "instructions", STR("null"));
    json_write_member(j, STR("model"), w->model);
    write_output(s, j);
    json_write_member_raw(j, STR("access_programs"), STR("null"));
    echo(j, c, "previous_response_id", STR("null"));
    json_write_member(j, STR("service_tier"), STR("default"));
    write_echoes(c, j);
    if (s->ended)
        write_usage(j, &s->usage);
    else
        json_write_member_raw(j, STR("usage"), STR("null"));
    json_write_object_end(j);
}
