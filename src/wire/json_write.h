/*
 * Writes JSON at the end of a buffer, commas included.  Failure is the buffer's (`failed`), asked
 * once at the end; what is written is well-formed as long as calls pair up: in an object a key
 * comes before each value, each begin has its end.  That is checked, a mistake is a bug.
 */
#ifndef WIRE_JSON_WRITE_H
#define WIRE_JSON_WRITE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

struct json_write {
    struct buf *out;
    uint64_t objects; /* bit per level, the lowest is the innermost: an object, not an array */
    unsigned depth;
    bool comma; /* before the next key or element */
    bool keyed; /* a key was written, its value not yet */
};

/* At most this many levels. */
enum { JSON_WRITE_DEPTH = 64 };

void json_write_init(struct json_write *w, struct buf *out);

/* Every begun object and array is ended: the text is one whole value. */
bool json_write_done(const struct json_write *w);

void json_write_object(struct json_write *w);
void json_write_object_end(struct json_write *w);
void json_write_array(struct json_write *w);
void json_write_array_end(struct json_write *w);

/* Keys and strings are escaped; bytes that are not UTF-8 become U+FFFD. */
void json_write_key(struct json_write *w, str key);
/* A key that is escaped already (json_string_raw of a name). */
void json_write_raw_key(struct json_write *w, str inside);
void json_write_string(struct json_write *w, str text);
void json_write_u64(struct json_write *w, uint64_t value);
void json_write_i64(struct json_write *w, int64_t value);
/* The shortest form that reads back as the same double, with a point in any locale; what is not
 * finite is null. */
void json_write_double(struct json_write *w, double value);
void json_write_bool(struct json_write *w, bool value);
void json_write_null(struct json_write *w);
/* One value, JSON already. */
void json_write_raw(struct json_write *w, str json);
/* The inside of one string, escaped already (json_string_raw). */
void json_write_raw_string(struct json_write *w, str inside);

/* Key and value in one. */
static inline void json_write_member(struct json_write *w, str key, str text)
{
    json_write_key(w, key);
    json_write_string(w, text);
}

static inline void json_write_member_raw(struct json_write *w, str key, str json)
{
    json_write_key(w, key);
    json_write_raw(w, json);
}

static inline void json_write_member_u64(struct json_write *w, str key, uint64_t value)
{
    json_write_key(w, key);
    json_write_u64(w, value);
}

/* Only the escaping: `text` as the inside of a JSON string. */
void json_escape(struct buf *out, str text);

/* `text` as a JSON string, in the arena; null str when it is exhausted. */
str json_quote(struct arena *arena, str text);

#endif
