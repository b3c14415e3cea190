/*
 * multipart/form-data (RFC 7578), only as far as a gateway needs it: to find small text fields
 * ("model", "stream") near the front of a body that is streamed on, and where their values stand, so
 * that one can be replaced.  The file parts are passed over, not kept.
 *
 *     multipart_reader_init(&r, boundary, limit);
 *     multipart_want(&r, STR("model"), true);
 *     ...as the body grows, with everything received so far (contiguous, from its first byte):
 *     switch (multipart_scan(&r, prefix, body_complete)) ...
 */
#ifndef WIRE_MULTIPART_H
#define WIRE_MULTIPART_H

#include "base/check.h"
#include "base/str.h"

enum {
    MULTIPART_BOUNDARY_MAX = 70,
    MULTIPART_WANTED_MAX = 4,
    MULTIPART_VALUE_MAX = 4096, /* bytes of a wanted field's value */
    MULTIPART_PART_HEAD_MAX = 8192,
    MULTIPART_LIMIT_DEFAULT = 65536,
};

enum multipart_step {
    MULTIPART_NEED_MORE, /* buffer more and call again */
    MULTIPART_DONE,      /* nothing more will be found: look at the fields, stream the rest */
    MULTIPART_ERROR,     /* r->reason; a wanted field twice, bad heads, ended early */
};

struct multipart_field {
    str name;
    bool required;
    bool found;
    size_t start, len; /* of the value, in the prefix */
};

struct multipart_reader {
    struct multipart_field fields[MULTIPART_WANTED_MAX];
    unsigned wanted;
    const char *reason; /* static text */
    size_t limit;
    size_t at;   /* start of the delimiter or part that is looked at next */
    size_t seek; /* no delimiter begins before here */
    uint8_t state;
    char delimiter[MULTIPART_BOUNDARY_MAX + 4]; /* CRLF "--" boundary */
    size_t delimiter_len;
};

/* The boundary parameter of a multipart/form-data content-type: 1..70 bytes of RFC 2046's set,
 * quoted or not.  False: another type, none, or not valid.  *boundary is a slice of content_type. */
bool multipart_boundary(str content_type, str *boundary) must_check;

/* boundary: as multipart_boundary gave it; copied.  limit 0: the default. */
void multipart_reader_init(struct multipart_reader *r, str boundary, size_t limit);

/* Looks for the field; at most MULTIPART_WANTED_MAX, before the first scan.  name is borrowed. */
void multipart_want(struct multipart_reader *r, str name, bool required);

/*
 * prefix: the body from its first byte; it only grows between calls.  complete: it is the whole body.
 * DONE as soon as all fields are found; or the required ones are and a file begins; or the body, or
 * the limit, ends.  A field found has its span in the prefix.  A wanted field that comes twice within
 * what was scanned is an error: what we check must be what the provider reads.
 */
enum multipart_step multipart_scan(struct multipart_reader *r, str prefix,
                                   bool complete) must_check;

/* NULL when it was not found. */
const struct multipart_field *multipart_field(const struct multipart_reader *r, str name);

#endif
