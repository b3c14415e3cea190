/* The worker's inside, for files of proxy/. */
#ifndef PROXY_WORKER_IMPL_H
#define PROXY_WORKER_IMPL_H

#include <stdatomic.h>

#include "base/list.h"
#include "policy/balance.h"
#include "proxy/worker.h"

/* The worker's reference to one snapshot, while requests use it. */
struct pinned_snapshot {
    struct list node; /* in worker->old_snapshots, or alone */
    struct snapshot *snapshot;
    unsigned pins; /* running requests; the current one has one more */
};

/* What outlives a snapshot, found again by name. */
struct credential_state; /* proxy/credentials.c */

struct worker {
    struct worker_options options;
    struct loop *loop;
    struct pinned_snapshot *current;
    struct list old_snapshots;
    struct list requests;
    uint64_t requests_begun;
    struct worker_stats stats;
    struct arena scratch;          /* for one call; released after it */
    struct balance_state *balance; /* one per model of the current snapshot */
    unsigned balance_count;
    struct balance_state free_balance; /* for targets found without a model's entry */
    struct list credentials;           /* struct credential_state */
    struct tokens *tokens;
    str user_agent;
    char user_agent_text[48];
};

void worker_unpin(struct worker *w, struct pinned_snapshot *p);

#endif
