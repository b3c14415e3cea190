/* In turn: the next request starts one target further. */
#include "policy/balance.h"

balance_fn balance_round_robin;

void balance_round_robin(const struct balance_input *in, struct balance_state *state,
                         unsigned *order)
{
    unsigned first = state->turn++ % in->count;
    for (unsigned i = 0; i < in->count; i++)
        order[i] = (first + i) % in->count;
}
