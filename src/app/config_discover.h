/*
 * Without a file: what this machine offers.  Keys in the environment and local servers become
 * providers; the same list is the beginning that `init` writes.  Blocking, for start-up only.
 */
#ifndef APP_CONFIG_DISCOVER_H
#define APP_CONFIG_DISCOVER_H

#include "base/buf.h"
#include "proxy/gateway_conf.h"

enum { CONFIG_FOUND_MAX = 32 };

struct config_found_provider {
    const char *name, *type;
    const char *preset;   /* or NULL */
    const char *base_url; /* or NULL: the type's own */
    const char *key_env;  /* variable of its key, or NULL: a local server */
};

struct config_found {
    struct config_found_provider providers[CONFIG_FOUND_MAX];
    unsigned count;
};

/* environment: like environ, or NULL.  probe: also ask 127.0.0.1 for Ollama and vLLM (300 ms at most
 * each). With nothing found the only provider is `demo`. */
void config_discover(struct config_found *found, const char *const *environment, bool probe);

/* A configuration with these providers. */
void config_found_yaml(const struct config_found *found, struct buf *out);

/* The same with comments and the usual options to uncomment: what `init` writes. */
void config_found_starter(const struct config_found *found, struct buf *out);

/* The first lines after start: where the configuration came from, what was found, the address, and a
 * command to try.  Several lines, for a terminal. */
void config_start_text(const struct gateway_conf *conf, struct buf *out);

#endif
