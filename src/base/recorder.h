/*
 * The flight recorder: what each thread did last, in a ring of fixed size.  Noting costs a few stores
 * and no call to the system; it is always on.  It is written out when a CHECK fails (recorder_install),
 * or on demand.
 *
 * Each thread writes its own ring.  A dump reads all of them without stopping anybody: the newest
 * entries of a running thread may be torn, which a reader of crash dumps can live with.
 */
#ifndef BASE_RECORDER_H
#define BASE_RECORDER_H

#include <stdint.h>

#include "base/buf.h"

enum trace_event {
#define TRACE(id, ...) TRACE_##id,
#include "base/trace.def"
#undef TRACE
    TRACE_EVENT_COUNT
};

enum { RECORDER_EVENTS = 1024 }; /* kept per thread; a power of two */

void trace(enum trace_event event, uint64_t subject, uint64_t a, uint64_t b);

/* All threads' entries, oldest first within each, as lines. */
void recorder_dump(struct buf *out);

/* From now on a failed CHECK writes the dump to standard error. */
void recorder_install(void);

#endif
