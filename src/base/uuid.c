#include "base/uuid.h"

#include "base/random.h"

void uuid_v7(char out[UUID_TEXT_LEN], uint64_t unix_ms)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t high = unix_ms << 16 | 0x7000 | (random_u64() & 0xfff);
    uint64_t low = (random_u64() >> 2) | UINT64_C(0x8000000000000000);
    unsigned at = 0;
    for (unsigned i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            out[at++] = '-';
        uint64_t half = i < 16 ? high : low;
        out[at++] = digits[(half >> (60 - 4 * (i % 16))) & 0xf];
    }
}
