#include "wire/aws_events.h"

#include <zlib.h>

#include "wire/json_write.h"

enum {
    PRELUDE = 12,
    OVERHEAD = 16,      /* prelude and the last CRC */
    KEEP_BYTES = 16384, /* a buffer that held a large frame does not keep its size */
};

void aws_events_init(struct aws_events_reader *r, size_t max)
{
    *r = (struct aws_events_reader){.max = max ? max : AWS_EVENTS_MAX_DEFAULT};
    buf_init(&r->tail, 0);
}

void aws_events_release(struct aws_events_reader *r)
{
    buf_release(&r->tail);
}

/* --- Numbers -------------------------------------------------------------------------------- */

static uint64_t big_endian(const char *at, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value = value << 8 | (uint8_t)at[i];
    return value;
}

static uint32_t u32_at(str s, size_t at)
{
    return (uint32_t)big_endian(s.ptr + at, 4);
}

static void add_big_endian(struct buf *out, uint64_t value, unsigned size)
{
    while (size--)
        buf_add_byte(out, (char)(value >> (8 * size)));
}

static uint32_t crc_of(str bytes)
{
    return (uint32_t)crc32_z(0, (const unsigned char *)bytes.ptr, bytes.len);
}

/* --- Headers -------------------------------------------------------------------------------- */

/* Bytes of a value; -1: a length of its own stands before it. */
static const int8_t value_size[AWS_HEADER_TYPE_COUNT] = {
    [AWS_TRUE] = 0,  [AWS_FALSE] = 0,  [AWS_INT8] = 1,    [AWS_INT16] = 2,     [AWS_INT32] = 4,
    [AWS_INT64] = 8, [AWS_BYTES] = -1, [AWS_STRING] = -1, [AWS_TIMESTAMP] = 8, [AWS_UUID] = 16,
};

static bool is_number(enum aws_header_type type)
{
    return (type >= AWS_INT8 && type <= AWS_INT64) || type == AWS_TIMESTAMP;
}

/* Takes n bytes off *s; null str: there are not as many. */
static str take(str *s, size_t n)
{
    if (n > s->len)
        return STR_NULL;
    str taken = str_make(s->ptr, n);
    *s = str_make(s->ptr + n, s->len - n);
    return taken;
}

static bool take_number(str *s, unsigned size, uint64_t *out)
{
    str bytes = take(s, size);
    if (str_is_null(bytes))
        return false;
    *out = big_endian(bytes.ptr, size);
    return true;
}

/* The two's complement of `size` bytes. */
static int64_t sign_extend(uint64_t value, unsigned size)
{
    uint64_t top = UINT64_C(1) << (8 * size - 1);
    return (int64_t)((value ^ top) - top);
}

static bool take_value(str *left, struct aws_header *h)
{
    int8_t size = value_size[h->type];
    uint64_t length = (uint64_t)size;
    if (size < 0 && (!take_number(left, 2, &length) || length > AWS_EVENTS_VALUE_MAX))
        return false;
    h->bytes = take(left, (size_t)length);
    if (str_is_null(h->bytes))
        return false;
    if (is_number(h->type)) {
        h->number = sign_extend(big_endian(h->bytes.ptr, (unsigned)size), (unsigned)size);
        h->bytes = STR_NULL;
    }
    return true;
}

bool aws_header_next(str *headers, struct aws_header *out)
{
    str left = *headers;
    uint64_t name_length, type;
    *out = (struct aws_header){0};
    if (!take_number(&left, 1, &name_length) || name_length == 0)
        return false;
    out->name = take(&left, (size_t)name_length);
    if (str_is_null(out->name) || !take_number(&left, 1, &type) || type >= AWS_HEADER_TYPE_COUNT)
        return false;
    out->type = (enum aws_header_type)type;
    if (!take_value(&left, out))
        return false;
    *headers = left;
    return true;
}

static const struct {
    str name;
    size_t offset;
} well_known[] = {
    {STR_INIT(":message-type"), offsetof(struct aws_frame, message_type)},
    {STR_INIT(":event-type"), offsetof(struct aws_frame, event_type)},
    {STR_INIT(":exception-type"), offsetof(struct aws_frame, exception_type)},
    {STR_INIT(":error-code"), offsetof(struct aws_frame, error_code)},
    {STR_INIT(":error-message"), offsetof(struct aws_frame, error_message)},
    {STR_INIT(":content-type"), offsetof(struct aws_frame, content_type)},
};

static void note_header(struct aws_frame *f, const struct aws_header *h)
{
    if (h->type != AWS_STRING)
        return;
    for (size_t i = 0; i < ARRAY_LEN(well_known); i++)
        if (str_eq(h->name, well_known[i].name))
            *(str *)(void *)((char *)f + well_known[i].offset) = h->bytes;
}

/* NULL, or what is wrong with them. */
static const char *read_headers(struct aws_frame *f)
{
    str names[AWS_EVENTS_HEADER_COUNT_MAX];
    unsigned count = 0;
    struct aws_header h;
    str left = f->headers;
    while (left.len) {
        if (!aws_header_next(&left, &h))
            return "a frame's header is not well-formed";
        if (count == ARRAY_LEN(names))
            return "a frame has too many headers";
        for (unsigned i = 0; i < count; i++)
            if (str_eq(names[i], h.name))
                return "a frame has two headers of one name";
        names[count++] = h.name;
        note_header(f, &h);
    }
    return NULL;
}

/* --- Frames --------------------------------------------------------------------------------- */

static enum aws_events_step fail(struct aws_events_reader *r, enum err err, const char *fault)
{
    r->err = err;
    r->fault = fault;
    return AWS_EVENTS_ERROR;
}

/* The length of the frame that begins with these PRELUDE bytes; 0: r->err says what is wrong. */
static size_t frame_length(struct aws_events_reader *r, str prelude)
{
    size_t total = u32_at(prelude, 0), headers = u32_at(prelude, 4);
    if (crc_of(str_first(prelude, 8)) != u32_at(prelude, 8))
        return fail(r, ERR_UPSTREAM_MALFORMED, "a frame's first checksum is wrong"), 0;
    if (total < OVERHEAD || headers > total - OVERHEAD)
        return fail(r, ERR_UPSTREAM_MALFORMED, "a frame's lengths contradict each other"), 0;
    if (total > r->max || headers > AWS_EVENTS_HEADERS_MAX)
        return fail(r, ERR_UPSTREAM_TOO_LARGE, "a frame is too large"), 0;
    return total;
}

static enum aws_events_step read_frame(struct aws_events_reader *r, str raw, struct aws_frame *f)
{
    size_t headers = u32_at(raw, 4), end = raw.len - 4;
    if (crc_of(str_first(raw, end)) != u32_at(raw, end))
        return fail(r, ERR_UPSTREAM_MALFORMED, "a frame's checksum is wrong");
    *f = (struct aws_frame){
        .raw = raw,
        .headers = str_make(raw.ptr + PRELUDE, headers),
        .payload = str_make(raw.ptr + PRELUDE + headers, end - PRELUDE - headers),
    };
    const char *fault = read_headers(f);
    return fault ? fail(r, ERR_UPSTREAM_MALFORMED, fault) : AWS_EVENTS_FRAME;
}

/* Moves bytes into the tail until it has `len`, or there are no more.  False: no memory. */
static bool fill_tail(struct aws_events_reader *r, str *bytes, size_t len)
{
    str more = str_first(*bytes, len - r->tail.len);
    buf_add_str(&r->tail, more);
    *bytes = str_from(*bytes, more.len);
    return !r->tail.failed;
}

static void empty_tail(struct aws_events_reader *r)
{
    if (r->tail.cap > KEEP_BYTES)
        buf_release(&r->tail);
    else
        buf_clear(&r->tail);
    r->tail_is_stale = false;
    r->want = 0;
}

/* A frame that began in an earlier run. */
static enum aws_events_step go_on(struct aws_events_reader *r, str *bytes, struct aws_frame *f)
{
    if (!r->want) {
        if (!fill_tail(r, bytes, PRELUDE))
            return fail(r, ERR_NO_MEMORY, NULL);
        if (r->tail.len < PRELUDE)
            return AWS_EVENTS_NEED_MORE;
        r->want = frame_length(r, buf_str(&r->tail));
        if (!r->want)
            return AWS_EVENTS_ERROR;
    }
    if (!fill_tail(r, bytes, r->want))
        return fail(r, ERR_NO_MEMORY, NULL);
    if (r->tail.len < r->want)
        return AWS_EVENTS_NEED_MORE;
    r->tail_is_stale = true;
    return read_frame(r, buf_str(&r->tail), f);
}

enum aws_events_step aws_events_next(struct aws_events_reader *r, str *bytes,
                                     struct aws_frame *frame)
{
    if (r->err)
        return AWS_EVENTS_ERROR;
    if (r->tail_is_stale)
        empty_tail(r);
    if (bytes->len == 0)
        return AWS_EVENTS_NEED_MORE;
    if (r->tail.len || bytes->len < PRELUDE)
        return go_on(r, bytes, frame);
    size_t length = frame_length(r, *bytes);
    if (!length)
        return AWS_EVENTS_ERROR;
    if (bytes->len < length)
        return go_on(r, bytes, frame);
    str raw = str_first(*bytes, length);
    *bytes = str_from(*bytes, length);
    return read_frame(r, raw, frame);
}

bool aws_events_cut(const struct aws_events_reader *r)
{
    return r->tail.len > 0 && !r->tail_is_stale;
}

/* --- Units ---------------------------------------------------------------------------------- */

static bool error_as_json(const struct aws_frame *f, struct arena *a, str *out)
{
    str code = json_quote(a, f->error_code.len ? f->error_code : STR("UnknownError"));
    str message = json_quote(a, f->error_message.ptr ? f->error_message : STR(""));
    if (str_is_null(code) || str_is_null(message))
        return false;
    *out = arena_printf(a, "{\"code\":%.*s,\"message\":%.*s}", STR_ARG(code), STR_ARG(message));
    return !str_is_null(*out);
}

bool aws_frame_unit(const struct aws_frame *frame, struct arena *a, str *name, str *data)
{
    *name = frame->event_type;
    *data = frame->payload;
    if (str_eq(frame->message_type, STR("error"))) {
        *name = STR(":error");
        return error_as_json(frame, a, data);
    }
    if (frame->exception_type.len)
        *name = frame->exception_type;
    else if (str_eq(frame->message_type, STR("exception")))
        *name = STR(":error");
    return true;
}

/* --- Writing -------------------------------------------------------------------------------- */

static void add_header(struct buf *out, const struct aws_header *h)
{
    CHECK(h->name.len >= 1 && h->name.len <= 255 && h->type < AWS_HEADER_TYPE_COUNT);
    int8_t size = value_size[h->type];
    buf_add_byte(out, (char)h->name.len);
    buf_add_str(out, h->name);
    buf_add_byte(out, (char)h->type);
    if (is_number(h->type)) {
        add_big_endian(out, (uint64_t)h->number, (unsigned)size);
        return;
    }
    CHECK(size < 0 ? h->bytes.len <= AWS_EVENTS_VALUE_MAX : h->bytes.len == (size_t)size);
    if (size < 0)
        add_big_endian(out, h->bytes.len, 2);
    buf_add_str(out, h->bytes);
}

/* Replaces the four bytes at `at`. */
static void set_u32(struct buf *out, size_t at, size_t value)
{
    for (unsigned i = 0; i < 4; i++)
        out->ptr[at + i] = (char)(value >> (24 - 8 * i));
}

void aws_events_write(struct buf *out, const struct aws_header *headers, unsigned count,
                      str payload)
{
    size_t begin = out->len;
    buf_add(out, (const char[PRELUDE]){0}, PRELUDE); /* known at the end */
    for (unsigned i = 0; i < count; i++)
        add_header(out, &headers[i]);
    size_t headers_end = out->len;
    buf_add_str(out, payload);
    if (out->failed)
        return;
    set_u32(out, begin, out->len + 4 - begin);
    set_u32(out, begin + 4, headers_end - begin - PRELUDE);
    set_u32(out, begin + 8, crc_of(str_make(out->ptr + begin, 8)));
    add_big_endian(out, crc_of(str_make(out->ptr + begin, out->len - begin)), 4);
}

void aws_events_write_json(struct buf *out, str message_type, str type, str payload)
{
    bool is_event = str_eq(message_type, STR("event"));
    struct aws_header headers[] = {
        {.name = is_event ? STR(":event-type") : STR(":exception-type"),
         .type = AWS_STRING,
         .bytes = type},
        {.name = STR(":content-type"), .type = AWS_STRING, .bytes = STR("application/json")},
        {.name = STR(":message-type"), .type = AWS_STRING, .bytes = message_type},
    };
    aws_events_write(out, headers, ARRAY_LEN(headers), payload);
}
