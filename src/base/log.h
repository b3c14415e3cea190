/*
 * Messages for people, and the files that log lines go to.
 *
 * A loop never waits for a disk: lines are appended to a log_file's buffer under a lock held for a
 * copy, and one background thread writes what has gathered.  When the buffer is full (a slow or full
 * disk) lines are dropped and counted; the process goes on.
 *
 * Before log_start() and after log_stop() messages go to stderr at once.  Any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/check.h"
#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Never with secrets, prompts or answers among the arguments. */
void log_message(enum log_level level, const char *format, ...) printf_like(2, 3);

#define log_error(...) log_message(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_message(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_message(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
    do {                                                                                           \
        if (log_is_on(LOG_DEBUG))                                                                  \
            log_message(LOG_DEBUG, __VA_ARGS__);                                                   \
    } while (0)

/* Messages above the level are not made. */
void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);
const char *log_level_name(enum log_level level);

/* A file that lines are appended to; `path` NULL: stderr. */
struct log_file;

/* NULL: it cannot be opened (errno) or no memory.  Starts the writer thread with the first. */
struct log_file *log_file_open(const char *path);

/* Appends whole lines (with their newline).  Dropped when more than a few MiB wait. */
void log_file_write(struct log_file *f, str lines);

/* Asks the writer to open the path anew (after a rotation); if that fails the old one serves on. */
void log_file_reopen(struct log_file *f);

/* Whether lines go to a terminal. */
bool log_file_is_terminal(const struct log_file *f);

/* Writes what waits (at most for a second), then closes. */
void log_file_close(struct log_file *f);

/* Lines dropped so far, in all files. */
uint64_t log_dropped(void);

/* From now on messages go to f (not taken over), as JSON lines or as text. */
void log_start(struct log_file *f, bool json);

/* Back to stderr; f may be closed then. */
void log_stop(void);

#endif
