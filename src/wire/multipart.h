/*
 * multipart/form-data (RFC 7578), only as far as a gateway needs it: to find small text fields
 * ("model", "stream") near the front of a body that is streamed on, and where their values stand, so
 * that one can be replaced.  File parts are passed over, not kept.
 *
 *     multipart_reader_init(&r, boundary, limit);
 *     multipart_want(&r, STR("model"), true);
 *     ...all bytes of the body, as they come, cut anywhere:
 *     switch (multipart_feed(&r, bytes)) {
 *     case MULTIPART_NEED_MORE: keep the bytes back, the answer is not known yet
 *     case MULTIPART_DONE:      look at the fields once, then let the bytes go on
 *     case MULTIPART_ERROR:     r.reason
 *     }
 *     ...at the body's end: multipart_end(&r)
 *
 * After DONE the rest of the body is fed too: a wanted field that comes again, behind the file, is
 * an error, so that what we looked at is what the provider reads.  For the same reason everything
 * two readers could understand differently is refused: bytes before the first boundary, lines that
 * only begin like a boundary, bare LF in a part's head, escaped quotes, names given twice.
 */
#ifndef WIRE_MULTIPART_H
#define WIRE_MULTIPART_H

#include "base/buf.h"
#include "base/check.h"
#include "base/str.h"

enum {
    MULTIPART_BOUNDARY_MAX = 70,
    MULTIPART_WANTED_MAX = 4,
    MULTIPART_VALUE_MAX = 4096, /* bytes of a wanted field's value */
    MULTIPART_PART_HEAD_MAX = 8192,
    MULTIPART_PARTS_MAX = 1024,
    MULTIPART_LIMIT_DEFAULT = 65536,
};

enum multipart_step { MULTIPART_NEED_MORE, MULTIPART_DONE, MULTIPART_ERROR };

struct multipart_field {
    str name;
    bool required;
    bool found;
    uint64_t start; /* of the value, from the body's first byte */
    size_t len;
};

/* Caller's storage; read fields and reason through the functions. */
struct multipart_reader {
    struct multipart_field fields[MULTIPART_WANTED_MAX];
    unsigned wanted;
    const char *reason; /* after MULTIPART_ERROR: static text */

    uint64_t limit;
    uint64_t at;                     /* bytes of the body taken so far */
    uint64_t start;                  /* of the current part's data */
    struct multipart_field *current; /* the part is this field; NULL: another one */
    struct buf head;                 /* of the current part, gathered */
    unsigned parts;
    unsigned matched; /* bytes of the delimiter, or of what follows it, seen so far */
    uint8_t state;
    bool done;
    uint8_t delimiter_len;
    char delimiter[MULTIPART_BOUNDARY_MAX + 4]; /* CRLF "--" boundary */
};

/* The boundary parameter of a multipart/form-data content-type: 1..70 bytes of RFC 2046's set,
 * quoted or not.  False: another type, none, several, or not valid.  *boundary: a slice. */
bool multipart_boundary(str content_type, str *boundary) must_check;

/* boundary: as multipart_boundary gave it; copied.  limit: how many bytes may be looked at before
 * the fields are known; 0: the default. */
void multipart_reader_init(struct multipart_reader *r, str boundary, uint64_t limit);
void multipart_reader_release(struct multipart_reader *r);

/* Looks for the field; at most MULTIPART_WANTED_MAX, before the first bytes.  name is borrowed. */
void multipart_want(struct multipart_reader *r, str name, bool required);

/*
 * DONE as soon as all fields were found; or the required ones were and a file begins; or the body,
 * or the limit, is reached: then a required field may be missing.  It stays DONE for later bytes,
 * unless they are an error.
 */
enum multipart_step multipart_feed(struct multipart_reader *r, str bytes) must_check;

/* Whether the body, ending here, is complete: its closing boundary was seen.  Else reason says so. */
bool multipart_end(struct multipart_reader *r) must_check;

/* NULL: it was not found (so far). */
const struct multipart_field *multipart_field(const struct multipart_reader *r, str name);

#endif
