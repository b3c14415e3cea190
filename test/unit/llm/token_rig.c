#include "token_rig.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static str look_up(const void *table, const char *name, size_t len)
{
    const struct {
        const char *name, *text;
    } *row = table;
    for (unsigned i = 0; i < TOKEN_RIG_MAX && row[i].name; i++)
        if (strlen(row[i].name) == len && memcmp(row[i].name, name, len) == 0)
            return str_from_c(row[i].text);
    return STR_NULL;
}

static str variable(void *arg, const char *name)
{
    struct token_rig *t = arg;
    return look_up(t->variables, name, strlen(name));
}

static str file(void *arg, str path, struct arena *a)
{
    struct token_rig *t = arg;
    return arena_str(a, look_up(t->files, path.ptr, path.len));
}

void token_rig_init(struct token_rig *t, const struct token_kind *kind)
{
    *t = (struct token_rig){0};
    arena_init(&t->arena, 0);
    t->environment = (struct token_environment){.variable = variable, .file = file, .arg = t};
    t->run = (struct token_run){.kind = kind,
                                .conf = &t->conf,
                                .environment = &t->environment,
                                .arena = &t->arena,
                                .now_s = 1795435200};
}

void token_rig_release(struct token_rig *t)
{
    arena_wipe(&t->arena);
}

void token_rig_set(struct token_rig *t, const char *name, const char *text)
{
    unsigned i = 0;
    while (t->variables[i].name)
        i++;
    CHECK(i < TOKEN_RIG_MAX);
    t->variables[i].name = name;
    t->variables[i].text = text;
}

void token_rig_file(struct token_rig *t, const char *path, const char *text)
{
    unsigned i = 0;
    while (t->files[i].name)
        i++;
    CHECK(i < TOKEN_RIG_MAX);
    t->files[i].name = path;
    t->files[i].text = text;
}

static str asked(struct token_rig *t)
{
    const struct token_request *q = &t->run.request;
    str text = arena_printf(&t->arena, "%s %.*s", q->method, STR_ARG(q->url));
    for (unsigned i = 0; i < q->header_count; i++)
        text = arena_printf(&t->arena, "%.*s | %.*s: %.*s", STR_ARG(text),
                            STR_ARG(q->headers[i].name), STR_ARG(q->headers[i].value));
    return arena_printf(&t->arena, "%.*s | %.*s", STR_ARG(text), STR_ARG(q->body));
}

static const char *told(struct token_rig *t, enum token_step step)
{
    const struct credential *c = &t->run.credential;
    if (step == TOKEN_ASK)
        return asked(t).ptr;
    if (step == TOKEN_FAILED)
        return arena_printf(&t->arena, "FAILED %.*s", STR_ARG(t->run.why)).ptr;
    if (c->token.len)
        return arena_printf(&t->arena, "DONE %.*s %+lld", STR_ARG(c->token),
                            (long long)(c->expires_s - t->run.now_s))
            .ptr;
    return arena_printf(&t->arena, "DONE %.*s %.*s %.*s %lld", STR_ARG(c->aws.access_key_id),
                        STR_ARG(c->aws.secret_access_key), STR_ARG(c->aws.session_token),
                        (long long)c->expires_s)
        .ptr;
}

const char *token_rig_begin(struct token_rig *t)
{
    return told(t, token_begin(&t->run));
}

const char *token_rig_answer(struct token_rig *t, int status, const char *body)
{
    /* A copy that does not live on. */
    char *copy = strdup(body);
    CHECK(copy);
    enum token_step step = token_answer(&t->run, status, str_from_c(copy));
    memset(copy, '!', strlen(copy));
    free(copy);
    return told(t, step);
}
