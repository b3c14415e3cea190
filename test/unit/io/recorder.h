/* A user of a stream that writes down what happened to it, for the tests of io/. */
#ifndef TEST_IO_RECORDER_H
#define TEST_IO_RECORDER_H

#include "base/buf.h"
#include "io/stream.h"
#include "io/tcp.h"

struct recorder {
    struct stream *stream;
    struct buf got;
    unsigned reads, ends, drains;
    enum err end;       /* the last */
    size_t pause_after; /* pauses once so many bytes have come; 0: never */
    bool close_in_read, close_in_end;
};

/* Takes the stream and reads from it. */
void recorder_attach(struct recorder *r, struct stream *s);

/* Closes the stream, if it is there still, and frees what was recorded. */
void recorder_release(struct recorder *r);

void recorder_write(struct recorder *r, str bytes);
str recorder_text(const struct recorder *r);

/* Turns the loop until the condition holds; fails the test after ten seconds. */
#define TURN_UNTIL(loop, condition)                                                                \
    do {                                                                                           \
        uint64_t turn_until = loop_clock_us() + 10 * 1000 * 1000;                                  \
        while (!(condition)) {                                                                     \
            if (loop_clock_us() > turn_until)                                                      \
                EXPECT_FAIL("never came true: %s", #condition);                                    \
            turn_at_most(loop, 50);                                                                \
        }                                                                                          \
    } while (0)

/* One turn that sleeps at most so long. */
void turn_at_most(struct loop *l, uint64_t ms);

/* Two connected TCP streams over 127.0.0.1. */
void tcp_pair(struct loop *l, struct stream *out[2]);

/* A listening descriptor on 127.0.0.1 and its address. */
int listen_anywhere(struct address *a);

/* Checks that nothing is left behind, and frees the loop. */
void loop_end(struct loop *l);

#endif
