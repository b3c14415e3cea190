/*
 * From the name that a client uses to the targets it can mean (spec section 3.3): an entry of
 * `models` (exact, then globs, longest first), "provider/model", a model that providers list, or with
 * a single provider that one.  Also for `llm-gateway route` and the model list: pure but for the arena.
 */
#ifndef PROXY_RESOLVE_H
#define PROXY_RESOLVE_H

#include "proxy/request.h"

/* Sets r->route and r->targets (target_count 0: nothing matches).  A request without a model may go
 * to every provider that offers its endpoint, in the order of the configuration.  False: out of
 * memory. */
bool resolve_targets(struct request *r);

/* The known name nearest to r->model, or null when nothing is near. */
str resolve_closest(struct request *r);

#endif
