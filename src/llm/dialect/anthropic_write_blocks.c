/* Blocks of requests to Anthropic (mapping.md §3 to §5). */
#include "base/base64.h"
#include "llm/dialect/anthropic_impl.h"

static void begin(struct anthropic_writing *w, str type)
{
    json_write_object(&w->json);
    json_write_member(&w->json, STR("type"), type);
}

static void end(struct anthropic_writing *w, const struct block *b)
{
    anthropic_write_mark(w, anthropic_block_is_marked(b), b->cache_ttl_s);
    json_write_object_end(&w->json);
}

static void refuse(struct anthropic_writing *w, const char *field, const char *why)
{
    unsupported_field(w->unsupported, FIELD_MEANING, str_from_c(field), why);
}

/* --- Text --------------------------------------------------------------------------------------------------- */

void anthropic_write_text_block(struct anthropic_writing *w, struct raw text, bool cached,
                                unsigned ttl_s)
{
    begin(w, STR("text"));
    json_write_member_raw_string(&w->json, STR("text"), text);
    anthropic_write_mark(w, cached, ttl_s);
    json_write_object_end(&w->json);
}

/* Whether the last byte is not itself escaped: an even number of backslashes in front of it. */
static bool is_plain_at(str s, size_t at)
{
    size_t slashes = 0;
    while (slashes < at && s.ptr[at - 1 - slashes] == '\\')
        slashes++;
    return slashes % 2 == 0;
}

struct raw anthropic_trim_end(struct raw text)
{
    str s = text.s;
    for (;;) {
        if (s.len && s.ptr[s.len - 1] == ' ')
            s.len--;
        else if (s.len >= 2 && strchr("nrt", s.ptr[s.len - 1]) && s.ptr[s.len - 2] == '\\' &&
                 is_plain_at(s, s.len - 2))
            s.len -= 2;
        else
            return (struct raw){s};
    }
}

/* Assistants keep the citations that this API made. */
static void write_text(struct anthropic_writing *w, const struct block *b, bool last)
{
    bool prefill = last && w->prefill;
    begin(w, STR("text"));
    json_write_member_raw_string(&w->json, STR("text"),
                                 prefill ? anthropic_trim_end(b->text) : b->text);
    end(w, b);
}

/* --- Images and documents ----------------------------------------------------------------------------------- */

static void write_source(struct anthropic_writing *w, str type, str mime, str key, str data)
{
    json_write_key(&w->json, STR("source"));
    begin(w, type);
    if (mime.len)
        json_write_member(&w->json, STR("media_type"), mime);
    json_write_member(&w->json, key, data);
    json_write_object_end(&w->json);
}

static str image_type(const struct media *m)
{
    static const str known[] = {STR_INIT("image/jpeg"), STR_INIT("image/png"),
                                STR_INIT("image/gif"), STR_INIT("image/webp")};
    str mime = m->mime.len ? m->mime : media_sniff(m->data);
    if (str_eq(mime, STR("image/jpg")))
        return known[0];
    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(mime, known[i]))
            return known[i];
    return STR_NULL;
}

/* What is neither bytes nor text, for images and documents.  False: it cannot be sent. */
static bool write_reference(struct anthropic_writing *w, const struct block *b, str type,
                            const char *field)
{
    const struct media *m = &b->media;
    if (m->source == MEDIA_URL && !str_istarts(m->data, STR("https://"))) {
        refuse(w, field, "Anthropic takes addresses of https only");
        return false;
    }
    if (m->source == MEDIA_FILE_ID && m->format != NATIVE_ANTHROPIC) {
        refuse(w, field, "the file is kept by another provider");
        return false;
    }
    begin(w, type);
    if (m->source == MEDIA_URL)
        write_source(w, STR("url"), STR_NULL, STR("url"), m->data);
    else
        write_source(w, STR("file"), STR_NULL, STR("file_id"), m->data);
    return true;
}

static bool is_pdf(const struct media *m)
{
    if (m->mime.len)
        return str_eq(m->mime, STR("application/pdf"));
    return str_eq(media_sniff(m->data), STR("application/pdf")) ||
           (m->name.len > 4 && str_ieq(str_from(m->name, m->name.len - 4), STR(".pdf")));
}

static void write_document_rest(struct anthropic_writing *w, const struct block *b)
{
    const struct media *m = &b->media;
    if (m->name.len)
        json_write_member(&w->json, STR("title"), m->name);
    json_write_member_raw_string(&w->json, STR("context"), m->context);
    if (m->citations && w->schema_native) {
        unsupported_field(w->unsupported, FIELD_HINT, STR("citations"),
                          "not together with structured output");
    } else if (m->citations) {
        json_write_key(&w->json, STR("citations"));
        json_write_object(&w->json);
        json_write_key(&w->json, STR("enabled"));
        json_write_bool(&w->json, true);
        json_write_object_end(&w->json);
    }
    end(w, b);
}

/* A text in base64: the document's source is the text itself. */
static void write_decoded_text(struct anthropic_writing *w, const struct block *b)
{
    const struct media *m = &b->media;
    size_t len;
    char *text = arena_alloc(w->arena, base64_decoded_max(m->data));
    if (!text) {
        w->json.out->failed = true;
        return;
    }
    if (!base64_decode(m->data, text, &len)) {
        refuse(w, "file", "its data are not base64");
        return;
    }
    begin(w, STR("document"));
    write_source(w, STR("text"), STR("text/plain"), STR("data"), str_make(text, len));
    write_document_rest(w, b);
}

static void write_raw_text(struct anthropic_writing *w, const struct block *b)
{
    begin(w, STR("document"));
    json_write_key(&w->json, STR("source"));
    begin(w, STR("text"));
    json_write_member(&w->json, STR("media_type"), STR("text/plain"));
    json_write_key(&w->json, STR("data"));
    json_write_raw_string(&w->json, b->media.text.s);
    json_write_object_end(&w->json);
    write_document_rest(w, b);
}

static bool is_text(str mime)
{
    return str_starts(mime, STR("text/")) || str_eq(mime, STR("application/json")) ||
           str_eq(mime, STR("application/xml"));
}

static void write_document(struct anthropic_writing *w, const struct block *b)
{
    const struct media *m = &b->media;
    if (m->source == MEDIA_TEXT) {
        write_raw_text(w, b);
    } else if (m->source != MEDIA_BASE64) {
        if (write_reference(w, b, STR("document"), "file"))
            write_document_rest(w, b);
    } else if (is_pdf(m)) {
        begin(w, STR("document"));
        write_source(w, STR("base64"), STR("application/pdf"), STR("data"), m->data);
        write_document_rest(w, b);
    } else if (is_text(m->mime)) {
        write_decoded_text(w, b);
    } else {
        refuse(w, "file", "Anthropic takes PDF and text documents");
    }
}

static void write_image(struct anthropic_writing *w, const struct block *b)
{
    const struct media *m = &b->media;
    str mime = image_type(m);
    if (m->detail != DETAIL_UNSET && m->detail != DETAIL_AUTO)
        unsupported_field(w->unsupported, FIELD_HINT, STR("detail"), "");
    if (!anthropic_can(w, MODEL_VISION)) {
        refuse(w, "image", "the model does not take images");
    } else if (m->source != MEDIA_BASE64) {
        if (write_reference(w, b, STR("image"), "image"))
            end(w, b);
    } else if (is_pdf(m)) {
        write_document(w, b);
    } else if (!mime.len) {
        refuse(w, "image", "Anthropic takes images of type jpeg, png, gif and webp");
    } else {
        begin(w, STR("image"));
        write_source(w, STR("base64"), mime, STR("data"), m->data);
        end(w, b);
    }
}

/* --- Calls and results --------------------------------------------------------------------------------------- */

static str legal_id(struct anthropic_writing *w, str id)
{
    str legal = name_legal(w->arena, &id_rule_anthropic, id);
    if (str_is_null(legal))
        w->json.out->failed = true;
    return legal;
}

static void write_call(struct anthropic_writing *w, const struct block *b)
{
    str name = name_legal(w->arena, &name_rule_openai, b->call.name);
    str input = chat_call_object(w->arena, &b->call);
    if (str_is_null(name) || str_is_null(input)) {
        w->json.out->failed = true;
        return;
    }
    if (b->call.is_raw)
        unsupported_note(w->unsupported, STR("tool arguments (sent as _raw)"));
    begin(w, STR("tool_use"));
    json_write_member(&w->json, STR("id"), legal_id(w, b->call.id));
    json_write_member(&w->json, STR("name"), name);
    json_write_member_raw(&w->json, STR("input"), input);
    end(w, b);
}

static void write_result_content(struct anthropic_writing *w, const struct block *content)
{
    json_write_key(&w->json, STR("content"));
    if (content->kind == BLOCK_TEXT && !content->next) {
        json_write_raw_string(&w->json, content->text.s);
        return;
    }
    json_write_array(&w->json);
    for (const struct block *b = content; b; b = b->next) {
        struct block plain = *b;
        plain.cached = false; /* the result's own mark stands for them */
        if (anthropic_block_is_written(b))
            anthropic_write_block(w, &plain, false);
    }
    json_write_array_end(&w->json);
}

static bool says_anything(const struct block *content)
{
    for (; content; content = content->next)
        if (anthropic_block_is_written(content))
            return true;
    return false;
}

static void write_result(struct anthropic_writing *w, const struct block *b)
{
    const struct tool_result *r = &b->result;
    begin(w, STR("tool_result"));
    json_write_member(&w->json, STR("tool_use_id"), legal_id(w, r->call_id));
    if (says_anything(r->content))
        write_result_content(w, r->content);
    if (r->is_error) {
        json_write_key(&w->json, STR("is_error"));
        json_write_bool(&w->json, true);
    }
    end(w, b);
}

/* --- Reasoning ------------------------------------------------------------------------------------------------- */

/* Only what this vendor signed comes back: another's, or unsigned, would be refused. */
static void write_reasoning(struct anthropic_writing *w, const struct block *b)
{
    const struct reasoning *r = &b->reasoning;
    if (r->signature.len) {
        begin(w, STR("thinking"));
        json_write_key(&w->json, STR("thinking"));
        json_write_raw_string(&w->json, r->text.s);
        json_write_member(&w->json, STR("signature"), r->signature);
        json_write_object_end(&w->json);
    }
    if (r->encrypted.len) {
        begin(w, STR("redacted_thinking"));
        json_write_member(&w->json, STR("data"), r->encrypted);
        json_write_object_end(&w->json);
    }
}

/* --- All blocks ------------------------------------------------------------------------------------------------- */

bool anthropic_block_is_written(const struct block *b)
{
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        return !raw_is_blank(b->text);
    case BLOCK_REASONING:
        return b->reasoning.format == NATIVE_ANTHROPIC &&
               (b->reasoning.signature.len || b->reasoning.encrypted.len);
    case BLOCK_NATIVE:
        return b->native.format == NATIVE_ANTHROPIC;
    case BLOCK_DOCUMENT:
        return b->media.source != MEDIA_TEXT || !raw_is_blank(b->media.text);
    case BLOCK_IMAGE:
    case BLOCK_AUDIO:
    case BLOCK_VIDEO:
    case BLOCK_CALL:
    case BLOCK_RESULT:
        break;
    }
    return true;
}

bool anthropic_block_is_marked(const struct block *b)
{
    if (b->kind == BLOCK_REASONING || b->kind == BLOCK_NATIVE)
        return false;
    if (b->kind == BLOCK_RESULT)
        for (const struct block *in = b->result.content; in; in = in->next)
            if (in->cached)
                return true;
    return b->cached;
}

void anthropic_write_block(struct anthropic_writing *w, const struct block *b, bool last)
{
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        write_text(w, b, last);
        break;
    case BLOCK_IMAGE:
        write_image(w, b);
        break;
    case BLOCK_AUDIO:
        refuse(w, "input_audio", "Anthropic does not take audio");
        break;
    case BLOCK_VIDEO:
        refuse(w, "video", "Anthropic does not take video");
        break;
    case BLOCK_DOCUMENT:
        write_document(w, b);
        break;
    case BLOCK_CALL:
        write_call(w, b);
        break;
    case BLOCK_RESULT:
        write_result(w, b);
        break;
    case BLOCK_REASONING:
        write_reasoning(w, b);
        break;
    case BLOCK_NATIVE:
        json_write_raw(&w->json, b->native.json);
        break;
    }
}
