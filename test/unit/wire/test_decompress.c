/* Content codings: what the libraries themselves compress comes back, in every cut; damage does not. */
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "support/test.h"
#include "wire/decompress.h"

#include "base/buf.h"

/* Needs no encoder library: "hello hello hello\n" by brotli 1.0.9, quality 5. */
static const unsigned char BR_HELLO[] = {0x1b, 0x11, 0x00, 0x00, 0xa4, 0x14, 0x40, 0x72,
                                         0x10, 0x45, 0x90, 0xa9, 0xc3, 0x73, 0xfa, 0x05};

static void zlib_encode(struct buf *out, str text, int window_bits)
{
    z_stream z = {0};
    EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, text.len) + 64;
    z.next_in = (unsigned char *)text.ptr;
    z.avail_in = (uInt)text.len;
    z.next_out = (unsigned char *)buf_reserve(out, room);
    z.avail_out = (uInt)room;
    EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += room - z.avail_out;
    deflateEnd(&z);
}

static void zstd_encode(struct buf *out, str text)
{
    size_t room = ZSTD_compressBound(text.len);
    char *to = buf_reserve(out, room);
    size_t len = ZSTD_compress(to, room, text.ptr, text.len, 3);
    EXPECT(!ZSTD_isError(len));
    out->len += len;
}

/* Decodes in pieces of in_step and out_step bytes. */
static enum err decode(enum coding coding, struct decompress_limits limits, str in, size_t in_step,
                       size_t out_step, struct buf *out)
{
    struct decompress *d = decompress_new(coding, limits);
    EXPECT(d != NULL);
    char *room = malloc(out_step);
    EXPECT(room != NULL);
    enum err err = ERR_NONE;
    while (in.len && !err) {
        str piece = str_first(in, in_step);
        in = str_from(in, piece.len);
        size_t len;
        do {
            err = decompress_step(d, &piece, room, out_step, &len);
            buf_add(out, room, len);
        } while (!err && (len == out_step || piece.len));
    }
    if (!err)
        err = decompress_finish(d);
    free(room);
    decompress_free(d);
    return err;
}

static const struct decompress_limits none = {0};

static str sample(void)
{
    static char text[100000];
    uint32_t seed = 7;
    for (size_t i = 0; i < sizeof(text); i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = (char)("abcdefgh {}\":,"[(seed >> 24) % 14]);
    }
    return str_make(text, sizeof(text));
}

static void expect_decodes(enum coding coding, str encoded, str expected)
{
    static const size_t steps[][2] = {
        {1 << 20, 1 << 20}, {1, 1 << 16}, {777, 100}, {1 << 20, 4096}};
    for (unsigned i = 0; i < ARRAY_LEN(steps); i++) {
        struct buf out;
        buf_init(&out, 0);
        EXPECT_EQ(decode(coding, none, encoded, steps[i][0], steps[i][1], &out), ERR_NONE);
        EXPECT_MEM(out.ptr, out.len, expected.ptr, expected.len);
        buf_release(&out);
    }
}

TEST(gzip_deflate_and_zstd_are_decoded)
{
    struct buf b;
    buf_init(&b, 0);
    zlib_encode(&b, sample(), 15 + 16);
    expect_decodes(CODING_GZIP, buf_str(&b), sample());
    buf_clear(&b);
    zlib_encode(&b, sample(), 15);
    expect_decodes(CODING_DEFLATE, buf_str(&b), sample());
    buf_clear(&b);
    zlib_encode(&b, sample(), -15);
    expect_decodes(CODING_DEFLATE, buf_str(&b), sample());
    buf_clear(&b);
    zstd_encode(&b, sample());
    expect_decodes(CODING_ZSTD, buf_str(&b), sample());
    buf_release(&b);
}

TEST(brotli_is_decoded)
{
    str br = str_make((const char *)BR_HELLO, sizeof(BR_HELLO));
    expect_decodes(CODING_BR, br, STR("hello hello hello\n"));
}

TEST(empty_text_is_decoded)
{
    struct buf b;
    buf_init(&b, 0);
    zlib_encode(&b, STR(""), 15 + 16);
    expect_decodes(CODING_GZIP, buf_str(&b), STR(""));
    buf_clear(&b);
    zstd_encode(&b, STR(""));
    expect_decodes(CODING_ZSTD, buf_str(&b), STR(""));
    buf_release(&b);
}

TEST(several_members_in_a_row_are_decoded)
{
    struct buf b;
    buf_init(&b, 0);
    zlib_encode(&b, STR("one"), 15 + 16);
    zlib_encode(&b, STR("two"), 15 + 16);
    expect_decodes(CODING_GZIP, buf_str(&b), STR("onetwo"));
    buf_clear(&b);
    zstd_encode(&b, STR("one"));
    zstd_encode(&b, STR("two"));
    expect_decodes(CODING_ZSTD, buf_str(&b), STR("onetwo"));
    buf_release(&b);
}

/* Cut anywhere, with a byte behind, and with each byte turned around: an error, or (where the format
 * has no checksum) some text, but never a crash, and never "complete" for a cut. */
static void expect_damage_found(enum coding coding, str whole)
{
    struct buf out;
    buf_init(&out, 0);
    for (size_t len = 0; len < whole.len; len++) {
        buf_clear(&out);
        EXPECT_EQ(decode(coding, none, str_first(whole, len), 1 << 20, 4096, &out),
                  ERR_BODY_ENCODING);
    }
    char *copy = malloc(whole.len + 1);
    EXPECT(copy != NULL);
    memcpy(copy, whole.ptr, whole.len);
    copy[whole.len] = 'x';
    EXPECT_EQ(decode(coding, none, str_make(copy, whole.len + 1), 1 << 20, 4096, &out),
              ERR_BODY_ENCODING);
    for (size_t i = 0; i < whole.len; i++) {
        copy[i] ^= 0x55;
        buf_clear(&out);
        enum err err = decode(coding, none, str_make(copy, whole.len), 1 << 20, 4096, &out);
        EXPECT(err == ERR_NONE || err == ERR_BODY_ENCODING || err == ERR_NO_MEMORY);
        copy[i] ^= 0x55;
    }
    free(copy);
    buf_release(&out);
}

TEST(cut_and_damaged_data_are_refused)
{
    struct buf b;
    str text = str_first(sample(), 300);
    buf_init(&b, 0);
    zlib_encode(&b, text, 15 + 16);
    expect_damage_found(CODING_GZIP, buf_str(&b));
    buf_clear(&b);
    zlib_encode(&b, text, 15);
    expect_damage_found(CODING_DEFLATE, buf_str(&b));
    buf_clear(&b);
    zstd_encode(&b, text);
    expect_damage_found(CODING_ZSTD, buf_str(&b));
    expect_damage_found(CODING_BR, str_make((const char *)BR_HELLO, sizeof(BR_HELLO)));
    buf_release(&b);
}

TEST(garbage_is_refused_by_each)
{
    static const enum coding all[] = {CODING_GZIP, CODING_DEFLATE, CODING_BR, CODING_ZSTD};
    for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
        struct buf out;
        buf_init(&out, 0);
        EXPECT_EQ(decode(all[i], none, STR("{\"model\":\"x\",\"messages\":[]}"), 100, 100, &out),
                  ERR_BODY_ENCODING);
        buf_release(&out);
    }
}

TEST(decoded_size_is_capped_exactly)
{
    struct buf b, out;
    buf_init(&b, 0);
    buf_init(&out, 0);
    zlib_encode(&b, sample(), 15 + 16);
    struct decompress_limits exact = {.decoded_max = 100000}, less = {.decoded_max = 99999};
    EXPECT_EQ(decode(CODING_GZIP, exact, buf_str(&b), 1 << 20, 4096, &out), ERR_NONE);
    buf_clear(&out);
    EXPECT_EQ(decode(CODING_GZIP, less, buf_str(&b), 1 << 20, 4096, &out), ERR_BODY_TOO_LARGE);
    EXPECT_LE(out.len, 99999 + 4096);
    buf_release(&b);
    buf_release(&out);
}

TEST(bomb_is_stopped_by_its_ratio)
{
    size_t len = 64 << 20;
    char *zeros = calloc(1, len);
    EXPECT(zeros != NULL);
    struct buf b, out;
    buf_init(&b, 0);
    zlib_encode(&b, str_make(zeros, len), 15 + 16);
    zstd_encode(&b, STR(""));
    buf_init(&out, 0);
    EXPECT_EQ(decode(CODING_GZIP, none, buf_str(&b), 1 << 20, 16384, &out), ERR_BODY_TOO_LARGE);
    EXPECT_LE(out.len, 16 << 20);
    buf_clear(&b);
    buf_clear(&out);
    zstd_encode(&b, str_make(zeros, len));
    EXPECT_EQ(decode(CODING_ZSTD, none, buf_str(&b), 1 << 20, 16384, &out), ERR_BODY_TOO_LARGE);
    EXPECT_LE(out.len, 2 << 20);

    /* Dense but small is fine. */
    buf_clear(&b);
    buf_clear(&out);
    zlib_encode(&b, str_make(zeros, 1 << 20), 15 + 16);
    EXPECT_EQ(decode(CODING_GZIP, none, buf_str(&b), 1 << 20, 16384, &out), ERR_NONE);
    buf_release(&b);
    buf_release(&out);
    free(zeros);
}

TEST(errors_stay)
{
    struct decompress *d = decompress_new(CODING_GZIP, none);
    char out[10];
    size_t len;
    str in = STR("garbage"), more = STR("more");
    EXPECT_EQ(decompress_step(d, &in, out, sizeof(out), &len), ERR_BODY_ENCODING);
    EXPECT_EQ(decompress_step(d, &more, out, sizeof(out), &len), ERR_BODY_ENCODING);
    EXPECT_EQ(len, 0);
    EXPECT_EQ(decompress_finish(d), ERR_BODY_ENCODING);
    decompress_free(d);
    decompress_free(NULL);
}

TEST(codings_have_names)
{
    static const struct {
        const char *text;
        enum err err;
        enum coding coding;
    } cases[] = {
        {"gzip", ERR_NONE, CODING_GZIP},         {"X-GZIP", ERR_NONE, CODING_GZIP},
        {" deflate ", ERR_NONE, CODING_DEFLATE}, {"br", ERR_NONE, CODING_BR},
        {"Zstd", ERR_NONE, CODING_ZSTD},         {"identity", ERR_NONE, CODING_IDENTITY},
        {"", ERR_NONE, CODING_IDENTITY},         {"gzip, br", ERR_TYPE_UNSUPPORTED, 0},
        {"compress", ERR_TYPE_UNSUPPORTED, 0},   {"gzip;q=1", ERR_TYPE_UNSUPPORTED, 0},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        enum coding coding = CODING_IDENTITY;
        EXPECT_EQ(coding_from(str_from_c(cases[i].text), &coding), cases[i].err);
        EXPECT_EQ(coding, cases[i].coding);
    }
    enum coding coding;
    EXPECT_EQ(coding_from(STR_NULL, &coding), ERR_NONE);
    EXPECT_EQ(coding, CODING_IDENTITY);
}
