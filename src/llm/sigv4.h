/*
 * AWS Signature Version 4, by fields of the head, for every service but S3 (whose paths are signed
 * otherwise).  Pure: the time is an argument.
 *
 * The path is signed as it stands in head->target, encoded once more: an id goes into the target as
 * one segment ("…v1%3A0", an ARN's '/' as "%2F") and is signed as "…v1%253A0".  Nothing may change
 * the head or the body afterwards; what the HTTP client adds (host as head->authority, framing) is
 * either signed as it will be, or not signed.
 */
#ifndef LLM_SIGV4_H
#define LLM_SIGV4_H

#include "base/chain.h"
#include "wire/head.h"

struct aws_credentials {
    str access_key_id, secret_access_key;
    str session_token; /* of temporary ones, or null */
};

/* Adds x-amz-date, x-amz-security-token (temporary credentials) and authorization to a head that has
 * method_text, authority, target and all its other fields already, and none of these three.  The
 * fields' text is in the arena.  service: "bedrock".  Signed are host and all fields that no
 * intermediary may rewrite.  False: no memory, or credentials without id or secret. */
bool sigv4_sign(struct request_head *head, const struct slice *body, unsigned n,
                const struct aws_credentials *c, str region, str service, int64_t now_s,
                struct arena *a) must_check;

/* The text whose hash is signed, without adding anything, for tests and diagnosis: holds no secret
 * but the session token.  Null str: no memory. */
str sigv4_canonical_request(const struct request_head *head, const struct slice *body, unsigned n,
                            struct arena *a);

#endif
