/*
 * Gemini's dialect.  The first byte: what the rest is.
 *   'r'  a client's request: read, and written again for models of three generations and Vertex
 *   's'  chunks of a stream, one a line    'a'  a whole answer: read, and written again for a client
 *   'e'  an error's body                   'w'  an event that passes by        'p'  a path
 * What is written is JSON; events come in their order; nothing follows the end.
 */
#include "llm/dialect.h"
#include "llm/gemini_path.h"
#include "llm/provider_conf.h"

extern const struct dialect dialect_gemini;

struct listener {
    bool started, finished, over;
    unsigned calls[8];
    struct answer_writer writer;
    struct chat_answer answer;
    struct arena scratch;
};

static void check_order(struct listener *l, const struct chat_event *ev)
{
    CHECK(!l->over && ev->choice < 8);
    CHECK(ev->kind == CHAT_START ? !l->started : l->started || ev->kind == CHAT_FAILED);
    l->started = l->started || ev->kind == CHAT_START;
    l->finished = l->finished || ev->kind == CHAT_FINISH;
    l->over = ev->kind == CHAT_END || ev->kind == CHAT_FAILED;
    CHECK(ev->kind != CHAT_END || l->finished);
    if (ev->kind == CHAT_CALL)
        CHECK(ev->call == l->calls[ev->choice]++ && ev->name.len && ev->id.len);
    if (ev->kind == CHAT_CALL_ARGUMENTS)
        CHECK(ev->call + 1 == l->calls[ev->choice]);
}

static void on_event(void *arg, const struct chat_event *ev)
{
    struct listener *l = arg;
    check_order(l, ev);
    chat_answer_take(&l->answer, ev);
    if (ev->kind != CHAT_FAILED)
        dialect_gemini.write_event(&l->writer, ev);
    arena_release(&l->scratch);
}

static void check_json(str text)
{
    struct arena a;
    struct json_doc doc;
    arena_init(&a, 0);
    CHECK(json_parse(&doc, &a, text, &(struct json_options){.depth_max = 300}) == ERR_NONE);
    arena_release(&a);
}

/* Events as clients of Gemini demand them: "data: {…}" and an empty line, each. */
static void check_events(str all)
{
    while (all.len) {
        ptrdiff_t end = str_find(all, STR("\n\n"));
        CHECK(str_starts(all, STR("data: {")) && end > 0);
        check_json(str_make(all.ptr + 6, (size_t)end - 6));
        all = str_from(all, (size_t)end + 2);
    }
}

static void begin(struct listener *l, struct answer_reader *r, struct arena *arena,
                  struct arena *scratch, struct buf *out, const struct chat *chat)
{
    struct chat_sink to = {.on_event = on_event, .arg = l};
    buf_init(out, 0);
    arena_init(arena, 0);
    arena_init(scratch, 0);
    arena_init(&l->scratch, 0);
    chat_answer_init(&l->answer, 0);
    CHECK(answer_reader_init(r, &dialect_gemini, arena, scratch, &to));
    CHECK(answer_writer_init(&l->writer, &dialect_gemini, arena, &l->scratch, out));
    r->chat = l->writer.chat = chat;
    l->writer.id = STR("id");
    l->writer.model = STR("m");
}

static void read_answer(str all, bool chunks)
{
    struct arena arena, scratch;
    struct answer_reader r;
    struct listener l = {0};
    struct buf out;
    struct chat chat = {.reasoning_visible = YES};
    begin(&l, &r, &arena, &scratch, &out, &chat);
    while (chunks && !str_is_null(all)) {
        str line = str_split(&all, '\n');
        dialect_gemini.read_unit(&r, STR_NULL, line);
        arena_release(&scratch);
    }
    if (chunks)
        dialect_gemini.read_end(&r);
    else
        dialect_gemini.read_answer(&r, all);
    CHECK(chunks || l.over);
    check_events(buf_str(&out));
    chat_answer_seal(&l.answer);
    buf_clear(&out);
    dialect_gemini.write_answer(&l.writer, &l.answer);
    check_json(buf_str(&out));
    chat_answer_release(&l.answer);
    buf_release(&out);
    arena_release(&arena);
    arena_release(&scratch);
    arena_release(&l.scratch);
}

static void write_request(struct chat *c, struct arena *a, const struct model_facts *facts,
                          const struct provider_conf *conf)
{
    struct unsupported u;
    struct buf out;
    unsupported_init(&u, a, UNSUPPORTED_REPORT);
    struct chat_target t = {.model = STR("gemini-2.5-flash-lite"),
                            .facts = facts,
                            .conf = conf,
                            .kind = ENDPOINT_GENERATE,
                            .arena = a,
                            .unsupported = &u};
    buf_init(&out, 0);
    bool ok = dialect_gemini.write_request(c, &t, &out);
    CHECK(ok || u.fault.err);
    if (ok)
        check_json(buf_str(&out));
    buf_release(&out);
}

static void read_request(str body)
{
    static const struct provider_conf studio, vertex = {.vertex = {.project = STR_INIT("p")}};
    static const char *const models[] = {"gemini-4-argon", "gemini-2.5-pro", "gemini-2.0-flash"};
    struct arena arena;
    struct json_doc doc;
    struct headers headers = {0};
    struct json_options object = {.root_object = true};
    struct name_list *notes = NULL;
    struct chat c;
    arena_init(&arena, 64 << 20);
    chat_init(&c, &arena);
    struct chat_source in = {.doc = &doc, .headers = &headers, .model = STR("m")};
    if (!json_parse(&doc, &arena, body, &object)) {
        enum err err = dialect_gemini.read_request(&in, &c);
        CHECK(!err || in.fault.err == err);
        if (!err && !chat_normalize(&c, &notes, &in.fault))
            for (unsigned i = 0; i < ARRAY_LEN(models); i++)
                write_request(&c, &arena, model_facts_find(STR("gemini"), str_from_c(models[i])),
                              i ? &studio : &vertex);
    }
    arena_release(&arena);
}

static void look(str data)
{
    struct arena scratch;
    struct event_facts facts = {.kind = EVENT_OTHER};
    arena_init(&scratch, 0);
    dialect_gemini.event(STR_NULL, data, &scratch, &facts);
    CHECK(facts.kind != EVENT_END && !(facts.complete && facts.kind == EVENT_OTHER));
    facts = (struct event_facts){.kind = EVENT_OTHER};
    dialect_gemini.answer(data, &scratch, &facts);
    arena_release(&scratch);
}

static void read_error(str body)
{
    struct arena arena;
    struct provider_fault fault;
    arena_init(&arena, 0);
    dialect_gemini.read_error(body, &arena, &fault);
    arena_release(&arena);
}

static void read_path(str path)
{
    struct gemini_path p;
    enum gemini_path_result found = gemini_path_read(path, STR_NULL, STR("POST"), &p);
    CHECK(found != GEMINI_PATH_FOUND || p.model.len);
    if (found == GEMINI_PATH_FOUND)
        CHECK(p.model.ptr > path.ptr && p.model.ptr + p.model.len < path.ptr + path.len);
    gemini_path_read(path, path, STR("GET"), &p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    str rest = str_make((const char *)data + 1, size - 1);
    switch (data[0]) {
    case 'r':
        read_request(rest);
        break;
    case 's':
    case 'a':
        read_answer(rest, data[0] == 's');
        break;
    case 'e':
        read_error(rest);
        break;
    case 'w':
        look(rest);
        break;
    case 'p':
        read_path(rest);
        break;
    default:
        break;
    }
    return 0;
}
