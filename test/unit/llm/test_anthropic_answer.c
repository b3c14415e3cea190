/* Answers of Anthropic's Messages API: read into events, and written from them. */
#include "anthropic_helpers.h"

#include <stdio.h>

#include "support/test.h"

#define EVENT(name, data) "event: " name "\ndata: " data "\n\n"
#define START                                                                                      \
    EVENT("message_start",                                                                         \
          "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\","        \
          "\"role\":\"assistant\",\"model\":\"claude-x\",\"content\":[],\"usage\":{"               \
          "\"input_tokens\":25,\"output_tokens\":1}}}")
#define BLOCK(block)                                                                               \
    EVENT("content_block_start", "{\"type\":\"content_block_start\",\"index\":0,"                  \
                                 "\"content_block\":" block "}")
#define DELTA(delta)                                                                               \
    EVENT("content_block_delta",                                                                   \
          "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":" delta "}")
#define STOP EVENT("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0}")
#define LAST(reason)                                                                               \
    EVENT("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" reason      \
                           "\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":9}}")          \
    EVENT("message_stop", "{\"type\":\"message_stop\"}")

#define BEGUN "start msg_1 claude-x|usage 25 -1 -1 1 -1|"
#define ENDED(finish) "usage -1 -1 -1 9 -1|finish " finish "|end"

/* --- Reading streams */

TEST(text_comes_as_it_comes)
{
    EXPECT_STR(words_of_stream(START BLOCK("{\"type\":\"text\",\"text\":\"\"}")
                                   EVENT("ping", "{\"type\":\"ping\"}")
                                       DELTA("{\"type\":\"text_delta\",\"text\":\"H\\u00e9\"}")
                                           DELTA("{\"type\":\"text_delta\",\"text\":\"y\"}")
                                               STOP LAST("end_turn")),
               BEGUN "text H\\u00e9|text y|" ENDED("stop "));
}

/* mapping: §12 message.content */
TEST(text_blocks_that_citations_cut_stay_apart_and_keep_them)
{
    EXPECT_STR(words_of_stream(
                   START BLOCK("{\"type\":\"text\",\"text\":\"\"}")
                       DELTA("{\"type\":\"text_delta\",\"text\":\"a\"}")
                           STOP BLOCK("{\"type\":\"text\",\"text\":\"\",\"citations\":[]}")
                               DELTA("{\"type\":\"citations_delta\",\"citation\":{\"type\":"
                                     "\"web_search_result_location\",\"url\":\"https://e.org\","
                                     "\"title\":\"T\",\"cited_text\":\"c\"}}")
                                   DELTA("{\"type\":\"text_delta\",\"text\":\"b\"}")
                                       STOP LAST("end_turn")),
               BEGUN "text a|break|citation https://e.org|text b|" ENDED("stop "));
}

/* mapping: §16.1 content_block_start, content_block_delta, content_block_stop */
TEST(calls_are_numbered_by_themselves_and_get_their_arguments)
{
    EXPECT_STR(
        words_of_stream(
            START BLOCK("{\"type\":\"text\",\"text\":\"\"}")
                DELTA("{\"type\":\"text_delta\",\"text\":\"Both.\"}") STOP BLOCK(
                    "{\"type\":\"tool_use\",\"id\":\"toolu_A\",\"name\":\"weather\",\"input\":{}}")
                    DELTA("{\"type\":\"input_json_delta\",\"partial_json\":\"\"}") DELTA(
                        "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"city\\\": \\\"Os\"}")
                        DELTA("{\"type\":\"input_json_delta\",\"partial_json\":\"lo\\\"}\"}")
                            STOP BLOCK("{\"type\":\"tool_use\",\"id\":\"toolu_B\",\"name\":"
                                       "\"time\",\"input\":{}}") STOP LAST("tool_use")),
        BEGUN "text Both.|call 0 toolu_A weather|arguments 0 {\\\"city\\\": \\\"Os|arguments 0 "
              "lo\\\"}|call 1 toolu_B time|arguments 1 {}|" ENDED("calls "));
}

TEST(a_call_that_was_cut_off_gets_no_arguments_invented)
{
    EXPECT_STR(words_of_stream(START BLOCK("{\"type\":\"tool_use\",\"id\":\"toolu_A\",\"name\":"
                                           "\"weather\",\"input\":{}}") LAST("max_tokens")),
               BEGUN "call 0 toolu_A weather|" ENDED("length "));
}

/* mapping: §10 thinking, redacted_thinking */
TEST(thinking_brings_its_signature_at_its_end)
{
    EXPECT_STR(
        words_of_stream(
            START BLOCK("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
                DELTA("{\"type\":\"thinking_delta\",\"thinking\":\"Sum\",\"estimated_tokens\":3}")
                    DELTA("{\"type\":\"signature_delta\",\"signature\":\"EqQB\\/\"}")
                        STOP BLOCK("{\"type\":\"redacted_thinking\",\"data\":\"Emw=\"}")
                            STOP BLOCK("{\"type\":\"text\",\"text\":\"\"}") DELTA(
                                "{\"type\":\"text_delta\",\"text\":\"25\"}") STOP LAST("end_turn")),
        BEGUN "reasoning Sum|signature 2 EqQB/|redacted 2 Emw=|text 25|" ENDED("stop "));
}

TEST(thinking_without_text_is_its_signature)
{
    EXPECT_STR(
        words_of_stream(START BLOCK("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
                            DELTA("{\"type\":\"signature_delta\",\"signature\":\"S\"}") STOP BLOCK(
                                "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
                                DELTA("{\"type\":\"signature_delta\",\"signature\":\"T\"}")
                                    STOP LAST("end_turn")),
        BEGUN "signature 2 S|signature 2 T|" ENDED("stop "));
}

/* mapping: §12 server_tool_use */
TEST(server_tools_are_native_blocks_with_their_input)
{
    EXPECT_STR(
        words_of_stream(
            START BLOCK("{\"type\":\"server_tool_use\",\"id\":\"srvtoolu_1\",\"name\":"
                        "\"web_search\",\"input\":{}}")
                DELTA("{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"query\\\":\"}")
                    DELTA("{\"type\":\"input_json_delta\",\"partial_json\":\"\\\"x\\\"}\"}")
                        STOP BLOCK("{\"type\":\"web_search_tool_result\",\"tool_use_id\":"
                                   "\"srvtoolu_1\",\"content\":[]}") STOP LAST("pause_turn")),
        BEGUN "native {\"type\":\"server_tool_use\",\"id\":\"srvtoolu_1\",\"name\":"
              "\"web_search\",\"input\":{\"query\":\"x\"}}|native {\"type\":"
              "\"web_search_tool_result\",\"tool_use_id\":\"srvtoolu_1\",\"content\":[]}|" ENDED(
                  "pause "));
}

/* mapping: §13 end_turn, max_tokens, refusal … */
TEST(each_stop_reason_has_its_meaning)
{
    static const struct {
        const char *reason, *finish;
    } rows[] = {
        {"end_turn", "stop "},
        {"max_tokens", "length "},
        {"stop_sequence", "stop_sequence ##"},
        {"tool_use", "calls "},
        {"pause_turn", "pause "},
        {"refusal", "refusal Not \\u0041."},
        {"compaction", "length "},
        {"model_context_window_exceeded", "context "},
        {"something_new", "other "},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        char body[400], words[200];
        snprintf(body, sizeof(body),
                 "{\"id\":\"m\",\"model\":\"c\",\"content\":[],\"stop_reason\":\"%s\","
                 "\"stop_sequence\":\"##\",\"stop_details\":{\"explanation\":\"Not \\u0041.\"}}",
                 rows[i].reason);
        snprintf(words, sizeof(words), "start m c|finish %s|end", rows[i].finish);
        EXPECT_STR(words_of_answer(body), words);
    }
}

TEST(an_error_event_fails_the_answer)
{
    EXPECT_STR(words_of_stream(START EVENT("error", "{\"type\":\"error\",\"error\":{\"type\":"
                                                    "\"overloaded_error\",\"message\":"
                                                    "\"Overloaded\"}}") LAST("end_turn")),
               BEGUN "failed upstream_overloaded Overloaded");
    EXPECT_STR(words_of_stream(START EVENT("content_block_delta", "nonsense")),
               BEGUN "failed upstream_malformed ");
}

TEST(a_stream_without_message_stop_does_not_end)
{
    EXPECT_STR(words_of_stream(START BLOCK("{\"type\":\"text\",\"text\":\"Hi\"}") STOP EVENT(
                   "message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
                                    "\"end_turn\"},\"usage\":{\"output_tokens\":9}}")),
               BEGUN "text Hi|usage -1 -1 -1 9 -1");
}

TEST(what_is_not_known_is_passed_over)
{
    EXPECT_STR(words_of_stream(START EVENT("new_event", "{\"type\":\"new_event\"}") BLOCK(
                   "{\"type\":\"text\",\"text\":\"\"}") DELTA("{\"type\":\"new_delta\",\"x\":1}")
                                   STOP LAST("end_turn")),
               BEGUN ENDED("stop "));
}

/* --- Reading whole answers */

TEST(a_whole_answer_is_the_same_events)
{
    EXPECT_STR(
        words_of_answer(
            "{\"id\":\"msg_2\",\"type\":\"message\",\"model\":\"claude-x\",\"content\":["
            "{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"sig\"},"
            "{\"type\":\"text\",\"text\":\"A\",\"citations\":null},{\"type\":\"text\",\"text\":"
            "\"B\"},{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{\"a\": "
            "[1]}},{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"g\",\"input\":{}}],"
            "\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":5,\"output_tokens\":6}}"),
        "start msg_2 claude-x|reasoning hm|signature 2 sig|text A|break|text B|call 0 toolu_1 f|"
        "arguments 0 {\\\"a\\\": [1]}|call 1 toolu_2 g|arguments 1 {}|usage 5 -1 -1 6 -1|finish "
        "calls |end");
}

TEST(what_is_no_answer_fails)
{
    EXPECT_STR(words_of_answer("nope"), "failed upstream_malformed ");
    EXPECT_STR(words_of_answer("{\"id\":1}"), "failed upstream_malformed ");
    EXPECT_STR(words_of_answer("{\"type\":\"error\",\"error\":{\"type\":\"api_error\","
                               "\"message\":\"m\"}}"),
               "failed upstream_stream_error m");
    EXPECT_STR(words_of_answer("{\"content\":null,\"stop_reason\":null}"),
               "start  |finish stop |end");
}

/* --- Writing streams */

#define W_START(usage)                                                                             \
    EVENT("message_start",                                                                         \
          "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_0123456789abcdefghijklmn\","      \
          "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"asked\",\"content\":[],"        \
          "\"stop_reason\":null,\"stop_sequence\":null,\"stop_details\":null,\"container\":null,"  \
          "\"usage\":" usage "}}")
#define W_NO_USAGE                                                                                 \
    "{\"input_tokens\":0,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,"         \
    "\"cache_creation\":null,\"output_tokens\":0,\"output_tokens_details\":null,"                  \
    "\"server_tool_use\":null,\"service_tier\":null,\"inference_geo\":null}"
#define W_BLOCK(i, block)                                                                          \
    EVENT("content_block_start",                                                                   \
          "{\"type\":\"content_block_start\",\"index\":" i ",\"content_block\":" block "}")
#define W_DELTA(i, delta)                                                                          \
    EVENT("content_block_delta",                                                                   \
          "{\"type\":\"content_block_delta\",\"index\":" i ",\"delta\":" delta "}")
#define W_STOP(i) EVENT("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":" i "}")
#define W_LAST(stop, usage)                                                                        \
    EVENT("message_delta",                                                                         \
          "{\"type\":\"message_delta\",\"delta\":{" stop "},\"usage\":" usage "}")                 \
    EVENT("message_stop", "{\"type\":\"message_stop\"}")
#define W_TEXT "{\"type\":\"text\",\"text\":\"\",\"citations\":null}"
#define W_THINKING "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"
#define PLAIN(reason) "\"stop_reason\":\"" reason "\",\"stop_sequence\":null,\"stop_details\":null"
#define UNKNOWN "{\"output_tokens\":0,\"output_tokens_details\":null}"

/* mapping: §15 emitting ANT events */
TEST(a_stream_has_one_open_block_and_dense_indexes)
{
    EXPECT_STR(
        stream_of_words("start x y|usage 7 -1 -1 0 -1|reasoning why|text Hi|text  there|call 0 "
                        "call_1 f|arguments 0 {\\\"a\\\":|arguments 0 1}|usage 7 2 1 5 3|finish "
                        "calls |end"),
        W_START("{\"input_tokens\":7,\"cache_creation_input_tokens\":0,"
                "\"cache_read_input_tokens\":0,\"cache_creation\":null,\"output_tokens\":0,"
                "\"output_tokens_details\":null,\"server_tool_use\":null,\"service_tier\":null,"
                "\"inference_geo\":null}") W_BLOCK("0", W_THINKING)
            W_DELTA("0", "{\"type\":\"thinking_delta\",\"thinking\":\"why\"}") W_STOP("0")
                W_BLOCK("1", W_TEXT) W_DELTA("1", "{\"type\":\"text_delta\",\"text\":\"Hi\"}")
                    W_DELTA("1", "{\"type\":\"text_delta\",\"text\":\" there\"}") W_STOP("1")
                        W_BLOCK("2", "{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"f\","
                                     "\"input\":{}}")
                            W_DELTA("2", "{\"type\":\"input_json_delta\",\"partial_json\":"
                                         "\"{\\\"a\\\":\"}")
                                W_DELTA("2", "{\"type\":\"input_json_delta\",\"partial_json\":"
                                             "\"1}\"}") W_STOP("2")
                                    W_LAST(PLAIN("tool_use"),
                                           "{\"input_tokens\":7,\"cache_creation_input_tokens\":1,"
                                           "\"cache_read_input_tokens\":2,\"output_tokens\":8,"
                                           "\"output_tokens_details\":{\"thinking_tokens\":3}}"));
}

TEST(an_empty_answer_is_a_whole_stream)
{
    EXPECT_STR(stream_of_words("start x y|finish stop |end"),
               W_START(W_NO_USAGE) W_LAST(PLAIN("end_turn"), UNKNOWN));
}

/* mapping: §10 signatures produced by another provider, round trip signatures of others */
TEST(foreign_signatures_are_wrapped_and_own_ones_are_not)
{
    EXPECT_STR(stream_of_words("start x y|reasoning t|signature 2 OWN=|redacted 1 enc|finish stop "
                               "|end"),
               W_START(W_NO_USAGE) W_BLOCK("0", W_THINKING)
                   W_DELTA("0", "{\"type\":\"thinking_delta\",\"thinking\":\"t\"}")
                       W_DELTA("0", "{\"type\":\"signature_delta\",\"signature\":\"OWN=\"}")
                           W_STOP("0") W_BLOCK("1", "{\"type\":\"redacted_thinking\",\"data\":"
                                                    "\"gw1.o.enc\"}") W_STOP("1")
                               W_LAST(PLAIN("end_turn"), UNKNOWN));
}

/* mapping: §10 thoughtSignature on functionCall */
TEST(a_calls_own_signature_is_a_thinking_block_before_it)
{
    EXPECT_STR(stream_of_words("start x y|reasoning t|signed_call 0 call_1 f|arguments 0 {}|finish "
                               "calls |end"),
               W_START(W_NO_USAGE) W_BLOCK("0", W_THINKING)
                   W_DELTA("0", "{\"type\":\"thinking_delta\",\"thinking\":\"t\"}") W_STOP("0")
                       W_BLOCK("1", W_THINKING) W_DELTA("1", "{\"type\":\"signature_delta\","
                                                             "\"signature\":\"gw1.g.c2ln\"}")
                           W_STOP("1")
                               W_BLOCK("2", "{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":"
                                            "\"f\",\"input\":{}}")
                                   W_DELTA("2", "{\"type\":\"input_json_delta\","
                                                "\"partial_json\":\"{}\"}") W_STOP("2")
                                       W_LAST(PLAIN("tool_use"), UNKNOWN));
}

/* mapping: §13 OAI → ANT */
TEST(each_finish_has_its_stop_reason)
{
    static const struct {
        const char *words, *stop;
    } rows[] = {
        {"finish stop |end", PLAIN("end_turn")},
        {"finish length |end", PLAIN("max_tokens")},
        {"finish context |end", PLAIN("model_context_window_exceeded")},
        {"finish calls |end", PLAIN("end_turn")}, /* without calls */
        {"call 0 c f|finish stop |end", PLAIN("tool_use")},
        {"call 0 c f|finish length |end", PLAIN("max_tokens")},
        {"finish pause |end", PLAIN("pause_turn")},
        {"finish other |end", PLAIN("end_turn")},
        {"finish malformed |end", PLAIN("end_turn")},
        {"finish stop_sequence ##|end",
         "\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"##\",\"stop_details\":null"},
        {"finish filtered |end",
         "\"stop_reason\":\"refusal\",\"stop_sequence\":null,\"stop_details\":{\"type\":"
         "\"refusal\",\"category\":null,\"explanation\":null}"},
        {"finish refusal No.|end",
         "\"stop_reason\":\"refusal\",\"stop_sequence\":null,\"stop_details\":{\"type\":"
         "\"refusal\",\"category\":null,\"explanation\":\"No.\"}"},
        {"refusal I won't.|finish stop |end",
         "\"stop_reason\":\"refusal\",\"stop_sequence\":null,\"stop_details\":{\"type\":"
         "\"refusal\",\"category\":null,\"explanation\":null}"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        char words[200];
        snprintf(words, sizeof(words), "start x y|%s", rows[i].words);
        EXPECT_CONTAINS(stream_of_words(words), rows[i].stop);
        EXPECT_CONTAINS(answer_of_words(words), rows[i].stop);
    }
}

/* mapping: §8 ids */
TEST(ids_that_clients_could_not_give_back_are_made_legal)
{
    EXPECT_CONTAINS(stream_of_words("start x y|call 0 functions.x:0 f|finish calls |end"),
                    "\"id\":\"functions_x_0_");
    EXPECT_CONTAINS(stream_of_words("start x y|call 0  f|finish calls |end"),
                    "\"id\":\"toolu_msg_0123456789abcdefghijklmn_0\"");
}

TEST(citations_of_others_become_search_results)
{
    EXPECT_CONTAINS(stream_of_words("start x y|text a|citation https://e.org|finish stop |end"),
                    "\"delta\":{\"type\":\"citations_delta\",\"citation\":{\"type\":"
                    "\"web_search_result_location\",\"url\":\"https://e.org\",\"title\":null,"
                    "\"cited_text\":\"\",\"encrypted_index\":\"\"}}");
}

/* --- Writing whole answers */

TEST(a_whole_answer_is_one_message)
{
    EXPECT_STR(answer_of_words("start x y|reasoning t|signature 3 SIG|text A|text B|call 0 call_1 "
                               "f|arguments 0 {\\\"a\\\":1}|usage 7 2 1 5 3|finish calls |end"),
               "{\"id\":\"msg_0123456789abcdefghijklmn\",\"type\":\"message\",\"role\":"
               "\"assistant\",\"model\":\"asked\",\"content\":[{\"type\":\"thinking\","
               "\"thinking\":\"t\",\"signature\":\"gw1.g.SIG\"},{\"type\":\"text\",\"text\":"
               "\"AB\",\"citations\":null},{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"f\","
               "\"input\":{\"a\":1}}],\"stop_reason\":\"tool_use\",\"stop_sequence\":null,"
               "\"stop_details\":null,\"container\":null,\"usage\":{\"input_tokens\":7,"
               "\"cache_creation_input_tokens\":1,\"cache_read_input_tokens\":2,"
               "\"cache_creation\":null,\"output_tokens\":8,\"output_tokens_details\":{"
               "\"thinking_tokens\":3},\"server_tool_use\":null,\"service_tier\":null,"
               "\"inference_geo\":null}}");
}

/* mapping: §12 tool_use.input */
TEST(arguments_that_are_no_object_are_wrapped)
{
    EXPECT_CONTAINS(answer_of_words("start x y|call 0 call_1 f|arguments 0 {\\\"a\\\":|finish "
                                    "length |end"),
                    "\"input\":{\"_raw\":\"{\\\"a\\\":\"}");
    EXPECT_CONTAINS(answer_of_words("start x y|call 0 call_1 f|finish calls |end"), "\"input\":{}");
}

TEST(native_blocks_come_through)
{
    const char *words = "start x y|native {\"type\":\"server_tool_use\",\"id\":\"s\"}|finish stop "
                        "|end";
    EXPECT_CONTAINS(answer_of_words(words),
                    "\"content\":[{\"type\":\"server_tool_use\",\"id\":\"s\"}]");
    EXPECT_CONTAINS(stream_of_words(words),
                    "\"index\":0,\"content_block\":{\"type\":\"server_tool_use\",\"id\":\"s\"}}");
}

/* --- There and back */

TEST(what_is_written_is_read_the_same)
{
    static const char *const rows[] = {
        "reasoning t|signature 2 S|redacted 2 R|text Hi \\u00e9|call 0 c f|arguments 0 "
        "{\\\"a\\\":1}|usage 7 2 1 5 3|finish calls |end",
        "text a|break|text b|usage 1 0 0 1 0|finish length |end",
        "signature 2 S|text x|usage 1 0 0 1 0|finish stop |end",
        "usage 1 0 0 1 0|finish context |end",
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        char words[400], back[400];
        snprintf(words, sizeof(words), "start m y|%s", rows[i]);
        snprintf(back, sizeof(back), "start msg_0123456789abcdefghijklmn asked|%s", rows[i]);
        EXPECT_STR(words_of_answer(answer_of_words(words)), back);
        const char *streamed = words_of_stream(stream_of_words(words));
        EXPECT_CONTAINS(streamed, strstr(back, "|usage") + 1);
    }
}
