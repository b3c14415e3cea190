/* What the mock is to do with one request: the options, overridden by the request's own wishes. */
#ifndef APP_MOCK_PLAN_H
#define APP_MOCK_PLAN_H

#include "app/mock.h"

struct mock_plan {
    struct mock_options o;
    bool fail;      /* answer with o.fail_status */
    unsigned tool;  /* calls of the tools offered; 0: none */
    bool cache_hit; /* what is marked for caching was cached before */
    bool numbered;  /* tokens are "tok0 ", "tok1 ", ...: a load run sees gaps and order */
};

/* From the fields (x-mock-...).  random: 0 <= r < 1, decides o.fail_rate. */
void mock_plan_init(struct mock_plan *p, const struct mock_options *o, const struct headers *h,
                    double random);

/* "name?tokens=5&fail=503", or "name;tokens=5;fail=503" for clients that refuse '?' in names: applies what
 * follows, and returns the name. */
str mock_plan_model(struct mock_plan *p, str model);

#endif
