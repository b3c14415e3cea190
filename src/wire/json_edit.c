#include "wire/json_edit.h"

#include "wire/json_write.h"

/*
 * Edits that concern commas (a member added or removed) can be turned into bytes only when all
 * edits of their object are known.  So finish() makes splices of the items, object by object, sorts
 * them by place, and reads the parts off.
 */
enum { ITEMS_FIRST = 8 };

enum op { REPLACE, INSERT_FIRST, INSERT_LAST, REMOVE };

struct json_edit_item {
    enum op op;
    uint32_t object; /* of REPLACE: the node */
    uint32_t name;   /* of REMOVE */
    str text;
};

struct splice {
    uint32_t at, end; /* these bytes go away */
    uint32_t order;   /* among those at one place */
    str text;         /* and this comes; may be null */
    bool comma_before, comma_after;
};

void json_edit_init(struct json_edit *e, const struct json_doc *doc, struct arena *arena)
{
    *e = (struct json_edit){.doc = doc, .arena = arena};
}

static void add(struct json_edit *e, struct json_edit_item item)
{
    if (e->failed)
        return;
    if (e->count == e->cap) {
        uint32_t cap = e->cap ? e->cap * 2 : ITEMS_FIRST;
        struct json_edit_item *items = arena_alloc(e->arena, cap * sizeof(*items));
        if (!items) {
            e->failed = true;
            return;
        }
        if (e->count)
            memcpy(items, e->items, e->count * sizeof(*items));
        e->items = items;
        e->cap = cap;
    }
    e->items[e->count++] = item;
}

void json_edit_replace(struct json_edit *e, uint32_t node, str json)
{
    CHECK(!json_is(e->doc, node, JSON_ABSENT) && json.len > 0);
    add(e, (struct json_edit_item){.op = REPLACE, .object = node, .text = json});
}

void json_edit_replace_string(struct json_edit *e, uint32_t node, str text)
{
    str json = json_quote(e->arena, text);
    if (str_is_null(json))
        e->failed = true;
    else
        json_edit_replace(e, node, json);
}

static void insert(struct json_edit *e, enum op op, uint32_t object, str name, str json)
{
    CHECK(json_is(e->doc, object, JSON_OBJECT) && !json_node(e->doc, object)->opaque);
    char *text = arena_alloc(e->arena, name.len + json.len + 3);
    if (!text) {
        e->failed = true;
        return;
    }
    size_t len = 0;
    text[len++] = '"';
    memcpy(text + len, name.ptr, name.len);
    len += name.len;
    text[len++] = '"';
    text[len++] = ':';
    memcpy(text + len, json.ptr, json.len);
    len += json.len;
    add(e, (struct json_edit_item){.op = op, .object = object, .text = str_make(text, len)});
}

void json_edit_insert_first(struct json_edit *e, uint32_t object, str name, str json)
{
    insert(e, INSERT_FIRST, object, name, json);
}

void json_edit_insert_last(struct json_edit *e, uint32_t object, str name, str json)
{
    insert(e, INSERT_LAST, object, name, json);
}

void json_edit_remove(struct json_edit *e, uint32_t object, uint32_t name)
{
    CHECK(json_is(e->doc, object, JSON_OBJECT) && name > object);
    add(e, (struct json_edit_item){.op = REMOVE, .object = object, .name = name});
}

void json_edit_set(struct json_edit *e, uint32_t object, str name, str json)
{
    uint32_t node = json_member(e->doc, object, name);
    if (node != JSON_NONE)
        json_edit_replace(e, node, json);
    else
        json_edit_insert_last(e, object, name, json);
}

/* -- finish ------------------------------------------------------------------------------------- */

struct splices {
    struct splice *list;
    uint32_t count;
};

static void splice(struct splices *s, struct splice one)
{
    one.order = s->count;
    s->list[s->count++] = one;
}

static bool is_removed(const struct json_edit *e, uint32_t object, uint32_t name)
{
    for (uint32_t i = 0; i < e->count; i++)
        if (e->items[i].op == REMOVE && e->items[i].object == object && e->items[i].name == name)
            return true;
    return false;
}

static bool has_op(const struct json_edit *e, uint32_t object, enum op op)
{
    for (uint32_t i = 0; i < e->count; i++)
        if (e->items[i].op == op && e->items[i].object == object)
            return true;
    return false;
}

/* The first member that stays, or JSON_NONE. */
static uint32_t first_kept(const struct json_edit *e, uint32_t object)
{
    JSON_EACH (m, e->doc, object)
        if (!is_removed(e, object, m))
            return m;
    return JSON_NONE;
}

static uint32_t end_of(const struct json_edit *e, uint32_t node)
{
    return json_node(e->doc, node)->end;
}

/* A member that stays keeps what is in front of it, but for the first one: that has no comma.  So
 * what goes away with a removed member is, before the first that stays, all up to the next member;
 * after it, all from the end of the member before. */
static void splice_removals(const struct json_edit *e, struct splices *s, uint32_t object,
                            uint32_t kept)
{
    uint32_t before = JSON_NONE;
    bool behind_kept = false;
    JSON_EACH (m, e->doc, object) {
        uint32_t next = json_next(e->doc, object, m), value_end = end_of(e, json_value(m));
        behind_kept |= m == kept;
        if (is_removed(e, object, m)) {
            uint32_t start = json_node(e->doc, m)->start;
            if (behind_kept)
                splice(s, (struct splice){.at = end_of(e, json_value(before)), .end = value_end});
            else
                splice(s,
                       (struct splice){.at = start,
                                       .end = next ? json_node(e->doc, next)->start : value_end});
        }
        before = m;
    }
}

static void splice_inserts(const struct json_edit *e, struct splices *s, uint32_t object,
                           enum op op, uint32_t at, bool *before, bool after)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < e->count; i++)
        left += e->items[i].op == op && e->items[i].object == object;
    for (uint32_t i = 0; i < e->count; i++) {
        const struct json_edit_item *item = &e->items[i];
        if (item->op != op || item->object != object)
            continue;
        left--;
        splice(s, (struct splice){.at = at,
                                  .end = at,
                                  .text = item->text,
                                  .comma_before = op == INSERT_LAST && *before,
                                  .comma_after = op == INSERT_FIRST && (left || after)});
        *before = true;
    }
}

/* All edits of one object's members. */
static void splice_object(const struct json_edit *e, struct splices *s, uint32_t object)
{
    uint32_t kept = first_kept(e, object), last = JSON_NONE;
    JSON_EACH (m, e->doc, object)
        last = m;
    uint32_t start = json_node(e->doc, object)->start + 1;
    uint32_t end = last ? end_of(e, json_value(last)) : start;
    bool before = false;
    splice_inserts(e, s, object, INSERT_FIRST, start, &before,
                   kept || has_op(e, object, INSERT_LAST));
    splice_removals(e, s, object, kept);
    /* A comma already follows the inserted first ones, when there was reason for it. */
    before = kept != JSON_NONE;
    splice_inserts(e, s, object, INSERT_LAST, end, &before, false);
}

static void splice_all(const struct json_edit *e, struct splices *s)
{
    for (uint32_t i = 0; i < e->count; i++) {
        const struct json_edit_item *item = &e->items[i];
        if (item->op == REPLACE) {
            const struct json_node *n = json_node(e->doc, item->object);
            splice(s, (struct splice){.at = n->start, .end = n->end, .text = item->text});
            continue;
        }
        bool done = false;
        for (uint32_t j = 0; j < i && !done; j++)
            done = e->items[j].op != REPLACE && e->items[j].object == item->object;
        if (!done)
            splice_object(e, s, item->object);
    }
}

/* What is only added at a place comes before what is taken away there. */
static bool goes_after(const struct splice *a, const struct splice *b)
{
    if (a->at != b->at)
        return a->at > b->at;
    bool a_adds = a->at == a->end, b_adds = b->at == b->end;
    return a_adds == b_adds ? a->order > b->order : b_adds;
}

/* Few, and nearly in order: by insertion. */
static void sort(struct splices *s)
{
    for (uint32_t i = 1; i < s->count; i++) {
        struct splice one = s->list[i];
        uint32_t j = i;
        for (; j && goes_after(&s->list[j - 1], &one); j--)
            s->list[j] = s->list[j - 1];
        s->list[j] = one;
    }
}

static void part(struct json_parts *out, str *parts, str text)
{
    if (!text.len)
        return;
    parts[out->count++] = text;
    out->bytes += text.len;
}

enum err json_edit_finish(struct json_edit *e, struct json_parts *out)
{
    str source = e->doc->source;
    struct splices s = {.list = arena_alloc(e->arena, (e->count + 1) * sizeof(*s.list))};
    /* A splice is at most a gap before it, two commas and its text. */
    str *parts = arena_alloc(e->arena, (e->count * 4 + 1) * sizeof(*parts));
    if (e->failed || !s.list || !parts)
        return ERR_NO_MEMORY;
    splice_all(e, &s);
    sort(&s);
    CHECK(s.count == e->count);

    *out = (struct json_parts){.parts = parts};
    uint32_t at = 0;
    for (uint32_t i = 0; i < s.count; i++) {
        const struct splice *one = &s.list[i];
        CHECK(one->at >= at);
        part(out, parts, str_make(source.ptr + at, one->at - at));
        part(out, parts, one->comma_before ? STR(",") : STR_NULL);
        part(out, parts, one->text);
        part(out, parts, one->comma_after ? STR(",") : STR_NULL);
        at = one->end;
    }
    part(out, parts, str_from(source, at));
    return ERR_NONE;
}
