/* Content codings: the first byte chooses one and how the rest is cut.  The caps hold, and the same
 * bytes give the same text for every cut. */
#include "base/buf.h"
#include "wire/decompress.h"

enum { DECODED_MAX = 1 << 20, ROOM = 4096 };

static enum err run(enum coding coding, str all, size_t in_step, size_t out_step, struct buf *out)
{
    static char room[ROOM];
    struct decompress *d =
        decompress_new(coding, (struct decompress_limits){.decoded_max = DECODED_MAX});
    CHECK(d && out_step <= ROOM);
    enum err err = ERR_NONE;
    while (all.len && !err) {
        str piece = str_first(all, in_step);
        all = str_from(all, piece.len);
        size_t len;
        do {
            err = decompress_step(d, &piece, room, out_step, &len);
            buf_add(out, room, len);
            CHECK(out->len <= DECODED_MAX + ROOM);
        } while (!err && (len == out_step || piece.len));
    }
    if (!err)
        err = decompress_finish(d);
    decompress_free(d);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    static const enum coding codings[] = {CODING_GZIP, CODING_DEFLATE, CODING_BR, CODING_ZSTD};
    enum coding coding = codings[data[0] & 3];
    str all = str_make((const char *)data + 1, size - 1);
    struct buf whole, cut;
    buf_init(&whole, 0);
    buf_init(&cut, 0);
    enum err whole_err = run(coding, all, size, ROOM, &whole);
    enum err cut_err = run(coding, all, (size_t)(data[0] >> 2) + 1, 100, &cut);
    if (!whole_err && !cut_err)
        CHECK(str_eq(buf_str(&whole), buf_str(&cut)));
    /* zstd compares the size that a frame announces only when it sees the frame whole. */
    CHECK(coding == CODING_ZSTD || !whole_err == !cut_err);
    buf_release(&whole);
    buf_release(&cut);
    return 0;
}
