/*
 * The whole configuration, parsed and checked: what a snapshot (proxy/snapshot.h) carries.
 * Immutable; all memory in `arena`.  Filled by app/config from the option tables.
 */
#ifndef PROXY_GATEWAY_CONF_H
#define PROXY_GATEWAY_CONF_H

#include "http/server.h"
#include "io/file_watch.h"
#include "llm/provider_conf.h"
#include "llm/unsupported.h"
#include "policy/balance.h"
#include "policy/retry.h"

struct listen_conf {
    str text;
    struct address address;
};

struct tls_pair_conf {
    str certificate, key;
};

struct tls_server_conf {
    struct tls_pair_conf *pairs; /* none: plain */
    unsigned pair_count;
    str client_ca;
    enum tls_client_auth client_auth;
    unsigned min_version;
};

struct network_conf { /* CIDR; IPv4 as v4-mapped */
    uint8_t address[16];
    uint8_t bits;
};

struct target_conf {
    str provider_name, model; /* model may be "*": the name asked for */
    const struct provider_conf *provider;
    unsigned weight;
};

enum on_disconnect { DISCONNECT_CANCEL, DISCONNECT_DRAIN };

struct model_conf {
    str name; /* may be a glob */
    bool is_glob;
    enum strategy strategy;
    struct target_conf *targets;
    unsigned target_count;
    bool early_headers;
    enum on_disconnect on_disconnect;
    struct retry_conf retry;
    enum unsupported_policy unsupported;
    unsigned index;
};

struct key_conf {
    str name, tenant, user;
    uint8_t sha256[32];
    str *tags;
    unsigned tag_count;
    str *models, *models_denied; /* globs; no list: all */
    unsigned model_count, models_denied_count;
    str *endpoints; /* globs over endpoint names ("chat", "audio_*"); no list: all */
    unsigned endpoint_count;
    struct network_conf *networks; /* no list: all */
    unsigned network_count;
    int64_t expires_s; /* seconds since 1970, 0: never */
    bool enabled;
    struct name_pair *metadata; /* for the log */
    unsigned metadata_count;
};

enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_JSON, LOG_FORMAT_TEXT };

struct log_conf {
    unsigned level; /* enum log_level */
    enum log_format format;
    str file; /* messages; null: stderr */
    bool access;
    str access_file; /* null: as the messages */
};

struct cors_conf {
    str *origins; /* "*" or exact; none: CORS off */
    unsigned origin_count;
    uint64_t max_age_ms;
};

struct fetch_conf {    /* what clients name by address, for targets that take only bytes */
    uint64_t max_size; /* of one, bytes */
    unsigned max_count;
    uint64_t timeout_ms;
    struct network_conf *networks; /* allowed beside public ones */
    unsigned network_count;
    str ca; /* file; null: the system's */
};

struct gateway_conf {
    struct arena arena;
    uint64_t version;           /* counts up with every accepted reload */
    str file;                   /* path, or null when made from the environment */
    struct file_mark file_mark; /* of the file, taken before it was read */

    struct listen_conf *listen;
    unsigned listen_count;
    struct tls_server_conf tls;
    unsigned workers;
    struct listen_conf admin_listen;
    bool admin_enabled, admin_is_default; /* is_default: a busy port is only a warning */
    str admin_token;                      /* null: health and metrics only, loopback only */
    bool allow_anonymous;
    bool watch;

    struct server_conf server;
    struct network_conf *trusted_proxies;
    unsigned trusted_proxy_count;
    struct cors_conf cors;
    uint64_t max_event; /* bytes of one event of a stream */
    struct fetch_conf fetch;

    struct retry_conf retry;             /* `defaults.retry`, for targets without a model's entry */
    enum unsupported_policy unsupported; /* the same of `defaults.unsupported` */
    struct provider_conf *providers;
    unsigned provider_count;
    struct model_conf *models; /* exact names first, then globs, longest first */
    unsigned model_count;
    struct key_conf *keys;
    unsigned key_count;
    struct log_conf log;
};

#endif
