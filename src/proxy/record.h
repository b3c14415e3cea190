/*
 * The record of a finished request: plain data, handed once to the gateway's on_finish (metrics, access
 * log).  All strs live until on_finish returns.  Secrets, prompts and answers are not in it.
 */
#ifndef PROXY_RECORD_H
#define PROXY_RECORD_H

#include "base/err.h"
#include "base/str.h"
#include "io/tcp.h"
#include "llm/endpoint_kind.h"
#include "llm/usage.h"

enum { RECORD_ATTEMPTS_MAX = 8 };

struct attempt_record {
    str provider, model; /* the target */
    enum err err;        /* NONE: answered */
    int status;          /* the provider's, 0: none came */
    uint64_t duration_us;
    bool reused; /* on an idle connection */
};

struct request_record {
    /* Who and what. */
    uint64_t wall_us; /* when it ended */
    str id;           /* x-request-id */
    str trace_id;     /* of traceparent, or null */
    str client_ip;
    const char *protocol;
    bool tls;
    str method, path;
    str endpoint;  /* endpoint_facts name, "" for local pages and unknown paths */
    bool is_local; /* health, metrics, model list: answered by ourselves */
    str key_name, tenant, user;
    str model;       /* as asked for, null: none */
    str model_label; /* for metrics: a name that the configuration or a provider lists, else "other" */
    str route;       /* the configuration's model name that matched; "" : none */
    str provider, target_model; /* who answered last; null: nobody was asked */
    str user_agent;
    str metadata; /* x-gateway-metadata: JSON text, or null */
    bool stream;

    /* How it ended. */
    int status; /* sent to the client; 499: it left before */
    enum err err;
    str err_detail;              /* in words, for the log only; bounded */
    bool client_gone, truncated; /* truncated: the client saw content, then a failure */
    str finish_reason;
    str retry_after; /* the provider's, as it came; null: none */
    struct attempt_record attempts[RECORD_ATTEMPTS_MAX];
    unsigned attempt_count, retries;

    /* How much, how long (microseconds; 0: did not happen). */
    struct usage usage;
    uint64_t bytes_in, bytes_out;
    uint64_t events;
    uint64_t total_us, queue_us, connect_us, upstream_us; /* upstream: asked until its last byte */
    uint64_t first_token_us; /* from the request's arrival to its first content */
    uint64_t overhead_us;    /* our own: total less waiting for client and provider */
};

#endif
