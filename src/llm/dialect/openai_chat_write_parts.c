/* Contents of messages for chat completions: texts, pictures, sounds, documents (mapping.md §3, §11). */
#include "llm/dialect/openai_chat_writing.h"

#include "base/base64.h"

str openai_made(struct openai_writing *w, str text)
{
    if (str_is_null(text))
        w->j.out->failed = true;
    return text;
}

/* --- Marks for caching ------------------------------------------------------------------------------------ */

static bool takes_marks(const struct openai_writing *w)
{
    return openai_has(w, OPENAI_OWN) && openai_can(w, MODEL_CACHE_MARKS);
}

static bool is_markable(const struct block *b)
{
    return b->cached && b->kind != BLOCK_CALL && b->kind != BLOCK_RESULT &&
           b->kind != BLOCK_REASONING && b->kind != BLOCK_NATIVE;
}

static unsigned count_in(const struct turn *turns)
{
    unsigned n = 0;
    for (const struct turn *t = turns; t; t = t->next)
        for (const struct block *b = t->blocks; b; b = b->next)
            n += is_markable(b);
    return n;
}

unsigned openai_count_marks(const struct openai_writing *w)
{
    return takes_marks(w) ? count_in(w->chat->system) + count_in(w->chat->turns) : 0;
}

static void write_mark(struct openai_writing *w, const struct block *b)
{
    if (!is_markable(b) || !takes_marks(w))
        return;
    if (w->marks_left) { /* only the last ones count */
        w->marks_left--;
        return;
    }
    json_write_key(&w->j, STR("prompt_cache_breakpoint"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("mode"), STR("explicit"));
    if (b->cache_ttl_s >= 3600)
        json_write_member(&w->j, STR("ttl"), STR("12h"));
    json_write_object_end(&w->j);
}

/* --- Parts ------------------------------------------------------------------------------------------------ */

static void begin_part(struct openai_writing *w, const char *type)
{
    json_write_object(&w->j);
    json_write_member(&w->j, STR("type"), str_from_c(type));
}

static void end_part(struct openai_writing *w, const struct block *b)
{
    write_mark(w, b);
    json_write_object_end(&w->j);
}

static void write_text(struct openai_writing *w, const struct block *b, struct raw text)
{
    begin_part(w, "text");
    json_write_key(&w->j, STR("text"));
    json_write_raw_string(&w->j, text.s);
    end_part(w, b);
}

static str media_url(struct openai_writing *w, const struct media *m)
{
    if (m->source == MEDIA_URL)
        return m->data;
    str mime = m->mime.len ? m->mime : media_sniff(m->data);
    str pieces[] = {STR("data:"), mime.len ? mime : STR("application/octet-stream"),
                    STR(";base64,"), m->data};
    return openai_made(w, arena_concat(w->arena, pieces, ARRAY_LEN(pieces)));
}

static void write_image(struct openai_writing *w, const struct block *b)
{
    static const char *const details[] = {[DETAIL_LOW] = "low",
                                          [DETAIL_HIGH] = "high",
                                          [DETAIL_AUTO] = "auto",
                                          [DETAIL_ORIGINAL] = "original"};
    enum media_detail detail = b->media.detail;
    if (detail == DETAIL_ORIGINAL && !openai_has(w, OPENAI_OWN))
        detail = DETAIL_HIGH;
    begin_part(w, "image_url");
    json_write_key(&w->j, STR("image_url"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("url"), media_url(w, &b->media));
    if (detail && !openai_has(w, OPENAI_PLAIN))
        json_write_member(&w->j, STR("detail"), str_from_c(details[detail]));
    json_write_object_end(&w->j);
    end_part(w, b);
}

/* {"type":"video_url","video_url":{"url":…}} */
static void write_media_url(struct openai_writing *w, const struct block *b, const char *type)
{
    begin_part(w, type);
    json_write_key(&w->j, str_from_c(type));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("url"), media_url(w, &b->media));
    json_write_object_end(&w->j);
    end_part(w, b);
}

static str sound_format(str mime)
{
    if (str_eq(mime, STR("audio/wav")) || str_eq(mime, STR("audio/x-wav")) ||
        str_eq(mime, STR("audio/wave")))
        return STR("wav");
    return str_eq(mime, STR("audio/mp3")) || str_eq(mime, STR("audio/mpeg")) ? STR("mp3")
                                                                             : STR_NULL;
}

static void write_audio(struct openai_writing *w, const struct block *b)
{
    if (b->media.source == MEDIA_URL) {
        write_media_url(w, b, "audio_url");
        return;
    }
    begin_part(w, "input_audio");
    json_write_key(&w->j, STR("input_audio"));
    json_write_object(&w->j);
    json_write_member(&w->j, STR("data"), b->media.data);
    json_write_member(&w->j, STR("format"), sound_format(b->media.mime));
    json_write_object_end(&w->j);
    end_part(w, b);
}

struct raw openai_document_text(struct openai_writing *w, const struct media *m)
{
    if (m->source == MEDIA_TEXT)
        return m->text;
    if (m->source != MEDIA_BASE64 || !str_starts(m->mime, STR("text/")))
        return RAW_NULL;
    char *plain = arena_alloc(w->arena, base64_decoded_max(m->data));
    size_t len;
    if (!plain)
        w->j.out->failed = true;
    if (!plain || !base64_decode(m->data, plain, &len))
        return RAW_NULL;
    struct raw text = raw_of_text(w->arena, str_make(plain, len));
    openai_made(w, text.s);
    return text;
}

static void write_file(struct openai_writing *w, const struct block *b)
{
    const struct media *m = &b->media;
    struct raw text = openai_document_text(w, m);
    if (!str_is_null(text.s)) { /* what is text needs no file */
        write_text(w, b, text);
        return;
    }
    begin_part(w, "file");
    json_write_key(&w->j, STR("file"));
    json_write_object(&w->j);
    if (m->source == MEDIA_FILE_ID) {
        json_write_member(&w->j, STR("file_id"), m->data);
    } else {
        json_write_member(&w->j, STR("filename"), m->name.len ? m->name : STR("document.pdf"));
        json_write_member(&w->j, STR("file_data"), media_url(w, m));
    }
    json_write_object_end(&w->j);
    end_part(w, b);
}

/* --- What cannot be carried ------------------------------------------------------------------------------- */

static const char *refusal_of_document(const struct openai_writing *w, const struct media *m)
{
    if (m->source == MEDIA_TEXT || str_starts(m->mime, STR("text/")))
        return m->source == MEDIA_URL ? "documents are taken as bytes only" : NULL;
    if (!openai_has(w, OPENAI_FILES))
        return "this server takes no documents";
    return m->source == MEDIA_URL ? "documents are taken as bytes only" : NULL;
}

static const char *refusal(const struct openai_writing *w, const struct block *b)
{
    const struct media *m = &b->media;
    bool urls = openai_has(w, OPENAI_MEDIA_URLS), local = m->source != MEDIA_URL;
    if (m->source == MEDIA_FILE_ID && m->format != NATIVE_OPENAI)
        return "the file is in another provider's account";
    if (m->source == MEDIA_FILE_ID && b->kind == BLOCK_DOCUMENT)
        return openai_has(w, OPENAI_FILES) ? NULL : "this server takes no files";
    if (m->source == MEDIA_FILE_ID)
        return "files are taken as documents only";
    if (!local && !str_istarts(m->data, STR("https:")) && !str_istarts(m->data, STR("http:")))
        return "the address cannot be read by this target";
    switch (b->kind) {
    case BLOCK_DOCUMENT:
        return refusal_of_document(w, m);
    case BLOCK_VIDEO:
        return urls ? NULL : "chat completions take no video";
    case BLOCK_AUDIO:
        if (local)
            return sound_format(m->mime).len ? NULL : "chat completions take wav and mp3 only";
        return urls ? NULL : "sounds are taken as bytes only";
    default:
        return NULL;
    }
}

void openai_write_part(struct openai_writing *w, const struct block *b, str path)
{
    bool media = b->kind == BLOCK_IMAGE || b->kind == BLOCK_AUDIO || b->kind == BLOCK_VIDEO ||
                 b->kind == BLOCK_DOCUMENT;
    const char *why = media ? refusal(w, b) : NULL;
    if (why) {
        unsupported_refuse(w->unsupported, path, why);
        return;
    }
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        write_text(w, b, b->text);
        break;
    case BLOCK_IMAGE:
        write_image(w, b);
        break;
    case BLOCK_AUDIO:
        write_audio(w, b);
        break;
    case BLOCK_VIDEO:
        write_media_url(w, b, "video_url");
        break;
    case BLOCK_DOCUMENT:
        write_file(w, b);
        break;
    case BLOCK_CALL:
    case BLOCK_RESULT:
    case BLOCK_REASONING:
    case BLOCK_NATIVE:
        break; /* no parts */
    }
}

bool openai_is_part(struct openai_writing *w, const struct block *b, str path)
{
    switch (b->kind) {
    case BLOCK_CALL:
    case BLOCK_RESULT:
    case BLOCK_REASONING:
        return false;
    case BLOCK_NATIVE:
        unsupported_field(w->unsupported, FIELD_HINT, path, "a block of another format's own");
        return false;
    default:
        return true;
    }
}

/* --- Contents --------------------------------------------------------------------------------------------- */

/* How many parts there are; *words: all of them are text. */
static unsigned count_parts(struct openai_writing *w, const struct block *blocks, str path,
                            const struct block **first, bool *words)
{
    unsigned n = 0;
    *first = NULL;
    *words = true;
    for (const struct block *b = blocks; b; b = b->next) {
        if (!openai_is_part(w, b, path))
            continue;
        *first = *first ? *first : b;
        *words = *words && (b->kind == BLOCK_TEXT || b->kind == BLOCK_REFUSAL);
        n++;
    }
    return n;
}

static void write_parts(struct openai_writing *w, const struct block *blocks, str path)
{
    json_write_array(&w->j);
    for (const struct block *b = blocks; b; b = b->next)
        if (b->kind != BLOCK_NATIVE && openai_is_part(w, b, path))
            openai_write_part(w, b, path);
    json_write_array_end(&w->j);
}

static void write_joined(struct openai_writing *w, const struct block *blocks)
{
    struct buf all;
    buf_init(&all, 0);
    for (const struct block *b = blocks; b; b = b->next) {
        if (b->kind != BLOCK_TEXT && b->kind != BLOCK_REFUSAL)
            continue;
        if (all.len)
            buf_add_lit(&all, "\\n");
        buf_add_str(&all, b->text.s);
    }
    json_write_raw_string(&w->j, buf_str(&all));
    w->j.out->failed = w->j.out->failed || all.failed;
    buf_release(&all);
}

/* One text and nothing else is said as a string, which every server takes. */
void openai_write_content(struct openai_writing *w, const struct block *blocks, str path)
{
    const struct block *first;
    bool words;
    unsigned n = count_parts(w, blocks, path, &first, &words);
    json_write_key(&w->j, STR("content"));
    if (n == 1 && words && !(first->cached && takes_marks(w)))
        json_write_raw_string(&w->j, first->text.s);
    else
        write_parts(w, blocks, path);
}

void openai_write_words(struct openai_writing *w, const struct block *blocks, str path)
{
    const struct block *first;
    bool words;
    unsigned n = count_parts(w, blocks, path, &first, &words);
    if (n < 2 || !words || openai_has(w, OPENAI_OWN)) {
        openai_write_content(w, blocks, path);
        return;
    }
    json_write_key(&w->j, STR("content"));
    write_joined(w, blocks);
}
