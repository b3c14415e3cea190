#include "wire/lines.h"

/* A buffer that had to hold one large line does not keep its size for the stream's life. */
enum { KEEP_BYTES = 16384 };

void lines_reader_init(struct lines_reader *r, size_t max)
{
    *r = (struct lines_reader){.max = max ? max : LINES_MAX_DEFAULT};
    buf_init(&r->tail, 0);
}

void lines_reader_release(struct lines_reader *r)
{
    buf_release(&r->tail);
}

static enum lines_step fail(struct lines_reader *r, enum err err)
{
    r->err = err;
    return LINES_ERROR;
}

static void drop_stale(struct lines_reader *r)
{
    if (!r->tail_is_stale)
        return;
    r->tail_is_stale = false;
    if (r->tail.cap > KEEP_BYTES)
        buf_release(&r->tail);
    else
        buf_clear(&r->tail);
}

static str without_cr(str line)
{
    return str_ends(line, STR("\r")) ? str_first(line, line.len - 1) : line;
}

/* Takes len bytes of *bytes, the line's end included if it is there, behind what waits. */
static bool take_into_tail(struct lines_reader *r, str *bytes, size_t len)
{
    buf_add(&r->tail, bytes->ptr, len);
    *bytes = str_from(*bytes, len);
    return !r->tail.failed;
}

/* One line, empty or not. */
static enum lines_step next(struct lines_reader *r, str *bytes, str *line)
{
    drop_stale(r);
    if (bytes->len == 0)
        return LINES_NEED_MORE;
    ptrdiff_t end = str_find_byte(*bytes, '\n');
    size_t len = end < 0 ? bytes->len : (size_t)end + 1;
    if (len > r->max || r->tail.len > r->max - len)
        return fail(r, ERR_UPSTREAM_TOO_LARGE);
    str whole = str_first(*bytes, len);
    if (end >= 0 && r->tail.len == 0) {
        *bytes = str_from(*bytes, len);
    } else {
        if (!take_into_tail(r, bytes, len))
            return fail(r, ERR_NO_MEMORY);
        if (end < 0)
            return LINES_NEED_MORE;
        whole = buf_str(&r->tail);
        r->tail_is_stale = true;
    }
    *line = without_cr(str_first(whole, whole.len - 1));
    return LINES_LINE;
}

enum lines_step lines_next(struct lines_reader *r, str *bytes, str *line)
{
    if (r->err)
        return LINES_ERROR;
    for (;;) {
        enum lines_step step = next(r, bytes, line);
        if (step != LINES_LINE || line->len)
            return step;
    }
}

bool lines_end(struct lines_reader *r, str *line)
{
    drop_stale(r);
    *line = without_cr(buf_str(&r->tail));
    return line->len > 0;
}
