#include "llm/call_order.h"

#include <stdlib.h>

/* A call that was opened while another streamed. */
struct waiting_call {
    struct waiting_call *next;
    struct buf name, id, opaque, arguments;
    struct chat_event ev; /* its opening; texts point into the buffers */
};

void call_order_init(struct call_order *o, const struct chat_sink *to)
{
    *o = (struct call_order){.to = *to};
}

static void waiting_free(struct waiting_call *w)
{
    buf_release(&w->name);
    buf_release(&w->id);
    buf_release(&w->opaque);
    buf_release(&w->arguments);
    free(w);
}

void call_order_release(struct call_order *o)
{
    while (o->waiting) {
        struct waiting_call *w = o->waiting;
        o->waiting = w->next;
        waiting_free(w);
    }
}

static str keep(struct buf *b, str text)
{
    buf_init(b, 0);
    if (str_is_null(text))
        return STR_NULL;
    buf_add_str(b, text);
    return buf_str(b);
}

static void wait(struct call_order *o, const struct chat_event *ev)
{
    struct waiting_call *w = calloc(1, sizeof(*w)), **end = &o->waiting;
    if (!w) {
        o->failed = true;
        return;
    }
    w->ev = *ev;
    w->ev.name = keep(&w->name, ev->name);
    w->ev.id = keep(&w->id, ev->id);
    w->ev.opaque = keep(&w->opaque, ev->opaque);
    w->ev.item_id = STR_NULL;
    buf_init(&w->arguments, 0);
    o->failed = o->failed || w->name.failed || w->id.failed || w->opaque.failed;
    while (*end)
        end = &(*end)->next;
    *end = w;
}

static struct waiting_call *find(const struct call_order *o, const struct chat_event *ev)
{
    for (struct waiting_call *w = o->waiting; w; w = w->next)
        if (w->ev.call == ev->call && w->ev.choice == ev->choice)
            return w;
    return NULL;
}

/* Those that waited come whole, in the order of their opening. */
static void flush(struct call_order *o)
{
    o->open = false;
    while (o->waiting) {
        struct waiting_call *w = o->waiting;
        o->waiting = w->next;
        chat_emit(&o->to, &w->ev);
        if (w->arguments.len)
            chat_emit(&o->to, &(struct chat_event){.kind = CHAT_CALL_ARGUMENTS,
                                                   .choice = w->ev.choice,
                                                   .call = w->ev.call,
                                                   .text = {buf_str(&w->arguments)}});
        waiting_free(w);
    }
}

static void take_arguments(struct call_order *o, const struct chat_event *ev)
{
    struct waiting_call *w = find(o, ev);
    if (!w) {
        chat_emit(&o->to, ev);
        return;
    }
    buf_add_str(&w->arguments, ev->text.s);
    o->failed = o->failed || w->arguments.failed;
}

void call_order_take(void *order, const struct chat_event *ev)
{
    struct call_order *o = order;
    switch (ev->kind) {
    case CHAT_CALL:
        if (o->open) {
            wait(o, ev);
            return;
        }
        o->open = true;
        o->call = ev->call;
        break;
    case CHAT_CALL_ARGUMENTS:
        take_arguments(o, ev);
        return;
    case CHAT_USAGE: /* says nothing of the order */
    case CHAT_START:
        break;
    default:
        flush(o);
        break;
    }
    chat_emit(&o->to, ev);
}
