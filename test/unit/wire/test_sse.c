/* Event streams: each case whole, byte by byte, and in every cut, with CR, LF and CRLF as line end;
 * and whatever comes out, the raw runs are the stream. */
#include <stdlib.h>

#include "support/test.h"
#include "wire/sse.h"

struct listing {
    struct buf said; /* a line per block */
    struct buf raw;  /* of all blocks and the end */
    enum err err;
};

/* LF inside data is shown as '|', a byte that no case has. */
static void note(struct listing *l, const char *kind, const struct sse_event *ev)
{
    buf_add_str(&l->raw, ev->raw);
    buf_add_str(&l->said, str_from_c(kind));
    if (ev->event.len)
        buf_printf(&l->said, " event=%.*s", STR_ARG(ev->event));
    if (!str_is_null(ev->id))
        buf_printf(&l->said, " id=%.*s", STR_ARG(ev->id));
    if (ev->retry >= 0)
        buf_printf(&l->said, " retry=%lld", (long long)ev->retry);
    EXPECT_EQ(ev->is_event, !str_is_null(ev->data));
    if (ev->is_event)
        buf_printf(&l->said, " data=");
    for (size_t i = 0; i < ev->data.len; i++)
        buf_add_byte(&l->said, ev->data.ptr[i] == '\n' ? '|' : ev->data.ptr[i]);
    buf_add_byte(&l->said, '\n');
}

static void take(struct sse_reader *r, struct listing *l, str piece)
{
    struct sse_event ev;
    enum sse_step step;
    while ((step = sse_next(r, &piece, &ev)) == SSE_EVENT)
        note(l, ev.is_event ? "event" : "block", &ev);
    l->err = step == SSE_ERROR ? r->err : ERR_NONE;
    EXPECT(step == SSE_ERROR || piece.len == 0);
}

/* In pieces of `first`, then `rest` bytes, each gone before the next. */
static void read_stream(struct listing *l, str all, size_t max, size_t first, size_t rest)
{
    struct sse_reader r;
    struct sse_event ev;
    sse_reader_init(&r, max);
    buf_init(&l->said, 0);
    buf_init(&l->raw, 0);
    l->err = ERR_NONE;
    str left = all;
    for (size_t len = first; left.len && !l->err; len = rest ? rest : left.len) {
        str piece = str_first(left, len);
        char *copy = malloc(piece.len ? piece.len : 1);
        EXPECT(copy != NULL);
        memcpy(copy, piece.ptr, piece.len);
        take(&r, l, str_make(copy, piece.len));
        free(copy);
        left = str_from(left, piece.len);
    }
    if (!l->err) {
        if (sse_end(&r, &ev))
            note(l, "unfinished", &ev);
        else
            buf_add_str(&l->raw, ev.raw);
        EXPECT_MEM(l->raw.ptr, l->raw.len, all.ptr, all.len);
    }
    sse_reader_release(&r);
}

static void listing_release(struct listing *l)
{
    buf_release(&l->said);
    buf_release(&l->raw);
}

static void expect_cut(str all, size_t first, size_t rest, const char *expected)
{
    struct listing l;
    read_stream(&l, all, 0, first, rest);
    if (!str_eq(buf_str(&l.said), str_from_c(expected)))
        EXPECT_FAIL("cut %zu, %zu:\n%.*sexpected:\n%s", first, rest, STR_ARG(buf_str(&l.said)),
                    expected);
    listing_release(&l);
}

/* `all` as it stands, in every cut. */
static void expect_exactly(str all, const char *expected)
{
    expect_cut(all, all.len, 0, expected);
    expect_cut(all, 1, 1, expected);
    expect_cut(all, 2, 3, expected);
    for (size_t i = 1; i < all.len; i++)
        expect_cut(all, i, 0, expected);
    for (size_t i = 1; i < all.len; i++)
        expect_cut(all, i, 1, expected);
}

/* `all` has LF as line ends; also with CR and with CRLF instead. */
static void expect_events(str all, const char *expected)
{
    static const char *const ends[] = {"\n", "\r", "\r\n"};
    for (unsigned e = 0; e < ARRAY_LEN(ends); e++) {
        struct buf b;
        buf_init(&b, 0);
        for (size_t i = 0; i < all.len; i++) {
            if (all.ptr[i] == '\n')
                buf_add_str(&b, str_from_c(ends[e]));
            else
                buf_add_byte(&b, all.ptr[i]);
        }
        expect_exactly(buf_str(&b), expected);
        buf_release(&b);
    }
}

TEST(one_event_is_read)
{
    expect_events(STR("data: hello\n\n"), "event data=hello\n");
}

TEST(events_of_all_fields_are_read)
{
    expect_events(STR("event: add\ndata: 1\nid: 7\nretry: 1500\n\ndata: 2\n\n"),
                  "event event=add id=7 retry=1500 data=1\nevent data=2\n");
}

/* mapping: §15 reading data lines */
TEST(data_lines_are_joined_by_lf)
{
    expect_events(STR("data: a\ndata:b\ndata:  c\ndata\ndata:\ndata: d\n\n"),
                  "event data=a|b| c|||d\n");
}

TEST(one_leading_space_of_a_value_is_dropped)
{
    expect_events(STR("data:x\n\ndata: x\n\ndata:  x \n\n"),
                  "event data=x\nevent data=x\nevent data= x \n");
}

TEST(field_without_a_colon_has_an_empty_value)
{
    expect_events(STR("data\n\ndata\ndata\n\ndata:"),
                  "event data=\nevent data=|\nunfinished data=\n");
}

/* mapping: §15 reading comments and unknown fields */
TEST(unknown_fields_and_wrong_case_say_nothing)
{
    expect_events(STR("Data: 1\nfoo: 2\n data: 3\ndata : 4\ndata: 5\ndatax: 6\n\n"),
                  "event data=5\n");
}

TEST(comments_are_skipped_and_are_blocks_alone)
{
    expect_events(STR(": keepalive\n\n:\n\n: a\ndata: 1\n:b\n\n"), "block\nblock\nevent data=1\n");
}

TEST(blocks_without_data_are_no_events)
{
    expect_events(STR("event: x\n\nid: 1\n\nretry: 5\n\n"),
                  "block event=x\nblock id=1\nblock retry=5\n");
}

TEST(last_event_field_counts)
{
    expect_events(STR("event: a\nevent: b\ndata: 1\n\nevent: c\nevent\ndata: 2\n\n"),
                  "event event=b data=1\nevent data=2\n");
}

TEST(empty_lines_between_blocks_belong_to_the_next)
{
    expect_events(STR("\n\ndata: 1\n\n\n\n\ndata: 2\n\n\n"), "event data=1\nevent data=2\n");
}

TEST(retry_that_is_no_number_is_ignored)
{
    expect_events(STR("retry: 10\nretry: 1x\nretry: -1\nretry:\ndata: 1\n\n"),
                  "event retry=10 data=1\n");
}

TEST(id_with_a_nul_is_ignored)
{
    expect_events(STR("id: a\nid: b\0c\ndata: 1\n\n"), "event id=a data=1\n");
}

TEST(nul_and_utf8_in_data_are_kept)
{
    expect_events(STR("data: \xe2\x9c\x93\xf0\x9f\x98\x80\n\n"),
                  "event data=\xe2\x9c\x93\xf0\x9f\x98\x80\n");
    struct listing l;
    read_stream(&l, STR("data: a\0b\n\n"), 0, 100, 0);
    EXPECT_MEM(l.said.ptr, l.said.len, "event data=a\0b\n", 15);
    listing_release(&l);
}

/* mapping: §15 reading split */
TEST(bom_is_skipped_at_the_begin_only)
{
    expect_events(STR("\xef\xbb\xbf"
                      "data: 1\n\n\xef\xbb\xbf"
                      "data: 2\n\n"),
                  "event data=1\nblock\n");
    expect_events(STR("\xef\xbb\xbf\xef\xbb\xbf"
                      "data: 1\n\n"),
                  "block\n");
    expect_events(STR("\xef\xbb\xbf\n\ndata: 1\n\n"), "block\nevent data=1\n");
}

/* mapping: §15 reading last event */
TEST(unfinished_block_is_told)
{
    expect_events(STR("data: 1\n\ndata: 2\n"), "event data=1\nunfinished data=2\n");
    expect_events(STR("data: 1\n\ndat"), "event data=1\nunfinished\n");
    expect_events(STR(":"), "unfinished\n");
    expect_events(STR("data: 1\n\n\n"), "event data=1\n");
    expect_events(STR(""), "");
}

/* mapping: §15 reading line endings */
TEST(line_ends_may_be_mixed)
{
    expect_exactly(
        STR("data: 1\r\n\ndata: 2\n\r\ndata: 3\r\r\ndata: 4\r\rdata: 5\n\ndata:6\r\n\r\n"),
        "event data=1\nevent data=2\nevent data=3\nevent data=4\nevent data=5\n"
        "event data=6\n");
}

TEST(event_comes_with_the_cr_that_ends_it_and_its_lf_later)
{
    struct sse_reader r;
    struct sse_event ev;
    sse_reader_init(&r, 0);
    str bytes = STR("data: 1\r\n\r");
    EXPECT_EQ(sse_next(&r, &bytes, &ev), SSE_EVENT);
    EXPECT_STR(ev.raw, "data: 1\r\n\r");
    EXPECT_EQ(sse_next(&r, &bytes, &ev), SSE_NEED_MORE);
    bytes = STR("\ndata: 2\r\n\r\n");
    EXPECT_EQ(sse_next(&r, &bytes, &ev), SSE_EVENT);
    EXPECT_STR(ev.raw, "\ndata: 2\r\n\r\n");
    EXPECT_STR(ev.data, "2");
    EXPECT(!sse_end(&r, &ev));
    sse_reader_release(&r);
}

TEST(whole_events_take_no_memory_and_are_not_copied)
{
    struct sse_reader r;
    struct sse_event ev;
    sse_reader_init(&r, 0);
    str all = STR("data: 1\n\ndata: 2\n\n"), bytes = all;
    EXPECT_EQ(sse_next(&r, &bytes, &ev), SSE_EVENT);
    EXPECT(ev.raw.ptr == all.ptr && ev.data.ptr == all.ptr + 6);
    EXPECT_EQ(sse_next(&r, &bytes, &ev), SSE_EVENT);
    EXPECT(ev.data.ptr == all.ptr + 15);
    EXPECT_EQ(sse_next(&r, &bytes, &ev), SSE_NEED_MORE);
    EXPECT_EQ(r.tail.cap + r.joined.cap, 0);
    sse_reader_release(&r);
}

TEST(event_at_the_limit_passes_and_one_byte_more_does_not)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_lit(&b, "data: x\n\ndata: ");
    while (b.len < 9 + 1000 - 2)
        buf_add_byte(&b, 'y');
    buf_add_lit(&b, "\n\n");
    str all = buf_str(&b);
    for (size_t piece = 1; piece < 1200; piece += 97) {
        struct listing l;
        read_stream(&l, all, 1000, piece, piece);
        EXPECT_EQ(l.err, ERR_NONE);
        listing_release(&l);
        read_stream(&l, all, 999, piece, piece);
        EXPECT_EQ(l.err, ERR_UPSTREAM_TOO_LARGE);
        EXPECT_STR(buf_str(&l.said), "event data=x\n");
        listing_release(&l);
    }
    buf_release(&b);
}

TEST(endless_event_is_an_error_that_stays)
{
    struct sse_reader r;
    struct sse_event ev;
    enum sse_step step = SSE_NEED_MORE;
    sse_reader_init(&r, 10000);
    for (int i = 0; i < 200 && step == SSE_NEED_MORE; i++) {
        str bytes = STR("data: 0123456789012345678901234567890123456789012345678901234567890123");
        step = sse_next(&r, &bytes, &ev);
    }
    EXPECT_EQ(step, SSE_ERROR);
    EXPECT_EQ(r.err, ERR_UPSTREAM_TOO_LARGE);
    str bytes = STR("\n\ndata: 1\n\n");
    EXPECT_EQ(sse_next(&r, &bytes, &ev), SSE_ERROR);
    EXPECT_LE(r.tail.cap, 20000);
    sse_reader_release(&r);
}

TEST(memory_of_a_large_event_is_given_back)
{
    struct sse_reader r;
    struct sse_event ev;
    sse_reader_init(&r, 0);
    struct buf b;
    buf_init(&b, 0);
    buf_add_lit(&b, "data: ");
    while (b.len < 1 << 20)
        buf_add_byte(&b, 'x');
    str bytes = buf_str(&b);
    EXPECT_EQ(sse_next(&r, &bytes, &ev), SSE_NEED_MORE);
    bytes = STR("\n\n");
    EXPECT_EQ(sse_next(&r, &bytes, &ev), SSE_EVENT);
    EXPECT_EQ(ev.data.len, b.len - 6);
    EXPECT_EQ(sse_next(&r, &bytes, &ev), SSE_NEED_MORE);
    EXPECT_EQ(r.tail.cap, 0);
    sse_reader_release(&r);
    buf_release(&b);
}

/* Random streams from a small alphabet against a plain reading of the standard: line by line. */
static void reference(struct buf *out, str s)
{
    struct buf data;
    buf_init(&data, 0);
    bool any = false, first = true;
    size_t at = 0;
    while (at < s.len) {
        size_t end = at;
        while (end < s.len && s.ptr[end] != '\n' && s.ptr[end] != '\r')
            end++;
        if (end == s.len)
            break; /* a line that is not ended */
        str line = str_make(s.ptr + at, end - at);
        at = end + 1 + (s.ptr[end] == '\r' && end + 1 < s.len && s.ptr[end + 1] == '\n');
        if (first && str_starts(line, STR("\xef\xbb\xbf")))
            line = str_from(line, 3);
        first = false;
        if (line.len == 0) {
            if (any)
                buf_printf(out, "<%.*s>", (int)data.len - 1, data.ptr);
            buf_clear(&data);
            any = false;
            continue;
        }
        str value = line;
        str name = str_split(&value, ':');
        if (str_starts(value, STR(" ")))
            value = str_from(value, 1);
        if (str_eq(name, STR("data"))) {
            buf_add_str(&data, value);
            buf_add_byte(&data, '\n');
            any = true;
        }
    }
    buf_release(&data);
}

TEST(random_streams_are_read_as_the_standard_says)
{
    static const char *const words[] = {"data:", "data: ", "data",         ":",      "\n",
                                        "\r",    "\r\n",   "\n\n",         "x",      " ",
                                        "a:b",   "id:1",   "\xef\xbb\xbf", "event:e"};
    uint32_t seed = 12345;
    for (int round = 0; round < 3000; round++) {
        struct buf in, expected, actual;
        buf_init(&in, 0);
        buf_init(&expected, 0);
        buf_init(&actual, 0);
        for (int i = 0; i < 24; i++) {
            seed = seed * 1664525 + 1013904223;
            buf_add_str(&in, str_from_c(words[(seed >> 16) % ARRAY_LEN(words)]));
        }
        reference(&expected, buf_str(&in));
        struct sse_reader r;
        struct sse_event ev;
        sse_reader_init(&r, 0);
        for (size_t at = 0; at < in.len;) {
            seed = seed * 1664525 + 1013904223;
            size_t len = 1 + (seed >> 16) % 20;
            str piece = str_first(str_from(buf_str(&in), at), len);
            at += piece.len;
            while (sse_next(&r, &piece, &ev) == SSE_EVENT)
                if (ev.is_event)
                    buf_printf(&actual, "<%.*s>", STR_ARG(ev.data));
        }
        sse_reader_release(&r);
        if (!str_eq(buf_str(&actual), buf_str(&expected)))
            EXPECT_FAIL("in: '%.*s'\nis: '%.*s'\nnot: '%.*s'", STR_ARG(buf_str(&in)),
                        STR_ARG(buf_str(&actual)), STR_ARG(buf_str(&expected)));
        buf_release(&in);
        buf_release(&expected);
        buf_release(&actual);
    }
}

/* ---- Writing ---- */

static void expect_written(str event, str data, const char *expected)
{
    struct buf b;
    buf_init(&b, 0);
    sse_write(&b, event, data);
    EXPECT_STR(buf_str(&b), expected);
    buf_release(&b);
}

TEST(events_are_written)
{
    expect_written(STR_NULL, STR("[DONE]"), "data: [DONE]\n\n");
    expect_written(STR("error"), STR("{}"), "event: error\ndata: {}\n\n");
    expect_written(STR_NULL, STR(""), "data: \n\n");
    expect_written(STR_NULL, STR("a\nb\r\nc\rd\n"),
                   "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
    expect_written(STR("a\ndata: b"), STR("x"), "event: adata: b\ndata: x\n\n");
}

TEST(comments_are_written)
{
    struct buf b;
    buf_init(&b, 0);
    sse_write_comment(&b, STR("keepalive"));
    sse_write_comment(&b, STR("a\n\ndata: b\r"));
    EXPECT_STR(buf_str(&b), ": keepalive\n\n: a  data: b \n\n");
    buf_release(&b);
}
