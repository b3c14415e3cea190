/*
 * The text of AWS's shared files: ~/.aws/config, whose sections are [default] and [profile name], and
 * ~/.aws/credentials, whose sections are [name].  Looked up in place: they are small, and read seldom.
 */
#ifndef LLM_AWS_PROFILE_H
#define LLM_AWS_PROFILE_H

#include <stdbool.h>

#include "base/str.h"

enum aws_file { AWS_FILE_CONFIG, AWS_FILE_CREDENTIALS };

bool aws_profile_exists(str text, enum aws_file file, str profile);

/* The value of a setting (names in any case), the last one written; null: not set. */
str aws_profile_get(str text, enum aws_file file, str profile, str name);

#endif
