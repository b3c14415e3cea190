/*
 * From a tree to structs, by tables.  Knows nothing of any option: what a value may be is in the
 * rows.  Every problem is reported; what is wrong keeps its default, so that one mistake does not
 * hide the next.
 */
#ifndef APP_CONFIG_DECODE_H
#define APP_CONFIG_DECODE_H

#include "app/config_tree.h"
#include "base/option.h"

struct config_decoder {
    struct arena *arena; /* of the configuration: what fields point to */
    struct config_report *report;
    const void *root; /* for option_table.prepare */
    bool no_memory;
};

/* Sets each field that has a row to its default. */
void config_decode_defaults(struct config_decoder *d, const struct option_table *t, void *base);

/* Reads what is written in `map` over that.  Elements of lists and maps stand in their arrays in the
 * order of the nodes (also those with problems, so that the two can be walked side by side). */
void config_decode(struct config_decoder *d, const struct option_table *t, void *base,
                   const struct config_node *map);

#endif
