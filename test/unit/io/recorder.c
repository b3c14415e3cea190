#include "recorder.h"

#include "io/loop.h"
#include "support/test.h"

#include <fcntl.h>
#include <unistd.h>

static void record_read(void *arg, struct slice bytes)
{
    struct recorder *r = arg;
    EXPECT(bytes.len > 0);
    r->reads++;
    buf_add(&r->got, bytes.ptr, bytes.len);
    if (r->close_in_read) {
        stream_close(r->stream);
        r->stream = NULL;
    } else if (r->pause_after && r->got.len >= r->pause_after) {
        stream_read_stop(r->stream);
    }
}

static void record_end(void *arg, enum err why)
{
    struct recorder *r = arg;
    r->ends++;
    r->end = why;
    if (r->close_in_end) {
        stream_close(r->stream);
        r->stream = NULL;
    }
}

static void record_drain(void *arg)
{
    struct recorder *r = arg;
    r->drains++;
}

void recorder_attach(struct recorder *r, struct stream *s)
{
    static const struct stream_handler handler = {record_read, record_end, record_drain};
    r->stream = s;
    buf_init(&r->got, 0);
    stream_handle(s, &handler, r);
    stream_read_start(s);
}

void recorder_release(struct recorder *r)
{
    if (r->stream)
        stream_close(r->stream);
    buf_release(&r->got);
    *r = (struct recorder){0};
}

void recorder_write(struct recorder *r, str bytes)
{
    stream_write(r->stream, &SLICE_BORROWED(bytes), 1);
}

str recorder_text(const struct recorder *r)
{
    return buf_str(&r->got);
}

static void nothing(void *arg)
{
    (void)arg;
}

void turn_at_most(struct loop *l, uint64_t ms)
{
    struct timer t;
    timer_init(&t, nothing, NULL);
    timer_start(l, &t, ms);
    loop_turn(l, true);
    timer_stop(&t);
}

int listen_anywhere(struct address *a)
{
    EXPECT_EQ(address_parse(a, STR("127.0.0.1:0")), ERR_NONE);
    int fd = listen_socket(a, false, 0);
    EXPECT(fd >= 0);
    EXPECT_EQ(getsockname(fd, &a->any, &a->len), 0);
    return fd;
}

void tcp_pair(struct loop *l, struct stream *out[2])
{
    struct address a;
    int listening = listen_anywhere(&a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(fd, &a.any, a.len), 0);
    int other = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    EXPECT(other >= 0);
    close(listening);
    out[0] = tcp_open(l, fd);
    out[1] = tcp_open(l, other);
    EXPECT(out[0] && out[1]);
}

void loop_end(struct loop *l)
{
    loop_free(l);
    EXPECT_EQ(chunk_alive(), 0);
    chunk_recycler_release();
}
