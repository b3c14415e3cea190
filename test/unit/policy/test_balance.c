/* Strategies: each gives every target one place; shares follow the weights; nothing is left to chance. */
#include "policy/balance.h"

#include "base/random.h"
#include "support/test.h"

static void order_of(enum strategy s, const unsigned *weights, unsigned count, uint64_t random,
                     struct balance_state *state, unsigned *order)
{
    struct balance_input in = {.weights = weights, .count = count, .random = random};
    balance_order(s, &in, state, order);
}

TEST(every_strategy_orders_each_target_once)
{
    uint64_t random = 3;
    for (unsigned s = 0; s < STRATEGY_COUNT; s++) {
        struct balance_state state = {0};
        for (unsigned round = 0; round < 300; round++) {
            unsigned weights[BALANCE_TARGETS_MAX], order[BALANCE_TARGETS_MAX];
            bool seen[BALANCE_TARGETS_MAX] = {false};
            unsigned count = 1 + (unsigned)(random_next(&random) % BALANCE_TARGETS_MAX);
            for (unsigned i = 0; i < count; i++)
                weights[i] = 1 + (unsigned)(random_next(&random) % 1000000);
            order_of((enum strategy)s, weights, count, random_next(&random), &state, order);
            for (unsigned i = 0; i < count; i++) {
                EXPECT(order[i] < count && !seen[order[i]]);
                seen[order[i]] = true;
            }
        }
    }
}

TEST(priority_is_the_order_written)
{
    static const unsigned weights[] = {1, 9, 5};
    unsigned order[3];
    struct balance_state state = {0};
    for (unsigned i = 0; i < 5; i++) {
        order_of(STRATEGY_PRIORITY, weights, 3, i, &state, order);
        EXPECT(order[0] == 0 && order[1] == 1 && order[2] == 2);
    }
}

TEST(round_robin_starts_one_further_each_time)
{
    static const unsigned weights[] = {7, 1, 1};
    unsigned order[3];
    struct balance_state state = {.turn = UINT32_MAX - 1}; /* over the end of the counter, too */
    for (unsigned i = 0; i < 6; i++) {
        unsigned first = state.turn % 3;
        order_of(STRATEGY_ROUND_ROBIN, weights, 3, 0, &state, order);
        EXPECT(order[0] == first && order[1] == (first + 1) % 3 && order[2] == (first + 2) % 3);
    }
}

TEST(weighted_is_smooth_as_nginx_has_it)
{
    static const unsigned weights[] = {5, 1, 1}, expected[] = {0, 0, 1, 0, 2, 0, 0};
    unsigned order[3];
    struct balance_state state = {0};
    for (unsigned i = 0; i < 21; i++) {
        order_of(STRATEGY_WEIGHTED, weights, 3, 0, &state, order);
        EXPECT_EQ(order[0], expected[i % 7]);
    }
}

TEST(weighted_gives_exact_shares)
{
    static const unsigned weights[] = {3, 1000000, 41, 7, 1};
    unsigned order[5], got[5] = {0}, sum = 0;
    struct balance_state state = {0};
    for (unsigned i = 0; i < 5; i++)
        sum += weights[i];
    for (unsigned i = 0; i < sum; i++) {
        order_of(STRATEGY_WEIGHTED, weights, 5, 0, &state, order);
        got[order[0]]++;
    }
    for (unsigned i = 0; i < 5; i++)
        EXPECT_EQ(got[i], weights[i]);
}

/* The largest configuration: its sums fit. */
TEST(weighted_does_not_overflow)
{
    unsigned weights[BALANCE_TARGETS_MAX], order[BALANCE_TARGETS_MAX];
    struct balance_state state = {0};
    for (unsigned i = 0; i < BALANCE_TARGETS_MAX; i++)
        weights[i] = 1000000;
    for (unsigned i = 0; i < 1000; i++) {
        order_of(STRATEGY_WEIGHTED, weights, BALANCE_TARGETS_MAX, 0, &state, order);
        EXPECT_EQ(order[0], i % BALANCE_TARGETS_MAX);
    }
}

TEST(random_follows_the_weights_and_its_number)
{
    static const unsigned weights[] = {1, 3, 6};
    unsigned first[3] = {0}, second[3] = {0}, order[3], again[3];
    struct balance_state state = {0};
    uint64_t random = 11;
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t number = random_next(&random);
        order_of(STRATEGY_RANDOM, weights, 3, number, &state, order);
        order_of(STRATEGY_RANDOM, weights, 3, number, &state, again);
        EXPECT_MEM(order, sizeof(order), again, sizeof(again));
        first[order[0]]++;
        if (order[0] == 2)
            second[order[1]]++;
    }
    EXPECT_NEAR(first[0] / 1e5, 0.1, 0.005);
    EXPECT_NEAR(first[1] / 1e5, 0.3, 0.008);
    EXPECT_NEAR(first[2] / 1e5, 0.6, 0.008);
    EXPECT_NEAR((double)second[0] / (second[0] + second[1]), 0.25, 0.01); /* 1 to 3 */
}

TEST(strategies_are_found_by_their_names)
{
    enum strategy s;
    for (unsigned i = 0; i < STRATEGY_COUNT; i++) {
        EXPECT(strategy_find(str_from_c(strategy_name((enum strategy)i)), &s));
        EXPECT_EQ(s, i);
        EXPECT(*strategy_help((enum strategy)i));
    }
    EXPECT(!strategy_find(STR("Round_Robin"), &s));
    EXPECT(!strategy_find(STR(""), &s));
}
