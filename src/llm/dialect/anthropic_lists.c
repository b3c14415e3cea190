#include "llm/dialect/anthropic.h"

void anthropic_write_count(struct buf *out, uint64_t input_tokens)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member_u64(&w, STR("input_tokens"), input_tokens);
    json_write_object_end(&w);
}

void anthropic_models_begin(struct json_write *w)
{
    json_write_object(w);
    json_write_key(w, STR("data"));
    json_write_array(w);
}

static void write_tokens(struct json_write *w, str key, uint32_t tokens)
{
    json_write_key(w, key);
    if (tokens)
        json_write_u64(w, tokens);
    else
        json_write_null(w);
}

static void write_null(struct json_write *w, str key)
{
    json_write_key(w, key);
    json_write_null(w);
}

/* `created_at` is a constant: nobody told us when. */
void anthropic_models_begin_one(struct json_write *w, str id, uint32_t window, uint32_t output_max)
{
    json_write_object(w);
    json_write_member(w, STR("type"), STR("model"));
    json_write_member(w, STR("id"), id);
    json_write_member(w, STR("display_name"), id);
    json_write_member(w, STR("created_at"), STR("1970-01-01T00:00:00Z"));
    json_write_member(w, STR("lifecycle"), STR("active"));
    write_null(w, STR("deprecated_at"));
    write_null(w, STR("retires_at"));
    write_null(w, STR("line"));
    write_null(w, STR("capabilities"));
    write_tokens(w, STR("max_input_tokens"), window);
    write_tokens(w, STR("max_tokens"), output_max);
}

static void write_id(struct json_write *w, str key, str id)
{
    json_write_key(w, key);
    if (id.len)
        json_write_string(w, id);
    else
        json_write_null(w);
}

void anthropic_models_end(struct json_write *w, str first, str last)
{
    json_write_array_end(w);
    json_write_key(w, STR("has_more"));
    json_write_bool(w, false);
    write_id(w, STR("first_id"), first);
    write_id(w, STR("last_id"), last);
    json_write_object_end(w);
}
