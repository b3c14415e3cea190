#include "ops/access_log.h"

#include <stdlib.h>

#include "base/buf.h"
#include "wire/date.h"
#include "wire/json_write.h"

enum { DETAIL_MAX = 500, PATH_MAX_SHOWN = 256 };

struct access_log {
    struct log_file *file;
    bool json;
    struct buf line;
};

struct access_log *access_log_new(struct log_file *f, bool json)
{
    struct access_log *l = calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    l->file = f;
    l->json = json;
    buf_init(&l->line, 0);
    return l;
}

void access_log_free(struct access_log *l)
{
    if (!l)
        return;
    buf_release(&l->line);
    free(l);
}

/* --- JSON ----------------------------------------------------------------------------------- */

/* Written by hand rather than with json_write: names are literals that need no escaping, and this
 * line is made for every request. */
#define NAME(out, name) buf_add_lit((out), ",\"" name "\":")

/* Most values are plain ASCII; anything else goes the careful way. */
static bool is_plain(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
            return false;
    }
    return true;
}

static void add_string(struct buf *out, str value)
{
    buf_add_byte(out, '"');
    if (is_plain(value))
        buf_add_str(out, value);
    else
        json_escape(out, value);
    buf_add_byte(out, '"');
}

#define TEXT(out, name, value)                                                                     \
    do {                                                                                           \
        str text_ = (value);                                                                       \
        if (text_.len) {                                                                           \
            NAME(out, name);                                                                       \
            add_string((out), text_);                                                              \
        }                                                                                          \
    } while (0)

#define NUMBER(out, name, value)                                                                   \
    do {                                                                                           \
        NAME(out, name);                                                                           \
        buf_add_u64((out), (value));                                                               \
    } while (0)

/* Microseconds as milliseconds with three places. */
static void add_ms(struct buf *out, uint64_t us)
{
    char places[4] = {'.', (char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10),
                      (char)('0' + us % 10)};
    buf_add_u64(out, us / 1000);
    buf_add(out, places, sizeof(places));
}

#define MS(out, name, us)                                                                          \
    do {                                                                                           \
        NAME(out, name);                                                                           \
        add_ms((out), (us));                                                                       \
    } while (0)

static void add_attempts(struct buf *out, const struct request_record *r)
{
    NAME(out, "attempts");
    for (unsigned i = 0; i < r->attempt_count; i++) {
        const struct attempt_record *a = &r->attempts[i];
        buf_add_byte(out, i ? ',' : '[');
        buf_add_lit(out, "{\"provider\":");
        add_string(out, a->provider);
        TEXT(out, "model", a->model);
        if (a->status)
            NUMBER(out, "status", (uint64_t)a->status);
        if (a->err)
            TEXT(out, "error", str_from_c(err_code(a->err)));
        MS(out, "ms", a->duration_us);
        if (a->reused)
            buf_add_lit(out, ",\"reused\":true");
        buf_add_byte(out, '}');
    }
    buf_add_byte(out, ']');
}

static void add_usage(struct buf *out, const struct usage *u)
{
    if (!u->known)
        return;
    buf_add_lit(out, ",\"tokens\":{\"input\":");
    buf_add_u64(out, u->input >= 0 ? (uint64_t)u->input : 0);
    if (u->cached >= 0)
        NUMBER(out, "cached", (uint64_t)u->cached);
    if (u->cache_write >= 0)
        NUMBER(out, "cache_write", (uint64_t)u->cache_write);
    if (u->output >= 0)
        NUMBER(out, "output", (uint64_t)u->output);
    if (u->reasoning >= 0)
        NUMBER(out, "reasoning", (uint64_t)u->reasoning);
    if (u->clamped)
        buf_add_lit(out, ",\"clamped\":true");
    buf_add_byte(out, '}');
}

static void add_who(struct buf *out, const struct request_record *r)
{
    TEXT(out, "request_id", r->id);
    TEXT(out, "trace_id", r->trace_id);
    TEXT(out, "client", r->client_ip);
    TEXT(out, "key", r->key_name);
    TEXT(out, "tenant", r->tenant);
    TEXT(out, "user", r->user);
    TEXT(out, "method", r->method);
    TEXT(out, "path", str_first(r->path, PATH_MAX_SHOWN));
    TEXT(out, "endpoint", r->endpoint);
    TEXT(out, "model", r->model);
    TEXT(out, "route", r->route);
    TEXT(out, "provider", r->provider);
    TEXT(out, "target", r->target_model);
    NAME(out, "stream");
    buf_add_str(out, r->stream ? STR("true") : STR("false"));
}

static void add_end(struct buf *out, const struct request_record *r)
{
    NUMBER(out, "status", (uint64_t)r->status);
    if (r->err) {
        TEXT(out, "error", str_from_c(err_code(r->err)));
        TEXT(out, "detail", str_first(r->err_detail, DETAIL_MAX));
    }
    if (r->client_gone)
        buf_add_lit(out, ",\"client_gone\":true");
    if (r->truncated)
        buf_add_lit(out, ",\"truncated\":true");
    TEXT(out, "finish_reason", r->finish_reason);
}

static void add_durations(struct buf *out, const struct request_record *r)
{
    MS(out, "total_ms", r->total_us);
    MS(out, "own_ms", r->overhead_us);
    if (r->attempt_count) {
        MS(out, "queue_ms", r->queue_us);
        MS(out, "connect_ms", r->connect_us);
        MS(out, "upstream_ms", r->upstream_us);
    }
    if (r->first_token_us)
        MS(out, "first_token_ms", r->first_token_us);
}

void access_log_json(struct buf *out, const struct request_record *r)
{
    char date[DATE_RFC3339_LEN];
    buf_add_lit(out, "{\"time\":\"");
    buf_add_str(out, date_rfc3339(date, (int64_t)(r->wall_us / 1000)));
    buf_add_lit(out, "\",\"level\":\"info\"");
    add_who(out, r);
    add_end(out, r);
    if (r->attempt_count)
        add_attempts(out, r);
    add_usage(out, &r->usage);
    add_durations(out, r);
    NUMBER(out, "bytes_in", r->bytes_in);
    NUMBER(out, "bytes_out", r->bytes_out);
    if (r->events)
        NUMBER(out, "events", r->events);
    if (r->metadata.len) {
        NAME(out, "metadata");
        buf_add_str(out, r->metadata); /* checked to be JSON when it came */
    }
    TEXT(out, "user_agent", str_first(r->user_agent, PATH_MAX_SHOWN));
    buf_add_lit(out, "}\n");
}

/* --- Text ----------------------------------------------------------------------------------- */

/* Names that clients and providers choose must neither end the line nor steer a terminal. */
static void blunt_controls(char *at, const char *end)
{
    for (; at < end; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
}

static unsigned long long tokens(int64_t count)
{
    return count > 0 ? (unsigned long long)count : 0;
}

void access_log_text(struct buf *out, const struct request_record *r)
{
    char date[DATE_RFC3339_LEN];
    size_t begin = out->len;
    buf_add_str(out, date_rfc3339(date, (int64_t)(r->wall_us / 1000)));
    buf_printf(out, " %d %.*s %.*s", r->status, STR_ARG(r->method),
               STR_ARG(str_first(r->path, PATH_MAX_SHOWN)));
    if (r->model.len)
        buf_printf(out, " %.*s", STR_ARG(r->model));
    if (r->provider.len)
        buf_printf(out, " -> %.*s/%.*s", STR_ARG(r->provider), STR_ARG(r->target_model));
    buf_printf(out, " %.1f ms (own %.3f)", (double)r->total_us / 1e3, (double)r->overhead_us / 1e3);
    if (r->usage.known)
        buf_printf(out, " %llu+%llu tokens", tokens(r->usage.input), tokens(r->usage.output));
    if (r->err)
        buf_printf(out, " %s", err_code(r->err));
    if (r->key_name.len)
        buf_printf(out, " key=%.*s", STR_ARG(r->key_name));
    buf_printf(out, " %.*s", STR_ARG(r->id));
    if (out->len > begin)
        blunt_controls(out->ptr + begin, out->ptr + out->len);
    buf_add_byte(out, '\n');
}

void access_log_write(struct access_log *l, const struct request_record *r)
{
    buf_clear(&l->line);
    if (l->json)
        access_log_json(&l->line, r);
    else
        access_log_text(&l->line, r);
    if (!l->line.failed)
        log_file_write(l->file, buf_str(&l->line));
}
