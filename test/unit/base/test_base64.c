#include "base/base64.h"

#include "support/test.h"

/* RFC 4648 section 10. */
static const struct {
    const char *plain, *coded;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

TEST(the_vectors_of_the_rfc_go_both_ways)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct buf out;
        char back[16];
        size_t len = 99;
        buf_init(&out, 0);
        base64_encode(&out, vectors[i].plain, strlen(vectors[i].plain));
        EXPECT_STR(buf_str(&out), str_from_c(vectors[i].coded));
        EXPECT(base64_decode(str_from_c(vectors[i].coded), back, &len));
        EXPECT_STR(str_make(back, len), str_from_c(vectors[i].plain));
        buf_release(&out);
    }
}

TEST(padding_may_be_missing_and_the_alphabet_may_be_that_of_urls)
{
    char back[16];
    size_t len;
    EXPECT(base64_decode(STR("Zm8"), back, &len));
    EXPECT_EQ(len, 2);
    EXPECT(base64_decode(STR("-_-_"), back, &len));
    EXPECT_EQ(len, 3);
    EXPECT_EQ((unsigned char)back[0], 0xfb);
}

TEST(what_is_no_base64_is_refused)
{
    static const char *const bad[] = {"Z",     "Zg=",    "Zh==", "Zm9v====", "Zm9=v",
                                      "Zm 9v", "Zm9v\n", "=",    "====",     "\xc3\xa9zz"};
    char back[16];
    size_t len;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        EXPECT(!base64_decode(str_from_c(bad[i]), back, &len));
}
