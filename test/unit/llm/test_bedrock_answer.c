/*
 * Converse's answers as events: streams, whole bodies, failures.
 *
 * mapping: §10 answer side (BED); §12 from BED; §13 BED; §14 BED; §16.3 BED stream; §17 BED
 * mapping: §23 BED stop sequence, BED stream
 */
#include "llm/dialect/bedrock_impl.h"
#include "support/test.h"

#include <stdio.h>

extern const struct dialect dialect_bedrock;

static struct arena arena, scratch;
static struct buf said;

static void say(const char *what, str text)
{
    buf_printf(&said, "%s(%.*s)", what, STR_ARG(text));
}

static void say_usage(const struct usage *u)
{
    buf_printf(&said, "usage(%lld %lld %lld %lld)", (long long)u->input, (long long)u->cached,
               (long long)u->cache_write, (long long)u->output);
}

static void on_event(void *arg, const struct chat_event *ev)
{
    (void)arg;
    static const char *const formats[] = {"", "o", "a", "g", "b"};
    switch (ev->kind) {
    case CHAT_START:
        return say("start", STR(""));
    case CHAT_TEXT:
        return say("text", ev->text.s);
    case CHAT_REASONING:
        return say("think", ev->text.s);
    case CHAT_SIGNATURE:
        buf_add_str(&said, str_from_c(formats[ev->format]));
        return say("sign", ev->opaque);
    case CHAT_REDACTED:
        buf_add_str(&said, str_from_c(formats[ev->format]));
        return say("redacted", ev->opaque);
    case CHAT_CALL:
        buf_printf(&said, "call%u%s(%.*s %.*s)", ev->call, ev->custom ? "!" : "", STR_ARG(ev->id),
                   STR_ARG(ev->name));
        return;
    case CHAT_CALL_ARGUMENTS:
        buf_printf(&said, "args%u(%.*s)", ev->call, STR_ARG(ev->text.s));
        return;
    case CHAT_BREAK:
        return say("break", STR(""));
    case CHAT_CITATION:
        buf_printf(&said, "cite(%.*s %.*s %.*s)", STR_ARG(ev->citation->url.s),
                   STR_ARG(ev->citation->title.s), STR_ARG(ev->citation->cited.s));
        return;
    case CHAT_MEDIA:
        buf_printf(&said, "media(%.*s %.*s)", STR_ARG(ev->media->mime), STR_ARG(ev->media->data));
        return;
    case CHAT_USAGE:
        return say_usage(&ev->usage);
    case CHAT_FINISH:
        buf_printf(&said, "finish%d(%.*s %.*s)", ev->finish, STR_ARG(ev->reason),
                   STR_ARG(ev->text.s));
        return;
    case CHAT_FAILED:
        buf_printf(&said, "failed(%s: %.*s %.*s %.*s)", err_facts(ev->err)->code,
                   STR_ARG(ev->fault.type), STR_ARG(ev->fault.code), STR_ARG(ev->fault.message));
        return;
    case CHAT_END:
        return say("end", STR(""));
    case CHAT_REFUSAL:
    case CHAT_REASONING_BREAK:
    case CHAT_LOGPROBS:
    case CHAT_NATIVE:
        break;
    }
    EXPECT_FAIL("event %d", (int)ev->kind);
}

struct frame {
    const char *name, *data;
};

static struct chat chat;
static struct chat_target target;

static struct answer_reader reader_of(const char *model)
{
    static const struct chat_sink to = {.on_event = on_event};
    struct answer_reader r = {0};
    target = (struct chat_target){.model = str_from_c(model), .facts = &model_facts_unknown};
    buf_init(&said, 0);
    EXPECT(answer_reader_init(&r, &dialect_bedrock, &arena, &scratch, &to));
    r.chat = &chat;
    r.target = &target;
    return r;
}

static void expect_said(const char *what)
{
    EXPECT_STR(buf_str(&said), what);
    buf_release(&said);
    arena_release(&arena);
    arena_release(&scratch);
}

static void read_frames(const char *model, const struct frame *frames, const char *what)
{
    struct answer_reader r = reader_of(model);
    for (; frames->name; frames++) {
        bedrock_read_unit(&r, str_from_c(frames->name), str_from_c(frames->data));
        arena_release(&scratch);
    }
    bedrock_read_end(&r);
    expect_said(what);
}

static void read_body(const char *model, const char *body, const char *what)
{
    struct answer_reader r = reader_of(model);
    bedrock_read_answer(&r, str_from_c(body));
    expect_said(what);
}

#define CLAUDE "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
#define START                                                                                      \
    {                                                                                              \
        "messageStart", "{\"role\":\"assistant\",\"p\":\"abcd\"}"                                  \
    }
#define DELTA(index, delta)                                                                        \
    {                                                                                              \
        "contentBlockDelta", "{\"contentBlockIndex\":" #index ",\"delta\":" delta ",\"p\":\"ab\"}" \
    }
#define STOP(index)                                                                                \
    {                                                                                              \
        "contentBlockStop", "{\"contentBlockIndex\":" #index ",\"p\":\"a\"}"                       \
    }
#define MESSAGE_STOP(reason)                                                                       \
    {                                                                                              \
        "messageStop", "{\"stopReason\":\"" reason "\",\"p\":\"ab\"}"                              \
    }
#define METADATA                                                                                   \
    {                                                                                              \
        "metadata", "{\"metrics\":{\"latencyMs\":1203},\"usage\":{\"inputTokens\":412,"            \
                    "\"outputTokens\":61,\"totalTokens\":2521,\"cacheReadInputTokens\":2048,"      \
                    "\"cacheWriteInputTokens\":0},\"p\":\"abc\"}"                                  \
    }

TEST(the_stream_of_the_sheet)
{
    static const struct frame all[] = {
        START,
        DELTA(0, "{\"reasoningContent\":{\"text\":\"Need the city\"}}"),
        DELTA(0, "{\"reasoningContent\":{\"signature\":\"EqQB\"}}"),
        STOP(0),
        DELTA(1, "{\"text\":\"Checking\\u002e\"}"),
        STOP(1),
        {"contentBlockStart", "{\"contentBlockIndex\":2,\"start\":{\"toolUse\":{\"toolUseId\":"
                              "\"tooluse_kZ1\",\"name\":\"get_weather\"}},\"p\":\"ab\"}"},
        DELTA(2, "{\"toolUse\":{\"input\":\"{\\\"city\\\"\"}}"),
        DELTA(2, "{\"toolUse\":{\"input\":\": \\\"Oslo\\\"}\"}}"),
        STOP(2),
        MESSAGE_STOP("tool_use"),
        METADATA,
        {0},
    };
    read_frames(CLAUDE, all,
                "start()think(Need the city)asign(EqQB)text(Checking\\u002e)"
                "call0(tooluse_kZ1 get_weather)args0({\\\"city\\\")args0(: \\\"Oslo\\\"})"
                "finish4(tool_use )usage(412 2048 0 61)end()");
}

TEST(calls_that_interleave_and_calls_without_arguments)
{
    static const struct frame all[] = {
        START,
        {"contentBlockStart", "{\"contentBlockIndex\":0,\"start\":{\"toolUse\":{\"toolUseId\":"
                              "\"a\",\"name\":\"x\"}}}"},
        {"contentBlockStart", "{\"contentBlockIndex\":1,\"start\":{\"toolUse\":{\"toolUseId\":"
                              "\"b\",\"name\":\"y\"}}}"},
        DELTA(1, "{\"toolUse\":{\"input\":\"{}\"}}"),
        DELTA(0, "{\"toolUse\":{\"input\":\"\"}}"),
        STOP(0),
        STOP(1),
        MESSAGE_STOP("tool_use"),
        {0},
    };
    read_frames(CLAUDE, all,
                "start()call0(a x)call1(b y)args1({})args0({})finish4(tool_use )end()");
}

TEST(tools_that_bedrock_runs_itself_are_hidden)
{
    static const struct frame all[] = {
        START,
        {"contentBlockStart", "{\"contentBlockIndex\":0,\"start\":{\"toolUse\":{\"toolUseId\":"
                              "\"a\",\"name\":\"nova_grounding\",\"type\":\"server_tool_use\"}}}"},
        DELTA(0, "{\"toolUse\":{\"input\":\"{}\"}}"),
        STOP(0),
        {"contentBlockStart",
         "{\"contentBlockIndex\":1,\"start\":{\"toolResult\":{\"toolUseId\":\"a\"}}}"},
        DELTA(1, "{\"toolResult\":[{\"text\":\"found\"}]}"),
        STOP(1),
        DELTA(2, "{\"text\":\"It is so.\"}"),
        DELTA(2,
              "{\"citation\":{\"title\":\"T\",\"source\":\"s\",\"sourceContent\":[{\"text\":"
              "\"quote\"}],\"location\":{\"web\":{\"url\":\"https://a.b\",\"domain\":\"a.b\"}}}}"),
        STOP(2),
        MESSAGE_STOP("end_turn"),
        METADATA,
        {0},
    };
    read_frames("amazon.nova-2-lite-v1:0", all,
                "start()text(It is so.)cite(https://a.b T quote)finish0(end_turn )"
                "usage(412 2048 0 61)end()");
}

TEST(blocks_of_one_kind_are_kept_apart)
{
    static const struct frame all[] = {
        START, /* some models send an empty start */
        {"contentBlockStart", "{\"contentBlockIndex\":0,\"start\":{}}"},
        DELTA(0, "{\"text\":\"a\"}"),
        DELTA(0, "{\"text\":\"\"}"),
        STOP(0),
        DELTA(1, "{\"text\":\"b\"}"),
        STOP(1),
        DELTA(2, "{\"reasoningContent\":{\"text\":\"c\"}}"),
        STOP(2),
        DELTA(3, "{\"reasoningContent\":{\"text\":\"d\"}}"),
        STOP(3),
        DELTA(4, "{\"reasoningContent\":{\"redactedContent\":\"QUJD\"}}"),
        STOP(4),
        MESSAGE_STOP("stop_sequence"),
        {0},
    };
    read_frames("deepseek.v3-v1:0", all,
                "start()text(a)break()text(b)think(c)break()think(d)bredacted(QUJD)"
                "finish1(stop_sequence )end()");
}

TEST(a_signature_in_pieces_is_one)
{
    static const struct frame all[] = {
        START,
        DELTA(0, "{\"reasoningContent\":{\"signature\":\"Eq\"}}"),
        DELTA(0, "{\"reasoningContent\":{\"signature\":\"QB\"}}"),
        MESSAGE_STOP("end_turn"), /* and its block was not even closed */
        {0},
    };
    read_frames(CLAUDE, all, "start()asign(EqQB)finish0(end_turn )end()");
    read_frames("amazon.nova-2-lite-v1:0", all, "start()bsign(EqQB)finish0(end_turn )end()");
}

TEST(pictures_in_pieces_are_one)
{
    static const struct frame all[] = {
        START,
        {"contentBlockStart",
         "{\"contentBlockIndex\":0,\"start\":{\"image\":{\"format\":\"webp\"}}}"},
        DELTA(0, "{\"image\":{\"source\":{\"bytes\":\"QUJD\"}}}"),
        DELTA(0, "{\"image\":{\"source\":{\"bytes\":\"REVG\"}}}"),
        STOP(0),
        MESSAGE_STOP("end_turn"),
        {0},
    };
    read_frames("amazon.nova-canvas", all,
                "start()media(image/webp QUJDREVG)finish0(end_turn )end()");
}

TEST(the_end_of_frames_without_message_stop_is_no_end)
{
    static const struct frame all[] = {START, DELTA(0, "{\"text\":\"a\"}"), STOP(0), {0}};
    static const struct frame usage_only[] = {START, DELTA(0, "{\"text\":\"a\"}"), METADATA, {0}};
    read_frames(CLAUDE, all, "start()text(a)");
    read_frames(CLAUDE, usage_only, "start()text(a)usage(412 2048 0 61)");
}

TEST(nothing_follows_the_end)
{
    static const struct frame all[] = {
        START, MESSAGE_STOP("end_turn"), METADATA, DELTA(0, "{\"text\":\"a\"}"), {0}};
    read_frames(CLAUDE, all, "start()finish0(end_turn )usage(412 2048 0 61)end()");
}

TEST(unknown_frames_and_deltas_say_nothing)
{
    static const struct frame all[] = {
        START,      {"somethingNew", "not even JSON"}, DELTA(0, "{\"hologram\":{}}"),
        {"", "{}"}, MESSAGE_STOP("brand_new"),         {0}};
    read_frames(CLAUDE, all, "start()finish9(brand_new )end()");
}

TEST(each_exception_has_its_meaning)
{
    static const struct {
        const char *name, *code;
    } all[] = {
        {"internalServerException", "upstream_status"},
        {"modelStreamErrorException", "upstream_stream_error"},
        {"validationException", "provider_refused"},
        {"throttlingException", "upstream_rate_limit"},
        {"serviceUnavailableException", "upstream_overloaded"},
        {"modelTimeoutException", "upstream_status"},
        {"modelNotReadyException", "upstream_overloaded"},
        {"serviceQuotaExceededException", "insufficient_quota"},
        {"accessDeniedException", "upstream_authentication"},
        {"resourceNotFoundException", "provider_not_found"},
        {"brandNewException", "upstream_stream_error"},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct frame frames[] = {
            START, {all[i].name, "{\"message\":\"It \\\"broke\\\"\"}"}, METADATA, {0}};
        char wanted[200];
        snprintf(wanted, sizeof(wanted), "start()failed(%s: %s  It \"broke\")", all[i].code,
                 all[i].name);
        read_frames(CLAUDE, frames, wanted);
    }
}

TEST(errors_that_the_service_does_not_model)
{
    static const struct frame known[] = {
        {":error", "{\"code\":\"ThrottlingException\",\"message\":\"m\"}"}, {0}};
    static const struct frame odd[] = {{":error", "<html>"}, {0}};
    read_frames(CLAUDE, known, "failed(upstream_rate_limit: ThrottlingException  m)");
    read_frames(CLAUDE, odd, "failed(upstream_stream_error:   )");
}

TEST(a_prompt_that_is_too_long_is_told_apart)
{
    static const struct frame all[] = {
        {"validationException", "{\"message\":\"Input is too long for requested model.\"}"}, {0}};
    read_frames(CLAUDE, all,
                "failed(provider_refused: validationException context_length_exceeded "
                "Input is too long for requested model.)");
}

TEST(frames_that_cannot_be_are_malformed)
{
    static const struct frame no_json[] = {START, {"contentBlockDelta", "{\"contentBlock"}, {0}};
    static const struct frame array[] = {{"messageStop", "[]"}, {0}};
    static const struct frame no_call[] = {
        START, DELTA(0, "{\"toolUse\":{\"input\":\"{}\"}}"), {0}};
    static const struct frame no_name[] = {
        {"contentBlockStart", "{\"contentBlockIndex\":0,\"start\":{\"toolUse\":{}}}"}, {0}};
    read_frames(CLAUDE, no_json,
                "start()failed(upstream_malformed:   Bedrock sent an event that is not a JSON "
                "object.)");
    read_frames(CLAUDE, array,
                "failed(upstream_malformed:   Bedrock sent an event that is not a JSON object.)");
    read_frames(CLAUDE, no_call,
                "start()failed(upstream_malformed:   Bedrock sent arguments of a tool that was not "
                "called.)");
    read_frames(CLAUDE, no_name,
                "start()failed(upstream_malformed:   Bedrock called a tool without a name.)");
}

TEST(more_open_blocks_than_can_be_are_malformed)
{
    struct answer_reader r = reader_of(CLAUDE);
    for (unsigned i = 0; i <= BEDROCK_OPEN_MAX; i++) {
        str data =
            arena_printf(&scratch, "{\"contentBlockIndex\":%u,\"delta\":{\"text\":\"x\"}}", i);
        bedrock_read_unit(&r, STR("contentBlockDelta"), data);
    }
    EXPECT(r.ended);
    EXPECT_CONTAINS(buf_str(&said), "failed(upstream_malformed");
    buf_release(&said);
    arena_release(&arena);
    arena_release(&scratch);
}

TEST(each_stop_reason_has_its_meaning)
{
    static const struct {
        const char *reason;
        enum finish finish;
    } all[] = {
        {"end_turn", FINISH_STOP},
        {"stop_sequence", FINISH_STOP_SEQUENCE},
        {"max_tokens", FINISH_LENGTH},
        {"model_context_window_exceeded", FINISH_CONTEXT},
        {"tool_use", FINISH_CALLS},
        {"guardrail_intervened", FINISH_FILTERED},
        {"content_filtered", FINISH_FILTERED},
        {"x", FINISH_OTHER},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        char body[200], wanted[200];
        snprintf(body, sizeof(body),
                 "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[]}},"
                 "\"stopReason\":\"%s\"}",
                 all[i].reason);
        snprintf(wanted, sizeof(wanted), "start()finish%d(%s )end()", all[i].finish, all[i].reason);
        read_body(CLAUDE, body, wanted);
    }
}

/* mapping: §13 malformed */
TEST(a_malformed_answer_without_content_is_a_failure)
{
    read_body(CLAUDE,
              "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[]}},"
              "\"stopReason\":\"malformed_tool_use\"}",
              "start()failed(upstream_malformed: malformed_tool_use  malformed_tool_use)");
    char wanted[80];
    snprintf(wanted, sizeof(wanted), "start()text(Hi)finish%d(malformed_model_output )end()",
             FINISH_MALFORMED);
    read_body(CLAUDE,
              "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"Hi\"}]}},"
              "\"stopReason\":\"malformed_model_output\"}",
              wanted);
}

TEST(a_whole_answer)
{
    read_body(
        CLAUDE,
        "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":["
        "{\"reasoningContent\":{\"reasoningText\":{\"text\":\"hm\",\"signature\":\"EqQB\"}}},"
        "{\"reasoningContent\":{\"redactedContent\":\"QUJD\"}},"
        "{\"text\":\"Hi \\\"you\\\"\"},{\"text\":\"!\"},"
        "{\"citationsContent\":{\"content\":[{\"text\":\"x\"},{\"text\":\"y\"}],"
        "\"citations\":[{\"title\":\"T\",\"location\":{\"documentChar\":{\"documentIndex\":0}}}]}},"
        "{\"toolUse\":{\"toolUseId\":\"t1\",\"name\":\"w\",\"input\":{\"city\": \"Oslo\"}}},"
        "{\"toolUse\":{\"toolUseId\":\"t2\",\"name\":\"w\"}},"
        "{\"image\":{\"format\":\"png\",\"source\":{\"bytes\":\"QUJD\"}}},"
        "{\"newBlock\":{}}]}},"
        "\"stopReason\":\"tool_use\",\"usage\":{\"inputTokens\":12,\"outputTokens\":5,"
        "\"totalTokens\":17},\"metrics\":{\"latencyMs\":812},"
        "\"additionalModelResponseFields\":null}",
        "start()think(hm)asign(EqQB)bredacted(QUJD)text(Hi \\\"you\\\")break()text(!)break()"
        "text(x)text(y)cite( T )call0(t1 w)args0({\\\"city\\\": \\\"Oslo\\\"})call1(t2 w)"
        "args1({})media(image/png QUJD)usage(12 -1 -1 5)finish4(tool_use )end()");
}

TEST(which_stop_sequence_it_was)
{
    read_body(CLAUDE,
              "{\"output\":{\"message\":{\"content\":[]}},\"stopReason\":\"stop_sequence\","
              "\"additionalModelResponseFields\":{\"stop_sequence\":\"E\\nD\"}}",
              "start()finish1(stop_sequence E\\nD)end()");
    static const struct frame all[] = {
        {"messageStop", "{\"stopReason\":\"stop_sequence\",\"additionalModelResponseFields\":"
                        "{\"delta\":{\"stop_sequence\":\"END\"}}}"},
        {0}};
    read_frames(CLAUDE, all, "start()finish1(stop_sequence END)end()");
}

TEST(the_fence_around_json_goes)
{
    static const struct frame all[] = {START,
                                       DELTA(0, "{\"text\":\"``\"}"),
                                       DELTA(0, "{\"text\":\"`json\\n{\\\"a\\\": 1\"}"),
                                       DELTA(0, "{\"text\":\"}\\n```\"}"),
                                       STOP(0),
                                       MESSAGE_STOP("end_turn"),
                                       {0}};
    chat.format = FORMAT_JSON;
    read_frames(CLAUDE, all, "start()text({\\\"a\\\": 1)text(})finish0(end_turn )end()");
    read_body(CLAUDE,
              "{\"output\":{\"message\":{\"content\":[{\"text\":\"```\\n{}\\n```\"}]}},"
              "\"stopReason\":\"end_turn\"}",
              "start()text({})finish0(end_turn )end()");
    chat.format = FORMAT_UNSET;
}

TEST(a_body_without_a_message_is_malformed)
{
    static const char *const all[] = {"{}",
                                      "",
                                      "[1]",
                                      "{\"output\":null}",
                                      "{\"message\":\"Too many\"}",
                                      "{\"output\":{\"message\":[]}}"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        read_body(CLAUDE, all[i], "failed(upstream_malformed:   Bedrock's answer has no message.)");
}

TEST(absurd_usage_is_clamped)
{
    read_body(CLAUDE,
              "{\"output\":{\"message\":{\"content\":[]}},\"stopReason\":\"end_turn\",\"usage\":{"
              "\"inputTokens\":-5,\"outputTokens\":1e30,\"cacheReadInputTokens\":\"x\"}}",
              "start()usage(0 -1 -1 1000000000000)finish0(end_turn )end()");
}

TEST(error_bodies_however_odd)
{
    static const struct {
        const char *body, *type, *message, *code;
    } all[] = {
        {"{\"message\":\"Too many requests\"}", NULL, "Too many requests", NULL},
        {"{\"Message\":\"User is not authorized\"}", NULL, "User is not authorized", NULL},
        {"{\"__type\":\"com.amazon.coral.service#UnrecognizedClientException\",\"message\":\"m\"}",
         "UnrecognizedClientException", "m", NULL},
        {"{\"message\":\"The model returned the following errors: prompt is too long: 3 > 2\"}",
         NULL, "The model returned the following errors: prompt is too long: 3 > 2",
         "context_length_exceeded"},
        {"<html>", NULL, NULL, NULL},
        {"", NULL, NULL, NULL},
        {"[]", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct provider_fault f;
        bedrock_read_error(str_from_c(all[i].body), &arena, &f);
        EXPECT_STR(f.type, all[i].type);
        EXPECT_STR(f.message, all[i].message);
        EXPECT_STR(f.code, all[i].code);
        arena_release(&arena);
    }
}

TEST(names_of_errors_are_cut_out_of_what_surrounds_them)
{
    EXPECT_STR(bedrock_error_name(STR("ThrottlingException:http://internal.amazon.com/coral/x")),
               "ThrottlingException");
    EXPECT_STR(bedrock_error_name(STR("com.amazon#ValidationException")), "ValidationException");
    EXPECT_EQ(bedrock_error_meaning(STR("throttlingException")), ERR_UPSTREAM_RATE_LIMIT);
    EXPECT_EQ(bedrock_error_meaning(STR("Whatever")), ERR_NONE);
}
