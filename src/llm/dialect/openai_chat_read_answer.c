/*
 * Answers of chat completions into neutral events (mapping.md §12–15), of OpenAI and of the many servers
 * that speak its format, with their habits: `reasoning` for `reasoning_content`, text twice, "stop" after
 * calls, usage in every chunk, log probabilities and errors of several shapes.
 */
#include "llm/dialect/openai_chat_reader.h"
#include "llm/dialect/openai_usage.h"

_Static_assert(sizeof(struct openai_chat_reading) <= OPENAI_CHAT_READER_SIZE,
               "the state of a reader");

/* A choice, or its message or delta, being read. */
struct place {
    struct answer_reader *r;
    const struct json_doc *doc;
    unsigned choice;
    struct seen_choice *seen;
    bool whole; /* a message, not a delta */
};

str openai_chat_decoded(struct answer_reader *r, const struct json_doc *doc, uint32_t node)
{
    str text = STR_NULL;
    if (json_is(doc, node, JSON_STRING) && json_string_decode(doc, node, r->scratch, &text))
        answer_reader_fail(r, ERR_NO_MEMORY, NULL);
    return text;
}

static uint32_t member(const struct place *p, uint32_t object, const char *name)
{
    return json_member(p->doc, object, str_from_c(name));
}

static str decoded(const struct place *p, uint32_t object, const char *name)
{
    return openai_chat_decoded(p->r, p->doc, member(p, object, name));
}

static bool is(const struct place *p, uint32_t node, const char *text)
{
    return json_is(p->doc, node, JSON_STRING) && json_string_eq(p->doc, node, str_from_c(text));
}

static int64_t whole_number(const struct place *p, uint32_t node)
{
    int64_t n;
    return json_is(p->doc, node, JSON_NUMBER) && json_to_i64(json_raw(p->doc, node), &n) ? n : -1;
}

static void emit_text(const struct place *p, enum chat_event_kind kind, uint32_t node)
{
    struct raw text = raw_of_node(p->doc, node);
    if (text.s.len)
        openai_chat_emit(p->r,
                         &(struct chat_event){.kind = kind, .choice = p->choice, .text = text});
}

/* --- What is in a message --------------------------------------------------------------------------------- */

static void emit_opaque(const struct place *p, str opaque, bool redacted, enum native_format format)
{
    if (opaque.len)
        openai_chat_emit(p->r,
                         &(struct chat_event){.kind = redacted ? CHAT_REDACTED : CHAT_SIGNATURE,
                                              .choice = p->choice,
                                              .opaque = opaque,
                                              .format = format});
}

/* thinking_blocks of another gateway: the signature; its text came as reasoning_content. */
static void read_blocks(const struct place *p, uint32_t message)
{
    uint32_t blocks = member(p, message, "thinking_blocks");
    if (!json_is(p->doc, blocks, JSON_ARRAY))
        return;
    JSON_EACH (item, p->doc, blocks) {
        bool redacted = is(p, member(p, item, "type"), "redacted_thinking");
        emit_opaque(p, decoded(p, item, redacted ? "data" : "signature"), redacted,
                    NATIVE_ANTHROPIC);
    }
}

/* OpenRouter's list; its texts came as `reasoning`, too. */
static void read_details(const struct place *p, uint32_t message)
{
    uint32_t details = member(p, message, "reasoning_details");
    if (!json_is(p->doc, details, JSON_ARRAY))
        return;
    JSON_EACH (item, p->doc, details) {
        enum native_format format = openai_chat_detail_format(decoded(p, item, "format"));
        emit_opaque(p, decoded(p, item, "signature"), false, format);
        emit_opaque(p, decoded(p, item, "data"), true, format);
    }
}

static void read_reasoning(const struct place *p, uint32_t message)
{
    uint32_t text = member(p, message, "reasoning_content");
    emit_text(p, CHAT_REASONING,
              json_is(p->doc, text, JSON_STRING) ? text : member(p, message, "reasoning"));
    read_blocks(p, message);
    read_details(p, message);
}

/* Mistral's reasoning models send parts: a text, or {"thinking": [texts]}. */
static void read_part(const struct place *p, uint32_t part)
{
    uint32_t thinking = member(p, part, "thinking");
    emit_text(p, CHAT_TEXT, member(p, part, "text"));
    emit_text(p, CHAT_REASONING, thinking);
    if (json_is(p->doc, thinking, JSON_ARRAY))
        JSON_EACH (inner, p->doc, thinking)
            emit_text(p, CHAT_REASONING, member(p, inner, "text"));
}

static void read_content(const struct place *p, uint32_t content)
{
    emit_text(p, CHAT_TEXT, content);
    if (json_is(p->doc, content, JSON_ARRAY))
        JSON_EACH (part, p->doc, content)
            read_part(p, part);
}

static void read_annotation(const struct place *p, uint32_t item)
{
    uint32_t url = member(p, item, "url_citation");
    struct citation c = {.start = whole_number(p, member(p, url, "start_index")),
                         .end = whole_number(p, member(p, url, "end_index")),
                         .format = NATIVE_OPENAI,
                         .json = json_raw(p->doc, item),
                         .url = raw_of_node(p->doc, member(p, url, "url")),
                         .title = raw_of_node(p->doc, member(p, url, "title"))};
    if (c.url.s.len)
        openai_chat_emit(
            p->r, &(struct chat_event){.kind = CHAT_CITATION, .choice = p->choice, .citation = &c});
}

/* Pictures, as several gateways send them: {"image_url": {"url": "data:…"}}. */
static void read_image(const struct place *p, uint32_t item)
{
    struct media m = {0};
    str url = decoded(p, member(p, item, "image_url"), "url");
    if (url.len && media_from_url(p->r->scratch, url, &m) && m.source == MEDIA_BASE64)
        openai_chat_emit(
            p->r, &(struct chat_event){.kind = CHAT_MEDIA, .choice = p->choice, .media = &m});
}

static void each(const struct place *p, uint32_t message, const char *name,
                 void (*read)(const struct place *p, uint32_t item))
{
    uint32_t list = member(p, message, name);
    if (json_is(p->doc, list, JSON_ARRAY))
        JSON_EACH (item, p->doc, list)
            read(p, item);
}

static void read_message(const struct place *p, uint32_t message)
{
    read_reasoning(p, message);
    read_content(p, member(p, message, "content"));
    emit_text(p, CHAT_REFUSAL, member(p, message, "refusal"));
    each(p, message, "annotations", read_annotation);
    each(p, message, "images", read_image);
    openai_chat_read_calls(p->r, p->seen, p->choice, p->doc, message, p->whole);
}

/* --- Beside it --------------------------------------------------------------------------------------------- */

static void emit_logprobs(const struct place *p, str elements)
{
    if (elements.len)
        openai_chat_emit(p->r, &(struct chat_event){
                                   .kind = CHAT_LOGPROBS, .choice = p->choice, .json = elements});
}

/* Together's, and those of the legacy API: tokens and their values, each in a list of its own. */
static void read_parallel_logprobs(const struct place *p, uint32_t tokens, uint32_t values)
{
    struct buf all;
    uint32_t value = json_is(p->doc, values, JSON_ARRAY) ? json_first(p->doc, values) : JSON_NONE;
    buf_init(&all, 0);
    JSON_EACH (token, p->doc, tokens) {
        bool number = json_is(p->doc, value, JSON_NUMBER);
        if (json_is(p->doc, token, JSON_STRING))
            buf_printf(&all,
                       "%s{\"token\":%.*s,\"logprob\":%.*s,\"bytes\":null,\"top_logprobs\":[]}",
                       all.len ? "," : "", STR_ARG(json_raw(p->doc, token)),
                       STR_ARG(number ? json_raw(p->doc, value) : STR("-9999.0")));
        value = value ? json_next(p->doc, values, value) : JSON_NONE;
    }
    if (all.failed)
        answer_reader_fail(p->r, ERR_NO_MEMORY, NULL);
    emit_logprobs(p, buf_str(&all));
    buf_release(&all);
}

static void read_logprobs(const struct place *p, uint32_t logprobs)
{
    uint32_t content = member(p, logprobs, "content"), tokens = member(p, logprobs, "tokens");
    if (json_is(p->doc, content, JSON_ARRAY)) {
        str list = json_raw(p->doc, content);
        emit_logprobs(p, str_trim(str_make(list.ptr + 1, list.len - 2)));
    } else if (json_is(p->doc, tokens, JSON_ARRAY)) {
        read_parallel_logprobs(p, tokens, member(p, logprobs, "token_logprobs"));
    }
}

/* A call that was seen overrides only "stop" (mapping.md §13). */
static enum finish finish_of(str reason, bool calls)
{
    static const struct {
        str name;
        enum finish finish;
    } known[] = {
        {STR_INIT("length"), FINISH_LENGTH},
        {STR_INIT("max_tokens"), FINISH_LENGTH},
        {STR_INIT("model_length"), FINISH_LENGTH},
        {STR_INIT("abort"), FINISH_LENGTH},      /* vLLM: taken off the engine */
        {STR_INIT("repetition"), FINISH_LENGTH}, /* vLLM: cut, for it repeats itself */
        {STR_INIT("content_filter"), FINISH_FILTERED},
        {STR_INIT("tool_calls"), FINISH_CALLS},
        {STR_INIT("function_call"), FINISH_CALLS},
        {STR_INIT("error"), FINISH_MALFORMED},
    };
    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (str_ieq(reason, known[i].name))
            return known[i].finish;
    return calls                                                        ? FINISH_CALLS
           : str_ieq(reason, STR("stop")) || str_eq(reason, STR("eos")) ? FINISH_STOP
                                                                        : FINISH_OTHER;
}

static void finish(struct answer_reader *r, struct seen_choice *c, struct chat_event *ev)
{
    c->finished = true;
    openai_chat_end_calls(r, c, ev->choice);
    openai_chat_emit(r, ev);
}

static void read_finish(const struct place *p, uint32_t item)
{
    str reason = decoded(p, item, "finish_reason");
    if (!reason.len || p->seen->finished)
        return; /* Azure's annotations come behind it, with null */
    struct chat_event ev = {.kind = CHAT_FINISH,
                            .choice = p->choice,
                            .finish = finish_of(reason, p->seen->opened > 0),
                            .reason = reason,
                            .text = raw_of_node(p->doc, member(p, item, "stop_reason"))};
    if (ev.finish == FINISH_STOP && ev.text.s.len) /* vLLM says which */
        ev.finish = FINISH_STOP_SEQUENCE;
    else
        ev.text = RAW_NULL;
    finish(p->r, p->seen, &ev);
}

static struct seen_choice *seen_choice(struct answer_reader *r, int64_t index)
{
    struct openai_chat_reading *s = r->state;
    if (!s->choices)
        s->choices = arena_zalloc(r->arena, OPENAI_CHOICES_MAX * sizeof(*s->choices));
    if (!s->choices) {
        answer_reader_fail(r, ERR_NO_MEMORY, NULL);
        return NULL;
    }
    return index >= 0 && index < OPENAI_CHOICES_MAX ? &s->choices[index] : NULL;
}

static bool fail_with(struct answer_reader *r, const struct json_doc *doc, uint32_t error)
{
    struct provider_fault fault = {0};
    openai_read_fault(doc, error, r->scratch, &fault);
    answer_reader_fail(r, openai_fault_meaning(&fault), &fault);
    return true;
}

static void read_choice(struct answer_reader *r, const struct json_doc *doc, uint32_t item,
                        bool whole)
{
    struct place p = {.r = r, .doc = doc, .whole = whole};
    uint32_t at = member(&p, item, "index"), error = member(&p, item, "error");
    int64_t index = json_is(doc, at, JSON_NUMBER) ? whole_number(&p, at) : 0;
    uint32_t message = member(&p, item, whole ? "message" : "delta");
    p.seen = seen_choice(r, index);
    if (!p.seen)
        return; /* more than anybody asked for */
    p.choice = (unsigned)index;
    p.seen->seen = true;
    if (json_is(doc, message, JSON_OBJECT))
        read_message(&p, message);
    else
        emit_text(&p, CHAT_TEXT, member(&p, item, "text")); /* Together says it in both */
    read_logprobs(&p, member(&p, item, "logprobs"));
    if (json_is(doc, error, JSON_OBJECT))
        fail_with(r, doc, error);
    else
        read_finish(&p, item);
}

/* --- Chunks and answers ------------------------------------------------------------------------------------ */

/* Azure's announcement of its filter says nothing, and has no id of the answer. */
static void start(struct answer_reader *r, const struct json_doc *doc, bool says)
{
    struct openai_chat_reading *s = r->state;
    str id = openai_chat_decoded(r, doc, json_member(doc, JSON_ROOT, STR("id")));
    if (s->started || (!id.len && !says))
        return;
    s->started = true;
    openai_chat_emit(
        r, &(struct chat_event){
               .kind = CHAT_START,
               .id = id,
               .model = openai_chat_decoded(r, doc, json_member(doc, JSON_ROOT, STR("model")))});
}

static void read_body(struct answer_reader *r, const struct json_doc *doc, bool whole)
{
    uint32_t choices = json_member(doc, JSON_ROOT, STR("choices"));
    struct usage usage = USAGE_UNKNOWN;
    bool any = json_is(doc, choices, JSON_ARRAY) && json_count(doc, choices) > 0;
    openai_usage_read(doc, json_member(doc, JSON_ROOT, STR("usage")), &usage);
    start(r, doc, any || usage.known);
    if (any)
        JSON_EACH (item, doc, choices)
            if (!r->ended)
                read_choice(r, doc, item, whole);
    if (usage.known)
        openai_chat_emit(r, &(struct chat_event){.kind = CHAT_USAGE, .usage = usage});
}

/* An error where an answer should be. */
static bool read_failure(struct answer_reader *r, const struct json_doc *doc, str name)
{
    uint32_t error = json_member(doc, JSON_ROOT, STR("error"));
    uint32_t object = json_member(doc, JSON_ROOT, STR("object"));
    if (json_is(doc, error, JSON_OBJECT) || json_is(doc, error, JSON_STRING))
        return fail_with(r, doc, error);
    bool flat = json_is(doc, object, JSON_STRING) && json_string_eq(doc, object, STR("error"));
    return (flat || str_eq(name, STR("error"))) && fail_with(r, doc, JSON_ROOT);
}

/* seen: how many choices there are; finished: that said why they ended. */
static void count(const struct answer_reader *r, unsigned *seen, unsigned *finished)
{
    const struct openai_chat_reading *s = r->state;
    *seen = *finished = 0;
    for (unsigned i = 0; s->choices && i < OPENAI_CHOICES_MAX; i++) {
        *seen += s->choices[i].seen;
        *finished += s->choices[i].finished;
    }
}

/* The end, also of choices that did not say why: that is said then. */
static void end(struct answer_reader *r)
{
    struct openai_chat_reading *s = r->state;
    unsigned seen, finished;
    count(r, &seen, &finished);
    if (!seen) { /* an end of nothing */
        answer_reader_fail(r, ERR_UPSTREAM_TRUNCATED, NULL);
        return;
    }
    for (unsigned i = 0; i < OPENAI_CHOICES_MAX; i++) {
        struct seen_choice *c = &s->choices[i];
        if (c->seen && !c->finished)
            finish(r, c,
                   &(struct chat_event){.kind = CHAT_FINISH,
                                        .choice = i,
                                        .finish = c->opened ? FINISH_CALLS : FINISH_OTHER});
    }
    openai_chat_emit(r, &(struct chat_event){.kind = CHAT_END});
    r->ended = true;
}

void openai_chat_read_unit(struct answer_reader *r, str name, str data)
{
    struct json_doc doc;
    if (r->ended || !data.len)
        return; /* vLLM: [DONE] after an error */
    if (str_eq(data, STR("[DONE]"))) {
        end(r);
        return;
    }
    if (json_parse(&doc, r->scratch, data, NULL) || !json_is(&doc, JSON_ROOT, JSON_OBJECT))
        answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, NULL);
    else if (!read_failure(r, &doc, name))
        read_body(r, &doc, false);
}

/* Without [DONE] an answer is complete when it said why it ended (mapping.md §13). */
void openai_chat_read_end(struct answer_reader *r)
{
    unsigned seen, finished;
    count(r, &seen, &finished);
    if (!r->ended && seen && seen == finished)
        end(r);
}

void openai_chat_read_answer(struct answer_reader *r, str body)
{
    struct json_doc doc;
    if (json_parse(&doc, r->scratch, body, NULL) || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, NULL);
        return;
    }
    uint32_t choices = json_member(&doc, JSON_ROOT, STR("choices"));
    if (!json_is(&doc, choices, JSON_ARRAY) || !json_count(&doc, choices)) {
        if (!read_failure(r, &doc, STR_NULL))
            answer_reader_fail(r, ERR_UPSTREAM_MALFORMED, NULL);
        return;
    }
    read_body(r, &doc, true);
    if (!r->ended)
        end(r);
}
