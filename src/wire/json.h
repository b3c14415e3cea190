/*
 * An index over JSON that somebody received: where each value begins and ends in the source, and
 * what it is.  The source stays where it is and is never copied; strings and numbers stay text, so
 * that what is sent on is byte for byte what came in.
 *
 * json_parse() is one pass which accepts exactly RFC 8259: grammar, escapes, UTF-8 (no overlong
 * forms, no surrogates, nothing above U+10FFFF), one value and nothing after it, a limit on nesting.
 * No byte order mark.  What the RFC leaves to us: duplicate names are accepted here and found by
 * json_check_members(); numbers are of any length and size, and cost their length; an escaped lone
 * surrogate ("\ud800") is legal grammar and accepted: raw it passes through, decoded it is U+FFFD.
 *
 * A document refers to its source and lives in the arena of its parse; it is not changed after.
 * Nodes are named by index.  JSON_NONE (0) is "absent": its kind is JSON_ABSENT, so look-ups chain
 * (`json_member(d, json_member(d, JSON_ROOT, STR("a")), STR("b"))`) and absent, null and false stay
 * three different things.  Functions on a document never fail because of the source's contents.
 *
 * Nodes are in document order: a container is followed by all that is in it, a member is its name
 * (a string node) followed at index + 1 by its value.
 */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    JSON_NONE = 0, /* no such node */
    JSON_ROOT = 1,

    JSON_DEPTH_DEFAULT = 100,
    JSON_DEPTH_MAX = 1000, /* what json_options.depth_max may ask for */
    JSON_SOURCE_MAX = 1 << 28,
};

enum json_kind {
    JSON_ABSENT,
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json_node {
    uint32_t start, end; /* in the source; of strings and containers with their quotes, brackets */
    uint32_t next;       /* index of the first node after this one and all that is in it */
    uint32_t kind : 3;
    uint32_t escaped : 1; /* a string with at least one escape */
    uint32_t opaque : 1;  /* a container that is not empty, but whose contents were not indexed */
    uint32_t count : 27;  /* elements, or members (of an opaque container: 0) */
};

/* Why a source is not JSON. */
#define JSON_FAULTS(X)                                                                             \
    X(NONE, "no error")                                                                            \
    X(EMPTY, "the document is empty")                                                              \
    X(TRUNCATED, "the document ends too early")                                                    \
    X(VALUE, "a value is expected here")                                                           \
    X(NAME, "a member name in double quotes is expected here")                                     \
    X(COLON, "a colon is expected here")                                                           \
    X(COMMA_OBJECT, "a comma or '}' is expected here")                                             \
    X(COMMA_ARRAY, "a comma or ']' is expected here")                                              \
    X(LITERAL, "only true, false and null are words of JSON")                                      \
    X(NUMBER, "this is not a number in JSON's form")                                               \
    X(ESCAPE, "this is not one of JSON's escapes")                                                 \
    X(CONTROL, "a control character in a string must be escaped")                                  \
    X(UTF8, "this is not UTF-8")                                                                   \
    X(TRAILING, "something follows the end of the document")                                       \
    X(DEPTH, "the document is nested too deeply")                                                  \
    X(NOT_OBJECT, "the document must be an object")

enum json_fault {
#define JSON_FAULT_ENUM(name, text) JSON_FAULT_##name,
    JSON_FAULTS(JSON_FAULT_ENUM)
#undef JSON_FAULT_ENUM
};

struct json_doc {
    str source;
    const struct json_node *nodes; /* [0] is JSON_ABSENT */
    uint32_t count;                /* nodes, [0] included */
    enum json_fault fault;         /* after ERR_JSON_INVALID: why, and at which byte */
    uint32_t fault_at;
};

struct json_options {
    unsigned depth_max;   /* containers within each other; 0: JSON_DEPTH_DEFAULT */
    unsigned index_depth; /* containers deeper than this are validated in full, but what is in them
                             gets no nodes (`opaque`): 1 = members of the root only; 0: all */
    bool root_object;     /* the root must be an object */
};

/* Indexes `source`, which must outlive the document; options NULL: all zero.  ERR_JSON_INVALID:
 * fault and fault_at say why; ERR_BODY_TOO_LARGE: above JSON_SOURCE_MAX; ERR_NO_MEMORY: the arena's
 * budget.  In every case *doc is filled, after an error with an absent root.  Nodes take 16 bytes
 * each in the arena (a full index of hostile JSON: 8 times its size, at most the arena's budget);
 * nothing else is kept. */
enum err json_parse(struct json_doc *doc, struct arena *arena, str source,
                    const struct json_options *options) must_check;

/* "line 3, column 14: a colon is expected here"; static text when the arena has no room.  Columns
 * count characters.  Never quotes the source. */
str json_fault_text(const struct json_doc *doc, struct arena *arena);
void json_position(str source, size_t at, size_t *line, size_t *column);

static inline const struct json_node *json_node(const struct json_doc *doc, uint32_t node)
{
    CHECK(node < doc->count);
    return &doc->nodes[node];
}

static inline enum json_kind json_kind(const struct json_doc *doc, uint32_t node)
{
    return (enum json_kind)json_node(doc, node)->kind;
}

static inline bool json_is(const struct json_doc *doc, uint32_t node, enum json_kind kind)
{
    return json_kind(doc, node) == kind;
}

/* The node's bytes as received, quotes and brackets included; null str for JSON_NONE. */
static inline str json_raw(const struct json_doc *doc, uint32_t node)
{
    const struct json_node *n = json_node(doc, node);
    return n->kind == JSON_ABSENT ? STR_NULL
                                  : str_make(doc->source.ptr + n->start, n->end - n->start);
}

/* Elements or members; 0 for what is not a container, and for an opaque one. */
static inline uint32_t json_count(const struct json_doc *doc, uint32_t node)
{
    return json_node(doc, node)->count;
}

/* The first element, or name of the first member; JSON_NONE: empty or not a container.  Walking
 * into an opaque container is a bug of the caller's. */
static inline uint32_t json_first(const struct json_doc *doc, uint32_t container)
{
    const struct json_node *n = json_node(doc, container);
    CHECK(!n->opaque);
    return n->count ? container + 1 : JSON_NONE;
}

/* The element after `item`, or name of the member after the one named by `item`. */
static inline uint32_t json_next(const struct json_doc *doc, uint32_t container, uint32_t item)
{
    const struct json_node *n = json_node(doc, container);
    uint32_t last = n->kind == JSON_OBJECT ? item + 1 : item;
    uint32_t next = json_node(doc, last)->next;
    return next == n->next ? JSON_NONE : next;
}

/* Walks the elements of an array, or the names of an object's members (the value of `m` is
 * json_value(m)).  Nothing when it is neither. */
#define JSON_EACH(item, doc, container)                                                            \
    for (uint32_t item = json_first((doc), (container)); item != JSON_NONE;                        \
         item = json_next((doc), (container), item))

static inline uint32_t json_value(uint32_t name)
{
    return name + 1;
}

/* The value of the first member so named, or JSON_NONE (also when `object` is not an object).
 * Names compare decoded and case-sensitively: "mod\u0065l" is `model`, "Model" is not. */
uint32_t json_member(const struct json_doc *doc, uint32_t object, str name);
/* The same, but the member's name node. */
uint32_t json_member_name(const struct json_doc *doc, uint32_t object, str name);

/* -- strings; the node must be a string (names are) ------------------------------------------- */

/* Without the quotes, escapes as received. */
static inline str json_string_raw(const struct json_doc *doc, uint32_t node)
{
    const struct json_node *n = json_node(doc, node);
    CHECK(n->kind == JSON_STRING);
    return str_make(doc->source.ptr + n->start + 1, n->end - n->start - 2);
}

/* Compares what the string says. */
bool json_string_eq(const struct json_doc *doc, uint32_t node, str text);

/* What the string says, valid UTF-8, may hold NUL bytes.  Points into the source when it has no
 * escapes, else into the arena.  ERR_NO_MEMORY only. */
enum err json_string_decode(const struct json_doc *doc, uint32_t node, struct arena *arena,
                            str *out) must_check;

/* Decodes the inside of a valid JSON string; `to` has room for raw.len bytes (never more are
 * needed).  Returns the length. */
size_t json_unescape(str raw, char *to);

/* -- numbers; `text` is a number in JSON's form (json_raw of a JSON_NUMBER) --------------------- */

/* False: not a whole number, or outside the range.  1.0, 10e2 and 1500e-2 are whole. */
bool json_to_i64(str text, int64_t *out);

/* The nearest double (of more than 40 digits, perhaps its neighbour); infinite and zero beyond the
 * range.  Does not depend on the locale; takes time in proportion to the text. */
double json_to_double(str text);

/* -- members ------------------------------------------------------------------------------------ */

enum { JSON_MEMBERS_MAX = 4096 };

/* Looks for two members of one name, and for names that a careless reader would take for one of
 * `exact` (ASCII, lower case): in other case, or with U+017F or U+212A, which fold to s and k.  Names
 * compare decoded.  ERR_FIELD_DUPLICATE: *culprit is the name node of the later member, or of the
 * variant.  ERR_FIELD_INVALID: more than JSON_MEMBERS_MAX members, *culprit is the first too many.
 * ERR_NO_MEMORY: many or escaped names need room in the arena.  O(n log n) in the number of members;
 * what is not an object has none. */
enum err json_check_members(const struct json_doc *doc, uint32_t object, const str *exact,
                            size_t exact_count, struct arena *arena, uint32_t *culprit) must_check;

#endif
