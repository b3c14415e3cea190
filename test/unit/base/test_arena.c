#include "base/arena.h"

#include "base/random.h"
#include "support/test.h"

TEST(an_arena_takes_nothing_before_it_is_asked)
{
    struct arena a;
    arena_init(&a, 0);
    EXPECT_EQ(a.used, 0);
    arena_release(&a);
    EXPECT(arena_alloc(&a, 1) != NULL);
    EXPECT_EQ(a.used, ARENA_BLOCK);
    arena_release(&a);
    EXPECT_EQ(a.used, 0);
}

TEST(pieces_are_aligned_and_do_not_overlap)
{
    struct arena a;
    uint64_t random = 7;
    unsigned char *pieces[500];
    size_t sizes[500];
    arena_init(&a, 0);
    for (unsigned i = 0; i < ARRAY_LEN(pieces); i++) {
        sizes[i] = random_next(&random) % (i % 10 ? 100 : 10000);
        pieces[i] = arena_alloc(&a, sizes[i]);
        EXPECT(pieces[i] != NULL);
        EXPECT_EQ((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)(i & 0xff), sizes[i]);
    }
    for (unsigned i = 0; i < ARRAY_LEN(pieces); i++)
        for (size_t k = 0; k < sizes[i]; k++)
            if (pieces[i][k] != (i & 0xff))
                EXPECT_FAIL("piece %u was overwritten at %zu", i, k);
    arena_release(&a);
}

TEST(zeroed_means_zeroed_also_in_recycled_blocks)
{
    struct arena a;
    arena_init(&a, 0);
    memset(arena_alloc(&a, 3000), 0xff, 3000);
    arena_release(&a);
    unsigned char *p = arena_zalloc(&a, 3000);
    for (unsigned i = 0; i < 3000; i++)
        EXPECT_EQ(p[i], 0);
    arena_release(&a);
}

TEST(a_budget_ends_in_null_and_is_kept_by_a_release)
{
    struct arena a;
    arena_init(&a, 3 * ARENA_BLOCK);
    unsigned n = 0;
    while (arena_alloc(&a, 1000))
        n++;
    EXPECT(n >= 9 && n <= 12);
    EXPECT(a.used <= 3 * ARENA_BLOCK);
    EXPECT(arena_alloc(&a, 100000) == NULL);
    EXPECT(arena_zalloc(&a, 100000) == NULL);
    EXPECT(str_is_null(arena_str(&a, str_make("x", 1).len ? STR("x") : STR_NULL)) ||
           a.used <= 3 * ARENA_BLOCK);
    arena_release(&a);
    EXPECT_EQ(a.budget, 3 * ARENA_BLOCK);
    EXPECT(arena_alloc(&a, 1000) != NULL);
    arena_release(&a);
}

TEST(sizes_that_overflow_are_refused)
{
    struct arena a;
    arena_init(&a, 0);
    EXPECT(arena_alloc(&a, SIZE_MAX) == NULL);
    EXPECT(arena_alloc(&a, SIZE_MAX - 20) == NULL);
    EXPECT(arena_alloc(&a, SIZE_MAX / 2 + 1) == NULL);
    arena_release(&a);
}

TEST(a_big_piece_does_not_end_the_block_that_is_in_use)
{
    struct arena a;
    arena_init(&a, 0);
    char *before = arena_alloc(&a, 16);
    EXPECT(arena_alloc(&a, 100000) != NULL);
    char *after = arena_alloc(&a, 16);
    EXPECT_EQ(after - before, 16);
    arena_release(&a);
}

TEST(texts_are_copies_that_end_in_nul)
{
    struct arena a;
    char text[] = "text";
    arena_init(&a, 0);
    str copy = arena_str(&a, str_from_c(text));
    text[0] = 'X';
    EXPECT_STR(copy, "text");
    EXPECT_EQ(copy.ptr[copy.len], 0);
    EXPECT(str_is_null(arena_str(&a, STR_NULL)));
    EXPECT(!str_is_null(arena_str(&a, STR(""))));
    EXPECT_STR(arena_printf(&a, "%d-%s", 7, "x"), "7-x");
    EXPECT_STR(arena_printf(&a, "%5000s", "x"), arena_printf(&a, "%*s", 5000, "x"));
    str pieces[] = {STR_INIT("a"), STR_NULL, STR_INIT(""), STR_INIT("bc")};
    str joined = arena_concat(&a, pieces, ARRAY_LEN(pieces));
    EXPECT_STR(joined, "abc");
    EXPECT_EQ(joined.ptr[joined.len], 0);
    EXPECT_STR(arena_concat(&a, pieces, 0), "");
    arena_release(&a);
}

TEST(an_exhausted_arena_gives_null_texts)
{
    struct arena a;
    static char big[2 * ARENA_BLOCK];
    memset(big, 'x', sizeof(big) - 1);
    arena_init(&a, ARENA_BLOCK);
    str piece = str_from_c(big);
    EXPECT(str_is_null(arena_str(&a, piece)));
    EXPECT(str_is_null(arena_printf(&a, "%s", big)));
    EXPECT(str_is_null(arena_concat(&a, &piece, 1)));
    EXPECT_STR(arena_str(&a, STR("small")), "small");
    arena_release(&a);
}
