/* The Responses dialect towards a provider: requests written, answers read. */
#include "responses_helpers.h"

#include <stdio.h>

#include "support/test.h"

static const char *sent_to(const struct model_facts *facts, const char *body)
{
    return responses_resend(body, facts, NULL);
}

/* --- Requests ------------------------------------------------------------------------------------------ */

/* mapping: §22 system text */
TEST(system_text_leads_as_developer_items_and_never_as_instructions)
{
    const char *sent = sent_to(NULL, "{\"instructions\":\"Be brief.\",\"input\":["
                                     "{\"role\":\"system\",\"content\":\"Be kind.\"},"
                                     "{\"role\":\"user\",\"content\":\"Hi\"}]}");
    EXPECT_CONTAINS(sent, "\"input\":[{\"type\":\"message\",\"role\":\"developer\",\"content\":[{"
                          "\"type\":\"input_text\",\"text\":\"Be brief.\"}]},"
                          "{\"type\":\"message\",\"role\":\"developer\",\"content\":[{"
                          "\"type\":\"input_text\",\"text\":\"Be kind.\"}]},"
                          "{\"type\":\"message\",\"role\":\"user\"");
    EXPECT(!strstr(sent, "instructions"));
}

/* mapping: §7 store, §10 round trip */
TEST(nothing_is_stored_there_and_reasoning_comes_back_encrypted)
{
    const char *sent = sent_to(NULL, "{\"input\":\"Hi\",\"store\":true}");
    EXPECT_CONTAINS(sent, "\"store\":false");
    EXPECT_CONTAINS(sent, "\"include\":[\"reasoning.encrypted_content\"]");
    sent = sent_to(&responses_gpt_plain, "{\"input\":\"Hi\"}");
    EXPECT(!strstr(sent, "include"));
}

/* mapping: §10 round trip */
TEST(reasoning_of_openai_goes_back_as_it_came_and_foreign_reasoning_goes)
{
    const char *sent = sent_to(
        NULL,
        "{\"input\":[{\"role\":\"user\",\"content\":\"Hi\"},"
        "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[{\"type\":\"summary_text\","
        "\"text\":\"A\\u00e9\"},{\"type\":\"summary_text\",\"text\":\"B\"}],"
        "\"encrypted_content\":\"gAAA+/=\"},"
        "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{}\"},"
        "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"1\"},"
        "{\"type\":\"reasoning\",\"id\":\"rs_2\",\"summary\":[],"
        "\"encrypted_content\":\"gw1.a.c2ln\"},"
        "{\"role\":\"assistant\",\"content\":\"One\"},{\"role\":\"user\",\"content\":\"?\"}]}");
    EXPECT_CONTAINS(sent,
                    "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[{\"type\":"
                    "\"summary_text\",\"text\":\"A\\u00e9\"},{\"type\":\"summary_text\","
                    "\"text\":\"B\"}],\"encrypted_content\":\"gAAA+/=\"},{\"type\":"
                    "\"function_call\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{}\"}");
    EXPECT_CONTAINS(sent,
                    "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"1\"}");
    EXPECT(!strstr(sent, "rs_2") && !strstr(sent, "c2ln"));
    EXPECT_CONTAINS(sent, "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":"
                          "\"One\",\"annotations\":[]}]");
}

/* mapping: §3 parts */
TEST(parts_of_users_are_written_flat)
{
    const char *sent = sent_to(
        &responses_gpt_new,
        "{\"input\":[{\"role\":\"user\",\"content\":["
        "{\"type\":\"input_text\",\"text\":\"x\",\"prompt_cache_breakpoint\":{\"mode\":"
        "\"explicit\",\"ttl\":\"12h\"}},"
        "{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,iVBORw0KGgo=\","
        "\"detail\":\"original\"},{\"type\":\"input_image\",\"image_url\":\"https://x.example/a\"},"
        "{\"type\":\"input_image\",\"file_id\":\"file-1\"},"
        "{\"type\":\"input_file\",\"filename\":\"a.pdf\",\"file_data\":"
        "\"data:application/pdf;base64,JVBERi0=\"},"
        "{\"type\":\"input_file\",\"file_url\":\"https://x.example/b.pdf\"}]}]}");
    EXPECT_CONTAINS(sent, "{\"type\":\"input_text\",\"text\":\"x\",\"prompt_cache_breakpoint\":{"
                          "\"mode\":\"explicit\",\"ttl\":\"12h\"}}");
    EXPECT_CONTAINS(sent, "{\"type\":\"input_image\",\"image_url\":\"data:image/"
                          "png;base64,iVBORw0KGgo=\",\"detail\":\"original\"}");
    EXPECT_CONTAINS(sent, "{\"type\":\"input_image\",\"image_url\":\"https://x.example/a\"}");
    EXPECT_CONTAINS(sent, "{\"type\":\"input_image\",\"file_id\":\"file-1\"}");
    EXPECT_CONTAINS(sent, "{\"type\":\"input_file\",\"filename\":\"a.pdf\",\"file_data\":"
                          "\"data:application/pdf;base64,JVBERi0=\"}");
    EXPECT_CONTAINS(sent, "{\"type\":\"input_file\",\"file_url\":\"https://x.example/b.pdf\"}");
}

/* mapping: §11 cache marks */
TEST(of_more_than_four_cache_marks_the_last_are_kept_and_none_where_they_are_not_known)
{
#define MARKED(text)                                                                               \
    "{\"type\":\"input_text\",\"text\":\"" text                                                    \
    "\",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}}"
    static const char body[] = "{\"input\":[{\"role\":\"user\",\"content\":[" MARKED(
        "1") "," MARKED("2") "," MARKED("3") "," MARKED("4") "," MARKED("5") "]}]}";
    const char *sent = sent_to(&responses_gpt_new, body);
    EXPECT_CONTAINS(sent, "\"text\":\"1\"},");
    EXPECT_CONTAINS(sent, "\"text\":\"2\",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}}");
    EXPECT(!strstr(sent_to(&responses_gpt_plain, body), "breakpoint"));
}

/* mapping: §7 audio */
TEST(audio_is_refused)
{
    EXPECT_CONTAINS(sent_to(NULL, "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
                                  "\"input_audio\",\"input_audio\":{\"data\":\"AAAA\",\"format\":"
                                  "\"wav\"}}]}]}"),
                    "refused input[0]: holds audio");
}

/* mapping: §5 parts, §5 error marker */
TEST(results_are_strings_or_parts)
{
    struct responses_asked q;
    responses_ask(&q, "{\"input\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"type\":\"function_"
                      "call\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"\"},"
                      "{\"type\":\"custom_tool_call\",\"call_id\":\"c2\",\"name\":\"g\",\"input\":"
                      "\"a \\\"b\\\"\"},{\"type\":\"function_call_output\",\"call_id\":\"c1\","
                      "\"output\":[{\"type\":\"input_text\",\"text\":\"t\"},{\"type\":\"input_"
                      "image\",\"image_url\":\"https://x.example/i\"}]},{\"type\":\"custom_tool_"
                      "call_output\",\"call_id\":\"c2\",\"output\":\"done\"}]}");
    EXPECT_EQ(q.err, ERR_NONE);
    for (struct turn *t = q.chat.turns; t; t = t->next)
        for (struct block *b = t->blocks; b; b = b->next)
            if (b->kind == BLOCK_RESULT && str_eq(b->result.call_id, STR("c2")))
                b->result.is_error = true; /* as other APIs say it */
    const char *sent = responses_send(&q, NULL, UNSUPPORTED_BY_CLASS, NULL);
    EXPECT_CONTAINS(sent, "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\","
                          "\"arguments\":\"{}\"},{\"type\":\"custom_tool_call\",\"call_id\":"
                          "\"c2\",\"name\":\"g\",\"input\":\"a \\\"b\\\"\"},"
                          "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":[{"
                          "\"type\":\"input_text\",\"text\":\"t\"},{\"type\":\"input_image\","
                          "\"image_url\":\"https://x.example/i\"}]},{\"type\":\"custom_tool_call_"
                          "output\",\"call_id\":\"c2\",\"output\":\"Error: done\"}");
    responses_asked_release(&q);
}

/* mapping: §7 max_tokens, temperature, top_p; §10 effort */
TEST(settings_become_what_the_model_takes)
{
    const char *reported, *sent;
    static const char body[] =
        "{\"input\":\"Hi\",\"max_output_tokens\":3,\"temperature\":0.70,\"top_p\":0.9,"
        "\"reasoning\":{\"effort\":\"minimal\",\"summary\":\"auto\"},\"service_tier\":\"flex\","
        "\"metadata\":{\"a\":\"b\"},\"safety_identifier\":\"u1\",\"prompt_cache_key\":\"k\"}";
    sent = responses_resend(body, &responses_gpt_new, &reported);
    EXPECT_CONTAINS(sent, "\"max_output_tokens\":16");
    EXPECT_CONTAINS(sent, "\"reasoning\":{\"effort\":\"low\",\"summary\":\"auto\"}");
    EXPECT(!strstr(sent, "temperature") && !strstr(sent, "top_p"));
    EXPECT_CONTAINS(sent, "\"service_tier\":\"flex\",\"safety_identifier\":\"u1\",\"prompt_cache_"
                          "key\":\"k\",\"metadata\":{\"a\":\"b\"},\"store\":false");
    EXPECT_STR(reported, "reasoning_effort=low (was minimal), max_tokens=16 (was 3), temperature, "
                         "top_p");
    sent = responses_resend(body, &responses_gpt_plain, &reported);
    EXPECT_CONTAINS(sent, "\"temperature\":0.70,\"top_p\":0.9");
    EXPECT(!strstr(sent, "\"reasoning\""));
    EXPECT_STR(reported, "reasoning_effort, max_tokens=16 (was 3)");
}

/* mapping: §18 thinking.enabled.budget_tokens, thinking.disabled */
TEST(a_budget_becomes_an_effort)
{
    static const struct {
        const char *budget, *effort;
        enum tri thinking;
    } rows[] = {{"1024", "\"effort\":\"low\"", YES},
                {"2048", "\"effort\":\"medium\"", YES},
                {"8192", "\"effort\":\"high\"", YES},
                {NULL, "\"effort\":\"low\"", NO}}; /* it cannot be switched off */
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct responses_asked q;
        responses_ask(&q, "{\"input\":\"Hi\"}");
        q.chat.thinking_budget = str_from_c(rows[i].budget);
        q.chat.thinking = rows[i].thinking;
        EXPECT_CONTAINS(responses_send(&q, &responses_gpt_new, UNSUPPORTED_BY_CLASS, NULL),
                        rows[i].effort);
        responses_asked_release(&q);
    }
}

/* mapping: §7 n, stop, seed, penalties, logit_bias, top_k */
TEST(what_the_api_has_no_place_for_is_told_by_class)
{
    struct responses_asked q;
    const char *reported;
    responses_ask(&q, "{\"input\":\"Hi\",\"frob\":1}");
    q.chat.seed = q.chat.top_k = STR("1");
    q.chat.presence_penalty = q.chat.frequency_penalty = STR("0.5");
    q.chat.logit_bias = STR("{}");
    responses_send(&q, NULL, UNSUPPORTED_BY_CLASS, &reported);
    EXPECT_STR(reported, "top_k, seed, presence_penalty, frequency_penalty, logit_bias, frob");
    EXPECT_CONTAINS(responses_send(&q, NULL, UNSUPPORTED_STRICT, NULL), "refused ");
    EXPECT(chat_add_stop(&q.chat, RAW("END")));
    EXPECT_CONTAINS(responses_send(&q, NULL, UNSUPPORTED_BY_CLASS, NULL), "refused stop: ");
    q.chat.stop = NULL;
    q.chat.n = STR("2");
    EXPECT_CONTAINS(responses_send(&q, NULL, UNSUPPORTED_BY_CLASS, NULL), "refused n: ");
    responses_asked_release(&q);
}

/* mapping: §8 definitions, tool_choice; §9 json_schema */
TEST(tools_are_flat_and_strictness_is_said)
{
    struct responses_asked q;
    responses_ask(&q, "{\"input\":\"Hi\",\"tools\":[{\"type\":\"function\",\"name\":\"f\","
                      "\"parameters\":{\"type\":\"object\",\"properties\":{}},\"strict\":true},"
                      "{\"type\":\"function\",\"name\":\"a.b\",\"description\":\"d\"},"
                      "{\"type\":\"web_search\",\"filters\":{\"allowed_domains\":[\"x\"]}}],"
                      "\"tool_choice\":{\"type\":\"function\",\"name\":\"a.b\"},"
                      "\"parallel_tool_calls\":false,\"text\":{\"verbosity\":\"low\",\"format\":{"
                      "\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{\"type\":\"object\"},"
                      "\"strict\":true}}}");
    struct tool *wrapped = chat_add_tool(&q.chat); /* as chat's reader keeps it */
    wrapped->custom = true;
    wrapped->format = NATIVE_OPENAI;
    wrapped->name = STR("sh");
    wrapped->native = STR("{\"type\":\"custom\",\"custom\":{\"name\":\"sh\",\"format\":{\"type\":"
                          "\"grammar\",\"grammar\":{\"syntax\":\"lark\",\"definition\":\"x\"}}}}");
    const char *sent = responses_send(&q, NULL, UNSUPPORTED_BY_CLASS, NULL);
    EXPECT_CONTAINS(sent, "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{"
                          "\"type\":\"object\",\"properties\":{}},\"strict\":true},");
    EXPECT_CONTAINS(sent,
                    "\"description\":\"d\",\"parameters\":{\"type\":\"object\",\"properties\":"
                    "{}},\"strict\":false},{\"type\":\"web_search\",\"filters\":{\"allowed_"
                    "domains\":[\"x\"]}},{\"type\":\"custom\",\"name\":\"sh\",\"format\":{"
                    "\"type\":\"grammar\",\"syntax\":\"lark\",\"definition\":\"x\"}}]");
    EXPECT_CONTAINS(sent, "\"tool_choice\":{\"type\":\"function\",\"name\":\"a_b_");
    EXPECT_CONTAINS(sent, "\"parallel_tool_calls\":false");
    EXPECT_CONTAINS(sent,
                    "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\","
                    "\"schema\":{\"type\":\"object\"},\"strict\":true},\"verbosity\":\"low\"}");
    responses_asked_release(&q);
}

/* mapping: §8 tool_choice */
TEST(choices_have_their_words)
{
#define WITH_TOOLS(choice)                                                                         \
    "{\"input\":\"Hi\",\"tools\":[{\"type\":\"function\",\"name\":\"f\"}],\"tool_choice\":" choice \
    "}"
    static const struct {
        const char *body, *sent;
    } rows[] = {
        {WITH_TOOLS("\"auto\""), "\"tool_choice\":\"auto\""},
        {WITH_TOOLS("\"none\""), "\"tool_choice\":\"none\""},
        {WITH_TOOLS("\"required\""), "\"tool_choice\":\"required\""},
        {WITH_TOOLS("{\"type\":\"allowed_tools\",\"mode\":\"required\",\"tools\":[{\"type\":"
                    "\"function\",\"name\":\"f\"}]}"),
         "\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":\"required\",\"tools\":[{\"type\":"
         "\"function\",\"name\":\"f\"}]}"},
        {WITH_TOOLS("{\"type\":\"mcp\",\"server_label\":\"s\"}"),
         "\"tool_choice\":{\"type\":\"mcp\",\"server_label\":\"s\"}"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_CONTAINS(sent_to(NULL, rows[i].body), rows[i].sent);
    EXPECT(!strstr(sent_to(NULL, "{\"input\":\"Hi\",\"tool_choice\":\"auto\","
                                 "\"parallel_tool_calls\":true}"),
                   "tool_calls"));
}

/* mapping: §22 replayed output items */
TEST(items_that_only_openai_has_keep_their_place)
{
    const char *reported;
    const char *sent = responses_resend(
        "{\"input\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"type\":\"compaction\",\"id\":"
        "\"cmp_1\",\"encrypted_content\":\"x\"},{\"type\":\"web_search_call\",\"id\":\"ws_1\","
        "\"status\":\"completed\"},{\"role\":\"user\",\"content\":\"more\"}]}",
        NULL, &reported);
    EXPECT_CONTAINS(sent, "{\"type\":\"compaction\",\"id\":\"cmp_1\",\"encrypted_content\":\"x\"},{"
                          "\"type\":\"web_search_call\",\"id\":\"ws_1\",\"status\":\"completed\"}");
    EXPECT_STR(reported, "");
}

/* --- Streams ------------------------------------------------------------------------------------------------ */

#define EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"," rest "}\n\n"
#define CREATED EVENT("response.created", "\"response\":{\"id\":\"resp_1\",\"model\":\"gpt-x\"}")
#define COMPLETED(more)                                                                            \
    EVENT("response.completed", "\"response\":{\"status\":\"completed\"" more "}")

/* A stream of these events, in words. */
#define words_of(...) words_of_events((const char *const[]){__VA_ARGS__, NULL})
static const char *words_of_events(const char *const *events)
{
    static struct buf stream;
    buf_clear(&stream);
    for (; *events; events++)
        buf_add_str(&stream, str_from_c(*events));
    buf_add_byte(&stream, '\0');
    return responses_words_of_stream(stream.ptr);
}

/* mapping: §15 reading, §14 usage */
TEST(a_stream_is_read_in_its_order)
{
    EXPECT_STR(
        words_of(
            CREATED, EVENT("response.in_progress", "\"response\":{}"),
            EVENT(
                "response.output_item.added",
                "\"output_index\":0,\"item\":{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[],"
                "\"encrypted_content\":\"gA\"}"),
            EVENT("response.reasoning_summary_part.added", "\"item_id\":\"rs_1\""),
            EVENT("response.reasoning_summary_text.delta",
                  "\"item_id\":\"rs_1\",\"delta\":\"Need \""),
            EVENT("response.reasoning_summary_text.done",
                  "\"item_id\":\"rs_1\",\"text\":\"Need \""),
            EVENT("response.reasoning_summary_part.added", "\"item_id\":\"rs_1\""),
            EVENT("response.reasoning_summary_text.delta",
                  "\"item_id\":\"rs_1\",\"delta\":\"it.\""),
            EVENT("response.output_item.done",
                  "\"output_index\":0,\"item\":{\"id\":\"rs_1\",\"type\":"
                  "\"reasoning\",\"summary\":[{\"text\":\"Need "
                  "\"}],\"encrypted_content\":\"gAAfull\"}"),
            EVENT("response.output_item.added", "\"output_index\":1,\"item\":{\"id\":\"msg_1\","
                                                "\"type\":\"message\",\"content\":[]}"),
            EVENT("response.content_part.added", "\"item_id\":\"msg_1\",\"part\":{\"type\":"
                                                 "\"output_text\"}"),
            EVENT("response.output_text.delta", "\"item_id\":\"msg_1\",\"delta\":\"Let \","
                                                "\"logprobs\":[{\"token\":\"Let\"}]"),
            EVENT("keepalive", "\"sequence_number\":9"),
            EVENT("response.output_text.delta", "\"item_id\":\"msg_1\",\"delta\":"
                                                "\"me\\n\",\"logprobs\":[]"),
            EVENT("response.output_item.done", "\"output_index\":1,\"item\":{"
                                               "\"id\":\"msg_1\",\"type\":"
                                               "\"message\",\"content\":[{"
                                               "\"type\":\"output_text\","
                                               "\"text\":\"Let me\\n\"}]}"),
            COMPLETED(",\"usage\":{\"input_tokens\":"
                      "60,\"input_tokens_details\":{"
                      "\"cached_tokens\":10,\"cache_"
                      "write_tokens\":5},\"output_"
                      "tokens\":48,\"output_tokens_"
                      "details\":{\"reasoning_"
                      "tokens\":20}}")),
        "start resp_1 gpt-x|reasoning Need |reasoning_break|reasoning it.|signature 1 gAAfull rs_1|"
        "text Let |logprobs {\"token\":\"Let\"}|text me\\n|usage 45 10 5 28 20|"
        "finish stop completed|end");
}

/* mapping: §22 function_call_arguments.done */
TEST(calls_keep_the_name_they_were_announced_with)
{
    EXPECT_STR(
        words_of(CREATED,
                 EVENT("response.output_item.added",
                       "\"output_index\":0,\"item\":{\"id\":\"fc_1\",\"type\":\"function_call\","
                       "\"call_id\":\"call_1\",\"name\":\"f\",\"arguments\":\"\"}"),
                 EVENT("response.output_item.added",
                       "\"output_index\":1,\"item\":{\"id\":\"fc_2\",\"type\":\"function_call\","
                       "\"call_id\":\"call_2\",\"name\":\"g\",\"arguments\":\"\"}"),
                 EVENT("response.function_call_arguments.delta",
                       "\"item_id\":\"fc_1\",\"output_index\":0,\"delta\":\"{\\\"a\\\":\""),
                 EVENT("response.function_call_arguments.delta",
                       "\"item_id\":\"fc_2\",\"output_index\":1,\"delta\":\"{}\""),
                 EVENT("response.function_call_arguments.delta",
                       "\"item_id\":\"fc_1\",\"output_index\":0,\"delta\":\"1}\""),
                 EVENT("response.function_call_arguments.done",
                       "\"item_id\":\"fc_1\",\"output_index\":0,\"arguments\":"
                       "\"{\\\"a\\\":1}\""),
                 EVENT("response.output_item.done",
                       "\"output_index\":0,\"item\":{\"id\":\"fc_1\",\"type\":"
                       "\"function_call\",\"call_id\":\"call_1\",\"name\":\"f\","
                       "\"arguments\":\"{\\\"a\\\":1}\"}"),
                 COMPLETED("")),
        "start resp_1 gpt-x|call 0 call_1 f|call 1 call_2 g|arguments 0 {\\\"a\\\":|arguments 1 {}|"
        "arguments 0 1}|finish calls completed|end");
}

TEST(what_was_not_told_in_deltas_is_taken_from_the_whole)
{
    EXPECT_STR(
        words_of(CREATED,
                 EVENT("response.output_item.added",
                       "\"output_index\":0,\"item\":{\"id\":\"fc_1\",\"type\":\"function_call\","
                       "\"call_id\":\"call_1\",\"name\":\"f\"}"),
                 EVENT("response.output_item.done",
                       "\"output_index\":0,\"item\":{\"id\":\"fc_1\",\"type\":\"function_call\","
                       "\"call_id\":\"call_1\",\"name\":\"f\",\"arguments\":\"{}\"}"),
                 EVENT("response.output_item.done",
                       "\"output_index\":1,\"item\":{\"id\":\"msg_1\",\"type\":\"message\","
                       "\"content\":[{\"type\":\"output_text\",\"text\":\"Hi\"},{\"type\":"
                       "\"output_text\",\"text\":\"you\"}]}"),
                 COMPLETED("")),
        "start resp_1 gpt-x|call 0 call_1 f|arguments 0 {}|text Hi|break|text you|"
        "finish calls completed|end");
    EXPECT_STR(
        words_of(COMPLETED(",\"id\":\"resp_2\",\"model\":\"m\",\"output\":[{\"type\":\"message\","
                           "\"content\":[{\"type\":\"output_text\",\"text\":\"Hi\"}]}]")),
        "start resp_2 m|text Hi|finish stop completed|end");
}

TEST(servers_without_coordinates_are_understood)
{
    EXPECT_STR(
        words_of(CREATED,
                 EVENT("response.output_item.added",
                       "\"item\":{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[]}"),
                 EVENT("response.reasoning_text.delta", "\"item_id\":\"rs_1\",\"delta\":\"hm\""),
                 EVENT("response.output_item.done",
                       "\"item\":{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[],"
                       "\"content\":[{\"type\":\"reasoning_text\",\"text\":\"hm\"}],"
                       "\"encrypted_content\":\"\"}"),
                 EVENT("response.output_item.added",
                       "\"item\":{\"id\":\"fc_x\",\"type\":\"function_call\",\"call_id\":"
                       "\"fc_x\",\"name\":\"f\",\"arguments\":\"\"}"),
                 EVENT("response.function_call_arguments.delta",
                       "\"item_id\":\"fc_x\",\"delta\":\"{}\""),
                 EVENT("response.output_item.done",
                       "\"item\":{\"id\":\"fc_x\",\"type\":\"function_call\","
                       "\"call_id\":\"fc_x\",\"name\":\"f\",\"arguments\":\"{}\"}"),
                 COMPLETED(",\"output\":[{\"type\":\"reasoning\",\"id\":\"rs_1\"}"
                           ",{\"type\":\"function_call\",\"id\":\"fc_x\"}]"),
                 "data: [DONE]\n\n"),
        "start resp_1 gpt-x|reasoning hm|call 0 fc_x f|arguments 0 {}|finish calls completed|end");
}

TEST(custom_tools_have_their_input_wrapped)
{
    EXPECT_STR(
        words_of(CREATED,
                 EVENT("response.output_item.added",
                       "\"output_index\":0,\"item\":{\"id\":\"ctc_1\",\"type\":\"custom_tool_"
                       "call\",\"call_id\":\"c1\",\"name\":\"sh\",\"input\":\"\"}"),
                 EVENT("response.custom_tool_call_input.delta",
                       "\"item_id\":\"ctc_1\",\"delta\":\"ls \\\"a\""),
                 EVENT("response.custom_tool_call_input.delta",
                       "\"item_id\":\"ctc_1\",\"delta\":\"\\\"\""),
                 EVENT("response.output_item.done",
                       "\"output_index\":0,\"item\":{\"id\":\"ctc_1\",\"type\":\"custom_"
                       "tool_call\",\"call_id\":\"c1\",\"name\":\"sh\",\"input\":\"ls "
                       "\\\"a\\\"\"}"),
                 COMPLETED("")),
        "start resp_1 gpt-x|call 0 c1 sh custom|arguments 0 {\\\"input\\\":\\\"|"
        "arguments 0 ls \\\\\\\"a|arguments 0 \\\\\\\"|arguments 0 \\\"}|finish calls completed|end");
}

TEST(refusals_citations_and_items_of_tools_are_told)
{
    EXPECT_STR(
        words_of(CREATED,
                 EVENT("response.output_item.done",
                       "\"output_index\":0,\"item\":{\"id\":\"ws_1\",\"type\":\"web_search_"
                       "call\"}"),
                 EVENT("response.output_item.done",
                       "\"output_index\":1,\"item\":{\"id\":\"ig_1\",\"type\":\"image_generation_"
                       "call\",\"result\":\"AAAA\",\"output_format\":\"webp\"}"),
                 EVENT("response.output_item.added",
                       "\"output_index\":2,\"item\":{\"id\":\"msg_1\",\"type\":\"message\"}"),
                 EVENT("response.output_text.delta", "\"item_id\":\"msg_1\",\"delta\":\"x\""),
                 EVENT("response.output_text.annotation.added",
                       "\"item_id\":\"msg_1\",\"annotation\":{\"type\":\"url_citation\","
                       "\"url\":\"https://x\",\"title\":\"t\",\"start_index\":0,\"end_"
                       "index\":1}"),
                 EVENT("response.refusal.delta", "\"item_id\":\"msg_1\",\"delta\":\"No.\""),
                 COMPLETED("")),
        "start resp_1 gpt-x|native web_search_call|media image/webp AAAA|text x|"
        "citation https://x 0-1|refusal No.|finish stop completed|end");
}

/* mapping: §13 incomplete reasons */
TEST(reasons_of_incomplete_answers)
{
    static const struct {
        const char *reason, *words;
    } rows[] = {
        {"max_output_tokens", "start  |finish length max_output_tokens|end"},
        {"max_messages", "start  |finish length max_messages|end"},
        {"content_filter", "start  |finish filtered content_filter|end"},
        {"steered", "start  |finish stop steered|end"},
        {"something_new", "start  |finish length something_new|end"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        char stream[400];
        snprintf(stream, sizeof(stream),
                 EVENT("response.incomplete",
                       "\"response\":{\"status\":\"incomplete\",\"incomplete_"
                       "details\":{\"reason\":\"%s\"}}"),
                 rows[i].reason);
        EXPECT_STR(words_of(stream), rows[i].words);
    }
}

/* mapping: §22 error in a Responses stream, §17 classes */
TEST(failures_in_all_their_shapes)
{
    EXPECT_STR(
        words_of(EVENT("error", "\"code\":\"server_error\",\"message\":\"flat\",\"param\":null")),
        "failed upstream_stream_error flat");
    EXPECT_STR(words_of(EVENT("error", "\"error\":{\"type\":\"invalid_request_error\",\"code\":"
                                       "\"context_length_exceeded\",\"message\":\"too long\"}")),
               "failed provider_refused too long");
    EXPECT_STR(words_of(EVENT("response.failed",
                              "\"response\":{\"status\":\"failed\",\"error\":{\"code\":"
                              "\"rate_limit_exceeded\",\"message\":\"try again in 1.2s\"}}"),
                        EVENT("error", "\"message\":\"again\"")),
               "failed upstream_rate_limit try again in 1.2s");
    EXPECT_STR(words_of("data: {\"error\":{\"code\":\"slow_down\"}}\n\n"),
               "failed upstream_rate_limit ");
    EXPECT_STR(words_of("data: nonsense\n\n"), "failed upstream_malformed ");
    EXPECT_STR(words_of(CREATED), "start resp_1 gpt-x");
}

/* --- Whole answers ------------------------------------------------------------------------------------------ */

TEST(a_whole_answer_is_read_as_its_stream)
{
    EXPECT_STR(
        responses_words_of_answer(
            "{\"id\":\"resp_1\",\"model\":\"m\",\"status\":\"completed\",\"error\":null,\"output\":["
            "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[{\"type\":\"summary_text\","
            "\"text\":\"a\"},{\"type\":\"summary_text\",\"text\":\"b\"}],\"encrypted_content\":\"E\"}"
            ",{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"Hi\","
            "\"annotations\":[]}]},{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\","
            "\"arguments\":\"{}\"},{\"type\":\"custom_tool_call\",\"call_id\":\"c2\",\"name\":\"g\","
            "\"input\":\"x\"}],\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}"),
        "start resp_1 m|reasoning a|reasoning_break|reasoning b|signature 1 E rs_1|text Hi|"
        "call 0 c1 f|arguments 0 {}|call 1 c2 g custom|arguments 1 {\\\"input\\\":\\\"|"
        "arguments 1 x|arguments 1 \\\"}|usage 3 -1 -1 4 -1|finish calls completed|end");
}

TEST(an_answer_that_failed_is_a_failure)
{
    EXPECT_STR(responses_words_of_answer("{\"status\":\"failed\",\"error\":{\"code\":\"server_"
                                         "error\",\"message\":\"m\"},\"output\":[]}"),
               "failed upstream_stream_error m");
    EXPECT_STR(responses_words_of_answer("{\"status\":\"cancelled\",\"output\":[]}"),
               "failed upstream_malformed ");
    EXPECT_STR(responses_words_of_answer("[]"), "failed upstream_malformed ");
    EXPECT_STR(responses_words_of_answer("{}"), "failed upstream_malformed ");
}

TEST(error_answers_are_read_however_odd)
{
    static const struct {
        const char *body, *message, *code;
    } rows[] = {
        {"{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":\"p\",\"code\":\"c\"}}", "m", "c"},
        {"{\"error\":{\"message\":\"m\",\"code\":400}}", "m", "400"},
        {"{\"error\":\"m\"}", "m", NULL},
        {"{\"message\":\"m\",\"code\":\"c\"}", "m", "c"},
        {"{\"detail\":\"m\"}", "m", NULL},
        {"<html>", NULL, NULL},
        {"[1]", NULL, NULL},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        struct provider_fault fault;
        arena_init(&a, 0);
        dialect_of(ENDPOINT_RESPONSES)->read_error(str_from_c(rows[i].body), &a, &fault);
        EXPECT_STR(fault.message, rows[i].message);
        EXPECT_STR(fault.code, rows[i].code);
        arena_release(&a);
    }
}
