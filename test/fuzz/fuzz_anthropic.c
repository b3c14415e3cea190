/*
 * Anthropic's Messages API, both halves.  The first byte chooses: a request is read, normalised, written for
 * a kind of model, and what was written is well-formed JSON; a stream or a whole answer is read into
 * events, and what is written for them, streamed and whole, is read again without a fault.
 */
#include "base/check.h"
#include "llm/dialect.h"
#include "llm/dialect/anthropic_impl.h"
#include "llm/token_estimate.h"
#include "wire/sse.h"

extern const struct dialect dialect_anthropic;

enum { BUDGET = 64 << 20 };

static bool is_json(str text, struct arena *a)
{
    struct json_doc doc;
    enum err err = json_parse(&doc, a, text, &(struct json_options){.depth_max = JSON_DEPTH_MAX});
    return err != ERR_JSON_INVALID;
}

/* --- Requests */

static void write_for(const struct chat *c, struct model_facts *facts, unsigned policy,
                      struct arena *a)
{
    struct unsupported u;
    struct buf out;
    unsupported_init(&u, a, (enum unsupported_policy)(policy % 3));
    struct chat_target t = {.model = STR("claude-x"),
                            .facts = facts,
                            .kind = ENDPOINT_MESSAGES,
                            .stream = c->stream,
                            .arena = a,
                            .unsupported = &u};
    buf_init(&out, 0);
    if (dialect_anthropic.write_request(c, &t, &out)) {
        CHECK(is_json(buf_str(&out), a));
        CHECK(u.fault.err == ERR_NONE);
    }
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
    if (!json_parse(&doc, &a, body, &(struct json_options){.root_object = true})) {
        struct chat_source in = {.doc = &doc, .model = STR("m")};
        enum err err = dialect_anthropic.read_request(&in, &chat);
        if (!err)
            err = chat_normalize(&chat, &notes, &in.fault);
        if (!err) {
            CHECK(token_estimate(&chat) > 0);
            facts.abilities ^= (uint64_t)choice * UINT64_C(0x9e3779b97f4a7c15);
            facts.output_max = choice & 1 ? 8192 : 0;
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
    unsigned ends;
};

static void take(void *arg, const struct chat_event *ev)
{
    struct relay *r = arg;
    CHECK(r->ends == 0); /* nothing follows END or FAILED */
    r->ends += ev->kind == CHAT_END || ev->kind == CHAT_FAILED;
    chat_answer_take(&r->whole, ev);
    if (ev->kind != CHAT_FAILED)
        dialect_anthropic.write_event(&r->writer, ev);
}

static void relay_begin(struct relay *r)
{
    struct chat_sink sink = {take, r};
    *r = (struct relay){0};
    arena_init(&r->arena, BUDGET);
    arena_init(&r->scratch, BUDGET);
    arena_init(&r->written, BUDGET);
    buf_init(&r->out, BUDGET);
    chat_init(&r->chat, &r->arena);
    chat_answer_init(&r->whole, BUDGET);
    r->target = (struct chat_target){.facts = &model_facts_unknown, .arena = &r->arena};
    CHECK(answer_reader_init(&r->reader, &dialect_anthropic, &r->arena, &r->scratch, &sink));
    CHECK(answer_writer_init(&r->writer, &dialect_anthropic, &r->arena, &r->written, &r->out));
    r->reader.chat = r->writer.chat = &r->chat;
    r->reader.target = &r->target;
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
        if (ev.is_event)
            dialect_anthropic.read_unit(&r->reader, ev.event, ev.data);
        arena_release(&r->scratch);
    }
    dialect_anthropic.read_end(&r->reader);
    sse_reader_release(&sse);
}

/* What was written for a complete answer is a complete answer. */
static void check_written(struct relay *r)
{
    struct relay again;
    struct answer_writer w;
    struct buf out;
    if (r->out.failed || !r->whole.complete || r->whole.no_memory)
        return;
    relay_begin(&again);
    read_stream(&again, buf_str(&r->out));
    CHECK(again.whole.complete || again.whole.failed == false);
    CHECK(!again.whole.failed);
    relay_end(&again);
    chat_answer_seal(&r->whole);
    buf_init(&out, BUDGET);
    if (answer_writer_init(&w, &dialect_anthropic, &r->arena, &r->written, &out)) {
        w.chat = &r->chat;
        w.id = STR("x");
        w.model = STR("m");
        dialect_anthropic.write_answer(&w, &r->whole);
        if (!out.failed)
            CHECK(is_json(buf_str(&out), &r->written));
    }
    buf_release(&out);
}

static void answer(str data, bool stream)
{
    struct relay r;
    relay_begin(&r);
    if (stream)
        read_stream(&r, data);
    else
        dialect_anthropic.read_answer(&r.reader, data);
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
        answer(data, true);
        break;
    case 1:
        answer(data, false);
        break;
    case 2:
        request(data, bytes[0] >> 2);
        break;
    default:
        arena_init(&a, BUDGET);
        dialect_anthropic.read_error(data, &a, &fault);
        arena_release(&a);
    }
    return 0;
}
