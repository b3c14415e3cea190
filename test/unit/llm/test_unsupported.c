/* mapping: §1 classes of what cannot be mapped */
#include "llm/unsupported.h"

#include "support/test.h"

static struct arena arena;
static struct unsupported u;

static void begin(enum unsupported_policy policy)
{
    arena_init(&arena, 0);
    unsupported_init(&u, &arena, policy);
}

static void end(void)
{
    arena_release(&arena);
}

TEST(each_class_has_its_fate_by_policy)
{
    enum fate { SILENT, NOTED, REFUSED };
    static const enum fate fates[][4] = {
        /* MEANING, HINT, BOOKKEEPING, UNKNOWN */
        [UNSUPPORTED_BY_CLASS] = {REFUSED, NOTED, SILENT, NOTED},
        [UNSUPPORTED_STRICT] = {REFUSED, REFUSED, SILENT, REFUSED},
        [UNSUPPORTED_REPORT] = {NOTED, NOTED, SILENT, NOTED},
    };
    for (unsigned policy = 0; policy < ARRAY_LEN(fates); policy++) {
        for (unsigned class = FIELD_MEANING; class <= FIELD_UNKNOWN; class ++) {
            begin((enum unsupported_policy)policy);
            unsupported_field(&u, (enum field_class) class, STR("n"), "one at a time");
            EXPECT_EQ(u.fault.err != ERR_NONE, fates[policy][class] == REFUSED);
            EXPECT_STR(unsupported_text(&u), fates[policy][class] == NOTED ? "n" : NULL);
            end();
        }
    }
}

TEST(a_refusal_names_the_field_and_the_first_counts)
{
    begin(UNSUPPORTED_BY_CLASS);
    unsupported_field(&u, FIELD_MEANING, STR("logprobs"), "there are none");
    unsupported_field(&u, FIELD_MEANING, STR("n"), "one at a time");
    unsupported_refuse(&u, STR("audio"), "there is none");
    EXPECT_EQ(u.fault.err, ERR_UNSUPPORTED);
    EXPECT_STR(u.fault.field, "logprobs");
    EXPECT_STR(u.fault.text, "there are none");
    end();
}

TEST(what_cannot_be_done_is_refused_whatever_the_policy)
{
    begin(UNSUPPORTED_REPORT);
    unsupported_refuse(&u, STR("messages[0].content[1]"), "this image cannot be carried");
    EXPECT_EQ(u.fault.err, ERR_UNSUPPORTED);
    end();
}

TEST(notes_are_listed_once_in_their_order)
{
    begin(UNSUPPORTED_BY_CLASS);
    unsupported_field(&u, FIELD_HINT, STR("logit_bias"), "");
    unsupported_field(&u, FIELD_HINT, STR("seed"), "");
    unsupported_changed(&u, STR("temperature"), STR("1"), STR("1.6"));
    unsupported_field(&u, FIELD_HINT, STR("logit_bias"), "");
    unsupported_note(&u, STR("tools (declared from history)"));
    EXPECT_STR(unsupported_text(&u),
               "logit_bias, seed, temperature=1 (was 1.6), tools (declared from history)");
    EXPECT_EQ(u.fault.err, ERR_NONE);
    end();
}

TEST(strict_refuses_changes_and_notes)
{
    begin(UNSUPPORTED_STRICT);
    unsupported_changed(&u, STR("temperature"), STR("1"), STR("1.6"));
    EXPECT_STR(u.fault.field, "temperature");
    EXPECT_CONTAINS(u.fault.text, "1.6");
    EXPECT(str_is_null(unsupported_text(&u)));
    end();
    begin(UNSUPPORTED_STRICT);
    unsupported_note(&u, STR("tools (declared from history)"));
    EXPECT_EQ(u.fault.err, ERR_UNSUPPORTED);
    end();
}

TEST(extras_are_told_but_those_that_were_taken)
{
    static const str taken[] = {STR_INIT("verbosity"), STR_INIT("prediction")};
    struct chat c;
    begin(UNSUPPORTED_BY_CLASS);
    chat_init(&c, &arena);
    EXPECT(chat_add_extra(&c, NATIVE_OPENAI, STR("verbosity"), STR("1"), FIELD_HINT) &&
           chat_add_extra(&c, NATIVE_OPENAI, STR("metadata.x"), STR("1"), FIELD_BOOKKEEPING) &&
           chat_add_extra(&c, NATIVE_OPENAI, STR("new_thing"), STR("1"), FIELD_UNKNOWN) &&
           chat_add_extra(&c, NATIVE_ANTHROPIC, STR("prediction"), STR("1"), FIELD_HINT));
    unsupported_extras(&u, &c, NATIVE_OPENAI, taken, ARRAY_LEN(taken));
    EXPECT_STR(unsupported_text(&u), "new_thing, prediction");
    end();
}

TEST(names_of_the_client_cannot_break_the_header)
{
    begin(UNSUPPORTED_BY_CLASS);
    unsupported_field(&u, FIELD_HINT, STR("x\r\nset-cookie: a=b\0\x7f\xc3\xa9"), "");
    EXPECT_STR(unsupported_text(&u), "x??set-cookie: a=b????");
    end();
}

TEST(many_notes_end_in_a_word_that_there_were_more)
{
    begin(UNSUPPORTED_BY_CLASS);
    for (unsigned i = 0; i < 100000; i++)
        unsupported_field(&u, FIELD_UNKNOWN, arena_printf(&arena, "messages[%u].x", i), "");
    str text = unsupported_text(&u);
    EXPECT(str_starts(text, STR("messages[0].x, messages[1].x, ")));
    EXPECT(str_ends(text, STR("messages[39].x, and more")));
    EXPECT_LE(text.len, UNSUPPORTED_TEXT + 10);
    end();
}

TEST(a_note_too_long_is_left_out_and_others_stay)
{
    static char name[UNSUPPORTED_TEXT + 1];
    memset(name, 'x', sizeof(name));
    begin(UNSUPPORTED_BY_CLASS);
    unsupported_field(&u, FIELD_UNKNOWN, STR("a"), "");
    unsupported_field(&u, FIELD_UNKNOWN, str_make(name, sizeof(name)), "");
    unsupported_field(&u, FIELD_UNKNOWN, STR("b"), "");
    EXPECT_STR(unsupported_text(&u), "a, b, and more");
    end();
    begin(UNSUPPORTED_BY_CLASS);
    unsupported_field(&u, FIELD_UNKNOWN, str_make(name, sizeof(name)), "");
    EXPECT_STR(unsupported_text(&u), "and more");
    end();
}

TEST(without_memory_it_is_a_fault)
{
    arena_init(&arena, 1);
    unsupported_init(&u, &arena, UNSUPPORTED_BY_CLASS);
    unsupported_field(&u, FIELD_HINT, STR("seed"), "");
    EXPECT_EQ(u.fault.err, ERR_NO_MEMORY);
    end();
}
