#include "io/dns.h"

#include "recorder.h"
#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * A name server of our own, on a thread and a UDP socket.  What it answers depends on the first label:
 * "four" one A; "many" 20 A; "both" two A and two AAAA; "gone" NXDOMAIN; "mute" nothing; "once" an A
 * for the first question and NXDOMAIN afterwards; "late" an A after 1.2 s.
 */
static struct {
    int fd;
    pthread_t thread;
    char text[32];
    atomic_uint asked; /* A questions */
    atomic_bool stop;
} dns;

static size_t put_answer(unsigned char *to, unsigned type, unsigned ttl, unsigned last)
{
    const unsigned char head[] = {0xc0, 12, 0, (unsigned char)type, 0, 1,
                                  0,    0,  0, (unsigned char)ttl,  0, type == 1 ? 4 : 16};
    memcpy(to, head, sizeof(head));
    memset(to + sizeof(head), 0, 16);
    if (type == 1) {
        const unsigned char a[] = {192, 0, 2, (unsigned char)last};
        memcpy(to + sizeof(head), a, 4);
        return sizeof(head) + 4;
    }
    to[sizeof(head)] = 0x20;
    to[sizeof(head) + 1] = 0x01;
    to[sizeof(head) + 15] = (unsigned char)last;
    return sizeof(head) + 16;
}

static unsigned answers_for(const char *label, unsigned type, unsigned asked)
{
    if (!strcmp(label, "both"))
        return 2;
    if (type != 1)
        return 0;
    if (!strcmp(label, "many"))
        return 20;
    return strcmp(label, "once") || asked == 1 ? 1 : 0;
}

static void serve(unsigned char *m, size_t len, const struct sockaddr *to, socklen_t to_len)
{
    char label[64] = "";
    size_t at = 12;
    memcpy(label, m + 13, m[12] < 63 ? m[12] : 63);
    while (at < len && m[at])
        at += 1 + m[at];
    unsigned type = m[at + 2];
    at += 5;
    unsigned asked = type == 1 ? atomic_fetch_add(&dns.asked, 1) + 1 : 0;
    if (!strcmp(label, "mute"))
        return;
    if (!strcmp(label, "late"))
        usleep(1200000);
    unsigned n = answers_for(label, type, asked);
    bool gone = !strcmp(label, "gone") || (!strcmp(label, "once") && asked > 1);
    m[2] = 0x81;
    m[3] = gone ? 0x83 : 0x80;
    m[6] = 0;
    m[7] = (unsigned char)n;
    memset(m + 8, 0, 4);
    for (unsigned i = 0; i < n; i++)
        at += put_answer(m + at, type, !strcmp(label, "once") ? 1 : 30, i + 1);
    sendto(dns.fd, m, at, 0, to, to_len);
}

static void *run_server(void *arg)
{
    unsigned char m[2048];
    struct sockaddr_storage from;
    (void)arg;
    for (;;) {
        socklen_t from_len = sizeof(from);
        ssize_t n = recvfrom(dns.fd, m, 512, 0, (struct sockaddr *)&from, &from_len);
        if (atomic_load(&dns.stop))
            return NULL;
        if (n > 16)
            serve(m, (size_t)n, (struct sockaddr *)&from, from_len);
    }
}

static struct loop *loop;
static struct resolver *resolver;

static void begin(void)
{
    struct address a;
    EXPECT_EQ(address_parse(&a, STR("127.0.0.1:0")), ERR_NONE);
    dns.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(dns.fd, &a.any, a.len), 0);
    EXPECT_EQ(getsockname(dns.fd, &a.any, &a.len), 0);
    snprintf(dns.text, sizeof(dns.text), "127.0.0.1:%d", address_port(&a));
    atomic_store(&dns.asked, 0);
    atomic_store(&dns.stop, false);
    EXPECT_EQ(pthread_create(&dns.thread, NULL, run_server, NULL), 0);
    loop = loop_new();
    resolver = resolver_new(loop);
    EXPECT(resolver);
    EXPECT_EQ(resolver_set_servers(resolver, dns.text), ERR_NONE);
}

static void end(void)
{
    struct address a;
    resolver_free(resolver);
    loop_end(loop);
    atomic_store(&dns.stop, true);
    EXPECT_EQ(address_parse(&a, str_from_c(dns.text)), ERR_NONE);
    sendto(dns.fd, "", 0, 0, &a.any, a.len);
    pthread_join(dns.thread, NULL);
    close(dns.fd);
}

struct asked {
    unsigned calls, n;
    enum err err;
    char text[600];
    struct dns_query *cancels;
};

static void on_answer(void *arg, const struct address *addresses, unsigned n, enum err err)
{
    struct asked *q = arg;
    char ip[64];
    q->calls++;
    q->n = n;
    q->err = err;
    q->text[0] = 0;
    EXPECT_EQ(n > 0, err == ERR_NONE);
    for (unsigned i = 0; i < n; i++) {
        str text = address_ip_text(&addresses[i], ip);
        size_t used = strlen(q->text);
        snprintf(q->text + used, sizeof(q->text) - used, "%s%.*s:%d", i ? " " : "", STR_ARG(text),
                 address_port(&addresses[i]));
    }
    if (q->cancels)
        dns_cancel(q->cancels);
}

static struct dns_query *ask(struct asked *q, const char *host, uint16_t port)
{
    *q = (struct asked){0};
    struct dns_query *query = dns_resolve(resolver, str_from_c(host), port, on_answer, q);
    EXPECT(query);
    EXPECT_EQ(q->calls, 0);
    return query;
}

static void resolve(struct asked *q, const char *host, uint16_t port)
{
    ask(q, host, port);
    TURN_UNTIL(loop, q->calls);
    EXPECT_EQ(q->calls, 1);
}

static unsigned cached(const char *host)
{
    struct address out[DNS_ADDRESSES_MAX];
    return dns_cached(resolver, str_from_c(host), 1, out);
}

TEST(numeric_names_answer_without_a_query)
{
    struct address out[DNS_ADDRESSES_MAX];
    struct asked q;
    begin();
    EXPECT_EQ(dns_cached(resolver, STR("127.0.0.9"), 80, out), 1);
    EXPECT_EQ(address_port(&out[0]), 80);
    EXPECT_EQ(dns_cached(resolver, STR("2001:db8::1"), 443, out), 1);
    EXPECT_EQ(out[0].any.sa_family, AF_INET6);
    resolve(&q, "127.0.0.9", 80);
    EXPECT_STR(q.text, "127.0.0.9:80");
    EXPECT_EQ(atomic_load(&dns.asked), 0);
    end();
}

TEST(localhost_is_here)
{
    struct asked q;
    begin();
    resolve(&q, "localhost", 8080);
    EXPECT_EQ(q.err, ERR_NONE);
    EXPECT_CONTAINS(q.text, "127.0.0.1:8080");
    EXPECT_EQ(atomic_load(&dns.asked), 0);
    end();
}

TEST(answer_is_asked_for_once_and_then_cached_for_any_port_and_case)
{
    struct address out[DNS_ADDRESSES_MAX];
    struct asked a, b, c;
    begin();
    EXPECT_EQ(cached("four.test"), 0);
    ask(&a, "four.test", 80);
    ask(&b, "four.test", 81);
    TURN_UNTIL(loop, a.calls && b.calls);
    EXPECT_STR(a.text, "192.0.2.1:80");
    EXPECT_STR(b.text, "192.0.2.1:81");
    EXPECT_EQ(dns_cached(resolver, STR("FOUR.test"), 82, out), 1);
    EXPECT_EQ(address_port(&out[0]), 82);
    resolve(&c, "four.test", 83);
    EXPECT_STR(c.text, "192.0.2.1:83");
    EXPECT_EQ(atomic_load(&dns.asked), 1);
    end();
}

TEST(families_take_turns_and_ipv6_begins)
{
    struct asked q;
    begin();
    resolve(&q, "both.test", 1);
    EXPECT_STR(q.text, "2001::1:1 192.0.2.1:1 2001::2:1 192.0.2.2:1");
    end();
}

TEST(of_many_addresses_a_bounded_number_is_kept)
{
    struct asked q;
    begin();
    resolve(&q, "many.test", 1);
    EXPECT_EQ(q.n, DNS_ADDRESSES_MAX);
    end();
}

TEST(name_that_does_not_exist_fails_and_is_not_asked_for_again_at_once)
{
    struct asked q;
    begin();
    resolve(&q, "gone.test", 1);
    EXPECT_EQ(q.err, ERR_UPSTREAM_DNS);
    EXPECT_EQ(q.n, 0);
    unsigned asked = atomic_load(&dns.asked);
    resolve(&q, "gone.test", 1);
    EXPECT_EQ(q.err, ERR_UPSTREAM_DNS);
    EXPECT_EQ(atomic_load(&dns.asked), asked);
    end();
}

TEST(what_is_no_name_fails_without_a_question)
{
    char longest[400];
    struct asked q;
    begin();
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    resolve(&q, longest, 1);
    EXPECT_EQ(q.err, ERR_UPSTREAM_DNS);
    resolve(&q, "", 1);
    EXPECT_EQ(q.err, ERR_UPSTREAM_DNS);
    resolve(&q, "bad..name", 1);
    EXPECT_EQ(q.err, ERR_UPSTREAM_DNS);
    end();
}

TEST(mute_server_fails_within_a_second_without_holding_up_others)
{
    struct asked mute, four;
    begin();
    uint64_t began = loop_clock_us();
    ask(&mute, "mute.test", 1);
    resolve(&four, "four.test", 1);
    EXPECT_EQ(four.err, ERR_NONE);
    TURN_UNTIL(loop, mute.calls);
    EXPECT_EQ(mute.err, ERR_UPSTREAM_DNS);
    EXPECT_LT(loop_clock_us() - began, 3000000); /* a loaded machine, too */
    end();
}

TEST(late_answer_still_fills_the_cache)
{
    struct asked q;
    begin();
    resolve(&q, "late.test", 1);
    EXPECT_EQ(q.err, ERR_UPSTREAM_DNS);
    TURN_UNTIL(loop, cached("late.test"));
    resolve(&q, "late.test", 1);
    EXPECT_STR(q.text, "192.0.2.1:1");
    end();
}

TEST(used_answer_is_refreshed_behind_and_the_last_good_one_serves_when_that_fails)
{
    struct asked q;
    begin();
    resolve(&q, "once.test", 1); /* a life of 1 s is made 5 s, so it is refreshed after 2.5 s */
    EXPECT_EQ(q.err, ERR_NONE);
    unsigned asked = atomic_load(&dns.asked);
    TURN_UNTIL(loop, (cached("once.test"), atomic_load(&dns.asked) > asked));
    for (int i = 0; i < 5; i++)
        turn_at_most(loop, 10);
    EXPECT_EQ(cached("once.test"), 1);
    resolve(&q, "once.test", 1);
    EXPECT_STR(q.text, "192.0.2.1:1");
    end();
}

TEST(queries_can_be_cancelled_in_every_phase)
{
    struct asked a, b, c, d;
    begin();
    struct dns_query *first = ask(&a, "four.test", 1);
    struct dns_query *second = ask(&b, "four.test", 1);
    struct dns_query *numeric = ask(&c, "127.0.0.1", 1);
    dns_cancel(first);
    dns_cancel(numeric);
    ask(&d, "four.test", 1);
    TURN_UNTIL(loop, d.calls && b.calls);
    EXPECT_EQ(a.calls + c.calls, 0);

    ask(&a, "many.test", 1);
    second = ask(&b, "many.test", 1);
    a.cancels = second; /* inside the callback of another */
    TURN_UNTIL(loop, a.calls);
    loop_turn(loop, false);
    EXPECT_EQ(b.calls, 0);
    end();
}

TEST(resolver_may_go_with_queries_under_way)
{
    struct asked a, b;
    begin();
    ask(&a, "mute.test", 1);
    ask(&b, "127.0.0.1", 1);
    loop_turn(loop, false);
    ask(&b, "127.0.0.1", 1);
    b.calls = 0;
    resolver_free(resolver);
    resolver = NULL;
    loop_turn(loop, false);
    EXPECT_EQ(a.calls + b.calls, 0);
    end();
}

TEST(list_of_servers_is_checked)
{
    begin();
    EXPECT_EQ(resolver_set_servers(resolver, "not an address"), ERR_CONFIG);
    end();
}
