/*
 * Body bytes.  A chunk is a refcounted block of CHUNK_SIZE bytes; a slice is a run of bytes that
 * may keep a chunk alive; a chain is a queue of slices with their total length.
 *
 * A slice with chunk == NULL is *borrowed*: its bytes are valid only as long as whoever handed it
 * over says (static text, an arena).  chain_add() copies borrowed bytes into a chunk of its own, so
 * that everything in a chain is owned.  Chunks never cross threads (the counter is not atomic) and
 * come from a per-thread recycler.
 */
#ifndef BASE_CHAIN_H
#define BASE_CHAIN_H

#include "base/str.h"

enum { CHUNK_SIZE = 16384 };

struct chunk {
    unsigned refs;
    unsigned used; /* bytes handed out from the front; the rest is free for the next read */
    char data[CHUNK_SIZE - 2 * sizeof(unsigned)];
};

enum { CHUNK_ROOM = sizeof(((struct chunk *)0)->data) };

struct slice {
    struct chunk *chunk; /* NULL: borrowed */
    const char *ptr;
    size_t len;
};

#define SLICE_BORROWED(s) ((struct slice){.chunk = NULL, .ptr = (s).ptr, .len = (s).len})

/* A new chunk with one reference, or NULL. */
struct chunk *chunk_new(void);
void chunk_unref(struct chunk *c);
/* Returns this thread's recycled chunks to the system (thread end). */
void chunk_recycler_release(void);
/* Chunks alive on this thread, recycled ones not counted: tests check for leaks with it. */
size_t chunk_alive(void);

static inline struct chunk *chunk_ref(struct chunk *c)
{
    c->refs++;
    return c;
}

struct chain {
    struct slice *slices; /* ring */
    unsigned first, count, cap;
    size_t bytes;
};

void chain_init(struct chain *c);
void chain_release(struct chain *c);

/* Queues the slice at the end: references its chunk, or copies borrowed bytes.  Adjoining slices of
 * one chunk become one.  False: out of memory, nothing was added. */
bool chain_add(struct chain *c, struct slice s);

/* Drops n bytes at the front. */
void chain_drop(struct chain *c, size_t n);

/* The first slice, borrowed from the chain; len 0 when empty. */
struct slice chain_front(const struct chain *c);

/* Slice i of chain (0 = front), borrowed. */
struct slice chain_at(const struct chain *c, unsigned i);

/* Copies the first n bytes (n <= bytes) to `to`, dropping nothing. */
void chain_copy(const struct chain *c, void *to, size_t n);

#endif
