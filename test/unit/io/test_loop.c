#include "io/loop.h"

#include "io/inbox.h"
#include "recorder.h"
#include "support/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* --- Timers */

struct shot {
    struct timer timer;
    struct loop *loop;
    uint64_t asked_us, delay_ms, fired_us;
    unsigned fired, order;
    unsigned *count;
    struct shot *stops;  /* another timer to stop when this fires */
    uint64_t restart_ms; /* start again once, if not 0 */
};

static void on_shot(void *arg)
{
    struct shot *s = arg;
    s->fired++;
    s->fired_us = loop_clock_us();
    s->order = ++*s->count;
    if (s->stops)
        timer_stop(&s->stops->timer);
    if (s->restart_ms && s->fired == 1)
        timer_start(s->loop, &s->timer, s->restart_ms);
}

static void shoot(struct shot *s, struct loop *l, unsigned *count, uint64_t delay_ms)
{
    timer_init(&s->timer, on_shot, s);
    s->loop = l;
    s->count = count;
    s->delay_ms = delay_ms;
    s->asked_us = loop_now_us(l);
    timer_start(l, &s->timer, delay_ms);
}

TEST(timers_fire_in_order_of_their_time_and_never_early)
{
    static const uint64_t delays[] = {1500, 0, 40, 8, 1, 1030, 300, 16};
    struct shot s[ARRAY_LEN(delays)] = {0};
    struct loop *l = loop_new();
    unsigned count = 0;
    for (size_t i = 0; i < ARRAY_LEN(delays); i++)
        shoot(&s[i], l, &count, delays[i]);
    TURN_UNTIL(l, count == ARRAY_LEN(delays));
    for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
        EXPECT_EQ(s[i].fired, 1);
        EXPECT_GE(s[i].fired_us, s[i].asked_us + 1000 * delays[i]);
        for (size_t j = 0; j < ARRAY_LEN(delays); j++)
            if (delays[i] + 8 < delays[j])
                EXPECT_LT(s[i].order, s[j].order);
    }
    loop_end(l);
}

TEST(stopped_timer_does_not_fire_even_if_stopped_by_one_due_in_the_same_tick)
{
    struct shot a = {0}, b = {0}, c = {0};
    struct loop *l = loop_new();
    unsigned count = 0;
    shoot(&a, l, &count, 20);
    shoot(&b, l, &count, 20);
    shoot(&c, l, &count, 5);
    a.stops = &b;
    b.stops = &a;
    timer_stop(&c.timer);
    EXPECT(!timer_is_running(&c.timer));
    TURN_UNTIL(l, count);
    turn_at_most(l, 30);
    turn_at_most(l, 30);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(c.fired, 0);
    loop_end(l);
}

TEST(timer_may_start_itself_again_while_it_fires)
{
    struct shot a = {0};
    struct loop *l = loop_new();
    unsigned count = 0;
    a.restart_ms = 1;
    shoot(&a, l, &count, 4);
    TURN_UNTIL(l, a.fired == 2);
    EXPECT(!timer_is_running(&a.timer));
    loop_end(l);
}

TEST(starting_a_running_timer_moves_it)
{
    struct shot a = {0}, b = {0};
    struct loop *l = loop_new();
    unsigned count = 0;
    shoot(&a, l, &count, 10);
    shoot(&b, l, &count, 60);
    timer_start(l, &a.timer, 120);
    TURN_UNTIL(l, count == 2);
    EXPECT_LT(b.order, a.order);
    loop_end(l);
}

TEST(far_timers_wait_and_can_be_stopped)
{
    static const uint64_t delays[] = {2000, 70 * 1000, 5 * 3600 * 1000, 400ull * 3600 * 1000,
                                      UINT64_MAX};
    struct shot s[ARRAY_LEN(delays)] = {0};
    struct loop *l = loop_new();
    unsigned count = 0;
    for (size_t i = 0; i < ARRAY_LEN(delays); i++)
        shoot(&s[i], l, &count, delays[i]);
    for (int i = 0; i < 20; i++)
        turn_at_most(l, 4);
    EXPECT_EQ(count, 0);
    for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
        EXPECT(timer_is_running(&s[i].timer));
        timer_stop(&s[i].timer);
    }
    loop_end(l);
}

TEST(many_timers_of_random_length_fire_once_each)
{
    enum { MANY = 2000 };
    struct shot *s = calloc(MANY, sizeof(*s));
    struct loop *l = loop_new();
    unsigned count = 0, stopped = 0, seed = 7;
    for (unsigned i = 0; i < MANY; i++)
        shoot(&s[i], l, &count, (unsigned)rand_r(&seed) % 1300);
    for (unsigned i = 0; i < MANY; i += 3, stopped++)
        timer_stop(&s[i].timer);
    TURN_UNTIL(l, count == MANY - stopped);
    for (unsigned i = 0; i < MANY; i++) {
        EXPECT_EQ(s[i].fired, i % 3 != 0);
        EXPECT(!s[i].fired || s[i].fired_us >= s[i].asked_us + 1000 * s[i].delay_ms);
    }
    free(s);
    loop_end(l);
}

/* --- Deferred work and closing */

struct chore {
    struct deferred deferred;
    struct closing closing;
    struct loop *loop;
    unsigned runs, again, released;
    struct chore *closes;
};

static void on_release(void *object)
{
    struct chore *c = object;
    c->released++;
}

static void on_chore(void *arg)
{
    struct chore *c = arg;
    c->runs++;
    EXPECT_EQ(c->released, 0); /* closing waits for what was deferred */
    if (c->again && c->again--)
        loop_defer(c->loop, &c->deferred);
    if (c->closes)
        loop_close_later(c->loop, &c->closes->closing, on_release, c->closes);
}

static void chore_init(struct chore *c, struct loop *l)
{
    *c = (struct chore){.loop = l};
    deferred_init(&c->deferred, on_chore, c);
}

TEST(deferred_work_runs_once_at_the_end_of_the_turn_unless_cancelled)
{
    struct chore a, b;
    struct loop *l = loop_new();
    chore_init(&a, l);
    chore_init(&b, l);
    loop_defer(l, &a.deferred);
    loop_defer(l, &a.deferred);
    loop_defer(l, &b.deferred);
    deferred_cancel(&b.deferred);
    EXPECT_EQ(a.runs, 0);
    loop_turn(l, true); /* must not sleep */
    EXPECT_EQ(a.runs, 1);
    EXPECT_EQ(b.runs, 0);
    loop_end(l);
}

TEST(deferred_work_that_defers_itself_for_long_keeps_the_loop_awake)
{
    struct chore a;
    struct loop *l = loop_new();
    chore_init(&a, l);
    a.again = 100;
    loop_defer(l, &a.deferred);
    while (a.runs < 101)
        loop_turn(l, true);
    loop_end(l);
}

TEST(closing_object_is_released_after_the_deferred_work_of_its_turn)
{
    struct chore a, b;
    struct loop *l = loop_new();
    chore_init(&a, l);
    chore_init(&b, l);
    a.closes = &b;
    loop_defer(l, &a.deferred);
    loop_defer(l, &b.deferred);
    loop_turn(l, false);
    EXPECT_EQ(b.runs, 1);
    EXPECT_EQ(b.released, 1);
    loop_end(l);
}

TEST(time_stands_still_during_a_turn)
{
    struct loop *l = loop_new();
    uint64_t now = loop_now_us(l);
    usleep(3000);
    EXPECT_EQ(loop_now_us(l), now);
    loop_turn(l, false);
    EXPECT_GE(loop_now_us(l), now + 3000);
    EXPECT_GT(loop_wall_us(), 1600000000000000ull);
    loop_end(l);
}

static void stop(void *arg)
{
    loop_stop(arg);
}

TEST(loop_runs_until_it_is_stopped_and_again)
{
    struct loop *l = loop_new();
    struct timer t;
    timer_init(&t, stop, l);
    for (int i = 0; i < 2; i++) {
        timer_start(l, &t, 5);
        loop_run(l);
    }
    loop_end(l);
}

TEST(freeing_a_loop_with_an_open_handle_is_a_bug)
{
    struct loop *l = loop_new();
    struct stream *s[2];
    tcp_pair(l, s);
    EXPECT_ABORT(loop_free(l));
    stream_close(s[0]);
    stream_close(s[1]);
    loop_end(l);
}

/* --- Inbox and helper threads */

enum { SENDERS = 4, LETTERS = 5000 };

struct letter {
    struct message message;
    unsigned sender, number;
};

static struct {
    struct loop *loop;
    unsigned next[SENDERS], all;
} post;

static void on_letter(struct message *m)
{
    struct letter *l = CONTAINER_OF(m, struct letter, message);
    EXPECT_EQ(l->number, post.next[l->sender]);
    post.next[l->sender]++;
    if (++post.all == SENDERS * LETTERS)
        loop_stop(post.loop);
    free(l);
}

static void *send_letters(void *arg)
{
    unsigned *sender = arg;
    for (unsigned i = 0; i < LETTERS; i++) {
        struct letter *l = malloc(sizeof(*l));
        *l = (struct letter){.message.run = on_letter, .sender = *sender, .number = i};
        inbox_post(post.loop, &l->message);
    }
    return NULL;
}

TEST(messages_of_four_threads_all_arrive_each_senders_in_order)
{
    pthread_t threads[SENDERS];
    unsigned ids[SENDERS];
    memset(&post, 0, sizeof(post));
    post.loop = loop_new();
    for (unsigned i = 0; i < SENDERS; i++) {
        ids[i] = i;
        EXPECT_EQ(pthread_create(&threads[i], NULL, send_letters, &ids[i]), 0);
    }
    loop_run(post.loop);
    for (unsigned i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_EQ(post.next[i], LETTERS);
    }
    loop_end(post.loop);
}

static unsigned dropped;

static void never(struct message *m)
{
    (void)m;
    EXPECT_FAIL("ran");
}

static void on_drop(struct message *m)
{
    (void)m;
    dropped++;
}

TEST(messages_left_when_the_loop_goes_are_dropped)
{
    struct message m[2] = {{.run = never, .drop = on_drop}, {.run = never}};
    struct loop *l = loop_new();
    dropped = 0;
    /* freed before it turns: posted from the loop's own thread, nothing has rung yet */
    inbox_post(l, &m[0]);
    inbox_post(l, &m[1]);
    loop_end(l);
    EXPECT_EQ(dropped, 1);
}

struct blocking {
    pthread_t worker;
    unsigned worked, done;
};

static void work_there(void *arg)
{
    struct blocking *b = arg;
    b->worker = pthread_self();
    b->worked++;
}

static void done_here(void *arg)
{
    struct blocking *b = arg;
    EXPECT_EQ(b->worked, 1);
    b->done++;
}

TEST(blocking_work_runs_elsewhere_and_is_done_here)
{
    struct blocking b = {0};
    struct loop *l = loop_new();
    EXPECT(loop_work(l, &(struct work){work_there, done_here, &b}));
    EXPECT_EQ(b.done, 0);
    TURN_UNTIL(l, b.done);
    EXPECT(!pthread_equal(b.worker, pthread_self()));
    EXPECT_EQ(b.done, 1);
    loop_end(l);
}

TEST(work_still_running_when_the_loop_goes_is_waited_for)
{
    struct blocking b = {0};
    struct loop *l = loop_new();
    EXPECT(loop_work(l, &(struct work){work_there, done_here, &b}));
    loop_end(l);
    EXPECT_EQ(b.done, 1);
}
