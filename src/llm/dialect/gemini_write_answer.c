/*
 * Answers for clients of generateContent: chunks of one shape, each a whole response, or one of them.
 *
 * A function call goes out whole, so its arguments are gathered.  Reasons, sources and usage stand in the
 * last chunk, which END writes.  Signatures of other makers travel in thoughtSignature: on the thought,
 * and, because clients drop thoughts, with its text on the call after it.
 */
#include "llm/dialect/gemini_shapes.h"
#include "llm/signature.h"

enum { CHOICES_MAX = 8 };

struct piece {
    struct piece *next;
    str text;
};

struct pieces {
    struct piece *first, *last;
};

struct choice {
    bool seen, finished, call_open, wide; /* wide: its text is not all ASCII */
    enum finish finish;
    str words; /* raw: why it was refused */
    str call_id, call_name, call_signature;
    struct pieces arguments;
    struct pieces thought; /* of the reasoning that goes on */
    struct pieces carried; /* reasoning since the last call, as gemini_carry_read() has it */
    enum native_format carried_maker;
    struct gemini_source *sources, *last_source;
};

struct gemini_answer {
    struct choice *choices[CHOICES_MAX];
    struct usage usage;
};

_Static_assert(sizeof(struct gemini_answer) <= GEMINI_WRITER_SIZE, "the writer's state fits");

static struct gemini_answer *state_of(struct answer_writer *w)
{
    return w->state;
}

static void no_memory(struct answer_writer *w)
{
    w->out->failed = true;
}

static str keep(struct answer_writer *w, str text)
{
    str kept = str_is_null(text) ? text : arena_str(w->arena, text);
    if (text.ptr && !kept.ptr)
        no_memory(w);
    return kept;
}

static void add_piece(struct answer_writer *w, struct pieces *p, str text)
{
    struct piece *one = arena_zalloc(w->arena, sizeof(*one));
    if (!one) {
        no_memory(w);
        return;
    }
    one->text = keep(w, text);
    *(p->last ? &p->last->next : &p->first) = one;
    p->last = one;
}

static str joined(struct arena *a, const struct pieces *p)
{
    size_t len = 0;
    for (const struct piece *one = p->first; one; one = one->next)
        len += one->text.len;
    char *text = arena_alloc(a, len + 1), *at = text;
    if (!text)
        return STR_NULL;
    for (const struct piece *one = p->first; one; one = one->next) {
        if (one->text.len)
            memcpy(at, one->text.ptr, one->text.len);
        at += one->text.len;
    }
    return str_make(text, len);
}

static struct choice *choice_of(struct answer_writer *w, unsigned index)
{
    struct gemini_answer *g = state_of(w);
    if (index >= CHOICES_MAX)
        return NULL;
    if (!g->choices[index])
        g->choices[index] = arena_zalloc(w->arena, sizeof(struct choice));
    if (!g->choices[index])
        no_memory(w);
    return g->choices[index];
}

/* --- The frame of a response ----------------------------------------------------------------- */

static void write_tail(struct answer_writer *w, struct json_write *j, const struct usage *u)
{
    gemini_put_usage(j, u);
    json_write_member(j, STR("modelVersion"), w->model);
    json_write_member(j, STR("responseId"), w->id);
}

/* One chunk with one part: begun up to the part's members, and ended. */
static void begin_response(struct answer_writer *w, struct json_write *j)
{
    if (!w->array)
        buf_add_lit(w->out, "data: ");
    else
        buf_add_str(w->out, w->events ? STR(",\r\n") : STR("["));
    w->events++;
    json_write_init(j, w->out);
    json_write_object(j);
    json_write_key(j, STR("candidates"));
    json_write_array(j);
}

static void end_response(struct answer_writer *w, struct json_write *j)
{
    json_write_array_end(j);
    write_tail(w, j, &state_of(w)->usage);
    json_write_object_end(j);
    if (!w->array)
        buf_add_lit(w->out, "\n\n");
}

static void begin_content(struct json_write *j)
{
    json_write_key(j, STR("content"));
    json_write_object(j);
    json_write_member(j, STR("role"), STR("model"));
    json_write_key(j, STR("parts"));
    json_write_array(j);
}

static void end_content(struct json_write *j)
{
    json_write_array_end(j);
    json_write_object_end(j);
}

static void begin_part(struct answer_writer *w, struct json_write *j)
{
    begin_response(w, j);
    json_write_object(j);
    begin_content(j);
}

static void end_part(struct answer_writer *w, struct json_write *j, unsigned index)
{
    end_content(j);
    json_write_member_u64(j, STR("index"), index);
    json_write_object_end(j);
    end_response(w, j);
}

/* --- What the client sees -------------------------------------------------------------------- */

static bool shows_thoughts(const struct answer_writer *w)
{
    return w->chat->reasoning_visible == YES;
}

/* --- Signatures ------------------------------------------------------------------------------ */

/* What a thought's signature holds: kind, the opaque text, the item's id. */
static str thought_mark(struct answer_writer *w, enum native_format maker, char kind, str opaque,
                        str item_id)
{
    if (maker == NATIVE_GEMINI || maker == NATIVE_NONE)
        return opaque;
    str text = arena_printf(w->scratch, "%c%.*s\n%.*s", kind, STR_ARG(opaque), STR_ARG(item_id));
    str mark = str_is_null(text) ? text : signature_wrap(w->scratch, NATIVE_GEMINI, maker, text);
    if (str_is_null(mark))
        no_memory(w);
    return mark;
}

/* Reasoning that the next call takes with it. */
static void carry(struct answer_writer *w, struct pieces *to, char kind, str opaque, str item_id,
                  str words)
{
    str text = arena_printf(w->scratch, "%c%.*s\n%.*s\n%.*s\n", kind, STR_ARG(opaque),
                            STR_ARG(item_id), STR_ARG(words));
    if (str_is_null(text))
        no_memory(w);
    else
        add_piece(w, to, text);
}

static str take_carried(struct answer_writer *w, struct choice *c)
{
    if (!c->carried.first)
        return STR_NULL;
    str text = joined(w->scratch, &c->carried);
    str mark =
        str_is_null(text) ? text : signature_wrap(w->arena, NATIVE_GEMINI, c->carried_maker, text);
    c->carried = (struct pieces){NULL, NULL};
    if (str_is_null(mark))
        no_memory(w);
    return mark;
}

/* --- Events ---------------------------------------------------------------------------------- */

static void emit_text(struct answer_writer *w, unsigned index, str raw, bool thought, str signature)
{
    struct json_write j;
    begin_part(w, &j);
    gemini_put_text(&j, raw, thought, signature);
    end_part(w, &j, index);
}

static void end_call(struct answer_writer *w, unsigned index, struct choice *c)
{
    struct json_write j;
    struct chat scratch = {.arena = w->scratch};
    struct tool_call call = {.id = c->call_id, .name = c->call_name};
    if (!c->call_open)
        return;
    c->call_open = false;
    struct raw raw = {joined(w->scratch, &c->arguments)};
    str text = raw_decode(w->scratch, raw);
    c->arguments = (struct pieces){NULL, NULL};
    if (str_is_null(text) || !chat_set_arguments(&scratch, &call, text)) {
        no_memory(w);
        return;
    }
    begin_part(w, &j);
    gemini_put_call(&j, call.id, call.name, chat_call_object(w->scratch, &call), c->call_signature);
    end_part(w, &j, index);
}

static void begin_call(struct answer_writer *w, struct choice *c, const struct chat_event *ev)
{
    bool own = ev->opaque.len && (ev->format == NATIVE_GEMINI || ev->format == NATIVE_NONE);
    c->call_open = true;
    c->call_id = keep(w, ev->id);
    c->call_name = keep(w, ev->name);
    c->call_signature = own ? keep(w, ev->opaque) : take_carried(w, c);
}

/* A signature ends the reasoning before it. */
static void take_signature(struct answer_writer *w, struct choice *c, const struct chat_event *ev,
                           char kind)
{
    str words = kind == 's' ? joined(w->scratch, &c->thought) : STR("");
    bool own = ev->format == NATIVE_GEMINI || ev->format == NATIVE_NONE;
    c->thought = (struct pieces){NULL, NULL};
    if (own) {
        emit_text(w, ev->choice, STR(""), false, ev->opaque);
        return;
    }
    c->carried_maker = ev->format;
    carry(w, &c->carried, kind, ev->opaque, ev->item_id, words);
    if (shows_thoughts(w))
        emit_text(w, ev->choice, STR(""), true,
                  thought_mark(w, ev->format, kind, ev->opaque, ev->item_id));
}

static void take_thought(struct answer_writer *w, struct choice *c, unsigned index, str raw)
{
    if (!raw.len)
        return;
    add_piece(w, &c->thought, raw);
    if (shows_thoughts(w))
        emit_text(w, index, raw, true, STR_NULL);
}

static void take_text(struct answer_writer *w, struct choice *c, unsigned index, str raw)
{
    c->thought = (struct pieces){NULL, NULL};
    if (!raw.len)
        return;
    c->wide = c->wide || !gemini_is_ascii(raw);
    emit_text(w, index, raw, false, STR_NULL);
}

static void take_source(struct answer_writer *w, struct choice *c, const struct citation *from)
{
    struct gemini_source *s = arena_zalloc(w->arena, sizeof(*s));
    if (!s) {
        no_memory(w);
        return;
    }
    *s = (struct gemini_source){.url = keep(w, from->url.s),
                                .title = keep(w, from->title.s),
                                .start = from->start,
                                .end = from->end};
    *(c->last_source ? &c->last_source->next : &c->sources) = s;
    c->last_source = s;
}

static void emit_media(struct answer_writer *w, unsigned index, const struct media *m)
{
    struct json_write j;
    if (m->source != MEDIA_BASE64)
        return;
    begin_part(w, &j);
    gemini_put_media(&j, m);
    end_part(w, &j, index);
}

static void emit_native(struct answer_writer *w, unsigned index, const struct native_block *n)
{
    struct json_write j;
    if (n->format != NATIVE_GEMINI)
        return;
    begin_part(w, &j);
    json_write_raw(&j, n->json);
    end_part(w, &j, index);
}

/* --- Probabilities --------------------------------------------------------------------------- */

static void emit_logprobs(struct answer_writer *w, unsigned index, str elements)
{
    struct json_write j;
    begin_response(w, &j);
    json_write_object(&j);
    gemini_put_logprobs(&j, elements, w->scratch);
    json_write_member_u64(&j, STR("index"), index);
    json_write_object_end(&j);
    end_response(w, &j);
}

/* --- Ends ------------------------------------------------------------------------------------ */

static void take_finish(struct answer_writer *w, struct choice *c, const struct chat_event *ev)
{
    bool refused = ev->finish == FINISH_REFUSAL || ev->finish == FINISH_FILTERED;
    c->finished = true;
    c->finish = ev->finish;
    c->words = refused ? keep(w, ev->text.s) : STR_NULL;
}

/* The last chunk: reasons of all candidates, and what it cost. */
static void emit_end(struct answer_writer *w)
{
    struct gemini_answer *g = state_of(w);
    struct json_write j;
    begin_response(w, &j);
    for (unsigned i = 0; i < CHOICES_MAX; i++) {
        const struct choice *c = g->choices[i];
        if (!c)
            continue;
        json_write_object(&j);
        begin_content(&j);
        gemini_put_text(&j, STR(""), false, STR_NULL);
        end_content(&j);
        gemini_put_reason(&j, c->finished ? c->finish : FINISH_STOP, c->words);
        gemini_put_sources(&j, c->sources, c->wide);
        json_write_member_u64(&j, STR("index"), i);
        json_write_object_end(&j);
    }
    end_response(w, &j);
    if (w->array)
        buf_add_lit(w->out, "]");
}

static bool goes_on(const struct chat_event *ev)
{
    return ev->kind == CHAT_CALL_ARGUMENTS || ev->kind == CHAT_USAGE || ev->kind == CHAT_START;
}

static void end_calls(struct answer_writer *w)
{
    struct gemini_answer *g = state_of(w);
    for (unsigned i = 0; i < CHOICES_MAX; i++)
        if (g->choices[i])
            end_call(w, i, g->choices[i]);
}

static void take(struct answer_writer *w, struct choice *c, const struct chat_event *ev)
{
    switch (ev->kind) {
    case CHAT_TEXT:
    case CHAT_REFUSAL:
        take_text(w, c, ev->choice, ev->text.s);
        break;
    case CHAT_REASONING:
        take_thought(w, c, ev->choice, ev->text.s);
        break;
    case CHAT_REASONING_BREAK:
        take_thought(w, c, ev->choice, STR("\\n\\n"));
        break;
    case CHAT_SIGNATURE:
        take_signature(w, c, ev, 's');
        break;
    case CHAT_REDACTED:
        take_signature(w, c, ev, 'e');
        break;
    case CHAT_CALL:
        begin_call(w, c, ev);
        break;
    case CHAT_CALL_ARGUMENTS:
        add_piece(w, &c->arguments, ev->text.s);
        break;
    case CHAT_CITATION:
        take_source(w, c, ev->citation);
        break;
    case CHAT_MEDIA:
        emit_media(w, ev->choice, ev->media);
        break;
    case CHAT_LOGPROBS:
        emit_logprobs(w, ev->choice, ev->json);
        break;
    case CHAT_NATIVE:
        emit_native(w, ev->choice, ev->native);
        break;
    case CHAT_FINISH:
        take_finish(w, c, ev);
        break;
    case CHAT_START:
    case CHAT_BREAK:
    case CHAT_USAGE:
    case CHAT_FAILED:
    case CHAT_END:
        break;
    }
}

void gemini_write_event(struct answer_writer *w, const struct chat_event *ev)
{
    if (ev->kind == CHAT_END) {
        if (!choice_of(w, 0)) /* an answer has a candidate */
            return;
        end_calls(w);
        emit_end(w);
        return;
    }
    if (ev->kind == CHAT_USAGE) {
        usage_merge(&state_of(w)->usage, &ev->usage);
        return;
    }
    struct choice *c = choice_of(w, ev->choice);
    if (!c)
        return;
    if (!goes_on(ev))
        end_call(w, ev->choice, c);
    take(w, c, ev);
}

/* --- Whole answers --------------------------------------------------------------------------- */

struct whole {
    struct answer_writer *w;
    struct json_write *j;
    struct choice carried; /* of reasoning that the next call takes with it */
};

static void write_reasoning(struct whole *o, const struct reasoning *r)
{
    char kind = r->signature.len ? 's' : 'e';
    str opaque = r->signature.len ? r->signature : r->encrypted;
    bool own = r->format == NATIVE_GEMINI || r->format == NATIVE_NONE;
    str words = r->text.s.ptr ? r->text.s : STR("");
    if (shows_thoughts(o->w) && (words.len || opaque.len))
        gemini_put_text(o->j, words, true,
                        opaque.len && !own ? thought_mark(o->w, r->format, kind, opaque, r->item_id)
                                           : STR_NULL);
    for (const struct block *b = r->summary; b && shows_thoughts(o->w); b = b->next)
        if (b->text.s.len)
            gemini_put_text(o->j, b->text.s, true, STR_NULL);
    if (opaque.len && own)
        gemini_put_text(o->j, STR(""), false, opaque);
    if (!opaque.len || own)
        return;
    o->carried.carried_maker = r->format;
    carry(o->w, &o->carried.carried, kind, opaque, r->item_id, words);
}

static void write_block(struct whole *o, const struct block *b)
{
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        if (b->text.s.len)
            gemini_put_text(o->j, b->text.s, false, STR_NULL);
        break;
    case BLOCK_REASONING:
        write_reasoning(o, &b->reasoning);
        break;
    case BLOCK_CALL: {
        str signature = b->call.signature.len ? b->call.signature : take_carried(o->w, &o->carried);
        gemini_put_call(o->j, b->call.id, b->call.name, chat_call_object(o->w->scratch, &b->call),
                        signature);
        break;
    }
    case BLOCK_IMAGE:
    case BLOCK_AUDIO:
    case BLOCK_VIDEO:
    case BLOCK_DOCUMENT:
        if (b->media.source == MEDIA_BASE64)
            gemini_put_media(o->j, &b->media);
        break;
    case BLOCK_NATIVE:
        if (b->native.format == NATIVE_GEMINI)
            json_write_raw(o->j, b->native.json);
        break;
    case BLOCK_RESULT:
        break;
    }
}

/* Places of a citation are within its block: those of blocks before it are added. */
static void collect_sources(struct answer_writer *w, const struct block *blocks, struct choice *c)
{
    int64_t before = 0;
    for (const struct block *b = blocks; b; b = b->next) {
        if (b->kind != BLOCK_TEXT)
            continue;
        c->wide = c->wide || !gemini_is_ascii(b->text.s);
        for (const struct citation *from = b->citations; from; from = from->next) {
            struct citation moved = *from;
            moved.start += from->start >= 0 ? before : 0;
            moved.end += from->end >= 0 ? before : 0;
            take_source(w, c, &moved);
        }
        str text = raw_decode(w->scratch, b->text);
        before += (int64_t)text.len;
    }
}

static void write_candidate(struct answer_writer *w, struct json_write *j,
                            const struct answer_choice *a)
{
    struct whole o = {.w = w, .j = j};
    struct choice sources = {.seen = true};
    str words = a->refusal_words.s;
    json_write_object(j);
    begin_content(j);
    for (const struct block *b = a->blocks; b; b = b->next)
        write_block(&o, b);
    end_content(j);
    gemini_put_reason(j, a->finish, words);
    json_write_member_u64(j, STR("index"), a->index);
    if (a->logprobs.s.len)
        gemini_put_logprobs(j, a->logprobs.s, w->scratch);
    collect_sources(w, a->blocks, &sources);
    gemini_put_sources(j, sources.sources, sources.wide);
    json_write_object_end(j);
}

void gemini_write_answer(struct answer_writer *w, const struct chat_answer *a)
{
    struct json_write j;
    json_write_init(&j, w->out);
    json_write_object(&j);
    json_write_key(&j, STR("candidates"));
    json_write_array(&j);
    for (const struct answer_choice *c = a->choices; c; c = c->next)
        write_candidate(w, &j, c);
    json_write_array_end(&j);
    write_tail(w, &j, &a->usage);
    json_write_object_end(&j);
}
