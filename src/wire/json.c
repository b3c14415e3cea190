#include "wire/json.h"

#include <stdlib.h>

#include "wire/json_simd.h"

/*
 * The parser keeps its place in locals of one loop; what is here is looked at when a container
 * begins or ends, or when something is wrong.  Nodes are first collected on the stack (or, when
 * they are many, in malloc's memory) and then copied to the arena, which so holds exactly them.
 */
enum { NODES_LOCAL = 256 };

struct frame {
    uint32_t node;  /* of the container */
    uint32_t count; /* its members or elements that have ended */
};

struct parser {
    str source;
    const char *end;
    struct json_node *nodes;
    size_t count, cap, max;
    bool on_heap, no_memory;
    unsigned depth_max, index_depth;
    enum json_fault fault;
    const char *fault_at;
    struct frame frames[JSON_DEPTH_MAX + 1];
    bool is_object[JSON_DEPTH_MAX + 1];
    struct json_node local[NODES_LOCAL];
};

static const struct json_node absent[2] = {{.next = 1}, {.next = 2}};

/* Notes what is wrong and where; the parse is over. */
__attribute__((cold, noinline)) static const char *fault(struct parser *ps, const char *at,
                                                         enum json_fault what)
{
    ps->fault = at == ps->end && what != JSON_FAULT_EMPTY ? JSON_FAULT_TRUNCATED : what;
    ps->fault_at = at;
    return NULL;
}

__attribute__((cold, noinline)) static bool grow(struct parser *ps)
{
    size_t cap = ps->cap * 2 < ps->max ? ps->cap * 2 : ps->max;
    struct json_node *more = NULL;
    if (ps->count < ps->max)
        more = realloc(ps->on_heap ? ps->nodes : NULL, cap * sizeof(*more));
    if (!more) {
        ps->no_memory = true;
        return false;
    }
    if (!ps->on_heap)
        memcpy(more, ps->local, ps->count * sizeof(*more));
    ps->on_heap = true;
    ps->nodes = more;
    ps->cap = cap;
    return true;
}

/* -- strings, numbers, words: each takes its first byte and returns what is after it, or NULL --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* At a backslash which json_text did not take: \uXXXX, or wrong. */
static const char *unicode_escape(struct parser *ps, const char *p)
{
    p++;
    if (p == ps->end || *p != 'u')
        return fault(ps, p, JSON_FAULT_ESCAPE);
    p++;
    for (unsigned i = 0; i < 4; i++, p++)
        if (p == ps->end || !is_hex(*p))
            return fault(ps, p, JSON_FAULT_ESCAPE);
    return p;
}

/* The rest of a string, from a backslash or a control character on. */
__attribute__((noinline)) static const char *string_rest(struct parser *ps, const char *p,
                                                         unsigned *seen)
{
    while (p < ps->end && *p != '"') {
        if (*p != '\\')
            return fault(ps, p, JSON_FAULT_CONTROL);
        *seen |= JSON_TEXT_ESCAPED;
        p = unicode_escape(ps, p);
        if (!p)
            return NULL;
        p = json_text(p, ps->end, seen);
    }
    return p < ps->end ? p : fault(ps, p, JSON_FAULT_TRUNCATED);
}

static const char *check_utf8(struct parser *ps, const char *p, const char *end)
{
    size_t len = (size_t)(end - p), valid = json_simd.utf8(p, len);
    return valid == len ? end + 1 : fault(ps, p + valid, JSON_FAULT_UTF8);
}

static inline const char *string(struct parser *ps, const char *p, unsigned *seen)
{
    const char *inside = p + 1;
    p = json_text(inside, ps->end, seen);
    if (p == ps->end || *p != '"') {
        p = string_rest(ps, p, seen);
        if (!p)
            return NULL;
    }
    if (*seen & JSON_TEXT_HIGH)
        return check_utf8(ps, inside, p);
    return p + 1;
}

static inline const char *digits(struct parser *ps, const char *p)
{
    if (p == ps->end || !is_digit(*p))
        return fault(ps, p, JSON_FAULT_NUMBER);
    do
        p++;
    while (p < ps->end && is_digit(*p));
    return p;
}

static const char *number(struct parser *ps, const char *p)
{
    p += *p == '-';
    if (p < ps->end && *p == '0') {
        p++;
        if (p < ps->end && is_digit(*p))
            return fault(ps, p, JSON_FAULT_NUMBER);
    } else {
        p = digits(ps, p);
    }
    if (p && p < ps->end && *p == '.')
        p = digits(ps, p + 1);
    if (p && p < ps->end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < ps->end && (*p == '+' || *p == '-'))
            p++;
        p = digits(ps, p);
    }
    return p;
}

static const char *word(struct parser *ps, const char *p, str text)
{
    for (size_t i = 0; i < text.len; i++, p++)
        if (p == ps->end || *p != text.ptr[i])
            return fault(ps, p, JSON_FAULT_LITERAL);
    return p;
}

/* Where a value should begin and none does. */
__attribute__((cold, noinline)) static const char *no_value(struct parser *ps, const char *p)
{
    bool letter = p < ps->end && (*p | 0x20) >= 'a' && (*p | 0x20) <= 'z';
    return fault(ps, p, letter ? JSON_FAULT_LITERAL : JSON_FAULT_VALUE);
}

/* -- the loop ----------------------------------------------------------------------------------- */

static const char *skip(struct parser *ps, const char *p, unsigned depth);

static inline bool add(struct parser *ps, enum json_kind kind, unsigned seen, const char *start,
                       const char *end)
{
    if (ps->count == ps->cap && !grow(ps))
        return false;
    ps->nodes[ps->count] = (struct json_node){
        .start = (uint32_t)(start - ps->source.ptr),
        .end = (uint32_t)(end - ps->source.ptr),
        .next = (uint32_t)ps->count + 1,
        .kind = (uint32_t)kind & 7,
        .escaped = (seen & JSON_TEXT_ESCAPED) != 0,
        .opaque = 0,
        .count = 0,
    };
    ps->count++;
    return true;
}

/* A container at the limit of what is indexed. */
static const char *add_opaque(struct parser *ps, const char *p, unsigned depth)
{
    const char *after = skip(ps, p, depth);
    if (!after || !add(ps, *p == '{' ? JSON_OBJECT : JSON_ARRAY, 0, p, after))
        return NULL;
    const char *first = json_space(p + 1, ps->end);
    ps->nodes[ps->count - 1].opaque = *first != '}' && *first != ']';
    return after;
}

/*
 * One value, which begins at p (no white space before it) inside `base` containers.  Made twice:
 * `index` adds nodes, without it the value is only checked.
 */
__attribute__((always_inline)) static inline const char *value(struct parser *ps, const char *p,
                                                               const unsigned base,
                                                               const bool index)
{
    const char *const end = ps->end;
    unsigned depth = base;
    bool in_object = false;
    uint32_t count = 0;
    for (;;) {
        const char *start = p;
        unsigned seen = 0;
        enum json_kind kind;

        switch (p < end ? *p : '\0') {
        case '"':
            kind = JSON_STRING;
            p = string(ps, p, &seen);
            break;
        case '-':
        case '0' ... '9':
            kind = JSON_NUMBER;
            p = number(ps, p);
            break;
        case 't':
            kind = JSON_TRUE;
            p = word(ps, p, STR("true"));
            break;
        case 'f':
            kind = JSON_FALSE;
            p = word(ps, p, STR("false"));
            break;
        case 'n':
            kind = JSON_NULL;
            p = word(ps, p, STR("null"));
            break;
        case '{':
        case '[':
            kind = *p == '{' ? JSON_OBJECT : JSON_ARRAY;
            if (depth == ps->depth_max)
                return fault(ps, p, JSON_FAULT_DEPTH);
            if (index && depth == ps->index_depth) {
                p = add_opaque(ps, p, depth);
                if (!p)
                    return NULL;
                goto ended;
            }
            if (index) {
                if (!add(ps, kind, 0, p, p))
                    return NULL;
                ps->frames[depth].count = count;
                ps->frames[depth + 1].node = (uint32_t)ps->count - 1;
                count = 0;
            }
            ps->is_object[depth] = in_object;
            in_object = kind == JSON_OBJECT;
            depth++;
            p = json_space(p + 1, end);
            if (p < end && *p == (in_object ? '}' : ']'))
                goto closed;
            if (in_object)
                goto name;
            continue;
        default:
            return no_value(ps, p);
        }
        if (!p || (index && !add(ps, kind, seen, start, p)))
            return NULL;

    ended:
        if (depth == base)
            return p;
        count++;
        p = json_space(p, end);
        if (p < end && *p == ',') {
            p = json_space(p + 1, end);
            if (!in_object)
                continue;
        name:
            if (p == end || *p != '"')
                return fault(ps, p, JSON_FAULT_NAME);
            start = p;
            seen = 0;
            p = string(ps, p, &seen);
            if (!p || (index && !add(ps, JSON_STRING, seen, start, p)))
                return NULL;
            p = json_space(p, end);
            if (p == end || *p != ':')
                return fault(ps, p, JSON_FAULT_COLON);
            p = json_space(p + 1, end);
            continue;
        }
        if (p == end || *p != (in_object ? '}' : ']'))
            return fault(ps, p, in_object ? JSON_FAULT_COMMA_OBJECT : JSON_FAULT_COMMA_ARRAY);

    closed:
        p++;
        if (index) {
            struct json_node *n = &ps->nodes[ps->frames[depth].node];
            n->end = (uint32_t)(p - ps->source.ptr);
            n->next = (uint32_t)ps->count;
            n->count = count & ((1u << 27) - 1); /* JSON_SOURCE_MAX: it fits */
            count = ps->frames[depth - 1].count;
        }
        depth--;
        in_object = ps->is_object[depth];
        goto ended;
    }
}

__attribute__((noinline)) static const char *skip(struct parser *ps, const char *p, unsigned depth)
{
    return value(ps, p, depth, false);
}

static bool document(struct parser *ps, bool root_object)
{
    const char *p = json_space(ps->source.ptr, ps->end);
    if (p == ps->end)
        return fault(ps, p, JSON_FAULT_EMPTY);
    if (root_object && *p != '{')
        return fault(ps, p, JSON_FAULT_NOT_OBJECT);
    p = value(ps, p, 0, true);
    if (!p)
        return false;
    p = json_space(p, ps->end);
    return p == ps->end || fault(ps, p, JSON_FAULT_TRAILING);
}

/* Nodes that the arena has room for. */
static size_t nodes_max(const struct arena *arena)
{
    if (!arena->budget)
        return JSON_SOURCE_MAX;
    return arena->budget > arena->used ? (arena->budget - arena->used) / sizeof(struct json_node)
                                       : 0;
}

static enum err keep(struct json_doc *doc, const struct parser *ps, struct arena *arena)
{
    struct json_node *nodes = arena_alloc(arena, ps->count * sizeof(*nodes));
    if (!nodes)
        return ERR_NO_MEMORY;
    memcpy(nodes, ps->nodes, ps->count * sizeof(*nodes));
    doc->nodes = nodes;
    doc->count = (uint32_t)ps->count;
    return ERR_NONE;
}

enum err json_parse(struct json_doc *doc, struct arena *arena, str source,
                    const struct json_options *options)
{
    struct json_options o = options ? *options : (struct json_options){0};
    *doc = (struct json_doc){.source = source, .nodes = absent, .count = ARRAY_LEN(absent)};
    if (source.len > JSON_SOURCE_MAX)
        return ERR_BODY_TOO_LARGE;
    if (!source.len)
        doc->source = STR("");

    struct parser ps; /* large, and most of it is written before it is read: not zeroed */
    ps.source = doc->source;
    ps.end = doc->source.ptr + source.len;
    ps.nodes = ps.local;
    ps.cap = NODES_LOCAL;
    ps.max = nodes_max(arena);
    ps.on_heap = ps.no_memory = false;
    ps.depth_max = o.depth_max ? o.depth_max : JSON_DEPTH_DEFAULT;
    ps.index_depth = o.index_depth ? o.index_depth : JSON_DEPTH_MAX;
    ps.fault = JSON_FAULT_NONE;
    ps.local[0] = absent[0];
    ps.count = 1;
    CHECK(ps.depth_max <= JSON_DEPTH_MAX);

    enum err err = ERR_NONE;
    if (document(&ps, o.root_object)) {
        err = keep(doc, &ps, arena);
    } else if (ps.no_memory) {
        err = ERR_NO_MEMORY;
    } else {
        err = ERR_JSON_INVALID;
        doc->fault = ps.fault;
        doc->fault_at = (uint32_t)(ps.fault_at - ps.source.ptr);
    }
    if (ps.on_heap)
        free(ps.nodes);
    return err;
}

/* -- where and why ------------------------------------------------------------------------------ */

static str fault_name(enum json_fault fault)
{
    switch (fault) {
#define JSON_FAULT_TEXT(name, text)                                                                \
    case JSON_FAULT_##name:                                                                        \
        return STR(text);
        JSON_FAULTS(JSON_FAULT_TEXT)
#undef JSON_FAULT_TEXT
    }
    BUG("no such fault");
}

void json_position(str source, size_t at, size_t *line, size_t *column)
{
    size_t lines = 1, columns = 1;
    for (size_t i = 0; i < at && i < source.len; i++) {
        if (source.ptr[i] == '\n') {
            lines++;
            columns = 1;
        } else if (((unsigned char)source.ptr[i] & 0xc0) != 0x80) {
            columns++;
        }
    }
    *line = lines;
    *column = columns;
}

str json_fault_text(const struct json_doc *doc, struct arena *arena)
{
    size_t line, column;
    str why = fault_name(doc->fault);
    json_position(doc->source, doc->fault_at, &line, &column);
    str text = arena_printf(arena, "line %zu, column %zu: %.*s", line, column, STR_ARG(why));
    return str_is_null(text) ? why : text;
}
