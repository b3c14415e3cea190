#include "anthropic_helpers.h"

#include <stdlib.h>

#include "llm/dialect/anthropic_impl.h"
#include "support/test.h"
#include "wire/sse.h"

/* --- Requests */

const struct model_facts claude_new = {
    .vendor = STR_INIT("anthropic"),
    .name = STR_INIT("claude-new"),
    .abilities = ABLE(VISION) | ABLE(IMAGE_URL) | ABLE(PDF) | ABLE(TOOLS) | ABLE(FORCED_TOOL) |
                 ABLE(PARALLEL_TOOLS) | ABLE(JSON_SCHEMA) | ABLE(SCHEMA_WITH_TOOLS) |
                 ABLE(REASONING) | ABLE(ADAPTIVE) | ABLE(MID_SYSTEM) | ABLE(CACHE_MARKS) |
                 ABLE(STOP),
    .efforts = BIT(EFFORT_LOW) | BIT(EFFORT_MEDIUM) | BIT(EFFORT_HIGH) | BIT(EFFORT_XHIGH) |
               BIT(EFFORT_MAX),
    .window = 1000000,
    .output_max = 128000,
};

const struct model_facts claude_old = {
    .vendor = STR_INIT("anthropic"),
    .name = STR_INIT("claude-old"),
    .abilities = ABLE(VISION) | ABLE(IMAGE_URL) | ABLE(PDF) | ABLE(TOOLS) | ABLE(FORCED_TOOL) |
                 ABLE(PARALLEL_TOOLS) | ABLE(REASONING) | ABLE(BUDGET) | ABLE(SAMPLING) |
                 ABLE(PREFILL) | ABLE(CACHE_MARKS) | ABLE(STOP),
    .window = 200000,
    .output_max = 64000,
};

void asked_read(struct asked *q, const char *body)
{
    *q = (struct asked){0};
    arena_init(&q->arena, 0);
    chat_init(&q->chat, &q->arena);
    EXPECT_EQ(json_parse(&q->doc, &q->arena, str_from_c(body), NULL), ERR_NONE);
    uint32_t stream = json_member(&q->doc, JSON_ROOT, STR("stream"));
    q->source = (struct chat_source){
        .doc = &q->doc, .model = STR("asked"), .stream = json_is(&q->doc, stream, JSON_TRUE)};
    q->err = dialect_anthropic.read_request(&q->source, &q->chat);
    if (!q->err)
        q->err = chat_normalize(&q->chat, &q->notes, &q->source.fault);
}

void asked_release(struct asked *q)
{
    arena_release(&q->arena);
}

void sent_write(struct sent *s, struct asked *q, const struct model_facts *facts,
                enum unsupported_policy policy)
{
    *s = (struct sent){0};
    buf_init(&s->body, 0);
    unsupported_init(&s->unsupported, &q->arena, policy);
    s->target = (struct chat_target){.model = STR("claude-x"),
                                     .facts = facts ? facts : &model_facts_unknown,
                                     .kind = ENDPOINT_MESSAGES,
                                     .stream = q->chat.stream,
                                     .arena = &q->arena,
                                     .unsupported = &s->unsupported};
    s->written = dialect_anthropic.write_request(&q->chat, &s->target, &s->body);
    s->reported = unsupported_text(&s->unsupported);
}

void sent_release(struct sent *s)
{
    buf_release(&s->body);
}

static const char *kept(struct buf *b)
{
    buf_add_byte(b, '\0');
    return b->ptr;
}

const char *resent(const char *body, const struct model_facts *facts, const char **reported)
{
    static struct buf text, notes;
    struct asked q;
    struct sent s;
    buf_clear(&text);
    buf_clear(&notes);
    asked_read(&q, body);
    if (q.err) {
        buf_printf(&text, "fault %.*s: %.*s", STR_ARG(q.source.fault.field),
                   STR_ARG(q.source.fault.text));
        asked_release(&q);
        return kept(&text);
    }
    sent_write(&s, &q, facts, UNSUPPORTED_BY_CLASS);
    if (s.written)
        buf_add_str(&text, buf_str(&s.body));
    else
        buf_printf(&text, "refused %.*s: %.*s", STR_ARG(s.unsupported.fault.field),
                   STR_ARG(s.unsupported.fault.text));
    buf_add_str(&notes, s.reported);
    if (reported)
        *reported = kept(&notes);
    sent_release(&s);
    asked_release(&q);
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

static void say_usage(struct buf *b, const struct usage *u)
{
    buf_printf(b, "usage %lld %lld %lld %lld %lld", (long long)u->input, (long long)u->cached,
               (long long)u->cache_write, (long long)u->output, (long long)u->reasoning);
}

static void say(void *arg, const struct chat_event *ev)
{
    struct buf *b = arg;
    if (b->len)
        buf_add_byte(b, '|');
    switch (ev->kind) {
    case CHAT_START:
        buf_printf(b, "start %.*s %.*s", STR_ARG(ev->id), STR_ARG(ev->model));
        break;
    case CHAT_TEXT:
        buf_printf(b, "text %.*s", STR_ARG(ev->text.s));
        break;
    case CHAT_REFUSAL:
        buf_printf(b, "refusal %.*s", STR_ARG(ev->text.s));
        break;
    case CHAT_REASONING:
        buf_printf(b, "reasoning %.*s", STR_ARG(ev->text.s));
        break;
    case CHAT_REASONING_BREAK:
        buf_add_lit(b, "reasoning_break");
        break;
    case CHAT_SIGNATURE:
        buf_printf(b, "signature %d %.*s", (int)ev->format, STR_ARG(ev->opaque));
        break;
    case CHAT_REDACTED:
        buf_printf(b, "redacted %d %.*s", (int)ev->format, STR_ARG(ev->opaque));
        break;
    case CHAT_CALL:
        buf_printf(b, "call %u %.*s %.*s%s", ev->call, STR_ARG(ev->id), STR_ARG(ev->name),
                   ev->custom ? " custom" : "");
        break;
    case CHAT_CALL_ARGUMENTS:
        buf_printf(b, "arguments %u %.*s", ev->call, STR_ARG(ev->text.s));
        break;
    case CHAT_BREAK:
        buf_add_lit(b, "break");
        break;
    case CHAT_CITATION:
        buf_printf(b, "citation %.*s", STR_ARG(ev->citation->url.s));
        break;
    case CHAT_NATIVE:
        buf_printf(b, "native %.*s", STR_ARG(ev->native->json));
        break;
    case CHAT_USAGE:
        say_usage(b, &ev->usage);
        break;
    case CHAT_FINISH:
        buf_printf(b, "finish %s %.*s", finishes[ev->finish], STR_ARG(ev->text.s));
        break;
    case CHAT_FAILED:
        buf_printf(b, "failed %s %.*s", err_code(ev->err), STR_ARG(ev->fault.message));
        break;
    case CHAT_END:
        buf_add_lit(b, "end");
        break;
    case CHAT_MEDIA:
    case CHAT_LOGPROBS:
        buf_add_lit(b, "other");
        break;
    }
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
    arena_init(&r->arena, 0);
    arena_init(&r->scratch, 0);
    chat_init(&r->chat, &r->arena);
    r->target = (struct chat_target){.facts = &model_facts_unknown, .arena = &r->arena};
    EXPECT(answer_reader_init(&r->reader, &dialect_anthropic, &r->arena, &r->scratch, &sink));
    r->reader.chat = &r->chat;
    r->reader.target = &r->target;
}

static const char *reading_end(struct reading *r, struct buf *said)
{
    arena_release(&r->arena);
    arena_release(&r->scratch);
    return kept(said);
}

const char *words_of_stream(const char *stream)
{
    static struct buf said;
    struct reading r;
    struct sse_reader sse;
    struct sse_event ev;
    str bytes = str_from_c(stream);
    buf_clear(&said);
    reading_begin(&r, &said);
    sse_reader_init(&sse, 0);
    while (sse_next(&sse, &bytes, &ev) == SSE_EVENT) {
        dialect_anthropic.read_unit(&r.reader, ev.event, ev.data);
        arena_release(&r.scratch);
    }
    dialect_anthropic.read_end(&r.reader);
    sse_reader_release(&sse);
    return reading_end(&r, &said);
}

const char *words_of_answer(const char *body)
{
    static struct buf said;
    struct reading r;
    buf_clear(&said);
    reading_begin(&r, &said);
    dialect_anthropic.read_answer(&r.reader, str_from_c(body));
    return reading_end(&r, &said);
}

/* --- Words to answers */

static void fill(struct chat_event *ev, str kind, str rest, struct native_block *native,
                 struct citation *citation)
{
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
                 {"signed_call", CHAT_CALL},
                 {"arguments", CHAT_CALL_ARGUMENTS},
                 {"break", CHAT_BREAK},
                 {"citation", CHAT_CITATION},
                 {"native", CHAT_NATIVE},
                 {"usage", CHAT_USAGE},
                 {"finish", CHAT_FINISH},
                 {"end", CHAT_END}};
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(kind, str_from_c(kinds[i].word)))
            ev->kind = kinds[i].kind;
    switch (ev->kind) {
    case CHAT_START:
        ev->id = str_split(&rest, ' ');
        ev->model = rest;
        break;
    case CHAT_SIGNATURE:
    case CHAT_REDACTED:
        ev->format = (enum native_format)atoi(str_split(&rest, ' ').ptr);
        ev->opaque = rest;
        break;
    case CHAT_CALL:
        ev->call = (unsigned)atoi(str_split(&rest, ' ').ptr);
        if (str_eq(kind, STR("signed_call")))
            ev->opaque = STR("c2ln");
        ev->id = str_split(&rest, ' ');
        ev->name = rest;
        break;
    case CHAT_CALL_ARGUMENTS:
        ev->call = (unsigned)atoi(str_split(&rest, ' ').ptr);
        ev->text.s = rest;
        break;
    case CHAT_USAGE:
        ev->usage.known = true;
        ev->usage.input = atoi(str_split(&rest, ' ').ptr);
        ev->usage.cached = atoi(str_split(&rest, ' ').ptr);
        ev->usage.cache_write = atoi(str_split(&rest, ' ').ptr);
        ev->usage.output = atoi(str_split(&rest, ' ').ptr);
        ev->usage.reasoning = atoi(rest.ptr);
        break;
    case CHAT_FINISH: {
        str word = str_split(&rest, ' ');
        for (unsigned i = 0; i < ARRAY_LEN(finishes); i++)
            if (str_eq(word, str_from_c(finishes[i])))
                ev->finish = (enum finish)i;
        ev->text.s = rest;
        break;
    }
    case CHAT_NATIVE:
        native->format = NATIVE_ANTHROPIC;
        native->json = rest;
        ev->native = native;
        break;
    case CHAT_CITATION:
        citation->url.s = rest;
        citation->format = NATIVE_OPENAI;
        ev->citation = citation;
        break;
    default:
        ev->text.s = rest;
    }
}

static void speak(const char *words, const struct chat_sink *to)
{
    str left = str_from_c(words);
    while (left.len) {
        str rest = str_split(&left, '|'), kind = str_split(&rest, ' ');
        struct chat_event ev = {0};
        struct native_block native = {0};
        struct citation citation = {0};
        fill(&ev, kind, rest, &native, &citation);
        chat_emit(to, &ev);
    }
}

struct writing {
    struct arena arena, scratch;
    struct chat chat;
    struct answer_writer writer;
};

static void writing_begin(struct writing *w, struct buf *out)
{
    arena_init(&w->arena, 0);
    arena_init(&w->scratch, 0);
    chat_init(&w->chat, &w->arena);
    buf_clear(out);
    EXPECT(answer_writer_init(&w->writer, &dialect_anthropic, &w->arena, &w->scratch, out));
    w->writer.chat = &w->chat;
    w->writer.id = STR("0123456789abcdefghijklmn");
    w->writer.id_is_own = true;
    w->writer.model = STR("asked");
    w->writer.request_id = STR("req-1");
}

static void write_one(void *arg, const struct chat_event *ev)
{
    struct writing *w = arg;
    dialect_anthropic.write_event(&w->writer, ev);
    arena_release(&w->scratch);
}

const char *stream_of_words(const char *words)
{
    static struct buf out;
    struct writing w;
    writing_begin(&w, &out);
    speak(words, &(struct chat_sink){write_one, &w});
    EXPECT(!out.failed);
    arena_release(&w.arena);
    return kept(&out);
}

const char *answer_of_words(const char *words)
{
    static struct buf out;
    struct writing w;
    struct chat_answer answer;
    writing_begin(&w, &out);
    chat_answer_init(&answer, 0);
    speak(words, &(struct chat_sink){chat_answer_take, &answer});
    chat_answer_seal(&answer);
    EXPECT(answer.complete && !answer.failed && !answer.no_memory);
    dialect_anthropic.write_answer(&w.writer, &answer);
    EXPECT(!out.failed);
    chat_answer_release(&answer);
    arena_release(&w.arena);
    arena_release(&w.scratch);
    return kept(&out);
}
