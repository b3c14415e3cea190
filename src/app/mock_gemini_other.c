/* What the mock's Gemini answers beside chats: embeddings, counts of tokens, the list of models. */
#include "app/mock_gemini.h"

#include <math.h>

#include "wire/json_write.h"

enum { DIMENSIONS = 8, DIMENSIONS_MAX = 4096 };

#define MEMBER mock_gemini_member

static unsigned dimensions_of(const struct mock_question *q, uint32_t object)
{
    uint32_t given = MEMBER(q, object, "outputDimensionality");
    int64_t n;
    if (json_is(&q->doc, given, JSON_NUMBER) && json_to_i64(json_raw(&q->doc, given), &n) &&
        n > 0 && n <= DIMENSIONS_MAX)
        return (unsigned)n;
    return DIMENSIONS;
}

static void write_values(struct json_write *w, unsigned seed, unsigned dimensions)
{
    json_write_key(w, STR("values"));
    json_write_array(w);
    for (unsigned i = 0; i < dimensions; i++)
        json_write_double(w, sin(seed * 0.37 + i + 1) / 2);
    json_write_array_end(w);
}

static unsigned seed_of(const struct mock_question *q, uint32_t node)
{
    str text = json_raw(&q->doc, node);
    unsigned sum = 0;
    for (size_t i = 0; i < text.len; i++)
        sum = sum * 31 + (unsigned char)text.ptr[i];
    return sum % 1000;
}

static void write_embedding_usage(struct json_write *w, const struct mock_question *q)
{
    json_write_key(w, STR("usageMetadata"));
    json_write_object(w);
    json_write_member_u64(w, STR("promptTokenCount"), q->bytes / 4 + 1);
    json_write_object_end(w);
}

static void answer_embed(const struct mock_question *q, struct buf *out)
{
    struct json_write w;
    uint32_t config = MEMBER(q, JSON_ROOT, "embedContentConfig");
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("embedding"));
    json_write_object(&w);
    write_values(&w, seed_of(q, MEMBER(q, JSON_ROOT, "content")),
                 dimensions_of(q, config ? config : JSON_ROOT));
    json_write_object_end(&w);
    write_embedding_usage(&w, q);
    json_write_object_end(&w);
}

static void answer_batch(const struct mock_question *q, struct buf *out)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("embeddings"));
    json_write_array(&w);
    JSON_EACH (one, &q->doc, MEMBER(q, JSON_ROOT, "requests")) {
        json_write_object(&w);
        write_values(&w, seed_of(q, MEMBER(q, one, "content")), dimensions_of(q, one));
        json_write_object_end(&w);
    }
    json_write_array_end(&w);
    write_embedding_usage(&w, q);
    json_write_object_end(&w);
}

static void answer_predict(const struct mock_question *q, struct buf *out)
{
    struct json_write w;
    unsigned dimensions = dimensions_of(q, MEMBER(q, JSON_ROOT, "parameters"));
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("predictions"));
    json_write_array(&w);
    JSON_EACH (one, &q->doc, MEMBER(q, JSON_ROOT, "instances")) {
        json_write_object(&w);
        json_write_key(&w, STR("embeddings"));
        json_write_object(&w);
        write_values(&w, seed_of(q, MEMBER(q, one, "content")), dimensions);
        json_write_key(&w, STR("statistics"));
        json_write_object(&w);
        json_write_member_u64(&w, STR("token_count"), 5);
        json_write_key(&w, STR("truncated"));
        json_write_bool(&w, false);
        json_write_object_end(&w);
        json_write_object_end(&w);
        json_write_object_end(&w);
    }
    json_write_array_end(&w);
    json_write_object_end(&w);
}

static void answer_count(const struct mock_question *q, struct buf *out)
{
    buf_printf(out,
               "{\"totalTokens\":%llu,\"promptTokensDetails\":[{\"modality\":\"TEXT\","
               "\"tokenCount\":%llu}]}",
               (unsigned long long)(q->bytes / 4 + 1), (unsigned long long)(q->bytes / 4 + 1));
}

/* Two pages, whatever size was asked for. */
static void answer_models(const struct mock_question *q, struct buf *out)
{
    bool second = str_find(q->head->query, STR("pageToken=second")) >= 0;
    const struct mock_gemini_model *m;
    unsigned written = 0;
    buf_add_lit(out, "{\"models\":[");
    for (unsigned i = 0; (m = mock_gemini_model_at(i)); i++) {
        if ((i < 4) == second)
            continue;
        str name = str_from_c(m->name);
        buf_printf(out,
                   "%s{\"name\":\"models/%.*s\",\"displayName\":\"Mock\",\"inputTokenLimit\":"
                   "1048576,\"outputTokenLimit\":65536,\"supportedGenerationMethods\":["
                   "\"generateContent\",\"countTokens\"]}",
                   written++ ? "," : "", (int)name.len - 1, name.ptr);
    }
    buf_add_str(out, second ? STR("]}") : STR("],\"nextPageToken\":\"second\"}"));
}

bool mock_gemini_other(const struct mock_question *q, struct buf *out)
{
    switch (q->kind) {
    case ENDPOINT_MODELS:
        answer_models(q, out);
        return true;
    case ENDPOINT_GENERATE_COUNT:
        answer_count(q, out);
        return true;
    case ENDPOINT_EMBED:
        answer_embed(q, out);
        return true;
    case ENDPOINT_EMBED_BATCH:
        answer_batch(q, out);
        return true;
    case ENDPOINT_PREDICT:
        answer_predict(q, out);
        return true;
    default:
        return false;
    }
}
