/*
 * The tables of options: what the configuration file may hold.  One file per section; a new option is
 * a row.  They stand in app, not beside their structs, because they name values of several layers.
 */
#ifndef APP_OPTION_TABLES_TABLES_H
#define APP_OPTION_TABLES_TABLES_H

#include "base/option.h"

extern const struct option_table table_gateway; /* over struct config_root: the whole file */
extern const struct option_table table_server, table_cors, table_tls, table_tls_pair, table_admin,
    table_log, table_defaults;                                   /* over struct config_root too */
extern const struct option_table table_provider;                 /* struct provider_conf */
extern const struct option_table table_auth, table_provider_tls; /* struct provider_conf too */
extern const struct option_table table_timeouts, table_pool;     /* their own structs */
extern const struct option_table table_model, table_target, table_retry;
extern const struct option_table table_key;

/* Values of `strategy`; the second list: those of a later version. */
extern const char *const unsupported_names[];
extern const char *const strategy_names[], *const strategy_later[];

/* A row for what a later version brings: refused by name, not as a typing mistake. */
#define OPTION_ROW_LATER(name_, hint)                                                              \
    {                                                                                              \
        .name = name_, .type = OPTION_STRING, .flags = OPTION_LATER, .help = hint                  \
    }

#endif
