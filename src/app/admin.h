/*
 * The operator's listener on the control loop: health and metrics.  GET only; every path but health
 * asks for the token when one is configured.
 */
#ifndef APP_ADMIN_H
#define APP_ADMIN_H

#include "http/server.h"
#include "proxy/worker.h"

struct admin;

struct admin_options {
    struct loop *loop;
    const struct local_page *open_pages;  /* without token */
    const struct local_page *token_pages; /* with it, if there is one */
    void *pages_arg;
};

/* NULL: out of memory. */
struct admin *admin_new(const struct admin_options *o, struct snapshot *s);

/* Listens on fd (taken over). */
bool admin_listen(struct admin *a, int fd);

/* A newer configuration (token, limits); one reference is taken. */
void admin_set_snapshot(struct admin *a, struct snapshot *s);

/* Closes everything; the loop must turn once more before it is freed. */
void admin_free(struct admin *a);

#endif
