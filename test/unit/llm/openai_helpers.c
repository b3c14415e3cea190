#include "openai_helpers.h"

#include <stdlib.h>

#include "llm/provider.h"
#include "support/test.h"
#include "wire/sse.h"

#define D dialect_of(ENDPOINT_CHAT)

static const char *kept(struct buf *b)
{
    buf_add_byte(b, '\0');
    EXPECT(!b->failed);
    return b->ptr;
}

/* --- Requests */

void openai_ask_as(struct openai_asked *q, enum endpoint_kind kind, const char *body)
{
    const struct dialect *d = dialect_of(kind);
    *q = (struct openai_asked){0};
    arena_init(&q->arena, 0);
    chat_init(&q->chat, &q->arena);
    EXPECT_EQ(json_parse(&q->doc, &q->arena, str_from_c(body), NULL), ERR_NONE);
    uint32_t options = json_member(&q->doc, JSON_ROOT, STR("stream_options"));
    q->chat.dialect = d->native;
    q->chat.stream = json_is(&q->doc, json_member(&q->doc, JSON_ROOT, STR("stream")), JSON_TRUE);
    q->chat.usage_wanted =
        json_is(&q->doc, json_member(&q->doc, options, STR("include_usage")), JSON_TRUE);
    q->source =
        (struct chat_source){.doc = &q->doc, .model = STR("asked"), .stream = q->chat.stream};
    q->err = d->read_request(&q->source, &q->chat);
    if (!q->err)
        q->err = chat_normalize(&q->chat, &q->notes, &q->source.fault);
}

void openai_ask(struct openai_asked *q, const char *body)
{
    openai_ask_as(q, ENDPOINT_CHAT, body);
}

void openai_asked_release(struct openai_asked *q)
{
    arena_release(&q->arena);
}

static void say_media(struct buf *b, const char *kind, const struct media *m)
{
    static const char *const sources[] = {"base64", "text", "url", "file"};
    str data = m->source == MEDIA_TEXT ? m->text.s : m->data;
    buf_printf(b, "%s %s %.*s %.*s", kind, sources[m->source], STR_ARG(m->mime), STR_ARG(data));
    if (m->name.len)
        buf_printf(b, " name=%.*s", STR_ARG(m->name));
    if (m->detail)
        buf_printf(b, " detail=%d", (int)m->detail);
}

static void say_reasoning(struct buf *b, const struct reasoning *r)
{
    buf_printf(b, "reasoning '%.*s'", STR_ARG(r->text.s));
    if (r->signature.len)
        buf_printf(b, " signature=%.*s/%d", STR_ARG(r->signature), (int)r->format);
    if (r->encrypted.len)
        buf_printf(b, " encrypted=%.*s/%d", STR_ARG(r->encrypted), (int)r->format);
}

static void say_block(struct buf *b, const struct block *k)
{
    switch (k->kind) {
    case BLOCK_TEXT:
        buf_printf(b, "text %.*s", STR_ARG(k->text.s));
        break;
    case BLOCK_REFUSAL:
        buf_printf(b, "refusal %.*s", STR_ARG(k->text.s));
        break;
    case BLOCK_IMAGE:
        say_media(b, "image", &k->media);
        break;
    case BLOCK_AUDIO:
        say_media(b, "audio", &k->media);
        break;
    case BLOCK_VIDEO:
        say_media(b, "video", &k->media);
        break;
    case BLOCK_DOCUMENT:
        say_media(b, "document", &k->media);
        break;
    case BLOCK_CALL:
        buf_printf(b, "call %.*s %.*s %.*s%s", STR_ARG(k->call.id), STR_ARG(k->call.name),
                   STR_ARG(k->call.arguments), k->call.custom ? " custom" : "");
        if (k->call.is_raw)
            buf_add_lit(b, " raw");
        if (k->call.signature.len)
            buf_printf(b, " signature=%.*s", STR_ARG(k->call.signature));
        break;
    case BLOCK_RESULT:
        buf_printf(b, "result %.*s%s", STR_ARG(k->result.call_id),
                   k->result.is_error ? " error" : "");
        for (const struct block *c = k->result.content; c; c = c->next) {
            buf_add_byte(b, ' ');
            say_block(b, c);
        }
        break;
    case BLOCK_REASONING:
        say_reasoning(b, &k->reasoning);
        break;
    case BLOCK_NATIVE:
        buf_printf(b, "native %.*s", STR_ARG(k->native.type));
        break;
    }
    if (k->cached)
        buf_printf(b, " cached=%u", k->cache_ttl_s);
}

static void say_turns(struct buf *b, const struct turn *turns)
{
    static const char *const roles[] = {"system", "user", "assistant"};
    for (const struct turn *t = turns; t; t = t->next) {
        buf_printf(b, "%s%s%s:", b->len ? "|" : "", roles[t->role], t->developer ? " dev" : "");
        for (const struct block *k = t->blocks; k; k = k->next) {
            buf_add_lit(b, " ");
            say_block(b, k);
            if (k->next)
                buf_add_lit(b, ",");
        }
        if (t->name.len)
            buf_printf(b, " (%.*s)", STR_ARG(t->name));
    }
}

const char *openai_read(const char *body)
{
    static struct buf text;
    struct openai_asked q;
    buf_clear(&text);
    openai_ask(&q, body);
    if (q.err) {
        buf_printf(&text, "fault %.*s: %.*s", STR_ARG(q.source.fault.field),
                   STR_ARG(q.source.fault.text));
    } else {
        say_turns(&text, q.chat.system);
        say_turns(&text, q.chat.turns);
    }
    openai_asked_release(&q);
    return kept(&text);
}

const char *openai_resend(struct openai_to *to, enum endpoint_kind from, const char *body)
{
    static struct buf text, notes;
    struct unsupported u;
    struct openai_asked q;
    const char *type = to->type ? to->type : "openai", *model = to->model ? to->model : "gpt-4.1";
    struct provider_conf conf = {.type = str_from_c(type),
                                 .provider = provider_find(str_from_c(type)),
                                 .stream_usage = true};
    if (to->preset)
        conf.preset = str_from_c(to->preset);
    if (to->version)
        conf.api_version = str_from_c(to->version);
    buf_clear(&text);
    buf_clear(&notes);
    openai_ask_as(&q, from, body);
    if (q.err)
        EXPECT_FAIL("%.*s: %.*s", STR_ARG(q.source.fault.field), STR_ARG(q.source.fault.text));
    unsupported_init(&u, &q.arena, to->policy);
    struct chat_target target = {.model = str_from_c(model),
                                 .facts = model_facts_find(str_from_c(type), str_from_c(model)),
                                 .conf = &conf,
                                 .kind = ENDPOINT_CHAT,
                                 .stream = q.chat.stream,
                                 .arena = &q.arena,
                                 .unsupported = &u};
    if (!D->write_request(&q.chat, &target, &text)) {
        buf_clear(&text);
        buf_printf(&text, "refused %.*s: %.*s", STR_ARG(u.fault.field), STR_ARG(u.fault.text));
    }
    buf_add_str(&notes, unsupported_text(&u));
    to->reported = kept(&notes);
    openai_asked_release(&q);
    return kept(&text);
}

/* --- Answers in words */

static const char *const finishes[] = {
    [FINISH_STOP] = "stop",           [FINISH_STOP_SEQUENCE] = "stop_sequence",
    [FINISH_LENGTH] = "length",       [FINISH_CONTEXT] = "context",
    [FINISH_CALLS] = "calls",         [FINISH_REFUSAL] = "refusal",
    [FINISH_FILTERED] = "filtered",   [FINISH_PAUSE] = "pause",
    [FINISH_MALFORMED] = "malformed", [FINISH_OTHER] = "other",
};

static const struct {
    const char *word;
    enum chat_event_kind kind;
} kinds[] = {{"start", CHAT_START},
             {"text", CHAT_TEXT},
             {"refusal", CHAT_REFUSAL},
             {"reasoning", CHAT_REASONING},
             {"reasoning_break", CHAT_REASONING_BREAK},
             {"signature", CHAT_SIGNATURE},
             {"redacted", CHAT_REDACTED},
             {"call", CHAT_CALL},
             {"arguments", CHAT_CALL_ARGUMENTS},
             {"break", CHAT_BREAK},
             {"citation", CHAT_CITATION},
             {"media", CHAT_MEDIA},
             {"logprobs", CHAT_LOGPROBS},
             {"native", CHAT_NATIVE},
             {"usage", CHAT_USAGE},
             {"finish", CHAT_FINISH},
             {"failed", CHAT_FAILED},
             {"end", CHAT_END}};

static void say_rest(struct buf *b, const struct chat_event *ev)
{
    switch (ev->kind) {
    case CHAT_START:
        buf_printf(b, " %.*s %.*s", STR_ARG(ev->id), STR_ARG(ev->model));
        break;
    case CHAT_SIGNATURE:
    case CHAT_REDACTED:
        buf_printf(b, " %d %.*s", (int)ev->format, STR_ARG(ev->opaque));
        break;
    case CHAT_CALL:
        buf_printf(b, " %u %.*s %.*s%s", ev->call, STR_ARG(ev->id), STR_ARG(ev->name),
                   ev->custom ? " custom" : "");
        if (ev->opaque.len)
            buf_printf(b, " signature=%.*s", STR_ARG(ev->opaque));
        break;
    case CHAT_CALL_ARGUMENTS:
        buf_printf(b, " %u %.*s", ev->call, STR_ARG(ev->text.s));
        break;
    case CHAT_CITATION:
        buf_printf(b, " %.*s %lld-%lld", STR_ARG(ev->citation->url.s),
                   (long long)ev->citation->start, (long long)ev->citation->end);
        break;
    case CHAT_MEDIA:
        buf_printf(b, " %.*s %.*s", STR_ARG(ev->media->mime), STR_ARG(ev->media->data));
        break;
    case CHAT_LOGPROBS:
        buf_printf(b, " %.*s", STR_ARG(ev->json));
        break;
    case CHAT_USAGE:
        buf_printf(b, " %lld %lld %lld %lld %lld", (long long)ev->usage.input,
                   (long long)ev->usage.cached, (long long)ev->usage.cache_write,
                   (long long)ev->usage.output, (long long)ev->usage.reasoning);
        break;
    case CHAT_FINISH:
        buf_printf(b, " %s %.*s", finishes[ev->finish], STR_ARG(ev->reason));
        if (ev->text.s.len)
            buf_printf(b, " (%.*s)", STR_ARG(ev->text.s));
        break;
    case CHAT_FAILED:
        buf_printf(b, " %s %.*s", err_code(ev->err), STR_ARG(ev->fault.message));
        break;
    default:
        if (ev->text.s.len)
            buf_printf(b, " %.*s", STR_ARG(ev->text.s));
    }
}

static void say(void *arg, const struct chat_event *ev)
{
    struct buf *b = arg;
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].kind == ev->kind)
            buf_printf(b, "%s%s%s", b->len ? "|" : "", ev->choice ? "1: " : "", kinds[i].word);
    say_rest(b, ev);
}

struct reading {
    struct arena arena, scratch;
    struct chat chat;
    struct chat_target target;
    struct answer_reader reader;
};

static void reading_begin(struct reading *r, struct buf *said)
{
    struct chat_sink sink = {say, said};
    buf_clear(said);
    arena_init(&r->arena, 0);
    arena_init(&r->scratch, 0);
    chat_init(&r->chat, &r->arena);
    r->target = (struct chat_target){.facts = &model_facts_unknown, .arena = &r->arena};
    EXPECT(answer_reader_init(&r->reader, D, &r->arena, &r->scratch, &sink));
    r->reader.chat = &r->chat;
    r->reader.target = &r->target;
}

static const char *reading_end(struct reading *r, struct buf *said)
{
    arena_release(&r->arena);
    arena_release(&r->scratch);
    return kept(said);
}

const char *openai_words_of_stream(const char *stream)
{
    static struct buf said;
    struct reading r;
    struct sse_reader sse;
    struct sse_event ev;
    str bytes = str_from_c(stream);
    reading_begin(&r, &said);
    sse_reader_init(&sse, 0);
    while (sse_next(&sse, &bytes, &ev) == SSE_EVENT) {
        if (ev.is_event)
            D->read_unit(&r.reader, ev.event, ev.data);
        arena_release(&r.scratch);
    }
    D->read_end(&r.reader);
    sse_reader_release(&sse);
    return reading_end(&r, &said);
}

const char *openai_words_of_answer(const char *body)
{
    static struct buf said;
    struct reading r;
    reading_begin(&r, &said);
    D->read_answer(&r.reader, str_from_c(body));
    return reading_end(&r, &said);
}

/* --- Words to answers */

static unsigned number_of(str *rest)
{
    return (unsigned)atoi(str_split(rest, ' ').ptr);
}

static enum finish finish_of(str word)
{
    for (unsigned i = 0; i < ARRAY_LEN(finishes); i++)
        if (str_eq(word, str_from_c(finishes[i])))
            return (enum finish)i;
    EXPECT_FAIL("no finish: %.*s", STR_ARG(word));
}

/* What an event of words points to. */
struct pieces {
    struct citation citation;
    struct media media;
};

static void fill(struct chat_event *ev, str rest, struct pieces *p)
{
    switch (ev->kind) {
    case CHAT_START:
        ev->id = str_split(&rest, ' ');
        ev->model = rest;
        break;
    case CHAT_SIGNATURE:
    case CHAT_REDACTED:
        ev->format = (enum native_format)number_of(&rest);
        ev->opaque = rest;
        break;
    case CHAT_CALL: /* number, id, name [, Gemini's signature] */
        ev->call = number_of(&rest);
        ev->id = str_split(&rest, ' ');
        ev->name = str_split(&rest, ' ');
        ev->opaque = rest;
        break;
    case CHAT_CALL_ARGUMENTS:
        ev->call = number_of(&rest);
        ev->text.s = rest;
        break;
    case CHAT_USAGE:
        ev->usage = (struct usage){.known = true, .cache_write = -1};
        ev->usage.input = number_of(&rest);
        ev->usage.cached = number_of(&rest);
        ev->usage.cache_write = number_of(&rest);
        ev->usage.output = number_of(&rest);
        ev->usage.reasoning = number_of(&rest);
        break;
    case CHAT_FINISH:
        ev->finish = finish_of(str_split(&rest, ' '));
        ev->reason = rest;
        ev->text.s = rest;
        break;
    case CHAT_CITATION: /* address [, start, end] */
        p->citation = (struct citation){.url.s = str_split(&rest, ' '), .start = -1, .end = -1};
        if (rest.len) {
            p->citation.start = number_of(&rest);
            p->citation.end = number_of(&rest);
        }
        ev->citation = &p->citation;
        break;
    case CHAT_MEDIA:
        p->media = (struct media){.source = MEDIA_BASE64, .mime = str_split(&rest, ' ')};
        p->media.data = rest;
        ev->media = &p->media;
        break;
    case CHAT_LOGPROBS:
        ev->json = rest;
        break;
    default:
        ev->text.s = rest;
    }
}

static void speak(const char *words, const struct chat_sink *to)
{
    str left = str_from_c(words);
    while (left.len) {
        str rest = str_split(&left, '|');
        struct chat_event ev = {.kind = CHAT_FAILED};
        struct pieces pieces = {0};
        if (str_starts(rest, STR("1: "))) {
            ev.choice = 1;
            rest = str_from(rest, 3);
        }
        str kind = str_split(&rest, ' ');
        for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
            if (str_eq(kind, str_from_c(kinds[i].word)))
                ev.kind = kinds[i].kind;
        EXPECT(ev.kind != CHAT_FAILED);
        fill(&ev, rest, &pieces);
        chat_emit(to, &ev);
    }
}

struct writing {
    struct openai_asked asked;
    struct arena scratch;
    struct answer_writer writer;
};

static void writing_begin(struct writing *w, enum endpoint_kind kind, const char *body,
                          struct buf *out)
{
    openai_ask(&w->asked, body);
    EXPECT_EQ(w->asked.err, ERR_NONE);
    arena_init(&w->scratch, 0);
    buf_clear(out);
    EXPECT(answer_writer_init(&w->writer, D, &w->asked.arena, &w->scratch, out));
    w->writer.chat = &w->asked.chat;
    w->writer.kind = kind;
    w->writer.id = STR("ID");
    w->writer.id_is_own = true;
    w->writer.model = STR("m");
    w->writer.created_s = 7;
}

static const char *writing_end(struct writing *w, struct buf *out)
{
    arena_release(&w->scratch);
    openai_asked_release(&w->asked);
    return kept(out);
}

static void write_one(void *arg, const struct chat_event *ev)
{
    struct writing *w = arg;
    D->write_event(&w->writer, ev);
    arena_release(&w->scratch);
}

const char *openai_stream(enum endpoint_kind kind, const char *body, const char *words)
{
    static struct buf out;
    struct writing w;
    writing_begin(&w, kind, body, &out);
    speak(words, &(struct chat_sink){write_one, &w});
    return writing_end(&w, &out);
}

const char *openai_answer(enum endpoint_kind kind, const char *body, const char *words)
{
    static struct buf out;
    struct writing w;
    struct chat_answer answer;
    writing_begin(&w, kind, body, &out);
    chat_answer_init(&answer, 0);
    speak(words, &(struct chat_sink){chat_answer_take, &answer});
    chat_answer_seal(&answer);
    EXPECT(answer.complete && !answer.failed && !answer.no_memory);
    D->write_answer(&w.writer, &answer);
    chat_answer_release(&answer);
    return writing_end(&w, &out);
}
