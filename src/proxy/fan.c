#include "proxy/fan.h"

#include "proxy/relay.h"
#include "proxy/upstream.h"

static const struct call_handler from_provider;

/* The next part, if there is one.  False: out of memory. */
static bool start_next(struct request *r, struct attempt *a)
{
    struct fan *fan = a->fan;
    struct call_request out;
    if (fan->count + 1 >= fan->parts)
        return true;
    struct fan_call *f = &fan->calls[fan->count];
    f->attempt = a;
    f->part = fan->count + 1;
    if (!upstream_request(r, a, f->part, &out))
        return false;
    f->call = call_start(r->worker->options.caller, &a->target->provider->endpoint, &out, r->arena,
                         &from_provider, f);
    if (f->call)
        fan->count++;
    return f->call != NULL;
}

static void on_connected(void *arg)
{
    (void)arg; /* the attempt's clock is its own call's */
}

static void on_head(void *arg, const struct response_head *head)
{
    struct fan_call *f = arg;
    relay_on_part_head(f->attempt->request, f->part, head);
}

static void on_body(void *arg, struct slice bytes)
{
    struct fan_call *f = arg;
    relay_on_part_body(f->attempt->request, f->part, bytes);
}

static void on_end(void *arg)
{
    struct fan_call *f = arg;
    struct request *r = f->attempt->request;
    f->over = true;
    if (start_next(r, f->attempt))
        relay_on_part_end(r, f->part);
    else
        attempt_failed(r, ERR_NO_MEMORY, STR_NULL);
}

static void on_error(void *arg, enum err err, const char *why)
{
    struct fan_call *f = arg;
    f->over = true;
    attempt_failed(f->attempt->request, err, str_from_c(why));
}

static void on_drain(void *arg)
{
    (void)arg; /* nothing is uploaded piece by piece */
}

static const struct call_handler from_provider = {
    .on_connected = on_connected,
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_error = on_error,
    .on_drain = on_drain,
};

bool fan_start(struct request *r, struct attempt *a, unsigned count)
{
    a->fan = arena_zalloc(r->arena, sizeof(*a->fan) + count * sizeof(a->fan->calls[0]));
    if (!a->fan)
        return false;
    a->fan->parts = count;
    for (unsigned i = 0; i < FAN_AT_ONCE; i++)
        if (!start_next(r, a))
            return false;
    return true;
}

void fan_flow(struct attempt *a, bool flow)
{
    for (unsigned i = 0; a->fan && i < a->fan->count; i++)
        if (!a->fan->calls[i].over)
            call_flow(a->fan->calls[i].call, flow);
}

void fan_release(struct attempt *a)
{
    for (unsigned i = 0; a->fan && i < a->fan->count; i++)
        call_release(a->fan->calls[i].call);
    a->fan = NULL;
}
