#include "proxy/snapshot.h"

#include <openssl/crypto.h>
#include <openssl/tls1.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/tokens.h"

/*
 * Counters: an unref that reaches zero frees, on whichever thread.  Release on the way down and
 * acquire by the one that frees order every thread's last reads before the memory goes; taking
 * another reference needs no order, since whoever takes it holds one already.  The acquire is part
 * of the decrement, for ThreadSanitizer does not see fences.
 */
static void counter_up(_Atomic unsigned *refs)
{
    atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);
}

static bool counter_down(_Atomic unsigned *refs)
{
    unsigned before = atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel);
    CHECK(before > 0);
    return before == 1;
}

/* What one provider said that it has; shared by snapshots. */
struct listing {
    _Atomic unsigned refs;
    struct arena arena;
    struct model_list models;
};

/* All that a configuration makes; shared by the snapshots that differ only in listings. */
struct core {
    _Atomic unsigned refs;
    struct gateway_conf *conf;
    void (*free_conf)(struct gateway_conf *conf);
    struct tls_context *tls;
    struct tls_context *_Atomic fetch_tls; /* made when first wanted */
    const struct key_conf **keys;          /* open addressing, a power of two, at most half full */
    size_t key_slots;
};

struct snapshot {
    _Atomic unsigned refs;
    struct core *core;
    struct listing *listings[]; /* one per provider, NULL: none */
};

static void listing_unref(struct listing *l)
{
    if (!l || !counter_down(&l->refs))
        return;
    arena_release(&l->arena);
    free(l);
}

static void core_release_tls(struct core *core)
{
    tls_context_unref(core->tls);
    tls_context_unref(core->fetch_tls);
    for (unsigned i = 0; i < core->conf->provider_count; i++)
        tls_context_unref(core->conf->providers[i].endpoint.tls_context);
}

static void core_unref(struct core *core)
{
    if (!counter_down(&core->refs))
        return;
    core_release_tls(core);
    core->free_conf(core->conf);
    free(core->keys);
    free(core);
}

/* --- Making ------------------------------------------------------------------------------- */

static size_t key_slot(const struct core *core, const uint8_t sha256[32])
{
    uint64_t hash;
    memcpy(&hash, sha256, sizeof(hash)); /* a digest's bytes are uniform already */
    return (size_t)hash & (core->key_slots - 1);
}

static bool core_index_keys(struct core *core)
{
    const struct gateway_conf *conf = core->conf;
    core->key_slots = 2;
    while (core->key_slots < (size_t)conf->key_count * 2)
        core->key_slots *= 2;
    core->keys = calloc(core->key_slots, sizeof(*core->keys));
    if (!core->keys)
        return false;
    for (unsigned i = 0; i < conf->key_count; i++) {
        size_t at = key_slot(core, conf->keys[i].sha256);
        while (core->keys[at])
            at = (at + 1) & (core->key_slots - 1);
        core->keys[at] = &conf->keys[i];
    }
    return true;
}

static bool core_server_tls(struct core *core, char *why, size_t size)
{
    const struct tls_server_conf *tls = &core->conf->tls;
    if (tls->pair_count == 0)
        return true;
    struct tls_certificate *pairs = calloc(tls->pair_count, sizeof(*pairs));
    if (!pairs)
        return false;
    for (unsigned i = 0; i < tls->pair_count; i++)
        pairs[i] = (struct tls_certificate){.certificate = tls->pairs[i].certificate.ptr,
                                            .key = tls->pairs[i].key.ptr};
    core->tls =
        tls_server_context(&(struct tls_server_options){.certificates = pairs,
                                                        .count = tls->pair_count,
                                                        .client_ca = tls->client_ca.ptr,
                                                        .client_auth = tls->client_auth,
                                                        .min_version = (int)tls->min_version,
                                                        .alpn = "http/1.1"},
                           why, size);
    free(pairs);
    return core->tls != NULL;
}

static bool provider_tls(struct provider_conf *p, char *why, size_t size)
{
    char reason[256] = "";
    if (!p->endpoint.tls && !tokens_needed(p)) /* tokens come by TLS, whatever base_url is */
        return true;
    p->endpoint.tls_context =
        tls_client_context(&(struct tls_client_options){.ca = p->tls.ca.ptr,
                                                        .certificate = p->tls.certificate.ptr,
                                                        .key = p->tls.key.ptr,
                                                        .verify = p->tls.verify,
                                                        .min_version = (int)p->tls.min_version,
                                                        .alpn = "http/1.1"},
                           reason, sizeof(reason));
    if (!p->endpoint.tls_context)
        snprintf(why, size, "providers.%.*s.tls: %s", STR_ARG(p->name), reason);
    return p->endpoint.tls_context != NULL;
}

/* Undoes core_new, but leaves conf to the caller. */
static void core_abandon(struct core *core)
{
    core_release_tls(core);
    for (unsigned i = 0; i < core->conf->provider_count; i++)
        core->conf->providers[i].endpoint.tls_context = NULL;
    free(core->keys);
    free(core);
}

static struct core *core_new(struct gateway_conf *conf, char *why, size_t size)
{
    struct core *core = calloc(1, sizeof(*core));
    snprintf(why, size, "out of memory");
    if (!core)
        return NULL;
    atomic_init(&core->refs, 1);
    core->conf = conf;
    bool ok = core_index_keys(core) && core_server_tls(core, why, size);
    for (unsigned i = 0; ok && i < conf->provider_count; i++)
        ok = provider_tls(&conf->providers[i], why, size);
    if (ok)
        return core;
    core_abandon(core);
    return NULL;
}

static struct snapshot *snapshot_over(struct core *core)
{
    unsigned n = core->conf->provider_count;
    struct snapshot *s = calloc(1, sizeof(*s) + n * sizeof(struct listing *));
    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    s->core = core;
    return s;
}

struct snapshot *snapshot_new(struct gateway_conf *conf,
                              void (*free_conf)(struct gateway_conf *conf), char *why, size_t size)
{
    struct core *core = core_new(conf, why, size);
    if (!core)
        return NULL;
    core->free_conf = free_conf;
    struct snapshot *s = snapshot_over(core);
    if (s)
        return s;
    core_abandon(core);
    return NULL;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    counter_up(&s->refs);
    return s;
}

void snapshot_unref(struct snapshot *s)
{
    if (!s || !counter_down(&s->refs))
        return;
    for (unsigned i = 0; i < s->core->conf->provider_count; i++)
        listing_unref(s->listings[i]);
    core_unref(s->core);
    free(s);
}

/* --- Looking in --------------------------------------------------------------------------- */

const struct gateway_conf *snapshot_conf(const struct snapshot *s)
{
    return s->core->conf;
}

struct tls_context *snapshot_tls(const struct snapshot *s)
{
    return s->core->tls;
}

/* Reading the system's authorities takes memory and time: a provider's context serves when it has no
 * settings of its own. */
static struct tls_context *usual_context(const struct gateway_conf *conf)
{
    for (unsigned i = 0; i < conf->provider_count && !conf->fetch.ca.len; i++) {
        const struct provider_conf *p = &conf->providers[i];
        if (p->endpoint.tls_context && p->tls.verify && !p->tls.ca.len && !p->tls.certificate.len)
            return tls_context_ref(p->endpoint.tls_context);
    }
    return NULL;
}

/* Two workers may both make one: the second finds the first's and takes that.  Release and acquire, so
 * that what one wrote is there when the other sees the pointer. */
struct tls_context *snapshot_fetch_tls(const struct snapshot *s, char *why, size_t size)
{
    struct core *core = s->core;
    struct tls_context *made, *there = NULL;
    made = atomic_load_explicit(&core->fetch_tls, memory_order_acquire);
    if (made)
        return made;
    made = usual_context(core->conf);
    if (!made)
        made = tls_client_context(&(struct tls_client_options){.ca = core->conf->fetch.ca.ptr,
                                                               .verify = true,
                                                               .min_version = TLS1_2_VERSION,
                                                               .alpn = "http/1.1"},
                                  why, size);
    if (!made || atomic_compare_exchange_strong_explicit(
                     &core->fetch_tls, &there, made, memory_order_acq_rel, memory_order_acquire))
        return made;
    tls_context_unref(made);
    return there;
}

const struct key_conf *snapshot_key(const struct snapshot *s, const uint8_t sha256[32])
{
    const struct core *core = s->core;
    for (size_t at = key_slot(core, sha256); core->keys[at]; at = (at + 1) & (core->key_slots - 1))
        if (CRYPTO_memcmp(core->keys[at]->sha256, sha256, 32) == 0)
            return core->keys[at];
    return NULL;
}

const struct provider_conf *snapshot_provider(const struct snapshot *s, str name)
{
    const struct gateway_conf *conf = s->core->conf;
    for (unsigned i = 0; i < conf->provider_count; i++)
        if (str_eq(conf->providers[i].name, name))
            return &conf->providers[i];
    return NULL;
}

/* --- What providers list ------------------------------------------------------------------ */

struct model_list snapshot_models(const struct snapshot *s, unsigned provider)
{
    const struct gateway_conf *conf = s->core->conf;
    CHECK(provider < conf->provider_count);
    const struct provider_conf *p = &conf->providers[provider];
    if (p->model_count)
        return (struct model_list){.ids = p->models, .count = p->model_count};
    return s->listings[provider] ? s->listings[provider]->models : (struct model_list){0};
}

static struct listing *listing_new(const str *ids, unsigned count)
{
    struct listing *l = calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    atomic_init(&l->refs, 1);
    arena_init(&l->arena, 0);
    l->models.ids = arena_alloc(&l->arena, (count ? count : 1) * sizeof(str));
    for (unsigned i = 0; l->models.ids && i < count; i++) {
        l->models.ids[i] = arena_str(&l->arena, ids[i]);
        if (str_is_null(l->models.ids[i]))
            l->models.ids = NULL;
    }
    if (!l->models.ids) {
        listing_unref(l);
        return NULL;
    }
    l->models.count = count;
    return l;
}

struct snapshot *snapshot_with_models(struct snapshot *s, unsigned provider, const str *ids,
                                      unsigned count)
{
    CHECK(provider < s->core->conf->provider_count);
    struct snapshot *copy = snapshot_over(s->core);
    if (!copy)
        return NULL;
    counter_up(&s->core->refs);
    for (unsigned i = 0; i < s->core->conf->provider_count; i++) {
        if (i == provider)
            continue;
        copy->listings[i] = s->listings[i];
        if (copy->listings[i])
            counter_up(&copy->listings[i]->refs);
    }
    copy->listings[provider] = listing_new(ids, count);
    if (copy->listings[provider])
        return copy;
    snapshot_unref(copy);
    return NULL;
}

void snapshot_inherit_models(struct snapshot *s, const struct snapshot *old)
{
    const struct gateway_conf *conf = s->core->conf;
    for (unsigned i = 0; i < conf->provider_count; i++) {
        const struct provider_conf *before = snapshot_provider(old, conf->providers[i].name);
        if (s->listings[i] || !before || !str_eq(before->base_url, conf->providers[i].base_url))
            continue;
        s->listings[i] = old->listings[before->index];
        if (s->listings[i])
            counter_up(&s->listings[i]->refs);
    }
}
