#include "app/config_decode.h"

#include "app/option_tables/tables.h"

enum { SHOWN_MAX = 60, PATH_MAX_BYTES = 256 };

static void problem(struct config_decoder *d, const struct config_node *n, str suggestion,
                    const char *format, ...) printf_like(4, 5);
static void problem(struct config_decoder *d, const struct config_node *n, str suggestion,
                    const char *format, ...)
{
    struct arena *a = &d->report->arena;
    va_list args;
    va_start(args, format);
    str what = arena_vprintf(a, format, args);
    va_end(args);
    config_report_add(d->report, CONFIG_ERROR, n->place, config_node_path(n, a), suggestion, "%.*s",
                      STR_ARG(what));
}

/* A value as it may be repeated in a message: not what is secret, nor what came from elsewhere. */
static str shown(struct config_decoder *d, const struct option *o, const struct config_node *n)
{
    if (o->flags & OPTION_SECRET || n->is_expanded)
        return STR("the value");
    bool cut = n->text.len > SHOWN_MAX;
    return arena_printf(&d->report->arena, "'%.*s%s'", STR_ARG(str_first(n->text, SHOWN_MAX)),
                        cut ? "…" : "");
}

static void wrong_value(struct config_decoder *d, const struct option *o,
                        const struct config_node *n, str suggestion, const char *wrong)
{
    str value = shown(d, o, n);
    problem(d, n, suggestion, "%.*s %s", STR_ARG(value), wrong);
}

static void wrong_kind(struct config_decoder *d, const struct option *o,
                       const struct config_node *n)
{
    struct buf b;
    buf_init(&b, 0);
    option_describe(o, &b);
    problem(d, n, STR_NULL, "expected %.*s, found %s", STR_ARG(buf_str(&b)), config_node_what(n));
    buf_release(&b);
}

static void *array_new(struct config_decoder *d, void *base, const struct option *o, size_t size,
                       unsigned count)
{
    void *array = count ? arena_zalloc(d->arena, size * count) : NULL;
    if (count && !array) {
        d->no_memory = true;
        count = 0;
    }
    memcpy((char *)base + o->offset, &array, sizeof(array));
    memcpy((char *)base + o->count_offset, &count, sizeof(count));
    return array;
}

static void count_set(void *base, const struct option *o, unsigned count)
{
    memcpy((char *)base + o->count_offset, &count, sizeof(count));
}

static bool text_copy(struct config_decoder *d, str text, str *out)
{
    *out = arena_str(d->arena, text);
    if (str_is_null(*out))
        d->no_memory = true;
    return !d->no_memory;
}

/* --- Defaults. */

static void default_of_row(struct config_decoder *d, const struct option *o, void *base)
{
    void *field = (char *)base + o->offset;
    str text = str_from_c(o->initial);
    uint64_t number = 0;
    switch (o->type) {
    case OPTION_BOOL:
    case OPTION_UINT:
    case OPTION_PERCENT:
    case OPTION_SIZE:
    case OPTION_DURATION:
    case OPTION_ENUM:
        if (o->initial && option_number_parse(o, text, &number, &d->report->arena))
            BUG("default of %s", o->name);
        option_number_set(o, base, number);
        break;
    case OPTION_STRING:
        *(str *)field = text;
        break;
    case OPTION_KIND:
        memset(field, 0, o->kind->size);
        if (o->initial && o->kind->parse(text, field, d->arena))
            BUG("default of %s", o->name);
        break;
    case OPTION_KINDS:
        field = array_new(d, base, o, o->kind->size, o->initial ? 1 : 0);
        if (field && o->kind->parse(text, field, d->arena))
            BUG("default of %s", o->name);
        break;
    case OPTION_STRINGS:
    case OPTION_PAIRS:
    case OPTION_LIST:
    case OPTION_MAP:
        array_new(d, base, o, 1, 0);
        break;
    case OPTION_SECTION:
        config_decode_defaults(d, o->table, field);
        break;
    }
}

void config_decode_defaults(struct config_decoder *d, const struct option_table *t, void *base)
{
    for (const struct option *o = t->rows; o->name; o++)
        if (!(o->flags & (OPTION_ALIAS | OPTION_LATER)))
            default_of_row(d, o, base);
}

/* --- Values. */

/* The value of an enum that was meant, or null. */
static str enum_suggestion(const struct option *o, str written)
{
    str best = STR_NULL;
    unsigned distance = 0;
    for (unsigned i = 0; o->names && o->names[i]; i++)
        option_suggest(written, str_from_c(o->names[i]), &best, &distance);
    return best;
}

static bool is_later(const struct option *o, str text)
{
    for (unsigned i = 0; o->later && o->later[i]; i++)
        if (str_eq(text, str_from_c(o->later[i])))
            return true;
    return false;
}

static void read_number(struct config_decoder *d, const struct option *o, void *base,
                        const struct config_node *n)
{
    uint64_t value;
    if (n->kind != CONFIG_TEXT) {
        wrong_kind(d, o, n);
        return;
    }
    const char *wrong = option_number_parse(o, n->text, &value, &d->report->arena);
    if (!wrong) {
        option_number_set(o, base, value);
    } else if (o->type == OPTION_ENUM && is_later(o, n->text)) {
        struct buf b;
        buf_init(&b, 0);
        option_describe(o, &b);
        problem(d, n, STR_NULL, "%.*s is not available in this version, only %.*s",
                STR_ARG(n->text), STR_ARG(buf_str(&b)));
        buf_release(&b);
    } else {
        str suggestion = o->type == OPTION_ENUM ? enum_suggestion(o, n->text) : STR_NULL;
        wrong_value(d, o, n, suggestion, wrong);
    }
}

static bool read_string(struct config_decoder *d, const struct option *o, str *field,
                        const struct config_node *n)
{
    if (n->kind != CONFIG_TEXT) {
        if (n->kind == CONFIG_NOTHING && !n->is_wrong)
            problem(d, n, STR_NULL, "must not be empty");
        else if (!n->is_wrong)
            problem(d, n, STR_NULL, "expected a text, found %s", config_node_what(n));
        return false;
    }
    const char *wrong = option_text_check(o, n->text, &d->report->arena);
    if (wrong) {
        wrong_value(d, o, n, STR_NULL, wrong);
        return false;
    }
    return text_copy(d, n->text, field);
}

/* The elements of a list, or a text alone as the only one; NULL: reported. */
static const struct config_node *elements(struct config_decoder *d, const struct option *o,
                                          const struct config_node *n, unsigned *count)
{
    *count = n->kind == CONFIG_LIST ? n->count : 1;
    if (n->kind == CONFIG_LIST)
        return n->first;
    if (n->kind == CONFIG_TEXT)
        return n;
    wrong_kind(d, o, n);
    *count = 0;
    return NULL;
}

static void read_strings(struct config_decoder *d, const struct option *o, void *base,
                         const struct config_node *n)
{
    unsigned count, used = 0;
    const struct config_node *e = elements(d, o, n, &count);
    str *array = array_new(d, base, o, sizeof(str), count);
    for (unsigned i = 0; array && e && i < count; i++, e = e->next)
        used += read_string(d, o, &array[used], e);
    count_set(base, o, used);
}

static void read_pairs(struct config_decoder *d, const struct option *o, void *base,
                       const struct config_node *n)
{
    if (n->kind != CONFIG_MAP) {
        wrong_kind(d, o, n);
        return;
    }
    unsigned used = 0;
    struct option_pair *array = array_new(d, base, o, sizeof(*array), n->count);
    for (const struct config_node *c = array ? n->first : NULL; c; c = c->next) {
        const char *wrong = o->check_name ? o->check_name(c->key) : NULL;
        if (wrong)
            problem(d, c, STR_NULL, "%s", wrong);
        else if (read_string(d, o, &array[used].value, c))
            used += text_copy(d, c->key, &array[used].name);
    }
    count_set(base, o, used);
}

static bool read_kind(struct config_decoder *d, const struct option *o, void *field,
                      const struct config_node *n)
{
    if (n->kind != CONFIG_TEXT) {
        if (!n->is_wrong)
            problem(d, n, STR_NULL, "expected %s, found %s", o->kind->what, config_node_what(n));
        return false;
    }
    const char *wrong = o->kind->parse(n->text, field, d->arena);
    if (wrong && !*wrong)
        wrong = arena_printf(&d->report->arena, "is not %s", o->kind->what).ptr;
    if (wrong)
        wrong_value(d, o, n, STR_NULL, wrong);
    return !wrong;
}

/* A value that does not read leaves the field as it was. */
static void read_one_kind(struct config_decoder *d, const struct option *o, void *base,
                          const struct config_node *n)
{
    void *scratch = arena_zalloc(d->arena, o->kind->size);
    if (!scratch)
        d->no_memory = true;
    else if (read_kind(d, o, scratch, n))
        memcpy((char *)base + o->offset, scratch, o->kind->size);
}

static void read_kinds(struct config_decoder *d, const struct option *o, void *base,
                       const struct config_node *n)
{
    unsigned count, used = 0;
    const struct config_node *e = elements(d, o, n, &count);
    if (!e && n->kind != CONFIG_LIST)
        return;
    char *array = array_new(d, base, o, o->kind->size, count);
    for (unsigned i = 0; array && e && i < count; i++, e = e->next)
        used += read_kind(d, o, array + used * o->kind->size, e);
    count_set(base, o, used);
}

/* --- Sections. */

static void read_element(struct config_decoder *d, const struct option *o, void *element,
                         const struct config_node *n)
{
    const struct option_table *t = o->table;
    config_decode_defaults(d, t, element);
    if (t->prepare)
        t->prepare(element, d->root);
    if (n->kind == CONFIG_TEXT && t->parse) {
        const char *wrong = t->parse(n->text, element, d->arena);
        if (wrong && !*wrong)
            wrong = arena_printf(&d->report->arena, "is not %s", t->short_form).ptr;
        if (wrong)
            wrong_value(d, o, n, STR_NULL, wrong);
    } else if (n->kind == CONFIG_MAP || n->kind == CONFIG_NOTHING) {
        config_decode(d, t, element, n);
    } else {
        problem(d, n, STR_NULL, "expected %s, found %s", t->what, config_node_what(n));
    }
}

static void read_elements(struct config_decoder *d, const struct option *o, void *base,
                          const struct config_node *n)
{
    enum config_node_kind expected = o->type == OPTION_MAP ? CONFIG_MAP : CONFIG_LIST;
    if (n->kind != expected) {
        wrong_kind(d, o, n);
        return;
    }
    const struct option_table *t = o->table;
    char *element = array_new(d, base, o, t->size, n->count);
    for (const struct config_node *c = element ? n->first : NULL; c; c = c->next) {
        const char *wrong = o->type == OPTION_MAP && t->check_name ? t->check_name(c->key) : NULL;
        if (wrong)
            config_report_add(d->report, CONFIG_ERROR, c->key_place,
                              config_node_path(c, &d->report->arena), STR_NULL, "the name %s",
                              wrong);
        read_element(d, o, element, c);
        if (o->type == OPTION_MAP)
            text_copy(d, c->key, (str *)(void *)(element + t->name_offset));
        element += t->size;
    }
}

static void read_row(struct config_decoder *d, const struct option *o, void *base,
                     const struct config_node *n)
{
    switch (o->type) {
    case OPTION_BOOL:
    case OPTION_UINT:
    case OPTION_PERCENT:
    case OPTION_SIZE:
    case OPTION_DURATION:
    case OPTION_ENUM:
        read_number(d, o, base, n);
        break;
    case OPTION_STRING:
        read_string(d, o, (str *)(void *)((char *)base + o->offset), n);
        break;
    case OPTION_STRINGS:
        read_strings(d, o, base, n);
        break;
    case OPTION_PAIRS:
        read_pairs(d, o, base, n);
        break;
    case OPTION_KIND:
        read_one_kind(d, o, base, n);
        break;
    case OPTION_KINDS:
        read_kinds(d, o, base, n);
        break;
    case OPTION_SECTION:
        if (n->kind == CONFIG_MAP)
            config_decode(d, o->table, (char *)base + o->offset, n);
        else
            wrong_kind(d, o, n);
        break;
    case OPTION_LIST:
    case OPTION_MAP:
        read_elements(d, o, base, n);
        break;
    }
}

/* --- Names that no row has. */

/* Where an option of exactly that name is, as "server.max_body"; false: nowhere. */
static bool find_elsewhere(const struct option_table *t, str name, struct buf *path)
{
    for (const struct option *o = t->rows; o->name; o++) {
        size_t before = path->len;
        if (o->flags & OPTION_LATER)
            continue;
        buf_printf(path, "%s%s", before ? "." : "", o->name);
        if (str_eq(name, str_from_c(o->name)))
            return true;
        if (o->type == OPTION_MAP)
            buf_add_lit(path, ".<name>");
        if (o->type == OPTION_LIST)
            buf_add_lit(path, "[]");
        if (o->table && find_elsewhere(o->table, name, path))
            return true;
        path->len = before;
    }
    return false;
}

static void unknown_option(struct config_decoder *d, const struct option_table *t,
                           const struct config_node *n)
{
    struct arena *a = &d->report->arena;
    str best = STR_NULL;
    unsigned distance = 0;
    for (const struct option *o = t->rows; o->name; o++)
        if (!(o->flags & OPTION_LATER))
            option_suggest(n->key, str_from_c(o->name), &best, &distance);
    struct buf b;
    buf_init(&b, PATH_MAX_BYTES);
    if (str_is_null(best) && find_elsewhere(&table_gateway, n->key, &b) && !b.failed)
        best = buf_str(&b);
    config_report_add(d->report, CONFIG_ERROR, n->key_place, config_node_path(n, a), best,
                      "unknown option");
    buf_release(&b);
}

static void later_option(struct config_decoder *d, const struct option *o,
                         const struct config_node *n)
{
    config_report_add(d->report, CONFIG_ERROR, n->key_place, config_node_path(n, &d->report->arena),
                      STR_NULL, "not available in this version%s%s", o->help[0] ? ": " : "",
                      o->help);
}

static void check_required(struct config_decoder *d, const struct option_table *t,
                           const struct config_node *map)
{
    for (const struct option *o = t->rows; o->name; o++) {
        const struct config_node *n = config_node_get(map, str_from_c(o->name));
        if (!(o->flags & OPTION_REQUIRED) || (n && (n->kind != CONFIG_NOTHING || n->is_wrong)))
            continue;
        struct config_place place = map->key.len ? map->key_place : map->place;
        config_report_add(d->report, CONFIG_ERROR, place, config_node_path(map, &d->report->arena),
                          STR_NULL, "needs `%s`", o->name);
    }
}

void config_decode(struct config_decoder *d, const struct option_table *t, void *base,
                   const struct config_node *map)
{
    /* In the order of rows: `defaults` stands before what inherits them. */
    for (const struct option *o = t->rows; o->name; o++) {
        const struct config_node *n = config_node_get(map, str_from_c(o->name));
        if (!n)
            continue;
        if (o->flags & OPTION_LATER)
            later_option(d, o, n);
        else if (n->kind != CONFIG_NOTHING)
            read_row(d, o, base, n);
    }
    for (const struct config_node *n = map->first; n; n = n->next)
        if (!option_find(t, n->key))
            unknown_option(d, t, n);
    check_required(d, t, map);
}
