#include "wire/json.h"

#include <stdlib.h>

/* -- strings ------------------------------------------------------------------------------------ */

static unsigned hex4(const char *p)
{
    unsigned value = 0;
    for (unsigned i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i];
        value = value << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static size_t put_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

static char simple_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c; /* quote, backslash, slash */
    }
}

/* Decodes the escape at p (valid, as the parser saw to) to at most 4 bytes; *p moves behind it. */
static size_t unescape_one(const char **p, const char *end, char *to)
{
    const char *at = *p + 1;
    if (*at != 'u') {
        *p = at + 1;
        *to = simple_escape(*at);
        return 1;
    }
    unsigned c = hex4(at + 1);
    at += 5;
    if (c >= 0xd800 && c < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        unsigned low = hex4(at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            at += 6;
        }
    }
    *p = at;
    return put_utf8(to, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
}

/* The bytes up to the next escape. */
static size_t plain_run(const char *p, const char *end)
{
    const char *escape = memchr(p, '\\', (size_t)(end - p));
    return (size_t)((escape ? escape : end) - p);
}

size_t json_unescape(str raw, char *to)
{
    const char *p = raw.ptr, *end = raw.ptr + raw.len;
    char *out = to;
    while (p < end) {
        size_t run = plain_run(p, end);
        memmove(out, p, run); /* in place is allowed: out never passes p */
        out += run;
        p += run;
        if (p < end) {
            char one[4];
            size_t len = unescape_one(&p, end, one);
            memcpy(out, one, len);
            out += len;
        }
    }
    return (size_t)(out - to);
}

static bool escaped_eq(str raw, str text)
{
    const char *p = raw.ptr, *end = raw.ptr + raw.len;
    while (p < end) {
        char one[4];
        str piece = str_make(p, plain_run(p, end));
        p += piece.len;
        if (!piece.len)
            piece = str_make(one, unescape_one(&p, end, one));
        if (!str_starts(text, piece))
            return false;
        text = str_from(text, piece.len);
    }
    return text.len == 0;
}

bool json_string_eq(const struct json_doc *doc, uint32_t node, str text)
{
    str raw = json_string_raw(doc, node);
    return json_node(doc, node)->escaped ? escaped_eq(raw, text) : str_eq(raw, text);
}

enum err json_string_decode(const struct json_doc *doc, uint32_t node, struct arena *arena,
                            str *out)
{
    str raw = json_string_raw(doc, node);
    if (!json_node(doc, node)->escaped) {
        *out = raw;
        return ERR_NONE;
    }
    char *to = arena_alloc(arena, raw.len);
    if (!to)
        return ERR_NO_MEMORY;
    *out = str_make(to, json_unescape(raw, to));
    return ERR_NONE;
}

/* -- numbers ------------------------------------------------------------------------------------ */

enum { DIGITS_KEPT = 40, EXPONENT_MAX = 1 << 30 };

/* A number taken apart: sign, up to DIGITS_KEPT significant digits without zeros at either end, and
 * the power of ten that the last of them has. */
struct decimal {
    bool negative;
    bool cut; /* there were more digits, not all zero */
    unsigned count;
    int64_t exponent;
    char digits[DIGITS_KEPT];
};

static void decimal_digit(struct decimal *d, char c, int64_t *zeros)
{
    if (c == '0') {
        *zeros += d->count > 0;
        return;
    }
    int64_t need = *zeros + 1;
    if (d->cut || (int64_t)d->count + need > DIGITS_KEPT) {
        /* Zeros at the end may now be followed by something: they are dropped like all that
         * comes after, and are counted in the exponent. */
        d->cut = true;
        *zeros += 1;
        return;
    }
    for (; *zeros; --*zeros)
        d->digits[d->count++] = '0';
    d->digits[d->count++] = c;
}

static int64_t exponent_of(const char *p, const char *end)
{
    bool negative = *p == '-';
    int64_t value = 0;
    p += *p == '-' || *p == '+';
    for (; p < end; p++)
        value = value < EXPONENT_MAX ? value * 10 + (*p - '0') : value;
    return negative ? -value : value;
}

static struct decimal decimal_of(str text)
{
    struct decimal d = {0};
    const char *p = text.ptr, *end = text.ptr + text.len;
    int64_t zeros = 0, fraction = 0;
    bool point = false;
    d.negative = p < end && *p == '-';
    p += d.negative;
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        fraction += point;
        decimal_digit(&d, *p, &zeros);
    }
    d.exponent = zeros - fraction;
    if (p < end)
        d.exponent += exponent_of(p + 1, end);
    return d;
}

bool json_to_i64(str text, int64_t *out)
{
    struct decimal d = decimal_of(text);
    if (d.count && (d.exponent < 0 || d.cut || d.exponent > 20))
        return false;
    int64_t value = 0; /* negative all along: that side reaches one further */
    for (int64_t i = 0; d.count && i < d.count + d.exponent; i++) {
        int digit = i < d.count ? d.digits[i] - '0' : 0;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return false;
    }
    if (!d.negative && __builtin_sub_overflow(0, value, &value))
        return false;
    *out = value;
    return true;
}

/* Powers of ten that are doubles exactly. */
static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

double json_to_double(str text)
{
    struct decimal d = decimal_of(text);
    double value;
    if (!d.count) {
        value = 0;
    } else if (d.count <= 15 && d.exponent >= -22 && d.exponent <= 22) {
        /* Both are exact, so one operation rounds right (Clinger 1990). */
        uint64_t whole = 0;
        for (unsigned i = 0; i < d.count; i++)
            whole = whole * 10 + (uint64_t)(d.digits[i] - '0');
        value = d.exponent < 0 ? (double)whole / powers[-d.exponent]
                               : (double)whole * powers[d.exponent];
    } else {
        /* No decimal point, so no locale. */
        char copy[DIGITS_KEPT + 16];
        int64_t limit = 100000;
        int64_t exponent = d.exponent < -limit ? -limit : d.exponent > limit ? limit : d.exponent;
        char *p = copy, *to = copy + sizeof(copy);
        memcpy(p, d.digits, d.count);
        p += d.count;
        if (d.cut) {
            /* Whatever was cut off, it is more than nothing. */
            for (unsigned i = d.count; i < DIGITS_KEPT; i++, exponent--)
                *p++ = '0';
            *p++ = '1';
            exponent--;
        }
        *p++ = 'e';
        *p++ = exponent < 0 ? '-' : '+';
        uint64_t rest = (uint64_t)(exponent < 0 ? -exponent : exponent);
        *--to = '\0';
        do
            *--to = (char)('0' + rest % 10);
        while (rest /= 10);
        memmove(p, to, (size_t)(copy + sizeof(copy) - to));
        value = strtod(copy, NULL);
    }
    return d.negative ? -value : value;
}

/* -- members ------------------------------------------------------------------------------------ */

uint32_t json_member_name(const struct json_doc *doc, uint32_t object, str name)
{
    const struct json_node *o = json_node(doc, object), *nodes = doc->nodes;
    if (o->kind != JSON_OBJECT)
        return JSON_NONE;
    CHECK(!o->opaque);
    /* JSON_EACH by hand: every event of every stream is looked into this way. */
    for (uint32_t m = object + 1; m < o->next; m = nodes[m + 1].next) {
        const struct json_node *n = &nodes[m];
        const char *inside = doc->source.ptr + n->start + 1;
        size_t len = n->end - n->start - 2;
        if (n->escaped ? escaped_eq(str_make(inside, len), name)
                       : len == name.len && memcmp(inside, name.ptr, len) == 0)
            return m;
    }
    return JSON_NONE;
}

uint32_t json_member(const struct json_doc *doc, uint32_t object, str name)
{
    uint32_t m = json_member_name(doc, object, name);
    return m == JSON_NONE ? JSON_NONE : json_value(m);
}

struct member {
    str name; /* decoded */
    uint32_t node;
};

/* The first character of *s in lower case; also those two beyond ASCII that readers which ignore
 * case by Unicode's rules take for ASCII letters. */
static char folded(str *s)
{
    static const str long_s = STR_INIT("\xc5\xbf"), kelvin = STR_INIT("\xe2\x84\xaa");
    if (str_starts(*s, long_s)) {
        *s = str_from(*s, long_s.len);
        return 's';
    }
    if (str_starts(*s, kelvin)) {
        *s = str_from(*s, kelvin.len);
        return 'k';
    }
    char c = *s->ptr;
    *s = str_from(*s, 1);
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_variant(str name, str exact)
{
    unsigned char first = name.len ? (unsigned char)name.ptr[0] : 0;
    if (!exact.len || (first < 0x80 && (first | 0x20) != exact.ptr[0]) || str_eq(name, exact))
        return false;
    while (name.len && exact.len)
        if (folded(&name) != folded(&exact))
            return false;
    return !name.len && !exact.len;
}

static int member_order(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->name.len != y->name.len)
        return x->name.len < y->name.len ? -1 : 1;
    int order = x->name.len ? memcmp(x->name.ptr, y->name.ptr, x->name.len) : 0;
    if (order)
        return order;
    return x->node < y->node ? -1 : 1;
}

/* Few members: one bit per kind of name tells most pairs apart without looking at them. */
static uint32_t duplicate_of_few(const struct member *members, size_t count)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        str name = members[i].name;
        unsigned ends =
            name.len ? (unsigned char)name.ptr[0] * 5u + (unsigned char)name.ptr[name.len - 1] * 11u
                     : 0;
        uint64_t bit = (uint64_t)1 << ((ends + name.len) & 63);
        if (seen & bit)
            for (size_t j = 0; j < i; j++)
                if (str_eq(members[j].name, name))
                    return members[i].node;
        seen |= bit;
    }
    return JSON_NONE;
}

static uint32_t duplicate_of_many(struct member *members, size_t count)
{
    qsort(members, count, sizeof(*members), member_order);
    for (size_t i = 1; i < count; i++)
        if (str_eq(members[i - 1].name, members[i].name))
            return members[i].node;
    return JSON_NONE;
}

enum { FEW = 32 };

enum err json_check_members(const struct json_doc *doc, uint32_t object, const str *exact,
                            size_t exact_count, struct arena *arena, uint32_t *culprit)
{
    struct member few[FEW], *members = few;
    size_t count = 0, all = json_count(doc, object);
    *culprit = JSON_NONE;
    if (!json_is(doc, object, JSON_OBJECT))
        return ERR_NONE;
    if (all > FEW) {
        members = arena_alloc(arena,
                              (all < JSON_MEMBERS_MAX ? all : JSON_MEMBERS_MAX) * sizeof(*members));
        if (!members)
            return ERR_NO_MEMORY;
    }
    JSON_EACH (m, doc, object) {
        *culprit = m;
        if (count == JSON_MEMBERS_MAX)
            return ERR_FIELD_INVALID;
        struct member *member = &members[count++];
        member->node = m;
        enum err err = json_string_decode(doc, m, arena, &member->name);
        if (err)
            return err;
        for (size_t i = 0; i < exact_count; i++)
            if (is_variant(member->name, exact[i]))
                return ERR_FIELD_DUPLICATE;
    }
    *culprit = count <= FEW ? duplicate_of_few(members, count) : duplicate_of_many(members, count);
    return *culprit == JSON_NONE ? ERR_NONE : ERR_FIELD_DUPLICATE;
}
