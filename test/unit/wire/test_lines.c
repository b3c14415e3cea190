/* Lines: each case whole, byte by byte and in every cut. */
#include <stdlib.h>

#include "support/test.h"
#include "wire/lines.h"

/* In pieces of `first`, then `rest` bytes (0: all), each gone before the next; "[line]" for each, and
 * "(line)" for one that the end made. */
static enum err read_lines(str all, size_t max, size_t first, size_t rest, struct buf *said)
{
    struct lines_reader r;
    str line, left = all;
    enum lines_step step = LINES_NEED_MORE;
    lines_reader_init(&r, max);
    for (size_t len = first; left.len && step != LINES_ERROR; len = rest ? rest : left.len) {
        str piece = str_first(left, len);
        char *copy = malloc(piece.len + 1);
        EXPECT(copy != NULL);
        memcpy(copy, piece.ptr, piece.len);
        str bytes = str_make(copy, piece.len);
        while ((step = lines_next(&r, &bytes, &line)) == LINES_LINE)
            buf_printf(said, "[%.*s]", STR_ARG(line));
        EXPECT(step == LINES_ERROR || bytes.len == 0);
        free(copy);
        left = str_from(left, piece.len);
    }
    if (step != LINES_ERROR && lines_end(&r, &line))
        buf_printf(said, "(%.*s)", STR_ARG(line));
    enum err err = r.err;
    lines_reader_release(&r);
    return err;
}

static void expect_lines(const char *all, const char *expected)
{
    str text = str_from_c(all);
    for (size_t first = 0; first <= text.len; first++)
        for (size_t rest = 0; rest < 2; rest++) {
            struct buf said;
            buf_init(&said, 0);
            EXPECT_EQ(read_lines(text, 0, first ? first : 1, rest, &said), ERR_NONE);
            EXPECT_STR(buf_str(&said), str_from_c(expected));
            buf_release(&said);
        }
}

TEST(lines_come_out_however_the_bytes_are_cut)
{
    expect_lines("{\"a\":1}\n{\"b\":2}\n", "[{\"a\":1}][{\"b\":2}]");
    expect_lines("one\r\ntwo\r\n", "[one][two]");
    expect_lines("caf\xc3\xa9\n\xf0\x9f\x98\x80\n", "[caf\xc3\xa9][\xf0\x9f\x98\x80]");
}

TEST(the_last_line_may_lack_its_end)
{
    expect_lines("one\ntwo", "[one](two)");
    expect_lines("one", "(one)");
    expect_lines("one\r", "(one)");
}

TEST(empty_lines_are_left_out)
{
    expect_lines("", "");
    expect_lines("\n\r\n\n", "");
    expect_lines("\none\n\n\r\ntwo\n\n", "[one][two]");
}

TEST(a_return_within_a_line_is_a_byte_of_it)
{
    expect_lines("a\rb\n", "[a\rb]");
    expect_lines("a\r\r\n", "[a\r]");
}

TEST(a_line_beyond_the_limit_is_an_error_and_stays_one)
{
    struct lines_reader r;
    str line, bytes = STR("1234\n12345\n1\n");
    lines_reader_init(&r, 5);
    EXPECT_EQ(lines_next(&r, &bytes, &line), LINES_LINE);
    EXPECT_EQ(lines_next(&r, &bytes, &line), LINES_ERROR);
    EXPECT_EQ(r.err, ERR_UPSTREAM_TOO_LARGE);
    EXPECT_EQ(lines_next(&r, &bytes, &line), LINES_ERROR);
    lines_reader_release(&r);
    for (size_t step = 1; step < 4; step++) {
        struct buf said;
        buf_init(&said, 0);
        EXPECT_EQ(read_lines(STR("123456"), 5, step, step, &said), ERR_UPSTREAM_TOO_LARGE);
        buf_release(&said);
    }
}

TEST(a_large_line_leaves_no_large_buffer_behind)
{
    struct lines_reader r;
    str line;
    size_t size = 100000;
    char *large = malloc(size);
    EXPECT(large != NULL);
    memset(large, 'x', size);
    lines_reader_init(&r, 0);
    str bytes = str_make(large, size);
    EXPECT_EQ(lines_next(&r, &bytes, &line), LINES_NEED_MORE);
    bytes = STR("\ny\n");
    EXPECT_EQ(lines_next(&r, &bytes, &line), LINES_LINE);
    EXPECT_EQ(line.len, size);
    EXPECT_EQ(lines_next(&r, &bytes, &line), LINES_LINE);
    EXPECT_STR(line, "y");
    EXPECT_EQ(r.tail.cap, 0);
    lines_reader_release(&r);
    free(large);
}
