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
        *into = (struct usage){
            .input = -1, .cached = -1, .cache_write = -1, .output = -1, .reasoning = -1};
    into->known = true;
    into->clamped = into->clamped || add->clamped;
    replace(&into->input, add->input);
    replace(&into->cached, add->cached);
    replace(&into->cache_write, add->cache_write);
    replace(&into->output, add->output);
    replace(&into->reasoning, add->reasoning);
}
