/*
 * Two streams joined in memory, for tests: what one writes the other reads later (at the end of the
 * turn).  `queued` counts what the other end has not read yet.  Bytes written before a close still
 * arrive, as with a socket; after a reset they do not, and the other end breaks (ERR_IO).
 */
#ifndef IO_MEMORY_STREAM_H
#define IO_MEMORY_STREAM_H

#include "io/stream.h"

/* False: out of memory.  chunk: at most so many bytes arrive at once (1 = byte by byte; 0 = all). */
bool memory_stream_pair(struct loop *l, size_t chunk, struct stream *out[2]);

#endif
