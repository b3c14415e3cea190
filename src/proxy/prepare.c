#include "proxy/prepare.h"

#include "base/log.h"
#include "llm/provider.h"
#include "proxy/fetch.h"
#include "proxy/translate.h"

/* --- Images --------------------------------------------------------------------------------- */

static void on_fetched(void *arg, const struct chat_fault *fault)
{
    struct attempt *a = arg;
    fetch_release(a->fetch);
    a->fetch = NULL;
    a->fetch_fault = *fault;
    attempt_prepared(a);
}

/* Wherever the answer of this target would be the wish for bytes. */
static bool wants_bytes(const struct attempt *a)
{
    const struct provider_conf *p = a->target->provider;
    struct translation *t = a->request->translation;
    if (!t || t->embedding || !p->fetch_images || !a->request->worker->options.names)
        return false;
    return translate_kind(a->request->kind, a->target, &t->chat) != a->request->kind &&
           provider_needs_bytes(p, a->target->model) && fetch_wanted(&t->chat);
}

static enum prepare_state fetch_images(struct attempt *a, struct prepare_fault *fault)
{
    struct request *r = a->request;
    struct worker *w = r->worker;
    struct chat_fault wrong;
    char why[256] = "";
    struct tls_context *tls = snapshot_fetch_tls(r->pinned->snapshot, why, sizeof(why));
    if (!tls) {
        log_warn("fetch: %s", why);
        *fault = (struct prepare_fault){.err = ERR_NO_MEMORY};
        return PREPARE_FAILED;
    }
    a->fetch = fetch_start(&(struct fetch_options){.loop = w->loop,
                                                   .caller = w->options.caller,
                                                   .names = w->options.names,
                                                   .conf = &r->conf->fetch,
                                                   .tls_context = tls,
                                                   .user_agent = w->user_agent,
                                                   .on_done = on_fetched,
                                                   .arg = a},
                           &r->translation->chat, &wrong);
    if (a->fetch)
        return PREPARE_WAIT;
    *fault = (struct prepare_fault){wrong.err, wrong.field, wrong.text};
    return PREPARE_FAILED;
}

/* --- Tokens --------------------------------------------------------------------------------- */

static void on_token(void *arg)
{
    attempt_prepared(arg);
}

static enum prepare_state take_token(struct attempt *a, struct prepare_fault *fault)
{
    struct request *r = a->request;
    struct token token;
    if (!a->token_wait.on_ready)
        token_wait_init(&a->token_wait, on_token, a);
    switch (tokens_take(r->worker->tokens, a->target->provider, r->pinned->snapshot, &a->token_wait,
                        &token)) {
    case TOKEN_READY:
        a->token_serial = token.serial;
        return PREPARE_READY;
    case TOKEN_WAIT:
        a->token_due_us = a->token_due_us ? a->token_due_us
                                          : loop_now_us(r->worker->loop) +
                                                a->target->provider->timeouts.connect_ms * 1000;
        return PREPARE_WAIT;
    case TOKEN_REFUSED:
        break;
    }
    *fault = (struct prepare_fault){
        .err = ERR_UPSTREAM_AUTH,
        .text = arena_printf(r->arena, "no access token: %s", token.why),
    };
    return PREPARE_FAILED;
}

/* --- Both ----------------------------------------------------------------------------------- */

enum prepare_state prepare_attempt(struct attempt *a, struct prepare_fault *fault)
{
    if (a->fetch_fault.err) {
        *fault =
            (struct prepare_fault){a->fetch_fault.err, a->fetch_fault.field, a->fetch_fault.text};
        return PREPARE_FAILED;
    }
    if (wants_bytes(a))
        return fetch_images(a, fault);
    if (tokens_needed(a->target->provider))
        return take_token(a, fault);
    return PREPARE_READY;
}

void prepare_release(struct attempt *a)
{
    fetch_release(a->fetch);
    a->fetch = NULL;
    if (a->token_wait.on_ready)
        tokens_forget(&a->token_wait);
}

uint64_t prepare_due_us(const struct attempt *a)
{
    return a->state == ATTEMPT_PREPARING && a->token_due_us ? a->token_due_us : UINT64_MAX;
}

const struct credential *prepare_credential(const struct attempt *a)
{
    return tokens_current(a->request->worker->tokens, a->target->provider);
}

bool prepare_refused(const struct attempt *a)
{
    return a->token_serial &&
           tokens_refused(a->request->worker->tokens, a->target->provider, a->token_serial);
}
