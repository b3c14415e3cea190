#include "app/config_yaml.h"

#include <stdlib.h>

#include <libfyaml.h>

struct anchor {
    struct anchor *next;
    str name;
    struct config_node *node;
};

/* Reading one text; nodes go to the tree, or to nobody when it is refused. */
struct reader {
    struct config_tree *tree;
    struct config_text text;
    struct config_place source;
    struct config_node *root; /* of the document */
    struct config_node *open; /* the list or map being filled, or NULL */
    str open_anchor[CONFIG_DEPTH_MAX];
    struct config_node *key; /* a map's name without its value yet; carries key and key_place */
    struct anchor *anchors;
    unsigned depth, documents;
    bool stopped; /* a problem after which nothing sensible follows */
};

static struct config_place reader_place(struct reader *r, const struct fy_mark *mark)
{
    struct config_place p = r->source;
    if (mark && p.rank == 0)
        config_text_place(&r->text, mark->input_pos, &p.line, &p.column);
    return p;
}

/* Where a node begins; the parser's marks of quoted texts and aliases are behind the quote or *. */
static struct config_place event_place(struct reader *r, struct fy_event *e)
{
    const struct fy_mark *mark = fy_event_start_mark(e);
    bool is_behind = e->type == FYET_ALIAS;
    if (e->type == FYET_SCALAR && e->scalar.value) {
        enum fy_scalar_style style = fy_token_scalar_style(e->scalar.value);
        is_behind = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
    }
    if (!mark || !is_behind || mark->input_pos == 0)
        return reader_place(r, mark);
    struct fy_mark before = {.input_pos = mark->input_pos - 1};
    return reader_place(r, &before);
}

static void reader_stop(struct reader *r, struct config_place place, const char *what)
{
    config_report_add(r->tree->report, CONFIG_ERROR, place, STR_NULL, STR_NULL, "%s", what);
    r->stopped = true;
}

static str token_text(struct fy_token *token)
{
    size_t len = 0;
    const char *text = token ? fy_token_get_text(token, &len) : NULL;
    return text ? str_make(text, len) : STR("");
}

/* Gives a finished or opened node its place in what is open. */
static void reader_put(struct reader *r, struct config_node *n)
{
    if (!r->open) {
        r->root = n;
    } else if (r->open->kind == CONFIG_LIST) {
        config_node_append(r->open, n);
    } else {
        n->key = r->key->key;
        n->key_place = r->key->key_place;
        config_node_append(r->open, n);
        r->key = NULL;
    }
}

static bool reader_wants_name(const struct reader *r)
{
    return r->open && r->open->kind == CONFIG_MAP && !r->key;
}

static void reader_name(struct reader *r, struct fy_event *e)
{
    struct config_place place = event_place(r, e);
    if (e->type != FYET_SCALAR) {
        reader_stop(r, place, "a name must be a text");
        return;
    }
    struct config_node *key = config_node_new(r->tree, CONFIG_TEXT, place);
    if (!key)
        return;
    str name = config_text_original(&r->text, token_text(e->scalar.value));
    key->key = name;
    key->key_place = place;
    r->key = key;
    if (str_find(name, STR("${")) >= 0)
        config_report_add(r->tree->report, CONFIG_ERROR, place, name, STR_NULL,
                          "${…} works in values, not in names");
}

static void remember(struct reader *r, str name, struct config_node *n)
{
    struct anchor *a = arena_zalloc(r->tree->arena, sizeof(*a));
    if (!a) {
        r->tree->no_memory = true;
        return;
    }
    *a = (struct anchor){.next = r->anchors, .name = name, .node = n};
    r->anchors = a;
}

static str anchor_name(struct reader *r, struct fy_token *token)
{
    return token ? arena_str(r->tree->arena, token_text(token)) : STR_NULL;
}

static void reader_scalar(struct reader *r, struct fy_event *e)
{
    struct config_place place = event_place(r, e);
    struct config_node *n = config_node_new(r->tree, CONFIG_TEXT, place);
    if (!n)
        return;
    if (place.line == 0 && place.rank == 0) /* nothing was written after the colon */
        n->place = r->key ? r->key->key_place : r->open ? r->open->place : r->source;
    const char *wrong;
    bool plain = !e->scalar.value || fy_token_scalar_style(e->scalar.value) == FYSS_PLAIN;
    n->text = config_text_expand(&r->text, token_text(e->scalar.value), &n->is_expanded, &wrong);
    str anchor = anchor_name(r, e->scalar.anchor);
    if (!wrong && plain && config_text_is_nothing(n->text))
        n->kind = CONFIG_NOTHING;
    reader_put(r, n);
    if (wrong) {
        str path = config_node_path(n, r->tree->arena);
        config_report_add(r->tree->report, CONFIG_ERROR, n->place, path, STR_NULL, "%s", wrong);
        n->kind = CONFIG_NOTHING;
        n->is_wrong = true;
    }
    if (anchor.len)
        remember(r, anchor, n);
}

static struct config_node *node_copy(struct config_tree *t, const struct config_node *from)
{
    struct config_node *n = config_node_new(t, from->kind, from->place);
    if (!n)
        return NULL;
    n->text = from->text;
    n->is_expanded = from->is_expanded;
    for (const struct config_node *c = from->first; c; c = c->next) {
        struct config_node *copy = node_copy(t, c);
        if (!copy)
            return NULL;
        copy->key = c->key;
        copy->key_place = c->key_place;
        config_node_append(n, copy);
    }
    return n;
}

static unsigned node_depth(const struct config_node *n)
{
    unsigned deepest = 0;
    for (const struct config_node *c = n->first; c; c = c->next) {
        unsigned depth = node_depth(c);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

static void reader_alias(struct reader *r, struct fy_event *e)
{
    str name = token_text(e->alias.anchor);
    struct config_place place = event_place(r, e);
    const struct anchor *a = r->anchors;
    while (a && !str_eq(a->name, name))
        a = a->next;
    if (!a) {
        reader_stop(r, place, "an alias that names no anchor before it");
        return;
    }
    if (r->depth + node_depth(a->node) > CONFIG_DEPTH_MAX) {
        reader_stop(r, place, "nested too deeply");
        return;
    }
    struct config_node *copy = node_copy(r->tree, a->node);
    if (!copy)
        return;
    copy->place = place;
    reader_put(r, copy);
}

static void reader_open(struct reader *r, struct fy_event *e)
{
    bool is_map = e->type == FYET_MAPPING_START;
    struct fy_token *anchor = is_map ? e->mapping_start.anchor : e->sequence_start.anchor;
    struct config_place place = event_place(r, e);
    if (r->depth == CONFIG_DEPTH_MAX) {
        reader_stop(r, place, "nested too deeply");
        return;
    }
    struct config_node *n = config_node_new(r->tree, is_map ? CONFIG_MAP : CONFIG_LIST, place);
    if (!n)
        return;
    reader_put(r, n);
    r->open_anchor[r->depth++] = anchor_name(r, anchor);
    r->open = n;
}

static int by_key(const void *left, const void *right)
{
    const struct config_node *const *a = left, *const *b = right;
    int order = str_cmp((*a)->key, (*b)->key);
    if (order)
        return order;
    return *a < *b ? -1 : *a > *b;
}

static void say_twice(struct config_tree *t, const struct config_node *a,
                      const struct config_node *b)
{
    bool in_order = a->key_place.line != b->key_place.line
                        ? a->key_place.line < b->key_place.line
                        : a->key_place.column < b->key_place.column;
    const struct config_node *first = in_order ? a : b, *second = in_order ? b : a;
    config_report_add(t->report, CONFIG_ERROR, second->key_place,
                      config_node_path(second, t->arena), STR_NULL,
                      "is here a second time, first in line %u", first->key_place.line);
}

static void check_duplicates(struct config_tree *t, const struct config_node *map)
{
    if (map->count < 2)
        return;
    struct config_node **sorted = malloc(map->count * sizeof(struct config_node *));
    if (!sorted) {
        t->no_memory = true;
        return;
    }
    unsigned n = 0;
    for (struct config_node *c = map->first; c; c = c->next)
        sorted[n++] = c;
    qsort(sorted, n, sizeof(struct config_node *), by_key);
    for (unsigned i = 1; i < n; i++)
        if (str_eq(sorted[i]->key, sorted[i - 1]->key))
            say_twice(t, sorted[i - 1], sorted[i]);
    free(sorted);
}

static void reader_close(struct reader *r)
{
    struct config_node *n = r->open;
    str anchor = r->open_anchor[--r->depth];
    if (n->kind == CONFIG_MAP)
        check_duplicates(r->tree, n);
    if (anchor.len)
        remember(r, anchor, n);
    r->open = n->parent;
}

static bool has_foreign_tag(struct fy_event *e)
{
    struct fy_token *tag = e->type == FYET_SCALAR           ? e->scalar.tag
                           : e->type == FYET_MAPPING_START  ? e->mapping_start.tag
                           : e->type == FYET_SEQUENCE_START ? e->sequence_start.tag
                                                            : NULL;
    return tag && !str_starts(token_text(tag), STR("tag:yaml.org,2002:"));
}

static void reader_event(struct reader *r, struct fy_event *e)
{
    if (has_foreign_tag(e)) {
        reader_stop(r, event_place(r, e), "tags have no meaning here");
        return;
    }
    switch (e->type) {
    case FYET_DOCUMENT_START:
        if (r->documents++)
            reader_stop(r, event_place(r, e), "a second document: one file is one configuration");
        break;
    case FYET_MAPPING_START:
    case FYET_SEQUENCE_START:
        if (reader_wants_name(r))
            reader_name(r, e); /* says what is wrong */
        else
            reader_open(r, e);
        break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        reader_close(r);
        break;
    case FYET_SCALAR:
        if (reader_wants_name(r))
            reader_name(r, e);
        else
            reader_scalar(r, e);
        break;
    case FYET_ALIAS:
        if (reader_wants_name(r))
            reader_name(r, e);
        else
            reader_alias(r, e);
        break;
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END:
        break;
    }
}

/* What the parser says of the first error; it stops there. */
static void report_syntax(struct reader *r, struct fy_diag *diag)
{
    void *iter = NULL;
    const struct fy_diag_error *first = fy_diag_errors_iterate(diag, &iter);
    struct config_place place = r->source;
    if (first && place.rank == 0 && first->line > 0) {
        size_t at = config_text_offset(&r->text, (unsigned)first->line,
                                       first->column > 0 ? (unsigned)first->column : 1);
        config_text_place(&r->text, at, &place.line, &place.column);
    }
    config_report_add(r->tree->report, CONFIG_ERROR, place, STR_NULL, STR_NULL, "not YAML: %s",
                      first && first->msg ? first->msg : "unreadable");
}

static void reader_run(struct reader *r, struct fy_parser *parser, struct fy_diag *diag)
{
    struct fy_event *e;
    while (!r->stopped && !r->tree->no_memory && (e = fy_parser_parse(parser)) != NULL) {
        reader_event(r, e);
        fy_parser_event_free(parser, e);
    }
    if (!r->stopped && !r->tree->no_memory && fy_parser_get_stream_error(parser)) {
        report_syntax(r, diag);
        r->stopped = true;
    }
}

static void reader_parse(struct reader *r)
{
    struct fy_diag_cfg settings;
    fy_diag_cfg_default(&settings);
    settings.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&settings);
    struct fy_parser *parser = NULL;
    if (diag) {
        fy_diag_set_collect_errors(diag, true);
        parser = fy_parser_create(&(struct fy_parse_cfg){
            .flags = FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE, .diag = diag});
    }
    if (!parser || fy_parser_set_string(parser, r->text.bytes, r->text.len))
        r->tree->no_memory = true;
    else
        reader_run(r, parser, diag);
    fy_parser_destroy(parser);
    if (diag)
        fy_diag_destroy(diag);
}

struct config_node *config_yaml_read(struct config_tree *t, struct config_place source, str text)
{
    struct reader *r = calloc(1, sizeof(*r));
    if (!r) {
        t->no_memory = true;
        return NULL;
    }
    r->tree = t;
    r->source = source;
    size_t wrong_at;
    const char *wrong = config_text_init(&r->text, text, t->arena, t->environment, &wrong_at);
    if (wrong) {
        struct config_place place = source;
        if (r->text.bytes && place.rank == 0)
            config_text_place(&r->text, wrong_at, &place.line, &place.column);
        reader_stop(r, place, wrong);
    } else if (text.len) {
        reader_parse(r);
    }
    struct config_node *root = r->stopped || t->no_memory ? NULL : r->root;
    config_text_release(&r->text);
    free(r);
    return root;
}
