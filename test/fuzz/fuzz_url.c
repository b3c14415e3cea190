/* URLs, paths, queries: nothing crashes, and what was made unambiguous stays so. */
#include "base/buf.h"
#include "wire/url.h"

static void check_path(str raw, struct arena *arena)
{
    str path, again;
    if (url_path_normalise(raw, arena, &path) != URL_PATH_OK)
        return;
    CHECK(path.len >= 1 && path.ptr[0] == '/');
    CHECK(str_find_byte(path, '\\') < 0 && str_find_byte(path, '\0') < 0);
    CHECK(str_find(path, STR("/../")) < 0 && !str_ends(path, STR("/..")));
    /* Encoded for the wire (the escapes that stayed stay), it is the same path again. */
    struct buf wire;
    buf_init(&wire, 0);
    while (path.len) {
        bool kept = str_starts(path, STR("%2F")) || str_starts(path, STR("%3F")) ||
                    str_starts(path, STR("%23"));
        CHECK(kept || path.ptr[0] != '%');
        str piece = str_first(path, kept ? 3 : 1);
        if (kept)
            buf_add_str(&wire, piece);
        else
            url_encode(&wire, piece, URL_KEEP_PATH);
        path = str_from(path, piece.len);
    }
    CHECK(url_path_normalise(raw, arena, &path) == URL_PATH_OK);
    CHECK(url_path_normalise(buf_str(&wire), arena, &again) == URL_PATH_OK);
    CHECK(str_eq(path, again));
    buf_release(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    str text = str_make((const char *)data, size), out, name, value;
    struct url url;
    arena_init(&arena, 0);
    check_path(text, &arena);
    if (!url_parse(text, &url)) {
        CHECK(url.host.len > 0 && url.authority.len > 0);
        CHECK(url.scheme == URL_UNIX || url_authority_check(url.authority));
        CHECK(url_join(&arena, &url, STR("/x"), STR("y=z")).ptr != NULL);
    }
    if (url_authority_check(text))
        CHECK(url_authority_same(text, text, 80));
    if (url_decode(text, true, &arena, &out))
        CHECK(out.len <= text.len);
    str query = text;
    while (url_query_next(&query, &name, &value))
        CHECK(name.len + value.len <= size);
    out = url_query_get(text, STR("key"), &arena);
    arena_release(&arena);
    return 0;
}
