/* By weight, without repetition: each place in the order is drawn among those that are left. */
#include "policy/balance.h"

balance_fn balance_random;

/* splitmix64: a stream of numbers out of one (Steele, Lea, Flood 2014). */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void balance_random(const struct balance_input *in, struct balance_state *state, unsigned *order)
{
    uint64_t seed = in->random, sum = 0;
    (void)state;
    for (unsigned i = 0; i < in->count; i++) {
        order[i] = i;
        sum += in->weights[i];
    }
    for (unsigned place = 0; place + 1 < in->count; place++) {
        uint64_t at = next(&seed) % sum;
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
