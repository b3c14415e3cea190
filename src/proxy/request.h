/*
 * A request is one exchange on its way through the gateway: stages, attempts, answer, record.  It lives
 * in the exchange's arena and ends exactly once, in request_finish().  Files of proxy/ share this
 * struct; each says which part of it is its own.
 *
 *            stages                attempts                relay
 *   NEW ─▶ PREPARING ──────────▶ ASKING ──────────────▶ ANSWERING ─▶ DONE
 *              │                   │ ▲ retry              │
 *              └── refused ───────▶└─┴── given up ───────▶┘
 *
 * PREPARING  stages run; the body arrives
 * ASKING     an attempt is under way (or waits for its turn); the client has seen no content
 * ANSWERING  content has been sent: nothing can be retried
 * DONE       finished; nothing may touch it
 */
#ifndef PROXY_REQUEST_H
#define PROXY_REQUEST_H

#include "base/buf.h"
#include "llm/dialect.h"
#include "proxy/worker_impl.h"
#include "wire/json.h"
#include "wire/multipart.h"
#include "wire/sse.h"

#define REQUEST_STATES(X)                                                                          \
    X(PREPARING, "stages run, the body arrives")                                                   \
    X(ASKING, "an attempt is under way; the client has seen no content")                           \
    X(ANSWERING, "content was sent: no retry")                                                     \
    X(DONE, "finished")

enum request_state {
#define REQUEST_STATE(name, help) REQUEST_##name,
    REQUEST_STATES(REQUEST_STATE)
#undef REQUEST_STATE
};

/* Where a request can go: one provider and the model's name there. */
struct target {
    const struct provider_conf *provider;
    str model; /* null: the endpoint has none */
    unsigned weight;
};

struct attempt;
struct relay;
struct responses_request;
struct translation;

struct request {
    struct exchange *ex;
    struct worker *worker;
    struct pinned_snapshot *pinned;
    const struct gateway_conf *conf;
    struct arena *arena;
    struct list node; /* in worker->requests */
    enum request_state state;
    uint64_t number; /* in the worker's recorder */
    unsigned stage;  /* the next one to run */
    struct request_record rec;

    /* stage/identify */
    enum endpoint_kind kind;
    str rest;                      /* what follows the endpoint's path */
    str allow;                     /* for METHOD_WRONG */
    str path_model;                /* named by the path (Azure's, Gemini's), or null */
    bool path_stream;              /* Gemini's streamGenerateContent */
    bool path_array;               /* the same as one JSON array, without alt=sse */
    const struct dialect *dialect; /* of the API that is asked: errors have its shape; never NULL */
    const struct key_conf *key;
    uint64_t deadline_us;   /* of x-gateway-timeout, 0: none */
    str pinned_provider;    /* x-gateway-provider, or null */
    int retries_asked;      /* x-gateway-retries, -1: not given */
    enum strategy strategy; /* x-gateway-strategy */
    bool strategy_asked;
    enum unsupported_policy unsupported; /* x-gateway-unsupported */
    bool unsupported_asked;

    /* stage/body (proxy/body.h) */
    struct buf body;         /* a JSON body whole; a form's beginning */
    struct slice body_whole; /* instead of `body`, when it came in one piece: keeps its chunk */
    str body_text;           /* the decoded JSON body */
    bool body_flowing, body_complete;
    uint64_t body_streamed; /* bytes that went to an attempt and are not kept */
    bool body_waited;       /* a stage waits for it */
    struct multipart_reader *form;
    enum multipart_step form_step;
    uint64_t body_ready_us; /* clock when the last byte that we waited for had come */

    /* stage/validate */
    struct json_doc doc; /* of body_text; count 0: none */
    uint32_t model_node;
    str model; /* asked for, decoded */
    bool stream, usage_wanted /* by the client */;

    /* stage/route */
    const struct model_conf *route; /* NULL: by provider/model, listing or single provider */
    struct target *targets;         /* in the order to try */
    unsigned target_count, target_at;
    bool resolved_by_default; /* nothing named it: the only provider is asked */

    /* stage/conversation (proxy/responses.h) */
    struct responses_request *responses; /* NULL: its answer is not kept */

    /* stage/translate (proxy/translate.h) */
    str reported; /* for x-gateway-unsupported, by the current attempt; null: nothing */
    struct translation *translation; /* NULL: every target speaks the client's format */

    /* attempts (proxy/attempt.c) */
    struct attempt *attempt;
    struct timer timer;
    unsigned made, made_here;
    uint64_t retry_at_us; /* waiting for the next attempt until then; 0: not waiting */
    enum err first_err;   /* of the first failed attempt */
    uint64_t own_us;      /* time we spent ourselves so far */
    struct provider_error *provider_error; /* the first answer that was an error, to be relayed */

    /* answering (proxy/relay.c) */
    str answer_id;       /* the provider's id of the answer, as far as it was seen */
    struct relay *relay; /* of the current attempt; NULL: nothing has come */
    bool head_sent;      /* also by early_headers, before there is content */
    bool client_gone;
    bool stream_counted;   /* in worker_stats.active_streams */
    bool events_mode;      /* the answer is an event stream */
    uint64_t last_sent_us; /* something was sent to the client */
};

enum stage_verdict {
    STAGE_NEXT, /* go on */
    STAGE_WAIT, /* for the body; the same stage runs again when it is there */
    STAGE_DONE, /* answered, or failed: request_fail was called */
};

/* Takes over the exchange.  Memory fails: the exchange is aborted. */
void request_begin(struct worker *w, struct exchange *ex);

/* Runs the stages from r->stage on; also resumes after STAGE_WAIT. */
void request_run(struct request *r);

/* The only function that writes r->state. */
void request_enter(struct request *r, enum request_state next);

/* Ends the request with our own error answer (or visibly, when the head was sent).  param: the
 * field at fault, or null.  The message goes to the client and to the log. */
void request_fail(struct request *r, enum err err, str message, str param);

/* Sends a whole answer of our own and finishes. */
void request_answer(struct request *r, int status, str content_type, str body,
                    const struct header *more, unsigned more_count);

/* Ends the request, whatever runs for it: the one way for client gone, deadline, shutdown.  The client
 * gets what the state allows: an error answer, an in-stream failure, or nothing (CLIENT_GONE). */
void request_cancel(struct request *r, enum err why);

/* The last thing: record, release of everything.  r is gone after it. */
void request_finish(struct request *r);

const char *request_state_name(enum request_state s);

/* Notes `err` (first wins) and words for the log. */
void request_note(struct request *r, enum err err, str detail);

/* Whether the key (NULL: none is needed) may use the model. */
bool key_allows_model(const struct key_conf *key, str model);

/* Milliseconds left until the request's deadline (x-gateway-timeout), UINT64_MAX: none. */
uint64_t request_left_ms(const struct request *r);

#endif
