/* mapping: §10 signatures of another maker */
#include "llm/signature.h"

#include "base/base64.h"
#include "base/random.h"
#include "support/test.h"

static const enum native_format formats[] = {NATIVE_OPENAI, NATIVE_ANTHROPIC, NATIVE_GEMINI,
                                             NATIVE_BEDROCK};

TEST(a_clients_own_is_never_wrapped)
{
    struct arena a;
    str back;
    arena_init(&a, 0);
    for (unsigned i = 0; i < ARRAY_LEN(formats); i++) {
        const str own = STR("EqQBCkgIARABGAIiQL==");
        EXPECT(signature_wrap(&a, formats[i], formats[i], own).ptr == own.ptr);
        EXPECT(signature_wrap(&a, formats[i], NATIVE_NONE, own).ptr == own.ptr);
        EXPECT_EQ(signature_unwrap(&a, formats[i], own, &back), formats[i]);
        EXPECT(back.ptr == own.ptr);
    }
    arena_release(&a);
}

TEST(others_are_marked_by_their_maker)
{
    struct arena a;
    arena_init(&a, 0);
    EXPECT_STR(signature_wrap(&a, NATIVE_ANTHROPIC, NATIVE_GEMINI, STR("Ci/+=")), "gw1.g.Ci/+=");
    EXPECT_STR(signature_wrap(&a, NATIVE_OPENAI, NATIVE_ANTHROPIC, STR("x")), "gw1.a.x");
    EXPECT_STR(signature_wrap(&a, NATIVE_GEMINI, NATIVE_ANTHROPIC, STR("x")), "Z3cxLmEueA==");
    EXPECT_STR(signature_wrap(&a, NATIVE_ANTHROPIC, NATIVE_BEDROCK, STR("")), "gw1.b.");
    arena_release(&a);
}

TEST(any_signature_comes_back_through_any_client)
{
    for (uint64_t round = 0; round < 1000; round++) {
        uint64_t seed = round;
        char bytes[50];
        size_t n = random_next(&seed) % sizeof(bytes);
        struct arena a;
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)random_next(&seed);
        arena_init(&a, 0);
        for (unsigned c = 0; c < ARRAY_LEN(formats); c++) {
            for (unsigned m = 0; m < ARRAY_LEN(formats); m++) {
                str back, text = str_make(bytes, n);
                if (c == m && n >= 6 && memcmp(bytes, "gw1.", 4) == 0)
                    continue; /* nobody's signature begins so */
                str wrapped = signature_wrap(&a, formats[c], formats[m], text);
                EXPECT_EQ(signature_unwrap(&a, formats[c], wrapped, &back), formats[m]);
                EXPECT_MEM(back.ptr, back.len, text.ptr, text.len);
                if (formats[c] == NATIVE_GEMINI && c != m) {
                    char plain[128];
                    size_t len;
                    EXPECT(base64_decode(wrapped, plain, &len));
                }
            }
        }
        arena_release(&a);
    }
}

TEST(what_only_looks_like_ours_is_the_clients)
{
    static const char *const others[] = {"",        "gw1",      "gw1.",    "gw1.a",    "gw1.z.x",
                                         "gw1.ax.", "gw2.a.xx", "Gw1.a.x", "Z3cxLg==", "Z3cxLmE="};
    struct arena a;
    str back;
    arena_init(&a, 0);
    for (unsigned i = 0; i < ARRAY_LEN(others); i++) {
        EXPECT_EQ(signature_unwrap(&a, NATIVE_OPENAI, str_from_c(others[i]), &back), NATIVE_OPENAI);
        EXPECT_STR(back, others[i]);
        EXPECT_EQ(signature_unwrap(&a, NATIVE_GEMINI, str_from_c(others[i]), &back), NATIVE_GEMINI);
        EXPECT_STR(back, others[i]);
    }
    arena_release(&a);
}
