#include "llm/chat_event.h"

static void replace(int64_t *into, int64_t value)
{
    if (value >= 0)
        *into = value;
}

void usage_merge(struct usage *into, const struct usage *add)
{
    if (!add->known)
        return;
    if (!into->known)
        *into = USAGE_UNKNOWN;
    into->known = true;
    into->clamped = into->clamped || add->clamped;
    replace(&into->input, add->input);
    replace(&into->cached, add->cached);
    replace(&into->cache_write, add->cache_write);
    replace(&into->output, add->output);
    replace(&into->reasoning, add->reasoning);
}

/* Remembers in *failed when there was no memory. */
static str keep(struct arena *a, str text, bool *failed)
{
    str copy = arena_str(a, text);
    *failed = *failed || (str_is_null(copy) && !str_is_null(text));
    return copy;
}

static void *keep_struct(struct arena *a, const void *from, size_t size, bool *failed)
{
    void *copy = from ? arena_alloc(a, size) : NULL;
    if (copy)
        memcpy(copy, from, size);
    *failed = *failed || (from && !copy);
    return copy;
}

static const struct citation *keep_citation(struct arena *a, const struct citation *from,
                                            bool *failed)
{
    struct citation *c = keep_struct(a, from, sizeof(*c), failed);
    if (!c)
        return NULL;
    c->next = NULL;
    c->url.s = keep(a, c->url.s, failed);
    c->title.s = keep(a, c->title.s, failed);
    c->cited.s = keep(a, c->cited.s, failed);
    c->json = keep(a, c->json, failed);
    return c;
}

static const struct media *keep_media(struct arena *a, const struct media *from, bool *failed)
{
    struct media *m = keep_struct(a, from, sizeof(*m), failed);
    if (!m)
        return NULL;
    m->mime = keep(a, m->mime, failed);
    m->data = keep(a, m->data, failed);
    m->name = keep(a, m->name, failed);
    m->text.s = keep(a, m->text.s, failed);
    m->context.s = keep(a, m->context.s, failed);
    return m;
}

static const struct native_block *keep_native(struct arena *a, const struct native_block *from,
                                              bool *failed)
{
    struct native_block *n = keep_struct(a, from, sizeof(*n), failed);
    if (!n)
        return NULL;
    n->type = keep(a, n->type, failed);
    n->json = keep(a, n->json, failed);
    return n;
}

bool chat_event_copy(struct arena *a, const struct chat_event *ev, struct chat_event *out)
{
    bool failed = false;
    *out = *ev;
    str *texts[] = {&out->text.s,        &out->id,         &out->model,      &out->name,
                    &out->item_id,       &out->opaque,     &out->json,       &out->reason,
                    &out->fault.message, &out->fault.type, &out->fault.code, &out->fault.param};
    for (unsigned i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = keep(a, *texts[i], &failed);
    out->citation = keep_citation(a, ev->citation, &failed);
    out->media = keep_media(a, ev->media, &failed);
    out->native = keep_native(a, ev->native, &failed);
    return !failed;
}
