/*
 * Changes to JSON without copying it: edits are collected over a document, and the result is a list
 * of parts, which point into the source and into the texts of the edits, in order.  Nothing of what
 * was not edited changes by a byte.
 *
 * Texts handed over are JSON already unless a function says otherwise, and are borrowed: they live
 * as long as the parts.  Running out of memory is remembered and told by json_edit_finish().
 * Edits must not lie within each other (a value replaced in a member removed): a bug, checked.
 */
#ifndef WIRE_JSON_EDIT_H
#define WIRE_JSON_EDIT_H

#include "wire/json.h"

struct json_edit_item;

struct json_edit {
    const struct json_doc *doc;
    struct arena *arena;
    struct json_edit_item *items;
    uint32_t count, cap;
    bool failed;
};

struct json_parts {
    const str *parts; /* in the arena; none is empty */
    size_t count;
    size_t bytes; /* all together */
};

/* No memory is taken before the first edit. */
void json_edit_init(struct json_edit *e, const struct json_doc *doc, struct arena *arena);

/* Replaces the value's bytes; at most once for a node. */
void json_edit_replace(struct json_edit *e, uint32_t node, str json);
/* The same by a string of this text (escaped here, into the arena). */
void json_edit_replace_string(struct json_edit *e, uint32_t node, str text);

/* Adds a member before the first, or after the last; several come in the order of the calls.  The
 * name must need no escaping and not be there yet.  `object` must not be opaque. */
void json_edit_insert_first(struct json_edit *e, uint32_t object, str name, str json);
void json_edit_insert_last(struct json_edit *e, uint32_t object, str name, str json);

/* Removes the member whose name node this is, with one comma; once. */
void json_edit_remove(struct json_edit *e, uint32_t object, uint32_t name);

/* Replaces the value of the first member so named, or adds the member at the end. */
void json_edit_set(struct json_edit *e, uint32_t object, str name, str json);

/* The result.  Without edits: the source as one part.  ERR_NO_MEMORY only. */
enum err json_edit_finish(struct json_edit *e, struct json_parts *out) must_check;

#endif
