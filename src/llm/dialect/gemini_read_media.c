/* inlineData and fileData as media. */
#include "base/base64.h"
#include "llm/dialect/gemini_reading.h"

static enum block_kind kind_of_mime(str mime)
{
    if (str_istarts(mime, STR("image/")))
        return BLOCK_IMAGE;
    if (str_istarts(mime, STR("audio/")))
        return BLOCK_AUDIO;
    if (str_istarts(mime, STR("video/")))
        return BLOCK_VIDEO;
    return BLOCK_DOCUMENT;
}

/* For addresses without a type. */
static enum block_kind kind_of_address(str address)
{
    static const struct {
        str end;
        enum block_kind kind;
    } ends[] = {
        {STR_INIT(".png"), BLOCK_IMAGE},  {STR_INIT(".jpg"), BLOCK_IMAGE},
        {STR_INIT(".jpeg"), BLOCK_IMAGE}, {STR_INIT(".webp"), BLOCK_IMAGE},
        {STR_INIT(".gif"), BLOCK_IMAGE},  {STR_INIT(".heic"), BLOCK_IMAGE},
        {STR_INIT(".mp3"), BLOCK_AUDIO},  {STR_INIT(".wav"), BLOCK_AUDIO},
        {STR_INIT(".flac"), BLOCK_AUDIO}, {STR_INIT(".ogg"), BLOCK_AUDIO},
        {STR_INIT(".mp4"), BLOCK_VIDEO},  {STR_INIT(".mov"), BLOCK_VIDEO},
        {STR_INIT(".webm"), BLOCK_VIDEO},
    };
    static const str videos[] = {STR_INIT("https://www.youtube.com/"),
                                 STR_INIT("https://youtube.com/"), STR_INIT("https://youtu.be/")};
    for (unsigned i = 0; i < ARRAY_LEN(videos); i++)
        if (str_istarts(address, videos[i]))
            return BLOCK_VIDEO;
    for (unsigned i = 0; i < ARRAY_LEN(ends); i++)
        if (address.len >= ends[i].end.len &&
            str_ieq(str_from(address, address.len - ends[i].end.len), ends[i].end))
            return ends[i].kind;
    return BLOCK_DOCUMENT;
}

/* Lower case, without parameters. */
static str plain_mime(struct gemini_reading *g, str mime)
{
    ptrdiff_t end = str_find_byte(mime, ';');
    str name = str_trim(end < 0 ? mime : str_first(mime, (size_t)end));
    str copy = arena_str(g->arena, name);
    if (str_is_null(copy))
        return copy;
    char *text = (char *)(uintptr_t)copy.ptr;
    for (size_t i = 0; i < copy.len; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] - 'A' + 'a');
    return copy;
}

/* Bytes of proto JSON may use the alphabet of URLs and leave the padding out. */
static bool standard_base64(struct gemini_reading *g, str text, str *out)
{
    bool plain = text.len % 4 == 0 && str_find_byte(text, '-') < 0 && str_find_byte(text, '_') < 0;
    *out = text;
    if (plain)
        return true;
    char *copy = arena_alloc(g->arena, text.len + 3);
    size_t len = 0;
    if (!copy)
        return gemini_no_memory(g);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '=')
            continue;
        copy[len++] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    while (len % 4)
        copy[len++] = '=';
    *out = str_make(copy, len);
    return true;
}

/* Documents that are plain text are given as what they say. */
static bool take_plain_text(struct gemini_reading *g, struct media *m)
{
    char *bytes = arena_alloc(g->arena, base64_decoded_max(m->data));
    size_t len;
    if (!bytes)
        return gemini_no_memory(g);
    if (!base64_decode(m->data, bytes, &len))
        return true; /* the provider will say what is wrong */
    m->source = MEDIA_TEXT;
    m->text = raw_of_text(g->arena, str_make(bytes, len));
    m->data = STR_NULL;
    return !str_is_null(m->text.s) || gemini_no_memory(g);
}

static bool read_inline(struct gemini_reading *g, uint32_t value, struct block *b, str at)
{
    str mime = gemini_text(g, value, STR("mimeType"), at);
    str data = gemini_text(g, value, STR("data"), at);
    if (g->err)
        return false;
    if (!mime.len)
        return gemini_fault(g, gemini_path(g, at, "mimeType"), "is needed");
    struct media m = {.source = MEDIA_BASE64,
                      .mime = plain_mime(g, mime),
                      .name = gemini_text(g, value, STR("displayName"), at)};
    if (g->err || !standard_base64(g, data.len ? data : STR(""), &m.data))
        return false;
    b->kind = kind_of_mime(mime);
    if (str_starts(m.mime, STR("text/")) && !take_plain_text(g, &m))
        return false;
    b->media = m;
    return !str_is_null(m.mime) || gemini_no_memory(g);
}

static bool read_file(struct gemini_reading *g, uint32_t value, struct block *b, str at)
{
    str mime = gemini_text(g, value, STR("mimeType"), at);
    str uri = gemini_text(g, value, STR("fileUri"), at);
    if (g->err)
        return false;
    if (!uri.len)
        return gemini_fault(g, gemini_path(g, at, "fileUri"), "is needed");
    bool is_own = str_find(uri, STR("generativelanguage.googleapis.com/")) >= 0 ||
                  str_starts(uri, STR("files/"));
    b->kind = mime.len ? kind_of_mime(mime) : kind_of_address(uri);
    b->media = (struct media){
        .source = is_own ? MEDIA_FILE_ID : MEDIA_URL,
        .format = is_own ? NATIVE_GEMINI : NATIVE_NONE,
        .mime = mime.len ? plain_mime(g, mime) : STR_NULL,
        .data = uri,
        .name = gemini_text(g, value, STR("displayName"), at),
    };
    return g->err == ERR_NONE;
}

static enum media_detail detail_of(str level)
{
    if (str_ends(level, STR("_LOW")))
        return DETAIL_LOW;
    if (str_ends(level, STR("_HIGH")))
        return DETAIL_HIGH;
    return level.len ? DETAIL_AUTO : DETAIL_UNSET;
}

bool gemini_read_media(struct gemini_reading *g, uint32_t part, struct block *b, str path)
{
    uint32_t data = gemini_given(g, part, STR("inlineData"));
    uint32_t file = gemini_given(g, part, STR("fileData"));
    str at = gemini_path(g, path, data ? "inlineData" : "fileData");
    if (!json_is(g->doc, data ? data : file, JSON_OBJECT))
        return gemini_fault(g, at, "must be an object");
    if (data ? !read_inline(g, data, b, at) : !read_file(g, file, b, at))
        return false;
    uint32_t resolution = gemini_given(g, part, STR("mediaResolution"));
    str level = gemini_text(g, resolution, STR("level"), path);
    b->media.detail = detail_of(level);
    return g->err == ERR_NONE;
}
