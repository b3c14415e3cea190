/*
 * Tokens of one answer, in disjoint buckets: no token is counted in two of them, whatever the vendor's
 * format does.  -1: unknown.  Values are clamped to 0..USAGE_MAX when read, so that sums cannot
 * overflow however absurd a provider's numbers are.
 */
#ifndef LLM_USAGE_H
#define LLM_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#define USAGE_MAX INT64_C(1000000000000)

struct usage {
    bool known;
    bool clamped; /* a number was negative, absurd or contradictory */
    int64_t input, cached, cache_write, output, reasoning;
};

#define USAGE_UNKNOWN                                                                              \
    ((struct usage){.input = -1, .cached = -1, .cache_write = -1, .output = -1, .reasoning = -1})

#endif
