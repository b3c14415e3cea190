/*
 * A chat's turns as Ollama's messages.  `content` is always one string and images stand beside it as bare
 * base64; each tool's result is a message of its own.
 */
#include "llm/dialect/ollama_impl.h"

#include "base/base64.h"

struct image {
    struct image *next;
    str data;
};

/* Pieces that become one string: nothing is copied while there is one only. */
struct joined {
    struct buf *buf;
    str separator; /* escaped, as the pieces are */
    str text;
    unsigned pieces;
};

struct message { /* what the blocks of one message come to */
    struct joined text, thinking;
    struct image *images, **last;
    unsigned calls;
};

void ollama_report(struct ollama_writer *w, const struct turn *t, const char *suffix,
                   enum field_class class, const char *why)
{
    str path = t->path.len ? t->path : STR("messages");
    str field = arena_printf(w->t->arena, "%.*s%s", STR_ARG(path), suffix);
    unsupported_field(w->u, class, field, why);
}

/* --- Pieces. */

static void join(struct joined *j, struct raw piece)
{
    if (str_is_null(piece.s))
        return;
    if (j->pieces++ == 0) {
        j->text = piece.s;
        return;
    }
    if (j->pieces == 2) {
        buf_clear(j->buf);
        buf_add_str(j->buf, j->text);
    }
    buf_add_str(j->buf, j->separator);
    buf_add_str(j->buf, piece.s);
    j->text = buf_str(j->buf);
}

static void add_image(struct ollama_writer *w, struct message *m, str data)
{
    struct image *image = arena_zalloc(w->t->arena, sizeof(*image));
    if (!image) {
        w->w.out->failed = true;
        return;
    }
    image->data = data;
    *m->last = image;
    m->last = &image->next;
}

/* --- Media. */

static const char *const image_types[] = {"image/jpeg", "image/jpg", "image/png", "image/webp"};

static bool is_image_type(str mime)
{
    if (mime.len == 0) /* nobody said: the server looks at the bytes */
        return true;
    for (size_t i = 0; i < ARRAY_LEN(image_types); i++)
        if (str_eq(mime, str_from_c(image_types[i])))
            return true;
    return false;
}

static void take_image(struct ollama_writer *w, struct message *m, const struct turn *t,
                       const struct media *media)
{
    if (!model_can(w->t->facts, MODEL_VISION))
        ollama_report(w, t, ".content", FIELD_MEANING, "the model takes no images");
    else if (media->source != MEDIA_BASE64)
        ollama_report(w, t, ".content", FIELD_MEANING, "Ollama takes images as base64 only");
    else if (!is_image_type(media->mime))
        ollama_report(w, t, ".content", FIELD_MEANING, "Ollama takes JPEG, PNG and WebP images");
    else
        add_image(w, m, media->data);
    if (media->detail != DETAIL_UNSET && media->detail != DETAIL_AUTO)
        ollama_report(w, t, ".content.image.detail", FIELD_HINT, "Ollama has no such setting");
}

/* Audio goes where images go, for models that hear. */
static void take_audio(struct ollama_writer *w, struct message *m, const struct turn *t,
                       const struct media *media)
{
    if (!model_can(w->t->facts, MODEL_AUDIO))
        ollama_report(w, t, ".content", FIELD_MEANING, "the model takes no audio");
    else if (media->source != MEDIA_BASE64)
        ollama_report(w, t, ".content", FIELD_MEANING, "Ollama takes audio as base64 only");
    else
        add_image(w, m, media->data);
}

static struct raw escaped(struct ollama_writer *w, str text)
{
    struct raw raw = raw_of_text(w->t->arena, text);
    if (str_is_null(raw.s))
        w->w.out->failed = true;
    return raw;
}

/* RAW_NULL: no text. */
static struct raw text_of_document(struct ollama_writer *w, const struct media *media)
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

static void take_document(struct ollama_writer *w, struct message *m, const struct turn *t,
                          const struct media *media)
{
    struct raw text = text_of_document(w, media);
    if (str_is_null(text.s)) {
        ollama_report(w, t, ".content", FIELD_MEANING, "Ollama takes no files but plain text");
        return;
    }
    if (media->name.len)
        join(&m->text, escaped(w, media->name));
    join(&m->text, media->context);
    join(&m->text, text);
    if (media->citations)
        ollama_report(w, t, ".content.citations", FIELD_HINT, "Ollama makes no citations");
}

/* --- Blocks. */

static void take_reasoning(struct ollama_writer *w, struct message *m, const struct turn *t,
                           const struct reasoning *r)
{
    join(&m->thinking, r->text);
    for (const struct block *b = r->summary; b; b = b->next)
        join(&m->thinking, b->text);
    if (str_is_null(r->text.s) && !r->summary && r->encrypted.len)
        ollama_report(w, t, ".reasoning", FIELD_HINT, "only its maker can read it");
}

static void take_block(struct ollama_writer *w, struct message *m, const struct turn *t,
                       const struct block *b)
{
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        join(&m->text, b->text);
        break;
    case BLOCK_IMAGE:
        take_image(w, m, t, &b->media);
        break;
    case BLOCK_AUDIO:
        take_audio(w, m, t, &b->media);
        break;
    case BLOCK_VIDEO:
        ollama_report(w, t, ".content", FIELD_MEANING, "Ollama takes no video");
        break;
    case BLOCK_DOCUMENT:
        take_document(w, m, t, &b->media);
        break;
    case BLOCK_CALL:
        m->calls++;
        break;
    case BLOCK_REASONING:
        take_reasoning(w, m, t, &b->reasoning);
        break;
    case BLOCK_NATIVE:
        ollama_report(w, t, ".content", FIELD_HINT, "a block that only its vendor understands");
        break;
    case BLOCK_RESULT: /* a message of its own */
        break;
    }
}

/* --- Messages. */

static void message_init(struct ollama_writer *w, struct message *m, struct buf *thinking,
                         str separator)
{
    *m = (struct message){.text = {.buf = &w->text, .separator = separator},
                          .thinking = {.buf = thinking, .separator = STR("\\n")}};
    m->last = &m->images;
}

static void begin(struct ollama_writer *w, const char *role, const struct joined *content)
{
    json_write_object(&w->w);
    json_write_member(&w->w, STR("role"), str_from_c(role));
    json_write_key(&w->w, STR("content"));
    json_write_raw_string(&w->w, content->text);
    w->written++;
}

static void write_images(struct ollama_writer *w, const struct image *images)
{
    if (!images)
        return;
    json_write_key(&w->w, STR("images"));
    json_write_array(&w->w);
    for (; images; images = images->next)
        json_write_raw_string(&w->w, images->data);
    json_write_array_end(&w->w);
}

static void write_system(struct ollama_writer *w, const struct turn *t)
{
    struct message m;
    message_init(w, &m, NULL, STR("\\n"));
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind != BLOCK_REASONING)
            take_block(w, &m, t, b);
    if (m.text.pieces == 0)
        return;
    begin(w, "system", &m.text);
    json_write_object_end(&w->w);
}

static void write_call(struct ollama_writer *w, const struct turn *t, const struct tool_call *call)
{
    str arguments = chat_call_object(w->t->arena, call);
    if (str_is_null(arguments)) {
        w->w.out->failed = true;
        return;
    }
    if (call->custom)
        ollama_report(w, t, ".tool_calls", FIELD_MEANING, "Ollama has no custom tools");
    if (call->is_raw)
        unsupported_note(w->u,
                         arena_printf(w->t->arena, "%.*s.tool_calls (arguments are no object)",
                                      STR_ARG(t->path)));
    json_write_object(&w->w);
    json_write_member(&w->w, STR("id"), call->id);
    json_write_key(&w->w, STR("function"));
    json_write_object(&w->w);
    json_write_member(&w->w, STR("name"), call->name);
    json_write_member_raw(&w->w, STR("arguments"), arguments);
    json_write_object_end(&w->w);
    json_write_object_end(&w->w);
}

static void write_assistant(struct ollama_writer *w, const struct turn *t)
{
    struct message m;
    struct buf thinking;
    buf_init(&thinking, 0);
    message_init(w, &m, &thinking, STR(""));
    for (const struct block *b = t->blocks; b; b = b->next)
        take_block(w, &m, t, b);
    if (m.text.pieces || m.thinking.pieces || m.calls || m.images) {
        begin(w, "assistant", &m.text);
        if (m.thinking.pieces)
            json_write_member_raw_string(&w->w, STR("thinking"), (struct raw){m.thinking.text});
        write_images(w, m.images);
        if (m.calls) {
            json_write_key(&w->w, STR("tool_calls"));
            json_write_array(&w->w);
            for (const struct block *b = t->blocks; b; b = b->next)
                if (b->kind == BLOCK_CALL)
                    write_call(w, t, &b->call);
            json_write_array_end(&w->w);
        }
        json_write_object_end(&w->w);
    }
    if (thinking.failed)
        w->w.out->failed = true;
    buf_release(&thinking);
}

/* Its images wait in *images for the user's message. */
static void write_result(struct ollama_writer *w, const struct turn *t,
                         const struct tool_result *result, struct message *images)
{
    struct message m;
    message_init(w, &m, NULL, result->is_error ? STR("") : STR("\\n"));
    if (result->is_error)
        join(&m.text, RAW("Error: "));
    for (const struct block *b = result->content; b; b = b->next) {
        take_block(w, &m, t, b);
        if (m.text.pieces > 1)
            m.text.separator = STR("\\n");
    }
    begin(w, "tool", &m.text);
    if (result->name.len)
        json_write_member(&w->w, STR("tool_name"), result->name);
    if (result->call_id.len)
        json_write_member(&w->w, STR("tool_call_id"), result->call_id);
    json_write_object_end(&w->w);
    if (m.images) {
        *images->last = m.images;
        images->last = m.last;
    }
}

static void write_user(struct ollama_writer *w, const struct turn *t)
{
    struct message m, of_results;
    message_init(w, &of_results, NULL, STR("\\n"));
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_RESULT)
            write_result(w, t, &b->result, &of_results);
    message_init(w, &m, NULL, STR("\\n"));
    m.images = of_results.images;
    m.last = of_results.images ? of_results.last : &m.images;
    for (const struct block *b = t->blocks; b; b = b->next)
        take_block(w, &m, t, b);
    if (m.text.pieces == 0 && !m.images)
        return;
    begin(w, "user", &m.text);
    write_images(w, m.images);
    json_write_object_end(&w->w);
}

static void write_turn(struct ollama_writer *w, const struct turn *t)
{
    if (t->name.len)
        ollama_report(w, t, ".name", FIELD_HINT, "Ollama's messages have no name");
    switch (t->role) {
    case ROLE_SYSTEM:
        write_system(w, t);
        break;
    case ROLE_USER:
        write_user(w, t);
        break;
    case ROLE_ASSISTANT:
        write_assistant(w, t);
        break;
    }
}

void ollama_write_messages(struct ollama_writer *w)
{
    json_write_key(&w->w, STR("messages"));
    json_write_array(&w->w);
    for (const struct turn *t = w->chat->system; t; t = t->next)
        write_turn(w, t);
    for (const struct turn *t = w->chat->turns; t && !w->u->fault.err; t = t->next)
        write_turn(w, t);
    json_write_array_end(&w->w);
    if (w->text.failed)
        w->w.out->failed = true;
    /* A request without messages loads the model and says nothing. */
    if (w->written == 0 && !w->u->fault.err)
        unsupported_refuse(w->u, STR("messages"), "nothing is left that Ollama could be sent");
}
