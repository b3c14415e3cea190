#include "wire/json_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "wire/json_simd.h"

void json_write_init(struct json_write *w, struct buf *out)
{
    *w = (struct json_write){.out = out};
}

bool json_write_done(const struct json_write *w)
{
    return w->depth == 0 && w->comma && !w->keyed;
}

/* -- structure ---------------------------------------------------------------------------------- */

/* What stands before a value, and what the value means for what comes after. */
static void before_value(struct json_write *w)
{
    bool in_object = w->depth && (w->objects & 1);
    CHECK(in_object == w->keyed);
    CHECK(w->depth || !w->comma); /* one value only */
    if (w->comma && !w->keyed)
        buf_add_byte(w->out, ',');
    w->comma = true;
    w->keyed = false;
}

static void begin(struct json_write *w, char bracket, unsigned object)
{
    before_value(w);
    CHECK(w->depth < JSON_WRITE_DEPTH);
    buf_add_byte(w->out, bracket);
    w->objects = w->objects << 1 | object;
    w->depth++;
    w->comma = false;
}

static void end(struct json_write *w, char bracket, unsigned object)
{
    CHECK(w->depth && (w->objects & 1) == object && !w->keyed);
    buf_add_byte(w->out, bracket);
    w->objects >>= 1;
    w->depth--;
    w->comma = true;
}

void json_write_object(struct json_write *w)
{
    begin(w, '{', 1);
}

void json_write_object_end(struct json_write *w)
{
    end(w, '}', 1);
}

void json_write_array(struct json_write *w)
{
    begin(w, '[', 0);
}

void json_write_array_end(struct json_write *w)
{
    end(w, ']', 0);
}

/* -- strings ------------------------------------------------------------------------------------ */

static void escape_byte(struct buf *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    char letter = c < 0x20 ? letters[c] : (char)c;
    if (letter) {
        buf_add(out, (char[]){'\\', letter}, 2);
        return;
    }
    buf_add(out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
}

/* A run that needs no escaping, but may not be UTF-8. */
static void add_utf8(struct buf *out, str run)
{
    for (;;) {
        size_t valid = json_simd.utf8(run.ptr, run.len);
        buf_add(out, run.ptr, valid);
        if (valid == run.len)
            return;
        buf_add_lit(out, "\xef\xbf\xbd");
        run = str_from(run, valid + 1);
    }
}

void json_escape(struct buf *out, str text)
{
    if (!text.len) /* also an absent one */
        return;
    const char *p = text.ptr, *limit = text.ptr + text.len;
    while (p < limit) {
        unsigned seen = 0;
        const char *run = p;
        p = json_simd.plain(p, limit, &seen);
        if (seen & JSON_TEXT_HIGH)
            add_utf8(out, str_make(run, (size_t)(p - run)));
        else
            buf_add(out, run, (size_t)(p - run));
        if (p < limit)
            escape_byte(out, (unsigned char)*p++);
    }
}

static void quoted(struct buf *out, str text)
{
    buf_add_byte(out, '"');
    json_escape(out, text);
    buf_add_byte(out, '"');
}

/* Most texts need no escaping, and no second buffer. */
static str quote_plain(struct arena *arena, str text)
{
    char *to = arena_alloc(arena, text.len + 2);
    if (!to)
        return STR_NULL;
    to[0] = to[text.len + 1] = '"';
    if (text.len)
        memcpy(to + 1, text.ptr, text.len);
    return str_make(to, text.len + 2);
}

str json_quote(struct arena *arena, str text)
{
    unsigned seen = 0;
    const char *limit = text.ptr + text.len;
    if (json_simd.plain(text.ptr, limit, &seen) == limit && !(seen & JSON_TEXT_HIGH))
        return quote_plain(arena, text);
    struct buf b;
    buf_init(&b, 0);
    quoted(&b, text);
    str json = b.failed ? STR_NULL : arena_str(arena, buf_str(&b));
    buf_release(&b);
    return json;
}

static void before_key(struct json_write *w)
{
    CHECK(w->depth && (w->objects & 1) && !w->keyed);
    if (w->comma)
        buf_add_byte(w->out, ',');
    w->keyed = true;
}

void json_write_key(struct json_write *w, str key)
{
    before_key(w);
    quoted(w->out, key);
    buf_add_byte(w->out, ':');
}

void json_write_raw_key(struct json_write *w, str inside)
{
    before_key(w);
    buf_add_byte(w->out, '"');
    buf_add_str(w->out, inside);
    buf_add_lit(w->out, "\":");
}

void json_write_string(struct json_write *w, str text)
{
    before_value(w);
    quoted(w->out, text);
}

void json_write_raw_string(struct json_write *w, str inside)
{
    before_value(w);
    buf_add_byte(w->out, '"');
    buf_add_str(w->out, inside);
    buf_add_byte(w->out, '"');
}

/* -- the rest ----------------------------------------------------------------------------------- */

void json_write_raw(struct json_write *w, str json)
{
    CHECK(json.len > 0);
    before_value(w);
    buf_add_str(w->out, json);
}

void json_write_u64(struct json_write *w, uint64_t value)
{
    before_value(w);
    buf_add_u64(w->out, value);
}

void json_write_i64(struct json_write *w, int64_t value)
{
    before_value(w);
    if (value < 0)
        buf_add_byte(w->out, '-');
    buf_add_u64(w->out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json_write_double(struct json_write *w, double value)
{
    char text[40];
    if (!isfinite(value)) {
        json_write_null(w);
        return;
    }
    before_value(w);
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof(text), "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    for (const char *p = text; *p; p++) {
        bool ours = (*p >= '0' && *p <= '9') || *p == '-' || *p == '+' || *p == 'e';
        buf_add_byte(w->out, ours ? *p : '.'); /* the locale's point */
    }
}

void json_write_bool(struct json_write *w, bool value)
{
    before_value(w);
    buf_add_str(w->out, value ? STR("true") : STR("false"));
}

void json_write_null(struct json_write *w)
{
    before_value(w);
    buf_add_lit(w->out, "null");
}
