/*
 * Answers for clients of chat completions, and of legacy completions, from neutral events (mapping.md §12,
 * §15): chunks as official clients put them together, or one object.
 */
#include "llm/dialect/openai_chat_impl.h"
#include "llm/signature.h"

enum { CHOICES_USUAL = 4 }; /* kept for a request that did not say n */

struct choice_state {
    bool begun; /* the role was said */
    bool refused;
    bool calls;         /* a tool was called */
    uint32_t arguments; /* bytes of the call that is open */
    unsigned call;      /* the newest */
};

struct state {
    struct choice_state *choices;
    unsigned count;
    struct usage usage;
    str reasoning_text;
};

_Static_assert(sizeof(struct state) <= OPENAI_CHAT_WRITER_SIZE, "the state of a writer");

static bool is_legacy(const struct answer_writer *w)
{
    return w->kind == ENDPOINT_COMPLETIONS;
}

static str finish_name(enum finish finish, bool calls, bool refused)
{
    switch (finish) {
    case FINISH_LENGTH:
    case FINISH_CONTEXT:
        return STR("length");
    case FINISH_REFUSAL:
    case FINISH_FILTERED:
        return STR("content_filter");
    case FINISH_STOP:
    case FINISH_STOP_SEQUENCE:
    case FINISH_CALLS:
    case FINISH_PAUSE:
    case FINISH_MALFORMED:
    case FINISH_OTHER:
        break;
    }
    if (refused)
        return STR("content_filter");
    return calls ? STR("tool_calls") : STR("stop");
}

static int64_t known(int64_t tokens)
{
    return tokens > 0 ? tokens : 0;
}

void openai_usage_write(struct json_write *w, const struct usage *u)
{
    int64_t in = known(u->input) + known(u->cached) + known(u->cache_write);
    int64_t out = known(u->output) + known(u->reasoning);
    json_write_object(w);
    json_write_member_u64(w, STR("prompt_tokens"), (uint64_t)in);
    json_write_member_u64(w, STR("completion_tokens"), (uint64_t)out);
    json_write_member_u64(w, STR("total_tokens"), (uint64_t)(in + out));
    json_write_key(w, STR("prompt_tokens_details"));
    json_write_object(w);
    json_write_member_u64(w, STR("cached_tokens"), (uint64_t)known(u->cached));
    if (u->cache_write >= 0)
        json_write_member_u64(w, STR("cache_write_tokens"), (uint64_t)u->cache_write);
    json_write_object_end(w);
    json_write_key(w, STR("completion_tokens_details"));
    json_write_object(w);
    json_write_member_u64(w, STR("reasoning_tokens"), (uint64_t)known(u->reasoning));
    json_write_object_end(w);
    json_write_object_end(w);
}

/* --- Pieces of both kinds of answer ------------------------------------------------------------------------- */

static void write_head(struct answer_writer *w, struct json_write *j, str object)
{
    str id[] = {w->id_is_own ? is_legacy(w) ? STR("cmpl-") : STR("chatcmpl-") : STR(""), w->id};
    json_write_object(j);
    json_write_member(j, STR("id"), arena_concat(w->scratch, id, ARRAY_LEN(id)));
    json_write_member(j, STR("object"), object);
    json_write_key(j, STR("created"));
    json_write_i64(j, w->created_s);
    json_write_member(j, STR("model"), w->model);
    json_write_key(j, STR("choices"));
    json_write_array(j);
}

/* A signature travels as LiteLLM's thinking_blocks do: the text again, and what proves it. */
static void write_thinking(struct answer_writer *w, struct json_write *j, struct raw text,
                           enum native_format format, str signature)
{
    json_write_object(j);
    json_write_member(j, STR("type"), STR("thinking"));
    json_write_key(j, STR("thinking"));
    json_write_raw_string(j, text.s);
    json_write_member(j, STR("signature"),
                      format == NATIVE_ANTHROPIC || format == NATIVE_BEDROCK
                          ? signature
                          : signature_wrap(w->scratch, NATIVE_NONE, format, signature));
    json_write_object_end(j);
}

static void write_redacted(struct answer_writer *w, struct json_write *j, enum native_format format,
                           str data)
{
    json_write_object(j);
    json_write_member(j, STR("type"), STR("redacted_thinking"));
    json_write_member(
        j, STR("data"),
        format == NATIVE_ANTHROPIC ? data : signature_wrap(w->scratch, NATIVE_NONE, format, data));
    json_write_object_end(j);
}

/* Google's own place for the signature of a call. */
static void write_call_signature(struct json_write *j, str signature)
{
    if (!signature.len)
        return;
    json_write_key(j, STR("extra_content"));
    json_write_object(j);
    json_write_key(j, STR("google"));
    json_write_object(j);
    json_write_member(j, STR("thought_signature"), signature);
    json_write_object_end(j);
    json_write_object_end(j);
}

static void write_annotation(struct json_write *j, const struct citation *c)
{
    json_write_object(j);
    json_write_member(j, STR("type"), STR("url_citation"));
    json_write_key(j, STR("url_citation"));
    json_write_object(j);
    json_write_key(j, STR("url"));
    json_write_raw_string(j, c->url.s);
    json_write_key(j, STR("title"));
    json_write_raw_string(j, c->title.s);
    json_write_member_u64(j, STR("start_index"), (uint64_t)known(c->start));
    json_write_member_u64(j, STR("end_index"), (uint64_t)known(c->end));
    json_write_object_end(j);
    json_write_object_end(j);
}

static str call_id(struct answer_writer *w, str id, unsigned choice, unsigned number)
{
    return id.len ? id
                  : arena_printf(w->scratch, "call_%.*s_%u_%u", STR_ARG(str_first(w->id, 24)),
                                 choice, number);
}

/* --- A stream ----------------------------------------------------------------------------------------------- */

static struct choice_state *choice_of(struct answer_writer *w, unsigned choice)
{
    struct state *s = w->state;
    int64_t n;
    if (!s->choices) {
        bool said = w->chat->n.len && json_to_i64(w->chat->n, &n) && n > CHOICES_USUAL && n <= 128;
        s->count = said ? (unsigned)n : CHOICES_USUAL;
        s->choices = arena_zalloc(w->arena, s->count * sizeof(*s->choices));
    }
    if (!s->choices || choice >= s->count) { /* more than were asked for */
        w->out->failed = true;
        return NULL;
    }
    return &s->choices[choice];
}

static void begin_chunk(struct answer_writer *w, struct json_write *j)
{
    buf_add_lit(w->out, "data: ");
    json_write_init(j, w->out);
    write_head(w, j, is_legacy(w) ? STR("text_completion") : STR("chat.completion.chunk"));
    w->events++;
}

/* After the choices. */
static void end_chunk(struct answer_writer *w, struct json_write *j)
{
    json_write_array_end(j);
    if (w->chat->usage_wanted) {
        json_write_key(j, STR("usage"));
        json_write_null(j);
    }
    json_write_object_end(j);
    buf_add_lit(w->out, "\n\n");
}

static void begin_delta(struct answer_writer *w, struct json_write *j, unsigned choice)
{
    begin_chunk(w, j);
    json_write_object(j);
    json_write_member_u64(j, STR("index"), choice);
    json_write_key(j, STR("delta"));
    json_write_object(j);
}

static void end_delta(struct answer_writer *w, struct json_write *j, str logprobs, str finish)
{
    json_write_object_end(j);
    json_write_key(j, STR("logprobs"));
    if (logprobs.len)
        json_write_raw(j, logprobs);
    else
        json_write_null(j);
    json_write_key(j, STR("finish_reason"));
    if (finish.len)
        json_write_string(j, finish);
    else
        json_write_null(j);
    json_write_object_end(j);
    end_chunk(w, j);
}

/* The role, once for each choice, before anything of it. */
static struct choice_state *begin_choice(struct answer_writer *w, unsigned choice)
{
    struct choice_state *c = choice_of(w, choice);
    struct json_write j;
    if (!c || c->begun || is_legacy(w))
        return c;
    c->begun = true;
    begin_delta(w, &j, choice);
    json_write_member(&j, STR("role"), STR("assistant"));
    json_write_member(&j, STR("content"), STR(""));
    end_delta(w, &j, STR_NULL, STR_NULL);
    return c;
}

static void legacy_text(struct answer_writer *w, unsigned choice, str text, str finish)
{
    struct json_write j;
    begin_chunk(w, &j);
    json_write_object(&j);
    json_write_key(&j, STR("text"));
    json_write_raw_string(&j, text);
    json_write_member_u64(&j, STR("index"), choice);
    json_write_key(&j, STR("logprobs"));
    json_write_null(&j);
    json_write_key(&j, STR("finish_reason"));
    if (finish.len)
        json_write_string(&j, finish);
    else
        json_write_null(&j);
    json_write_object_end(&j);
    end_chunk(w, &j);
}

static void write_text(struct answer_writer *w, const struct chat_event *ev, str member)
{
    struct json_write j;
    struct choice_state *c = begin_choice(w, ev->choice);
    if (!c || !ev->text.s.len)
        return;
    if (is_legacy(w)) {
        if (ev->kind == CHAT_TEXT)
            legacy_text(w, ev->choice, ev->text.s, STR_NULL);
        return;
    }
    begin_delta(w, &j, ev->choice);
    json_write_key(&j, member);
    json_write_raw_string(&j, ev->text.s);
    end_delta(w, &j, STR_NULL, STR_NULL);
}

/* The reasoning so far, for the block that closes it. */
static void remember_reasoning(struct answer_writer *w, struct raw text)
{
    struct state *s = w->state;
    str pieces[] = {s->reasoning_text, text.s};
    s->reasoning_text = arena_concat(w->arena, pieces, ARRAY_LEN(pieces));
    if (str_is_null(s->reasoning_text))
        w->out->failed = true;
}

static void write_block(struct answer_writer *w, const struct chat_event *ev)
{
    struct state *s = w->state;
    struct json_write j;
    if (is_legacy(w) || !begin_choice(w, ev->choice))
        return;
    begin_delta(w, &j, ev->choice);
    json_write_key(&j, STR("thinking_blocks"));
    json_write_array(&j);
    if (ev->kind == CHAT_SIGNATURE)
        write_thinking(w, &j, (struct raw){s->reasoning_text}, ev->format, ev->opaque);
    else
        write_redacted(w, &j, ev->format, ev->opaque);
    json_write_array_end(&j);
    end_delta(w, &j, STR_NULL, STR_NULL);
    s->reasoning_text = STR_NULL;
}

static void begin_call(struct answer_writer *w, struct json_write *j, unsigned choice,
                       unsigned call)
{
    begin_delta(w, j, choice);
    json_write_key(j, STR("tool_calls"));
    json_write_array(j);
    json_write_object(j);
    json_write_member_u64(j, STR("index"), call);
}

static void end_call(struct answer_writer *w, struct json_write *j)
{
    json_write_object_end(j);
    json_write_array_end(j);
    end_delta(w, j, STR_NULL, STR_NULL);
}

static void write_arguments(struct answer_writer *w, unsigned choice, unsigned call, str piece)
{
    struct json_write j;
    begin_call(w, &j, choice, call);
    json_write_key(&j, STR("function"));
    json_write_object(&j);
    json_write_key(&j, STR("arguments"));
    json_write_raw_string(&j, piece);
    json_write_object_end(&j);
    end_call(w, &j);
}

/* Clients parse what they were given of arguments: nothing is not JSON. */
static void complete_call(struct answer_writer *w, struct choice_state *c, unsigned choice)
{
    if (c->calls && !c->arguments)
        write_arguments(w, choice, c->call, STR("{}"));
    c->arguments = 1;
}

static void write_call(struct answer_writer *w, const struct chat_event *ev)
{
    struct json_write j;
    struct choice_state *c = begin_choice(w, ev->choice);
    if (!c || is_legacy(w))
        return;
    if (c->calls && ev->call > c->call)
        complete_call(w, c, ev->choice);
    c->calls = true;
    c->call = ev->call;
    c->arguments = 0;
    begin_call(w, &j, ev->choice, ev->call);
    json_write_member(&j, STR("id"), call_id(w, ev->id, ev->choice, ev->call));
    json_write_member(&j, STR("type"), STR("function"));
    json_write_key(&j, STR("function"));
    json_write_object(&j);
    json_write_member(&j, STR("name"), ev->name);
    json_write_member(&j, STR("arguments"), STR(""));
    json_write_object_end(&j);
    write_call_signature(&j, ev->opaque);
    end_call(w, &j);
}

static void add_arguments(struct answer_writer *w, const struct chat_event *ev)
{
    struct choice_state *c = choice_of(w, ev->choice);
    if (!c || !c->calls || !ev->text.s.len || is_legacy(w))
        return;
    if (ev->call == c->call)
        c->arguments += (uint32_t)ev->text.s.len;
    write_arguments(w, ev->choice, ev->call, ev->text.s);
}

static void write_media(struct answer_writer *w, struct json_write *j, const struct media *m)
{
    json_write_object(j);
    json_write_member(j, STR("type"), STR("image_url"));
    json_write_key(j, STR("image_url"));
    json_write_object(j);
    json_write_member(
        j, STR("url"),
        arena_printf(w->scratch, "data:%.*s;base64,%.*s", STR_ARG(m->mime), STR_ARG(m->data)));
    json_write_object_end(j);
    json_write_object_end(j);
}

static void write_image(struct answer_writer *w, const struct chat_event *ev)
{
    struct json_write j;
    if (is_legacy(w) || !begin_choice(w, ev->choice))
        return;
    begin_delta(w, &j, ev->choice);
    json_write_key(&j, STR("images"));
    json_write_array(&j);
    write_media(w, &j, ev->media);
    json_write_array_end(&j);
    end_delta(w, &j, STR_NULL, STR_NULL);
}

static void write_citation(struct answer_writer *w, const struct chat_event *ev)
{
    struct json_write j;
    if (is_legacy(w) || !ev->citation->url.s.len || !begin_choice(w, ev->choice))
        return;
    begin_delta(w, &j, ev->choice);
    json_write_key(&j, STR("annotations"));
    json_write_array(&j);
    write_annotation(&j, ev->citation);
    json_write_array_end(&j);
    end_delta(w, &j, STR_NULL, STR_NULL);
}

static void write_logprobs(struct answer_writer *w, const struct chat_event *ev)
{
    struct json_write j;
    if (is_legacy(w) || !begin_choice(w, ev->choice))
        return;
    begin_delta(w, &j, ev->choice);
    end_delta(w, &j,
              arena_printf(w->scratch, "{\"content\":[%.*s],\"refusal\":null}", STR_ARG(ev->json)),
              STR_NULL);
}

static void write_finish(struct answer_writer *w, const struct chat_event *ev)
{
    struct json_write j;
    struct choice_state *c = begin_choice(w, ev->choice);
    if (!c)
        return;
    complete_call(w, c, ev->choice);
    str name = finish_name(ev->finish, c->calls, c->refused);
    if (is_legacy(w)) {
        legacy_text(w, ev->choice, STR(""), name);
        return;
    }
    if (ev->finish == FINISH_REFUSAL && !c->refused && ev->text.s.len) {
        begin_delta(w, &j, ev->choice);
        json_write_key(&j, STR("refusal"));
        json_write_raw_string(&j, ev->text.s);
        end_delta(w, &j, STR_NULL, STR_NULL);
    }
    begin_delta(w, &j, ev->choice);
    end_delta(w, &j, STR_NULL, name);
}

static void write_end(struct answer_writer *w)
{
    struct state *s = w->state;
    struct json_write j;
    if (w->chat->usage_wanted && s->usage.known) {
        begin_chunk(w, &j);
        json_write_array_end(&j);
        json_write_key(&j, STR("usage"));
        openai_usage_write(&j, &s->usage);
        json_write_object_end(&j);
        buf_add_lit(w->out, "\n\n");
    }
    buf_add_lit(w->out, "data: [DONE]\n\n");
    w->events++;
}

void openai_chat_write_event(struct answer_writer *w, const struct chat_event *ev)
{
    struct state *s = w->state;
    switch (ev->kind) {
    case CHAT_START:
        begin_choice(w, 0);
        break;
    case CHAT_TEXT:
        write_text(w, ev, STR("content"));
        break;
    case CHAT_REFUSAL: {
        struct choice_state *c = choice_of(w, ev->choice);
        if (c)
            c->refused = true;
        write_text(w, ev, STR("refusal"));
        break;
    }
    case CHAT_REASONING:
        remember_reasoning(w, ev->text);
        write_text(w, ev, STR("reasoning_content"));
        break;
    case CHAT_REASONING_BREAK:
        break;
    case CHAT_SIGNATURE:
    case CHAT_REDACTED:
        write_block(w, ev);
        break;
    case CHAT_CALL:
        write_call(w, ev);
        break;
    case CHAT_CALL_ARGUMENTS:
        add_arguments(w, ev);
        break;
    case CHAT_CITATION:
        write_citation(w, ev);
        break;
    case CHAT_MEDIA:
        write_image(w, ev);
        break;
    case CHAT_LOGPROBS:
        write_logprobs(w, ev);
        break;
    case CHAT_USAGE:
        usage_merge(&s->usage, &ev->usage);
        break;
    case CHAT_FINISH:
        write_finish(w, ev);
        break;
    case CHAT_END:
        write_end(w);
        break;
    case CHAT_BREAK:
    case CHAT_NATIVE:
    case CHAT_FAILED:
        break;
    }
}

/* --- A whole answer ------------------------------------------------------------------------------------------ */

/* The texts of all blocks of a kind, one after the other, as the inside of a string; null: there is none. */
static str all_text(struct answer_writer *w, const struct block *blocks, enum block_kind kind)
{
    str text = STR_NULL;
    for (const struct block *b = blocks; b; b = b->next) {
        if (b->kind != kind)
            continue;
        str more = kind == BLOCK_REASONING ? b->reasoning.text.s : b->text.s;
        str pieces[] = {text, more};
        if (more.len)
            text = text.len ? arena_concat(w->scratch, pieces, ARRAY_LEN(pieces)) : more;
    }
    return text;
}

static bool has(const struct block *blocks, enum block_kind kind)
{
    for (const struct block *b = blocks; b; b = b->next)
        if (b->kind == kind)
            return true;
    return false;
}

static void write_text_or_null(struct json_write *j, str key, str text)
{
    json_write_key(j, key);
    if (str_is_null(text))
        json_write_null(j);
    else
        json_write_raw_string(j, text);
}

static void write_calls(struct answer_writer *w, struct json_write *j,
                        const struct answer_choice *c)
{
    unsigned n = 0;
    json_write_key(j, STR("tool_calls"));
    json_write_array(j);
    for (const struct block *b = c->blocks; b; b = b->next) {
        if (b->kind != BLOCK_CALL)
            continue;
        json_write_object(j);
        json_write_member(j, STR("id"), call_id(w, b->call.id, c->index, n++));
        json_write_member(j, STR("type"), STR("function"));
        json_write_key(j, STR("function"));
        json_write_object(j);
        json_write_member(j, STR("name"), b->call.name);
        json_write_member(j, STR("arguments"), b->call.arguments);
        json_write_object_end(j);
        write_call_signature(j, b->call.signature);
        json_write_object_end(j);
    }
    json_write_array_end(j);
}

static bool is_proven(const struct block *b)
{
    return b->kind == BLOCK_REASONING &&
           (!str_is_null(b->reasoning.signature) || !str_is_null(b->reasoning.encrypted));
}

static void write_thinking_blocks(struct answer_writer *w, struct json_write *j,
                                  const struct block *blocks)
{
    bool any = false;
    for (const struct block *b = blocks; b; b = b->next)
        any = any || is_proven(b);
    if (!any)
        return;
    json_write_key(j, STR("thinking_blocks"));
    json_write_array(j);
    for (const struct block *b = blocks; b; b = b->next) {
        if (!is_proven(b))
            continue;
        if (!str_is_null(b->reasoning.signature))
            write_thinking(w, j, b->reasoning.text, b->reasoning.format, b->reasoning.signature);
        if (!str_is_null(b->reasoning.encrypted))
            write_redacted(w, j, b->reasoning.format, b->reasoning.encrypted);
    }
    json_write_array_end(j);
}

static void write_annotations(struct json_write *j, const struct block *blocks)
{
    bool any = false;
    for (const struct block *b = blocks; b; b = b->next) {
        for (const struct citation *c = b->kind == BLOCK_TEXT ? b->citations : NULL; c;
             c = c->next) {
            if (!c->url.s.len)
                continue;
            if (!any) {
                json_write_key(j, STR("annotations"));
                json_write_array(j);
            }
            any = true;
            write_annotation(j, c);
        }
    }
    if (any)
        json_write_array_end(j);
}

static void write_images(struct answer_writer *w, struct json_write *j, const struct block *blocks)
{
    if (!has(blocks, BLOCK_IMAGE))
        return;
    json_write_key(j, STR("images"));
    json_write_array(j);
    for (const struct block *b = blocks; b; b = b->next)
        if (b->kind == BLOCK_IMAGE)
            write_media(w, j, &b->media);
    json_write_array_end(j);
}

static void write_message(struct answer_writer *w, struct json_write *j,
                          const struct answer_choice *c)
{
    str reasoning = all_text(w, c->blocks, BLOCK_REASONING);
    str refusal = all_text(w, c->blocks, BLOCK_REFUSAL);
    if (str_is_null(refusal) && c->finish == FINISH_REFUSAL)
        refusal = c->refusal_words.s.len ? c->refusal_words.s : STR("The model refused.");
    json_write_object(j);
    json_write_member(j, STR("role"), STR("assistant"));
    write_text_or_null(j, STR("content"), all_text(w, c->blocks, BLOCK_TEXT));
    write_text_or_null(j, STR("refusal"), refusal);
    if (reasoning.len) {
        json_write_key(j, STR("reasoning_content"));
        json_write_raw_string(j, reasoning);
    }
    write_thinking_blocks(w, j, c->blocks);
    if (has(c->blocks, BLOCK_CALL))
        write_calls(w, j, c);
    write_annotations(j, c->blocks);
    write_images(w, j, c->blocks);
    json_write_object_end(j);
}

static void write_choice(struct answer_writer *w, struct json_write *j,
                         const struct answer_choice *c)
{
    bool calls = has(c->blocks, BLOCK_CALL), refused = has(c->blocks, BLOCK_REFUSAL);
    json_write_object(j);
    json_write_member_u64(j, STR("index"), c->index);
    if (is_legacy(w)) {
        str text = all_text(w, c->blocks, BLOCK_TEXT);
        json_write_key(j, STR("text"));
        json_write_raw_string(j, text.len ? text : STR(""));
    } else {
        json_write_key(j, STR("message"));
        write_message(w, j, c);
    }
    json_write_key(j, STR("logprobs"));
    if (c->logprobs.s.len && !is_legacy(w)) {
        json_write_raw(j, arena_printf(w->scratch, "{\"content\":[%.*s],\"refusal\":null}",
                                       STR_ARG(c->logprobs.s)));
    } else {
        json_write_null(j);
    }
    json_write_member(j, STR("finish_reason"), finish_name(c->finish, calls, refused));
    json_write_object_end(j);
}

void openai_chat_write_answer(struct answer_writer *w, const struct chat_answer *a)
{
    struct json_write j;
    json_write_init(&j, w->out);
    write_head(w, &j, is_legacy(w) ? STR("text_completion") : STR("chat.completion"));
    for (const struct answer_choice *c = a->choices; c; c = c->next)
        write_choice(w, &j, c);
    json_write_array_end(&j);
    if (a->usage.known) {
        json_write_key(&j, STR("usage"));
        openai_usage_write(&j, &a->usage);
    }
    json_write_object_end(&j);
}

void openai_chat_write_error(struct buf *out, const struct client_error *e)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("error"));
    json_write_object(&w);
    json_write_member(&w, STR("message"), e->message);
    json_write_member(&w, STR("type"), e->type.len ? e->type : str_from_c(err_facts(e->err)->type));
    json_write_key(&w, STR("param"));
    if (str_is_null(e->param))
        json_write_null(&w);
    else
        json_write_string(&w, e->param);
    json_write_member(&w, STR("code"), e->code.len ? e->code : str_from_c(err_code(e->err)));
    json_write_object_end(&w);
    json_write_object_end(&w);
    buf_add_byte(out, '\n');
}
