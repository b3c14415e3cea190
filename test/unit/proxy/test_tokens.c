#include "proxy/tokens.h"

#include "support/fake_gateway.h"
#include "support/test.h"

#define YAML(secret)                                                                               \
    "allow_anonymous: true\n"                                                                      \
    "providers: {az: {type: azure, base_url: 'https://az.example', models: [m], entra: "           \
    "{tenant: t, client_id: c, client_secret: " secret "}}}"

struct rig {
    struct fake_gateway g;
    struct tokens *tokens;
    struct token token;
};

struct waiter {
    struct token_wait wait;
    unsigned calls;
};

static void on_ready(void *arg)
{
    struct waiter *w = arg;
    w->calls++;
}

static void open_rig(struct rig *r)
{
    fake_gateway_open(&r->g, YAML("s1"));
    r->tokens = tokens_new(r->g.loop, &r->g.caller.caller, NULL);
}

static void close_rig(struct rig *r)
{
    tokens_free(r->tokens);
    fake_gateway_close(&r->g);
}

static const struct provider_conf *provider(struct rig *r)
{
    return &snapshot_conf(r->g.snapshot)->providers[0];
}

static enum token_state take(struct rig *r, struct waiter *w)
{
    return tokens_take(r->tokens, provider(r), r->g.snapshot, &w->wait, &r->token);
}

static void wait_init(struct waiter *w)
{
    *w = (struct waiter){0};
    token_wait_init(&w->wait, on_ready, w);
}

static void answer(struct rig *r, const char *token, int life_s)
{
    struct arena a;
    arena_init(&a, 0);
    str body = arena_printf(&a, "{\"access_token\":\"%s\",\"expires_in\":%d}", token, life_s);
    fake_call_answer(fake_gateway_last_call(&r->g), 200, "application/json", body);
    arena_release(&a);
    fake_gateway_settle(&r->g);
}

static void advance_s(struct rig *r, uint64_t s)
{
    fake_loop_advance_ms(r->g.loop, s * 1000);
    fake_gateway_settle(&r->g);
}

static void get(struct rig *r, struct waiter *w, const char *token, int life_s)
{
    EXPECT_EQ(take(r, w), TOKEN_WAIT);
    answer(r, token, life_s);
    EXPECT_EQ(take(r, w), TOKEN_READY);
}

TEST(the_first_waits_and_all_share_one_fetch)
{
    struct rig r;
    struct waiter a, b;
    open_rig(&r);
    wait_init(&a);
    wait_init(&b);
    EXPECT_EQ(take(&r, &a), TOKEN_WAIT);
    EXPECT_EQ(take(&r, &b), TOKEN_WAIT);
    EXPECT_EQ(r.g.caller.count, 1);
    struct fake_call *c = fake_gateway_call(&r.g, 0);
    EXPECT_STR(c->method, "POST");
    EXPECT_STR(c->authority, "login.microsoftonline.com");
    EXPECT_STR(c->target, "/t/oauth2/v2.0/token");
    fake_call_connect(c);
    EXPECT_CONTAINS(buf_str(&c->body), "client_secret=s1");
    fake_call_answer(c, 200, "application/json",
                     STR("{\"access_token\":\"A\",\"expires_in\":3600}"));
    EXPECT_EQ(a.calls, 0); /* not inside */
    fake_gateway_settle(&r.g);
    EXPECT_EQ(a.calls, 1);
    EXPECT_EQ(b.calls, 1);
    EXPECT_EQ(take(&r, &a), TOKEN_READY);
    EXPECT_STR(r.token.credential->token, "A");
    EXPECT_EQ(r.g.caller.count, 1);
    close_rig(&r);
}

TEST(late_in_its_life_a_new_one_is_fetched_behind)
{
    struct rig r;
    struct waiter w;
    open_rig(&r);
    wait_init(&w);
    get(&r, &w, "A", 3600);
    advance_s(&r, 3600 - 340);
    EXPECT_EQ(take(&r, &w), TOKEN_READY);
    EXPECT_EQ(r.g.caller.count, 1);
    advance_s(&r, 80);
    EXPECT_EQ(take(&r, &w), TOKEN_READY);
    EXPECT_STR(r.token.credential->token, "A");
    EXPECT_EQ(r.g.caller.count, 2);
    EXPECT_EQ(take(&r, &w), TOKEN_READY); /* one fetch at a time */
    EXPECT_EQ(r.g.caller.count, 2);
    answer(&r, "B", 3600);
    EXPECT_EQ(take(&r, &w), TOKEN_READY);
    EXPECT_STR(r.token.credential->token, "B");
    EXPECT_EQ(w.calls, 1);
    close_rig(&r);
}

TEST(a_failure_behind_leaves_the_old_one_until_its_end)
{
    struct rig r;
    struct waiter w;
    open_rig(&r);
    wait_init(&w);
    get(&r, &w, "A", 3600);
    advance_s(&r, 3600 - 200);
    EXPECT_EQ(take(&r, &w), TOKEN_READY);
    fake_call_error(fake_gateway_last_call(&r.g), ERR_UPSTREAM_CONNECT);
    fake_gateway_settle(&r.g);
    EXPECT_EQ(take(&r, &w), TOKEN_READY);
    EXPECT_EQ(r.g.caller.count, 2); /* a pause */
    advance_s(&r, 2);
    EXPECT_EQ(take(&r, &w), TOKEN_READY);
    EXPECT_EQ(r.g.caller.count, 3);
    advance_s(&r, 9); /* no answer yet */
    EXPECT_EQ(take(&r, &w), TOKEN_READY);
    advance_s(&r, 190);
    EXPECT_EQ(take(&r, &w), TOKEN_WAIT);
    answer(&r, "B", 3600);
    EXPECT_EQ(take(&r, &w), TOKEN_READY);
    EXPECT_STR(r.token.credential->token, "B");
    close_rig(&r);
}

TEST(after_failures_the_pauses_grow)
{
    struct rig r;
    struct waiter w;
    open_rig(&r);
    wait_init(&w);
    static const unsigned pauses_s[] = {1, 2, 4, 8, 16, 32, 60, 60};
    for (size_t i = 0; i < sizeof(pauses_s) / sizeof(pauses_s[0]); i++) {
        EXPECT_EQ(take(&r, &w), TOKEN_WAIT);
        EXPECT_EQ(r.g.caller.count, i + 1);
        fake_call_answer(fake_gateway_last_call(&r.g), 401, "application/json",
                         STR("{\"error\":\"invalid_client\"}"));
        fake_gateway_settle(&r.g);
        EXPECT_EQ(w.calls, i + 1);
        EXPECT_EQ(take(&r, &w), TOKEN_REFUSED);
        EXPECT_STR(r.token.why, "Entra ID answered 401: invalid_client");
        fake_loop_advance_ms(r.g.loop, pauses_s[i] * 1000 - 10);
        EXPECT_EQ(take(&r, &w), TOKEN_REFUSED);
        fake_loop_advance_ms(r.g.loop, 20);
    }
    get(&r, &w, "A", 3600);
    close_rig(&r);
}

TEST(no_answer_in_time_is_a_failure)
{
    struct rig r;
    struct waiter w;
    open_rig(&r);
    wait_init(&w);
    EXPECT_EQ(take(&r, &w), TOKEN_WAIT);
    advance_s(&r, 11);
    EXPECT_EQ(w.calls, 1);
    EXPECT_EQ(fake_caller_live(&r.g.caller), 0);
    EXPECT_EQ(take(&r, &w), TOKEN_WAIT); /* the pause is over as well */
    tokens_forget(&w.wait);
    close_rig(&r);
}

TEST(an_endless_answer_is_a_failure)
{
    struct rig r;
    struct waiter w;
    char piece[8192];
    open_rig(&r);
    wait_init(&w);
    EXPECT_EQ(take(&r, &w), TOKEN_WAIT);
    memset(piece, ' ', sizeof(piece));
    struct fake_call *c = fake_gateway_last_call(&r.g);
    fake_call_head(c, STR("HTTP/1.1 200 OK\n\n"));
    while (fake_call_body(c, str_make(piece, sizeof(piece))))
        ;
    fake_gateway_settle(&r.g);
    EXPECT_EQ(w.calls, 1);
    EXPECT_EQ(take(&r, &w), TOKEN_REFUSED);
    EXPECT_STR(r.token.why, "Entra ID: the answer is too large");
    close_rig(&r);
}

TEST(who_left_is_not_called_and_the_fetch_serves_others)
{
    struct rig r;
    struct waiter a, b;
    open_rig(&r);
    wait_init(&a);
    wait_init(&b);
    EXPECT_EQ(take(&r, &a), TOKEN_WAIT);
    tokens_forget(&a.wait);
    tokens_forget(&a.wait);
    answer(&r, "A", 3600);
    EXPECT_EQ(a.calls, 0);
    EXPECT_EQ(take(&r, &b), TOKEN_READY);
    close_rig(&r);
}

TEST(a_refused_token_is_replaced_unless_it_is_new)
{
    struct rig r;
    struct waiter w;
    open_rig(&r);
    wait_init(&w);
    get(&r, &w, "A", 3600);
    uint64_t first = r.token.serial;
    EXPECT(!tokens_refused(r.tokens, provider(&r), first));
    EXPECT_EQ(take(&r, &w), TOKEN_READY);
    advance_s(&r, 31);
    EXPECT(tokens_refused(r.tokens, provider(&r), first));
    get(&r, &w, "B", 3600);
    EXPECT(r.token.serial != first);
    /* Another attempt's answer comes late: there is a newer one. */
    EXPECT(tokens_refused(r.tokens, provider(&r), first));
    EXPECT_EQ(take(&r, &w), TOKEN_READY);
    EXPECT_STR(r.token.credential->token, "B");
    close_rig(&r);
}

TEST(short_lives_and_lives_that_are_over)
{
    struct rig r;
    struct waiter w;
    open_rig(&r);
    wait_init(&w);
    get(&r, &w, "A", 5);
    advance_s(&r, 6);
    get(&r, &w, "B", 200);
    advance_s(&r, 140); /* two thirds */
    EXPECT_EQ(take(&r, &w), TOKEN_READY);
    EXPECT_EQ(r.g.caller.count, 3);
    advance_s(&r, 55); /* less than the margin is left; the fetch did not answer */
    EXPECT_EQ(take(&r, &w), TOKEN_WAIT);
    tokens_forget(&w.wait);
    close_rig(&r);
}

TEST(other_settings_begin_anew)
{
    struct rig r;
    struct waiter w;
    open_rig(&r);
    wait_init(&w);
    get(&r, &w, "A", 3600);
    fake_gateway_reload(&r.g, YAML("s1"));
    tokens_retain(r.tokens, snapshot_conf(r.g.snapshot));
    EXPECT_EQ(take(&r, &w), TOKEN_READY); /* the same settings */
    fake_gateway_reload(&r.g, YAML("s2"));
    tokens_retain(r.tokens, snapshot_conf(r.g.snapshot));
    EXPECT_EQ(take(&r, &w), TOKEN_WAIT);
    fake_call_connect(fake_gateway_last_call(&r.g));
    EXPECT_CONTAINS(buf_str(&fake_gateway_last_call(&r.g)->body), "client_secret=s2");
    answer(&r, "B", 3600);
    EXPECT_EQ(take(&r, &w), TOKEN_READY);
    fake_gateway_reload(&r.g,
                        "providers: {x: {type: openai, api_key: sk-1}}\nallow_anonymous: true");
    tokens_retain(r.tokens, snapshot_conf(r.g.snapshot));
    fake_gateway_reload(&r.g, YAML("s2"));
    EXPECT_EQ(take(&r, &w), TOKEN_WAIT); /* it had been dropped */
    tokens_forget(&w.wait);
    close_rig(&r);
}

TEST(a_fetch_outlives_the_configuration_that_asked_for_it)
{
    struct rig r;
    struct waiter w;
    open_rig(&r);
    wait_init(&w);
    EXPECT_EQ(take(&r, &w), TOKEN_WAIT);
    fake_gateway_reload(&r.g, YAML("s1")); /* the old snapshot has no other user */
    fake_gateway_settle(&r.g);
    answer(&r, "A", 3600);
    EXPECT_EQ(w.calls, 1);
    EXPECT_EQ(take(&r, &w), TOKEN_READY);
    close_rig(&r);
}

TEST(no_memory_for_the_call_is_a_failure)
{
    struct rig r;
    struct waiter w;
    open_rig(&r);
    wait_init(&w);
    r.g.caller.refuse = true;
    EXPECT_EQ(take(&r, &w), TOKEN_REFUSED);
    EXPECT_STR(r.token.why, "out of memory");
    close_rig(&r);
}

TEST(it_is_freed_in_the_middle_of_a_fetch)
{
    struct rig r;
    struct waiter w;
    open_rig(&r);
    wait_init(&w);
    EXPECT_EQ(take(&r, &w), TOKEN_WAIT);
    tokens_forget(&w.wait);
    close_rig(&r);
}

TEST(keys_are_not_tokens)
{
    struct rig r;
    open_rig(&r);
    EXPECT(tokens_needed(provider(&r)));
    fake_gateway_reload(&r.g,
                        "providers: {a: {type: azure, base_url: 'https://az.example', api_key: "
                        "sk-1}}\nallow_anonymous: true");
    EXPECT(!tokens_needed(provider(&r)));
    close_rig(&r);
}
