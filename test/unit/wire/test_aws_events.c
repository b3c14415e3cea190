/* AWS's frames: vectors of the reference sheet, every cut, every kind of damage. */
#include "support/test.h"
#include "wire/aws_events.h"

#include <stdlib.h>

#include <zlib.h>

/* From the sheet, section 13: made by another implementation. */
#define EMPTY "000000100000000005c248eb7d98c8ff"
#define MESSAGE_START                                                                              \
    "000000760000005296d5fade0b3a6576656e742d7479706507000c6d65737361676553746172740d3a636f6e7465" \
    "6e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070005657665" \
    "6e747b22726f6c65223a22617373697374616e74227d6fa8c599"
#define BLOCK_DELTA                                                                                \
    "0000009f00000057c37babff0b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a" \
    "636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d7479706507" \
    "00056576656e747b22636f6e74656e74426c6f636b496e646578223a302c2264656c7461223a7b2274657874223a" \
    "224869227d2c2270223a2261626364227df2ace5ff"
#define THROTTLING                                                                                 \
    "00000090000000618e91a9b70f3a657863657074696f6e2d747970650700137468726f74746c696e674578636570" \
    "74696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d657373616765" \
    "2d74797065070009657863657074696f6e7b226d657373616765223a22546f6f206d616e79207265717565737473" \
    "227de67f8005"

static void add_hex(struct buf *out, const char *hex)
{
    for (; *hex; hex += 2) {
        char pair[3] = {hex[0], hex[1], 0};
        buf_add_byte(out, (char)strtoul(pair, NULL, 16));
    }
}

static void add_u32(struct buf *out, size_t value)
{
    for (unsigned i = 0; i < 4; i++)
        buf_add_byte(out, (char)(value >> (24 - 8 * i)));
}

struct listing {
    struct buf said, raw;
    enum err err;
    bool cut;
    size_t memory; /* the reader's, after the last byte */
};

static void note(struct listing *l, const struct aws_frame *f)
{
    struct arena a;
    str name, data;
    arena_init(&a, 0);
    EXPECT(aws_frame_unit(f, &a, &name, &data));
    buf_add_str(&l->raw, f->raw);
    buf_printf(&l->said, "%.*s %.*s\n", STR_ARG(name), STR_ARG(data));
    arena_release(&a);
}

static void take(struct aws_events_reader *r, struct listing *l, str piece)
{
    struct aws_frame f;
    enum aws_events_step step;
    while ((step = aws_events_next(r, &piece, &f)) == AWS_EVENTS_FRAME)
        note(l, &f);
    l->err = step == AWS_EVENTS_ERROR ? r->err : ERR_NONE;
    EXPECT(l->err || piece.len == 0);
}

/* In pieces of `first`, then `rest` bytes (0: all), each gone before the next. */
static void read_frames(struct listing *l, str all, size_t max, size_t first, size_t rest)
{
    struct aws_events_reader r;
    aws_events_init(&r, max);
    *l = (struct listing){0};
    buf_init(&l->said, 0);
    buf_init(&l->raw, 0);
    for (size_t len = first; all.len && !l->err; len = rest ? rest : all.len) {
        str piece = str_first(all, len);
        char *copy = malloc(piece.len ? piece.len : 1);
        EXPECT(copy != NULL);
        memcpy(copy, piece.ptr, piece.len);
        take(&r, l, str_make(copy, piece.len));
        free(copy);
        all = str_from(all, piece.len);
    }
    l->cut = aws_events_cut(&r);
    l->memory = r.tail.cap;
    aws_events_release(&r);
}

static void listing_release(struct listing *l)
{
    buf_release(&l->said);
    buf_release(&l->raw);
}

static void expect_frames(str all, const char *said)
{
    for (size_t first = 0; first <= all.len; first++)
        for (size_t rest = 0; rest <= 1; rest++) {
            struct listing l;
            read_frames(&l, all, 0, first, rest);
            EXPECT_EQ(l.err, ERR_NONE);
            EXPECT_STR(buf_str(&l.said), said);
            EXPECT_STR(buf_str(&l.raw), all);
            EXPECT(!l.cut);
            listing_release(&l);
        }
}

/* Whole, byte by byte, and at every cut: the same error, and nothing but the frames before it. */
static void expect_error(str all, size_t max, enum err err, const char *said)
{
    for (size_t first = 0; first <= all.len; first++)
        for (size_t rest = 0; rest <= 1; rest++) {
            struct listing l;
            read_frames(&l, all, max, first, rest);
            EXPECT_EQ(l.err, err);
            EXPECT_STR(buf_str(&l.said), said);
            listing_release(&l);
        }
}

TEST(the_vectors_of_the_sheet_are_read_at_every_cut)
{
    struct buf all;
    buf_init(&all, 0);
    add_hex(&all, MESSAGE_START);
    add_hex(&all, BLOCK_DELTA);
    add_hex(&all, THROTTLING);
    expect_frames(buf_str(&all),
                  "messageStart {\"role\":\"assistant\"}\n"
                  "contentBlockDelta {\"contentBlockIndex\":0,\"delta\":{\"text\":\"Hi\"},"
                  "\"p\":\"abcd\"}\n"
                  "throttlingException {\"message\":\"Too many requests\"}\n");
    buf_release(&all);
}

TEST(a_frame_may_be_empty)
{
    struct buf all;
    buf_init(&all, 0);
    add_hex(&all, EMPTY);
    add_hex(&all, EMPTY);
    expect_frames(buf_str(&all), " \n \n");
    buf_release(&all);
}

TEST(the_writer_makes_the_vectors_of_the_sheet)
{
    struct buf made, wanted;
    buf_init(&made, 0);
    buf_init(&wanted, 0);
    aws_events_write(&made, NULL, 0, STR(""));
    add_hex(&wanted, EMPTY);
    aws_events_write_json(&made, STR("event"), STR("messageStart"),
                          STR("{\"role\":\"assistant\"}"));
    add_hex(&wanted, MESSAGE_START);
    aws_events_write_json(&made, STR("exception"), STR("throttlingException"),
                          STR("{\"message\":\"Too many requests\"}"));
    add_hex(&wanted, THROTTLING);
    EXPECT_MEM(made.ptr, made.len, wanted.ptr, wanted.len);
    buf_release(&made);
    buf_release(&wanted);
}

TEST(an_unmodelled_error_becomes_a_unit_of_its_headers)
{
    struct aws_header h[] = {
        {.name = STR(":error-code"), .type = AWS_STRING, .bytes = STR("InternalFailure")},
        {.name = STR(":error-message"), .type = AWS_STRING, .bytes = STR("it \"broke\"")},
        {.name = STR(":message-type"), .type = AWS_STRING, .bytes = STR("error")},
    };
    struct buf all;
    buf_init(&all, 0);
    aws_events_write(&all, h, ARRAY_LEN(h), STR(""));
    aws_events_write(&all, h + 2, 1, STR("")); /* without code and message */
    aws_events_write_json(&all, STR("exception"), STR("brandNewException"), STR("{}"));
    expect_frames(buf_str(&all),
                  ":error {\"code\":\"InternalFailure\",\"message\":\"it \\\"broke\\\"\"}\n"
                  ":error {\"code\":\"UnknownError\",\"message\":\"\"}\n"
                  "brandNewException {}\n");
    buf_release(&all);
}

TEST(all_types_of_headers_are_written_and_read)
{
    static const struct aws_header all[] = {
        {.name = STR_INIT("true"), .type = AWS_TRUE},
        {.name = STR_INIT("false"), .type = AWS_FALSE},
        {.name = STR_INIT("i8"), .type = AWS_INT8, .number = -128},
        {.name = STR_INIT("i16"), .type = AWS_INT16, .number = -2},
        {.name = STR_INIT("i32"), .type = AWS_INT32, .number = 2147483647},
        {.name = STR_INIT("i64"), .type = AWS_INT64, .number = INT64_MIN},
        {.name = STR_INIT("bytes"), .type = AWS_BYTES, .bytes = STR_INIT("\x00\xff")},
        {.name = STR_INIT("string"), .type = AWS_STRING, .bytes = STR_INIT("")},
        {.name = STR_INIT("time"), .type = AWS_TIMESTAMP, .number = 1795435200123},
        {.name = STR_INIT("uuid"), .type = AWS_UUID, .bytes = STR_INIT("0123456789abcdef")},
    };
    struct buf out;
    struct aws_events_reader r;
    struct aws_frame f;
    buf_init(&out, 0);
    aws_events_write(&out, all, ARRAY_LEN(all), STR("payload"));
    aws_events_init(&r, 0);
    str bytes = buf_str(&out);
    EXPECT_EQ(aws_events_next(&r, &bytes, &f), AWS_EVENTS_FRAME);
    EXPECT_STR(f.payload, "payload");
    EXPECT(str_is_null(f.message_type));
    str left = f.headers;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct aws_header h;
        EXPECT(aws_header_next(&left, &h));
        EXPECT_STR(h.name, all[i].name);
        EXPECT_EQ(h.type, all[i].type);
        EXPECT_EQ(h.number, all[i].number);
        EXPECT(str_eq(h.bytes, all[i].bytes));
    }
    EXPECT_EQ(left.len, 0);
    aws_events_release(&r);
    buf_release(&out);
}

TEST(any_flipped_bit_is_noticed)
{
    struct buf all;
    buf_init(&all, 0);
    add_hex(&all, MESSAGE_START);
    size_t first = all.len;
    add_hex(&all, BLOCK_DELTA);
    for (size_t bit = 0; bit < 8 * (all.len - first); bit++) {
        size_t at = first + bit / 8;
        all.ptr[at] ^= (char)(1 << bit % 8);
        struct listing l;
        read_frames(&l, buf_str(&all), 0, all.len / 2, 7);
        EXPECT_EQ(l.err, ERR_UPSTREAM_MALFORMED);
        EXPECT_STR(buf_str(&l.said), "messageStart {\"role\":\"assistant\"}\n");
        EXPECT_STR(buf_str(&l.raw), str_first(buf_str(&all), first));
        listing_release(&l);
        all.ptr[at] ^= (char)(1 << bit % 8);
    }
    buf_release(&all);
}

TEST(a_wrong_first_checksum_is_an_error_before_the_frame_is_there)
{
    struct buf all;
    buf_init(&all, 0);
    add_hex(&all, BLOCK_DELTA);
    all.ptr[0] = 0x7f; /* two gigabytes are promised */
    expect_error(str_first(buf_str(&all), 12), 0, ERR_UPSTREAM_MALFORMED, "");
    struct listing l;
    read_frames(&l, str_first(buf_str(&all), 11), 0, 3, 1);
    EXPECT_EQ(l.err, ERR_NONE);
    listing_release(&l);
    buf_release(&all);
}

/* Whatever these are, with right checksums. */
static void add_frame(struct buf *out, size_t total, size_t header_length, str rest)
{
    size_t begin = out->len;
    add_u32(out, total);
    add_u32(out, header_length);
    add_u32(out, crc32(0, (const Bytef *)out->ptr + begin, 8));
    buf_add_str(out, rest);
    add_u32(out, crc32(0, (const Bytef *)out->ptr + begin, (uInt)(out->len - begin)));
}

TEST(lengths_that_contradict_each_other_are_refused)
{
    static const struct {
        size_t total, headers;
        bool good;
    } all[] = {{20, 0, true}, {20, 4, false},          {15, 0, false}, {20, 5, false},
               {0, 0, false}, {20, 0xffffffff, false}, {16, 0, false}, {19, 0, false}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct buf out;
        struct listing l;
        buf_init(&out, 0);
        add_frame(&out, all[i].total, all[i].headers, STR("abcd"));
        read_frames(&l, buf_str(&out), 0, out.len, 0);
        EXPECT_EQ(l.err, all[i].good ? ERR_NONE : ERR_UPSTREAM_MALFORMED);
        listing_release(&l);
        buf_release(&out);
    }
}

TEST(a_frame_above_the_limit_is_refused_before_it_is_there)
{
    struct buf frame;
    buf_init(&frame, 0);
    char payload[1000] = {0};
    aws_events_write(&frame, NULL, 0, str_make(payload, sizeof(payload)));
    expect_error(str_first(buf_str(&frame), 12), 1015, ERR_UPSTREAM_TOO_LARGE, "");
    struct listing l;
    read_frames(&l, buf_str(&frame), 1016, 5, 0);
    EXPECT_EQ(l.err, ERR_NONE);
    EXPECT_EQ(l.raw.len, 1016);
    listing_release(&l);
    buf_release(&frame);
}

static void expect_bad_headers(str headers)
{
    struct buf all;
    buf_init(&all, 0);
    add_frame(&all, 16 + headers.len, headers.len, headers);
    expect_error(buf_str(&all), 0, ERR_UPSTREAM_MALFORMED, "");
    buf_release(&all);
}

TEST(headers_that_are_not_well_formed_are_found)
{
    expect_bad_headers(STR("\x00\x07"));              /* no name */
    expect_bad_headers(STR("\x01"));                  /* it ends in its name */
    expect_bad_headers(STR("\x01n"));                 /* no type */
    expect_bad_headers(STR("\x01n\x0a"));             /* a type that does not exist */
    expect_bad_headers(STR("\x01n\x05\x01\x02"));     /* it ends in its number */
    expect_bad_headers(STR("\x01n\x07\x00"));         /* … in its length */
    expect_bad_headers(STR("\x01n\x07\x00\x02x"));    /* … in its value */
    expect_bad_headers(STR("\x01n\x07\x80\x00xxxx")); /* a value above the limit */
    expect_bad_headers(STR("\x01n\x00\x01m\x09xx"));  /* the second one */
}

TEST(two_headers_of_one_name_are_an_error)
{
    struct aws_header h[] = {
        {.name = STR("same"), .type = AWS_TRUE},
        {.name = STR("other"), .type = AWS_TRUE},
        {.name = STR("same"), .type = AWS_FALSE},
    };
    struct buf all;
    buf_init(&all, 0);
    aws_events_write(&all, h, 3, STR("{}"));
    expect_error(buf_str(&all), 0, ERR_UPSTREAM_MALFORMED, "");
    buf_release(&all);
}

TEST(more_headers_than_the_limit_are_an_error)
{
    char names[AWS_EVENTS_HEADER_COUNT_MAX + 1][2];
    struct aws_header h[AWS_EVENTS_HEADER_COUNT_MAX + 1];
    for (unsigned i = 0; i < ARRAY_LEN(h); i++) {
        names[i][0] = 'n';
        names[i][1] = (char)('0' + i);
        h[i] = (struct aws_header){.name = str_make(names[i], 2), .type = AWS_TRUE};
    }
    for (unsigned count = ARRAY_LEN(h) - 1; count <= ARRAY_LEN(h); count++) {
        struct buf all;
        struct listing l;
        buf_init(&all, 0);
        aws_events_write(&all, h, count, STR("{}"));
        read_frames(&l, buf_str(&all), 0, all.len, 0);
        EXPECT_EQ(l.err, count == ARRAY_LEN(h) ? ERR_UPSTREAM_MALFORMED : ERR_NONE);
        listing_release(&l);
        buf_release(&all);
    }
}

TEST(an_end_inside_a_frame_is_told)
{
    struct buf all;
    buf_init(&all, 0);
    add_hex(&all, MESSAGE_START);
    for (size_t len = 0; len <= all.len; len++) {
        struct listing l;
        read_frames(&l, str_first(buf_str(&all), len), 0, len / 2, 0);
        EXPECT_EQ(l.cut, len > 0 && len < all.len);
        listing_release(&l);
    }
    buf_release(&all);
}

TEST(whole_frames_take_no_memory_and_a_large_one_is_not_kept)
{
    struct buf all, frame;
    buf_init(&all, 0);
    buf_init(&frame, 0);
    add_hex(&all, MESSAGE_START);
    add_hex(&all, BLOCK_DELTA);
    struct listing l;
    read_frames(&l, buf_str(&all), 0, all.len, 0);
    EXPECT_EQ(l.memory, 0);
    listing_release(&l);

    char payload[100000] = {0};
    aws_events_write(&frame, NULL, 0, str_make(payload, sizeof(payload)));
    size_t large = frame.len;
    buf_add_str(&frame, buf_str(&all));
    buf_add_str(&frame, str_first(buf_str(&all), 3));
    read_frames(&l, buf_str(&frame), 0, large - 1, 0);
    EXPECT(l.cut);
    EXPECT_LT(l.memory, 20000);
    listing_release(&l);
    buf_release(&all);
    buf_release(&frame);
}

TEST(after_an_error_the_reader_says_the_same_again)
{
    struct aws_events_reader r;
    struct aws_frame f;
    aws_events_init(&r, 0);
    str junk = STR("HTTP/1.1 200 OK\r\n\r\n"), more = STR("more");
    EXPECT_EQ(aws_events_next(&r, &junk, &f), AWS_EVENTS_ERROR);
    EXPECT_EQ(r.err, ERR_UPSTREAM_MALFORMED);
    EXPECT_STR(r.fault, "a frame's first checksum is wrong");
    EXPECT_EQ(aws_events_next(&r, &more, &f), AWS_EVENTS_ERROR);
    aws_events_release(&r);
}
