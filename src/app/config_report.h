/*
 * What is wrong with a configuration: problems are collected, not thrown, so that one run names all
 * of them.  Copies everything it is given.  One thread.
 */
#ifndef APP_CONFIG_REPORT_H
#define APP_CONFIG_REPORT_H

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"

/* Where something was written.  `source` is a file's name, an environment variable's, an option of
 * the command line; line and column count from 1, and are 0 where the source has none. */
struct config_place {
    str source;
    unsigned rank; /* of the source: file first, then environment, then command line */
    unsigned line, column;
};

enum config_severity { CONFIG_ERROR, CONFIG_WARNING };

struct config_problem {
    enum config_severity severity;
    struct config_place place;
    str path;       /* "server.max_body", or null */
    str what;       /* "unknown option" */
    str suggestion; /* "max_body", or null */
    unsigned order; /* in which it was found: keeps sorting stable */
};

struct config_report {
    struct arena arena;
    struct config_problem *problems;
    unsigned count, cap;
    unsigned errors;
    unsigned dropped; /* found beyond CONFIG_PROBLEMS_MAX */
    bool no_memory;
};

enum { CONFIG_PROBLEMS_MAX = 200 };

void config_report_init(struct config_report *r);
void config_report_release(struct config_report *r);

/* The `what` is a printf format.  suggestion and path may be null. */
void config_report_add(struct config_report *r, enum config_severity severity,
                       struct config_place place, str path, str suggestion, const char *format, ...)
    printf_like(6, 7);

/* By source, line, column.  Called by config_load(). */
void config_report_sort(struct config_report *r);

/* "file:line:column: path: what (did you mean …)", a line each, and "warning: " before the path of
 * those that are only that. */
void config_report_write(const struct config_report *r, struct buf *out);
void config_report_print(const struct config_report *r, FILE *out);

#endif
