/* The caller's ordinary work: requests, answers, reuse of connections. */
#include "client_rig.h"

#include <stdio.h>

static unsigned stat(struct rig *r, _Atomic unsigned *counter)
{
    (void)r;
    return atomic_load(counter);
}

TEST(a_request_is_sent_whole_with_host_and_length)
{
    struct rig r;
    struct heard h = {0};
    char expected[256];
    rig_open(&r);
    call_post(&r, &h, STR("{\"model\":1}"));
    TURN_UNTIL(&r, r.provider.count == 1 && r.provider.lines[0].got.len > 60);
    snprintf(expected, sizeof(expected),
             "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:%u\r\n"
             "authorization: Bearer secret\r\ncontent-length: 11\r\n\r\n{\"model\":1}",
             r.provider.port);
    TURN_UNTIL(&r, r.provider.lines[0].got.len >= strlen(expected));
    str got = buf_str(&r.provider.lines[0].got);
    EXPECT_EQ(got.len, strlen(expected));
    EXPECT_CONTAINS(got, "POST /v1/chat/completions HTTP/1.1\r\n");
    EXPECT_CONTAINS(got, r.authority);
    EXPECT_CONTAINS(got, "content-length: 11\r\n");
    EXPECT_CONTAINS(got, "\r\n\r\n{\"model\":1}");
    EXPECT_EQ(h.connected, 1);
    EXPECT_EQ(h.call->bytes_out, strlen(expected));
    EXPECT_NE(h.call->timing.sent_us, 0);
    call_done(&h);
    rig_close(&r);
}

TEST(a_get_says_nothing_of_a_body)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    call_get(&r, &h);
    TURN_UNTIL(&r, r.provider.count == 1 && r.provider.lines[0].got.len > 60);
    EXPECT_EQ(str_find(buf_str(&r.provider.lines[0].got), STR("content-length")), -1);
    EXPECT_EQ(str_find(buf_str(&r.provider.lines[0].got), STR("transfer-encoding")), -1);
    call_done(&h);
    rig_close(&r);
}

TEST(an_answer_arrives_whole_and_its_connection_serves_the_next)
{
    struct rig r;
    rig_open(&r);
    r.provider.answer = STR("HTTP/1.1 200 OK\r\nX-Test: yes\r\nContent-Length: 5\r\n\r\nhello");
    for (unsigned i = 0; i < 5; i++) {
        struct heard h = {0};
        call_post(&r, &h, STR("{}"));
        EXPECT_EQ(h.call->timing.connected_us != 0, i > 0);
        TURN_UNTIL(&r, h.ends);
        EXPECT_EQ(h.status, 200);
        EXPECT_STR(h.field, "yes");
        EXPECT_STR(buf_str(&h.body), "hello");
        EXPECT_EQ(h.connected, 1);
        EXPECT_EQ(h.timing.reused, i > 0);
        EXPECT_EQ(stat(&r, &client_stats(r.client)->idle), 1);
        EXPECT_EQ(stat(&r, &client_stats(r.client)->busy), 0);
        call_done(&h);
    }
    EXPECT_EQ(r.provider.count, 1);
    EXPECT_EQ(atomic_load(&client_stats(r.client)->opened), 1);
    EXPECT_EQ(atomic_load(&client_stats(r.client)->reused), 4);
    rig_close(&r);
}

TEST(a_call_may_be_released_inside_its_end_and_the_next_started_there)
{
    struct rig r;
    struct heard h = {.release_on_end = true};
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, h.ends);
    EXPECT(h.call == NULL);
    call_done(&h);
    rig_close(&r);
}

static struct heard next_call;

static void start_next(struct heard *h)
{
    call_post(h->rig, &next_call, STR("{\"second\":2}"));
    EXPECT_EQ(next_call.call->timing.reused, true);
}

TEST(the_connection_is_free_again_when_the_end_is_told)
{
    struct rig r;
    struct heard h = {.on_end = start_next};
    rig_open(&r);
    next_call = (struct heard){0};
    r.provider.answer = STR(OK_HEAD(2) "ok");
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, next_call.ends);
    EXPECT_EQ(r.provider.count, 1);
    call_done(&h);
    call_done(&next_call);
    rig_close(&r);
}

static const struct {
    const char *name, *bytes, *body;
    bool close; /* the provider closes after it */
    bool reused;
} answers[] = {
    {"length", OK_HEAD(5) "hello", "hello", false, true},
    {"no body", OK_HEAD(0), "", false, true},
    {"204", "HTTP/1.1 204 No Content\r\n\r\n", "", false, true},
    {"chunked",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
     "hello", false, true},
    {"chunked with a trailer",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
     "hello", false, true},
    {"until the end", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello", "hello", true,
     false},
    {"connection: close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
     "hello", false, false},
    {"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", false, false},
    {"1.0 keep-alive",
     "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", "hello", false,
     true},
    {"interim answers",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK_HEAD(5) "hello",
     "hello", false, true},
    {"bytes behind its end", OK_HEAD(5) "helloHTTP", "hello", false, false},
};

TEST(every_framing_is_understood_at_once_and_byte_by_byte)
{
    for (unsigned i = 0; i < 2 * ARRAY_LEN(answers); i++) {
        bool slow = i % 2;
        str bytes = str_from_c(answers[i / 2].bytes);
        struct rig r;
        struct heard h = {0};
        rig_open(&r);
        call_post(&r, &h, STR("{}"));
        TURN_UNTIL(&r, r.provider.count == 1 && r.provider.lines[0].got.len > 60);
        struct line *l = &r.provider.lines[0];
        for (size_t at = 0; slow && at < bytes.len && l->stream && !h.ends; at++) {
            line_say(l, str_first(str_from(bytes, at), 1));
            uint64_t seen = h.call->bytes_in;
            TURN_UNTIL(&r, h.call->bytes_in > seen || call_over(&h));
        }
        if (!slow)
            line_say(l, bytes);
        if (answers[i / 2].close)
            line_close(l);
        TURN_UNTIL(&r, call_over(&h));
        if (!h.ends)
            EXPECT_FAIL("%s: %s", answers[i / 2].name, h.why);
        EXPECT_STR(buf_str(&h.body), answers[i / 2].body);
        bool unasked = slow && answers[i / 2].bytes[bytes.len - 1] == 'P';
        if (!unasked)
            EXPECT_EQ(stat(&r, &client_stats(r.client)->idle), answers[i / 2].reused);
        call_done(&h);
        rig_close(&r);
    }
}

static const struct {
    const char *bytes;
    bool close;
    enum err err;
} bad[] = {
    {"", true, ERR_UPSTREAM_RESET},
    {"HTTP/1.1 200", true, ERR_UPSTREAM_RESET},
    {"SSH-2.0-OpenSSH_9.2\r\n", false, ERR_UPSTREAM_MALFORMED},
    {"hello", false, ERR_UPSTREAM_MALFORMED},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", false,
     ERR_UPSTREAM_MALFORMED},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", false,
     ERR_UPSTREAM_MALFORMED},
    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false,
     ERR_UPSTREAM_MALFORMED},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, ERR_UPSTREAM_MALFORMED},
};

TEST(every_bad_answer_has_its_error_and_closes_the_connection)
{
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        struct rig r;
        struct heard h = {0};
        rig_open(&r);
        call_post(&r, &h, STR("{}"));
        TURN_UNTIL(&r, r.provider.count == 1 && r.provider.lines[0].got.len > 60);
        if (bad[i].bytes[0])
            line_say(&r.provider.lines[0], str_from_c(bad[i].bytes));
        if (bad[i].close)
            line_close(&r.provider.lines[0]);
        TURN_UNTIL(&r, h.errors);
        EXPECT_STR(err_facts(h.err)->name, err_facts(bad[i].err)->name);
        EXPECT_EQ(h.ends, 0);
        EXPECT_EQ(stat(&r, &client_stats(r.client)->idle), 0);
        if (!bad[i].close)
            TURN_UNTIL(&r, r.provider.lines[0].ended);
        call_done(&h);
        rig_close(&r);
    }
}

static struct buf flood(const char *line, unsigned n)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_lit(&b, "HTTP/1.1 200 OK\r\n");
    for (unsigned i = 0; i < n; i++)
        buf_add_str(&b, str_from_c(line));
    return b;
}

TEST(a_head_without_end_is_too_large)
{
    struct rig r;
    rig_open(&r);
    for (unsigned i = 0; i < 2; i++) {
        struct heard h = {0};
        struct buf b =
            i ? flood("x-very-long-header-name-number-one: and a value to go with it\r\n", 2000)
              : flood("a: b\r\n", 150);
        buf_add_lit(&b, "\r\n");
        call_post(&r, &h, STR("{}"));
        TURN_UNTIL(&r, r.provider.count == i + 1 && r.provider.lines[i].got.len > 60);
        line_say(&r.provider.lines[i], buf_str(&b));
        TURN_UNTIL(&r, h.errors);
        EXPECT_STR(err_facts(h.err)->name, "UPSTREAM_TOO_LARGE");
        call_done(&h);
        buf_release(&b);
    }
    rig_close(&r);
}

TEST(endless_interim_answers_are_an_error)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, r.provider.count == 1 && r.provider.lines[0].got.len > 60);
    for (unsigned i = 0; i < 50 && r.provider.lines[0].stream; i++) {
        line_say(&r.provider.lines[0], STR("HTTP/1.1 103 Early Hints\r\n\r\n"));
        rig_turn(&r);
    }
    TURN_UNTIL(&r, h.errors);
    EXPECT_EQ(h.heads, 0);
    call_done(&h);
    rig_close(&r);
}

TEST(a_field_that_could_end_a_line_is_refused_before_anything_is_sent)
{
    struct rig r;
    struct heard h = {0};
    struct endpoint bad_endpoint;
    rig_open(&r);
    bad_endpoint = r.endpoint;
    r.endpoint.authority = STR("example\r\nx-evil: 1");
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, h.errors);
    EXPECT_STR(err_facts(h.err)->name, "HEADER_INVALID");
    EXPECT_EQ(r.provider.count, 0);
    call_done(&h);
    r.endpoint = bad_endpoint;
    rig_close(&r);
}

TEST(a_refused_connection_is_told_at_once)
{
    struct bound bound;
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    struct provider gone;
    provider_open(&gone, r.loop);
    r.endpoint.port = gone.port;
    r.endpoint.key = STR("gone");
    provider_close(&gone);
    rig_turn(&r);
    bound_start(&bound, &r, 200, call_has_failed, &h);
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, h.errors);
    EXPECT(bound_kept(&bound));
    EXPECT_STR(err_facts(h.err)->name, "UPSTREAM_CONNECT");
    EXPECT_EQ(h.connected, 0);
    EXPECT_NE(h.timing.slot_us, 0);
    EXPECT_EQ(h.timing.connected_us, 0);
    call_done(&h);
    rig_close(&r);
}

TEST(an_exhausted_budget_is_an_ordinary_error)
{
    struct rig r;
    struct heard h = {.budget = 3 * ARENA_BLOCK}, tiny = {.budget = ARENA_BLOCK};
    struct buf head = flood("x-header: with a value\r\n", 90);
    rig_open(&r);
    buf_add_lit(&head, "content-length: 0\r\nx-large: ");
    for (unsigned i = 0; i < 20000; i++)
        buf_add_byte(&head, 'x');
    buf_add_lit(&head, "\r\n\r\n");
    r.provider.answer = buf_str(&head);
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, call_over(&h));
    EXPECT_STR(err_facts(h.err)->name, "NO_MEMORY");
    EXPECT_EQ(atomic_load(&client_stats(r.client)->idle), 0);
    call_done(&h);
    struct slice many[200];
    for (unsigned i = 0; i < ARRAY_LEN(many); i++)
        many[i] = SLICE_BORROWED(STR("x"));
    EXPECT(call_try(&r, &tiny, many, ARRAY_LEN(many)) == NULL);
    rig_turn_ms(&r, 2);
    EXPECT_EQ(tiny.errors, 0);
    call_done(&tiny);
    buf_release(&head);
    rig_close(&r);
}
