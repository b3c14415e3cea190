/*
 * A stand-in for every provider: answers their APIs (mock_api.def) natively with made-up text, judges
 * what it gets by the vendor's rules, and fails on demand.  For users who rehearse failures, for our
 * tests and load runs; never the proof of a format.
 *
 * Faults for one request come in its fields and override the options:
 *   x-mock-latency: 250ms    x-mock-ttft: 1s      x-mock-token-rate: 20    x-mock-tokens: 100
 *   x-mock-fail: 503         x-mock-cut-after: 5  x-mock-stall-after: 5    x-mock-garbage: 1
 *   x-mock-header-flood: 1   x-mock-tool: 2 (two calls of the tools)
 *   x-mock-error-after: 5    x-mock-cache: hit
 *   x-mock-numbered: 1 (tokens are tok0, tok1, ...)
 * or after the model's name ("mock-gpt?tokens=100&fail=503"), so that they pass through a gateway.
 */
#ifndef APP_MOCK_H
#define APP_MOCK_H

#include "http/server.h"

struct mock;

struct mock_options {
    uint64_t latency_ms; /* before the head */
    uint64_t ttft_ms;    /* from the head to the first token (streams), added to latency */
    double token_rate;   /* tokens a second in streams; 0: all at once */
    unsigned tokens;     /* in an answer; 0: 16 */
    double fail_rate;    /* 0..1 of requests get fail_status */
    unsigned fail_status;
    unsigned cut_after;   /* events, or hundreds of bytes of a buffered answer, then the connection
                              breaks; 0: never */
    unsigned stall_after; /* the same, then silence; 0: never */
    unsigned error_after; /* events, then the vendor's error in the stream; 0: never */
    bool garbage;         /* answers that are not what they say */
    bool header_flood;    /* an endless head */
};

/* NULL: out of memory. */
struct mock *mock_new(struct loop *l, const struct mock_options *o);

/* Serves fd (taken over). */
bool mock_listen(struct mock *m, int fd);

/* Closes everything; the loop must turn after it. */
void mock_free(struct mock *m);

#endif
