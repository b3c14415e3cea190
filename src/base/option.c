#include "base/option.h"

#include <stdlib.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first: the order in which formatting tries them. */
static const struct unit duration_units[] = {
    {"h", OPTION_HOUR}, {"m", OPTION_MINUTE}, {"s", OPTION_SECOND}, {"ms", 1}, {NULL, 0}};
static const struct unit size_units[] = {
    {"GiB", OPTION_GIB}, {"MiB", OPTION_MIB}, {"KiB", OPTION_KIB}, {"B", 1}, {NULL, 0}};
static const struct unit percent_units[] = {{"%", 1}, {NULL, 0}};
static const struct unit no_units[] = {{NULL, 0}};

static const struct unit *units_of(enum option_type type)
{
    switch (type) {
    case OPTION_DURATION:
        return duration_units;
    case OPTION_SIZE:
        return size_units;
    case OPTION_PERCENT:
        return percent_units;
    case OPTION_BOOL:
    case OPTION_UINT:
    case OPTION_ENUM:
    case OPTION_STRING:
    case OPTION_STRINGS:
    case OPTION_PAIRS:
    case OPTION_KIND:
    case OPTION_KINDS:
    case OPTION_SECTION:
    case OPTION_LIST:
    case OPTION_MAP:
        break;
    }
    return no_units;
}

static str digits_of(str *text)
{
    size_t n = 0;
    while (n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9')
        n++;
    str digits = str_first(*text, n);
    *text = str_from(*text, n);
    return digits;
}

/* "1.5" of a unit: at most three digits behind the point, and nothing may be left over. */
static bool scaled(str whole, str fraction, uint64_t factor, uint64_t *out)
{
    uint64_t value, part = 0, scale = 1;
    if (!str_to_u64(whole, &value) || __builtin_mul_overflow(value, factor, &value))
        return false;
    if (fraction.len > 3 || (fraction.len && !str_to_u64(fraction, &part)))
        return false;
    for (size_t i = 0; i < fraction.len; i++)
        scale *= 10;
    if (part * factor % scale)
        return false;
    return !__builtin_add_overflow(value, part * factor / scale, out);
}

/* A unit may be left out where 0 is meant, for bytes, and for percent. */
static bool unit_parse(enum option_type type, str text, bool is_zero, uint64_t *factor)
{
    text = str_trim(text);
    if (text.len == 0) {
        *factor = 1;
        return is_zero || type != OPTION_DURATION;
    }
    for (const struct unit *u = units_of(type); u->name; u++)
        if (str_ieq(text, str_from_c(u->name))) {
            *factor = u->factor;
            return true;
        }
    return false;
}

static bool quantity_parse(enum option_type type, str text, uint64_t *out)
{
    str whole = digits_of(&text), fraction = STR_NULL;
    if (whole.len && text.len && text.ptr[0] == '.') {
        text = str_from(text, 1);
        fraction = digits_of(&text);
        if (fraction.len == 0)
            return false;
    }
    uint64_t zero = 1, factor;
    bool is_zero = str_to_u64(whole, &zero) && zero == 0 && fraction.len == 0;
    if (whole.len == 0 || !unit_parse(type, text, is_zero, &factor))
        return false;
    return scaled(whole, fraction, factor, out);
}

static bool bool_parse(str text, uint64_t *out)
{
    *out = str_ieq(text, STR("true"));
    return *out || str_ieq(text, STR("false"));
}

static bool enum_parse(const struct option *o, str text, uint64_t *out)
{
    for (uint64_t i = 0; o->names[i]; i++)
        if (str_eq(text, str_from_c(o->names[i]))) {
            *out = i;
            return true;
        }
    return false;
}

static const char *say(struct arena *a, const char *format, ...) printf_like(2, 3);
static const char *say(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str s = arena_vprintf(a, format, args);
    va_end(args);
    return s.ptr ? s.ptr : "is not valid";
}

static const char *say_expected(const struct option *o, struct arena *a)
{
    struct buf b;
    buf_init(&b, 0);
    option_describe(o, &b);
    const char *text = say(a, "is not %.*s", (int)b.len, b.ptr ? b.ptr : "");
    buf_release(&b);
    return text;
}

/* Bounds in words; the larger bound of a row that has only a lower one is as good as none. */
static const char *range_check(const struct option *o, uint64_t value, struct arena *a)
{
    if ((o->min == 0 && o->max == 0) || (value >= o->min && value <= o->max))
        return NULL;
    struct buf b;
    buf_init(&b, 0);
    buf_add_lit(&b, "must be ");
    if (value < o->min) {
        buf_add_lit(&b, "at least ");
        option_number_format(o, o->min, &b);
    } else {
        buf_add_lit(&b, "at most ");
        option_number_format(o, o->max, &b);
    }
    const char *text = say(a, "%.*s", (int)b.len, b.ptr ? b.ptr : "");
    buf_release(&b);
    return text;
}

const char *option_number_parse(const struct option *o, str text, uint64_t *value, struct arena *a)
{
    uint64_t v = 0;
    bool fine = false;
    switch (o->type) {
    case OPTION_BOOL:
        fine = bool_parse(text, &v);
        break;
    case OPTION_ENUM:
        fine = enum_parse(o, text, &v);
        break;
    case OPTION_UINT:
        fine = str_to_u64(text, &v);
        break;
    case OPTION_PERCENT:
    case OPTION_SIZE:
    case OPTION_DURATION:
        fine = quantity_parse(o->type, text, &v);
        break;
    case OPTION_STRING:
    case OPTION_STRINGS:
    case OPTION_PAIRS:
    case OPTION_KIND:
    case OPTION_KINDS:
    case OPTION_SECTION:
    case OPTION_LIST:
    case OPTION_MAP:
        BUG("option %s is not a number", o->name);
    }
    if (!fine)
        return say_expected(o, a);
    const char *wrong = range_check(o, v, a);
    if (!wrong && o->width < sizeof(v) && v >> (8 * o->width))
        wrong = "is too large";
    if (!wrong)
        *value = v;
    return wrong;
}

void option_number_format(const struct option *o, uint64_t value, struct buf *out)
{
    if (o->type == OPTION_BOOL) {
        buf_add_str(out, value ? STR("true") : STR("false"));
        return;
    }
    if (o->type == OPTION_ENUM) {
        buf_add_str(out, str_from_c(o->names[value]));
        return;
    }
    const struct unit *u = units_of(o->type);
    while (u->name && (value < u->factor || value % u->factor))
        u++;
    buf_add_u64(out, u->name ? value / u->factor : value);
    if (u->name)
        buf_add_str(out, str_from_c(u->name));
}

uint64_t option_number_get(const struct option *o, const void *base)
{
    const char *field = (const char *)base + o->offset;
    uint64_t wide = 0;
    uint32_t narrow;
    uint8_t byte;
    switch (o->width) {
    case sizeof(wide):
        memcpy(&wide, field, sizeof(wide));
        return wide;
    case sizeof(narrow):
        memcpy(&narrow, field, sizeof(narrow));
        return narrow;
    case sizeof(byte):
        memcpy(&byte, field, sizeof(byte));
        return byte;
    default:
        BUG("option %s has a width of %u", o->name, o->width);
    }
}

void option_number_set(const struct option *o, void *base, uint64_t value)
{
    char *field = (char *)base + o->offset;
    uint32_t narrow = (uint32_t)value;
    uint8_t byte = (uint8_t)value;
    switch (o->width) {
    case sizeof(value):
        memcpy(field, &value, sizeof(value));
        break;
    case sizeof(narrow):
        memcpy(field, &narrow, sizeof(narrow));
        break;
    case sizeof(byte):
        memcpy(field, &byte, sizeof(byte));
        break;
    default:
        BUG("option %s has a width of %u", o->name, o->width);
    }
}

const char *option_text_check(const struct option *o, str text, struct arena *a)
{
    if (o->max && text.len > o->max)
        return say(a, "must not be longer than %llu bytes", (unsigned long long)o->max);
    if (text.len < o->min)
        return o->min == 1 ? "must not be empty"
                           : say(a, "must be at least %llu bytes long", (unsigned long long)o->min);
    return o->check ? o->check(text) : NULL;
}

void option_describe(const struct option *o, struct buf *out)
{
    switch (o->type) {
    case OPTION_BOOL:
        buf_add_lit(out, "true or false");
        break;
    case OPTION_UINT:
        buf_add_lit(out, "a whole number");
        break;
    case OPTION_PERCENT:
        buf_add_lit(out, "a percentage such as 25%");
        break;
    case OPTION_SIZE:
        buf_add_lit(out, "a size such as 64KiB, 10MiB");
        break;
    case OPTION_DURATION:
        buf_add_lit(out, "a duration such as 250ms, 2s, 5m, 1h");
        break;
    case OPTION_ENUM:
        buf_add_str(out, o->names[1] && o->names[2] ? STR("one of ") : STR(""));
        for (unsigned i = 0; o->names[i]; i++)
            buf_printf(out, "%s%s", i ? (o->names[i + 1] ? ", " : " or ") : "", o->names[i]);
        break;
    case OPTION_STRING:
        buf_add_lit(out, "a text");
        break;
    case OPTION_STRINGS:
        buf_add_lit(out, "a list of texts");
        break;
    case OPTION_PAIRS:
        buf_add_lit(out, "a map of texts");
        break;
    case OPTION_KIND:
        buf_add_str(out, str_from_c(o->kind->what));
        break;
    case OPTION_KINDS:
        buf_printf(out, "a list, each %s", o->kind->what);
        break;
    case OPTION_SECTION:
        buf_add_lit(out, "a section (name: value)");
        break;
    case OPTION_LIST:
        buf_printf(out, "a list, each %s", o->table->what);
        break;
    case OPTION_MAP:
        buf_printf(out, "a map, each name: %s", o->table->what);
        break;
    }
}

const struct option *option_find(const struct option_table *t, str name)
{
    for (const struct option *o = t->rows; o->name; o++)
        if (str_eq(name, str_from_c(o->name)))
            return o;
    return NULL;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c == '-' ? '_' : c;
}

static char plainest(char c)
{
    c = lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_';
}

bool option_name_alike(str a, str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (plainest(a.ptr[i]) != plainest(b.ptr[i]))
            return false;
    return true;
}

enum { DISTANCE_TEXT_MAX = 128 };

unsigned option_distance(str a, str b, unsigned limit)
{
    size_t apart = a.len > b.len ? a.len - b.len : b.len - a.len;
    if (a.len > DISTANCE_TEXT_MAX || b.len > DISTANCE_TEXT_MAX || apart > limit)
        return limit + 1;
    /* Three rows of the usual table: two back for swapped neighbours. */
    unsigned rows[3][DISTANCE_TEXT_MAX + 1];
    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *now = rows[i % 3];
        const unsigned *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            char x = lower(a.ptr[i - 1]), y = lower(b.ptr[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.ptr[j - 2]) && y == lower(a.ptr[i - 2]) &&
                before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
    }
    unsigned distance = rows[a.len % 3][b.len];
    return distance > limit ? limit + 1 : distance;
}

void option_suggest(str written, str candidate, str *best, unsigned *best_distance)
{
    size_t longer = written.len > candidate.len ? written.len : candidate.len;
    unsigned limit = longer < 3 ? 0 : longer < 6 ? 1 : longer < 9 ? 2 : 3;
    unsigned distance = option_distance(written, candidate, limit);
    if (distance > limit || (!str_is_null(*best) && distance >= *best_distance))
        return;
    *best = candidate;
    *best_distance = distance;
}
