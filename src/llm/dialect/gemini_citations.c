/* Where an answer's words come from, and how likely they were, in neutral events. */
#include "llm/dialect/gemini_impl.h"

static struct raw raw_member(const struct json_doc *doc, uint32_t object, str name)
{
    return raw_of_node(doc, gemini_member(doc, object, name));
}

static int64_t offset(const struct json_doc *doc, uint32_t object, str name, int64_t otherwise)
{
    uint32_t node = gemini_member(doc, object, name);
    int64_t value;
    if (!json_is(doc, node, JSON_NUMBER) || !json_to_i64(json_raw(doc, node), &value) || value < 0)
        return otherwise;
    return value;
}

/* Offsets are bytes; an end of none means that they are unknown. */
static void set_place(struct citation *c, const struct json_doc *doc, uint32_t object, bool ascii)
{
    int64_t end = offset(doc, object, STR("endIndex"), -1);
    c->start = c->end = -1;
    if (!ascii || end < 0)
        return;
    c->start = offset(doc, object, STR("startIndex"), 0); /* zero is left out */
    c->end = end;
}

static void emit(struct answer_reader *r, const struct citation *c, unsigned choice)
{
    if (str_is_null(c->url.s))
        return;
    struct chat_event ev = {.kind = CHAT_CITATION, .choice = choice, .citation = c};
    chat_emit(&r->to, &ev);
}

/* citationSources (Developer API) or citations (Vertex): what the answer quotes. */
static void read_quotes(struct answer_reader *r, const struct json_doc *doc, uint32_t metadata,
                        unsigned choice, bool ascii)
{
    uint32_t list = gemini_member(doc, metadata, STR("citationSources"));
    if (list == JSON_NONE)
        list = gemini_member(doc, metadata, STR("citations"));
    if (!json_is(doc, list, JSON_ARRAY))
        return;
    JSON_EACH (one, doc, list) {
        struct citation c = {.format = NATIVE_GEMINI, .json = json_raw(doc, one)};
        c.url = raw_member(doc, one, STR("uri"));
        c.title = raw_member(doc, one, STR("title"));
        set_place(&c, doc, one, ascii);
        emit(r, &c, choice);
    }
}

static uint32_t chunk_at(const struct json_doc *doc, uint32_t chunks, uint32_t index)
{
    int64_t n;
    if (!json_is(doc, index, JSON_NUMBER) || !json_to_i64(json_raw(doc, index), &n) || n < 0)
        return JSON_NONE;
    JSON_EACH (chunk, doc, chunks)
        if (n-- == 0)
            return chunk;
    return JSON_NONE;
}

/* The member that has the address: web, maps, retrievedContext; images have it by another name. */
static uint32_t source_of(const struct json_doc *doc, uint32_t chunk)
{
    static const str kinds[] = {STR_INIT("web"), STR_INIT("maps"), STR_INIT("retrievedContext"),
                                STR_INIT("image")};
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        uint32_t source = gemini_member(doc, chunk, kinds[i]);
        if (source != JSON_NONE)
            return source;
    }
    return JSON_NONE;
}

static void read_support(struct answer_reader *r, const struct json_doc *doc, uint32_t chunks,
                         uint32_t support, unsigned choice, bool ascii)
{
    uint32_t indices = gemini_member(doc, support, STR("groundingChunkIndices"));
    if (!json_is(doc, indices, JSON_ARRAY))
        return;
    JSON_EACH (index, doc, indices) {
        uint32_t source = source_of(doc, chunk_at(doc, chunks, index));
        struct citation c = {.format = NATIVE_GEMINI, .json = json_raw(doc, support)};
        c.url = raw_member(doc, source, STR("uri"));
        if (str_is_null(c.url.s))
            c.url = raw_member(doc, source, STR("sourceUri"));
        c.title = raw_member(doc, source, STR("title"));
        set_place(&c, doc, gemini_member(doc, support, STR("segment")), ascii);
        emit(r, &c, choice);
    }
}

void gemini_read_citations(struct answer_reader *r, const struct json_doc *doc, uint32_t candidate,
                           unsigned choice, bool ascii)
{
    uint32_t grounding = gemini_member(doc, candidate, STR("groundingMetadata"));
    uint32_t chunks = gemini_member(doc, grounding, STR("groundingChunks"));
    uint32_t supports = gemini_member(doc, grounding, STR("groundingSupports"));
    read_quotes(r, doc, gemini_member(doc, candidate, STR("citationMetadata")), choice, ascii);
    if (json_is(doc, supports, JSON_ARRAY) && json_is(doc, chunks, JSON_ARRAY))
        JSON_EACH (support, doc, supports)
            read_support(r, doc, chunks, support, choice, ascii);
}

/* --- Probabilities --------------------------------------------------------------------------- */

static void write_token(struct json_write *w, const struct json_doc *doc, uint32_t one)
{
    uint32_t token = gemini_member(doc, one, STR("token"));
    uint32_t logprob = gemini_member(doc, one, STR("logProbability"));
    json_write_key(w, STR("token"));
    json_write_raw_string(w,
                          json_is(doc, token, JSON_STRING) ? json_string_raw(doc, token) : STR(""));
    json_write_member_raw(w, STR("logprob"),
                          json_is(doc, logprob, JSON_NUMBER) ? json_raw(doc, logprob) : STR("0"));
    json_write_key(w, STR("bytes"));
    json_write_null(w);
}

/* Element n of topCandidates, or of what is like it. */
static uint32_t element(const struct json_doc *doc, uint32_t list, unsigned n)
{
    if (json_is(doc, list, JSON_ARRAY))
        JSON_EACH (one, doc, list)
            if (n-- == 0)
                return one;
    return JSON_NONE;
}

static void write_element(struct buf *out, const struct json_doc *doc, uint32_t chosen,
                          uint32_t top)
{
    struct json_write w;
    uint32_t others = gemini_member(doc, top, STR("candidates"));
    json_write_init(&w, out);
    json_write_object(&w);
    write_token(&w, doc, chosen);
    json_write_key(&w, STR("top_logprobs"));
    json_write_array(&w);
    if (json_is(doc, others, JSON_ARRAY))
        JSON_EACH (other, doc, others) {
            json_write_object(&w);
            write_token(&w, doc, other);
            json_write_object_end(&w);
        }
    json_write_array_end(&w);
    json_write_object_end(&w);
}

void gemini_read_logprobs(struct answer_reader *r, const struct json_doc *doc, uint32_t candidate,
                          unsigned choice)
{
    uint32_t result = gemini_member(doc, candidate, STR("logprobsResult"));
    uint32_t chosen = gemini_member(doc, result, STR("chosenCandidates"));
    uint32_t tops = gemini_member(doc, result, STR("topCandidates"));
    struct buf text;
    unsigned n = 0;
    if (!json_is(doc, chosen, JSON_ARRAY))
        return;
    buf_init(&text, 0);
    JSON_EACH (one, doc, chosen) {
        if (n)
            buf_add_byte(&text, ',');
        write_element(&text, doc, one, element(doc, tops, n));
        n++;
    }
    struct chat_event ev = {.kind = CHAT_LOGPROBS, .choice = choice, .json = buf_str(&text)};
    if (n && !text.failed)
        chat_emit(&r->to, &ev);
    if (text.failed)
        answer_reader_fail(r, ERR_NO_MEMORY, NULL);
    buf_release(&text);
}
