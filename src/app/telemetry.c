#include "app/telemetry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

struct telemetry {
    struct log_file *messages;
    uint64_t version;
};

static bool is_json(const struct gateway_conf *conf, const struct log_file *f)
{
    return conf->log.format == LOG_FORMAT_JSON ||
           (conf->log.format == LOG_FORMAT_AUTO && !log_file_is_terminal(f));
}

struct telemetry *telemetry_new(const struct gateway_conf *conf, char *why, size_t size)
{
    struct telemetry *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->messages = log_file_open(conf->log.file.ptr);
    if (!t->messages) {
        snprintf(why, size, "log.file: cannot open %.*s: %s", STR_ARG(conf->log.file),
                 strerror(errno));
        free(t);
        return NULL;
    }
    telemetry_configure(t, conf);
    return t;
}

void telemetry_hook(struct telemetry *t, struct worker_options *o)
{
    (void)t, (void)o;
}

void telemetry_add_worker(struct telemetry *t, struct worker_thread *w)
{
    (void)t, (void)w;
}

void telemetry_configure(struct telemetry *t, const struct gateway_conf *conf)
{
    log_set_level((enum log_level)conf->log.level);
    log_start(t->messages, is_json(conf, t->messages));
}

void telemetry_reloaded(struct telemetry *t, bool ok, uint64_t version)
{
    (void)ok;
    t->version = version;
}

void telemetry_reopen(struct telemetry *t)
{
    log_file_reopen(t->messages);
}

void telemetry_metrics_page(struct telemetry *t, const struct request_head *head, struct arena *a,
                            struct local_answer *out)
{
    (void)t, (void)head, (void)a;
    out->status = 404;
}

void telemetry_free(struct telemetry *t)
{
    if (!t)
        return;
    log_stop();
    log_file_close(t->messages);
    free(t);
}
