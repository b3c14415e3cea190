/*
 * Turns as Gemini has them: a content holds either answers of functions or anything else, never both,
 * and signatures stay on the part that they came with.
 */
#include "llm/dialect/gemini_impl.h"

/* Takes the place of a signature that was never made (other models' calls). */
#define BYPASS "skip_thought_signature_validator"

enum { OBJECT_MAX = 256 << 10, DIGITS_MAX = 15 };

static str field_of(struct gemini_writer *g, const struct turn *t, const char *what)
{
    str field = arena_printf(g->arena, "%.*s%s", STR_ARG(t->path), what);
    g->no_memory = g->no_memory || str_is_null(field);
    return field;
}

static void open_content(struct gemini_writer *g, const char *role)
{
    if (g->content_open)
        return;
    g->content_open = true;
    g->contents++;
    json_write_object(&g->w);
    json_write_member(&g->w, STR("role"), str_from_c(role));
    json_write_key(&g->w, STR("parts"));
    json_write_array(&g->w);
}

static void close_content(struct gemini_writer *g)
{
    if (!g->content_open)
        return;
    json_write_array_end(&g->w);
    json_write_object_end(&g->w);
    g->content_open = false;
}

static void write_signature(struct gemini_writer *g, str signature)
{
    if (signature.len)
        json_write_member(&g->w, STR("thoughtSignature"), signature);
}

static void write_text(struct gemini_writer *g, struct raw text, str signature)
{
    json_write_object(&g->w);
    json_write_key(&g->w, STR("text"));
    json_write_raw_string(&g->w, text.s);
    write_signature(g, signature);
    json_write_object_end(&g->w);
}

/* --- Media ----------------------------------------------------------------------------------- */

static const struct {
    enum block_kind kind;
    enum model_ability ability;
    const char *why;
} media_abilities[] = {
    {BLOCK_IMAGE, MODEL_VISION, "the model takes no images"},
    {BLOCK_AUDIO, MODEL_AUDIO, "the model takes no audio"},
    {BLOCK_VIDEO, MODEL_VIDEO, "the model takes no video"},
};

/* Other names of what Gemini takes. */
static str usual_mime(str mime)
{
    static const struct {
        str from, to;
    } names[] = {
        {STR_INIT("image/jpg"), STR_INIT("image/jpeg")},
        {STR_INIT("audio/mpeg"), STR_INIT("audio/mp3")},
        {STR_INIT("audio/x-wav"), STR_INIT("audio/wav")},
        {STR_INIT("audio/wave"), STR_INIT("audio/wav")},
        {STR_INIT("audio/x-flac"), STR_INIT("audio/flac")},
    };
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(mime, names[i].from))
            return names[i].to;
    return mime;
}

static str mime_of(const struct block *b)
{
    const struct media *m = &b->media;
    if (m->mime.len)
        return usual_mime(m->mime);
    if (m->source == MEDIA_BASE64)
        return media_sniff(m->data);
    return STR_NULL;
}

static void refuse(struct gemini_writer *g, str field, const char *why)
{
    unsupported_field(g->report, FIELD_MEANING, field, why);
}

/* Whether Gemini can have it; what is wrong is reported. */
static bool media_is_fine(struct gemini_writer *g, const struct block *b, str mime, str field)
{
    const struct media *m = &b->media;
    for (unsigned i = 0; i < ARRAY_LEN(media_abilities); i++)
        if (media_abilities[i].kind == b->kind &&
            !model_can(g->target->facts, media_abilities[i].ability)) {
            refuse(g, field, media_abilities[i].why);
            return false;
        }
    const char *why = NULL;
    if (m->source == MEDIA_FILE_ID && m->format != NATIVE_GEMINI)
        why = "the file is another provider's";
    else if (m->source == MEDIA_BASE64 && mime.len == 0)
        why = "its type is not known";
    else if (str_eq(mime, STR("image/gif")))
        why = "Gemini takes no GIF images";
    else if (str_eq(mime, STR("application/pdf")) && !model_can(g->target->facts, MODEL_PDF))
        why = "the model takes no PDF documents";
    else if (m->source == MEDIA_URL && str_starts(m->data, STR("s3://")))
        why = "Gemini reads nothing from S3";
    else if (m->source == MEDIA_URL && b->kind == BLOCK_IMAGE && str_starts(m->data, STR("http")) &&
             !model_can(g->target->facts, MODEL_IMAGE_URL))
        why = "the model fetches no images";
    if (why)
        refuse(g, field, why);
    return why == NULL;
}

static const char *resolution_of(enum media_detail detail)
{
    switch (detail) {
    case DETAIL_LOW:
        return "MEDIA_RESOLUTION_LOW";
    case DETAIL_HIGH:
    case DETAIL_ORIGINAL:
        return "MEDIA_RESOLUTION_HIGH";
    case DETAIL_UNSET:
    case DETAIL_AUTO:
        break;
    }
    return NULL;
}

static void write_resolution(struct gemini_writer *g, const struct media *m, str field)
{
    const char *resolution = resolution_of(m->detail);
    if (!resolution)
        return;
    if (!g->third) {
        unsupported_field(g->report, FIELD_HINT, field, "images have one resolution there");
        return;
    }
    json_write_key(&g->w, STR("mediaResolution"));
    json_write_object(&g->w);
    json_write_member(&g->w, STR("level"), str_from_c(resolution));
    json_write_object_end(&g->w);
}

static void write_media_data(struct gemini_writer *g, const struct media *m, str mime)
{
    bool is_inline = m->source == MEDIA_BASE64;
    json_write_key(&g->w, is_inline ? STR("inlineData") : STR("fileData"));
    json_write_object(&g->w);
    if (mime.len)
        json_write_member(&g->w, STR("mimeType"), mime);
    json_write_member(&g->w, is_inline ? STR("data") : STR("fileUri"), m->data);
    if (is_inline && m->name.len)
        json_write_member(&g->w, STR("displayName"), m->name);
    json_write_object_end(&g->w);
}

/* One part, or none and a report. */
static void write_media(struct gemini_writer *g, const struct block *b, const char *role, str field)
{
    const struct media *m = &b->media;
    if (m->citations)
        unsupported_field(g->report, FIELD_HINT, field, "Gemini cites no documents");
    if (m->context.s.len)
        unsupported_field(g->report, FIELD_HINT, field, "documents have no context");
    if (m->source == MEDIA_TEXT) {
        open_content(g, role);
        write_text(g, m->text, STR_NULL);
        return;
    }
    str mime = mime_of(b);
    if (!media_is_fine(g, b, mime, field))
        return;
    open_content(g, role);
    json_write_object(&g->w);
    write_media_data(g, m, mime);
    write_resolution(g, m, field);
    json_write_object_end(&g->w);
}

/* --- Calls ----------------------------------------------------------------------------------- */

static void write_call(struct gemini_writer *g, const struct turn *t, const struct tool_call *call,
                       str signature)
{
    str arguments = chat_call_object(g->arena, call);
    str name = name_legal(g->arena, &name_rule_gemini, call->name);
    g->no_memory = g->no_memory || str_is_null(arguments) || str_is_null(name);
    if (call->is_raw)
        unsupported_note(g->report, field_of(g, t, " (arguments that are no object: as _raw)"));
    open_content(g, "model");
    json_write_object(&g->w);
    json_write_key(&g->w, STR("functionCall"));
    json_write_object(&g->w);
    if (g->third && call->id.len)
        json_write_member(&g->w, STR("id"), call->id);
    json_write_member(&g->w, STR("name"), name);
    json_write_member_raw(&g->w, STR("args"), arguments.len ? arguments : STR("{}"));
    json_write_object_end(&g->w);
    write_signature(g, signature);
    json_write_object_end(&g->w);
}

/* The assistant's blocks in their order.  A signature that has no part of its own goes to the part after
 * it; the first call of a step needs one. */
static void write_model_turn(struct gemini_writer *g, const struct turn *t)
{
    str waiting = STR_NULL;
    bool called = false;
    for (const struct block *b = t->blocks; b; b = b->next) {
        switch (b->kind) {
        case BLOCK_REASONING: /* its text need not come back */
            if (b->reasoning.format == NATIVE_GEMINI && b->reasoning.signature.len && g->third)
                waiting = b->reasoning.signature;
            break;
        case BLOCK_TEXT:
        case BLOCK_REFUSAL:
            open_content(g, "model");
            write_text(g, b->text, waiting);
            waiting = STR_NULL;
            break;
        case BLOCK_CALL: {
            str own = b->call.signature.len ? b->call.signature : waiting;
            if (g->third && !called && own.len == 0)
                own = STR(BYPASS);
            write_call(g, t, &b->call, g->third ? own : STR_NULL);
            called = true;
            waiting = STR_NULL;
            break;
        }
        case BLOCK_NATIVE:
            if (b->native.format == NATIVE_GEMINI) {
                open_content(g, "model");
                json_write_raw(&g->w, b->native.json);
            } else {
                unsupported_field(g->report, FIELD_HINT, field_of(g, t, ""),
                                  "it has a block of another provider's own");
            }
            break;
        case BLOCK_IMAGE:
        case BLOCK_AUDIO:
        case BLOCK_VIDEO:
        case BLOCK_DOCUMENT:
            write_media(g, b, "model", field_of(g, t, ".content"));
            break;
        case BLOCK_RESULT:
            refuse(g, field_of(g, t, ".content"), "an assistant has no results of tools");
            break;
        }
    }
    if (waiting.len && g->content_open)
        write_text(g, RAW(""), waiting);
    close_content(g);
}

/* --- Results --------------------------------------------------------------------------------- */

/* Numbers are doubles there, so longer ones would change; "$ref" has a meaning of its own. */
static bool object_survives(const struct json_doc *doc, bool own)
{
    for (uint32_t i = JSON_ROOT; i < doc->count; i++) {
        const struct json_node *n = json_node(doc, i);
        if (n->kind == JSON_NUMBER && n->end - n->start > DIGITS_MAX)
            return false;
        if (n->kind == JSON_STRING && json_string_eq(doc, i, STR("$ref")))
            return false;
    }
    return own || (!json_member(doc, JSON_ROOT, STR("output")) &&
                   !json_member(doc, JSON_ROOT, STR("error")));
}

/* Writes the text as an object if it is one that means the same so. */
static bool write_object_response(struct gemini_writer *g, const struct tool_result *r,
                                  struct raw text)
{
    static const struct json_options options = {.root_object = true, .depth_max = 60};
    struct arena scratch;
    struct json_doc doc;
    if (text.s.len == 0 || text.s.len > OBJECT_MAX || text.s.ptr[0] != '{')
        return false;
    arena_init(&scratch, 0);
    str json = raw_decode(&scratch, text);
    bool fine = !str_is_null(json) && !json_parse(&doc, &scratch, json, &options) &&
                object_survives(&doc, r->json);
    if (fine)
        json_write_raw(&g->w, json);
    arena_release(&scratch);
    return fine;
}

static void write_response(struct gemini_writer *g, const struct tool_result *r)
{
    struct buf joined;
    unsigned count = 0;
    buf_init(&joined, 0);
    for (const struct block *b = r->content; b; b = b->next) {
        bool is_text = b->kind == BLOCK_TEXT || b->kind == BLOCK_REFUSAL;
        bool is_document = b->kind == BLOCK_DOCUMENT && b->media.source == MEDIA_TEXT;
        if (!is_text && !is_document)
            continue;
        if (count++)
            buf_add_lit(&joined, "\\n");
        buf_add_str(&joined, is_text ? b->text.s : b->media.text.s);
    }
    struct raw text = {buf_str(&joined)};
    json_write_key(&g->w, STR("response"));
    if (r->is_error || count != 1 || !write_object_response(g, r, text)) {
        json_write_object(&g->w);
        json_write_key(&g->w, r->is_error ? STR("error") : STR("output"));
        json_write_raw_string(&g->w, text.s);
        json_write_object_end(&g->w);
    }
    g->no_memory = g->no_memory || joined.failed;
    buf_release(&joined);
}

static bool is_file(const struct block *b)
{
    return (b->kind == BLOCK_IMAGE || b->kind == BLOCK_AUDIO || b->kind == BLOCK_VIDEO ||
            b->kind == BLOCK_DOCUMENT) &&
           b->media.source != MEDIA_TEXT;
}

/* Inline data, and on Vertex what lies in its storage, can be part of the response. */
static bool goes_within(const struct gemini_writer *g, const struct block *b)
{
    return g->third && is_file(b) &&
           (b->media.source == MEDIA_BASE64 ||
            (g->vertex && b->media.source == MEDIA_URL && str_starts(b->media.data, STR("gs://"))));
}

static void write_response_parts(struct gemini_writer *g, const struct tool_result *r, str field)
{
    bool open = false;
    for (const struct block *b = r->content; b; b = b->next) {
        if (!goes_within(g, b))
            continue;
        str mime = mime_of(b);
        if (!media_is_fine(g, b, mime, field))
            continue;
        if (!open) {
            json_write_key(&g->w, STR("parts"));
            json_write_array(&g->w);
            open = true;
        }
        json_write_object(&g->w);
        write_media_data(g, &b->media, mime);
        json_write_object_end(&g->w);
    }
    if (open)
        json_write_array_end(&g->w);
}

static void write_result(struct gemini_writer *g, const struct turn *t, const struct tool_result *r)
{
    str name = name_legal(g->arena, &name_rule_gemini, r->name.len ? r->name : r->call_id);
    g->no_memory = g->no_memory || str_is_null(name);
    open_content(g, "user");
    json_write_object(&g->w);
    json_write_key(&g->w, STR("functionResponse"));
    json_write_object(&g->w);
    if (g->third && r->call_id.len)
        json_write_member(&g->w, STR("id"), r->call_id);
    json_write_member(&g->w, STR("name"), name);
    write_response(g, r);
    write_response_parts(g, r, field_of(g, t, ".content"));
    json_write_object_end(&g->w);
    json_write_object_end(&g->w);
}

static void write_user_block(struct gemini_writer *g, const struct turn *t, const struct block *b)
{
    switch (b->kind) {
    case BLOCK_RESULT:
        for (const struct block *in = b->result.content; in; in = in->next)
            if (is_file(in) && !goes_within(g, in))
                write_media(g, in, "user", field_of(g, t, ".content"));
        break;
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        open_content(g, "user");
        write_text(g, b->text, STR_NULL);
        break;
    case BLOCK_IMAGE:
    case BLOCK_AUDIO:
    case BLOCK_VIDEO:
    case BLOCK_DOCUMENT:
        write_media(g, b, "user", field_of(g, t, ".content"));
        break;
    case BLOCK_NATIVE:
        if (b->native.format == NATIVE_GEMINI) {
            open_content(g, "user");
            json_write_raw(&g->w, b->native.json);
        } else {
            unsupported_field(g->report, FIELD_HINT, field_of(g, t, ""),
                              "it has a block of another provider's own");
        }
        break;
    case BLOCK_CALL:
    case BLOCK_REASONING:
        refuse(g, field_of(g, t, ".content"), "only an assistant calls and reasons");
        break;
    }
}

/* What tools said comes first and alone, then a content with the rest. */
static void write_user_turn(struct gemini_writer *g, const struct turn *t)
{
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_RESULT)
            write_result(g, t, &b->result);
    close_content(g);
    for (const struct block *b = t->blocks; b; b = b->next)
        write_user_block(g, t, b);
    close_content(g);
}

/* --- All turns ------------------------------------------------------------------------------- */

static bool is_last_to_say(const struct turn *t)
{
    for (t = t->next; t; t = t->next)
        if (t->role != ROLE_SYSTEM)
            return false;
    return true;
}

/* A model's turn at the end is asked to be continued. */
static bool can_be_sent(struct gemini_writer *g, const struct turn *t)
{
    if (t->role != ROLE_ASSISTANT || !is_last_to_say(t) ||
        model_can(g->target->facts, MODEL_PREFILL))
        return true;
    refuse(g, field_of(g, t, ""), "the model does not continue an assistant's last turn");
    return false;
}

void gemini_write_contents(struct gemini_writer *g)
{
    json_write_key(&g->w, STR("contents"));
    json_write_array(&g->w);
    for (const struct turn *t = g->chat->turns; t; t = t->next) {
        if (t->name.len)
            unsupported_field(g->report, FIELD_HINT, field_of(g, t, ".name"),
                              "turns have no names");
        if (t->role == ROLE_SYSTEM || !can_be_sent(g, t))
            continue; /* they are in systemInstruction */
        if (t->role == ROLE_ASSISTANT && g->contents == 0) {
            unsupported_note(g->report, field_of(g, t, " (begins with an added user turn)"));
            open_content(g, "user");
            write_text(g, RAW("."), STR_NULL);
            close_content(g);
        }
        if (t->role == ROLE_ASSISTANT)
            write_model_turn(g, t);
        else
            write_user_turn(g, t);
    }
    json_write_array_end(&g->w);
    if (g->contents == 0)
        unsupported_refuse(g->report, STR("messages"), "nothing of it can be sent");
}
