#include "wire/decompress.h"

#include <brotli/decode.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    RATIO_FREE_BYTES = 1 << 20, /* small bodies may be as dense as they like */
    ZSTD_WINDOW_LOG_MAX = 23,   /* 8 MiB, what RFC 8878 asks a receiver to take */
};

/* What one call of a library did. */
struct progress {
    size_t used, made;
    bool ended; /* the data are complete with this byte */
};

struct decompress {
    enum coding coding;
    struct decompress_limits limits;
    enum err err;
    uint64_t encoded, decoded;
    bool ended;
    bool deflate_begun; /* DEFLATE: zlib or raw was settled */
    union {
        z_stream zlib;
        BrotliDecoderState *br;
        ZSTD_DCtx *zstd;
    };
};

enum err coding_from(str content_encoding, enum coding *out)
{
    str name = str_trim(content_encoding);
    if (name.len == 0 || str_ieq(name, STR("identity")))
        *out = CODING_IDENTITY;
    else if (str_ieq(name, STR("gzip")) || str_ieq(name, STR("x-gzip")))
        *out = CODING_GZIP;
    else if (str_ieq(name, STR("deflate")))
        *out = CODING_DEFLATE;
    else if (str_ieq(name, STR("br")))
        *out = CODING_BR;
    else if (str_ieq(name, STR("zstd")))
        *out = CODING_ZSTD;
    else
        return ERR_TYPE_UNSUPPORTED;
    return ERR_NONE;
}

/* ---- One decoder each ---- */

static enum err inflate_step(struct decompress *d, str in, char *out, size_t cap,
                             struct progress *p)
{
    z_stream *z = &d->zlib;
    z->next_in = (unsigned char *)in.ptr; /* zlib only reads there */
    z->avail_in = in.len < UINT32_MAX ? (uInt)in.len : UINT32_MAX;
    z->next_out = (unsigned char *)out;
    z->avail_out = cap < UINT32_MAX ? (uInt)cap : UINT32_MAX;
    uInt in_before = z->avail_in, out_before = z->avail_out;
    int result = inflate(z, Z_NO_FLUSH);
    p->used = in_before - z->avail_in;
    p->made = out_before - z->avail_out;
    p->ended = result == Z_STREAM_END;
    if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR)
        return ERR_NONE;
    return result == Z_MEM_ERROR ? ERR_NO_MEMORY : ERR_BODY_ENCODING;
}

/* "deflate" means zlib's format, but some send it raw: the first byte tells (RFC 9110 section
 * 8.4.1.2).  Raw data that look like a zlib header there would be a stored or reserved block. */
static enum err deflate_step(struct decompress *d, str in, char *out, size_t cap,
                             struct progress *p)
{
    if (!d->deflate_begun && in.len) {
        bool zlib = (in.ptr[0] & 0x0f) == 8;
        if (inflateReset2(&d->zlib, zlib ? 15 : -15) != Z_OK)
            return ERR_NO_MEMORY;
        d->deflate_begun = true;
    }
    return inflate_step(d, in, out, cap, p);
}

static enum err br_step(struct decompress *d, str in, char *out, size_t cap, struct progress *p)
{
    size_t in_left = in.len, out_left = cap;
    const uint8_t *next_in = (const uint8_t *)in.ptr;
    uint8_t *next_out = (uint8_t *)out;
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(d->br, &in_left, &next_in, &out_left, &next_out, NULL);
    p->used = in.len - in_left;
    p->made = cap - out_left;
    p->ended = result == BROTLI_DECODER_RESULT_SUCCESS;
    if (result != BROTLI_DECODER_RESULT_ERROR)
        return ERR_NONE;
    BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(d->br);
    bool memory = code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                  code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
    return memory ? ERR_NO_MEMORY : ERR_BODY_ENCODING;
}

static enum err zstd_step(struct decompress *d, str in, char *out, size_t cap, struct progress *p)
{
    ZSTD_inBuffer from = {.src = in.ptr, .size = in.len};
    ZSTD_outBuffer to = {.dst = out, .size = cap};
    size_t result = ZSTD_decompressStream(d->zstd, &to, &from);
    p->used = from.pos;
    p->made = to.pos;
    p->ended = result == 0;
    if (!ZSTD_isError(result))
        return ERR_NONE;
    bool memory = ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation;
    return memory ? ERR_NO_MEMORY : ERR_BODY_ENCODING;
}

static bool decoder_new(struct decompress *d)
{
    switch (d->coding) {
    case CODING_GZIP:
        return inflateInit2(&d->zlib, 15 + 16) == Z_OK;
    case CODING_DEFLATE:
        return inflateInit2(&d->zlib, 15) == Z_OK;
    case CODING_BR:
        return (d->br = BrotliDecoderCreateInstance(NULL, NULL, NULL)) != NULL;
    case CODING_ZSTD:
        d->zstd = ZSTD_createDCtx();
        return d->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax,
                                                               ZSTD_WINDOW_LOG_MAX));
    case CODING_IDENTITY:
        break;
    }
    BUG("no decoder for coding %d", (int)d->coding);
}

static void decoder_free(struct decompress *d)
{
    switch (d->coding) {
    case CODING_GZIP:
    case CODING_DEFLATE:
        inflateEnd(&d->zlib);
        return;
    case CODING_BR:
        if (d->br)
            BrotliDecoderDestroyInstance(d->br);
        return;
    case CODING_ZSTD:
        ZSTD_freeDCtx(d->zstd);
        return;
    case CODING_IDENTITY:
        break;
    }
    BUG("no decoder for coding %d", (int)d->coding);
}

static enum err decode(struct decompress *d, str in, char *out, size_t cap, struct progress *p)
{
    switch (d->coding) {
    case CODING_GZIP:
        return inflate_step(d, in, out, cap, p);
    case CODING_DEFLATE:
        return deflate_step(d, in, out, cap, p);
    case CODING_BR:
        return br_step(d, in, out, cap, p);
    case CODING_ZSTD:
        return zstd_step(d, in, out, cap, p);
    case CODING_IDENTITY:
        break;
    }
    BUG("no decoder for coding %d", (int)d->coding);
}

struct decompress *decompress_new(enum coding coding, struct decompress_limits limits)
{
    struct decompress *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    d->coding = coding;
    d->limits = limits;
    if (!d->limits.ratio_max)
        d->limits.ratio_max = DECOMPRESS_RATIO_DEFAULT;
    if (decoder_new(d))
        return d;
    decompress_free(d);
    return NULL;
}

void decompress_free(struct decompress *d)
{
    if (!d)
        return;
    decoder_free(d);
    free(d);
}

/* ---- Common to all ---- */

/* gzip and zstd data may be several members in a row (RFC 1952 section 2.2, RFC 8878 section 3). */
static bool begin_next_member(struct decompress *d)
{
    if (d->coding == CODING_ZSTD) {
        d->ended = false;
        return true;
    }
    if (d->coding != CODING_GZIP || inflateReset(&d->zlib) != Z_OK)
        return false;
    d->ended = false;
    return true;
}

static enum err check_limits(const struct decompress *d)
{
    if (d->limits.decoded_max && d->decoded > d->limits.decoded_max)
        return ERR_BODY_TOO_LARGE;
    if (d->decoded > RATIO_FREE_BYTES && d->decoded / d->limits.ratio_max > d->encoded)
        return ERR_BODY_TOO_LARGE;
    return ERR_NONE;
}

static enum err step(struct decompress *d, str *in, char *out, size_t cap, size_t *len)
{
    while (*len < cap) {
        if (d->ended && in->len == 0)
            return ERR_NONE;
        if (d->ended && !begin_next_member(d))
            return ERR_BODY_ENCODING; /* bytes behind the end */
        struct progress p = {0};
        enum err err = decode(d, *in, out + *len, cap - *len, &p);
        *in = str_from(*in, p.used);
        *len += p.made;
        d->encoded += p.used;
        d->decoded += p.made;
        d->ended = p.ended;
        if (err)
            return err;
        err = check_limits(d);
        if (err)
            return err;
        if (p.used == 0 && p.made == 0)
            return ERR_NONE; /* it waits for more */
    }
    return ERR_NONE;
}

enum err decompress_step(struct decompress *d, str *in, char *out, size_t cap, size_t *len)
{
    *len = 0;
    if (!d->err)
        d->err = step(d, in, out, cap, len);
    return d->err;
}

enum err decompress_finish(struct decompress *d)
{
    if (!d->err && !d->ended)
        d->err = ERR_BODY_ENCODING;
    return d->err;
}
