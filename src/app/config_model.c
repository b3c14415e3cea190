/* Models: their targets, and the order in which names are tried. */
#include "app/config_check.h"

#include <stdlib.h>

#include "base/option.h"

static const struct provider_conf *provider_named(const struct gateway_conf *g, str name)
{
    for (unsigned i = 0; i < g->provider_count; i++)
        if (str_eq(g->providers[i].name, name))
            return &g->providers[i];
    return NULL;
}

static void unknown_provider(struct config_checker *c, const struct target_conf *t,
                             const struct config_node *n)
{
    const struct gateway_conf *g = &c->root->conf;
    str best = STR_NULL;
    unsigned distance = 0;
    for (unsigned i = 0; i < g->provider_count; i++)
        option_suggest(t->provider_name, g->providers[i].name, &best, &distance);
    config_complain(c, n, n->kind == CONFIG_MAP ? "provider" : NULL, best,
                    "there is no provider '%.*s'", STR_ARG(t->provider_name));
}

static void check_target(struct config_checker *c, const struct model_conf *m,
                         struct target_conf *t, const struct config_node *n)
{
    if (t->provider_name.len == 0)
        return; /* the table said so */
    t->provider = provider_named(&c->root->conf, t->provider_name);
    if (!t->provider)
        unknown_provider(c, t, n);
    if (t->weight != 1 && m->strategy != STRATEGY_WEIGHTED && m->strategy != STRATEGY_RANDOM)
        config_complain(c, n, "weight", STR_NULL,
                        "has no effect: only strategies weighted and random read it");
}

static void check_model(struct config_checker *c, struct model_conf *m, const struct config_node *n)
{
    m->is_glob = str_find_byte(m->name, '*') >= 0 || str_find_byte(m->name, '?') >= 0;
    if (m->retry.base_ms > m->retry.max_ms)
        config_complain(c, config_node_get(n, STR("retry")), "base", STR_NULL,
                        "is larger than `max`");
    if (n->kind == CONFIG_TEXT) {
        if (m->target_count)
            check_target(c, m, &m->targets[0], n);
        return;
    }
    const struct config_node *targets = config_node_get(n, STR("targets"));
    if (!targets || targets->kind != CONFIG_LIST)
        return;
    if (targets->count == 0)
        config_complain(c, n, "targets", STR_NULL, "must not be empty");
    const struct config_node *e = targets->first;
    for (unsigned i = 0; i < m->target_count && e; i++, e = e->next)
        check_target(c, m, &m->targets[i], e);
}

/* Exact names first, then globs, longest first; else as they were written. */
static int by_precedence(const void *left, const void *right)
{
    const struct model_conf *a = left, *b = right;
    if (a->is_glob != b->is_glob)
        return a->is_glob ? 1 : -1;
    if (a->is_glob && a->name.len != b->name.len)
        return a->name.len > b->name.len ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

void config_check_models(struct config_checker *c)
{
    struct gateway_conf *g = &c->root->conf;
    const struct config_node *section = config_node_get(c->tree, STR("models"));
    const struct config_node *n = section ? section->first : NULL;
    for (unsigned i = 0; i < g->model_count && n; i++, n = n->next) {
        g->models[i].index = i;
        check_model(c, &g->models[i], n);
    }
    if (g->model_count)
        qsort(g->models, g->model_count, sizeof(*g->models), by_precedence);
    for (unsigned i = 0; i < g->model_count; i++)
        g->models[i].index = i;
}
