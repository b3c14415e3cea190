/*
 * A configuration as it was written: a tree of texts, lists and maps whose nodes know their place.
 * YAML 1.2 by libfyaml's events; duplicate names are errors, aliases are copied within a budget, so
 * that no file is larger in memory than its size allows.  Overrides replace nodes.
 */
#ifndef APP_CONFIG_TREE_H
#define APP_CONFIG_TREE_H

#include "app/config_report.h"
#include "app/config_text.h"

enum config_node_kind {
    CONFIG_NOTHING, /* "", ~ or null, not quoted: as if it were not there */
    CONFIG_TEXT,
    CONFIG_LIST,
    CONFIG_MAP
};

struct config_node {
    enum config_node_kind kind;
    struct config_place place;
    str key; /* in a map */
    struct config_place key_place;
    str text;
    bool is_wrong;    /* reported already: neither here nor missing */
    bool is_expanded; /* came from ${…}: not repeated in messages */
    struct config_node *parent, *first, *last, *next;
    unsigned count; /* of children */
};

struct config_tree {
    struct arena *arena;
    struct config_report *report;
    const char *const *environment;
    struct config_node *root; /* a map, never NULL after config_tree_init */
    unsigned budget;          /* nodes that may still be made */
    bool is_unreadable;       /* the file is no YAML map; reported */
    bool no_memory;
};

enum { CONFIG_NODES_MAX = 500000, CONFIG_DEPTH_MAX = 64 };

/* False: out of memory. */
bool config_tree_init(struct config_tree *t, struct arena *a, struct config_report *report,
                      const char *const *environment) must_check;

/* Reads YAML as the tree; problems go to the report. */
void config_tree_parse(struct config_tree *t, str source, str text);

/* "server.max_body", "models.\"gpt-4.1\".targets[0].weight": sets one value, over what is there. */
void config_tree_set(struct config_tree *t, str option, str path, str value);

/* Every LLM_GATEWAY__SECTION__FIELD=value of the environment. */
void config_tree_set_environment(struct config_tree *t);

/* Overwrites all texts: they hold secrets. */
void config_tree_wipe(struct config_tree *t);

/* A node that is in no tree yet; NULL: out of memory or of budget (no_memory is set). */
struct config_node *config_node_new(struct config_tree *t, enum config_node_kind kind,
                                    struct config_place place);
void config_node_append(struct config_node *parent, struct config_node *n);

/* The child of that name, or NULL (also when n is NULL or no map). */
struct config_node *config_node_get(const struct config_node *n, str name);

/* "models.gpt-4o.targets[1]"; names that need it are quoted. */
str config_node_path(const struct config_node *n, struct arena *a);

/* "a list", "a map", … for messages. */
const char *config_node_what(const struct config_node *n);

#endif
