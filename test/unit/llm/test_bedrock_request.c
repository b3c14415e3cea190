/*
 * Requests to Converse, made of what Anthropic's and OpenAI's clients ask.
 *
 * mapping: §2 roles (BED); §3 content parts (BED); §4 assistant history (BED)
 * mapping: §5 tool results (BED); §6 normalisation (BED), prefill; §7 parameters (BED)
 * mapping: §8 tools, ids, tool_choice (BED); §9 structured output (BED); §10 effort (BED)
 * mapping: §10 round trip; §11 caching (BED); §18 to BED
 * mapping: §23 BED-Claude parallel, structured output, families, stop sequence
 */
#include "llm/dialect/bedrock_impl.h"

#include <stdio.h>

#include "support/test.h"

extern const struct dialect dialect_bedrock, dialect_anthropic;

#define CLAUDE "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
#define ABLE(id) (UINT64_C(1) << MODEL_##id)

static struct arena arena;

/* What the catalogue is to say of some models; tests do not depend on its rows. */
#define COMMON                                                                                     \
    (ABLE(VISION) | ABLE(PDF) | ABLE(TOOLS) | ABLE(PARALLEL_TOOLS) | ABLE(REASONING) |             \
     ABLE(CACHE_MARKS) | ABLE(STOP))
static const struct model_facts claude45 = {
    .vendor = STR_INIT("*"),
    .name = STR_INIT("claude-sonnet-4-5*"),
    .abilities = COMMON | ABLE(FORCED_TOOL) | ABLE(JSON_SCHEMA) | ABLE(SCHEMA_WITH_TOOLS) |
                 ABLE(BUDGET) | ABLE(SAMPLING) | ABLE(PREFILL),
    .output_max = 64000,
};
static const struct model_facts claude_opus5 = {
    .vendor = STR_INIT("bedrock"),
    .name = STR_INIT("claude-opus-5*"),
    .abilities = COMMON | ABLE(FORCED_TOOL) | ABLE(ADAPTIVE) | ABLE(MID_SYSTEM),
    .efforts = BIT(EFFORT_LOW) | BIT(EFFORT_MEDIUM) | BIT(EFFORT_HIGH) | BIT(EFFORT_MAX),
    .output_max = 128000,
};
static const struct model_facts claude_opus55 = {
    .vendor = STR_INIT("bedrock"),
    .name = STR_INIT("claude-opus-5-5*"),
    .abilities = COMMON | ABLE(ADAPTIVE) | ABLE(ALWAYS_REASONS),
    .efforts = BIT(EFFORT_LOW) | BIT(EFFORT_HIGH),
    .output_max = 128000,
};
static const struct model_facts plain = {
    .vendor = STR_INIT("bedrock"),
    .name = STR_INIT("*"),
    .abilities =
        COMMON | ABLE(FORCED_TOOL) | ABLE(SAMPLING) | ABLE(TEMPERATURE_WITH_TOP_P) | ABLE(AUDIO),
    .efforts = BIT(EFFORT_LOW) | BIT(EFFORT_MEDIUM) | BIT(EFFORT_HIGH),
    .output_max = 8192,
};

struct asked {
    const char *model;
    const struct model_facts *facts; /* NULL: claude45 */
    void (*change)(struct chat *c);  /* what Anthropic's format does not have; or NULL */
    enum unsupported_policy policy;
};

struct got {
    str body;    /* or, when it was refused, null */
    str refused; /* "field: why" */
    str notes;
    bool json_tool;
};

static struct got write_for(const struct asked *as, const char *client)
{
    struct json_doc *doc = arena_alloc(&arena, sizeof(*doc));
    struct chat *c = arena_zalloc(&arena, sizeof(*c));
    struct unsupported *u = arena_zalloc(&arena, sizeof(*u));
    struct name_list *notes = NULL;
    struct headers headers = {0};
    struct got got = {0};
    struct buf out;
    EXPECT(doc && c && u);
    str body = arena_str(&arena, str_from_c(client));
    if (json_parse(doc, &arena, body, NULL))
        EXPECT_FAIL("not JSON: %s", client);
    struct chat_source in = {.doc = doc, .headers = &headers, .model = STR("m")};
    chat_init(c, &arena);
    c->dialect = NATIVE_ANTHROPIC;
    if (dialect_anthropic.read_request(&in, c) || chat_normalize(c, &notes, &in.fault))
        EXPECT_FAIL("%s: %.*s %.*s", client, STR_ARG(in.fault.field), STR_ARG(in.fault.text));
    if (as->change)
        as->change(c);
    unsupported_init(u, &arena, as->policy);
    for (; notes; notes = notes->next)
        unsupported_note(u, notes->name);
    struct chat_target t = {.model = str_from_c(as->model ? as->model : CLAUDE),
                            .facts = as->facts ? as->facts : &claude45,
                            .kind = ENDPOINT_CONVERSE,
                            .arena = &arena,
                            .unsupported = u};
    buf_init(&out, 0);
    bool ok = bedrock_write_request(c, &t, &out);
    if (ok) {
        got.body = arena_str(&arena, buf_str(&out));
        EXPECT_EQ(json_parse(doc, &arena, got.body, NULL), ERR_NONE);
    } else {
        EXPECT(u->fault.err);
        got.refused =
            arena_printf(&arena, "%.*s: %.*s", STR_ARG(u->fault.field), STR_ARG(u->fault.text));
    }
    got.notes = unsupported_text(u);
    got.json_tool = t.json_tool;
    buf_release(&out);
    return got;
}

/* {"max_tokens":9, …}: the members that a case is about. */
#define ASK(members) "{\"max_tokens\":9," members "}"
#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define BODY(members, inference) "{" members "\"inferenceConfig\":{\"maxTokens\":9" inference "}"
#define HI_OUT "\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}],"

static void expect_body(const struct asked *as, const char *client, const char *wanted,
                        const char *notes)
{
    struct got got = write_for(as, client);
    if (str_is_null(got.body))
        EXPECT_FAIL("refused: %.*s", STR_ARG(got.refused));
    EXPECT_STR(got.body, wanted);
    EXPECT_STR(got.notes, notes);
    arena_release(&arena);
}

static void expect_within(const struct asked *as, const char *client, const char *part,
                          const char *notes)
{
    struct got got = write_for(as, client);
    if (str_is_null(got.body))
        EXPECT_FAIL("refused: %.*s", STR_ARG(got.refused));
    EXPECT_CONTAINS(got.body, part);
    EXPECT_STR(got.notes, notes);
    arena_release(&arena);
}

static void expect_refused(const struct asked *as, const char *client, const char *field)
{
    struct got got = write_for(as, client);
    if (!str_is_null(got.body))
        EXPECT_FAIL("not refused: %.*s", STR_ARG(got.body));
    EXPECT_CONTAINS(got.refused, field);
    arena_release(&arena);
}

static const struct asked claude = {0}, opus5 = {.facts = &claude_opus5},
                          opus55 = {.facts = &claude_opus55},
                          nova = {.model = "us.amazon.nova-2-lite-v1:0", .facts = &plain},
                          mistral = {.model = "mistral.mistral-large-3", .facts = &plain},
                          llama = {.model = "meta.llama4-scout", .facts = &plain},
                          gpt = {.model = "openai.gpt-5.6", .facts = &plain},
                          oss = {.model = "openai.gpt-oss-120b-1:0", .facts = &plain};

/* --- Messages --------------------------------------------------------------------------------- */

TEST(texts_stay_as_they_were_written)
{
    expect_body(&claude,
                ASK("\"system\":\"Be brief.\",\"messages\":[{\"role\":\"user\",\"content\":"
                    "\"h\\u00e9 \\/\"}]"),
                BODY("\"system\":[{\"text\":\"Be brief.\"}],\"messages\":[{\"role\":\"user\","
                     "\"content\":[{\"text\":\"h\\u00e9 \\/\"}]}],",
                     "}"),
                NULL);
}

TEST(neighbours_of_one_role_become_one_message)
{
    expect_body(&claude,
                ASK("\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\","
                    "\"content\":\"b\"},{\"role\":\"assistant\",\"content\":\"  \"},{\"role\":"
                    "\"user\",\"content\":\"c\"}]"),
                BODY("\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"a\"},{\"text\":"
                     "\"b\"},{\"text\":\"c\"}]}],",
                     "}"),
                NULL);
}

TEST(the_first_message_is_the_users)
{
    expect_within(&claude,
                  ASK("\"messages\":[{\"role\":\"assistant\",\"content\":\"Hello\"},{\"role\":"
                      "\"user\",\"content\":\"hi\"}]"),
                  "\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\".\"}]},{\"role\":"
                  "\"assistant\"",
                  "messages (a user turn was put before the first)");
}

TEST(later_system_text_goes_up_unless_the_model_takes_it_there)
{
    static const char client[] = ASK(
        "\"system\":\"s1\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"system\","
        "\"content\":\"s2\"}]");
    expect_body(&claude, client,
                BODY("\"system\":[{\"text\":\"s1\"},{\"text\":\"s2\"}],\"messages\":[{\"role\":"
                     "\"user\",\"content\":[{\"text\":\"a\"}]}],",
                     "}"),
                NULL);
    expect_body(&opus5, client,
                BODY("\"system\":[{\"text\":\"s1\"}],\"messages\":[{\"role\":\"user\",\"content\":["
                     "{\"text\":\"a\"}]},{\"role\":\"system\",\"content\":[{\"text\":\"s2\"}]}],",
                     "}"),
                NULL);
}

TEST(models_without_system_get_it_as_the_users_text)
{
    struct asked as = {.model = "mistral.mistral-7b-instruct-v0:2", .facts = &plain};
    expect_body(&as, ASK("\"system\":\"s\"," HI),
                BODY("\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"s\"},{\"text\":"
                     "\"hi\"}]}],",
                     "}"),
                "system (as the user's text)");
}

TEST(prefill_loses_its_blank_end_or_is_refused)
{
    static const char client[] =
        ASK("\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
            "\"content\":\"It is \\\\n \\n\\u0009 \"}]");
    expect_within(&claude, client,
                  "{\"role\":\"assistant\",\"content\":[{\"text\":\"It is \\\\n\"}]}", NULL);
    expect_refused(&opus5, client, "messages[1]: the model does not go on");
    struct asked report = {.facts = &claude_opus5, .policy = UNSUPPORTED_REPORT};
    expect_body(&report, client,
                BODY("\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"a\"}]}],", "}"),
                "messages[1]");
}

static const char weather[] = ASK(
    "\"tools\":[{\"name\":\"get_weather\",\"description\":\"W\",\"input_schema\":{\"type\":"
    "\"object\",\"properties\":{}}}],"
    "\"messages\":[{\"role\":\"user\",\"content\":\"Oslo?\"},"
    "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":"
    "\"EqQB\"},{\"type\":\"text\",\"text\":\"I look.\"},{\"type\":\"tool_use\",\"id\":\"toolu_1\","
    "\"name\":\"get_weather\",\"input\":{\"city\": \"Oslo\"}},{\"type\":\"tool_use\",\"id\":"
    "\"toolu_2\",\"name\":\"get_weather\",\"input\":{}}]},"
    "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_2\","
    "\"is_error\":true,\"content\":\"no\"},{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_1\","
    "\"content\":[]},{\"type\":\"text\",\"text\":\"go on\"}]}]");

TEST(a_tool_loop_with_reasoning)
{
    expect_body(
        &claude, weather,
        "{\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"get_weather\","
        "\"description\":\"W\",\"inputSchema\":{\"json\":{\"type\":\"object\","
        "\"properties\":{}}}}}]},"
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"Oslo?\"}]},"
        "{\"role\":\"assistant\",\"content\":[{\"reasoningContent\":{\"reasoningText\":{"
        "\"text\":\"hm\",\"signature\":\"EqQB\"}}},{\"text\":\"I look.\"},{\"toolUse\":{"
        "\"toolUseId\":\"toolu_1\",\"name\":\"get_weather\",\"input\":{\"city\": \"Oslo\"}}},"
        "{\"toolUse\":{\"toolUseId\":\"toolu_2\",\"name\":\"get_weather\",\"input\":{}}}]},"
        "{\"role\":\"user\",\"content\":[{\"toolResult\":{\"toolUseId\":\"toolu_1\","
        "\"content\":[]}},{\"toolResult\":{\"toolUseId\":\"toolu_2\",\"content\":[{\"text\":"
        "\"no\"}],\"status\":\"error\"}},{\"text\":\"go on\"}]}],"
        "\"inferenceConfig\":{\"maxTokens\":9}}",
        NULL);
}

TEST(other_families_get_no_foreign_reasoning_and_ids_that_they_take)
{
    expect_within(&mistral, weather, "{\"role\":\"assistant\",\"content\":[{\"text\":\"I look.\"},",
                  "messages[2].is_error");
    struct got got = write_for(&mistral, weather);
    struct json_doc doc;
    EXPECT_EQ(json_parse(&doc, &arena, got.body, NULL), ERR_NONE);
    uint32_t messages = json_member(&doc, JSON_ROOT, STR("messages"));
    uint32_t second = json_next(&doc, messages, json_first(&doc, messages));
    uint32_t content = json_member(&doc, second, STR("content"));
    uint32_t call = json_next(&doc, content, json_first(&doc, content));
    uint32_t id = json_member(&doc, json_member(&doc, call, STR("toolUse")), STR("toolUseId"));
    str made = json_string_raw(&doc, id);
    EXPECT_EQ(made.len, 9);
    str twice = arena_printf(&arena, "{\"toolResult\":{\"toolUseId\":\"%.*s\"", STR_ARG(made));
    EXPECT(str_find(got.body, twice) > 0);
    arena_release(&arena);
}

static void nine_letters(struct chat *c)
{
    c->turns->next->blocks->next->next->call.id = STR("abcDEF123");
}

TEST(an_id_that_mistral_takes_is_kept)
{
    struct asked as = mistral;
    as.change = nine_letters;
    expect_within(&as, weather, "\"toolUseId\":\"abcDEF123\"", "messages[2].is_error");
}

static void raw_call(struct chat *c)
{
    EXPECT(chat_set_arguments(c, &c->turns->next->blocks->next->next->call, STR("{\"city")));
}

TEST(arguments_that_are_no_object_are_wrapped_and_reported)
{
    struct asked as = {.change = raw_call};
    expect_within(&as, weather, "\"input\":{\"_raw\":\"{\\\"city\"}", "messages[1].arguments");
}

TEST(tools_of_the_history_are_declared)
{
    expect_within(
        &claude,
        ASK("\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":"
            "[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\","
            "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":\"r\"}]}]"),
        "{\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"f\",\"inputSchema\":{\"json\":{"
        "\"type\":\"object\"",
        "tools (declared from history)");
}

/* --- Media ------------------------------------------------------------------------------------ */

#define WITH(block)                                                                                \
    ASK("\"messages\":[{\"role\":\"user\",\"content\":[" block                                     \
        ",{\"type\":\"text\",\"text\":\"x\"}]}]")

TEST(images_are_bytes_with_a_format)
{
    expect_within(&claude,
                  WITH("{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
                       "\"image/jpeg\",\"data\":\"QUJD\"}}"),
                  "[{\"image\":{\"format\":\"jpeg\",\"source\":{\"bytes\":\"QUJD\"}}},{\"text\"",
                  NULL);
    expect_within(
        &claude,
        WITH("{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"s3://b/k.png\"}}"),
        "{\"image\":{\"format\":\"png\",\"source\":{\"s3Location\":{\"uri\":"
        "\"s3://b/k.png\"}}}}",
        NULL);
    expect_refused(&claude,
                   WITH("{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":"
                        "\"https://a.b/c.png\"}}"),
                   "messages[0].content: Bedrock fetches nothing");
    expect_refused(&claude,
                   WITH("{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
                        "\"image/tiff\",\"data\":\"QUJD\"}}"),
                   "messages[0].content: Bedrock does not take");
}

TEST(documents_have_clean_names_of_their_own_and_a_text_beside_them)
{
#define DOCUMENT(title)                                                                            \
    "{\"type\":\"document\",\"title\":\"" title                                                    \
    "\",\"context\":\"c\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\","     \
    "\"data\":\"QUJD\"}}"
    expect_body(
        &claude,
        ASK("\"messages\":[{\"role\":\"user\",\"content\":[" DOCUMENT("Q3.report_v2.pdf") "," DOCUMENT(
            "Q3 report  v2") ",{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":"
                             "\"text/plain\",\"data\":\"h\\u00e9\"},\"citations\":{\"enabled\":true}}"
                             "]}]"),
        BODY(
            "\"messages\":[{\"role\":\"user\",\"content\":["
            "{\"document\":{\"format\":\"pdf\",\"name\":\"Q3 report v2\",\"context\":\"c\",\"source\":"
            "{\"bytes\":\"QUJD\"}}},"
            "{\"document\":{\"format\":\"pdf\",\"name\":\"Q3 report v2 2\",\"context\":\"c\","
            "\"source\":{\"bytes\":\"QUJD\"}}},"
            "{\"document\":{\"format\":\"txt\",\"name\":\"document\",\"citations\":{\"enabled\":true},"
            "\"source\":{\"text\":\"h\\u00e9\"}}},{\"text\":\".\"}]}],",
            "}"),
        "messages (a text was put beside a document)");
}

static void make_audio(struct chat *c)
{
    struct block *b = c->turns->blocks;
    b->kind = BLOCK_AUDIO;
    b->media =
        (struct media){.source = MEDIA_BASE64, .mime = STR("audio/wav"), .data = STR("QUJD")};
}

static void make_file_id(struct chat *c)
{
    struct block *b = c->turns->blocks;
    b->kind = BLOCK_DOCUMENT;
    b->media =
        (struct media){.source = MEDIA_FILE_ID, .data = STR("file-1"), .format = NATIVE_OPENAI};
}

static void make_detail(struct chat *c)
{
    struct block *b = c->turns->blocks;
    b->kind = BLOCK_IMAGE; /* a GIF, of which nobody said so */
    b->media = (struct media){
        .source = MEDIA_BASE64, .data = STR("R0lGODlhAQABAAAAACw="), .detail = DETAIL_HIGH};
}

TEST(other_media)
{
    struct asked as = {.model = "amazon.nova-2-omni", .facts = &plain, .change = make_audio};
    expect_within(&as, WITH("{\"type\":\"text\",\"text\":\"-\"}"),
                  "{\"audio\":{\"format\":\"wav\",\"source\":{\"bytes\":\"QUJD\"}}}", NULL);
    as.facts = NULL; /* Claude's do not hear */
    expect_refused(&as, WITH("{\"type\":\"text\",\"text\":\"-\"}"), "takes no audio");
    as.change = make_file_id;
    expect_refused(&as, WITH("{\"type\":\"text\",\"text\":\"-\"}"), "no files");
    as.change = make_detail;
    expect_within(&as, WITH("{\"type\":\"text\",\"text\":\"-\"}"), "{\"image\":{\"format\":\"gif\"",
                  "messages[0].image.detail");
}

/* --- Caching ---------------------------------------------------------------------------------- */

#define MARK ",\"cache_control\":{\"type\":\"ephemeral\"}"

TEST(cache_marks_keep_their_places)
{
    static const char client[] = ASK(
        "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"},\"cache_control\":{"
        "\"type\":\"ephemeral\",\"ttl\":\"1h\"}}],\"system\":[{\"type\":\"text\",\"text\":\"s\"" MARK
        "}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\","
        "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"5m\"}},{\"type\":\"text\",\"text\":"
        "\"b\"}]}]");
    expect_body(
        &claude, client,
        BODY("\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"f\",\"inputSchema\":{"
             "\"json\":{\"type\":\"object\"}}}},{\"cachePoint\":{\"type\":\"default\",\"ttl\":"
             "\"1h\"}}]},\"system\":[{\"text\":\"s\"},{\"cachePoint\":{\"type\":\"default\"}}],"
             "\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"a\"},{\"cachePoint\":{"
             "\"type\":\"default\",\"ttl\":\"5m\"}},{\"text\":\"b\"}]}],",
             "}"),
        NULL);
    expect_within(
        &nova, client,
        "{\"json\":{\"type\":\"object\"}}}}]},\"system\":[{\"text\":\"s\"},{\"cachePoint\":{"
        "\"type\":\"default\"}}],",
        NULL);
    struct asked unknown = {.facts = &model_facts_unknown};
    expect_within(&unknown, client, "[{\"text\":\"a\"},{\"text\":\"b\"}]", "cache_control");
}

TEST(the_last_four_marks_stay)
{
    expect_within(
        &claude,
        ASK("\"system\":[{\"type\":\"text\",\"text\":\"s\"" MARK "}],\"messages\":[{\"role\":"
            "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"" MARK
            "},{\"type\":\"text\",\"text\":\"b\"" MARK "},{\"type\":\"text\",\"text\":\"c\"" MARK
            "},{\"type\":\"text\",\"text\":\"d\"" MARK "}]}]"),
        "\"system\":[{\"text\":\"s\"}],\"messages\":[{\"role\":\"user\",\"content\":[{"
        "\"text\":\"a\"},{\"cachePoint\"",
        "cache_control (the last four)");
}

/* --- Parameters ------------------------------------------------------------------------------- */

static void much(struct chat *c)
{
    c->temperature = STR("1.6");
    c->seed = STR("7");
    c->presence_penalty = STR("0.5");
    c->frequency_penalty = STR("0.5");
    c->logit_bias = STR("{\"1\":2}");
    c->user = STR("u@example.com");
    c->metadata = STR("{\"team\":\"a b\",\"bad\":\"{}\",\"n\":1}");
    c->service_tier = STR("flex");
    c->store = YES;
    c->cache_key = STR("k");
}

TEST(parameters_and_what_has_no_place)
{
    struct asked as = {.facts = &claude45, .change = much};
    expect_body(
        &as, ASK("\"top_p\":0.90,\"top_k\":40,\"stop_sequences\":[\"END\",\" \",\"\"]," HI),
        "{" HI_OUT "\"inferenceConfig\":{\"maxTokens\":9,\"temperature\":1,\"stopSequences\":["
        "\"END\"]},\"additionalModelRequestFields\":{\"top_k\":40},"
        "\"additionalModelResponseFieldPaths\":[\"/stop_sequence\",\"/delta/stop_sequence\"],"
        "\"serviceTier\":{\"type\":\"flex\"},\"requestMetadata\":{\"team\":\"a b\",\"user\":"
        "\"u@example.com\"}}",
        "logit_bias, temperature=1 (was 1.6), top_p, stop, presence_penalty, "
        "frequency_penalty, seed");
}

TEST(families_spell_top_k_in_their_ways)
{
    static const char client[] = ASK("\"temperature\":0.5,\"top_p\":0.9,\"top_k\":40," HI);
    struct asked cohere = {.model = "cohere.command-r-plus-v1:0", .facts = &plain};
    expect_within(&nova, client,
                  "\"temperature\":0.5,\"topP\":0.9},\"additionalModelRequestFields\":{"
                  "\"inferenceConfig\":{\"topK\":40}}}",
                  NULL);
    expect_within(&cohere, client, "\"additionalModelRequestFields\":{\"k\":40}}", NULL);
    expect_body(&llama, client, BODY(HI_OUT, ",\"temperature\":0.5,\"topP\":0.9}"), "top_k");
    expect_body(&gpt, client, BODY(HI_OUT, "}"), "temperature, top_p, top_k");
    expect_within(&oss, ASK("\"stop_sequences\":[\"E\"]," HI),
                  "\"inferenceConfig\":{\"maxTokens\":9}}", "stop");
}

static void no_limit(struct chat *c)
{
    c->max_tokens = STR_NULL;
}

TEST(a_limit_is_always_said)
{
    struct asked as = {.facts = &claude45, .change = no_limit};
    expect_within(&as, ASK(HI), "\"maxTokens\":32000}", NULL);
    struct asked other = {.model = "meta.llama4-scout", .facts = &plain, .change = no_limit};
    expect_within(&other, ASK(HI), "\"maxTokens\":8192}", NULL);
    other.facts = &model_facts_unknown;
    expect_within(&other, ASK(HI), "\"maxTokens\":4096}", NULL);
    expect_within(&llama, "{\"max_tokens\":9000," HI "}", "\"maxTokens\":8192}",
                  "max_tokens=8192 (was 9000)");
}

static void want_logprobs(struct chat *c)
{
    c->logprobs = YES;
}

static void own_fields(struct chat *c)
{
    EXPECT(chat_add_extra(c, NATIVE_ANTHROPIC, STR("guardrailConfig"),
                          STR("{\"guardrailIdentifier\":\"g\",\"guardrailVersion\":\"1\"}"),
                          FIELD_UNKNOWN));
    EXPECT(chat_add_extra(c, NATIVE_ANTHROPIC, STR("performanceConfig"),
                          STR("{\"latency\":\"optimized\"}"), FIELD_UNKNOWN));
    EXPECT(chat_add_extra(c, NATIVE_ANTHROPIC, STR("additionalModelRequestFields"),
                          STR("{\"top_k\":1,\"anthropic_beta\":[\"x\"]}"), FIELD_UNKNOWN));
    EXPECT(chat_add_extra(c, NATIVE_ANTHROPIC, STR("context_management"), STR("{}"), FIELD_HINT));
}

TEST(what_changes_the_answer_is_refused)
{
    struct asked as = {.change = want_logprobs};
    expect_refused(&as, ASK(HI), "logprobs");
}

TEST(fields_of_converse_go_through)
{
    struct asked as = {.change = own_fields};
    expect_body(
        &as, ASK("\"top_k\":5," HI),
        "{" HI_OUT "\"inferenceConfig\":{\"maxTokens\":9},\"additionalModelRequestFields\":{"
        "\"top_k\":5,\"anthropic_beta\":[\"x\"]},\"guardrailConfig\":{\"guardrailIdentifier\":"
        "\"g\",\"guardrailVersion\":\"1\"},\"performanceConfig\":{\"latency\":\"optimized\"}}",
        "context_management");
}

/* --- Tools ------------------------------------------------------------------------------------ */

#define TOOLS(choice)                                                                              \
    ASK("\"tools\":[{\"name\":\"f\",\"input_schema\":{}},{\"name\":\"g\",\"description\":\"\","    \
        "\"input_schema\":{\"properties\":{}}}],\"tool_choice\":" choice "," HI)
#define SPEC(name)                                                                                 \
    "{\"toolSpec\":{\"name\":\"" name                                                              \
    "\",\"inputSchema\":{\"json\":{\"type\":\"object\",\"properties\":{}}}}}"

TEST(choices_of_tools)
{
    expect_body(&claude, TOOLS("{\"type\":\"auto\"}"),
                BODY("\"toolConfig\":{\"tools\":[" SPEC("f") "," SPEC("g") "]}," HI_OUT, "}"),
                NULL);
    expect_within(&claude, TOOLS("{\"type\":\"any\"}"), "],\"toolChoice\":{\"any\":{}}}", NULL);
    expect_within(&claude, TOOLS("{\"type\":\"tool\",\"name\":\"g\"}"),
                  "],\"toolChoice\":{\"tool\":{\"name\":\"g\"}}}", NULL);
    expect_body(&claude, TOOLS("{\"type\":\"none\"}"), BODY(HI_OUT, "}"), NULL);
}

TEST(one_call_at_a_time)
{
    expect_body(&claude, TOOLS("{\"type\":\"any\",\"disable_parallel_tool_use\":true}"),
                BODY("\"toolConfig\":{\"tools\":[" SPEC("f") "," SPEC("g") "]}," HI_OUT,
                     "") ",\"additionalModelRequestFields\":{\"tool_choice\":{\"type\":\"any\","
                         "\"disable_parallel_tool_use\":true}}}",
                NULL);
    expect_within(&claude,
                  TOOLS("{\"type\":\"tool\",\"name\":\"f\",\"disable_parallel_tool_use\":true}"),
                  "\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\",\"disable_parallel_tool_use\":"
                  "true}",
                  NULL);
    expect_within(&nova, TOOLS("{\"type\":\"auto\",\"disable_parallel_tool_use\":true}"),
                  "\"toolConfig\"", "parallel_tool_calls");
}

TEST(where_forcing_is_refused_the_tool_alone_is_offered)
{
    expect_body(
        &opus55, TOOLS("{\"type\":\"tool\",\"name\":\"g\"}"),
        BODY("\"toolConfig\":{\"tools\":[" SPEC("g") "]},\"system\":[{\"text\":\"Your next "
                                                     "answer must call the tool.\"}]," HI_OUT,
             "}"),
        "tool_choice=auto, with this tool only (was g)");
    expect_within(
        &llama, TOOLS("{\"type\":\"any\"}"),
        "\"system\":[{\"text\":\"Your next answer must call at least one of the tools.\"}]",
        "tool_choice=auto (was required)");
    expect_refused(&opus55, TOOLS("{\"type\":\"tool\",\"name\":\"h\"}"), "tool_choice");
}

TEST(none_with_tools_in_the_history_is_an_instruction)
{
    struct got got = write_for(
        &claude,
        ASK("\"tool_choice\":{\"type\":\"none\"},\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
            "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\","
            "\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
            "\"tool_use_id\":\"t\",\"content\":\"r\"}]}]"));
    EXPECT_CONTAINS(got.body, "\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"f\"");
    EXPECT_CONTAINS(got.body, "\"system\":[{\"text\":\"Do not call any tool");
    EXPECT(str_find(got.body, STR("toolChoice")) < 0);
    EXPECT_CONTAINS(got.notes, "tool_choice=an instruction (was none)");
    arena_release(&arena);
}

static void only_g(struct chat *c)
{
    EXPECT(chat_add_allowed(c, STR("g")));
}

static void odd_names(struct chat *c)
{
    c->tools->name = STR("a.b c");
    c->tools->strict = YES;
    c->tools->next->custom = true;
}

TEST(allowed_tools_and_odd_names)
{
    struct asked as = {.change = only_g};
    expect_within(&as, TOOLS("{\"type\":\"auto\"}"), "{\"tools\":[" SPEC("g") "]}", NULL);
    as.change = odd_names;
    expect_within(&as, TOOLS("{\"type\":\"auto\"}"), "{\"name\":\"a_b_c_", NULL);
    expect_within(&as, TOOLS("{\"type\":\"auto\"}"), "\"strict\":true", NULL);
    expect_within(&as, TOOLS("{\"type\":\"auto\"}"),
                  "{\"toolSpec\":{\"name\":\"g\",\"inputSchema\":{\"json\":{\"type\":\"object\","
                  "\"properties\":{\"input\":{\"type\":\"string\"}},\"required\":[\"input\"]}}}}",
                  NULL);
    as.facts = &claude_opus5; /* refuses strict tools on Bedrock */
    expect_within(&as, TOOLS("{\"type\":\"auto\"}"), "\"toolConfig\"", "tools.strict");
}

TEST(tools_that_a_vendor_runs_are_left_out)
{
    expect_body(&claude,
                ASK("\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]," HI),
                BODY(HI_OUT, "}"), "tools (web_search_20250305)");
}

/* --- Structured output ------------------------------------------------------------------------ */

static void want_schema(struct chat *c)
{
    c->format = FORMAT_SCHEMA;
    c->format_name = STR("answer");
    c->format_schema = STR("{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}");
}

static void want_json(struct chat *c)
{
    c->format = FORMAT_JSON;
}

TEST(a_schema_is_native_where_the_model_has_it)
{
    struct asked as = {.change = want_schema};
    struct got got = write_for(&as, ASK(HI));
    EXPECT_CONTAINS(got.body, "\"outputConfig\":{\"textFormat\":{\"type\":\"json_schema\","
                              "\"structure\":{\"jsonSchema\":{\"schema\":\"{\\\"type\\\":\\\"object"
                              "\\\"");
    EXPECT_CONTAINS(got.body, "\\\"additionalProperties\\\":false");
    EXPECT_CONTAINS(got.body, "\",\"name\":\"answer\"}}}}");
    EXPECT(!got.json_tool);
    arena_release(&arena);
}

TEST(a_schema_is_a_forced_tool_where_it_has_not)
{
    struct asked as = {.facts = &claude_opus5, .change = want_schema};
    struct got got = write_for(&as, ASK(HI));
    EXPECT(got.json_tool);
    EXPECT_CONTAINS(got.body, "\"toolSpec\":{\"name\":\"json_tool_call\",\"description\":\"");
    EXPECT_CONTAINS(got.body, "{\"json\":{\"type\":\"object\",\"properties\":{\"n\":");
    EXPECT_CONTAINS(got.body, "],\"toolChoice\":{\"tool\":{\"name\":\"json_tool_call\"}}}");
    got = write_for(&as, TOOLS("{\"type\":\"auto\"}"));
    EXPECT(got.json_tool);
    EXPECT_CONTAINS(got.body, SPEC("g") ",{\"toolSpec\":{\"name\":\"json_tool_call\"");
    EXPECT_CONTAINS(got.body, "],\"toolChoice\":{\"any\":{}}}");
    arena_release(&arena);
}

TEST(a_schema_is_words_where_nothing_can_be_forced)
{
    struct asked as = {.facts = &claude_opus55, .change = want_schema};
    struct got got = write_for(&as, ASK(HI));
    EXPECT(!got.json_tool);
    EXPECT_CONTAINS(got.body, "\"system\":[{\"text\":\"Answer with one JSON value that conforms");
    EXPECT_STR(got.notes, "response_format (as an instruction)");
    as.change = want_json;
    expect_within(&as, ASK(HI), "\"system\":[{\"text\":\"Answer with one JSON object", NULL);
}

/* --- Reasoning -------------------------------------------------------------------------------- */

static void high(struct chat *c)
{
    c->effort = EFFORT_HIGH;
    c->max_tokens = STR_NULL;
}

static void minimal(struct chat *c)
{
    c->effort = EFFORT_MINIMAL;
}

static void none(struct chat *c)
{
    c->effort = EFFORT_NONE;
}

TEST(efforts_by_family)
{
    struct asked as = {.facts = &claude45, .change = high};
    expect_within(&as, ASK("\"temperature\":0.5," HI),
                  "\"maxTokens\":32000},\"additionalModelRequestFields\":{\"thinking\":{\"type\":"
                  "\"enabled\",\"budget_tokens\":16384}}",
                  "temperature");
    as.facts = &claude_opus5;
    expect_within(&as, ASK(HI),
                  "{\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"},"
                  "\"output_config\":{\"effort\":\"high\"}}",
                  NULL);
    as = nova;
    as.change = high;
    expect_body(&as, ASK("\"temperature\":0.5," HI),
                "{" HI_OUT "\"inferenceConfig\":{},\"additionalModelRequestFields\":{"
                "\"reasoningConfig\":{\"type\":\"enabled\",\"maxReasoningEffort\":\"high\"}}}",
                "temperature");
    as.change = minimal;
    expect_within(&as, ASK(HI), "\"maxReasoningEffort\":\"low\"",
                  "reasoning_effort=low (was minimal)");
    as.change = none;
    expect_within(&as, ASK(HI), "\"reasoningConfig\":{\"type\":\"disabled\"}", NULL);
    as = gpt;
    as.change = high;
    expect_within(&as, ASK(HI), "{\"reasoning\":{\"effort\":\"high\"}}", NULL);
    as = oss;
    as.change = minimal;
    expect_within(&as, ASK(HI), "{\"reasoning_effort\":\"low\"}",
                  "reasoning_effort=low (was minimal)");
    as = llama;
    as.change = high;
    expect_within(&as, ASK(HI), "\"inferenceConfig\"", "reasoning_effort");
}

TEST(thinking_of_anthropics_clients)
{
    expect_within(&opus5, ASK("\"thinking\":{\"type\":\"adaptive\"}," HI),
                  "{\"thinking\":{\"type\":\"adaptive\"", NULL);
    expect_within(&claude,
                  "{\"max_tokens\":9000,\"thinking\":{\"type\":\"enabled\","
                  "\"budget_tokens\":2000}," HI "}",
                  "{\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}}", NULL);
    expect_within(&nova,
                  "{\"max_tokens\":8000,\"thinking\":{\"type\":\"enabled\","
                  "\"budget_tokens\":2500}," HI "}",
                  "\"maxReasoningEffort\":\"medium\"", NULL);
}

static void own_redacted(struct chat *c)
{
    struct reasoning *r = &c->turns->next->blocks->reasoning;
    *r = (struct reasoning){.encrypted = STR("QUJD"), .format = NATIVE_BEDROCK};
}

static void foreign_redacted(struct chat *c)
{
    struct reasoning *r = &c->turns->next->blocks->reasoning;
    *r = (struct reasoning){.encrypted = STR("QUJD"), .format = NATIVE_ANTHROPIC};
}

TEST(redacted_content_goes_back_where_it_came_from)
{
    struct asked as = {.change = own_redacted};
    expect_within(&as, weather, "[{\"reasoningContent\":{\"redactedContent\":\"QUJD\"}},", NULL);
    as.change = foreign_redacted;
    expect_within(&as, weather, "{\"role\":\"assistant\",\"content\":[{\"text\":\"I look.\"}",
                  NULL);
}

/* --- Families --------------------------------------------------------------------------------- */

TEST(families_are_found_in_ids_of_all_forms)
{
    static const struct {
        const char *model;
        enum bedrock_maker maker;
    } all[] = {
        {"anthropic.claude-opus-5", BEDROCK_CLAUDE},
        {"global.anthropic.claude-haiku-4-5-20251001-v1:0", BEDROCK_CLAUDE},
        {"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-5",
         BEDROCK_CLAUDE},
        {"arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
         BEDROCK_UNKNOWN},
        {"eu.amazon.nova-pro-v1:0", BEDROCK_NOVA},
        {"openai.gpt-5.6", BEDROCK_GPT},
        {"openai.gpt-oss-20b-1:0", BEDROCK_OPEN},
        {"qwen.qwen3-32b-v1:0", BEDROCK_OPEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        EXPECT_EQ(bedrock_family_of(str_from_c(all[i].model), &model_facts_unknown)->maker,
                  all[i].maker);
    /* The configuration says what an ARN does not. */
    EXPECT_EQ(bedrock_family_of(str_from_c(all[3].model), &claude_opus5)->maker, BEDROCK_CLAUDE);
}
