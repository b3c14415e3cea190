/*
 * Content codings, decoded as a stream: gzip, deflate (zlib or raw), br, zstd.  Pull style: the
 * caller offers room and takes what comes.  The decoded size and its ratio to the encoded one are
 * capped, so a small body cannot become a large one.  Memory: at most some 16 MiB of window inside
 * the libraries, and only as the decoded data grow to need it.  One thread.
 */
#ifndef WIRE_DECOMPRESS_H
#define WIRE_DECOMPRESS_H

#include "base/err.h"
#include "base/str.h"

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_DEFLATE, CODING_BR, CODING_ZSTD };

struct decompress_limits {
    uint64_t decoded_max; /* bytes; 0: none */
    unsigned ratio_max;   /* decoded / encoded, beyond the first MiB; 0: the default, 200 */
};

enum { DECOMPRESS_RATIO_DEFAULT = 200 };

struct decompress;

/* A content-encoding value (null: identity), one coding in any case ("x-gzip" too).  Several, or an
 * unknown one: ERR_TYPE_UNSUPPORTED. */
enum err coding_from(str content_encoding, enum coding *out) must_check;

/* NULL: out of memory.  coding is not CODING_IDENTITY. */
struct decompress *decompress_new(enum coding coding, struct decompress_limits limits);
void decompress_free(struct decompress *d); /* NULL is fine */

/*
 * Decodes from *in (taking what it used) into out[cap]; *len says how much came.  Call again while
 * *len == cap or in->len > 0.  Errors: ERR_BODY_ENCODING (bad data, or bytes after its end),
 * ERR_BODY_TOO_LARGE (a cap), ERR_NO_MEMORY; they stay.
 */
enum err decompress_step(struct decompress *d, str *in, char *out, size_t cap,
                         size_t *len) must_check;

/* The encoded body has ended: ERR_NONE when the data are complete, else ERR_BODY_ENCODING. */
enum err decompress_finish(struct decompress *d) must_check;

#endif
