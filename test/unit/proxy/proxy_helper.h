/* What tests of the proxy share: a configuration of a few providers, requests and events as text. */
#ifndef UNIT_PROXY_HELPER_H
#define UNIT_PROXY_HELPER_H

#include "support/fake_gateway.h"
#include "support/test.h"

/* Three providers; models: one (a), two (a, b), keys (k, of two keys), early (a, b), drain (a). */
#define PROVIDERS                                                                                  \
    "providers:\n"                                                                                 \
    "  a: {type: vllm, base_url: 'http://a.test/v1', api_key: sk-a-secret}\n"                      \
    "  b: {type: vllm, base_url: 'http://b.test/v1', api_key: sk-b-secret}\n"                      \
    "  k: {type: vllm, base_url: 'http://k.test/v1', api_keys: [sk-k-first, sk-k-second]}\n"
#define MODELS                                                                                     \
    "models:\n"                                                                                    \
    "  one: a/up-one\n"                                                                            \
    "  two: {strategy: priority, targets: [a/up-a, b/up-b]}\n"                                     \
    "  keys: k/up-k\n"                                                                             \
    "  early: {strategy: priority, early_headers: true, targets: [a/up-a, b/up-b]}\n"              \
    "  drain: {on_disconnect: drain, targets: [a/up-a]}\n"
#define TIMEOUTS                                                                                   \
    "defaults: {timeouts: {first_byte: 20s, idle: 10s, total: 100s}, retry: {jitter: 0%}}\n"
#define CONFIGURATION TIMEOUTS PROVIDERS MODELS

/* A chat request for the model; settles. */
struct fake_exchange *ask(struct fake_gateway *g, const char *model);
struct fake_exchange *ask_stream(struct fake_gateway *g, const char *model);

/* Its body. */
#define CHAT(model)                                                                                \
    "{\"model\":\"" model "\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"

#define EVENT(json) "data: " json "\n\n"
#define ROLE EVENT("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}")
#define WORD(text) EVENT("{\"choices\":[{\"delta\":{\"content\":\"" text "\"}}]}")
#define FINISH EVENT("{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}")
#define USAGE                                                                                      \
    EVENT("{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5,"                \
          "\"total_tokens\":8}}")
#define DONE EVENT("[DONE]")
#define EVENTS_HEAD "HTTP/1.1 200 OK\ncontent-type: text/event-stream\n"
#define JSON_HEAD "HTTP/1.1 200 OK\ncontent-type: application/json\n"

/* The newest call answers; each of them settles. */
void say_head(struct fake_gateway *g, const char *head);
void say(struct fake_gateway *g, const char *bytes);
void say_end(struct fake_gateway *g);
void say_error(struct fake_gateway *g, enum err err);
/* A whole answer. */
void say_answer(struct fake_gateway *g, int status, const char *json);

void advance_ms(struct fake_gateway *g, uint64_t ms);

/* The answer's error code ("error.code"), decoded into a static buffer. */
const char *error_code(const struct fake_exchange *x);

#endif
