#include "app/config_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Marks begin with a private-use character, U+E000 + number: three bytes, EE 80 80 and on, and are
 * filled up with 'x' to the length of what they replace.  Private-use characters of the text itself
 * become marks too, so that none is ever mistaken. */
enum { MARK_MAX = 6400, MARK_BYTES = 3, SECRET_FILE_MAX = 1 << 20 };

static const char *say(struct arena *a, const char *format, ...) printf_like(2, 3);
static const char *say(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str s = arena_vprintf(a, format, args);
    va_end(args);
    return s.ptr ? s.ptr : "out of memory";
}

const char *config_file_read(const char *path, size_t limit, char **bytes, size_t *len,
                             struct arena *a)
{
    const char *wrong = NULL;
    struct stat st;
    struct buf b;
    buf_init(&b, limit + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return strerror(errno);
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        wrong = "it is a directory";
        goto done;
    }
    for (;;) {
        size_t room = limit + 1 - b.len < 65536 ? limit + 1 - b.len : 65536;
        char *to = room ? buf_reserve(&b, room) : NULL;
        if (!to) {
            wrong = b.failed ? "out of memory" : NULL;
            break;
        }
        ssize_t n = read(fd, to, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            wrong = strerror(errno);
        if (n <= 0)
            break;
        b.len += (size_t)n;
    }
    if (!wrong && b.len > limit)
        wrong = say(a, "it is larger than %zu bytes", limit);
done:
    close(fd);
    if (wrong) {
        buf_release(&b);
        return wrong;
    }
    if (!b.ptr && !buf_reserve(&b, 1))
        return "out of memory";
    *bytes = b.ptr;
    *len = b.len;
    return NULL;
}

/* Length of the UTF-8 character at the beginning, or 0: it is none.  RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF. */
static size_t utf8_length(const unsigned char *s, size_t len)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, length;
    } forms[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (s[0] < forms[i].first_low || s[0] > forms[i].first_high)
            continue;
        size_t length = forms[i].length;
        if (length > len ||
            (length > 1 && (s[1] < forms[i].second_low || s[1] > forms[i].second_high)))
            return 0;
        for (size_t k = 2; k < length; k++)
            if ((s[k] & 0xc0) != 0x80)
                return 0;
        return length;
    }
    return 0;
}

/* U+E000 to U+F8FF at the beginning: its number from 0, or -1. */
static int private_use(str s)
{
    const unsigned char *b = (const unsigned char *)s.ptr;
    if (!b || s.len < MARK_BYTES || (b[0] != 0xee && b[0] != 0xef))
        return -1;
    int point = (b[0] & 0x0f) << 12 | (b[1] & 0x3f) << 6 | (b[2] & 0x3f);
    return point >= 0xe000 && point < 0xe000 + MARK_MAX ? point - 0xe000 : -1;
}

static void private_use_write(char *to, unsigned number)
{
    unsigned point = 0xe000 + number;
    to[0] = (char)(0xe0 | point >> 12);
    to[1] = (char)(0x80 | (point >> 6 & 0x3f));
    to[2] = (char)(0x80 | (point & 0x3f));
}

/* Length of "${…}" or "$${…}" at the beginning, within a line; 0: there is none. */
static size_t interpolation_length(str s)
{
    size_t start = str_starts(s, STR("$${")) ? 3 : str_starts(s, STR("${")) ? 2 : 0;
    if (start == 0)
        return 0;
    for (size_t i = start; i < s.len && s.ptr[i] != '\n' && s.ptr[i] != '\r'; i++)
        if (s.ptr[i] == '}')
            return i + 1 > MARK_BYTES ? i + 1 : 0;
    return 0;
}

static bool mark_set(struct config_text *t, size_t at, size_t len)
{
    if (t->mark_count == MARK_MAX)
        return false;
    str original = arena_str(t->arena, str_make(t->bytes + at, len));
    if (str_is_null(original))
        return false;
    private_use_write(t->bytes + at, t->mark_count);
    memset(t->bytes + at + MARK_BYTES, 'x', len - MARK_BYTES);
    t->marks[t->mark_count++] = original;
    return true;
}

static size_t marks_at_most(str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len && n < MARK_MAX; i++)
        n += text.ptr[i] == '$' || text.ptr[i] == '\xee' || text.ptr[i] == '\xef';
    return n;
}

const char *config_text_init(struct config_text *t, str text, struct arena *a,
                             const char *const *environment, size_t *wrong_at)
{
    *t = (struct config_text){.arena = a, .environment = environment, .len = text.len};
    *wrong_at = 0;
    t->bytes = malloc(text.len + 1);
    t->marks = arena_alloc(a, marks_at_most(text) * sizeof(*t->marks));
    if (!t->bytes || !t->marks)
        return "out of memory";
    if (text.len)
        memcpy(t->bytes, text.ptr, text.len);
    t->bytes[text.len] = '\0';
    for (size_t at = 0; at < text.len;) {
        str rest = str_make(t->bytes + at, text.len - at);
        size_t length = utf8_length((const unsigned char *)rest.ptr, rest.len);
        size_t mark = private_use(rest) >= 0 ? MARK_BYTES : interpolation_length(rest);
        *wrong_at = at;
        if (length == 0)
            return "the text is not UTF-8";
        if (rest.ptr[0] == '\0')
            return "the text holds a NUL byte";
        if (mark && !mark_set(t, at, mark))
            return "too many ${…}";
        at += mark ? mark : length;
    }
    return NULL;
}

void config_text_release(struct config_text *t)
{
    if (t->bytes)
        explicit_bzero(t->bytes, t->len);
    free(t->bytes);
    t->bytes = NULL;
}

/* The mark at the beginning of a value, and its length there; null str: there is none. */
static str mark_at(const struct config_text *t, str value)
{
    int number = private_use(value);
    if (number < 0 || (unsigned)number >= t->mark_count || t->marks[number].len > value.len)
        return STR_NULL;
    for (size_t i = MARK_BYTES; i < t->marks[number].len; i++)
        if (value.ptr[i] != 'x')
            return STR_NULL;
    return t->marks[number];
}

void config_text_place(struct config_text *t, size_t at, unsigned *line, unsigned *column)
{
    if (t->cursor > at || t->cursor_line == 0) {
        t->cursor = 0;
        t->cursor_line = t->cursor_column = 1;
    }
    *line = t->cursor_line;
    *column = t->cursor_column;
    size_t i = t->cursor;
    while (i < at && i < t->len) {
        /* A mark may hold characters of several bytes: count those that were written. */
        str part = mark_at(t, str_make(t->bytes + i, t->len - i));
        if (part.len == 0)
            part = str_make(t->bytes + i, 1);
        for (size_t k = 0; k < part.len && i + k < at; k++) {
            if (part.ptr[k] == '\n') {
                ++*line;
                *column = 1;
            } else if (((unsigned char)part.ptr[k] & 0xc0) != 0x80) {
                ++*column;
            }
        }
        i += part.len;
    }
    if (i == at) {
        t->cursor = at;
        t->cursor_line = *line;
        t->cursor_column = *column;
    }
}

size_t config_text_offset(const struct config_text *t, unsigned line, unsigned column)
{
    size_t at = 0;
    for (unsigned l = 1; l < line && at < t->len; l++) {
        const char *end = memchr(t->bytes + at, '\n', t->len - at);
        at = end ? (size_t)(end - t->bytes) + 1 : t->len;
    }
    for (unsigned c = 1; c < column && at < t->len && t->bytes[at] != '\n'; c++) {
        size_t length = utf8_length((const unsigned char *)t->bytes + at, t->len - at);
        at += length ? length : 1;
    }
    return at;
}

bool config_text_is_nothing(str text)
{
    return text.len == 0 || str_eq(text, STR("~")) || str_eq(text, STR("null")) ||
           str_eq(text, STR("Null")) || str_eq(text, STR("NULL"));
}

const char *config_environment_get(const char *const *environment, str name)
{
    for (; environment && *environment; environment++) {
        str entry = str_from_c(*environment);
        if (str_starts(entry, name) && entry.len > name.len && entry.ptr[name.len] == '=')
            return *environment + name.len + 1;
    }
    return NULL;
}

static bool is_variable_name(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.len > 0;
}

static const char *expand_file(const struct config_text *t, str path, struct buf *out)
{
    char *bytes = NULL;
    size_t len = 0;
    str name = arena_str(t->arena, path);
    if (str_is_null(name))
        return "out of memory";
    const char *wrong = config_file_read(name.ptr, SECRET_FILE_MAX, &bytes, &len, t->arena);
    if (wrong)
        return say(t->arena, "%.*s cannot be read: %s", STR_ARG(path), wrong);
    size_t kept = len && bytes[len - 1] == '\n' ? len - 1 : len;
    if (kept && kept < len && bytes[kept - 1] == '\r')
        kept--;
    if (memchr(bytes, '\0', len))
        wrong = say(t->arena, "%.*s holds a NUL byte", STR_ARG(path));
    else
        buf_add(out, bytes, kept);
    explicit_bzero(bytes, len);
    free(bytes);
    return wrong;
}

static const char *expand_variable(const struct config_text *t, str inside, struct buf *out)
{
    ptrdiff_t at = str_find(inside, STR(":-"));
    str name = at < 0 ? inside : str_first(inside, (size_t)at);
    str fallback = at < 0 ? STR_NULL : str_from(inside, (size_t)at + 2);
    if (!is_variable_name(name))
        return say(t->arena,
                   "${%.*s} is neither ${VARIABLE}, ${VARIABLE:-default} nor "
                   "${file:/path}; write $${ for a literal ${",
                   STR_ARG(inside));
    const char *value = config_environment_get(t->environment, name);
    if (at >= 0 && (!value || !*value))
        buf_add_str(out, fallback);
    else if (!value)
        return say(t->arena, "environment variable %.*s is not set", STR_ARG(name));
    else
        buf_add_str(out, str_from_c(value));
    return NULL;
}

static const char *expand_mark(const struct config_text *t, str mark, struct buf *out)
{
    if (mark.ptr[0] != '$') { /* a private-use character of the text's own */
        buf_add_str(out, mark);
        return NULL;
    }
    if (mark.ptr[1] == '$') {
        buf_add_str(out, str_from(mark, 1));
        return NULL;
    }
    str inside = str_make(mark.ptr + 2, mark.len - 3);
    if (str_starts(inside, STR("file:")))
        return expand_file(t, str_from(inside, 5), out);
    return expand_variable(t, inside, out);
}

static str finished(const struct config_text *t, struct buf *b, const char **wrong)
{
    str result = b->failed ? STR_NULL : arena_str(t->arena, buf_str(b));
    if (str_is_null(result) && !*wrong)
        *wrong = "out of memory";
    if (b->ptr)
        explicit_bzero(b->ptr, b->len);
    buf_release(b);
    return *wrong ? STR_NULL : result;
}

str config_text_expand(const struct config_text *t, str value, bool *expanded, const char **wrong)
{
    struct buf b;
    buf_init(&b, CONFIG_FILE_MAX);
    *expanded = false;
    *wrong = NULL;
    for (size_t at = 0; at < value.len && !*wrong;) {
        str mark = mark_at(t, str_from(value, at));
        if (mark.len) {
            *expanded = true;
            *wrong = expand_mark(t, mark, &b);
            at += mark.len;
        } else if (str_starts(str_from(value, at), STR("${"))) {
            *wrong = "${ without its }; write $${ for a literal ${";
        } else {
            buf_add_byte(&b, value.ptr[at++]);
        }
    }
    return finished(t, &b, wrong);
}

str config_text_original(const struct config_text *t, str value)
{
    struct buf b;
    const char *wrong = NULL;
    buf_init(&b, CONFIG_FILE_MAX);
    for (size_t at = 0; at < value.len;) {
        str mark = mark_at(t, str_from(value, at));
        if (mark.len)
            buf_add_str(&b, mark);
        else
            buf_add_byte(&b, value.ptr[at]);
        at += mark.len ? mark.len : 1;
    }
    return finished(t, &b, &wrong);
}
