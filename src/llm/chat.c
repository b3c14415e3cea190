#include "llm/chat.h"

#include "base/base64.h"
#include "wire/json_write.h"

/* --- Raw text ------------------------------------------------------------------------------------ */

struct raw raw_of_node(const struct json_doc *doc, uint32_t node)
{
    return json_is(doc, node, JSON_STRING) ? (struct raw){json_string_raw(doc, node)} : RAW_NULL;
}

struct raw raw_of_text(struct arena *a, str text)
{
    if (str_is_null(text))
        return RAW_NULL;
    str quoted = json_quote(a, text);
    return str_is_null(quoted) ? RAW_NULL : (struct raw){str_make(quoted.ptr + 1, quoted.len - 2)};
}

str raw_decode(struct arena *a, struct raw r)
{
    if (str_is_null(r.s) || str_find_byte(r.s, '\\') < 0)
        return r.s;
    char *to = arena_alloc(a, r.s.len + 1);
    if (!to)
        return STR_NULL;
    return str_make(to, json_unescape(r.s, to));
}

/* Length of the white space that begins here, as text or as an escape; 0: something else. */
static size_t blank_at(str s)
{
    static const str escapes[] = {STR_INIT("\\n"),     STR_INIT("\\t"),     STR_INIT("\\r"),
                                  STR_INIT("\\f"),     STR_INIT("\\u0020"), STR_INIT("\\u0009"),
                                  STR_INIT("\\u000a"), STR_INIT("\\u000b"), STR_INIT("\\u000c"),
                                  STR_INIT("\\u000d")};
    if (s.ptr[0] == ' ')
        return 1;
    for (unsigned i = 0; i < ARRAY_LEN(escapes); i++)
        if (str_istarts(s, escapes[i]) && s.ptr[1] == escapes[i].ptr[1])
            return escapes[i].len;
    return 0;
}

bool raw_is_blank(struct raw r)
{
    str left = r.s;
    while (left.len) {
        size_t n = blank_at(left);
        if (!n)
            return false;
        left = str_from(left, n);
    }
    return true;
}

/* --- Building ------------------------------------------------------------------------------------ */

void chat_init(struct chat *c, struct arena *a)
{
    *c = (struct chat){.arena = a};
}

static struct turn *new_turn(struct chat *c, enum role role, str path)
{
    struct turn *t = arena_zalloc(c->arena, sizeof(*t));
    if (t) {
        t->role = role;
        t->path = path;
    }
    return t;
}

struct turn *chat_add_turn(struct chat *c, enum role role, str path)
{
    struct turn *t = new_turn(c, role, path);
    if (!t)
        return NULL;
    if (c->turns_last)
        c->turns_last->next = t;
    else
        c->turns = t;
    c->turns_last = t;
    return t;
}

struct turn *chat_add_system(struct chat *c, str path)
{
    struct turn *t = new_turn(c, ROLE_SYSTEM, path);
    if (!t)
        return NULL;
    if (c->system_last)
        c->system_last->next = t;
    else
        c->system = t;
    c->system_last = t;
    return t;
}

struct block *chat_new_block(struct chat *c, enum block_kind kind)
{
    struct block *b = arena_zalloc(c->arena, sizeof(*b));
    if (b)
        b->kind = kind;
    return b;
}

struct block *turn_add(struct chat *c, struct turn *t, enum block_kind kind)
{
    struct block *b = chat_new_block(c, kind);
    if (!b)
        return NULL;
    if (t->last)
        t->last->next = b;
    else
        t->blocks = b;
    t->last = b;
    return b;
}

struct tool *chat_add_tool(struct chat *c)
{
    struct tool *t = arena_zalloc(c->arena, sizeof(*t));
    if (!t)
        return NULL;
    if (c->tools_last)
        c->tools_last->next = t;
    else
        c->tools = t;
    c->tools_last = t;
    return t;
}

bool chat_add_stop(struct chat *c, struct raw text)
{
    struct stop_list *s = arena_zalloc(c->arena, sizeof(*s));
    if (!s)
        return false;
    s->text = text;
    if (c->stop)
        c->stop_last->next = s;
    else
        c->stop = s;
    c->stop_last = s;
    return true;
}

bool chat_add_allowed(struct chat *c, str name)
{
    struct name_list *n = arena_zalloc(c->arena, sizeof(*n));
    if (!n)
        return false;
    n->name = name;
    if (c->allowed)
        c->allowed_last->next = n;
    else
        c->allowed = n;
    c->allowed_last = n;
    return true;
}

bool chat_add_extra(struct chat *c, enum native_format format, str name, str json,
                    enum field_class class)
{
    struct extra *e = arena_zalloc(c->arena, sizeof(*e));
    if (!e)
        return false;
    *e = (struct extra){.format = format, .name = name, .json = json, .class = class};
    if (c->extras_last)
        c->extras_last->next = e;
    else
        c->extras = e;
    c->extras_last = e;
    return true;
}

const struct extra *chat_extra(const struct chat *c, enum native_format format, str name)
{
    for (const struct extra *e = c->extras; e; e = e->next)
        if (e->format == format && str_eq(e->name, name))
            return e;
    return NULL;
}

/* --- Arguments ----------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool is_all_space(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_space(s.ptr[i]))
            return false;
    return true;
}

bool chat_set_arguments(struct chat *c, struct tool_call *call, str text)
{
    struct json_doc doc;
    call->is_raw = false;
    call->arguments = STR("{}");
    if (is_all_space(text))
        return true;
    enum err err = json_parse(&doc, c->arena, text,
                              &(struct json_options){.index_depth = 1, .root_object = true});
    if (err == ERR_NO_MEMORY)
        return false;
    call->is_raw = err != ERR_NONE;
    call->arguments = err ? text : json_raw(&doc, JSON_ROOT);
    return true;
}

str chat_call_object(struct arena *a, const struct tool_call *call)
{
    if (!call->is_raw)
        return call->arguments.len ? call->arguments : STR("{}");
    str pieces[] = {STR("{\"_raw\":"), json_quote(a, call->arguments), STR("}")};
    return str_is_null(pieces[1]) ? STR_NULL : arena_concat(a, pieces, ARRAY_LEN(pieces));
}

/* --- Media --------------------------------------------------------------------------------------- */

/* What a byte is to base64: of the standard alphabet, of that of URLs (and what it is in the other),
 * white space, or none of it. */
enum { OUTSIDE, STANDARD, SPACE };

static const char byte_class[256] = {['A' ... 'Z'] = STANDARD,
                                     ['a' ... 'z'] = STANDARD,
                                     ['0' ... '9'] = STANDARD,
                                     ['+'] = STANDARD,
                                     ['/'] = STANDARD,
                                     ['-'] = '+',
                                     ['_'] = '/',
                                     [' '] = SPACE,
                                     ['\n'] = SPACE,
                                     ['\r'] = SPACE,
                                     ['\t'] = SPACE};

/* How many bytes in front are of the standard alphabet: usually all but the padding. */
static size_t standard_run(str s)
{
    size_t n = 0;
    while (n < s.len && byte_class[(unsigned char)s.ptr[n]] == STANDARD)
        n++;
    return n;
}

static bool is_padding(str s)
{
    return s.len <= 2 && (s.len < 1 || s.ptr[0] == '=') && (s.len < 2 || s.ptr[1] == '=');
}

/* Base64 as every provider takes it: the standard alphabet, padded, in one line.  Points into `s` if
 * that is so already.  False: it is none, or no memory. */
static bool tidy_base64(struct arena *a, str s, str *out)
{
    size_t n = standard_run(s);
    *out = s;
    if (s.len && s.len % 4 == 0 && is_padding(str_from(s, n)))
        return true;
    char *to = arena_alloc(a, s.len + 4);
    if (!to || !s.len)
        return false;
    memcpy(to, s.ptr, n);
    size_t i = n;
    for (; i < s.len && s.ptr[i] != '='; i++) {
        char class = byte_class[(unsigned char)s.ptr[i]];
        if (class == OUTSIDE)
            return false;
        if (class != SPACE)
            to[n++] = class == STANDARD ? s.ptr[i] : class;
    }
    for (; i < s.len; i++) /* only padding and white space may follow */
        if (s.ptr[i] != '=' && !is_space(s.ptr[i]))
            return false;
    if (!n || n % 4 == 1)
        return false;
    while (n % 4)
        to[n++] = '=';
    *out = str_make(to, n);
    return true;
}

static str lower(struct arena *a, str s)
{
    char *to = arena_alloc(a, s.len + 1);
    if (!to)
        return STR_NULL;
    for (size_t i = 0; i < s.len; i++)
        to[i] = (char)(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? s.ptr[i] | 0x20 : s.ptr[i]);
    return str_make(to, s.len);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

/* Points into `s` when nothing is encoded. */
static bool percent_decode(struct arena *a, str s, str *out)
{
    *out = s;
    if (str_find_byte(s, '%') < 0)
        return true;
    char *to = arena_alloc(a, s.len + 1);
    size_t n = 0;
    if (!to)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        int high = s.ptr[i] == '%' && i + 2 < s.len ? hex_digit(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.ptr[i + 2]) : -1;
        if (low >= 0) {
            to[n++] = (char)(high * 16 + low);
            i += 2;
        } else {
            to[n++] = s.ptr[i];
        }
    }
    *out = str_make(to, n);
    return true;
}

/* "image/png;charset=x;base64" (RFC 2397): the type, lower case, and whether base64 follows. */
static bool read_data_head(struct arena *a, str head, str *mime, bool *base64)
{
    str rest = head, type = str_split(&rest, ';');
    *base64 = false;
    while (rest.len) {
        str parameter = str_trim(str_split(&rest, ';'));
        *base64 = *base64 || str_ieq(parameter, STR("base64"));
    }
    type = str_trim(type);
    *mime = type.len ? lower(a, type) : STR("text/plain");
    return !str_is_null(*mime);
}

static bool set_base64(struct arena *a, str data, struct media *out)
{
    out->source = MEDIA_BASE64;
    return tidy_base64(a, data, &out->data);
}

/* What a data URL holds without being base64: words as they are, and bytes of anything else encoded. */
static bool set_plain(struct arena *a, str plain, struct media *out)
{
    if (str_starts(out->mime, STR("text/"))) {
        out->source = MEDIA_TEXT;
        out->text = raw_of_text(a, plain);
        return !str_is_null(out->text.s);
    }
    struct buf text;
    buf_init(&text, 0);
    base64_encode(&text, plain.ptr, plain.len);
    out->source = MEDIA_BASE64;
    out->data = text.failed || !text.len ? STR_NULL : arena_str(a, buf_str(&text));
    buf_release(&text);
    return !str_is_null(out->data);
}

static bool media_from_data(struct arena *a, str rest, struct media *out)
{
    bool base64;
    str plain;
    ptrdiff_t comma = str_find_byte(rest, ',');
    if (comma < 0 || !read_data_head(a, str_first(rest, (size_t)comma), &out->mime, &base64) ||
        !percent_decode(a, str_from(rest, (size_t)comma + 1), &plain))
        return false;
    return base64 ? set_base64(a, plain, out) : set_plain(a, plain, out);
}

bool media_from_url(struct arena *a, str url, struct media *out)
{
    if (str_istarts(url, STR("data:")))
        return media_from_data(a, str_from(url, 5), out);
    if (str_find(url, STR("://")) > 0) {
        out->source = MEDIA_URL;
        out->data = url;
        return true;
    }
    return set_base64(a, url, out);
}

str media_sniff(str base64)
{
    static const struct {
        str begin, mime;
    } known[] = {
        {STR_INIT("iVBORw0KGgo"), STR_INIT("image/png")},
        {STR_INIT("/9j/"), STR_INIT("image/jpeg")},
        {STR_INIT("R0lGOD"), STR_INIT("image/gif")},
        {STR_INIT("JVBERi"), STR_INIT("application/pdf")},
        {STR_INIT("SUQz"), STR_INIT("audio/mpeg")},
        {STR_INIT("T2dnUw"), STR_INIT("audio/ogg")},
        {STR_INIT("ZkxhQ"), STR_INIT("audio/flac")},
    };
    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (str_starts(base64, known[i].begin))
            return known[i].mime;
    if (!str_starts(base64, STR("UklGR")) || base64.len < 16)
        return STR_NULL;
    /* RIFF: what follows the length tells, but for the first two bits */
    str form = str_make(base64.ptr + 11, 5);
    return str_eq(form, STR("XRUJQ"))   ? STR("image/webp")
           : str_eq(form, STR("XQVZF")) ? STR("audio/wav")
                                        : STR_NULL;
}
