#include "llm/chat_answer.h"

#include "base/random.h"
#include "event_text.h"
#include "support/test.h"

static struct chat_answer answer;
static struct buf told;

static void begin(void)
{
    chat_answer_init(&answer, 0);
    buf_init(&told, 0);
}

static void end(void)
{
    chat_answer_release(&answer);
    buf_release(&told);
}

/* Texts of events last only as long as the call, so each is given from memory that goes at once. */
static void take(struct chat_event ev)
{
    struct arena a;
    struct chat_event copy;
    arena_init(&a, 0);
    EXPECT(chat_event_copy(&a, &ev, &copy));
    chat_answer_take(&answer, &copy);
    arena_release(&a);
}

#define TAKE(kind_, ...) take((struct chat_event){.kind = CHAT_##kind_, __VA_ARGS__})
#define TEXT_(literal) .text = RAW(literal)

/* The answer after its first line: blocks, finish, usage. */
static void expect(const char *text)
{
    chat_answer_seal(&answer);
    buf_clear(&told);
    answer_text(&told, &answer);
    EXPECT_STR(buf_str(&told), text);
}

TEST(pieces_of_one_kind_are_one_block)
{
    begin();
    TAKE(START, .id = STR("msg_1"), .model = STR("m"));
    TAKE(TEXT, TEXT_("Hel"));
    TAKE(TEXT, TEXT_(""));
    TAKE(TEXT, TEXT_("lo\\n"));
    TAKE(FINISH, .finish = FINISH_STOP, .reason = STR("end_turn"));
    TAKE(USAGE, .usage = {.known = true, .input = 3, .output = 2});
    TAKE(END, .json = STR_NULL);
    expect(" msg_1 mchoice 0\ntext Hello\\n\nfinish 1 0 end_turn\nusage 1 3/2 complete\n");
    end();
}

TEST(a_break_ends_a_block_and_so_does_another_kind)
{
    begin();
    TAKE(TEXT, TEXT_("a"));
    TAKE(BREAK, .choice = 0);
    TAKE(TEXT, TEXT_("b"));
    TAKE(REFUSAL, TEXT_("no"));
    TAKE(TEXT, TEXT_("c"));
    TAKE(MEDIA, .media = &(struct media){.mime = STR("image/png"), .data = STR("iVBO")});
    TAKE(MEDIA, .media = &(struct media){.mime = STR("audio/wav"), .data = STR("UklG")});
    TAKE(NATIVE, .native = &(struct native_block){.json = STR("{}")});
    TAKE(TEXT, TEXT_("d"));
    expect("choice 0\ntext a\ntext b\nrefusal no\ntext c\nimage iVBO\naudio UklG\nnative {}\n"
           "text d\nfinish 0 -1\nusage 0 -1/-1\n");
    end();
}

TEST(a_signature_ends_reasoning_and_may_stand_alone)
{
    begin();
    TAKE(REASONING, TEXT_("hm"));
    TAKE(REASONING_BREAK, .choice = 0);
    TAKE(REASONING, TEXT_("aha"));
    TAKE(SIGNATURE, .opaque = STR("sig"), .format = NATIVE_ANTHROPIC);
    TAKE(REASONING, TEXT_("again"));
    TAKE(REDACTED, .opaque = STR("xyz"), .format = NATIVE_BEDROCK);
    TAKE(SIGNATURE, .opaque = STR("alone"), .format = NATIVE_GEMINI);
    expect("choice 0\nreasoning hm\\n\\naha signature=sig/2\nreasoning again\n"
           "reasoning encrypted=xyz/4\nreasoning signature=alone/3\nfinish 0 -1\nusage 0 -1/-1\n");
    end();
}

TEST(calls_interleave_and_keep_the_order_of_their_opening)
{
    begin();
    TAKE(CALL, .call = 0, .id = STR("c1"), .name = STR("f"));
    TAKE(CALL_ARGUMENTS, .call = 0, TEXT_("{\\\"a\\\":"));
    TAKE(CALL, .call = 1, .id = STR("c2"), .name = STR("g"), .opaque = STR("sig"));
    TAKE(CALL_ARGUMENTS, .call = 1, TEXT_("{\\\"b\\\":\\\"\\\\\\\"\\\"}"));
    TAKE(TEXT, TEXT_("between"));
    TAKE(CALL_ARGUMENTS, .call = 0, TEXT_("1}"));
    TAKE(CALL, .call = 2, .id = STR("c3"), .name = STR("h"));
    TAKE(CALL, .call = 3, .id = STR("c4"), .name = STR("k"));
    TAKE(CALL_ARGUMENTS, .call = 3, TEXT_("{broken"));
    expect("choice 0\ncall c1 f {\"a\":1}\ncall c2 g {\"b\":\"\\\"\"} sig\ntext between\n"
           "call c3 h {}\ncall c4 k raw:{broken\nfinish 0 -1\nusage 0 -1/-1\n");
    end();
}

TEST(choices_come_in_the_order_of_their_numbers)
{
    begin();
    TAKE(TEXT, .choice = 1, TEXT_("b"));
    TAKE(TEXT, .choice = 0, TEXT_("a"));
    TAKE(TEXT, .choice = 1, TEXT_("B"));
    TAKE(FINISH, .choice = 1, .finish = FINISH_LENGTH);
    TAKE(FINISH, .choice = 0, .finish = FINISH_STOP_SEQUENCE, TEXT_("\\n"));
    expect("choice 0\ntext a\nfinish 1 1 \\n\nchoice 1\ntext bB\nfinish 1 2\nusage 0 -1/-1\n");
    end();
}

TEST(an_answer_without_anything_has_one_empty_choice)
{
    begin();
    TAKE(START, .id = STR_NULL);
    TAKE(END, .id = STR_NULL);
    expect("choice 0\nfinish 0 -1\nusage 0 -1/-1 complete\n");
    end();
}

TEST(citations_belong_to_the_text_before_them)
{
    const struct citation one = {.url = RAW("https://a"), .start = -1, .end = -1};
    const struct citation two = {.url = RAW("https://b"), .start = -1, .end = -1};
    begin();
    TAKE(CITATION, .citation = &one);
    TAKE(TEXT, TEXT_("said"));
    TAKE(CITATION, .citation = &two);
    TAKE(BREAK, .choice = 0);
    TAKE(CITATION, .citation = &one);
    TAKE(TEXT, TEXT_("more"));
    expect("choice 0\ntext said [https://a] [https://b] [https://a]\ntext more\n"
           "finish 0 -1\nusage 0 -1/-1\n");
    end();
}

TEST(log_probabilities_are_joined)
{
    begin();
    TAKE(LOGPROBS, .json = STR("{\"token\":\"a\"}"));
    TAKE(LOGPROBS, .json = STR(""));
    TAKE(LOGPROBS, .json = STR("{\"token\":\"b\"},{\"token\":\"c\"}"));
    chat_answer_seal(&answer);
    EXPECT_STR(answer.choices->logprobs.s, "{\"token\":\"a\"},{\"token\":\"b\"},{\"token\":\"c\"}");
    end();
}

TEST(usage_is_what_was_said_last_of_each_bucket)
{
    begin();
    TAKE(USAGE, .usage = {.known = true,
                          .input = 10,
                          .cached = 4,
                          .cache_write = -1,
                          .output = 1,
                          .reasoning = -1});
    TAKE(USAGE, .usage = {.known = false, .input = 99});
    TAKE(USAGE, .usage = {.known = true,
                          .clamped = true,
                          .input = -1,
                          .cached = -1,
                          .cache_write = -1,
                          .output = 7,
                          .reasoning = 0});
    EXPECT(answer.usage.known && answer.usage.clamped);
    EXPECT_EQ(answer.usage.input, 10);
    EXPECT_EQ(answer.usage.cached, 4);
    EXPECT_EQ(answer.usage.cache_write, -1);
    EXPECT_EQ(answer.usage.output, 7);
    EXPECT_EQ(answer.usage.reasoning, 0);
    end();
}

TEST(a_failure_keeps_the_providers_words)
{
    begin();
    TAKE(TEXT, TEXT_("so far"));
    TAKE(FAILED, .err = ERR_UPSTREAM_OVERLOADED,
         .fault = {.message = STR("busy"), .type = STR("overloaded_error")});
    expect("choice 0\ntext so far\nfinish 0 -1\nusage 0 -1/-1 failed\n");
    EXPECT_EQ(answer.err, ERR_UPSTREAM_OVERLOADED);
    EXPECT_STR(answer.fault.message, "busy");
    buf_clear(&told);
    chat_answer_replay(&answer, &(struct chat_sink){event_text_take, &told});
    EXPECT_STR(buf_str(&told), "start\ntext so far\nfailed\n");
    end();
}

TEST(an_answer_beyond_its_budget_says_so_and_stops_growing)
{
    char text[1000];
    memset(text, 'x', sizeof(text));
    buf_init(&told, 0);
    chat_answer_init(&answer, 20 * 1000);
    for (unsigned i = 0; i < 100; i++)
        TAKE(TEXT, .text = {str_make(text, sizeof(text))});
    EXPECT(answer.no_memory);
    EXPECT_LE(answer.gathered, 21 * 1000 + 100 * 1000);
    EXPECT_LE(answer.choices->open ? 1 : 0, 1);
    chat_answer_seal(&answer);
    chat_answer_replay(&answer, &(struct chat_sink){event_text_take, &told});
    EXPECT_STR(buf_str(&told), "start\nfailed\n");
    end();
}

/* --- Properties ---------------------------------------------------------------------------------- */

static const char *const words[] = {"a", "bc", "d\\n", "\\\"", "\\u00e9", "{", "}", " ", "\\\\"};

static struct raw some_words(uint64_t *seed)
{
    const char *word = words[random_next(seed) % ARRAY_LEN(words)];
    return (struct raw){str_from_c(word)};
}

/* An event as a reader might make it; opened: calls so far of each choice. */
static struct chat_event some_event(uint64_t *seed, unsigned opened[2])
{
    static const enum chat_event_kind kinds[] = {
        CHAT_TEXT,      CHAT_TEXT,     CHAT_REASONING,      CHAT_REASONING, CHAT_REFUSAL,
        CHAT_SIGNATURE, CHAT_REDACTED, CHAT_CALL_ARGUMENTS, CHAT_CALL,      CHAT_CALL_ARGUMENTS,
        CHAT_BREAK,     CHAT_CITATION, CHAT_MEDIA,          CHAT_NATIVE,    CHAT_LOGPROBS,
        CHAT_USAGE,     CHAT_FINISH,   CHAT_REASONING_BREAK};
    static const struct citation cited = {.url = {STR_INIT("https://c")}, .start = -1, .end = -1};
    static const struct media image = {.mime = STR_INIT("image/png"), .data = STR_INIT("iVBO")};
    static const struct native_block native = {.format = NATIVE_GEMINI, .json = STR_INIT("{}")};
    unsigned choice = random_next(seed) % 4 == 0;
    struct chat_event ev = {.kind = kinds[random_next(seed) % ARRAY_LEN(kinds)], .choice = choice};
    if (ev.kind == CHAT_CALL_ARGUMENTS && !opened[choice])
        ev.kind = CHAT_CALL;
    ev.text = some_words(seed);
    ev.finish = (enum finish)(random_next(seed) % (FINISH_OTHER + 1));
    ev.usage = (struct usage){.known = true,
                              .input = (int64_t)(random_next(seed) % 9),
                              .cached = -1,
                              .cache_write = -1,
                              .output = (int64_t)(random_next(seed) % 9),
                              .reasoning = -1};
    if (ev.kind == CHAT_CALL) {
        ev.call = opened[choice]++;
        ev.id = STR("id");
        ev.name = STR("name");
    } else if (ev.kind == CHAT_CALL_ARGUMENTS) {
        ev.call = (unsigned)(random_next(seed) % opened[choice]);
    } else if (ev.kind == CHAT_SIGNATURE || ev.kind == CHAT_REDACTED) {
        ev.opaque = STR("opaque");
        ev.format = NATIVE_ANTHROPIC;
    }
    ev.citation = ev.kind == CHAT_CITATION ? &cited : NULL;
    ev.media = ev.kind == CHAT_MEDIA ? &image : NULL;
    ev.native = ev.kind == CHAT_NATIVE ? &native : NULL;
    ev.json = ev.kind == CHAT_LOGPROBS ? STR("{}") : STR_NULL;
    return ev;
}

/* What is said in words, whatever the blocks. */
static void add_words(void *arg, const struct chat_event *ev)
{
    struct buf *b = arg;
    bool text = ev->kind == CHAT_TEXT || ev->kind == CHAT_REFUSAL;
    if (text && ev->choice == 0)
        buf_add_str(b, ev->text.s);
}

TEST(an_answer_replayed_is_the_same_answer)
{
    for (uint64_t round = 0; round < 2000; round++) {
        struct chat_answer again;
        struct buf first, second, said, repeated;
        uint64_t seed = round;
        unsigned opened[2] = {0};
        begin();
        buf_init(&first, 0);
        buf_init(&second, 0);
        buf_init(&said, 0);
        buf_init(&repeated, 0);
        chat_answer_init(&again, 0);
        TAKE(START, .id = STR("id"), .model = STR("model"));
        for (unsigned n = random_next(&seed) % 40; n; n--) {
            struct chat_event ev = some_event(&seed, opened);
            add_words(&said, &ev);
            take(ev);
        }
        TAKE(END, .id = STR_NULL);
        chat_answer_seal(&answer);
        chat_answer_replay(&answer, &(struct chat_sink){chat_answer_take, &again});
        chat_answer_replay(&answer, &(struct chat_sink){add_words, &repeated});
        chat_answer_seal(&again);
        answer_text(&first, &answer);
        answer_text(&second, &again);
        EXPECT_STR(buf_str(&second), buf_str(&first));
        EXPECT_STR(buf_str(&repeated), buf_str(&said));
        chat_answer_release(&again);
        buf_release(&first);
        buf_release(&second);
        buf_release(&said);
        buf_release(&repeated);
        end();
    }
}
