/*
 * What the top table of options fills: the gateway's configuration, and what only helps to make it.
 * A gateway_conf from config_load() is always the first member of one.
 */
#ifndef APP_CONFIG_ROOT_H
#define APP_CONFIG_ROOT_H

#include "proxy/gateway_conf.h"

struct config_defaults { /* `defaults:`: what providers and models inherit */
    struct timeouts_conf timeouts;
    struct pool_conf pool;
    struct retry_conf retry;
    enum strategy strategy;
    enum unsupported_policy unsupported;
};

struct config_root {
    struct gateway_conf conf;
    struct config_defaults defaults;
    struct tls_pair_conf
        tls_one; /* `tls: {certificate, key}`; becomes the first of conf.tls.pairs */
};

#endif
