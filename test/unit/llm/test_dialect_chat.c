/* The chat dialect: what each event of a stream says, and what a whole answer does. */
#include "llm/dialect.h"
#include "support/test.h"

static struct event_facts event_of(const char *name, const char *data)
{
    static struct arena scratch;
    struct event_facts facts = {.kind = EVENT_OTHER};
    arena_release(&scratch);
    dialect_of(ENDPOINT_CHAT)->event(str_from_c(name), str_from_c(data), &scratch, &facts);
    return facts;
}

static struct event_facts answer_of(const char *body)
{
    static struct arena scratch;
    struct event_facts facts = {0};
    arena_release(&scratch);
    dialect_of(ENDPOINT_CHAT)->answer(str_from_c(body), &scratch, &facts);
    return facts;
}

struct row {
    const char *data;
    enum event_kind kind;
};

static void expect_rows(const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        enum event_kind kind = event_of(NULL, rows[i].data).kind;
        if (kind != rows[i].kind)
            EXPECT_FAIL("%s is %d, expected %d", rows[i].data, (int)kind, (int)rows[i].kind);
    }
}

TEST(events_of_a_stream_are_told_apart)
{
    static const struct row rows[] = {
        /* The first chunk of OpenAI, Azure and most: nothing is said yet. */
        {"{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":"
         "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},\"logprobs\":null,"
         "\"finish_reason\":null}],\"usage\":null}",
         EVENT_OTHER},
        /* Azure begins with the filter's results. */
        {"{\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0}],\"usage\":null}",
         EVENT_OTHER},
        {"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}", EVENT_CONTENT},
        {"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"}}]}", EVENT_OTHER},
        {"{\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm\"}}]}", EVENT_CONTENT},
        {"{\"choices\":[{\"index\":0,\"delta\":{\"refusal\":\"no\"}}]}", EVENT_CONTENT},
        {"{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\","
         "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}",
         EVENT_CONTENT},
        {"{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[]}}]}", EVENT_OTHER},
        {"{\"choices\":[{\"index\":0,\"delta\":{\"function_call\":{}}}]}", EVENT_OTHER},
        {"{\"choices\":[{\"index\":0,\"delta\":{\"extra\":7}}]}", EVENT_CONTENT},
        {"{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}", EVENT_CONTENT},
        {"{\"choices\":[{\"index\":0,\"text\":\"once\"}]}", EVENT_CONTENT}, /* legacy completions */
        {"{\"choices\":[{\"index\":0,\"text\":\"\"}]}", EVENT_OTHER},
        {"{\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":12}}", EVENT_USAGE},
        /* Usage beside choices (some vendors, on the last chunk) hides nothing. */
        {"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}],\"usage\":{\"prompt_tokens\":1}}",
         EVENT_CONTENT},
        {"[DONE]", EVENT_END},
        {"{\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}", EVENT_FAILED},
        {"{\"error\":\"in words\"}", EVENT_FAILED},
        {"{\"object\":\"error\",\"message\":\"engine died\",\"code\":500}", EVENT_FAILED},
        {"{\"error\":null,\"choices\":[{\"delta\":{\"content\":\"x\"}}]}", EVENT_CONTENT},
    };
    expect_rows(rows, ARRAY_LEN(rows));
}

TEST(shapes_that_nobody_should_send_do_no_harm)
{
    static const struct row rows[] = {
        {"{\"choices\":[{\"delta\":[1,2]}]}", EVENT_CONTENT},
        {"{\"choices\":[{\"delta\":\"text\"}]}", EVENT_CONTENT},
        {"{\"choices\":[{\"delta\":7}]}", EVENT_CONTENT},
        {"{\"choices\":[{\"delta\":null}]}", EVENT_OTHER},
        {"{\"choices\":[1,\"a\",null,[[[[1]]]]]}", EVENT_OTHER},
        {"{\"choices\":{\"0\":{\"delta\":{\"content\":\"x\"}}}}", EVENT_CONTENT},
        {"{\"choices\":[{\"delta\":{\"content\":{\"a\":{\"b\":{\"c\":1}}}}}]}", EVENT_CONTENT},
        {"{\"choices\":null}", EVENT_CONTENT},
        {"{}", EVENT_CONTENT},
        {"{\"usage\":[1],\"choices\":[]}", EVENT_OTHER},
        {"{\"usage\":{\"prompt_tokens_details\":[1],\"completion_tokens_details\":\"x\"},"
         "\"choices\":[]}",
         EVENT_USAGE},
        {"[1,2,3]", EVENT_CONTENT},
        {"\"text\"", EVENT_CONTENT},
        {"not json", EVENT_CONTENT},
        {"", EVENT_CONTENT},
        {" [DONE]", EVENT_CONTENT},
    };
    expect_rows(rows, ARRAY_LEN(rows));
    EXPECT(event_of(NULL, "not json").unreadable);
    EXPECT(event_of(NULL, "[1]").unreadable);
    EXPECT(!event_of(NULL, "{}").unreadable);
}

TEST(an_event_named_error_is_a_failure_whatever_it_holds)
{
    struct event_facts facts = event_of("error", "{\"message\":\"boom\"}");
    EXPECT_EQ(facts.kind, EVENT_FAILED);
    EXPECT_STR(facts.error, "{\"message\":\"boom\"}");
    facts = event_of("error", "{\"error\":{\"code\":1}}");
    EXPECT_STR(facts.error, "{\"code\":1}");
    EXPECT_EQ(event_of("message", "{\"choices\":[]}").kind, EVENT_OTHER);
}

TEST(the_finish_reason_is_found_in_events_and_answers)
{
    EXPECT_STR(
        event_of(NULL, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}").finish_reason,
        "length");
    EXPECT(str_is_null(event_of(NULL, "{\"choices\":[{\"finish_reason\":null}]}").finish_reason));
    struct event_facts facts =
        answer_of("{\"choices\":[{\"index\":0,\"message\":{},\"finish_reason\":\"tool_calls\"}],"
                  "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7}}");
    EXPECT_STR(facts.finish_reason, "tool_calls");
    EXPECT(facts.usage.known);
    EXPECT_EQ(facts.usage.input, 5);
    EXPECT_EQ(facts.usage.output, 7);
    EXPECT(!facts.unreadable);
}

TEST(an_answer_of_any_shape_is_read_without_harm)
{
    static const char *const bodies[] = {
        "{\"choices\":{\"a\":1}}",
        "{\"choices\":[[1],{\"finish_reason\":1}]}",
        "{\"choices\":\"x\"}",
        "{\"usage\":7}",
        "{\"usage\":{\"prompt_tokens\":{\"a\":[[[[1]]]]}}}",
    };
    for (unsigned i = 0; i < ARRAY_LEN(bodies); i++) {
        struct event_facts facts = answer_of(bodies[i]);
        EXPECT(!facts.unreadable);
        EXPECT(str_is_null(facts.finish_reason));
    }
    EXPECT(answer_of("").unreadable);
    EXPECT(answer_of("[]").unreadable);
    EXPECT(answer_of("<html>").unreadable);
}
