#include "wire/sse.h"

#include "wire/bytes.h"

/* A buffer that had to hold one large event does not keep its size for the stream's life. */
enum { KEEP_BYTES = 16384 };

void sse_reader_init(struct sse_reader *r, size_t max)
{
    *r = (struct sse_reader){
        .max = max ? max : SSE_EVENT_MAX_DEFAULT,
        .line_empty = true,
    };
    buf_init(&r->tail, 0);
    buf_init(&r->joined, 0);
}

void sse_reader_release(struct sse_reader *r)
{
    buf_release(&r->tail);
    buf_release(&r->joined);
}

static void buf_empty(struct buf *b)
{
    if (b->cap > KEEP_BYTES)
        buf_release(b);
    else
        buf_clear(b);
}

/* The LF of a CRLF, if it is there; a CR at the end of the bytes leaves the question open. */
static size_t skip_lf(struct sse_reader *r, str s, size_t at)
{
    r->after_cr = at == s.len;
    return at < s.len && s.ptr[at] == '\n' ? at + 1 : at;
}

/* How many bytes of s, which go on where the scanner stopped, belong to the current block; 0 when
 * its end is not there. */
static size_t block_end(struct sse_reader *r, str s)
{
    size_t at = r->after_cr && s.len ? skip_lf(r, s, 0) : 0;
    for (;;) {
        size_t end = bytes_find_line_end(s.ptr, at, s.len);
        if (end > at)
            r->line_empty = false;
        if (end == s.len)
            return 0;
        at = s.ptr[end] == '\r' ? skip_lf(r, s, end + 1) : end + 1;
        bool blank = r->line_empty;
        r->line_empty = true;
        if (!blank) {
            r->content = true;
        } else if (r->content) {
            r->content = false;
            return at;
        }
    }
}

/* ---- Fields ---- */

static bool add_data(struct sse_reader *r, struct sse_event *ev, str value, unsigned lines)
{
    if (lines == 0) {
        ev->data = value;
        return true;
    }
    if (lines == 1)
        buf_add_str(&r->joined, ev->data);
    buf_add_byte(&r->joined, '\n');
    buf_add_str(&r->joined, value);
    ev->data = buf_str(&r->joined);
    return !r->joined.failed;
}

static int64_t retry_from(str value, int64_t before)
{
    uint64_t ms;
    return str_to_u64(value, &ms) && ms <= INT64_MAX ? (int64_t)ms : before;
}

/* One line that is not empty.  False: out of memory. */
static bool take_line(struct sse_reader *r, struct sse_event *ev, str line, unsigned *data_lines)
{
    str value = line;
    str field = str_split(&value, ':');
    if (str_is_null(value))
        value = str_from(line, line.len); /* a field without a colon has an empty value */
    else if (value.len && value.ptr[0] == ' ')
        value = str_from(value, 1);

    if (str_eq(field, STR("data")))
        return add_data(r, ev, value, (*data_lines)++);
    if (str_eq(field, STR("event")))
        ev->event = value;
    else if (str_eq(field, STR("id")) && str_find_byte(value, '\0') < 0)
        ev->id = value;
    else if (str_eq(field, STR("retry")))
        ev->retry = retry_from(value, ev->retry);
    return true; /* comments and unknown fields say nothing */
}

static bool parse_block(struct sse_reader *r, str raw, struct sse_event *ev)
{
    *ev = (struct sse_event){.raw = raw, .retry = -1};
    size_t at = !r->started && str_starts(raw, STR("\xef\xbb\xbf")) ? 3 : 0;
    unsigned data_lines = 0;
    r->started = true;
    buf_empty(&r->joined);
    while (at < raw.len) {
        size_t end = bytes_find_line_end(raw.ptr, at, raw.len);
        if (end > at && !take_line(r, ev, str_make(raw.ptr + at, end - at), &data_lines))
            return false;
        at = end + 1; /* the LF of a CRLF is an empty line here, which changes nothing */
    }
    ev->is_event = data_lines > 0;
    return true;
}

/* ---- The stream ---- */

static enum sse_step fail(struct sse_reader *r, enum err err)
{
    r->err = err;
    return SSE_ERROR;
}

static bool take_into_tail(struct sse_reader *r, str *bytes, size_t len)
{
    buf_add(&r->tail, bytes->ptr, len);
    *bytes = str_from(*bytes, len);
    return !r->tail.failed;
}

enum sse_step sse_next(struct sse_reader *r, str *bytes, struct sse_event *ev)
{
    if (r->err)
        return SSE_ERROR;
    if (r->tail_is_stale) {
        buf_empty(&r->tail);
        r->tail_is_stale = false;
    }
    if (bytes->len == 0)
        return SSE_NEED_MORE;
    size_t end = block_end(r, *bytes);
    size_t len = end ? end : bytes->len;
    if (len > r->max || r->tail.len > r->max - len)
        return fail(r, ERR_UPSTREAM_TOO_LARGE);

    str raw;
    if (end && r->tail.len == 0) {
        raw = str_first(*bytes, end);
        *bytes = str_from(*bytes, end);
    } else {
        if (!take_into_tail(r, bytes, len))
            return fail(r, ERR_NO_MEMORY);
        if (!end)
            return SSE_NEED_MORE;
        raw = buf_str(&r->tail);
        r->tail_is_stale = true;
    }
    return parse_block(r, raw, ev) ? SSE_EVENT : fail(r, ERR_NO_MEMORY);
}

bool sse_end(struct sse_reader *r, struct sse_event *ev)
{
    str raw = r->tail_is_stale ? STR("") : buf_str(&r->tail);
    bool inside = r->content || !r->line_empty;
    if (!parse_block(r, raw, ev))
        r->err = ERR_NO_MEMORY;
    return inside;
}

/* ---- Writing ---- */

static void write_without_line_ends(struct buf *out, str text, str instead)
{
    size_t at = 0;
    for (;;) {
        size_t end = bytes_find_line_end(text.ptr, at, text.len);
        buf_add(out, text.ptr + at, end - at);
        if (end == text.len)
            return;
        buf_add_str(out, instead);
        at = end + 1;
    }
}

void sse_write(struct buf *out, str event, str data)
{
    if (event.len) {
        buf_add_lit(out, "event: ");
        write_without_line_ends(out, event, STR(""));
        buf_add_byte(out, '\n');
    }
    size_t at = 0;
    for (;;) {
        size_t end = bytes_find_line_end(data.ptr, at, data.len);
        buf_add_lit(out, "data: ");
        if (end > at)
            buf_add(out, data.ptr + at, end - at);
        buf_add_byte(out, '\n');
        if (end == data.len)
            break;
        bool crlf = data.ptr[end] == '\r' && end + 1 < data.len && data.ptr[end + 1] == '\n';
        at = end + (crlf ? 2 : 1);
    }
    buf_add_byte(out, '\n');
}

void sse_write_comment(struct buf *out, str text)
{
    buf_add_lit(out, ": ");
    write_without_line_ends(out, text, STR(" "));
    buf_add_lit(out, "\n\n");
}
