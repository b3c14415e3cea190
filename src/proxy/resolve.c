#include "proxy/resolve.h"

enum { NEAR_NAME_MAX = 64 };

/* What the provider calls the model: its deployment, where the configuration names one. */
static str name_there(const struct provider_conf *p, str model)
{
    for (unsigned i = 0; i < p->deployment_count; i++)
        if (str_eq(p->deployments[i].name, model))
            return p->deployments[i].value;
    return model;
}

static void add_target(struct request *r, const struct provider_conf *p, str model, unsigned weight)
{
    model = name_there(p, model);
    r->targets[r->target_count++] =
        (struct target){.provider = p, .model = model, .weight = weight};
}

static const struct model_conf *find_entry(const struct gateway_conf *conf, str name)
{
    for (unsigned i = 0; i < conf->model_count; i++) {
        const struct model_conf *m = &conf->models[i];
        if (m->is_glob ? str_glob(m->name, name) : str_eq(m->name, name))
            return m;
    }
    return NULL;
}

static void targets_of_entry(struct request *r)
{
    const struct model_conf *m = r->route;
    for (unsigned i = 0; i < m->target_count; i++) {
        const struct target_conf *t = &m->targets[i];
        add_target(r, t->provider, str_eq(t->model, STR("*")) ? r->model : t->model, t->weight);
    }
}

/* "provider/model": the rest is taken as it is. */
static void targets_by_prefix(struct request *r)
{
    str rest = r->model;
    str name = str_split(&rest, '/');
    const struct provider_conf *p = rest.len ? snapshot_provider(r->pinned->snapshot, name) : NULL;
    if (!p)
        return;
    add_target(r, p, rest, 1);
    struct model_list list = snapshot_models(r->pinned->snapshot, p->index);
    for (unsigned k = 0; k < list.count; k++)
        if (str_eq(list.ids[k], rest))
            r->rec.model_label = list.ids[k];
}

static void targets_by_listing(struct request *r)
{
    for (unsigned i = 0; i < r->conf->provider_count; i++) {
        struct model_list list = snapshot_models(r->pinned->snapshot, i);
        for (unsigned k = 0; k < list.count; k++) {
            if (str_eq(list.ids[k], r->model)) {
                r->rec.model_label = list.ids[k];
                add_target(r, &r->conf->providers[i], r->model, 1);
                break;
            }
        }
    }
}

bool resolve_targets(struct request *r)
{
    const struct gateway_conf *conf = r->conf;
    r->target_count = 0;
    r->route = r->model.len ? find_entry(conf, r->model) : NULL;
    unsigned room = conf->provider_count + (r->route ? r->route->target_count : 0);
    r->targets = arena_alloc(r->arena, (room ? room : 1) * sizeof(*r->targets));
    if (!r->targets)
        return false;
    if (!r->model.len) {
        for (unsigned i = 0; i < conf->provider_count; i++)
            add_target(r, &conf->providers[i], STR_NULL, 1);
        return true;
    }
    r->rec.model_label = r->route ? r->route->name : STR("other");
    if (r->route)
        targets_of_entry(r);
    if (!r->target_count)
        targets_by_prefix(r);
    if (!r->target_count)
        targets_by_listing(r);
    if (!r->target_count && r->pinned_provider.len)
        add_target(r, snapshot_provider(r->pinned->snapshot, r->pinned_provider), r->model, 1);
    if (!r->target_count && conf->provider_count == 1) {
        add_target(r, &conf->providers[0], r->model, 1);
        r->resolved_by_default = true;
    }
    return true;
}

/* --- The nearest name --------------------------------------------------------------------- */

/* Levenshtein's distance, two rows; both at most NEAR_NAME_MAX long. */
static unsigned distance(str a, str b)
{
    unsigned row[NEAR_NAME_MAX + 1];
    for (unsigned k = 0; k <= b.len; k++)
        row[k] = k;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned k = 1; k <= b.len; k++) {
            unsigned change = diagonal + (a.ptr[i - 1] != b.ptr[k - 1]);
            unsigned insert = (row[k] < row[k - 1] ? row[k] : row[k - 1]) + 1;
            diagonal = row[k];
            row[k] = change < insert ? change : insert;
        }
    }
    return row[b.len];
}

static void consider(struct request *r, str name, str *best, unsigned *best_distance)
{
    if (name.len > NEAR_NAME_MAX || !key_allows_model(r->key, name))
        return;
    unsigned d = distance(r->model, name);
    if (d < *best_distance) {
        *best = name;
        *best_distance = d;
    }
}

str resolve_closest(struct request *r)
{
    str best = STR_NULL;
    unsigned best_distance = (unsigned)r->model.len / 2 + 1;
    if (r->model.len > NEAR_NAME_MAX)
        return best;
    for (unsigned i = 0; i < r->conf->model_count; i++)
        if (!r->conf->models[i].is_glob)
            consider(r, r->conf->models[i].name, &best, &best_distance);
    for (unsigned i = 0; i < r->conf->provider_count; i++) {
        struct model_list list = snapshot_models(r->pinned->snapshot, i);
        for (unsigned k = 0; k < list.count && k < 1000; k++)
            consider(r, list.ids[k], &best, &best_distance);
    }
    return best;
}
