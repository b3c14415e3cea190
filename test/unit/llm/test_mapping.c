/*
 * The rules of test/mapping.txt between pairs of formats, as tables of their own:
 *
 *   test/mapping/requests.txt       === §7 temperature
 *                                   openai {"temperature":1.5}
 *                                   anthropic claude-sonnet-4-5: "temperature":1  ~temperature=1 (was 1.5)
 *
 * A request in the client's format (members are put beside a plain model and message, which they replace),
 * then what is expected of it in each target's format; the target's model may be named.
 *
 *   test/mapping/answers.txt        === §12 id
 *                                   anthropic {"id":"msg_1",...}
 *                                   openai: "id":"msg_1"
 *
 * An answer, or units of a stream ("anthropic| message_stop {...}", "-" for a unit without a name), or an
 * error ("anthropic! 429 {...}"), then
 * what clients see of it ("openai+" as a stream).
 *
 * Expectations are fragments with two spaces between: in the body; "!…" is not in it; "~…" is among what
 * is reported ("~-": nothing is); "#…" the request is refused for that field (any: "#"); "failed" the answer is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "llm/call_order.h"
#include "llm/chat_answer.h"
#include "llm/dialect.h"
#include "llm/provider.h"
#include "llm/provider_conf.h"
#include "support/test.h"

struct format {
    const char *name;
    enum endpoint_kind kind;
    const char *vendor, *model;
};

static const struct format formats[] = {
    {"openai", ENDPOINT_CHAT, "openai", "gpt-4.1"},
    {"responses", ENDPOINT_RESPONSES, "openai", "gpt-5.2"},
    {"anthropic", ENDPOINT_MESSAGES, "anthropic", "claude-sonnet-4-5"},
    {"gemini", ENDPOINT_GENERATE, "gemini", "gemini-2.5-flash"},
    {"vertex", ENDPOINT_GENERATE, "gemini", "gemini-2.5-flash"},
    {"bedrock", ENDPOINT_CONVERSE, "bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0"},
    {"ollama", ENDPOINT_OLLAMA_CHAT, "ollama", "qwen3"},
};

static struct arena arena;
static str rule;
static unsigned line_number, failures;

static const struct format *format_of(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (str_eq(name, str_from_c(formats[i].name)))
            return &formats[i];
    fprintf(stderr, "line %u: no format %.*s\n", line_number, STR_ARG(name));
    EXPECT(!"a format");
    return NULL;
}

static str cut(str *rest, const char *separator)
{
    ptrdiff_t at = str_find(*rest, str_from_c(separator));
    str head = at < 0 ? *rest : str_first(*rest, (size_t)at);
    *rest = at < 0 ? STR_NULL : str_from(*rest, (size_t)at + strlen(separator));
    return head;
}

static void expect_fragments(str wanted, str body, str reported, str refused)
{
    while (wanted.len) {
        str f = str_trim(cut(&wanted, "  "));
        if (!f.len)
            continue;
        str in = f.ptr[0] == '~' ? reported : f.ptr[0] == '#' ? refused : body;
        bool ok;
        if (f.ptr[0] == '#')
            ok = f.len > 1 ? str_eq(str_from(f, 1), refused) : refused.len > 0;
        else if (str_eq(f, STR("~-")))
            ok = !reported.len;
        else if (f.ptr[0] == '!' || f.ptr[0] == '~')
            ok = (str_find(in, str_from(f, 1)) >= 0) == (f.ptr[0] == '~');
        else
            ok = str_find(in, f) >= 0;
        if (ok)
            continue;
        failures++;
        fprintf(stderr, "line %u, %.*s: %.*s\n    body: %.*s\n    reported: %.*s, refused: %.*s\n",
                line_number, STR_ARG(rule), STR_ARG(f), STR_ARG(body), STR_ARG(reported),
                STR_ARG(refused));
    }
}

/* --- Requests. */

static struct chat chat;
static struct chat_source source;
static struct json_doc request;
static struct name_list *normal_notes;
static enum err read_err;

static void read_request(const struct format *f, str members)
{
    bool gemini = f->kind == ENDPOINT_GENERATE, responses = f->kind == ENDPOINT_RESPONSES;
    const char *list = gemini ? "\"contents\":" : responses ? "\"input\":" : "\"messages\":";
    str content = str_find(members, str_from_c(list)) >= 0 ? STR("")
                  : gemini
                      ? STR("\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],")
                  : responses ? STR("\"input\":\"Hi\",")
                              : STR("\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],");
    str rest = str_from(members, 1);
    str body = arena_printf(
        &arena, "{%s%.*s%s%.*s", gemini ? "" : "\"model\":\"m\",",
        (int)(content.len ? content.len - (str_eq(rest, STR("}")) ? 1 : 0) : 0), content.ptr,
        f->kind == ENDPOINT_MESSAGES && str_find(members, STR("max_tokens")) < 0
            ? (str_eq(rest, STR("}")) ? ",\"max_tokens\":5000" : "\"max_tokens\":5000,")
            : "",
        STR_ARG(rest));
    chat_init(&chat, &arena);
    if (json_parse(&request, &arena, body, NULL))
        fprintf(stderr, "line %u: no JSON: %.*s\n", line_number, STR_ARG(body));
    EXPECT_EQ(json_parse(&request, &arena, body, NULL), ERR_NONE);
    uint32_t stream = json_member(&request, JSON_ROOT, STR("stream"));
    source = (struct chat_source){
        .doc = &request, .model = STR("m"), .stream = json_is(&request, stream, JSON_TRUE)};
    normal_notes = NULL;
    read_err = dialect_of(f->kind)->read_request(&source, &chat);
    if (!read_err)
        read_err = chat_normalize(&chat, &normal_notes, &source.fault);
}

static void expect_request(const struct format *f, str model, str wanted)
{
    struct unsupported u;
    unsupported_init(&u, &arena, UNSUPPORTED_BY_CLASS);
    if (read_err) {
        expect_fragments(wanted, STR(""), STR(""), source.fault.field);
        return;
    }
    for (struct name_list *n = normal_notes; n; n = n->next)
        unsupported_note(&u, n->name);
    struct provider_conf conf = {.provider = provider_find(str_from_c(f->vendor))};
    if (str_eq(str_from_c(f->name), STR("vertex")))
        conf.vertex.project = STR("p");
    if (!model.len)
        model = str_from_c(f->model);
    struct chat_target t = {.model = model,
                            .facts = model_facts_find(str_from_c(f->vendor), model),
                            .conf = &conf,
                            .kind = f->kind,
                            .stream = source.stream,
                            .arena = &arena,
                            .unsupported = &u};
    struct buf out;
    buf_init(&out, 0);
    bool ok = dialect_of(f->kind)->write_request(&chat, &t, &out);
    EXPECT_EQ(ok, !u.fault.err);
    expect_fragments(wanted, ok ? buf_str(&out) : STR(""), unsupported_text(&u),
                     ok ? STR("") : u.fault.field);
    buf_release(&out);
}

/* --- Answers. */

struct unit {
    str name, data;
};

static struct unit units[64];
static unsigned unit_count;
static const struct format *from;
static str whole;

struct writing {
    struct answer_writer *w;
    bool failed, ended;
};

static void write_event(void *arg, const struct chat_event *ev)
{
    struct writing *to = arg;
    if (ev->kind == CHAT_FAILED)
        to->failed = true;
    else
        to->w->dialect->write_event(to->w, ev);
    to->ended |= ev->kind == CHAT_END || ev->kind == CHAT_FAILED;
}

static void read_answer(const struct chat_sink *to)
{
    struct answer_reader r;
    struct provider_conf conf = {0};
    struct arena scratch;
    arena_init(&scratch, 0);
    struct chat_target t = {.model = str_from_c(from->model),
                            .facts = &model_facts_unknown,
                            .conf = &conf,
                            .kind = from->kind,
                            .stream = unit_count,
                            .arena = &arena};
    EXPECT(answer_reader_init(&r, dialect_of(from->kind), &arena, &scratch, to));
    r.chat = &chat;
    r.target = &t;
    for (unsigned i = 0; i < unit_count && !r.ended; i++)
        r.dialect->read_unit(&r, units[i].name, units[i].data);
    if (unit_count && !r.ended)
        r.dialect->read_end(&r);
    if (!unit_count)
        r.dialect->read_answer(&r, whole);
    arena_release(&scratch);
}

static void expect_answer(const struct format *f, bool stream, str wanted)
{
    struct buf out;
    buf_init(&out, 0);
    struct arena scratch;
    arena_init(&scratch, 0);
    chat_init(&chat, &arena);
    chat.model = STR("asked");
    chat.stream = stream;
    chat.usage_wanted = true;
    struct answer_writer w;
    EXPECT(answer_writer_init(&w, dialect_of(f->kind), &arena, &scratch, &out));
    w.chat = &chat;
    w.kind = f->kind;
    w.id = STR("OWN");
    w.id_is_own = true;
    w.model = STR("asked");
    w.created_s = 1700000000;
    bool failed;
    if (stream) {
        struct writing to = {.w = &w};
        struct call_order order;
        call_order_init(&order, &(struct chat_sink){write_event, &to});
        read_answer(f->kind == ENDPOINT_CHAT ? &order.to
                                             : &(struct chat_sink){call_order_take, &order});
        call_order_release(&order);
        failed = to.failed || !to.ended;
    } else {
        struct chat_answer a;
        chat_answer_init(&a, 0);
        read_answer(&(struct chat_sink){chat_answer_take, &a});
        chat_answer_seal(&a);
        failed = a.failed || !a.complete;
        if (a.id.len) {
            w.id = a.id;
            w.id_is_own = false;
        }
        if (!failed)
            w.dialect->write_answer(&w, &a);
        chat_answer_release(&a);
    }
    if (failed)
        buf_add_lit(&out, "failed");
    expect_fragments(wanted, buf_str(&out), STR(""), STR(""));
    buf_release(&out);
    arena_release(&scratch);
}

/* --- Errors. */

static int error_status;

static void expect_error(const struct format *f, str wanted)
{
    const struct provider *p = provider_find(str_from_c(from->vendor));
    enum err err = provider_classify(p, error_status, whole);
    const struct dialect *client = dialect_of(f->kind);
    struct provider_fault fault = {0};
    dialect_of(from->kind)->read_error(whole, &arena, &fault);
    /* as the proxy does: the provider's own status for what is the client's to know of */
    bool own = err == ERR_UPSTREAM_REFUSED_REQUEST || err == ERR_UPSTREAM_NOT_FOUND;
    int status = own ? error_status : err_facts(err)->status;
    if (client->client_status)
        status = client->client_status(err, status);
    struct buf out;
    buf_init(&out, 0);
    str first = arena_printf(&arena, "status %d ", status);
    buf_add_str(&out, first);
    client->write_error(&out, &(struct client_error){.err = err,
                                                     .status = status,
                                                     .message = fault.message,
                                                     .code = fault.code,
                                                     .param = fault.param});
    expect_fragments(wanted, buf_str(&out), STR(""), STR(""));
    buf_release(&out);
}

/* --- The files. */

static str read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    EXPECT(f != NULL);
    struct buf b;
    buf_init(&b, 0);
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(&b, chunk, n);
    fclose(f);
    static struct arena kept;
    str all = arena_str(&kept, buf_str(&b));
    buf_release(&b);
    return all;
}

static void given_answer(str line, size_t at, bool is_unit)
{
    from = format_of(str_first(line, at));
    str rest = str_from(line, at + (is_unit ? 2 : 1));
    if (!is_unit) {
        unit_count = 0;
        error_status = 0;
        whole = rest;
        return;
    }
    str name = cut(&rest, " ");
    EXPECT(unit_count < ARRAY_LEN(units));
    units[unit_count++] = (struct unit){str_eq(name, STR("-")) ? STR_NULL : name, rest};
}

static void line_of(str line, bool answers)
{
    size_t at = 0;
    while (at < line.len && (unsigned)((line.ptr[at] | 0x20) - 'a') < 26)
        at++;
    bool stream = at < line.len && line.ptr[at] == '+';
    ptrdiff_t colon = str_find(line, STR(": "));
    bool given = str_starts(str_from(line, at), STR(" {"));
    if (answers && at < line.len && line.ptr[at] == '|')
        given_answer(line, at, true);
    else if (answers && at < line.len && line.ptr[at] == '!') {
        from = format_of(str_first(line, at));
        whole = str_from(line, at + 6);
        error_status = atoi(line.ptr + at + 2);
    } else if (given && answers)
        given_answer(line, at, false);
    else if (given) {
        arena_release(&arena);
        read_request(format_of(str_first(line, at)), str_from(line, at + 1));
    } else {
        EXPECT(colon > 0);
        const struct format *f = format_of(str_first(line, at));
        str wanted = str_from(line, (size_t)colon + 2);
        str model = str_from(str_first(line, (size_t)colon), at + 1);
        if (answers && error_status)
            expect_error(f, wanted);
        else if (answers)
            expect_answer(f, stream, wanted);
        else
            expect_request(f, model, wanted);
    }
}

static void run_file(const char *path, bool answers)
{
    str all = read_file(path);
    line_number = failures = 0;
    while (all.len) {
        str line = cut(&all, "\n");
        line_number++;
        if (str_starts(line, STR("==="))) {
            rule = str_from(line, 4);
            unit_count = 0;
            error_status = 0;
        } else if (line.len && line.ptr[0] != '#') {
            line_of(line, answers);
        }
    }
    EXPECT_EQ(failures, 0);
}

TEST(requests_are_translated_by_the_tables)
{
    run_file(TEST_DIR "/mapping/requests.txt", false);
}

TEST(answers_are_translated_by_the_tables)
{
    run_file(TEST_DIR "/mapping/answers.txt", true);
}

/* mapping: §15 events failure, events ping */
TEST(silence_and_failure_are_told_in_anthropics_events)
{
    const struct dialect *d = dialect_of(ENDPOINT_MESSAGES);
    EXPECT(str_starts(d->keepalive, STR("event: ping\ndata: {\"type\"")));
    EXPECT(str_ends(d->keepalive, STR("\n\n")));
    struct buf out;
    buf_init(&out, 0);
    d->write_failure(&out, &(struct stream_failure){.err = ERR_UPSTREAM_TRUNCATED,
                                                    .message = STR("cut"),
                                                    .request_id = STR("r")});
    EXPECT(str_starts(buf_str(&out), STR("event: error\ndata: {\"type\":\"error\",")));
    EXPECT(str_ends(buf_str(&out), STR("\n\n")));
    EXPECT(str_find(buf_str(&out), STR("message_stop")) < 0);
    buf_release(&out);
}
