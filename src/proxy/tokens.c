#include "proxy/tokens.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/random.h"
#include "llm/provider.h"
#include "proxy/ask.h"
#include "wire/url.h"

enum {
    ANSWER_MAX = 256 * 1024,
    ANSWER_TIMEOUT_MS = 10 * 1000,
    LOCAL_TIMEOUT_MS = 2 * 1000, /* a service of the machine answers at once, or is not there */
    STEPS_MAX = 12,              /* of one fetch */
    EARLY_S = 300,               /* a new one is fetched this long before the old one's end */
    EARLY_JITTER_S = 60,         /* not by all workers at once */
    MARGIN_S = 10,               /* on the way to the provider, and between two clocks */
    REFUSED_AGE_S = 30,          /* a younger one that is refused stays: another would be, too */
    PAUSE_MIN_MS = 1000,
    PAUSE_MAX_MS = 60 * 1000,
};

struct token_entry {
    struct list node;
    struct tokens *tokens;
    char *provider;
    uint64_t hash; /* of what the credential was made from */

    /* What is kept. */
    struct arena kept;
    struct credential credential; /* in `kept` */
    bool has;
    uint64_t serial;
    int64_t born_s, refresh_s;

    /* The fetch under way: run.arena is NULL without one. */
    struct arena arena;
    struct token_run run;
    struct snapshot *snapshot; /* of run.conf */
    struct endpoint endpoint;
    struct ask *ask;
    unsigned steps;
    struct deferred over; /* tells who waits, after a fetch */

    struct list waiting;
    unsigned failures; /* in a row */
    uint64_t pause_until_us;
    char why[400];
};

struct tokens {
    struct loop *loop;
    struct caller *caller;
    const struct token_environment *environment;
    struct list entries;
    uint64_t serial;
};

/* --- Entries -------------------------------------------------------------------------------- */

static str no_variable(void *arg, const char *name)
{
    (void)arg;
    (void)name;
    return STR_NULL;
}

static str no_file(void *arg, str path, struct arena *a)
{
    (void)arg;
    (void)path;
    (void)a;
    return STR_NULL;
}

static const struct token_environment no_environment = {.variable = no_variable, .file = no_file};

static const struct token_kind *kind_of(const struct provider_conf *p)
{
    return p->provider->tokens ? p->provider->tokens(p) : NULL;
}

bool tokens_needed(const struct provider_conf *p)
{
    return p->credentials == CREDENTIALS_OWN && kind_of(p) != NULL;
}

static int64_t wall_s(void)
{
    return (int64_t)(loop_wall_us() / 1000000);
}

static bool is_fetching(const struct token_entry *e)
{
    return e->run.arena != NULL;
}

static void drop_kept(struct token_entry *e)
{
    e->has = false;
    e->credential = (struct credential){0};
    arena_wipe(&e->kept);
}

static void end_fetch(struct token_entry *e)
{
    ask_release(e->ask);
    e->ask = NULL;
    arena_wipe(&e->arena);
    e->run = (struct token_run){0};
    snapshot_unref(e->snapshot);
    e->snapshot = NULL;
}

static void tell_all(void *arg)
{
    struct token_entry *e = arg;
    struct list now = LIST_INIT(now); /* who waits anew does not wait for this */
    for (struct list *node; (node = list_pop(&e->waiting));)
        list_push(&now, node);
    for (struct list *node; (node = list_pop(&now));) {
        struct token_wait *w = LIST_ENTRY(node, struct token_wait, node);
        w->on_ready(w->arg);
    }
}

static struct token_entry *entry_find(const struct tokens *t, const struct provider_conf *p)
{
    LIST_EACH (node, &t->entries) {
        struct token_entry *e = LIST_ENTRY(node, struct token_entry, node);
        if (str_eq(str_from_c(e->provider), p->name))
            return e;
    }
    return NULL;
}

static struct token_entry *entry_new(struct tokens *t, const struct provider_conf *p)
{
    struct token_entry *e = calloc(1, sizeof(*e));
    char *name = strndup(p->name.ptr, p->name.len);
    if (!e || !name) {
        free(e);
        free(name);
        return NULL;
    }
    e->tokens = t;
    e->provider = name;
    e->hash = p->credentials_hash;
    arena_init(&e->kept, 0);
    arena_init(&e->arena, 8 << 20);
    list_init(&e->waiting);
    deferred_init(&e->over, tell_all, e);
    list_push(&t->entries, &e->node);
    return e;
}

static void entry_free(struct token_entry *e)
{
    CHECK(list_is_empty(&e->waiting));
    deferred_cancel(&e->over);
    end_fetch(e);
    drop_kept(e);
    list_remove(&e->node);
    free(e->provider);
    free(e);
}

/* --- The end of a fetch --------------------------------------------------------------------- */

static bool keep(struct token_entry *e, const struct credential *c)
{
    struct arena *a = &e->kept;
    drop_kept(e);
    e->credential = (struct credential){
        .token = arena_str(a, c->token),
        .aws = {.access_key_id = arena_str(a, c->aws.access_key_id),
                .secret_access_key = arena_str(a, c->aws.secret_access_key),
                .session_token = arena_str(a, c->aws.session_token)},
        .expires_s = c->expires_s,
    };
    return !str_is_null(e->credential.token) || !str_is_null(e->credential.aws.secret_access_key);
}

/* When a new one is due: some minutes before the end, or after most of a short life. */
static int64_t refresh_time(int64_t now_s, int64_t expires_s)
{
    int64_t life = expires_s - now_s;
    int64_t jitter = (int64_t)(random_u64() % EARLY_JITTER_S) - EARLY_JITTER_S / 2;
    if (expires_s == TOKEN_NEVER_EXPIRES)
        return INT64_MAX;
    return life > 3 * EARLY_S ? expires_s - EARLY_S + jitter : now_s + life * 2 / 3;
}

static void failed(struct token_entry *e, str why)
{
    uint64_t pause = PAUSE_MIN_MS;
    for (unsigned i = 0; i < e->failures && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    if (pause > PAUSE_MAX_MS)
        pause = PAUSE_MAX_MS;
    e->failures++;
    e->pause_until_us = loop_now_us(e->tokens->loop) + pause * 1000;
    snprintf(e->why, sizeof(e->why), "%.*s", STR_ARG(why));
    log_warn("provider %s: no access token: %s (next try in %llu s at the earliest)%s", e->provider,
             e->why, (unsigned long long)(pause / 1000),
             e->has ? "; the one before still serves" : "");
    end_fetch(e);
}

static void succeeded(struct token_entry *e)
{
    int64_t now_s = wall_s(), expires_s = e->run.credential.expires_s;
    if (expires_s != TOKEN_NEVER_EXPIRES && expires_s <= now_s) {
        failed(e, STR("it has expired already: is this machine's clock right?"));
        return;
    }
    if (!keep(e, &e->run.credential)) {
        drop_kept(e);
        failed(e, STR("out of memory"));
        return;
    }
    e->has = true;
    e->serial = ++e->tokens->serial;
    e->born_s = now_s;
    e->refresh_s = refresh_time(now_s, e->credential.expires_s);
    if (e->failures)
        log_info("provider %s: has an access token again", e->provider);
    e->failures = 0;
    e->pause_until_us = 0;
    end_fetch(e);
}

/* --- Steps of a fetch ----------------------------------------------------------------------- */

static void on_answer(void *arg, const struct ask_answer *answer);

static bool fill_head(struct token_entry *e, const struct url *url, struct request_head *head)
{
    const struct token_request *q = &e->run.request;
    *head = (struct request_head){
        .method_text = str_from_c(q->method),
        .method = method_from(str_from_c(q->method)),
        .version = HTTP_VERSION_1_1,
        .authority = url->authority,
        .target = token_target(q->url, &e->arena),
        .keep_alive = true,
        .content_length = -1,
    };
    for (unsigned i = 0; i < q->header_count; i++)
        if (!head_add(&head->headers, &e->arena, q->headers[i].name, q->headers[i].value))
            return false;
    return !str_is_null(head->target);
}

/* The provider's TLS settings and proxy count for its tokens too; the machine's own services are asked
 * directly. */
static bool fill_endpoint(struct token_entry *e, const struct url *url)
{
    const struct endpoint *own = &e->run.conf->endpoint;
    bool direct = e->run.request.local || url->scheme == URL_HTTP;
    e->endpoint = (struct endpoint){
        .key = arena_printf(&e->arena, "%.*s token %s://%.*s%s", STR_ARG(own->key),
                            url->scheme == URL_HTTPS ? "https" : "http", STR_ARG(url->authority),
                            direct ? " direct" : ""),
        .host = arena_str(&e->arena, url->host),
        .port = url->port,
        .authority = url->authority,
        .tls = url->scheme == URL_HTTPS,
        .tls_context = own->tls_context,
        .proxy_host = direct ? STR_NULL : own->proxy_host,
        .proxy_port = own->proxy_port,
        .proxy_authorization = direct ? STR_NULL : own->proxy_authorization,
        .pool = own->pool,
        .connect_timeout_ms = own->connect_timeout_ms,
    };
    return !str_is_null(e->endpoint.key) && !str_is_null(e->endpoint.host);
}

/* False: *why says what is wrong. */
static bool ask_next(struct token_entry *e, const char **why)
{
    const struct token_request *q = &e->run.request;
    struct url url;
    struct request_head head;
    const char *wrong = url_parse(q->url, &url);
    *why = "out of memory";
    if (wrong || url.scheme == URL_UNIX || ++e->steps > STEPS_MAX) {
        *why =
            e->steps > STEPS_MAX ? "too many steps" : "the address of the token's source is none";
        return false;
    }
    if (url.scheme == URL_HTTPS && !e->run.conf->endpoint.tls_context) {
        *why = "no TLS settings for the token's source";
        return false;
    }
    if (!fill_head(e, &url, &head) || !fill_endpoint(e, &url))
        return false;
    e->ask = ask_start(
        &(struct ask_options){.loop = e->tokens->loop,
                              .caller = e->tokens->caller,
                              .endpoint = &e->endpoint,
                              .head = &head,
                              .body = q->body,
                              .body_max = ANSWER_MAX,
                              .timeout_ms = q->local ? LOCAL_TIMEOUT_MS : ANSWER_TIMEOUT_MS,
                              .on_done = on_answer,
                              .arg = e},
        &e->arena);
    return e->ask != NULL;
}

/* Until something is to be waited for, or it is over. */
static void step_on(struct token_entry *e, enum token_step step)
{
    const char *why;
    switch (step) {
    case TOKEN_ASK:
        if (!ask_next(e, &why))
            failed(e, str_from_c(why));
        return;
    case TOKEN_DONE:
        succeeded(e);
        return;
    case TOKEN_FAILED:
        failed(e, e->run.why);
        return;
    }
}

static void on_answer(void *arg, const struct ask_answer *answer)
{
    struct token_entry *e = arg;
    struct ask *answered = e->ask;
    e->ask = NULL;
    e->run.now_s = wall_s();
    enum token_step step = answer->err ? token_answer(&e->run, 0, str_from_c(answer->why))
                                       : token_answer(&e->run, answer->status, answer->body);
    ask_release(answered); /* it is in the arena that the end wipes */
    step_on(e, step);
    if (!is_fetching(e))
        loop_defer(e->tokens->loop, &e->over);
}

static void fetch(struct token_entry *e, const struct provider_conf *p, struct snapshot *s)
{
    e->snapshot = snapshot_ref(s);
    e->steps = 0;
    e->run = (struct token_run){.kind = kind_of(p),
                                .conf = p,
                                .environment = e->tokens->environment,
                                .arena = &e->arena,
                                .now_s = wall_s()};
    step_on(e, token_begin(&e->run));
}

/* --- For users ------------------------------------------------------------------------------ */

struct tokens *tokens_new(struct loop *l, struct caller *caller,
                          const struct token_environment *environment)
{
    struct tokens *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->loop = l;
    t->caller = caller;
    t->environment = environment ? environment : &no_environment;
    list_init(&t->entries);
    return t;
}

void tokens_free(struct tokens *t)
{
    if (!t)
        return;
    LIST_EACH (node, &t->entries)
        entry_free(LIST_ENTRY(node, struct token_entry, node));
    free(t);
}

void tokens_retain(struct tokens *t, const struct gateway_conf *conf)
{
    LIST_EACH (node, &t->entries) {
        struct token_entry *e = LIST_ENTRY(node, struct token_entry, node);
        bool has = !list_is_empty(&e->waiting);
        for (unsigned i = 0; !has && i < conf->provider_count; i++)
            has = str_eq(conf->providers[i].name, str_from_c(e->provider)) &&
                  tokens_needed(&conf->providers[i]);
        if (!has)
            entry_free(e);
    }
}

void token_wait_init(struct token_wait *wait, void (*on_ready)(void *arg), void *arg)
{
    list_init(&wait->node);
    wait->on_ready = on_ready;
    wait->arg = arg;
}

void tokens_forget(struct token_wait *wait)
{
    list_remove(&wait->node);
}

/* Other settings under the same name: what was made from the old ones is not theirs. */
static void start_anew(struct token_entry *e, const struct provider_conf *p)
{
    e->hash = p->credentials_hash;
    drop_kept(e);
    end_fetch(e);
    e->failures = 0;
    e->pause_until_us = 0;
    if (!list_is_empty(&e->waiting))
        loop_defer(e->tokens->loop, &e->over);
}

static bool is_usable(const struct token_entry *e, int64_t now_s)
{
    int64_t expires = e->credential.expires_s, life = expires - e->born_s;
    int64_t margin = life > 10 * MARGIN_S ? MARGIN_S : life / 10;
    return e->has && (expires == TOKEN_NEVER_EXPIRES || now_s < expires - margin);
}

enum token_state tokens_take(struct tokens *t, const struct provider_conf *p, struct snapshot *s,
                             struct token_wait *wait, struct token *out)
{
    struct token_entry *e = entry_find(t, p);
    if (!e)
        e = entry_new(t, p);
    *out = (struct token){.why = "out of memory"};
    if (!e)
        return TOKEN_REFUSED;
    if (e->hash != p->credentials_hash)
        start_anew(e, p);
    int64_t now_s = wall_s();
    bool usable = is_usable(e, now_s), paused = loop_now_us(t->loop) < e->pause_until_us;
    if (!is_fetching(e) && !paused && (!usable || now_s >= e->refresh_s))
        fetch(e, p, s); /* may be over at once */
    if (is_usable(e, now_s)) {
        *out = (struct token){.credential = &e->credential, .serial = e->serial};
        return TOKEN_READY;
    }
    if (!is_fetching(e)) {
        out->why = e->why;
        return TOKEN_REFUSED;
    }
    list_remove(&wait->node);
    list_push(&e->waiting, &wait->node);
    return TOKEN_WAIT;
}

const struct credential *tokens_current(const struct tokens *t, const struct provider_conf *p)
{
    const struct token_entry *e = entry_find(t, p);
    return e && e->has && e->hash == p->credentials_hash ? &e->credential : NULL;
}

bool tokens_refused(struct tokens *t, const struct provider_conf *p, uint64_t serial)
{
    struct token_entry *e = entry_find(t, p);
    if (!e || !e->has || e->serial != serial)
        return e != NULL;
    if (wall_s() - e->born_s < REFUSED_AGE_S)
        return false;
    drop_kept(e);
    return true;
}
