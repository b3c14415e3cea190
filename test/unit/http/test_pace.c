#include "support/test.h"

#include "http/pace.h"

static const uint64_t SECOND = 1000000;

TEST(a_body_has_its_timeout_when_it_does_not_come)
{
    struct pace p = {0};
    pace_run(&p, 5 * SECOND);
    EXPECT_EQ(pace_check(&p, 5 * SECOND, 3000), 3000);
    EXPECT_EQ(pace_check(&p, 7 * SECOND, 3000), 1000);
    EXPECT_EQ(pace_check(&p, 8 * SECOND, 3000), 0);
}

TEST(a_trickle_is_cut_after_the_grace)
{
    struct pace p = {.bytes = 5000};
    pace_run(&p, 0);
    EXPECT_EQ(pace_check(&p, 9 * SECOND, 60000), 1000);
    EXPECT_EQ(pace_check(&p, 10 * SECOND, 60000), 0);
}

TEST(one_kib_a_second_is_enough_until_the_timeout)
{
    struct pace p = {.bytes = 30 * 1024};
    pace_run(&p, 0);
    EXPECT_EQ(pace_check(&p, 20 * SECOND, 60000), 10000);
    p.bytes = 61 * 1024;
    EXPECT_EQ(pace_check(&p, 59 * SECOND, 60000), 1000);
    EXPECT_EQ(pace_check(&p, 60 * SECOND, 60000), 0);
}

TEST(a_fast_upload_may_take_longer_than_the_timeout)
{
    struct pace p = {.bytes = 100ull * PACE_GOOD};
    pace_run(&p, 0);
    EXPECT_EQ(pace_check(&p, 90 * SECOND, 60000), 10000);
    EXPECT_EQ(pace_check(&p, 100 * SECOND, 60000), 0);
}

TEST(time_in_which_we_do_not_read_does_not_count)
{
    struct pace p = {0};
    pace_run(&p, 0);
    pace_pause(&p, 2 * SECOND);
    pace_pause(&p, 3 * SECOND);
    EXPECT_EQ(pace_check(&p, 100 * SECOND, 3000), 1000);
    pace_run(&p, 100 * SECOND);
    pace_run(&p, 101 * SECOND);
    EXPECT_EQ(pace_check(&p, 101 * SECOND, 3000), 0);
}

TEST(a_huge_body_does_not_overflow)
{
    struct pace p = {.bytes = UINT64_MAX};
    pace_run(&p, 0);
    EXPECT(pace_check(&p, 3600 * SECOND, 60000) > 0);
}
