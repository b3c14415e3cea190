#include "http/pool_endpoint.h"

#include <stdlib.h>

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

bool endpoint_copy(struct endpoint *to, const struct endpoint *from)
{
    *to = (struct endpoint){0};
    char *at =
        malloc(from->key.len + from->host.len + from->unix_path.len + from->authority.len +
               from->tls_name.len + from->proxy_host.len + from->proxy_authorization.len + 1);
    if (!at)
        return false;
    *to = *from;
    to->key = text_put(&at, str_is_null(from->key) ? STR("") : from->key);
    to->host = text_put(&at, from->host);
    to->unix_path = text_put(&at, from->unix_path);
    to->authority = text_put(&at, from->authority);
    to->tls_name = text_put(&at, from->tls_name);
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
    if (to->tls_context == from->tls_context)
        return;
    tls_context_unref(to->tls_context);
    to->tls_context = from->tls_context ? tls_context_ref(from->tls_context) : NULL;
}

void endpoint_release(struct endpoint *e)
{
    free((char *)e->key.ptr);
    tls_context_unref(e->tls_context);
    *e = (struct endpoint){0};
}
