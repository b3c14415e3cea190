/* Structs as YAML again, by the tables: what is in effect, and what a reload cannot change. */
#include "app/config.h"

#include <stdlib.h>

#include "app/config_root.h"
#include "app/option_tables/tables.h"
#include "base/option.h"

#define MASK "********"

static void indent(struct buf *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        buf_add_lit(out, "  ");
}

/* Whether YAML reads the text as itself without quotes, also in a list in brackets. */
static bool is_plain(str s)
{
    static const char *const words[] = {"null", "~", "true", "false", "yes", "no", "on", "off"};
    if (s.len == 0 || strchr("-?:,[]{}#&*!|>'\"%@` ", s.ptr[0]) || s.ptr[s.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_ieq(s, str_from_c(words[i])))
            return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < ' ' || c == 0x7f || strchr(",[]{}#\"\\$", c) ||
            (c == ':' && (i + 1 == s.len || s.ptr[i + 1] == ' ')))
            return false;
    }
    return true;
}

static void text_write(str s, struct buf *out)
{
    if (is_plain(s)) {
        buf_add_str(out, s);
        return;
    }
    buf_add_byte(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (str_starts(str_from(s, i), STR("${")))
            buf_add_lit(out, "$$");
        else if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_add_byte(out, (char)c);
    }
    buf_add_byte(out, '"');
}

static unsigned count_of(const struct option *o, const void *base)
{
    unsigned count;
    memcpy(&count, (const char *)base + o->count_offset, sizeof(count));
    return count;
}

static const char *array_of(const struct option *o, const void *base)
{
    const char *array;
    memcpy(&array, (const char *)base + o->offset, sizeof(array));
    return array;
}

static void kind_write(const struct option *o, const void *field, struct buf *out)
{
    struct buf b;
    buf_init(&b, 0);
    o->kind->format(field, &b);
    text_write(buf_str(&b), out);
    buf_release(&b);
}

/* One value on the rest of its line.  False: there is none to write. */
static bool value_write(const struct option *o, const void *base, struct buf *out)
{
    const char *field = (const char *)base + o->offset;
    switch (o->type) {
    case OPTION_BOOL:
    case OPTION_UINT:
    case OPTION_PERCENT:
    case OPTION_SIZE:
    case OPTION_DURATION:
    case OPTION_ENUM:
        option_number_format(o, option_number_get(o, base), out);
        return true;
    case OPTION_STRING:
        if (str_is_null(*(const str *)(const void *)field))
            return false;
        text_write(*(const str *)(const void *)field, out);
        return true;
    case OPTION_KIND: {
        size_t before = out->len;
        kind_write(o, field, out);
        if (out->len != before && !str_eq(str_from(buf_str(out), before), STR("\"\"")))
            return true;
        out->len = before;
        return false;
    }
    case OPTION_STRINGS:
    case OPTION_KINDS:
        buf_add_byte(out, '[');
        for (unsigned i = 0; i < count_of(o, base); i++) {
            size_t size = o->type == OPTION_KINDS ? o->kind->size : sizeof(str);
            const char *element = array_of(o, base) + i * size;
            if (i)
                buf_add_lit(out, ", ");
            if (o->flags & OPTION_SECRET)
                buf_add_lit(out, "\"" MASK "\"");
            else if (o->type == OPTION_KINDS)
                kind_write(o, element, out);
            else
                text_write(*(const str *)(const void *)element, out);
        }
        buf_add_byte(out, ']');
        return true;
    case OPTION_PAIRS:
    case OPTION_SECTION:
    case OPTION_LIST:
    case OPTION_MAP:
        break;
    }
    return false;
}

static void table_write(const struct option_table *t, const void *base, unsigned depth,
                        struct buf *out);

static void pairs_write(const struct option *o, const void *base, unsigned depth, struct buf *out)
{
    const struct option_pair *pairs = (const void *)array_of(o, base);
    for (unsigned i = 0; i < count_of(o, base); i++) {
        indent(out, depth);
        text_write(pairs[i].name, out);
        buf_add_lit(out, ": ");
        if (o->flags & OPTION_SECRET)
            buf_add_lit(out, "\"" MASK "\"");
        else
            text_write(pairs[i].value, out);
        buf_add_byte(out, '\n');
    }
}

static void elements_write(const struct option *o, const void *base, unsigned depth,
                           struct buf *out)
{
    const struct option_table *t = o->table;
    for (unsigned i = 0; i < count_of(o, base); i++) {
        const char *element = array_of(o, base) + i * t->size;
        size_t at = out->len;
        if (o->type == OPTION_MAP) {
            indent(out, depth);
            text_write(*(const str *)(const void *)(element + t->name_offset), out);
            buf_add_lit(out, ":\n");
        }
        table_write(t, element, depth + 1, out);
        /* "- " takes the place of the first row's own indentation. */
        if (o->type == OPTION_LIST && !out->failed)
            memcpy(out->ptr + at + (size_t)2 * depth, "- ", 2);
    }
}

static void row_write(const struct option *o, const void *base, unsigned depth, struct buf *out)
{
    size_t before = out->len;
    indent(out, depth);
    buf_printf(out, "%s:", o->name);
    if (o->type == OPTION_SECTION) {
        buf_add_byte(out, '\n');
        table_write(o->table, (const char *)base + o->offset, depth + 1, out);
        return;
    }
    if (o->type == OPTION_PAIRS || o->type == OPTION_LIST || o->type == OPTION_MAP) {
        if (count_of(o, base) == 0) {
            buf_printf(out, " %s\n", o->type == OPTION_LIST ? "[]" : "{}");
            return;
        }
        buf_add_byte(out, '\n');
        if (o->type == OPTION_PAIRS)
            pairs_write(o, base, depth + 1, out);
        else
            elements_write(o, base, depth + 1, out);
        return;
    }
    buf_add_byte(out, ' ');
    size_t at = out->len;
    if (!value_write(o, base, out)) {
        out->len = before;
        return;
    }
    if (o->flags & OPTION_SECRET && o->type != OPTION_STRINGS) {
        out->len = at;
        buf_add_lit(out, "\"" MASK "\"");
    }
    buf_add_byte(out, '\n');
}

static void table_write(const struct option_table *t, const void *base, unsigned depth,
                        struct buf *out)
{
    size_t before = out->len;
    for (const struct option *o = t->rows; o->name; o++)
        if (!(o->flags & (OPTION_ALIAS | OPTION_LATER)))
            row_write(o, base, depth, out);
    if (out->len == before && depth) { /* nothing was set: an empty map, not null */
        out->len = before - 1;
        buf_add_lit(out, " {}\n");
    }
}

void config_print(const struct gateway_conf *conf, struct buf *out)
{
    table_write(&table_gateway, CONTAINER_OF(conf, struct config_root, conf), 0, out);
}

/* --- What a reload cannot change. */

static bool is_same(const struct option *o, const void *a, const void *b)
{
    struct buf x, y;
    buf_init(&x, 0);
    buf_init(&y, 0);
    bool has_x = value_write(o, a, &x), has_y = value_write(o, b, &y);
    bool same = has_x == has_y && str_eq(buf_str(&x), buf_str(&y));
    buf_release(&x);
    buf_release(&y);
    return same;
}

static unsigned compare(const struct option_table *t, const void *a, const void *b, str above,
                        struct buf *out)
{
    unsigned count = 0;
    for (const struct option *o = t->rows; o->name; o++) {
        struct buf path;
        buf_init(&path, 0);
        buf_printf(&path, "%.*s%s%s", STR_ARG(above), above.len ? "." : "", o->name);
        if (o->type == OPTION_SECTION) {
            count += compare(o->table, (const char *)a + o->offset, (const char *)b + o->offset,
                             buf_str(&path), out);
        } else if (o->flags & OPTION_RESTART && !is_same(o, a, b)) {
            buf_printf(out, "%s%.*s", out->len ? ", " : "", STR_ARG(buf_str(&path)));
            count++;
        }
        buf_release(&path);
    }
    return count;
}

unsigned config_restart_needed(const struct gateway_conf *before, const struct gateway_conf *after,
                               struct buf *out)
{
    return compare(&table_gateway, CONTAINER_OF(before, struct config_root, conf),
                   CONTAINER_OF(after, struct config_root, conf), STR_NULL, out);
}
