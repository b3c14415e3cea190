#include "base/random.h"

#include <sys/random.h>
#include <time.h>

uint64_t random_u64(void)
{
    static _Thread_local uint64_t state;
    if (state == 0 && getrandom(&state, sizeof(state), 0) != (ssize_t)sizeof(state)) {
        struct timespec now; /* only before the kernel's pool is ready, early in a boot */
        clock_gettime(CLOCK_MONOTONIC, &now);
        state = (uint64_t)now.tv_nsec ^ (uint64_t)(uintptr_t)&state;
    }
    return random_next(&state);
}
