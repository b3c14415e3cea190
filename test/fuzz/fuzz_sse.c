/* Event streams: the first byte says how the rest is cut; events and raw runs do not depend on it. */
#include "base/buf.h"
#include "wire/sse.h"

static void note(struct buf *said, struct buf *raw, const struct sse_event *ev)
{
    buf_add_str(raw, ev->raw);
    buf_printf(said, "%d %zu %zu %zu %lld:", ev->is_event, ev->data.len, ev->event.len, ev->id.len,
               (long long)ev->retry);
    buf_add_str(said, ev->data);
    buf_add_str(said, ev->event);
    buf_add_str(said, ev->id);
}

static void run(str all, size_t step, struct buf *said, struct buf *raw)
{
    struct sse_reader r;
    struct sse_event ev;
    sse_reader_init(&r, 0);
    while (all.len) {
        str piece = str_first(all, step);
        all = str_from(all, piece.len);
        enum sse_step result;
        while ((result = sse_next(&r, &piece, &ev)) == SSE_EVENT)
            note(said, raw, &ev);
        CHECK(result == SSE_NEED_MORE && piece.len == 0);
    }
    sse_end(&r, &ev);
    note(said, raw, &ev);
    sse_reader_release(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    str all = str_make((const char *)data + 1, size - 1);
    struct buf said[2], raw[2];
    for (int i = 0; i < 2; i++) {
        buf_init(&said[i], 0);
        buf_init(&raw[i], 0);
        run(all, i ? (size_t)data[0] + 1 : size, &said[i], &raw[i]);
        CHECK(str_eq(buf_str(&raw[i]), all));
    }
    /* A CRLF that is cut in two moves its LF into the next raw run, so only the words are equal. */
    CHECK(str_eq(buf_str(&said[0]), buf_str(&said[1])));
    for (int i = 0; i < 2; i++) {
        buf_release(&said[i]);
        buf_release(&raw[i]);
    }
    return 0;
}
