/*
 * A snapshot is one accepted configuration made ready to serve: endpoints with their TLS contexts,
 * the table of keys, what each provider lists.  Immutable.
 *
 * One of the five places where threads meet.  The control thread makes snapshots and sends each
 * worker one reference by inbox; a worker pins its current one per request with a plain counter of
 * its own (snapshot_pin), and gives its reference back when it has a newer one and no request uses
 * the old (snapshot_unpin).  Only references of whole workers are counted atomically.
 */
#ifndef PROXY_SNAPSHOT_H
#define PROXY_SNAPSHOT_H

#include "proxy/gateway_conf.h"

struct snapshot;

/* Takes over conf (free_conf is called for it with the last reference).  On failure NULL, and `why`
 * says what is wrong in words (a certificate that does not load); conf stays the caller's then. */
struct snapshot *snapshot_new(struct gateway_conf *conf,
                              void (*free_conf)(struct gateway_conf *conf), char *why, size_t size);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s); /* any thread; NULL is fine */

const struct gateway_conf *snapshot_conf(const struct snapshot *s);

/* For the listeners with `tls:`; NULL: plain. */
struct tls_context *snapshot_tls(const struct snapshot *s);

/* For what is fetched by https (proxy/fetch.h): made when first wanted, the snapshot's.  NULL: `why` says
 * what is wrong. */
struct tls_context *snapshot_fetch_tls(const struct snapshot *s, char *why, size_t size);

/* By the SHA-256 of the presented secret, in constant time for a given table.  NULL: unknown. */
const struct key_conf *snapshot_key(const struct snapshot *s, const uint8_t sha256[32]);

const struct provider_conf *snapshot_provider(const struct snapshot *s, str name);

/* --- What providers list.  Set on a snapshot before it is published (app/discovery). */
struct model_list { /* of one provider, immutable */
    str *ids;
    unsigned count;
};

/* The models of provider i: its configured list, else the discovered one, else none. */
struct model_list snapshot_models(const struct snapshot *s, unsigned provider);

/* A copy of s with the discovered models of provider i replaced; shares everything else.  `ids` are
 * copied.  NULL: out of memory. */
struct snapshot *snapshot_with_models(struct snapshot *s, unsigned provider, const str *ids,
                                      unsigned count);

/* Before s is published: takes over what providers of the same name and base_url listed under the
 * old configuration. */
void snapshot_inherit_models(struct snapshot *s, const struct snapshot *old);

#endif
