/*
 * Reads the request into a chat when a target speaks another format, so that what is wrong with it is told
 * before anybody is asked.
 */
#include "llm/provider.h"
#include "proxy/responses.h"
#include "proxy/translate.h"

static bool needs_chat(const struct request *r)
{
    if (!translate_is_chat(r->kind) && !embedding_format_of(r->kind))
        return false;
    for (unsigned i = 0; i < r->target_count; i++)
        if (translate_kind(r->kind, &r->targets[i], NULL) != r->kind)
            return true;
    return false;
}

/* Translated only if a model turns out to refuse it: what cannot be read is for the provider to judge. */
static bool all_offer(const struct request *r)
{
    for (unsigned i = 0; i < r->target_count; i++)
        if (!(provider_endpoints(r->targets[i].provider) & (UINT64_C(1) << r->kind)))
            return false;
    return true;
}

static enum stage_verdict refuse(struct request *r, const struct chat_fault *fault)
{
    if (fault->err == ERR_NO_MEMORY)
        return stage_refuse(r, ERR_NO_MEMORY, STR_NULL, "No memory for the request.");
    return stage_refuse(r, fault->err, fault->field, "%.*s%s%.*s.", STR_ARG(fault->field),
                        fault->field.len ? " " : "", STR_ARG(fault->text));
}

enum stage_verdict stage_translate(struct request *r)
{
    if (!needs_chat(r))
        return STAGE_NEXT;
    struct json_doc *doc = arena_alloc(r->arena, sizeof(*doc));
    struct translation *t = arena_zalloc(r->arena, sizeof(*t));
    struct chat_fault fault = {.err = ERR_NO_MEMORY};
    if (!doc || !t || json_parse(doc, r->arena, r->body_text, NULL))
        return refuse(r, &fault);
    struct chat_source in = {
        .doc = doc, .headers = &r->ex->head->headers, .model = r->model, .stream = r->stream};
    chat_init(&t->chat, r->arena);
    const struct embedding_format *format = embedding_format_of(r->kind);
    if (format) {
        t->embedding = arena_zalloc(r->arena, sizeof(*t->embedding));
        if (t->embedding)
            t->embedding->arena = r->arena;
        enum err failed = t->embedding ? format->read_request(&in, t->embedding) : ERR_NO_MEMORY;
        fault = in.fault;
        fault.err = failed;
        r->translation = t;
        return failed ? refuse(r, &fault) : STAGE_NEXT;
    }
    t->chat.model = r->model;
    t->chat.stream = r->stream;
    t->chat.usage_wanted = r->usage_wanted;
    t->chat.dialect = r->dialect->native;
    enum err err = r->dialect->read_request(&in, &t->chat);
    fault = in.fault;
    if (!err && !responses_note_previous(r, &t->chat))
        err = ERR_NO_MEMORY;
    if (!err)
        err = chat_normalize(&t->chat, &t->notes, &fault);
    if (err) {
        fault.err = err;
        return err != ERR_NO_MEMORY && all_offer(r) ? STAGE_NEXT : refuse(r, &fault);
    }
    r->translation = t;
    return STAGE_NEXT;
}
