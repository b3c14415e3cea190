/*
 * The neutral events of an answer: readers of providers' answers make them, writers turn them into the
 * client's format.  A buffered answer is the same events at once.
 *
 * Order: START, then content in the order of arrival, USAGE any time (the last one counts, fields that
 * are -1 leave what was known), FINISH per choice, END last.  END comes only when the provider has said
 * by its format's own means that the answer is complete.  FAILED instead: it said that it failed.
 *
 * Blocks are not marked: a run of TEXT is one block, a run of REASONING up to its SIGNATURE (or to
 * something else) is one, REDACTED is one by itself, CALL opens one and CALL_ARGUMENTS with the same
 * call number continue it.  Calls may interleave; llm/call_order.h puts them in order for formats that
 * cannot.  BREAK says that the block before is over although the next is of the same kind.
 *
 * Texts are valid during the call that brings them.
 */
#ifndef LLM_CHAT_EVENT_H
#define LLM_CHAT_EVENT_H

#include "llm/chat.h"
#include "llm/usage.h"

enum chat_event_kind {
    CHAT_START,           /* id, model (each may be null) */
    CHAT_TEXT,            /* text */
    CHAT_REFUSAL,         /* text */
    CHAT_REASONING,       /* text: a piece of it */
    CHAT_REASONING_BREAK, /* within reasoning: another part of the summary begins */
    CHAT_SIGNATURE, /* opaque, format; item_id: ends the reasoning block (which may have had no text) */
    CHAT_REDACTED,       /* opaque, format, item_id */
    CHAT_CALL,           /* call, id, name, custom, opaque: Gemini's signature on it, or null */
    CHAT_CALL_ARGUMENTS, /* call, text: a piece of the arguments' JSON, escaped as in a JSON string */
    CHAT_BREAK,
    CHAT_CITATION, /* citation: belongs to the text just said */
    CHAT_MEDIA,    /* media: an image or audio that the model made (BASE64) */
    CHAT_LOGPROBS, /* json: elements of OpenAI's logprobs.content, comma-separated, no brackets */
    CHAT_NATIVE,   /* native: what only one format knows; writers of others leave it out */
    CHAT_USAGE,    /* usage */
    CHAT_FINISH, /* finish, reason (the provider's word), text: stop sequence or refusal's words */
    CHAT_FAILED, /* error: message, type, code; err: what it means */
    CHAT_END,
};

enum finish {
    FINISH_STOP,
    FINISH_STOP_SEQUENCE, /* text: which, if known */
    FINISH_LENGTH,
    FINISH_CONTEXT, /* the window is full */
    FINISH_CALLS,
    FINISH_REFUSAL,   /* the model refused */
    FINISH_FILTERED,  /* a filter or guardrail stopped it */
    FINISH_PAUSE,     /* Anthropic's pause_turn */
    FINISH_MALFORMED, /* the model's output made no sense to the provider (Gemini, Bedrock) */
    FINISH_OTHER,
};

struct provider_fault { /* an error as a provider words it; any may be null */
    str message, type, code, param;
    uint64_t retry_after_ms; /* 0: not said */
};

struct chat_event {
    enum chat_event_kind kind;
    unsigned choice; /* 0 unless n > 1 */
    unsigned call;   /* number of the tool call within its choice, 0, 1, … */
    struct raw text;
    str id, model, name, item_id;
    str opaque;
    enum native_format format;
    bool custom;
    str json;
    str reason;
    enum finish finish;
    enum err err;
    struct usage usage;
    struct provider_fault fault;
    const struct citation *citation;
    const struct media *media;
    const struct native_block *native;
};

struct chat_sink {
    void (*on_event)(void *arg, const struct chat_event *ev);
    void *arg;
};

static inline void chat_emit(const struct chat_sink *s, const struct chat_event *ev)
{
    s->on_event(s->arg, ev);
}

/* A copy whose texts are in the arena.  False: no memory. */
bool chat_event_copy(struct arena *a, const struct chat_event *ev, struct chat_event *out);

/* The buckets of `add` that are known replace those of *into. */
void usage_merge(struct usage *into, const struct usage *add);

#endif
