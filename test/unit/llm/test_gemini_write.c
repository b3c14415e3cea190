/*
 * Requests to Gemini, made of chats.
 * mapping: §2 system ; mapping: §4 tool_calls ; mapping: §5 results ; mapping: §6 GEM
 */
#include "llm/dialect.h"
#include "llm/provider_conf.h"
#include "support/test.h"

#define ALL (~UINT64_C(0))
#define CAN(ability) (UINT64_C(1) << MODEL_##ability)
#define EFFORT_BIT(e) (1u << EFFORT_##e)

/* Gemini 2.5, 3 Flash, 3.6 Flash, 4 Hydrogen in what concerns the writer. */
static const struct model_facts flash25 = {
    .abilities = ALL & ~(CAN(CALL_IDS) | CAN(LEVEL) | CAN(SCHEMA_WITH_TOOLS) | CAN(PENALTIES) |
                         CAN(ALWAYS_REASONS)),
    .output_max = 65536,
};
static const struct model_facts pro25 = {
    .abilities = (ALL & ~(CAN(CALL_IDS) | CAN(LEVEL))) | CAN(ALWAYS_REASONS),
};
static const struct model_facts flash3 = {
    .abilities = ALL & ~CAN(BUDGET),
    .efforts = EFFORT_BIT(MINIMAL) | EFFORT_BIT(LOW) | EFFORT_BIT(MEDIUM) | EFFORT_BIT(HIGH),
};
static const struct model_facts pro3 = {
    .abilities = ALL & ~CAN(BUDGET),
    .efforts = EFFORT_BIT(LOW) | EFFORT_BIT(HIGH),
};
static const struct model_facts hydrogen4 = {
    .abilities = ALL & ~(CAN(BUDGET) | CAN(SAMPLING) | CAN(PREFILL)),
    .efforts = EFFORT_BIT(LOW) | EFFORT_BIT(MEDIUM) | EFFORT_BIT(HIGH) | EFFORT_BIT(XHIGH),
};
static const struct model_facts old20 = {
    .abilities =
        ALL & ~(CAN(CALL_IDS) | CAN(JSON_SCHEMA) | CAN(REASONING) | CAN(SCHEMA_WITH_TOOLS)),
};

extern const struct dialect dialect_gemini;

static struct arena arena;
static struct chat chat;
static struct buf out;
static struct unsupported report;
static struct chat_target target;
static const struct provider_conf studio, vertex = {.vertex = {.project = {.ptr = "p", .len = 1}}};

static void begin(void)
{
    arena_release(&arena);
    chat_init(&chat, &arena);
    target = (struct chat_target){
        .model = STR("gemini-x"), .conf = &studio, .arena = &arena, .unsupported = &report};
}

static struct turn *turn(enum role role, const char *path)
{
    return chat_add_turn(&chat, role, str_from_c(path));
}

static void say(struct turn *t, const char *text)
{
    turn_add(&chat, t, BLOCK_TEXT)->text = (struct raw){str_from_c(text)};
}

static void ask(const char *text)
{
    say(turn(ROLE_USER, "messages[0]"), text);
}

static struct tool_call *call(struct turn *t, const char *id, const char *name,
                              const char *arguments)
{
    struct tool_call *c = &turn_add(&chat, t, BLOCK_CALL)->call;
    c->id = str_from_c(id);
    c->name = str_from_c(name);
    c->arguments = str_from_c(arguments);
    return c;
}

static struct tool_result *result(struct turn *t, const char *id, const char *name,
                                  const char *text)
{
    struct tool_result *r = &turn_add(&chat, t, BLOCK_RESULT)->result;
    r->call_id = str_from_c(id);
    r->name = str_from_c(name);
    if (text) {
        r->content = chat_new_block(&chat, BLOCK_TEXT);
        r->content->text = (struct raw){str_from_c(text)};
    }
    return r;
}

static struct tool *tool(const char *name)
{
    struct tool *t = chat_add_tool(&chat);
    t->name = str_from_c(name);
    t->schema = STR("{\"type\":\"object\"}");
    return t;
}

static bool try_write(const struct model_facts *facts, enum unsupported_policy policy)
{
    buf_clear(&out);
    unsupported_init(&report, &arena, policy);
    target.facts = facts;
    return dialect_gemini.write_request(&chat, &target, &out);
}

static str written(const struct model_facts *facts)
{
    if (!try_write(facts, UNSUPPORTED_BY_CLASS))
        EXPECT_FAIL("refused: %.*s %.*s", STR_ARG(report.fault.field), STR_ARG(report.fault.text));
    return buf_str(&out);
}

static str reported(void)
{
    str text = unsupported_text(&report);
    return text.ptr ? text : STR("");
}

static void expect_whole(const struct model_facts *facts, const char *wanted)
{
    str got = written(facts);
    if (!str_eq(got, str_from_c(wanted)))
        EXPECT_FAIL("\n  got      %.*s\n  expected %s", STR_ARG(got), wanted);
}

static void expect_reported(const char *wanted)
{
    if (!str_eq(reported(), str_from_c(wanted)))
        EXPECT_FAIL("reported '%.*s', expected '%s'", STR_ARG(reported()), wanted);
}

static void expect_refused(const struct model_facts *facts, const char *field)
{
    EXPECT(!try_write(facts, UNSUPPORTED_BY_CLASS));
    EXPECT_EQ(report.fault.err, ERR_UNSUPPORTED);
    if (!str_eq(report.fault.field, str_from_c(field)))
        EXPECT_FAIL("refused for '%.*s', expected '%s'", STR_ARG(report.fault.field), field);
}

/* --- Turns */

TEST(a_plain_question_is_a_content_of_the_user)
{
    begin();
    ask("Capital of \\u004eorway?");
    expect_whole(&flash3, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Capital of "
                          "\\u004eorway?\"}]}],\"generationConfig\":{}}");
    expect_reported("");
}

TEST(system_turns_from_everywhere_are_parts_of_the_instruction)
{
    begin();
    say(chat_add_system(&chat, STR("messages[0]")), "Be brief.");
    say(chat_add_system(&chat, STR("messages[1]")), "Be kind.");
    ask("Hi");
    say(turn(ROLE_SYSTEM, "messages[3]"), "Be late.");
    EXPECT_CONTAINS(written(&flash3),
                    "{\"systemInstruction\":{\"parts\":[{\"text\":\"Be brief.\"},{\"text\":\"Be "
                    "kind.\"},{\"text\":\"Be late.\"}]},\"contents\":[{\"role\":\"user\",\"parts\":"
                    "[{\"text\":\"Hi\"}]}]");
}

static void weather_loop(void)
{
    begin();
    ask("Weather?");
    struct turn *t = turn(ROLE_ASSISTANT, "messages[1]");
    say(t, "Looking.");
    call(t, "c1", "get weather", "{\"city\": \"Oslo\"}")->signature = STR("CiQB");
    call(t, "c2", "get weather", "{}");
    t = turn(ROLE_USER, "messages[2]");
    result(t, "c1", "get weather", "4 C");
    result(t, "c2", "get weather", "timeout")->is_error = true;
    say(t, "Thanks.");
}

TEST(calls_and_results_have_ids_from_gemini_3_on)
{
    weather_loop();
    str text = written(&flash3);
    EXPECT_CONTAINS(text,
                    "{\"role\":\"model\",\"parts\":[{\"text\":\"Looking.\"},{\"functionCall\":"
                    "{\"id\":\"c1\",\"name\":\"get_weather_");
    EXPECT_CONTAINS(text, "\"args\":{\"city\": \"Oslo\"}},\"thoughtSignature\":\"CiQB\"},"
                          "{\"functionCall\":{\"id\":\"c2\"");
    EXPECT_CONTAINS(text, "\"args\":{}}}]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":"
                          "{\"id\":\"c1\",\"name\":\"get_weather_");
    EXPECT_CONTAINS(text, "\"response\":{\"output\":\"4 C\"}}},");
    EXPECT_CONTAINS(text, "\"response\":{\"error\":\"timeout\"}}}]},{\"role\":\"user\",\"parts\":"
                          "[{\"text\":\"Thanks.\"}]}]");
    text = written(&flash25);
    EXPECT(str_find(text, STR("\"id\"")) < 0);
    EXPECT(str_find(text, STR("thoughtSignature")) < 0);
}

/* mapping: §10 round trip */
TEST(the_first_call_of_a_step_without_signature_gets_the_bypass)
{
    begin();
    ask("Weather?");
    struct turn *t = turn(ROLE_ASSISTANT, "messages[1]");
    call(t, "c1", "f", "{}");
    call(t, "c2", "f", "{}");
    result(turn(ROLE_USER, "messages[2]"), "c1", "f", NULL);
    EXPECT_CONTAINS(written(&flash3),
                    "\"args\":{}},\"thoughtSignature\":\"skip_thought_signature_validator\"},"
                    "{\"functionCall\":{\"id\":\"c2\",\"name\":\"f\",\"args\":{}}}]");
    EXPECT_CONTAINS(buf_str(&out), "\"response\":{\"output\":\"\"}");
}

TEST(a_signature_of_reasoning_goes_to_the_part_after_it_and_others_go_nowhere)
{
    begin();
    ask("Weather?");
    struct turn *t = turn(ROLE_ASSISTANT, "messages[1]");
    struct reasoning *r = &turn_add(&chat, t, BLOCK_REASONING)->reasoning;
    r->text = RAW("hm");
    r->signature = STR("SIG=");
    r->format = NATIVE_GEMINI;
    call(t, "c1", "f", "{}");
    result(turn(ROLE_USER, "messages[2]"), "c1", "f", "x");
    EXPECT_CONTAINS(written(&flash3), "\"parts\":[{\"functionCall\":{\"id\":\"c1\",\"name\":\"f\","
                                      "\"args\":{}},\"thoughtSignature\":\"SIG=\"}]");
    r->format = NATIVE_ANTHROPIC;
    EXPECT_CONTAINS(written(&flash3), "skip_thought_signature_validator");
    EXPECT(str_find(buf_str(&out), STR("SIG")) < 0);
}

TEST(a_signature_after_text_has_an_empty_part)
{
    begin();
    ask("1");
    struct turn *t = turn(ROLE_ASSISTANT, "messages[1]");
    say(t, "One.");
    struct reasoning *r = &turn_add(&chat, t, BLOCK_REASONING)->reasoning;
    r->signature = STR("SIG=");
    r->format = NATIVE_GEMINI;
    say(turn(ROLE_USER, "messages[2]"), "2");
    EXPECT_CONTAINS(written(&flash3),
                    "[{\"text\":\"One.\"},{\"text\":\"\",\"thoughtSignature\":\"SIG=\"}]");
}

TEST(results_that_are_objects_go_as_objects_unless_they_would_change)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"{\\\"t\\\":4}", "\"response\":{\"t\":4}"},
        {"{\\\"output\\\":4,\\\"t\\\":5}",
         "\"response\":{\"output\":\"{\\\"output\\\":4,\\\"t\\\":5}\"}"},
        {"{\\\"a\\\":{\\\"$ref\\\":\\\"x\\\"}}",
         "\"response\":{\"output\":\"{\\\"a\\\":{\\\"$ref\\\":\\\"x\\\"}}\"}"},
        {"{\\\"id\\\":12345678901234567890}",
         "\"response\":{\"output\":\"{\\\"id\\\":12345678901234567890}\"}"},
        {"[1]", "\"response\":{\"output\":\"[1]\"}"},
        {"{broken", "\"response\":{\"output\":\"{broken\"}"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin();
        ask("?");
        call(turn(ROLE_ASSISTANT, "messages[1]"), "c", "f", "{}");
        result(turn(ROLE_USER, "messages[2]"), "c", "f", rows[i].text);
        EXPECT_CONTAINS(written(&flash3), rows[i].wanted);
    }
}

TEST(pictures_in_results_stand_within_or_after)
{
    begin();
    ask("?");
    call(turn(ROLE_ASSISTANT, "messages[1]"), "c", "f", "{}");
    struct tool_result *r = result(turn(ROLE_USER, "messages[2]"), "c", "f", "seen");
    struct block *b = chat_new_block(&chat, BLOCK_IMAGE);
    b->media = (struct media){.mime = STR("image/png"), .data = STR("iVBORw0KGgo=")};
    r->content->next = b;
    EXPECT_CONTAINS(written(&flash3),
                    "\"response\":{\"output\":\"seen\"},\"parts\":[{\"inlineData\":{\"mimeType\":"
                    "\"image/png\",\"data\":\"iVBORw0KGgo=\"}}]}}]}]");
    EXPECT_CONTAINS(written(&flash25),
                    "\"response\":{\"output\":\"seen\"}}}]},{\"role\":\"user\",\"parts\":[{"
                    "\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"iVBORw0KGgo=\"}}]}]");
}

TEST(arguments_that_are_no_object_are_told)
{
    begin();
    ask("?");
    struct tool_call *c = call(turn(ROLE_ASSISTANT, "messages[1]"), "c", "f", "{\"a");
    c->is_raw = true;
    result(turn(ROLE_USER, "messages[2]"), "c", "f", "x");
    EXPECT_CONTAINS(written(&flash3), "\"args\":{\"_raw\":");
    expect_reported("messages[1] (arguments that are no object: as _raw)");
}

/* mapping: §24 prefill */
TEST(a_last_turn_of_the_assistant_is_refused_where_the_model_does_not_continue_it)
{
    begin();
    ask("?");
    say(turn(ROLE_ASSISTANT, "messages[1]"), "The answer is");
    EXPECT_CONTAINS(written(&flash3), "{\"role\":\"model\"");
    expect_refused(&hydrogen4, "messages[1]");
    EXPECT(try_write(&hydrogen4, UNSUPPORTED_REPORT));
    EXPECT(str_find(buf_str(&out), STR("model")) < 0);
    expect_reported("messages[1]");
}

TEST(a_conversation_begins_with_the_user)
{
    begin();
    say(turn(ROLE_ASSISTANT, "messages[0]"), "Hello.");
    say(turn(ROLE_USER, "messages[1]"), "Hi");
    EXPECT_CONTAINS(written(&flash3), "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\".\"}"
                                      "]},{\"role\":\"model\"");
    expect_reported("messages[0] (begins with an added user turn)");
}

/* --- Media: mapping §3 */

static struct media *picture(struct media m, enum block_kind kind)
{
    begin();
    struct turn *t = turn(ROLE_USER, "messages[0]");
    struct block *b = turn_add(&chat, t, kind);
    b->media = m;
    say(t, "What?");
    return &b->media;
}

TEST(media_are_inline_data_or_files)
{
    picture((struct media){.mime = STR("image/jpg"), .data = STR("/9j/"), .detail = DETAIL_LOW},
            BLOCK_IMAGE);
    EXPECT_CONTAINS(written(&flash3),
                    "{\"inlineData\":{\"mimeType\":\"image/jpeg\",\"data\":\"/9j/\"},"
                    "\"mediaResolution\":{\"level\":\"MEDIA_RESOLUTION_LOW\"}}");
    written(&flash25);
    expect_reported("messages[0].content");
    picture((struct media){.source = MEDIA_URL, .data = STR("https://x/a.png")}, BLOCK_IMAGE);
    EXPECT_CONTAINS(written(&flash3), "{\"fileData\":{\"fileUri\":\"https://x/a.png\"}}");
    picture((struct media){.mime = STR("audio/mpeg"), .data = STR("AA==")}, BLOCK_AUDIO);
    EXPECT_CONTAINS(written(&flash3), "\"mimeType\":\"audio/mp3\"");
    picture((struct media){.mime = STR("application/pdf"), .data = STR("AA=="), .name = STR("q3")},
            BLOCK_DOCUMENT);
    EXPECT_CONTAINS(written(&flash3), "{\"inlineData\":{\"mimeType\":\"application/pdf\",\"data\":"
                                      "\"AA==\",\"displayName\":\"q3\"}}");
    picture((struct media){.source = MEDIA_TEXT, .text = RAW("notes")}, BLOCK_DOCUMENT);
    EXPECT_CONTAINS(written(&flash3), "[{\"text\":\"notes\"},{\"text\":\"What?\"}]");
}

TEST(media_that_gemini_cannot_have_are_refused)
{
    picture((struct media){.mime = STR("image/gif"), .data = STR("R0lG")}, BLOCK_IMAGE);
    expect_refused(&flash3, "messages[0].content");
    picture((struct media){.source = MEDIA_URL, .data = STR("s3://b/k")}, BLOCK_DOCUMENT);
    expect_refused(&flash3, "messages[0].content");
    picture((struct media){.source = MEDIA_FILE_ID, .data = STR("file-1"), .format = NATIVE_OPENAI},
            BLOCK_DOCUMENT);
    expect_refused(&flash3, "messages[0].content");
}

/* --- Tools: mapping §8 */

TEST(tools_are_declarations_with_json_schema_or_down_converted)
{
    begin();
    ask("?");
    struct tool *t = tool("get_weather");
    t->description = RAW("Weather.");
    t->schema = STR("{\"type\":\"object\",\"properties\":{\"c\":{\"type\":\"string\",\"pattern\":"
                    "\"x\"}},\"$schema\":\"s\"}");
    EXPECT_CONTAINS(written(&flash3),
                    "\"tools\":[{\"functionDeclarations\":[{\"name\":\"get_weather\","
                    "\"description\":\"Weather.\",\"parametersJsonSchema\":{\"type\":\"object\","
                    "\"properties\":{\"c\":{\"type\":\"string\"}}}}]}]");
    expect_reported("tools[get_weather].parameters: pattern");
    EXPECT_CONTAINS(written(&old20), "\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"c\":{"
                                     "\"pattern\":\"x\",\"type\":\"STRING\"}}}");
    expect_reported("");
}

TEST(choices_of_tools_are_modes)
{
    static const struct {
        enum tool_choice choice;
        const char *wanted;
    } rows[] = {
        {CHOICE_AUTO, "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"AUTO\"}}"},
        {CHOICE_NONE, "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"NONE\"}}"},
        {CHOICE_REQUIRED, "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\"}}"},
        {CHOICE_NAMED, "{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"f\"]}"},
    };
    begin();
    ask("?");
    struct tool *t = tool("f");
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        chat.choice = rows[i].choice;
        chat.choice_name = STR("f");
        EXPECT_CONTAINS(written(&flash3), rows[i].wanted);
    }
    chat.choice = CHOICE_UNSET;
    EXPECT(str_find(written(&flash3), STR("toolConfig")) < 0);
    t->strict = YES;
    EXPECT_CONTAINS(written(&flash3), "\"mode\":\"VALIDATED\"}");
    chat_add_allowed(&chat, STR("f"));
    EXPECT_CONTAINS(written(&flash3), "\"mode\":\"VALIDATED\",\"allowedFunctionNames\":[\"f\"]");
    chat.parallel_calls = NO;
    written(&flash3);
    expect_reported("parallel_tool_calls");
}

TEST(searching_the_web_is_googles)
{
    begin();
    ask("?");
    struct tool *t = chat_add_tool(&chat);
    t->format = NATIVE_OPENAI;
    t->type = STR("web_search");
    t->native = STR("{\"type\":\"web_search\"}");
    EXPECT_CONTAINS(written(&flash3), "\"tools\":[{\"googleSearch\":{}}]");
    expect_reported("tools[web_search] (as googleSearch)");
    chat.choice = CHOICE_NONE;
    EXPECT(str_find(written(&flash3), STR("googleSearch")) < 0);
    chat.choice = CHOICE_UNSET;
    tool("f");
    EXPECT(str_find(written(&flash3), STR("googleSearch")) < 0);
    expect_reported("tools[web_search]");
}

/* --- Structured output: mapping §9 */

static void want_json(void)
{
    begin();
    ask("?");
    chat.format = FORMAT_SCHEMA;
    chat.format_schema = STR("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}");
}

TEST(structured_output_is_native_where_there_are_no_functions)
{
    want_json();
    EXPECT_CONTAINS(written(&flash3), "\"responseMimeType\":\"application/json\","
                                      "\"responseJsonSchema\":{\"type\":\"object\"");
    EXPECT_CONTAINS(written(&old20), "\"responseSchema\":{\"type\":\"OBJECT\"");
    chat.format = FORMAT_JSON;
    EXPECT_CONTAINS(written(&flash25), "\"generationConfig\":{\"responseMimeType\":"
                                       "\"application/json\"}");
}

TEST(structured_output_beside_functions_is_a_tool_before_gemini_3)
{
    want_json();
    tool("f")->strict = YES;
    str text = written(&flash3);
    EXPECT_CONTAINS(text, "responseJsonSchema");
    EXPECT(str_find(text, STR("toolConfig")) < 0); /* AUTO, though the tool is strict */
    EXPECT(!target.json_tool);
    text = written(&flash25);
    EXPECT(str_find(text, STR("responseMimeType")) < 0);
    EXPECT_CONTAINS(text, "{\"name\":\"json_tool_call\"");
    EXPECT_CONTAINS(text, "\"mode\":\"ANY\"}");
    EXPECT(target.json_tool);
}

TEST(a_forced_tool_makes_structured_output_needless)
{
    want_json();
    tool("f");
    chat.choice = CHOICE_REQUIRED;
    EXPECT(str_find(written(&flash3), STR("responseMimeType")) < 0);
    chat.choice = CHOICE_NONE;
    EXPECT_CONTAINS(written(&flash3), "responseMimeType");
    EXPECT(str_find(buf_str(&out), STR("functionDeclarations")) < 0);
}

TEST(json_without_a_schema_beside_functions_is_asked_for_in_words)
{
    want_json();
    chat.format = FORMAT_JSON;
    tool("f");
    EXPECT_CONTAINS(written(&flash25), "\"systemInstruction\":{\"parts\":[{\"text\":\"When you");
    expect_reported("response_format (as an instruction)");
}

/* --- Parameters: mapping §7 */

TEST(parameters_have_their_members)
{
    begin();
    ask("?");
    chat.temperature = STR("0.70");
    chat.top_p = STR("0.9");
    chat.top_k = STR("40");
    chat.max_tokens = STR("100");
    chat.seed = STR("-5");
    chat.presence_penalty = STR("1");
    chat.frequency_penalty = STR("-0.5");
    chat.logprobs = YES;
    chat.top_logprobs = STR("3");
    chat_add_stop(&chat, RAW("END"));
    chat_add_stop(&chat, RAW(""));
    chat.store = NO;
    chat.service_tier = STR("flex");
    chat.user = STR("User-7");
    chat.metadata = STR("{\"Team\":\"a\",\"free text\":\"b\",\"x\":\"Not A Label\"}");
    expect_whole(&flash3,
                 "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"?\"}]}],"
                 "\"generationConfig\":{\"temperature\":0.70,\"topP\":0.9,\"topK\":40,"
                 "\"maxOutputTokens\":100,\"stopSequences\":[\"END\"],\"seed\":-5,"
                 "\"presencePenalty\":1,\"frequencyPenalty\":-0.5,\"responseLogprobs\":true,"
                 "\"logprobs\":3},\"serviceTier\":\"flex\",\"labels\":{\"user\":\"user-7\","
                 "\"team\":\"a\"},\"store\":false}");
    expect_reported("");
}

TEST(parameters_out_of_range_are_moved_and_told)
{
    begin();
    ask("?");
    chat.temperature = STR("2.5");
    chat.presence_penalty = STR("2");
    chat.seed = STR("4294967296");
    chat.max_tokens = STR("128000");
    for (int i = 0; i < 6; i++)
        chat_add_stop(&chat, RAW("x"));
    chat.logit_bias = STR("{}");
    struct model_facts facts = flash25;
    facts.abilities = ALL;
    EXPECT_CONTAINS(written(&facts),
                    "\"stopSequences\":[\"x\",\"x\",\"x\",\"x\",\"x\"],\"seed\":1");
    expect_reported("temperature=2 (was 2.5), max_tokens=65536 (was 128000), stop (the first 5), "
                    "seed=1 (was 4294967296), presence_penalty=1.99 (was 2), logit_bias");
    EXPECT(!try_write(&facts, UNSUPPORTED_STRICT));
}

TEST(what_the_model_does_not_take_is_left_out_and_told)
{
    begin();
    ask("?");
    chat.temperature = STR("0");
    chat.top_p = STR("0.5");
    chat.top_k = STR("1");
    written(&hydrogen4);
    expect_reported("temperature, top_p, top_k");
    chat.temperature = chat.top_p = chat.top_k = STR_NULL;
    chat.presence_penalty = STR("0.0");
    chat.frequency_penalty = STR("1");
    written(&flash25);
    expect_reported("frequency_penalty");
}

TEST(vertex_has_its_tier_in_a_header_and_no_store)
{
    begin();
    ask("?");
    target.conf = &vertex;
    chat.store = YES;
    chat.service_tier = STR("priority");
    str text = written(&flash3);
    EXPECT(str_find(text, STR("store")) < 0 && str_find(text, STR("serviceTier")) < 0);
    EXPECT(str_eq(target.beta, STR("priority")));
}

TEST(extras_are_reported_by_their_class)
{
    begin();
    ask("?");
    chat.dialect = NATIVE_OPENAI;
    chat_add_extra(&chat, NATIVE_OPENAI, STR("verbosity"), STR("\"low\""), FIELD_HINT);
    chat_add_extra(&chat, NATIVE_OPENAI, STR("web_search_options"), STR("{}"), FIELD_MEANING);
    EXPECT_CONTAINS(written(&flash3), "googleSearch");
    expect_reported("verbosity");
}

/* --- Thinking: mapping §10, §24 */

struct thinking_row {
    const struct model_facts *facts;
    enum effort effort;
    const char *budget; /* NULL: none */
    enum tri thinking;
    const char *wanted, *report;
};

TEST(efforts_are_levels_or_budgets)
{
    static const struct thinking_row rows[] = {
        {&flash3, EFFORT_LOW, NULL, UNSET, "{\"thinkingLevel\":\"LOW\",\"includeThoughts\":true}",
         ""},
        {&flash3, EFFORT_NONE, NULL, UNSET, "{\"thinkingLevel\":\"MINIMAL\"}",
         "reasoning_effort=minimal (was none)"},
        {&flash3, EFFORT_MAX, NULL, UNSET, "{\"thinkingLevel\":\"HIGH\",\"includeThoughts\":true}",
         "reasoning_effort=high (was max)"},
        {&pro3, EFFORT_MEDIUM, NULL, UNSET, "{\"thinkingLevel\":\"HIGH\",\"includeThoughts\":true}",
         "reasoning_effort=high (was medium)"},
        {&hydrogen4, EFFORT_MINIMAL, NULL, UNSET,
         "{\"thinkingLevel\":\"LOW\",\"includeThoughts\":true}",
         "reasoning_effort=low (was minimal)"},
        {&hydrogen4, EFFORT_MAX, NULL, UNSET,
         "{\"thinkingLevel\":\"XHIGH\",\"includeThoughts\":true}",
         "reasoning_effort=xhigh (was max)"},
        {&hydrogen4, EFFORT_UNSET, "31999", YES,
         "{\"thinkingLevel\":\"HIGH\",\"includeThoughts\":true}",
         "thinking_budget=high (was 31999)"},
        {&flash3, EFFORT_UNSET, NULL, YES, "{\"includeThoughts\":true}", ""},
        {&flash25, EFFORT_NONE, NULL, UNSET, "{\"thinkingBudget\":0}", ""},
        {&flash25, EFFORT_MEDIUM, NULL, UNSET, "{\"thinkingBudget\":8192,\"includeThoughts\":true}",
         ""},
        {&flash25, EFFORT_XHIGH, NULL, UNSET, "{\"thinkingBudget\":24576,\"includeThoughts\":true}",
         ""},
        {&flash25, EFFORT_UNSET, "30000", YES,
         "{\"thinkingBudget\":24576,\"includeThoughts\":true}",
         "thinking_budget=24576 (was 30000)"},
        {&flash25, EFFORT_UNSET, NULL, NO, "{\"thinkingBudget\":0}", ""},
        {&flash25, EFFORT_UNSET, NULL, YES, "{\"thinkingBudget\":-1,\"includeThoughts\":true}", ""},
        {&pro25, EFFORT_NONE, NULL, UNSET, "{\"thinkingBudget\":128}",
         "reasoning_effort (thinking cannot be switched off)"},
        {&pro25, EFFORT_MAX, NULL, UNSET, "{\"thinkingBudget\":32768,\"includeThoughts\":true}",
         ""},
        {&old20, EFFORT_HIGH, NULL, UNSET, NULL, "reasoning_effort"},
        {&old20, EFFORT_NONE, NULL, UNSET, NULL, ""},
        {&flash3, EFFORT_UNSET, NULL, UNSET, NULL, ""},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin();
        ask("?");
        chat.effort = rows[i].effort;
        chat.thinking = rows[i].thinking;
        chat.thinking_budget = rows[i].budget ? str_from_c(rows[i].budget) : STR_NULL;
        str text = written(rows[i].facts);
        ptrdiff_t at = str_find(text, STR("\"thinkingConfig\":"));
        str got = at < 0 ? STR_NULL : str_from(text, (size_t)at + 17);
        if (rows[i].wanted ? !str_starts(got, str_from_c(rows[i].wanted)) : at >= 0)
            EXPECT_FAIL("row %u: %.*s", i, STR_ARG(got));
        expect_reported(rows[i].report);
    }
}

TEST(a_budget_stays_below_the_limit_of_the_answer)
{
    begin();
    ask("?");
    chat.effort = EFFORT_HIGH;
    chat.max_tokens = STR("4000");
    EXPECT_CONTAINS(written(&flash25), "\"thinkingBudget\":3999");
}
