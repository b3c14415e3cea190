/*
 * The chunked transfer coding (RFC 9112 section 7.1), read strictly and without keeping a byte:
 * sizes are 1 to 16 hex digits followed by an extension or CRLF, extensions are bounded and dropped,
 * trailers are checked like headers, bounded, and dropped.  http1 is its only user.
 */
#ifndef WIRE_CHUNKED_H
#define WIRE_CHUNKED_H

#include "base/check.h"
#include "base/str.h"

enum {
    CHUNKED_EXTENSION_MAX = 256,         /* bytes of one chunk's extensions */
    CHUNKED_EXTENSIONS_TOTAL_MAX = 8192, /* of all extensions of one message */
};

enum chunked_step { CHUNKED_NEED_MORE, CHUNKED_DATA, CHUNKED_END, CHUNKED_ERROR };

struct chunked {
    uint64_t size; /* of the current chunk, then what is left of it */
    uint32_t extension_bytes, extension_total;
    uint32_t trailer_bytes, trailer_count;
    uint32_t trailer_bytes_max, trailer_count_max;
    uint8_t state, digits;
    const char *reason; /* after CHUNKED_ERROR: static text */
    bool too_large;     /* after CHUNKED_ERROR: a limit of the trailers, not a malformed byte */
};

void chunked_init(struct chunked *c, uint32_t trailer_bytes_max, uint32_t trailer_count_max);

/* Takes what it used off *bytes.  DATA: *data is a run inside the bytes, at least one byte.  END: the
 * final empty line was taken, what follows belongs to the next message. */
enum chunked_step chunked_step(struct chunked *c, str *bytes, str *data) must_check;

#endif
