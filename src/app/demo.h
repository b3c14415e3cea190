/*
 * The `demo` provider: the mock inside this process, behind a Unix socket without a file, so that the
 * first request is answered on a machine without any key.
 */
#ifndef APP_DEMO_H
#define APP_DEMO_H

#include "io/loop.h"
#include "proxy/gateway_conf.h"

struct demo;

/* If the configuration has a provider of type demo: starts the mock on this loop (once; *demo starts
 * NULL) and points the provider's endpoint at it.  False: `why`. */
bool demo_prepare(struct demo **demo, struct loop *l, struct gateway_conf *conf, char *why,
                  size_t size);

void demo_free(struct demo *d); /* NULL is fine; the loop must turn after it */

#endif
