#include "wire/chunked.h"

#include "wire/bytes.h"
#include "wire/head.h"

/*
 *   SIZE --digits--> SIZE --';'--> EXTENSION --CR--> SIZE_LF --LF--> DATA --last byte--> DATA_CR
 *                                                       |                                  |
 *                                                 size 0|                     DATA_LF <----+--> SIZE
 *                                                       v
 *   TRAILER_START --name--> TRAILER_NAME --':'--> TRAILER_VALUE --CR--> TRAILER_LF --> TRAILER_START
 *         +--CR--> END_LF --LF--> ENDED
 *
 * Each state takes one byte, but DATA, which takes a run.
 */
enum state {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    ENDED,
    FAILED,
};

enum { SIZE_DIGITS_MAX = 16 };

void chunked_init(struct chunked *c, uint32_t trailer_bytes_max, uint32_t trailer_count_max)
{
    *c = (struct chunked){
        .state = SIZE,
        .trailer_bytes_max = trailer_bytes_max,
        .trailer_count_max = trailer_count_max,
    };
}

static void fail(struct chunked *c, const char *reason)
{
    c->state = FAILED;
    c->reason = reason;
}

static void fail_too_large(struct chunked *c, const char *reason)
{
    fail(c, reason);
    c->too_large = true;
}

static int hex_value(unsigned char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    unsigned char lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static void take_size(struct chunked *c, unsigned char byte)
{
    int digit = hex_value(byte);
    if (digit >= 0) {
        /* 16 digits fit 64 bits; a size that does not fit 63 is nobody's chunk. */
        if (c->digits == SIZE_DIGITS_MAX || c->size > (uint64_t)INT64_MAX >> 4) {
            fail(c, "chunk size is too large");
            return;
        }
        c->size = c->size << 4 | (unsigned)digit;
        c->digits++;
        return;
    }
    if (c->digits == 0)
        fail(c, "chunk size is not a hexadecimal number");
    else if (byte == ';')
        c->state = EXTENSION;
    else if (byte == '\r')
        c->state = SIZE_LF;
    else
        fail(c, "chunk size is followed by something else than an extension or CRLF");
}

static void take_extension(struct chunked *c, unsigned char byte)
{
    if (byte == '\r' && c->extension_bytes)
        c->state = SIZE_LF;
    else if (byte == '\r')
        fail(c, "empty chunk extension");
    else if (byte_is_control(byte))
        fail(c, "control byte in a chunk extension");
    else if (++c->extension_bytes > CHUNKED_EXTENSION_MAX ||
             ++c->extension_total > CHUNKED_EXTENSIONS_TOTAL_MAX)
        fail(c, "chunk extensions are too long");
}

static void begin_chunk(struct chunked *c)
{
    c->state = SIZE;
    c->size = 0;
    c->digits = 0;
    c->extension_bytes = 0;
}

static void take_trailer_start(struct chunked *c, unsigned char byte)
{
    if (byte == '\r') {
        c->state = END_LF;
        return;
    }
    if (++c->trailer_count > c->trailer_count_max) {
        fail_too_large(c, "too many trailer fields");
        return;
    }
    if (!header_name_valid(str_make((const char *)&byte, 1))) {
        fail(c, "trailer field name is not valid");
        return;
    }
    c->state = TRAILER_NAME;
}

static void take_trailer_name(struct chunked *c, unsigned char byte)
{
    if (byte == ':')
        c->state = TRAILER_VALUE;
    else if (!header_name_valid(str_make((const char *)&byte, 1)))
        fail(c, "trailer field name is not valid");
}

static void take_trailer_value(struct chunked *c, unsigned char byte)
{
    if (byte == '\r')
        c->state = TRAILER_LF;
    else if (byte_is_control(byte))
        fail(c, "control byte in a trailer field");
}

/* The second byte of a CRLF. */
static bool is_lf(struct chunked *c, unsigned char byte)
{
    if (byte == '\n')
        return true;
    fail(c, "CR without LF in chunked coding");
    return false;
}

static void take_trailer_byte(struct chunked *c, unsigned char byte)
{
    if (++c->trailer_bytes > c->trailer_bytes_max) {
        fail_too_large(c, "trailers are too long");
        return;
    }
    if (c->state == TRAILER_START)
        take_trailer_start(c, byte);
    else if (c->state == TRAILER_NAME)
        take_trailer_name(c, byte);
    else if (c->state == TRAILER_VALUE)
        take_trailer_value(c, byte);
    else if (is_lf(c, byte))
        c->state = c->state == END_LF ? ENDED : TRAILER_START;
}

static void take_byte(struct chunked *c, unsigned char byte)
{
    switch ((enum state)c->state) {
    case SIZE:
        take_size(c, byte);
        return;
    case EXTENSION:
        take_extension(c, byte);
        return;
    case SIZE_LF:
        if (is_lf(c, byte))
            c->state = c->size ? DATA : TRAILER_START;
        return;
    case DATA_CR:
        if (byte == '\r')
            c->state = DATA_LF;
        else
            fail(c, "chunk is longer than its size");
        return;
    case DATA_LF:
        if (is_lf(c, byte))
            begin_chunk(c);
        return;
    case TRAILER_START:
    case TRAILER_NAME:
    case TRAILER_VALUE:
    case TRAILER_LF:
    case END_LF:
        take_trailer_byte(c, byte);
        return;
    case DATA:
    case ENDED:
    case FAILED:
        BUG("chunked: byte in state %u", c->state);
    }
}

static void take_data(struct chunked *c, str *bytes, str *data)
{
    *data = str_first(*bytes, c->size < bytes->len ? (size_t)c->size : bytes->len);
    *bytes = str_from(*bytes, data->len);
    c->size -= data->len;
    if (c->size == 0)
        c->state = DATA_CR;
}

enum chunked_step chunked_step(struct chunked *c, str *bytes, str *data)
{
    *data = STR_NULL;
    for (;;) {
        if (c->state == FAILED)
            return CHUNKED_ERROR;
        if (c->state == ENDED)
            return CHUNKED_END;
        if (bytes->len == 0)
            return CHUNKED_NEED_MORE;
        if (c->state == DATA) {
            take_data(c, bytes, data);
            return CHUNKED_DATA;
        }
        take_byte(c, (unsigned char)bytes->ptr[0]);
        *bytes = str_from(*bytes, 1);
    }
}
