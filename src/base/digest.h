/* SHA-256 of short texts (keys, tokens). */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdint.h>

#include "base/str.h"

enum { SHA256_BYTES = 32 };

/* The algorithm is fetched, and its state allocated, once per thread.  Never fails: a library that
 * cannot do SHA-256 is a bug of the installation, and ends the process. */
void digest_sha256(str text, uint8_t out[SHA256_BYTES]);

/* Frees what the thread keeps (thread end). */
void digest_release(void);

#endif
