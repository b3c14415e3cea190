/*
 * HTTP/1.1 and 1.0 messages: reading them strictly, writing their heads.  No I/O: bytes come in runs
 * cut anywhere, steps come out.
 *
 *     http1_parser_init(&p, HTTP1_REQUESTS, &limits);
 *     ...for each run of bytes read, `str bytes`:
 *     for (;;) {
 *         struct http1_out out;
 *         switch (http1_step(&p, &bytes, arena, &out)) {
 *         case HTTP1_NEED_MORE: return;             // bytes.len == 0, all was taken
 *         case HTTP1_HEAD:      out.request ...     // or out.response
 *         case HTTP1_BODY:      out.body ...        // a run inside the caller's bytes
 *         case HTTP1_END:       ...                 // what is left in `bytes` is the next message
 *         case HTTP1_PREFACE:   ...                 // this client speaks HTTP/2
 *         case HTTP1_ERROR:     p.err, p.reason     // answer and close; every later step says so too
 *         }
 *     }
 *
 * A step takes what it used off the front of *bytes.  Every message makes HEAD, BODY (none or
 * many), END.  After END the parser is between messages and waits for the caller's next step, so
 * pipelining is the caller simply not asking.  HEAD and END may come with *bytes empty.
 *
 * Anything RFC 9112 lets two readers understand differently is an error: content-length together
 * with transfer-encoding, several lengths (also equal ones), any transfer-encoding but "chunked",
 * transfer-encoding in 1.0, bare CR or LF, folded lines, blanks around names, control bytes, bad
 * chunk sizes, several or missing Host, user info, CONNECT.  llhttp (strict) reads the head too:
 * what either refuses is refused.
 *
 * Memory: a head is copied once, into the arena, so nothing of it points into the caller's bytes; a
 * head that arrives in pieces is gathered in the parser's own buffer, bounded by the limits and
 * given back when the head is complete.  One thread, one connection.
 */
#ifndef WIRE_HTTP1_H
#define WIRE_HTTP1_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/chunked.h"
#include "wire/head.h"

enum http1_kind { HTTP1_REQUESTS, HTTP1_RESPONSES };

struct http1_limits {
    uint32_t head_bytes;   /* start line to empty line, inclusive; also bounds trailers */
    uint32_t header_count; /* header fields, trailer fields separately */
    uint32_t target_bytes; /* of a request's target */
};

#define HTTP1_LIMITS_DEFAULT                                                                       \
    ((struct http1_limits){.head_bytes = 65536, .header_count = 100, .target_bytes = 8192})

enum {
    HTTP1_INTERIM_MAX = 8, /* 1xx answers skipped before one answer; more is an error */
    HTTP1_CHUNK_PREFIX_MAX = 18,
};

enum http1_step {
    HTTP1_NEED_MORE,
    HTTP1_HEAD,
    HTTP1_BODY,
    HTTP1_END,
    HTTP1_PREFACE, /* HTTP1_PREFACE_TEXT was taken as the very first bytes; the parser is done */
    HTTP1_ERROR,
};

/* The part of the HTTP/2 preface that HTTP1_PREFACE took ("SM\r\n\r\n" is still in the bytes). */
#define HTTP1_PREFACE_TEXT "PRI * HTTP/2.0\r\n\r\n"

struct http1_out {
    struct request_head *request;   /* HEAD of HTTP1_REQUESTS, in the arena */
    struct response_head *response; /* HEAD of HTTP1_RESPONSES, in the arena */
    str body;                       /* BODY, at least one byte, borrowed from *bytes */
};

enum http1_state {
    HTTP1_STATE_START, /* between messages: no byte of the next one was seen */
    HTTP1_STATE_HEAD,  /* inside a head */
    HTTP1_STATE_LENGTH,
    HTTP1_STATE_CHUNKED,
    HTTP1_STATE_UNTIL_EOF, /* the body of an answer that ends with the connection */
    HTTP1_STATE_DONE,      /* END is still to be told */
    HTTP1_STATE_PREFACE,
    HTTP1_STATE_FAILED,
};

/* Caller's storage; read err, reason and state, leave the rest alone. */
struct http1_parser {
    enum http1_state state;
    enum err err;
    const char *reason; /* static text for the log and the client, in words */

    enum http1_kind kind;
    struct http1_limits limits;
    struct buf head;        /* a head that arrives in pieces */
    size_t line_start;      /* scanner: where the current line begins, from the start of the head */
    size_t scanned;         /* scanner: bytes looked at */
    uint32_t lines;         /* scanner: complete lines */
    uint64_t body_left;     /* LENGTH */
    struct chunked chunked; /* CHUNKED */
    enum method asked;      /* RESPONSES: method of the request that waits for its answer */
    bool expected;          /* RESPONSES: one does wait */
    bool skipped_empty;     /* REQUESTS: the one empty line allowed before a request was seen */
    bool any_message;       /* a message was completed on this connection */
    uint8_t interim;        /* RESPONSES: 1xx seen for this answer */
};

/* limits NULL: the default. */
void http1_parser_init(struct http1_parser *p, enum http1_kind kind,
                       const struct http1_limits *limits);
void http1_parser_release(struct http1_parser *p);

/* RESPONSES: a request with that method was sent, its answer comes next.  Once per request, between
 * messages.  Bytes that come when no answer is expected are an error (an answer to nobody must never
 * become the next caller's). */
void http1_expect(struct http1_parser *p, enum method method);

/* See above.  arena: used for HEAD only.  out: what the step's name says, the rest is zero. */
enum http1_step http1_step(struct http1_parser *p, str *bytes, struct arena *arena,
                           struct http1_out *out) must_check;

/*
 * The peer closed its side, and all bytes were given to http1_step.
 *   ERR_NONE                a body that ends with the connection is complete (END will not come)
 *   ERR_EOF                 between messages: nothing was lost
 *   ERR_UPSTREAM_RESET      RESPONSES: an answer was expected, and no byte of it came
 *   ERR_UPSTREAM_TRUNCATED  RESPONSES: cut inside an answer
 *   ERR_CLIENT_GONE         REQUESTS: cut inside a request
 */
enum err http1_eof(const struct http1_parser *p) must_check;

/* No byte of a message has been seen since the last END (or the start). */
static inline bool http1_is_idle(const struct http1_parser *p)
{
    return p->state == HTTP1_STATE_START;
}

/*
 * Writers.  They append to `out` and on error leave it as it was:
 *   ERR_HEADER_INVALID  a name, value, method, target or authority holds bytes that could end a line
 *   ERR_NO_MEMORY       out->failed
 * Framing is always generated from the fields (content_length, chunked, keep_alive); headers that
 * header_is_hop_by_hop() names, host, content-length and date are skipped in the list.
 */

/* METHOD target HTTP/1.1, host from r->authority; the target is r->target. A body is announced by
 * content_length >= 0 or chunked; `expect` and `connection: close` by their fields. */
enum err http1_write_request_head(struct buf *out, const struct request_head *r) must_check;

/* HTTP/1.1 status line (reason: r->reason, or the usual one when empty), date when not null, framing:
 * content-length when >= 0, else chunked, else `connection: close` and the body ends with the
 * connection.  r->no_body: content-length is written as given (HEAD), never invented.  `connection:`
 * is written as `close` when !keep_alive, and as `keep-alive` for a 1.0 client (r->version). */
enum err http1_write_response_head(struct buf *out, const struct response_head *r,
                                   str date) must_check;

/* "HTTP/1.1 100 Continue\r\n\r\n" */
#define HTTP1_CONTINUE STR("HTTP/1.1 100 Continue\r\n\r\n")

/* The bytes before a chunk of `len` > 0 bytes ("1f\r\n"); returns how many were written. After the
 * chunk comes HTTP1_CHUNK_END, after the last one HTTP1_CHUNK_LAST. */
size_t http1_chunk_prefix(char out[static HTTP1_CHUNK_PREFIX_MAX], size_t len);
#define HTTP1_CHUNK_END STR("\r\n")
#define HTTP1_CHUNK_LAST STR("0\r\n\r\n")

#endif
