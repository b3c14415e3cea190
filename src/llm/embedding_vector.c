/*
 * Vectors as JSON numbers and as base64 of little-endian float32 (OpenAI's encoding_format), both ways.
 */
#include "llm/embedding.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"

bool embedding_put_base64(struct embedding_answer *out, const struct embedding_call *call,
                          uint64_t i, str base64)
{
    CHECK(call->first + call->count <= out->count);
    size_t len;
    if (i >= call->count || base64.len == 0)
        return false;
    struct embedding_vector *v = &out->vectors[call->first + i];
    char *bytes = arena_alloc(out->arena, base64_decoded_max(base64));
    if (v->json.len || v->base64.len || !bytes)
        return false;
    if (!base64_decode(base64, bytes, &len) || len == 0 || len % sizeof(float) != 0)
        return false;
    v->base64 = base64;
    return true;
}

/* The shortest text that reads back as the same float, with a point in any locale. */
static void write_float(struct buf *out, float value)
{
    char text[40];
    if (!isfinite(value)) {
        buf_add_lit(out, "null");
        return;
    }
    for (int precision = 6; precision <= 9; precision++) {
        snprintf(text, sizeof(text), "%.*g", precision, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    for (const char *p = text; *p; p++) {
        bool ours = (*p >= '0' && *p <= '9') || *p == '-' || *p == '+' || *p == 'e';
        buf_add_byte(out, ours ? *p : '.');
    }
}

static float float_at(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    uint32_t bits =
        (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

void embedding_write_numbers(struct json_write *w, const struct embedding_vector *v)
{
    if (v->json.len) {
        json_write_raw(w, v->json);
        return;
    }
    size_t len;
    struct buf bytes, text;
    buf_init(&bytes, 0);
    buf_init(&text, 0);
    char *to = buf_reserve(&bytes, base64_decoded_max(v->base64));
    buf_add_byte(&text, '[');
    if (to && base64_decode(v->base64, to, &len))
        for (size_t at = 0; at + sizeof(float) <= len; at += sizeof(float)) {
            if (at)
                buf_add_byte(&text, ',');
            write_float(&text, float_at(to + at));
        }
    buf_add_byte(&text, ']');
    if (bytes.failed || text.failed)
        w->out->failed = true;
    json_write_raw(w, buf_str(&text));
    buf_release(&bytes);
    buf_release(&text);
}

static bool is_between(char c)
{
    return c == '[' || c == ']' || c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The next number of a flat array; false: there is none. */
static bool next_number(str *left, str *number)
{
    size_t from = 0;
    while (from < left->len && is_between(left->ptr[from]))
        from++;
    size_t end = from;
    while (end < left->len && !is_between(left->ptr[end]))
        end++;
    *number = str_make(left->ptr + from, end - from);
    *left = str_from(*left, end);
    return end > from;
}

static void add_float(struct buf *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    unsigned char bytes[] = {(unsigned char)bits, (unsigned char)(bits >> 8),
                             (unsigned char)(bits >> 16), (unsigned char)(bits >> 24)};
    buf_add(out, bytes, sizeof(bytes));
}

void embedding_write_base64(struct json_write *w, const struct embedding_vector *v)
{
    if (v->base64.len) {
        json_write_raw_string(w, v->base64);
        return;
    }
    str left = v->json, number;
    struct buf bytes, text;
    buf_init(&bytes, 0);
    buf_init(&text, 0);
    while (next_number(&left, &number))
        add_float(&bytes, (float)json_to_double(number));
    base64_encode(&text, bytes.ptr, bytes.len);
    if (bytes.failed || text.failed)
        w->out->failed = true;
    json_write_raw_string(w, buf_str(&text));
    buf_release(&bytes);
    buf_release(&text);
}
