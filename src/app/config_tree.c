#include "app/config_tree.h"

#include "app/config_yaml.h"
#include "base/option.h"

struct config_node *config_node_new(struct config_tree *t, enum config_node_kind kind,
                                    struct config_place place)
{
    struct config_node *n = t->budget ? arena_zalloc(t->arena, sizeof(*n)) : NULL;
    if (!n) {
        t->no_memory = true;
        return NULL;
    }
    t->budget--;
    n->kind = kind;
    n->place = place;
    return n;
}

void config_node_append(struct config_node *parent, struct config_node *n)
{
    n->parent = parent;
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
    parent->count++;
}

bool config_tree_init(struct config_tree *t, struct arena *a, struct config_report *report,
                      const char *const *environment)
{
    *t = (struct config_tree){
        .arena = a, .report = report, .environment = environment, .budget = CONFIG_NODES_MAX};
    t->root = config_node_new(t, CONFIG_MAP, (struct config_place){0});
    return t->root != NULL;
}

void config_tree_parse(struct config_tree *t, str source, str text)
{
    unsigned errors = t->report->errors;
    struct config_place place = {.source = source};
    struct config_node *root = config_yaml_read(t, place, text);
    if (root && root->kind == CONFIG_MAP)
        t->root = root;
    else if (root && root->kind != CONFIG_NOTHING)
        config_report_add(t->report, CONFIG_ERROR, root->place, STR_NULL, STR_NULL,
                          "a configuration is a map (name: value), this is %s",
                          config_node_what(root));
    t->is_unreadable = t->root != root && t->report->errors > errors;
}

/* --- Overrides. */

/* Whether the text begins and ends as a list, map or quoted text does; [::]:8080 does not. */
static bool is_yaml(str value)
{
    static const str first = STR_INIT("[{\"'"), last = STR_INIT("]}\"'");
    ptrdiff_t at = value.len > 1 ? str_find_byte(first, value.ptr[0]) : -1;
    return at >= 0 && value.ptr[value.len - 1] == last.ptr[at];
}

/* A value of an override: a list, map or quoted text as YAML, anything else as it stands. */
static struct config_node *override_value(struct config_tree *t, struct config_place source,
                                          str path, str value)
{
    if (is_yaml(value)) {
        unsigned errors = t->report->errors;
        struct config_node *n = config_yaml_read(t, source, value);
        return n || t->report->errors > errors ? n : config_node_new(t, CONFIG_NOTHING, source);
    }
    struct config_node *n = config_node_new(t, CONFIG_TEXT, source);
    if (!n)
        return NULL;
    struct config_text text;
    size_t wrong_at;
    const char *wrong = config_text_init(&text, value, t->arena, t->environment, &wrong_at);
    if (!wrong)
        n->text =
            config_text_expand(&text, str_make(text.bytes, text.len), &n->is_expanded, &wrong);
    config_text_release(&text);
    if (wrong)
        config_report_add(t->report, CONFIG_ERROR, source, path, STR_NULL, "%s", wrong);
    else if (config_text_is_nothing(n->text))
        n->kind = CONFIG_NOTHING;
    return wrong ? NULL : n;
}

/* The child that a piece of an override's path means, made when it is not there.  NULL: reported. */
static struct config_node *override_step(struct config_tree *t, struct config_node *at, str piece,
                                         bool loose, struct config_place source)
{
    if (at->kind == CONFIG_NOTHING) {
        at->kind = CONFIG_MAP;
        at->place = source;
    }
    uint64_t index;
    if (at->kind == CONFIG_LIST && str_to_u64(piece, &index)) {
        struct config_node *n = at->first;
        while (n && index--)
            n = n->next;
        if (!n)
            config_report_add(t->report, CONFIG_ERROR, source, config_node_path(at, t->arena),
                              STR_NULL, "has %u elements, there is no [%.*s]", at->count,
                              STR_ARG(piece));
        return n;
    }
    if (at->kind != CONFIG_MAP) {
        config_report_add(t->report, CONFIG_ERROR, source, config_node_path(at, t->arena), STR_NULL,
                          "is %s: nothing in it can be set", config_node_what(at));
        return NULL;
    }
    for (struct config_node *n = at->first; n; n = n->next)
        if (str_eq(n->key, piece) || (loose && option_name_alike(n->key, piece)))
            return n;
    struct config_node *n = config_node_new(t, CONFIG_NOTHING, source);
    if (n) {
        n->key = piece;
        n->key_place = source;
        config_node_append(at, n);
    }
    return n;
}

/* Makes `n`, wherever it is, say what `value` says. */
static void node_replace(struct config_node *n, struct config_node *value)
{
    n->kind = value->kind;
    n->place = n->key_place = value->place;
    n->text = value->text;
    n->is_expanded = value->is_expanded;
    n->first = value->first;
    n->last = value->last;
    n->count = value->count;
    for (struct config_node *c = n->first; c; c = c->next)
        c->parent = n;
}

/* Takes the next piece off "a.b", "a[0]", "\"x.y\".z".  False: not a path. */
static bool path_piece(str *path, str *piece)
{
    str p = *path;
    if (p.len && (p.ptr[0] == '"' || p.ptr[0] == '[')) {
        char end = p.ptr[0] == '"' ? '"' : ']';
        ptrdiff_t at = str_find_byte(str_from(p, 1), end);
        if (at < 1)
            return false;
        *piece = str_make(p.ptr + 1, (size_t)at);
        p = str_from(p, (size_t)at + 2);
    } else {
        size_t n = 0;
        while (n < p.len && p.ptr[n] != '.' && p.ptr[n] != '[')
            n++;
        *piece = str_first(p, n);
        p = str_from(p, n);
    }
    if (p.len && p.ptr[0] == '.') {
        p = str_from(p, 1);
        if (p.len == 0)
            return false;
    } else if (p.len && p.ptr[0] != '[') {
        return false;
    }
    *path = p;
    return piece->len > 0;
}

void config_tree_set(struct config_tree *t, str option, str path, str value)
{
    struct config_place source = {.source = option, .rank = 2};
    struct config_node *at = t->root;
    str rest = path, piece;
    if (rest.len == 0)
        at = NULL;
    while (at && rest.len) {
        if (!path_piece(&rest, &piece)) {
            at = NULL;
            break;
        }
        at = override_step(t, at, piece, false, source);
        if (!at)
            return;
    }
    if (!at) {
        config_report_add(t->report, CONFIG_ERROR, source, path, STR_NULL,
                          "is not a path such as server.max_body or models.\"gpt-4.1\".strategy");
        return;
    }
    struct config_node *n = override_value(t, source, path, value);
    if (n)
        node_replace(at, n);
}

static str lower_case(struct config_tree *t, str text)
{
    char *low = arena_alloc(t->arena, text.len + 1);
    if (!low) {
        t->no_memory = true;
        return STR_NULL;
    }
    for (size_t i = 0; i < text.len; i++)
        low[i] =
            text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? (char)(text.ptr[i] | 0x20) : text.ptr[i];
    return str_make(low, text.len);
}

static void set_variable(struct config_tree *t, str name, str path, str value)
{
    struct config_place source = {.source = name, .rank = 1};
    struct config_node *at = t->root;
    while (path.len) {
        ptrdiff_t end = str_find(path, STR("__"));
        str piece = end < 0 ? path : str_first(path, (size_t)end);
        path = end < 0 ? STR_NULL : str_from(path, (size_t)end + 2);
        str low = lower_case(t, piece);
        if (piece.len == 0 || (end >= 0 && path.len == 0)) {
            config_report_add(t->report, CONFIG_ERROR, source, STR_NULL, STR_NULL,
                              "is not LLM_GATEWAY__SECTION__FIELD");
            return;
        }
        at = override_step(t, at, low, true, source);
        if (!at)
            return;
    }
    struct config_node *n = override_value(t, source, config_node_path(at, t->arena), value);
    if (n)
        node_replace(at, n);
}

void config_tree_set_environment(struct config_tree *t)
{
    static const str prefix = STR_INIT("LLM_GATEWAY__");
    for (const char *const *e = t->environment; e && *e; e++) {
        str value = str_from_c(*e);
        if (!str_starts(value, prefix))
            continue;
        str name = str_split(&value, '=');
        if (name.len > prefix.len)
            set_variable(t, name, str_from(name, prefix.len), value);
    }
}

/* --- Looking. */

static void wipe(struct config_node *n)
{
    if (n->text.len)
        explicit_bzero((void *)n->text.ptr, n->text.len); /* the arena's, not a literal's */
    for (struct config_node *c = n->first; c; c = c->next)
        wipe(c);
}

void config_tree_wipe(struct config_tree *t)
{
    wipe(t->root);
}

struct config_node *config_node_get(const struct config_node *n, str name)
{
    struct config_node *c = n && n->kind == CONFIG_MAP ? n->first : NULL;
    while (c && !str_eq(c->key, name))
        c = c->next;
    return c;
}

static bool is_plain_name(str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (strchr(".[]\" \t\n", name.ptr[i]))
            return false;
    return name.len > 0;
}

str config_node_path(const struct config_node *n, struct arena *a)
{
    if (!n || !n->parent)
        return STR("");
    str above = config_node_path(n->parent, a);
    if (n->parent->kind == CONFIG_LIST) {
        unsigned index = 0;
        for (const struct config_node *c = n->parent->first; c != n; c = c->next)
            index++;
        return arena_printf(a, "%.*s[%u]", STR_ARG(above), index);
    }
    const char *quote = is_plain_name(n->key) ? "" : "\"";
    return arena_printf(a, "%.*s%s%s%.*s%s", STR_ARG(above), above.len ? "." : "", quote,
                        STR_ARG(n->key), quote);
}

const char *config_node_what(const struct config_node *n)
{
    switch (n->kind) {
    case CONFIG_NOTHING:
        return "nothing";
    case CONFIG_TEXT:
        return "a text";
    case CONFIG_LIST:
        return "a list";
    case CONFIG_MAP:
        return "a map";
    }
    return "";
}
