/* attempt_decide, by a table: the rules of spec section 11 and of hardening, rule zero. */
#include "policy/retry.h"

#include "support/test.h"

static const struct retry_conf usual = {.attempts = 2,
                                        .total = 3,
                                        .base_ms = 100,
                                        .max_ms = 10000,
                                        .retry_after_max_ms = 5000,
                                        .jitter_percent = 0};

struct row {
    const char *what;
    struct attempt_outcome outcome;
    struct attempt_budget budget;
    enum attempt_decision decision;
    uint64_t wait_ms;
};

/* Failed once, replayable, nothing relayed, time without end, one target. */
#define FAILED(...)                                                                                \
    {                                                                                              \
        .request_replayable = true, .retry_after_ms = -1, __VA_ARGS__                              \
    }
#define BUDGET(...)                                                                                \
    {                                                                                              \
        .made = 1, .made_here = 1, .left_ms = UINT64_MAX, __VA_ARGS__                              \
    }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct row rows[] = {
    {"an ordinary failure on the only target", FAILED(.err = ERR_UPSTREAM_STATUS), BUDGET(),
     ATTEMPT_RETRY_SAME, 100},
    {"with another target", FAILED(.err = ERR_UPSTREAM_STATUS), BUDGET(.targets_left = 1),
     ATTEMPT_RETRY_ELSEWHERE, 0},
    {"rule zero", FAILED(.err = ERR_UPSTREAM_STATUS, .content_relayed = true),
     BUDGET(.targets_left = 5, .keys_left = 5), ATTEMPT_GIVE_UP, 0},
    {"the request has gone", FAILED(.err = ERR_UPSTREAM_STATUS, .request_replayable = false),
     BUDGET(.targets_left = 1), ATTEMPT_GIVE_UP, 0},
    {"the client's own fault", FAILED(.err = ERR_UPSTREAM_REFUSED_REQUEST),
     BUDGET(.targets_left = 1), ATTEMPT_GIVE_UP, 0},
    {"too large to pass on", FAILED(.err = ERR_UPSTREAM_TOO_LARGE), BUDGET(.targets_left = 1),
     ATTEMPT_GIVE_UP, 0},
    {"the total has passed", FAILED(.err = ERR_TOTAL_TIMEOUT), BUDGET(.targets_left = 1),
     ATTEMPT_GIVE_UP, 0},
    {"all attempts are made", FAILED(.err = ERR_UPSTREAM_STATUS),
     BUDGET(.made = 3, .targets_left = 1), ATTEMPT_GIVE_UP, 0},
    {"no time is left", FAILED(.err = ERR_UPSTREAM_STATUS), BUDGET(.left_ms = 0, .targets_left = 1),
     ATTEMPT_GIVE_UP, 0},
    {"less time than the pause takes", FAILED(.err = ERR_UPSTREAM_STATUS), BUDGET(.left_ms = 100),
     ATTEMPT_GIVE_UP, 0},
    {"just enough time", FAILED(.err = ERR_UPSTREAM_STATUS), BUDGET(.left_ms = 101),
     ATTEMPT_RETRY_SAME, 100},
    {"moving on needs no pause", FAILED(.err = ERR_UPSTREAM_STATUS),
     BUDGET(.left_ms = 1, .targets_left = 1), ATTEMPT_RETRY_ELSEWHERE, 0},
    /* The pause doubles with each attempt here. */
    {"second failure here", FAILED(.err = ERR_UPSTREAM_STATUS), BUDGET(.made = 2, .made_here = 2),
     ATTEMPT_RETRY_SAME, 200},
    {"third failure here", FAILED(.err = ERR_UPSTREAM_STATUS), BUDGET(.made = 2, .made_here = 3),
     ATTEMPT_GIVE_UP, 0},
    /* Keys. */
    {"another key", FAILED(.err = ERR_UPSTREAM_AUTH), BUDGET(.keys_left = 1, .targets_left = 1),
     ATTEMPT_RETRY_SAME, 0},
    {"another key, out of quota", FAILED(.err = ERR_UPSTREAM_QUOTA), BUDGET(.keys_left = 1),
     ATTEMPT_RETRY_SAME, 0},
    {"no other key", FAILED(.err = ERR_UPSTREAM_AUTH), BUDGET(), ATTEMPT_GIVE_UP, 0},
    {"no other key, another target", FAILED(.err = ERR_UPSTREAM_AUTH), BUDGET(.targets_left = 1),
     ATTEMPT_RETRY_ELSEWHERE, 0},
    {"other keys do not help a server that is down", FAILED(.err = ERR_UPSTREAM_CONNECT),
     BUDGET(.keys_left = 3, .targets_left = 1), ATTEMPT_RETRY_ELSEWHERE, 0},
    /* What the same target would only say again. */
    {"not found", FAILED(.err = ERR_UPSTREAM_NOT_FOUND), BUDGET(), ATTEMPT_GIVE_UP, 0},
    {"certificate", FAILED(.err = ERR_UPSTREAM_TLS), BUDGET(), ATTEMPT_GIVE_UP, 0},
    {"name", FAILED(.err = ERR_UPSTREAM_DNS), BUDGET(), ATTEMPT_GIVE_UP, 0},
    {"slow", FAILED(.err = ERR_FIRST_BYTE_TIMEOUT), BUDGET(), ATTEMPT_GIVE_UP, 0},
    {"slow, another target", FAILED(.err = ERR_FIRST_BYTE_TIMEOUT), BUDGET(.targets_left = 1),
     ATTEMPT_RETRY_ELSEWHERE, 0},
    {"refused connection", FAILED(.err = ERR_UPSTREAM_CONNECT), BUDGET(), ATTEMPT_RETRY_SAME, 100},
    /* The provider's wish. */
    {"retry-after", FAILED(.err = ERR_UPSTREAM_RATE_LIMIT, .retry_after_ms = 3000), BUDGET(),
     ATTEMPT_RETRY_SAME, 3000},
    {"retry-after at once", FAILED(.err = ERR_UPSTREAM_RATE_LIMIT, .retry_after_ms = 0), BUDGET(),
     ATTEMPT_RETRY_SAME, 0},
    {"retry-after at the limit", FAILED(.err = ERR_UPSTREAM_RATE_LIMIT, .retry_after_ms = 5000),
     BUDGET(), ATTEMPT_RETRY_SAME, 5000},
    {"retry-after too long", FAILED(.err = ERR_UPSTREAM_RATE_LIMIT, .retry_after_ms = 5001),
     BUDGET(), ATTEMPT_GIVE_UP, 0},
    {"retry-after for ever", FAILED(.err = ERR_UPSTREAM_RATE_LIMIT, .retry_after_ms = INT64_MAX),
     BUDGET(), ATTEMPT_GIVE_UP, 0},
    {"retry-after past the deadline",
     FAILED(.err = ERR_UPSTREAM_RATE_LIMIT, .retry_after_ms = 3000), BUDGET(.left_ms = 2000),
     ATTEMPT_GIVE_UP, 0},
    {"retry-after does not hold up another target",
     FAILED(.err = ERR_UPSTREAM_RATE_LIMIT, .retry_after_ms = INT64_MAX), BUDGET(.targets_left = 1),
     ATTEMPT_RETRY_ELSEWHERE, 0},
};
#pragma GCC diagnostic pop

TEST(decisions_by_the_table)
{
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct attempt_verdict v = attempt_decide(&rows[i].outcome, &rows[i].budget, &usual);
        if (v.decision != rows[i].decision || v.wait_ms != rows[i].wait_ms)
            EXPECT_FAIL("%s: %d after %llu ms", rows[i].what, (int)v.decision,
                        (unsigned long long)v.wait_ms);
    }
}

TEST(no_error_is_tried_again_against_err_def)
{
    for (unsigned err = 1; err < ERR_COUNT; err++) {
        struct attempt_outcome o = {
            .err = (enum err)err, .request_replayable = true, .retry_after_ms = -1};
        struct attempt_budget b = {
            .made = 1, .made_here = 1, .targets_left = 1, .left_ms = UINT64_MAX};
        bool again = attempt_decide(&o, &b, &usual).decision != ATTEMPT_GIVE_UP;
        EXPECT_EQ(again, err_facts((enum err)err)->retry);
        o.content_relayed = true;
        EXPECT_EQ(attempt_decide(&o, &b, &usual).decision, ATTEMPT_GIVE_UP);
    }
}

static uint64_t pause_after(unsigned made_here, double random, unsigned jitter)
{
    struct retry_conf conf = usual;
    struct attempt_outcome o = {
        .err = ERR_UPSTREAM_STATUS, .request_replayable = true, .retry_after_ms = -1};
    struct attempt_budget b = {
        .made = 1, .made_here = made_here, .left_ms = UINT64_MAX, .random = random};
    conf.attempts = 100;
    conf.jitter_percent = jitter;
    return attempt_decide(&o, &b, &conf).wait_ms;
}

TEST(pauses_double_up_to_the_longest_and_jitter_on_both_sides)
{
    EXPECT_EQ(pause_after(1, 0, 0), 100);
    EXPECT_EQ(pause_after(5, 0, 0), 1600);
    EXPECT_EQ(pause_after(8, 0, 0), 10000);
    EXPECT_EQ(pause_after(90, 0, 0), 10000);
    EXPECT_EQ(pause_after(1, 0, 25), 75);
    EXPECT_EQ(pause_after(1, 0.5, 25), 100);
    EXPECT_NEAR((double)pause_after(1, 0.999, 25), 125, 1);
    EXPECT_EQ(pause_after(1, 0, 100), 0);
    EXPECT_NEAR((double)pause_after(1, 0.999, 100), 200, 1);
}

/* Whatever happens, a request is not asked more often than it may be. */
TEST(attempts_are_bounded_whatever_fails)
{
    for (unsigned total = 1; total <= 5; total++) {
        for (unsigned targets = 1; targets <= 4; targets++) {
            struct retry_conf conf = usual;
            struct attempt_budget b = {.left_ms = UINT64_MAX, .targets_left = targets};
            struct attempt_verdict v = {.decision = ATTEMPT_RETRY_ELSEWHERE};
            conf.total = total;
            while (v.decision != ATTEMPT_GIVE_UP) {
                if (v.decision == ATTEMPT_RETRY_ELSEWHERE) {
                    b.targets_left--;
                    b.made_here = 0;
                }
                b.made++;
                b.made_here++;
                struct attempt_outcome o = {
                    .err = ERR_UPSTREAM_CONNECT, .request_replayable = true, .retry_after_ms = -1};
                v = attempt_decide(&o, &b, &conf);
            }
            unsigned most = targets + conf.attempts;
            EXPECT_EQ(b.made, total < most ? total : most);
        }
    }
}
