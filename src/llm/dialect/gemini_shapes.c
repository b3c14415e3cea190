#include "llm/dialect/gemini_shapes.h"

static void write_count(struct json_write *j, str key, int64_t value)
{
    if (value > 0)
        json_write_member_u64(j, key, (uint64_t)value);
}

static int64_t known(int64_t value)
{
    return value > 0 ? value : 0;
}

void gemini_put_usage(struct json_write *j, const struct usage *u)
{
    if (!u->known)
        return;
    int64_t prompt = known(u->input) + known(u->cached) + known(u->cache_write);
    json_write_key(j, STR("usageMetadata"));
    json_write_object(j);
    json_write_member_u64(j, STR("promptTokenCount"), (uint64_t)prompt);
    write_count(j, STR("cachedContentTokenCount"), u->cached);
    if (u->output >= 0)
        json_write_member_u64(j, STR("candidatesTokenCount"), (uint64_t)u->output);
    write_count(j, STR("thoughtsTokenCount"), u->reasoning);
    json_write_member_u64(j, STR("totalTokenCount"),
                          (uint64_t)(prompt + known(u->output) + known(u->reasoning)));
    json_write_object_end(j);
}

void gemini_put_text(struct json_write *j, str raw, bool thought, str signature)
{
    json_write_object(j);
    json_write_key(j, STR("text"));
    json_write_raw_string(j, raw);
    if (thought) {
        json_write_key(j, STR("thought"));
        json_write_bool(j, true);
    }
    if (signature.len)
        json_write_member(j, STR("thoughtSignature"), signature);
    json_write_object_end(j);
}

void gemini_put_call(struct json_write *j, str id, str name, str arguments, str signature)
{
    json_write_object(j);
    json_write_key(j, STR("functionCall"));
    json_write_object(j);
    if (id.len)
        json_write_member(j, STR("id"), id);
    json_write_member(j, STR("name"), name);
    json_write_member_raw(j, STR("args"), arguments.len ? arguments : STR("{}"));
    json_write_object_end(j);
    if (signature.len)
        json_write_member(j, STR("thoughtSignature"), signature);
    json_write_object_end(j);
}

void gemini_put_media(struct json_write *j, const struct media *m)
{
    json_write_object(j);
    json_write_key(j, STR("inlineData"));
    json_write_object(j);
    json_write_member(j, STR("mimeType"), m->mime.len ? m->mime : STR("application/octet-stream"));
    json_write_member(j, STR("data"), m->data);
    json_write_object_end(j);
    json_write_object_end(j);
}

bool gemini_is_ascii(str raw)
{
    for (size_t i = 0; i < raw.len; i++)
        if ((unsigned char)raw.ptr[i] >= 0x80 ||
            (raw.ptr[i] == '\\' && i + 1 < raw.len && raw.ptr[i + 1] == 'u'))
            return false;
    return true;
}

static void write_token(struct json_write *j, const struct json_doc *doc, uint32_t one)
{
    uint32_t token = json_member(doc, one, STR("token"));
    uint32_t logprob = json_member(doc, one, STR("logprob"));
    json_write_object(j);
    if (json_is(doc, token, JSON_STRING))
        json_write_member_raw(j, STR("token"), json_raw(doc, token));
    if (json_is(doc, logprob, JSON_NUMBER))
        json_write_member_raw(j, STR("logProbability"), json_raw(doc, logprob));
    json_write_object_end(j);
}

/* elements: OpenAI's, comma-separated. */
void gemini_put_logprobs(struct json_write *j, str elements, struct arena *scratch)
{
    struct json_doc doc;
    str list = arena_printf(scratch, "[%.*s]", STR_ARG(elements));
    if (str_is_null(list) || json_parse(&doc, scratch, list, NULL))
        return;
    json_write_key(j, STR("logprobsResult"));
    json_write_object(j);
    json_write_key(j, STR("chosenCandidates"));
    json_write_array(j);
    JSON_EACH (one, &doc, JSON_ROOT)
        write_token(j, &doc, one);
    json_write_array_end(j);
    json_write_key(j, STR("topCandidates"));
    json_write_array(j);
    JSON_EACH (one, &doc, JSON_ROOT) {
        uint32_t top = json_member(&doc, one, STR("top_logprobs"));
        json_write_object(j);
        json_write_key(j, STR("candidates"));
        json_write_array(j);
        if (json_is(&doc, top, JSON_ARRAY))
            JSON_EACH (other, &doc, top)
                write_token(j, &doc, other);
        json_write_array_end(j);
        json_write_object_end(j);
    }
    json_write_array_end(j);
    json_write_object_end(j);
}

static void write_segment(struct json_write *j, const struct gemini_source *s, unsigned n)
{
    json_write_object(j);
    json_write_key(j, STR("segment"));
    json_write_object(j);
    json_write_member_u64(j, STR("startIndex"), (uint64_t)s->start);
    json_write_member_u64(j, STR("endIndex"), (uint64_t)s->end);
    json_write_object_end(j);
    json_write_key(j, STR("groundingChunkIndices"));
    json_write_array(j);
    json_write_u64(j, n);
    json_write_array_end(j);
    json_write_object_end(j);
}

/* Places are in bytes there, and known only where a byte is a character. */
void gemini_put_sources(struct json_write *j, const struct gemini_source *sources, bool wide)
{
    unsigned n = 0;
    if (!sources)
        return;
    json_write_key(j, STR("groundingMetadata"));
    json_write_object(j);
    json_write_key(j, STR("groundingChunks"));
    json_write_array(j);
    for (const struct gemini_source *s = sources; s; s = s->next) {
        json_write_object(j);
        json_write_key(j, STR("web"));
        json_write_object(j);
        json_write_member_raw_string(j, STR("uri"), (struct raw){s->url});
        json_write_member_raw_string(j, STR("title"), (struct raw){s->title});
        json_write_object_end(j);
        json_write_object_end(j);
    }
    json_write_array_end(j);
    json_write_key(j, STR("groundingSupports"));
    json_write_array(j);
    for (const struct gemini_source *s = sources; s; s = s->next, n++)
        if (!wide && s->start >= 0 && s->end >= s->start)
            write_segment(j, s, n);
    json_write_array_end(j);
    json_write_object_end(j);
}

void gemini_put_reason(struct json_write *j, enum finish finish, str words)
{
    json_write_member(j, STR("finishReason"), str_from_c(gemini_reason(finish)));
    if (words.len)
        json_write_member_raw_string(j, STR("finishMessage"), (struct raw){words});
}
