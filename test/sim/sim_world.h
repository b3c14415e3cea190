/*
 * The simulator: the whole proxy under a fake clock, among clients and providers that behave, and
 * misbehave, as a seed says.  Everything that happens is an event at a time of its own; after each,
 * what must always hold is checked, and at the end, what each client saw is held against what its
 * provider sent.
 *
 *     sim_random                         as many seeds as a normal run has
 *     SIM_SEED=17 sim_random             one seed, told step by step
 *     SIM_FIRST=1 SIM_COUNT=100000 …     more of them
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/random.h"
#include "support/fake_gateway.h"

enum { SIM_CLIENTS_MAX = 6, SIM_EVENTS_MAX = 8192, SIM_CALLS_MAX = 8 };

struct sim_world;

enum sim_shape {
    SIM_CHAT,
    SIM_CHAT_STREAM,
    SIM_RESPONSES_STREAM,
    SIM_EMBEDDINGS,
    SIM_FORM,   /* an upload whose model is in it */
    SIM_UPLOAD, /* a raw one */
    SIM_DOWNLOAD,
    SIM_SHAPES
};

/* What a provider does with one call: planned when it is made, carried out event by event. */
enum sim_fate {
    SIM_REFUSES, /* no connection: `err` */
    SIM_RESETS,  /* after the request, before an answer */
    SIM_SILENT,  /* connected, and nothing ever */
    SIM_ANSWERS, /* a head, and then the body as far as `stop` */
};

enum sim_stop {
    SIM_WHOLE,      /* the body, and its proper end */
    SIM_CUT,        /* the connection breaks inside the body */
    SIM_ENDS_EARLY, /* the framing is complete, the contents are not */
    SIM_FALLS_SILENT,
    SIM_SAYS_ERROR, /* an event that reports a failure */
    SIM_DRIPS,      /* whole, but the framing's end does not come; comments go on */
};

struct sim_script {
    struct sim_world *world;
    struct sim_client *client;
    struct fake_call *call;
    unsigned number;
    enum sim_fate fate;
    enum err err;
    int status;
    bool events, json, length_given;
    enum sim_stop stop;
    struct buf body;  /* what the provider sends, if nothing stops it */
    struct buf right; /* what the client is to see of it */
    size_t stop_at;   /* bytes of the body that are sent */
    size_t sent;
    bool head_sent, over, whole; /* whole: all of `right` was sent, and its end is certain */
    unsigned step, polls;
};

struct sim_client {
    struct sim_world *world;
    unsigned number;
    enum sim_shape shape;
    char id[16];
    struct fake_exchange *x;
    const char *model;
    bool drains, early, usage_wanted, is_bad; /* is_bad: the body is refused by ourselves */
    struct buf body;                          /* of its request, as it is sent */
    struct buf expected; /* as the provider is to get it; empty: not compared */
    size_t fed;
    unsigned model_at, model_len; /* where the body names the model */
    bool left;
    struct sim_script *scripts[SIM_CALLS_MAX];
    unsigned calls;
    bool takes_nothing; /* a slow client that stalls for good */
};

struct sim_event {
    uint64_t at_us;
    uint64_t order;
    void (*run)(struct sim_world *w, void *who);
    void *who;
};

struct sim_world {
    uint64_t seed, random;
    bool verbose;
    struct fake_gateway g;
    struct sim_client clients[SIM_CLIENTS_MAX];
    unsigned client_count;
    struct sim_event events[SIM_EVENTS_MAX];
    unsigned event_count;
    uint64_t order;
    bool tight;   /* arenas are small: memory runs out somewhere */
    bool drained; /* the gateway was told to end everything */
    size_t stream_buffer;
};

/* One seed from beginning to end; aborts when something does not hold. */
void sim_run(uint64_t seed, bool verbose);

/* --- For its parts. */
static inline uint64_t sim_below(struct sim_world *w, uint64_t n)
{
    return random_next(&w->random) % n;
}

static inline bool sim_chance(struct sim_world *w, unsigned percent)
{
    return sim_below(w, 100) < percent;
}

void sim_at(struct sim_world *w, uint64_t delay_us, void (*run)(struct sim_world *w, void *who),
            void *who);
void sim_say(struct sim_world *w, const char *format, ...) printf_like(2, 3);

/* Mostly short, now and then long delays. */
uint64_t sim_delay_us(struct sim_world *w);

/* sim_client.c */
void sim_client_plan(struct sim_world *w, struct sim_client *c);
void sim_client_release(struct sim_client *c);

/* sim_provider.c */
void sim_provider_on_start(void *world, struct fake_call *call);
void sim_script_release(struct sim_script *s);

/* sim_answer.c: fills the bodies of a script. */
void sim_answer_write(struct sim_script *s);

/* sim_check.c */
void sim_check_always(struct sim_world *w);
void sim_check_start(struct sim_client *c); /* a call begins */
void sim_check_end(struct sim_world *w);

#endif
