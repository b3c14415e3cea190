/* As written. */
#include "policy/balance.h"

balance_fn balance_priority;

void balance_priority(const struct balance_input *in, struct balance_state *state, unsigned *order)
{
    (void)state;
    for (unsigned i = 0; i < in->count; i++)
        order[i] = i;
}
