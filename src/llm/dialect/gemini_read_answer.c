/*
 * Answers of generateContent, whole or as chunks of the same shape (mapping.md section 16.2).
 *
 * A candidate's parts are read as they come; its finishReason ends it, but not the stream: chunks with
 * usage may follow, so END waits for the end of the framing.
 */
#include "base/digest.h"
#include "llm/dialect/gemini_impl.h"

enum { CHOICES_MAX = 8, ID_HEX = 24 };

struct candidate_state {
    uint8_t calls;                   /* so far; also that some were seen */
    bool seen, said, finished, wide; /* wide: text beyond ASCII */
};

struct gemini_reader {
    bool started, blocked;
    struct candidate_state candidates[CHOICES_MAX];
    struct gemini_partial *partial; /* a call whose arguments are coming */
    unsigned partial_choice;
    str partial_id, partial_name, partial_signature;
    str id; /* of the answer */
    unsigned ids;
};

_Static_assert(sizeof(struct gemini_reader) <= GEMINI_READER_SIZE, "the reader's state fits");

static struct gemini_reader *state_of(struct answer_reader *r)
{
    return r->state;
}

/* Something of the reader's own is kept beyond the unit: its memory. */
static str keep(struct answer_reader *r, str text)
{
    if (str_is_null(text))
        return text;
    str kept = arena_str(r->arena, text);
    if (str_is_null(kept))
        answer_reader_fail(r, ERR_NO_MEMORY, NULL);
    return kept;
}

static str decoded(struct answer_reader *r, const struct json_doc *doc, uint32_t node)
{
    str text = STR_NULL;
    if (json_is(doc, node, JSON_STRING) && json_string_decode(doc, node, r->scratch, &text))
        answer_reader_fail(r, ERR_NO_MEMORY, NULL);
    return text;
}

static void start(struct answer_reader *r, const struct json_doc *doc)
{
    struct gemini_reader *g = state_of(r);
    if (g->started)
        return;
    g->started = true;
    struct chat_event ev = {
        .kind = CHAT_START,
        .id = decoded(r, doc, gemini_member(doc, JSON_ROOT, STR("responseId"))),
        .model = decoded(r, doc, gemini_member(doc, JSON_ROOT, STR("modelVersion"))),
    };
    g->id = keep(r, ev.id);
    if (!r->ended)
        chat_emit(&r->to, &ev);
}

/* --- Calls ----------------------------------------------------------------------------------- */

/* An id for a call that came without: from the answer's own, its place, and how long the conversation
 * is, so that it is another one in each step of a loop. */
static str made_id(struct answer_reader *r, str name, str arguments)
{
    struct gemini_reader *g = state_of(r);
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    unsigned turns = 0;
    for (const struct turn *t = r->chat ? r->chat->turns : NULL; t; t = t->next)
        turns++;
    str text = arena_printf(r->scratch, "%.*s %u %u %.*s %.*s", STR_ARG(g->id), g->ids++, turns,
                            STR_ARG(name), STR_ARG(arguments));
    if (str_is_null(text))
        return STR_NULL;
    digest_sha256(text, digest);
    digest_hex(digest, hex);
    return arena_printf(r->scratch, "call_%.*s", ID_HEX, hex);
}

/* JSON without the white space between its words: whole answers are printed for people. */
static void compact(struct buf *out, str json)
{
    bool inside = false;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i];
        if (inside && c == '\\' && i + 1 < json.len) {
            buf_add_byte(out, c);
            buf_add_byte(out, json.ptr[++i]);
            continue;
        }
        if (c == '"')
            inside = !inside;
        if (inside || (c != ' ' && c != '\n' && c != '\r' && c != '\t'))
            buf_add_byte(out, c);
    }
}

static void emit_call(struct answer_reader *r, unsigned choice, str id, str name, str signature,
                      str arguments)
{
    struct gemini_reader *g = state_of(r);
    struct candidate_state *c = &g->candidates[choice];
    struct buf plain, escaped;
    if (c->calls == UINT8_MAX) {
        answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, NULL);
        return;
    }
    buf_init(&plain, 0);
    buf_init(&escaped, 0);
    compact(&plain, arguments.len ? arguments : STR("{}"));
    json_escape(&escaped, buf_str(&plain));
    if (id.len == 0)
        id = made_id(r, name, buf_str(&plain));
    struct chat_event call = {.kind = CHAT_CALL,
                              .choice = choice,
                              .call = c->calls,
                              .id = id,
                              .name = name,
                              .opaque = signature,
                              .format = signature.len ? NATIVE_GEMINI : NATIVE_NONE};
    struct chat_event all = {.kind = CHAT_CALL_ARGUMENTS,
                             .choice = choice,
                             .call = c->calls,
                             .text = {buf_str(&escaped)}};
    if (str_is_null(id) || plain.failed || escaped.failed) {
        answer_reader_fail(r, ERR_NO_MEMORY, NULL);
    } else {
        c->calls++;
        chat_emit(&r->to, &call);
        chat_emit(&r->to, &all);
    }
    buf_release(&plain);
    buf_release(&escaped);
}

/* The call whose arguments came in pieces is complete. */
static void end_partial(struct answer_reader *r)
{
    struct gemini_reader *g = state_of(r);
    struct buf arguments;
    if (!g->partial)
        return;
    buf_init(&arguments, 0);
    gemini_partial_write(g->partial, &arguments);
    g->partial = NULL;
    if (arguments.failed)
        answer_reader_fail(r, ERR_NO_MEMORY, NULL);
    else
        emit_call(r, g->partial_choice, g->partial_id, g->partial_name, g->partial_signature,
                  buf_str(&arguments));
    buf_release(&arguments);
}

static void begin_partial(struct answer_reader *r, unsigned choice, str id, str name, str signature)
{
    struct gemini_reader *g = state_of(r);
    end_partial(r);
    g->partial = gemini_partial_new(r->arena);
    g->partial_choice = choice;
    g->partial_id = keep(r, id);
    g->partial_name = keep(r, name);
    g->partial_signature = keep(r, signature);
    if (!g->partial)
        answer_reader_fail(r, ERR_NO_MEMORY, NULL);
}

/* Whole, or (Vertex) begun with willContinue, continued by partialArgs without a name, and ended by an
 * empty object, which is no call of its own. */
static void read_call(struct answer_reader *r, const struct json_doc *doc, uint32_t call,
                      str signature, unsigned choice)
{
    struct gemini_reader *g = state_of(r);
    str name = decoded(r, doc, gemini_member(doc, call, STR("name")));
    str id = decoded(r, doc, gemini_member(doc, call, STR("id")));
    uint32_t args = gemini_member(doc, call, STR("args"));
    uint32_t pieces = gemini_member(doc, call, STR("partialArgs"));
    bool more = json_is(doc, gemini_member(doc, call, STR("willContinue")), JSON_TRUE);
    if (r->ended)
        return;
    if (name.len && (more || pieces != JSON_NONE)) {
        begin_partial(r, choice, id, name, signature);
    } else if (name.len) {
        end_partial(r);
        emit_call(r, choice, id, name, signature,
                  json_is(doc, args, JSON_OBJECT) ? json_raw(doc, args) : STR("{}"));
        return;
    }
    if (!g->partial || r->ended)
        return;
    if (!gemini_partial_add(g->partial, doc, pieces))
        answer_reader_fail(r, ERR_UPSTREAM_TOO_LARGE, NULL);
    else if (!more)
        end_partial(r);
}

/* --- Parts ----------------------------------------------------------------------------------- */

static bool is_ascii(str raw)
{
    for (size_t i = 0; i < raw.len; i++)
        if ((unsigned char)raw.ptr[i] >= 0x80 || (raw.ptr[i] == '\\' && raw.ptr[i + 1] == 'u'))
            return false;
    return true;
}

static void emit_signature(struct answer_reader *r, unsigned choice, str signature)
{
    struct chat_event ev = {
        .kind = CHAT_SIGNATURE, .choice = choice, .opaque = signature, .format = NATIVE_GEMINI};
    if (signature.len)
        chat_emit(&r->to, &ev);
}

static void read_text(struct answer_reader *r, const struct json_doc *doc, uint32_t part,
                      uint32_t text, str signature, unsigned choice)
{
    struct candidate_state *c = &state_of(r)->candidates[choice];
    bool thought = json_is(doc, gemini_member(doc, part, STR("thought")), JSON_TRUE);
    struct chat_event ev = {.kind = thought ? CHAT_REASONING : CHAT_TEXT,
                            .choice = choice,
                            .text = raw_of_node(doc, text)};
    if (ev.text.s.len) {
        c->said = true;
        c->wide = c->wide || (!thought && !is_ascii(ev.text.s));
        chat_emit(&r->to, &ev);
    }
    emit_signature(r, choice, signature);
}

static void read_media(struct answer_reader *r, const struct json_doc *doc, uint32_t data,
                       unsigned choice)
{
    struct media m = {
        .source = MEDIA_BASE64,
        .mime = decoded(r, doc, gemini_member(doc, data, STR("mimeType"))),
        .data = decoded(r, doc, gemini_member(doc, data, STR("data"))),
    };
    struct chat_event ev = {.kind = CHAT_MEDIA, .choice = choice, .media = &m};
    if (m.data.len && !r->ended)
        chat_emit(&r->to, &ev);
}

/* What only Gemini has: its own tools' traces, transcripts. */
static void read_native(struct answer_reader *r, const struct json_doc *doc, uint32_t part,
                        unsigned choice)
{
    char to[GEMINI_NAME_MAX];
    uint32_t name = json_first(doc, part);
    if (name == JSON_NONE)
        return;
    struct native_block n = {
        .format = NATIVE_GEMINI, .type = gemini_name(doc, name, to), .json = json_raw(doc, part)};
    struct chat_event ev = {.kind = CHAT_NATIVE, .choice = choice, .native = &n};
    chat_emit(&r->to, &ev);
}

static void read_part(struct answer_reader *r, const struct json_doc *doc, uint32_t part,
                      unsigned choice)
{
    struct candidate_state *c = &state_of(r)->candidates[choice];
    str signature = decoded(r, doc, gemini_member(doc, part, STR("thoughtSignature")));
    uint32_t text = gemini_member(doc, part, STR("text"));
    uint32_t call = gemini_member(doc, part, STR("functionCall"));
    uint32_t data = gemini_member(doc, part, STR("inlineData"));
    if (r->ended || !json_is(doc, part, JSON_OBJECT))
        return;
    if (json_is(doc, text, JSON_STRING)) {
        read_text(r, doc, part, text, signature, choice);
        return;
    }
    if (json_is(doc, call, JSON_OBJECT)) {
        c->said = true;
        read_call(r, doc, call, signature, choice);
        return;
    }
    c->said = c->said || data != JSON_NONE;
    if (json_is(doc, data, JSON_OBJECT))
        read_media(r, doc, data, choice);
    else
        read_native(r, doc, part, choice);
    if (!r->ended)
        emit_signature(r, choice, signature);
}

/* --- Ends ------------------------------------------------------------------------------------ */

/* Reasons that leave nothing behind but a failure, when nothing was said. */
static enum err reason_err(str reason)
{
    static const struct {
        str reason;
        enum err err;
    } failures[] = {
        {STR_INIT("MALFORMED_FUNCTION_CALL"), ERR_UPSTREAM_MALFORMED},
        {STR_INIT("MALFORMED_RESPONSE"), ERR_UPSTREAM_MALFORMED},
        {STR_INIT("UNEXPECTED_TOOL_CALL"), ERR_UPSTREAM_MALFORMED},
        {STR_INIT("MISSING_THOUGHT_SIGNATURE"), ERR_UPSTREAM_REFUSED_REQUEST},
        {STR_INIT("PUP_LIMITED_DISABLED"),
         ERR_UPSTREAM_AUTH}, /* the account's: another key may do */
    };
    for (unsigned i = 0; i < ARRAY_LEN(failures); i++)
        if (str_eq(reason, failures[i].reason))
            return failures[i].err;
    return ERR_NONE;
}

static void finish(struct answer_reader *r, const struct json_doc *doc, uint32_t candidate,
                   unsigned choice, str reason)
{
    struct candidate_state *c = &state_of(r)->candidates[choice];
    enum err err = c->said ? ERR_NONE : reason_err(reason);
    str words = decoded(r, doc, gemini_member(doc, candidate, STR("finishMessage")));
    c->finished = true;
    if (r->ended)
        return;
    if (err) {
        struct provider_fault fault = {.message = words.len ? words : reason, .type = reason};
        answer_reader_fail(r, err, &fault);
        return;
    }
    struct chat_event ev = {.kind = CHAT_FINISH,
                            .choice = choice,
                            .finish = gemini_finish(reason, c->calls > 0),
                            .reason = reason};
    chat_emit(&r->to, &ev);
}

static unsigned choice_of(const struct json_doc *doc, uint32_t candidate)
{
    uint32_t index = gemini_member(doc, candidate, STR("index"));
    int64_t n;
    if (!json_is(doc, index, JSON_NUMBER) || !json_to_i64(json_raw(doc, index), &n) || n < 0)
        return 0; /* zero is left out */
    return n < CHOICES_MAX ? (unsigned)n : CHOICES_MAX;
}

static void read_candidate(struct answer_reader *r, const struct json_doc *doc, uint32_t candidate)
{
    unsigned choice = choice_of(doc, candidate);
    uint32_t parts =
        gemini_member(doc, gemini_member(doc, candidate, STR("content")), STR("parts"));
    uint32_t reason = gemini_member(doc, candidate, STR("finishReason"));
    if (choice == CHOICES_MAX) /* nobody asked for so many */
        return;
    struct candidate_state *c = &state_of(r)->candidates[choice];
    c->seen = true;
    if (json_is(doc, parts, JSON_ARRAY))
        JSON_EACH (part, doc, parts)
            if (!r->ended)
                read_part(r, doc, part, choice);
    if (json_is(doc, reason, JSON_STRING))
        end_partial(r);
    if (r->ended)
        return;
    gemini_read_logprobs(r, doc, candidate, choice);
    gemini_read_citations(r, doc, candidate, choice, !c->wide);
    if (json_is(doc, reason, JSON_STRING) && !c->finished && !r->ended)
        finish(r, doc, candidate, choice, decoded(r, doc, reason));
}

/* The prompt itself was refused: there are no candidates. */
static void read_block(struct answer_reader *r, const struct json_doc *doc)
{
    struct gemini_reader *g = state_of(r);
    uint32_t feedback = gemini_member(doc, JSON_ROOT, STR("promptFeedback"));
    str reason = decoded(r, doc, gemini_member(doc, feedback, STR("blockReason")));
    if (g->blocked || reason.len == 0 || str_eq(reason, STR("BLOCKED_REASON_UNSPECIFIED")))
        return;
    struct raw words = raw_of_node(doc, gemini_member(doc, feedback, STR("blockReasonMessage")));
    if (words.s.len == 0)
        words.s = arena_printf(r->scratch, "Blocked: %.*s", STR_ARG(reason));
    struct chat_event ev = {
        .kind = CHAT_FINISH, .finish = FINISH_REFUSAL, .reason = reason, .text = words};
    g->blocked = true;
    g->candidates[0].seen = g->candidates[0].finished = true;
    if (!r->ended)
        chat_emit(&r->to, &ev);
}

static void read_usage(struct answer_reader *r, const struct json_doc *doc)
{
    struct chat_event ev = {.kind = CHAT_USAGE};
    gemini_usage_read(doc, gemini_member(doc, JSON_ROOT, STR("usageMetadata")), &ev.usage);
    if (ev.usage.known)
        chat_emit(&r->to, &ev);
}

/* --- Units ----------------------------------------------------------------------------------- */

static void read_response(struct answer_reader *r, const struct json_doc *doc)
{
    uint32_t candidates = gemini_member(doc, JSON_ROOT, STR("candidates"));
    start(r, doc);
    if (r->ended)
        return;
    if (json_is(doc, candidates, JSON_ARRAY))
        JSON_EACH (candidate, doc, candidates)
            if (!r->ended)
                read_candidate(r, doc, candidate);
    if (!r->ended && json_count(doc, candidates) == 0)
        read_block(r, doc);
    if (!r->ended)
        read_usage(r, doc);
}

static void fail_unreadable(struct answer_reader *r, str text)
{
    struct provider_fault fault = {.message = str_first(str_trim(text), 500)};
    answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, &fault);
}

void gemini_read_unit(struct answer_reader *r, str name, str data)
{
    struct json_doc doc;
    (void)name;
    if (r->ended)
        return;
    enum err err = json_parse(&doc, r->scratch, data, NULL);
    if (err == ERR_NO_MEMORY) {
        answer_reader_fail(r, err, NULL);
        return;
    }
    if (err) {
        fail_unreadable(r, data);
        return;
    }
    uint32_t error = gemini_error_node(&doc);
    if (error != JSON_NONE) {
        struct provider_fault fault = {.message = STR_NULL};
        gemini_fault_of(&doc, error, r->scratch, &fault);
        answer_reader_fail(r, gemini_error_err(&doc, error), &fault);
        return;
    }
    if (json_is(&doc, JSON_ROOT, JSON_OBJECT))
        read_response(r, &doc);
    else
        fail_unreadable(r, data);
}

static bool is_complete(const struct gemini_reader *g)
{
    bool any = false;
    for (unsigned i = 0; i < CHOICES_MAX; i++) {
        if (g->candidates[i].seen && !g->candidates[i].finished)
            return false;
        any = any || g->candidates[i].seen;
    }
    return any;
}

static void end(struct answer_reader *r)
{
    struct chat_event ev = {.kind = CHAT_END};
    r->ended = true;
    chat_emit(&r->to, &ev);
}

void gemini_read_end(struct answer_reader *r)
{
    if (!r->ended && is_complete(state_of(r)))
        end(r);
}

/* Whole answers may leave a reason out; without anything said they are none. */
static void finish_silently(struct answer_reader *r)
{
    struct gemini_reader *g = state_of(r);
    for (unsigned i = 0; i < CHOICES_MAX; i++) {
        struct candidate_state *c = &g->candidates[i];
        if (!c->seen || c->finished || !c->said)
            continue;
        struct chat_event ev = {
            .kind = CHAT_FINISH, .choice = i, .finish = c->calls ? FINISH_CALLS : FINISH_STOP};
        c->finished = true;
        chat_emit(&r->to, &ev);
    }
}

void gemini_read_answer(struct answer_reader *r, str body)
{
    gemini_read_unit(r, STR_NULL, body);
    if (r->ended)
        return;
    end_partial(r);
    finish_silently(r);
    if (is_complete(state_of(r)))
        end(r);
    else
        fail_unreadable(r, STR("the answer has no candidates"));
}
