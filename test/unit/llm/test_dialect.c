/* The dialects but chat's own: responses, everything else; usage in any shape; failures as events. */
#include "llm/dialect.h"

#include <stdio.h>

#include "support/jansson_oracle.h"
#include "support/test.h"
#include "wire/sse.h"

static struct event_facts event_of(enum endpoint_kind kind, const char *name, const char *data)
{
    static struct arena scratch;
    struct event_facts facts = {.kind = EVENT_OTHER};
    arena_release(&scratch);
    dialect_of(kind)->event(str_from_c(name), str_from_c(data), &scratch, &facts);
    return facts;
}

static struct event_facts answer_of(enum endpoint_kind kind, const char *body)
{
    static struct arena scratch;
    struct event_facts facts = {0};
    arena_release(&scratch);
    dialect_of(kind)->answer(str_from_c(body), &scratch, &facts);
    return facts;
}

TEST(each_endpoint_has_a_dialect_and_each_dialect_its_parts)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ENDPOINT_KIND_COUNT; i++)
        EXPECT(dialect_of((enum endpoint_kind)i) != NULL);
    for (const struct dialect *d; (d = dialect_at(count)); count++) {
        EXPECT(d->name);
        bool only_providers = d->write_request && !d->read_request;
        if (!only_providers) /* it may pass by */
            EXPECT(d->event && d->answer && d->write_failure);
        else
            EXPECT(d->write_request && d->read_unit && d->read_end && d->read_answer);
        for (unsigned k = 0; k < count; k++)
            EXPECT(strcmp(dialect_at(k)->name, d->name) != 0);
    }
    EXPECT(count >= 3);
    EXPECT(dialect_of(ENDPOINT_CHAT)->has_end);
    EXPECT(dialect_of(ENDPOINT_RESPONSES)->has_end);
    EXPECT(!dialect_of(ENDPOINT_SPEECH)->has_end);
}

TEST(each_endpoint_has_the_dialect_of_its_format)
{
    static const struct {
        enum endpoint_kind kind;
        const char *dialect;
    } rows[] = {
        {ENDPOINT_CHAT, "openai_chat"},
        {ENDPOINT_COMPLETIONS, "openai_chat"},
        {ENDPOINT_MESSAGES, "anthropic"},
        {ENDPOINT_MESSAGES_COUNT, "anthropic"},
        {ENDPOINT_GENERATE, "gemini"},
        {ENDPOINT_GENERATE_COUNT, "gemini"},
        {ENDPOINT_RESPONSES, "openai_responses"},
        {ENDPOINT_CONVERSE, "bedrock"},
        {ENDPOINT_OLLAMA_CHAT, "ollama"},
        {ENDPOINT_COHERE_CHAT, "cohere"},
        {ENDPOINT_FILES, "relay"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_STR(dialect_of(rows[i].kind)->name, rows[i].dialect);
}

/* --- Readers and writers of answers -------------------------------------------------------------- */

static void count_failures(void *arg, const struct chat_event *ev)
{
    unsigned *count = arg;
    EXPECT_EQ(ev->kind, CHAT_FAILED);
    EXPECT_EQ(ev->err, ERR_UPSTREAM_OVERLOADED);
    EXPECT_STR(ev->fault.message, "busy");
    *count += 1;
}

TEST(a_reader_fails_once)
{
    struct arena a, scratch;
    struct answer_reader r;
    unsigned count = 0;
    struct provider_fault fault = {.message = STR("busy")};
    arena_init(&a, 0);
    arena_init(&scratch, 0);
    EXPECT(answer_reader_init(&r, dialect_of(ENDPOINT_CHAT), &a, &scratch,
                              &(struct chat_sink){count_failures, &count}));
    EXPECT(r.state && !r.ended);
    answer_reader_fail(&r, ERR_UPSTREAM_OVERLOADED, &fault);
    EXPECT(r.ended);
    answer_reader_fail(&r, ERR_UPSTREAM_MALFORMED, NULL);
    EXPECT_EQ(count, 1);
    arena_release(&a);
}

TEST(without_memory_there_is_no_state)
{
    struct arena a;
    struct answer_reader r;
    struct answer_writer w;
    struct buf out;
    buf_init(&out, 0);
    arena_init(&a, 1);
    const struct dialect *chat = dialect_of(ENDPOINT_CHAT);
    EXPECT(chat->reader_size && chat->writer_size);
    EXPECT(!answer_reader_init(&r, chat, &a, &a, &(struct chat_sink){count_failures, NULL}));
    EXPECT(!answer_writer_init(&w, chat, &a, &a, &out));
    arena_release(&a);
}

TEST(members_are_written_when_they_are_given)
{
    struct json_write w;
    struct buf out;
    buf_init(&out, 0);
    json_write_init(&w, &out);
    json_write_object(&w);
    json_write_member_given(&w, STR("a"), STR("0.70"));
    json_write_member_given(&w, STR("b"), STR_NULL);
    json_write_member_raw_string(&w, STR("c"), RAW("x\\n"));
    json_write_member_raw_string(&w, STR("d"), RAW_NULL);
    json_write_member_raw_string(&w, STR("e"), RAW(""));
    json_write_object_end(&w);
    EXPECT_STR(buf_str(&out), "{\"a\":0.70,\"c\":\"x\\n\",\"e\":\"\"}");
    buf_release(&out);
}

TEST(events_of_responses_are_told_apart)
{
    static const struct {
        const char *data;
        enum event_kind kind;
    } rows[] = {
        {"{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\"}}", EVENT_OTHER},
        {"{\"type\":\"response.in_progress\"}", EVENT_OTHER},
        {"{\"type\":\"response.queued\"}", EVENT_OTHER},
        {"{\"type\":\"keepalive\",\"sequence_number\":3}", EVENT_OTHER},
        {"{\"type\":\"response.output_item.added\",\"item\":{}}", EVENT_OTHER},
        {"{\"type\":\"response.content_part.added\"}", EVENT_OTHER},
        {"{\"type\":\"response.output_text.delta\",\"delta\":\"x\"}", EVENT_CONTENT},
        {"{\"type\":\"response.reasoning_summary_text.delta\"}", EVENT_CONTENT},
        {"{\"type\":\"response.something.new\"}", EVENT_CONTENT},
        {"{\"type\":\"response.completed\",\"response\":{}}", EVENT_END},
        {"{\"type\":\"response.incomplete\",\"response\":{}}", EVENT_END},
        {"{\"type\":\"response.failed\",\"response\":{\"error\":{}}}", EVENT_FAILED},
        {"{\"type\":\"error\",\"message\":\"x\"}", EVENT_FAILED},
        {"{\"error\":{\"message\":\"x\"}}", EVENT_FAILED},
        {"[DONE]", EVENT_OTHER},
        {"nonsense", EVENT_CONTENT},
        {"{}", EVENT_CONTENT},
        {"{\"type\":7}", EVENT_CONTENT},
        {"{\"type\":\"response.completed\",\"response\":[1]}", EVENT_END},
        {"{\"type\":\"response.failed\",\"response\":\"x\"}", EVENT_FAILED},
        {"{\"type\":\"response.\\u0063ompleted\"}", EVENT_END}, /* as JSON says it, not as bytes */
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        enum event_kind kind = event_of(ENDPOINT_RESPONSES, NULL, rows[i].data).kind;
        if (kind != rows[i].kind)
            EXPECT_FAIL("%s is %d", rows[i].data, (int)kind);
    }
}

TEST(the_end_of_responses_brings_usage_status_and_id)
{
    struct event_facts f = event_of(
        ENDPOINT_RESPONSES, "response.completed",
        "{\"type\":\"response.completed\",\"response\":{\"id\":\"resp_7\",\"status\":\"completed\","
        "\"usage\":{\"input_tokens\":100,\"input_tokens_details\":{\"cached_tokens\":60,"
        "\"cache_write_tokens\":10},\"output_tokens\":50,\"output_tokens_details\":"
        "{\"reasoning_tokens\":20},\"total_tokens\":150}}}");
    EXPECT_STR(f.finish_reason, "completed");
    EXPECT_STR(f.answer_id, "resp_7");
    EXPECT(f.usage.known && !f.usage.clamped);
    EXPECT_EQ(f.usage.input, 30);
    EXPECT_EQ(f.usage.cached, 60);
    EXPECT_EQ(f.usage.cache_write, 10);
    EXPECT_EQ(f.usage.output, 30);
    EXPECT_EQ(f.usage.reasoning, 20);
    f = event_of(ENDPOINT_RESPONSES, NULL,
                 "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"x\"}}}");
    EXPECT_STR(f.error, "{\"code\":\"x\"}");
    f = event_of(ENDPOINT_RESPONSES, NULL, "{\"type\":\"error\",\"message\":\"m\"}");
    EXPECT_STR(f.error, "{\"type\":\"error\",\"message\":\"m\"}");
}

TEST(other_endpoints_streams_are_content_until_an_error)
{
    EXPECT_EQ(event_of(ENDPOINT_SPEECH, NULL, "{\"type\":\"speech.audio.delta\"}").kind,
              EVENT_CONTENT);
    EXPECT_EQ(event_of(ENDPOINT_SPEECH, NULL, "[DONE]").kind, EVENT_CONTENT);
    EXPECT_EQ(event_of(ENDPOINT_SPEECH, NULL, "{\"error\":{\"message\":\"x\"}}").kind,
              EVENT_FAILED);
    EXPECT_EQ(event_of(ENDPOINT_SPEECH, "error", "{}").kind, EVENT_FAILED);
    EXPECT_EQ(event_of(ENDPOINT_SPEECH, NULL, "\xff").kind, EVENT_CONTENT);
    struct event_facts f = answer_of(ENDPOINT_EMBEDDINGS, "{\"object\":\"list\",\"data\":[[[[1]]]],"
                                                          "\"usage\":{\"prompt_tokens\":8}}");
    EXPECT_EQ(f.usage.input, 8);
    EXPECT_EQ(f.usage.output, -1);
    EXPECT(answer_of(ENDPOINT_EMBEDDINGS, "nope").unreadable);
}

/* --- Usage ------------------------------------------------------------------------------------------ */

static struct usage usage_of(const char *usage)
{
    char body[500];
    snprintf(body, sizeof(body), "{\"choices\":[],\"usage\":%s}", usage);
    return answer_of(ENDPOINT_CHAT, body).usage;
}

TEST(usage_is_counted_in_disjoint_buckets)
{
    struct usage u =
        usage_of("{\"prompt_tokens\":100,\"completion_tokens\":40,\"total_tokens\":140,"
                 "\"prompt_tokens_details\":{\"cached_tokens\":30,\"audio_tokens\":0},"
                 "\"completion_tokens_details\":{\"reasoning_tokens\":15}}");
    EXPECT(u.known && !u.clamped);
    EXPECT_EQ(u.input, 70);
    EXPECT_EQ(u.cached, 30);
    EXPECT_EQ(u.cache_write, -1);
    EXPECT_EQ(u.output, 25);
    EXPECT_EQ(u.reasoning, 15);
}

TEST(cached_tokens_may_stand_beside_the_others)
{
    struct usage u =
        usage_of("{\"prompt_tokens\":90,\"completion_tokens\":4,\"cached_tokens\":64}");
    EXPECT_EQ(u.input, 26);
    EXPECT_EQ(u.cached, 64);
}

TEST(what_is_not_said_is_unknown)
{
    EXPECT(!usage_of("null").known);
    EXPECT(!usage_of("7").known);
    EXPECT(!usage_of("[1]").known);
    struct usage u = usage_of("{}");
    EXPECT(u.known);
    EXPECT(u.input == -1 && u.output == -1 && u.cached == -1 && u.reasoning == -1);
    u = usage_of("{\"prompt_tokens\":\"5\",\"completion_tokens\":null}");
    EXPECT(u.input == -1 && u.output == -1);
    u = usage_of("{\"prompt_tokens\":5,\"prompt_tokens_details\":null}");
    EXPECT_EQ(u.input, 5);
}

TEST(absurd_usage_is_clamped_and_marked)
{
    static const struct {
        const char *usage;
        int64_t input, cached, output, reasoning;
    } rows[] = {
        {"{\"prompt_tokens\":-5,\"completion_tokens\":3}", 0, -1, 3, -1},
        {"{\"prompt_tokens\":9223372036854775808}", USAGE_MAX, -1, -1, -1},
        {"{\"prompt_tokens\":1e999999999}", USAGE_MAX, -1, -1, -1},
        {"{\"prompt_tokens\":1000000000001}", USAGE_MAX, -1, -1, -1},
        {"{\"prompt_tokens\":1.5}", USAGE_MAX, -1, -1, -1},
        {"{\"prompt_tokens\":10,\"prompt_tokens_details\":{\"cached_tokens\":50}}", 0, 50, -1, -1},
        {"{\"completion_tokens\":10,\"completion_tokens_details\":{\"reasoning_tokens\":11}}", -1,
         -1, 0, 11},
        {"{\"prompt_tokens\":10,\"prompt_tokens_details\":{\"cached_tokens\":-9}}", 10, 0, -1, -1},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct usage u = usage_of(rows[i].usage);
        if (!u.clamped)
            EXPECT_FAIL("%s was believed", rows[i].usage);
        EXPECT_EQ(u.input, rows[i].input);
        EXPECT_EQ(u.cached, rows[i].cached);
        EXPECT_EQ(u.output, rows[i].output);
        EXPECT_EQ(u.reasoning, rows[i].reasoning);
    }
    struct usage most = usage_of("{\"prompt_tokens\":1000000000000,\"completion_tokens\":1e12}");
    EXPECT(!most.clamped);
    EXPECT_EQ(most.output, USAGE_MAX);
}

/* --- Failures as events ------------------------------------------------------------------------------- */

/* Parses what a dialect wrote; calls `look` with each event. */
static unsigned failure_events(enum endpoint_kind kind, const struct stream_failure *f,
                               void (*look)(const struct sse_event *ev, json_t *json))
{
    struct buf text;
    struct sse_reader reader;
    struct sse_event ev;
    unsigned count = 0;
    buf_init(&text, 0);
    dialect_of(kind)->write_failure(&text, f);
    str bytes = buf_str(&text);
    sse_reader_init(&reader, 0);
    while (sse_next(&reader, &bytes, &ev) == SSE_EVENT) {
        json_error_t error;
        json_t *json = json_loadb(ev.data.ptr, ev.data.len, 0, &error);
        if (!json)
            EXPECT_FAIL("%s: %.*s", error.text, STR_ARG(ev.data));
        EXPECT(str_is_null(ev.id) && ev.retry < 0); /* they break clients */
        look(&ev, json);
        json_decref(json);
        count++;
    }
    EXPECT(!sse_end(&reader, &ev));
    sse_reader_release(&reader);
    buf_release(&text);
    return count;
}

static const char *member(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    EXPECT(text != NULL);
    return text;
}

static void look_at_chat(const struct sse_event *ev, json_t *json)
{
    json_t *error = json_object_get(json, "error");
    EXPECT_EQ(ev->event.len, 0);
    EXPECT_STR(member(error, "type"), "server_error");
    EXPECT_STR(member(error, "code"), "idle_timeout");
    EXPECT_STR(member(error, "message"), "quote \" and \n line");
    EXPECT_STR(member(error, "request_id"), "req-1");
}

static void look_at_responses(const struct sse_event *ev, json_t *json)
{
    bool first = str_eq(ev->event, STR("error"));
    EXPECT_STR(member(json, "type"), ev->event);
    EXPECT_EQ(json_integer_value(json_object_get(json, "sequence_number")), first ? 9 : 10);
    if (first)
        EXPECT_STR(member(json, "code"), "idle_timeout");
    else
        EXPECT_STR(member(json_object_get(json_object_get(json, "response"), "error"), "code"),
                   "server_error");
}

TEST(failures_are_events_that_clients_raise_on)
{
    struct stream_failure f = {.err = ERR_IDLE_TIMEOUT,
                               .message = STR("quote \" and \n line"),
                               .request_id = STR("req-1"),
                               .answer_id = STR("resp_1"),
                               .model = STR("m"),
                               .events = 9};
    EXPECT_EQ(failure_events(ENDPOINT_CHAT, &f, look_at_chat), 1);
    EXPECT_EQ(failure_events(ENDPOINT_SPEECH, &f, look_at_chat), 1);
    EXPECT_EQ(failure_events(ENDPOINT_RESPONSES, &f, look_at_responses), 2);
}

static void look_at_nothing(const struct sse_event *ev, json_t *json)
{
    (void)ev;
    EXPECT_EQ(json_typeof(json), JANSSON_OBJECT);
}

TEST(a_failure_of_which_little_is_known_is_written_too)
{
    struct stream_failure f = {.err = ERR_UPSTREAM_TRUNCATED};
    for (unsigned i = 0; i < ENDPOINT_KIND_COUNT; i++)
        if (dialect_of((enum endpoint_kind)i)->write_failure) /* clients speak it */
            EXPECT(failure_events((enum endpoint_kind)i, &f, look_at_nothing) >= 1);
}
