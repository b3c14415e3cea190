/*
 * Bedrock's dialect.  The first byte: what the rest is.
 *   'f'  frames, one a line: name, blank, payload     'a'  a whole answer      'e'  an error's body
 *   'c'  a request of Anthropic's format, and 'n' one to a model of another family, to be written
 *        for Converse: what comes out is JSON, or a refusal
 * Events come in their order; nothing follows the end.
 */
#include "llm/dialect.h"

struct listener {
    bool started, finished, over;
    unsigned calls;
};

static void on_event(void *arg, const struct chat_event *ev)
{
    struct listener *l = arg;
    CHECK(!l->over);
    CHECK(ev->kind == CHAT_START ? !l->started : l->started || ev->kind == CHAT_FAILED);
    switch (ev->kind) {
    case CHAT_START:
        l->started = true;
        break;
    case CHAT_CALL:
        CHECK(ev->call == l->calls++ && ev->name.len);
        break;
    case CHAT_CALL_ARGUMENTS:
        CHECK(ev->call < l->calls);
        break;
    case CHAT_FINISH:
        l->finished = true;
        break;
    case CHAT_FAILED:
        l->over = true;
        break;
    case CHAT_END:
        CHECK(l->finished);
        l->over = true;
        break;
    default:
        break;
    }
}

static void read_answer(str all, bool frames)
{
    struct arena arena, scratch;
    struct answer_reader r;
    struct listener l = {0};
    struct chat chat;
    struct chat_target t = {.model = STR("anthropic.claude-x"), .facts = &model_facts_unknown};
    struct chat_sink to = {.on_event = on_event, .arg = &l};
    const struct dialect *d = dialect_of(ENDPOINT_CONVERSE);
    arena_init(&arena, 0);
    arena_init(&scratch, 0);
    chat_init(&chat, &arena);
    CHECK(answer_reader_init(&r, d, &arena, &scratch, &to));
    r.chat = &chat;
    r.target = &t;
    while (frames && !str_is_null(all)) {
        str line = str_split(&all, '\n');
        str name = str_split(&line, ' ');
        d->read_unit(&r, name, line);
        arena_release(&scratch);
    }
    if (frames)
        d->read_end(&r);
    else
        d->read_answer(&r, all);
    CHECK(frames || l.over);
    arena_release(&arena);
    arena_release(&scratch);
}

static void read_error(str body)
{
    struct arena arena;
    struct provider_fault fault;
    arena_init(&arena, 0);
    dialect_of(ENDPOINT_CONVERSE)->read_error(body, &arena, &fault);
    arena_release(&arena);
}

static bool read_request(str body, struct chat *c, struct arena *a)
{
    struct json_doc doc;
    struct headers headers = {0};
    struct json_options object = {.root_object = true};
    struct name_list *notes = NULL;
    chat_init(c, a);
    c->dialect = NATIVE_ANTHROPIC;
    if (json_parse(&doc, a, body, &object))
        return false;
    struct chat_source in = {.doc = &doc, .headers = &headers, .model = STR("m")};
    return !dialect_of(ENDPOINT_MESSAGES)->read_request(&in, c) &&
           !chat_normalize(c, &notes, &in.fault);
}

static void write_request(str body, str model)
{
    struct arena arena;
    struct chat c;
    struct unsupported u;
    struct json_doc doc;
    struct buf out;
    arena_init(&arena, 64 << 20);
    buf_init(&out, 0);
    if (read_request(body, &c, &arena)) {
        unsupported_init(&u, &arena, UNSUPPORTED_REPORT);
        struct chat_target t = {.model = model,
                                .facts = &model_facts_unknown,
                                .kind = ENDPOINT_CONVERSE,
                                .arena = &arena,
                                .unsupported = &u};
        bool ok = dialect_of(ENDPOINT_CONVERSE)->write_request(&c, &t, &out);
        CHECK(ok || u.fault.err);
        if (ok)
            CHECK(json_parse(&doc, &arena, buf_str(&out),
                             &(struct json_options){.depth_max = 200}) == ERR_NONE);
    }
    buf_release(&out);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    str rest = str_make((const char *)data + 1, size - 1);
    switch (data[0]) {
    case 'f':
    case 'a':
        read_answer(rest, data[0] == 'f');
        break;
    case 'e':
        read_error(rest);
        break;
    case 'c':
        write_request(rest, STR("anthropic.claude-opus-5"));
        break;
    case 'n':
        write_request(rest, STR("mistral.mistral-7b"));
        break;
    default:
        break;
    }
    return 0;
}
