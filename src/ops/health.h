/*
 * The health pages, pure: what is known goes in, a status and JSON come out.  No secrets, no
 * authentication.  Liveness never depends on providers.
 */
#ifndef OPS_HEALTH_H
#define OPS_HEALTH_H

#include "proxy/worker.h"

struct health_input {
    const struct gateway_conf *conf;
    bool draining;
    const char *version;
    uint64_t uptime_s;
};

void health_overview(const struct health_input *in, struct arena *a, struct local_answer *out);
void health_live(const struct health_input *in, struct arena *a, struct local_answer *out);

/* 503 while draining, or when no provider is configured. */
void health_ready(const struct health_input *in, struct arena *a, struct local_answer *out);

/* Each provider's name, type and state; "unknown" is routable: nobody has said otherwise. */
void health_providers(const struct health_input *in, struct arena *a, struct local_answer *out);

#endif
