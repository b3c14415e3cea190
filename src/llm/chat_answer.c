#include "llm/chat_answer.h"

#include <stdlib.h>

/* A block that still grows; its place in the answer is that of `block`. */
struct gathering {
    struct gathering *next;
    unsigned choice, call;
    struct block *block;
    struct buf text; /* raw: text, reasoning, arguments as they are in a JSON string */
};

void chat_answer_init(struct chat_answer *a, size_t budget)
{
    *a = (struct chat_answer){
        .usage = {.input = -1, .cached = -1, .cache_write = -1, .output = -1, .reasoning = -1}};
    arena_init(&a->arena, budget);
}

static void gathering_free(struct gathering *g)
{
    buf_release(&g->text);
    free(g);
}

void chat_answer_release(struct chat_answer *a)
{
    while (a->open) {
        struct gathering *g = a->open;
        a->open = g->next;
        gathering_free(g);
    }
    arena_release(&a->arena);
}

static struct answer_choice *choice_of(struct chat_answer *a, unsigned index)
{
    struct answer_choice **at = &a->choices;
    while (*at && (*at)->index < index)
        at = &(*at)->next;
    if (*at && (*at)->index == index)
        return *at;
    struct answer_choice *c = arena_zalloc(&a->arena, sizeof(*c));
    if (!c) {
        a->no_memory = true;
        return NULL;
    }
    c->index = index;
    c->next = *at;
    *at = c;
    return c;
}

static struct block *add_block(struct chat_answer *a, unsigned choice, enum block_kind kind)
{
    struct answer_choice *c = choice_of(a, choice);
    struct block *b = c ? arena_zalloc(&a->arena, sizeof(*b)) : NULL;
    if (!b) {
        a->no_memory = true;
        return NULL;
    }
    struct block **end = &c->blocks;
    while (*end)
        end = &(*end)->next;
    b->kind = kind;
    *end = b;
    return b;
}

static str keep(struct chat_answer *a, str text)
{
    str copy = arena_str(&a->arena, text);
    if (str_is_null(copy) && !str_is_null(text))
        a->no_memory = true;
    return copy;
}

/* --- Growing blocks ------------------------------------------------------------------------------ */

static struct gathering *open_block(struct chat_answer *a, const struct chat_event *ev,
                                    enum block_kind kind)
{
    struct gathering *g = calloc(1, sizeof(*g)), **end = &a->open;
    if (!g) {
        a->no_memory = true;
        return NULL;
    }
    g->block = add_block(a, ev->choice, kind);
    if (!g->block) {
        free(g);
        return NULL;
    }
    g->choice = ev->choice;
    g->call = ev->call;
    buf_init(&g->text, 0);
    while (*end)
        end = &(*end)->next;
    *end = g;
    return g;
}

static void close_call(struct chat_answer *a, struct gathering *g)
{
    struct raw text = {buf_str(&g->text)};
    struct chat c = {.arena = &a->arena};
    str decoded = raw_decode(&a->arena, (struct raw){keep(a, text.s)});
    if (str_is_null(decoded) || !chat_set_arguments(&c, &g->block->call, decoded))
        a->no_memory = true;
}

static void close_block(struct chat_answer *a, struct gathering *g)
{
    if (g->text.failed)
        a->no_memory = true;
    if (g->block->kind == BLOCK_CALL)
        close_call(a, g);
    else if (g->block->kind == BLOCK_REASONING)
        g->block->reasoning.text.s = g->text.len ? keep(a, buf_str(&g->text)) : STR_NULL;
    else
        g->block->text.s = keep(a, buf_str(&g->text));
}

/* Those of the choice, or only what is no call: calls may interleave. */
static void close_open(struct chat_answer *a, unsigned choice, bool calls_too)
{
    for (struct gathering **at = &a->open; *at;) {
        struct gathering *g = *at;
        if (g->choice != choice || (!calls_too && g->block->kind == BLOCK_CALL)) {
            at = &g->next;
            continue;
        }
        *at = g->next;
        close_block(a, g);
        gathering_free(g);
    }
}

static struct gathering *find_open(const struct chat_answer *a, const struct chat_event *ev,
                                   enum block_kind kind)
{
    for (struct gathering *g = a->open; g; g = g->next)
        if (g->choice == ev->choice && g->block->kind == kind &&
            (kind != BLOCK_CALL || g->call == ev->call))
            return g;
    return NULL;
}

static void grow(struct chat_answer *a, const struct chat_event *ev, enum block_kind kind)
{
    struct gathering *g = find_open(a, ev, kind);
    if (!g && kind != BLOCK_CALL) {
        if (!ev->text.s.len)
            return;
        close_open(a, ev->choice, false);
        g = open_block(a, ev, kind);
    }
    if (g)
        buf_add_str(&g->text, ev->text.s);
}

/* --- Events -------------------------------------------------------------------------------------- */

static void take_call(struct chat_answer *a, const struct chat_event *ev)
{
    close_open(a, ev->choice, false);
    struct gathering *g = open_block(a, ev, BLOCK_CALL);
    if (!g)
        return;
    g->block->call = (struct tool_call){.id = keep(a, ev->id),
                                        .name = keep(a, ev->name),
                                        .custom = ev->custom,
                                        .signature = keep(a, ev->opaque),
                                        .item_id = keep(a, ev->item_id)};
}

static void take_signature(struct chat_answer *a, const struct chat_event *ev)
{
    struct gathering *g = find_open(a, ev, BLOCK_REASONING);
    struct block *b = g ? g->block : NULL;
    if (!b) {
        close_open(a, ev->choice, false);
        b = add_block(a, ev->choice, BLOCK_REASONING);
    }
    if (!b)
        return;
    b->reasoning.signature = keep(a, ev->opaque);
    b->reasoning.format = ev->format;
    b->reasoning.item_id = keep(a, ev->item_id);
    close_open(a, ev->choice, false);
}

static void take_redacted(struct chat_answer *a, const struct chat_event *ev)
{
    close_open(a, ev->choice, false);
    struct block *b = add_block(a, ev->choice, BLOCK_REASONING);
    if (!b)
        return;
    b->reasoning.encrypted = keep(a, ev->opaque);
    b->reasoning.format = ev->format;
    b->reasoning.item_id = keep(a, ev->item_id);
}

static void take_media(struct chat_answer *a, const struct chat_event *ev)
{
    bool audio = str_starts(ev->media->mime, STR("audio/"));
    close_open(a, ev->choice, false);
    struct block *b = add_block(a, ev->choice, audio ? BLOCK_AUDIO : BLOCK_IMAGE);
    if (!b)
        return;
    b->media = *ev->media;
    b->media.mime = keep(a, ev->media->mime);
    b->media.data = keep(a, ev->media->data);
    b->media.name = keep(a, ev->media->name);
    b->media.text.s = keep(a, ev->media->text.s);
    b->media.context.s = keep(a, ev->media->context.s);
}

static void take_native(struct chat_answer *a, const struct chat_event *ev)
{
    close_open(a, ev->choice, false);
    struct block *b = add_block(a, ev->choice, BLOCK_NATIVE);
    if (!b)
        return;
    b->native = (struct native_block){.format = ev->native->format,
                                      .type = keep(a, ev->native->type),
                                      .json = keep(a, ev->native->json)};
}

/* Belongs to the text that is open, or the last one that was. */
static void take_citation(struct chat_answer *a, const struct chat_event *ev)
{
    struct answer_choice *c = choice_of(a, ev->choice);
    struct block *text = NULL;
    for (struct block *b = c ? c->blocks : NULL; b; b = b->next)
        if (b->kind == BLOCK_TEXT)
            text = b;
    struct citation *copy = text ? arena_alloc(&a->arena, sizeof(*copy)) : NULL;
    if (!copy) {
        a->no_memory = a->no_memory || text;
        return;
    }
    *copy = *ev->citation;
    copy->next = NULL;
    copy->url.s = keep(a, ev->citation->url.s);
    copy->title.s = keep(a, ev->citation->title.s);
    copy->cited.s = keep(a, ev->citation->cited.s);
    copy->json = keep(a, ev->citation->json);
    struct citation **end = &text->citations;
    while (*end)
        end = &(*end)->next;
    *end = copy;
}

static void take_logprobs(struct chat_answer *a, const struct chat_event *ev)
{
    struct answer_choice *c = choice_of(a, ev->choice);
    if (!c)
        return;
    str before = c->logprobs.s;
    str pieces[] = {before, before.len ? STR(",") : STR(""), ev->json};
    c->logprobs.s = arena_concat(&a->arena, pieces, ARRAY_LEN(pieces));
    a->no_memory = a->no_memory || str_is_null(c->logprobs.s);
}

static void take_finish(struct chat_answer *a, const struct chat_event *ev)
{
    struct answer_choice *c = choice_of(a, ev->choice);
    if (!c)
        return;
    c->finished = true;
    c->finish = ev->finish;
    c->reason = keep(a, ev->reason);
    if (ev->finish == FINISH_STOP_SEQUENCE)
        c->stop_sequence.s = keep(a, ev->text.s);
    else if (ev->finish == FINISH_REFUSAL)
        c->refusal_words.s = keep(a, ev->text.s);
}

static void take_failed(struct chat_answer *a, const struct chat_event *ev)
{
    a->failed = true;
    a->err = ev->err;
    a->fault = (struct provider_fault){.message = keep(a, ev->fault.message),
                                       .type = keep(a, ev->fault.type),
                                       .code = keep(a, ev->fault.code),
                                       .param = keep(a, ev->fault.param),
                                       .retry_after_ms = ev->fault.retry_after_ms};
}

void chat_answer_take(void *answer, const struct chat_event *ev)
{
    struct chat_answer *a = answer;
    switch (ev->kind) {
    case CHAT_START:
        a->id = keep(a, ev->id);
        a->model = keep(a, ev->model);
        break;
    case CHAT_TEXT:
        grow(a, ev, BLOCK_TEXT);
        break;
    case CHAT_REFUSAL:
        grow(a, ev, BLOCK_REFUSAL);
        break;
    case CHAT_REASONING:
        grow(a, ev, BLOCK_REASONING);
        break;
    case CHAT_REASONING_BREAK: {
        struct gathering *g = find_open(a, ev, BLOCK_REASONING);
        if (g && g->text.len)
            buf_add_lit(&g->text, "\\n\\n");
        break;
    }
    case CHAT_SIGNATURE:
        take_signature(a, ev);
        break;
    case CHAT_REDACTED:
        take_redacted(a, ev);
        break;
    case CHAT_CALL:
        take_call(a, ev);
        break;
    case CHAT_CALL_ARGUMENTS:
        grow(a, ev, BLOCK_CALL);
        break;
    case CHAT_BREAK:
        close_open(a, ev->choice, false);
        break;
    case CHAT_CITATION:
        take_citation(a, ev);
        break;
    case CHAT_MEDIA:
        take_media(a, ev);
        break;
    case CHAT_LOGPROBS:
        take_logprobs(a, ev);
        break;
    case CHAT_NATIVE:
        take_native(a, ev);
        break;
    case CHAT_USAGE:
        usage_merge(&a->usage, &ev->usage);
        break;
    case CHAT_FINISH:
        take_finish(a, ev);
        break;
    case CHAT_FAILED:
        take_failed(a, ev);
        break;
    case CHAT_END:
        a->complete = true;
        break;
    }
}

void chat_answer_seal(struct chat_answer *a)
{
    if (!a->choices)
        choice_of(a, 0);
    for (struct answer_choice *c = a->choices; c; c = c->next)
        close_open(a, c->index, true);
}

/* --- Back to events ------------------------------------------------------------------------------ */

static void replay_text(const struct chat_sink *to, unsigned choice, const struct block *b)
{
    enum chat_event_kind kind = b->kind == BLOCK_TEXT ? CHAT_TEXT : CHAT_REFUSAL;
    chat_emit(to, &(struct chat_event){.kind = kind, .choice = choice, .text = b->text});
    for (const struct citation *c = b->citations; c; c = c->next)
        chat_emit(to, &(struct chat_event){.kind = CHAT_CITATION, .choice = choice, .citation = c});
}

static void replay_reasoning(const struct chat_sink *to, unsigned choice, const struct block *b)
{
    const struct reasoning *r = &b->reasoning;
    if (r->text.s.len)
        chat_emit(to,
                  &(struct chat_event){.kind = CHAT_REASONING, .choice = choice, .text = r->text});
    if (!str_is_null(r->signature))
        chat_emit(to, &(struct chat_event){.kind = CHAT_SIGNATURE,
                                           .choice = choice,
                                           .opaque = r->signature,
                                           .format = r->format,
                                           .item_id = r->item_id});
    if (!str_is_null(r->encrypted))
        chat_emit(to, &(struct chat_event){.kind = CHAT_REDACTED,
                                           .choice = choice,
                                           .opaque = r->encrypted,
                                           .format = r->format,
                                           .item_id = r->item_id});
}

static void replay_call(const struct chat_sink *to, unsigned choice, unsigned call,
                        const struct block *b, struct arena *scratch)
{
    chat_emit(to, &(struct chat_event){.kind = CHAT_CALL,
                                       .choice = choice,
                                       .call = call,
                                       .id = b->call.id,
                                       .name = b->call.name,
                                       .custom = b->call.custom,
                                       .opaque = b->call.signature,
                                       .item_id = b->call.item_id});
    chat_emit(to, &(struct chat_event){.kind = CHAT_CALL_ARGUMENTS,
                                       .choice = choice,
                                       .call = call,
                                       .text = raw_of_text(scratch, b->call.arguments)});
}

static void replay_block(const struct chat_sink *to, unsigned choice, unsigned *calls,
                         const struct block *b, struct arena *scratch)
{
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        replay_text(to, choice, b);
        break;
    case BLOCK_REASONING:
        replay_reasoning(to, choice, b);
        break;
    case BLOCK_CALL:
        replay_call(to, choice, (*calls)++, b, scratch);
        break;
    case BLOCK_IMAGE:
    case BLOCK_AUDIO:
    case BLOCK_VIDEO:
    case BLOCK_DOCUMENT:
        chat_emit(to,
                  &(struct chat_event){.kind = CHAT_MEDIA, .choice = choice, .media = &b->media});
        break;
    case BLOCK_NATIVE:
        chat_emit(
            to, &(struct chat_event){.kind = CHAT_NATIVE, .choice = choice, .native = &b->native});
        break;
    case BLOCK_RESULT: /* no answer has one */
        break;
    }
    if (b->next && b->next->kind == b->kind)
        chat_emit(to, &(struct chat_event){.kind = CHAT_BREAK, .choice = choice});
}

void chat_answer_replay(const struct chat_answer *a, const struct chat_sink *to)
{
    struct arena scratch;
    arena_init(&scratch, 0);
    chat_emit(to, &(struct chat_event){.kind = CHAT_START, .id = a->id, .model = a->model});
    for (const struct answer_choice *c = a->choices; c; c = c->next) {
        unsigned calls = 0;
        for (const struct block *b = c->blocks; b; b = b->next) {
            replay_block(to, c->index, &calls, b, &scratch);
            arena_release(&scratch);
        }
        if (c->logprobs.s.len)
            chat_emit(to, &(struct chat_event){
                              .kind = CHAT_LOGPROBS, .choice = c->index, .json = c->logprobs.s});
        if (c->finished)
            chat_emit(to,
                      &(struct chat_event){.kind = CHAT_FINISH,
                                           .choice = c->index,
                                           .finish = c->finish,
                                           .reason = c->reason,
                                           .text = c->finish == FINISH_REFUSAL ? c->refusal_words
                                                                               : c->stop_sequence});
    }
    if (a->usage.known)
        chat_emit(to, &(struct chat_event){.kind = CHAT_USAGE, .usage = a->usage});
    if (a->complete)
        chat_emit(to, &(struct chat_event){.kind = CHAT_END});
}
