/*
 * Cohere's dialect: what is sent of a chat, and what is read of an answer; its provider and embeddings.
 *
 * mapping: §2 system · §3 image_url, input_audio, file · §4 tool_calls, arguments, reasoning · §5 results ·
 * §7 top_p, top_k, penalties, stop, logprobs, parallel_tool_calls · §8 tools, tool_choice, allowed_tools ·
 * §9 response_format · §10 reasoning_effort, thinking
 */
#include "llm/dialect.h"

#include "event_text.h"
#include "llm/embedding.h"
#include "llm/provider.h"
#include "support/test.h"

static struct arena arena; /* of the test that runs */
static struct chat chat;
static struct unsupported unsupported;
static struct provider_conf conf;
static struct chat_target target;

static void begin(const char *model)
{
    arena_release(&arena);
    chat_init(&chat, &arena);
    chat.model = STR("m");
    chat.dialect = NATIVE_OPENAI;
    unsupported_init(&unsupported, &arena, UNSUPPORTED_BY_CLASS);
    target = (struct chat_target){.model = str_from_c(model),
                                  .facts = model_facts_find(STR("cohere"), str_from_c(model)),
                                  .conf = &conf,
                                  .kind = ENDPOINT_COHERE_CHAT,
                                  .arena = &arena,
                                  .unsupported = &unsupported};
}

static struct turn *turn(enum role role, const char *text)
{
    struct turn *t = chat_add_turn(&chat, role, STR("messages[0]"));
    EXPECT(t != NULL);
    if (text)
        turn_add(&chat, t, BLOCK_TEXT)->text = (struct raw){str_from_c(text)};
    return t;
}

static struct tool *tool(const char *name)
{
    struct tool *t = chat_add_tool(&chat);
    EXPECT(t != NULL);
    t->name = str_from_c(name);
    return t;
}

/* One member of the body, or "refused: " and the field; null: it is not there. */
static str member(const char *name)
{
    struct buf out;
    struct json_doc doc;
    buf_init(&out, 0);
    bool ok = dialect_of(ENDPOINT_COHERE_CHAT)->write_request(&chat, &target, &out);
    EXPECT_EQ(ok, !unsupported.fault.err);
    str body = ok ? arena_str(&arena, buf_str(&out))
                  : arena_printf(&arena, "refused: %.*s", STR_ARG(unsupported.fault.field));
    buf_release(&out);
    if (!ok)
        return body;
    EXPECT_EQ(json_parse(&doc, &arena, body, NULL), ERR_NONE);
    return json_raw(&doc, json_member(&doc, JSON_ROOT, str_from_c(name)));
}

static str reported(void)
{
    return unsupported_text(&unsupported);
}

/* --- Requests. */

TEST(content_is_a_string_or_a_list_of_parts)
{
    begin("command-a-03-2025");
    struct turn *t = turn(ROLE_USER, "a");
    turn_add(&chat, t, BLOCK_TEXT)->text = RAW("b");
    turn(ROLE_USER, "c");
    EXPECT_STR(member("messages"),
               "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
               "{\"type\":\"text\",\"text\":\"b\"}]},"
               "{\"role\":\"user\",\"content\":\"c\"}]");
    EXPECT(str_is_null(reported()));
}

TEST(media_go_where_the_model_takes_them)
{
    static const enum block_kind kinds[] = {BLOCK_IMAGE, BLOCK_AUDIO, BLOCK_VIDEO, BLOCK_DOCUMENT};
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        begin("command-a-03-2025");
        turn_add(&chat, turn(ROLE_USER, "a"), kinds[i])->media = (struct media){
            .source = MEDIA_BASE64, .mime = STR("application/pdf"), .data = STR("AA")};
        EXPECT_STR(member("messages"), "refused: messages[0].content");
    }
    begin("command-a-vision-07-2025");
    turn_add(&chat, turn(ROLE_USER, NULL), BLOCK_IMAGE)->media =
        (struct media){.source = MEDIA_URL, .data = STR("https://x/y.png"), .detail = DETAIL_HIGH};
    turn_add(&chat, chat.turns, BLOCK_DOCUMENT)->media = (struct media){
        .source = MEDIA_BASE64, .mime = STR("text/plain"), .data = STR("aGki"), .name = STR("n")};
    EXPECT_STR(member("messages"),
               "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
               "\"https://x/y.png\",\"detail\":\"high\"}},{\"type\":\"text\",\"text\":\"n\"},"
               "{\"type\":\"text\",\"text\":\"hi\\\"\"}]}]");
}

static void called(const char *thought)
{
    turn(ROLE_USER, "q");
    struct turn *t = turn(ROLE_ASSISTANT, NULL);
    turn_add(&chat, t, BLOCK_REASONING)->reasoning.text = (struct raw){str_from_c(thought)};
    turn_add(&chat, t, BLOCK_CALL)->call =
        (struct tool_call){.id = STR("c1"), .name = STR("my tool"), .arguments = STR("{\"a\":1}")};
    turn_add(&chat, turn(ROLE_USER, NULL), BLOCK_RESULT)->result =
        (struct tool_result){.call_id = STR("c1"), .is_error = true};
}

TEST(thoughts_are_plans_of_models_that_do_not_think)
{
    begin("command-a-03-2025");
    called("hm");
    str messages = member("messages");
    EXPECT_CONTAINS(messages,
                    "{\"role\":\"assistant\",\"tool_plan\":\"hm\",\"tool_calls\":[{\"id\":"
                    "\"c1\",\"type\":\"function\",\"function\":{\"name\":\"my_tool_");
    EXPECT_CONTAINS(messages, "\"arguments\":\"{\\\"a\\\":1}\"}}]}");
    EXPECT_CONTAINS(messages, "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"Error:\"}");
    begin("command-a-reasoning-08-2025");
    called("hm");
    EXPECT_CONTAINS(member("messages"),
                    "\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"}]}");
}

TEST(a_tool_is_forced_by_being_the_only_one)
{
    begin("command-a-03-2025");
    turn(ROLE_USER, "q");
    tool("a")->strict = YES;
    tool("b");
    chat.choice = CHOICE_NAMED;
    chat.choice_name = STR("a");
    EXPECT_STR(member("tool_choice"), "\"REQUIRED\"");
    EXPECT_STR(member("strict_tools"), "true");
    EXPECT_STR(member("tools"),
               "[{\"type\":\"function\",\"function\":{\"name\":\"a\",\"parameters\":{"
               "\"type\":\"object\",\"properties\":{}}}}]");
    chat.choice = CHOICE_NONE;
    EXPECT(str_is_null(member("tools")));
    chat.choice = CHOICE_UNSET;
    chat.parallel_calls = NO;
    EXPECT(str_is_null(member("strict_tools")));
    EXPECT_STR(reported(), "tools.strict, parallel_tool_calls");
    chat.format = FORMAT_JSON;
    EXPECT_STR(member("tools"), "refused: response_format");
    begin("command-r-08-2024");
    turn(ROLE_USER, "q");
    tool("a");
    chat.choice = CHOICE_REQUIRED;
    EXPECT_STR(member("tools"), "refused: tool_choice");
}

TEST(thinking_is_on_or_off_with_a_budget)
{
    begin("command-a-reasoning-08-2025");
    turn(ROLE_USER, "q");
    EXPECT(str_is_null(member("thinking")));
    chat.effort = EFFORT_NONE;
    EXPECT_STR(member("thinking"), "{\"type\":\"disabled\"}");
    chat.effort = EFFORT_UNSET;
    chat.thinking = YES;
    chat.thinking_budget = STR("500");
    EXPECT_STR(member("thinking"), "{\"type\":\"enabled\",\"token_budget\":500}");
    EXPECT(str_is_null(reported()));
    chat.effort = EFFORT_HIGH;
    EXPECT_STR(member("thinking"), "{\"type\":\"enabled\",\"token_budget\":500}");
    EXPECT_STR(reported(), "reasoning_effort");
    begin("command-a-03-2025");
    turn(ROLE_USER, "q");
    chat.effort = EFFORT_LOW;
    EXPECT(str_is_null(member("thinking")));
    EXPECT_STR(reported(), "reasoning_effort");
}

TEST(numbers_are_kept_within_coheres_ranges)
{
    begin("command-a-03-2025");
    turn(ROLE_USER, "q");
    chat.top_p = STR("0.0");
    chat.top_k = STR("1000");
    chat.frequency_penalty = STR("-1");
    chat.presence_penalty = STR("0.25");
    EXPECT_STR(member("p"), "0.01");
    EXPECT_STR(member("k"), "500");
    EXPECT_STR(member("frequency_penalty"), "0");
    EXPECT_STR(member("presence_penalty"), "0.25");
    EXPECT_STR(reported(),
               "top_p=0.01 (was 0.0), top_k=500 (was 1000), frequency_penalty=0 (was -1)");
    for (unsigned i = 0; i < 6; i++)
        EXPECT(chat_add_stop(&chat, RAW("x")));
    EXPECT_STR(member("p"), "refused: stop");
    begin("command-a-03-2025");
    turn(ROLE_USER, "q");
    chat.logprobs = YES;
    EXPECT_STR(member("p"), "refused: logprobs");
}

TEST(what_only_cohere_has_comes_from_an_object_of_its_own)
{
    begin("command-a-03-2025");
    turn(ROLE_USER, "q");
    EXPECT(chat_add_extra(&chat, NATIVE_OPENAI, STR("cohere"),
                          STR("{\"safety_mode\":\"STRICT\",\"odd\":1}"), FIELD_UNKNOWN));
    EXPECT_STR(member("safety_mode"), "\"STRICT\"");
    EXPECT_STR(reported(), "cohere.odd");
    begin("command-a-03-2025");
    turn(ROLE_USER, "q");
    EXPECT(chat_add_extra(&chat, NATIVE_OPENAI, STR("cohere"), STR("[]"), FIELD_UNKNOWN));
    EXPECT_STR(member("p"), "refused: cohere");
}

/* --- Answers. */

static struct arena scratch;

static void reader_init(struct answer_reader *r, struct buf *out)
{
    struct chat_sink sink = {.on_event = event_text_take, .arg = out};
    buf_init(out, 0);
    EXPECT(answer_reader_init(r, dialect_of(ENDPOINT_COHERE_CHAT), &arena, &scratch, &sink));
}

static const char *whole(const char *body)
{
    struct answer_reader r;
    struct buf out;
    reader_init(&r, &out);
    r.dialect->read_answer(&r, str_from_c(body));
    EXPECT(r.ended);
    str text = arena_printf(&arena, "%.*s", STR_ARG(buf_str(&out)));
    buf_release(&out);
    arena_release(&scratch);
    return text.ptr;
}

static const char *streamed(const char *const *units)
{
    struct answer_reader r;
    struct buf out;
    reader_init(&r, &out);
    for (; *units; units++) {
        r.dialect->read_unit(&r, STR_NULL, str_from_c(*units));
        arena_release(&scratch);
    }
    r.dialect->read_end(&r);
    str text = arena_printf(&arena, "%.*s", STR_ARG(buf_str(&out)));
    buf_release(&out);
    return text.ptr;
}

TEST(a_whole_answer_and_its_stream_are_the_same_events)
{
    static const char *const units[] = {
        "{\"type\":\"message-start\",\"id\":\"i\",\"delta\":{\"message\":{\"role\":\"assistant\"}}}",
        "{\"type\":\"tool-plan-delta\",\"delta\":{\"message\":{\"tool_plan\":\"plan\"}}}",
        "{\"type\":\"tool-call-start\",\"index\":0,\"delta\":{\"message\":{\"tool_calls\":{\"id\":\"c1\","
        "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}}}}",
        "{\"type\":\"tool-call-delta\",\"delta\":{\"message\":{\"tool_calls\":{\"function\":{"
        "\"arguments\":\"{\\\"a\\\":1}\"}}}}}",
        "{\"type\":\"tool-call-end\",\"index\":0}",
        "{\"type\":\"tool-call-start\",\"index\":1,\"delta\":{\"message\":{\"tool_calls\":{\"id\":\"c2\","
        "\"function\":{\"name\":\"g\"}}}}}",
        "{\"type\":\"tool-call-end\",\"index\":1}",
        "{\"type\":\"citation-start\",\"index\":0,\"delta\":{}}",
        "{\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"TOOL_CALL\",\"usage\":{"
        "\"billed_units\":{\"input_tokens\":5,\"output_tokens\":2}}}}",
        "[DONE]",
        NULL};
    const char *same = whole(
        "{\"id\":\"i\",\"finish_reason\":\"TOOL_CALL\",\"message\":{\"tool_plan\":\"plan\","
        "\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":"
        "\"{\\\"a\\\":1}\"}},{\"id\":\"c2\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}}]},"
        "\"usage\":{\"tokens\":{\"input_tokens\":5.0,\"output_tokens\":2}}}");
    EXPECT_STR(streamed(units), same);
    EXPECT_CONTAINS(str_from_c(same), "arguments 1 {}");
}

TEST(an_answer_without_its_end_is_not_complete)
{
    static const char *const units[] = {"{\"type\":\"message-start\",\"id\":\"i\"}", NULL};
    EXPECT(!strstr(streamed(units), "end"));
    EXPECT_CONTAINS(str_from_c(whole("{\"id\":\"i\",\"message\":{}}")), "failed");
    EXPECT_CONTAINS(str_from_c(whole("[]")), "failed");
    EXPECT_CONTAINS(str_from_c(whole("{\"finish_reason\":\"TIMEOUT\"}")), "failed");
}

TEST(errors_are_a_message)
{
    struct provider_fault fault;
    dialect_of(ENDPOINT_COHERE_CHAT)
        ->read_error(STR("{\"id\":\"1\",\"message\":\"invalid model\"}"), &arena, &fault);
    EXPECT_STR(fault.message, "invalid model");
    dialect_of(ENDPOINT_COHERE_CHAT)->read_error(STR("<html>"), &arena, &fault);
    EXPECT(str_is_null(fault.message));
}

/* --- The provider, and embeddings. */

TEST(paths_have_their_own_versions)
{
    static const char *const bases[] = {"/x", "/x/v1", "/x/v2"};
    for (unsigned i = 0; i < ARRAY_LEN(bases); i++) {
        struct provider_conf c = {.provider = provider_find(STR("cohere")),
                                  .base_path = str_from_c(bases[i])};
        struct provider_request r = {.conf = &c, .kind = ENDPOINT_COHERE_CHAT, .rest = STR("")};
        EXPECT_STR(provider_target(&r, &arena), "/x/v2/chat");
        r.kind = ENDPOINT_RERANK;
        EXPECT_STR(provider_target(&r, &arena), "/x/v2/rerank");
        EXPECT_STR(provider_models_target(&c, STR("a b"), &arena),
                   "/x/v1/models?page_size=1000&page_token=a%20b");
    }
    EXPECT_EQ(provider_classify(provider_find(STR("cohere")), 498, STR("")), ERR_UPSTREAM_AUTH);
}

TEST(models_come_in_pages)
{
    struct provider_conf c = {.provider = provider_find(STR("cohere"))};
    struct model_page page;
    EXPECT(provider_read_models(
        &c,
        STR("{\"models\":[{\"name\":\"command-a\",\"context_length\":256000.0},"
            "{}],\"next_page_token\":\"t\"}"),
        &arena, &page));
    EXPECT_EQ(page.count, 1);
    EXPECT_STR(page.models[0].id, "command-a");
    EXPECT_EQ(page.models[0].window, 256000);
    EXPECT_STR(page.next, "t");
    EXPECT(!provider_read_models(&c, STR("{}"), &arena, &page));
}

TEST(texts_to_embed_say_what_they_are_for)
{
    const struct embedding_format *f = embedding_format_of(ENDPOINT_COHERE_EMBED);
    struct embedding_input input = {.text = RAW("a"), .task = TASK_QUERY, .dimensions = STR("256")};
    struct embedding_request r = {.arena = &arena, .inputs = &input, .count = 1};
    struct embedding_call call = {.count = 1};
    struct embedding_answer answer;
    struct buf out;
    begin("embed-v4.0");
    buf_init(&out, 0);
    EXPECT(f->write_request(&r, &call, &target, &out));
    EXPECT_STR(buf_str(&out), "{\"model\":\"embed-v4.0\",\"input_type\":\"search_query\",\"texts\":"
                              "[\"a\"],\"embedding_types\":[\"float\"],\"output_dimension\":256}");
    buf_release(&out);
    EXPECT(embedding_answer_init(&answer, &r, &arena));
    EXPECT_EQ(f->read_answer(STR("{\"embeddings\":{\"float\":[[1,2]]},\"meta\":{\"billed_units\":{"
                                 "\"input_tokens\":3}}}"),
                             NULL, &call, &target, &answer),
              ERR_NONE);
    EXPECT_STR(answer.vectors[0].json, "[1,2]");
    EXPECT_EQ(answer.usage.input, 3);
    EXPECT(embedding_answer_init(&answer, &r, &arena));
    EXPECT_EQ(f->read_answer(STR("{\"embeddings\":{}}"), NULL, &call, &target, &answer),
              ERR_UPSTREAM_MALFORMED);
}
