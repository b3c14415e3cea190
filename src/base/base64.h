/*
 * Base64 (RFC 4648).  Encoding: the standard alphabet with padding.  Decoding takes that of URLs too, and
 * text without padding, but nothing else: no white space, no bits that are left over.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

void base64_encode(struct buf *out, const void *bytes, size_t len);

/* Room that base64_decode needs at most. */
static inline size_t base64_decoded_max(str text)
{
    return text.len / 4 * 3 + 3;
}

/* Decodes into `to`, which has room for base64_decoded_max(); *len is how much it was.  False: not
 * base64. */
bool base64_decode(str text, char *to, size_t *len) must_check;

#endif
