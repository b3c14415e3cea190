/*
 * Streams for clients of chat completions, and of legacy completions, from neutral events (mapping.md
 * §15): chunks as official clients put them together.
 */
#include "llm/dialect/openai_chat_writer.h"

#include <string.h>

enum { CHOICES_USUAL = 4, CHOICES_MAX = 128, GATHERED_MIN = 256 };

struct gathered { /* text that grows, in the writer's arena */
    char *ptr;
    size_t len, cap;
};

struct choice_state {
    bool begun;                /* the role was said */
    bool refused;              /* a refusal was said */
    bool calls;                /* a tool was called */
    bool in_text;              /* the last thing said was content */
    bool custom;               /* of the newest call: its input comes when it is whole */
    bool argued;               /* of the newest call: has arguments, or was completed */
    unsigned call;             /* the newest */
    uint64_t said;             /* characters of content */
    uint64_t block;            /* said, when the block of text that is open began */
    struct gathered reasoning; /* of the block that is open, for what proves it */
    struct gathered input;     /* arguments of a custom call */
};

struct state {
    struct choice_state *choices;
    unsigned count;
    struct usage usage;
};

_Static_assert(sizeof(struct state) <= OPENAI_CHAT_WRITER_SIZE, "the state of a writer");

static void gather(struct answer_writer *w, struct gathered *g, str text)
{
    if (text.len > g->cap - g->len) {
        size_t cap = g->cap ? 2 * g->cap : GATHERED_MIN;
        while (cap - g->len < text.len)
            cap *= 2;
        char *room = arena_alloc(w->arena, cap);
        if (!room) {
            w->out->failed = true;
            return;
        }
        if (g->len)
            memcpy(room, g->ptr, g->len);
        g->ptr = room;
        g->cap = cap;
    }
    if (text.len)
        memcpy(g->ptr + g->len, text.ptr, text.len);
    g->len += text.len;
}

static struct raw gathered(const struct gathered *g)
{
    return (struct raw){str_make(g->ptr ? g->ptr : "", g->len)};
}

static struct choice_state *choice_of(struct answer_writer *w, unsigned choice)
{
    struct state *s = w->state;
    int64_t n;
    if (!s->choices) {
        bool said =
            w->chat->n.len && json_to_i64(w->chat->n, &n) && n > CHOICES_USUAL && n <= CHOICES_MAX;
        s->count = said ? (unsigned)n : CHOICES_USUAL;
        s->choices = arena_zalloc(w->arena, s->count * sizeof(*s->choices));
    }
    if (!s->choices || choice >= s->count) { /* more than were asked for */
        w->out->failed = true;
        return NULL;
    }
    return &s->choices[choice];
}

/* --- Chunks ---------------------------------------------------------------------------------------------- */

static void begin_chunk(struct answer_writer *w, struct json_write *j)
{
    buf_add_lit(w->out, "data: ");
    json_write_init(j, w->out);
    openai_chat_write_head(
        w, j, openai_chat_is_legacy(w) ? STR("text_completion") : STR("chat.completion.chunk"));
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

static void end_delta(struct answer_writer *w, struct json_write *j)
{
    json_write_object_end(j);
    openai_chat_write_logprobs(w, j, STR_NULL);
    openai_chat_write_finish(j, STR_NULL, FINISH_OTHER, STR_NULL);
    json_write_object_end(j);
    end_chunk(w, j);
}

/* The role, once for each choice, before anything of it. */
static struct choice_state *begin_choice(struct answer_writer *w, unsigned choice)
{
    struct choice_state *c = choice_of(w, choice);
    struct json_write j;
    if (!c || c->begun || openai_chat_is_legacy(w))
        return c;
    c->begun = true;
    begin_delta(w, &j, choice);
    json_write_member(&j, STR("role"), STR("assistant"));
    json_write_member(&j, STR("content"), STR(""));
    end_delta(w, &j);
    return c;
}

static void write_string(struct answer_writer *w, unsigned choice, str member, struct raw text)
{
    struct json_write j;
    begin_delta(w, &j, choice);
    json_write_key(&j, member);
    json_write_raw_string(&j, text.s);
    end_delta(w, &j);
}

/* One chunk with a list of one element in the delta. */
static void begin_list(struct answer_writer *w, struct json_write *j, unsigned choice, str member)
{
    begin_delta(w, j, choice);
    json_write_key(j, member);
    json_write_array(j);
}

static void end_list(struct answer_writer *w, struct json_write *j)
{
    json_write_array_end(j);
    end_delta(w, j);
}

/* --- Texts ------------------------------------------------------------------------------------------------ */

static void legacy_text(struct answer_writer *w, unsigned choice, struct raw text, str finish)
{
    struct json_write j;
    begin_chunk(w, &j);
    json_write_object(&j);
    json_write_key(&j, STR("text"));
    json_write_raw_string(&j, text.s);
    json_write_member_u64(&j, STR("index"), choice);
    openai_chat_write_logprobs(w, &j, STR_NULL);
    openai_chat_write_finish(&j, finish, FINISH_OTHER, STR_NULL);
    json_write_object_end(&j);
    end_chunk(w, &j);
}

/* What is said now is not what was said before: a block of that is over. */
static void turn_to_text(struct choice_state *c, bool text)
{
    if (text && !c->in_text)
        c->block = c->said;
    c->in_text = text;
}

static void write_text(struct answer_writer *w, struct choice_state *c, const struct chat_event *ev)
{
    turn_to_text(c, true);
    c->said += openai_chat_characters(ev->text);
    c->reasoning.len = 0;
    if (openai_chat_is_legacy(w))
        legacy_text(w, ev->choice, ev->text, STR_NULL);
    else
        write_string(w, ev->choice, STR("content"), ev->text);
}

static void write_refusal(struct answer_writer *w, struct choice_state *c, unsigned choice,
                          struct raw text)
{
    c->refused = true;
    if (!openai_chat_is_legacy(w))
        write_string(w, choice, STR("refusal"), text);
}

static void write_reasoning(struct answer_writer *w, struct choice_state *c, unsigned choice,
                            struct raw text)
{
    if (openai_chat_is_legacy(w))
        return;
    turn_to_text(c, false);
    gather(w, &c->reasoning, text.s);
    write_string(w, choice, STR("reasoning_content"), text);
}

static void write_proof(struct answer_writer *w, struct choice_state *c,
                        const struct chat_event *ev)
{
    struct json_write j;
    if (openai_chat_is_legacy(w))
        return;
    begin_list(w, &j, ev->choice, STR("thinking_blocks"));
    if (ev->kind == CHAT_SIGNATURE)
        openai_chat_write_thinking(w, &j, gathered(&c->reasoning), ev->format, ev->opaque);
    else
        openai_chat_write_redacted(w, &j, ev->format, ev->opaque);
    end_list(w, &j);
    c->reasoning.len = 0;
}

/* --- Calls ------------------------------------------------------------------------------------------------ */

static void begin_call(struct answer_writer *w, struct json_write *j, unsigned choice,
                       unsigned call)
{
    begin_list(w, j, choice, STR("tool_calls"));
    json_write_object(j);
    json_write_member_u64(j, STR("index"), call);
}

static void end_call(struct answer_writer *w, struct json_write *j)
{
    json_write_object_end(j);
    end_list(w, j);
}

static void write_piece(struct answer_writer *w, unsigned choice, unsigned call, bool custom,
                        struct raw piece)
{
    struct json_write j;
    begin_call(w, &j, choice, call);
    json_write_key(&j, custom ? STR("custom") : STR("function"));
    json_write_object(&j);
    json_write_key(&j, custom ? STR("input") : STR("arguments"));
    json_write_raw_string(&j, piece.s);
    json_write_object_end(&j);
    end_call(w, &j);
}

/* Clients parse what they were given of arguments, and nothing is not JSON. */
static void complete_call(struct answer_writer *w, struct choice_state *c, unsigned choice)
{
    if (!c->calls || c->argued)
        return;
    c->argued = true;
    if (!c->custom) {
        write_piece(w, choice, c->call, false, RAW("{}"));
        return;
    }
    str arguments = raw_decode(w->scratch, gathered(&c->input));
    write_piece(w, choice, c->call, true, openai_chat_custom_input(w, arguments));
}

static void write_call(struct answer_writer *w, struct choice_state *c, const struct chat_event *ev)
{
    struct json_write j;
    if (openai_chat_is_legacy(w))
        return;
    complete_call(w, c, ev->choice);
    turn_to_text(c, false);
    c->reasoning.len = c->input.len = 0;
    c->calls = true;
    c->call = ev->call;
    c->argued = false;
    c->custom = ev->custom || openai_chat_is_custom(w, ev->name);
    begin_call(w, &j, ev->choice, ev->call);
    json_write_member(&j, STR("id"), openai_chat_call_id(w, ev->id, ev->choice, ev->call));
    json_write_member(&j, STR("type"), c->custom ? STR("custom") : STR("function"));
    json_write_key(&j, c->custom ? STR("custom") : STR("function"));
    json_write_object(&j);
    json_write_member(&j, STR("name"), ev->name);
    json_write_member(&j, c->custom ? STR("input") : STR("arguments"), STR(""));
    json_write_object_end(&j);
    openai_chat_write_call_signature(&j, ev->opaque);
    end_call(w, &j);
}

static void write_arguments(struct answer_writer *w, struct choice_state *c,
                            const struct chat_event *ev)
{
    if (!c->calls || openai_chat_is_legacy(w))
        return;
    if (ev->call == c->call && c->custom) {
        gather(w, &c->input, ev->text.s);
        return;
    }
    if (ev->call == c->call)
        c->argued = true;
    write_piece(w, ev->choice, ev->call, false, ev->text);
}

/* --- Beside them -------------------------------------------------------------------------------------------- */

static void write_picture(struct answer_writer *w, const struct chat_event *ev)
{
    struct json_write j;
    if (openai_chat_is_legacy(w) || !openai_chat_is_picture(ev->media))
        return;
    begin_list(w, &j, ev->choice, STR("images"));
    openai_chat_write_picture(w, &j, ev->media);
    end_list(w, &j);
}

static void write_citation(struct answer_writer *w, struct choice_state *c,
                           const struct chat_event *ev)
{
    struct json_write j;
    if (openai_chat_is_legacy(w) || !ev->citation->url.s.len)
        return;
    begin_list(w, &j, ev->choice, STR("annotations"));
    openai_chat_write_annotation(&j, ev->citation, c->block, c->said);
    end_list(w, &j);
}

static void write_logprobs(struct answer_writer *w, const struct chat_event *ev)
{
    struct json_write j;
    if (openai_chat_is_legacy(w))
        return;
    begin_delta(w, &j, ev->choice);
    json_write_object_end(&j);
    openai_chat_write_logprobs(w, &j, ev->json);
    openai_chat_write_finish(&j, STR_NULL, FINISH_OTHER, STR_NULL);
    json_write_object_end(&j);
    end_chunk(w, &j);
}

/* --- Ends --------------------------------------------------------------------------------------------------- */

static void write_finish(struct answer_writer *w, struct choice_state *c,
                         const struct chat_event *ev)
{
    struct json_write j;
    if (ev->finish == FINISH_REFUSAL && !c->refused)
        write_refusal(w, c, ev->choice, openai_chat_refusal(ev->text));
    complete_call(w, c, ev->choice);
    str name = openai_chat_finish_name(ev->finish, c->calls, c->refused);
    if (openai_chat_is_legacy(w)) {
        legacy_text(w, ev->choice, RAW(""), name);
        return;
    }
    begin_delta(w, &j, ev->choice);
    json_write_object_end(&j);
    openai_chat_write_logprobs(w, &j, STR_NULL);
    openai_chat_write_finish(&j, name, ev->finish, ev->reason);
    json_write_object_end(&j);
    end_chunk(w, &j);
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

/* --- Events --------------------------------------------------------------------------------------------------- */

/* Of a choice that has begun. */
static void write_of_choice(struct answer_writer *w, struct choice_state *c,
                            const struct chat_event *ev)
{
    switch (ev->kind) {
    case CHAT_TEXT:
        if (ev->text.s.len)
            write_text(w, c, ev);
        break;
    case CHAT_REFUSAL:
        if (ev->text.s.len)
            write_refusal(w, c, ev->choice, ev->text);
        break;
    case CHAT_REASONING:
        if (ev->text.s.len)
            write_reasoning(w, c, ev->choice, ev->text);
        break;
    case CHAT_REASONING_BREAK:
        write_reasoning(w, c, ev->choice, RAW("\\n\\n"));
        break;
    case CHAT_SIGNATURE:
    case CHAT_REDACTED:
        write_proof(w, c, ev);
        break;
    case CHAT_CALL:
        write_call(w, c, ev);
        break;
    case CHAT_CALL_ARGUMENTS:
        if (ev->text.s.len)
            write_arguments(w, c, ev);
        break;
    case CHAT_BREAK:
        turn_to_text(c, false);
        break;
    case CHAT_CITATION:
        write_citation(w, c, ev);
        break;
    case CHAT_MEDIA:
        write_picture(w, ev);
        break;
    case CHAT_LOGPROBS:
        write_logprobs(w, ev);
        break;
    case CHAT_FINISH:
        write_finish(w, c, ev);
        break;
    case CHAT_START:
    case CHAT_NATIVE:
    case CHAT_USAGE:
    case CHAT_FAILED:
    case CHAT_END:
        break;
    }
}

void openai_chat_write_event(struct answer_writer *w, const struct chat_event *ev)
{
    struct state *s = w->state;
    struct choice_state *c;
    switch (ev->kind) {
    case CHAT_USAGE:
        usage_merge(&s->usage, &ev->usage);
        break;
    case CHAT_END:
        write_end(w);
        break;
    case CHAT_FAILED:
    case CHAT_NATIVE:
        break;
    default:
        c = begin_choice(w, ev->choice);
        if (c)
            write_of_choice(w, c, ev);
    }
}
