/* Bodies that come in pieces, answers that come early, and flow control both ways. */
#include "client_rig.h"

#include <stdlib.h>

static str got(struct rig *r, unsigned line)
{
    return r->provider.count > line ? buf_str(&r->provider.lines[line].got) : STR_NULL;
}

static size_t say(struct heard *h, str bytes, bool end)
{
    return call_write(h->call, &SLICE_BORROWED(bytes), bytes.len ? 1 : 0, end);
}

TEST(a_body_of_unknown_length_is_sent_in_chunks)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    call_upload(&r, &h, -1, STR("first"));
    TURN_UNTIL(&r, h.connected);
    say(&h, STR("second, longer"), false);
    say(&h, STR(""), false); /* an empty chunk would be the end */
    say(&h, STR("x"), true);
    TURN_UNTIL(&r, str_ends(got(&r, 0), STR("0\r\n\r\n")));
    EXPECT_CONTAINS(got(&r, 0), "transfer-encoding: chunked\r\n");
    EXPECT_CONTAINS(got(&r, 0), "\r\n\r\n5\r\nfirst\r\ne\r\nsecond, longer\r\n1\r\nx\r\n0\r\n\r\n");
    EXPECT_EQ(str_find(got(&r, 0), STR("content-length")), -1);
    line_say(&r.provider.lines[0], STR(OK_HEAD(0)));
    TURN_UNTIL(&r, h.ends);
    EXPECT_EQ(atomic_load(&client_stats(r.client)->idle), 1);
    call_done(&h);
    rig_close(&r);
}

TEST(a_whole_body_of_unknown_length_is_one_chunk)
{
    static const char *bodies[] = {"hello", ""};
    for (unsigned i = 0; i < 2; i++) {
        struct rig r;
        struct heard h = {0};
        rig_open(&r);
        call_upload(&r, &h, -1, str_from_c(bodies[i]));
        say(&h, STR(""), true);
        TURN_UNTIL(&r, str_ends(got(&r, 0), STR("0\r\n\r\n")));
        EXPECT_CONTAINS(got(&r, 0), i ? "\r\n\r\n0\r\n\r\n" : "\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        call_done(&h);
        rig_close(&r);
    }
}

TEST(what_is_written_before_the_connection_stands_goes_out_in_order)
{
    for (unsigned chunked = 0; chunked < 2; chunked++) {
        struct rig r;
        struct heard h = {0};
        char text[] = "bytes that change after the call";
        rig_open(&r);
        call_upload(&r, &h, chunked ? -1 : 35, STR(""));
        EXPECT_EQ(say(&h, str_from_c(text), false), 32);
        memset(text, 'x', sizeof(text));
        EXPECT_EQ(say(&h, STR("end"), true), 35);
        TURN_UNTIL(&r, h.drains);
        TURN_UNTIL(&r, str_find(got(&r, 0), STR("end")) > 0);
        EXPECT_CONTAINS(got(&r, 0), chunked
                                        ? "\r\n\r\n23\r\nbytes that change after the callend\r\n"
                                        : "\r\n\r\nbytes that change after the callend");
        EXPECT_NE(h.call->timing.sent_us, 0);
        EXPECT_EQ(h.drains, 1);
        call_done(&h);
        rig_close(&r);
    }
}

TEST(many_slices_make_one_chunk_each_write)
{
    struct rig r;
    struct heard h = {0};
    struct slice v[40];
    rig_open(&r);
    for (unsigned i = 0; i < 40; i++)
        v[i] = SLICE_BORROWED(STR("abcd"));
    call_upload(&r, &h, -1, STR(""));
    TURN_UNTIL(&r, h.connected);
    call_write(h.call, v, 40, false);
    call_write(h.call, v, 15, true);
    TURN_UNTIL(&r, str_ends(got(&r, 0), STR("\r\n0\r\n\r\n")));
    EXPECT_CONTAINS(got(&r, 0), "\r\n\r\na0\r\nabcdabcd");
    EXPECT_CONTAINS(got(&r, 0), "abcd\r\n3c\r\nabcd");
    call_done(&h);
    rig_close(&r);
}

TEST(more_or_less_than_the_promised_length_is_our_own_bug)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    call_upload(&r, &h, 5, STR("abc"));
    TURN_UNTIL(&r, h.connected);
    EXPECT_ABORT(say(&h, STR("defg"), true));
    EXPECT_ABORT(say(&h, STR("d"), true));
    say(&h, STR("de"), true);
    EXPECT_ABORT(say(&h, STR("f"), true));
    TURN_UNTIL(&r, str_ends(got(&r, 0), STR("abcde")));
    call_done(&h);
    rig_close(&r);
}

TEST(an_early_answer_is_delivered_and_its_connection_closed)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    call_upload(&r, &h, 1000, STR("abc"));
    TURN_UNTIL(&r, str_ends(got(&r, 0), STR("abc")));
    line_say(&r.provider.lines[0], STR("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"));
    TURN_UNTIL(&r, h.ends);
    EXPECT_EQ(h.status, 413);
    EXPECT_STR(buf_str(&h.body), "big");
    EXPECT_EQ(atomic_load(&client_stats(r.client)->idle), 0);
    EXPECT_EQ(say(&h, STR("more"), false), 0); /* nobody wants it any more */
    TURN_UNTIL(&r, r.provider.lines[0].ended);
    call_done(&h);
    rig_close(&r);
}

TEST(an_early_answer_survives_that_the_provider_hangs_up_on_our_upload)
{
    static char block[65536];
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    call_upload(&r, &h, 1 << 20, STR("abc"));
    TURN_UNTIL(&r, str_ends(got(&r, 0), STR("abc")));
    line_say(&r.provider.lines[0], STR("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno"));
    line_close(&r.provider.lines[0]);
    for (unsigned i = 0; i < 8 && !call_over(&h); i++)
        say(&h, str_make(block, sizeof(block)), false);
    TURN_UNTIL(&r, call_over(&h));
    EXPECT_EQ(h.err, ERR_NONE);
    EXPECT_EQ(h.status, 401);
    call_done(&h);
    rig_close(&r);
}

TEST(a_provider_that_does_not_read_stops_the_upload_until_it_does)
{
    static char block[65536];
    struct rig r;
    struct heard h = {0};
    size_t queued = 0, sent = 0;
    rig_open(&r);
    call_upload(&r, &h, -1, STR(""));
    TURN_UNTIL(&r, h.connected && r.provider.count == 1);
    stream_read_stop(r.provider.lines[0].stream);
    for (; queued < CALL_HIGH_WATER; sent += sizeof(block))
        queued = say(&h, str_make(block, sizeof(block)), false);
    EXPECT_LE(queued, CALL_HIGH_WATER + 2 * sizeof(block));
    rig_turn_ms(&r, 20);
    EXPECT_EQ(h.drains, 0);
    stream_read_start(r.provider.lines[0].stream);
    TURN_UNTIL(&r, h.drains);
    EXPECT_EQ(h.drains, 1);
    say(&h, STR("."), true);
    TURN_UNTIL(&r, str_ends(got(&r, 0), STR("0\r\n\r\n")));
    EXPECT_GT(got(&r, 0).len, sent);
    call_done(&h);
    rig_close(&r);
}

TEST(a_paused_answer_waits_in_the_provider)
{
    static char block[1 << 20];
    enum { BLOCKS = 24 };
    struct rig r;
    struct heard h = {.pause_on_head = true};
    rig_open(&r);
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, got(&r, 0).len > 60);
    struct line *l = &r.provider.lines[0];
    line_say(l, STR("HTTP/1.1 200 OK\r\nContent-Length: 25165824\r\n\r\n"));
    TURN_UNTIL(&r, h.heads);
    for (unsigned i = 0; i < BLOCKS; i++)
        line_say(l, str_make(block, sizeof(block)));
    rig_turn_ms(&r, 30);
    EXPECT_LE(h.body.len, CHUNK_SIZE);
    EXPECT_GT(l->stream->queued, sizeof(block)); /* more than sockets hold */
    call_flow(h.call, true);
    TURN_UNTIL(&r, h.body.len > 2 * sizeof(block));
    call_flow(h.call, false);
    size_t before = h.body.len;
    rig_turn_ms(&r, 10);
    EXPECT_EQ(h.body.len, before);
    call_flow(h.call, true);
    TURN_UNTIL(&r, h.ends);
    EXPECT_EQ(h.body.len, BLOCKS * sizeof(block));
    EXPECT_EQ(atomic_load(&client_stats(r.client)->idle), 1);
    call_done(&h);
    rig_close(&r);
}

TEST(a_call_paused_before_it_has_a_connection_stays_paused)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(5) "hello");
    call_post(&r, &h, STR("{}"));
    call_flow(h.call, false);
    TURN_UNTIL(&r, h.connected);
    rig_turn_ms(&r, 10);
    EXPECT_EQ(h.heads, 0);
    call_flow(h.call, true);
    TURN_UNTIL(&r, h.ends);
    call_done(&h);
    rig_close(&r);
}

TEST(a_connection_whose_answer_ended_while_paused_is_read_again_when_idle)
{
    struct rig r;
    struct heard h = {.pause_on_head = true};
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(5) "hello");
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, h.ends);
    EXPECT_EQ(atomic_load(&client_stats(r.client)->idle), 1);
    line_close(&r.provider.lines[0]);
    TURN_UNTIL(&r, atomic_load(&client_stats(r.client)->idle) == 0);
    call_done(&h);
    rig_close(&r);
}

TEST(a_large_body_given_whole_arrives_byte_for_byte)
{
    enum { LEN = 5 << 20 };
    struct rig r;
    struct heard h = {0};
    char *body = malloc(LEN);
    rig_open(&r);
    for (unsigned i = 0; i < LEN; i++)
        body[i] = (char)(i * 2654435761u >> 13);
    call_post(&r, &h, str_make(body, LEN));
    TURN_UNTIL(&r, got(&r, 0).len > LEN);
    ptrdiff_t at = str_find(got(&r, 0), STR("\r\n\r\n")) + 4;
    TURN_UNTIL(&r, got(&r, 0).len == (size_t)at + LEN);
    EXPECT_EQ(memcmp(got(&r, 0).ptr + at, body, LEN), 0);
    TURN_UNTIL(&r, h.call->timing.sent_us);
    line_say(&r.provider.lines[0], STR(OK_HEAD(0)));
    TURN_UNTIL(&r, h.ends);
    EXPECT_EQ(atomic_load(&client_stats(r.client)->idle), 1);
    call_done(&h);
    free(body);
    rig_close(&r);
}
