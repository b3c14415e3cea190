/*
 * Several api keys of one provider take turns, and one that the provider refuses rests on its own.
 * State is a worker's, by provider name: it survives reloads.
 */
#ifndef PROXY_CREDENTIALS_H
#define PROXY_CREDENTIALS_H

#include "proxy/request.h"

/* Index of the key to use now: the next one that does not rest, else the one that may be tried
 * first.  0 without keys. */
unsigned credential_take(struct worker *w, const struct provider_conf *p);

/* The provider refused it: ERR_UPSTREAM_AUTH rests a minute, ERR_UPSTREAM_QUOTA ten. */
void credential_refused(struct worker *w, const struct provider_conf *p, unsigned index,
                        enum err why);

/* How many keys do not rest. */
unsigned credential_ready(struct worker *w, const struct provider_conf *p);

void credentials_release(struct worker *w);

#endif
