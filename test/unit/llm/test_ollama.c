/*
 * Ollama's dialect: what is sent of a chat, and what is read of an answer.
 *
 * mapping: §2 system, developer, name · §3 text, image_url, input_audio, file, detail · §4 content,
 * tool_calls, arguments, custom, reasoning_content · §5 results, images, error marker, name · §6 order,
 * empty list, prefill · §7 max_tokens, temperature, top_p, top_k, stop, stream, seed, penalties,
 * logit_bias, logprobs, parallel_tool_calls, keep_alive, num_ctx · §8 tools, tool_choice, allowed_tools
 * §9 response_format · §10 reasoning_effort · §12 to OAI · §13 OLL · §14 OLL · §16.4
 */
#include "llm/dialect.h"

#include <stdio.h>

#include "llm/provider_conf.h"
#include "support/test.h"

static struct arena arena; /* of the test that runs */
static struct chat chat;
static struct unsupported unsupported;
static struct provider_conf conf;
static struct model_facts facts;
static struct chat_target target;

static void begin(void)
{
    arena_release(&arena);
    chat_init(&chat, &arena);
    chat.model = STR("m");
    chat.dialect = NATIVE_OPENAI;
    unsupported_init(&unsupported, &arena, UNSUPPORTED_BY_CLASS);
    conf = (struct provider_conf){0};
    target = (struct chat_target){.model = STR("qwen3"),
                                  .facts = &model_facts_unknown,
                                  .conf = &conf,
                                  .kind = ENDPOINT_OLLAMA_CHAT,
                                  .arena = &arena,
                                  .unsupported = &unsupported};
}

static struct turn *turn(enum role role, const char *path)
{
    struct turn *t = chat_add_turn(&chat, role, str_from_c(path));
    EXPECT(t != NULL);
    return t;
}

static struct block *block(struct turn *t, enum block_kind kind)
{
    struct block *b = turn_add(&chat, t, kind);
    EXPECT(b != NULL);
    return b;
}

static void text(struct turn *t, const char *raw)
{
    block(t, BLOCK_TEXT)->text = (struct raw){str_from_c(raw)};
}

static void user(const char *raw)
{
    text(turn(ROLE_USER, "messages[0]"), raw);
}

static struct tool *tool(const char *name)
{
    struct tool *t = chat_add_tool(&chat);
    EXPECT(t != NULL);
    t->name = str_from_c(name);
    return t;
}

/* The body, or "refused: " and the field. */
static str written(void)
{
    struct buf out;
    buf_init(&out, 0);
    bool ok = dialect_of(ENDPOINT_OLLAMA_CHAT)->write_request(&chat, &target, &out);
    EXPECT_EQ(ok, !unsupported.fault.err);
    struct json_doc doc;
    if (ok)
        EXPECT_EQ(json_parse(&doc, &arena, buf_str(&out), NULL), ERR_NONE);
    str body = ok ? arena_str(&arena, buf_str(&out))
                  : arena_printf(&arena, "refused: %.*s", STR_ARG(unsupported.fault.field));
    buf_release(&out);
    return body;
}

/* One member of it. */
static str member(const char *name)
{
    struct json_doc doc;
    str body = written();
    if (str_starts(body, STR("refused")))
        return body;
    EXPECT_EQ(json_parse(&doc, &arena, body, NULL), ERR_NONE);
    return json_raw(&doc, json_member(&doc, JSON_ROOT, str_from_c(name)));
}

static str reported(void)
{
    return unsupported_text(&unsupported);
}

/* --- Messages. */

TEST(stream_is_always_said_and_an_empty_object_of_options_is_fine)
{
    begin();
    user("Hi");
    EXPECT_STR(written(), "{\"model\":\"qwen3\",\"stream\":false,\"messages\":[{\"role\":\"user\","
                          "\"content\":\"Hi\"}],\"options\":{}}");
    target.stream = true;
    EXPECT_CONTAINS(written(), "\"stream\":true");
    EXPECT(str_is_null(reported()));
}

TEST(system_texts_stay_messages_in_their_place)
{
    begin();
    struct turn *first = chat_add_system(&chat, STR("messages[0]"));
    text(first, "A");
    text(first, "B\\n");
    chat_add_system(&chat, STR("messages[1]"))->developer = true;
    text(chat.system_last, "C");
    user("Hi");
    text(turn(ROLE_SYSTEM, "messages[3]"), "D");
    EXPECT_STR(member("messages"), "[{\"role\":\"system\",\"content\":\"A\\nB\\n\"},"
                                   "{\"role\":\"system\",\"content\":\"C\"},"
                                   "{\"role\":\"user\",\"content\":\"Hi\"},"
                                   "{\"role\":\"system\",\"content\":\"D\"}]");
}

TEST(texts_join_by_lines_and_images_stand_beside_them)
{
    begin();
    struct turn *t = turn(ROLE_USER, "messages[0]");
    text(t, "Look:");
    struct media *m = &block(t, BLOCK_IMAGE)->media;
    *m = (struct media){.source = MEDIA_BASE64, .mime = STR("image/png"), .data = STR("AAAA")};
    m = &block(t, BLOCK_IMAGE)->media;
    *m = (struct media){.source = MEDIA_BASE64, .data = STR("BBBB"), .detail = DETAIL_HIGH};
    text(t, "and?");
    EXPECT_STR(member("messages"), "[{\"role\":\"user\",\"content\":\"Look:\\nand?\","
                                   "\"images\":[\"AAAA\",\"BBBB\"]}]");
    EXPECT_STR(reported(), "messages[0].content.image.detail");
}

TEST(media_that_ollama_cannot_have_are_refused_and_left_out_when_only_reported)
{
    static const struct {
        enum block_kind kind;
        struct media media;
    } rows[] = {
        {BLOCK_IMAGE, {.source = MEDIA_URL, .data = STR_INIT("https://a/b.png")}},
        {BLOCK_IMAGE,
         {.source = MEDIA_BASE64, .mime = STR_INIT("image/gif"), .data = STR_INIT("AA==")}},
        {BLOCK_IMAGE, {.source = MEDIA_FILE_ID, .data = STR_INIT("file-1")}},
        {BLOCK_AUDIO, {.source = MEDIA_URL, .data = STR_INIT("gs://a/b")}},
        {BLOCK_VIDEO,
         {.source = MEDIA_BASE64, .mime = STR_INIT("video/mp4"), .data = STR_INIT("AA==")}},
        {BLOCK_DOCUMENT,
         {.source = MEDIA_BASE64, .mime = STR_INIT("application/pdf"), .data = STR_INIT("AA==")}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin();
        user("Hi");
        block(chat.turns, rows[i].kind)->media = rows[i].media;
        EXPECT_STR(written(), "refused: messages[0].content");
        unsupported_init(&unsupported, &arena, UNSUPPORTED_REPORT);
        EXPECT_STR(member("messages"), "[{\"role\":\"user\",\"content\":\"Hi\"}]");
        EXPECT_STR(reported(), "messages[0].content");
    }
}

TEST(texts_of_documents_are_part_of_the_message)
{
    begin();
    struct turn *t = turn(ROLE_USER, "messages[0]");
    text(t, "Read");
    block(t, BLOCK_DOCUMENT)->media =
        (struct media){.source = MEDIA_TEXT, .name = STR("a\"b.txt"), .text = RAW("one\\ntwo")};
    block(t, BLOCK_DOCUMENT)->media = (struct media){
        .source = MEDIA_BASE64, .mime = STR("text/markdown"), .data = STR("IyBoaQo=")};
    EXPECT_STR(member("messages"),
               "[{\"role\":\"user\",\"content\":\"Read\\na\\\"b.txt\\none\\ntwo\\n# hi\\n\"}]");
}

static struct tool_call *call(struct turn *t, const char *id, const char *name)
{
    struct tool_call *c = &block(t, BLOCK_CALL)->call;
    c->id = str_from_c(id);
    c->name = str_from_c(name);
    c->arguments = STR("{\"city\":\"Oslo\"}");
    return c;
}

static struct tool_result *result(struct turn *t, const char *id, const char *name,
                                  const char *said)
{
    struct tool_result *r = &block(t, BLOCK_RESULT)->result;
    r->call_id = str_from_c(id);
    r->name = str_from_c(name);
    if (said) {
        r->content = chat_new_block(&chat, BLOCK_TEXT);
        EXPECT(r->content != NULL);
        r->content->text = (struct raw){str_from_c(said)};
    }
    return r;
}

TEST(calls_and_results_are_messages_of_their_own)
{
    begin();
    user("Weather?");
    struct turn *said = turn(ROLE_ASSISTANT, "messages[1]");
    struct block *thought = block(said, BLOCK_REASONING);
    thought->reasoning =
        (struct reasoning){.text = RAW("Hm."), .signature = STR("sig"), .format = NATIVE_ANTHROPIC};
    text(said, "I ");
    text(said, "look.");
    call(said, "call_1", "weather");
    call(said, "call_2", "time");
    struct turn *back = turn(ROLE_USER, "messages[2]");
    result(back, "call_1", "weather", "12 C");
    struct tool_result *bad = result(back, "call_2", "time", "no clock");
    bad->is_error = true;
    text(back, "So?");
    EXPECT_STR(
        member("messages"),
        "[{\"role\":\"user\",\"content\":\"Weather?\"},{\"role\":\"assistant\",\"content\":\"I "
        "look.\",\"thinking\":\"Hm.\",\"tool_calls\":[{\"id\":\"call_1\",\"function\":{\"name\":"
        "\"weather\",\"arguments\":{\"city\":\"Oslo\"}}},{\"id\":\"call_2\",\"function\":{"
        "\"name\":\"time\",\"arguments\":{\"city\":\"Oslo\"}}}]},{\"role\":\"tool\",\"content\":"
        "\"12 C\",\"tool_name\":\"weather\",\"tool_call_id\":\"call_1\"},{\"role\":\"tool\","
        "\"content\":\"Error: no clock\",\"tool_name\":\"time\",\"tool_call_id\":\"call_2\"},"
        "{\"role\":\"user\",\"content\":\"So?\"}]");
    EXPECT(str_is_null(reported()));
}

TEST(images_of_results_follow_in_the_users_message)
{
    begin();
    user("Screen?");
    call(turn(ROLE_ASSISTANT, "messages[1]"), "call_1", "look");
    struct turn *back = turn(ROLE_USER, "messages[2]");
    struct tool_result *r = result(back, "call_1", "look", "two:");
    r->content->next = chat_new_block(&chat, BLOCK_IMAGE);
    r->content->next->media =
        (struct media){.source = MEDIA_BASE64, .mime = STR("image/png"), .data = STR("AAAA")};
    r->content->next->next = chat_new_block(&chat, BLOCK_TEXT);
    r->content->next->next->text = RAW("that is all");
    EXPECT_CONTAINS(member("messages"),
                    "{\"role\":\"tool\",\"content\":\"two:\\nthat is all\",\"tool_name\":\"look\","
                    "\"tool_call_id\":\"call_1\"},{\"role\":\"user\",\"content\":\"\",\"images\":["
                    "\"AAAA\"]}]");
    /* An empty result is an empty text. */
    begin();
    user("Do");
    call(turn(ROLE_ASSISTANT, "messages[1]"), "call_1", "f");
    result(turn(ROLE_USER, "messages[2]"), "call_1", NULL, NULL);
    EXPECT_CONTAINS(member("messages"),
                    "{\"role\":\"tool\",\"content\":\"\",\"tool_call_id\":\"call_1\"}]");
}

TEST(arguments_that_are_no_object_are_wrapped_and_reported)
{
    begin();
    user("Do");
    struct tool_call *c = call(turn(ROLE_ASSISTANT, "messages[1]"), "call_1", "f");
    EXPECT(chat_set_arguments(&chat, c, STR("{\"a\":")));
    EXPECT_CONTAINS(member("messages"), "\"arguments\":{\"_raw\":\"{\\\"a\\\":\"}");
    EXPECT_CONTAINS(reported(), "messages[1].tool_calls");
    c->custom = true;
    c->is_raw = false;
    c->arguments = STR("{\"input\":\"x\"}");
    EXPECT_STR(written(), "refused: messages[1].tool_calls");
}

TEST(names_refusals_prefills_and_foreign_blocks)
{
    begin();
    user("Hi");
    chat.turns->name = STR("alice");
    struct turn *said = turn(ROLE_ASSISTANT, "messages[1]");
    block(said, BLOCK_REFUSAL)->text = RAW("No.");
    block(said, BLOCK_NATIVE)->native = (struct native_block){
        .format = NATIVE_ANTHROPIC, .type = STR("server_tool_use"), .json = STR("{}")};
    block(said, BLOCK_REASONING)->reasoning =
        (struct reasoning){.encrypted = STR("xx"), .format = NATIVE_ANTHROPIC};
    EXPECT_STR(member("messages"), "[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":"
                                   "\"assistant\",\"content\":\"No.\"}]");
    EXPECT_STR(reported(), "messages[0].name, messages[1].content, messages[1].reasoning");
}

TEST(a_request_without_messages_is_never_sent)
{
    begin();
    unsupported_init(&unsupported, &arena, UNSUPPORTED_REPORT);
    block(turn(ROLE_USER, "messages[0]"), BLOCK_VIDEO)->media =
        (struct media){.source = MEDIA_URL, .data = STR("https://a/b.mp4")};
    EXPECT_STR(written(), "refused: messages");
}

/* --- Parameters. */

TEST(sampling_goes_into_options_with_the_clients_digits)
{
    begin();
    user("Hi");
    chat.max_tokens = STR("256");
    chat.temperature = STR("0.70");
    chat.top_p = STR("1");
    chat.top_k = STR("40");
    chat.seed = STR("9223372036854775807");
    chat.presence_penalty = STR("-1.5");
    chat.frequency_penalty = STR("2");
    EXPECT(chat_add_stop(&chat, RAW("\\n")) && chat_add_stop(&chat, RAW("END")));
    conf.num_ctx = 8192;
    EXPECT_STR(member("options"),
               "{\"num_ctx\":8192,\"num_predict\":256,\"temperature\":0.70,\"top_p\":1,\"top_k\":"
               "40,\"seed\":9223372036854775807,\"presence_penalty\":-1.5,\"frequency_penalty\":2,"
               "\"stop\":[\"\\n\",\"END\"]}");
    EXPECT(str_is_null(reported()));
}

TEST(bookkeeping_is_silent_and_hints_are_reported)
{
    begin();
    user("Hi");
    chat.user = STR("u");
    chat.metadata = STR("{}");
    chat.service_tier = STR("flex");
    chat.cache_key = STR("k");
    chat.store = YES;
    chat.logit_bias = STR("{\"1\":1}");
    EXPECT(chat_add_extra(&chat, NATIVE_OPENAI, STR("prediction"), STR("{}"), FIELD_HINT));
    EXPECT_STR(written(), "{\"model\":\"qwen3\",\"stream\":false,\"messages\":[{\"role\":\"user\","
                          "\"content\":\"Hi\"}],\"options\":{}}");
    EXPECT_CONTAINS(reported(), "prediction");
    EXPECT_CONTAINS(reported(), "logit_bias");
}

TEST(what_is_ollamas_own_comes_from_an_object_of_that_name)
{
    begin();
    user("Hi");
    chat.temperature = STR("1");
    conf.num_ctx = 8192;
    conf.keep_alive = STR("-1");
    EXPECT_STR(member("keep_alive"), "-1");
    conf.keep_alive = STR("10m");
    EXPECT_STR(member("keep_alive"), "\"10m\"");
    EXPECT(chat_add_extra(&chat, NATIVE_OPENAI, STR("ollama"),
                          STR("{\"keep_alive\":0,\"think\":\"max\",\"num_ctx\":4096,\"shift\":"
                              "false,\"options\":{\"min_p\":0.1,\"temperature\":0.2},\"x\":1}"),
                          FIELD_UNKNOWN));
    EXPECT_STR(member("keep_alive"), "0");
    EXPECT_STR(member("think"), "\"max\"");
    EXPECT_STR(member("shift"), "false");
    EXPECT_STR(member("options"), "{\"num_ctx\":4096,\"min_p\":0.1,\"temperature\":0.2}");
    EXPECT_STR(reported(), "ollama.x");
}

TEST(ollamas_own_object_is_checked)
{
    static const struct {
        const char *json, *field;
    } rows[] = {{"[]", "ollama"}, {"7", "ollama"}, {"{\"options\":[]}", "ollama.options"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin();
        user("Hi");
        EXPECT(chat_add_extra(&chat, NATIVE_OPENAI, STR("ollama"), str_from_c(rows[i].json),
                              FIELD_UNKNOWN));
        EXPECT_STR(written(), arena_printf(&arena, "refused: %s", rows[i].field));
    }
}

TEST(structured_output_is_the_format)
{
    begin();
    user("Hi");
    chat.format = FORMAT_TEXT;
    EXPECT(str_is_null(member("format")));
    chat.format = FORMAT_JSON;
    EXPECT_STR(member("format"), "\"json\"");
    chat.format = FORMAT_SCHEMA;
    chat.format_name = STR("answer");
    chat.format_strict = YES;
    chat.format_schema = STR("{\"type\":\"object\"}");
    EXPECT_STR(member("format"), "{\"type\":\"object\"}");
    EXPECT(str_is_null(reported()));
}

TEST(logprobs_are_asked_for)
{
    begin();
    user("Hi");
    chat.logprobs = YES;
    chat.top_logprobs = STR("3");
    EXPECT_CONTAINS(written(), "\"logprobs\":true,\"top_logprobs\":3");
    chat.logprobs = NO;
    EXPECT(str_is_null(member("logprobs")));
}

/* --- Tools. */

TEST(tools_are_declared_with_a_schema_always)
{
    begin();
    user("Hi");
    struct tool *t = tool("get weather");
    t->description = RAW("of a \\\"city\\\"");
    t->schema = STR("{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}");
    tool("now")->strict = YES;
    tool("old")->from_history = true;
    EXPECT_STR(member("tools"),
               "[{\"type\":\"function\",\"function\":{\"name\":\"get weather\",\"description\":"
               "\"of a \\\"city\\\"\",\"parameters\":{\"type\":\"object\",\"properties\":{\"city\":"
               "{\"type\":\"string\"}}}}},{\"type\":\"function\",\"function\":{\"name\":\"now\","
               "\"parameters\":{\"type\":\"object\",\"properties\":{}}}}]");
    EXPECT_STR(reported(), "tools[1].strict");
}

TEST(a_choice_of_tools_is_what_is_left_out)
{
    begin();
    user("Hi");
    tool("a");
    tool("b");
    chat.choice = CHOICE_AUTO;
    EXPECT_CONTAINS(member("tools"), "\"b\"");
    chat.choice = CHOICE_NONE;
    EXPECT(str_is_null(member("tools")));
    EXPECT(str_is_null(reported()));
    chat.choice = CHOICE_REQUIRED;
    EXPECT_STR(written(), "refused: tool_choice");
    unsupported_init(&unsupported, &arena, UNSUPPORTED_REPORT);
    EXPECT_CONTAINS(member("tools"), "\"a\"");
    EXPECT_STR(reported(), "tool_choice");
    unsupported_init(&unsupported, &arena, UNSUPPORTED_BY_CLASS);
    chat.choice = CHOICE_NAMED;
    chat.choice_name = STR("b");
    EXPECT_CONTAINS(member("tools"), "\"b\"");
    EXPECT(str_find(member("tools"), STR("\"a\"")) < 0);
    EXPECT_CONTAINS(reported(), "tool_choice");
    unsupported_init(&unsupported, &arena, UNSUPPORTED_BY_CLASS);
    chat.choice = CHOICE_AUTO;
    EXPECT(chat_add_allowed(&chat, STR("a")));
    chat.parallel_calls = NO;
    EXPECT(str_find(member("tools"), STR("\"b\"")) < 0);
    EXPECT_STR(reported(), "parallel_tool_calls");
}

TEST(tools_of_vendors_and_custom_ones_are_refused)
{
    begin();
    user("Hi");
    tool("a");
    struct tool *t = tool("web_search");
    t->format = NATIVE_ANTHROPIC;
    t->native = STR("{}");
    EXPECT_STR(written(), "refused: tools[1]");
    unsupported_init(&unsupported, &arena, UNSUPPORTED_REPORT);
    t->format = NATIVE_NONE;
    t->custom = true;
    EXPECT(str_find(member("tools"), STR("web_search")) < 0);
    EXPECT_STR(reported(), "tools[1]");
}

/* --- Thinking. */

static void thinker(uint64_t more)
{
    facts = model_facts_unknown;
    facts.name = STR("qwen3*");
    facts.abilities |= UINT64_C(1) << MODEL_REASONING;
    facts.abilities &= ~(UINT64_C(1) << MODEL_ALWAYS_REASONS);
    facts.abilities |= more;
    target.facts = &facts;
}

TEST(effort_becomes_think)
{
    static const struct {
        enum effort effort;
        const char *think, *reported;
    } rows[] = {
        {EFFORT_NONE, "false", NULL},
        {EFFORT_MINIMAL, "\"low\"", "reasoning_effort=low (was minimal)"},
        {EFFORT_LOW, "\"low\"", NULL},
        {EFFORT_MEDIUM, "\"medium\"", NULL},
        {EFFORT_HIGH, "\"high\"", NULL},
        {EFFORT_XHIGH, "\"max\"", "reasoning_effort=max (was xhigh)"},
        {EFFORT_MAX, "\"max\"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin();
        user("Hi");
        thinker(0);
        facts.efforts = 0;
        chat.effort = rows[i].effort;
        EXPECT_STR(member("think"), rows[i].think);
        EXPECT_STR(reported(), rows[i].reported);
    }
}

TEST(absent_effort_says_nothing_and_switches_are_booleans)
{
    begin();
    user("Hi");
    thinker(0);
    EXPECT(str_is_null(member("think")));
    chat.thinking = NO;
    EXPECT_STR(member("think"), "false");
    chat.thinking = YES;
    EXPECT_STR(member("think"), "true");
    chat.dialect = NATIVE_ANTHROPIC;
    chat.thinking_budget = STR("2048");
    EXPECT_STR(member("think"), "true");
    EXPECT_STR(reported(), "thinking.budget_tokens");
}

TEST(a_model_that_cannot_stop_thinking_thinks_little)
{
    begin();
    user("Hi");
    thinker(UINT64_C(1) << MODEL_ALWAYS_REASONS);
    chat.effort = EFFORT_NONE;
    EXPECT_STR(member("think"), "\"low\"");
    EXPECT_STR(reported(), "reasoning_effort=low (was none)");
}

TEST(a_model_that_does_not_think_is_not_asked_to)
{
    begin();
    user("Hi");
    thinker(0);
    facts.abilities &= ~(UINT64_C(1) << MODEL_REASONING);
    chat.effort = EFFORT_HIGH;
    EXPECT(str_is_null(member("think")));
    EXPECT_STR(reported(), "reasoning_effort");
}

/* A server refuses `think` for models without the ability, and its default is on for those with it. */
TEST(a_model_that_nobody_knows_is_told_to_think_only_by_openais_clients)
{
    begin();
    user("Hi");
    chat.effort = EFFORT_LOW;
    EXPECT_STR(member("think"), "\"low\"");
    chat.dialect = NATIVE_ANTHROPIC;
    chat.effort = EFFORT_UNSET;
    chat.thinking = YES;
    chat.thinking_adaptive = true;
    EXPECT(str_is_null(member("think")));
    EXPECT(str_is_null(reported()));
    chat.effort = EFFORT_HIGH;
    EXPECT(str_is_null(member("think")));
    EXPECT_STR(reported(), "output_config.effort");
    chat.thinking = NO;
    EXPECT_STR(member("think"), "false");
}

/* --- Answers. */

static struct buf seen;

/* Usage: disjoint buckets; "-" for one that is not known. */
static void note_usage(const struct usage *u)
{
    buf_printf(&seen, "usage %lld %lld\n", (long long)u->input, (long long)u->output);
    EXPECT(u->known && u->cached == -1 && u->cache_write == -1 && u->reasoning == -1);
}

static void note(void *arg, const struct chat_event *ev)
{
    (void)arg;
    switch (ev->kind) {
    case CHAT_START:
        buf_printf(&seen, "start %.*s\n", STR_ARG(ev->model));
        break;
    case CHAT_TEXT:
        buf_printf(&seen, "text %.*s\n", STR_ARG(ev->text.s));
        break;
    case CHAT_REASONING:
        buf_printf(&seen, "thought %.*s\n", STR_ARG(ev->text.s));
        break;
    case CHAT_CALL:
        buf_printf(&seen, "call %u %.*s %.*s\n", ev->call, STR_ARG(ev->id), STR_ARG(ev->name));
        break;
    case CHAT_CALL_ARGUMENTS:
        buf_printf(&seen, "arguments %u %.*s\n", ev->call, STR_ARG(ev->text.s));
        break;
    case CHAT_LOGPROBS:
        buf_printf(&seen, "logprobs %.*s\n", STR_ARG(ev->json));
        break;
    case CHAT_USAGE:
        note_usage(&ev->usage);
        break;
    case CHAT_FINISH:
        buf_printf(&seen, "finish %d %.*s\n", (int)ev->finish, STR_ARG(ev->reason));
        break;
    case CHAT_FAILED:
        buf_printf(&seen, "failed %s %.*s\n", err_facts(ev->err)->name, STR_ARG(ev->fault.message));
        break;
    case CHAT_END:
        buf_add_lit(&seen, "end\n");
        break;
    default:
        EXPECT_FAIL("an event of kind %d", (int)ev->kind);
    }
}

/* Lines, NULL at the end; or one whole answer. */
static str read_lines(const char *const *lines, bool whole)
{
    static struct arena scratch;
    struct answer_reader r = {0};
    struct chat_sink sink = {.on_event = note};
    begin();
    buf_release(&seen);
    buf_init(&seen, 0);
    const struct dialect *d = dialect_of(ENDPOINT_OLLAMA_CHAT);
    EXPECT(answer_reader_init(&r, d, &arena, &scratch, &sink));
    r.chat = &chat;
    r.target = &target;
    for (; *lines; lines++) {
        if (whole)
            d->read_answer(&r, str_from_c(*lines));
        else
            d->read_unit(&r, STR_NULL, str_from_c(*lines));
        arena_release(&scratch);
    }
    if (!whole)
        d->read_end(&r);
    return buf_str(&seen);
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

#define HEAD "{\"model\":\"qwen3\",\"created_at\":\"2026-11-01T10:00:00.1Z\","
#define DONE                                                                                       \
    HEAD "\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":"    \
         "\"stop\",\"total_duration\":812345678,\"load_duration\":40123456,"                       \
         "\"prompt_eval_count\":14,\"prompt_eval_duration\":90123456,\"eval_count\":7,"            \
         "\"eval_duration\":310123456}"

TEST(a_stream_of_thoughts_and_text)
{
    EXPECT_STR(
        read_lines(
            LINES(HEAD "\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":"
                       "\"Greet\"},\"done\":false}",
                  HEAD "\"message\":{\"role\":\"assistant\",\"content\":\"Hel\"},\"done\":false}",
                  HEAD "\"message\":{\"role\":\"assistant\",\"content\":\"lo \\\"\\u00e9\\\"\"},"
                       "\"done\":false}",
                  DONE),
            false),
        "start qwen3\nthought Greet\ntext Hel\ntext lo \\\"\\u00e9\\\"\nusage 14 7\nfinish 0 "
        "stop\nend\n");
}

TEST(calls_are_counted_over_lines_and_make_the_finish)
{
    str said = read_lines(
        LINES(HEAD "\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":"
                   "\"call_a1\",\"function\":{\"index\":0,\"name\":\"get_weather\",\"arguments\":{"
                   "\"city\":\"Oslo\"}}}]},\"done\":false}",
              HEAD "\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":"
                   "\"call_e5\",\"function\":{\"index\":0,\"name\":\"get_time\",\"arguments\":{}}},"
                   "{\"id\":\"call_e6\",\"function\":{\"name\":\"g\"}}]},\"done\":false}",
              DONE),
        false);
    EXPECT_STR(said, arena_printf(&arena,
                                  "start qwen3\ncall 0 call_a1 get_weather\narguments 0 "
                                  "{\\\"city\\\":\\\"Oslo\\\"}\ncall 1 call_e5 get_time\narguments "
                                  "1 {}\ncall 2 call_e6 g\narguments 2 {}\nusage 14 7\nfinish %d "
                                  "stop\nend\n",
                                  (int)FINISH_CALLS));
}

TEST(calls_without_ids_get_some)
{
    str said = read_lines(
        LINES("{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\","
              "\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}},"
              "{\"function\":{}}]},\"done\":true,\"done_reason\":\"stop\"}"),
        true);
    EXPECT_CONTAINS(said, "call 0 call_");
    EXPECT_CONTAINS(said, "arguments 0 {\\\"a\\\":1}\n");
    EXPECT(str_find(said, STR("call 1")) < 0);
    EXPECT(str_find(said, STR("usage")) < 0); /* nothing was counted */
}

TEST(reasons_of_ending)
{
    static const struct {
        const char *line;
        enum finish finish;
    } rows[] = {
        {"\"done_reason\":\"stop\"", FINISH_STOP},   {"\"done_reason\":\"length\"", FINISH_LENGTH},
        {"\"done_reason\":\"load\"", FINISH_STOP},   {"\"done_reason\":\"unload\"", FINISH_STOP},
        {"\"done_reason\":\"bored\"", FINISH_OTHER},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[200];
        snprintf(line, sizeof(line),
                 "{\"model\":\"m\",\"message\":{\"content\":\"a\"},\"done\":true,%s,"
                 "\"eval_count\":1}",
                 rows[i].line);
        str said = read_lines(LINES(line), true);
        char expected[100];
        snprintf(expected, sizeof(expected), "usage 0 1\nfinish %d ", (int)rows[i].finish);
        EXPECT_CONTAINS(said, expected);
        EXPECT_CONTAINS(said, "end\n");
    }
}

TEST(a_lost_runner_is_a_failure_and_no_end)
{
    static const char *const lines[] = {
        "{\"model\":\"m\",\"message\":{\"content\":\"a\"},\"done\":true,\"done_reason\":\"\"}",
        "{\"model\":\"m\",\"message\":{\"content\":\"a\"},\"done\":true}",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        str said = read_lines(LINES(lines[i], lines[i]), false);
        EXPECT_CONTAINS(said, "start m\ntext a\nfailed UPSTREAM_TRUNCATED");
        EXPECT(str_find(said, STR("end\n")) < 0);
    }
}

TEST(an_error_in_the_stream_ends_it)
{
    str said = read_lines(
        LINES(HEAD "\"message\":{\"role\":\"assistant\",\"content\":\"Par\"},\"done\":false}",
              "{\"error\":\"an error was encountered while running the model: unexpected EOF\"}",
              HEAD "\"message\":{\"content\":\"more\"},\"done\":false}"),
        false);
    EXPECT_STR(said, "start qwen3\ntext Par\nfailed UPSTREAM_STREAM_ERROR an error was encountered "
                     "while running the model: unexpected EOF\n");
}

TEST(a_stream_that_ends_early_says_no_end)
{
    str said = read_lines(LINES(HEAD "\"message\":{\"content\":\"Par\"},\"done\":false}"), false);
    EXPECT_STR(said, "start qwen3\ntext Par\n");
    said = read_lines(LINES(HEAD "\"message\":{\"content\":\"Par\"},\"done\":false}"), true);
    EXPECT_CONTAINS(said, "failed UPSTREAM_TRUNCATED");
}

TEST(what_is_no_line_of_ollamas_is_malformed)
{
    static const char *const lines[] = {"<html>", "[]", "7", "data: {}", "{\"model\":"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        EXPECT_CONTAINS(read_lines(LINES(lines[i]), false), "failed UPSTREAM_MALFORMED");
}

TEST(logprobs_are_openais_elements)
{
    EXPECT_CONTAINS(
        read_lines(LINES("{\"model\":\"m\",\"message\":{\"content\":\"Hi\"},\"done\":"
                         "true,\"done_reason\":\"stop\",\"logprobs\":[{\"token\":\"Hi\","
                         "\"logprob\":-0.1,\"bytes\":[72,105],\"top_logprobs\":[]}]}"),
                   true),
        "logprobs {\"token\":\"Hi\",\"logprob\":-0.1,\"bytes\":[72,105],"
        "\"top_logprobs\":[]}\n");
}

TEST(counts_that_are_absurd_are_clamped)
{
    str said = read_lines(LINES("{\"message\":{},\"done\":true,\"done_reason\":\"stop\","
                                "\"prompt_eval_count\":-5,\"eval_count\":1e300}"),
                          true);
    EXPECT_CONTAINS(said, "usage 0 1000000000000\n");
}

TEST(errors_are_texts_or_objects)
{
    static const struct {
        const char *body, *message, *type;
    } rows[] = {
        {"{\"error\":\"model 'x' not found\"}", "model 'x' not found", NULL},
        {"{\"error\":{\"message\":\"no\",\"type\":\"api_error\",\"param\":null,\"code\":null}}",
         "no", "api_error"},
        {"{\"error\":\"unauthorized\",\"signin_url\":\"https://ollama.com/connect\"}",
         "unauthorized", NULL},
        {"", NULL, NULL},
        {"<html>", NULL, NULL},
        {"[]", NULL, NULL},
        {"{\"error\":7}", NULL, NULL},
    };
    begin();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct provider_fault f;
        dialect_of(ENDPOINT_OLLAMA_CHAT)->read_error(str_from_c(rows[i].body), &arena, &f);
        EXPECT_STR(f.message, rows[i].message);
        EXPECT_STR(f.type, rows[i].type);
    }
    arena_release(&arena);
    buf_release(&seen);
}
