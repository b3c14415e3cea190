/*
 * What no row of a table can know: references between sections, secrets that are the same, what is
 * exposed to whom, settings that could have no effect; and what is derived from the rest.
 */
#ifndef APP_CONFIG_CHECK_H
#define APP_CONFIG_CHECK_H

#include "app/config_root.h"
#include "app/config_tree.h"

struct config_checker {
    struct config_root *root;
    const struct config_node *tree; /* the file's root */
    struct config_report *report;
    const char *const *environment; /* like environ, or NULL */
    struct arena *arena;            /* of the configuration */
    bool no_memory;
};

/* In this order: models point to providers. */
void config_check_listeners(struct config_checker *c); /* listen, admin, tls */
void config_check_keys(struct config_checker *c);
void config_check_fetch(struct config_checker *c);
void config_check_providers(struct config_checker *c); /* and their endpoints */
void config_check_models(struct config_checker *c);    /* and their order */

/* Reports at child `name` of a section, or at the section where that is not written. */
void config_complain(struct config_checker *c, const struct config_node *section, const char *name,
                     str suggestion, const char *format, ...) printf_like(5, 6);
void config_warn(struct config_checker *c, const struct config_node *section, const char *name,
                 const char *format, ...) printf_like(4, 5);

/* Whether `name` is written in the section, with a value. */
bool config_is_written(const struct config_node *section, const char *name);

/* Complains about a file that cannot be read; null is fine. */
void config_check_file(struct config_checker *c, const struct config_node *section,
                       const char *name, str path);

#endif
