/* Images, audio, video and documents: by format, not by MIME type, and as bytes or from S3. */
#include "llm/dialect/bedrock_impl.h"

enum { NAME_MAX_LEN = 200 };

struct media_format {
    const char *mime, *format;
};

static const struct media_format image_formats[] = {{"image/png", "png"},   {"image/jpeg", "jpeg"},
                                                    {"image/jpg", "jpeg"},  {"image/gif", "gif"},
                                                    {"image/webp", "webp"}, {0}};

static const struct media_format audio_formats[] = {
    {"audio/mp3", "mp3"},        {"audio/mpeg", "mp3"},
    {"audio/wav", "wav"},        {"audio/x-wav", "wav"},
    {"audio/wave", "wav"},       {"audio/flac", "flac"},
    {"audio/x-flac", "flac"},    {"audio/aac", "aac"},
    {"audio/x-aac", "x-aac"},    {"audio/m4a", "m4a"},
    {"audio/x-m4a", "m4a"},      {"audio/mka", "mka"},
    {"audio/x-matroska", "mka"}, {"audio/mp4", "mp4"},
    {"audio/ogg", "ogg"},        {"audio/opus", "opus"},
    {"audio/pcm", "pcm"},        {"audio/pcm16", "pcm"},
    {"audio/webm", "webm"},      {0}};

static const struct media_format video_formats[] = {
    {"video/mp4", "mp4"},       {"video/quicktime", "mov"},
    {"video/mov", "mov"},       {"video/x-matroska", "mkv"},
    {"video/mkv", "mkv"},       {"video/webm", "webm"},
    {"video/flv", "flv"},       {"video/x-flv", "flv"},
    {"video/mpeg", "mpeg"},     {"video/mpg", "mpg"},
    {"video/wmv", "wmv"},       {"video/x-ms-wmv", "wmv"},
    {"video/3gpp", "three_gp"}, {0}};

static const struct media_format document_formats[] = {
    {"application/pdf", "pdf"},
    {"text/csv", "csv"},
    {"application/csv", "csv"},
    {"application/msword", "doc"},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"},
    {"application/vnd.ms-excel", "xls"},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
    {"text/html", "html"},
    {"text/markdown", "md"},
    {"text/x-markdown", "md"},
    {"text/plain", "txt"},
    {0}};

/* Of each kind of block: its member, its formats, what a model needs, and for whom nobody knows. */
static const struct media_kind {
    const char *member;
    const struct media_format *formats;
    enum model_ability ability;
    const char *unable;
} kinds[] = {
    [BLOCK_IMAGE] = {"image", image_formats, MODEL_VISION, "the model takes no images"},
    [BLOCK_AUDIO] = {"audio", audio_formats, MODEL_AUDIO, "the model takes no audio"},
    [BLOCK_VIDEO] = {"video", video_formats, MODEL_VIDEO, "the model takes no video"},
    [BLOCK_DOCUMENT] = {"document", document_formats, MODEL_ABILITY_COUNT, NULL},
};

static const char *find_mime(const struct media_format *f, str mime)
{
    for (; f->mime; f++)
        if (str_ieq(mime, str_from_c(f->mime)))
            return f->format;
    return NULL;
}

/* By the end of the file's name. */
static const char *find_ending(const struct media_format *f, str name)
{
    str ending = STR_NULL;
    while (!str_is_null(name))
        ending = str_split(&name, '.');
    for (; f->mime; f++)
        if (str_ieq(ending, str_from_c(f->format)))
            return f->format;
    return NULL;
}

static const char *format_of(const struct media_kind *k, const struct media *m)
{
    str mime = m->mime;
    const char *format = NULL;
    if (mime.len == 0 && m->source == MEDIA_BASE64)
        mime = media_sniff(m->data);
    if (mime.len)
        format = find_mime(k->formats, mime);
    if (!format && m->name.len)
        format = find_ending(k->formats, m->name);
    if (!format && m->source == MEDIA_URL)
        format = find_ending(k->formats, m->data);
    if (!format && k->formats == document_formats &&
        (m->source == MEDIA_TEXT || str_starts(mime, STR("text/"))))
        format = "txt";
    return format;
}

const char *bedrock_media_objection(const struct bedrock_writing *w, const struct block *b)
{
    const struct media_kind *k = &kinds[b->kind];
    const struct media *m = &b->media;
    if (k->unable && !model_can(w->target->facts, k->ability))
        return k->unable;
    if (m->source == MEDIA_FILE_ID)
        return "Bedrock has no files to refer to";
    if (m->source == MEDIA_URL && !str_starts(m->data, STR("s3://")))
        return "Bedrock fetches nothing by address but from s3://";
    if (m->source == MEDIA_TEXT && b->kind != BLOCK_DOCUMENT)
        return "only documents can be plain text";
    return format_of(k, m) ? NULL : "Bedrock does not take this media type";
}

/* --- Names of documents ----------------------------------------------------------------------- */

static bool name_may_have(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ' ' ||
           c == '-' || c == '(' || c == ')' || c == '[' || c == ']';
}

/* Letters and digits, single blanks, "-()[]"; everything else becomes a blank.  Without its
 * ending, which is the format's.  Null str: no memory. */
static str clean_name(struct arena *a, str name)
{
    char *out = arena_alloc(a, NAME_MAX_LEN);
    size_t len = 0;
    if (!out)
        return STR_NULL;
    for (size_t i = 0; i < name.len && len < NAME_MAX_LEN - 8; i++) {
        char c = name_may_have(name.ptr[i]) ? name.ptr[i] : ' ';
        if (c != ' ' || (len && out[len - 1] != ' '))
            out[len++] = c;
    }
    while (len && out[len - 1] == ' ')
        len--;
    return str_make(out, len);
}

static str without_ending(str name)
{
    for (size_t i = name.len; i-- > 1;)
        if (name.ptr[i] == '.')
            return find_ending(document_formats, name) ? str_first(name, i) : name;
    return name;
}

static bool is_taken(const struct bedrock_writing *w, str name)
{
    for (const struct name_list *n = w->documents; n; n = n->next)
        if (str_eq(n->name, name))
            return true;
    return false;
}

/* No two in a request are the same; the same request gets the same names.  Null str: no memory. */
static str document_name(struct bedrock_writing *w, str given)
{
    str base = clean_name(w->arena, without_ending(given));
    if (str_is_null(base))
        return base;
    if (base.len == 0)
        base = STR("document");
    str name = base;
    for (unsigned i = 2; is_taken(w, name) && !str_is_null(name); i++)
        name = arena_printf(w->arena, "%.*s %u", STR_ARG(base), i);
    struct name_list *n = arena_alloc(w->arena, sizeof(*n));
    if (!n || str_is_null(name))
        return STR_NULL;
    *n = (struct name_list){.next = w->documents, .name = name};
    w->documents = n;
    return name;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void write_source(struct bedrock_writing *w, const struct media *m)
{
    struct json_write *j = &w->json;
    json_write_key(j, STR("source"));
    json_write_object(j);
    if (m->source == MEDIA_TEXT) {
        json_write_member_raw_string(j, STR("text"), m->text);
    } else if (m->source == MEDIA_URL) {
        json_write_key(j, STR("s3Location"));
        json_write_object(j);
        json_write_member(j, STR("uri"), m->data);
        json_write_object_end(j);
    } else {
        json_write_member(j, STR("bytes"), m->data);
    }
    json_write_object_end(j);
}

static void write_document_members(struct bedrock_writing *w, const struct media *m)
{
    struct json_write *j = &w->json;
    str name = document_name(w, m->name);
    if (str_is_null(name)) {
        j->out->failed = true;
        return;
    }
    json_write_member(j, STR("name"), name);
    json_write_member_raw_string(j, STR("context"), m->context);
    if (!m->citations)
        return;
    json_write_key(j, STR("citations"));
    json_write_object(j);
    json_write_key(j, STR("enabled"));
    json_write_bool(j, true);
    json_write_object_end(j);
}

void bedrock_write_media(struct bedrock_writing *w, const struct block *b)
{
    struct json_write *j = &w->json;
    const struct media_kind *k = &kinds[b->kind];
    json_write_object(j);
    json_write_key(j, str_from_c(k->member));
    json_write_object(j);
    json_write_member(j, STR("format"), str_from_c(format_of(k, &b->media)));
    if (b->kind == BLOCK_DOCUMENT)
        write_document_members(w, &b->media);
    write_source(w, &b->media);
    json_write_object_end(j);
    json_write_object_end(j);
}
