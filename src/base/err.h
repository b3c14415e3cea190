/*
 * What the world does to us.  err.def knows every fact about an error; functions that can fail
 * return an `enum err` marked must_check, pass it up unchanged, and whoever finishes the request
 * logs it once.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#include "base/check.h"

enum err {
    ERR_NONE = 0,
#define ERR(name, status, type, code, fault, retry, help) ERR_##name,
#include "base/err.def"
#undef ERR
    ERR_COUNT
};

enum err_fault {
    ERR_FAULT_NONE,
    ERR_FAULT_CLIENT,     /* the request itself; nobody's health suffers */
    ERR_FAULT_KEY,        /* the client's gateway key */
    ERR_FAULT_GATEWAY,    /* our own limits and state */
    ERR_FAULT_PROVIDER,   /* counts against the target's health */
    ERR_FAULT_CREDENTIAL, /* counts against the provider's key, not its target */
};

struct err_facts {
    const char *name; /* "UPSTREAM_TIMEOUT" */
    int status;
    const char *type, *code, *help;
    enum err_fault fault;
    bool retry;
};

/* Never NULL; err must be in range. */
const struct err_facts *err_facts(enum err err);

static inline const char *err_code(enum err err)
{
    return err_facts(err)->code;
}

#endif
