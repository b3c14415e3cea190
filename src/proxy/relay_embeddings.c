/* Answers to embeddings that were asked for in another shape, perhaps in several calls. */
#include "proxy/relay_translated.h"

#include "proxy/relay_impl.h"

bool relay_embeddings_begin(struct request *r, struct relay_translation *t)
{
    t->vectors = arena_zalloc(r->arena, sizeof(*t->vectors));
    return t->vectors && embedding_answer_init(t->vectors, r->translation->embedding, r->arena);
}

/* The fields of the answer that say how many tokens it took (Bedrock). */
bool relay_embeddings_head(struct request *r, struct relay_part *p, const struct headers *in)
{
    for (unsigned i = 0; i < in->count; i++) {
        const struct header *h = &in->list[i];
        if (h->id == HEADER_OTHER && !head_add(&p->headers, r->arena, arena_str(r->arena, h->name),
                                               arena_str(r->arena, h->value)))
            return false;
    }
    return true;
}

/* The whole of one call's answer.  Its texts are needed until the last one is written, and so is
 * p->body.  False: the request is over. */
bool relay_embeddings_read(struct request *r, struct relay_part *p)
{
    struct relay_translation *t = r->relay->translation;
    const struct translated *a = r->attempt->translated;
    enum err err = a->format->read_answer(buf_str(&p->body), &p->headers, &a->parts[p->index],
                                          &a->target, t->vectors);
    if (err) {
        attempt_failed(r, err, STR("the embeddings are not readable"));
        return false;
    }
    p->reader.ended = true;
    if (embedding_answer_complete(t->vectors)) {
        r->relay->complete = true;
        if (t->vectors->usage.known)
            r->rec.usage = t->vectors->usage;
    }
    return true;
}

void relay_embeddings_write(struct request *r, struct relay_translation *t)
{
    const struct embedding_format *f = embedding_format_of(r->kind);
    f->write_answer(r->translation->embedding, t->vectors, r->model, &t->text);
}
