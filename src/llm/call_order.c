#include "llm/call_order.h"

#include <stdlib.h>

enum { HELD_MAX = 16 << 20 };

/* An event that waits.  Of a call's opening, also the arguments that have come since. */
struct held_event {
    struct held_event *next;
    struct chat_event ev;
    struct buf arguments;
    struct call_progress progress;
};

void call_order_init(struct call_order *o, const struct chat_sink *to)
{
    *o = (struct call_order){.to = *to};
    arena_init(&o->arena, HELD_MAX);
}

void call_order_release(struct call_order *o)
{
    for (struct held_event *h = o->held; h; h = h->next)
        buf_release(&h->arguments);
    o->held = o->last = NULL;
    arena_release(&o->arena);
}

/* --- How far a call is ---------------------------------------------------------------------------- */

/* Takes one character off text that is escaped as in a JSON string; what is not ASCII is 'x'. */
static char next_character(str *raw)
{
    static const char escapes[][2] = {
        {'n', '\n'}, {'t', '\t'}, {'r', '\r'}, {'b', 'x'}, {'f', 'x'}};
    char c = raw->ptr[0];
    if (c != '\\' || raw->len < 2) {
        *raw = str_from(*raw, 1);
        return c;
    }
    c = raw->ptr[1];
    if (c == 'u' && raw->len >= 6) {
        char hex[5] = {raw->ptr[2], raw->ptr[3], raw->ptr[4], raw->ptr[5], 0};
        unsigned long code = strtoul(hex, NULL, 16);
        *raw = str_from(*raw, 6);
        return code < 0x80 ? (char)code : 'x';
    }
    *raw = str_from(*raw, 2);
    for (unsigned i = 0; i < ARRAY_LEN(escapes); i++)
        if (escapes[i][0] == c)
            return escapes[i][1];
    return c;
}

static void progress_quoted(struct call_progress *p, char c)
{
    if (p->escaped)
        p->escaped = false;
    else if (c == '\\')
        p->escaped = true;
    else if (c == '"')
        p->quoted = false;
}

static void progress_plain(struct call_progress *p, char c)
{
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r')
        return;
    p->object = p->begun ? p->object : c == '{';
    p->begun = true;
    if (c == '"')
        p->quoted = true;
    else if (c == '{' || c == '[')
        p->depth++;
    else if ((c == '}' || c == ']') && p->depth)
        p->depth--;
}

static void progress_take(struct call_progress *p, struct raw piece)
{
    for (str left = piece.s; left.len;) {
        char c = next_character(&left);
        if (p->quoted)
            progress_quoted(p, c);
        else
            progress_plain(p, c);
    }
}

static bool is_whole(const struct call_progress *p)
{
    return p->object && !p->depth && !p->quoted;
}

/* --- What waits ----------------------------------------------------------------------------------- */

static void hold(struct call_order *o, const struct chat_event *ev)
{
    struct held_event *h = arena_zalloc(&o->arena, sizeof(*h));
    if (!h || !chat_event_copy(&o->arena, ev, &h->ev)) {
        o->failed = true;
        return;
    }
    buf_init(&h->arguments, 0);
    if (o->last)
        o->last->next = h;
    else
        o->held = h;
    o->last = h;
}

static struct held_event *find(const struct call_order *o, unsigned call)
{
    for (struct held_event *h = o->held; h; h = h->next)
        if (h->ev.kind == CHAT_CALL && h->ev.call == call)
            return h;
    return NULL;
}

static void emit_first(struct call_order *o)
{
    struct held_event *h = o->held;
    o->held = h->next;
    o->last = h->next ? o->last : NULL;
    o->open = h->ev.kind == CHAT_CALL;
    o->call = h->ev.call;
    o->progress = h->progress;
    o->waiting -= h->arguments.len;
    chat_emit(&o->to, &h->ev);
    if (h->arguments.len)
        chat_emit(&o->to, &(struct chat_event){.kind = CHAT_CALL_ARGUMENTS,
                                               .call = h->ev.call,
                                               .text = {buf_str(&h->arguments)}});
    buf_release(&h->arguments);
}

/* What may follow by now; all of it at the end. */
static void advance(struct call_order *o, bool all)
{
    while (o->held && (all || !o->open || is_whole(&o->progress)))
        emit_first(o);
    if (!o->held)
        arena_release(&o->arena);
}

/* --- Events --------------------------------------------------------------------------------------- */

static void take_arguments(struct call_order *o, const struct chat_event *ev)
{
    struct held_event *h = o->open && o->call == ev->call ? NULL : find(o, ev->call);
    if (h) {
        o->waiting += ev->text.s.len;
        buf_add_str(&h->arguments, ev->text.s);
        progress_take(&h->progress, ev->text);
        o->failed = h->arguments.failed || o->waiting > HELD_MAX;
    } else if (o->open && o->call == ev->call) {
        progress_take(&o->progress, ev->text);
        chat_emit(&o->to, ev);
        advance(o, false);
    } /* else something behind the whole object of a call that is over: no part of it */
}

static void take_in_turn(struct call_order *o, const struct chat_event *ev)
{
    if (o->held || (o->open && !is_whole(&o->progress))) {
        hold(o, ev);
        return;
    }
    o->open = ev->kind == CHAT_CALL;
    o->call = ev->call;
    o->progress = (struct call_progress){0};
    chat_emit(&o->to, ev);
}

void call_order_take(void *order, const struct chat_event *ev)
{
    struct call_order *o = order;
    if (o->failed)
        return;
    switch (ev->choice ? CHAT_START : ev->kind) {
    case CHAT_CALL_ARGUMENTS:
        take_arguments(o, ev);
        break;
    case CHAT_START: /* these say nothing of the order, and so do other choices */
    case CHAT_USAGE:
    case CHAT_LOGPROBS:
        chat_emit(&o->to, ev);
        break;
    case CHAT_FINISH:
    case CHAT_FAILED:
    case CHAT_END:
        advance(o, true);
        o->open = false;
        chat_emit(&o->to, ev);
        break;
    case CHAT_CALL:
    case CHAT_TEXT:
    case CHAT_REFUSAL:
    case CHAT_REASONING:
    case CHAT_REASONING_BREAK:
    case CHAT_SIGNATURE:
    case CHAT_REDACTED:
    case CHAT_BREAK:
    case CHAT_CITATION:
    case CHAT_MEDIA:
    case CHAT_NATIVE:
        take_in_turn(o, ev);
        break;
    }
}
