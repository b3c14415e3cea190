/*
 * The whole gateway but its sockets: a worker on a fake loop, clients and providers played by the
 * test, a configuration as text.  One thread, no waiting.
 *
 *     struct fake_gateway g;
 *     fake_gateway_open(&g, "providers: {a: {type: openai, base_url: 'http://a/v1', api_key: k}}");
 *     struct fake_exchange *x = fake_gateway_post(&g, "/v1/chat/completions", "{...}");
 *     fake_call_answer(fake_gateway_call(&g, 0), 200, "application/json", STR("{}"));
 *     fake_gateway_settle(&g);
 *     EXPECT_EQ(x->head.status, 200);
 *     fake_gateway_close(&g);
 *
 * Closing checks that each request ended once, and that no call, timer, counter or chunk is left.
 */
#ifndef SUPPORT_FAKE_GATEWAY_H
#define SUPPORT_FAKE_GATEWAY_H

#include "proxy/worker.h"
#include "support/fake_call.h"
#include "support/fake_exchange.h"
#include "support/fake_loop.h"

struct fake_gateway {
    struct loop *loop;
    struct fake_caller caller;
    struct worker *worker;
    struct response_store *responses;
    struct snapshot *snapshot; /* the current one, borrowed from the worker */
    struct list exchanges;     /* oldest first */
    unsigned exchange_count;
    struct request_record *records; /* of finished requests, in that order; texts are kept */
    unsigned record_count;
    struct arena kept;
    size_t arena_budget; /* of the next requests, 0: none */
    size_t chunks;       /* alive before it was opened */
    const struct local_page *pages;
};

/* The configuration must be right; pages as in struct worker_options, NULL: none. */
void fake_gateway_open(struct fake_gateway *g, const char *yaml);
void fake_gateway_open_with(struct fake_gateway *g, const char *yaml,
                            const struct local_page *pages);
void fake_gateway_reload(struct fake_gateway *g, const char *yaml);
/* What provider i is said to list. */
void fake_gateway_list_models(struct fake_gateway *g, unsigned provider, const char *const *ids,
                              unsigned count);
void fake_gateway_close(struct fake_gateway *g);

/* A request's head as text (see fake_exchange_new); the body is the test's to feed. */
struct fake_exchange *fake_gateway_begin(struct fake_gateway *g, const char *head);
/* The same with a whole body (its content-length is added) or, NULL, without; settles. */
struct fake_exchange *fake_gateway_send(struct fake_gateway *g, const char *head, const char *body);
/* POST of JSON. */
struct fake_exchange *fake_gateway_post(struct fake_gateway *g, const char *path, const char *json);
struct fake_exchange *fake_gateway_get(struct fake_gateway *g, const char *path);

/* The i-th call that the gateway made, and the newest. */
struct fake_call *fake_gateway_call(struct fake_gateway *g, unsigned i);
struct fake_call *fake_gateway_last_call(struct fake_gateway *g);

static inline void fake_gateway_settle(struct fake_gateway *g)
{
    fake_loop_settle(g->loop);
}

/* The record of the request that finished last. */
const struct request_record *fake_gateway_record(const struct fake_gateway *g);

#endif
