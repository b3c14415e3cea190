/* A source of tokens on its table: its machine's variables and files are what a test lays out. */
#ifndef TOKEN_RIG_H
#define TOKEN_RIG_H

#include "llm/token_source.h"

enum { TOKEN_RIG_MAX = 16 };

struct token_rig {
    struct {
        const char *name, *text;
    } variables[TOKEN_RIG_MAX], files[TOKEN_RIG_MAX];
    struct provider_conf conf;
    struct arena arena;
    struct token_environment environment;
    struct token_run run;
};

/* now_s is 2026-11-23T12:00:00Z. */
void token_rig_init(struct token_rig *t, const struct token_kind *kind);
void token_rig_release(struct token_rig *t);
void token_rig_set(struct token_rig *t, const char *variable, const char *text);
void token_rig_file(struct token_rig *t, const char *path, const char *text);

/* "POST https://… | name: value | … | body", or "DONE token", "DONE id secret token expiry", "FAILED why";
 * lives as long as the rig. */
const char *token_rig_begin(struct token_rig *t);
const char *token_rig_answer(struct token_rig *t, int status, const char *body);

#endif
