/* mapping: §16.5 interleaved tool calls */
#include "llm/call_order.h"

#include "base/random.h"
#include "event_text.h"
#include "support/test.h"

static struct call_order order;
static struct buf told;

static void begin(void)
{
    buf_init(&told, 0);
    call_order_init(&order, &(struct chat_sink){event_text_take, &told});
}

static void end(void)
{
    call_order_release(&order);
    buf_release(&told);
}

static void take(struct chat_event ev)
{
    struct arena a;
    struct chat_event copy;
    arena_init(&a, 0);
    EXPECT(chat_event_copy(&a, &ev, &copy));
    call_order_take(&order, &copy);
    arena_release(&a);
}

static void open_call(unsigned call, const char *id)
{
    take((struct chat_event){
        .kind = CHAT_CALL, .call = call, .id = str_from_c(id), .name = STR("f")});
}

static void arguments(unsigned call, const char *piece)
{
    take((struct chat_event){
        .kind = CHAT_CALL_ARGUMENTS, .call = call, .text = {str_from_c(piece)}});
}

static void text(const char *words)
{
    take((struct chat_event){.kind = CHAT_TEXT, .text = {str_from_c(words)}});
}

static void finish(void)
{
    take((struct chat_event){.kind = CHAT_FINISH, .finish = FINISH_CALLS});
}

static void expect(const char *events)
{
    EXPECT_STR(buf_str(&told), events);
    buf_clear(&told);
}

TEST(one_call_streams_live)
{
    begin();
    text("let me see");
    open_call(0, "a");
    arguments(0, "{\\\"x\\\"");
    expect("text let me see\ncall 0 a f\narguments 0 {\\\"x\\\"\n");
    arguments(0, ":1}");
    expect("arguments 0 :1}\n");
    finish();
    expect("finish 4\n");
    end();
}

TEST(a_call_that_opens_meanwhile_waits_until_the_first_is_whole)
{
    begin();
    open_call(0, "a");
    open_call(1, "b");
    arguments(1, "{\\\"y\\\":");
    arguments(0, "{\\\"x\\\":");
    expect("call 0 a f\narguments 0 {\\\"x\\\":\n");
    arguments(0, "\\\"}\\\"}");
    expect("arguments 0 \\\"}\\\"}\ncall 1 b f\narguments 1 {\\\"y\\\":\n");
    arguments(1, "2}"); /* live by now */
    expect("arguments 1 2}\n");
    end();
}

TEST(a_call_behind_a_whole_one_is_live_at_once)
{
    begin();
    open_call(0, "a");
    arguments(0, "{}");
    open_call(1, "b");
    arguments(1, "{\\\"y\\\":");
    expect("call 0 a f\narguments 0 {}\ncall 1 b f\narguments 1 {\\\"y\\\":\n");
    end();
}

TEST(text_between_comes_after_the_calls_that_are_open)
{
    begin();
    open_call(0, "a");
    arguments(0, "{\\\"x\\\":");
    text("meanwhile");
    open_call(1, "b");
    arguments(1, "{}");
    arguments(0, "1}");
    expect("call 0 a f\narguments 0 {\\\"x\\\":\narguments 0 1}\ntext meanwhile\n"
           "call 1 b f\narguments 1 {}\n");
    text("after");
    expect("text after\n");
    end();
}

TEST(usage_and_probabilities_do_not_wait)
{
    begin();
    open_call(0, "a");
    take((struct chat_event){.kind = CHAT_USAGE, .usage = {.input = 1, .output = 2}});
    take((struct chat_event){.kind = CHAT_LOGPROBS, .json = STR("{}")});
    expect("call 0 a f\nusage 1/2\nlogprobs {}\n");
    end();
}

TEST(at_the_end_comes_all_that_waited)
{
    begin();
    open_call(0, "a");
    arguments(0, "{\\\"broken");
    open_call(1, "b");
    open_call(2, "c");
    arguments(2, "not json");
    arguments(1, "{}");
    expect("call 0 a f\narguments 0 {\\\"broken\n");
    finish();
    expect("call 1 b f\narguments 1 {}\ncall 2 c f\narguments 2 not json\nfinish 4\n");
    arguments(0, "late");
    expect("");
    end();
}

TEST(braces_within_strings_do_not_count)
{
    static const char *const pieces[] = {"{", "\\\"a}\\\\\\\"", "}\\\"", ":", "[", "{", "}", "]"};
    begin();
    open_call(0, "a");
    open_call(1, "b");
    buf_clear(&told);
    for (unsigned i = 0; i < ARRAY_LEN(pieces); i++) {
        arguments(0, pieces[i]);
        EXPECT(str_find(buf_str(&told), STR("call 1")) < 0);
    }
    arguments(0, "\\u007d"); /* a brace */
    EXPECT(str_find(buf_str(&told), STR("call 1")) > 0);
    end();
}

TEST(other_choices_pass)
{
    begin();
    open_call(0, "a");
    take((struct chat_event){.kind = CHAT_TEXT, .choice = 1, .text = RAW("x")});
    expect("call 0 a f\ntext #1 x\n");
    end();
}

TEST(more_than_may_wait_is_a_failure)
{
    static char text_[1 << 20];
    memset(text_, 'x', sizeof(text_) - 1);
    begin();
    open_call(0, "a");
    open_call(1, "b");
    for (unsigned i = 0; i < 20 && !order.failed; i++)
        arguments(1, text_);
    EXPECT(order.failed);
    EXPECT_LE(order.waiting, 18 << 20);
    end();
    begin();
    open_call(0, "a");
    for (unsigned i = 0; i < 20 && !order.failed; i++)
        text(text_);
    EXPECT(order.failed);
    end();
}

/* --- Properties ---------------------------------------------------------------------------------- */

enum { CALLS = 6 };

/* A client's format with one open block: what it sees of each call, and that no other is touched. */
struct judge {
    bool open;
    unsigned call;
    bool closed[CALLS];
    struct buf arguments[CALLS], words;
};

static void judge_take(void *arg, const struct chat_event *ev)
{
    struct judge *j = arg;
    if (ev->kind == CHAT_CALL_ARGUMENTS) {
        EXPECT(j->open && j->call == ev->call);
        buf_add_str(&j->arguments[ev->call], ev->text.s);
        return;
    }
    if (j->open)
        j->closed[j->call] = true;
    j->open = ev->kind == CHAT_CALL;
    if (ev->kind == CHAT_CALL) {
        EXPECT(!j->closed[ev->call]);
        j->call = ev->call;
    }
    if (ev->kind == CHAT_TEXT)
        buf_add_str(&j->words, ev->text.s);
}

/* What was to be said of each call, and how much of it has been. */
struct script {
    str arguments[CALLS];
    size_t told[CALLS];
    unsigned opened;
};

/* The next piece of a call, of any length that does not cut an escape. */
static str next_piece(struct script *s, unsigned call, uint64_t *seed)
{
    str left = str_from(s->arguments[call], s->told[call]);
    size_t want = 1 + random_next(seed) % 5, n = 0;
    while (n < left.len && n < want) {
        bool code = left.ptr[n] == '\\' && left.ptr[n + 1] == 'u';
        n += code ? 6 : left.ptr[n] == '\\' ? 2 : 1;
    }
    s->told[call] += n;
    return str_first(left, n);
}

static void play(struct script *s, uint64_t *seed, struct buf *words)
{
    for (unsigned i = 0; i < 60; i++) {
        unsigned what = random_next(seed) % 8;
        if (what == 0 && s->opened < CALLS) {
            open_call(s->opened++, "id");
        } else if (what == 1) {
            text("w");
            buf_add_lit(words, "w");
        } else if (s->opened) {
            unsigned call = (unsigned)(random_next(seed) % s->opened);
            str piece = next_piece(s, call, seed);
            if (piece.len)
                take((struct chat_event){
                    .kind = CHAT_CALL_ARGUMENTS, .call = call, .text = {piece}});
        }
    }
}

TEST(whatever_interleaves_one_call_is_open_at_a_time_and_nothing_is_lost)
{
    static const str samples[] = {STR_INIT("{}"),
                                  STR_INIT("{\\\"a\\\":[1,{\\\"b\\\":\\\"}\\\\\\\"{\\\"}]}"),
                                  STR_INIT("{\\\"\\u007d\\\": \\\"x\\\"}"),
                                  STR_INIT("not json at all"),
                                  STR_INIT(""),
                                  STR_INIT("[1,2]")};
    for (uint64_t round = 0; round < 3000; round++) {
        struct judge j = {0};
        struct script s = {0};
        struct buf words;
        uint64_t seed = round;
        buf_init(&words, 0);
        buf_init(&j.words, 0);
        for (unsigned i = 0; i < CALLS; i++) {
            buf_init(&j.arguments[i], 0);
            s.arguments[i] = samples[random_next(&seed) % ARRAY_LEN(samples)];
        }
        call_order_init(&order, &(struct chat_sink){judge_take, &j});
        play(&s, &seed, &words);
        finish();
        EXPECT(!order.failed && !order.held);
        for (unsigned i = 0; i < CALLS; i++) {
            EXPECT_STR(buf_str(&j.arguments[i]), str_first(s.arguments[i], s.told[i]));
            buf_release(&j.arguments[i]);
        }
        EXPECT_STR(buf_str(&j.words), buf_str(&words));
        call_order_release(&order);
        buf_release(&words);
        buf_release(&j.words);
    }
}
