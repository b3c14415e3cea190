#include "proxy/relay_impl.h"

#include <pthread.h>

#include "llm/error_kind.h"
#include "llm/provider.h"

/* Taken apart once, whichever worker is first. */
static struct json_paths answer_paths;

static void paths_init(void)
{
    static const char *const texts[] = {"usage"};
    json_paths_init(&answer_paths, texts, ARRAY_LEN(texts));
}

static void scan_start(struct request *r)
{
    struct relay *y = r->relay;
    if (!relay_type_is(y->content_type, STR("application/json")))
        return;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, paths_init);
    y->scan = arena_alloc(r->arena, sizeof(*y->scan));
    if (y->scan)
        json_scan_init(y->scan, &answer_paths, 4096);
}

static void scan_feed(struct relay *y, str bytes)
{
    if (y->scan)
        json_scan_feed(y->scan, bytes);
}

/* The usage of an answer too long to hold, put into an object so that the dialect reads it. */
static void scan_finish(struct request *r)
{
    struct relay *y = r->relay;
    str usage = y->scan ? json_scan_found(y->scan, 0) : STR_NULL;
    if (str_is_null(usage))
        return;
    struct event_facts facts = {0};
    str body = arena_printf(r->arena, "{\"usage\":%.*s}", STR_ARG(usage));
    y->dialect->answer(body, &r->worker->scratch, &facts);
    relay_note_facts(r, &facts);
    arena_release(&r->worker->scratch);
}

void relay_pass_body(struct request *r, struct slice run)
{
    struct relay *y = r->relay;
    scan_feed(y, str_make(run.ptr, run.len));
    if (!chain_add(&y->out, run)) {
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
        return;
    }
    if (r->state == REQUEST_ANSWERING)
        relay_flush(r, NULL, false);
    else if (relay_begin_answer(r, y->content_length, false))
        attempt_arm(r);
}

void relay_hold_body(struct request *r, struct slice run)
{
    struct relay *y = r->relay;
    if (!chain_add(&y->out, run)) {
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
        return;
    }
    if (y->out.bytes <= RELAY_HOLD_MAX)
        return;
    y->mode = RELAY_PASS; /* too long to be held: what comes now goes on */
    scan_start(r);
    for (unsigned i = 0; i < y->out.count; i++)
        scan_feed(y, str_make(chain_at(&y->out, i).ptr, chain_at(&y->out, i).len));
    if (relay_begin_answer(r, y->content_length, false))
        attempt_arm(r);
}

/* The chain as one run; copied only when it is in several. */
static str held_text(struct request *r)
{
    struct relay *y = r->relay;
    struct slice front = chain_front(&y->out);
    if (front.len == y->out.bytes)
        return str_make(front.ptr ? front.ptr : "", front.len);
    char *copy = arena_alloc(r->arena, y->out.bytes + 1);
    if (!copy)
        return STR_NULL;
    chain_copy(&y->out, copy, y->out.bytes);
    return str_make(copy, y->out.bytes);
}

/* 204 and the like, where the API has an answer to give. */
static bool lacks_body(const struct request *r)
{
    return r->relay->no_body && endpoint_facts(r->kind)->body == ENDPOINT_BODY_JSON;
}

void relay_hold_end(struct request *r)
{
    struct relay *y = r->relay;
    uint64_t begun = loop_clock_us();
    str body = held_text(r);
    struct event_facts facts = {0};
    if (str_is_null(body)) {
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
        return;
    }
    if (!y->no_body) {
        y->dialect->answer(body, &r->worker->scratch, &facts);
        relay_note_facts(r, &facts);
        arena_release(&r->worker->scratch);
    }
    if (facts.error.len) { /* an error that calls itself a success */
        enum err err = relay_event_err(facts.error);
        relay_keep_error(r, err, facts.error);
        attempt_failed(r, err, error_kind(facts.error, r->arena));
        return;
    }
    if (facts.unreadable || lacks_body(r)) {
        attempt_failed(r, ERR_UPSTREAM_MALFORMED, STR("the answer is not JSON"));
        return;
    }
    int64_t length = y->no_body ? y->content_length : (int64_t)y->out.bytes;
    r->own_us += loop_clock_us() - begun;
    if (relay_begin_answer(r, length, true))
        relay_finish_well(r);
}

/* Framing by the end of the connection cannot tell a cut from an end; JSON can. */
static bool is_cut(const struct relay *y)
{
    return y->scan && json_scan_end(y->scan) == JSON_SCAN_INCOMPLETE;
}

void relay_pass_end(struct request *r)
{
    if (is_cut(r->relay)) {
        attempt_failed(r, ERR_UPSTREAM_TRUNCATED, STR("the answer's JSON is not complete"));
        return;
    }
    scan_finish(r);
    if (r->state == REQUEST_ANSWERING)
        relay_flush(r, NULL, true);
    else if (!relay_begin_answer(r, 0, true))
        return;
    relay_finish_well(r);
}

/* --- Errors of the provider ----------------------------------------------------------------------- */

void relay_error_body(struct request *r, struct slice run)
{
    struct relay *y = r->relay;
    size_t room = RELAY_ERROR_MAX - y->out.bytes;
    run.len = run.len < room ? run.len : room;
    if (!chain_add(&y->out, run))
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
    else if (y->out.bytes == RELAY_ERROR_MAX)
        relay_on_end(r); /* long enough to know what it says */
}

/* By the error's name where the provider gives one in a field, else by status and body. */
static enum err meaning_of(const struct provider *p, struct relay *y, str body)
{
    enum err err = y->error_name.len ? p->classify_name(&y->error_name) : ERR_NONE;
    return err ? err : provider_classify(p, y->status, body);
}

void relay_error_end(struct request *r)
{
    struct relay *y = r->relay;
    str body = held_text(r);
    enum err err = meaning_of(r->attempt->target->provider->provider, y, body);
    struct provider_error *e = arena_zalloc(r->arena, sizeof(*e));
    const struct translated *t = r->attempt->translated;
    if (e && !r->provider_error) {
        e->foreign = t != NULL;
        if (t && t->dialect->read_error)
            t->dialect->read_error(arena_str(r->arena, body), r->arena, &e->fault);
        if (!e->fault.type.len)
            e->fault.type = y->error_name;
        e->status = y->status;
        e->content_type = y->content_type;
        e->body = arena_str(r->arena, body);
        e->whole = y->out.bytes < RELAY_ERROR_MAX;
        r->provider_error = e;
    }
    r->attempt->retry_after = y->retry_after;
    if (!r->rec.retry_after.len)
        r->rec.retry_after = y->retry_after;
    str kind = error_kind(body, r->arena);
    if (!kind.len)
        kind = error_kind_words(y->error_name, STR_NULL, r->arena);
    attempt_failed(r, err, kind);
}
