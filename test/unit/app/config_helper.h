/* Loading a configuration from a text, in tests. */
#ifndef TEST_UNIT_APP_CONFIG_HELPER_H
#define TEST_UNIT_APP_CONFIG_HELPER_H

#include "app/config.h"

struct loaded {
    enum err err;
    struct gateway_conf *conf; /* NULL when err says so */
    struct config_report report;
    struct buf problems; /* the report as text, without "test.yaml:" */
};

/* The text as test.yaml; environment: NAME=value, ending with NULL, or NULL; overrides in order. */
struct loaded load(const char *yaml, const char *const *environment,
                   const struct config_override *overrides, unsigned override_count);
void unload(struct loaded *l);

/* Loads, and expects exactly these problems ("line:column: path: what\n"). */
void expect_problems(const char *yaml, const char *problems);

/* What `check --print` says, as one tree; path as in messages.  "": not there. */
str printed(const struct loaded *l, struct arena *a, const char *path);

#endif
