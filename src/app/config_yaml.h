/*
 * YAML to nodes, by libfyaml's events: its documents resolve aliases without a limit, and know no
 * place for names.
 */
#ifndef APP_CONFIG_YAML_H
#define APP_CONFIG_YAML_H

#include "app/config_tree.h"

/* The root node of a text, ${…} expanded, made in the tree's arena.  NULL: nothing is there, or the
 * report (or no_memory) says why not. */
struct config_node *config_yaml_read(struct config_tree *t, struct config_place source, str text);

#endif
