/*
 * The configuration: from command line, environment, file and defaults (in this order of precedence)
 * to one immutable gateway_conf.  Reading is blocking and meant for start, reload and `check`.
 *
 *     config_text     the file's bytes, ${…} inside values
 *     config_tree     YAML as a tree whose nodes know where they were written; overrides
 *     config_decode   tree × option tables → structs, with every problem reported
 *     config_check    what no single row can know: references, keys, exposure
 *     config_link     derived fields: endpoints, indexes, order of models
 *     config_print    the structs as YAML again; config_docs: the tables as documentation
 */
#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include "app/config_report.h"
#include "base/err.h"
#include "proxy/gateway_conf.h"

/* One value given beside the file.  Texts are borrowed. */
struct config_override {
    str option; /* how it was given, for messages: "--set", "--listen" */
    str path;   /* "server.max_body", "models.\"gpt-4.1\".strategy", "listen" */
    str value;
};

/* All borrowed for the call. */
struct config_sources {
    const char *file;                        /* -c; NULL: the usual places */
    const char *const *environment;          /* like environ; NULL: none */
    const struct config_override *overrides; /* command line, in order */
    unsigned override_count;
    bool probe; /* without a file: look for local servers (Ollama, vLLM), some 100 ms */
};

/*
 * Reads and checks everything.  ERR_NONE: *out is a new configuration (config_free), warnings may
 * be in the report.  ERR_CONFIG: the report says why, all of it; *out is NULL.  ERR_NO_MEMORY.
 * The report must be initialised, is sorted at the end, and is the caller's to release.
 * TLS contexts are not made here, `version` is 0: the snapshot's maker fills both.
 */
enum err config_load(const struct config_sources *src, struct gateway_conf **out,
                     struct config_report *report) must_check;

/* The same from a text that calls itself `name`: tests, the fuzz target, the operator's API. */
enum err config_load_text(const struct config_sources *src, str name, str text,
                          struct gateway_conf **out, struct config_report *report) must_check;

/* Secrets are wiped.  NULL is fine. */
void config_free(struct gateway_conf *conf);

/* The file that config_load() would read: as given, $LLM_GATEWAY_CONFIG, ./llm-gateway.yaml,
 * $XDG_CONFIG_HOME/llm-gateway/config.yaml, /etc/llm-gateway/config.yaml.  Null str: none there. */
str config_find_file(const struct config_sources *src, struct arena *a);

/* What is in effect, as YAML with every option; secrets masked. */
void config_print(const struct gateway_conf *conf, struct buf *out);

/* Paths of options that differ and count only after a restart ("workers"), comma separated in
 * `out`; returns how many. */
unsigned config_restart_needed(const struct gateway_conf *before, const struct gateway_conf *after,
                               struct buf *out);

/* docs/options.md, from the tables. */
void config_docs(struct buf *out);

#endif
