#include "io/tcp.h"

#include "recorder.h"
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A pair of recorders over TCP: a and b. */
static struct loop *loop;
static struct recorder a, b;

static void begin(void)
{
    struct stream *s[2];
    loop = loop_new();
    EXPECT(loop);
    tcp_pair(loop, s);
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

/* --- Reading and writing */

TEST(bytes_arrive_in_order_in_both_directions)
{
    begin();
    recorder_write(&a, STR("hello "));
    recorder_write(&a, STR("world"));
    recorder_write(&b, STR("yes"));
    TURN_UNTIL(loop, b.got.len == 11 && a.got.len == 3);
    EXPECT_STR(recorder_text(&b), "hello world");
    EXPECT_STR(recorder_text(&a), "yes");
    end();
}

TEST(many_slices_go_in_one_write_and_empty_ones_do_no_harm)
{
    enum { MANY = 150 };
    struct slice v[MANY];
    begin();
    for (unsigned i = 0; i < MANY; i++)
        v[i] = i % 5 ? SLICE_BORROWED(STR("x")) : SLICE_BORROWED(STR(""));
    EXPECT_EQ(stream_write(a.stream, v, MANY), 0);
    TURN_UNTIL(loop, b.got.len == MANY / 5 * 4);
    EXPECT_LE(b.reads, 3);
    end();
}

/* Fills the socket and more. */
static size_t write_much(struct recorder *r, size_t len, struct chunk *owned)
{
    struct slice s = {.chunk = owned, .ptr = owned->data, .len = 10000};
    size_t written = 0, queued = 0;
    while (written < len || !queued) {
        for (unsigned i = 0; i < s.len; i++)
            owned->data[i] = (char)('a' + i % 26);
        queued = stream_write(r->stream, &s, 1);
        written += s.len;
    }
    EXPECT_EQ(queued, r->stream->queued);
    return written;
}

static void expect_alphabets(str got)
{
    for (size_t i = 0; i < got.len; i++)
        if (got.ptr[i] != (char)('a' + i % 10000 % 26))
            EXPECT_FAIL("wrong byte at %zu", i);
}

TEST(what_the_socket_does_not_take_is_queued_and_drains)
{
    begin();
    stream_read_stop(b.stream);
    struct chunk *c = chunk_new();
    size_t written = write_much(&a, 1000000, c);
    EXPECT_GT(c->refs, 1);
    chunk_unref(c);
    for (int i = 0; i < 5; i++)
        turn_at_most(loop, 4);
    EXPECT_EQ(a.drains, 0);
    stream_read_start(b.stream);
    TURN_UNTIL(loop, b.got.len == written && a.drains);
    EXPECT_EQ(a.drains, 1);
    EXPECT_EQ(a.stream->queued, 0);
    expect_alphabets(recorder_text(&b));
    end();
}

TEST(borrowed_bytes_that_are_queued_are_copied)
{
    size_t size = 8 * 1024 * 1024;
    char *bytes = malloc(size);
    memset(bytes, 'q', size);
    begin();
    EXPECT_GT(stream_write(a.stream, &SLICE_BORROWED(str_make(bytes, size)), 1), 0);
    memset(bytes, '!', size);
    free(bytes);
    TURN_UNTIL(loop, b.got.len == size);
    EXPECT_EQ(str_find_byte(recorder_text(&b), '!'), -1);
    end();
}

TEST(pause_holds_bytes_back_and_resuming_brings_them)
{
    begin();
    b.pause_after = 1;
    recorder_write(&a, STR("one"));
    TURN_UNTIL(loop, b.got.len == 3);
    recorder_write(&a, STR("two"));
    for (int i = 0; i < 3; i++)
        turn_at_most(loop, 4);
    EXPECT_EQ(b.got.len, 3);
    b.pause_after = 0;
    stream_read_start(b.stream);
    stream_read_start(b.stream);
    TURN_UNTIL(loop, b.got.len == 6);
    /* and again without anything arriving between */
    stream_read_stop(b.stream);
    stream_read_start(b.stream);
    recorder_write(&a, STR("three"));
    TURN_UNTIL(loop, b.got.len == 11);
    EXPECT_STR(recorder_text(&b), "onetwothree");
    end();
}

static struct slice kept;

static void keep_first(void *arg, struct slice bytes)
{
    struct recorder *r = arg;
    if (!kept.chunk) {
        kept = bytes;
        chunk_ref(kept.chunk);
    }
    buf_add(&r->got, bytes.ptr, bytes.len);
}

static void forget_end(void *arg, enum err why)
{
    (void)arg;
    (void)why;
}

TEST(slice_with_a_referenced_chunk_outlives_later_reads)
{
    static const struct stream_handler keeper = {keep_first, forget_end, NULL};
    begin();
    kept = (struct slice){0};
    stream_handle(b.stream, &keeper, &b);
    recorder_write(&a, STR("keep me"));
    TURN_UNTIL(loop, b.got.len == 7);
    for (int i = 0; i < 3000; i++) {
        recorder_write(&a, STR("overwrite everything"));
        loop_turn(loop, false);
    }
    TURN_UNTIL(loop, b.got.len == 7 + 3000 * 20);
    EXPECT_STR(str_make(kept.ptr, kept.len), "keep me");
    chunk_unref(kept.chunk);
    EXPECT_LE(chunk_alive(), 2);
    end();
}

/* --- Ends */

TEST(half_close_ends_one_direction_only)
{
    begin();
    recorder_write(&a, STR("question"));
    stream_shut(a.stream);
    stream_shut(a.stream);
    TURN_UNTIL(loop, b.ends);
    EXPECT_EQ(b.end, ERR_EOF);
    EXPECT_STR(recorder_text(&b), "question");
    recorder_write(&b, STR("answer"));
    TURN_UNTIL(loop, a.got.len == 6);
    EXPECT_EQ(a.ends, 0);
    stream_shut(b.stream);
    TURN_UNTIL(loop, a.ends);
    EXPECT_EQ(a.end, ERR_EOF);
    EXPECT_EQ(b.ends, 1);
    end();
}

TEST(shut_waits_for_what_is_queued)
{
    begin();
    stream_read_stop(b.stream);
    struct chunk *c = chunk_new();
    size_t written = write_much(&a, 1000000, c);
    chunk_unref(c);
    stream_shut(a.stream);
    stream_read_start(b.stream);
    TURN_UNTIL(loop, b.ends);
    EXPECT_EQ(b.got.len, written);
    EXPECT_EQ(b.end, ERR_EOF);
    end();
}

TEST(writing_after_shut_is_a_bug)
{
    begin();
    stream_shut(a.stream);
    EXPECT_ABORT(recorder_write(&a, STR("late")));
    end();
}

TEST(reset_breaks_the_peers_stream)
{
    begin();
    stream_reset(a.stream);
    a.stream = NULL;
    TURN_UNTIL(loop, b.ends);
    EXPECT_EQ(b.end, ERR_IO);
    EXPECT_EQ(b.ends, 1);
    recorder_write(&b, STR("into nothing"));
    loop_turn(loop, false);
    EXPECT_EQ(b.ends, 1);
    end();
}

TEST(failed_write_is_reported_later_and_once)
{
    begin();
    stream_reset(a.stream);
    a.stream = NULL;
    recorder_write(&b, STR("into nothing"));
    EXPECT_EQ(b.ends, 0);
    recorder_write(&b, STR("and more"));
    TURN_UNTIL(loop, b.ends);
    EXPECT_EQ(b.end, ERR_IO);
    for (int i = 0; i < 3; i++)
        turn_at_most(loop, 4);
    EXPECT_EQ(b.ends, 1);
    end();
}

TEST(failed_write_is_reported_while_reading_is_paused)
{
    begin();
    stream_read_stop(b.stream);
    stream_reset(a.stream);
    a.stream = NULL;
    TURN_UNTIL(loop, (recorder_write(&b, STR("x")), b.ends));
    EXPECT_EQ(b.end, ERR_IO);
    end();
}

TEST(answer_of_a_peer_that_left_is_read_before_the_failed_write_is_reported)
{
    begin();
    recorder_write(&b, STR("unread, so that closing resets"));
    recorder_write(&a, STR("413 too large"));
    /* Both wait in the sockets' buffers; nothing was polled yet. */
    stream_close(a.stream);
    a.stream = NULL;
    recorder_write(&b, STR("more"));
    TURN_UNTIL(loop, b.ends);
    EXPECT_STR(recorder_text(&b), "413 too large");
    EXPECT_EQ(b.end, ERR_IO);
    EXPECT_EQ(b.ends, 1);
    end();
}

TEST(write_that_fails_after_the_peers_end_is_reported_too)
{
    begin();
    stream_shut(a.stream);
    TURN_UNTIL(loop, b.ends == 1);
    EXPECT_EQ(b.end, ERR_EOF);
    stream_reset(a.stream);
    a.stream = NULL;
    TURN_UNTIL(loop, (recorder_write(&b, STR("x")), b.ends == 2));
    EXPECT_EQ(b.end, ERR_IO);
    end();
}

/* --- Closing */

TEST(stream_may_close_inside_its_own_callbacks)
{
    begin();
    b.close_in_read = true;
    a.close_in_end = true;
    recorder_write(&a, STR("bye"));
    TURN_UNTIL(loop, a.ends && !a.stream && !b.stream);
    EXPECT_EQ(b.reads, 1);
    EXPECT_EQ(b.ends, 0);
    end();
}

TEST(close_with_bytes_queued_is_silent)
{
    begin();
    stream_read_stop(b.stream);
    struct chunk *c = chunk_new();
    write_much(&a, 1000000, c);
    chunk_unref(c);
    stream_close(a.stream);
    a.stream = NULL;
    stream_read_start(b.stream);
    TURN_UNTIL(loop, b.ends);
    EXPECT_EQ(a.ends, 0);
    EXPECT_EQ(a.drains, 0);
    end();
}

TEST(closing_twice_is_a_bug)
{
    begin();
    struct stream *s = a.stream;
    EXPECT_ABORT((stream_close(s), stream_close(s)));
    end();
}

/* --- Addresses */

TEST(addresses_are_read_and_named)
{
    static const struct {
        const char *text, *ip;
        int family, port;
        bool loopback;
    } good[] = {
        {"127.0.0.1:8080", "127.0.0.1", AF_INET, 8080, true},
        {"10.1.2.3:0", "10.1.2.3", AF_INET, 0, false},
        {"[::1]:8443", "::1", AF_INET6, 8443, true},
        {"[2001:db8::5]:65535", "2001:db8::5", AF_INET6, 65535, false},
        {"[::ffff:127.0.0.1]:80", "127.0.0.1", AF_INET6, 80, true},
        {":8080", "::", AF_INET6, 8080, false},
        {"unix:/run/x.sock", "unix", AF_UNIX, 0, true},
        {"unix:@name", "unix", AF_UNIX, 0, true},
    };
    char text[64];
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct address x;
        EXPECT_EQ(address_parse(&x, str_from_c(good[i].text)), ERR_NONE);
        EXPECT_EQ(x.any.sa_family, good[i].family);
        EXPECT_EQ(address_port(&x), good[i].port);
        EXPECT_EQ(address_is_loopback(&x), good[i].loopback);
        EXPECT_STR(address_ip_text(&x, text), good[i].ip);
    }
}

TEST(what_is_no_address_is_refused)
{
    static const char *const bad[] = {
        "",
        ":",
        "8080",
        "localhost:80",
        "1.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4:8x",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[1.2.3.4]:80",
        "[]:80",
        "1.2.3:80",
        "unix:",
        "[::1:80",
        "300.1.1.1:80",
        " 1.2.3.4:80",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct address x;
        if (address_parse(&x, str_from_c(bad[i])) != ERR_CONFIG)
            EXPECT_FAIL("taken for an address: '%s'", bad[i]);
    }
    char path[200];
    struct address x;
    memset(path, 'p', sizeof(path));
    memcpy(path, "unix:/", 6);
    EXPECT_EQ(address_parse(&x, str_make(path, sizeof(path))), ERR_CONFIG);
}

/* --- Listening and connecting */

struct server {
    struct listener *listener;
    struct address address;
    struct stream *accepted[8];
    struct address peer;
    unsigned count;
    bool close_on_accept;
};

static void on_accept(void *arg, struct stream *s, const struct address *peer)
{
    struct server *v = arg;
    v->peer = *peer;
    v->count++;
    if (v->close_on_accept) {
        listener_close(v->listener);
        v->listener = NULL;
    }
    if (v->count <= ARRAY_LEN(v->accepted))
        v->accepted[v->count - 1] = s;
    else
        stream_close(s);
}

static void server_begin(struct server *v, struct loop *l)
{
    *v = (struct server){0};
    v->listener = listener_new(l, listen_anywhere(&v->address), on_accept, v);
    EXPECT(v->listener);
}

static void server_end(struct server *v)
{
    if (v->listener)
        listener_close(v->listener);
    for (unsigned i = 0; i < ARRAY_LEN(v->accepted); i++)
        if (v->accepted[i])
            stream_close(v->accepted[i]);
}

struct client {
    struct stream *stream;
    enum err err;
    unsigned calls;
};

static void on_connected(void *arg, struct stream *s, enum err err)
{
    struct client *c = arg;
    EXPECT((s != NULL) == (err == ERR_NONE));
    c->stream = s;
    c->err = err;
    c->calls++;
}

static void client_end(struct client *c)
{
    if (c->stream)
        stream_close(c->stream);
}

static void free_port(struct address *x)
{
    close(listen_anywhere(x));
}

TEST(listener_accepts_and_connecting_gives_a_stream)
{
    struct server v;
    struct client c = {0};
    char text[64];
    loop = loop_new();
    server_begin(&v, loop);
    EXPECT(tcp_connect(loop, &v.address, 1, 30, on_connected, &c));
    EXPECT_EQ(c.calls, 0);
    TURN_UNTIL(loop, c.calls && v.count);
    EXPECT_EQ(c.err, ERR_NONE);
    EXPECT_STR(address_ip_text(&v.peer, text), "127.0.0.1");
    EXPECT_GT(address_port(&v.peer), 0);

    recorder_attach(&a, c.stream);
    recorder_attach(&b, v.accepted[0]);
    recorder_write(&a, STR("ping"));
    TURN_UNTIL(loop, b.got.len == 4);
    recorder_write(&b, STR("pong"));
    TURN_UNTIL(loop, a.got.len == 4);
    v.accepted[0] = NULL;
    server_end(&v);
    end();
}

TEST(paused_listener_accepts_when_it_resumes)
{
    struct server v;
    struct client c = {0};
    loop = loop_new();
    server_begin(&v, loop);
    listener_pause(v.listener);
    EXPECT(tcp_connect(loop, &v.address, 1, 0, on_connected, &c));
    TURN_UNTIL(loop, c.calls); /* by the kernel's backlog */
    turn_at_most(loop, 10);
    EXPECT_EQ(v.count, 0);
    listener_resume(v.listener);
    TURN_UNTIL(loop, v.count);
    client_end(&c);
    server_end(&v);
    loop_end(loop);
}

TEST(listener_may_close_inside_its_callback)
{
    struct server v;
    struct client c = {0};
    loop = loop_new();
    server_begin(&v, loop);
    v.close_on_accept = true;
    EXPECT(tcp_connect(loop, &v.address, 1, 0, on_connected, &c));
    TURN_UNTIL(loop, c.calls && v.count);
    client_end(&c);
    server_end(&v);
    loop_end(loop);
}

TEST(listeners_share_a_port_when_asked_to_and_not_otherwise)
{
    struct address x;
    EXPECT_EQ(address_parse(&x, STR("127.0.0.1:0")), ERR_NONE);
    int one = listen_socket(&x, true, 0);
    EXPECT_EQ(getsockname(one, &x.any, &x.len), 0);
    int two = listen_socket(&x, true, 0);
    EXPECT(two >= 0);
    EXPECT_EQ(listen_socket(&x, false, 0), -1);
    EXPECT_EQ(errno, EADDRINUSE);
    close(one);
    close(two);
}

TEST(refused_connection_is_an_error_later)
{
    struct client c = {0};
    struct address x;
    free_port(&x);
    loop = loop_new();
    EXPECT(tcp_connect(loop, &x, 1, 0, on_connected, &c));
    EXPECT_EQ(c.calls, 0);
    TURN_UNTIL(loop, c.calls);
    EXPECT_EQ(c.err, ERR_UPSTREAM_CONNECT);
    EXPECT_EQ(c.calls, 1);
    loop_end(loop);
}

/* An address that answers nothing: a listener whose backlog is full. */
struct dead {
    struct address address;
    int listening, fill[16];
};

static void dead_begin(struct dead *d)
{
    EXPECT_EQ(address_parse(&d->address, STR("127.0.0.1:0")), ERR_NONE);
    d->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(d->listening, &d->address.any, d->address.len), 0);
    EXPECT_EQ(listen(d->listening, 0), 0);
    EXPECT_EQ(getsockname(d->listening, &d->address.any, &d->address.len), 0);
    for (unsigned i = 0; i < ARRAY_LEN(d->fill); i++) {
        d->fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        EXPECT(connect(d->fill[i], &d->address.any, d->address.len) == 0 || errno == EINPROGRESS);
    }
}

static void dead_end(struct dead *d)
{
    for (unsigned i = 0; i < ARRAY_LEN(d->fill); i++)
        close(d->fill[i]);
    close(d->listening);
}

TEST(second_address_wins_when_the_first_does_not_answer)
{
    struct dead d;
    struct server v;
    struct client c = {0};
    loop = loop_new();
    dead_begin(&d);
    server_begin(&v, loop);
    struct address both[] = {d.address, v.address};
    uint64_t began = loop_clock_us();
    EXPECT(tcp_connect(loop, both, 2, 0, on_connected, &c));
    TURN_UNTIL(loop, c.calls);
    EXPECT_EQ(c.err, ERR_NONE);
    EXPECT_GE(loop_clock_us() - began, 250000);
    client_end(&c);
    server_end(&v);
    dead_end(&d);
    loop_end(loop);
}

TEST(next_address_is_tried_at_once_when_one_refuses)
{
    struct server v;
    struct client c = {0};
    struct address all[3];
    loop = loop_new();
    server_begin(&v, loop);
    free_port(&all[0]);
    free_port(&all[1]);
    all[2] = v.address;
    EXPECT(tcp_connect(loop, all, 3, 0, on_connected, &c));
    TURN_UNTIL(loop, c.calls);
    EXPECT_EQ(c.err, ERR_NONE);
    client_end(&c);
    server_end(&v);
    loop_end(loop);
}

TEST(connecting_can_be_cancelled_in_every_phase)
{
    struct dead d;
    struct address x, y;
    struct server v;
    loop = loop_new();
    dead_begin(&d);
    free_port(&x);
    server_begin(&v, loop);
    struct address three[] = {d.address, d.address, d.address};
    EXPECT_EQ(address_parse(&y, STR("unix:/nonexistent/socket")), ERR_NONE);
    for (int turns = 0; turns < 3; turns++) {
        struct client c = {0};
        struct connecting *w[] = {
            tcp_connect(loop, three, 3, 0, on_connected, &c),
            turns ? NULL : tcp_connect(loop, &x, 1, 0, on_connected, &c),
            turns ? NULL : tcp_connect(loop, &y, 1, 0, on_connected, &c),
            turns ? NULL : tcp_connect(loop, &v.address, 1, 0, on_connected, &c),
        };
        if (turns == 1)
            loop_turn(loop, false);
        if (turns == 2)
            for (uint64_t until = loop_clock_us() + 300000; loop_clock_us() < until;)
                turn_at_most(loop, 50);
        for (unsigned i = 0; i < ARRAY_LEN(w); i++)
            if (w[i])
                connecting_cancel(w[i]);
        for (int i = 0; i < 3; i++)
            turn_at_most(loop, 4);
        EXPECT_EQ(c.calls, 0);
    }
    server_end(&v);
    dead_end(&d);
    loop_end(loop);
}

/* --- Unix sockets */

static void unix_round(const char *text)
{
    struct address x;
    struct server v = {0};
    struct client c = {0};
    loop = loop_new();
    EXPECT_EQ(address_parse(&x, str_from_c(text)), ERR_NONE);
    int fd = listen_socket(&x, false, 0600);
    EXPECT(fd >= 0);
    v.listener = listener_new(loop, fd, on_accept, &v);
    EXPECT(tcp_connect(loop, &x, 1, 0, on_connected, &c));
    EXPECT_EQ(c.calls, 0);
    TURN_UNTIL(loop, c.calls && v.count);
    EXPECT_EQ(c.err, ERR_NONE);
    EXPECT(address_is_loopback(&v.peer));
    recorder_attach(&a, c.stream);
    recorder_attach(&b, v.accepted[0]);
    v.accepted[0] = NULL;
    recorder_write(&a, STR("ping"));
    TURN_UNTIL(loop, b.got.len == 4);
    stream_shut(b.stream);
    TURN_UNTIL(loop, a.ends);
    EXPECT_EQ(a.end, ERR_EOF);
    server_end(&v);
    end();
}

TEST(unix_sockets_listen_and_connect_by_path_and_by_abstract_name)
{
    char folder[] = "/tmp/test_tcp_XXXXXX", text[80], path[64];
    struct stat st;
    EXPECT(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/s", folder);
    snprintf(text, sizeof(text), "unix:%s", path);
    unix_round(text);
    EXPECT_EQ(stat(path, &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600);
    unix_round(text); /* the file of the dead listener is replaced */

    struct address x;
    EXPECT_EQ(address_parse(&x, str_from_c(text)), ERR_NONE);
    int live = listen_socket(&x, false, 0);
    EXPECT(live >= 0);
    EXPECT_EQ(listen_socket(&x, false, 0), -1);
    EXPECT_EQ(errno, EADDRINUSE);
    close(live);
    unlink(path);

    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(file);
    EXPECT_EQ(listen_socket(&x, false, 0), -1); /* somebody's file is not ours to remove */
    EXPECT_EQ(errno, EEXIST);
    unlink(path);
    rmdir(folder);

    snprintf(text, sizeof(text), "unix:@test_tcp_%d", getpid());
    unix_round(text);
}

/* --- Running out of descriptors (in a child: the limit is the process's) */

static unsigned hold_all_descriptors(int *held, unsigned max)
{
    unsigned n = 0;
    while (n < max && (held[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        n++;
    return n;
}

static void exhaust(void)
{
    static int held[256];
    struct rlimit limit = {.rlim_cur = 128, .rlim_max = 128};
    struct server v;
    char answer[64] = "";
    loop = loop_new();
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    server_begin(&v, loop);
    listener_refuse_with(v.listener, STR("503 no"));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(fd, &v.address.any, v.address.len), 0);
    unsigned n = hold_all_descriptors(held, ARRAY_LEN(held));
    TURN_UNTIL(loop, listener_refused(v.listener));
    EXPECT_EQ(recv(fd, answer, sizeof(answer), 0), 6);
    EXPECT_STR(answer, "503 no");
    EXPECT_EQ(v.count, 0);
    while (n)
        close(held[--n]);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(fd, &v.address.any, v.address.len), 0);
    TURN_UNTIL(loop, v.count);
    close(fd);
    server_end(&v);
    loop_end(loop);
    abort(); /* EXPECT_ABORT is how a child says that it came this far */
}

TEST(listener_turns_away_when_descriptors_run_out_and_recovers)
{
    EXPECT_ABORT(exhaust());
}
