#include "llm/error_kind.h"

#include "support/test.h"

static void expect_kind(const char *json, const char *kind)
{
    struct arena a;
    arena_init(&a, 0);
    str k = error_kind(str_from_c(json), &a);
    EXPECT_STR(k.ptr ? k : STR("none"), kind);
    arena_release(&a);
}

TEST(type_and_code_of_an_error_are_its_kind)
{
    expect_kind("{\"error\":{\"message\":\"secret\",\"type\":\"server_error\",\"code\":\"x-1\"}}",
                "type server_error, code x-1");
    expect_kind("{\"message\":\"secret\",\"type\":\"BadRequestError\",\"code\":400}",
                "type BadRequestError, code 400");
    expect_kind("{\"error\":{\"code\":\"429\",\"message\":\"secret\"}}", "code 429");
    expect_kind("{\"error\":{\"type\":\"a\",\"code\":null}}", "type a");
}

TEST(sentences_are_never_a_kind)
{
    expect_kind("{\"error\":{\"type\":\"my private question\",\"code\":\"a b\"}}", "none");
    expect_kind("{\"error\":\"my private question\"}", "none");
    expect_kind("{\"error\":{\"code\":{\"type\":\"deep\"},\"type\":[\"deep\"]}}", "none");
    expect_kind("{\"error\":{\"code\":\"\\u0073ecret\"}}", "none");
    expect_kind("{\"error\":{\"code\":\"0123456789012345678901234567890123456789012345678901234567"
                "8901234\"}}",
                "none");
}

TEST(what_is_no_json_object_has_no_kind)
{
    static const char *const bodies[] = {"", "<html>oops</html>", "[1]", "\"x\"", "{\"error\":"};
    for (unsigned i = 0; i < ARRAY_LEN(bodies); i++)
        expect_kind(bodies[i], "none");
}
