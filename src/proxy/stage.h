/*
 * A stage looks at a request before anything is sent: one file in proxy/stage/, one line in stage.def,
 * where its place is its order.  A stage says NEXT, WAIT (it runs again when the body has come) or
 * DONE (it has answered or failed the request, which may be gone).
 */
#ifndef PROXY_STAGE_H
#define PROXY_STAGE_H

#include "proxy/request.h"

typedef enum stage_verdict stage_fn(struct request *r);

#define STAGE(name) stage_fn stage_##name;
#include "proxy/stage.def"
#undef STAGE

/* Fails the request and says DONE; message printf-like, param names the field or is null. */
enum stage_verdict stage_refuse(struct request *r, enum err err, str param, const char *format, ...)
    printf_like(4, 5);

#endif
