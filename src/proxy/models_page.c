#include "proxy/models_page.h"

#include <stdio.h>

#include "llm/dialect/anthropic.h"
#include "llm/model_facts.h"
#include "llm/provider.h"
#include "proxy/resolve.h"
#include "wire/json_write.h"
#include "wire/url.h"

/* A name that clients may use, and where it leads. */
struct entry {
    str id;
    const struct target *targets;
    unsigned count;
};

/* The list in one API's shape; an item is the same alone. */
struct shape {
    void (*begin)(struct json_write *w);
    void (*item)(struct json_write *w, const struct entry *e);
    void (*end)(struct json_write *w, str first, str last);
};

/* --- The extension object `gateway` ----------------------------------------------------------- */

static void write_limit(struct json_write *w, str name, uint32_t tokens)
{
    if (tokens)
        json_write_member_u64(w, name, tokens);
}

static void write_price(struct json_write *w, const struct model_facts *f)
{
    const struct {
        str name;
        double value;
    } prices[] = {{STR("input"), f->price_input},
                  {STR("cached"), f->price_cached},
                  {STR("cache_write"), f->price_cache_write},
                  {STR("output"), f->price_output}};
    if (f->price_input < 0)
        return;
    json_write_key(w, STR("price"));
    json_write_object(w);
    for (unsigned i = 0; i < ARRAY_LEN(prices); i++) {
        if (prices[i].value < 0)
            continue;
        json_write_key(w, prices[i].name);
        json_write_double(w, prices[i].value);
    }
    json_write_object_end(w);
}

static void write_abilities(struct json_write *w, const struct model_facts *f)
{
    static const str shown[] = {[MODEL_VISION] = STR_INIT("vision"),
                                [MODEL_TOOLS] = STR_INIT("tools"),
                                [MODEL_JSON_SCHEMA] = STR_INIT("json_schema"),
                                [MODEL_REASONING] = STR_INIT("reasoning"),
                                [MODEL_AUDIO] = STR_INIT("audio"),
                                [MODEL_PDF] = STR_INIT("pdf"),
                                [MODEL_EMBEDDING] = STR_INIT("embedding")};
    json_write_key(w, STR("capabilities"));
    json_write_array(w);
    for (unsigned i = 0; i < ARRAY_LEN(shown); i++)
        if (shown[i].len && model_can(f, (enum model_ability)i))
            json_write_string(w, shown[i]);
    json_write_array_end(w);
}

static void write_gateway(struct json_write *w, const struct entry *e)
{
    json_write_key(w, STR("gateway"));
    json_write_object(w);
    json_write_key(w, STR("targets"));
    json_write_array(w);
    for (unsigned i = 0; i < e->count; i++) {
        json_write_object(w);
        json_write_member(w, STR("provider"), e->targets[i].provider->name);
        json_write_member(w, STR("model"), e->targets[i].model);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    const struct model_facts *f =
        e->count ? provider_model_facts(e->targets[0].provider, e->targets[0].model)
                 : &model_facts_unknown;
    if (f !=
        &model_facts_unknown) { /* of the first: what a request gets that nothing else is said of */
        write_limit(w, STR("context_window"), f->window);
        write_limit(w, STR("max_output_tokens"), f->output_max);
        write_abilities(w, f);
        write_price(w, f);
    }
    json_write_object_end(w);
}

/* --- Shapes ----------------------------------------------------------------------------------- */

static void openai_begin(struct json_write *w)
{
    json_write_object(w);
    json_write_member(w, STR("object"), STR("list"));
    json_write_key(w, STR("data"));
    json_write_array(w);
}

/* `created` is a constant: nobody told us when. */
static void openai_item(struct json_write *w, const struct entry *e)
{
    json_write_object(w);
    json_write_member(w, STR("id"), e->id);
    json_write_member(w, STR("object"), STR("model"));
    json_write_member_u64(w, STR("created"), 0);
    json_write_member(w, STR("owned_by"), e->count ? e->targets[0].provider->name : STR("gateway"));
    write_gateway(w, e);
    json_write_object_end(w);
}

static void plain_end(struct json_write *w, str first, str last)
{
    (void)first, (void)last;
    json_write_array_end(w);
    json_write_object_end(w);
}

static void anthropic_item(struct json_write *w, const struct entry *e)
{
    const struct model_facts *f =
        e->count ? provider_model_facts(e->targets[0].provider, e->targets[0].model)
                 : &model_facts_unknown;
    anthropic_models_begin_one(w, e->id, f->window, f->output_max);
    write_gateway(w, e);
    json_write_object_end(w);
}

static void gemini_begin(struct json_write *w)
{
    json_write_object(w);
    json_write_key(w, STR("models"));
    json_write_array(w);
}

static void gemini_item(struct json_write *w, const struct entry *e)
{
    static const str chats[] = {STR_INIT("generateContent"), STR_INIT("streamGenerateContent"),
                                STR_INIT("countTokens")};
    static const str embeds[] = {STR_INIT("embedContent"), STR_INIT("batchEmbedContents")};
    const struct model_facts *f =
        e->count ? provider_model_facts(e->targets[0].provider, e->targets[0].model)
                 : &model_facts_unknown;
    bool embedding = model_can(f, MODEL_EMBEDDING);
    char name[300];
    json_write_object(w);
    int len = snprintf(name, sizeof(name), "models/%.*s", STR_ARG(str_first(e->id, 280)));
    json_write_member(w, STR("name"), str_make(name, (size_t)len));
    json_write_member(w, STR("version"), STR("1"));
    json_write_member(w, STR("displayName"), e->id);
    write_limit(w, STR("inputTokenLimit"), f->window);
    write_limit(w, STR("outputTokenLimit"), f->output_max);
    json_write_key(w, STR("supportedGenerationMethods"));
    json_write_array(w);
    for (unsigned i = 0; i < (embedding ? ARRAY_LEN(embeds) : ARRAY_LEN(chats)); i++)
        json_write_string(w, embedding ? embeds[i] : chats[i]);
    json_write_array_end(w);
    json_write_object_end(w);
}

static const struct shape openai_shape = {openai_begin, openai_item, plain_end};
static const struct shape anthropic_shape = {anthropic_models_begin, anthropic_item,
                                             anthropic_models_end};
static const struct shape gemini_shape = {gemini_begin, gemini_item, plain_end};

/* Who asks is told by Anthropic's version field, by Google's path or field for the key; all three have
 * lists at /v1/models. */
static const struct shape *shape_of(const struct request *r)
{
    const struct headers *h = &r->ex->head->headers;
    if (head_known(h, HEADER_ANTHROPIC_VERSION).len)
        return &anthropic_shape;
    bool google = r->dialect->native == NATIVE_GEMINI || head_known(h, HEADER_X_GOOG_API_KEY).len;
    return google ? &gemini_shape : &openai_shape;
}

/* --- Walking ---------------------------------------------------------------------------------- */

/* What lists the names: counts on, remembers the ends. */
struct listing {
    struct json_write *w;
    const struct shape *shape;
    str first, last;
};

static void list_one(struct listing *l, const struct entry *e)
{
    l->shape->item(l->w, e);
    if (str_is_null(l->first))
        l->first = e->id;
    l->last = e->id;
}

static void list_configured(struct request *r, struct listing *l, const struct model_conf *m)
{
    struct target *targets = arena_alloc(r->arena, m->target_count * sizeof(*targets));
    if (!targets)
        return;
    for (unsigned i = 0; i < m->target_count; i++)
        targets[i] = (struct target){m->targets[i].provider, m->targets[i].model, 1};
    list_one(l, &(struct entry){m->name, targets, m->target_count});
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

static void list_all(struct request *r, struct listing *l)
{
    for (unsigned i = 0; i < r->conf->model_count; i++) {
        const struct model_conf *m = &r->conf->models[i];
        if (!m->is_glob && key_allows_model(r->key, m->name))
            list_configured(r, l, m);
    }
    for (unsigned i = 0; i < r->conf->provider_count; i++) {
        struct model_list list = snapshot_models(r->pinned->snapshot, i);
        for (unsigned k = 0; k < list.count; k++) {
            struct target one = {&r->conf->providers[i], list.ids[k], 1};
            if (key_allows_model(r->key, list.ids[k]) && !was_listed(r, list.ids[k], i))
                list_one(l, &(struct entry){list.ids[k], &one, 1});
        }
    }
}

/* --- Answers ---------------------------------------------------------------------------------- */

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
    struct listing l = {.w = &w, .shape = shape_of(r), .first = STR_NULL, .last = STR_NULL};
    buf_init(&body, 0);
    json_write_init(&w, &body);
    l.shape->begin(&w);
    list_all(r, &l);
    l.shape->end(&w, l.first, l.last);
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
    shape_of(r)->item(&w, &(struct entry){r->model, r->targets, r->target_count});
    return send_page(r, &body);
}

enum stage_verdict models_page_answer(struct request *r)
{
    return r->rest.len > 1 ? answer_one(r, str_from(r->rest, 1)) : answer_list(r);
}
