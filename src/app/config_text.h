/*
 * The bytes of a configuration file, and ${…} inside its values.
 *
 *     ${VAR}  ${VAR:-default}  ${file:/run/secrets/x}  $${ for a literal ${
 *
 * Braces mean something to YAML ({key: ${KEY}} would not parse), so before parsing each ${…} is
 * replaced, in a copy of the text, by a mark of the same length without special characters; places
 * in the file stay true.  What YAML then gives as a value is expanded: marks become what they stand
 * for.  The result is never parsed again, so a value cannot add structure.
 */
#ifndef APP_CONFIG_TEXT_H
#define APP_CONFIG_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { CONFIG_FILE_MAX = 16 << 20 };

struct config_text {
    struct arena *arena;
    char *bytes; /* malloc'ed, with marks; wiped when released */
    size_t len;
    str *marks; /* what stood there: "${VAR}", or one private-use character */
    unsigned mark_count;
    const char *const *environment; /* like environ, or NULL */
    size_t cursor;                  /* where config_text_place() was last */
    unsigned cursor_line, cursor_column;
};

/* The whole of a regular file, pipe or device: bytes malloc'ed.  Else a message in the arena. */
const char *config_file_read(const char *path, size_t limit, char **bytes, size_t *len,
                             struct arena *a) must_check;

/* Copies text and sets the marks.  NULL, or what is wrong with the text as such (with its place):
 * not UTF-8, NUL, too many marks. */
const char *config_text_init(struct config_text *t, str text, struct arena *a,
                             const char *const *environment, size_t *wrong_at) must_check;
void config_text_release(struct config_text *t);

/* Line and column (from 1, in characters) of a byte of the text; quick when asked in order. */
void config_text_place(struct config_text *t, size_t at, unsigned *line, unsigned *column);

/* The byte at a line and column of the marked text (from 1), as the parser counts them. */
size_t config_text_offset(const struct config_text *t, unsigned line, unsigned column);

/* A value with its marks expanded, in the arena, or as it was when there are none; *expanded tells.
 * NULL str: *wrong says why ("environment variable X is not set"). */
str config_text_expand(const struct config_text *t, str value, bool *expanded, const char **wrong);

/* A value with its marks as they were written: for messages about names. */
str config_text_original(const struct config_text *t, str value);

/* Whether a text that is not quoted says "nothing": "", ~, null. */
bool config_text_is_nothing(str text);

/* In an environment like environ; NULL: not set. */
const char *config_environment_get(const char *const *environment, str name);

#endif
