/*
 * What sources of access tokens may see of the machine (llm/token_source.h): environment variables and
 * small files.  Reading is blocking: files of a few KiB, once or twice an hour.  Any thread.
 */
#ifndef APP_MACHINE_H
#define APP_MACHINE_H

#include "llm/token_source.h"

extern const struct token_environment machine_environment;

#endif
