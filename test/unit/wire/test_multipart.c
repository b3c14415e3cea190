/* Forms: each one whole, byte by byte and in every cut into two. */
#include "support/test.h"
#include "wire/multipart.h"

#define PART(name) "--B\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define FIELD(name, value) PART(name) value "\r\n"
#define FILE_HEAD                                                                                  \
    "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"                 \
    "Content-Type: audio/wav\r\n\r\n"
#define LAST "--B--\r\n"

struct outcome {
    enum multipart_step step; /* the first that is not NEED_MORE, else NEED_MORE */
    size_t done_at;           /* bytes fed when it was DONE */
    bool failed, complete;
    const char *reason;
    struct multipart_field model, stream;
};

static struct outcome run(str body, uint64_t limit, size_t first, size_t rest)
{
    struct multipart_reader r;
    struct outcome o = {.step = MULTIPART_NEED_MORE};
    multipart_reader_init(&r, STR("B"), limit);
    multipart_want(&r, STR("model"), true);
    multipart_want(&r, STR("stream"), false);
    size_t fed = 0;
    for (size_t len = first; fed < body.len && !o.failed; len = rest ? rest : body.len) {
        str piece = str_first(str_from(body, fed), len);
        enum multipart_step step = multipart_feed(&r, piece);
        fed += piece.len;
        if (o.step == MULTIPART_NEED_MORE && step != MULTIPART_NEED_MORE) {
            o.step = step;
            o.done_at = fed;
        }
        EXPECT(!(o.step == MULTIPART_DONE && step == MULTIPART_NEED_MORE));
        o.failed = step == MULTIPART_ERROR;
    }
    o.complete = multipart_end(&r);
    o.reason = r.reason;
    if (multipart_field(&r, STR("model")))
        o.model = *multipart_field(&r, STR("model"));
    if (multipart_field(&r, STR("stream")))
        o.stream = *multipart_field(&r, STR("stream"));
    multipart_reader_release(&r);
    return o;
}

static void expect_value(str body, const struct multipart_field *field, const char *expected)
{
    if (!expected) {
        EXPECT(!field->found);
        return;
    }
    EXPECT(field->found);
    EXPECT_STR(str_make(body.ptr + field->start, field->len), expected);
}

static void expect_form(str body, const char *model, const char *stream)
{
    for (size_t cut = 0; cut <= body.len; cut++) {
        struct outcome o = run(body, 0, cut ? cut : 1, cut ? 0 : 1);
        if (!o.complete)
            EXPECT_FAIL("cut %zu: %s", cut, o.reason);
        EXPECT_EQ(o.step, MULTIPART_DONE);
        expect_value(body, &o.model, model);
        expect_value(body, &o.stream, stream);
    }
}

static void expect_refused(str body, const char *reason)
{
    for (size_t cut = 0; cut <= body.len; cut++) {
        struct outcome o = run(body, 0, cut ? cut : 1, cut ? 0 : 1);
        EXPECT(!o.complete);
        EXPECT_CONTAINS(o.reason, reason);
    }
}

TEST(fields_before_the_file_are_found)
{
    expect_form(STR(FIELD("model", "whisper-1") FIELD("stream", "true") FILE_HEAD "RIFF\r\n" LAST),
                "whisper-1", "true");
}

TEST(fields_behind_a_small_file_are_found)
{
    expect_form(STR(FILE_HEAD "RIFF\r\n--\r\n--A\r\r\n\r\n-\r\n" FIELD("model", "m") LAST), "m",
                NULL);
}

TEST(other_fields_are_passed_over)
{
    expect_form(STR(FIELD("prompt", "a\r\nmodel=x") FIELD("models", "x") FIELD("Model", "y")
                        FIELD("model", "") LAST),
                "", NULL);
}

TEST(names_are_read_quoted_and_not)
{
    expect_form(STR("--B\r\ncontent-disposition:form-data;name=model\r\n\r\nx\r\n" LAST), "x",
                NULL);
    expect_form(
        STR("--B\r\nContent-Type: text/plain\r\n"
            "CONTENT-DISPOSITION: Form-Data ; foo=bar ; NAME=\"model\" ;\r\n\r\nx\r\n--B--"),
        "x", NULL);
}

TEST(body_without_fields_is_complete)
{
    expect_form(STR("--B--\r\n"), NULL, NULL);
    expect_form(STR("--B--"), NULL, NULL);
    expect_form(STR("--B--\r"), NULL, NULL);
}

TEST(reader_is_done_as_soon_as_it_knows)
{
    str both = STR(FIELD("stream", "true") FIELD("model", "m") "--B\r\nContent-");
    struct outcome o = run(both, 0, 1, 1);
    EXPECT_EQ(o.step, MULTIPART_DONE);
    EXPECT_EQ(o.done_at, both.len - 10); /* with the delimiter behind the last value */
}

TEST(reader_is_done_when_a_file_begins_behind_the_model)
{
    str body = STR(FIELD("model", "m") FILE_HEAD "RIFF...");
    struct outcome o = run(body, 0, 1, 1);
    EXPECT_EQ(o.step, MULTIPART_DONE);
    EXPECT_EQ(o.done_at, body.len - 7);
}

TEST(reader_gives_up_at_its_limit)
{
    char body[3000] = FILE_HEAD;
    memset(body + sizeof(FILE_HEAD) - 1, 'x', sizeof(body) - sizeof(FILE_HEAD) + 1);
    struct outcome o = run(str_make(body, sizeof(body)), 1000, 1, 1);
    EXPECT_EQ(o.step, MULTIPART_DONE);
    EXPECT_EQ(o.done_at, 1000);
    EXPECT(!o.model.found);
}

TEST(wanted_field_twice_is_refused)
{
    expect_refused(STR(FIELD("model", "a") FIELD("model", "b") LAST), "twice");
    expect_refused(STR(FIELD("model", "a") FILE_HEAD "RIFF\r\n" FIELD("model", "b") LAST), "twice");
}

TEST(wanted_field_behind_the_file_is_refused_when_it_comes_too_late)
{
    expect_refused(STR(FIELD("model", "a") FILE_HEAD "RIFF\r\n" FIELD("stream", "b") LAST),
                   "too late");
}

TEST(wanted_field_as_a_file_is_refused)
{
    expect_refused(
        STR("--B\r\nContent-Disposition: form-data; name=\"model\"; filename=\"x\"\r\n\r\n"
            "m\r\n" LAST),
        "file");
    expect_refused(STR("--B\r\nContent-Disposition: form-data; name=\"model\"\r\n"
                       "Content-Transfer-Encoding: base64\r\n\r\nbQ==\r\n" LAST),
                   "encoded");
}

TEST(ambiguous_heads_are_refused)
{
    expect_refused(STR("--B\r\nContent-Disposition: form-data; name=\"a\"; name=\"model\"\r\n\r\n"),
                   "several names");
    expect_refused(STR("--B\r\nContent-Disposition: form-data; name=\"a\"\r\n"
                       "Content-Disposition: form-data; name=\"model\"\r\n\r\n"),
                   "several content-disposition");
    expect_refused(STR("--B\r\nContent-Disposition: form-data; name*=utf-8''model\r\n\r\n"),
                   "extended name");
    expect_refused(
        STR("--B\r\nContent-Disposition: form-data; filename=\"a\\\"; name=\"model\"\r\n\r\n"),
        "not valid");
    expect_refused(STR("--B\r\nContent-Disposition: form-data; name=\"a\r\n\r\n"), "not valid");
    expect_refused(STR("--B\r\nContent-Disposition: form-data; name=\"a\"b\r\n\r\n"), "not valid");
    expect_refused(STR("--B\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n"),
                   "not form-data");
    expect_refused(STR("--B\r\nContent-Disposition: form-data\r\n\r\n"), "without a name");
    expect_refused(STR("--B\r\nContent-Type: text/plain\r\n\r\n"), "without a name");
    expect_refused(STR("--B\r\n\r\nx"), "without a name");
    expect_refused(STR("--B\r\nContent-Disposition: form-data;\r\n name=\"model\"\r\n\r\n"),
                   "not valid");
    expect_refused(STR("--B\r\nContent-Disposition : form-data; name=\"model\"\r\n\r\n"),
                   "not valid");
    expect_refused(STR("--B\r\nContent-Disposition: form-data; name=\"model\"\n\r\nx"),
                   "LF without CR");
    expect_refused(STR("--B\r\nContent-Disposition: form-data;\rname=\"model\"\r\n\r\nx"),
                   "CR without LF");
}

TEST(ambiguous_boundaries_are_refused)
{
    expect_refused(STR("preamble\r\n--B\r\n"), "begin with its boundary");
    expect_refused(STR("\r\n--B\r\n"), "begin with its boundary");
    expect_refused(STR("--BX\r\n"), "only begins like");
    expect_refused(STR("--B \r\n"), "only begins like");
    expect_refused(STR("--B\n"), "only begins like");
    expect_refused(STR("--B\r\r"), "only begins like");
    expect_refused(STR("--B-x"), "only begins like");
    expect_refused(STR(FIELD("a", "b") "--BX\r\n" LAST), "only begins like");
    expect_refused(STR(FIELD("a", "b") LAST "x"), "behind the closing");
    expect_refused(STR(FIELD("a", "b") LAST "\r\n"), "behind the closing");
}

TEST(truncated_bodies_are_refused)
{
    str body = STR(FIELD("model", "m") FILE_HEAD "RIFF\r\n--B--");
    for (size_t len = 0; len < body.len; len++)
        EXPECT(!run(str_first(body, len), 0, 1000, 0).complete);
    EXPECT(run(body, 0, 1000, 0).complete);
}

TEST(delimiter_after_false_starts_is_found)
{
    expect_form(STR(FIELD("model", "\r\r\n\r\n-\r\n--\r\r\n--A") LAST),
                "\r\r\n\r\n-\r\n--\r\r\n--A", NULL);
}

TEST(long_values_and_heads_are_refused)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_lit(&b, PART("model"));
    for (unsigned i = 0; i < MULTIPART_VALUE_MAX; i++)
        buf_add_byte(&b, 'm');
    size_t full = b.len;
    buf_add_lit(&b, "\r\n--B--");
    EXPECT(run(buf_str(&b), 0, 100, 100).complete);
    b.len = full;
    buf_add_lit(&b, "m\r\n--B--");
    EXPECT(!run(buf_str(&b), 0, 100, 100).complete);
    while (b.len < 20000)
        buf_add_byte(&b, 'm');
    b.len = full + 200;
    EXPECT_CONTAINS(run(buf_str(&b), 0, 1, 1).reason, "too long");

    buf_clear(&b);
    buf_add_lit(&b, "--B\r\nx: ");
    while (b.len < 10000)
        buf_add_byte(&b, 'x');
    EXPECT_CONTAINS(run(buf_str(&b), 0, 1000, 1000).reason, "head of a part is too long");
    buf_release(&b);
}

TEST(too_many_parts_are_refused)
{
    struct buf b;
    buf_init(&b, 0);
    for (unsigned i = 0; i < MULTIPART_PARTS_MAX; i++)
        buf_add_lit(&b, FIELD("a", ""));
    size_t full = b.len;
    buf_add_lit(&b, LAST);
    EXPECT(run(buf_str(&b), 0, 1000, 1000).complete);
    b.len = full;
    buf_add_lit(&b, FIELD("a", "") LAST);
    EXPECT_CONTAINS(run(buf_str(&b), 0, 1000, 1000).reason, "too many parts");
    buf_release(&b);
}

TEST(boundary_is_read_from_the_type)
{
    static const char *const cases[][2] = {
        {"multipart/form-data; boundary=abc", "abc"},
        {"Multipart/Form-Data;charset=utf-8;BOUNDARY=\"a b\"", NULL},
        {"multipart/form-data; charset=utf-8; boundary=\"a:b=?\"", "a:b=?"},
        {"multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
         "----WebKitFormBoundary7MA4YWxkTrZu0gW"},
        {"multipart/form-data; boundary=abc;", "abc"},
        {"multipart/form-data", NULL},
        {"multipart/form-data; boundary=", NULL},
        {"multipart/form-data; boundary=\"\"", NULL},
        {"multipart/form-data; boundary=a; boundary=b", NULL},
        {"multipart/form-data; boundary=a b", NULL},
        {"multipart/form-data; boundary=a\"b", NULL},
        {"multipart/form-data; boundary=\"a", NULL},
        {"multipart/form-datax; boundary=a", NULL},
        {"multipart/mixed; boundary=a", NULL},
        {"application/json", NULL},
        {"", NULL},
        {"multipart/form-data; boundary="
         "0123456789012345678901234567890123456789012345678901234567890123456789",
         "0123456789012345678901234567890123456789012345678901234567890123456789"},
        {"multipart/form-data; boundary="
         "01234567890123456789012345678901234567890123456789012345678901234567890",
         NULL},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        str boundary = STR_NULL;
        bool ok = multipart_boundary(str_from_c(cases[i][0]), &boundary);
        EXPECT_EQ(ok, cases[i][1] != NULL);
        if (ok)
            EXPECT_STR(boundary, cases[i][1]);
    }
    str boundary;
    EXPECT(!multipart_boundary(STR_NULL, &boundary));
}
