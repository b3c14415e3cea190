/* Answers of chat completions, streamed and whole, and errors, as neutral events. */
#include "openai_helpers.h"

#include "support/test.h"

#define CHUNK(rest) "data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[" rest "]}\n\n"
#define DELTA(delta) CHUNK("{\"index\":0,\"delta\":{" delta "},\"finish_reason\":null}")
#define FINISH(reason) CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}")
#define DONE "data: [DONE]\n\n"

struct row {
    const char *stream, *words;
};

static void expect_streams(const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        EXPECT_STR(openai_words_of_stream(rows[i].stream), rows[i].words);
}

/* mapping: §15 Reading; §13 stop, length, eos, content_filter; §14 OAI */
TEST(text_usage_and_ends_are_read)
{
    static const struct row rows[] = {
        {DELTA("\"role\":\"assistant\",\"content\":\"\"") DELTA("\"content\":\"Hi\\n\"") FINISH(
             "stop") "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":20,"
                     "\"completion_tokens\":9,\"prompt_tokens_details\":{\"cached_tokens\":5,"
                     "\"cache_write_tokens\":3},\"completion_tokens_details\":{\"reasoning_tokens\":4}}}\n\n" DONE,
         "start c1 m|text Hi\\n|finish stop stop|usage 12 5 3 5 4|end"},
        /* Together: text twice, a role in each, usage beside the choice, a word of its own */
        {"data: {\"id\":\"o\",\"model\":\"m\",\"choices\":[{\"index\":0,\"text\":\"Hi\",\"logprobs\":"
         "-0.1,\"finish_reason\":null,\"delta\":{\"role\":\"assistant\",\"content\":\"Hi\"}}]}\n\n"
         "data: {\"id\":\"o\",\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"eos\","
         "\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":{\"prompt_tokens\":1,"
         "\"completion_tokens\":2,\"cached_tokens\":0}}\n\n" DONE,
         "start o m|text Hi|finish stop eos|usage 1 0 -1 2 -1|end"},
        /* vLLM: the last text and the reason in one chunk, and which stop sequence it was */
        {CHUNK(
             "{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\",\"stop_reason\":"
             "\"END\"}") DONE,
         "start c1 m|text Hi|finish stop_sequence stop (END)|end"},
        {DELTA("\"content\":\"a\"") FINISH("length") DONE,
         "start c1 m|text a|finish length length|end"},
        {DELTA("\"content\":\"a\"") FINISH("abort") DONE,
         "start c1 m|text a|finish length abort|end"},
        {DELTA("\"content\":\"a\"") FINISH("content_filter") DONE,
         "start c1 m|text a|finish filtered content_filter|end"},
        {DELTA("\"content\":null,\"refusal\":\"No\"") FINISH("stop") DONE,
         "start c1 m|refusal No|finish stop stop|end"},
        {DELTA("\"content\":\"a\"") FINISH("whatever") DONE,
         "start c1 m|text a|finish other whatever|end"},
        /* the end without a reason, and a reason without the end */
        {DELTA("\"content\":\"a\"") DONE, "start c1 m|text a|finish other |end"},
        {DELTA("\"content\":\"a\"") FINISH("stop"), "start c1 m|text a|finish stop stop|end"},
        {DELTA("\"content\":\"a\""), "start c1 m|text a"},
    };
    expect_streams(rows, ARRAY_LEN(rows));
}

/* mapping: §10 field names */
TEST(reasoning_is_read_by_every_name)
{
    static const struct row rows[] = {
        {DELTA("\"reasoning_content\":\"a\"") DELTA("\"reasoning\":\"b\"") FINISH("stop") DONE,
         "start c1 m|reasoning a|reasoning b|finish stop stop|end"},
        {DELTA(
             "\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"a\",\"signature\":\"S\"},{"
             "\"type\":\"redacted_thinking\",\"data\":\"D\"}]") FINISH("stop") DONE,
         "start c1 m|signature 2 S|redacted 2 D|finish stop stop|end"},
        {DELTA(
             "\"reasoning\":\"a\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"a\","
             "\"signature\":\"S\",\"format\":\"anthropic-claude-v1\"},{\"data\":\"E\",\"format\":"
             "\"openai-responses-v1\"}]") FINISH("stop") DONE,
         "start c1 m|reasoning a|signature 2 S|redacted 1 E|finish stop stop|end"},
        {DELTA(
             "\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"a\"}]},{"
             "\"type\":\"text\",\"text\":\"b\"}]") FINISH("stop") DONE,
         "start c1 m|reasoning a|text b|finish stop stop|end"},
    };
    expect_streams(rows, ARRAY_LEN(rows));
}

#define FRAGMENT(rest) DELTA("\"tool_calls\":[{" rest "}]")
#define F(name, arguments) "\"function\":{\"name\":\"" name "\",\"arguments\":\"" arguments "\"}"
#define A(arguments) "\"function\":{\"arguments\":\"" arguments "\"}"

/* mapping: §16.5 tool_calls, interleaved, name late; §13 calls but stop */
TEST(calls_are_read_whatever_their_shape)
{
    static const struct row rows[] = {
        {FRAGMENT("\"index\":0,\"id\":\"a\"," F("f", "")) FRAGMENT("\"index\":0," A("{\\\"x\\\":"))
             FRAGMENT("\"index\":0," A("1}")) FRAGMENT("\"index\":1,\"id\":\"b\"," F("g", "{}"))
                 FINISH("tool_calls") DONE,
         "start c1 m|call 0 a f|arguments 0 {\\\"x\\\":|arguments 0 1}|call 1 b g|arguments 1 {}|"
         "finish calls tool_calls|end"},
        /* interleaved */
        {FRAGMENT("\"index\":0,\"id\":\"a\"," F("f", ""))
             FRAGMENT("\"index\":1,\"id\":\"b\"," F("g", "")) FRAGMENT("\"index\":0," A("1"))
                 FRAGMENT("\"index\":1," A("2")) FINISH("stop") DONE,
         "start c1 m|call 0 a f|call 1 b g|arguments 0 1|arguments 1 2|finish calls stop|end"},
        /* empty id and name again (Together) */
        {FRAGMENT("\"index\":0,\"id\":\"a\"," F("f", ""))
             FRAGMENT("\"index\":0,\"id\":\"\"," F("", "1")) FINISH("tool_calls") DONE,
         "start c1 m|call 0 a f|arguments 0 1|finish calls tool_calls|end"},
        /* id and name repeated */
        {FRAGMENT("\"index\":0,\"id\":\"a\"," F("f", "1"))
             FRAGMENT("\"index\":0,\"id\":\"a\"," F("f", "2")) FINISH("tool_calls") DONE,
         "start c1 m|call 0 a f|arguments 0 1|arguments 0 2|finish calls tool_calls|end"},
        /* all have index 0 */
        {FRAGMENT("\"index\":0,\"id\":\"a\"," F("f", "{}"))
             FRAGMENT("\"index\":0,\"id\":\"b\"," F("f", "{}")) FINISH("stop") DONE,
         "start c1 m|call 0 a f|arguments 0 {}|call 1 b f|arguments 1 {}|finish calls stop|end"},
        /* no index */
        {FRAGMENT("\"id\":\"a\"," F("f", "1")) FRAGMENT("\"id\":\"\"," A("2"))
             FRAGMENT("\"id\":\"b\"," F("g", "3")) FRAGMENT("\"id\":\"b\"," A("4"))
                 FRAGMENT("\"id\":\"a\"," A("5")) FINISH("tool_calls") DONE,
         "start c1 m|call 0 a f|arguments 0 1|arguments 0 2|call 1 b g|arguments 1 3|arguments 1 4|"
         "arguments 0 5|finish calls tool_calls|end"},
        /* neither index nor id */
        {FRAGMENT(F("f", "{}")) FRAGMENT(F("f", "{}")) FINISH("tool_calls") DONE,
         "start c1 m|call 0  f|arguments 0 {}|call 1  f|arguments 1 {}|finish calls tool_calls|end"},
        /* the name comes late */
        {FRAGMENT("\"index\":0,\"id\":\"a\"," A("1")) FRAGMENT("\"index\":0," F("f", "2"))
             FINISH("tool_calls") DONE,
         "start c1 m|call 0 a f|arguments 0 1|arguments 0 2|finish calls tool_calls|end"},
        /* from an index that is not 0 */
        {FRAGMENT("\"index\":7,\"id\":\"a\"," F("f", "1"))
             FRAGMENT("\"index\":9,\"id\":\"b\"," F("g", "2")) FRAGMENT("\"index\":7," A("3"))
                 FINISH("tool_calls") DONE,
         "start c1 m|call 0 a f|arguments 0 1|call 1 b g|arguments 1 2|arguments 0 3|finish calls "
         "tool_calls|end"},
        /* arguments as an object; Google's signature */
        {FRAGMENT("\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}},"
                  "\"extra_content\":{\"google\":{\"thought_signature\":\"S\"}}")
             FINISH("tool_calls") DONE,
         "start c1 m|call 0 a f signature=S|arguments 0 {\\\"x\\\":1}|finish calls tool_calls|end"},
        /* custom: its input is a string in an object */
        {FRAGMENT(
             "\"index\":0,\"id\":\"a\",\"type\":\"custom\",\"custom\":{\"name\":\"sh\",\"input\":\"\"}")
             FRAGMENT("\"index\":0,\"custom\":{\"input\":\"l\\\"s\"}") FINISH("tool_calls") DONE,
         "start c1 m|call 0 a sh custom|arguments 0 {\\\"input\\\":\\\"|arguments 0 l\\\\\\\"s|arguments 0 "
         "\\\"}|finish calls tool_calls|end"},
        /* the older form */
        {DELTA("\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}")
             DELTA("\"function_call\":{\"arguments\":\"{}\"}") FINISH("function_call") DONE,
         "start c1 m|call 0  f|arguments 0 {}|finish calls function_call|end"},
        /* a limit is a limit */
        {FRAGMENT("\"index\":0,\"id\":\"a\"," F("f", "{")) FINISH("length") DONE,
         "start c1 m|call 0 a f|arguments 0 {|finish length length|end"},
    };
    expect_streams(rows, ARRAY_LEN(rows));
}

/* mapping: §17 in-stream errors */
TEST(failures_end_a_stream_in_every_shape)
{
    static const struct row rows[] = {
        {DELTA(
             "\"content\":\"Par\"") "data: {\"error\":{\"message\":\"Sorry\",\"type\":\"server_error\","
                                    "\"param\":null,\"code\":null}}\n\n" DONE,
         "start c1 m|text Par|failed upstream_stream_error Sorry"},
        {"data: {\"error\":{\"message\":\"Busy\",\"type\":\"service_unavailable_error\",\"code\":"
         "\"server_is_overloaded\"}}\n\n",
         "failed upstream_overloaded Busy"},
        {"data: {\"error\":{\"message\":\"Slow\",\"code\":429}}\n\n",
         "failed upstream_rate_limit Slow"},
        {"data: {\"error\":\"Unauthorized\"}\n\n", "failed upstream_stream_error Unauthorized"},
        {"data: {\"object\":\"error\",\"message\":\"old\",\"type\":\"BadRequestError\"}\n\n" DONE,
         "failed provider_refused old"},
        {"event: error\ndata: {\"message\":\"named\"}\n\n", "failed upstream_stream_error named"},
        {CHUNK(
             "{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"error\",\"error\":{\"code\":"
             "502,\"message\":\"Behind\"}}"),
         "start c1 m|text a|failed upstream_stream_error Behind"},
        {"data: {\"choices\n\n", "failed upstream_malformed "},
        {"data: 7\n\n", "failed upstream_malformed "},
        {DONE, "failed upstream_truncated "},
    };
    expect_streams(rows, ARRAY_LEN(rows));
}

TEST(azures_filter_says_nothing_of_its_own)
{
    EXPECT_STR(
        openai_words_of_stream(
            "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\","
            "\"prompt_filter_results\":[{\"prompt_index\":0}]}\n\n" DELTA("\"content\":\"a\"")
                FINISH("stop") "data: {\"id\":\"\",\"model\":\"\",\"choices\":[{\"index\":0,"
                               "\"finish_reason\":null,\"content_filter_results\":{}}]}\n\n" DONE),
        "start c1 m|text a|finish stop stop|end");
    EXPECT_STR(
        openai_words_of_stream(DELTA(
            "\"content\":\"a\"") "data: {\"id\":\"\",\"model\":\"\",\"choices\":[{\"index\":0,"
                                 "\"finish_reason\":\"content_filter\"}]}\n\n" DONE),
        "start c1 m|text a|finish filtered content_filter|end");
}

TEST(whole_answers_are_read)
{
    EXPECT_STR(
        openai_words_of_answer(
            "{\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
            "\"assistant\",\"content\":\"Hi\",\"reasoning\":\"r\",\"annotations\":[{\"type\":"
            "\"url_citation\",\"url_citation\":{\"url\":\"https://a\",\"start_index\":0,"
            "\"end_index\":2}}],\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\","
            "\"arguments\":\"{}\"}},{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":"
            "\"{}\"}}],\"images\":[{\"image_url\":{\"url\":\"data:image/png;base64,iVBO\"}}]},"
            "\"logprobs\":{\"content\":[ {\"token\":\"Hi\"} ]},\"finish_reason\":\"stop\"}],"
            "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}"),
        "start c m|reasoning r|text Hi|citation https://a 0-2|media image/png iVBO|call 0 a f|"
        "arguments 0 {}|call 1 a f|arguments 1 {}|logprobs {\"token\":\"Hi\"}|finish calls stop|"
        "usage 1 -1 -1 2 -1|end");
    EXPECT_STR(
        openai_words_of_answer(
            "{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"},\"logprobs\":"
            "{\"tokens\":[\"a\",\"b\"],\"token_logprobs\":[-0.5,null]},\"finish_reason\":"
            "\"eos\"}]}"),
        "start c |text a|logprobs {\"token\":\"a\",\"logprob\":-0.5,\"bytes\":null,"
        "\"top_logprobs\":[]},{\"token\":\"b\",\"logprob\":-9999.0,\"bytes\":null,"
        "\"top_logprobs\":[]}|finish stop eos|end");
    EXPECT_STR(
        openai_words_of_answer("{\"id\":\"c\",\"choices\":[{\"index\":1,\"message\":{\"content\":"
                               "\"b\"},\"finish_reason\":\"stop\"},{\"index\":0,\"message\":{"
                               "\"content\":\"a\"},\"finish_reason\":\"length\"}]}"),
        "start c |1: text b|1: finish stop stop|text a|finish length length|end");
    EXPECT_STR(
        openai_words_of_answer("{\"error\":{\"message\":\"m\",\"code\":\"insufficient_quota\"}}"),
        "failed insufficient_quota m");
    EXPECT_STR(openai_words_of_answer("{\"choices\":[]}"), "failed upstream_malformed ");
    EXPECT_STR(openai_words_of_answer("[]"), "failed upstream_malformed ");
}

/* mapping: §17 shapes */
/* mapping: §24 retries */
TEST(error_bodies_are_read_however_odd)
{
    static const struct {
        const char *body, *message, *type, *code, *param;
    } rows[] = {
        {"{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":\"p\",\"code\":\"c\"}}", "m", "t",
         "c", "p"},
        {"{\"error\":{\"message\":\"m\",\"type\":\"NotFoundError\",\"code\":404}}", "m",
         "NotFoundError", "404", NULL},
        {"{\"error\":\"Unauthorized\"}", "Unauthorized", NULL, NULL, NULL},
        {"{\"object\":\"error\",\"message\":\"m\",\"type\":\"BadRequestError\",\"code\":400}", "m",
         "BadRequestError", "400", NULL},
        {"{\"detail\":\"Not Found\"}", "Not Found", NULL, NULL, NULL},
        {"{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field required\",\"type\":\"missing\"}]}",
         "field required", "missing", NULL, NULL},
        {"{\"statusCode\":429,\"message\":\"m\"}", "m", NULL, NULL, NULL},
        {"[{\"error\":{\"code\":400,\"message\":\"m\"}}]", "m", NULL, "400", NULL},
        {"{\"error\":{\"code\":400,\"message\":\"m\",\"type\":\"exceed_context_size_error\"}}", "m",
         "invalid_request_error", "context_length_exceeded", NULL},
        {"<html>", NULL, NULL, NULL, NULL},
        {"", NULL, NULL, NULL, NULL},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct provider_fault f;
        struct arena a;
        arena_init(&a, 0);
        dialect_of(ENDPOINT_CHAT)->read_error(str_from_c(rows[i].body), &a, &f);
        EXPECT_STR(f.message, rows[i].message);
        EXPECT_STR(f.type, rows[i].type);
        EXPECT_STR(f.code, rows[i].code);
        EXPECT_STR(f.param, rows[i].param);
        arena_release(&a);
    }
}
