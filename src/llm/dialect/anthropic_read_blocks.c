/* Content blocks of requests: what users, assistants and tools say (mapping.md §3 to §5, §18). */
#include "llm/dialect/anthropic_impl.h"
#include "llm/signature.h"

/* Where blocks go: a turn, or the content of a result. */
struct into {
    struct turn *turn;
    struct block **tail;
    str *pending; /* Gemini's signature for the call behind it; NULL: no calls here */
};

struct block_reader {
    const char *type;
    bool (*read)(struct anthropic_reading *r, struct into *to, uint32_t block,
                 const struct anthropic_place *at);
    unsigned places; /* bits of enum place_kind */
};

enum place_kind { IN_USER = 1, IN_ASSISTANT = 2, IN_RESULT = 4, IN_SYSTEM = 8 };

static struct block *add(struct anthropic_reading *r, struct into *to, enum block_kind kind)
{
    struct block *b = to->turn ? turn_add(r->chat, to->turn, kind) : chat_new_block(r->chat, kind);
    if (!b) {
        anthropic_no_memory(r);
        return NULL;
    }
    if (!to->turn) {
        *to->tail = b;
        to->tail = &b->next;
    }
    return b;
}

static bool is(const struct anthropic_reading *r, uint32_t node, const char *text)
{
    return json_is(r->doc, node, JSON_STRING) && json_string_eq(r->doc, node, str_from_c(text));
}

static uint32_t member(const struct anthropic_reading *r, uint32_t object, const char *name)
{
    return json_member(r->doc, object, str_from_c(name));
}

static void take_mark(struct anthropic_reading *r, struct block *b, uint32_t block)
{
    anthropic_read_mark(r, member(r, block, "cache_control"), &b->cached, &b->cache_ttl_s);
}

/* --- Text ------------------------------------------------------------------------------------------------- */

static bool read_citations(struct anthropic_reading *r, struct block *b, uint32_t list)
{
    struct citation **tail = &b->citations;
    if (!json_is(r->doc, list, JSON_ARRAY))
        return true;
    JSON_EACH (one, r->doc, list) {
        struct citation *c = anthropic_read_citation(r->arena, r->doc, one);
        if (!c)
            return anthropic_no_memory(r);
        *tail = c;
        tail = &c->next;
    }
    return true;
}

static bool read_text(struct anthropic_reading *r, struct into *to, uint32_t block,
                      const struct anthropic_place *at)
{
    struct raw text = raw_of_node(r->doc, member(r, block, "text"));
    if (!text.s.ptr)
        return anthropic_fault_at(r, at, "text", "must be a string");
    struct block *b = add(r, to, BLOCK_TEXT);
    if (!b)
        return false;
    b->text = text;
    take_mark(r, b, block);
    return read_citations(r, b, member(r, block, "citations"));
}

/* Adds text behind text, with an escaped line end between. */
static bool append(struct anthropic_reading *r, struct raw *all, struct raw more)
{
    str pieces[] = {all->s, all->s.len && more.s.len ? STR("\\n") : STR(""), more.s};
    if (!more.s.len)
        return true;
    all->s = arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
    return all->s.ptr ? true : anthropic_no_memory(r);
}

/* The text blocks of a list, or a string, as one text.  *other: something else is among them. */
static bool join_texts(struct anthropic_reading *r, uint32_t content, struct raw *out, bool *other)
{
    if (json_is(r->doc, content, JSON_STRING))
        return append(r, out, raw_of_node(r->doc, content));
    JSON_EACH (one, r->doc, content) {
        struct raw text = raw_of_node(r->doc, member(r, one, "text"));
        if (!text.s.ptr)
            *other = true;
        else if (!append(r, out, text))
            return false;
    }
    return true;
}

/* Others have no such block: its title, source and contents become text. */
static bool read_search_result(struct anthropic_reading *r, struct into *to, uint32_t block,
                               const struct anthropic_place *at)
{
    struct raw text = RAW_NULL;
    bool other = false;
    uint32_t citations = anthropic_given(r, block, STR("citations"));
    if (!append(r, &text, raw_of_node(r->doc, member(r, block, "title"))) ||
        !append(r, &text, raw_of_node(r->doc, member(r, block, "source"))) ||
        !join_texts(r, member(r, block, "content"), &text, &other))
        return false;
    if (citations && json_is(r->doc, member(r, citations, "enabled"), JSON_TRUE) &&
        !anthropic_extra_at(r, at, "citations", citations, FIELD_HINT))
        return false;
    struct block *b = add(r, to, BLOCK_TEXT);
    if (!b)
        return false;
    b->text = text;
    take_mark(r, b, block);
    return true;
}

/* A tool that was found by a search: its name is all there is to say where all tools are declared. */
static bool read_tool_reference(struct anthropic_reading *r, struct into *to, uint32_t block,
                                const struct anthropic_place *at)
{
    struct raw name = raw_of_node(r->doc, member(r, block, "tool_name"));
    if (!name.s.ptr)
        return anthropic_fault_at(r, at, "tool_name", "must be a string");
    struct block *b = add(r, to, BLOCK_TEXT);
    if (!b)
        return false;
    b->text = name;
    take_mark(r, b, block);
    return true;
}

/* --- Images and documents --------------------------------------------------------------------------------- */

static bool read_base64(struct anthropic_reading *r, struct media *m, uint32_t source,
                        const struct anthropic_place *at)
{
    m->source = MEDIA_BASE64;
    m->mime = anthropic_decode(r, member(r, source, "media_type"));
    m->data = anthropic_decode(r, member(r, source, "data"));
    if (r->err)
        return false;
    return m->data.len ? true : anthropic_fault_at(r, at, "source.data", "must be base64");
}

static bool read_source(struct anthropic_reading *r, struct media *m, uint32_t source,
                        const struct anthropic_place *at)
{
    uint32_t type = member(r, source, "type");
    m->format = NATIVE_ANTHROPIC;
    if (is(r, type, "base64"))
        return read_base64(r, m, source, at);
    if (is(r, type, "url")) {
        m->source = MEDIA_URL;
        m->data = anthropic_decode(r, member(r, source, "url"));
    } else if (is(r, type, "file")) {
        m->source = MEDIA_FILE_ID;
        m->data = anthropic_decode(r, member(r, source, "file_id"));
    } else if (is(r, type, "text")) {
        m->source = MEDIA_TEXT;
        m->mime = STR("text/plain");
        m->text = raw_of_node(r->doc, member(r, source, "data"));
        m->data = m->text.s;
    } else {
        return anthropic_fault_at(r, at, "source.type", "must be base64, url, file or text");
    }
    bool empty = !m->data.len;
    if (m->source == MEDIA_TEXT)
        m->data = STR_NULL;
    if (r->err || !empty)
        return !r->err;
    return anthropic_fault_at(r, at, "source", "must not be empty");
}

static bool read_image(struct anthropic_reading *r, struct into *to, uint32_t block,
                       const struct anthropic_place *at)
{
    uint32_t sizes = anthropic_given(r, block, STR("transformations"));
    struct block *b = add(r, to, BLOCK_IMAGE);
    if (!b || !read_source(r, &b->media, member(r, block, "source"), at))
        return false;
    if (b->media.source == MEDIA_TEXT)
        return anthropic_fault_at(r, at, "source.type", "must be base64, url or file");
    take_mark(r, b, block);
    return !sizes || anthropic_extra_at(r, at, "transformations", sizes, FIELD_HINT);
}

static bool read_list(struct anthropic_reading *r, struct into *to, uint32_t list, unsigned place,
                      struct anthropic_place at);

/* A document of blocks: text alone is a text document, with images it is what it holds. */
static bool read_content_document(struct anthropic_reading *r, struct into *to, uint32_t content,
                                  const struct anthropic_place *at, struct block **made)
{
    struct raw text = RAW_NULL;
    bool other = false;
    if (!join_texts(r, content, &text, &other))
        return false;
    if (other)
        return read_list(r, to, content, IN_RESULT, *at);
    struct block *b = *made = add(r, to, BLOCK_DOCUMENT);
    if (!b)
        return false;
    b->media.source = MEDIA_TEXT;
    b->media.mime = STR("text/plain");
    b->media.text = text;
    return true;
}

static bool read_document(struct anthropic_reading *r, struct into *to, uint32_t block,
                          const struct anthropic_place *at)
{
    uint32_t source = member(r, block, "source");
    struct block *b = NULL;
    if (is(r, member(r, source, "type"), "content")) {
        if (!read_content_document(r, to, member(r, source, "content"), at, &b))
            return false;
        if (!b)
            return true;
    } else {
        b = add(r, to, BLOCK_DOCUMENT);
        if (!b || !read_source(r, &b->media, source, at))
            return false;
    }
    b->media.name = anthropic_decode(r, member(r, block, "title"));
    b->media.context = raw_of_node(r->doc, member(r, block, "context"));
    b->media.citations =
        json_is(r->doc, member(r, member(r, block, "citations"), "enabled"), JSON_TRUE);
    take_mark(r, b, block);
    return !r->err;
}

/* --- Calls and results -------------------------------------------------------------------------------------- */

static bool read_call(struct anthropic_reading *r, struct into *to, uint32_t block,
                      const struct anthropic_place *at)
{
    uint32_t input = anthropic_given(r, block, STR("input"));
    struct block *b = add(r, to, BLOCK_CALL);
    if (!b)
        return false;
    b->call.id = anthropic_decode(r, member(r, block, "id"));
    b->call.name = anthropic_decode(r, member(r, block, "name"));
    b->call.arguments = json_raw(r->doc, input);
    b->call.signature = *to->pending;
    *to->pending = STR_NULL;
    take_mark(r, b, block);
    if (r->err)
        return false;
    if (!b->call.name.len)
        return anthropic_fault_at(r, at, "name", "must be the name of a tool");
    if (input && !json_is(r->doc, input, JSON_OBJECT))
        return anthropic_fault_at(r, at, "input", "must be an object");
    return input || chat_set_arguments(r->chat, &b->call, STR("")) || anthropic_no_memory(r);
}

static bool read_result(struct anthropic_reading *r, struct into *to, uint32_t block,
                        const struct anthropic_place *at)
{
    uint32_t content = anthropic_given(r, block, STR("content"));
    struct block *b = add(r, to, BLOCK_RESULT);
    if (!b)
        return false;
    struct tool_result *result = &b->result;
    struct into inside = {.tail = &result->content};
    result->call_id = anthropic_decode(r, member(r, block, "tool_use_id"));
    result->is_error = json_is(r->doc, member(r, block, "is_error"), JSON_TRUE);
    take_mark(r, b, block);
    if (r->err)
        return false;
    if (!result->call_id.len)
        return anthropic_fault_at(r, at, "tool_use_id", "must be the id of a call");
    if (json_is(r->doc, content, JSON_STRING)) {
        struct block *text = add(r, &inside, BLOCK_TEXT);
        if (text)
            text->text = raw_of_node(r->doc, content);
        return text != NULL;
    }
    if (content && !json_is(r->doc, content, JSON_ARRAY))
        return anthropic_fault_at(r, at, "content", "must be a string or an array of blocks");
    return !content || read_list(r, &inside, content, IN_RESULT, *at);
}

/* --- Reasoning ---------------------------------------------------------------------------------------------- */

/* A thinking block without text in front of a call may carry the call's own signature. */
static bool is_for_the_call(const struct anthropic_reading *r, const struct reasoning *made,
                            uint32_t next)
{
    return made->format == NATIVE_GEMINI && !made->text.s.len && next != JSON_NONE &&
           is(r, member(r, next, "type"), "tool_use");
}

static bool read_thinking(struct anthropic_reading *r, struct into *to, uint32_t block,
                          uint32_t next)
{
    struct reasoning made = {.text = raw_of_node(r->doc, member(r, block, "thinking"))};
    str signature = anthropic_decode(r, member(r, block, "signature"));
    if (signature.len)
        made.format = signature_unwrap(r->arena, NATIVE_ANTHROPIC, signature, &made.signature);
    if (r->err)
        return false;
    if (signature.len && str_is_null(made.signature))
        return anthropic_no_memory(r);
    if (is_for_the_call(r, &made, next)) {
        *to->pending = made.signature;
        return true;
    }
    struct block *b = add(r, to, BLOCK_REASONING);
    if (b)
        b->reasoning = made;
    return b != NULL;
}

/* What another format's reasoning says (summary) and hides (encrypted) was one thing there. */
static bool read_redacted(struct anthropic_reading *r, struct into *to, uint32_t block)
{
    str opaque, data = anthropic_decode(r, member(r, block, "data"));
    if (r->err || !data.len)
        return !r->err;
    enum native_format format = signature_unwrap(r->arena, NATIVE_ANTHROPIC, data, &opaque);
    if (str_is_null(opaque))
        return anthropic_no_memory(r);
    struct block *last = to->turn->last;
    if (format == NATIVE_ANTHROPIC || !last || last->kind != BLOCK_REASONING ||
        last->reasoning.format != NATIVE_NONE)
        last = add(r, to, BLOCK_REASONING);
    if (!last)
        return false;
    last->reasoning.encrypted = opaque;
    last->reasoning.format = format;
    return true;
}

/* --- All blocks ---------------------------------------------------------------------------------------------- */

/* Server tools, their results, and what this version has not heard of. */
static bool read_native(struct anthropic_reading *r, struct into *to, uint32_t block)
{
    struct block *b = add(r, to, BLOCK_NATIVE);
    if (!b)
        return false;
    b->native = (struct native_block){.format = NATIVE_ANTHROPIC,
                                      .type = anthropic_decode(r, member(r, block, "type")),
                                      .json = json_raw(r->doc, block)};
    return !r->err;
}

static const struct block_reader readers[] = {
    {"text", read_text, IN_USER | IN_ASSISTANT | IN_RESULT | IN_SYSTEM},
    {"tool_use", read_call, IN_ASSISTANT},
    {"tool_result", read_result, IN_USER},
    {"image", read_image, IN_USER | IN_RESULT},
    {"document", read_document, IN_USER | IN_RESULT | IN_ASSISTANT},
    {"search_result", read_search_result, IN_USER | IN_RESULT},
    {"tool_reference", read_tool_reference, IN_RESULT},
};

static bool read_block(struct anthropic_reading *r, struct into *to, uint32_t block, uint32_t next,
                       unsigned place, const struct anthropic_place *at)
{
    uint32_t type = member(r, block, "type");
    if (!json_is(r->doc, block, JSON_OBJECT) || !json_is(r->doc, type, JSON_STRING))
        return anthropic_fault_at(r, at, "type", "must name the kind of block");
    for (unsigned i = 0; i < ARRAY_LEN(readers); i++) {
        if (!is(r, type, readers[i].type))
            continue;
        if (!(readers[i].places & place))
            return anthropic_fault_at(r, at, "type", "is not allowed in a message of this role");
        return readers[i].read(r, to, block, at);
    }
    bool thinks = is(r, type, "thinking"), hides = is(r, type, "redacted_thinking");
    if ((thinks || hides) && place != IN_ASSISTANT)
        return anthropic_fault_at(r, at, "type", "is not allowed in a message of this role");
    if (thinks)
        return read_thinking(r, to, block, next);
    return hides ? read_redacted(r, to, block) : read_native(r, to, block);
}

static bool read_list(struct anthropic_reading *r, struct into *to, uint32_t list, unsigned place,
                      struct anthropic_place at)
{
    int *count = at.block >= 0 ? &at.inner : &at.block;
    JSON_EACH (block, r->doc, list) {
        ++*count;
        if (!read_block(r, to, block, json_next(r->doc, list, block), place, &at))
            return false;
    }
    return true;
}

bool anthropic_read_content(struct anthropic_reading *r, struct turn *t, uint32_t content,
                            struct anthropic_place at)
{
    static const unsigned places[] = {
        [ROLE_SYSTEM] = IN_SYSTEM, [ROLE_USER] = IN_USER, [ROLE_ASSISTANT] = IN_ASSISTANT};
    str pending = STR_NULL;
    struct into to = {.turn = t, .pending = &pending};
    if (json_is(r->doc, content, JSON_ARRAY))
        return read_list(r, &to, content, places[t->role], at);
    if (!json_is(r->doc, content, JSON_STRING))
        return anthropic_fault_at(r, &at, "content", "must be a string or an array of blocks");
    struct block *b = add(r, &to, BLOCK_TEXT);
    if (b)
        b->text = raw_of_node(r->doc, content);
    return b != NULL;
}
