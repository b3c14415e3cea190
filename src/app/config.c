#include "app/config.h"

#include <stdlib.h>
#include <unistd.h>

#include "app/config_check.h"
#include "app/config_decode.h"
#include "app/config_discover.h"
#include "app/config_text.h"
#include "app/config_tree.h"
#include "app/option_tables/tables.h"

_Static_assert(offsetof(struct config_root, conf) == 0, "a gateway_conf leads to its root");

static bool is_there(str path)
{
    return path.ptr && access(path.ptr, F_OK) == 0;
}

str config_find_file(const struct config_sources *src, struct arena *a)
{
    if (src->file)
        return arena_str(a, str_from_c(src->file));
    const char *named = config_environment_get(src->environment, STR("LLM_GATEWAY_CONFIG"));
    if (named && *named)
        return arena_str(a, str_from_c(named));
    const char *home = config_environment_get(src->environment, STR("HOME"));
    const char *xdg = config_environment_get(src->environment, STR("XDG_CONFIG_HOME"));
    str places[] = {
        STR("llm-gateway.yaml"),
        xdg && *xdg     ? arena_printf(a, "%s/llm-gateway/config.yaml", xdg)
        : home && *home ? arena_printf(a, "%s/.config/llm-gateway/config.yaml", home)
                        : STR_NULL,
        STR("/etc/llm-gateway/config.yaml"),
    };
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (is_there(places[i]))
            return arena_str(a, places[i]);
    return STR_NULL;
}

static void apply_overrides(struct config_tree *t, const struct config_sources *src)
{
    config_tree_set_environment(t);
    for (unsigned i = 0; i < src->override_count; i++)
        config_tree_set(t, src->overrides[i].option, src->overrides[i].path,
                        src->overrides[i].value);
}

/* Two options that say the same: the one with the higher source counts, as if it were one. */
static void drop_weaker(struct config_node *section, const char *one, const char *other)
{
    struct config_node *a = config_node_get(section, str_from_c(one));
    struct config_node *b = config_node_get(section, str_from_c(other));
    if (!a || !b || a->place.rank == b->place.rank || a->kind == CONFIG_NOTHING ||
        b->kind == CONFIG_NOTHING)
        return;
    struct config_node *weaker = a->place.rank < b->place.rank ? a : b;
    weaker->kind = CONFIG_NOTHING;
}

static void drop_overridden(const struct config_tree *t)
{
    const struct config_node *providers = config_node_get(t->root, STR("providers"));
    const struct config_node *keys = config_node_get(t->root, STR("keys"));
    for (struct config_node *n = providers ? providers->first : NULL; n; n = n->next)
        drop_weaker(n, "api_key", "api_keys");
    for (struct config_node *n = keys ? keys->first : NULL; n; n = n->next)
        drop_weaker(n, "key", "sha256");
}

static void decode_and_check(struct config_root *root, const struct config_tree *tree,
                             bool *no_memory)
{
    struct config_decoder d = {.arena = &root->conf.arena, .report = tree->report, .root = root};
    config_decode_defaults(&d, &table_gateway, root);
    if (!d.no_memory)
        config_decode(&d, &table_gateway, root, tree->root);
    root->conf.retry = root->defaults.retry;
    root->conf.unsupported = root->defaults.unsupported;
    struct config_checker c = {.root = root,
                               .tree = tree->root,
                               .report = tree->report,
                               .environment = tree->environment,
                               .arena = &root->conf.arena};
    if (!d.no_memory) {
        config_check_listeners(&c);
        config_check_keys(&c);
        config_check_fetch(&c);
        config_check_providers(&c);
        config_check_models(&c);
    }
    *no_memory = d.no_memory || c.no_memory || tree->no_memory;
}

static enum err load(const struct config_sources *src, str name, str text, struct config_root *root,
                     struct config_report *report)
{
    struct arena scratch;
    struct config_tree tree;
    arena_init(&scratch, 0);
    bool no_memory = !config_tree_init(&tree, &scratch, report, src->environment);
    if (!no_memory) {
        tree.root->place.source = name;
        config_tree_parse(&tree, name, text);
        apply_overrides(&tree, src);
        drop_overridden(&tree);
        /* A file that is no YAML says nothing of its options: its own message is enough. */
        if (!tree.is_unreadable && !tree.no_memory)
            decode_and_check(root, &tree, &no_memory);
        no_memory |= tree.no_memory && tree.budget > 0;
        if (tree.budget == 0)
            config_report_add(report, CONFIG_ERROR, (struct config_place){.source = name}, STR_NULL,
                              STR_NULL, "holds more than %d values", CONFIG_NODES_MAX);
        config_tree_wipe(&tree);
    }
    arena_release(&scratch);
    config_report_sort(report);
    return report->errors ? ERR_CONFIG : no_memory || report->no_memory ? ERR_NO_MEMORY : ERR_NONE;
}

enum err config_load_text(const struct config_sources *src, str name, str text,
                          struct gateway_conf **out, struct config_report *report)
{
    *out = NULL;
    struct config_root *root = calloc(1, sizeof(*root));
    if (!root)
        return ERR_NO_MEMORY;
    arena_init(&root->conf.arena, 0);
    enum err err = load(src, name, text, root, report);
    if (err == ERR_NONE)
        *out = &root->conf;
    else
        config_free(&root->conf);
    return err;
}

static enum err load_file(const struct config_sources *src, str path, struct gateway_conf **out,
                          struct config_report *report)
{
    char *bytes;
    size_t len;
    struct file_mark mark = file_mark_take(path.ptr);
    const char *wrong = config_file_read(path.ptr, CONFIG_FILE_MAX, &bytes, &len, &report->arena);
    if (wrong) {
        config_report_add(report, CONFIG_ERROR, (struct config_place){.source = path}, STR_NULL,
                          STR_NULL, "cannot be read: %s", wrong);
        return ERR_CONFIG;
    }
    enum err err = config_load_text(src, path, str_make(bytes, len), out, report);
    explicit_bzero(bytes, len);
    free(bytes);
    if (err == ERR_NONE) {
        (*out)->file_mark = mark;
        (*out)->file = arena_str(&(*out)->arena, path);
        if (!str_is_null((*out)->file))
            return ERR_NONE;
        config_free(*out);
        *out = NULL;
        return ERR_NO_MEMORY;
    }
    return err;
}

/* Without a file: the one that `init` would write for this machine. */
static enum err load_found(const struct config_sources *src, struct gateway_conf **out,
                           struct config_report *report)
{
    struct config_found found;
    struct buf text;
    buf_init(&text, 0);
    config_discover(&found, src->environment, src->probe);
    config_found_yaml(&found, &text);
    enum err err = text.failed
                       ? ERR_NO_MEMORY
                       : config_load_text(src, STR("(environment)"), buf_str(&text), out, report);
    buf_release(&text);
    return err;
}

enum err config_load(const struct config_sources *src, struct gateway_conf **out,
                     struct config_report *report)
{
    *out = NULL;
    str path = config_find_file(src, &report->arena);
    return str_is_null(path) ? load_found(src, out, report) : load_file(src, path, out, report);
}

static void wipe(str s)
{
    if (s.len)
        explicit_bzero((void *)s.ptr, s.len); /* the arena's, not a literal's */
}

/* Texts of secret rows live in the arena, whose blocks are used again. */
static void wipe_secrets(const struct gateway_conf *g)
{
    wipe(g->admin_token);
    for (unsigned i = 0; i < g->provider_count; i++) {
        const struct provider_conf *p = &g->providers[i];
        for (unsigned k = 0; k < p->api_key_count; k++)
            wipe(p->api_keys[k]);
        for (unsigned k = 0; k < p->header_count; k++)
            wipe(p->headers[k].value);
        wipe(p->proxy);
        wipe(p->endpoint.proxy_authorization);
    }
}

void config_free(struct gateway_conf *conf)
{
    if (!conf)
        return;
    wipe_secrets(conf);
    arena_release(&conf->arena);
    free(CONTAINER_OF(conf, struct config_root, conf));
}
