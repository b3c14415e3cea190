#include "support/test.h"
#include "wire/url.h"

/* ---- Base URLs ---- */

static struct url parsed(const char *text)
{
    struct url url;
    const char *why = url_parse(str_from_c(text), &url);
    if (why)
        EXPECT_FAIL("%s: %s", text, why);
    return url;
}

TEST(base_url_is_taken_apart)
{
    struct url u = parsed("https://api.openai.com/v1");
    EXPECT_EQ(u.scheme, URL_HTTPS);
    EXPECT_STR(u.host, "api.openai.com");
    EXPECT_EQ(u.port, 443);
    EXPECT_STR(u.authority, "api.openai.com");
    EXPECT_STR(u.path, "/v1");
    EXPECT(str_is_null(u.query));
    EXPECT(!u.is_ipv6);

    u = parsed("HTTP://localhost:11434");
    EXPECT_EQ(u.scheme, URL_HTTP);
    EXPECT_EQ(u.port, 11434);
    EXPECT_STR(u.authority, "localhost:11434");
    EXPECT_STR(u.path, "");

    u = parsed("http://[fe80::1]:8000/a/b/");
    EXPECT_STR(u.host, "fe80::1");
    EXPECT(u.is_ipv6);
    EXPECT_STR(u.authority, "[fe80::1]:8000");
    EXPECT_STR(u.path, "/a/b");

    u = parsed("https://x.openai.azure.com//?api-version=2024-10-21");
    EXPECT_STR(u.path, "");
    EXPECT_STR(u.query, "api-version=2024-10-21");

    u = parsed("https://x?a=b");
    EXPECT_STR(u.host, "x");
    EXPECT_STR(u.query, "a=b");
}

TEST(unix_socket_is_a_base_url)
{
    struct url u = parsed("unix:/run/vllm.sock:/v1/");
    EXPECT_EQ(u.scheme, URL_UNIX);
    EXPECT_STR(u.host, "/run/vllm.sock");
    EXPECT_STR(u.path, "/v1");
    EXPECT_STR(u.authority, "localhost");
    EXPECT_STR(parsed("unix:/run/x.sock").path, "");
}

TEST(bad_base_urls_say_why)
{
    static const char *const bad[][2] = {
        {"", "begins with"},
        {"api.openai.com/v1", "begins with"},
        {"ftp://a", "begins with"},
        {"http:/a", "begins with"},
        {"https://", "host is missing"},
        {"https:///v1", "host is missing"},
        {"https://user:secret@a/", "user names"},
        {"https://a:0", "port"},
        {"https://a:65536", "port"},
        {"https://a:", "port"},
        {"https://a:x", "port"},
        {"https://a_b!c", "host"},
        {"https://[::1", "host"},
        {"https://[1.2.3.4]", "host"},
        {"https://[::1]x", "host"},
        {"https://a/b c", "visible"},
        {"https://a/\xc3\xa9", "visible"},
        {"https://a\\b", "visible"},
        {"https://a/b#c", "fragment"},
        {"unix:run/x", "absolute path"},
        {"unix:/run/x:v1", "a path"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        struct url url;
        const char *why = url_parse(str_from_c(bad[i][0]), &url);
        EXPECT_CONTAINS(why ? why : "accepted", bad[i][1]);
    }
}

TEST(paths_and_queries_are_joined)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct url plain = parsed("https://a/v1/"), bare = parsed("https://a"),
               azure = parsed("https://a/openai?api-version=1");
    EXPECT_STR(url_join(&arena, &plain, STR("/models"), STR_NULL), "/v1/models");
    EXPECT_STR(url_join(&arena, &plain, STR("/models"), STR("x=1")), "/v1/models?x=1");
    EXPECT_STR(url_join(&arena, &bare, STR("/models"), STR("")), "/models");
    EXPECT_STR(url_join(&arena, &bare, STR(""), STR_NULL), "/");
    EXPECT_STR(url_join(&arena, &azure, STR("/x"), STR_NULL), "/openai/x?api-version=1");
    EXPECT_STR(url_join(&arena, &azure, STR("/x"), STR("y")), "/openai/x?api-version=1&y");
    arena_release(&arena);
}

/* ---- Authorities ---- */

TEST(authorities_are_checked)
{
    static const char *const good[] = {
        "a",    "a.b-c_d~e", "localhost:80",          "1.2.3.4:65535",
        "[::]", "[::1]:0",   "xn--bcher-kva.example", "a.b.c."};
    static const char *const bad[] = {"",
                                      ":80",
                                      "a:",
                                      "a:b",
                                      "a:65536",
                                      "a:000080",
                                      "a b",
                                      "a/b",
                                      "u@a",
                                      "a?",
                                      "a#",
                                      "a,b",
                                      "[]",
                                      "[::1",
                                      "::1",
                                      "[::1]80",
                                      "[fe80::1%25eth0]",
                                      "a%20b",
                                      "a\tb",
                                      "a\\b",
                                      "\"a\"",
                                      "<a>",
                                      "a;b",
                                      "[::1]:",
                                      "a:-1",
                                      "a:+1",
                                      "[a]",
                                      "[1.2.3.4]"};
    for (unsigned i = 0; i < ARRAY_LEN(good); i++)
        if (!url_authority_check(str_from_c(good[i])))
            EXPECT_FAIL("refused: %s", good[i]);
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        if (url_authority_check(str_from_c(bad[i])))
            EXPECT_FAIL("accepted: %s", bad[i]);
    EXPECT(!url_authority_check(STR("a\0b")));
    EXPECT(!url_authority_check(STR("[::1\0]")));
    EXPECT(!url_authority_check(STR_NULL));
}

TEST(authorities_are_compared_with_default_ports)
{
    EXPECT(url_authority_same(STR("A.b"), STR("a.B:80"), 80));
    EXPECT(url_authority_same(STR("[::1]:443"), STR("[::1]"), 443));
    EXPECT(!url_authority_same(STR("a"), STR("a:81"), 80));
    EXPECT(!url_authority_same(STR("a"), STR("b"), 80));
    EXPECT(!url_authority_same(STR("a"), STR("u@a"), 80));
}

/* ---- Paths of requests ---- */

TEST(ordinary_paths_stay_as_they_are_without_a_copy)
{
    static const char *const same[] = {"/",
                                       "/v1/chat/completions",
                                       "/v1beta/models/gemini-2.5-pro:generateContent",
                                       "//",
                                       "/a//b/",
                                       "/a/.b",
                                       "/a/b..c",
                                       "/...",
                                       "/a/...",
                                       "/.well-known/x",
                                       "/v1/models/a@b,c;d=e+f!$&'()*~_-"};
    struct arena arena;
    arena_init(&arena, 1); /* nothing may be taken */
    for (unsigned i = 0; i < ARRAY_LEN(same); i++) {
        str out, in = str_from_c(same[i]);
        EXPECT_EQ(url_path_normalise(in, &arena, &out), URL_PATH_OK);
        EXPECT(out.ptr == in.ptr && out.len == in.len);
    }
    arena_release(&arena);
}

TEST(escapes_are_decoded_once_but_structure_stays_encoded)
{
    static const char *const cases[][2] = {
        {"/%76%31/models", "/v1/models"},
        {"/v1/models/org%2fname", "/v1/models/org%2Fname"},
        {"/v1/models/a%2Fb%3fc%23d", "/v1/models/a%2Fb%3Fc%23d"},
        {"/%E2%9C%93", "/\xe2\x9c\x93"},
        {"/a%20b%2Bc+d", "/a b+c+d"},
        {"/models/x%3AgenerateContent", "/models/x:generateContent"},
        {"/a%7Cb%22", "/a|b\""},
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        str out;
        EXPECT_EQ(url_path_normalise(str_from_c(cases[i][0]), &arena, &out), URL_PATH_OK);
        EXPECT_STR(out, cases[i][1]);
    }
    arena_release(&arena);
}

TEST(ambiguous_paths_are_refused)
{
    static const char *const bad[] = {
        "",
        "v1",
        "*",
        "?x",
        "/a b",
        "/a\tb",
        "/a\\b",
        "/a%5cb",
        "/a%5Cb",
        "/a#b",
        "/\xc3\xa9",
        "/a\x7f",
        "/a\"b",
        "/<a>",
        "/a|b",
        "/{a}",
        "/a^b",
        "/a`b",
        "/[a]",
        "/%",
        "/%4",
        "/%4g",
        "/%g4",
        "/%%41",
        "/a%",
        "/%00",
        "/v1%00/x",
        "/%0a",
        "/%0d%0a",
        "/%1f",
        "/%7f",
        "/%25",
        "/%252e",
        "/%252F",
        "/.",
        "/..",
        "/./a",
        "/a/.",
        "/a/./b",
        "/a/..",
        "/a/../b",
        "/%2e",
        "/%2e%2e",
        "/%2E%2E/a",
        "/a/.%2e/b",
        "/a/%2e./b",
        "/a/..%2fb",
        "/a%2f..%2fb",
        "/a%2F..",
        "/a%2f%2e%2e",
        "/..%2f..%2f",
        "/a/..;/b",
        "/a/.;x/b",
        "/a/..;",
        "/a/%2e%2e;x",
        "/a%2f..;b",
        "/%c0%af",
        "/%c0%ae%c0%ae",
        "/%e0%80%af",
        "/%ed%a0%80",
        "/%ff",
        "/%f5%80%80%80",
        "/%e2%9c",
        "/%80",
        "/%f4%90%80%80",
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        str out;
        if (url_path_normalise(str_from_c(bad[i]), &arena, &out) != URL_PATH_BAD)
            EXPECT_FAIL("accepted: %s", bad[i]);
    }
    arena_release(&arena);
}

TEST(path_with_escapes_needs_memory)
{
    struct arena arena;
    str out;
    arena_init(&arena, 1);
    EXPECT_EQ(url_path_normalise(STR("/%41"), &arena, &out), URL_PATH_NO_MEMORY);
    arena_release(&arena);
}

TEST(ids_have_their_slashes_back)
{
    struct arena arena;
    arena_init(&arena, 0);
    EXPECT_STR(url_path_id(STR("org%2Fname"), &arena), "org/name");
    EXPECT_STR(url_path_id(STR("org/name:8b"), &arena), "org/name:8b");
    EXPECT_STR(url_path_id(STR("a%3Fb%23c"), &arena), "a?b#c");
    arena_release(&arena);
}

/* Spellings of one path: whatever is accepted is the path itself, or another one, never a third. */
TEST(no_spelling_reaches_a_path_that_it_does_not_name)
{
    static const char *const spellings[] = {
        "/admin/keys",     "/%61dmin/keys",        "/admin%2fkeys",    "/admin%2Fkeys",
        "//admin/keys",    "/./admin/keys",        "/x/../admin/keys", "/admin/./keys",
        "/admin//keys",    "/admin/keys/",         "/ADMIN/keys",      "/admin;x/keys",
        "/admin/keys%20",  "/admin/keys%00",       "/admin\\keys",     "/admin%5ckeys",
        "/%2561dmin/keys", "/admin/keys?",         "/admin/keys#",     "/admin%c0%afkeys",
        "/%2e/admin/keys", "/x%2f..%2fadmin/keys", "/admin/keys%2f",   "/admin/%6beys"};
    struct arena arena;
    arena_init(&arena, 0);
    unsigned same = 0;
    for (unsigned i = 0; i < ARRAY_LEN(spellings); i++) {
        str out;
        if (url_path_normalise(str_from_c(spellings[i]), &arena, &out) == URL_PATH_OK)
            same += str_eq(out, STR("/admin/keys"));
    }
    EXPECT_EQ(same, 3); /* as written, and with a letter encoded */
    arena_release(&arena);
}

/* ---- Encoding and queries ---- */

static const char *encoded(str text, enum url_keep keep)
{
    static struct buf out;
    buf_init(&out, 0);
    url_encode(&out, text, keep);
    buf_add_byte(&out, '\0');
    static char copy[2048];
    memcpy(copy, out.ptr, out.len);
    buf_release(&out);
    return copy;
}

TEST(text_is_encoded_by_what_may_stay)
{
    EXPECT_STR(encoded(STR("a/b c:d@\xc3\xa9%\0"), URL_KEEP_NONE), "a%2Fb%20c%3Ad%40%C3%A9%25%00");
    EXPECT_STR(encoded(STR("a/b c:d"), URL_KEEP_SLASH), "a/b%20c%3Ad");
    EXPECT_STR(encoded(STR("a/b c:d?\0"), URL_KEEP_PATH), "a/b%20c:d%3F%00");
}

TEST(every_byte_survives_encoding_and_decoding)
{
    struct arena arena;
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    arena_init(&arena, 0);
    for (int keep = URL_KEEP_NONE; keep <= URL_KEEP_PATH; keep++) {
        str decoded;
        EXPECT(url_decode(str_from_c(encoded(str_make(all, 256), (enum url_keep)keep)), false,
                          &arena, &decoded));
        EXPECT_MEM(decoded.ptr, decoded.len, all, 256);
    }
    arena_release(&arena);
}

TEST(bad_escapes_do_not_decode)
{
    struct arena arena;
    str out;
    arena_init(&arena, 0);
    EXPECT(!url_decode(STR("%"), false, &arena, &out));
    EXPECT(!url_decode(STR("a%4"), false, &arena, &out));
    EXPECT(!url_decode(STR("%zz"), false, &arena, &out));
    EXPECT(url_decode(STR("a+b"), false, &arena, &out));
    EXPECT_STR(out, "a+b");
    EXPECT(url_decode(STR("a+b%2B"), true, &arena, &out));
    EXPECT_STR(out, "a b+");
    arena_release(&arena);
}

TEST(queries_are_walked)
{
    struct arena arena;
    arena_init(&arena, 0);
    str query = STR("&a=1&&b=x=y&c&d=&%6bey=sk%2D1+2&bad=%&a=2"), name, value;
    str walk = query;
    EXPECT(url_query_next(&walk, &name, &value));
    EXPECT_STR(name, "a");
    EXPECT_STR(value, "1");
    EXPECT(url_query_next(&walk, &name, &value));
    EXPECT_STR(value, "x=y");
    EXPECT(url_query_next(&walk, &name, &value));
    EXPECT_STR(name, "c");
    EXPECT(str_is_null(value));
    EXPECT(url_query_next(&walk, &name, &value));
    EXPECT_STR(value, "");
    EXPECT_STR(url_query_get(query, STR("a"), &arena), "1");
    EXPECT_STR(url_query_get(query, STR("key"), &arena), "sk-1 2");
    EXPECT(str_is_null(url_query_get(query, STR("bad"), &arena)));
    EXPECT(str_is_null(url_query_get(query, STR("none"), &arena)));
    EXPECT(str_is_null(url_query_get(STR_NULL, STR("a"), &arena)));
    arena_release(&arena);
}
