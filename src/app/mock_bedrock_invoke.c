/* InvokeModel of the models that make embeddings: Titan, one text a call, and Cohere, many. */
#include "app/mock_bedrock.h"

#include <math.h>

#include "wire/json_write.h"

enum { DIMENSIONS = 8, COHERE_MOST = 96 };

static bool is_cohere(const struct mock_question *q)
{
    return str_find(q->model, STR("cohere.embed")) >= 0;
}

static bool refuse(struct mock_error *e, const char *message)
{
    *e = (struct mock_error){.status = 400, .message = message};
    return false;
}

static bool judge_cohere(const struct mock_question *q, struct mock_error *e)
{
    uint32_t texts = json_member(&q->doc, JSON_ROOT, STR("texts"));
    uint32_t type = json_member(&q->doc, JSON_ROOT, STR("input_type"));
    if (!json_is(&q->doc, type, JSON_STRING))
        return refuse(e, "Malformed input request: #: required key [input_type] not found");
    if (!json_is(&q->doc, texts, JSON_ARRAY) || json_count(&q->doc, texts) == 0 ||
        json_count(&q->doc, texts) > COHERE_MOST)
        return refuse(e, "Malformed input request: #/texts: expected 1 to 96 items");
    JSON_EACH (text, &q->doc, texts)
        if (!json_is(&q->doc, text, JSON_STRING))
            return refuse(e, "Malformed input request: #/texts/0: expected type: String");
    return true;
}

static bool judge_titan(const struct mock_question *q, struct mock_error *e)
{
    static const char *const names[] = {"inputText", "dimensions", "normalize", "embeddingTypes"};
    uint32_t text = json_member(&q->doc, JSON_ROOT, STR("inputText"));
    JSON_EACH (name, &q->doc, JSON_ROOT) {
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            known |= json_string_eq(&q->doc, name, str_from_c(names[i]));
        if (!known)
            return refuse(e, "Malformed input request: #: extraneous key is not permitted");
    }
    return json_is(&q->doc, text, JSON_STRING) ||
           refuse(e, "Malformed input request: #/inputText: expected type: String");
}

bool mock_bedrock_judge_invoke(const struct mock_question *q, struct mock_error *e)
{
    if (is_cohere(q))
        return judge_cohere(q, e);
    if (str_find(q->model, STR("titan-embed")) >= 0)
        return judge_titan(q, e);
    return refuse(e, "The provided model identifier is invalid.");
}

/* Of length one, and different for texts of different length. */
static void say_vector(struct json_write *w, size_t length, unsigned dimensions)
{
    double sum = 0;
    for (unsigned i = 0; i < dimensions; i++)
        sum += (double)((length + i) % 7 + 1) * (double)((length + i) % 7 + 1);
    json_write_array(w);
    for (unsigned i = 0; i < dimensions; i++)
        json_write_double(w, (double)((length + i) % 7 + 1) / sqrt(sum));
    json_write_array_end(w);
}

static void answer_cohere(struct json_write *w, const struct mock_question *q)
{
    bool by_type = json_member(&q->doc, JSON_ROOT, STR("embedding_types")) != JSON_NONE;
    json_write_member(w, STR("id"), STR("mock"));
    json_write_key(w, STR("embeddings"));
    if (by_type) {
        json_write_object(w);
        json_write_key(w, STR("float"));
    }
    json_write_array(w);
    JSON_EACH (text, &q->doc, json_member(&q->doc, JSON_ROOT, STR("texts")))
        say_vector(w, json_string_raw(&q->doc, text).len, DIMENSIONS);
    json_write_array_end(w);
    if (by_type)
        json_write_object_end(w);
    json_write_member(w, STR("response_type"),
                      by_type ? STR("embeddings_by_type") : STR("embeddings_floats"));
}

static void answer_titan(struct json_write *w, const struct mock_question *q)
{
    int64_t dimensions = DIMENSIONS;
    uint32_t asked = json_member(&q->doc, JSON_ROOT, STR("dimensions"));
    str text = json_string_raw(&q->doc, json_member(&q->doc, JSON_ROOT, STR("inputText")));
    if (json_is(&q->doc, asked, JSON_NUMBER) &&
        (!json_to_i64(json_raw(&q->doc, asked), &dimensions) || dimensions < 1 ||
         dimensions > 4096))
        dimensions = DIMENSIONS;
    json_write_key(w, STR("embedding"));
    say_vector(w, text.len, (unsigned)dimensions);
    json_write_member_u64(w, STR("inputTextTokenCount"), q->bytes / 4);
}

void mock_bedrock_answer_invoke(const struct mock_question *q, struct buf *out)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    if (is_cohere(q))
        answer_cohere(&w, q);
    else
        answer_titan(&w, q);
    json_write_object_end(&w);
}
