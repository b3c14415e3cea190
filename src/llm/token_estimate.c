#include "llm/token_estimate.h"

enum {
    PER_TURN = 4,       /* role and borders */
    PER_TOOL = 12,      /* the words around a declaration */
    PER_TOOLS = 300,    /* the system text that explains tools to the model */
    PER_IMAGE = 1600,   /* a picture of usual size */
    PER_PAGE = 2000,    /* of a PDF, its text and its picture */
    PAGE_BYTES = 60000, /* of a PDF, in base64 */
    PER_SECOND = 32,    /* of audio */
    SECOND_BYTES = 16000,
};

static uint64_t estimate_media(const struct block *b)
{
    const struct media *m = &b->media;
    uint64_t words = token_estimate_text(m->name.len + m->context.s.len);
    switch (b->kind) {
    case BLOCK_DOCUMENT:
        if (m->source == MEDIA_TEXT)
            return words + token_estimate_text(m->text.s.len);
        return words + PER_PAGE * (1 + (m->source == MEDIA_BASE64 ? m->data.len / PAGE_BYTES : 0));
    case BLOCK_AUDIO:
    case BLOCK_VIDEO:
        return words + PER_SECOND * (1 + m->data.len / SECOND_BYTES);
    default:
        return words + (m->detail == DETAIL_LOW ? PER_IMAGE / 16 : PER_IMAGE);
    }
}

static uint64_t estimate_blocks(const struct block *b)
{
    uint64_t n = 0;
    for (; b; b = b->next) {
        switch (b->kind) {
        case BLOCK_TEXT:
        case BLOCK_REFUSAL:
            n += token_estimate_text(b->text.s.len);
            break;
        case BLOCK_CALL:
            n += PER_TURN + token_estimate_text(b->call.name.len + b->call.arguments.len);
            break;
        case BLOCK_RESULT:
            n += PER_TURN + estimate_blocks(b->result.content);
            break;
        case BLOCK_REASONING:
            n += token_estimate_text(b->reasoning.text.s.len);
            break;
        case BLOCK_NATIVE:
            n += token_estimate_text(b->native.json.len);
            break;
        case BLOCK_IMAGE:
        case BLOCK_AUDIO:
        case BLOCK_VIDEO:
        case BLOCK_DOCUMENT:
            n += estimate_media(b);
            break;
        }
    }
    return n;
}

static uint64_t estimate_turns(const struct turn *t)
{
    uint64_t n = 0;
    for (; t; t = t->next)
        n += PER_TURN + estimate_blocks(t->blocks);
    return n;
}

uint64_t token_estimate(const struct chat *c)
{
    uint64_t n = 1 + estimate_turns(c->system) + estimate_turns(c->turns) +
                 token_estimate_text(c->format_schema.len);
    for (const struct tool *t = c->tools; t; t = t->next)
        n += PER_TOOL + token_estimate_text(t->name.len + t->description.s.len + t->schema.len +
                                            t->native.len);
    return c->tools ? n + PER_TOOLS : n;
}
