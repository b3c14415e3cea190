#include "proxy/credentials.h"

#include <stdlib.h>

enum { KEYS_MAX = 32 };

#define REST_AUTH_US (UINT64_C(60) * 1000000)
#define REST_QUOTA_US (UINT64_C(600) * 1000000)

struct credential_state {
    struct list node;
    char *provider;
    unsigned turn;
    uint64_t rests_until_us[KEYS_MAX];
};

/* NULL: out of memory; then keys simply do not take turns. */
static struct credential_state *state_of(struct worker *w, const struct provider_conf *p)
{
    LIST_EACH (node, &w->credentials) {
        struct credential_state *s = LIST_ENTRY(node, struct credential_state, node);
        if (str_eq(str_from_c(s->provider), p->name))
            return s;
    }
    struct credential_state *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->provider = strndup(p->name.ptr, p->name.len);
    if (!s->provider) {
        free(s);
        return NULL;
    }
    list_push(&w->credentials, &s->node);
    return s;
}

static unsigned key_count(const struct provider_conf *p)
{
    return p->api_key_count < KEYS_MAX ? p->api_key_count : KEYS_MAX;
}

unsigned credential_take(struct worker *w, const struct provider_conf *p)
{
    unsigned n = key_count(p);
    struct credential_state *s = n > 1 ? state_of(w, p) : NULL;
    uint64_t now = loop_now_us(w->loop);
    if (!s)
        return 0;
    unsigned first_due = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned at = (s->turn + i) % n;
        if (s->rests_until_us[at] <= now) {
            s->turn = at + 1;
            return at;
        }
        if (s->rests_until_us[at] < s->rests_until_us[first_due])
            first_due = at;
    }
    return first_due;
}

void credential_refused(struct worker *w, const struct provider_conf *p, unsigned index,
                        enum err why)
{
    struct credential_state *s = key_count(p) > 1 && index < KEYS_MAX ? state_of(w, p) : NULL;
    if (s)
        s->rests_until_us[index] =
            loop_now_us(w->loop) + (why == ERR_UPSTREAM_QUOTA ? REST_QUOTA_US : REST_AUTH_US);
}

unsigned credential_ready(struct worker *w, const struct provider_conf *p)
{
    unsigned n = key_count(p), ready = 0;
    struct credential_state *s = n > 1 ? state_of(w, p) : NULL;
    for (unsigned i = 0; s && i < n; i++)
        ready += s->rests_until_us[i] <= loop_now_us(w->loop);
    return ready;
}

void credentials_release(struct worker *w)
{
    for (struct list *node; (node = list_pop(&w->credentials));) {
        struct credential_state *s = LIST_ENTRY(node, struct credential_state, node);
        free(s->provider);
        free(s);
    }
}
