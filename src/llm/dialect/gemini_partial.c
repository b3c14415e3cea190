/*
 * Arguments of a call as Vertex streams them: pieces with the path of their place ("$.a.b[0]"), strings in
 * several pieces.  They make a tree, which is written as JSON when the call is complete.
 */
#include "llm/dialect/gemini_impl.h"

enum { NODES_MAX = 4000, DEPTH_MAX = 40 };

struct piece {
    struct piece *next;
    str text;
};

struct place {
    struct place *next, *children, *last;
    str name;    /* in an object; null in an array */
    bool array;  /* its children are elements */
    bool string; /* pieces are the inside of one */
    struct piece *pieces, *last_piece;
};

struct gemini_partial {
    struct arena *arena;
    struct place root;
    unsigned count;
};

struct gemini_partial *gemini_partial_new(struct arena *a)
{
    struct gemini_partial *p = arena_zalloc(a, sizeof(*p));
    if (p)
        p->arena = a;
    return p;
}

static struct place *add_child(struct gemini_partial *p, struct place *parent, str name)
{
    struct place *child = p->count++ < NODES_MAX ? arena_zalloc(p->arena, sizeof(*child)) : NULL;
    if (!child)
        return NULL;
    child->name = name.ptr ? arena_str(p->arena, name) : STR_NULL;
    *(parent->last ? &parent->last->next : &parent->children) = child;
    parent->last = child;
    return child;
}

static struct place *member(struct gemini_partial *p, struct place *parent, str name)
{
    for (struct place *c = parent->children; c; c = c->next)
        if (str_eq(c->name, name))
            return c;
    return add_child(p, parent, name);
}

/* Elements come in order: the next one may be new. */
static struct place *element(struct gemini_partial *p, struct place *parent, uint64_t index)
{
    struct place *c = parent->children;
    parent->array = true;
    for (; c && index > 0; index--)
        c = c->next;
    return c ? c : add_child(p, parent, STR_NULL);
}

static bool ends_step(char c)
{
    return c == '.' || c == '[';
}

/* Takes ".name", "['name']" or "[0]" off the path. */
static struct place *step(struct gemini_partial *p, struct place *at, str *path)
{
    uint64_t index;
    if (path->ptr[0] == '[') {
        ptrdiff_t close = str_find_byte(*path, ']');
        if (close < 2)
            return NULL;
        str inside = str_make(path->ptr + 1, (size_t)close - 1);
        *path = str_from(*path, (size_t)close + 1);
        if (str_to_u64(inside, &index))
            return element(p, at, index);
        if (inside.len < 2)
            return NULL;
        return member(p, at, str_make(inside.ptr + 1, inside.len - 2));
    }
    size_t from = path->ptr[0] == '.' ? 1 : 0, to = from;
    while (to < path->len && !ends_step(path->ptr[to]))
        to++;
    str name = str_make(path->ptr + from, to - from);
    *path = str_from(*path, to);
    return name.len ? member(p, at, name) : NULL;
}

static struct place *find(struct gemini_partial *p, str path)
{
    struct place *at = &p->root;
    unsigned depth = 0;
    if (path.len && path.ptr[0] == '$')
        path = str_from(path, 1);
    while (path.len && at && depth++ < DEPTH_MAX)
        at = step(p, at, &path);
    return path.len || at == &p->root ? NULL : at;
}

static bool add_piece(struct gemini_partial *p, struct place *at, str text)
{
    struct piece *piece = arena_zalloc(p->arena, sizeof(*piece));
    if (!piece)
        return false;
    piece->text = arena_str(p->arena, text);
    *(at->last_piece ? &at->last_piece->next : &at->pieces) = piece;
    at->last_piece = piece;
    return !str_is_null(piece->text);
}

static bool add_value(struct gemini_partial *p, struct place *at, const struct json_doc *doc,
                      uint32_t one)
{
    uint32_t string = gemini_member(doc, one, STR("stringValue"));
    if (json_is(doc, string, JSON_STRING)) {
        at->string = true;
        return add_piece(p, at, json_string_raw(doc, string));
    }
    if (at->pieces)
        return true;
    uint32_t number = gemini_member(doc, one, STR("numberValue"));
    uint32_t boolean = gemini_member(doc, one, STR("boolValue"));
    if (json_is(doc, number, JSON_NUMBER))
        return add_piece(p, at, json_raw(doc, number));
    if (json_is(doc, boolean, JSON_TRUE) || json_is(doc, boolean, JSON_FALSE))
        return add_piece(p, at, json_raw(doc, boolean));
    if (gemini_member(doc, one, STR("nullValue")) != JSON_NONE)
        return add_piece(p, at, STR("null"));
    return true;
}

bool gemini_partial_add(struct gemini_partial *p, const struct json_doc *doc, uint32_t list)
{
    if (!json_is(doc, list, JSON_ARRAY))
        return true;
    JSON_EACH (one, doc, list) {
        uint32_t path = gemini_member(doc, one, STR("jsonPath"));
        if (!json_is(doc, path, JSON_STRING))
            continue;
        str text;
        if (json_string_decode(doc, path, p->arena, &text))
            return false;
        struct place *at = find(p, text);
        if (at && !add_value(p, at, doc, one))
            return false;
    }
    return p->count < NODES_MAX;
}

/* A value without pieces and children is a string of which nothing came. */
static void write_place(struct json_write *w, const struct place *at)
{
    if (at->children) {
        if (at->array)
            json_write_array(w);
        else
            json_write_object(w);
        for (const struct place *c = at->children; c; c = c->next) {
            if (!at->array)
                json_write_key(w, c->name);
            write_place(w, c);
        }
        if (at->array)
            json_write_array_end(w);
        else
            json_write_object_end(w);
        return;
    }
    if (!at->string && at->pieces) {
        json_write_raw(w, at->pieces->text);
        return;
    }
    struct buf text;
    buf_init(&text, 0);
    for (const struct piece *p = at->pieces; p; p = p->next)
        buf_add_str(&text, p->text);
    json_write_raw_string(w, buf_str(&text));
    w->out->failed = w->out->failed || text.failed;
    buf_release(&text);
}

void gemini_partial_write(const struct gemini_partial *p, struct buf *out)
{
    struct json_write w;
    json_write_init(&w, out);
    if (p->root.children)
        write_place(&w, &p->root);
    else
        buf_add_lit(out, "{}");
}
