#include "proxy/ask.h"

struct ask {
    struct ask_options options;
    struct arena *arena;
    struct call *call;
    struct timer timer;
    struct buf body;
    struct ask_answer answer;
};

static void done(struct ask *k, enum err err, const char *why)
{
    timer_stop(&k->timer);
    call_release(k->call);
    k->call = NULL;
    k->answer.err = err;
    k->answer.why = why;
    k->answer.body = buf_str(&k->body);
    k->options.on_done(k->options.arg, &k->answer);
}

static void on_connected(void *arg)
{
    (void)arg;
}

static void on_head(void *arg, const struct response_head *head)
{
    struct ask *k = arg;
    k->answer.status = head->status;
    k->answer.content_type = arena_str(k->arena, head_known(&head->headers, HEADER_CONTENT_TYPE));
    k->answer.location = arena_str(k->arena, head_known(&head->headers, HEADER_LOCATION));
    if (head->content_length > 0 && (uint64_t)head->content_length > k->options.body_max)
        done(k, ERR_UPSTREAM_TOO_LARGE, "the answer is too large");
}

static void on_body(void *arg, struct slice bytes)
{
    struct ask *k = arg;
    buf_add(&k->body, bytes.ptr, bytes.len);
    if (k->body.failed)
        done(k, ERR_UPSTREAM_TOO_LARGE, "the answer is too large");
}

static void on_end(void *arg)
{
    done(arg, ERR_NONE, NULL);
}

static void on_error(void *arg, enum err err, const char *why)
{
    struct ask *k = arg;
    done(k, err, arena_printf(k->arena, "%s", why && *why ? why : err_code(err)).ptr);
}

static void on_drain(void *arg)
{
    (void)arg; /* the body is given whole */
}

static void on_timer(void *arg)
{
    done(arg, ERR_TOTAL_TIMEOUT, "no answer in time");
}

static const struct call_handler handler = {
    .on_connected = on_connected,
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_error = on_error,
    .on_drain = on_drain,
};

struct ask *ask_start(const struct ask_options *o, struct arena *a)
{
    struct ask *k = arena_zalloc(a, sizeof(*k));
    struct slice *body = arena_zalloc(a, sizeof(*body));
    if (!k || !body)
        return NULL;
    k->options = *o;
    k->arena = a;
    buf_init(&k->body, o->body_max);
    timer_init(&k->timer, on_timer, k);
    *body = SLICE_BORROWED(o->body);
    struct call_request request = {.head = o->head,
                                   .content_length = (int64_t)o->body.len,
                                   .body = body,
                                   .body_count = o->body.len ? 1 : 0};
    k->call = call_start(o->caller, o->endpoint, &request, a, &handler, k);
    if (!k->call)
        return NULL;
    timer_start(o->loop, &k->timer, o->timeout_ms);
    return k;
}

void ask_release(struct ask *k)
{
    if (!k)
        return;
    timer_stop(&k->timer);
    if (k->call)
        call_release(k->call);
    k->call = NULL;
    buf_wipe(&k->body);
}
