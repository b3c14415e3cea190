/*
 * Chat completions and legacy completions, both halves.  The first byte chooses: a request is read,
 * normalised, written for a server and a kind of model, and what was written is well-formed JSON; a stream or
 * a whole answer is read into events, and what is written for them, streamed and whole, is read again
 * without a fault and says the same.
 */
#include "base/check.h"
#include "llm/dialect.h"
#include "llm/dialect/openai_chat_impl.h"
#include "llm/openai_api.h"
#include "llm/provider.h"
#include "wire/sse.h"

extern const struct dialect dialect_openai_chat;

enum { BUDGET = 64 << 20 };

static bool is_json(str text, struct arena *a)
{
    struct json_doc doc;
    enum err err = json_parse(&doc, a, text, &(struct json_options){.depth_max = JSON_DEPTH_MAX});
    return err != ERR_JSON_INVALID;
}

/* --- Requests */

static void write_for(const struct chat *c, struct model_facts *facts, unsigned choice,
                      struct arena *a)
{
    static const char *const types[] = {"openai", "azure", "vllm", "together", "openai-compatible"};
    static const char *const presets[] = {"", "groq", "openrouter", "mistral"};
    struct provider_conf conf = {.stream_usage = true};
    struct unsupported u;
    struct buf out;
    conf.provider = provider_find(str_from_c(types[choice % ARRAY_LEN(types)]));
    conf.preset = str_from_c(presets[choice / 5 % ARRAY_LEN(presets)]);
    unsupported_init(&u, a, (enum unsupported_policy)(choice % 3));
    struct chat_target t = {.model = STR("gpt-x"),
                            .facts = facts,
                            .conf = &conf,
                            .kind = ENDPOINT_CHAT,
                            .stream = choice & 1,
                            .arena = a,
                            .unsupported = &u};
    buf_init(&out, 0);
    if (dialect_openai_chat.write_request(c, &t, &out)) {
        CHECK(is_json(buf_str(&out), a));
        CHECK(u.fault.err == ERR_NONE);
    }
    (void)openai_wants_responses(facts, c);
    buf_release(&out);
}

static void request(str body, unsigned choice)
{
    struct arena a;
    struct json_doc doc;
    struct chat chat;
    struct name_list *notes = NULL;
    struct model_facts facts = model_facts_unknown;
    arena_init(&a, BUDGET);
    chat_init(&chat, &a);
    chat.dialect = NATIVE_OPENAI;
    if (!json_parse(&doc, &a, body, &(struct json_options){.root_object = true})) {
        struct chat_source in = {.doc = &doc, .model = STR("m")};
        enum err err = dialect_openai_chat.read_request(&in, &chat);
        if (!err)
            err = chat_normalize(&chat, &notes, &in.fault);
        if (!err) {
            facts.abilities ^= (uint64_t)choice * UINT64_C(0x9e3779b97f4a7c15);
            facts.efforts = choice & 4 ? 0 : facts.efforts;
            write_for(&chat, &facts, choice, &a);
        } else {
            CHECK(err == ERR_NO_MEMORY || in.fault.text.len > 0);
        }
    }
    arena_release(&a);
}

/* --- Answers */

struct relay {
    struct arena arena, scratch, written;
    struct chat chat;
    struct chat_target target;
    struct answer_reader reader;
    struct answer_writer writer;
    struct chat_answer whole;
    struct buf out;
    bool begun;
    unsigned ends, calls[8];
};

static void check_order(struct relay *r, const struct chat_event *ev)
{
    CHECK(r->ends == 0); /* nothing follows END or FAILED */
    CHECK(ev->choice < ARRAY_LEN(r->calls));
    CHECK(r->begun || ev->kind == CHAT_START || ev->kind == CHAT_FAILED);
    if (ev->kind == CHAT_CALL)
        CHECK(ev->call == r->calls[ev->choice]++ && ev->name.len > 0);
    if (ev->kind == CHAT_CALL_ARGUMENTS)
        CHECK(ev->call < r->calls[ev->choice] && ev->text.s.len > 0);
    r->begun = true;
    r->ends += ev->kind == CHAT_END || ev->kind == CHAT_FAILED;
}

static void take(void *arg, const struct chat_event *ev)
{
    struct relay *r = arg;
    check_order(r, ev);
    chat_answer_take(&r->whole, ev);
    if (ev->kind != CHAT_FAILED)
        dialect_openai_chat.write_event(&r->writer, ev);
    arena_release(&r->written);
}

static void relay_begin(struct relay *r, enum endpoint_kind kind)
{
    struct chat_sink sink = {take, r};
    *r = (struct relay){0};
    arena_init(&r->arena, BUDGET);
    arena_init(&r->scratch, BUDGET);
    arena_init(&r->written, BUDGET);
    buf_init(&r->out, BUDGET);
    chat_init(&r->chat, &r->arena);
    r->chat.n = STR("8");
    r->chat.usage_wanted = true;
    chat_answer_init(&r->whole, BUDGET);
    r->target = (struct chat_target){.facts = &model_facts_unknown, .arena = &r->arena};
    CHECK(answer_reader_init(&r->reader, &dialect_openai_chat, &r->arena, &r->scratch, &sink));
    CHECK(answer_writer_init(&r->writer, &dialect_openai_chat, &r->arena, &r->written, &r->out));
    r->reader.chat = r->writer.chat = &r->chat;
    r->reader.target = &r->target;
    r->writer.kind = kind;
    r->writer.id = STR("0123456789abcdefghijklmn");
    r->writer.id_is_own = true;
    r->writer.model = STR("m");
}

static void relay_end(struct relay *r)
{
    arena_release(&r->arena);
    arena_release(&r->scratch);
    arena_release(&r->written);
    buf_release(&r->out);
    chat_answer_release(&r->whole);
}

static void read_stream(struct relay *r, str bytes)
{
    struct sse_reader sse;
    struct sse_event ev;
    sse_reader_init(&sse, 0);
    while (sse_next(&sse, &bytes, &ev) == SSE_EVENT) {
        if (ev.is_event && !r->reader.ended)
            dialect_openai_chat.read_unit(&r->reader, ev.event, ev.data);
        arena_release(&r->scratch);
    }
    if (!r->reader.ended)
        dialect_openai_chat.read_end(&r->reader);
    sse_reader_release(&sse);
}

/* All that is said of a kind. */
static void said(const struct chat_answer *a, enum block_kind kind, struct buf *out)
{
    buf_init(out, 0);
    for (const struct answer_choice *c = a->choices; c; c = c->next)
        for (const struct block *b = c->blocks; b; b = b->next)
            if (b->kind == kind)
                buf_add_str(out, kind == BLOCK_CALL        ? b->call.name
                                 : kind == BLOCK_REASONING ? b->reasoning.text.s
                                                           : b->text.s);
}

static void check_same(const struct chat_answer *a, const struct chat_answer *b,
                       enum block_kind kind)
{
    struct buf one, other;
    said(a, kind, &one);
    said(b, kind, &other);
    CHECK(one.failed || other.failed || str_eq(buf_str(&one), buf_str(&other)));
    buf_release(&one);
    buf_release(&other);
}

/* What was written for a complete answer is a complete answer. */
static void check_written(struct relay *r)
{
    struct relay again;
    struct answer_writer w;
    struct buf out;
    if (r->out.failed || !r->whole.complete || r->whole.no_memory)
        return;
    chat_answer_seal(&r->whole);
    relay_begin(&again, r->writer.kind);
    read_stream(&again, buf_str(&r->out));
    CHECK(again.whole.complete);
    chat_answer_seal(&again.whole);
    if (!again.whole.no_memory) {
        check_same(&r->whole, &again.whole, BLOCK_TEXT);
        if (r->writer.kind == ENDPOINT_CHAT)
            check_same(&r->whole, &again.whole, BLOCK_CALL);
    }
    relay_end(&again);
    buf_init(&out, BUDGET);
    if (answer_writer_init(&w, &dialect_openai_chat, &r->arena, &r->written, &out)) {
        w.chat = &r->chat;
        w.kind = r->writer.kind;
        w.id = STR("x");
        w.model = STR("m");
        dialect_openai_chat.write_answer(&w, &r->whole);
        if (!out.failed)
            CHECK(is_json(buf_str(&out), &r->written));
    }
    buf_release(&out);
}

static void answer(str data, bool stream, bool legacy)
{
    struct relay r;
    relay_begin(&r, legacy ? ENDPOINT_COMPLETIONS : ENDPOINT_CHAT);
    if (stream)
        read_stream(&r, data);
    else
        dialect_openai_chat.read_answer(&r.reader, data);
    CHECK(stream || r.ends == 1);
    check_written(&r);
    relay_end(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct provider_fault fault;
    struct arena a;
    if (size == 0)
        return 0;
    str data = str_make((const char *)bytes + 1, size - 1);
    switch (bytes[0] & 3) {
    case 0:
        answer(data, true, bytes[0] & 4);
        break;
    case 1:
        answer(data, false, bytes[0] & 4);
        break;
    case 2:
        request(data, bytes[0] >> 2);
        break;
    default:
        arena_init(&a, BUDGET);
        dialect_openai_chat.read_error(data, &a, &fault);
        arena_release(&a);
    }
    return 0;
}
