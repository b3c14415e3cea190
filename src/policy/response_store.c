#include "policy/response_store.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/list.h"

enum { BUCKETS = 4096 };

struct entry {
    struct list used;       /* the least recently used first */
    struct entry *next;     /* of its bucket */
    struct entry *previous; /* it counts in previous->children */
    unsigned children;
    bool hidden; /* deleted, but others stand on it */
    uint64_t expires_ms;
    size_t size;
    str scope, id, input, response, output; /* behind the struct */
};

struct response_store {
    pthread_mutex_t lock;
    size_t bytes, bytes_max;
    uint64_t ttl_ms;
    struct list used;
    struct entry *buckets[BUCKETS];
};

struct response_store *response_store_new(size_t bytes_max, uint64_t ttl_ms)
{
    struct response_store *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    if (pthread_mutex_init(&s->lock, NULL)) {
        free(s);
        return NULL;
    }
    s->bytes_max = bytes_max;
    s->ttl_ms = ttl_ms;
    list_init(&s->used);
    return s;
}

/* FNV-1a: ids are random where it matters, and the chain in a bucket is bounded by the store's bytes. */
static struct entry **bucket(struct response_store *s, str scope, str id)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < scope.len + id.len; i++) {
        hash ^= (unsigned char)(i < scope.len ? scope.ptr[i] : id.ptr[i - scope.len]);
        hash *= UINT64_C(1099511628211);
    }
    return &s->buckets[(hash ^ hash >> 32) % BUCKETS];
}

static struct entry *find(struct response_store *s, str scope, str id)
{
    for (struct entry *e = *bucket(s, scope, id); e; e = e->next)
        if (!e->hidden && str_eq(e->id, id) && str_eq(e->scope, scope))
            return e;
    return NULL;
}

/* Frees the entry, and what it stood on that was hidden and bears nobody now. */
static void drop(struct response_store *s, struct entry *e)
{
    while (e) {
        struct entry *previous = e->previous;
        struct entry **at = bucket(s, e->scope, e->id);
        CHECK(e->children == 0);
        while (*at != e)
            at = &(*at)->next;
        *at = e->next;
        list_remove(&e->used);
        CHECK(s->bytes >= e->size);
        s->bytes -= e->size;
        free(e);
        if (!previous)
            return;
        previous->children--;
        e = previous->hidden && !previous->children ? previous : NULL;
    }
}

static void discard(struct response_store *s, struct entry *e)
{
    if (e->children)
        e->hidden = true;
    else
        drop(s, e);
}

/* Of the list: an end of a chain is used before what it stands on, so it stands before it here. */
static struct entry *oldest(struct response_store *s)
{
    return list_is_empty(&s->used) ? NULL : LIST_ENTRY(s->used.next, struct entry, used);
}

static void expire(struct response_store *s, uint64_t now_ms)
{
    struct entry *e;
    while ((e = oldest(s)) && e->expires_ms <= now_ms)
        drop(s, e);
}

static void touch(struct response_store *s, struct entry *e, uint64_t now_ms)
{
    for (; e; e = e->previous) {
        list_remove(&e->used);
        list_push(&s->used, &e->used);
        e->expires_ms = now_ms + s->ttl_ms;
    }
}

void response_store_free(struct response_store *s)
{
    struct entry *e;
    if (!s)
        return;
    while ((e = oldest(s)))
        drop(s, e);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* --- Saving -------------------------------------------------------------------------------------------- */

static str put(char **at, str text)
{
    str copy = {.ptr = *at, .len = text.len};
    if (text.len)
        memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return copy;
}

static struct entry *make(str scope, const struct stored_response *r, size_t size)
{
    struct entry *e = malloc(size);
    if (!e)
        return NULL;
    char *at = (char *)(e + 1);
    *e = (struct entry){.size = size};
    e->scope = put(&at, scope);
    e->id = put(&at, r->id);
    e->input = put(&at, r->input);
    e->response = put(&at, r->response);
    e->output = str_make(e->response.ptr + (r->output.ptr - r->response.ptr), r->output.len);
    return e;
}

/* It bears one more, whatever becomes of the others. */
static void hold(struct response_store *s, uint64_t now_ms, struct entry *previous)
{
    touch(s, previous, now_ms);
    previous->children++;
}

static void let_go(struct response_store *s, struct entry *previous)
{
    previous->children--;
    if (previous->hidden && !previous->children)
        drop(s, previous);
}

/* Room for it, by what was not used for the longest time; never what it stands on. */
static bool make_room(struct response_store *s, size_t size, const struct entry *previous)
{
    while (s->bytes + size > s->bytes_max) {
        struct entry *e = oldest(s);
        if (!e || e == previous)
            return false;
        drop(s, e);
    }
    return true;
}

static void add(struct response_store *s, uint64_t now_ms, struct entry *e, struct entry *previous)
{
    struct entry **at = bucket(s, e->scope, e->id);
    e->previous = previous; /* which is held */
    e->next = *at;
    *at = e;
    s->bytes += e->size;
    list_push(&s->used, &e->used);
    touch(s, e, now_ms);
}

bool response_store_save(struct response_store *s, uint64_t now_ms, str scope,
                         const struct stored_response *r)
{
    size_t size = sizeof(struct entry) + scope.len + r->id.len + r->input.len + r->response.len;
    CHECK(r->output.ptr >= r->response.ptr &&
          r->output.ptr + r->output.len <= r->response.ptr + r->response.len);
    if (size > s->bytes_max / 4)
        return false;
    struct entry *e = make(scope, r, size);
    if (!e)
        return false;
    pthread_mutex_lock(&s->lock);
    expire(s, now_ms);
    struct entry *previous = r->previous.len ? find(s, scope, r->previous) : NULL;
    bool ok = !r->previous.len || previous;
    if (ok && previous)
        hold(s, now_ms, previous);
    struct entry *same = ok ? find(s, scope, r->id) : NULL;
    if (same)
        discard(s, same);
    ok = ok && make_room(s, size, previous);
    if (ok)
        add(s, now_ms, e, previous);
    else if (previous)
        let_go(s, previous);
    pthread_mutex_unlock(&s->lock);
    if (!ok)
        free(e);
    return ok;
}

/* --- Looking -------------------------------------------------------------------------------------------- */

static bool copy_out(const struct entry *e, struct arena *a, struct stored_response *out)
{
    out->id = arena_str(a, e->id);
    out->previous = e->previous ? arena_str(a, e->previous->id) : STR_NULL;
    out->input = arena_str(a, e->input);
    out->response = arena_str(a, e->response);
    if (str_is_null(out->id) || str_is_null(out->input) || str_is_null(out->response) ||
        (e->previous && str_is_null(out->previous)))
        return false;
    out->output = str_make(out->response.ptr + (e->output.ptr - e->response.ptr), e->output.len);
    return true;
}

enum response_found response_store_get(struct response_store *s, uint64_t now_ms, str scope, str id,
                                       struct arena *a, struct stored_response *out)
{
    enum response_found found = RESPONSE_NOT_FOUND;
    pthread_mutex_lock(&s->lock);
    expire(s, now_ms);
    struct entry *e = find(s, scope, id);
    if (e) {
        touch(s, e, now_ms);
        found = copy_out(e, a, out) ? RESPONSE_FOUND : RESPONSE_NO_MEMORY;
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

/* The list is written from its end, as the chain is linked; end NULL: only its length. */
static size_t write_back(char *end, size_t len, str items)
{
    if (!items.len)
        return len;
    bool comma = len > 0;
    len += items.len + comma;
    if (end) {
        memcpy(end - len, items.ptr, items.len);
        if (comma)
            end[-(ptrdiff_t)len + (ptrdiff_t)items.len] = ',';
    }
    return len;
}

static size_t write_chain(char *end, const struct entry *e, bool with_output)
{
    size_t len = 0;
    for (; e; e = e->previous) {
        if (with_output)
            len = write_back(end, len, e->output);
        len = write_back(end, len, e->input);
        with_output = true;
    }
    return len;
}

enum response_found response_store_items(struct response_store *s, uint64_t now_ms, str scope,
                                         str id, bool with_output, struct arena *a, str *items)
{
    enum response_found found = RESPONSE_NOT_FOUND;
    pthread_mutex_lock(&s->lock);
    expire(s, now_ms);
    struct entry *e = find(s, scope, id);
    if (e) {
        touch(s, e, now_ms);
        size_t len = write_chain(NULL, e, with_output);
        char *text = arena_alloc(a, len ? len : 1);
        if (text) {
            write_chain(text + len, e, with_output);
            *items = str_make(text, len);
        }
        found = text ? RESPONSE_FOUND : RESPONSE_NO_MEMORY;
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

bool response_store_delete(struct response_store *s, uint64_t now_ms, str scope, str id)
{
    pthread_mutex_lock(&s->lock);
    expire(s, now_ms);
    struct entry *e = find(s, scope, id);
    if (e)
        discard(s, e);
    pthread_mutex_unlock(&s->lock);
    return e != NULL;
}

size_t response_store_bytes(struct response_store *s)
{
    pthread_mutex_lock(&s->lock);
    size_t bytes = s->bytes;
    pthread_mutex_unlock(&s->lock);
    return bytes;
}
