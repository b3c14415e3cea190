#include "io/memory_stream.h"

#include "recorder.h"
#include "support/test.h"

static struct loop *loop;
static struct recorder a, b;

static void begin(size_t chunk)
{
    struct stream *s[2];
    loop = loop_new();
    EXPECT(memory_stream_pair(loop, chunk, s));
    a = b = (struct recorder){0};
    recorder_attach(&a, s[0]);
    recorder_attach(&b, s[1]);
}

static void end(void)
{
    recorder_release(&a);
    recorder_release(&b);
    loop_end(loop);
}

TEST(bytes_cross_later_and_in_order)
{
    begin(0);
    recorder_write(&a, STR("one "));
    recorder_write(&a, STR("two"));
    EXPECT_EQ(b.got.len, 0);
    EXPECT_EQ(a.stream->queued, 7);
    loop_turn(loop, true);
    EXPECT_STR(recorder_text(&b), "one two");
    EXPECT_EQ(a.stream->queued, 0);
    EXPECT_EQ(a.drains, 1);
    end();
}

TEST(bytes_can_come_one_by_one)
{
    begin(1);
    recorder_write(&a, STR("letters"));
    TURN_UNTIL(loop, b.got.len == 7);
    EXPECT_EQ(b.reads, 7);
    end();
}

TEST(pause_keeps_bytes_with_the_writer)
{
    begin(2);
    b.pause_after = 4;
    recorder_write(&a, STR("abcdefgh"));
    for (int i = 0; i < 20; i++)
        loop_turn(loop, false);
    EXPECT_STR(recorder_text(&b), "abcd");
    EXPECT_EQ(a.stream->queued, 4);
    b.pause_after = 0;
    stream_read_start(b.stream);
    TURN_UNTIL(loop, b.got.len == 8 && a.drains);
    end();
}

TEST(half_close_and_close_end_the_other_side_after_all_bytes)
{
    begin(3);
    recorder_write(&a, STR("question"));
    stream_shut(a.stream);
    TURN_UNTIL(loop, b.ends);
    EXPECT_EQ(b.end, ERR_EOF);
    EXPECT_STR(recorder_text(&b), "question");
    recorder_write(&b, STR("answer"));
    stream_close(b.stream);
    b.stream = NULL;
    TURN_UNTIL(loop, a.ends);
    EXPECT_EQ(a.end, ERR_EOF);
    EXPECT_STR(recorder_text(&a), "answer");
    end();
}

TEST(reset_drops_bytes_and_breaks_the_other_side)
{
    begin(0);
    recorder_write(&a, STR("lost"));
    stream_reset(a.stream);
    a.stream = NULL;
    TURN_UNTIL(loop, b.ends);
    EXPECT_EQ(b.end, ERR_IO);
    EXPECT_EQ(b.got.len, 0);
    end();
}

TEST(writing_to_a_closed_end_breaks_the_stream)
{
    begin(0);
    stream_close(a.stream);
    a.stream = NULL;
    TURN_UNTIL(loop, b.ends);
    EXPECT_EQ(b.end, ERR_EOF);
    recorder_write(&b, STR("nobody there"));
    TURN_UNTIL(loop, b.ends == 2);
    EXPECT_EQ(b.end, ERR_IO);
    end();
}

TEST(ends_may_close_inside_callbacks)
{
    begin(1);
    b.close_in_read = true;
    a.close_in_end = true;
    recorder_write(&a, STR("bye"));
    TURN_UNTIL(loop, !a.stream && !b.stream);
    EXPECT_EQ(b.reads, 1);
    end();
}
