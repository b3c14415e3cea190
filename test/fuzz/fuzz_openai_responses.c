/*
 * The Responses dialect.  The first byte: what the rest is.
 *   'r'  a client's request: read, and written again for models of three kinds; its items as they are listed
 *   's'  events of a stream, one a line      'a'  a whole answer; both are written again for a client
 *   'e'  an error's body
 * What is written is JSON; events come in their order, numbered without gaps; nothing follows the end.
 */
#include "llm/dialect/openai_responses.h"

extern const struct dialect dialect_openai_responses;

#define D dialect_openai_responses

struct listener {
    bool started, finished, over;
    unsigned calls;
    struct answer_writer writer;
    struct chat_answer answer;
    struct arena scratch;
};

static void check_order(struct listener *l, const struct chat_event *ev)
{
    CHECK(!l->over && ev->choice == 0);
    CHECK(ev->kind == CHAT_START ? !l->started : l->started || ev->kind == CHAT_FAILED);
    l->started = l->started || ev->kind == CHAT_START;
    l->finished = l->finished || ev->kind == CHAT_FINISH;
    l->over = ev->kind == CHAT_END || ev->kind == CHAT_FAILED;
    CHECK(ev->kind != CHAT_END || l->finished);
    if (ev->kind == CHAT_CALL)
        CHECK(ev->call == l->calls++);
    if (ev->kind == CHAT_CALL_ARGUMENTS)
        CHECK(ev->call < l->calls);
}

static void on_event(void *arg, const struct chat_event *ev)
{
    struct listener *l = arg;
    check_order(l, ev);
    chat_answer_take(&l->answer, ev);
    if (ev->kind != CHAT_FAILED)
        D.write_event(&l->writer, ev);
    arena_release(&l->scratch);
}

static void check_json(str text, struct json_doc *doc, struct arena *a)
{
    arena_init(a, 0);
    CHECK(json_parse(doc, a, text, &(struct json_options){.depth_max = 300}) == ERR_NONE);
}

/* "event: TYPE\ndata: {"type":"TYPE","sequence_number":N,…}\n\n", each. */
static void check_events(str all)
{
    for (int64_t i = 0; all.len; i++) {
        struct json_doc doc;
        struct arena a;
        int64_t number;
        CHECK(str_starts(all, STR("event: ")));
        ptrdiff_t line = str_find_byte(all, '\n'), end = str_find(all, STR("\n\n"));
        CHECK(line > 0 && end > line);
        str data = str_make(all.ptr + line + 1, (size_t)(end - line) - 1);
        CHECK(str_starts(data, STR("data: {")));
        check_json(str_from(data, 6), &doc, &a);
        CHECK(json_string_eq(&doc, json_member(&doc, JSON_ROOT, STR("type")),
                             str_make(all.ptr + 7, (size_t)line - 7)));
        CHECK(json_to_i64(json_raw(&doc, json_member(&doc, JSON_ROOT, STR("sequence_number"))),
                          &number) &&
              number == i);
        arena_release(&a);
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
    CHECK(answer_reader_init(r, &D, arena, scratch, &to));
    CHECK(answer_writer_init(&l->writer, &D, arena, &l->scratch, out));
    r->chat = l->writer.chat = chat;
    l->writer.id = STR("id");
    l->writer.model = STR("m");
}

static void write_whole(struct listener *l, struct buf *out, const struct chat *chat,
                        struct arena *arena)
{
    struct answer_writer w;
    struct json_doc doc;
    struct arena a;
    str id;
    buf_clear(out);
    chat_answer_seal(&l->answer);
    CHECK(answer_writer_init(&w, &D, arena, &l->scratch, out));
    w.chat = chat;
    w.id = STR("id");
    w.model = STR("m");
    D.write_answer(&w, &l->answer);
    check_json(buf_str(out), &doc, &a);
    CHECK(str_eq(responses_written(&w, &id), buf_str(out)) && str_eq(id, STR("resp_id")));
    arena_release(&a);
}

static void read_answer(str all, bool stream)
{
    struct arena arena, scratch;
    struct answer_reader r;
    struct listener l = {0};
    struct buf out;
    struct chat chat = {.logprobs = YES};
    begin(&l, &r, &arena, &scratch, &out, &chat);
    while (stream && !str_is_null(all)) {
        D.read_unit(&r, STR_NULL, str_split(&all, '\n'));
        arena_release(&scratch);
    }
    if (stream)
        D.read_end(&r);
    else
        D.read_answer(&r, all);
    CHECK(stream || l.over);
    CHECK(l.over == r.ended);
    check_events(buf_str(&out));
    write_whole(&l, &out, &chat, &arena);
    chat_answer_release(&l.answer);
    buf_release(&out);
    arena_release(&arena);
    arena_release(&scratch);
    arena_release(&l.scratch);
}

static void write_request(const struct chat *c, struct arena *a, const struct model_facts *facts)
{
    struct unsupported u;
    struct json_doc doc;
    struct arena parsed;
    struct buf out;
    unsupported_init(&u, a, UNSUPPORTED_REPORT);
    struct chat_target t = {.model = STR("gpt-x"),
                            .facts = facts,
                            .kind = ENDPOINT_RESPONSES,
                            .arena = a,
                            .unsupported = &u};
    buf_init(&out, 0);
    if (D.write_request(c, &t, &out)) {
        check_json(buf_str(&out), &doc, &parsed);
        arena_release(&parsed);
    } else {
        CHECK(u.fault.err);
    }
    buf_release(&out);
}

static void list_items(const struct json_doc *doc, struct arena *a)
{
    uint32_t input = json_member(doc, JSON_ROOT, STR("input"));
    struct json_doc parsed;
    struct arena b;
    if (!json_is(doc, input, JSON_STRING) && !json_is(doc, input, JSON_ARRAY))
        return;
    str items = responses_listed_items(doc, input, STR("x"), a);
    str pieces[] = {STR("["), items, STR("]")};
    check_json(arena_concat(a, pieces, ARRAY_LEN(pieces)), &parsed, &b);
    JSON_EACH (item, &parsed, JSON_ROOT) {
        CHECK(json_member(&parsed, item, STR("id")) != JSON_NONE);
        CHECK(json_member(&parsed, item, STR("type")) != JSON_NONE);
    }
    arena_release(&b);
}

static void read_request(str body)
{
    struct arena a;
    struct json_doc doc;
    struct chat chat;
    struct name_list *notes = NULL;
    const struct model_facts plain = {.abilities = 0};
    const struct model_facts able = {.abilities = ~UINT64_C(0), .efforts = 0xffff};
    arena_init(&a, 0);
    chat_init(&chat, &a);
    chat.dialect = NATIVE_OPENAI;
    if (!json_parse(&doc, &a, body, NULL) && json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        struct chat_source in = {.doc = &doc, .model = STR("m")};
        enum err err = D.read_request(&in, &chat);
        CHECK(!err || in.fault.text.len);
        if (!err)
            err = chat_normalize(&chat, &notes, &in.fault);
        if (!err) {
            write_request(&chat, &a, &plain);
            write_request(&chat, &a, &able);
            write_request(&chat, &a, &model_facts_unknown);
        }
        list_items(&doc, &a);
    }
    arena_release(&a);
}

static void read_error(str body)
{
    struct arena a;
    struct provider_fault fault;
    arena_init(&a, 0);
    D.read_error(body, &a, &fault);
    arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    str rest = str_make((const char *)bytes + 1, size ? size - 1 : 0);
    switch (size ? bytes[0] : 0) {
    case 'r':
        read_request(rest);
        break;
    case 's':
        read_answer(rest, true);
        break;
    case 'a':
        read_answer(rest, false);
        break;
    case 'e':
        read_error(rest);
        break;
    default:
        break;
    }
    return 0;
}
