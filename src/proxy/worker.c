#include "proxy/worker.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/recorder.h"
#include "proxy/answer.h"
#include "proxy/credentials.h"
#include "proxy/request.h"
#include "proxy/tokens.h"

struct worker *worker_new(const struct worker_options *o)
{
    struct worker *w = calloc(1, sizeof(*w));
    struct tokens *tokens = tokens_new(o->loop, o->caller, o->environment);
    if (!w || !tokens) {
        free(w);
        tokens_free(tokens);
        return NULL;
    }
    w->tokens = tokens;
    w->options = *o;
    w->loop = o->loop;
    list_init(&w->old_snapshots);
    list_init(&w->requests);
    list_init(&w->credentials);
    arena_init(&w->scratch, 0);
    int len =
        snprintf(w->user_agent_text, sizeof(w->user_agent_text), "llm-gateway/%s", o->version);
    w->user_agent = str_make(w->user_agent_text, (size_t)len);
    return w;
}

void worker_unpin(struct worker *w, struct pinned_snapshot *p)
{
    CHECK(p->pins > 0);
    if (--p->pins)
        return;
    CHECK(p != w->current);
    list_remove(&p->node);
    snapshot_unref(p->snapshot);
    free(p);
}

void worker_free(struct worker *w)
{
    CHECK(list_is_empty(&w->requests));
    struct pinned_snapshot *current = w->current;
    w->current = NULL;
    if (current)
        worker_unpin(w, current);
    credentials_release(w);
    tokens_free(w->tokens);
    arena_release(&w->scratch);
    free(w->balance);
    free(w);
}

/* Turns start anew with every configuration: targets may have moved. */
static void reset_balance(struct worker *w, const struct gateway_conf *conf)
{
    free(w->balance);
    w->balance = calloc(conf->model_count ? conf->model_count : 1, sizeof(*w->balance));
    w->balance_count = w->balance ? conf->model_count : 0;
}

void worker_set_snapshot(struct worker *w, struct snapshot *s)
{
    struct pinned_snapshot *p = calloc(1, sizeof(*p));
    struct pinned_snapshot *before = w->current;
    if (!p) { /* the old configuration goes on serving */
        snapshot_unref(s);
        return;
    }
    p->snapshot = s;
    p->pins = 1;
    list_init(&p->node);
    w->current = p;
    trace(TRACE_SNAPSHOT, 0, snapshot_conf(s)->version, 0);
    if (!before || snapshot_conf(before->snapshot) != snapshot_conf(s)) {
        reset_balance(w, snapshot_conf(s));
        tokens_retain(w->tokens, snapshot_conf(s));
    }
    if (before) {
        list_push(&w->old_snapshots, &before->node);
        worker_unpin(w, before);
    }
}

void worker_on_exchange(void *worker, struct exchange *ex)
{
    request_begin(worker, ex);
}

str worker_on_refused(void *worker, struct arena *a, enum err why, const char *reason, str target,
                      const struct address *peer)
{
    struct worker *w = worker;
    struct buf body;
    str message = arena_printf(a, "%s%s%s", err_facts(why)->help, reason && *reason ? " " : "",
                               reason ? reason : "");
    buf_init(&body, 0);
    answer_error_body(&body, why, message, STR_NULL);
    str text = body.failed ? STR_NULL : arena_str(a, buf_str(&body));
    buf_release(&body);
    char ip[64];
    struct request_record rec = {
        .wall_us = loop_wall_us(),
        .path = str_split(&target, '?'), /* the query may hold the client's key */
        .endpoint = STR(""),
        .route = STR(""),
        .client_ip = address_ip_text(peer, ip),
        .protocol = "http/1.1",
        .status = err_facts(why)->status,
        .err = why,
        .err_detail = message,
    };
    if (w->options.on_finish)
        w->options.on_finish(w->options.arg, &rec);
    return text;
}

void worker_end_all(struct worker *w, enum err why)
{
    struct list *node;
    while ((node = w->requests.next) != &w->requests)
        request_cancel(LIST_ENTRY(node, struct request, node), why);
}

struct worker_stats *worker_stats(struct worker *w)
{
    return &w->stats;
}
