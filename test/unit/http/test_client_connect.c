/* Ways to a provider: Unix sockets, CONNECT through a proxy, TLS, names. */
#include "client_rig.h"
#include "identity.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- Unix sockets. */

TEST(a_provider_behind_a_unix_socket_is_called)
{
    struct rig r;
    struct heard h = {0};
    struct provider behind;
    char folder[] = "/tmp/client-test-XXXXXX", path[96];
    EXPECT(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/socket", folder);
    rig_open(&r);
    provider_open_unix(&behind, r.loop, path);
    behind.answer = STR(OK_HEAD(2) "ok");
    r.endpoint.unix_path = str_from_c(path);
    r.endpoint.authority = STR("localhost");
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, call_over(&h));
    EXPECT_STR(h.why, "");
    EXPECT_EQ(behind.count, 1);
    EXPECT_EQ(r.provider.count, 0);
    call_done(&h);
    provider_close(&behind);
    rig_close(&r);
    unlink(path);
    rmdir(folder);
}

TEST(a_unix_socket_that_is_not_there_refuses)
{
    char path[300];
    memset(path, 'p', sizeof(path));
    str paths[] = {STR("/nowhere/at/all"), str_make(path, sizeof(path))};
    for (unsigned i = 0; i < 2; i++) {
        struct rig r;
        struct heard h = {0};
        rig_open(&r);
        r.endpoint.unix_path = paths[i];
        call_post(&r, &h, STR("{}"));
        TURN_UNTIL(&r, call_over(&h));
        EXPECT_STR(err_facts(h.err)->name, "UPSTREAM_CONNECT");
        call_done(&h);
        rig_close(&r);
    }
}

/* --- The proxy, which plays the provider behind it too. */

static struct {
    str answer; /* to CONNECT */
    unsigned tunnels;
    char asked[512];
} proxy;

static void proxy_on_request(struct line *l, str head, str body)
{
    (void)body;
    if (!str_starts(head, STR("CONNECT "))) {
        line_say(l, STR(OK_HEAD(2) "ok"));
        return;
    }
    proxy.tunnels++;
    snprintf(proxy.asked, sizeof(proxy.asked), "%.*s", STR_ARG(head));
    line_say(l, proxy.answer);
    if (l->provider->tls)
        line_secure(l);
}

static void proxy_open(struct rig *r, str answer)
{
    memset(&proxy, 0, sizeof(proxy));
    proxy.answer = answer;
    r->provider.on_request = proxy_on_request;
    r->endpoint.host = STR("provider.example");
    r->endpoint.authority = STR("provider.example");
    r->endpoint.port = 443;
    r->endpoint.proxy_host = STR("127.0.0.1");
    r->endpoint.proxy_port = r->provider.port;
}

TEST(a_call_goes_through_the_tunnel_of_a_proxy)
{
    struct rig r;
    rig_open(&r);
    proxy_open(&r, STR("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"));
    r.endpoint.proxy_authorization = STR("Basic dTpw");
    for (unsigned i = 0; i < 2; i++) {
        struct heard h = {0};
        call_post(&r, &h, STR("{}"));
        TURN_UNTIL(&r, call_over(&h));
        EXPECT_STR(h.why, "");
        EXPECT_STR(buf_str(&h.body), "ok");
        call_done(&h);
    }
    EXPECT_STR(proxy.asked, "CONNECT provider.example:443 HTTP/1.1\r\n"
                            "Host: provider.example:443\r\n"
                            "Proxy-Authorization: Basic dTpw\r\n\r\n");
    EXPECT_EQ(proxy.tunnels, 1);
    rig_close(&r);
}

TEST(an_ipv6_host_is_bracketed_for_the_proxy)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    proxy_open(&r, STR("HTTP/1.0 200 OK\r\n\r\n"));
    r.endpoint.host = STR("::1");
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, call_over(&h));
    EXPECT_STR(h.why, "");
    EXPECT_STR(proxy.asked, "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n");
    call_done(&h);
    rig_close(&r);
}

TEST(what_a_proxy_may_not_answer_is_a_connect_error)
{
    static const struct {
        const char *answer, *why;
    } rows[] = {
        {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno.", "407"},
        {"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502"},
        {"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\n\r\n", "302"},
        {"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n", "before the tunnel"},
        {"SOCKS\r\n", "not HTTP"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct rig r;
        struct heard h = {0};
        rig_open(&r);
        proxy_open(&r, str_from_c(rows[i].answer));
        call_post(&r, &h, STR("{}"));
        TURN_UNTIL(&r, call_over(&h));
        EXPECT_STR(err_facts(h.err)->name, "UPSTREAM_CONNECT");
        EXPECT_CONTAINS(h.why, rows[i].why);
        TURN_UNTIL(&r, r.provider.lines[0].ended);
        call_done(&h);
        rig_close(&r);
    }
}

TEST(a_silent_proxy_falls_under_the_connect_timeout_and_a_release_closes_it)
{
    for (unsigned i = 0; i < 2; i++) {
        struct rig r;
        struct heard h = {0};
        rig_open(&r);
        proxy_open(&r, STR(""));
        r.provider.on_request = NULL;
        r.endpoint.connect_timeout_ms = 60;
        call_post(&r, &h, STR("{}"));
        TURN_UNTIL(&r, r.provider.count && r.provider.lines[0].got.len);
        if (i == 0) {
            TURN_UNTIL(&r, call_over(&h));
            EXPECT_STR(err_facts(h.err)->name, "CONNECT_TIMEOUT");
            EXPECT_CONTAINS(h.why, "proxy");
        }
        call_done(&h);
        TURN_UNTIL(&r, r.provider.lines[0].ended);
        rig_close(&r);
    }
}

TEST(a_proxy_that_hangs_up_is_a_connect_error)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    proxy_open(&r, STR(""));
    r.provider.on_request = NULL;
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, r.provider.count && r.provider.lines[0].got.len);
    line_close(&r.provider.lines[0]);
    TURN_UNTIL(&r, call_over(&h));
    EXPECT_STR(err_facts(h.err)->name, "UPSTREAM_CONNECT");
    call_done(&h);
    rig_close(&r);
}

/* --- TLS. */

struct secured {
    struct rig rig;
    struct identity id;
    struct tls_context *server, *client;
};

static void secured_open(struct secured *s, const char *names, bool trusted)
{
    char why[256] = "";
    rig_open(&s->rig);
    identity_make_for(&s->id, "provider", names);
    s->server = tls_server_context(
        &(struct tls_server_options){.certificates =
                                         &(struct tls_certificate){s->id.certificate, s->id.key},
                                     .count = 1,
                                     .min_version = TLS1_2_VERSION,
                                     .alpn = "http/1.1"},
        why, sizeof(why));
    EXPECT_STR(why, "");
    s->client =
        tls_client_context(&(struct tls_client_options){.ca = trusted ? s->id.certificate : NULL,
                                                        .verify = true,
                                                        .min_version = TLS1_2_VERSION,
                                                        .alpn = "http/1.1"},
                           why, sizeof(why));
    EXPECT_STR(why, "");
    s->rig.provider.tls = s->server;
    s->rig.provider.answer = STR(OK_HEAD(2) "ok");
    s->rig.endpoint.tls = true;
    s->rig.endpoint.tls_context = s->client;
}

static void secured_close(struct secured *s)
{
    rig_close(&s->rig);
    tls_context_unref(s->server);
    tls_context_unref(s->client);
    identity_remove(&s->id);
}

TEST(calls_over_tls_share_a_connection)
{
    struct secured s;
    secured_open(&s, "IP:127.0.0.1", true);
    for (unsigned i = 0; i < 3; i++) {
        struct heard h = {0};
        call_post(&s.rig, &h, STR("{}"));
        TURN_UNTIL(&s.rig, call_over(&h));
        EXPECT_STR(h.why, "");
        EXPECT_STR(buf_str(&h.body), "ok");
        EXPECT_EQ(h.timing.reused, i > 0);
        call_done(&h);
    }
    EXPECT_EQ(s.rig.provider.count, 1);
    secured_close(&s);
}

TEST(a_certificate_that_is_not_trusted_or_names_another_host_is_refused)
{
    for (unsigned i = 0; i < 2; i++) {
        struct secured s;
        struct heard h = {0};
        secured_open(&s, i ? "DNS:provider.example" : "IP:127.0.0.1", i);
        call_post(&s.rig, &h, STR("{\"secret\":1}"));
        TURN_UNTIL(&s.rig, call_over(&h));
        EXPECT_STR(err_facts(h.err)->name, "UPSTREAM_TLS");
        EXPECT_NE(h.why[0], 0);
        EXPECT_EQ(s.rig.provider.lines[0].got.len, 0);
        call_done(&h);
        secured_close(&s);
    }
}

TEST(plain_bytes_where_tls_should_be_are_refused)
{
    struct secured s;
    struct heard h = {0};
    secured_open(&s, "IP:127.0.0.1", true);
    s.rig.provider.tls = NULL;
    s.rig.provider.answer = STR_NULL;
    call_post(&s.rig, &h, STR("{}"));
    TURN_UNTIL(&s.rig, s.rig.provider.count == 1);
    line_say(&s.rig.provider.lines[0], STR(OK_HEAD(2) "ok"));
    TURN_UNTIL(&s.rig, call_over(&h));
    EXPECT_STR(err_facts(h.err)->name, "UPSTREAM_TLS");
    call_done(&h);
    secured_close(&s);
}

TEST(a_handshake_that_stalls_falls_under_the_connect_timeout_and_a_release_closes_it)
{
    for (unsigned i = 0; i < 2; i++) {
        struct secured s;
        struct heard h = {0};
        secured_open(&s, "IP:127.0.0.1", true);
        s.rig.provider.tls = NULL;
        s.rig.provider.answer = STR_NULL;
        s.rig.endpoint.connect_timeout_ms = 60;
        call_post(&s.rig, &h, STR("{}"));
        TURN_UNTIL(&s.rig, s.rig.provider.count && s.rig.provider.lines[0].got.len);
        if (i == 0) {
            TURN_UNTIL(&s.rig, call_over(&h));
            EXPECT_STR(err_facts(h.err)->name, "CONNECT_TIMEOUT");
            EXPECT_CONTAINS(h.why, "TLS");
        }
        uint64_t now = loop_clock_us();
        call_done(&h);
        TURN_UNTIL(&s.rig, s.rig.provider.lines[0].ended);
        EXPECT_LT(loop_clock_us() - now, 50000);
        secured_close(&s);
    }
}

TEST(an_answer_over_tls_that_ends_without_close_notify_is_cut)
{
    for (unsigned i = 0; i < 2; i++) {
        struct secured s;
        struct heard h = {0};
        secured_open(&s, "IP:127.0.0.1", true);
        s.rig.provider.answer = STR_NULL;
        call_post(&s.rig, &h, STR("{}"));
        TURN_UNTIL(&s.rig, s.rig.provider.count == 1 && s.rig.provider.lines[0].got.len > 60);
        struct line *l = &s.rig.provider.lines[0];
        line_say(l, STR("HTTP/1.1 200 OK\r\n\r\nhello"));
        TURN_UNTIL(&s.rig, h.body.len == 5);
        if (i)
            line_reset(l); /* the transport goes, no close_notify was sent */
        else
            stream_shut(l->stream);
        TURN_UNTIL(&s.rig, call_over(&h));
        EXPECT_EQ(h.err, i ? ERR_UPSTREAM_TRUNCATED : ERR_NONE);
        call_done(&h);
        secured_close(&s);
    }
}

TEST(a_call_released_over_tls_closes_its_connection)
{
    struct secured s;
    struct heard h = {0};
    secured_open(&s, "IP:127.0.0.1", true);
    s.rig.provider.answer = STR_NULL;
    call_post(&s.rig, &h, STR("{}"));
    TURN_UNTIL(&s.rig, s.rig.provider.count == 1 && s.rig.provider.lines[0].got.len > 60);
    uint64_t now = loop_clock_us();
    call_done(&h);
    TURN_UNTIL(&s.rig, s.rig.provider.lines[0].ended);
    EXPECT_LT(loop_clock_us() - now, 50000);
    secured_close(&s);
}

TEST(tls_goes_through_the_tunnel_of_a_proxy)
{
    struct secured s;
    struct heard h = {0};
    secured_open(&s, "DNS:provider.example", true);
    proxy_open(&s.rig, STR("HTTP/1.1 200 Connection established\r\n\r\n"));
    s.rig.provider.plain_first = true;
    call_post(&s.rig, &h, STR("{}"));
    TURN_UNTIL(&s.rig, call_over(&h));
    EXPECT_STR(h.why, "");
    EXPECT_STR(buf_str(&h.body), "ok");
    EXPECT_EQ(proxy.tunnels, 1);
    call_done(&h);
    secured_close(&s);
}

TEST(a_request_on_a_stale_tls_connection_is_sent_once_more)
{
    struct secured s;
    struct heard h = {0}, again = {0};
    secured_open(&s, "IP:127.0.0.1", true);
    call_post(&s.rig, &h, STR("{}"));
    TURN_UNTIL(&s.rig, call_over(&h));
    call_done(&h);
    line_close(&s.rig.provider.lines[0]);
    call_post(&s.rig, &again, STR("{}"));
    TURN_UNTIL(&s.rig, call_over(&again));
    EXPECT_STR(again.why, "");
    EXPECT_EQ(s.rig.provider.count, 2);
    call_done(&again);
    secured_close(&s);
}

/* --- Names. */

TEST(a_name_is_resolved)
{
    struct rig r;
    struct heard h = {0};
    rig_open(&r);
    r.provider.answer = STR(OK_HEAD(2) "ok");
    r.endpoint.host = STR("localhost");
    call_post(&r, &h, STR("{}"));
    TURN_UNTIL(&r, call_over(&h));
    EXPECT_STR(h.why, "");
    call_done(&h);
    rig_close(&r);
}

TEST(a_name_that_does_not_exist_is_a_dns_error_and_a_release_ends_the_query)
{
    for (unsigned i = 0; i < 2; i++) {
        struct rig r;
        struct heard h = {0};
        rig_open(&r);
        r.endpoint.host = STR("no-such-host.invalid");
        r.endpoint.key = STR("nowhere");
        r.endpoint.connect_timeout_ms = 1000;
        call_post(&r, &h, STR("{}"));
        if (i == 0) {
            TURN_UNTIL(&r, call_over(&h));
            /* A machine without a resolver answers with silence. */
            EXPECT(h.err == ERR_UPSTREAM_DNS || h.err == ERR_CONNECT_TIMEOUT);
        }
        call_done(&h);
        rig_turn_ms(&r, 5);
        rig_close(&r);
    }
}
