/*
 * Conversations with each provider, held against files: what it must get, what the client must see,
 * byte for byte and however the bytes are cut.  Every line of provider.def has a folder here;
 * CONFORMANCE=ollama in the environment runs that one only.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance_case.h"
#include "llm/provider.h"
#include "support/fake_gateway.h"
#include "support/test.h"

#define HERE TEST_DIR "/conformance"

/* A message is cut in two at each of its bytes, or, where that would be more conversations than this,
 * at every so many. */
#ifdef __SANITIZE_ADDRESS__
enum { CUTS_MAX = 250 };
#else
enum { CUTS_MAX = 5000 };
#endif

static const struct conformance_case *current;

static void expect_fields(str fields, const struct headers *got, const char *where)
{
    while (fields.len) {
        str line = str_split(&fields, '\n'), value = line;
        str name = str_split(&value, ':');
        bool absent = name.len && name.ptr[0] == '!';
        str found = head_get(got, absent ? str_from(name, 1) : name);
        if (absent && !str_is_null(found))
            EXPECT_FAIL("%s: %s has %.*s: %.*s", current->path, where, STR_ARG(name),
                        STR_ARG(found));
        if (!absent && !str_eq(found, str_trim(value)))
            EXPECT_FAIL("%s: %s: %.*s, but is %.*s", current->path, where, STR_ARG(line),
                        STR_ARG(found));
    }
}

static void expect_body(str got, str expected, const char *where)
{
    if (!str_eq(got, expected))
        fprintf(stderr, "%s: %s\n", current->path, where);
    EXPECT_STR(got, expected);
}

enum { OWN_ID = 24 };

/* Answers of providers that give no id have one of ours, new each time: "<id>" stands for it in a case.
 * `got` with each of it so replaced, in the arena. */
static str with_id_masked(struct arena *a, str got, str expected)
{
    ptrdiff_t at = str_find(expected, STR("<id>"));
    if (at < 0 || (size_t)at + OWN_ID > got.len)
        return got;
    str id = str_make(got.ptr + at, OWN_ID), masked = STR("");
    for (ptrdiff_t next; (next = str_find(got, id)) >= 0;) {
        masked = arena_printf(a, "%.*s%.*s<id>", STR_ARG(masked), (int)next, got.ptr);
        got = str_from(got, (size_t)next + OWN_ID);
    }
    return arena_printf(a, "%.*s%.*s", STR_ARG(masked), STR_ARG(got));
}

static void check_request(const struct fake_call *c)
{
    const struct conformance_message *m = &current->provider;
    str target = m->first, method = str_split(&target, ' ');
    EXPECT_STR(c->method, method);
    EXPECT_STR(c->target, target);
    expect_fields(m->fields, &c->headers, "the provider");
    expect_body(buf_str(&c->body), m->body, "what the provider got");
}

static void check_answer(const struct fake_exchange *x)
{
    const struct conformance_message *m = &current->seen;
    char first[32];
    snprintf(first, sizeof(first), "HTTP/1.1 %d", x->head.status);
    if (!str_starts(m->first, str_from_c(first)))
        fprintf(stderr, "%s: the status\n", current->path);
    EXPECT_STR(first, str_first(m->first, strlen(first)));
    expect_fields(m->fields, &x->head.headers, "the client");
    struct arena a = {0};
    expect_body(with_id_masked(&a, buf_str(&x->body), m->body), m->body, "what the client saw");
    arena_release(&a);
    EXPECT(x->ended && x->released);
}

static int64_t figure(const struct request_record *r, str name)
{
    return str_eq(name, STR("input"))         ? r->usage.input
           : str_eq(name, STR("cached"))      ? r->usage.cached
           : str_eq(name, STR("cache_write")) ? r->usage.cache_write
           : str_eq(name, STR("output"))      ? r->usage.output
           : str_eq(name, STR("reasoning"))   ? r->usage.reasoning
                                              : INT64_MIN;
}

static void check_record(const struct request_record *r)
{
    str lines = current->record;
    while (lines.len) {
        str value = str_split(&lines, '\n'), name = str_split(&value, ' ');
        uint64_t number;
        if (str_eq(name, STR("finish")))
            EXPECT_STR(r->finish_reason, value);
        else if (str_eq(name, STR("error")))
            EXPECT_STR(err_code(r->err), value);
        else if (str_to_u64(value, &number))
            EXPECT_EQ(figure(r, name), (int64_t)number);
        else
            EXPECT_FAIL("%s: what is %.*s?", current->path, STR_ARG(name));
    }
}

static void feed_request(struct fake_exchange *x, str body, size_t at)
{
    fake_exchange_feed(x, str_first(body, at));
    fake_exchange_feed(x, str_from(body, at));
    fake_exchange_feed_end(x);
}

/* What is left of the answer's body in pieces of `first` and then `rest` bytes. */
static void feed_pieces(struct fake_gateway *g, struct fake_call *c, str body, size_t first,
                        size_t rest)
{
    size_t n = first;
    while (body.len && !c->released) {
        str piece = str_first(body, n);
        body = str_from(body, piece.len);
        fake_call_body(c, piece);
        fake_gateway_settle(g);
        n = rest;
    }
}

static void feed_answer(struct fake_gateway *g, struct fake_call *c, size_t first, size_t rest)
{
    size_t len = current->answer.body.len;
    feed_pieces(g, c, current->answer.body, first, rest);
    feed_pieces(g, c, current->then, first > len ? first - len : rest, rest);
    fake_call_end(c);
    fake_gateway_settle(g);
}

static void converse(struct fake_gateway *g, size_t request_at, size_t first, size_t rest)
{
    str body = current->client.body;
    struct buf head;
    buf_init(&head, 0);
    buf_printf(&head, "%.*s", STR_ARG(current->client.head));
    if (body.len)
        buf_printf(&head, "\ncontent-length: %zu", body.len);
    buf_add_byte(&head, '\0');
    struct fake_exchange *x = fake_gateway_begin(g, head.ptr);
    buf_release(&head);
    if (body.len)
        feed_request(x, body, request_at);
    fake_gateway_settle(g);
    if (x->released)
        EXPECT_FAIL("%s: refused: %.*s", current->path, STR_ARG(buf_str(&x->body)));
    struct fake_call *c = fake_gateway_last_call(g);
    fake_call_connect(c);
    fake_gateway_settle(g);
    check_request(c);
    fake_call_head(c, current->answer.head);
    fake_gateway_settle(g);
    feed_answer(g, c, first, rest);
    check_answer(x);
    check_record(fake_gateway_record(g));
}

static void run_case(const char *path, const char *yaml, struct arena *a)
{
    struct conformance_case c;
    struct fake_gateway g;
    conformance_parse(&c, a, path, yaml);
    current = &c;
    fake_gateway_open(&g, c.yaml);
    size_t request = c.client.body.len, answer = c.answer.body.len + c.then.len;
    size_t step = 1 + (request + answer) / CUTS_MAX;
    converse(&g, request, answer, answer);
    converse(&g, request, 1, 1);
    for (size_t at = 1; at < answer; at += step)
        converse(&g, request, at, answer);
    for (size_t at = 1; at < request; at += step)
        converse(&g, at, answer, answer);
    fake_gateway_close(&g);
}

/* Folders that serve a provider of another name, too. */
static const char *folder_of(const char *provider)
{
    return strcmp(provider, "demo") == 0 ? "openai-compatible" : provider;
}

static void run_folder(const char *name)
{
    char pattern[200], yaml[200];
    struct arena a;
    glob_t found;
    arena_init(&a, 0);
    snprintf(pattern, sizeof(pattern), HERE "/%s/*.txt", name);
    snprintf(yaml, sizeof(yaml), HERE "/%s/gateway.yaml", name);
    if (glob(pattern, 0, NULL, &found) != 0)
        EXPECT_FAIL("no cases for the provider %s: %s", name, pattern);
    const char *text = conformance_read(&a, yaml).ptr;
    for (size_t i = 0; i < found.gl_pathc; i++)
        run_case(found.gl_pathv[i], text, &a);
    globfree(&found);
    arena_release(&a);
}

TEST(every_provider_gets_and_gives_what_the_files_say)
{
    for (unsigned i = 0; provider_at(i); i++) {
        const char *folder = folder_of(provider_at(i)->name), *only = getenv("CONFORMANCE");
        if (strcmp(folder, provider_at(i)->name) == 0 && (!only || strcmp(folder, only) == 0))
            run_folder(folder);
    }
}

TEST(every_provider_has_at_least_a_chat_and_a_stream)
{
    static const char *const needed[] = {"chat.txt", "chat_stream.txt"};
    for (unsigned i = 0; provider_at(i); i++) {
        for (unsigned k = 0; k < ARRAY_LEN(needed); k++) {
            char path[200];
            snprintf(path, sizeof(path), HERE "/%s/%s", folder_of(provider_at(i)->name), needed[k]);
            FILE *in = fopen(path, "rb");
            if (!in)
                EXPECT_FAIL("the provider %s has no %s", provider_at(i)->name, path);
            fclose(in);
        }
    }
}
