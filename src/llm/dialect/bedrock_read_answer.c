/*
 * Converse's answers.  A stream is frames whose names say what their payload is:
 *
 *   messageStart (contentBlockStart? contentBlockDelta* contentBlockStop)* messageStop metadata
 *
 * Blocks of text and reasoning come without a start.  Only messageStop proves that the answer is
 * complete; the usage comes after it.  A block has a number; several may be open.
 */
#include "llm/dialect/bedrock_impl.h"

static void emit(struct answer_reader *r, const struct chat_event *ev)
{
    chat_emit(&r->to, ev);
}

static void malformed(struct answer_reader *r, const char *what)
{
    struct provider_fault fault = {.message = str_from_c(what)};
    answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, &fault);
}

static void no_memory(struct answer_reader *r)
{
    answer_reader_fail(r, ERR_NO_MEMORY, &(struct provider_fault){0});
}

static void start(struct answer_reader *r)
{
    struct bedrock_reader *s = r->state;
    if (!s->started)
        emit(r, &(struct chat_event){.kind = CHAT_START}); /* no id, no model in Converse */
    s->started = true;
}

/* Whose signatures the model's are. */
static enum native_format maker_of(const struct answer_reader *r)
{
    const struct bedrock_family *f = bedrock_family_of(r->target->model, r->target->facts);
    return f->maker == BEDROCK_CLAUDE ? NATIVE_ANTHROPIC : NATIVE_BEDROCK;
}

/* --- Blocks ----------------------------------------------------------------------------------- */

static struct bedrock_open_block *find_block(struct bedrock_reader *s, int64_t index)
{
    for (unsigned i = 0; i < BEDROCK_OPEN_MAX; i++)
        if (s->open[i].kind != BEDROCK_CLOSED && s->open[i].index == index)
            return &s->open[i];
    return NULL;
}

/* NULL: r has failed. */
static struct bedrock_open_block *open_block(struct answer_reader *r, int64_t index,
                                             enum bedrock_block kind)
{
    struct bedrock_reader *s = r->state;
    for (unsigned i = 0; i < BEDROCK_OPEN_MAX; i++) {
        if (s->open[i].kind != BEDROCK_CLOSED)
            continue;
        s->open[i] = (struct bedrock_open_block){.kind = kind, .index = index};
        if (s->before == kind && (kind == BEDROCK_TEXT || kind == BEDROCK_REASONS))
            emit(r, &(struct chat_event){.kind = CHAT_BREAK});
        s->before = kind;
        return &s->open[i];
    }
    malformed(r, "Bedrock has too many blocks open at once.");
    return NULL;
}

/* The open block of this number, which is opened when its kind shows only now. */
static struct bedrock_open_block *block_at(struct answer_reader *r, int64_t index,
                                           enum bedrock_block kind)
{
    struct bedrock_open_block *b = find_block(r->state, index);
    return b ? b : open_block(r, index, kind);
}

static void say_signature(struct answer_reader *r, str signature)
{
    struct bedrock_reader *s = r->state;
    emit(r,
         &(struct chat_event){.kind = CHAT_SIGNATURE, .opaque = signature, .format = maker_of(r)});
    s->before = BEDROCK_HIDDEN; /* it ends its block: no break is needed */
}

static void say_picture(struct answer_reader *r, str format, str base64)
{
    str mime[] = {STR("image/"), format.len ? format : STR("png")};
    struct media m = {.source = MEDIA_BASE64, .data = base64};
    m.mime = arena_concat(r->scratch, mime, ARRAY_LEN(mime));
    if (str_is_null(m.mime))
        no_memory(r);
    else
        emit(r, &(struct chat_event){.kind = CHAT_MEDIA, .media = &m});
}

static void emit_text(struct answer_reader *r, struct raw text)
{
    if (text.s.len)
        emit(r, &(struct chat_event){.kind = CHAT_TEXT, .text = text});
}

/* Where a format or a tool was asked for there is no fence to find. */
static bool has_fence(const struct answer_reader *r)
{
    enum response_format format = r->chat->format;
    return (format == FORMAT_JSON || format == FORMAT_SCHEMA) && !r->target->json_tool;
}

static void say_text(struct answer_reader *r, struct raw text)
{
    struct bedrock_reader *s = r->state;
    if (has_fence(r) && !json_fence_take(&s->fence, r->arena, r->scratch, text, &text))
        no_memory(r);
    else
        emit_text(r, text);
}

/* What was held back of it. */
static void end_text(struct answer_reader *r)
{
    struct bedrock_reader *s = r->state;
    if (has_fence(r))
        emit_text(r, json_fence_end(&s->fence));
}

static void close_block(struct answer_reader *r, struct bedrock_open_block *b)
{
    if (b->kind == BEDROCK_TEXT)
        end_text(r);
    else if (b->kind == BEDROCK_REASONS && b->signature.len)
        say_signature(r, b->signature);
    else if (b->kind == BEDROCK_CALLS && !b->said)
        emit(r,
             &(struct chat_event){.kind = CHAT_CALL_ARGUMENTS, .call = b->call, .text = RAW("{}")});
    else if (b->kind == BEDROCK_DRAWS && b->picture.len)
        say_picture(r, b->format, b->picture);
    b->kind = BEDROCK_CLOSED;
}

/* *to and more, in the request's arena.  False: r has failed. */
static bool append(struct answer_reader *r, str *to, str more)
{
    str pieces[] = {*to, more};
    *to = arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
    if (str_is_null(*to))
        no_memory(r);
    return !str_is_null(*to);
}

static str decoded(struct answer_reader *r, const struct json_doc *doc, uint32_t node)
{
    str text = STR_NULL;
    if (json_is(doc, node, JSON_STRING) && json_string_decode(doc, node, r->scratch, &text))
        no_memory(r);
    return text;
}

/* --- Tools ------------------------------------------------------------------------------------ */

static bool is_custom(const struct answer_reader *r, str name)
{
    const struct tool *t = r->chat->tools;
    str own = name_restore(r->scratch, &name_rule_openai, r->chat, name);
    while (t && !str_eq(t->name, own))
        t = t->next;
    return t && t->custom;
}

/* Announces the call.  False: it is not the client's to answer, or r has failed. */
static bool say_call(struct answer_reader *r, const struct json_doc *doc, uint32_t use,
                     unsigned *number)
{
    struct bedrock_reader *s = r->state;
    if (json_is(doc, json_member(doc, use, STR("type")), JSON_STRING)) /* "server_tool_use" */
        return false;
    struct chat_event ev = {
        .kind = CHAT_CALL,
        .call = s->calls,
        .id = decoded(r, doc, json_member(doc, use, STR("toolUseId"))),
        .name = decoded(r, doc, json_member(doc, use, STR("name"))),
    };
    if (r->ended)
        return false;
    if (!ev.name.len) {
        malformed(r, "Bedrock called a tool without a name.");
        return false;
    }
    ev.custom = is_custom(r, ev.name);
    *number = s->calls++;
    emit(r, &ev);
    return true;
}

/* --- Citations -------------------------------------------------------------------------------- */

static struct raw raw_member(const struct json_doc *doc, uint32_t object, str name)
{
    return raw_of_node(doc, json_member(doc, object, name));
}

static int64_t number_member(const struct json_doc *doc, uint32_t object, str name)
{
    int64_t n;
    uint32_t node = json_member(doc, object, name);
    return json_is(doc, node, JSON_NUMBER) && json_to_i64(json_raw(doc, node), &n) ? n : -1;
}

static void say_citation(struct answer_reader *r, const struct json_doc *doc, uint32_t node)
{
    uint32_t location = json_member(doc, node, STR("location"));
    uint32_t web = json_member(doc, location, STR("web"));
    uint32_t source = json_member(doc, node, STR("sourceContent"));
    struct citation c = {
        .url = raw_member(doc, web, STR("url")),
        .title = raw_member(doc, node, STR("title")),
        .cited = raw_member(doc, json_first(doc, source), STR("text")),
        .start = -1, /* in this text: Converse does not say */
        .end = -1,
        .format = NATIVE_BEDROCK,
        .json = json_raw(doc, node),
    };
    emit(r, &(struct chat_event){.kind = CHAT_CITATION, .citation = &c});
}

/* --- The end ---------------------------------------------------------------------------------- */

static const struct {
    str reason;
    enum finish finish;
} finishes[] = {
    {STR_INIT("end_turn"), FINISH_STOP},
    {STR_INIT("stop_sequence"), FINISH_STOP_SEQUENCE},
    {STR_INIT("max_tokens"), FINISH_LENGTH},
    {STR_INIT("tool_use"), FINISH_CALLS},
    {STR_INIT("guardrail_intervened"), FINISH_FILTERED},
    {STR_INIT("content_filtered"), FINISH_FILTERED},
    {STR_INIT("malformed_model_output"), FINISH_MALFORMED},
    {STR_INIT("malformed_tool_use"), FINISH_MALFORMED},
    {STR_INIT("model_context_window_exceeded"), FINISH_CONTEXT},
};

static enum finish finish_of(str reason)
{
    for (size_t i = 0; i < ARRAY_LEN(finishes); i++)
        if (str_eq(reason, finishes[i].reason))
            return finishes[i].finish;
    return FINISH_OTHER;
}

/* Claude's answer to our wish for its stop sequence, in a body or in the stream's form. */
static struct raw stop_sequence(const struct json_doc *doc, uint32_t object)
{
    uint32_t more = json_member(doc, object, STR("additionalModelResponseFields"));
    uint32_t delta = json_member(doc, more, STR("delta"));
    struct raw said = raw_member(doc, more, STR("stop_sequence"));
    return str_is_null(said.s) ? raw_member(doc, delta, STR("stop_sequence")) : said;
}

static void finish(struct answer_reader *r, const struct json_doc *doc, uint32_t object)
{
    struct bedrock_reader *s = r->state;
    for (unsigned i = 0; i < BEDROCK_OPEN_MAX && !r->ended; i++)
        if (s->open[i].kind != BEDROCK_CLOSED)
            close_block(r, &s->open[i]);
    str reason = decoded(r, doc, json_member(doc, object, STR("stopReason")));
    if (r->ended)
        return;
    enum finish meaning = finish_of(reason);
    if (meaning == FINISH_MALFORMED && s->before == BEDROCK_CLOSED) { /* nothing was said */
        struct provider_fault fault = {.message = reason, .type = reason};
        answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, &fault);
        return;
    }
    s->stopped = true;
    emit(r, &(struct chat_event){.kind = CHAT_FINISH,
                                 .finish = meaning,
                                 .reason = reason,
                                 .text = stop_sequence(doc, object)});
}

static int64_t tokens(const struct json_doc *doc, uint32_t usage, str name, bool *clamped)
{
    uint32_t node = json_member(doc, usage, name);
    int64_t n;
    if (!json_is(doc, node, JSON_NUMBER))
        return -1;
    if (json_to_i64(json_raw(doc, node), &n) && n >= 0 && n <= USAGE_MAX)
        return n;
    *clamped = true;
    return json_to_double(json_raw(doc, node)) > 0 ? USAGE_MAX : 0;
}

/* Disjoint as Converse has them; what it thinks is within the output and not told apart. */
static void say_usage(struct answer_reader *r, const struct json_doc *doc, uint32_t node)
{
    struct chat_event ev = {.kind = CHAT_USAGE};
    struct usage *u = &ev.usage;
    if (!json_is(doc, node, JSON_OBJECT))
        return;
    u->input = tokens(doc, node, STR("inputTokens"), &u->clamped);
    u->cached = tokens(doc, node, STR("cacheReadInputTokens"), &u->clamped);
    u->cache_write = tokens(doc, node, STR("cacheWriteInputTokens"), &u->clamped);
    u->output = tokens(doc, node, STR("outputTokens"), &u->clamped);
    u->reasoning = -1;
    u->known = u->input >= 0 || u->output >= 0;
    if (u->known)
        emit(r, &ev);
}

static void end(struct answer_reader *r)
{
    if (r->ended)
        return;
    r->ended = true;
    emit(r, &(struct chat_event){.kind = CHAT_END});
}

/* --- Units ------------------------------------------------------------------------------------ */

static void on_message_start(struct answer_reader *r, const struct json_doc *doc)
{
    (void)r, (void)doc; /* it says the role only */
}

static void on_block_start(struct answer_reader *r, const struct json_doc *doc)
{
    int64_t index = number_member(doc, JSON_ROOT, STR("contentBlockIndex"));
    uint32_t begun = json_member(doc, JSON_ROOT, STR("start"));
    uint32_t use = json_member(doc, begun, STR("toolUse"));
    uint32_t image = json_member(doc, begun, STR("image"));
    unsigned number = 0;
    if (json_is(doc, use, JSON_OBJECT)) {
        bool ours = say_call(r, doc, use, &number);
        struct bedrock_open_block *b =
            r->ended ? NULL : block_at(r, index, ours ? BEDROCK_CALLS : BEDROCK_HIDDEN);
        if (b)
            b->call = number;
    } else if (json_is(doc, image, JSON_OBJECT)) {
        struct bedrock_open_block *b = block_at(r, index, BEDROCK_DRAWS);
        str format = decoded(r, doc, json_member(doc, image, STR("format")));
        if (b && !r->ended && format.len)
            append(r, &b->format, format);
    } else if (json_is(doc, json_member(doc, begun, STR("toolResult")), JSON_OBJECT)) {
        block_at(r, index, BEDROCK_HIDDEN);
    } /* an empty start says nothing: the first delta does */
}

static void on_text(struct answer_reader *r, int64_t index, const struct json_doc *doc,
                    uint32_t node)
{
    if (json_string_raw(doc, node).len && block_at(r, index, BEDROCK_TEXT))
        say_text(r, raw_of_node(doc, node));
}

static void on_arguments(struct answer_reader *r, int64_t index, const struct json_doc *doc,
                         uint32_t use)
{
    struct bedrock_open_block *b = find_block(r->state, index);
    struct raw piece = raw_member(doc, use, STR("input"));
    if (!b || (b->kind != BEDROCK_CALLS && b->kind != BEDROCK_HIDDEN)) {
        malformed(r, "Bedrock sent arguments of a tool that was not called.");
        return;
    }
    if (b->kind == BEDROCK_HIDDEN || !piece.s.len)
        return;
    b->said = true;
    emit(r, &(struct chat_event){.kind = CHAT_CALL_ARGUMENTS, .call = b->call, .text = piece});
}

static void on_redacted(struct answer_reader *r, str opaque)
{
    struct bedrock_reader *s = r->state;
    emit(r,
         &(struct chat_event){.kind = CHAT_REDACTED, .opaque = opaque, .format = NATIVE_BEDROCK});
    s->before = BEDROCK_HIDDEN;
}

static void on_reasoning(struct answer_reader *r, int64_t index, const struct json_doc *doc,
                         uint32_t node)
{
    struct raw text = raw_member(doc, node, STR("text"));
    str signature = decoded(r, doc, json_member(doc, node, STR("signature")));
    str redacted = decoded(r, doc, json_member(doc, node, STR("redactedContent")));
    enum bedrock_block kind = redacted.len ? BEDROCK_HIDDEN : BEDROCK_REASONS;
    struct bedrock_open_block *b = r->ended ? NULL : block_at(r, index, kind);
    if (!b)
        return;
    if (text.s.len)
        emit(r, &(struct chat_event){.kind = CHAT_REASONING, .text = text});
    if (signature.len)
        append(r, &b->signature, signature);
    if (redacted.len)
        on_redacted(r, redacted);
}

static void on_image(struct answer_reader *r, int64_t index, const struct json_doc *doc,
                     uint32_t image)
{
    uint32_t source = json_member(doc, image, STR("source"));
    str piece = decoded(r, doc, json_member(doc, source, STR("bytes")));
    struct bedrock_open_block *b = r->ended ? NULL : block_at(r, index, BEDROCK_DRAWS);
    if (b && piece.len)
        append(r, &b->picture, piece);
}

static void on_delta(struct answer_reader *r, const struct json_doc *doc)
{
    int64_t index = number_member(doc, JSON_ROOT, STR("contentBlockIndex"));
    JSON_EACH (name, doc, json_member(doc, JSON_ROOT, STR("delta"))) {
        uint32_t value = json_value(name);
        if (json_string_eq(doc, name, STR("text")) && json_is(doc, value, JSON_STRING))
            on_text(r, index, doc, value);
        else if (json_string_eq(doc, name, STR("toolUse")))
            on_arguments(r, index, doc, value);
        else if (json_string_eq(doc, name, STR("reasoningContent")))
            on_reasoning(r, index, doc, value);
        else if (json_string_eq(doc, name, STR("citation")))
            say_citation(r, doc, value);
        else if (json_string_eq(doc, name, STR("image")))
            on_image(r, index, doc, value);
        if (r->ended)
            return;
    }
}

static void on_block_stop(struct answer_reader *r, const struct json_doc *doc)
{
    int64_t index = number_member(doc, JSON_ROOT, STR("contentBlockIndex"));
    struct bedrock_open_block *b = find_block(r->state, index);
    if (b)
        close_block(r, b);
}

static void on_message_stop(struct answer_reader *r, const struct json_doc *doc)
{
    finish(r, doc, JSON_ROOT);
}

/* The last frame: usage, after messageStop. */
static void on_metadata(struct answer_reader *r, const struct json_doc *doc)
{
    struct bedrock_reader *s = r->state;
    say_usage(r, doc, json_member(doc, JSON_ROOT, STR("usage")));
    if (s->stopped)
        end(r);
}

static const struct {
    str name;
    void (*on)(struct answer_reader *r, const struct json_doc *doc);
} units[] = {
    {STR_INIT("contentBlockDelta"), on_delta},     {STR_INIT("contentBlockStart"), on_block_start},
    {STR_INIT("contentBlockStop"), on_block_stop}, {STR_INIT("messageStart"), on_message_start},
    {STR_INIT("messageStop"), on_message_stop},    {STR_INIT("metadata"), on_metadata},
};

/* A frame of an exception, or (":error") of an error that the service's model does not know. */
static void on_failure(struct answer_reader *r, str name, str data)
{
    struct provider_fault fault;
    bool is_named = !str_eq(name, STR(":error"));
    bedrock_read_fault(data, is_named ? name : STR_NULL, r->scratch, &fault);
    enum err err = bedrock_error_meaning(fault.type);
    answer_reader_fail(r, err ? err : ERR_UPSTREAM_STREAM_ERROR, &fault);
}

void bedrock_read_unit(struct answer_reader *r, str name, str data)
{
    struct json_doc doc;
    if (r->ended)
        return;
    if (str_eq(name, STR(":error")) || str_ends(name, STR("Exception"))) {
        on_failure(r, name, data);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!str_eq(name, units[i].name))
            continue;
        enum err err = json_parse(&doc, r->scratch, data, NULL);
        if (err == ERR_NO_MEMORY)
            no_memory(r);
        else if (err || !json_is(&doc, JSON_ROOT, JSON_OBJECT))
            malformed(r, "Bedrock sent an event that is not a JSON object.");
        else {
            start(r);
            units[i].on(r, &doc);
        }
        return;
    } /* events that are not known say nothing */
}

/* The usage may be missing; what is said is whole after messageStop. */
void bedrock_read_end(struct answer_reader *r)
{
    const struct bedrock_reader *s = r->state;
    if (s->stopped)
        end(r);
}

/* --- Whole answers ---------------------------------------------------------------------------- */

static void whole_call(struct answer_reader *r, const struct json_doc *doc, uint32_t use)
{
    unsigned number = 0;
    uint32_t input = json_member(doc, use, STR("input"));
    struct buf escaped;
    if (!say_call(r, doc, use, &number))
        return;
    buf_init(&escaped, 0);
    json_escape(&escaped, json_is(doc, input, JSON_OBJECT) ? json_raw(doc, input) : STR("{}"));
    if (escaped.failed)
        no_memory(r);
    else
        emit(r, &(struct chat_event){
                    .kind = CHAT_CALL_ARGUMENTS, .call = number, .text = {buf_str(&escaped)}});
    buf_release(&escaped);
}

static void whole_reasoning(struct answer_reader *r, const struct json_doc *doc, uint32_t node)
{
    uint32_t text = json_member(doc, node, STR("reasoningText"));
    struct raw said = raw_member(doc, text, STR("text"));
    str signature = decoded(r, doc, json_member(doc, text, STR("signature")));
    str redacted = decoded(r, doc, json_member(doc, node, STR("redactedContent")));
    if (r->ended)
        return;
    if (said.s.len)
        emit(r, &(struct chat_event){.kind = CHAT_REASONING, .text = said});
    if (signature.len)
        say_signature(r, signature);
    if (redacted.len)
        on_redacted(r, redacted);
}

static void whole_text(struct answer_reader *r, const struct json_doc *doc, uint32_t node)
{
    if (!json_is(doc, node, JSON_STRING))
        return;
    say_text(r, raw_of_node(doc, node));
    end_text(r);
}

static void whole_cited(struct answer_reader *r, const struct json_doc *doc, uint32_t node)
{
    JSON_EACH (part, doc, json_member(doc, node, STR("content"))) {
        uint32_t text = json_member(doc, part, STR("text"));
        if (json_is(doc, text, JSON_STRING))
            say_text(r, raw_of_node(doc, text));
    }
    end_text(r);
    JSON_EACH (one, doc, json_member(doc, node, STR("citations")))
        say_citation(r, doc, one);
}

static void whole_image(struct answer_reader *r, const struct json_doc *doc, uint32_t node)
{
    uint32_t source = json_member(doc, node, STR("source"));
    str format = decoded(r, doc, json_member(doc, node, STR("format")));
    str data = decoded(r, doc, json_member(doc, source, STR("bytes")));
    if (data.len && !r->ended)
        say_picture(r, format, data);
}

static const struct {
    str name;
    enum bedrock_block kind;
    void (*read)(struct answer_reader *r, const struct json_doc *doc, uint32_t node);
} blocks[] = {
    {STR_INIT("text"), BEDROCK_TEXT, whole_text},
    {STR_INIT("citationsContent"), BEDROCK_TEXT, whole_cited},
    {STR_INIT("reasoningContent"), BEDROCK_REASONS, whole_reasoning},
    {STR_INIT("toolUse"), BEDROCK_CALLS, whole_call},
    {STR_INIT("image"), BEDROCK_DRAWS, whole_image},
};

static void whole_block(struct answer_reader *r, const struct json_doc *doc, uint32_t block)
{
    struct bedrock_reader *s = r->state;
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        uint32_t node = json_member(doc, block, blocks[i].name);
        if (node == JSON_NONE || json_is(doc, node, JSON_NULL))
            continue;
        if (s->before == blocks[i].kind &&
            (s->before == BEDROCK_TEXT || s->before == BEDROCK_REASONS))
            emit(r, &(struct chat_event){.kind = CHAT_BREAK});
        s->before = blocks[i].kind;
        blocks[i].read(r, doc, node);
        return;
    }
}

void bedrock_read_answer(struct answer_reader *r, str body)
{
    struct json_doc doc;
    enum err err = json_parse(&doc, r->scratch, body, NULL);
    if (err == ERR_NO_MEMORY) {
        no_memory(r);
        return;
    }
    uint32_t output = err ? JSON_NONE : json_member(&doc, JSON_ROOT, STR("output"));
    uint32_t message = err ? JSON_NONE : json_member(&doc, output, STR("message"));
    if (err || !json_is(&doc, message, JSON_OBJECT)) {
        malformed(r, "Bedrock's answer has no message.");
        return;
    }
    start(r);
    JSON_EACH (block, &doc, json_member(&doc, message, STR("content"))) {
        whole_block(r, &doc, block);
        if (r->ended)
            return;
    }
    say_usage(r, &doc, json_member(&doc, JSON_ROOT, STR("usage")));
    finish(r, &doc, JSON_ROOT);
    end(r);
}
