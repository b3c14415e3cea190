#include "proxy/fetch.h"

#include <stdlib.h>

#include "support/fake_call.h"
#include "support/fake_loop.h"
#include "support/test.h"

enum { QUERIES_MAX = 32 };

#define PNG "\x89PNG\r\n\x1a\n\0\0\0\r"
#define PNG_BASE64 "iVBORw0KGgoAAAAN"

struct query {
    str host;
    dns_fn *on_answer;
    void *arg;
    bool over;
};

struct rig {
    struct loop *loop;
    struct fake_caller caller;
    struct fetch_names names;
    struct query queries[QUERIES_MAX];
    unsigned query_count;
    struct network_conf networks[1];
    struct fetch_conf conf;
    struct arena arena;
    struct chat chat;
    struct fetch *fetch;
    struct chat_fault fault;
    unsigned done;
};

static void *start(void *arg, str host, uint16_t port, dns_fn *on_answer, void *on_answer_arg)
{
    struct rig *r = arg;
    (void)port;
    if (r->query_count == QUERIES_MAX)
        return NULL;
    struct query *q = &r->queries[r->query_count++];
    *q = (struct query){.host = host, .on_answer = on_answer, .arg = on_answer_arg};
    return q;
}

static void cancel(void *query)
{
    struct query *q = query;
    CHECK(!q->over);
    q->over = true;
}

static void open_rig(struct rig *r)
{
    *r = (struct rig){.loop = loop_new()};
    fake_caller_init(&r->caller, r->loop);
    r->names = (struct fetch_names){.start = start, .cancel = cancel, .arg = r};
    r->conf = (struct fetch_conf){.max_size = 4096, .max_count = 6, .timeout_ms = 10000};
    arena_init(&r->arena, 1 << 20);
    chat_init(&r->chat, &r->arena);
}

static void close_rig(struct rig *r)
{
    fetch_release(r->fetch);
    fake_loop_settle(r->loop);
    for (unsigned i = 0; i < r->query_count; i++)
        EXPECT(r->queries[i].over);
    EXPECT_EQ(fake_loop_timers(r->loop), 0);
    EXPECT_EQ(fake_caller_live(&r->caller), 0);
    fake_caller_release(&r->caller);
    loop_free(r->loop);
    arena_release(&r->arena);
    arena_recycler_release();
    chunk_recycler_release();
}

static struct media *add(struct rig *r, enum block_kind kind, const char *url, str path)
{
    struct turn *t = chat_add_turn(&r->chat, ROLE_USER, path);
    struct block *b = turn_add(&r->chat, t, kind);
    b->media = (struct media){.source = MEDIA_URL, .data = str_from_c(url)};
    return &b->media;
}

static void on_done(void *arg, const struct chat_fault *fault)
{
    struct rig *r = arg;
    r->done++;
    r->fault = *fault;
}

static bool begin(struct rig *r)
{
    struct chat_fault fault;
    r->fetch = fetch_start(&(struct fetch_options){.loop = r->loop,
                                                   .caller = &r->caller.caller,
                                                   .names = &r->names,
                                                   .conf = &r->conf,
                                                   .user_agent = STR("gw/1"),
                                                   .on_done = on_done,
                                                   .arg = r},
                           &r->chat, &fault);
    if (!r->fetch)
        r->fault = fault;
    EXPECT_EQ(r->done, 0); /* never inside */
    return r->fetch != NULL;
}

/* The newest query gets these addresses, split at blanks; "" does not resolve. */
static void resolve(struct rig *r, const char *ips)
{
    struct address a[DNS_ADDRESSES_MAX];
    unsigned n = 0;
    struct query *q = &r->queries[r->query_count - 1];
    str rest = str_from_c(ips);
    while (rest.len) {
        str one = str_split(&rest, ' ');
        EXPECT(address_from_ip(&a[n++], one, 443));
    }
    EXPECT(!q->over);
    q->over = true;
    q->on_answer(q->arg, a, n, n ? ERR_NONE : ERR_UPSTREAM_DNS);
    fake_loop_settle(r->loop);
}

static struct fake_call *last_call(struct rig *r)
{
    return fake_caller_call(&r->caller, r->caller.count - 1);
}

static void answer(struct rig *r, const char *type, str body)
{
    fake_call_answer(last_call(r), 200, type, body);
    fake_loop_settle(r->loop);
}

static void redirect(struct rig *r, const char *location)
{
    struct arena a;
    arena_init(&a, 0);
    str head =
        arena_printf(&a, "HTTP/1.1 302 Found\nlocation: %s\ncontent-length: 0\n\n", location);
    fake_call_head(last_call(r), head);
    fake_call_end(last_call(r));
    arena_release(&a);
    fake_loop_settle(r->loop);
}

static void expect_fault(struct rig *r, const char *text)
{
    EXPECT_STR(r->fault.text, text);
    EXPECT_EQ(r->fault.err, ERR_FIELD_INVALID);
    EXPECT_STR(r->fault.field, "messages[0]");
    EXPECT_LE(r->done, 1);
    EXPECT_EQ(fake_caller_live(&r->caller), 0);
}

/* --- What goes well ------------------------------------------------------------------------- */

/* mapping: §3 image https openai→gemini; §3 image https openai→bedrock; §3 image https openai→ollama */
TEST(an_image_becomes_base64)
{
    struct rig r;
    open_rig(&r);
    struct media *m = add(&r, BLOCK_IMAGE, "https://Img.example/a b.png?x#f", STR("messages[0]"));
    EXPECT(fetch_wanted(&r.chat));
    EXPECT(begin(&r));
    EXPECT_STR(r.queries[0].host, "img.example");
    resolve(&r, "8.8.8.8 2606:4700::1");
    struct fake_call *c = last_call(&r);
    EXPECT_STR(c->method, "GET");
    EXPECT_STR(c->authority, "img.example");
    EXPECT_STR(c->target, "/a%20b.png?x");
    EXPECT_STR(fake_call_field(c, STR("accept")), "image/*");
    EXPECT_STR(fake_call_field(c, STR("accept-encoding")), "identity");
    EXPECT_STR(fake_call_field(c, STR("user-agent")), "gw/1");
    EXPECT(str_is_null(fake_call_field(c, STR("authorization"))));
    EXPECT(str_is_null(fake_call_field(c, STR("cookie"))));
    answer(&r, "text/plain", STR(PNG)); /* what it is counts, not what it is called */
    EXPECT_EQ(r.done, 1);
    EXPECT(str_is_null(r.fault.field));
    EXPECT_EQ(m->source, MEDIA_BASE64);
    EXPECT_STR(m->mime, "image/png");
    EXPECT_STR(m->data, PNG_BASE64);
    EXPECT(!fetch_wanted(&r.chat));
    close_rig(&r);
}

TEST(four_at_once_and_all_of_them)
{
    struct rig r;
    open_rig(&r);
    for (unsigned i = 0; i < 6; i++)
        add(&r, BLOCK_IMAGE, "https://8.8.8.8/x", STR("messages[0]"));
    EXPECT(begin(&r));
    EXPECT_EQ(r.query_count, 4);
    while (r.query_count < 6 || !r.queries[5].over) {
        for (unsigned i = 0; i < r.query_count; i++) {
            struct address a;
            struct query *q = &r.queries[i];
            if (q->over)
                continue;
            EXPECT(address_from_ip(&a, STR("8.8.8.8"), 443));
            q->over = true;
            q->on_answer(q->arg, &a, 1, ERR_NONE);
            answer(&r, "image/png", STR(PNG));
        }
    }
    EXPECT_EQ(r.done, 1);
    EXPECT(!fetch_wanted(&r.chat));
    close_rig(&r);
}

TEST(results_of_tools_and_documents_count_too)
{
    struct rig r;
    open_rig(&r);
    struct turn *t = chat_add_turn(&r.chat, ROLE_USER, STR("messages[0]"));
    struct block *result = turn_add(&r.chat, t, BLOCK_RESULT);
    result->result.content = chat_new_block(&r.chat, BLOCK_IMAGE);
    struct media *image = &result->result.content->media;
    *image = (struct media){.source = MEDIA_URL, .data = STR("https://1.1.1.1/i")};
    struct media *pdf = add(&r, BLOCK_DOCUMENT, "https://1.1.1.1/d", STR("messages[1]"));
    struct media *text = add(&r, BLOCK_DOCUMENT, "https://1.1.1.1/t", STR("messages[2]"));
    EXPECT(begin(&r));
    static const char *const types[] = {"image/png", "application/octet-stream",
                                        "Text/Plain; charset=utf-8"};
    const str bodies[] = {STR(PNG), STR("%PDF-1.7"), STR("words")};
    for (unsigned i = 0; i < 3; i++) {
        struct address a;
        EXPECT(address_from_ip(&a, STR("1.1.1.1"), 443));
        r.queries[i].over = true;
        r.queries[i].on_answer(r.queries[i].arg, &a, 1, ERR_NONE);
        answer(&r, types[i], bodies[i]);
    }
    EXPECT_EQ(r.done, 1);
    EXPECT_STR(image->mime, "image/png");
    EXPECT_STR(pdf->mime, "application/pdf");
    EXPECT_STR(text->mime, "text/plain");
    EXPECT_STR(text->data, "d29yZHM=");
    close_rig(&r);
}

TEST(other_places_are_left_alone)
{
    struct rig r;
    open_rig(&r);
    add(&r, BLOCK_IMAGE, "gs://bucket/x.png", STR("messages[0]"));
    add(&r, BLOCK_IMAGE, "s3://bucket/x.png", STR("messages[0]"));
    struct media *m = add(&r, BLOCK_IMAGE, "", STR("messages[0]"));
    m->source = MEDIA_FILE_ID;
    add(&r, BLOCK_AUDIO, "https://a.example/x.mp3", STR("messages[0]"));
    EXPECT(!fetch_wanted(&r.chat));
    close_rig(&r);
}

TEST(redirects_are_followed_three_times)
{
    struct rig r;
    open_rig(&r);
    add(&r, BLOCK_IMAGE, "https://a.example/x", STR("messages[0]"));
    EXPECT(begin(&r));
    resolve(&r, "8.8.8.8");
    redirect(&r, "https://b.example/y?z");
    EXPECT_STR(r.queries[1].host, "b.example");
    resolve(&r, "8.8.4.4");
    EXPECT_STR(last_call(&r)->target, "/y?z");
    redirect(&r, "/w");
    resolve(&r, "8.8.4.4");
    EXPECT_STR(last_call(&r)->authority, "b.example");
    redirect(&r, "w2");
    resolve(&r, "8.8.4.4");
    answer(&r, "image/png", STR(PNG));
    EXPECT_EQ(r.done, 1);
    EXPECT(str_is_null(r.fault.field));
    close_rig(&r);
}

/* --- What does not (hardening 2.2, 50) -------------------------------------------------------- */

TEST(a_fourth_redirect_is_one_too_many)
{
    struct rig r;
    open_rig(&r);
    add(&r, BLOCK_IMAGE, "https://a.example/x", STR("messages[0]"));
    EXPECT(begin(&r));
    for (unsigned i = 0; i < 4; i++) {
        resolve(&r, "8.8.8.8");
        redirect(&r, "/next");
    }
    expect_fault(&r, "the image's address is redirected too often");
    close_rig(&r);
}

TEST(bad_addresses_are_refused_before_anybody_is_asked)
{
    static const struct {
        const char *url, *text;
    } rows[] = {
        {"http://a.example/x", "the image's address must begin with https://"},
        {"https://127.1/x", "the image's address has no plain host"},
        {"https://2130706433/", "the image's address has no plain host"},
        {"https://u:p@a.example/", "the image's address has no plain host"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig r;
        open_rig(&r);
        add(&r, BLOCK_IMAGE, rows[i].url, STR("messages[0]"));
        EXPECT(!begin(&r));
        expect_fault(&r, rows[i].text);
        EXPECT_EQ(r.query_count, 0);
        EXPECT_EQ(r.done, 0);
        close_rig(&r);
    }
}

TEST(names_of_private_addresses_are_refused_whatever_stands_beside)
{
    static const char *const answers[] = {
        "127.0.0.1",        "10.1.2.3",
        "169.254.169.254",  "8.8.8.8 127.0.0.1",
        "2606:4700::1 ::1", "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",   "64:ff9b::7f00:1",
        "2002:7f00:1::1",   "fd00:ec2::254",
        "100.100.100.200",  "0.0.0.0",
        "fe80::1",          "fec0::1",
        "2001:0:1::1",      "168.63.129.16",
        "224.0.0.1",        "::",
        "255.255.255.255",  "192.168.1.1 8.8.8.8",
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct rig r;
        open_rig(&r);
        add(&r, BLOCK_IMAGE, "https://evil.example/x", STR("messages[0]"));
        EXPECT(begin(&r));
        resolve(&r, answers[i]);
        expect_fault(&r, "the image's address is not in a public network");
        EXPECT_EQ(r.caller.count, 0);
        close_rig(&r);
    }
}

TEST(a_redirect_into_the_private_network_is_refused)
{
    struct rig r;
    open_rig(&r);
    add(&r, BLOCK_IMAGE, "https://a.example/x", STR("messages[0]"));
    EXPECT(begin(&r));
    resolve(&r, "8.8.8.8");
    redirect(&r, "https://169.254.169.254/latest/meta-data/");
    resolve(&r, "169.254.169.254");
    expect_fault(&r, "the image's address is not in a public network");
    EXPECT_EQ(r.caller.count, 1);
    close_rig(&r);
}

TEST(a_redirect_to_plain_http_is_refused)
{
    struct rig r;
    open_rig(&r);
    add(&r, BLOCK_IMAGE, "https://a.example/x", STR("messages[0]"));
    EXPECT(begin(&r));
    resolve(&r, "8.8.8.8");
    redirect(&r, "http://a.example/y");
    expect_fault(&r, "the image's address is redirected to one that is not https, or has no plain "
                     "host");
    close_rig(&r);
}

/* The name is asked once, and what was checked is what is connected to: a second answer would have no
 * effect.  At a redirect to the same name it is asked, and checked, again. */
TEST(a_name_that_changes_its_mind_is_caught)
{
    struct rig r;
    open_rig(&r);
    add(&r, BLOCK_IMAGE, "https://rebind.example/x", STR("messages[0]"));
    EXPECT(begin(&r));
    resolve(&r, "8.8.8.8");
    EXPECT_EQ(r.query_count, 1);
    redirect(&r, "https://rebind.example/y");
    EXPECT_EQ(r.query_count, 2);
    resolve(&r, "127.0.0.1");
    expect_fault(&r, "the image's address is not in a public network");
    EXPECT_EQ(r.caller.count, 1);
    close_rig(&r);
}

TEST(the_operator_may_allow_networks)
{
    struct rig r;
    open_rig(&r);
    r.networks[0] =
        (struct network_conf){.address = {[10] = 0xff, [11] = 0xff, [12] = 10}, .bits = 96 + 8};
    r.conf.networks = r.networks;
    r.conf.network_count = 1;
    add(&r, BLOCK_IMAGE, "https://intern.example/x", STR("messages[0]"));
    EXPECT(begin(&r));
    resolve(&r, "10.0.0.7 8.8.8.8");
    EXPECT_EQ(r.caller.count, 1);
    answer(&r, "image/png", STR(PNG));
    EXPECT(str_is_null(r.fault.field));
    close_rig(&r);
    open_rig(&r);
    r.networks[0] =
        (struct network_conf){.address = {[10] = 0xff, [11] = 0xff, [12] = 10}, .bits = 96 + 8};
    r.conf.networks = r.networks;
    r.conf.network_count = 1;
    add(&r, BLOCK_IMAGE, "https://intern.example/x", STR("messages[0]"));
    EXPECT(begin(&r));
    resolve(&r, "10.0.0.7 192.168.0.1");
    expect_fault(&r, "the image's address is not in a public network");
    close_rig(&r);
}

static void fail_with(const char *head, size_t bytes, const char *text)
{
    struct rig r;
    char piece[512];
    memset(piece, 'x', sizeof(piece));
    open_rig(&r);
    add(&r, BLOCK_IMAGE, "https://a.example/x", STR("messages[0]"));
    EXPECT(begin(&r));
    resolve(&r, "8.8.8.8");
    fake_call_head(last_call(&r), str_from_c(head));
    for (size_t sent = 0; sent < bytes; sent += sizeof(piece))
        if (!fake_call_body(last_call(&r), str_make(piece, sizeof(piece))))
            break;
    if (!last_call(&r)->released)
        fake_call_end(last_call(&r));
    fake_loop_settle(r.loop);
    expect_fault(&r, text);
    close_rig(&r);
}

TEST(answers_that_are_no_image)
{
    fail_with("HTTP/1.1 404 Not Found\n\n", 0, "the image's address answered 404");
    fail_with("HTTP/1.1 206 Partial\n\n", 512, "the image's address answered 206");
    fail_with("HTTP/1.1 304 Not Modified\n\n", 0, "the image's address answered 304");
    fail_with("HTTP/1.1 302 Found\n\n", 0,
              "the image's address is redirected to one that is not https, or has no plain host");
    fail_with("HTTP/1.1 200 OK\ncontent-length: 0\n\n", 0, "the image's address leads to nothing");
    fail_with("HTTP/1.1 200 OK\ncontent-type: text/html\n\n", 512,
              "the image's address leads to something that is no image");
    fail_with("HTTP/1.1 200 OK\n\n", 512,
              "the image's address leads to something that is no image");
    fail_with("HTTP/1.1 200 OK\ncontent-type: image/png\n\n", 100000,
              "the image's address leads to more bytes than fetch.max_size");
    fail_with("HTTP/1.1 200 OK\ncontent-type: image/png\ncontent-length: 99999999\n\n", 0,
              "the image's address leads to more bytes than fetch.max_size");
}

TEST(a_pdf_is_no_image)
{
    struct rig r;
    open_rig(&r);
    add(&r, BLOCK_IMAGE, "https://a.example/x", STR("messages[0]"));
    EXPECT(begin(&r));
    resolve(&r, "8.8.8.8");
    answer(&r, "image/png", STR("%PDF-1.7"));
    expect_fault(&r, "the image's address leads to something that is no image");
    close_rig(&r);
}

TEST(slow_ones_are_given_up)
{
    struct rig r;
    open_rig(&r);
    add(&r, BLOCK_IMAGE, "https://a.example/x", STR("messages[0]"));
    EXPECT(begin(&r));
    fake_loop_advance_ms(r.loop, 2000); /* the name's lookup counts */
    resolve(&r, "8.8.8.8");
    fake_call_head(last_call(&r), STR("HTTP/1.1 200 OK\ncontent-type: image/png\n\n"));
    for (unsigned i = 0; i < 7; i++) {
        fake_call_body(last_call(&r), STR("x"));
        fake_loop_advance_ms(r.loop, 1000);
    }
    EXPECT_EQ(r.done, 0);
    fake_loop_advance_ms(r.loop, 1100);
    expect_fault(&r, "the image's address did not answer in time (fetch.timeout)");
    EXPECT_EQ(r.done, 1);
    close_rig(&r);
}

TEST(broken_connections_and_names)
{
    static const struct {
        enum err err;
        const char *text;
    } rows[] = {
        {ERR_UPSTREAM_CONNECT, "the image's address could not be fetched"},
        {ERR_UPSTREAM_RESET, "the image's address could not be fetched"},
        {ERR_UPSTREAM_TLS, "the image's address has no trusted certificate"},
        {ERR_CONNECT_TIMEOUT, "the image's address did not answer in time (fetch.timeout)"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig r;
        open_rig(&r);
        add(&r, BLOCK_IMAGE, "https://a.example/x", STR("messages[0]"));
        EXPECT(begin(&r));
        resolve(&r, "8.8.8.8");
        fake_call_error(last_call(&r), rows[i].err);
        fake_loop_settle(r.loop);
        expect_fault(&r, rows[i].text);
        close_rig(&r);
    }
    struct rig r;
    open_rig(&r);
    add(&r, BLOCK_IMAGE, "https://a.example/x", STR("messages[0]"));
    EXPECT(begin(&r));
    resolve(&r, "");
    expect_fault(&r, "the image's address has a host that does not resolve");
    close_rig(&r);
}

TEST(one_that_fails_ends_the_others)
{
    struct rig r;
    open_rig(&r);
    for (unsigned i = 0; i < 6; i++)
        add(&r, BLOCK_IMAGE, "https://a.example/x", STR("messages[0]"));
    EXPECT(begin(&r));
    EXPECT_EQ(r.query_count, 4);
    resolve(&r, "127.0.0.1");
    EXPECT_EQ(r.done, 1);
    for (unsigned i = 0; i < 4; i++)
        EXPECT(r.queries[i].over);
    EXPECT_EQ(r.query_count, 4);
    close_rig(&r);
}

TEST(too_many_are_refused)
{
    struct rig r;
    open_rig(&r);
    for (unsigned i = 0; i < 7; i++)
        add(&r, BLOCK_IMAGE, "https://a.example/x", STR("messages[0]"));
    EXPECT(!begin(&r));
    expect_fault(&r, "the image's address is one too many to be fetched (fetch.max_count)");
    close_rig(&r);
}

TEST(who_leaves_ends_everything)
{
    for (unsigned at = 0; at < 3; at++) {
        struct rig r;
        open_rig(&r);
        add(&r, BLOCK_IMAGE, "https://a.example/x", STR("messages[0]"));
        EXPECT(begin(&r));
        if (at > 0)
            resolve(&r, "8.8.8.8");
        if (at > 1)
            fake_call_head(last_call(&r), STR("HTTP/1.1 200 OK\n\n"));
        fetch_release(r.fetch);
        r.fetch = NULL;
        fake_loop_settle(r.loop);
        EXPECT_EQ(r.done, 0);
        close_rig(&r);
    }
}

TEST(no_memory_is_told)
{
    struct rig r;
    open_rig(&r);
    add(&r, BLOCK_IMAGE, "https://a.example/x", STR("messages[0]"));
    r.query_count = QUERIES_MAX; /* no query can be made */
    for (unsigned i = 0; i < QUERIES_MAX; i++)
        r.queries[i].over = true;
    EXPECT(begin(&r));
    fake_loop_settle(r.loop);
    EXPECT_EQ(r.done, 1);
    EXPECT_EQ(r.fault.err, ERR_NO_MEMORY);
    close_rig(&r);
    open_rig(&r);
    add(&r, BLOCK_IMAGE, "https://a.example/x", STR("messages[0]"));
    EXPECT(begin(&r));
    r.caller.refuse = true;
    resolve(&r, "8.8.8.8");
    EXPECT_EQ(r.done, 1);
    EXPECT_EQ(r.fault.err, ERR_NO_MEMORY);
    close_rig(&r);
}
