/*
 * The commands.  Each returns the program's exit status: 0 well, 1 a problem (said on standard
 * error), 2 wrong usage.
 */
#ifndef APP_COMMAND_H
#define APP_COMMAND_H

#include "app/cli.h"

int command_serve(struct cli *c);  /* the gateway */
int command_mock(struct cli *c);   /* a stand-in for providers */
int command_chat(struct cli *c);   /* talk through a gateway */
int command_models(struct cli *c); /* tables from a running gateway */
int command_health(struct cli *c);
int command_check(struct cli *c); /* validate; --print: what is in effect */
int command_init(struct cli *c);  /* write a commented beginning */
int command_version(struct cli *c);
int command_completions(struct cli *c); /* a script for bash, zsh or fish */
int command_docs(struct cli *c);        /* for tools/gen-docs: a document as docs_write() */

/* "options", "errors", "metrics", "man": the text of that file of docs/. */
void docs_write(const char *document, struct buf *out);

#endif
