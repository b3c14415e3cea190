#include "ops/request_metrics.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/metric.h"

enum { BUNDLES = 1024, STATUSES = 8, PROBES = 8, TOKEN_TYPES = 5 };

/* The series of all requests that share model, provider, endpoint and streaming. */
struct bundle {
    uint64_t hash; /* 0: free */
    struct {
        int status;
        metric_series series;
    } requests[STATUSES];
    metric_series duration, upstream, overhead, ttft, tpot, queue;
    metric_series tokens[TOKEN_TYPES];
};

/* Open addressing without removal; when it is full, what is new shares the bundle "other", so that
 * hostile names cost neither memory nor the registry's lock. */
struct request_metrics {
    struct bundle bundles[BUNDLES];
    struct bundle other;
    metric_series errors[ERR_COUNT], retries[ERR_COUNT];
};

struct request_metrics *request_metrics_new(void)
{
    return calloc(1, sizeof(struct request_metrics));
}

void request_metrics_free(struct request_metrics *m)
{
    free(m);
}

static uint64_t hash_of(const struct request_record *r)
{
    str model = r->model_label;
    uint64_t h = XXH3_64bits_withSeed(model.ptr ? model.ptr : "", model.len, r->stream);
    h = XXH3_64bits_withSeed(r->provider.ptr ? r->provider.ptr : "", r->provider.len, h);
    h = XXH3_64bits_withSeed(r->endpoint.ptr ? r->endpoint.ptr : "", r->endpoint.len, h);
    return h ? h : 1;
}

static struct bundle *bundle_of(struct request_metrics *m, const struct request_record *r)
{
    uint64_t hash = hash_of(r);
    for (unsigned i = 0; i < PROBES; i++) {
        struct bundle *b = &m->bundles[(hash + i) % BUNDLES];
        if (b->hash == hash)
            return b;
        if (!b->hash) {
            b->hash = hash;
            return b;
        }
    }
    return &m->other;
}

static metric_series once(metric_series *s, enum metric_id id, const str *values)
{
    if (!*s)
        *s = metric_find(id, values);
    return *s;
}

static void count_status(struct bundle *b, const struct request_record *r, str model, str provider)
{
    unsigned i = 0;
    while (i < STATUSES - 1 && b->requests[i].series && b->requests[i].status != r->status)
        i++;
    metric_series series = b->requests[i].series;
    if (!series || b->requests[i].status != r->status) {
        char status[4] = {(char)('0' + r->status / 100 % 10), (char)('0' + r->status / 10 % 10),
                          (char)('0' + r->status % 10), 0};
        str values[] = {model, provider, r->endpoint, str_from_c(status),
                        r->stream ? STR("true") : STR("false")};
        series = metric_find(METRIC_REQUESTS, values);
        b->requests[i].status = r->status;
        b->requests[i].series = series;
    }
    metric_add(series, 1);
}

static void count_tokens(struct bundle *b, const struct request_record *r, str model, str provider)
{
    static const str types[TOKEN_TYPES] = {STR_INIT("input"), STR_INIT("cached"),
                                           STR_INIT("cache_write"), STR_INIT("output"),
                                           STR_INIT("reasoning")};
    const struct usage *u = &r->usage;
    const int64_t counts[TOKEN_TYPES] = {u->input, u->cached, u->cache_write, u->output,
                                         u->reasoning};
    for (unsigned i = 0; u->known && i < TOKEN_TYPES; i++) {
        str values[] = {model, provider, types[i]};
        if (counts[i] > 0)
            metric_add(once(&b->tokens[i], METRIC_TOKENS, values), (uint64_t)counts[i]);
    }
}

static void count_stream(struct bundle *b, const struct request_record *r, const str *values)
{
    int64_t tokens =
        r->usage.known ? r->usage.output + (r->usage.reasoning > 0 ? r->usage.reasoning : 0) : 0;
    if (!r->stream || !r->first_token_us)
        return;
    metric_observe_us(once(&b->ttft, METRIC_TTFT, values), r->first_token_us);
    if (tokens > 1 && r->total_us > r->first_token_us)
        metric_observe_us(once(&b->tpot, METRIC_TPOT, values),
                          (r->total_us - r->first_token_us) / (uint64_t)(tokens - 1));
}

static void count_troubles(struct request_metrics *m, const struct request_record *r, str provider)
{
    if (r->err) {
        str kind = str_from_c(err_code(r->err));
        metric_add(once(&m->errors[r->err], METRIC_ERRORS, &kind), 1);
    }
    for (unsigned i = 0; r->retries && i + 1 < r->attempt_count; i++) {
        enum err err = r->attempts[i].err;
        str reason = str_from_c(err_code(err));
        if (err)
            metric_add(once(&m->retries[err], METRIC_RETRIES, &reason), 1);
    }
    if (r->client_gone)
        metric_add(metric_find(METRIC_DISCONNECTS, &r->endpoint), 1);
    if (r->truncated)
        metric_add(metric_find(METRIC_TRUNCATED, &provider), 1);
}

void request_metrics_count(struct request_metrics *m, const struct request_record *r)
{
    if (r->is_local)
        return;
    struct bundle *b = bundle_of(m, r);
    bool other = b == &m->other;
    str model = other ? STR("other") : r->model_label;
    str provider = other ? STR("other") : r->provider;
    str values[] = {model, provider, r->endpoint};
    count_status(b, r, model, provider);
    metric_observe_us(once(&b->duration, METRIC_REQUEST_DURATION, values), r->total_us);
    metric_observe_us(once(&b->overhead, METRIC_OVERHEAD, &r->endpoint), r->overhead_us);
    if (r->attempt_count) {
        metric_observe_us(once(&b->upstream, METRIC_UPSTREAM_DURATION, values), r->upstream_us);
        metric_observe_us(once(&b->queue, METRIC_QUEUE_TIME, &provider), r->queue_us);
        count_tokens(b, r, model, provider);
        count_stream(b, r, values);
    }
    if (r->err || r->retries || r->client_gone || r->truncated)
        count_troubles(m, r, provider);
}
