/* Contents of messages of chat completions: texts, pictures, sounds, documents (mapping.md §3). */
#include "llm/dialect/openai_chat_reading.h"

#include <string.h>

struct place {
    str message; /* "messages[2]" */
    unsigned part;
};

static str path_of(struct openai_reading *r, const struct place *at, const char *member)
{
    return arena_printf(r->arena, "%.*s.content[%u].%s", STR_ARG(at->message), at->part, member);
}

/* {"url"} or the address itself. */
static bool read_url(struct openai_reading *r, uint32_t object, struct block *b,
                     const struct place *at, const char *field)
{
    uint32_t url = json_is(r->doc, object, JSON_STRING) ? object : openai_given(r, object, "url");
    str text = openai_decode(r, url);
    if (r->err || !text.len || !media_from_url(r->arena, text, &b->media))
        return openai_invalid(r, path_of(r, at, field),
                              "must be an address or a data URL with base64");
    return true;
}

static bool read_image(struct openai_reading *r, uint32_t part, struct block *b,
                       const struct place *at)
{
    static const struct {
        const char *name;
        enum media_detail detail;
    } details[] = {{"low", DETAIL_LOW},
                   {"high", DETAIL_HIGH},
                   {"auto", DETAIL_AUTO},
                   {"original", DETAIL_ORIGINAL}};
    uint32_t image = openai_given(r, part, "image_url");
    if (!read_url(r, image, b, at, "image_url.url"))
        return false;
    if (str_eq(b->media.mime, STR("application/pdf")) || b->media.source == MEDIA_TEXT)
        b->kind = BLOCK_DOCUMENT; /* some clients send documents so */
    uint32_t detail = openai_given(r, image, "detail");
    for (unsigned i = 0; i < ARRAY_LEN(details); i++)
        if (openai_text_is(r, detail, details[i].name))
            b->media.detail = details[i].detail;
    return true;
}

/* vLLM's and Together's. */
static bool read_video(struct openai_reading *r, uint32_t part, struct block *b,
                       const struct place *at)
{
    return read_url(r, openai_given(r, part, "video_url"), b, at, "video_url.url");
}

static bool read_audio_url(struct openai_reading *r, uint32_t part, struct block *b,
                           const struct place *at)
{
    return read_url(r, openai_given(r, part, "audio_url"), b, at, "audio_url.url");
}

static bool read_audio(struct openai_reading *r, uint32_t part, struct block *b,
                       const struct place *at)
{
    uint32_t audio = openai_given(r, part, "input_audio");
    str format = openai_decode(r, openai_given(r, audio, "format"));
    str data = openai_decode(r, openai_given(r, audio, "data"));
    if (r->err || !data.len || !media_from_url(r->arena, data, &b->media) ||
        b->media.source != MEDIA_BASE64)
        return openai_invalid(r, path_of(r, at, "input_audio.data"), "must be base64");
    if (!format.len)
        return openai_invalid(r, path_of(r, at, "input_audio.format"), "must be wav or mp3");
    str pieces[] = {STR("audio/"), format};
    b->media.mime = arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
    return !str_is_null(b->media.mime) || openai_no_memory(r);
}

static str mime_of_name(str name)
{
    static const struct {
        str end, mime;
    } known[] = {{STR_INIT(".pdf"), STR_INIT("application/pdf")},
                 {STR_INIT(".txt"), STR_INIT("text/plain")},
                 {STR_INIT(".md"), STR_INIT("text/markdown")},
                 {STR_INIT(".csv"), STR_INIT("text/csv")},
                 {STR_INIT(".html"), STR_INIT("text/html")}};
    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (name.len >= known[i].end.len &&
            str_ieq(str_from(name, name.len - known[i].end.len), known[i].end))
            return known[i].mime;
    return STR("application/pdf");
}

static bool read_file(struct openai_reading *r, uint32_t part, struct block *b,
                      const struct place *at)
{
    uint32_t file = openai_given(r, part, "file");
    str id = openai_decode(r, openai_given(r, file, "file_id"));
    str data = openai_decode(r, openai_given(r, file, "file_data"));
    if (id.len) {
        b->media.source = MEDIA_FILE_ID;
        b->media.format = NATIVE_OPENAI;
        b->media.data = id;
    } else if (!data.len || !media_from_url(r->arena, data, &b->media)) {
        return openai_invalid(r, path_of(r, at, "file.file_data"), "must be base64 or a data URL");
    }
    b->media.name = openai_decode(r, openai_given(r, file, "filename"));
    if (!b->media.mime.len && !id.len)
        b->media.mime = mime_of_name(b->media.name);
    return !r->err;
}

static bool read_text(struct openai_reading *r, uint32_t part, struct block *b,
                      const struct place *at)
{
    const char *member = b->kind == BLOCK_REFUSAL ? "refusal" : "text";
    b->text = raw_of_node(r->doc, openai_given(r, part, member));
    return !str_is_null(b->text.s) || openai_invalid(r, path_of(r, at, member), "must be a string");
}

static bool read_part(struct openai_reading *r, struct turn *t, uint32_t part,
                      const struct place *at)
{
    static const struct {
        const char *type;
        enum block_kind kind;
        bool (*read)(struct openai_reading *r, uint32_t part, struct block *b,
                     const struct place *at);
    } kinds[] = {{"text", BLOCK_TEXT, read_text},
                 {"input_text", BLOCK_TEXT, read_text},
                 {"output_text", BLOCK_TEXT, read_text},
                 {"refusal", BLOCK_REFUSAL, read_text},
                 {"image_url", BLOCK_IMAGE, read_image},
                 {"input_audio", BLOCK_AUDIO, read_audio},
                 {"audio_url", BLOCK_AUDIO, read_audio_url},
                 {"video_url", BLOCK_VIDEO, read_video},
                 {"file", BLOCK_DOCUMENT, read_file}};
    uint32_t type = openai_given(r, part, "type");
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!openai_text_is(r, type, kinds[i].type))
            continue;
        struct block *b = turn_add(r->chat, t, kinds[i].kind);
        if (!b)
            return openai_no_memory(r);
        b->cached = openai_mark(r, part, &b->cache_ttl_s);
        return kinds[i].read(r, part, b, at);
    }
    return openai_invalid(r, path_of(r, at, "type"),
                          "must be one of text, image_url, input_audio, file and refusal");
}

bool openai_read_content(struct openai_reading *r, struct turn *t, uint32_t content, str path)
{
    struct place at = {path, 0};
    if (content == JSON_NONE)
        return true;
    if (json_is(r->doc, content, JSON_STRING)) {
        struct block *b = turn_add(r->chat, t, BLOCK_TEXT);
        if (!b)
            return openai_no_memory(r);
        b->text = raw_of_node(r->doc, content);
        return true;
    }
    if (!json_is(r->doc, content, JSON_ARRAY))
        return openai_invalid(r, openai_path(r, path, "content"),
                              "must be a string or a list of parts");
    JSON_EACH (part, r->doc, content) {
        if (!read_part(r, t, part, &at))
            return false;
        at.part++;
    }
    return true;
}
