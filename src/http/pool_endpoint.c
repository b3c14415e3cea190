#include "http/pool_endpoint.h"

#include <stdlib.h>

#include "io/tcp.h"

/* All text of a copy is in one block, which begins with the key. */
static str text_put(char **at, str s)
{
    if (str_is_null(s))
        return STR_NULL;
    str copy = str_make(*at, s.len);
    if (s.len)
        memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return copy;
}

/* False: out of memory, *to has none. */
static bool pinned_copy(struct endpoint *to, const struct endpoint *from)
{
    size_t size = from->pinned_count * sizeof(*from->pinned);
    struct address *copy = size ? malloc(size) : NULL;
    to->pinned = copy;
    to->pinned_count = copy ? from->pinned_count : 0;
    if (copy)
        memcpy(copy, from->pinned, size);
    return copy || !size;
}

bool endpoint_copy(struct endpoint *to, const struct endpoint *from)
{
    *to = (struct endpoint){0};
    char *at = malloc(from->key.len + from->host.len + from->unix_path.len + from->authority.len +
                      from->proxy_host.len + from->proxy_authorization.len + 1);
    if (!at)
        return false;
    *to = *from;
    if (!pinned_copy(to, from)) {
        free(at);
        *to = (struct endpoint){0};
        return false;
    }
    to->key = text_put(&at, str_is_null(from->key) ? STR("") : from->key);
    to->host = text_put(&at, from->host);
    to->unix_path = text_put(&at, from->unix_path);
    to->authority = text_put(&at, from->authority);
    to->proxy_host = text_put(&at, from->proxy_host);
    to->proxy_authorization = text_put(&at, from->proxy_authorization);
    if (to->tls_context)
        tls_context_ref(to->tls_context);
    return true;
}

void endpoint_update(struct endpoint *to, const struct endpoint *from)
{
    to->pool = from->pool;
    to->connect_timeout_ms = from->connect_timeout_ms;
    if (from->pinned_count) {
        struct address *before = (struct address *)to->pinned;
        unsigned count = to->pinned_count;
        if (pinned_copy(to, from)) {
            free(before);
        } else { /* those before were checked as well */
            to->pinned = before;
            to->pinned_count = count;
        }
    }
    if (to->tls_context == from->tls_context)
        return;
    tls_context_unref(to->tls_context);
    to->tls_context = from->tls_context ? tls_context_ref(from->tls_context) : NULL;
}

void endpoint_release(struct endpoint *e)
{
    free((char *)e->key.ptr);
    free((struct address *)e->pinned);
    tls_context_unref(e->tls_context);
    *e = (struct endpoint){0};
}
