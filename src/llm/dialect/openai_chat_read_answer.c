/*
 * Answers of chat completions into neutral events (mapping.md §12–15), of OpenAI and of the many servers
 * that speak its format, with their habits: `reasoning` for `reasoning_content`, calls without index or in
 * one piece, "stop" after calls, usage in every chunk, errors of several shapes.
 */
#include "llm/dialect/openai_chat_impl.h"
#include "llm/dialect/openai_usage.h"

struct seen_choice {
    unsigned calls; /* number of the next tool call */
    int64_t index;  /* the provider's of the newest; -1: it says none */
    bool any_call;
    bool finished;
    enum finish finish;
};

enum { CHOICES_MAX = 8 };

struct state {
    bool started, done;
    struct seen_choice *choices;
};

_Static_assert(sizeof(struct state) <= OPENAI_CHAT_READER_SIZE, "the state of a reader");

/* --- Errors -------------------------------------------------------------------------------------------------- */

static str text_member(const struct json_doc *doc, uint32_t object, str name, struct arena *a)
{
    uint32_t node = json_member(doc, object, name);
    str text = STR_NULL;
    if (json_is(doc, node, JSON_STRING) && json_string_decode(doc, node, a, &text))
        return STR_NULL;
    return json_is(doc, node, JSON_NUMBER) ? json_raw(doc, node) : text;
}

void openai_read_fault(const struct json_doc *doc, uint32_t error, struct arena *a,
                       struct provider_fault *out)
{
    if (json_is(doc, error, JSON_STRING)) {
        if (json_string_decode(doc, error, a, &out->message))
            out->message = STR_NULL;
        return;
    }
    out->message = text_member(doc, error, STR("message"), a);
    out->type = text_member(doc, error, STR("type"), a);
    out->code = text_member(doc, error, STR("code"), a);
    out->param = text_member(doc, error, STR("param"), a);
}

static bool is_any(str text, const str *names, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (str_eq(text, names[i]))
            return true;
    return false;
}

enum err openai_fault_meaning(const struct provider_fault *f)
{
    static const str limits[] = {STR_INIT("rate_limit_exceeded"), STR_INIT("rate_limit_error"),
                                 STR_INIT("429")};
    static const str refusals[] = {STR_INIT("invalid_request_error"),
                                   STR_INIT("context_length_exceeded"), STR_INIT("content_filter"),
                                   STR_INIT("400"), STR_INIT("BadRequestError")};
    static const str overloads[] = {STR_INIT("overloaded"), STR_INIT("overloaded_error"),
                                    STR_INIT("503"), STR_INIT("529")};
    if (str_eq(f->code, STR("insufficient_quota")) || str_eq(f->type, STR("insufficient_quota")))
        return ERR_UPSTREAM_QUOTA;
    if (is_any(f->code, limits, ARRAY_LEN(limits)) || is_any(f->type, limits, ARRAY_LEN(limits)))
        return ERR_UPSTREAM_RATE_LIMIT;
    if (is_any(f->code, overloads, ARRAY_LEN(overloads)) ||
        is_any(f->type, overloads, ARRAY_LEN(overloads)))
        return ERR_UPSTREAM_OVERLOADED;
    if (is_any(f->code, refusals, ARRAY_LEN(refusals)) ||
        is_any(f->type, refusals, ARRAY_LEN(refusals)))
        return ERR_UPSTREAM_REFUSED_REQUEST;
    return ERR_UPSTREAM_STREAM_ERROR;
}

void openai_chat_read_error(str body, struct arena *a, struct provider_fault *out)
{
    struct json_doc doc;
    *out = (struct provider_fault){0};
    if (json_parse(&doc, a, body, &(struct json_options){.index_depth = 4}))
        return;
    uint32_t root = JSON_ROOT;
    if (json_is(&doc, root, JSON_ARRAY)) /* Google's compatible layer */
        root = json_first(&doc, root);
    uint32_t error = json_member(&doc, root, STR("error"));
    if (json_is(&doc, error, JSON_NULL) || error == JSON_NONE)
        error = json_is(&doc, json_member(&doc, root, STR("message")), JSON_STRING)
                    ? root
                    : json_member(&doc, root, STR("detail"));
    if (error != JSON_NONE)
        openai_read_fault(&doc, error, a, out);
}

/* --- Events --------------------------------------------------------------------------------------------------- */

static void emit_text(struct answer_reader *r, unsigned choice, enum chat_event_kind kind,
                      const struct json_doc *doc, uint32_t node)
{
    struct raw text = raw_of_node(doc, node);
    if (text.s.len)
        chat_emit(&r->to, &(struct chat_event){.kind = kind, .choice = choice, .text = text});
}

static str decoded(struct answer_reader *r, const struct json_doc *doc, uint32_t node)
{
    str text = STR_NULL;
    if (json_is(doc, node, JSON_STRING) && json_string_decode(doc, node, r->scratch, &text))
        answer_reader_fail(r, ERR_NO_MEMORY, NULL);
    return text;
}

static struct seen_choice *seen(struct answer_reader *r, unsigned choice)
{
    struct state *s = r->state;
    if (!s->choices)
        s->choices = arena_zalloc(r->arena, CHOICES_MAX * sizeof(*s->choices));
    if (!s->choices)
        answer_reader_fail(r, ERR_NO_MEMORY, NULL);
    return s->choices && choice < CHOICES_MAX ? &s->choices[choice] : NULL;
}

static void start(struct answer_reader *r, const struct json_doc *doc)
{
    struct state *s = r->state;
    if (s->started)
        return;
    s->started = true;
    chat_emit(&r->to, &(struct chat_event){
                          .kind = CHAT_START,
                          .id = decoded(r, doc, json_member(doc, JSON_ROOT, STR("id"))),
                          .model = decoded(r, doc, json_member(doc, JSON_ROOT, STR("model")))});
}

/* Google's signature on a call, in its own extension. */
static str call_signature(struct answer_reader *r, const struct json_doc *doc, uint32_t call)
{
    uint32_t extra = json_member(doc, call, STR("extra_content"));
    uint32_t google = json_member(doc, extra, STR("google"));
    return decoded(r, doc, json_member(doc, google, STR("thought_signature")));
}

static void emit_arguments(struct answer_reader *r, unsigned choice, unsigned call,
                           const struct json_doc *doc, uint32_t node)
{
    struct raw text = raw_of_node(doc, node);
    if (json_is(doc, node, JSON_OBJECT)) /* some servers send the object itself */
        text = raw_of_text(r->scratch, json_raw(doc, node));
    if (text.s.len)
        chat_emit(&r->to,
                  &(struct chat_event){
                      .kind = CHAT_CALL_ARGUMENTS, .choice = choice, .call = call, .text = text});
}

/* A call, or a piece of one.  A new one has a name; a piece has the index of its call, or none. */
static void read_call(struct answer_reader *r, unsigned choice, const struct json_doc *doc,
                      uint32_t item, bool whole)
{
    struct seen_choice *c = seen(r, choice);
    int64_t index = -1;
    uint32_t at = json_member(doc, item, STR("index"));
    uint32_t custom = json_member(doc, item, STR("custom"));
    bool is_custom = json_is(doc, custom, JSON_OBJECT);
    uint32_t function = is_custom ? custom : json_member(doc, item, STR("function"));
    str name = decoded(r, doc, json_member(doc, function, STR("name")));
    if (!c)
        return;
    if (json_is(doc, at, JSON_NUMBER) && !json_to_i64(json_raw(doc, at), &index))
        index = -1;
    bool another = whole || !c->any_call || index != c->index;
    if (name.len && (another || index < 0)) {
        c->any_call = true;
        c->index = index;
        chat_emit(&r->to,
                  &(struct chat_event){.kind = CHAT_CALL,
                                       .choice = choice,
                                       .call = c->calls++,
                                       .id = decoded(r, doc, json_member(doc, item, STR("id"))),
                                       .name = name,
                                       .custom = is_custom,
                                       .opaque = call_signature(r, doc, item)});
    }
    if (!c->any_call)
        return; /* arguments of nobody */
    unsigned call = c->calls - 1;
    if (index >= 0 && index < c->index && (uint64_t)index < c->calls)
        call = (unsigned)index; /* interleaved: of one that was opened before */
    emit_arguments(r, choice, call, doc,
                   json_member(doc, function, is_custom ? STR("input") : STR("arguments")));
}

static void read_calls(struct answer_reader *r, unsigned choice, const struct json_doc *doc,
                       uint32_t message, bool whole)
{
    uint32_t calls = json_member(doc, message, STR("tool_calls"));
    JSON_EACH (item, doc, calls)
        read_call(r, choice, doc, item, whole);
    uint32_t old = json_member(doc, message, STR("function_call"));
    struct seen_choice *c = json_is(doc, old, JSON_OBJECT) ? seen(r, choice) : NULL;
    if (!c)
        return;
    str name = decoded(r, doc, json_member(doc, old, STR("name")));
    if (name.len && !c->any_call) {
        c->any_call = true;
        chat_emit(&r->to,
                  &(struct chat_event){
                      .kind = CHAT_CALL, .choice = choice, .call = c->calls++, .name = name});
    }
    if (c->any_call)
        emit_arguments(r, choice, c->calls - 1, doc, json_member(doc, old, STR("arguments")));
}

/* thinking_blocks of another gateway: the signature; its text came as reasoning_content. */
static void read_blocks(struct answer_reader *r, unsigned choice, const struct json_doc *doc,
                        uint32_t message)
{
    uint32_t blocks = json_member(doc, message, STR("thinking_blocks"));
    JSON_EACH (item, doc, blocks) {
        uint32_t type = json_member(doc, item, STR("type"));
        bool redacted =
            json_is(doc, type, JSON_STRING) && json_string_eq(doc, type, STR("redacted_thinking"));
        str opaque =
            decoded(r, doc, json_member(doc, item, redacted ? STR("data") : STR("signature")));
        if (opaque.len)
            chat_emit(&r->to,
                      &(struct chat_event){.kind = redacted ? CHAT_REDACTED : CHAT_SIGNATURE,
                                           .choice = choice,
                                           .opaque = opaque,
                                           .format = NATIVE_ANTHROPIC});
    }
}

static void read_annotations(struct answer_reader *r, unsigned choice, const struct json_doc *doc,
                             uint32_t message)
{
    uint32_t list = json_member(doc, message, STR("annotations"));
    JSON_EACH (item, doc, list) {
        uint32_t url = json_member(doc, item, STR("url_citation"));
        struct citation c = {.start = -1,
                             .end = -1,
                             .format = NATIVE_OPENAI,
                             .json = json_raw(doc, item),
                             .url = raw_of_node(doc, json_member(doc, url, STR("url"))),
                             .title = raw_of_node(doc, json_member(doc, url, STR("title")))};
        uint32_t from = json_member(doc, url, STR("start_index"));
        uint32_t to = json_member(doc, url, STR("end_index"));
        if (json_is(doc, from, JSON_NUMBER) && !json_to_i64(json_raw(doc, from), &c.start))
            c.start = -1;
        if (json_is(doc, to, JSON_NUMBER) && !json_to_i64(json_raw(doc, to), &c.end))
            c.end = -1;
        if (c.url.s.len)
            chat_emit(&r->to, &(struct chat_event){
                                  .kind = CHAT_CITATION, .choice = choice, .citation = &c});
    }
}

static void read_content(struct answer_reader *r, unsigned choice, const struct json_doc *doc,
                         uint32_t content)
{
    if (json_is(doc, content, JSON_STRING)) {
        emit_text(r, choice, CHAT_TEXT, doc, content);
        return;
    }
    JSON_EACH (part, doc, content) { /* parts, as Mistral's reasoning models send */
        uint32_t thinking = json_member(doc, part, STR("thinking"));
        emit_text(r, choice, CHAT_TEXT, doc, json_member(doc, part, STR("text")));
        emit_text(r, choice, CHAT_REASONING, doc, thinking);
        JSON_EACH (inner, doc, thinking)
            emit_text(r, choice, CHAT_REASONING, doc, json_member(doc, inner, STR("text")));
    }
}

/* A message or a delta. */
static void read_message(struct answer_reader *r, unsigned choice, const struct json_doc *doc,
                         uint32_t message, bool whole)
{
    uint32_t reasoning = json_member(doc, message, STR("reasoning_content"));
    if (!json_is(doc, reasoning, JSON_STRING))
        reasoning = json_member(doc, message, STR("reasoning"));
    emit_text(r, choice, CHAT_REASONING, doc, reasoning);
    read_blocks(r, choice, doc, message);
    read_content(r, choice, doc, json_member(doc, message, STR("content")));
    emit_text(r, choice, CHAT_REFUSAL, doc, json_member(doc, message, STR("refusal")));
    read_annotations(r, choice, doc, message);
    read_calls(r, choice, doc, message, whole);
}

static void read_logprobs(struct answer_reader *r, unsigned choice, const struct json_doc *doc,
                          uint32_t logprobs)
{
    uint32_t content = json_member(doc, logprobs, STR("content"));
    if (!json_is(doc, content, JSON_ARRAY))
        return;
    str list = json_raw(doc, content), inside = str_trim(str_make(list.ptr + 1, list.len - 2));
    if (inside.len)
        chat_emit(&r->to,
                  &(struct chat_event){.kind = CHAT_LOGPROBS, .choice = choice, .json = inside});
}

static enum finish finish_of(str reason, bool calls)
{
    static const struct {
        str name;
        enum finish finish;
    } known[] = {
        {STR_INIT("length"), FINISH_LENGTH},       {STR_INIT("max_tokens"), FINISH_LENGTH},
        {STR_INIT("model_length"), FINISH_LENGTH}, {STR_INIT("content_filter"), FINISH_FILTERED},
        {STR_INIT("tool_calls"), FINISH_CALLS},    {STR_INIT("function_call"), FINISH_CALLS},
        {STR_INIT("stop"), FINISH_STOP},           {STR_INIT("eos"), FINISH_STOP},
        {STR_INIT("error"), FINISH_MALFORMED},
    };
    for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
        if (!str_eq(reason, known[i].name))
            continue;
        return known[i].finish == FINISH_STOP && calls ? FINISH_CALLS : known[i].finish;
    }
    return calls ? FINISH_CALLS : FINISH_OTHER;
}

static void read_finish(struct answer_reader *r, unsigned choice, const struct json_doc *doc,
                        uint32_t item)
{
    str reason = decoded(r, doc, json_member(doc, item, STR("finish_reason")));
    struct seen_choice *c = reason.len ? seen(r, choice) : NULL;
    if (!c || c->finished)
        return;
    c->finished = true;
    chat_emit(&r->to, &(struct chat_event){.kind = CHAT_FINISH,
                                           .choice = choice,
                                           .finish = finish_of(reason, c->any_call),
                                           .reason = reason});
}

static void read_choices(struct answer_reader *r, const struct json_doc *doc, uint32_t choices,
                         bool whole)
{
    JSON_EACH (item, doc, choices) {
        int64_t index = 0;
        uint32_t at = json_member(doc, item, STR("index"));
        if (json_is(doc, at, JSON_NUMBER) &&
            (!json_to_i64(json_raw(doc, at), &index) || index < 0 || index >= CHOICES_MAX))
            continue; /* more than anybody asked for */
        uint32_t message = json_member(doc, item, whole ? STR("message") : STR("delta"));
        read_message(r, (unsigned)index, doc, message, whole);
        emit_text(r, (unsigned)index, CHAT_TEXT, doc, json_member(doc, item, STR("text")));
        read_logprobs(r, (unsigned)index, doc, json_member(doc, item, STR("logprobs")));
        read_finish(r, (unsigned)index, doc, item);
    }
}

static void read_usage(struct answer_reader *r, const struct json_doc *doc)
{
    struct usage usage = {
        .input = -1, .cached = -1, .cache_write = -1, .output = -1, .reasoning = -1};
    openai_usage_read(doc, json_member(doc, JSON_ROOT, STR("usage")), &usage);
    if (usage.known)
        chat_emit(&r->to, &(struct chat_event){.kind = CHAT_USAGE, .usage = usage});
}

/* An error where an answer should be. */
static bool read_failure(struct answer_reader *r, const struct json_doc *doc, str name)
{
    uint32_t error = json_member(doc, JSON_ROOT, STR("error"));
    uint32_t object = json_member(doc, JSON_ROOT, STR("object"));
    struct provider_fault fault = {0};
    bool flat = json_is(doc, object, JSON_STRING) && json_string_eq(doc, object, STR("error"));
    if (!json_is(doc, error, JSON_OBJECT) && !json_is(doc, error, JSON_STRING)) {
        if (!flat && !str_eq(name, STR("error")))
            return false;
        error = JSON_ROOT;
    }
    openai_read_fault(doc, error, r->scratch, &fault);
    answer_reader_fail(r, openai_fault_meaning(&fault), &fault);
    return true;
}

static void end(struct answer_reader *r)
{
    r->ended = true;
    chat_emit(&r->to, &(struct chat_event){.kind = CHAT_END});
}

static bool any_finished(const struct answer_reader *r)
{
    const struct state *s = r->state;
    for (unsigned i = 0; s->choices && i < CHOICES_MAX; i++)
        if (s->choices[i].finished)
            return true;
    return false;
}

/* [DONE] is the end, also of an answer that says no reason for it: that is said then. */
static void done(struct answer_reader *r)
{
    struct state *s = r->state;
    if (!any_finished(r)) {
        bool calls = s->choices && s->choices[0].any_call;
        chat_emit(&r->to, &(struct chat_event){.kind = CHAT_FINISH,
                                               .finish = calls ? FINISH_CALLS : FINISH_OTHER});
    }
    end(r);
}

void openai_chat_read_unit(struct answer_reader *r, str name, str data)
{
    struct json_doc doc;
    if (str_eq(data, STR("[DONE]"))) {
        done(r);
        return;
    }
    if (json_parse(&doc, r->scratch, data, NULL) || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, NULL);
        return;
    }
    if (read_failure(r, &doc, name))
        return;
    start(r, &doc);
    read_choices(r, &doc, json_member(&doc, JSON_ROOT, STR("choices")), false);
    read_usage(r, &doc);
}

/* Without [DONE] it is cut, whatever was said before: OpenAI's format has that end. */
void openai_chat_read_end(struct answer_reader *r)
{
    (void)r;
}

void openai_chat_read_answer(struct answer_reader *r, str body)
{
    struct json_doc doc;
    if (json_parse(&doc, r->scratch, body, NULL) || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, NULL);
        return;
    }
    uint32_t choices = json_member(&doc, JSON_ROOT, STR("choices"));
    if (!json_is(&doc, choices, JSON_ARRAY)) {
        if (!read_failure(r, &doc, STR_NULL))
            answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, NULL);
        return;
    }
    start(r, &doc);
    read_choices(r, &doc, choices, true);
    read_usage(r, &doc);
    done(r);
}
