/*
 * Tells when a file has changed and then stood still.  It looks at the file twice a settle time (on a
 * helper thread, so a hanging disk holds nothing up), which also works where change events do not:
 * over network file systems, bind mounts, and through links that are swapped.
 */
#ifndef IO_FILE_WATCH_H
#define IO_FILE_WATCH_H

#include "io/loop.h"

struct file_watch;

/* Tells whether a file is the one it was.  All zero: there is no such file. */
struct file_mark {
    uint64_t device, inode, size, seconds, nanoseconds;
};

/* As the file is now; blocking.  Taken before a file is read, it is what the reader knows. */
struct file_mark file_mark_take(const char *path);

/* on_change comes once the file differs from what is known of it (at first: `known`) and has not
 * changed for settle_ms.  A missing file is waited for.  NULL: out of memory. */
struct file_watch *file_watch_new(struct loop *l, const char *path, const struct file_mark *known,
                                  unsigned settle_ms, void (*on_change)(void *arg), void *arg);
void file_watch_close(struct file_watch *w); /* silent from now on; NULL is fine */

#endif
