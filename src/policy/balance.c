#include "policy/balance.h"

#define BALANCE(id, name, help) extern balance_fn balance_##name;
#include "policy/balance.def"
#undef BALANCE

static const struct {
    balance_fn *order;
    const char *name, *help;
} strategies[STRATEGY_COUNT] = {
#define BALANCE(id, name_, help_)                                                                  \
    [STRATEGY_##id] = {.order = balance_##name_, .name = #name_, .help = help_},
#include "policy/balance.def"
#undef BALANCE
};

void balance_order(enum strategy s, const struct balance_input *in, struct balance_state *state,
                   unsigned *order)
{
    CHECK((unsigned)s < STRATEGY_COUNT);
    CHECK(in->count >= 1 && in->count <= BALANCE_TARGETS_MAX);
    strategies[s].order(in, state, order);
}

const char *strategy_name(enum strategy s)
{
    CHECK((unsigned)s < STRATEGY_COUNT);
    return strategies[s].name;
}

const char *strategy_help(enum strategy s)
{
    CHECK((unsigned)s < STRATEGY_COUNT);
    return strategies[s].help;
}

bool strategy_find(str name, enum strategy *out)
{
    for (unsigned i = 0; i < STRATEGY_COUNT; i++) {
        if (str_eq(name, str_from_c(strategies[i].name))) {
            *out = (enum strategy)i;
            return true;
        }
    }
    return false;
}
