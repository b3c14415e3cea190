#include "wire/json_scan.h"

#include "base/check.h"
#include "wire/json.h"
#include "wire/json_simd.h"

/*
 *            VALUE ──────► scalar's states ──► AFTER ──► VALUE, NAME, or one level up
 *              │                                 ▲
 *   '{', '[' on a path   '{', '[' on no path     │
 *              ▼                   ▼             │
 *   FIRST_NAME, FIRST_ELEMENT    SKIP ───────────┘ its bracket
 *              ▼
 *            NAME ──► COLON ──► VALUE
 *
 * Each state has a small function which takes bytes from p and returns where it stopped: at the end
 * of the piece in the same state, or in another state.  NULL: malformed.
 */
enum at {
    AT_VALUE,
    AT_FIRST_ELEMENT, /* a value or ']' */
    AT_FIRST_NAME,    /* a name or '}' */
    AT_NAME,
    AT_COLON,
    AT_AFTER, /* a value has ended; at depth 0: the document */
    AT_STRING,
    AT_ESCAPE,
    AT_HEX,
    AT_LITERAL,
    AT_MINUS, /* these six want a digit or may end, as named by what was last seen */
    AT_ZERO,
    AT_WHOLE,
    AT_POINT,
    AT_FRACTION,
    AT_E,
    AT_E_SIGN,
    AT_EXPONENT,
    AT_SKIP,
    AT_SKIP_STRING,
    AT_SKIP_ESCAPE,
};

/* -- paths -------------------------------------------------------------------------------------- */

void json_paths_init(struct json_paths *paths, const char *const *texts, unsigned count)
{
    CHECK(count <= JSON_PATHS_MAX);
    *paths = (struct json_paths){.count = count};
    for (unsigned i = 0; i < count; i++) {
        str rest = str_from_c(texts[i]);
        while (!str_is_null(rest)) {
            str segment = str_split(&rest, '.');
            CHECK(segment.len && segment.len <= JSON_SCAN_NAME_MAX);
            CHECK(paths->depth[i] < JSON_PATH_DEPTH_MAX);
            paths->segments[i][paths->depth[i]++] = segment;
        }
        CHECK(paths->depth[i]);
    }
}

static bool in_object(const struct json_scan *s)
{
    return s->depth && (s->objects[(s->depth - 1) / 64] >> ((s->depth - 1) % 64) & 1);
}

static uint16_t live(const struct json_scan *s)
{
    return s->depth <= JSON_PATH_DEPTH_MAX ? s->live[s->depth] : 0;
}

/* Of the paths through the open container, those that go on by this name (or element). */
static uint16_t paths_by(const struct json_scan *s, str name)
{
    uint16_t left = live(s), matched = 0;
    for (; left; left &= (uint16_t)(left - 1)) {
        unsigned i = (unsigned)__builtin_ctz(left);
        const str *segment = &s->paths->segments[i][s->depth - 1];
        if (segment->len == name.len && *segment->ptr == *name.ptr && str_eq(*segment, name))
            matched |= (uint16_t)BIT(i);
    }
    return matched;
}

/* -- captures ----------------------------------------------------------------------------------- */

/* Gives up the values being captured, but nothing that was found within them. */
static void capture_drop(struct json_scan *s)
{
    size_t keep = s->open[0].at;
    for (unsigned i = 0; i < s->found_count; i++)
        if (s->found[i].at + s->found[i].len > keep)
            keep = s->found[i].at + s->found[i].len;
    s->captured.len = keep;
    s->dropped += s->open_count;
    s->open_count = 0;
}

static void capture_until(struct json_scan *s, const char *p)
{
    if (!s->open_count)
        return;
    size_t len = (size_t)(p - s->capture_from);
    if (len > s->capture_max - s->captured.len) {
        capture_drop(s);
        return;
    }
    buf_add(&s->captured, s->capture_from, len);
    if (s->captured.failed) {
        s->captured.failed = false;
        capture_drop(s);
    }
    s->capture_from = p;
}

/* A value begins at p: is it one that is looked for? */
static void capture_begin(struct json_scan *s, const char *p)
{
    for (uint16_t left = s->wanted; left; left &= (uint16_t)(left - 1)) {
        unsigned i = (unsigned)__builtin_ctz(left);
        if (!s->depth || s->paths->depth[i] != s->depth)
            continue;
        if (s->found_count + s->open_count == JSON_SCAN_FOUND_MAX) {
            s->dropped++;
            continue;
        }
        capture_until(s, p);
        CHECK(s->open_count < JSON_PATHS_MAX);
        s->open[s->open_count].path = i;
        s->open[s->open_count].at = (uint32_t)s->captured.len;
        s->open[s->open_count].depth = s->depth;
        s->open_count++;
        s->capture_from = p;
    }
}

static void capture_end(struct json_scan *s, const char *p)
{
    if (!s->open_count || s->open[s->open_count - 1].depth != s->depth)
        return;
    capture_until(s, p);
    while (s->open_count && s->open[s->open_count - 1].depth == s->depth) {
        uint32_t at = s->open[--s->open_count].at;
        s->found[s->found_count++] = (struct json_found){
            .path = s->open[s->open_count].path, .at = at, .len = (uint32_t)s->captured.len - at};
    }
}

/* -- containers --------------------------------------------------------------------------------- */

static bool push(struct json_scan *s, bool object)
{
    if (s->depth == JSON_SCAN_DEPTH_MAX)
        return false;
    uint64_t bit = (uint64_t)1 << (s->depth % 64), *word = &s->objects[s->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    s->depth++;
    return true;
}

static bool pop(struct json_scan *s, char bracket)
{
    if (!s->depth || bracket != (in_object(s) ? '}' : ']'))
        return false;
    s->depth--;
    return true;
}

static const char *value_ended(struct json_scan *s, const char *p)
{
    capture_end(s, p);
    s->at = AT_AFTER;
    return p;
}

static const char *close_container(struct json_scan *s, const char *p)
{
    return pop(s, *p) ? value_ended(s, p + 1) : NULL;
}

static const char *open_container(struct json_scan *s, const char *p)
{
    bool object = *p == '{';
    uint32_t outside = s->depth;
    uint16_t through = s->wanted;
    if (!push(s, object))
        return NULL;
    if (s->depth <= JSON_PATH_DEPTH_MAX) {
        for (uint16_t left = through; left; left &= (uint16_t)(left - 1)) {
            unsigned i = (unsigned)__builtin_ctz(left);
            if (s->paths->depth[i] < s->depth)
                through &= (uint16_t)~BIT(i); /* it ends here */
        }
        s->live[s->depth] = through;
    }
    s->at = object ? AT_FIRST_NAME : AT_FIRST_ELEMENT;
    if (!s->strict && !s->open_count && !live(s)) {
        s->skip_depth = outside;
        s->at = AT_SKIP;
    }
    return p + 1;
}

/* Nobody asks what is in here: only quotes and brackets matter. */
static const char *skip(struct json_scan *s, const char *p, const char *end)
{
    p = json_simd.structure(p, end);
    if (p == end)
        return p;
    if (*p == '"') {
        s->at = AT_SKIP_STRING;
    } else if (*p == '{' || *p == '[') {
        if (!push(s, *p == '{'))
            return NULL;
    } else {
        if (!pop(s, *p))
            return NULL;
        if (s->depth == s->skip_depth)
            return value_ended(s, p + 1);
    }
    return p + 1;
}

static const char *skip_string(struct json_scan *s, const char *p, const char *end)
{
    unsigned seen = 0;
    p = json_text(p, end, &seen);
    if (p == end)
        return p;
    if (*p != '"' && *p != '\\')
        return NULL;
    s->at = *p == '"' ? AT_SKIP : AT_SKIP_ESCAPE;
    return p + 1;
}

/* -- strings ------------------------------------------------------------------------------------ */

/* What the next byte of a UTF-8 sequence must be, RFC 3629 §4. */
enum utf8 { UTF8_FIRST, UTF8_1, UTF8_2, UTF8_3, UTF8_E0, UTF8_ED, UTF8_F0, UTF8_F4, UTF8_WRONG };

static enum utf8 utf8_step(enum utf8 state, unsigned char c)
{
    static const struct {
        unsigned char low, high, next;
    } steps[] = {
        [UTF8_1] = {0x80, 0xbf, UTF8_FIRST}, [UTF8_2] = {0x80, 0xbf, UTF8_1},
        [UTF8_3] = {0x80, 0xbf, UTF8_2},     [UTF8_E0] = {0xa0, 0xbf, UTF8_1},
        [UTF8_ED] = {0x80, 0x9f, UTF8_1},    [UTF8_F0] = {0x90, 0xbf, UTF8_2},
        [UTF8_F4] = {0x80, 0x8f, UTF8_2},
    };
    if (state != UTF8_FIRST)
        return c >= steps[state].low && c <= steps[state].high ? (enum utf8)steps[state].next
                                                               : UTF8_WRONG;
    if (c < 0x80)
        return UTF8_FIRST;
    if (c < 0xc2 || c > 0xf4)
        return UTF8_WRONG;
    if (c < 0xe0)
        return UTF8_1;
    if (c < 0xf0)
        return c == 0xe0 ? UTF8_E0 : c == 0xed ? UTF8_ED : UTF8_2;
    return c == 0xf0 ? UTF8_F0 : c == 0xf4 ? UTF8_F4 : UTF8_3;
}

static bool utf8_run(struct json_scan *s, const char *p, const char *end)
{
    enum utf8 state = (enum utf8)s->utf8;
    for (; p < end && state != UTF8_FIRST && state != UTF8_WRONG; p++)
        state = utf8_step(state, (unsigned char)*p);
    if (state == UTF8_FIRST)
        p += json_simd.utf8(p, (size_t)(end - p));
    for (; p < end && state != UTF8_WRONG; p++)
        state = utf8_step(state, (unsigned char)*p);
    s->utf8 = (uint8_t)state;
    return state != UTF8_WRONG;
}

static void name_add(struct json_scan *s, const char *p, size_t len)
{
    if (!s->in_name || !s->name_wanted)
        return;
    if (len <= JSON_SCAN_NAME_MAX - s->name_len) {
        memcpy(s->name + s->name_len, p, len);
        s->name_len += (uint32_t)len;
    } else {
        s->name_wanted = false; /* too long to be one of ours */
    }
}

static const char *string_begin(struct json_scan *s, const char *p, bool in_name)
{
    s->at = AT_STRING;
    s->in_name = in_name;
    s->name_wanted = in_name && live(s);
    s->name_len = 0;
    return p + 1;
}

/* The name's last part is `run`; when that is all of it, and has no escapes, it is looked at where
 * it is. */
static void name_end(struct json_scan *s, str run, bool escaped)
{
    s->wanted = 0;
    if (s->name_wanted && s->name_len == 0 && !escaped) {
        s->wanted = paths_by(s, run);
        return;
    }
    name_add(s, run.ptr, run.len);
    if (!s->name_wanted)
        return;
    str name = str_make(s->name, s->name_len);
    if (memchr(name.ptr, '\\', name.len))
        name.len = json_unescape(name, s->name);
    s->wanted = paths_by(s, name);
}

static const char *string(struct json_scan *s, const char *p, const char *end)
{
    unsigned seen = 0;
    const char *run = p;
    p = json_text(p, end, &seen);
    if (((seen & JSON_TEXT_HIGH) || s->utf8) && !utf8_run(s, run, p))
        return NULL;
    if (p < end && *p != '"' && *p != '\\')
        return NULL;
    if (p < end && s->utf8)
        return NULL;
    if (p < end && *p == '"') {
        if (!s->in_name)
            return value_ended(s, p + 1);
        name_end(s, str_make(run, (size_t)(p - run)), seen & JSON_TEXT_ESCAPED);
        s->at = AT_COLON;
        return p + 1;
    }
    bool backslash = p < end;
    s->at = backslash ? AT_ESCAPE : AT_STRING;
    name_add(s, run, (size_t)(p - run) + backslash);
    return p + backslash;
}

static const char *escape(struct json_scan *s, const char *p)
{
    if (*p != 'u' && !json_simple_escape[(unsigned char)*p])
        return NULL;
    name_add(s, p, 1);
    s->at = *p == 'u' ? AT_HEX : AT_STRING;
    s->hex_left = 4;
    return p + 1;
}

static const char *hex(struct json_scan *s, const char *p)
{
    char c = *p, lower = (char)(c | 0x20);
    if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'f'))
        return NULL;
    name_add(s, p, 1);
    if (--s->hex_left == 0)
        s->at = AT_STRING;
    return p + 1;
}

/* -- words and numbers -------------------------------------------------------------------------- */

static const char *literal_begin(struct json_scan *s, const char *p, const char *rest)
{
    s->at = AT_LITERAL;
    s->literal = rest;
    return p + 1;
}

static const char *literal(struct json_scan *s, const char *p)
{
    if (*p != *s->literal)
        return NULL;
    s->literal++;
    return *s->literal ? p + 1 : value_ended(s, p + 1);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool number_may_end(uint8_t at)
{
    return at == AT_ZERO || at == AT_WHOLE || at == AT_FRACTION || at == AT_EXPONENT;
}

static const char *digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

/* One byte that is not a digit where one would only have gone on. */
static const char *number_other(struct json_scan *s, const char *p)
{
    if ((*p == 'e' || *p == 'E') && number_may_end(s->at) && s->at != AT_EXPONENT)
        s->at = AT_E;
    else if (*p == '.' && (s->at == AT_ZERO || s->at == AT_WHOLE))
        s->at = AT_POINT;
    else if ((*p == '+' || *p == '-') && s->at == AT_E)
        s->at = AT_E_SIGN;
    else
        return number_may_end(s->at) ? value_ended(s, p) : NULL;
    return p + 1;
}

static const char *number(struct json_scan *s, const char *p, const char *end)
{
    if (!is_digit(*p))
        return number_other(s, p);
    switch (s->at) {
    case AT_ZERO:
        return NULL;
    case AT_MINUS:
        s->at = *p == '0' ? AT_ZERO : AT_WHOLE;
        return p + 1;
    case AT_POINT:
        s->at = AT_FRACTION;
        break;
    case AT_E:
    case AT_E_SIGN:
        s->at = AT_EXPONENT;
        break;
    }
    return digits(p, end);
}

/* -- between tokens ----------------------------------------------------------------------------- */

static const char *value(struct json_scan *s, const char *p)
{
    capture_begin(s, p);
    switch (*p) {
    case '"':
        return string_begin(s, p, false);
    case '{':
    case '[':
        return open_container(s, p);
    case 't':
        return literal_begin(s, p, "rue");
    case 'f':
        return literal_begin(s, p, "alse");
    case 'n':
        return literal_begin(s, p, "ull");
    case '-':
        s->at = AT_MINUS;
        return p + 1;
    case '0' ... '9':
        s->at = *p == '0' ? AT_ZERO : AT_WHOLE;
        return p + 1;
    default:
        return NULL;
    }
}

static const char *element(struct json_scan *s, const char *p)
{
    s->wanted = live(s) ? paths_by(s, STR("*")) : 0;
    return value(s, p);
}

static const char *after(struct json_scan *s, const char *p)
{
    if (*p != ',')
        return close_container(s, p);
    if (!s->depth)
        return NULL;
    s->at = in_object(s) ? AT_NAME : AT_VALUE;
    s->wanted = 0;
    return p + 1;
}

static const char *colon(struct json_scan *s, const char *p)
{
    s->at = AT_VALUE;
    return *p == ':' ? p + 1 : NULL;
}

static const char *token(struct json_scan *s, const char *p, const char *end)
{
    p = json_space(p, end);
    if (p == end)
        return p;
    switch (s->at) {
    case AT_FIRST_ELEMENT:
        if (*p == ']')
            return close_container(s, p);
        return element(s, p);
    case AT_VALUE:
        return s->depth && !in_object(s) ? element(s, p) : value(s, p);
    case AT_FIRST_NAME:
        if (*p == '}')
            return close_container(s, p);
        return *p == '"' ? string_begin(s, p, true) : NULL;
    case AT_NAME:
        return *p == '"' ? string_begin(s, p, true) : NULL;
    case AT_COLON:
        return colon(s, p);
    default:
        return after(s, p);
    }
}

static const char *step(struct json_scan *s, const char *p, const char *end)
{
    switch ((enum at)s->at) {
    case AT_VALUE:
    case AT_FIRST_ELEMENT:
    case AT_FIRST_NAME:
    case AT_NAME:
    case AT_COLON:
    case AT_AFTER:
        return token(s, p, end);
    case AT_STRING:
        return string(s, p, end);
    case AT_ESCAPE:
        return escape(s, p);
    case AT_HEX:
        return hex(s, p);
    case AT_LITERAL:
        return literal(s, p);
    case AT_MINUS:
    case AT_ZERO:
    case AT_WHOLE:
    case AT_POINT:
    case AT_FRACTION:
    case AT_E:
    case AT_E_SIGN:
    case AT_EXPONENT:
        return number(s, p, end);
    case AT_SKIP:
        return skip(s, p, end);
    case AT_SKIP_STRING:
        return skip_string(s, p, end);
    case AT_SKIP_ESCAPE:
        s->at = AT_SKIP_STRING;
        return p + 1;
    }
    BUG("json_scan: no such state");
}

/* -- the face ----------------------------------------------------------------------------------- */

void json_scan_reset(struct json_scan *s)
{
    s->state = JSON_SCAN_INCOMPLETE;
    s->found_count = s->dropped = 0;
    buf_clear(&s->captured);
    s->at = AT_VALUE;
    s->utf8 = UTF8_FIRST;
    s->open_count = 0;
    s->depth = 0;
    s->wanted = (uint16_t)(BIT(s->paths->count) - 1);
    s->live[0] = 0;
}

void json_scan_init(struct json_scan *s, const struct json_paths *paths, uint32_t capture_max)
{
    s->paths = paths;
    s->capture_max = capture_max;
    s->strict = false;
    buf_init(&s->captured, 0);
    json_scan_reset(s);
}

void json_scan_release(struct json_scan *s)
{
    buf_release(&s->captured);
}

enum json_scan_state json_scan_feed(struct json_scan *s, str bytes)
{
    if (s->state == JSON_SCAN_MALFORMED || !bytes.len)
        return s->state;
    const char *p = bytes.ptr, *end = bytes.ptr + bytes.len;
    s->capture_from = p;
    while (p < end) {
        p = step(s, p, end);
        if (!p) {
            s->open_count = 0;
            s->state = JSON_SCAN_MALFORMED;
            return s->state;
        }
    }
    capture_until(s, end);
    s->state = s->depth == 0 && (s->at == AT_AFTER || number_may_end(s->at)) ? JSON_SCAN_COMPLETE
                                                                             : JSON_SCAN_INCOMPLETE;
    return s->state;
}

enum json_scan_state json_scan_end(const struct json_scan *s)
{
    return s->state;
}

str json_scan_found(const struct json_scan *s, unsigned path)
{
    for (unsigned i = s->found_count; i-- > 0;)
        if (s->found[i].path == path)
            return str_make(s->captured.ptr + s->found[i].at, s->found[i].len);
    return STR_NULL;
}
