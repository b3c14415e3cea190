/* SHA-256 and what stands on it: of keys, tokens, requests to be signed. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdint.h>

#include "base/chain.h"
#include "base/str.h"

enum { SHA256_BYTES = 32 };

/* The algorithm is fetched, and its state allocated, once per thread.  Never fails: a library that
 * cannot do SHA-256 is a bug of the installation, and ends the process. */
void digest_sha256(str text, uint8_t out[SHA256_BYTES]);

/* Of the slices one after the other. */
void digest_sha256_slices(const struct slice *v, unsigned n, uint8_t out[SHA256_BYTES]);

/* HMAC-SHA-256 (RFC 2104).  Fails as little. */
void digest_hmac_sha256(str key, str text, uint8_t out[SHA256_BYTES]);

/* Lower case, two digits a byte, not terminated. */
void digest_hex(const uint8_t digest[SHA256_BYTES], char out[2 * SHA256_BYTES]);

/* Frees what the thread keeps (thread end). */
void digest_release(void);

#endif
