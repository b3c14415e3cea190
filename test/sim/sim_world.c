#include "sim_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEPS_MAX = 200000 };

static const char *const configurations[] = {
    /* As most are. */
    "server: {stream_buffer: 64KiB}\n"
    "defaults: {timeouts: {first_byte: 20s, idle: 10s, total: 120s}}\n"
    "providers:\n"
    "  a: {type: vllm, base_url: 'http://a.test/v1', api_keys: [sk-a-secret-1, sk-a-secret-2]}\n"
    "  b: {type: vllm, base_url: 'http://b.test/v1', api_key: sk-b-secret}\n"
    "  c: {type: vllm, base_url: 'http://c.test/x/v1', api_key: sk-c-secret}\n"
    "models:\n"
    "  one: a/up-one\n"
    "  two: {targets: [a/up-two-a, b/up-two-b]}\n"
    "  three: {strategy: random, targets: [a/up-three, b/up-three, c/up-three]}\n"
    "  early: {early_headers: true, targets: [a/up-early, b/up-early]}\n"
    "  drain: {on_disconnect: drain, targets: [a/up-drain, b/up-drain]}\n",
    /* Little room, little time, the same names. */
    "server: {stream_buffer: 16KiB, keepalive_comment: 2s, client_stall: 5s, max_event: 64KiB}\n"
    "defaults: {timeouts: {first_byte: 3s, idle: 2s, total: 15s}, retry: {attempts: 3, total: 4}}\n"
    "providers:\n"
    "  a: {type: vllm, base_url: 'http://a.test/v1', api_keys: [sk-a-secret-1, sk-a-secret-2]}\n"
    "  b: {type: vllm, base_url: 'http://b.test/v1', api_key: sk-b-secret}\n"
    "  c: {type: vllm, base_url: 'http://c.test/x/v1', api_key: sk-c-secret}\n"
    "models:\n"
    "  one: a/up-one\n"
    "  two: {strategy: weighted, targets: [a/up-two-a, {provider: b, model: up-two-b, weight: 3}]}\n"
    "  three: {strategy: priority, targets: [a/up-three, b/up-three, c/up-three]}\n"
    "  early: {early_headers: true, targets: [a/up-early, b/up-early]}\n"
    "  drain: {on_disconnect: drain, targets: [a/up-drain, b/up-drain]}\n",
};

void sim_say(struct sim_world *w, const char *format, ...)
{
    va_list args;
    if (!w->verbose)
        return;
    uint64_t us = loop_now_us(w->g.loop) - FAKE_LOOP_START_US;
    printf("%8llu.%03llu ms  ", (unsigned long long)(us / 1000), (unsigned long long)(us % 1000));
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

void sim_at(struct sim_world *w, uint64_t delay_us, void (*run)(struct sim_world *w, void *who),
            void *who)
{
    CHECK(w->event_count < SIM_EVENTS_MAX);
    w->events[w->event_count++] = (struct sim_event){
        .at_us = loop_now_us(w->g.loop) + delay_us, .order = w->order++, .run = run, .who = who};
}

uint64_t sim_delay_us(struct sim_world *w)
{
    switch (sim_below(w, 10)) {
    case 0:
        return 0;
    case 1:
        return 1000000 + sim_below(w, 4000000);
    case 2:
        return sim_below(w, 1000000);
    default:
        return sim_below(w, 50000);
    }
}

static struct sim_event *next_event(struct sim_world *w)
{
    struct sim_event *first = NULL;
    for (unsigned i = 0; i < w->event_count; i++) {
        struct sim_event *e = &w->events[i];
        if (!first || e->at_us < first->at_us ||
            (e->at_us == first->at_us && e->order < first->order))
            first = e;
    }
    return first;
}

static void run_event(struct sim_world *w, struct sim_event *at)
{
    struct sim_event e = *at;
    *at = w->events[--w->event_count];
    e.run(w, e.who);
    fake_loop_settle(w->g.loop);
}

/* One event or one timer, whichever is due first.  False: nothing will ever happen again. */
static bool step(struct sim_world *w)
{
    struct sim_event *e = next_event(w);
    uint64_t now = loop_now_us(w->g.loop), timer = fake_loop_due_us(w->g.loop);
    if (!e && timer == UINT64_MAX)
        return false;
    uint64_t at = e && e->at_us < timer ? e->at_us : timer;
    fake_loop_advance(w->g.loop, at > now ? at - now : 0);
    if (e && e->at_us <= at)
        run_event(w, next_event(w));
    sim_check_always(w);
    return true;
}

static void reload(struct sim_world *w, void *who)
{
    (void)who;
    sim_say(w, "a new configuration");
    fake_gateway_reload(&w->g, configurations[sim_below(w, ARRAY_LEN(configurations))]);
}

static void drain(struct sim_world *w, void *who)
{
    (void)who;
    sim_say(w, "the gateway ends everything");
    w->drained = true;
    worker_end_all(w->g.worker, ERR_DRAINING);
}

static void open_world(struct sim_world *w)
{
    unsigned which = (unsigned)sim_below(w, ARRAY_LEN(configurations));
    fake_gateway_open(&w->g, configurations[which]);
    w->stream_buffer = 64 * 1024; /* the larger one: a reload may bring it */
    w->g.caller.on_start = sim_provider_on_start;
    w->g.caller.arg = w;
    w->tight = sim_chance(w, 10);
    w->client_count = 1 + (unsigned)sim_below(w, SIM_CLIENTS_MAX);
    for (unsigned i = 0; i < w->client_count; i++) {
        w->clients[i] = (struct sim_client){.world = w, .number = i};
        sim_client_plan(w, &w->clients[i]);
    }
    if (sim_chance(w, 10))
        sim_at(w, sim_delay_us(w), reload, NULL);
    if (sim_chance(w, 5))
        sim_at(w, sim_delay_us(w) + sim_delay_us(w), drain, NULL);
}

void sim_run(uint64_t seed, bool verbose)
{
    struct sim_world *w = calloc(1, sizeof(*w));
    CHECK(w);
    w->seed = seed;
    w->random = seed;
    w->verbose = verbose;
    open_world(w);
    unsigned steps = 0;
    while (step(w))
        if (++steps > STEPS_MAX)
            BUG("the world does not come to rest");
    sim_check_end(w);
    fake_gateway_close(&w->g);
    for (unsigned i = 0; i < w->client_count; i++)
        sim_client_release(&w->clients[i]);
    free(w);
}
