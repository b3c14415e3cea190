/* mapping: §8 names and ids */
#include "llm/tool_names.h"

#include "base/random.h"
#include "support/test.h"

static struct arena arena;

static const struct name_rule *const rules[] = {&name_rule_openai, &name_rule_gemini,
                                                &id_rule_anthropic, &id_rule_bedrock};

static bool is_legal(const struct name_rule *r, str name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (!name.len || name.len > r->max)
        return false;
    if (r->letter_first && name.ptr[0] != '_' && !strchr(letters, name.ptr[0]))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!name.ptr[i] || (!strchr(letters, name.ptr[i]) && !strchr("0123456789", name.ptr[i]) &&
                             !strchr(r->alphabet, name.ptr[i])))
            return false;
    return true;
}

TEST(legal_names_go_as_they_are)
{
    arena_init(&arena, 0);
    const str name = STR("get_weather-2");
    for (unsigned i = 0; i < ARRAY_LEN(rules); i++)
        EXPECT(name_legal(&arena, rules[i], name).ptr == name.ptr);
    EXPECT_STR(name_legal(&arena, &name_rule_gemini, STR("a.b:c")), "a.b:c");
    EXPECT_STR(name_legal(&arena, &id_rule_bedrock, STR("0.b:c")), "0.b:c");
    arena_release(&arena);
}

TEST(others_are_changed_the_same_way_each_time)
{
    arena_init(&arena, 0);
    str one = name_legal(&arena, &name_rule_openai, STR("functions.x:0"));
    str two = name_legal(&arena, &name_rule_openai, STR("functions.x:0"));
    EXPECT_STR(one, two);
    EXPECT(str_starts(one, STR("functions_x_0_")));
    EXPECT_EQ(one.len, 14 + 10);
    EXPECT(!str_eq(one, name_legal(&arena, &name_rule_openai, STR("functions.x.0"))));
    EXPECT_STR(name_legal(&arena, &name_rule_openai, STR("")), "_e3b0c44298");
    str digit = name_legal(&arena, &name_rule_gemini, STR("2fast"));
    EXPECT(str_starts(digit, STR("_2fast_")));
    arena_release(&arena);
}

TEST(long_names_are_cut_to_the_limit_and_stay_different)
{
    char a[90], b[90];
    memset(a, 'x', sizeof(a));
    memset(b, 'x', sizeof(b));
    b[89] = 'y';
    arena_init(&arena, 0);
    str cut_a = name_legal(&arena, &id_rule_anthropic, str_make(a, sizeof(a)));
    str cut_b = name_legal(&arena, &id_rule_anthropic, str_make(b, sizeof(b)));
    EXPECT_EQ(cut_a.len, 64);
    EXPECT_EQ(cut_a.ptr[53], '_');
    EXPECT(!str_eq(cut_a, cut_b));
    EXPECT_STR(str_first(cut_a, 53), str_make(a, 53));
    arena_release(&arena);
}

TEST(any_bytes_become_a_legal_name)
{
    for (uint64_t round = 0; round < 3000; round++) {
        uint64_t seed = round;
        char bytes[100];
        size_t n = random_next(&seed) % sizeof(bytes);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)random_next(&seed);
        arena_init(&arena, 0);
        for (unsigned i = 0; i < ARRAY_LEN(rules); i++) {
            str legal = name_legal(&arena, rules[i], str_make(bytes, n));
            EXPECT(is_legal(rules[i], legal));
            EXPECT(name_legal(&arena, rules[i], legal).ptr == legal.ptr);
        }
        arena_release(&arena);
    }
}

TEST(answers_get_the_clients_own_names_back)
{
    static const char *const names[] = {"plain", "with.dot", "with space", "with\xc3\xa9", "x"};
    struct chat c;
    arena_init(&arena, 0);
    chat_init(&c, &arena);
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        chat_add_tool(&c)->name = str_from_c(names[i]);
    for (unsigned r = 0; r < ARRAY_LEN(rules); r++) {
        for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
            str sent = name_legal(&arena, rules[r], str_from_c(names[i]));
            EXPECT_STR(name_restore(&arena, rules[r], &c, sent), names[i]);
        }
    }
    EXPECT_STR(name_restore(&arena, &name_rule_openai, &c, STR("invented")), "invented");
    arena_release(&arena);
}

TEST(without_memory_there_is_no_name)
{
    arena_init(&arena, 1);
    EXPECT(str_is_null(name_legal(&arena, &name_rule_openai, STR("a b"))));
    EXPECT_STR(name_legal(&arena, &name_rule_openai, STR("ab")), "ab");
    arena_release(&arena);
}
