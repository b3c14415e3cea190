/*
 * Smooth weighted round robin, as nginx does it: each turn every target gains its weight, the one
 * with most is chosen and pays the sum, so that 5:1:1 gives a a b a c a a and never bursts.
 */
#include "policy/balance.h"

balance_fn balance_weighted;

void balance_weighted(const struct balance_input *in, struct balance_state *state, unsigned *order)
{
    unsigned best = 0, sum = 0;
    for (unsigned i = 0; i < in->count; i++) {
        state->current[i] += (int32_t)in->weights[i];
        sum += in->weights[i];
        if (state->current[i] > state->current[best])
            best = i;
    }
    state->current[best] -= (int32_t)sum;
    for (unsigned i = 0; i < in->count; i++)
        order[i] = (best + i) % in->count;
}
