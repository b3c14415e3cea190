/*
 * Where the request can go: the model's name to targets (spec section 3.3), the key's permission, the
 * endpoint, the strategy's order.  Also answers GET /v1/models, which needs the same names.
 */
#include "llm/provider.h"
#include "base/random.h"
#include "proxy/count_tokens.h"
#include "proxy/models_page.h"
#include "proxy/resolve.h"
#include "proxy/stage.h"
#include "proxy/translate.h"

static enum stage_verdict refuse_unknown(struct request *r)
{
    str near = resolve_closest(r);
    if (near.len)
        return stage_refuse(r, ERR_MODEL_UNKNOWN, STR("model"),
                            "The model %.*s does not exist here. Did you mean %.*s?",
                            STR_ARG(r->model), STR_ARG(near));
    return stage_refuse(r, ERR_MODEL_UNKNOWN, STR("model"),
                        "The model %.*s does not exist here. GET /v1/models lists the names.",
                        STR_ARG(r->model));
}

/* Only targets whose provider offers the endpoint, and the pinned one when there is a pin. */
static void filter_targets(struct request *r)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < r->target_count; i++) {
        const struct provider_conf *p = r->targets[i].provider;
        bool offers = translate_kind(r->kind, &r->targets[i], NULL) != ENDPOINT_KIND_COUNT;
        bool pinned = !r->pinned_provider.len || str_eq(p->name, r->pinned_provider);
        if (offers && pinned)
            r->targets[kept++] = r->targets[i];
    }
    r->target_count = kept;
}

static bool order_targets(struct request *r)
{
    struct worker *w = r->worker;
    unsigned n = r->target_count;
    struct target *ordered = arena_alloc(r->arena, n * sizeof(*ordered));
    unsigned *weights = arena_alloc(r->arena, 2 * n * sizeof(*weights));
    if (!ordered || !weights)
        return false;
    unsigned *order = weights + n;
    for (unsigned i = 0; i < n; i++)
        weights[i] = r->targets[i].weight ? r->targets[i].weight : 1;
    struct balance_input in = {.weights = weights, .count = n, .random = random_u64()};
    enum strategy s = r->strategy_asked ? r->strategy
                      : r->route        ? r->route->strategy
                                        : STRATEGY_ROUND_ROBIN;
    bool has_state = r->route && r->pinned == w->current && r->route->index < w->balance_count;
    balance_order(s, &in, has_state ? &w->balance[r->route->index] : &w->free_balance, order);
    for (unsigned i = 0; i < n; i++)
        ordered[i] = r->targets[order[i]];
    r->targets = ordered;
    return true;
}

enum stage_verdict stage_route(struct request *r)
{
    if (r->kind == ENDPOINT_MODELS)
        return models_page_answer(r);
    if (r->model.len && !key_allows_model(r->key, r->model))
        return stage_refuse(r, ERR_KEY_FORBIDDEN, STR("model"),
                            "This key may not use the model %.*s.", STR_ARG(r->model));
    if (!resolve_targets(r))
        return stage_refuse(r, ERR_NO_MEMORY, STR_NULL, "No memory for the request.");
    if (!r->target_count)
        return refuse_unknown(r);
    filter_targets(r);
    if (!r->target_count && count_tokens_is(r) && !r->pinned_provider.len)
        return count_tokens_answer(r);
    if (!r->target_count)
        return stage_refuse(r, ERR_ENDPOINT_UNSUPPORTED, STR_NULL,
                            "No provider of %s%.*s offers %.*s.",
                            r->model.len ? "" : "this gateway", STR_ARG(r->model),
                            STR_ARG(endpoint_facts(r->kind)->path));
    if (r->target_count > BALANCE_TARGETS_MAX) /* more than will ever be tried */
        r->target_count = BALANCE_TARGETS_MAX;
    if (r->target_count > 1 && !order_targets(r))
        return stage_refuse(r, ERR_NO_MEMORY, STR_NULL, "No memory for the request.");
    return STAGE_NEXT;
}
