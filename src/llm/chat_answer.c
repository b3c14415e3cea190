#include "llm/chat_answer.h"

/* A block that still grows.  Calls may interleave, and stay open until the end; of other blocks one is
 * open at a time, per choice. */
struct gathering {
    struct gathering *next; /* of calls: the one that was opened before */
    unsigned call;
    struct block *block; /* NULL: log probabilities */
    struct buf text;     /* raw: text, reasoning, arguments as they are in a JSON string */
};

void chat_answer_init(struct chat_answer *a, size_t budget)
{
    *a = (struct chat_answer){.usage = USAGE_UNKNOWN};
    arena_init(&a->arena, budget);
}

/* The gatherings themselves are the arena's. */
static void forget(struct gathering **list)
{
    for (; *list; *list = (*list)->next)
        buf_release(&(*list)->text);
}

void chat_answer_release(struct chat_answer *a)
{
    for (struct answer_choice *c = a->choices; c; c = c->next) {
        forget(&c->open);
        forget(&c->calls);
        forget(&c->probs);
    }
    a->choices = NULL;
    arena_release(&a->arena);
}

/* made: when there is none yet. */
static struct answer_choice *choice_of(struct chat_answer *a, unsigned index, bool made)
{
    struct answer_choice **at = &a->choices;
    while (*at && (*at)->index < index)
        at = &(*at)->next;
    if (*at && (*at)->index == index)
        return *at;
    if (!made)
        return NULL;
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

static struct block *add_block(struct chat_answer *a, struct answer_choice *c, enum block_kind kind)
{
    struct block *b = arena_zalloc(&a->arena, sizeof(*b));
    if (!b) {
        a->no_memory = true;
        return NULL;
    }
    b->kind = kind;
    if (c->last)
        c->last->next = b;
    else
        c->blocks = b;
    c->last = b;
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

static struct gathering *open_gathering(struct chat_answer *a, struct gathering **list)
{
    struct gathering *g = arena_zalloc(&a->arena, sizeof(*g));
    if (!g) {
        a->no_memory = true;
        return NULL;
    }
    buf_init(&g->text, 0);
    g->next = *list;
    *list = g;
    return g;
}

static void grow(struct chat_answer *a, struct gathering *g, str text)
{
    a->gathered += text.len;
    if (a->arena.budget && a->gathered > a->arena.budget)
        a->no_memory = true;
    if (a->no_memory)
        return;
    buf_add_str(&g->text, text);
    a->no_memory = g->text.failed;
}

static void close_call(struct chat_answer *a, struct gathering *g)
{
    struct chat c = {.arena = &a->arena};
    str decoded = raw_decode(&a->arena, (struct raw){keep(a, buf_str(&g->text))});
    if (str_is_null(decoded) || !chat_set_arguments(&c, &g->block->call, decoded))
        a->no_memory = true;
}

static void close_gathering(struct chat_answer *a, struct answer_choice *c, struct gathering *g)
{
    if (!g->block)
        c->logprobs.s = keep(a, buf_str(&g->text));
    else if (g->block->kind == BLOCK_CALL)
        close_call(a, g);
    else if (g->block->kind == BLOCK_REASONING)
        g->block->reasoning.text.s = keep(a, buf_str(&g->text));
    else
        g->block->text.s = keep(a, buf_str(&g->text));
    a->gathered -= g->text.len;
    buf_release(&g->text);
}

static void close_all(struct chat_answer *a, struct answer_choice *c, struct gathering **list)
{
    for (; *list; *list = (*list)->next)
        close_gathering(a, c, *list);
}

/* A block by itself begins: what was said before it is over. */
static struct block *begin_block(struct chat_answer *a, struct answer_choice *c,
                                 enum block_kind kind)
{
    close_all(a, c, &c->open);
    return add_block(a, c, kind);
}

static bool is_open(const struct answer_choice *c, enum block_kind kind)
{
    return c->open && c->open->block->kind == kind;
}

/* Opens one of the kind unless it is. */
static bool open_block(struct chat_answer *a, struct answer_choice *c, enum block_kind kind)
{
    if (is_open(c, kind))
        return true;
    struct block *b = begin_block(a, c, kind);
    struct gathering *g = b ? open_gathering(a, &c->open) : NULL;
    if (!g)
        return false;
    g->block = b;
    if (kind == BLOCK_TEXT) {
        c->last_text = b;
        c->citations_end = &b->citations;
    }
    return true;
}

static void take_text(struct chat_answer *a, struct answer_choice *c, enum block_kind kind,
                      str text)
{
    if (text.len && open_block(a, c, kind))
        grow(a, c->open, text);
}

/* --- Events -------------------------------------------------------------------------------------- */

static void take_call(struct chat_answer *a, struct answer_choice *c, const struct chat_event *ev)
{
    struct block *b = begin_block(a, c, BLOCK_CALL);
    struct gathering *g = b ? open_gathering(a, &c->calls) : NULL;
    if (!g)
        return;
    g->call = ev->call;
    g->block = b;
    b->call = (struct tool_call){.id = keep(a, ev->id),
                                 .name = keep(a, ev->name),
                                 .custom = ev->custom,
                                 .signature = keep(a, ev->opaque),
                                 .item_id = keep(a, ev->item_id)};
}

static void take_arguments(struct chat_answer *a, struct answer_choice *c,
                           const struct chat_event *ev)
{
    for (struct gathering *g = c->calls; g; g = g->next) {
        if (g->call == ev->call) {
            grow(a, g, ev->text.s);
            return;
        }
    }
}

static void take_signature(struct chat_answer *a, struct answer_choice *c,
                           const struct chat_event *ev)
{
    struct block *b =
        is_open(c, BLOCK_REASONING) ? c->open->block : begin_block(a, c, BLOCK_REASONING);
    close_all(a, c, &c->open);
    if (!b)
        return;
    b->reasoning.signature = keep(a, ev->opaque);
    b->reasoning.format = ev->format;
    b->reasoning.item_id = keep(a, ev->item_id);
}

static void take_redacted(struct chat_answer *a, struct answer_choice *c,
                          const struct chat_event *ev)
{
    struct block *b = begin_block(a, c, BLOCK_REASONING);
    if (!b)
        return;
    b->reasoning.encrypted = keep(a, ev->opaque);
    b->reasoning.format = ev->format;
    b->reasoning.item_id = keep(a, ev->item_id);
}

static void take_media(struct chat_answer *a, struct answer_choice *c, const struct media *m)
{
    bool audio = str_starts(m->mime, STR("audio/"));
    struct block *b = begin_block(a, c, audio ? BLOCK_AUDIO : BLOCK_IMAGE);
    if (!b)
        return;
    b->media = *m;
    b->media.mime = keep(a, m->mime);
    b->media.data = keep(a, m->data);
    b->media.name = keep(a, m->name);
    b->media.text.s = keep(a, m->text.s);
    b->media.context.s = keep(a, m->context.s);
}

static void take_native(struct chat_answer *a, struct answer_choice *c,
                        const struct native_block *native)
{
    struct block *b = begin_block(a, c, BLOCK_NATIVE);
    if (!b)
        return;
    b->native = (struct native_block){
        .format = native->format, .type = keep(a, native->type), .json = keep(a, native->json)};
}

/* Of the text that is open, or the last one that was; when none was, of one that begins here. */
static void take_citation(struct chat_answer *a, struct answer_choice *c,
                          const struct citation *citation)
{
    if (!c->last_text && !open_block(a, c, BLOCK_TEXT))
        return;
    struct citation *copy = arena_alloc(&a->arena, sizeof(*copy));
    if (!copy) {
        a->no_memory = true;
        return;
    }
    *copy = *citation;
    copy->next = NULL;
    copy->url.s = keep(a, citation->url.s);
    copy->title.s = keep(a, citation->title.s);
    copy->cited.s = keep(a, citation->cited.s);
    copy->json = keep(a, citation->json);
    *c->citations_end = copy;
    c->citations_end = &copy->next;
}

static void take_logprobs(struct chat_answer *a, struct answer_choice *c, str json)
{
    if (!json.len || (!c->probs && !open_gathering(a, &c->probs)))
        return;
    if (c->probs->text.len)
        grow(a, c->probs, STR(","));
    grow(a, c->probs, json);
}

static void take_finish(struct chat_answer *a, struct answer_choice *c, const struct chat_event *ev)
{
    c->finished = true;
    c->finish = ev->finish;
    c->reason = keep(a, ev->reason);
    c->stop_sequence = c->refusal_words = RAW_NULL;
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

static void take_of_choice(struct chat_answer *a, struct answer_choice *c,
                           const struct chat_event *ev)
{
    switch (ev->kind) {
    case CHAT_TEXT:
        take_text(a, c, BLOCK_TEXT, ev->text.s);
        break;
    case CHAT_REFUSAL:
        take_text(a, c, BLOCK_REFUSAL, ev->text.s);
        break;
    case CHAT_REASONING:
        take_text(a, c, BLOCK_REASONING, ev->text.s);
        break;
    case CHAT_REASONING_BREAK:
        if (is_open(c, BLOCK_REASONING))
            grow(a, c->open, STR("\\n\\n"));
        break;
    case CHAT_SIGNATURE:
        take_signature(a, c, ev);
        break;
    case CHAT_REDACTED:
        take_redacted(a, c, ev);
        break;
    case CHAT_CALL:
        take_call(a, c, ev);
        break;
    case CHAT_CALL_ARGUMENTS:
        take_arguments(a, c, ev);
        break;
    case CHAT_BREAK:
        close_all(a, c, &c->open);
        break;
    case CHAT_CITATION:
        take_citation(a, c, ev->citation);
        break;
    case CHAT_MEDIA:
        take_media(a, c, ev->media);
        break;
    case CHAT_LOGPROBS:
        take_logprobs(a, c, ev->json);
        break;
    case CHAT_NATIVE:
        take_native(a, c, ev->native);
        break;
    case CHAT_FINISH:
        take_finish(a, c, ev);
        break;
    case CHAT_START:
    case CHAT_USAGE:
    case CHAT_FAILED:
    case CHAT_END:
        break;
    }
}

static bool is_of_choice(enum chat_event_kind kind)
{
    return kind != CHAT_START && kind != CHAT_USAGE && kind != CHAT_FAILED && kind != CHAT_END;
}

/* Nothing is said by it that a choice could begin with. */
static bool is_break(enum chat_event_kind kind)
{
    return kind == CHAT_BREAK || kind == CHAT_REASONING_BREAK;
}

void chat_answer_take(void *answer, const struct chat_event *ev)
{
    struct chat_answer *a = answer;
    if (is_of_choice(ev->kind)) {
        struct answer_choice *c = choice_of(a, ev->choice, !is_break(ev->kind));
        if (c)
            take_of_choice(a, c, ev);
    } else if (ev->kind == CHAT_START) {
        a->id = keep(a, ev->id);
        a->model = keep(a, ev->model);
    } else if (ev->kind == CHAT_USAGE) {
        usage_merge(&a->usage, &ev->usage);
    } else if (ev->kind == CHAT_FAILED) {
        take_failed(a, ev);
    } else if (ev->kind == CHAT_END) {
        a->complete = true;
    }
}

void chat_answer_seal(struct chat_answer *a)
{
    if (!a->choices)
        choice_of(a, 0, true);
    for (struct answer_choice *c = a->choices; c; c = c->next) {
        close_all(a, c, &c->open);
        close_all(a, c, &c->calls);
        close_all(a, c, &c->probs);
    }
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

static bool replay_call(const struct chat_sink *to, unsigned choice, unsigned call,
                        const struct block *b, struct arena *scratch)
{
    struct raw arguments = raw_of_text(scratch, b->call.arguments);
    if (str_is_null(arguments.s))
        return false;
    chat_emit(to, &(struct chat_event){.kind = CHAT_CALL,
                                       .choice = choice,
                                       .call = call,
                                       .id = b->call.id,
                                       .name = b->call.name,
                                       .custom = b->call.custom,
                                       .opaque = b->call.signature,
                                       .item_id = b->call.item_id});
    chat_emit(to,
              &(struct chat_event){
                  .kind = CHAT_CALL_ARGUMENTS, .choice = choice, .call = call, .text = arguments});
    return true;
}

/* What the block itself does not end, when the next is of its kind. */
static void replay_break(const struct chat_sink *to, unsigned choice, const struct block *b)
{
    bool open = b->kind == BLOCK_TEXT || b->kind == BLOCK_REFUSAL ||
                (b->kind == BLOCK_REASONING && str_is_null(b->reasoning.signature) &&
                 str_is_null(b->reasoning.encrypted));
    if (open && b->next && b->next->kind == b->kind)
        chat_emit(to, &(struct chat_event){.kind = CHAT_BREAK, .choice = choice});
}

static bool replay_block(const struct chat_sink *to, unsigned choice, unsigned *calls,
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
        return replay_call(to, choice, (*calls)++, b, scratch);
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
    replay_break(to, choice, b);
    return true;
}

static bool replay_choice(const struct chat_sink *to, const struct answer_choice *c)
{
    struct arena scratch;
    unsigned calls = 0;
    bool ok = true;
    arena_init(&scratch, 0);
    for (const struct block *b = c->blocks; ok && b; b = b->next) {
        ok = replay_block(to, c->index, &calls, b, &scratch);
        arena_release(&scratch);
    }
    if (ok && c->logprobs.s.len)
        chat_emit(to, &(struct chat_event){
                          .kind = CHAT_LOGPROBS, .choice = c->index, .json = c->logprobs.s});
    if (ok && c->finished)
        chat_emit(to, &(struct chat_event){.kind = CHAT_FINISH,
                                           .choice = c->index,
                                           .finish = c->finish,
                                           .reason = c->reason,
                                           .text = c->finish == FINISH_REFUSAL ? c->refusal_words
                                                                               : c->stop_sequence});
    return ok;
}

void chat_answer_replay(const struct chat_answer *a, const struct chat_sink *to)
{
    bool ok = !a->no_memory;
    chat_emit(to, &(struct chat_event){.kind = CHAT_START, .id = a->id, .model = a->model});
    for (const struct answer_choice *c = a->choices; ok && c; c = c->next)
        ok = replay_choice(to, c);
    if (a->usage.known)
        chat_emit(to, &(struct chat_event){.kind = CHAT_USAGE, .usage = a->usage});
    if (!ok)
        chat_emit(to, &(struct chat_event){.kind = CHAT_FAILED, .err = ERR_NO_MEMORY});
    else if (a->failed)
        chat_emit(to, &(struct chat_event){.kind = CHAT_FAILED, .err = a->err, .fault = a->fault});
    else if (a->complete)
        chat_emit(to, &(struct chat_event){.kind = CHAT_END});
}
