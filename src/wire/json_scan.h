/*
 * Watches JSON that passes by in pieces cut anywhere, and keeps the raw text of a few values: the
 * answer is relayed at once, its usage is known at the end.  Nothing is held but those values.
 *
 * What is looked for is a list of paths, "usage" or "choices.*.finish_reason": names compared
 * decoded and case-sensitively, `*` any element of an array.  Containers on the way to a path, and
 * values found, are checked by JSON's full grammar; those on no path are skipped, where only
 * brackets, and strings up to their closing quote, must be right (`strict`: grammar, numbers and
 * UTF-8 everywhere, exactly as json_parse, at some cost in speed).
 */
#ifndef WIRE_JSON_SCAN_H
#define WIRE_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum {
    JSON_PATHS_MAX = 16,     /* paths in one list */
    JSON_PATH_DEPTH_MAX = 6, /* segments in one path */
    JSON_SCAN_NAME_MAX = 64, /* a name's raw length; longer ones match nothing */
    JSON_SCAN_FOUND_MAX = 32,
    JSON_SCAN_DEPTH_MAX = 512, /* nesting; deeper is malformed */
};

/* Paths, taken apart once; then constant, and shared by any number of scans and threads. */
struct json_paths {
    unsigned count;
    uint8_t depth[JSON_PATHS_MAX];
    str segments[JSON_PATHS_MAX][JSON_PATH_DEPTH_MAX];
};

/* The texts must outlive the list (string literals).  Too many paths, or too long ones: a bug. */
void json_paths_init(struct json_paths *paths, const char *const *texts, unsigned count);

enum json_scan_state {
    JSON_SCAN_INCOMPLETE, /* good so far; the value has not ended */
    JSON_SCAN_COMPLETE,   /* one whole value, then at most white space */
    JSON_SCAN_MALFORMED,  /* stays so */
};

/* A value that was found: captured.ptr[at .. at + len) is its raw text. */
struct json_found {
    uint32_t path; /* index in the list */
    uint32_t at, len;
};

struct json_scan {
    const struct json_paths *paths;
    uint32_t capture_max;
    bool strict;
    enum json_scan_state state;

    struct json_found found[JSON_SCAN_FOUND_MAX]; /* whole values, in the order of their end */
    unsigned found_count;
    unsigned dropped; /* values that capture_max, FOUND_MAX or memory left no room for */
    struct buf captured;

    /* The scanner's own. */
    uint8_t at;         /* where in the grammar: enum at in json_scan.c */
    uint8_t utf8;       /* of a sequence that is cut by the end of a piece: enum utf8 there */
    uint8_t hex_left;   /* digits of a \u escape still to come */
    uint8_t open_count; /* values being captured */
    bool in_name;       /* the string is a member's name */
    bool name_wanted;   /* and is compared with paths */
    uint16_t wanted;    /* bit per path that leads to or through the coming value */
    uint16_t live[JSON_PATH_DEPTH_MAX + 1]; /* the same for the open container of that depth */
    uint32_t name_len;
    uint32_t depth, skip_depth;
    const char *literal;      /* what is left of true, false, null */
    const char *capture_from; /* bytes of this piece not yet captured */
    struct {
        uint32_t path, at, depth;
    } open[JSON_PATHS_MAX];
    uint64_t objects[JSON_SCAN_DEPTH_MAX / 64]; /* bit per depth: an object, not an array */
    char name[JSON_SCAN_NAME_MAX];
};

/* capture_max: bytes kept of all values found together.  No memory is taken before a value is. */
void json_scan_init(struct json_scan *s, const struct json_paths *paths, uint32_t capture_max);
void json_scan_release(struct json_scan *s);

/* Begins another document with the same paths; keeps the memory. */
void json_scan_reset(struct json_scan *s);

/* Takes the next bytes; answers as json_scan_end would now.  Never fails for want of memory (the
 * value is `dropped` then). */
enum json_scan_state json_scan_feed(struct json_scan *s, str bytes);

/* What the document is if nothing more comes. */
enum json_scan_state json_scan_end(const struct json_scan *s);

/* Raw text of the last value found for this path; null str: none.  Valid until the next feed. */
str json_scan_found(const struct json_scan *s, unsigned path);

#endif
