/*
 * Our own commands as clients of a running gateway: one request after the other on a loop of its own,
 * blocking.
 */
#ifndef APP_API_CLIENT_H
#define APP_API_CLIENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/chain.h"

struct api_client;

/* url: "http://127.0.0.1:8080", with or without /v1 behind it; key: NULL for none.  NULL: said on
 * standard error why. */
struct api_client *api_client_new(const char *url, const char *key);
void api_client_free(struct api_client *c); /* NULL is fine */

struct api_request {
    const char *method, *path; /* "GET", "/v1/models" */
    str body;                  /* JSON; null: none */
    /* Pieces of an answer of status 200 as they come; NULL: they are gathered in `answer`. */
    void (*on_piece)(void *arg, str piece);
    void *arg;
};

struct api_answer {
    int status; /* 0: none came, `trouble` says why */
    const char *trouble;
    str provider, model; /* x-gateway-provider, x-gateway-model */
    struct buf body;     /* gathered */
};

/* Waits for the whole answer.  The answer's memory is the client's, until the next request. */
const struct api_answer *api_client_ask(struct api_client *c, const struct api_request *r);

/* "error.message" of an error's body, or the body itself. */
str api_error_text(const struct api_answer *a, struct arena *arena);

#endif
