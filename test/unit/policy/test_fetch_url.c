#include "policy/fetch_url.h"

#include "support/test.h"

/* "host port authority target", or what is wrong. */
static const char *told(struct arena *a, const char *wrong, const struct fetch_url *u)
{
    if (wrong)
        return wrong;
    return arena_printf(a, "%.*s %u %.*s %.*s", STR_ARG(u->host), (unsigned)u->port,
                        STR_ARG(u->authority), STR_ARG(u->target))
        .ptr;
}

static void expect(const char *text, const char *result)
{
    struct arena a;
    struct fetch_url u;
    arena_init(&a, 0);
    const char *wrong = fetch_url_parse(str_from_c(text), &a, &u);
    EXPECT_STR(told(&a, wrong, &u), result);
    arena_release(&a);
}

TEST(ordinary_addresses)
{
    expect("https://example.com/a/b.png?x=1&y=2", "example.com 443 example.com /a/b.png?x=1&y=2");
    expect("HTTPS://Example.COM", "example.com 443 example.com /");
    expect("https://example.com?x", "example.com 443 example.com /?x");
    expect("https://example.com/#top", "example.com 443 example.com /");
    expect("https://example.com:443/", "example.com 443 example.com /");
    expect("https://example.com:8443/x/", "example.com 8443 example.com:8443 /x/");
    expect("https://a_b.x-1.example./", "a_b.x-1.example. 443 a_b.x-1.example. /");
    expect("https://8.8.8.8/x", "8.8.8.8 443 8.8.8.8 /x");
    expect("https://[2001:4860::8888]:444/x", "2001:4860::8888 444 [2001:4860::8888]:444 /x");
    expect("https://xn--bcher-kva.example/", "xn--bcher-kva.example 443 xn--bcher-kva.example /");
    expect("https://localhost/", "localhost 443 localhost /");
}

TEST(paths_that_a_uri_may_not_hold_are_encoded)
{
    expect("https://e.com/a b/\xc3\xa4\"<>", "e.com 443 e.com /a%20b/%C3%A4%22%3C%3E");
    expect("https://e.com/a%20b/../c", "e.com 443 e.com /a%20b/../c");
    expect("https://e.com/x\r\nHost: y", "e.com 443 e.com /x%0D%0AHost:%20y");
}

TEST(other_schemes_are_refused)
{
    static const char *const texts[] = {
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://x/",
        "//example.com/",
        "example.com/x.png",
        "",
        " https://e.com/",
        "https:/example.com",
        "https:example.com",
        "data:image/png,x",
        "unix:/x",
        "\thttps://example.com/x",
        "jar:https://e.com/",
        "https//e.com",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        expect(texts[i], "must begin with https://");
}

TEST(hosts_that_two_readers_take_differently_are_refused)
{
    static const char *const hosts[] = {
        "",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.01",
        "127.0.0.1.",
        "127.0.0.256",
        "1.2.3.4.5",
        "0",
        "0x0",
        "00",
        "foo.0x7f",
        "foo.127",
        "example.com@127.0.0.1",
        "user:pw@example.com",
        "user@example.com",
        "127.0.0.1%00.example.com",
        "127.0.0.1%23",
        "%31%32%37.0.0.1",
        "example.com\\@127.0.0.1",
        "example.com\\.evil",
        "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1", /* full-width digits */
        "\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1", /* digits in circles */
        "127\xe3\x80\x82"
        "0.0.1", /* an ideographic full stop */
        "b\xc3\xbc"
        "cher.example",
        "exa mple.com",
        "example..com",
        ".example.com",
        "..",
        "-a.example",
        "a-.example",
        "*.example",
        "::1",
        "[::1",
        "[::1]x",
        "[::ffff:127.0.0.1]",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "[]",
        "[1]",
        "[example.com]",
        "[127.0.0.1]",
        "[v1.x]",
        "[200164:80::8888]",
        "[1:2:3:4:5:6:7:8:9]",
        "[1::2::3]",
        "example.com:",
        "example.com:0",
        "example.com:65536",
        "example.com:+443",
        "example.com:443:80",
        "example.com: 443",
        "example.com:0x1bb",
        "example.com:4 43",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com",
        "a\tb.com",
        "a\nb.com",
        "a'b.com",
        "$(x).com",
        "a,b.com",
        "a;b.com",
    };
    EXPECT_GE(sizeof(hosts) / sizeof(hosts[0]), 60);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct arena a;
        struct fetch_url u;
        arena_init(&a, 0);
        str text = arena_printf(&a, "https://%s/x", hosts[i]);
        const char *wrong = fetch_url_parse(text, &a, &u);
        if (!wrong)
            EXPECT_FAIL("%.*s is taken for host %.*s", STR_ARG(text), STR_ARG(u.host));
        EXPECT_STR(wrong, "has no plain host");
        arena_release(&a);
    }
}

TEST(a_nul_hides_nothing)
{
    struct arena a;
    struct fetch_url u;
    arena_init(&a, 0);
    EXPECT_STR(fetch_url_parse(STR("https://a.com\0.b.com/"), &a, &u), "has no plain host");
    arena_release(&a);
}

static void expect_redirect(const char *location, const char *result)
{
    struct arena a;
    struct fetch_url base, u;
    arena_init(&a, 0);
    EXPECT(!fetch_url_parse(STR("https://example.com:8443/a/b.png?x=/y"), &a, &base));
    const char *wrong = fetch_url_redirect(&base, str_from_c(location), &a, &u);
    EXPECT_STR(told(&a, wrong, &u), result);
    arena_release(&a);
}

TEST(redirects)
{
    expect_redirect("https://other.example/z", "other.example 443 other.example /z");
    expect_redirect("//other.example/z", "other.example 443 other.example /z");
    expect_redirect("/z?q", "example.com 8443 example.com:8443 /z?q");
    expect_redirect("c.png", "example.com 8443 example.com:8443 /a/c.png");
    expect_redirect("?q", "example.com 8443 example.com:8443 /a/b.png?q");
    expect_redirect("c:d", "must begin with https://");
    expect_redirect("http://example.com/", "must begin with https://");
    expect_redirect("file:///etc/passwd", "must begin with https://");
    expect_redirect("https://127.1/", "has no plain host");
    expect_redirect("//127.1/", "has no plain host");
    expect_redirect("/\\evil.example/", "example.com 8443 example.com:8443 /%5Cevil.example/");
    expect_redirect("", "leads nowhere");
}
