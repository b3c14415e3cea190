/*
 * A table of options describes a struct of settings: one row per field.  The same table drives
 * reading the configuration, ranges, defaults, overrides from environment and command line, printing
 * what is in effect, "did you mean", and docs/options.md (app/config_decode, config_print,
 * config_docs).  Tables are constant; this file knows values as text, not YAML.
 *
 * Sections are rows that hold another table; a list or map of sections is an array of structs with
 * its count.  Numbers are kept in the unit of their type: bytes, milliseconds, percent.
 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include "base/arena.h"
#include "base/buf.h"

enum option_type {
    OPTION_BOOL,     /* bool: true, false */
    OPTION_UINT,     /* unsigned or uint64_t, by `width`, as the next three */
    OPTION_PERCENT,  /* "25%" or "25" */
    OPTION_SIZE,     /* bytes: "64KiB", "10MiB", "512" */
    OPTION_DURATION, /* milliseconds: "250ms", "2s", "5m", "1h" */
    OPTION_ENUM,     /* an enum of values 0, 1, …: one of `names` */
    OPTION_STRING,   /* str */
    OPTION_STRINGS,  /* array of str and count; one alone may be written without brackets */
    OPTION_PAIRS,    /* array of struct option_pair and count: a map of texts */
    OPTION_KIND,     /* a type of its own: `kind` */
    OPTION_KINDS,    /* array of those and count; one alone may be written without brackets */
    OPTION_SECTION,  /* `table`, a part of the same struct at `offset` */
    OPTION_LIST,     /* array of structs of `table`, and count */
    OPTION_MAP,      /* the same by name: the struct's str at table->name_offset */
};

enum option_flag {
    OPTION_SECRET = 1 << 0,   /* never shown */
    OPTION_RESTART = 1 << 1,  /* a change counts only after a restart */
    OPTION_REQUIRED = 1 << 2, /* must be written */
    OPTION_ALIAS = 1 << 3,    /* another way to write another row: not printed, no default */
    OPTION_LATER = 1 << 4,    /* known, not in this version: refused, with `help` as the hint */
};

struct option_pair { /* same layout as llm's struct name_pair: checked where both are seen */
    str name, value;
};

/* A type of values that the program defines next to its struct. */
struct option_kind {
    const char *what; /* for messages and documentation: "an address such as 127.0.0.1:8080" */
    size_t size;      /* of the field */
    /* NULL: read; "": it is not `what`; else what is wrong with it, static or in the arena. */
    const char *(*parse)(str text, void *field, struct arena *a);
    void (*format)(const void *field, struct buf *out); /* as it would be written */
};

struct option_table;

struct option {
    const char *name;
    enum option_type type;
    unsigned flags;
    unsigned width; /* bytes of a number, enum or bool */
    size_t offset, count_offset;
    uint64_t min, max;        /* of numbers; of a text's length; 0, 0: no range */
    const char *initial;      /* default, as text; NULL: zero, empty, null */
    const char *const *names; /* OPTION_ENUM: NULL-terminated */
    const char *const *later; /* OPTION_ENUM: values of a later version, or NULL */
    const struct option_kind *kind;
    const struct option_table *table;
    const char *(*check)(str value);     /* texts: NULL, or what is wrong */
    const char *(*check_name)(str name); /* OPTION_PAIRS: the same of names */
    const char *help;
};

struct option_table {
    const char *what;                    /* an element in words: "a provider" */
    size_t size;                         /* of an element (OPTION_LIST, OPTION_MAP) */
    size_t name_offset;                  /* OPTION_MAP */
    const char *(*check_name)(str name); /* OPTION_MAP: NULL, or what is wrong */
    const struct option *rows;           /* ends with a row without a name */
    /* A short form: an element written as one text.  NULL: there is none. */
    const char *(*parse)(str text, void *element, struct arena *a);
    const char *short_form; /* its shape, for messages and documentation: "provider/model" */
    /* Before an element is read, after its defaults: takes over what it inherits.  NULL: nothing. */
    void (*prepare)(void *element, const void *root);
};

/* Building blocks of rows: the field of a struct with its offset and width. */
#define OPTION_FIELD(type, field)                                                                  \
    .offset = offsetof(type, field), .width = sizeof(((type *)0)->field)
#define OPTION_ARRAY(type, field, count)                                                           \
    .offset = offsetof(type, field), .count_offset = offsetof(type, count)
#define OPTION_RANGE(low, high) .min = (low), .max = (high)

#define OPTION_SECOND UINT64_C(1000)
#define OPTION_MINUTE (60 * OPTION_SECOND)
#define OPTION_HOUR (60 * OPTION_MINUTE)
#define OPTION_DAY (24 * OPTION_HOUR)
#define OPTION_KIB UINT64_C(1024)
#define OPTION_MIB (1024 * OPTION_KIB)
#define OPTION_GIB (1024 * OPTION_MIB)

/* Text → number of a BOOL, UINT, PERCENT, SIZE, DURATION or ENUM row, range included.  NULL, or what
 * is wrong, in the arena or static: "must be at least 1s". */
const char *option_number_parse(const struct option *o, str text, uint64_t *value, struct arena *a);

/* The number as it would be written, in the largest unit that divides it. */
void option_number_format(const struct option *o, uint64_t value, struct buf *out);

/* The field of such a row, whatever its width. */
uint64_t option_number_get(const struct option *o, const void *base);
void option_number_set(const struct option *o, void *base, uint64_t value);

/* NULL, or what is wrong with a text of a STRING(S) row: its length, its `check`. */
const char *option_text_check(const struct option *o, str text, struct arena *a);

/* What a row takes, in words: "a duration such as 250ms, 2s, 5m, 1h". */
void option_describe(const struct option *o, struct buf *out);

/* The row of that name; NULL: none. */
const struct option *option_find(const struct option_table *t, str name);

/* Number of typing mistakes between two names (insert, delete, replace, swap of neighbours; case, and
 * '-' for '_', are none), at most `limit` + 1. */
unsigned option_distance(str a, str b, unsigned limit);

/* The same name but for case and for '_' where one has another mark: "AZURE_EU" and "azure-eu". */
bool option_name_alike(str a, str b);

/* Keeps the better of *best and `candidate` as a guess for `written`; start with best null.  A guess
 * that is not near enough is no guess. */
void option_suggest(str written, str candidate, str *best, unsigned *best_distance);

#endif
