/* What the mock says before it is put into a vendor's words, and the wishes that change it. */
#include "app/mock_script.h"
#include <stdio.h>
#include <string.h>

#include "support/test.h"

static struct arena arena;
static const str tools[] = {STR_INIT("weather"), STR_INIT("time")};

static struct mock_script made(const char *wishes, const struct mock_facts *f)
{
    struct mock_plan plan;
    struct mock_script s;
    struct headers none = {0};
    char name[200];
    mock_plan_init(&plan, &(struct mock_options){0}, &none, 1);
    snprintf(name, sizeof(name), "m?%s", wishes);
    EXPECT_STR(mock_plan_model(&plan, str_from_c(name)), "m");
    mock_script_make(&s, &plan, f, &arena);
    return s;
}

static str all_tokens(const struct mock_piece *p)
{
    str all = STR("");
    for (unsigned i = 0; i < p->tokens; i++) {
        str pieces[] = {all, mock_piece_token(p, i)};
        EXPECT(pieces[1].len > 0);
        all = arena_concat(&arena, pieces, ARRAY_LEN(pieces));
    }
    return all;
}

TEST(a_text_has_as_many_tokens_as_wished_for)
{
    struct mock_script s = made("tokens=40", &(struct mock_facts){.bytes = 99});
    EXPECT_EQ(s.count, 1);
    EXPECT_EQ(s.pieces[0].kind, MOCK_TEXT);
    EXPECT_EQ(s.pieces[0].tokens, 40);
    EXPECT_EQ(s.tokens, 40);
    EXPECT_EQ(s.input_tokens, 25);
    EXPECT(!s.length);
    EXPECT_STR(all_tokens(&s.pieces[0]), s.pieces[0].text);
    s = made("tokens=40&numbered=1", &(struct mock_facts){.max_tokens = 3});
    EXPECT_STR(s.pieces[0].text, "tok0 tok1 tok2 ");
    EXPECT(s.length);
    s = made("", &(struct mock_facts){0});
    EXPECT_EQ(s.tokens, 16);
}

TEST(json_is_said_when_it_is_wanted)
{
    struct mock_script s = made("", &(struct mock_facts){.json = true});
    EXPECT_STR(s.pieces[0].text, "{\"answer\": \"mock\", \"number\": 42}");
    EXPECT_STR(all_tokens(&s.pieces[0]), s.pieces[0].text);
}

TEST(tools_are_called_once_each_and_around_again)
{
    struct mock_facts f = {.tools = tools, .tool_count = 2};
    struct mock_script s = made("tool=3", &f);
    EXPECT_EQ(s.count, 3);
    EXPECT_EQ(s.calls, 3);
    EXPECT_STR(s.pieces[0].name, "weather");
    EXPECT_STR(s.pieces[1].name, "time");
    EXPECT_STR(s.pieces[2].name, "weather");
    EXPECT_STR(s.pieces[0].id, "call_mock1");
    EXPECT_STR(s.pieces[1].arguments, "{\"city\": \"Bergen\"}");
    EXPECT_EQ(made("tool=100", &f).calls, MOCK_CALLS_MAX);
    f.answered = true;
    EXPECT_EQ(made("tool=3", &f).calls, 0);
    f.answered = false;
    EXPECT_EQ(made("", &f).calls, 0);
    f.tool_count = 0;
    EXPECT_EQ(made("tool=1", &f).pieces[0].kind, MOCK_TEXT);
}

TEST(thoughts_come_first_and_prove_themselves)
{
    struct mock_script s = made("tokens=2", &(struct mock_facts){.thinking = true});
    const struct mock_piece *p = &s.pieces[0];
    EXPECT_EQ(p->kind, MOCK_REASONING);
    EXPECT_STR(all_tokens(p), p->text);
    EXPECT_EQ(s.tokens, 2 + s.reasoning_tokens);
    EXPECT(mock_signature_is_good(p->signature, p->text));
    EXPECT(mock_signature_is_good(p->signature, STR_NULL));
    EXPECT(!mock_signature_is_good(p->signature, STR("another text")));
    char other[100];
    memcpy(other, p->signature.ptr, p->signature.len);
    other[3] = other[3] == 'A' ? 'B' : 'A';
    EXPECT(!mock_signature_is_good(str_make(other, p->signature.len), STR_NULL));
    EXPECT(!mock_signature_is_good(str_first(p->signature, 8), STR_NULL));
    EXPECT(!mock_signature_is_good(STR(""), STR_NULL));
}

TEST(what_is_marked_was_written_or_read)
{
    struct mock_facts f = {.cached = true};
    struct mock_script s = made("", &f);
    EXPECT_EQ(s.cache_write_tokens, 100);
    EXPECT_EQ(s.cached_tokens, 0);
    s = made("cache=hit", &f);
    EXPECT_EQ(s.cache_write_tokens, 0);
    EXPECT_EQ(s.cached_tokens, 100);
}

TEST(wishes_come_in_fields_too)
{
    struct mock_plan p;
    struct header list[] = {{.name = STR_INIT("x-mock-fail"), .value = STR_INIT("503")},
                            {.name = STR_INIT("x-mock-error-after"), .value = STR_INIT("4")},
                            {.name = STR_INIT("x-mock-latency"), .value = STR_INIT("2s")},
                            {.name = STR_INIT("x-other"), .value = STR_INIT("9")}};
    struct headers h = {.list = list, .count = ARRAY_LEN(list)};
    mock_plan_init(&p, &(struct mock_options){.fail_rate = 0.5}, &h, 0.9);
    EXPECT(p.fail);
    EXPECT_EQ(p.o.fail_status, 503);
    EXPECT_EQ(p.o.error_after, 4);
    EXPECT_EQ(p.o.latency_ms, 2000);
    struct headers none = {0};
    mock_plan_init(&p, &(struct mock_options){.fail_rate = 0.5}, &none, 0.4);
    EXPECT(p.fail);
    EXPECT_EQ(p.o.fail_status, 500);
    mock_plan_init(&p, &(struct mock_options){.fail_rate = 0.5}, &none, 0.6);
    EXPECT(!p.fail);
}
