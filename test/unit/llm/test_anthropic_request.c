/* Requests of Anthropic's Messages API: read into chats, and written from them. */
#include "anthropic_helpers.h"

#include <stdio.h>

#include "llm/dialect/anthropic.h"
#include "llm/dialect/anthropic_impl.h"
#include "llm/token_estimate.h"
#include "support/test.h"

#define USER(text) "{\"role\":\"user\",\"content\":\"" text "\"}"
#define BODY(rest) "{\"model\":\"m\",\"max_tokens\":5000," rest "}"
#define ASK(rest) BODY("\"messages\":[" USER("Hi") "]" rest)
#define HI "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}]}]"
#define HEAD "{\"model\":\"claude-x\",\"max_tokens\":5000,"

/* --- Reading */

static void expect_fault(const char *body, const char *field)
{
    struct asked q;
    asked_read(&q, body);
    if (!q.err)
        EXPECT_FAIL("no fault for %s", body);
    EXPECT_STR(q.source.fault.field, field);
    EXPECT(q.source.fault.text.len > 0);
    asked_release(&q);
}

TEST(faults_name_the_clients_field)
{
    expect_fault("{\"messages\":[" USER("Hi") "]}", "max_tokens");
    expect_fault("{\"max_tokens\":0,\"messages\":[" USER("Hi") "]}", "max_tokens");
    expect_fault("{\"max_tokens\":5}", "messages");
    expect_fault(BODY("\"messages\":[]"), "messages");
    expect_fault(BODY("\"messages\":[7]"), "messages[0]");
    expect_fault(BODY("\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]"), "messages[0].role");
    expect_fault(BODY("\"messages\":[{\"role\":\"user\"}]"), "messages[0].content");
    expect_fault(BODY("\"messages\":[" USER("a") ",{\"role\":\"user\",\"content\":[{}]}]"),
                 "messages[1].content[0].type");
    expect_fault(BODY("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\","
                      "\"source\":{\"type\":\"x\"}}]}]"),
                 "messages[0].content[0].source.type");
    expect_fault(BODY("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
                      "\"tool_use_id\":\"t\",\"content\":[{\"type\":\"text\"}]}]}]"),
                 "messages[0].content[0].content[0].text");
    expect_fault(BODY("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_use\"}]}]"),
                 "messages[0].content[0].type");
    expect_fault(BODY("\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\","
                      "\"id\":\"a\",\"name\":\"f\",\"input\":\"{}\"}]}]"),
                 "messages[0].content[0].input");
    expect_fault(ASK(",\"system\":[{\"type\":\"image\"}]"), "system[0].type");
    expect_fault(ASK(",\"tools\":[{\"input_schema\":{}}]"), "tools[0].name");
    expect_fault(ASK(",\"tool_choice\":{\"type\":\"must\"}"), "tool_choice.type");
    expect_fault(ASK(",\"thinking\":{\"type\":\"much\"}"), "thinking.type");
    expect_fault(ASK(",\"output_config\":{\"effort\":\"huge\"}"), "output_config.effort");
    expect_fault(ASK(",\"thread\":{\"type\":\"continue\",\"previous_message_id\":\"m\"}"),
                 "thread");
}

/* mapping: §23 thread */
TEST(a_thread_that_goes_on_is_an_error_of_its_own)
{
    struct asked q;
    asked_read(&q, ASK(",\"thread\":{\"type\":\"continue\",\"previous_message_id\":\"m\"}"));
    EXPECT_EQ(q.err, ERR_THREAD_UNKNOWN);
    asked_release(&q);
    asked_read(&q, ASK(",\"thread\":{\"type\":\"create\"}"));
    EXPECT_EQ(q.err, ERR_NONE);
    asked_release(&q);
}

/* mapping: §18 max_tokens, temperature, top_p, top_k, stop_sequences, metadata.user_id, service_tier */
TEST(parameters_are_read)
{
    struct asked q;
    asked_read(&q, ASK(",\"temperature\":0.70,\"top_p\":0.9,\"top_k\":40,\"stop_sequences\":"
                       "[\"a\",\"\\n\"],\"metadata\":{\"user_id\":\"u1\"},\"service_tier\":"
                       "\"standard_only\",\"stream\":true"));
    EXPECT_EQ(q.err, ERR_NONE);
    EXPECT_STR(q.chat.max_tokens, "5000");
    EXPECT_STR(q.chat.temperature, "0.70");
    EXPECT_STR(q.chat.top_p, "0.9");
    EXPECT_STR(q.chat.top_k, "40");
    EXPECT_STR(q.chat.stop->text.s, "a");
    EXPECT_STR(q.chat.stop->next->text.s, "\\n");
    EXPECT_STR(q.chat.user, "u1");
    EXPECT_STR(q.chat.service_tier, "standard_only");
    EXPECT(q.chat.stream);
    EXPECT_EQ(q.chat.dialect, NATIVE_ANTHROPIC);
    asked_release(&q);
}

/* mapping: §18 thinking.enabled.budget_tokens, thinking.adaptive, thinking.disabled */
TEST(thinking_is_read)
{
    struct asked q;
    asked_read(&q, ASK(",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000,\"display\":"
                       "\"omitted\"}"));
    EXPECT_EQ(q.chat.thinking, YES);
    EXPECT_STR(q.chat.thinking_budget, "2000");
    EXPECT_EQ(q.chat.reasoning_visible, NO);
    asked_release(&q);
    asked_read(&q, ASK(",\"output_config\":{\"effort\":\"xhigh\"},\"thinking\":{\"type\":"
                       "\"adaptive\",\"display\":\"summarized\"}"));
    EXPECT(q.chat.thinking_adaptive);
    EXPECT_EQ(q.chat.effort, EFFORT_XHIGH);
    EXPECT_EQ(q.chat.reasoning_visible, YES);
    asked_release(&q);
    asked_read(&q, ASK(",\"thinking\":{\"type\":\"disabled\"}"));
    EXPECT_EQ(q.chat.thinking, NO);
    asked_release(&q);
    asked_read(&q, ASK(",\"thinking\":{\"type\":\"between_tools\"},\"output_config\":{\"effort\":"
                       "\"high\"}"));
    EXPECT_EQ(q.chat.effort, EFFORT_MINIMAL);
    asked_release(&q);
}

TEST(the_effort_of_a_later_system_message_wins)
{
    struct asked q;
    asked_read(&q, BODY("\"messages\":[" USER("Hi") ",{\"role\":\"system\",\"content\":\"S\","
                                                    "\"output_config\":{\"effort\":\"low\"}}],"
                                                    "\"output_config\":{\"effort\":\"high\"}"));
    EXPECT_EQ(q.chat.effort, EFFORT_LOW);
    EXPECT_EQ(q.chat.turns->next->role, ROLE_SYSTEM);
    asked_release(&q);
}

/* mapping: §18 output_config.format */
TEST(structured_output_is_read)
{
    struct asked q;
    asked_read(&q, ASK(",\"output_config\":{\"effort\":null,\"format\":{\"type\":\"json_schema\","
                       "\"schema\":{\"type\":\"object\"}}}"));
    EXPECT_EQ(q.chat.format, FORMAT_SCHEMA);
    EXPECT_STR(q.chat.format_schema, "{\"type\":\"object\"}");
    EXPECT_STR(q.chat.format_name, "structured_output");
    EXPECT_EQ(q.chat.format_strict, YES);
    asked_release(&q);
}

/* mapping: §18 system string/blocks, cache_control */
TEST(system_text_keeps_its_blocks_and_marks)
{
    struct asked q;
    asked_read(&q, ASK(",\"system\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\","
                       "\"text\":\"b\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}"
                       "]"));
    struct block *b = q.chat.system->blocks;
    EXPECT_STR(b->text.s, "a");
    EXPECT(!b->cached);
    EXPECT(b->next->cached);
    EXPECT_EQ(b->next->cache_ttl_s, 3600);
    asked_release(&q);
    asked_read(&q, ASK(",\"system\":\"all\",\"cache_control\":{\"type\":\"ephemeral\"}"));
    EXPECT_STR(q.chat.system->blocks->text.s, "all");
    EXPECT(q.chat.turns_last->last->cached);
    asked_release(&q);
}

/* mapping: §18 text / image / document blocks */
TEST(blocks_of_users_are_read)
{
    struct asked q;
    asked_read(
        &q,
        BODY(
            "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{"
            "\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"iVBO\"}},{\"type\":"
            "\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://e.org/a.png\"}},{\"type\":"
            "\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":"
            "\"T\\n\"},\"title\":\"t.txt\",\"context\":\"c\",\"citations\":{\"enabled\":true}},{"
            "\"type\":\"document\",\"source\":{\"type\":\"file\",\"file_id\":\"file_1\"}},{"
            "\"type\":\"document\",\"source\":{\"type\":\"content\",\"content\":[{\"type\":"
            "\"text\",\"text\":\"x\"},{\"type\":\"text\",\"text\":\"y\"}]}},{\"type\":"
            "\"search_result\",\"title\":\"T\",\"source\":\"https://s\",\"content\":[{\"type\":"
            "\"text\",\"text\":\"found\"}]},{\"type\":\"container_upload\",\"file_id\":\"f\"}]}]"));
    EXPECT_EQ(q.err, ERR_NONE);
    struct block *b = q.chat.turns->blocks;
    EXPECT_EQ(b->media.source, MEDIA_BASE64);
    EXPECT_STR(b->media.mime, "image/png");
    b = b->next;
    EXPECT_STR(b->media.data, "https://e.org/a.png");
    b = b->next;
    EXPECT_EQ(b->kind, BLOCK_DOCUMENT);
    EXPECT_STR(b->media.text.s, "T\\n");
    EXPECT_STR(b->media.name, "t.txt");
    EXPECT_STR(b->media.context.s, "c");
    EXPECT(b->media.citations);
    b = b->next;
    EXPECT_EQ(b->media.source, MEDIA_FILE_ID);
    EXPECT_EQ(b->media.format, NATIVE_ANTHROPIC);
    b = b->next;
    EXPECT_STR(b->media.text.s, "x\\ny");
    b = b->next;
    EXPECT_STR(b->text.s, "T\\nhttps://s\\nfound");
    b = b->next;
    EXPECT_EQ(b->kind, BLOCK_NATIVE);
    EXPECT_STR(b->native.type, "container_upload");
    asked_release(&q);
}

/* mapping: §18 tool_use, tool_result blocks, is_error:true, thinking / redacted_thinking */
TEST(a_tool_loop_is_read)
{
    struct asked q;
    asked_read(
        &q,
        BODY("\"messages\":[" USER(
            "Hi") ",{\"role\":\"assistant\",\"content\":[{\"type\":"
                  "\"thinking\",\"thinking\":\"t\",\"signature\":\"S\"},{\"type\":\"redacted_thinking\","
                  "\"data\":\"R\"},{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{"
                  "\"a\":1}},{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"g\"}]},{\"role\":"
                  "\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_1\","
                  "\"content\":\"4 C\"},{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_2\","
                  "\"is_error\":true,\"content\":[{\"type\":\"text\",\"text\":\"no\"},{\"type\":"
                  "\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":"
                  "\"iVBO\"}}]}]}]"));
    EXPECT_EQ(q.err, ERR_NONE);
    struct block *b = q.chat.turns->next->blocks;
    EXPECT_STR(b->reasoning.text.s, "t");
    EXPECT_STR(b->reasoning.signature, "S");
    EXPECT_EQ(b->reasoning.format, NATIVE_ANTHROPIC);
    b = b->next;
    EXPECT_STR(b->reasoning.encrypted, "R");
    b = b->next;
    EXPECT_STR(b->call.arguments, "{\"a\":1}");
    EXPECT_STR(b->next->call.arguments, "{}");
    b = q.chat.turns_last->blocks;
    EXPECT_STR(b->result.content->text.s, "4 C");
    EXPECT_STR(b->result.name, "f");
    EXPECT(b->next->result.is_error);
    EXPECT_EQ(b->next->result.content->next->kind, BLOCK_IMAGE);
    asked_release(&q);
}

/* mapping: §10 round trip */
TEST(wrapped_signatures_go_back_to_their_makers)
{
    struct asked q;
    asked_read(
        &q,
        BODY("\"messages\":[" USER(
            "Hi") ",{\"role\":\"assistant\",\"content\":[{\"type\":"
                  "\"thinking\",\"thinking\":\"t\",\"signature\":\"\"},{\"type\":"
                  "\"redacted_thinking\",\"data\":\"gw1.o.ENC\"},{\"type\":\"thinking\","
                  "\"thinking\":\"\",\"signature\":\"gw1.g.c2ln\"},{\"type\":\"tool_use\",\"id\":"
                  "\"toolu_1\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{"
                  "\"type\":\"tool_result\",\"tool_use_id\":\"toolu_1\"}]}]"));
    EXPECT_EQ(q.err, ERR_NONE);
    struct block *b = q.chat.turns->next->blocks;
    EXPECT_STR(b->reasoning.text.s, "t");
    EXPECT_STR(b->reasoning.encrypted, "ENC");
    EXPECT_EQ(b->reasoning.format, NATIVE_OPENAI);
    EXPECT_EQ(b->next->kind, BLOCK_CALL);
    EXPECT_STR(b->next->call.signature, "c2ln");
    asked_release(&q);
}

/* mapping: §18 tools[].input_schema, Anthropic-typed tools, tool_choice, disable_parallel_tool_use */
TEST(tools_are_read)
{
    struct asked q;
    asked_read(&q, ASK(",\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"input_schema\":{"
                       "\"type\":\"object\"},\"strict\":true,\"defer_loading\":true,"
                       "\"input_examples\":[{}]},{\"type\":\"web_search_20250305\",\"name\":"
                       "\"web_search\"}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\","
                       "\"disable_parallel_tool_use\":true}"));
    EXPECT_EQ(q.err, ERR_NONE);
    EXPECT_STR(q.chat.tools->schema, "{\"type\":\"object\"}");
    EXPECT_EQ(q.chat.tools->strict, YES);
    EXPECT_STR(q.chat.tools->next->type, "web_search_20250305");
    EXPECT_EQ(q.chat.tools->next->format, NATIVE_ANTHROPIC);
    EXPECT_EQ(q.chat.choice, CHOICE_NAMED);
    EXPECT_STR(q.chat.choice_name, "f");
    EXPECT_EQ(q.chat.parallel_calls, NO);
    const struct extra *e = chat_extra(&q.chat, NATIVE_ANTHROPIC, STR("tools[0].input_examples"));
    EXPECT(e && e->class == FIELD_HINT);
    asked_release(&q);
}

/* mapping: §18 betas, context_management, mcp_servers, container, fallbacks, unknown */
TEST(members_without_a_place_are_kept_by_class)
{
    struct asked q;
    asked_read(&q, ASK(",\"context_management\":{\"edits\":[]},\"inference_geo\":\"us\",\"tags\":"
                       "{},\"brand_new\":1,\"output_config\":{\"task_budget\":{}},\"container\":"
                       "null"));
    EXPECT_EQ(q.err, ERR_NONE);
    static const struct {
        const char *name;
        enum field_class class;
    } rows[] = {{"context_management", FIELD_HINT},
                {"inference_geo", FIELD_MEANING},
                {"tags", FIELD_BOOKKEEPING},
                {"brand_new", FIELD_UNKNOWN},
                {"output_config.task_budget", FIELD_HINT}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        const struct extra *e = chat_extra(&q.chat, NATIVE_ANTHROPIC, str_from_c(rows[i].name));
        if (!e || e->class != rows[i].class)
            EXPECT_FAIL("%s", rows[i].name);
    }
    EXPECT(!chat_extra(&q.chat, NATIVE_ANTHROPIC, STR("container")));
    asked_release(&q);
}

TEST(a_count_needs_no_max_tokens)
{
    struct asked q;
    asked_read(&q, "{\"messages\":[" USER("Hello there") "]}");
    EXPECT_EQ(q.err, ERR_FIELD_MISSING);
    chat_init(&q.chat, &q.arena);
    EXPECT_EQ(anthropic_read_count_request(&q.source, &q.chat), ERR_NONE);
    uint64_t small = token_estimate(&q.chat);
    EXPECT(small >= 3 && small < 30);
    asked_release(&q);
    asked_read(&q, ASK(",\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}]"));
    EXPECT_GT(token_estimate(&q.chat), small + 200);
    asked_release(&q);
}

/* --- Writing */

TEST(a_plain_request_is_written_plainly)
{
    const char *reported;
    EXPECT_STR(resent(ASK(",\"system\":\"Be brief.\",\"stream\":true"), &claude_new, &reported),
               HEAD "\"system\":[{\"type\":\"text\",\"text\":\"Be brief.\"}]," HI
                    ",\"stream\":true}");
    EXPECT_STR(reported, "");
}

/* mapping: §7 max_tokens */
TEST(max_tokens_comes_from_what_is_known_of_the_model)
{
    struct asked q;
    struct sent s;
    static const struct {
        uint32_t output_max;
        const char *given, *expected, *reported;
    } rows[] = {{128000, NULL, "\"max_tokens\":32000,", NULL},
                {8192, NULL, "\"max_tokens\":8192,", NULL},
                {0, NULL, "\"max_tokens\":4096,", NULL},
                {8192, "9000", "\"max_tokens\":8192,", "max_tokens=8192 (was 9000)"},
                {0, "9000", "\"max_tokens\":9000,", NULL}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct model_facts facts = claude_new;
        facts.output_max = rows[i].output_max;
        asked_read(&q, ASK(""));
        q.chat.max_tokens = str_from_c(rows[i].given);
        sent_write(&s, &q, &facts, UNSUPPORTED_BY_CLASS);
        EXPECT_CONTAINS(buf_str(&s.body), rows[i].expected);
        EXPECT_STR(s.reported, rows[i].reported);
        sent_release(&s);
        asked_release(&q);
    }
}

/* mapping: §7 temperature, top_p, top_k */
TEST(sampling_goes_only_to_models_that_take_it)
{
    const char *reported;
    EXPECT_CONTAINS(resent(ASK(",\"temperature\":0.5,\"top_k\":3"), &claude_old, &reported),
                    ",\"temperature\":0.5,\"top_k\":3}");
    EXPECT_STR(reported, "");
    EXPECT_CONTAINS(resent(ASK(",\"temperature\":1.6,\"top_p\":0.5"), &claude_old, &reported),
                    ",\"temperature\":1}");
    EXPECT_STR(reported, "temperature=1 (was 1.6), top_p");
    EXPECT_STR(
        resent(ASK(",\"temperature\":0.5,\"top_p\":0.5,\"top_k\":3"), &claude_new, &reported),
        HEAD HI "}");
    EXPECT_STR(reported, "temperature, top_p, top_k");
    resent(ASK(",\"temperature\":1,\"top_p\":1.0"), &claude_new, &reported);
    EXPECT_STR(reported, ""); /* what is so anyway */
    EXPECT_CONTAINS(resent(ASK(",\"stop_sequences\":[\"a\",\" \\n\"]"), &claude_new, &reported),
                    ",\"stop_sequences\":[\"a\"]}");
    EXPECT_STR(reported, "stop");
}

static const char *with_effort(enum effort e, const struct model_facts *facts, const char *max,
                               const char **reported)
{
    static char text[2000], notes[200];
    struct asked q;
    struct sent s;
    asked_read(&q, ASK(""));
    q.chat.effort = e;
    q.chat.dialect = NATIVE_OPENAI;
    q.chat.max_tokens = str_from_c(max);
    sent_write(&s, &q, facts, UNSUPPORTED_BY_CLASS);
    snprintf(text, sizeof(text), "%.*s", STR_ARG(buf_str(&s.body)));
    snprintf(notes, sizeof(notes), "%.*s", STR_ARG(s.reported));
    *reported = notes;
    sent_release(&s);
    asked_release(&q);
    return text;
}

/* mapping: §10 effort → ANT adaptive models, ANT budget models */
TEST(effort_becomes_what_the_model_takes)
{
    const char *reported;
    EXPECT_CONTAINS(with_effort(EFFORT_HIGH, &claude_new, NULL, &reported),
                    "\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"},"
                    "\"output_config\":{\"effort\":\"high\"}");
    EXPECT_STR(reported, "");
    EXPECT_CONTAINS(with_effort(EFFORT_MINIMAL, &claude_new, NULL, &reported),
                    "\"output_config\":{\"effort\":\"low\"}");
    EXPECT_STR(reported, "reasoning_effort=low (was minimal)");
    EXPECT_CONTAINS(with_effort(EFFORT_NONE, &claude_new, NULL, &reported),
                    "\"thinking\":{\"type\":\"disabled\"}");
    static const struct {
        enum effort effort;
        const char *max, *expected;
    } rows[] = {
        {EFFORT_MINIMAL, NULL, "\"max_tokens\":32000,"},
        {EFFORT_MINIMAL, NULL, "\"budget_tokens\":1024}"},
        {EFFORT_LOW, NULL, "\"budget_tokens\":2048}"},
        {EFFORT_MEDIUM, NULL, "\"budget_tokens\":8192}"},
        {EFFORT_HIGH, NULL, "\"budget_tokens\":16384}"},
        {EFFORT_XHIGH, NULL, "\"budget_tokens\":32000}"},
        {EFFORT_XHIGH, NULL, "\"max_tokens\":36096,"},
        {EFFORT_MAX, NULL, "\"max_tokens\":64000,"},
        {EFFORT_MAX, NULL, "\"budget_tokens\":59904}"},
        {EFFORT_HIGH, "4000", "\"budget_tokens\":3500}"},
        {EFFORT_HIGH, "1100", "\"budget_tokens\":1024}"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_CONTAINS(with_effort(rows[i].effort, &claude_old, rows[i].max, &reported),
                        rows[i].expected);
    EXPECT(!strstr(with_effort(EFFORT_HIGH, &claude_old, "1024", &reported), "thinking"));
    EXPECT_STR(reported, "reasoning_effort");
    EXPECT(!strstr(with_effort(EFFORT_NONE, &claude_old, NULL, &reported), "thinking"));
    EXPECT_STR(reported, "");
    struct model_facts always = claude_new, blank = claude_old;
    always.abilities |= ABLE(ALWAYS_REASONS);
    blank.abilities &= ~(ABLE(REASONING) | ABLE(BUDGET));
    const char *text = with_effort(EFFORT_NONE, &always, NULL, &reported);
    EXPECT(!strstr(text, "\"thinking\""));
    EXPECT_CONTAINS(text, "\"effort\":\"low\"");
    EXPECT_STR(reported, "reasoning_effort=low (was none)");
    EXPECT(!strstr(with_effort(EFFORT_HIGH, &blank, NULL, &reported), "thinking"));
    EXPECT_STR(reported, "reasoning_effort");
}

/* mapping: §23 budget on an adaptive-only model */
TEST(budgets_stay_budgets_where_they_can)
{
    const char *reported;
    EXPECT_CONTAINS(resent(ASK(",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}"),
                           &claude_old, &reported),
                    "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}");
    EXPECT_STR(reported, "");
    EXPECT_CONTAINS(resent(ASK(",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}"),
                           &claude_new, &reported),
                    "\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"},"
                    "\"output_config\":{\"effort\":\"low\"}");
    EXPECT_STR(reported, "thinking_budget=adaptive (was 2000)");
    EXPECT_CONTAINS(resent(ASK(",\"thinking\":{\"type\":\"adaptive\"}"), &claude_old, &reported),
                    "\"budget_tokens\":4375}");
    EXPECT_CONTAINS(resent(ASK(",\"thinking\":{\"type\":\"disabled\"},\"output_config\":{"
                               "\"effort\":\"max\"}"),
                           &claude_new, &reported),
                    "\"thinking\":{\"type\":\"disabled\"},\"output_config\":{\"effort\":\"high\"}");
    EXPECT_STR(reported, "reasoning_effort=high (was max)");
}

#define LOOP(thoughts)                                                                             \
    "\"messages\":[" USER("Hi") ",{\"role\":\"assistant\",\"content\":[" thoughts                  \
                                "{\"type\":\"tool_use\",\"id\":\"a.b\",\"name\":\"f\",\"input\":"  \
                                "{}}]},{\"role\":\"user\",\"content\":[{\"type\":"                 \
                                "\"tool_result\",\"tool_use_id\":\"a.b\",\"content\":\"ok\"}]}]"
#define THOUGHT "{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"S\"},"
#define ENABLED ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}"
#define TOOLS ",\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}]"

/* mapping: §10 nothing, turn contains tool_use, manual thinking on; §4 order, §8 ids */
TEST(a_tool_loop_goes_back_as_it_came)
{
    const char *reported, *text = resent(BODY(LOOP(THOUGHT) ENABLED TOOLS), &claude_old, &reported);
    EXPECT_CONTAINS(text, "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
                          "\"thinking\":\"t\",\"signature\":\"S\"},{\"type\":\"tool_use\",\"id\":"
                          "\"a_b_");
    EXPECT_CONTAINS(text, "\"type\":\"tool_result\",\"tool_use_id\":\"a_b_");
    EXPECT_CONTAINS(text, "\"content\":\"ok\"}]}]");
    EXPECT_CONTAINS(text, "\"budget_tokens\":2000");
    EXPECT_STR(reported, "");
    text = resent(BODY(LOOP("") ENABLED TOOLS), &claude_old, &reported);
    EXPECT(!strstr(text, "budget_tokens"));
    EXPECT_STR(reported, "thinking_budget");
    text = resent(BODY(LOOP("{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":"
                            "\"gw1.g.x\"},") TOOLS),
                  &claude_old, &reported);
    EXPECT(!strstr(text, "thinking")); /* another's signature would be refused */
}

/* mapping: §8 tools in history but not declared */
TEST(tools_of_the_history_are_declared)
{
    EXPECT_CONTAINS(resent(BODY(LOOP("")), &claude_old, NULL),
                    "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"");
}

/* mapping: §2 system (later) */
TEST(system_turns_keep_their_place_only_where_the_model_takes_them)
{
    static const char body[] =
        BODY("\"messages\":[" USER("a") ",{\"role\":\"system\",\"content\":"
                                        "\"S\"},{\"role\":\"assistant\","
                                        "\"content\":\"b\"}," USER("c") "],\"system\":\"first\"");
    EXPECT_CONTAINS(resent(body, &claude_new, NULL),
                    "{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"S\"}]}");
    const char *text = resent(body, &claude_old, NULL);
    EXPECT_CONTAINS(text, "\"system\":[{\"type\":\"text\",\"text\":\"first\"},{\"type\":\"text\","
                          "\"text\":\"S\"}]");
    EXPECT(!strstr(text, "\"role\":\"system\""));
    text = resent(
        BODY("\"messages\":[" USER("a") ",{\"role\":\"system\",\"content\":\"S\"}," USER("c") "]"),
        &claude_new, NULL); /* in front of a user's turn it may not stand */
    EXPECT_CONTAINS(text, "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
                          "\"text\":\"a\"},{\"type\":\"text\",\"text\":\"c\"}]}]");
}

/* mapping: §6 prefill, first turn must be user */
TEST(a_last_turn_of_the_assistants_is_prefill)
{
    static const char body[] =
        BODY("\"messages\":[" USER("a") ",{\"role\":\"assistant\",\"content\":\"b \\n \"}]");
    EXPECT_CONTAINS(resent(body, &claude_old, NULL),
                    "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"b\"}]}]");
    EXPECT_STR(resent(body, &claude_new, NULL),
               "refused messages[1]: the model does not continue an assistant's message");
    const char *reported,
        *text =
            resent(BODY("\"messages\":[{\"role\":\"assistant\",\"content\":\"b\"}," USER("a") "]"),
                   &claude_new, &reported);
    EXPECT_CONTAINS(text, "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
                          "\"text\":\".\"}]},{\"role\":\"assistant\"");
    EXPECT_STR(reported, "messages (a user's message put first)");
}

TEST(white_space_at_an_end_is_found_behind_escapes)
{
    EXPECT_STR(anthropic_trim_end(RAW("a \\n\\t ")).s, "a");
    EXPECT_STR(anthropic_trim_end(RAW("a\\\\n")).s, "a\\\\n");
    EXPECT_STR(anthropic_trim_end(RAW("a\\\\\\n")).s, "a\\\\");
    EXPECT_STR(anthropic_trim_end(RAW(" ")).s, "");
}

/* mapping: §8 tool_choice, parallel_tool_calls:false */
TEST(choices_among_tools)
{
    const char *reported;
    EXPECT_CONTAINS(resent(ASK(TOOLS ",\"tool_choice\":{\"type\":\"any\","
                                     "\"disable_parallel_tool_use\":true}"),
                           &claude_new, NULL),
                    "\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":true}");
    EXPECT_CONTAINS(
        resent(ASK(TOOLS ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}"), &claude_new, NULL),
        "\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}");
    EXPECT_CONTAINS(resent(ASK(TOOLS ",\"tool_choice\":{\"type\":\"none\"}"), &claude_new, NULL),
                    "\"tool_choice\":{\"type\":\"none\"}");
    EXPECT(!strstr(resent(ASK(",\"tool_choice\":{\"type\":\"auto\"}"), &claude_new, NULL),
                   "tool_choice"));
    struct model_facts unforced = claude_new;
    unforced.abilities &= ~ABLE(FORCED_TOOL);
    const char *text =
        resent(ASK(",\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}},{"
                   "\"name\":\"g\",\"input_schema\":{\"type\":\"object\"}}],\"tool_choice\":{"
                   "\"type\":\"tool\",\"name\":\"g\"}"),
               &unforced, &reported);
    EXPECT_CONTAINS(text, "\"tools\":[{\"name\":\"g\",");
    EXPECT(!strstr(text, "\"name\":\"f\""));
    EXPECT_CONTAINS(text, "\"tool_choice\":{\"type\":\"auto\"}");
    EXPECT_STR(reported, "tool_choice=auto (was g)");
    text = resent(ASK(TOOLS ENABLED ",\"tool_choice\":{\"type\":\"any\"}"), &claude_old, &reported);
    EXPECT(!strstr(text, "budget")); /* not together: the call is what was promised */
    EXPECT_STR(reported, "thinking_budget");
}

/* mapping: §8 function.parameters */
TEST(schemas_of_tools_are_objects)
{
    EXPECT_CONTAINS(resent(ASK(",\"tools\":[{\"name\":\"f\",\"input_schema\":{\"properties\":{"
                               "\"a\":{\"minimum\":1}}}}]"),
                           &claude_new, NULL),
                    "\"input_schema\":{\"type\":\"object\",\"properties\":{\"a\":{\"minimum\":1}}"
                    "}}]");
    EXPECT_CONTAINS(resent(ASK(",\"tools\":[{\"name\":\"f\"}]"), &claude_new, NULL),
                    "\"input_schema\":{\"type\":\"object\",\"properties\":{}}");
    const char *reported,
        *text = resent(ASK(",\"tools\":[{\"name\":\"f\",\"strict\":true,\"input_schema\":{"
                           "\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\","
                           "\"minimum\":1}}}}]"),
                       &claude_new, &reported);
    EXPECT_CONTAINS(text, "\"a\":{\"type\":\"integer\",\"description\":\"{minimum: 1}\"}},"
                          "\"additionalProperties\":false},\"strict\":true}");
    EXPECT_STR(reported, "tools.parameters (minimum)");
    EXPECT_CONTAINS(resent(ASK(",\"tools\":[{\"type\":\"bash_20250124\",\"name\":\"bash\"}]"),
                           &claude_new, NULL),
                    "\"tools\":[{\"type\":\"bash_20250124\",\"name\":\"bash\"}]");
}

#define FORMAT                                                                                     \
    ",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\","    \
    "\"properties\":{\"n\":{\"type\":\"number\"}}}}}"

/* mapping: §9 json_schema */
TEST(structured_output_is_native_or_a_tool_or_a_sentence)
{
    struct asked q;
    struct sent s;
    EXPECT_CONTAINS(resent(ASK(FORMAT), &claude_new, NULL),
                    "\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":"
                    "\"object\",\"properties\":{\"n\":{\"type\":\"number\"}},"
                    "\"additionalProperties\":false}}}");
    asked_read(&q, ASK(FORMAT));
    sent_write(&s, &q, &claude_old, UNSUPPORTED_BY_CLASS);
    EXPECT(s.target.json_tool);
    EXPECT_CONTAINS(buf_str(&s.body),
                    "\"tools\":[{\"name\":\"json_tool_call\",\"description\":\"Gives the final "
                    "answer.\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"n\":{"
                    "\"type\":\"number\"}}}}],\"tool_choice\":{\"type\":\"tool\",\"name\":"
                    "\"json_tool_call\"}");
    sent_release(&s);
    struct model_facts neither = claude_old;
    neither.abilities &= ~ABLE(FORCED_TOOL);
    sent_write(&s, &q, &neither, UNSUPPORTED_BY_CLASS);
    EXPECT(!s.target.json_tool);
    EXPECT_CONTAINS(buf_str(&s.body), "It must match this JSON Schema: {\\\"type\\\"");
    EXPECT_STR(s.reported, "response_format (asked for by instruction)");
    sent_release(&s);
    asked_release(&q);
    EXPECT_CONTAINS(resent(ASK(FORMAT TOOLS), &claude_old, NULL),
                    "\"tool_choice\":{\"type\":\"any\"}");
}

/* mapping: §9 json_object */
TEST(free_json_is_a_sentence)
{
    struct asked q;
    struct sent s;
    asked_read(&q, ASK(""));
    q.chat.format = FORMAT_JSON;
    sent_write(&s, &q, &claude_new, UNSUPPORTED_BY_CLASS);
    EXPECT_CONTAINS(buf_str(&s.body), "\"system\":[{\"type\":\"text\",\"text\":\"Answer with one "
                                      "JSON object");
    EXPECT(str_is_null(s.reported));
    sent_release(&s);
    asked_release(&q);
}

/* mapping: §11 cache_control */
TEST(of_the_cache_marks_the_last_four_stay)
{
#define MARKED(text)                                                                               \
    "{\"type\":\"text\",\"text\":\"" text "\",\"cache_control\":{\"type\":\"ephemeral\"}}"
    const char *reported,
        *text = resent(BODY("\"system\":[" MARKED("s1") "," MARKED(
                           "s2") "],\"messages\":[{"
                                 "\"role\":\"user\",\"content\":[" MARKED("u1") "," MARKED(
                                     "u2") "]}],"
                                           "\"tools\":[{\"name\":\"f\",\"cache_control\":{\"type\":"
                                           "\"ephemeral\"}}]"),
                       &claude_new, &reported);
    EXPECT_CONTAINS(text, "\"properties\":{}}}],\"system\":[" MARKED("s1") "," MARKED("s2") "]");
    EXPECT_CONTAINS(text, MARKED("u1") "," MARKED("u2"));
    EXPECT_STR(reported, "cache_control (the last 4)");
    text = resent(
        BODY("\"system\":[" MARKED(
            "s1") ",{\"type\":\"text\",\"text\":\"s2\","
                  "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}],\"messages\":[" USER(
                      "a") "]"),
        &claude_new, &reported);
    EXPECT_CONTAINS(text, MARKED("s1") "," MARKED("s2"));
    EXPECT_STR(reported, "cache_control.ttl=5m (was 1h)");
    text = resent(BODY("\"system\":[{\"type\":\"text\",\"text\":\"s\",\"cache_control\":{\"type\":"
                       "\"ephemeral\",\"ttl\":\"1h\"}}],\"messages\":[" USER("a") "]"),
                  &claude_new, &reported);
    EXPECT_CONTAINS(text, "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}");
}

static const char *with_media(enum block_kind kind, const struct media *media)
{
    static char text[3000];
    struct asked q;
    struct sent s;
    asked_read(&q, ASK(""));
    struct block *b = turn_add(&q.chat, q.chat.turns, kind);
    b->media = *media;
    sent_write(&s, &q, &claude_new, UNSUPPORTED_BY_CLASS);
    if (s.written)
        snprintf(text, sizeof(text), "%.*s", STR_ARG(buf_str(&s.body)));
    else
        snprintf(text, sizeof(text), "refused %.*s: %.*s", STR_ARG(s.unsupported.fault.field),
                 STR_ARG(s.unsupported.fault.text));
    sent_release(&s);
    asked_release(&q);
    return text;
}

#define MEDIA(...) (&(struct media){__VA_ARGS__})

/* mapping: §3 image_url, file, input_audio */
TEST(images_and_documents_are_written_by_their_source)
{
    EXPECT_CONTAINS(with_media(BLOCK_IMAGE, MEDIA(.source = MEDIA_BASE64, .mime = STR("image/jpg"),
                                                  .data = STR("AAAA"))),
                    "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
                    "\"image/jpeg\",\"data\":\"AAAA\"}}");
    EXPECT_CONTAINS(
        with_media(BLOCK_IMAGE, MEDIA(.source = MEDIA_URL, .data = STR("https://e.org/a"))),
        "\"source\":{\"type\":\"url\",\"url\":\"https://e.org/a\"}}");
    EXPECT_STR(with_media(BLOCK_IMAGE, MEDIA(.source = MEDIA_URL, .data = STR("gs://b/a"))),
               "refused image: Anthropic takes addresses of https only");
    EXPECT_STR(with_media(BLOCK_IMAGE, MEDIA(.source = MEDIA_BASE64, .mime = STR("image/tiff"),
                                             .data = STR("AAAA"))),
               "refused image: Anthropic takes images of type jpeg, png, gif and webp");
    EXPECT_CONTAINS(
        with_media(BLOCK_IMAGE, MEDIA(.source = MEDIA_BASE64, .mime = STR("application/pdf"),
                                      .data = STR("JVBERi0="))),
        "{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":"
        "\"application/pdf\",\"data\":\"JVBERi0=\"}}");
    EXPECT_CONTAINS(
        with_media(BLOCK_DOCUMENT, MEDIA(.source = MEDIA_BASE64, .mime = STR("text/markdown"),
                                         .data = STR("aMOp"), .name = STR("a.md"))),
        "{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":"
        "\"text/plain\",\"data\":\"h\xc3\xa9\"},\"title\":\"a.md\"}");
    EXPECT_STR(with_media(BLOCK_DOCUMENT, MEDIA(.source = MEDIA_FILE_ID, .format = NATIVE_OPENAI,
                                                .data = STR("file-1"))),
               "refused file: the file is kept by another provider");
    EXPECT_STR(with_media(BLOCK_AUDIO, MEDIA(.source = MEDIA_BASE64, .data = STR("AAAA"))),
               "refused input_audio: Anthropic does not take audio");
}

/* mapping: §7 user, service_tier, seed, logit_bias, logprobs */
TEST(what_has_no_place_is_told_by_class)
{
    struct asked q;
    struct sent s;
    asked_read(&q, ASK(""));
    q.chat.user = STR("someone@example.org");
    q.chat.service_tier = STR("default");
    q.chat.seed = STR("1");
    q.chat.logit_bias = STR("{\"5\":1}");
    q.chat.presence_penalty = STR("0");
    q.chat.frequency_penalty = STR("0.5");
    q.chat.metadata = STR("{\"a\":\"b\"}");
    sent_write(&s, &q, &claude_new, UNSUPPORTED_BY_CLASS);
    EXPECT_STR(s.reported, "seed, frequency_penalty, logit_bias");
    EXPECT_CONTAINS(buf_str(&s.body), "\"service_tier\":\"standard_only\"");
    EXPECT(str_find(buf_str(&s.body), STR("someone")) < 0);
    EXPECT_CONTAINS(buf_str(&s.body), "\"metadata\":{\"user_id\":\"");
    sent_release(&s);
    sent_write(&s, &q, &claude_new, UNSUPPORTED_STRICT);
    EXPECT(!s.written);
    EXPECT_STR(s.unsupported.fault.field, "seed");
    sent_release(&s);
    q.chat.logprobs = YES;
    sent_write(&s, &q, &claude_new, UNSUPPORTED_BY_CLASS);
    EXPECT_STR(s.unsupported.fault.field, "logprobs");
    sent_release(&s);
    asked_release(&q);
}

/* mapping: §4 arguments invalid JSON or not an object */
TEST(arguments_that_are_no_object_are_sent_as_raw)
{
    struct asked q;
    struct sent s;
    asked_read(&q, BODY(LOOP("") TOOLS));
    struct tool_call *call = &q.chat.turns->next->blocks->call;
    EXPECT(chat_set_arguments(&q.chat, call, STR("{\"a\":")));
    sent_write(&s, &q, &claude_new, UNSUPPORTED_BY_CLASS);
    EXPECT_CONTAINS(buf_str(&s.body), "\"input\":{\"_raw\":\"{\\\"a\\\":\"}");
    EXPECT_STR(s.reported, "tool arguments (sent as _raw)");
    sent_release(&s);
    asked_release(&q);
}

TEST(schemas_are_closed_and_what_is_refused_moves_into_words)
{
    static struct arena a;
    str changed;
    EXPECT_STR(anthropic_strict_schema(
                   &a,
                   STR("{\"type\":\"object\",\"description\":\"D\",\"minProperties\":2,"
                       "\"properties\":{\"minimum\":{\"type\":\"string\",\"format\":\"uuid\"},"
                       "\"b\":{\"oneOf\":[{\"type\":\"array\",\"items\":{\"type\":\"string\","
                       "\"pattern\":\"^(?!a)\"},\"minItems\":1},{\"type\":\"null\"}]}},"
                       "\"additionalProperties\":true,\"$defs\":{\"x\":{\"type\":[\"object\","
                       "\"null\"]}}}"),
                   &changed),
               "{\"type\":\"object\",\"properties\":{\"minimum\":{\"type\":\"string\",\"format\":"
               "\"uuid\"},\"b\":{\"anyOf\":[{\"type\":\"array\",\"items\":{\"type\":\"string\","
               "\"description\":\"{pattern: \\\"^(?!a)\\\"}\"},\"minItems\":1},{\"type\":\"null\"}"
               "]}},\"$defs\":{\"x\":{\"type\":[\"object\",\"null\"],\"additionalProperties\":"
               "false}},\"description\":\"D {minProperties: 2}\",\"additionalProperties\":false}");
    EXPECT_STR(changed, "pattern minProperties additionalProperties");
    EXPECT_STR(anthropic_strict_schema(&a, STR("true"), &changed), "true");
    EXPECT(str_is_null(changed));
    arena_release(&a);
}

TEST(an_unknown_model_gets_what_current_ones_take)
{
    EXPECT_CONTAINS(resent(ASK(",\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{"
                               "\"effort\":\"low\"}"),
                           NULL, NULL),
                    "\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"}");
}
