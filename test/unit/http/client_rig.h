/*
 * For tests of the caller: a loop, a client, a provider that the test plays itself on the same loop
 * and over real sockets, and calls that remember what they were told.
 */
#ifndef UNIT_HTTP_CLIENT_RIG_H
#define UNIT_HTTP_CLIENT_RIG_H

#include "support/test.h"

#include "base/buf.h"
#include "http/client.h"
#include "io/tcp.h"

enum { PROVIDER_CONNECTIONS = 256, CALL_BODY_MAX = 8 };

struct provider;

/* A connection as the provider sees it. */
struct line {
    struct provider *provider;
    struct stream *stream; /* NULL: closed by us, or in its handshake */
    struct tls_handshake *handshake;
    struct buf got; /* all that came; what was answered by itself is taken out */
    bool ended;     /* the gateway closed it */
    enum err why;
    unsigned requests; /* answered by itself */
};

struct provider {
    struct loop *loop;
    struct listener *listener;
    uint16_t port;
    struct tls_context *tls; /* given by the test; it owns it */
    bool plain_first;        /* TLS begins only with line_secure() */
    struct line lines[PROVIDER_CONNECTIONS];
    unsigned count; /* connections that ever came */
    str answer;     /* sent for each whole request, when not null */
    void (*on_request)(struct line *l, str head, str body); /* or this is called */
    void *arg;
};

struct rig {
    struct loop *loop;
    struct resolver *resolver;
    struct client *client;
    struct provider provider;
    struct endpoint endpoint; /* of the provider; change it before the first call */
    char authority[32];
    size_t chunks; /* alive when it was opened */
};

void rig_open(struct rig *r);
void rig_open_with(struct rig *r, unsigned workers);
/* Checks that nothing is left: connections, chunks. */
void rig_close(struct rig *r);
/* A second provider in the same loop. */
void provider_open(struct provider *p, struct loop *l);
void provider_open_unix(struct provider *p, struct loop *l, const char *path);
void provider_close(struct provider *p);

void line_say(struct line *l, str bytes);
void line_close(struct line *l);
void line_reset(struct line *l);
void line_secure(struct line *l); /* the provider's TLS from now on */

/* One call and what it was told. */
struct heard {
    struct rig *rig;
    struct call *call;
    struct arena arena;
    size_t budget; /* of the arena, 0: none */
    struct request_head head;
    unsigned connected, heads, ends, errors, drains, bodies;
    int status;
    enum err err;
    char why[160];
    char field[64]; /* value of x-test in the answer's head */
    struct buf body;
    unsigned order;            /* the how-manieth of all calls to end */
    struct call_timing timing; /* at its end */
    /* What to do from inside callbacks. */
    bool release_on_connected, release_on_head, release_on_body, release_on_end, pause_on_head;
    void (*on_end)(struct heard *h);
};

/* POST /v1/chat/completions with that body, whole. */
void call_post(struct rig *r, struct heard *h, str body);
void call_post_slices(struct rig *r, struct heard *h, const struct slice *v, unsigned n);
/* With the body to come by call_write; length -1: chunked. */
void call_upload(struct rig *r, struct heard *h, int64_t length, str first);
void call_get(struct rig *r, struct heard *h);
/* NULL: out of memory, as call_start() says. */
struct call *call_try(struct rig *r, struct heard *h, const struct slice *v, unsigned n);
/* Releases the call unless it is, and what was kept. */
void call_done(struct heard *h);
bool call_over(const struct heard *h);

/* Turns the loop until the condition holds; fails the test after five seconds. */
#define TURN_UNTIL(rig, condition)                                                                 \
    do {                                                                                           \
        uint64_t limit_ = loop_clock_us() + 5000000;                                               \
        while (!(condition)) {                                                                     \
            if (loop_clock_us() > limit_)                                                          \
                EXPECT_FAIL("never became true: %s", #condition);                                  \
            rig_turn(rig);                                                                         \
        }                                                                                          \
    } while (0)

/*
 * Something must have happened within so many milliseconds of the loop's own time.  The bound is a
 * timer of the same loop, which looks when it fires; so it is the order of two events that is tested,
 * and a machine that stands still for a second moves both.
 */
struct bound {
    struct timer timer;
    struct deferred look; /* what else is due in this turn is told first */
    struct loop *loop;
    bool (*happened)(const void *arg);
    const void *arg;
    bool missed;
};

void bound_start(struct bound *b, struct rig *r, unsigned ms, bool (*happened)(const void *arg),
                 const void *arg);
/* For `happened`: the call (struct heard) was told an error. */
bool call_has_failed(const void *heard);
/* Ends it; true: the bound was kept. */
bool bound_kept(struct bound *b);

void rig_turn(struct rig *r);
void rig_turn_ms(struct rig *r, unsigned ms);

#define OK_HEAD(length) "HTTP/1.1 200 OK\r\nContent-Length: " #length "\r\n\r\n"

#endif
