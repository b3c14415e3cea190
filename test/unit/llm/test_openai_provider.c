/* Chats as requests of chat completions, and which of OpenAI's APIs they go to. */
#include "openai_helpers.h"

#include <stdio.h>
#include <string.h>

#include "llm/openai_api.h"
#include "llm/provider.h"
#include "support/test.h"

#define ANT(more)                                                                                   \
    "{\"model\":\"m\",\"max_tokens\":50,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]" more \
    "}"
#define ANT_TURNS(turns) "{\"model\":\"m\",\"max_tokens\":50,\"messages\":[" turns "]}"
#define CHAT(more) "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]" more "}"

static const char *reported;

static const char *send(const char *type, const char *model, enum endpoint_kind from,
                        const char *body)
{
    struct openai_to to = {.type = type, .model = model};
    const char *sent = openai_resend(&to, from, body);
    reported = to.reported;
    return sent;
}

static const char *from_anthropic(const char *type, const char *model, const char *body)
{
    return send(type, model, ENDPOINT_MESSAGES, body);
}

/* --- Requests */

/* mapping: §18 system blocks, messages system, max_tokens, stop_sequences, metadata.user_id, stream */
TEST(openais_own_models_get_their_fields)
{
    static const char body[] =
        ANT(",\"system\":[{\"type\":\"text\",\"text\":\"A\"},{\"type\":\"text\",\"text\":\"B\"}],"
            "\"stream\":true,\"metadata\":{\"user_id\":\"u\"},\"stop_sequences\":[\"x\"]");
    EXPECT_STR(
        from_anthropic("openai", "gpt-4.1", body),
        "{\"model\":\"gpt-4.1\",\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":"
        "\"text\",\"text\":\"A\"},{\"type\":\"text\",\"text\":\"B\"}]},{\"role\":\"user\","
        "\"content\":\"Hi\"}],\"max_tokens\":50,\"stop\":[\"x\"],\"safety_identifier\":\"u\","
        "\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
    const char *newer = from_anthropic("openai", "gpt-5.1", body);
    EXPECT_CONTAINS(newer, "{\"role\":\"developer\",");
    EXPECT_CONTAINS(newer, "\"max_completion_tokens\":50");
    EXPECT_CONTAINS(from_anthropic("openai", "gpt-99", body), "\"max_completion_tokens\":50");
    const char *azure = from_anthropic("azure", "gpt-5.1", body);
    EXPECT_CONTAINS(azure, "{\"role\":\"system\",");
    EXPECT_CONTAINS(azure, "\"max_completion_tokens\":50");
    struct openai_to old = {.type = "azure", .model = "gpt-5.1", .version = "2024-06-01"};
    EXPECT_CONTAINS(openai_resend(&old, ENDPOINT_MESSAGES, body), "\"max_tokens\":50");
}

TEST(other_servers_get_system_and_max_tokens)
{
    EXPECT_STR(
        from_anthropic("vllm", "qwen3-32b",
                       ANT(",\"system\":[{\"type\":\"text\",\"text\":\"A\"},{\"type\":"
                           "\"text\",\"text\":\"B\"}],\"metadata\":{\"user_id\":\"u\"},"
                           "\"top_k\":5")),
        "{\"model\":\"qwen3-32b\",\"messages\":[{\"role\":\"system\",\"content\":\"A\\nB\"},{"
        "\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":50,\"top_k\":5,\"user\":\"u\"}");
    struct openai_to groq = {.type = "openai-compatible", .preset = "groq", .model = "llama-x"};
    EXPECT(!strstr(openai_resend(&groq, ENDPOINT_MESSAGES, ANT(",\"top_k\":5")), "top_k"));
    EXPECT_STR(groq.reported, "top_k");
}

/* mapping: §18 metadata.user_id hash */
TEST(a_long_user_id_is_replaced_by_its_hash)
{
    char body[600], id[200];
    memset(id, 'a', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    snprintf(body, sizeof(body), ANT(",\"metadata\":{\"user_id\":\"%s\"}"), id);
    EXPECT_CONTAINS(from_anthropic("openai", NULL, body),
                    "\"safety_identifier\":"
                    "\"60048478ae47edd7ef18f1235afd254a72ffaf32c4bc5726e8d250c3be51e3cb\"");
}

/* mapping: §18 tool_use, tool_result, is_error, images in results, thinking; §5 text parts */
TEST(tool_loops_keep_their_order_and_media_follow)
{
    static const char body[] = ANT_TURNS(
        "{\"role\":\"user\",\"content\":\"Go\"},{\"role\":\"assistant\",\"content\":[{\"type\":"
        "\"thinking\",\"thinking\":\"t\",\"signature\":\"S\"},{\"type\":\"text\",\"text\":\"Look\"},"
        "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{\"x\":1}},{\"type\":"
        "\"tool_use\",\"id\":\"b\",\"name\":\"g.h\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{"
        "\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"one\"},{\"type\":\"text\",\"text\":\"two\"},{\"type\":\"image\",\"source\":{\"type\":"
        "\"base64\",\"media_type\":\"image/png\",\"data\":\"iVBO\"}}]},{\"type\":\"tool_result\","
        "\"tool_use_id\":\"b\",\"is_error\":true,\"content\":\"bad\"},{\"type\":\"text\",\"text\":"
        "\"So?\"}]}");
    static const char calls[] =
        "\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"{\\\"x\\\":1}\"}},{\"id\":\"b\",\"type\":\"function\",\"function\":{"
        "\"name\":\"g_h_";
    static const char results[] =
        "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"one\\ntwo\\n(The tool's image or "
        "document is in the next message.)\"},{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":"
        "\"Error: bad\"},{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{"
        "\"url\":\"data:image/png;base64,iVBO\"}}]},{\"role\":\"user\",\"content\":\"So?\"}]";
    const char *own = from_anthropic("openai", "gpt-5.1", body);
    EXPECT_CONTAINS(own, "{\"role\":\"assistant\",\"content\":\"Look\",\"tool_calls\":");
    EXPECT_CONTAINS(own, calls);
    EXPECT_CONTAINS(own, results);
    EXPECT(!strstr(own, "reasoning"));
    EXPECT(!strstr(own, "\"tools\"")); /* none was declared by the client */
    const char *local = from_anthropic("vllm", "qwen3-32b", body);
    EXPECT_CONTAINS(local, "\"content\":\"Look\",\"reasoning_content\":\"t\",\"tool_calls\":");
    struct openai_to strict = {.type = "openai-compatible", .preset = "mistral"};
    EXPECT(!strstr(openai_resend(&strict, ENDPOINT_MESSAGES, body), "reasoning"));
    struct openai_to unknown = {.type = "openai-compatible"};
    EXPECT_CONTAINS(openai_resend(&unknown, ENDPOINT_MESSAGES, body),
                    "\"reasoning_content\":\"t\"");
}

/* mapping: §8 function.parameters missing, strict, names, tool_choice, disable_parallel_tool_use;
 * §18 tools, tool_choice */
TEST(tools_and_their_choice_are_written)
{
    static const char tools[] =
        ",\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"input_schema\":{\"type\":\"object\"},"
        "\"strict\":true}],\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":true}}";
    char body[500];
    snprintf(body, sizeof(body), "%.*s%s", (int)strlen(ANT("")) - 1, ANT(""), tools);
    EXPECT_CONTAINS(
        from_anthropic("openai", NULL, body),
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":"
        "\"d\",\"parameters\":{\"type\":\"object\"},\"strict\":true}}],\"tool_choice\":"
        "\"required\",\"parallel_tool_calls\":false");
    const char *plain = from_anthropic("together", "Qwen/Qwen3.5-9B", body);
    EXPECT(!strstr(plain, "strict") && !strstr(plain, "parallel"));
    EXPECT_STR(reported, "tools.strict, parallel_tool_calls");
    EXPECT_CONTAINS(from_anthropic("vllm", "x",
                                   ANT(",\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":"
                                       "\"object\"}}],\"tool_choice\":{\"type\":\"tool\",\"name\":"
                                       "\"f\"}")),
                    "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}");
    EXPECT_STR(from_anthropic("openai", NULL,
                              ANT(",\"tools\":[{\"type\":\"web_search_20250305\",\"name\":"
                                  "\"web_search\"}]")),
               "refused tools (web_search_20250305): a tool that another provider runs");
}

/* mapping: §22 custom tools */
TEST(custom_tools_keep_their_grammar_where_there_are_some)
{
    static const char body[] =
        "{\"model\":\"m\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":\"Hi\"},{"
        "\"type\":\"custom_tool_call\",\"call_id\":\"c\",\"name\":\"sh\",\"input\":\"ls\"},{\"type\":"
        "\"custom_tool_call_output\",\"call_id\":\"c\",\"output\":\"ok\"}],\"tools\":[{\"type\":"
        "\"custom\",\"name\":\"sh\",\"description\":\"d\",\"format\":{\"type\":\"grammar\","
        "\"syntax\":\"lark\",\"definition\":\"start: x\"}}]}";
    const char *own = send("openai", NULL, ENDPOINT_RESPONSES, body);
    EXPECT_CONTAINS(own, "\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"sh\","
                         "\"description\":\"d\",\"format\":{\"type\":\"grammar\",\"grammar\":{"
                         "\"definition\":\"start: x\",\"syntax\":\"lark\"}}}}]");
    EXPECT_CONTAINS(own, "{\"id\":\"c\",\"type\":\"custom\",\"custom\":{\"name\":\"sh\",\"input\":"
                         "\"ls\"}}");
    const char *other = send("together", NULL, ENDPOINT_RESPONSES, body);
    EXPECT_CONTAINS(other, "{\"type\":\"function\",\"function\":{\"name\":\"sh\",\"description\":"
                           "\"d\",\"parameters\":{\"type\":\"object\",\"properties\":{\"input\":{"
                           "\"type\":\"string\"}},\"required\":[\"input\"]}}}");
    EXPECT_CONTAINS(other,
                    "\"function\":{\"name\":\"sh\",\"arguments\":\"{\\\"input\\\":\\\"ls\\\"}"
                    "\"}");
    EXPECT_CONTAINS(reported, "tools.custom.format");
}

/* mapping: §3 image_url data, https, detail, input_audio, file PDF, file text, gs:// */
TEST(media_go_as_parts_or_are_refused)
{
#define BLOCK(block) ANT_TURNS("{\"role\":\"user\",\"content\":[" block "]}")
#define PDF                                                                                        \
    BLOCK(                                                                                         \
        "{\"type\":\"document\",\"title\":\"Q3\",\"source\":{\"type\":\"base64\",\"media_type\":"  \
        "\"application/pdf\",\"data\":\"JVBE\"}}")
    EXPECT_CONTAINS(from_anthropic("openai", NULL,
                                   BLOCK("{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":"
                                         "\"https://a.test/i.png\"}}")),
                    "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://a.test/i.png\"}}");
    EXPECT_CONTAINS(from_anthropic("openai", NULL, PDF),
                    "{\"type\":\"file\",\"file\":{\"filename\":\"Q3\",\"file_data\":"
                    "\"data:application/pdf;base64,JVBE\"}}");
    EXPECT_STR(from_anthropic("vllm", "x", PDF),
               "refused messages[0]: this server takes no documents");
    EXPECT_CONTAINS(
        from_anthropic("vllm", "x",
                       BLOCK("{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":"
                             "\"text/plain\",\"data\":\"a\\nb\"}}")),
        "\"content\":[{\"type\":\"text\",\"text\":\"a\\nb\"}]");
    EXPECT_STR(from_anthropic("openai", NULL,
                              BLOCK("{\"type\":\"image\",\"source\":{\"type\":\"file\",\"file_id\":"
                                    "\"file_1\"}}")),
               "refused messages[0]: the file is in another provider's account");
#define GEMINI(part) "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"x\"}," part "]}]}"
    EXPECT_CONTAINS(send("openai", NULL, ENDPOINT_GENERATE,
                         GEMINI("{\"inlineData\":{\"mimeType\":\"audio/wav\",\"data\":\"UklG\"}}")),
                    "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklG\",\"format\":"
                    "\"wav\"}}");
    EXPECT_STR(send("openai", NULL, ENDPOINT_GENERATE,
                    GEMINI("{\"inlineData\":{\"mimeType\":\"video/mp4\",\"data\":\"AAAA\"}}")),
               "refused contents[0]: chat completions take no video");
    EXPECT_CONTAINS(
        send("vllm", "x", ENDPOINT_GENERATE,
             GEMINI("{\"inlineData\":{\"mimeType\":\"video/mp4\",\"data\":\"AAAA\"}}")),
        "{\"type\":\"video_url\",\"video_url\":{\"url\":\"data:video/mp4;base64,AAAA\"}}");
    EXPECT_CONTAINS(send("vllm", "x", ENDPOINT_GENERATE,
                         GEMINI("{\"inlineData\":{\"mimeType\":\"text/csv\",\"data\":\"YSxi\"}}")),
                    "{\"type\":\"text\",\"text\":\"a,b\"}");
}

/* mapping: §7 temperature, top_p, penalties, seed, logit_bias, logprobs, stop; §10 sampling of reasoning
 * models */
TEST(models_that_reason_have_sampling_of_their_own)
{
    static const char body[] = ANT(",\"temperature\":0.5,\"top_p\":0.9");
    EXPECT_CONTAINS(from_anthropic("openai", "gpt-4.1", body), "\"temperature\":0.5,\"top_p\":0.9");
    EXPECT(!strstr(from_anthropic("openai", "gpt-6.2-sol", body), "temperature"));
    EXPECT_STR(reported, "temperature, top_p");
    /* 5.1 does not reason by itself */
    EXPECT_CONTAINS(from_anthropic("openai", "gpt-5.1", body), "\"temperature\":0.5");
    EXPECT_CONTAINS(from_anthropic("vllm", "qwen3", body), "\"temperature\":0.5");
    static const char probs[] =
        "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]}],\"generationConfig\":{"
        "\"responseLogprobs\":true,\"logprobs\":2}}";
    EXPECT_CONTAINS(send("openai", "gpt-4.1", ENDPOINT_GENERATE, probs),
                    "\"logprobs\":true,\"top_logprobs\":2");
    EXPECT_CONTAINS(send("together", "x", ENDPOINT_GENERATE, probs), "\"logprobs\":2}");
}

TEST(of_many_stop_sequences_the_first_four_are_sent)
{
    EXPECT_CONTAINS(from_anthropic("openai", "gpt-4.1",
                                   ANT(",\"stop_sequences\":[\"a\",\"b\",\"c\",\"d\",\"e\"]")),
                    "\"stop\":[\"a\",\"b\",\"c\",\"d\"]");
    EXPECT_STR(reported, "stop=the first 4 (was 5)");
}

/* mapping: §9 json_schema; §18 output_config.format */
TEST(structured_output_is_asked_for)
{
    EXPECT_CONTAINS(from_anthropic("openai", NULL,
                                   ANT(",\"output_config\":{\"format\":{\"type\":\"json_schema\","
                                       "\"schema\":{\"type\":\"object\"}}}")),
                    "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
                    "\"structured_output\",\"schema\":{\"type\":\"object\"}");
    static const char json[] =
        "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]}],\"generationConfig\":{"
        "\"responseMimeType\":\"application/json\"}}";
    const char *own = send("openai", "gpt-4.1", ENDPOINT_GENERATE, json);
    EXPECT_CONTAINS(own, "{\"role\":\"system\",\"content\":\"Answer with one JSON object.\"}");
    EXPECT_CONTAINS(own, "\"response_format\":{\"type\":\"json_object\"}");
    EXPECT_STR(reported, "response_format (with an instruction)");
    EXPECT(!strstr(send("vllm", "x", ENDPOINT_GENERATE, json), "system"));
}

/* mapping: §10 OAI as target; §18 thinking.enabled, thinking.disabled, thinking.adaptive */
TEST(efforts_are_what_the_model_has)
{
    static const struct {
        const char *type, *model, *more, *sent, *told;
    } rows[] = {
        {"openai", "gpt-5.1", ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}",
         "\"reasoning_effort\":\"low\"", ""},
        {"openai", "gpt-5.1", ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":4096}",
         "\"reasoning_effort\":\"medium\"", ""},
        {"openai", "gpt-5.1", ",\"thinking\":{\"type\":\"disabled\"}",
         "\"reasoning_effort\":\"none\"", ""},
        {"openai", "gpt-6.2-sol", ",\"thinking\":{\"type\":\"disabled\"}",
         "\"reasoning_effort\":\"low\"", "reasoning_effort=low (was none)"},
        {"openai", "gpt-5.6-sol", ",\"output_config\":{\"effort\":\"max\"}",
         "\"reasoning_effort\":\"xhigh\"", "reasoning_effort=xhigh (was max)"},
        {"openai", "gpt-4.1", ",\"output_config\":{\"effort\":\"high\"}", NULL, "reasoning_effort"},
        {"openai", "gpt-4.1", ",\"thinking\":{\"type\":\"disabled\"}", NULL, ""},
        {"vllm", "qwen3-32b", ",\"output_config\":{\"effort\":\"high\"}",
         "\"reasoning_effort\":\"high\"", ""},
        {"together", "Qwen/Qwen3.5-9B", ",\"thinking\":{\"type\":\"disabled\"}",
         "\"reasoning\":{\"enabled\":false}", ""},
        {"together", "openai/gpt-oss-120b", ",\"output_config\":{\"effort\":\"high\"}",
         "\"reasoning_effort\":\"high\"", ""},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        char body[400];
        snprintf(body, sizeof(body), ANT("%s"), rows[i].more);
        const char *sent = from_anthropic(rows[i].type, rows[i].model, body);
        if (rows[i].sent)
            EXPECT_CONTAINS(sent, rows[i].sent);
        else
            EXPECT(!strstr(sent, "reasoning"));
        EXPECT_STR(reported, rows[i].told);
    }
}

/* mapping: §11 ANT cache_control */
TEST(marks_for_caching_go_to_models_that_take_them)
{
#define MARKED(text)                                                                               \
    "{\"type\":\"text\",\"text\":\"" text "\",\"cache_control\":{\"type\":\"ephemeral\"}}"
    static const char body[] =
        ANT_TURNS("{\"role\":\"user\",\"content\":[" MARKED("1") "," MARKED("2") "," MARKED(
            "3") "," MARKED("4") ",{\"type\":\"text\",\"text\":\"5\",\"cache_control\":{\"type\":"
                                 "\"ephemeral\",\"ttl\":\"1h\"}}]}");
    const char *sent = from_anthropic("openai", "gpt-5.6-sol", body);
    EXPECT_CONTAINS(sent, "{\"type\":\"text\",\"text\":\"1\"}"); /* the last four count */
    EXPECT_CONTAINS(sent, "\"text\":\"2\",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}}");
    EXPECT_CONTAINS(sent,
                    "\"text\":\"5\",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\",\"ttl\":"
                    "\"12h\"}}");
    EXPECT(!strstr(from_anthropic("openai", "gpt-4.1", body), "prompt_cache"));
    EXPECT(!strstr(from_anthropic("vllm", "x", body), "prompt_cache"));
    static const char options[] =
        "{\"model\":\"m\",\"input\":\"x\",\"prompt_cache_options\":{\"mode\":"
        "\"explicit\",\"ttl\":\"12h\"},\"prompt_cache_retention\":\"24h\"}";
    const char *newer = send("openai", "gpt-6-sol", ENDPOINT_RESPONSES, options);
    EXPECT_CONTAINS(newer, "\"prompt_cache_options\":{\"mode\":\"explicit\"}");
    EXPECT(!strstr(newer, "retention"));
    EXPECT_CONTAINS(send("openai", "gpt-5.1", ENDPOINT_RESPONSES, options),
                    "\"prompt_cache_retention\":\"24h\"");
}

/* mapping: §7 service_tier, store, prompt_cache_key, metadata */
TEST(bookkeeping_goes_to_openai_alone)
{
    static const char body[] =
        "{\"model\":\"m\",\"input\":\"x\",\"store\":true,\"metadata\":{\"a\":\"b\"},"
        "\"service_tier\":\"flex\",\"prompt_cache_key\":\"k\",\"text\":{\"verbosity\":\"low\"}}";
    EXPECT_CONTAINS(send("openai", "gpt-5.1", ENDPOINT_RESPONSES, body),
                    "\"store\":true,\"metadata\":{\"a\":\"b\"},\"prompt_cache_key\":\"k\","
                    "\"service_tier\":\"flex\",\"verbosity\":\"low\"");
    const char *other = send("vllm", "x", ENDPOINT_RESPONSES, body);
    EXPECT(!strstr(other, "store") && !strstr(other, "tier") && !strstr(other, "verbosity"));
    EXPECT_STR(reported, "text.verbosity");
    EXPECT_CONTAINS(from_anthropic("openai", NULL, ANT(",\"service_tier\":\"standard_only\"")),
                    "\"service_tier\":\"default\"");
}

TEST(strict_and_report_change_what_is_refused)
{
    struct openai_to strict = {.policy = UNSUPPORTED_STRICT};
    EXPECT_CONTAINS(openai_resend(&strict, ENDPOINT_MESSAGES, ANT(",\"top_k\":5")),
                    "refused top_k:");
    struct openai_to report = {.policy = UNSUPPORTED_REPORT};
    EXPECT_CONTAINS(openai_resend(&report, ENDPOINT_COMPLETIONS,
                                  "{\"model\":\"m\",\"prompt\":\"x\",\"suffix\":\"y\"}"),
                    "\"content\":\"x\"");
    EXPECT_STR(report.reported, "suffix");
    struct openai_to usual = {0};
    EXPECT_CONTAINS(openai_resend(&usual, ENDPOINT_COMPLETIONS,
                                  "{\"model\":\"m\",\"prompt\":\"x\",\"suffix\":\"y\"}"),
                    "refused suffix:");
}

/* --- Which API */

/* mapping: §22 Chat request with function tools that must leave as /responses */
/* mapping: §22 tools must leave as /responses */
TEST(models_that_refuse_tools_while_they_reason_want_responses)
{
    static const struct {
        const char *model, *more;
        bool wants;
    } rows[] = {
        {"gpt-4.1", ",\"tools\":[T]", false},
        {"gpt-5.1", ",\"tools\":[T],\"reasoning_effort\":\"high\"", false},
        {"gpt-5.4", ",\"tools\":[T]", false}, /* does not reason by itself */
        {"gpt-5.4", ",\"tools\":[T],\"reasoning_effort\":\"low\"", true},
        {"gpt-5.5", ",\"tools\":[T]", true},
        {"gpt-5.5", ",\"tools\":[T],\"reasoning_effort\":\"none\"", false},
        {"gpt-5.5", "", false},
        {"gpt-6.2-sol", ",\"tools\":[T],\"reasoning_effort\":\"none\"", true},
        {"gpt-6.2-sol", "", false},
        {"gpt-5-pro", "", true},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        static const char tool[] = "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}";
        char body[400], more[300];
        const char *t = strchr(rows[i].more, 'T');
        if (t)
            snprintf(more, sizeof(more), "%.*s%s%s", (int)(t - rows[i].more), rows[i].more, tool,
                     t + 1);
        else
            snprintf(more, sizeof(more), "%s", rows[i].more);
        snprintf(body, sizeof(body), CHAT("%s"), more);
        struct openai_asked q;
        openai_ask(&q, body);
        str model = str_from_c(rows[i].model);
        struct provider_conf p = {.provider = provider_find(STR("openai"))};
        bool refused = openai_refuses(&p, ENDPOINT_CHAT, model, &q.chat);
        if (refused != rows[i].wants)
            EXPECT_FAIL("%s %s", rows[i].model, rows[i].more);
        EXPECT_EQ(provider_translate(&p, ENDPOINT_MESSAGES, model, &q.chat),
                  rows[i].wants ? ENDPOINT_RESPONSES : ENDPOINT_CHAT);
        if (rows[i].wants)
            EXPECT(openai_refuses(&p, ENDPOINT_CHAT, model, NULL));
        p.api = API_CHAT;
        EXPECT(!openai_refuses(&p, ENDPOINT_CHAT, model, &q.chat));
        EXPECT(!(provider_endpoints(&p) & ENDPOINT_BIT(RESPONSES)));
        p.api = API_RESPONSES;
        EXPECT(openai_refuses(&p, ENDPOINT_CHAT, model, &q.chat));
        openai_asked_release(&q);
    }
}

TEST(compatible_servers_are_asked_in_openais_format_only)
{
    struct provider_conf p = {.provider = provider_find(STR("openai-compatible"))};
    EXPECT(provider_endpoints(&p) & ENDPOINT_BIT(RESPONSES));
    EXPECT(!(provider_endpoints(&p) & (ENDPOINT_BIT(MESSAGES) | ENDPOINT_BIT(GENERATE))));
    EXPECT_EQ(provider_translate(&p, ENDPOINT_MESSAGES, STR("gpt-5-pro"), NULL), ENDPOINT_CHAT);
    p.preset = STR("deepseek");
    EXPECT(!(provider_endpoints(&p) & ENDPOINT_BIT(RESPONSES)));
    p.api = API_RESPONSES;
    EXPECT(provider_endpoints(&p) & ENDPOINT_BIT(RESPONSES));
}
