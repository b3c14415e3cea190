/* Addresses as clients write them, and redirects from them: what is accepted has a host that is one plain
 * thing, and a target that cannot end a line. */
#include <stddef.h>
#include <stdint.h>

#include "policy/fetch_url.h"

#include "base/check.h"
#include "wire/url.h"

static void check(const struct fetch_url *u)
{
    CHECK(u->host.len && u->port && u->target.len && u->target.ptr[0] == '/');
    CHECK(url_authority_check(u->authority));
    for (size_t i = 0; i < u->target.len; i++)
        CHECK(u->target.ptr[i] > ' ' && u->target.ptr[i] < 0x7f && u->target.ptr[i] != '#');
    for (size_t i = 0; i < u->host.len; i++)
        CHECK(u->host.ptr[i] > ' ' && !strchr("/?#@\\%[]", u->host.ptr[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct fetch_url first, second;
    str rest = str_make((const char *)data, size), one = str_split(&rest, '\n');
    arena_init(&a, 1 << 20);
    if (!fetch_url_parse(one, &a, &first)) {
        check(&first);
        /* What was made is read as the same. */
        struct fetch_url again;
        str text =
            arena_printf(&a, "https://%.*s%.*s", STR_ARG(first.authority), STR_ARG(first.target));
        if (text.len <= 8192) {
            CHECK(!fetch_url_parse(text, &a, &again));
            CHECK(str_eq(again.authority, first.authority) && str_eq(again.target, first.target));
        }
        if (!fetch_url_redirect(&first, rest, &a, &second))
            check(&second);
    }
    arena_release(&a);
    return 0;
}
