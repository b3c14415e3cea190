/* Lines: the first byte says how the rest is cut; what comes out does not depend on it. */
#include "base/buf.h"
#include "wire/lines.h"

static void run(str all, size_t step, struct buf *said)
{
    struct lines_reader r;
    str line;
    lines_reader_init(&r, 0);
    while (all.len) {
        str piece = str_first(all, step);
        all = str_from(all, piece.len);
        enum lines_step result;
        while ((result = lines_next(&r, &piece, &line)) == LINES_LINE) {
            CHECK(line.len > 0 && str_find_byte(line, '\n') < 0);
            buf_printf(said, "%zu:", line.len);
            buf_add_str(said, line);
        }
        CHECK(result == LINES_NEED_MORE && piece.len == 0);
    }
    if (lines_end(&r, &line)) {
        buf_add_lit(said, "end:");
        buf_add_str(said, line);
    }
    lines_reader_release(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    str all = str_make((const char *)data + 1, size - 1);
    struct buf whole, cut;
    buf_init(&whole, 0);
    buf_init(&cut, 0);
    run(all, size, &whole);
    run(all, (size_t)data[0] + 1, &cut);
    CHECK(str_eq(buf_str(&whole), buf_str(&cut)));
    buf_release(&whole);
    buf_release(&cut);
    return 0;
}
