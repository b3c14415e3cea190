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

static void add_text(struct json_write *w, str key, str value)
{
    if (value.len)
        json_write_member(w, key, value);
}

/* Milliseconds with three places. */
static void add_ms(struct json_write *w, str key, uint64_t us)
{
    char text[32];
    size_t at = sizeof(text);
    uint64_t whole = us / 1000, part = us % 1000;
    for (unsigned i = 0; i < 3; i++, part /= 10)
        text[--at] = (char)('0' + part % 10);
    text[--at] = '.';
    do {
        text[--at] = (char)('0' + whole % 10);
        whole /= 10;
    } while (whole);
    json_write_member_raw(w, key, str_make(text + at, sizeof(text) - at));
}

static void add_attempts(struct json_write *w, const struct request_record *r)
{
    json_write_key(w, STR("attempts"));
    json_write_array(w);
    for (unsigned i = 0; i < r->attempt_count; i++) {
        const struct attempt_record *a = &r->attempts[i];
        json_write_object(w);
        json_write_member(w, STR("provider"), a->provider);
        add_text(w, STR("model"), a->model);
        if (a->status)
            json_write_member_u64(w, STR("status"), (uint64_t)a->status);
        if (a->err)
            json_write_member(w, STR("error"), str_from_c(err_code(a->err)));
        add_ms(w, STR("ms"), a->duration_us);
        if (a->reused)
            json_write_member_raw(w, STR("reused"), STR("true"));
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

static void add_usage(struct json_write *w, const struct usage *u)
{
    static const str names[] = {STR_INIT("input"), STR_INIT("cached"), STR_INIT("cache_write"),
                                STR_INIT("output"), STR_INIT("reasoning")};
    const int64_t counts[] = {u->input, u->cached, u->cache_write, u->output, u->reasoning};
    if (!u->known)
        return;
    json_write_key(w, STR("tokens"));
    json_write_object(w);
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (counts[i] >= 0)
            json_write_member_u64(w, names[i], (uint64_t)counts[i]);
    if (u->clamped)
        json_write_member_raw(w, STR("clamped"), STR("true"));
    json_write_object_end(w);
}

static void add_who(struct json_write *w, const struct request_record *r)
{
    add_text(w, STR("request_id"), r->id);
    add_text(w, STR("trace_id"), r->trace_id);
    add_text(w, STR("client"), r->client_ip);
    add_text(w, STR("key"), r->key_name);
    add_text(w, STR("tenant"), r->tenant);
    add_text(w, STR("user"), r->user);
    add_text(w, STR("method"), r->method);
    add_text(w, STR("path"), str_first(r->path, PATH_MAX_SHOWN));
    add_text(w, STR("endpoint"), r->endpoint);
    add_text(w, STR("model"), r->model);
    add_text(w, STR("route"), r->route);
    add_text(w, STR("provider"), r->provider);
    add_text(w, STR("target"), r->target_model);
    json_write_key(w, STR("stream"));
    json_write_bool(w, r->stream);
}

static void add_end(struct json_write *w, const struct request_record *r)
{
    json_write_member_u64(w, STR("status"), (uint64_t)r->status);
    if (r->err) {
        json_write_member(w, STR("error"), str_from_c(err_code(r->err)));
        add_text(w, STR("detail"), str_first(r->err_detail, DETAIL_MAX));
    }
    if (r->client_gone)
        json_write_member_raw(w, STR("client_gone"), STR("true"));
    if (r->truncated)
        json_write_member_raw(w, STR("truncated"), STR("true"));
    add_text(w, STR("finish_reason"), r->finish_reason);
}

void access_log_json(struct buf *out, const struct request_record *r)
{
    struct json_write w;
    char date[DATE_RFC3339_LEN];
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member(&w, STR("time"), date_rfc3339(date, (int64_t)(r->wall_us / 1000)));
    json_write_member(&w, STR("level"), STR("info"));
    add_who(&w, r);
    add_end(&w, r);
    if (r->attempt_count)
        add_attempts(&w, r);
    add_usage(&w, &r->usage);
    add_ms(&w, STR("total_ms"), r->total_us);
    add_ms(&w, STR("own_ms"), r->overhead_us);
    if (r->attempt_count) {
        add_ms(&w, STR("queue_ms"), r->queue_us);
        add_ms(&w, STR("connect_ms"), r->connect_us);
        add_ms(&w, STR("upstream_ms"), r->upstream_us);
    }
    if (r->first_token_us)
        add_ms(&w, STR("first_token_ms"), r->first_token_us);
    json_write_member_u64(&w, STR("bytes_in"), r->bytes_in);
    json_write_member_u64(&w, STR("bytes_out"), r->bytes_out);
    if (r->events)
        json_write_member_u64(&w, STR("events"), r->events);
    if (r->metadata.len)
        json_write_member_raw(&w, STR("metadata"), r->metadata);
    add_text(&w, STR("user_agent"), str_first(r->user_agent, PATH_MAX_SHOWN));
    json_write_object_end(&w);
    buf_add_byte(out, '\n');
}

/* --- Text ----------------------------------------------------------------------------------- */

void access_log_text(struct buf *out, const struct request_record *r)
{
    char date[DATE_RFC3339_LEN];
    buf_add_str(out, date_rfc3339(date, (int64_t)(r->wall_us / 1000)));
    buf_printf(out, " %d %.*s %.*s", r->status, STR_ARG(r->method),
               STR_ARG(str_first(r->path, PATH_MAX_SHOWN)));
    if (r->model.len)
        buf_printf(out, " %.*s", STR_ARG(r->model));
    if (r->provider.len)
        buf_printf(out, " -> %.*s/%.*s", STR_ARG(r->provider), STR_ARG(r->target_model));
    buf_printf(out, " %.1f ms (own %.3f)", (double)r->total_us / 1e3, (double)r->overhead_us / 1e3);
    if (r->usage.known)
        buf_printf(out, " %lld+%lld tokens", (long long)r->usage.input, (long long)r->usage.output);
    if (r->err)
        buf_printf(out, " %s", err_code(r->err));
    if (r->key_name.len)
        buf_printf(out, " key=%.*s", STR_ARG(r->key_name));
    buf_printf(out, " %.*s\n", STR_ARG(r->id));
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
