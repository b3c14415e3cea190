/*
 * Where access tokens and temporary keys come from.  A token kind (Entra, Google, AWS: token_*.c) is a
 * small state machine without I/O: it says which HTTP request to make next, is told the answer, and
 * ends with a credential or a reason why there is none.  proxy/tokens.c makes the requests, and keeps
 * what they bring.
 *
 *     token_begin ─▶ ASK ──token_answer──▶ ASK … ─▶ DONE | FAILED
 *
 * A run's texts live in its arena, the configuration, or the environment's answers; they hold secrets,
 * so the arena is wiped when the run is over (arena_wipe).
 */
#ifndef LLM_TOKEN_SOURCE_H
#define LLM_TOKEN_SOURCE_H

#include "base/buf.h"
#include "llm/provider_conf.h"
#include "llm/sigv4.h"

enum { TOKEN_HEADERS_MAX = 6, TOKEN_NEVER_EXPIRES = 0 };

struct credential {
    str token;                  /* goes behind Bearer, or null */
    struct aws_credentials aws; /* to sign with, or null */
    int64_t expires_s;          /* seconds since 1970, or TOKEN_NEVER_EXPIRES */
};

/* What of the machine a source may see. */
struct token_environment {
    /* An environment variable; null: not set, or empty. */
    str (*variable)(void *arg, const char *name);
    /* A file's text, at most 1 MiB, in the arena; null: there is none, or it is not readable. */
    str (*file)(void *arg, str path, struct arena *a);
    void *arg;
};

struct token_request {
    const char *method; /* "GET", "POST", "PUT" */
    str url;            /* http:// or https:// */
    struct {
        str name, value;
    } headers[TOKEN_HEADERS_MAX];
    unsigned header_count;
    str body;
    bool local; /* a service of the machine or its host: asked directly, never through a proxy */
};

struct token_run {
    /* Set before token_begin. */
    const struct token_kind *kind;
    const struct provider_conf *conf;
    const struct token_environment *environment;
    struct arena *arena;
    int64_t now_s; /* and again before each token_answer */
    /* The result of a step. */
    struct token_request request; /* ASK */
    struct credential credential; /* DONE */
    str why;                      /* FAILED: for the operator, without secrets */
    /* The kind's own. */
    void *state;
};

enum token_step { TOKEN_ASK, TOKEN_DONE, TOKEN_FAILED };

struct token_kind {
    const char *name;
    enum token_step (*begin)(struct token_run *r);
    enum token_step (*answer)(struct token_run *r, int status, str body);
};

extern const struct token_kind token_entra, token_google, token_aws;

enum token_step token_begin(struct token_run *r);

/* status 0: there was no answer, and body says why.  The body need not live on. */
enum token_step token_answer(struct token_run *r, int status, str body);

/* Path and query of an address as they are asked, slashes at the end too (url_parse drops those).  Null
 * str: out of memory. */
str token_target(str url, struct arena *a);

/* --- For the kinds. */

/* FAILED with this text; without memory for it, a plainer one. */
enum token_step token_fail(struct token_run *r, const char *format, ...) printf_like(2, 3);

/* ASK: begins r->request anew. */
void token_ask(struct token_run *r, const char *method, str url);
void token_ask_header(struct token_run *r, str name, str value);
/* A form starts with room for what is usual, so that growing leaves no secrets behind; a field at its
 * end, encoded. */
void token_form_init(struct buf *form);
void token_form_add(struct buf *form, const char *name, str value);
/* ASK with this form as the body, which is released. */
enum token_step token_ask_form(struct token_run *r, str url, struct buf *form);

/* {"access_token", "expires_in"} as OAuth (RFC 6749 section 5.1) and the metadata services answer;
 * or FAILED with what {"error", "error_description"} says.  `who` begins the text of a failure. */
enum token_step token_read_oauth(struct token_run *r, const char *who, int status, str body);

/* An environment variable or file, or null. */
str token_variable(const struct token_run *r, const char *name);
str token_file(const struct token_run *r, str path);
/* The same of a file with one word in it: without blanks and ends of lines around it. */
str token_file_word(const struct token_run *r, str path);

/* What a foreign answer says, made fit for a line of the log: bounded, without controls. */
str token_printable(struct token_run *r, str text);

#endif
