#include "proxy/translate.h"

#include "llm/provider.h"

bool translate_is_chat(enum endpoint_kind kind)
{
    const uint64_t chats = ENDPOINT_BIT(CHAT) | ENDPOINT_BIT(COMPLETIONS) |
                           ENDPOINT_BIT(RESPONSES) | ENDPOINT_BIT(MESSAGES) |
                           ENDPOINT_BIT(GENERATE);
    return chats & (UINT64_C(1) << kind);
}

enum endpoint_kind translate_kind(enum endpoint_kind asked, const struct target *t,
                                  const struct chat *chat)
{
    const struct provider_conf *p = t->provider;
    bool offered = provider_endpoints(p) & (UINT64_C(1) << asked);
    bool refused =
        offered && p->provider->refuses && p->provider->refuses(p, asked, t->model, chat);
    if (offered && !refused)
        return asked;
    if (!translate_is_chat(asked) && !embedding_format_of(asked))
        return ENDPOINT_KIND_COUNT;
    return provider_translate(p, asked, t->model, chat);
}

static enum unsupported_policy policy_of(const struct request *r)
{
    if (r->unsupported_asked)
        return r->unsupported;
    return r->route ? r->route->unsupported : r->conf->unsupported;
}

/* Several answers of a target that gives one: as many calls.  Without memory false. */
static bool count_calls(struct translated *t, struct chat *c)
{
    int64_t n = 1;
    if (c->n.len && t->dialect != dialect_of(ENDPOINT_CHAT) && json_to_i64(c->n, &n)) {
        if (n > TRANSLATE_CHOICES_MAX)
            unsupported_refuse(&t->unsupported, STR("n"), "more than 8 answers of this target");
        c->n = STR_NULL;
    } else {
        n = 1;
    }
    t->calls = n >= 1 && n <= TRANSLATE_CHOICES_MAX ? (unsigned)n : 1;
    t->bodies = arena_zalloc(t->target.arena, sizeof(*t->bodies));
    t->body_count = t->bodies ? 1 : 0;
    return t->bodies != NULL;
}

static enum err write_request(struct request *r, struct translated *t, str *field, str *why)
{
    const struct translation *from = r->translation;
    for (const struct name_list *n = from->notes; n; n = n->next)
        unsupported_note(&t->unsupported, n->name);
    struct chat single = from->chat; /* what one call is asked */
    if (!count_calls(t, &single))
        return ERR_NO_MEMORY;
    bool written = !t->unsupported.fault.err &&
                   t->dialect->write_request(&single, &t->target, &t->bodies[0]) &&
                   !t->bodies[0].failed;
    if (t->unsupported.fault.err) {
        *field = t->unsupported.fault.field;
        *why = t->unsupported.fault.text;
        return ERR_UNSUPPORTED;
    }
    if (!written)
        return ERR_NO_MEMORY;
    t->reported = unsupported_text(&t->unsupported);
    return ERR_NONE;
}

/* Inputs in as many calls as the target wants. */
static enum err write_embedding(struct request *r, struct translated *t, str *field, str *why)
{
    const struct embedding_request *asked = r->translation->embedding;
    t->format = embedding_format_of(t->target.kind);
    CHECK(t->format && t->format->write_request);
    if (!embedding_calls(t->format, asked, &t->target, &t->parts, &t->calls))
        return ERR_NO_MEMORY;
    t->bodies = arena_zalloc(r->arena, t->calls * sizeof(*t->bodies));
    if (!t->bodies)
        return ERR_NO_MEMORY;
    t->body_count = t->calls;
    for (unsigned i = 0; i < t->calls; i++) {
        bool ok = t->format->write_request(asked, &t->parts[i], &t->target, &t->bodies[i]);
        if (t->unsupported.fault.err) {
            *field = t->unsupported.fault.field;
            *why = t->unsupported.fault.text;
            return ERR_UNSUPPORTED;
        }
        if (!ok || t->bodies[i].failed)
            return ERR_NO_MEMORY;
    }
    t->reported = unsupported_text(&t->unsupported);
    return ERR_NONE;
}

enum err translate_attempt(struct request *r, struct attempt *a, str *field, str *why)
{
    const struct provider_conf *p = a->target->provider;
    a->kind = r->translation ? translate_kind(r->kind, a->target, &r->translation->chat) : r->kind;
    CHECK(a->kind != ENDPOINT_KIND_COUNT);
    if (a->kind == r->kind)
        return ERR_NONE;
    CHECK(r->translation);
    const bool embeds = r->translation->embedding != NULL;
    struct translated *t = arena_zalloc(r->arena, sizeof(*t));
    if (!t)
        return ERR_NO_MEMORY;
    t->dialect = dialect_of(a->kind);
    unsupported_init(&t->unsupported, r->arena, policy_of(r));
    t->target = (struct chat_target){
        .model = a->target->model,
        .facts = provider_model_facts(p, a->target->model),
        .conf = p,
        .kind = a->kind,
        .stream = r->stream,
        .arena = r->arena,
        .unsupported = &t->unsupported,
    };
    a->translated = t;
    if (embeds)
        return write_embedding(r, t, field, why);
    return write_request(r, t, field, why);
}

void translate_release(struct translated *t)
{
    for (unsigned i = 0; t && i < t->body_count; i++)
        buf_release(&t->bodies[i]);
}
