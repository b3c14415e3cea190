/* Whoever releases a call, in any phase, stops the provider at once and harms nobody else. */
#include "client_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SOON_US = 50000 };

/* The provider sees the end of its connection within 50 ms. */
static void expect_gone(struct rig *r, unsigned line, uint64_t since_us)
{
    TURN_UNTIL(r, r->provider.lines[line].ended);
    EXPECT_LT(loop_clock_us() - since_us, SOON_US);
}

TEST(a_call_released_while_it_waits_for_its_answer_closes_its_connection)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, r.provider.count == 1 && r.provider.lines[0].got.len > 60);
    uint64_t now = loop_clock_us();
    call_done(&h);
    expect_gone(&r, 0, now);
    EXPECT_EQ(atomic_load(&client_stats(r.client)->idle), 0);
    rig_close(&r);
}

TEST(a_call_released_inside_a_stream_closes_its_connection)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, r.provider.count == 1 && r.provider.lines[0].got.len > 60);
    line_say(&r.provider.lines[0],
             STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
    TURN_UNTIL(&r, h.body.len == 5);
    uint64_t now = loop_clock_us();
    call_done(&h);
    expect_gone(&r, 0, now);
    rig_close(&r);
}

TEST(a_call_may_be_released_inside_each_of_its_callbacks)
{
    for (unsigned i = 0; i < 4; i++) {
        struct rig r;
        struct heard h = {.release_on_connected = i == 0,
                          .release_on_head = i == 1,
                          .release_on_body = i == 2,
                          .release_on_end = i == 3};
        rig_open(&r);
        /* All of it in one read: the rest must not be told. */
        r.provider.answer = STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n");
        call_post(&r, &h, STR("{}"));
        TURN_UNTIL(&r, h.call == NULL);
        rig_turn_ms(&r, 5);
        EXPECT_EQ(h.heads, i >= 1);
        EXPECT_EQ(h.bodies, i < 2 ? 0 : i == 2 ? 1 : 2);
        EXPECT_EQ(h.ends, i == 3);
        EXPECT_EQ(atomic_load(&client_stats(r.client)->idle), i == 3);
        call_done(&h);
        rig_close(&r);
    }
}

TEST(a_call_released_in_the_turn_that_started_it_is_never_heard_of)
{
    struct rig r;
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    for (unsigned i = 0; i < 3; i++) {
        struct heard h = {0};
        call_post(&r, &h, STR("{}")); /* the third time on an idle connection */
        if (i == 1)
            TURN_UNTIL(&r, h.ends);
        call_done(&h);
        rig_turn_ms(&r, 3);
    }
    EXPECT_EQ(atomic_load(&client_stats(r.client)->idle), 0);
    rig_close(&r);
}

/* --- The connecting phase. */

/* A socket that listens and whose queue is full: who connects gets no answer. */
struct deaf {
    int fd, fillers[4];
    uint16_t port;
};

static void deaf_open(struct deaf *d)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    d->fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(bind(d->fd, (struct sockaddr *)&a, sizeof(a)), 0);
    EXPECT_EQ(listen(d->fd, 0), 0);
    EXPECT_EQ(getsockname(d->fd, (struct sockaddr *)&a, &len), 0);
    d->port = ntohs(a.sin_port);
    for (unsigned i = 0; i < ARRAY_LEN(d->fillers); i++) {
        d->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(d->fillers[i], (struct sockaddr *)&a, sizeof(a));
    }
    usleep(2000);
}

static void deaf_close(struct deaf *d)
{
    for (unsigned i = 0; i < ARRAY_LEN(d->fillers); i++)
        close(d->fillers[i]);
    close(d->fd);
}

/* Sockets of this machine in state SYN_SENT towards that port. */
static unsigned sockets_connecting(uint16_t port)
{
    char line[512], remote[80];
    unsigned n = 0, at = 0, state = 0;
    FILE *f = fopen("/proc/net/tcp", "r");
    EXPECT(f != NULL);
    while (fgets(line, sizeof(line), f))
        if (sscanf(line, " %*u: %*s %79s %x", remote, &state) == 2 && state == 2) {
            const char *colon = strchr(remote, ':');
            at = colon ? (unsigned)strtoul(colon + 1, NULL, 16) : 0;
            n += at == port;
        }
    fclose(f);
    return n;
}

TEST(a_call_released_while_connecting_takes_the_attempt_with_it)
{
    struct rig r;
    struct deaf d;
    struct heard h = {0}, other = {0};
    rig_open(&r);
    deaf_open(&d);
    unsigned before = sockets_connecting(d.port);
    r.endpoint.port = d.port;
    r.endpoint.key = STR("deaf");
    call_post(&r, &h, STR("{}"));
    call_post(&r, &other, STR("{}"));
    rig_turn_ms(&r, 5);
    EXPECT_EQ(sockets_connecting(d.port), before + 2);
    call_done(&h);
    rig_turn(&r);
    EXPECT_EQ(sockets_connecting(d.port), before + 1);
    call_done(&other);
    rig_turn(&r);
    EXPECT_EQ(sockets_connecting(d.port), before);
    deaf_close(&d);
    rig_close(&r);
}

TEST(an_attempt_whose_caller_left_serves_the_next_in_the_queue)
{
    struct rig r;
    struct deaf d;
    struct heard h = {0}, other = {0};
    rig_open(&r);
    deaf_open(&d);
    unsigned before = sockets_connecting(d.port);
    r.endpoint.port = d.port;
    r.endpoint.key = STR("deaf");
    r.endpoint.pool.max_connections = 1;
    call_post(&r, &h, STR("{}"));
    call_post(&r, &other, STR("{}"));
    rig_turn_ms(&r, 2);
    EXPECT_EQ(sockets_connecting(d.port), before + 1);
    EXPECT_EQ(atomic_load(&client_stats(r.client)->waiting), 1);
    call_done(&h);
    rig_turn(&r);
    EXPECT_EQ(sockets_connecting(d.port), before + 1); /* the other's now */
    EXPECT_EQ(atomic_load(&client_stats(r.client)->waiting), 0);
    call_done(&other);
    rig_turn(&r);
    EXPECT_EQ(sockets_connecting(d.port), before);
    deaf_close(&d);
    rig_close(&r);
}

TEST(a_host_that_does_not_answer_is_a_connect_timeout)
{
    struct bound bound;
    struct rig r;
    struct deaf d;
    struct heard h = {0};
    rig_open(&r);
    deaf_open(&d);
    r.endpoint.port = d.port;
    r.endpoint.key = STR("deaf");
    r.endpoint.connect_timeout_ms = 80;
    uint64_t began = loop_clock_us();
    bound_start(&bound, &r, 130, call_has_failed, &h);
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, h.errors);
    EXPECT(bound_kept(&bound));
    EXPECT_STR(err_facts(h.err)->name, "CONNECT_TIMEOUT");
    EXPECT_GE(loop_clock_us() - began, 80000);
    call_done(&h);
    deaf_close(&d);
    rig_close(&r);
}

TEST(who_comes_late_to_an_attempt_that_fails_gets_one_of_its_own)
{
    struct rig r;
    struct deaf d;
    struct heard first = {0}, late = {0};
    rig_open(&r);
    deaf_open(&d);
    r.endpoint.port = d.port;
    r.endpoint.key = STR("deaf");
    r.endpoint.connect_timeout_ms = 80;
    r.endpoint.pool.max_connections = 1;
    call_post(&r, &first, STR("{}"));
    rig_turn_ms(&r, 60);
    uint64_t began = loop_clock_us();
    call_post(&r, &late, STR("{}"));
    rig_turn(&r);
    call_done(&first); /* its attempt, 60 ms old, is the other's now */
    TURN_UNTIL(&r, late.errors);
    EXPECT_STR(err_facts(late.err)->name, "CONNECT_TIMEOUT");
    EXPECT_GE(loop_clock_us() - began, 80000);
    call_done(&late);
    deaf_close(&d);
    rig_close(&r);
}

/* --- Nonces: whatever is cancelled, no answer reaches another call. */

enum { NONCE_CALLS = 10000, NONCE_AT_ONCE = 24 };

/* Answers with the nonce of the request's body: in one piece, in two, or with another framing. */
static void echo(struct line *l, str head, str body)
{
    char text[256];
    (void)head;
    unsigned kind = (unsigned)rand() % 4;
    if (kind == 0)
        snprintf(text, sizeof(text),
                 "HTTP/1.1 200 OK\r\nX-Test: %.*s\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "%zx\r\n%.*s\r\n0\r\n\r\n",
                 STR_ARG(body), body.len, STR_ARG(body));
    else
        snprintf(text, sizeof(text),
                 "HTTP/1.1 200 OK\r\nX-Test: %.*s\r\nContent-Length: %zu\r\n\r\n%.*s",
                 STR_ARG(body), body.len, STR_ARG(body));
    str all = str_from_c(text);
    size_t cut = kind == 1 ? (size_t)rand() % all.len : all.len;
    line_say(l, str_first(all, cut));
    if (cut < all.len)
        line_say(l, str_from(all, cut));
}

struct nonce_call {
    struct heard h;
    char nonce[16];
    int turns_left; /* released then, answered or not */
};

static bool nonce_step(struct nonce_call *n)
{
    if (!n->h.ends && n->turns_left-- > 0)
        return true;
    if (n->h.errors)
        EXPECT_FAIL("%s: %s", err_facts(n->h.err)->name, n->h.why);
    if (n->h.heads)
        EXPECT_STR(n->h.field, n->nonce);
    EXPECT(str_starts(str_from_c(n->nonce), buf_str(&n->h.body)));
    if (n->h.ends)
        EXPECT_STR(buf_str(&n->h.body), n->nonce);
    call_done(&n->h);
    return false;
}

TEST(random_cancels_on_a_shared_pool_never_cross_answers)
{
    static struct nonce_call calls[NONCE_AT_ONCE];
    unsigned started = 0, finished = 0, answered = 0;
    struct rig r;
    srand(1);
    rig_open(&r);
    r.provider.on_request = echo;
    r.endpoint.pool.max_connections = 8;
    while (finished < NONCE_CALLS) {
        for (unsigned i = 0; i < NONCE_AT_ONCE; i++) {
            struct nonce_call *n = &calls[i];
            if (!n->h.call && started < NONCE_CALLS) {
                *n = (struct nonce_call){.turns_left = rand() % 3 ? 1000000 : rand() % 12};
                snprintf(n->nonce, sizeof(n->nonce), "nonce-%u", started++);
                call_post(&r, &n->h, str_from_c(n->nonce));
            } else if (n->h.call && !nonce_step(n)) {
                finished++;
                answered += n->h.ends;
            }
        }
        rig_turn(&r);
    }
    EXPECT_GT(answered, NONCE_CALLS / 2);
    EXPECT_LT(answered, NONCE_CALLS);
    rig_close(&r);
}
