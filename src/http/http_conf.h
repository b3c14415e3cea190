/*
 * Settings of serving and calling.  Filled from the configuration's option tables (src/app), immutable
 * afterwards; durations in milliseconds, sizes in bytes.
 */
#ifndef HTTP_HTTP_CONF_H
#define HTTP_HTTP_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* `server:` */
struct server_conf {
    unsigned max_connections; /* all workers together */
    uint64_t
        max_body; /* decoded bytes of a body that is held (JSON); streamed ones are not limited */
    uint64_t max_upload;  /* bytes of a streamed body (multipart, binary); 0: no limit */
    unsigned max_header;  /* bytes of a head */
    unsigned max_headers; /* fields of a head */
    uint64_t header_timeout_ms, body_timeout_ms, idle_timeout_ms, drain_timeout_ms;
    uint64_t keepalive_comment_ms; /* 0: none */
    uint64_t client_stall_ms;
    uint64_t stream_buffer; /* bytes waiting for a slow client before the upstream is paused */
    bool half_close;        /* true: a FIN after the whole request does not cancel it */
};

/* A provider's `pool:`.  Limits are for all workers together; each has its share, at least one. */
struct pool_conf {
    unsigned max_connections; /* 0: no limit */
    unsigned max_idle;
    unsigned queue;                                         /* requests waiting for a connection */
    uint64_t queue_timeout_ms, idle_timeout_ms, max_age_ms; /* max_age 0: none */
    uint64_t keepalive_ms;                                  /* TCP keepalive, 0: off */
};

/* A provider's `timeouts:`, or `defaults.timeouts`. */
struct timeouts_conf {
    uint64_t connect_ms, first_byte_ms, idle_ms, total_ms;
};

#endif
