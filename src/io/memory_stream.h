/* Two streams joined in memory, for tests: what one writes the other reads, in a later turn. */
#ifndef IO_MEMORY_STREAM_H
#define IO_MEMORY_STREAM_H

#include "io/stream.h"

/* False: out of memory.  chunk: at most so many bytes arrive at once (1 = byte by byte; 0 = all). */
bool memory_stream_pair(struct loop *l, size_t chunk, struct stream *out[2]);

#endif
