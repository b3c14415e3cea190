/* The client's half of the chat completions dialect: requests into chats, events into chunks and answers. */
#include "openai_helpers.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

#define ASK(messages) "{\"model\":\"m\",\"messages\":[" messages "]}"
#define SAY(more) "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]" more "}"
#define USER(content) "{\"role\":\"user\",\"content\":" content "}"

/* --- Requests */

struct row {
    const char *body, *words;
};

static void expect_rows(const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        EXPECT_STR(openai_read(rows[i].body), rows[i].words);
}

/* mapping: §2 system, developer, later system, user, name on messages; §4 content, refusal */
TEST(messages_become_turns)
{
    static const struct row rows[] = {
        {ASK("{\"role\":\"system\",\"content\":\"Be brief\"},{\"role\":\"developer\",\"content\":"
             "[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}," USER(
                 "\"Hi\"") ",{\"role\":\"system\",\"content\":\"Later\"}," USER("\"So?\"")),
         "system: text Be brief|system dev: text a, text b|user: text Hi|system: text Later|user: "
         "text So?"},
        {ASK("{\"role\":\"user\",\"name\":\"Ann\",\"content\":\"Hi\"},{\"role\":\"assistant\","
             "\"content\":[{\"type\":\"text\",\"text\":\"No\"},{\"type\":\"refusal\",\"refusal\":"
             "\"never\"}]}," USER("\"x\"")),
         "user: text Hi (Ann)|assistant: text No, refusal never|user: text x"},
        {ASK("{\"role\":\"assistant\",\"content\":null,\"refusal\":\"I can't\"}," USER("\"x\"")),
         "assistant: refusal I can't|user: text x"},
    };
    expect_rows(rows, ARRAY_LEN(rows));
}

/* mapping: §3 text, image_url data, image_url https, image_url.detail, input_audio, file PDF, file text,
 * file_id, PDF by image_url, prompt_cache_breakpoint, cache_control */
TEST(parts_of_all_kinds_are_read)
{
    static const struct row rows[] = {
        {ASK(USER("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/PNG;base64,iVBO\","
                  "\"detail\":\"low\"}},{\"type\":\"image_url\",\"image_url\":{\"url\":"
                  "\"https://a.test/i.jpg\",\"detail\":\"original\"}}]")),
         "user: image base64 image/png iVBO detail=1, image url  https://a.test/i.jpg detail=4"},
        {ASK(USER("[{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklG\",\"format\":"
                  "\"wav\"}},{\"type\":\"video_url\",\"video_url\":{\"url\":\"https://a.test/v\"}}"
                  "]")),
         "user: audio base64 audio/wav UklG, video url  https://a.test/v"},
        {ASK(USER(
             "[{\"type\":\"file\",\"file\":{\"filename\":\"Q3.pdf\",\"file_data\":"
             "\"data:application/pdf;base64,JVBE\"}},{\"type\":\"file\",\"file\":{\"filename\":"
             "\"a.csv\",\"file_data\":\"YSxi\"}},{\"type\":\"file\",\"file\":{\"file_id\":"
             "\"file-1\"}},{\"type\":\"image_url\",\"image_url\":{\"url\":"
             "\"data:application/pdf;base64,JVBE\"}}]")),
         "user: document base64 application/pdf JVBE name=Q3.pdf, document base64 text/csv YSxi "
         "name=a.csv, document file  file-1, document base64 application/pdf JVBE"},
        {ASK(USER("[{\"type\":\"text\",\"text\":\"a\",\"prompt_cache_breakpoint\":{\"mode\":"
                  "\"explicit\",\"ttl\":\"12h\"}},{\"type\":\"text\",\"text\":\"b\","
                  "\"cache_control\":{\"type\":\"ephemeral\"}}]")),
         "user: text a cached=3600, text b cached=0"},
        {ASK("{\"role\":\"system\",\"content\":\"s\",\"cache_control\":{\"type\":\"ephemeral\","
             "\"ttl\":\"5m\"}}," USER("\"x\"")),
         "system: text s cached=300|user: text x"},
    };
    expect_rows(rows, ARRAY_LEN(rows));
}

#define CALL(id, name, arguments)                                                                  \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name                      \
    "\",\"arguments\":" arguments "}}"
#define CALLS(calls) "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" calls "]}"
#define RESULT(id, content)                                                                        \
    "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":" content "}"

/* mapping: §4 tool_calls, arguments empty, arguments invalid, custom, function_call; §5 string, array,
 * error marker, reverse order */
TEST(calls_and_results_are_read)
{
    static const struct row rows[] = {
        {ASK(USER("\"x\"") "," CALLS(CALL("a", "f", "\"{\\\"x\\\":1}\"") "," CALL(
             "b", "g", "\"\"")) "," RESULT("b", "\"two\"") "," RESULT("a", "[{\"type\":\"text\","
                                                                           "\"text\":\"one\"}]")),
         "user: text x|assistant: call a f {\"x\":1}, call b g {}|user: result a text one, result "
         "b text two"},
        {ASK(USER("\"x\"") "," CALLS(CALL("a", "f", "\"[1\"")) "," RESULT("a", "\"\"")),
         "user: text x|assistant: call a f [1 raw|user: result a text "},
        {ASK(USER("\"x\"") "," CALLS(
             "{\"id\":\"a\",\"type\":\"custom\",\"custom\":{\"name\":\"sh\","
             "\"input\":\"ls\\n\"}}") "," RESULT("a", "\"ok\"")),
         "user: text x|assistant: call a sh {\"input\":\"ls\\n\"} custom|user: result a text ok"},
        {ASK(USER("\"x\"") ",{\"role\":\"assistant\",\"content\":null,\"function_call\":{\"name\":"
                           "\"f\",\"arguments\":\"{}\"}},{\"role\":\"function\",\"name\":\"f\","
                           "\"content\":\"old\"}"),
         "user: text x|assistant: call call_be30e909d6be6093b20e7d92 f {}|user: result "
         "call_be30e909d6be6093b20e7d92 text old"},
        {ASK(USER("\"x\"") "," CALLS(CALL(
             "c__thought__SIG", "f",
             "\"{}\"")) ",{\"role\":\"tool\","
                        "\"tool_call_id\":\"c__thought__SIG\",\"content\":\"bad\",\"is_error\":"
                        "true}"),
         "user: text x|assistant: call c f {} signature=SIG|user: result c error text bad"},
        {ASK(USER("\"x\"") "," CALLS("{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":"
                                     "{\"y\":2}},\"extra_content\":{\"google\":{"
                                     "\"thought_signature\":\"S\"}}}") "," RESULT("a", "\"r\"")),
         "user: text x|assistant: call a f {\"y\":2} signature=S|user: result a text r"},
    };
    expect_rows(rows, ARRAY_LEN(rows));
}

/* mapping: §10 thinking_blocks with signatures, only reasoning_content, reasoning_details */
TEST(reasoning_comes_back_in_every_form)
{
    static const struct row rows[] = {
        {ASK(USER("\"x\"") ",{\"role\":\"assistant\",\"content\":\"A\",\"reasoning_content\":"
                           "\"t\",\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"t\","
                           "\"signature\":\"EqQB\"},{\"type\":\"redacted_thinking\",\"data\":"
                           "\"gw1.b.Em\"}]}," USER("\"y\"")),
         "user: text x|assistant: reasoning 't' signature=EqQB/2, reasoning '' encrypted=Em/4, "
         "text A|user: text y"},
        {ASK(USER("\"x\"") ",{\"role\":\"assistant\",\"content\":\"A\",\"reasoning\":\"t\"}," USER(
             "\"y\"")),
         "user: text x|assistant: reasoning 't', text A|user: text y"},
        {ASK(USER("\"x\"") ",{\"role\":\"assistant\",\"content\":\"A\",\"reasoning_details\":[{"
                           "\"type\":\"reasoning.text\",\"text\":\"t\",\"signature\":\"S\","
                           "\"format\":\"google-gemini-v1\"}]}," USER("\"y\"")),
         "user: text x|assistant: reasoning 't' signature=S/3, text A|user: text y"},
    };
    expect_rows(rows, ARRAY_LEN(rows));
}

/* mapping: §21 bad input names the client's field */
TEST(faults_name_their_field)
{
    static const struct row rows[] = {
        {ASK("{\"role\":\"boss\",\"content\":\"x\"}"),
         "fault messages[0].role: must be one of system, developer, user, assistant, tool and "
         "function"},
        {ASK(USER("\"x\"") "," USER(
             "[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"hologram\"}]")),
         "fault messages[1].content[1].type: must be one of text, image_url, input_audio, file and "
         "refusal"},
        {ASK(USER("7")), "fault messages[0].content: must be a string or a list of parts"},
        {ASK(USER("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,***\"}}"
                  "]")),
         "fault messages[0].content[0].image_url.url: must be an address or a data URL with "
         "base64"},
        {ASK(CALLS("{\"id\":\"a\",\"function\":{}}")),
         "fault messages[0].tool_calls[0].function.name: must be a name"},
        {SAY(",\"tools\":[{\"type\":\"web\"}]"),
         "fault tools[0].type: must be function or custom, with a member of that name"},
        {SAY(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},{\"type\":"
             "\"function\",\"function\":{\"name\":\"f\"}}]"),
         "fault tools[1].function.name: is the name of another tool, too"},
        {SAY(",\"tool_choice\":\"perhaps\""),
         "fault tool_choice: must be auto, none, required or name a tool"},
        {SAY(",\"response_format\":{\"type\":\"xml\"}"),
         "fault response_format.type: must be text, json_object or json_schema"},
        {SAY(",\"reasoning_effort\":\"huge\""),
         "fault reasoning_effort: must be one of none, minimal, low, medium, high, xhigh and max"},
        {SAY(",\"stop\":[1]"), "fault stop: must be a string or a list of strings"},
        {SAY(",\"seed\":\"x\""), "fault seed: must be a number"},
        {"{\"model\":\"m\",\"prompt\":[\"a\",\"b\"]}",
         "fault prompt: must be one text for a target of another format"},
        {"{\"model\":\"m\",\"prompt\":[1,2]}",
         "fault prompt: must be one text for a target of another format"},
        {ASK(USER("\" \"")), "fault messages: must hold something that was said by a user"},
    };
    expect_rows(rows, ARRAY_LEN(rows));
}

/* mapping: §7 max_completion_tokens, temperature, top_p, n, stop, seed, penalties, logit_bias, logprobs,
 * user, safety_identifier, metadata, store, service_tier; §8 tool_choice, parallel_tool_calls, strict;
 * §9 json_schema; §10 reasoning_effort; §11 prompt_cache_key */
TEST(settings_are_read)
{
    struct openai_asked q;
    openai_ask(&q,
               SAY(",\"max_tokens\":9,\"max_completion_tokens\":10,\"temperature\":0.70,"
                   "\"top_p\":1.0,\"top_k\":40,\"n\":2,\"seed\":9007199254740993,\"stop\":\"x\","
                   "\"presence_penalty\":0.5,\"frequency_penalty\":-0.5,\"logit_bias\":{\"1\":"
                   "2},\"logprobs\":true,\"top_logprobs\":3,\"user\":\"u\","
                   "\"safety_identifier\":\"s\",\"metadata\":{\"a\":\"b\"},\"store\":false,"
                   "\"service_tier\":\"flex\",\"prompt_cache_key\":\"k\",\"reasoning_effort\":"
                   "\"low\",\"parallel_tool_calls\":false,\"stream_options\":null"));
    EXPECT_EQ(q.err, ERR_NONE);
    EXPECT_STR(q.chat.max_tokens, "10");
    EXPECT_STR(q.chat.temperature, "0.70");
    EXPECT_STR(q.chat.top_p, "1.0");
    EXPECT_STR(q.chat.top_k, "40");
    EXPECT_STR(q.chat.n, "2");
    EXPECT_STR(q.chat.seed, "9007199254740993");
    EXPECT_STR(q.chat.stop->text.s, "x");
    EXPECT_STR(q.chat.presence_penalty, "0.5");
    EXPECT_STR(q.chat.frequency_penalty, "-0.5");
    EXPECT_STR(q.chat.logit_bias, "{\"1\":2}");
    EXPECT_EQ(q.chat.logprobs, YES);
    EXPECT_STR(q.chat.top_logprobs, "3");
    EXPECT_STR(q.chat.user, "s");
    EXPECT_STR(q.chat.metadata, "{\"a\":\"b\"}");
    EXPECT_EQ(q.chat.store, NO);
    EXPECT_STR(q.chat.service_tier, "flex");
    EXPECT_STR(q.chat.cache_key, "k");
    EXPECT_EQ(q.chat.effort, EFFORT_LOW);
    EXPECT_EQ(q.chat.parallel_calls, NO);
    EXPECT(!q.chat.extras);
    openai_asked_release(&q);
}

TEST(tools_choices_and_formats_are_read)
{
    struct openai_asked q;
    openai_ask(&q,
               SAY(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
                   "\"description\":\"d\",\"parameters\":{\"type\":\"object\"},\"strict\":true},"
                   "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}},{\"type\":"
                   "\"custom\",\"custom\":{\"name\":\"sh\"}}],\"tool_choice\":{\"type\":"
                   "\"allowed_tools\",\"allowed_tools\":{\"mode\":\"required\",\"tools\":[{"
                   "\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}},\"response_format\":"
                   "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{"
                   "\"type\":\"object\"},\"strict\":true}}"));
    EXPECT_EQ(q.err, ERR_NONE);
    const struct tool *t = q.chat.tools;
    EXPECT_STR(t->name, "f");
    EXPECT_STR(t->schema, "{\"type\":\"object\"}");
    EXPECT_EQ(t->strict, YES);
    EXPECT(t->cached);
    EXPECT_EQ(t->cache_ttl_s, 3600);
    EXPECT_STR(t->next->name, "sh");
    EXPECT(t->next->custom && !t->next->cached);
    EXPECT_EQ(q.chat.choice, CHOICE_REQUIRED);
    EXPECT_STR(q.chat.allowed->name, "f");
    EXPECT_EQ(q.chat.format, FORMAT_SCHEMA);
    EXPECT_STR(q.chat.format_name, "n");
    EXPECT_EQ(q.chat.format_strict, YES);
    openai_asked_release(&q);
    openai_ask(&q, SAY(",\"functions\":[{\"name\":\"g\"}],\"function_call\":{\"name\":\"g\"}"));
    EXPECT_EQ(q.chat.choice, CHOICE_NAMED);
    EXPECT_STR(q.chat.choice_name, "g");
    openai_asked_release(&q);
}

/* mapping: §1 classes; §7 modalities, prediction, verbosity, web_search_options; unknown fields */
TEST(fields_without_a_place_are_extras_of_their_class)
{
    static const struct {
        const char *member, *name;
        int class; /* -1: none is made */
    } rows[] = {
        {",\"modalities\":[\"text\",\"audio\"]", "modalities", FIELD_MEANING},
        {",\"modalities\":[\"text\"]", "modalities", -1},
        {",\"prediction\":{\"type\":\"content\"}", "prediction", FIELD_HINT},
        {",\"verbosity\":\"low\"", "verbosity", FIELD_HINT},
        {",\"web_search_options\":{}", "web_search_options", FIELD_HINT},
        {",\"moderation\":{}", "moderation", FIELD_BOOKKEEPING},
        {",\"prompt_cache_options\":{}", "prompt_cache_options", FIELD_BOOKKEEPING},
        {",\"suffix\":\"s\"", "suffix", FIELD_MEANING},
        {",\"echo\":false", "echo", -1},
        {",\"echo\":true", "echo", FIELD_MEANING},
        {",\"best_of\":1", "best_of", -1},
        {",\"logprobs\":5", "logprobs", FIELD_MEANING},
        {",\"min_p\":0.1", "min_p", FIELD_UNKNOWN},
        {",\"min_p\":null", "min_p", -1},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct openai_asked q;
        char body[400];
        snprintf(body, sizeof(body), SAY("%s"), rows[i].member);
        openai_ask(&q, body);
        EXPECT_EQ(q.err, ERR_NONE);
        const struct extra *e = chat_extra(&q.chat, NATIVE_OPENAI, str_from_c(rows[i].name));
        if (rows[i].class < 0)
            EXPECT(!e);
        else if (!e || (int)e->class != rows[i].class)
            EXPECT_FAIL("%s", rows[i].member);
        openai_asked_release(&q);
    }
}

TEST(a_prompt_is_what_a_user_said)
{
    EXPECT_STR(openai_read("{\"model\":\"m\",\"prompt\":\"Once\"}"), "user: text Once");
    EXPECT_STR(openai_read("{\"model\":\"m\",\"prompt\":[\"Once\"]}"), "user: text Once");
}

TEST(switches_of_other_gateways_ask_for_reasoning)
{
    struct openai_asked q;
    openai_ask(&q, SAY(",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":3000}"));
    EXPECT_EQ(q.chat.thinking, YES);
    EXPECT_STR(q.chat.thinking_budget, "3000");
    openai_asked_release(&q);
    openai_ask(&q, SAY(",\"reasoning\":{\"enabled\":false,\"exclude\":true}"));
    EXPECT_EQ(q.chat.thinking, NO);
    EXPECT_EQ(q.chat.reasoning_visible, NO);
    openai_asked_release(&q);
    openai_ask(&q, SAY(",\"reasoning\":{\"effort\":\"high\"}"));
    EXPECT_EQ(q.chat.effort, EFFORT_HIGH);
    openai_asked_release(&q);
}

/* --- Answers */

#define HEAD                                                                                       \
    "data: {\"id\":\"chatcmpl-ID\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":["
#define DELTA(delta)                                                                               \
    HEAD "{\"index\":0,\"delta\":{" delta "},\"logprobs\":null,\"finish_reason\":null}]}\n\n"
#define ROLE DELTA("\"role\":\"assistant\",\"content\":\"\"")
#define FINISH(reason)                                                                             \
    HEAD "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"" reason "\"}]}\n\n"
#define DONE "data: [DONE]\n\n"

static const char *chunks(const char *words)
{
    return openai_stream(ENDPOINT_CHAT, SAY(""), words);
}

static const char *message(const char *words)
{
    static char text[4000];
    const char *all = openai_answer(ENDPOINT_CHAT, SAY(""), words);
    const char *from = strstr(all, "\"message\":");
    EXPECT(from);
    snprintf(text, sizeof(text), "%s", from + strlen("\"message\":"));
    return text;
}

/* mapping: §15 first chunk, text, final chunk, [DONE]; §13 end_turn */
TEST(text_is_a_role_pieces_and_a_finish)
{
    EXPECT_STR(chunks("start msg_1 x|text Hi |text there\\n|finish stop|end"),
               ROLE DELTA("\"content\":\"Hi \"") DELTA("\"content\":\"there\\n\"") FINISH("stop")
                   DONE);
    EXPECT_STR(message("start|text Hi |text there\\n|finish stop|end"),
               "{\"role\":\"assistant\",\"content\":\"Hi there\\n\",\"refusal\":null},\"logprobs\":"
               "null,\"finish_reason\":\"stop\"}]}");
}

/* mapping: §15 tool call open, continuation, call without arguments, k counts calls */
TEST(calls_are_opened_once_and_have_arguments)
{
    EXPECT_STR(
        chunks(
            "start|call 0 c1 f|arguments 0 {\\\"x\\\":|arguments 0 1}|call 1 c2 g|finish calls|end"),
        ROLE DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{"
                   "\"name\":\"f\",\"arguments\":\"\"}}]")
            DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\":\"}}]")
                DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]")
                    DELTA("\"tool_calls\":[{\"index\":1,\"id\":\"c2\",\"type\":\"function\","
                          "\"function\":{\"name\":\"g\",\"arguments\":\"\"}}]")
                        DELTA("\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"{}\"}}]")
                            FINISH("tool_calls") DONE);
    EXPECT_STR(
        message("start|text Look|call 0 c1 f SIG|arguments 0 {\\\"x\\\":1}|finish stop|end"),
        "{\"role\":\"assistant\",\"content\":\"Look\",\"refusal\":null,\"tool_calls\":[{\"id\""
        ":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\""
        ":1}\"},\"extra_content\":{\"google\":{\"thought_signature\":\"SIG\"}}}]},"
        "\"logprobs\":null,\"finish_reason\":\"tool_calls\"}]}");
    EXPECT_CONTAINS(message("start|call 0  f|finish calls|end"), "\"id\":\"call_ID_0_0\"");
    EXPECT_CONTAINS(message("start|call 0  f|finish length|end"), "\"finish_reason\":\"length\"");
}

TEST(a_custom_tool_gets_its_input_as_text)
{
    static const char asked[] =
        SAY(",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"sh\"}}]");
    static const char words[] =
        "start|call 0 c1 sh|arguments 0 {\\\"input\\\":|arguments 0 \\\"ls\\\\n\\\"}|finish calls|end";
    EXPECT_STR(
        openai_stream(ENDPOINT_CHAT, asked, words),
        ROLE DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"custom\",\"custom\":"
                   "{\"name\":\"sh\",\"input\":\"\"}}]")
            DELTA("\"tool_calls\":[{\"index\":0,\"custom\":{\"input\":\"ls\\n\"}}]")
                FINISH("tool_calls") DONE);
    EXPECT_CONTAINS(openai_answer(ENDPOINT_CHAT, asked, words),
                    "\"type\":\"custom\",\"custom\":{\"name\":\"sh\",\"input\":\"ls\\n\"}}");
}

/* mapping: §10 ANT thinking, redacted_thinking, BED reasoningText; §16.8 */
TEST(reasoning_is_shown_and_what_proves_it_goes_with_it)
{
    EXPECT_STR(chunks("start|reasoning Need |reasoning it.|signature 2 EqQB|redacted 4 Em|text A|"
                      "finish stop|end"),
               ROLE DELTA("\"reasoning_content\":\"Need \"") DELTA("\"reasoning_content\":\"it.\"")
                   DELTA("\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"Need it.\","
                         "\"signature\":\"EqQB\"}]")
                       DELTA("\"thinking_blocks\":[{\"type\":\"redacted_thinking\",\"data\":"
                             "\"gw1.b.Em\"}]") DELTA("\"content\":\"A\"") FINISH("stop") DONE);
    EXPECT_CONTAINS(
        message(
            "start|reasoning a|reasoning_break|reasoning b|signature 4 S|text A|finish stop|end"),
        "\"content\":\"A\",\"refusal\":null,\"reasoning_content\":\"a\\n\\nb\",\"thinking_blocks\":[{"
        "\"type\":\"thinking\",\"thinking\":\"a\\n\\nb\",\"signature\":\"gw1.b.S\"}]");
    EXPECT_CONTAINS(chunks("start|reasoning a|reasoning_break|reasoning b|finish stop|end"),
                    "{\"reasoning_content\":\"\\n\\n\"}");
    /* what is thought after something was said is another block */
    EXPECT_CONTAINS(chunks("start|reasoning a|text x|reasoning b|signature 2 S|finish stop|end"),
                    "\"thinking\":\"b\",\"signature\":\"S\"");
}

/* mapping: §13 refusal, content_filter, max_tokens, context; §12 refusal */
TEST(refusals_and_limits_have_their_words)
{
    EXPECT_STR(chunks("start|refusal No.|finish stop|end"),
               ROLE DELTA("\"refusal\":\"No.\"") FINISH("content_filter") DONE);
    EXPECT_STR(chunks("start|finish refusal|end"),
               ROLE DELTA("\"refusal\":\"The model refused.\"") FINISH("content_filter") DONE);
    EXPECT_CONTAINS(message("start|finish refusal Not this.|end"),
                    "\"content\":null,\"refusal\":\"Not this.\"}");
    EXPECT_CONTAINS(message("start|text a|finish filtered|end"), "\"content_filter\"");
    EXPECT_CONTAINS(message("start|text a|finish context|end"), "\"length\"");
    EXPECT_CONTAINS(message("start|text a|finish pause|end"), "\"stop\"");
    EXPECT_CONTAINS(message("start|text a|finish malformed MALFORMED_FUNCTION_CALL|end"),
                    "\"stop\",\"native_finish_reason\":\"MALFORMED_FUNCTION_CALL\"");
}

/* mapping: §14 ANT to OAI, worked example; §15 usage chunk */
TEST(usage_is_in_openais_sums)
{
    static const char wanted[] =
        SAY(",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    static const char usage[] =
        "\"usage\":{\"prompt_tokens\":2666,\"completion_tokens\":71,\"total_tokens\":2737,"
        "\"prompt_tokens_details\":{\"cached_tokens\":2048,\"cache_write_tokens\":300},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":40}}}";
    static const char words[] = "start|text a|usage 318 2048 300 31 40|finish stop|end";
    EXPECT_CONTAINS(openai_answer(ENDPOINT_CHAT, SAY(""), words), usage);
    EXPECT(!strstr(chunks(words), "usage"));
    const char *all = openai_stream(ENDPOINT_CHAT, wanted, words);
    EXPECT_CONTAINS(all, "\"finish_reason\":null}],\"usage\":null}\n\n");
    EXPECT_CONTAINS(all, "\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":2666");
    EXPECT_CONTAINS(all, "}}}\n\ndata: [DONE]\n\n");
    EXPECT(!strstr(openai_stream(ENDPOINT_CHAT, wanted, "start|text a|finish stop|end"),
                   "\"choices\":[],"));
}

/* mapping: §12 annotations */
TEST(citations_are_placed_in_all_of_the_content)
{
    static const char words[] =
        "start|text Gr\xc3\xbc\\u00dfe|break|text \\ud83d\\ude00 ok|citation https://a 2 4|citation "
        "https://b|finish stop|end";
    static const char first[] =
        "{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"https://a\","
        "\"title\":\"\",\"start_index\":7,\"end_index\":9}}";
    static const char second[] = "{\"url\":\"https://b\",\"title\":\"\",\"start_index\":5,"
                                 "\"end_index\":9}";
    EXPECT_CONTAINS(chunks(words), first);
    EXPECT_CONTAINS(chunks(words), second);
    EXPECT_CONTAINS(message(words), first);
    EXPECT_CONTAINS(message(words), second);
}

/* mapping: §12 logprobs, GEM inlineData output */
TEST(logprobs_and_pictures_have_their_places)
{
    static const char words[] =
        "start|text a|logprobs {\"token\":\"a\"}|media image/png iVBO|media "
        "audio/wav UklG|finish stop|end";
    EXPECT_CONTAINS(chunks(words),
                    "\"logprobs\":{\"content\":[{\"token\":\"a\"}],\"refusal\":null}");
    EXPECT_CONTAINS(chunks(words), "\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
                                   "\"data:image/png;base64,iVBO\"}}]");
    EXPECT_CONTAINS(message(words), "\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
                                    "\"data:image/png;base64,iVBO\"}}]}");
    EXPECT_CONTAINS(message(words), "{\"content\":[{\"token\":\"a\"}],\"refusal\":null}");
    EXPECT(!strstr(chunks(words), "UklG"));
}

TEST(several_choices_each_have_a_role_and_a_finish)
{
    const char *all = chunks("start|text a|1: text b|finish stop|1: finish length|end");
    EXPECT_CONTAINS(all, "{\"index\":1,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}");
    EXPECT_CONTAINS(all,
                    "{\"index\":1,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"length\"}");
    const char *whole = openai_answer(ENDPOINT_CHAT, SAY(""),
                                      "start|1: text b|text a|finish stop|1: finish stop|end");
    EXPECT_CONTAINS(whole,
                    "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
                    "\"a\"");
}

TEST(legacy_answers_are_texts)
{
    static const char words[] = "start|reasoning r|text Hel|text lo|finish length|end";
    EXPECT_STR(
        openai_stream(ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":\"x\"}", words),
        "data: {\"id\":\"cmpl-ID\",\"object\":\"text_completion\",\"created\":7,\"model\":\"m\""
        ",\"choices\":[{\"text\":\"Hel\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}]"
        "}\n\n"
        "data: {\"id\":\"cmpl-ID\",\"object\":\"text_completion\",\"created\":7,\"model\":\"m\""
        ",\"choices\":[{\"text\":\"lo\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}]"
        "}\n\n"
        "data: {\"id\":\"cmpl-ID\",\"object\":\"text_completion\",\"created\":7,\"model\":\"m\""
        ",\"choices\":[{\"text\":\"\",\"index\":0,\"logprobs\":null,\"finish_reason\":"
        "\"length\"}]}\n\n" DONE);
    EXPECT_STR(openai_answer(ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":\"x\"}", words),
               "{\"id\":\"cmpl-ID\",\"object\":\"text_completion\",\"created\":7,\"model\":\"m\","
               "\"choices\":[{\"index\":0,\"text\":\"Hello\",\"logprobs\":null,\"finish_reason\":"
               "\"length\"}]}");
}

/* mapping: §17 shapes */
TEST(errors_have_openais_shape)
{
    struct buf out;
    struct client_error e = {.err = ERR_UPSTREAM_RATE_LIMIT, .message = STR("Slow \"down\"")};
    buf_init(&out, 0);
    dialect_of(ENDPOINT_CHAT)->write_error(&out, &e);
    EXPECT_STR(buf_str(&out),
               "{\"error\":{\"message\":\"Slow \\\"down\\\"\",\"type\":"
               "\"rate_limit_error\",\"param\":null,\"code\":\"upstream_rate_limit\"}}\n");
    buf_clear(&out);
    e = (struct client_error){.err = ERR_UPSTREAM_REFUSED_REQUEST,
                              .message = STR("m"),
                              .type = STR("t"),
                              .code = STR("c"),
                              .param = STR("p")};
    dialect_of(ENDPOINT_CHAT)->write_error(&out, &e);
    EXPECT_STR(buf_str(&out),
               "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":\"p\",\"code\":\"c\"}}\n");
    buf_release(&out);
}
