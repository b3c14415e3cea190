#include "proxy/models_page.h"

#include "proxy/resolve.h"
#include "wire/json_write.h"
#include "wire/url.h"

/* Extension object `gateway`: where the name leads. */
static void write_targets(struct json_write *w, const struct target *targets, unsigned count)
{
    json_write_key(w, STR("gateway"));
    json_write_object(w);
    json_write_key(w, STR("targets"));
    json_write_array(w);
    for (unsigned i = 0; i < count; i++) {
        json_write_object(w);
        json_write_member(w, STR("provider"), targets[i].provider->name);
        json_write_member(w, STR("model"), targets[i].model);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    json_write_object_end(w);
}

/* OpenAI's model object.  `created` is a constant: nobody told us when. */
static void write_model(struct json_write *w, str id, const struct target *targets, unsigned count)
{
    json_write_object(w);
    json_write_member(w, STR("id"), id);
    json_write_member(w, STR("object"), STR("model"));
    json_write_member_u64(w, STR("created"), 0);
    json_write_member(w, STR("owned_by"), count ? targets[0].provider->name : STR("gateway"));
    write_targets(w, targets, count);
    json_write_object_end(w);
}

static void write_entry(struct request *r, struct json_write *w, const struct model_conf *m)
{
    struct target *targets = arena_alloc(r->arena, m->target_count * sizeof(*targets));
    if (!targets)
        return;
    for (unsigned i = 0; i < m->target_count; i++)
        targets[i] = (struct target){m->targets[i].provider, m->targets[i].model, 1};
    write_model(w, m->name, targets, m->target_count);
}

/* Whether an earlier line of the list has the same name. */
static bool was_listed(const struct request *r, str id, unsigned provider)
{
    for (unsigned i = 0; i < r->conf->model_count; i++)
        if (!r->conf->models[i].is_glob && str_eq(r->conf->models[i].name, id))
            return true;
    for (unsigned i = 0; i < provider; i++) {
        struct model_list list = snapshot_models(r->pinned->snapshot, i);
        for (unsigned k = 0; k < list.count; k++)
            if (str_eq(list.ids[k], id))
                return true;
    }
    return false;
}

static void write_list(struct request *r, struct json_write *w)
{
    for (unsigned i = 0; i < r->conf->model_count; i++) {
        const struct model_conf *m = &r->conf->models[i];
        if (!m->is_glob && key_allows_model(r->key, m->name))
            write_entry(r, w, m);
    }
    for (unsigned i = 0; i < r->conf->provider_count; i++) {
        struct model_list list = snapshot_models(r->pinned->snapshot, i);
        for (unsigned k = 0; k < list.count; k++) {
            struct target one = {&r->conf->providers[i], list.ids[k], 1};
            if (key_allows_model(r->key, list.ids[k]) && !was_listed(r, list.ids[k], i))
                write_model(w, list.ids[k], &one, 1);
        }
    }
}

static enum stage_verdict send_page(struct request *r, struct buf *body)
{
    if (body->failed) {
        buf_release(body);
        return stage_refuse(r, ERR_NO_MEMORY, STR_NULL, "No memory for the list.");
    }
    buf_add_byte(body, '\n');
    request_answer(r, 200, STR("application/json"), buf_str(body), NULL, 0);
    buf_release(body);
    return STAGE_DONE;
}

static enum stage_verdict answer_list(struct request *r)
{
    struct buf body;
    struct json_write w;
    buf_init(&body, 0);
    json_write_init(&w, &body);
    json_write_object(&w);
    json_write_member(&w, STR("object"), STR("list"));
    json_write_key(&w, STR("data"));
    json_write_array(&w);
    write_list(r, &w);
    json_write_array_end(&w);
    json_write_object_end(&w);
    return send_page(r, &body);
}

/* Nobody lists it, and the only provider, which would be asked all the same, does list others. */
static bool resolved_by_guess(const struct request *r)
{
    return r->resolved_by_default &&
           snapshot_models(r->pinned->snapshot, r->targets[0].provider->index).count > 0;
}

static enum stage_verdict answer_one(struct request *r, str id)
{
    r->model = url_path_id(id, r->arena);
    if (str_is_null(r->model) || !resolve_targets(r))
        return stage_refuse(r, ERR_NO_MEMORY, STR_NULL, "No memory for the request.");
    if (!r->target_count || resolved_by_guess(r) || !key_allows_model(r->key, r->model))
        return stage_refuse(r, ERR_MODEL_UNKNOWN, STR("model"),
                            "The model %.*s does not exist here.", STR_ARG(r->model));
    struct buf body;
    struct json_write w;
    buf_init(&body, 0);
    json_write_init(&w, &body);
    write_model(&w, r->model, r->targets, r->target_count);
    return send_page(r, &body);
}

enum stage_verdict models_page_answer(struct request *r)
{
    return r->rest.len > 1 ? answer_one(r, str_from(r->rest, 1)) : answer_list(r);
}
