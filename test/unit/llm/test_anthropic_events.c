/* Anthropic's Messages API as it passes by, and its errors. */
#include "llm/dialect.h"

#include <stdio.h>

#include "llm/dialect/anthropic.h"
#include "support/test.h"

extern const struct dialect dialect_anthropic;

static struct event_facts event_of(const char *name, const char *data)
{
    static struct arena scratch;
    struct event_facts facts = {.kind = EVENT_OTHER};
    arena_release(&scratch);
    dialect_anthropic.event(str_from_c(name), str_from_c(data), &scratch, &facts);
    return facts;
}

static struct event_facts answer_of(const char *body)
{
    static struct arena scratch;
    struct event_facts facts = {0};
    arena_release(&scratch);
    dialect_anthropic.answer(str_from_c(body), &scratch, &facts);
    return facts;
}

TEST(events_are_told_apart)
{
    static const struct {
        const char *name, *data;
        enum event_kind kind;
    } rows[] = {
        {"message_start", "{\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}", EVENT_OTHER},
        {"ping", "{\"type\":\"ping\"}", EVENT_OTHER},
        {"ping", "not even JSON", EVENT_OTHER},
        {NULL, "{\"type\":\"ping\"}", EVENT_OTHER},
        {NULL, "[DONE]", EVENT_OTHER},
        {NULL,
         "{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\",\"text\":"
         "\"\"}}",
         EVENT_OTHER},
        {NULL,
         "{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\",\"text\":"
         "\"a\"}}",
         EVENT_CONTENT},
        {NULL,
         "{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"thinking\","
         "\"thinking\":\"\",\"signature\":\"\"}}",
         EVENT_OTHER},
        {NULL, "{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\"}}",
         EVENT_CONTENT},
        {NULL,
         "{\"type\":\"content_block_start\",\"content_block\":{\"type\":"
         "\"redacted_thinking\",\"data\":\"x\"}}",
         EVENT_CONTENT},
        {NULL, "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\"}}",
         EVENT_CONTENT},
        {NULL, "{\"type\":\"content_block_stop\",\"index\":0}", EVENT_OTHER},
        {NULL, "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}",
         EVENT_CONTENT},
        {NULL, "{\"type\":\"message_stop\"}", EVENT_END},
        {NULL, "{\"type\":\"message_\\u0073top\"}", EVENT_END},
        {"error", "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}", EVENT_FAILED},
        {NULL, "{\"type\":\"error\",\"error\":{}}", EVENT_FAILED},
        {NULL, "{\"error\":{\"message\":\"x\"}}", EVENT_FAILED},
        {"new_thing", "{\"type\":\"new_thing\"}", EVENT_CONTENT},
        {NULL, "nonsense", EVENT_CONTENT},
        {NULL, "[]", EVENT_CONTENT},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        enum event_kind kind = event_of(rows[i].name, rows[i].data).kind;
        if (kind != rows[i].kind)
            EXPECT_FAIL("%s is %d", rows[i].data, (int)kind);
    }
    EXPECT(event_of(NULL, "nonsense").unreadable);
    EXPECT(dialect_anthropic.has_end);
}

TEST(the_first_and_the_last_event_bring_usage_id_and_reason)
{
    struct event_facts f = event_of(
        "message_start", "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"usage\":"
                         "{\"input_tokens\":318,\"cache_creation_input_tokens\":300,"
                         "\"cache_read_input_tokens\":2048,\"output_tokens\":2}}}");
    EXPECT_STR(f.answer_id, "msg_1");
    EXPECT_EQ(f.usage.input, 318);
    EXPECT_EQ(f.usage.cached, 2048);
    EXPECT_EQ(f.usage.cache_write, 300);
    EXPECT_EQ(f.usage.output, 2);
    EXPECT_EQ(f.usage.reasoning, -1);
    f = event_of("message_delta",
                 "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\","
                 "\"stop_sequence\":null},\"usage\":{\"input_tokens\":null,\"output_tokens\":71,"
                 "\"output_tokens_details\":{\"thinking_tokens\":40}}}");
    EXPECT_STR(f.finish_reason, "tool_use");
    EXPECT_EQ(f.usage.input, -1); /* what was known stays */
    EXPECT_EQ(f.usage.output, 31);
    EXPECT_EQ(f.usage.reasoning, 40);
}

/* mapping: §14 usage */
TEST(usage_of_an_answer_is_in_disjoint_buckets)
{
    struct event_facts f = answer_of(
        "{\"id\":\"msg_1\",\"stop_reason\":\"end_turn\",\"content\":[],\"usage\":{"
        "\"input_tokens\":12,\"cache_creation\":{\"ephemeral_5m_input_tokens\":5,"
        "\"ephemeral_1h_input_tokens\":7},\"cache_read_input_tokens\":3,\"output_tokens\":9,"
        "\"output_tokens_details\":{\"thinking_tokens\":4}}}");
    EXPECT_STR(f.answer_id, "msg_1");
    EXPECT_STR(f.finish_reason, "end_turn");
    EXPECT_EQ(f.usage.input, 12);
    EXPECT_EQ(f.usage.cached, 3);
    EXPECT_EQ(f.usage.cache_write, 12);
    EXPECT_EQ(f.usage.output, 5);
    EXPECT_EQ(f.usage.reasoning, 4);
}

TEST(absurd_usage_is_clamped)
{
    struct event_facts f =
        answer_of("{\"usage\":{\"input_tokens\":-3,\"output_tokens\":4,\"output_tokens_details\":"
                  "{\"thinking_tokens\":40},\"cache_read_input_tokens\":1e300}}");
    EXPECT(f.usage.clamped);
    EXPECT_EQ(f.usage.input, 0);
    EXPECT_EQ(f.usage.output, 0);
    EXPECT_EQ(f.usage.cached, USAGE_MAX);
    EXPECT(answer_of("nope").unreadable);
    EXPECT_STR(answer_of("{\"type\":\"error\",\"error\":{\"type\":\"x\"}}").error,
               "{\"type\":\"x\"}");
}

/* --- Errors */

static const char *error_text(const struct client_error *e)
{
    static struct buf out;
    buf_clear(&out);
    dialect_anthropic.write_error(&out, e);
    buf_add_byte(&out, '\0');
    return out.ptr;
}

/* mapping: §17 shapes */
TEST(errors_have_the_formats_types)
{
    EXPECT_STR(error_text(&(struct client_error){.err = ERR_FIELD_INVALID,
                                                 .status = 400,
                                                 .message = STR("No."),
                                                 .request_id = STR("req-1")}),
               "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":"
               "\"No.\",\"details\":{\"error_code\":\"invalid_value\"}},\"request_id\":\"req-1\"}");
    static const struct {
        enum err err;
        int status;
        const char *type;
    } rows[] = {
        {ERR_KEY_INVALID, 401, "\"type\":\"authentication_error\""},
        {ERR_KEY_FORBIDDEN, 403, "\"type\":\"permission_error\""},
        {ERR_MODEL_UNKNOWN, 404, "\"type\":\"not_found_error\""},
        {ERR_THREAD_UNKNOWN, 404, "\"error_code\":\"thread_not_found\""},
        {ERR_BODY_TOO_LARGE, 413, "\"type\":\"request_too_large\""},
        {ERR_UPSTREAM_RATE_LIMIT, 429, "\"type\":\"rate_limit_error\""},
        {ERR_UPSTREAM_QUOTA, 429, "\"type\":\"billing_error\""},
        {ERR_UPSTREAM_OVERLOADED, 529, "\"type\":\"overloaded_error\""},
        {ERR_DRAINING, 503, "\"type\":\"overloaded_error\""},
        {ERR_UPSTREAM_STATUS, 502, "\"type\":\"api_error\""},
        {ERR_TOTAL_TIMEOUT, 504, "\"type\":\"timeout_error\""},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_CONTAINS(error_text(&(struct client_error){
                            .err = rows[i].err, .status = rows[i].status, .message = STR("m")}),
                        rows[i].type);
    EXPECT_EQ(dialect_anthropic.client_status(ERR_UPSTREAM_OVERLOADED, 502), 529);
    EXPECT_EQ(dialect_anthropic.client_status(ERR_UPSTREAM_STATUS, 502), 502);
}

TEST(another_vendors_type_is_not_passed_on_as_one_of_this_format)
{
    struct client_error e = {.err = ERR_UPSTREAM_REFUSED_REQUEST,
                             .status = 400,
                             .message = STR("too long"),
                             .type = STR("INVALID_ARGUMENT"),
                             .code = STR("context_length_exceeded")};
    EXPECT_CONTAINS(error_text(&e), "\"type\":\"invalid_request_error\",\"message\":\"too long\","
                                    "\"details\":{\"error_code\":\"context_length_exceeded\"}");
}

TEST(a_failure_in_a_stream_is_an_error_event_without_message_stop)
{
    struct buf out;
    buf_init(&out, 0);
    dialect_anthropic.write_failure(&out, &(struct stream_failure){.err = ERR_UPSTREAM_TRUNCATED,
                                                                   .message = STR("cut"),
                                                                   .request_id = STR("req-9")});
    EXPECT_STR(buf_str(&out),
               "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\","
               "\"message\":\"cut\",\"details\":{\"error_code\":\"upstream_truncated\"}},"
               "\"request_id\":\"req-9\"}\n\n");
    buf_clear(&out);
    dialect_anthropic.write_failure(&out, &(struct stream_failure){.err = ERR_IDLE_TIMEOUT});
    EXPECT_CONTAINS(buf_str(&out), "timeout_error");
    buf_release(&out);
}

TEST(errors_are_read_however_odd)
{
    static struct arena a;
    struct provider_fault f;
    dialect_anthropic.read_error(
        STR("{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow\","
            "\"details\":{\"error_code\":\"ramp_limit_exceeded\"}},\"request_id\":\"req_1\"}"),
        &a, &f);
    EXPECT_STR(f.message, "slow");
    EXPECT_STR(f.type, "rate_limit_error");
    EXPECT_STR(f.code, "ramp_limit_exceeded");
    dialect_anthropic.read_error(STR("{\"type\":\"error\",\"error\":{\"type\":\"x\",\"message\":"
                                     "\"prompt is too long: 2 tokens > 1 maximum\"}}"),
                                 &a, &f);
    EXPECT_STR(f.code, "context_length_exceeded");
    dialect_anthropic.read_error(STR("{\"error\":\"words\"}"), &a, &f);
    EXPECT_STR(f.message, "words");
    dialect_anthropic.read_error(STR("{\"message\":\"only that\"}"), &a, &f);
    EXPECT_STR(f.message, "only that");
    dialect_anthropic.read_error(STR("<html>502</html>"), &a, &f);
    EXPECT(str_is_null(f.message));
    arena_release(&a);
}

/* --- Lists */

TEST(counts_and_models_have_the_formats_shape)
{
    struct buf out;
    struct json_write w;
    buf_init(&out, 0);
    anthropic_write_count(&out, 42);
    EXPECT_STR(buf_str(&out), "{\"input_tokens\":42}");
    buf_clear(&out);
    json_write_init(&w, &out);
    anthropic_models_begin(&w);
    anthropic_models_begin_one(&w, STR("fast"), 200000, 0);
    json_write_object_end(&w);
    anthropic_models_end(&w, STR("fast"), STR("fast"));
    EXPECT_STR(buf_str(&out),
               "{\"data\":[{\"type\":\"model\",\"id\":\"fast\",\"display_name\":\"fast\","
               "\"created_at\":\"1970-01-01T00:00:00Z\",\"lifecycle\":\"active\","
               "\"deprecated_at\":null,\"retires_at\":null,\"line\":null,\"capabilities\":null,"
               "\"max_input_tokens\":200000,"
               "\"max_tokens\":null}],\"has_more\":false,\"first_id\":\"fast\",\"last_id\":"
               "\"fast\"}");
    buf_clear(&out);
    json_write_init(&w, &out);
    anthropic_models_begin(&w);
    anthropic_models_end(&w, STR_NULL, STR_NULL);
    EXPECT_STR(buf_str(&out),
               "{\"data\":[],\"has_more\":false,\"first_id\":null,\"last_id\":null}");
    buf_release(&out);
}
