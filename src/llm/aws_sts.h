/*
 * AWS's Security Token Service: requests that exchange one set of credentials, or a web identity's
 * token, for temporary ones, and reading its answers (XML).
 */
#ifndef LLM_AWS_STS_H
#define LLM_AWS_STS_H

#include "llm/token_source.h"

struct aws_role {
    str arn, session_name;
    str external_id, duration_s; /* or null */
};

/* ASK or FAILED.  region may be null: the global endpoint. */
enum token_step aws_sts_assume(struct token_run *r, const struct aws_role *role, str region,
                               const struct aws_credentials *by);
enum token_step aws_sts_web_identity(struct token_run *r, const struct aws_role *role, str region,
                                     str identity_token);

/* DONE with r->credential, or FAILED.  `what` begins the text: "AssumeRole". */
enum token_step aws_sts_read(struct token_run *r, const char *what, int status, str body);

/* What follows the region in host names of its partition: "amazonaws.com". */
str aws_dns_suffix(str region);

#endif
