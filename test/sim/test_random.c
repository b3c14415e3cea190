/* The simulator over many seeds; see sim_world.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim_world.h"
#include "support/test.h"

enum { NORMAL_RUN = 2000 };

/* Weak: there is none without a sanitizer. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static uint64_t running;

static void tell_seed(void)
{
    fprintf(stderr, "\nseed %llu; tell it step by step: SIM_SEED=%llu %s\n",
            (unsigned long long)running, (unsigned long long)running, program_invocation_name);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

TEST(requests_end_once_and_clients_see_the_truth_whatever_fails)
{
    bool one = getenv("SIM_SEED") != NULL;
    uint64_t first = number("SIM_SEED", number("SIM_FIRST", 1));
    uint64_t count = one ? 1 : number("SIM_COUNT", NORMAL_RUN);
    check_on_failure(tell_seed);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(tell_seed);
    for (running = first; running < first + count; running++)
        sim_run(running, one);
}
