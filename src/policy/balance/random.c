/* By weight, without repetition: each place in the order is drawn among those that are left. */
#include "base/random.h"
#include "policy/balance.h"

balance_fn balance_random;

void balance_random(const struct balance_input *in, struct balance_state *state, unsigned *order)
{
    uint64_t seed = in->random, sum = 0;
    (void)state;
    for (unsigned i = 0; i < in->count; i++) {
        order[i] = i;
        sum += in->weights[i];
    }
    for (unsigned place = 0; place + 1 < in->count; place++) {
        uint64_t at = random_next(&seed) % sum;
        unsigned chosen = place;
        while (at >= in->weights[order[chosen]])
            at -= in->weights[order[chosen++]];
        unsigned target = order[chosen];
        for (; chosen > place; chosen--)
            order[chosen] = order[chosen - 1];
        order[place] = target;
        sum -= in->weights[target];
    }
}
