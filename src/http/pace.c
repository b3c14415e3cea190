#include "http/pace.h"

void pace_run(struct pace *p, uint64_t now_us)
{
    if (p->running)
        return;
    p->running = true;
    p->since_us = now_us;
}

void pace_pause(struct pace *p, uint64_t now_us)
{
    if (!p->running)
        return;
    p->running = false;
    p->active_us += now_us - p->since_us;
}

static uint64_t max_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Milliseconds that so many bytes may take at that rate. */
static uint64_t worth_ms(uint64_t bytes, uint64_t rate)
{
    return bytes / rate * 1000 + bytes % rate * 1000 / rate;
}

uint64_t pace_check(const struct pace *p, uint64_t now_us, uint64_t timeout_ms)
{
    uint64_t active_ms = (p->active_us + (p->running ? now_us - p->since_us : 0)) / 1000;
    uint64_t floor_ms = max_of(PACE_GRACE_MS, worth_ms(p->bytes, PACE_FLOOR));
    uint64_t limit_ms = max_of(timeout_ms, worth_ms(p->bytes, PACE_GOOD));
    uint64_t due_ms = floor_ms < limit_ms ? floor_ms : limit_ms;
    return active_ms < due_ms ? due_ms - active_ms : 0;
}
