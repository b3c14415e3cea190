/*
 * A chat's turns as Cohere's messages.  Content is a string when it is one text, else a list of parts.
 * Thoughts are parts for models that reason; of others they are the `tool_plan` of a message with calls.
 * Each tool's result is a message of its own.
 */
#include "llm/dialect/cohere_impl.h"

#include "base/base64.h"

struct part {
    struct part *next;
    const char *type; /* "text", "thinking", or "image_url" */
    struct raw text;
    const struct media *image;
};

struct parts {
    struct part *first, **last;
};

static void report(struct cohere_writer *w, const struct turn *t, const char *suffix,
                   enum field_class class, const char *why)
{
    str path = t->path.len ? t->path : STR("messages");
    str field = arena_printf(w->t->arena, "%.*s%s", STR_ARG(path), suffix);
    unsupported_field(w->u, class, field, why);
}

/* --- Parts. */

static struct part *add(struct cohere_writer *w, struct parts *parts, const char *type)
{
    struct part *p = arena_zalloc(w->t->arena, sizeof(*p));
    if (!p) {
        w->w.out->failed = true;
        return NULL;
    }
    p->type = type;
    *parts->last = p;
    parts->last = &p->next;
    return p;
}

static void add_text(struct cohere_writer *w, struct parts *parts, const char *type,
                     struct raw text)
{
    struct part *p = str_is_null(text.s) ? NULL : add(w, parts, type);
    if (p)
        p->text = text;
}

static struct raw escaped(struct cohere_writer *w, str text)
{
    struct raw raw = raw_of_text(w->t->arena, text);
    if (str_is_null(raw.s))
        w->w.out->failed = true;
    return raw;
}

static void add_image(struct cohere_writer *w, struct parts *parts, const struct turn *t,
                      const struct media *media)
{
    if (!model_can(w->t->facts, MODEL_VISION)) {
        report(w, t, ".content", FIELD_MEANING, "the model takes no images");
        return;
    }
    if (media->source != MEDIA_BASE64 && media->source != MEDIA_URL) {
        report(w, t, ".content", FIELD_MEANING, "the file is not Cohere's");
        return;
    }
    if (media->detail == DETAIL_ORIGINAL)
        report(w, t, ".content.image.detail", FIELD_HINT, "Cohere has auto, low and high");
    struct part *p = add(w, parts, "image_url");
    if (p)
        p->image = media;
}

/* RAW_NULL: no text. */
static struct raw text_of_document(struct cohere_writer *w, const struct media *media)
{
    size_t len;
    if (media->source == MEDIA_TEXT)
        return media->text;
    if (media->source != MEDIA_BASE64 || !str_starts(media->mime, STR("text/")))
        return RAW_NULL;
    char *plain = arena_alloc(w->t->arena, base64_decoded_max(media->data));
    if (!plain)
        w->w.out->failed = true;
    if (!plain || !base64_decode(media->data, plain, &len))
        return RAW_NULL;
    return escaped(w, str_make(plain, len));
}

static void add_document(struct cohere_writer *w, struct parts *parts, const struct turn *t,
                         const struct media *media)
{
    struct raw text = text_of_document(w, media);
    if (str_is_null(text.s)) {
        report(w, t, ".content", FIELD_MEANING, "Cohere takes no files but plain text");
        return;
    }
    if (media->name.len)
        add_text(w, parts, "text", escaped(w, media->name));
    add_text(w, parts, "text", media->context);
    add_text(w, parts, "text", text);
    if (media->citations)
        report(w, t, ".content.citations", FIELD_HINT, "the gateway does not ask Cohere for them");
}

static void add_block(struct cohere_writer *w, struct parts *parts, const struct turn *t,
                      const struct block *b)
{
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        add_text(w, parts, "text", b->text);
        break;
    case BLOCK_IMAGE:
        add_image(w, parts, t, &b->media);
        break;
    case BLOCK_DOCUMENT:
        add_document(w, parts, t, &b->media);
        break;
    case BLOCK_AUDIO:
        report(w, t, ".content", FIELD_MEANING, "Cohere takes no audio");
        break;
    case BLOCK_VIDEO:
        report(w, t, ".content", FIELD_MEANING, "Cohere takes no video");
        break;
    case BLOCK_NATIVE:
        report(w, t, ".content", FIELD_HINT, "a block that only its vendor understands");
        break;
    case BLOCK_CALL:
    case BLOCK_RESULT:
    case BLOCK_REASONING: /* have places of their own */
        break;
    }
}

static struct parts parts_of(struct cohere_writer *w, const struct turn *t)
{
    struct parts parts = {0};
    parts.last = &parts.first;
    for (const struct block *b = t->blocks; b; b = b->next)
        add_block(w, &parts, t, b);
    return parts;
}

/* --- Writing them. */

static const char *const details[] = {
    [DETAIL_LOW] = "low", [DETAIL_HIGH] = "high", [DETAIL_AUTO] = "auto", [DETAIL_ORIGINAL] = NULL};

static void write_image(struct cohere_writer *w, const struct media *m)
{
    str url = m->data;
    if (m->source == MEDIA_BASE64) {
        str mime = m->mime.len ? m->mime : media_sniff(m->data);
        str pieces[] = {STR("data:"), mime.len ? mime : STR("image/png"), STR(";base64,"), m->data};
        url = arena_concat(w->t->arena, pieces, ARRAY_LEN(pieces));
        if (str_is_null(url))
            w->w.out->failed = true;
    }
    json_write_object(&w->w);
    json_write_member(&w->w, STR("url"), url);
    if (details[m->detail])
        json_write_member(&w->w, STR("detail"), str_from_c(details[m->detail]));
    json_write_object_end(&w->w);
}

static void write_content(struct cohere_writer *w, const struct part *p)
{
    json_write_key(&w->w, STR("content"));
    if (!p || (!p->next && strcmp(p->type, "text") == 0)) {
        json_write_raw_string(&w->w, p ? p->text.s : STR(""));
        return;
    }
    json_write_array(&w->w);
    for (; p; p = p->next) {
        json_write_object(&w->w);
        json_write_member(&w->w, STR("type"), str_from_c(p->type));
        json_write_key(&w->w, str_from_c(p->type)); /* the value's name is the type's */
        if (p->image)
            write_image(w, p->image);
        else
            json_write_raw_string(&w->w, p->text.s);
        json_write_object_end(&w->w);
    }
    json_write_array_end(&w->w);
}

static void begin(struct cohere_writer *w, const char *role)
{
    json_write_object(&w->w);
    json_write_member(&w->w, STR("role"), str_from_c(role));
    w->written++;
}

/* --- Messages. */

static void write_plain(struct cohere_writer *w, const struct turn *t, const char *role)
{
    struct parts parts = parts_of(w, t);
    if (!parts.first)
        return;
    begin(w, role);
    write_content(w, parts.first);
    json_write_object_end(&w->w);
}

static void write_call(struct cohere_writer *w, const struct turn *t, const struct tool_call *call)
{
    str arguments = chat_call_object(w->t->arena, call);
    str name = name_legal(w->t->arena, &name_rule_openai, call->name);
    if (str_is_null(arguments) || str_is_null(name)) {
        w->w.out->failed = true;
        return;
    }
    if (call->custom)
        report(w, t, ".tool_calls", FIELD_MEANING, "Cohere has no custom tools");
    if (call->is_raw)
        unsupported_note(w->u,
                         arena_printf(w->t->arena, "%.*s.tool_calls (arguments are no object)",
                                      STR_ARG(t->path)));
    json_write_object(&w->w);
    json_write_member(&w->w, STR("id"), call->id);
    json_write_member(&w->w, STR("type"), STR("function"));
    json_write_key(&w->w, STR("function"));
    json_write_object(&w->w);
    json_write_member(&w->w, STR("name"), name);
    json_write_member(&w->w, STR("arguments"), arguments);
    json_write_object_end(&w->w);
    json_write_object_end(&w->w);
}

static unsigned count(const struct turn *t, enum block_kind kind)
{
    unsigned n = 0;
    for (const struct block *b = t->blocks; b; b = b->next)
        n += b->kind == kind;
    return n;
}

static void add_thoughts(struct cohere_writer *w, struct parts *parts, const struct turn *t)
{
    for (const struct block *b = t->blocks; b; b = b->next) {
        if (b->kind != BLOCK_REASONING)
            continue;
        add_text(w, parts, "thinking", b->reasoning.text);
        for (const struct block *s = b->reasoning.summary; s; s = s->next)
            add_text(w, parts, "thinking", s->text);
        if (str_is_null(b->reasoning.text.s) && !b->reasoning.summary)
            report(w, t, ".reasoning", FIELD_HINT, "only its maker can read it");
    }
}

static void write_plan(struct cohere_writer *w, const struct part *thoughts)
{
    struct buf plan;
    buf_init(&plan, 0);
    for (const struct part *p = thoughts; p; p = p->next)
        buf_add_str(&plan, p->text.s);
    json_write_key(&w->w, STR("tool_plan"));
    json_write_raw_string(&w->w, buf_str(&plan));
    w->w.out->failed = w->w.out->failed || plan.failed;
    buf_release(&plan);
}

static void write_calls(struct cohere_writer *w, const struct turn *t)
{
    json_write_key(&w->w, STR("tool_calls"));
    json_write_array(&w->w);
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_CALL)
            write_call(w, t, &b->call);
    json_write_array_end(&w->w);
}

static void write_assistant(struct cohere_writer *w, const struct turn *t)
{
    struct parts thoughts = {0}, parts = parts_of(w, t);
    bool calls = count(t, BLOCK_CALL) > 0, thinks = model_can(w->t->facts, MODEL_REASONING);
    thoughts.last = &thoughts.first;
    add_thoughts(w, &thoughts, t);
    if (thoughts.first && !thinks && !calls)
        report(w, t, ".reasoning", FIELD_HINT, "the model does not think");
    if (thoughts.first && thinks) {
        *thoughts.last = parts.first;
        parts.first = thoughts.first;
    }
    if (!parts.first && !calls)
        return;
    begin(w, "assistant");
    if (thoughts.first && !thinks && calls)
        write_plan(w, thoughts.first);
    if (calls)
        write_calls(w, t);
    if (parts.first)
        write_content(w, parts.first);
    json_write_object_end(&w->w);
}

static void write_result(struct cohere_writer *w, const struct turn *t,
                         const struct tool_result *result)
{
    struct parts parts = {0};
    parts.last = &parts.first;
    if (result->is_error)
        add_text(w, &parts, "text", RAW("Error:"));
    for (const struct block *b = result->content; b; b = b->next) {
        if (b->kind == BLOCK_IMAGE)
            report(w, t, ".content", FIELD_MEANING, "Cohere's results of tools have no images");
        else
            add_block(w, &parts, t, b);
    }
    begin(w, "tool");
    json_write_member(&w->w, STR("tool_call_id"), result->call_id);
    write_content(w, parts.first);
    json_write_object_end(&w->w);
}

static void write_turn(struct cohere_writer *w, const struct turn *t)
{
    if (t->name.len)
        report(w, t, ".name", FIELD_HINT, "Cohere's messages have no name");
    switch (t->role) {
    case ROLE_SYSTEM:
        write_plain(w, t, "system");
        break;
    case ROLE_USER:
        for (const struct block *b = t->blocks; b; b = b->next)
            if (b->kind == BLOCK_RESULT)
                write_result(w, t, &b->result);
        write_plain(w, t, "user");
        break;
    case ROLE_ASSISTANT:
        write_assistant(w, t);
        break;
    }
}

void cohere_write_messages(struct cohere_writer *w)
{
    json_write_key(&w->w, STR("messages"));
    json_write_array(&w->w);
    for (const struct turn *t = w->chat->system; t; t = t->next)
        write_turn(w, t);
    for (const struct turn *t = w->chat->turns; t && !w->u->fault.err; t = t->next)
        write_turn(w, t);
    json_write_array_end(&w->w);
    if (w->written == 0 && !w->u->fault.err)
        unsupported_refuse(w->u, STR("messages"), "nothing is left that Cohere could be sent");
}
