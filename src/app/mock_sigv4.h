/*
 * Whether a request is signed by AWS Signature Version 4 with the mock's own credentials.
 * Written from AWS's description, without the gateway's signer: each judges the other.
 */
#ifndef APP_MOCK_SIGV4_H
#define APP_MOCK_SIGV4_H

#include "wire/head.h"

#define MOCK_AWS_ACCESS_KEY_ID "AKIDMOCK"
#define MOCK_AWS_SECRET_ACCESS_KEY "mock-secret"

/* NULL: it is; else what AWS would say.  The time of the signature is not looked at. */
const char *mock_sigv4_judge(const struct request_head *head, str body, str service);

#endif
