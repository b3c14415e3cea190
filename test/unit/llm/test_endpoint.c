/* Which endpoint a path and method mean: every row of endpoint.def, and what lies beside them. */
#include "llm/endpoint_kind.h"

#include "base/arena.h"
#include "base/check.h"
#include "support/test.h"

static bool finds(str path, const char *method, enum endpoint_kind kind, const char *rest)
{
    enum endpoint_kind found;
    str left;
    return endpoint_find(path, str_from_c(method), &found, &left) == ENDPOINT_FOUND &&
           found == kind && str_eq(left, str_from_c(rest));
}

static enum endpoint_lookup lookup(str path, const char *method)
{
    enum endpoint_kind kind;
    str rest;
    return endpoint_find(path, str_from_c(method), &kind, &rest);
}

static str below(struct arena *a, str path, const char *more)
{
    return arena_printf(a, "%.*s%s", STR_ARG(path), more);
}

TEST(every_row_is_found_by_its_own_path)
{
    struct arena a;
    arena_init(&a, 0);
    for (unsigned i = 0; i < ENDPOINT_KIND_COUNT; i++) {
        enum endpoint_kind kind = (enum endpoint_kind)i;
        const struct endpoint_facts *f = endpoint_facts(kind);
        bool posted_elsewhere = kind == ENDPOINT_RESPONSES_STORED; /* POST of the root creates */
        switch (f->methods) {
        case ENDPOINT_METHODS_NEVER:
            EXPECT_EQ(f->path.len, 0);
            break;
        case ENDPOINT_METHODS_POST:
            EXPECT(finds(f->path, "POST", kind, ""));
            EXPECT_NE(lookup(below(&a, f->path, "/"), "POST"), ENDPOINT_METHOD_WRONG);
            break;
        case ENDPOINT_METHODS_GET:
            EXPECT(finds(f->path, "GET", kind, ""));
            EXPECT(finds(f->path, "HEAD", kind, ""));
            EXPECT(finds(below(&a, f->path, "/a/b"), "GET", kind, "/a/b"));
            EXPECT_EQ(lookup(f->path, "POST"), ENDPOINT_METHOD_WRONG);
            EXPECT_STR(endpoint_allow(f->path), "GET, HEAD");
            break;
        case ENDPOINT_METHODS_FAMILY:
            EXPECT(finds(f->path, "GET", kind, ""));
            EXPECT(posted_elsewhere || finds(f->path, "POST", kind, ""));
            EXPECT(finds(below(&a, f->path, "/x"), "POST", kind, "/x"));
            EXPECT(finds(below(&a, f->path, "/x"), "DELETE", kind, "/x"));
            EXPECT(finds(below(&a, f->path, "/x/content"), "GET", kind, "/x/content"));
            EXPECT_EQ(lookup(f->path, "PUT"), ENDPOINT_METHOD_WRONG);
            EXPECT_STR(endpoint_allow(f->path), "GET, POST, DELETE");
            break;
        }
        bool inside = str_starts(f->path, STR("/responses/")); /* of a family, that is */
        EXPECT_EQ(lookup(below(&a, f->path, "x"), "GET"),
                  inside ? ENDPOINT_FOUND : ENDPOINT_PATH_UNKNOWN);
    }
    arena_release(&a);
}

TEST(names_and_paths_are_told_apart)
{
    for (unsigned i = 0; i < ENDPOINT_KIND_COUNT; i++) {
        const struct endpoint_facts *f = endpoint_facts((enum endpoint_kind)i);
        EXPECT(f->name.len);
        if (f->methods == ENDPOINT_METHODS_NEVER) /* has no path that could be mistaken */
            continue;
        EXPECT(f->path.len > 1 && f->path.ptr[0] == '/');
        EXPECT(f->path.ptr[f->path.len - 1] != '/');
        for (unsigned k = 0; k < i; k++) {
            const struct endpoint_facts *other = endpoint_facts((enum endpoint_kind)k);
            EXPECT(!str_eq(f->name, other->name));
            EXPECT(!str_eq(f->path, other->path) || f->methods != other->methods);
        }
    }
    EXPECT_ABORT(endpoint_facts(ENDPOINT_KIND_COUNT));
}

TEST(paths_and_methods_are_exact)
{
    static const char *const unknown[] = {"",
                                          "/",
                                          "/chat",
                                          "/chat/completions/",
                                          "/Chat/completions",
                                          "/chat/completions/x",
                                          "chat/completions",
                                          "/filesx",
                                          "/model",
                                          "/audio",
                                          "/images"};
    for (unsigned i = 0; i < ARRAY_LEN(unknown); i++)
        EXPECT_EQ(lookup(str_from_c(unknown[i]), "POST"), ENDPOINT_PATH_UNKNOWN);
    static const char *const methods[] = {"GET",   "get",    "post", "PUT",
                                          "PATCH", "DELETE", "HEAD", ""};
    for (unsigned i = 0; i < ARRAY_LEN(methods); i++)
        EXPECT_EQ(lookup(STR("/chat/completions"), methods[i]), ENDPOINT_METHOD_WRONG);
    EXPECT_STR(endpoint_allow(STR("/chat/completions")), "POST");
}

TEST(responses_are_made_and_stored_ones_looked_after)
{
    EXPECT(finds(STR("/responses"), "POST", ENDPOINT_RESPONSES, ""));
    EXPECT(finds(STR("/responses/input_tokens"), "POST", ENDPOINT_RESPONSES_TOKENS, ""));
    EXPECT(finds(STR("/responses/compact"), "POST", ENDPOINT_RESPONSES_COMPACT, ""));
    EXPECT(finds(STR("/responses/resp_1"), "GET", ENDPOINT_RESPONSES_STORED, "/resp_1"));
    EXPECT(finds(STR("/responses/resp_1/cancel"), "POST", ENDPOINT_RESPONSES_STORED,
                 "/resp_1/cancel"));
    EXPECT(finds(STR("/responses/resp_1"), "DELETE", ENDPOINT_RESPONSES_STORED, "/resp_1"));
}
