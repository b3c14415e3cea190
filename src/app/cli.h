/*
 * The command line.  One table of commands and their options drives reading, help, completions and
 * the man page.  Values are checked here by their kind, so commands only ask for them.
 */
#ifndef APP_CLI_H
#define APP_CLI_H

#include <stdio.h>

#include "app/config.h"
#include "base/buf.h"

enum cli_command {
    CLI_SERVE,
    CLI_CHECK,
    CLI_INIT,
    CLI_MOCK,
    CLI_CHAT,
    CLI_MODELS,
    CLI_HEALTH,
    CLI_VERSION,
    CLI_COMPLETIONS,
    CLI_HELP, /* cli_parse() does it itself */
    CLI_DOCS, /* for tools/gen-docs; not shown */
    CLI_COMMAND_COUNT
};

enum cli_value {
    CLI_FLAG, /* no value */
    CLI_TEXT,
    CLI_FILE,
    CLI_ADDRESS,  /* 127.0.0.1:8080, unix:/path, … */
    CLI_NUMBER,   /* decimal digits */
    CLI_DURATION, /* 250ms, 2s, … */
    CLI_SETTING,  /* path=value */
    CLI_CHOICE,   /* one of `choices` */
    CLI_FAILURE,  /* 0.05:503, a rate and a status; the rate alone: 500 */
};

struct cli_option {
    const char *name; /* without dashes */
    char letter;      /* or 0 */
    enum cli_value value;
    bool repeats;
    const char *shown; /* in help: "FILE" */
    const char *const *choices;
    const char *variable; /* of the environment, used when the option is not given; or NULL */
    const char *initial;  /* used when neither is; or NULL */
    const char *help;
};

struct cli_command_facts {
    enum cli_command command;
    const char *name;
    const char *arguments; /* "[MESSAGE]", or "" */
    const char *const *argument_choices;
    unsigned arguments_min, arguments_max;
    bool is_hidden;
    const char *summary;              /* a line */
    const char *help;                 /* a paragraph, or NULL */
    const struct cli_option *options; /* ends with one without a name */
};

enum { CLI_GIVEN_MAX = 128, CLI_ARGUMENTS_MAX = 16 };

struct cli {
    const struct cli_command_facts *facts;
    struct {
        const struct cli_option *option;
        const char *value;  /* NULL for flags */
    } given[CLI_GIVEN_MAX]; /* in order */
    unsigned given_count;
    const char *arguments[CLI_ARGUMENTS_MAX];
    unsigned argument_count;
    char listen_text[1024]; /* several --listen as one value */
};

enum cli_outcome {
    CLI_RUN,  /* go on with c->facts->command */
    CLI_DONE, /* help or version was printed: exit 0 */
    CLI_WRONG /* said on `err`, with a hint: exit 2 */
};

/* Values point into argv, which must live on.  Without a command it is `serve`. */
enum cli_outcome cli_parse(struct cli *c, int argc, char **argv, FILE *out, FILE *err) must_check;

bool cli_has(const struct cli *c, const char *option);

/* The last one given, else the option's variable of the environment (when not empty), else its
 * default; NULL: none of them. */
const char *cli_text(const struct cli *c, const char *option);

/* The i-th one given, or NULL. */
const char *cli_text_at(const struct cli *c, const char *option, unsigned i);

/* A NUMBER, or a DURATION in milliseconds, chosen like cli_text(); `otherwise` when there is none. */
uint64_t cli_number(const struct cli *c, const char *option, uint64_t otherwise);

/* A FAILURE: its rate in 0..1 and its status.  False: none. */
bool cli_failure(const struct cli *c, const char *option, double *rate, unsigned *status);

/* What --config, --listen, --workers, --log-level and --set say, for config_load().  `overrides` has
 * room for CLI_GIVEN_MAX and is borrowed by the result, as is environ. */
struct config_sources cli_config_sources(struct cli *c, struct config_override *overrides);

/* The table, for completions and documentation. */
const struct cli_command_facts *cli_command_at(unsigned i); /* NULL past the end */

/* Help for a command; NULL: the overview. */
void cli_help(const struct cli_command_facts *f, struct buf *out);

/* "FILE", "N", …: what stands for the value of an option; "" for flags. */
const char *cli_option_shown(const struct cli_option *o);

#endif
