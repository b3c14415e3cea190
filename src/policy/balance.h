/*
 * The order in which a model's targets are tried.  One file in policy/balance/ and one line in
 * balance.def each.  Pure: randomness comes in, state is the caller's (one per model and loop).
 */
#ifndef POLICY_BALANCE_H
#define POLICY_BALANCE_H

#include "base/check.h"
#include "base/str.h"

enum { BALANCE_TARGETS_MAX = 64 };

enum strategy {
#define BALANCE(id, name, help) STRATEGY_##id,
#include "policy/balance.def"
#undef BALANCE
    STRATEGY_COUNT
};

struct balance_state {
    uint32_t turn;
    int32_t current[BALANCE_TARGETS_MAX]; /* smooth weighted round robin */
};

struct balance_input {
    const unsigned *weights; /* one per target, each >= 1 */
    unsigned count;          /* 1..BALANCE_TARGETS_MAX */
    uint64_t random;
};

/* Writes each target's index once into order[count], the choice first, the rest in the order in
 * which they should be tried after it. */
typedef void balance_fn(const struct balance_input *in, struct balance_state *state,
                        unsigned *order);

void balance_order(enum strategy s, const struct balance_input *in, struct balance_state *state,
                   unsigned *order);

const char *strategy_name(enum strategy s);
const char *strategy_help(enum strategy s);
bool strategy_find(str name, enum strategy *out);

#endif
