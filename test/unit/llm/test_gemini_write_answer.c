/*
 * Answers for Gemini's clients.
 * mapping: §15 GEM ; mapping: §24 emitting GEM ; mapping: §10 answer side
 */
#include "llm/dialect.h"
#include "llm/signature.h"
#include "support/test.h"

extern const struct dialect dialect_gemini;

static struct arena arena, scratch;
static struct buf out;
static struct answer_writer writer;
static struct chat asked;

static void begin(bool thoughts)
{
    arena_release(&arena);
    buf_clear(&out);
    asked = (struct chat){.reasoning_visible = thoughts ? YES : UNSET};
    EXPECT(answer_writer_init(&writer, &dialect_gemini, &arena, &scratch, &out));
    writer.chat = &asked;
    writer.id = STR("q1");
    writer.model = STR("claude");
}

static void event(struct chat_event ev)
{
    dialect_gemini.write_event(&writer, &ev);
    arena_release(&scratch);
}

static void text(enum chat_event_kind kind, const char *raw)
{
    event((struct chat_event){.kind = kind, .text = {str_from_c(raw)}});
}

static void end(enum finish finish)
{
    event((struct chat_event){.kind = CHAT_FINISH, .finish = finish});
    event((struct chat_event){.kind = CHAT_END});
}

#define TAIL "\"modelVersion\":\"claude\",\"responseId\":\"q1\"}"
#define PART(part)                                                                                 \
    "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[" part                     \
    "]},\"index\":0}]," TAIL "\n\n"
#define LAST(reason)                                                                               \
    "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"\"}]},"        \
    "\"finishReason\":\"" reason "\",\"index\":0}],"

static void expect(const char *wanted)
{
    EXPECT(!out.failed);
    if (!str_eq(buf_str(&out), str_from_c(wanted)))
        EXPECT_FAIL("\n%.*sexpected\n%s", STR_ARG(buf_str(&out)), wanted);
}

TEST(a_stream_is_events_of_whole_responses)
{
    begin(false);
    event((struct chat_event){.kind = CHAT_START, .id = STR("x")});
    text(CHAT_TEXT, "Hel\\u006co");
    event((struct chat_event){.kind = CHAT_USAGE,
                              .usage = {.known = true,
                                        .input = 5,
                                        .cached = 3,
                                        .cache_write = 2,
                                        .output = -1,
                                        .reasoning = -1}});
    end(FINISH_STOP);
    expect(PART("{\"text\":\"Hel\\u006co\"}") LAST(
        "STOP") "\"usageMetadata\":{\"promptTokenCount\":10,\"cachedContentTokenCount\":3,"
                "\"totalTokenCount\":10}," TAIL "\n\n");
}

TEST(usage_that_comes_after_the_reason_is_in_the_last_chunk)
{
    begin(false);
    text(CHAT_TEXT, "a");
    event((struct chat_event){.kind = CHAT_FINISH, .finish = FINISH_LENGTH});
    event((struct chat_event){.kind = CHAT_USAGE,
                              .usage = {.known = true,
                                        .input = 5,
                                        .cached = -1,
                                        .cache_write = -1,
                                        .output = 7,
                                        .reasoning = 4}});
    event((struct chat_event){.kind = CHAT_END});
    expect(PART("{\"text\":\"a\"}") LAST(
        "MAX_TOKENS") "\"usageMetadata\":{\"promptTokenCount\":5,\"candidatesTokenCount\":7,"
                      "\"thoughtsTokenCount\":4,\"totalTokenCount\":16}," TAIL "\n\n");
}

static void calls(enum native_format format)
{
    text(CHAT_REASONING, "Need \\n");
    text(CHAT_REASONING, "it.");
    event((struct chat_event){.kind = CHAT_SIGNATURE, .opaque = STR("SIG=="), .format = format});
    event(
        (struct chat_event){.kind = CHAT_CALL, .id = STR("toolu_1"), .name = STR("f"), .call = 0});
    text(CHAT_CALL_ARGUMENTS, "{\\\"city\\\":");
    text(CHAT_CALL_ARGUMENTS, " \\\"Oslo\\\"}");
    event(
        (struct chat_event){.kind = CHAT_CALL, .id = STR("toolu_2"), .name = STR("g"), .call = 1});
    text(CHAT_CALL_ARGUMENTS, "{\\\"broken");
    end(FINISH_CALLS);
}

TEST(calls_go_out_whole)
{
    begin(false);
    event((struct chat_event){.kind = CHAT_CALL, .id = STR("a"), .name = STR("f")});
    end(FINISH_CALLS);
    expect(PART("{\"functionCall\":{\"id\":\"a\",\"name\":\"f\",\"args\":{}}}") LAST("STOP") TAIL
           "\n\n");
}

TEST(signatures_of_others_travel_with_the_call)
{
    begin(false);
    calls(NATIVE_ANTHROPIC);
    str carried =
        signature_wrap(&arena, NATIVE_GEMINI, NATIVE_ANTHROPIC, STR("sSIG==\n\nNeed \\nit.\n"));
    str got = buf_str(&out);
    str wanted = arena_printf(
        &arena,
        PART("{\"functionCall\":{\"id\":\"toolu_1\",\"name\":\"f\",\"args\":{\"city\": \"Oslo\"}},"
             "\"thoughtSignature\":\"%.*s\"}")
            PART("{\"functionCall\":{\"id\":\"toolu_2\",\"name\":\"g\",\"args\":{\"_raw\":"
                 "\"{\\\"broken\"}}}") LAST("STOP") TAIL "\n\n",
        STR_ARG(carried));
    if (!str_eq(got, wanted))
        EXPECT_FAIL("\n%.*sexpected\n%.*s", STR_ARG(got), STR_ARG(wanted));
}

TEST(thoughts_are_shown_to_those_who_asked)
{
    begin(true);
    calls(NATIVE_ANTHROPIC);
    str got = buf_str(&out);
    EXPECT(str_starts(got, STR(PART("{\"text\":\"Need \\n\",\"thought\":true}")
                                   PART("{\"text\":\"it.\",\"thought\":true}"))));
    str mark = signature_wrap(&arena, NATIVE_GEMINI, NATIVE_ANTHROPIC, STR("sSIG==\n"));
    EXPECT_CONTAINS(got, "{\"text\":\"\",\"thought\":true,\"thoughtSignature\":\"");
    EXPECT(str_find(got, mark) > 0);
}

TEST(refusals_are_told)
{
    begin(false);
    event((struct chat_event){
        .kind = CHAT_FINISH, .finish = FINISH_REFUSAL, .text = {STR("I \\\"cannot\\\"")}});
    event((struct chat_event){.kind = CHAT_END});
    expect("data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"\"}]},"
           "\"finishReason\":\"SAFETY\",\"finishMessage\":\"I \\\"cannot\\\"\",\"index\":0}]," TAIL
           "\n\n");
}

TEST(sources_and_media_and_probabilities)
{
    static const struct citation c = {
        .url = {STR_INIT("https://a")}, .title = {STR_INIT("A")}, .start = 0, .end = 4};
    static const struct media m = {.mime = STR_INIT("image/png"), .data = STR_INIT("AA==")};
    begin(false);
    text(CHAT_TEXT, "Oslo");
    event((struct chat_event){.kind = CHAT_CITATION, .citation = &c});
    event((struct chat_event){.kind = CHAT_MEDIA, .media = &m});
    event((struct chat_event){
        .kind = CHAT_LOGPROBS,
        .json = STR("{\"token\":\"O\",\"logprob\":-0.5,\"bytes\":null,\"top_logprobs\":[]}")});
    end(FINISH_STOP);
    str got = buf_str(&out);
    EXPECT_CONTAINS(got, "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AA==\"}}");
    EXPECT_CONTAINS(got, "{\"candidates\":[{\"logprobsResult\":{\"chosenCandidates\":[{\"token\":"
                         "\"O\",\"logProbability\":-0.5}],\"topCandidates\":[{\"candidates\":[]}]},"
                         "\"index\":0}]");
    EXPECT_CONTAINS(got,
                    "\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":\"https://a\","
                    "\"title\":\"A\"}}],\"groundingSupports\":[{\"segment\":{\"startIndex\":0,"
                    "\"endIndex\":4},\"groundingChunkIndices\":[0]}]}");
}

TEST(without_alt_sse_a_stream_is_an_array)
{
    begin(false);
    writer.array = true;
    text(CHAT_TEXT, "a");
    end(FINISH_STOP);
    expect("[{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"a\"}]},"
           "\"index\":0}]," TAIL ",\r\n{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":"
           "[{\"text\":\"\"}]},\"finishReason\":\"STOP\",\"index\":0}]," TAIL "]");
}

TEST(a_whole_answer_is_one_response)
{
    struct block call = {.kind = BLOCK_CALL,
                         .call = {.id = STR("a"), .name = STR("f"), .arguments = STR("{\"x\":1}")}};
    struct citation cite = {.url = RAW("u"), .start = 1, .end = 2};
    struct block words = {.kind = BLOCK_TEXT, .text = RAW("Hi"), .citations = &cite, .next = &call};
    struct block thought = {
        .kind = BLOCK_REASONING,
        .reasoning = {.text = RAW("hm"), .signature = STR("S"), .format = NATIVE_ANTHROPIC},
        .next = &words};
    struct answer_choice choice = {.blocks = &thought, .finish = FINISH_CALLS, .finished = true};
    struct chat_answer answer = {
        .choices = &choice,
        .usage = {.known = true, .input = 1, .cached = 0, .cache_write = 0, .output = 2},
        .complete = true};
    begin(true);
    dialect_gemini.write_answer(&writer, &answer);
    arena_release(&scratch);
    str got = buf_str(&out);
    EXPECT(str_starts(got, STR("{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":["
                               "{\"text\":\"hm\",\"thought\":true,\"thoughtSignature\":\"")));
    EXPECT_CONTAINS(got,
                    "{\"text\":\"Hi\"},{\"functionCall\":{\"id\":\"a\",\"name\":\"f\",\"args\":"
                    "{\"x\":1}},\"thoughtSignature\":\"");
    EXPECT_CONTAINS(got, "\"finishReason\":\"STOP\",\"index\":0,\"groundingMetadata\"");
    EXPECT_CONTAINS(got, "\"usageMetadata\":{\"promptTokenCount\":1,\"candidatesTokenCount\":2,"
                         "\"totalTokenCount\":3}," TAIL);
}

TEST(errors_have_googles_shape)
{
    struct client_error e = {.err = ERR_FIELD_INVALID,
                             .status = 400,
                             .message = STR("bad"),
                             .param = STR("contents[0].role"),
                             .request_id = STR("r")};
    buf_clear(&out);
    dialect_gemini.write_error(&out, &e);
    expect("{\"error\":{\"code\":400,\"message\":\"bad\",\"status\":\"INVALID_ARGUMENT\","
           "\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":"
           "\"invalid_value\",\"domain\":\"llm-gateway\",\"metadata\":{\"request_id\":\"r\"}},"
           "{\"@type\":\"type.googleapis.com/google.rpc.BadRequest\",\"fieldViolations\":[{"
           "\"field\":\"contents[0].role\",\"description\":\"bad\"}]}]}}");
}
