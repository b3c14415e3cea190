#include "event_text.h"

static const char *const event_names[] = {
    [CHAT_START] = "start",
    [CHAT_TEXT] = "text",
    [CHAT_REFUSAL] = "refusal",
    [CHAT_REASONING] = "reasoning",
    [CHAT_REASONING_BREAK] = "reasoning-break",
    [CHAT_SIGNATURE] = "signature",
    [CHAT_REDACTED] = "redacted",
    [CHAT_CALL] = "call",
    [CHAT_CALL_ARGUMENTS] = "arguments",
    [CHAT_BREAK] = "break",
    [CHAT_CITATION] = "citation",
    [CHAT_MEDIA] = "media",
    [CHAT_LOGPROBS] = "logprobs",
    [CHAT_NATIVE] = "native",
    [CHAT_USAGE] = "usage",
    [CHAT_FINISH] = "finish",
    [CHAT_FAILED] = "failed",
    [CHAT_END] = "end",
};

static void word(struct buf *out, str text)
{
    if (!str_is_null(text))
        buf_printf(out, " %.*s", STR_ARG(text));
}

void event_text(struct buf *out, const struct chat_event *ev)
{
    buf_printf(out, "%s", event_names[ev->kind]);
    if (ev->choice)
        buf_printf(out, " #%u", ev->choice);
    if (ev->kind == CHAT_CALL || ev->kind == CHAT_CALL_ARGUMENTS)
        buf_printf(out, " %u", ev->call);
    const str words[] = {ev->id, ev->model, ev->name, ev->opaque, ev->json, ev->reason, ev->text.s};
    for (unsigned i = 0; i < ARRAY_LEN(words); i++)
        word(out, words[i]);
    if (ev->citation)
        word(out, ev->citation->url.s);
    if (ev->media)
        word(out, ev->media->data);
    if (ev->native)
        word(out, ev->native->json);
    if (ev->kind == CHAT_FINISH)
        buf_printf(out, " %d", (int)ev->finish);
    if (ev->kind == CHAT_USAGE)
        buf_printf(out, " %lld/%lld", (long long)ev->usage.input, (long long)ev->usage.output);
    buf_add_lit(out, "\n");
}

void event_text_take(void *buf, const struct chat_event *ev)
{
    event_text(buf, ev);
}

static void reasoning_text(struct buf *out, const struct reasoning *r)
{
    buf_add_lit(out, "reasoning");
    word(out, r->text.s);
    if (!str_is_null(r->signature))
        buf_printf(out, " signature=%.*s/%d", STR_ARG(r->signature), (int)r->format);
    if (!str_is_null(r->encrypted))
        buf_printf(out, " encrypted=%.*s/%d", STR_ARG(r->encrypted), (int)r->format);
}

static void block_text(struct buf *out, const struct block *b)
{
    switch (b->kind) {
    case BLOCK_TEXT:
        buf_printf(out, "text %.*s", STR_ARG(b->text.s));
        for (const struct citation *c = b->citations; c; c = c->next)
            buf_printf(out, " [%.*s]", STR_ARG(c->url.s));
        break;
    case BLOCK_REFUSAL:
        buf_printf(out, "refusal %.*s", STR_ARG(b->text.s));
        break;
    case BLOCK_REASONING:
        reasoning_text(out, &b->reasoning);
        break;
    case BLOCK_CALL:
        buf_printf(out, "call %.*s %.*s %s%.*s", STR_ARG(b->call.id), STR_ARG(b->call.name),
                   b->call.is_raw ? "raw:" : "", STR_ARG(b->call.arguments));
        word(out, b->call.signature);
        break;
    case BLOCK_NATIVE:
        buf_printf(out, "native %.*s", STR_ARG(b->native.json));
        break;
    case BLOCK_IMAGE:
        buf_printf(out, "image %.*s", STR_ARG(b->media.data));
        break;
    case BLOCK_AUDIO:
        buf_printf(out, "audio %.*s", STR_ARG(b->media.data));
        break;
    case BLOCK_VIDEO:
    case BLOCK_DOCUMENT:
    case BLOCK_RESULT:
        buf_add_lit(out, "unexpected");
        break;
    }
    buf_add_lit(out, "\n");
}

void answer_text(struct buf *out, const struct chat_answer *a)
{
    word(out, a->id);
    word(out, a->model);
    for (const struct answer_choice *c = a->choices; c; c = c->next) {
        buf_printf(out, "choice %u\n", c->index);
        for (const struct block *b = c->blocks; b; b = b->next)
            block_text(out, b);
        buf_printf(out, "finish %d %d", c->finished, c->finished ? (int)c->finish : -1);
        word(out, c->reason);
        word(out, c->stop_sequence.s);
        word(out, c->refusal_words.s);
        word(out, c->logprobs.s);
        buf_add_lit(out, "\n");
    }
    buf_printf(out, "usage %d %lld/%lld%s%s%s\n", a->usage.known, (long long)a->usage.input,
               (long long)a->usage.output, a->complete ? " complete" : "",
               a->failed ? " failed" : "", a->no_memory ? " no memory" : "");
}
