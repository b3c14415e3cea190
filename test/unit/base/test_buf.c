#include "base/buf.h"

#include "support/test.h"

TEST(a_buffer_grows_and_keeps_what_it_has)
{
    struct buf b;
    buf_init(&b, 0);
    EXPECT_STR(buf_str(&b), "");
    for (unsigned i = 0; i < 1000; i++)
        buf_printf(&b, "%u,", i);
    buf_add_byte(&b, '!');
    buf_add_lit(&b, "lit");
    buf_add_str(&b, STR("str"));
    buf_add_str(&b, STR_NULL);
    buf_add(&b, NULL, 0);
    EXPECT_STR(str_first(buf_str(&b), 6), "0,1,2,");
    EXPECT_STR(str_from(buf_str(&b), b.len - 11), "999,!litstr");
    EXPECT(!b.failed);
    buf_release(&b);
    EXPECT_EQ(b.len, 0);
}

TEST(numbers_of_all_lengths)
{
    static const struct {
        uint64_t value;
        const char *text;
    } rows[] = {{0, "0"}, {9, "9"}, {10, "10"}, {UINT64_MAX, "18446744073709551615"}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b;
        buf_init(&b, 0);
        buf_add_u64(&b, rows[i].value);
        EXPECT_STR(buf_str(&b), rows[i].text);
        buf_release(&b);
    }
}

TEST(past_its_limit_nothing_is_added_any_more)
{
    struct buf b;
    buf_init(&b, 10);
    buf_add_lit(&b, "12345678");
    EXPECT(!b.failed);
    buf_add_lit(&b, "abc");
    EXPECT(b.failed);
    buf_add_byte(&b, 'x'); /* it would fit, but something before it is missing */
    buf_printf(&b, "y");
    buf_add_u64(&b, 1);
    EXPECT(buf_reserve(&b, 1) == NULL);
    EXPECT_STR(buf_str(&b), "12345678");
    buf_clear(&b);
    EXPECT(!b.failed);
    buf_add_lit(&b, "again");
    EXPECT_STR(buf_str(&b), "again");
    buf_release(&b);
    EXPECT_EQ(b.limit, 10);
}

TEST(a_size_that_overflows_fails)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_lit(&b, "x");
    EXPECT(buf_reserve(&b, SIZE_MAX) == NULL);
    EXPECT(b.failed);
    buf_release(&b);
}

TEST(reserved_room_is_written_by_hand)
{
    struct buf b;
    buf_init(&b, 0);
    char *room = buf_reserve(&b, 100);
    memset(room, 'r', 100);
    b.len += 100;
    EXPECT(buf_reserve(&b, 0) != NULL);
    EXPECT_EQ(b.len, 100);
    buf_release(&b);
}

TEST(dropping_from_the_front)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_lit(&b, "abcdef");
    buf_drop(&b, 2);
    EXPECT_STR(buf_str(&b), "cdef");
    buf_drop(&b, 0);
    EXPECT_STR(buf_str(&b), "cdef");
    buf_drop(&b, 4);
    EXPECT_STR(buf_str(&b), "");
    EXPECT_ABORT(buf_drop(&b, 1));
    buf_release(&b);
}
