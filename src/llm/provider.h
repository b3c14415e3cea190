/*
 * A provider type: who is called, and how.  One file in llm/provider/ and one line in provider.def
 * each.  A NULL slot means the usual behaviour (provider.c).  All functions are pure but for the
 * arena.
 */
#ifndef LLM_PROVIDER_H
#define LLM_PROVIDER_H

#include "llm/endpoint_kind.h"
#include "llm/provider_conf.h"

/* What the gateway wants to ask: filled by the attempt, read by the provider. */
struct provider_request {
    const struct provider_conf *conf;
    enum endpoint_kind kind;
    str method;
    str rest;  /* for relayed families: what follows the kind's path ("/file-abc/content"), or "" */
    str query; /* the client's query without '?', or null; only for relayed families */
    str model; /* the target's model (deployment), or null where there is none */
    str api_key; /* chosen credential, or null */
};

struct provider {
    const char *name;
    const char *base_url; /* default; NULL: must be configured */
    const char *key_env;  /* environment variable of its key, for starting without a file */
    bool key_required;
    uint64_t endpoints; /* bits of enum endpoint_kind that it offers */

    /* The path and query of the request, absolute, in the arena; null str: out of memory. */
    str (*target)(const struct provider_request *r, struct arena *a);
    /* Credentials and vendor headers; values live in the arena or the configuration. */
    bool (*authorize)(const struct provider_request *r, struct headers *headers, struct arena *a);
    /* What a status that is not 2xx means.  body: as much as was read. */
    enum err (*classify)(int status, str body);
};

/* The usual behaviour, for NULL slots and for providers to build upon. */
str provider_target(const struct provider_request *r, struct arena *a);
bool provider_authorize(const struct provider_request *r, struct headers *headers, struct arena *a);
enum err provider_classify(const struct provider *p, int status, str body);
enum err provider_classify_default(int status, str body);

/* Building blocks: base path + path + rest [+ '?' + query]; and a credential as a field, by the
 * configuration's `auth` or else as given ("prefix key"; an empty prefix: the bare key). */
str provider_join_target(str base_path, str path, str rest, str query, struct arena *a);
bool provider_add_key(const struct provider_request *r, str header, str prefix,
                      struct headers *headers, struct arena *a);

/* By type name ("openai-compatible"); NULL: none.  provider_at walks all, NULL past the end. */
const struct provider *provider_find(str type);
const struct provider *provider_at(unsigned i);

/* Presets of openai-compatible: a known vendor's address. */
struct preset {
    const char *name, *base_url, *key_env;
};
const struct preset *preset_find(str name);
const struct preset *preset_at(unsigned i);

#endif
