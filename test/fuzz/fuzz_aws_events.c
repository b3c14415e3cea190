/*
 * AWS's frames.  The first byte says how the rest is cut; what comes out does not depend on it.
 * The second says whether the checksums are put right first, so that what is behind them is
 * reached.
 */
#include "base/buf.h"
#include "wire/aws_events.h"

#include <stdlib.h>

#include <zlib.h>

static void note(struct buf *said, struct buf *raw, const struct aws_frame *f)
{
    struct arena a;
    struct aws_header h;
    str name, data, left = f->headers;
    arena_init(&a, 0);
    CHECK(aws_frame_unit(f, &a, &name, &data));
    buf_add_str(raw, f->raw);
    buf_printf(said, "%zu %zu:", name.len, data.len);
    buf_add_str(said, name);
    buf_add_str(said, data);
    while (aws_header_next(&left, &h)) {
        buf_printf(said, "%d %lld:", h.type, (long long)h.number);
        buf_add_str(said, h.name);
        buf_add_str(said, h.bytes);
    }
    CHECK(left.len == 0);
    arena_release(&a);
}

static void run(str all, size_t step, struct buf *said, struct buf *raw)
{
    struct aws_events_reader r;
    struct aws_frame f;
    enum aws_events_step result = AWS_EVENTS_NEED_MORE;
    aws_events_init(&r, 4096);
    while (all.len && result != AWS_EVENTS_ERROR) {
        str piece = str_first(all, step);
        all = str_from(all, piece.len);
        while ((result = aws_events_next(&r, &piece, &f)) == AWS_EVENTS_FRAME)
            note(said, raw, &f);
        CHECK(result == AWS_EVENTS_ERROR || piece.len == 0);
    }
    buf_printf(said, "end %d %d", r.err, r.err ? 0 : aws_events_cut(&r));
    aws_events_release(&r);
}

static uint32_t u32_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_crc(uint8_t *at, const uint8_t *bytes, size_t len)
{
    uint32_t crc = (uint32_t)crc32_z(0, bytes, len);
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(crc >> (24 - 8 * i));
}

static void put_right(uint8_t *bytes, size_t size)
{
    while (size >= 16) {
        size_t total = u32_at(bytes);
        put_crc(bytes + 8, bytes, 8);
        if (total < 16 || total > size)
            return;
        put_crc(bytes + total - 4, bytes, total - 4);
        bytes += total;
        size -= total;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    uint8_t *copy = malloc(size);
    CHECK(copy);
    memcpy(copy, data, size);
    if (copy[1] & 1)
        put_right(copy + 2, size - 2);
    str all = str_make((const char *)copy + 2, size - 2);
    struct buf said[2], raw[2];
    for (int i = 0; i < 2; i++) {
        buf_init(&said[i], 0);
        buf_init(&raw[i], 0);
        run(all, i ? (size_t)copy[0] + 1 : size, &said[i], &raw[i]);
        CHECK(str_starts(all, buf_str(&raw[i])));
    }
    CHECK(str_eq(buf_str(&said[0]), buf_str(&said[1])));
    for (int i = 0; i < 2; i++) {
        buf_release(&said[i]);
        buf_release(&raw[i]);
    }
    free(copy);
    return 0;
}
