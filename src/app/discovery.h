/*
 * Asks providers which models they have (GET models), at start and every five minutes, on the
 * control loop.  A provider that does not answer keeps what it said before; nothing waits for it.
 */
#ifndef APP_DISCOVERY_H
#define APP_DISCOVERY_H

#include "http/call.h"
#include "proxy/snapshot.h"

struct discovery;

/* on_models: provider `index` of the snapshot that was current when asked has these models now; ids
 * are valid during the callback. */
typedef void discovery_fn(void *arg, const struct gateway_conf *conf, unsigned index,
                          const str *ids, unsigned count);

/* NULL: out of memory. */
struct discovery *discovery_new(struct loop *l, struct caller *caller, discovery_fn *on_models,
                                void *arg);

/* Asks all providers of this snapshot now, and again every five minutes; forgets the one before. */
void discovery_start(struct discovery *d, struct snapshot *s);

/* Ends what is under way. */
void discovery_stop(struct discovery *d);
void discovery_free(struct discovery *d);

#endif
