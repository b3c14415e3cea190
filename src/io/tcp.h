/*
 * TCP and Unix sockets: listening, connecting, and the streams of both.
 */
#ifndef IO_TCP_H
#define IO_TCP_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/str.h"
#include "io/stream.h"

/* An address as bind() and connect() want it. */
struct address {
    socklen_t len;
    union {
        struct sockaddr any;
        struct sockaddr_in6 storage_in6;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    };
};

/* "127.0.0.1:8080", "[::]:8443", ":8080" (all addresses), "localhost:80" is not one (no DNS here),
 * "unix:/path" or "unix:@abstract". */
enum err address_parse(struct address *a, str text) must_check;

/* From "127.0.0.1" or "::1" and a port; false: it is neither. */
bool address_from_ip(struct address *a, str ip, uint16_t port) must_check;

/* Text of the IP (or "unix") without port, written to out; returns its str. */
str address_ip_text(const struct address *a, char out[64]);
uint16_t address_port(const struct address *a);          /* 0 for Unix sockets */
void address_set_port(struct address *a, uint16_t port); /* no-op for Unix sockets */
bool address_is_loopback(const struct address *a);

/* --- Listening.  Each worker has a listener of its own on a shared address (SO_REUSEPORT). */
struct listener;

/* Called for each accepted socket; the stream is the callee's. */
typedef void listener_accept_fn(void *arg, struct stream *s, const struct address *peer);

/* Unix sockets know no SO_REUSEPORT: workers share one by dup().
 *
 * A bound, listening, non-blocking descriptor, close-on-exec; -1 with errno.  Unix sockets: replaces
 * a dead socket file, refuses a live one; mode as given (0: umask decides). */
int listen_socket(const struct address *a, bool reuse_port, unsigned mode);

/* Takes over fd (closed by listener_close).  NULL: out of memory.
 * When descriptors run out (a few are kept back for upstream connections and logs) the listener
 * accepts and turns away some connections, and tries again after 100 ms; no spin. */
struct listener *listener_new(struct loop *l, int fd, listener_accept_fn *on_accept, void *arg);

/* What connections that are turned away are told before they are closed: static text, for plain HTTP
 * a whole 503 response.  Without it they are just closed. */
void listener_refuse_with(struct listener *s, str bytes);
uint64_t listener_refused(const struct listener *s); /* how many were turned away so far */

void listener_pause(struct listener *s);
void listener_resume(struct listener *s);
void listener_close(struct listener *s);

/* --- A stream over a connected socket that is here already (socketpair, an inherited one).  Takes
 * over fd; NULL: out of memory, fd was closed. */
struct stream *tcp_open(struct loop *l, int fd);

/* --- Connecting. */
struct connecting;

/* Exactly one of: a connected stream (the callee's), or an error (UPSTREAM_CONNECT…). */
typedef void connect_fn(void *arg, struct stream *s, enum err err);

/* Tries the n addresses by RFC 8305 (happy eyeballs): the next starts 250 ms after the last or at
 * its failure; the first to connect wins, the others are closed.  n >= 1.  NULL: out of memory.
 * keepalive_s: TCP keepalive, 0 = off.  TCP_NODELAY is always set. */
struct connecting *tcp_connect(struct loop *l, const struct address *addresses, unsigned n,
                               unsigned keepalive_s, connect_fn *on_connected, void *arg);

/* Before on_connected was called: no callback will come, sockets are closed now. */
void connecting_cancel(struct connecting *c);

#endif
