/*
 * Answers of Gemini, as neutral events.
 * mapping: §13 GEM ; mapping: §14 GEM ; mapping: §16.2 ; mapping: §12 from GEM
 */
#include <stdio.h>
#include <stdlib.h>

#include "llm/dialect.h"
#include "support/test.h"

extern const struct dialect dialect_gemini;

static struct arena arena, scratch;
static struct answer_reader reader;
static struct buf log_;

/* Each event as a line: "text 0 Hi". */
static void note(void *arg, const struct chat_event *ev)
{
    struct buf *b = arg;
    switch (ev->kind) {
    case CHAT_START:
        buf_printf(b, "start %.*s %.*s\n", STR_ARG(ev->id), STR_ARG(ev->model));
        break;
    case CHAT_TEXT:
        buf_printf(b, "text %u %.*s\n", ev->choice, STR_ARG(ev->text.s));
        break;
    case CHAT_REASONING:
        buf_printf(b, "reasoning %u %.*s\n", ev->choice, STR_ARG(ev->text.s));
        break;
    case CHAT_SIGNATURE:
        buf_printf(b, "signature %.*s %d\n", STR_ARG(ev->opaque), ev->format == NATIVE_GEMINI);
        break;
    case CHAT_CALL:
        buf_printf(b, "call %u %u %.*s %.*s %.*s\n", ev->choice, ev->call, STR_ARG(ev->id),
                   STR_ARG(ev->name), STR_ARG(ev->opaque));
        break;
    case CHAT_CALL_ARGUMENTS:
        buf_printf(b, "arguments %u %.*s\n", ev->call, STR_ARG(ev->text.s));
        break;
    case CHAT_MEDIA:
        buf_printf(b, "media %.*s %.*s\n", STR_ARG(ev->media->mime), STR_ARG(ev->media->data));
        break;
    case CHAT_NATIVE:
        buf_printf(b, "native %.*s %.*s\n", STR_ARG(ev->native->type), STR_ARG(ev->native->json));
        break;
    case CHAT_CITATION:
        buf_printf(b, "citation %.*s %.*s %d %d\n", STR_ARG(ev->citation->url.s),
                   STR_ARG(ev->citation->title.s), (int)ev->citation->start,
                   (int)ev->citation->end);
        break;
    case CHAT_LOGPROBS:
        buf_printf(b, "logprobs %.*s\n", STR_ARG(ev->json));
        break;
    case CHAT_USAGE:
        buf_printf(b, "usage %d %d %d %d\n", (int)ev->usage.input, (int)ev->usage.cached,
                   (int)ev->usage.output, (int)ev->usage.reasoning);
        break;
    case CHAT_FINISH:
        buf_printf(b, "finish %u %d %.*s%s%.*s\n", ev->choice, (int)ev->finish, STR_ARG(ev->reason),
                   ev->text.s.len ? ": " : "", STR_ARG(ev->text.s));
        break;
    case CHAT_FAILED:
        buf_printf(b, "failed %s %.*s %.*s\n", err_facts(ev->err)->name, STR_ARG(ev->fault.type),
                   STR_ARG(ev->fault.message));
        break;
    case CHAT_END:
        buf_printf(b, "end\n");
        break;
    default:
        buf_printf(b, "other %d\n", (int)ev->kind);
    }
}

static void begin(void)
{
    static const struct chat none;
    struct chat_sink sink = {note, &log_};
    arena_release(&arena);
    buf_clear(&log_);
    EXPECT(answer_reader_init(&reader, &dialect_gemini, &arena, &scratch, &sink));
    reader.chat = &none;
}

static void unit(const char *data)
{
    /* From memory of its own, so that nothing is kept of it by mistake. */
    char *copy = strdup(data);
    dialect_gemini.read_unit(&reader, STR_NULL, str_from_c(copy));
    free(copy);
    arena_release(&scratch);
}

static void expect(const char *wanted)
{
    if (!str_eq(buf_str(&log_), str_from_c(wanted)))
        EXPECT_FAIL("\n%.*sexpected\n%s", STR_ARG(buf_str(&log_)), wanted);
}

static void expect_stream(const char *const *units, const char *wanted)
{
    begin();
    for (; *units; units++)
        unit(*units);
    dialect_gemini.read_end(&reader);
    expect(wanted);
}

static void expect_answer(const char *body, const char *wanted)
{
    begin();
    dialect_gemini.read_answer(&reader, str_from_c(body));
    arena_release(&scratch);
    expect(wanted);
}

#define CANDIDATE(parts) "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[" parts "]}"
#define STOP ",\"finishReason\":\"STOP\"}]}"

TEST(the_transcript_of_the_sheet)
{
    static const char *const units[] = {
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Comparing\",\"thought\":true}],"
        "\"role\":\"model\"},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":58,"
        "\"thoughtsTokenCount\":21,\"totalTokenCount\":79},\"modelVersion\":\"gemini-3.6-flash\","
        "\"responseId\":\"r1\"}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"fc1\",\"name\":"
        "\"get_weather\",\"args\":{\"city\":\"Oslo\"}},\"thoughtSignature\":\"CiQBvs1x\"}],"
        "\"role\":\"model\"},\"index\":0}],\"responseId\":\"r1\"}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"fc2\",\"name\":"
        "\"get_weather\",\"args\":{\"city\":\"Rome\"}}}]},\"index\":0}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},"
        "\"finishReason\":\"STOP\",\"index\":0}]}",
        "{\"usageMetadata\":{\"promptTokenCount\":58,\"cachedContentTokenCount\":8,"
        "\"candidatesTokenCount\":28,\"thoughtsTokenCount\":40,\"toolUsePromptTokenCount\":5,"
        "\"totalTokenCount\":131}}",
        NULL};
    expect_stream(units, "start r1 gemini-3.6-flash\n"
                         "reasoning 0 Comparing\n"
                         "usage 58 -1 -1 21\n"
                         "call 0 0 fc1 get_weather CiQBvs1x\n"
                         "arguments 0 {\\\"city\\\":\\\"Oslo\\\"}\n"
                         "call 0 1 fc2 get_weather \n"
                         "arguments 1 {\\\"city\\\":\\\"Rome\\\"}\n"
                         "finish 0 4 STOP\n"
                         "usage 55 8 28 40\n"
                         "end\n");
}

TEST(a_stream_without_a_reason_is_not_complete)
{
    static const char *const units[] = {CANDIDATE("{\"text\":\"The first\"}") "}]}", NULL};
    expect_stream(units, "start  \ntext 0 The first\n");
    EXPECT(!reader.ended);
}

TEST(a_failure_in_the_stream_comes_in_any_shape)
{
    static const char *const units[] = {
        CANDIDATE("{\"text\":\"The first\"}") "}]}",
        "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"Overloaded.\",\n    \"status\": "
        "\"UNAVAILABLE\"\n  }\n}",
        "{\"candidates\":[]}", NULL};
    expect_stream(units, "start  \ntext 0 The first\nfailed UPSTREAM_OVERLOADED UNAVAILABLE "
                         "Overloaded.\n");
    begin();
    unit("[{\"error\":{\"code\":null,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}}]");
    expect("failed UPSTREAM_RATE_LIMIT RESOURCE_EXHAUSTED m\n");
    begin();
    unit("upstream connect error");
    expect("failed UPSTREAM_MALFORMED  upstream connect error\n");
}

TEST(a_blocked_prompt_is_a_refusal)
{
    expect_answer("{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":"
                  "{\"promptTokenCount\":9}}",
                  "start  \nfinish 0 5 SAFETY: Blocked: SAFETY\nusage 9 -1 -1 -1\nend\n");
    expect_answer("{\"promptFeedback\":{\"blockReason\":\"BLOCKED_REASON_UNSPECIFIED\"},"
                  "\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"ok\"}]},\"finishReason\":"
                  "\"STOP\"}]}",
                  "start  \ntext 0 ok\nfinish 0 0 STOP\nend\n");
}

TEST(reasons_have_their_meaning)
{
    static const struct {
        const char *reason;
        int finish;
    } rows[] = {
        {"STOP", FINISH_STOP},           {"MAX_TOKENS", FINISH_LENGTH},
        {"CONTINUATION", FINISH_LENGTH}, {"SAFETY", FINISH_FILTERED},
        {"RECITATION", FINISH_FILTERED}, {"MALFORMED_FUNCTION_CALL", FINISH_MALFORMED},
        {"OTHER", FINISH_OTHER},         {"NEW_REASON", FINISH_OTHER},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[300], wanted[200];
        snprintf(body, sizeof(body), CANDIDATE("{\"text\":\"a\"}") ",\"finishReason\":\"%s\"}]}",
                 rows[i].reason);
        snprintf(wanted, sizeof(wanted), "start  \ntext 0 a\nfinish 0 %d %s\nend\n", rows[i].finish,
                 rows[i].reason);
        expect_answer(body, wanted);
    }
}

TEST(a_call_overrides_only_stop)
{
    expect_answer(CANDIDATE("{\"functionCall\":{\"id\":\"a\",\"name\":\"f\"}}") ",\"finishReason\":"
                                                                                "\"MAX_TOKENS\"}]}",
                  "start  \ncall 0 0 a f \narguments 0 {}\nfinish 0 2 MAX_TOKENS\nend\n");
}

TEST(thinking_until_the_limit_leaves_no_parts)
{
    expect_answer("{\"candidates\":[{\"content\":{},\"finishReason\":\"MAX_TOKENS\"}]}",
                  "start  \nfinish 0 2 MAX_TOKENS\nend\n");
    expect_answer("{\"candidates\":[{\"finishReason\":\"STOP\"}]}",
                  "start  \nfinish 0 0 STOP\nend\n");
}

/* mapping: §24 PUP_LIMITED_DISABLED */
TEST(an_empty_answer_for_a_bad_reason_is_a_failure)
{
    expect_answer("{\"candidates\":[{\"content\":{},\"finishReason\":\"MALFORMED_FUNCTION_CALL\","
                  "\"finishMessage\":\"Malformed call: x\"}]}",
                  "start  \nfailed UPSTREAM_MALFORMED MALFORMED_FUNCTION_CALL Malformed call: x\n");
    expect_answer("{\"candidates\":[{\"finishReason\":\"PUP_LIMITED_DISABLED\"}]}",
                  "start  \nfailed UPSTREAM_AUTH PUP_LIMITED_DISABLED PUP_LIMITED_DISABLED\n");
    expect_answer("{\"usageMetadata\":{}}",
                  "start  \nfailed UPSTREAM_MALFORMED  the answer has no candidates\n");
}

TEST(calls_without_ids_get_ones_that_differ)
{
    begin();
    dialect_gemini.read_answer(
        &reader,
        STR("{\"responseId\":\"r\",\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{"
            "\"name\":\"f\",\"args\":{ \"a\" : \"b \\\\\\\" c\" }}},{\"functionCall\":{\"name\":"
            "\"f\",\"args\":{\"a\":\"b\"}}}]},\"finishReason\":\"STOP\"}]}"));
    str text = buf_str(&log_);
    EXPECT_CONTAINS(text, "call 0 0 call_");
    EXPECT_CONTAINS(text, "arguments 0 {\\\"a\\\":\\\"b \\\\\\\\\\\\\\\" c\\\"}");
    str first = str_make(text.ptr + str_find(text, STR("call_")), 29);
    str rest = str_from(text, (size_t)str_find(text, STR("call 0 1")));
    EXPECT(str_find(rest, STR("call_")) > 0);
    EXPECT(str_find(rest, first) < 0);
}

TEST(arguments_in_pieces_are_one_call)
{
    static const char *const units[] = {
        CANDIDATE("{\"functionCall\":{\"id\":\"x\",\"name\":\"f\",\"willContinue\":true},"
                  "\"thoughtSignature\":\"S=\"}") "}]}",
        CANDIDATE("{\"functionCall\":{\"partialArgs\":[{\"jsonPath\":\"$.city\",\"stringValue\":"
                  "\"Os\",\"willContinue\":true}],\"willContinue\":true}}") "}]}",
        CANDIDATE("{\"functionCall\":{\"partialArgs\":[{\"jsonPath\":\"$.city\",\"stringValue\":"
                  "\"lo\\n\"},{\"jsonPath\":\"$.days[0].n\",\"numberValue\":2},{\"jsonPath\":"
                  "\"$.days[1].n\",\"boolValue\":true},{\"jsonPath\":\"$['a b']\",\"nullValue\":"
                  "\"NULL_VALUE\"}],\"willContinue\":true}}") "}]}",
        CANDIDATE("{\"functionCall\":{}}") "}]}",
        CANDIDATE("{\"functionCall\":{\"id\":\"y\",\"name\":\"g\",\"args\":{}}}") STOP,
        NULL};
    expect_stream(units, "start  \ncall 0 0 x f S=\n"
                         "arguments 0 {\\\"city\\\":\\\"Oslo\\\\n\\\",\\\"days\\\":[{\\\"n\\\":2},{"
                         "\\\"n\\\":true}],\\\"a b\\\":null}\n"
                         "call 0 1 y g \narguments 1 {}\nfinish 0 4 STOP\nend\n");
}

TEST(signatures_of_texts_come_after_them)
{
    static const char *const units[] = {
        CANDIDATE("{\"text\":\"Hi\"}") "}]}",
        CANDIDATE("{\"text\":\"\",\"thought_signature\":\"S=\"}") STOP, NULL};
    expect_stream(units, "start  \ntext 0 Hi\nsignature S= 1\nfinish 0 0 STOP\nend\n");
}

TEST(media_and_what_only_gemini_has)
{
    expect_answer(CANDIDATE("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AA==\"}},"
                            "{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"1\"}}") STOP,
                  "start  \nmedia image/png AA==\nnative executableCode {\"executableCode\":{"
                  "\"language\":\"PYTHON\",\"code\":\"1\"}}\nfinish 0 0 STOP\nend\n");
}

TEST(sources_are_citations)
{
#define GROUNDING                                                                                  \
    ",\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":\"https://a\",\"title\":"      \
    "\"A\"}},{\"web\":{\"uri\":\"https://b\",\"title\":\"B\"}}],\"groundingSupports\":[{"          \
    "\"segment\":{\"endIndex\":4,\"text\":\"Oslo\"},\"groundingChunkIndices\":[0,1,7]}]}"
    expect_answer(CANDIDATE("{\"text\":\"Oslo.\"}") GROUNDING STOP,
                  "start  \ntext 0 Oslo.\ncitation https://a A 0 4\ncitation https://b B 0 4\n"
                  "finish 0 0 STOP\nend\n");
    expect_answer(
        CANDIDATE("{\"text\":\"Tromsø.\"}") GROUNDING STOP,
        "start  \ntext 0 Tromsø.\ncitation https://a A -1 -1\ncitation https://b B -1 -1\n"
        "finish 0 0 STOP\nend\n");
    expect_answer(
        CANDIDATE("{\"text\":\"x\"}") ",\"citationMetadata\":{\"citationSources\":[{"
                                      "\"startIndex\":1,\"endIndex\":2,\"uri\":\"u\"}]}" STOP,
        "start  \ntext 0 x\ncitation u  1 2\nfinish 0 0 STOP\nend\n");
}

TEST(probabilities_are_openais_elements)
{
    expect_answer(
        CANDIDATE("{\"text\":\"x\"}") ",\"logprobsResult\":{\"chosenCandidates\":[{"
                                      "\"token\":\"x\",\"logProbability\":-0.5}],"
                                      "\"topCandidates\":[{\"candidates\":[{\"token\":\"y\","
                                      "\"logProbability\":-1}]}]}" STOP,
        "start  \ntext 0 x\nlogprobs {\"token\":\"x\",\"logprob\":-0.5,\"bytes\":null,"
        "\"top_logprobs\":[{\"token\":\"y\",\"logprob\":-1,\"bytes\":null}]}\n"
        "finish 0 0 STOP\nend\n");
}

TEST(several_candidates_are_choices)
{
    static const char *const units[] = {
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}},{\"index\":1,\"content\":{"
        "\"parts\":[{\"text\":\"b\"}]},\"finishReason\":\"STOP\"}]}",
        NULL};
    expect_stream(units, "start  \ntext 0 a\ntext 1 b\nfinish 1 0 STOP\n");
}

/* --- What passes by on the same format */

static struct event_facts facts_of(const char *data)
{
    struct event_facts f = {.kind = EVENT_OTHER};
    arena_release(&scratch);
    dialect_gemini.event(STR_NULL, str_from_c(data), &scratch, &f);
    return f;
}

TEST(events_that_pass_by_are_told_apart)
{
    EXPECT_EQ(facts_of("{\"usageMetadata\":{\"trafficType\":\"ON_DEMAND\"}}").kind, EVENT_OTHER);
    EXPECT_EQ(facts_of(CANDIDATE("{\"text\":\"\"}") "}]}").kind, EVENT_OTHER);
    struct event_facts f = facts_of(CANDIDATE("{\"text\":\"a\"}") "}],\"responseId\":\"r\"}");
    EXPECT(f.kind == EVENT_CONTENT && !f.complete && str_eq(f.answer_id, STR("r")));
    f = facts_of(CANDIDATE("{\"text\":\"\",\"thoughtSignature\":\"S\"}") "}]}");
    EXPECT(f.kind == EVENT_CONTENT && !f.complete);
    f = facts_of(CANDIDATE("{\"text\":\"\"}") STOP);
    EXPECT(f.kind == EVENT_CONTENT && f.complete && str_eq(f.finish_reason, STR("STOP")));
    f = facts_of("{\"candidates\":[{\"continuationToken\":\"t\"}]}");
    EXPECT(f.kind == EVENT_OTHER && !f.complete); /* a checkpoint is no end */
    f = facts_of("{\"promptFeedback\":{\"blockReason\":\"OTHER\"}}");
    EXPECT(f.complete);
    f = facts_of("{\"promptFeedback\":{\"safetyRatings\":[]}}");
    EXPECT(!f.complete);
    f = facts_of("[{\"error\":{\"code\":429}}]");
    EXPECT(f.kind == EVENT_FAILED && str_eq(f.error, STR("{\"code\":429}")));
    f = facts_of("nonsense");
    EXPECT(f.kind == EVENT_CONTENT && f.unreadable);
}

/* mapping: §17 GEM, RetryInfo */
TEST(errors_are_read_in_all_their_shapes)
{
    struct provider_fault f;
    arena_release(&scratch);
    dialect_gemini.read_error(
        STR("{\"error\":{\"code\":429,\"message\":\"Quota\",\"status\":\"RESOURCE_EXHAUSTED\","
            "\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":"
            "\"38.5s\"},{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"R\"},"
            "{\"@type\":\"type.googleapis.com/google.rpc.BadRequest\",\"fieldViolations\":[{"
            "\"field\":\"contents[0]\"}]}]}}"),
        &scratch, &f);
    EXPECT(str_eq(f.message, STR("Quota")));
    EXPECT(str_eq(f.type, STR("RESOURCE_EXHAUSTED")));
    EXPECT(str_eq(f.code, STR("R")));
    EXPECT(str_eq(f.param, STR("contents[0]")));
    EXPECT_EQ(f.retry_after_ms, 38500);
    dialect_gemini.read_error(STR("[{\"error\":{\"message\":\"m\"}}]"), &scratch, &f);
    EXPECT(str_eq(f.message, STR("m")));
    dialect_gemini.read_error(STR("<html>no</html>\n"), &scratch, &f);
    EXPECT(str_eq(f.message, STR("<html>no</html>\n")) ||
           str_eq(f.message, STR("<html>no</html>")));
}

TEST(a_failure_is_one_event_with_a_number)
{
    struct stream_failure f = {
        .err = ERR_UPSTREAM_OVERLOADED, .message = STR("no \"room\""), .request_id = STR("q1")};
    buf_clear(&log_);
    dialect_gemini.write_failure(&log_, &f);
    expect("data: {\"error\":{\"code\":503,\"message\":\"no \\\"room\\\"\",\"status\":"
           "\"UNAVAILABLE\",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\","
           "\"reason\":\"upstream_overloaded\",\"domain\":\"llm-gateway\",\"metadata\":{"
           "\"request_id\":\"q1\"}}]}}\n\n");
}
