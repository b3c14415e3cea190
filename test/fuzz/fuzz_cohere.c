/* Cohere's answers: any bytes as events of a stream, as a whole answer, and as an error.  START comes first,
 * nothing after the end, arguments belong to calls, and texts can stand in a JSON string. */
#include "base/check.h"
#include "llm/dialect.h"
#include "wire/lines.h"

struct seen {
    struct arena arena;
    bool any, ended;
    unsigned calls;
};

static void check_text(struct seen *s, str raw)
{
    struct json_doc doc;
    str text = arena_printf(&s->arena, "\"%.*s\"", STR_ARG(raw));
    CHECK(json_parse(&doc, &s->arena, text, NULL) == ERR_NONE);
    arena_release(&s->arena);
}

static void check_usage(const struct usage *u)
{
    CHECK(u->known && u->input >= -1 && u->input <= USAGE_MAX);
    CHECK(u->output >= -1 && u->output <= USAGE_MAX);
}

static void on_event(void *arg, const struct chat_event *ev)
{
    struct seen *s = arg;
    CHECK(!s->ended && ev->choice == 0);
    CHECK(s->any || ev->kind == CHAT_START || ev->kind == CHAT_FAILED);
    s->any = true;
    s->ended = ev->kind == CHAT_END || ev->kind == CHAT_FAILED;
    if (ev->kind == CHAT_CALL)
        CHECK(ev->call == s->calls++ && ev->name.len > 0 && ev->id.len > 0);
    if (ev->kind == CHAT_CALL_ARGUMENTS)
        CHECK(ev->call + 1 == s->calls && ev->text.s.len > 0);
    if (ev->kind == CHAT_USAGE)
        check_usage(&ev->usage);
    if (!str_is_null(ev->text.s))
        check_text(s, ev->text.s);
}

static void start(struct answer_reader *r, struct seen *s, struct arena *arena,
                  struct arena *scratch)
{
    struct chat_sink sink = {.on_event = on_event, .arg = s};
    CHECK(answer_reader_init(r, dialect_of(ENDPOINT_COHERE_CHAT), arena, scratch, &sink));
}

static void as_stream(str data, size_t step)
{
    struct arena arena = {0}, scratch = {0};
    struct seen seen = {0};
    struct answer_reader r;
    struct lines_reader lines;
    str line;
    start(&r, &seen, &arena, &scratch);
    lines_reader_init(&lines, 0);
    while (data.len) {
        str piece = str_first(data, step);
        data = str_from(data, piece.len);
        while (lines_next(&lines, &piece, &line) == LINES_LINE) {
            r.dialect->read_unit(&r, STR_NULL, line);
            arena_release(&scratch);
        }
    }
    if (lines_end(&lines, &line))
        r.dialect->read_unit(&r, STR_NULL, line);
    r.dialect->read_end(&r);
    CHECK(r.ended == seen.ended);
    lines_reader_release(&lines);
    arena_release(&scratch);
    arena_release(&arena);
    arena_release(&seen.arena);
}

static void as_answer(str data)
{
    struct arena arena = {0}, scratch = {0};
    struct seen seen = {0};
    struct answer_reader r;
    struct provider_fault fault;
    start(&r, &seen, &arena, &scratch);
    r.dialect->read_answer(&r, data);
    CHECK(seen.ended);
    r.dialect->read_error(data, &arena, &fault);
    arena_release(&scratch);
    arena_release(&arena);
    arena_release(&seen.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    str data = str_make((const char *)bytes + 1, size - 1);
    as_stream(data, (size_t)bytes[0] + 1);
    as_answer(data);
    return 0;
}
