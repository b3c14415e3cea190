/* UUIDs of version 7 (RFC 9562 section 5.7): the time in front, so that ids sort as they came. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdint.h>

enum { UUID_TEXT_LEN = 36 };

/* "0190163d-8694-739b-aea5-966c26f8ad91", not terminated.  unix_ms: wall clock. */
void uuid_v7(char out[UUID_TEXT_LEN], uint64_t unix_ms);

#endif
