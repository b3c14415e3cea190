#include "llm/model_facts.h"

#include "base/buf.h"
#include "llm/model_table.h"
#include "support/test.h"

static const struct model_facts *find(const char *vendor, const char *model)
{
    return model_facts_find(str_from_c(vendor), str_from_c(model));
}

static void expect_row(const char *vendor, const char *model, const char *row)
{
    EXPECT_STR(find(vendor, model)->name, row);
}

TEST(ids_are_found_as_vendors_write_them)
{
    static const char *const ids[] = {
        "claude-sonnet-4-5",
        "claude-sonnet-4-5-20250929",
        "claude-sonnet-4-5@20250929",
        "anthropic/claude-sonnet-4.5",
        "Claude-Sonnet-4-5",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/"
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    };
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
        expect_row("bedrock", ids[i], "claude-sonnet-4-5*");
        expect_row("anthropic", ids[i], "claude-sonnet-4-5*");
    }
    expect_row("gemini", "models/gemini-2.5-pro", "gemini-2.5-pro*");
    expect_row("gemini", "publishers/google/models/gemini-2.5-flash-lite",
               "gemini-2.5-flash-lite*");
    expect_row("bedrock", "us.amazon.nova-2-lite-v1:0", "nova-2*");
    expect_row("bedrock", "cohere.embed-english-v3", "cohere.embed*");
    expect_row("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "llama*");
    expect_row("vllm", "Qwen/Qwen2.5-VL-7B-Instruct", "qwen2.5-vl*");
    expect_row("openai", "ft:gpt-4o-mini:org::abc", "*"); /* nothing is guessed */
}

TEST(the_longest_glob_wins_and_among_equals_the_vendors_own)
{
    expect_row("openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini*");
    expect_row("openai", "gpt-4-turbo", "gpt-4*");
    expect_row("openai", "gpt-5.4-pro", "gpt-5.*-pro*");
    EXPECT(find("bedrock", "anthropic.claude-opus-5")->vendor.len == 7);
    EXPECT_STR(find("bedrock", "anthropic.claude-opus-5")->vendor, "bedrock");
    EXPECT_STR(find("anthropic", "claude-opus-5")->vendor, "*");
}

TEST(what_nobody_knows_may_do_everything_and_costs_nothing_known)
{
    const struct model_facts *f = find("vllm", "my-own-model");
    EXPECT(f == &model_facts_unknown);
    EXPECT(f == find("", "") && f == find("bedrock", "application-inference-profile/abc123"));
    EXPECT(model_can(f, MODEL_VISION) && model_can(f, MODEL_TOOLS) && model_can(f, MODEL_SAMPLING));
    EXPECT(!model_can(f, MODEL_ALWAYS_REASONS) && !model_can(f, MODEL_RESPONSES_ONLY) &&
           !model_can(f, MODEL_COMPLETION_TOKENS) && !model_can(f, MODEL_EMBEDDING));
    EXPECT(f->price_input < 0 && f->price_output < 0 && !f->window && !f->output_max);
}

/* The sheets' own tables, row by row. */
static const struct {
    const char *model, *efforts; /* first and last, or words */
    bool can_force, prefills, samples, always;
} claudes[] = {
    {"claude-fable-5-2", "low medium high xhigh max", false, false, false, true},
    {"claude-mythos-5-2", "low medium high xhigh max", false, false, false, true},
    {"claude-fable-5-1", "low medium high xhigh max", false, false, false, true},
    {"claude-mythos-5-1", "low medium high xhigh max", false, false, false, true},
    {"claude-opus-5-5", "low medium high xhigh max", false, false, false, true},
    {"claude-fable-5", "low medium high xhigh max", true, false, false, true},
    {"claude-mythos-5", "low medium high xhigh max", true, false, false, true},
    {"claude-sonnet-5-5", "low medium high xhigh max", false, false, false, false},
    {"claude-haiku-5-5", "low medium high xhigh max", true, false, false, false},
    {"claude-opus-5", "low medium high xhigh max", true, false, false, false},
    {"claude-sonnet-5", "low medium high xhigh max", true, false, false, false},
    {"claude-opus-4-8", "low medium high xhigh max", true, false, false, false},
    {"claude-opus-4-7", "low medium high xhigh max", true, false, false, false},
    {"claude-opus-4-6", "low medium high max", true, false, true, false},
    {"claude-sonnet-4-6", "low medium high max", true, false, true, false},
    {"claude-opus-4-5-20251101", "low medium high", true, true, true, false},
    {"claude-sonnet-4-5-20250929", "", true, true, true, false},
    {"claude-haiku-4-5-20251001", "", true, true, true, false},
    {"claude-opus-4-1-20250805", "", true, true, true, false},
    {"claude-sonnet-4-20250514", "", true, true, true, false},
};

static void expect_efforts(const struct model_facts *f, const char *model, const char *efforts)
{
    struct buf words;
    buf_init(&words, 0);
    for (unsigned e = EFFORT_NONE; e <= EFFORT_MAX; e++)
        if (f->efforts & BIT(e))
            buf_printf(&words, "%s%s", words.len ? " " : "", effort_name((enum effort)e));
    if (!str_eq(buf_str(&words), str_from_c(efforts)))
        EXPECT_FAIL("%s takes %.*s, not %s", model, STR_ARG(buf_str(&words)), efforts);
    buf_release(&words);
}

TEST(claudes_are_as_their_sheet_says)
{
    static const char *const vendors[] = {"anthropic", "bedrock"};
    for (unsigned v = 0; v < ARRAY_LEN(vendors); v++) {
        for (unsigned i = 0; i < ARRAY_LEN(claudes); i++) {
            const struct model_facts *f = find(vendors[v], claudes[i].model);
            bool ok = model_can(f, MODEL_FORCED_TOOL) == claudes[i].can_force &&
                      model_can(f, MODEL_PREFILL) == claudes[i].prefills &&
                      model_can(f, MODEL_SAMPLING) == claudes[i].samples &&
                      model_can(f, MODEL_ALWAYS_REASONS) == claudes[i].always;
            bool mythos = strstr(claudes[i].model, "mythos") != NULL;
            if (!ok && !(mythos && v == 1)) /* not sold there */
                EXPECT_FAIL("%s of %s", claudes[i].model, vendors[v]);
            expect_efforts(f, claudes[i].model, claudes[i].efforts);
            EXPECT_EQ(model_can(f, MODEL_ADAPTIVE), strstr(claudes[i].efforts, "max") != NULL);
        }
    }
    EXPECT_EQ(find("anthropic", "claude-haiku-5-5")->window, 1000000);
    EXPECT_EQ(find("anthropic", "claude-sonnet-4-6")->output_max, 128000);
    EXPECT_EQ(find("anthropic", "claude-haiku-4-5")->window, 200000);
    EXPECT_EQ(find("anthropic", "claude-opus-4-1")->output_max, 32000);
    EXPECT_EQ(find("anthropic", "claude-haiku-5-5")->effort_default, EFFORT_MEDIUM);
    EXPECT(!model_can(find("bedrock", "claude-opus-4-7"), MODEL_JSON_SCHEMA));
    EXPECT(!model_can(find("bedrock", "claude-fable-5-2"), MODEL_JSON_SCHEMA));
    EXPECT(model_can(find("anthropic", "claude-fable-5-2"), MODEL_JSON_SCHEMA));
}

/* mapping: openai.md §5.5 */
TEST(gpts_are_as_their_sheet_says)
{
    static const struct {
        const char *model, *efforts;
        bool tools_elsewhere; /* with reasoning only on /responses */
    } rows[] = {
        {"o3", "low medium high", false},
        {"o4-mini", "low medium high", false},
        {"gpt-5", "minimal low medium high", false},
        {"gpt-5-mini", "minimal low medium high", false},
        {"gpt-5.1", "none low medium high", false},
        {"gpt-5.2", "none low medium high xhigh", false},
        {"gpt-5.3", "none low medium high xhigh", false},
        {"gpt-5.4", "none low medium high xhigh", true},
        {"gpt-5.5", "none low medium high xhigh", true},
        {"gpt-5.6-sol", "none low medium high xhigh max", true},
        {"gpt-6-sol", "none low medium high xhigh max", true},
        {"gpt-6-luna", "none low medium high xhigh max", true},
        {"gpt-6.1-terra", "none low medium high xhigh max", true},
        {"gpt-6-astra", "low medium high xhigh max", true},
        {"gpt-6.1-sol", "low medium high xhigh max", true},
        {"gpt-6.2-astra", "low medium high xhigh max", true},
        {"gpt-6.2-sol", "low medium high xhigh max", true},
        {"gpt-4o", "", false},
        {"gpt-4.1", "", false},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        const struct model_facts *f = find("openai", rows[i].model);
        expect_efforts(f, rows[i].model, rows[i].efforts);
        EXPECT_EQ(model_can(f, MODEL_TOOLS_RESPONSES), rows[i].tools_elsewhere);
        EXPECT_EQ(model_can(f, MODEL_COMPLETION_TOKENS), rows[i].efforts[0] != '\0');
        EXPECT_EQ(model_can(f, MODEL_SAMPLING), rows[i].efforts[0] == '\0');
    }
}

/* mapping: gemini.md, thinkingConfig */
TEST(geminis_are_as_their_sheet_says)
{
    static const struct {
        const char *model, *efforts;
        enum effort usual;
    } rows[] = {
        {"gemini-3-pro-preview", "low high", EFFORT_HIGH},
        {"gemini-3.1-pro", "low medium high", EFFORT_HIGH},
        {"gemini-3-flash", "minimal low medium high", EFFORT_HIGH},
        {"gemini-3.5-flash", "minimal low medium high", EFFORT_MEDIUM},
        {"gemini-3.6-flash", "minimal low medium high", EFFORT_MEDIUM},
        {"gemini-3.5-flash-lite", "minimal low medium high", EFFORT_MINIMAL},
        {"gemini-3.7-flash", "low medium high", EFFORT_MEDIUM},
        {"gemini-3.8-flash", "low medium high", EFFORT_MEDIUM},
        {"gemini-flash-latest", "low medium high", EFFORT_MEDIUM},
        {"gemini-4-argon", "low medium high", EFFORT_MEDIUM},
        {"gemini-4-hydrogen", "low medium high xhigh", EFFORT_HIGH},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        const struct model_facts *f = find("gemini", rows[i].model);
        expect_efforts(f, rows[i].model, rows[i].efforts);
        EXPECT_EQ(f->effort_default, rows[i].usual);
        EXPECT(model_can(f, MODEL_LEVEL) && !model_can(f, MODEL_BUDGET));
        EXPECT(model_can(f, MODEL_CALL_IDS));
    }
    EXPECT(model_can(find("gemini", "gemini-2.5-pro"), MODEL_BUDGET));
    EXPECT(!model_can(find("gemini", "gemini-2.5-pro"), MODEL_CALL_IDS));
    EXPECT(!model_can(find("gemini", "gemini-2.5-flash"), MODEL_SCHEMA_WITH_TOOLS));
    EXPECT(model_can(find("gemini", "gemini-2.5-pro"), MODEL_ALWAYS_REASONS));
}

TEST(the_nearest_effort_is_the_same_or_below_or_else_above)
{
    const struct model_facts some = {.efforts = BIT(EFFORT_LOW) | BIT(EFFORT_HIGH)};
    EXPECT_EQ(model_effort(&some, EFFORT_LOW), EFFORT_LOW);
    EXPECT_EQ(model_effort(&some, EFFORT_MEDIUM), EFFORT_LOW);
    EXPECT_EQ(model_effort(&some, EFFORT_MAX), EFFORT_HIGH);
    EXPECT_EQ(model_effort(&some, EFFORT_MINIMAL), EFFORT_LOW);
    EXPECT_EQ(model_effort(&some, EFFORT_NONE), EFFORT_LOW);
    EXPECT_EQ(model_effort(&some, EFFORT_UNSET), EFFORT_UNSET);
    EXPECT_EQ(model_effort(&(struct model_facts){0}, EFFORT_HIGH), EFFORT_UNSET);
}

TEST(efforts_have_names)
{
    for (unsigned e = EFFORT_NONE; e <= EFFORT_MAX; e++)
        EXPECT_EQ(effort_of(str_from_c(effort_name((enum effort)e))), e);
    EXPECT(effort_name(EFFORT_UNSET) == NULL);
    EXPECT_EQ(effort_of(STR("extreme")), EFFORT_UNSET);
    EXPECT_EQ(effort_of(STR("")), EFFORT_UNSET);
}

TEST(each_row_is_found_by_its_own_name_and_makes_sense)
{
    for (unsigned i = 0; i < model_table_count; i++) {
        const struct model_facts *f = &model_table[i];
        bool chats = !model_can(f, MODEL_EMBEDDING);
        EXPECT(f->name.len && f->vendor.len);
        for (size_t k = 0; k < f->name.len; k++)
            EXPECT(!(f->name.ptr[k] >= 'A' && f->name.ptr[k] <= 'Z'));
        EXPECT(!f->efforts || model_can(f, MODEL_REASONING));
        EXPECT(f->effort_default == EFFORT_UNSET || f->efforts & BIT(f->effort_default));
        EXPECT(!model_can(f, MODEL_ALWAYS_REASONS) || !(f->efforts & BIT(EFFORT_NONE)));
        EXPECT(!chats || f->window);
        EXPECT(chats || !f->efforts);
        for (unsigned other = 0; other < i; other++) /* no row stands twice */
            EXPECT(!str_eq(f->name, model_table[other].name) ||
                   !str_eq(f->vendor, model_table[other].vendor));
    }
}
