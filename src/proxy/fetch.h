/*
 * Images and documents that a client names by address, for a target that takes only bytes: they are
 * fetched and stand in the chat as base64 afterwards.
 *
 * What a client may make us ask is narrow: https, a host whose addresses are all public (policy/
 * address_check.h) or in the operator's `fetch.networks`, checked after the name was resolved and
 * connected to as checked, again for each of at most three redirects; without any credential; up to a
 * size and a number, in a time.
 */
#ifndef PROXY_FETCH_H
#define PROXY_FETCH_H

#include "http/call.h"
#include "io/dns.h"
#include "llm/chat.h"
#include "proxy/gateway_conf.h"

struct fetch;

/* Names to addresses, as io/dns.h does it: on_answer is never called inside start(). */
struct fetch_names {
    void *(*start)(void *arg, str host, uint16_t port, dns_fn *on_answer, void *on_answer_arg);
    void (*cancel)(void *query); /* before on_answer */
    void *arg;
};

/* Those of a resolver. */
struct fetch_names fetch_names_of(struct resolver *r);

struct fetch_options {
    struct loop *loop;
    struct caller *caller;
    const struct fetch_names *names;
    const struct fetch_conf *conf;
    struct tls_context *tls_context;
    str user_agent;
    /* Once, never inside fetch_start().  fault->field null: all of them are there. */
    void (*on_done)(void *arg, const struct chat_fault *fault);
    void *arg;
};

/* Whether something in the chat is to be fetched. */
bool fetch_wanted(const struct chat *c);

/* Begins; c->arena holds what comes, and must outlive it.  NULL: *fault says why not (an address that
 * may not be asked, ERR_NO_MEMORY). */
struct fetch *fetch_start(const struct fetch_options *o, struct chat *c, struct chat_fault *fault);

/* Ends it in any state, also inside on_done.  NULL is fine. */
void fetch_release(struct fetch *f);

#endif
